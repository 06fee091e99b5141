//! `information_schema.KEYWORDS`: the words that MySQL 8.0 calls keywords. Tools ask it which names they have to quote.

use crate::sql::digest::keywords;
use crate::sql::system::table::table;

table! {
    "KEYWORDS": |_asked| for (word, reserved) in keywords();
    WORD: Varchar(128) = word;
    RESERVED: Int = reserved;
}
