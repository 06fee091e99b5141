//! BIT_AND, BIT_OR and BIT_XOR.

use super::state::{Partial, State, convert, put_bytes, take, take_bytes};
use super::{Aggregate, AggregateDefinition};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::expr::EvalContext;
use crate::sql::functions::bits::{bit_string, combine, is_bit_string};
use crate::sql::functions::typing::Typing;
use crate::sql::types::{Datum, FieldType};

macro_rules! of_bits {
    ($name:literal, $neutral:expr, $join:expr, $summary:literal) => {
        AggregateDefinition::new(
            &[$name],
            result,
            |aggregate| start(aggregate, $neutral, $join),
            $summary,
        )
        .of_numbers()
    };
}

pub(super) static BIT_AND: AggregateDefinition =
    of_bits!("bit_and", u64::MAX, |a, b| a & b, "The bits set in all.");
pub(super) static BIT_OR: AggregateDefinition =
    of_bits!("bit_or", 0, |a, b| a | b, "The bits set in one of them.");
pub(super) static BIT_XOR: AggregateDefinition =
    of_bits!("bit_xor", 0, |a, b| a ^ b, "The bits set in an odd number of them.");

/// The longest binary string whose bits are aggregated.
const STRING_BYTES: usize = 511;

fn result(typing: &Typing<'_>) -> SqlResult<FieldType> {
    Ok(match is_bit_string(typing.of(0)) {
        true => bit_string(typing.width(0)).not_null(),
        false => FieldType::bigint_unsigned().not_null(),
    })
}

fn start(aggregate: &Aggregate, neutral: u64, join: fn(u64, u64) -> u64) -> State {
    let arg = aggregate.args[0].field_type();
    if !is_bit_string(arg) {
        return State::Bits(Bits { bits: neutral, join });
    }
    let bytes = usize::try_from(arg.display_width()).unwrap_or(usize::MAX).min(STRING_BYTES);
    State::BitString(BitString { bits: None, empty: vec![neutral as u8; bytes], join })
}

/// The bits of integers so far.
#[derive(Clone, Debug)]
pub(in crate::sql::functions) struct Bits {
    bits: u64,
    join: fn(u64, u64) -> u64,
}

impl Partial for Bits {
    fn add(&mut self, args: &[Datum], _: &[FieldType], ctx: &EvalContext) -> SqlResult<()> {
        let number = convert(&args[0], &FieldType::bigint_unsigned(), ctx)?;
        if number.is_null() {
            return Ok(());
        }
        let bits = number.to_u64(ctx)?;
        self.bits = (self.join)(self.bits, bits);
        Ok(())
    }

    fn merge(&mut self, from: &mut &[u8], _: &[FieldType], _: &EvalContext) -> SqlResult<()> {
        self.bits = (self.join)(self.bits, u64::from_le_bytes(take(from)?));
        Ok(())
    }

    fn encode(&self, to: &mut Vec<u8>, _: &[FieldType]) -> SqlResult<()> {
        to.extend(self.bits.to_le_bytes());
        Ok(())
    }

    fn finish(self, _: &FieldType, _: &EvalContext) -> SqlResult<Datum> {
        Ok(Datum::UInt(self.bits))
    }
}

/// The bits of binary strings so far.
#[derive(Clone, Debug)]
pub(in crate::sql::functions) struct BitString {
    bits: Option<Vec<u8>>,
    /// What it is of no strings.
    empty: Vec<u8>,
    join: fn(u64, u64) -> u64,
}

impl BitString {
    fn join(&mut self, bytes: &[u8]) -> SqlResult<()> {
        if bytes.len() > STRING_BYTES {
            return Err(SqlError::new(
                errno::INVALID_BITWISE_AGGREGATE_OPERANDS_SIZE,
                "Bitwise aggregate functions cannot accept arguments longer than 511 bytes; consider using the SUBSTRING() \
                 function",
            ));
        }
        match &mut self.bits {
            None => self.bits = Some(bytes.to_vec()),
            Some(bits) => combine(bits, bytes, self.join)?,
        }
        Ok(())
    }
}

impl Partial for BitString {
    fn add(&mut self, args: &[Datum], types: &[FieldType], _: &EvalContext) -> SqlResult<()> {
        self.join(&args[0].to_bytes_as(&types[0]))
    }

    fn merge(&mut self, from: &mut &[u8], _: &[FieldType], _: &EvalContext) -> SqlResult<()> {
        match take(from)? {
            [0] => Ok(()),
            _ => self.join(take_bytes(from)?),
        }
    }

    fn encode(&self, to: &mut Vec<u8>, _: &[FieldType]) -> SqlResult<()> {
        to.push(u8::from(self.bits.is_some()));
        if let Some(bits) = &self.bits {
            put_bytes(to, bits);
        }
        Ok(())
    }

    fn finish(self, _: &FieldType, _: &EvalContext) -> SqlResult<Datum> {
        Ok(Datum::from(self.bits.unwrap_or(self.empty)))
    }

    fn size(&self) -> usize {
        self.empty.capacity() + self.bits.as_ref().map_or(0, Vec::capacity)
    }
}
