//! The peer's state, its start, and what it shows.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use raft::eraftpb::ConfState;
use serde_json::{Value, json};
use tracing::debug;

use super::admin::AdminState;
use super::commands::{Command, Parked};
use super::handle::PeerHandle;
use super::messages::CommandReply;
use crate::actors::runtime::{
    Actor, Context, MailboxOptions, Overflow, ReplyTo, Supervision, TimerHandle,
};
use crate::actors::store::applier::{Completion, RegisterRegion};
use crate::actors::store::local_reader::ReadDelegate;
use crate::actors::store::router::{RegionGauges, RegionStatus};
use crate::actors::store::shared::PeerShared;
use crate::common::{LogIndex, RegionId};
use crate::storage::engine::WriteBatch;
use crate::storage::mvcc::KeyRange;
use crate::storage::raft::{LogPosition, PeerCore, PeerStart, Role, tracing_logger};
use crate::storage::region::check::UserRange;
use crate::storage::region::state::{load_apply_state, load_region};
use crate::storage::region::{ApplyState, Peer, PeerRole, Region};
use crate::storage::txn::{CommandId, KvRequest, Latches, LockTable, LockWaiters};

/// What a new peer is made of.
pub struct NewPeer {
    /// Its region; the rest is read from the engines.
    pub region_id: RegionId,
    /// What changes with every write, for the router to show.
    pub gauges: Arc<RegionGauges>,
    /// Pessimistic locks it takes over from the region it was split from.
    pub locks: Option<LockTable>,
}

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
    pub(super) awake: bool,

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
    pub(super) max_ts_synced: bool,
    /// Commands that wait until this leader has caught up with its predecessors.
    pub(super) parked: VecDeque<Parked>,
    /// Reads that wait for an index to be applied.
    pub(super) reads: VecDeque<(LogIndex, KvRequest, ReplyTo<CommandReply>)>,
    pub(super) admin: AdminState,
}

impl RegionPeer {
    /// A peer that goes on from what the engines hold.
    pub fn recover(shared: Arc<PeerShared>, new: NewPeer) -> RegionPeer {
        let region_id = new.region_id;
        // Escalates: a peer without its state must not act.
        let (region, start) = load_start(&shared, region_id)
            .unwrap_or_else(|reason| panic!("failed to recover region {region_id}: {reason}"));
        let peer = region.peer_on(shared.parts.store_id).expect("its state was loaded for it");
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
            awake: false,
            commands: BTreeMap::new(),
            next_command: 0,
            latches: Latches::new(),
            runnable: VecDeque::new(),
            locks: LockTable::new(),
            inherited_locks: new.locks,
            waiters: LockWaiters::new(),
            wait_timer: None,
            max_ts_synced: false,
            parked: VecDeque::new(),
            reads: VecDeque::new(),
            admin: AdminState::default(),
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

    /// Asks for ticks.
    pub(super) fn wake_up(&mut self) {
        if !self.awake {
            self.awake = true;
            self.shared.awake.wake(self.id());
        }
    }

    /// What the router shows of the region.
    pub(super) fn status(&self) -> RegionStatus {
        RegionStatus {
            region: self.region.clone(),
            peer: self.peer,
            role: self.core.role(),
            leader: self.core.leader(),
            term: self.core.term(),
            applied: self.core.applied(),
            approximate_size: self.gauges.size.load(Ordering::Relaxed),
            approximate_keys: self.gauges.keys.load(Ordering::Relaxed),
        }
    }

    /// Updates what the router shows.
    pub(super) fn publish_status(&self) {
        if let Some(entry) = self.shared.parts.router.get(self.id()) {
            entry.set_status(self.status());
        }
    }
}

/// Reads what the engines hold of a region.
fn load_start(shared: &PeerShared, region_id: RegionId) -> Result<(Region, PeerStart), String> {
    let kv = &*shared.parts.kv;
    let (region, _) = load_region(kv, region_id)
        .map_err(|error| error.to_string())?
        .ok_or("it has no descriptor")?;
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
    let mut conf_state = ConfState::default();
    for peer in &region.peers {
        match peer.role {
            PeerRole::Voter => conf_state.voters.push(peer.id.0),
            PeerRole::Learner => conf_state.learners.push(peer.id.0),
        }
    }
    let start = PeerStart { region_id, peer_id: peer.id, applied: state.applied, log, conf_state };
    Ok((region, start))
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
        self.handle = Some(handle.clone());
        let truncated = self.core.truncated_position();
        let state = ApplyState {
            applied: self.core.applied(),
            truncated: truncated.index,
            truncated_term: truncated.term,
        };
        let register = RegisterRegion { region: self.region.clone(), state, peer: handle };
        self.tell_applier(register);
        if self.core.is_only_voter()
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
