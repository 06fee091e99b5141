//! From the logical plan to the physical one.

use std::collections::BTreeSet;

use super::logical::Logical;
use super::physical::PhysicalPlan;
use super::{join_order, lower, prune, pushdown};
use crate::common::SqlResult;

/// Applies the rules, in the order in which each makes work for the next, and picks access paths.
pub(super) fn optimize(plan: Logical) -> SqlResult<PhysicalPlan> {
    let plan = pushdown::push(plan, Vec::new())?;
    let plan = join_order::reorder(plan)?;
    let all: BTreeSet<usize> = (0..plan.width()).collect();
    let (plan, kept) = prune::prune(plan, &all);
    debug_assert!(kept.into_iter().eq(all), "the statement's own columns are all needed");
    lower::lower(plan)
}
