//! `information_schema.INNODB_CMP`: there are no compressed pages.

use crate::sql::system::table::table;

table! {
    "INNODB_CMP" is empty;
    page_size: Int NOT NULL;
    compress_ops: Int NOT NULL;
    compress_ops_ok: Int NOT NULL;
    compress_time: Int NOT NULL;
    uncompress_ops: Int NOT NULL;
    uncompress_time: Int NOT NULL;
}
