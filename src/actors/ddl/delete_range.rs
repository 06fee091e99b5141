//! Removing what dropped tables and indexes leave behind.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tracing::{info, warn};

use crate::actors::runtime::{Actor, Context};
use crate::common::SqlResult;
use crate::sql::ddl::{DeleteRange, Meta};
use crate::sql::kv::{KvStore, TxnOptions};

/// How often to look: as often as something may be due, but not less often than this,
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// nor more often.
const LOOK_OFTEN: Duration = Duration::from_secs(1);

/// Deletes the ranges of the queue once nobody can read them any more. Has no messages, only its own ticks.
pub struct DeleteRangeWorker {
    store: Arc<dyn KvStore>,
    keep: Duration,
    running: bool,
    deleted: u64,
}

impl DeleteRangeWorker {
    /// A worker that lets dropped ranges stand for `keep`, as long as anybody may read a snapshot from before.
    pub fn new(store: Arc<dyn KvStore>, keep: Duration) -> DeleteRangeWorker {
        DeleteRangeWorker { store, keep, running: false, deleted: 0 }
    }

    fn look(&mut self, ctx: &mut Context<Self>) {
        if self.running {
            return;
        }
        self.running = true;
        let (store, keep) = (self.store.clone(), self.keep);
        let round = async move { delete_old(&*store, keep).await };
        ctx.spawn_then(round, |this: &mut Self, deleted, _ctx| {
            this.running = false;
            match deleted {
                Ok(count) => this.deleted += count,
                Err(error) => warn!(%error, "failed to delete a dropped range"),
            }
        });
    }
}

/// Deletes the ranges that were dropped longer ago than `keep`; answers how many.
pub(super) async fn delete_old(store: &dyn KvStore, keep: Duration) -> SqlResult<u64> {
    let txn = store.begin(TxnOptions::default()).await?;
    let now_ms = txn.start_ts().physical_ms();
    let ranges = Meta::new(&*txn).delete_ranges().await?;
    txn.rollback().await?;
    let keep_ms = u64::try_from(keep.as_millis()).unwrap_or(u64::MAX);
    let mut deleted = 0;
    for range in ranges {
        if range.dropped_ms.saturating_add(keep_ms) <= now_ms {
            delete(store, &range).await?;
            deleted += 1;
            info!(job = range.job, "deleted a dropped range");
        }
    }
    Ok(deleted)
}

/// Deletes a range, and then its entry: deleting it twice does no harm.
async fn delete(store: &dyn KvStore, range: &DeleteRange) -> SqlResult<()> {
    store.delete_range(range.start.clone().into(), range.end.clone().into()).await?;
    let txn = store.begin(TxnOptions::default()).await?;
    Meta::new(&*txn).remove_delete_range(range);
    txn.commit().await?;
    Ok(())
}

impl Actor for DeleteRangeWorker {
    const KIND: &'static str = "delete-range-worker";

    fn started(&mut self, ctx: &mut Context<Self>) {
        self.look(ctx);
        ctx.run_interval(self.keep.clamp(LOOK_OFTEN, LOOK_EVERY), Self::look);
    }

    fn observe(&self) -> Value {
        json!({ "deleted": self.deleted, "running": self.running })
    }
}
