//! INSERT … SELECT … ON DUPLICATE KEY UPDATE: its assignments may read columns of the tables that the SELECT reads. They are selected
//! behind the values, and stand behind the old row and the new one in what the assignments see. And the names that INSERT … AS gives
//! the columns of the new row.

use super::dml::target_column;
use super::logical::public_columns;
use super::physical::OutputColumn;
use super::query::wrong_row;
use super::scope::{Scope, same_name};
use crate::common::SqlResult;
use crate::sql::catalog::TableInfo;
use crate::sql::parser::ast::{Expr, Insert, InsertRows, Query, QueryBody, SelectItem};

/// The columns that are read, those of one table beside each other.
#[derive(Default)]
pub(super) struct ReadColumns {
    columns: Vec<ReadColumn>,
}

#[derive(PartialEq)]
struct ReadColumn {
    table: Option<String>,
    name: String,
}

impl ReadColumns {
    /// What an INSERT into a table reads so; nothing of a query that gives no rows of tables but groups, or rows of several SELECTs.
    pub(super) fn of(insert: &Insert, table: &TableInfo) -> ReadColumns {
        let mut found = ReadColumns::default();
        let InsertRows::Query(query) = &insert.rows else { return found };
        let QueryBody::Select(select) = &query.body else { return found };
        if select.distinct || !select.group_by.is_empty() {
            return found;
        }
        let mut open: Vec<&Expr> = insert.on_duplicate.iter().map(|a| &a.value).collect();
        while let Some(expr) = open.pop() {
            open.extend(expr.children());
            let Expr::Column { database: None, table: of, name } = expr else { continue };
            let own = match of {
                Some(of) => same_name(of, &insert.table.name),
                None => target_column(table, name, "field list").is_ok(),
            };
            let column = ReadColumn { table: of.clone(), name: name.clone() };
            if !own && !found.columns.iter().any(|known| known.is_same(&column)) {
                found.columns.push(column);
            }
        }
        found.columns.sort_by(|a, b| a.table.cmp(&b.table));
        found
    }

    pub(super) fn len(&self) -> usize {
        self.columns.len()
    }

    /// The query that selects them as well; `None`: there are none.
    pub(super) fn selected(&self, query: &Query) -> Option<Query> {
        if self.columns.is_empty() {
            return None;
        }
        let mut query = query.clone();
        if let QueryBody::Select(select) = &mut query.body {
            select.items.extend(self.columns.iter().map(|ReadColumn { table, name }| {
                let (table, name) = (table.clone(), name.clone());
                let text = name.clone();
                SelectItem::Expr {
                    expr: Expr::Column { database: None, table, name },
                    alias: None,
                    text,
                }
            }));
        }
        Some(query)
    }

    /// What assignments see that see `seen`, and these columns, with their types, from a place on.
    pub(super) fn joined(
        &self,
        mut seen: Scope,
        given: &[OutputColumn],
        start: usize,
    ) -> SqlResult<Scope> {
        let mut at = 0;
        for group in self.columns.chunk_by(|a, b| a.table == b.table) {
            let columns = group
                .iter()
                .zip(&given[at..])
                .map(|(column, given)| OutputColumn { name: column.name.clone(), ..given.clone() });
            let alias = group[0].table.as_deref().unwrap_or_default();
            let mut scope = Scope::derived(alias, columns.collect());
            scope.shift(start + at);
            seen = seen.join(scope)?;
            at += group.len();
        }
        Ok(seen)
    }
}

/// The row to be inserted, under names of its own for the columns that are given. Error 1136 for another number of names.
pub(super) fn renamed_row(
    alias: &str,
    table: &TableInfo,
    columns: &[usize],
    names: &[String],
) -> SqlResult<Scope> {
    if names.len() != columns.len() {
        return Err(wrong_row(1));
    }
    let column = |offset: usize| {
        let given = columns.iter().position(|column| *column == offset);
        OutputColumn {
            // The others are known by no name.
            name: given.map_or_else(String::new, |given| names[given].clone()),
            field_type: table.columns[offset].field_type.clone(),
            origin: None,
            key_flags: 0,
        }
    };
    Ok(Scope::derived(alias, (0..public_columns(table)).map(column).collect()))
}

/// Whether any column in it says its table.
pub(super) fn uses_tables(expr: &Expr) -> bool {
    use Expr as E;
    match expr {
        E::Column { table, .. } => table.is_some(),
        E::Unary(_, operand) | E::IsNull(operand, _) | E::Cast(operand, _) => uses_tables(operand),
        E::Binary(_, left, right) => uses_tables(left) || uses_tables(right),
        E::And(items) | E::Or(items) | E::Call(_, items) => items.iter().any(uses_tables),
        E::Case { operand, branches, otherwise } => {
            operand.iter().chain(otherwise).any(|expr| uses_tables(expr))
                || branches.iter().any(|(when, then)| uses_tables(when) || uses_tables(then))
        }
        _ => false,
    }
}

impl ReadColumn {
    fn is_same(&self, other: &ReadColumn) -> bool {
        let same_table = match (&self.table, &other.table) {
            (Some(one), Some(other)) => same_name(one, other),
            (one, other) => one.is_none() && other.is_none(),
        };
        same_table && same_name(&self.name, &other.name)
    }
}
