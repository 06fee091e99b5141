//! Roles, and other names for accounts.

use std::sync::Arc;

use super::cache::Change;
use super::grants::put;
use super::statements::{account_name, check_length, failed};
use super::table::AccountTable;
use crate::actors::session::Account;
use crate::actors::session::core::Core;
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::accounts::{AccountName, AccountOptions, Grants, Privilege};
use crate::sql::parser::ast::{Revoke, RoleChoice, UserName};

impl Core {
    /// CREATE ROLE: accounts that nobody logs in with.
    pub(in crate::actors::session) async fn create_roles(
        &mut self,
        roles: &[UserName],
        if_not_exists: bool,
    ) -> SqlResult<()> {
        roles.iter().try_for_each(check_length)?;
        let plugin = self.services.accounts.default_plugin();
        let decide = |table: &AccountTable| {
            let (known, new): (Vec<&UserName>, Vec<&UserName>) =
                roles.iter().partition(|role| table.named(&account_name(role)).is_some());
            if !known.is_empty() && !if_not_exists {
                return Err(failed("CREATE ROLE", known.into_iter()));
            }
            let made = |role: &UserName| {
                Change::Put(Account {
                    user: role.user.clone(),
                    host: role.host.clone(),
                    plugin,
                    stored: Vec::new(),
                    grants: Arc::default(),
                    options: Arc::new(AccountOptions { locked: true }),
                })
            };
            Ok(new.into_iter().map(made).collect())
        };
        if if_not_exists {
            let table = self.services.accounts.table();
            for role in roles.iter().filter(|role| table.named(&account_name(role)).is_some()) {
                let message =
                    format!("Authorization ID {} already exists.", account_name(role).quoted());
                self.eval.note(errno::USER_ALREADY_EXISTS, message);
            }
        }
        self.change_accounts(decide).await
    }

    /// RENAME USER.
    pub(in crate::actors::session) async fn rename_users(
        &mut self,
        renames: &[(UserName, UserName)],
    ) -> SqlResult<()> {
        renames.iter().try_for_each(|(_, new)| check_length(new))?;
        let renames: Vec<(AccountName, AccountName)> = renames
            .iter()
            .map(|(old, new)| (account_name(&self.named(old)), account_name(new)))
            .collect();
        let decide = |table: &AccountTable| {
            let mut accounts = table.list().to_vec();
            for (old, new) in &renames {
                let at = accounts.iter().position(|account| account.name() == *old);
                let taken = accounts.iter().any(|account| account.name() == *new);
                let Some(at) = at.filter(|_| !taken) else {
                    return Err(SqlError::new(
                        errno::CANNOT_USER,
                        format!("Operation RENAME USER failed for {}", old.quoted()),
                    ));
                };
                accounts[at].user.clone_from(&new.user);
                accounts[at].host.clone_from(&new.host);
                for account in &mut accounts {
                    if account.grants.roles.iter().any(|one| one.role == *old) {
                        Arc::make_mut(&mut account.grants).rename_role(old, new);
                    }
                }
            }
            if !accounts.iter().any(|account| account.user == "root") {
                return Err(SqlError::unsupported("RENAME USER of the last account of root"));
            }
            let removed = renames
                .iter()
                .map(|(old, _)| Change::Remove { user: old.user.clone(), host: old.host.clone() });
            let changed = accounts.into_iter().filter(|account| {
                table.named(&account.name()).is_none_or(|before| before != account)
            });
            Ok(removed.chain(changed.map(Change::Put)).collect())
        };
        self.change_accounts(decide).await
    }

    /// GRANT role TO account.
    pub(super) async fn grant_roles(
        &mut self,
        roles: &[UserName],
        to: &[UserName],
        admin: bool,
    ) -> SqlResult<()> {
        let roles: Vec<AccountName> = roles.iter().map(account_name).collect();
        self.check_role_admin(&roles)?;
        let decide = |table: &AccountTable| {
            let mut changes = Vec::new();
            for name in to {
                let name = account_name(name);
                let account = table.named(&name).ok_or_else(|| unknown(&name))?;
                let mut grants = (*account.grants).clone();
                for role in &roles {
                    table.named(role).ok_or_else(|| unknown(role))?;
                    if *role == name || reaches(table, role, &name) {
                        return Err(SqlError::new(
                            errno::ROLE_GRANTED_TO_ITSELF,
                            format!(
                                "User account {name} is directly or indirectly granted to the role {role}. The GRANT \
                                 would create a loop"
                            ),
                        ));
                    }
                    grants.grant_role(role, admin);
                }
                changes.push(put(account, grants));
            }
            Ok(changes)
        };
        self.change_accounts(decide).await
    }

    /// REVOKE role FROM account.
    pub(super) async fn revoke_roles(
        &mut self,
        roles: &[UserName],
        from: &[UserName],
        revoke: &Revoke,
    ) -> SqlResult<()> {
        let roles: Vec<AccountName> = roles.iter().map(account_name).collect();
        self.check_role_admin(&roles)?;
        let ignores = revoke.ignores_unknown;
        let (known, mut missing) =
            self.known(from, ignores, |name| unknown(&account_name(name)))?;
        let table = self.services.accounts.table();
        for role in &roles {
            if table.named(role).is_none() {
                if !revoke.if_exists {
                    return Err(unknown(role));
                }
                let UserName { is_current, .. } = UserName::default();
                let (user, host) = (role.user.clone(), role.host.clone());
                missing.push(UserName { user, host, is_current });
            }
        }
        let decide = |table: &AccountTable| {
            let accounts = known.iter().filter_map(|name| table.named(&account_name(name)));
            let without = accounts.map(|account| {
                let mut grants = (*account.grants).clone();
                roles.iter().for_each(|role| grants.revoke_role(role));
                put(account, grants)
            });
            Ok(without.collect())
        };
        self.warn_of_unknown(&missing);
        self.change_accounts(decide).await
    }

    /// Error 1227 for who has neither ROLE_ADMIN nor these roles WITH ADMIN OPTION.
    fn check_role_admin(&mut self, roles: &[AccountName]) -> SqlResult<()> {
        let rights = self.rights();
        if rights.has_dynamic("ROLE_ADMIN") || rights.global().contains(Privilege::Super) {
            return Ok(());
        }
        let table = self.services.accounts.table();
        let holders = [account_name(&self.named(&own()))].into_iter();
        let holders: Vec<AccountName> = holders.chain(rights.roles().iter().cloned()).collect();
        let administers = |role: &AccountName| {
            let grants = holders.iter().filter_map(|name| table.named(name));
            grants.flat_map(|one| &one.grants.roles).any(|one| one.admin && one.role == *role)
        };
        match roles.iter().all(administers) {
            true => Ok(()),
            false => Err(self.who().need("WITH ADMIN, ROLE_ADMIN, SUPER")),
        }
    }

    /// SET DEFAULT ROLE and ALTER USER … DEFAULT ROLE.
    pub(in crate::actors::session) async fn set_default_role(
        &mut self,
        choice: &RoleChoice,
        users: &[UserName],
    ) -> SqlResult<()> {
        let users: Vec<UserName> = users.iter().map(|name| self.named(name)).collect();
        let own = self.named(&own());
        let rights = self.rights();
        if users.iter().any(|name| *name != own) && !rights.global().contains(Privilege::CreateUser)
        {
            return Err(self.who().need("CREATE USER"));
        }
        let decide = |table: &AccountTable| {
            let missing: Vec<&UserName> =
                users.iter().filter(|name| table.named(&account_name(name)).is_none()).collect();
            if !missing.is_empty() {
                return Err(failed("SET DEFAULT ROLE", missing.into_iter()));
            }
            let mut changes = Vec::new();
            for account in users.iter().filter_map(|name| table.named(&account_name(name))) {
                let mut grants = (*account.grants).clone();
                grants.default_roles = chosen(choice, &account.name(), &grants)?;
                changes.push(put(account, grants));
            }
            Ok(changes)
        };
        self.change_accounts(decide).await
    }

    /// SET ROLE.
    pub(in crate::actors::session) fn set_role(&mut self, choice: &RoleChoice) -> SqlResult<()> {
        let name = account_name(&self.named(&own()));
        let table = self.services.accounts.table();
        let grants = table.named(&name).map(|account| account.grants.clone()).unwrap_or_default();
        let roles = match choice {
            RoleChoice::Default => grants.default_roles.clone(),
            other => chosen(other, &name, &grants)?,
        };
        self.activate_roles(roles);
        Ok(())
    }
}

/// The session's own account.
fn own() -> UserName {
    UserName { is_current: true, ..UserName::default() }
}

/// The roles that are chosen of those that an account has. Error 3530 for others.
pub(super) fn chosen(
    choice: &RoleChoice,
    account: &AccountName,
    grants: &Grants,
) -> SqlResult<Vec<AccountName>> {
    let has = |role: &AccountName| grants.roles.iter().any(|one| one.role == *role);
    let check = |roles: &[UserName]| {
        let roles: Vec<AccountName> = roles.iter().map(account_name).collect();
        match roles.iter().find(|role| !has(role)) {
            Some(role) => {
                let message = format!("{role} is not granted to {account}");
                Err(SqlError::new(errno::ROLE_NOT_GRANTED, message))
            }
            None => Ok(roles),
        }
    };
    match choice {
        RoleChoice::Default | RoleChoice::None => Ok(Vec::new()),
        RoleChoice::These(roles) => check(roles),
        RoleChoice::All(except) => {
            let except = check(except)?;
            let all = grants.roles.iter().map(|one| one.role.clone());
            Ok(all.filter(|role| !except.contains(role)).collect())
        }
    }
}

/// Whether a role has another one, directly or through others.
fn reaches(table: &AccountTable, from: &AccountName, to: &AccountName) -> bool {
    let mut open = vec![from.clone()];
    let mut seen = Vec::new();
    while let Some(name) = open.pop() {
        if seen.contains(&name) {
            continue;
        }
        if let Some(account) = table.named(&name) {
            if account.grants.roles.iter().any(|one| one.role == *to) {
                return true;
            }
            open.extend(account.grants.roles.iter().map(|one| one.role.clone()));
        }
        seen.push(name);
    }
    false
}

/// Error 3523.
fn unknown(name: &AccountName) -> SqlError {
    SqlError::new(errno::UNKNOWN_AUTHID, format!("Unknown authorization ID {name}"))
}
