//! The connection's actor.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use rand_chacha::ChaCha8Rng;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;
use tracing::{debug, info};

use super::io::{End, Wire};
use super::login::{self, Login};
use crate::actors::gateway::{GatewayOptions, metrics};
use crate::actors::runtime::{Actor, Clock, Context, Rng, Supervision};
use crate::actors::session::{
    Accounts, Answer, ClientInfo, Execute, Process, ProcessList, ProcessState, SessionRef,
    Sessions, SwitchUser,
};
use crate::common::{SqlError, errno};
use crate::protocol::command::Command;
use crate::protocol::handshake::{ChangeUser, NONCE};
use crate::protocol::packet::{self, PacketWriter};
use crate::protocol::{StatusFlags, response};

/// A statement may take as long as it wants; its client ends it with KILL.
const STATEMENT_DEADLINE: Duration = Duration::from_secs(365 * 24 * 3600);
/// How long a client may take to read the last words of a connection.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// What connections share.
pub struct Services {
    /// Settings.
    pub options: GatewayOptions,
    /// Who may log in.
    pub accounts: Arc<dyn Accounts>,
    /// Opens sessions.
    pub sessions: Arc<dyn Sessions>,
    /// Who is connected.
    pub processes: Arc<ProcessList>,
    /// TLS, if configured.
    pub tls: Option<TlsAcceptor>,
    /// Time.
    pub clock: Clock,
    /// Randomness of the greetings.
    pub(super) nonces: Mutex<ChaCha8Rng>,
    draining: AtomicBool,
    drain: Notify,
}

impl Services {
    /// What connections share.
    pub fn new(
        options: GatewayOptions,
        accounts: Arc<dyn Accounts>,
        sessions: Arc<dyn Sessions>,
        processes: Arc<ProcessList>,
        tls: Option<TlsAcceptor>,
        clock: Clock,
        rng: &Rng,
    ) -> Services {
        Services {
            options,
            accounts,
            sessions,
            processes,
            tls,
            clock,
            nonces: Mutex::new(rng.stream("gateway/nonces")),
            draining: AtomicBool::new(false),
            drain: Notify::new(),
        }
    }

    /// From now on connections end as soon as they have nothing in hand.
    pub fn begin_drain(&self) {
        self.draining.store(true, Ordering::Release);
        self.drain.notify_waiters();
    }

    async fn drained(&self) {
        let notified = self.drain.notified();
        if !self.draining.load(Ordering::Acquire) {
            notified.await;
        }
    }
}

/// One client.
pub struct Connection {
    id: u32,
    stream: Option<std::net::TcpStream>,
    peer: SocketAddr,
    services: Arc<Services>,
    process: Option<Arc<Process>>,
}

impl Connection {
    /// A connection for an accepted socket.
    pub fn new(
        id: u32,
        stream: Option<std::net::TcpStream>,
        peer: SocketAddr,
        services: Arc<Services>,
    ) -> Connection {
        Connection { id, stream, peer, services, process: None }
    }

    /// After the password: a session, the final OK, and commands.
    fn open_session(&mut self, login: Result<Login, End>, ctx: &mut Context<Self>) {
        let mut login = match login {
            Ok(login) => login,
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
        let opened = self.services.sessions.open(ctx, login.client.clone(), process.clone());
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
        ctx.spawn_then(
            async move {
                let stream = TcpStream::from_std(stream)?;
                stream.set_nodelay(true)?;
                let mut wire = Wire::new(stream, services.options.max_packet);
                if services.processes.len() >= services.options.max_connections as usize {
                    let full = SqlError::new(errno::CON_COUNT, "Too many connections");
                    return Err(login::refuse(&mut wire, 0, &full).await);
                }
                let login = login::login(&services, wire, id, peer);
                tokio::time::timeout(services.options.connect_timeout, login)
                    .await
                    .unwrap_or(Err(End::LoginTimeout))
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

/// A connection with a session: commands in, answers out.
struct Serving {
    services: Arc<Services>,
    session: SessionRef,
    process: Arc<Process>,
    peer: SocketAddr,
    client: ClientInfo,
    nonce: [u8; NONCE],
}

impl Serving {
    async fn run(mut self, mut wire: Wire, sequence: u8) -> End {
        let mut ok = PacketWriter::new(sequence);
        response::Ok::default().write(&mut ok, StatusFlags::SERVER_STATUS_AUTOCOMMIT);
        if let Err(end) = wire.write(&ok.take()).await {
            return end;
        }
        let end = loop {
            if let Err(end) = self.command(&mut wire).await {
                break end;
            }
        };
        if let Some(error) = last_words(&end) {
            let mut writer = PacketWriter::new(0);
            if !matches!(end, End::Killed) {
                writer = PacketWriter::new(1);
            }
            response::write_error(&mut writer, &error);
            let _ = tokio::time::timeout(LAST_WORDS, wire.write(&writer.take())).await;
        }
        let _ = tokio::time::timeout(LAST_WORDS, wire.close()).await;
        end
    }

    /// One command, from its packet to the end of its answer.
    async fn command(&mut self, wire: &mut Wire) -> Result<(), End> {
        let packet = tokio::select! {
            biased;
            () = self.process.killed() => return Err(End::Killed),
            packet = wire.packet(0) => packet?,
            () = self.services.drained() => return Err(End::Killed),
        };
        ::metrics::counter!(metrics::COMMANDS).increment(1);
        match Command::decode(&packet.payload)? {
            Command::Quit => Err(End::Closed),
            Command::ChangeUser(body) => {
                let change = ChangeUser::decode(&body, self.client.capabilities)?;
                self.change_user(wire, change, packet.next_sequence).await
            }
            command => {
                let execute = Execute { command, first_sequence: packet.next_sequence };
                let answer = self.session.execute.ask(execute, STATEMENT_DEADLINE);
                tokio::pin!(answer);
                let answer = tokio::select! {
                    biased;
                    answer = &mut answer => answer?,
                    () = self.process.killed() => return Err(End::Killed),
                };
                self.write_answer(wire, answer).await
            }
        }
    }

    async fn write_answer(&self, wire: &mut Wire, answer: Answer) -> Result<(), End> {
        let Answer { bytes, rest, disconnect } = answer;
        if !bytes.is_empty() {
            wire.write(&bytes).await?;
        }
        if let Some(mut rest) = rest {
            loop {
                let more = tokio::select! {
                    biased;
                    () = self.process.killed() => return Err(End::Killed),
                    more = rest.recv() => more,
                };
                match more {
                    Some(bytes) => wire.write(&bytes).await?,
                    None => break,
                }
            }
        }
        if disconnect { Err(End::Closed) } else { Ok(()) }
    }

    async fn change_user(
        &mut self,
        wire: &mut Wire,
        change: ChangeUser,
        sequence: u8,
    ) -> Result<(), End> {
        let (client, sequence) = login::change_user(
            &self.services,
            wire,
            &self.nonce,
            self.peer,
            &self.client,
            change,
            sequence,
        )
        .await?;
        match self.session.switch.ask(SwitchUser(client.clone()), STATEMENT_DEADLINE).await? {
            Err(error) => Err(login::refuse(wire, sequence, &error).await),
            Ok(()) => {
                self.process.update(|state| {
                    state.user.clone_from(&client.user);
                    state.database.clone_from(&client.database);
                });
                self.client = client;
                let mut ok = PacketWriter::new(sequence);
                response::Ok::default().write(&mut ok, StatusFlags::SERVER_STATUS_AUTOCOMMIT);
                wire.write(&ok.take()).await
            }
        }
    }
}

/// What a client is told before its connection ends, if it is there to be told.
fn last_words(end: &End) -> Option<SqlError> {
    let (code, message) = match end {
        End::Packet(packet::Error::TooLarge(_)) => (
            errno::NET_PACKET_TOO_LARGE,
            "Got a packet bigger than 'max_allowed_packet' bytes".to_string(),
        ),
        End::Packet(packet::Error::OutOfOrder { .. }) => {
            (errno::NET_PACKETS_OUT_OF_ORDER, "Got packets out of order".to_string())
        }
        End::Malformed(malformed) => {
            (errno::MALFORMED_PACKET, format!("Malformed communication packet: {}", malformed.0))
        }
        End::Killed => (errno::SERVER_SHUTDOWN, "Server shutdown in progress".to_string()),
        End::Session(_) => (errno::UNKNOWN, "internal error: the session failed".to_string()),
        End::Closed | End::Io(_) | End::Refused | End::LoginTimeout => return None,
    };
    Some(SqlError::new(code, message))
}
