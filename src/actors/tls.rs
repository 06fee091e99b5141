//! TLS over certificates in files: what the bridge, the gateway and the registry in etcd have in common. All files are PEM.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::SystemTime;

use futures::future::BoxFuture;
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::net::TcpStream;
use tonic::codegen::Service;
use tonic::codegen::http::Uri;
use tracing::warn;

/// HTTP/2, which gRPC runs over, in the words of TLS.
pub(super) const ALPN_H2: &[u8] = b"h2";

/// What files are like: enough to see that they have changed.
pub(super) type Stamp = Vec<Option<(SystemTime, u64)>>;

/// What these files are like now.
pub(super) fn stamp(files: &[&Path]) -> Stamp {
    let one = |path: &&Path| {
        let metadata = fs::metadata(path).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    };
    files.iter().map(one).collect()
}

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
    warn_of_expiry(setting, path, &found[0]);
    Ok(found)
}

/// A certificate that others will not take any more, or not yet, is served all the same: whoever does not check it can still connect.
fn warn_of_expiry(setting: &str, path: &Path, certificate: &CertificateDer<'_>) {
    let Ok((_, certificate)) = x509_parser::parse_x509_certificate(certificate) else { return };
    let validity = certificate.validity();
    if !validity.is_valid() {
        warn!(
            setting,
            file = %path.display(),
            subject = %certificate.subject(),
            not_before = %validity.not_before,
            not_after = %validity.not_after,
            "a certificate is not valid now"
        );
    }
}

/// The private key of a file.
pub(super) fn private_key(setting: &str, path: &Path) -> io::Result<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| problem(setting, path, error))
}

/// Why a file cannot be used.
pub(super) fn problem(setting: &str, path: &Path, error: impl ToString) -> io::Error {
    io::Error::other(format!("{setting}: cannot use {}: {}", path.display(), error.to_string()))
}

/// Opens connections for gRPC to one address, `host:port`; the other side has to prove that it is the host, or who else it must be.
#[derive(Clone)]
pub(super) struct TlsConnector {
    config: Arc<ClientConfig>,
    address: String,
    /// Whom the certificate must name, if not the host, and what an authority that is not known means.
    to: Option<(ServerName<'static>, &'static str)>,
}

impl TlsConnector {
    pub(super) fn new(config: Arc<ClientConfig>, address: &str) -> TlsConnector {
        TlsConnector { config, address: address.to_owned(), to: None }
    }

    /// The certificate must be made out to `name`, whatever the host is called; `stranger` is said when its authority is
    /// not known.
    pub(super) fn to(mut self, name: ServerName<'static>, stranger: &'static str) -> TlsConnector {
        self.to = Some((name, stranger));
        self
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
        let TlsConnector { config, address, to } = self.clone();
        Box::pin(async move {
            let socket = TcpStream::connect(&address).await?;
            socket.set_nodelay(true)?;
            let connector = tokio_rustls::TlsConnector::from(config);
            let Some((name, stranger)) = to else {
                let name = ServerName::try_from(host(&address).to_owned());
                let name = name.map_err(io::Error::other)?;
                return Ok(TokioIo::new(connector.connect(name, socket).await?));
            };
            let connected = connector.connect(name, socket).await;
            Ok(TokioIo::new(connected.map_err(|error| explained(error, stranger))?))
        })
    }
}

/// `stranger`, if that is what the error means.
fn explained(error: io::Error, stranger: &str) -> io::Error {
    use rustls::{CertificateError, Error};
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    match tls {
        Some(Error::InvalidCertificate(
            CertificateError::UnknownIssuer | CertificateError::BadSignature,
        )) => io::Error::other(stranger.to_owned()),
        Some(Error::InvalidMessage(_)) => {
            io::Error::other("who listens there does not speak TLS (bridge.insecure)")
        }
        _ => error,
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
