//! Stored functions that a statement calls: who runs them for it, and what they work on.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::actors::runtime::compute;
use crate::actors::session::answer::Sink;
use crate::actors::session::core::Core;
use crate::actors::session::plan_tables::PlanTables;
use crate::actors::session::statement::Request;
use crate::actors::session::transaction::BeginOptions;
use crate::common::{SqlError, SqlResult};
use crate::sql::catalog::InfoSchema;
use crate::sql::exec::{RowStream, StoredCalls, execute_query};
use crate::sql::expr::EvalContext;
use crate::sql::plan::StatementPlan;
use crate::sql::stored::StoredFunctions;
use crate::sql::types::Datum;

impl Core {
    /// Who runs the functions that a plan calls; `None`: it calls none. What they work on is added to the statement's tables.
    pub(in crate::actors::session) fn functions_of(
        &self,
        tables: &mut PlanTables,
        schema: &InfoSchema,
    ) -> SqlResult<Option<Arc<dyn StoredCalls>>> {
        if tables.calls.is_empty() {
            return Ok(None);
        }
        let clock = self.services.clock.clone();
        let functions = StoredFunctions {
            schema: schema.clone(),
            temporary: self.temporary.tables.clone(),
            rules: self.vars.system.lock().settings.type_rules(),
            variables: self.vars.clone(),
            values: self.vars.clone(),
            stats: self.services.stats.clone(),
            clock: Arc::new(move || i64::try_from(clock.unix_micros()).ok()),
            compiled: parking_lot::Mutex::default(),
            running: parking_lot::Mutex::default(),
            outer_tables: parking_lot::Mutex::new(tables.stored.clone()),
        };
        let mut open: Vec<i64> = tables.calls.iter().copied().collect();
        let mut seen: BTreeSet<i64> = tables.calls.clone();
        while let Some(id) = open.pop() {
            for plan in functions.plans(id)? {
                let inner = PlanTables::of(&plan);
                open.extend(inner.calls.iter().copied().filter(|id| seen.insert(*id)));
                tables.join(inner);
            }
        }
        Ok(Some(Arc::new(functions)))
    }

    /// A SELECT that calls functions, outside of a transaction: it is one, since they may write. Its rows are sent when it is committed.
    pub(in crate::actors::session) async fn select_calling(
        &mut self,
        request: &Request<'_>,
        eval: Arc<EvalContext>,
        sink: &mut Sink,
    ) -> SqlResult<()> {
        compute::enter().await;
        self.begin_for_statement(BeginOptions::default());
        let entered = self.enter_transaction().await?;
        let plan = self.plan(request, &entered.schema)?;
        let StatementPlan::Query(query) = &*plan else {
            return Err(SqlError::internal("a query without a query's plan"));
        };
        let mut tables = PlanTables::of(&plan);
        let functions = self.functions_of(&mut tables, &entered.schema)?;
        self.use_tables(&tables)?;
        let called = self.with_locks(query, &eval).await?;
        let query = called.as_ref().unwrap_or(query);
        self.sleep(query, &eval).await?;
        let mut ctx = self.exec_context(entered.txn, eval, Some(&entered.schema));
        ctx.functions = functions;
        let types: Vec<_> = query.columns.iter().map(|it| it.field_type.clone()).collect();
        let mut rows = execute_query(query, &ctx).await?;
        let mut held = self.memory.hold(0)?;
        let mut found = Vec::new();
        while let Some(batch) = rows.next_batch().await? {
            for row in batch.into_rows(&types) {
                let bytes: usize = row.iter().map(Datum::held_bytes).sum();
                held.grow(bytes + row.len() * size_of::<Datum>())?;
                found.push(row);
            }
        }
        drop((rows, ctx));
        self.commit().await?;
        self.send_rows(&query.columns, RowStream::rows(found), request, sink).await
    }
}
