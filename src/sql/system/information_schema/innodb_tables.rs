//! `information_schema.INNODB_TABLES`: the tables whose rows are stored.

use crate::sql::system::schema_facts::{innodb_name, public_columns, stored};
use crate::sql::system::table::table;

/// InnoDB counts three columns of its own.
const SYSTEM_COLUMNS: u64 = 3;

table! {
    "INNODB_TABLES": |asked| for (database, table) in stored(asked);
    TABLE_ID: UBigInt NOT NULL = table.id.cast_unsigned();
    NAME: Varchar(655) NOT NULL = innodb_name(database, table);
    FLAG: Int NOT NULL = 33_i64;
    N_COLS: Int NOT NULL = public_columns(table).count() as u64 + SYSTEM_COLUMNS;
    SPACE: BigInt NOT NULL = 0_i64;
    ROW_FORMAT: Varchar(12) = "Dynamic";
    ZIP_PAGE_SIZE: UInt NOT NULL = 0_u64;
    SPACE_TYPE: Varchar(10) = "Single";
    INSTANT_COLS: Int NOT NULL = 0_i64;
}
