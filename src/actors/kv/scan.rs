//! Reads at a snapshot: of one key, of several, and of a range merged with the transaction's own writes.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::{BufMut, Bytes, BytesMut};
use futures::future::try_join_all;

use super::call::Call;
use super::client::Client;
use super::error::{Error, Result};
use crate::common::{SqlResult, Timestamp};
use crate::sql::kv::{ReadFrom, ScanOptions, Scanner};
use crate::storage::mvcc::is_cut;
use crate::storage::routing::{RegionRoute, decode_bound};
use crate::storage::txn::{KeyError, KvPair, KvRequest, KvResponse, Pass, RegionError};

/// Pairs of the first batch of a scan: most scans end within it, and each batch of a region on another node is a way there and back.
const FIRST_BATCH: usize = 256;
/// Pairs of the largest batch.
const LARGEST_BATCH: usize = 1024;
/// Regions that one scan asks at the same time.
const REGIONS_AT_ONCE: usize = 16;
/// Routes that one scan asks for at the same time, if it goes over many regions.
const ROUTES_AT_ONCE: usize = 128;

/// What a read sees.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    /// The snapshot.
    pub(super) ts: Timestamp,
    /// Who serves it.
    pub(super) read_from: ReadFrom,
    /// The transaction whose locks are not in its way, if it is one that has prewritten.
    pub(super) own: Option<Timestamp>,
}

impl View {
    /// A snapshot.
    pub(super) fn at(ts: Timestamp, read_from: ReadFrom) -> View {
        View { ts, read_from, own: None }
    }

    fn call(self, client: &Client) -> Call {
        let call = Call::read(client, self.ts, self.read_from);
        if let Some(start_ts) = self.own {
            call.pass(Pass { start_ts, committed: false });
        }
        call
    }
}

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
            call.patience = super::call::Patience::None;
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
        mut view: View,
    ) -> Result<HashMap<Bytes, Bytes>> {
        if view.ts == Timestamp::MAX {
            // Several keys must come from one snapshot.
            view.ts = self.timestamp_now().await?;
        }
        let ts = view.ts;
        let make = |keys: &[Bytes], resolved| {
            let mut keys = keys.to_vec();
            keys.sort_unstable();
            keys.dedup();
            KvRequest::BatchGet { keys, ts, resolved }
        };
        let mut values = HashMap::with_capacity(keys.len());
        let mut wanted = keys;
        while !wanted.is_empty() {
            let mut call = view.call(self);
            let mut unanswered = Vec::new();
            for (keys, answer) in self.send_all(wanted, &mut call, make).await? {
                let KvResponse::Pairs(pairs) = answer else {
                    return Err(Error::Unexpected("BatchGet"));
                };
                if is_cut(&pairs)
                    && let Some(last) = pairs.last()
                {
                    unanswered.extend(keys.into_iter().filter(|key| *key > last.key));
                }
                values.extend(pairs.into_iter().map(|pair| (pair.key, pair.value)));
            }
            wanted = unanswered;
        }
        Ok(values)
    }
}

/// A part of a range that is in one region.
struct Part {
    route: Arc<RegionRoute>,
    from: Bytes,
    to: Bytes,
    region_start: Bytes,
    region_end: Bytes,
}

/// Pairs of a range of a snapshot, a batch at a time, in the order of the regions.
pub(super) struct RegionScanner {
    client: Client,
    view: View,
    /// What is left of the range.
    start: Bytes,
    end: Bytes,
    reverse: bool,
    key_only: bool,
    batch: usize,
    /// Regions that are asked at the same time: more while they have little to say.
    at_once: usize,
    started: bool,
    done: bool,
}

impl RegionScanner {
    pub(super) fn new(client: Client, view: View, options: &ScanOptions) -> RegionScanner {
        RegionScanner {
            client,
            view,
            start: options.start.clone(),
            end: options.end.clone(),
            reverse: options.reverse,
            key_only: options.key_only,
            batch: FIRST_BATCH,
            at_once: 1,
            started: false,
            done: !options.end.is_empty() && options.end <= options.start,
        }
    }

    /// The next pairs, none only at the end.
    pub(super) async fn next_pairs(&mut self) -> Result<Vec<KvPair>> {
        let mut call = self.view.call(&self.client);
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

    /// One request to each of the regions the range goes on in: to one, or, when the last ones had little to say, to
    /// several at the same time.
    async fn step(&mut self, call: &mut Call) -> Result<Vec<KvPair>> {
        let parts = self.next_parts(call).await?;
        let limit = self.batch;
        let answers = match parts.as_slice() {
            [part] => vec![self.read(part, limit, call).await?],
            parts => {
                let this = &*self;
                let read = |part| async move {
                    let mut call = this.view.call(&this.client);
                    this.read(part, limit, &mut call).await
                };
                try_join_all(parts.iter().map(read)).await?
            }
        };
        self.at_once = (self.at_once * 2).min(REGIONS_AT_ONCE);
        let mut all = Vec::new();
        for (part, answer) in parts.into_iter().zip(answers) {
            // The region has changed: it is found anew.
            let Some(mut pairs) = answer else { break };
            let last = pairs.last().filter(|_| pairs.len() >= limit || is_cut(&pairs));
            let more = last.map(|last| last.key.clone());
            all.append(&mut pairs);
            if let Some(last) = more {
                // What was read of the regions behind is of no use.
                self.at_once = 1;
                self.go_on_after(&last);
                break;
            }
            self.leave_region(part.region_start, part.region_end);
        }
        Ok(all)
    }

    /// Where the range goes on.
    async fn next_parts(&self, call: &mut Call) -> Result<Vec<Part>> {
        let (mut start, mut end) = (self.start.clone(), self.end.clone());
        let mut parts = Vec::with_capacity(self.at_once);
        if self.at_once > 1 && !self.reverse {
            self.client.learn_routes(&start, &end, ROUTES_AT_ONCE).await;
        }
        loop {
            let part = self.locate(&start, &end, call).await?;
            let is_last = match self.reverse {
                true => part.region_start <= start,
                false => part.region_end.is_empty() || (!end.is_empty() && part.region_end >= end),
            };
            match self.reverse {
                true => end = part.region_start.clone(),
                false => start = part.region_end.clone(),
            }
            parts.push(part);
            if is_last || parts.len() >= self.at_once {
                return Ok(parts);
            }
        }
    }

    /// The first part of a range, or with `reverse` the last, that is in one region.
    async fn locate(&self, start: &Bytes, end: &Bytes, call: &mut Call) -> Result<Part> {
        let route = if self.reverse {
            self.client.locate_before(end, &mut call.backoff).await?
        } else {
            self.client.locate(start, &mut call.backoff).await?
        };
        let (Some(region_start), Some(region_end)) =
            (decode_bound(&route.region.start_key), decode_bound(&route.region.end_key))
        else {
            return Err(Error::Region(RegionError::KeyNotInRegion(route.region.id)));
        };
        let from = start.max(&region_start).clone();
        let to = match (end.is_empty(), region_end.is_empty()) {
            (true, _) => region_end.clone(),
            (false, true) => end.clone(),
            (false, false) => end.min(&region_end).clone(),
        };
        Ok(Part { route, from, to, region_start, region_end })
    }

    /// Asks one region; `None` if it has changed.
    async fn read(
        &self,
        part: &Part,
        limit: usize,
        call: &mut Call,
    ) -> Result<Option<Vec<KvPair>>> {
        let make = |resolved| KvRequest::Scan {
            start: part.from.clone(),
            end: part.to.clone(),
            limit,
            ts: self.view.ts,
            reverse: self.reverse,
            key_only: self.key_only,
            resolved,
        };
        match self.client.request_region(&part.route, call, make).await? {
            Some(KvResponse::Pairs(pairs)) => Ok(Some(pairs)),
            Some(_) => Err(Error::Unexpected("Scan")),
            None => Ok(None),
        }
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
        let ts = self.stored.view.ts;
        self.next_merged().await.map_err(|error| error.into_sql(ts))
    }
}
