//! The threads. Real ones are actix arbiters under an actix system of ours; with none, all runs where it was started.

use std::{
    io,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use actix::Arbiter;
use tokio::sync::{mpsc, oneshot};

use super::actor::Thread;

/// Something to be run once on an arbiter's thread.
pub(super) type Job = Box<dyn FnOnce() + Send>;

/// What the host thread is asked to do.
enum Order {
    /// Run this on a new arbiter of its own.
    Dedicated(Job),
    /// End all arbiters, wait for their threads, and say so.
    Stop(oneshot::Sender<()>),
}

/// The arbiters of one system.
pub(super) struct Arbiters {
    place: Place,
    next: AtomicUsize,
}

enum Place {
    /// Core arbiters, and the host thread, which owns all arbiters and starts the dedicated ones.
    Threads { core: Vec<actix::ArbiterHandle>, host: mpsc::UnboundedSender<Order> },
    /// The `LocalSet` of the thread that started the system.
    Here(mpsc::UnboundedSender<Job>),
}

impl Arbiters {
    /// Starts `core` arbiters with threads of their own, whatever runtime the caller is in, if any.
    pub(super) fn threads(node: &str, core: usize) -> io::Result<Arbiters> {
        let (orders, inbox) = mpsc::unbounded_channel();
        let (ready, started) = std::sync::mpsc::channel();
        thread::Builder::new().name(format!("{node}-host")).spawn(move || {
            actix::System::new().block_on(host(core, inbox, ready));
        })?;
        let core = started
            .recv()
            .map_err(|_| io::Error::other("the thread of the arbiters ended at its start"))?;
        Ok(Arbiters { place: Place::Threads { core, host: orders }, next: AtomicUsize::new(0) })
    }

    /// Runs everything on the current `LocalSet`, without any thread.
    pub(super) fn here() -> Arbiters {
        let (jobs, mut inbox) = mpsc::unbounded_channel::<Job>();
        tokio::task::spawn_local(async move {
            while let Some(job) = inbox.recv().await {
                job();
            }
        });
        Arbiters { place: Place::Here(jobs), next: AtomicUsize::new(0) }
    }

    /// Runs a job where `thread` says. A job that can no longer run is dropped.
    pub(super) fn run(&self, thread: Thread, job: Job) {
        match &self.place {
            Place::Here(jobs) => drop(jobs.send(job)),
            Place::Threads { host, .. } if thread == Thread::Dedicated => {
                drop(host.send(Order::Dedicated(job)))
            }
            Place::Threads { core, .. } => {
                let at = match thread {
                    Thread::Any => self.next.fetch_add(1, Ordering::Relaxed) % core.len(),
                    Thread::Same | Thread::Dedicated => 0,
                };
                core[at].spawn_fn(job);
            }
        }
    }

    /// Whether a dedicated actor has a thread that must end with it.
    pub(super) fn has_threads(&self) -> bool {
        matches!(self.place, Place::Threads { .. })
    }

    /// Ends all threads. Resolves when they have ended.
    pub(super) async fn stop(&self) {
        if let Place::Threads { host, .. } = &self.place {
            let (done, stopped) = oneshot::channel();
            if host.send(Order::Stop(done)).is_ok() {
                let _ = stopped.await;
            }
        }
    }
}

/// The life of the host thread.
async fn host(
    core: usize,
    mut orders: mpsc::UnboundedReceiver<Order>,
    ready: std::sync::mpsc::Sender<Vec<actix::ArbiterHandle>>,
) {
    let mut arbiters: Vec<Arbiter> = (0..core.max(1)).map(|_| Arbiter::new()).collect();
    let _ = ready.send(arbiters.iter().map(Arbiter::handle).collect());
    let mut done = None;
    while let Some(order) = orders.recv().await {
        match order {
            Order::Dedicated(job) => {
                let (ended, living) =
                    arbiters.drain(..).partition(|arbiter: &Arbiter| !arbiter.alive());
                arbiters = living;
                join(ended);
                match Arbiter::try_with_tokio_rt(runtime) {
                    Ok(arbiter) => {
                        arbiter.spawn_fn(job);
                        arbiters.push(arbiter);
                    }
                    Err(error) => tracing::error!(%error, "failed to start a thread for an actor"),
                }
            }
            Order::Stop(sender) => {
                done = Some(sender);
                break;
            }
        }
    }
    for arbiter in &arbiters {
        arbiter.stop();
    }
    join(arbiters);
    if let Some(done) = done {
        let _ = done.send(());
    }
}

fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

fn join(arbiters: Vec<Arbiter>) {
    for arbiter in arbiters {
        let _ = arbiter.join();
    }
}
