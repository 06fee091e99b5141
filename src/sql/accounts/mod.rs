//! Accounts and what they may do, without any session.
//!
//! What an account has been granted ([`Grants`]) is stored with it; what it may do now ([`Rights`]) is that together with what its
//! active roles have been granted, added up once and kept until an account changes. Static privileges are bits ([`Privileges`]), dynamic
//! ones names.

mod grants;
mod options;
mod privilege;
mod rights;
mod shown;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use grants::{Grants, Level, Permission, RoleGrant, TableGrant};
pub use options::AccountOptions;
pub use privilege::{DYNAMIC, PRIVILEGES, Privilege, Privileges, dynamic_name};
pub use rights::Rights;
pub use shown::shown_grants;

use crate::sql::digest::quote_name;

/// The name of an account or of a role.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AccountName {
    /// User name.
    pub user: String,
    /// Host pattern.
    pub host: String,
}

impl AccountName {
    /// Of these.
    pub fn new(user: &str, host: &str) -> AccountName {
        AccountName { user: user.to_owned(), host: host.to_owned() }
    }

    /// `'user'@'host'`, as messages have it.
    pub fn quoted(&self) -> String {
        format!("'{}'@'{}'", self.user, self.host)
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", quote_name(&self.user), quote_name(&self.host))
    }
}
