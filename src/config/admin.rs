//! The section `[admin]`.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The admin HTTP endpoint. From the machine itself everybody may ask everything, from others only who knows a token.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct AdminConfig {
    /// Where it listens.
    pub addr: SocketAddr,
    /// Names the node is asked by, with commas between, beside addresses and names that nobody outside can own.
    pub hosts: String,
    /// The file with the token by which other machines may look and change.
    pub token_file: PathBuf,
    /// The file with the token by which other machines may look.
    pub look_token_file: PathBuf,
}

impl Default for AdminConfig {
    fn default() -> Self {
        AdminConfig {
            addr: (Ipv4Addr::LOCALHOST, 10080).into(),
            hosts: String::new(),
            token_file: PathBuf::new(),
            look_token_file: PathBuf::new(),
        }
    }
}
