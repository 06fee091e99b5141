//! Ending a job before it is done.
//!
//! What only hides something, or only keeps others out, is taken back at once: nobody can tell the table from what it was. An index that is
//! being made has entries by then, so it goes back the way it came, step by step. What has gone so far that transactions
//! may have stopped to keep it up to date cannot come back: that job goes on to its end.

use super::elements::{self, BEGIN, Stage};
use super::job::{Job, JobState};
use super::meta::{Changed as Element, Meta};
use super::step::{Changed, StepResult, Stepper};
use super::{alter, table, table_lock};
use crate::common::{SqlError, SqlResult};
use crate::sql::catalog::{DatabaseInfo, DdlStatement, SchemaState, TableInfo};
use crate::sql::kv::Transaction;

/// What is left to do for a job that is to end.
enum End {
    /// It goes on.
    TooLate,
    /// It has to go back by steps.
    GoBack,
    /// It is over, and this was taken back.
    Over(Changed),
}

/// Ends a job with this error: the job as it is then, or `None` if it cannot be ended any more, or has ended. The transaction is the
/// caller's to commit.
pub async fn cancel(txn: &dyn Transaction, id: u64, error: SqlError) -> SqlResult<Option<Job>> {
    let meta = Meta::new(txn);
    let Some(mut job) = meta.job(id).await? else { return Ok(None) };
    let stepper = Stepper { meta: &meta, now_ms: txn.start_ts().physical_ms() };
    let end = match job.state {
        JobState::Queued => End::Over(Vec::new()),
        JobState::Running => take_back(&stepper, &job).await?,
        JobState::RollingBack | JobState::Done | JobState::Failed => End::TooLate,
    };
    job.state = match end {
        End::TooLate => return Ok(None),
        End::GoBack => JobState::RollingBack,
        End::Over(changed) => {
            if !changed.is_empty() {
                job.version = meta.bump_schema_version(&changed).await?;
            }
            job.alteration = None;
            JobState::Failed
        }
    };
    job.error = Some(error.into());
    job.cancelled = true;
    job.blocked_by.clear();
    match job.is_finished() {
        true => meta.finish_job(&job)?,
        false => meta.put_job(&job)?,
    }
    Ok(Some(job))
}

/// Undoes what the job has done, as far as its kind can be undone at once.
async fn take_back(stepper: &Stepper<'_>, job: &Job) -> StepResult<End> {
    Ok(match &job.action {
        DdlStatement::AlterTable { .. } => return_table(stepper, job).await?,
        DdlStatement::DropTables { tables, .. } => End::Over(show_tables(stepper, tables).await?),
        DdlStatement::DropDatabase { name, .. } => End::Over(show_database(stepper, name).await?),
        DdlStatement::TruncateTable { database, table } => {
            let tables = [(database.clone(), table.clone())];
            End::Over(table_lock::take_away(stepper, &tables, table_lock::OF_A_JOB).await?)
        }
        DdlStatement::LockTables { tables, owner } => {
            let tables: Vec<_> = tables
                .iter()
                .map(|(database, table, _)| (database.clone(), table.clone()))
                .collect();
            End::Over(table_lock::take_away(stepper, &tables, *owner).await?)
        }
        DdlStatement::CreateTable { .. } => End::Over(table::take_back(stepper, job).await?),
        DdlStatement::CreateDatabase { .. }
        | DdlStatement::AlterDatabase { .. }
        | DdlStatement::RenameTables { .. }
        | DdlStatement::CreateView { .. }
        | DdlStatement::PutRoutine { .. }
        | DdlStatement::DropRoutine { .. }
        | DdlStatement::UnlockTables { .. } => End::TooLate,
    })
}

/// What comes goes back by steps. What goes, and is still what it was, is there again at once.
async fn return_table(stepper: &Stepper<'_>, job: &Job) -> StepResult<End> {
    let Some(alteration) = &job.alteration else { return Ok(End::TooLate) };
    match alter::stage(job) {
        Stage::Coming(_) | Stage::Checking => Ok(End::GoBack),
        stage if elements::can_return(alteration, stage) => {
            Ok(End::Over(alter::put(stepper, job, alteration, (stage, BEGIN)).await?))
        }
        Stage::Going(_) => Ok(End::TooLate),
    }
}

/// Lets statements see tables again that were about to go.
async fn show_tables(stepper: &Stepper<'_>, names: &[(String, String)]) -> StepResult<Changed> {
    let mut changed = Vec::new();
    let version = stepper.meta.schema_version().await? + 1;
    for (database, table) in names {
        let Some(database) = stepper.meta.database(database).await? else { continue };
        let Some(table) = stepper.meta.table(database.id, table).await? else { continue };
        if table.state == SchemaState::DeleteOnly {
            let shown = TableInfo { state: SchemaState::Public, version, ..table };
            stepper.meta.put_table(database.id, &shown)?;
            changed.push(Element::Table(database.id, shown.id));
        }
    }
    Ok(changed)
}

/// Lets statements see a database and its tables again.
async fn show_database(stepper: &Stepper<'_>, name: &str) -> StepResult<Changed> {
    let Some(database) = stepper.meta.database(name).await? else { return Ok(Vec::new()) };
    let shown = DatabaseInfo { state: SchemaState::Public, ..database };
    stepper.meta.put_database(&shown)?;
    let tables = stepper.meta.tables(shown.id).await?;
    let tables = tables.iter().map(|table| Element::Table(shown.id, table.id));
    Ok(tables.chain([Element::Other(shown.id)]).collect())
}
