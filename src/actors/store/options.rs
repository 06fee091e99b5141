//! The settings of a store.

use std::time::Duration;

use serde::{Deserialize, Serialize};

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
        Ok(())
    }
}
