//! What several tables tell of accounts and of what they have been granted.

use super::asked::Asked;
use super::sources::Account;
use crate::sql::accounts::{PRIVILEGES, Privilege, Privileges, TableGrant};

/// The accounts that whoever asks may know of: all, or their own.
pub(super) fn seen(asked: &Asked<'_>) -> Vec<Account> {
    let mut accounts = asked.sources.accounts();
    let all = asked.sources.rights().table("mysql", "user").contains(Privilege::Select);
    if !all {
        let (user, host) = asked.sources.current_account();
        accounts.retain(|account| account.user == user && account.host == host);
    }
    accounts
}

/// `'user'@'host'`.
pub(super) fn grantee(account: &Account) -> String {
    account.name().quoted()
}

/// `Y` or `N`.
pub(super) fn yes(privileges: Privileges, one: Privilege) -> &'static str {
    if privileges.contains(one) { "Y" } else { "N" }
}

/// `YES` or `NO`.
pub(super) fn grantable(privileges: Privileges) -> &'static str {
    if privileges.has(Privileges::GRANT) { "YES" } else { "NO" }
}

/// The names of privileges, each a row; USAGE if there is none and that is to be said.
pub(super) fn names(privileges: Privileges, usage: bool) -> Vec<&'static str> {
    let plain = privileges.without(Privileges::GRANT);
    match usage && plain.is_empty() {
        true => vec!["USAGE"],
        false => plain.list().map(Privilege::text).collect(),
    }
}

/// Privileges as a SET of MySQL's tables of grants: `Select,Create View`.
pub(super) fn as_set(privileges: Privileges) -> String {
    let titled = |text: &str| {
        let word = |word: &str| {
            let (first, rest) = word.split_at(1);
            format!("{first}{}", rest.to_lowercase())
        };
        text.split(' ').map(word).collect::<Vec<_>>().join(" ")
    };
    let name = |one: Privilege| match one {
        Privilege::Grant => "Grant".to_owned(),
        other => titled(other.text()),
    };
    let all: Vec<String> = PRIVILEGES
        .iter()
        .map(|one| one.privilege)
        .filter(|one| privileges.contains(*one))
        .map(name)
        .collect();
    all.join(",")
}

/// The tables that accounts have been granted something on: account, database, table.
pub(super) fn tables(accounts: Vec<Account>) -> Vec<(Account, String, String, TableGrant)> {
    let mut found = Vec::new();
    for account in accounts {
        for (database, tables) in &account.grants.tables {
            for (table, one) in tables {
                found.push((account.clone(), database.clone(), table.clone(), one.clone()));
            }
        }
    }
    found
}
