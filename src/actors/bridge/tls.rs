//! TLS between nodes, both sides with certificates of the same authority; the files are read again when they change.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, ServerConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use tracing::{info, warn};

use crate::actors::tls::{ALPN_H2, authorities, certificates, private_key, problem};

/// The files of a node's certificates, all PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The authority that has signed the certificates of all nodes.
    pub ca: PathBuf,
    /// This node's certificate, with those between it and the authority.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// What the files were like when they were read: enough to see that they have changed.
type Stamp = [Option<(SystemTime, u64)>; 3];

#[derive(Clone)]
struct Loaded {
    stamp: Stamp,
    server: Arc<ServerConfig>,
    client: Arc<ClientConfig>,
}

/// The certificates now in force.
pub(super) struct TlsStore {
    files: TlsFiles,
    loaded: Mutex<Loaded>,
}

impl TlsStore {
    /// Reads the files.
    pub(super) fn open(files: TlsFiles) -> io::Result<TlsStore> {
        let loaded = Mutex::new(load(&files)?);
        Ok(TlsStore { files, loaded })
    }

    /// What a new connection is opened with.
    pub(super) fn client(&self) -> Arc<ClientConfig> {
        self.current().client
    }

    /// For a new connection: looks whether the files have changed, which costs three calls to the file system. Files that
    /// do not go together (one is replaced before the other) leave the old certificates in force.
    fn current(&self) -> Loaded {
        let mut loaded = self.loaded.lock();
        if stamp(&self.files) != loaded.stamp {
            match load(&self.files) {
                Ok(fresh) => {
                    info!(cert = %self.files.cert.display(), "read the certificates again");
                    *loaded = fresh;
                }
                Err(error) => {
                    warn!(%error, "the certificates have changed and cannot be used, going on with the old ones");
                }
            }
        }
        loaded.clone()
    }
}

fn stamp(files: &TlsFiles) -> Stamp {
    [&files.ca, &files.cert, &files.key].map(|path| {
        let metadata = fs::metadata(path).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    })
}

fn load(files: &TlsFiles) -> io::Result<Loaded> {
    // Before the files are read: a change in between is seen the next time.
    let stamp = stamp(files);
    let roots = Arc::new(authorities("bridge.tls.ca", &files.ca)?);
    let chain = certificates("bridge.tls.cert", &files.cert)?;
    let key = private_key("bridge.tls.key", &files.key)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let pair = |error| problem("bridge.tls.key", &files.key, error);

    let verifier = WebPkiClientVerifier::builder_with_provider(roots.clone(), provider.clone())
        .build()
        .map_err(|error| problem("bridge.tls.ca", &files.ca, error))?;
    let mut server = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain.clone(), key.clone_key())
        .map_err(pair)?;
    server.alpn_protocols = vec![ALPN_H2.to_vec()];

    let mut client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)
        .map_err(pair)?;
    client.alpn_protocols = vec![ALPN_H2.to_vec()];
    Ok(Loaded { stamp, server: Arc::new(server), client: Arc::new(client) })
}

impl TlsStore {
    /// Has the other side of a connection show a certificate.
    pub(super) async fn accept(&self, socket: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let acceptor = tokio_rustls::TlsAcceptor::from(self.current().server);
        match acceptor.accept(socket).into_fallible().await {
            Ok(stream) => Ok(stream),
            Err((error, socket)) => {
                linger(socket).await;
                Err(error)
            }
        }
    }
}

/// Takes what a refused node still says, until it ends or for a moment. A socket closed with something unread resets the connection,
/// and the alert that says what was wrong with the certificate may be lost with it.
async fn linger(mut socket: TcpStream) {
    const MOMENT: Duration = Duration::from_secs(1);
    const ENOUGH: u64 = 64 << 10;
    let rest = async {
        socket.shutdown().await?;
        tokio::io::copy(&mut socket.take(ENOUGH), &mut tokio::io::sink()).await
    };
    let _ = tokio::time::timeout(MOMENT, rest).await;
}
