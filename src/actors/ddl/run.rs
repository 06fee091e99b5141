//! Running one job from the queue.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Mutex;
use tracing::{debug, info};

use super::messages::SubmitJob;
use super::{SchemaCache, waits};
use crate::actors::pd::Ownership;
use crate::common::retry::{self, Unit};
use crate::common::{SqlError, SqlResult};
use crate::sql::catalog::{DdlStatement, InfoSchema, TableChange};
use crate::sql::ddl::{self, BackfillOutcome, Job, Meta, Progress, Submitter};
use crate::sql::kv::{KvStore, Transaction, TxnOptions};

/// Rows of a backfill's batch, when nobody writes to them.
const MOST_ROWS: usize = 1024;
/// Rows of a batch that has met writers again and again.
const LEAST_ROWS: usize = 1;
/// What is left of a batch when one row alone has met a writer.
const NO_ROWS: usize = 0;
/// How long to leave writers alone after a conflict.
const CONFLICT_PAUSE: Duration = retry::BETWEEN_RUNS;

/// Makes sure that nobody works with an old state of a table.
#[async_trait]
pub trait SchemaSync: Send + Sync + 'static {
    /// Returns when every node has loaded the newest version and no transaction uses these tables as they were before their
    /// last change; or, after about this time, with the connections whose transactions do.
    async fn wait(&self, tables: &[i64], bound: Duration) -> Vec<u32>;
}

/// What the worker works with.
#[derive(Clone)]
pub struct DdlParts {
    /// Where schema and rows are.
    pub store: Arc<dyn KvStore>,
    /// This node's schema.
    pub cache: Arc<SchemaCache>,
    /// Waits for the other users of the schema.
    pub sync: Arc<dyn SchemaSync>,
    /// Decides whether this node runs the jobs.
    pub owner: Arc<dyn Ownership>,
    /// Jobs beside each other take their steps one after the other, as all of them make the next version; and one index is
    /// filled at a time.
    pub turns: Arc<Turns>,
}

/// What jobs beside each other do one after the other.
#[derive(Debug, Default)]
pub struct Turns {
    step: Mutex<()>,
    backfill: Mutex<()>,
}

/// Runs a transaction until it commits without a conflict.
macro_rules! in_transaction {
    ($parts:expr, |$txn:ident| $body:expr) => {{
        let mut attempt = 0;
        loop {
            attempt += 1;
            let txn = $parts.store.begin(TxnOptions::default()).await?;
            let $txn: &dyn Transaction = &*txn;
            let done: SqlResult<_> = $body;
            let done = match done {
                Ok(value) => txn.commit().await.map(|_| value),
                Err(error) => {
                    txn.rollback().await?;
                    Err(error)
                }
            };
            match done {
                Err(error) if retry::runs_again(Unit::Bookkeeping, &error, attempt) => {
                    tokio::time::sleep(CONFLICT_PAUSE).await;
                }
                done => break done,
            }
        }
    }};
}

/// Puts a job into the queue.
pub(super) async fn enqueue(parts: &DdlParts, message: &SubmitJob) -> SqlResult<Job> {
    let submitter = Submitter {
        connection: message.connection,
        lock_wait_s: message.lock_wait.map_or(0, |wait| wait.as_secs().max(1)),
        unchecked: message.unchecked,
    };
    in_transaction!(parts, |txn| { ddl::enqueue(txn, message.statement.clone(), submitter).await })
}

/// What came of a look at the queue.
pub(super) enum Looked {
    /// The jobs in it that were not known.
    New(Vec<Job>),
    /// Another node runs them.
    NotOwner,
}

/// Looks for jobs in the queue after those that are known.
pub(super) async fn look(parts: &DdlParts, known: u64) -> SqlResult<Looked> {
    let jobs = in_transaction!(parts, |txn| Meta::new(txn).jobs_after(known).await)?;
    if !jobs.is_empty() && !parts.owner.acquire().await {
        return Ok(Looked::NotOwner);
    }
    Ok(Looked::New(jobs))
}

/// How a job's run has ended.
pub(super) enum Ran {
    /// The job has come to its end.
    Finished(Box<Job>),
    /// Another node goes on with it.
    NotOwner,
}

/// Runs a job to its end.
pub(super) async fn run_job(parts: &DdlParts, mut job: Job) -> SqlResult<Ran> {
    info!(job = job.id, kind = ddl::action_name(&job.action), "running a schema change");
    // What other nodes have changed by now.
    parts.cache.refresh(&*parts.store).await?;
    let mut tables = named_tables(&job.action, &parts.cache.current());
    let mut rows = MOST_ROWS;
    loop {
        if !parts.owner.acquire().await {
            return Ok(Ran::NotOwner);
        }
        let progress = match waits::await_users(parts, &job, &tables).await? {
            Some(changed) => changed,
            None => take_step(parts, &job).await?,
        };
        parts.cache.refresh(&*parts.store).await?;
        job = match progress {
            Progress::Finished(job) => {
                // Whoever asked for it may go on on any node.
                let old = if keeps_others_out(&job) { &*tables } else { &[] };
                while !parts.sync.wait(old, waits::LOOK).await.is_empty() {}
                info!(job = job.id, state = ?job.state, "finished a schema change");
                return Ok(Ran::Finished(Box::new(job)));
            }
            Progress::Stepped(job) => {
                debug!(job = job.id, state = ?job.schema_state, "stepped");
                job
            }
            Progress::Backfill(job) => fill(parts, job, &mut rows).await?,
        };
        tables.extend(job.target.map(|(_, table, _)| table).filter(|id| !tables.contains(id)));
    }
}

/// Whether transactions that were about to use its tables when it began to keep others out are waited for at the end, too.
fn keeps_others_out(job: &Job) -> bool {
    let keeps =
        matches!(job.action, DdlStatement::LockTables { .. } | DdlStatement::TruncateTable { .. });
    (keeps || job.locked) && job.error.is_none()
}

/// Adds a batch of rows to the index that is being filled.
async fn fill(parts: &DdlParts, job: Job, rows: &mut usize) -> SqlResult<Job> {
    let _turn = parts.turns.backfill.lock().await;
    let outcome = match *rows {
        // It has met writers of this very row: it gets into the line with them.
        NO_ROWS => ddl::backfill_row(&*parts.store, job.id).await?,
        rows => ddl::backfill_batch(&*parts.store, job.id, rows).await?,
    };
    Ok(match outcome {
        BackfillOutcome::Advanced(job) => {
            *rows = (*rows * 2).clamp(LEAST_ROWS, MOST_ROWS);
            job
        }
        BackfillOutcome::Conflict => {
            *rows /= 2;
            tokio::time::sleep(CONFLICT_PAUSE).await;
            job
        }
        BackfillOutcome::GivenUp(job) => job,
    })
}

/// One step of a job, if the store has it as it is known: transactions were waited for by that.
async fn take_step(parts: &DdlParts, known: &Job) -> SqlResult<Progress> {
    let _turn = parts.turns.step.lock().await;
    in_transaction!(parts, |txn| match stored(txn, known.id).await {
        Ok(Progress::Stepped(job)) if is_same(&job, known) => ddl::step(txn, job).await,
        other => other,
    })
}

/// A job as the store has it.
async fn stored(txn: &dyn Transaction, id: u64) -> SqlResult<Progress> {
    let meta = Meta::new(txn);
    if let Some(job) = meta.job(id).await? {
        return Ok(Progress::Stepped(job));
    }
    match meta.finished_job(id).await? {
        Some(job) => Ok(Progress::Finished(job)),
        None => Err(SqlError::internal("a job has gone from the queue")),
    }
}

/// Whether nobody has moved the job, or turned it around.
fn is_same(job: &Job, known: &Job) -> bool {
    (job.version, job.state, job.schema_state) == (known.version, known.state, known.schema_state)
}

/// What those who wait for jobs should know of them: of each one that has ended or was turned around the job, and of each other one
/// whether it waits for transactions.
pub(super) async fn news(parts: &DdlParts, ids: &[u64]) -> SqlResult<Vec<Job>> {
    in_transaction!(parts, |txn| {
        let mut jobs = Vec::with_capacity(ids.len());
        for id in ids {
            match stored(txn, *id).await? {
                Progress::Finished(job) | Progress::Stepped(job) | Progress::Backfill(job) => {
                    jobs.push(job);
                }
            }
        }
        Ok(jobs)
    })
}

/// Notes whom a job waits for, if that has changed. Answers the job if it is not as it is known.
pub(super) async fn note_blocked(
    parts: &DdlParts,
    known: &Job,
    by: Option<&[u32]>,
) -> SqlResult<Option<Progress>> {
    in_transaction!(parts, |txn| match stored(txn, known.id).await {
        Ok(Progress::Stepped(mut job)) if is_same(&job, known) => {
            if let Some(by) = by {
                job.blocked_by = by.to_vec();
                Meta::new(txn).put_job(&job)?;
            }
            Ok(None)
        }
        other => other.map(Some),
    })
}

/// Where a job stands.
pub(super) fn as_progress(job: Job) -> Progress {
    match job.is_finished() {
        true => Progress::Finished(job),
        false => Progress::Stepped(job),
    }
}

/// Ends a job before it is done, if that can be.
pub(super) async fn cancel(parts: &DdlParts, id: u64, error: &SqlError) -> SqlResult<Option<Job>> {
    let _turn = parts.turns.step.lock().await;
    let cancelled = in_transaction!(parts, |txn| ddl::cancel(txn, id, error.clone()).await)?;
    if cancelled.is_some() {
        parts.cache.refresh(&*parts.store).await?;
    }
    Ok(cancelled)
}

/// The tables that a statement names and that exist.
fn named_tables(statement: &DdlStatement, schema: &InfoSchema) -> Vec<i64> {
    let id = |database: &str, table: &str| schema.table(database, table).map(|table| table.id);
    match statement {
        DdlStatement::CreateDatabase { .. } | DdlStatement::AlterDatabase { .. } => Vec::new(),
        DdlStatement::RenameTables { renames } => {
            renames.iter().filter_map(|((database, table), _)| id(database, table)).collect()
        }
        // Those that it refers to.
        DdlStatement::CreateTable { table, .. } => {
            let keys = table.foreign_keys.iter();
            keys.filter_map(|key| id(&key.parent_database, &key.parent_table)).collect()
        }
        DdlStatement::CreateView { database, view, .. } => {
            id(database, &view.name).into_iter().collect()
        }
        DdlStatement::DropDatabase { name, .. } => {
            schema.tables(name).map(|table| table.id).collect()
        }
        DdlStatement::DropTables { tables, .. } => {
            tables.iter().filter_map(|(database, table)| id(database, table)).collect()
        }
        DdlStatement::LockTables { tables, .. } => {
            tables.iter().filter_map(|(database, table, _)| id(database, table)).collect()
        }
        DdlStatement::UnlockTables { .. }
        | DdlStatement::PutRoutine { .. }
        | DdlStatement::DropRoutine { .. } => Vec::new(),
        DdlStatement::TruncateTable { database, table } => {
            id(database, table).into_iter().collect()
        }
        DdlStatement::AlterTable { database, table, changes, .. } => {
            let parents = changes.iter().filter_map(TableChange::parent);
            let own = std::iter::once((database.as_str(), table.as_str()));
            own.chain(parents).filter_map(|(database, table)| id(database, table)).collect()
        }
    }
}
