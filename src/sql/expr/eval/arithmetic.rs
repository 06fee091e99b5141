//! Arithmetic and bit operators.

use super::Call;
use crate::common::{SqlResult, errno};
use crate::sql::expr::Function;
use crate::sql::types::{Datum, Decimal, SqlMode};

/// A number ready for arithmetic.
enum Number {
    Int(i64),
    UInt(u64),
    Decimal(Decimal),
    Float(f64),
}

impl Number {
    /// Its value, when it is an integer.
    fn integer(&self) -> Option<i128> {
        match self {
            Number::Int(number) => Some(i128::from(*number)),
            Number::UInt(number) => Some(i128::from(*number)),
            _ => None,
        }
    }

    fn is_unsigned(&self) -> bool {
        matches!(self, Number::UInt(_))
    }

    fn decimal(&self) -> Option<Decimal> {
        match self {
            Number::Int(number) => Some(Decimal::from(*number)),
            Number::UInt(number) => Some(Decimal::from(*number)),
            Number::Decimal(number) => Some(*number),
            Number::Float(_) => None,
        }
    }

    fn float(&self) -> f64 {
        match self {
            Number::Int(number) => *number as f64,
            Number::UInt(number) => *number as f64,
            Number::Decimal(number) => number.to_f64(),
            Number::Float(number) => *number,
        }
    }
}

impl Call<'_> {
    pub(super) fn arithmetic(&self) -> SqlResult<Datum> {
        use Function as F;
        match self.function {
            F::Neg => self.negate(),
            F::BitAnd
            | F::BitOr
            | F::BitXor
            | F::BitNot
            | F::ShiftLeft
            | F::ShiftRight
            | F::BitCount => self.bits(),
            _ => {
                let Some(left) = self.number(0)? else {
                    return Ok(Datum::Null);
                };
                let Some(right) = self.number(1)? else {
                    return Ok(Datum::Null);
                };
                self.compute(&left, &right)
            }
        }
    }

    fn compute(&self, left: &Number, right: &Number) -> SqlResult<Datum> {
        if self.function != Function::Div
            && let (Some(a), Some(b)) = (left.integer(), right.integer())
        {
            return self.integers(a, b, left.is_unsigned(), right.is_unsigned());
        }
        match (left.decimal(), right.decimal()) {
            (Some(a), Some(b)) => self.decimals(&a, &b),
            _ => self.floats(left.float(), right.float()),
        }
    }

    fn number(&self, position: usize) -> SqlResult<Option<Number>> {
        let small = |number: Decimal| match number.to_i64() {
            Some(whole) if number.scale == 0 => Number::Int(whole),
            _ => Number::Decimal(number),
        };
        Ok(Some(match self.value(position)? {
            Datum::Null => return Ok(None),
            Datum::Int(number) => Number::Int(number),
            Datum::UInt(number) => Number::UInt(number),
            Datum::Decimal(number) => Number::Decimal(number),
            Datum::Float(number) => Number::Float(number),
            Datum::Time(time) => small(time.to_decimal()),
            Datum::Duration(duration) => small(duration.to_decimal()),
            text @ Datum::Bytes(_) => Number::Float(text.to_f64(self.ctx)?),
        }))
    }

    fn integers(&self, a: i128, b: i128, a_unsigned: bool, b_unsigned: bool) -> SqlResult<Datum> {
        use Function as F;
        let mut unsigned = a_unsigned || b_unsigned;
        let result = match self.function {
            F::Add => a + b,
            F::Sub => {
                unsigned &= !self.ctx.sql_mode.contains(SqlMode::NO_UNSIGNED_SUBTRACTION);
                a - b
            }
            // Two factors of 64 bits fit 128 bits but for the largest unsigned ones.
            F::Mul => a.checked_mul(b).unwrap_or(i128::MAX),
            F::IntDiv | F::Mod if b == 0 => return self.division_by_zero(),
            F::IntDiv => a / b,
            _ => {
                unsigned = a_unsigned;
                a % b
            }
        };
        if unsigned {
            let fitted = u64::try_from(result);
            return fitted.map(Datum::UInt).map_err(|_| self.out_of_range("BIGINT UNSIGNED"));
        }
        i64::try_from(result).map(Datum::Int).map_err(|_| self.out_of_range("BIGINT"))
    }

    fn decimals(&self, a: &Decimal, b: &Decimal) -> SqlResult<Datum> {
        use Function as F;
        let result = match self.function {
            F::Add => a.checked_add(b),
            F::Sub => a.checked_sub(b),
            F::Mul => a.checked_mul(b),
            _ if b.is_zero() => return self.division_by_zero(),
            F::Div => a.checked_div(b, self.ctx.div_precision_increment),
            F::IntDiv => {
                let quotient =
                    a.checked_int_div(b).and_then(|quotient| quotient.unscaled.to_i128());
                return self.whole_quotient(quotient);
            }
            _ => a.checked_rem(b),
        };
        result.map(Datum::Decimal).ok_or_else(|| self.out_of_range("DECIMAL"))
    }

    fn whole_quotient(&self, quotient: Option<i128>) -> SqlResult<Datum> {
        let quotient = quotient.unwrap_or(i128::MAX);
        if self.field_type.unsigned {
            let fitted = u64::try_from(quotient);
            return fitted.map(Datum::UInt).map_err(|_| self.out_of_range("BIGINT UNSIGNED"));
        }
        i64::try_from(quotient).map(Datum::Int).map_err(|_| self.out_of_range("BIGINT"))
    }

    fn floats(&self, a: f64, b: f64) -> SqlResult<Datum> {
        use Function as F;
        let result = match self.function {
            F::Add => a + b,
            F::Sub => a - b,
            F::Mul => a * b,
            _ if b == 0.0 => return self.division_by_zero(),
            F::Div => a / b,
            F::IntDiv => return self.whole_quotient(Some((a / b).trunc() as i128)),
            _ => a % b,
        };
        if result.is_finite() { Ok(Datum::Float(result)) } else { Err(self.out_of_range("DOUBLE")) }
    }

    pub(super) fn division_by_zero(&self) -> SqlResult<Datum> {
        if self.ctx.sql_mode.contains(SqlMode::ERROR_FOR_DIVISION_BY_ZERO) {
            self.ctx.warn_or_fail(errno::DIVISION_BY_ZERO, "Division by 0")?;
        }
        Ok(Datum::Null)
    }

    fn negate(&self) -> SqlResult<Datum> {
        Ok(match self.number(0)? {
            None => Datum::Null,
            Some(Number::Int(number)) => {
                Datum::Int(number.checked_neg().ok_or_else(|| self.out_of_range("BIGINT"))?)
            }
            Some(Number::UInt(number)) => {
                if self.field_type.kind == crate::sql::types::TypeKind::Decimal {
                    return Ok(Datum::Decimal(Decimal::from(number).neg()));
                }
                let negated = i64::try_from(-i128::from(number));
                Datum::Int(negated.map_err(|_| self.out_of_range("BIGINT"))?)
            }
            Some(Number::Decimal(number)) => Datum::Decimal(number.neg()),
            Some(Number::Float(number)) => Datum::Float(-number),
        })
    }

    fn bits(&self) -> SqlResult<Datum> {
        use Function as F;
        let operand = |position: usize| -> SqlResult<Option<u64>> {
            let value = self.value(position)?;
            if value.is_null() { Ok(None) } else { value.to_u64(self.ctx).map(Some) }
        };
        let Some(left) = operand(0)? else {
            return Ok(Datum::Null);
        };
        match self.function {
            F::BitNot => return Ok(Datum::UInt(!left)),
            F::BitCount => return Ok(Datum::Int(i64::from(left.count_ones()))),
            _ => {}
        }
        let Some(right) = operand(1)? else {
            return Ok(Datum::Null);
        };
        let shift = u32::try_from(right).unwrap_or(u32::MAX);
        Ok(Datum::UInt(match self.function {
            F::BitAnd => left & right,
            F::BitOr => left | right,
            F::BitXor => left ^ right,
            F::ShiftLeft => left.checked_shl(shift).unwrap_or(0),
            _ => left.checked_shr(shift).unwrap_or(0),
        }))
    }
}
