//! What SHOW GRANTS shows.

use super::{AccountName, Grants, PRIVILEGES, Privileges};
use crate::sql::digest::quote_name;

/// ` WITH GRANT OPTION`, where it is among the privileges.
fn option(privileges: Privileges) -> &'static str {
    if privileges.has(Privileges::GRANT) { " WITH GRANT OPTION" } else { "" }
}

/// The names of privileges; `all`: those that are called ALL PRIVILEGES together.
fn named(privileges: Privileges, all: Option<Privileges>) -> String {
    let plain = privileges.without(Privileges::GRANT);
    match all {
        Some(all) if plain.has(all.without(Privileges::GRANT)) => "ALL PRIVILEGES".to_owned(),
        _ if plain.is_empty() => "USAGE".to_owned(),
        _ => plain.text(),
    }
}

/// The statements that grant all this to an account.
pub fn shown_grants(to: &AccountName, grants: &Grants) -> Vec<String> {
    let mut lines = vec![format!(
        "GRANT {} ON *.* TO {to}{}",
        named(grants.global, None),
        option(grants.global)
    )];
    for (grantable, option) in [(false, ""), (true, " WITH GRANT OPTION")] {
        let names: Vec<&str> = grants
            .dynamic
            .iter()
            .filter(|(_, one)| **one == grantable)
            .map(|(name, _)| name.as_str())
            .collect();
        if !names.is_empty() {
            lines.push(format!("GRANT {} ON *.* TO {to}{option}", names.join(",")));
        }
    }
    for (database, privileges) in &grants.databases {
        let names = named(*privileges, Some(Privileges::OF_DATABASE));
        let on = quote_name(database);
        lines.push(format!("GRANT {names} ON {on}.* TO {to}{}", option(*privileges)));
    }
    for (database, tables) in &grants.tables {
        for (table, one) in tables {
            let on = format!("{}.{}", quote_name(database), quote_name(table));
            let names = of_table(one);
            lines.push(format!("GRANT {names} ON {on} TO {to}{}", option(one.table)));
        }
    }
    for (kind, routines) in [("PROCEDURE", &grants.procedures), ("FUNCTION", &grants.functions)] {
        for (database, some) in routines {
            for (name, privileges) in some {
                let on = format!("{kind} {}.{}", quote_name(database), quote_name(name));
                let names = named(*privileges, None);
                lines.push(format!("GRANT {names} ON {on} TO {to}{}", option(*privileges)));
            }
        }
    }
    for (admin, option) in [(false, ""), (true, " WITH ADMIN OPTION")] {
        let roles: Vec<String> = grants
            .roles
            .iter()
            .filter(|one| one.admin == admin)
            .map(|one| one.role.to_string())
            .collect();
        if !roles.is_empty() {
            lines.push(format!("GRANT {} TO {to}{option}", roles.join(",")));
        }
    }
    lines
}

/// The privileges on a table, each with the columns that it is granted on.
fn of_table(grant: &super::TableGrant) -> String {
    if grant.columns.is_empty() {
        return named(grant.table, Some(Privileges::OF_TABLE));
    }
    let mut parts = Vec::new();
    for one in PRIVILEGES.iter().map(|one| one.privilege) {
        if one == super::Privilege::Grant {
            continue;
        }
        if grant.table.contains(one) {
            parts.push(one.text().to_owned());
        }
        let columns: Vec<String> = grant
            .columns
            .iter()
            .filter(|(_, privileges)| privileges.contains(one))
            .map(|(column, _)| quote_name(column))
            .collect();
        if !columns.is_empty() {
            parts.push(format!("{} ({})", one.text(), columns.join(", ")));
        }
    }
    parts.join(", ")
}
