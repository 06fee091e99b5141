//! CHECK constraints: expressions that no row may make false.

use serde::{Deserialize, Serialize};

use super::build::check_name;
use super::table_expr::{Place, TableExpr, check_expr, same_name};
use super::{ForeignKey, InfoSchema, SchemaState, TableInfo};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::digest::quote_name;
use crate::sql::parser::ast::{CheckDefinition, Expr, Literal, ReferentialAction, UnaryOp};

/// A check of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckInfo {
    /// Unique in the table.
    pub id: i64,
    /// As written, or made out of the table's.
    pub name: String,
    /// What no row may make false.
    pub expr: TableExpr,
    /// Whether anybody looks.
    pub enforced: bool,
    /// How far it has come: in *write-only* nothing is written that it forbids, and rows may stand that it would.
    pub state: SchemaState,
}

impl CheckInfo {
    /// As SHOW CREATE TABLE has it.
    pub fn text(&self) -> String {
        let ending = if self.enforced { "" } else { " /*!80016 NOT ENFORCED */" };
        format!("CONSTRAINT {} CHECK ({}){ending}", quote_name(&self.name), self.expr.text)
    }

    /// Error 3819.
    pub fn violated(name: &str) -> SqlError {
        let message = format!("Check constraint '{name}' is violated.");
        SqlError::new(errno::CHECK_CONSTRAINT_VIOLATED, message)
    }

    /// Error 3959 for a column that goes, or gets another name.
    fn depends(&self, column: &str) -> SqlError {
        let message = format!(
            "Check constraint '{}' uses column '{column}', hence column cannot be dropped or renamed.",
            self.name
        );
        SqlError::new(errno::DEPENDENT_BY_CHECK_CONSTRAINT, message)
    }
}

/// Error 3821.
pub(super) fn not_found(name: &str) -> SqlError {
    let message = format!("Check constraint '{name}' is not found in the table.");
    SqlError::new(errno::CHECK_CONSTRAINT_NOT_FOUND, message)
}

/// Error 3822.
fn duplicate(name: &str) -> SqlError {
    let message = format!("Duplicate check constraint name '{name}'.");
    SqlError::new(errno::CHECK_CONSTRAINT_DUP_NAME, message)
}

/// The words of errors about what stands in a check of this name.
struct InCheck<'n>(&'n str);

impl Place for InCheck<'_> {
    fn function(&self, name: &str) -> SqlError {
        let message = format!(
            "An expression of a check constraint '{}' contains disallowed function: {name}.",
            self.0
        );
        SqlError::new(errno::CHECK_CONSTRAINT_NAMED_FUNCTION_IS_NOT_ALLOWED, message)
    }

    fn other(&self) -> SqlError {
        let message = format!(
            "An expression of a check constraint '{}' contains disallowed function.",
            self.0
        );
        SqlError::new(errno::CHECK_CONSTRAINT_FUNCTION_IS_NOT_ALLOWED, message)
    }

    fn variable(&self) -> SqlError {
        let message = format!(
            "An expression of a check constraint '{}' cannot refer to a user or system variable.",
            self.0
        );
        SqlError::new(errno::CHECK_CONSTRAINT_VARIABLES, message)
    }

    fn row(&self) -> SqlError {
        let message = format!("Check constraint '{}' cannot refer to a row value.", self.0);
        SqlError::new(errno::CHECK_CONSTRAINT_ROW_VALUE, message)
    }

    fn is_computed_once(&self) -> bool {
        false
    }
}

/// Refuses what may not stand in a check, before its name is known for sure.
pub(super) fn check_written(expr: &Expr, name: &str) -> SqlResult<()> {
    check_expr(expr, &InCheck(name))
}

/// Functions that are true or false.
const BOOLEAN: &[&str] = &[
    "is_ipv4",
    "is_ipv4_compat",
    "is_ipv4_mapped",
    "is_ipv6",
    "is_uuid",
    "isnull",
    "json_contains",
    "json_contains_path",
    "json_overlaps",
    "json_schema_valid",
    "json_valid",
    "like",
    "member of",
    "regexp_like",
];

/// Whether it is true or false.
fn is_boolean(expr: &Expr) -> bool {
    use crate::sql::parser::ast::BinaryOp as B;
    match expr {
        Expr::Literal(literal) => matches!(literal, Literal::Bool(_)),
        Expr::Unary(op, _) => *op == UnaryOp::Not,
        Expr::Binary(op, ..) => {
            matches!(op, B::Eq | B::NullSafeEq | B::Ne | B::Lt | B::Le | B::Gt | B::Ge | B::Xor)
        }
        Expr::And(_)
        | Expr::Or(_)
        | Expr::IsNull(..)
        | Expr::IsTruth(..)
        | Expr::InList { .. }
        | Expr::Between { .. }
        | Expr::Like { .. }
        | Expr::Regexp { .. } => true,
        Expr::Call(name, _) => BOOLEAN.contains(&name.as_str()),
        _ => false,
    }
}

/// The next of the names that MySQL gives.
fn generated_name(table: &TableInfo) -> String {
    let number = |check: &CheckInfo| generated_number(&check.name, &table.name);
    let last = table.checks.iter().filter_map(number).max().unwrap_or(0);
    format!("{}_chk_{}", table.name, last + 1)
}

/// The number in a name that was made out of a table's.
fn generated_number(name: &str, table: &str) -> Option<u64> {
    let start = format!("{}_chk_", table.to_lowercase());
    name.to_lowercase().strip_prefix(&start)?.parse().ok()
}

/// Adds a check that was written. `taken`: numbers of checks that may not be given again.
pub(super) fn add_check(
    table: &mut TableInfo,
    written: &CheckDefinition,
    taken: i64,
) -> SqlResult<()> {
    let name = written.name.clone().unwrap_or_else(|| generated_name(table));
    check_name(&name)?;
    check_expr(&written.expr, &InCheck(&name))?;
    if !is_boolean(&written.expr) {
        let message =
            format!("An expression of non-boolean type specified to a check constraint '{name}'.");
        return Err(SqlError::new(errno::NON_BOOLEAN_EXPR_FOR_CHECK_CONSTRAINT, message));
    }
    let expr = TableExpr::new(&written.expr, table, |column| {
        let message =
            format!("Check constraint '{name}' refers to non-existing column '{column}'.");
        SqlError::new(errno::CHECK_CONSTRAINT_REFERS_UNKNOWN_COLUMN, message)
    })?;
    if let Some(own) = &written.column
        && expr.columns.iter().any(|column| !same_name(&column.name, own))
    {
        let message = format!("Column check constraint '{name}' references other column.");
        return Err(SqlError::new(errno::COLUMN_CHECK_CONSTRAINT_REFERENCES_OTHER_COLUMN, message));
    }
    let counted = |id: i64| table.columns.iter().any(|c| c.id == id && c.auto_increment);
    if expr.columns.iter().any(|column| counted(column.id)) {
        let message =
            format!("Check constraint '{name}' cannot refer to an auto-increment column.");
        return Err(SqlError::new(errno::CHECK_CONSTRAINT_REFERS_AUTO_INCREMENT_COLUMN, message));
    }
    if table.checks.iter().any(|known| same_name(&known.name, &name)) {
        return Err(duplicate(&name));
    }
    let id = table.checks.iter().map(|check| check.id).max().unwrap_or(0).max(taken) + 1;
    let enforced = written.enforced;
    table.checks.push(CheckInfo { id, name, expr, enforced, state: SchemaState::Public });
    sort(table);
    Ok(())
}

/// Checks stand, and are looked at, in the order of their names.
pub(super) fn sort(table: &mut TableInfo) {
    table.checks.sort_by_key(|check| check.name.to_lowercase());
}

/// Error 3822 for a check whose name another table of the database has.
pub(super) fn check_names(
    schema: &InfoSchema,
    database: &str,
    table: &TableInfo,
    names: &[&str],
) -> SqlResult<()> {
    if names.is_empty() {
        return Ok(());
    }
    let others = schema.tables(database).filter(|other| other.id != table.id);
    for check in others.flat_map(|other| &other.checks) {
        if let Some(name) = names.iter().find(|name| same_name(name, &check.name)) {
            return Err(duplicate(name));
        }
    }
    Ok(())
}

/// Error 3823 for a column in a check that a foreign key changes.
pub(super) fn check_actions(table: &TableInfo) -> SqlResult<()> {
    for check in &table.checks {
        let mut columns = check.expr.columns.iter();
        let found = columns.find_map(|column| Some((column, changing_key(table, column.id)?)));
        if let Some((column, key)) = found {
            let message = format!(
                "Column '{}' cannot be used in a check constraint '{}': needed in a foreign key constraint '{}' referential action.",
                column.name, check.name, key.name
            );
            return Err(SqlError::new(
                errno::CHECK_CONSTRAINT_CLAUSE_USING_FK_REFER_ACTION_COLUMN,
                message,
            ));
        }
    }
    Ok(())
}

/// The foreign key that gives a column other values.
fn changing_key(table: &TableInfo, column: i64) -> Option<&ForeignKey> {
    use ReferentialAction as A;
    let changes = |key: &&ForeignKey| {
        key.columns.contains(&column)
            && (matches!(key.on_delete, A::SetNull | A::SetDefault)
                || matches!(key.on_update, A::Cascade | A::SetNull | A::SetDefault))
    };
    table.foreign_keys.iter().find(changes)
}

/// Has checks go with a column of which alone they were; error 3959 if one of others loses a column, or one gets another name.
pub(super) fn keep_columns(table: &mut TableInfo) -> SqlResult<()> {
    let columns = &table.columns;
    let stays = |id: i64, name: &str| {
        columns.iter().any(|column| column.id == id && same_name(&column.name, name))
    };
    let goes = |check: &CheckInfo| match check.expr.columns.as_slice() {
        [only] => columns.iter().all(|column| column.id != only.id),
        _ => false,
    };
    table.checks.retain(|check| !goes(check));
    for check in &table.checks {
        if let Some(lost) = check.expr.columns.iter().find(|named| !stays(named.id, &named.name)) {
            return Err(check.depends(&lost.name));
        }
    }
    Ok(())
}

impl TableInfo {
    /// The checks that statements see.
    pub fn public_checks(&self) -> impl Iterator<Item = &CheckInfo> {
        self.checks.iter().filter(|check| check.state == SchemaState::Public)
    }

    /// Names that were made out of the table's are made out of its new one.
    pub(in crate::sql) fn rename_checks(&mut self, from: &str, to: &str) {
        for check in &mut self.checks {
            if let Some(number) = generated_number(&check.name, from) {
                check.name = format!("{to}_chk_{number}");
            }
        }
        sort(self);
    }
}

/// The checks of a table for another one that is made like it: with names of its own.
pub(super) fn copied(source: &TableInfo, name: &str) -> Vec<CheckInfo> {
    let checks = source.public_checks().zip(1..);
    checks
        .map(|(check, number)| CheckInfo { name: format!("{name}_chk_{number}"), ..check.clone() })
        .collect()
}
