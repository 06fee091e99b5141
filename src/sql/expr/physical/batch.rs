//! The `PhysicalExpr` around an expression.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Schema};
use datafusion_common::{Result, ScalarValue};
use datafusion_expr::ColumnarValue;
use datafusion_physical_expr::expressions::Column;
use datafusion_physical_expr_common::physical_expr::PhysicalExpr;

use super::{to_df_error, vector};
use crate::sql::expr::{EvalContext, Expr};

/// An expression over the values of its children, which are the columns it reads: DataFusion may exchange them when it
/// moves the expression elsewhere in a plan.
#[derive(Debug)]
struct BatchExpr {
    /// Its columns are positions in `children`.
    expr: Expr,
    children: Vec<Arc<dyn PhysicalExpr>>,
    /// Whether it yields Arrow's booleans: true, false and NULL by MySQL's idea of truth.
    predicate: bool,
    ctx: Arc<EvalContext>,
}

/// Over batches; a column is DataFusion's own.
pub(super) fn build(expr: &Expr, ctx: &Arc<EvalContext>) -> Arc<dyn PhysicalExpr> {
    match expr {
        Expr::Column { index, .. } => column(*index),
        _ => wrap(expr, ctx, false),
    }
}

/// The same as a condition.
pub(super) fn build_predicate(expr: &Expr, ctx: &Arc<EvalContext>) -> Arc<dyn PhysicalExpr> {
    wrap(expr, ctx, true)
}

/// A column of the input by its position.
fn column(index: usize) -> Arc<dyn PhysicalExpr> {
    Arc::new(Column::new(&format!("c{index}"), index))
}

/// An expression that is evaluated row by row.
fn wrap(expr: &Expr, ctx: &Arc<EvalContext>, predicate: bool) -> Arc<dyn PhysicalExpr> {
    let columns: Vec<usize> = expr.columns().into_iter().collect();
    let mut position =
        |index: usize| columns.iter().position(|column| *column == index).unwrap_or(0);
    let expr = expr.clone().map_columns(&mut position).with_sorted_lists(ctx);
    let children = columns.iter().map(|index| column(*index)).collect();
    Arc::new(BatchExpr { expr, children, predicate, ctx: Arc::clone(ctx) })
}

impl PhysicalExpr for BatchExpr {
    fn data_type(&self, _input_schema: &Schema) -> Result<DataType> {
        if self.predicate {
            return Ok(DataType::Boolean);
        }
        Ok(self.expr.field_type().arrow_type())
    }

    /// Always: that a type says NOT NULL is a promise about tables, not about what an outer join makes of them.
    fn nullable(&self, _input_schema: &Schema) -> Result<bool> {
        Ok(true)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        // Between two batches: an operator may compute many of them before it comes back.
        self.ctx.check_interrupted().map_err(to_df_error)?;
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.children.len());
        for child in &self.children {
            columns.push(child.evaluate(batch)?.into_array(batch.num_rows())?);
        }
        let constant = self.expr.is_constant();
        let rows = if constant { 1 } else { batch.num_rows() };
        let input = vector::Batch { columns: &columns, rows, ctx: &self.ctx };
        let array = if self.predicate {
            input.predicate(&self.expr).map(|array| Arc::new(array) as ArrayRef)
        } else {
            input.array(&self.expr)
        };
        let array = array.map_err(to_df_error)?;
        if constant && array.data_type() != &DataType::Null {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?));
        }
        if constant {
            return ColumnarValue::Scalar(ScalarValue::Null)
                .into_array(batch.num_rows())
                .map(ColumnarValue::Array);
        }
        Ok(ColumnarValue::Array(array))
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        self.children.iter().collect()
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn PhysicalExpr>>,
    ) -> Result<Arc<dyn PhysicalExpr>> {
        Ok(Arc::new(BatchExpr {
            expr: self.expr.clone(),
            children,
            predicate: self.predicate,
            ctx: Arc::clone(&self.ctx),
        }))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }

    fn is_volatile_node(&self) -> bool {
        !self.expr.is_deterministic()
    }
}

impl fmt::Display for BatchExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names =
            |index: usize| self.children.get(index).map_or(String::new(), ToString::to_string);
        write!(f, "{}", self.expr.display(&names))
    }
}

impl PartialEq for BatchExpr {
    fn eq(&self, other: &BatchExpr) -> bool {
        self.predicate == other.predicate
            && Arc::ptr_eq(&self.ctx, &other.ctx)
            && self.expr == other.expr
            && self.children == other.children
    }
}

impl Eq for BatchExpr {}

impl Hash for BatchExpr {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.predicate.hash(state);
        self.to_string().hash(state);
        self.children.hash(state);
    }
}
