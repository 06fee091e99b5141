//! What an account has been granted.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{AccountName, DYNAMIC, Privileges};
use crate::sql::parser::ast::RoutineKind;

/// What is granted on something: a name and what of it.
type Named<T> = BTreeMap<String, T>;

/// All that an account, or a role, has been granted. Names of databases, tables and routines are in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Grants {
    /// On everything.
    pub global: Privileges,
    /// Dynamic privileges, and whether they may be granted on.
    pub dynamic: Named<bool>,
    /// On databases, by patterns of their names.
    pub databases: Named<Privileges>,
    /// On tables, by database.
    pub tables: Named<Named<TableGrant>>,
    /// On procedures, by database.
    pub procedures: Named<Named<Privileges>>,
    /// On functions, by database.
    pub functions: Named<Named<Privileges>>,
    /// Roles.
    pub roles: Vec<RoleGrant>,
    /// Those of them that are active after a login.
    pub default_roles: Vec<AccountName>,
}

/// What is granted on a table and its columns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TableGrant {
    /// On the table.
    pub table: Privileges,
    /// On columns, by their names.
    pub columns: Named<Privileges>,
    /// Who granted it.
    pub grantor: String,
}

impl TableGrant {
    /// What there is on any of the columns.
    pub fn of_columns(&self) -> Privileges {
        self.columns.values().fold(Privileges::NONE, |all, one| all | *one)
    }

    fn is_empty(&self) -> bool {
        self.table.is_empty() && self.columns.is_empty()
    }
}

/// A role that has been granted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleGrant {
    /// Which.
    pub role: AccountName,
    /// WITH ADMIN OPTION.
    pub admin: bool,
}

/// What a privilege is granted on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Level {
    /// `*.*`.
    Global,
    /// `database.*`, a pattern.
    Database(String),
    /// `database.table`.
    Table(String, String),
    /// A procedure or a function of a database.
    Routine(RoutineKind, String, String),
}

/// Privileges, as GRANT and REVOKE name them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permission {
    /// Static ones.
    pub privileges: Privileges,
    /// Dynamic ones.
    pub dynamic: Vec<&'static str>,
    /// On columns.
    pub columns: Vec<(String, Privileges)>,
    /// WITH GRANT OPTION.
    pub grantable: bool,
    /// Who grants it.
    pub grantor: String,
}

impl Grants {
    /// Everything, with the right to grant it.
    pub fn everything() -> Grants {
        Grants {
            global: Privileges::ALL,
            dynamic: DYNAMIC.iter().map(|name| ((*name).to_owned(), true)).collect(),
            ..Grants::default()
        }
    }

    fn routines(&mut self, kind: RoutineKind) -> &mut Named<Named<Privileges>> {
        match kind {
            RoutineKind::Procedure => &mut self.procedures,
            RoutineKind::Function => &mut self.functions,
        }
    }

    /// GRANT.
    pub fn grant(&mut self, level: &Level, given: &Permission) {
        let option = if given.grantable { Privileges::GRANT } else { Privileges::NONE };
        let privileges = given.privileges | option;
        match level {
            Level::Global => {
                self.global |= if given.dynamic.is_empty() || !given.privileges.is_empty() {
                    privileges
                } else {
                    given.privileges
                };
                for name in &given.dynamic {
                    *self.dynamic.entry((*name).to_owned()).or_default() |= given.grantable;
                }
            }
            Level::Database(pattern) => {
                *self.databases.entry(pattern.clone()).or_default() |= privileges;
            }
            Level::Table(database, table) => {
                let tables = self.tables.entry(database.clone()).or_default();
                let entry = tables.entry(table.clone()).or_default();
                entry.table |= privileges;
                for (column, privileges) in &given.columns {
                    *entry.columns.entry(column.clone()).or_default() |= *privileges;
                }
                entry.grantor.clone_from(&given.grantor);
            }
            Level::Routine(kind, database, name) => {
                let routines = self.routines(*kind).entry(database.clone()).or_default();
                *routines.entry(name.clone()).or_default() |= privileges;
            }
        }
        self.drop_empty();
    }

    /// REVOKE; whether there was anything granted at that place.
    pub fn revoke(&mut self, level: &Level, taken: &Permission) -> bool {
        let option = if taken.grantable { Privileges::GRANT } else { Privileges::NONE };
        let privileges = taken.privileges | option;
        let found = match level {
            Level::Global => {
                self.global = self.global.without(privileges);
                self.dynamic.retain(|name, _| !taken.dynamic.contains(&name.as_str()));
                true
            }
            Level::Database(pattern) => {
                let entry = self.databases.get_mut(pattern);
                entry.map(|entry| *entry = entry.without(privileges)).is_some()
            }
            Level::Table(database, table) => {
                let entry = self.tables.get_mut(database).and_then(|tables| tables.get_mut(table));
                entry.map(|entry| revoke_of_table(entry, privileges, &taken.columns)).is_some()
            }
            Level::Routine(kind, database, name) => {
                let entry = self.routines(*kind).get_mut(database);
                let entry = entry.and_then(|routines| routines.get_mut(name));
                entry.map(|entry| *entry = entry.without(privileges)).is_some()
            }
        };
        self.drop_empty();
        found
    }

    /// REVOKE ALL PRIVILEGES, GRANT OPTION: everything but the roles.
    pub fn revoke_all(&mut self) {
        let (roles, default_roles) =
            (std::mem::take(&mut self.roles), std::mem::take(&mut self.default_roles));
        *self = Grants { roles, default_roles, ..Grants::default() };
    }

    /// GRANT role.
    pub fn grant_role(&mut self, role: &AccountName, admin: bool) {
        match self.roles.iter_mut().find(|one| one.role == *role) {
            Some(known) => known.admin |= admin,
            None => {
                self.roles.push(RoleGrant { role: role.clone(), admin });
                self.roles.sort_by(|a, b| a.role.cmp(&b.role));
            }
        }
    }

    /// REVOKE role.
    pub fn revoke_role(&mut self, role: &AccountName) {
        self.roles.retain(|one| one.role != *role);
        self.default_roles.retain(|one| one != role);
    }

    /// A role has another name from now on.
    pub fn rename_role(&mut self, old: &AccountName, new: &AccountName) {
        let granted = self.roles.iter_mut().map(|one| &mut one.role);
        granted.chain(&mut self.default_roles).filter(|one| *one == old).for_each(|one| {
            one.clone_from(new);
        });
    }

    fn drop_empty(&mut self) {
        self.databases.retain(|_, one| !one.is_empty());
        for tables in self.tables.values_mut() {
            for table in tables.values_mut() {
                table.columns.retain(|_, one| !one.is_empty());
            }
            tables.retain(|_, one| !one.is_empty());
        }
        self.tables.retain(|_, tables| !tables.is_empty());
        for routines in [&mut self.procedures, &mut self.functions] {
            routines.values_mut().for_each(|some| some.retain(|_, one| !one.is_empty()));
            routines.retain(|_, some| !some.is_empty());
        }
    }
}

/// What is taken from a whole table is taken from its columns, too.
fn revoke_of_table(
    entry: &mut TableGrant,
    privileges: Privileges,
    columns: &[(String, Privileges)],
) {
    entry.table = entry.table.without(privileges);
    entry.columns.values_mut().for_each(|one| *one = one.without(privileges));
    for (column, privileges) in columns {
        if let Some(one) = entry.columns.get_mut(column) {
            *one = one.without(*privileges);
        }
    }
}
