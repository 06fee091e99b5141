//! The part of a cell that references hold, shared and the same over all restarts; and what system, parent and
//! children see of it, whatever actor is inside.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering},
};

use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::{
    actor::Actor,
    cell::Cell,
    clock::Monotonic,
    figures::{ActorSnapshot, ActorState, MailboxFigures},
    mailbox::Mailbox,
    message::SendError,
    path::ActorPath,
    system::System,
    trace::{TraceEvent, TraceOutcome},
};

/// A word of the runtime to a cell.
pub(super) enum Control {
    /// Stop, normally.
    Stop,
    /// A child has failed and escalates.
    ChildFailed { path: ActorPath, reason: String },
    /// A child is gone.
    ChildStopped(u64),
    /// Say what is inside.
    Observe(oneshot::Sender<serde_json::Value>),
}

impl actix::Message for Control {
    type Result = ();
}

/// The part of a cell that references hold: shared, and the same over all restarts.
pub(super) struct ActorCore<A: Actor> {
    pub(super) id: u64,
    pub(super) path: ActorPath,
    pub(super) system: System,
    pub(super) mailbox: Mailbox<A>,
    control: actix::Addr<Cell<A>>,
    pub(super) parent: Option<Arc<dyn Parent>>,
    state: AtomicU8,
    pub(super) restarts: AtomicU64,
    pub(super) panics: AtomicU64,
    tapped: AtomicBool,
    on_stop: Mutex<Vec<oneshot::Sender<()>>>,
}

/// A cell as the system sees it, whatever actor is inside.
pub(super) trait Hosted: Send + Sync {
    fn id(&self) -> u64;
    fn path(&self) -> &ActorPath;
    fn snapshot(&self) -> ActorSnapshot;
    fn request_stop(&self);
    fn when_stopped(&self) -> oneshot::Receiver<()>;
    fn observe(&self) -> oneshot::Receiver<serde_json::Value>;
    fn set_tapped(&self, tapped: bool);
}

/// A cell as its children see it.
pub(super) trait Parent: Send + Sync {
    /// A child escalates. False when there is nobody any more to judge it.
    fn child_failed(&self, path: ActorPath, reason: String) -> bool;
    fn child_stopped(&self, id: u64);
}

impl<A: Actor> ActorCore<A> {
    pub(super) fn new(
        system: &System,
        path: ActorPath,
        parent: Option<Arc<dyn Parent>>,
        control: actix::Addr<Cell<A>>,
    ) -> ActorCore<A> {
        ActorCore {
            id: system.next_id(),
            tapped: AtomicBool::new(false),
            path,
            system: system.clone(),
            mailbox: Mailbox::new(A::mailbox()),
            control,
            parent,
            state: AtomicU8::new(ActorState::Starting as u8),
            restarts: AtomicU64::new(0),
            panics: AtomicU64::new(0),
            on_stop: Mutex::new(Vec::new()),
        }
    }

    pub(super) fn state(&self) -> ActorState {
        ActorState::from_u8(self.state.load(Ordering::Acquire))
    }

    pub(super) fn set_state(&self, state: ActorState) {
        self.state.store(state as u8, Ordering::Release);
    }

    pub(super) fn now(&self) -> Monotonic {
        self.system.clock().now()
    }

    pub(super) fn figures(&self) -> MailboxFigures {
        self.mailbox.figures(self.now())
    }

    pub(super) fn trace_lost(&self, message: &'static str) {
        self.trace(message, 0, 0, TraceOutcome::Dropped);
    }

    pub(super) fn trace_rejected(&self, message: &'static str) {
        self.trace(message, 0, 0, TraceOutcome::Rejected);
    }

    pub(super) fn is_tapped(&self) -> bool {
        self.tapped.load(Ordering::Relaxed)
    }

    pub(super) fn trace(
        &self,
        message: &'static str,
        waited_ns: u64,
        busy_ns: u64,
        outcome: TraceOutcome,
    ) {
        if self.is_tapped() {
            self.system.offer_trace(&TraceEvent {
                unix_ms: self.system.clock().unix_ms(),
                path: self.path.clone(),
                message,
                waited_us: waited_ns / 1_000,
                busy_us: busy_ns / 1_000,
                outcome,
            });
        }
    }

    /// The end: nobody gets in any more, whoever waits is told, and so is everybody who cares.
    pub(super) fn close(&self) {
        if self.state() == ActorState::Stopped {
            return;
        }
        let refused = self.mailbox.close(self.now());
        self.set_state(ActorState::Stopped);
        for parcel in refused {
            self.trace_lost(parcel.name());
            parcel.refuse(SendError::Stopped(self.path.clone()));
        }
        self.system.forget(self);
        if let Some(parent) = &self.parent {
            parent.child_stopped(self.id);
        }
        for waiting in self.on_stop.lock().drain(..) {
            let _ = waiting.send(());
        }
    }
}

impl<A: Actor> Hosted for ActorCore<A> {
    fn id(&self) -> u64 {
        self.id
    }

    fn path(&self) -> &ActorPath {
        &self.path
    }

    fn snapshot(&self) -> ActorSnapshot {
        ActorSnapshot {
            path: self.path.clone(),
            kind: A::KIND,
            state: self.state(),
            restarts: self.restarts.load(Ordering::Relaxed),
            panics: self.panics.load(Ordering::Relaxed),
            mailbox: self.figures(),
        }
    }

    fn request_stop(&self) {
        self.control.do_send(Control::Stop);
    }

    fn when_stopped(&self) -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        let mut on_stop = self.on_stop.lock();
        if self.state() == ActorState::Stopped {
            let _ = sender.send(());
        } else {
            on_stop.push(sender);
        }
        receiver
    }

    fn observe(&self) -> oneshot::Receiver<serde_json::Value> {
        let (sender, receiver) = oneshot::channel();
        self.control.do_send(Control::Observe(sender));
        receiver
    }

    fn set_tapped(&self, tapped: bool) {
        self.tapped.store(tapped, Ordering::Relaxed);
    }
}

impl<A: Actor> Parent for ActorCore<A> {
    fn child_failed(&self, path: ActorPath, reason: String) -> bool {
        let listening = self.control.connected();
        self.control.do_send(Control::ChildFailed { path, reason });
        listening
    }

    fn child_stopped(&self, id: u64) {
        self.control.do_send(Control::ChildStopped(id));
    }
}
