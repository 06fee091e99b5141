//! What a gateway asks of the node its sessions are on, and how that is written.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::proto as wire;
use crate::actors::bridge::{WireError, Wired};
use crate::actors::runtime::Message;
use crate::actors::session::{
    Account, CancelStatement, ClientInfo, ClientLimits, SwitchUser, TlsSession, Upload,
};
use crate::common::{SqlError, SqlResult};
use crate::message;
use crate::protocol::CapabilityFlags;
use crate::protocol::auth::Plugin;

/// Opens a session for a client whose password was checked; answered with its number.
#[derive(Clone, Debug)]
pub struct OpenSession {
    /// The client.
    pub client: ClientInfo,
    /// Its address and port.
    pub peer: String,
    /// The node of the gateway.
    pub gateway: String,
}
message!(OpenSession => SqlResult<u64>, "OpenSession");

/// Runs a command; answered with the first part of the answer.
#[derive(Clone, Debug)]
pub struct RunCommand {
    /// The packet's payload.
    pub payload: Bytes,
    /// The number of the answer's first frame.
    pub first_sequence: u8,
}
message!(RunCommand => AnswerPart, "RunCommand");

/// Asks for the next part of the answer.
#[derive(Clone, Copy, Debug)]
pub struct MoreAnswer;
message!(MoreAnswer => AnswerPart, "MoreAnswer");

/// A part of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnswerPart {
    /// Framed packets.
    pub bytes: Bytes,
    /// There is more.
    pub more: bool,
    /// The last packet asks the client for a file, whose first packet has this number.
    pub asks: Option<u8>,
    /// The connection ends after this answer.
    pub disconnect: bool,
    /// What the session allows its client from now on, if that has changed.
    pub limits: Option<ClientLimits>,
}

/// The client is gone: the session ends, its transaction is rolled back.
#[derive(Clone, Copy, Debug)]
pub struct CloseSession;
message!(CloseSession => (), "CloseSession");

/// Asks for the account somebody may log in with.
#[derive(Clone, Debug)]
pub struct FindAccount {
    /// User name.
    pub user: String,
    /// Where the client is.
    pub address: IpAddr,
}
message!(FindAccount => Option<Account>, "FindAccount");

/// Says which sessions of a gateway have clients; answered with those that are not there.
#[derive(Clone, Debug)]
pub struct KeepSessions {
    /// The node of the gateway.
    pub gateway: String,
    /// Numbers of sessions.
    pub sessions: Vec<u64>,
}
message!(KeepSessions => Vec<u64>, "KeepSessions");

fn client_to_wire(client: ClientInfo) -> wire::Client {
    let ClientInfo { connection_id, user, account_host, address, database, .. } = client;
    wire::Client {
        connection_id,
        user,
        account_host,
        address: address.to_string(),
        database,
        capabilities: client.capabilities.bits(),
        collation: client.collation.into(),
        tls: client.tls.map(|tls| wire::Tls { version: tls.version.into(), cipher: tls.cipher }),
    }
}

fn client_from_wire<M: Message>(client: Option<wire::Client>) -> Result<ClientInfo, WireError> {
    let client = client.ok_or_else(|| WireError::of::<M>("it names no client"))?;
    let collation = u16::try_from(client.collation);
    let tls = client.tls.map(|tls| {
        // The two that a gateway speaks.
        let known = ["TLSv1.2", "TLSv1.3"].into_iter().find(|known| *known == tls.version);
        known
            .map(|version| TlsSession { version, cipher: tls.cipher })
            .ok_or_else(|| WireError::of::<M>("it has an unknown version of TLS"))
    });
    Ok(ClientInfo {
        connection_id: client.connection_id,
        user: client.user,
        account_host: client.account_host,
        address: client.address.parse().map_err(WireError::of::<M>)?,
        database: client.database,
        capabilities: CapabilityFlags::from_bits_truncate(client.capabilities),
        collation: collation.map_err(WireError::of::<M>)?,
        tls: tls.transpose()?,
    })
}

fn error_to_wire<T>(outcome: &SqlResult<T>) -> Option<wire::Error> {
    let error = outcome.as_ref().err()?;
    Some(wire::Error { code: error.code.into(), message: error.message.clone() })
}

fn error_from_wire<M: Message>(error: Option<wire::Error>) -> Result<SqlResult<()>, WireError> {
    match error {
        None => Ok(Ok(())),
        Some(error) => {
            let code = u16::try_from(error.code).map_err(WireError::of::<M>)?;
            Ok(Err(SqlError::new(code, error.message)))
        }
    }
}

impl Wired for OpenSession {
    type Wire = wire::OpenSession;
    type WireReply = wire::SessionOpened;

    fn into_wire(self) -> wire::OpenSession {
        let OpenSession { client, peer, gateway } = self;
        wire::OpenSession { client: Some(client_to_wire(client)), peer, gateway }
    }

    fn from_wire(wire: wire::OpenSession) -> Result<OpenSession, WireError> {
        let client = client_from_wire::<OpenSession>(wire.client)?;
        Ok(OpenSession { client, peer: wire.peer, gateway: wire.gateway })
    }

    fn reply_to_wire(opened: SqlResult<u64>) -> wire::SessionOpened {
        wire::SessionOpened { error: error_to_wire(&opened), session: opened.unwrap_or_default() }
    }

    fn reply_from_wire(wire: wire::SessionOpened) -> Result<SqlResult<u64>, WireError> {
        Ok(error_from_wire::<OpenSession>(wire.error)?.map(|()| wire.session))
    }
}

fn part_to_wire(part: AnswerPart) -> wire::AnswerPart {
    let limits = part.limits.map(|limits| wire::ClientLimits {
        idle_ms: to_ms(limits.idle),
        read_ms: to_ms(limits.read),
        write_ms: to_ms(limits.write),
        packet: limits.packet as u64,
    });
    let AnswerPart { bytes, more, asks, disconnect, .. } = part;
    let asks = asks.map(u32::from);
    wire::AnswerPart { bytes, more, asks, disconnect, limits }
}

fn to_ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn part_from_wire(wire: wire::AnswerPart) -> AnswerPart {
    let limits = wire.limits.map(|limits| ClientLimits {
        idle: Duration::from_millis(limits.idle_ms),
        read: Duration::from_millis(limits.read_ms),
        write: Duration::from_millis(limits.write_ms),
        packet: usize::try_from(limits.packet).unwrap_or(usize::MAX),
    });
    let wire::AnswerPart { bytes, more, asks, disconnect, .. } = wire;
    let asks = asks.and_then(|sequence| u8::try_from(sequence).ok());
    AnswerPart { bytes, more, asks, disconnect, limits }
}

impl Wired for RunCommand {
    type Wire = wire::RunCommand;
    type WireReply = wire::AnswerPart;

    fn into_wire(self) -> wire::RunCommand {
        wire::RunCommand { payload: self.payload, first_sequence: self.first_sequence.into() }
    }

    fn from_wire(wire: wire::RunCommand) -> Result<RunCommand, WireError> {
        let first_sequence =
            u8::try_from(wire.first_sequence).map_err(WireError::of::<RunCommand>)?;
        Ok(RunCommand { payload: wire.payload, first_sequence })
    }

    fn reply_to_wire(part: AnswerPart) -> wire::AnswerPart {
        part_to_wire(part)
    }

    fn reply_from_wire(wire: wire::AnswerPart) -> Result<AnswerPart, WireError> {
        Ok(part_from_wire(wire))
    }
}

impl Wired for MoreAnswer {
    type Wire = wire::MoreAnswer;
    type WireReply = wire::AnswerPart;

    fn into_wire(self) -> wire::MoreAnswer {
        wire::MoreAnswer {}
    }

    fn from_wire(_: wire::MoreAnswer) -> Result<MoreAnswer, WireError> {
        Ok(MoreAnswer)
    }

    fn reply_to_wire(part: AnswerPart) -> wire::AnswerPart {
        part_to_wire(part)
    }

    fn reply_from_wire(wire: wire::AnswerPart) -> Result<AnswerPart, WireError> {
        Ok(part_from_wire(wire))
    }
}

impl Wired for Upload {
    type Wire = wire::Upload;
    type WireReply = wire::Uploaded;

    fn into_wire(self) -> wire::Upload {
        wire::Upload { payload: self.payload, next_sequence: self.next_sequence.into() }
    }

    fn from_wire(wire: wire::Upload) -> Result<Upload, WireError> {
        let next_sequence = u8::try_from(wire.next_sequence).map_err(WireError::of::<Upload>)?;
        Ok(Upload { payload: wire.payload, next_sequence })
    }

    fn reply_to_wire((): ()) -> wire::Uploaded {
        wire::Uploaded {}
    }

    fn reply_from_wire(_: wire::Uploaded) -> Result<(), WireError> {
        Ok(())
    }
}

impl Wired for CancelStatement {
    type Wire = wire::CancelStatement;
    type WireReply = wire::Cancelled;

    fn into_wire(self) -> wire::CancelStatement {
        wire::CancelStatement {}
    }

    fn from_wire(_: wire::CancelStatement) -> Result<CancelStatement, WireError> {
        Ok(CancelStatement)
    }

    fn reply_to_wire((): ()) -> wire::Cancelled {
        wire::Cancelled {}
    }

    fn reply_from_wire(_: wire::Cancelled) -> Result<(), WireError> {
        Ok(())
    }
}

impl Wired for SwitchUser {
    type Wire = wire::SwitchUser;
    type WireReply = wire::UserSwitched;

    fn into_wire(self) -> wire::SwitchUser {
        wire::SwitchUser { client: Some(client_to_wire(self.0)) }
    }

    fn from_wire(wire: wire::SwitchUser) -> Result<SwitchUser, WireError> {
        client_from_wire::<SwitchUser>(wire.client).map(SwitchUser)
    }

    fn reply_to_wire(switched: SqlResult<()>) -> wire::UserSwitched {
        wire::UserSwitched { error: error_to_wire(&switched) }
    }

    fn reply_from_wire(wire: wire::UserSwitched) -> Result<SqlResult<()>, WireError> {
        error_from_wire::<SwitchUser>(wire.error)
    }
}

impl Wired for CloseSession {
    type Wire = wire::CloseSession;
    type WireReply = wire::SessionClosed;

    fn into_wire(self) -> wire::CloseSession {
        wire::CloseSession {}
    }

    fn from_wire(_: wire::CloseSession) -> Result<CloseSession, WireError> {
        Ok(CloseSession)
    }

    fn reply_to_wire((): ()) -> wire::SessionClosed {
        wire::SessionClosed {}
    }

    fn reply_from_wire(_: wire::SessionClosed) -> Result<(), WireError> {
        Ok(())
    }
}

impl Wired for FindAccount {
    type Wire = wire::FindAccount;
    type WireReply = wire::AccountFound;

    fn into_wire(self) -> wire::FindAccount {
        wire::FindAccount { user: self.user, address: self.address.to_string() }
    }

    fn from_wire(wire: wire::FindAccount) -> Result<FindAccount, WireError> {
        let address = wire.address.parse().map_err(WireError::of::<FindAccount>)?;
        Ok(FindAccount { user: wire.user, address })
    }

    fn reply_to_wire(found: Option<Account>) -> wire::AccountFound {
        let account = found.map(|account| wire::Account {
            user: account.user,
            host: account.host,
            plugin: account.plugin.name().to_owned(),
            stored: account.stored.into(),
            options: serde_json::to_string(&*account.options).unwrap_or_default(),
        });
        wire::AccountFound { account }
    }

    fn reply_from_wire(wire: wire::AccountFound) -> Result<Option<Account>, WireError> {
        let Some(account) = wire.account else { return Ok(None) };
        let unknown = || WireError::of::<FindAccount>("it has an unknown plugin");
        Ok(Some(Account {
            user: account.user,
            host: account.host,
            plugin: Plugin::by_name(&account.plugin).ok_or_else(unknown)?,
            stored: account.stored.into(),
            grants: Arc::default(),
            options: match account.options.as_str() {
                "" => Arc::default(),
                options => {
                    Arc::new(serde_json::from_str(options).map_err(WireError::of::<FindAccount>)?)
                }
            },
        }))
    }
}

impl Wired for KeepSessions {
    type Wire = wire::KeepSessions;
    type WireReply = wire::SessionsKept;

    fn into_wire(self) -> wire::KeepSessions {
        wire::KeepSessions { gateway: self.gateway, sessions: self.sessions }
    }

    fn from_wire(wire: wire::KeepSessions) -> Result<KeepSessions, WireError> {
        Ok(KeepSessions { gateway: wire.gateway, sessions: wire.sessions })
    }

    fn reply_to_wire(gone: Vec<u64>) -> wire::SessionsKept {
        wire::SessionsKept { gone }
    }

    fn reply_from_wire(wire: wire::SessionsKept) -> Result<Vec<u64>, WireError> {
        Ok(wire.gone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::accounts::AccountOptions;

    fn client(tls: Option<TlsSession>) -> ClientInfo {
        ClientInfo {
            connection_id: 7,
            user: "ann".into(),
            account_host: "%".into(),
            address: "::1".parse().unwrap(),
            database: Some("d".into()),
            capabilities: CapabilityFlags::CLIENT_PROTOCOL_41 | CapabilityFlags::CLIENT_FOUND_ROWS,
            collation: 255,
            tls,
        }
    }

    #[test]
    fn a_client_crosses_as_it_is() {
        for tls in [None, Some(TlsSession { version: "TLSv1.3", cipher: "x".into() })] {
            let before = client(tls);
            let after = SwitchUser::from_wire(SwitchUser(before.clone()).into_wire()).unwrap().0;
            assert_eq!(format!("{before:?}"), format!("{after:?}"));
        }
    }

    #[test]
    fn what_cannot_be_a_client_is_refused() {
        let wire = || client_to_wire(client(None));
        let refused = |client| SwitchUser::from_wire(wire::SwitchUser { client }).is_err();
        assert!(refused(None));
        assert!(refused(Some(wire::Client { address: "nowhere".into(), ..wire() })));
        assert!(refused(Some(wire::Client { collation: 70_000, ..wire() })));
        let tls = wire::Tls { version: "SSLv2".into(), cipher: String::new() };
        assert!(refused(Some(wire::Client { tls: Some(tls), ..wire() })));
    }

    #[test]
    fn errors_and_accounts_cross() {
        let error = || SqlError::new(1049, "Unknown database 'x'");
        let opened = OpenSession::reply_to_wire(Err(error()));
        assert_eq!(OpenSession::reply_from_wire(opened).unwrap(), Err(error()));
        let opened = OpenSession::reply_to_wire(Ok(12));
        assert_eq!(OpenSession::reply_from_wire(opened).unwrap(), Ok(12));
        let account = Account {
            user: "ann".into(),
            host: "%".into(),
            plugin: Plugin::Native,
            stored: vec![1, 2],
            grants: Arc::default(),
            options: Arc::new(AccountOptions { locked: true }),
        };
        for found in [None, Some(account)] {
            let wire = FindAccount::reply_to_wire(found.clone());
            assert_eq!(FindAccount::reply_from_wire(wire).unwrap(), found);
        }
    }
}
