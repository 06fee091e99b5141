//! Raft messages and snapshots between stores, over the bridge.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use dashmap::DashMap;
use futures::FutureExt;
use futures::future::BoxFuture;

use super::deadlock::ShareWaits;
use super::open::StoreNode;
use super::transport::{ChunkRefused, RaftEnvelope, SnapshotChunk, Transport};
use super::wire;
use crate::actors::bridge::{Bridge, WireError, Wired};
use crate::actors::runtime::{
    ActorPath, Address, AskError, Message, ReplyTo, SendError, System, Target,
};
use crate::common::StoreId;
use crate::message;
use crate::storage::engine::DiskRoom;
use crate::storage::proto::raft_serverpb;
use crate::storage::region::convert;

/// How long a piece of a snapshot may take to reach the other store's disk.
const CHUNK_DEADLINE: Duration = Duration::from_secs(90);

/// Where the regions of a store are reached, wherever the store is.
pub fn store_path(id: StoreId) -> ActorPath {
    ActorPath::new(&format!("/store/{id}"))
}

/// A raft message for a replica of another store.
#[derive(Debug)]
pub struct SendRaft(pub RaftEnvelope);
message!(SendRaft => (), "SendRaft");

/// A store is there: sent to those with which it shares sleeping regions.
#[derive(Clone, Copy, Debug)]
pub struct Greet {
    /// Which store.
    pub from: StoreId,
    /// How much room its disk has left.
    pub room: DiskRoom,
}
message!(Greet => (), "Greet");

/// A piece of a snapshot for another store; answered when it is on its disk.
#[derive(Debug)]
pub struct SendChunk(pub SnapshotChunk);
message!(SendChunk => Result<(), ChunkRefused>, "SendChunk");

/// Carries messages to the stores of other nodes: raft messages and snapshots in classes of their own.
pub struct BridgeTransport {
    bridge: Bridge,
    stores: DashMap<StoreId, Arc<Ways>, ahash::RandomState>,
}

struct Ways {
    raft: Address<SendRaft>,
    greetings: Address<Greet>,
    chunks: Address<SendChunk>,
    deadlocks: Address<ShareWaits>,
}

impl BridgeTransport {
    /// Over this bridge.
    pub fn new(bridge: Bridge) -> BridgeTransport {
        BridgeTransport { bridge, stores: DashMap::default() }
    }

    fn ways(&self, store_id: StoreId) -> Arc<Ways> {
        if let Some(ways) = self.stores.get(&store_id) {
            return Arc::clone(&ways);
        }
        let path = store_path(store_id);
        let ways = Arc::new(Ways {
            raft: self.bridge.address(path.clone()),
            greetings: self.bridge.address(path.clone()),
            chunks: self.bridge.address(path.clone()),
            deadlocks: self.bridge.address(path),
        });
        self.stores.insert(store_id, Arc::clone(&ways));
        ways
    }
}

#[async_trait]
impl Transport for BridgeTransport {
    fn send(&self, envelope: RaftEnvelope) {
        let ways = self.ways(envelope.to.store_id);
        // Raft bears loss, and the link tells of its own trouble.
        let _ = ways.raft.tell(SendRaft(envelope));
    }

    fn greet(&self, from: StoreId, to: StoreId, room: DiskRoom) {
        let _ = self.ways(to).greetings.tell(Greet { from, room });
    }

    async fn send_chunk(&self, chunk: SnapshotChunk) -> Result<(), ChunkRefused> {
        let ways = self.ways(chunk.to_store);
        let asked = ways.chunks.ask(SendChunk(chunk), CHUNK_DEADLINE).await;
        asked.unwrap_or_else(|error| Err(ChunkRefused(error.to_string())))
    }

    fn deadlocks(&self, store_id: StoreId) -> Option<Address<ShareWaits>> {
        Some(self.ways(store_id).deadlocks.clone())
    }
}

/// Lets other stores send to this one.
pub fn export_raft(system: &System, bridge: &Bridge, store: &StoreNode) {
    let door = Arc::new(RaftDoor { path: store_path(store.store_id), store: store.clone() });
    let exports = bridge.exports();
    exports.serve::<SendRaft>(&door.path, Address::new(door.clone()));
    exports.serve::<Greet>(&door.path, Address::new(door.clone()));
    exports.serve::<SendChunk>(&door.path, Address::new(door.clone()));
    exports.serve::<ShareWaits>(&door.path, store.deadlocks.address());
    system.registry().announce(door.path.clone(), system.node().to_owned());
}

struct RaftDoor {
    path: ActorPath,
    store: StoreNode,
}

impl Target<SendRaft> for RaftDoor {
    fn path(&self) -> &ActorPath {
        &self.path
    }

    fn tell(&self, message: SendRaft) -> Result<(), SendError> {
        self.store.receive(message.0);
        Ok(())
    }

    fn ask(
        &self,
        message: SendRaft,
        _deadline: Duration,
    ) -> BoxFuture<'static, Result<(), AskError>> {
        self.store.receive(message.0);
        std::future::ready(Ok(())).boxed()
    }

    fn deliver(&self, message: SendRaft, reply: ReplyTo<()>) -> Option<BoxFuture<'static, ()>> {
        self.store.receive(message.0);
        reply.send(());
        None
    }

    fn is_local(&self) -> bool {
        true
    }
}

impl Target<Greet> for RaftDoor {
    fn path(&self) -> &ActorPath {
        &self.path
    }

    fn tell(&self, message: Greet) -> Result<(), SendError> {
        self.store.receive_greeting(message.from, message.room);
        Ok(())
    }

    fn ask(&self, message: Greet, _: Duration) -> BoxFuture<'static, Result<(), AskError>> {
        self.store.receive_greeting(message.from, message.room);
        std::future::ready(Ok(())).boxed()
    }

    fn deliver(&self, message: Greet, reply: ReplyTo<()>) -> Option<BoxFuture<'static, ()>> {
        self.store.receive_greeting(message.from, message.room);
        reply.send(());
        None
    }

    fn is_local(&self) -> bool {
        true
    }
}

type Taken = <SendChunk as Message>::Reply;

impl Target<SendChunk> for RaftDoor {
    fn path(&self) -> &ActorPath {
        &self.path
    }

    fn tell(&self, message: SendChunk) -> Result<(), SendError> {
        drop(self.deliver(message, ReplyTo::nobody()));
        Ok(())
    }

    fn ask(
        &self,
        message: SendChunk,
        _deadline: Duration,
    ) -> BoxFuture<'static, Result<Taken, AskError>> {
        let store = self.store.clone();
        async move { Ok(store.receive_chunk(message.0).await) }.boxed()
    }

    /// Not waited for by the bridge: the sender waits for each piece before it sends the next.
    fn deliver(&self, message: SendChunk, reply: ReplyTo<Taken>) -> Option<BoxFuture<'static, ()>> {
        let store = self.store.clone();
        tokio::spawn(async move { reply.send(store.receive_chunk(message.0).await) });
        None
    }

    fn is_local(&self) -> bool {
        true
    }
}

impl Wired for SendRaft {
    type Wire = raft_serverpb::RaftMessage;
    type WireReply = ();

    fn into_wire(self) -> raft_serverpb::RaftMessage {
        wire::encode_envelope(&self.0)
    }

    fn from_wire(proto: raft_serverpb::RaftMessage) -> Result<SendRaft, WireError> {
        wire::decode_envelope(proto).map(SendRaft).map_err(WireError::of::<SendRaft>)
    }

    fn reply_to_wire((): ()) {}

    fn reply_from_wire((): ()) -> Result<(), WireError> {
        Ok(())
    }
}

impl Wired for Greet {
    type Wire = raft_serverpb::Greeting;
    type WireReply = ();

    fn into_wire(self) -> raft_serverpb::Greeting {
        raft_serverpb::Greeting {
            from_store_id: self.from.0,
            disk_room: convert::room_to_proto(self.room).into(),
        }
    }

    fn from_wire(proto: raft_serverpb::Greeting) -> Result<Greet, WireError> {
        let room = convert::room_from_proto(proto.disk_room());
        Ok(Greet { from: StoreId(proto.from_store_id), room })
    }

    fn reply_to_wire((): ()) {}

    fn reply_from_wire((): ()) -> Result<(), WireError> {
        Ok(())
    }
}

impl Wired for SendChunk {
    type Wire = raft_serverpb::SnapshotChunk;
    type WireReply = raft_serverpb::ChunkTaken;

    fn into_wire(self) -> raft_serverpb::SnapshotChunk {
        wire::encode_chunk(&self.0)
    }

    fn from_wire(proto: raft_serverpb::SnapshotChunk) -> Result<SendChunk, WireError> {
        wire::decode_chunk(proto).map(SendChunk).map_err(WireError::of::<SendChunk>)
    }

    fn reply_to_wire(reply: Taken) -> raft_serverpb::ChunkTaken {
        raft_serverpb::ChunkTaken {
            refused: reply.is_err(),
            reason: reply.err().map(|ChunkRefused(reason)| reason).unwrap_or_default(),
        }
    }

    fn reply_from_wire(proto: raft_serverpb::ChunkTaken) -> Result<Taken, WireError> {
        Ok(if proto.refused { Err(ChunkRefused(proto.reason)) } else { Ok(()) })
    }
}
