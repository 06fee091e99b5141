//! Expressions that an index of a table holds: where one stands in a condition or an order, the hidden column stands for it.

use super::logical::{Scan, column_type};
use super::physical::SortKey;
use super::row_rules::hidden_expressions;
use crate::sql::catalog::TableInfo;
use crate::sql::expr::Expr;
use crate::sql::types::FieldType;

/// What the hidden columns of a table hold, over its rows.
pub(super) struct Hidden {
    columns: Vec<(usize, Expr)>,
}

impl Hidden {
    /// Of a table; `None` if it has none, or none can be read.
    pub(super) fn of(table: &TableInfo) -> Option<Hidden> {
        if !table.columns.iter().any(|column| column.hidden) {
            return None;
        }
        // An expression that means nothing here any more is one that no condition is equal to.
        let columns = hidden_expressions(table).ok()?;
        (!columns.is_empty()).then_some(Hidden { columns })
    }

    /// The scan with the columns in its filters.
    pub(super) fn filtered(&self, scan: &Scan) -> Option<Scan> {
        let filters = scan.filters.iter().cloned();
        let filters: Vec<Expr> = filters.map(|filter| self.replaced(&scan.table, filter)).collect();
        (filters != scan.filters).then(|| Scan { filters, ..scan.clone() })
    }

    /// The hidden column that a key, which is over what the scan gives, is the value of.
    pub(super) fn ordered_by(&self, scan: &Scan, key: &SortKey) -> Option<usize> {
        let over_table = key.expr.clone().map_columns(&mut |index| scan.outputs[index]);
        self.column(&over_table)
    }

    fn column(&self, expr: &Expr) -> Option<usize> {
        let found = self.columns.iter().find(|(_, held)| same(held, expr));
        found.map(|(offset, _)| *offset)
    }

    fn replaced(&self, table: &TableInfo, expr: Expr) -> Expr {
        if let Some(offset) = self.column(&expr) {
            return Expr::column(offset, column_type(table, offset));
        }
        match expr {
            Expr::Call { function, args, field_type } => {
                let args = args.into_iter().map(|arg| self.replaced(table, arg)).collect();
                Expr::Call { function, args, field_type }
            }
            leaf => leaf,
        }
    }
}

/// Whether two expressions over a row give the same. Whether a column may be NULL is not the same on the far side of an outer join, and which
/// collation a literal has follows from the session; what is compared in is the call's.
fn same(left: &Expr, right: &Expr) -> bool {
    match (left, right) {
        (Expr::Column { index, .. }, Expr::Column { index: other, .. }) => index == other,
        (
            Expr::Call { function, args, field_type },
            Expr::Call { function: other, args: others, field_type: known },
        ) => {
            let nullable = |field_type: &FieldType| field_type.clone().nullable();
            function == other
                && args.len() == others.len()
                && nullable(field_type) == nullable(known)
                && args.iter().zip(others).all(|(left, right)| same(left, right))
        }
        (
            Expr::Literal { value, field_type },
            Expr::Literal { value: other, field_type: known },
        ) => value == other && field_type.kind == known.kind,
        (left, right) => left == right,
    }
}
