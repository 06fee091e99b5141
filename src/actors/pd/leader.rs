//! The placement driver's leader.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use parking_lot::RwLock;
use tracing::{debug, error, info, warn};

use super::client::{PdError, PdResult, SplitIds};
use super::group::Standing;
use super::messages::{
    AllocIds, AskBatchSplit, ExtendTimestamps, GetDuties, GetGcSafePoint, GetRegion, GetStores,
    GetTimestamps, IsBootstrapped, PlaceOrder, Propose, RegionKey, ReportRegion, ReportStore,
    ScanRegions,
};
use super::scheduler::SchedulerActor;
use crate::actors::runtime::{
    Actor, Context, Handler, MailboxOptions, Message, Overflow, ReplyTo, Supervision, Thread,
};
use crate::common::{PeerId, RegionId, Term, Timestamp};
use crate::placement::{
    Board, Command, CommandLog, Duties, Goals, LogError, Observed, Plan, RegionOrder, RegionReport,
    Reply, Scheduler, Step, StoreState, TimestampOracle,
};
use crate::storage::engine;
use crate::storage::routing::RegionRoute;

/// How often the oracle's bound is looked at: several times within what is kept ahead.
const TSO_CHECK_EVERY: Duration = Duration::from_millis(500);
/// The clock of PD's group.
const GROUP_TICK: Duration = Duration::from_millis(100);
/// The most timestamps handed out at once.
const TIMESTAMPS_MAX: u64 = 10_000;
/// How often operators and stores are looked at for what time brings about.
const BOARD_CHECK_EVERY: Duration = Duration::from_secs(1);
/// Ids taken from the log at a time, so that an id seldom costs a write.
const IDS_AHEAD: u64 = 100;

/// Opens the log; called anew when the actor restarts.
pub(super) type OpenLog =
    Arc<dyn Fn() -> Result<Box<dyn CommandLog>, engine::Error> + Send + Sync + 'static>;

/// The leader's state: the durable one behind its log, and what heartbeats say.
pub struct Pd {
    open_log: OpenLog,
    log: Option<Box<dyn CommandLog>>,
    pub(super) oracle: Arc<TimestampOracle>,
    pub(super) board: Arc<RwLock<Board>>,
    pub(super) standing: Arc<ArcSwap<Standing>>,
    /// As configured; settings changed since are on the board.
    pub(super) goals: Goals,
    pub(super) ids: Range<u64>,
    /// Who waits for the bound that is being written; `None` when none is.
    extending: Option<Vec<ReplyTo<PdResult<()>>>>,
    last_seen: Timestamp,
    /// The term this member leads in.
    pub(super) leads: Option<Term>,
    stale_reports: u64,
}

impl Pd {
    pub(super) fn new(
        open_log: OpenLog,
        oracle: Arc<TimestampOracle>,
        standing: Arc<ArcSwap<Standing>>,
        goals: Goals,
    ) -> Pd {
        Pd {
            open_log,
            log: None,
            oracle,
            board: Arc::default(),
            standing,
            goals,
            ids: 0..0,
            extending: None,
            last_seen: Timestamp::ZERO,
            leads: None,
            stale_reports: 0,
        }
    }

    pub(super) fn log(&mut self) -> &mut Box<dyn CommandLog> {
        self.log.as_mut().expect("the log is opened before the first message")
    }

    /// Commits a command and then calls `then` with its answer.
    pub(super) fn commit(
        &mut self,
        command: Command,
        ctx: &mut Context<Pd>,
        then: impl FnOnce(&mut Pd, PdResult<Reply>, &mut Context<Pd>) + 'static,
    ) {
        let on_board = matches!(
            command,
            Command::PutStore(_)
                | Command::Bootstrap { .. }
                | Command::SetStoreState { .. }
                | Command::SetEvicting { .. }
                | Command::SetPaused { .. }
                | Command::PutSetting { .. }
        );
        let committed = self.log().commit(command);
        ctx.spawn_then(committed, move |pd, result, ctx| {
            let leader = pd.log().leadership().leader;
            let result =
                result.map_err(|error| from_log(error, leader)).and_then(|reply| match reply {
                    Reply::Refused(reason) => Err(PdError::Refused(reason)),
                    reply => Ok(reply),
                });
            if on_board && result.is_ok() {
                pd.refresh_board();
            }
            pd.publish();
            then(pd, result, ctx);
        });
    }

    /// Moves the oracle's bound if it is near.
    pub(super) fn extend_timestamps(
        &mut self,
        waiting: Option<ReplyTo<PdResult<()>>>,
        ctx: &mut Context<Pd>,
    ) {
        if let Some(refusal) = self.refusal() {
            if let Some(reply) = waiting {
                reply.send(Err(refusal));
            }
            return;
        }
        if let Some(others) = &mut self.extending {
            others.extend(waiting);
            return;
        }
        let Some(bound_ms) = self.oracle.wanted_bound(ctx.system().clock().forward_unix_ms())
        else {
            if let Some(reply) = waiting {
                reply.send(Ok(()));
            }
            return;
        };
        let term = self.leads;
        self.extending = Some(waiting.into_iter().collect());
        self.commit(Command::SaveTsoBound { bound_ms }, ctx, move |pd, result, ctx| {
            // What another term of leadership asked for says nothing of what was handed out since.
            let outdated = pd.leads != term;
            match &result {
                Ok(_) if outdated => {}
                Ok(_) => pd.oracle.extend(bound_ms),
                Err(error) => error!(%error, "failed to move the bound of timestamps"),
            }
            for reply in pd.extending.take().into_iter().flatten() {
                reply.send(result.clone().map(drop));
            }
            if outdated {
                pd.extend_timestamps(None, ctx);
            }
        });
    }

    /// Keeps ahead of an oracle in use; an idle one costs no writes.
    fn check_timestamps(&mut self, ctx: &mut Context<Pd>) {
        if self.leads.is_none() {
            return;
        }
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

    fn refresh_board(&mut self) {
        let goals = self.goals;
        let log = self.log.as_ref().expect("the log is opened before the first message");
        self.board.write().refresh(log.state(), goals);
    }

    /// Begins to carry a plan out, after its new replicas have their ids; answers what stands against it.
    pub(super) fn place(
        &mut self,
        mut plan: Plan,
        ctx: &mut Context<Pd>,
        then: impl FnOnce(&mut Pd, PdResult<()>) + 'static,
    ) {
        let unnamed =
            |step: &&mut Step| matches!(step, Step::AddLearner { peer } if peer.id == PeerId(0));
        let count = plan.steps.iter_mut().filter(unnamed).count() as u64;
        self.take_ids(count, ctx, move |pd, ids| {
            let placed = ids.and_then(|mut ids| {
                for step in plan.steps.iter_mut() {
                    if let Step::AddLearner { peer } = step
                        && peer.id == PeerId(0)
                    {
                        peer.id = PeerId(ids.next().expect("an id was taken for each"));
                    }
                }
                let Board { cluster, operators, goals, .. } = &mut *pd.board.write();
                operators.add(plan, cluster, goals).map_err(|why| PdError::Refused(why.to_owned()))
            });
            then(pd, placed);
        });
    }

    /// What a region is to do, by what is known of it now.
    fn order(&mut self, region_id: RegionId) -> Option<RegionOrder> {
        let Board { cluster, operators, .. } = &mut *self.board.write();
        let report = cluster.regions().by_id(region_id)?;
        operators.on_report(report, cluster)
    }

    /// What time itself brings about: operators that take too long, stores that have become empty.
    fn look_after_board(&mut self, ctx: &mut Context<Pd>) {
        if self.leads.is_none() {
            return;
        }
        let drained = {
            let mut board = self.board.write();
            board.cluster.set_now(ctx.system().clock().steady_unix_ms());
            let Board { cluster, operators, goals, .. } = &mut *board;
            operators.expire(cluster, goals);
            board.drained()
        };
        for id in drained {
            let command = Command::SetStoreState { id, state: StoreState::Tombstone };
            self.commit(command, ctx, move |_, result, _| match result {
                Ok(_) => info!(store_id = %id, "a store is empty and gone"),
                Err(error) => warn!(%error, store_id = %id, "failed to bury an empty store"),
            });
        }
    }
}

pub(super) fn from_log(error: LogError, leader: Option<String>) -> PdError {
    match error {
        LogError::NotLeader => PdError::NotLeader { leader },
        LogError::Refused(reason) => PdError::Refused(reason),
        LogError::Undetermined | LogError::Storage(_) => PdError::Unavailable(error.to_string()),
    }
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
        self.log = Some(log);
        self.follow_leadership(ctx);
        if !self.log().members().is_empty() {
            ctx.run_interval(GROUP_TICK, Pd::tick_group);
        }
        ctx.run_interval(TSO_CHECK_EVERY, Pd::check_timestamps);
        ctx.run_interval(BOARD_CHECK_EVERY, Pd::look_after_board);

        for scheduler in Scheduler::ALL {
            let (board, pd) = (Arc::clone(&self.board), ctx.me().clone());
            ctx.child(format!("scheduler/{}", scheduler.name()), Thread::Any, move || {
                SchedulerActor::new(scheduler, Arc::clone(&board), pd.clone())
            });
        }
    }

    fn observe(&self) -> serde_json::Value {
        let board = self.board.read();
        let state = self.log.as_ref().map(|log| log.state());
        let standing = self.standing.load();
        serde_json::json!({
            "leads_in_term": standing.leads,
            "leader": standing.leader,
            "member_id": standing.member_id,
            "members": standing.members,
            "cluster_id": standing.cluster_id,
            "bootstrapped": state.map(|state| state.is_bootstrapped()),
            "leases": state.map(|state| state.leases()),
            "gc_safe_point": state.map(|state| state.gc_safe_point()),
            "last_timestamp": self.oracle.last(),
            "timestamp_bound_unix_ms": self.oracle.bound_ms(),
            "ids_in_hand": self.ids.end - self.ids.start,
            "stores": board.cluster.stores().count(),
            "regions": board.cluster.regions().len(),
            "operators": board.operators.running().collect::<Vec<_>>(),
            "finished_operators": board.operators.finished().take(20).collect::<Vec<_>>(),
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
        if let Some(refusal) = self.refusal() {
            return reply.send(Err(refusal));
        }
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
        if let Some(refusal) = self.refusal() {
            return reply.send(Err(refusal));
        }
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
        if let Some(refusal) = self.refusal() {
            return reply.send(Err(refusal));
        }
        let now_ms = ctx.system().clock().steady_unix_ms();
        let mut board = self.board.write();
        let known = board.cluster.observe_store(message.store_id, message.stats, now_ms);
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
        ctx: &mut Context<Pd>,
    ) {
        if let Some(refusal) = self.refusal() {
            return reply.send(Err(refusal));
        }
        let report = message.0;
        let region_id = report.region.id;
        if self.board.write().cluster.observe_region(report.clone()) == Observed::Stale {
            self.stale_reports += 1;
            return reply.send(Ok(None));
        }
        if let Some(order) = self.order(region_id) {
            return reply.send(Ok(Some(order)));
        }
        let Some(plan) = self.board.read().mend(&report) else { return reply.send(Ok(None)) };
        self.place(plan, ctx, move |pd, placed| {
            if let Err(error) = placed {
                debug!(%error, %region_id, "left a plan for the next look");
            }
            reply.send(Ok(pd.order(region_id)));
        });
    }
}

impl Handler<PlaceOrder> for Pd {
    fn handle(&mut self, message: PlaceOrder, _: ReplyTo<()>, ctx: &mut Context<Pd>) {
        let region_id = message.0.region;
        self.place(message.0, ctx, move |_, result| {
            if let Err(error) = result {
                debug!(%error, %region_id, "left a plan for the next look");
            }
        });
    }
}

impl Handler<GetTimestamps> for Pd {
    fn handle(
        &mut self,
        message: GetTimestamps,
        reply: ReplyTo<PdResult<Range<Timestamp>>>,
        ctx: &mut Context<Pd>,
    ) {
        if let Some(refusal) = self.refusal() {
            return reply.send(Err(refusal));
        }
        let clock = ctx.system().clock();
        let most = message.count.clamp(1, TIMESTAMPS_MAX);
        let taken =
            self.oracle.take_leased(clock.forward_unix_ms(), most, || clock.now().as_nanos());
        match taken {
            Some(range) => reply.send(Ok(range)),
            None => {
                let later = "timestamps are to be had again when the bound is moved";
                reply.send(Err(PdError::Unavailable(later.to_owned())));
                self.extend_timestamps(None, ctx);
            }
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
                if let Some(refusal) = self.refusal() {
                    return reply.send(Err(refusal));
                }
                let $pd = self;
                reply.send(Ok($answer));
            }
        }
    };
}

look_up!(IsBootstrapped, |pd, _| pd.log().state().is_bootstrapped());
look_up!(GetGcSafePoint, |pd, _| pd.log().state().gc_safe_point());
look_up!(GetDuties, |pd, GetDuties { store_id, region_id }| {
    let Board { cluster, operators, .. } = &*pd.board.read();
    Duties {
        is_known: cluster.regions().by_id(region_id).is_some(),
        regions: operators.untold(store_id, cluster),
        leads: Some(cluster.load(store_id).leaders),
    }
});
look_up!(GetStores, |pd, _| pd.board.read().cluster.stores().cloned().collect());
look_up!(GetRegion, |pd, GetRegion(key)| {
    let cluster = &pd.board.read().cluster;
    let report = match &key {
        RegionKey::Holding(key) => cluster.regions().by_key(key),
        RegionKey::Below(key) => cluster.regions().before_key(key),
        RegionKey::Id(id) => cluster.regions().by_id(*id),
    };
    report.map(route)
});
look_up!(ScanRegions, |pd, asked| {
    let cluster = &pd.board.read().cluster;
    let found = cluster.regions().scan(&asked.start, &asked.end, asked.limit);
    found.into_iter().map(route).collect()
});
