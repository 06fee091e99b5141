//! Steps of CREATE and DROP INDEX.

use super::job::{Job, JobState};
use super::meta::{Changed as Element, same_name};
use super::step::{Changed, StepResult, Stepper, note_or_reject, reject};
use crate::common::{SqlError, errno};
use crate::sql::catalog::{DatabaseInfo, IndexInfo, SchemaState, TableInfo};
use crate::sql::table_codec;

/// One step of CREATE INDEX: to the next state, or (rolling back) to the one before.
pub(super) async fn create(
    stepper: &Stepper<'_>,
    job: &mut Job,
    database: &str,
    name: &str,
    spec: &IndexInfo,
    if_not_exists: bool,
) -> StepResult<Changed> {
    let (database, mut table) = stepper.table(database, name).await?;
    if job.state == JobState::Queued {
        if index_position(&table, &spec.name).is_some() {
            let message = format!("Duplicate key name '{}'", spec.name);
            return note_or_reject(job, if_not_exists, (errno::DUP_KEYNAME, message));
        }
        let index = resolve(&table, spec)?;
        job.target = Some((database.id, table.id, index.id));
        table.max_index_id = index.id;
        table.indexes.push(index);
        job.state = JobState::Running;
        job.schema_state = SchemaState::DeleteOnly;
        return put(stepper, &database, &mut table).await;
    }
    let position = own_index(job, &table)?;
    if job.state == JobState::RollingBack {
        return remove_step(stepper, job, &database, &mut table, position).await;
    }
    job.schema_state = match table.indexes[position].state {
        SchemaState::Absent => SchemaState::DeleteOnly,
        SchemaState::DeleteOnly => SchemaState::WriteOnly,
        SchemaState::WriteOnly => SchemaState::Reorganization,
        SchemaState::Reorganization | SchemaState::Public => SchemaState::Public,
    };
    table.indexes[position].state = job.schema_state;
    if job.schema_state == SchemaState::Public {
        job.state = JobState::Done;
    }
    put(stepper, &database, &mut table).await
}

/// One step of DROP INDEX.
pub(super) async fn drop_one(
    stepper: &Stepper<'_>,
    job: &mut Job,
    database: &str,
    name: &str,
    index: &str,
) -> StepResult<Changed> {
    let (database, mut table) = stepper.table(database, name).await?;
    if job.state == JobState::Queued {
        let position = to_drop(&table, index)?;
        table.indexes[position].state = SchemaState::WriteOnly;
        job.target = Some((database.id, table.id, table.indexes[position].id));
        job.state = JobState::Running;
        job.schema_state = SchemaState::WriteOnly;
        return put(stepper, &database, &mut table).await;
    }
    let position = own_index(job, &table)?;
    remove_step(stepper, job, &database, &mut table, position).await
}

/// Where the index is that is to go.
pub(super) fn to_drop(table: &TableInfo, index: &str) -> StepResult<usize> {
    let clustered = index.eq_ignore_ascii_case("primary") && table.handle_column.is_some();
    let found = index_position(table, index);
    if clustered || found.is_some_and(|position| table.indexes[position].primary) {
        return Err(super::step::StepError::Rejected(SqlError::unsupported(
            "dropping a primary key",
        )));
    }
    let message = || format!("Can't DROP '{index}'; check that column/key exists");
    found.map_or_else(|| reject(errno::CANT_DROP_FIELD_OR_KEY, message()), Ok)
}

/// From any state to delete-only, from there to absent.
async fn remove_step(
    stepper: &Stepper<'_>,
    job: &mut Job,
    database: &DatabaseInfo,
    table: &mut TableInfo,
    position: usize,
) -> StepResult<Changed> {
    if table.indexes[position].state != SchemaState::DeleteOnly {
        table.indexes[position].state = SchemaState::DeleteOnly;
        job.schema_state = SchemaState::DeleteOnly;
        return put(stepper, database, table).await;
    }
    let index = table.indexes.remove(position);
    stepper.queue_deletion(job, 0, table_codec::index_range(table.id, index.id))?;
    job.schema_state = SchemaState::Absent;
    job.state = if job.state == JobState::RollingBack { JobState::Failed } else { JobState::Done };
    put(stepper, database, table).await
}

pub(super) async fn put(
    stepper: &Stepper<'_>,
    database: &DatabaseInfo,
    table: &mut TableInfo,
) -> StepResult<Changed> {
    table.version = stepper.meta.schema_version().await? + 1;
    stepper.meta.put_table(database.id, table)?;
    Ok(vec![Element::Table(database.id, table.id)])
}

pub(super) fn index_position(table: &TableInfo, name: &str) -> Option<usize> {
    table.indexes.iter().position(|index| same_name(&index.name, name))
}

/// The index a running job works on.
fn own_index(job: &Job, table: &TableInfo) -> StepResult<usize> {
    let id = job.target.map(|(_, _, index)| index);
    match table.indexes.iter().position(|index| Some(index.id) == id) {
        Some(position) => Ok(position),
        None => reject(errno::UNKNOWN, "the index of a running job has gone".to_owned()),
    }
}

/// The index as it will stand in the table, in delete-only. The table may be another than the one the statement was checked against.
pub(super) fn resolve(table: &TableInfo, spec: &IndexInfo) -> StepResult<IndexInfo> {
    if spec.columns.iter().any(|column| column.offset >= table.columns.len()) {
        let message = format!("Key column of '{}' doesn't exist in table", spec.name);
        return reject(errno::KEY_COLUMN_DOES_NOT_EXIST, message);
    }
    let id = table.max_index_id + 1;
    Ok(IndexInfo { id, primary: false, state: SchemaState::DeleteOnly, ..spec.clone() })
}
