//! `information_schema.INNODB_CMP_PER_INDEX_RESET`: there are no compressed pages.

use crate::sql::system::table::table;

table! {
    "INNODB_CMP_PER_INDEX_RESET" is empty;
    database_name: Varchar(64) NOT NULL;
    table_name: Varchar(64) NOT NULL;
    index_name: Varchar(64) NOT NULL;
    compress_ops: Int NOT NULL;
    compress_ops_ok: Int NOT NULL;
    compress_time: Int NOT NULL;
    uncompress_ops: Int NOT NULL;
    uncompress_time: Int NOT NULL;
}
