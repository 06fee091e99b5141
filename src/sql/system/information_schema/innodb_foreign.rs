//! `information_schema.INNODB_FOREIGN`: the foreign keys, as InnoDB has them.

use crate::sql::catalog::ForeignKey;
use crate::sql::parser::ast::ReferentialAction;
use crate::sql::system::foreign_facts::foreign_keys;
use crate::sql::system::table::table;

/// InnoDB's bits of the actions.
fn kind(key: &ForeignKey) -> u64 {
    let bits = |action, [cascade, null, none]: [u64; 3]| match action {
        ReferentialAction::Cascade => cascade,
        ReferentialAction::SetNull => null,
        ReferentialAction::NoAction => none,
        ReferentialAction::Restrict | ReferentialAction::SetDefault => 0,
    };
    bits(key.on_delete, [1, 2, 16]) | bits(key.on_update, [4, 8, 32])
}

table! {
    "INNODB_FOREIGN": |asked| for foreign in foreign_keys(asked);
    ID: Varchar(129) = format!("{}/{}", foreign.database.name, foreign.key.name);
    FOR_NAME: Varchar(129) = format!("{}/{}", foreign.database.name, foreign.table.name);
    REF_NAME: Varchar(129) = format!("{}/{}", foreign.key.parent_database, foreign.key.parent_table);
    N_COLS: BigInt NOT NULL = foreign.key.columns.len() as i64;
    TYPE: UBigInt NOT NULL = kind(foreign.key);
}
