//! Names of the log's metrics.

use std::time::Duration;

use metrics::{describe_histogram, histogram};

/// How long a write of the log takes until it is on disk (histogram).
pub(in crate::actors) const SYNC: &str = "troupe_log_sync_duration_seconds";
/// Replicas whose entries were in one write (histogram).
pub(in crate::actors) const SYNC_GROUP: &str = "troupe_log_sync_group_size";

/// Says what they mean.
pub(in crate::actors) fn describe() {
    describe_histogram!(
        SYNC,
        "how long a write of the raft log takes until it is on disk, in seconds"
    );
    describe_histogram!(SYNC_GROUP, "writes of replicas that shared one sync of the raft log");
}

pub(super) fn record(took: Duration, group: usize) {
    histogram!(SYNC).record(took.as_secs_f64());
    histogram!(SYNC_GROUP).record(group as f64);
}
