//! The cell: the actix actor that hosts one of ours, and outlives it.
//!
//! Two lanes lead into a cell. Words of the runtime ([`Control`]: stop, a child's failure, observe) come through
//! actix's own mailbox, and are seen even while messages may not be handled. Messages come through the metered
//! mailbox, which the cell drains while it is [`Phase::Running`]; in any other phase they wait.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    task::{self, Poll},
    time::Duration,
};

use actix::{
    ActorContext as _, AsyncContext as _,
    dev::channel::{AddressReceiver, channel},
    fut::ActorFuture,
};
use tokio::time::{Sleep, sleep};
use tracing::{debug, error, warn};

use super::{
    actor::{Actor, Thread},
    children::Children,
    context::{Context, Panic},
    core::{ActorCore, Control, Hosted as _, Parent},
    failure::{Failure, panic_text},
    figures::ActorState,
    mailbox::Taken,
    path::ActorPath,
    reference::ActorRef,
    supervisor::{RestartHistory, Verdict},
    system::System,
    trace::TraceOutcome,
};

/// So long a parent waits for its children to stop, before it goes on without them.
const CHILD_PATIENCE: Duration = Duration::from_secs(10);

/// After so many messages in one go, other actors of the thread get their turn.
const MESSAGES_A_TURN: u32 = 128;

/// And with the first message that ends after so long: few messages can be heavy, too.
const TURN: Duration = Duration::from_micros(500);

/// After so many messages, spawned futures and timers are looked at again.
const MESSAGES_BETWEEN_TASKS: u32 = 16;

/// Closes the core when the cell goes, however it goes: also when its thread ends, or never ran it.
struct Closing<A: Actor>(Arc<ActorCore<A>>);

impl<A: Actor> Drop for Closing<A> {
    fn drop(&mut self) {
        self.0.close();
    }
}

pub(super) type Factory<A> = Box<dyn FnMut() -> A + Send>;

/// Starts a cell. The reference can be used at once; messages wait until the cell runs on its thread.
pub(super) fn start<A: Actor>(
    system: &System,
    path: ActorPath,
    parent: Option<Arc<dyn Parent>>,
    thread: Thread,
    factory: Factory<A>,
) -> ActorRef<A> {
    let (sender, receiver) = channel::<Cell<A>>(0);
    let is_child = parent.is_some();
    let core = Arc::new(ActorCore::new(system, path, parent, actix::Addr::new(sender)));
    system.remember(core.clone());
    core.set_tapped(system.is_tapped(&core.path)); // a tap opened just now has not seen it
    let closing = Closing(core.clone());
    let owns_thread = thread == Thread::Dedicated && system.arbiters().has_threads();
    if is_child && thread == Thread::Same {
        run(closing, factory, receiver, false);
    } else {
        system
            .arbiters()
            .run(thread, Box::new(move || run(closing, factory, receiver, owns_thread)));
    }
    ActorRef { core }
}

fn run<A: Actor>(
    closing: Closing<A>,
    factory: Factory<A>,
    control: AddressReceiver<Cell<A>>,
    owns_thread: bool,
) {
    let core = closing.0.clone();
    actix::Context::with_receiver(control).run(Cell {
        actor: None,
        ctx: Context::new(ActorRef { core: core.clone() }),
        core,
        factory,
        phase: Phase::Running,
        history: RestartHistory::default(),
        owns_thread,
        _closing: closing,
    });
}

/// What a cell is about to do once its children are gone.
#[derive(Clone, Copy, Debug)]
enum After {
    /// Say the last words, then end.
    Stop,
    /// End at once: the state is in doubt.
    Quit,
    /// Fresh state, after this wait.
    Restart(Duration),
}

/// Where a cell is in its life.
enum Phase {
    /// Handling messages.
    Running,
    /// Waiting for its children to stop.
    Settling(After, Pin<Box<Sleep>>),
    /// Waiting to be restarted.
    BackingOff(Pin<Box<Sleep>>),
    /// Failed, and waiting for what its parent does.
    Escalated,
    /// Finishing what `stopping` gave to `ctx.wait`.
    LastWords,
    /// Nothing more to do.
    Ended,
}

/// What to do after a step of the cell.
enum Step {
    Again,
    Sleep,
    End,
}

/// One of our actors in an actix actor.
pub(super) struct Cell<A: Actor> {
    // Dropped in this order: the actor's state first, the door closed last.
    actor: Option<Box<A>>,
    ctx: Context<A>,
    core: Arc<ActorCore<A>>,
    factory: Factory<A>,
    phase: Phase,
    history: RestartHistory,
    owns_thread: bool,
    _closing: Closing<A>,
}

impl<A: Actor> actix::Actor for Cell<A> {
    type Context = actix::Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.begin();
        ctx.spawn(Pump);
    }

    fn stopped(&mut self, _ctx: &mut Self::Context) {
        self.finish();
    }
}

impl<A: Actor> actix::Handler<Control> for Cell<A> {
    type Result = ();

    fn handle(&mut self, control: Control, _ctx: &mut Self::Context) {
        match control {
            Control::Stop => self.stop(),
            Control::ChildFailed { path, reason } => self.child_failed(&path, &reason),
            Control::ChildStopped(id) => self.ctx.children.remove(id),
            Control::Observe(answer) => {
                if let Some(actor) = &self.actor
                    && let Ok(observed) = catch_unwind(AssertUnwindSafe(|| actor.observe()))
                {
                    let _ = answer.send(observed);
                }
            }
        }
    }
}

/// Drives the cell: an actix future, polled whenever something has happened, after the control lane.
struct Pump;

impl<A: Actor> ActorFuture<Cell<A>> for Pump {
    type Output = ();

    fn poll(
        self: Pin<&mut Self>,
        cell: &mut Cell<A>,
        ctx: &mut actix::Context<Cell<A>>,
        cx: &mut task::Context<'_>,
    ) -> Poll<()> {
        loop {
            match cell.step(cx) {
                Step::Again => {}
                Step::Sleep => return Poll::Pending,
                Step::End => {
                    ctx.stop();
                    return Poll::Ready(());
                }
            }
        }
    }
}

impl<A: Actor> Cell<A> {
    fn step(&mut self, cx: &mut task::Context<'_>) -> Step {
        match &mut self.phase {
            Phase::Running => self.work(cx),
            Phase::Settling(after, patience) => {
                let after = *after;
                if self.ctx.children.len() > 0 {
                    if patience.as_mut().poll(cx).is_pending() {
                        return Step::Sleep;
                    }
                    warn!(path = %self.core.path, children = self.ctx.children.len(), "children do not stop, going on without them");
                    self.ctx.children = Children::default();
                }
                self.settled(after);
                Step::Again
            }
            Phase::BackingOff(backoff) => {
                if backoff.as_mut().poll(cx).is_pending() {
                    return Step::Sleep;
                }
                self.core.restarts.fetch_add(1, Ordering::Relaxed);
                self.begin();
                Step::Again
            }
            Phase::Escalated => Step::Sleep,
            Phase::LastWords => match self.ctx.poll_exclusive(cx) {
                Poll::Pending => Step::Sleep,
                Poll::Ready(ended) => {
                    if let Err(panic) = ended {
                        self.report("stopping", &panic);
                    }
                    self.phase = Phase::Ended;
                    Step::Again
                }
            },
            Phase::Ended => Step::End,
        }
    }

    /// Messages, spawned futures and timers, until there is nothing to do or the turn is over.
    fn work(&mut self, cx: &mut task::Context<'_>) -> Step {
        let began = self.core.now();
        for turn in 0..MESSAGES_A_TURN {
            if self.ctx.stop_requested {
                self.stop();
                return Step::Again;
            }
            match self.ctx.poll_exclusive(cx) {
                Poll::Pending => return Step::Sleep,
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(panic)) => {
                    self.fail("wait", &panic);
                    return Step::Again;
                }
            }
            if turn % MESSAGES_BETWEEN_TASKS != 0 || !self.run_task(cx) {
                let now = self.core.now();
                if now.since(began) > TURN {
                    break;
                }
                match self.core.mailbox.take(now, cx.waker()) {
                    Some(taken) => self.handle(taken),
                    None if self.run_task(cx) => {}
                    None => return Step::Sleep,
                }
            }
            // After a failure: what waits in the mailbox is for the next life, which somebody must wake.
            if !matches!(self.phase, Phase::Running) {
                return Step::Again;
            }
        }
        cx.waker().wake_by_ref();
        Step::Sleep
    }

    /// Runs what has to be done after one spawned future or timer. False if none has ended.
    fn run_task(&mut self, cx: &mut task::Context<'_>) -> bool {
        let Some(ended) = self.ctx.poll_task(cx) else {
            return false;
        };
        let (Some(actor), ctx) = (&mut self.actor, &mut self.ctx) else {
            return false;
        };
        let outcome = match ended.then {
            Ok(None) => Ok(()),
            Ok(Some(then)) => catch_unwind(AssertUnwindSafe(|| then(actor, ctx))),
            Err(panic) => Err(panic),
        };
        if let Err(panic) = outcome {
            self.fail(ended.what, &panic);
        }
        true
    }

    fn handle(&mut self, taken: Taken<A>) {
        let Taken { parcel, name, waited_ns } = taken;
        let (Some(actor), ctx) = (&mut self.actor, &mut self.ctx) else {
            return;
        };
        let tapped_at = self.core.is_tapped().then(|| self.core.now());
        let outcome = catch_unwind(AssertUnwindSafe(|| parcel.deliver(actor, ctx)));
        if let Some(since) = tapped_at {
            let busy = self.core.now().as_nanos().saturating_sub(since.as_nanos());
            let ended =
                if outcome.is_ok() { TraceOutcome::Handled } else { TraceOutcome::Panicked };
            self.core.trace(name, waited_ns, busy, ended);
        }
        if let Err(panic) = outcome {
            self.fail(name, &panic);
        } else if !self.ctx.is_free() {
            // Something else runs before the next message is taken: this one ends here.
            self.core.mailbox.put_down(self.core.now());
        }
    }

    /// Makes fresh state and starts it.
    fn begin(&mut self) {
        self.core.set_state(ActorState::Starting);
        self.ctx.stop_requested = false;
        self.phase = Phase::Running;
        let (factory, slot, ctx) = (&mut self.factory, &mut self.actor, &mut self.ctx);
        let begun =
            catch_unwind(AssertUnwindSafe(|| slot.insert(Box::new(factory())).started(ctx)));
        match begun {
            Ok(()) => self.core.set_state(ActorState::Running),
            Err(panic) => self.fail("started", &panic),
        }
    }

    /// A panic of this actor: it is put on record, and judged.
    fn fail(&mut self, what: &'static str, panic: &Panic) {
        self.core.mailbox.put_down(self.core.now());
        let reason = self.report(what, panic);
        self.judge(&reason);
    }

    fn report(&self, what: &'static str, panic: &Panic) -> String {
        let text = panic_text(&**panic);
        self.core.panics.fetch_add(1, Ordering::Relaxed);
        error!(path = %self.core.path, kind = A::KIND, handling = what, panic = %text, "an actor panicked");
        let reason = format!("{} panicked in {what}: {text}", self.core.path);
        self.core.system.record_failure(Failure {
            path: self.core.path.clone(),
            kind: A::KIND,
            message: what,
            panic: text,
            unix_ms: self.core.system.clock().unix_ms(),
        });
        reason
    }

    /// A child cannot be borne any longer: this actor has failed with it.
    fn child_failed(&mut self, child: &ActorPath, reason: &str) {
        if matches!(self.phase, Phase::Running | Phase::BackingOff(_)) {
            warn!(path = %self.core.path, %child, "an actor fails with its child");
            self.judge(reason);
        }
    }

    fn judge(&mut self, reason: &str) {
        self.core.set_state(ActorState::Restarting);
        self.ctx.drop_work();
        let supervision = A::supervision();
        match self.history.judge(&supervision, self.core.now()) {
            Verdict::Restart(backoff) => self.settle(After::Restart(backoff)),
            Verdict::Stop => self.settle(After::Quit),
            Verdict::Escalate => self.escalate(reason),
        }
    }

    fn escalate(&mut self, reason: &str) {
        self.phase = Phase::Escalated;
        match &self.core.parent {
            Some(parent) => {
                if !parent.child_failed(self.core.path.clone(), reason.to_owned()) {
                    self.settle(After::Quit);
                }
            }
            None => {
                self.core.system.abort(&self.core.path, reason);
                self.settle(After::Quit); // only where the abort has been replaced
            }
        }
    }

    /// A normal stop, unless the cell is past that.
    fn stop(&mut self) {
        match self.phase {
            Phase::Running => self.settle(After::Stop),
            Phase::BackingOff(_) | Phase::Escalated => self.settle(After::Quit),
            Phase::Settling(ref mut after @ After::Restart(_), _) => *after = After::Quit,
            Phase::Settling(..) | Phase::LastWords | Phase::Ended => {}
        }
    }

    /// Stops the children, the youngest first, and waits until they are gone.
    fn settle(&mut self, after: After) {
        self.core.mailbox.put_down(self.core.now());
        self.ctx.children.request_stop();
        self.phase = Phase::Settling(after, Box::pin(sleep(CHILD_PATIENCE)));
    }

    fn settled(&mut self, after: After) {
        self.ctx.drop_work();
        match after {
            After::Stop => {
                self.phase = Phase::LastWords;
                if let (Some(actor), ctx) = (&mut self.actor, &mut self.ctx)
                    && let Err(panic) = catch_unwind(AssertUnwindSafe(|| actor.stopping(ctx)))
                {
                    self.report("stopping", &panic);
                    self.phase = Phase::Ended;
                }
            }
            After::Quit => self.phase = Phase::Ended,
            After::Restart(backoff) => {
                self.drop_actor();
                self.phase = Phase::BackingOff(Box::pin(sleep(backoff)));
            }
        }
    }

    /// Drops the state, which runs its destructors: user code.
    fn drop_actor(&mut self) {
        let actor = self.actor.take();
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(actor))) {
            self.report("drop", &panic);
        }
    }

    /// The end of the cell. Also comes here when its thread ends.
    fn finish(&mut self) {
        self.ctx.drop_work();
        self.drop_actor();
        self.ctx.children.request_stop();
        self.core.close();
        debug!(path = %self.core.path, "an actor has stopped");
        if self.owns_thread {
            actix::Arbiter::current().stop();
        }
    }
}
