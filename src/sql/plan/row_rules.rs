//! What a table's definition has to say of every row that is written.

use std::sync::{Arc, LazyLock};

use super::binder::{Binder, Clause, fold};
use super::physical::OutputColumn;
use super::planner::Planner;
use super::scope::Scope;
use crate::common::SqlResult;
use crate::sql::catalog::{
    Alteration, CheckInfo, ColumnInfo, DdlStatement, InfoSchema, SchemaState, TableExpr, TableInfo,
};
use crate::sql::expr::{EvalContext, Expr};
use crate::sql::parser::parse_expression;
use crate::sql::table_codec::is_written;
use crate::sql::types::{Datum, FieldType, SqlMode, convert_for_column};

/// The expressions of a table's definition, bound to its rows.
#[derive(Clone, Debug, PartialEq)]
pub struct RowRules {
    /// The checks that count, with their names.
    checks: Vec<(String, Expr)>,
    /// The defaults that are computed for each row, by the columns' places.
    defaults: Vec<(usize, Expr)>,
    /// What generated columns are, in an order in which each needs only those before it.
    generated: Vec<(usize, Expr)>,
}

/// Expressions of a table name nothing but its columns.
static NOTHING: LazyLock<InfoSchema> = LazyLock::new(|| InfoSchema::new(0, Vec::new()));

/// An expression of a table's definition over its whole rows, columns that come or go among them.
fn bind(table: &TableInfo, expr: &TableExpr, database: Option<&str>) -> SqlResult<Expr> {
    let columns = table.columns.iter().map(|column| {
        let named = expr.columns.iter().find(|named| named.id == column.id);
        OutputColumn {
            name: named.map(|named| named.name.clone()).unwrap_or_default(),
            field_type: column.field_type.clone(),
            origin: None,
            key_flags: 0,
        }
    });
    let scope = Scope::derived("", columns.collect());
    let planner = Planner::new(&NOTHING, database, SqlMode::default());
    let written = parse_expression(&expr.text)?;
    let mut binder = Binder::new(&planner);
    let bound = binder.expr(&written, &mut Clause::plain(&scope, "check constraint"))?;
    binder.refuse_subqueries()?;
    Ok(fold(bound))
}

/// An expression of a table's definition over its whole rows.
pub(in crate::sql) fn bind_expression(table: &TableInfo, expr: &TableExpr) -> SqlResult<Expr> {
    bind(table, expr, None)
}

/// The type of what an expression of a table's definition gives.
pub(in crate::sql) fn expression_type(table: &TableInfo, expr: &TableExpr) -> SqlResult<FieldType> {
    bind(table, expr, None).map(|bound| bound.field_type().clone())
}

/// What the hidden columns of a table hold, by their places.
pub(super) fn hidden_expressions(table: &TableInfo) -> SqlResult<Vec<(usize, Expr)>> {
    let hidden = table.public_columns()[table.visible_columns().len()..].iter();
    let hidden = hidden.filter_map(|column| Some((column.offset, column.hidden_expr()?)));
    hidden.map(|(offset, expr)| Ok((offset, bind(table, expr, None)?))).collect()
}

impl RowRules {
    /// Of a table; `None` if it has nothing to say.
    pub fn of(table: &TableInfo) -> SqlResult<Option<Arc<RowRules>>> {
        if table.checks.is_empty() && !table.columns.iter().any(ColumnInfo::is_computed) {
            return Ok(None);
        }
        RowRules::bound(table, |check| check.enforced, None).map(|rules| Some(Arc::new(rules)))
    }

    /// Those that come to a table, and that its rows have not been looked at for.
    pub fn coming(table: &TableInfo) -> SqlResult<RowRules> {
        RowRules::bound(table, |check| check.state == SchemaState::WriteOnly, None)
    }

    fn bound(
        table: &TableInfo,
        counts: impl Fn(&CheckInfo) -> bool,
        database: Option<&str>,
    ) -> SqlResult<RowRules> {
        let mut checks = Vec::with_capacity(table.checks.len());
        for check in table.checks.iter().filter(|check| counts(check)) {
            checks.push((check.name.clone(), bind(table, &check.expr, database)?));
        }
        let (mut defaults, mut generated) = (Vec::new(), Vec::new());
        for column in table.columns.iter().filter(|column| is_written(column.state)) {
            if let Some(expr) = column.default_expr() {
                defaults.push((column.offset, bind(table, expr, database)?));
            }
            if let Some(how) = &column.generated {
                generated.push((column.offset, bind(table, &how.expr, database)?));
            }
        }
        Ok(RowRules { checks, defaults, generated })
    }

    /// Whether no check is among them.
    pub fn checks_nothing(&self) -> bool {
        self.checks.is_empty()
    }

    /// The default of the column at this place, if it is computed; over the table's whole row.
    pub fn default_of(&self, column: usize) -> Option<&Expr> {
        self.defaults.iter().find(|(offset, _)| *offset == column).map(|(_, expr)| expr)
    }

    /// Gives a row that stands its values of these columns; answers whether any is another one. A default does not take the place of a value.
    pub fn compute(
        &self,
        table: &TableInfo,
        row: &mut [Datum],
        columns: &[usize],
        number: u64,
        eval: &EvalContext,
    ) -> SqlResult<bool> {
        let mut changed = false;
        for (offset, expr) in self.defaults.iter().chain(&self.generated) {
            let column = &table.columns[*offset];
            let taken = column.generated.is_none() && !row[*offset].is_null();
            if !columns.contains(offset) || taken {
                continue;
            }
            let value = computed(column, expr, row, number, eval)?;
            changed |= value != row[*offset];
            row[*offset] = value;
        }
        Ok(changed)
    }

    /// Gives a row that is to be written the values of its generated columns.
    pub fn generate(
        &self,
        table: &TableInfo,
        row: &mut [Datum],
        eval: &EvalContext,
    ) -> SqlResult<()> {
        for (offset, expr) in &self.generated {
            row[*offset] = computed(&table.columns[*offset], expr, row, 1, eval)?;
        }
        Ok(())
    }

    /// Error 3819 for a row that a check forbids.
    pub fn check(&self, row: &[Datum], eval: &EvalContext) -> SqlResult<()> {
        for (name, expr) in &self.checks {
            if expr.eval(row, eval)?.to_bool(eval)? == Some(false) {
                return Err(CheckInfo::violated(name));
            }
        }
        Ok(())
    }
}

/// What an expression gives, as the column stores it.
fn computed(
    column: &ColumnInfo,
    expr: &Expr,
    row: &[Datum],
    number: u64,
    eval: &EvalContext,
) -> SqlResult<Datum> {
    let value = expr.eval(row, eval)?;
    let value = convert_for_column(value, &column.field_type, &column.name, number, eval)?;
    if !value.is_null() || !column.field_type.not_null {
        return Ok(value);
    }
    let error = FieldType::null_error(&column.name);
    if eval.is_strict() {
        return Err(error);
    }
    eval.warn(error.code, error.message);
    Ok(column.field_type.implicit_default())
}

/// Looks whether the expressions in what is to become a table's definition mean anything.
pub fn check_definition(
    statement: &DdlStatement,
    schema: &InfoSchema,
    database: Option<&str>,
) -> SqlResult<()> {
    match statement {
        DdlStatement::CreateTable { table, .. } => check_table(table, database),
        DdlStatement::AlterTable { database: home, table, changes, .. } => {
            let before = schema.require_table(home, table)?;
            let alteration = Alteration::new(before, changes)?;
            check_table(&alteration.after, database)
        }
        _ => Ok(()),
    }
}

fn check_table(table: &TableInfo, database: Option<&str>) -> SqlResult<()> {
    RowRules::bound(table, |_| true, database).map(|_| ())
}
