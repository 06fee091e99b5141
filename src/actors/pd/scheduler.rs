//! One scheduler or checker: looks at the cluster map from time to time and passes its decision on.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use tracing::debug;

use super::leader::Pd;
use super::messages::PlaceOrder;
use crate::actors::runtime::{Actor, ActorRef, Context};
use crate::placement::{Board, Plan, Scheduler};

/// How long a scheduler rests between looks; longer if there are many regions to look at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// By how much longer for each region.
const LOOK_REGION: Duration = Duration::from_micros(10);
/// How much it wants done at a look: not less,
const PLANS_LEAST: usize = 8;
/// nor more,
const PLANS_MOST: usize = 128;
/// and in between as many plans as looking at so many regions finds, if each looks at all of them.
const REGIONS_AT_A_LOOK: usize = 200_000;

/// The actor around a [`Scheduler`]; has no messages, only its own ticks.
pub(super) struct SchedulerActor {
    scheduler: Scheduler,
    board: Arc<RwLock<Board>>,
    pd: ActorRef<Pd>,
    reason: &'static str,
    last_plan: Option<Plan>,
    looks: u64,
    plans: u64,
}

impl SchedulerActor {
    pub(super) fn new(
        scheduler: Scheduler,
        board: Arc<RwLock<Board>>,
        pd: ActorRef<Pd>,
    ) -> SchedulerActor {
        let reason = "has not looked yet";
        SchedulerActor { scheduler, board, pd, reason, last_plan: None, looks: 0, plans: 0 }
    }

    fn look(&mut self, ctx: &mut Context<SchedulerActor>) {
        self.looks += 1;
        let (plans, reason, regions) = {
            let board = self.board.read();
            let regions = board.cluster.regions().len();
            let most = (REGIONS_AT_A_LOOK / regions.max(1)).clamp(PLANS_LEAST, PLANS_MOST);
            let (plans, reason) = board.plan(self.scheduler, most);
            (plans, reason, regions)
        };
        self.reason = reason;
        for plan in plans {
            self.plans += 1;
            self.last_plan = Some(plan.clone());
            if let Err(error) = self.pd.tell(PlaceOrder(plan)) {
                debug!(%error, "left a plan for the next look");
            }
        }
        let rest = LOOK_EVERY + LOOK_REGION * u32::try_from(regions).unwrap_or(u32::MAX);
        ctx.run_later(rest, SchedulerActor::look);
    }
}

impl Actor for SchedulerActor {
    const KIND: &'static str = "pd-scheduler";

    fn started(&mut self, ctx: &mut Context<SchedulerActor>) {
        self.look(ctx);
    }

    fn observe(&self) -> serde_json::Value {
        serde_json::json!({
            "scheduler": self.scheduler.name(),
            "reason": self.reason,
            "last_plan": self.last_plan,
            "looks": self.looks,
            "plans": self.plans,
        })
    }
}
