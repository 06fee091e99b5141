//! How etcd is spoken to: with TLS or without, under a name or without.
//!
//! Files are read anew for every connection, so that what has been replaced counts from the next one on.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::net::TcpStream;
use tonic::codegen::Service;
use tonic::codegen::http::Uri;

use crate::config::RegistryConfig;

/// The protocol that gRPC runs over.
const ALPN_H2: &[u8] = b"h2";

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
        let mut roots = RootCertStore::empty();
        for authority in certificates("registry.ca", &self.ca)? {
            roots.add(authority).map_err(|error| problem("registry.ca", &self.ca, error))?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(roots);
        let mut config = if self.cert.as_os_str().is_empty() {
            config.with_no_client_auth()
        } else {
            let chain = certificates("registry.cert", &self.cert)?;
            let wrong =
                |error: &dyn ToString| problem("registry.key", &self.key, error.to_string());
            let key = PrivateKeyDer::from_pem_file(&self.key).map_err(|error| wrong(&error))?;
            config.with_client_auth_cert(chain, key).map_err(|error| wrong(&error))?
        };
        config.alpn_protocols = vec![ALPN_H2.to_vec()];
        Ok(Some(TlsConnector { config: Arc::new(config), address: address.to_owned() }))
    }
}

fn certificates(setting: &str, path: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    let found: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(|certificates| certificates.collect())
        .map_err(|error| problem(setting, path, error))?;
    match found.is_empty() {
        true => Err(problem(setting, path, "there is no certificate in it")),
        false => Ok(found),
    }
}

fn problem(setting: &str, path: &Path, error: impl ToString) -> io::Error {
    io::Error::other(format!("{setting}: cannot use {}: {}", path.display(), error.to_string()))
}

/// Opens connections to one member.
#[derive(Clone)]
pub(super) struct TlsConnector {
    config: Arc<ClientConfig>,
    address: String,
}

impl Service<Uri> for TlsConnector {
    type Response = TokioIo<tokio_rustls::client::TlsStream<TcpStream>>;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Self::Response>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _uri: Uri) -> Self::Future {
        let TlsConnector { config, address } = self.clone();
        Box::pin(async move {
            let socket = TcpStream::connect(&address).await?;
            socket.set_nodelay(true)?;
            let host = address.rsplit_once(':').map_or(address.as_str(), |(host, _)| host);
            let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
            let name = ServerName::try_from(host).map_err(io::Error::other)?;
            let connector = tokio_rustls::TlsConnector::from(config);
            Ok(TokioIo::new(connector.connect(name, socket).await?))
        })
    }
}
