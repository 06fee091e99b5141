//! References: how anybody, on any thread, sends to an actor.

use std::{fmt, future::Future, sync::Arc, time::Duration};

use futures::future::BoxFuture;
use tokio::sync::oneshot;

use super::{
    actor::{Actor, Handler},
    clock::instant_after,
    core::{ActorCore, Hosted as _},
    figures::{ActorState, MailboxFigures},
    mailbox::{BoxedParcel, Envelope, Overflow, Place, Pushed, Room},
    message::{AskError, Message, Refusal, ReplyTo, SendError},
    path::ActorPath,
};

/// A typed reference to a local actor. Stays valid over restarts; after the stop every send says so.
pub struct ActorRef<A: Actor> {
    pub(super) core: Arc<ActorCore<A>>,
}

impl<A: Actor> ActorRef<A> {
    /// Sends and forgets. Never blocks: a full mailbox does what its kind declares.
    pub fn tell<M: Message>(&self, message: M) -> Result<(), SendError>
    where
        A: Handler<M>,
    {
        self.push(Box::new(Envelope { message, reply: ReplyTo::nobody() }), Place::None)
    }

    /// Asks. The question is in the mailbox when this returns (so asks and tells of one sender keep their order),
    /// unless the mailbox is full and makes askers wait. The future answers by `deadline`, which starts now.
    pub fn ask<M: Message>(
        &self,
        message: M,
        deadline: Duration,
    ) -> impl Future<Output = Result<M::Reply, AskError>> + Send + 'static + use<A, M>
    where
        A: Handler<M>,
    {
        let (reply, answer) = ReplyTo::slot();
        let parcel = Box::new(Envelope { message, reply });
        let me = self.clone();
        let until = instant_after(deadline);
        let sent = self.push_or_wait(parcel);
        async move {
            let path = me.path().clone();
            let answered = async move {
                match sent {
                    Sent::Done(outcome) => outcome?,
                    Sent::Waiting(place, parcel) => place.push(parcel).await?,
                }
                drop(me);
                Ok(answer.await)
            };
            match tokio::time::timeout_at(until, answered).await {
                Err(_elapsed) => Err(AskError::Timeout(path)),
                Ok(Err(error)) => Err(AskError::Send(error)),
                Ok(Ok(answer)) => unpack(answer, path),
            }
        }
    }

    /// Sends, waiting for room if the mailbox is full and of the kind that makes senders wait.
    pub async fn tell_wait<M: Message>(&self, message: M) -> Result<(), SendError>
    where
        A: Handler<M>,
    {
        match self.push_or_wait(Box::new(Envelope { message, reply: ReplyTo::nobody() })) {
            Sent::Done(outcome) => outcome,
            Sent::Waiting(place, parcel) => place.push(parcel).await,
        }
    }

    /// Where the actor stands.
    pub fn path(&self) -> &ActorPath {
        &self.core.path
    }

    /// Whether the actor has not stopped (it may be restarting).
    pub fn is_alive(&self) -> bool {
        self.core.state() != ActorState::Stopped
    }

    /// Asks the actor to stop, ahead of what waits in its mailbox.
    pub fn stop(&self) {
        self.core.request_stop();
    }

    /// Resolves once the actor has stopped.
    pub fn stopped(&self) -> impl Future<Output = ()> + Send + 'static + use<A> {
        let stopped = self.core.when_stopped();
        async move {
            let _ = stopped.await;
        }
    }

    /// The same actor, seen as something that understands `M`.
    pub fn address<M: Message>(&self) -> Address<M>
    where
        A: Handler<M>,
    {
        Address { target: Arc::new(self.clone()) }
    }

    /// What the mailbox has counted.
    pub fn figures(&self) -> MailboxFigures {
        self.core.figures()
    }

    /// How many messages wait.
    pub fn mailbox_len(&self) -> usize {
        self.core.mailbox.len()
    }

    /// Hands over a message whose answer goes to somebody elsewhere. `None`: it waits in the mailbox, or was turned
    /// away and the asker told. Otherwise the mailbox is full and of the kind that makes senders wait: drive the future.
    pub fn deliver<M: Message>(
        &self,
        message: M,
        reply: ReplyTo<M::Reply>,
    ) -> Option<BoxFuture<'static, ()>>
    where
        A: Handler<M>,
    {
        let parcel: BoxedParcel<A> = Box::new(Envelope { message, reply });
        let place = match self.core.mailbox.options().overflow {
            Overflow::Wait => match self.core.mailbox.reserve() {
                Room::Kept => Place::Kept,
                Room::Closed => {
                    parcel.refuse(SendError::Stopped(self.path().clone()));
                    return None;
                }
                Room::Later(room) => {
                    let waiting = WaitingPlace { to: self.clone(), room: Some(room) };
                    return Some(Box::pin(waiting.push_or_refuse(parcel)));
                }
            },
            Overflow::Reject | Overflow::DropOldest => Place::None,
        };
        if let Err((parcel, error)) = self.offer(parcel, place) {
            parcel.refuse(error);
        }
        None
    }

    fn push(&self, parcel: BoxedParcel<A>, place: Place) -> Result<(), SendError> {
        self.offer(parcel, place).map_err(|(_, error)| error)
    }

    /// Pushes, and gives the parcel back with the reason if the mailbox does not take it.
    fn offer(
        &self,
        parcel: BoxedParcel<A>,
        place: Place,
    ) -> Result<(), (BoxedParcel<A>, SendError)> {
        let core = &self.core;
        let (parcel, error) = match core.mailbox.push(parcel, core.now(), place) {
            Pushed::Taken => return Ok(()),
            Pushed::Displaced(older) => {
                core.trace_lost(older.name());
                older.refuse(SendError::Overloaded(core.path.clone()));
                return Ok(());
            }
            Pushed::Full(parcel) => (parcel, SendError::Overloaded(core.path.clone())),
            Pushed::Closed(parcel) => (parcel, SendError::Stopped(core.path.clone())),
        };
        core.trace_rejected(parcel.name());
        Err((parcel, error))
    }

    fn push_or_wait(&self, parcel: BoxedParcel<A>) -> Sent<A> {
        if self.core.mailbox.options().overflow != Overflow::Wait {
            return Sent::Done(self.push(parcel, Place::None));
        }
        match self.core.mailbox.reserve() {
            Room::Kept => Sent::Done(self.push(parcel, Place::Kept)),
            Room::Closed => Sent::Done(Err(SendError::Stopped(self.path().clone()))),
            Room::Later(room) => {
                Sent::Waiting(WaitingPlace { to: self.clone(), room: Some(room) }, parcel)
            }
        }
    }
}

enum Sent<A: Actor> {
    Done(Result<(), SendError>),
    Waiting(WaitingPlace<A>, BoxedParcel<A>),
}

/// A sender in the line before a full mailbox. Whoever gives up waiting gives its place back.
struct WaitingPlace<A: Actor> {
    to: ActorRef<A>,
    room: Option<oneshot::Receiver<()>>,
}

impl<A: Actor> WaitingPlace<A> {
    async fn push(self, parcel: BoxedParcel<A>) -> Result<(), SendError> {
        self.offer(parcel).await.map_err(|(_, error)| error)
    }

    async fn push_or_refuse(self, parcel: BoxedParcel<A>) {
        if let Err((parcel, error)) = self.offer(parcel).await {
            parcel.refuse(error);
        }
    }

    async fn offer(mut self, parcel: BoxedParcel<A>) -> Result<(), (BoxedParcel<A>, SendError)> {
        let granted = match self.room.as_mut() {
            Some(room) => room.await.is_ok(),
            None => false,
        };
        self.room = None;
        if granted {
            return self.to.offer(parcel, Place::Granted);
        }
        let stopped = SendError::Stopped(self.to.path().clone());
        Err((parcel, stopped))
    }
}

impl<A: Actor> Drop for WaitingPlace<A> {
    fn drop(&mut self) {
        if let Some(mut room) = self.room.take() {
            room.close();
            if room.try_recv().is_ok() {
                self.to.core.mailbox.give_back();
            }
        }
    }
}

fn unpack<T>(
    answer: Result<Result<T, Refusal>, oneshot::error::RecvError>,
    path: ActorPath,
) -> Result<T, AskError> {
    match answer {
        Ok(Ok(reply)) => Ok(reply),
        Ok(Err(Refusal::NotDelivered(error))) => Err(AskError::Send(error)),
        Ok(Err(Refusal::Panicked)) => Err(AskError::Failed(path)),
        Ok(Err(Refusal::NoReply)) => Err(AskError::NoReply(path)),
        Err(_dropped) => Err(AskError::NoReply(path)),
    }
}

impl<A: Actor> Clone for ActorRef<A> {
    fn clone(&self) -> ActorRef<A> {
        ActorRef { core: self.core.clone() }
    }
}

impl<A: Actor> PartialEq for ActorRef<A> {
    fn eq(&self, other: &ActorRef<A>) -> bool {
        Arc::ptr_eq(&self.core, &other.core)
    }
}

impl<A: Actor> Eq for ActorRef<A> {}

impl<A: Actor> fmt::Debug for ActorRef<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ActorRef<{}>({})", A::KIND, self.path())
    }
}

/// Something messages of one type can be sent to: a local actor, or (through the bridge) one on another node.
pub trait Target<M: Message>: Send + Sync + 'static {
    /// Where the actor stands.
    fn path(&self) -> &ActorPath;
    /// See [`ActorRef::tell`].
    fn tell(&self, message: M) -> Result<(), SendError>;
    /// See [`ActorRef::ask`].
    fn ask(&self, message: M, deadline: Duration)
    -> BoxFuture<'static, Result<M::Reply, AskError>>;
    /// See [`ActorRef::deliver`].
    fn deliver(&self, message: M, reply: ReplyTo<M::Reply>) -> Option<BoxFuture<'static, ()>>;
    /// Whether the message is moved, not encoded.
    fn is_local(&self) -> bool;
}

impl<M: Message, A: Handler<M>> Target<M> for ActorRef<A> {
    fn path(&self) -> &ActorPath {
        ActorRef::path(self)
    }

    fn tell(&self, message: M) -> Result<(), SendError> {
        ActorRef::tell(self, message)
    }

    fn ask(
        &self,
        message: M,
        deadline: Duration,
    ) -> BoxFuture<'static, Result<M::Reply, AskError>> {
        Box::pin(ActorRef::ask(self, message, deadline))
    }

    fn deliver(&self, message: M, reply: ReplyTo<M::Reply>) -> Option<BoxFuture<'static, ()>> {
        ActorRef::deliver(self, message, reply)
    }

    fn is_local(&self) -> bool {
        true
    }
}

/// A reference by message: who answers, and on which node, the sender need not know.
pub struct Address<M: Message> {
    target: Arc<dyn Target<M>>,
}

impl<M: Message> Address<M> {
    /// An address of any target; the bridge makes those of remote actors.
    pub fn new(target: Arc<dyn Target<M>>) -> Address<M> {
        Address { target }
    }

    /// See [`ActorRef::tell`].
    pub fn tell(&self, message: M) -> Result<(), SendError> {
        self.target.tell(message)
    }

    /// See [`ActorRef::ask`].
    pub fn ask(
        &self,
        message: M,
        deadline: Duration,
    ) -> BoxFuture<'static, Result<M::Reply, AskError>> {
        self.target.ask(message, deadline)
    }

    /// See [`ActorRef::deliver`].
    pub fn deliver(&self, message: M, reply: ReplyTo<M::Reply>) -> Option<BoxFuture<'static, ()>> {
        self.target.deliver(message, reply)
    }

    /// Where the actor stands.
    pub fn path(&self) -> &ActorPath {
        self.target.path()
    }

    /// Whether a message sent here is moved, not encoded.
    pub fn is_local(&self) -> bool {
        self.target.is_local()
    }
}

impl<M: Message> Clone for Address<M> {
    fn clone(&self) -> Address<M> {
        Address { target: self.target.clone() }
    }
}

impl<M: Message> fmt::Debug for Address<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address<{}>({})", M::NAME, self.path())
    }
}
