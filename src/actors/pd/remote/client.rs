//! The client of a placement driver in another process.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep};
use tracing::debug;

use super::timestamps::TimestampQueue;
use super::wire::request::Call;
use super::wire::response::Call as Answer;
use super::wire::{CampaignRequest, Request, ResignRequest};
use super::{AnnounceNode, PdCall, convert, pd_path, wire};
use crate::actors::bridge::Bridge;
use crate::actors::pd::{Lease, PdClient, PdError, PdResult, SplitIds};
use crate::actors::runtime::{Address, AskError, System};
use crate::common::{RegionId, StoreId, Timestamp};
use crate::placement::{AdminRequest, RegionOrder, RegionReport, StoreInfo, StoreMeta, StoreStats};
use crate::storage::proto::pdpb;
use crate::storage::region::Region;
use crate::storage::region::convert::region_to_proto;
use crate::storage::routing::RegionRoute;

/// How long an answer is waited for, with all attempts.
const DEADLINE: Duration = Duration::from_secs(8);
/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(3);
/// The pause before another attempt.
const PAUSE: Duration = Duration::from_millis(100);

/// The placement driver of other processes. Cheap to clone.
#[derive(Clone)]
pub struct RemotePd {
    shared: Arc<Shared>,
}

struct Shared {
    system: System,
    calls: Address<PdCall>,
    announcements: Address<AnnounceNode>,
    /// Where members of the placement driver listen.
    members: Vec<String>,
    /// The member that is asked now.
    asked: Mutex<String>,
    queue: TimestampQueue,
    /// Fetches timestamps; callers come and go.
    runtime: Handle,
}

impl RemotePd {
    /// A client of the members that listen at these addresses. Must be made within a tokio runtime, which fetches the
    /// timestamps.
    pub fn new(system: &System, bridge: &Bridge, members: Vec<String>) -> RemotePd {
        for member in &members {
            system.registry().announce_node(member, member.clone());
        }
        let first = members.first().cloned().unwrap_or_default();
        system.registry().announce(pd_path(), first.clone());
        RemotePd {
            shared: Arc::new(Shared {
                system: system.clone(),
                calls: bridge.address(pd_path()),
                announcements: bridge.address(pd_path()),
                members,
                asked: Mutex::new(first),
                queue: TimestampQueue::default(),
                runtime: Handle::current(),
            }),
        }
    }

    /// Where the member listens that is asked now.
    pub fn member(&self) -> String {
        self.shared.asked.lock().clone()
    }

    /// Where members listen.
    pub fn members(&self) -> &[String] {
        &self.shared.members
    }

    /// Tells that this node is there, once, to the member that is asked now.
    pub async fn announce(
        &self,
        announce: wire::Announce,
        timeout: Duration,
    ) -> PdResult<wire::Members> {
        let member = self.member();
        let asked = self.shared.announcements.ask(AnnounceNode(announce), timeout).await;
        asked.map_err(|error| {
            self.turn_from(&member, None);
            unavailable(&error)
        })
    }

    /// Goes on to the leader, or the next member, unless somebody else did since `member` was asked.
    fn turn_from(&self, member: &str, leader: Option<&str>) {
        let mut asked = self.shared.asked.lock();
        let members = &self.shared.members;
        let next = match leader {
            Some(leader) => leader,
            None => {
                let at = members.iter().position(|other| other == member).map_or(0, |at| at + 1);
                members.get(at % members.len().max(1)).map_or(member, String::as_str)
            }
        };
        if *asked != member || next == member {
            return;
        }
        next.clone_into(&mut asked);
        let registry = self.shared.system.registry();
        registry.announce_node(next, next.to_owned());
        registry.announce(pd_path(), next.to_owned());
        debug!(member = next, "asking another member of the placement driver");
    }

    async fn attempt(&self, call: Call, timeout: Duration) -> PdResult<Answer> {
        let member = self.member();
        let asked = self.shared.calls.ask(PdCall(Request { call: Some(call) }), timeout).await;
        let failed = match asked {
            Ok(wire::Response { error: Some(error), .. }) => convert::error(error),
            Ok(wire::Response { call: Some(answer), .. }) => return Ok(answer),
            Ok(_) => PdError::Refused("the question is not known there".to_owned()),
            Err(error) => unavailable(&error),
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
        let until = Instant::now() + DEADLINE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.attempt(call.clone(), left.min(ATTEMPT)).await {
                Err(PdError::Unavailable(_) | PdError::NotLeader { .. }) if left > PAUSE => {
                    sleep(PAUSE).await;
                }
                answered => return answered,
            }
        }
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
        let client = self.clone();
        // Dropped with the task, however it ends.
        let ending = Ending(self.clone());
        self.shared.runtime.spawn(async move {
            while let Some(batch) = client.shared.queue.next() {
                let fetched = client.timestamps(batch.len() as u64).await;
                client.shared.queue.give(batch, fetched);
            }
            std::mem::forget(ending);
        });
    }
}

/// Whoever fetched has gone, with the runtime it ran on.
struct Ending(RemotePd);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.shared.queue.fail();
    }
}

fn unavailable(error: &AskError) -> PdError {
    PdError::Unavailable(error.to_string())
}

fn unexpected() -> PdError {
    PdError::Refused("the answer is not of the question".to_owned())
}

#[async_trait]
impl PdClient for RemotePd {
    async fn timestamp(&self) -> PdResult<Timestamp> {
        let (coming, mine) = self.shared.queue.wait();
        if mine {
            self.fetch();
        }
        let gone = |_| PdError::Unavailable("this node stops".to_owned());
        coming.await.map_err(gone)?
    }

    async fn timestamps(&self, count: u64) -> PdResult<Range<Timestamp>> {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        match self.call(Call::Tso(pdpb::TsoRequest { count })).await? {
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

    /// Asked once: the second answer to a question whose first was lost would be that somebody else was first.
    async fn bootstrap(&self, store: StoreMeta, region: Region) -> PdResult<bool> {
        let request = pdpb::BootstrapRequest {
            store: Some(convert::store_to_proto(&store)),
            region: Some(region_to_proto(&region)),
        };
        match self.attempt(Call::Bootstrap(request), DEADLINE).await? {
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

    /// Asked once: an order is not to be given twice.
    async fn administer(&self, request: AdminRequest) -> PdResult<serde_json::Value> {
        let unreadable = |error: serde_json::Error| PdError::Refused(error.to_string());
        let json = serde_json::to_string(&request).map_err(unreadable)?;
        match self.attempt(Call::Administer(wire::Administer { json }), DEADLINE).await? {
            Answer::Administer(answer) => serde_json::from_str(&answer.json).map_err(unreadable),
            _ => Err(unexpected()),
        }
    }
}
