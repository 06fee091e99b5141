//! The traits an actor implements.

use super::{
    context::Context,
    mailbox::MailboxOptions,
    message::{Message, ReplyTo},
    supervisor::Supervision,
};

/// State with a mailbox. A handler runs to its end before the next message is looked at; what it spawns interleaves.
pub trait Actor: Sized + 'static {
    /// The kind of actor, as `/actors` and the metrics name it: `region-peer`.
    const KIND: &'static str;

    /// How much may wait, and what happens beyond.
    fn mailbox() -> MailboxOptions {
        MailboxOptions::default()
    }

    /// What a panic in an actor of this kind means.
    fn supervision() -> Supervision {
        Supervision::restart()
    }

    /// Before the first message, and again on every restart with the fresh state.
    fn started(&mut self, _ctx: &mut Context<Self>) {}

    /// Last words on a normal stop, after the children have stopped. What is given to `ctx.wait` here is waited for;
    /// not called after a panic.
    fn stopping(&mut self, _ctx: &mut Context<Self>) {}

    /// What `/actors/{path}` shows of the inside.
    fn observe(&self) -> serde_json::Value {
        serde_json::Value::Null
    }
}

/// An actor that understands `M`.
pub trait Handler<M: Message>: Actor {
    /// Handles one message. Answer with `reply.send(..)`, now or later.
    fn handle(&mut self, message: M, reply: ReplyTo<M::Reply>, ctx: &mut Context<Self>);
}

/// Where an actor runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thread {
    /// On the thread of its parent; for a root, on the first core arbiter.
    Same,
    /// On the core arbiters, in turn.
    Any,
    /// On an arbiter of its own, which ends with it: it may block.
    Dedicated,
}
