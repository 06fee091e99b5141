//! From a region's id to its peer on this store, and what is known of each region.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use dashmap::DashMap;
use parking_lot::Mutex;
use serde::Serialize;

use super::region_peer::{CommandReply, KvCommand, RegionPeer, SplitRegion};
use crate::actors::runtime::{ActorRef, AskError, SendError};
use crate::common::{LogIndex, PeerId, RegionId, Term};
use crate::storage::raft::Role;
use crate::storage::region::{Peer, Region};
use crate::storage::txn::{KvRequest, RegionContext, RegionError, RequestError};

/// What this store knows of one of its regions, as its peer last told.
#[derive(Clone, Debug, Serialize)]
pub struct RegionStatus {
    /// The region as applied here.
    pub region: Region,
    /// The replica on this store.
    pub peer: Peer,
    /// What it is in its group.
    pub role: Role,
    /// Who leads, if known.
    pub leader: Option<PeerId>,
    /// The current term.
    pub term: Term,
    /// The last entry applied.
    pub applied: LogIndex,
    /// About how many bytes it holds.
    pub approximate_size: u64,
    /// About how many versions it holds.
    pub approximate_keys: u64,
}

impl RegionStatus {
    /// Whether the replica on this store leads.
    pub fn is_leader(&self) -> bool {
        self.role == Role::Leader
    }
}

/// The part of a region's status that changes with every write.
#[derive(Debug, Default)]
pub struct RegionGauges {
    /// The last entry applied.
    pub applied: AtomicU64,
    /// About how many bytes it holds.
    pub size: AtomicU64,
    /// About how many versions it holds.
    pub keys: AtomicU64,
}

/// One region of the store.
pub struct RegionEntry {
    peer: ActorRef<RegionPeer>,
    status: Mutex<RegionStatus>,
    gauges: Arc<RegionGauges>,
}

impl RegionEntry {
    /// Its peer.
    pub fn peer(&self) -> &ActorRef<RegionPeer> {
        &self.peer
    }

    /// Its status now.
    pub fn status(&self) -> RegionStatus {
        let mut status = self.status.lock().clone();
        status.applied = LogIndex(self.gauges.applied.load(Ordering::Relaxed));
        status.approximate_size = self.gauges.size.load(Ordering::Relaxed);
        status.approximate_keys = self.gauges.keys.load(Ordering::Relaxed);
        status
    }

    /// Replaces what changes seldom.
    pub(super) fn set_status(&self, status: RegionStatus) {
        *self.status.lock() = status;
    }
}

/// The regions of a store. Clones share them.
#[derive(Clone, Default)]
pub struct StoreRouter {
    regions: Arc<DashMap<RegionId, Arc<RegionEntry>, ahash::RandomState>>,
}

impl StoreRouter {
    /// No regions yet.
    pub fn new() -> StoreRouter {
        StoreRouter::default()
    }

    /// Sends a command to the region its context names, and waits for the answer.
    ///
    /// A write whose answer is lost ends as [`RegionError::Undetermined`]: it may or may not take
    /// effect.
    pub async fn send(&self, command: KvCommand, deadline: Duration) -> CommandReply {
        let region_id = command.context.region_id;
        let changes_data = !is_read(&command.request);
        let Some(entry) = self.get(region_id) else {
            return Err(RegionError::RegionNotFound(region_id).into());
        };
        match entry.peer.ask(command, deadline).await {
            Ok(reply) => reply,
            Err(error) => Err(ask_failed(region_id, &error, changes_data).into()),
        }
    }

    /// Splits a region at encoded keys; answers the regions it became, in key order. Keys that
    /// bound the region already are passed over.
    pub async fn split(
        &self,
        context: RegionContext,
        keys: Vec<Bytes>,
        deadline: Duration,
    ) -> Result<Vec<Region>, RequestError> {
        let region_id = context.region_id;
        let Some(entry) = self.get(region_id) else {
            return Err(RegionError::RegionNotFound(region_id).into());
        };
        match entry.peer.ask(SplitRegion { context, keys }, deadline).await {
            Ok(reply) => reply,
            Err(error) => Err(ask_failed(region_id, &error, true).into()),
        }
    }

    /// A region of this store.
    pub fn get(&self, region_id: RegionId) -> Option<Arc<RegionEntry>> {
        self.regions.get(&region_id).map(|entry| Arc::clone(&entry))
    }

    /// What is known of one region.
    pub fn status(&self, region_id: RegionId) -> Option<RegionStatus> {
        self.get(region_id).map(|entry| entry.status())
    }

    /// Every region, in key order.
    pub fn statuses(&self) -> Vec<RegionStatus> {
        let entries: Vec<Arc<RegionEntry>> =
            self.regions.iter().map(|entry| Arc::clone(entry.value())).collect();
        let mut statuses: Vec<RegionStatus> = entries.iter().map(|entry| entry.status()).collect();
        statuses.sort_by(|a, b| {
            (&a.region.start_key, a.region.id).cmp(&(&b.region.start_key, b.region.id))
        });
        statuses
    }

    /// How many regions there are.
    pub fn len(&self) -> usize {
        self.regions.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.regions.is_empty()
    }

    /// Adds a region.
    pub(super) fn insert(
        &self,
        peer: ActorRef<RegionPeer>,
        status: RegionStatus,
        gauges: Arc<RegionGauges>,
    ) {
        let region_id = status.region.id;
        let entry = RegionEntry { peer, status: Mutex::new(status), gauges };
        self.regions.insert(region_id, Arc::new(entry));
    }
}

fn is_read(request: &KvRequest) -> bool {
    matches!(
        request,
        KvRequest::Get { .. }
            | KvRequest::BatchGet { .. }
            | KvRequest::Scan { .. }
            | KvRequest::ScanLock { .. }
    )
}

/// What an unanswered question means to the client.
fn ask_failed(region_id: RegionId, error: &AskError, changes_data: bool) -> RegionError {
    match error {
        AskError::Send(SendError::Overloaded(_)) => {
            RegionError::ServerIsBusy("the region's mailbox is full")
        }
        AskError::Send(SendError::Stopped(_) | SendError::Unreachable(_)) => {
            RegionError::RegionNotFound(region_id)
        }
        AskError::Timeout(_) | AskError::NoReply(_) | AskError::Failed(_) if changes_data => {
            RegionError::Undetermined(region_id)
        }
        AskError::Timeout(_) | AskError::NoReply(_) | AskError::Failed(_) => {
            RegionError::ServerIsBusy("the region did not answer")
        }
    }
}
