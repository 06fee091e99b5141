//! SHOW: columns of the computed tables, under the names that it gives them ([`views`]), and what is no table's.

mod accounts;
mod engines;
mod replication;
mod stats;
mod stats_healthy;
mod stats_histograms;
mod stats_meta;
mod views;

use std::sync::Arc;

#[cfg(test)]
pub(super) use self::views::ALL as ALL_VIEWS;
use self::views::View;
use super::asked::Asked;
use super::sources::Sources;
use super::table::{COLLATION, Rows};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::{
    InfoSchema, TableInfo, ViewInfo, no_trigger, show_create_database, show_create_table,
    show_create_view,
};
use crate::sql::expr::WarningLevel;
use crate::sql::parser::ast::{ObjectName, RoutineKind, ShowKind};
use crate::sql::system::schema_facts::moment_hundredths;
use crate::sql::types::{Datum, FieldType};

/// What SHOW PROCESSLIST shows of a long statement, in characters.
const SHORT_INFO: usize = 100;

/// A table of rows to show.
pub struct Shown {
    /// Names and types.
    pub columns: Vec<(String, FieldType)>,
    /// The rows.
    pub rows: Rows,
    /// The column that LIKE looks at.
    pub like: usize,
}

/// A name, a word: compared without case, as names are.
fn word() -> FieldType {
    FieldType::varchar(1024).collate(COLLATION)
}

impl Shown {
    /// Columns by name: `#` before one makes it a number, `!` a long text.
    pub fn new(columns: &[&str], rows: Rows) -> Shown {
        let build = |name: &&str| match name.as_bytes().first() {
            Some(b'#') => (name[1..].to_owned(), FieldType::bigint()),
            Some(b'!') => (name[1..].to_owned(), FieldType::long_text().collate(COLLATION)),
            _ => ((*name).to_owned(), word()),
        };
        Shown { columns: columns.iter().map(build).collect(), rows, like: 0 }
    }

    /// With another name for the first column.
    fn headed(mut self, name: String, pattern: Option<&str>) -> Shown {
        if let Some((head, _)) = self.columns.first_mut() {
            *head = match pattern {
                Some(pattern) => format!("{name} ({pattern})"),
                None => name,
            };
        }
        self
    }
}

/// What a SHOW asks of the session.
struct Showing<'a> {
    sources: &'a dyn Sources,
    /// The database in use.
    current: Option<&'a str>,
    /// Of LIKE: it is part of a heading.
    pattern: Option<&'a str>,
}

/// All that a SHOW shows, before LIKE or WHERE; `current` is the database in use, `pattern` that of LIKE.
pub async fn show(
    kind: &ShowKind,
    pattern: Option<&str>,
    current: Option<&str>,
    sources: &dyn Sources,
) -> SqlResult<Shown> {
    let showing = Showing { sources, current, pattern };
    let all = Asked::all(sources);
    match kind {
        ShowKind::Databases => {
            let shown = views::DATABASES.show(&all).await?;
            Ok(shown.headed("Database".to_owned(), pattern))
        }
        ShowKind::Tables { full, database } => showing.tables(*full, database.as_deref()).await,
        ShowKind::TableStatus { database } => showing.table_status(database.as_deref()).await,
        ShowKind::Columns { full: true, table } => {
            showing.of_table(&views::FULL_COLUMNS, table).await
        }
        ShowKind::Columns { full: false, table } => showing.of_table(&views::COLUMNS, table).await,
        ShowKind::Indexes { table } => showing.of_table(&views::INDEXES, table).await,
        ShowKind::CreateTable(name) => showing.create_table(name).await,
        ShowKind::CreateView(name) => showing.create_of_view(name),
        ShowKind::CreateTrigger(name) => showing.create_trigger(name),
        ShowKind::CreateRoutine(kind, name) => showing.create_routine(*kind, name),
        ShowKind::CreateDatabase { name, if_not_exists } => {
            showing.create_database(name, *if_not_exists)
        }
        ShowKind::Variables { global: false } => views::SESSION_VARIABLES.show(&all).await,
        ShowKind::Variables { global: true } => views::GLOBAL_VARIABLES.show(&all).await,
        ShowKind::Status { global: false } => views::SESSION_STATUS.show(&all).await,
        ShowKind::Status { global: true } => views::GLOBAL_STATUS.show(&all).await,
        ShowKind::Warnings { count, limit } => Ok(showing.diagnostics(false, *count, *limit)),
        ShowKind::Errors { count, limit } => Ok(showing.diagnostics(true, *count, *limit)),
        ShowKind::ProcessList { full } => {
            let text_limit = if *full { usize::MAX } else { SHORT_INFO };
            views::PROCESS_LIST.show(&Asked { text_limit, ..all }).await
        }
        ShowKind::Engines => views::ENGINES.show(&all).await,
        ShowKind::Collations => views::COLLATIONS.show(&all).await,
        ShowKind::CharacterSets => views::CHARACTER_SETS.show(&all).await,
        ShowKind::Grants { user, using } => showing.grants(user.as_ref(), using),
        ShowKind::CreateUser { user } => showing.create_user(user),
        ShowKind::BinaryLogStatus => Ok(replication::binary_log_status()),
        ShowKind::ReplicaStatus { old } => Ok(replication::replica_status(*old)),
        ShowKind::Replicas { old } => Ok(replication::replicas(*old)),
        ShowKind::BinaryLogs => Err(replication::no_binary_log()),
        ShowKind::BinlogEvents => Ok(replication::binlog_events()),
        ShowKind::OpenTables { database } => showing.open_tables(database.as_deref()).await,
        ShowKind::Engine { engine, report } => showing.engine(engine.as_deref(), *report).await,
        ShowKind::Privileges => Ok(accounts::privileges()),
        ShowKind::Plugins => views::PLUGINS.show(&all).await,
        ShowKind::StatsMeta => views::STATS_META.show(&all).await,
        ShowKind::StatsHistograms => views::STATS_HISTOGRAMS.show(&all).await,
        ShowKind::StatsHealthy => views::STATS_HEALTHY.show(&all).await,
        ShowKind::Triggers { database } => {
            showing.of_database(&views::TRIGGERS, database.as_deref()).await
        }
        ShowKind::Events { database } => {
            showing.of_database(&views::EVENTS, database.as_deref()).await
        }
        ShowKind::Routines { procedures } => {
            let wanted = Datum::from(if *procedures { "PROCEDURE" } else { "FUNCTION" });
            let mut shown = views::ROUTINES.show(&all).await?;
            let kind = shown.columns.iter().position(|(name, _)| name == "Type");
            shown.rows.retain(|row| kind.is_some_and(|at| row[at] == wanted));
            Ok(shown)
        }
    }
}

impl Showing<'_> {
    fn schema(&self) -> &InfoSchema {
        self.sources.schema()
    }

    /// The database named, or the one in use: error 1046 without one, 1049 if there is none of that name.
    fn database(&self, named: Option<&str>) -> SqlResult<String> {
        let no_database = || SqlError::new(errno::NO_DB, "No database selected");
        let name = named.or(self.current).ok_or_else(no_database)?;
        Ok(self.schema().require_database(name)?.name.clone())
    }

    /// A table by its name, with its database's.
    fn table(&self, name: &ObjectName) -> SqlResult<(String, Arc<TableInfo>)> {
        let database = match &name.database {
            // Of a table whose database is missing MySQL says the same as of any.
            Some(database) => database.clone(),
            None => self.database(None)?,
        };
        let table = self.schema().require_table(&database, &name.name)?.clone();
        Ok((database, table))
    }

    async fn of_database(&self, view: &View, named: Option<&str>) -> SqlResult<Shown> {
        let database = self.database(named)?;
        let asked = Asked { database: Some(&database), ..Asked::all(self.sources) };
        view.show(&asked).await
    }

    async fn of_table(&self, view: &View, name: &ObjectName) -> SqlResult<Shown> {
        let (database, table) = self.table(name)?;
        let asked = Asked {
            database: Some(&database),
            table: Some(&table.name),
            ..Asked::all(self.sources)
        };
        view.show(&asked).await
    }

    async fn tables(&self, full: bool, named: Option<&str>) -> SqlResult<Shown> {
        let view = if full { &views::FULL_TABLES } else { &views::TABLES };
        let head = format!("Tables_in_{}", self.database(named)?);
        let mut shown = self.of_database(view, named).await?.headed(head, self.pattern);
        // The tables of `mysql` are made of what there is. They are not named, as MySQL does with its data dictionary: a dump of
        // everything would take them along, and could not be read back, or would spoil another server's accounts.
        if self.database(named)? == "mysql" {
            shown.rows.clear();
        }
        Ok(shown)
    }

    async fn table_status(&self, named: Option<&str>) -> SqlResult<Shown> {
        let database = self.database(named)?;
        let mut shown = self.of_database(&views::TABLE_STATUS, named).await?;
        if self.schema().require_database(&database)?.id < 0 {
            shown.rows.clear();
        }
        Ok(shown)
    }

    async fn create_table(&self, name: &ObjectName) -> SqlResult<Shown> {
        let (database, table) = self.table(name)?;
        if let Some(view) = &table.view {
            return self.create_view(&database, &table, view);
        }
        let next = match table.columns.iter().any(|column| column.auto_increment) {
            true => self.sources.next_auto_increments(&[&*table]).await?.pop(),
            false => None,
        };
        let text = show_create_table(&database, &table, next);
        let row = vec![Datum::from(table.name.as_str()), Datum::from(text)];
        Ok(Shown::new(&["Table", "!Create Table"], vec![row]))
    }

    /// SHOW CREATE VIEW. Error 1347 for a table.
    fn create_of_view(&self, name: &ObjectName) -> SqlResult<Shown> {
        let (database, table) = self.table(name)?;
        match &table.view {
            Some(view) => self.create_view(&database, &table, view),
            None => {
                let message = format!("'{database}.{}' is not VIEW", table.name);
                Err(SqlError::new(errno::WRONG_OBJECT, message))
            }
        }
    }

    /// Of a view SHOW CREATE TABLE shows the same as SHOW CREATE VIEW.
    fn create_view(&self, database: &str, table: &TableInfo, view: &ViewInfo) -> SqlResult<Shown> {
        let text = show_create_view(database, table, view, self.current)?;
        let (charset, collation) = &view.charset;
        let row = [&table.name, &text, charset, collation].map(|text| Datum::from(text.as_str()));
        let columns = ["View", "!Create View", "character_set_client", "collation_connection"];
        Ok(Shown::new(&columns, vec![row.to_vec()]))
    }

    /// SHOW CREATE PROCEDURE and SHOW CREATE FUNCTION. Error 1305 if there is none.
    fn create_trigger(&self, name: &ObjectName) -> SqlResult<Shown> {
        let no_database = || SqlError::new(errno::NO_DB, "No database selected");
        let database = name.database.as_deref().or(self.current).ok_or_else(no_database)?;
        let (table, trigger) =
            self.schema().trigger(database, &name.name).ok_or_else(no_trigger)?;
        let created = moment_hundredths(trigger.created_us, self.sources.time_zone());
        let row = [
            &trigger.name,
            &trigger.sql_mode,
            &trigger.show(&table.name),
            &trigger.charset.0,
            &trigger.charset.1,
            &trigger.database_collation,
        ];
        let columns = [
            "Trigger",
            "sql_mode",
            "!SQL Original Statement",
            "character_set_client",
            "collation_connection",
            "Database Collation",
        ];
        let mut shown =
            Shown::new(&columns, vec![row.map(|text| Datum::from(text.as_str())).to_vec()]);
        shown.columns.push(("Created".to_owned(), FieldType::timestamp(2)));
        shown.rows[0].push(created);
        Ok(shown)
    }

    fn create_routine(&self, kind: RoutineKind, name: &ObjectName) -> SqlResult<Shown> {
        let no_database = || SqlError::new(errno::NO_DB, "No database selected");
        let database = name.database.as_deref().or(self.current).ok_or_else(no_database)?;
        let found = self.schema().routine(database, kind, &name.name);
        let Some(routine) = found.and_then(|entry| entry.routine.as_ref()) else {
            let message = format!("{} {} does not exist", kind.name(), name.name);
            return Err(SqlError::new(errno::SP_DOES_NOT_EXIST, message));
        };
        let (heads, shown) = match kind {
            RoutineKind::Procedure => (["Procedure", "!Create Procedure"], routine.show()),
            RoutineKind::Function => (["Function", "!Create Function"], routine.show()),
        };
        let row = [
            &routine.name,
            &routine.sql_mode,
            &shown,
            &routine.charset.0,
            &routine.charset.1,
            &routine.database_collation,
        ];
        let columns = [
            heads[0],
            "sql_mode",
            heads[1],
            "character_set_client",
            "collation_connection",
            "Database Collation",
        ];
        let row = row.map(|text| Datum::from(text.as_str())).to_vec();
        Ok(Shown::new(&columns, vec![row]))
    }

    fn create_database(&self, name: &str, if_not_exists: bool) -> SqlResult<Shown> {
        let database = self.schema().require_database(name)?;
        let mut text = show_create_database(database);
        if if_not_exists {
            let conditional = "CREATE DATABASE /*!32312 IF NOT EXISTS*/ ";
            text = text.replacen("CREATE DATABASE ", conditional, 1);
        }
        let row = vec![Datum::from(database.name.as_str()), Datum::from(text)];
        Ok(Shown::new(&["Database", "!Create Database"], vec![row]))
    }

    /// SHOW WARNINGS, SHOW ERRORS and their COUNT(*).
    fn diagnostics(&self, errors: bool, count: bool, limit: Option<(u64, u64)>) -> Shown {
        let all = self.sources.diagnostics().iter();
        let wanted = all.filter(|warning| !errors || warning.level == WarningLevel::Error);
        if count {
            let name = if errors { "#@@session.error_count" } else { "#@@session.warning_count" };
            return Shown::new(&[name], vec![vec![Datum::Int(wanted.count() as i64)]]);
        }
        let (offset, most) = limit.unwrap_or((0, u64::MAX));
        let rows = wanted.skip(offset as usize).take(usize::try_from(most).unwrap_or(usize::MAX));
        let rows = rows.map(|warning| {
            vec![
                Datum::from(warning.level.name()),
                Datum::Int(warning.code.into()),
                Datum::from(warning.message.as_str()),
            ]
        });
        Shown::new(&["Level", "#Code", "!Message"], rows.collect())
    }
}
