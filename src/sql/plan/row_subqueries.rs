//! Subqueries in what INSERT gives: they read a row that is no table's, the one that is being made. Each is a plan of its own, over one row
//! of parameters, and run when that row is there.

use std::mem;

use super::binder::Binder;
use super::logical::Logical;
use super::physical::Assignment;
use super::subquery::{has_subquery, subquery_call};
use crate::sql::catalog::TableInfo;
use crate::sql::expr::Expr;
use crate::sql::types::FieldType;

/// Where the parameters begin that are the row's columns.
pub(in crate::sql) const ROW_BASE: usize = 1 << 40;

/// Where the parameters begin that are what a row's subqueries give.
pub(in crate::sql) const ROW_VALUE_BASE: usize = 1 << 41;

impl Binder<'_> {
    /// An expression over rows of these types, with parameters in place of its subqueries. `of_row`: the same over the row as it is when the
    /// subqueries are run.
    pub(super) fn over_made_row(&mut self, expr: Expr, of_row: &Expr, row: &[FieldType]) -> Expr {
        if subquery_call(&expr).is_some() {
            let field_type = expr.field_type().clone();
            let columns = row.iter().cloned().enumerate();
            let columns = columns
                .map(|(at, field_type)| Expr::Parameter { index: ROW_BASE + at, field_type });
            let rows = vec![columns.collect()];
            let input = Box::new(Logical::Values { rows, schema: row.to_vec() });
            self.row_plans.push(Logical::Project { input, exprs: vec![of_row.clone()] });
            let index = ROW_VALUE_BASE + self.row_plans.len() - 1;
            return Expr::Parameter { index, field_type };
        }
        if !has_subquery(&expr) {
            return expr;
        }
        match (expr, of_row) {
            (Expr::Call { function, args, field_type }, Expr::Call { args: of_row, .. }) => {
                let args = args.into_iter().zip(of_row);
                let args = args.map(|(arg, of_row)| self.over_made_row(arg, of_row, row)).collect();
                Expr::Call { function, args, field_type }
            }
            (other, _) => other,
        }
    }

    /// The same for assignments to a row's columns: each sees what those before it have assigned, where the subqueries of all are run before.
    pub(super) fn assigned_over_made_row(
        &mut self,
        assignments: &mut [Assignment],
        table: &TableInfo,
        row: &[FieldType],
    ) {
        if !assignments.iter().any(|assignment| has_subquery(&assignment.value)) {
            return;
        }
        let mut changed: Vec<(usize, Expr)> = Vec::new();
        for assignment in assignments {
            let value = mem::replace(&mut assignment.value, Expr::null());
            let of_row = over_changed(value.clone(), &changed);
            assignment.value = self.over_made_row(value, &of_row, row);
            let target = table.columns[assignment.column].field_type.clone();
            changed.retain(|(known, _)| *known != assignment.column);
            changed.push((assignment.column, Expr::cast(of_row, target)));
        }
    }
}

/// An expression with what columns have become in their places.
fn over_changed(expr: Expr, changed: &[(usize, Expr)]) -> Expr {
    match expr {
        Expr::Column { index, field_type } => {
            let known = changed.iter().find(|(column, _)| *column == index);
            known.map_or(Expr::Column { index, field_type }, |(_, value)| value.clone())
        }
        Expr::Call { function, args, field_type } => {
            let args = args.into_iter().map(|arg| over_changed(arg, changed)).collect();
            Expr::Call { function, args, field_type }
        }
        leaf => leaf,
    }
}

/// The types of a table's whole rows while they are made: there is NULL where no value is yet.
pub(super) fn row_types(table: &TableInfo) -> Vec<FieldType> {
    table.columns.iter().map(|column| column.field_type.clone().nullable()).collect()
}
