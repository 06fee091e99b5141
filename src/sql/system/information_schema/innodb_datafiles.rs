//! `information_schema.INNODB_DATAFILES`: there are no tablespaces.

use crate::sql::system::table::table;

table! {
    "INNODB_DATAFILES" is empty;
    SPACE: Blob;
    PATH: Varchar(512) NOT NULL;
}
