//! The greeting, TLS and the password.

use std::net::SocketAddr;
use std::time::Duration;

use rand::RngExt as _;

use super::io::{End, Wire};
use super::services::{Seat, Services};
use crate::actors::gateway::metrics;
use crate::actors::session::{Account, ClientInfo};
use crate::common::{SqlError, errno};
use crate::protocol::auth::{FAST_AUTH_OK, Plugin};
use crate::protocol::handshake::{
    ChangeUser, ClientHello, Greeting, HandshakeResponse, NONCE, auth_more, auth_switch,
    server_capabilities,
};
use crate::protocol::packet::{self, PacketWriter};
use crate::protocol::response;

/// utf8mb4_bin, where a client's own number is 0.
const DEFAULT_COLLATION: u8 = 46;

/// How long a client may take to read why its login has ended.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A client that has said who it is.
pub(super) struct Login {
    pub(super) wire: Wire,
    pub(super) client: ClientInfo,
    pub(super) nonce: [u8; NONCE],
    /// The number of the packet that ends the login.
    pub(super) sequence: u8,
    /// Counts it among the connections.
    pub(super) seat: Seat,
}

/// The same without its connection.
pub(super) struct Known {
    client: ClientInfo,
    nonce: [u8; NONCE],
    sequence: u8,
    seat: Seat,
}

impl Known {
    /// A login over this connection.
    pub(super) fn with(self, wire: Wire) -> Login {
        let Known { client, nonce, sequence, seat } = self;
        Login { wire, client, nonce, sequence, seat }
    }
}

/// What a client says to prove who it is, at login and at COM_CHANGE_USER.
pub(super) struct Proof<'a> {
    pub(super) user: &'a str,
    pub(super) auth: &'a [u8],
    pub(super) plugin: Option<&'a str>,
    pub(super) database: Option<&'a str>,
}

/// Greets, switches to TLS if asked, checks the password. The final OK is left to whoever opens the session.
pub(super) async fn login(
    services: &Services,
    wire: &mut Wire,
    id: u32,
    peer: SocketAddr,
) -> Result<Known, End> {
    let nonce = nonce(services);
    let capabilities = server_capabilities(services.tls.is_some());
    let greeting = Greeting {
        version: &services.options.version,
        connection_id: id,
        nonce: &nonce,
        capabilities,
        collation: DEFAULT_COLLATION,
        plugin: services.options.default_plugin.name(),
    };
    let mut sequence = wire.write_packet(0, |out| greeting.encode(out)).await?;
    let hello = loop {
        let packet = wire.packet(sequence).await?;
        sequence = packet.next_sequence;
        match (ClientHello::decode(&packet.payload)?, &services.tls) {
            (ClientHello::Response(response), _) => break response,
            (ClientHello::Tls, Some(tls)) if wire.tls().is_none() => {
                wire.start_tls(&tls.acceptor()).await?;
            }
            (ClientHello::Tls, _) => {
                return Err(crate::protocol::Malformed("TLS is not offered").into());
            }
        }
    };
    if services.options.require_tls && wire.tls().is_none() {
        return Err(refuse(wire, sequence, &insecure()).await);
    }
    let HandshakeResponse { user, auth, plugin, database, .. } = &hello;
    let proof = Proof { user, auth, plugin: plugin.as_deref(), database: database.as_deref() };
    let (account, sequence) = authenticate(services, wire, &nonce, peer, proof, sequence).await?;
    let Some(seat) = services.seat(&account) else {
        return Err(refuse(wire, sequence, &too_many()).await);
    };
    let client = ClientInfo {
        connection_id: id,
        user: account.user,
        account_host: account.host,
        address: peer.ip(),
        database: hello.database,
        capabilities: hello.capabilities & capabilities,
        collation: if hello.collation == 0 { DEFAULT_COLLATION } else { hello.collation }.into(),
        tls: wire.tls(),
    };
    Ok(Known { client, nonce, sequence, seat })
}

/// Checks who a connected client says it has become.
pub(super) async fn change_user(
    services: &Services,
    wire: &mut Wire,
    nonce: &[u8; NONCE],
    peer: SocketAddr,
    old: &ClientInfo,
    change: ChangeUser,
    sequence: u8,
) -> Result<(ClientInfo, u8), End> {
    let proof = Proof {
        user: &change.user,
        auth: &change.auth,
        plugin: change.plugin.as_deref(),
        database: change.database.as_deref(),
    };
    let known = authenticate(services, wire, nonce, peer, proof, sequence);
    let known = tokio::time::timeout(services.options.connect_timeout, known).await;
    let (account, sequence) = known.unwrap_or(Err(End::LoginTimeout))?;
    let client = ClientInfo {
        user: account.user,
        account_host: account.host,
        database: change.database,
        collation: change.collation.unwrap_or(old.collation),
        ..old.clone()
    };
    Ok((client, sequence))
}

async fn authenticate(
    services: &Services,
    wire: &mut Wire,
    nonce: &[u8; NONCE],
    peer: SocketAddr,
    proof: Proof<'_>,
    mut sequence: u8,
) -> Result<(Account, u8), End> {
    let account = match services.accounts.find(proof.user, peer.ip()).await {
        Ok(account) => account,
        Err(error) => return Err(refuse(wire, sequence, &error).await),
    };
    // Somebody unknown is asked for a password too, so that names cannot be probed.
    let plugin = account.as_ref().map_or(services.options.default_plugin, |account| account.plugin);
    let mut scramble = proof.auth.to_vec();
    if proof.plugin != Some(plugin.name()) {
        sequence =
            wire.write_packet(sequence, |out| auth_switch(out, plugin.name(), nonce)).await?;
        let packet = wire.packet(sequence).await?;
        sequence = packet.next_sequence;
        scramble = packet.payload.to_vec();
    }
    let with_password = !scramble.is_empty() && scramble != [0];
    let Some(account) = account.filter(|account| plugin.verify(&account.stored, nonce, &scramble))
    else {
        ::metrics::counter!(metrics::DENIED).increment(1);
        let (failures, delay) = services.denials.note(peer.ip());
        tracing::info!(user = ?proof.user, %peer, with_password, failures, "login denied");
        tokio::time::sleep(delay).await;
        return Err(refuse(wire, sequence, &denied(proof.user, peer, with_password)).await);
    };
    if account.options.locked {
        tracing::info!(user = ?proof.user, %peer, "login to a locked account");
        return Err(refuse(wire, sequence, &locked(proof.user, peer)).await);
    }
    services.denials.forget(peer.ip());
    if plugin == Plugin::CachingSha2 && with_password {
        sequence = wire.write_packet(sequence, |out| auth_more(out, FAST_AUTH_OK)).await?;
    }
    tracing::debug!(user = proof.user, database = proof.database, "client authenticated");
    Ok((account, sequence))
}

/// Tells the client why it may not go on.
pub(super) async fn refuse(wire: &mut Wire, sequence: u8, error: &SqlError) -> End {
    let mut writer = PacketWriter::new(sequence);
    response::write_error(&mut writer, error);
    match wire.write(&writer.take()).await {
        Ok(()) => End::Refused,
        Err(end) => end,
    }
}

/// Tells a client that has not logged in what was wrong with what it said.
pub(super) async fn part(wire: &mut Wire, end: &End) {
    let error = match end {
        End::Malformed(_) => SqlError::new(errno::HANDSHAKE, "Bad handshake"),
        End::Packet(packet::Error::TooLarge(_)) => SqlError::new(
            errno::NET_PACKET_TOO_LARGE,
            "Got a packet bigger than 'max_allowed_packet' bytes",
        ),
        End::Packet(packet::Error::OutOfOrder { .. }) => {
            SqlError::new(errno::NET_PACKETS_OUT_OF_ORDER, "Got packets out of order")
        }
        _ => return,
    };
    let sequence = wire.sequence();
    let _ = tokio::time::timeout(LAST_WORDS, refuse(wire, sequence, &error)).await;
}

/// Error 1040.
pub(in crate::actors::gateway) fn too_many() -> SqlError {
    SqlError::new(errno::CON_COUNT, "Too many connections")
}

/// Error 3118.
fn locked(user: &str, peer: SocketAddr) -> SqlError {
    let message =
        format!("Access denied for user '{user}'@'{}'. Account is locked.", host_of(peer));
    SqlError::new(errno::ACCOUNT_HAS_BEEN_LOCKED, message)
}

/// The client's host as messages name it.
fn host_of(peer: SocketAddr) -> String {
    if peer.ip().is_loopback() { "localhost".into() } else { peer.ip().to_string() }
}

fn denied(user: &str, peer: SocketAddr, with_password: bool) -> SqlError {
    let host = host_of(peer);
    let with = if with_password { "YES" } else { "NO" };
    SqlError::new(
        errno::ACCESS_DENIED,
        format!("Access denied for user '{user}'@'{host}' (using password: {with})"),
    )
}

fn insecure() -> SqlError {
    SqlError::new(
        errno::SECURE_TRANSPORT_REQUIRED,
        "Connections using insecure transport are prohibited while --require_secure_transport=ON.",
    )
}

/// Twenty bytes that clients take for a string: none of them zero, all of them ASCII.
fn nonce(services: &Services) -> [u8; NONCE] {
    let mut rng = services.nonces.lock();
    std::array::from_fn(|_| rng.random_range(0x21..0x7f))
}
