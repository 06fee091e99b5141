//! How nodes find each other.

use serde::{Deserialize, Serialize};

use super::units::Span;

/// Who knows where the services of the cluster are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RegistryType {
    /// The placement driver, with a lease for each node.
    #[default]
    Pd,
    /// Nobody but this process, which is the whole cluster: other nodes cannot join.
    Local,
}

/// How nodes find each other.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct RegistryConfig {
    /// Who knows where the services are: `pd` or `local`.
    #[serde(rename = "type")]
    pub kind: RegistryType,
    /// A node that was not heard of for so long is taken for gone.
    pub lease: Span,
}

impl Default for RegistryConfig {
    fn default() -> Self {
        RegistryConfig { kind: RegistryType::Pd, lease: Span::seconds(10) }
    }
}
