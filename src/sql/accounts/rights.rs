//! What an account may do now: its grants and those of its active roles, added up.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{AccountName, Grants, Privilege, Privileges, TableGrant};
use crate::sql::parser::ast::RoutineKind;

/// What an account may do.
#[derive(Clone, Debug, Default)]
pub struct Rights {
    everything: bool,
    global: Privileges,
    dynamic: BTreeMap<String, bool>,
    /// What each of the accounts that it adds up has on databases, the most specific pattern first.
    databases: Vec<Vec<(String, Privileges)>>,
    tables: HashMap<String, HashMap<String, TableGrant>>,
    procedures: HashMap<String, HashMap<String, Privileges>>,
    functions: HashMap<String, HashMap<String, Privileges>>,
    /// The active roles.
    roles: Vec<AccountName>,
}

/// The whole name of something in lower case, without an allocation where it is.
fn folded(name: &str) -> std::borrow::Cow<'_, str> {
    match name.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
        true => name.into(),
        false => name.to_lowercase().into(),
    }
}

impl Rights {
    /// Those of an account with these roles active. `grants` tells what an account has been granted; `None`: there is no such account.
    pub fn of<'g>(
        account: &AccountName,
        roles: &[AccountName],
        grants: &dyn Fn(&AccountName) -> Option<&'g Grants>,
    ) -> Rights {
        let mut rights = Rights { roles: roles.to_vec(), ..Rights::default() };
        let mut seen = BTreeSet::new();
        let mut open: Vec<&AccountName> = roles.iter().collect();
        if let Some(own) = grants(account) {
            rights.add(own);
        }
        while let Some(role) = open.pop() {
            if !seen.insert(role) {
                continue;
            }
            if let Some(granted) = grants(role) {
                rights.add(granted);
                open.extend(granted.roles.iter().map(|one| &one.role));
            }
        }
        rights.everything = rights.global.has(Privileges::ALL)
            && super::DYNAMIC.iter().all(|name| rights.dynamic.contains_key(*name));
        rights
    }

    /// All there are.
    pub fn everything() -> Rights {
        let grants = Grants::everything();
        Rights::of(&AccountName::default(), &[], &|_| Some(&grants))
    }

    fn add(&mut self, grants: &Grants) {
        self.global |= grants.global;
        for (name, grantable) in &grants.dynamic {
            *self.dynamic.entry(name.clone()).or_default() |= *grantable;
        }
        if !grants.databases.is_empty() {
            let mut databases: Vec<(String, Privileges)> =
                grants.databases.iter().map(|(name, one)| (name.clone(), *one)).collect();
            databases.sort_by_key(|(pattern, _)| std::cmp::Reverse(specificity(pattern)));
            self.databases.push(databases);
        }
        for (database, tables) in &grants.tables {
            let known = self.tables.entry(database.clone()).or_default();
            for (name, one) in tables {
                let entry = known.entry(name.clone()).or_default();
                entry.table |= one.table;
                for (column, privileges) in &one.columns {
                    *entry.columns.entry(column.clone()).or_default() |= *privileges;
                }
            }
        }
        for (from, to) in
            [(&grants.procedures, &mut self.procedures), (&grants.functions, &mut self.functions)]
        {
            for (database, routines) in from {
                let known = to.entry(database.clone()).or_default();
                for (name, one) in routines {
                    *known.entry(name.clone()).or_default() |= *one;
                }
            }
        }
    }

    /// Whether nothing needs to be asked: it may do everything.
    pub fn is_everything(&self) -> bool {
        self.everything
    }

    /// The active roles.
    pub fn roles(&self) -> &[AccountName] {
        &self.roles
    }

    /// What it has on everything.
    pub fn global(&self) -> Privileges {
        self.global
    }

    /// Whether it has a dynamic privilege. SUPER stands for most of them, as in MySQL.
    pub fn has_dynamic(&self, name: &str) -> bool {
        self.dynamic.contains_key(name)
    }

    /// Whether it may grant a dynamic privilege on.
    pub fn grants_dynamic(&self, name: &str) -> bool {
        self.dynamic.get(name).copied().unwrap_or_default()
    }

    /// What it has on a database, and on everything in it.
    pub fn database(&self, database: &str) -> Privileges {
        let name = folded(database);
        let of = |databases: &Vec<(String, Privileges)>| {
            databases.iter().find(|(pattern, _)| matches(pattern, &name)).map(|(_, one)| *one)
        };
        self.databases.iter().filter_map(of).fold(self.global, |all, one| all | one)
    }

    fn table_grant(&self, database: &str, table: &str) -> Option<&TableGrant> {
        self.tables.get(&*folded(database))?.get(&*folded(table))
    }

    /// What it has on a table as a whole.
    pub fn table(&self, database: &str, table: &str) -> Privileges {
        let own = self.table_grant(database, table).map_or(Privileges::NONE, |one| one.table);
        self.database(database) | own
    }

    /// What it has on some column of a table.
    pub fn some_column(&self, database: &str, table: &str) -> Privileges {
        self.table_grant(database, table).map_or(Privileges::NONE, TableGrant::of_columns)
    }

    /// What it has on a column, by what is granted on the column alone.
    pub fn column(&self, database: &str, table: &str, column: &str) -> Privileges {
        let found = self.table_grant(database, table);
        let found = found.and_then(|one| one.columns.get(&*folded(column)));
        found.copied().unwrap_or_default()
    }

    /// What it has on a routine.
    pub fn routine(&self, kind: RoutineKind, database: &str, name: &str) -> Privileges {
        let routines = match kind {
            RoutineKind::Procedure => &self.procedures,
            RoutineKind::Function => &self.functions,
        };
        let own = routines.get(&*folded(database)).and_then(|some| some.get(&*folded(name)));
        self.database(database) | own.copied().unwrap_or_default()
    }

    /// Whether it has anything in a database, which is then there for it.
    pub fn sees_database(&self, database: &str) -> bool {
        let name = folded(database);
        self.global.contains(Privilege::ShowDatabases)
            || self.database(database).meets(Privileges::OF_DATABASE)
            || self.tables.contains_key(&*name)
            || self.procedures.contains_key(&*name)
            || self.functions.contains_key(&*name)
    }

    /// Whether it may use a database: it has anything in it. What it has on everything counts, but SHOW DATABASES does not.
    pub fn may_use(&self, database: &str) -> bool {
        let name = folded(database);
        self.database(database).meets(Privileges::OF_DATABASE)
            || self.tables.contains_key(&*name)
            || self.procedures.contains_key(&*name)
            || self.functions.contains_key(&*name)
    }

    /// Whether it has anything on a table, which is then there for it.
    pub fn sees_table(&self, database: &str, table: &str) -> bool {
        self.table(database, table).meets(Privileges::OF_TABLE)
            || !self.some_column(database, table).is_empty()
    }

    /// Whether it has anything on a column of a table.
    pub fn sees_column(&self, database: &str, table: &str, column: &str) -> bool {
        self.table(database, table).meets(Privileges::OF_COLUMN)
            || !self.column(database, table, column).is_empty()
    }

    /// Whether it sees that a routine is there, if the routine is not its own.
    pub fn sees_routine(&self, kind: RoutineKind, database: &str, name: &str) -> bool {
        let wanted = Privileges::of(&[
            Privilege::Execute,
            Privilege::AlterRoutine,
            Privilege::CreateRoutine,
        ]);
        self.has_dynamic("SHOW_ROUTINE")
            || self.global.contains(Privilege::Select)
            || self.routine(kind, database, name).meets(wanted)
    }
}

/// Whether a pattern of databases' names, with `%`, `_` and backslashes before what is meant as it is, fits a name.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut at, mut in_name) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    loop {
        let (letter, width) = match pattern.get(at) {
            Some(b'\\') if pattern.len() > at + 1 => (Some(pattern[at + 1]), 2),
            Some(b'%') => {
                at += 1;
                retry = Some((at, in_name));
                continue;
            }
            // A character, however many bytes it has.
            Some(b'_') if in_name < name.len() => {
                at += 1;
                in_name += 1;
                while name.get(in_name).is_some_and(|byte| byte & 0xc0 == 0x80) {
                    in_name += 1;
                }
                continue;
            }
            Some(b'_') => return false,
            Some(letter) => (Some(*letter), 1),
            None => (None, 0),
        };
        match (letter, name.get(in_name)) {
            (None, None) => return true,
            (Some(letter), Some(byte)) if letter == *byte => {
                at += width;
                in_name += 1;
            }
            _ => {
                let Some((after, tried)) = retry else { return false };
                if tried >= name.len() {
                    return false;
                }
                (at, in_name) = (after, tried + 1);
                retry = Some((after, in_name));
            }
        }
    }
}

/// How much of a pattern is before its first wildcard; one without any is the most specific.
fn specificity(pattern: &str) -> usize {
    let bytes = pattern.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            b'%' | b'_' => return at,
            _ => at += 1,
        }
    }
    usize::MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_databases() {
        for (pattern, name, fits) in [
            ("app", "app", true),
            ("app", "apps", false),
            ("a_p", "axp", true),
            (r"a\_p", "axp", false),
            (r"a\_p", "a_p", true),
            ("app%", "app", true),
            ("app%", "app_1", true),
            ("%_1", "app_1", true),
            ("%_1", "1", false),
            (r"%\_1", "appx1", false),
            ("%", "", true),
            ("_", "ä", true),
            ("%b%b", "abab", true),
            ("%b%c", "abab", false),
        ] {
            assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
        }
        assert!(specificity(r"a\_p") > specificity("a_p"));
        assert!(specificity("ab%") > specificity("a%"));
    }
}
