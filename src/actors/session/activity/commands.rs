//! `Com_…`: how often each statement and command ran.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::sql::parser::Statement;
use crate::sql::parser::ast::{InsertRows, ShowKind};

macro_rules! commands {
    ($($command:ident $name:literal)*) => {
        /// What is counted apart: MySQL's names.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs, reason = "the names are MySQL's own words")]
        pub enum Command { $($command),* }

        const COMMANDS: &[Command] = &[$(Command::$command),*];

        impl Command {
            /// Its name behind `Com_`.
            pub fn name(self) -> &'static str {
                match self { $(Command::$command => $name),* }
            }
        }
    };
}

commands! {
    AlterTable "alter_table"
    AlterUser "alter_user"
    Analyze "analyze"
    Begin "begin"
    ChangeDb "change_db"
    Commit "commit"
    CreateDb "create_db"
    CreateIndex "create_index"
    CreateTable "create_table"
    CreateUser "create_user"
    DeallocSql "dealloc_sql"
    Delete "delete"
    Do "do"
    DropDb "drop_db"
    DropIndex "drop_index"
    DropTable "drop_table"
    DropUser "drop_user"
    ExecuteSql "execute_sql"
    Explain "explain_other"
    Insert "insert"
    InsertSelect "insert_select"
    Kill "kill"
    LockTables "lock_tables"
    Other "other"
    PrepareSql "prepare_sql"
    ReleaseSavepoint "release_savepoint"
    Replace "replace"
    ReplaceSelect "replace_select"
    Rollback "rollback"
    RollbackToSavepoint "rollback_to_savepoint"
    Savepoint "savepoint"
    Select "select"
    SetOption "set_option"
    SetPassword "set_password"
    ShowCharsets "show_charsets"
    ShowCollations "show_collations"
    ShowCreateDb "show_create_db"
    ShowCreateTable "show_create_table"
    ShowDatabases "show_databases"
    ShowErrors "show_errors"
    ShowFields "show_fields"
    ShowGrants "show_grants"
    ShowKeys "show_keys"
    ShowOther "show_other"
    ShowPlugins "show_plugins"
    ShowPrivileges "show_privileges"
    ShowProcesslist "show_processlist"
    ShowStatus "show_status"
    ShowStorageEngines "show_storage_engines"
    ShowTableStatus "show_table_status"
    ShowTables "show_tables"
    ShowVariables "show_variables"
    ShowWarnings "show_warnings"
    StmtClose "stmt_close"
    StmtExecute "stmt_execute"
    StmtFetch "stmt_fetch"
    StmtPrepare "stmt_prepare"
    StmtReset "stmt_reset"
    StmtSendLongData "stmt_send_long_data"
    Truncate "truncate"
    UnlockTables "unlock_tables"
    Update "update"
}

impl Command {
    /// What a statement counts as.
    pub fn of(statement: &Statement) -> Command {
        use Command as C;
        use Statement as S;
        match statement {
            S::Query(_) => C::Select,
            S::Insert(insert) => match (&insert.rows, insert.replace) {
                (InsertRows::Query(_), false) => C::InsertSelect,
                (InsertRows::Query(_), true) => C::ReplaceSelect,
                (_, false) => C::Insert,
                (_, true) => C::Replace,
            },
            S::Update(_) => C::Update,
            S::Delete(_) => C::Delete,
            S::Begin { .. } => C::Begin,
            S::Commit { .. } => C::Commit,
            S::Rollback { .. } => C::Rollback,
            S::Savepoint(_) => C::Savepoint,
            S::RollbackTo(_) => C::RollbackToSavepoint,
            S::ReleaseSavepoint(_) => C::ReleaseSavepoint,
            S::SetVariables(_) => C::SetOption,
            S::Use(_) => C::ChangeDb,
            S::Show(show) => Command::of_show(&show.kind),
            S::Describe { .. } => C::ShowFields,
            S::Explain(_) => C::Explain,
            S::Kill { .. } => C::Kill,
            S::Prepare { .. } => C::PrepareSql,
            S::Execute { .. } => C::ExecuteSql,
            S::Deallocate(_) => C::DeallocSql,
            S::Do(_) => C::Do,
            S::Analyze(_) => C::Analyze,
            S::LockTables(_) => C::LockTables,
            S::UnlockTables => C::UnlockTables,
            S::SetPassword { .. } => C::SetPassword,
            S::CreateUser { .. } => C::CreateUser,
            S::AlterUser { .. } => C::AlterUser,
            S::DropUser { .. } => C::DropUser,
            _ => Command::of_schema_change(statement),
        }
    }

    fn of_schema_change(statement: &Statement) -> Command {
        use Command as C;
        use Statement as S;
        match statement {
            S::CreateDatabase(_) => C::CreateDb,
            S::DropDatabase { .. } => C::DropDb,
            S::CreateTable(_) => C::CreateTable,
            S::DropTables { .. } => C::DropTable,
            S::Truncate(_) => C::Truncate,
            S::CreateIndex(_) => C::CreateIndex,
            S::DropIndex { .. } => C::DropIndex,
            S::AlterTable { .. } => C::AlterTable,
            _ => C::Other,
        }
    }

    fn of_show(kind: &ShowKind) -> Command {
        use Command as C;
        use ShowKind as S;
        match kind {
            S::Databases => C::ShowDatabases,
            S::Tables { .. } => C::ShowTables,
            S::TableStatus { .. } => C::ShowTableStatus,
            S::Columns { .. } => C::ShowFields,
            S::Indexes { .. } => C::ShowKeys,
            S::CreateTable(_) => C::ShowCreateTable,
            S::CreateDatabase { .. } => C::ShowCreateDb,
            S::Variables { .. } => C::ShowVariables,
            S::Status { .. } => C::ShowStatus,
            S::Warnings { .. } => C::ShowWarnings,
            S::Errors { .. } => C::ShowErrors,
            S::ProcessList { .. } => C::ShowProcesslist,
            S::Engines => C::ShowStorageEngines,
            S::Collations => C::ShowCollations,
            S::CharacterSets => C::ShowCharsets,
            S::Grants { .. } => C::ShowGrants,
            S::Privileges => C::ShowPrivileges,
            S::Plugins => C::ShowPlugins,
            _ => C::ShowOther,
        }
    }
}

/// A counter for each.
#[derive(Debug)]
pub(super) struct Counts([AtomicU64; COMMANDS.len()]);

impl Default for Counts {
    fn default() -> Counts {
        Counts(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}

impl Counts {
    pub(super) fn add(&self, command: Command) {
        self.0[command as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn list(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        let name = COMMANDS.iter().map(|command| command.name());
        name.zip(self.0.iter().map(|count| count.load(Ordering::Relaxed)))
    }
}
