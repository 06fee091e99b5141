//! `information_schema.INNODB_TABLESPACES_BRIEF`: there are no tablespaces.

use crate::sql::system::table::table;

table! {
    "INNODB_TABLESPACES_BRIEF" is empty;
    SPACE: Blob;
    NAME: Varchar(268) NOT NULL;
    PATH: Varchar(512) NOT NULL;
    FLAG: Blob;
    SPACE_TYPE: Varchar(7) NOT NULL;
}
