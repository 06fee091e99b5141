//! What snapshots have come to, for `/actors`, for tests and as metrics.

use std::sync::atomic::{AtomicU64, Ordering};

use metrics::{counter, describe_counter, describe_gauge, gauge};
use serde::Serialize;

/// Snapshots made of this store's regions, for other stores (counter).
pub(super) const MADE: &str = "troupe_store_snapshots_made_total";
/// Snapshots that replaced the data of a replica here (counter).
pub(super) const INSTALLED: &str = "troupe_store_snapshots_installed_total";
/// Snapshots sent to other stores as a whole (counter).
pub(super) const SENT: &str = "troupe_store_snapshots_sent_total";
/// Bytes of snapshots sent (counter).
pub(super) const SENT_BYTES: &str = "troupe_store_snapshot_sent_bytes_total";
/// Snapshots that did not reach the other store (counter).
pub(super) const FAILED: &str = "troupe_store_snapshots_failed_total";
/// Snapshots received from other stores as a whole (counter).
pub(super) const RECEIVED: &str = "troupe_store_snapshots_received_total";
/// Bytes of snapshots received (counter).
pub(super) const RECEIVED_BYTES: &str = "troupe_store_snapshot_received_bytes_total";
/// Pieces of snapshots that were not taken (counter).
pub(super) const REFUSED: &str = "troupe_store_snapshot_pieces_refused_total";
/// Snapshots being sent now (gauge).
pub(super) const SENDING: &str = "troupe_store_snapshots_sending";
/// Snapshots that wait for their turn to be sent (gauge).
pub(super) const WAITING: &str = "troupe_store_snapshots_waiting";
/// Snapshots that arrive now (gauge).
pub(super) const RECEIVING: &str = "troupe_store_snapshots_receiving";

/// A store's figures. They outlive the actors that count.
#[derive(Debug, Default, Serialize)]
pub struct SnapshotFigures {
    /// Made for other stores.
    pub made: AtomicU64,
    /// Installed here.
    pub installed: AtomicU64,
    /// Sent as a whole.
    pub sent: AtomicU64,
    /// Bytes sent.
    pub sent_bytes: AtomicU64,
    /// Not sent to the end.
    pub failed: AtomicU64,
    /// Received as a whole.
    pub received: AtomicU64,
    /// Bytes received.
    pub received_bytes: AtomicU64,
    /// Pieces that were not taken.
    pub refused: AtomicU64,
    /// Being sent now.
    pub sending: AtomicU64,
    /// The most that were sent at the same time.
    pub sending_most: AtomicU64,
    /// Waiting for their turn to be sent.
    pub waiting: AtomicU64,
    /// Arriving now.
    pub receiving: AtomicU64,
    /// The most that arrived at the same time.
    pub receiving_most: AtomicU64,
}

impl SnapshotFigures {
    pub(super) fn count(counter: &AtomicU64, more: u64) {
        counter.fetch_add(more, Ordering::Relaxed);
    }

    pub(super) fn set_sending(&self, sending: usize, waiting: usize) {
        self.sending.store(sending as u64, Ordering::Relaxed);
        self.sending_most.fetch_max(sending as u64, Ordering::Relaxed);
        self.waiting.store(waiting as u64, Ordering::Relaxed);
    }

    pub(super) fn set_receiving(&self, receiving: usize) {
        self.receiving.store(receiving as u64, Ordering::Relaxed);
        self.receiving_most.fetch_max(receiving as u64, Ordering::Relaxed);
    }

    /// Says what the metrics mean.
    pub fn describe() {
        describe_counter!(MADE, "snapshots made of regions, for other stores");
        describe_counter!(INSTALLED, "snapshots that replaced a replica's data");
        describe_counter!(SENT, "snapshots sent to other stores");
        describe_counter!(SENT_BYTES, "bytes of snapshots sent to other stores");
        describe_counter!(FAILED, "snapshots that did not reach the other store");
        describe_counter!(RECEIVED, "snapshots received from other stores");
        describe_counter!(RECEIVED_BYTES, "bytes of snapshots received from other stores");
        describe_counter!(REFUSED, "pieces of snapshots that were not taken");
        describe_gauge!(SENDING, "snapshots being sent");
        describe_gauge!(WAITING, "snapshots that wait to be sent");
        describe_gauge!(RECEIVING, "snapshots that arrive");
    }

    /// Publishes the figures through the `metrics` crate.
    pub fn publish(&self) {
        let counters = [
            (MADE, &self.made),
            (INSTALLED, &self.installed),
            (SENT, &self.sent),
            (SENT_BYTES, &self.sent_bytes),
            (FAILED, &self.failed),
            (RECEIVED, &self.received),
            (RECEIVED_BYTES, &self.received_bytes),
            (REFUSED, &self.refused),
        ];
        for (name, value) in counters {
            counter!(name).absolute(value.load(Ordering::Relaxed));
        }
        let gauges =
            [(SENDING, &self.sending), (WAITING, &self.waiting), (RECEIVING, &self.receiving)];
        for (name, value) in gauges {
            gauge!(name).set(value.load(Ordering::Relaxed) as f64);
        }
    }
}
