//! The client of a placement driver in another process.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::{Mutex, RwLock};
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep};
use tracing::debug;

use super::timestamps::TimestampQueue;
use super::wire::request::Call;
use super::wire::response::Call as Answer;
use super::wire::{CampaignRequest, Request, ResignRequest};
use super::{AnnounceNode, PdCall, convert, pd_path, wire};
use crate::actors::bridge::Bridge;
use crate::actors::pd::{Lease, LocalPd, PdClient, PdError, PdResult, SplitIds};
use crate::actors::runtime::{Address, AskError, SendError, System};
use crate::common::retry::{self, Decision, Unit};
use crate::common::{RegionId, StoreId, Timestamp};
use crate::placement::{
    AdminRequest, Duties, RegionOrder, RegionReport, StoreInfo, StoreMeta, StoreStats,
};
use crate::storage::proto::pdpb;
use crate::storage::region::Region;
use crate::storage::region::convert::region_to_proto;
use crate::storage::routing::RegionRoute;

/// How long an answer is waited for, with all attempts.
const DEADLINE: Duration = Duration::from_secs(8);
/// The same for a timestamp, for which statements wait: as long as for a region.
const TIMESTAMP_DEADLINE: Duration = Duration::from_secs(20);
/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(3);

/// The placement driver of other processes. Cheap to clone.
#[derive(Clone)]
pub struct RemotePd {
    shared: Arc<Shared>,
}

struct Shared {
    system: System,
    calls: Address<PdCall>,
    announcements: Address<AnnounceNode>,
    /// Where members of the placement driver listen: those heard of, then those named at the start.
    members: RwLock<Vec<String>>,
    /// The member that is asked now.
    asked: Mutex<String>,
    /// The member of this process, if there is one.
    local: Option<LocalPd>,
    queue: TimestampQueue,
    /// Fetches timestamps; callers come and go.
    runtime: Handle,
}

impl RemotePd {
    /// A client of the members that listen at these addresses. Must be made within a tokio runtime, which fetches the
    /// timestamps.
    pub fn new(system: &System, bridge: &Bridge, members: Vec<String>) -> RemotePd {
        RemotePd::put_together(system, bridge, members, None)
    }

    /// A client on a node that is a member itself: as long as that one leads, nothing leaves the process.
    pub fn of_member(
        system: &System,
        bridge: &Bridge,
        members: Vec<String>,
        local: LocalPd,
    ) -> RemotePd {
        RemotePd::put_together(system, bridge, members, Some(local))
    }

    fn put_together(
        system: &System,
        bridge: &Bridge,
        members: Vec<String>,
        local: Option<LocalPd>,
    ) -> RemotePd {
        let first = members.first().cloned().unwrap_or_default();
        let remote = RemotePd {
            shared: Arc::new(Shared {
                system: system.clone(),
                calls: bridge.address(pd_path()),
                announcements: bridge.address(pd_path()),
                members: RwLock::new(members),
                asked: Mutex::new(first.clone()),
                local,
                queue: TimestampQueue::default(),
                runtime: Handle::current(),
            }),
        };
        remote.point_at(&first);
        remote
    }

    /// Where the member listens that is asked now.
    pub fn member(&self) -> String {
        self.shared.asked.lock().clone()
    }

    /// Why the member of this process cannot begin, if the first members were given different lists.
    pub fn dispute(&self) -> Option<String> {
        self.shared.local.as_ref()?.standing().dispute.clone()
    }

    /// Where members listen.
    pub fn members(&self) -> Vec<String> {
        self.shared.members.read().clone()
    }

    /// Takes in where members listen.
    pub fn learn(&self, heard: &[String]) {
        let mut members = self.shared.members.write();
        if heard.is_empty() || members.starts_with(heard) {
            return;
        }
        let others = members.iter().filter(|member| !heard.contains(member)).cloned();
        *members = heard.iter().cloned().chain(others).collect();
    }

    /// Tells that this node is there, to the member that is asked now, and on to the leader.
    pub async fn announce(
        &self,
        announce: wire::Announce,
        timeout: Duration,
    ) -> PdResult<wire::Members> {
        let until = Instant::now() + timeout;
        loop {
            let (member, left) = (self.member(), until.saturating_duration_since(Instant::now()));
            let message = AnnounceNode(announce.clone());
            let members = match self.shared.announcements.ask(message, left).await {
                Ok(members) => members,
                Err(error) => {
                    self.turn_from(&member, None);
                    return Err(unavailable(&error, &member));
                }
            };
            if !members.not_leader {
                self.learn(&members.pd_members);
                return Ok(members);
            }
            let leader = Some(members.leader).filter(|leader| !leader.is_empty());
            self.turn_from(&member, leader.as_deref());
            if leader.is_none() || left <= retry::pause(Unit::Question, 0) {
                return Err(PdError::NotLeader { leader });
            }
            sleep(retry::pause(Unit::Question, 0)).await;
        }
    }

    /// Goes on to the leader, or the next member, unless somebody else did since `member` was asked.
    fn turn_from(&self, member: &str, leader: Option<&str>) {
        let mut asked = self.shared.asked.lock();
        let next = match leader {
            Some(leader) => leader.to_owned(),
            None => {
                let members = self.shared.members.read();
                let at = members.iter().position(|other| other == member).map_or(0, |at| at + 1);
                let next = members.get(at % members.len().max(1));
                next.map_or(member, String::as_str).to_owned()
            }
        };
        if *asked != member || next == member {
            return;
        }
        asked.clone_from(&next);
        self.point_at(&next);
        debug!(member = next, "asking another member of the placement driver");
    }

    /// Has `/pd` lead to the member that listens at an address: the bridge calls a node by its address, but itself by
    /// its name.
    fn point_at(&self, address: &str) {
        let system = &self.shared.system;
        let registry = system.registry();
        if registry.node_address(system.node()).as_deref() == Some(address) {
            registry.announce(pd_path(), system.node().to_owned());
        } else {
            registry.announce_node(address, address.to_owned());
            registry.announce(pd_path(), address.to_owned());
        }
    }

    async fn attempt(&self, call: Call, timeout: Duration) -> PdResult<Answer> {
        let member = self.member();
        let asked = self.shared.calls.ask(PdCall(Request { call: Some(call) }), timeout).await;
        let failed = match asked {
            Ok(wire::Response { error: Some(error), .. }) => convert::error(error),
            Ok(wire::Response { call: Some(answer), .. }) => return Ok(answer),
            Ok(_) => PdError::Refused("the question is not known there".to_owned()),
            Err(error) => unavailable(&error, &member),
        };
        match &failed {
            PdError::Refused(_) => {}
            PdError::NotLeader { leader } => self.turn_from(&member, leader.as_deref()),
            PdError::Unavailable(_) => self.turn_from(&member, None),
        }
        Err(failed)
    }

    /// Asks until there is an answer, of whichever member. Only for what may be done twice.
    async fn call(&self, call: Call) -> PdResult<Answer> {
        self.call_until(call, DEADLINE, Unit::Question).await
    }

    /// Asks until a leader has been asked, and takes what comes of it.
    async fn once(&self, call: Call) -> PdResult<Answer> {
        self.call_until(call, DEADLINE, Unit::Order).await
    }

    async fn call_until(&self, call: Call, mut left: Duration, unit: Unit) -> PdResult<Answer> {
        let pause = retry::pause(unit, 0);
        for runs in 1.. {
            let timeout = if unit == Unit::Question { left.min(ATTEMPT) } else { left };
            let began = Instant::now();
            let answered = self.attempt(call.clone(), timeout).await;
            // A process that stood still for a minute has not asked for a minute.
            left = left.saturating_sub(began.elapsed().min(timeout) + pause);
            match answered {
                Err(error)
                    if !left.is_zero()
                        && retry::decide(unit, error.class(), runs) != Decision::GiveUp =>
                {
                    sleep(pause).await;
                }
                answered => return answered,
            }
        }
        unreachable!("the last attempt returns")
    }

    /// The group as its leader shows it, if one of the members that are named knows it now. Asks each once.
    pub async fn look_at_members(&self, timeout: Duration) -> Option<serde_json::Value> {
        for _ in 0..2 * self.members().len().max(1) {
            let json = serde_json::to_string(&AdminRequest::Members).ok()?;
            let call = Call::Administer(wire::Administer { json });
            if let Ok(Answer::Administer(answer)) = self.attempt(call, timeout).await {
                return serde_json::from_str(&answer.json).ok();
            }
        }
        None
    }

    async fn safe_point(&self, call: Call) -> PdResult<Timestamp> {
        match self.call(call).await? {
            Answer::SafePoint(answer) => Ok(Timestamp(answer.safe_point)),
            _ => Err(unexpected()),
        }
    }

    async fn region(&self, call: Call) -> PdResult<Option<RegionRoute>> {
        match self.call(call).await? {
            Answer::GetRegion(answer) => Ok(convert::route(answer)),
            _ => Err(unexpected()),
        }
    }

    async fn done(&self, call: Call) -> PdResult<()> {
        match self.call(call).await? {
            Answer::Done(_) => Ok(()),
            _ => Err(unexpected()),
        }
    }

    /// Fetches for all who wait, until nobody does.
    fn fetch(&self) {
        let fetcher = Fetcher { client: self.clone(), has_ended: false };
        self.shared.runtime.spawn(fetcher.run());
    }
}

/// Who fetches timestamps. Dropped before its end, with the runtime it ran on, it tells those who
/// wait.
struct Fetcher {
    client: RemotePd,
    has_ended: bool,
}

impl Fetcher {
    async fn run(mut self) {
        while let Some(question) = self.client.shared.queue.next() {
            let fetched = self.client.timestamps(question.count()).await;
            question.answer(fetched);
        }
        self.has_ended = true;
    }
}

impl Drop for Fetcher {
    fn drop(&mut self) {
        if !self.has_ended {
            self.client.shared.queue.fail();
        }
    }
}

fn unavailable(error: &AskError, member: &str) -> PdError {
    PdError::Unavailable(match error {
        AskError::Send(SendError::Stopped(_)) => {
            format!("the node at {member} does not run the placement driver")
        }
        error => error.to_string(),
    })
}

fn unexpected() -> PdError {
    PdError::Refused("the answer is not of the question".to_owned())
}

#[async_trait]
impl PdClient for RemotePd {
    async fn timestamp(&self) -> PdResult<Timestamp> {
        loop {
            let (coming, mine) = self.shared.queue.wait();
            if mine {
                self.fetch();
            }
            if let Some(timestamp) = coming.await? {
                return Ok(timestamp);
            }
        }
    }

    async fn timestamps(&self, count: u64) -> PdResult<Range<Timestamp>> {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let tso = Call::Tso(pdpb::TsoRequest { count });
        match self.call_until(tso, TIMESTAMP_DEADLINE, Unit::Question).await? {
            Answer::Tso(answer) => {
                let last = convert::timestamp(answer.timestamp.unwrap_or_default());
                let count = u64::from(answer.count);
                if count == 0 || last.0 < count {
                    return Err(unexpected());
                }
                Ok(Timestamp(last.0 + 1 - count)..last.next())
            }
            _ => Err(unexpected()),
        }
    }

    async fn alloc_ids(&self, count: u64) -> PdResult<Range<u64>> {
        match self.call(Call::AllocId(pdpb::AllocIdRequest { count })).await? {
            Answer::AllocId(answer) => Ok(answer.id..answer.id.saturating_add(answer.count)),
            _ => Err(unexpected()),
        }
    }

    async fn is_bootstrapped(&self) -> PdResult<bool> {
        match self.call(Call::IsBootstrapped(pdpb::IsBootstrappedRequest {})).await? {
            Answer::IsBootstrapped(answer) => Ok(answer.bootstrapped),
            _ => Err(unexpected()),
        }
    }

    fn try_timestamp(&self) -> Option<Timestamp> {
        self.shared.local.as_ref()?.try_timestamp()
    }

    /// Asked once: the second answer to a question whose first was lost would be that somebody else was first.
    async fn bootstrap(&self, store: StoreMeta, region: Region) -> PdResult<bool> {
        let request = pdpb::BootstrapRequest {
            store: Some(convert::store_to_proto(&store)),
            region: Some(region_to_proto(&region)),
        };
        match self.once(Call::Bootstrap(request)).await? {
            Answer::Bootstrap(answer) => Ok(answer.first),
            _ => Err(unexpected()),
        }
    }

    async fn put_store(&self, store: StoreMeta) -> PdResult<()> {
        let store = Some(convert::store_to_proto(&store));
        self.done(Call::PutStore(pdpb::PutStoreRequest { store })).await
    }

    async fn stores(&self) -> PdResult<Vec<StoreInfo>> {
        match self.call(Call::GetAllStores(pdpb::GetAllStoresRequest {})).await? {
            Answer::GetAllStores(answer) => Ok(convert::stores(answer)),
            _ => Err(unexpected()),
        }
    }

    async fn report_store(&self, store_id: StoreId, stats: StoreStats) -> PdResult<()> {
        let stats = Some(convert::stats_to_proto(store_id, &stats));
        self.done(Call::StoreHeartbeat(pdpb::StoreHeartbeatRequest { stats })).await
    }

    async fn report_region(&self, report: RegionReport) -> PdResult<Option<RegionOrder>> {
        match self.call(Call::RegionHeartbeat(convert::report_to_proto(&report))).await? {
            Answer::RegionHeartbeat(answer) => Ok(convert::order(answer)),
            _ => Err(unexpected()),
        }
    }

    async fn duties(&self, store_id: StoreId, region_id: RegionId) -> PdResult<Duties> {
        let request = wire::GetDuties { store_id: store_id.0, region_id: region_id.0 };
        match self.call(Call::GetDuties(request)).await? {
            Answer::GetDuties(answer) => {
                let regions = answer.region_ids.into_iter().map(RegionId).collect();
                Ok(Duties { is_known: answer.is_known, regions, leads: answer.leads })
            }
            _ => Err(unexpected()),
        }
    }

    async fn region_by_key(&self, key: Bytes) -> PdResult<Option<RegionRoute>> {
        self.region(Call::GetRegion(pdpb::GetRegionRequest { region_key: key })).await
    }

    async fn region_before_key(&self, key: Bytes) -> PdResult<Option<RegionRoute>> {
        self.region(Call::GetPrevRegion(pdpb::GetRegionRequest { region_key: key })).await
    }

    async fn region_by_id(&self, id: RegionId) -> PdResult<Option<RegionRoute>> {
        self.region(Call::GetRegionById(pdpb::GetRegionByIdRequest { region_id: id.0 })).await
    }

    async fn scan_regions(
        &self,
        start: Bytes,
        end: Bytes,
        limit: usize,
    ) -> PdResult<Vec<RegionRoute>> {
        let request = pdpb::ScanRegionsRequest {
            start_key: start,
            limit: i32::try_from(limit).unwrap_or(i32::MAX),
            end_key: end,
        };
        match self.call(Call::ScanRegions(request)).await? {
            Answer::ScanRegions(answer) => Ok(convert::routes(answer)),
            _ => Err(unexpected()),
        }
    }

    async fn ask_batch_split(&self, region: Region, count: usize) -> PdResult<Vec<SplitIds>> {
        let request = pdpb::AskBatchSplitRequest {
            region: Some(region_to_proto(&region)),
            split_count: u32::try_from(count).unwrap_or(u32::MAX),
        };
        match self.call(Call::AskBatchSplit(request)).await? {
            Answer::AskBatchSplit(answer) => Ok(convert::split_ids(answer)),
            _ => Err(unexpected()),
        }
    }

    async fn gc_safe_point(&self) -> PdResult<Timestamp> {
        self.safe_point(Call::GetGcSafePoint(pdpb::GetGcSafePointRequest {})).await
    }

    async fn advance_gc_safe_point(&self, to: Timestamp) -> PdResult<Timestamp> {
        let request = pdpb::UpdateGcSafePointRequest { safe_point: to.0 };
        self.safe_point(Call::UpdateGcSafePoint(request)).await
    }

    async fn hold_gc_safe_point(
        &self,
        service: &str,
        at: Timestamp,
        ttl: Duration,
    ) -> PdResult<Timestamp> {
        let request = pdpb::UpdateServiceGcSafePointRequest {
            service_id: Bytes::copy_from_slice(service.as_bytes()),
            ttl: i64::try_from(ttl.as_secs()).unwrap_or(i64::MAX),
            safe_point: at.0,
            ttl_ms: convert::millis(ttl),
        };
        self.safe_point(Call::UpdateServiceGcSafePoint(request)).await
    }

    async fn campaign(&self, name: &str, candidate: &str, ttl: Duration) -> PdResult<Lease> {
        let request = CampaignRequest {
            name: name.to_owned(),
            candidate: candidate.to_owned(),
            ttl_ms: convert::millis(ttl),
        };
        match self.call(Call::Campaign(request)).await? {
            Answer::Campaign(answer) => {
                let expires_unix_ms = answer.expires_unix_ms;
                Ok(Lease { holder: answer.holder, expires_unix_ms })
            }
            _ => Err(unexpected()),
        }
    }

    async fn resign(&self, name: &str, candidate: &str) -> PdResult<()> {
        let request = ResignRequest { name: name.to_owned(), candidate: candidate.to_owned() };
        self.done(Call::Resign(request)).await
    }

    /// An order is given once.
    async fn administer(&self, request: AdminRequest) -> PdResult<serde_json::Value> {
        let unreadable = |error: serde_json::Error| PdError::Refused(error.to_string());
        let json = serde_json::to_string(&request).map_err(unreadable)?;
        let call = Call::Administer(wire::Administer { json });
        let answered = match request.may_be_repeated() {
            true => self.call(call).await?,
            false => self.once(call).await?,
        };
        match answered {
            Answer::Administer(answer) => serde_json::from_str(&answer.json).map_err(unreadable),
            _ => Err(unexpected()),
        }
    }
}
