//! Expressions over a row that are part of a table's definition.
//!
//! They are kept as text, as in MySQL, with the columns they name by their ids: so they are found whatever is called so later.

use serde::{Deserialize, Serialize};

use super::TableInfo;
use super::computed::UNRESOLVED;
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::digest::quote_name;
use crate::sql::parser::ast::Expr;
use crate::sql::parser::{expression_text, parse_expression};

/// A column that an expression names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedColumn {
    /// As the text has it.
    pub name: String,
    /// Which it is.
    pub id: i64,
}

/// An expression over a row of the table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableExpr {
    /// In MySQL's words, without parentheses around it but those of its operator.
    pub text: String,
    /// The columns in it, each once.
    pub columns: Vec<NamedColumn>,
}

impl TableExpr {
    /// Of what was written, over the columns that statements will see; `unknown` is the error of any other name.
    pub(super) fn new(
        expr: &Expr,
        table: &TableInfo,
        unknown: impl Fn(&str) -> SqlError,
    ) -> SqlResult<TableExpr> {
        let mut columns: Vec<NamedColumn> = Vec::new();
        let text = expression_text(expr, &mut |of, name| {
            let own = of.is_none_or(|of| same_name(of, &table.name));
            let mut public = table.visible_columns().iter();
            let found = public.find(|column| own && same_name(&column.name, name));
            let Some(column) = found else {
                return Err(unknown(
                    &of.map_or_else(|| name.to_owned(), |of| format!("{of}.{name}")),
                ));
            };
            if !columns.iter().any(|known| known.id == column.id) {
                columns.push(NamedColumn { name: column.name.clone(), id: column.id });
            }
            Ok(quote_name(&column.name))
        })?;
        // Whoever reads it later must find what was written.
        parse_expression(&text)
            .map_err(|_| SqlError::unsupported("such an expression in a table's definition"))?;
        Ok(TableExpr { text, columns })
    }

    /// Looks up the names in it, if that has not been done.
    pub(super) fn resolve(
        &mut self,
        table: &TableInfo,
        unknown: impl Fn(&str) -> SqlError,
    ) -> SqlResult<()> {
        if self.columns.iter().any(|column| column.id == UNRESOLVED) {
            *self = TableExpr::new(&parse_expression(&self.text)?, table, unknown)?;
        }
        Ok(())
    }

    /// Has it name another column in a column's place; answers whether it named that.
    pub(super) fn replace(&mut self, from: i64, to: i64) -> bool {
        let mut found = false;
        for column in self.columns.iter_mut().filter(|column| column.id == from) {
            column.id = to;
            found = true;
        }
        found
    }

    /// As information_schema shows it, where quotes are escaped.
    pub fn escaped(&self) -> String {
        self.text.replace('\\', "\\\\").replace('\'', "\\'")
    }
}

/// What may not stand in an expression, and is told of in the words of where it does.
pub(super) trait Place {
    /// A function that is not allowed, by its name.
    fn function(&self, name: &str) -> SqlError;
    /// Something else that is not allowed.
    fn other(&self) -> SqlError;
    /// A variable.
    fn variable(&self) -> SqlError;
    /// A row.
    fn row(&self) -> SqlError;
    /// Whether a function may stand there that gives something else each time.
    fn is_computed_once(&self) -> bool;
}

/// Functions that do something, or tell of what only this server or statement knows.
const NOWHERE: &[&str] = &[
    "benchmark",
    "found_rows",
    "get_lock",
    "is_free_lock",
    "is_used_lock",
    "last_insert_id",
    "load_file",
    "master_pos_wait",
    "name_const",
    "release_all_locks",
    "release_lock",
    "row_count",
    "sleep",
    "values",
];

/// Functions that need not give the same again for the same row.
const CHANGING: &[&str] = &[
    "connection_id",
    "curdate",
    "current_date",
    "current_role",
    "current_time",
    "current_timestamp",
    "current_user",
    "curtime",
    "database",
    "localtime",
    "localtimestamp",
    "now",
    "rand",
    "schema",
    "session_user",
    "sysdate",
    "system_user",
    "user",
    "utc_date",
    "utc_time",
    "utc_timestamp",
    "uuid",
    "uuid_short",
];

/// Refuses what may not stand in a table's expression, wherever in it it stands.
pub(super) fn check_expr(expr: &Expr, place: &impl Place) -> SqlResult<()> {
    if matches!(expr, Expr::Row(_)) {
        return Err(place.row());
    }
    check_part(expr, place)
}

fn check_part(expr: &Expr, place: &impl Place) -> SqlResult<()> {
    match expr {
        Expr::Call(name, args) => {
            let changes =
                CHANGING.contains(&name.as_str()) || (name == "unix_timestamp" && args.is_empty());
            if NOWHERE.contains(&name.as_str()) || (changes && !place.is_computed_once()) {
                return Err(place.function(name));
            }
        }
        Expr::SystemVariable(..) | Expr::UserVariable(_) | Expr::AssignUserVariable(..) => {
            return Err(place.variable());
        }
        Expr::Default(_) => return Err(place.function("default")),
        Expr::InsertedValue(_) => return Err(place.function("values")),
        Expr::Aggregate { .. } | Expr::Grouping(_) => {
            return Err(SqlError::new(
                errno::INVALID_GROUP_FUNC_USE,
                "Invalid use of group function",
            ));
        }
        Expr::Window(call) => {
            return Err(SqlError::new(
                errno::WINDOW_INVALID_WINDOW_FUNC_USE,
                format!("You cannot use the window function '{}' in this context.'", call.name),
            ));
        }
        Expr::InQuery { .. }
        | Expr::Compared { .. }
        | Expr::Exists(_)
        | Expr::Subquery(_)
        | Expr::Parameter(_) => return Err(place.other()),
        _ => {}
    }
    expr.children().into_iter().try_for_each(|child| check_part(child, place))
}

pub(super) fn same_name(left: &str, right: &str) -> bool {
    left.eq_ignore_ascii_case(right) || left.to_lowercase() == right.to_lowercase()
}
