//! The placement driver of a cluster in memory.

use std::ops::Range;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use super::MemoryCluster;
use super::regions::STORE;
use crate::actors::pd::{Lease, PdClient, PdError, PdResult, SplitIds};
use crate::common::{RegionId, StoreId, Timestamp};
use crate::placement::{
    Command, RegionOrder, RegionReport, Reply, StoreInfo, StoreMeta, StoreStats,
};
use crate::storage::region::Region;
use crate::storage::routing::RegionRoute;

fn route(region: &Region) -> RegionRoute {
    RegionRoute { region: region.clone(), leader: region.peer_on(STORE) }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX >> 1)
}

impl MemoryCluster {
    fn apply(&self, command: Command) -> PdResult<Reply> {
        match self.state.lock().apply(command).0 {
            Reply::Refused(reason) => Err(PdError::Refused(reason)),
            reply => Ok(reply),
        }
    }

    fn safe_point(&self, command: Command) -> PdResult<Timestamp> {
        match self.apply(command)? {
            Reply::SafePoint(ts) => Ok(ts),
            other => Err(PdError::Refused(format!("unexpected answer {other:?}"))),
        }
    }

    fn region(&self, wanted: impl Fn(&&Region) -> bool) -> PdResult<Option<RegionRoute>> {
        Ok(self.regions.lock().iter().find(wanted).map(route))
    }
}

#[async_trait]
impl PdClient for MemoryCluster {
    fn try_timestamp(&self) -> Option<Timestamp> {
        Some(self.take_timestamp())
    }

    async fn timestamp(&self) -> PdResult<Timestamp> {
        Ok(self.take_timestamp())
    }

    async fn alloc_ids(&self, count: u64) -> PdResult<Range<u64>> {
        match self.apply(Command::AllocIds { count })? {
            Reply::Ids(ids) => Ok(ids),
            other => Err(PdError::Refused(format!("unexpected answer {other:?}"))),
        }
    }

    async fn is_bootstrapped(&self) -> PdResult<bool> {
        Ok(true)
    }

    async fn bootstrap(&self, _: StoreMeta, _: Region) -> PdResult<bool> {
        Ok(false)
    }

    async fn put_store(&self, store: StoreMeta) -> PdResult<()> {
        self.apply(Command::PutStore(store)).map(drop)
    }

    async fn stores(&self) -> PdResult<Vec<StoreInfo>> {
        let meta = StoreMeta { id: STORE, ..StoreMeta::default() };
        Ok(vec![StoreInfo { meta, ..StoreInfo::default() }])
    }

    async fn report_store(&self, _: StoreId, _: StoreStats) -> PdResult<()> {
        Ok(())
    }

    async fn report_region(&self, _: RegionReport) -> PdResult<Option<RegionOrder>> {
        Ok(None)
    }

    async fn region_by_key(&self, key: Bytes) -> PdResult<Option<RegionRoute>> {
        self.region(|region| region.contains(&key))
    }

    async fn region_before_key(&self, key: Bytes) -> PdResult<Option<RegionRoute>> {
        let reaches = |region: &&Region| {
            let end = &region.end_key;
            let starts_below = key.is_empty() || region.start_key < key;
            starts_below && (end.is_empty() || (!key.is_empty() && *end >= key))
        };
        self.region(reaches)
    }

    async fn region_by_id(&self, id: RegionId) -> PdResult<Option<RegionRoute>> {
        self.region(|region| region.id == id)
    }

    async fn scan_regions(
        &self,
        start: Bytes,
        end: Bytes,
        limit: usize,
    ) -> PdResult<Vec<RegionRoute>> {
        let range = Region { start_key: start, end_key: end, ..Region::default() };
        let regions = self.regions.lock();
        Ok(regions.iter().filter(|region| region.overlaps(&range)).take(limit).map(route).collect())
    }

    async fn ask_batch_split(&self, _: Region, _: usize) -> PdResult<Vec<SplitIds>> {
        Err(PdError::Refused("regions in memory are split by their cluster".into()))
    }

    async fn gc_safe_point(&self) -> PdResult<Timestamp> {
        Ok(self.state.lock().gc_safe_point())
    }

    async fn advance_gc_safe_point(&self, to: Timestamp) -> PdResult<Timestamp> {
        self.safe_point(Command::AdvanceGcSafePoint { to, now_ms: self.now_ms() })
    }

    async fn hold_gc_safe_point(
        &self,
        service: &str,
        at: Timestamp,
        ttl: Duration,
    ) -> PdResult<Timestamp> {
        let (service, ttl_ms, now_ms) = (service.to_string(), millis(ttl), self.now_ms());
        self.safe_point(Command::HoldGcSafePoint { service, at, ttl_ms, now_ms })
    }

    async fn campaign(&self, name: &str, candidate: &str, ttl: Duration) -> PdResult<Lease> {
        let (name, candidate) = (name.to_string(), candidate.to_string());
        let (ttl_ms, now_ms) = (millis(ttl), self.now_ms());
        match self.apply(Command::Campaign { name, candidate, ttl_ms, now_ms })? {
            Reply::Lease(lease) => Ok(lease),
            other => Err(PdError::Refused(format!("unexpected answer {other:?}"))),
        }
    }

    async fn resign(&self, name: &str, candidate: &str) -> PdResult<()> {
        let (name, candidate) = (name.to_string(), candidate.to_string());
        self.apply(Command::Resign { name, candidate }).map(drop)
    }
}
