//! How nodes find each other.

use std::path::PathBuf;
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
    /// A PEM file with the authority of etcd's certificates; with it, etcd is spoken to with TLS.
    pub ca: PathBuf,
    /// PEM files with the certificate chain and the private key that are shown to etcd, should it ask.
    pub cert: PathBuf,
    /// The private key that belongs to `cert`.
    pub key: PathBuf,
    /// The user of etcd, should it want one.
    pub user: String,
    /// A file with the user's password in its first line.
    pub password_file: PathBuf,
}

impl Default for RegistryConfig {
    fn default() -> Self {
        RegistryConfig {
            kind: RegistryType::Pd,
            lease: Span::seconds(10),
            endpoints: String::new(),
            prefix: "/troupe".into(),
            ca: PathBuf::new(),
            cert: PathBuf::new(),
            key: PathBuf::new(),
            user: String::new(),
            password_file: PathBuf::new(),
        }
    }
}

impl RegistryConfig {
    /// The addresses of etcd's members, as `host:port`.
    pub fn etcd_members(&self) -> impl Iterator<Item = &str> {
        let endpoints = self.endpoints.split(',').map(str::trim);
        let without_scheme = endpoints.map(|one| {
            let host = one.strip_prefix("http://").or_else(|| one.strip_prefix("https://"));
            host.unwrap_or(one).trim_end_matches('/')
        });
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
        self.validate_access()?;
        for endpoint in self.etcd_members() {
            check_address(endpoint).map_err(|reason| ("registry.endpoints", reason))?;
        }
        Ok(())
    }
}

impl RegistryConfig {
    /// How etcd is spoken to.
    fn validate_access(&self) -> Result<(), (&'static str, String)> {
        let is_set = |path: &PathBuf| !path.as_os_str().is_empty();
        let any = [&self.ca, &self.cert, &self.key, &self.password_file].into_iter().any(is_set)
            || !self.user.is_empty();
        if any && self.kind != RegistryType::Etcd {
            let reason = "has ca, cert, key, user or password-file, which go with \"etcd\" only";
            return Err(("registry.type", reason.into()));
        }
        let schemes = self.endpoints.split(',').map(str::trim);
        for endpoint in schemes {
            if endpoint.starts_with("https://") && !is_set(&self.ca) {
                return Err(("registry.ca", format!("must be set for {endpoint}")));
            }
            if endpoint.starts_with("http://") && is_set(&self.ca) {
                let reason = format!("{endpoint} is without TLS, but registry.ca is set");
                return Err(("registry.endpoints", reason));
            }
        }
        if is_set(&self.cert) != is_set(&self.key) {
            return Err((
                "registry.cert",
                "goes with registry.key, and the other way round".into(),
            ));
        }
        if is_set(&self.cert) && !is_set(&self.ca) {
            return Err(("registry.cert", "goes with registry.ca".into()));
        }
        if self.user.is_empty() == is_set(&self.password_file) {
            let reason = "goes with registry.password-file, and the other way round";
            return Err(("registry.user", reason.into()));
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
        assert!(key == "registry.ca" && reason.contains("https://a:2379"), "{reason}");
        for prefix in ["", "troupe", "/troupe/", "/a//b"] {
            let config = RegistryConfig { prefix: prefix.into(), ..RegistryConfig::default() };
            assert_eq!(refused(config).0, "registry.prefix");
        }
    }

    #[test]
    fn what_belongs_together_is_set_together() {
        let etcd = |change: fn(&mut RegistryConfig)| {
            let mut config = RegistryConfig {
                kind: RegistryType::Etcd,
                endpoints: "https://a:2379,b:2379".into(),
                ca: "ca.pem".into(),
                ..RegistryConfig::default()
            };
            change(&mut config);
            config.validate().map_err(|(key, _)| key)
        };
        assert_eq!(etcd(|_| ()), Ok(()));
        let all = |config: &mut RegistryConfig| {
            config.cert = "cert.pem".into();
            config.key = "key.pem".into();
            config.user = "troupe".into();
            config.password_file = "password".into();
        };
        assert_eq!(etcd(all), Ok(()));
        assert_eq!(
            etcd(|config| config.endpoints = "http://a:1".into()),
            Err("registry.endpoints")
        );
        assert_eq!(etcd(|config| config.cert = "cert.pem".into()), Err("registry.cert"));
        assert_eq!(etcd(|config| config.user = "troupe".into()), Err("registry.user"));
        assert_eq!(etcd(|config| config.password_file = "p".into()), Err("registry.user"));
        let pd = |config: &mut RegistryConfig| {
            config.kind = RegistryType::Pd;
            config.endpoints = String::new();
        };
        assert_eq!(etcd(pd), Err("registry.type"));
    }
}
