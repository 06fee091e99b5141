//! The memory of one query, asked for by its operators.

use std::fmt;
use std::sync::Arc;

use datafusion_common::Result;
use datafusion_execution::memory_pool::{
    GreedyMemoryPool, MemoryLimit, MemoryPool, MemoryReservation,
};

use crate::sql::expr::{EvalContext, to_df_error};

/// A pool with a limit that gives nothing to a statement that is to end: an operator that fills its memory asks for more long before
/// it comes back.
#[derive(Debug)]
pub(super) struct QueryPool {
    inner: GreedyMemoryPool,
    ctx: Arc<EvalContext>,
}

impl QueryPool {
    pub(super) fn new(bytes: usize, ctx: &Arc<EvalContext>) -> QueryPool {
        QueryPool { inner: GreedyMemoryPool::new(bytes), ctx: ctx.clone() }
    }
}

impl fmt::Display for QueryPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl MemoryPool for QueryPool {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.inner.grow(reservation, additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.inner.shrink(reservation, shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        self.ctx.check_interrupted().map_err(to_df_error)?;
        self.inner.try_grow(reservation, additional)
    }

    fn reserved(&self) -> usize {
        self.inner.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        self.inner.memory_limit()
    }
}
