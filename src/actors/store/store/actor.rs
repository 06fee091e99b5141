//! The Store's state, its start, its messages.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};
use tracing::info;

use super::messages::{AwaitStart, CreatePeers, NewRegion, RegionChanged};
use super::recovery::recover;
use super::reported::Reported;
use crate::actors::runtime::{
    Actor, ActorRef, Address, Context, Handler, MailboxOptions, Overflow, ReplyTo, Supervision,
    Thread,
};
use crate::actors::store::applier::Applier;
use crate::actors::store::deadlock::Deadlocks;
use crate::actors::store::gc::{GcWorker, Reclaimer};
use crate::actors::store::log_writer::{DestroyLog, LogWriter};
use crate::actors::store::region_peer::{NewPeer, RegionPeer, Retire, Rouse, Tick};
use crate::actors::store::router::{RegionGauges, RegionStatus};
use crate::actors::store::seat::Seat;
use crate::actors::store::shared::{AwakeRegions, PeerShared, RangeClaims, StoreParts};
use crate::actors::store::snapshots::{SnapshotMover, SnapshotWorker, TakeChunk};
use crate::actors::store::split_checker::SplitChecker;
use crate::actors::store::transport::RaftEnvelope;
use crate::common::{LogIndex, RegionId, Term};
use crate::storage::engine::WriteBatch;
use crate::storage::raft::Role;
use crate::storage::region::{Peer, Region};

/// How often the disk's free space is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long a peer without data may take to make room for one with data.
const RETIRE_DEADLINE: Duration = Duration::from_secs(30);

/// One store of the cluster.
pub struct Store {
    pub(super) parts: StoreParts,
    pub(super) started_unix_ms: u64,
    pub(super) shared: Option<Arc<PeerShared>>,
    /// It has said goodbye to the placement driver.
    pub(super) stopping: bool,
    /// Regions to report that were not reported since.
    pub(super) changed: BTreeSet<RegionId>,
    /// Regions led here as they were last reported.
    pub(super) reported: Reported,
    pub(super) reporting: bool,
    /// A question whether the placement driver knows the regions is on its way.
    pub(super) looking: bool,
    /// The region the last one was about.
    pub(super) asked_about: Option<RegionId>,
    /// Votes asked for by regions that a split here is about to make.
    pub(super) early_votes: BTreeMap<RegionId, RaftEnvelope>,
    pub(super) chunks: Option<Address<TakeChunk>>,
    /// Regions that nobody is known to lead, and whose peers have not been made since the start: they wait for their turn.
    pub(super) orphans: VecDeque<RegionId>,
    last_tick: u64,
}

impl Store {
    /// A store of these parts.
    pub fn new(parts: StoreParts) -> Store {
        Store {
            parts,
            started_unix_ms: 0,
            shared: None,
            stopping: false,
            changed: BTreeSet::new(),
            reported: Reported::default(),
            reporting: false,
            looking: false,
            asked_about: None,
            early_votes: BTreeMap::new(),
            chunks: None,
            orphans: VecDeque::new(),
            last_tick: 0,
        }
    }

    fn start_helpers(&mut self, ctx: &mut Context<Self>) -> Arc<PeerShared> {
        let parts = self.parts.clone();
        let (worker, mover) = start_snapshots(&parts, ctx);
        self.chunks = Some(mover.address());
        let raft = Arc::clone(parts.log.engine());
        let writes = parts.router.writes();
        let (plain_kv, interval) = (Arc::clone(&parts.plain_kv), parts.options.gc_interval);
        let reclaimer = ctx.child("reclaimer", Thread::Dedicated, move || {
            Reclaimer::new(Arc::clone(&plain_kv), interval)
        });
        let log_writer = ctx.child("log-writer", Thread::Dedicated, move || {
            LogWriter::new(Arc::clone(&raft), Arc::clone(&writes))
        });
        let appliers = (1..=parts.options.appliers)
            .map(|number| {
                let (kv, writes) = (Arc::clone(&parts.kv), parts.router.writes());
                let reclaim = reclaimer.address();
                ctx.child(format!("applier-{number}"), Thread::Dedicated, move || {
                    Applier::new(Arc::clone(&kv), Arc::clone(&writes), reclaim.clone())
                })
            })
            .collect();
        let (kv, split) = (Arc::clone(&parts.kv), parts.options.split);
        let split_checker = ctx.child("split-checker", Thread::Dedicated, move || {
            SplitChecker::new(Arc::clone(&kv), split)
        });
        let for_deadlocks = parts.clone();
        let deadlocks = ctx.child("deadlocks", Thread::Any, move || Deadlocks::new(&for_deadlocks));
        Arc::new(PeerShared {
            parts,
            store: ctx.me().clone(),
            log_writer,
            appliers,
            split_checker: split_checker.address(),
            deadlocks,
            make_snapshot: worker.address(),
            install_snapshot: worker.address(),
            send_snapshot: mover.address(),
            awake: AwakeRegions::default(),
            claims: RangeClaims::default(),
        })
    }

    /// Starts the peer of a region whose state is in the engines, or (without peers in the descriptor)
    /// one that waits for a snapshot.
    pub(super) fn create_peer(&self, new: NewRegion, peer: Peer, ctx: &mut Context<Self>) {
        let NewRegion { region, locks, size, keys, campaign } = new;
        let region_id = region.id;
        let gauges = Arc::new(RegionGauges::default());
        gauges.size.store(size, Ordering::Relaxed);
        gauges.keys.store(keys, Ordering::Relaxed);
        let status = first_status(region, peer, size, keys);
        let shown = Arc::clone(&gauges);
        let new = NewPeer { region_id, peer, gauges, locks, campaign, cold: None };
        let child = self.start_peer(new, ctx);
        let seat = Seat::taken(region_id, ctx.me().clone(), child);
        self.parts.router.insert(seat, status, shown);
    }

    /// Starts the actor of a peer.
    pub(super) fn start_peer(&self, new: NewPeer, ctx: &mut Context<Self>) -> ActorRef<RegionPeer> {
        let shared = self.shared.clone().expect("made when the store started");
        let NewPeer { region_id, peer, gauges, mut locks, campaign, mut cold } = new;
        ctx.child(format!("region-{region_id}"), Thread::Any, move || {
            let new = NewPeer {
                region_id,
                peer,
                gauges: Arc::clone(&gauges),
                locks: locks.take(),
                campaign,
                cold: cold.take(),
            };
            RegionPeer::recover(Arc::clone(&shared), new)
        })
    }

    /// Starts the peer of a region that has data here.
    fn create_known(&mut self, new: NewRegion, ctx: &mut Context<Self>) {
        let region_id = new.region.id;
        let peer = new
            .region
            .peer_on(self.parts.store_id)
            .unwrap_or_else(|| panic!("region {region_id} has no peer on this store"));
        self.create_peer(new, peer, ctx);
        if let Some(vote) = self.early_votes.remove(&region_id) {
            self.parts.router.deliver(vote);
        }
    }

    /// Raft's clock for every peer that wants it. Ticks that come late are not made up for: followers
    /// keep faith in a leader for a number of ticks, and that must not take less time than it says.
    fn tick(&mut self, ctx: &Context<Self>) {
        let Some(shared) = self.shared.clone() else { return };
        let now = ctx.system().clock().now().as_nanos();
        let tick = u64::try_from(self.parts.options.raft.base_tick.as_nanos()).unwrap_or(u64::MAX);
        if self.last_tick != 0 && now - self.last_tick < tick / 10 * 9 {
            return;
        }
        self.last_tick = now;
        self.look_after_sleepers();
        self.wake_orphans();
        for region_id in shared.awake.list() {
            if let Some(entry) = self.parts.router.get(region_id) {
                entry.seat().tell_if_at_work(Tick);
            }
        }
    }
}

impl Store {
    /// Greets the stores that share sleeping regions, and wakes the regions shared with one that is lost.
    fn look_after_sleepers(&self) {
        let StoreParts { store_id, transport, sleepers, router, options, disk, .. } = &self.parts;
        let raft = &options.raft;
        let rounds = sleepers.tick(raft.heartbeat_ticks as u64, raft.election_ticks as u64);
        for to in rounds.greet {
            transport.greet(*store_id, to, disk.room());
        }
        for (lost, regions) in rounds.lost {
            info!(store_id = %lost, regions = regions.len(), "wakes the regions shared with a silent store");
            for region_id in regions {
                match router.get(region_id) {
                    Some(entry) => drop(entry.tell(Rouse { lost })),
                    None => drop(sleepers.wake(region_id)),
                }
            }
        }
    }
}

/// What is known of a region before its peer has said anything.
pub(super) fn first_status(region: Region, peer: Peer, size: u64, keys: u64) -> RegionStatus {
    RegionStatus {
        region,
        peer,
        role: Role::Follower,
        leader: None,
        term: Term(0),
        applied: LogIndex(0),
        approximate_size: size,
        approximate_keys: keys,
        pending_peers: Vec::new(),
        down_peers: Vec::new(),
        unsplittable: false,
        merging_into: None,
        outlived: false,
    }
}

fn start_snapshots(
    parts: &StoreParts,
    ctx: &mut Context<Store>,
) -> (
    crate::actors::runtime::ActorRef<SnapshotWorker>,
    crate::actors::runtime::ActorRef<SnapshotMover>,
) {
    let for_worker = parts.clone();
    let worker =
        ctx.child("snapshot-worker", Thread::Dedicated, move || SnapshotWorker::new(&for_worker));
    let for_mover = parts.clone();
    let mover = ctx.child("snapshot-mover", Thread::Dedicated, move || {
        SnapshotMover::new(for_mover.clone(), for_mover.snapshots.clone())
    });
    (worker, mover)
}

impl Actor for Store {
    const KIND: &'static str = "store";

    fn mailbox() -> MailboxOptions {
        MailboxOptions { capacity: 1 << 16, overflow: Overflow::Reject }
    }

    fn supervision() -> Supervision {
        Supervision::escalate()
    }

    fn started(&mut self, ctx: &mut Context<Self>) {
        self.started_unix_ms = ctx.system().clock().unix_ms();
        let regions = recover(&self.parts)
            .unwrap_or_else(|error| panic!("failed to recover the regions of the store: {error}"));
        self.shared = Some(self.start_helpers(ctx));
        self.parts.router.set_unknown(ctx.me().address());
        self.give_voice();
        info!(store_id = %self.parts.store_id, regions = regions.len(), "starts a store");
        for (region, state) in regions {
            let size = self.size_in_files(&region);
            let asleep = self.asleep_since_start(&region, &state).unwrap_or_else(|reason| {
                panic!("failed to recover region {}: {reason}", region.id)
            });
            match asleep {
                Some(at) => self.create_cold(region, at, size, ctx),
                None => {
                    let new = NewRegion { region, locks: None, size, keys: 0, campaign: false };
                    self.create_known(new, ctx);
                }
            }
        }
        self.look_for_orphans(ctx);
        let parts = self.parts.clone();
        ctx.child("gc-worker", Thread::Dedicated, move || GcWorker::new(parts.clone()));
        ctx.run_interval(self.parts.options.raft.base_tick, |this, ctx| this.tick(ctx));
        ctx.run_interval(LOOK_EVERY, |this, ctx| {
            if this.parts.disk.look() {
                this.report_store(ctx);
            }
            this.look_at_pd(ctx);
        });
        ctx.run_interval(self.parts.options.heartbeat_interval, |this, ctx| this.heartbeat(ctx));
        self.heartbeat(ctx);
    }

    fn observe(&self) -> Value {
        json!({
            "store_id": self.parts.store_id,
            "regions": self.parts.router.len(),
            "asleep_with_others": self.parts.sleepers.len(),
            "cold": self.parts.router.cold(),
            "awake": self.shared.as_ref().map_or(0, |shared| shared.awake.list().len()),
            "max_ts": self.parts.concurrency.max_ts(),
        })
    }
}

impl Handler<AwaitStart> for Store {
    fn handle(&mut self, _message: AwaitStart, reply: ReplyTo<()>, _ctx: &mut Context<Self>) {
        // No message is handled before the start is.
        reply.send(());
    }
}

impl Handler<CreatePeers> for Store {
    fn handle(&mut self, message: CreatePeers, reply: ReplyTo<()>, ctx: &mut Context<Self>) {
        let mut waiting = Vec::new();
        for new in message.regions {
            match self.parts.router.get(new.region.id) {
                // Started from its state by a restart of this actor.
                Some(entry) if entry.status().region.is_initialized() => {}
                Some(entry) => waiting.push((new, entry)),
                None => self.create_known(new, ctx),
            }
        }
        if waiting.is_empty() {
            reply.send(());
            return;
        }
        // Another store's message was faster than the split. What that peer has promised (its term and
        // its vote) must be in the log before the new one reads it.
        let shared = self.shared.clone().expect("made when the store started");
        let retired = async move {
            for (_, entry) in &waiting {
                let _ = entry.ask(Retire, RETIRE_DEADLINE).await;
            }
            let barrier = DestroyLog { batch: WriteBatch::new() };
            let _ = shared.log_writer.ask(barrier, RETIRE_DEADLINE).await;
            waiting
        };
        ctx.spawn_then(retired, |this: &mut Self, waiting, ctx| {
            for (new, _) in waiting {
                this.create_known(new, ctx);
            }
            reply.send(());
        });
    }
}

impl Handler<RegionChanged> for Store {
    fn handle(&mut self, message: RegionChanged, _reply: ReplyTo<()>, ctx: &mut Context<Self>) {
        self.changed.insert(message.region_id);
        self.report_changed(ctx);
    }
}
