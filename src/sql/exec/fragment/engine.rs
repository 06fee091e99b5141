//! A store's own data as a snapshot.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use crate::common::{Fault, SqlError, SqlResult, Timestamp};
use crate::sql::exec::keys;
use crate::sql::kv::{KvPair, ScanOptions, Scanner, Snapshot};
use crate::storage::{engine, mvcc};

/// Pairs that are read at a time.
const BATCH: usize = 1024;

/// What was committed until a timestamp, of the rows of a region. A lock in the way is error 9004.
pub struct EngineSnapshot {
    state: Arc<dyn engine::Snapshot>,
    region: mvcc::KeyRange,
    ts: Timestamp,
}

impl EngineSnapshot {
    /// What was committed until `ts`, in a state of the engine.
    pub fn new(
        state: Arc<dyn engine::Snapshot>,
        region: mvcc::KeyRange,
        ts: Timestamp,
    ) -> EngineSnapshot {
        EngineSnapshot { state, region, ts }
    }
}

#[async_trait]
impl Snapshot for EngineSnapshot {
    async fn pairs(&self, options: ScanOptions) -> SqlResult<Box<dyn Scanner>> {
        Ok(Box::new(Pairs {
            state: self.state.clone(),
            region: self.region.clone(),
            ts: self.ts,
            options,
            ended: false,
        }))
    }
}

/// A scan under way: what is left of it stands in its options.
struct Pairs {
    state: Arc<dyn engine::Snapshot>,
    region: mvcc::KeyRange,
    ts: Timestamp,
    options: ScanOptions,
    ended: bool,
}

#[async_trait]
impl Scanner for Pairs {
    async fn next_batch(&mut self) -> SqlResult<Vec<KvPair>> {
        let wanted = self.options.limit.unwrap_or(BATCH).min(BATCH);
        let range = self.region.clip(&self.options.start, &self.options.end);
        if self.ended || wanted == 0 || range.is_empty() {
            return Ok(Vec::new());
        }
        let options = mvcc::ScanOptions {
            ts: self.ts,
            reverse: self.options.reverse,
            key_only: self.options.key_only,
            resolved: &[],
        };
        let pairs = mvcc::Scanner::new(&*self.state, &range, options)
            .and_then(|mut scanner| scanner.take(wanted))
            .map_err(failed)?;
        match pairs.last() {
            None => self.ended = true,
            Some(last) if self.options.reverse => self.end_before(last.key.clone()),
            Some(last) => self.options.start = keys::successor(&last.key),
        }
        if let Some(limit) = &mut self.options.limit {
            *limit -= pairs.len();
        }
        Ok(pairs)
    }
}

impl Pairs {
    fn end_before(&mut self, key: Bytes) {
        // An empty end is no end.
        self.ended = key.is_empty();
        self.options.end = key;
    }
}

fn failed(error: mvcc::Error) -> SqlError {
    match error {
        mvcc::Error::Key(_) => Fault::ResolveLockTimeout.into(),
        mvcc::Error::Engine(error) => SqlError::internal(error),
    }
}
