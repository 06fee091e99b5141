//! `information_schema.OPTIMIZER_TRACE`: plans are shown by EXPLAIN; nothing is traced.

use crate::sql::system::table::table;

table! {
    "OPTIMIZER_TRACE" is empty;
    QUERY: LongText NOT NULL;
    TRACE: LongText NOT NULL;
    MISSING_BYTES_BEYOND_MAX_MEM_SIZE: Int NOT NULL;
    INSUFFICIENT_PRIVILEGES: Int NOT NULL;
}
