//! A call being computed for a row, and how it gets at its arguments.

use bytes::Bytes;

use super::definition::Definition;
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::expr::{EvalContext, Expr};
use crate::sql::types::{
    Collation, Datum, Decimal, Duration, FieldType, IntervalUnit, Time, TimeKind, TimeRules,
};

/// The value of an argument that is not NULL; NULL as the function's answer otherwise.
macro_rules! not_null {
    ($value:expr) => {
        match $value? {
            Some(value) => value,
            None => return Ok(crate::sql::types::Datum::Null),
        }
    };
}
pub(super) use not_null;

/// A call being computed for a row.
pub struct Call<'a> {
    pub(in crate::sql) definition: &'static Definition,
    pub(in crate::sql) expr: &'a Expr,
    pub(in crate::sql) args: &'a [Expr],
    pub(in crate::sql) field_type: &'a FieldType,
    pub(in crate::sql) row: &'a [Datum],
    pub(in crate::sql) ctx: &'a EvalContext,
}

impl Call<'_> {
    pub(super) fn value(&self, position: usize) -> SqlResult<Datum> {
        self.args[position].eval(self.row, self.ctx)
    }

    pub(super) fn arg_type(&self, position: usize) -> &FieldType {
        self.args[position].field_type()
    }

    /// An argument as text.
    pub(super) fn bytes(&self, position: usize) -> SqlResult<Option<Bytes>> {
        let value = self.value(position)?;
        Ok((!value.is_null()).then(|| value.to_bytes_as(self.arg_type(position))))
    }

    /// An argument as text in UTF-8.
    pub(super) fn text(&self, position: usize) -> SqlResult<Option<String>> {
        Ok(self.bytes(position)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// An argument as an integer, clipped to its range.
    pub(super) fn int(&self, position: usize) -> SqlResult<Option<i64>> {
        Ok(match self.value(position)? {
            Datum::Null => None,
            Datum::UInt(number) => Some(i64::try_from(number).unwrap_or(i64::MAX)),
            value => Some(value.to_i64(self.ctx)?),
        })
    }

    pub(super) fn float(&self, position: usize) -> SqlResult<Option<f64>> {
        let value = self.value(position)?;
        if value.is_null() { Ok(None) } else { value.to_f64(self.ctx).map(Some) }
    }

    pub(super) fn decimal(&self, position: usize) -> SqlResult<Option<Decimal>> {
        let value = self.value(position)?;
        if value.is_null() { Ok(None) } else { value.to_decimal(self.ctx).map(Some) }
    }

    /// An argument as 64 bits.
    pub(super) fn bits(&self, position: usize) -> SqlResult<Option<u64>> {
        let value = self.value(position)?;
        if value.is_null() { Ok(None) } else { value.to_u64(self.ctx).map(Some) }
    }

    pub(super) fn truth(&self, position: usize) -> SqlResult<Option<bool>> {
        self.value(position)?.to_bool(self.ctx)
    }

    pub(super) fn time(&self, position: usize) -> SqlResult<Option<Time>> {
        self.value(position)?.to_time(TimeKind::DateTime, 6, self.ctx)
    }

    /// A date argument, zero months and days allowed.
    pub(super) fn lenient_time(&self, position: usize) -> SqlResult<Option<Time>> {
        let rules = TimeRules { zone: self.ctx.time_zone, ..TimeRules::lenient() };
        self.value(position)?.to_time_by(TimeKind::DateTime, 6, &rules, self.ctx)
    }

    pub(super) fn duration(&self, position: usize) -> SqlResult<Option<Duration>> {
        self.value(position)?.to_duration(6, self.ctx)
    }

    /// The keyword given as a text argument (`'DAY'`).
    pub(super) fn keyword(&self, position: usize) -> SqlResult<String> {
        Ok(self.text(position)?.unwrap_or_default())
    }

    /// The unit given as a text argument.
    pub(super) fn unit(&self, position: usize) -> SqlResult<IntervalUnit> {
        let name = self.keyword(position)?;
        IntervalUnit::by_name(&name).ok_or_else(|| {
            SqlError::new(errno::WRONG_ARGUMENTS, format!("Incorrect arguments: the unit '{name}'"))
        })
    }

    /// Whether strings are worked on as bytes, not characters.
    pub(super) fn is_binary(&self, position: usize) -> bool {
        self.arg_type(position).is_binary_string()
    }

    /// The collation the call compares strings in.
    pub(super) fn collation(&self) -> Collation {
        self.field_type.collation
    }

    /// An argument's value as one of the call's type: as text by the argument's type, if that is what is asked for.
    pub(super) fn as_result(&self, value: Datum, position: usize) -> Datum {
        if self.field_type.kind.is_string() && !value.is_null() {
            return Datum::Bytes(value.to_bytes_as(self.arg_type(position)));
        }
        value
    }

    /// Error 1690 for this call.
    pub(super) fn out_of_range(&self, what: &str) -> SqlError {
        SqlError::new(
            errno::DATA_OUT_OF_RANGE,
            format!("{what} value is out of range in '{}'", self.expr),
        )
    }

    /// A double as an answer.
    pub(super) fn finite(&self, result: f64) -> SqlResult<Datum> {
        if result.is_finite() { Ok(Datum::Float(result)) } else { Err(self.out_of_range("DOUBLE")) }
    }

    /// Whether a string result of so many bytes may be: NULL takes the place of one longer than `max_allowed_packet`,
    /// with warning 1301. To be asked before there is room made for it.
    pub(super) fn limited(&self, length: usize) -> SqlResult<bool> {
        let limit = self.ctx.max_allowed_packet;
        if length <= limit {
            return Ok(true);
        }
        self.ctx.warn_or_fail(
            errno::WARN_ALLOWED_PACKET_OVERFLOWED,
            format!(
                "Result of {}() was larger than max_allowed_packet ({limit}) - truncated",
                self.definition.name()
            ),
        )?;
        Ok(false)
    }
}
