//! What else is said of an account than what it may do.

use serde::{Deserialize, Serialize};

/// The options of an account, as they are stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AccountOptions {
    /// ACCOUNT LOCK: nobody logs in with it.
    pub locked: bool,
}
