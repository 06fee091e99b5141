//! An expression's value for a row.

use super::{EvalContext, Expr};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::functions::Call;
use crate::sql::types::json::{Json, Pulse};
use crate::sql::types::{Datum, FieldType, TypeKind};

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
                ctx.check_interrupted()?;
                let definition = function.definition();
                let call = Call { definition, expr: self, args, field_type, row, ctx };
                let value = (definition.eval)(&call)?;
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
        (TypeKind::Null, value) | (TypeKind::Json, value @ Datum::Json(_)) => value,
        (TypeKind::Json, value) => {
            let check = || ctx.check_interrupted();
            Json::of_datum(&value, &mut Pulse::new(&check)).map(Datum::Json)?
        }
        (kind, Datum::Time(time)) if kind.is_calendar() => {
            let mut time = time.with_kind(crate::sql::types::time_kind(kind));
            // As with decimals: of two values that become one type, the one with fewer digits gets more.
            time.fsp = time.fsp.max(field_type.fsp());
            Datum::Time(time)
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
