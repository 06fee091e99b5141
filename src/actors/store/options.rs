//! The settings of a store.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::storage::mvcc::HotBudget;
use crate::storage::raft::RaftOptions;
use crate::storage::region::SplitOptions;

/// A store's settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct StoreOptions {
    /// The cluster this store belongs to. A directory of another cluster is refused.
    pub cluster_id: u64,
    /// Raft's clock, limits and log keeping.
    pub raft: RaftOptions,
    /// When regions are split.
    pub split: SplitOptions,
    /// Actors (each with a thread) that apply committed entries. More help when applying is the
    /// bottleneck.
    pub appliers: usize,
    /// Time between reports of all regions and of the store to the placement driver.
    #[serde(with = "humantime_serde")]
    pub heartbeat_interval: Duration,
    /// Time between looks at the safe point for old versions to remove.
    #[serde(with = "humantime_serde")]
    pub gc_interval: Duration,
    /// Commands in flight in one region beyond which clients are asked to come back later.
    pub max_commands_in_flight: usize,
    /// Messages waiting for the log writer or an applier beyond which clients are asked to come
    /// back later.
    pub max_backlog: usize,
    /// Memory for the versions that are read most; see [`HotVersions`](crate::storage::mvcc::HotVersions).
    pub hot: HotBudget,
    /// Where the store's directories are: snapshots on their way are kept beside them. Without, they are
    /// kept where the system keeps temporary files, and do not outlive the process.
    #[serde(skip)]
    pub data_dir: Option<PathBuf>,
    /// Bytes of free space below which writes are refused, so that what was accepted can still be
    /// applied and compacted. Zero: never.
    pub reserve_space: u64,
    /// Bytes of snapshots sent, and bytes of snapshots received, in a second, by all of them together. Zero: no limit.
    pub snapshot_bytes_per_second: u64,
    /// Snapshots sent, and received, at the same time. What is to be sent beyond waits; what is to be received beyond is
    /// refused, and tried again later.
    pub snapshots_at_once: usize,
}

impl Default for StoreOptions {
    fn default() -> StoreOptions {
        StoreOptions {
            cluster_id: 1,
            raft: RaftOptions::default(),
            split: SplitOptions::default(),
            appliers: 1,
            heartbeat_interval: Duration::from_secs(10),
            gc_interval: Duration::from_secs(60),
            max_commands_in_flight: 8192,
            max_backlog: 1 << 16,
            hot: HotBudget::default(),
            data_dir: None,
            reserve_space: 512 << 20,
            snapshot_bytes_per_second: 100 << 20,
            snapshots_at_once: 8,
        }
    }
}

impl StoreOptions {
    /// Refuses settings that could not work; the message names the setting.
    pub fn validate(&self) -> Result<(), String> {
        self.raft.validate().map_err(|reason| format!("raft: {reason}"))?;
        self.split.validate().map_err(|reason| format!("split: {reason}"))?;
        if self.appliers == 0 {
            return Err("appliers must be above zero".to_owned());
        }
        if self.heartbeat_interval.is_zero() || self.gc_interval.is_zero() {
            return Err("heartbeat-interval and gc-interval must be above zero".to_owned());
        }
        if self.max_commands_in_flight == 0 || self.max_backlog == 0 {
            return Err("max-commands-in-flight and max-backlog must be above zero".to_owned());
        }
        if self.snapshots_at_once == 0 {
            return Err("snapshots-at-once must be above zero".to_owned());
        }
        // A piece of each must pass long before its sender loses patience.
        let slowest = (self.snapshots_at_once as u64).saturating_mul(1 << 20) / 30;
        if self.snapshot_bytes_per_second != 0 && self.snapshot_bytes_per_second < slowest {
            return Err(format!(
                "snapshot-bytes-per-second must be 0, or at least {slowest} for {} snapshots at once",
                self.snapshots_at_once
            ));
        }
        Ok(())
    }
}
