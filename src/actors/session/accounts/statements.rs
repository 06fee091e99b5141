//! CREATE USER, ALTER USER, DROP USER and SET PASSWORD.

use std::sync::Arc;

use super::cache::Change;
use super::table::AccountTable;
use crate::actors::session::Account;
use crate::actors::session::core::Core;
use crate::common::{SqlError, SqlResult, errno};
use crate::protocol::auth::Plugin;
use crate::sql::accounts::{AccountName, AccountOptions};
use crate::sql::parser::ast::{UserName, UserSpec};

impl Core {
    /// SET PASSWORD.
    pub(in crate::actors::session) async fn set_password(
        &mut self,
        user: Option<&UserName>,
        password: &str,
    ) -> SqlResult<()> {
        let user = user.cloned().unwrap_or_else(|| self.own_name());
        let spec = UserSpec { user, password: Some(password.to_owned()), ..UserSpec::default() };
        self.alter_users(&[spec], false).await
    }

    /// FLUSH PRIVILEGES: the accounts are read again, which happens by itself too.
    pub(in crate::actors::session) async fn reload_accounts(&self) -> SqlResult<()> {
        self.services.accounts.refresh(&*self.services.store).await
    }

    /// Changes accounts, and has all nodes read them again.
    pub(super) async fn change_accounts(
        &self,
        decide: impl Fn(&AccountTable) -> SqlResult<Vec<Change>>,
    ) -> SqlResult<()> {
        self.services.accounts.change(&*self.services.store, decide).await?;
        if let Some(others) = &self.services.others {
            for node in others.accounts_changed().await {
                let text =
                    format!("node {node} does not answer: it reads the accounts a little later");
                self.eval.warn(errno::UNKNOWN, text);
            }
        }
        Ok(())
    }

    /// The account that the session is logged in as: CURRENT_USER.
    fn own_name(&self) -> UserName {
        UserName {
            user: self.client.user.clone(),
            host: self.client.account_host.clone(),
            is_current: false,
        }
    }

    /// `CURRENT_USER()` stands for the session's account.
    pub(super) fn named(&self, name: &UserName) -> UserName {
        if name.is_current { self.own_name() } else { name.clone() }
    }

    /// CREATE USER: all of them or none. With IF NOT EXISTS those that are there are passed over with a note (3163).
    pub(in crate::actors::session) async fn create_users(
        &mut self,
        users: &[UserSpec],
        if_not_exists: bool,
    ) -> SqlResult<()> {
        users.iter().try_for_each(|spec| check_length(&spec.user))?;
        let plugin = self.services.accounts.default_plugin();
        let decide = |table: &AccountTable| {
            let known: Vec<&UserSpec> =
                users.iter().filter(|spec| exists(table, &spec.user)).collect();
            if !known.is_empty() && !if_not_exists {
                return Err(failed("CREATE USER", known.iter().map(|spec| &spec.user)));
            }
            let mut changes: Vec<Change> = users
                .iter()
                .filter(|spec| !exists(table, &spec.user))
                .map(|spec| account_of(spec, find(table, &spec.user), plugin).map(Change::Put))
                .collect::<SqlResult<_>>()?;
            changes.extend(kept_root(table, &changes).map(Change::Put));
            Ok(changes)
        };
        if if_not_exists {
            let table = self.services.accounts.table();
            for spec in users.iter().filter(|spec| exists(&table, &spec.user)) {
                let message = format!(
                    "Authorization ID '{}'@'{}' already exists.",
                    spec.user.user, spec.user.host
                );
                self.eval.note(errno::USER_ALREADY_EXISTS, message);
            }
        }
        self.change_accounts(decide).await
    }

    /// ALTER USER: all of them or none. With IF EXISTS those that are not there are passed over with a note (3162).
    pub(in crate::actors::session) async fn alter_users(
        &mut self,
        users: &[UserSpec],
        if_exists: bool,
    ) -> SqlResult<()> {
        let users: Vec<UserSpec> = users
            .iter()
            .map(|spec| UserSpec { user: self.named(&spec.user), ..spec.clone() })
            .collect();
        let decide = |table: &AccountTable| {
            let missing: Vec<&UserSpec> =
                users.iter().filter(|spec| find(table, &spec.user).is_none()).collect();
            if !missing.is_empty() && !if_exists {
                return Err(failed("ALTER USER", missing.iter().map(|spec| &spec.user)));
            }
            users
                .iter()
                .filter_map(|spec| find(table, &spec.user).map(|old| (spec, old)))
                .map(|(spec, old)| account_of(spec, Some(old), old.plugin).map(Change::Put))
                .collect()
        };
        if if_exists {
            self.note_missing(users.iter().map(|spec| &spec.user));
        }
        self.change_accounts(decide).await
    }

    /// DROP USER: all of them or none, with what is granted to them.
    pub(in crate::actors::session) async fn drop_users(
        &mut self,
        users: &[UserName],
        if_exists: bool,
        verb: &str,
    ) -> SqlResult<()> {
        let users: Vec<UserName> = users.iter().map(|user| self.named(user)).collect();
        let users = users.as_slice();
        let decide = |table: &AccountTable| {
            let missing: Vec<&UserName> =
                users.iter().filter(|user| find(table, user).is_none()).collect();
            if !missing.is_empty() && !if_exists {
                return Err(failed(verb, missing.into_iter()));
            }
            let known = users.iter().filter(|user| find(table, user).is_some());
            let remove = |user: &UserName| Change::Remove {
                user: user.user.clone(),
                host: user.host.clone(),
            };
            let mut changes: Vec<Change> = known.map(remove).collect();
            let gone = |account: &Account| {
                users.iter().any(|user| user.user == account.user && user.host == account.host)
            };
            // Without one, the built-in root without a password would be back.
            let keeps_root =
                table.list().iter().any(|account| account.user == "root" && !gone(account));
            if !keeps_root {
                return Err(SqlError::unsupported("DROP USER of the last account of root"));
            }
            changes.extend(without_roles(table, users));
            Ok(changes)
        };
        if if_exists {
            self.note_missing(users.iter());
        }
        self.change_accounts(decide).await
    }

    /// A note (3162) for each that IF EXISTS passes over.
    fn note_missing<'a>(&self, users: impl Iterator<Item = &'a UserName>) {
        let table = self.services.accounts.table();
        for user in users.filter(|user| find(&table, user).is_none()) {
            let message =
                format!("Authorization ID '{}'@'{}' does not exist.", user.user, user.host);
            self.eval.note(errno::USER_DOES_NOT_EXIST, message);
        }
    }
}

/// The accounts that have one of these as a role, without it.
fn without_roles(table: &AccountTable, gone: &[UserName]) -> Vec<Change> {
    let roles: Vec<AccountName> = gone.iter().map(account_name).collect();
    let stays = |account: &&Account| !roles.contains(&account.name());
    let has = |account: &&Account| account.grants.roles.iter().any(|one| roles.contains(&one.role));
    let without = |account: &Account| {
        let mut grants = (*account.grants).clone();
        roles.iter().for_each(|role| grants.revoke_role(role));
        Change::Put(Account { grants: Arc::new(grants), ..account.clone() })
    };
    table.list().iter().filter(stays).filter(has).map(without).collect()
}

/// What is written, as a name.
pub(super) fn account_name(name: &UserName) -> AccountName {
    AccountName::new(&name.user, &name.host)
}

fn find<'a>(table: &'a AccountTable, name: &UserName) -> Option<&'a Account> {
    table.get(&name.user, &name.host)
}

/// Names are as long as MySQL's may be; a host is matched at every login.
pub(super) fn check_length(name: &UserName) -> SqlResult<()> {
    for (text, what, max) in [(&name.user, "user name", 32), (&name.host, "host name", 255)] {
        if text.chars().count() > max {
            let message =
                format!("String '{text}' is too long for {what} (should be no longer than {max})");
            return Err(SqlError::new(errno::WRONG_STRING_LENGTH, message));
        }
    }
    Ok(())
}

/// The built-in root, when another account of root is made beside it: from now on it is one like others, and stays.
pub(super) fn kept_root(table: &AccountTable, changes: &[Change]) -> Option<Account> {
    let root =
        UserName { user: "root".to_owned(), host: "localhost".to_owned(), is_current: false };
    let made = |host: fn(&str) -> bool| {
        changes.iter().any(|change| {
            matches!(change, Change::Put(account) if account.user == root.user && host(&account.host))
        })
    };
    let (here, elsewhere) = (made(|host| host == "localhost"), made(|host| host != "localhost"));
    find(table, &root).filter(|_| elsewhere && !here).cloned()
}

/// Whether CREATE USER finds the name taken. The built-in root gives way to one that is made.
fn exists(table: &AccountTable, name: &UserName) -> bool {
    let built_in = |account: &Account| {
        account.user == "root" && account.host == "localhost" && account.stored.is_empty()
    };
    find(table, name).is_some_and(|account| !built_in(account))
}

pub(super) fn failed<'a>(verb: &str, names: impl Iterator<Item = &'a UserName>) -> SqlError {
    let names: Vec<String> = names.map(|name| format!("'{}'@'{}'", name.user, name.host)).collect();
    SqlError::new(errno::CANNOT_USER, format!("Operation {verb} failed for {}", names.join(",")))
}

/// The account a specification asks for; what it leaves out stays as it was.
fn account_of(spec: &UserSpec, old: Option<&Account>, default: Plugin) -> SqlResult<Account> {
    let plugin = match &spec.plugin {
        Some(name) => Plugin::by_name(name).ok_or_else(|| {
            SqlError::new(errno::PLUGIN_IS_NOT_LOADED, format!("Plugin '{name}' is not loaded"))
        })?,
        None => default,
    };
    let (grants, options) =
        old.map(|old| (old.grants.clone(), old.options.clone())).unwrap_or_default();
    let locked = spec.locked.unwrap_or(options.locked);
    let options = Arc::new(AccountOptions { locked });
    if let Some(text) = &spec.stored {
        let stored = plugin.stored_from(text).ok_or_else(|| {
            SqlError::new(
                errno::PASSWORD_FORMAT,
                "The password hash doesn't have the expected format.",
            )
        })?;
        let UserName { user, host, .. } = spec.user.clone();
        return Ok(Account { user, host, plugin, stored, grants, options });
    }
    let stored = match (&spec.password, old) {
        (Some(password), _) => plugin.stored(password),
        (None, Some(old)) if old.plugin == plugin => old.stored.clone(),
        (None, _) => Vec::new(),
    };
    let UserName { user, host, .. } = spec.user.clone();
    Ok(Account { user, host, plugin, stored, grants, options })
}
