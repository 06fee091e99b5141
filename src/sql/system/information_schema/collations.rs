//! `information_schema.COLLATIONS`: the collations; SHOW COLLATION reads it.

use crate::sql::system::table::table;
use crate::sql::types::Collation;

/// All there are, by name.
pub(super) fn collations() -> Vec<Collation> {
    // What a table made before has by the same name is no other one for whoever looks.
    let shown = Collation::ALL.iter().copied().filter(|one| *one != Collation::OldGeneralCi);
    let mut all: Vec<Collation> = shown.collect();
    all.sort_by_key(|one| one.name());
    all
}

table! {
    "COLLATIONS": |_asked| for collation in collations();
    COLLATION_NAME: Varchar(64) NOT NULL = collation.name();
    CHARACTER_SET_NAME: Varchar(64) NOT NULL = collation.charset();
    ID: UBigInt NOT NULL = u64::from(collation.id());
    IS_DEFAULT: Varchar(3) NOT NULL = if collation.is_default() { "Yes" } else { "" };
    IS_COMPILED: Varchar(3) NOT NULL = "Yes";
    SORTLEN: UInt NOT NULL = collation.sort_length();
    PAD_ATTRIBUTE: Varchar(9) NOT NULL = if collation.pads() { "PAD SPACE" } else { "NO PAD" };
}
