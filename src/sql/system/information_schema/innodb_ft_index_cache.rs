//! `information_schema.INNODB_FT_INDEX_CACHE`: there are no full-text indexes.

use crate::sql::system::table::table;

table! {
    "INNODB_FT_INDEX_CACHE" is empty;
    WORD: Varchar(337) NOT NULL;
    FIRST_DOC_ID: UBigInt NOT NULL;
    LAST_DOC_ID: UBigInt NOT NULL;
    DOC_COUNT: UBigInt NOT NULL;
    DOC_ID: UBigInt NOT NULL;
    POSITION: UBigInt NOT NULL;
}
