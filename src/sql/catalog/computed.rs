//! Columns whose values the table's definition computes: generated columns, and defaults that are expressions.

use serde::{Deserialize, Serialize};

use super::build_column::invalid_default;
use super::table_expr::{Place, TableExpr, check_expr, same_name};
use super::{ColumnInfo, DefaultValue, TableInfo};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::digest::quote_name;
use crate::sql::parser::ast::{ColumnDefinition, ColumnOption, Expr};
use crate::sql::parser::{as_written as name_as_written, expression_text};

/// How a generated column gets its values. They are stored with the row either way: to clients the two are the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generated {
    /// Out of which others.
    pub expr: TableExpr,
    /// STORED, as it was written.
    pub stored: bool,
}

impl Generated {
    /// The column with this name, as it was written.
    pub(super) fn new(column: &str, expr: &Expr, stored: bool) -> SqlResult<Generated> {
        check_expr(expr, &InGenerated(column))?;
        Ok(Generated { expr: as_written(expression_text(expr, &mut name_as_written)?), stored })
    }

    /// As SHOW CREATE TABLE has it.
    pub fn text(&self) -> String {
        let kind = if self.stored { "STORED" } else { "VIRTUAL" };
        format!("GENERATED ALWAYS AS ({}) {kind}", self.expr.text)
    }

    /// Error 3105.
    pub fn not_allowed(column: &str, table: &str) -> SqlError {
        let message = format!(
            "The value specified for generated column '{column}' in table '{table}' is not allowed."
        );
        SqlError::new(errno::NON_DEFAULT_VALUE_FOR_GENERATED_COLUMN, message)
    }
}

/// Error 3106.
pub(super) fn not_of_generated(what: &str) -> SqlError {
    SqlError::new(
        errno::UNSUPPORTED_ACTION_ON_GENERATED_COLUMN,
        format!("'{what}' is not supported for generated columns."),
    )
}

/// The words of errors about the expression of a generated column.
struct InGenerated<'n>(&'n str);

impl Place for InGenerated<'_> {
    fn function(&self, name: &str) -> SqlError {
        let message = format!(
            "Expression of generated column '{}' contains a disallowed function: {name}.",
            self.0
        );
        SqlError::new(errno::GENERATED_COLUMN_NAMED_FUNCTION_IS_NOT_ALLOWED, message)
    }

    fn other(&self) -> SqlError {
        let message =
            format!("Expression of generated column '{}' contains a disallowed function.", self.0);
        SqlError::new(errno::GENERATED_COLUMN_FUNCTION_IS_NOT_ALLOWED, message)
    }

    fn variable(&self) -> SqlError {
        let message = format!(
            "Expression of generated column '{}' cannot refer user or system variables.",
            self.0
        );
        SqlError::new(errno::GENERATED_COLUMN_VARIABLES, message)
    }

    fn row(&self) -> SqlError {
        let message =
            format!("Expression of generated column '{}' cannot refer to a row value.", self.0);
        SqlError::new(errno::GENERATED_COLUMN_ROW_VALUE, message)
    }

    fn is_computed_once(&self) -> bool {
        false
    }
}

/// The words of errors about a default.
struct InDefault<'n>(&'n str);

impl Place for InDefault<'_> {
    fn function(&self, name: &str) -> SqlError {
        let message = format!(
            "Default value expression of column '{}' contains a disallowed function: {name}.",
            self.0
        );
        SqlError::new(errno::DEFAULT_VAL_GENERATED_NAMED_FUNCTION_IS_NOT_ALLOWED, message)
    }

    fn other(&self) -> SqlError {
        let message = format!(
            "Default value expression of column '{}' contains a disallowed function.",
            self.0
        );
        SqlError::new(errno::DEFAULT_VAL_GENERATED_FUNCTION_IS_NOT_ALLOWED, message)
    }

    fn variable(&self) -> SqlError {
        let message = format!(
            "Default value expression of column '{}' cannot refer user or system variables.",
            self.0
        );
        SqlError::new(errno::DEFAULT_VAL_GENERATED_VARIABLES, message)
    }

    fn row(&self) -> SqlError {
        let message =
            format!("Default value expression of column '{}' cannot refer to a row value.", self.0);
        SqlError::new(errno::DEFAULT_VAL_GENERATED_ROW, message)
    }

    fn is_computed_once(&self) -> bool {
        true
    }
}

impl ColumnInfo {
    /// The expression that is its default.
    pub fn default_expr(&self) -> Option<&TableExpr> {
        match &self.default {
            Some(DefaultValue::Expression(expr)) => Some(expr),
            _ => None,
        }
    }

    /// The expression of an index that it holds the values of.
    pub fn hidden_expr(&self) -> Option<&TableExpr> {
        self.generated.as_ref().filter(|_| self.hidden).map(|generated| &generated.expr)
    }

    /// Whether rows that stand have to be given their values of it.
    pub fn is_computed(&self) -> bool {
        self.generated.is_some() || self.default_expr().is_some()
    }

    /// The expressions in its definition.
    pub(super) fn exprs_mut(&mut self) -> impl Iterator<Item = &mut TableExpr> {
        let default = match &mut self.default {
            Some(DefaultValue::Expression(expr)) => Some(expr),
            _ => None,
        };
        let generated = self.generated.as_mut().map(|generated| &mut generated.expr);
        default.into_iter().chain(generated)
    }
}

/// Finds the columns that the expressions of columns name, and checks that those are there before them: errors 1054, 3107, 3109, 3767, 3768.
pub(super) fn resolve_columns(table: &mut TableInfo) -> SqlResult<()> {
    let seen = table.clone();
    for column in &mut table.columns {
        if let Some(DefaultValue::Expression(expr)) = &mut column.default {
            expr.resolve(&seen, |name| unknown(name, "default value expression"))?;
            check_default(&seen, &column.name, column.offset, expr)?;
        }
        if let Some(generated) = &mut column.generated {
            generated.expr.resolve(&seen, |name| unknown(name, "generated column function"))?;
            check_generated(&seen, &column.name, column.offset, &generated.expr)?;
        }
    }
    Ok(())
}

fn unknown(name: &str, clause: &str) -> SqlError {
    SqlError::new(errno::BAD_FIELD, format!("Unknown column '{name}' in '{clause}'"))
}

/// The columns that an expression names.
pub(super) fn named<'t>(
    table: &'t TableInfo,
    expr: &TableExpr,
) -> impl Iterator<Item = &'t ColumnInfo> {
    let ids: Vec<i64> = expr.columns.iter().map(|column| column.id).collect();
    table.columns.iter().filter(move |column| ids.contains(&column.id))
}

fn check_default(table: &TableInfo, name: &str, offset: usize, expr: &TableExpr) -> SqlResult<()> {
    for column in named(table, expr) {
        if column.auto_increment {
            let message = format!(
                "Default value expression of column '{name}' cannot refer to an auto-increment column."
            );
            return Err(SqlError::new(errno::DEFAULT_VAL_GENERATED_REF_AUTO_INC, message));
        }
        if column.offset >= offset && (column.is_computed() || column.offset == offset) {
            let message = format!(
                "Default value expression of column '{name}' cannot refer to a column defined after it if that column is a \
                 generated column or has an expression as default value."
            );
            return Err(SqlError::new(errno::DEFAULT_VAL_GENERATED_NON_PRIOR, message));
        }
    }
    Ok(())
}

fn check_generated(
    table: &TableInfo,
    name: &str,
    offset: usize,
    expr: &TableExpr,
) -> SqlResult<()> {
    for column in named(table, expr) {
        if column.auto_increment {
            let message =
                format!("Generated column '{name}' cannot refer to auto-increment column.");
            return Err(SqlError::new(errno::GENERATED_COLUMN_REF_AUTO_INC, message));
        }
        if column.generated.is_some() && column.offset >= offset {
            let message =
                "Generated column can refer only to generated columns defined prior to it.";
            return Err(SqlError::new(errno::GENERATED_COLUMN_NON_PRIOR, message));
        }
    }
    Ok(())
}

/// Error 3108 or 3766 for a column that another one is computed of, and that goes or gets another name.
pub(super) fn keep_bases(table: &TableInfo) -> SqlResult<()> {
    let stays = |id: i64, name: &str| {
        table.columns.iter().any(|column| column.id == id && same_name(&column.name, name))
    };
    for column in &table.columns {
        let lost = |expr: &TableExpr| {
            let found = expr.columns.iter().find(|named| !stays(named.id, &named.name));
            found.map(|named| named.name.clone())
        };
        if let Some(base) = column.hidden_expr().and_then(lost) {
            let message = format!(
                "Column '{base}' has a functional index dependency and cannot be dropped or renamed."
            );
            return Err(SqlError::new(errno::DEPENDENT_BY_FUNCTIONAL_INDEX, message));
        }
        if let Some(base) = column.generated.as_ref().and_then(|generated| lost(&generated.expr)) {
            let message = format!("Column '{base}' has a generated column dependency.");
            return Err(SqlError::new(errno::DEPENDENT_BY_GENERATED_COLUMN, message));
        }
        if let Some(base) = column.default_expr().and_then(lost) {
            let message = format!(
                "Column '{base}' of table '{}' has a default value expression dependency and cannot be dropped or renamed.",
                table.name
            );
            return Err(SqlError::new(errno::DEPENDENT_BY_DEFAULT_GENERATED_VALUE, message));
        }
    }
    Ok(())
}

/// What keys cannot have of generated columns: a primary key of a virtual one, foreign keys of one, or that change one.
pub(super) fn check_keys(table: &TableInfo) -> SqlResult<()> {
    use crate::sql::parser::ast::ReferentialAction as A;
    let generated = |id: i64| {
        let column = table.columns.iter().find(|column| column.id == id)?;
        Some((column, column.generated.as_ref()?))
    };
    let is_virtual = |id: i64| generated(id).filter(|(_, generated)| !generated.stored);
    let primary = table.indexes.iter().filter(|index| index.primary);
    let parts = primary.flat_map(|index| &index.columns).map(|part| part.column);
    if parts.chain(table.handle_id()).any(|id| is_virtual(id).is_some()) {
        return Err(not_of_generated("Defining a virtual generated column as primary key"));
    }
    for key in &table.foreign_keys {
        for id in &key.columns {
            if let Some((column, _)) = is_virtual(*id) {
                let message = format!(
                    "Foreign key '{}' uses virtual column '{}' which is not supported.",
                    key.name, column.name
                );
                return Err(SqlError::new(errno::FK_CANNOT_USE_VIRTUAL_COLUMN, message));
            }
            let rule = match (key.on_delete, key.on_update) {
                (A::SetNull, _) => "ON DELETE SET NULL",
                (_, A::SetNull) => "ON UPDATE SET NULL",
                (_, A::Cascade) => "ON UPDATE CASCADE",
                _ => continue,
            };
            if generated(*id).is_some() {
                let message =
                    format!("Cannot define foreign key with {rule} clause on a generated column.");
                return Err(SqlError::new(errno::WRONG_FK_OPTION_FOR_GENERATED_COLUMN, message));
            }
        }
    }
    Ok(())
}

/// DEFAULT (expression).
pub(super) fn default_expr(column: &ColumnInfo, expr: &Expr) -> SqlResult<DefaultValue> {
    if column.auto_increment {
        return Err(invalid_default(&column.name));
    }
    if column.generated.is_some() {
        return Err(wrong_usage("DEFAULT"));
    }
    check_expr(expr, &InDefault(&column.name))?;
    let text = expression_text(expr, &mut name_as_written)?;
    Ok(DefaultValue::Expression(as_written(text)))
}

/// Error 1221.
fn wrong_usage(what: &str) -> SqlError {
    let message = format!("Incorrect usage of {what} and generated column");
    SqlError::new(errno::WRONG_USAGE, message)
}

/// What a generated column cannot be besides.
pub(super) fn check_options(definition: &ColumnDefinition) -> SqlResult<()> {
    for option in &definition.options {
        match option {
            ColumnOption::Default(_) | ColumnOption::DefaultExpr(_) => {
                return Err(wrong_usage("DEFAULT"));
            }
            ColumnOption::OnUpdateNow(_) => return Err(wrong_usage("ON UPDATE")),
            ColumnOption::AutoIncrement => return Err(wrong_usage("AUTO_INCREMENT")),
            _ => {}
        }
    }
    Ok(())
}

/// An expression before it is known which columns it names.
fn as_written(text: String) -> TableExpr {
    TableExpr { text, columns: vec![super::NamedColumn { name: quote_name(""), id: UNRESOLVED }] }
}

/// The id of no column: names have not been looked up.
pub(super) const UNRESOLVED: i64 = 0;
