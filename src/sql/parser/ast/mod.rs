//! The syntax tree: what a statement says, before any name in it has been looked up.
//!
//! The tree holds nothing that the rest of the database does not handle or refuse by name: a clause the
//! parser does not know is a syntax error, one it knows and nobody implements is error 1235.

mod account;
mod admin;
mod children;
mod ddl;
mod expr;
mod fulltext;
mod json;
mod load;
mod partition;
mod program;
mod query;
mod trigger;
mod view;
mod window;

pub use crate::sql::types::IntervalUnit;
pub use account::{
    Grant, Granted, GrantedOn, NamedPrivilege, Revoke, RoleChoice, UserName, UserSpec,
};
pub use admin::{
    AccessMode, BeginMode, EngineReport, Explain, ExplainFormat, Flush, IsolationLevel,
    Maintenance, Show, ShowFilter, ShowKind, SplitBoundary, SplitTable, VariableAssignment,
    VariableScope,
};
pub use ddl::{
    AlterAction, CheckDefinition, ColumnDefinition, ColumnOption, ColumnPlace, CreateDatabase,
    CreateIndex, CreateSelect, CreateTable, DataType, DatabaseOptions, ForeignKeyDefinition,
    IndexDefinition, IndexExpr, IndexNotes, IndexPart, ReferentialAction, Renamed, TableOption,
};
pub use expr::{BinaryOp, CastType, Expr, Introducer, Literal, TrimSide, TruthValue, UnaryOp};
pub use fulltext::MatchAgainst;
pub use json::{JsonColumn, JsonTable, JsonValue, OnResponse};
pub use load::{FileFormat, IntoFile, LoadData, LoadTarget};
pub use partition::{
    PartitionAction, PartitionBy, PartitionDefinition, PartitionMethod, PartitionNames,
    PartitionValues,
};
pub use program::{
    AlterRoutine, Block, Call, Characteristics, Condition, CreateRoutine, DataAccess,
    DiagnosticsItem, DropRoutine, GetDiagnostics, Handler, InnerStatement, IntoTarget,
    ParameterMode, ProgramBody, ProgramStatement, ProgramVariable, RoutineKind, RowValue, Signal,
    SignalItem,
};
pub use query::{
    Assignment, CommonTable, Delete, IndexHint, IndexHintKind, IndexPurpose, Insert, InsertRows,
    JoinConstraint, JoinOp, JoinOrder, JoinOrderKind, Limit, LockWait, Locking, OrderItem, Query,
    QueryBody, Select, SelectItem, SetOperator, TableRef, Update,
};
pub use trigger::{CreateTrigger, TriggerEvent};
pub use view::{CheckOption, CreateView, ViewAlgorithm};
pub use window::{Frame, FrameBound, FrameOffset, NamedWindow, Over, Window, WindowCall};

/// A name that may say its database: a table's, an index's table.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ObjectName {
    /// The database, if written.
    pub database: Option<String>,
    /// The name.
    pub name: String,
}

/// A statement.
#[derive(Clone, Debug, PartialEq)]
pub enum Statement {
    /// SELECT, VALUES, TABLE, UNION, parenthesised or with WITH.
    Query(Box<Query>),
    /// INSERT and REPLACE.
    Insert(Box<Insert>),
    /// UPDATE.
    Update(Box<Update>),
    /// DELETE.
    Delete(Box<Delete>),
    /// SELECT … INTO OUTFILE or DUMPFILE.
    SelectIntoFile {
        /// What is selected.
        query: Box<Query>,
        /// Where it goes.
        into: IntoFile,
    },
    /// SELECT … INTO @a, b.
    SelectIntoVariables {
        /// What is selected.
        query: Box<Query>,
        /// The variables.
        targets: Vec<IntoTarget>,
    },
    /// LOAD DATA.
    LoadData(Box<LoadData>),
    /// CREATE DATABASE.
    CreateDatabase(CreateDatabase),
    /// DROP DATABASE.
    DropDatabase {
        /// Which.
        name: String,
        /// IF EXISTS.
        if_exists: bool,
    },
    /// CREATE TABLE.
    CreateTable(Box<CreateTable>),
    /// DROP TABLE.
    DropTables {
        /// Which.
        tables: Vec<ObjectName>,
        /// IF EXISTS.
        if_exists: bool,
        /// TEMPORARY: no others.
        temporary: bool,
    },
    /// CREATE VIEW and ALTER VIEW.
    CreateView(Box<CreateView>),
    /// DROP VIEW.
    DropViews {
        /// Which.
        views: Vec<ObjectName>,
        /// IF EXISTS.
        if_exists: bool,
    },
    /// TRUNCATE [TABLE].
    Truncate(ObjectName),
    /// CREATE INDEX.
    CreateIndex(CreateIndex),
    /// DROP INDEX.
    DropIndex {
        /// Of which table.
        table: ObjectName,
        /// Its name.
        name: String,
    },
    /// ALTER TABLE.
    AlterTable {
        /// Which table.
        table: ObjectName,
        /// In order.
        actions: Vec<AlterAction>,
        /// ALGORITHM = INSTANT: no index may be made or dropped.
        instant: bool,
        /// LOCK = NONE: others write meanwhile.
        open: bool,
    },
    /// RENAME TABLE: each with its new name, one after the other.
    RenameTables(Vec<(ObjectName, ObjectName)>),
    /// ALTER DATABASE.
    AlterDatabase {
        /// Which; `None`: the current one.
        name: Option<String>,
        /// What is to change.
        options: DatabaseOptions,
    },
    /// USE.
    Use(String),
    /// SET …, in order.
    SetVariables(Vec<VariableAssignment>),
    /// BEGIN, START TRANSACTION.
    Begin {
        /// PESSIMISTIC or OPTIMISTIC, if written.
        mode: Option<BeginMode>,
        /// READ ONLY or READ WRITE, if written.
        access: Option<AccessMode>,
        /// WITH CONSISTENT SNAPSHOT.
        consistent_snapshot: bool,
    },
    /// COMMIT.
    Commit {
        /// AND CHAIN: another transaction begins at once.
        chain: bool,
        /// RELEASE: the connection ends.
        release: bool,
    },
    /// ROLLBACK.
    Rollback {
        /// AND CHAIN: another transaction begins at once.
        chain: bool,
        /// RELEASE: the connection ends.
        release: bool,
    },
    /// SAVEPOINT name.
    Savepoint(String),
    /// ROLLBACK TO name.
    RollbackTo(String),
    /// RELEASE SAVEPOINT name.
    ReleaseSavepoint(String),
    /// SHOW ….
    Show(Box<Show>),
    /// DESCRIBE table [column or pattern].
    Describe {
        /// Which table.
        table: ObjectName,
        /// A column's name or a LIKE pattern.
        column: Option<String>,
    },
    /// EXPLAIN statement.
    Explain(Box<Explain>),
    /// KILL.
    Kill {
        /// The connection.
        id: Expr,
        /// KILL QUERY: only what it runs.
        query_only: bool,
    },
    /// PREPARE name FROM ….
    Prepare {
        /// The statement's name.
        name: String,
        /// A string literal or a user variable.
        source: Expr,
    },
    /// EXECUTE name [USING @a, @b].
    Execute {
        /// The statement's name.
        name: String,
        /// User variables' names.
        using: Vec<String>,
    },
    /// DEALLOCATE (or DROP) PREPARE name.
    Deallocate(String),
    /// SPLIT TABLE.
    SplitTable(Box<SplitTable>),
    /// ANALYZE TABLE.
    Analyze(Vec<ObjectName>),
    /// CHECK TABLE, OPTIMIZE TABLE and REPAIR TABLE.
    Maintain(Maintenance, Vec<ObjectName>),
    /// CHECKSUM TABLE.
    Checksum {
        /// Which.
        tables: Vec<ObjectName>,
        /// QUICK: only a checksum that is kept beside the table.
        quick: bool,
    },
    /// DO expr, ….
    Do(Vec<Expr>),
    /// CREATE PROCEDURE and CREATE FUNCTION.
    CreateRoutine(Box<CreateRoutine>),
    /// ALTER PROCEDURE and ALTER FUNCTION.
    AlterRoutine(Box<AlterRoutine>),
    /// DROP PROCEDURE and DROP FUNCTION.
    DropRoutine(DropRoutine),
    /// CREATE TRIGGER.
    CreateTrigger(Box<CreateTrigger>),
    /// DROP TRIGGER.
    DropTrigger {
        /// Which.
        name: ObjectName,
        /// IF EXISTS.
        if_exists: bool,
    },
    /// CALL.
    Call(Box<Call>),
    /// SIGNAL and RESIGNAL.
    Signal(Box<Signal>),
    /// GET DIAGNOSTICS.
    GetDiagnostics(Box<GetDiagnostics>),
    /// LOCK TABLES: which, and whether for writing.
    LockTables(Vec<(ObjectName, bool)>),
    /// UNLOCK TABLES.
    UnlockTables,
    /// FLUSH.
    Flush(Vec<Flush>),
    /// CREATE USER.
    CreateUser {
        /// Which.
        users: Vec<UserSpec>,
        /// IF NOT EXISTS.
        if_not_exists: bool,
    },
    /// ALTER USER.
    AlterUser {
        /// Which.
        users: Vec<UserSpec>,
        /// IF EXISTS.
        if_exists: bool,
    },
    /// DROP USER.
    DropUser {
        /// Which.
        users: Vec<UserName>,
        /// IF EXISTS.
        if_exists: bool,
    },
    /// RENAME USER: each with its new name, one after the other.
    RenameUsers(Vec<(UserName, UserName)>),
    /// GRANT.
    Grant(Box<Grant>),
    /// REVOKE.
    Revoke(Box<Revoke>),
    /// CREATE ROLE.
    CreateRoles {
        /// Which.
        roles: Vec<UserName>,
        /// IF NOT EXISTS.
        if_not_exists: bool,
    },
    /// DROP ROLE.
    DropRoles {
        /// Which.
        roles: Vec<UserName>,
        /// IF EXISTS.
        if_exists: bool,
    },
    /// SET ROLE.
    SetRole(RoleChoice),
    /// SET DEFAULT ROLE, and ALTER USER … DEFAULT ROLE.
    SetDefaultRole {
        /// Which.
        roles: RoleChoice,
        /// Whose.
        users: Vec<UserName>,
    },
    /// SET PASSWORD.
    SetPassword {
        /// Whose; `None`: one's own.
        user: Option<UserName>,
        /// The password.
        password: String,
    },
}

/// Optimizer hints that have an effect.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hints {
    /// MAX_EXECUTION_TIME(milliseconds).
    pub max_execution_time: Option<u64>,
    /// SET_VAR(variable = value), the names in lower case.
    pub variables: Vec<(String, Literal)>,
}
