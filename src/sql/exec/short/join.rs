//! A join that looks the right rows up by keys from the left ones.

use super::operators::passes;
use super::{Budget, Rows};
use crate::common::{SqlError, SqlResult};
use crate::sql::exec::ExecContext;
use crate::sql::exec::lookup::LookupSide;
use crate::sql::plan::{JoinKind, PlanNode};
use crate::sql::types::Datum;

/// An `IndexLookupJoin` of these left rows; `None` when the budget is used up.
pub(super) async fn index_lookup(
    node: &PlanNode,
    left: Rows,
    ctx: &ExecContext,
    budget: &mut Budget,
) -> SqlResult<Option<Rows>> {
    let PlanNode::IndexLookupJoin { filter, kind, columns, .. } = node else {
        return Err(SqlError::internal("an index lookup join was expected"));
    };
    let matches = LookupSide::new(node)?.matches(&left, ctx).await?;
    if budget.take(matches.rows()).is_none() {
        return Ok(None);
    }
    if budget.is_much() {
        ctx.place.enter().await;
    }
    let mut joined = Vec::with_capacity(left.len());
    for (position, row) in left.into_iter().enumerate() {
        let before = joined.len();
        for right in matches.of(position) {
            let mut pair = row.clone();
            pair.extend(right.iter().cloned());
            ctx.check_killed()?;
            if passes(filter.as_ref(), &pair, &ctx.eval)? {
                joined.push(pair);
            }
        }
        if joined.len() == before && *kind == JoinKind::Left {
            let mut padded = row;
            padded.resize(padded.len() + columns.len(), Datum::Null);
            joined.push(padded);
        }
    }
    Ok(Some(joined))
}
