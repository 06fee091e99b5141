//! The step of RENAME TABLE, and what ALTER TABLE … RENAME TO shares with it.
//!
//! Rows and entries are found by a table's id, so a name is all that changes: one version, in which all of a statement's renames are seen
//! together. Those who have the table by its old name go on with it until their transactions end.

use super::job::{Job, JobState};
use super::meta::Changed as Element;
use super::references;
use super::step::{Changed, StepResult, Stepper, reject};
use crate::common::errno;
use crate::sql::catalog::{DatabaseInfo, SchemaState, ddl_statement};

/// Database and name of a table, as it is and as it is to be.
type Rename = ((String, String), (String, String));

/// Renames one after the other, so that names can be swapped over a third.
pub(super) async fn all(
    stepper: &Stepper<'_>,
    job: &mut Job,
    renames: &[Rename],
) -> StepResult<Changed> {
    let version = stepper.meta.schema_version().await? + 1;
    let mut changed = Changed::new();
    for ((from_database, from), (to_database, to)) in renames {
        let (from_database, mut table) = stepper.table(from_database, from).await?;
        let to_database = free_name(stepper, to_database, to).await?;
        if table.view.is_some() && from_database.id != to_database.id {
            let (from, to) = (&from_database.name, &to_database.name);
            let message = format!("Changing schema from '{from}' to '{to}' is not allowed.");
            return reject(errno::FORBID_SCHEMA_CHANGE, message);
        }
        if !table.triggers.is_empty() && from_database.id != to_database.id {
            return reject(errno::TRG_IN_WRONG_SCHEMA, "Trigger in wrong schema".to_owned());
        }
        stepper.meta.unname_table(from_database.id, &table);
        table.name.clone_from(to);
        table.version = version;
        let places = (
            (from_database.name.as_str(), from.as_str()),
            (to_database.name.as_str(), to.as_str()),
        );
        changed.extend(references::follow_name(stepper.meta, places, &mut table).await?);
        stepper.meta.put_table(to_database.id, &table)?;
        for database in [from_database.id, to_database.id] {
            let element = Element::Table(database, table.id);
            if !changed.contains(&element) {
                changed.push(element);
            }
        }
    }
    job.state = JobState::Done;
    job.schema_state = SchemaState::Public;
    Ok(changed)
}

/// The database in which a table is to have this name; error 1050 if another one has it.
pub(super) async fn free_name(
    stepper: &Stepper<'_>,
    database: &str,
    table: &str,
) -> StepResult<DatabaseInfo> {
    let database = stepper.database(database).await?;
    if stepper.meta.table(database.id, table).await?.is_some() {
        let (code, message) = ddl_statement::table_exists(table);
        return reject(code, message);
    }
    Ok(database)
}
