//! The steps of CREATE, ALTER and DROP of procedures and functions.
//!
//! A routine has no rows, so one version is all there is to it: what has begun to run it goes on with what it has.
//!
//! It is kept among its database's tables under a key that no table can have (`routine_key`), so that it is listed, versioned and dropped
//! as they are.

use super::job::{Job, JobState};
use super::meta::Changed as Element;
use super::step::{Changed, StepError, StepResult, Stepper};
use crate::sql::catalog::{SchemaState, TableInfo, no_routine, routine_exists, routine_key};
use crate::sql::parser::ast::RoutineKind;

/// Makes a routine, or makes another one of it.
pub(super) async fn put(
    stepper: &Stepper<'_>,
    job: &mut Job,
    database: &str,
    mut entry: TableInfo,
    alters: bool,
) -> StepResult<Changed> {
    let database = stepper.database(database).await?;
    let Some(routine) = entry.routine.as_mut() else { return Ok(Vec::new()) };
    routine.altered_ms = stepper.now_ms;
    let (kind, name) = (routine.kind, routine.name.clone());
    match stepper.meta.table(database.id, &entry.name).await? {
        None if alters => {
            return Err(StepError::Rejected(no_routine(kind, &database.name, &name)));
        }
        None => {
            entry.id = stepper.meta.new_id().await?;
            entry.created_ms = stepper.now_ms;
        }
        Some(_) if !alters => return Err(StepError::Rejected(routine_exists(kind, &name))),
        Some(old) => {
            entry.id = old.id;
            entry.name = old.name;
            entry.created_ms = old.created_ms;
        }
    }
    entry.version = stepper.meta.schema_version().await? + 1;
    stepper.meta.put_table(database.id, &entry)?;
    Ok(done(job, database.id, entry.id, SchemaState::Public))
}

/// Drops a routine.
pub(super) async fn drop_routine(
    stepper: &Stepper<'_>,
    job: &mut Job,
    database: &str,
    (kind, name): (RoutineKind, &str),
) -> StepResult<Changed> {
    let database = stepper.database(database).await?;
    let Some(entry) = stepper.meta.table(database.id, &routine_key(kind, name)).await? else {
        return Err(StepError::Rejected(no_routine(kind, &database.name, name)));
    };
    stepper.meta.delete_table(database.id, &entry);
    Ok(done(job, database.id, entry.id, SchemaState::Absent))
}

/// The job has ended with its only version: nobody needs to hear of one before.
fn done(job: &mut Job, database: i64, id: i64, state: SchemaState) -> Changed {
    job.target = Some((database, id, 0));
    job.state = JobState::Done;
    job.schema_state = state;
    vec![Element::Table(database, id)]
}
