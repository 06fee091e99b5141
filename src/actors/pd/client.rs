//! What the rest of the node may ask of the placement driver, wherever its leader is.

use std::ops::Range;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::common::{ErrorClass, RegionId, StoreId, Timestamp};
pub use crate::placement::Lease;
use crate::placement::{
    AdminRequest, Duties, RegionOrder, RegionReport, StoreInfo, StoreMeta, StoreStats,
};
use crate::storage::region::Region;
pub use crate::storage::region::split::SplitIds;
use crate::storage::routing::RegionRoute;

/// A result of the placement driver.
pub type PdResult<T> = Result<T, PdError>;

/// Why the placement driver gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PdError {
    /// It cannot be reached or does not answer in time. Asking again may help.
    #[error("the placement driver is unavailable: {0}")]
    Unavailable(String),
    /// This member does not lead; whoever asked goes to the one that does.
    #[error("this member of the placement driver does not lead; {}", leader_text(.leader.as_deref()))]
    NotLeader {
        /// The leader's address, if known.
        leader: Option<String>,
    },
    /// It refused: asking the same again will not help.
    #[error("the placement driver refused: {0}")]
    Refused(String),
}

impl PdError {
    /// What may be done about it.
    pub fn class(&self) -> ErrorClass {
        match self {
            // It may have been asked, and the answer be lost.
            PdError::Unavailable(_) => ErrorClass::Lost,
            PdError::NotLeader { .. } => ErrorClass::Elsewhere,
            PdError::Refused(_) => ErrorClass::Deterministic,
        }
    }
}

fn leader_text(leader: Option<&str>) -> String {
    leader.map_or_else(|| "it knows no leader".to_owned(), |leader| format!("{leader} leads"))
}

/// The placement driver as its clients see it.
#[async_trait]
pub trait PdClient: Send + Sync + 'static {
    /// A fresh timestamp without waiting, where the oracle is in this process and has some left.
    fn try_timestamp(&self) -> Option<Timestamp> {
        None
    }
    /// A timestamp above every one handed out before the call.
    async fn timestamp(&self) -> PdResult<Timestamp>;
    /// At least one and at most `count` consecutive timestamps, above every one handed out before the call.
    async fn timestamps(&self, _count: u64) -> PdResult<Range<Timestamp>> {
        let first = self.timestamp().await?;
        Ok(first..first.next())
    }
    /// `count` ids never handed out before.
    async fn alloc_ids(&self, count: u64) -> PdResult<Range<u64>>;
    /// Whether the cluster has its first region.
    async fn is_bootstrapped(&self) -> PdResult<bool>;
    /// Starts the cluster with its first store and region; `false` when another store was first.
    async fn bootstrap(&self, store: StoreMeta, region: Region) -> PdResult<bool>;
    /// Adds a store, or changes its address, version and labels.
    async fn put_store(&self, store: StoreMeta) -> PdResult<()>;
    /// The stores, by id.
    async fn stores(&self) -> PdResult<Vec<StoreInfo>>;
    /// A store's figures, to be sent from time to time.
    async fn report_store(&self, store_id: StoreId, stats: StoreStats) -> PdResult<()>;
    /// A region's state, sent by its leader; answers what the region is to do next, if anything.
    async fn report_region(&self, report: RegionReport) -> PdResult<Option<RegionOrder>>;
    /// What a store has to do before its next reports are due; it names a region it leads.
    async fn duties(&self, _store_id: StoreId, region_id: RegionId) -> PdResult<Duties> {
        let is_known = self.region_by_id(region_id).await?.is_some();
        Ok(Duties { is_known, regions: Vec::new(), leads: None })
    }
    /// The region an encoded key is in.
    async fn region_by_key(&self, key: Bytes) -> PdResult<Option<RegionRoute>>;
    /// The region that holds the keys just below an encoded key (empty: the last region).
    async fn region_before_key(&self, key: Bytes) -> PdResult<Option<RegionRoute>>;
    /// A region.
    async fn region_by_id(&self, id: RegionId) -> PdResult<Option<RegionRoute>>;
    /// The regions of `[start, end)` (encoded; an empty `end` is no bound) in key order, at most `limit`.
    async fn scan_regions(
        &self,
        start: Bytes,
        end: Bytes,
        limit: usize,
    ) -> PdResult<Vec<RegionRoute>>;
    /// The ids for the `count` regions that a split of `region` will make.
    async fn ask_batch_split(&self, region: Region, count: usize) -> PdResult<Vec<SplitIds>>;
    /// The timestamp below which old versions may be removed.
    async fn gc_safe_point(&self) -> PdResult<Timestamp>;
    /// Moves the safe point forward, not past any service's; answers where it is.
    async fn advance_gc_safe_point(&self, to: Timestamp) -> PdResult<Timestamp>;
    /// Holds the safe point back at `at` for a service, for so long; a zero `ttl` lets go. Answers the lowest of all services'.
    async fn hold_gc_safe_point(
        &self,
        service: &str,
        at: Timestamp,
        ttl: Duration,
    ) -> PdResult<Timestamp>;
    /// Takes or renews a named lease if it is free or held by `candidate`; answers who holds it.
    async fn campaign(&self, name: &str, candidate: &str, ttl: Duration) -> PdResult<Lease>;
    /// Gives a named lease up if `candidate` holds it.
    async fn resign(&self, name: &str, candidate: &str) -> PdResult<()>;
    /// What an operator of the cluster asks or orders, answered in the shapes of `/pd/api/v1`.
    async fn administer(&self, request: AdminRequest) -> PdResult<serde_json::Value> {
        Err(PdError::Refused(format!("{} is not served here", request.name())))
    }
}
