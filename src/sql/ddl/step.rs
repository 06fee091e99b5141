//! One step of a job.

use super::job::{Job, JobNote, JobState, Submitter};
use super::meta::{Changed as Element, DeleteRange, Meta};
use super::{alter, job, references, rename, routine, table, table_lock, view};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::ddl_statement::{self, Complaint};
use crate::sql::catalog::{DatabaseInfo, DdlStatement, SchemaState, TableInfo};
use crate::sql::kv::Transaction;
use crate::sql::stats::TableStats;
use crate::sql::table_codec;

/// Where a job stands after a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The schema has the version `job.version` now. Everybody must have loaded it before the next step.
    Stepped(Job),
    /// Older rows have to be added ([`super::backfill_batch`]) until `job.reorg.finished`; nothing was written.
    Backfill(Job),
    /// Done or failed, and moved to the history.
    Finished(Job),
}

/// Why a step could not be taken.
pub(super) enum StepError {
    /// The job asks for something impossible: it fails with this error.
    Rejected(SqlError),
    /// The store failed: the step is tried again.
    Store(SqlError),
}

impl From<StepError> for SqlError {
    /// The error a client is told of.
    fn from(error: StepError) -> SqlError {
        match error {
            StepError::Rejected(error) | StepError::Store(error) => error,
        }
    }
}

impl From<SqlError> for StepError {
    /// An error of the store: the step is tried again.
    fn from(error: SqlError) -> StepError {
        StepError::Store(error)
    }
}

/// What a step comes to: an error of the store is tried again, a refusal ends the job.
pub(super) type StepResult<T> = Result<T, StepError>;

/// The job cannot be done, for this reason.
pub(super) fn reject<T>(code: u16, message: String) -> StepResult<T> {
    Err(StepError::Rejected(SqlError::new(code, message)))
}

/// Puts a job into the queue. The transaction is the caller's to commit.
pub async fn enqueue(
    txn: &dyn Transaction,
    action: DdlStatement,
    submitter: Submitter,
) -> SqlResult<Job> {
    let now_ms = txn.start_ts().physical_ms();
    let meta = Meta::new(txn);
    if job::adds(&action) {
        meta.needs_room();
    }
    meta.push_job(Job { submitter, ..Job::new(0, action, now_ms) }).await
}

/// Moves a job by one state. The transaction is the caller's to commit; on an error of its commit nothing has happened, and the step
/// is to be taken again with the job as the store has it.
pub async fn step(txn: &dyn Transaction, mut job: Job) -> SqlResult<Progress> {
    let meta = Meta::new(txn);
    let savepoint = txn.begin_statement();
    let reorganizes = job.schema_state == SchemaState::Reorganization;
    if job.state == JobState::Running && reorganizes && !job.reorg.finished {
        return Ok(Progress::Backfill(job));
    }
    let stepper = Stepper { meta: &meta, now_ms: txn.start_ts().physical_ms() };
    job.blocked_by.clear();
    match stepper.advance(&mut job).await {
        Ok(changed) => {
            if !changed.is_empty() {
                job.version = meta.bump_schema_version(&changed).await?;
            }
        }
        Err(StepError::Store(error)) => return Err(error),
        Err(StepError::Rejected(error)) => {
            txn.rollback_to(savepoint);
            job.state = JobState::Failed;
            job.error = Some(error.into());
        }
    }
    if job.is_finished() {
        meta.finish_job(&job)?;
        return Ok(Progress::Finished(job));
    }
    meta.put_job(&job)?;
    Ok(Progress::Stepped(job))
}

/// More than a table can have of partitions.
const MOST_PHYSICAL: u64 = 1 << 16;

/// What the steps work with.
pub(super) struct Stepper<'a> {
    pub(super) meta: &'a Meta<'a>,
    pub(super) now_ms: u64,
}

/// What a step changed the definition of.
pub(super) type Changed = Vec<Element>;

impl Stepper<'_> {
    /// One step of the job that is first in its line.
    async fn advance(&self, job: &mut Job) -> StepResult<Changed> {
        match job.action.clone() {
            DdlStatement::CreateDatabase { info, if_not_exists } => {
                self.create_database(job, info, if_not_exists).await
            }
            DdlStatement::DropDatabase { name, if_exists } => {
                self.drop_database(job, &name, if_exists).await
            }
            DdlStatement::AlterDatabase { name, charset, collation } => {
                self.alter_database(job, &name, charset, collation).await
            }
            DdlStatement::RenameTables { renames } => rename::all(self, job, &renames).await,
            DdlStatement::CreateTable { database, table, if_not_exists } => {
                table::create(self, job, &database, *table, if_not_exists).await
            }
            DdlStatement::CreateView { database, view, or_replace, alters } => {
                view::create(self, job, &database, *view, (or_replace, alters)).await
            }
            DdlStatement::PutRoutine { database, routine, alters } => {
                routine::put(self, job, &database, *routine, alters).await
            }
            DdlStatement::DropRoutine { database, kind, name } => {
                routine::drop_routine(self, job, &database, (kind, &name)).await
            }
            DdlStatement::DropTables { tables, if_exists, views } => {
                table::drop_all(self, job, &tables, (if_exists, views)).await
            }
            DdlStatement::TruncateTable { database, table } => {
                table::truncate(self, job, &database, &table).await
            }
            DdlStatement::AlterTable { database, table, changes, .. } => {
                alter::alter(self, job, &database, &table, &changes).await
            }
            DdlStatement::LockTables { tables, owner } => {
                table_lock::lock(self, job, &tables, owner).await
            }
            DdlStatement::UnlockTables { tables, owner } => {
                table_lock::unlock(self, job, &tables, owner).await
            }
        }
    }

    /// Makes a database.
    async fn create_database(
        &self,
        job: &mut Job,
        mut info: DatabaseInfo,
        if_not_exists: bool,
    ) -> StepResult<Changed> {
        let name = &info.name;
        if self.meta.database(name).await?.is_some() {
            return note_or_reject(job, if_not_exists, ddl_statement::database_exists(name));
        }
        let id = self.meta.new_id().await?;
        info.id = id;
        info.state = SchemaState::Public;
        self.meta.put_database(&info)?;
        job.state = JobState::Done;
        job.schema_state = SchemaState::Public;
        Ok(vec![Element::Other(id)])
    }

    /// Changes the defaults of a database.
    async fn alter_database(
        &self,
        job: &mut Job,
        name: &str,
        charset: String,
        collation: String,
    ) -> StepResult<Changed> {
        let database = DatabaseInfo { charset, collation, ..self.database(name).await? };
        self.meta.put_database(&database)?;
        job.state = JobState::Done;
        job.schema_state = SchemaState::Public;
        Ok(vec![Element::Other(database.id)])
    }

    /// Drops a database with all of its tables.
    async fn drop_database(
        &self,
        job: &mut Job,
        name: &str,
        if_exists: bool,
    ) -> StepResult<Changed> {
        let Some(mut database) = self.meta.database(name).await? else {
            return note_or_reject(job, if_exists, ddl_statement::no_database(name));
        };
        let tables = self.meta.tables(database.id).await?;
        if database.state == SchemaState::Public && !job.submitter.unchecked {
            let going: Vec<_> =
                tables.iter().map(|table| (database.clone(), table.clone())).collect();
            references::check_dropped(self.meta, &going).await?;
        }
        let mut changed: Changed =
            tables.iter().map(|table| Element::Table(database.id, table.id)).collect();
        changed.push(Element::Other(database.id));
        if database.state == SchemaState::Public {
            database.state = SchemaState::DeleteOnly;
            self.meta.put_database(&database)?;
            job.state = JobState::Running;
            job.schema_state = SchemaState::DeleteOnly;
            return Ok(changed);
        }
        for (position, table) in tables.iter().enumerate() {
            self.forget_table(job, database.id, table, position as u64)?;
        }
        self.meta.delete_database(&database);
        job.state = JobState::Done;
        job.schema_state = SchemaState::Absent;
        Ok(changed)
    }

    /// The database of that name, or error 1049.
    pub(super) async fn database(&self, name: &str) -> StepResult<DatabaseInfo> {
        match self.meta.database(name).await? {
            Some(database) => Ok(database),
            None => reject(errno::BAD_DB, format!("Unknown database '{name}'")),
        }
    }

    /// The table of that name with its database, or error 1146.
    pub(super) async fn table(
        &self,
        database: &str,
        table: &str,
    ) -> StepResult<(DatabaseInfo, TableInfo)> {
        let info = self.database(database).await?;
        match self.meta.table(info.id, table).await? {
            Some(found) => Ok((info, found)),
            None => {
                reject(errno::NO_SUCH_TABLE, format!("Table '{database}.{table}' doesn't exist"))
            }
        }
    }

    /// Removes a table's definition and queues its keys for deletion.
    pub(super) fn forget_table(
        &self,
        job: &Job,
        database: i64,
        table: &TableInfo,
        position: u64,
    ) -> SqlResult<()> {
        self.meta.delete_table(database, table);
        table.physical_ids().into_iter().for_each(|id| self.meta.delete_stats(id));
        self.forget_rows(job, position, &table.physical_ids())
    }

    /// Queues everything that is stored under these ids for deletion.
    pub(super) fn forget_rows(&self, job: &Job, position: u64, ids: &[i64]) -> SqlResult<()> {
        for (number, id) in (0..).zip(ids) {
            let range = table_codec::table_range(*id);
            self.queue_deletion(job, position * MOST_PHYSICAL + number, range)?;
        }
        Ok(())
    }

    /// Gives the partitions that have no ids theirs.
    pub(super) async fn number_partitions(&self, table: &mut TableInfo) -> SqlResult<()> {
        let Some(partitioning) = &mut table.partitioning else { return Ok(()) };
        for id in partitioning.unnumbered() {
            *id = self.meta.new_id().await?;
            self.count_from_nothing(*id)?;
        }
        Ok(())
    }

    /// Gives a new table its statistics: it has no rows.
    pub(super) fn count_from_nothing(&self, table: i64) -> SqlResult<()> {
        self.meta.put_stats(&TableStats { updated_ms: self.now_ms, ..TableStats::empty(table) })
    }

    /// Queues a range of keys for deletion.
    pub(super) fn queue_deletion(
        &self,
        job: &Job,
        position: u64,
        (start, end): (bytes::Bytes, bytes::Bytes),
    ) -> SqlResult<()> {
        self.meta.push_delete_range(&DeleteRange {
            job: job.id,
            position,
            start: start.to_vec(),
            end: end.to_vec(),
            dropped_ms: self.now_ms,
        })
    }
}

/// Ends a job that has nothing to do: with a note if the statement said IF (NOT) EXISTS, with an error otherwise.
pub(super) fn note_or_reject(
    job: &mut Job,
    tolerated: bool,
    complaint: Complaint,
) -> StepResult<Changed> {
    if !tolerated {
        let (code, message) = complaint;
        return reject(code, message);
    }
    job.notes.push(JobNote::from(complaint));
    job.state = JobState::Done;
    Ok(Vec::new())
}
