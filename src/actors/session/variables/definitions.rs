//! The table of all system variables.

use std::collections::HashMap;
use std::sync::OnceLock;
use std::time::Duration;

use super::inert;
use super::settings::{
    Settings, isolation, long_query_time, moment, number, on, read_from, seconds,
};
use crate::sql::types::{Charset as Set, Collation, FieldType, SqlMode, TimeZone};

/// Whose value a variable has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The node's.
    Global,
    /// Each session's; a new session starts with the default.
    Session,
    /// The node's, which a new session starts with, and each session's.
    Both,
}

/// What a variable may hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Domain {
    /// ON or OFF.
    Switch,
    /// An integer; others are clipped with a warning, as MySQL does.
    Integer(i64, u64),
    /// A number with a fraction, not negative.
    Number,
    /// One of these words, or their position.
    Word(&'static [&'static str]),
    /// Any text.
    Text,
    /// `sql_mode`.
    Modes,
    /// `time_zone`.
    Zone,
    /// A character set.
    Charset,
    /// A collation.
    Collation,
    /// An isolation level.
    Isolation,
}

/// What a checked value changes of what statements see.
pub(super) type Effect = fn(&mut Settings, &str);

/// Which values can be set, and what comes of it.
#[derive(Clone, Copy, Debug)]
pub enum Rule {
    /// All of the domain: statements see it.
    Sets(Effect),
    /// All of the domain: this reads it where it needs it.
    Read(&'static str),
    /// Another name of this variable: both have one value.
    Alias(&'static str),
    /// None: error 1238.
    ReadOnly,
    /// All of the domain for the node, which new sessions start with; none for a session that is: error 1621.
    SessionReadOnly(Effect),
    /// Only the default and these: anything else is error 1235.
    Only(&'static [&'static str]),
    /// All of the domain, and nothing depends on it here, for this reason: what it tunes in MySQL is not there, and no answer
    /// differs.
    Hint(&'static str),
}

/// A system variable.
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    /// Lower case.
    pub name: &'static str,
    /// Whose value it is.
    pub scope: Scope,
    /// What it may hold.
    pub domain: Domain,
    /// What it holds at first.
    pub default: &'static str,
    /// Which values can be set, and what comes of it.
    pub rule: Rule,
}

impl Variable {
    /// Has statements see a checked value.
    pub(super) fn apply(&self, value: &str, settings: &mut Settings) {
        if let Sets(effect) | SessionReadOnly(effect) = self.rule {
            effect(settings, value);
        }
    }

    /// The type of `@@name`.
    pub fn field_type(&self) -> FieldType {
        match self.domain {
            Domain::Switch => FieldType::bigint(),
            Domain::Integer(0.., _) => FieldType::bigint_unsigned(),
            Domain::Integer(..) => FieldType::bigint(),
            Domain::Number => FieldType::double(),
            _ => FieldType::varchar(1024),
        }
    }
}

pub(super) const fn variable(
    name: &'static str,
    scope: Scope,
    domain: Domain,
    default: &'static str,
    rule: Rule,
) -> Variable {
    Variable { name, scope, domain, default, rule }
}

/// A line a variable: its name, whose it is, what it may hold, its default, and what comes of a value.
macro_rules! variables {
    ($($name:ident $scope:ident ($($domain:tt)+) = $default:expr, $rule:expr;)*) => {
        &[$(variable(stringify!($name), Scope::$scope, Domain::$($domain)+, $default, $rule)),*]
    };
}

pub(super) use variables;

use Rule::{Alias, Hint, Only, Read, ReadOnly, SessionReadOnly, Sets};

/// `block_encryption_mode`.
const MODES_OF_AES: &[&str] = &[
    "aes-128-ecb",
    "aes-128-cbc",
    "aes-128-cfb1",
    "aes-128-cfb8",
    "aes-128-cfb128",
    "aes-128-ofb",
    "aes-192-ecb",
    "aes-192-cbc",
    "aes-192-cfb1",
    "aes-192-cfb8",
    "aes-192-cfb128",
    "aes-192-ofb",
    "aes-256-ecb",
    "aes-256-cbc",
    "aes-256-cfb1",
    "aes-256-cfb8",
    "aes-256-cfb128",
    "aes-256-ofb",
];
const NO_PROGRAMS: &str = "there are no stored programs";
pub(super) const NO_BINLOG: &str = "there is no binary log and no general log";
pub(super) const NO_MYISAM: &str = "it is about MyISAM tables, and there are none";
pub(super) const MEMORY: &str = "memory is bounded by the node's configuration";
pub(super) const PLANS: &str = "plans are chosen in another way; answers do not differ";
pub(super) const FORMAT: &str = "rows have one format, and schema changes one way";
const TRACK: &str = "clients are told nothing of their session's state";
const LOAD: &str = "it follows USE, and files of LOAD DATA are taken byte by byte either way";

pub(super) const U32: u64 = u32::MAX as u64;
pub(super) const YEAR: u64 = 31_536_000;
const VERSION: &str = concat!("8.0.36-TroupeDB-v", env!("CARGO_PKG_VERSION"));
const DEFAULT_MODES: &str = "ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,\
                             ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION";
const OPTIMIZER_SWITCH: &str = "index_merge=on,index_merge_union=on,index_merge_sort_union=on,\
                                index_merge_intersection=on,engine_condition_pushdown=on,index_condition_pushdown=on,\
                                mrr=on,mrr_cost_based=on,block_nested_loop=on,batched_key_access=off,\
                                materialization=on,semijoin=on,loosescan=on,firstmatch=on,duplicateweedout=on,\
                                subquery_materialization_cost_based=on,use_index_extensions=on,\
                                condition_fanout_filter=on,derived_merge=on";

/// Those that statements or programs can tell apart, by name.
const VARIABLES: &[Variable] = variables! {
    auto_generate_certs Global (Switch) = "ON", ReadOnly;
    auto_increment_increment Both (Integer(1, 65_535)) = "1", Only(&[]);
    auto_increment_offset Both (Integer(1, 65_535)) = "1", Only(&[]);
    autocommit Both (Switch) = "ON", Sets(|to, value| to.autocommit = on(value));
    automatic_sp_privileges Global (Switch) = "ON", Hint(NO_PROGRAMS);
    back_log Global (Integer(0, 65_535)) = "80", ReadOnly;
    basedir Global (Text) = "/", ReadOnly;
    big_tables Both (Switch) = "OFF", Hint(MEMORY);
    bind_address Global (Text) = "*", ReadOnly;
    binlog_format Both (Word(&["MIXED", "STATEMENT", "ROW"])) = "ROW", Hint(NO_BINLOG);
    binlog_row_image Both (Word(&["minimal", "noblob", "full"])) = "full", Hint(NO_BINLOG);
    block_encryption_mode Both (Word(MODES_OF_AES)) = "aes-128-ecb", Read("AES_ENCRYPT() and AES_DECRYPT()");
    bulk_insert_buffer_size Both (Integer(0, u64::MAX)) = "8388608", Hint(MEMORY);
    character_set_client Both (Charset) = "utf8mb4", Sets(|to, value| to.speaks = Set::by_name(value).unwrap_or(Set::Utf8mb4));
    character_set_connection Both (Charset) = "utf8mb4", Read("goes with collation_connection");
    character_set_database Both (Charset) = "utf8mb4", Hint(LOAD);
    character_set_filesystem Both (Charset) = "binary", Only(&["utf8mb4"]);
    character_set_results Both (Charset) = "utf8mb4", Sets(|to, value| to.results = Set::by_name(value).ok());
    character_set_server Both (Charset) = "utf8mb4", Read("goes with collation_server");
    character_set_system Global (Charset) = "utf8mb4", ReadOnly;
    character_sets_dir Global (Text) = "", ReadOnly;
    collation_connection Both (Collation) = "utf8mb4_bin", Sets(|to, value| to.connection = Collation::by_name(value).unwrap_or_default());
    collation_database Both (Collation) = "utf8mb4_bin", Hint(LOAD);
    collation_server Both (Collation) = "utf8mb4_bin", Read("CREATE DATABASE");
    completion_type Both (Word(&["NO_CHAIN", "CHAIN", "RELEASE"])) = "NO_CHAIN", Only(&[]);
    concurrent_insert Global (Word(&["NEVER", "AUTO", "ALWAYS"])) = "AUTO", Hint(NO_MYISAM);
    connect_timeout Global (Integer(2, YEAR)) = "10", ReadOnly;
    core_file Global (Switch) = "OFF", ReadOnly;
    cte_max_recursion_depth Both (Integer(0, U32)) = "1000", Read("WITH RECURSIVE");
    datadir Global (Text) = "./data", ReadOnly;
    default_authentication_plugin Global (Text) = "caching_sha2_password", ReadOnly;
    default_collation_for_utf8mb4 Both (Collation) = "utf8mb4_bin", Only(&[]);
    default_storage_engine Both (Text) = "InnoDB", Only(&["innodb"]);
    default_tmp_storage_engine Both (Text) = "InnoDB", Only(&["innodb"]);
    default_week_format Both (Integer(0, 7)) = "0", Only(&[]);
    delay_key_write Global (Word(&["OFF", "ON", "ALL"])) = "ON", Hint(NO_MYISAM);
    disconnect_on_expired_password Global (Switch) = "ON", ReadOnly;
    div_precision_increment Both (Integer(0, 30)) = "4", Sets(|to, value| to.div_precision_increment = number(value) as u8);
    end_markers_in_json Both (Switch) = "OFF", Only(&[]);
    enforce_gtid_consistency Global (Word(&["OFF", "ON", "WARN"])) = "OFF", ReadOnly;
    eq_range_index_dive_limit Both (Integer(0, U32)) = "200", Hint(PLANS);
    error_count Session (Integer(0, U32)) = "0", ReadOnly;
    event_scheduler Global (Word(&["OFF", "ON", "DISABLED"])) = "OFF", Only(&["disabled"]);
    explicit_defaults_for_timestamp Both (Switch) = "ON", Only(&[]);
    external_user Session (Text) = "", ReadOnly;
    flush Global (Switch) = "OFF", ReadOnly;
    foreign_key_checks Both (Switch) = "ON", Sets(|to, value| to.foreign_key_checks = on(value));
    ft_boolean_syntax Global (Text) = "+ -><()~*:\"\"&|", Hint(NO_MYISAM);
    ft_max_word_len Global (Integer(10, 84)) = "84", ReadOnly;
    ft_min_word_len Global (Integer(1, 82)) = "4", ReadOnly;
    ft_query_expansion_limit Global (Integer(0, 1000)) = "20", ReadOnly;
    ft_stopword_file Global (Text) = "(built-in)", ReadOnly;
    general_log Global (Switch) = "OFF", Only(&[]);
    group_concat_max_len Both (Integer(4, u64::MAX)) = "1024", Sets(|to, value| to.group_concat_max_len = number(value) as usize);
    gtid_executed Global (Text) = "", ReadOnly;
    gtid_mode Global (Word(&["OFF", "OFF_PERMISSIVE", "ON_PERMISSIVE", "ON"])) = "OFF", ReadOnly;
    gtid_next Session (Text) = "AUTOMATIC", Only(&[]);
    gtid_purged Global (Text) = "", ReadOnly;
    have_compress Global (Text) = "YES", ReadOnly;
    have_openssl Global (Text) = "YES", ReadOnly;
    have_profiling Global (Text) = "NO", ReadOnly;
    have_query_cache Global (Text) = "NO", ReadOnly;
    have_ssl Global (Text) = "YES", ReadOnly;
    hostname Global (Text) = "localhost", ReadOnly;
    identity Session (Integer(0, u64::MAX)) = "0", Alias("last_insert_id");
    information_schema_stats_expiry Both (Integer(0, YEAR)) = "86400", Hint("statistics are read anew each time");
    init_connect Global (Text) = "", Only(&[]);
    innodb_autoinc_lock_mode Global (Integer(0, 2)) = "2", ReadOnly;
    innodb_buffer_pool_size Global (Integer(0, u64::MAX)) = "134217728", ReadOnly;
    innodb_default_row_format Global (Word(&["redundant", "compact", "dynamic"])) = "dynamic", Hint(FORMAT);
    innodb_file_per_table Global (Switch) = "ON", Hint(FORMAT);
    innodb_flush_log_at_trx_commit Global (Integer(0, 2)) = "1", Only(&[]);
    innodb_ft_aux_table Global (Text) = "", Only(&[]);
    innodb_ft_cache_size Global (Integer(1_600_000, 80_000_000)) = "8000000", ReadOnly;
    innodb_ft_enable_diag_print Global (Switch) = "OFF", Only(&[]);
    innodb_ft_enable_stopword Both (Switch) = "ON", Only(&[]);
    innodb_ft_max_token_size Global (Integer(10, 84)) = "84", ReadOnly;
    innodb_ft_min_token_size Global (Integer(0, 16)) = "3", ReadOnly;
    innodb_ft_num_word_optimize Global (Integer(1000, 10_000)) = "2000", Only(&[]);
    innodb_ft_result_cache_limit Global (Integer(1_000_000, U32)) = "2000000000", Only(&[]);
    innodb_ft_server_stopword_table Global (Text) = "", Only(&[]);
    innodb_ft_sort_pll_degree Global (Integer(1, 16)) = "2", ReadOnly;
    innodb_ft_total_cache_size Global (Integer(32_000_000, 1_600_000_000)) = "640000000", ReadOnly;
    innodb_ft_user_stopword_table Both (Text) = "", Only(&[]);
    innodb_large_prefix Global (Switch) = "ON", ReadOnly;
    innodb_lock_wait_timeout Both (Integer(1, 1_073_741_824)) = "50", Sets(|to, value| to.lock_wait = seconds(value));
    innodb_optimize_fulltext_only Global (Switch) = "OFF", Only(&[]);
    innodb_page_size Global (Integer(4096, 65_536)) = "16384", ReadOnly;
    innodb_read_only Global (Switch) = "OFF", ReadOnly;
    innodb_rollback_on_timeout Global (Switch) = "OFF", ReadOnly;
    innodb_strict_mode Both (Switch) = "ON", Hint(FORMAT);
    innodb_version Global (Text) = "8.0.36", ReadOnly;
    insert_id Session (Integer(0, u64::MAX)) = "0", Only(&[]);
    interactive_timeout Both (Integer(1, YEAR)) = "28800", Read("wait_timeout of a client that says it is interactive");
    join_buffer_size Both (Integer(128, u64::MAX)) = "262144", Hint(MEMORY);
    keep_files_on_create Both (Switch) = "OFF", Hint(NO_MYISAM);
    key_buffer_size Global (Integer(0, u64::MAX)) = "8388608", Hint(MEMORY);
    last_insert_id Session (Integer(0, u64::MAX)) = "0", Read("LAST_INSERT_ID()");
    lc_messages Both (Text) = "en_US", Only(&[]);
    lc_time_names Both (Text) = "en_US", Only(&[]);
    license Global (Text) = "Apache License 2.0", ReadOnly;
    local_infile Global (Switch) = "OFF", Read("LOAD DATA LOCAL");
    lock_wait_timeout Both (Integer(1, YEAR)) = "31536000", Sets(|to, value| to.table_lock_wait = seconds(value));
    locked_in_memory Global (Switch) = "OFF", ReadOnly;
    log_bin Global (Switch) = "OFF", ReadOnly;
    log_bin_trust_function_creators Global (Switch) = "OFF", Hint(NO_PROGRAMS);
    log_error Global (Text) = "stderr", ReadOnly;
    log_output Global (Text) = "FILE,TABLE", ReadOnly;
    log_queries_not_using_indexes Global (Switch) = "OFF", Only(&[]);
    long_query_time Both (Number) = "10.000000", Sets(|to, value| to.long_query_time = long_query_time(value));
    low_priority_updates Both (Switch) = "OFF", Hint(NO_MYISAM);
    lower_case_file_system Global (Switch) = "OFF", ReadOnly;
    lower_case_table_names Global (Integer(0, 2)) = "2", ReadOnly;
    max_allowed_packet Both (Integer(1024, 1_073_741_824)) = "67108864", SessionReadOnly(|to, value| to.max_packet(number(value) as usize));
    max_connect_errors Global (Integer(1, u64::MAX)) = "100", Only(&[]);
    max_connections Global (Integer(1, 100_000)) = "4096", ReadOnly;
    max_digest_length Global (Integer(0, 1_048_576)) = "1024", ReadOnly;
    max_error_count Both (Integer(0, 65_535)) = "1024", Only(&[]);
    max_execution_time Both (Integer(0, U32)) = "0", Sets(|to, value| to.max_execution_time = Duration::from_millis(number(value)));
    max_heap_table_size Both (Integer(16_384, u64::MAX)) = "16777216", Hint(MEMORY);
    max_join_size Both (Integer(1, u64::MAX)) = "18446744073709551615", Sets(|to, value| to.max_join_size = number(value));
    max_prepared_stmt_count Global (Integer(0, 4_194_304)) = "16382", ReadOnly;
    max_sort_length Both (Integer(4, 8_388_608)) = "1024", Only(&[]);
    max_sp_recursion_depth Both (Integer(0, 255)) = "0", Read("CALL of a procedure in itself");
    max_user_connections Both (Integer(0, U32)) = "0", Only(&[]);
    min_examined_row_limit Both (Integer(0, u64::MAX)) = "0", Sets(|to, value| to.min_examined_rows = number(value));
    net_buffer_length Both (Integer(1024, 1_048_576)) = "16384", SessionReadOnly(|_, _| {});
    net_read_timeout Both (Integer(1, YEAR)) = "30", Sets(|to, value| to.client.read = seconds(value));
    net_retry_count Both (Integer(1, u64::MAX)) = "10", Hint("a broken connection is not read again");
    net_write_timeout Both (Integer(1, YEAR)) = "60", Sets(|to, value| to.client.write = seconds(value));
    new Both (Switch) = "OFF", Only(&[]);
    ngram_token_size Global (Integer(1, 10)) = "2", ReadOnly;
    offline_mode Global (Switch) = "OFF", Only(&[]);
    old_alter_table Both (Switch) = "OFF", Hint(FORMAT);
    old_passwords Both (Integer(0, 2)) = "0", Only(&[]);
    optimizer_prune_level Both (Integer(0, 1)) = "1", Hint(PLANS);
    optimizer_search_depth Both (Integer(0, 62)) = "62", Hint(PLANS);
    optimizer_switch Both (Text) = OPTIMIZER_SWITCH, Hint(PLANS);
    optimizer_trace Both (Text) = "enabled=off,one_line=off", Only(&[]);
    performance_schema Global (Switch) = "OFF", ReadOnly;
    pid_file Global (Text) = "", ReadOnly;
    plugin_dir Global (Text) = "", ReadOnly;
    port Global (Integer(0, 65_535)) = "4000", ReadOnly;
    preload_buffer_size Both (Integer(1024, 1_073_741_824)) = "32768", Hint(MEMORY);
    print_identified_with_as_hex Both (Switch) = "OFF", Only(&[]);
    profiling Both (Switch) = "OFF", Only(&[]);
    profiling_history_size Both (Integer(0, 100)) = "15", Hint("profiling cannot be switched on");
    protocol_version Global (Integer(10, 10)) = "10", ReadOnly;
    proxy_user Session (Text) = "", ReadOnly;
    pseudo_slave_mode Session (Switch) = "OFF", Only(&[]);
    pseudo_thread_id Session (Integer(0, u64::MAX)) = "0", Hint(NO_BINLOG);
    query_alloc_block_size Both (Integer(1024, U32)) = "8192", Hint(MEMORY);
    query_cache_limit Global (Integer(0, u64::MAX)) = "1048576", Hint(MEMORY);
    query_cache_min_res_unit Global (Integer(512, u64::MAX)) = "4096", Hint(MEMORY);
    query_cache_size Global (Integer(0, u64::MAX)) = "0", Only(&[]);
    query_cache_type Both (Word(&["OFF", "ON", "DEMAND"])) = "OFF", Only(&[]);
    query_cache_wlock_invalidate Both (Switch) = "OFF", Only(&[]);
    query_prealloc_size Both (Integer(8192, u64::MAX)) = "8192", Hint(MEMORY);
    rand_seed1 Session (Integer(0, u64::MAX)) = "0", Only(&[]);
    rand_seed2 Session (Integer(0, u64::MAX)) = "0", Only(&[]);
    range_alloc_block_size Both (Integer(4096, u64::MAX)) = "4096", Hint(MEMORY);
    read_buffer_size Both (Integer(8192, u64::MAX)) = "131072", Hint(MEMORY);
    read_only Global (Switch) = "OFF", Only(&[]);
    read_rnd_buffer_size Both (Integer(1, u64::MAX)) = "262144", Hint(MEMORY);
    require_secure_transport Global (Switch) = "OFF", ReadOnly;
    resultset_metadata Session (Word(&["NONE", "FULL"])) = "FULL", Only(&[]);
    secure_auth Global (Switch) = "ON", ReadOnly;
    secure_file_priv Global (Text) = "NULL", ReadOnly;
    server_id Global (Integer(0, U32)) = "1", ReadOnly;
    server_uuid Global (Text) = "00000000-0000-0000-0000-000000000001", ReadOnly;
    session_track_gtids Both (Word(&["OFF", "OWN_GTID", "ALL_GTIDS"])) = "OFF", Only(&[]);
    session_track_schema Both (Switch) = "ON", Hint(TRACK);
    session_track_state_change Both (Switch) = "OFF", Only(&[]);
    session_track_system_variables Both (Text) = "", Hint(TRACK);
    session_track_transaction_info Both (Word(&["OFF", "STATE", "CHARACTERISTICS"])) = "OFF", Only(&[]);
    show_create_table_skip_secondary_engine Session (Switch) = "OFF", Hint("there are no secondary engines");
    show_create_table_verbosity Both (Switch) = "OFF", Only(&[]);
    show_old_temporals Both (Switch) = "OFF", Only(&[]);
    skip_external_locking Global (Switch) = "ON", ReadOnly;
    skip_name_resolve Global (Switch) = "ON", ReadOnly;
    skip_networking Global (Switch) = "OFF", ReadOnly;
    skip_show_database Global (Switch) = "OFF", ReadOnly;
    slow_query_log Global (Switch) = "OFF", Read("the watch over statements");
    slow_query_log_file Global (Text) = "", ReadOnly;
    socket Global (Text) = "", ReadOnly;
    sort_buffer_size Both (Integer(32_768, u64::MAX)) = "262144", Hint(MEMORY);
    sql_auto_is_null Both (Switch) = "OFF", Only(&[]);
    sql_big_selects Both (Switch) = "ON", Sets(|to, value| to.big_selects = on(value));
    sql_buffer_result Both (Switch) = "OFF", Hint(MEMORY);
    sql_generate_invisible_primary_key Both (Switch) = "OFF", Only(&[]);
    sql_log_bin Session (Switch) = "ON", Hint(NO_BINLOG);
    sql_log_off Both (Switch) = "OFF", Hint(NO_BINLOG);
    sql_mode Both (Modes) = DEFAULT_MODES, Sets(|to, value| to.sql_mode = SqlMode::parse(value).unwrap_or_default());
    sql_notes Both (Switch) = "ON", Sets(|to, value| to.notes = on(value));
    sql_quote_show_create Both (Switch) = "ON", Only(&[]);
    sql_require_primary_key Both (Switch) = "OFF", Only(&[]);
    sql_safe_updates Both (Switch) = "OFF", Sets(|to, value| to.safe_updates = on(value));
    sql_select_limit Both (Integer(0, u64::MAX)) = "18446744073709551615", Sets(|to, value| to.select_limit = number(value));
    sql_warnings Both (Switch) = "OFF", Only(&[]);
    ssl_ca Global (Text) = "", ReadOnly;
    ssl_cert Global (Text) = "", ReadOnly;
    ssl_key Global (Text) = "", ReadOnly;
    super_read_only Global (Switch) = "OFF", Only(&[]);
    sync_binlog Global (Integer(0, U32)) = "1", Hint(NO_BINLOG);
    system_time_zone Global (Text) = "UTC", ReadOnly;
    table_definition_cache Global (Integer(400, 524_288)) = "2000", Hint(MEMORY);
    table_open_cache Global (Integer(1, 524_288)) = "4000", Hint(MEMORY);
    thread_cache_size Global (Integer(0, 16_384)) = "9", Hint(MEMORY);
    thread_handling Global (Text) = "one-thread-per-connection", ReadOnly;
    tidb_replica_read Both (Word(&["leader", "follower", "leader-and-follower", "closest-replicas"])) = "leader", Sets(|to, value| to.read_from = read_from(value));
    tidb_retry_limit Both (Integer(0, 1000)) = "10", Only(&[]);
    tidb_txn_mode Both (Word(&["pessimistic", "optimistic"])) = "pessimistic", Sets(|to, value| to.optimistic = value == "optimistic");
    time_format Global (Text) = "%H:%i:%s", ReadOnly;
    time_zone Both (Zone) = "SYSTEM", Sets(|to, value| to.time_zone = TimeZone::parse(value).unwrap_or_default());
    timestamp Session (Number) = "0", Sets(|to, value| to.timestamp = moment(value));
    tls_version Global (Text) = "TLSv1.2,TLSv1.3", ReadOnly;
    tmp_table_size Both (Integer(1024, u64::MAX)) = "16777216", Hint(MEMORY);
    tmpdir Global (Text) = "/tmp", ReadOnly;
    transaction_isolation Both (Isolation) = "REPEATABLE-READ", Sets(|to, value| to.isolation = isolation(value));
    transaction_read_only Both (Switch) = "OFF", Sets(|to, value| to.read_only = on(value));
    tx_isolation Both (Isolation) = "REPEATABLE-READ", Alias("transaction_isolation");
    tx_read_only Both (Switch) = "OFF", Alias("transaction_read_only");
    unique_checks Both (Switch) = "ON", Hint("unique keys are always checked");
    updatable_views_with_limit Both (Switch) = "ON", Hint("there are no views");
    use_secondary_engine Session (Word(&["OFF", "ON", "FORCED"])) = "OFF", Only(&[]);
    version Global (Text) = VERSION, ReadOnly;
    version_comment Global (Text) = "TroupeDB, a MySQL-compatible distributed database", ReadOnly;
    version_compile_machine Global (Text) = std::env::consts::ARCH, ReadOnly;
    version_compile_os Global (Text) = std::env::consts::OS, ReadOnly;
    wait_timeout Both (Integer(1, YEAR)) = "28800", Sets(|to, value| to.client.idle = seconds(value));
    warning_count Session (Integer(0, U32)) = "0", ReadOnly;
    windowing_use_high_precision Both (Switch) = "ON", Hint("frames are never added to by taking away");
};

/// The name of a variable that an older name stands for.
pub(super) fn canonical(name: &str) -> &str {
    match find(name).map(|position| list()[position].rule) {
        Some(Alias(other)) => other,
        _ => name,
    }
}

/// All variables, by name.
pub fn list() -> &'static [Variable] {
    static ALL: OnceLock<Vec<Variable>> = OnceLock::new();
    ALL.get_or_init(|| {
        let mut all = [VARIABLES, inert::VARIABLES].concat();
        all.sort_unstable_by_key(|variable| variable.name);
        all
    })
}

/// The position of a variable in [`list`]; `name` is in lower case. Older names have their own.
pub fn find(name: &str) -> Option<usize> {
    static BY_NAME: OnceLock<HashMap<&'static str, usize>> = OnceLock::new();
    let by_name = BY_NAME.get_or_init(|| {
        list().iter().enumerate().map(|(position, variable)| (variable.name, position)).collect()
    });
    by_name.get(name).copied()
}
