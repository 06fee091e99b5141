//! Steps of CREATE, DROP and TRUNCATE TABLE.

use super::job::{Job, JobNote, JobState};
use super::meta::Changed as Element;
use super::references;
use super::step::{Changed, StepResult, Stepper, note_or_reject, reject};
use super::table_lock::OF_A_JOB;
use crate::sql::catalog::{SchemaState, TableInfo, TableLock, ddl_statement};

/// CREATE TABLE is one step: nobody can use what nobody has seen. One that refers to others is hidden first, until all who write those know of it. The table has statistics from the beginning, so that its
/// rows are counted from the first one.
pub(super) async fn create(
    stepper: &Stepper<'_>,
    job: &mut Job,
    database: &str,
    mut table: TableInfo,
    if_not_exists: bool,
) -> StepResult<Changed> {
    let database = stepper.database(database).await?;
    if job.state == JobState::Running {
        return show(stepper, job).await;
    }
    if stepper.meta.table(database.id, &table.name).await?.is_some() {
        return note_or_reject(job, if_not_exists, ddl_statement::table_exists(&table.name));
    }
    let (meta, unchecked) = (stepper.meta, job.submitter.unchecked);
    references::check_added(meta, (&database, &table), &table.foreign_keys, unchecked).await?;
    references::check_new_parent(meta, &database, &table, unchecked).await?;
    table.id = stepper.meta.new_id().await?;
    stepper.number_partitions(&mut table).await?;
    table.version = stepper.meta.schema_version().await? + 1;
    table.created_ms = stepper.now_ms;
    let parents = references::parents(meta, (&database, &table), table.foreign_keys.iter()).await?;
    (table.state, job.state) = match parents.is_empty() {
        true => (SchemaState::Public, JobState::Done),
        false => (SchemaState::WriteOnly, JobState::Running),
    };
    stepper.meta.put_table(database.id, &table)?;
    stepper.count_from_nothing(table.id)?;
    job.target = Some((database.id, table.id, 0));
    job.schema_state = table.state;
    Ok([&[Element::Table(database.id, table.id)], &parents[..]].concat())
}

/// The second step of a table with foreign keys: those who write the tables it refers to know of it.
async fn show(stepper: &Stepper<'_>, job: &mut Job) -> StepResult<Changed> {
    let Some((database, mut table)) = created(stepper, job).await? else { return Ok(Vec::new()) };
    table.state = SchemaState::Public;
    table.version = stepper.meta.schema_version().await? + 1;
    stepper.meta.put_table(database, &table)?;
    job.state = JobState::Done;
    job.schema_state = SchemaState::Public;
    Ok(vec![Element::Table(database, table.id)])
}

/// Takes a table away that nobody has seen yet.
pub(super) async fn take_back(stepper: &Stepper<'_>, job: &Job) -> StepResult<Changed> {
    let Some((database, table)) = created(stepper, job).await? else { return Ok(Vec::new()) };
    stepper.forget_table(job, database, &table, 0)?;
    Ok(vec![Element::Table(database, table.id)])
}

/// The table that a job has made so far, with its database.
async fn created(stepper: &Stepper<'_>, job: &Job) -> StepResult<Option<(i64, TableInfo)>> {
    let Some((database, id, _)) = job.target else { return Ok(None) };
    let table = stepper.meta.table_by_id(database, id).await?;
    Ok(table.map(|table| (database, table)))
}

/// DROP TABLE hides the tables first; when no transaction that saw them is left, they go.
pub(super) async fn drop_all(
    stepper: &Stepper<'_>,
    job: &mut Job,
    names: &[(String, String)],
    (if_exists, views): (bool, bool),
) -> StepResult<Changed> {
    let mut found = Vec::new();
    let mut missing = Vec::new();
    for (database_name, name) in names {
        let table = match stepper.meta.database(database_name).await? {
            Some(database) => {
                stepper.meta.table(database.id, name).await?.map(|table| (database, table))
            }
            None => None,
        };
        match table {
            Some(table) if table.1.view.is_some() == views => found.push(table),
            _ => missing.push(format!("{database_name}.{name}")),
        }
    }
    if job.state == JobState::Queued && !missing.is_empty() {
        if !if_exists {
            let (code, message) = ddl_statement::no_table(&missing.join(","));
            return reject(code, message);
        }
        let notes = missing.iter().map(|name| ddl_statement::no_table(name));
        job.notes.extend(notes.map(JobNote::from));
    }
    if found.is_empty() {
        job.state = JobState::Done;
        return Ok(Vec::new());
    }
    let changed =
        found.iter().map(|(database, table)| Element::Table(database.id, table.id)).collect();
    if job.state == JobState::Queued {
        if !job.submitter.unchecked {
            references::check_dropped(stepper.meta, &found).await?;
        }
        let version = stepper.meta.schema_version().await? + 1;
        for (database, table) in &mut found {
            table.state = SchemaState::DeleteOnly;
            table.version = version;
            stepper.meta.put_table(database.id, table)?;
        }
        job.state = JobState::Running;
        job.schema_state = SchemaState::DeleteOnly;
        return Ok(changed);
    }
    for (position, (database, table)) in found.iter().enumerate() {
        stepper.forget_table(job, database.id, table, position as u64)?;
    }
    job.state = JobState::Done;
    job.schema_state = SchemaState::Absent;
    Ok(changed)
}

/// TRUNCATE keeps others out first; when no transaction that uses the table is left, the table gets a new id.
pub(super) async fn truncate(
    stepper: &Stepper<'_>,
    job: &mut Job,
    database: &str,
    name: &str,
) -> StepResult<Changed> {
    let (database, mut table) = stepper.table(database, name).await?;
    if job.state == JobState::Queued {
        if !job.submitter.unchecked {
            references::check_truncated(stepper.meta, &database, &table).await?;
        }
        table.locks.push(TableLock { owner: OF_A_JOB, write: true });
        table.version = stepper.meta.schema_version().await? + 1;
        stepper.meta.put_table(database.id, &table)?;
        job.state = JobState::Running;
        job.schema_state = SchemaState::DeleteOnly;
        return Ok(vec![Element::Table(database.id, table.id)]);
    }
    table.locks.retain(|lock| lock.owner != OF_A_JOB);
    let old = table.id;
    stepper.forget_table(job, database.id, &table, 0)?;
    table.id = stepper.meta.new_id().await?;
    if let Some(partitioning) = &mut table.partitioning {
        partitioning.renumber();
    }
    stepper.number_partitions(&mut table).await?;
    table.version = stepper.meta.schema_version().await? + 1;
    table.created_ms = stepper.now_ms;
    stepper.meta.put_table(database.id, &table)?;
    stepper.count_from_nothing(table.id)?;
    job.target = Some((database.id, table.id, 0));
    job.state = JobState::Done;
    job.schema_state = SchemaState::Public;
    Ok([old, table.id].map(|id| Element::Table(database.id, id)).to_vec())
}
