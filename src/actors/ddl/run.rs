//! Running one job from the queue.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tracing::{debug, info};

use super::SchemaCache;
use crate::actors::pd::Ownership;
use crate::common::{SqlError, SqlResult};
use crate::sql::catalog::{DdlStatement, InfoSchema};
use crate::sql::ddl::{self, BackfillOutcome, Job, Meta, Progress};
use crate::sql::kv::{KvStore, Transaction, TxnOptions};

/// Rows of a backfill's batch, when nobody writes to them.
const MOST_ROWS: usize = 1024;
/// Rows of a batch that has met writers again and again.
const LEAST_ROWS: usize = 1;
/// How long to leave writers alone after a conflict.
const CONFLICT_PAUSE: Duration = Duration::from_millis(5);
/// How often a step's transaction is tried.
const STEP_ATTEMPTS: usize = 100;

/// Makes sure that nobody works with an old state of a table.
#[async_trait]
pub trait SchemaSync: Send + Sync + 'static {
    /// Returns when every node has loaded the newest version and no transaction uses these tables as they were before their
    /// last change, or after a bounded time.
    async fn wait(&self, tables: &[i64]);
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
                Err(error) if error.is_conflict() && attempt < STEP_ATTEMPTS => {
                    tokio::time::sleep(CONFLICT_PAUSE).await;
                }
                done => break done,
            }
        }
    }};
}

/// Puts a job into the queue.
pub(super) async fn enqueue(parts: &DdlParts, statement: DdlStatement) -> SqlResult<Job> {
    in_transaction!(parts, |txn| ddl::enqueue(txn, statement.clone()).await)
}

/// What came of a look at the queue.
pub(super) enum Looked {
    /// There is nothing in it.
    Empty,
    /// Another node runs it.
    NotOwner,
    /// This job has come to its end.
    Ran(Box<Job>),
}

/// Runs the oldest job of the queue to its end. Those up to `finished` have come to theirs.
pub(super) async fn run_next(parts: &DdlParts, finished: u64) -> SqlResult<Looked> {
    let first = in_transaction!(parts, |txn| Meta::new(txn).first_job(finished).await)?;
    let Some(job) = first else { return Ok(Looked::Empty) };
    if !parts.owner.acquire().await {
        return Ok(Looked::NotOwner);
    }
    info!(job = job.id, kind = ddl::action_name(&job.action), "running a schema change");
    run_job(parts, job).await
}

async fn run_job(parts: &DdlParts, mut job: Job) -> SqlResult<Looked> {
    let mut tables = named_tables(&job.action, &parts.cache.current());
    let mut rows = MOST_ROWS;
    loop {
        if !parts.owner.acquire().await {
            return Ok(Looked::NotOwner);
        }
        parts.sync.wait(&tables).await;
        let progress = take_step(parts, job.id).await?;
        parts.cache.refresh(&*parts.store).await?;
        job = match progress {
            Progress::Finished(job) => {
                // Whoever asked for it may go on on any node.
                parts.sync.wait(&[]).await;
                info!(job = job.id, state = ?job.state, "finished a schema change");
                return Ok(Looked::Ran(Box::new(job)));
            }
            Progress::Stepped(job) => {
                debug!(job = job.id, state = ?job.schema_state, "stepped");
                job
            }
            Progress::Backfill(job) => {
                match ddl::backfill_batch(&*parts.store, job.id, rows).await? {
                    BackfillOutcome::Advanced(job) => {
                        rows = (rows * 2).min(MOST_ROWS);
                        job
                    }
                    BackfillOutcome::Conflict => {
                        rows = (rows / 2).max(LEAST_ROWS);
                        tokio::time::sleep(CONFLICT_PAUSE).await;
                        job
                    }
                    BackfillOutcome::GivenUp(job) => job,
                }
            }
        };
        tables.extend(job.target.map(|(_, table, _)| table).filter(|id| !tables.contains(id)));
    }
}

/// One step of a job, as the store has the job.
async fn take_step(parts: &DdlParts, id: u64) -> SqlResult<Progress> {
    in_transaction!(parts, |txn| match Meta::new(txn).job(id).await {
        Ok(Some(job)) => ddl::step(txn, job).await,
        Ok(None) => match Meta::new(txn).finished_job(id).await {
            Ok(Some(job)) => Ok(Progress::Finished(job)),
            Ok(None) => Err(SqlError::internal("a job has gone from the queue")),
            Err(error) => Err(error),
        },
        Err(error) => Err(error),
    })
}

/// A finished job, as the store has it.
pub(super) async fn finished(parts: &DdlParts, id: u64) -> SqlResult<Option<Job>> {
    in_transaction!(parts, |txn| Meta::new(txn).finished_job(id).await)
}

/// The tables that a statement names and that exist.
fn named_tables(statement: &DdlStatement, schema: &InfoSchema) -> Vec<i64> {
    let id = |database: &str, table: &str| schema.table(database, table).map(|table| table.id);
    match statement {
        DdlStatement::CreateDatabase { .. } | DdlStatement::CreateTable { .. } => Vec::new(),
        DdlStatement::DropDatabase { name, .. } => {
            schema.tables(name).map(|table| table.id).collect()
        }
        DdlStatement::DropTables { tables, .. } => {
            tables.iter().filter_map(|(database, table)| id(database, table)).collect()
        }
        DdlStatement::LockTables { tables, .. } => {
            tables.iter().filter_map(|(database, table, _)| id(database, table)).collect()
        }
        DdlStatement::UnlockTables { .. } => Vec::new(),
        DdlStatement::TruncateTable { database, table }
        | DdlStatement::CreateIndex { database, table, .. }
        | DdlStatement::AlterIndexes { database, table, .. }
        | DdlStatement::DropIndex { database, table, .. } => {
            id(database, table).into_iter().collect()
        }
    }
}
