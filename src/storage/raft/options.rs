//! The settings of a region's Raft group.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Raft's clock, limits and log keeping.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct RaftOptions {
    /// The tick that all other times are counted in. Shorter finds dead leaders sooner and costs
    /// more timers.
    #[serde(with = "humantime_serde")]
    pub base_tick: Duration,
    /// Ticks without a word from the leader until a follower stands for election.
    pub election_ticks: usize,
    /// Ticks between a leader's heartbeats.
    pub heartbeat_ticks: usize,
    /// How long a leader may read without asking its group, counted from its last question that a
    /// quorum answered. Must be shorter than an election timeout, by more than clocks drift within
    /// it.
    #[serde(with = "humantime_serde")]
    pub lease: Duration,
    /// Quiet ticks until a group sleeps: without ticks and heartbeats. Zero: never.
    pub hibernate_ticks: u32,
    /// Bytes of entries in one message to a follower.
    pub max_message_bytes: u64,
    /// Messages with entries on their way to one follower.
    pub max_inflight_messages: usize,
    /// Bytes of entries that are proposed and not committed; beyond, proposals are refused.
    pub max_uncommitted_bytes: u64,
    /// Bytes of committed entries handed to the applier at once.
    pub max_apply_bytes: u64,
    /// Applied entries that make a log worth compacting.
    pub compact_entries: u64,
    /// Bytes of entries that make a log worth compacting.
    pub compact_bytes: u64,
    /// Applied entries that are kept for a replica that lags. Beyond, it will need a snapshot.
    pub lag_entries: u64,
    /// Bytes of applied entries that are kept for a replica that lags.
    pub lag_bytes: u64,
    /// Ticks without a leader until a replica asks the placement driver whether it is still one.
    pub leader_missing_ticks: u32,
}

impl Default for RaftOptions {
    fn default() -> RaftOptions {
        RaftOptions {
            base_tick: Duration::from_millis(100),
            election_ticks: 10,
            heartbeat_ticks: 2,
            lease: Duration::from_millis(800),
            hibernate_ticks: 50,
            max_message_bytes: 1 << 20,
            max_inflight_messages: 256,
            max_uncommitted_bytes: 64 << 20,
            max_apply_bytes: 16 << 20,
            compact_entries: 10_000,
            compact_bytes: 64 << 20,
            lag_entries: 200_000,
            lag_bytes: 256 << 20,
            leader_missing_ticks: 600,
        }
    }
}

impl RaftOptions {
    /// The shortest time in which followers give up on a leader.
    pub fn election_timeout(&self) -> Duration {
        self.base_tick * u32::try_from(self.election_ticks).unwrap_or(u32::MAX)
    }

    /// Refuses settings that could not work or would not be safe; the message names the setting.
    pub fn validate(&self) -> Result<(), String> {
        if self.base_tick.is_zero() {
            return Err("base-tick must be above zero".to_owned());
        }
        if self.heartbeat_ticks == 0 {
            return Err("heartbeat-ticks must be above zero".to_owned());
        }
        if self.election_ticks <= self.heartbeat_ticks {
            return Err("election-ticks must be above heartbeat-ticks".to_owned());
        }
        // Between a leader's message and the follower's next tick may be no time at all.
        let faith = self.election_timeout() - self.base_tick;
        if self.lease >= faith {
            return Err(format!("lease must be shorter than election-ticks less one ({faith:?})"));
        }
        if self.max_inflight_messages == 0 {
            return Err("max-inflight-messages must be above zero".to_owned());
        }
        if self.max_uncommitted_bytes < self.max_message_bytes {
            return Err("max-uncommitted-bytes must not be below max-message-bytes".to_owned());
        }
        if self.compact_entries == 0 || self.compact_bytes == 0 {
            return Err("compact-entries and compact-bytes must be above zero".to_owned());
        }
        if self.leader_missing_ticks == 0 {
            return Err("leader-missing-ticks must be above zero".to_owned());
        }
        Ok(())
    }

    /// The raft crate's own settings for one peer.
    pub(super) fn to_raft_config(&self, peer_id: u64, applied: u64) -> raft::Config {
        raft::Config {
            id: peer_id,
            election_tick: self.election_ticks,
            heartbeat_tick: self.heartbeat_ticks,
            applied,
            max_size_per_msg: self.max_message_bytes,
            max_inflight_msgs: self.max_inflight_messages,
            check_quorum: true,
            pre_vote: true,
            // Safe: the raft crate asks a quorum. Leases are kept here, where time is known.
            read_only_option: raft::ReadOnlyOption::Safe,
            max_uncommitted_size: self.max_uncommitted_bytes,
            max_committed_size_per_ready: self.max_apply_bytes,
            ..raft::Config::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_safe() {
        let options = RaftOptions::default();
        assert_eq!(options.validate(), Ok(()));
        assert!(options.to_raft_config(1, 5).validate().is_ok());
    }

    #[test]
    fn a_lease_must_end_before_followers_give_up() {
        let options = RaftOptions { lease: Duration::from_secs(1), ..RaftOptions::default() };
        assert!(options.validate().unwrap_err().starts_with("lease"));
    }
}
