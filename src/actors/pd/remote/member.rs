//! Between the members of the placement driver's group, over the bridge.

use dashmap::DashMap;

use super::wire;
use crate::actors::bridge::{Bridge, WireError, Wired};
use crate::actors::pd::GroupStep;
use crate::actors::runtime::{ActorPath, Address, System};
use crate::placement::{GroupMessage, GroupTransport, MemberView};

/// Where the member is reached that listens at an address. Members know each other's addresses before they know names.
pub fn member_path(address: &str) -> ActorPath {
    ActorPath::node_root(address).child("pd")
}

/// Carries the group's messages over the bridge, in the class of their own.
pub struct BridgeGroup {
    system: System,
    bridge: Bridge,
    members: DashMap<String, Address<GroupStep>, ahash::RandomState>,
}

impl BridgeGroup {
    /// Over this bridge.
    pub fn new(system: &System, bridge: Bridge) -> BridgeGroup {
        BridgeGroup { system: system.clone(), bridge, members: DashMap::default() }
    }

    fn way(&self, address: &str) -> Address<GroupStep> {
        if let Some(way) = self.members.get(address) {
            return way.clone();
        }
        self.system.registry().announce_node(address, address.to_owned());
        let way = self.bridge.address(member_path(address));
        self.members.insert(address.to_owned(), way.clone());
        way
    }
}

impl GroupTransport for BridgeGroup {
    fn send(&self, to: &MemberView, message: GroupMessage) {
        let Some(address) = to.peer_urls.first() else { return };
        // Raft bears loss, and the link tells of its own trouble.
        let _ = self.way(address).tell(GroupStep(message));
    }
}

impl Wired for GroupStep {
    type Wire = wire::GroupStep;
    type WireReply = ();

    fn into_wire(self) -> wire::GroupStep {
        let GroupMessage { from, to, bytes, founders } = self.0;
        wire::GroupStep { from, to, message: bytes, founders }
    }

    fn from_wire(wire: wire::GroupStep) -> Result<GroupStep, WireError> {
        let wire::GroupStep { from, to, message, founders } = wire;
        if from == 0 || to == 0 {
            return Err(WireError::of::<GroupStep>("it is of no member or for none"));
        }
        Ok(GroupStep(GroupMessage { from, to, bytes: message, founders }))
    }

    fn reply_to_wire((): ()) {}

    fn reply_from_wire((): ()) -> Result<(), WireError> {
        Ok(())
    }
}
