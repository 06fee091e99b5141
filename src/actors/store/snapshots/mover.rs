//! Sends snapshots to other stores and receives theirs, piece by piece.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tracing::{debug, info};

use super::figures::SnapshotFigures;
use super::files::SnapshotDir;
use super::messages::{SendSnapshot, TakeChunk};
use super::pace::Pace;
use super::worker::sync;
use crate::actors::runtime::{Actor, Clock, Context, Handler, MailboxOptions, Overflow, ReplyTo};
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
/// How often those are looked for.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Moves the files of snapshots.
pub struct SnapshotMover {
    parts: StoreParts,
    dir: SnapshotDir,
    incoming: BTreeMap<SnapshotId, Incoming>,
    /// Those that wait for their turn to be sent.
    waiting: VecDeque<SendSnapshot>,
    sending: usize,
    send_pace: Arc<Mutex<Pace>>,
    receive_pace: Pace,
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

impl Incoming {
    fn is_abandoned(&self, now: u64) -> bool {
        let patience = u64::try_from(PATIENCE.as_nanos()).unwrap_or(u64::MAX);
        self.touched.saturating_add(patience) < now
    }
}

impl SnapshotMover {
    /// A mover of a store's snapshots.
    pub fn new(parts: StoreParts, dir: SnapshotDir) -> SnapshotMover {
        let rate = parts.options.snapshot_bytes_per_second;
        SnapshotMover {
            parts,
            dir,
            incoming: BTreeMap::new(),
            waiting: VecDeque::new(),
            sending: 0,
            send_pace: Arc::new(Mutex::new(Pace::new(rate))),
            receive_pace: Pace::new(rate),
        }
    }

    fn figures(&self) -> &SnapshotFigures {
        &self.parts.snapshot_figures
    }

    /// Sends as many of those that wait as may be sent at once.
    fn send_next(&mut self, ctx: &mut Context<Self>) {
        while self.sending < self.parts.options.snapshots_at_once {
            let Some(message) = self.waiting.pop_front() else { break };
            self.sending += 1;
            let transport = Arc::clone(&self.parts.transport);
            let (pace, clock) = (Arc::clone(&self.send_pace), ctx.system().clock().clone());
            let sending = async move {
                let sent = send(transport, &pace, &clock, &message).await;
                (message, sent)
            };
            ctx.spawn_then(sending, |this: &mut Self, (message, sent), ctx| {
                this.sending -= 1;
                this.on_sent(&message, &sent);
                this.send_next(ctx);
            });
        }
        self.figures().set_sending(self.sending, self.waiting.len());
    }

    fn on_sent(&self, message: &SendSnapshot, sent: &Result<u64, ChunkRefused>) {
        let (region_id, to) = (message.id.region_id, message.id.to);
        match sent {
            Ok(bytes) => {
                SnapshotFigures::count(&self.figures().sent, 1);
                SnapshotFigures::count(&self.figures().sent_bytes, *bytes);
                info!(%region_id, peer_id = %to, bytes, "sent a snapshot");
            }
            Err(error) => {
                SnapshotFigures::count(&self.figures().failed, 1);
                debug!(%error, %region_id, peer_id = %to, "failed to send a snapshot");
            }
        }
        message.peer.report(Report::SnapshotSent { to, sent: sent.is_ok() });
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
        self.give_up_those(|other, incoming| {
            (other.region_id, other.to) == (id.region_id, id.to) || incoming.is_abandoned(now)
        });
        if self.parts.disk.is_short() {
            return Err("the disk is nearly full".to_owned());
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
        SnapshotFigures::count(&self.figures().received, 1);
        info!(region_id = %id.region_id, index = %id.index, bytes = incoming.written, "received a snapshot");
        self.parts.router.deliver(incoming.announcement);
        Ok(())
    }

    fn give_up_those(&mut self, which: impl Fn(&SnapshotId, &Incoming) -> bool) {
        let ids = self.incoming.iter().filter(|(id, incoming)| which(id, incoming));
        let ids: Vec<SnapshotId> = ids.map(|(id, _)| *id).collect();
        for id in ids {
            self.give_up(&id);
        }
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
    pace: &Mutex<Pace>,
    clock: &Clock,
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
        let pause = pace.lock().take(length, clock.now().as_nanos());
        tokio::time::sleep(pause).await;
    }
}

impl Actor for SnapshotMover {
    const KIND: &'static str = "snapshot-mover";

    fn mailbox() -> MailboxOptions {
        MailboxOptions { capacity: 1 << 12, overflow: Overflow::Reject }
    }

    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.run_interval(LOOK_EVERY, |this, ctx| {
            let now = ctx.system().clock().now().as_nanos();
            this.give_up_those(|_, incoming| incoming.is_abandoned(now));
            this.figures().set_receiving(this.incoming.len());
        });
    }

    fn observe(&self) -> Value {
        json!({
            "sent": self.figures().sent,
            "received": self.figures().received,
            "sending": self.sending,
            "waiting": self.waiting.len(),
            "arriving": self.incoming.len(),
        })
    }
}

impl Handler<SendSnapshot> for SnapshotMover {
    fn handle(&mut self, message: SendSnapshot, _reply: ReplyTo<()>, ctx: &mut Context<Self>) {
        self.waiting.push_back(message);
        self.send_next(ctx);
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
        let bytes = message.0.data.len() as u64;
        let taken = self.take(message.0, now).map_err(ChunkRefused);
        self.figures().set_receiving(self.incoming.len());
        if taken.is_err() {
            SnapshotFigures::count(&self.figures().refused, 1);
            reply.send(taken);
            return;
        }
        SnapshotFigures::count(&self.figures().received_bytes, bytes);
        // The next piece comes when this one is answered.
        let pause = self.receive_pace.take(bytes, now);
        ctx.run_later(pause, move |_, _| reply.send(taken));
    }
}
