//! MIN, MAX and ANY_VALUE: one of the group's values.

use std::cmp::Ordering;

use super::AggregateDefinition;
use super::state::{Partial, State, push_key, put_bytes, take, take_bytes};
use crate::common::SqlResult;
use crate::sql::expr::EvalContext;
use crate::sql::types::{Datum, FieldType, TimeZone, codec};

macro_rules! one {
    ($name:literal, $wanted:expr, $summary:literal) => {
        AggregateDefinition::new(
            &[$name],
            |typing| Ok(typing.of(0).clone().nullable()),
            |_| State::Pick(Pick { wanted: $wanted, best: None }),
            $summary,
        )
    };
}

pub(super) static MIN: AggregateDefinition = one!("min", Some(Ordering::Less), "The least value.");
pub(super) static MAX: AggregateDefinition =
    one!("max", Some(Ordering::Greater), "The greatest value.");
pub(super) static ANY_VALUE: AggregateDefinition =
    AggregateDefinition { takes_nulls: true, ..one!("any_value", None, "The value of some row.") };

/// The best value so far.
#[derive(Clone, Debug)]
pub(in crate::sql::functions) struct Pick {
    /// How another value's key is to be to the best one's to take its place; `None` if none does.
    wanted: Option<Ordering>,
    /// With its key, if keys are compared.
    best: Option<(Vec<u8>, Datum)>,
}

impl Pick {
    fn offer(&mut self, value: &Datum, field_type: &FieldType) -> SqlResult<()> {
        let Some(wanted) = self.wanted else {
            self.best.get_or_insert_with(|| (Vec::new(), value.clone()));
            return Ok(());
        };
        let mut key = Vec::with_capacity(16);
        match value {
            // In order of what they are called.
            Datum::Member(member) => {
                let text = Datum::Bytes(member.text.clone());
                push_key(&mut key, &text, &field_type.as_string())?;
            }
            value => push_key(&mut key, value, field_type)?,
        }
        if self.best.as_ref().is_none_or(|(best, _)| key.cmp(best) == wanted) {
            self.best = Some((key, value.clone()));
        }
        Ok(())
    }
}

impl Partial for Pick {
    fn add(&mut self, args: &[Datum], types: &[FieldType], _: &EvalContext) -> SqlResult<()> {
        self.offer(&args[0], &types[0])
    }

    fn merge(&mut self, from: &mut &[u8], types: &[FieldType], _: &EvalContext) -> SqlResult<()> {
        match take(from)? {
            [0] => Ok(()),
            [1] => self.offer(&Datum::Null, &types[0]),
            _ => {
                let bytes = take_bytes(from)?;
                self.offer(&codec::decode_row_value(bytes, &types[0], &TimeZone::UTC)?, &types[0])
            }
        }
    }

    fn encode(&self, to: &mut Vec<u8>, types: &[FieldType]) -> SqlResult<()> {
        match &self.best {
            None => to.push(0),
            Some((_, Datum::Null)) => to.push(1),
            Some((_, value)) => {
                to.push(2);
                let mut bytes = Vec::new();
                codec::encode_row_value(value, &types[0], &TimeZone::UTC, &mut bytes)?;
                put_bytes(to, &bytes);
            }
        }
        Ok(())
    }

    fn finish(self, _: &FieldType, _: &EvalContext) -> SqlResult<Datum> {
        Ok(self.best.map_or(Datum::Null, |(_, value)| value))
    }

    fn size(&self) -> usize {
        self.best.as_ref().map_or(0, |(key, _)| key.len() * 2)
    }
}
