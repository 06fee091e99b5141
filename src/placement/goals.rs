//! How the cluster is to look, and how hard to work on it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::operator::OperatorKind;

/// How the cluster is to look, and how hard to work on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Goals {
    /// Replicas of each region.
    pub replicas: usize,
    /// Leaders by which two stores may differ before one is moved.
    pub leader_tolerance: u64,
    /// Bytes by which two stores may differ before a replica is moved. Fewer if regions are small: two of an
    /// average one.
    pub bytes_tolerance: u64,
    /// A region larger than this should have been split by its store.
    pub region_max_bytes: u64,
    /// A region of at most this size may become part of a neighbour; zero: none may.
    pub merge_max_bytes: u64,
    /// How long a region must have kept its range before it may become part of a neighbour.
    pub merge_after_ms: u64,
    /// A store not heard of for so long is disconnected: it is given nothing.
    pub disconnected_after_ms: u64,
    /// A store not heard of for so long is down: its replicas are made anew elsewhere.
    pub down_after_ms: u64,
    /// Replicas a store may gain and lose at a time.
    pub store_limit: u64,
    /// Leaders that may move at a time.
    pub leader_limit: usize,
    /// Replicas that may move at a time to even stores out.
    pub region_limit: usize,
    /// Regions whose replicas may be put right at a time.
    pub replica_limit: usize,
    /// Regions that may merge at a time.
    pub merge_limit: usize,
}

impl Default for Goals {
    fn default() -> Goals {
        Goals {
            replicas: 1,
            leader_tolerance: 2,
            bytes_tolerance: 256 << 20,
            region_max_bytes: 288 << 20,
            merge_max_bytes: 20 << 20,
            merge_after_ms: 3_600_000,
            disconnected_after_ms: 20_000,
            down_after_ms: 30 * 60_000,
            store_limit: 8,
            leader_limit: 8,
            region_limit: 16,
            replica_limit: 64,
            merge_limit: 8,
        }
    }
}

/// The settings an operator of the cluster may change, by PD's names for them.
pub const SETTINGS: [&str; 11] = [
    "leader-schedule-limit",
    "max-merge-region-size",
    "max-replicas",
    "max-store-down-time",
    "merge-schedule-limit",
    "region-schedule-limit",
    "replica-schedule-limit",
    "split-merge-interval",
    "store-limit",
    "tolerant-leader-count",
    "tolerant-size",
];

impl Goals {
    /// How many operators of a kind may be under way.
    pub fn limit(&self, kind: OperatorKind) -> usize {
        match kind {
            OperatorKind::Replica => self.replica_limit,
            OperatorKind::Leader => self.leader_limit,
            OperatorKind::Region => self.region_limit,
            OperatorKind::Merge => self.merge_limit,
            OperatorKind::Split | OperatorKind::Admin => usize::MAX,
        }
    }

    /// These goals with some settings changed. Times are in milliseconds, sizes in bytes.
    pub fn with(mut self, settings: &BTreeMap<String, u64>) -> Goals {
        for (name, value) in settings {
            let count = usize::try_from(*value).unwrap_or(usize::MAX);
            match name.as_str() {
                "max-replicas" => self.replicas = count,
                "leader-schedule-limit" => self.leader_limit = count,
                "region-schedule-limit" => self.region_limit = count,
                "replica-schedule-limit" => self.replica_limit = count,
                "merge-schedule-limit" => self.merge_limit = count,
                "store-limit" => self.store_limit = *value,
                "tolerant-leader-count" => self.leader_tolerance = (*value).max(1),
                "tolerant-size" => self.bytes_tolerance = *value,
                "max-merge-region-size" => self.merge_max_bytes = *value,
                "split-merge-interval" => self.merge_after_ms = *value,
                "max-store-down-time" => self.down_after_ms = *value,
                _ => {}
            }
        }
        self
    }

    /// The settings in force, in the shape of PD's.
    pub fn to_json(&self) -> serde_json::Value {
        let time = |ms: u64| {
            humantime_serde::re::humantime::format_duration(Duration::from_millis(ms)).to_string()
        };
        serde_json::json!({
            "replication": { "max-replicas": self.replicas },
            "schedule": {
                "leader-schedule-limit": self.leader_limit,
                "region-schedule-limit": self.region_limit,
                "replica-schedule-limit": self.replica_limit,
                "merge-schedule-limit": self.merge_limit,
                "store-limit": self.store_limit,
                "tolerant-leader-count": self.leader_tolerance,
                "tolerant-size": self.bytes_tolerance,
                "max-merge-region-size": self.merge_max_bytes,
                "split-merge-interval": time(self.merge_after_ms),
                "max-store-down-time": time(self.down_after_ms),
            },
        })
    }
}

/// Why a setting cannot have a value.
pub fn check_setting(name: &str, value: u64) -> Result<(), String> {
    if !SETTINGS.contains(&name) {
        return Err(format!("there is no setting {name}; there are {}", SETTINGS.join(", ")));
    }
    match (name, value) {
        ("max-replicas", value) if value % 2 == 0 || value > 9 => {
            Err(format!("{name} must be odd and at most 9, not {value}"))
        }
        ("max-store-down-time", value) if value < 1_000 => {
            Err(format!("{name} must be at least a second"))
        }
        _ => Ok(()),
    }
}
