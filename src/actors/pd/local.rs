//! The client of a placement driver whose leader is in this process.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use bytes::Bytes;

use super::client::{PdClient, PdError, PdResult, SplitIds};
use super::group::Standing;
use super::leader::{OpenLog, Pd};
use super::messages::{
    Administer, AllocIds, AskBatchSplit, ExtendTimestamps, GetDuties, GetGcSafePoint, GetRegion,
    GetStores, IsBootstrapped, Propose, RegionKey, ReportRegion, ReportStore, ScanRegions,
};
use crate::actors::runtime::{ActorRef, AskError, Clock, Handler, Message, System, Thread};
use crate::common::{RegionId, StoreId, Timestamp};
use crate::placement::{
    AdminRequest, Command, CommandLog, Duties, Goals, GroupTransport, Lease, MemberOptions,
    RaftLog, RegionOrder, RegionReport, Reply, SingleMemberLog, StoreInfo, StoreMeta, StoreStats,
    TimestampOracle,
};
use crate::storage::engine::{self, Engine};
use crate::storage::region::Region;
use crate::storage::routing::RegionRoute;

/// How long an answer is waited for.
const DEADLINE: Duration = Duration::from_secs(5);

/// The most timestamps taken at a time: a millisecond's.
const TIMESTAMPS_MAX: u64 = 1 << 18;
/// How long to wait until a leader may have its lease again.
const LEASE_PAUSE: Duration = Duration::from_millis(10);

/// The placement driver of this process. Timestamps come straight from the oracle, on the caller's thread.
#[derive(Clone)]
pub struct LocalPd {
    pd: ActorRef<Pd>,
    oracle: Arc<TimestampOracle>,
    standing: Arc<ArcSwap<Standing>>,
    clock: Clock,
}

impl LocalPd {
    /// Starts the placement driver of a group of one, at `/{node}/pd`, with its state in `engine`. Fails if the state cannot be read.
    pub fn start(
        system: &System,
        engine: Arc<dyn Engine>,
        goals: Goals,
    ) -> engine::Result<LocalPd> {
        let open: OpenLog = Arc::new(move || {
            let log = SingleMemberLog::open(Arc::clone(&engine))?;
            Ok(Box::new(log) as Box<dyn CommandLog>)
        });
        LocalPd::open(system, open, goals)
    }

    /// Starts a member of the placement driver's group, at `/{node}/pd`, with its state and log in `engine`. What other members
    /// send is to be told to its actor as [`GroupStep`](super::GroupStep). While another leads, it answers
    /// [`PdError::NotLeader`].
    pub fn start_member(
        system: &System,
        engine: Arc<dyn Engine>,
        goals: Goals,
        options: MemberOptions,
        transport: Arc<dyn GroupTransport>,
    ) -> engine::Result<LocalPd> {
        let clock = system.clock().clone();
        let open: OpenLog = Arc::new(move || {
            let life = MemberOptions { incarnation: clock.unix_micros(), ..options.clone() };
            let log = RaftLog::open(Arc::clone(&engine), &life, Arc::clone(&transport))?;
            Ok(Box::new(log) as Box<dyn CommandLog>)
        });
        LocalPd::open(system, open, goals)
    }

    fn open(system: &System, open: OpenLog, goals: Goals) -> engine::Result<LocalPd> {
        // Tried here, so that a start fails with the reason; the actor opens it again.
        let log = open()?;
        let standing = Standing {
            cluster_id: log.state().cluster_id(),
            member_id: log.member_id(),
            members: log.members(),
            ..Standing::default()
        };
        drop(log);
        let oracle = Arc::new(TimestampOracle::new());
        let standing = Arc::new(ArcSwap::from_pointee(standing));
        // A commit waits for the disk, so it has a thread of its own.
        let pd = {
            let (oracle, standing) = (Arc::clone(&oracle), Arc::clone(&standing));
            system.spawn_root("pd", Thread::Dedicated, move || {
                Pd::new(Arc::clone(&open), Arc::clone(&oracle), Arc::clone(&standing), goals)
            })
        };
        Ok(LocalPd { pd, oracle, standing, clock: system.clock().clone() })
    }

    /// The member's actor.
    pub fn actor(&self) -> &ActorRef<Pd> {
        &self.pd
    }

    /// How the member stood a moment ago.
    pub fn standing(&self) -> Arc<Standing> {
        self.standing.load_full()
    }

    /// Whether nobody else can lead now.
    pub fn is_leased(&self) -> bool {
        self.oracle.is_leased(self.clock.now().as_nanos())
    }

    /// Hands leadership on, if this member leads and another can, and waits a moment until another does.
    pub async fn retire(&self, patience: Duration) {
        if self.standing().leads.is_none() || self.standing().members.len() < 2 {
            return;
        }
        let handed = self.administer(AdminRequest::TransferLeader { to: None }).await;
        let until = self.clock.now();
        while handed.is_ok()
            && self.standing().leader.is_none()
            && self.clock.now().since(until) < patience
        {
            tokio::time::sleep(LEASE_PAUSE).await;
        }
    }

    async fn ask<M: Message>(&self, message: M) -> PdResult<M::Reply>
    where
        Pd: Handler<M>,
    {
        let unavailable = |error: AskError| PdError::Unavailable(error.to_string());
        self.pd.ask(message, DEADLINE).await.map_err(unavailable)
    }

    pub(super) async fn propose(&self, command: Command) -> PdResult<Reply> {
        self.ask(Propose(command)).await?
    }

    fn take(&self, count: u64) -> Option<Range<Timestamp>> {
        let now = || self.clock.now().as_nanos();
        self.oracle.take_leased(self.clock.forward_unix_ms(), count, now)
    }

    async fn safe_point(&self, command: Command) -> PdResult<Timestamp> {
        match self.propose(command).await? {
            Reply::SafePoint(ts) => Ok(ts),
            other => Err(unexpected(&other)),
        }
    }
}

fn unexpected(reply: &Reply) -> PdError {
    PdError::Refused(format!("unexpected answer {reply:?}"))
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[async_trait]
impl PdClient for LocalPd {
    fn try_timestamp(&self) -> Option<Timestamp> {
        self.take(1).map(|range| range.start)
    }

    async fn timestamp(&self) -> PdResult<Timestamp> {
        self.timestamps(1).await.map(|range| range.start)
    }

    async fn timestamps(&self, count: u64) -> PdResult<Range<Timestamp>> {
        let count = count.clamp(1, TIMESTAMPS_MAX);
        let patience = self.clock.now();
        loop {
            if let Some(taken) = self.take(count) {
                return Ok(taken);
            }
            self.ask(ExtendTimestamps).await??;
            if let Some(taken) = self.take(count) {
                return Ok(taken);
            }
            // The leader is asking its group whether it still leads.
            if self.clock.now().since(patience) > DEADLINE {
                let reason = "its leader cannot tell whether it still leads".to_owned();
                return Err(PdError::Unavailable(reason));
            }
            tokio::time::sleep(LEASE_PAUSE).await;
        }
    }

    async fn alloc_ids(&self, count: u64) -> PdResult<Range<u64>> {
        self.ask(AllocIds { count }).await?
    }

    async fn is_bootstrapped(&self) -> PdResult<bool> {
        self.ask(IsBootstrapped).await?
    }

    async fn bootstrap(&self, store: StoreMeta, region: Region) -> PdResult<bool> {
        match self.propose(Command::Bootstrap { store, region }).await? {
            Reply::Flag(first) => Ok(first),
            other => Err(unexpected(&other)),
        }
    }

    async fn put_store(&self, store: StoreMeta) -> PdResult<()> {
        self.propose(Command::PutStore(store)).await.map(drop)
    }

    async fn stores(&self) -> PdResult<Vec<StoreInfo>> {
        self.ask(GetStores).await?
    }

    async fn report_store(&self, store_id: StoreId, stats: StoreStats) -> PdResult<()> {
        self.ask(ReportStore { store_id, stats }).await?
    }

    async fn report_region(&self, report: RegionReport) -> PdResult<Option<RegionOrder>> {
        self.ask(ReportRegion(report)).await?
    }

    async fn duties(&self, store_id: StoreId, region_id: RegionId) -> PdResult<Duties> {
        self.ask(GetDuties { store_id, region_id }).await?
    }

    async fn region_by_key(&self, key: Bytes) -> PdResult<Option<RegionRoute>> {
        self.ask(GetRegion(RegionKey::Holding(key))).await?
    }

    async fn region_before_key(&self, key: Bytes) -> PdResult<Option<RegionRoute>> {
        self.ask(GetRegion(RegionKey::Below(key))).await?
    }

    async fn region_by_id(&self, id: RegionId) -> PdResult<Option<RegionRoute>> {
        self.ask(GetRegion(RegionKey::Id(id))).await?
    }

    async fn scan_regions(
        &self,
        start: Bytes,
        end: Bytes,
        limit: usize,
    ) -> PdResult<Vec<RegionRoute>> {
        self.ask(ScanRegions { start, end, limit }).await?
    }

    async fn ask_batch_split(&self, region: Region, count: usize) -> PdResult<Vec<SplitIds>> {
        self.ask(AskBatchSplit { region, count }).await?
    }

    async fn gc_safe_point(&self) -> PdResult<Timestamp> {
        self.ask(GetGcSafePoint).await?
    }

    async fn advance_gc_safe_point(&self, to: Timestamp) -> PdResult<Timestamp> {
        let now_ms = self.clock.steady_unix_ms();
        self.safe_point(Command::AdvanceGcSafePoint { to, now_ms }).await
    }

    async fn hold_gc_safe_point(
        &self,
        service: &str,
        at: Timestamp,
        ttl: Duration,
    ) -> PdResult<Timestamp> {
        let (now_ms, ttl_ms, service) =
            (self.clock.steady_unix_ms(), millis(ttl), service.to_string());
        self.safe_point(Command::HoldGcSafePoint { service, at, ttl_ms, now_ms }).await
    }

    async fn campaign(&self, name: &str, candidate: &str, ttl: Duration) -> PdResult<Lease> {
        let command = Command::Campaign {
            name: name.to_string(),
            candidate: candidate.to_string(),
            ttl_ms: millis(ttl),
            now_ms: self.clock.steady_unix_ms(),
        };
        match self.propose(command).await? {
            Reply::Lease(lease) => Ok(lease),
            other => Err(unexpected(&other)),
        }
    }

    async fn resign(&self, name: &str, candidate: &str) -> PdResult<()> {
        let (name, candidate) = (name.to_string(), candidate.to_string());
        self.propose(Command::Resign { name, candidate }).await.map(drop)
    }

    async fn administer(&self, request: AdminRequest) -> PdResult<serde_json::Value> {
        self.ask(Administer(request)).await?
    }
}

#[cfg(test)]
mod group_tests;
#[cfg(test)]
mod tests;
