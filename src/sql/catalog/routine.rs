//! Stored procedures and functions, as they are kept.
//!
//! A routine is an entry of the schema like a table's, under a name that no table can have: so it comes, changes and goes by the same
//! steps, is loaded with its database and dropped with it. In a snapshot it stands apart from the tables.

use serde::{Deserialize, Serialize};

use super::{DatabaseInfo, TableInfo};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::digest::quote_name;
use crate::sql::parser::ast::{CreateRoutine, DataAccess, RoutineKind, Statement};
use crate::sql::parser::parse;
use crate::sql::types::SqlMode;

/// What makes an entry of the schema a routine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoutineInfo {
    /// Which kind.
    pub kind: RoutineKind,
    /// As written; compared without case.
    pub name: String,
    /// Whose it is: user and host.
    pub definer: (String, String),
    /// SQL SECURITY INVOKER.
    pub invoker: bool,
    /// DETERMINISTIC.
    pub deterministic: bool,
    /// What it says it does with data.
    pub access: DataAccess,
    /// COMMENT.
    pub comment: String,
    /// The `sql_mode` that it was made under, and runs under.
    pub sql_mode: String,
    /// `character_set_client` and `collation_connection` of who made it.
    pub charset: (String, String),
    /// The collation of its database, when it was made.
    pub database_collation: String,
    /// What stands between its parentheses.
    pub parameters: String,
    /// What stands behind RETURNS; empty for a procedure.
    pub returns: String,
    /// Its body.
    pub body: String,
    /// When it was last altered.
    pub altered_ms: u64,
}

/// The name in the schema of a routine; no table has it.
pub fn routine_key(kind: RoutineKind, name: &str) -> String {
    let letter = match kind {
        RoutineKind::Procedure => 'p',
        RoutineKind::Function => 'f',
    };
    format!("\0{letter}\0{name}")
}

/// Whether a name in the schema is a routine's.
pub(super) fn is_routine_key(name: &str) -> bool {
    name.starts_with('\0')
}

/// Error 1305.
pub fn no_routine(kind: RoutineKind, database: &str, name: &str) -> SqlError {
    let message = format!("{} {database}.{name} does not exist", kind.name());
    SqlError::new(errno::SP_DOES_NOT_EXIST, message)
}

/// Error 1304.
pub fn routine_exists(kind: RoutineKind, name: &str) -> SqlError {
    let message = format!("{} {name} already exists", kind.name());
    SqlError::new(errno::SP_ALREADY_EXISTS, message)
}

impl RoutineInfo {
    /// The entry of the schema that keeps it.
    pub fn into_entry(self, database: &DatabaseInfo) -> TableInfo {
        TableInfo {
            name: routine_key(self.kind, &self.name),
            routine: Some(Box::new(self)),
            ..TableInfo::empty(&database.collation)
        }
    }

    /// The statement that makes it, without who it belongs to.
    pub fn plain_text(&self) -> String {
        let returns = match self.returns.as_str() {
            "" => String::new(),
            returns => format!(" RETURNS {returns}"),
        };
        let name = quote_name(&self.name);
        format!("CREATE {} {name}({}){returns}\n{}", self.kind.name(), self.parameters, self.body)
    }

    /// Under which mode it runs.
    pub fn mode(&self) -> SqlResult<SqlMode> {
        SqlMode::parse(&self.sql_mode)
    }

    /// What it is: its text, read under its own `sql_mode`.
    pub fn parsed(&self) -> SqlResult<CreateRoutine> {
        let parsed = parse(&self.plain_text(), self.mode()?)?.pop();
        match parsed.map(|parsed| parsed.statement) {
            Some(Statement::CreateRoutine(create)) => Ok(*create),
            _ => Err(SqlError::internal("the text of a routine is no routine")),
        }
    }

    /// What SHOW CREATE shows.
    pub fn show(&self) -> String {
        let (user, host) = &self.definer;
        let mut text = format!(
            "CREATE DEFINER={}@{} {} {}({})",
            quote_name(user),
            quote_name(host),
            self.kind.name(),
            quote_name(&self.name),
            self.parameters
        );
        if !self.returns.is_empty() {
            text += &format!(" RETURNS {}", self.returns);
        }
        text.push('\n');
        match self.access {
            DataAccess::ContainsSql => {}
            access => text += &format!("    {}\n", access.name()),
        }
        if self.deterministic {
            text += "    DETERMINISTIC\n";
        }
        if self.invoker {
            text += "    SQL SECURITY INVOKER\n";
        }
        if !self.comment.is_empty() {
            text += &format!("    COMMENT '{}'\n", self.comment.replace('\'', "''"));
        }
        text + &self.body
    }
}
