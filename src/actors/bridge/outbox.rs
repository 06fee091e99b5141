//! What one class has to send to one node, and who waits for answers: decided here, without a socket or a task.
//!
//! A message is taken while the link is open, or is being opened for the first time. It then waits until the stream
//! is ready for a frame and the other side has granted credit. A broken link empties the outbox at once: whoever
//! asked is told, and nothing is sent twice.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::options::Bound;
use super::proto::{Amount, Envelope, Failure, Frame};

/// What an envelope costs beside its body and target.
const ENVELOPE_BYTES: usize = 32;

/// Why a question has no reply, as far as the link knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The link broke before the question went out.
    Unreachable,
    /// The link broke after the question went out: nobody knows whether it arrived.
    Lost,
    /// The other side says this.
    Failed(Failure),
}

pub(super) type Answered = Result<Bytes, Trouble>;

/// Why a message is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turned {
    /// Too much waits already.
    Overloaded,
    /// There is no link.
    Unreachable,
}

/// Where a link is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Nobody has wanted to send yet.
    Idle,
    /// Being opened for the first time: messages are taken, and wait.
    Connecting,
    /// Open.
    Open,
    /// Broken, and tried again from time to time: every message is turned away at once.
    Broken,
    /// This node stops.
    Closed,
}

/// A message to be sent.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) target: Bytes,
    pub(super) message: u32,
    pub(super) body: Bytes,
    /// When the asker stops waiting.
    pub(super) until: Option<Instant>,
    pub(super) is_traced: bool,
}

impl Outgoing {
    fn cost(&self) -> usize {
        cost(&self.target, &self.body)
    }
}

/// What an envelope counts for in credits.
pub(super) fn cost(target: &Bytes, body: &Bytes) -> usize {
    target.len() + body.len() + ENVELOPE_BYTES
}

/// What has been counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) messages: u64,
    pub(super) bytes: u64,
    pub(super) answers: u64,
    pub(super) answer_bytes: u64,
    /// Turned away because too much waited.
    pub(super) overloaded: u64,
    /// Thrown away with a broken link before they were sent, and questions whose answer was lost with it.
    pub(super) lost: u64,
    /// How often the link was opened.
    pub(super) opened: u64,
}

struct Queued {
    outgoing: Outgoing,
    correlation: u64,
}

/// See the module.
pub(super) struct Outbox {
    pub(super) phase: Phase,
    queue: VecDeque<Queued>,
    queued_bytes: usize,
    /// By correlation id, and so in the order they were asked: a broken link tells them in this order.
    asks: BTreeMap<u64, oneshot::Sender<Answered>>,
    last_correlation: u64,
    /// On the current stream.
    sent: Amount,
    limit: Amount,
    ping: u64,
    pub(super) counts: Counts,
    bound: Bound,
    frame_bytes: usize,
}

impl Outbox {
    pub(super) fn new(bound: Bound, frame_bytes: usize) -> Outbox {
        Outbox {
            phase: Phase::Idle,
            queue: VecDeque::new(),
            queued_bytes: 0,
            asks: BTreeMap::new(),
            last_correlation: 0,
            sent: Amount::default(),
            limit: Amount::default(),
            ping: 0,
            counts: Counts::default(),
            bound,
            frame_bytes,
        }
    }

    /// Takes a message; answers the correlation id, 0 without an asker.
    pub(super) fn push(
        &mut self,
        outgoing: Outgoing,
        asker: Option<oneshot::Sender<Answered>>,
    ) -> Result<u64, Turned> {
        match self.phase {
            Phase::Idle => self.phase = Phase::Connecting,
            Phase::Connecting | Phase::Open => {}
            Phase::Broken | Phase::Closed => return Err(Turned::Unreachable),
        }
        let cost = outgoing.cost();
        let is_full = self.queue.len() >= self.bound.messages
            // One message is taken by an empty outbox whatever its size.
            || (!self.queue.is_empty() && self.queued_bytes + cost > self.bound.bytes)
            || (asker.is_some() && self.asks.len() >= self.bound.messages);
        if is_full {
            self.counts.overloaded += 1;
            return Err(Turned::Overloaded);
        }
        let correlation = match asker {
            None => 0,
            Some(asker) => {
                self.last_correlation += 1;
                self.asks.insert(self.last_correlation, asker);
                self.last_correlation
            }
        };
        self.queued_bytes += cost;
        self.queue.push_back(Queued { outgoing, correlation });
        Ok(correlation)
    }

    /// A new stream begins, with nothing sent on it.
    pub(super) fn opened(&mut self, limit: Amount) {
        assert!(self.phase != Phase::Closed, "a closed link is not opened again");
        self.phase = Phase::Open;
        self.sent = Amount::default();
        self.limit = limit;
        self.ping = 0;
        self.counts.opened += 1;
    }

    /// The stream is gone: whoever waits is to be told, and what waits is thrown away.
    pub(super) fn broken(&mut self, phase: Phase) -> Vec<(oneshot::Sender<Answered>, Trouble)> {
        if self.phase != Phase::Closed {
            self.phase = phase;
        }
        let told = self.queue.iter().filter(|queued| queued.correlation == 0).count();
        // Questions go out in the order of their ids.
        let mut waiting = self.queue.iter().map(|queued| queued.correlation);
        let unsent = waiting.find(|correlation| *correlation != 0).unwrap_or(u64::MAX);
        self.queue.clear();
        self.queued_bytes = 0;
        let asks = std::mem::take(&mut self.asks);
        self.counts.lost += (told + asks.len()) as u64;
        asks.into_iter()
            .map(|(correlation, asker)| match correlation >= unsent {
                true => (asker, Trouble::Unreachable),
                false => (asker, Trouble::Lost),
            })
            .collect()
    }

    /// The other side has granted more. Limits only grow.
    pub(super) fn granted(&mut self, limit: Amount) {
        self.limit.messages = self.limit.messages.max(limit.messages);
        self.limit.bytes = self.limit.bytes.max(limit.bytes);
    }

    /// A ping is to go out with the next frame.
    pub(super) fn ping(&mut self, number: u64) {
        self.ping = number;
    }

    /// What goes out now: everything that waits, up to a frame's size and the credit.
    pub(super) fn next_frame(&mut self, now: Instant) -> Option<Frame> {
        if self.phase != Phase::Open {
            return None;
        }
        let before = self.sent;
        let mut envelopes = Vec::new();
        let mut bytes = 0;
        while self.has_credit()
            && let Some(first) = self.queue.front()
        {
            let cost = first.outgoing.cost();
            if bytes > 0 && bytes + cost > self.frame_bytes {
                break;
            }
            let Some(queued) = self.queue.pop_front() else { break };
            self.queued_bytes -= cost;
            if let Some(envelope) = self.envelope(queued, now) {
                bytes += cost;
                self.sent.messages += 1;
                self.sent.bytes += cost as u64;
                self.counts.messages += 1;
                self.counts.bytes += cost as u64;
                envelopes.push(envelope);
            }
        }
        let ping = std::mem::take(&mut self.ping);
        if envelopes.is_empty() && ping == 0 {
            return None;
        }
        Some(Frame { envelopes, before: Some(before), ping, ..Frame::default() })
    }

    /// `None` for a question nobody waits for any more.
    fn envelope(&mut self, queued: Queued, now: Instant) -> Option<Envelope> {
        let Queued { outgoing, correlation } = queued;
        if correlation != 0 && !self.asks.contains_key(&correlation) {
            return None;
        }
        let mut deadline_ms = 0;
        if let Some(until) = outgoing.until {
            let left = until.saturating_duration_since(now);
            if left.is_zero() {
                self.end(correlation, Err(Trouble::Failed(Failure::Timeout)));
                return None;
            }
            deadline_ms = u64::try_from(left.as_micros().div_ceil(1000)).unwrap_or(u64::MAX);
        }
        Some(Envelope {
            target: outgoing.target,
            message: outgoing.message,
            body: outgoing.body,
            correlation,
            deadline_ms,
            trace: outgoing.is_traced.into(),
        })
    }

    /// Takes the asker an answer is for, if it still waits.
    pub(super) fn answered(
        &mut self,
        correlation: u64,
        bytes: usize,
    ) -> Option<oneshot::Sender<Answered>> {
        self.counts.answers += 1;
        self.counts.answer_bytes += bytes as u64;
        self.asks.remove(&correlation)
    }

    /// The asker does not wait any more.
    pub(super) fn forget(&mut self, correlation: u64) {
        self.asks.remove(&correlation);
    }

    fn end(&mut self, correlation: u64, outcome: Answered) {
        if let Some(asker) = self.asks.remove(&correlation) {
            let _ = asker.send(outcome);
        }
    }

    fn has_credit(&self) -> bool {
        self.sent.messages < self.limit.messages && self.sent.bytes < self.limit.bytes
    }

    /// What may still be sent before the other side grants more.
    pub(super) fn credit(&self) -> Amount {
        Amount {
            messages: self.limit.messages.saturating_sub(self.sent.messages),
            bytes: self.limit.bytes.saturating_sub(self.sent.bytes),
        }
    }

    /// Messages and bytes that wait.
    pub(super) fn queued(&self) -> (usize, usize) {
        (self.queue.len(), self.queued_bytes)
    }

    /// Questions without an answer yet.
    pub(super) fn in_flight(&self) -> usize {
        self.asks.len()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    const ROOM: Bound = Bound { messages: 4, bytes: 1000 };
    const PLENTY: Amount = Amount { messages: 1000, bytes: 1 << 20 };

    fn outgoing(body: usize) -> Outgoing {
        Outgoing {
            target: Bytes::from_static(b"/b/x"),
            message: 1,
            body: vec![7; body].into(),
            until: None,
            is_traced: false,
        }
    }

    fn asking(
        until: Instant,
    ) -> (Outgoing, oneshot::Sender<Answered>, oneshot::Receiver<Answered>) {
        let (sender, receiver) = oneshot::channel();
        (Outgoing { until: Some(until), ..outgoing(1) }, sender, receiver)
    }

    fn sizes(frame: Option<Frame>) -> Vec<usize> {
        frame.map_or_else(Vec::new, |frame| {
            frame.envelopes.iter().map(|envelope| envelope.body.len()).collect()
        })
    }

    #[tokio::test(start_paused = true)]
    async fn what_waits_goes_out_in_one_frame_once_the_link_is_open() {
        let mut outbox = Outbox::new(ROOM, 10_000);
        for size in [1, 2, 3] {
            assert_eq!(outbox.push(outgoing(size), None), Ok(0));
        }
        assert_eq!(outbox.phase, Phase::Connecting);
        assert_eq!(outbox.next_frame(Instant::now()), None);
        outbox.opened(PLENTY);
        assert_eq!(sizes(outbox.next_frame(Instant::now())), [1, 2, 3]);
        assert_eq!(outbox.next_frame(Instant::now()), None);
        assert_eq!(outbox.queued(), (0, 0));
        outbox.push(outgoing(4), None).unwrap();
        let frame = outbox.next_frame(Instant::now()).unwrap();
        assert_eq!(frame.before.unwrap().messages, 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_frame_has_a_size_and_a_big_message_one_of_its_own() {
        let mut outbox = Outbox::new(Bound { messages: 10, bytes: 10_000 }, 200);
        outbox.opened(PLENTY);
        for size in [50, 50, 900, 10] {
            outbox.push(outgoing(size), None).unwrap();
        }
        assert_eq!(sizes(outbox.next_frame(Instant::now())), [50, 50]);
        assert_eq!(sizes(outbox.next_frame(Instant::now())), [900]);
        assert_eq!(sizes(outbox.next_frame(Instant::now())), [10]);
    }

    #[tokio::test(start_paused = true)]
    async fn credit_holds_back_and_the_bound_turns_away() {
        let mut outbox = Outbox::new(ROOM, 10_000);
        outbox.opened(Amount { messages: 2, bytes: 1000 });
        for size in 1..=4 {
            outbox.push(outgoing(size), None).unwrap();
        }
        assert_eq!(outbox.push(outgoing(5), None), Err(Turned::Overloaded));
        assert_eq!(sizes(outbox.next_frame(Instant::now())), [1, 2]);
        assert_eq!(outbox.next_frame(Instant::now()), None);
        outbox.granted(Amount { messages: 1, bytes: 1 }); // late: limits never go back
        outbox.granted(Amount { messages: 3, bytes: 1000 });
        assert_eq!(sizes(outbox.next_frame(Instant::now())), [3]);
        assert_eq!(outbox.credit().messages, 0);
        outbox.granted(PLENTY);
        assert_eq!(sizes(outbox.next_frame(Instant::now())), [4]);
        assert_eq!(outbox.counts.overloaded, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_beyond_every_bound_passes_alone() {
        let mut outbox = Outbox::new(ROOM, 100);
        outbox.opened(Amount { messages: 10, bytes: 500 });
        outbox.push(outgoing(5000), None).unwrap();
        assert_eq!(outbox.push(outgoing(1), None), Err(Turned::Overloaded));
        assert_eq!(sizes(outbox.next_frame(Instant::now())), [5000]);
        outbox.push(outgoing(1), None).unwrap();
        assert_eq!(outbox.next_frame(Instant::now()), None, "the credit is more than used up");
        outbox.granted(PLENTY);
        assert_eq!(sizes(outbox.next_frame(Instant::now())), [1]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_broken_link_tells_who_asked_and_takes_nothing() {
        let mut outbox = Outbox::new(ROOM, 10_000);
        outbox.opened(PLENTY);
        let (question, asker, mut sent) = asking(Instant::now() + Duration::from_secs(9));
        outbox.push(question, Some(asker)).unwrap();
        assert!(outbox.next_frame(Instant::now()).is_some());
        let (question, asker, mut unsent) = asking(Instant::now() + Duration::from_secs(9));
        outbox.push(outgoing(1), None).unwrap();
        outbox.push(question, Some(asker)).unwrap();
        for (asker, trouble) in outbox.broken(Phase::Broken) {
            asker.send(Err(trouble)).unwrap();
        }
        assert_eq!(sent.try_recv().unwrap(), Err(Trouble::Lost));
        assert_eq!(unsent.try_recv().unwrap(), Err(Trouble::Unreachable));
        assert_eq!(outbox.push(outgoing(1), None), Err(Turned::Unreachable));
        assert_eq!((outbox.queued(), outbox.in_flight(), outbox.counts.lost), ((0, 0), 0, 3));
        outbox.opened(PLENTY);
        assert_eq!(outbox.next_frame(Instant::now()), None, "nothing is sent twice");
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_that_passed_in_the_queue_is_not_sent() {
        let mut outbox = Outbox::new(ROOM, 10_000);
        let (question, asker, mut answer) = asking(Instant::now() + Duration::from_millis(10));
        outbox.push(question, Some(asker)).unwrap();
        let (question, asker, mut later) = asking(Instant::now() + Duration::from_millis(30));
        let correlation = outbox.push(question, Some(asker)).unwrap();
        let (question, asker, _) = asking(Instant::now() + Duration::from_millis(30));
        let given_up = outbox.push(question, Some(asker)).unwrap();
        outbox.forget(given_up);
        tokio::time::sleep(Duration::from_millis(20)).await;
        outbox.opened(PLENTY);
        let frame = outbox.next_frame(Instant::now()).unwrap();
        assert_eq!(frame.envelopes.len(), 1);
        assert_eq!(frame.envelopes[0].correlation, correlation);
        assert!((9..=10).contains(&frame.envelopes[0].deadline_ms), "what is left of it");
        assert_eq!(answer.try_recv().unwrap(), Err(Trouble::Failed(Failure::Timeout)));
        let asker = outbox.answered(correlation, 1).unwrap();
        asker.send(Ok(Bytes::new())).unwrap();
        assert_eq!(later.try_recv().unwrap(), Ok(Bytes::new()));
        assert!(outbox.answered(correlation, 1).is_none(), "an answer comes once");
    }

    /// What may happen to an outbox, in any order.
    #[derive(Clone, Debug)]
    enum Step {
        Push(usize),
        Grant(u64, u64),
        Send,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            4 => (0usize..300).prop_map(Step::Push),
            1 => (0u64..20, 0u64..2000).prop_map(|(messages, bytes)| Step::Grant(messages, bytes)),
            2 => Just(Step::Send),
        ];
        proptest::collection::vec(step, 0..200)
    }

    proptest! {
        #[test]
        fn what_is_taken_goes_out_once_in_order_and_within_the_credit(steps in steps()) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let now = runtime.block_on(async { Instant::now() });
            let bound = Bound { messages: 10, bytes: 1500 };
            let mut outbox = Outbox::new(bound, 400);
            let mut limit = Amount { messages: 5, bytes: 500 };
            outbox.opened(limit);
            let (mut taken, mut sent, mut amount) = (Vec::new(), Vec::new(), Amount::default());
            for step in steps {
                match step {
                    Step::Push(size) => {
                        if outbox.push(outgoing(size), None).is_ok() {
                            taken.push(size);
                        }
                    }
                    Step::Grant(messages, bytes) => {
                        limit.messages += messages;
                        limit.bytes += bytes;
                        outbox.granted(limit);
                    }
                    Step::Send => {
                        let Some(frame) = outbox.next_frame(now) else { continue };
                        prop_assert_eq!(frame.before, Some(amount));
                        for envelope in &frame.envelopes {
                            prop_assert!(amount.bytes < limit.bytes, "sent without credit");
                            amount.messages += 1;
                            amount.bytes += cost(&envelope.target, &envelope.body) as u64;
                            sent.push(envelope.body.len());
                        }
                        prop_assert!(amount.messages <= limit.messages, "sent without credit");
                    }
                }
                let (messages, bytes) = outbox.queued();
                prop_assert!(messages <= bound.messages);
                prop_assert!(bytes <= bound.bytes || messages == 1);
                prop_assert_eq!(taken.len(), sent.len() + messages);
            }
            outbox.granted(Amount { messages: u64::MAX, bytes: u64::MAX });
            while let Some(frame) = outbox.next_frame(now) {
                sent.extend(frame.envelopes.iter().map(|envelope| envelope.body.len()));
            }
            prop_assert_eq!(taken, sent);
        }
    }
}
