//! `information_schema.INNODB_INDEXES`: the indexes of the tables whose rows are stored.

use crate::sql::catalog::{IndexInfo, TableInfo};
use crate::sql::system::asked::Asked;
use crate::sql::system::schema_facts::{public_indexes, stored};
use crate::sql::system::table::table;

/// The indexes that are stored apart from the rows.
fn indexes<'a>(asked: &'a Asked<'a>) -> impl Iterator<Item = (&'a TableInfo, &'a IndexInfo)> + 'a {
    stored(asked).flat_map(|(_, table)| public_indexes(table).map(move |index| (table, index)))
}

/// InnoDB's number for a unique index, or one that is not.
fn kind(index: &IndexInfo) -> i64 {
    if index.unique { 2 } else { 0 }
}

table! {
    "INNODB_INDEXES": |asked| for (table, index) in indexes(asked);
    INDEX_ID: UBigInt NOT NULL = index.id.cast_unsigned();
    NAME: Varchar(193) NOT NULL = index.name.as_str();
    TABLE_ID: UBigInt NOT NULL = table.id.cast_unsigned();
    TYPE: Int NOT NULL = kind(index);
    N_FIELDS: Int NOT NULL = index.columns.len() as u64;
    PAGE_NO: Int NOT NULL = 0_i64;
    SPACE: Int NOT NULL = 0_i64;
    MERGE_THRESHOLD: Int NOT NULL = 50_i64;
}
