//! Which actors of this node other nodes may send what to: from a path and a message's number to the mailbox.

use std::any::Any;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use dashmap::DashMap;
use futures::future::BoxFuture;
use prost::Message as _;
use tracing::warn;

use super::proto::Failure;
use super::replies::Way;
use super::wire::{Remote, WireError};
use crate::actors::runtime::{ActorPath, Address, Asker, Message, Refusal, ReplyTo, SendError};

/// Finds an actor below a prefix.
type Find<M> = Box<dyn Fn(&ActorPath) -> Option<Address<M>> + Send + Sync>;

/// By path, and then by the message's number.
type Entries = DashMap<ActorPath, Vec<(u32, Arc<dyn Deliver>)>, ahash::RandomState>;

/// The actors other nodes can reach.
#[derive(Default)]
pub struct Exports {
    exact: Entries,
    below: Entries,
    generation: AtomicU64,
}

impl Exports {
    /// The actor at `path` takes `M` from other nodes. Replaces an earlier one.
    pub fn serve<M: Remote>(&self, path: &ActorPath, address: Address<M>) {
        self.put(&self.exact, path, M::ID, Arc::new(Exported { found: Found::Here(address) }));
    }

    /// Actors at or below `prefix` take `M` from other nodes, as far as `find` finds them: for kinds of which there are too
    /// many, or that come and go too fast, to announce each.
    pub fn serve_below<M: Remote>(
        &self,
        prefix: &ActorPath,
        find: impl Fn(&ActorPath) -> Option<Address<M>> + Send + Sync + 'static,
    ) {
        let found = Found::By(Box::new(find));
        self.put(&self.below, prefix, M::ID, Arc::new(Exported::<M> { found }));
    }

    /// Nothing at `path` is to be reached any more; with what was served below it.
    pub fn withdraw(&self, path: &ActorPath) {
        self.exact.remove(path);
        self.below.remove(path);
        self.generation.fetch_add(1, Ordering::Release);
    }

    fn put(&self, map: &Entries, path: &ActorPath, id: u32, deliver: Arc<dyn Deliver>) {
        let mut entries = map.entry(path.clone()).or_default();
        entries.retain(|(other, _)| *other != id);
        entries.push((id, deliver));
        drop(entries);
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// Changes with every change of what is served.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Who takes messages of this number at `target`.
    pub(super) fn find(&self, target: &str, id: u32) -> Option<Arc<dyn Deliver>> {
        let pick = |entries: &Vec<(u32, Arc<dyn Deliver>)>| {
            entries.iter().find(|(other, _)| *other == id).map(|(_, deliver)| deliver.clone())
        };
        if let Some(deliver) = self.exact.get(target).and_then(|entries| pick(&entries)) {
            return Some(deliver);
        }
        let mut prefix = target;
        while !prefix.is_empty() {
            if let Some(deliver) = self.below.get(prefix).and_then(|entries| pick(&entries)) {
                return Some(deliver);
            }
            prefix = &prefix[..prefix.rfind('/').unwrap_or(0)];
        }
        None
    }

    /// The address of an actor of this node, if it is served.
    pub(super) fn local<M: Remote>(&self, path: &ActorPath) -> Option<Address<M>> {
        let deliver = self.find(path.as_str(), M::ID)?;
        deliver.as_any().downcast_ref::<Exported<M>>()?.address(path)
    }
}

/// What became of a message from another node.
pub(super) enum Delivered {
    /// It is in the mailbox, or was turned away and the asker told.
    Done,
    /// It waits for room in the mailbox.
    Waiting(BoxFuture<'static, ()>),
    /// Nobody could take it; the asker is told.
    Refused,
}

/// Takes messages of one type to their actors.
pub(super) trait Deliver: Send + Sync {
    fn deliver(&self, target: &str, body: Bytes, way: Option<Way>) -> Delivered;
    fn as_any(&self) -> &dyn Any;
}

enum Found<M: Remote> {
    Here(Address<M>),
    By(Find<M>),
}

struct Exported<M: Remote> {
    found: Found<M>,
}

impl<M: Remote> Exported<M> {
    fn address(&self, path: &ActorPath) -> Option<Address<M>> {
        match &self.found {
            Found::Here(address) => Some(address.clone()),
            Found::By(find) => find(path),
        }
    }
}

impl<M: Remote> Deliver for Exported<M> {
    fn deliver(&self, target: &str, body: Bytes, way: Option<Way>) -> Delivered {
        let found;
        let address = match &self.found {
            Found::Here(address) => address,
            Found::By(find) => match find(&ActorPath::new(target)) {
                Some(address) => {
                    found = address;
                    &found
                }
                None => return refuse(way, Failure::Stopped),
            },
        };
        let message = match read::<M>(body) {
            Ok(message) => message,
            Err(error) => {
                warn!(%error, target, "dropped a message from another node");
                return refuse(way, Failure::Failed);
            }
        };
        let reply = match way {
            Some(way) => ReplyTo::away(Box::new(Remembered::<M> { way, message: PhantomData })),
            None => ReplyTo::nobody(),
        };
        match address.deliver(message, reply) {
            None => Delivered::Done,
            Some(waiting) => Delivered::Waiting(waiting),
        }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn read<M: Remote>(body: Bytes) -> Result<M, WireError> {
    let wire = M::Wire::decode(body).map_err(WireError::of::<M>)?;
    M::from_wire(wire)
}

pub(super) fn refuse(way: Option<Way>, failure: Failure) -> Delivered {
    if let Some(way) = way {
        way.fail(failure);
    }
    Delivered::Refused
}

/// The asker on another node.
struct Remembered<M> {
    way: Way,
    message: PhantomData<fn(M)>,
}

impl<M: Remote> Asker<M::Reply> for Remembered<M> {
    fn answer(self: Box<Self>, outcome: Result<<M as Message>::Reply, Refusal>) {
        match outcome {
            Ok(reply) => self.way.reply(&M::reply_to_wire(reply)),
            Err(refusal) => self.way.fail(failure(&refusal)),
        }
    }

    fn is_waiting(&self) -> bool {
        self.way.is_open()
    }
}

fn failure(refusal: &Refusal) -> Failure {
    match refusal {
        Refusal::NotDelivered(SendError::Overloaded(_)) => Failure::Overloaded,
        Refusal::NotDelivered(SendError::Stopped(_)) => Failure::Stopped,
        Refusal::NotDelivered(SendError::Unreachable(_)) => Failure::Unreachable,
        Refusal::NotDelivered(SendError::TooLarge(_)) => Failure::TooLarge,
        Refusal::Panicked => Failure::Failed,
        Refusal::NoReply => Failure::NoReply,
    }
}
