//! Files that clients send: LOAD DATA LOCAL.
//!
//! A statement asks for a file in the middle of its answer; the client sends it packet by packet, an empty one at its end, whatever
//! becomes of the statement meanwhile. So a statement that ends before its file has to pass over the rest.

use bytes::Bytes;
use tokio::sync::mpsc;

use super::Upload;
use super::answer::Sink;
use crate::common::SqlResult;

/// The first byte of a packet that asks for a file.
const ASK: u8 = 0xfb;

/// What a client sends of the file in hand.
pub(super) struct Uploads {
    packets: mpsc::Receiver<Upload>,
    /// A file has been asked for, and has not ended.
    is_open: bool,
}

impl Uploads {
    pub(super) fn new(packets: mpsc::Receiver<Upload>) -> Uploads {
        Uploads { packets, is_open: false }
    }

    /// Asks the client for a file.
    pub(super) async fn ask(&mut self, file: &str, sink: &mut Sink) -> SqlResult<()> {
        sink.writer.packet(|out| {
            out.extend_from_slice(&[ASK]);
            out.extend_from_slice(file.as_bytes());
        });
        sink.ask().await?;
        self.is_open = true;
        Ok(())
    }

    /// The next piece of the file; `None` at its end.
    pub(super) async fn next(&mut self, sink: &mut Sink) -> Option<Bytes> {
        if !self.is_open {
            return None;
        }
        // Without a sender there is no session any more, and nobody to be answered.
        let Upload { payload, next_sequence } = self.packets.recv().await?;
        sink.writer.set_sequence(next_sequence);
        if payload.is_empty() {
            self.is_open = false;
            return None;
        }
        Some(payload)
    }

    /// Passes over what is left of a file.
    pub(super) async fn pass_over(&mut self, sink: &mut Sink) {
        while self.next(sink).await.is_some() {}
    }
}
