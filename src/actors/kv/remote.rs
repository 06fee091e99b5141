//! Requests to regions on any store: of this process directly, of others over the bridge.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use dashmap::DashMap;
use tokio::time::timeout;

use super::RegionTransport;
use super::convert;
use crate::actors::bridge::{Bridge, WireError, Wired};
use crate::actors::runtime::{Address, AskError, Message};
use crate::actors::store::region_peer::{ReplicaRead, SplitRegion};
use crate::actors::store::{CommandReply, KvCommand, StoreNode, store_path, unanswered};
use crate::common::StoreId;
use crate::common::retry::Effect;
use crate::message;
use crate::storage::proto::kv_command as wire;
use crate::storage::proto::kvrpcpb;
use crate::storage::region::{Peer, Region};
use crate::storage::routing::RegionRoute;
use crate::storage::txn::{Busy, KvRequest, KvResponse, RegionError, RequestError};

/// Takes requests to the store that holds a region's leader. A store of this process is called as it is: nothing is
/// encoded, and there is no hop more than without other stores.
pub struct ClusterRegions {
    local: Option<StoreNode>,
    bridge: Bridge,
    stores: DashMap<StoreId, Arc<StoreDoor>, ahash::RandomState>,
}

/// A question to a store waits as long as the store works, or until the link is lost.
const FOREVER: Duration = Duration::from_secs(24 * 3600);
/// It is given up when the store has done nothing for so many times the patience of who waits.
const SILENT_MOST: u32 = 2;
/// After so many times his patience he asks anew, though the store works: whatever may be asked twice costs less than an answer that does not come.
const ROUNDS_MOST: u32 = 4;

/// How much has the store done so far? A number that grows as long as it works.
#[derive(Clone, Copy, Debug)]
pub struct AskWork;
message!(AskWork => u64, "AskWork");

/// The ways into another store.
struct StoreDoor {
    work: Address<AskWork>,
    commands: Address<KvCommand>,
    replica_reads: Address<ReplicaRead>,
    splits: Address<SplitRegion>,
}

impl ClusterRegions {
    /// Regions of the store of this process, if it has one, and of all others.
    pub fn new(local: Option<StoreNode>, bridge: Bridge) -> ClusterRegions {
        ClusterRegions { local, bridge, stores: DashMap::default() }
    }

    fn local(&self, store_id: StoreId) -> Option<&StoreNode> {
        self.local.as_ref().filter(|store| store.store_id == store_id)
    }

    fn door(&self, store_id: StoreId) -> Arc<StoreDoor> {
        if let Some(door) = self.stores.get(&store_id) {
            return Arc::clone(&door);
        }
        let path = store_path(store_id);
        let door = Arc::new(StoreDoor {
            work: self.bridge.address(path.clone()),
            commands: self.bridge.address(path.clone()),
            replica_reads: self.bridge.address(path.clone()),
            splits: self.bridge.address(path),
        });
        self.stores.insert(store_id, Arc::clone(&door));
        door
    }
}

impl StoreDoor {
    /// Asks, and waits for the answer, not for ever: until the link is lost, or the store has done nothing for twice as long as `patience`, for anybody. That it takes
    /// long is no sign of that.
    async fn command(
        &self,
        command: KvCommand,
        patience: Duration,
    ) -> Result<CommandReply, AskError> {
        let mut answer = self.commands.ask(command, FOREVER);
        let (mut done, mut silent) = (None, 0);
        for _ in 0..ROUNDS_MOST {
            if let Ok(answered) = timeout(patience, &mut answer).await {
                return answered;
            }
            let now = tokio::select! {
                biased;
                answered = &mut answer => return answered,
                now = self.work.ask(AskWork, patience) => now.ok(),
            };
            silent = match (done, now) {
                (Some(before), Some(now)) if now != before => 0,
                _ => silent + 1,
            };
            done = now.or(done);
            if silent >= SILENT_MOST {
                break;
            }
        }
        Err(AskError::Timeout(self.commands.path().clone()))
    }
}

#[async_trait]
impl RegionTransport for ClusterRegions {
    fn read_here(
        &self,
        route: &RegionRoute,
        request: &KvRequest,
    ) -> Option<Result<KvResponse, RequestError>> {
        self.local.as_ref()?.read_here(route, request)
    }

    fn is_here(&self, route: &RegionRoute) -> bool {
        route.target().is_some_and(|peer| self.local(peer.store_id).is_some())
    }

    fn store_here(&self) -> Option<StoreId> {
        self.local.as_ref().map(|store| store.store_id)
    }

    async fn read_replica(
        &self,
        route: &RegionRoute,
        replica: Peer,
        request: KvRequest,
        timeout: Duration,
    ) -> Result<KvResponse, RequestError> {
        let command = KvCommand { context: route.region.context(), request };
        if let Some(store) = self.local(replica.store_id) {
            return store.router.read_replica(command, timeout).await;
        }
        match self.door(replica.store_id).replica_reads.ask(ReplicaRead(command), timeout).await {
            Ok(reply) => reply,
            Err(error) => Err(unanswered(route.region.id, &error, Effect::Read)),
        }
    }

    async fn send(
        &self,
        route: &RegionRoute,
        request: KvRequest,
        patience: Duration,
    ) -> Result<KvResponse, RequestError> {
        let region_id = route.region.id;
        let Some(peer) = route.target() else {
            return Err(RegionError::RegionNotFound(region_id).into());
        };
        if let Some(store) = self.local(peer.store_id) {
            return store.send(route, request, patience).await;
        }
        let effect = request.effect();
        let command = KvCommand { context: route.region.context(), request };
        match self.door(peer.store_id).command(command, patience).await {
            Ok(reply) => reply,
            Err(error) => Err(unanswered(region_id, &error, effect)),
        }
    }

    async fn split(
        &self,
        route: &RegionRoute,
        keys: Vec<Bytes>,
        timeout: Duration,
    ) -> Result<Vec<Region>, RegionError> {
        let region_id = route.region.id;
        let Some(peer) = route.target() else {
            return Err(RegionError::RegionNotFound(region_id));
        };
        if let Some(store) = self.local(peer.store_id) {
            return store.split(route, keys, timeout).await;
        }
        let split = SplitRegion { context: route.region.context(), keys };
        match self.door(peer.store_id).splits.ask(split, timeout).await {
            Ok(Ok(regions)) => Ok(regions),
            Ok(Err(RequestError::Region(error))) => Err(error),
            Ok(Err(_)) => Err(RegionError::ServerIsBusy(Busy::NotSplit)),
            Err(error) => match unanswered(region_id, &error, Effect::Change) {
                RequestError::Region(error) => Err(error),
                _ => Err(RegionError::ServerIsBusy(Busy::NotSplit)),
            },
        }
    }
}

impl Wired for KvCommand {
    type Wire = wire::Command;
    type WireReply = wire::CommandReply;

    fn into_wire(self) -> wire::Command {
        convert::command_to_proto(self)
    }

    fn from_wire(wire: wire::Command) -> Result<KvCommand, WireError> {
        convert::command(wire).map_err(WireError::of::<KvCommand>)
    }

    fn reply_to_wire(reply: CommandReply) -> wire::CommandReply {
        convert::reply_to_proto(reply)
    }

    fn reply_from_wire(wire: wire::CommandReply) -> Result<CommandReply, WireError> {
        convert::reply(wire).map_err(WireError::of::<KvCommand>)
    }
}

impl Wired for AskWork {
    type Wire = wire::AskWork;
    type WireReply = wire::WorkDone;

    fn into_wire(self) -> wire::AskWork {
        wire::AskWork {}
    }

    fn from_wire(_: wire::AskWork) -> Result<AskWork, WireError> {
        Ok(AskWork)
    }

    fn reply_to_wire(done: u64) -> wire::WorkDone {
        wire::WorkDone { done }
    }

    fn reply_from_wire(wire: wire::WorkDone) -> Result<u64, WireError> {
        Ok(wire.done)
    }
}

impl Wired for ReplicaRead {
    type Wire = wire::Command;
    type WireReply = wire::CommandReply;

    fn into_wire(self) -> wire::Command {
        convert::command_to_proto(self.0)
    }

    fn from_wire(wire: wire::Command) -> Result<ReplicaRead, WireError> {
        convert::command(wire).map(ReplicaRead).map_err(WireError::of::<ReplicaRead>)
    }

    fn reply_to_wire(reply: CommandReply) -> wire::CommandReply {
        convert::reply_to_proto(reply)
    }

    fn reply_from_wire(wire: wire::CommandReply) -> Result<CommandReply, WireError> {
        convert::reply(wire).map_err(WireError::of::<ReplicaRead>)
    }
}

impl Wired for SplitRegion {
    type Wire = wire::Split;
    type WireReply = wire::SplitReply;

    fn into_wire(self) -> wire::Split {
        wire::Split {
            context: Some(convert::context_to_proto(self.context, &[])),
            request: Some(kvrpcpb::SplitRegionRequest { split_keys: self.keys }),
        }
    }

    fn from_wire(wire: wire::Split) -> Result<SplitRegion, WireError> {
        match (wire.context, wire.request) {
            (Some(context), Some(request)) => {
                Ok(SplitRegion { context: convert::context(&context), keys: request.split_keys })
            }
            _ => Err(WireError::of::<SplitRegion>("it lacks the region or the keys")),
        }
    }

    fn reply_to_wire(reply: <SplitRegion as Message>::Reply) -> wire::SplitReply {
        convert::split_reply_to_proto(reply)
    }

    fn reply_from_wire(
        wire: wire::SplitReply,
    ) -> Result<<SplitRegion as Message>::Reply, WireError> {
        convert::split_reply(wire).map_err(WireError::of::<SplitRegion>)
    }
}
