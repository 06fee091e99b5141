//! The actor that does what the client does by itself: it keeps live transactions' locks alive, and moves the safe
//! point of garbage collection.

use std::time::Duration;

use bytes::Bytes;
use tracing::{debug, info};

use super::call::Call;
use super::client::Client;
use super::error::{Error, Result};
use super::resolve::Resolved;
use crate::actors::runtime::{Actor, ActorRef, Context, System, Thread};
use crate::common::Timestamp;
use crate::storage::region::Region;
use crate::storage::routing::decode_bound;
use crate::storage::txn::{KvRequest, KvResponse, RegionError};

/// How often the safe point is looked at.
const GC_EVERY: Duration = Duration::from_secs(60);
/// How long this process' hold on the safe point lasts unless renewed.
const GC_HOLD: Duration = Duration::from_secs(300);
/// How long the leadership of garbage collection lasts unless renewed.
const GC_LEASE: Duration = Duration::from_secs(120);
/// The name of that leadership.
const GC_LEADER: &str = "gc-leader";
/// Locks looked for at a time.
const LOCKS_AT_ONCE: usize = 1024;

/// Ticks for one [`Client`]. It may be restarted at any time: all it knows is in the client.
pub struct KvKeeper {
    client: Client,
    name: String,
    beating: bool,
    collecting: bool,
    beats: u64,
    safe_point: Timestamp,
    last_error: Option<String>,
}

impl KvKeeper {
    /// Starts the keeper of a client at `/{node}/kv`.
    pub fn start(system: &System, client: Client) -> ActorRef<KvKeeper> {
        let name = system.node().to_string();
        system.spawn_root("kv", Thread::Any, move || KvKeeper {
            client: client.clone(),
            name: name.clone(),
            beating: false,
            collecting: false,
            beats: 0,
            safe_point: Timestamp::ZERO,
            last_error: None,
        })
    }

    fn beat(&mut self, ctx: &mut Context<KvKeeper>) {
        if std::mem::replace(&mut self.beating, true) {
            return;
        }
        let client = self.client.clone();
        ctx.spawn_then(async move { client.keep_alive().await }, |keeper, (), _| {
            keeper.beating = false;
            keeper.beats += 1;
        });
    }

    fn collect(&mut self, ctx: &mut Context<KvKeeper>) {
        if std::mem::replace(&mut self.collecting, true) {
            return;
        }
        let (client, name) = (self.client.clone(), self.name.clone());
        let moved = async move { client.move_safe_point(&name).await };
        ctx.spawn_then(moved, |keeper, moved, _| {
            keeper.collecting = false;
            keeper.last_error = moved.as_ref().err().map(Error::to_string);
            match moved {
                Ok(Some(safe_point)) if safe_point > keeper.safe_point => {
                    info!(%safe_point, "moved the safe point of garbage collection");
                    keeper.safe_point = safe_point;
                }
                Ok(_) => {}
                Err(error) => debug!(%error, "failed to move the safe point"),
            }
        });
    }
}

impl Actor for KvKeeper {
    const KIND: &'static str = "kv-keeper";

    fn started(&mut self, ctx: &mut Context<KvKeeper>) {
        ctx.run_interval(self.client.options().lock_ttl / 3, KvKeeper::beat);
        ctx.run_interval(GC_EVERY, KvKeeper::collect);
    }

    fn observe(&self) -> serde_json::Value {
        serde_json::json!({
            "live_transactions": self.client.live().lock().len(),
            "oldest_live": self.client.oldest_live(),
            "beats": self.beats,
            "regions_known": self.client.cache().read().len(),
            "safe_point": self.safe_point,
            "last_error": self.last_error,
        })
    }
}

impl Client {
    /// Holds the safe point back for this process' live transactions; and, where this process is the one to do it,
    /// moves it forward, once no lock of an older transaction is left. `None`: another process does.
    pub(super) async fn move_safe_point(&self, name: &str) -> Result<Option<Timestamp>> {
        let now = self.timestamp_now().await?;
        let life_time = u64::try_from(self.options().gc_life_time.as_millis()).unwrap_or(u64::MAX);
        let old = Timestamp::compose(now.physical_ms().saturating_sub(life_time), 0);
        let wanted = self.oldest_live().unwrap_or(old).min(old);
        let service = format!("transactions/{name}");
        let lowest = self.pd().hold_gc_safe_point(&service, wanted, GC_HOLD).await?;
        if self.pd().campaign(GC_LEADER, name, GC_LEASE).await?.holder != name {
            return Ok(None);
        }
        let target = wanted.min(lowest);
        if target <= self.pd().gc_safe_point().await? {
            return Ok(Some(target));
        }
        // A lock decides about versions below the safe point: its transaction's record may be there.
        self.resolve_older_than(target).await?;
        Ok(Some(self.pd().advance_gc_safe_point(target).await?))
    }

    /// Resolves every lock of transactions that began at or before `max_ts`, in all regions.
    async fn resolve_older_than(&self, max_ts: Timestamp) -> Result<()> {
        let mut next = Bytes::new();
        loop {
            let mut call = Call::write(self);
            let route = self.locate(&next, &mut call.backoff).await?;
            let make = |_| KvRequest::ScanLock {
                max_ts,
                start: next.clone(),
                end: Bytes::new(),
                limit: LOCKS_AT_ONCE,
            };
            let locks = match self.request_region(&route, &mut call, make).await? {
                Some(KvResponse::Locks(locks)) => locks,
                Some(_) => return Err(Error::Unexpected("ScanLock")),
                None => continue,
            };
            let full = locks.len() >= LOCKS_AT_ONCE;
            if let Some(last) = locks.last().filter(|_| full) {
                next = last.key.clone();
            }
            for lock in locks {
                if self.resolve(lock, Timestamp::MAX).await? != Resolved::Gone {
                    // Somebody lives beyond any process' hold; the next round looks again.
                    return Err(Error::StillLocked);
                }
            }
            if full {
                continue;
            }
            match route_end(&route.region)? {
                Some(end) => next = end,
                None => return Ok(()),
            }
        }
    }
}

/// Where a region ends, as a user key; `None` for the last.
fn route_end(region: &Region) -> Result<Option<Bytes>> {
    let wrong = Error::Region(RegionError::KeyNotInRegion(region.id));
    let end = decode_bound(&region.end_key).ok_or(wrong)?;
    Ok((!end.is_empty()).then_some(end))
}
