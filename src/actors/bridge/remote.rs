//! Addresses that find their actor: on this node by moving the message, on another by sending it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use prost::Message as _;
use tokio::sync::oneshot;
use tracing::{Level, warn};

use super::core::BridgeCore;
use super::lane::Lane;
use super::link::Peer;
use super::outbox::{Answered, Outgoing, Trouble, Turned};
use super::proto::Failure;
use super::wire::Remote;
use crate::actors::runtime::clock::instant_after;
use crate::actors::runtime::{ActorPath, Address, AskError, ReplyTo, SendError, Target};

/// Where messages to a path go now.
enum Hop<M: Remote> {
    /// To an actor of this node.
    Here(Address<M>),
    /// To this node, where nobody takes them.
    Nobody,
    /// To another node.
    There(Arc<Peer>),
    /// Nobody knows that node.
    Nowhere,
}

struct Found<M: Remote> {
    /// Of the registry and of the exports, when this was found.
    generations: (u64, u64),
    hop: Hop<M>,
}

/// See the module.
pub(super) struct Route<M: Remote> {
    core: Arc<BridgeCore>,
    path: ActorPath,
    /// The path as it goes over the wire.
    target: Bytes,
    found: ArcSwap<Found<M>>,
}

impl<M: Remote> Route<M> {
    pub(super) fn new(core: Arc<BridgeCore>, path: ActorPath) -> Route<M> {
        let target = Bytes::copy_from_slice(path.as_str().as_bytes());
        let found = ArcSwap::from_pointee(find(&core, &path));
        Route { core, path, target, found }
    }

    fn found(&self) -> arc_swap::Guard<Arc<Found<M>>> {
        let found = self.found.load();
        if found.generations == generations(&self.core) {
            return found;
        }
        self.found.store(Arc::new(find(&self.core, &self.path)));
        self.found.load()
    }

    fn unreachable(&self) -> SendError {
        SendError::Unreachable(self.path.clone())
    }

    fn stopped(&self) -> SendError {
        SendError::Stopped(self.path.clone())
    }

    /// Encodes a message and puts it on its way; answers the correlation id.
    fn send(
        &self,
        peer: &Peer,
        message: M,
        deadline: Option<Duration>,
        asker: Option<oneshot::Sender<Answered>>,
    ) -> Result<u64, SendError> {
        let lane = peer.lane(M::CLASS);
        if lane.is_down() {
            return Err(self.unreachable());
        }
        let body: Bytes = message.into_wire().encode_to_vec().into();
        self.core.inbound.encoded.fetch_add(1, Ordering::Relaxed);
        if body.len() > self.core.options.message_bytes_max {
            warn!(target = %self.path, message = M::NAME, bytes = body.len(), "a message is too large for the bridge");
            return Err(SendError::TooLarge(self.path.clone()));
        }
        let outgoing = Outgoing {
            target: self.target.clone(),
            message: M::ID,
            body,
            until: deadline.map(instant_after),
            is_traced: tracing::enabled!(Level::TRACE),
        };
        lane.push(outgoing, asker).map_err(|turned| match turned {
            Turned::Overloaded => SendError::Overloaded(self.path.clone()),
            Turned::Unreachable => self.unreachable(),
        })
    }

    fn ask_there(
        &self,
        peer: &Peer,
        message: M,
        deadline: Duration,
    ) -> BoxFuture<'static, Result<M::Reply, AskError>> {
        let (asker, answer) = oneshot::channel();
        let path = self.path.clone();
        let correlation = match self.send(peer, message, Some(deadline), Some(asker)) {
            Ok(correlation) => correlation,
            Err(error) => return failed(error),
        };
        let asked = Asked { lane: peer.lane(M::CLASS).clone(), correlation };
        let until = instant_after(deadline);
        async move {
            let answered = tokio::time::timeout_at(until, answer).await;
            drop(asked);
            match answered {
                Err(_elapsed) => Err(AskError::Timeout(path)),
                Ok(Err(_closed)) => Err(AskError::Lost(path)),
                Ok(Ok(Err(trouble))) => Err(error_of(trouble, path)),
                Ok(Ok(Ok(body))) => read_reply::<M>(body, path),
            }
        }
        .boxed()
    }
}

/// A question on its way: forgotten when its asker goes.
struct Asked {
    lane: Arc<Lane>,
    correlation: u64,
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.lane.forget(self.correlation);
    }
}

impl<M: Remote> Target<M> for Route<M> {
    fn path(&self) -> &ActorPath {
        &self.path
    }

    fn tell(&self, message: M) -> Result<(), SendError> {
        match &self.found().hop {
            Hop::Here(address) => address.tell(message),
            Hop::There(peer) => self.send(peer, message, None, None).map(|_| ()),
            Hop::Nobody => Err(self.stopped()),
            Hop::Nowhere => Err(self.unreachable()),
        }
    }

    fn ask(
        &self,
        message: M,
        deadline: Duration,
    ) -> BoxFuture<'static, Result<M::Reply, AskError>> {
        match &self.found().hop {
            Hop::Here(address) => address.ask(message, deadline),
            Hop::There(peer) => self.ask_there(peer, message, deadline),
            Hop::Nobody => failed(self.stopped()),
            Hop::Nowhere => failed(self.unreachable()),
        }
    }

    fn deliver(&self, message: M, reply: ReplyTo<M::Reply>) -> Option<BoxFuture<'static, ()>> {
        if let Hop::Here(address) = &self.found().hop {
            return address.deliver(message, reply);
        }
        // It came here by a registry that was behind. What was told is passed on; who asked is told to ask again, because
        // nobody here knows how long the answer is waited for.
        if reply.is_wanted() {
            drop(reply);
        } else {
            let _ = self.tell(message);
        }
        None
    }

    fn is_local(&self) -> bool {
        matches!(self.found().hop, Hop::Here(_) | Hop::Nobody)
    }
}

fn generations(core: &BridgeCore) -> (u64, u64) {
    (core.system.registry().generation(), core.inbound.exports.generation())
}

fn find<M: Remote>(core: &BridgeCore, path: &ActorPath) -> Found<M> {
    let generations = generations(core);
    let registry = core.system.registry();
    let node = registry.resolve(path).unwrap_or_else(|| path.node().to_owned());
    let hop = if node == core.system.node() {
        core.inbound.exports.local(path).map_or(Hop::Nobody, Hop::Here)
    } else if registry.node_address(&node).is_some() {
        Hop::There(core.peer(&node))
    } else {
        Hop::Nowhere
    };
    Found { generations, hop }
}

fn failed<T: Send + 'static>(error: SendError) -> BoxFuture<'static, Result<T, AskError>> {
    std::future::ready(Err(error.into())).boxed()
}

fn error_of(trouble: Trouble, path: ActorPath) -> AskError {
    match trouble {
        Trouble::Unreachable | Trouble::Failed(Failure::Unreachable) => {
            SendError::Unreachable(path).into()
        }
        Trouble::Lost => AskError::Lost(path),
        Trouble::Failed(Failure::Overloaded) => SendError::Overloaded(path).into(),
        Trouble::Failed(Failure::Stopped) => SendError::Stopped(path).into(),
        Trouble::Failed(Failure::Timeout) => AskError::Timeout(path),
        Trouble::Failed(Failure::NoReply) => AskError::NoReply(path),
        Trouble::Failed(Failure::TooLarge) => AskError::TooLarge(path),
        Trouble::Failed(Failure::Failed | Failure::None) => AskError::Failed(path),
    }
}

fn read_reply<M: Remote>(body: Bytes, path: ActorPath) -> Result<M::Reply, AskError> {
    let read = M::WireReply::decode(body)
        .map_err(super::wire::WireError::of::<M>)
        .and_then(M::reply_from_wire);
    read.map_err(|error| {
        warn!(%error, %path, "dropped a reply from another node");
        AskError::Failed(path)
    })
}
