//! The functions of MySQL 8.0, by its manual (Built-In Function and Operator Reference): one that is not there is refused by
//! name, as what it is, and not as an unknown one.

use std::collections::BTreeSet;
use std::sync::LazyLock;

/// In lower case; what is called by an operator or as a window is not here, nor are the spatial functions `ST_…`.
pub(super) const NAMES: &str = "
    abs acos adddate addtime aes_decrypt aes_encrypt ascii asin asymmetric_decrypt asymmetric_derive asymmetric_encrypt
    asymmetric_sign asymmetric_verify atan atan2 benchmark bin bin_to_uuid bit_count bit_length can_access_column
    can_access_database can_access_table can_access_user can_access_view ceil ceiling char char_length character_length
    charset coalesce coercibility collation compress concat concat_ws connection_id conv convert_tz cos cot crc32
    create_asymmetric_priv_key create_asymmetric_pub_key create_dh_parameters create_digest curdate
    current_date current_role current_time current_timestamp current_user curtime database date date_format datediff
    day dayname dayofmonth dayofweek dayofyear degrees elt exp export_set extractvalue field find_in_set floor format
    format_bytes format_pico_time found_rows from_base64 from_days from_unixtime geomcollection geometrycollection
    get_dd_column_privileges get_dd_create_options get_dd_index_sub_part_length get_format get_lock greatest
    gtid_subset gtid_subtract hex hour icu_version if ifnull inet6_aton inet6_ntoa inet_aton inet_ntoa insert instr
    internal_auto_increment internal_avg_row_length internal_check_time internal_checksum internal_data_free
    internal_data_length internal_dd_char_length internal_get_comment_or_error internal_get_enabled_role_json
    internal_get_hostname internal_get_username internal_get_view_warning_or_error internal_index_column_cardinality
    internal_index_length internal_is_enabled_role internal_is_mandatory_role internal_keys_disabled
    internal_max_data_length internal_table_rows internal_update_time interval is_free_lock is_ipv4 is_ipv4_compat
    is_ipv4_mapped is_ipv6 is_used_lock is_uuid isnull json_array json_array_append json_array_insert json_contains
    json_contains_path json_depth json_extract json_insert json_keys json_length json_merge json_merge_patch
    json_merge_preserve json_object json_overlaps json_pretty json_quote json_remove json_replace json_schema_valid
    json_schema_validation_report json_search json_set json_storage_free json_storage_size json_table json_type
    json_unquote json_valid json_value last_day last_insert_id lcase least left length linestring ln load_file
    localtime localtimestamp locate log log10 log2 lower lpad ltrim make_set makedate maketime master_pos_wait
    mbrcontains mbrcoveredby mbrcovers mbrdisjoint mbrequals mbrintersects mbroverlaps mbrtouches mbrwithin md5
    microsecond mid minute mod month monthname multilinestring multipoint multipolygon name_const now nullif oct
    octet_length ord period_add period_diff pi point polygon position pow power ps_current_thread_id ps_thread_id
    quarter quote radians rand random_bytes regexp_instr regexp_like regexp_replace regexp_substr release_all_locks
    release_lock repeat replace reverse right roles_graphml round row_count rpad rtrim schema sec_to_time second
    session_user sha sha1 sha2 sign sin sleep soundex source_pos_wait space sqrt statement_digest
    statement_digest_text str_to_date strcmp subdate substr substring substring_index subtime sysdate system_user tan
    time time_format time_to_sec timediff timestamp to_base64 to_days to_seconds trim truncate ucase uncompress
    uncompressed_length unhex unix_timestamp updatexml upper user utc_date utc_time utc_timestamp uuid uuid_short
    uuid_to_bin validate_password_strength values version wait_for_executed_gtid_set week weekday weekofyear
    weight_string year yearweek";

static ALL: LazyLock<BTreeSet<&'static str>> = LazyLock::new(|| NAMES.split_whitespace().collect());

/// Whether this function, in lower case, is one of MySQL's.
pub(super) fn has(name: &str) -> bool {
    ALL.contains(name) || name.starts_with("st_")
}
