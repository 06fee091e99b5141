//! A placement driver whose orders a test can hold back.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::actors::pd::{LocalPd, PdClient, PdResult};
use crate::common::{RegionId, StoreId, Timestamp};
use crate::placement::{
    Duties, Lease, RegionOrder, RegionReport, StoreInfo, StoreMeta, StoreStats,
};
use crate::storage::region::Region;
use crate::storage::region::split::SplitIds;
use crate::storage::routing::RegionRoute;

/// Passes everything on, and orders only if `gives_orders`.
pub(super) struct QuietPd {
    pub(super) pd: Arc<LocalPd>,
    pub(super) gives_orders: bool,
}

/// Passes calls on.
macro_rules! pass {
    ($(async fn $name:ident(&self $(, $argument:ident: $type:ty)*) -> $answer:ty;)*) => {
        #[async_trait]
        impl PdClient for QuietPd {
            fn try_timestamp(&self) -> Option<Timestamp> {
                self.pd.try_timestamp()
            }

            async fn report_region(&self, report: RegionReport) -> PdResult<Option<RegionOrder>> {
                let order = self.pd.report_region(report).await?;
                Ok(order.filter(|_| self.gives_orders))
            }

            $(async fn $name(&self $(, $argument: $type)*) -> $answer {
                self.pd.$name($($argument),*).await
            })*
        }
    };
}

pass! {
    async fn timestamp(&self) -> PdResult<Timestamp>;
    async fn alloc_ids(&self, count: u64) -> PdResult<Range<u64>>;
    async fn is_bootstrapped(&self) -> PdResult<bool>;
    async fn bootstrap(&self, store: StoreMeta, region: Region) -> PdResult<bool>;
    async fn put_store(&self, store: StoreMeta) -> PdResult<()>;
    async fn stores(&self) -> PdResult<Vec<StoreInfo>>;
    async fn report_store(&self, store_id: StoreId, stats: StoreStats) -> PdResult<()>;
    async fn duties(&self, store_id: StoreId, region_id: RegionId) -> PdResult<Duties>;
    async fn region_by_key(&self, key: Bytes) -> PdResult<Option<RegionRoute>>;
    async fn region_before_key(&self, key: Bytes) -> PdResult<Option<RegionRoute>>;
    async fn region_by_id(&self, id: RegionId) -> PdResult<Option<RegionRoute>>;
    async fn scan_regions(&self, start: Bytes, end: Bytes, limit: usize) -> PdResult<Vec<RegionRoute>>;
    async fn ask_batch_split(&self, region: Region, count: usize) -> PdResult<Vec<SplitIds>>;
    async fn gc_safe_point(&self) -> PdResult<Timestamp>;
    async fn advance_gc_safe_point(&self, to: Timestamp) -> PdResult<Timestamp>;
    async fn hold_gc_safe_point(&self, service: &str, at: Timestamp, ttl: Duration) -> PdResult<Timestamp>;
    async fn campaign(&self, name: &str, candidate: &str, ttl: Duration) -> PdResult<Lease>;
    async fn resign(&self, name: &str, candidate: &str) -> PdResult<()>;
}
