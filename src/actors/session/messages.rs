//! What a gateway and a session say to each other.

use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::BoxFuture;
use tokio::sync::mpsc;

use super::processes::Process;
use crate::actors::runtime::{Address, Below};
use crate::common::SqlResult;
use crate::message;
use crate::protocol::CapabilityFlags;
use crate::protocol::auth::Plugin;
use crate::protocol::command::Command;
use crate::sql::accounts::{AccountName, AccountOptions, Grants};

/// Who is connected, after a password was checked.
#[derive(Clone, Debug)]
pub struct ClientInfo {
    /// The number that KILL takes.
    pub connection_id: u32,
    /// User name, as in the account.
    pub user: String,
    /// Host pattern of the account that matched.
    pub account_host: String,
    /// Where the client is.
    pub address: IpAddr,
    /// Database to start in.
    pub database: Option<String>,
    /// What the client can do.
    pub capabilities: CapabilityFlags,
    /// Number of the connection's collation.
    pub collation: u16,
    /// How the connection is encrypted; `None`: it is not.
    pub tls: Option<TlsSession>,
}

/// What TLS has agreed on, as `SHOW STATUS` tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsSession {
    /// `TLSv1.3`.
    pub version: &'static str,
    /// OpenSSL's name of the cipher suite, which is what clients know.
    pub cipher: String,
}

/// Run a command, and answer with packets. A session handles one at a time; a second one waits.
#[derive(Debug)]
pub struct Execute {
    /// The command.
    pub command: Command,
    /// The number of the answer's first frame.
    pub first_sequence: u8,
}
message!(Execute => Answer, "Execute");

/// Framed and numbered packets, ready to be written to the socket.
#[derive(Debug, Default)]
pub struct Answer {
    /// The answer, or its beginning; empty for commands that have none.
    pub bytes: Bytes,
    /// The last packet asks the client for a file, whose first packet has this number.
    pub asks: Option<u8>,
    /// The rest, as it comes. The channel is small: a slow client slows its statement down.
    pub rest: Option<mpsc::Receiver<Part>>,
    /// The connection ends after this answer.
    pub disconnect: bool,
}

/// A piece of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// Framed packets.
    pub bytes: Bytes,
    /// The last of them asks the client for a file, whose first packet has this number.
    pub asks: Option<u8>,
}

/// A packet of the file that the statement in hand has asked for. It is answered when there is room for another.
#[derive(Clone, Debug)]
pub struct Upload {
    /// Its payload; empty: the file has ended.
    pub payload: Bytes,
    /// The number of the frame after it.
    pub next_sequence: u8,
}
message!(Upload => (), "Upload");

/// Stop the statement in hand with error 1317, if there is one.
#[derive(Debug)]
pub struct CancelStatement;
message!(CancelStatement => (), "CancelStatement");

/// COM_CHANGE_USER, after the password was checked: a fresh session for somebody else. The answer is OK, or the
/// error (say 1049 for its database) with which the connection ends.
#[derive(Debug)]
pub struct SwitchUser(pub ClientInfo);
message!(SwitchUser => SqlResult<()>, "SwitchUser");

/// A session, wherever it runs.
#[derive(Clone, Debug)]
pub struct SessionRef {
    /// Takes commands.
    pub execute: Address<Execute>,
    /// Takes files that statements have asked for.
    pub upload: Address<Upload>,
    /// Takes cancellations, which overtake the statement in hand.
    pub cancel: Address<CancelStatement>,
    /// Takes new users.
    pub switch: Address<SwitchUser>,
}

/// Opens sessions for connections, as children of them on their threads: in one process the session itself, else the way
/// to it.
pub trait Sessions: Send + Sync {
    /// Opens a session for a client whose password was checked. The process is already in the list. An
    /// unknown database is the first `Err` the client sees.
    fn open(
        &self,
        connection: Below<'_>,
        client: ClientInfo,
        process: std::sync::Arc<Process>,
    ) -> BoxFuture<'static, SqlResult<SessionRef>>;
}

/// An account and what is stored of its password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// User name.
    pub user: String,
    /// Host pattern: `%`, an address, or an address with `%`.
    pub host: String,
    /// How its password is checked.
    pub plugin: Plugin,
    /// Result of `Plugin::stored`; empty: no password.
    pub stored: Vec<u8>,
    /// What it has been granted. It does not go to gateways.
    pub grants: Arc<Grants>,
    /// What else is said of it.
    pub options: Arc<AccountOptions>,
}

impl Account {
    /// Its name.
    pub fn name(&self) -> AccountName {
        AccountName::new(&self.user, &self.host)
    }
}

/// The accounts of the cluster.
#[async_trait]
pub trait Accounts: Send + Sync {
    /// The account with the most specific host pattern that matches.
    async fn find(&self, user: &str, address: IpAddr) -> SqlResult<Option<Account>>;
}
