//! Messages, their replies, and what can go wrong on the way.

use std::fmt;

use tokio::sync::oneshot;

use super::path::ActorPath;

/// Something an actor can be told. The value is moved to the actor, never encoded on the way.
pub trait Message: Send + 'static {
    /// What the actor answers; `()` for most messages that are only told.
    type Reply: Send + 'static;
    /// The name shown in `/actors`, in traces and in logs.
    const NAME: &'static str;
}

/// Implements [`Message`](crate::actors::runtime::Message) for a type:
/// `message!(GetRegion => Option<Region>, "GetRegion")`, or without a name (the type's is taken).
#[macro_export]
macro_rules! message {
    ($message:ty => $reply:ty, $name:literal) => {
        impl $crate::actors::runtime::Message for $message {
            type Reply = $reply;
            const NAME: &'static str = $name;
        }
    };
    ($message:ty => $reply:ty) => {
        impl $crate::actors::runtime::Message for $message {
            type Reply = $reply;
            const NAME: &'static str = stringify!($message);
        }
    };
}

/// A message did not get into the mailbox.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The mailbox is full, and its kind rejects (or dropped this message for a newer one).
    #[error("the mailbox of {0} is full")]
    Overloaded(ActorPath),
    /// The actor has stopped, before or while the message waited.
    #[error("{0} has stopped")]
    Stopped(ActorPath),
    /// The actor lives elsewhere, and the link to it is broken: nothing was sent.
    #[error("{0} cannot be reached")]
    Unreachable(ActorPath),
    /// The actor lives elsewhere, and the message is larger than what goes there: it will never arrive.
    #[error("the message to {0} is larger than bridge.max-message")]
    TooLarge(ActorPath),
}

/// A question got no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// The question did not arrive.
    #[error(transparent)]
    Send(#[from] SendError),
    /// The link to the actor's node broke before the answer came. The question may have been handled.
    #[error("the link to {0} broke before it answered")]
    Lost(ActorPath),
    /// No answer within the deadline. The question may still be handled later.
    #[error("{0} did not answer in time")]
    Timeout(ActorPath),
    /// The actor let go of the question without an answer.
    #[error("{0} gave no answer")]
    NoReply(ActorPath),
    /// The actor panicked with the question in hand.
    #[error("{0} failed while it handled the question")]
    Failed(ActorPath),
    /// The actor lives elsewhere, and its answer is larger than what comes from there. The question was handled.
    #[error("the answer of {0} is larger than bridge.max-message")]
    TooLarge(ActorPath),
}

impl AskError {
    /// The path that was asked.
    pub fn path(&self) -> &ActorPath {
        match self {
            AskError::Send(
                SendError::Overloaded(path)
                | SendError::Stopped(path)
                | SendError::Unreachable(path)
                | SendError::TooLarge(path),
            )
            | AskError::Lost(path)
            | AskError::Timeout(path)
            | AskError::NoReply(path)
            | AskError::Failed(path)
            | AskError::TooLarge(path) => path,
        }
    }
}

/// Why a question ended without an answer, on its way back to the asker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It did not get to the actor, or the actor stopped before it was handled.
    NotDelivered(SendError),
    /// The actor panicked with the question in hand.
    Panicked,
    /// The actor let go of it.
    NoReply,
}

pub(super) type ReplySender<T> = oneshot::Sender<Result<T, Refusal>>;
pub(super) type ReplyReceiver<T> = oneshot::Receiver<Result<T, Refusal>>;

/// Somebody elsewhere who waits for an answer: how the bridge takes it back to another node.
pub trait Asker<T>: Send + Sync {
    /// The question has ended, on the actor's thread: it must not block.
    fn answer(self: Box<Self>, outcome: Result<T, Refusal>);
    /// Whether the answer is still waited for.
    fn is_waiting(&self) -> bool;
}

enum Slot<T> {
    Here(ReplySender<T>),
    Away(Box<dyn Asker<T>>),
}

impl<T> Slot<T> {
    fn end(self, outcome: Result<T, Refusal>) {
        match self {
            Slot::Here(sender) => drop(sender.send(outcome)),
            Slot::Away(asker) => asker.answer(outcome),
        }
    }
}

/// The way back to whoever asked. Keep it as long as you like and answer once; letting go of it unanswered tells
/// the asker [`AskError::NoReply`] (or [`AskError::Failed`] when a panic lets go of it).
pub struct ReplyTo<T> {
    slot: Option<Slot<T>>,
}

impl<T> ReplyTo<T> {
    /// A way back to nobody: what a `tell` carries.
    pub fn nobody() -> ReplyTo<T> {
        ReplyTo { slot: None }
    }

    /// A way back to an asker elsewhere.
    pub fn away(asker: Box<dyn Asker<T>>) -> ReplyTo<T> {
        ReplyTo { slot: Some(Slot::Away(asker)) }
    }

    pub(super) fn slot() -> (ReplyTo<T>, ReplyReceiver<T>) {
        let (sender, receiver) = oneshot::channel();
        (ReplyTo { slot: Some(Slot::Here(sender)) }, receiver)
    }

    /// Answers. Nothing happens when nobody waits (any more).
    pub fn send(mut self, reply: T) {
        if let Some(slot) = self.slot.take() {
            slot.end(Ok(reply));
        }
    }

    /// Whether somebody still waits for the answer: false for a `tell`, and after the asker's deadline.
    pub fn is_wanted(&self) -> bool {
        match &self.slot {
            None => false,
            Some(Slot::Here(sender)) => !sender.is_closed(),
            Some(Slot::Away(asker)) => asker.is_waiting(),
        }
    }

    pub(super) fn refuse(mut self, error: SendError) {
        if let Some(slot) = self.slot.take() {
            slot.end(Err(Refusal::NotDelivered(error)));
        }
    }
}

impl<T> fmt::Debug for ReplyTo<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplyTo").field("wanted", &self.is_wanted()).finish()
    }
}

impl<T> Drop for ReplyTo<T> {
    fn drop(&mut self) {
        match self.slot.take() {
            Some(slot) if std::thread::panicking() => slot.end(Err(Refusal::Panicked)),
            // An asker here sees its channel closed.
            None | Some(Slot::Here(_)) => {}
            Some(away) => away.end(Err(Refusal::NoReply)),
        }
    }
}
