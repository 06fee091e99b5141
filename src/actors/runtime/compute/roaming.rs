//! A future that goes to the workers when it asks to, and what it may ask for.

use std::any::Any;
use std::cell::{Cell, OnceCell};
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use tokio::sync::oneshot;

use super::pool::{Pool, Task};

/// So long a future may compute before it is to let others go first.
const SLICE: Duration = Duration::from_millis(5);

/// Who polls, on this thread, right now.
#[derive(Clone, Copy)]
enum Place {
    /// Somebody who knows nothing of workers.
    Elsewhere,
    /// The thread a roaming future was started on; whether it has asked for a worker.
    Serving { asked: bool },
    /// A worker, in a poll that began then.
    Worker { since: Instant },
}

thread_local! {
    static PLACE: Cell<Place> = const { Cell::new(Place::Elsewhere) };
    /// Whose worker this thread is.
    static POOL: OnceCell<Arc<Pool>> = const { OnceCell::new() };
}

/// This thread works for a pool, as long as it lives.
pub(super) fn work_for(pool: Arc<Pool>) {
    // A thread is made for one pool.
    let _ = POOL.with(|own| own.set(pool));
}

/// Whose worker this thread is.
pub(super) fn own_pool() -> Option<Arc<Pool>> {
    POOL.with(|own| own.get().cloned())
}

/// Drops something that takes long to drop after everything else that waits for a worker, if the caller runs on one.
pub fn dispose<T: Send + 'static>(value: T) {
    match own_pool() {
        Some(pool) => pool.spawn(Box::pin(async move { drop(value) })),
        None => drop(value),
    }
}

/// Sets the place, and sets it back when it is dropped.
pub(super) struct Visit(Place);

impl Visit {
    fn begin(place: Place) -> Visit {
        Visit(PLACE.replace(place))
    }

    /// A worker begins to poll.
    pub(super) fn worker(since: Instant) -> Visit {
        Visit::begin(Place::Worker { since })
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        PLACE.set(self.0);
    }
}

/// Goes on on a worker, if the future that awaits it roams and is not there yet.
pub async fn enter() {
    poll_fn(|cx| {
        if let Place::Serving { .. } = PLACE.get() {
            PLACE.set(Place::Serving { asked: true });
            // Whatever stands between us and the roaming future is to poll us again.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    })
    .await;
}

/// Lets others go first, if this poll has taken long already.
pub async fn breathe() {
    let mut has_paused = false;
    poll_fn(|cx| match PLACE.get() {
        Place::Worker { since } if !has_paused && since.elapsed() >= SLICE => {
            has_paused = true;
            cx.waker().wake_by_ref();
            Poll::Pending
        }
        _ => Poll::Ready(()),
    })
    .await;
}

/// Whether the caller runs on a worker.
pub fn is_worker() -> bool {
    matches!(PLACE.get(), Place::Worker { .. })
}

pub(super) type Panic = Box<dyn Any + Send>;
type Work<T> = Pin<Box<dyn Future<Output = T> + Send>>;

enum State<T> {
    /// Polled by whoever polls us.
    Here(Work<T>),
    /// With the pool, which sends what comes of it.
    Away(oneshot::Receiver<Result<T, Panic>>, Arc<Task>),
    /// It has ended, or is on its way.
    Gone,
}

/// A future that goes to the workers when it asks to. Dropping it drops the future: at once, or as soon as the worker that polls
/// it comes back. A panic in it is a panic here.
pub struct Roaming<T> {
    pool: Option<Arc<Pool>>,
    state: State<T>,
}

impl<T: Send + 'static> Roaming<T> {
    pub(super) fn new(pool: Option<Arc<Pool>>, future: Work<T>) -> Roaming<T> {
        Roaming { pool, state: State::Here(future) }
    }

    /// Hands the future over.
    fn leave(&mut self, pool: &Arc<Pool>) {
        let State::Here(future) = std::mem::replace(&mut self.state, State::Gone) else { return };
        let (sender, receiver) = oneshot::channel();
        let task = pool.enter(Box::pin(async move {
            let ended = AssertUnwindSafe(future).catch_unwind().await;
            // Nobody waits for it any more when this fails.
            let _ = sender.send(ended);
        }));
        self.state = State::Away(receiver, task);
    }
}

impl<T: Send + 'static> Future for Roaming<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let this = &mut *self;
        if let State::Here(future) = &mut this.state {
            let Some(pool) = this.pool.clone() else { return future.as_mut().poll(cx) };
            let visit = Visit::begin(Place::Serving { asked: false });
            let polled = future.as_mut().poll(cx);
            let asked = matches!(PLACE.get(), Place::Serving { asked: true });
            drop(visit);
            if polled.is_ready() || !asked {
                return polled;
            }
            this.leave(&pool);
        }
        let State::Away(receiver, _) = &mut this.state else {
            panic!("a roaming future is not polled after its end");
        };
        match receiver.poll_unpin(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(ended) => {
                this.state = State::Gone;
                match ended {
                    Ok(Ok(value)) => Poll::Ready(value),
                    Ok(Err(panic)) => resume_unwind(panic),
                    Err(_) => panic!("the workers have ended with the future in hand"),
                }
            }
        }
    }
}

impl<T> Drop for Roaming<T> {
    fn drop(&mut self) {
        if let State::Away(_, task) = &self.state {
            task.abort();
        }
    }
}

impl<T> std::fmt::Debug for Roaming<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.state {
            State::Here(_) => "Roaming(here)",
            State::Away(..) => "Roaming(away)",
            State::Gone => "Roaming(gone)",
        })
    }
}
