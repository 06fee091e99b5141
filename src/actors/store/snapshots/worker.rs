//! Makes and installs snapshots: slow work, on a thread that may block.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use tracing::info;

use super::figures::SnapshotFigures;
use super::files::SnapshotDir;
use super::messages::{InstallSnapshot, MadeSnapshot, MakeSnapshot};
use crate::actors::runtime::{
    Actor, Context, Handler, MailboxOptions, Overflow, ReplyTo, Supervision,
};
use crate::actors::store::shared::StoreParts;
use crate::common::RegionId;
use crate::storage::engine::{Engine, WriteBatch};
use crate::storage::raft::LogPosition;
use crate::storage::region::Region;
use crate::storage::region::snapshot::{SnapshotHeader, replace_data, sum_file, write_file};
use crate::storage::region::state::{
    self, ApplyState, PeerState, load_apply_state, load_region, put_apply_state, put_region,
};

/// Makes and installs snapshots.
pub struct SnapshotWorker {
    kv: Arc<dyn Engine>,
    /// The engine without what is kept in memory for readers: a state of it is exactly what was
    /// applied.
    plain: Arc<dyn Engine>,
    dir: SnapshotDir,
    figures: Arc<SnapshotFigures>,
    /// None is made while so many wait to be sent: each is a file.
    waiting_most: u64,
}

impl SnapshotWorker {
    /// A worker over a store's engine.
    pub fn new(parts: &StoreParts) -> SnapshotWorker {
        SnapshotWorker {
            kv: Arc::clone(&parts.kv),
            plain: Arc::clone(&parts.plain_kv),
            dir: parts.snapshots.clone(),
            figures: Arc::clone(&parts.snapshot_figures),
            waiting_most: parts.options.snapshots_at_once as u64,
        }
    }

    fn make(&self, region_id: RegionId) -> Result<MadeSnapshot, String> {
        if self.figures.waiting.load(Ordering::Relaxed) >= self.waiting_most {
            return Err("enough snapshots wait to be sent".to_owned());
        }
        let snapshot = self.plain.snapshot();
        let applied = load_apply_state(&*snapshot, region_id).map_err(|error| error.to_string())?;
        let known = load_region(&*snapshot, region_id).map_err(|error| error.to_string())?;
        let (Some(applied), Some((region, PeerState::Normal))) = (applied, known) else {
            return Err("the region is not there, or is merging".to_owned());
        };
        let file = self.dir.made(region_id).map_err(|error| error.to_string())?;
        let out = File::create(file.path()).map_err(|error| error.to_string())?;
        let header = write_file(&*snapshot, &region, &mut BufWriter::new(out))?;
        Ok(MadeSnapshot { header, applied: applied.applied, file: Arc::new(file) })
    }
}

/// Replaces a region's data by a snapshot's.
pub fn install(
    kv: &dyn Engine,
    header: &SnapshotHeader,
    position: LogPosition,
    before: Option<&Region>,
    path: &Path,
) -> Result<(), String> {
    let open = || File::open(path).map_err(|error| format!("{}: {error}", path.display()));
    let sums = sum_file(&mut open()?).map_err(|error| error.to_string())?;
    if sums != (header.file_size, header.checksum) {
        return Err(format!("{}: size or checksum is wrong", path.display()));
    }
    let applied = ApplyState {
        applied: position.index,
        truncated: position.index,
        truncated_term: position.term,
    };
    let text = |error: crate::storage::engine::Error| error.to_string();
    let mut begin = WriteBatch::new();
    put_region(&mut begin, &header.region, PeerState::Applying);
    put_apply_state(&mut begin, header.region.id, &applied);
    if let Some(before) = before {
        // Not left to `replace_data`: after a crash nobody would know this range.
        state::delete_data(&mut begin, &before.start_key, &before.end_key);
    }
    kv.write(begin, true).map_err(text)?;
    replace_data(kv, &header.region, None, &mut BufReader::new(open()?))?;
    let mut end = WriteBatch::new();
    put_region(&mut end, &header.region, PeerState::Normal);
    kv.write(end, true).map_err(text)?;
    // What is left of a file that is no longer needed only takes space.
    let _ = std::fs::remove_file(path);
    Ok(())
}

impl Actor for SnapshotWorker {
    const KIND: &'static str = "snapshot-worker";

    fn mailbox() -> MailboxOptions {
        MailboxOptions { capacity: 1 << 14, overflow: Overflow::Reject }
    }

    /// Half an installed snapshot is no state to go on from.
    fn supervision() -> Supervision {
        Supervision::escalate()
    }

    fn observe(&self) -> Value {
        json!({ "made": self.figures.made, "installed": self.figures.installed })
    }
}

impl Handler<MakeSnapshot> for SnapshotWorker {
    fn handle(
        &mut self,
        message: MakeSnapshot,
        reply: ReplyTo<Result<MadeSnapshot, String>>,
        _ctx: &mut Context<Self>,
    ) {
        let made = self.make(message.region_id);
        SnapshotFigures::count(&self.figures.made, u64::from(made.is_ok()));
        reply.send(made);
    }
}

impl Handler<InstallSnapshot> for SnapshotWorker {
    fn handle(
        &mut self,
        message: InstallSnapshot,
        reply: ReplyTo<Result<(), String>>,
        _ctx: &mut Context<Self>,
    ) {
        let InstallSnapshot { header, position, before, path, .. } = message;
        let installed = install(&*self.kv, &header, position, before.as_ref(), &path);
        if installed.is_ok() {
            SnapshotFigures::count(&self.figures.installed, 1);
            info!(
                region_id = %header.region.id, index = %position.index, bytes = header.file_size,
                "installed a snapshot"
            );
        }
        reply.send(installed);
    }
}

/// Makes what was written to a file durable.
pub(super) fn sync(file: &mut File) -> std::io::Result<()> {
    file.flush()?;
    file.sync_all()
}
