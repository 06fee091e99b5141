//! Tests of the runtime's promises. All but `threads` run in one thread on paused time: a `sleep` returns when nothing
//! else can be done, so `settle` means "until everything that can happen has happened".

mod asking;
mod compute;
mod delivering;
mod figures;
mod inside;
mod lifecycle;
mod mailbox;
mod pure;
mod supervision;
mod threads;
mod timers;
mod tree;

use std::{marker::PhantomData, sync::Arc, time::Duration};

use parking_lot::Mutex;
use serde_json::json;

use super::*;

/// What actors write for the test to read.
pub(super) type Log = Arc<Mutex<Vec<String>>>;

pub(super) fn log() -> Log {
    Log::default()
}

pub(super) fn lines(log: &Log) -> Vec<String> {
    log.lock().clone()
}

/// Pauses time and starts a system in this thread.
pub(super) fn paused() -> System {
    tokio::time::pause();
    System::for_test()
}

pub(super) async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

pub(super) const SECOND: Duration = Duration::from_secs(1);

/// How a subject is supervised and how much it takes.
pub(super) trait Policy: 'static {
    fn mailbox() -> MailboxOptions {
        MailboxOptions::default()
    }
    fn supervision() -> Supervision {
        Supervision::restart()
    }
}

macro_rules! policy {
    ($name:ident, $capacity:expr, $overflow:ident, $supervision:expr) => {
        pub(super) struct $name;
        impl Policy for $name {
            fn mailbox() -> MailboxOptions {
                MailboxOptions { capacity: $capacity, overflow: Overflow::$overflow }
            }
            fn supervision() -> Supervision {
                $supervision
            }
        }
    };
}

policy!(Plain, 1024, Reject, Supervision::restart());
policy!(Rejects, 2, Reject, Supervision::restart());
policy!(DropsOldest, 2, DropOldest, Supervision::restart());
policy!(Waits, 2, Wait, Supervision::restart());
policy!(StopsOnPanic, 1024, Reject, Supervision::stop());
policy!(Escalates, 1024, Reject, Supervision::escalate());
policy!(OneRestart, 1024, Reject, Supervision { max_restarts: 1, ..Supervision::restart() });

/// An actor that does as it is told, and writes down what happens to it.
pub(super) struct Subject<P = Plain> {
    name: &'static str,
    log: Log,
    heard: u64,
    kept: Vec<ReplyTo<u64>>,
    policy: PhantomData<P>,
}

impl<P: Policy> Subject<P> {
    pub(super) fn new(name: &'static str, log: &Log) -> Subject<P> {
        Subject { name, log: log.clone(), heard: 0, kept: Vec::new(), policy: PhantomData }
    }

    pub(super) fn root(system: &System, name: &'static str, log: &Log) -> ActorRef<Subject<P>> {
        let log = log.clone();
        system.spawn_root(name, Thread::Same, move || Subject::new(name, &log))
    }

    fn write(&self, what: &str) {
        self.log.lock().push(format!("{} {what}", self.name));
    }
}

impl<P: Policy> Actor for Subject<P> {
    const KIND: &'static str = "subject";

    fn mailbox() -> MailboxOptions {
        P::mailbox()
    }

    fn supervision() -> Supervision {
        P::supervision()
    }

    fn started(&mut self, _ctx: &mut Context<Self>) {
        self.write("started");
    }

    fn stopping(&mut self, _ctx: &mut Context<Self>) {
        self.write("stopping");
    }

    fn observe(&self) -> serde_json::Value {
        json!({ "heard": self.heard })
    }
}

impl<P> Drop for Subject<P> {
    fn drop(&mut self) {
        self.log.lock().push(format!("{} dropped", self.name));
    }
}

/// Write this down.
pub(super) struct Note(pub(super) u64);
message!(Note => (), "Note");

/// How many notes in this life?
pub(super) struct Count;
message!(Count => u64, "Count");

/// Panic.
pub(super) struct Boom;
message!(Boom => u64, "Boom");

/// Handle nothing for so long.
pub(super) struct Busy(pub(super) Duration);
message!(Busy => (), "Busy");

/// Let go of the reply.
pub(super) struct Forget;
message!(Forget => u64, "Forget");

/// Never answer, but keep the reply.
pub(super) struct Keep;
message!(Keep => u64, "Keep");

type Act<A> = Box<dyn FnOnce(&mut A, &mut Context<A>) + Send>;

/// Do this on the actor.
pub(super) struct Do<A: Actor>(pub(super) Act<A>);

impl<A: Actor> Message for Do<A> {
    type Reply = ();
    const NAME: &'static str = "Do";
}

pub(super) fn act<P: Policy>(
    f: impl FnOnce(&mut Subject<P>, &mut Context<Subject<P>>) + Send + 'static,
) -> Do<Subject<P>> {
    Do(Box::new(f))
}

impl<P: Policy> Handler<Note> for Subject<P> {
    fn handle(&mut self, note: Note, _reply: ReplyTo<()>, _ctx: &mut Context<Self>) {
        self.heard += 1;
        self.write(&note.0.to_string());
    }
}

impl<P: Policy> Handler<Count> for Subject<P> {
    fn handle(&mut self, _: Count, reply: ReplyTo<u64>, _ctx: &mut Context<Self>) {
        reply.send(self.heard);
    }
}

impl<P: Policy> Handler<Boom> for Subject<P> {
    fn handle(&mut self, _: Boom, _reply: ReplyTo<u64>, _ctx: &mut Context<Self>) {
        panic!("boom in {}", self.name);
    }
}

impl<P: Policy> Handler<Busy> for Subject<P> {
    fn handle(&mut self, busy: Busy, reply: ReplyTo<()>, ctx: &mut Context<Self>) {
        ctx.wait(async move {
            tokio::time::sleep(busy.0).await;
            reply.send(());
        });
    }
}

impl<P: Policy> Handler<Forget> for Subject<P> {
    fn handle(&mut self, _: Forget, reply: ReplyTo<u64>, _ctx: &mut Context<Self>) {
        drop(reply);
    }
}

impl<P: Policy> Handler<Keep> for Subject<P> {
    fn handle(&mut self, _: Keep, reply: ReplyTo<u64>, _ctx: &mut Context<Self>) {
        self.kept.push(reply);
    }
}

impl<P: Policy> Handler<Do<Subject<P>>> for Subject<P> {
    fn handle(&mut self, todo: Do<Subject<P>>, reply: ReplyTo<()>, ctx: &mut Context<Self>) {
        (todo.0)(self, ctx);
        reply.send(());
    }
}
