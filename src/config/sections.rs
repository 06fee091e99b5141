//! The sections of the configuration file.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use super::admin::AdminConfig;
use super::bridge::BridgeConfig;
use super::registry::{RegistryConfig, RegistryType};
use super::roles::{Role, Roles};
use super::stats::StatsConfig;
use super::units::{ByteSize, Span};

/// Threads that run sessions and peers, at most.
const THREADS_MAX: usize = 1024;
/// Threads that apply, at most.
const APPLIERS_MAX: usize = 64;
/// The most snapshots that may be on their way at once.
const SNAPSHOTS_MAX: usize = 64;
/// The least `transaction.entry-size-limit`.
const ENTRY_SIZE_LEAST: u64 = 64 << 10;
/// The most: an entry travels in one message.
const ENTRY_SIZE_MOST: u64 = 120 << 20;

macro_rules! address {
    ($port:literal) => {
        SocketAddr::from(([127, 0, 0, 1], $port))
    };
}

/// Everything that can be set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// The node itself.
    pub node: NodeConfig,
    /// The MySQL front.
    pub mysql: MysqlConfig,
    /// The admin HTTP endpoint.
    pub admin: AdminConfig,
    /// The links to other nodes.
    pub bridge: BridgeConfig,
    /// How nodes find each other.
    pub registry: RegistryConfig,
    /// Logging.
    pub log: LogConfig,
    /// Threads.
    pub runtime: RuntimeConfig,
    /// Statements.
    pub sql: SqlConfig,
    /// Transactions.
    pub transaction: TransactionConfig,
    /// Statistics of tables.
    pub stats: StatsConfig,
    /// Regions and RocksDB.
    pub store: StoreConfig,
    /// The placement driver.
    pub pd: PdConfig,
}

/// The node itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct NodeConfig {
    /// First part of every actor's path, and the node's own in its cluster. Empty: `node-1` for a node with all roles, else made of the address.
    pub name: String,
    /// Which services run here: `all`, or some of `gateway,sql,ddl,stats,store,pd`.
    pub role: String,
    /// Where the placement driver listens, `host:port` with commas between. On nodes that run it: all its first members,
    /// with the node itself among them; empty for a placement driver of one.
    pub pd: String,
    /// On a new member of a placement driver that is at work: where others of its members listen.
    pub join: String,
    /// Where everything durable lives; created if absent.
    pub data_dir: PathBuf,
    /// The gRPC endpoint of the actor bridge.
    pub addr: SocketAddr,
    /// Where other nodes reach the bridge, `host:port`, if that is not where it listens.
    pub advertise_addr: String,
    /// How long a start waits for the rest of the cluster before it gives up.
    pub join_timeout: Span,
    /// How long a shutdown may drain before it cuts off.
    pub drain_timeout: Span,
}

impl Default for NodeConfig {
    fn default() -> Self {
        NodeConfig {
            name: String::new(),
            role: "all".into(),
            pd: String::new(),
            join: String::new(),
            data_dir: "./data".into(),
            addr: address!(20160),
            advertise_addr: String::new(),
            join_timeout: Span::seconds(60),
            drain_timeout: Span::seconds(10),
        }
    }
}

/// The MySQL front.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct MysqlConfig {
    /// Where clients connect.
    pub addr: SocketAddr,
    /// More connections than this are answered with error 1040.
    pub max_connections: u32,
    /// The largest packet a client may send; a larger one ends its connection with error 1153.
    pub max_allowed_packet: ByteSize,
    /// How long a client may take to authenticate.
    pub connect_timeout: Span,
    /// A PEM certificate chain; with `tls-key` what clients are shown. Empty: see `auto_generate_certs`.
    pub tls_cert: PathBuf,
    /// The PEM private key of `tls-cert`.
    pub tls_key: PathBuf,
    /// Without `tls-cert` the node makes a certificate for itself at its first start. Off: without `tls-cert` TLS is off.
    pub auto_generate_certs: bool,
    /// Clients without TLS are refused with error 3159.
    pub require_secure_transport: bool,
    /// What accounts prove themselves with that say nothing of it, the built-in root among them.
    pub default_authentication_plugin: AuthPlugin,
    /// The folder whose files LOAD DATA may read and SELECT … INTO OUTFILE may make, and those below it. Empty: anywhere; NULL: nowhere.
    pub secure_file_priv: String,
}

/// How a client proves that it has a password.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthPlugin {
    /// With SHA-1; every client can.
    MysqlNativePassword,
    /// With SHA-256, as MySQL 8 does unless told otherwise.
    #[default]
    CachingSha2Password,
}

impl Default for MysqlConfig {
    fn default() -> Self {
        MysqlConfig {
            addr: address!(4000),
            max_connections: 4096,
            max_allowed_packet: ByteSize::mib(64),
            connect_timeout: Span::seconds(10),
            tls_cert: PathBuf::new(),
            tls_key: PathBuf::new(),
            auto_generate_certs: true,
            require_secure_transport: false,
            default_authentication_plugin: AuthPlugin::default(),
            secure_file_priv: "NULL".to_owned(),
        }
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Logging, to standard error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct LogConfig {
    /// A level (`info`) or per-target directives (`info,troupedb::actors::store=debug`).
    pub level: String,
    /// How lines look.
    pub format: LogFormat,
}

impl Default for LogConfig {
    fn default() -> Self {
        LogConfig { level: "info".into(), format: LogFormat::Text }
    }
}

/// Threads.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct RuntimeConfig {
    /// Arbiters that run sessions and peers; 0: one for each core.
    pub core_threads: usize,
    /// Threads that compute for statements, so that what they compute keeps no session waiting; 0: one for each core.
    pub compute_threads: usize,
    /// Seed of every random choice; 0: a new one at each start.
    pub seed: u64,
}

/// Statements.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct SqlConfig {
    /// Memory one query's operators may hold before they spill.
    pub query_memory: ByteSize,
    /// What one session may hold: its statement, prepared statements, parameters, user variables and cursors. More is error 1041.
    pub session_memory: ByteSize,
    /// What all sessions of the node may hold together.
    pub sessions_memory: ByteSize,
    /// Prepared statements that all sessions of the node may keep together; more is error 1461.
    pub max_prepared_statements: usize,
}

impl Default for SqlConfig {
    fn default() -> Self {
        SqlConfig {
            query_memory: ByteSize::mib(256),
            session_memory: ByteSize::mib(512),
            sessions_memory: ByteSize::mib(2048),
            max_prepared_statements: 16382,
        }
    }
}

/// Transactions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct TransactionConfig {
    /// A lock may be taken away this long after its transaction gave its last sign of life.
    pub lock_ttl: Span,
    /// The longest a transaction may live: its locks are kept alive no longer.
    pub max_life: Span,
    /// Old versions are kept this long for snapshots in use.
    pub gc_life_time: Span,
    /// The most bytes of a row, or of an index entry; more is error 8025.
    pub entry_size_limit: ByteSize,
    /// The most bytes a transaction may hold in memory before it is committed; more is error 8004.
    pub total_size_limit: ByteSize,
}

impl Default for TransactionConfig {
    fn default() -> Self {
        TransactionConfig {
            lock_ttl: Span::seconds(3),
            max_life: Span::seconds(3600),
            gc_life_time: Span::seconds(600),
            entry_size_limit: ByteSize::mib(6),
            total_size_limit: ByteSize::mib(1024),
        }
    }
}

/// Regions and RocksDB.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct StoreConfig {
    /// A region larger than this is split.
    pub region_split_size: ByteSize,
    /// A region with more keys than this is split.
    pub region_split_keys: u64,
    /// Time between reports of the regions and of the store to the placement driver.
    pub heartbeat_interval: Span,
    /// Shared by all reads of RocksDB blocks.
    pub block_cache: ByteSize,
    /// RocksDB's memtable, for each busy column family.
    pub write_buffer: ByteSize,
    /// For the newest versions of ranges that are read and written so often that old versions are in the way; 0 keeps none.
    pub hot_ranges: ByteSize,
    /// For the newest versions of rows that are read one by one; 0 keeps none.
    pub hot_rows: ByteSize,
    /// Threads that apply committed entries.
    pub appliers: usize,
    /// Raft's clock: elections and leases are counted in it.
    pub raft_tick: Span,
    /// A region's log is compacted when it has this many applied entries.
    pub raft_log_gc_entries: u64,
    /// With less free disk space than this, writes are refused with error 1021, while reads go on: what was accepted must still be applied and compacted. 0: never.
    pub reserve_space: ByteSize,
    /// A region of which nothing is asked for so long sleeps, without heartbeats, until something is; 0: never.
    pub hibernate_after: Span,
    /// What snapshots of regions may send, and receive, in a second; 0: as much as they can.
    pub snapshot_rate: ByteSize,
    /// How many of them may be sent, and received, at once.
    pub snapshots_at_once: usize,
}

impl Default for StoreConfig {
    fn default() -> Self {
        StoreConfig {
            region_split_size: ByteSize::mib(96),
            region_split_keys: 960_000,
            heartbeat_interval: Span::seconds(10),
            block_cache: ByteSize::mib(256),
            write_buffer: ByteSize::mib(64),
            hot_ranges: ByteSize::mib(64),
            hot_rows: ByteSize::mib(64),
            appliers: 1,
            raft_tick: Span(Duration::from_millis(100)),
            raft_log_gc_entries: 10_000,
            reserve_space: ByteSize::mib(512),
            hibernate_after: Span::seconds(5),
            snapshot_rate: ByteSize::mib(100),
            snapshots_at_once: 8,
        }
    }
}

/// The placement driver.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct PdConfig {
    /// Replicas of every region, as far as there are stores for them.
    pub replicas: u32,
}

impl Default for PdConfig {
    fn default() -> Self {
        PdConfig { replicas: 3 }
    }
}

impl NodeConfig {
    /// The roles. Only of a configuration that was validated.
    pub fn roles(&self) -> Roles {
        Roles::parse(&self.role).unwrap_or_else(|_| Roles::all())
    }

    /// Where members of the placement driver listen.
    pub fn pd_members(&self) -> impl Iterator<Item = &str> {
        addresses(&self.pd)
    }

    /// Where members listen of the placement driver that a new member joins.
    pub fn joined(&self) -> impl Iterator<Item = &str> {
        addresses(&self.join)
    }

    /// Where other nodes reach this one, which listens at `addr`.
    pub fn address_at(&self, addr: SocketAddr) -> String {
        match self.advertise_addr.is_empty() {
            true => addr.to_string(),
            false => self.advertise_addr.clone(),
        }
    }

    /// The name in force on a node that listens at `addr`.
    pub fn name_at(&self, addr: SocketAddr) -> String {
        if !self.name.is_empty() {
            return self.name.clone();
        }
        if self.roles().is_all() && self.pd.is_empty() && self.join.is_empty() {
            return "node-1".to_owned();
        }
        let at = self.address_at(addr);
        format!("node-{}", at.replace([':', '/', '[', ']'], "-"))
    }
}

fn addresses(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|address| !address.is_empty())
}

pub(super) fn check_address(address: &str) -> Result<(), String> {
    let port = address.rsplit_once(':').and_then(|(host, port)| {
        (!host.is_empty() && !host.contains('/')).then(|| port.parse::<u16>().ok())?
    });
    match port {
        Some(port) if port > 0 => Ok(()),
        _ => Err(format!("'{address}' is not a host and a port, such as 127.0.0.1:20160")),
    }
}

/// What is wrong with a value, and the key it stands at.
type Invalid = (&'static str, String);

/// The directives of a log level. A bare word is taken for a level, and has to be one: to the filter itself `loud` is a target, of which everything is logged, and nothing of all others.
pub fn log_filter(directives: &str) -> Result<EnvFilter, String> {
    let wrong = |reason: &dyn std::fmt::Display| Err(format!("'{directives}': {reason}"));
    let words = directives.split(',').map(str::trim);
    let is_level = |word: &str| word.parse::<LevelFilter>().is_ok() && !word.is_empty();
    let is_target = |word: &str| word.contains(['=', '[']) || word.contains("::");
    for word in words {
        if !is_level(word) && !is_target(word) {
            let levels = "the levels are off, error, warn, info, debug, trace";
            return wrong(&format_args!("'{word}' is no level: {levels}"));
        }
    }
    EnvFilter::try_new(directives).or_else(|error| wrong(&error))
}

/// Checks that hold or name a key and what it must be.
fn all(checks: &[(bool, &'static str, &str)]) -> Result<(), Invalid> {
    match checks.iter().find(|(holds, ..)| !holds) {
        Some((_, key, reason)) => Err((key, (*reason).to_owned())),
        None => Ok(()),
    }
}

impl Config {
    /// Checks what types cannot. The error is the key and what is wrong with it.
    pub fn validate(&self) -> Result<(), Invalid> {
        self.validate_node()?;
        self.validate_mysql()?;
        self.validate_store()?;
        self.validate_transactions()?;
        self.bridge.validate()?;
        self.registry.validate()?;
        self.stats.validate()?;
        log_filter(&self.log.level).map_err(|reason| ("log.level", reason))?;
        all(&[
            (
                self.runtime.core_threads <= THREADS_MAX,
                "runtime.core-threads",
                "must be at most 1024",
            ),
            (
                self.runtime.compute_threads <= THREADS_MAX,
                "runtime.compute-threads",
                "must be at most 1024",
            ),
            // Past it, neither TOML nor the printed configuration could hold the number.
            (i64::try_from(self.runtime.seed).is_ok(), "runtime.seed", "must be below 2^63"),
            (self.sql.query_memory.0 >= 1 << 20, "sql.query-memory", "must be at least 1MiB"),
            (self.sql.session_memory.0 >= 1 << 20, "sql.session-memory", "must be at least 1MiB"),
            (
                self.sql.sessions_memory.0 >= self.sql.session_memory.0,
                "sql.sessions-memory",
                "must be at least sql.session-memory",
            ),
            (self.pd.replicas % 2 == 1, "pd.replicas", "must be odd"),
        ])
    }

    fn validate_node(&self) -> Result<(), Invalid> {
        let NodeConfig {
            name, role, data_dir, pd, join, addr, advertise_addr, join_timeout, ..
        } = &self.node;
        let roles = Roles::parse(role).map_err(|reason| ("node.role", reason))?;
        for address in self.node.pd_members() {
            check_address(address).map_err(|reason| ("node.pd", reason))?;
        }
        for address in self.node.joined() {
            check_address(address).map_err(|reason| ("node.join", reason))?;
        }
        let me = self.node.address_at(*addr);
        if roles.has(Role::Pd) && !pd.is_empty() && !self.node.pd_members().any(|at| at == me) {
            let reason = format!(
                "must name this node, {me}, among the first members of the placement driver it runs"
            );
            return Err(("node.pd", reason));
        }
        if !advertise_addr.is_empty() {
            check_address(advertise_addr).map_err(|reason| ("node.advertise-addr", reason))?;
        }
        let alone = self.registry.kind == RegistryType::Local;
        all(&[
            (
                !name.contains(['/', ':']) && !["pd", "store"].contains(&name.as_str()),
                "node.name",
                "must not hold a '/' or a ':', nor be 'pd' or 'store'",
            ),
            (!data_dir.as_os_str().is_empty(), "node.data-dir", "must not be empty"),
            (!join_timeout.0.is_zero(), "node.join-timeout", "must be above zero"),
            (
                roles.has(Role::Pd) || !pd.is_empty(),
                "node.pd",
                "must say where the placement driver is (--pd HOST:PORT), or the node have role pd",
            ),
            (
                join.is_empty() || roles.has(Role::Pd),
                "node.join",
                "must be empty on a node without role pd: such a one finds its cluster with --pd",
            ),
            (
                join.is_empty() || pd.is_empty(),
                "node.join",
                "must be empty where --pd names the first members: a new member only joins",
            ),
            (
                (pd.is_empty() && join.is_empty())
                    || !addr.ip().is_unspecified()
                    || !advertise_addr.is_empty(),
                "node.advertise-addr",
                "must say where other nodes reach this one, which listens on all addresses",
            ),
            (
                !alone || (roles.is_all() && pd.is_empty() && join.is_empty()),
                "registry.type",
                "must be pd or etcd, unless the node has all roles and is the whole cluster",
            ),
        ])
    }

    fn validate_mysql(&self) -> Result<(), Invalid> {
        let MysqlConfig { max_connections, max_allowed_packet: packet, connect_timeout, .. } =
            &self.mysql;
        let empty = |path: &PathBuf| path.as_os_str().is_empty();
        let (no_cert, no_key) = (empty(&self.mysql.tls_cert), empty(&self.mysql.tls_key));
        all(&[
            (*max_connections > 0, "mysql.max-connections", "must be at least 1"),
            (
                (1024..=1 << 30).contains(&packet.0),
                "mysql.max-allowed-packet",
                "must be between 1KiB and 1GiB",
            ),
            (!connect_timeout.0.is_zero(), "mysql.connect-timeout", "must be above zero"),
            (no_cert || !no_key, "mysql.tls-cert", "goes together with tls-key, which is not set"),
            (no_key || !no_cert, "mysql.tls-key", "goes together with tls-cert, which is not set"),
            (
                !no_cert || self.mysql.auto_generate_certs || !self.mysql.require_secure_transport,
                "mysql.require-secure-transport",
                "needs tls-cert and tls-key, or nobody could connect",
            ),
        ])
    }

    fn validate_store(&self) -> Result<(), Invalid> {
        let store = &self.store;
        all(&[
            (
                store.region_split_size.0 >= 1 << 20,
                "store.region-split-size",
                "must be at least 1MiB",
            ),
            (store.region_split_keys >= 1000, "store.region-split-keys", "must be at least 1000"),
            (
                store.heartbeat_interval.0 >= Duration::from_millis(10),
                "store.heartbeat-interval",
                "must be at least 10ms",
            ),
            (store.write_buffer.0 >= 64 << 10, "store.write-buffer", "must be at least 64KiB"),
            (
                (1..=APPLIERS_MAX).contains(&store.appliers),
                "store.appliers",
                "must be between 1 and 64",
            ),
            (
                store.raft_tick.0 >= Duration::from_millis(10),
                "store.raft-tick",
                "must be at least 10ms",
            ),
            (store.raft_log_gc_entries > 0, "store.raft-log-gc-entries", "must be at least 1"),
            (
                store.snapshot_rate.0 == 0 || store.snapshot_rate.0 >= 8 << 20,
                "store.snapshot-rate",
                "must be 0 or at least 8MiB",
            ),
            (
                (1..=SNAPSHOTS_MAX).contains(&store.snapshots_at_once),
                "store.snapshots-at-once",
                "must be between 1 and 64",
            ),
        ])
    }

    fn validate_transactions(&self) -> Result<(), Invalid> {
        let TransactionConfig {
            lock_ttl,
            max_life,
            gc_life_time,
            entry_size_limit,
            total_size_limit,
        } = &self.transaction;
        all(&[
            (
                lock_ttl.0 >= Duration::from_millis(500),
                "transaction.lock-ttl",
                "must be at least 500ms",
            ),
            (max_life >= lock_ttl, "transaction.max-life", "must not be below lock-ttl"),
            (
                gc_life_time.0 >= Duration::from_secs(1),
                "transaction.gc-life-time",
                "must be at least 1s",
            ),
            (
                (ENTRY_SIZE_LEAST..=ENTRY_SIZE_MOST).contains(&entry_size_limit.0),
                "transaction.entry-size-limit",
                "must be between 64KiB and 120MiB",
            ),
            (
                total_size_limit >= entry_size_limit,
                "transaction.total-size-limit",
                "must not be below entry-size-limit",
            ),
        ])
    }
}
