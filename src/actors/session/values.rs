//! Queries that the session runs for itself: the values that SET assigns and DO computes, and EXPLAIN ANALYZE.

use std::sync::Arc;

use super::core::Core;
use super::plan_tables::PlanTables;
use super::statement::Request;
use super::transaction::{BeginOptions, Entered};
use crate::actors::ddl::SchemaGuard;
use crate::actors::runtime::compute;
use crate::common::{SqlError, SqlResult};
use crate::sql::catalog::InfoSchema;
use crate::sql::exec::{StoredCalls, execute_query};
use crate::sql::kv::{Transaction, TxnOptions};
use crate::sql::parser::ast;
use crate::sql::plan::{PlanNode, StatementPlan};
use crate::sql::types::{Datum, FieldType};

/// What a query reads with.
pub(super) struct Reading {
    pub(super) txn: Arc<dyn Transaction>,
    /// To plan with.
    pub(super) schema: Arc<InfoSchema>,
    /// Who runs the functions that it calls.
    pub(super) functions: Option<Arc<dyn StoredCalls>>,
    /// It is the statement's transaction, which is committed with it.
    commits: bool,
    /// Holds the schema, outside of a transaction.
    _guard: Option<SchemaGuard>,
}

impl Core {
    /// The open transaction, or one for this query alone, which [`Core::end_reading`] ends.
    pub(super) async fn begin_reading(
        &mut self,
        tables: &PlanTables,
        locking: bool,
    ) -> SqlResult<Reading> {
        let calls = !tables.calls.is_empty();
        if (calls || !tables.stored.is_empty()) && self.joins_transaction() {
            return self.read_in_transaction(tables, false).await;
        }
        if calls {
            // Functions may write.
            compute::enter().await;
            self.begin_for_statement(BeginOptions::default());
            return self.read_in_transaction(tables, true).await;
        }
        let guard = self.services.schema.enter(self.process.id);
        let schema = guard.schema().clone();
        guard.touch(tables.stored.iter().copied());
        let options = TxnOptions {
            pessimistic: locking,
            latest: tables.stored.is_empty(),
            read_from: self.vars.system.lock().settings.read_from,
            ..TxnOptions::default()
        };
        let txn = self.begin_transaction(options).await?;
        if !options.latest {
            self.transactions.single = Some(txn.clone());
        }
        let guard = Some(guard);
        Ok(Reading { txn, schema, functions: None, commits: false, _guard: guard })
    }

    async fn read_in_transaction(
        &mut self,
        tables: &PlanTables,
        commits: bool,
    ) -> SqlResult<Reading> {
        let Entered { txn, schema, .. } = self.enter_transaction().await?;
        let mut tables = tables.clone();
        let functions = self.functions_of(&mut tables, &schema)?;
        self.use_tables(&tables)?;
        Ok(Reading { txn, schema, functions, commits, _guard: None })
    }

    /// The query is done.
    pub(super) async fn end_reading(&mut self, reading: Reading) -> SqlResult<()> {
        if let Some(txn) = self.transactions.single.take() {
            txn.rollback().await?;
        }
        if reading.commits {
            self.commit().await?;
        }
        drop(reading);
        Ok(())
    }

    /// The type and value of an expression that sees no columns. Its subqueries are run first, in the open transaction if
    /// there is one.
    pub(super) async fn value(
        &mut self,
        expr: &ast::Expr,
        request: &Request<'_>,
    ) -> SqlResult<(FieldType, Datum)> {
        if self.in_program() {
            self.check_expr(expr)?;
        }
        let schema = self.services.schema.current();
        let query = self.planner(&schema, request.parameters, &request.types).plan_value(expr)?;
        if query.subqueries.is_empty() {
            let query = self.with_locks(&query, &self.eval).await?.unwrap_or(query);
            self.sleep(&query, &self.eval).await?;
            let PlanNode::Project { exprs, .. } = &query.root.node else { return Err(no_value()) };
            let [bound] = exprs.as_slice() else { return Err(no_value()) };
            let value = bound.eval(&[], &self.eval)?;
            return Ok((bound.field_type().clone(), value));
        }
        let tables = PlanTables::of(&StatementPlan::Query(query));
        let reading = self.begin_reading(&tables, false).await?;
        let query =
            self.planner(&reading.schema, request.parameters, &request.types).plan_value(expr)?;
        let eval = self.eval.clone();
        let query = self.with_locks(&query, &eval).await?.unwrap_or(query);
        let mut ctx = self.exec_context(reading.txn.clone(), eval, Some(&reading.schema));
        ctx.functions.clone_from(&reading.functions);
        let mut rows = execute_query(&query, &ctx).await?;
        let batch = rows.next_batch().await?;
        let row = batch.and_then(|batch| batch.into_rows(&query.root.schema).pop());
        self.end_reading(reading).await?;
        match (query.root.schema.first(), row.and_then(|mut row| row.pop())) {
            (Some(field_type), Some(value)) => Ok((field_type.clone(), value)),
            _ => Err(no_value()),
        }
    }
}

fn no_value() -> SqlError {
    SqlError::internal("an expression without a value")
}
