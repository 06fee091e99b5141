//! How the rows of a table are divided.

use super::Expr;

/// By what rows are divided.
#[derive(Clone, Debug, PartialEq)]
pub enum PartitionMethod {
    /// RANGE (expression).
    Range(Expr),
    /// RANGE COLUMNS.
    RangeColumns(Vec<String>),
    /// LIST (expression).
    List(Expr),
    /// LIST COLUMNS.
    ListColumns(Vec<String>),
    /// HASH (expression), and whether it is LINEAR.
    Hash(Expr, bool),
    /// KEY (columns), whether it is LINEAR, and whether it says ALGORITHM = 1.
    Key(Vec<String>, bool, bool),
}

/// PARTITION BY.
#[derive(Clone, Debug, PartialEq)]
pub struct PartitionBy {
    /// How.
    pub method: PartitionMethod,
    /// PARTITIONS.
    pub count: Option<u64>,
    /// SUBPARTITION BY HASH or KEY, and SUBPARTITIONS.
    pub sub: Option<(PartitionMethod, Option<u64>)>,
    /// The partitions, if they are named.
    pub definitions: Vec<PartitionDefinition>,
}

/// Which rows a partition holds.
#[derive(Clone, Debug, PartialEq)]
pub enum PartitionValues {
    /// Nothing is said, as of HASH and KEY.
    None,
    /// VALUES LESS THAN; `None` is MAXVALUE.
    LessThan(Vec<Option<Expr>>),
    /// VALUES IN; of several columns each is a row.
    In(Vec<Expr>),
}

/// A partition or a subpartition.
#[derive(Clone, Debug, PartialEq)]
pub struct PartitionDefinition {
    /// Its name.
    pub name: String,
    /// Its rows.
    pub values: PartitionValues,
    /// COMMENT.
    pub comment: String,
    /// MAX_ROWS and MIN_ROWS, which are recorded.
    pub storage: Vec<(String, u64)>,
    /// Its subpartitions, if they are named.
    pub subs: Vec<PartitionDefinition>,
}

/// The partitions that an action is about; `None`: ALL.
pub type PartitionNames = Option<Vec<String>>;

/// What ALTER TABLE does with partitions.
#[derive(Clone, Debug, PartialEq)]
pub enum PartitionAction {
    /// PARTITION BY.
    By(Box<PartitionBy>),
    /// REMOVE PARTITIONING.
    Remove,
    /// ADD PARTITION of these.
    Add(Vec<PartitionDefinition>),
    /// ADD PARTITION PARTITIONS n.
    AddCount(u64),
    /// DROP PARTITION.
    Drop(Vec<String>),
    /// TRUNCATE PARTITION.
    Truncate(PartitionNames),
    /// COALESCE PARTITION.
    Coalesce(u64),
    /// REORGANIZE PARTITION: those that go, and those that take their place.
    Reorganize(Vec<String>, Vec<PartitionDefinition>),
    /// REBUILD, OPTIMIZE, ANALYZE, CHECK and REPAIR PARTITION, by that word.
    Maintain(&'static str, PartitionNames),
}
