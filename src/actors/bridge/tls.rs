//! TLS between nodes, both sides with certificates of the same authority; the files are read again when they change.
//!
//! The authority is the operator's, in files, or follows from the [secret](super::secret) of the cluster.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, ServerConfig};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;
use tracing::{info, warn};

use super::secret::{self, NODE_NAME, Papers};
use crate::actors::tls::{
    ALPN_H2, Stamp, TlsConnector, authorities, certificates, private_key, problem, stamp,
};

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

/// What a node proves itself with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// Certificates of the operator's own.
    Files(TlsFiles),
    /// The file with the cluster's secret, which is made where there is none.
    Secret(PathBuf),
}

impl Credentials {
    fn files(&self) -> Vec<&Path> {
        match self {
            Credentials::Files(files) => vec![&files.ca, &files.cert, &files.key],
            Credentials::Secret(file) => vec![file],
        }
    }

    /// The setting to name when certificate and key do not go together, and its file.
    fn pair(&self) -> (&'static str, &Path) {
        match self {
            Credentials::Files(files) => ("bridge.tls.key", &files.key),
            Credentials::Secret(file) => (secret::SETTING, file),
        }
    }

    fn papers(&self) -> io::Result<Papers> {
        match self {
            Credentials::Files(files) => Ok(Papers {
                roots: authorities("bridge.tls.ca", &files.ca)?,
                chain: certificates("bridge.tls.cert", &files.cert)?,
                key: private_key("bridge.tls.key", &files.key)?,
            }),
            Credentials::Secret(file) => secret::papers(file),
        }
    }
}

/// How the first record of TLS begins.
const TLS_HANDSHAKE: u8 = 22;

#[derive(Clone)]
struct Loaded {
    stamp: Stamp,
    server: Arc<ServerConfig>,
    client: Arc<ClientConfig>,
}

/// The certificates now in force.
pub(super) struct TlsStore {
    credentials: Credentials,
    loaded: Mutex<Loaded>,
}

/// A connection that has come in: encrypted, or of somebody who proves nothing.
pub(super) type Incoming = Either<Box<TlsStream<TcpStream>>, TcpStream>;

impl TlsStore {
    /// Reads the files.
    pub(super) fn open(credentials: Credentials) -> io::Result<TlsStore> {
        let loaded = Mutex::new(load(&credentials)?);
        Ok(TlsStore { credentials, loaded })
    }

    /// What a new connection to `address` is opened with.
    pub(super) fn connector(&self, address: &str) -> TlsConnector {
        let connector = TlsConnector::new(self.current().client, address);
        match self.credentials {
            Credentials::Files(_) => connector,
            Credentials::Secret(_) => {
                let name = ServerName::try_from(NODE_NAME).expect("it is a valid name");
                connector.to(name, OTHER_SECRET)
            }
        }
    }

    /// For a new connection: looks whether the files have changed, which costs a call to the file system for each. Files that
    /// do not go together (one is replaced before the other) leave the old certificates in force.
    fn current(&self) -> Loaded {
        let mut loaded = self.loaded.lock();
        if stamp(&self.credentials.files()) != loaded.stamp {
            let (_, file) = self.credentials.pair();
            match load(&self.credentials) {
                Ok(fresh) => {
                    info!(file = %file.display(), "read the certificates again");
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

/// What to say when the other side's certificate is of an authority that is not known here.
const OTHER_SECRET: &str =
    "the node there has another secret: its bridge.secret-file must be a copy of this node's";

fn load(credentials: &Credentials) -> io::Result<Loaded> {
    // Before the files are read: a change in between is seen the next time.
    let before = stamp(&credentials.files());
    let Papers { roots, chain, key } = credentials.papers()?;
    // A file that was made just now has a stamp only now.
    let stamp = if before.contains(&None) { stamp(&credentials.files()) } else { before };
    let roots = Arc::new(roots);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let (setting, file) = credentials.pair();
    let pair = |error| problem(setting, file, error);

    let verifier = WebPkiClientVerifier::builder_with_provider(roots.clone(), provider.clone())
        .build()
        .map_err(|error| problem(setting, file, error))?;
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
    /// Has the other side of a connection show a certificate. With the operator's own certificates everybody must; with the
    /// cluster's secret, who does not even begin to is taken as he is, for he may ask for what is no secret (health).
    pub(super) async fn accept(&self, socket: TcpStream) -> io::Result<Incoming> {
        if matches!(self.credentials, Credentials::Secret(_)) {
            let mut first = [0];
            socket.peek(&mut first).await?;
            if first[0] != TLS_HANDSHAKE {
                return Ok(Either::Right(socket));
            }
        }
        let acceptor = tokio_rustls::TlsAcceptor::from(self.current().server);
        match acceptor.accept(socket).into_fallible().await {
            Ok(stream) => Ok(Either::Left(Box::new(stream))),
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
