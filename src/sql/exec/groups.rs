//! Grouping rows of datums.

use ahash::AHashMap;

use super::keys;
use crate::common::{SqlError, SqlResult};
use crate::sql::expr::{Aggregate, EvalContext, Expr};
use crate::sql::functions::Accumulator;
use crate::sql::types::Datum;

/// One group: its values and its accumulators.
struct Group {
    values: Vec<Datum>,
    accumulators: Vec<Accumulator>,
}

/// The groups of rows seen so far, in the order in which they came.
pub(super) struct Groups<'p> {
    group_by: &'p [Expr],
    aggregates: &'p [Aggregate],
    positions: AHashMap<Vec<u8>, usize>,
    groups: Vec<Group>,
    args: Vec<Datum>,
}

impl<'p> Groups<'p> {
    /// No rows. Without anything to group by there is one group all the same.
    pub(super) fn new(group_by: &'p [Expr], aggregates: &'p [Aggregate]) -> Groups<'p> {
        let mut groups = Groups {
            group_by,
            aggregates,
            positions: AHashMap::new(),
            groups: Vec::new(),
            args: Vec::new(),
        };
        if group_by.is_empty() {
            groups.groups.push(groups.group(Vec::new()));
        }
        groups
    }

    fn group(&self, values: Vec<Datum>) -> Group {
        Group { values, accumulators: self.aggregates.iter().map(Accumulator::new).collect() }
    }

    /// The position of the group with these values.
    fn position(&mut self, values: Vec<Datum>) -> SqlResult<usize> {
        if self.group_by.is_empty() {
            return Ok(0);
        }
        let mut key = Vec::new();
        for (value, expr) in values.iter().zip(self.group_by) {
            keys::push_key(&mut key, value, expr.field_type())?;
        }
        if let Some(position) = self.positions.get(&key) {
            return Ok(*position);
        }
        self.groups.push(self.group(values));
        self.positions.insert(key, self.groups.len() - 1);
        Ok(self.groups.len() - 1)
    }

    /// Takes a row in.
    pub(super) fn add(&mut self, row: &[Datum], ctx: &EvalContext) -> SqlResult<()> {
        let values = self.group_by.iter().map(|expr| expr.eval(row, ctx));
        let values = values.collect::<SqlResult<_>>()?;
        let position = self.position(values)?;
        let accumulators = &mut self.groups[position].accumulators;
        for (aggregate, accumulator) in self.aggregates.iter().zip(accumulators) {
            self.args.clear();
            for arg in &aggregate.args {
                self.args.push(arg.eval(row, ctx)?);
            }
            accumulator.add(&self.args, ctx)?;
        }
        Ok(())
    }

    /// Takes in what another one of the same rows' parts gave as a row of [`Groups::states`].
    pub(super) fn merge(&mut self, mut row: Vec<Datum>, ctx: &EvalContext) -> SqlResult<()> {
        let states = row.split_off(self.group_by.len().min(row.len()));
        let position = self.position(row)?;
        for (accumulator, state) in self.groups[position].accumulators.iter_mut().zip(states) {
            let Datum::Bytes(state) = state else {
                return Err(SqlError::internal("the state of an aggregate that is no bytes"));
            };
            accumulator.merge(&state, ctx)?;
        }
        Ok(())
    }

    /// A row for each group: its values, then the state of each aggregate.
    pub(super) fn states(self) -> SqlResult<Vec<Vec<Datum>>> {
        self.rows(|accumulator| accumulator.encode().map(Datum::from))
    }

    /// A row for each group: its values, then the value of each aggregate.
    pub(super) fn finish(self, ctx: &EvalContext) -> SqlResult<Vec<Vec<Datum>>> {
        self.rows(|accumulator| accumulator.finish(ctx))
    }

    fn rows(self, give: impl Fn(Accumulator) -> SqlResult<Datum>) -> SqlResult<Vec<Vec<Datum>>> {
        let row = |group: Group| {
            let mut row = group.values;
            for accumulator in group.accumulators {
                row.push(give(accumulator)?);
            }
            Ok(row)
        };
        self.groups.into_iter().map(row).collect()
    }
}
