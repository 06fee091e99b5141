//! Changes of the schema, checked against the schema as it was when they were asked for.

use serde::{Deserialize, Serialize};

use super::{DatabaseInfo, IndexInfo, TableInfo};

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
    /// CREATE TABLE. Error 1050 if it exists and not `if_not_exists`.
    CreateTable {
        /// In which database.
        database: String,
        /// What.
        table: Box<TableInfo>,
        /// IF NOT EXISTS.
        if_not_exists: bool,
    },
    /// DROP TABLE. Error 1051 for those that do not exist, if not `if_exists`; the others are dropped.
    DropTables {
        /// Database and table of each.
        tables: Vec<(String, String)>,
        /// IF EXISTS.
        if_exists: bool,
    },
    /// TRUNCATE: the table with another id, and nothing in it.
    TruncateTable {
        /// Database.
        database: String,
        /// Table.
        table: String,
    },
    /// CREATE INDEX. Error 1061 if there is one of that name and not `if_not_exists`.
    CreateIndex {
        /// Database.
        database: String,
        /// Table.
        table: String,
        /// What; its id is zero.
        index: IndexInfo,
        /// IF NOT EXISTS.
        if_not_exists: bool,
    },
    /// DROP INDEX. Error 1091 if there is none of that name.
    DropIndex {
        /// Database.
        database: String,
        /// Table.
        table: String,
        /// Its name.
        name: String,
    },
}
