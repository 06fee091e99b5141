//! Keys that turn out to exist at commit.

use bytes::Bytes;

use crate::common::SqlError;
use crate::sql::catalog::TableInfo;
use crate::sql::table_codec;
use crate::sql::types::TimeZone;
use crate::storage::codec::table::{TableKey, decode_table_key};

/// Whether a key tells rows apart by their AUTO_INCREMENT column alone.
pub fn is_auto_increment_key(table: &TableInfo, key: &[u8]) -> bool {
    let is_auto = |offset: usize| table.columns[offset].auto_increment;
    match decode_table_key(key) {
        Ok(TableKey::Row { .. }) => table.handle_column.is_some_and(is_auto),
        Ok(TableKey::Index { index, .. }) => {
            let found = table.indexes.iter().find(|info| info.id == index);
            found.is_some_and(|index| matches!(&index.columns[..], [only] if is_auto(only.offset)))
        }
        Err(_) => false,
    }
}

/// Error 1062 for a key that turned out to exist at commit, with the value that was to be written under it.
pub fn duplicate_from_key(
    table: &TableInfo,
    key: &[u8],
    value: &Bytes,
    zone: &TimeZone,
) -> SqlError {
    let shown = match decode_table_key(key) {
        Ok(TableKey::Row { handle, .. }) => Ok(table_codec::duplicate_primary_key(table, handle)),
        Ok(TableKey::Index { index, values, .. }) => {
            match table.indexes.iter().find(|info| info.id == index) {
                Some(index) => table_codec::duplicate_key(table, index, values, value, zone),
                None => Err(SqlError::internal("a duplicate in an unknown index")),
            }
        }
        Err(error) => Err(SqlError::internal(error)),
    };
    shown.unwrap_or_else(|error| error)
}
