//! Whole columns at once, where that means exactly what the row evaluator means.
//!
//! A function's kernel may only be used for an expression that every row would compute: the right side of an AND is computed
//! for all rows only when it can neither fail nor warn ([`is_total`]).

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int64Array};

use crate::common::SqlResult;
use crate::sql::expr::{EvalContext, Expr};
use crate::sql::functions::{Compute, VectorCall};
use crate::sql::types::{Datum, DatumColumnBuilder, FieldType, datum_from_array};

/// The rows an expression is computed for.
pub struct Batch<'a> {
    pub(in crate::sql) columns: &'a [ArrayRef],
    pub(in crate::sql) rows: usize,
    pub(in crate::sql) ctx: &'a EvalContext,
}

impl Batch<'_> {
    /// The expression's values, of its Arrow type.
    pub(super) fn array(&self, expr: &Expr) -> SqlResult<ArrayRef> {
        if let Expr::Column { index, .. } = expr {
            return Ok(Arc::clone(&self.columns[*index]));
        }
        if let Some(truths) = self.truths(expr)? {
            let numbers: Int64Array = truths.iter().map(|truth| truth.map(i64::from)).collect();
            return Ok(Arc::new(numbers));
        }
        if let Some(array) = self.values(expr)? {
            return Ok(array);
        }
        self.by_row(expr)
    }

    /// The expression's truth.
    pub(super) fn predicate(&self, expr: &Expr) -> SqlResult<BooleanArray> {
        if let Some(truths) = self.truths(expr)? {
            return Ok(truths);
        }
        let mut truths = Vec::with_capacity(self.rows);
        let mut row = Row::new(self, expr);
        for position in 0..self.rows {
            let value = expr.eval(row.load(position)?, self.ctx)?;
            truths.push(value.to_bool(self.ctx)?);
        }
        Ok(BooleanArray::from(truths))
    }

    fn by_row(&self, expr: &Expr) -> SqlResult<ArrayRef> {
        let mut builder = DatumColumnBuilder::new(expr.field_type(), self.rows);
        let mut row = Row::new(self, expr);
        for position in 0..self.rows {
            builder.push(&expr.eval(row.load(position)?, self.ctx)?)?;
        }
        Ok(builder.finish())
    }

    /// A condition by columns; `None` when there is no kernel for it.
    pub(in crate::sql) fn truths(&self, expr: &Expr) -> SqlResult<Option<BooleanArray>> {
        let Expr::Call { function, args, field_type } = expr else { return Ok(None) };
        match function.definition().kernel.map(|kernel| kernel.compute) {
            Some(Compute::Truth(compute)) => compute(self, &VectorCall { args, field_type }),
            Some(Compute::Values(_)) | None => Ok(None),
        }
    }

    /// Values by columns; `None` when there is no kernel for them.
    pub(in crate::sql) fn values(&self, expr: &Expr) -> SqlResult<Option<ArrayRef>> {
        let Expr::Call { function, args, field_type } = expr else { return Ok(None) };
        match function.definition().kernel.map(|kernel| kernel.compute) {
            Some(Compute::Values(compute)) => compute(self, &VectorCall { args, field_type }),
            Some(Compute::Truth(_)) | None => Ok(None),
        }
    }
}

/// Whether computing it can neither fail nor warn, for any row.
pub(in crate::sql) fn is_total(expr: &Expr) -> bool {
    let Expr::Call { function, args, .. } = expr else { return false };
    function.definition().kernel.is_some_and(|kernel| (kernel.is_total)(args))
}

/// The columns of one row as values.
struct Row<'a> {
    columns: Vec<(&'a ArrayRef, FieldType)>,
    values: Vec<Datum>,
}

impl<'a> Row<'a> {
    fn new(input: &Batch<'a>, expr: &Expr) -> Row<'a> {
        let mut types = vec![FieldType::null(); input.columns.len()];
        expr.visit(&mut |node| {
            if let Expr::Column { index, field_type } = node {
                types[*index] = field_type.clone();
            }
        });
        let columns: Vec<_> = input.columns.iter().zip(types).collect();
        let values = vec![Datum::Null; columns.len()];
        Row { columns, values }
    }

    fn load(&mut self, row: usize) -> SqlResult<&[Datum]> {
        for ((array, field_type), value) in self.columns.iter().zip(&mut self.values) {
            *value = datum_from_array(array.as_ref(), row, field_type)?;
        }
        Ok(&self.values)
    }
}
