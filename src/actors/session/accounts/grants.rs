//! GRANT and REVOKE of privileges.

use std::sync::Arc;

use super::cache::Change;
use super::statements::account_name;
use super::table::AccountTable;
use crate::actors::session::Account;
use crate::actors::session::core::Core;
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::access::denied_text;
use crate::sql::accounts::{
    DYNAMIC, Grants, Level, PRIVILEGES, Permission, Privilege, Privileges, Rights, dynamic_name,
};
use crate::sql::catalog::{InfoSchema, no_routine};
use crate::sql::parser::ast::{
    Grant, Granted, GrantedOn, NamedPrivilege, ObjectName, Revoke, RoutineKind, UserName,
};

impl Core {
    /// GRANT.
    pub(in crate::actors::session) async fn grant(&mut self, grant: &Grant) -> SqlResult<()> {
        let to: Vec<UserName> = grant.to.iter().map(|name| self.named(name)).collect();
        let (named, on) = match &grant.what {
            Granted::Privileges(named, on) => (named, on),
            Granted::Roles(roles) => return self.grant_roles(roles, &to, grant.option).await,
            Granted::Everything => return Err(SqlError::internal("GRANT of everything")),
        };
        let level = self.level(on)?;
        let mut given = permission(&level, named)?;
        given.grantable = grant.option;
        given.grantor = format!("{}@{}", self.client.user, self.client.account_host);
        let rights = self.rights();
        let given = &self.grantable(&rights, &level, given, named.is_empty())?;
        check_there(&self.services.schema.current(), &level, given)?;
        let decide = |table: &AccountTable| {
            let change = |name: &UserName| {
                let account = table.named(&account_name(name)).ok_or_else(|| {
                    let message = "You are not allowed to create a user with GRANT";
                    SqlError::new(errno::CANT_CREATE_USER_WITH_GRANT, message)
                })?;
                let mut grants = (*account.grants).clone();
                grants.grant(&level, given);
                Ok(put(account, grants))
            };
            to.iter().map(change).collect()
        };
        self.change_accounts(decide).await
    }

    /// REVOKE.
    pub(in crate::actors::session) async fn revoke(&mut self, revoke: &Revoke) -> SqlResult<()> {
        let from: Vec<UserName> = revoke.from.iter().map(|name| self.named(name)).collect();
        let (named, on) = match &revoke.what {
            Granted::Privileges(named, on) => (named, on),
            Granted::Roles(roles) => return self.revoke_roles(roles, &from, revoke).await,
            Granted::Everything => return self.revoke_everything(&from, revoke).await,
        };
        let level = self.level(on)?;
        let mut taken = permission(&level, named)?;
        // ALL does not hold it, but it may be named.
        taken.grantable = named.iter().any(|one| one.name == "GRANT OPTION");
        let rights = self.rights();
        let taken = &self.grantable(&rights, &level, taken, named.is_empty())?;
        let missing = |name: &UserName| no_grant(&level, name);
        let (known, unknown) = self.known(&from, revoke.ignores_unknown, missing)?;
        let decide = |table: &AccountTable| {
            let mut changes = Vec::new();
            for name in &known {
                let Some(account) = table.named(&account_name(name)) else { continue };
                let mut grants = (*account.grants).clone();
                if !grants.revoke(&level, taken) && !revoke.if_exists {
                    return Err(no_grant(&level, name));
                }
                changes.push(put(account, grants));
            }
            Ok(changes)
        };
        self.warn_of_unknown(&unknown);
        self.change_accounts(decide).await
    }

    /// REVOKE ALL PRIVILEGES, GRANT OPTION.
    async fn revoke_everything(&mut self, from: &[UserName], revoke: &Revoke) -> SqlResult<()> {
        let missing = |_: &UserName| {
            let message = "Can't revoke all privileges for one or more of the requested users";
            SqlError::new(errno::REVOKE_GRANTS, message)
        };
        let ignores = revoke.ignores_unknown || revoke.if_exists;
        let (known, unknown) = self.known(from, ignores, missing)?;
        let decide = |table: &AccountTable| {
            let accounts = known.iter().filter_map(|name| table.named(&account_name(name)));
            let changed = accounts.map(|account| {
                let mut grants = (*account.grants).clone();
                grants.revoke_all();
                put(account, grants)
            });
            Ok(changed.collect())
        };
        self.warn_of_unknown(&unknown);
        self.change_accounts(decide).await
    }

    /// Those of the accounts that there are, and the others, unless they are an error.
    pub(super) fn known(
        &self,
        names: &[UserName],
        ignores: bool,
        missing: impl Fn(&UserName) -> SqlError,
    ) -> SqlResult<(Vec<UserName>, Vec<UserName>)> {
        let table = self.services.accounts.table();
        let (known, unknown): (Vec<UserName>, Vec<UserName>) =
            names.iter().cloned().partition(|name| table.named(&account_name(name)).is_some());
        match unknown.first() {
            Some(first) if !ignores => Err(missing(first)),
            _ => Ok((known, unknown)),
        }
    }

    /// What IGNORE UNKNOWN USER has left out, as warnings (3162).
    pub(super) fn warn_of_unknown(&self, unknown: &[UserName]) {
        for name in unknown {
            let message =
                format!("Authorization ID {} does not exist.", account_name(name).quoted());
            self.eval.warn(errno::USER_DOES_NOT_EXIST, message);
        }
    }

    /// What is written behind ON.
    fn level(&self, on: &GrantedOn) -> SqlResult<Level> {
        let place = |name: &ObjectName| -> SqlResult<(String, String)> {
            let database = self.database_or_current(name.database.as_deref())?;
            Ok((database.to_lowercase(), name.name.to_lowercase()))
        };
        Ok(match on {
            GrantedOn::Global => Level::Global,
            GrantedOn::Database(Some(pattern)) => Level::Database(pattern.to_lowercase()),
            GrantedOn::Database(None) => {
                Level::Database(self.database_or_current(None)?.to_lowercase())
            }
            GrantedOn::Table(name) => {
                let (database, table) = place(name)?;
                Level::Table(database, table)
            }
            GrantedOn::Routine(kind, name) => {
                let (database, name) = place(name)?;
                Level::Routine(*kind, database, name)
            }
        })
    }

    /// Whether these rights let their owner grant this; of ALL, only what they hold is granted on everything.
    fn grantable(
        &self,
        rights: &Rights,
        level: &Level,
        mut given: Permission,
        all: bool,
    ) -> SqlResult<Permission> {
        if rights.is_everything() {
            return Ok(given);
        }
        let columns = given.columns.iter().fold(Privileges::NONE, |all, (_, one)| all | *one);
        let wanted = given.privileges | columns | Privileges::GRANT;
        let lacking = match level {
            Level::Global if given.privileges.is_empty() && !given.dynamic.is_empty() => {
                Privileges::NONE
            }
            Level::Global => wanted.without(rights.global()),
            Level::Database(name) => wanted.without(rights.database(&plain_name(name))),
            Level::Table(database, table) => wanted.without(rights.table(database, table)),
            Level::Routine(kind, database, name) => {
                wanted.without(rights.routine(*kind, database, name))
            }
        };
        if all && matches!(level, Level::Global) {
            given.dynamic.retain(|name| rights.grants_dynamic(name));
        }
        if let Some(name) = given.dynamic.iter().find(|name| !rights.grants_dynamic(name)) {
            let _ = name;
            return Err(self.who().need("GRANT OPTION"));
        }
        if lacking.is_empty() {
            return Ok(given);
        }
        let who = self.who();
        Err(match level {
            Level::Global => who.no_access(),
            Level::Database(name) => who.no_database(name),
            Level::Table(_, table) => who.no_table(&denied_text(lacking), table),
            Level::Routine(_, database, name) => {
                who.no_routine("grant", &format!("{database}.{name}"))
            }
        })
    }
}

impl Core {
    /// Who makes a routine may run, alter and drop it.
    pub(in crate::actors::session) async fn own_routine(
        &mut self,
        kind: RoutineKind,
        database: &str,
        name: &str,
    ) -> SqlResult<()> {
        let given = Privileges::of(&[Privilege::Execute, Privilege::AlterRoutine]);
        if self.rights().routine(kind, database, name).has(given) {
            return Ok(());
        }
        let level = Level::Routine(kind, database.to_lowercase(), name.to_lowercase());
        let given = Permission { privileges: given, ..Permission::default() };
        let own = self.who().account.clone();
        self.change_accounts(|table: &AccountTable| {
            let grant = |account: &Account| {
                let mut grants = (*account.grants).clone();
                grants.grant(&level, &given);
                put(account, grants)
            };
            Ok(table.named(&own).map(grant).into_iter().collect())
        })
        .await
    }

    /// A routine is gone, and with it what was granted on it.
    pub(in crate::actors::session) async fn forget_routine(
        &self,
        kind: RoutineKind,
        database: &str,
        name: &str,
    ) -> SqlResult<()> {
        let level = Level::Routine(kind, database.to_lowercase(), name.to_lowercase());
        let all = Permission {
            privileges: Privileges::OF_ROUTINE,
            grantable: true,
            ..Permission::default()
        };
        let without = |account: &Account| {
            let mut grants = (*account.grants).clone();
            grants.revoke(&level, &all).then(|| put(account, grants))
        };
        let decide = |table: &AccountTable| -> SqlResult<Vec<Change>> {
            Ok(table.list().iter().filter_map(without).collect())
        };
        if decide(&self.services.accounts.table())?.is_empty() {
            return Ok(());
        }
        self.change_accounts(decide).await
    }
}

/// A pattern as the name that it is the pattern of.
fn plain_name(pattern: &str) -> String {
    pattern.replace(r"\_", "_").replace(r"\%", "%")
}

/// An account with other grants.
pub(super) fn put(account: &Account, grants: Grants) -> Change {
    Change::Put(Account { grants: Arc::new(grants), ..account.clone() })
}

/// The privileges that are named, which have to be of their level.
fn permission(level: &Level, named: &[NamedPrivilege]) -> SqlResult<Permission> {
    let all = match level {
        Level::Global => Privileges::ALL,
        Level::Database(_) => Privileges::OF_DATABASE,
        Level::Table(..) => Privileges::OF_TABLE,
        Level::Routine(..) => Privileges::OF_ROUTINE,
    };
    let mut found = Permission::default();
    if named.is_empty() {
        found.privileges = all.without(Privileges::GRANT);
        if *level == Level::Global {
            found.dynamic = DYNAMIC.to_vec();
        }
        return Ok(found);
    }
    for one in named {
        if one.name == "USAGE" || one.name == "GRANT OPTION" {
            continue;
        }
        let known = PRIVILEGES.iter().find(|known| known.text == one.name);
        let Some(privilege) = known.map(|known| known.privilege) else {
            found.dynamic.push(dynamic(level, &one.name)?);
            continue;
        };
        if one.columns.is_empty() {
            check_level(level, all, privilege)?;
            found.privileges |= privilege.into();
            continue;
        }
        if !matches!(level, Level::Table(..)) {
            return Err(wrong_usage("COLUMN GRANT", "GENERAL PRIVILEGES"));
        }
        if !Privileges::OF_COLUMN.contains(privilege) {
            return Err(wrong_usage("COLUMN GRANT", "NON-COLUMN PRIVILEGES"));
        }
        let columns = one.columns.iter().map(|column| (column.to_lowercase(), privilege.into()));
        found.columns.extend(columns);
    }
    Ok(found)
}

/// A dynamic privilege by its name. Error 3929 for one that nobody has registered, 3619 below the global level.
fn dynamic(level: &Level, name: &str) -> SqlResult<&'static str> {
    let known = dynamic_name(name).ok_or_else(|| {
        let message = format!("Dynamic privilege '{name}' is not registered with the server.");
        SqlError::new(errno::DYNAMIC_PRIVILEGE_NOT_REGISTERED, message)
    })?;
    if *level == Level::Global {
        return Ok(known);
    }
    let message = format!("Illegal privilege level specified for {known}");
    Err(SqlError::new(errno::ILLEGAL_PRIVILEGE_LEVEL, message))
}

/// Errors 1221 and 1144 for a privilege that is of another level.
fn check_level(level: &Level, all: Privileges, privilege: Privilege) -> SqlResult<()> {
    if all.contains(privilege) {
        return Ok(());
    }
    Err(match level {
        Level::Database(_) => wrong_usage("DB GRANT", "GLOBAL PRIVILEGES"),
        _ => SqlError::new(
            errno::ILLEGAL_GRANT_FOR_TABLE,
            "Illegal GRANT/REVOKE command; please consult the manual to see which privileges can be used",
        ),
    })
}

/// Error 1221.
fn wrong_usage(what: &str, with: &str) -> SqlError {
    SqlError::new(errno::WRONG_USAGE, format!("Incorrect usage of {what} and {with}"))
}

/// What is granted on has to be there, but for a table that its owner is to make.
fn check_there(schema: &InfoSchema, level: &Level, given: &Permission) -> SqlResult<()> {
    match level {
        Level::Global | Level::Database(_) => Ok(()),
        Level::Table(database, name) => {
            if given.privileges.contains(Privilege::Create) {
                return Ok(());
            }
            let table = schema.table(database, name).ok_or_else(|| {
                let message = format!("Table '{database}.{name}' doesn't exist");
                SqlError::new(errno::NO_SUCH_TABLE, message)
            })?;
            let is_there = |name: &str| {
                table.visible_columns().iter().any(|column| column.name.to_lowercase() == name)
            };
            match given.columns.iter().find(|(column, _)| !is_there(column)) {
                Some((column, _)) => Err(SqlError::new(
                    errno::BAD_FIELD,
                    format!("Unknown column '{column}' in '{name}'"),
                )),
                None => Ok(()),
            }
        }
        Level::Routine(kind, database, name) => match schema.routine(database, *kind, name) {
            Some(_) => Ok(()),
            None => Err(no_routine(*kind, database, name)),
        },
    }
}

/// Errors 1141, 1147 and 1403.
fn no_grant(level: &Level, name: &UserName) -> SqlError {
    let text =
        format!("There is no such grant defined for user '{}' on host '{}'", name.user, name.host);
    match level {
        Level::Global | Level::Database(_) => SqlError::new(errno::NONEXISTING_GRANT, text),
        Level::Table(_, table) => {
            SqlError::new(errno::NONEXISTING_TABLE_GRANT, format!("{text} on table '{table}'"))
        }
        Level::Routine(RoutineKind::Procedure | RoutineKind::Function, _, routine) => {
            let message = format!("{text} on routine '{routine}'");
            SqlError::new(errno::NONEXISTING_PROC_GRANT, message)
        }
    }
}
