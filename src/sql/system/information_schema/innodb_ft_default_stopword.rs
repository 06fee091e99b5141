//! `information_schema.INNODB_FT_DEFAULT_STOPWORD`: there are no full-text indexes.

use crate::sql::system::table::table;

table! {
    "INNODB_FT_DEFAULT_STOPWORD" is empty;
    value: Varchar(18) NOT NULL;
}
