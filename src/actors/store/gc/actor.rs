//! The actor: one round over the regions at a time.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tracing::{debug, info};

use crate::actors::runtime::{Actor, Context};
use crate::actors::store::region_peer::KvCommand;
use crate::actors::store::router::{RegionStatus, StoreRouter};
use crate::actors::store::shared::StoreParts;
use crate::common::Timestamp;
use crate::storage::region::check::UserRange;
use crate::storage::txn::KvRequest;

/// How long one region may take.
const REGION_DEADLINE: Duration = Duration::from_secs(300);

/// Collects garbage in the regions a store leads.
pub struct GcWorker {
    parts: StoreParts,
    /// The safe point of the last complete round.
    done: Timestamp,
    running: bool,
}

impl GcWorker {
    /// A worker for this store.
    pub fn new(parts: StoreParts) -> GcWorker {
        GcWorker { parts, done: Timestamp::ZERO, running: false }
    }

    fn look(&mut self, ctx: &mut Context<Self>) {
        if self.running {
            return;
        }
        self.running = true;
        let (pd, router, done) = (self.parts.pd.clone(), self.parts.router.clone(), self.done);
        let round = async move {
            match pd.gc_safe_point().await {
                Ok(safe_point) if safe_point > done => {
                    collect(&router, safe_point).await.then_some(safe_point)
                }
                Ok(_) => None,
                Err(error) => {
                    debug!(%error, "failed to ask for the safe point");
                    None
                }
            }
        };
        ctx.spawn_then(round, |this: &mut Self, safe_point, _ctx| {
            this.running = false;
            if let Some(safe_point) = safe_point {
                info!(%safe_point, "collected garbage");
                this.done = safe_point;
            }
        });
    }
}

/// Collects in every region led here; whether all went well.
async fn collect(router: &StoreRouter, safe_point: Timestamp) -> bool {
    let mut complete = true;
    for status in router.statuses().into_iter().filter(RegionStatus::is_leader) {
        let Some(range) = UserRange::of(&status.region) else { continue };
        let request = KvRequest::Gc { safe_point, start: range.start().clone(), end: Bytes::new() };
        let command = KvCommand { context: status.region.context(), request };
        if let Err(error) = router.send(command, REGION_DEADLINE).await {
            debug!(%error, region_id = %status.region.id, "failed to collect garbage");
            complete = false;
        }
    }
    complete
}

impl Actor for GcWorker {
    const KIND: &'static str = "gc-worker";

    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.run_interval(self.parts.options.gc_interval, Self::look);
    }

    fn observe(&self) -> Value {
        json!({ "safe_point": self.done, "running": self.running })
    }
}
