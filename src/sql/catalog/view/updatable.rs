//! Which views rows may be changed through.

use crate::sql::catalog::InfoSchema;
use crate::sql::parser::ast::{Expr, Query, QueryBody, SelectItem, TableRef};

/// Whether each row of a canonical query is one row of a table that can be changed.
pub fn updatable_query(query: &Query, schema: &InfoSchema) -> bool {
    let QueryBody::Select(select) = &query.body else { return false };
    let plain = query.with.is_empty()
        && query.limit.is_none()
        && !select.distinct
        && select.group_by.is_empty()
        && select.having.is_none()
        && select.windows.is_empty();
    let of_row = |item: &SelectItem| match item {
        SelectItem::Wildcard(_) => true,
        SelectItem::Expr { expr, .. } => {
            let mut plain = true;
            expr.visit(&mut |part| {
                let other = matches!(
                    part,
                    Expr::Aggregate { .. }
                        | Expr::Window(_)
                        | Expr::Subquery(_)
                        | Expr::InQuery { .. }
                        | Expr::Exists(_)
                        | Expr::Compared { .. }
                );
                plain &= !other;
            });
            plain
        }
    };
    plain
        && select.items.iter().all(of_row)
        && select.from.as_ref().is_some_and(|from| changes_rows(from, schema))
}

/// Whether any of the tables can be changed. One that is inside of an outer join can be, too.
fn changes_rows(from: &TableRef, schema: &InfoSchema) -> bool {
    match from {
        TableRef::Table { name, .. } => {
            let database = name.database.as_deref().unwrap_or_default();
            schema.table(database, &name.name).is_some_and(|table| match &table.view {
                Some(view) => view.updatable,
                None => table.id > 0,
            })
        }
        TableRef::Derived { .. } | TableRef::Json(_) => false,
        TableRef::Join { left, right, .. } => {
            changes_rows(left, schema) || changes_rows(right, schema)
        }
    }
}
