//! The right side of an index lookup join: the right rows of a batch of left ones.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use super::access::{TableAccess, lock_rows};
use super::{ExecContext, keys, ranges};
use crate::common::{SqlError, SqlResult};
use crate::sql::catalog::{IndexInfo, TableInfo};
use crate::sql::expr::Expr;
use crate::sql::plan::{AccessLock, PlanNode, partitions_of};
use crate::sql::table_codec::{self, RowReader, bounds};
use crate::sql::types::Datum;
use crate::storage::codec::table::table_prefix;

/// How right rows are found.
pub(crate) struct LookupSide {
    table: Arc<TableInfo>,
    /// The physical tables.
    parts: Vec<Arc<TableInfo>>,
    index: Option<Arc<IndexInfo>>,
    keys: Vec<Expr>,
    columns: Vec<usize>,
    lock: AccessLock,
}

/// The right rows of some left ones. Left rows with the same keys share theirs.
pub(crate) struct Matches {
    groups: Vec<Vec<Vec<Datum>>>,
    of_left: Vec<Option<usize>>,
}

impl Matches {
    /// How many right rows were read.
    pub(crate) fn rows(&self) -> usize {
        self.groups.iter().map(Vec::len).sum()
    }

    /// The right rows of a left one.
    pub(crate) fn of(&self, left: usize) -> &[Vec<Datum>] {
        self.of_left[left].map_or(&[], |group| &self.groups[group])
    }
}

impl LookupSide {
    /// Of an `IndexLookupJoin`.
    pub(crate) fn new(node: &PlanNode) -> SqlResult<LookupSide> {
        let PlanNode::IndexLookupJoin { table, index, keys, columns, lock, .. } = node else {
            return Err(SqlError::internal("an index lookup join was expected"));
        };
        let parts = match partitions_of(table)? {
            Some(partitions) => partitions.tables().to_vec(),
            None => vec![table.clone()],
        };
        Ok(LookupSide {
            table: table.clone(),
            parts,
            index: index.clone(),
            keys: keys.clone(),
            columns: columns.clone(),
            lock: *lock,
        })
    }

    /// The right rows of these left ones, locked if the statement locks.
    pub(crate) async fn matches(
        &self,
        left: &[Vec<Datum>],
        ctx: &ExecContext,
    ) -> SqlResult<Matches> {
        let mut wanted: BTreeMap<Bytes, usize> = BTreeMap::new();
        let mut of_left = Vec::with_capacity(left.len());
        for row in left {
            of_left.push(self.key(row, ctx)?.map(|key| {
                let next = wanted.len();
                *wanted.entry(key).or_insert(next)
            }));
        }
        let mut groups = vec![Vec::new(); wanted.len()];
        let (mut found, mut kept_of) = (Vec::new(), None);
        for part in &self.parts {
            let before = found.len();
            self.read_part(part, &wanted, &mut groups, &mut found, ctx).await?;
            let handles: Vec<i64> = found[before..].iter().map(|(_, handle)| *handle).collect();
            if let Some(free) = lock_rows(part, &handles, self.lock, ctx).await? {
                kept_of.get_or_insert_with(Vec::new).extend(free);
            }
        }
        if let Some(free) = kept_of {
            let mut kept = vec![Vec::new(); groups.len()];
            found.into_iter().zip(free).for_each(|((group, _), free)| kept[group].push(free));
            for (group, kept) in groups.iter_mut().zip(kept) {
                let mut kept = kept.into_iter();
                group.retain(|_| kept.next().unwrap_or(true));
            }
        }
        Ok(Matches { groups, of_left })
    }

    /// What a physical table has of the rows that are wanted.
    async fn read_part(
        &self,
        part: &Arc<TableInfo>,
        wanted: &BTreeMap<Bytes, usize>,
        groups: &mut [Vec<Vec<Datum>>],
        found: &mut Vec<(usize, i64)>,
        ctx: &ExecContext,
    ) -> SqlResult<()> {
        let Some(index) = &self.index else {
            return self.read_rows(part, wanted, groups, found, ctx).await;
        };
        for (prefix, group) in wanted {
            let prefix = moved(prefix, part);
            let range = (prefix.clone(), keys::prefix_end(&prefix));
            let mut access =
                TableAccess::open_ranges(part, Some(index), &self.columns, vec![range], ctx);
            loop {
                let batch = access.next().await?;
                if batch.rows.is_empty() {
                    break;
                }
                groups[*group].extend(batch.rows);
                found.extend(batch.handles.into_iter().map(|handle| (*group, handle)));
            }
        }
        Ok(())
    }

    /// The row key or index prefix a left row asks for; `None` if nothing can match it.
    fn key(&self, row: &[Datum], ctx: &ExecContext) -> SqlResult<Option<Bytes>> {
        let Some(index) = &self.index else {
            let value = self.keys[0].eval(row, &ctx.eval)?;
            let handle = ranges::exact_handle(&self.table, &value, &ctx.eval)?;
            return Ok(handle.map(|handle| table_codec::row_key(self.table.id, handle)));
        };
        let mut prefix = table_codec::index_prefix(self.table.id, index.id);
        for (column, expr) in index.columns.iter().zip(&self.keys) {
            let field_type = &self.table.columns[column.offset].field_type;
            let value = expr.eval(row, &ctx.eval)?;
            let (stored, order) = bounds::nearest(&value, field_type, &ctx.eval)?;
            if stored.is_null() || order.is_ne() {
                return Ok(None);
            }
            let zone = &ctx.eval.time_zone;
            table_codec::push_index_value(&mut prefix, &stored, field_type, column, zone)?;
        }
        Ok(Some(prefix.into()))
    }

    async fn read_rows(
        &self,
        part: &Arc<TableInfo>,
        wanted: &BTreeMap<Bytes, usize>,
        groups: &mut [Vec<Vec<Datum>>],
        found: &mut Vec<(usize, i64)>,
        ctx: &ExecContext,
    ) -> SqlResult<()> {
        let moved = wanted.iter().map(|(key, group)| (moved(key, part), *group));
        let (keys, positions): (Vec<Bytes>, Vec<usize>) = moved.unzip();
        let values = ctx.txn.batch_get(keys.clone()).await?;
        let reader = RowReader::new(part, &self.columns, &ctx.eval.time_zone);
        for ((key, group), value) in keys.iter().zip(positions).zip(values) {
            if let Some(value) = value {
                let handle = table_codec::decode_handle(key)?;
                groups[group].push(reader.read(handle, &value)?);
                found.push((group, handle));
            }
        }
        Ok(())
    }
}

/// A key of the table as that of a physical one.
fn moved(key: &Bytes, part: &TableInfo) -> Bytes {
    let prefix = table_prefix(part.id);
    if key.starts_with(&prefix) {
        return key.clone();
    }
    let mut moved = prefix.to_vec();
    moved.extend_from_slice(&key[prefix.len()..]);
    moved.into()
}
