//! `information_schema.STATISTICS`: the columns of indexes; SHOW INDEX reads it.

use crate::sql::catalog::TableExpr;
use crate::sql::system::schema_facts::index_parts;
use crate::sql::system::table::table;
use crate::sql::types::Datum;

table! {
    "STATISTICS": |asked| for part in index_parts(asked);
    TABLE_CATALOG: Varchar(64) NOT NULL = "def";
    TABLE_SCHEMA: Varchar(64) NOT NULL = part.database.name.as_str();
    TABLE_NAME: Varchar(64) NOT NULL = part.table.name.as_str();
    NON_UNIQUE: Int NOT NULL = i64::from(!part.unique);
    INDEX_SCHEMA: Varchar(64) NOT NULL = part.database.name.as_str();
    INDEX_NAME: Varchar(64) = part.index;
    SEQ_IN_INDEX: UInt NOT NULL = part.position;
    COLUMN_NAME: Varchar(64) = (!part.column.hidden).then_some(part.column.name.as_str());
    COLLATION: Varchar(1) = match (part.fulltext, part.descending) {
        (true, _) => Datum::Null,
        (false, true) => Datum::from("D"),
        (false, false) => Datum::from("A"),
    };
    CARDINALITY: BigInt = part.different;
    SUB_PART: BigInt = part.prefix.map(u64::from);
    PACKED: Binary(0) = Datum::Null;
    NULLABLE: Varchar(3) NOT NULL = if part.column.field_type.not_null { "" } else { "YES" };
    INDEX_TYPE: Varchar(11) NOT NULL = if part.fulltext { "FULLTEXT" } else { "BTREE" };
    COMMENT: Varchar(8) NOT NULL = "";
    INDEX_COMMENT: Varchar(2048) NOT NULL = part.comment;
    IS_VISIBLE: Varchar(3) NOT NULL = if part.visible { "YES" } else { "NO" };
    EXPRESSION: LongText = part.column.hidden_expr().map(TableExpr::escaped);
}
