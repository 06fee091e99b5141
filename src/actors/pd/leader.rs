//! The placement driver's leader.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use tracing::{error, warn};

use super::client::{PdError, PdResult, SplitIds};
use super::messages::{
    AllocIds, AskBatchSplit, ExtendTimestamps, GetGcSafePoint, GetRegion, GetStores,
    IsBootstrapped, PlaceOrder, Propose, RegionKey, ReportRegion, ReportStore, ScanRegions,
};
use super::scheduler::SchedulerActor;
use crate::actors::runtime::{
    Actor, Context, Handler, MailboxOptions, Message, Overflow, ReplyTo, Supervision, Thread,
};
use crate::common::{PeerId, RegionId, Timestamp};
use crate::placement::{
    ClusterMap, Command, CommandLog, Goals, LogError, RegionOrder, RegionReport, Reply, Scheduler,
    TimestampOracle,
};
use crate::storage::engine;
use crate::storage::region::membership;
use crate::storage::routing::RegionRoute;

/// How often the oracle's bound is looked at: several times within what is kept ahead.
const TSO_CHECK_EVERY: Duration = Duration::from_millis(500);
/// Ids taken from the log at a time, so that an id seldom costs a write.
const IDS_AHEAD: u64 = 100;

/// Opens the log; called anew when the actor restarts.
pub(super) type OpenLog =
    Arc<dyn Fn() -> Result<Box<dyn CommandLog>, engine::Error> + Send + Sync + 'static>;

/// A step a region was told to take.
#[derive(Clone, Debug, serde::Serialize)]
struct Order {
    step: RegionOrder,
    /// The region's version when the step was decided: a split is done once it has another.
    version: u64,
}

/// The leader's state: the durable one behind its log, and what heartbeats say.
pub struct Pd {
    open_log: OpenLog,
    log: Option<Box<dyn CommandLog>>,
    oracle: Arc<TimestampOracle>,
    cluster: Arc<RwLock<ClusterMap>>,
    goals: Goals,
    ids: Range<u64>,
    orders: BTreeMap<RegionId, Order>,
    /// Who waits for the bound that is being written; `None` when none is.
    extending: Option<Vec<ReplyTo<PdResult<()>>>>,
    last_seen: Timestamp,
    stale_reports: u64,
}

impl Pd {
    pub(super) fn new(open_log: OpenLog, oracle: Arc<TimestampOracle>, goals: Goals) -> Pd {
        Pd {
            open_log,
            log: None,
            oracle,
            cluster: Arc::default(),
            goals,
            ids: 0..0,
            orders: BTreeMap::new(),
            extending: None,
            last_seen: Timestamp::ZERO,
            stale_reports: 0,
        }
    }

    fn log(&mut self) -> &mut Box<dyn CommandLog> {
        self.log.as_mut().expect("the log is opened before the first message")
    }

    /// Commits a command and then calls `then` with its answer.
    fn commit(
        &mut self,
        command: Command,
        ctx: &mut Context<Pd>,
        then: impl FnOnce(&mut Pd, PdResult<Reply>, &mut Context<Pd>) + 'static,
    ) {
        let store = match &command {
            Command::PutStore(store) | Command::Bootstrap { store, .. } => Some(store.clone()),
            _ => None,
        };
        let committed = self.log().commit(command);
        ctx.spawn_then(committed, move |pd, result, ctx| {
            let result = result.map_err(from_log).and_then(|reply| match reply {
                Reply::Refused(reason) => Err(PdError::Refused(reason)),
                reply => Ok(reply),
            });
            let took_effect = result.as_ref().is_ok_and(|reply| *reply != Reply::Flag(false));
            if let Some(store) = store.filter(|_| took_effect) {
                pd.cluster.write().put_store(store);
            }
            then(pd, result, ctx);
        });
    }

    /// Moves the oracle's bound if it is near.
    fn extend_timestamps(&mut self, waiting: Option<ReplyTo<PdResult<()>>>, ctx: &mut Context<Pd>) {
        if let Some(others) = &mut self.extending {
            others.extend(waiting);
            return;
        }
        let Some(bound_ms) = self.oracle.wanted_bound(ctx.system().clock().unix_ms()) else {
            if let Some(reply) = waiting {
                reply.send(Ok(()));
            }
            return;
        };
        self.extending = Some(waiting.into_iter().collect());
        self.commit(Command::SaveTsoBound { bound_ms }, ctx, move |pd, result, _| {
            match &result {
                Ok(_) => pd.oracle.extend(bound_ms),
                Err(error) => error!(%error, "failed to move the bound of timestamps"),
            }
            for reply in pd.extending.take().into_iter().flatten() {
                reply.send(result.clone().map(drop));
            }
        });
    }

    /// Keeps ahead of an oracle in use; an idle one costs no writes.
    fn check_timestamps(&mut self, ctx: &mut Context<Pd>) {
        let last = self.oracle.last();
        if last != self.last_seen {
            self.last_seen = last;
            self.extend_timestamps(None, ctx);
        }
    }

    /// Takes ids and then calls `then` with them.
    fn take_ids(
        &mut self,
        count: u64,
        ctx: &mut Context<Pd>,
        then: impl FnOnce(&mut Pd, PdResult<Range<u64>>) + 'static,
    ) {
        if self.ids.end - self.ids.start >= count {
            let first = self.ids.start;
            self.ids.start += count;
            return then(self, Ok(first..first + count));
        }
        let command = Command::AllocIds { count: count.saturating_add(IDS_AHEAD) };
        self.commit(command, ctx, move |pd, result, _| {
            let taken = result.map(|reply| match reply {
                Reply::Ids(ids) => {
                    pd.ids = ids.start + count..ids.end;
                    ids.start..ids.start + count
                }
                other => unreachable!("ids are answered with ids, not {other:?}"),
            });
            then(pd, taken);
        });
    }

    /// What a region is to do next, if its last order is not done yet.
    fn order_for(&mut self, report: &RegionReport) -> Option<RegionOrder> {
        let order = self.orders.get(&report.region.id)?;
        if order.is_done(report) {
            self.orders.remove(&report.region.id);
            return None;
        }
        Some(order.step.clone())
    }

    fn place(&mut self, region: RegionId, step: RegionOrder) {
        let known = self.cluster.read().regions().by_id(region).map(|known| known.region.epoch);
        if let Some(epoch) = known {
            self.orders.insert(region, Order { step, version: epoch.version });
        }
    }
}

impl Order {
    fn is_done(&self, report: &RegionReport) -> bool {
        let region = &report.region;
        match &self.step {
            RegionOrder::TransferLeader { to } => report.leader.id == to.id,
            RegionOrder::AddPeer { peer } => {
                region.peer_on(peer.store_id).is_some_and(|there| there.role == peer.role)
            }
            RegionOrder::ChangePeers { changes } => {
                membership::change_peers(region, changes).is_err()
            }
            // Done when the region is heard of no more.
            RegionOrder::Merge { .. } => false,
            RegionOrder::RemovePeer { peer } => {
                region.peers.iter().all(|other| other.id != peer.id)
            }
            RegionOrder::Split => region.epoch.version != self.version,
        }
    }
}

fn from_log(error: LogError) -> PdError {
    PdError::Unavailable(error.to_string())
}

fn route(report: &RegionReport) -> RegionRoute {
    RegionRoute { region: report.region.clone(), leader: Some(report.leader) }
}

impl Actor for Pd {
    const KIND: &'static str = "pd";

    fn mailbox() -> MailboxOptions {
        MailboxOptions { capacity: 65_536, overflow: Overflow::Wait }
    }

    /// Its state is durable or heard again, so a fresh one is as good.
    fn supervision() -> Supervision {
        Supervision::restart()
    }

    fn started(&mut self, ctx: &mut Context<Pd>) {
        let log = (self.open_log)().expect("the log was readable when the node started");
        for store in log.state().stores() {
            self.cluster.write().put_store(store.clone());
        }
        self.oracle.open(log.state().tso_bound_ms());
        self.log = Some(log);
        self.extend_timestamps(None, ctx);
        ctx.run_interval(TSO_CHECK_EVERY, Pd::check_timestamps);

        for scheduler in Scheduler::ALL {
            let (cluster, goals, pd) = (Arc::clone(&self.cluster), self.goals, ctx.me().clone());
            ctx.child(format!("scheduler/{}", scheduler.name()), Thread::Any, move || {
                SchedulerActor::new(scheduler, goals, Arc::clone(&cluster), pd.clone())
            });
        }
    }

    fn observe(&self) -> serde_json::Value {
        let cluster = self.cluster.read();
        let state = self.log.as_ref().map(|log| log.state());
        serde_json::json!({
            "bootstrapped": state.map(|state| state.is_bootstrapped()),
            "leases": state.map(|state| state.leases()),
            "gc_safe_point": state.map(|state| state.gc_safe_point()),
            "last_timestamp": self.oracle.last(),
            "timestamp_bound_unix_ms": self.oracle.bound_ms(),
            "ids_in_hand": self.ids.end - self.ids.start,
            "stores": cluster.stores().count(),
            "regions": cluster.regions().len(),
            "orders": self.orders,
            "stale_reports": self.stale_reports,
        })
    }
}

impl Handler<Propose> for Pd {
    fn handle(&mut self, message: Propose, reply: ReplyTo<PdResult<Reply>>, ctx: &mut Context<Pd>) {
        self.commit(message.0, ctx, |_, result, _| reply.send(result));
    }
}

impl Handler<ExtendTimestamps> for Pd {
    fn handle(&mut self, _: ExtendTimestamps, reply: ReplyTo<PdResult<()>>, ctx: &mut Context<Pd>) {
        self.extend_timestamps(Some(reply), ctx);
    }
}

impl Handler<AllocIds> for Pd {
    fn handle(
        &mut self,
        message: AllocIds,
        reply: ReplyTo<PdResult<Range<u64>>>,
        ctx: &mut Context<Pd>,
    ) {
        self.take_ids(message.count, ctx, |_, ids| reply.send(ids));
    }
}

impl Handler<AskBatchSplit> for Pd {
    fn handle(
        &mut self,
        message: AskBatchSplit,
        reply: ReplyTo<PdResult<Vec<SplitIds>>>,
        ctx: &mut Context<Pd>,
    ) {
        let AskBatchSplit { region, count } = message;
        let peers = region.peers.len();
        let ids = (count * (1 + peers)) as u64;
        self.take_ids(ids, ctx, move |_, ids| {
            reply.send(ids.map(|mut ids| {
                let mut next = || ids.next().expect("as many ids were taken as are handed on");
                (0..count)
                    .map(|_| SplitIds {
                        region_id: RegionId(next()),
                        peer_ids: (0..peers).map(|_| PeerId(next())).collect(),
                    })
                    .collect()
            }));
        });
    }
}

impl Handler<ReportStore> for Pd {
    fn handle(
        &mut self,
        message: ReportStore,
        reply: ReplyTo<PdResult<()>>,
        ctx: &mut Context<Pd>,
    ) {
        let now_ms = ctx.system().clock().unix_ms();
        let known = self.cluster.write().observe_store(message.store_id, message.stats, now_ms);
        reply.send(if known {
            Ok(())
        } else {
            Err(PdError::Refused(format!("store {} is not known", message.store_id)))
        });
    }
}

impl Handler<ReportRegion> for Pd {
    fn handle(
        &mut self,
        message: ReportRegion,
        reply: ReplyTo<PdResult<Option<RegionOrder>>>,
        _: &mut Context<Pd>,
    ) {
        let order = self.order_for(&message.0);
        let observed = self.cluster.write().observe_region(message.0);
        if observed == crate::placement::Observed::Stale {
            self.stale_reports += 1;
            return reply.send(Ok(None));
        }
        reply.send(Ok(order));
    }
}

impl Handler<PlaceOrder> for Pd {
    fn handle(&mut self, message: PlaceOrder, _: ReplyTo<()>, ctx: &mut Context<Pd>) {
        let PlaceOrder { region, order } = message;
        if self.orders.contains_key(&region) {
            return;
        }
        match order {
            RegionOrder::AddPeer { mut peer } if peer.id == PeerId(0) => {
                self.take_ids(1, ctx, move |pd, ids| match ids {
                    Ok(ids) => {
                        peer.id = PeerId(ids.start);
                        pd.place(region, RegionOrder::AddPeer { peer });
                    }
                    Err(error) => {
                        warn!(%error, region_id = %region, "failed to name a new replica")
                    }
                });
            }
            order => self.place(region, order),
        }
    }
}

/// Implements a handler that only looks something up.
macro_rules! look_up {
    ($message:ty, |$pd:ident, $asked:pat_param| $answer:expr) => {
        impl Handler<$message> for Pd {
            fn handle(
                &mut self,
                $asked: $message,
                reply: ReplyTo<<$message as Message>::Reply>,
                _: &mut Context<Pd>,
            ) {
                let $pd = self;
                reply.send(Ok($answer));
            }
        }
    };
}

look_up!(IsBootstrapped, |pd, _| pd.log().state().is_bootstrapped());
look_up!(GetGcSafePoint, |pd, _| pd.log().state().gc_safe_point());
look_up!(GetStores, |pd, _| pd.cluster.read().stores().cloned().collect());
look_up!(GetRegion, |pd, GetRegion(key)| {
    let cluster = pd.cluster.read();
    let report = match &key {
        RegionKey::Holding(key) => cluster.regions().by_key(key),
        RegionKey::Below(key) => cluster.regions().before_key(key),
        RegionKey::Id(id) => cluster.regions().by_id(*id),
    };
    report.map(route)
});
look_up!(ScanRegions, |pd, asked| {
    let cluster = pd.cluster.read();
    let found = cluster.regions().scan(&asked.start, &asked.end, asked.limit);
    found.into_iter().map(route).collect()
});
