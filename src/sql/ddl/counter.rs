//! Setting the counter of AUTO_INCREMENT when the definition says so.

use super::step::{StepResult, Stepper};
use crate::common::SqlResult;
use crate::sql::catalog::{Alteration, SchemaState, TableInfo};
use crate::sql::kv::{KvPair, ScanOptions};
use crate::sql::table_codec::{self, IndexReader, RowReader};
use crate::sql::types::{Datum, TimeZone};

/// The next number is what was asked for, and above every number that a row has.
pub(super) async fn set(stepper: &Stepper<'_>, alteration: &Alteration) -> StepResult<()> {
    if alteration.before.counted_anew == alteration.after.counted_anew {
        return Ok(());
    }
    let least = alteration.after.auto_increment_start.unwrap_or(1);
    let highest = highest(stepper, &alteration.before).await?;
    let next = least.max(highest.saturating_add(1));
    stepper.meta.put_auto_increment(alteration.after.id, next);
    Ok(())
}

/// The highest number in the counted column of a table; zero if there is none.
async fn highest(stepper: &Stepper<'_>, table: &TableInfo) -> SqlResult<u64> {
    let counted = table.columns.iter().find(|column| column.auto_increment);
    let Some(offset) = counted.map(|column| column.offset) else { return Ok(0) };
    let zone = TimeZone::UTC;
    let value = if table.handle_column == Some(offset) {
        let last = last_pair(stepper, table_codec::row_range(table.id)).await?;
        let read = |pair: KvPair| {
            let handle = table_codec::decode_handle(&pair.key)?;
            RowReader::new(table, &[offset], &zone).read(handle, &pair.value)
        };
        last.map(read).transpose()?.and_then(|mut row| row.pop())
    } else {
        let begins = |index: &&crate::sql::catalog::IndexInfo| {
            index.state == SchemaState::Public && index.columns[0].offset == offset
        };
        let Some(index) = table.indexes.iter().find(begins) else { return Ok(0) };
        let last = last_pair(stepper, table_codec::index_range(table.id, index.id)).await?;
        let reader = IndexReader::new(table, index, &[offset], &zone);
        let read = |pair: KvPair| reader.read(&pair.key, &pair.value);
        last.map(read).transpose()?.and_then(|(_, mut row)| row.pop())
    };
    Ok(match value {
        Some(Datum::UInt(number)) => number,
        Some(Datum::Int(number)) => u64::try_from(number).unwrap_or(0),
        _ => 0,
    })
}

async fn last_pair(
    stepper: &Stepper<'_>,
    (start, end): (bytes::Bytes, bytes::Bytes),
) -> SqlResult<Option<KvPair>> {
    let options =
        ScanOptions { start, end, reverse: true, limit: Some(1), ..ScanOptions::default() };
    stepper.meta.first_of(options).await
}
