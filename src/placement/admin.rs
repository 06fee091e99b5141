//! What an operator of the cluster may ask and order, as it travels from the HTTP endpoint to PD's leader.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::api::MemberView;
use crate::common::{RegionId, StoreId};

/// A question or an order; the answers have the shapes of `/pd/api/v1`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AdminRequest {
    /// The members of the placement driver and which leads.
    Members,
    /// The nodes that have announced themselves, with their roles.
    Nodes,
    /// Takes a member out of the group.
    RemoveMember {
        /// By its name.
        name: String,
    },
    /// Takes a new member into the group; answered with all members, as a `MemberView` each.
    AddMember(MemberView),
    /// A member, known by its id, says what it is called and where it is.
    DescribeMember(MemberView),
    /// Hands the leadership of the placement driver on.
    TransferLeader {
        /// To the member of this name; `None`: to any.
        to: Option<String>,
    },
    /// All stores but tombstones, with figures.
    Stores,
    /// One store.
    Store {
        /// Which.
        id: StoreId,
    },
    /// Begins to empty a store; it becomes a tombstone when it is empty.
    RemoveStore {
        /// Which.
        id: StoreId,
    },
    /// Takes a store back that is being emptied.
    KeepStore {
        /// Which.
        id: StoreId,
    },
    /// The regions in key order.
    Regions {
        /// At most so many.
        limit: usize,
    },
    /// One region.
    Region {
        /// Which.
        id: RegionId,
    },
    /// The region an encoded key is in.
    RegionByKey {
        /// The key.
        key: Vec<u8>,
    },
    /// The names of the schedulers at work.
    Schedulers,
    /// Starts a scheduler.
    AddScheduler {
        /// Its name, as in `balance-leader-scheduler`.
        name: String,
        /// The store it is about, for those that are about one.
        store_id: Option<StoreId>,
    },
    /// Stops a scheduler.
    RemoveScheduler {
        /// Its name.
        name: String,
    },
    /// The operators under way.
    Operators,
    /// Starts an operator.
    AddOperator(OperatorRequest),
    /// Gives an operator up.
    CancelOperator {
        /// The region it is about.
        region: RegionId,
    },
    /// The settings in force.
    Config,
    /// Changes settings.
    SetConfig {
        /// By their names.
        values: BTreeMap<String, u64>,
    },
}

impl AdminRequest {
    /// Whether it may be asked again when the answer is lost: it changes nothing, or nothing more.
    pub fn may_be_repeated(&self) -> bool {
        matches!(
            self,
            AdminRequest::Members
                | AdminRequest::Nodes
                | AdminRequest::DescribeMember(_)
                | AdminRequest::Stores
                | AdminRequest::Store { .. }
                | AdminRequest::Regions { .. }
                | AdminRequest::Region { .. }
                | AdminRequest::RegionByKey { .. }
                | AdminRequest::Schedulers
                | AdminRequest::Operators
                | AdminRequest::Config
                | AdminRequest::SetConfig { .. }
        )
    }

    /// A name for it in messages.
    pub fn name(&self) -> &'static str {
        match self {
            AdminRequest::Members => "members",
            AdminRequest::Nodes => "nodes",
            AdminRequest::RemoveMember { .. } => "removing a member",
            AdminRequest::AddMember(_) => "adding a member",
            AdminRequest::DescribeMember(_) => "describing a member",
            AdminRequest::TransferLeader { .. } => "handing leadership on",
            AdminRequest::Stores => "stores",
            AdminRequest::Store { .. } => "store",
            AdminRequest::RemoveStore { .. } => "removing a store",
            AdminRequest::KeepStore { .. } => "keeping a store",
            AdminRequest::Regions { .. } => "regions",
            AdminRequest::Region { .. } | AdminRequest::RegionByKey { .. } => "region",
            AdminRequest::Schedulers => "schedulers",
            AdminRequest::AddScheduler { .. } => "adding a scheduler",
            AdminRequest::RemoveScheduler { .. } => "removing a scheduler",
            AdminRequest::Operators => "operators",
            AdminRequest::AddOperator(_) => "adding an operator",
            AdminRequest::CancelOperator { .. } => "cancelling an operator",
            AdminRequest::Config => "config",
            AdminRequest::SetConfig { .. } => "changing the config",
        }
    }
}

/// An operator as it is asked for, with the names of PD's HTTP interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case")]
pub enum OperatorRequest {
    /// Hands leadership to the replica on a store.
    TransferLeader {
        /// The region.
        region_id: RegionId,
        /// The store.
        to_store_id: StoreId,
    },
    /// Adds a replica that votes.
    AddPeer {
        /// The region.
        region_id: RegionId,
        /// Where.
        store_id: StoreId,
    },
    /// Adds a replica that does not vote.
    AddLearner {
        /// The region.
        region_id: RegionId,
        /// Where.
        store_id: StoreId,
    },
    /// Removes a replica.
    RemovePeer {
        /// The region.
        region_id: RegionId,
        /// From where.
        store_id: StoreId,
    },
    /// Moves a replica.
    TransferPeer {
        /// The region.
        region_id: RegionId,
        /// From where.
        from_store_id: StoreId,
        /// Where to.
        to_store_id: StoreId,
    },
    /// Makes a region part of a neighbour.
    MergeRegion {
        /// The region that ends.
        source_region_id: RegionId,
        /// The neighbour.
        target_region_id: RegionId,
    },
    /// Splits a region in the middle.
    SplitRegion {
        /// The region.
        region_id: RegionId,
    },
}
