//! The connection's actor.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::sync::WaitForCancellationFutureOwned;
use tracing::{debug, info};

use super::io::{End, Wire};
use super::login::{self, Login};
use super::services::Services;
use super::serving::Serving;
use crate::actors::gateway::metrics;
use crate::actors::intake::Place;
use crate::actors::runtime::{Actor, Context, Supervision};
use crate::actors::session::{Process, ProcessState};

/// A socket that is silent for so long is asked whether anybody is there …
const KEEP_ALIVE_AFTER: Duration = Duration::from_secs(60);
/// … again and again …
const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(10);
/// … and ended if so many questions are not answered.
const KEEP_ALIVE_PROBES: u32 = 6;

/// One client.
pub struct Connection {
    id: u32,
    stream: Option<std::net::TcpStream>,
    peer: SocketAddr,
    /// Its place among the sockets.
    place: Option<Place>,
    services: Arc<Services>,
    process: Option<Arc<Process>>,
}

impl Connection {
    /// A connection for an accepted socket.
    pub(in crate::actors) fn new(
        id: u32,
        socket: Option<(std::net::TcpStream, Place)>,
        peer: SocketAddr,
        services: Arc<Services>,
    ) -> Connection {
        let (stream, place) = socket.unzip();
        Connection { id, stream, peer, place, services, process: None }
    }

    /// After the password: a session, the final OK, and commands.
    fn open_session(&mut self, login: Result<Login, End>, ctx: &mut Context<Self>) {
        let mut login = match login {
            Ok(login) => {
                if let Some(place) = &self.place {
                    place.keep();
                }
                login
            }
            Err(end) => {
                debug!(conn_id = self.id, peer = %self.peer, reason = %end, "login ended");
                return ctx.stop();
            }
        };
        let process = self.services.processes.add(
            self.id,
            ProcessState {
                user: login.client.user.clone(),
                host: self.peer.to_string(),
                database: login.client.database.clone(),
                command: "Sleep",
                since: self.services.clock.now(),
                info: None,
            },
        );
        self.process = Some(process.clone());
        let opened =
            self.services.sessions.open(ctx.below(), login.client.clone(), process.clone());
        let (me, services, peer) = (ctx.me().clone(), self.services.clone(), self.peer);
        ctx.spawn(async move {
            match opened.await {
                Err(error) => {
                    login::refuse(&mut login.wire, login.sequence, &error).await;
                    login.wire.close().await;
                }
                Ok(session) => {
                    let conn_id = process.id;
                    let serving = Serving {
                        services,
                        session,
                        process,
                        peer,
                        client: login.client,
                        nonce: login.nonce,
                    };
                    let end = serving.run(login.wire, login.sequence).await;
                    match end {
                        End::Closed => debug!(conn_id, "connection closed"),
                        end => info!(conn_id, reason = %end, "connection ended"),
                    }
                }
            }
            drop(login.seat);
            me.stop();
        });
    }
}

impl Actor for Connection {
    const KIND: &'static str = "connection";

    fn supervision() -> Supervision {
        Supervision::stop()
    }

    fn started(&mut self, ctx: &mut Context<Self>) {
        let Some(stream) = self.stream.take() else { return ctx.stop() };
        ::metrics::gauge!(metrics::CONNECTIONS).increment(1.0);
        let (services, id, peer) = (self.services.clone(), self.id, self.peer);
        let evicted = self.place.as_ref().map(Place::evicted);
        ctx.spawn_then(
            async move {
                let stream = TcpStream::from_std(stream)?;
                stream.set_nodelay(true)?;
                keep_alive(&stream);
                let mut wire = Wire::new(stream, services.clone());
                let patience = services.options.connect_timeout;
                let login = timeout(patience, login::login(&services, &mut wire, id, peer));
                let login = tokio::select! {
                    login = login => login.unwrap_or(Err(End::LoginTimeout)),
                    () = make_room(evicted) => Err(End::MadeRoom),
                };
                match login {
                    Ok(login) => Ok(login.with(wire)),
                    Err(end) => {
                        login::part(&mut wire, &end).await;
                        wire.close().await;
                        Err(end)
                    }
                }
            },
            |connection, login, ctx| connection.open_session(login, ctx),
        );
    }

    fn observe(&self) -> serde_json::Value {
        let state = self.process.as_ref().map(|process| process.state());
        serde_json::json!({
            "conn_id": self.id,
            "peer": self.peer.to_string(),
            "user": state.as_ref().map(|state| state.user.clone()),
            "database": state.as_ref().and_then(|state| state.database.clone()),
            "command": state.as_ref().map_or("Connect", |state| state.command),
            "statement": state
                .and_then(|state| state.info)
                .map(|text| String::from_utf8_lossy(&text).into_owned()),
        })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.services.processes.remove(self.id);
        if self.stream.is_none() {
            ::metrics::gauge!(metrics::CONNECTIONS).decrement(1.0);
        }
    }
}

/// Resolves when the socket has to make room for another.
async fn make_room(evicted: Option<WaitForCancellationFutureOwned>) {
    match evicted {
        Some(evicted) => evicted.await,
        None => std::future::pending().await,
    }
}

/// A client whose machine is gone says nothing any more: the system asks it, and ends the socket.
fn keep_alive(stream: &TcpStream) {
    let keep_alive = socket2::TcpKeepalive::new()
        .with_time(KEEP_ALIVE_AFTER)
        .with_interval(KEEP_ALIVE_EVERY)
        .with_retries(KEEP_ALIVE_PROBES);
    if let Err(error) = socket2::SockRef::from(stream).set_tcp_keepalive(&keep_alive) {
        debug!(%error, "cannot switch keep-alive on");
    }
}
