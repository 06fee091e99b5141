//! A scan that notes how far it was read.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;

use super::set::{Interval, ReadSet, after};
use crate::common::{SqlResult, Timestamp};
use crate::sql::kv::{KvPair, ScanOptions, Scanner};

/// A scan of a SERIALIZABLE transaction. What it handed out, and the gaps between, count as read; what it was not asked for does not.
pub(in crate::actors::kv) struct NotedScanner<S> {
    scanner: S,
    reads: Arc<Mutex<ReadSet>>,
    at: Timestamp,
    /// What is left of the range.
    start: Bytes,
    end: Bytes,
    reverse: bool,
    /// Pairs that it may still hand out.
    left: usize,
}

impl<S: Scanner> NotedScanner<S> {
    /// A scan of a snapshot.
    pub(in crate::actors::kv) fn new(
        scanner: S,
        reads: Arc<Mutex<ReadSet>>,
        at: Timestamp,
        options: &ScanOptions,
    ) -> NotedScanner<S> {
        NotedScanner {
            scanner,
            reads,
            at,
            start: options.start.clone(),
            end: options.end.clone(),
            reverse: options.reverse,
            left: options.limit.unwrap_or(usize::MAX),
        }
    }

    fn note(&mut self, last: Option<&KvPair>) {
        let (mut start, mut end) = (self.start.clone(), self.end.clone());
        match (last, self.reverse) {
            (None, _) => {}
            (Some(last), false) => {
                end = after(&last.key);
                self.start = end.clone();
            }
            (Some(last), true) => {
                start = last.key.clone();
                self.end = start.clone();
            }
        }
        if end.is_empty() || start < end {
            self.reads.lock().add(Interval { start, end, at: self.at });
        }
    }
}

#[async_trait]
impl<S: Scanner> Scanner for NotedScanner<S> {
    async fn next_batch(&mut self) -> SqlResult<Vec<KvPair>> {
        let pairs = self.scanner.next_batch().await?;
        self.left = self.left.saturating_sub(pairs.len());
        // The end of the range was seen, or only as many pairs as were asked for.
        if !pairs.is_empty() || self.left > 0 {
            self.note(pairs.last());
        }
        Ok(pairs)
    }
}
