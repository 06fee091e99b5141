//! SUM and AVG.

use arrow::datatypes::i256;

use super::state::{Partial, State, convert, float, take};
use super::{Aggregate, AggregateDefinition};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::expr::EvalContext;
use crate::sql::functions::typing::exact_digits;
use crate::sql::types::{Datum, Decimal, FieldType, TypeKind};

pub(super) static SUM: AggregateDefinition = AggregateDefinition::new(
    &["sum"],
    |typing| {
        Ok(match exact_digits(typing.of(0)) {
            Some((precision, scale)) => FieldType::decimal((precision + 22).min(65), scale),
            None => FieldType::double(),
        })
    },
    |aggregate| {
        let scale = aggregate.field_type.precision_scale().1;
        of_numbers(aggregate, false, scale)
    },
    "The sum.",
)
.of_numbers();

pub(super) static AVG: AggregateDefinition = AggregateDefinition::new(
    &["avg"],
    |typing| {
        Ok(match exact_digits(typing.of(0)) {
            Some((precision, scale)) => {
                let more = typing.rules.div_precision_increment.min(30 - scale);
                FieldType::decimal((precision + u32::from(more)).min(65), scale + more)
            }
            None => FieldType::double(),
        })
    },
    |aggregate| {
        let scale = aggregate.args[0].field_type().decimals.unwrap_or(0).min(30);
        of_numbers(aggregate, true, scale)
    },
    "The average.",
)
.of_numbers();

fn of_numbers(aggregate: &Aggregate, is_average: bool, scale: u8) -> State {
    if aggregate.field_type.kind == TypeKind::Decimal {
        State::ExactSum(ExactSum { sum: i256::ZERO, scale, count: 0, is_average })
    } else {
        State::FloatSum(FloatSum { sum: 0.0, count: 0, is_average })
    }
}

/// The sum of exact numbers.
#[derive(Clone, Debug)]
pub(in crate::sql::functions) struct ExactSum {
    sum: i256,
    scale: u8,
    count: i64,
    is_average: bool,
}

impl ExactSum {
    fn add_scaled(&mut self, unscaled: i256, scale: u8) -> SqlResult<()> {
        let wider = scale.max(self.scale);
        let raise = |number: i256, from: u8| {
            number.checked_mul(power_of_ten(wider - from)).ok_or_else(too_big)
        };
        let sum = raise(self.sum, self.scale)?.checked_add(raise(unscaled, scale)?);
        self.sum = sum.ok_or_else(too_big)?;
        self.scale = wider;
        Ok(())
    }
}

impl Partial for ExactSum {
    fn add(&mut self, args: &[Datum], types: &[FieldType], ctx: &EvalContext) -> SqlResult<()> {
        self.count += 1;
        match &args[0] {
            Datum::Int(number) => self.add_scaled(i256::from_i128(i128::from(*number)), 0),
            Datum::UInt(number) => self.add_scaled(i256::from_i128(i128::from(*number)), 0),
            Datum::Decimal(decimal) => self.add_scaled(decimal.unscaled, decimal.scale),
            other => {
                let number = convert(other, &FieldType::decimal(65, types[0].fsp()), ctx)?;
                let Datum::Decimal(decimal) = number else { return Ok(()) };
                self.add_scaled(decimal.unscaled, decimal.scale)
            }
        }
    }

    fn merge(&mut self, from: &mut &[u8], _: &[FieldType], _: &EvalContext) -> SqlResult<()> {
        let sum = i256::from_le_bytes(take(from)?);
        let [scale] = take(from)?;
        self.count += i64::from_le_bytes(take(from)?);
        self.add_scaled(sum, scale)
    }

    fn encode(&self, to: &mut Vec<u8>, _: &[FieldType]) -> SqlResult<()> {
        to.extend(self.sum.to_le_bytes());
        to.push(self.scale);
        to.extend(self.count.to_le_bytes());
        Ok(())
    }

    fn finish(self, field_type: &FieldType, _: &EvalContext) -> SqlResult<Datum> {
        if self.count == 0 {
            return Ok(Datum::Null);
        }
        let count = if self.is_average { self.count } else { 1 };
        let scale = field_type.precision_scale().1;
        Ok(Datum::Decimal(divide(self.sum, self.scale, count, scale)?))
    }
}

/// The sum of floats.
#[derive(Clone, Debug)]
pub(in crate::sql::functions) struct FloatSum {
    sum: f64,
    count: i64,
    is_average: bool,
}

impl Partial for FloatSum {
    fn add(&mut self, args: &[Datum], _: &[FieldType], ctx: &EvalContext) -> SqlResult<()> {
        self.count += 1;
        self.sum += float(&args[0], ctx)?;
        Ok(())
    }

    fn merge(&mut self, from: &mut &[u8], _: &[FieldType], _: &EvalContext) -> SqlResult<()> {
        self.sum += f64::from_le_bytes(take(from)?);
        self.count += i64::from_le_bytes(take(from)?);
        Ok(())
    }

    fn encode(&self, to: &mut Vec<u8>, _: &[FieldType]) -> SqlResult<()> {
        to.extend(self.sum.to_le_bytes());
        to.extend(self.count.to_le_bytes());
        Ok(())
    }

    fn finish(self, _: &FieldType, _: &EvalContext) -> SqlResult<Datum> {
        Ok(match self.count {
            0 => Datum::Null,
            count if self.is_average => Datum::Float(self.sum / count as f64),
            _ => Datum::Float(self.sum),
        })
    }
}

fn too_big() -> SqlError {
    SqlError::new(errno::DATA_OUT_OF_RANGE, "DECIMAL value is out of range in 'sum'")
}

fn power_of_ten(exponent: u8) -> i256 {
    i256::from_i128(10).wrapping_pow(u32::from(exponent))
}

/// `sum / 10^scale / count`, rounded half away from zero to `target` digits.
fn divide(sum: i256, scale: u8, count: i64, target: u8) -> SqlResult<Decimal> {
    let mut dividend = sum;
    let mut divisor = i256::from_i128(i128::from(count));
    let power = power_of_ten(scale.abs_diff(target));
    if target >= scale {
        dividend = dividend.checked_mul(power).ok_or_else(too_big)?;
    } else {
        divisor = divisor.checked_mul(power).ok_or_else(too_big)?;
    }
    let quotient = dividend.wrapping_div(divisor);
    let rest = dividend.wrapping_sub(quotient.wrapping_mul(divisor)).wrapping_abs();
    let up = rest.wrapping_add(rest) >= divisor;
    let step = if dividend.is_negative() { i256::MINUS_ONE } else { i256::ONE };
    let unscaled = if up { quotient.wrapping_add(step) } else { quotient };
    Ok(Decimal { unscaled, scale: target })
}
