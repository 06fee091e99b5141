//! Subqueries in what INSERT gives: they read a row that is no table's, the one that is being made. Each is a plan of its own, over one row
//! of parameters, and run when that row is there.

use super::binder::Binder;
use super::logical::Logical;
use super::outer::OUTER_BASE;
use super::subquery::{has_subquery, subquery_call};
use crate::sql::catalog::TableInfo;
use crate::sql::expr::Expr;
use crate::sql::types::FieldType;

/// Where the parameters begin that are the row's columns: none of a row around a subquery has such a number.
pub(in crate::sql) const ROW_BASE: usize = 1 << 38;

/// Where the parameters begin that are what a row's subqueries give.
pub(in crate::sql) const ROW_VALUE_BASE: usize = 1 << 39;

const _: () = assert!(ROW_VALUE_BASE < OUTER_BASE, "they are no parameters of rows around");

impl Binder<'_> {
    /// An expression over rows of these types, with parameters in place of its subqueries.
    pub(super) fn over_made_row(&mut self, expr: Expr, row: &[FieldType]) -> Expr {
        if subquery_call(&expr).is_some() {
            let field_type = expr.field_type().clone();
            let columns = row.iter().cloned().enumerate();
            let columns = columns
                .map(|(at, field_type)| Expr::Parameter { index: ROW_BASE + at, field_type });
            let rows = vec![columns.collect()];
            let input = Box::new(Logical::Values { rows, schema: row.to_vec() });
            self.row_plans.push(Logical::Project { input, exprs: vec![expr] });
            let index = ROW_VALUE_BASE + self.row_plans.len() - 1;
            return Expr::Parameter { index, field_type };
        }
        if !has_subquery(&expr) {
            return expr;
        }
        match expr {
            Expr::Call { function, args, field_type } => {
                let args = args.into_iter().map(|arg| self.over_made_row(arg, row)).collect();
                Expr::Call { function, args, field_type }
            }
            leaf => leaf,
        }
    }
}

/// The types of a table's whole rows while they are made: there is NULL where no value is yet.
pub(super) fn row_types(table: &TableInfo) -> Vec<FieldType> {
    table.columns.iter().map(|column| column.field_type.clone().nullable()).collect()
}
