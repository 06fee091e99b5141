//! Adding the entries of rows that are older than an index, and converting rows that are older than a column.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::alter;
use super::conversion::Conversion;
use super::job::{Job, JobState};
use super::meta::Meta;
use super::validate::validate_batch;
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::{IndexInfo, Partitions, TableInfo};
use crate::sql::expr::EvalContext;
use crate::sql::kv::{KvPair, KvStore, LockOptions, ScanOptions, Transaction, TxnOptions};
use crate::sql::plan::partitions_of;
use crate::sql::stats::TableDelta;
use crate::sql::table_codec::{self, IndexEntry, RowReader};
use crate::sql::types::{Datum, TimeZone};

/// What is filled where an index has its id: the rows themselves.
pub(super) const ROWS: i64 = 0;

/// How long one row is waited for, behind others who write it.
const TURN_PATIENCE: Duration = Duration::from_secs(5);
/// How often another writer may be faster, each time the row is free.
const TURNS_MOST: usize = 100;

/// Bytes of rows whose words are added in one batch.
const BATCH_TEXTS: usize = 256 << 10;

/// How a batch ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BackfillOutcome {
    /// The rows are in; `job.reorg` says how far it came and whether that was all.
    Advanced(Job),
    /// A row of the batch changed meanwhile: run it again (smaller batches meet fewer writers).
    Conflict,
    /// Two rows have the same values in a unique index, or there is no room: the job rolls back from now on.
    GivenUp(Job),
}

/// Adds the entries of the next `rows` rows, in one transaction that also saves the progress.
///
/// The rows are read in a snapshot and locked optimistically: if any of them is written before the batch commits, the batch fails
/// as a whole, and the writer's own entries stand.
pub async fn backfill_batch(
    store: &dyn KvStore,
    job_id: u64,
    rows: usize,
) -> SqlResult<BackfillOutcome> {
    if let Some(job) = validating(store, job_id).await? {
        return validate_batch(store, job, rows).await;
    }
    let txn = store.begin(TxnOptions::default()).await?;
    let outcome = match Batch::load(&*txn, job_id, rows).await {
        Ok(batch) => batch.run().await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(outcome) => match txn.commit().await {
            Ok(_) => Ok(outcome),
            Err(error) if error.is_conflict() => Ok(BackfillOutcome::Conflict),
            // The jobs behind it may be those that free space.
            Err(error) if error.code == errno::DISK_FULL => give_up(store, job_id, error).await,
            Err(error) => Err(error),
        },
        Err(error) => {
            txn.rollback().await?;
            if error.is_conflict() {
                return Ok(BackfillOutcome::Conflict);
            }
            Err(error)
        }
    }
}

/// Adds the entry of the next row alone, under locks: for a row that is written so often that a batch never sees it stand still. This
/// stands in the line for the row as any writer does, so it has its turn, and holds the row only for as long as it takes to write the entry.
///
/// The progress is saved by a transaction of its own, which like a batch fails if somebody has changed the job. That the entry is there by then
/// does no harm: writers keep it right.
pub async fn backfill_row(store: &dyn KvStore, job_id: u64) -> SqlResult<BackfillOutcome> {
    if let Some(job) = validating(store, job_id).await? {
        return validate_batch(store, job, 1).await;
    }
    let txn = store.begin(TxnOptions { pessimistic: true, ..TxnOptions::default() }).await?;
    let written = match Batch::load(&*txn, job_id, 1).await {
        Ok(batch) => batch.write_next().await,
        Err(error) => Err(error),
    };
    let written = match written {
        Ok(written) => txn.commit().await.map(|_| written),
        Err(error) => {
            txn.rollback().await?;
            Err(error)
        }
    };
    let next = match written {
        Ok(next) => next,
        // It was waited for long enough, or in a circle: the row has its turn again.
        Err(error) if error.is_conflict() || is_locked(&error) => {
            return Ok(BackfillOutcome::Conflict);
        }
        Err(error) if error.code == errno::DISK_FULL => {
            return give_up(store, job_id, error).await;
        }
        Err(error) => return Err(error),
    };
    save_progress(store, job_id, next).await
}

/// The job, if what is left to do is to look at rows.
async fn validating(store: &dyn KvStore, job_id: u64) -> SqlResult<Option<Job>> {
    let txn = store.begin(TxnOptions::default()).await?;
    let job = Meta::new(&*txn).job(job_id).await?;
    txn.rollback().await?;
    Ok(job.filter(alter::validates))
}

/// What came of one row.
enum Next {
    /// There is none any more.
    End,
    /// Its entry is there, if it is.
    Done(i64),
    /// Another row has its values, or they cannot be converted.
    Impossible(SqlError),
}

/// Whether somebody holds a lock on the row that is wanted.
fn is_locked(error: &SqlError) -> bool {
    matches!(error.code, errno::LOCK_WAIT_TIMEOUT | errno::LOCK_DEADLOCK)
}

/// Notes where the work goes on, unless the job was changed meanwhile.
async fn save_progress(store: &dyn KvStore, job_id: u64, next: Next) -> SqlResult<BackfillOutcome> {
    let txn = store.begin(TxnOptions::default()).await?;
    let meta = Meta::new(&*txn);
    let Some(mut job) = meta.job(job_id).await? else {
        return Err(SqlError::internal("the job has gone"));
    };
    let table = match job.target {
        Some((database, id, _)) => meta.table_by_id(database, id).await?,
        None => None,
    };
    let outcome = match next {
        Next::End | Next::Done(i64::MAX) => {
            match &table {
                Some(table) => job.reorg.finish_part(table),
                None => job.reorg.finished = true,
            }
            BackfillOutcome::Advanced(job)
        }
        Next::Done(handle) => {
            job.reorg.rows += 1;
            job.converted += u64::from(job.target.is_some_and(|(.., filled)| filled == ROWS));
            job.reorg.next_handle = Some(handle + 1);
            BackfillOutcome::Advanced(job)
        }
        Next::Impossible(error) => {
            job.state = JobState::RollingBack;
            job.error = Some(error.into());
            BackfillOutcome::GivenUp(job)
        }
    };
    if let BackfillOutcome::Advanced(job) | BackfillOutcome::GivenUp(job) = &outcome {
        meta.put_job(job)?;
    }
    match txn.commit().await {
        Ok(_) => Ok(outcome),
        Err(error) if error.is_conflict() => Ok(BackfillOutcome::Conflict),
        Err(error) => Err(error),
    }
}

/// Turns a job around that cannot be carried out.
async fn give_up(store: &dyn KvStore, job_id: u64, error: SqlError) -> SqlResult<BackfillOutcome> {
    let txn = store.begin(TxnOptions::default()).await?;
    let meta = Meta::new(&*txn);
    let Some(mut job) = meta.job(job_id).await? else { return Err(error) };
    job.state = JobState::RollingBack;
    job.error = Some(error.into());
    meta.put_job(&job)?;
    txn.commit().await?;
    Ok(BackfillOutcome::GivenUp(job))
}

/// Whether a job copies rows to other physical tables.
fn moves(job: &Job) -> bool {
    job.alteration.as_ref().is_some_and(|alteration| alteration.moves)
}

/// Where the rows of a job's table are copied to.
fn moved(job: &Job) -> SqlResult<Filled> {
    let lost = || SqlError::internal("the job does not know where rows go");
    let after = job.alteration.as_ref().ok_or_else(lost)?.after.clone();
    let partitions = partitions_of(&after)?;
    Ok(Filled::Moved(Box::new(after), partitions))
}

/// A row's entry, with the row.
type RowEntry = (IndexEntry, Vec<Datum>);

/// What is filled.
enum Filled {
    /// An index.
    Index(IndexInfo),
    /// The rows themselves.
    Rows(Box<Conversion>),
    /// The physical tables that rows are copied to, with what the table will be.
    Moved(Box<TableInfo>, Option<Arc<Partitions>>),
}

/// What one batch works with.
struct Batch<'a> {
    txn: &'a dyn Transaction,
    job: Job,
    /// The table.
    whole: TableInfo,
    /// Of its physical tables the one whose rows are next.
    table: TableInfo,
    filled: Filled,
    rows: usize,
}

impl<'a> Batch<'a> {
    /// The job as it is now, and the rows that come next.
    async fn load(txn: &'a dyn Transaction, job_id: u64, rows: usize) -> SqlResult<Batch<'a>> {
        let lost = || SqlError::internal("the job or its index has gone");
        let meta = Meta::new(txn);
        let job = meta.job(job_id).await?.ok_or_else(lost)?;
        let (database_id, table_id, index_id) = job.target.ok_or_else(lost)?;
        let table = meta.table_by_id(database_id, table_id).await?.ok_or_else(lost)?;
        let filled = match index_id {
            ROWS if moves(&job) => moved(&job)?,
            ROWS => Filled::Rows(Box::new(Conversion::of(&job, &table)?)),
            id => {
                let index = table.indexes.iter().find(|index| index.id == id).cloned();
                Filled::Index(index.ok_or_else(lost)?)
            }
        };
        let (whole, table) = (table.clone(), job.reorg.table(&table));
        Ok(Batch { txn, job, whole, table, filled, rows })
    }

    /// Writes the entries of the batch into the transaction.
    async fn run(mut self) -> SqlResult<BackfillOutcome> {
        let mut pairs = self.read_rows().await?;
        let was_last = pairs.len() < self.rows;
        let left_out = self.cut_texts(&mut pairs);
        let row_keys = pairs.iter().map(|pair| pair.key.clone()).collect();
        let options =
            LockOptions { wait: Duration::ZERO, return_values: false, keep_missing: true };
        self.txn.lock_keys(row_keys, options).await?;
        let failed = match &self.filled {
            Filled::Index(index) => {
                let entries = self.entries(index, &pairs)?;
                self.write(index, &entries).await?
            }
            Filled::Rows(conversion) => self.convert(conversion, &pairs)?,
            Filled::Moved(after, partitions) => {
                self.copy(after, partitions.as_deref(), &pairs).await?
            }
        };
        if let Some(error) = failed {
            self.job.state = JobState::RollingBack;
            self.job.error = Some(error.into());
            Meta::new(self.txn).put_job(&self.job)?;
            return Ok(BackfillOutcome::GivenUp(self.job));
        }
        if let Filled::Rows(conversion) = &self.filled {
            conversion.note_warnings(&mut self.job);
        }
        if !matches!(self.filled, Filled::Index(_)) {
            self.job.converted += pairs.len() as u64;
        }
        self.job.reorg.rows += pairs.len() as u64;
        let last = pairs.last().map(|pair| table_codec::decode_handle(&pair.key)).transpose()?;
        match last {
            Some(i64::MAX) => self.job.reorg.finished = true,
            Some(last) => self.job.reorg.next_handle = Some(last + 1),
            None => {}
        }
        if self.job.reorg.finished || was_last && !left_out {
            self.job.reorg.finish_part(&self.whole);
        }
        Meta::new(self.txn).put_job(&self.job)?;
        Ok(BackfillOutcome::Advanced(self.job))
    }

    /// Leaves the rest of the rows to the next batch where words of long texts would fill the transaction; answers whether it did.
    fn cut_texts(&self, pairs: &mut Vec<KvPair>) -> bool {
        let Filled::Index(IndexInfo { fulltext: Some(_), .. }) = &self.filled else { return false };
        let mut bytes = 0;
        let fits = |pair: &&KvPair| {
            let before = bytes;
            bytes += pair.value.len();
            before < BATCH_TEXTS
        };
        let count = pairs.iter().take_while(fits).count();
        let left_out = count < pairs.len();
        pairs.truncate(count);
        left_out
    }

    /// Writes the entry of the next row under a lock of it.
    async fn write_next(self) -> SqlResult<Next> {
        let pairs = self.read_rows().await?;
        let Some(pair) = pairs.first() else { return Ok(Next::End) };
        let handle = table_codec::decode_handle(&pair.key)?;
        // As it is now; it may have gone.
        let value = self.lock_for_turn(&pair.key).await?;
        let Some(value) = value else { return Ok(Next::Done(handle)) };
        let row = [KvPair { key: pair.key.clone(), value }];
        let index = match &self.filled {
            Filled::Index(index) => index,
            Filled::Rows(conversion) => {
                let failed = self.convert(conversion, &row)?;
                return Ok(failed.map_or(Next::Done(handle), Next::Impossible));
            }
            Filled::Moved(after, partitions) => {
                let failed = self.copy(after, partitions.as_deref(), &row).await?;
                return Ok(failed.map_or(Next::Done(handle), Next::Impossible));
            }
        };
        for (entry, row) in self.entries(index, &row)? {
            let stored = self.lock_for_turn(&entry.key).await?;
            match stored {
                Some(other)
                    if entry.distinct && !table_codec::same_handle(&other, &entry.value)? =>
                {
                    let error = table_codec::duplicate_index_entry(&self.table, index, &row);
                    return Ok(Next::Impossible(error));
                }
                _ => self.txn.put(entry.key, entry.value),
            }
        }
        Ok(Next::Done(handle))
    }

    /// Locks a key, after those who have come before; answers its value now.
    async fn lock_for_turn(&self, key: &Bytes) -> SqlResult<Option<Bytes>> {
        let options = LockOptions { wait: TURN_PATIENCE, return_values: true, keep_missing: true };
        for attempt in 1.. {
            match self.txn.lock_keys(vec![key.clone()], options).await {
                Ok(mut values) => return Ok(values.pop().flatten()),
                // It was written while this waited: again, at a newer timestamp.
                Err(error) if error.is_conflict() && !is_locked(&error) && attempt < TURNS_MOST => {
                    self.txn.use_current_read().await?;
                }
                Err(error) => return Err(error),
            }
        }
        unreachable!("the last attempt returns")
    }

    /// The next rows of the table, in the order of their handles. Those of a physical table that stays where rows move are left alone.
    async fn read_rows(&self) -> SqlResult<Vec<KvPair>> {
        if let Filled::Moved(after, _) = &self.filled
            && after.physical_ids().contains(&self.table.id)
        {
            return Ok(Vec::new());
        }
        let (mut start, end) = table_codec::row_range(self.table.id);
        if let Some(handle) = self.job.reorg.next_handle {
            start = table_codec::row_key(self.table.id, handle);
        }
        let limit = Some(self.rows);
        let options = ScanOptions { start, end, limit, ..ScanOptions::default() };
        let mut scanner = self.txn.scan(options).await?;
        let mut pairs = Vec::new();
        while pairs.len() < self.rows {
            let batch = scanner.next_batch().await?;
            if batch.is_empty() {
                break;
            }
            pairs.extend(batch);
        }
        pairs.truncate(self.rows);
        Ok(pairs)
    }

    /// Gives rows their new values; answers the error of one that has none.
    fn convert(&self, conversion: &Conversion, pairs: &[KvPair]) -> SqlResult<Option<SqlError>> {
        let columns: Vec<usize> = (0..self.table.columns.len()).collect();
        let zone = conversion.zone();
        let reader = RowReader::new(&self.table, &columns, &zone);
        for (pair, number) in pairs.iter().zip(self.job.reorg.rows + 1..) {
            let handle = table_codec::decode_handle(&pair.key)?;
            let mut row = reader.read(handle, &pair.value)?;
            match conversion.apply(&self.table, &mut row, number) {
                Ok(true) => {
                    let value = table_codec::encode_row(&self.table, &row, &zone)?;
                    self.txn.put(pair.key.clone(), value);
                }
                Ok(false) => {}
                Err(error) => return Ok(Some(error)),
            }
        }
        Ok(None)
    }

    /// Writes rows where they will be, with their entries; answers the error of one that will be nowhere.
    async fn copy(
        &self,
        after: &TableInfo,
        partitions: Option<&Partitions>,
        pairs: &[KvPair],
    ) -> SqlResult<Option<SqlError>> {
        let columns: Vec<usize> = (0..self.table.columns.len()).collect();
        let reader = RowReader::new(&self.table, &columns, &TimeZone::UTC);
        let eval = EvalContext::new();
        let mut counted: BTreeMap<i64, u64> = BTreeMap::new();
        for pair in pairs {
            let handle = table_codec::decode_handle(&pair.key)?;
            let row = reader.read(handle, &pair.value)?;
            let to = match partitions {
                None => after,
                Some(partitions) => match partitions.place(&row, &eval) {
                    Ok(place) => &*partitions.tables()[place],
                    Err(error) => return Ok(Some(error)),
                },
            };
            *counted.entry(to.id).or_default() += 1;
            self.txn.put(table_codec::row_key(to.id, handle), pair.value.clone());
            for index in &after.indexes {
                let entry = table_codec::index_entry(to, index, &row, handle, &TimeZone::UTC)?;
                self.txn.put(entry.key, entry.value);
            }
        }
        let meta = Meta::new(self.txn);
        for (id, rows) in counted {
            if let Some(mut stats) = meta.stats(id).await? {
                stats.apply(TableDelta::inserted(rows));
                meta.put_stats(&stats)?;
            }
        }
        Ok(None)
    }

    /// The entries that rows have in an index that is being built.
    fn entries(&self, index: &IndexInfo, pairs: &[KvPair]) -> SqlResult<Vec<RowEntry>> {
        let columns: Vec<usize> = (0..self.table.columns.len()).collect();
        let reader = RowReader::new(&self.table, &columns, &TimeZone::UTC);
        let mut entries = Vec::with_capacity(pairs.len());
        for pair in pairs {
            let handle = table_codec::decode_handle(&pair.key)?;
            let row = reader.read(handle, &pair.value)?;
            if index.fulltext.is_some() {
                let words = table_codec::word_entries(&self.table, index, &row, handle);
                // No other row may have them: the row is not asked for.
                entries.extend(words.into_iter().map(|entry| (entry, Vec::new())));
                continue;
            }
            let entry = table_codec::index_entry(&self.table, index, &row, handle, &TimeZone::UTC)?;
            entries.push((entry, row));
        }
        Ok(entries)
    }

    /// Writes the entries that are not there; answers the error of a duplicate.
    async fn write(&self, index: &IndexInfo, entries: &[RowEntry]) -> SqlResult<Option<SqlError>> {
        let unique: Vec<Bytes> = entries
            .iter()
            .filter(|(entry, _)| entry.distinct)
            .map(|(entry, _)| entry.key.clone())
            .collect();
        let mut stored = self.txn.batch_get(unique).await?.into_iter();
        for (entry, row) in entries {
            if !entry.distinct {
                self.txn.put(entry.key.clone(), entry.value.clone());
                continue;
            }
            let stored = stored.next().flatten();
            match self.txn.buffered(&entry.key).flatten().or(stored) {
                None => self.txn.put(entry.key.clone(), entry.value.clone()),
                Some(other) if table_codec::same_handle(&other, &entry.value)? => {}
                Some(_) => {
                    let error = table_codec::duplicate_index_entry(&self.table, index, row);
                    return Ok(Some(error));
                }
            }
        }
        Ok(None)
    }
}
