//! Joins.

use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion_common::{JoinSide, JoinType, NullEquality, Result};
use datafusion_execution::SendableRecordBatchStream;
use datafusion_physical_plan::ExecutionPlan;
use datafusion_physical_plan::joins::utils::{ColumnIndex, JoinFilter};
use datafusion_physical_plan::joins::{HashJoinExec, NestedLoopJoinExec, PartitionMode};
use futures::stream::StreamExt;

use super::batch::{batch_rows, rows_batch, schema_of};
use super::not_in::NotInList;
use super::sort_key::comparable;
use super::source::{Batches, SourceExec, SourceKind};
use super::watched::watched;
use crate::common::{SqlError, SqlResult};
use crate::sql::exec::lookup::LookupSide;
use crate::sql::exec::{ExecContext, keys};
use crate::sql::expr::{Expr, from_df_error, physical_predicate, to_df_error};
use crate::sql::plan::{JoinKind, PhysicalPlan, PlanNode};
use crate::sql::types::{Datum, FieldType};

/// A nested loop keeps its right side in memory instead of the left one if that has so many times more rows.
const MUCH_SMALLER: f64 = 100.0;

fn join_type(kind: JoinKind) -> JoinType {
    match kind {
        JoinKind::Inner => JoinType::Inner,
        JoinKind::Left => JoinType::Left,
        JoinKind::Semi => JoinType::LeftSemi,
        JoinKind::Anti => JoinType::LeftAnti,
    }
}

/// A `Join`, by hash if there are equal keys, by nested loops otherwise.
pub(super) fn build(
    node: &PlanNode,
    left_exec: Arc<dyn ExecutionPlan>,
    right_exec: Arc<dyn ExecutionPlan>,
    ctx: &ExecContext,
) -> SqlResult<Arc<dyn ExecutionPlan>> {
    let PlanNode::Join { left, right, kind, on, filter, null_aware } = node else {
        return Err(SqlError::internal("a join was expected"));
    };
    let filter = filter.as_ref().map(|filter| join_filter(filter, left, right, ctx));
    let kind = join_type(*kind);
    if on.is_empty() {
        let join = NestedLoopJoinExec::try_new(left_exec, right_exec, filter, &kind, None);
        let join = join.map_err(from_df_error)?;
        // As below, where it matters: the order of the rows is not to change with every few rows that a table has more.
        if right.estimated_rows < left.estimated_rows / MUCH_SMALLER {
            return join.swap_inputs().map_err(from_df_error);
        }
        return Ok(Arc::new(join));
    }
    if *null_aware && on.len() > 1 {
        return Err(SqlError::unsupported("NOT IN with several columns"));
    }
    if *null_aware && right.estimated_rows <= left.estimated_rows {
        return null_aware_anti(&on[0], left_exec, right_exec, ctx);
    }
    // The hash table is built in one step, batch by batch.
    let key = |key: &Expr| watched(comparable(key, &ctx.eval), &ctx.eval);
    let on = on.iter().map(|(left, right)| (key(left), key(right))).collect();
    let join = HashJoinExec::try_new(
        left_exec,
        right_exec,
        on,
        filter,
        &kind,
        None,
        PartitionMode::CollectLeft,
        NullEquality::NullEqualsNothing,
        *null_aware,
    )
    .map_err(from_df_error)?;
    // The left side is the one kept in memory; that should be the smaller one.
    if !null_aware && right.estimated_rows < left.estimated_rows {
        return join.swap_inputs(PartitionMode::CollectLeft).map_err(from_df_error);
    }
    Ok(Arc::new(join))
}

/// `left NOT IN (right's rows)` with the right's rows in memory, where DataFusion's own keeps the left's: those that are certainly not in.
fn null_aware_anti(
    (left_key, right_key): &(Expr, Expr),
    left: Arc<dyn ExecutionPlan>,
    right: Arc<dyn ExecutionPlan>,
    ctx: &ExecContext,
) -> SqlResult<Arc<dyn ExecutionPlan>> {
    let key = |key: &Expr| watched(comparable(key, &ctx.eval), &ctx.eval);
    let (left_key, right_key) = (key(left_key), key(right_key));
    let list = Arc::new(NotInList::default());
    let source = |kind, child: Arc<dyn ExecutionPlan>| {
        let schema = child.schema();
        SourceExec::new(kind, vec![child], schema, ctx)
    };
    let right = source(SourceKind::NotInList(right_key.clone(), list.clone()), right);
    let left = source(SourceKind::NotInRows(left_key.clone(), list), left);
    let join = HashJoinExec::try_new(
        right,
        left,
        vec![(right_key, left_key)],
        None,
        &JoinType::RightAnti,
        None,
        PartitionMode::CollectLeft,
        NullEquality::NullEqualsNothing,
        false,
    );
    Ok(Arc::new(join.map_err(from_df_error)?))
}

/// A condition over the left's columns, then the right's.
fn join_filter(
    filter: &Expr,
    left: &PhysicalPlan,
    right: &PhysicalPlan,
    ctx: &ExecContext,
) -> JoinFilter {
    let width = left.schema.len();
    let used: Vec<usize> = filter.columns().into_iter().collect();
    let mut fields = Vec::with_capacity(used.len());
    let mut indices = Vec::with_capacity(used.len());
    for (position, column) in used.iter().enumerate() {
        let (side, index, field_type) = if *column < width {
            (JoinSide::Left, *column, &left.schema[*column])
        } else {
            (JoinSide::Right, column - width, &right.schema[column - width])
        };
        fields.push(Field::new(format!("c{position}"), field_type.arrow_type(), true));
        indices.push(ColumnIndex { index, side });
    }
    let packed = filter
        .clone()
        .map_columns(&mut |column| used.iter().position(|known| *known == column).unwrap_or(0));
    let schema = Arc::new(Schema::new(fields));
    JoinFilter::new(physical_predicate(&packed, &ctx.eval), indices, schema)
}

/// An `IndexLookupJoin`: batch by batch of the left rows the right ones are looked up.
pub(super) struct LookupJoin {
    side: LookupSide,
    kind: JoinKind,
    filter: Option<Expr>,
    left_types: Vec<FieldType>,
    right_width: usize,
    schema: SchemaRef,
}

impl LookupJoin {
    pub(super) fn new(plan: &PhysicalPlan) -> SqlResult<LookupJoin> {
        let PlanNode::IndexLookupJoin { left, columns, kind, filter, .. } = &plan.node else {
            return Err(SqlError::internal("an index lookup join was expected"));
        };
        Ok(LookupJoin {
            side: LookupSide::new(&plan.node)?,
            kind: *kind,
            filter: filter.clone(),
            left_types: left.schema.clone(),
            right_width: columns.len(),
            schema: schema_of(&plan.schema),
        })
    }

    pub(super) fn run(
        self: Arc<LookupJoin>,
        input: SendableRecordBatchStream,
        ctx: ExecContext,
    ) -> Batches {
        input
            .then(move |batch| {
                let (join, ctx) = (self.clone(), ctx.clone());
                async move { join.batch(&batch?, &ctx).await }
            })
            .boxed()
    }

    async fn batch(&self, left: &RecordBatch, ctx: &ExecContext) -> Result<RecordBatch> {
        let joined = self.rows(left, ctx).await.map_err(to_df_error)?;
        rows_batch(&self.schema, &joined)
    }

    async fn rows(&self, left: &RecordBatch, ctx: &ExecContext) -> SqlResult<Vec<Vec<Datum>>> {
        ctx.pause().await?;
        let left = batch_rows(left, &self.left_types);
        let matches = self.side.matches(&left, ctx).await?;
        let mut joined = Vec::with_capacity(left.len());
        for (position, row) in left.into_iter().enumerate() {
            let before = joined.len();
            for right in matches.of(position) {
                ctx.check_killed()?;
                let mut pair = row.clone();
                pair.extend(right.iter().cloned());
                let passes = match &self.filter {
                    None => true,
                    Some(filter) => keys::is_true(&filter.eval(&pair, &ctx.eval)?, &ctx.eval)?,
                };
                if passes {
                    joined.push(pair);
                }
            }
            if joined.len() == before && self.kind == JoinKind::Left {
                let mut padded = row;
                padded.resize(padded.len() + self.right_width, Datum::Null);
                joined.push(padded);
            }
        }
        Ok(joined)
    }
}
