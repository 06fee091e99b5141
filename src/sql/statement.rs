//! What there is to know of each kind of statement, before anybody runs it: one table.
//!
//! [`Statement::kind`] sorts a statement, and [`StatementKind::traits`] is its line of the table. Whoever asks whether a kind of statement
//! commits, may be prepared, takes long or changes something asks here, and nowhere is there another list of kinds.
//!
//! Names of kinds are those that MySQL counts statements by (`Com_…` in SHOW STATUS, `statement/sql/…` in performance_schema). Statements
//! inside of stored programs are of the same kinds: what a function or a trigger may not hold is said by their traits.

use super::accounts::{Privilege, Privileges};
use super::parser::Statement;
use super::parser::ast::{EngineReport, Granted, InsertRows, Maintenance, RoutineKind, ShowKind};

#[cfg(test)]
pub(in crate::sql) mod tests;

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
    /// What an account has to have for it.
    pub right: Right,
}

/// What an account has to have for a kind of statement. What else single statements need (those that read, say, what they read) is
/// added where rights are checked (`sql/access`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// Nothing.
    Anybody,
    /// SELECT on what it reads, and on nothing else.
    Reads,
    /// What the statement needs that it runs.
    Another,
    /// It depends on its words.
    Itself,
    /// Any of these, on everything. Error 1227.
    Global(Privileges),
    /// These, on the database that it is about. Error 1044.
    Database(Privileges),
    /// These, on the tables that it is about. Error 1142.
    Table(Privileges),
    /// These, on the routine that it is about. Error 1370.
    Routine(Privileges),
}

macro_rules! right {
    ($right:ident) => {
        Right::$right
    };
    ($level:ident ($($privilege:ident),*)) => {
        Right::$level(Privileges::of(&[$(Privilege::$privilege),*]))
    };
}

macro_rules! statements {
    ($($kind:ident $counted:literal $commits:ident $uses:ident $answers:ident $prepares:ident $begins:ident $right:ident $(($($privilege:ident),*))?;)*) => {
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
            right: right!($right $(($($privilege),*))?),
        }),*];

        impl StatementKind {
            /// All of them.
            pub const ALL: &[StatementKind] = &[$(StatementKind::$kind),*];
        }
    };
}

statements! {
    // kind              Com_…                    commits uses    answers prepares begins right
    AlterDb              "alter_db"               First   Schema  Done Text  Here  Database(Alter);
    AlterFunction        "alter_function"         First   Schema  Done Never Here  Routine(AlterRoutine);
    AlterProcedure       "alter_procedure"        First   Schema  Done Never Here  Routine(AlterRoutine);
    AlterTable           "alter_table"            First   Schema  Done Text  Here  Table(Alter);
    AlterUser            "alter_user"             First   Schema  Done Text  Here  Global(CreateUser);
    AlterUserDefaultRole "alter_user_default_role" First   Schema  Done Text  Here  Itself;
    Analyze              "analyze"                First   Schema  Rows Text  Apart Table(Insert);
    Begin                "begin"                  First   Session Done Text  Here  Anybody;
    CallProcedure        "call_procedure"         Never   Another Rows Text  Here  Routine(Execute);
    ChangeDb             "change_db"              Never   Session Done Text  Here  Itself;
    Check                "check"                  First   Schema  Rows Text  Apart Table(Select);
    Checksum             "checksum"               Never   Session Rows Text  Apart Table(Select);
    Commit               "commit"                 Itself  Session Done Text  Here  Anybody;
    CreateDb             "create_db"              First   Schema  Done Text  Here  Database(Create);
    CreateFunction       "create_function"        First   Schema  Done Never Here  Database(CreateRoutine);
    CreateIndex          "create_index"           First   Schema  Done Text  Here  Table(Index);
    CreateProcedure      "create_procedure"       First   Schema  Done Never Here  Database(CreateRoutine);
    CreateRole           "create_role"            First   Schema  Done Text  Here  Global(CreateUser, CreateRole);
    CreateTable          "create_table"           First   Schema  Done Text  Here  Table(Create);
    CreateTrigger        "create_trigger"         First   Schema  Done Never Here  Table(Trigger);
    CreateUser           "create_user"            First   Schema  Done Text  Here  Global(CreateUser);
    CreateView           "create_view"            First   Schema  Done Text  Here  Table(CreateView);
    DeallocSql           "dealloc_sql"            Never   Session Done Never Here  Anybody;
    Delete               "delete"                 Never   Writes  Done Plan  Here  Table(Delete);
    Do                   "do"                     Never   Session Done Text  Here  Reads;
    DropDb               "drop_db"                First   Schema  Done Text  Here  Database(Drop);
    DropFunction         "drop_function"          First   Schema  Done Never Here  Routine(AlterRoutine);
    DropIndex            "drop_index"             First   Schema  Done Text  Here  Table(Index);
    DropProcedure        "drop_procedure"         First   Schema  Done Never Here  Routine(AlterRoutine);
    DropRole             "drop_role"              First   Schema  Done Text  Here  Global(CreateUser, DropRole);
    DropTable            "drop_table"             First   Schema  Done Text  Here  Table(Drop);
    DropTrigger          "drop_trigger"           First   Schema  Done Never Here  Table(Trigger);
    DropUser             "drop_user"              First   Schema  Done Text  Here  Global(CreateUser);
    DropView             "drop_view"              First   Schema  Done Text  Here  Table(Drop);
    ExecuteSql           "execute_sql"            Itself  Another Rows Never Here  Another;
    Explain              "explain_other"          Never   Session Rows Text  Apart Another;
    Flush                "flush"                  First   Session Done Text  Here  Itself;
    GetDiagnostics       "get_diagnostics"        Never   Session Done Never Here  Anybody;
    Grant                "grant"                  First   Schema  Done Text  Here  Itself;
    GrantRoles           "grant_roles"            First   Schema  Done Text  Here  Itself;
    Insert               "insert"                 Never   Writes  Done Plan  Here  Table(Insert);
    InsertSelect         "insert_select"          Never   Writes  Done Plan  Here  Table(Insert);
    Kill                 "kill"                   Never   Session Done Text  Here  Itself;
    Load                 "load"                   Never   Writes  Done Never Here  Table(Insert);
    LockTables           "lock_tables"            First   Session Done Text  Here  Database(LockTables);
    Optimize             "optimize"               First   Schema  Rows Text  Apart Table(Insert);
    PrepareSql           "prepare_sql"            Never   Session Done Never Here  Anybody;
    ReleaseSavepoint     "release_savepoint"      Never   Session Done Text  Here  Anybody;
    RenameTable          "rename_table"           First   Schema  Done Text  Here  Table(Alter);
    RenameUser           "rename_user"            First   Schema  Done Text  Here  Global(CreateUser);
    Repair               "repair"                 First   Schema  Rows Text  Apart Table(Insert);
    Replace              "replace"                Never   Writes  Done Plan  Here  Table(Insert);
    ReplaceSelect        "replace_select"         Never   Writes  Done Plan  Here  Table(Insert);
    Resignal             "resignal"               Never   Session Done Never Here  Anybody;
    Revoke               "revoke"                 First   Schema  Done Text  Here  Itself;
    RevokeAll            "revoke_all"             First   Schema  Done Text  Here  Global(CreateUser);
    RevokeRoles          "revoke_roles"           First   Schema  Done Text  Here  Itself;
    Rollback             "rollback"               Itself  Session Done Text  Here  Anybody;
    RollbackToSavepoint  "rollback_to_savepoint"  Never   Session Done Text  Here  Anybody;
    Savepoint            "savepoint"              Never   Session Done Text  Here  Anybody;
    Select               "select"                 Never   Reads   Rows Plan  Here  Reads;
    SetOption            "set_option"             Itself  Session Done Text  Here  Itself;
    SetPassword          "set_password"           First   Schema  Done Text  Here  Itself;
    SetRole              "set_role"               Never   Session Done Text  Here  Itself;
    ShowBinlogEvents     "show_binlog_events"     Never   Session Rows Text  Apart Global(ReplicationSlave);
    ShowBinlogs          "show_binlogs"           Never   Session Rows Text  Apart Global(ReplicationClient);
    ShowCharsets         "show_charsets"          Never   Session Rows Text  Apart Anybody;
    ShowCollations       "show_collations"        Never   Session Rows Text  Apart Anybody;
    ShowCreateDb         "show_create_db"         Never   Session Rows Text  Apart Itself;
    ShowCreateFunc       "show_create_func"       Never   Session Rows Text  Apart Itself;
    ShowCreateProc       "show_create_proc"       Never   Session Rows Text  Apart Itself;
    ShowCreateTable      "show_create_table"      Never   Session Rows Text  Apart Itself;
    ShowCreateTrigger    "show_create_trigger"    Never   Session Rows Text  Apart Table(Trigger);
    ShowCreateUser       "show_create_user"       Never   Session Rows Text  Apart Itself;
    ShowDatabases        "show_databases"         Never   Session Rows Text  Apart Anybody;
    ShowEngineLogs       "show_engine_logs"       Never   Session Rows Text  Apart Global(Process);
    ShowEngineMutex      "show_engine_mutex"      Never   Session Rows Text  Apart Global(Process);
    ShowEngineStatus     "show_engine_status"     Never   Session Rows Text  Apart Global(Process);
    ShowErrors           "show_errors"            Never   Session Rows Text  Apart Anybody;
    ShowEvents           "show_events"            Never   Session Rows Text  Apart Anybody;
    ShowFields           "show_fields"            Never   Session Rows Text  Apart Itself;
    ShowFunctionStatus   "show_function_status"   Never   Session Rows Text  Apart Anybody;
    ShowGrants           "show_grants"            Never   Session Rows Text  Apart Itself;
    ShowKeys             "show_keys"              Never   Session Rows Text  Apart Itself;
    ShowMasterStatus     "show_master_status"     Never   Session Rows Text  Apart Global(ReplicationClient);
    ShowOpenTables       "show_open_tables"       Never   Session Rows Text  Apart Anybody;
    ShowPlugins          "show_plugins"           Never   Session Rows Text  Apart Anybody;
    ShowPrivileges       "show_privileges"        Never   Session Rows Text  Apart Anybody;
    ShowProcedureStatus  "show_procedure_status"  Never   Session Rows Text  Apart Anybody;
    ShowProcesslist      "show_processlist"       Never   Session Rows Text  Apart Itself;
    ShowReplicaStatus    "show_replica_status"    Never   Session Rows Text  Apart Global(ReplicationClient);
    ShowReplicas         "show_replicas"          Never   Session Rows Text  Apart Global(ReplicationSlave);
    ShowStatsHealthy     "show_stats_healthy"     Never   Session Rows Text  Apart Anybody;
    ShowStatsHistograms  "show_stats_histograms"  Never   Session Rows Text  Apart Anybody;
    ShowStatsMeta        "show_stats_meta"        Never   Session Rows Text  Apart Anybody;
    ShowStatus           "show_status"            Never   Session Rows Text  Apart Anybody;
    ShowStorageEngines   "show_storage_engines"   Never   Session Rows Text  Apart Anybody;
    ShowTableStatus      "show_table_status"      Never   Session Rows Text  Apart Itself;
    ShowTables           "show_tables"            Never   Session Rows Text  Apart Itself;
    ShowTriggers         "show_triggers"          Never   Session Rows Text  Apart Itself;
    ShowVariables        "show_variables"         Never   Session Rows Text  Apart Anybody;
    ShowWarnings         "show_warnings"          Never   Session Rows Text  Apart Anybody;
    Signal               "signal"                 Never   Session Done Never Here  Anybody;
    SplitTable           "split_table"            Never   Session Rows Text  Here  Global(Super);
    Truncate             "truncate"               First   Schema  Done Text  Here  Table(Drop);
    UnlockTables         "unlock_tables"          Itself  Session Done Text  Here  Anybody;
    Update               "update"                 Never   Writes  Done Plan  Here  Table(Update);
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
    #[expect(clippy::too_many_lines, reason = "a line for each kind of statement")]
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
            Statement::RenameUsers(_) => K::RenameUser,
            Statement::Grant(grant) => of_granted(&grant.what, [K::Grant, K::GrantRoles, K::Grant]),
            Statement::Revoke(revoke) => {
                of_granted(&revoke.what, [K::Revoke, K::RevokeRoles, K::RevokeAll])
            }
            Statement::CreateRoles { .. } => K::CreateRole,
            Statement::DropRoles { .. } => K::DropRole,
            Statement::SetRole(_) => K::SetRole,
            Statement::SetDefaultRole { .. } => K::AlterUserDefaultRole,
        }
    }
}

/// The one for privileges, for roles, or for everything.
fn of_granted(what: &Granted, kinds: [StatementKind; 3]) -> StatementKind {
    match what {
        Granted::Privileges(..) => kinds[0],
        Granted::Roles(_) => kinds[1],
        Granted::Everything => kinds[2],
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
    pub fn kind(&self) -> StatementKind {
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
            ShowKind::BinaryLogs => K::ShowBinlogs,
            ShowKind::BinlogEvents => K::ShowBinlogEvents,
            ShowKind::OpenTables { .. } => K::ShowOpenTables,
            ShowKind::Engine { report: EngineReport::Status, .. } => K::ShowEngineStatus,
            ShowKind::Engine { report: EngineReport::Mutex, .. } => K::ShowEngineMutex,
            ShowKind::Engine { report: EngineReport::Logs, .. } => K::ShowEngineLogs,
        }
    }
}
