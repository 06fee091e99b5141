//! SHOW, DESCRIBE, EXPLAIN and the old commands that answer rows: rows made from the schema, the variables and the process list.

mod explain;
pub(super) mod processes;
mod schema;
pub(super) mod server;
mod stats;

use super::answer::Sink;
use super::core::Core;
use super::statement::Request;
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::InfoSchema;
use crate::sql::exec::RowStream;
use crate::sql::expr::{Expr, Function};
use crate::sql::parser::ast::{ObjectName, Show, ShowFilter, ShowKind};
use crate::sql::plan::OutputColumn;
use crate::sql::types::{Collation, Datum, FieldType};

/// A table of rows to show.
pub(super) struct Shown {
    pub(super) columns: Vec<OutputColumn>,
    pub(super) rows: Vec<Vec<Datum>>,
    /// The column that LIKE looks at.
    pub(super) like: usize,
}

/// Text of a column: compared without case, as names are.
fn text_type() -> FieldType {
    FieldType::varchar(1024).collate(Collation::Utf8mb4GeneralCi)
}

fn column(name: &str, field_type: FieldType) -> OutputColumn {
    OutputColumn { name: name.to_owned(), field_type, origin: None, key_flags: 0 }
}

impl Shown {
    /// Columns by name: `#` before one makes it a number, `!` a long text, `@` a DATETIME.
    pub(super) fn new(columns: &[&str], rows: Vec<Vec<Datum>>) -> Shown {
        let build = |name: &&str| match name.as_bytes().first() {
            Some(b'#') => column(&name[1..], FieldType::bigint()),
            Some(b'@') => column(&name[1..], FieldType::datetime(0)),
            Some(b'!') => {
                let long = FieldType::long_text().collate(Collation::Utf8mb4GeneralCi);
                column(&name[1..], long)
            }
            _ => column(name, text_type()),
        };
        Shown { columns: columns.iter().map(build).collect(), rows, like: 0 }
    }
}

impl Core {
    /// SHOW.
    pub(super) async fn show(
        &mut self,
        show: &Show,
        request: &Request<'_>,
        sink: &mut Sink,
    ) -> SqlResult<()> {
        let diagnostics = match &show.kind {
            ShowKind::Warnings { count, limit } => {
                Some(self.show_diagnostics(false, *count, *limit))
            }
            ShowKind::Errors { count, limit } => Some(self.show_diagnostics(true, *count, *limit)),
            _ => None,
        };
        if let Some(shown) = diagnostics {
            // What is shown stays for the next SHOW WARNINGS.
            let kept = std::mem::take(&mut self.diagnostics);
            let counters = *self.vars.counters.lock();
            self.begin_eval(Vec::new(), false, false);
            self.send_shown(shown, request, sink).await?;
            self.diagnostics = kept;
            *self.vars.counters.lock() = counters;
            return Ok(());
        }
        self.begin_eval(request.params.clone(), false, false);
        let schema = self.services.schema.current();
        let mut shown = self.shown(show, &schema).await?;
        if let Some(filter) = &show.filter {
            self.filter(&mut shown, filter, request, &schema)?;
        }
        self.send_shown(shown, request, sink).await
    }

    async fn shown(&self, show: &Show, schema: &InfoSchema) -> SqlResult<Shown> {
        let pattern = match &show.filter {
            Some(ShowFilter::Like(pattern)) => Some(pattern.as_str()),
            _ => None,
        };
        Ok(match &show.kind {
            ShowKind::Databases => schema::databases(schema, pattern),
            ShowKind::Tables { full, database } => {
                let database = self.database_or_current(database.as_deref())?;
                schema::tables(schema, &database, *full, pattern)?
            }
            ShowKind::TableStatus { database } => {
                let database = self.database_or_current(database.as_deref())?;
                let zone = &self.eval.time_zone;
                schema::table_status(schema, &database, &self.services, zone).await?
            }
            ShowKind::Columns { full, table } => {
                let (database, table) = self.find_table(schema, table)?;
                schema::columns(schema.require_database(&database)?, &table, *full)
            }
            ShowKind::Indexes { table } => {
                let (database, table) = self.find_table(schema, table)?;
                let stats = self.services.stats.current(table.id);
                schema::indexes(schema.require_database(&database)?, &table, stats.as_ref())
            }
            ShowKind::CreateTable(name) => {
                let (_, table) = self.find_table(schema, name)?;
                schema::create_table(&table, &self.services).await?
            }
            ShowKind::CreateDatabase { name, if_not_exists } => {
                schema::create_database(schema.require_database(name)?, *if_not_exists)
            }
            ShowKind::Variables { global } => self.show_variables(*global),
            ShowKind::Status { global } => self.show_status(*global),
            ShowKind::Engines => server::engines(),
            ShowKind::Collations => server::collations(),
            ShowKind::CharacterSets => server::character_sets(),
            ShowKind::Grants { user } => self.show_grants(user.as_ref())?,
            // There are none, since none can be made.
            ShowKind::StoredPrograms { columns } => Shown::new(columns, Vec::new()),
            ShowKind::Privileges => server::privileges(),
            ShowKind::Plugins => server::plugins(),
            ShowKind::StatsMeta => self.stats_meta(schema),
            ShowKind::StatsHistograms => self.stats_histograms(schema),
            ShowKind::StatsHealthy => self.stats_healthy(schema),
            ShowKind::ProcessList { full } => self.process_list(*full).await,
            ShowKind::Warnings { .. } | ShowKind::Errors { .. } => {
                return Err(SqlError::internal("what others are asked for is shown apart"));
            }
        })
    }

    /// DESCRIBE: the columns of a table, of that name or like that pattern.
    pub(super) async fn describe(
        &mut self,
        table: &ObjectName,
        pattern: Option<&str>,
        request: &Request<'_>,
        sink: &mut Sink,
    ) -> SqlResult<()> {
        self.begin_eval(Vec::new(), false, false);
        let schema = self.services.schema.current();
        let (database, table) = self.find_table(&schema, table)?;
        let mut shown = schema::columns(schema.require_database(&database)?, &table, false);
        if let Some(pattern) = pattern {
            let filter = ShowFilter::Like(pattern.to_owned());
            self.filter(&mut shown, &filter, request, &schema)?;
        }
        self.send_shown(shown, request, sink).await
    }

    /// COM_PROCESS_INFO.
    pub(super) async fn show_process_list(&mut self, sink: &mut Sink) -> SqlResult<()> {
        self.begin_eval(Vec::new(), false, false);
        let shown = self.process_list(true).await;
        let nothing = crate::sql::parser::Statement::UnlockTables;
        let request = super::statement::text_request(&nothing);
        self.send_shown(shown, &request, sink).await
    }

    pub(super) async fn send_shown(
        &mut self,
        shown: Shown,
        request: &Request<'_>,
        sink: &mut Sink,
    ) -> SqlResult<()> {
        self.send_rows(&shown.columns, RowStream::rows(shown.rows), request, sink).await
    }

    /// Keeps the rows that LIKE or WHERE asks for.
    fn filter(
        &self,
        shown: &mut Shown,
        filter: &ShowFilter,
        request: &Request<'_>,
        schema: &InfoSchema,
    ) -> SqlResult<()> {
        let predicate = match filter {
            ShowFilter::Like(pattern) => {
                let field_type = shown.columns[shown.like].field_type.clone();
                let args = vec![Expr::column(shown.like, field_type), Expr::text(pattern)];
                Expr::call(Function::Like, args)?
            }
            ShowFilter::Where(condition) => {
                let columns: Vec<(&str, FieldType)> = shown
                    .columns
                    .iter()
                    .map(|column| (column.name.as_str(), column.field_type.clone()))
                    .collect();
                self.planner(schema, request.parameters, &request.types)
                    .bind_over(&columns, condition)?
            }
        };
        let mut kept = Vec::with_capacity(shown.rows.len());
        for row in std::mem::take(&mut shown.rows) {
            if predicate.eval(&row, &self.eval)?.to_bool(&self.eval)? == Some(true) {
                kept.push(row);
            }
        }
        shown.rows = kept;
        Ok(())
    }

    /// The database named, or the one in use: error 1046 without one.
    pub(super) fn database_or_current(&self, named: Option<&str>) -> SqlResult<String> {
        match named.or(self.database.as_deref()) {
            Some(database) => Ok(database.to_owned()),
            None => Err(SqlError::new(errno::NO_DB, "No database selected")),
        }
    }

    /// A table by its name, with its database's.
    pub(super) fn find_table(
        &self,
        schema: &InfoSchema,
        name: &ObjectName,
    ) -> SqlResult<(String, std::sync::Arc<crate::sql::catalog::TableInfo>)> {
        let database = self.database_or_current(name.database.as_deref())?;
        let table = schema.require_table(&database, &name.name)?.clone();
        Ok((database, table))
    }

    /// COM_FIELD_LIST: a table's columns, each a definition with an empty default, and an EOF.
    pub(super) fn field_list(
        &mut self,
        table: &[u8],
        pattern: &[u8],
        sink: &mut Sink,
    ) -> SqlResult<()> {
        let eval = self.begin_eval(Vec::new(), false, false);
        let name = String::from_utf8_lossy(table).into_owned();
        let schema = self.services.schema.current();
        let name = ObjectName { database: None, name };
        let (database, table) = self.find_table(&schema, &name)?;
        let pattern = String::from_utf8_lossy(pattern).into_owned();
        let collation = self.vars.system.lock().settings.results.id();
        for column in &table.columns {
            if column.state != crate::sql::catalog::SchemaState::Public {
                continue;
            }
            let like = Expr::call(
                Function::Like,
                vec![Expr::text(&column.name.to_lowercase()), Expr::text(&pattern.to_lowercase())],
            )?;
            if !pattern.is_empty() && like.eval(&[], &eval)?.to_bool(&eval)? != Some(true) {
                continue;
            }
            let output = OutputColumn {
                name: column.name.clone(),
                field_type: column.field_type.clone(),
                origin: Some((
                    column.name.clone(),
                    table.name.clone(),
                    table.name.clone(),
                    database.clone(),
                )),
                key_flags: 0,
            };
            super::encode::write_field(&mut sink.writer, &output, collation);
        }
        crate::protocol::response::write_eof(&mut sink.writer, self.status(false), 0);
        Ok(())
    }
}
