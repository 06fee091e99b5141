//! `information_schema.COLLATION_CHARACTER_SET_APPLICABILITY`: which collation is of which character set.

use super::collations::collations;
use crate::sql::system::table::table;

table! {
    "COLLATION_CHARACTER_SET_APPLICABILITY": |_asked| for collation in collations();
    COLLATION_NAME: Varchar(64) NOT NULL = collation.name();
    CHARACTER_SET_NAME: Varchar(64) NOT NULL = collation.charset();
}
