//! Aggregates over datums, by MySQL's rules. Both roads use them.

use ahash::AHashSet;
use arrow::datatypes::i256;
use bytes::{BufMut, BytesMut};

use super::keys;
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::expr::{Aggregate, AggregateKind, EvalContext};
use crate::sql::types::{Datum, Decimal, FieldType, TypeKind};

/// MySQL's `ER_CUT_VALUE_GROUP_CONCAT`.
const CUT_VALUE_GROUP_CONCAT: u16 = 1260;

/// One aggregate of one group.
#[derive(Clone, Debug)]
pub(crate) struct Accumulator {
    kind: AggregateKind,
    field_type: FieldType,
    arg_types: Vec<FieldType>,
    /// Keys seen, for DISTINCT.
    seen: Option<AHashSet<Vec<u8>>>,
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    Count(i64),
    /// SUM and AVG of exact numbers.
    Exact {
        sum: i256,
        scale: u8,
        count: i64,
    },
    /// SUM and AVG of floats.
    Float {
        sum: f64,
        count: i64,
    },
    /// MIN, MAX and ANY_VALUE: the value with its key.
    Pick(Option<(Vec<u8>, Datum)>),
    Concat {
        text: Option<BytesMut>,
        cut: bool,
        rows: u64,
    },
    Bits(u64),
    /// Welford's running mean and sum of squared distances.
    Variance {
        count: f64,
        mean: f64,
        squares: f64,
    },
}

impl Accumulator {
    /// Of an empty group.
    pub(crate) fn new(aggregate: &Aggregate, _ctx: &EvalContext) -> Accumulator {
        let field_type = aggregate.field_type.clone();
        let state = match aggregate.kind {
            AggregateKind::Count => State::Count(0),
            AggregateKind::Sum | AggregateKind::Avg if field_type.kind == TypeKind::Decimal => {
                let scale = match aggregate.kind {
                    AggregateKind::Sum => field_type.precision_scale().1,
                    _ => aggregate.args[0].field_type().decimals.unwrap_or(0).min(30),
                };
                State::Exact { sum: i256::ZERO, scale, count: 0 }
            }
            AggregateKind::Sum | AggregateKind::Avg => State::Float { sum: 0.0, count: 0 },
            AggregateKind::Min | AggregateKind::Max | AggregateKind::AnyValue => State::Pick(None),
            AggregateKind::GroupConcat => State::Concat { text: None, cut: false, rows: 0 },
            AggregateKind::BitAnd => State::Bits(u64::MAX),
            AggregateKind::BitOr | AggregateKind::BitXor => State::Bits(0),
            AggregateKind::StddevPop
            | AggregateKind::StddevSamp
            | AggregateKind::VarPop
            | AggregateKind::VarSamp => State::Variance { count: 0.0, mean: 0.0, squares: 0.0 },
        };
        Accumulator {
            kind: aggregate.kind,
            field_type,
            arg_types: aggregate.args.iter().map(|arg| arg.field_type().clone()).collect(),
            seen: aggregate.distinct.then(AHashSet::new),
            state,
        }
    }

    /// Takes one row's arguments in.
    pub(crate) fn add(&mut self, args: &[Datum], ctx: &EvalContext) -> SqlResult<()> {
        let counted =
            if self.kind == AggregateKind::GroupConcat { args.len() - 1 } else { args.len() };
        let any_value = self.kind == AggregateKind::AnyValue;
        if !any_value && args[..counted].iter().any(Datum::is_null) {
            return Ok(());
        }
        if let Some(seen) = &mut self.seen {
            let mut key = Vec::new();
            for (arg, field_type) in args[..counted].iter().zip(&self.arg_types) {
                keys::push_key(&mut key, arg, field_type)?;
            }
            if !seen.insert(key) {
                return Ok(());
            }
        }
        let value = &args[0];
        match &mut self.state {
            State::Count(count) => *count += 1,
            State::Exact { sum, scale, count } => {
                *count += 1;
                add_exact(sum, scale, value, &self.arg_types[0], ctx)?;
            }
            State::Float { sum, count } => {
                *count += 1;
                *sum += float(value, ctx)?;
            }
            State::Pick(best) => pick(self.kind, best, value, &self.arg_types[0])?,
            State::Concat { text, cut, rows } => {
                *rows += 1;
                concat(text, cut, *rows, args, ctx)?;
            }
            State::Bits(bits) => {
                let value = match keys::convert(value, &FieldType::bigint_unsigned(), ctx)? {
                    Datum::UInt(number) => number,
                    Datum::Int(number) => number.cast_unsigned(),
                    _ => return Ok(()),
                };
                match self.kind {
                    AggregateKind::BitAnd => *bits &= value,
                    AggregateKind::BitOr => *bits |= value,
                    _ => *bits ^= value,
                }
            }
            State::Variance { count, mean, squares } => {
                let value = float(value, ctx)?;
                *count += 1.0;
                let distance = value - *mean;
                *mean += distance / *count;
                *squares += distance * (value - *mean);
            }
        }
        Ok(())
    }

    /// The aggregate's value.
    pub(crate) fn finish(self, ctx: &EvalContext) -> SqlResult<Datum> {
        let average = self.kind == AggregateKind::Avg;
        Ok(match self.state {
            State::Count(count) => Datum::Int(count),
            State::Exact { count: 0, .. } | State::Float { count: 0, .. } => Datum::Null,
            State::Exact { sum, scale, count } => {
                let target = self.field_type.precision_scale().1;
                Datum::Decimal(divide(sum, scale, if average { count } else { 1 }, target)?)
            }
            State::Float { sum, count } => {
                Datum::Float(if average { sum / count as f64 } else { sum })
            }
            State::Pick(best) => best.map_or(Datum::Null, |(_, value)| value),
            State::Concat { text, .. } => {
                let _ = ctx;
                text.map_or(Datum::Null, |text| Datum::Bytes(text.freeze()))
            }
            State::Bits(bits) => Datum::UInt(bits),
            State::Variance { count, squares, .. } => {
                let sample =
                    matches!(self.kind, AggregateKind::StddevSamp | AggregateKind::VarSamp);
                let divisor = if sample { count - 1.0 } else { count };
                if divisor <= 0.0 {
                    return Ok(Datum::Null);
                }
                let variance = squares / divisor;
                let deviation =
                    matches!(self.kind, AggregateKind::StddevPop | AggregateKind::StddevSamp);
                Datum::Float(if deviation { variance.sqrt() } else { variance })
            }
        })
    }

    /// Roughly the bytes it holds.
    pub(crate) fn size(&self) -> usize {
        let seen = self.seen.as_ref().map_or(0, |seen| seen.capacity() * 48);
        let state = match &self.state {
            State::Pick(Some((key, _))) => key.len() * 2,
            State::Concat { text: Some(text), .. } => text.capacity(),
            _ => 0,
        };
        std::mem::size_of::<Accumulator>() + seen + state
    }
}

fn float(value: &Datum, ctx: &EvalContext) -> SqlResult<f64> {
    Ok(match value {
        Datum::Float(number) => *number,
        other => match keys::convert(other, &FieldType::double(), ctx)? {
            Datum::Float(number) => number,
            _ => 0.0,
        },
    })
}

fn too_big() -> SqlError {
    SqlError::new(errno::DATA_OUT_OF_RANGE, "DECIMAL value is out of range in 'sum'")
}

fn add_exact(
    sum: &mut i256,
    scale: &mut u8,
    value: &Datum,
    arg_type: &FieldType,
    ctx: &EvalContext,
) -> SqlResult<()> {
    let (unscaled, value_scale) = match value {
        Datum::Int(number) => (i256::from_i128(i128::from(*number)), 0),
        Datum::UInt(number) => (i256::from_i128(i128::from(*number)), 0),
        Datum::Decimal(decimal) => (decimal.unscaled, decimal.scale),
        other => {
            let target = FieldType::decimal(65, arg_type.fsp());
            match keys::convert(other, &target, ctx)? {
                Datum::Decimal(decimal) => (decimal.unscaled, decimal.scale),
                _ => return Ok(()),
            }
        }
    };
    let wider = value_scale.max(*scale);
    let raise = |number: i256, from: u8| {
        number.checked_mul(keys::power_of_ten(u32::from(wider - from))).ok_or_else(too_big)
    };
    *sum = raise(*sum, *scale)?.checked_add(raise(unscaled, value_scale)?).ok_or_else(too_big)?;
    *scale = wider;
    Ok(())
}

/// `sum / 10^scale / count`, rounded half away from zero to `target` digits.
fn divide(sum: i256, scale: u8, count: i64, target: u8) -> SqlResult<Decimal> {
    let mut dividend = sum;
    let mut divisor = i256::from_i128(i128::from(count));
    let power = keys::power_of_ten(u32::from(scale.abs_diff(target)));
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

fn pick(
    kind: AggregateKind,
    best: &mut Option<(Vec<u8>, Datum)>,
    value: &Datum,
    field_type: &FieldType,
) -> SqlResult<()> {
    if kind == AggregateKind::AnyValue {
        if best.is_none() {
            *best = Some((Vec::new(), value.clone()));
        }
        return Ok(());
    }
    let mut key = Vec::with_capacity(16);
    keys::push_key(&mut key, value, field_type)?;
    let better = match best {
        None => true,
        Some((known, _)) if kind == AggregateKind::Min => key < *known,
        Some((known, _)) => key > *known,
    };
    if better {
        *best = Some((key, value.clone()));
    }
    Ok(())
}

/// Appends one row's text, cut at `group_concat_max_len` bytes (at a character).
fn concat(
    text: &mut Option<BytesMut>,
    cut: &mut bool,
    row: u64,
    args: &[Datum],
    ctx: &EvalContext,
) -> SqlResult<()> {
    if *cut {
        return Ok(());
    }
    let bytes = |value: &Datum| -> SqlResult<Vec<u8>> {
        Ok(match value {
            Datum::Bytes(bytes) => bytes.to_vec(),
            other => match keys::convert(other, &FieldType::long_text(), ctx)? {
                Datum::Bytes(bytes) => bytes.to_vec(),
                _ => Vec::new(),
            },
        })
    };
    let Some((separator, parts)) = args.split_last() else { return Ok(()) };
    let first = text.is_none();
    let buffer = text.get_or_insert_with(BytesMut::new);
    if !first {
        buffer.put_slice(&bytes(separator)?);
    }
    for part in parts {
        buffer.put_slice(&bytes(part)?);
    }
    let limit = ctx.group_concat_max_len.min(ctx.max_allowed_packet);
    if buffer.len() > limit {
        let mut end = limit;
        while end > 0 && buffer[end] & 0xc0 == 0x80 {
            end -= 1;
        }
        buffer.truncate(end);
        *cut = true;
        ctx.warn(CUT_VALUE_GROUP_CONCAT, format!("Row {row} was cut by GROUP_CONCAT()"));
    }
    Ok(())
}
