//! `information_schema.INNODB_FOREIGN_COLS`: the columns of foreign keys, as InnoDB has them.

use crate::sql::system::foreign_facts::key_columns;
use crate::sql::system::table::table;

table! {
    "INNODB_FOREIGN_COLS": |asked| for (part, parent) in key_columns(asked).filter_map(|part| {
        let (_, parent) = part.parent?;
        Some((part, parent))
    });
    ID: Varchar(129) = format!("{}/{}", part.database.name, part.constraint);
    FOR_COL_NAME: Varchar(64) NOT NULL = part.column;
    REF_COL_NAME: Varchar(64) NOT NULL = parent;
    POS: UInt NOT NULL = part.position;
}
