//! The step of CREATE VIEW and ALTER VIEW.
//!
//! A view has no rows, so one version is all there is to it: statements that were planned with the one before go on with that.

use super::job::{Job, JobState};
use super::meta::Changed as Element;
use super::step::{Changed, StepResult, Stepper, reject};
use crate::common::errno;
use crate::sql::catalog::{SchemaState, TableInfo, ddl_statement};

/// Makes a view, or makes another one of it.
pub(super) async fn create(
    stepper: &Stepper<'_>,
    job: &mut Job,
    database: &str,
    mut view: TableInfo,
    (or_replace, alters): (bool, bool),
) -> StepResult<Changed> {
    let database = stepper.database(database).await?;
    match stepper.meta.table(database.id, &view.name).await? {
        None if alters => {
            let message = format!("Table '{}.{}' doesn't exist", database.name, view.name);
            return reject(errno::NO_SUCH_TABLE, message);
        }
        None => {
            view.id = stepper.meta.new_id().await?;
            view.created_ms = stepper.now_ms;
        }
        Some(_) if !or_replace && !alters => {
            let (code, message) = ddl_statement::table_exists(&view.name);
            return reject(code, message);
        }
        Some(old) if old.view.is_none() => {
            let (code, message) = ddl_statement::wrong_object(&database.name, &view.name, "VIEW");
            return reject(code, message);
        }
        Some(old) => {
            view.id = old.id;
            view.name = old.name;
            view.created_ms = old.created_ms;
        }
    }
    view.version = stepper.meta.schema_version().await? + 1;
    stepper.meta.put_table(database.id, &view)?;
    job.target = Some((database.id, view.id, 0));
    job.state = JobState::Done;
    job.schema_state = SchemaState::Public;
    Ok(vec![Element::Table(database.id, view.id)])
}
