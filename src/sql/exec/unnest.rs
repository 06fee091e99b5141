//! The rows of documents beside the rows that hold them.

use std::sync::Arc;

use super::{ExecContext, keys};
use crate::common::{SqlError, SqlResult};
use crate::sql::expr::Expr;
use crate::sql::functions::DocumentTable;
use crate::sql::plan::{JoinKind, PlanNode};
use crate::sql::types::Datum;

/// An `Unnest` of a plan.
pub(super) struct Unnest {
    document: Expr,
    table: Arc<DocumentTable>,
    kind: JoinKind,
    filter: Option<Expr>,
}

impl Unnest {
    pub(super) fn new(node: &PlanNode) -> SqlResult<Unnest> {
        let PlanNode::Unnest { input: _, document, table, kind, filter } = node else {
            return Err(SqlError::internal("an unnest was expected"));
        };
        let (document, table) = (document.clone(), table.clone());
        Ok(Unnest { document, table, kind: *kind, filter: filter.clone() })
    }

    /// Adds the rows of a row's document, each behind that row.
    pub(super) fn add(
        &self,
        row: &[Datum],
        rows: &mut Vec<Vec<Datum>>,
        ctx: &ExecContext,
    ) -> SqlResult<()> {
        let before = rows.len();
        let document = self.document.eval(row, &ctx.eval)?;
        let memory = ctx.limits.memory_bytes;
        let found = self.table.rows_of(document, self.document.field_type(), memory, &ctx.eval)?;
        for cells in found {
            let mut pair = Vec::with_capacity(row.len() + cells.len());
            pair.extend_from_slice(row);
            pair.extend(cells);
            ctx.check_killed()?;
            let passes = match &self.filter {
                None => true,
                Some(filter) => keys::is_true(&filter.eval(&pair, &ctx.eval)?, &ctx.eval)?,
            };
            if passes {
                rows.push(pair);
            }
        }
        if rows.len() == before && self.kind == JoinKind::Left {
            let mut padded = row.to_vec();
            padded.resize(row.len() + self.table.columns.len(), Datum::Null);
            rows.push(padded);
        }
        Ok(())
    }
}
