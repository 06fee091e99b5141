//! Our own operators: those that read tables, and those that put streams behind one another.

use std::fmt;
use std::sync::Arc;

use arrow::array::BooleanArray;
use arrow::compute::filter_record_batch;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion_common::Result;
use datafusion_common::tree_node::TreeNodeRecursion;
use datafusion_execution::{SendableRecordBatchStream, TaskContext};
use datafusion_physical_expr::EquivalenceProperties;
use datafusion_physical_expr_common::physical_expr::PhysicalExpr;
use datafusion_physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion_physical_plan::stream::RecordBatchStreamAdapter;
use datafusion_physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties,
};
use futures::stream::{BoxStream, StreamExt, TryStreamExt};

use super::applied::{self, Form};
use super::assigning::Projection;
use super::batch::{rows_batch, schema_of};
use super::join::LookupJoin;
use super::not_in::NotInList;
use super::unnest::UnnestBatches;
use super::window::{Rollup, WindowOver};
use crate::common::{SqlError, SqlResult};
use crate::sql::exec::access::{TableAccess, lock_rows};
use crate::sql::exec::apply::Applied;
use crate::sql::exec::{Disposed, ExecContext, short};
use crate::sql::expr::{physical_predicate, to_df_error};
use crate::sql::plan::{AccessLock, PhysicalPlan, PlanNode};
use crate::sql::types::{Datum, FieldType};

/// Batches as they come.
pub(super) type Batches = BoxStream<'static, Result<RecordBatch>>;

/// What an operator of ours does.
pub(super) enum SourceKind {
    /// Scans a table or an index.
    Scan(PhysicalPlan),
    /// Runs a leaf of the short road: rows by keys, constant and virtual ones.
    Short(PhysicalPlan),
    /// Joins its child's rows with those it looks up.
    LookupJoin(Arc<LookupJoin>),
    /// Runs a plan for each of its child's rows, which are of these types.
    Apply(Arc<Applied>, Vec<FieldType>),
    /// Gives its child's rows, which are of these types, as often as their last column says.
    Repeat(Vec<FieldType>),
    /// Gives the rows of its child's documents.
    Unnest(Arc<UnnestBatches>),
    /// Gives its children's rows one after the other.
    Concat,
    /// Computes rows one by one.
    Project(Arc<Projection>),
    /// Computes functions over windows.
    Window(Arc<WindowOver>),
    /// Gives rows with fewer and fewer keys.
    Rollup(Arc<Rollup>),
    /// Gives the rows of a NOT IN's list, by this key.
    NotInList(Arc<dyn PhysicalExpr>, Arc<NotInList>),
    /// Gives the rows that may not be in a list.
    NotInRows(Arc<dyn PhysicalExpr>, Arc<NotInList>),
}

/// An operator of ours.
pub(super) struct SourceExec {
    kind: SourceKind,
    children: Vec<Arc<dyn ExecutionPlan>>,
    ctx: ExecContext,
    properties: Arc<PlanProperties>,
}

impl SourceExec {
    /// An operator that gives rows of these types.
    pub(super) fn new(
        kind: SourceKind,
        children: Vec<Arc<dyn ExecutionPlan>>,
        schema: SchemaRef,
        ctx: &ExecContext,
    ) -> Arc<SourceExec> {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Arc::new(SourceExec { kind, children, ctx: ctx.clone(), properties: Arc::new(properties) })
    }

    fn name_of(&self) -> &'static str {
        match self.kind {
            SourceKind::Scan(_) => "TableScanExec",
            SourceKind::Short(_) => "RowsExec",
            SourceKind::LookupJoin(_) => "IndexLookupJoinExec",
            SourceKind::Apply(..) => "ApplyExec",
            SourceKind::Repeat(_) => "RepeatExec",
            SourceKind::Unnest(_) => "UnnestExec",
            SourceKind::Concat => "ConcatExec",
            SourceKind::Project(_) => "RowProjectionExec",
            SourceKind::Window(_) => "WindowExec",
            SourceKind::Rollup(_) => "RollupExec",
            SourceKind::NotInList(..) => "NotInListExec",
            SourceKind::NotInRows(..) => "NotInRowsExec",
        }
    }
}

impl fmt::Debug for SourceExec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name_of())
    }
}

impl DisplayAs for SourceExec {
    fn fmt_as(&self, _t: DisplayFormatType, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.name_of())
    }
}

impl ExecutionPlan for SourceExec {
    fn name(&self) -> &str {
        self.name_of()
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.children.iter().collect()
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let kind = match &self.kind {
            SourceKind::Scan(plan) => SourceKind::Scan(plan.clone()),
            SourceKind::Short(plan) => SourceKind::Short(plan.clone()),
            SourceKind::LookupJoin(join) => SourceKind::LookupJoin(join.clone()),
            SourceKind::Apply(applied, types) => SourceKind::Apply(applied.clone(), types.clone()),
            SourceKind::Repeat(types) => SourceKind::Repeat(types.clone()),
            SourceKind::Unnest(unnest) => SourceKind::Unnest(unnest.clone()),
            SourceKind::Concat => SourceKind::Concat,
            SourceKind::Project(projection) => SourceKind::Project(projection.clone()),
            SourceKind::Window(window) => SourceKind::Window(window.clone()),
            SourceKind::Rollup(rollup) => SourceKind::Rollup(rollup.clone()),
            SourceKind::NotInList(key, list) => SourceKind::NotInList(key.clone(), list.clone()),
            SourceKind::NotInRows(key, list) => SourceKind::NotInRows(key.clone(), list.clone()),
        };
        Ok(SourceExec::new(kind, children, self.schema(), &self.ctx))
    }

    fn execute(
        &self,
        _partition: usize,
        task: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let batch_rows = task.session_config().batch_size();
        let mut inputs = Vec::with_capacity(self.children.len());
        for child in &self.children {
            inputs.push(child.execute(0, task.clone())?);
        }
        let batches = match &self.kind {
            SourceKind::Scan(plan) => scan(plan, batch_rows, &self.ctx).map_err(to_df_error)?,
            SourceKind::Short(plan) => rows(plan.clone(), batch_rows, self.ctx.clone()),
            SourceKind::Project(projection) => {
                let input = inputs.pop().ok_or_else(|| lost_input("projection"))?;
                projection.run(input, &self.ctx)
            }
            SourceKind::LookupJoin(join) => {
                let input = inputs.pop().ok_or_else(|| lost_input("lookup join"))?;
                join.clone().run(input, self.ctx.clone())
            }
            SourceKind::Apply(applied, types) => {
                let input = inputs.pop().ok_or_else(|| lost_input("dependent plan"))?;
                let form = Form { schema: self.schema(), types: types.clone(), batch_rows };
                applied::apply(applied.clone(), input, form, self.ctx.clone())
            }
            SourceKind::Repeat(types) => {
                let input = inputs.pop().ok_or_else(|| lost_input("repetition"))?;
                let form = Form { schema: self.schema(), types: types.clone(), batch_rows };
                applied::repeat(input, form, self.ctx.clone())
            }
            SourceKind::Unnest(unnest) => {
                let input = inputs.pop().ok_or_else(|| lost_input("table of documents"))?;
                unnest.clone().run(input, self.ctx.clone())
            }
            SourceKind::Window(window) => {
                let input = inputs.pop().ok_or_else(|| lost_input("window"))?;
                window.run(input, &task, &self.ctx).map_err(to_df_error)?
            }
            SourceKind::Rollup(rollup) => {
                let input = inputs.pop().ok_or_else(|| lost_input("rollup"))?;
                rollup.run(input, &self.ctx)
            }
            SourceKind::NotInList(key, list) => {
                let input = inputs.pop().ok_or_else(|| lost_input("list"))?;
                list.note(key, input, &self.ctx)
            }
            SourceKind::NotInRows(key, list) => {
                let input = inputs.pop().ok_or_else(|| lost_input("NOT IN"))?;
                list.possible(key, input, &self.ctx)
            }
            SourceKind::Concat => {
                let (schema, ctx) = (self.schema(), self.ctx.clone());
                futures::stream::iter(inputs)
                    .flatten()
                    .then(move |batch| {
                        let (schema, ctx) = (schema.clone(), ctx.clone());
                        async move {
                            ctx.pause().await.map_err(to_df_error)?;
                            with_schema(&batch?, &schema)
                        }
                    })
                    .boxed()
            }
        };
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), batches)))
    }
}

fn lost_input(operator: &str) -> datafusion_common::DataFusionError {
    to_df_error(SqlError::internal(format!("a {operator} without input")))
}

/// The same columns under other names.
fn with_schema(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    let columns = batch.columns().to_vec();
    Ok(RecordBatch::try_new_with_options(schema.clone(), columns, &options)?)
}

/// Rows of a plan that only the short road has operators for.
fn rows(plan: PhysicalPlan, batch_rows: usize, ctx: ExecContext) -> Batches {
    let schema = schema_of(&plan.schema);
    let all = async move {
        let rows = short::leaf(&plan, &ctx).await.map_err(to_df_error)?;
        let rows = Disposed::new(rows, &ctx);
        let chunks = futures::stream::try_unfold((rows, 0), move |(rows, from)| {
            let (schema, ctx) = (schema.clone(), ctx.clone());
            async move {
                ctx.pause().await.map_err(to_df_error)?;
                let to = rows.len().min(from + batch_rows);
                if from == to {
                    return Ok(None);
                }
                Ok(Some((rows_batch(&schema, &rows[from..to])?, (rows, to))))
            }
        });
        Ok::<_, datafusion_common::DataFusionError>(chunks)
    };
    futures::stream::once(all).try_flatten().boxed()
}

/// A batch of long rows ends sooner, so that operators can hold several.
pub(super) const BATCH_BYTES: usize = 1 << 20;

/// Roughly the bytes of a row.
pub(super) fn row_bytes(row: &[Datum]) -> usize {
    row.iter().map(|value| value.held_bytes().max(8)).sum()
}

/// A scan under way.
struct Scan {
    access: TableAccess,
    schema: SchemaRef,
    table: Arc<crate::sql::catalog::TableInfo>,
    predicate: Option<Arc<dyn PhysicalExpr>>,
    lock: AccessLock,
    left: usize,
    batch_rows: usize,
    /// Rows read and not yet given, with their handles.
    read: std::vec::IntoIter<(Vec<Datum>, i64)>,
    ctx: ExecContext,
}

fn scan(plan: &PhysicalPlan, batch_rows: usize, ctx: &ExecContext) -> SqlResult<Batches> {
    let (PlanNode::TableScan { table, filter, limit, lock, .. }
    | PlanNode::IndexScan { table, filter, limit, lock, .. }) = &plan.node
    else {
        return Err(SqlError::internal("a scan was expected"));
    };
    let scan = Scan {
        access: TableAccess::open(&plan.node, ctx)?,
        schema: schema_of(&plan.schema),
        table: table.clone(),
        predicate: filter.as_ref().map(|filter| physical_predicate(filter, &ctx.eval)),
        lock: *lock,
        left: limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX)),
        batch_rows,
        read: Vec::new().into_iter(),
        ctx: ctx.clone(),
    };
    Ok(futures::stream::try_unfold(scan, |mut scan| async move {
        Ok(scan.next().await?.map(|batch| (batch, scan)))
    })
    .boxed())
}

impl Scan {
    /// The next rows that pass; `None` at the end.
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        while self.left > 0 {
            self.ctx.pause().await.map_err(to_df_error)?;
            let (rows, handles) = self.read().await.map_err(to_df_error)?;
            if rows.is_empty() {
                return Ok(None);
            }
            let mut batch = rows_batch(&self.schema, &rows)?;
            let mut passed: Option<BooleanArray> = None;
            if let Some(predicate) = &self.predicate {
                let kept = predicate.evaluate(&batch)?.into_array(batch.num_rows())?;
                let kept = arrow::array::AsArray::as_boolean(&kept).clone();
                batch = filter_record_batch(&batch, &kept)?;
                passed = Some(kept);
            }
            if self.lock == AccessLock::None {
                batch = batch.slice(0, batch.num_rows().min(self.left));
            } else {
                batch = self.locked(batch, handles, passed).await?;
            }
            self.left -= batch.num_rows();
            if batch.num_rows() > 0 {
                return Ok(Some(batch));
            }
        }
        Ok(None)
    }

    /// Locks the rows of a batch, of which `handles` have `passed`; those it could lock, as many as are wanted.
    async fn locked(
        &mut self,
        batch: RecordBatch,
        handles: Vec<i64>,
        passed: Option<BooleanArray>,
    ) -> Result<RecordBatch> {
        let kept = |position: usize| match &passed {
            None => true,
            Some(kept) => arrow::array::Array::is_valid(kept, position) && kept.value(position),
        };
        let given = (0..handles.len()).filter(|position| kept(*position));
        let handles: Vec<i64> = given.map(|position| handles[position]).collect();
        let (mut rest, mut free, mut count) = (&handles[..], Vec::new(), 0);
        while !rest.is_empty() && count < self.left {
            let (now, later) = rest.split_at(rest.len().min(self.left - count));
            let locked = lock_rows(&self.table, now, self.lock, &self.ctx).await;
            let locked = locked.map_err(to_df_error)?.unwrap_or_else(|| vec![true; now.len()]);
            count += locked.iter().filter(|free| **free).count();
            free.extend(locked);
            rest = later;
        }
        free.resize(handles.len(), false);
        Ok(filter_record_batch(&batch, &BooleanArray::from(free))?)
    }

    /// Enough rows for a batch, or what is left.
    async fn read(&mut self) -> SqlResult<(Vec<Vec<Datum>>, Vec<i64>)> {
        let mut rows = Vec::new();
        let mut handles = Vec::new();
        let mut bytes = 0;
        let skips = self.lock == AccessLock::ForUpdateSkipLocked;
        let wanted = if skips { self.batch_rows } else { self.batch_rows.min(self.left) };
        while rows.len() < wanted && bytes < BATCH_BYTES {
            if self.read.len() == 0 {
                let batch = self.access.next().await?;
                if batch.rows.is_empty() {
                    break;
                }
                let pairs: Vec<_> = batch.rows.into_iter().zip(batch.handles).collect();
                self.read = pairs.into_iter();
            }
            for (row, handle) in self.read.by_ref().take(wanted - rows.len()) {
                bytes += row_bytes(&row);
                rows.push(row);
                handles.push(handle);
            }
        }
        Ok((rows, handles))
    }
}
