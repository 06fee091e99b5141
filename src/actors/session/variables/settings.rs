//! What statements need of the variables, decoded.

use std::time::Duration;

use crate::actors::session::ClientLimits;
use crate::sql::expr::TypeRules;
use crate::sql::kv::ReadFrom;
use crate::sql::types::{Collation, SqlMode, TimeZone};

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
    /// `transaction_isolation` is `READ-COMMITTED`, or `READ-UNCOMMITTED`.
    pub read_committed: bool,
    /// `transaction_read_only`.
    pub read_only: bool,
    /// `sql_notes`: notes are kept for SHOW WARNINGS.
    pub notes: bool,
    /// The collation results are sent in.
    pub results: Collation,
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
            read_committed: false,
            read_only: false,
            notes: true,
            results: Collation::default(),
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
    /// What decides the types of expressions.
    pub fn type_rules(&self) -> TypeRules {
        TypeRules::new(self.sql_mode, self.div_precision_increment, self.results)
    }

    /// Takes a variable's new (checked) value over.
    pub(super) fn apply(&mut self, name: &str, value: &str) {
        let on = value == "ON";
        let number = || value.parse::<u64>().unwrap_or(0);
        match name {
            "autocommit" => self.autocommit = on,
            "sql_mode" => self.sql_mode = SqlMode::parse(value).unwrap_or_default(),
            "time_zone" => self.time_zone = TimeZone::parse(value).unwrap_or_default(),
            "innodb_lock_wait_timeout" => self.lock_wait = Duration::from_secs(number()),
            "lock_wait_timeout" => self.table_lock_wait = Duration::from_secs(number()),
            "max_execution_time" => self.max_execution_time = Duration::from_millis(number()),
            "tidb_txn_mode" => self.optimistic = value == "optimistic",
            "tidb_replica_read" => {
                self.read_from = match value {
                    "follower" => ReadFrom::Followers,
                    "leader-and-follower" => ReadFrom::All,
                    "closest-replicas" => ReadFrom::Closest,
                    _ => ReadFrom::Leader,
                }
            }
            "transaction_isolation" => self.read_committed = value != "REPEATABLE-READ",
            "transaction_read_only" => self.read_only = on,
            "sql_notes" => self.notes = on,
            "collation_connection" => {
                self.results = Collation::by_name(value).unwrap_or_default();
            }
            "group_concat_max_len" => self.group_concat_max_len = number() as usize,
            "max_allowed_packet" => {
                self.max_allowed_packet = number() as usize;
                self.client.packet = self.max_allowed_packet;
            }
            "div_precision_increment" => self.div_precision_increment = number() as u8,
            "wait_timeout" => self.client.idle = Duration::from_secs(number()),
            "net_read_timeout" => self.client.read = Duration::from_secs(number()),
            "net_write_timeout" => self.client.write = Duration::from_secs(number()),
            "long_query_time" => {
                let seconds = value.parse::<f64>().unwrap_or(10.0);
                self.long_query_time =
                    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
            }
            "sql_select_limit" => self.select_limit = number(),
            "min_examined_row_limit" => self.min_examined_rows = number(),
            "timestamp" => {
                let seconds = value.parse::<f64>().unwrap_or(0.0);
                self.timestamp = (seconds > 0.0).then_some((seconds * 1e6) as i64);
            }
            _ => {}
        }
    }
}
