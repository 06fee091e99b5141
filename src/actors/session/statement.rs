//! Statements: COM_QUERY's texts, and which part of the session runs which statement.

use std::borrow::Cow;
use std::sync::Arc;

use super::Kill;
use super::answer::Sink;
use super::core::Core;
use super::encode::Format;
use super::hints::NO_HINTS;
use super::place::parse_at;
use super::prepared::PlanCache;
use super::transaction::{BeginOptions, read_only_transaction};
use crate::actors::runtime::compute;
use crate::common::{SqlError, SqlResult, errno};
use crate::protocol::response;
use crate::sql::digest::fingerprint;
use crate::sql::expr::{EvalContext, Expr};
use crate::sql::parser::ast::{self, Statement};
use crate::sql::parser::{Hints, ParsedStatement};
use crate::sql::plan::Planner;
use crate::sql::statement::{Answers, Begins, Commits, Uses};
use crate::sql::types::{Datum, FieldType};

/// A statement to run.
pub(super) struct Request<'a> {
    pub(super) statement: &'a Statement,
    /// How many `?` it has.
    pub(super) parameters: usize,
    /// Their values.
    pub(super) params: Vec<Datum>,
    /// The types of the values.
    pub(super) types: Vec<FieldType>,
    pub(super) format: Format,
    /// Another statement's answer follows.
    pub(super) more: bool,
    /// Where its plan is kept.
    pub(super) cache: Option<&'a PlanCache>,
    /// The prepared statement that keeps the rows for a cursor; `None`: they are sent.
    pub(super) cursor: Option<u32>,
    pub(super) hints: &'a Hints,
}

impl Core {
    /// COM_QUERY: one statement, or several where the client may send them.
    pub(super) async fn query(&mut self, text: &[u8], sink: &mut Sink) -> SqlResult<()> {
        let heard = self.heard(text);
        let text: &[u8] = &heard;
        let mut parsed = parse_at(self, text, 0).await?.ok_or_else(empty_query)?;
        let mut start = 0;
        loop {
            let mode = self.vars.system.lock().settings.sql_mode;
            // Looked at before the statement runs, since its last packet says whether another follows.
            let next = match parsed.next < text.len() {
                true => parse_at(self, text, parsed.next).await,
                false => Ok(None),
            };
            let more = !matches!(next, Ok(None));
            if more && !self.multi_statements {
                return Err(only_one(text, parsed.next));
            }
            if let Some(parameter) = parsed.first_parameter {
                return Err(SqlError::new(errno::PARSE, near(text, parameter)));
            }
            let ParsedStatement { statement, .. } = &parsed;
            let _held = self.memory.hold(text.len() + parsed.shape.bytes())?;
            let request = Request {
                statement,
                parameters: 0,
                params: Vec::new(),
                types: Vec::new(),
                format: Format::Text,
                more,
                cache: None,
                cursor: None,
                hints: &parsed.hints,
            };
            self.parse_warnings.clone_from(&parsed.warnings);
            let print = fingerprint(&text[start..parsed.next], self.database.as_deref());
            self.watch(statement.kind(), print, start..parsed.next);
            self.statement(&request, sink).await?;
            self.count_statement(None);
            start = parsed.next;
            match next? {
                // The statement may have changed how the text is read.
                Some(_) if self.vars.system.lock().settings.sql_mode != mode => {
                    parsed = parse_at(self, text, parsed.next).await?.ok_or_else(empty_query)?;
                }
                Some(following) => parsed = following,
                None => return Ok(()),
            }
        }
    }

    /// A statement's text as it is read: what the client speaks, in UTF-8.
    pub(super) fn heard<'t>(&self, text: &'t [u8]) -> Cow<'t, [u8]> {
        let client = self.vars.system.lock().settings.speaks;
        if client.is_kept() || text.is_ascii() {
            return Cow::Borrowed(text);
        }
        match client.decode_lossy(text) {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        }
    }

    /// Runs one statement and writes its answer.
    pub(super) async fn statement(
        &mut self,
        request: &Request<'_>,
        sink: &mut Sink,
    ) -> SqlResult<()> {
        let before = self.follow_hints(request.hints);
        let outcome = self.run_statement(request, sink).await;
        self.forget_hints(before);
        outcome?;
        self.statement_ended();
        Ok(())
    }

    /// The match over the kinds of statements: those that write their answers themselves, and the others. What they have in common
    /// is in the table of their traits.
    async fn run_statement(&mut self, request: &Request<'_>, sink: &mut Sink) -> SqlResult<()> {
        use Statement as S;
        self.prepare_for(request).await?;
        match request.statement {
            S::Query(_) => self.select(request, sink).await,
            S::Insert(_) | S::Update(_) | S::Delete(_) => self.write(request, sink).await,
            S::SelectIntoFile { query, into } => {
                self.select_into_file(query, into, request, sink).await
            }
            S::SelectIntoVariables { query, targets } => {
                self.select_into_variables(query, targets, request, sink).await
            }
            S::LoadData(load) => self.load_data(load, request, sink).await,
            S::CreateTable(create) => match &create.select {
                Some(select) => self.create_from_query(create, select, request, sink).await,
                None => self.do_statement_of_effect(request, sink).await,
            },
            S::Show(show) => self.show(show, request, sink).await,
            S::Describe { table, column } => {
                self.describe(table, column.as_deref(), request, sink).await
            }
            S::Explain(explain) => self.explain(explain, request, sink).await,
            S::Execute { name, using } => {
                Box::pin(self.execute_named(name, using, request.more, sink)).await
            }
            S::Call(call) => Box::pin(self.call_statement(call, request, sink)).await,
            S::Analyze(tables) => self.analyze(tables, request, sink).await,
            S::Checksum { tables, quick } => self.checksum(tables, *quick, request, sink).await,
            S::Maintain(what, tables) => self.maintain(*what, tables, request, sink).await,
            S::SplitTable(split) => self.split_table(split, request, sink).await,
            // The next match names each of them.
            _ => self.do_statement_of_effect(request, sink).await,
        }
    }

    /// Statements whose answer is that they are done.
    #[expect(clippy::too_many_lines, reason = "a line for each kind of statement")]
    async fn do_statement_of_effect(
        &mut self,
        request: &Request<'_>,
        sink: &mut Sink,
    ) -> SqlResult<()> {
        use Statement as S;
        let affected_rows = match request.statement {
            S::Query(_)
            | S::Insert(_)
            | S::Update(_)
            | S::Delete(_)
            | S::SelectIntoFile { .. }
            | S::SelectIntoVariables { .. }
            | S::LoadData(_)
            | S::Show(_)
            | S::Describe { .. }
            | S::Explain(_)
            | S::Execute { .. }
            | S::Call(_)
            | S::Analyze(_)
            | S::Checksum { .. }
            | S::Maintain(..)
            | S::SplitTable(_) => {
                return Err(SqlError::internal("a statement that answers by itself"));
            }
            S::CreateDatabase(_)
            | S::DropDatabase { .. }
            | S::CreateTable(_)
            | S::DropTables { .. }
            | S::Truncate(_)
            | S::CreateIndex(_)
            | S::DropIndex { .. }
            | S::AlterTable { .. }
            | S::RenameTables(_)
            | S::AlterDatabase { .. }
            | S::DropViews { .. } => self.change_schema(request.statement).await?,
            S::CreateView(create) => none(self.create_view(create, request).await?),
            S::CreateRoutine(create) => none(self.create_routine(create).await?),
            S::CreateTrigger(create) => none(self.create_trigger(create).await?),
            S::DropTrigger { name, if_exists } => none(self.drop_trigger(name, *if_exists).await?),
            S::AlterRoutine(alter) => none(self.alter_routine(alter).await?),
            S::DropRoutine(drop) => none(self.drop_routine(drop).await?),
            S::Signal(signal) => none(self.signal_statement(signal, request).await?),
            S::GetDiagnostics(get) => return self.diagnose(get, request, sink).await,
            S::Use(name) => none(self.use_database(name)?),
            S::SetVariables(items) => none(self.set_variables(items, request).await?),
            S::Begin { .. }
            | S::Commit { .. }
            | S::Rollback { .. }
            | S::Savepoint(_)
            | S::RollbackTo(_)
            | S::ReleaseSavepoint(_) => {
                none(self.transaction_statement(request.statement, sink).await?)
            }
            S::Kill { id, query_only } => {
                none(self.kill_statement(id, *query_only, request, sink).await?)
            }
            S::Prepare { name, source } => none(self.prepare_named(name, source, request).await?),
            S::Deallocate(name) => none(self.deallocate(name)?),
            S::Do(exprs) => none(self.do_statement(exprs, request).await?),
            S::LockTables(tables) => none(self.lock_tables(tables).await?),
            S::UnlockTables => none(self.unlock_tables().await?),
            S::Flush(items) => none(self.flush(items).await?),
            S::CreateUser { .. }
            | S::AlterUser { .. }
            | S::DropUser { .. }
            | S::RenameUsers(_)
            | S::Grant(_)
            | S::Revoke(_)
            | S::CreateRoles { .. }
            | S::DropRoles { .. }
            | S::SetDefaultRole { .. }
            | S::SetPassword { .. } => none(self.account_statement(request.statement).await?),
            S::SetRole(choice) => none(self.set_role(choice)?),
        };
        let info = self.info_of_change(request.statement, affected_rows);
        let ok = response::Ok { affected_rows, info, ..response::Ok::default() };
        self.done(ok, request.more, sink);
        Ok(())
    }

    /// Statements about transactions.
    async fn transaction_statement(
        &mut self,
        statement: &Statement,
        sink: &mut Sink,
    ) -> SqlResult<()> {
        use Statement as S;
        match statement {
            S::Begin { mode, access, consistent_snapshot } => {
                self.begin_statement(*mode, *access, *consistent_snapshot).await
            }
            S::Commit { chain, release } => {
                self.end_transaction(true, *chain, *release, sink).await
            }
            S::Rollback { chain, release } => {
                self.end_transaction(false, *chain, *release, sink).await
            }
            S::Savepoint(name) => self.savepoint(name).await,
            S::RollbackTo(name) => self.roll_back_to(name),
            S::ReleaseSavepoint(name) => self.release_savepoint(name),
            _ => Err(SqlError::internal("a statement that is about no transaction")),
        }
    }

    /// Statements about accounts.
    async fn account_statement(&mut self, statement: &Statement) -> SqlResult<()> {
        use Statement as S;
        match statement {
            S::CreateUser { users, if_not_exists } => {
                self.create_users(users, *if_not_exists).await
            }
            S::AlterUser { users, if_exists } => self.alter_users(users, *if_exists).await,
            S::DropUser { users, if_exists } => {
                self.drop_users(users, *if_exists, "DROP USER").await
            }
            S::DropRoles { roles, if_exists } => {
                self.drop_users(roles, *if_exists, "DROP ROLE").await
            }
            S::CreateRoles { roles, if_not_exists } => {
                self.create_roles(roles, *if_not_exists).await
            }
            S::RenameUsers(renames) => self.rename_users(renames).await,
            S::Grant(grant) => self.grant(grant).await,
            S::Revoke(revoke) => self.revoke(revoke).await,
            S::SetDefaultRole { roles, users } => self.set_default_role(roles, users).await,
            S::SetPassword { user, password } => self.set_password(user.as_ref(), password).await,
            _ => Err(SqlError::internal("a statement that is about no account")),
        }
    }

    /// Does what a statement's traits ask for before it runs.
    async fn prepare_for(&mut self, request: &Request<'_>) -> SqlResult<()> {
        let kind = request.statement.kind();
        let traits = kind.traits();
        self.each_tally(|tally| tally.count(kind));
        self.check_statement(request.statement)?;
        if traits.begins == Begins::Apart {
            compute::enter().await;
        }
        match traits.uses {
            Uses::Reads | Uses::Writes => return self.await_tables(request).await,
            Uses::Schema | Uses::Session | Uses::Another => {}
        }
        if traits.answers == Answers::Done || traits.commits == Commits::First {
            self.begin_eval(request.params.clone(), false, false);
        }
        let own = Core::is_of_temporary(request.statement);
        if traits.changes() && !own && self.reads_only() {
            return Err(read_only_transaction());
        }
        if traits.commits == Commits::First && !own {
            self.commit().await?;
        }
        Ok(())
    }

    async fn begin_statement(
        &mut self,
        mode: Option<ast::BeginMode>,
        access: Option<ast::AccessMode>,
        consistent_snapshot: bool,
    ) -> SqlResult<()> {
        self.unlock_tables().await?;
        self.begin(BeginOptions {
            optimistic: mode.map(|mode| mode == ast::BeginMode::Optimistic),
            read_only: access.map(|access| access == ast::AccessMode::ReadOnly),
            isolation: None,
            consistent_snapshot,
        });
        if consistent_snapshot {
            self.enter_transaction().await?;
        }
        Ok(())
    }

    async fn kill_statement(
        &mut self,
        id: &ast::Expr,
        query_only: bool,
        request: &Request<'_>,
        sink: &mut Sink,
    ) -> SqlResult<()> {
        let id = self.constant(id, request)?.1.to_u64(&self.eval)?;
        let what = if query_only { Kill::Query } else { Kill::Connection };
        self.kill(id, what, sink).await
    }

    /// GET DIAGNOSTICS, which leaves what it tells of as it is.
    async fn diagnose(
        &mut self,
        get: &ast::GetDiagnostics,
        request: &Request<'_>,
        sink: &mut Sink,
    ) -> SqlResult<()> {
        self.get_diagnostics_statement(get, request).await?;
        self.row_count = 0;
        self.ok(sink, response::Ok::default(), request.more);
        Ok(())
    }

    async fn do_statement(&mut self, exprs: &[ast::Expr], request: &Request<'_>) -> SqlResult<()> {
        for expr in exprs {
            self.value(expr, request).await?;
        }
        Ok(())
    }

    /// COMMIT or ROLLBACK, with AND CHAIN and RELEASE.
    async fn end_transaction(
        &mut self,
        commits: bool,
        chain: bool,
        release: bool,
        sink: &mut Sink,
    ) -> SqlResult<()> {
        let next = chain.then(|| self.chained());
        if commits {
            self.commit().await?;
        } else {
            self.roll_back().await;
        }
        if let Some(options) = next {
            self.begin(options);
        }
        sink.disconnect |= release;
        Ok(())
    }

    /// Ends a statement that has no rows: takes its warnings over and writes its OK packet.
    pub(super) fn done(&mut self, mut ok: response::Ok, more: bool, sink: &mut Sink) {
        self.row_count = i64::try_from(ok.affected_rows).unwrap_or(i64::MAX);
        ok.warnings = self.take_warnings();
        if !self.in_program() {
            self.ok(sink, ok, more);
        }
    }

    /// Keeps the statement's warnings for SHOW WARNINGS; answers how many there are.
    pub(super) fn take_warnings(&mut self) -> u16 {
        let eval = self.eval.clone();
        let total = eval.warning_count.load(std::sync::atomic::Ordering::Relaxed);
        if total == 0 && self.diagnostics.is_empty() {
            return 0;
        }
        let mut warnings = eval.take_warnings();
        if !self.vars.system.lock().settings.notes {
            warnings.retain(|warning| warning.level != crate::sql::expr::WarningLevel::Note);
        }
        let count = u16::try_from(warnings.len()).unwrap_or(u16::MAX);
        self.keep_diagnostics(warnings);
        count
    }

    /// The planner for a statement of this session.
    pub(super) fn planner<'a>(
        &'a self,
        schema: &'a crate::sql::catalog::InfoSchema,
        parameters: usize,
        types: &'a [FieldType],
    ) -> Planner<'a> {
        let settings = &self.vars.system.lock().settings;
        Planner {
            schema,
            temporary: &self.temporary.tables,
            current_db: self.database.as_deref(),
            sql_mode: settings.sql_mode,
            rules: settings.type_rules(),
            parameter_count: parameters,
            parameter_types: types,
            variables: &*self.vars,
            stats: &*self.services.stats,
            firing: &[],
            interrupt: self.process.interrupt(),
        }
    }

    /// The type and value of an expression that sees no columns.
    pub(super) fn constant(
        &self,
        expr: &ast::Expr,
        request: &Request<'_>,
    ) -> SqlResult<(FieldType, Datum)> {
        let schema = self.services.schema.current();
        let bound =
            self.planner(&schema, request.parameters, &request.types).bind_constant(expr)?;
        self.value_of(&bound)
    }

    fn value_of(&self, bound: &Expr) -> SqlResult<(FieldType, Datum)> {
        let eval: &Arc<EvalContext> = &self.eval;
        let value = bound.eval(&[], eval)?;
        Ok((bound.field_type().clone(), value))
    }

    /// The value of a user variable.
    pub(super) fn user_variable(&self, name: &str) -> (Datum, FieldType) {
        use crate::sql::expr::SessionVars as _;
        let name = name.to_lowercase();
        self.vars.user_var(&name).unwrap_or((Datum::Null, FieldType::null()))
    }

    /// Error 1317 or 3024 if the statement in hand is to end.
    pub(super) fn check_killed(&self) -> SqlResult<()> {
        self.control.check()
    }
}

/// Of a statement that changes no rows.
fn none((): ()) -> u64 {
    0
}

fn empty_query() -> SqlError {
    SqlError::new(errno::EMPTY_QUERY, "Query was empty")
}

/// Several statements from a client that did not ask for them.
fn only_one(text: &[u8], at: usize) -> SqlError {
    SqlError::new(errno::PARSE, near(text, at))
}

fn near(text: &[u8], at: usize) -> String {
    let rest = String::from_utf8_lossy(&text[at..]);
    let rest = rest.trim_start();
    let line = 1 + memchr::memchr_iter(b'\n', &text[..at]).count();
    let shown: String = rest.chars().take(80).collect();
    format!(
        "You have an error in your SQL syntax; check the manual that corresponds to your TroupeDB server version for \
         the right syntax to use near '{shown}' at line {line}"
    )
}

/// A request for a statement of COM_QUERY that stands alone.
pub(super) fn text_request(statement: &Statement) -> Request<'_> {
    Request {
        statement,
        parameters: 0,
        params: Vec::new(),
        types: Vec::new(),
        format: Format::Text,
        more: false,
        cache: None,
        cursor: None,
        hints: &NO_HINTS,
    }
}
