//! Statements about accounts, and what they may do.

use super::{ObjectName, RoutineKind};

/// An account's name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserName {
    /// User name.
    pub user: String,
    /// Host pattern, lower case; `%` if none was written.
    pub host: String,
    /// `CURRENT_USER()` was written instead.
    pub is_current: bool,
}

/// An account in CREATE USER and ALTER USER.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserSpec {
    /// Its name.
    pub user: UserName,
    /// IDENTIFIED WITH.
    pub plugin: Option<String>,
    /// IDENTIFIED … BY.
    pub password: Option<String>,
    /// IDENTIFIED WITH … AS: what is stored of the password.
    pub stored: Option<String>,
    /// ACCOUNT LOCK (true) and UNLOCK; `None`: neither.
    pub locked: Option<bool>,
}

impl UserSpec {
    /// Whether it says nothing but a name.
    pub fn is_bare(&self) -> bool {
        self.plugin.is_none() && self.stored.is_none() && self.password.is_none()
    }

    /// Whether it says nothing but a password.
    pub fn is_password(&self) -> bool {
        self.plugin.is_none()
            && self.stored.is_none()
            && self.password.is_some()
            && self.locked.is_none()
    }
}

/// GRANT.
#[derive(Clone, Debug, PartialEq)]
pub struct Grant {
    /// What.
    pub what: Granted,
    /// To whom.
    pub to: Vec<UserName>,
    /// WITH GRANT OPTION, WITH ADMIN OPTION.
    pub option: bool,
}

/// What GRANT gives and REVOKE takes.
#[derive(Clone, Debug, PartialEq)]
pub enum Granted {
    /// Privileges; none: all there are.
    Privileges(Vec<NamedPrivilege>, GrantedOn),
    /// Roles.
    Roles(Vec<UserName>),
    /// ALL PRIVILEGES, GRANT OPTION: everything, on whatever it is. (REVOKE only.)
    Everything,
}

/// A privilege.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedPrivilege {
    /// Its name in capitals, with one blank between its words.
    pub name: String,
    /// Only on these columns; none: on the whole.
    pub columns: Vec<String>,
}

/// What a privilege is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GrantedOn {
    /// `*.*`.
    Global,
    /// `database.*`; `None` for `*`: the current one.
    Database(Option<String>),
    /// A table.
    Table(ObjectName),
    /// A procedure or a function.
    Routine(RoutineKind, ObjectName),
}

/// REVOKE.
#[derive(Clone, Debug, PartialEq)]
pub struct Revoke {
    /// What.
    pub what: Granted,
    /// From whom.
    pub from: Vec<UserName>,
    /// IF EXISTS: what is not granted is only a warning.
    pub if_exists: bool,
    /// IGNORE UNKNOWN USER: so is an account that is not there.
    pub ignores_unknown: bool,
}

/// Which roles SET ROLE, SET DEFAULT ROLE and DEFAULT ROLE choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoleChoice {
    /// DEFAULT.
    Default,
    /// NONE.
    None,
    /// ALL, EXCEPT these.
    All(Vec<UserName>),
    /// These.
    These(Vec<UserName>),
}
