//! BIT_AND, BIT_OR and BIT_XOR.

use super::AggregateDefinition;
use super::state::{Partial, State, convert, take};
use crate::common::SqlResult;
use crate::sql::expr::EvalContext;
use crate::sql::types::{Datum, FieldType};

macro_rules! of_bits {
    ($name:literal, $neutral:expr, $join:expr, $summary:literal) => {
        AggregateDefinition::new(
            &[$name],
            |_| Ok(FieldType::bigint_unsigned().not_null()),
            |_| State::Bits(Bits { bits: $neutral, join: $join }),
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

/// The bits so far.
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

    fn finish(self, _: &FieldType) -> SqlResult<Datum> {
        Ok(Datum::UInt(self.bits))
    }
}
