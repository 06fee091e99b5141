//! Prepared statements, of COM_STMT_PREPARE and of PREPARE.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;

use super::answer::Sink;
use super::core::Core;
use super::cursor::Cursor;
use super::encode::{Format, Spoken, write_column};
use super::parameters::{general, value_of};
use super::place::{LIGHT_BYTES, parse_at};
use super::statement::{Request, text_request};
use super::{Held, Memory};
use crate::actors::runtime::compute::{self, Compute};
use crate::common::{SqlError, SqlResult, errno};
use crate::protocol::parameters::{self, ParameterType};
use crate::protocol::response;
use crate::sql::digest::fingerprint;
use crate::sql::expr::TypeRules;
use crate::sql::parser::ast::{self, Statement};
use crate::sql::parser::{Hints, ParsedStatement, Shape};
use crate::sql::plan::{OutputColumn, StatementPlan};
use crate::sql::statement::Prepares;
use crate::sql::types::{FieldType, SqlMode};

/// The kind of cursor there is: over rows that were read when the statement ran, forwards only.
const CURSOR_TYPE_READ_ONLY: u8 = 1;

/// What a plan depends on besides its statement.
pub(super) struct PlanKey<'a> {
    pub(super) version: (i64, u64),
    /// How often tables were analyzed.
    pub(super) stats: u64,
    pub(super) database: Option<&'a str>,
    pub(super) sql_mode: SqlMode,
    pub(super) rules: TypeRules,
    pub(super) types: &'a [FieldType],
}

struct Cached {
    version: (i64, u64),
    stats: u64,
    database: Option<String>,
    sql_mode: SqlMode,
    rules: TypeRules,
    types: Vec<FieldType>,
    plan: Arc<StatementPlan>,
}

/// The plan of a prepared statement, as long as what it was made for stays the same.
#[derive(Default)]
pub(super) struct PlanCache(Mutex<Option<Cached>>);

impl PlanCache {
    /// The plan, if it still fits.
    pub(super) fn get(&self, key: &PlanKey<'_>) -> Option<Arc<StatementPlan>> {
        let cached = self.0.lock();
        let cached = cached.as_ref()?;
        let fits = cached.version == key.version
            && cached.stats == key.stats
            && cached.sql_mode == key.sql_mode
            && cached.rules == key.rules
            && cached.database.as_deref() == key.database
            && cached.types == key.types;
        fits.then(|| cached.plan.clone())
    }

    /// Keeps a plan.
    pub(super) fn put(&self, key: &PlanKey<'_>, plan: Arc<StatementPlan>) {
        *self.0.lock() = Some(Cached {
            version: key.version,
            stats: key.stats,
            database: key.database.map(str::to_owned),
            sql_mode: key.sql_mode,
            rules: key.rules,
            types: key.types.to_vec(),
            plan,
        });
    }
}

/// What does not change between executions.
pub(super) struct Prepared {
    text: Bytes,
    statement: Statement,
    hints: Hints,
    shape: Shape,
    parameters: usize,
    /// For the summary of statements.
    fingerprint: u64,
    cache: PlanCache,
    compute: Compute,
    /// For as long as it is there.
    _held: Held,
    _counted: Counted,
}

/// One of the prepared statements of a node.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    /// Error 1461 if there are as many as there may be.
    fn one(all: &Arc<AtomicUsize>, most: usize) -> SqlResult<Counted> {
        let counted = Counted(all.clone());
        if all.fetch_add(1, Ordering::Relaxed) < most {
            return Ok(counted);
        }
        Err(SqlError::new(
            errno::MAX_PREPARED_STMT_COUNT_REACHED,
            format!(
                "Can't create more than max_prepared_stmt_count statements (current value: {most})"
            ),
        ))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A deep tree is dropped where the stack is made for it.
impl Drop for Prepared {
    fn drop(&mut self) {
        if !self.shape.is_light() {
            let statement = std::mem::replace(&mut self.statement, Statement::UnlockTables);
            self.compute.dispose((statement, std::mem::take(&mut self.cache)));
        }
    }
}

impl Prepared {
    /// A request for it, without parameters, in text.
    fn request(&self) -> Request<'_> {
        Request {
            parameters: self.parameters,
            cache: Some(&self.cache),
            hints: &self.hints,
            ..text_request(&self.statement)
        }
    }
}

/// A statement of COM_STMT_PREPARE.
struct Entry {
    prepared: Arc<Prepared>,
    /// Types of the parameters at the last execution.
    types: Vec<ParameterType>,
    long_data: LongData,
    /// The rows of its last execution, if that asked for a cursor.
    cursor: Option<Cursor>,
}

/// The parameters of the next execution that came by COM_STMT_SEND_LONG_DATA.
#[derive(Default)]
struct LongData {
    values: HashMap<u16, Vec<u8>>,
    held: Option<Held>,
    /// What that command could not answer, as it has no answer.
    error: Option<SqlError>,
}

impl LongData {
    fn add(&mut self, parameter: u16, data: &[u8], memory: &Arc<Memory>) -> SqlResult<()> {
        let value = self.values.entry(parameter).or_default();
        if value.len() + data.len() > LONG_DATA_MAX {
            return Err(SqlError::new(
                errno::NET_PACKET_TOO_LARGE,
                "Parameter of prepared statement which is set through mysql_send_long_data() is longer than \
                 'max_allowed_packet' bytes",
            ));
        }
        match &mut self.held {
            Some(held) => held.grow(data.len())?,
            None => self.held = Some(memory.hold(data.len())?),
        }
        value.extend_from_slice(data);
        Ok(())
    }
}

/// All of a session.
#[derive(Default)]
pub(super) struct PreparedStatements {
    by_id: BTreeMap<u32, Entry>,
    by_name: BTreeMap<String, Arc<Prepared>>,
    last_id: u32,
}

/// Longest value that can be sent in pieces.
const LONG_DATA_MAX: usize = 1 << 30;

impl PreparedStatements {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.by_id.len() + self.by_name.len()
    }

    /// The text of a statement.
    pub(super) fn text(&self, id: u32) -> Option<Bytes> {
        self.by_id.get(&id).map(|entry| entry.prepared.text.clone())
    }

    pub(super) fn close(&mut self, id: u32) {
        self.by_id.remove(&id);
    }

    /// Keeps rows for COM_STMT_FETCH.
    pub(super) fn open_cursor(&mut self, id: u32, cursor: Cursor) {
        if let Some(entry) = self.by_id.get_mut(&id) {
            entry.cursor = Some(cursor);
        }
    }

    /// The place of a statement's cursor.
    pub(super) fn cursor(&mut self, id: u32) -> SqlResult<&mut Option<Cursor>> {
        let entry = self.by_id.get_mut(&id).ok_or_else(|| unknown(id, "mysqld_stmt_fetch"))?;
        Ok(&mut entry.cursor)
    }

    /// COM_STMT_RESET: forgets long data and closes the cursor.
    pub(super) fn reset(&mut self, id: u32) -> SqlResult<()> {
        let entry = self.by_id.get_mut(&id).ok_or_else(|| unknown(id, "mysqld_stmt_reset"))?;
        entry.long_data = LongData::default();
        entry.cursor = None;
        Ok(())
    }

    /// COM_STMT_SEND_LONG_DATA, which has no answer: an unknown statement is told at its execution.
    pub(super) fn add_long_data(
        &mut self,
        id: u32,
        parameter: u16,
        data: &[u8],
        memory: &Arc<Memory>,
    ) {
        let Some(entry) = self.by_id.get_mut(&id) else { return };
        let long_data = &mut entry.long_data;
        let added = if usize::from(parameter) < entry.prepared.parameters {
            long_data.add(parameter, data, memory)
        } else {
            let command = "mysqld_stmt_send_long_data";
            Err(SqlError::new(errno::WRONG_ARGUMENTS, format!("Incorrect arguments to {command}")))
        };
        if let Err(error) = added {
            // The execution will fail: there is no use for the rest.
            (long_data.held, long_data.error) = (None, Some(error));
            long_data.values.clear();
        }
    }
}

fn unknown(id: u32, command: &str) -> SqlError {
    SqlError::new(
        errno::UNKNOWN_STMT_HANDLER,
        format!("Unknown prepared statement handler ({id}) given to {command}"),
    )
}

fn unknown_name(name: &str, command: &str) -> SqlError {
    SqlError::new(
        errno::UNKNOWN_STMT_HANDLER,
        format!("Unknown prepared statement handler ({name}) given to {command}"),
    )
}

impl Core {
    /// Parses a text of one statement.
    async fn parse_prepared(&mut self, text: &Bytes) -> SqlResult<Prepared> {
        let Some(parsed) = parse_at(self, text, 0).await? else {
            return Err(SqlError::new(errno::EMPTY_QUERY, "Query was empty"));
        };
        let ParsedStatement { statement, parameters, next, shape, hints, warnings, .. } = parsed;
        if parse_at(self, text, next).await?.is_some() {
            return Err(SqlError::unsupported("several statements in one PREPARE"));
        }
        if statement.kind().traits().prepares == Prepares::Never {
            return Err(SqlError::new(
                errno::UNSUPPORTED_PS,
                "This command is not supported in the prepared statement protocol yet",
            ));
        }
        if u16::try_from(parameters).is_err() {
            return Err(SqlError::new(
                errno::PS_MANY_PARAM,
                "Prepared statement contains too many placeholders",
            ));
        }
        warnings.into_iter().for_each(|warning| self.eval.warn(warning.code, warning.message));
        self.check_statement(&statement)?;
        let counted = Counted::one(&self.services.prepared, self.services.max_prepared_statements)?;
        // The tree, and a plan made of it.
        let held = self.memory.hold(text.len() + 2 * shape.bytes())?;
        Ok(Prepared {
            text: text.clone(),
            statement,
            hints,
            shape,
            parameters,
            fingerprint: fingerprint(text, self.database.as_deref()),
            cache: PlanCache::default(),
            compute: self.services.compute.clone(),
            _held: held,
            _counted: counted,
        })
    }

    /// COM_STMT_PREPARE.
    pub(super) async fn prepare(&mut self, text: &Bytes, sink: &mut Sink) -> SqlResult<()> {
        self.begin_eval(Vec::new(), false, false);
        // A copy: the text outlives the buffer the packet came in.
        let text = Bytes::copy_from_slice(&self.heard(text));
        let prepared = self.parse_prepared(&text).await?;
        let columns = self.columns_of(&prepared)?;
        self.prepared.last_id += 1;
        let id = self.prepared.last_id;
        let parameters = prepared.parameters;
        self.prepared.by_id.insert(
            id,
            Entry {
                prepared: Arc::new(prepared),
                types: Vec::new(),
                long_data: LongData::default(),
                cursor: None,
            },
        );
        let (status, capabilities) = (self.status(false), self.client.capabilities);
        let spoken = self.spoken();
        let writer = &mut sink.writer;
        let column_count = u16::try_from(columns.len()).unwrap_or(u16::MAX);
        response::write_prepare_ok(writer, id, column_count, parameters as u16, 0);
        if parameters > 0 {
            let parameter = OutputColumn {
                name: "?".to_owned(),
                field_type: FieldType::varchar(16_383),
                origin: None,
                key_flags: 0,
            };
            for _ in 0..parameters {
                write_column(writer, &parameter, Spoken::PLAIN);
            }
            response::write_columns_end(writer, capabilities, status);
        }
        if !columns.is_empty() {
            for column in &columns {
                write_column(writer, column, spoken);
            }
            response::write_columns_end(writer, capabilities, status);
        }
        Ok(())
    }

    /// The columns a prepared statement will answer with; its names are looked up on the way, so that errors show early.
    fn columns_of(&self, prepared: &Prepared) -> SqlResult<Vec<OutputColumn>> {
        if prepared.statement.kind().traits().prepares != Prepares::Plan {
            return Ok(Vec::new());
        }
        let schema = self.services.schema.current();
        let plan = self.planner(&schema, prepared.parameters, &[]).plan(&prepared.statement)?;
        Ok(match plan {
            StatementPlan::Query(query) => query.columns,
            _ => Vec::new(),
        })
    }

    /// COM_STMT_EXECUTE.
    pub(super) async fn execute_prepared(
        &mut self,
        id: u32,
        cursor: u8,
        body: &Bytes,
        sink: &mut Sink,
    ) -> SqlResult<()> {
        let entry =
            self.prepared.by_id.get_mut(&id).ok_or_else(|| unknown(id, "mysqld_stmt_execute"))?;
        let mut long_data = std::mem::take(&mut entry.long_data);
        if let Some(error) = long_data.error {
            // Until the client resets the statement.
            entry.long_data.error = Some(error.clone());
            return Err(error);
        }
        let prepared = entry.prepared.clone();
        let long = long_data.held.as_ref().map_or(0, Held::bytes);
        if !prepared.shape.is_light() || body.len() + long > LIGHT_BYTES {
            compute::enter().await;
        }
        let entry =
            self.prepared.by_id.get_mut(&id).ok_or_else(|| unknown(id, "mysqld_stmt_execute"))?;
        let values =
            parameters::decode(body, prepared.parameters, &mut entry.types, &mut long_data.values)
                .map_err(|malformed| {
                    SqlError::new(errno::MALFORMED_PACKET, malformed.to_string())
                })?;
        entry.cursor = None;
        let cursor = (cursor & CURSOR_TYPE_READ_ONLY != 0).then_some(id);
        let (mut params, mut types) = (Vec::with_capacity(values.len()), Vec::new());
        let client = self.vars.system.lock().settings.speaks;
        for value in values {
            let (datum, field_type) = value_of(value, client)?;
            params.push(datum);
            types.push(field_type);
        }
        let request =
            Request { params, types, format: Format::Binary, cursor, ..prepared.request() };
        self.watch(prepared.statement.kind(), prepared.fingerprint, 0..prepared.text.len());
        self.statement(&request, sink).await?;
        self.count_statement(None);
        Ok(())
    }

    /// PREPARE name FROM ….
    pub(super) async fn prepare_named(
        &mut self,
        name: &str,
        source: &ast::Expr,
        request: &Request<'_>,
    ) -> SqlResult<()> {
        let text = match source {
            ast::Expr::UserVariable(variable) => self.user_variable(variable).0,
            other => self.constant(other, request)?.1,
        };
        let name = name.to_lowercase();
        self.prepared.by_name.remove(&name);
        let prepared = self.parse_prepared(&text.to_bytes()).await?;
        self.columns_of(&prepared)?;
        self.prepared.by_name.insert(name, Arc::new(prepared));
        Ok(())
    }

    /// EXECUTE name [USING …].
    pub(super) async fn execute_named(
        &mut self,
        name: &str,
        using: &[String],
        more: bool,
        sink: &mut Sink,
    ) -> SqlResult<()> {
        let found = self.prepared.by_name.get(&name.to_lowercase()).cloned();
        let prepared = found.ok_or_else(|| unknown_name(name, "EXECUTE"))?;
        if prepared.parameters != using.len() {
            return Err(SqlError::new(errno::WRONG_ARGUMENTS, "Incorrect arguments to EXECUTE"));
        }
        if !prepared.shape.is_light() {
            compute::enter().await;
        }
        let (mut params, mut types) = (Vec::new(), Vec::new());
        for variable in using {
            let (value, field_type) = self.user_variable(variable);
            types.push(if value.is_null() { FieldType::null() } else { general(&field_type) });
            params.push(value);
        }
        let request = Request { params, types, more, ..prepared.request() };
        self.statement(&request, sink).await
    }

    /// DEALLOCATE PREPARE.
    pub(super) fn deallocate(&mut self, name: &str) -> SqlResult<()> {
        match self.prepared.by_name.remove(&name.to_lowercase()) {
            Some(_) => Ok(()),
            None => Err(unknown_name(name, "DEALLOCATE PREPARE")),
        }
    }
}
