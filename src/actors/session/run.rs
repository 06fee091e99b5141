//! SELECT and the statements that change rows.

use std::sync::Arc;
use std::time::Duration;

use super::answer::Sink;
use super::core::Core;
use super::encode::{Format, RowEncoder, Spoken, write_column};
use super::place::{Workers, place};
use super::plan_tables::{PlanTables, writes_named_rows};
use super::prepared::PlanKey;
use super::sources::SessionSources;
use super::statement::Request;
use super::transaction::{NextTransaction, duplicate_shown, read_only_transaction};
use crate::common::retry::{self, Decision, OPTIMISTIC_RUNS, Unit};
use crate::common::{SqlError, SqlResult};
use crate::protocol::packet::PacketWriter;
use crate::protocol::{CapabilityFlags, StatusFlags, response};
use crate::sql::catalog::InfoSchema;
use crate::sql::exec::{
    DmlResult, ExecContext, NoVirtualTables, RowBatch, RowStream, VirtualTables, can_read_latest,
    execute_delete, execute_insert, execute_query, execute_update,
};
use crate::sql::expr::{EvalContext, Expr};
use crate::sql::kv::{Isolation, ReadFrom, Transaction, TxnOptions};
use crate::sql::parser::Statement;
use crate::sql::plan::{OutputColumn, PhysicalPlan, PlanNode, QueryPlan, StatementPlan};
use crate::sql::types::Datum;

impl Core {
    /// The plan of a statement: the one kept, if the schema and everything else it depends on are the same. Error 1175 or 1104 if it
    /// would touch more than the session lets it.
    pub(super) fn plan(
        &self,
        request: &Request<'_>,
        schema: &InfoSchema,
    ) -> SqlResult<Arc<StatementPlan>> {
        let (sql_mode, rules, caution) = {
            let settings = &self.vars.system.lock().settings;
            (settings.sql_mode, settings.type_rules(), settings.caution())
        };
        let key = PlanKey {
            version: (schema.version(), self.temporary.version),
            stats: self.services.stats.version(),
            database: self.database.as_deref(),
            sql_mode,
            rules,
            types: &request.types,
        };
        let plan = match request.cache.and_then(|cache| cache.get(&key)) {
            Some(plan) => plan,
            None => {
                let planner = self.planner(schema, request.parameters, &request.types);
                let plan = Arc::new(planner.plan(request.statement)?);
                if let Some(cache) = request.cache {
                    cache.put(&key, plan.clone());
                }
                plan
            }
        };
        caution.check(&plan)?;
        Ok(plan)
    }

    pub(super) fn exec_context(
        &self,
        txn: Arc<dyn Transaction>,
        eval: Arc<EvalContext>,
        schema: Option<&Arc<InfoSchema>>,
    ) -> ExecContext {
        let virtual_tables: Arc<dyn VirtualTables> = match schema {
            Some(schema) => Arc::new(SessionSources::new(self, schema.clone(), eval.clone())),
            None => Arc::new(NoVirtualTables),
        };
        let (lock_wait, foreign_key_checks) = {
            let settings = &self.vars.system.lock().settings;
            (settings.lock_wait, settings.foreign_key_checks)
        };
        ExecContext {
            txn,
            eval,
            virtual_tables,
            auto_ids: self.auto_ids(),
            place: &Workers,
            lock_wait,
            limits: self.services.limits.clone(),
            profile: None,
            functions: None,
            foreign_key_checks,
            within: false,
        }
    }

    /// SELECT.
    pub(super) async fn select(&mut self, request: &Request<'_>, sink: &mut Sink) -> SqlResult<()> {
        let hinted = request.hints.max_execution_time.map(Duration::from_millis);
        let usual = self.vars.system.lock().settings.max_execution_time;
        // In a program it is the program's time that counts.
        let limit = if self.in_program() { Duration::ZERO } else { hinted.unwrap_or(usual) };
        let _alarm = self.control.alarm(limit);
        let eval = self.begin_eval(request.params.clone(), false, false);
        if !self.transactions.is_begun() {
            let schema = self.services.schema.current();
            let plan = self.plan(request, &schema)?;
            place(&plan, request).await;
            let StatementPlan::Query(query) = &*plan else { return Err(not_a_query()) };
            // The hot path: one row by its key, without a timestamp, without a hold on the schema.
            let is_latest = {
                let settings = &self.vars.system.lock().settings;
                settings.autocommit && settings.read_from == ReadFrom::Leader
            };
            if is_latest && can_read_latest(query) {
                let options = TxnOptions { latest: true, ..TxnOptions::default() };
                let txn = self.begin_transaction(options).await?;
                let ctx = self.exec_context(txn, eval, None);
                return self.answer_query(query, &ctx, request, sink).await;
            }
            let tables = PlanTables::of(&plan);
            if !tables.calls.is_empty() && !self.joins_transaction() {
                return Box::pin(self.select_calling(request, eval, sink)).await;
            }
            if (tables.calls.is_empty() && tables.stored.is_empty()) || !self.joins_transaction() {
                return self.select_alone(&plan, &tables, eval, request, sink).await;
            }
        }
        let entered = self.enter_transaction().await?;
        let plan = self.plan(request, &entered.schema)?;
        place(&plan, request).await;
        let StatementPlan::Query(query) = &*plan else { return Err(not_a_query()) };
        let mut tables = PlanTables::of(&plan);
        let functions = self.functions_of(&mut tables, &entered.schema)?;
        self.use_tables(&tables)?;
        let computed = tables.computed.then_some(&entered.schema);
        let mut ctx = self.exec_context(entered.txn, eval, computed);
        ctx.functions = functions;
        self.answer_query(query, &ctx, request, sink).await
    }

    /// A SELECT that is a transaction of its own.
    async fn select_alone(
        &mut self,
        plan: &Arc<StatementPlan>,
        tables: &PlanTables,
        eval: Arc<EvalContext>,
        request: &Request<'_>,
        sink: &mut Sink,
    ) -> SqlResult<()> {
        let guard = self.services.schema.enter(self.process.id);
        let schema = guard.schema().clone();
        // The schema may be newer than the one the plan was made for.
        let plan = match request.cache {
            _ if schema.version() == self.services.schema.current().version() => plan.clone(),
            _ => self.plan(request, &schema)?,
        };
        let StatementPlan::Query(query) = &*plan else { return Err(not_a_query()) };
        guard.touch(tables.stored.iter().copied());
        let options = TxnOptions {
            pessimistic: query.locking,
            latest: tables.stored.is_empty(),
            read_from: self.vars.system.lock().settings.read_from,
            ..TxnOptions::default()
        };
        let txn = self.begin_transaction(options).await?;
        if !options.latest {
            self.transactions.single = Some(txn.clone());
        }
        let computed = tables.computed.then_some(&schema);
        let ctx = self.exec_context(txn, eval, computed);
        self.answer_query(query, &ctx, request, sink).await?;
        // One statement has one snapshot under either isolation level, and reads only: SET TRANSACTION is spent on it.
        if !options.latest {
            self.transactions.next = NextTransaction::default();
        }
        if let Some(txn) = self.transactions.single.take() {
            txn.rollback().await?;
        }
        Ok(())
    }

    async fn answer_query(
        &mut self,
        query: &QueryPlan,
        ctx: &ExecContext,
        request: &Request<'_>,
        sink: &mut Sink,
    ) -> SqlResult<()> {
        let called = self.with_locks(query, &ctx.eval).await?;
        let query = called.as_ref().unwrap_or(query);
        self.sleep(query, &ctx.eval).await?;
        let most = self.vars.system.lock().settings.select_limit;
        let limited = limited(query, request, most);
        let query = limited.as_ref().unwrap_or(query);
        let rows = execute_query(query, ctx).await?;
        self.send_rows(&query.columns, rows, request, sink).await
    }

    /// Writes a result: its columns, its rows as they come, its end.
    pub(super) async fn send_rows(
        &mut self,
        columns: &[OutputColumn],
        mut rows: RowStream,
        request: &Request<'_>,
        sink: &mut Sink,
    ) -> SqlResult<()> {
        // The first rows before the columns: an error in them is an answer of its own.
        let mut batch = rows.next_batch().await?;
        if let Some(id) = request.cursor {
            return self.keep_rows(id, columns, batch, rows, sink).await;
        }
        self.write_columns(columns, request.more, sink);
        let mut encoder = RowEncoder::new(columns, request.format, self.spoken());
        let mut count = 0_u64;
        while let Some(rows_now) = batch {
            count += rows_now.len() as u64;
            match rows_now {
                RowBatch::Rows(rows) => {
                    for row in &rows {
                        encoder.row(row, &mut sink.writer);
                        if sink.is_full() {
                            sink.flush().await?;
                        }
                    }
                }
                RowBatch::Columns(batch) => {
                    for row in 0..batch.num_rows() {
                        encoder.batch_row(&batch, row, &mut sink.writer)?;
                        if sink.is_full() {
                            sink.flush().await?;
                        }
                    }
                }
            }
            batch = rows.next_batch().await?;
        }
        (self.sent_rows, self.found_rows) = (count, rows.found_rows().unwrap_or(count));
        self.end_rows(request.more, sink);
        Ok(())
    }

    /// Writes a result's columns, and keeps its rows for a cursor.
    async fn keep_rows(
        &mut self,
        id: u32,
        columns: &[OutputColumn],
        mut batch: Option<RowBatch>,
        mut rows: RowStream,
        sink: &mut Sink,
    ) -> SqlResult<()> {
        let mut kept = PacketWriter::new(0);
        let mut held = self.memory.hold(0)?;
        let mut encoder = RowEncoder::new(columns, Format::Binary, self.spoken());
        let mut count = 0_u64;
        while let Some(rows_now) = batch {
            count += rows_now.len() as u64;
            match rows_now {
                RowBatch::Rows(rows) => rows.iter().for_each(|row| encoder.row(row, &mut kept)),
                RowBatch::Columns(batch) => {
                    for row in 0..batch.num_rows() {
                        encoder.batch_row(&batch, row, &mut kept)?;
                    }
                }
            }
            self.check_cursor(&kept)?;
            held.set(kept.len())?;
            batch = rows.next_batch().await?;
        }
        (self.sent_rows, self.found_rows) = (count, rows.found_rows().unwrap_or(count));
        self.take_over_insert_id();
        self.row_count = -1;
        self.write_definitions(columns, sink);
        self.open_cursor(id, kept, held, sink);
        Ok(())
    }

    /// What results are sent in.
    pub(super) fn spoken(&self) -> Spoken {
        let settings = &self.vars.system.lock().settings;
        let collation = match settings.results {
            Some(set) if set != settings.connection.character_set() => set.default_collation(),
            _ => settings.connection,
        };
        Spoken { collation: collation.id(), set: settings.results }
    }

    /// Writes what comes before rows.
    pub(super) fn write_columns(&self, columns: &[OutputColumn], more: bool, sink: &mut Sink) {
        self.write_definitions(columns, sink);
        let status = self.status(more);
        response::write_columns_end(&mut sink.writer, self.client.capabilities, status);
    }

    /// Writes a result of one row, whose ends have these flags.
    pub(super) fn write_row_in(
        &self,
        columns: &[OutputColumn],
        row: &[Datum],
        status: StatusFlags,
        sink: &mut Sink,
    ) {
        self.write_definitions(columns, sink);
        let capabilities = self.client.capabilities;
        response::write_columns_end(&mut sink.writer, capabilities, status);
        let mut encoder = RowEncoder::new(columns, Format::Binary, self.spoken());
        encoder.row(row, &mut sink.writer);
        response::write_rows_end(&mut sink.writer, capabilities, status, 0);
    }

    fn write_definitions(&self, columns: &[OutputColumn], sink: &mut Sink) {
        let spoken = self.spoken();
        response::write_column_count(&mut sink.writer, columns.len());
        for column in columns {
            write_column(&mut sink.writer, column, spoken);
        }
    }

    /// Writes what comes after rows.
    pub(super) fn end_rows(&mut self, more: bool, sink: &mut Sink) {
        self.take_over_insert_id();
        self.row_count = -1;
        let warnings = self.take_warnings();
        let status = self.status(more);
        let capabilities = self.client.capabilities;
        response::write_rows_end(&mut sink.writer, capabilities, status, warnings);
    }

    /// `LAST_INSERT_ID(n)` was called.
    fn take_over_insert_id(&mut self) -> Option<u64> {
        let set = self.eval.last_insert_id_set.load(std::sync::atomic::Ordering::Relaxed);
        if set == 0 {
            return None;
        }
        self.set_last_insert_id(set);
        Some(set)
    }

    pub(super) fn set_last_insert_id(&mut self, id: u64) {
        self.last_insert_id = id;
        self.vars.counters.lock().last_insert_id = id;
    }

    /// INSERT, REPLACE, UPDATE and DELETE.
    pub(super) async fn write(&mut self, request: &Request<'_>, sink: &mut Sink) -> SqlResult<()> {
        let result = if self.joins_transaction() {
            self.write_in_transaction(request).await?
        } else {
            self.write_alone(request).await?
        };
        self.written(result, request, sink);
        Ok(())
    }

    /// Answers what has been written.
    pub(super) fn written(&mut self, result: DmlResult, request: &Request<'_>, sink: &mut Sink) {
        let set = self.take_over_insert_id();
        if let Some(generated) = result.generated_id {
            self.set_last_insert_id(generated);
        }
        let found = self.client.capabilities.contains(CapabilityFlags::CLIENT_FOUND_ROWS);
        let updates = matches!(request.statement, crate::sql::parser::Statement::Update(_));
        let ok = response::Ok {
            affected_rows: if found && updates { result.matched } else { result.affected },
            last_insert_id: result.generated_id.or(set).unwrap_or(result.last_insert_id),
            warnings: 0,
            info: result.info,
        };
        self.done(ok, request.more, sink);
    }

    pub(super) async fn write_in_transaction(
        &mut self,
        request: &Request<'_>,
    ) -> SqlResult<DmlResult> {
        let entered = self.enter_transaction().await?;
        let plan = self.plan(request, &entered.schema)?;
        place(&plan, request).await;
        let mut tables = PlanTables::of(&plan);
        let functions = self.functions_of(&mut tables, &entered.schema)?;
        self.use_tables(&tables)?;
        let eval = self.begin_eval(request.params.clone(), true, ignores(&plan));
        let computed = tables.computed.then_some(&entered.schema);
        let mut ctx = self.exec_context(entered.txn, eval, computed);
        ctx.functions = functions;
        let result = execute_write(&plan, &ctx).await?;
        for (table, delta) in &result.deltas {
            self.note_delta(*table, *delta);
        }
        Ok(result)
    }

    /// A write that is a transaction of its own. One that names its rows takes no locks at first: if somebody else was
    /// faster it is simply run again.
    pub(super) async fn write_alone(&mut self, request: &Request<'_>) -> SqlResult<DmlResult> {
        let (read_only, isolation) = {
            let settings = &self.vars.system.lock().settings;
            (settings.read_only, settings.isolation)
        };
        // SET TRANSACTION is spent on this statement.
        let next = std::mem::take(&mut self.transactions.next);
        if next.read_only.unwrap_or(read_only) {
            return Err(read_only_transaction());
        }
        // One statement has one snapshot; only SERIALIZABLE asks for more.
        let isolation = match next.isolation.unwrap_or(isolation) {
            Isolation::Serializable => Isolation::Serializable,
            Isolation::ReadCommitted | Isolation::RepeatableRead => Isolation::default(),
        };
        let (mut runs, mut in_line) = (0, false);
        loop {
            let optimistic = !in_line && runs < OPTIMISTIC_RUNS;
            runs += 1;
            let error = match self.try_write_alone(request, optimistic, isolation).await {
                Err(error) => error,
                done => return done,
            };
            match retry::decide(Unit::Autocommit, error.class(), runs) {
                Decision::AtOnce => self.check_killed()?,
                // Somebody holds a lock on it.
                Decision::InLine => {
                    in_line = true;
                    self.check_killed()?;
                }
                // Somebody has locked the table, or changed it, since the statement was planned: nothing of it is done.
                Decision::Replan => self.await_tables(request).await?,
                Decision::AfterPause
                | Decision::UntilKnown
                | Decision::Resolve
                | Decision::GiveUp => return Err(error),
            }
        }
    }

    async fn try_write_alone(
        &mut self,
        request: &Request<'_>,
        optimistic: bool,
        isolation: Isolation,
    ) -> SqlResult<DmlResult> {
        let guard = self.services.schema.enter(self.process.id);
        let schema = guard.schema().clone();
        let plan = self.plan(request, &schema)?;
        place(&plan, request).await;
        let mut tables = PlanTables::of(&plan);
        let functions = self.functions_of(&mut tables, &schema)?;
        guard.touch(tables.stored.iter().copied());
        let pessimistic = !optimistic || functions.is_some() || !writes_named_rows(&plan);
        let impatient = !pessimistic;
        let options = TxnOptions { pessimistic, impatient, isolation, ..TxnOptions::default() };
        let txn = self.begin_transaction(options).await?;
        self.transactions.single = Some(txn.clone());
        let eval = self.begin_eval(request.params.clone(), true, ignores(&plan));
        let computed = tables.computed.then_some(&schema);
        let mut ctx = self.exec_context(txn.clone(), eval, computed);
        ctx.functions = functions;
        let outcome = match execute_write(&plan, &ctx).await {
            Ok(result) => {
                self.services.schema.until_it_may_commit(&*self.services.store).await;
                let _shield = self.control.shield();
                match guard.begin_commit(&tables.written) {
                    Ok(()) => {
                        let committed = txn.commit().await;
                        self.transactions.single = None;
                        match committed {
                            Ok(_) => {
                                self.record_deltas(&result);
                                Ok(result)
                            }
                            Err(error) => {
                                let first = result.generated_id;
                                Err(self.abandon_used_ids(error, first, &schema).await)
                            }
                        }
                    }
                    Err(error) => Err(error),
                }
            }
            Err(error) => Err(error),
        };
        match outcome {
            Ok(result) => Ok(result),
            Err(error) => {
                if let Some(txn) = self.transactions.single.take() {
                    let _shield = self.control.shield();
                    txn.rollback().await?;
                }
                let schema = self.with_temporary(&schema);
                Err(duplicate_shown(error, &schema, &self.vars.settings().time_zone))
            }
        }
    }
}

async fn execute_write(plan: &StatementPlan, ctx: &ExecContext) -> SqlResult<DmlResult> {
    match plan {
        StatementPlan::Insert(insert) => execute_insert(insert, ctx).await,
        StatementPlan::Update(update) => execute_update(update, ctx).await,
        StatementPlan::Delete(delete) => execute_delete(delete, ctx).await,
        StatementPlan::Query(_) => Err(SqlError::internal("a query that is to write")),
    }
}

/// INSERT IGNORE and UPDATE IGNORE.
fn ignores(plan: &StatementPlan) -> bool {
    match plan {
        StatementPlan::Insert(insert) => insert.ignore,
        StatementPlan::Update(update) => update.ignore,
        StatementPlan::Delete(delete) => delete.ignore,
        StatementPlan::Query(_) => false,
    }
}

/// A SELECT without LIMIT, with that of `sql_select_limit`; `None`: it stays as it is.
fn limited(query: &QueryPlan, request: &Request<'_>, most: u64) -> Option<QueryPlan> {
    let Statement::Query(written) = request.statement else { return None };
    if most == u64::MAX || written.limit.is_some() {
        return None;
    }
    let mut query = query.clone();
    let input = query.root;
    let (schema, estimated_rows) = (input.schema.clone(), input.estimated_rows);
    let limit = Some(Expr::literal(Datum::UInt(most)));
    let node = PlanNode::Limit { input: Box::new(input), offset: None, limit };
    query.root = PhysicalPlan { node, schema, estimated_rows };
    Some(query)
}

fn not_a_query() -> SqlError {
    SqlError::internal("a query without a query's plan")
}
