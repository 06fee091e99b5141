//! Keys for people: which table, index or row the boundary of a region stands for.

use crate::storage::codec::bytes::take_bytes;
use crate::storage::codec::table::{
    TableKey, decode_table_key, row_prefix, table_of, table_prefix,
};

/// What an encoded key in hexadecimal stands for; the empty key is the end of everything.
pub(super) fn decoded(hex: &str) -> String {
    if hex.is_empty() {
        return "-".to_owned();
    }
    let user_key = bytes(hex).and_then(|encoded| take_bytes(&mut &encoded[..]).ok());
    user_key.and_then(|key| named(&key)).unwrap_or_else(|| "?".to_owned())
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digits = hex.as_bytes();
    let byte = |two: &[u8]| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok();
    digits.len().is_multiple_of(2).then(|| digits.chunks(2).map(byte).collect()).flatten()
}

fn named(key: &[u8]) -> Option<String> {
    if key.starts_with(b"m") {
        return Some("schema".to_owned());
    }
    // The beginning of something, as boundaries are that nobody has a row at.
    let table = table_of(key)?;
    let rest = key.strip_prefix(&table_prefix(table)[..])?;
    if rest.is_empty() {
        return Some(format!("table {table}"));
    }
    if key == &row_prefix(table)[..] {
        return Some(format!("table {table} rows"));
    }
    match decode_table_key(key) {
        Ok(TableKey::Row { handle, .. }) => Some(format!("table {table} row {handle}")),
        Ok(TableKey::Index { index, values: [], .. }) => {
            Some(format!("table {table} index {index}"))
        }
        Ok(TableKey::Index { index, values, .. }) => {
            Some(format!("table {table} index {index} at {}", hex(values)))
        }
        Err(_) => None,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::codec::bytes::put_bytes;
    use crate::storage::codec::table::{index_key, index_prefix, row_key, schema_key};

    fn shown(user_key: &[u8]) -> String {
        let mut encoded = Vec::new();
        put_bytes(&mut encoded, user_key);
        decoded(&hex(&encoded).to_uppercase())
    }

    #[test]
    fn boundaries_are_tables_indexes_and_rows() {
        assert_eq!(decoded(""), "-");
        assert_eq!(shown(&table_prefix(104)), "table 104");
        assert_eq!(shown(&row_prefix(104)), "table 104 rows");
        assert_eq!(shown(&row_key(104, -5)), "table 104 row -5");
        assert_eq!(shown(&index_prefix(104, 2)), "table 104 index 2");
        assert_eq!(shown(&index_key(104, 2, &[3, 128])), "table 104 index 2 at 0380");
        assert_eq!(shown(&schema_key(b"NextId")), "schema");
        for odd in ["7", "zz", "7480000000000000FF", "00"] {
            assert_eq!(decoded(odd), "?", "{odd}");
        }
    }
}
