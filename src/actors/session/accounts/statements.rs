//! CREATE USER, ALTER USER, DROP USER and SET PASSWORD.

use super::cache::Change;
use super::table::AccountTable;
use crate::actors::session::Account;
use crate::actors::session::core::Core;
use crate::common::{SqlError, SqlResult, errno};
use crate::protocol::auth::Plugin;
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

    fn own_name(&self) -> UserName {
        UserName {
            user: self.client.user.clone(),
            host: self.client.account_host.clone(),
            is_current: false,
        }
    }

    /// `CURRENT_USER()` stands for the session's account.
    fn named(&self, name: &UserName) -> UserName {
        if name.is_current { self.own_name() } else { name.clone() }
    }

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
                .map(|spec| account_of(spec, None, plugin).map(Change::Put))
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
        self.services.accounts.change(&*self.services.store, decide).await
    }

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
        self.services.accounts.change(&*self.services.store, decide).await
    }

    pub(in crate::actors::session) async fn drop_users(
        &mut self,
        users: &[UserName],
        if_exists: bool,
    ) -> SqlResult<()> {
        let decide = |table: &AccountTable| {
            let missing: Vec<&UserName> =
                users.iter().filter(|user| find(table, user).is_none()).collect();
            if !missing.is_empty() && !if_exists {
                return Err(failed("DROP USER", missing.into_iter()));
            }
            let known = users.iter().filter(|user| find(table, user).is_some());
            let remove = |user: &UserName| Change::Remove {
                user: user.user.clone(),
                host: user.host.clone(),
            };
            let changes: Vec<Change> = known.map(remove).collect();
            let gone = |account: &Account| {
                users.iter().any(|user| user.user == account.user && user.host == account.host)
            };
            // Without one, the built-in root without a password would be back.
            let keeps_root =
                table.list().iter().any(|account| account.user == "root" && !gone(account));
            if !keeps_root {
                return Err(SqlError::unsupported("DROP USER of the last account of root"));
            }
            Ok(changes)
        };
        if if_exists {
            self.note_missing(users.iter());
        }
        self.services.accounts.change(&*self.services.store, decide).await
    }

    fn note_missing<'a>(&self, users: impl Iterator<Item = &'a UserName>) {
        let table = self.services.accounts.table();
        for user in users.filter(|user| find(&table, user).is_none()) {
            let message =
                format!("Authorization ID '{}'@'{}' does not exist.", user.user, user.host);
            self.eval.note(errno::USER_DOES_NOT_EXIST, message);
        }
    }
}

fn find<'a>(table: &'a AccountTable, name: &UserName) -> Option<&'a Account> {
    table.get(&name.user, &name.host)
}

/// Names are as long as MySQL's may be; a host is matched at every login.
fn check_length(name: &UserName) -> SqlResult<()> {
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
fn kept_root(table: &AccountTable, changes: &[Change]) -> Option<Account> {
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

fn failed<'a>(verb: &str, names: impl Iterator<Item = &'a UserName>) -> SqlError {
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
    if let Some(text) = &spec.stored {
        let stored = plugin.stored_from(text).ok_or_else(|| {
            SqlError::new(
                errno::PASSWORD_FORMAT,
                "The password hash doesn't have the expected format.",
            )
        })?;
        let UserName { user, host, .. } = spec.user.clone();
        return Ok(Account { user, host, plugin, stored });
    }
    let stored = match (&spec.password, old) {
        (Some(password), _) => plugin.stored(password),
        (None, Some(old)) if old.plugin == plugin => old.stored.clone(),
        (None, _) => Vec::new(),
    };
    Ok(Account { user: spec.user.user.clone(), host: spec.user.host.clone(), plugin, stored })
}
