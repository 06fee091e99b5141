//! A live tap of the messages of an actor and everything below it.

use serde::Serialize;
use tokio::sync::mpsc;

use super::path::ActorPath;

/// How many events a slow reader may be behind before it loses some.
const TAP_CAPACITY: usize = 4096;

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TraceOutcome {
    /// The handler came to its end.
    Handled,
    /// The handler panicked.
    Panicked,
    /// Thrown away for a newer one.
    Dropped,
    /// Turned away at the door.
    Rejected,
}

/// One message, seen by a tap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TraceEvent {
    /// When, in milliseconds since 1970.
    pub unix_ms: u64,
    /// To whom.
    pub path: ActorPath,
    /// What.
    pub message: &'static str,
    /// From the send to the handler, in microseconds.
    pub waited_us: u64,
    /// In the handler, in microseconds.
    pub busy_us: u64,
    /// What became of it.
    pub outcome: TraceOutcome,
}

/// The far end of a tap. Letting go of it closes the tap.
#[derive(Debug)]
pub struct TraceReceiver {
    events: mpsc::Receiver<TraceEvent>,
}

impl TraceReceiver {
    /// The next message; `None` when the system is gone.
    pub async fn recv(&mut self) -> Option<TraceEvent> {
        self.events.recv().await
    }

    /// The next message if one is there.
    pub fn try_recv(&mut self) -> Option<TraceEvent> {
        self.events.try_recv().ok()
    }
}

impl futures::Stream for TraceReceiver {
    type Item = TraceEvent;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<TraceEvent>> {
        self.events.poll_recv(cx)
    }
}

/// One open tap.
#[derive(Debug)]
pub(super) struct Tap {
    pub(super) prefix: ActorPath,
    events: mpsc::Sender<TraceEvent>,
}

impl Tap {
    pub(super) fn open(prefix: ActorPath) -> (Tap, TraceReceiver) {
        let (sender, receiver) = mpsc::channel(TAP_CAPACITY);
        (Tap { prefix, events: sender }, TraceReceiver { events: receiver })
    }

    pub(super) fn is_open(&self) -> bool {
        !self.events.is_closed()
    }

    /// Offers an event; a reader that is too far behind misses it.
    pub(super) fn offer(&self, event: &TraceEvent) {
        if event.path.is_within(&self.prefix) {
            let _ = self.events.try_send(event.clone());
        }
    }
}
