//! Changes of the schema, checked against the schema as it was when they were asked for.

use serde::{Deserialize, Serialize};

use super::{DatabaseInfo, InfoSchema, TableChange, TableInfo};
use crate::common::{SqlResult, errno};
use crate::sql::parser::ast::RoutineKind;
use crate::sql::types::{Environment, SqlMode, TimeZone, ValueContext};

/// What of a session decides how values are converted: that of the one that asked for a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversionRules {
    /// `sql_mode`.
    pub sql_mode: String,
    /// `time_zone`.
    pub time_zone: String,
}

impl Default for ConversionRules {
    fn default() -> ConversionRules {
        ConversionRules {
            sql_mode: SqlMode::default().to_string(),
            time_zone: TimeZone::UTC.to_string(),
        }
    }
}

impl ConversionRules {
    /// What conversions are made in.
    pub(in crate::sql) fn context(&self) -> SqlResult<ValueContext> {
        Ok(ValueContext::new(Environment {
            sql_mode: SqlMode::parse(&self.sql_mode)?,
            time_zone: TimeZone::parse(&self.time_zone)?,
            writes: true,
            ..Environment::default()
        }))
    }
}

/// A change of the schema. Ids in it are zero (columns and indexes are numbered already): the worker that runs it gives them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DdlStatement {
    /// CREATE DATABASE. Error 1007 if it exists and not `if_not_exists`.
    CreateDatabase {
        /// What.
        info: DatabaseInfo,
        /// IF NOT EXISTS.
        if_not_exists: bool,
    },
    /// DROP DATABASE. Error 1008 if it does not exist and not `if_exists`.
    DropDatabase {
        /// Which.
        name: String,
        /// IF EXISTS.
        if_exists: bool,
    },
    /// ALTER DATABASE.
    AlterDatabase {
        /// Which.
        name: String,
        /// Default character set of tables to come.
        charset: String,
        /// Default collation of tables to come.
        collation: String,
    },
    /// RENAME TABLE: one after the other, and all or none.
    RenameTables {
        /// Database and name of each, as it is and as it is to be.
        renames: Vec<((String, String), (String, String))>,
    },
    /// CREATE TABLE. Error 1050 if it exists and not `if_not_exists`.
    CreateTable {
        /// In which database.
        database: String,
        /// What.
        table: Box<TableInfo>,
        /// IF NOT EXISTS.
        if_not_exists: bool,
    },
    /// CREATE VIEW and ALTER VIEW. Error 1050 if there is something of that name and not `or_replace`, 1347 if that is no view, 1146 if
    /// there is nothing that could be altered.
    CreateView {
        /// In which database.
        database: String,
        /// What.
        view: Box<TableInfo>,
        /// OR REPLACE.
        or_replace: bool,
        /// ALTER.
        alters: bool,
    },
    /// CREATE and ALTER PROCEDURE and FUNCTION. Error 1304 if there is one of that name, 1305 if there is none that could be altered.
    PutRoutine {
        /// In which database.
        database: String,
        /// What.
        routine: Box<TableInfo>,
        /// ALTER.
        alters: bool,
    },
    /// DROP PROCEDURE and DROP FUNCTION. Error 1305 if there is none.
    DropRoutine {
        /// In which database.
        database: String,
        /// Which kind.
        kind: RoutineKind,
        /// Its name.
        name: String,
    },
    /// DROP TABLE, or DROP VIEW. Error 1051 for those that do not exist, if not `if_exists`; the others are dropped.
    DropTables {
        /// Database and table of each.
        tables: Vec<(String, String)>,
        /// IF EXISTS.
        if_exists: bool,
        /// They are views; otherwise none of them is.
        #[serde(default)]
        views: bool,
    },
    /// TRUNCATE: the table with another id, and nothing in it.
    TruncateTable {
        /// Database.
        database: String,
        /// Table.
        table: String,
    },
    /// ALTER TABLE, CREATE INDEX, DROP INDEX: changes of a table that become public together.
    AlterTable {
        /// Database.
        database: String,
        /// Table.
        table: String,
        /// What is to change.
        changes: Vec<TableChange>,
        /// How values are converted by that.
        #[serde(default)]
        rules: ConversionRules,
    },
    /// LOCK TABLES. Error 1205 where another connection's lock is in the way.
    LockTables {
        /// Database and table of each, and whether nobody else may read it.
        tables: Vec<(String, String, bool)>,
        /// The connection.
        owner: u32,
    },
    /// UNLOCK TABLES.
    UnlockTables {
        /// Database and table of each.
        tables: Vec<(String, String)>,
        /// The connection.
        owner: u32,
    },
}

/// MySQL's number and text of an error, or of a note in its place.
pub(crate) type Complaint = (u16, String);

/// There is a database of that name already.
pub(crate) fn database_exists(name: &str) -> Complaint {
    (errno::DB_CREATE_EXISTS, format!("Can't create database '{name}'; database exists"))
}

/// There is no database of that name to drop.
pub(crate) fn no_database(name: &str) -> Complaint {
    (errno::DB_DROP_EXISTS, format!("Can't drop database '{name}'; database doesn't exist"))
}

/// There is a table of that name already.
pub(crate) fn table_exists(name: &str) -> Complaint {
    (errno::TABLE_EXISTS, format!("Table '{name}' already exists"))
}

/// It is a table, and no view; or the other way round.
pub(crate) fn wrong_object(database: &str, name: &str, wanted: &str) -> Complaint {
    (errno::WRONG_OBJECT, format!("'{database}.{name}' is not {wanted}"))
}

/// There is no table of that name, which is written with its database's, to drop.
pub(crate) fn no_table(name: &str) -> Complaint {
    (errno::BAD_TABLE, format!("Unknown table '{name}'"))
}

impl DdlStatement {
    /// If everything is as the statement wants it, and it says that this is no error: what it notes. Then nothing is to be
    /// done, and nobody to be asked.
    pub fn notes_if_settled(&self, schema: &InfoSchema) -> Option<Vec<(u16, String)>> {
        match self {
            DdlStatement::CreateDatabase { info, if_not_exists: true } => {
                schema.database(&info.name).map(|_| vec![database_exists(&info.name)])
            }
            DdlStatement::CreateTable { database, table, if_not_exists: true } => {
                schema.table(database, &table.name).map(|_| vec![table_exists(&table.name)])
            }
            DdlStatement::DropDatabase { name, if_exists: true } => {
                schema.database(name).is_none().then(|| vec![no_database(name)])
            }
            DdlStatement::DropTables { tables, if_exists: true, views } => {
                let mut missing = tables.iter();
                let all = missing.all(|(database, table)| {
                    schema.table(database, table).is_none_or(|it| it.view.is_some() != *views)
                });
                let note =
                    |(database, table): &(String, String)| no_table(&format!("{database}.{table}"));
                all.then(|| tables.iter().map(note).collect())
            }
            _ => None,
        }
    }
}
