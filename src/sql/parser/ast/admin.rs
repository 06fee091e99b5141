//! Statements about the session, the server and the schema's looks.

use super::{Expr, ObjectName, RoutineKind, Statement, UserName};

/// Which value of a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VariableScope {
    /// The server's.
    Global,
    /// This session's.
    Session,
}

/// An item of SET.
#[derive(Clone, Debug, PartialEq)]
pub enum VariableAssignment {
    /// SET [GLOBAL | SESSION] name = value; `None` is DEFAULT. A bare word on the right is a string.
    System {
        /// Whose.
        scope: Option<VariableScope>,
        /// Lower case.
        name: String,
        /// The value.
        value: Option<Expr>,
    },
    /// SET @name = value.
    User {
        /// Lower case.
        name: String,
        /// The value.
        value: Expr,
    },
    /// SET name = value, of a program's variable; `None` is DEFAULT. It is the program's statement, and nobody else meets it.
    Local {
        /// Its slot.
        slot: usize,
        /// The value.
        value: Option<Expr>,
    },
    /// SET NAMES charset [COLLATE collation]; `None` is DEFAULT.
    Names {
        /// The character set.
        charset: Option<String>,
        /// The collation.
        collation: Option<String>,
    },
    /// SET CHARACTER SET charset; `None` is DEFAULT.
    CharacterSet(Option<String>),
    /// SET [GLOBAL | SESSION] TRANSACTION; without a scope: the next transaction only.
    Transaction {
        /// Whose.
        scope: Option<VariableScope>,
        /// ISOLATION LEVEL.
        isolation: Option<IsolationLevel>,
        /// READ ONLY or READ WRITE.
        access: Option<AccessMode>,
    },
}

/// An isolation level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IsolationLevel {
    /// READ UNCOMMITTED.
    ReadUncommitted,
    /// READ COMMITTED.
    ReadCommitted,
    /// REPEATABLE READ.
    RepeatableRead,
    /// SERIALIZABLE.
    Serializable,
}

impl IsolationLevel {
    /// As the variable `transaction_isolation` shows it.
    pub fn name(self) -> &'static str {
        match self {
            IsolationLevel::ReadUncommitted => "READ-UNCOMMITTED",
            IsolationLevel::ReadCommitted => "READ-COMMITTED",
            IsolationLevel::RepeatableRead => "REPEATABLE-READ",
            IsolationLevel::Serializable => "SERIALIZABLE",
        }
    }
}

/// Whether a transaction may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessMode {
    /// READ ONLY.
    ReadOnly,
    /// READ WRITE.
    ReadWrite,
}

/// What FLUSH flushes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flush {
    /// PRIVILEGES.
    Privileges,
    /// STATUS.
    Status,
    /// TABLES.
    Tables {
        /// Which; none: all.
        tables: Vec<ObjectName>,
        /// WITH READ LOCK.
        lock: bool,
    },
}

/// How a transaction locks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BeginMode {
    /// Statements lock what they write.
    Pessimistic,
    /// Conflicts show at commit.
    Optimistic,
}

/// A SHOW statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Show {
    /// What.
    pub kind: ShowKind,
    /// Which rows of it.
    pub filter: Option<ShowFilter>,
}

/// Which rows of a SHOW are shown.
#[derive(Clone, Debug, PartialEq)]
pub enum ShowFilter {
    /// Those whose first column is LIKE the pattern.
    Like(String),
    /// Those the expression (over the shown columns) is true for.
    Where(Expr),
}

/// What SHOW ENGINE tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineReport {
    /// STATUS.
    Status,
    /// MUTEX.
    Mutex,
    /// LOGS.
    Logs,
}

/// What SHOW shows.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are MySQL's own words")]
pub enum ShowKind {
    Databases,
    Tables {
        full: bool,
        database: Option<String>,
    },
    TableStatus {
        database: Option<String>,
    },
    Columns {
        full: bool,
        table: ObjectName,
    },
    Indexes {
        table: ObjectName,
    },
    CreateTable(ObjectName),
    CreateView(ObjectName),
    CreateDatabase {
        name: String,
        if_not_exists: bool,
    },
    Variables {
        global: bool,
    },
    Status {
        global: bool,
    },
    Warnings {
        count: bool,
        limit: Option<(u64, u64)>,
    },
    Errors {
        count: bool,
        limit: Option<(u64, u64)>,
    },
    ProcessList {
        full: bool,
    },
    Engines,
    Collations,
    CharacterSets,
    Grants {
        user: Option<UserName>,
        using: Vec<UserName>,
    },
    CreateUser {
        user: UserName,
    },
    Privileges,
    Plugins,
    StatsMeta,
    StatsHistograms,
    StatsHealthy,
    Triggers {
        database: Option<String>,
    },
    Events {
        database: Option<String>,
    },
    /// CREATE TRIGGER.
    CreateTrigger(ObjectName),
    /// CREATE PROCEDURE, or CREATE FUNCTION.
    CreateRoutine(RoutineKind, ObjectName),
    /// PROCEDURE STATUS, or FUNCTION STATUS.
    Routines {
        procedures: bool,
    },
    /// MASTER STATUS, BINARY LOG STATUS.
    BinaryLogStatus,
    /// REPLICA STATUS; `old`: SLAVE STATUS, with the names that has.
    ReplicaStatus {
        old: bool,
    },
    /// REPLICAS; `old`: SLAVE HOSTS.
    Replicas {
        old: bool,
    },
    /// BINARY LOGS, MASTER LOGS.
    BinaryLogs,
    BinlogEvents,
    OpenTables {
        database: Option<String>,
    },
    /// ENGINE …; `None`: ALL.
    Engine {
        engine: Option<String>,
        report: EngineReport,
    },
}

/// How EXPLAIN answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExplainFormat {
    /// A row per operator.
    #[default]
    Row,
    /// The short form: the operators and what they work on.
    Brief,
    /// One text, a line per operator.
    Tree,
}

/// EXPLAIN.
#[derive(Clone, Debug, PartialEq)]
pub struct Explain {
    /// The form of the answer.
    pub format: ExplainFormat,
    /// EXPLAIN ANALYZE: run it too.
    pub analyze: bool,
    /// Of what.
    pub statement: Statement,
}

/// SPLIT TABLE.
#[derive(Clone, Debug, PartialEq)]
pub struct SplitTable {
    /// Which table.
    pub table: ObjectName,
    /// Which index; `None`: the rows.
    pub index: Option<String>,
    /// Where.
    pub boundary: SplitBoundary,
}

/// Where SPLIT TABLE splits.
#[derive(Clone, Debug, PartialEq)]
pub enum SplitBoundary {
    /// BETWEEN (low) AND (high) REGIONS n: evenly.
    Between {
        /// Lowest value of each column.
        low: Vec<Expr>,
        /// Highest value of each column.
        high: Vec<Expr>,
        /// Into how many regions.
        regions: u64,
    },
    /// BY (a), (b), …: at these values.
    By(Vec<Vec<Expr>>),
}

/// What a statement does to tables besides their rows and definitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Maintenance {
    /// CHECK TABLE.
    Check,
    /// OPTIMIZE TABLE.
    Optimize,
    /// REPAIR TABLE.
    Repair,
}

impl Maintenance {
    /// As its answers name it.
    pub fn name(self) -> &'static str {
        match self {
            Maintenance::Check => "check",
            Maintenance::Optimize => "optimize",
            Maintenance::Repair => "repair",
        }
    }
}
