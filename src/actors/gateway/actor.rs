//! The listener.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tracing::{debug, warn};

use super::connection::{Connection, Services};
use super::metrics;
use crate::actors::runtime::{Actor, Context, Handler, ReplyTo, Supervision, Thread};
use crate::message;

/// A pause after the operating system refused a new socket, most likely for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What a gateway is told.
#[derive(Clone, Debug)]
pub struct GatewayOptions {
    /// More connections than this are refused with error 1040.
    pub max_connections: u32,
    /// Largest packet of a client, in bytes.
    pub max_packet: usize,
    /// How long a client may take to log in.
    pub connect_timeout: Duration,
    /// Clients without TLS are refused with error 3159.
    pub require_tls: bool,
    /// The server's version, as clients see it.
    pub version: String,
}

/// A socket that was accepted.
struct Accepted {
    stream: std::net::TcpStream,
    peer: SocketAddr,
}
message!(Accepted => (), "Accepted");

/// Stop accepting, and end connections: idle ones at once, the others after their statement. The answer comes
/// when all are gone.
#[derive(Debug)]
pub struct Drain;
message!(Drain => (), "Drain");

/// Accepts clients.
pub struct Gateway {
    listener: Option<std::net::TcpListener>,
    services: Arc<Services>,
    accepted: u64,
    draining: bool,
}

impl Gateway {
    /// A gateway on a socket that listens already, so that a port in use is known before anything starts.
    pub fn new(listener: Option<std::net::TcpListener>, services: Arc<Services>) -> Gateway {
        Gateway { listener, services, accepted: 0, draining: false }
    }
}

impl Actor for Gateway {
    const KIND: &'static str = "gateway";

    fn supervision() -> Supervision {
        Supervision::restart()
    }

    fn started(&mut self, ctx: &mut Context<Self>) {
        metrics::describe();
        let Some(listener) = self.listener.take() else { return };
        let me = ctx.me().clone();
        ctx.spawn(async move {
            let listener =
                match listener.set_nonblocking(true).and_then(|()| TcpListener::from_std(listener))
                {
                    Ok(listener) => listener,
                    Err(error) => {
                        warn!(%error, "cannot listen");
                        return;
                    }
                };
            loop {
                match listener.accept().await {
                    Ok((stream, peer)) => {
                        let Ok(stream) = stream.into_std() else { continue };
                        if me.tell_wait(Accepted { stream, peer }).await.is_err() {
                            return;
                        }
                    }
                    Err(error) => {
                        warn!(%error, "cannot accept a connection");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                }
            }
        });
    }

    fn observe(&self) -> serde_json::Value {
        serde_json::json!({
            "accepted": self.accepted,
            "connections": self.services.processes.len(),
            "max_connections": self.services.options.max_connections,
            "draining": self.draining,
        })
    }
}

impl Handler<Accepted> for Gateway {
    fn handle(&mut self, message: Accepted, _reply: ReplyTo<()>, ctx: &mut Context<Self>) {
        if self.draining {
            return;
        }
        self.accepted += 1;
        ::metrics::counter!(metrics::ACCEPTED).increment(1);
        let Accepted { stream, peer } = message;
        let id = self.services.processes.next_id();
        debug!(conn_id = id, %peer, "connection accepted");
        let services = self.services.clone();
        let mut stream = Some(stream);
        ctx.child(format!("conn-{id}"), Thread::Any, move || {
            Connection::new(id, stream.take(), canonical(peer), services.clone())
        });
    }
}

impl Handler<Drain> for Gateway {
    fn handle(&mut self, _message: Drain, reply: ReplyTo<()>, ctx: &mut Context<Self>) {
        self.draining = true;
        let services = self.services.clone();
        services.begin_drain();
        ctx.spawn(async move {
            while !services.processes.is_empty() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            reply.send(());
        });
    }
}

/// IPv4 clients of a dual-stack socket are shown with their IPv4 address.
fn canonical(peer: SocketAddr) -> SocketAddr {
    match peer.ip() {
        IpAddr::V6(ip) => SocketAddr::new(IpAddr::V6(ip).to_canonical(), peer.port()),
        IpAddr::V4(_) => peer,
    }
}
