//! A connection with a session: commands in, answers out.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::io::{End, Wire};
use super::login;
use super::services::Services;
use crate::actors::gateway::metrics;
use crate::actors::session::{
    Answer, CancelStatement, ClientInfo, Execute, Part, Process, SessionRef, SwitchUser, Upload,
};
use crate::common::{SqlError, errno};
use crate::protocol::command::Command;
use crate::protocol::handshake::{ChangeUser, NONCE};
use crate::protocol::packet::{self, PacketWriter};
use crate::protocol::{CapabilityFlags, StatusFlags, response};

/// A statement may take as long as it wants; its client ends it with KILL.
const STATEMENT_DEADLINE: Duration = Duration::from_secs(365 * 24 * 3600);
/// How long a client may take to read the last words of a connection.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// How long a statement whose client is gone may take to be undone, before its session is given up.
const UNDO: Duration = Duration::from_secs(5);

/// A connection with a session: commands in, answers out.
pub(super) struct Serving {
    pub(super) services: Arc<Services>,
    pub(super) session: SessionRef,
    pub(super) process: Arc<Process>,
    pub(super) peer: SocketAddr,
    pub(super) client: ClientInfo,
    pub(super) nonce: [u8; NONCE],
}

impl Serving {
    pub(super) async fn run(mut self, mut wire: Wire, sequence: u8) -> End {
        let mut ok = PacketWriter::new(sequence);
        response::Ok::default().write(&mut ok, StatusFlags::SERVER_STATUS_AUTOCOMMIT);
        if let Err(end) = wire.write(&ok.take()).await {
            return end;
        }
        wire.logged_in(self.client.capabilities.contains(CapabilityFlags::CLIENT_COMPRESS));
        let end = loop {
            self.process.at_rest(self.services.clock.now());
            if let Err(end) = self.command(&mut wire).await {
                break end;
            }
        };
        // Whatever is still in hand is for nobody.
        self.process.end();
        let _ = self.session.cancel.tell(CancelStatement);
        if let Some(error) = last_words(&end) {
            let mut writer = PacketWriter::new(1);
            response::write_error(&mut writer, &error);
            let _ = timeout(LAST_WORDS, wire.write(&writer.take())).await;
        }
        let _ = timeout(LAST_WORDS, wire.close()).await;
        end
    }

    /// One command, from its packet to the end of its answer.
    async fn command(&mut self, wire: &mut Wire) -> Result<(), End> {
        let packet = tokio::select! {
            biased;
            () = self.process.killed() => return Err(End::Killed),
            packet = wire.packet(0) => packet?,
            () = self.services.drained() => return Err(End::Stopped),
        };
        self.process.at_work();
        ::metrics::counter!(metrics::COMMANDS).increment(1);
        match Command::decode(&packet.payload)? {
            Command::Quit => Err(End::Closed),
            Command::ChangeUser(body) => {
                let change = ChangeUser::decode(&body, self.client.capabilities)?;
                self.change_user(wire, change, packet.next_sequence).await
            }
            command => {
                let execute = Execute { command, first_sequence: packet.next_sequence };
                // Its buffer is the command's alone from now on.
                drop(packet);
                let answer = self.answer(wire, execute).await?;
                wire.set_limits(self.process.limits());
                self.write_answer(wire, answer).await
            }
        }
    }

    /// Waits for the answer, as long as there is somebody to have it.
    async fn answer(&self, wire: &mut Wire, execute: Execute) -> Result<Answer, End> {
        let mut answer = std::pin::pin!(self.session.execute.ask(execute, STATEMENT_DEADLINE));
        let end = tokio::select! {
            biased;
            answer = &mut answer => return Ok(answer?),
            () = self.process.killed() => End::Killed,
            end = wire.gone() => end,
        };
        self.process.end();
        let _ = self.session.cancel.tell(CancelStatement);
        // What it has done is undone by itself; a commit that has begun comes to its end.
        let _ = timeout(UNDO, answer).await;
        Err(end)
    }

    async fn write_answer(&self, wire: &mut Wire, answer: Answer) -> Result<(), End> {
        let Answer { bytes, asks, rest, disconnect } = answer;
        if !bytes.is_empty() {
            self.write(wire, &bytes).await?;
        }
        if let Some(sequence) = asks {
            self.upload(wire, sequence).await?;
        }
        if let Some(mut rest) = rest {
            loop {
                let more = tokio::select! {
                    biased;
                    () = self.process.killed() => return Err(End::Killed),
                    more = rest.recv() => more,
                    end = wire.gone() => return Err(end),
                };
                match more {
                    Some(Part { bytes, asks }) => {
                        self.write(wire, &bytes).await?;
                        if let Some(sequence) = asks {
                            self.upload(wire, sequence).await?;
                        }
                    }
                    None => break,
                }
            }
        }
        if disconnect { Err(End::Closed) } else { Ok(()) }
    }

    /// Hands a file, which the packet before this number has asked for, to the session: packet by packet, up to an empty one.
    async fn upload(&self, wire: &mut Wire, mut sequence: u8) -> Result<(), End> {
        loop {
            let packet = tokio::select! {
                biased;
                () = self.process.killed() => return Err(End::Killed),
                packet = wire.next_packet(sequence) => packet?,
            };
            sequence = packet.next_sequence;
            let is_last = packet.payload.is_empty();
            let upload = Upload { payload: packet.payload, next_sequence: sequence };
            let taken = self.session.upload.ask(upload, STATEMENT_DEADLINE);
            tokio::select! {
                biased;
                taken = taken => taken?,
                () = self.process.killed() => return Err(End::Killed),
            }
            if is_last {
                return Ok(());
            }
        }
    }

    /// Writes, unless the connection is killed meanwhile: a client that does not read holds up nobody.
    async fn write(&self, wire: &mut Wire, bytes: &[u8]) -> Result<(), End> {
        tokio::select! {
            biased;
            written = wire.write(bytes) => written,
            () = self.process.killed() => Err(End::Killed),
        }
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

/// What a client is told about its last command before its connection ends, if it is there to be told.
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
        End::NoMemory(error) => return Some(error.clone()),
        End::Session(_) => (errno::UNKNOWN, "internal error: the session failed".to_string()),
        // Clients that are killed find their connection closed, and know what that means; an error nobody asked for would be
        // taken for the answer to the next command.
        End::Killed | End::Stopped | End::ReadTimeout(_) | End::WriteTimeout(_) => return None,
        End::Closed | End::Io(_) | End::Refused | End::LoginTimeout | End::MadeRoom => return None,
    };
    Some(SqlError::new(code, message))
}
