//! Whether what a SERIALIZABLE transaction has read is still so when it commits.
//!
//! A transaction whose reads are as they were at its commit timestamp is one that did all of its work at that moment (backward validation, after
//! Kung and Robinson, "On Optimistic Methods for Concurrency Control", 1981). It is asked when all writes hold their locks and the commit timestamp
//! is known, so of two transactions that have each read what the other writes, one at least meets the other. A read at a timestamp also
//! keeps others from committing at or before it later, so an answer stays true.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

use super::set::Interval;
use crate::actors::kv::client::Client;
use crate::actors::kv::error::Result;
use crate::actors::kv::scan::{RegionScanner, View};
use crate::common::Timestamp;
use crate::sql::kv::{ReadFrom, ScanOptions};
use crate::storage::api::KvPair;

/// Keys that are asked for together.
const KEYS_AT_ONCE: usize = 1024;

impl Client {
    /// Whether what the transaction `own` has read is the same at `now`, its own locks aside.
    pub(in crate::actors::kv) async fn reads_stand(
        &self,
        reads: &[Interval],
        own: Timestamp,
        now: Timestamp,
    ) -> Result<bool> {
        let view = |ts| View { ts, read_from: ReadFrom::Leader, own: Some(own) };
        let mut points: BTreeMap<Timestamp, Vec<Bytes>> = BTreeMap::new();
        for read in reads {
            if read.is_point() {
                points.entry(read.at).or_default().push(read.start.clone());
            } else if !self.range_stands(read, view(read.at), view(now)).await? {
                return Ok(false);
            }
        }
        for (at, keys) in points {
            for keys in keys.chunks(KEYS_AT_ONCE) {
                let then = self.batch_get_at(keys.to_vec(), view(at)).await?;
                if then != self.batch_get_at(keys.to_vec(), view(now)).await? {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    async fn range_stands(&self, read: &Interval, then: View, now: View) -> Result<bool> {
        let options = ScanOptions {
            start: read.start.clone(),
            end: read.end.clone(),
            ..ScanOptions::default()
        };
        let mut then = Pairs::new(RegionScanner::new(self.clone(), then, &options));
        let mut now = Pairs::new(RegionScanner::new(self.clone(), now, &options));
        loop {
            match (then.next().await?, now.next().await?) {
                (None, None) => return Ok(true),
                (one, other) if one == other => {}
                _ => return Ok(false),
            }
        }
    }
}

/// The pairs of a scan, one by one.
struct Pairs {
    scanner: RegionScanner,
    batch: VecDeque<KvPair>,
}

impl Pairs {
    fn new(scanner: RegionScanner) -> Pairs {
        Pairs { scanner, batch: VecDeque::new() }
    }

    async fn next(&mut self) -> Result<Option<KvPair>> {
        if self.batch.is_empty() {
            self.batch = self.scanner.next_pairs().await?.into();
        }
        Ok(self.batch.pop_front())
    }
}
