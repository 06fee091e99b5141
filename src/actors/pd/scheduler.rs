//! One scheduler or checker: looks at the cluster map from time to time and passes its decision on.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use tracing::debug;

use super::leader::Pd;
use super::messages::PlaceOrder;
use crate::actors::runtime::{Actor, ActorRef, Context};
use crate::placement::{ClusterMap, Decision, Goals, Scheduler};

/// How often a scheduler looks.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// The actor around a [`Scheduler`]; has no messages, only its own ticks.
pub(super) struct SchedulerActor {
    scheduler: Scheduler,
    goals: Goals,
    cluster: Arc<RwLock<ClusterMap>>,
    pd: ActorRef<Pd>,
    decision: Decision,
    looks: u64,
    orders: u64,
}

impl SchedulerActor {
    pub(super) fn new(
        scheduler: Scheduler,
        goals: Goals,
        cluster: Arc<RwLock<ClusterMap>>,
        pd: ActorRef<Pd>,
    ) -> SchedulerActor {
        let decision = Decision::Nothing { reason: "has not looked yet" };
        SchedulerActor { scheduler, goals, cluster, pd, decision, looks: 0, orders: 0 }
    }

    fn look(&mut self, _: &mut Context<SchedulerActor>) {
        self.looks += 1;
        self.decision = self.scheduler.decide(&self.cluster.read(), &self.goals);
        if let Decision::Do { region, order } = &self.decision {
            self.orders += 1;
            let message = PlaceOrder { region: *region, order: order.clone() };
            if let Err(error) = self.pd.tell(message) {
                debug!(%error, region_id = %region, "left an order for the next look");
            }
        }
    }
}

impl Actor for SchedulerActor {
    const KIND: &'static str = "pd-scheduler";

    fn started(&mut self, ctx: &mut Context<SchedulerActor>) {
        self.look(ctx);
        ctx.run_interval(LOOK_EVERY, SchedulerActor::look);
    }

    fn observe(&self) -> serde_json::Value {
        serde_json::json!({
            "scheduler": self.scheduler.name(),
            "goals": self.goals,
            "last_decision": self.decision,
            "looks": self.looks,
            "orders": self.orders,
        })
    }
}
