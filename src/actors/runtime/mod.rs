//! The actor runtime: what a database needs of actors, and actix does not give.
//!
//! Every actor lives in a `Cell`, a small actix actor that hosts ours. The cell owns the mailbox, the
//! figures, the timers and the children; the actor itself is only a value inside, made by a factory, and made anew
//! after a panic, while address, mailbox and figures stay as they are. See `docs/architecture/runtime.md` for the
//! promises; in short:
//!
//! - messages of one sender to one actor are handled in the order they were sent, one at a time;
//! - at most once: a message may be lost (full mailbox, stopped actor, panic in hand), and whoever asked is told;
//! - a panic never leaves its cell: it is caught, logged, counted, and the supervision of that kind decides;
//! - time, randomness and placement come through [`System`], so that a simulator can own them.
//!
//! Statements compute on threads of their own ([`compute`]), behind those that run actors.
//!
//! One concern a file: [`path`] names actors, [`message`] and [`actor`] are the traits, [`mailbox`] queues and
//! meters, [`reference`](mod@reference) sends, [`context`] is what a handler may do, `cell` hosts, [`supervisor`]
//! judges failures, `arbiters` are the threads, [`system`] holds it together; [`lifecycle`] and [`health`] are for
//! services, [`clock`], [`rng`] and [`registry`] are seams, [`trace`], [`figures`] and [`metrics`] let one look inside.

pub mod actor;
mod arbiters;
mod cell;
mod children;
pub mod clock;
pub mod compute;
pub mod context;
mod core;
pub mod failure;
pub mod figures;
pub mod health;
pub mod lifecycle;
pub mod mailbox;
pub mod message;
pub mod metrics;
pub mod path;
pub mod reference;
pub mod registry;
pub mod rng;
pub mod supervisor;
pub mod system;
pub mod trace;

#[cfg(test)]
mod tests;

pub use crate::message;
pub use actor::{Actor, Handler, Thread};
pub use clock::{Clock, Monotonic};
pub use compute::{Compute, Roaming};
pub use context::{Below, Context, TimerHandle};
pub use failure::Failure;
pub use figures::{
    ActorDetail, ActorSnapshot, ActorState, Dormant, InHand, MailboxFigures, Quantiles,
};
pub use health::{Health, HealthBoard, HealthState};
pub use lifecycle::{Lifecycle, LifecycleError, Service};
pub use mailbox::{MailboxOptions, Overflow};
pub use message::{AskError, Asker, Message, Refusal, ReplyTo, SendError};
pub use path::ActorPath;
pub use reference::{ActorRef, Address, Target};
pub use registry::{LocalRegistry, Registry};
pub use rng::Rng;
pub use supervisor::{OnFailure, Supervision};
pub use system::{System, SystemOptions};
pub use trace::{TraceEvent, TraceOutcome, TraceReceiver};
