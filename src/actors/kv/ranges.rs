//! What is done to ranges rather than keys: splitting regions and removing what nobody will read again.

use std::time::Duration;

use bytes::Bytes;

use super::backoff::Backoff;
use super::call::Call;
use super::client::Client;
use super::error::{Error, Result};
use crate::common::retry::Effect;
use crate::storage::routing::{RegionRoute, decode_bound, encode_key};
use crate::storage::txn::{KvRequest, KvResponse, RegionError};

/// How long a split may take: it waits for the log and for the applier.
const SPLIT_TIMEOUT: Duration = Duration::from_secs(10);

impl Client {
    /// Splits regions so that each of the keys starts one; answers how many regions were made. Returns once the routes show them.
    pub(super) async fn split_regions(&self, mut keys: Vec<Bytes>) -> Result<usize> {
        keys.sort_unstable();
        keys.dedup();
        let mut backoff = Backoff::new(self.options().request_timeout);
        let mut made = 0;
        loop {
            let mut left = Vec::new();
            for key in keys {
                let route = self.locate(&key, &mut backoff).await?;
                if route.region.start_key[..] != encode_key(&key)[..] && !key.is_empty() {
                    left.push(key);
                }
            }
            if left.is_empty() {
                return Ok(made);
            }
            for group in self.group(left.clone(), &mut backoff).await? {
                let encoded = group.items.iter().map(|key| Bytes::from(encode_key(key))).collect();
                match self.transport().split(&group.route, encoded, SPLIT_TIMEOUT).await {
                    Ok(regions) => {
                        made += regions.len().saturating_sub(1);
                        if regions.len() < 2 && !backoff.pause(self.rng()).await {
                            let id = group.route.region.id;
                            return Err(Error::Region(RegionError::EpochNotMatch(id)));
                        }
                        self.learn_split(&group.route, regions);
                    }
                    Err(error) => {
                        self.recover(&group.route, error, &mut backoff, Effect::Change).await?
                    }
                }
            }
            keys = left;
        }
    }

    /// Takes over what a split answered. The new regions are led from where the old one was, for the time being.
    fn learn_split(&self, parent: &RegionRoute, regions: Vec<crate::storage::region::Region>) {
        let mut cache = self.cache().write();
        cache.invalidate(parent.region.id, parent.region.epoch);
        for region in regions {
            let leader = parent.leader.and_then(|leader| region.peer_on(leader.store_id));
            cache.insert(RegionRoute { region, leader });
        }
    }

    /// Physically removes `[start, end)` (an empty `end` is no bound), region by region.
    pub(super) async fn delete_regions(&self, start: Bytes, end: Bytes) -> Result<()> {
        let mut next = start;
        while end.is_empty() || next < end {
            let mut call = Call::write(self);
            let route = self.locate(&next, &mut call.backoff).await?;
            let wrong = Error::Region(RegionError::KeyNotInRegion(route.region.id));
            let region_end = decode_bound(&route.region.end_key).ok_or(wrong)?;
            let is_last = region_end.is_empty() || (!end.is_empty() && region_end >= end);
            let until = if is_last { end.clone() } else { region_end.clone() };
            let make = |_| KvRequest::DeleteRange { start: next.clone(), end: until.clone() };
            match self.request_region(&route, &mut call, make).await? {
                Some(KvResponse::Done) if is_last => return Ok(()),
                Some(KvResponse::Done) => next = region_end,
                Some(_) => return Err(Error::Unexpected("DeleteRange")),
                None => {}
            }
        }
        Ok(())
    }
}
