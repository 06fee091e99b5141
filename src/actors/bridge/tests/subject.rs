//! The actor that tests send to, and what it understands.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;

use crate::actors::bridge::Bridge;
use crate::actors::bridge::wire::{WireError, Wired};
use crate::actors::runtime::{
    Actor, ActorRef, Context, Handler, MailboxOptions, Overflow, ReplyTo, System, Thread,
};
use crate::message;

/// What the subject has heard, in the order of hearing.
pub(in crate::actors::bridge) type Heard = Arc<Mutex<Vec<u64>>>;

/// Write this down.
#[derive(Clone, Copy, Debug)]
pub(in crate::actors::bridge) struct Note(pub(in crate::actors::bridge) u64);
message!(Note => (), "TestNote");

/// How many notes in this life?
#[derive(Clone, Copy, Debug)]
pub(in crate::actors::bridge) struct Count;
message!(Count => u64, "TestCount");

/// A heartbeat, in another class.
#[derive(Clone, Copy, Debug)]
pub(in crate::actors::bridge) struct Beat;
message!(Beat => (), "TestBeat");

/// What to do with a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::actors::bridge) enum What {
    /// Say how long the payload was.
    Measure,
    /// Let go of the question.
    Forget,
    /// Keep it, and never answer.
    Keep,
    /// Panic.
    Panic,
    /// Handle nothing for so many milliseconds, then answer.
    Busy(u64),
    /// Say whether the first question kept is still wanted: 1 or 0.
    IsWanted,
}

/// A question with a payload.
#[derive(Clone, Debug)]
pub(in crate::actors::bridge) struct Work {
    pub(in crate::actors::bridge) what: What,
    pub(in crate::actors::bridge) payload: Bytes,
}
message!(Work => u64, "TestWork");

impl Work {
    pub(in crate::actors::bridge) fn of(what: What) -> Work {
        Work { what, payload: Bytes::new() }
    }
}

/// Its form on the wire.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::actors::bridge) struct WireWork {
    #[prost(uint32, tag = "1")]
    what: u32,
    #[prost(uint64, tag = "2")]
    argument: u64,
    #[prost(bytes = "bytes", tag = "3")]
    payload: Bytes,
}

macro_rules! wired_by_number {
    ($message:ty, $reply:ty, $to:expr, $from:expr) => {
        impl Wired for $message {
            type Wire = u64;
            type WireReply = $reply;

            fn into_wire(self) -> u64 {
                $to(self)
            }

            fn from_wire(wire: u64) -> Result<$message, WireError> {
                Ok($from(wire))
            }

            fn reply_to_wire(reply: $reply) -> $reply {
                reply
            }

            fn reply_from_wire(wire: $reply) -> Result<$reply, WireError> {
                Ok(wire)
            }
        }
    };
}

wired_by_number!(Note, (), |note: Note| note.0, Note);
wired_by_number!(Count, u64, |_| 0, |_| Count);
wired_by_number!(Beat, (), |_| 0, |_| Beat);

impl Wired for Work {
    type Wire = WireWork;
    type WireReply = u64;

    fn into_wire(self) -> WireWork {
        let (what, argument) = match self.what {
            What::Measure => (1, 0),
            What::Forget => (2, 0),
            What::Keep => (3, 0),
            What::Panic => (4, 0),
            What::Busy(ms) => (5, ms),
            What::IsWanted => (6, 0),
        };
        WireWork { what, argument, payload: self.payload }
    }

    fn from_wire(wire: WireWork) -> Result<Work, WireError> {
        let what = match wire.what {
            1 => What::Measure,
            2 => What::Forget,
            3 => What::Keep,
            4 => What::Panic,
            5 => What::Busy(wire.argument),
            6 => What::IsWanted,
            other => return Err(WireError::of::<Work>(format!("no work has number {other}"))),
        };
        Ok(Work { what, payload: wire.payload })
    }

    fn reply_to_wire(reply: u64) -> u64 {
        reply
    }

    fn reply_from_wire(wire: u64) -> Result<u64, WireError> {
        Ok(wire)
    }
}

/// How many messages wait for a subject, or are turned away.
pub(in crate::actors::bridge) const CAPACITY: usize = 100;

/// See the module. `WAITS`: a full mailbox makes senders wait.
pub(in crate::actors::bridge) struct Subject<const WAITS: bool> {
    heard: Heard,
    kept: Vec<ReplyTo<u64>>,
    count: u64,
}

impl<const WAITS: bool> Subject<WAITS> {
    /// Starts one at `/<node>/<name>` that other nodes can reach.
    pub(in crate::actors::bridge) fn start(
        system: &System,
        bridge: &Bridge,
        name: &str,
        heard: &Heard,
    ) -> ActorRef<Subject<WAITS>> {
        let heard = heard.clone();
        let subject = system.spawn_root(name, Thread::Same, move || Subject {
            heard: heard.clone(),
            kept: Vec::new(),
            count: 0,
        });
        let _ = bridge
            .export(&subject)
            .message::<Note>()
            .message::<Count>()
            .message::<Beat>()
            .message::<Work>();
        subject
    }
}

impl<const WAITS: bool> Actor for Subject<WAITS> {
    const KIND: &'static str = "test-subject";

    fn mailbox() -> MailboxOptions {
        let overflow = if WAITS { Overflow::Wait } else { Overflow::Reject };
        MailboxOptions { capacity: CAPACITY, overflow }
    }
}

impl<const WAITS: bool> Handler<Note> for Subject<WAITS> {
    fn handle(&mut self, note: Note, reply: ReplyTo<()>, _ctx: &mut Context<Self>) {
        self.count += 1;
        self.heard.lock().push(note.0);
        reply.send(());
    }
}

impl<const WAITS: bool> Handler<Count> for Subject<WAITS> {
    fn handle(&mut self, _: Count, reply: ReplyTo<u64>, _ctx: &mut Context<Self>) {
        reply.send(self.count);
    }
}

impl<const WAITS: bool> Handler<Beat> for Subject<WAITS> {
    fn handle(&mut self, _: Beat, reply: ReplyTo<()>, _ctx: &mut Context<Self>) {
        reply.send(());
    }
}

impl<const WAITS: bool> Handler<Work> for Subject<WAITS> {
    fn handle(&mut self, work: Work, reply: ReplyTo<u64>, ctx: &mut Context<Self>) {
        match work.what {
            What::Measure => reply.send(work.payload.len() as u64),
            What::Forget => drop(reply),
            What::Keep => self.kept.push(reply),
            What::Panic => panic!("as it was told"),
            What::Busy(ms) => ctx.wait(async move {
                tokio::time::sleep(Duration::from_millis(ms)).await;
                reply.send(ms);
            }),
            What::IsWanted => {
                let is_wanted = self.kept.first().is_some_and(ReplyTo::is_wanted);
                reply.send(is_wanted.into());
            }
        }
    }
}
