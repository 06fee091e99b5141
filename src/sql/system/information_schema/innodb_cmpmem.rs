//! `information_schema.INNODB_CMPMEM`: there are no compressed pages.

use crate::sql::system::table::table;

table! {
    "INNODB_CMPMEM" is empty;
    page_size: Int NOT NULL;
    buffer_pool_instance: Int NOT NULL;
    pages_used: Int NOT NULL;
    pages_free: Int NOT NULL;
    relocation_ops: BigInt NOT NULL;
    relocation_time: Int NOT NULL;
}
