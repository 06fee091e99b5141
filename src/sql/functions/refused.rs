//! Functions of MySQL's that are not implemented: they are refused by name, as what they are, and not as unknown ones.

/// In lower case and in order.
pub(super) const NOT_IMPLEMENTED: &[&str] = &[
    "aes_decrypt",
    "aes_encrypt",
    "benchmark",
    "bin_to_uuid",
    "coercibility",
    "compress",
    "current_role",
    "export_set",
    "extractvalue",
    "format_bytes",
    "format_pico_time",
    "geomcollection",
    "get_format",
    "gtid_subset",
    "gtid_subtract",
    "icu_version",
    "inet6_aton",
    "inet6_ntoa",
    "inet_aton",
    "inet_ntoa",
    "is_ipv4",
    "is_ipv4_compat",
    "is_ipv4_mapped",
    "is_ipv6",
    "is_uuid",
    "linestring",
    "load_file",
    "master_pos_wait",
    "mbrcontains",
    "md5",
    "multilinestring",
    "multipoint",
    "multipolygon",
    "name_const",
    "point",
    "polygon",
    "ps_current_thread_id",
    "ps_thread_id",
    "random_bytes",
    "regexp_instr",
    "regexp_replace",
    "regexp_substr",
    "soundex",
    "statement_digest",
    "statement_digest_text",
    "uncompress",
    "uncompressed_length",
    "updatexml",
    "uuid_short",
    "uuid_to_bin",
    "validate_password_strength",
    "wait_for_executed_gtid_set",
    "weight_string",
];

/// Whether this function, in lower case, is one of MySQL's that is not implemented.
pub(super) fn is_mysql_function(name: &str) -> bool {
    NOT_IMPLEMENTED.binary_search(&name).is_ok() || name.starts_with("st_")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::functions::Function;

    #[test]
    fn the_list_is_in_order_and_true() {
        assert!(NOT_IMPLEMENTED.is_sorted());
        for name in NOT_IMPLEMENTED {
            let error = Function::by_name(name, 1).expect_err(name);
            assert_eq!(error.code, 1235, "{name}: {error}");
        }
        assert_eq!(Function::by_name("no_such", 1).expect_err("none").code, 1305);
    }
}
