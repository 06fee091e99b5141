//! TLS over certificates in files: what the bridge and the registry in etcd have in common. All files are PEM.

use std::io;
use std::path::Path;
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

/// HTTP/2, which gRPC runs over, in the words of TLS.
pub(super) const ALPN_H2: &[u8] = b"h2";

/// The authorities of a file; errors name the setting it comes from, and the file.
pub(super) fn authorities(setting: &str, path: &Path) -> io::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for authority in certificates(setting, path)? {
        roots.add(authority).map_err(|error| problem(setting, path, error))?;
    }
    Ok(roots)
}

/// The certificates of a file, at least one.
pub(super) fn certificates(setting: &str, path: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    let found: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(|certificates| certificates.collect())
        .map_err(|error| problem(setting, path, error))?;
    if found.is_empty() {
        return Err(problem(setting, path, "there is no certificate in it"));
    }
    Ok(found)
}

/// The private key of a file.
pub(super) fn private_key(setting: &str, path: &Path) -> io::Result<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| problem(setting, path, error))
}

/// Why a file cannot be used.
pub(super) fn problem(setting: &str, path: &Path, error: impl ToString) -> io::Error {
    io::Error::other(format!("{setting}: cannot use {}: {}", path.display(), error.to_string()))
}

/// Opens connections for gRPC to one address, `host:port`; the other side has to prove that it is the host.
#[derive(Clone)]
pub(super) struct TlsConnector {
    config: Arc<ClientConfig>,
    address: String,
}

impl TlsConnector {
    pub(super) fn new(config: Arc<ClientConfig>, address: &str) -> TlsConnector {
        TlsConnector { config, address: address.to_owned() }
    }
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
            let name = ServerName::try_from(host(&address).to_owned()).map_err(io::Error::other)?;
            let connector = tokio_rustls::TlsConnector::from(config);
            Ok(TokioIo::new(connector.connect(name, socket).await?))
        })
    }
}

/// The host of `host:port`, without the brackets of an IPv6 address.
fn host(address: &str) -> &str {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    host.trim_start_matches('[').trim_end_matches(']')
}

#[cfg(test)]
mod tests {
    use super::host;

    #[test]
    fn the_host_of_an_address() {
        for (address, expected) in [
            ("127.0.0.1:20160", "127.0.0.1"),
            ("[::1]:20160", "::1"),
            ("store-1:1", "store-1"),
            ("x", "x"),
        ] {
            assert_eq!(host(address), expected);
        }
    }
}
