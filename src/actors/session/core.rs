//! The state of a session, and its commands.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::activity::Tally;
use super::answer::Sink;
use super::control::Control;
use super::prepared::PreparedStatements;
use super::program::Programs;
use super::rights::{SessionRights, check_first_database};
use super::table_locks::OwnLocks;
use super::temporary::Temporary;
use super::transaction::Transactions;
use super::uploads::Uploads;
use super::vars::{SharedVars, Variables};
use super::watch::Watched;
use super::{ClientInfo, Kill, Memory, Process, SessionServices, Upload};
use crate::common::{SqlError, SqlResult, errno};
use crate::protocol::command::Command;
use crate::protocol::{CapabilityFlags, StatusFlags, response};
use crate::sql::expr::{EvalContext, Warning, WarningLevel};
use crate::sql::parser::ParseWarning;
use crate::sql::parser::ast::ObjectName;
use crate::sql::statement::StatementKind;

/// Everything a session knows. It is moved into the task that runs a command, and back.
pub(super) struct Core {
    pub(super) services: Arc<SessionServices>,
    pub(super) process: Arc<Process>,
    pub(super) control: Arc<Control>,
    pub(super) client: ClientInfo,
    /// What it may do.
    pub(super) access: SessionRights,
    /// What USE chose.
    pub(super) database: Option<String>,
    pub(super) vars: Arc<Variables>,
    /// What all of this holds.
    pub(super) memory: Arc<Memory>,
    pub(super) transactions: Transactions,
    pub(super) prepared: PreparedStatements,
    /// What SHOW WARNINGS shows.
    pub(super) diagnostics: Vec<Warning>,
    /// What expressions see; used again by the next statement.
    pub(super) eval: Arc<EvalContext>,
    /// What LOCK TABLES has locked.
    pub(super) table_locks: Option<OwnLocks>,
    /// What the session has done.
    pub(super) tally: Arc<Tally>,
    /// The statement in hand, to be counted when it ends.
    pub(super) watched: Option<Watched>,
    /// `LAST_INSERT_ID()`.
    pub(super) last_insert_id: u64,
    /// `FOUND_ROWS()`.
    pub(super) found_rows: u64,
    /// How many rows the last statement that gives rows has sent.
    pub(super) sent_rows: u64,
    /// What is to be said of the next statement's text, as warnings.
    pub(super) parse_warnings: Vec<ParseWarning>,
    /// `ROW_COUNT()`.
    pub(super) row_count: i64,
    /// The client may send several statements at once.
    pub(super) multi_statements: bool,
    /// What the client sends of files.
    pub(super) uploads: Uploads,
    /// A table that is made and has not got its rows yet, and whether it is temporary.
    pub(super) half_made: Option<(ObjectName, bool)>,
    /// Tables of its own.
    pub(super) temporary: Temporary,
    /// Stored programs that it has run, and those that run.
    pub(super) programs: Programs,
}

impl Drop for Core {
    fn drop(&mut self) {
        self.services.locks.session_ended(self.process.id);
    }
}

impl Core {
    pub(super) fn new(
        services: Arc<SessionServices>,
        process: Arc<Process>,
        control: Arc<Control>,
        client: ClientInfo,
        uploads: mpsc::Receiver<Upload>,
    ) -> Core {
        let memory = Memory::session(&services.memory, services.session_memory);
        let variables = services.variables.clone();
        let vars = Arc::new(Variables::new(variables, client.connection_id, &memory));
        let multi_statements =
            client.capabilities.contains(CapabilityFlags::CLIENT_MULTI_STATEMENTS);
        let mut core = Core {
            database: client.database.clone(),
            eval: Arc::default(),
            access: SessionRights::of(&client, &services),
            services,
            process,
            control,
            client,
            vars,
            memory,
            transactions: Transactions::default(),
            prepared: PreparedStatements::default(),
            diagnostics: Vec::new(),
            table_locks: None,
            tally: Arc::default(),
            watched: None,
            last_insert_id: 0,
            found_rows: 0,
            sent_rows: 0,
            parse_warnings: Vec::new(),
            row_count: 0,
            multi_statements,
            uploads: Uploads::new(uploads),
            half_made: None,
            temporary: Temporary::default(),
            programs: Programs::default(),
        };
        core.start_afresh();
        core
    }

    /// What a login and a reset have in common.
    fn start_afresh(&mut self) {
        let client_collation = super::set::collation_by_id(self.client.collation);
        {
            let mut system = self.vars.system.lock();
            let charset = client_collation.charset();
            // Of the collations that a connection may have.
            let _ = system.set_names(Some(charset), Some(client_collation.name()));
            if self.client.capabilities.contains(CapabilityFlags::CLIENT_INTERACTIVE)
                && let Some(timeout) = self.vars.global.value("interactive_timeout")
            {
                system.put_text("wait_timeout", timeout);
            }
        }
        self.tell_limits();
        self.eval = Arc::new(self.new_eval());
    }

    /// Has the connection know what its client may do.
    pub(super) fn tell_limits(&self) {
        self.process.set_limits(self.vars.system.lock().settings.client);
    }

    fn new_eval(&self) -> EvalContext {
        let client = &self.client;
        let host = if client.address.is_loopback() {
            "localhost".to_owned()
        } else {
            client.address.to_string()
        };
        let seed = self.services.rng.stream(&format!("session/{}", client.connection_id));
        let mut eval = EvalContext::new();
        eval.connection_id = client.connection_id.into();
        eval.user = format!("{}@{host}", client.user);
        eval.current_user = format!("{}@{}", client.user, client.account_host);
        eval.current_db.clone_from(&self.database);
        eval.interrupt = self.process.interrupt().clone();
        eval.vars = Arc::new(SharedVars(self.vars.clone()));
        eval.rng = super::seed_of(seed).into();
        let clock = self.services.clock.clone();
        eval.clock = Arc::new(move || i64::try_from(clock.unix_micros()).ok());
        eval
    }

    /// What the expressions of a statement see.
    pub(super) fn begin_eval(
        &mut self,
        params: Vec<crate::sql::types::Datum>,
        writes: bool,
        ignore: bool,
    ) -> Arc<EvalContext> {
        let settings = self.vars.settings();
        let now = settings.timestamp.unwrap_or_else(|| {
            i64::try_from(self.services.clock.unix_micros()).unwrap_or(i64::MAX)
        });
        self.vars.counters.lock().now_micros = now;
        if Arc::get_mut(&mut self.eval).is_none() {
            // Something of the last statement still holds its context.
            self.eval = Arc::new(self.new_eval());
        }
        if let Some(eval) = Arc::get_mut(&mut self.eval) {
            eval.begin_statement();
            eval.sql_mode = settings.sql_mode;
            eval.time_zone = settings.time_zone;
            eval.now_unix_micros = now;
            eval.params = params;
            eval.writes = writes;
            eval.ignore = ignore;
            eval.last_insert_id = self.last_insert_id.into();
            for ParseWarning { code, message } in self.parse_warnings.drain(..) {
                eval.warn(code, message);
            }
            eval.found_rows = self.found_rows;
            eval.row_count = self.row_count;
            eval.div_precision_increment = settings.div_precision_increment;
            eval.group_concat_max_len = settings.group_concat_max_len;
            eval.max_allowed_packet = settings.max_allowed_packet;
            if eval.current_db != self.database {
                eval.current_db.clone_from(&self.database);
            }
        }
        self.eval.clone()
    }

    /// Runs a command; its answer, also an error, goes into the sink.
    pub(super) async fn execute(&mut self, command: Command, sink: &mut Sink) {
        self.control.begin();
        self.started(&command);
        let control = self.control.clone();
        let outcome = {
            let statement = std::pin::pin!(self.command(command, sink));
            tokio::select! {
                biased;
                outcome = statement => outcome,
                error = control.cancelled() => Err(error),
            }
        };
        if let Err(error) = outcome {
            self.uploads.pass_over(sink).await;
            self.fail(error, sink).await;
        }
        let now = self.services.clock.now();
        self.process.update(|state| {
            state.command = "Sleep";
            state.info = None;
            state.since = now;
        });
    }

    fn started(&self, command: &Command) {
        self.services.processes.count_question();
        self.count_command(command);
        let now = self.services.clock.now();
        let (name, info) = match command {
            Command::Query(text) => ("Query", Some(text.clone())),
            Command::StmtExecute { statement, .. } => ("Execute", self.prepared.text(*statement)),
            Command::StmtPrepare(text) => ("Prepare", Some(text.clone())),
            Command::StmtFetch { statement, .. } => ("Fetch", self.prepared.text(*statement)),
            Command::FieldList { .. } => ("Field List", None),
            Command::InitDb(_) => ("Init DB", None),
            Command::ResetConnection => ("Reset Connection", None),
            _ => return,
        };
        self.process.update(|state| {
            state.command = name;
            state.info = info;
            state.since = now;
        });
    }

    fn count_command(&self, command: &Command) {
        use super::activity::Protocol;
        let (counted, bytes) = match command {
            Command::Query(text) => (None, text.len()),
            Command::StmtPrepare(text) => (Some(Protocol::StmtPrepare), text.len()),
            Command::StmtExecute { body, .. } => (Some(Protocol::StmtExecute), body.len() + 9),
            Command::StmtSendLongData { data, .. } => {
                (Some(Protocol::StmtSendLongData), data.len() + 6)
            }
            Command::StmtClose(_) => (Some(Protocol::StmtClose), 4),
            Command::StmtReset(_) => (Some(Protocol::StmtReset), 4),
            Command::StmtFetch { .. } => (Some(Protocol::StmtFetch), 8),
            Command::InitDb(name) => {
                self.each_tally(|tally| tally.count(StatementKind::ChangeDb));
                (None, name.len())
            }
            _ => (None, 0),
        };
        // A packet's head and the command's byte.
        self.each_tally(|tally| tally.count_received(bytes + 5));
        if let Some(counted) = counted {
            self.each_tally(|tally| tally.count_protocol(counted));
        }
    }

    /// Undoes what the failed statement did, keeps the error for SHOW WARNINGS, and tells the client.
    async fn fail(&mut self, error: SqlError, sink: &mut Sink) {
        let error = self.statement_failed(error).await;
        self.leave_programs();
        self.keep_last_error(&error);
        self.row_count = -1;
        let mut warnings = self.eval.take_warnings();
        self.drop_half_made().await;
        warnings.push(Warning {
            level: WarningLevel::Error,
            code: error.code,
            message: error.message.clone(),
        });
        self.keep_diagnostics(warnings);
        self.count_statement(Some(&error));
        match self.spoken().set {
            Some(set) if !set.is_kept() => {
                let message = set.encode(error.message.as_bytes());
                response::write_error_in(&mut sink.writer, &error, &message);
            }
            _ => response::write_error(&mut sink.writer, &error),
        }
    }

    pub(super) fn keep_diagnostics(&mut self, warnings: Vec<Warning>) {
        let errors = warnings.iter().filter(|warning| warning.level == WarningLevel::Error).count();
        {
            let mut counters = self.vars.counters.lock();
            counters.warnings = warnings.len() as u64;
            counters.errors = errors as u64;
        }
        self.diagnostics = warnings;
    }

    async fn command(&mut self, command: Command, sink: &mut Sink) -> SqlResult<()> {
        match command {
            Command::Query(text) => return self.query(&text, sink).await,
            Command::StmtExecute { statement, cursor, body } => {
                return self.execute_prepared(statement, cursor, &body, sink).await;
            }
            Command::StmtPrepare(text) => return self.prepare(&text, sink).await,
            Command::StmtSendLongData { statement, parameter, data } => {
                self.prepared.add_long_data(statement, parameter, &data, &self.memory);
            }
            Command::StmtClose(statement) => self.prepared.close(statement),
            Command::StmtReset(statement) => {
                self.prepared.reset(statement)?;
                self.ok(sink, response::Ok::default(), false);
            }
            Command::Ping => self.ok(sink, response::Ok::default(), false),
            Command::InitDb(name) => {
                self.use_database(&String::from_utf8_lossy(&name))?;
                self.ok(sink, response::Ok::default(), false);
            }
            Command::FieldList { table, pattern } => self.field_list(&table, &pattern, sink)?,
            Command::Statistics => {
                let line = self.statistics();
                sink.writer.packet(|out| out.extend_from_slice(line.as_bytes()));
            }
            Command::ProcessInfo => return self.show_process_list(sink).await,
            Command::ProcessKill(id) => {
                self.begin_eval(Vec::new(), false, false);
                self.kill(id.into(), Kill::Connection, sink).await?;
                self.ok(sink, response::Ok::default(), false);
            }
            Command::ResetConnection => {
                self.reset().await;
                self.ok(sink, response::Ok::default(), false);
            }
            Command::SetOption { multi_statements } => {
                self.multi_statements = multi_statements;
                response::write_eof(&mut sink.writer, self.status(false), 0);
            }
            Command::StmtFetch { statement, rows } => {
                return self.fetch_cursor(statement, rows, sink).await;
            }
            Command::Debug => return Err(SqlError::unsupported("COM_DEBUG")),
            Command::Quit | Command::ChangeUser(_) | Command::Unknown(_) => {
                return Err(SqlError::new(errno::UNKNOWN_COM, "Unknown command"));
            }
        }
        Ok(())
    }

    /// The flags of an OK or EOF packet.
    pub(super) fn status(&self, more_results: bool) -> StatusFlags {
        let settings = &self.vars.system.lock().settings;
        let mut status = StatusFlags::empty();
        status.set(StatusFlags::SERVER_STATUS_AUTOCOMMIT, settings.autocommit);
        status.set(StatusFlags::SERVER_STATUS_IN_TRANS, self.transactions.is_begun());
        status.set(StatusFlags::SERVER_MORE_RESULTS_EXISTS, more_results);
        status.set(
            StatusFlags::SERVER_STATUS_NO_BACKSLASH_ESCAPES,
            settings.sql_mode.contains(crate::sql::types::SqlMode::NO_BACKSLASH_ESCAPES),
        );
        status
    }

    /// Writes an OK packet.
    pub(super) fn ok(&self, sink: &mut Sink, ok: response::Ok, more_results: bool) {
        ok.write(&mut sink.writer, self.status(more_results));
    }

    /// USE.
    pub(super) fn use_database(&mut self, name: &str) -> SqlResult<()> {
        self.check_database(name)?;
        let schema = self.services.schema.current();
        let database = schema.require_database(name)?;
        {
            let mut system = self.vars.system.lock();
            system.put_text("character_set_database", database.charset.as_str());
            system.put_text("collation_database", database.collation.as_str());
        }
        self.set_database(Some(database.name.clone()));
        Ok(())
    }

    pub(super) fn set_database(&mut self, database: Option<String>) {
        self.process.update(|state| state.database.clone_from(&database));
        self.database = database;
    }

    /// COM_RESET_CONNECTION: a fresh session in the same database.
    async fn reset(&mut self) {
        self.roll_back().await;
        if let Err(error) = self.unlock_tables().await {
            tracing::debug!(%error, "failed to unlock tables");
        }
        if let Err(error) = self.services.locks.release_all(self.process.id).await {
            // The keeper tries again.
            tracing::debug!(%error, "failed to give named locks back");
        }
        self.transactions = Transactions::default();
        self.temporary = Temporary::default();
        self.vars.reset();
        self.access = SessionRights::of(&self.client, &self.services);
        self.prepared = PreparedStatements::default();
        self.diagnostics.clear();
        (self.last_insert_id, self.found_rows, self.row_count) = (0, 0, 0);
        self.start_afresh();
    }

    /// COM_CHANGE_USER: a fresh session of somebody else.
    pub(super) async fn switch(&mut self, client: ClientInfo) -> SqlResult<()> {
        self.roll_back().await;
        let database = match &client.database {
            Some(name) => {
                check_first_database(&self.services, &client, name)?;
                let schema = self.services.schema.current();
                Some(schema.require_database(name)?.name.clone())
            }
            None => None,
        };
        self.access = SessionRights::of(&client, &self.services);
        self.client = client;
        self.set_database(database);
        self.reset().await;
        Ok(())
    }

    /// Whether a transaction is open.
    pub(super) fn in_transaction(&self) -> bool {
        self.transactions.is_begun()
    }

    /// How many prepared statements there are.
    pub(super) fn prepared_count(&self) -> usize {
        self.prepared.len()
    }

    fn statistics(&self) -> String {
        let uptime = self.services.clock.now().as_nanos() / 1_000_000_000;
        let questions = self.services.processes.questions();
        format!(
            "Uptime: {uptime}  Threads: {}  Questions: {questions}  Slow queries: {}  Opens: 0  \
             Flush tables: 0  Open tables: 0  Queries per second avg: {:.3}",
            self.services.processes.len(),
            self.services.activity.slow.count(),
            questions as f64 / uptime.max(1) as f64
        )
    }
}
