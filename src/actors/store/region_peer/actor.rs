//! The peer's state, its start, and what it shows.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use tracing::debug;

use super::admin::AdminState;
use super::cold::ColdPeer;
use super::commands::{Command, Parked};
use super::handle::PeerHandle;
use super::handover::Handover;
use super::membership::MembershipState;
use super::merge::MergeJob;
use super::messages::CommandReply;
use super::snapshots::SnapshotJobs;
use crate::actors::runtime::{
    Actor, Context, MailboxOptions, Overflow, ReplyTo, Supervision, TimerHandle,
};
use crate::actors::store::applier::{Completion, RegisterRegion};
use crate::actors::store::local_reader::ReadDelegate;
use crate::actors::store::router::{RegionGauges, RegionStatus};
use crate::actors::store::shared::PeerShared;
use crate::common::{LogIndex, PeerId, RegionId};
use crate::storage::engine::WriteBatch;
use crate::storage::mvcc::KeyRange;
use crate::storage::raft::{LogPosition, PeerCore, PeerStart, Role, tracing_logger};
use crate::storage::region::check::UserRange;
use crate::storage::region::membership::conf_state;
use crate::storage::region::state::{MergeState, PeerState, load_apply_state, load_region};
use crate::storage::region::{ApplyState, Peer, Region};
use crate::storage::txn::{CommandId, KvRequest, Latches, LockTable, LockWaiters};

/// What a new peer is made of.
pub struct NewPeer {
    /// Its region; the rest is read from the engines.
    pub region_id: RegionId,
    /// Which replica it is, should the engines know nothing: it then waits for a snapshot.
    pub peer: Peer,
    /// What changes with every write, for the router to show.
    pub gauges: Arc<RegionGauges>,
    /// Pessimistic locks it takes over from the region it was split from.
    pub locks: Option<LockTable>,
    /// It stands for election at once.
    pub campaign: bool,
    /// What was kept of it while it slept.
    pub cold: Option<ColdPeer>,
}

/// Lives of peers of this process, to tell them apart.
static LIVES: AtomicU64 = AtomicU64::new(0);

/// Who waits for a proposal or for leave to read.
pub(super) enum Waiting {
    /// An entry of this replica.
    Entry(Completion),
    /// A read, until the group confirms the leader.
    Read { request: KvRequest, reply: ReplyTo<CommandReply> },
}

/// One replica of one region.
pub struct RegionPeer {
    pub(super) shared: Arc<PeerShared>,
    pub(super) region: Region,
    pub(super) peer: Peer,
    pub(super) user_range: UserRange,
    pub(super) key_range: KeyRange,
    pub(super) core: PeerCore<Waiting>,
    pub(super) handle: Option<PeerHandle>,
    pub(super) gauges: Arc<RegionGauges>,
    pub(super) delegate: Option<Arc<ReadDelegate>>,
    /// Handled since the last look at the effects.
    pub(super) unflushed: usize,
    /// Commands that may still run with the message in hand.
    pub(super) commands_left: usize,
    /// A message is on its way with which the commands that can run go on.
    pub(super) goes_on: bool,
    pub(super) awake: bool,
    /// It could not be let go when it fell asleep, and will look again.
    pub(super) turns_cold_later: bool,
    /// What was kept of it while it slept, until it has started.
    pub(super) was_cold: Option<ColdPeer>,
    /// Ticks it has slept through while it was let go, and nothing heard since.
    pub(super) missed_ticks: u64,
    /// The end of the log when it was made again.
    pub(super) resumed_at: Option<LogIndex>,
    campaign: bool,
    /// Replicas that sent something, for answers while the region's peers are not known.
    pub(super) known: BTreeMap<PeerId, Peer>,
    /// When replicas were heard of, in ticks.
    pub(super) heard: BTreeMap<PeerId, u64>,
    pub(super) snapshots: SnapshotJobs,
    /// A merge into another region that is under way.
    pub(super) merging: Option<MergeState>,
    pub(super) merge: MergeJob,
    /// The region's other replicas have become part of another region.
    pub(super) outlived: bool,
    /// The split's other peers are not started yet: the router goes on showing the old range.
    pub(super) is_dividing: bool,
    /// The replica is gone, or about to be.
    pub(super) gone: bool,

    // While it leads:
    pub(super) commands: BTreeMap<CommandId, Command>,
    pub(super) next_command: CommandId,
    pub(super) latches: Latches,
    /// Commands that hold their latches and are about to run.
    pub(super) runnable: VecDeque<CommandId>,
    pub(super) locks: LockTable,
    pub(super) inherited_locks: Option<LockTable>,
    pub(super) waiters: LockWaiters,
    pub(super) wait_timer: Option<(u64, TimerHandle)>,
    /// The store's Deadlocks actor was told that this is the first region.
    pub(super) leads_first: bool,
    pub(super) max_ts_synced: bool,
    /// Commands that wait until this leader has caught up with its predecessors.
    pub(super) parked: VecDeque<Parked>,
    /// Reads that wait for an index to be applied.
    pub(super) reads: VecDeque<(LogIndex, KvRequest, ReplyTo<CommandReply>)>,
    pub(super) admin: AdminState,
    pub(super) membership: MembershipState,
    /// What all proposals wait for: a change of leader, or the beginning of a merge.
    pub(super) handover: Option<Handover>,
}

impl RegionPeer {
    /// A peer that goes on from what the engines hold.
    pub fn recover(shared: Arc<PeerShared>, new: NewPeer) -> RegionPeer {
        let region_id = new.region_id;
        // Escalates: a peer without its state must not act.
        let (region, merging, start) = load_start(&shared, &new)
            .unwrap_or_else(|reason| panic!("failed to recover region {region_id}: {reason}"));
        let peer = region.peer_on(shared.parts.store_id).unwrap_or(new.peer);
        let user_range = UserRange::of(&region)
            .unwrap_or_else(|| panic!("the bounds of region {region_id} are not encoded keys"));
        let key_range = KeyRange::of_region(&region.start_key, &region.end_key);
        new.gauges.applied.store(start.applied.0, Ordering::Relaxed);
        let core = PeerCore::new(&shared.parts.options.raft, start, &tracing_logger(region_id))
            .unwrap_or_else(|error| panic!("failed to start region {region_id}: {error}"));
        RegionPeer {
            region,
            peer,
            user_range,
            key_range,
            core,
            handle: None,
            gauges: new.gauges,
            delegate: None,
            unflushed: 0,
            commands_left: 0,
            goes_on: false,
            awake: false,
            turns_cold_later: false,
            was_cold: new.cold,
            missed_ticks: 0,
            resumed_at: None,
            campaign: new.campaign,
            known: BTreeMap::new(),
            heard: BTreeMap::new(),
            snapshots: SnapshotJobs::default(),
            merging,
            merge: MergeJob::default(),
            outlived: false,
            is_dividing: false,
            gone: false,
            commands: BTreeMap::new(),
            next_command: 0,
            latches: Latches::new(),
            runnable: VecDeque::new(),
            locks: LockTable::new(),
            inherited_locks: new.locks,
            waiters: LockWaiters::new(),
            wait_timer: None,
            leads_first: false,
            max_ts_synced: false,
            parked: VecDeque::new(),
            reads: VecDeque::new(),
            admin: AdminState::default(),
            membership: MembershipState::default(),
            handover: None,
            shared,
        }
    }

    /// The region's id.
    pub(super) fn id(&self) -> RegionId {
        self.region.id
    }

    /// Nanoseconds on the node's monotonic clock.
    pub(super) fn now(ctx: &Context<Self>) -> u64 {
        ctx.system().clock().now().as_nanos()
    }

    /// The way to report to this peer.
    pub(super) fn reports(&self) -> PeerHandle {
        self.handle.clone().expect("made when the peer started")
    }

    /// What the router shows of the region.
    pub(super) fn status(&self) -> RegionStatus {
        let (pending_peers, down_peers) = self.lagging();
        RegionStatus {
            region: self.region.clone(),
            peer: self.peer,
            role: self.core.role(),
            leader: self.core.leader(),
            term: self.core.term(),
            applied: self.core.applied(),
            approximate_size: self.gauges.size.load(Ordering::Relaxed),
            approximate_keys: self.gauges.keys.load(Ordering::Relaxed),
            pending_peers,
            down_peers,
            unsplittable: false,
            merging_into: self.merging.as_ref().map(|merge| merge.target.id),
            outlived: self.outlived,
        }
    }

    /// Updates what the router shows.
    pub(super) fn publish_status(&self) {
        if self.is_dividing || self.gone {
            return;
        }
        if let Some(entry) = self.shared.parts.router.get(self.id())
            && entry.status().peer.id == self.peer.id
        {
            entry.set_status(self.status());
        }
    }

    /// Takes over another descriptor of the region.
    pub(super) fn set_region(&mut self, region: Region) {
        self.user_range = UserRange::of(&region).expect("bounds of regions are encoded keys");
        self.key_range = KeyRange::of_region(&region.start_key, &region.end_key);
        self.peer = region.peer_on(self.shared.parts.store_id).unwrap_or(self.peer);
        self.region = region;
    }

    /// Lets the applier take this region's entries.
    pub(super) fn register(&self, state: ApplyState) {
        self.tell_applier(RegisterRegion {
            region: self.region.clone(),
            state,
            peer_id: self.peer.id,
            merging: self.merging.clone(),
            peer: self.reports(),
        });
    }
}

/// Reads what the engines hold of a region.
fn load_start(
    shared: &PeerShared,
    new: &NewPeer,
) -> Result<(Region, Option<MergeState>, PeerStart), String> {
    let kv = &*shared.parts.kv;
    let region_id = new.region_id;
    let known = load_region(kv, region_id).map_err(|error| error.to_string())?;
    let (region, merging) = match known {
        Some((region, PeerState::Normal)) => (region, None),
        Some((region, PeerState::Merging(merge))) => (region, Some(merge)),
        None | Some((_, PeerState::Tombstone { .. })) => {
            return Ok((Region { id: region_id, ..Region::default() }, None, begin(shared, new)?));
        }
        Some((_, PeerState::Applying)) => return Err("its snapshot is not installed".to_owned()),
    };
    let state = load_apply_state(kv, region_id)
        .map_err(|error| error.to_string())?
        .ok_or("it has no apply state")?;
    let peer = region
        .peer_on(shared.parts.store_id)
        .ok_or_else(|| format!("it has no peer on store {}", shared.parts.store_id))?;
    let truncated = LogPosition { index: state.truncated, term: state.truncated_term };
    let mut batch = WriteBatch::new();
    let log = shared.parts.log.load(region_id, truncated, &mut batch);
    let log = match log.map_err(|error| error.to_string())? {
        Some(log) => log,
        // A region that never wrote to its log: its first write will make the log.
        None => shared.parts.log.create(region_id, truncated, &mut batch),
    };
    if log.last().index < state.applied {
        return Err(format!(
            "its log ends at {}, but entry {} is applied: the log was lost",
            log.last().index,
            state.applied
        ));
    }
    let conf_state = conf_state(&region);
    let start = PeerStart { region_id, peer_id: peer.id, applied: state.applied, log, conf_state };
    Ok((region, merging, start))
}

/// A replica without data. Its log, if it has one, holds what it has promised: its term and its vote.
fn begin(shared: &PeerShared, new: &NewPeer) -> Result<PeerStart, String> {
    let mut batch = WriteBatch::new();
    let nothing = LogPosition::default();
    let log = shared.parts.log.load(new.region_id, nothing, &mut batch);
    let log = match log.map_err(|error| error.to_string())? {
        Some(log) => log,
        None => shared.parts.log.create(new.region_id, nothing, &mut batch),
    };
    Ok(PeerStart {
        region_id: new.region_id,
        peer_id: new.peer.id,
        applied: LogIndex(0),
        log,
        conf_state: raft::eraftpb::ConfState::default(),
    })
}

impl Actor for RegionPeer {
    const KIND: &'static str = "region-peer";

    fn mailbox() -> MailboxOptions {
        MailboxOptions { capacity: 4096, overflow: Overflow::Reject }
    }

    fn supervision() -> Supervision {
        Supervision::escalate()
    }

    fn started(&mut self, ctx: &mut Context<Self>) {
        let handle = PeerHandle::new(ctx.me().address());
        self.handle = Some(handle);
        let life = LIVES.fetch_add(1, Ordering::Relaxed);
        let incarnation = ctx.system().clock().unix_micros().wrapping_add(life << 48);
        self.core.set_seed(ctx.system().rng().seed(), incarnation);
        let truncated = self.core.truncated_position();
        if self.region.is_initialized() {
            self.register(ApplyState {
                applied: self.core.applied(),
                truncated: truncated.index,
                truncated_term: truncated.term,
            });
        }
        let resumed = self.resume();
        if !resumed
            && (self.core.is_only_voter() || self.campaign)
            && let Err(error) = self.core.campaign()
        {
            debug!(%error, region_id = %self.id(), "failed to campaign");
        }
        self.wake_up();
        self.flush(ctx);
    }

    fn observe(&self) -> Value {
        let role = self.core.role();
        json!({
            "region_id": self.region.id,
            "range": [format!("{:X}", self.region.start_key), format!("{:X}", self.region.end_key)],
            "epoch": self.region.epoch,
            "peer_id": self.peer.id,
            "role": role,
            "leads": role == Role::Leader,
            "term": self.core.term(),
            "applied": self.core.applied(),
            "committed": self.core.committed(),
            "last_index": self.core.last_index(),
            "truncated": self.core.truncated(),
            "peers": self.region.peers,
            "progress": if role == Role::Leader { self.core.progress() } else { Vec::new() },
            "leader": self.core.leader(),
            "merging_into": self.merging.as_ref().map(|merge| merge.target.id),
            "hands_over": self.handover.is_some(),
            "proposals_in_flight": self.core.proposals_in_flight(),
            "commands": self.commands.len(),
            "latches": self.latches.len(),
            "locks": self.locks.len(),
            "waiters": self.waiters.len(),
            "reads_locally": self.delegate.is_some(),
            "awake": self.awake,
        })
    }
}
