//! An operator around another one, which counts its rows and its time: EXPLAIN ANALYZE.

use std::fmt;
use std::sync::Arc;

use datafusion_common::Result;
use datafusion_common::tree_node::TreeNodeRecursion;
use datafusion_execution::{SendableRecordBatchStream, TaskContext};
use datafusion_physical_expr_common::physical_expr::PhysicalExpr;
use datafusion_physical_plan::stream::RecordBatchStreamAdapter;
use datafusion_physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::stream::StreamExt;

use crate::sql::exec::ExecContext;
use crate::sql::exec::profile::Profile;
use crate::sql::plan::{NodeFigures, PhysicalPlan};

/// Counts what its input gives.
pub(super) struct Profiled {
    input: Arc<dyn ExecutionPlan>,
    figures: Arc<NodeFigures>,
    profile: Arc<Profile>,
}

/// The operator of a plan's node; counted if the statement is.
pub(super) fn profiled(
    operator: Arc<dyn ExecutionPlan>,
    plan: &PhysicalPlan,
    ctx: &ExecContext,
) -> Arc<dyn ExecutionPlan> {
    let Some(profile) = &ctx.profile else { return operator };
    let Some(figures) = profile.of(plan) else { return operator };
    Arc::new(Profiled { input: operator, figures, profile: profile.clone() })
}

impl fmt::Debug for Profiled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProfiledExec")
    }
}

impl DisplayAs for Profiled {
    fn fmt_as(&self, _t: DisplayFormatType, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("ProfiledExec")
    }
}

impl ExecutionPlan for Profiled {
    fn name(&self) -> &str {
        "ProfiledExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let input = children.pop().unwrap_or_else(|| self.input.clone());
        let (figures, profile) = (self.figures.clone(), self.profile.clone());
        Ok(Arc::new(Profiled { input, figures, profile }))
    }

    fn execute(
        &self,
        partition: usize,
        task: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let (figures, profile) = (self.figures.clone(), self.profile.clone());
        let began = profile.now();
        let input = self.input.execute(partition, task)?;
        let schema = input.schema();
        let mut count = Count { rows: 0, first: None, began, figures, profile };
        let batches = input.map(move |batch| {
            if let Ok(batch) = &batch {
                count.add(batch.num_rows());
            }
            batch
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)))
    }
}

/// One loop under way; it is added up when its stream is dropped.
struct Count {
    rows: usize,
    first: Option<u64>,
    began: u64,
    figures: Arc<NodeFigures>,
    profile: Arc<Profile>,
}

impl Count {
    fn add(&mut self, rows: usize) {
        self.rows += rows;
        if self.first.is_none() {
            self.first = Some(self.profile.now() - self.began);
        }
    }
}

impl Drop for Count {
    fn drop(&mut self) {
        let nanos = self.profile.now() - self.began;
        self.figures.add_loop(self.rows, self.first.unwrap_or(nanos), nanos);
    }
}
