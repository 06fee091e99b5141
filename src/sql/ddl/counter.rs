//! Setting the counter of AUTO_INCREMENT when the definition says so.

use super::step::{StepError, StepResult, Stepper};
use crate::common::{SqlError, SqlResult};
use crate::sql::catalog::{Alteration, SchemaState, TableInfo};
use crate::sql::kv::{KvPair, ScanOptions};
use crate::sql::table_codec::{self, IndexReader, RowReader};
use crate::sql::types::{Datum, TimeZone};

/// No row is found by a higher number before hidden ones begin.
const MOST_HANDLE: i64 = 1 << 62;

/// The next number is what was asked for, and above every number that a row has.
pub(super) async fn set(stepper: &Stepper<'_>, alteration: &Alteration) -> StepResult<()> {
    if alteration.before.counted_anew == alteration.after.counted_anew {
        return Ok(());
    }
    let least = alteration.after.auto_increment_start.unwrap_or(1);
    let mut highest = 0;
    for id in alteration.after.physical_ids() {
        highest = highest.max(highest_of(stepper, &alteration.after.physical(id)).await?);
    }
    let next = least.max(highest.saturating_add(1));
    stepper.meta.put_auto_increment(alteration.after.id, next);
    Ok(())
}

/// The highest number in the counted column of a physical table; zero if there is none.
async fn highest_of(stepper: &Stepper<'_>, table: &TableInfo) -> SqlResult<u64> {
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
        Some(Datum::Float(number)) => number as u64,
        Some(
            Datum::Null
            | Datum::Decimal(_)
            | Datum::Bytes(_)
            | Datum::Time(_)
            | Datum::Duration(_)
            | Datum::Member(_)
            | Datum::Json(_),
        )
        | None => 0,
    })
}

/// The highest handle of a row.
async fn highest_handle(stepper: &Stepper<'_>, table: &TableInfo) -> SqlResult<Option<i64>> {
    let mut highest = None;
    for id in table.physical_ids() {
        if let Some(pair) = last_pair(stepper, table_codec::row_range(id)).await? {
            highest = highest.max(Some(table_codec::decode_handle(&pair.key)?));
        }
    }
    Ok(highest)
}

/// Where rows are to be found by hidden numbers, there must be some left above the handles they have.
pub(super) async fn check_hidden(stepper: &Stepper<'_>, table: &TableInfo) -> StepResult<()> {
    if highest_handle(stepper, table).await?.is_some_and(|handle| handle > MOST_HANDLE) {
        let what = "DROP PRIMARY KEY where the highest value is near the end of BIGINT";
        return Err(StepError::Rejected(SqlError::unsupported(what)));
    }
    Ok(())
}

/// Rows that were found by a column keep the numbers they had; new ones get higher ones.
pub(super) async fn set_hidden(stepper: &Stepper<'_>, before: &TableInfo) -> StepResult<()> {
    let highest = highest_handle(stepper, before).await?.unwrap_or(0);
    let next = u64::try_from(highest).map_or(1, |highest| highest.saturating_add(1));
    stepper.meta.put_hidden_counter(before.id, next);
    Ok(())
}

/// The last pair of a range.
async fn last_pair(
    stepper: &Stepper<'_>,
    (start, end): (bytes::Bytes, bytes::Bytes),
) -> SqlResult<Option<KvPair>> {
    let options =
        ScanOptions { start, end, reverse: true, limit: Some(1), ..ScanOptions::default() };
    stepper.meta.first_of(options).await
}
