//! What there is to know of each kind of statement, before anybody runs it: one table.
//!
//! [`Statement::kind`] sorts a statement, and [`StatementKind::traits`] is its line of the table. Whoever asks whether a kind of statement
//! commits, may be prepared, takes long or changes something asks here, and nowhere is there another list of kinds.
//!
//! Names of kinds are those that MySQL counts statements by (`Com_…` in SHOW STATUS, `statement/sql/…` in performance_schema). Statements
//! inside of stored programs are of the same kinds: what a function or a trigger may not hold is said by their traits.

use super::parser::Statement;
use super::parser::ast::{InsertRows, Maintenance, RoutineKind, ShowKind};

#[cfg(test)]
mod tests;

/// What a statement does to the transaction before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commits {
    /// Nothing.
    Never,
    /// It is committed first.
    First,
    /// That is what the statement is about, or it depends on its words.
    Itself,
}

/// What a statement works with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uses {
    /// The session or the server: no rows, and nothing of the schema that could be locked.
    Session,
    /// Rows, which it reads.
    Reads,
    /// Rows, which it changes: not in a READ ONLY transaction.
    Writes,
    /// The schema, or who may connect: not in a READ ONLY transaction.
    Schema,
    /// What another statement works with, which it runs.
    Another,
}

/// What a statement answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    /// Rows, or what the statement that it runs answers.
    Rows,
    /// That it is done.
    Done,
}

/// Whether it may be a prepared statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prepares {
    /// Its names are looked up when it is prepared, and its plan is kept.
    Plan,
    /// As a text that is kept.
    Text,
    /// No.
    Never,
}

/// Where it begins to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begins {
    /// On the connection's thread; it goes elsewhere when it turns out to be heavy.
    Here,
    /// Where it may take long: what the node knows may be much, and takes as long to write down.
    Apart,
}

/// What is known of a kind of statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traits {
    /// Its name behind `Com_` in SHOW STATUS.
    pub counted: &'static str,
    /// What it does to the transaction before it.
    pub commits: Commits,
    /// What it works with.
    pub uses: Uses,
    /// What it answers.
    pub answers: Answers,
    /// Whether it may be prepared.
    pub prepares: Prepares,
    /// Where it begins.
    pub begins: Begins,
    /// The right that MySQL asks for; `None`: everybody may. (Here every account has all rights.)
    pub right: Option<&'static str>,
}

macro_rules! right {
    (Anybody) => {
        None
    };
    ($right:literal) => {
        Some($right)
    };
}

macro_rules! statements {
    ($($kind:ident $counted:literal $commits:ident $uses:ident $answers:ident $prepares:ident $begins:ident $right:tt;)*) => {
        /// The kinds of statements, as MySQL counts them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs, reason = "the names are MySQL's own words")]
        pub enum StatementKind { $($kind),* }

        /// A line for each kind, in their order.
        const TRAITS: &[Traits] = &[$(Traits {
            counted: $counted,
            commits: Commits::$commits,
            uses: Uses::$uses,
            answers: Answers::$answers,
            prepares: Prepares::$prepares,
            begins: Begins::$begins,
            right: right!($right),
        }),*];

        impl StatementKind {
            /// All of them.
            pub const ALL: &[StatementKind] = &[$(StatementKind::$kind),*];
        }
    };
}

statements! {
    // kind              Com_…                    commits uses    answers prepares begins right
    AlterDb              "alter_db"               First   Schema  Done Text  Here  "ALTER";
    AlterFunction        "alter_function"         First   Schema  Done Never Here  "ALTER ROUTINE";
    AlterProcedure       "alter_procedure"        First   Schema  Done Never Here  "ALTER ROUTINE";
    AlterTable           "alter_table"            First   Schema  Done Text  Here  "ALTER";
    AlterUser            "alter_user"             First   Schema  Done Text  Here  "CREATE USER";
    Analyze              "analyze"                First   Schema  Rows Text  Apart "INSERT";
    Begin                "begin"                  First   Session Done Text  Here  Anybody;
    CallProcedure        "call_procedure"         Never   Another Rows Text  Here  "EXECUTE";
    ChangeDb             "change_db"              Never   Session Done Text  Here  Anybody;
    Check                "check"                  First   Schema  Rows Text  Apart "SELECT";
    Checksum             "checksum"               Never   Session Rows Text  Apart "SELECT";
    Commit               "commit"                 Itself  Session Done Text  Here  Anybody;
    CreateDb             "create_db"              First   Schema  Done Text  Here  "CREATE";
    CreateFunction       "create_function"        First   Schema  Done Never Here  "CREATE ROUTINE";
    CreateIndex          "create_index"           First   Schema  Done Text  Here  "INDEX";
    CreateProcedure      "create_procedure"       First   Schema  Done Never Here  "CREATE ROUTINE";
    CreateTable          "create_table"           First   Schema  Done Text  Here  "CREATE";
    CreateTrigger        "create_trigger"         First   Schema  Done Never Here  "TRIGGER";
    CreateUser           "create_user"            First   Schema  Done Text  Here  "CREATE USER";
    CreateView           "create_view"            First   Schema  Done Text  Here  "CREATE VIEW";
    DeallocSql           "dealloc_sql"            Never   Session Done Never Here  Anybody;
    Delete               "delete"                 Never   Writes  Done Plan  Here  "DELETE";
    Do                   "do"                     Never   Session Done Text  Here  Anybody;
    DropDb               "drop_db"                First   Schema  Done Text  Here  "DROP";
    DropFunction         "drop_function"          First   Schema  Done Never Here  "ALTER ROUTINE";
    DropIndex            "drop_index"             First   Schema  Done Text  Here  "INDEX";
    DropProcedure        "drop_procedure"         First   Schema  Done Never Here  "ALTER ROUTINE";
    DropTable            "drop_table"             First   Schema  Done Text  Here  "DROP";
    DropTrigger          "drop_trigger"           First   Schema  Done Never Here  "TRIGGER";
    DropUser             "drop_user"              First   Schema  Done Text  Here  "CREATE USER";
    DropView             "drop_view"              First   Schema  Done Text  Here  "DROP";
    ExecuteSql           "execute_sql"            Itself  Another Rows Never Here  Anybody;
    Explain              "explain_other"          Never   Session Rows Text  Apart "SELECT";
    Flush                "flush"                  First   Session Done Text  Here  "RELOAD";
    GetDiagnostics       "get_diagnostics"        Never   Session Done Never Here  Anybody;
    Insert               "insert"                 Never   Writes  Done Plan  Here  "INSERT";
    InsertSelect         "insert_select"          Never   Writes  Done Plan  Here  "INSERT";
    Kill                 "kill"                   Never   Session Done Text  Here  "CONNECTION_ADMIN";
    Load                 "load"                   Never   Writes  Done Never Here  "FILE";
    LockTables           "lock_tables"            First   Session Done Text  Here  "LOCK TABLES";
    Optimize             "optimize"               First   Schema  Rows Text  Apart "INSERT";
    PrepareSql           "prepare_sql"            Never   Session Done Never Here  Anybody;
    ReleaseSavepoint     "release_savepoint"      Never   Session Done Text  Here  Anybody;
    RenameTable          "rename_table"           First   Schema  Done Text  Here  "ALTER";
    Repair               "repair"                 First   Schema  Rows Text  Apart "INSERT";
    Replace              "replace"                Never   Writes  Done Plan  Here  "INSERT";
    ReplaceSelect        "replace_select"         Never   Writes  Done Plan  Here  "INSERT";
    Resignal             "resignal"               Never   Session Done Never Here  Anybody;
    Rollback             "rollback"               Itself  Session Done Text  Here  Anybody;
    RollbackToSavepoint  "rollback_to_savepoint"  Never   Session Done Text  Here  Anybody;
    Savepoint            "savepoint"              Never   Session Done Text  Here  Anybody;
    Select               "select"                 Never   Reads   Rows Plan  Here  "SELECT";
    SetOption            "set_option"             Itself  Session Done Text  Here  Anybody;
    SetPassword          "set_password"           First   Schema  Done Text  Here  Anybody;
    ShowCharsets         "show_charsets"          Never   Session Rows Text  Apart Anybody;
    ShowCollations       "show_collations"        Never   Session Rows Text  Apart Anybody;
    ShowCreateDb         "show_create_db"         Never   Session Rows Text  Apart Anybody;
    ShowCreateFunc       "show_create_func"       Never   Session Rows Text  Apart Anybody;
    ShowCreateProc       "show_create_proc"       Never   Session Rows Text  Apart Anybody;
    ShowCreateTable      "show_create_table"      Never   Session Rows Text  Apart "SELECT";
    ShowCreateTrigger    "show_create_trigger"    Never   Session Rows Text  Apart "TRIGGER";
    ShowCreateUser       "show_create_user"       Never   Session Rows Text  Apart "SELECT";
    ShowDatabases        "show_databases"         Never   Session Rows Text  Apart Anybody;
    ShowErrors           "show_errors"            Never   Session Rows Text  Apart Anybody;
    ShowEvents           "show_events"            Never   Session Rows Text  Apart "EVENT";
    ShowFields           "show_fields"            Never   Session Rows Text  Apart "SELECT";
    ShowFunctionStatus   "show_function_status"   Never   Session Rows Text  Apart Anybody;
    ShowGrants           "show_grants"            Never   Session Rows Text  Apart Anybody;
    ShowKeys             "show_keys"              Never   Session Rows Text  Apart "SELECT";
    ShowMasterStatus     "show_master_status"     Never   Session Rows Text  Apart "REPLICATION CLIENT";
    ShowPlugins          "show_plugins"           Never   Session Rows Text  Apart Anybody;
    ShowPrivileges       "show_privileges"        Never   Session Rows Text  Apart Anybody;
    ShowProcedureStatus  "show_procedure_status"  Never   Session Rows Text  Apart Anybody;
    ShowProcesslist      "show_processlist"       Never   Session Rows Text  Apart "PROCESS";
    ShowReplicaStatus    "show_replica_status"    Never   Session Rows Text  Apart "REPLICATION CLIENT";
    ShowReplicas         "show_replicas"          Never   Session Rows Text  Apart "REPLICATION SLAVE";
    ShowStatsHealthy     "show_stats_healthy"     Never   Session Rows Text  Apart Anybody;
    ShowStatsHistograms  "show_stats_histograms"  Never   Session Rows Text  Apart Anybody;
    ShowStatsMeta        "show_stats_meta"        Never   Session Rows Text  Apart Anybody;
    ShowStatus           "show_status"            Never   Session Rows Text  Apart Anybody;
    ShowStorageEngines   "show_storage_engines"   Never   Session Rows Text  Apart Anybody;
    ShowTableStatus      "show_table_status"      Never   Session Rows Text  Apart "SELECT";
    ShowTables           "show_tables"            Never   Session Rows Text  Apart Anybody;
    ShowTriggers         "show_triggers"          Never   Session Rows Text  Apart "TRIGGER";
    ShowVariables        "show_variables"         Never   Session Rows Text  Apart Anybody;
    ShowWarnings         "show_warnings"          Never   Session Rows Text  Apart Anybody;
    Signal               "signal"                 Never   Session Done Never Here  Anybody;
    SplitTable           "split_table"            Never   Session Rows Text  Here  "SUPER";
    Truncate             "truncate"               First   Schema  Done Text  Here  "DROP";
    UnlockTables         "unlock_tables"          Itself  Session Done Text  Here  Anybody;
    Update               "update"                 Never   Writes  Done Plan  Here  "UPDATE";
}

impl StatementKind {
    /// What is known of it.
    pub fn traits(self) -> &'static Traits {
        &TRAITS[self as usize]
    }
}

impl Traits {
    /// Whether it changes something: it may not run in a READ ONLY transaction.
    pub fn changes(&self) -> bool {
        matches!(self.uses, Uses::Writes | Uses::Schema)
    }
}

impl Statement {
    /// What kind of statement it is.
    pub fn kind(&self) -> StatementKind {
        use StatementKind as K;
        match self {
            Statement::Query(_)
            | Statement::SelectIntoFile { .. }
            | Statement::SelectIntoVariables { .. } => K::Select,
            Statement::Insert(insert) => match (&insert.rows, insert.replace) {
                (InsertRows::Query(_), false) => K::InsertSelect,
                (InsertRows::Query(_), true) => K::ReplaceSelect,
                (_, false) => K::Insert,
                (_, true) => K::Replace,
            },
            Statement::Update(_) => K::Update,
            Statement::Delete(_) => K::Delete,
            Statement::LoadData(_) => K::Load,
            Statement::CreateDatabase(_) => K::CreateDb,
            Statement::DropDatabase { .. } => K::DropDb,
            Statement::CreateTable(_) => K::CreateTable,
            Statement::DropTables { .. } => K::DropTable,
            Statement::CreateView(_) => K::CreateView,
            Statement::DropViews { .. } => K::DropView,
            Statement::Truncate(_) => K::Truncate,
            Statement::CreateIndex(_) => K::CreateIndex,
            Statement::DropIndex { .. } => K::DropIndex,
            Statement::AlterTable { .. } => K::AlterTable,
            Statement::RenameTables(_) => K::RenameTable,
            Statement::AlterDatabase { .. } => K::AlterDb,
            Statement::Use(_) => K::ChangeDb,
            Statement::SetVariables(_) => K::SetOption,
            Statement::Begin { .. } => K::Begin,
            Statement::Commit { .. } => K::Commit,
            Statement::Rollback { .. } => K::Rollback,
            Statement::Savepoint(_) => K::Savepoint,
            Statement::RollbackTo(_) => K::RollbackToSavepoint,
            Statement::ReleaseSavepoint(_) => K::ReleaseSavepoint,
            Statement::Show(show) => show.kind.kind(),
            Statement::Describe { .. } => K::ShowFields,
            Statement::Explain(_) => K::Explain,
            Statement::Kill { .. } => K::Kill,
            Statement::Prepare { .. } => K::PrepareSql,
            Statement::Execute { .. } => K::ExecuteSql,
            Statement::Deallocate(_) => K::DeallocSql,
            Statement::SplitTable(_) => K::SplitTable,
            Statement::Analyze(_) => K::Analyze,
            Statement::Checksum { .. } => K::Checksum,
            Statement::Maintain(maintenance, _) => of_maintenance(*maintenance),
            Statement::Do(_) => K::Do,
            Statement::CreateRoutine(routine) => {
                of_routine(routine.kind, K::CreateProcedure, K::CreateFunction)
            }
            Statement::AlterRoutine(routine) => {
                of_routine(routine.kind, K::AlterProcedure, K::AlterFunction)
            }
            Statement::DropRoutine(routine) => {
                of_routine(routine.kind, K::DropProcedure, K::DropFunction)
            }
            Statement::CreateTrigger(_) => K::CreateTrigger,
            Statement::DropTrigger { .. } => K::DropTrigger,
            Statement::Call(_) => K::CallProcedure,
            Statement::Signal(signal) if signal.again => K::Resignal,
            Statement::Signal(_) => K::Signal,
            Statement::GetDiagnostics(_) => K::GetDiagnostics,
            Statement::LockTables(_) => K::LockTables,
            Statement::UnlockTables => K::UnlockTables,
            Statement::Flush(_) => K::Flush,
            Statement::CreateUser { .. } => K::CreateUser,
            Statement::AlterUser { .. } => K::AlterUser,
            Statement::DropUser { .. } => K::DropUser,
            Statement::SetPassword { .. } => K::SetPassword,
        }
    }
}

/// CHECK, OPTIMIZE or REPAIR TABLE.
fn of_maintenance(maintenance: Maintenance) -> StatementKind {
    match maintenance {
        Maintenance::Check => StatementKind::Check,
        Maintenance::Optimize => StatementKind::Optimize,
        Maintenance::Repair => StatementKind::Repair,
    }
}

/// The one for procedures, or the one for functions.
fn of_routine(
    kind: RoutineKind,
    procedure: StatementKind,
    function: StatementKind,
) -> StatementKind {
    match kind {
        RoutineKind::Procedure => procedure,
        RoutineKind::Function => function,
    }
}

impl ShowKind {
    /// What kind of statement a SHOW is.
    fn kind(&self) -> StatementKind {
        use StatementKind as K;
        match self {
            ShowKind::Databases => K::ShowDatabases,
            ShowKind::Tables { .. } => K::ShowTables,
            ShowKind::TableStatus { .. } => K::ShowTableStatus,
            ShowKind::Columns { .. } => K::ShowFields,
            ShowKind::Indexes { .. } => K::ShowKeys,
            ShowKind::CreateTable(_) | ShowKind::CreateView(_) => K::ShowCreateTable,
            ShowKind::CreateTrigger(_) => K::ShowCreateTrigger,
            ShowKind::CreateRoutine(RoutineKind::Procedure, _) => K::ShowCreateProc,
            ShowKind::CreateRoutine(RoutineKind::Function, _) => K::ShowCreateFunc,
            ShowKind::CreateDatabase { .. } => K::ShowCreateDb,
            ShowKind::Variables { .. } => K::ShowVariables,
            ShowKind::Status { .. } => K::ShowStatus,
            ShowKind::Warnings { .. } => K::ShowWarnings,
            ShowKind::Errors { .. } => K::ShowErrors,
            ShowKind::ProcessList { .. } => K::ShowProcesslist,
            ShowKind::Engines => K::ShowStorageEngines,
            ShowKind::Collations => K::ShowCollations,
            ShowKind::CharacterSets => K::ShowCharsets,
            ShowKind::Grants { .. } => K::ShowGrants,
            ShowKind::Privileges => K::ShowPrivileges,
            ShowKind::Plugins => K::ShowPlugins,
            ShowKind::StatsMeta => K::ShowStatsMeta,
            ShowKind::StatsHistograms => K::ShowStatsHistograms,
            ShowKind::StatsHealthy => K::ShowStatsHealthy,
            ShowKind::Triggers { .. } => K::ShowTriggers,
            ShowKind::Events { .. } => K::ShowEvents,
            ShowKind::Routines { procedures: true } => K::ShowProcedureStatus,
            ShowKind::Routines { procedures: false } => K::ShowFunctionStatus,
            ShowKind::CreateUser { .. } => K::ShowCreateUser,
            ShowKind::BinaryLogStatus => K::ShowMasterStatus,
            ShowKind::ReplicaStatus { .. } => K::ShowReplicaStatus,
            ShowKind::Replicas { .. } => K::ShowReplicas,
        }
    }
}
