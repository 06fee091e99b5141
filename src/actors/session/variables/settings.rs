//! What statements need of the variables, decoded.

use std::time::Duration;

use crate::actors::session::ClientLimits;
use crate::sql::expr::TypeRules;
use crate::sql::kv::{Isolation, ReadFrom};
use crate::sql::plan::Caution;
use crate::sql::types::{Charset, Collation, SqlMode, TimeZone};

/// The variables that statements depend on.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// `autocommit`.
    pub autocommit: bool,
    /// `sql_mode`.
    pub sql_mode: SqlMode,
    /// `time_zone`.
    pub time_zone: TimeZone,
    /// `innodb_lock_wait_timeout`.
    pub lock_wait: Duration,
    /// `lock_wait_timeout`: how long to wait for LOCK TABLES of others.
    pub table_lock_wait: Duration,
    /// `max_execution_time` of a SELECT; zero: no limit.
    pub max_execution_time: Duration,
    /// `tidb_txn_mode` is `optimistic`.
    pub optimistic: bool,
    /// `tidb_replica_read`.
    pub read_from: ReadFrom,
    /// `transaction_isolation`.
    pub isolation: Isolation,
    /// `transaction_read_only`.
    pub read_only: bool,
    /// `foreign_key_checks`.
    pub foreign_key_checks: bool,
    /// `sql_safe_updates`.
    pub safe_updates: bool,
    /// `max_join_size`.
    pub max_join_size: u64,
    /// `sql_big_selects`: `max_join_size` does not count.
    pub big_selects: bool,
    /// `sql_notes`: notes are kept for SHOW WARNINGS.
    pub notes: bool,
    /// `collation_connection`.
    pub connection: Collation,
    /// `character_set_client`.
    pub speaks: Charset,
    /// `character_set_results`; `None`: as they are.
    pub results: Option<Charset>,
    /// `group_concat_max_len`.
    pub group_concat_max_len: usize,
    /// `max_allowed_packet`.
    pub max_allowed_packet: usize,
    /// `div_precision_increment`.
    pub div_precision_increment: u8,
    /// `wait_timeout`, `net_read_timeout`, `net_write_timeout` and `max_allowed_packet`.
    pub client: ClientLimits,
    /// `long_query_time`: a statement that takes longer is slow.
    pub long_query_time: Duration,
    /// `min_examined_row_limit`: one that reads fewer rows is not.
    pub min_examined_rows: u64,
    /// `sql_select_limit`: the rows of a SELECT without LIMIT.
    pub select_limit: u64,
    /// `timestamp`: the moment statements are said to run at, in microseconds; `None`: now.
    pub timestamp: Option<i64>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            autocommit: true,
            sql_mode: SqlMode::default(),
            time_zone: TimeZone::default(),
            lock_wait: Duration::from_secs(50),
            table_lock_wait: Duration::from_secs(31_536_000),
            max_execution_time: Duration::ZERO,
            optimistic: false,
            read_from: ReadFrom::Leader,
            isolation: Isolation::default(),
            read_only: false,
            foreign_key_checks: true,
            safe_updates: false,
            max_join_size: u64::MAX,
            big_selects: true,
            notes: true,
            connection: Collation::default(),
            speaks: Charset::Utf8mb4,
            results: Some(Charset::Utf8mb4),
            group_concat_max_len: 1024,
            max_allowed_packet: 64 << 20,
            div_precision_increment: 4,
            client: ClientLimits::default(),
            long_query_time: Duration::from_secs(10),
            min_examined_rows: 0,
            select_limit: u64::MAX,
            timestamp: None,
        }
    }
}

impl Settings {
    /// What statements are refused.
    pub fn caution(&self) -> Caution {
        let max_join_size = (!self.big_selects).then_some(self.max_join_size);
        Caution { safe_updates: self.safe_updates, max_join_size }
    }

    /// What decides the types of expressions.
    pub fn type_rules(&self) -> TypeRules {
        let rules = TypeRules::new(self.sql_mode, self.div_precision_increment, self.connection);
        TypeRules { client: self.speaks, ..rules }
    }

    /// `max_allowed_packet`.
    pub(super) fn max_packet(&mut self, bytes: usize) {
        self.max_allowed_packet = bytes;
        self.client.packet = bytes;
    }
}

/// Whether a switch is on.
pub(super) fn on(value: &str) -> bool {
    value == "ON"
}

pub(super) fn number(value: &str) -> u64 {
    value.parse().unwrap_or(0)
}

pub(super) fn seconds(value: &str) -> Duration {
    Duration::from_secs(number(value))
}

/// Seconds with a fraction.
pub(super) fn long_query_time(value: &str) -> Duration {
    let seconds = value.parse::<f64>().unwrap_or(10.0);
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}

/// Microseconds since 1970; zero is now.
pub(super) fn moment(value: &str) -> Option<i64> {
    let seconds = value.parse::<f64>().unwrap_or(0.0);
    (seconds > 0.0).then_some((seconds * 1e6) as i64)
}

/// `transaction_isolation`.
pub(super) fn isolation(value: &str) -> Isolation {
    match value {
        "READ-COMMITTED" | "READ-UNCOMMITTED" => Isolation::ReadCommitted,
        "SERIALIZABLE" => Isolation::Serializable,
        _ => Isolation::RepeatableRead,
    }
}

/// `tidb_replica_read`.
pub(super) fn read_from(value: &str) -> ReadFrom {
    match value {
        "follower" => ReadFrom::Followers,
        "leader-and-follower" => ReadFrom::All,
        "closest-replicas" => ReadFrom::Closest,
        _ => ReadFrom::Leader,
    }
}
