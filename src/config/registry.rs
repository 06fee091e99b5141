//! How nodes find each other.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::sections::check_address;
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
    /// An etcd, in which every node has a key with a lease.
    Etcd,
}

/// How nodes find each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct RegistryConfig {
    /// Who knows where the services are: `pd`, `local` or `etcd`.
    #[serde(rename = "type")]
    pub kind: RegistryType,
    /// A node that was not heard of for so long is taken for gone.
    pub lease: Span,
    /// Where etcd listens, `host:port` with commas between; for `etcd` only.
    pub endpoints: String,
    /// What the keys in etcd begin with.
    pub prefix: String,
}

impl Default for RegistryConfig {
    fn default() -> Self {
        RegistryConfig {
            kind: RegistryType::Pd,
            lease: Span::seconds(10),
            endpoints: String::new(),
            prefix: "/troupe".into(),
        }
    }
}

impl RegistryConfig {
    /// The addresses of etcd's members, as `host:port`.
    pub fn etcd_members(&self) -> impl Iterator<Item = &str> {
        let endpoints = self.endpoints.split(',').map(str::trim);
        let without_scheme =
            endpoints.map(|one| one.strip_prefix("http://").unwrap_or(one).trim_end_matches('/'));
        without_scheme.filter(|endpoint| !endpoint.is_empty())
    }

    /// Checks what types cannot. The error is the key and what is wrong with it.
    pub(super) fn validate(&self) -> Result<(), (&'static str, String)> {
        if self.lease.0 < Duration::from_secs(1) {
            return Err(("registry.lease", "must be at least 1s".into()));
        }
        let prefix = &self.prefix;
        if !prefix.starts_with('/') || prefix.ends_with('/') || prefix.contains("//") {
            return Err(("registry.prefix", "must be a path such as /troupe".into()));
        }
        let is_etcd = self.kind == RegistryType::Etcd;
        match (is_etcd, self.etcd_members().next()) {
            (true, None) => {
                let reason = "etcd needs registry.endpoints, which say where it listens";
                return Err(("registry.type", reason.into()));
            }
            (false, Some(_)) => {
                return Err(("registry.endpoints", "goes with type = \"etcd\" only".into()));
            }
            _ => {}
        }
        for endpoint in self.etcd_members() {
            if endpoint.starts_with("https://") {
                let reason = format!("{endpoint}: etcd is spoken to without TLS in this version");
                return Err(("registry.endpoints", reason));
            }
            check_address(endpoint).map_err(|reason| ("registry.endpoints", reason))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn etcd_needs_addresses_and_nothing_else_takes_them() {
        let config = |kind, endpoints: &str| RegistryConfig {
            kind,
            endpoints: endpoints.into(),
            ..RegistryConfig::default()
        };
        let two = config(RegistryType::Etcd, "http://a:2379/, b:2379");
        two.validate().unwrap();
        assert_eq!(two.etcd_members().collect::<Vec<_>>(), ["a:2379", "b:2379"]);
        let refused = |config: RegistryConfig| config.validate().unwrap_err();
        assert_eq!(refused(config(RegistryType::Etcd, "")).0, "registry.type");
        assert_eq!(refused(config(RegistryType::Etcd, "a")).0, "registry.endpoints");
        assert_eq!(refused(config(RegistryType::Pd, "a:2379")).0, "registry.endpoints");
        let (key, reason) = refused(config(RegistryType::Etcd, "https://a:2379"));
        assert!(key == "registry.endpoints" && reason.contains("TLS"), "{reason}");
        for prefix in ["", "troupe", "/troupe/", "/a//b"] {
            let config = RegistryConfig { prefix: prefix.into(), ..RegistryConfig::default() };
            assert_eq!(refused(config).0, "registry.prefix");
        }
    }
}
