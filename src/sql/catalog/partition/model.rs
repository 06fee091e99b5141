//! Partitions as they are stored with their table.

use std::any::Any;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

use super::Partitions;
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::{TableExpr, TableInfo};

/// By what kind of rule rows are divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SplitMethod {
    /// RANGE.
    Range,
    /// LIST.
    List,
    /// HASH, and KEY where it is of columns.
    Hash,
}

/// What rows are divided by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitBy {
    /// How.
    pub method: SplitMethod,
    /// LINEAR.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub linear: bool,
    /// The function; `None`: the columns themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expr: Option<TableExpr>,
    /// The columns of COLUMNS and KEY, by id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<i64>,
    /// KEY () was written: the columns are those of the primary key.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub implied: bool,
    /// KEY ALGORITHM = 1.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub old_algorithm: bool,
    /// PARTITIONS n (or SUBPARTITIONS) was written.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub counted: bool,
    /// The partitions were written one by one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub named: bool,
}

/// A value that a partition is bounded by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BoundValue {
    /// MAXVALUE.
    Max,
    /// NULL.
    Null,
    /// What the function gives, as text.
    Number(String),
    /// A column's value: as it is written, and as a key.
    Column(String, Vec<u8>),
}

/// Which rows a partition holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PartitionBounds {
    /// Those that the hash gives it.
    Hashed,
    /// VALUES LESS THAN.
    LessThan(Vec<BoundValue>),
    /// VALUES IN.
    In(Vec<Vec<BoundValue>>),
}

/// A partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionInfo {
    /// What its rows have in the place of the table's id; zero if it has subpartitions, or is still to be numbered.
    pub id: i64,
    /// As written; compared without case.
    pub name: String,
    /// Its rows.
    pub bounds: PartitionBounds,
    /// COMMENT.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub comment: String,
    /// MAX_ROWS and MIN_ROWS.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub storage: Vec<(String, u64)>,
    /// Its subpartitions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subs: Vec<SubpartitionInfo>,
}

/// A subpartition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubpartitionInfo {
    /// What its rows have in the place of the table's id.
    pub id: i64,
    /// As written; compared without case.
    pub name: String,
    /// COMMENT.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub comment: String,
    /// MAX_ROWS and MIN_ROWS.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub storage: Vec<(String, u64)>,
}

/// What was worked out of a definition, kept with it; a copy of the definition, which may be changed, begins without it.
#[derive(Default)]
pub struct Kept(OnceLock<Arc<dyn Any + Send + Sync>>);

impl Clone for Kept {
    fn clone(&self) -> Kept {
        Kept::default()
    }
}

impl PartialEq for Kept {
    fn eq(&self, _: &Kept) -> bool {
        true
    }
}

impl Eq for Kept {}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Kept")
    }
}

/// How a table is divided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partitioning {
    /// Into partitions.
    pub by: SplitBy,
    /// Each into subpartitions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub: Option<SplitBy>,
    /// The partitions, in order.
    pub definitions: Vec<PartitionInfo>,
    /// The rule that rows are divided by.
    #[serde(skip)]
    pub kept: Kept,
}

impl Partitioning {
    /// The ids of all physical tables, in order.
    pub fn ids(&self) -> impl Iterator<Item = i64> {
        self.definitions.iter().flat_map(PartitionInfo::ids)
    }

    /// The places of physical tables that are still without a number.
    pub fn unnumbered(&mut self) -> impl Iterator<Item = &mut i64> {
        let all = self.definitions.iter_mut().flat_map(|partition| {
            let (id, subs) = (&mut partition.id, &mut partition.subs);
            let own = subs.is_empty().then_some(id);
            own.into_iter().chain(subs.iter_mut().map(|sub| &mut sub.id))
        });
        all.filter(|id| **id == 0)
    }

    /// Has none of its physical tables any more: it is to get new ones.
    pub fn renumber(&mut self) {
        for partition in &mut self.definitions {
            partition.renumber();
        }
    }

    /// How many physical tables each partition has.
    pub fn width(&self) -> usize {
        self.definitions.first().map_or(1, |first| first.subs.len().max(1))
    }

    /// Where the partition of this name stands.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.definitions.iter().position(|known| same_name(&known.name, name))
    }

    /// The positions of the physical tables that a name is of: a partition's or a subpartition's.
    pub fn named(&self, name: &str) -> Option<std::ops::Range<usize>> {
        let width = self.width();
        if let Some(at) = self.position(name) {
            return Some(at * width..(at + 1) * width);
        }
        let mut subs = self.definitions.iter().flat_map(|partition| &partition.subs);
        subs.position(|sub| same_name(&sub.name, name)).map(|at| at..at + 1)
    }

    /// The names of the physical tables: `p0`, or `p0_p0sp1`.
    pub fn names(&self) -> Vec<String> {
        let of = |partition: &PartitionInfo| match partition.subs.is_empty() {
            true => vec![partition.name.clone()],
            false => {
                let subs = partition.subs.iter();
                subs.map(|sub| format!("{}_{}", partition.name, sub.name)).collect()
            }
        };
        self.definitions.iter().flat_map(of).collect()
    }

    /// The ids of the columns that say where a row is.
    pub fn columns(&self) -> Vec<i64> {
        let mut all: Vec<i64> = Vec::new();
        for by in std::iter::once(&self.by).chain(&self.sub) {
            let named = by.expr.iter().flat_map(|expr| expr.columns.iter().map(|named| named.id));
            for id in named.chain(by.columns.iter().copied()) {
                if !all.contains(&id) {
                    all.push(id);
                }
            }
        }
        all
    }
}

impl PartitionInfo {
    /// The ids of its physical tables.
    pub fn ids(&self) -> impl Iterator<Item = i64> {
        let own = self.subs.is_empty().then_some(self.id);
        own.into_iter().chain(self.subs.iter().map(|sub| sub.id))
    }

    /// Has none of its physical tables any more: it is to get new ones.
    pub fn renumber(&mut self) {
        self.id = 0;
        self.subs.iter_mut().for_each(|sub| sub.id = 0);
    }
}

impl TableInfo {
    /// The ids that its rows are stored under.
    pub fn physical_ids(&self) -> Vec<i64> {
        match &self.partitioning {
            Some(partitioning) => partitioning.ids().collect(),
            None => vec![self.id],
        }
    }

    /// The table as that of its rows that are stored under this id.
    pub fn physical(&self, id: i64) -> TableInfo {
        TableInfo {
            id,
            name: self.name.clone(),
            columns: self.columns.clone(),
            indexes: self.indexes.clone(),
            handle_column: self.handle_column,
            version: self.version,
            state: self.state,
            max_column_id: self.max_column_id,
            max_index_id: self.max_index_id,
            ..TableInfo::empty(&self.collation)
        }
    }

    /// The rule that its rows are divided by, as `bind` works it out the first time; `None`: they are not.
    pub fn partitions(
        &self,
        bind: impl FnOnce(&Partitioning) -> SqlResult<Partitions>,
    ) -> SqlResult<Option<Arc<Partitions>>> {
        let Some(partitioning) = &self.partitioning else { return Ok(None) };
        let of = |kept: &Arc<dyn Any + Send + Sync>| kept.clone().downcast::<Partitions>().ok();
        if let Some(known) = partitioning.kept.0.get().and_then(of) {
            return Ok(Some(known));
        }
        let bound = Arc::new(bind(partitioning)?);
        let kept = partitioning.kept.0.get_or_init(|| bound.clone());
        Ok(Some(of(kept).unwrap_or(bound)))
    }

    /// The positions of the physical tables that PARTITION (…) names, ascending: errors 1735 and 1747.
    pub fn selected_partitions(&self, names: &[String]) -> SqlResult<Vec<usize>> {
        let Some(partitioning) = &self.partitioning else {
            return Err(SqlError::new(
                errno::PARTITION_CLAUSE_ON_NONPARTITIONED,
                "PARTITION () clause on non partitioned table",
            ));
        };
        let mut all = Vec::new();
        for name in names {
            let found = partitioning.named(name);
            all.extend(found.ok_or_else(|| super::unknown_partition(name, &self.name))?);
        }
        all.sort_unstable();
        all.dedup();
        Ok(all)
    }
}

pub(super) fn same_name(left: &str, right: &str) -> bool {
    left.eq_ignore_ascii_case(right) || left.to_lowercase() == right.to_lowercase()
}
