//! The actor: one round over the regions at a time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::time::sleep;
use tracing::{debug, info};

use crate::actors::runtime::{Actor, Context};
use crate::actors::store::region_peer::KvCommand;
use crate::actors::store::router::{RegionStatus, StoreRouter};
use crate::actors::store::shared::StoreParts;
use crate::common::{LogIndex, RegionId, Timestamp};
use crate::storage::api::RegionEpoch;
use crate::storage::engine::Engine;
use crate::storage::mvcc::{Garbage, GarbageLimits, KeyRange, find_garbage};
use crate::storage::region::Region;
use crate::storage::region::check::UserRange;
use crate::storage::txn::KvRequest;

/// How long the removal of what one look has found may take.
const DEADLINE: Duration = Duration::from_secs(30);
/// What one look comes to: some milliseconds of reading, by this actor's thread and again by the region's.
const LIMITS: GarbageLimits = GarbageLimits { found: 256, seen: 4096 };
/// Between two looks: nobody waits for garbage to go.
const PAUSE: Duration = Duration::from_millis(2);

/// A region as it was when nothing in it could become garbage without another write.
type Clean = BTreeMap<RegionId, (RegionEpoch, LogIndex)>;

/// Collects garbage in the regions a store leads.
///
/// It looks for garbage on its own thread, and asks a region's peer only where there is some: a region that is gone
/// through for garbage goes on serving. A region that was clean and was not written to since is left alone, asleep if it sleeps.
pub struct GcWorker {
    parts: StoreParts,
    /// The safe point of the last complete round.
    done: Timestamp,
    clean: Clean,
    running: bool,
}

impl GcWorker {
    /// A worker for this store.
    pub fn new(parts: StoreParts) -> GcWorker {
        GcWorker { parts, done: Timestamp::ZERO, clean: Clean::new(), running: false }
    }

    fn look(&mut self, ctx: &mut Context<Self>) {
        if self.running {
            return;
        }
        self.running = true;
        let (pd, done) = (self.parts.pd.clone(), self.done);
        let mut round = Round {
            kv: self.parts.kv.clone(),
            router: self.parts.router.clone(),
            safe_point: Timestamp::ZERO,
            before: std::mem::take(&mut self.clean),
            clean: Clean::new(),
        };
        let round = async move {
            match pd.gc_safe_point().await {
                Ok(safe_point) if safe_point > done => {
                    round.safe_point = safe_point;
                    let complete = round.collect().await;
                    (complete.then_some(safe_point), round.clean)
                }
                Ok(_) => (None, round.before),
                Err(error) => {
                    debug!(%error, "failed to ask for the safe point");
                    (None, round.before)
                }
            }
        };
        ctx.spawn_then(round, |this: &mut Self, (safe_point, clean), _ctx| {
            this.running = false;
            this.clean = clean;
            if let Some(safe_point) = safe_point {
                info!(%safe_point, "collected garbage");
                this.done = safe_point;
            }
        });
    }
}

/// One round over the regions.
struct Round {
    kv: Arc<dyn Engine>,
    router: StoreRouter,
    safe_point: Timestamp,
    /// What was clean after the round before.
    before: Clean,
    clean: Clean,
}

impl Round {
    /// Collects in every region led here; whether all went well.
    async fn collect(&mut self) -> bool {
        let mut complete = true;
        for status in self.router.statuses().into_iter().filter(RegionStatus::is_leader) {
            let RegionStatus { region, applied, .. } = status;
            let id = region.id;
            // Of one id and epoch there is one range.
            let as_it_is = (region.epoch, applied);
            let is_clean = self.before.get(&id) == Some(&as_it_is);
            match if is_clean { Ok(true) } else { self.collect_in(&region).await } {
                Ok(true) => drop(self.clean.insert(id, as_it_is)),
                Ok(false) => {}
                Err(error) => {
                    debug!(%error, region_id = %id, "failed to collect garbage");
                    complete = false;
                }
            }
        }
        complete
    }

    /// Collects in one region; whether nothing of it can become garbage as it is.
    async fn collect_in(&self, region: &Region) -> Result<bool, String> {
        let Some(bounds) = UserRange::of(region) else { return Ok(true) };
        let range = KeyRange::of_region(&region.start_key, &region.end_key);
        let mut start = bounds.start().clone();
        let mut is_clean = true;
        loop {
            let looked = range.clip(&start, b"");
            let Garbage { keys, next, is_mixed } =
                find_garbage(&*self.kv, &looked, self.safe_point, LIMITS)
                    .map_err(|error| error.to_string())?;
            is_clean &= !is_mixed;
            if let (Some(first), Some(last)) = (keys.first(), keys.last()) {
                let request = KvRequest::Gc {
                    safe_point: self.safe_point,
                    start: Bytes::copy_from_slice(first),
                    end: [last.as_slice(), &[0]].concat().into(),
                };
                let command = KvCommand { context: region.context(), request };
                let answer = self.router.send(command, DEADLINE).await;
                answer.map_err(|error| error.to_string())?;
            }
            match next {
                Some(next) => start = next.into(),
                None => return Ok(is_clean),
            }
            sleep(PAUSE).await;
        }
    }
}

impl Actor for GcWorker {
    const KIND: &'static str = "gc-worker";

    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.run_interval(self.parts.options.gc_interval, Self::look);
    }

    fn observe(&self) -> Value {
        json!({
            "safe_point": self.done,
            "running": self.running,
            "clean_regions": self.clean.len(),
        })
    }
}
