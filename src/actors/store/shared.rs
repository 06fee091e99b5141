//! What the peers of a store share.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use parking_lot::Mutex;

use super::applier::Applier;
use super::deadlock::Deadlocks;
use super::disk::Disk;
use super::local_reader::LocalReader;
use super::log_writer::LogWriter;
use super::options::StoreOptions;
use super::router::StoreRouter;
use super::sleepers::Sleepers;
use super::snapshots::{InstallSnapshot, MakeSnapshot, SendSnapshot, SnapshotDir, SnapshotFigures};
use super::split_checker::CheckSplit;
use super::store::Store;
use super::transport::Transport;
use crate::actors::pd::PdClient;
use crate::actors::runtime::{ActorRef, Address};
use crate::common::{RegionId, StoreId};
use crate::storage::engine::Engine;
use crate::storage::raft::LogStore;
use crate::storage::region::Region;
use crate::storage::txn::ConcurrencyManager;

/// The regions whose peers want to be ticked. All others sleep.
#[derive(Debug, Default)]
pub struct AwakeRegions(Mutex<BTreeSet<RegionId>>);

impl AwakeRegions {
    /// Ticks from now on.
    pub fn wake(&self, region_id: RegionId) {
        self.0.lock().insert(region_id);
    }

    /// No ticks any more.
    pub fn sleep(&self, region_id: RegionId) {
        self.0.lock().remove(&region_id);
    }

    /// Those awake, by id.
    pub fn list(&self) -> Vec<RegionId> {
        self.0.lock().iter().copied().collect()
    }
}

/// The ranges that snapshots on their way in will take. Two replicas of a store never hold the same
/// key, so a snapshot is let in only where nobody is and nobody else is about to be.
#[derive(Debug, Default)]
pub struct RangeClaims(Mutex<BTreeMap<RegionId, Region>>);

impl RangeClaims {
    /// Claims a range for a region, unless `is_taken` or another region's snapshot has it.
    pub fn claim(&self, region: &Region, is_taken: impl FnOnce() -> bool) -> bool {
        let mut claims = self.0.lock();
        let other = claims.iter().any(|(id, other)| *id != region.id && other.overlaps(region));
        if other || is_taken() {
            return false;
        }
        claims.insert(region.id, region.clone());
        true
    }

    /// Lets go of a region's claim.
    pub fn release(&self, region_id: RegionId) {
        self.0.lock().remove(&region_id);
    }
}

/// What exists before the Store actor starts, and outlives it.
#[derive(Clone)]
pub struct StoreParts {
    /// This store.
    pub store_id: StoreId,
    /// Its settings.
    pub options: StoreOptions,
    /// The data.
    pub kv: Arc<dyn Engine>,
    /// The data without what is kept in memory for readers. Only to read exactly what was applied.
    pub plain_kv: Arc<dyn Engine>,
    /// Where snapshots are on their way.
    pub snapshots: SnapshotDir,
    /// What they have come to.
    pub snapshot_figures: Arc<SnapshotFigures>,
    /// The disk's free space.
    pub disk: Disk,
    /// The regions that sleep as a group.
    pub sleepers: Arc<Sleepers>,
    /// The logs.
    pub log: LogStore,
    /// The regions.
    pub router: StoreRouter,
    /// Reads that do not queue.
    pub reader: LocalReader,
    /// What readers and writers share.
    pub concurrency: ConcurrencyManager,
    /// The placement driver.
    pub pd: Arc<dyn PdClient>,
    /// The way to other stores.
    pub transport: Arc<dyn Transport>,
}

/// What a peer works with.
pub struct PeerShared {
    /// The store's own parts.
    pub parts: StoreParts,
    /// Who creates peers.
    pub store: ActorRef<Store>,
    /// Who makes logs durable.
    pub log_writer: ActorRef<LogWriter>,
    /// Who apply, by region.
    pub appliers: Vec<ActorRef<Applier>>,
    /// Who scans regions.
    pub split_checker: Address<CheckSplit>,
    /// Who finds deadlocks.
    pub deadlocks: ActorRef<Deadlocks>,
    /// Who makes snapshots.
    pub make_snapshot: Address<MakeSnapshot>,
    /// Who installs snapshots.
    pub install_snapshot: Address<InstallSnapshot>,
    /// Who sends snapshots.
    pub send_snapshot: Address<SendSnapshot>,
    /// Who is ticked.
    pub awake: AwakeRegions,
    /// Which ranges snapshots are about to take.
    pub claims: RangeClaims,
}

impl PeerShared {
    /// The applier of a region.
    pub fn applier(&self, region_id: RegionId) -> &ActorRef<Applier> {
        let share = region_id.0 % self.appliers.len() as u64;
        &self.appliers[usize::try_from(share).expect("a share is below the number of appliers")]
    }
}
