//! Which services a node runs.

use std::collections::BTreeSet;
use std::fmt;

/// A kind of service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// The placement driver.
    Pd,
    /// Regions.
    Store,
    /// Schema changes.
    Ddl,
    /// Statistics of tables: one of these nodes reads those whose statistics are missing or old.
    Stats,
    /// Statements.
    Sql,
    /// MySQL clients.
    Gateway,
}

impl Role {
    /// All of them.
    pub const ALL: [Role; 6] =
        [Role::Pd, Role::Store, Role::Ddl, Role::Stats, Role::Sql, Role::Gateway];

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Role::Pd => "pd",
            Role::Store => "store",
            Role::Ddl => "ddl",
            Role::Stats => "stats",
            Role::Sql => "sql",
            Role::Gateway => "gateway",
        }
    }
}

/// A set of roles: `all`, or some of them with commas between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roles(BTreeSet<Role>);

impl Roles {
    /// Every role.
    pub fn all() -> Roles {
        Roles(Role::ALL.into())
    }

    /// Reads a set; the error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Roles, String> {
        let mut roles = BTreeSet::new();
        for word in text.split(',').map(str::trim) {
            match Role::ALL.into_iter().find(|role| role.name() == word) {
                Some(role) => drop(roles.insert(role)),
                None if word == "all" => roles.extend(Role::ALL),
                None => {
                    return Err(format!(
                        "'{word}' is not a role: they are gateway, sql, ddl, stats, store, pd, and all"
                    ));
                }
            }
        }
        Ok(Roles(roles))
    }

    /// Whether a role is among them.
    pub fn has(&self, role: Role) -> bool {
        self.0.contains(&role)
    }

    /// Whether the node is a whole cluster by itself.
    pub fn is_all(&self) -> bool {
        self.0.len() == Role::ALL.len()
    }

    /// Their names: `["all"]`, or each.
    pub fn names(&self) -> Vec<String> {
        if self.is_all() {
            return vec!["all".to_owned()];
        }
        self.0.iter().map(|role| role.name().to_owned()).collect()
    }
}

impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names().join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_read_and_written() {
        assert_eq!(Roles::parse("all").unwrap(), Roles::all());
        assert_eq!(Roles::parse("sql, gateway,ddl").unwrap().to_string(), "ddl,sql,gateway");
        assert_eq!(Roles::parse("pd,all").unwrap().to_string(), "all");
        assert_eq!(Roles::parse("pd,store,ddl,stats,sql,gateway").unwrap(), Roles::all());
        assert!(Roles::parse("store").unwrap().has(Role::Store));
        assert!(!Roles::parse("store").unwrap().has(Role::Pd));
        for bad in ["", "sql,", "everything", "SQL", "sql;ddl"] {
            assert!(Roles::parse(bad).unwrap_err().contains("is not a role"), "{bad}");
        }
    }
}
