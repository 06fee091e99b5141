//! TLS between nodes, both sides with certificates of the same authority; the files are read again when they change.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use futures::Stream;
use parking_lot::Mutex;
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tonic::transport::server::Connected;
use tracing::{debug, info, warn};

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

/// A connection whose other side has shown a certificate.
pub(super) struct Authenticated(tokio_rustls::server::TlsStream<TcpStream>);

impl Connected for Authenticated {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl AsyncRead for Authenticated {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Authenticated {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// Connections as they come in and have proved themselves. Each does so beside the others: one that says nothing holds
/// up nobody.
pub(super) fn incoming(
    listener: TcpListener,
    store: Arc<TlsStore>,
    patience: Duration,
) -> impl Stream<Item = io::Result<Authenticated>> {
    let (sender, mut accepted) = mpsc::channel(16);
    tokio::spawn(async move {
        loop {
            let socket = tokio::select! {
                () = sender.closed() => return,
                accepted = listener.accept() => match accepted {
                    Ok((socket, _)) => socket,
                    Err(error) => {
                        warn!(%error, "failed to accept a connection from another node");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                        continue;
                    }
                },
            };
            let (store, sender) = (store.clone(), sender.clone());
            tokio::spawn(async move {
                let acceptor = tokio_rustls::TlsAcceptor::from(store.current().server);
                let _ = socket.set_nodelay(true);
                match timeout(patience, acceptor.accept(socket)).await {
                    Ok(Ok(stream)) => drop(sender.send(Ok(Authenticated(stream))).await),
                    Ok(Err(error)) => {
                        warn!(%error, "refused a connection without a valid certificate")
                    }
                    Err(_elapsed) => debug!("a connection has said nothing"),
                }
            });
        }
    });
    futures::stream::poll_fn(move |cx| accepted.poll_recv(cx))
}
