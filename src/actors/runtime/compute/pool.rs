//! The workers.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use tokio::runtime::Handle;

use super::ComputeFigures;
use super::queue::Queue;
use super::roaming::{Visit, work_for};

/// The stack of a worker: what recurses over the deepest statement there may be fits, without optimization too.
pub const STACK_BYTES: usize = 128 << 20;
/// How much the workers stand back behind the threads that serve: mailboxes and sockets come first.
const NICE: i32 = 5;
/// A worker whose poll takes longer is not counted on any more while others wait.
const LONG_POLL: Duration = Duration::from_millis(20);
/// How often it is looked whether workers have to be relieved, while something waits.
const WATCH: Duration = Duration::from_millis(10);
/// So many threads stand in for others at most.
const MOST_STANDING_IN: usize = 64;

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The workers of one system.
pub(super) struct Pool {
    node: String,
    workers: usize,
    began: Instant,
    state: Mutex<State>,
    /// Wakes workers.
    work: Condvar,
    /// Wakes the watcher.
    watch: Condvar,
    entered: AtomicU64,
    relieved: AtomicU64,
}

#[derive(Default)]
struct State {
    queue: Queue<Arc<Task>>,
    slots: Vec<Arc<Slot>>,
    idle: usize,
    is_watched: bool,
    is_stopping: bool,
}

/// A worker, as others see it.
#[derive(Default)]
struct Slot {
    /// When the poll in hand began, in milliseconds since the pool did, plus one; 0: none is.
    polls_since: AtomicU64,
}

#[expect(
    clippy::disallowed_methods,
    reason = "real threads share the machine by real time; a system with paused time has none"
)]
fn now() -> Instant {
    Instant::now()
}

impl Pool {
    pub(super) fn start(node: &str, workers: usize) -> Arc<Pool> {
        let pool = Arc::new(Pool {
            node: node.to_owned(),
            workers,
            began: now(),
            state: Mutex::default(),
            work: Condvar::new(),
            watch: Condvar::new(),
            entered: AtomicU64::new(0),
            relieved: AtomicU64::new(0),
        });
        let watched = pool.clone();
        let watcher = thread::Builder::new().name(format!("{node}-compute-watch"));
        watcher.spawn(move || watched.watch()).expect("the machine has threads to start with");
        let mut state = pool.state.lock();
        for _ in 0..workers {
            assert!(pool.start_worker(&mut state), "the machine has threads to start with");
        }
        drop(state);
        pool
    }

    /// Whether a worker could be started.
    fn start_worker(self: &Arc<Pool>, state: &mut State) -> bool {
        let slot = Arc::new(Slot::default());
        let (pool, own) = (self.clone(), slot.clone());
        let number = state.slots.len() + 1;
        let started = thread::Builder::new()
            .name(format!("{}-compute-{number}", self.node))
            .stack_size(STACK_BYTES)
            .spawn(move || {
                work_for(pool.clone());
                pool.run(&own);
            });
        if let Err(error) = &started {
            tracing::warn!(%error, "failed to start a thread that computes");
            return false;
        }
        state.slots.push(slot);
        true
    }

    /// The life of a worker.
    fn run(&self, slot: &Arc<Slot>) {
        // One that may not stand back works all the same.
        let _ = rustix::process::nice(NICE);
        while let Some(task) = self.next(slot) {
            let since = self.began.elapsed().as_millis() as u64 + 1;
            slot.polls_since.store(since, Ordering::Relaxed);
            task.run();
            slot.polls_since.store(0, Ordering::Relaxed);
        }
    }

    /// What is to be polled next; `None`: this worker is to end.
    fn next(&self, slot: &Arc<Slot>) -> Option<Arc<Task>> {
        let mut state = self.state.lock();
        loop {
            if state.slots.len() > self.workers && self.free(&state) > self.workers {
                break;
            }
            if let Some(task) = state.queue.pop() {
                return Some(task);
            }
            if state.is_stopping {
                break;
            }
            state.idle += 1;
            self.work.wait(&mut state);
            state.idle -= 1;
        }
        state.slots.retain(|other| !Arc::ptr_eq(other, slot));
        None
    }

    /// How many workers will soon be back.
    fn free(&self, state: &State) -> usize {
        let now = self.began.elapsed();
        let is_free = |slot: &&Arc<Slot>| {
            let since = slot.polls_since.load(Ordering::Relaxed);
            since == 0 || now.saturating_sub(Duration::from_millis(since - 1)) < LONG_POLL
        };
        state.slots.iter().filter(is_free).count()
    }

    /// The life of the watcher: starts workers for those that are in a long poll, while something waits.
    fn watch(self: &Arc<Pool>) {
        let mut state = self.state.lock();
        while !state.is_stopping {
            if state.queue.is_empty() {
                state.is_watched = false;
                self.watch.wait(&mut state);
                continue;
            }
            state.is_watched = true;
            self.watch.wait_for(&mut state, WATCH);
            let is_short = !state.queue.is_empty()
                && state.idle == 0
                && state.slots.len() < self.workers + MOST_STANDING_IN
                && self.free(&state) < self.workers;
            if is_short && self.start_worker(&mut state) {
                self.relieved.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn push(&self, task: Arc<Task>) {
        let used = Duration::from_nanos(task.used_nanos.load(Ordering::Relaxed));
        let mut state = self.state.lock();
        state.queue.push(task, used);
        if state.idle > 0 {
            self.work.notify_one();
        }
        // Idle workers may have been woken for others already.
        if state.queue.len() > state.idle && !state.is_watched {
            self.watch.notify_one();
        }
    }

    /// Takes a future over. Its timers and tasks stay with the caller's runtime.
    pub(super) fn enter(self: &Arc<Pool>, work: Work) -> Arc<Task> {
        self.entered.fetch_add(1, Ordering::Relaxed);
        let task = Arc::new(Task {
            pool: self.clone(),
            runtime: Handle::try_current().ok(),
            work: Mutex::new(Some(work)),
            state: AtomicU8::new(IDLE),
            is_aborted: AtomicBool::new(false),
            used_nanos: AtomicU64::new(0),
        });
        task.schedule();
        task
    }

    /// Runs something nobody waits for.
    pub(super) fn spawn(self: &Arc<Pool>, work: Work) {
        drop(self.enter(work));
    }

    pub(super) fn figures(&self) -> ComputeFigures {
        let state = self.state.lock();
        ComputeFigures {
            workers: state.slots.len(),
            idle: state.idle,
            waiting: state.queue.len(),
            entered: self.entered.load(Ordering::Relaxed),
            relieved: self.relieved.load(Ordering::Relaxed),
        }
    }

    pub(super) fn stop(&self) {
        self.state.lock().is_stopping = true;
        self.work.notify_all();
        self.watch.notify_all();
    }
}

/// Waits to be woken.
const IDLE: u8 = 0;
/// Waits for a worker.
const QUEUED: u8 = 1;
/// Is polled.
const POLLED: u8 = 2;
/// Is polled, and was woken meanwhile.
const WOKEN: u8 = 3;
/// Has ended.
const ENDED: u8 = 4;

/// A future on the workers.
pub(super) struct Task {
    pool: Arc<Pool>,
    runtime: Option<Handle>,
    work: Mutex<Option<Work>>,
    state: AtomicU8,
    is_aborted: AtomicBool,
    used_nanos: AtomicU64,
}

impl Task {
    /// Drops the future as soon as nobody polls it.
    pub(super) fn abort(self: &Arc<Task>) {
        self.is_aborted.store(true, Ordering::Release);
        self.schedule();
    }

    /// It can go on.
    fn schedule(self: &Arc<Task>) {
        let mut now = self.state.load(Ordering::Acquire);
        loop {
            let next = match now {
                IDLE => QUEUED,
                POLLED => WOKEN,
                _ => return,
            };
            match self.state.compare_exchange(now, next, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) if next == QUEUED => return self.pool.push(self.clone()),
                Ok(_) => return,
                Err(other) => now = other,
            }
        }
    }

    /// One poll, by a worker that took it from the queue.
    fn run(self: Arc<Task>) {
        self.state.store(POLLED, Ordering::Release);
        let ended = self.poll();
        if ended {
            self.state.store(ENDED, Ordering::Release);
            return;
        }
        if self.state.compare_exchange(POLLED, IDLE, Ordering::AcqRel, Ordering::Acquire).is_err() {
            self.state.store(QUEUED, Ordering::Release);
            let pool = self.pool.clone();
            pool.push(self);
        }
    }

    /// Whether it has ended.
    fn poll(self: &Arc<Task>) -> bool {
        let mut work = self.work.lock();
        let Some(future) = work.as_mut() else { return true };
        let _runtime = self.runtime.as_ref().map(Handle::enter);
        let began = now();
        let _visit = Visit::worker(began);
        let waker = Waker::from(self.clone());
        let polled = match self.is_aborted.load(Ordering::Acquire) {
            true => Poll::Ready(()),
            false => {
                let mut cx = Context::from_waker(&waker);
                let poll = AssertUnwindSafe(|| future.as_mut().poll(&mut cx));
                catch_unwind(poll).unwrap_or(Poll::Ready(()))
            }
        };
        let used = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.used_nanos.fetch_add(used, Ordering::Relaxed);
        if polled.is_ready() {
            let ended = work.take();
            // Destructors are anybody's code.
            let _ = catch_unwind(AssertUnwindSafe(|| drop(ended)));
        }
        polled.is_ready()
    }
}

impl Wake for Task {
    fn wake(self: Arc<Task>) {
        self.schedule();
    }

    fn wake_by_ref(self: &Arc<Task>) {
        self.schedule();
    }
}
