//! What links have counted, for `/actors`, for tests and as metrics.

use std::sync::atomic::{AtomicU64, Ordering};

use metrics::{counter, describe_counter, describe_gauge, gauge};
use serde::Serialize;

use super::outbox::Phase;

/// Messages and replies encoded to leave this process. Zero as long as all actors are in one (counter).
pub(super) const ENCODED: &str = "troupe_bridge_messages_encoded_total";
/// 1 for an open stream to a node, else 0; by node and class (gauge).
pub(super) const OPEN: &str = "troupe_bridge_link_open";
/// Messages that wait for a stream or for credit, by node and class (gauge).
pub(super) const QUEUED: &str = "troupe_bridge_link_queued_messages";
/// Questions without an answer yet, by node and class (gauge).
pub(super) const IN_FLIGHT: &str = "troupe_bridge_link_asks_in_flight";
/// Messages sent, by node and class (counter).
pub(super) const SENT: &str = "troupe_bridge_link_sent_messages_total";
/// Bytes sent, by node and class (counter).
pub(super) const SENT_BYTES: &str = "troupe_bridge_link_sent_bytes_total";
/// Answers received, by node and class (counter).
pub(super) const ANSWERS: &str = "troupe_bridge_link_answers_total";
/// Messages lost with a broken stream, by node and class (counter).
pub(super) const LOST: &str = "troupe_bridge_link_lost_messages_total";
/// Messages turned away because too many waited, by node and class (counter).
pub(super) const OVERLOADED: &str = "troupe_bridge_link_overloaded_total";
/// Streams opened again after the first, by node and class (counter).
pub(super) const RECONNECTS: &str = "troupe_bridge_link_reconnects_total";
/// The last round trip measured, by node and class, in seconds (gauge).
pub(super) const ROUND_TRIP: &str = "troupe_bridge_link_round_trip_seconds";
/// Messages received, by node and class (counter).
pub(super) const RECEIVED: &str = "troupe_bridge_link_received_messages_total";
/// Bytes received, by node and class (counter).
pub(super) const RECEIVED_BYTES: &str = "troupe_bridge_link_received_bytes_total";

/// One class of a link, as this node sends on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LaneFigures {
    /// The class.
    pub class: &'static str,
    /// Where the stream is in its life.
    pub state: Phase,
    /// Messages that wait for the stream or for credit.
    pub queued_messages: usize,
    /// Their bytes.
    pub queued_bytes: usize,
    /// Questions without an answer yet.
    pub in_flight: usize,
    /// Messages that may still be sent before more is granted.
    pub credit_messages: u64,
    /// Bytes that may still be sent before more is granted.
    pub credit_bytes: u64,
    /// Messages sent.
    pub sent_messages: u64,
    /// Bytes sent.
    pub sent_bytes: u64,
    /// Answers received.
    pub answers: u64,
    /// Their bytes.
    pub answer_bytes: u64,
    /// Messages turned away because too many waited.
    pub overloaded: u64,
    /// Messages lost with a broken stream, as far as this side knows.
    pub lost: u64,
    /// How often the stream was opened again.
    pub reconnects: u64,
    /// The last round trip measured.
    pub round_trip_us: Option<u64>,
    /// Why it is broken.
    pub trouble: Option<String>,
}

/// One class of a link, as this node serves it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ServedFigures {
    /// Whether the other node has a stream open.
    pub open: bool,
    /// Streams it has opened so far.
    pub streams: u64,
    /// Messages received.
    pub received_messages: u64,
    /// Their bytes.
    pub received_bytes: u64,
    /// Messages the other side sent and that never came.
    pub missing_messages: u64,
    /// Messages nobody here could take: no such actor, a full mailbox, bytes that cannot be read.
    pub refused_messages: u64,
    /// Answers sent.
    pub answers: u64,
}

/// A link: all there is between this node and another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LinkFigures {
    /// The other node.
    pub node: String,
    /// Where it listens, if that is known.
    pub address: Option<String>,
    /// Whether the fault switch is on.
    pub cut: bool,
    /// What this node sends.
    pub sends: Vec<LaneFigures>,
    /// What this node serves, by class.
    pub serves: Vec<(&'static str, ServedFigures)>,
}

impl LinkFigures {
    /// Whether the other node could not be reached when it was last tried.
    pub fn is_broken(&self) -> bool {
        self.cut || self.sends.iter().any(|lane| lane.state == Phase::Broken)
    }
}

/// The figures of what is served, while they are counted.
#[derive(Debug, Default)]
pub(super) struct Served {
    /// How many streams are open: one for each name the other node calls this one by, and older ones that end.
    pub(super) open: AtomicU64,
    pub(super) streams: AtomicU64,
    pub(super) received_messages: AtomicU64,
    pub(super) received_bytes: AtomicU64,
    pub(super) missing_messages: AtomicU64,
    pub(super) refused_messages: AtomicU64,
    pub(super) answers: AtomicU64,
}

impl Served {
    pub(super) fn figures(&self) -> ServedFigures {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ServedFigures {
            open: of(&self.open) > 0,
            streams: of(&self.streams),
            received_messages: of(&self.received_messages),
            received_bytes: of(&self.received_bytes),
            missing_messages: of(&self.missing_messages),
            refused_messages: of(&self.refused_messages),
            answers: of(&self.answers),
        }
    }
}

pub(super) fn add(counter: &AtomicU64, amount: u64) {
    counter.fetch_add(amount, Ordering::Relaxed);
}

/// Says what the metrics mean.
pub(in crate::actors) fn describe() {
    describe_counter!(ENCODED, "messages and replies encoded to leave this process");
    describe_gauge!(OPEN, "1 for an open stream to a node, else 0");
    describe_gauge!(QUEUED, "messages that wait for a stream or for credit");
    describe_gauge!(IN_FLIGHT, "questions to another node without an answer yet");
    describe_counter!(SENT, "messages sent to another node");
    describe_counter!(SENT_BYTES, "bytes of messages sent to another node");
    describe_counter!(ANSWERS, "answers received from another node");
    describe_counter!(LOST, "messages lost with a broken stream");
    describe_counter!(OVERLOADED, "messages turned away because too many waited");
    describe_counter!(RECONNECTS, "streams opened again after the first");
    describe_gauge!(ROUND_TRIP, "the last round trip to another node, in seconds");
    describe_counter!(RECEIVED, "messages received from another node");
    describe_counter!(RECEIVED_BYTES, "bytes of messages received from another node");
}

/// Publishes the figures through the `metrics` crate.
pub(super) fn publish(encoded: u64, links: &[LinkFigures]) {
    counter!(ENCODED).absolute(encoded);
    for link in links {
        for lane in &link.sends {
            let labels = [("node", link.node.clone()), ("class", lane.class.to_owned())];
            gauge!(OPEN, &labels).set(f64::from(u8::from(lane.state == Phase::Open)));
            gauge!(QUEUED, &labels).set(lane.queued_messages as f64);
            gauge!(IN_FLIGHT, &labels).set(lane.in_flight as f64);
            counter!(SENT, &labels).absolute(lane.sent_messages);
            counter!(SENT_BYTES, &labels).absolute(lane.sent_bytes);
            counter!(ANSWERS, &labels).absolute(lane.answers);
            counter!(LOST, &labels).absolute(lane.lost);
            counter!(OVERLOADED, &labels).absolute(lane.overloaded);
            counter!(RECONNECTS, &labels).absolute(lane.reconnects);
            if let Some(round_trip) = lane.round_trip_us {
                gauge!(ROUND_TRIP, &labels).set(round_trip as f64 / 1e6);
            }
        }
        for (class, served) in &link.serves {
            let labels = [("node", link.node.clone()), ("class", (*class).to_owned())];
            counter!(RECEIVED, &labels).absolute(served.received_messages);
            counter!(RECEIVED_BYTES, &labels).absolute(served.received_bytes);
        }
    }
}
