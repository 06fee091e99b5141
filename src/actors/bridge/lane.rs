//! A lane: the outbox of one class to one node, shared by those who send, on any thread, and the task that drives
//! the stream.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures::Stream;
use futures::future::poll_fn;
use parking_lot::Mutex;
use std::sync::Arc;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::figures::LaneFigures;
use super::options::BridgeOptions;
use super::outbox::{Answered, Outbox, Outgoing, Phase, Trouble, Turned};
use super::proto::{Amount, Answer, Failure, Frame};
use super::wire::Class;

pub(super) struct Lane {
    pub(super) class: Class,
    state: Mutex<State>,
}

struct State {
    outbox: Outbox,
    /// Which stream is the current one: an older one ends when it is polled.
    stream: u64,
    /// The stream, when it has found nothing to send.
    sender: Option<Waker>,
    /// The driver, when it waits for somebody to want something.
    driver: Option<Waker>,
    round_trip: Option<Duration>,
    trouble: Option<String>,
}

impl Lane {
    pub(super) fn new(class: Class, options: &BridgeOptions) -> Lane {
        let state = State {
            outbox: Outbox::new(options.queue, options.frame_bytes),
            stream: 0,
            sender: None,
            driver: None,
            round_trip: None,
            trouble: None,
        };
        Lane { class, state: Mutex::new(state) }
    }

    /// Whether a message would be turned away for want of a link: asked before the work of encoding it.
    pub(super) fn is_down(&self) -> bool {
        matches!(self.state.lock().outbox.phase, Phase::Broken | Phase::Closed)
    }

    pub(super) fn push(
        &self,
        outgoing: Outgoing,
        asker: Option<oneshot::Sender<Answered>>,
    ) -> Result<u64, Turned> {
        let mut state = self.state.lock();
        let correlation = state.outbox.push(outgoing, asker)?;
        let waker = match state.outbox.phase {
            Phase::Open => state.sender.take(),
            _ => state.driver.take(),
        };
        drop(state);
        wake(waker);
        Ok(correlation)
    }

    /// The asker has given up.
    pub(super) fn forget(&self, correlation: u64) {
        self.state.lock().outbox.forget(correlation);
    }

    /// Until somebody has something to send.
    pub(super) async fn wanted(&self) {
        poll_fn(|cx| {
            let mut state = self.state.lock();
            if state.outbox.phase != Phase::Idle {
                return Poll::Ready(());
            }
            state.driver = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Begins a stream: what is to be sent over it, `hello` first and nothing else until it is open.
    pub(super) fn stream(self: &Arc<Lane>, hello: Frame) -> LaneStream {
        let mut state = self.state.lock();
        state.stream += 1;
        LaneStream { lane: self.clone(), number: state.stream, hello: Some(hello) }
    }

    /// The other side has let us in.
    pub(super) fn opened(&self, limit: Amount) {
        let mut state = self.state.lock();
        state.outbox.opened(limit);
        state.trouble = None;
        let waker = state.sender.take();
        drop(state);
        wake(waker);
    }

    /// The stream is gone.
    pub(super) fn broken(&self, phase: Phase, why: &str) {
        let mut state = self.state.lock();
        state.stream += 1;
        state.round_trip = None;
        state.trouble = Some(why.to_owned());
        let askers = state.outbox.broken(phase);
        let waker = state.sender.take();
        drop(state);
        wake(waker);
        for (asker, trouble) in askers {
            let _ = asker.send(Err(trouble));
        }
    }

    pub(super) fn ping(&self, number: u64) {
        let mut state = self.state.lock();
        state.outbox.ping(number);
        let waker = state.sender.take();
        drop(state);
        wake(waker);
    }

    pub(super) fn pong(&self, round_trip: Duration) {
        self.state.lock().round_trip = Some(round_trip);
    }

    /// What the other side says.
    pub(super) fn received(&self, limit: Option<Amount>, answers: Vec<Answer>) {
        let mut askers = Vec::with_capacity(answers.len());
        let mut state = self.state.lock();
        if let Some(limit) = limit {
            state.outbox.granted(limit);
        }
        for answer in answers {
            let Some(asker) = state.outbox.answered(answer.correlation, answer.body.len()) else {
                continue;
            };
            askers.push((asker, outcome(answer)));
        }
        let waker = limit.and_then(|_| state.sender.take());
        drop(state);
        wake(waker);
        for (asker, outcome) in askers {
            let _ = asker.send(outcome);
        }
    }

    pub(super) fn figures(&self) -> LaneFigures {
        let state = self.state.lock();
        let outbox = &state.outbox;
        let (queued_messages, queued_bytes) = outbox.queued();
        let credit = outbox.credit();
        let counts = outbox.counts;
        LaneFigures {
            class: self.class.name(),
            state: outbox.phase,
            queued_messages,
            queued_bytes,
            in_flight: outbox.in_flight(),
            credit_messages: credit.messages,
            credit_bytes: credit.bytes,
            sent_messages: counts.messages,
            sent_bytes: counts.bytes,
            answers: counts.answers,
            answer_bytes: counts.answer_bytes,
            overloaded: counts.overloaded,
            lost: counts.lost,
            reconnects: counts.opened.saturating_sub(1),
            round_trip_us: state
                .round_trip
                .map(|time| u64::try_from(time.as_micros()).unwrap_or(u64::MAX)),
            trouble: state.trouble.clone(),
        }
    }
}

fn outcome(answer: Answer) -> Answered {
    match answer.failure() {
        Failure::None => Ok(answer.body),
        failure => Err(Trouble::Failed(failure)),
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// The frames of one stream, made when the stream is ready for them. Ends when the stream is not the current one.
pub(super) struct LaneStream {
    lane: Arc<Lane>,
    number: u64,
    hello: Option<Frame>,
}

impl Stream for LaneStream {
    type Item = Frame;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Frame>> {
        if let Some(hello) = self.hello.take() {
            return Poll::Ready(Some(hello));
        }
        let now = Instant::now();
        let mut state = self.lane.state.lock();
        if state.stream != self.number {
            return Poll::Ready(None);
        }
        match state.outbox.next_frame(now) {
            Some(frame) => Poll::Ready(Some(frame)),
            None => {
                state.sender = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}
