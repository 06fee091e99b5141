//! Reads at a snapshot: of one key, of several, and of a range merged with the transaction's own writes.

use std::collections::{HashMap, VecDeque};

use async_trait::async_trait;
use bytes::{BufMut, Bytes, BytesMut};

use super::client::Client;
use super::error::{Error, Result};
use super::request::Call;
use crate::common::{SqlResult, Timestamp};
use crate::sql::kv::{ReadFrom, ScanOptions, Scanner};
use crate::storage::routing::decode_bound;
use crate::storage::txn::{KeyError, KvPair, KvRequest, KvResponse, RegionError};

/// Pairs of the first batch of a scan: most scans end within it, and each batch of a region on another node is a way there and back.
const FIRST_BATCH: usize = 256;
/// Pairs of the largest batch.
const LARGEST_BATCH: usize = 1024;

impl Client {
    /// The value of a key in a snapshot. Where the key's leader is in this process it completes without waiting.
    pub(super) async fn get_at(
        &self,
        key: &Bytes,
        ts: Timestamp,
        read_from: ReadFrom,
    ) -> Result<Option<Bytes>> {
        let mut call = Call::read(self, ts, read_from);
        if ts == Timestamp::MAX {
            call.read_from = ReadFrom::Leader;
            // Nobody can be pushed past the end of time: a lock in the way makes it a read at a timestamp of now.
            call.patience = super::request::Patience::None;
            match self.get_once(key, ts, &mut call).await {
                Err(Error::NoWait | Error::Key(KeyError::Locked(_))) => {
                    let now = self.timestamp_now().await?;
                    return self.get_once(key, now, &mut Call::new(self, now)).await;
                }
                other => return other,
            }
        }
        self.get_once(key, ts, &mut call).await
    }

    async fn get_once(&self, key: &Bytes, ts: Timestamp, call: &mut Call) -> Result<Option<Bytes>> {
        let make = |resolved| KvRequest::Get { key: key.clone(), ts, resolved };
        match self.request(key, call, make).await? {
            KvResponse::Value(value) => Ok(value),
            _ => Err(Error::Unexpected("Get")),
        }
    }

    /// The values of those keys that have one in a snapshot.
    pub(super) async fn batch_get_at(
        &self,
        keys: Vec<Bytes>,
        ts: Timestamp,
        read_from: ReadFrom,
    ) -> Result<HashMap<Bytes, Bytes>> {
        // Several keys must come from one snapshot.
        let ts = if ts == Timestamp::MAX { self.timestamp_now().await? } else { ts };
        let make = |keys: &[Bytes], resolved| {
            let mut keys = keys.to_vec();
            keys.sort_unstable();
            keys.dedup();
            KvRequest::BatchGet { keys, ts, resolved }
        };
        let mut values = HashMap::with_capacity(keys.len());
        for (_, answer) in self.send_all(keys, &mut Call::read(self, ts, read_from), make).await? {
            let KvResponse::Pairs(pairs) = answer else {
                return Err(Error::Unexpected("BatchGet"));
            };
            values.extend(pairs.into_iter().map(|pair| (pair.key, pair.value)));
        }
        Ok(values)
    }
}

/// Pairs of a range of a snapshot, a batch at a time, region by region.
pub(super) struct RegionScanner {
    client: Client,
    ts: Timestamp,
    read_from: ReadFrom,
    /// What is left of the range.
    start: Bytes,
    end: Bytes,
    reverse: bool,
    key_only: bool,
    batch: usize,
    started: bool,
    done: bool,
}

impl RegionScanner {
    pub(super) fn new(
        client: Client,
        ts: Timestamp,
        read_from: ReadFrom,
        options: &ScanOptions,
    ) -> RegionScanner {
        RegionScanner {
            client,
            ts,
            read_from,
            start: options.start.clone(),
            end: options.end.clone(),
            reverse: options.reverse,
            key_only: options.key_only,
            batch: FIRST_BATCH,
            started: false,
            done: !options.end.is_empty() && options.end <= options.start,
        }
    }

    /// The next pairs, none only at the end.
    async fn next_pairs(&mut self) -> Result<Vec<KvPair>> {
        let mut call = Call::read(&self.client, self.ts, self.read_from);
        while !self.done {
            if self.started {
                // A long scan lets the thread's other actors run.
                tokio::task::yield_now().await;
            }
            self.started = true;
            let pairs = self.step(&mut call).await?;
            if !pairs.is_empty() {
                self.batch = (self.batch * 4).min(LARGEST_BATCH);
                return Ok(pairs);
            }
        }
        Ok(Vec::new())
    }

    /// One request to the region the range goes on in.
    async fn step(&mut self, call: &mut Call) -> Result<Vec<KvPair>> {
        let client = self.client.clone();
        let route = if self.reverse {
            client.locate_before(&self.end, &mut call.backoff).await?
        } else {
            client.locate(&self.start, &mut call.backoff).await?
        };
        let (Some(region_start), Some(region_end)) =
            (decode_bound(&route.region.start_key), decode_bound(&route.region.end_key))
        else {
            return Err(Error::Region(RegionError::KeyNotInRegion(route.region.id)));
        };
        let start = (&self.start).max(&region_start).clone();
        let end = match (self.end.is_empty(), region_end.is_empty()) {
            (true, _) => region_end.clone(),
            (false, true) => self.end.clone(),
            (false, false) => (&self.end).min(&region_end).clone(),
        };
        let limit = self.batch;
        let make = |resolved| KvRequest::Scan {
            start: start.clone(),
            end: end.clone(),
            limit,
            ts: self.ts,
            reverse: self.reverse,
            key_only: self.key_only,
            resolved,
        };
        let pairs = match client.request_region(&route, call, make).await? {
            Some(KvResponse::Pairs(pairs)) => pairs,
            Some(_) => return Err(Error::Unexpected("Scan")),
            None => return Ok(Vec::new()),
        };
        match pairs.last() {
            Some(last) if pairs.len() >= limit => self.go_on_after(&last.key),
            _ => self.leave_region(region_start, region_end),
        }
        Ok(pairs)
    }

    fn go_on_after(&mut self, last: &Bytes) {
        if self.reverse {
            self.end = last.clone();
            // Nothing is below the empty key, and an empty end would be no bound.
            self.done = last.is_empty() || *last <= self.start;
            return;
        }
        let mut next = BytesMut::with_capacity(last.len() + 1);
        next.extend_from_slice(last);
        next.put_u8(0);
        self.start = next.freeze();
        self.done = !self.end.is_empty() && self.start >= self.end;
    }

    fn leave_region(&mut self, region_start: Bytes, region_end: Bytes) {
        if self.reverse {
            self.done = region_start <= self.start;
            self.end = region_start;
        } else {
            self.done = region_end.is_empty() || (!self.end.is_empty() && region_end >= self.end);
            self.start = region_end;
        }
    }
}

/// A snapshot's pairs under a transaction's own writes.
pub(super) struct MergedScanner {
    stored: RegionScanner,
    /// The own writes of the range, in the order of the scan; `None`: a deletion.
    own: VecDeque<(Bytes, Option<Bytes>)>,
    reverse: bool,
    key_only: bool,
    /// How many more pairs the caller will read.
    left: usize,
}

impl MergedScanner {
    pub(super) fn new(
        mut stored: RegionScanner,
        own: VecDeque<(Bytes, Option<Bytes>)>,
        options: &ScanOptions,
    ) -> MergedScanner {
        let left = options.limit.unwrap_or(usize::MAX);
        // Each own write can take one stored pair's place.
        stored.batch = left.saturating_add(own.len()).clamp(1, FIRST_BATCH);
        MergedScanner { stored, own, reverse: options.reverse, key_only: options.key_only, left }
    }

    async fn next_merged(&mut self) -> Result<Vec<KvPair>> {
        while self.left > 0 {
            let stored = self.stored.next_pairs().await?;
            let at_end = stored.is_empty();
            let mut pairs = if self.own.is_empty() { stored } else { self.merge(stored) };
            if at_end {
                self.take_own(&mut pairs, |_| true);
            }
            pairs.truncate(self.left);
            self.left -= pairs.len();
            if at_end || !pairs.is_empty() {
                return Ok(pairs);
            }
        }
        Ok(Vec::new())
    }

    fn merge(&mut self, stored: Vec<KvPair>) -> Vec<KvPair> {
        let mut merged = Vec::with_capacity(stored.len() + self.own.len());
        for pair in stored {
            let reverse = self.reverse;
            let is_before = |key: &Bytes| if reverse { *key > pair.key } else { *key < pair.key };
            self.take_own(&mut merged, is_before);
            match self.own.front() {
                Some((key, _)) if *key == pair.key => {
                    self.take_own(&mut merged, |key| *key == pair.key)
                }
                _ => merged.push(pair),
            }
        }
        merged
    }

    /// Moves own writes to `merged` as long as their key is wanted.
    fn take_own(&mut self, merged: &mut Vec<KvPair>, wanted: impl Fn(&Bytes) -> bool) {
        while self.own.front().is_some_and(|(key, _)| wanted(key)) {
            if let Some((key, Some(value))) = self.own.pop_front() {
                let value = if self.key_only { Bytes::new() } else { value };
                merged.push(KvPair { key, value });
            }
        }
    }
}

#[async_trait]
impl Scanner for MergedScanner {
    async fn next_batch(&mut self) -> SqlResult<Vec<KvPair>> {
        let ts = self.stored.ts;
        self.next_merged().await.map_err(|error| error.into_sql(ts))
    }
}
