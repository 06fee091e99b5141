//! From a region's id to its peer on this store, and what is known of each region.

use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use bytes::Bytes;
use dashmap::DashMap;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use serde::Serialize;

use super::region_peer::{
    ChangePeers, CommandReply, KvCommand, MergeRegion, RegionPeer, ReplicaRead, SplitRegion,
    TransferLeader,
};
use super::seat::Seat;
use super::store::UnknownRegion;
use super::transport::RaftEnvelope;
use super::unanswered;
use crate::actors::runtime::{
    Actor as _, ActorPath, ActorSnapshot, Address, AskError, Dormant, Handler, Message, ReplyTo,
    SendError,
};
use crate::common::retry::Effect;
use crate::common::{LogIndex, PeerId, RegionId, Term};
use crate::storage::raft::Role;
use crate::storage::region::membership::PeerChange;
use crate::storage::region::{Peer, Region};
use crate::storage::txn::{RegionContext, RegionError, RequestError};

/// What this store knows of one of its regions, as its peer last told.
#[derive(Clone, Debug, Serialize)]
pub struct RegionStatus {
    /// The region as applied here.
    pub region: Region,
    /// The replica on this store.
    pub peer: Peer,
    /// What it is in its group.
    pub role: Role,
    /// Who leads, if known.
    pub leader: Option<PeerId>,
    /// The current term.
    pub term: Term,
    /// The last entry applied.
    pub applied: LogIndex,
    /// About how many bytes it holds.
    pub approximate_size: u64,
    /// About how many versions it holds.
    pub approximate_keys: u64,
    /// On the leader: replicas that lag too far to count.
    pub pending_peers: Vec<Peer>,
    /// On the leader: replicas not heard of for a long time.
    pub down_peers: Vec<Peer>,
    /// It was to be split in its middle, and there is no place to.
    pub unsplittable: bool,
    /// The region it is about to become part of.
    pub merging_into: Option<RegionId>,
    /// Its other replicas have become part of another region already.
    pub outlived: bool,
}

impl RegionStatus {
    /// Whether a newer descriptor of another region shows that this one has become part of it.
    pub fn is_absorbed_by(&self, region: &Region) -> bool {
        self.merging_into == Some(region.id)
            || (self.outlived
                && region.covers(&self.region)
                && region.epoch.version > self.region.epoch.version)
    }

    /// Whether the replica on this store leads.
    pub fn is_leader(&self) -> bool {
        self.role == Role::Leader
    }
}

/// The part of a region's status that changes with every write.
#[derive(Debug, Default)]
pub struct RegionGauges {
    /// The last entry applied.
    pub applied: AtomicU64,
    /// About how many bytes it holds.
    pub size: AtomicU64,
    /// About how many versions it holds.
    pub keys: AtomicU64,
    /// It was to be split in its middle, and there is no place to.
    pub unsplittable: AtomicBool,
}

/// One region of the store.
pub struct RegionEntry {
    seat: Seat,
    status: Mutex<RegionStatus>,
    gauges: Arc<RegionGauges>,
}

impl RegionEntry {
    /// Where its peer stands in the tree of actors.
    pub fn path(&self) -> ActorPath {
        self.seat.path()
    }

    /// Whether its peer is let go, as the group sleeps. The next message makes it again.
    pub fn is_cold(&self) -> bool {
        self.seat.is_cold()
    }

    /// Tells its peer something.
    pub fn tell<M: Message>(&self, message: M) -> Result<(), SendError>
    where
        RegionPeer: Handler<M>,
    {
        self.seat.tell(message)
    }

    /// Asks its peer.
    pub fn ask<M: Message>(
        &self,
        message: M,
        deadline: Duration,
    ) -> impl Future<Output = Result<M::Reply, AskError>> + Send + 'static + use<M>
    where
        RegionPeer: Handler<M>,
    {
        self.seat.ask(message, deadline)
    }

    /// Hands its peer a message whose answer goes to somebody elsewhere: see [`ActorRef::deliver`](crate::actors::runtime::ActorRef::deliver).
    pub fn deliver<M: Message>(
        &self,
        message: M,
        reply: ReplyTo<M::Reply>,
    ) -> Option<BoxFuture<'static, ()>>
    where
        RegionPeer: Handler<M>,
    {
        self.seat.deliver(message, reply)
    }

    pub(super) fn seat(&self) -> &Seat {
        &self.seat
    }

    pub(super) fn gauges(&self) -> Arc<RegionGauges> {
        Arc::clone(&self.gauges)
    }

    /// Its status now.
    pub fn status(&self) -> RegionStatus {
        let mut status = self.status.lock().clone();
        status.applied = LogIndex(self.gauges.applied.load(Ordering::Relaxed));
        status.approximate_size = self.gauges.size.load(Ordering::Relaxed);
        status.approximate_keys = self.gauges.keys.load(Ordering::Relaxed);
        status.unsplittable = self.gauges.unsplittable.load(Ordering::Relaxed);
        status
    }

    /// Replaces what changes seldom.
    pub(super) fn set_status(&self, status: RegionStatus) {
        *self.status.lock() = status;
    }
}

type Regions = DashMap<RegionId, Arc<RegionEntry>, ahash::RandomState>;

/// Takes an answer to another store.
type Voice = Box<dyn Fn(RaftEnvelope) + Send + Sync>;

/// The regions of a store. Clones share them.
#[derive(Clone, Default)]
pub struct StoreRouter {
    regions: Arc<Regions>,
    /// Who takes messages for regions that are not here.
    unknown: Arc<OnceLock<Address<UnknownRegion>>>,
    /// How those answer that are let go.
    voice: Arc<OnceLock<Voice>>,
    /// How often the store has written something, into a log or the data: as long as it does, who waits is not given up.
    writes: Arc<AtomicU64>,
    /// How often it has read something for another node.
    reads: Arc<AtomicU64>,
}

/// How long an answer is waited for at the most, though the store makes progress.
const FOREVER: Duration = Duration::from_secs(24 * 3600);
/// An answer is given up when the store has written nothing for so many times the patience of who waits.
const SILENT_MOST: u32 = 2;

impl StoreRouter {
    /// No regions yet.
    pub fn new() -> StoreRouter {
        StoreRouter::default()
    }

    /// Sends a command to the region its context names, and waits for the answer.
    ///
    /// A write whose answer is lost ends as [`RegionError::Undetermined`]: it may or may not take
    /// effect. That an answer takes long is no sign of that: it is waited for as long as the store writes something every
    /// `patience`. A region that is led elsewhere by then answers that.
    pub async fn send(&self, command: KvCommand, patience: Duration) -> CommandReply {
        let region_id = command.context.region_id;
        let effect = command.request.effect();
        let Some(entry) = self.get(region_id) else {
            return Err(RegionError::RegionNotFound(region_id).into());
        };
        let answer = entry.ask(command, FOREVER);
        tokio::pin!(answer);
        let (mut written, mut silent) = (self.written(), 0);
        loop {
            let error = match tokio::time::timeout(patience, &mut answer).await {
                Ok(Ok(reply)) => return reply,
                Ok(Err(error)) => error,
                Err(_elapsed) => {
                    let before = std::mem::replace(&mut written, self.written());
                    silent = if written == before { silent + 1 } else { 0 };
                    if silent < SILENT_MOST {
                        continue;
                    }
                    AskError::Timeout(entry.path())
                }
            };
            return Err(unanswered(region_id, &error, effect));
        }
    }

    /// How much the store has done so far, for who waits for it elsewhere: a number that grows as long as it works.
    pub fn done(&self) -> u64 {
        self.written().wrapping_add(self.reads.load(Ordering::Relaxed))
    }

    /// It has read something for another node.
    pub fn has_read(&self) {
        self.reads.fetch_add(1, Ordering::Relaxed);
    }

    fn written(&self) -> u64 {
        self.writes.load(Ordering::Relaxed)
    }

    /// Counts what the store writes.
    pub(super) fn writes(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.writes)
    }

    /// Splits a region at encoded keys; answers the regions it became, in key order. Keys that
    /// bound the region already are passed over.
    pub async fn split(
        &self,
        context: RegionContext,
        keys: Vec<Bytes>,
        deadline: Duration,
    ) -> Result<Vec<Region>, RequestError> {
        self.ask(context.region_id, SplitRegion { context, keys }, deadline).await
    }

    /// A read by whichever replica is here: it sees everything that was acknowledged before it was
    /// asked. Costs a question to the leader, unless this is the leader.
    pub async fn read_replica(&self, command: KvCommand, deadline: Duration) -> CommandReply {
        self.ask(command.context.region_id, ReplicaRead(command), deadline).await
    }

    /// Changes the replicas of a region led here; answers the region when the change is applied.
    /// Several changes at once are made jointly.
    pub async fn change_peers(
        &self,
        region_id: RegionId,
        changes: Vec<PeerChange>,
        deadline: Duration,
    ) -> Result<Region, RequestError> {
        self.ask(region_id, ChangePeers { changes }, deadline).await
    }

    /// Hands the leadership of a region over, its locks with it. Answered when another replica leads.
    pub async fn transfer_leader(
        &self,
        region_id: RegionId,
        to: PeerId,
        deadline: Duration,
    ) -> Result<(), RequestError> {
        self.ask(region_id, TransferLeader { to }, deadline).await
    }

    /// Makes a region led here part of a neighbour, as `target` describes that. Answered when the
    /// region takes no more writes; the rest goes on by itself.
    pub async fn merge(
        &self,
        region_id: RegionId,
        target: Region,
        deadline: Duration,
    ) -> Result<(), RequestError> {
        self.ask(region_id, MergeRegion { target }, deadline).await
    }

    async fn ask<M, T>(
        &self,
        region_id: RegionId,
        message: M,
        deadline: Duration,
    ) -> Result<T, RequestError>
    where
        M: Message<Reply = Result<T, RequestError>>,
        T: Send + 'static,
        RegionPeer: Handler<M>,
    {
        let Some(entry) = self.get(region_id) else {
            return Err(RegionError::RegionNotFound(region_id).into());
        };
        match entry.ask(message, deadline).await {
            Ok(reply) => reply,
            Err(error) => Err(unanswered(region_id, &error, Effect::Change)),
        }
    }

    /// Gives a message of another replica to the peer it is for. One that does not fit is lost, as on
    /// the network.
    pub fn deliver(&self, envelope: RaftEnvelope) {
        match self.get(envelope.region.id) {
            Some(entry) => {
                if let Some(answer) = entry.seat.hear(&entry.status, envelope)
                    && let Some(voice) = self.voice.get()
                {
                    voice(answer);
                }
            }
            None => {
                if let Some(store) = self.unknown.get() {
                    let _ = store.tell(UnknownRegion { envelope });
                }
            }
        }
    }

    /// Names who takes messages for regions that are not here.
    pub(super) fn set_unknown(&self, store: Address<UnknownRegion>) {
        // Set again when the store restarts, with the same address.
        let _ = self.unknown.set(store);
    }

    /// What shows the peers that are let go in the tree of actors.
    pub(super) fn dormant(&self) -> Arc<dyn Dormant> {
        Arc::new(Shown(Arc::downgrade(&self.regions)))
    }

    /// Says how the answers of peers that are let go leave.
    pub(super) fn set_voice(&self, voice: impl Fn(RaftEnvelope) + Send + Sync + 'static) {
        let _ = self.voice.set(Box::new(voice));
    }

    /// A region of this store.
    pub fn get(&self, region_id: RegionId) -> Option<Arc<RegionEntry>> {
        self.regions.get(&region_id).map(|entry| Arc::clone(&entry))
    }

    /// What is known of one region.
    pub fn status(&self, region_id: RegionId) -> Option<RegionStatus> {
        self.get(region_id).map(|entry| entry.status())
    }

    /// Every region, in key order. Replicas that wait for their first snapshot are left out: they have
    /// no range yet.
    pub fn statuses(&self) -> Vec<RegionStatus> {
        let entries: Vec<Arc<RegionEntry>> =
            self.regions.iter().map(|entry| Arc::clone(entry.value())).collect();
        let mut statuses: Vec<RegionStatus> = entries.iter().map(|entry| entry.status()).collect();
        statuses.retain(|status| status.region.is_initialized());
        statuses.sort_by(|a, b| {
            (&a.region.start_key, a.region.id).cmp(&(&b.region.start_key, b.region.id))
        });
        statuses
    }

    /// How many regions there are.
    pub fn len(&self) -> usize {
        self.regions.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.regions.is_empty()
    }

    /// Adds a region.
    pub(super) fn insert(&self, seat: Seat, status: RegionStatus, gauges: Arc<RegionGauges>) {
        let region_id = status.region.id;
        let entry = RegionEntry { seat, status: Mutex::new(status), gauges };
        self.regions.insert(region_id, Arc::new(entry));
    }

    /// How many regions have no peer in memory, as they sleep.
    pub fn cold(&self) -> usize {
        self.regions.iter().filter(|entry| entry.is_cold()).count()
    }

    /// Forgets a region that is gone, unless another peer has taken its place.
    pub(super) fn remove(&self, region_id: RegionId, peer_id: PeerId) {
        self.regions.remove_if(&region_id, |_, entry| entry.status.lock().peer.id == peer_id);
    }
}

/// Peers that are let go are shown in the tree of actors, with what the router knows of them, as long as there is a router.
struct Shown(Weak<Regions>);

impl Dormant for Shown {
    fn list(&self) -> Vec<ActorSnapshot> {
        let Some(regions) = self.0.upgrade() else { return Vec::new() };
        let is_shown = |entry: &RegionEntry| entry.is_cold() && entry.seat.has_store();
        let entries = regions.iter();
        entries.filter(|entry| is_shown(entry)).map(|entry| line(entry.path())).collect()
    }

    fn look_at(&self, path: &ActorPath) -> Option<(ActorSnapshot, serde_json::Value)> {
        let id = path.name().strip_prefix("region-")?.parse().ok()?;
        let entry = Arc::clone(&*self.0.upgrade()?.get(&RegionId(id))?);
        if !entry.is_cold() || !entry.seat.has_store() || entry.path() != *path {
            return None;
        }
        let mut observed = serde_json::to_value(entry.status()).ok()?;
        observed["awake"] = false.into();
        Some((line(entry.path()), observed))
    }
}

fn line(path: ActorPath) -> ActorSnapshot {
    ActorSnapshot::asleep(path, RegionPeer::KIND, RegionPeer::mailbox())
}
