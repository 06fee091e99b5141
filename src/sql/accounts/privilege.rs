//! The privileges there are.

use std::ops::{BitOr, BitOrAssign};

use serde::{Deserialize, Serialize};

macro_rules! privileges {
    ($($name:ident $text:literal $column:literal $context:literal $comment:literal;)*) => {
        /// A static privilege. The order is MySQL's, and that of the bits that are stored: a new one comes last.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs, reason = "the names are MySQL's own words")]
        pub enum Privilege { $($name),* }

        /// What there is to say of each of them.
        pub struct Described {
            /// Which.
            pub privilege: Privilege,
            /// As statements write it.
            pub text: &'static str,
            /// Its column in the tables of grants, without `_priv`.
            pub column: &'static str,
            /// What it is about, as SHOW PRIVILEGES says it.
            pub context: &'static str,
            /// What it is for, as SHOW PRIVILEGES says it.
            pub comment: &'static str,
        }

        /// All of them, in their order.
        pub const PRIVILEGES: &[Described] = &[$(Described {
            privilege: Privilege::$name,
            text: $text,
            column: $column,
            context: $context,
            comment: $comment,
        }),*];
    };
}

privileges! {
    Select "SELECT" "Select" "Tables" "To retrieve rows from table";
    Insert "INSERT" "Insert" "Tables" "To insert data into tables";
    Update "UPDATE" "Update" "Tables" "To update existing rows";
    Delete "DELETE" "Delete" "Tables" "To delete existing rows";
    Create "CREATE" "Create" "Databases,Tables,Indexes" "To create new databases and tables";
    Drop "DROP" "Drop" "Databases,Tables" "To drop databases, tables, and views";
    Reload "RELOAD" "Reload" "Server Admin" "To reload or refresh tables, logs and privileges";
    Shutdown "SHUTDOWN" "Shutdown" "Server Admin" "To shut down the server";
    Process "PROCESS" "Process" "Server Admin" "To view the plain text of currently executing queries";
    File "FILE" "File" "File access on server" "To read and write files on the server";
    References "REFERENCES" "References" "Databases,Tables" "To have references on tables";
    Index "INDEX" "Index" "Tables" "To create or drop indexes";
    Alter "ALTER" "Alter" "Tables" "To alter the table";
    ShowDatabases "SHOW DATABASES" "Show_db" "Server Admin" "To see all databases with SHOW DATABASES";
    Super "SUPER" "Super" "Server Admin" "To use KILL thread, SET GLOBAL, CHANGE MASTER, etc.";
    CreateTemporaryTables "CREATE TEMPORARY TABLES" "Create_tmp_table" "Databases" "To use CREATE TEMPORARY TABLE";
    LockTables "LOCK TABLES" "Lock_tables" "Databases" "To use LOCK TABLES (together with SELECT privilege)";
    Execute "EXECUTE" "Execute" "Functions,Procedures" "To execute stored routines";
    ReplicationSlave "REPLICATION SLAVE" "Repl_slave" "Server Admin" "To read binary log events from the master";
    ReplicationClient "REPLICATION CLIENT" "Repl_client" "Server Admin" "To ask where the slave or master servers are";
    CreateView "CREATE VIEW" "Create_view" "Tables" "To create new views";
    ShowView "SHOW VIEW" "Show_view" "Tables" "To see views with SHOW CREATE VIEW";
    CreateRoutine "CREATE ROUTINE" "Create_routine" "Databases" "To use CREATE FUNCTION/PROCEDURE";
    AlterRoutine "ALTER ROUTINE" "Alter_routine" "Functions,Procedures" "To alter or drop stored functions/procedures";
    CreateUser "CREATE USER" "Create_user" "Server Admin" "To create new users";
    Event "EVENT" "Event" "Server Admin" "To create, alter, drop and execute events";
    Trigger "TRIGGER" "Trigger" "Tables" "To use triggers";
    CreateTablespace "CREATE TABLESPACE" "Create_tablespace" "Server Admin" "To create/alter/drop tablespaces";
    CreateRole "CREATE ROLE" "Create_role" "Server Admin" "To create new roles";
    DropRole "DROP ROLE" "Drop_role" "Server Admin" "To drop roles";
    Grant "GRANT OPTION" "Grant" "Databases,Tables,Functions,Procedures" "To give to other users those privileges you possess";
}

impl Privilege {
    /// What there is to say of it.
    pub fn described(self) -> &'static Described {
        &PRIVILEGES[self as usize]
    }

    /// As statements write it.
    pub fn text(self) -> &'static str {
        self.described().text
    }
}

/// A set of static privileges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Privileges(u64);

impl Privileges {
    /// None.
    pub const NONE: Privileges = Privileges(0);
    /// All there are, GRANT OPTION among them.
    pub const ALL: Privileges = Privileges((1 << PRIVILEGES.len()) - 1);
    /// GRANT OPTION.
    pub const GRANT: Privileges = Privileges::of(&[Privilege::Grant]);
    /// Those that may be granted on a database.
    pub const OF_DATABASE: Privileges = Privileges::of(&[
        Privilege::Select,
        Privilege::Insert,
        Privilege::Update,
        Privilege::Delete,
        Privilege::Create,
        Privilege::Drop,
        Privilege::References,
        Privilege::Index,
        Privilege::Alter,
        Privilege::CreateTemporaryTables,
        Privilege::LockTables,
        Privilege::Execute,
        Privilege::CreateView,
        Privilege::ShowView,
        Privilege::CreateRoutine,
        Privilege::AlterRoutine,
        Privilege::Event,
        Privilege::Trigger,
        Privilege::Grant,
    ]);
    /// Those that may be granted on a table.
    pub const OF_TABLE: Privileges = Privileges::of(&[
        Privilege::Select,
        Privilege::Insert,
        Privilege::Update,
        Privilege::Delete,
        Privilege::Create,
        Privilege::Drop,
        Privilege::References,
        Privilege::Index,
        Privilege::Alter,
        Privilege::CreateView,
        Privilege::ShowView,
        Privilege::Trigger,
        Privilege::Grant,
    ]);
    /// Those that may be granted on columns.
    pub const OF_COLUMN: Privileges = Privileges::of(&[
        Privilege::Select,
        Privilege::Insert,
        Privilege::Update,
        Privilege::References,
    ]);
    /// Those that may be granted on a routine.
    pub const OF_ROUTINE: Privileges =
        Privileges::of(&[Privilege::Execute, Privilege::AlterRoutine, Privilege::Grant]);

    /// These.
    pub const fn of(privileges: &[Privilege]) -> Privileges {
        let (mut bits, mut at) = (0, 0);
        while at < privileges.len() {
            bits |= 1 << privileges[at] as u64;
            at += 1;
        }
        Privileges(bits)
    }

    /// Whether all of these are among them.
    pub fn has(self, wanted: Privileges) -> bool {
        self.0 & wanted.0 == wanted.0
    }

    /// Whether this one is among them.
    pub fn contains(self, privilege: Privilege) -> bool {
        self.has(privilege.into())
    }

    /// Whether any of these is among them.
    pub fn meets(self, wanted: Privileges) -> bool {
        self.0 & wanted.0 != 0
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Without these.
    #[must_use]
    pub fn without(self, others: Privileges) -> Privileges {
        Privileges(self.0 & !others.0)
    }

    /// Those that are among these, too.
    #[must_use]
    pub fn and(self, others: Privileges) -> Privileges {
        Privileges(self.0 & others.0)
    }

    /// One after the other.
    pub fn list(self) -> impl Iterator<Item = Privilege> {
        PRIVILEGES.iter().map(|one| one.privilege).filter(move |one| self.contains(*one))
    }

    /// Their names with commas between them.
    pub fn text(self) -> String {
        self.list().map(Privilege::text).collect::<Vec<_>>().join(", ")
    }
}

impl From<Privilege> for Privileges {
    fn from(privilege: Privilege) -> Privileges {
        Privileges::of(&[privilege])
    }
}

impl BitOr for Privileges {
    type Output = Privileges;

    fn bitor(self, other: Privileges) -> Privileges {
        Privileges(self.0 | other.0)
    }
}

impl BitOrAssign for Privileges {
    fn bitor_assign(&mut self, other: Privileges) {
        self.0 |= other.0;
    }
}

/// The dynamic privileges, by name.
pub const DYNAMIC: &[&str] = &[
    "APPLICATION_PASSWORD_ADMIN",
    "AUDIT_ABORT_EXEMPT",
    "AUDIT_ADMIN",
    "AUTHENTICATION_POLICY_ADMIN",
    "BACKUP_ADMIN",
    "BINLOG_ADMIN",
    "BINLOG_ENCRYPTION_ADMIN",
    "CLONE_ADMIN",
    "CONNECTION_ADMIN",
    "ENCRYPTION_KEY_ADMIN",
    "FIREWALL_EXEMPT",
    "FLUSH_OPTIMIZER_COSTS",
    "FLUSH_STATUS",
    "FLUSH_TABLES",
    "FLUSH_USER_RESOURCES",
    "GROUP_REPLICATION_ADMIN",
    "GROUP_REPLICATION_STREAM",
    "INNODB_REDO_LOG_ARCHIVE",
    "INNODB_REDO_LOG_ENABLE",
    "PASSWORDLESS_USER_ADMIN",
    "PERSIST_RO_VARIABLES_ADMIN",
    "REPLICATION_APPLIER",
    "REPLICATION_SLAVE_ADMIN",
    "RESOURCE_GROUP_ADMIN",
    "RESOURCE_GROUP_USER",
    "ROLE_ADMIN",
    "SENSITIVE_VARIABLES_OBSERVER",
    "SERVICE_CONNECTION_ADMIN",
    "SESSION_VARIABLES_ADMIN",
    "SET_USER_ID",
    "SHOW_ROUTINE",
    "SYSTEM_USER",
    "SYSTEM_VARIABLES_ADMIN",
    "TABLE_ENCRYPTION_ADMIN",
    "TELEMETRY_LOG_ADMIN",
    "XA_RECOVER_ADMIN",
];

/// A dynamic privilege by its name, in any case.
pub fn dynamic_name(name: &str) -> Option<&'static str> {
    DYNAMIC.iter().copied().find(|known| known.eq_ignore_ascii_case(name))
}
