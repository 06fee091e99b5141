//! Snapshots, as a peer sees them: made for others, and taken in the place of its own log.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use raft::eraftpb::Message;
use tracing::{debug, info};

use super::actor::RegionPeer;
use super::handle::Report;
use super::messages::Absorbed;
use crate::actors::runtime::Context;
use crate::actors::store::applier::{AfterForget, ForgetRegion};
use crate::actors::store::log_writer::WriteLog;
use crate::actors::store::snapshots::{
    InstallSnapshot, MadeSnapshot, MakeSnapshot, SendSnapshot, SnapshotFile,
};
use crate::actors::store::transport::{RaftEnvelope, SnapshotId};
use crate::common::{LogIndex, RegionId, Term};
use crate::storage::raft::{AcceptedSnapshot, Persist};
use crate::storage::region::membership::conf_state;
use crate::storage::region::snapshot::SnapshotHeader;
use crate::storage::region::{ApplyState, Region};

/// How long a snapshot may take to be made or installed.
const DEADLINE: Duration = Duration::from_secs(3600);
/// Files kept for snapshots that raft has not sent yet.
const FILES_KEPT: usize = 2;

/// Snapshots under way.
#[derive(Default)]
pub(super) struct SnapshotJobs {
    making: bool,
    /// Made and not sent: the last entry in each, and its file.
    made: Vec<(LogIndex, Arc<SnapshotFile>)>,
    /// Set while a snapshot replaces the data: what waits for the log writer.
    installing: Option<Vec<Persist>>,
    /// The replica was removed meanwhile: it goes when the snapshot is installed.
    doomed: Option<Region>,
}

impl SnapshotJobs {
    /// Whether the data is being replaced.
    pub(super) fn is_installing(&self) -> bool {
        self.installing.is_some()
    }

    /// What waits for the data to be replaced, if it is being.
    pub(super) fn installing(&mut self) -> Option<&mut Vec<Persist>> {
        self.installing.as_mut()
    }

    /// Lets go of files that nobody has asked for.
    pub(super) fn drop_made(&mut self) {
        self.made.clear();
    }

    /// The replica goes once the snapshot is installed.
    pub(super) fn doom(&mut self, tombstone: Region) {
        self.doomed = Some(tombstone);
    }
}

impl RegionPeer {
    /// Has a snapshot made for a replica that lags.
    pub(super) fn make_snapshot(&mut self, ctx: &mut Context<Self>) {
        if self.snapshots.making || !self.is_snapshot_of_use() {
            return;
        }
        self.snapshots.making = true;
        let question = MakeSnapshot { region_id: self.id() };
        let answer = self.shared.make_snapshot.ask(question, DEADLINE);
        ctx.spawn_then(answer, |this: &mut Self, answer, ctx| {
            this.snapshots.making = false;
            match answer {
                Ok(Ok(made)) => this.on_snapshot_made(made),
                Ok(Err(error)) => {
                    debug!(%error, region_id = %this.id(), "failed to make a snapshot");
                }
                Err(error) => debug!(%error, region_id = %this.id(), "failed to make a snapshot"),
            }
            this.flush_if_drained(ctx);
        });
    }

    fn on_snapshot_made(&mut self, made: MadeSnapshot) {
        let MadeSnapshot { header, applied, file } = made;
        // Gone from the log meanwhile: raft will ask for another one.
        let Ok(term) = self.core.term_of(applied) else { return };
        let mut snapshot =
            raft::eraftpb::Snapshot { data: header.encode().into(), ..Default::default() };
        let metadata = snapshot.mut_metadata();
        metadata.index = applied.0;
        metadata.term = term.0;
        metadata.set_conf_state(conf_state(&header.region));
        self.core.put_snapshot(snapshot);
        self.snapshots.made.push((applied, file));
        if self.snapshots.made.len() > FILES_KEPT {
            self.snapshots.made.remove(0);
        }
    }

    /// Sends the file along with the message.
    pub(super) fn send_snapshot(&mut self, envelope: RaftEnvelope) {
        let metadata = envelope.message.get_snapshot().get_metadata();
        let index = LogIndex(metadata.index);
        let id = SnapshotId {
            region_id: self.id(),
            from: self.peer.id,
            to: envelope.to.id,
            term: Term(metadata.term),
            index,
        };
        let to = envelope.to.id;
        // Raft asks for each snapshot it sends, so the file serves this once and goes when it is sent.
        let made = self.snapshots.made.iter().rposition(|(made, _)| *made == index);
        let sent = made.is_some_and(|at| {
            let (_, file) = self.snapshots.made.remove(at);
            let peer = self.reports();
            self.shared.send_snapshot.tell(SendSnapshot { envelope, id, file, peer }).is_ok()
        });
        if !sent {
            self.reports().report(Report::SnapshotSent { to, sent: false });
        }
    }

    /// Whether a snapshot that was announced may take the place of what is here: its file must be here,
    /// and its range must be nobody else's on this store.
    pub(super) fn admit_snapshot(&mut self, message: &Message) -> bool {
        let snapshot = message.get_snapshot();
        let metadata = snapshot.get_metadata();
        let path = self.received(Term(metadata.term), LogIndex(metadata.index));
        let header = match SnapshotHeader::decode(&snapshot.data) {
            Ok(header) => header,
            Err(error) => {
                debug!(%error, region_id = %self.id(), "refused a snapshot");
                return false;
            }
        };
        let is_mine = header.region.id == self.id() && header.region.peer(self.peer.id).is_some();
        let is_free = || {
            let claims = &self.shared.claims;
            claims.claim(&header.region, || self.is_taken(&header.region))
        };
        if self.snapshots.is_installing() || !is_mine || !path.exists() || !is_free() {
            debug!(region_id = %self.id(), "refused a snapshot: its range is taken, or it is not whole");
            if !self.snapshots.is_installing() {
                let _ = std::fs::remove_file(path);
            }
            return false;
        }
        true
    }

    /// Whether another region of this store has keys of this one, other than by having merged into it.
    fn is_taken(&self, region: &Region) -> bool {
        let statuses = self.shared.parts.router.statuses();
        statuses.iter().any(|status| {
            status.region.id != region.id
                && status.region.overlaps(region)
                && !status.is_absorbed_by(region)
        })
    }

    fn received(&self, term: Term, index: LogIndex) -> PathBuf {
        self.shared.parts.snapshots.received(self.id(), self.peer.id, term, index)
    }

    /// Raft had no use for a snapshot.
    pub(super) fn discard_snapshot(&self, term: Term, index: LogIndex) {
        self.shared.claims.release(self.id());
        let _ = std::fs::remove_file(self.received(term, index));
    }

    /// Replaces the data. Until that is done nothing of the log is written, and no read is served.
    pub(super) fn install_snapshot(&mut self, accepted: AcceptedSnapshot, ctx: &mut Context<Self>) {
        let AcceptedSnapshot { position, header } = accepted;
        let header = SnapshotHeader::decode(&header).expect("it was read when it was admitted");
        self.withdraw_delegate();
        self.snapshots.installing = Some(Vec::new());
        let before = self.region.is_initialized().then(|| self.region.clone());
        let install = InstallSnapshot {
            header: header.clone(),
            peer_id: self.peer.id,
            position,
            before,
            path: self.received(position.term, position.index),
        };
        let (shared, region_id) = (Arc::clone(&self.shared), self.id());
        let absorbed = self.absorbed_by(&header.region);
        let steps = async move {
            for source in absorbed {
                let Some(entry) = shared.parts.router.get(source) else { continue };
                let absorbed = Absorbed { by: region_id };
                entry.ask(absorbed, DEADLINE).await.map_err(|error| error.to_string())?;
            }
            let forget = ForgetRegion { region_id, then: AfterForget::Keep };
            let applier = shared.applier(region_id);
            applier.ask(forget, DEADLINE).await.map_err(|error| error.to_string())?;
            let installed = shared.install_snapshot.ask(install, DEADLINE).await;
            installed.map_err(|error| error.to_string())?
        };
        ctx.spawn_then(steps, move |this: &mut Self, result, ctx| {
            // Escalates: the data is in doubt, and only a restart knows what to do about it.
            result.unwrap_or_else(|error| panic!("failed to install a snapshot: {error}"));
            this.on_snapshot_installed(header, position.index, position.term);
            if let Some(tombstone) = this.snapshots.doomed.take() {
                this.depart(tombstone, ctx);
            }
            this.flush_if_drained(ctx);
        });
    }

    /// Regions here that have become part of this one, as the snapshot shows.
    fn absorbed_by(&self, region: &Region) -> Vec<RegionId> {
        let statuses = self.shared.parts.router.statuses();
        let absorbed = statuses.iter().filter(|status| {
            status.region.id != region.id
                && status.region.overlaps(region)
                && status.is_absorbed_by(region)
        });
        absorbed.map(|status| status.region.id).collect()
    }

    fn on_snapshot_installed(&mut self, header: SnapshotHeader, index: LogIndex, term: Term) {
        info!(region_id = %self.id(), %index, "goes on from a snapshot");
        let file_size = header.file_size;
        self.merging = None;
        self.set_region(header.region);
        self.gauges.size.store(file_size, Ordering::Relaxed);
        self.gauges.applied.store(index.0, Ordering::Relaxed);
        self.register(ApplyState { applied: index, truncated: index, truncated_term: term });
        self.publish_status();
        self.shared.claims.release(self.id());
        for write in self.snapshots.installing.take().unwrap_or_default() {
            let peer = self.reports();
            self.tell_log_writer(WriteLog { write, peer });
        }
    }
}
