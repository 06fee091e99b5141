//! Views in FROM: their queries, as derived tables.

use super::binder::Binder;
use super::index_hints;
use super::logical::Logical;
use super::scope::Scope;
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::TableInfo;
use crate::sql::parser::ast;

/// What is wrong with the view, and not with the statement that reads it.
const OF_VIEW: &[u16] = &[
    errno::BAD_FIELD,
    errno::NO_SUCH_TABLE,
    errno::BAD_DB,
    errno::NON_UNIQ,
    errno::SP_DOES_NOT_EXIST,
    errno::PARSE,
    errno::VIEW_INVALID,
    errno::VIEW_WRONG_LIST,
];

impl Binder<'_> {
    /// The rows of a view. Its query sees nothing of the statement around; what is wrong with it is error 1356.
    pub(super) fn view(
        &mut self,
        database: &str,
        table: &TableInfo,
        alias: &str,
        hints: &[ast::IndexHint],
    ) -> SqlResult<(Logical, Scope)> {
        if let Some(name) = index_hints::first_name(hints) {
            return Err(index_hints::no_such_key(name, alias));
        }
        if self.views.contains(&table.id) {
            return Err(SqlError::new(
                errno::VIEW_RECURSIVE,
                format!("`{database}`.`{}` contains view recursion", table.name),
            ));
        }
        let view = table.view.as_ref().ok_or_else(|| SqlError::internal("a table is no view"))?;
        let common = std::mem::take(&mut self.common_tables);
        let outer = std::mem::take(&mut self.outer);
        self.views.push(table.id);
        let names: Vec<String> = table.columns.iter().map(|column| column.name.clone()).collect();
        let bound = view.query().and_then(|query| self.derived_columns(&query, &names));
        self.views.pop();
        self.common_tables = common;
        self.outer = outer;
        let (plan, columns) = bound.map_err(|error| match OF_VIEW.contains(&error.code) {
            true => invalid(database, &table.name),
            false => error,
        })?;
        Ok((plan, Scope::view(database, alias, columns)))
    }
}

/// Error 1356.
fn invalid(database: &str, view: &str) -> SqlError {
    SqlError::new(
        errno::VIEW_INVALID,
        format!(
            "View '{database}.{view}' references invalid table(s) or column(s) or function(s) or definer/invoker of \
             view lack rights to use them"
        ),
    )
}
