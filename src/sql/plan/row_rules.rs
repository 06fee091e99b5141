//! What a table's definition has to say of every row that is written.

use std::sync::{Arc, LazyLock};

use super::binder::{Binder, Clause, fold};
use super::physical::OutputColumn;
use super::planner::Planner;
use super::scope::Scope;
use crate::common::SqlResult;
use crate::sql::catalog::{
    Alteration, CheckInfo, DdlStatement, InfoSchema, SchemaState, TableExpr, TableInfo,
};
use crate::sql::expr::{EvalContext, Expr};
use crate::sql::parser::parse_expression;
use crate::sql::types::{Datum, SqlMode};

/// The expressions of a table's definition, bound to its rows.
#[derive(Clone, Debug, PartialEq)]
pub struct RowRules {
    /// The checks that count, with their names.
    checks: Vec<(String, Expr)>,
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

impl RowRules {
    /// Of a table; `None` if it has nothing to say.
    pub fn of(table: &TableInfo) -> SqlResult<Option<Arc<RowRules>>> {
        if table.checks.is_empty() {
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
        Ok(RowRules { checks })
    }

    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        self.checks.is_empty()
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
