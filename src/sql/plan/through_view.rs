//! Changes through views: which table is meant, and what WITH CHECK OPTION asks of its rows.

use std::sync::Arc;

use super::binder::{Binder, Clause, fold};
use super::physical::{SourceTable, UpdatedTable};
use super::scope::{Scope, same_name};
use super::subquery::has_subquery;
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::{
    Known, Leaf, TableInfo, Through, ViewParts, merge_delete, merge_update, not_updatable,
    not_updatable_column, several_tables, view_parts,
};
use crate::sql::expr::Expr;
use crate::sql::parser::ast;

/// A view that rows are changed through.
#[derive(Clone, Debug, PartialEq)]
pub struct ThroughView {
    /// Its database.
    pub database: String,
    /// Its name.
    pub view: String,
    /// What WITH CHECK OPTION asks of a row that is written: over the table's row where it is inserted, over the source's where it is
    /// changed.
    pub check: Option<Expr>,
}

/// What rows are inserted into.
pub(super) struct Inserted {
    /// The table's database.
    pub(super) database: String,
    /// The table.
    pub(super) table: Arc<TableInfo>,
    /// The database of what the statement names.
    pub(super) seen_in: String,
    /// The table with the names that the statement knows its columns by; those that it does not know have none.
    pub(super) seen: Arc<TableInfo>,
    /// The columns that are given where none are named; `None`: all.
    pub(super) columns: Option<Vec<String>>,
    /// The view.
    pub(super) through: Option<ThroughView>,
}

/// How rows come.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Insert,
    Load,
}

impl Binder<'_> {
    fn known(&self) -> Known<'_> {
        Known {
            schema: self.planner.schema,
            temporary: self.planner.temporary,
            current_db: self.planner.current_db,
        }
    }

    /// An UPDATE that changes views, as one of their tables.
    pub(super) fn update_of_tables(
        &self,
        update: &ast::Update,
    ) -> SqlResult<Option<(ast::Update, Vec<Through>)>> {
        if !self.check_views(&update.from)? {
            return Ok(None);
        }
        merge_update(update, self.known())
    }

    /// A DELETE from views, as one from their tables.
    pub(super) fn delete_of_tables(
        &self,
        delete: &ast::Delete,
    ) -> SqlResult<Option<(ast::Delete, Vec<Through>)>> {
        if !self.check_views(&delete.from)? {
            return Ok(None);
        }
        merge_delete(delete, self.known())
    }

    /// Whether there are views; error 1356 or 1462 for one that cannot be read.
    fn check_views(&self, from: &ast::TableRef) -> SqlResult<bool> {
        match from {
            ast::TableRef::Table { name, .. } => match self.table(name) {
                Ok((database, table)) if table.view.is_some() => {
                    self.check_view(&database, &table).map(|()| true)
                }
                _ => Ok(false),
            },
            ast::TableRef::Derived { .. } | ast::TableRef::Json(_) => Ok(false),
            ast::TableRef::Join { left, right, .. } => {
                Ok(self.check_views(left)? | self.check_views(right)?)
            }
        }
    }

    fn check_view(&self, database: &str, view: &TableInfo) -> SqlResult<()> {
        Binder::new(self.planner).view(database, view, &view.name, &[]).map(|_| ())
    }

    /// What WITH CHECK OPTION asks of the rows that an UPDATE makes.
    pub(super) fn check_through(
        &mut self,
        tables: &mut [UpdatedTable],
        names: &[String],
        through: Vec<Through>,
        scope: &Scope,
    ) -> SqlResult<()> {
        for Through { database, view, leaf, check } in through {
            let check = check.map(|check| self.view_check(&check, scope)).transpose()?;
            let at = names.iter().position(|name| *name == leaf.alias);
            let updated = at.and_then(|at| tables.get_mut(at));
            let updated = updated.ok_or_else(|| SqlError::internal("a view of no table"))?;
            updated.through = Some(ThroughView { database, view, check });
        }
        Ok(())
    }

    fn view_check(&mut self, check: &ast::Expr, scope: &Scope) -> SqlResult<Expr> {
        let bound = self.expr(check, &mut Clause::plain(scope, "where clause"))?;
        if has_subquery(&bound) {
            return Err(SqlError::unsupported("a subquery in what WITH CHECK OPTION asks of rows"));
        }
        Ok(fold(bound))
    }

    /// What a statement inserts into; `columns` are those that it names.
    pub(super) fn inserted(
        &mut self,
        name: &ast::ObjectName,
        columns: Option<&[String]>,
        way: Way,
    ) -> SqlResult<Inserted> {
        let (database, table) = self.target(name)?;
        if table.view.is_some() {
            return self.inserted_through((&database, &table), columns, way);
        }
        Ok(Inserted {
            seen_in: database.clone(),
            seen: table.clone(),
            database,
            table,
            columns: None,
            through: None,
        })
    }

    fn inserted_through(
        &mut self,
        (database, view): (&str, &TableInfo),
        columns: Option<&[String]>,
        way: Way,
    ) -> SqlResult<Inserted> {
        let refused = || match way {
            Way::Insert => SqlError::new(
                errno::NON_INSERTABLE_TABLE,
                format!("The target table {} of the INSERT is not insertable-into", view.name),
            ),
            Way::Load => not_updatable(&view.name, "LOAD"),
        };
        self.check_view(database, view)?;
        if !view.view.as_ref().is_some_and(|view| view.updatable) {
            return Err(refused());
        }
        let parts = view_parts(database, view, self.planner.schema)?;
        let all: Vec<String> =
            view.public_columns().iter().map(|column| column.name.clone()).collect();
        let named = columns.filter(|names| !names.is_empty());
        let joined = parts.leaves.len() > 1;
        if joined && way == Way::Load {
            return Err(SqlError::new(
                errno::WRONG_USAGE,
                "Incorrect usage of Multi-table VIEW and LOAD",
            ));
        }
        let one_each = joined || way == Way::Load || takes_each_once(&parts.columns);
        if !one_each || parts.leaves.iter().any(|leaf| leaf.padded) {
            return Err(refused());
        }
        if joined && named.is_none() {
            return Err(SqlError::new(
                errno::VIEW_NO_INSERT_FIELD_LIST,
                format!(
                    "Can not insert into join view '{database}.{}' without fields list",
                    view.name
                ),
            ));
        }
        let leaf = one_table((database, view), &parts, named.unwrap_or(&all))?.clone();
        let found = self.planner.schema.table(&leaf.database, &leaf.table);
        let table = found.filter(|_| leaf.stored).ok_or_else(refused)?.clone();
        let check = match &parts.check {
            Some(check) => {
                let mut check = check.clone();
                without_others(&mut check, &leaf.alias);
                let scope = Scope::table(&leaf.database, &leaf.alias, &table);
                Some(self.view_check(&check, &scope)?)
            }
            None => None,
        };
        let through = ThroughView { database: database.to_owned(), view: view.name.clone(), check };
        Ok(Inserted {
            database: leaf.database.clone(),
            seen: Arc::new(seen_as(&table, &leaf, &all, &parts.columns)),
            table,
            seen_in: database.to_owned(),
            columns: Some(all),
            through: Some(through),
        })
    }
}

/// The tables that are changed, with the error of a subquery that reads them.
pub(super) fn changed(
    tables: &[SourceTable],
    names: &[String],
    verb: &str,
    through: &[Through],
) -> Vec<(i64, SqlError)> {
    let error = |name: &String| match through.iter().find(|view| view.leaf.alias == *name) {
        Some(view) => reads_changed(&view.view, Some(verb)),
        None => reads_changed(name, None),
    };
    let ids = tables.iter().map(|table| table.target.table.id);
    ids.zip(names.iter().map(error)).collect()
}

/// Error 1093, or of a view that is changed by a statement of this kind 1443: a subquery reads what is changed.
pub(super) fn reads_changed(name: &str, verb: Option<&str>) -> SqlError {
    match verb {
        None => SqlError::new(
            errno::UPDATE_TABLE_USED,
            format!("You can't specify target table '{name}' for update in FROM clause"),
        ),
        Some(verb) => SqlError::new(
            errno::VIEW_PREVENT_UPDATE,
            format!(
                "The definition of table '{name}' prevents operation {verb} on table '{name}'."
            ),
        ),
    }
}

/// Whether each column of a view is one of its table's, and no two are the same.
fn takes_each_once(columns: &[ast::Expr]) -> bool {
    columns.iter().enumerate().all(|(at, column)| {
        matches!(column, ast::Expr::Column { .. }) && !columns[..at].contains(column)
    })
}

/// The table that these columns of a view belong to.
fn one_table<'p>(
    (database, view): (&str, &TableInfo),
    parts: &'p ViewParts,
    names: &[String],
) -> SqlResult<&'p Leaf> {
    let mut found: Option<&str> = None;
    for name in names {
        let at = view.public_columns().iter().position(|column| same_name(&column.name, name));
        let at = at.ok_or_else(|| super::bind_expr::unknown_column(name, "field list"))?;
        let ast::Expr::Column { table: Some(alias), .. } = &parts.columns[at] else {
            return Err(not_updatable_column(name));
        };
        if found.is_some_and(|found| found != alias) {
            return Err(several_tables(database, &view.name));
        }
        found = Some(alias);
    }
    let leaf = parts.leaves.iter().find(|leaf| found.is_none_or(|found| leaf.alias == found));
    leaf.ok_or_else(|| SqlError::internal("a view without tables"))
}

/// A table under the names that a view has for its columns.
fn seen_as(table: &TableInfo, leaf: &Leaf, names: &[String], columns: &[ast::Expr]) -> TableInfo {
    let mut seen = table.clone();
    for column in &mut seen.columns {
        let own = std::mem::take(&mut column.name);
        let shown = names.iter().zip(columns).find(|(_, shown)| {
            matches!(shown, ast::Expr::Column { table: Some(alias), name, .. }
                if *alias == leaf.alias && same_name(name, &own))
        });
        if let Some((name, _)) = shown {
            column.name.clone_from(name);
        }
    }
    seen
}

/// A row that is inserted stands alone: the other tables of the view have none.
fn without_others(expr: &mut ast::Expr, alias: &str) {
    if let ast::Expr::Column { table: Some(table), .. } = expr
        && table != alias
    {
        *expr = ast::Expr::Literal(ast::Literal::Null);
    }
    expr.children_mut().into_iter().for_each(|child| without_others(child, alias));
}
