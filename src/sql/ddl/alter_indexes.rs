//! Steps of an ALTER TABLE that adds and drops several indexes.
//!
//! What comes is made side by side, and each filled in turn; then, in one step, all of it becomes public and what goes
//! stops to be. So statements see the table as it was or as it will be, and if one of the new indexes cannot be, nothing
//! has happened.

use super::index::{index_position, put, resolve, to_drop};
use super::job::{Job, JobState, ReorgProgress};
use super::step::{Changed, StepResult, Stepper, reject};
use crate::common::errno;
use crate::sql::catalog::{DatabaseInfo, IndexInfo, SchemaState, TableInfo};
use crate::sql::table_codec;

/// One step.
pub(super) async fn alter(
    stepper: &Stepper<'_>,
    job: &mut Job,
    (database, table): (&str, &str),
    drops: &[String],
    adds: &[IndexInfo],
) -> StepResult<Changed> {
    let (database, mut table) = stepper.table(database, table).await?;
    let table = &mut table;
    match (job.state, job.schema_state) {
        (JobState::Queued, _) => begin(job, &database, table, drops, adds)?,
        (JobState::RollingBack, SchemaState::DeleteOnly) => {
            remove(stepper, job, table, &job.added)?;
            job.state = JobState::Failed;
            job.schema_state = SchemaState::Absent;
        }
        (JobState::RollingBack, _) => {
            job.schema_state = SchemaState::DeleteOnly;
            set_states(table, &job.added, SchemaState::DeleteOnly);
        }
        (_, SchemaState::DeleteOnly) => {
            job.schema_state = SchemaState::WriteOnly;
            set_states(table, &job.added, SchemaState::WriteOnly);
        }
        (_, SchemaState::WriteOnly) => {
            job.schema_state = SchemaState::Reorganization;
            set_states(table, &job.added, SchemaState::Reorganization);
        }
        (_, SchemaState::Reorganization) => {
            if fill_next(job) {
                return Ok(Vec::new());
            }
            switch(job, table);
        }
        (_, SchemaState::Absent | SchemaState::Public) => go_on_dropping(stepper, job, table)?,
    }
    put(stepper, &database, table).await
}

/// Numbers what comes and finds what goes.
fn begin(
    job: &mut Job,
    database: &DatabaseInfo,
    table: &mut TableInfo,
    drops: &[String],
    adds: &[IndexInfo],
) -> StepResult<()> {
    let mut left = table.clone();
    for name in drops {
        let position = to_drop(&left, name)?;
        job.dropped.push(left.indexes.remove(position).id);
    }
    for spec in adds {
        if index_position(&left, &spec.name).is_some() {
            return reject(errno::DUP_KEYNAME, format!("Duplicate key name '{}'", spec.name));
        }
        let index = resolve(&left, spec)?;
        job.added.push(index.id);
        left.max_index_id = index.id;
        left.indexes.push(index.clone());
        table.max_index_id = index.id;
        table.indexes.push(index);
    }
    job.state = JobState::Running;
    match job.added.first() {
        Some(first) => {
            job.target = Some((database.id, table.id, *first));
            job.schema_state = SchemaState::DeleteOnly;
        }
        None => {
            job.target = Some((database.id, table.id, 0));
            switch(job, table);
        }
    }
    Ok(())
}

/// Goes on to the next index that has to be filled, if there is one.
fn fill_next(job: &mut Job) -> bool {
    let Some((_, _, filled)) = &mut job.target else { return false };
    let next = job.added.iter().skip_while(|id| *id != filled).nth(1);
    if let Some(next) = next {
        *filled = *next;
        job.reorg = ReorgProgress { rows: job.reorg.rows, ..ReorgProgress::default() };
    }
    next.is_some()
}

/// What everybody sees.
fn switch(job: &mut Job, table: &mut TableInfo) {
    set_states(table, &job.added, SchemaState::Public);
    set_states(table, &job.dropped, SchemaState::WriteOnly);
    job.schema_state = SchemaState::Public;
    if job.dropped.is_empty() {
        job.state = JobState::Done;
    }
}

/// What goes, from write-only to delete-only, from there to absent.
fn go_on_dropping(stepper: &Stepper<'_>, job: &mut Job, table: &mut TableInfo) -> StepResult<()> {
    let goes = |index: &IndexInfo| job.dropped.contains(&index.id);
    let is_written = |index: &IndexInfo| goes(index) && index.state == SchemaState::WriteOnly;
    if table.indexes.iter().any(is_written) {
        set_states(table, &job.dropped, SchemaState::DeleteOnly);
        return Ok(());
    }
    remove(stepper, job, table, &job.dropped)?;
    job.state = JobState::Done;
    Ok(())
}

fn set_states(table: &mut TableInfo, ids: &[i64], state: SchemaState) {
    for index in table.indexes.iter_mut().filter(|index| ids.contains(&index.id)) {
        index.state = state;
    }
}

/// Takes indexes out of the table and queues their entries for deletion.
fn remove(stepper: &Stepper<'_>, job: &Job, table: &mut TableInfo, ids: &[i64]) -> StepResult<()> {
    table.indexes.retain(|index| !ids.contains(&index.id));
    for (position, id) in ids.iter().enumerate() {
        let range = table_codec::index_range(table.id, *id);
        stepper.queue_deletion(job, position as u64, range)?;
    }
    Ok(())
}
