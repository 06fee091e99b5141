//! The cluster map and the decisions of the placement driver.

mod cluster;
mod order;
mod region_tree;

pub use cluster::{
    ClusterMap, RegionReport, StoreInfo, StoreLoad, StoreMeta, StoreState, StoreStats,
};
pub use order::RegionOrder;
pub use region_tree::{Observed, RegionTree};
