//! What a job waits for before its next step: the transactions that use its tables as they were.
//!
//! It waits as long as `lock_wait_timeout` of whoever asked for the job says; error 1205 then, and what was done is taken back. Whom it waits
//! for is in the job, where everybody can see it. Other jobs go on meanwhile.

use std::time::Duration;

use tokio::time::Instant;
use tracing::warn;

use super::run::{self, DdlParts};
use crate::common::{Fault, SqlError, SqlResult};
use crate::sql::ddl::{self, Job, Progress};

/// How often it is looked whether the job was ended meanwhile.
pub(super) const LOOK: Duration = Duration::from_millis(200);
/// How often the log says what a job waits for.
const SAY_EVERY: Duration = Duration::from_secs(60);

/// Waits until no transaction uses these tables as they were. If the job has changed before, answers how it is then.
pub(super) async fn await_users(
    parts: &DdlParts,
    job: &Job,
    tables: &[i64],
) -> SqlResult<Option<Progress>> {
    let begun = Instant::now();
    let mut said = None;
    let mut known = Vec::new();
    loop {
        let connections = parts.sync.wait(tables, LOOK).await;
        if connections.is_empty() {
            return Ok(None);
        }
        if said.is_none_or(|said: Instant| said.elapsed() >= SAY_EVERY) {
            said = Some(Instant::now());
            let kind = ddl::action_name(&job.action);
            warn!(job = job.id, kind, ?connections, "a schema change waits for transactions");
        }
        let limit = job.submitter.lock_wait_s;
        if limit > 0
            && begun.elapsed() >= Duration::from_secs(limit)
            && let Some(job) = run::cancel(parts, job.id, &waited_too_long()).await?
        {
            return Ok(Some(run::as_progress(job)));
        }
        if !parts.owner.acquire().await {
            return Ok(Some(Progress::Stepped(job.clone())));
        }
        let blocked = (known != connections).then_some(connections);
        if let Some(changed) = run::note_blocked(parts, job, blocked.as_deref()).await? {
            return Ok(Some(changed));
        }
        known = blocked.unwrap_or(known);
    }
}

/// Error 1205.
pub(super) fn waited_too_long() -> SqlError {
    Fault::LockWaitTimeout.into()
}
