//! SHOW GRANTS, SHOW CREATE USER and SHOW PRIVILEGES.

use std::collections::BTreeSet;

use super::{Showing, Shown};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::accounts::{
    AccountName, DYNAMIC, Grants, Level, PRIVILEGES, Permission, shown_grants,
};
use crate::sql::parser::ast::{RoutineKind, UserName};
use crate::sql::system::sources::Account;
use crate::sql::types::Datum;

/// SHOW PRIVILEGES.
pub(super) fn privileges() -> Shown {
    let static_ones =
        PRIVILEGES.iter().map(|one| [titled(one.text), one.context.into(), one.comment.into()]);
    let usage = ["Usage", "Server Admin", "No privileges - allow connect only"].map(str::to_owned);
    let dynamic =
        DYNAMIC.iter().map(|name| [(*name).to_owned(), "Server Admin".into(), String::new()]);
    let rows = static_ones.chain([usage]).chain(dynamic);
    let rows = rows.map(|row| row.map(|text| Datum::from(text.as_str())).to_vec()).collect();
    Shown::new(&["Privilege", "Context", "Comment"], rows)
}

/// `GRANT OPTION` as SHOW PRIVILEGES writes it: `Grant option`.
fn titled(text: &str) -> String {
    let (first, rest) = text.split_at(1);
    format!("{first}{}", rest.to_lowercase())
}

/// All that an account has with these roles, added to `all`.
fn add_all(
    all: &mut Grants,
    accounts: &[Account],
    name: &AccountName,
    seen: &mut BTreeSet<AccountName>,
) {
    let Some(account) = accounts.iter().find(|one| one.name() == *name) else { return };
    if !seen.insert(name.clone()) {
        return;
    }
    let grants = &account.grants;
    let permission = |privileges| Permission { privileges, ..Permission::default() };
    all.grant(&Level::Global, &permission(grants.global));
    for (name, grantable) in &grants.dynamic {
        *all.dynamic.entry(name.clone()).or_default() |= *grantable;
    }
    for (pattern, privileges) in &grants.databases {
        all.grant(&Level::Database(pattern.clone()), &permission(*privileges));
    }
    for (database, tables) in &grants.tables {
        for (table, one) in tables {
            let columns = one.columns.iter().map(|(name, one)| (name.clone(), *one)).collect();
            let given = Permission { columns, ..permission(one.table) };
            all.grant(&Level::Table(database.clone(), table.clone()), &given);
        }
    }
    for (kind, routines) in
        [(RoutineKind::Procedure, &grants.procedures), (RoutineKind::Function, &grants.functions)]
    {
        for (database, some) in routines {
            for (name, privileges) in some {
                let level = Level::Routine(kind, database.clone(), name.clone());
                all.grant(&level, &permission(*privileges));
            }
        }
    }
}

impl Showing<'_> {
    fn account<'a>(&self, accounts: &'a [Account], name: &UserName) -> Option<&'a Account> {
        let (user, host) = match name.is_current {
            true => self.sources.current_account(),
            false => (name.user.as_str(), name.host.as_str()),
        };
        accounts.iter().find(|one| one.user == user && one.host == host)
    }

    /// The text that makes an account again.
    pub(super) fn create_user(&self, name: &UserName) -> SqlResult<Shown> {
        let accounts = self.sources.accounts();
        let account = self.account(&accounts, name).ok_or_else(|| {
            let name = AccountName::new(&name.user, &name.host).quoted();
            SqlError::new(
                errno::CANNOT_USER,
                format!("Operation SHOW CREATE USER failed for {name}"),
            )
        })?;
        let mut text =
            format!("CREATE USER {} IDENTIFIED WITH '{}'", account.name(), account.plugin.name());
        if !account.stored.is_empty() {
            text += &format!(" AS '{}'", account.shown_password());
        }
        let lock = if account.options.locked { "LOCK" } else { "UNLOCK" };
        if !account.grants.default_roles.is_empty() {
            let roles: Vec<String> =
                account.grants.default_roles.iter().map(ToString::to_string).collect();
            text += &format!(" DEFAULT ROLE {}", roles.join(","));
        }
        text += &format!(
            " REQUIRE NONE PASSWORD EXPIRE DEFAULT ACCOUNT {lock} PASSWORD HISTORY DEFAULT PASSWORD REUSE \
             INTERVAL DEFAULT PASSWORD REQUIRE CURRENT DEFAULT"
        );
        let head = format!("!CREATE USER for {}@{}", account.user, account.host);
        Ok(Shown::new(&[&head], vec![vec![Datum::from(text)]]))
    }

    /// SHOW GRANTS: what an account has, with what these roles have; of one's own with the active ones.
    pub(super) fn grants(&self, user: Option<&UserName>, using: &[UserName]) -> SqlResult<Shown> {
        let own = UserName { is_current: true, ..UserName::default() };
        let named = user.unwrap_or(&own);
        let accounts = self.sources.accounts();
        let account = self.account(&accounts, named).ok_or_else(|| {
            SqlError::new(
                errno::NONEXISTING_GRANT,
                format!(
                    "There is no such grant defined for user '{}' on host '{}'",
                    named.user, named.host
                ),
            )
        })?;
        let name = account.name();
        let mut roles: Vec<AccountName> =
            using.iter().map(|role| AccountName::new(&role.user, &role.host)).collect();
        if let Some(role) =
            roles.iter().find(|role| !account.grants.roles.iter().any(|one| one.role == **role))
        {
            let message = format!("{role} is not granted to {name}");
            return Err(SqlError::new(errno::ROLE_NOT_GRANTED, message));
        }
        if user.is_none() {
            roles = self.sources.rights().roles().to_vec();
        }
        let mut all = (*account.grants).clone();
        let mut seen = BTreeSet::from([name.clone()]);
        while let Some(role) = roles.pop() {
            let known = seen.contains(&role);
            add_all(&mut all, &accounts, &role, &mut seen);
            let granted = accounts.iter().find(|one| !known && one.name() == role);
            roles.extend(
                granted.iter().flat_map(|one| &one.grants.roles).map(|one| one.role.clone()),
            );
        }
        let rows = shown_grants(&name, &all);
        let rows = rows.iter().map(|line| vec![Datum::from(line.as_str())]).collect();
        Ok(Shown::new(&[&format!("!Grants for {}@{}", name.user, name.host)], rows))
    }
}
