//! How etcd is spoken to: with TLS or without, under a name or without.
//!
//! Files are read anew for every connection, so that what has been replaced counts from the next one on.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::ClientConfig;

use crate::actors::tls::{ALPN_H2, TlsConnector, authorities, certificates, private_key, problem};
use crate::config::RegistryConfig;

/// What the configuration says of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Access {
    ca: PathBuf,
    cert: PathBuf,
    key: PathBuf,
    user: String,
    password_file: PathBuf,
}

impl Access {
    pub(super) fn new(config: &RegistryConfig) -> Access {
        Access {
            ca: config.ca.clone(),
            cert: config.cert.clone(),
            key: config.key.clone(),
            user: config.user.clone(),
            password_file: config.password_file.clone(),
        }
    }

    /// The name and the password to log in with, if any.
    pub(super) fn login(&self) -> io::Result<Option<(String, String)>> {
        if self.user.is_empty() {
            return Ok(None);
        }
        let (setting, path) = ("registry.password-file", &self.password_file);
        let text = std::fs::read_to_string(path).map_err(|error| problem(setting, path, error))?;
        let password = text.lines().next().unwrap_or_default();
        if password.is_empty() {
            return Err(problem(setting, path, "its first line is empty"));
        }
        Ok(Some((self.user.clone(), password.to_owned())))
    }

    /// What opens connections with TLS, if there is to be any.
    pub(super) fn tls(&self, address: &str) -> io::Result<Option<TlsConnector>> {
        if self.ca.as_os_str().is_empty() {
            return Ok(None);
        }
        let roots = authorities("registry.ca", &self.ca)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(roots);
        let mut config = if self.cert.as_os_str().is_empty() {
            config.with_no_client_auth()
        } else {
            let chain = certificates("registry.cert", &self.cert)?;
            let key = private_key("registry.key", &self.key)?;
            let pair = |error| problem("registry.key", &self.key, error);
            config.with_client_auth_cert(chain, key).map_err(pair)?
        };
        config.alpn_protocols = vec![ALPN_H2.to_vec()];
        Ok(Some(TlsConnector::new(Arc::new(config), address)))
    }
}
