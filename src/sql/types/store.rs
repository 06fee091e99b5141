//! Store assignment: a value into a column.
//!
//! In strict mode (a write without IGNORE) what does not fit is an error; otherwise it is cut to what fits, with a
//! warning. What every mode changes silently or with a note: digits after the point that are rounded away, spaces at the
//! end of a CHAR. What each kind of types does stands in `kinds`.

use super::{Datum, Decimal, FieldType, TypeKind, ValueContext};
use crate::common::{SqlError, SqlResult, errno};

/// Where a value goes, for messages.
pub(super) struct Target<'a> {
    pub(super) field_type: &'a FieldType,
    pub(super) column: &'a str,
    row: u64,
    pub(super) ctx: &'a ValueContext,
}

/// A value as the column stores it. NULL stays NULL: whether that is allowed is for the caller to say. `row` is the
/// statement's row, from 1, for messages.
pub fn convert_for_column(
    value: Datum,
    field_type: &FieldType,
    column: &str,
    row: u64,
    ctx: &ValueContext,
) -> SqlResult<Datum> {
    if value.is_null() {
        return Ok(Datum::Null);
    }
    let value = match value {
        // As its text, unless the column holds documents.
        Datum::Json(json) if field_type.kind != TypeKind::Json => Datum::from(json.to_text()),
        value => value,
    };
    field_type.kind.definition().assign(value, &Target { field_type, column, row, ctx })
}

/// A value of a column of one type as another column stores it. A number that is written as its own type has it is that text.
pub fn convert_between(
    value: Datum,
    from: &FieldType,
    to: &FieldType,
    column: &str,
    row: u64,
    ctx: &ValueContext,
) -> SqlResult<Datum> {
    let as_text = !value.is_null() && to.kind.is_string() && from.has_text_of_its_own();
    let value = if as_text { Datum::Bytes(value.to_bytes_as(from)) } else { value };
    convert_for_column(value, to, column, row, ctx)
}

impl FieldType {
    /// Error for a NULL in a NOT NULL column. Error 1048.
    pub fn null_error(column: &str) -> SqlError {
        SqlError::new(errno::BAD_NULL, format!("Column '{column}' cannot be null"))
    }

    /// What a NOT NULL column without a default holds when a statement that is not strict leaves it out.
    pub fn implicit_default(&self) -> Datum {
        self.kind.definition().implicit_default(self)
    }

    /// The value of a default that is kept in another form than as a text to be assigned: that of BIT, and members of ENUM and SET.
    pub fn default_of_text(&self, text: &str) -> Option<Datum> {
        self.kind.definition().default_of_text(text, self)
    }
}

impl Target<'_> {
    pub(super) fn fail(&self, code: u16, what: &str) -> SqlResult<()> {
        let message = format!("{what} for column '{}' at row {}", self.column, self.row);
        self.ctx.warn_or_fail(code, message)
    }

    pub(super) fn out_of_range(&self) -> SqlResult<()> {
        self.fail(errno::WARN_DATA_OUT_OF_RANGE, "Out of range value")
    }

    pub(super) fn data_truncated(&self) -> SqlResult<()> {
        self.fail(errno::WARN_DATA_TRUNCATED, "Data truncated")
    }

    pub(super) fn note_truncated(&self) {
        let message = format!("Data truncated for column '{}' at row {}", self.column, self.row);
        self.ctx.note(errno::WARN_DATA_TRUNCATED, message);
    }

    pub(super) fn incorrect(&self, code: u16, what: &str, value: &Datum) -> SqlResult<()> {
        self.fail(code, &format!("Incorrect {what} value: '{}'", value.to_text()))
    }

    /// A text's number: no number at all is error 1366, anything behind it 1265.
    pub(super) fn number_of_text(
        &self,
        value: &Datum,
        text: &[u8],
        what: &str,
    ) -> SqlResult<Decimal> {
        let parsed = Decimal::parse_prefix(text);
        if parsed.consumed == 0 {
            self.incorrect(errno::TRUNCATED_WRONG_VALUE_FOR_FIELD, what, value)?;
        } else if !text[parsed.consumed..].iter().all(u8::is_ascii_whitespace) {
            self.data_truncated()?;
        }
        Ok(parsed.value)
    }
}

/// The nearest integer; the ends of what there is for what is beyond.
pub(super) fn saturating_integer(number: &Decimal) -> i128 {
    let end = if number.is_negative() { i128::MIN } else { i128::MAX };
    number.round(0).unscaled.to_i128().unwrap_or(end)
}
