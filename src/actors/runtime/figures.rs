//! What a mailbox counts, and the shapes in which the figures are shown.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use super::{
    clock::Monotonic,
    mailbox::{MailboxOptions, Overflow},
    path::ActorPath,
};

/// Half octaves of microseconds: bucket 2k holds [2^k, 1.5·2^k), bucket 2k+1 holds [1.5·2^k, 2^(k+1)); up to 16 s.
const BUCKETS: usize = 48;

/// A distribution of durations: 48 counters and the maximum, 200 bytes. Quantiles are exact to half an octave.
#[derive(Clone, Debug)]
pub(super) struct Histogram {
    buckets: [u32; BUCKETS],
    max_us: u64,
}

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram { buckets: [0; BUCKETS], max_us: 0 }
    }
}

impl Histogram {
    #[inline]
    pub(super) fn record(&mut self, nanos: u64) {
        let us = nanos / 1_000;
        self.max_us = self.max_us.max(us);
        let bucket = &mut self.buckets[bucket_of(us)];
        *bucket = bucket.saturating_add(1);
    }

    pub(super) fn quantiles(&self) -> Quantiles {
        Quantiles { p50_us: self.quantile(50), p99_us: self.quantile(99), max_us: self.max_us }
    }

    /// The upper end of the bucket that holds the `percent`-th part, but never more than the maximum seen.
    fn quantile(&self, percent: u64) -> u64 {
        let total: u64 = self.buckets.iter().map(|count| u64::from(*count)).sum();
        let rank = (total * percent).div_ceil(100).max(1);
        let mut seen = 0;
        for (bucket, count) in self.buckets.iter().enumerate() {
            seen += u64::from(*count);
            if seen >= rank {
                return upper_end(bucket).min(self.max_us);
            }
        }
        0
    }
}

fn bucket_of(us: u64) -> usize {
    if us < 2 {
        return us as usize; // bucket 0: under 1 µs; bucket 1 (which would be [1.5, 2)): 1 µs
    }
    let octave = us.ilog2();
    let half = (us >> (octave - 1)) & 1;
    (2 * octave as usize + half as usize).min(BUCKETS - 1)
}

fn upper_end(bucket: usize) -> u64 {
    match bucket {
        0 => 0,
        1 => 1,
        _ => {
            let base = 1u64 << (bucket / 2);
            if bucket.is_multiple_of(2) { base + base / 2 } else { 2 * base }
        }
    }
}

/// Points of a distribution, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Quantiles {
    /// Half took no longer.
    pub p50_us: u64,
    /// All but one in a hundred took no longer.
    pub p99_us: u64,
    /// The longest.
    pub max_us: u64,
}

/// The message an actor is busy with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InHand {
    /// Its name.
    pub message: &'static str,
    /// For how long, in microseconds.
    pub since_us: u64,
}

/// What a mailbox has counted. `enqueued = handled + dropped + depth + (1 if a message is in hand)`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MailboxFigures {
    /// How many may wait.
    pub capacity: usize,
    /// What happens beyond.
    pub overflow: Overflow,
    /// How many wait now.
    pub depth: usize,
    /// The most that ever waited.
    pub high_water: usize,
    /// Messages let in.
    pub enqueued: u64,
    /// Messages handled (to the end, or to a panic).
    pub handled: u64,
    /// Messages turned away at the door.
    pub rejected: u64,
    /// Messages let in and thrown away: for a newer one, or because the actor stopped.
    pub dropped: u64,
    /// From the send to the handler.
    pub wait: Quantiles,
    /// In the handler.
    pub busy: Quantiles,
    /// Messages taken in hand, by name.
    pub messages: BTreeMap<&'static str, u64>,
    /// The message in hand now.
    pub in_hand: Option<InHand>,
}

/// What an actor is doing with its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ActorState {
    /// Not yet through `started`.
    Starting = 0,
    /// At work.
    Running = 1,
    /// Failed, and waiting for its restart or its parent's word.
    Restarting = 2,
    /// Gone.
    Stopped = 3,
    /// Not in memory while nothing happens to it: the next message makes it again.
    Asleep = 4,
}

impl ActorState {
    /// The state as `/actors` writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            ActorState::Starting => "starting",
            ActorState::Running => "running",
            ActorState::Restarting => "restarting",
            ActorState::Stopped => "stopped",
            ActorState::Asleep => "asleep",
        }
    }

    pub(super) fn from_u8(state: u8) -> ActorState {
        match state {
            0 => ActorState::Starting,
            1 => ActorState::Running,
            2 => ActorState::Restarting,
            _ => ActorState::Stopped,
        }
    }
}

impl Serialize for ActorState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// One line of `/actors`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ActorSnapshot {
    /// Where it stands.
    pub path: ActorPath,
    /// What it is.
    pub kind: &'static str,
    /// What it does.
    pub state: ActorState,
    /// How often it was given fresh state.
    pub restarts: u64,
    /// How often it panicked.
    pub panics: u64,
    /// Its mailbox.
    #[serde(flatten)]
    pub mailbox: MailboxFigures,
}

impl ActorSnapshot {
    /// The line of an actor that is not in memory.
    pub fn asleep(path: ActorPath, kind: &'static str, options: MailboxOptions) -> ActorSnapshot {
        let mailbox = MailboxFigures {
            capacity: options.capacity,
            overflow: options.overflow,
            depth: 0,
            high_water: 0,
            enqueued: 0,
            handled: 0,
            rejected: 0,
            dropped: 0,
            wait: Quantiles::default(),
            busy: Quantiles::default(),
            messages: BTreeMap::new(),
            in_hand: None,
        };
        ActorSnapshot { path, kind, state: ActorState::Asleep, restarts: 0, panics: 0, mailbox }
    }
}

/// Actors that are let go while nothing happens to them, as somebody who keeps their places shows them.
pub trait Dormant: Send + Sync {
    /// Their lines.
    fn list(&self) -> Vec<ActorSnapshot>;
    /// One of them, with what there is to say of it.
    fn look_at(&self, path: &ActorPath) -> Option<(ActorSnapshot, serde_json::Value)>;
}

/// One actor looked at closely.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ActorDetail {
    /// The line of `/actors`.
    #[serde(flatten)]
    pub snapshot: ActorSnapshot,
    /// What its `observe()` said; absent if it did not answer in time.
    pub observed: Option<serde_json::Value>,
    /// The actors right below it.
    pub children: Vec<ActorPath>,
}

/// The counters behind [`MailboxFigures`]. Plain integers: they live under the lock of the queue they describe.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) high_water: usize,
    pub(super) enqueued: u64,
    pub(super) handled: u64,
    pub(super) rejected: u64,
    pub(super) dropped: u64,
    pub(super) wait: Histogram,
    pub(super) busy: Histogram,
    pub(super) in_hand: Option<(&'static str, Monotonic)>,
    types: smallvec::SmallVec<[(&'static str, u64); 4]>,
}

impl Counters {
    /// The message in hand, if there is one, is done at `now`.
    #[inline]
    pub(super) fn put_down(&mut self, now: Monotonic) {
        if let Some((_, since)) = self.in_hand.take() {
            self.handled += 1;
            self.busy.record(now.as_nanos().saturating_sub(since.as_nanos()));
        }
    }

    /// Counts a message of this type. The few types of an actor are found by the address of their name, no hashing.
    #[inline]
    pub(super) fn count_type(&mut self, name: &'static str) {
        match self.types.iter_mut().find(|(known, _)| std::ptr::eq(*known, name)) {
            Some((_, count)) => *count += 1,
            None => self.types.push((name, 1)),
        }
    }

    /// Counts by name. The same name may stand at two addresses (two codegen units); here they come together.
    pub(super) fn by_name(&self) -> BTreeMap<&'static str, u64> {
        let mut counts = BTreeMap::new();
        for (name, count) in &self.types {
            *counts.entry(*name).or_insert(0) += count;
        }
        counts
    }
}
