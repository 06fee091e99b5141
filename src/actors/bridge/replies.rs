//! The way back: answers on their way from the actors of this node to whoever asked on another.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Waker;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::time::Instant;
use tracing::warn;

use super::proto::{Answer, Failure};

/// What an answer costs beside its body.
const ANSWER_BYTES: usize = 16;

/// The answers that wait for one stream. Bounded by the other side: it asks no more than its outbox allows.
pub(super) struct Replies {
    state: Mutex<State>,
    limits: ReplyLimits,
    /// How many replies this process has encoded.
    encoded: Arc<AtomicU64>,
}

/// How large things may get.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReplyLimits {
    /// About how much goes into one frame.
    pub(super) frame_bytes: usize,
    /// One reply may not be larger.
    pub(super) reply_bytes_max: usize,
}

#[derive(Default)]
struct State {
    answers: VecDeque<Answer>,
    stream: Option<Waker>,
    is_closed: bool,
}

impl Replies {
    pub(super) fn new(encoded: Arc<AtomicU64>, limits: ReplyLimits) -> Arc<Replies> {
        Arc::new(Replies { state: Mutex::default(), limits, encoded })
    }

    /// What waits, up to a frame's size; with nothing, `waker` is woken by the next answer.
    pub(super) fn take(&self, waker: &Waker) -> Vec<Answer> {
        let mut state = self.state.lock();
        let mut taken = Vec::new();
        let mut bytes = 0;
        while let Some(first) = state.answers.front() {
            bytes += first.body.len() + ANSWER_BYTES;
            if !taken.is_empty() && bytes > self.limits.frame_bytes {
                break;
            }
            taken.extend(state.answers.pop_front());
        }
        if taken.is_empty() {
            state.stream = Some(waker.clone());
        }
        taken
    }

    /// The stream is gone: nobody waits for answers any more.
    pub(super) fn close(&self) {
        let mut state = self.state.lock();
        state.is_closed = true;
        state.answers.clear();
        state.stream = None;
    }

    fn push(&self, answer: Answer) {
        let mut state = self.state.lock();
        if state.is_closed {
            return;
        }
        state.answers.push_back(answer);
        let stream = state.stream.take();
        drop(state);
        if let Some(stream) = stream {
            stream.wake();
        }
    }
}

/// Where one answer goes.
pub(super) struct Way {
    pub(super) replies: Arc<Replies>,
    pub(super) correlation: u64,
    /// When the asker stops waiting.
    pub(super) until: Instant,
}

impl Way {
    pub(super) fn reply(self, wire: &impl prost::Message) {
        if !self.is_open() {
            return;
        }
        let body: Bytes = wire.encode_to_vec().into();
        self.replies.encoded.fetch_add(1, Ordering::Relaxed);
        if body.len() > self.replies.limits.reply_bytes_max {
            warn!(bytes = body.len(), "a reply is too large for the bridge");
            return self.fail(Failure::TooLarge);
        }
        self.answer(body, Failure::None);
    }

    pub(super) fn fail(self, failure: Failure) {
        self.answer(Bytes::new(), failure);
    }

    /// Whether the asker still waits, as far as this side knows.
    pub(super) fn is_open(&self) -> bool {
        Instant::now() < self.until && !self.replies.state.lock().is_closed
    }

    fn answer(self, body: Bytes, failure: Failure) {
        let correlation = self.correlation;
        self.replies.push(Answer { correlation, body, failure: failure.into() });
    }
}
