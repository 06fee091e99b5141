//! Store assignment: a value into a column.
//!
//! In strict mode (a write without IGNORE) what does not fit is an error; otherwise it is cut to what fits, with a
//! warning. What every mode changes silently or with a note: digits after the point that are rounded away, spaces at the
//! end of a CHAR.

use bytes::Bytes;

use super::convert::{float_prefix, is_beyond_double, time_kind, utf8};
use super::decimal::Fit;
use super::{Collation, Datum, Decimal, Duration, FieldType, Time, TimeKind, TypeKind, time};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::expr::EvalContext;

/// Where a value goes, for messages.
struct Target<'a> {
    field_type: &'a FieldType,
    column: &'a str,
    row: u64,
    ctx: &'a EvalContext,
}

/// A value as the column stores it. NULL stays NULL: whether that is allowed is for the caller to say. `row` is the
/// statement's row, from 1, for messages.
pub fn convert_for_column(
    value: Datum,
    field_type: &FieldType,
    column: &str,
    row: u64,
    ctx: &EvalContext,
) -> SqlResult<Datum> {
    let target = Target { field_type, column, row, ctx };
    match (&value, field_type.kind) {
        (Datum::Null, _) => Ok(Datum::Null),
        (_, TypeKind::Year) => target.year(&value),
        (_, TypeKind::Decimal) => target.decimal(&value),
        (_, TypeKind::Float | TypeKind::Double) => target.float(&value),
        (_, TypeKind::Time) => target.duration(&value),
        (_, TypeKind::Null) => Ok(value),
        (_, kind) if kind.is_calendar() => target.time(&value),
        (_, kind) if kind.is_integer() => target.integer(&value),
        _ => target.string(value),
    }
}

impl FieldType {
    /// Smallest and largest value of an integer type.
    pub fn integer_range(&self) -> (i128, i128) {
        let bits = match self.kind {
            TypeKind::TinyInt => 8,
            TypeKind::SmallInt => 16,
            TypeKind::MediumInt => 24,
            TypeKind::Int => 32,
            _ => 64,
        };
        if self.unsigned {
            (0, (1 << bits) - 1)
        } else {
            (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
        }
    }
}

impl Target<'_> {
    fn fail(&self, code: u16, what: &str) -> SqlResult<()> {
        let message = format!("{what} for column '{}' at row {}", self.column, self.row);
        self.ctx.warn_or_fail(code, message)
    }

    fn out_of_range(&self) -> SqlResult<()> {
        self.fail(errno::WARN_DATA_OUT_OF_RANGE, "Out of range value")
    }

    fn data_truncated(&self) -> SqlResult<()> {
        self.fail(errno::WARN_DATA_TRUNCATED, "Data truncated")
    }

    fn note_truncated(&self) {
        let message = format!("Data truncated for column '{}' at row {}", self.column, self.row);
        self.ctx.note(errno::WARN_DATA_TRUNCATED, message);
    }

    fn incorrect(&self, code: u16, what: &str, value: &Datum) -> SqlResult<()> {
        self.fail(code, &format!("Incorrect {what} value: '{}'", value.to_text()))
    }

    /// A text's number: no number at all is error 1366, anything behind it 1265.
    fn number_of_text(&self, value: &Datum, text: &[u8], what: &str) -> SqlResult<Decimal> {
        let parsed = Decimal::parse_prefix(text);
        if parsed.consumed == 0 {
            self.incorrect(errno::TRUNCATED_WRONG_VALUE_FOR_FIELD, what, value)?;
        } else if !text[parsed.consumed..].iter().all(u8::is_ascii_whitespace) {
            self.data_truncated()?;
        }
        Ok(parsed.value)
    }

    fn integer(&self, value: &Datum) -> SqlResult<Datum> {
        let number = match value {
            Datum::Int(number) => i128::from(*number),
            Datum::UInt(number) => i128::from(*number),
            Datum::Float(number) => number.round_ties_even() as i128,
            Datum::Bytes(text) => {
                let number = self.number_of_text(value, text, "integer")?;
                saturating_integer(&number)
            }
            other => saturating_integer(&other.to_decimal(self.ctx)?),
        };
        let (min, max) = self.field_type.integer_range();
        let fitted = number.clamp(min, max);
        if fitted != number {
            self.out_of_range()?;
        }
        Ok(if self.field_type.unsigned {
            Datum::UInt(fitted as u64)
        } else {
            Datum::Int(fitted as i64)
        })
    }

    fn decimal(&self, value: &Datum) -> SqlResult<Datum> {
        let number = match value {
            Datum::Bytes(text) => self.number_of_text(value, text, "decimal")?,
            other => other.to_decimal(self.ctx)?,
        };
        let (precision, scale) = self.field_type.precision_scale();
        if self.field_type.unsigned && number.is_negative() {
            self.out_of_range()?;
            return Ok(Datum::Decimal(Decimal::new(0, scale)));
        }
        let (fitted, fit) = number.fit(precision, scale);
        match fit {
            Fit::Exact => {}
            Fit::Rounded => self.note_truncated(),
            Fit::Overflow => self.out_of_range()?,
        }
        Ok(Datum::Decimal(fitted))
    }

    fn float(&self, value: &Datum) -> SqlResult<Datum> {
        let mut number = match value {
            Datum::Bytes(text) => {
                let (number, clean) = float_prefix(text);
                if is_beyond_double(text) {
                    self.out_of_range()?;
                } else if !clean {
                    self.data_truncated()?;
                }
                number
            }
            other => other.to_f64(self.ctx)?,
        };
        let mut limit = f64::MAX;
        if self.field_type.kind == TypeKind::Float {
            limit = f64::from(f32::MAX);
        }
        if let (Some(length), Some(decimals)) = (self.field_type.length, self.field_type.decimals) {
            let unit = 10_f64.powi(i32::from(decimals));
            number = (number * unit).round() / unit;
            let whole = length.saturating_sub(u32::from(decimals));
            limit = limit.min(10_f64.powi(whole as i32) - 1.0 / unit);
        }
        let low = if self.field_type.unsigned { 0.0 } else { -limit };
        let mut fitted = number.clamp(low, limit);
        if fitted != number {
            self.out_of_range()?;
        }
        if self.field_type.kind == TypeKind::Float {
            fitted = f64::from(fitted as f32);
        }
        Ok(Datum::Float(fitted))
    }

    fn year(&self, value: &Datum) -> SqlResult<Datum> {
        let number = match value {
            Datum::Bytes(text) => {
                let number = self.number_of_text(value, text, "integer")?;
                // The text '0' is the year 2000, the number 0 is the year 0, and so is what is no number.
                let is_number = Decimal::parse_prefix(text).consumed > 0;
                let short = is_number && utf8(text).trim().len() < 4;
                if number.is_zero() && short { 2000 } else { saturating_integer(&number) }
            }
            Datum::Time(time) => i128::from(time.parts().year),
            other => saturating_integer(&other.to_decimal(self.ctx)?),
        };
        let year = match number {
            1..=69 => number + 2000,
            70..=99 => number + 1900,
            _ => number,
        };
        if year != 0 && !(1901..=2155).contains(&year) {
            self.out_of_range()?;
            return Ok(Datum::Int(0));
        }
        Ok(Datum::Int(year as i64))
    }

    fn time(&self, value: &Datum) -> SqlResult<Datum> {
        let kind = time_kind(self.field_type.kind);
        let fsp = self.field_type.fsp();
        let rules = self.ctx.time_rules();
        let mut dirty = false;
        let found = match value {
            Datum::Bytes(text) => Time::parse(&utf8(text), kind, fsp, &rules).map(|parsed| {
                dirty = parsed.truncated;
                parsed.value
            }),
            Datum::Time(time) => {
                let fsp = if kind == TimeKind::Date { time.fsp } else { fsp };
                let valid = time.parts().is_valid(rules.mode);
                let time = time.round_to(fsp, rules.mode).filter(|_| valid);
                time.map(|time| time.with_kind(kind))
            }
            Datum::Duration(_) => value.to_time(kind, fsp, self.ctx)?,
            other => Time::from_number(&other.to_decimal(self.ctx)?, kind, fsp, &rules),
        };
        let found = found.and_then(|time| self.in_range(time));
        let Some(time) = found else {
            self.incorrect(errno::TRUNCATED_WRONG_VALUE, kind.name(), value)?;
            return Ok(Datum::Time(Time::zero(kind, fsp)));
        };
        if dirty {
            self.incorrect(errno::TRUNCATED_WRONG_VALUE, kind.name(), value)?;
        }
        Ok(Datum::Time(time))
    }

    /// TIMESTAMP reaches from 1970-01-01 00:00:01 to 2038-01-19 03:14:07 in UTC, and skips what clocks skip.
    fn in_range(&self, time: Time) -> Option<Time> {
        if time.kind != TimeKind::Timestamp || time.is_zero() {
            return Some(time);
        }
        let unix = match time.unix_micros(&self.ctx.time_zone)? {
            Ok(unix) => unix,
            Err(_) if self.ctx.is_strict() => return None,
            Err(jump) => {
                let moved = Time::from_unix_micros(jump, &self.ctx.time_zone, time.kind, time.fsp)?;
                return Some(moved);
            }
        };
        let range = time::MICROS_PER_SECOND..(1_i64 << 31) * time::MICROS_PER_SECOND;
        range.contains(&unix).then_some(time)
    }

    fn duration(&self, value: &Datum) -> SqlResult<Datum> {
        let (fsp, mode) = (self.field_type.fsp(), self.ctx.sql_mode);
        let mut dirty = false;
        let found = match value {
            Datum::Bytes(text) => Duration::parse(&utf8(text), fsp, mode).map(|parsed| {
                dirty = parsed.truncated;
                (parsed.value, parsed.clipped)
            }),
            Datum::Duration(duration) => Some(duration.round_to(fsp, mode).clip()),
            Datum::Time(time) => Some((time.time_of_day().round_to(fsp, mode), false)),
            other => Duration::from_decimal(&other.to_decimal(self.ctx)?, fsp, mode),
        };
        let Some((duration, clipped)) = found else {
            self.incorrect(errno::TRUNCATED_WRONG_VALUE, "time", value)?;
            return Ok(Datum::Duration(Duration { micros: 0, fsp }));
        };
        if clipped {
            self.out_of_range()?;
        } else if dirty {
            self.incorrect(errno::TRUNCATED_WRONG_VALUE, "time", value)?;
        }
        Ok(Datum::Duration(duration))
    }

    fn string(&self, value: Datum) -> SqlResult<Datum> {
        let bytes = match value {
            Datum::Bytes(bytes) => bytes,
            other => other.to_bytes(),
        };
        if self.field_type.collation == Collation::Binary {
            return self.binary(bytes);
        }
        let Ok(text) = std::str::from_utf8(&bytes) else {
            return self.invalid_utf8(&bytes);
        };
        let kept = self.kept_bytes(text);
        let mut bytes = if kept < bytes.len() {
            if text[kept..].trim_end_matches(' ').is_empty() {
                if self.field_type.kind != TypeKind::Char {
                    self.note_truncated();
                }
            } else {
                self.too_long()?;
            }
            bytes.slice(..kept)
        } else {
            bytes
        };
        if self.field_type.kind == TypeKind::Char {
            let end = bytes.iter().rposition(|byte| *byte != b' ').map_or(0, |last| last + 1);
            bytes = bytes.slice(..end);
        }
        Ok(Datum::Bytes(bytes))
    }

    fn too_long(&self) -> SqlResult<()> {
        if self.ctx.is_strict() {
            self.fail(errno::DATA_TOO_LONG, "Data too long")
        } else {
            self.data_truncated()
        }
    }

    fn invalid_utf8(&self, bytes: &Bytes) -> SqlResult<Datum> {
        let valid =
            std::str::from_utf8(bytes).err().map_or(bytes.len(), |error| error.valid_up_to());
        let shown: String = bytes[valid..]
            .iter()
            .take(6)
            .map(|byte| match byte {
                0x20..=0x7E => char::from(*byte).to_string(),
                byte => format!("\\x{byte:02X}"),
            })
            .collect();
        self.fail(
            errno::TRUNCATED_WRONG_VALUE_FOR_FIELD,
            &format!("Incorrect string value: '{shown}'"),
        )?;
        self.string(Datum::Bytes(bytes.slice(..valid)))
    }

    /// How many bytes of a text the column holds.
    fn kept_bytes(&self, text: &str) -> usize {
        if let Some(most) = self.field_type.most_bytes() {
            let mut end = text.len().min(most);
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            return end;
        }
        let most = self.field_type.display_width() as usize;
        if text.len() <= most {
            return text.len();
        }
        text.char_indices().nth(most).map_or(text.len(), |(at, _)| at)
    }

    fn binary(&self, bytes: Bytes) -> SqlResult<Datum> {
        let most = self
            .field_type
            .most_bytes()
            .unwrap_or_else(|| self.field_type.display_width() as usize);
        if bytes.len() > most {
            self.too_long()?;
            return Ok(Datum::Bytes(bytes.slice(..most)));
        }
        if self.field_type.kind == TypeKind::Char && bytes.len() < most {
            let mut padded = bytes.to_vec();
            padded.resize(most, 0);
            return Ok(Datum::from(padded));
        }
        Ok(Datum::Bytes(bytes))
    }
}

impl FieldType {
    /// The limit in bytes of TEXT and BLOB types; the others count characters.
    fn most_bytes(&self) -> Option<usize> {
        match self.kind {
            TypeKind::TinyText => Some(0xFF),
            TypeKind::Text => Some(0xFFFF),
            TypeKind::MediumText => Some(0xFF_FFFF),
            TypeKind::LongText => Some(0xFFFF_FFFF),
            _ => None,
        }
    }

    /// Error for a NULL in a NOT NULL column. Error 1048.
    pub fn null_error(column: &str) -> SqlError {
        SqlError::new(errno::BAD_NULL, format!("Column '{column}' cannot be null"))
    }

    /// What a NOT NULL column without a default holds when a statement that is not strict leaves it out.
    pub fn implicit_default(&self) -> Datum {
        match self.kind {
            TypeKind::Null => Datum::Null,
            TypeKind::Decimal => Datum::Decimal(Decimal::new(0, self.precision_scale().1)),
            TypeKind::Float | TypeKind::Double => Datum::Float(0.0),
            TypeKind::Time => Datum::Duration(Duration { micros: 0, fsp: self.fsp() }),
            kind if kind.is_calendar() => Datum::Time(Time::zero(time_kind(kind), self.fsp())),
            kind if kind.is_integer() && self.unsigned => Datum::UInt(0),
            kind if kind.is_integer() => Datum::Int(0),
            TypeKind::Char if self.collation == Collation::Binary => {
                Datum::from(vec![0; self.display_width() as usize])
            }
            _ => Datum::Bytes(Bytes::new()),
        }
    }
}

fn saturating_integer(number: &Decimal) -> i128 {
    let end = if number.is_negative() { i128::MIN } else { i128::MAX };
    number.round(0).unscaled.to_i128().unwrap_or(end)
}
