//! `information_schema.PARTITIONS`: the partitions of tables; a table without any is one row.

use super::tables::Sizes;
use crate::sql::catalog::{
    DatabaseInfo, PartitionBounds, PartitionInfo, Partitioning, SplitBy, SplitMethod, TableInfo,
    bounds_text, key_text,
};
use crate::sql::system::asked::Asked;
use crate::sql::system::schema_facts::moment;
use crate::sql::system::table::table;
use crate::sql::types::Datum;

/// What is told of a physical table.
struct Facts<'a> {
    database: &'a DatabaseInfo,
    table: &'a TableInfo,
    /// The partition, and its place.
    partition: Option<(&'a Partitioning, &'a PartitionInfo, u64)>,
    /// The name of the subpartition, its place, and its comment.
    sub: Option<(&'a str, u64, &'a str)>,
    sizes: Sizes,
    created: Datum,
}

fn facts<'a>(asked: &'a Asked<'a>) -> Vec<Facts<'a>> {
    let mut all = Vec::new();
    for (database, table) in asked.tables().filter(|(_, table)| table.view.is_none()) {
        let created = moment(table.created_ms, asked.sources.time_zone());
        let fact = |partition, sub, id: i64| Facts {
            database,
            table,
            partition,
            sub,
            sizes: Sizes::of(table, asked.sources.stats(id).as_ref()),
            created: created.clone(),
        };
        let Some(partitioning) = table.partitioning.as_deref() else {
            all.push(fact(None, None, table.id));
            continue;
        };
        for (place, partition) in (1..).zip(&partitioning.definitions) {
            let own = Some((partitioning, partition, place));
            if partition.subs.is_empty() {
                all.push(fact(own, None, partition.id));
            }
            for (number, sub) in (1..).zip(&partition.subs) {
                let named = (sub.name.as_str(), number, sub.comment.as_str());
                all.push(fact(own, Some(named), sub.id));
            }
        }
    }
    all
}

/// The name of a method.
fn method(by: &SplitBy) -> &'static str {
    match (by.method, by.expr.is_some(), by.linear) {
        (SplitMethod::Range, true, _) => "RANGE",
        (SplitMethod::Range, false, _) => "RANGE COLUMNS",
        (SplitMethod::List, true, _) => "LIST",
        (SplitMethod::List, false, _) => "LIST COLUMNS",
        (SplitMethod::Hash, true, false) => "HASH",
        (SplitMethod::Hash, true, true) => "LINEAR HASH",
        (SplitMethod::Hash, false, false) => "KEY",
        (SplitMethod::Hash, false, true) => "LINEAR KEY",
    }
}

impl Facts<'_> {
    fn by(&self) -> Option<&SplitBy> {
        self.partition.map(|(partitioning, ..)| &partitioning.by)
    }

    fn sub_by(&self) -> Option<&SplitBy> {
        self.partition.and_then(|(partitioning, ..)| partitioning.sub.as_ref())
    }

    fn description(&self) -> Option<String> {
        let (_, partition, _) = self.partition?;
        (partition.bounds != PartitionBounds::Hashed).then(|| bounds_text(&partition.bounds))
    }

    fn comment(&self) -> &str {
        match (self.sub, self.partition) {
            (Some((.., comment)), _) if !comment.is_empty() => comment,
            (_, Some((_, partition, _))) => &partition.comment,
            (_, None) => "",
        }
    }
}

table! {
    "PARTITIONS": |asked| for facts in facts(asked);
    TABLE_CATALOG: Varchar(64) NOT NULL = "def";
    TABLE_SCHEMA: Varchar(64) NOT NULL = facts.database.name.as_str();
    TABLE_NAME: Varchar(64) NOT NULL = facts.table.name.as_str();
    PARTITION_NAME: Varchar(64) = facts.partition.map(|(_, partition, _)| partition.name.as_str());
    SUBPARTITION_NAME: Varchar(64) = facts.sub.map(|(name, ..)| name);
    PARTITION_ORDINAL_POSITION: UInt = facts.partition.map(|(.., place)| place);
    SUBPARTITION_ORDINAL_POSITION: UInt = facts.sub.map(|(_, place, _)| place);
    PARTITION_METHOD: Varchar(13) = facts.by().map(method);
    SUBPARTITION_METHOD: Varchar(13) = facts.sub_by().map(method);
    PARTITION_EXPRESSION: Varchar(2048) = facts.by().map(|by| key_text(facts.table, by));
    SUBPARTITION_EXPRESSION: Varchar(2048) = facts.sub_by().map(|by| key_text(facts.table, by));
    PARTITION_DESCRIPTION: Text = facts.description();
    TABLE_ROWS: UBigInt = facts.sizes.rows;
    AVG_ROW_LENGTH: UBigInt = facts.sizes.row_bytes;
    DATA_LENGTH: UBigInt = facts.sizes.data_bytes;
    MAX_DATA_LENGTH: UBigInt = 0_u64;
    INDEX_LENGTH: UBigInt = facts.sizes.index_bytes;
    DATA_FREE: UBigInt = 0_u64;
    CREATE_TIME: Timestamp(0) = facts.created.clone();
    UPDATE_TIME: DateTime(0) = Datum::Null;
    CHECK_TIME: DateTime(0) = Datum::Null;
    CHECKSUM: BigInt = Datum::Null;
    PARTITION_COMMENT: Text NOT NULL = facts.comment();
    NODEGROUP: Varchar(256) = Datum::Null;
    TABLESPACE_NAME: Varchar(268) = Datum::Null;
}
