//! Looking at the rows that are older than a foreign key, or a check: each must have its parent, and none may make the check false.
//!
//! By then all writers keep to the key or the check, from either side, and have for as long as any of them lives. So what a snapshot shows is enough: whoever
//! changes a row later looks himself.

use bytes::Bytes;

use super::backfill::BackfillOutcome;
use super::job::{Job, JobState};
use super::meta::Meta;
use super::references::orphan;
use crate::common::{SqlError, SqlResult};
use crate::sql::catalog::{DdlStatement, ForeignKey, KeyPath, SchemaState, TableInfo};
use crate::sql::expr::EvalContext;
use crate::sql::kv::{KvStore, ScanOptions, Transaction, TxnOptions};
use crate::sql::plan::RowRules;
use crate::sql::table_codec::{self, RowReader};
use crate::sql::types::{Datum, TimeZone};
use crate::storage::codec::table::prefix_end;

/// A key that is looked at.
struct Checked<'t> {
    key: &'t ForeignKey,
    columns: Vec<usize>,
    parent: Option<(TableInfo, Vec<usize>, KeyPath)>,
}

/// Looks at the next `rows` rows, and saves how far it came.
pub(super) async fn validate_batch(
    store: &dyn KvStore,
    mut job: Job,
    rows: usize,
) -> SqlResult<BackfillOutcome> {
    let txn = store.begin(TxnOptions::default()).await?;
    let found = next_rows(&*txn, &mut job, rows).await;
    let error = match found {
        Ok(error) => error,
        Err(error) => {
            txn.rollback().await?;
            return Err(error);
        }
    };
    let meta = Meta::new(&*txn);
    let stored = meta.job(job.id).await?;
    // Somebody has ended it meanwhile.
    if stored.is_none_or(|stored| stored.state != job.state) {
        txn.rollback().await?;
        return Ok(BackfillOutcome::Conflict);
    }
    if let Some(error) = error {
        job.state = JobState::RollingBack;
        job.error = Some(error.into());
    }
    meta.put_job(&job)?;
    match txn.commit().await {
        Ok(_) if job.state == JobState::RollingBack => Ok(BackfillOutcome::GivenUp(job)),
        Ok(_) => Ok(BackfillOutcome::Advanced(job)),
        Err(error) if error.is_conflict() => Ok(BackfillOutcome::Conflict),
        Err(error) => Err(error),
    }
}

/// What checks are computed in: as the session that asked would.
fn context(job: &Job) -> SqlResult<EvalContext> {
    let DdlStatement::AlterTable { rules, .. } = &job.action else {
        return Err(SqlError::internal("only ALTER TABLE looks at rows"));
    };
    Ok(EvalContext { values: rules.context()?, ..EvalContext::new() })
}

/// The error of the first row among the next ones that has no parent.
async fn next_rows(
    txn: &dyn Transaction,
    job: &mut Job,
    most: usize,
) -> SqlResult<Option<SqlError>> {
    let lost = || SqlError::internal("the job or its table has gone");
    let meta = Meta::new(txn);
    let (database, id, _) = job.target.ok_or_else(lost)?;
    let home = meta.database_by_id(database).await?.ok_or_else(lost)?;
    let table = meta.table_by_id(database, id).await?.ok_or_else(lost)?;
    let comes = |key: &&ForeignKey| key.state == SchemaState::WriteOnly;
    let mut keys = Vec::new();
    for key in table.foreign_keys.iter().filter(comes) {
        keys.push(checked(&meta, key, &table).await?);
    }
    let part = job.reorg.table(&table);
    let (mut start, end) = table_codec::row_range(part.id);
    if let Some(handle) = job.reorg.next_handle {
        start = table_codec::row_key(part.id, handle);
    }
    let options = ScanOptions { start, end, limit: Some(most), ..ScanOptions::default() };
    let mut scanner = txn.scan(options).await?;
    let rules = RowRules::coming(&table)?;
    let eval = context(job)?;
    let columns: Vec<usize> = (0..table.columns.len()).collect();
    let reader = RowReader::new(&table, &columns, &TimeZone::UTC);
    let local = RowReader::new(&table, &columns, &eval.time_zone);
    let mut seen = 0;
    while seen < most {
        let pairs = scanner.next_batch().await?;
        if pairs.is_empty() {
            job.reorg.finished = true;
            break;
        }
        let mut rows = Vec::with_capacity(pairs.len());
        for pair in &pairs {
            let handle = table_codec::decode_handle(&pair.key)?;
            rows.push(reader.read(handle, &pair.value)?);
            if !rules.checks_nothing()
                && let Err(error) = rules.check(&local.read(handle, &pair.value)?, &eval)
            {
                return Ok(Some(error));
            }
            job.reorg.next_handle = Some(handle.saturating_add(1));
            job.reorg.finished |= handle == i64::MAX;
        }
        seen += pairs.len();
        for checked in &keys {
            if !all_have_parents(txn, checked, &rows).await? {
                return Ok(Some(orphan(checked.key, &home.name, &table)));
            }
        }
    }
    job.reorg.rows += seen as u64;
    if job.reorg.finished {
        job.reorg.finish_part(&table);
    }
    Ok(None)
}

/// The key that is looked at, with its child and its parent as they are now.
async fn checked<'t>(
    meta: &Meta<'_>,
    key: &'t ForeignKey,
    table: &TableInfo,
) -> SqlResult<Checked<'t>> {
    let place = |id: &i64| table.columns.iter().position(|column| column.id == *id);
    let columns = key.columns.iter().filter_map(place).collect();
    let home = meta.database(&key.parent_database).await?;
    let parent = match home {
        Some(home) => meta.table(home.id, &key.parent_table).await?,
        None => None,
    };
    let parent = parent.and_then(|parent| {
        let path = key.parent_path(&parent)?;
        let ids = key.parent_ids(&parent).ok()?;
        let place = |id: &i64| parent.columns.iter().position(|column| column.id == *id);
        let columns = ids.iter().filter_map(place).collect();
        Some((parent, columns, path))
    });
    Ok(Checked { key, columns, parent })
}

/// Whether every row that refers to one has its parent in the snapshot.
async fn all_have_parents(
    txn: &dyn Transaction,
    checked: &Checked<'_>,
    rows: &[Vec<Datum>],
) -> SqlResult<bool> {
    let mut keys = Vec::with_capacity(rows.len());
    let mut ranges = Vec::new();
    for row in rows {
        let values: Vec<&Datum> = checked.columns.iter().map(|offset| &row[*offset]).collect();
        if values.iter().any(|value| value.is_null()) {
            continue;
        }
        let Some((parent, columns, path)) = &checked.parent else { return Ok(false) };
        let key = table_codec::reference_key(parent, columns, *path, &values, &TimeZone::UTC)?;
        match (key, path) {
            (None, _) => return Ok(false),
            (Some(key), KeyPath::Prefix(_)) => ranges.push(key),
            (Some(key), KeyPath::Handle | KeyPath::Unique(_)) => keys.push(key),
        }
    }
    keys.sort_unstable();
    keys.dedup();
    ranges.sort_unstable();
    ranges.dedup();
    if txn.batch_get(keys).await?.iter().any(Option::is_none) {
        return Ok(false);
    }
    for start in ranges {
        if !any_entry(txn, start).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether an index has an entry that begins so.
async fn any_entry(txn: &dyn Transaction, start: Bytes) -> SqlResult<bool> {
    let end = prefix_end(&start);
    let options = ScanOptions { start, end, limit: Some(1), ..ScanOptions::default() };
    Ok(!txn.scan(options).await?.next_batch().await?.is_empty())
}
