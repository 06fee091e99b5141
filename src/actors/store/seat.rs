//! Where a region's peer is: at work, or let go while its group sleeps.
//!
//! A region that sleeps needs no actor. Its peer is let go, and what it knew that is not on the disk stays here, in a few words
//! ([`ColdPeer`]). Whoever has something to say to it says so as ever: the first message has the Store make the peer again,
//! from the disk and from these words, and is handed over as soon as there is somebody to take it, with all that came after it.

use std::future::Future;
use std::time::Duration;

use futures::future::{BoxFuture, Either};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::region_peer::{ColdPeer, RaftMessage, RegionPeer};
use super::router::RegionStatus;
use super::store::{Store, WakePeer};
use super::transport::RaftEnvelope;
use crate::actors::runtime::{
    Actor, ActorPath, ActorRef, AskError, Handler, Message, ReplyTo, SendError,
};
use crate::common::RegionId;
use crate::storage::raft::ColdAnswer;

/// The place of a peer. Senders hold its lock for as long as it takes to put a message into a mailbox: so none is put into
/// the mailbox of a peer that is being let go.
pub(super) struct Seat {
    region_id: RegionId,
    /// Who makes peers.
    store: ActorRef<Store>,
    peer: Mutex<Whereabouts>,
}

enum Whereabouts {
    /// In its actor.
    AtWork(ActorRef<RegionPeer>),
    /// Let go.
    Cold(Box<ColdPeer>),
    /// About to be made again, and what is to be given to it then.
    Waking(Box<ColdPeer>, Vec<Letter>),
    /// On the way from one to another, under the lock.
    Between,
}

/// A message for a peer that is about to be made.
type Letter = Box<dyn FnOnce(&ActorRef<RegionPeer>) + Send>;

impl Seat {
    /// Of a peer that is at work.
    pub(super) fn taken(
        region_id: RegionId,
        store: ActorRef<Store>,
        peer: ActorRef<RegionPeer>,
    ) -> Seat {
        Seat { region_id, store, peer: Mutex::new(Whereabouts::AtWork(peer)) }
    }

    /// Of a peer that sleeps.
    pub(super) fn cold(region_id: RegionId, store: ActorRef<Store>, cold: ColdPeer) -> Seat {
        Seat { region_id, store, peer: Mutex::new(Whereabouts::Cold(Box::new(cold))) }
    }

    /// Where the peer stands in the tree of actors.
    pub(super) fn path(&self) -> ActorPath {
        match &*self.peer.lock() {
            Whereabouts::AtWork(peer) => peer.path().clone(),
            _ => self.own_path(),
        }
    }

    fn own_path(&self) -> ActorPath {
        self.store.path().child(&format!("region-{}", self.region_id))
    }

    /// Whether the peer is let go.
    pub(super) fn is_cold(&self) -> bool {
        matches!(*self.peer.lock(), Whereabouts::Cold(_))
    }

    /// Whether there is a store to make the peer again.
    pub(super) fn has_store(&self) -> bool {
        self.store.is_alive()
    }

    /// Sends and forgets. A peer that was let go is made again for it.
    pub(super) fn tell<M: Message>(&self, message: M) -> Result<(), SendError>
    where
        RegionPeer: Handler<M>,
    {
        let mut peer = self.peer.lock();
        match &*peer {
            Whereabouts::AtWork(peer) => peer.tell(message),
            // One whose mailbox is full just after its start is alive, and what is told so comes again.
            _ => self.leave(&mut peer, Box::new(move |peer| drop(peer.tell(message)))),
        }
    }

    /// Sends and forgets, if the peer is at work and not too busy.
    pub(super) fn tell_if_at_work<M: Message>(&self, message: M)
    where
        RegionPeer: Handler<M>,
    {
        if let Whereabouts::AtWork(peer) = &*self.peer.lock() {
            let _ = peer.tell(message);
        }
    }

    /// A message of another replica. What a peer that was let go has to say to it, if it need not be made again.
    pub(super) fn hear(
        &self,
        status: &Mutex<RegionStatus>,
        envelope: RaftEnvelope,
    ) -> Option<RaftEnvelope> {
        if let Whereabouts::Cold(cold) = &*self.peer.lock() {
            let status = status.lock();
            let (region, me) = (&status.region, status.peer);
            let answer = RaftEnvelope { from: me, to: envelope.from, ..RaftEnvelope::default() };
            match cold.answer(region, me.id, &envelope) {
                ColdAnswer::Wake => {}
                ColdAnswer::Nothing => return None,
                ColdAnswer::Message(message) => {
                    return Some(RaftEnvelope { region: region.clone(), message, ..answer });
                }
                ColdAnswer::Doze(word) => {
                    return Some(RaftEnvelope {
                        region: region.clone(),
                        doze: Some(word),
                        ..answer
                    });
                }
            }
        }
        // One that does not fit is lost, as on the network.
        let _ = self.tell(RaftMessage { envelope });
        None
    }

    /// Asks. A peer that was let go is made again for it.
    pub(super) fn ask<M: Message>(
        &self,
        message: M,
        deadline: Duration,
    ) -> impl Future<Output = Result<M::Reply, AskError>> + Send + 'static + use<M>
    where
        RegionPeer: Handler<M>,
    {
        let mut peer = self.peer.lock();
        if let Whereabouts::AtWork(peer) = &*peer {
            return Either::Left(peer.ask(message, deadline));
        }
        let (sender, asked) = oneshot::channel();
        let letter = Box::new(move |peer: &ActorRef<RegionPeer>| {
            drop(sender.send(peer.ask(message, deadline)));
        });
        let left = self.leave(&mut peer, letter);
        let path = self.own_path();
        Either::Right(async move {
            left?;
            let stopped = SendError::Stopped(path.clone());
            let answered = async { asked.await.map_err(|_dropped| stopped)?.await };
            match tokio::time::timeout(deadline, answered).await {
                Ok(answer) => answer,
                Err(_elapsed) => Err(AskError::Timeout(path)),
            }
        })
    }

    /// Hands over a message whose answer goes to somebody elsewhere: see [`ActorRef::deliver`].
    pub(super) fn deliver<M: Message>(
        &self,
        message: M,
        reply: ReplyTo<M::Reply>,
    ) -> Option<BoxFuture<'static, ()>>
    where
        RegionPeer: Handler<M>,
    {
        let mut peer = self.peer.lock();
        if let Whereabouts::AtWork(peer) = &*peer {
            return peer.deliver(message, reply);
        }
        let letter = Box::new(move |peer: &ActorRef<RegionPeer>| {
            // A peer's mailbox makes nobody wait: it takes the message, or tells the asker.
            let _ = peer.deliver(message, reply);
        });
        // What cannot be left is dropped, which tells the asker.
        let _ = self.leave(&mut peer, letter);
        None
    }

    /// Has the peer made again, without a message for it.
    pub(super) fn wake(&self) {
        let mut peer = self.peer.lock();
        if matches!(*peer, Whereabouts::Cold(_)) {
            let _ = self.leave(&mut peer, Box::new(|_| {}));
        }
    }

    fn leave(&self, peer: &mut Whereabouts, letter: Letter) -> Result<(), SendError> {
        match std::mem::replace(peer, Whereabouts::Between) {
            Whereabouts::Cold(cold) => {
                match self.store.tell(WakePeer { region_id: self.region_id }) {
                    Ok(()) => *peer = Whereabouts::Waking(cold, vec![letter]),
                    Err(error) => {
                        *peer = Whereabouts::Cold(cold);
                        return Err(error);
                    }
                }
            }
            Whereabouts::Waking(cold, mut letters) => {
                let has_room = letters.len() < RegionPeer::mailbox().capacity;
                if has_room {
                    letters.push(letter);
                }
                *peer = Whereabouts::Waking(cold, letters);
                if !has_room {
                    return Err(SendError::Overloaded(self.own_path()));
                }
            }
            at_work @ (Whereabouts::AtWork(_) | Whereabouts::Between) => *peer = at_work,
        }
        Ok(())
    }

    /// Lets a peer go that asks for it, unless something has come for it meanwhile. `last_words` are said, and the words to remember
    /// taken, before anybody can have it made again.
    pub(super) fn let_go(
        &self,
        me: &ActorRef<RegionPeer>,
        last_words: impl FnOnce() -> Option<ColdPeer>,
    ) -> bool {
        let mut peer = self.peer.lock();
        let is_mine = matches!(&*peer, Whereabouts::AtWork(peer) if peer == me);
        if !is_mine || me.mailbox_len() > 0 {
            return false;
        }
        let Some(cold) = last_words() else { return false };
        *peer = Whereabouts::Cold(Box::new(cold));
        true
    }

    /// Puts a peer to work that is made now, and gives it what has come for it.
    pub(super) fn wake_with(&self, make: impl FnOnce(ColdPeer) -> ActorRef<RegionPeer>) {
        let mut peer = self.peer.lock();
        match std::mem::replace(&mut *peer, Whereabouts::Between) {
            Whereabouts::Waking(cold, letters) => {
                let made = make(*cold);
                letters.into_iter().for_each(|letter| letter(&made));
                *peer = Whereabouts::AtWork(made);
            }
            other => *peer = other,
        }
    }
}
