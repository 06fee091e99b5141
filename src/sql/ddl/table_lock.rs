//! Steps of LOCK TABLES and UNLOCK TABLES.
//!
//! A lock is in the table's definition, so that every node knows of it by the time the statement is done. It comes in two
//! steps. From the first on whoever plans a statement sees it and waits, unless his transaction uses the table already; before the second
//! those transactions have ended. TRUNCATE keeps others out in the same way, with a lock that is no connection's.

use super::job::{Job, JobState};
use super::meta::Changed as Element;
use super::step::{Changed, StepResult, Stepper, reject};
use crate::common::errno;
use crate::sql::catalog::{SchemaState, TableLock};

/// The owner of the lock of a table that is being emptied: no connection has this number.
pub(super) const OF_A_JOB: u32 = 0;

/// Gives a connection locks of tables: their databases and names, and whether nobody else may even read. Error 1205 where somebody
/// else's are in the way.
pub(super) async fn lock(
    stepper: &Stepper<'_>,
    job: &mut Job,
    tables: &[(String, String, bool)],
    owner: u32,
) -> StepResult<Changed> {
    let version = stepper.meta.schema_version().await? + 1;
    let mut changed = Vec::with_capacity(tables.len());
    for (database, name, write) in tables {
        let (database, mut table) = stepper.table(database, name).await?;
        let in_the_way = |lock: &TableLock| lock.owner != owner && (lock.write || *write);
        if table.locks.iter().any(in_the_way) {
            let message = "Lock wait timeout exceeded; try restarting transaction";
            return reject(errno::LOCK_WAIT_TIMEOUT, message.to_owned());
        }
        table.locks.retain(|lock| lock.owner != owner);
        table.locks.push(TableLock { owner, write: *write });
        table.version = version;
        stepper.meta.put_table(database.id, &table)?;
        changed.push(Element::Table(database.id, table.id));
    }
    (job.state, job.schema_state) = match job.schema_state {
        SchemaState::Absent => (JobState::Running, SchemaState::DeleteOnly),
        _ => (JobState::Done, SchemaState::Public),
    };
    Ok(changed)
}

/// Takes a connection's locks from those of these tables that are still there.
pub(super) async fn unlock(
    stepper: &Stepper<'_>,
    job: &mut Job,
    tables: &[(String, String)],
    owner: u32,
) -> StepResult<Changed> {
    let changed = take_away(stepper, tables, owner).await?;
    (job.state, job.schema_state) = (JobState::Done, SchemaState::Public);
    Ok(changed)
}

/// The tables without an owner's locks; answers which had any.
pub(super) async fn take_away(
    stepper: &Stepper<'_>,
    tables: &[(String, String)],
    owner: u32,
) -> StepResult<Changed> {
    let version = stepper.meta.schema_version().await? + 1;
    let mut changed = Vec::new();
    for (database, name) in tables {
        let Some(database) = stepper.meta.database(database).await? else { continue };
        let Some(mut table) = stepper.meta.table(database.id, name).await? else { continue };
        if table.locks.iter().all(|lock| lock.owner != owner) {
            continue;
        }
        table.locks.retain(|lock| lock.owner != owner);
        table.version = version;
        stepper.meta.put_table(database.id, &table)?;
        changed.push(Element::Table(database.id, table.id));
    }
    Ok(changed)
}
