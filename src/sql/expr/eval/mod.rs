//! What every operator and function does, row by row: the definition of their meaning.

mod arithmetic;
mod cast;
mod compare;
mod control;
mod date;
mod date_parts;
mod info;
mod like;
mod numeric;
mod regexp;
mod string;
mod string_edit;
mod string_encode;

use bytes::Bytes;

use super::function::Family;
use super::{EvalContext, Expr, Function};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::types::{Collation, Datum, Decimal, FieldType, Time, TimeKind, TypeKind};

pub(super) use compare::holds;
pub(super) use like::Pattern;
pub(super) use regexp::Regexes;

/// The value of an argument that is not NULL; NULL as the function's answer otherwise.
macro_rules! not_null {
    ($value:expr) => {
        match $value? {
            Some(value) => value,
            None => return Ok(crate::sql::types::Datum::Null),
        }
    };
}
use not_null;

/// A call being computed for a row.
pub(super) struct Call<'a> {
    expr: &'a Expr,
    function: Function,
    args: &'a [Expr],
    field_type: &'a FieldType,
    row: &'a [Datum],
    ctx: &'a EvalContext,
}

impl Expr {
    /// Its value for a row.
    pub fn eval(&self, row: &[Datum], ctx: &EvalContext) -> SqlResult<Datum> {
        match self {
            Expr::Column { index, .. } => row.get(*index).cloned().ok_or_else(|| {
                SqlError::internal(format!("column #{index} of a row of {}", row.len()))
            }),
            Expr::Literal { value, .. } => Ok(value.clone()),
            Expr::Parameter { index, .. } => ctx.params.get(*index).cloned().ok_or_else(|| {
                SqlError::new(errno::WRONG_ARGUMENTS, "Incorrect arguments to EXECUTE")
            }),
            Expr::Call { function, args, field_type } => {
                let call = Call { expr: self, function: *function, args, field_type, row, ctx };
                let value = call.eval()?;
                conform(value, field_type, ctx)
            }
        }
    }

    /// Whether a condition holds: neither false nor NULL.
    pub fn eval_bool(&self, row: &[Datum], ctx: &EvalContext) -> SqlResult<bool> {
        Ok(self.eval(row, ctx)?.to_bool(ctx)?.unwrap_or(false))
    }
}

/// A computed value in the representation its type has.
pub(super) fn conform(value: Datum, field_type: &FieldType, ctx: &EvalContext) -> SqlResult<Datum> {
    Ok(match (field_type.kind, value) {
        (_, Datum::Null) => Datum::Null,
        (TypeKind::Float | TypeKind::Double, Datum::Float(number)) => Datum::Float(number),
        (TypeKind::Float | TypeKind::Double, value) => Datum::Float(value.to_f64(ctx)?),
        (TypeKind::Decimal, value) => {
            let number = value.to_decimal(ctx)?;
            let scale = field_type.precision_scale().1;
            // Only ever widened: a quotient keeps its spare digits until it is shown.
            let wide = if number.scale < scale { number.with_scale(scale) } else { None };
            Datum::Decimal(wide.unwrap_or(number))
        }
        (TypeKind::Time, value) => Datum::from_duration(value.to_duration(field_type.fsp(), ctx)?),
        (TypeKind::Null, value) => value,
        (kind, Datum::Time(time)) if kind.is_calendar() => {
            Datum::Time(time.with_kind(crate::sql::types::time_kind(kind)))
        }
        (kind, value) if kind.is_calendar() => {
            let kind = crate::sql::types::time_kind(kind);
            value.to_time(kind, field_type.fsp(), ctx)?.map_or(Datum::Null, Datum::Time)
        }
        (kind, Datum::Int(number)) if kind.is_integer() && !field_type.unsigned => {
            Datum::Int(number)
        }
        (kind, Datum::UInt(number)) if kind.is_integer() && field_type.unsigned => {
            Datum::UInt(number)
        }
        (kind, value) if kind.is_integer() => {
            if field_type.unsigned {
                Datum::UInt(value.to_u64(ctx)?)
            } else {
                Datum::Int(value.to_i64(ctx)?)
            }
        }
        (_, Datum::Bytes(bytes)) => Datum::Bytes(bytes),
        (_, value) => Datum::Bytes(value.to_bytes()),
    })
}

impl Call<'_> {
    fn eval(&self) -> SqlResult<Datum> {
        self.ctx.check_interrupted()?;
        match self.function.family() {
            Family::Arithmetic => self.arithmetic(),
            Family::Comparison => self.comparison(),
            Family::Control => self.control(),
            Family::Matching => self.matching(),
            Family::Cast => self.cast(),
            Family::Info => self.info(),
            Family::Text => self.string(),
            Family::TextEdit => self.string_edit(),
            Family::TextEncode => self.string_encode(),
            Family::Numeric => self.numeric(),
            Family::DateParts => self.date_parts(),
            Family::Date => self.date(),
        }
    }

    fn value(&self, position: usize) -> SqlResult<Datum> {
        self.args[position].eval(self.row, self.ctx)
    }

    fn arg_type(&self, position: usize) -> &FieldType {
        self.args[position].field_type()
    }

    /// An argument as text.
    fn bytes(&self, position: usize) -> SqlResult<Option<Bytes>> {
        let value = self.value(position)?;
        Ok((!value.is_null()).then(|| value.to_bytes_as(self.arg_type(position))))
    }

    /// An argument as text in UTF-8.
    fn text(&self, position: usize) -> SqlResult<Option<String>> {
        Ok(self.bytes(position)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// An argument as an integer, clipped to its range.
    fn int(&self, position: usize) -> SqlResult<Option<i64>> {
        Ok(match self.value(position)? {
            Datum::Null => None,
            Datum::UInt(number) => Some(i64::try_from(number).unwrap_or(i64::MAX)),
            value => Some(value.to_i64(self.ctx)?),
        })
    }

    fn float(&self, position: usize) -> SqlResult<Option<f64>> {
        let value = self.value(position)?;
        if value.is_null() { Ok(None) } else { value.to_f64(self.ctx).map(Some) }
    }

    fn decimal(&self, position: usize) -> SqlResult<Option<Decimal>> {
        let value = self.value(position)?;
        if value.is_null() { Ok(None) } else { value.to_decimal(self.ctx).map(Some) }
    }

    fn time(&self, position: usize) -> SqlResult<Option<Time>> {
        self.value(position)?.to_time(TimeKind::DateTime, 6, self.ctx)
    }

    /// Whether strings are worked on as bytes, not characters.
    fn is_binary(&self, position: usize) -> bool {
        self.arg_type(position).is_binary_string()
    }

    /// The collation the call compares strings in.
    fn collation(&self) -> Collation {
        self.field_type.collation
    }

    /// Error 1690 for this call.
    fn out_of_range(&self, what: &str) -> SqlError {
        SqlError::new(
            errno::DATA_OUT_OF_RANGE,
            format!("{what} value is out of range in '{}'", self.expr),
        )
    }

    /// The keyword given as a text argument (`'DAY'`).
    fn keyword(&self, position: usize) -> SqlResult<String> {
        Ok(self.text(position)?.unwrap_or_default())
    }

    /// Whether a string result of so many bytes may be: NULL takes the place of one longer than `max_allowed_packet`,
    /// with warning 1301. To be asked before there is room made for it.
    fn limited(&self, length: usize) -> SqlResult<bool> {
        let limit = self.ctx.max_allowed_packet;
        if length <= limit {
            return Ok(true);
        }
        self.ctx.warn_or_fail(
            errno::WARN_ALLOWED_PACKET_OVERFLOWED,
            format!(
                "Result of {}() was larger than max_allowed_packet ({limit}) - truncated",
                self.function.name()
            ),
        )?;
        Ok(false)
    }
}
