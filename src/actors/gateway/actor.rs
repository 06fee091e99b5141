//! The listener.

use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tracing::{debug, info, warn};

use super::connection::{Connection, Services, too_many};
use super::metrics;
use crate::actors::intake::{Place, Places};
use crate::actors::runtime::{Actor, Context, Handler, ReplyTo, Supervision, Thread};
use crate::actors::session::Memory;
use crate::message;
use crate::protocol::auth::Plugin;
use crate::protocol::packet::PacketWriter;
use crate::protocol::response;

/// A pause after the operating system refused a new socket, most likely for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A socket whose client has not logged in for so long makes room for another when all places are taken.
const MERCY: Duration = Duration::from_secs(1);
/// How often it is looked whose client has been idle for too long.
const LOOK_AROUND: Duration = Duration::from_secs(1);

/// How often it is looked whether all connections have ended.
const DRAIN_POLL: Duration = Duration::from_millis(10);
/// So many of the connections that a drain waits for are named, with so much of their statements.
const SHOWN: usize = 5;
const SHOWN_BYTES: usize = 80;

/// What a gateway is told.
#[derive(Clone, Debug)]
pub struct GatewayOptions {
    /// More connections than this are refused with error 1040; one more is root's.
    pub max_connections: u32,
    /// So many sockets may be open, those that have not logged in yet among them.
    pub max_sockets: usize,
    /// What clients are asked to prove themselves with first.
    pub default_plugin: Plugin,
    /// Largest packet of a client, in bytes.
    pub max_packet: usize,
    /// What has arrived of packets that are not whole.
    pub memory: Arc<Memory>,
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
    place: Place,
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
    places: Arc<Places>,
    accepted: u64,
    draining: bool,
}

impl Gateway {
    /// A gateway on a socket that listens already, so that a port in use is known before anything starts.
    pub fn new(listener: Option<std::net::TcpListener>, services: Arc<Services>) -> Gateway {
        let places = Places::new(services.options.max_sockets, MERCY);
        Gateway { listener, services, places, accepted: 0, draining: false }
    }
}

impl Actor for Gateway {
    const KIND: &'static str = "gateway";

    fn supervision() -> Supervision {
        Supervision::restart()
    }

    fn started(&mut self, ctx: &mut Context<Self>) {
        let Some(listener) = self.listener.take() else { return };
        ctx.run_interval(LOOK_AROUND, |gateway, _| gateway.end_idle());
        let (me, services, places) = (ctx.me().clone(), self.services.clone(), self.places.clone());
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
                        let place = (!services.is_full()).then(|| places.take()).flatten();
                        let Some(place) = place else {
                            refuse(&stream, peer, &places);
                            continue;
                        };
                        if me.tell_wait(Accepted { stream, peer, place }).await.is_err() {
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
            "sockets": self.places.taken(),
            "max_sockets": self.places.max(),
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
        let Accepted { stream, peer, place } = message;
        let id = self.services.processes.next_id();
        debug!(conn_id = id, %peer, "connection accepted");
        let services = self.services.clone();
        let mut socket = Some((stream, place));
        ctx.child(format!("conn-{id}"), Thread::Any, move || {
            Connection::new(id, socket.take(), canonical(peer), services.clone())
        });
    }
}

impl Handler<Drain> for Gateway {
    fn handle(&mut self, _message: Drain, reply: ReplyTo<()>, ctx: &mut Context<Self>) {
        self.draining = true;
        let services = self.services.clone();
        services.begin_drain();
        ctx.spawn(async move {
            let mut say = tokio::time::interval(LOOK_AROUND);
            say.tick().await;
            while !services.processes.is_empty() {
                tokio::select! {
                    () = tokio::time::sleep(DRAIN_POLL) => {}
                    _ = say.tick() => say_who(&services),
                }
            }
            reply.send(());
        });
    }
}

impl Gateway {
    /// Ends the connections whose clients have said nothing for longer than their `wait_timeout`.
    fn end_idle(&self) {
        let now = self.services.clock.now();
        for process in self.services.processes.list() {
            if process.rests_too_long(now) {
                info!(
                    conn_id = process.id,
                    "ending a connection that was idle for longer than wait_timeout"
                );
                process.end();
            }
        }
    }
}

/// Says whose statements the drain waits for.
fn say_who(services: &Services) {
    let now = services.clock.now();
    let rows = services.processes.rows(now, SHOWN_BYTES);
    for row in rows.iter().take(SHOWN) {
        let statement = row.info.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
        info!(conn_id = row.id, command = &*row.command, seconds = row.seconds, %statement, "waiting for a connection");
    }
    if rows.len() > SHOWN {
        info!(more = rows.len() - SHOWN, "waiting for connections");
    }
}

/// Tells a client that there is no place for it.
fn refuse(stream: &std::net::TcpStream, peer: SocketAddr, places: &Places) {
    ::metrics::counter!(metrics::REFUSED).increment(1);
    if let Some(refused) = places.refused() {
        warn!(refused, last = %peer, "refused connections: there are too many");
    }
    let mut writer = PacketWriter::new(0);
    response::write_error(&mut writer, &too_many());
    // Not for long: whoever does not take these few bytes at once does without.
    let _ = { stream }.write(&writer.take());
}

/// IPv4 clients of a dual-stack socket are shown with their IPv4 address.
fn canonical(peer: SocketAddr) -> SocketAddr {
    match peer.ip() {
        IpAddr::V6(ip) => SocketAddr::new(IpAddr::V6(ip).to_canonical(), peer.port()),
        IpAddr::V4(_) => peer,
    }
}
