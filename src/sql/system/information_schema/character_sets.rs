//! `information_schema.CHARACTER_SETS`: the character sets; SHOW CHARACTER SET reads it.

use crate::sql::system::table::table;

struct CharacterSet {
    name: &'static str,
    collation: &'static str,
    description: &'static str,
    /// Of a character, at most.
    bytes: u64,
}

const CHARACTER_SETS: [CharacterSet; 2] = [
    CharacterSet {
        name: "binary",
        collation: "binary",
        description: "Binary pseudo charset",
        bytes: 1,
    },
    CharacterSet {
        name: "utf8mb4",
        collation: "utf8mb4_bin",
        description: "UTF-8 Unicode",
        bytes: 4,
    },
];

table! {
    "CHARACTER_SETS": |_asked| for set in CHARACTER_SETS;
    CHARACTER_SET_NAME: Varchar(64) NOT NULL = set.name;
    DEFAULT_COLLATE_NAME: Varchar(64) NOT NULL = set.collation;
    DESCRIPTION: Varchar(2048) NOT NULL = set.description;
    MAXLEN: UInt NOT NULL = set.bytes;
}
