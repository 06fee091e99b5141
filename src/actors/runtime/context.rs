//! What a handler may do besides changing its state.

use std::{
    any::Any,
    collections::VecDeque,
    future::Future,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    time::Duration,
};

use futures::{FutureExt, StreamExt, stream::FuturesUnordered};
use tokio::sync::Notify;

use super::{
    actor::{Actor, Thread},
    cell,
    children::Children,
    clock::instant_after,
    core::Parent,
    path::ActorPath,
    reference::ActorRef,
    system::System,
};

/// The payload of a caught panic.
pub(super) type Panic = Box<dyn Any + Send>;

/// What is done on the actor when a task has ended.
type Then<A> = Box<dyn FnOnce(&mut A, &mut Context<A>)>;

/// A finished task: what ran, and what to do now.
pub(super) struct Ended<A: Actor> {
    pub(super) what: &'static str,
    pub(super) then: Result<Option<Then<A>>, Panic>,
}

type Task<A> = Pin<Box<dyn Future<Output = Ended<A>>>>;
type Exclusive = Pin<Box<dyn Future<Output = Result<(), Panic>>>>;

/// An actor's hold on the runtime, given to every handler.
pub struct Context<A: Actor> {
    me: ActorRef<A>,
    tasks: FuturesUnordered<Task<A>>,
    exclusive: VecDeque<Exclusive>,
    pub(super) children: Children,
    pub(super) stop_requested: bool,
}

impl<A: Actor> Context<A> {
    pub(super) fn new(me: ActorRef<A>) -> Context<A> {
        Context {
            me,
            tasks: FuturesUnordered::new(),
            exclusive: VecDeque::new(),
            children: Children::default(),
            stop_requested: false,
        }
    }

    /// A reference to this actor.
    pub fn me(&self) -> &ActorRef<A> {
        &self.me
    }

    /// Where this actor stands.
    pub fn path(&self) -> &ActorPath {
        self.me.path()
    }

    /// The node's runtime.
    pub fn system(&self) -> &System {
        &self.me.core.system
    }

    /// How many messages wait: 0 means "flush your batch now".
    pub fn mailbox_len(&self) -> usize {
        self.me.mailbox_len()
    }

    /// Whether nothing runs beside the messages: no spawned future, no timer, nothing that is waited for.
    pub fn is_quiet(&self) -> bool {
        self.tasks.is_empty() && self.exclusive.is_empty()
    }

    /// Runs a future beside the messages. It ends with the actor, also at a restart; a panic in it is the actor's.
    pub fn spawn(&mut self, future: impl Future<Output = ()> + 'static) {
        let guarded = AssertUnwindSafe(future).catch_unwind();
        self.tasks.push(Box::pin(async move {
            Ended { what: "task", then: guarded.await.map(|()| None) }
        }));
    }

    /// Runs a future beside the messages, and then `then` on the actor, with the future's result.
    pub fn spawn_then<T: 'static>(
        &mut self,
        future: impl Future<Output = T> + 'static,
        then: impl FnOnce(&mut A, T, &mut Context<A>) + 'static,
    ) {
        let guarded = AssertUnwindSafe(future).catch_unwind();
        self.tasks.push(Box::pin(async move {
            let then = guarded.await.map(|value| {
                let then: Then<A> = Box::new(move |actor, ctx| then(actor, value, ctx));
                Some(then)
            });
            Ended { what: "task", then }
        }));
    }

    /// Runs a future before anything else of this actor: no message, timer or spawned future runs until it ends.
    /// Several wait in the order they were given. Only a stop comes in between, and drops it.
    pub fn wait(&mut self, future: impl Future<Output = ()> + 'static) {
        self.exclusive.push_back(Box::pin(AssertUnwindSafe(future).catch_unwind()));
    }

    /// Calls `f` once, after some time.
    pub fn run_later(
        &mut self,
        after: Duration,
        f: impl FnOnce(&mut A, &mut Context<A>) + 'static,
    ) -> TimerHandle {
        let timer = TimerHandle::default();
        let at = instant_after(after);
        self.arm(&timer, at, f);
        timer
    }

    /// Calls `f` again and again. A call that comes late puts off the next; calls never pile up.
    pub fn run_interval(
        &mut self,
        every: Duration,
        f: impl FnMut(&mut A, &mut Context<A>) + 'static,
    ) -> TimerHandle {
        let timer = TimerHandle::default();
        let at = instant_after(every);
        self.arm_interval(timer.clone(), at, every, f);
        timer
    }

    /// Starts an actor below this one, supervised by it. A name taken by a living child gets a number appended.
    pub fn child<C: Actor>(
        &mut self,
        name: impl Into<String>,
        thread: Thread,
        factory: impl FnMut() -> C + Send + 'static,
    ) -> ActorRef<C> {
        self.below().child(name, thread, factory)
    }

    /// The place below this actor, for who starts actors there and need not know below whom.
    pub fn below(&mut self) -> Below<'_> {
        Below {
            path: self.me.path(),
            system: &self.me.core.system,
            parent: self.me.core.clone(),
            children: &mut self.children,
        }
    }

    /// The living children.
    pub fn children(&self) -> Vec<ActorPath> {
        self.children.paths()
    }

    /// Ends this actor after the current message.
    pub fn stop(&mut self) {
        self.stop_requested = true;
    }

    fn arm(
        &mut self,
        timer: &TimerHandle,
        at: tokio::time::Instant,
        f: impl FnOnce(&mut A, &mut Context<A>) + 'static,
    ) {
        let timer = timer.clone();
        self.tasks.push(Box::pin(async move {
            let due = tokio::select! {
                biased;
                () = timer.state.cancel.notified() => false,
                () = tokio::time::sleep_until(at) => true,
            };
            let then: Option<Then<A>> = due.then(|| -> Then<A> {
                Box::new(move |actor, ctx| {
                    if !timer.is_cancelled() {
                        f(actor, ctx);
                    }
                })
            });
            Ended { what: "timer", then: Ok(then) }
        }));
    }

    fn arm_interval(
        &mut self,
        timer: TimerHandle,
        at: tokio::time::Instant,
        every: Duration,
        mut f: impl FnMut(&mut A, &mut Context<A>) + 'static,
    ) {
        let handle = timer.clone();
        self.arm(&handle, at, move |actor, ctx| {
            f(actor, ctx);
            let on_time = at.checked_add(every).filter(|next| *next > tokio::time::Instant::now());
            let next = on_time.unwrap_or_else(|| instant_after(every));
            ctx.arm_interval(timer, next, every, f);
        });
    }

    /// Polls what has to end before anything else runs. `Ready(Ok)` means there is nothing of the kind (any more).
    pub(super) fn poll_exclusive(
        &mut self,
        cx: &mut std::task::Context<'_>,
    ) -> Poll<Result<(), Panic>> {
        while let Some(first) = self.exclusive.front_mut() {
            match first.as_mut().poll(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(ended) => {
                    self.exclusive.pop_front();
                    if ended.is_err() {
                        return Poll::Ready(ended);
                    }
                }
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Whether the next message may be taken right away.
    pub(super) fn is_free(&self) -> bool {
        self.exclusive.is_empty() && !self.stop_requested
    }

    /// The next spawned future or timer that has ended.
    pub(super) fn poll_task(&mut self, cx: &mut std::task::Context<'_>) -> Option<Ended<A>> {
        if self.tasks.is_empty() {
            return None;
        }
        match self.tasks.poll_next_unpin(cx) {
            Poll::Ready(ended) => ended,
            Poll::Pending => None,
        }
    }

    /// Drops everything that runs beside the messages.
    pub(super) fn drop_work(&mut self) {
        // Dropping a future runs its destructors, which are user code.
        let tasks = std::mem::take(&mut self.tasks);
        let exclusive = std::mem::take(&mut self.exclusive);
        let _ = std::panic::catch_unwind(AssertUnwindSafe(|| drop((tasks, exclusive))));
    }
}

/// The place below an actor of any kind.
pub struct Below<'a> {
    path: &'a ActorPath,
    system: &'a System,
    parent: Arc<dyn Parent>,
    children: &'a mut Children,
}

impl Below<'_> {
    /// Starts an actor there; see [`Context::child`].
    pub fn child<C: Actor>(
        self,
        name: impl Into<String>,
        thread: Thread,
        factory: impl FnMut() -> C + Send + 'static,
    ) -> ActorRef<C> {
        let path = self.path.free_child(&name.into(), |path| self.children.has(path));
        let child = cell::start(self.system, path, Some(self.parent), thread, Box::new(factory));
        self.children.add(child.core.clone());
        child
    }
}

/// Takes a timer back.
#[derive(Clone, Debug, Default)]
pub struct TimerHandle {
    state: Arc<TimerState>,
}

#[derive(Debug, Default)]
struct TimerState {
    cancelled: AtomicBool,
    cancel: Notify,
}

impl TimerHandle {
    /// The timer will not fire any more. Letting go of the handle does not cancel.
    pub fn cancel(&self) {
        self.state.cancelled.store(true, Ordering::Release);
        self.state.cancel.notify_one();
    }

    /// Whether it was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.state.cancelled.load(Ordering::Acquire)
    }
}
