//! `information_schema.CHARACTER_SETS`: the character sets; SHOW CHARACTER SET reads it.

use crate::sql::system::table::table;
use crate::sql::types::Charset;

table! {
    "CHARACTER_SETS": |_asked| for set in Charset::ALL;
    CHARACTER_SET_NAME: Varchar(64) NOT NULL = set.name();
    DEFAULT_COLLATE_NAME: Varchar(64) NOT NULL = set.default_collation().name();
    DESCRIPTION: Varchar(2048) NOT NULL = set.description();
    MAXLEN: UInt NOT NULL = u64::from(set.max_bytes());
}
