//! What a cautious session refuses for how much of its tables it would touch: `sql_safe_updates` (error 1175) and `max_join_size`
//! (error 1104).

use super::physical::{PhysicalPlan, PlanNode, QueryPlan};
use super::planner::StatementPlan;
use crate::common::{SqlError, SqlResult, errno};

/// What a session lets its statements do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caution {
    /// UPDATE and DELETE find their rows by a key, or have a LIMIT.
    pub safe_updates: bool,
    /// How many rows, or combinations of rows, a SELECT may look at, as far as the optimizer can tell; `None`: any number.
    pub max_join_size: Option<u64>,
}

impl Caution {
    /// Error 1175 or 1104 for a statement that goes too far.
    pub fn check(&self, plan: &StatementPlan) -> SqlResult<()> {
        match (plan, self.max_join_size) {
            (StatementPlan::Query(query), Some(most)) => check_size(query, most),
            (StatementPlan::Update(update), _) if self.safe_updates => check_keys(&update.source),
            (StatementPlan::Delete(delete), _) if self.safe_updates => check_keys(&delete.source),
            _ => Ok(()),
        }
    }
}

fn check_keys(source: &PhysicalPlan) -> SqlResult<()> {
    let ends_early = |node: &PlanNode| {
        matches!(node, PlanNode::Limit { .. } | PlanNode::Sort { fetch: Some(_), .. })
            || matches!(
                node,
                PlanNode::TableScan { limit: Some(_), .. }
                    | PlanNode::IndexScan { limit: Some(_), .. }
            )
    };
    let reads_all = |node: &PlanNode| match node {
        PlanNode::TableScan { ranges, .. } => ranges.is_empty(),
        PlanNode::IndexScan { ranges, .. } => ranges.is_empty(),
        _ => false,
    };
    if !source.any(&mut { reads_all }) || source.any(&mut { ends_early }) {
        return Ok(());
    }
    Err(SqlError::new(
        errno::UPDATE_WITHOUT_KEY_IN_SAFE_MODE,
        "You are using safe update mode and you tried to update a table without a WHERE that uses a KEY column.",
    ))
}

fn check_size(query: &QueryPlan, most: u64) -> SqlResult<()> {
    if examined(&query.root) <= most as f64 {
        return Ok(());
    }
    Err(SqlError::new(
        errno::TOO_BIG_SELECT,
        "The SELECT would examine more than MAX_JOIN_SIZE rows; check your WHERE and use SET SQL_BIG_SELECTS=1 or SET MAX_JOIN_SIZE=# if the SELECT is okay",
    ))
}

/// How many rows a plan looks at: where rows of one input meet all of another, the combinations.
fn examined(plan: &PhysicalPlan) -> f64 {
    match &plan.node {
        PlanNode::Join { left, right, on, .. } if on.is_empty() => examined(left) * examined(right),
        PlanNode::Apply { left, right, .. } => examined(left) * examined(right).max(1.0),
        node => node.children().map(examined).sum::<f64>().max(plan.estimated_rows),
    }
}
