//! One request over several regions: its items grouped by the region of their keys, and each group sent by itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{FuturesUnordered, StreamExt};

use super::backoff::Backoff;
use super::call::{Call, Patience};
use super::client::Client;
use super::error::Result;
use super::pieces::Pieces;
use crate::common::RegionId;
use crate::storage::routing::{RegionRoute, encode_key};
use crate::storage::txn::{KvRequest, KvResponse, Mutation, Pass};

/// What a key counts for beside its own bytes.
const KEY_BYTES: usize = 256;
/// The most items of one request, where there are several: a region's peer has it in hand for some milliseconds, and lets others go
/// first after it. Items that fit into one request stay together, as they may then be written in one phase.
const ITEMS_OF_SEVERAL: usize = 512;

/// Something that belongs to the region of its key.
pub(super) trait Keyed: Clone + Send + Sync {
    /// The user key.
    fn key(&self) -> &Bytes;
    /// About how many bytes it adds to a request.
    fn bytes(&self) -> usize {
        self.key().len()
    }
}

impl Keyed for Bytes {
    fn key(&self) -> &Bytes {
        self
    }

    /// With what its region makes of it: a lock to find and a record to write. So a request about keys alone keeps others waiting for their region
    /// no longer than one that writes values.
    fn bytes(&self) -> usize {
        self.len() + KEY_BYTES
    }
}

impl Keyed for (Bytes, bool) {
    fn key(&self) -> &Bytes {
        &self.0
    }
}

impl Keyed for Mutation {
    fn key(&self) -> &Bytes {
        &self.key
    }

    fn bytes(&self) -> usize {
        self.key.len() + self.value.len()
    }
}

/// Items of one region.
#[derive(Clone, Debug)]
pub(super) struct Group<T> {
    pub(super) route: Arc<RegionRoute>,
    pub(super) items: Vec<T>,
}

impl<T> Group<T> {
    /// The same items in groups of so many at most.
    fn parts(self, most: usize) -> impl Iterator<Item = Group<T>> {
        let Group { route, items } = self;
        let mut items = items.into_iter();
        std::iter::from_fn(move || {
            let items: Vec<T> = items.by_ref().take(most).collect();
            (!items.is_empty()).then(|| Group { route: route.clone(), items })
        })
    }
}

impl Client {
    /// Groups items by the region of their keys, in the order regions are first met, in batches of at most
    /// `batch_bytes` and, if there are several, [`ITEMS_OF_SEVERAL`].
    pub(super) async fn group<T: Keyed>(
        &self,
        items: Vec<T>,
        backoff: &mut Backoff,
    ) -> Result<Vec<Group<T>>> {
        let most = self.options().batch_bytes;
        let mut groups: Vec<(usize, Group<T>)> = Vec::new();
        // The last group of each region. Those before it are full: a large transaction has thousands of them.
        let mut open: BTreeMap<RegionId, usize> = BTreeMap::new();
        let mut pieces = Pieces::default();
        for item in items {
            pieces.count().await;
            // Items mostly come in key order, so that the last group is almost always the one.
            let encoded = encode_key(item.key());
            let bytes = item.bytes();
            let is_only = groups.len() == 1;
            let has_room = |used: usize, group: &Group<T>| {
                used + bytes <= most && (is_only || group.items.len() < ITEMS_OF_SEVERAL)
            };
            let last = groups.last_mut().filter(|(_, group)| group.route.region.contains(&encoded));
            if let Some((used, group)) = last
                && has_room(*used, group)
            {
                *used += bytes;
                group.items.push(item);
                continue;
            }
            let route = self.locate(item.key(), backoff).await?;
            let region = &route.region;
            match open.get(&region.id).and_then(|at| groups.get_mut(*at)) {
                Some((used, group))
                    if has_room(*used, group) && group.route.region.epoch == region.epoch =>
                {
                    *used += bytes;
                    group.items.push(item);
                }
                _ => {
                    open.insert(region.id, groups.len());
                    groups.push((bytes, Group { route, items: vec![item] }));
                }
            }
        }
        let is_only = groups.len() == 1;
        let mut groups = groups.into_iter().map(|(_, group)| group);
        match groups.next() {
            // It was the only one while it grew.
            Some(first) if !is_only => Ok(first.parts(ITEMS_OF_SEVERAL).chain(groups).collect()),
            first => Ok(first.into_iter().collect()),
        }
    }

    /// Sends a request for the items of each group, several at a time, until all are answered. A region that changed
    /// meanwhile has its items grouped anew. The first error ends it; what is on its way then is not waited for.
    pub(super) async fn send_groups<T: Keyed>(
        &self,
        groups: Vec<Group<T>>,
        call: &Call,
        make: impl Fn(&[T], Vec<Pass>) -> KvRequest + Sync,
    ) -> Result<Vec<(Vec<T>, KvResponse)>> {
        let mut answers = Vec::with_capacity(groups.len());
        let mut waiting = groups.into_iter();
        let mut running: FuturesUnordered<_> = waiting
            .by_ref()
            .take(self.options().concurrency)
            .map(|group| self.send_group(group, call, &make))
            .collect();
        while let Some(answered) = running.next().await {
            answers.extend(answered?);
            if let Some(group) = waiting.next() {
                running.push(self.send_group(group, call, &make));
            }
        }
        Ok(answers)
    }

    pub(super) async fn send_group<T: Keyed>(
        &self,
        group: Group<T>,
        shared: &Call,
        make: &(impl Fn(&[T], Vec<Pass>) -> KvRequest + Sync),
    ) -> Result<Vec<(Vec<T>, KvResponse)>> {
        let mut call = shared.part();
        let mut answers = Vec::with_capacity(1);
        let mut left = vec![group];
        while let Some(group) = left.pop() {
            let make = |passes| make(&group.items, passes);
            let answered = self.request_region(&group.route, &mut call, make).await;
            if call.is_undetermined() {
                shared.set_undetermined();
            }
            match answered? {
                Some(response) => answers.push((group.items, response)),
                None => {
                    let groups = self.group(group.items, &mut call.backoff).await?;
                    if let Patience::Commit(committing) = &mut call.patience {
                        committing.is_alone &= groups.len() == 1;
                    }
                    left.extend(groups);
                }
            }
        }
        Ok(answers)
    }

    /// Groups items and sends them.
    pub(super) async fn send_all<T: Keyed>(
        &self,
        items: Vec<T>,
        call: &mut Call,
        make: impl Fn(&[T], Vec<Pass>) -> KvRequest + Sync,
    ) -> Result<Vec<(Vec<T>, KvResponse)>> {
        let groups = self.group(items, &mut call.backoff).await?;
        self.send_groups(groups, call, make).await
    }
}
