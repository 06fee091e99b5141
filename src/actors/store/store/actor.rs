//! The Store's state, its start, its messages.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use tracing::info;

use super::messages::{AwaitStart, CreatePeers, NewRegion, RegionChanged};
use crate::actors::runtime::{
    Actor, Context, Handler, MailboxOptions, Overflow, ReplyTo, Supervision, Thread,
};
use crate::actors::store::applier::Applier;
use crate::actors::store::deadlock::Deadlocks;
use crate::actors::store::gc::GcWorker;
use crate::actors::store::log_writer::LogWriter;
use crate::actors::store::region_peer::{NewPeer, RegionPeer, Tick};
use crate::actors::store::router::{RegionGauges, RegionStatus};
use crate::actors::store::shared::{AwakeRegions, PeerShared, StoreParts};
use crate::actors::store::split_checker::SplitChecker;
use crate::common::{LogIndex, RegionId, Term};
use crate::storage::raft::Role;
use crate::storage::region::state::load_regions;

/// One store of the cluster.
pub struct Store {
    pub(super) parts: StoreParts,
    pub(super) started_unix_ms: u64,
    shared: Option<Arc<PeerShared>>,
    /// Regions to report that were not reported since.
    pub(super) changed: BTreeSet<RegionId>,
    pub(super) reporting: bool,
}

impl Store {
    /// A store of these parts.
    pub fn new(parts: StoreParts) -> Store {
        Store {
            parts,
            started_unix_ms: 0,
            shared: None,
            changed: BTreeSet::new(),
            reporting: false,
        }
    }

    fn start_helpers(&self, ctx: &mut Context<Self>) -> Arc<PeerShared> {
        let parts = self.parts.clone();
        let raft = Arc::clone(parts.log.engine());
        let log_writer =
            ctx.child("log-writer", Thread::Dedicated, move || LogWriter::new(Arc::clone(&raft)));
        let appliers = (1..=parts.options.appliers)
            .map(|number| {
                let kv = Arc::clone(&parts.kv);
                ctx.child(format!("applier-{number}"), Thread::Dedicated, move || {
                    Applier::new(Arc::clone(&kv))
                })
            })
            .collect();
        let (kv, split) = (Arc::clone(&parts.kv), parts.options.split);
        let split_checker = ctx.child("split-checker", Thread::Dedicated, move || {
            SplitChecker::new(Arc::clone(&kv), split)
        });
        let deadlocks = ctx.child("deadlocks", Thread::Any, Deadlocks::new);
        Arc::new(PeerShared {
            parts,
            store: ctx.me().clone(),
            log_writer,
            appliers,
            split_checker: split_checker.address(),
            detect_deadlock: deadlocks.address(),
            forget_wait: deadlocks.address(),
            awake: AwakeRegions::default(),
        })
    }

    fn create_peer(&self, new: NewRegion, ctx: &mut Context<Self>) {
        let shared = self.shared.clone().expect("made when the store started");
        let NewRegion { region, locks, size, keys } = new;
        let region_id = region.id;
        let peer = region
            .peer_on(self.parts.store_id)
            .unwrap_or_else(|| panic!("region {region_id} has no peer on this store"));
        let gauges = Arc::new(RegionGauges::default());
        gauges.size.store(size, Ordering::Relaxed);
        gauges.keys.store(keys, Ordering::Relaxed);
        let status = RegionStatus {
            region,
            peer,
            role: Role::Follower,
            leader: None,
            term: Term(0),
            applied: LogIndex(0),
            approximate_size: size,
            approximate_keys: keys,
        };
        let (mut locks, shown) = (locks, Arc::clone(&gauges));
        let child = ctx.child(format!("region-{region_id}"), Thread::Any, move || {
            let new = NewPeer { region_id, gauges: Arc::clone(&gauges), locks: locks.take() };
            RegionPeer::recover(Arc::clone(&shared), new)
        });
        self.parts.router.insert(child, status, shown);
    }

    /// Raft's clock for every peer that wants it.
    fn tick(&self) {
        let Some(shared) = &self.shared else { return };
        for region_id in shared.awake.list() {
            if let Some(entry) = self.parts.router.get(region_id) {
                // A peer too busy to take its tick is alive; the next one will do.
                let _ = entry.peer().tell(Tick);
            }
        }
    }
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
        self.shared = Some(self.start_helpers(ctx));
        let regions = load_regions(&*self.parts.kv)
            .unwrap_or_else(|error| panic!("failed to read the regions of the store: {error}"));
        info!(store_id = %self.parts.store_id, regions = regions.len(), "starts a store");
        for region in regions {
            let size = self.size_in_files(&region);
            let new = NewRegion { region, locks: None, size, keys: 0 };
            self.create_peer(new, ctx);
        }
        let parts = self.parts.clone();
        ctx.child("gc-worker", Thread::Any, move || GcWorker::new(parts.clone()));
        ctx.run_interval(self.parts.options.raft.base_tick, |this, _| this.tick());
        ctx.run_interval(self.parts.options.heartbeat_interval, |this, ctx| this.heartbeat(ctx));
        self.heartbeat(ctx);
    }

    fn observe(&self) -> Value {
        json!({
            "store_id": self.parts.store_id,
            "regions": self.parts.router.len(),
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
        for new in message.regions {
            self.create_peer(new, ctx);
        }
        reply.send(());
    }
}

impl Handler<RegionChanged> for Store {
    fn handle(&mut self, message: RegionChanged, _reply: ReplyTo<()>, ctx: &mut Context<Self>) {
        self.changed.insert(message.region_id);
        self.report_changed(ctx);
    }
}
