//! COUNT.

use super::state::{Partial, State, take};
use super::{Aggregate, AggregateDefinition};
use crate::common::SqlResult;
use crate::sql::expr::EvalContext;
use crate::sql::types::{Datum, FieldType};

pub(super) static COUNT: AggregateDefinition = AggregateDefinition {
    takes_rows: true,
    ..AggregateDefinition::new(
        &["count"],
        |_| Ok(FieldType { length: Some(21), ..FieldType::bigint().not_null() }),
        |_: &Aggregate| State::Count(Count(0)),
        "How many rows there are, or how many in which the arguments are not NULL.",
    )
};

/// So many rows.
#[derive(Clone, Debug)]
pub(in crate::sql::functions) struct Count(i64);

impl Partial for Count {
    fn add(&mut self, _: &[Datum], _: &[FieldType], _: &EvalContext) -> SqlResult<()> {
        self.0 += 1;
        Ok(())
    }

    fn merge(&mut self, from: &mut &[u8], _: &[FieldType], _: &EvalContext) -> SqlResult<()> {
        self.0 += i64::from_le_bytes(take(from)?);
        Ok(())
    }

    fn encode(&self, to: &mut Vec<u8>, _: &[FieldType]) -> SqlResult<()> {
        to.extend(self.0.to_le_bytes());
        Ok(())
    }

    fn finish(self, _: &FieldType, _: &EvalContext) -> SqlResult<Datum> {
        Ok(Datum::Int(self.0))
    }
}
