//! SPLIT TABLE: where regions are to begin.

use bytes::Bytes;

use super::answer::Sink;
use super::core::Core;
use super::statement::Request;
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::{IndexInfo, SchemaState, TableInfo};
use crate::sql::parser::ast::{Expr, SplitBoundary, SplitTable};
use crate::sql::system::Shown;
use crate::sql::table_codec;
use crate::sql::types::{Datum, convert_for_column};

/// More regions than this are asked for by mistake.
const MOST_REGIONS: u64 = 1000;

impl Core {
    /// SPLIT TABLE.
    pub(super) async fn split_table(
        &mut self,
        split: &SplitTable,
        request: &Request<'_>,
        sink: &mut Sink,
    ) -> SqlResult<()> {
        self.begin_eval(request.params.clone(), false, false);
        let schema = self.services.schema.current();
        let (_, table) = self.find_table(&schema, &split.table)?;
        if table.partitioning.is_some() {
            return Err(SqlError::unsupported("SPLIT TABLE of a table with partitions"));
        }
        let index = match &split.index {
            Some(name) => Some(find_index(&table, name)?),
            None => None,
        };
        let keys = match &split.boundary {
            SplitBoundary::By(points) => points
                .iter()
                .map(|point| self.split_key(&table, index, point, request))
                .collect::<SqlResult<Vec<_>>>()?,
            SplitBoundary::Between { low, high, regions } => {
                if *regions == 0 || *regions > MOST_REGIONS {
                    return Err(SqlError::new(
                        errno::WRONG_ARGUMENTS,
                        format!("Split table region num should be between 1 and {MOST_REGIONS}"),
                    ));
                }
                let low = self.split_key(&table, index, low, request)?;
                let high = self.split_key(&table, index, high, request)?;
                if low >= high {
                    return Err(SqlError::new(
                        errno::WRONG_ARGUMENTS,
                        "Split table: the lower value should be less than the upper value",
                    ));
                }
                between(&low, &high, *regions)
            }
        };
        let made = self.services.store.split_at(keys).await?;
        let row = vec![Datum::Int(made as i64), Datum::Int(1)];
        let shown = Shown::new(&["#TOTAL_SPLIT_REGION", "#SCATTER_FINISH_RATIO"], vec![row]);
        self.send_shown(shown, request, sink).await
    }

    /// The key of a row or an index entry with these values.
    fn split_key(
        &self,
        table: &TableInfo,
        index: Option<&IndexInfo>,
        values: &[Expr],
        request: &Request<'_>,
    ) -> SqlResult<Bytes> {
        let most = index.map_or(1, |index| index.columns.len());
        if values.is_empty() || values.len() > most {
            return Err(SqlError::new(
                errno::WRONG_VALUE_COUNT_ON_ROW,
                "Column count doesn't match value count at row 1",
            ));
        }
        let values = values
            .iter()
            .map(|expr| self.constant(expr, request).map(|(_, value)| value))
            .collect::<SqlResult<Vec<_>>>()?;
        let Some(index) = index else {
            return self.row_split_key(table, values.into_iter().next().unwrap_or_default());
        };
        let mut key = table_codec::index_prefix(table.id, index.id);
        for (part, value) in index.columns.iter().zip(values) {
            let column = &table.columns[part.offset];
            let value = convert_for_column(value, &column.field_type, &column.name, 1, &self.eval)?;
            let zone = &self.eval.time_zone;
            table_codec::push_index_value(&mut key, &value, &column.field_type, part, zone)?;
        }
        Ok(key.into())
    }

    fn row_split_key(&self, table: &TableInfo, value: Datum) -> SqlResult<Bytes> {
        let (value, unsigned) = match table.handle_column {
            Some(handle) => {
                let column = &table.columns[handle];
                let value =
                    convert_for_column(value, &column.field_type, &column.name, 1, &self.eval)?;
                (value, column.field_type.unsigned)
            }
            None => (Datum::Int(value.to_i64(&self.eval)?), false),
        };
        let handle = table_codec::handle_of(&value, unsigned).ok_or_else(|| {
            SqlError::new(errno::WRONG_ARGUMENTS, "Split table: a row's key must be a number")
        })?;
        Ok(table_codec::row_key(table.id, handle))
    }
}

fn find_index<'a>(table: &'a TableInfo, name: &str) -> SqlResult<&'a IndexInfo> {
    let found = table
        .indexes
        .iter()
        .find(|index| index.name.eq_ignore_ascii_case(name) && index.state == SchemaState::Public);
    found.ok_or_else(|| {
        SqlError::new(
            errno::KEY_DOES_NOT_EXIST,
            format!("Key '{name}' doesn't exist in table '{}'", table.name),
        )
    })
}

/// Where each of `regions` equal parts of `[low, high)` begins, the first at `low`: keys as numbers, which differ in the
/// eight bytes after what they have in common.
fn between(low: &[u8], high: &[u8], regions: u64) -> Vec<Bytes> {
    let common = low.iter().zip(high).take_while(|(a, b)| a == b).count();
    let number = |key: &[u8]| {
        let mut bytes = [0; 8];
        let rest = &key[common..];
        let length = rest.len().min(8);
        bytes[..length].copy_from_slice(&rest[..length]);
        u64::from_be_bytes(bytes)
    };
    let (first, last) = (number(low), number(high));
    let step = u128::from(last.saturating_sub(first));
    let mut keys: Vec<Bytes> = (0..regions)
        .map(|part| {
            if part == 0 {
                return Bytes::copy_from_slice(low);
            }
            let ahead = step * u128::from(part) / u128::from(regions);
            let at = first + u64::try_from(ahead).unwrap_or(u64::MAX);
            let mut key = low[..common].to_vec();
            // As long as the keys are, so that a row's key stays one.
            let length = low.len().max(high.len()) - common;
            key.extend_from_slice(&at.to_be_bytes()[..length.min(8)]);
            key.into()
        })
        .collect();
    keys.dedup();
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_equal() {
        let key = |handle: i64| table_codec::row_key(7, handle);
        let keys = between(&key(0), &key(1000), 4);
        assert_eq!(keys, [key(0), key(250), key(500), key(750)]);
        let keys = between(&key(-1000), &key(1000), 2);
        assert_eq!(keys, [key(-1000), key(0)]);
    }
}
