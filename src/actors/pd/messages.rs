//! What the placement driver's leader can be told and asked.

use std::ops::Range;

use bytes::Bytes;

use super::client::{PdResult, SplitIds};
use crate::common::{RegionId, StoreId, Timestamp};
use crate::message;
use crate::placement::{
    AdminRequest, Command, Duties, GroupMessage, Leadership, MemberChange, MemberView, Plan,
    RegionOrder, RegionReport, Reply, StoreInfo, StoreStats,
};
use crate::storage::region::Region;
use crate::storage::routing::RegionRoute;

/// Asks for a change of the durable state; answered once it is durable.
#[derive(Clone, Debug)]
pub struct Propose(pub Command);
message!(Propose => PdResult<Reply>, "Propose");

/// Sent when the oracle has run into its bound: answered when it has room again.
#[derive(Clone, Copy, Debug)]
pub struct ExtendTimestamps;
message!(ExtendTimestamps => PdResult<()>, "ExtendTimestamps");

/// Asks for ids never handed out before.
#[derive(Clone, Copy, Debug)]
pub struct AllocIds {
    /// How many.
    pub count: u64,
}
message!(AllocIds => PdResult<Range<u64>>, "AllocIds");

/// Asks for the ids of the regions a split will make.
#[derive(Clone, Debug)]
pub struct AskBatchSplit {
    /// The region that splits.
    pub region: Region,
    /// How many regions it will make.
    pub count: usize,
}
message!(AskBatchSplit => PdResult<Vec<SplitIds>>, "AskBatchSplit");

/// Whether the cluster has its first region.
#[derive(Clone, Copy, Debug)]
pub struct IsBootstrapped;
message!(IsBootstrapped => PdResult<bool>, "IsBootstrapped");

/// A store's figures, told from time to time.
#[derive(Clone, Copy, Debug)]
pub struct ReportStore {
    /// Which store.
    pub store_id: StoreId,
    /// Its figures.
    pub stats: StoreStats,
}
message!(ReportStore => PdResult<()>, "ReportStore");

/// A region's state, told by its leader; the answer is what the region is to do next, if anything.
#[derive(Clone, Debug)]
pub struct ReportRegion(pub RegionReport);
message!(ReportRegion => PdResult<Option<RegionOrder>>, "ReportRegion");

/// Asks what a store has to do before its next reports are due.
#[derive(Clone, Copy, Debug)]
pub struct GetDuties {
    /// Which store.
    pub store_id: StoreId,
    /// A region it leads.
    pub region_id: RegionId,
}
message!(GetDuties => PdResult<Duties>, "GetDuties");

/// Asks for the stores, by id.
#[derive(Clone, Copy, Debug)]
pub struct GetStores;
message!(GetStores => PdResult<Vec<StoreInfo>>, "GetStores");

/// How a region is named in a question.
#[derive(Clone, Debug)]
pub enum RegionKey {
    /// By an encoded key in it.
    Holding(Bytes),
    /// By an encoded key just above keys in it; empty: the last region.
    Below(Bytes),
    /// By its id.
    Id(RegionId),
}

/// Asks for a region.
#[derive(Clone, Debug)]
pub struct GetRegion(pub RegionKey);
message!(GetRegion => PdResult<Option<RegionRoute>>, "GetRegion");

/// Asks for the regions of a range of encoded keys.
#[derive(Clone, Debug)]
pub struct ScanRegions {
    /// First key.
    pub start: Bytes,
    /// Past the last key; empty: no bound.
    pub end: Bytes,
    /// How many at most.
    pub limit: usize,
}
message!(ScanRegions => PdResult<Vec<RegionRoute>>, "ScanRegions");

/// Asks for the safe point of garbage collection.
#[derive(Clone, Copy, Debug)]
pub struct GetGcSafePoint;
message!(GetGcSafePoint => PdResult<Timestamp>, "GetGcSafePoint");

/// Asks for `count` timestamps, or as many as are left below the bound: at least one.
#[derive(Clone, Copy, Debug)]
pub struct GetTimestamps {
    /// How many.
    pub count: u64,
}
message!(GetTimestamps => PdResult<Range<Timestamp>>, "GetTimestamps");

/// What an operator of the cluster asks or orders; answered in the shapes of `/pd/api/v1`.
#[derive(Clone, Debug)]
pub struct Administer(pub AdminRequest);
message!(Administer => PdResult<serde_json::Value>, "Administer");

/// A message of another member of PD's group.
#[derive(Clone, Debug)]
pub struct GroupStep(pub GroupMessage);
message!(GroupStep => (), "GroupStep");

/// Asks for a change of the list of members; answered with the list as it then is.
#[derive(Clone, Debug)]
pub struct ChangeMembers(pub MemberChange);
message!(ChangeMembers => PdResult<Vec<MemberView>>, "ChangeMembers");

/// Asks who leads.
#[derive(Clone, Copy, Debug)]
pub struct Lead;
message!(Lead => Leadership, "Lead");

/// What a scheduler wants done; the region's store hears of it when it asks for its duties.
#[derive(Clone, Debug)]
pub struct PlaceOrder(pub Plan);
message!(PlaceOrder => (), "PlaceOrder");
