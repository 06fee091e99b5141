//! The planner as the session sees it.

use std::sync::{Arc, LazyLock};

use super::binder::Binder;
use super::figures::TreeFigures;
use super::physical::{DeletePlan, InsertPlan, QueryPlan, UpdatePlan};
use super::{explain, explain_tree};
use crate::common::{SqlError, SqlResult};
use crate::sql::catalog::{InfoSchema, NO_TEMPORARIES, Temporaries};
use crate::sql::expr::{Expr, Interrupt, TypeRules, VariableScope};
use crate::sql::parser::ast;
use crate::sql::stats::{NoStats, StatsSource};
use crate::sql::types::{Collation, Datum, FieldType, SqlMode};

/// What types variables have; the session knows.
pub trait VariableTypes: Sync {
    /// The type of `@@name`; error 1193 if there is none.
    fn system(&self, name: &str, scope: VariableScope) -> SqlResult<FieldType>;
    /// The type of what `@name` holds now.
    fn user(&self, name: &str) -> FieldType;
}

/// Takes every variable for a string.
pub struct StringVariables;

impl VariableTypes for StringVariables {
    fn system(&self, _name: &str, _scope: VariableScope) -> SqlResult<FieldType> {
        Ok(FieldType::varchar(1024))
    }

    fn user(&self, _name: &str) -> FieldType {
        FieldType::long_text()
    }
}

/// Of statements that nobody ends.
static NOBODY: LazyLock<Arc<Interrupt>> = LazyLock::new(Arc::default);

/// Binds and plans statements against one snapshot of the schema.
#[derive(Clone, Copy)]
pub struct Planner<'a> {
    /// What exists.
    pub schema: &'a InfoSchema,
    /// The session's own tables, which hide others.
    pub temporary: &'a Temporaries,
    /// What USE chose.
    pub current_db: Option<&'a str>,
    /// `sql_mode`.
    pub sql_mode: SqlMode,
    /// What of the session decides the types of expressions.
    pub rules: TypeRules,
    /// How many `?` the statement has ([`crate::sql::parser::ParsedStatement::parameters`]).
    pub parameter_count: usize,
    /// The types of their values as far as known. A parameter without one is taken for whatever it is compared with: a
    /// plan for strings must not be reused when a number comes for a string column.
    pub parameter_types: &'a [FieldType],
    /// The types of variables.
    pub variables: &'a dyn VariableTypes,
    /// What is known of tables' rows.
    pub stats: &'a dyn StatsSource,
    /// The tables whose triggers the statement is part of.
    pub firing: &'a [i64],
    /// Ends the planning of a long statement.
    pub interrupt: &'a Arc<Interrupt>,
}

/// A plan of a statement that reads or writes rows. It may be run many times, with other parameters each time, as long
/// as the schema version it was made for is current and the parameters' types are those it was made for.
#[derive(Clone, Debug, PartialEq)]
pub enum StatementPlan {
    /// SELECT.
    Query(QueryPlan),
    /// INSERT, REPLACE and LOAD DATA.
    Insert(InsertPlan),
    /// UPDATE.
    Update(UpdatePlan),
    /// DELETE.
    Delete(DeletePlan),
}

impl<'a> Planner<'a> {
    /// A planner without parameters, session variables and statistics.
    pub fn new(
        schema: &'a InfoSchema,
        current_db: Option<&'a str>,
        sql_mode: SqlMode,
    ) -> Planner<'a> {
        Planner {
            schema,
            temporary: &NO_TEMPORARIES,
            current_db,
            sql_mode,
            rules: TypeRules::new(sql_mode, 4, Collation::default()),
            parameter_count: 0,
            parameter_types: &[],
            variables: &StringVariables,
            stats: &NoStats,
            firing: &[],
            interrupt: &NOBODY,
        }
    }

    /// Plans a query, INSERT, UPDATE, DELETE or LOAD DATA; anything else is an internal error.
    pub fn plan(&self, statement: &ast::Statement) -> SqlResult<StatementPlan> {
        Ok(match statement {
            ast::Statement::Query(query) => StatementPlan::Query(self.plan_query(query)?),
            ast::Statement::Insert(insert) => StatementPlan::Insert(self.plan_insert(insert)?),
            ast::Statement::Update(update) => StatementPlan::Update(self.plan_update(update)?),
            ast::Statement::Delete(delete) => StatementPlan::Delete(self.plan_delete(delete)?),
            ast::Statement::SelectIntoFile { query, .. }
            | ast::Statement::SelectIntoVariables { query, .. } => {
                StatementPlan::Query(self.plan_query(query)?)
            }
            ast::Statement::LoadData(load) => {
                StatementPlan::Insert(self.firing_insert(Binder::new(self).load(load)?)?)
            }
            _ => return Err(SqlError::internal("a statement that has no plan")),
        })
    }

    /// Plans a query.
    pub fn plan_query(&self, query: &ast::Query) -> SqlResult<QueryPlan> {
        Binder::new(self).query_plan(query)
    }

    /// Plans an INSERT or REPLACE.
    pub fn plan_insert(&self, insert: &ast::Insert) -> SqlResult<InsertPlan> {
        self.firing_insert(Binder::new(self).insert(insert)?)
    }

    /// Plans an UPDATE.
    pub fn plan_update(&self, update: &ast::Update) -> SqlResult<UpdatePlan> {
        self.firing_update(Binder::new(self).update(update)?)
    }

    /// Plans a DELETE.
    pub fn plan_delete(&self, delete: &ast::Delete) -> SqlResult<DeletePlan> {
        self.firing_delete(Binder::new(self).delete(delete)?)
    }

    /// Binds an expression that sees no columns: SPLIT TABLE, KILL. Subqueries are refused.
    pub fn bind_constant(&self, expr: &ast::Expr) -> SqlResult<Expr> {
        Binder::new(self).constant(expr)
    }

    /// Plans an expression that sees no columns and may have subqueries: the values of SET and DO. One row of one column.
    pub fn plan_value(&self, expr: &ast::Expr) -> SqlResult<QueryPlan> {
        Binder::new(self).value_plan(expr)
    }

    /// Plans the choice of those of these rows for which a condition over their columns is true, and which may have subqueries: SHOW … WHERE.
    pub fn plan_choice(
        &self,
        columns: &[(&str, FieldType)],
        rows: &[Vec<Datum>],
        condition: &ast::Expr,
    ) -> SqlResult<QueryPlan> {
        Binder::new(self).choice(columns, rows, condition)
    }

    /// Binds a predicate over named columns: SHOW … WHERE. Subqueries are refused.
    pub fn bind_over(&self, columns: &[(&str, FieldType)], expr: &ast::Expr) -> SqlResult<Expr> {
        Binder::new(self).over_columns(columns, expr)
    }

    /// What EXPLAIN answers for a plan: id, estRows, task, access object, operator info.
    pub fn explain(&self, plan: &StatementPlan) -> Vec<[String; 5]> {
        explain::explain(plan)
    }

    /// What EXPLAIN FORMAT=TREE answers, and with figures EXPLAIN ANALYZE.
    pub fn explain_tree(&self, plan: &StatementPlan, ran: Option<&[TreeFigures]>) -> String {
        explain_tree::explain_tree(plan, ran)
    }
}
