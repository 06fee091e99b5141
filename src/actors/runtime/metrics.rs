//! The runtime's figures as metrics, by kind of actor (a path a label would be one time series a connection).
//!
//! Nothing is published while messages flow; `/metrics` asks for it with [`publish_metrics`].

use std::collections::BTreeMap;

use metrics::{counter, describe_counter, describe_gauge, gauge};
use parking_lot::Mutex;

use super::{figures::ActorSnapshot, system::System};

/// How many actors of a kind live (gauge).
pub const ACTORS: &str = "troupe_actors";
/// How many messages wait in the mailboxes of a kind (gauge).
pub const MAILBOX_DEPTH: &str = "troupe_actor_mailbox_depth";
/// The fullest mailbox of a kind so far, among the living (gauge).
pub const MAILBOX_HIGH_WATER: &str = "troupe_actor_mailbox_high_water";
/// Messages, by kind and outcome: enqueued, handled, rejected, dropped (counter).
pub const MESSAGES: &str = "troupe_actor_messages_total";
/// The worst 99th percentile of the wait in a mailbox among the living of a kind, in seconds (gauge).
pub const WAIT_P99: &str = "troupe_actor_wait_p99_seconds";
/// The worst 99th percentile of the time in a handler among the living of a kind, in seconds (gauge).
pub const BUSY_P99: &str = "troupe_actor_busy_p99_seconds";
/// Restarts, by kind (counter).
pub const RESTARTS: &str = "troupe_actor_restarts_total";
/// Panics, by kind (counter).
pub const PANICS: &str = "troupe_actor_panics_total";

/// What the actors of one kind have done together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Totals {
    actors: u64,
    depth: u64,
    high_water: u64,
    enqueued: u64,
    handled: u64,
    rejected: u64,
    dropped: u64,
    wait_p99_us: u64,
    busy_p99_us: u64,
    restarts: u64,
    panics: u64,
}

impl Totals {
    fn add(&mut self, actor: &ActorSnapshot) {
        let mailbox = &actor.mailbox;
        self.actors += 1;
        self.depth += mailbox.depth as u64;
        self.high_water = self.high_water.max(mailbox.high_water as u64);
        self.wait_p99_us = self.wait_p99_us.max(mailbox.wait.p99_us);
        self.busy_p99_us = self.busy_p99_us.max(mailbox.busy.p99_us);
        self.add_counters(actor);
    }

    fn add_counters(&mut self, actor: &ActorSnapshot) {
        let mailbox = &actor.mailbox;
        self.enqueued += mailbox.enqueued;
        self.handled += mailbox.handled;
        self.rejected += mailbox.rejected;
        self.dropped += mailbox.dropped;
        self.restarts += actor.restarts;
        self.panics += actor.panics;
    }
}

/// The counts of actors that have stopped, so that counters never go back.
#[derive(Debug, Default)]
pub(super) struct Retired {
    kinds: Mutex<BTreeMap<&'static str, Totals>>,
}

impl Retired {
    pub(super) fn add(&self, actor: &ActorSnapshot) {
        self.kinds.lock().entry(actor.kind).or_default().add_counters(actor);
    }
}

/// Says what the metrics mean.
pub(in crate::actors) fn describe() {
    describe_gauge!(ACTORS, "actors that live");
    describe_gauge!(MAILBOX_DEPTH, "messages that wait in the mailboxes of a kind of actor");
    describe_gauge!(MAILBOX_HIGH_WATER, "the fullest mailbox of a kind so far, among the living");
    describe_counter!(MESSAGES, "messages to actors of a kind, by what became of them");
    describe_gauge!(
        WAIT_P99,
        "the worst 99th percentile of the wait in a mailbox, among the living, in seconds"
    );
    describe_gauge!(
        BUSY_P99,
        "the worst 99th percentile of the time in a handler, among the living, in seconds"
    );
    describe_counter!(RESTARTS, "restarts of actors of a kind after a panic");
    describe_counter!(PANICS, "panics of actors of a kind");
}

/// Publishes what the mailboxes have counted, and whatever else was given to [`System::on_publish`], through the
/// `metrics` crate.
pub fn publish_metrics(system: &System) {
    system.publish();
    for (kind, totals) in by_kind(system) {
        gauge!(ACTORS, "kind" => kind).set(totals.actors as f64);
        gauge!(MAILBOX_DEPTH, "kind" => kind).set(totals.depth as f64);
        gauge!(MAILBOX_HIGH_WATER, "kind" => kind).set(totals.high_water as f64);
        gauge!(WAIT_P99, "kind" => kind).set(totals.wait_p99_us as f64 / 1e6);
        gauge!(BUSY_P99, "kind" => kind).set(totals.busy_p99_us as f64 / 1e6);
        counter!(RESTARTS, "kind" => kind).absolute(totals.restarts);
        counter!(PANICS, "kind" => kind).absolute(totals.panics);
        let outcomes = [
            ("enqueued", totals.enqueued),
            ("handled", totals.handled),
            ("rejected", totals.rejected),
            ("dropped", totals.dropped),
        ];
        for (outcome, count) in outcomes {
            counter!(MESSAGES, "kind" => kind, "outcome" => outcome).absolute(count);
        }
    }
}

fn by_kind(system: &System) -> BTreeMap<&'static str, Totals> {
    // The living first: one that stops in between is then counted low once, never twice.
    let living = system.living();
    let mut kinds = system.retired().kinds.lock().clone();
    for actor in &living {
        kinds.entry(actor.kind).or_default().add(actor);
    }
    kinds
}
