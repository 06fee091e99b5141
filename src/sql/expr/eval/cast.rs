//! CAST, CONVERT and COLLATE.

use bytes::Bytes;

use super::Call;
use crate::common::{SqlResult, errno};
use crate::sql::expr::Function;
use crate::sql::types::{Collation, Datum, TypeKind, decimal::Fit, time_kind};

impl Call<'_> {
    pub(super) fn cast(&self) -> SqlResult<Datum> {
        let value = self.value(0)?;
        if value.is_null() {
            return Ok(Datum::Null);
        }
        match self.function {
            Function::Collate => return Ok(Datum::Bytes(value.to_bytes_as(self.arg_type(0)))),
            Function::SortKey => {
                let bytes = value.to_bytes_as(self.arg_type(0));
                let key = self.arg_type(0).collation.sort_key(&bytes);
                return Ok(Datum::from(key.into_owned()));
            }
            _ => {}
        }
        let target = self.field_type;
        Ok(match target.kind {
            TypeKind::Float => {
                let number = value.to_f64(self.ctx)? as f32;
                if number.is_infinite() {
                    return Err(self.out_of_range("FLOAT"));
                }
                Datum::Float(f64::from(number))
            }
            TypeKind::Double => Datum::Float(value.to_f64(self.ctx)?),
            TypeKind::Decimal => self.cast_decimal(&value)?,
            TypeKind::Time => Datum::from_duration(value.to_duration(target.fsp(), self.ctx)?),
            TypeKind::Null => value,
            TypeKind::Year => return self.cast_year(&value),
            kind if kind.is_calendar() => {
                Datum::from_time(value.to_time(time_kind(kind), target.fsp(), self.ctx)?)
            }
            kind if kind.is_integer() => {
                if target.unsigned {
                    Datum::UInt(value.to_u64(self.ctx)?)
                } else {
                    Datum::Int(value.to_i64(self.ctx)?)
                }
            }
            _ => return self.cast_string(&value),
        })
    }

    /// Years of two digits are of 1970 to 2069; what is no year is NULL.
    fn cast_year(&self, value: &Datum) -> SqlResult<Datum> {
        let number = match value {
            Datum::Time(time) => i64::from(time.parts().year),
            value => value.to_i64(self.ctx)?,
        };
        let short = matches!(value, Datum::Bytes(text) if text.len() < 4);
        let year = match number {
            0 if short => 2000,
            1..=69 => number + 2000,
            70..=99 => number + 1900,
            year => year,
        };
        if year != 0 && !(1901..=2155).contains(&year) {
            let shown = value.to_text();
            self.ctx.warn_or_fail(
                errno::TRUNCATED_WRONG_VALUE,
                format!("Truncated incorrect YEAR value: '{shown}'"),
            )?;
            return Ok(Datum::Null);
        }
        Ok(Datum::Int(year))
    }

    fn cast_decimal(&self, value: &Datum) -> SqlResult<Datum> {
        let (precision, scale) = self.field_type.precision_scale();
        let (number, fit) = value.to_decimal(self.ctx)?.fit(precision, scale);
        if fit == Fit::Overflow {
            self.ctx.warn_or_fail(
                errno::WARN_DATA_OUT_OF_RANGE,
                format!("Out of range value for column '{}' at row 1", self.expr),
            )?;
        }
        Ok(Datum::Decimal(number))
    }

    fn cast_string(&self, value: &Datum) -> SqlResult<Datum> {
        let bytes = value.to_bytes_as(self.arg_type(0));
        let limit = self.field_type.length.map(|length| length as usize);
        if self.field_type.collation == Collation::Binary {
            let mut bytes = bytes;
            if let Some(limit) = limit {
                if bytes.len() > limit {
                    self.truncated_string("BINARY", limit, &bytes)?;
                    bytes = bytes.slice(..limit);
                } else if self.field_type.kind == TypeKind::Char && bytes.len() < limit {
                    if !self.limited(limit)? {
                        return Ok(Datum::Null);
                    }
                    let mut padded = bytes.to_vec();
                    padded.resize(limit, 0);
                    bytes = Bytes::from(padded);
                }
            }
            return Ok(Datum::Bytes(bytes));
        }
        let Ok(text) = std::str::from_utf8(&bytes) else {
            let shown: String = bytes.iter().take(6).map(|byte| format!("{byte:02X}")).collect();
            self.ctx.warn_or_fail(
                errno::INVALID_CHARACTER_STRING,
                format!("Invalid utf8mb4 character string: '{shown}'"),
            )?;
            return Ok(Datum::Null);
        };
        let cut = limit.and_then(|limit| text.char_indices().nth(limit)).map(|(at, _)| at);
        let Some(cut) = cut else {
            return Ok(Datum::Bytes(bytes));
        };
        self.truncated_string("CHAR", limit.unwrap_or(0), &bytes)?;
        Ok(Datum::Bytes(bytes.slice(..cut)))
    }

    fn truncated_string(&self, what: &str, limit: usize, bytes: &[u8]) -> SqlResult<()> {
        let shown = String::from_utf8_lossy(bytes);
        self.ctx.warn_or_fail(
            errno::TRUNCATED_WRONG_VALUE,
            format!("Truncated incorrect {what}({limit}) value: '{shown}'"),
        )
    }
}
