//! Sends snapshots to other stores and receives theirs, piece by piece.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tracing::{debug, info};

use super::files::SnapshotDir;
use super::messages::{SendSnapshot, TakeChunk};
use super::worker::sync;
use crate::actors::runtime::{Actor, Context, Handler, MailboxOptions, Overflow, ReplyTo};
use crate::actors::store::region_peer::Report;
use crate::actors::store::shared::StoreParts;
use crate::actors::store::transport::{
    ChunkRefused, RaftEnvelope, SnapshotChunk, SnapshotId, Transport,
};
use crate::storage::region::snapshot::SnapshotHeader;

/// Bytes of a piece.
const CHUNK_BYTES: usize = 1 << 20;
/// A snapshot of which nothing was heard for so long is given up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Moves the files of snapshots.
pub struct SnapshotMover {
    parts: StoreParts,
    dir: SnapshotDir,
    incoming: BTreeMap<SnapshotId, Incoming>,
    sent: u64,
    received: u64,
}

/// A snapshot that has not arrived as a whole.
struct Incoming {
    announcement: RaftEnvelope,
    header: SnapshotHeader,
    path: PathBuf,
    file: File,
    written: u64,
    checksum: u32,
    touched: u64,
}

impl SnapshotMover {
    /// A mover of a store's snapshots.
    pub fn new(parts: StoreParts, dir: SnapshotDir) -> SnapshotMover {
        SnapshotMover { parts, dir, incoming: BTreeMap::new(), sent: 0, received: 0 }
    }

    fn take(&mut self, chunk: SnapshotChunk, now: u64) -> Result<(), String> {
        if chunk.to_store != self.parts.store_id {
            return Err(format!("it is for store {}", chunk.to_store));
        }
        let SnapshotChunk { id, announcement, offset, data, .. } = chunk;
        if let Some(announcement) = announcement {
            self.begin(id, *announcement, now)?;
        }
        let Some(incoming) = self.incoming.get_mut(&id) else {
            return Err("its beginning is missing".to_owned());
        };
        if offset != incoming.written {
            self.give_up(&id);
            return Err("a piece is missing".to_owned());
        }
        incoming.touched = now;
        if let Err(error) = incoming.file.write_all(&data) {
            self.give_up(&id);
            return Err(error.to_string());
        }
        incoming.written += data.len() as u64;
        incoming.checksum = crc32c::crc32c_append(incoming.checksum, &data);
        if incoming.written < incoming.header.file_size {
            return Ok(());
        }
        self.finish(&id)
    }

    fn begin(
        &mut self,
        id: SnapshotId,
        announcement: RaftEnvelope,
        now: u64,
    ) -> Result<(), String> {
        let patience = u64::try_from(PATIENCE.as_nanos()).unwrap_or(u64::MAX);
        let abandoned: Vec<SnapshotId> = self
            .incoming
            .iter()
            .filter(|(other, incoming)| {
                let same = (other.region_id, other.to) == (id.region_id, id.to);
                same || incoming.touched.saturating_add(patience) < now
            })
            .map(|(other, _)| *other)
            .collect();
        for other in abandoned {
            self.give_up(&other);
        }
        if self.incoming.len() >= self.parts.options.snapshots_at_once {
            return Err("too many snapshots arrive at once".to_owned());
        }
        let header = SnapshotHeader::decode(&announcement.message.get_snapshot().data)?;
        let path = self.dir.part(&id).map_err(|error| error.to_string())?;
        let file = File::create(&path).map_err(|error| error.to_string())?;
        let incoming =
            Incoming { announcement, header, path, file, written: 0, checksum: 0, touched: now };
        self.incoming.insert(id, incoming);
        Ok(())
    }

    /// The file is whole: the peer may hear of it.
    fn finish(&mut self, id: &SnapshotId) -> Result<(), String> {
        let Some(mut incoming) = self.incoming.remove(id) else { return Ok(()) };
        let is_whole = incoming.written == incoming.header.file_size
            && incoming.checksum == incoming.header.checksum;
        if !is_whole {
            let _ = std::fs::remove_file(&incoming.path);
            return Err("size or checksum is wrong".to_owned());
        }
        let to = self.dir.received(id.region_id, id.to, id.term, id.index);
        sync(&mut incoming.file)
            .and_then(|()| std::fs::rename(&incoming.path, &to))
            .map_err(|error| error.to_string())?;
        self.received += 1;
        info!(region_id = %id.region_id, index = %id.index, bytes = incoming.written, "received a snapshot");
        self.parts.router.deliver(incoming.announcement);
        Ok(())
    }

    fn give_up(&mut self, id: &SnapshotId) {
        if let Some(incoming) = self.incoming.remove(id) {
            let _ = std::fs::remove_file(&incoming.path);
        }
    }
}

/// Sends a file, one piece after the other.
async fn send(
    transport: Arc<dyn Transport>,
    bytes_per_second: u64,
    message: &SendSnapshot,
) -> Result<u64, ChunkRefused> {
    let refused = |error: std::io::Error| ChunkRefused(error.to_string());
    let mut file = File::open(message.file.path()).map_err(refused)?;
    let mut announcement = Some(Box::new(message.envelope.clone()));
    let mut offset = 0;
    loop {
        let mut data = Vec::new();
        let wanted = CHUNK_BYTES as u64;
        (&mut file).take(wanted).read_to_end(&mut data).map_err(refused)?;
        if data.is_empty() {
            return Ok(offset);
        }
        let length = data.len() as u64;
        let chunk = SnapshotChunk {
            to_store: message.envelope.to.store_id,
            id: message.id,
            announcement: announcement.take(),
            offset,
            data: Bytes::from(data),
        };
        transport.send_chunk(chunk).await?;
        offset += length;
        if let Some(pause) = length.saturating_mul(1_000_000).checked_div(bytes_per_second) {
            tokio::time::sleep(Duration::from_micros(pause)).await;
        }
    }
}

impl Actor for SnapshotMover {
    const KIND: &'static str = "snapshot-mover";

    fn mailbox() -> MailboxOptions {
        MailboxOptions { capacity: 1 << 12, overflow: Overflow::Reject }
    }

    fn observe(&self) -> Value {
        json!({ "sent": self.sent, "received": self.received, "arriving": self.incoming.len() })
    }
}

impl Handler<SendSnapshot> for SnapshotMover {
    fn handle(&mut self, message: SendSnapshot, _reply: ReplyTo<()>, ctx: &mut Context<Self>) {
        let transport = Arc::clone(&self.parts.transport);
        let rate = self.parts.options.snapshot_bytes_per_second;
        let sending = async move {
            let sent = send(transport, rate, &message).await;
            (message, sent)
        };
        ctx.spawn_then(sending, |this: &mut Self, (message, sent), _ctx| {
            let (region_id, to) = (message.id.region_id, message.id.to);
            match &sent {
                Ok(bytes) => {
                    this.sent += 1;
                    info!(%region_id, peer_id = %to, bytes, "sent a snapshot");
                }
                Err(error) => {
                    debug!(%error, %region_id, peer_id = %to, "failed to send a snapshot")
                }
            }
            message.peer.report(Report::SnapshotSent { to, sent: sent.is_ok() });
        });
    }
}

impl Handler<TakeChunk> for SnapshotMover {
    fn handle(
        &mut self,
        message: TakeChunk,
        reply: ReplyTo<Result<(), ChunkRefused>>,
        ctx: &mut Context<Self>,
    ) {
        let now = ctx.system().clock().now().as_nanos();
        reply.send(self.take(message.0, now).map_err(ChunkRefused));
    }
}
