//! `information_schema.COLLATIONS`: the collations; SHOW COLLATION reads it.

use crate::sql::system::table::table;
use crate::sql::types::Collation;

/// All there are.
pub(super) const COLLATIONS: [Collation; 4] = [
    Collation::Binary,
    Collation::Utf8mb4_0900Bin,
    Collation::Utf8mb4Bin,
    Collation::Utf8mb4GeneralCi,
];

/// Whether it is its character set's.
fn is_default(collation: Collation) -> bool {
    matches!(collation, Collation::Binary | Collation::Utf8mb4Bin)
}

/// Whether blanks at the end do not count.
fn pads(collation: Collation) -> bool {
    matches!(collation, Collation::Utf8mb4Bin | Collation::Utf8mb4GeneralCi)
}

table! {
    "COLLATIONS": |_asked| for collation in COLLATIONS;
    COLLATION_NAME: Varchar(64) NOT NULL = collation.name();
    CHARACTER_SET_NAME: Varchar(64) NOT NULL = collation.charset();
    ID: UBigInt NOT NULL = u64::from(collation.id());
    IS_DEFAULT: Varchar(3) NOT NULL = if is_default(collation) { "Yes" } else { "" };
    IS_COMPILED: Varchar(3) NOT NULL = "Yes";
    SORTLEN: UInt NOT NULL = 1_u64;
    PAD_ATTRIBUTE: Varchar(9) NOT NULL = if pads(collation) { "PAD SPACE" } else { "NO PAD" };
}
