//! `information_schema.ENGINES`: the one storage engine; SHOW ENGINES reads it.

use crate::sql::system::table::table;

table! {
    "ENGINES": |_asked| for name in ["InnoDB"];
    ENGINE: Varchar(64) NOT NULL = name;
    SUPPORT: Varchar(8) NOT NULL = "DEFAULT";
    COMMENT: Varchar(80) NOT NULL = "Percolator transactions over Raft regions";
    TRANSACTIONS: Varchar(3) = "YES";
    XA: Varchar(3) = "NO";
    SAVEPOINTS: Varchar(3) = "YES";
}
