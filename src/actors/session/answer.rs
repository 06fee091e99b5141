//! The way of an answer to the client: in one piece if it is small, through a channel if it is not.

use tokio::sync::mpsc;

use super::{Answer, Part};
use crate::actors::runtime::ReplyTo;
use crate::common::{Fault, SqlError, SqlResult};
use crate::protocol::packet::PacketWriter;

/// An answer that has grown to this many bytes begins to stream, in pieces of about this size.
const CHUNK: usize = 32 << 10;
/// Pieces on their way: what a slow client keeps us from computing is bounded by them.
const CHUNKS_AHEAD: usize = 2;

/// An answer under construction.
pub(super) struct Sink {
    /// Takes packets.
    pub(super) writer: PacketWriter,
    reply: Option<ReplyTo<Answer>>,
    rest: Option<mpsc::Sender<Part>>,
    /// The connection ends after this answer.
    pub(super) disconnect: bool,
    /// Bytes that are on their way.
    sent: usize,
}

impl Sink {
    pub(super) fn new(first_sequence: u8, reply: ReplyTo<Answer>) -> Sink {
        Sink {
            writer: PacketWriter::new(first_sequence),
            reply: Some(reply),
            rest: None,
            disconnect: false,
            sent: 0,
        }
    }

    /// Whether enough has been written for [`Sink::flush`] to be worth its while.
    pub(super) fn is_full(&self) -> bool {
        self.writer.len() >= CHUNK
    }

    /// Sends what is written so far, and waits while the client is behind. May be dropped at any point.
    pub(super) async fn flush(&mut self) -> SqlResult<()> {
        self.send(None).await
    }

    /// Sends what is written so far, whose last packet asks the client for a file.
    pub(super) async fn ask(&mut self) -> SqlResult<()> {
        let sequence = self.writer.sequence();
        self.send(Some(sequence)).await
    }

    async fn send(&mut self, asks: Option<u8>) -> SqlResult<()> {
        if let Some(rest) = &self.rest {
            let Ok(place) = rest.reserve().await else { return Err(gone()) };
            let bytes = self.writer.take();
            self.sent += bytes.len();
            place.send(Part { bytes, asks });
            return Ok(());
        }
        let (sender, receiver) = mpsc::channel(CHUNKS_AHEAD);
        self.rest = Some(sender);
        if let Some(reply) = self.reply.take() {
            let bytes = self.writer.take();
            self.sent += bytes.len();
            reply.send(Answer { bytes, asks, rest: Some(receiver), disconnect: false });
        }
        Ok(())
    }

    /// Sends the rest; answers how many bytes the whole answer has.
    pub(super) async fn finish(mut self) -> usize {
        let bytes = self.writer.take();
        let sent = self.sent + bytes.len();
        match (self.reply.take(), &self.rest) {
            (Some(reply), _) => {
                reply.send(Answer { bytes, asks: None, rest: None, disconnect: self.disconnect });
            }
            // Nobody listens any more when this fails: the connection is gone.
            (None, Some(rest)) if !bytes.is_empty() => {
                let _ = rest.send(Part { bytes, asks: None }).await;
            }
            (None, _) => {}
        }
        sent
    }
}

fn gone() -> SqlError {
    Fault::Interrupted.into()
}
