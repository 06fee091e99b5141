//! `information_schema.INNODB_FT_DELETED`: there are no full-text indexes.

use crate::sql::system::table::table;

table! {
    "INNODB_FT_DELETED" is empty;
    DOC_ID: UBigInt NOT NULL;
}
