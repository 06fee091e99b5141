//! Steps of CREATE, DROP and TRUNCATE TABLE.

use super::job::{Job, JobNote, JobState};
use super::meta::Changed as Element;
use super::step::{Changed, StepResult, Stepper, note_or_reject, reject};
use super::table_lock::OF_A_JOB;
use crate::sql::catalog::{SchemaState, TableInfo, TableLock, ddl_statement};

/// CREATE TABLE is one step: nobody can use what nobody has seen. The table has statistics from the beginning, so that its
/// rows are counted from the first one.
pub(super) async fn create(
    stepper: &Stepper<'_>,
    job: &mut Job,
    database: &str,
    mut table: TableInfo,
    if_not_exists: bool,
) -> StepResult<Changed> {
    let database = stepper.database(database).await?;
    if stepper.meta.table(database.id, &table.name).await?.is_some() {
        return note_or_reject(job, if_not_exists, ddl_statement::table_exists(&table.name));
    }
    table.id = stepper.meta.new_id().await?;
    table.state = SchemaState::Public;
    table.version = stepper.meta.schema_version().await? + 1;
    table.created_ms = stepper.now_ms;
    stepper.meta.put_table(database.id, &table)?;
    stepper.count_from_nothing(table.id)?;
    job.target = Some((database.id, table.id, 0));
    job.state = JobState::Done;
    job.schema_state = SchemaState::Public;
    Ok(vec![Element::Table(database.id, table.id)])
}

/// DROP TABLE hides the tables first; when no transaction that saw them is left, they go.
pub(super) async fn drop_all(
    stepper: &Stepper<'_>,
    job: &mut Job,
    names: &[(String, String)],
    if_exists: bool,
) -> StepResult<Changed> {
    let mut found = Vec::new();
    let mut missing = Vec::new();
    for (database_name, name) in names {
        let table = match stepper.meta.database(database_name).await? {
            Some(database) => {
                stepper.meta.table(database.id, name).await?.map(|table| (database.id, table))
            }
            None => None,
        };
        match table {
            Some(table) => found.push(table),
            None => missing.push(format!("{database_name}.{name}")),
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
        found.iter().map(|(database, table)| Element::Table(*database, table.id)).collect();
    if job.state == JobState::Queued {
        let version = stepper.meta.schema_version().await? + 1;
        for (database, table) in &mut found {
            table.state = SchemaState::DeleteOnly;
            table.version = version;
            stepper.meta.put_table(*database, table)?;
        }
        job.state = JobState::Running;
        job.schema_state = SchemaState::DeleteOnly;
        return Ok(changed);
    }
    for (position, (database, table)) in found.iter().enumerate() {
        stepper.forget_table(job, *database, table, position as u64)?;
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
    table.version = stepper.meta.schema_version().await? + 1;
    table.created_ms = stepper.now_ms;
    stepper.meta.put_table(database.id, &table)?;
    stepper.count_from_nothing(table.id)?;
    job.target = Some((database.id, table.id, 0));
    job.state = JobState::Done;
    job.schema_state = SchemaState::Public;
    Ok([old, table.id].map(|id| Element::Table(database.id, id)).to_vec())
}
