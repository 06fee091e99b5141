//! `information_schema.INNODB_FT_CONFIG`: there are no full-text indexes.

use crate::sql::system::table::table;

table! {
    "INNODB_FT_CONFIG" is empty;
    KEY: Varchar(193) NOT NULL;
    VALUE: Varchar(193) NOT NULL;
}
