//! Messages, their replies, and what can go wrong on the way.

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
    /// The actor lives elsewhere, and the link to it is broken.
    #[error("{0} cannot be reached")]
    Unreachable(ActorPath),
}

/// A question got no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// The question did not arrive.
    #[error(transparent)]
    Send(#[from] SendError),
    /// No answer within the deadline. The question may still be handled later.
    #[error("{0} did not answer in time")]
    Timeout(ActorPath),
    /// The actor let go of the question without an answer.
    #[error("{0} gave no answer")]
    NoReply(ActorPath),
    /// The actor panicked with the question in hand.
    #[error("{0} failed while it handled the question")]
    Failed(ActorPath),
}

impl AskError {
    /// The path that was asked.
    pub fn path(&self) -> &ActorPath {
        match self {
            AskError::Send(
                SendError::Overloaded(path)
                | SendError::Stopped(path)
                | SendError::Unreachable(path),
            )
            | AskError::Timeout(path)
            | AskError::NoReply(path)
            | AskError::Failed(path) => path,
        }
    }
}

/// Why a question ended without an answer, on its way back to the asker.
#[derive(Debug)]
pub(super) enum Refusal {
    NotDelivered(SendError),
    Panicked,
}

pub(super) type ReplySender<T> = oneshot::Sender<Result<T, Refusal>>;
pub(super) type ReplyReceiver<T> = oneshot::Receiver<Result<T, Refusal>>;

/// The way back to whoever asked. Keep it as long as you like and answer once; letting go of it unanswered tells
/// the asker [`AskError::NoReply`] (or [`AskError::Failed`] when a panic lets go of it).
#[derive(Debug)]
pub struct ReplyTo<T> {
    slot: Option<ReplySender<T>>,
}

impl<T> ReplyTo<T> {
    /// A way back to nobody: what a `tell` carries.
    pub fn nobody() -> ReplyTo<T> {
        ReplyTo { slot: None }
    }

    pub(super) fn slot() -> (ReplyTo<T>, ReplyReceiver<T>) {
        let (sender, receiver) = oneshot::channel();
        (ReplyTo { slot: Some(sender) }, receiver)
    }

    /// Answers. Nothing happens when nobody waits (any more).
    pub fn send(mut self, reply: T) {
        if let Some(slot) = self.slot.take() {
            let _ = slot.send(Ok(reply));
        }
    }

    /// Whether somebody still waits for the answer: false for a `tell`, and after the asker's deadline.
    pub fn is_wanted(&self) -> bool {
        self.slot.as_ref().is_some_and(|slot| !slot.is_closed())
    }

    pub(super) fn refuse(mut self, error: SendError) {
        if let Some(slot) = self.slot.take() {
            let _ = slot.send(Err(Refusal::NotDelivered(error)));
        }
    }
}

impl<T> Drop for ReplyTo<T> {
    fn drop(&mut self) {
        if let Some(slot) = self.slot.take()
            && std::thread::panicking()
        {
            let _ = slot.send(Err(Refusal::Panicked));
        }
    }
}
