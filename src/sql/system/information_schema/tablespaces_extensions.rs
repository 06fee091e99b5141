//! `information_schema.TABLESPACES_EXTENSIONS`: there are no tablespaces.

use crate::sql::system::table::table;

table! {
    "TABLESPACES_EXTENSIONS" is empty;
    TABLESPACE_NAME: Varchar(268) NOT NULL;
    ENGINE_ATTRIBUTE: LongText;
}
