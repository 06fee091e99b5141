//! Where a session's statements compute: on the thread of their connection while they are light, with the workers when not.

use async_trait::async_trait;

use super::core::Core;
use super::statement::Request;
use crate::actors::runtime::compute;
use crate::common::SqlResult;
use crate::sql::exec::{Batches, Place, is_light};
use crate::sql::parser::{Glance, ParsedStatement, Watch, parse_light, parse_watched};
use crate::sql::plan::StatementPlan;

/// A longer text is parsed by a worker, and so are longer parameters decoded.
pub(super) const LIGHT_BYTES: usize = 4 << 10;

/// The workers, as the operators see them.
pub(super) struct Workers;

#[async_trait]
impl Place for Workers {
    async fn enter(&self) {
        compute::enter().await;
    }

    async fn breathe(&self) {
        compute::breathe().await;
    }

    fn dispose(&self, value: Box<dyn Send>) {
        compute::dispose(value);
    }

    fn apart(&self, batches: Batches) -> Batches {
        compute::apart(batches)
    }
}

/// Parses the first statement at or after byte `at`, at once if it is short and shallow, else on a worker: whoever parses a heavy
/// statement has gone to one, and what follows from it (planning, running, dropping it) happens there.
pub(super) async fn parse_at(
    core: &Core,
    text: &[u8],
    at: usize,
) -> SqlResult<Option<ParsedStatement>> {
    let mode = core.vars.system.lock().settings.sql_mode;
    if !compute::is_worker()
        && text.len() - at <= LIGHT_BYTES
        && let Glance::Parsed(parsed) = parse_light(text, at, mode)?
    {
        return Ok(parsed);
    }
    compute::enter().await;
    let watch = Watch {
        interrupt: core.process.interrupt().clone(),
        memory: core.memory.limit().saturating_sub(core.memory.used()),
    };
    parse_watched(text, at, mode, watch)
}

/// Goes to a worker with a plan that is not light.
pub(super) async fn place(plan: &StatementPlan, request: &Request<'_>) {
    if !compute::is_worker() && !is_light(plan, &request.params) {
        compute::enter().await;
    }
}
