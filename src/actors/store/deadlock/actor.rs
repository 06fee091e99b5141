//! The actor around the pure detector and the store's own waits.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tracing::{debug, info};

use super::messages::{DetectDeadlock, ForgetWait, LeadsFirstRegion, ShareWaits};
use crate::actors::pd::{PdClient, PdResult};
use crate::actors::runtime::{Actor, Context, Handler, MailboxOptions, Overflow, ReplyTo};
use crate::actors::store::router::StoreRouter;
use crate::actors::store::shared::StoreParts;
use crate::actors::store::transport::Transport;
use crate::common::{RegionId, StoreId};
use crate::storage::routing::RegionRoute;
use crate::storage::txn::{DeadlockDetector, StoreWaits, WaitEdge, WaitsShared};

/// Waits that have expired are swept out this often.
const SWEEP_EVERY: Duration = Duration::from_secs(10);
/// While anybody waits, the detector is asked this often whether it still is one, and looked for if there is none.
pub const CHECK_EVERY: Duration = Duration::from_millis(500);
/// How long the detector may take to answer.
const SHARE_DEADLINE: Duration = Duration::from_secs(2);

/// Knows every wait for a lock of this store, and as the detector those of all others.
pub struct Deadlocks {
    me: StoreId,
    router: StoreRouter,
    pd: Arc<dyn PdClient>,
    transport: Arc<dyn Transport>,
    graph: DeadlockDetector,
    /// The first region, as led here: more than one while it splits or merges.
    leads: BTreeSet<RegionId>,
    waits: StoreWaits,
    /// Peers to tell if their wait turns out to close a cycle.
    askers: BTreeMap<WaitEdge, ReplyTo<bool>>,
    /// The next check of the detector is due some time.
    is_armed: bool,
    /// The placement driver is being asked who leads the first region.
    is_looking: bool,
    /// There is no use in looking before the next check.
    is_lost: bool,
    found: u64,
}

impl Deadlocks {
    /// Nobody waits.
    pub fn new(parts: &StoreParts) -> Deadlocks {
        Deadlocks {
            me: parts.store_id,
            router: parts.router.clone(),
            pd: Arc::clone(&parts.pd),
            transport: Arc::clone(&parts.transport),
            graph: DeadlockDetector::new(),
            leads: BTreeSet::new(),
            waits: StoreWaits::new(),
            askers: BTreeMap::new(),
            is_armed: false,
            is_looking: false,
            is_lost: false,
            found: 0,
        }
    }

    fn is_detector(&self) -> bool {
        !self.leads.is_empty()
    }

    fn now(ctx: &Context<Self>) -> u64 {
        ctx.system().clock().now().as_nanos()
    }

    /// Tells the detector what it does not know, or looks for one.
    fn go_on(&mut self, ask_anyway: bool, ctx: &mut Context<Self>) {
        if self.is_detector() || self.waits.has_nothing_to_tell() {
            return;
        }
        self.arm(ctx);
        if self.waits.detector().is_none() {
            self.look(ctx);
            return;
        }
        let Some((to, shared)) = self.waits.tell(self.me, Self::now(ctx), ask_anyway) else {
            return;
        };
        let account = shared.account;
        let Some(detector) = self.transport.deadlocks(to) else {
            self.on_told(account, None, ctx);
            return;
        };
        let answer = detector.ask(ShareWaits(shared), SHARE_DEADLINE);
        ctx.spawn_then(answer, move |this: &mut Self, answer, ctx| {
            if let Err(error) = &answer {
                debug!(%error, store_id = %this.me, "failed to tell the detector of waits");
            }
            this.on_told(account, answer.ok(), ctx);
        });
    }

    fn on_told(&mut self, account: u64, answer: Option<WaitsShared>, ctx: &mut Context<Self>) {
        let had_detector = self.waits.detector().is_some();
        for edge in self.waits.told(account, answer) {
            self.graph.remove(self.me, &edge);
            self.on_cycle(&edge);
        }
        self.is_lost |= had_detector && self.waits.detector().is_none();
        self.go_on(false, ctx);
    }

    /// The one who waits is the victim.
    fn on_cycle(&mut self, edge: &WaitEdge) {
        self.found += 1;
        if let Some(asker) = self.askers.remove(edge) {
            asker.send(true);
        }
    }

    /// The detector is asked again soon, for as long as anybody waits.
    fn arm(&mut self, ctx: &mut Context<Self>) {
        if self.is_armed {
            return;
        }
        self.is_armed = true;
        ctx.run_later(CHECK_EVERY, |this, ctx| {
            this.is_armed = false;
            this.is_lost = false;
            this.go_on(true, ctx);
        });
    }

    /// Asks the placement driver who leads the first region.
    fn look(&mut self, ctx: &mut Context<Self>) {
        if self.is_looking || self.is_lost {
            return;
        }
        self.is_looking = true;
        let pd = Arc::clone(&self.pd);
        let route = async move { pd.region_by_key(Bytes::new()).await };
        ctx.spawn_then(route, |this: &mut Self, route, ctx| this.on_route(route, ctx));
    }

    fn on_route(&mut self, route: PdResult<Option<RegionRoute>>, ctx: &mut Context<Self>) {
        self.is_looking = false;
        let leader = match route {
            Ok(route) => route.and_then(|route| route.leader),
            Err(error) => {
                debug!(%error, store_id = %self.me, "failed to look for the detector");
                None
            }
        };
        // When it names this store, it has not heard of the change yet.
        match leader.map(|leader| leader.store_id).filter(|store_id| *store_id != self.me) {
            Some(store_id) if !self.is_detector() => self.waits.set_detector(Some(store_id)),
            _ => self.is_lost = true,
        }
        self.go_on(false, ctx);
    }

    /// It began or ceased to be the detector.
    fn on_change(&mut self, ctx: &mut Context<Self>) {
        info!(store_id = %self.me, is_detector = self.is_detector(), "the detector of deadlocks changes");
        if self.is_detector() {
            self.waits.set_detector(None);
        } else {
            self.graph.keep_only(self.me);
        }
        self.is_lost = false;
        self.go_on(false, ctx);
    }
}

impl Actor for Deadlocks {
    const KIND: &'static str = "deadlocks";

    fn mailbox() -> MailboxOptions {
        MailboxOptions { capacity: 1 << 16, overflow: Overflow::Reject }
    }

    fn started(&mut self, ctx: &mut Context<Self>) {
        // After a restart the peer of the first region does not say again that it leads.
        let statuses = self.router.statuses();
        let first = statuses.first().filter(|first| first.region.start_key.is_empty());
        self.leads.extend(first.filter(|first| first.is_leader()).map(|first| first.region.id));
        ctx.run_interval(SWEEP_EVERY, |this, ctx| {
            let now = Self::now(ctx);
            this.graph.expire(now);
            this.waits.expire(now);
            this.askers.retain(|_, asker| asker.is_wanted());
        });
    }

    fn observe(&self) -> Value {
        json!({
            "is_detector": self.is_detector(),
            "detector": self.waits.detector(),
            "waits": self.waits.len(),
            "waits_known": self.graph.len(),
            "deadlocks": self.found,
        })
    }
}

impl Handler<DetectDeadlock> for Deadlocks {
    fn handle(&mut self, message: DetectDeadlock, reply: ReplyTo<bool>, ctx: &mut Context<Self>) {
        let DetectDeadlock { edge, for_at_most } = message;
        let clock = ctx.system().clock().now();
        let expires_at = (clock + for_at_most).as_nanos();
        let now = clock.as_nanos();
        if self.graph.detect_from(self.me, edge.clone(), now, expires_at).is_some() {
            self.found += 1;
            reply.send(true);
            return;
        }
        self.waits.begin(edge.clone(), expires_at);
        self.askers.insert(edge, reply);
        self.go_on(false, ctx);
    }
}

impl Handler<ForgetWait> for Deadlocks {
    fn handle(&mut self, message: ForgetWait, _reply: ReplyTo<()>, ctx: &mut Context<Self>) {
        let edge = message.edge;
        self.graph.remove(self.me, &edge);
        if let Some(asker) = self.askers.remove(&edge) {
            asker.send(false);
        }
        self.waits.end(edge);
        self.go_on(false, ctx);
    }
}

impl Handler<LeadsFirstRegion> for Deadlocks {
    fn handle(&mut self, message: LeadsFirstRegion, _reply: ReplyTo<()>, ctx: &mut Context<Self>) {
        let was_detector = self.is_detector();
        if message.leads {
            self.leads.insert(message.region_id);
        } else {
            self.leads.remove(&message.region_id);
        }
        if was_detector != self.is_detector() {
            self.on_change(ctx);
        }
    }
}

impl Handler<ShareWaits> for Deadlocks {
    fn handle(
        &mut self,
        message: ShareWaits,
        reply: ReplyTo<WaitsShared>,
        ctx: &mut Context<Self>,
    ) {
        if !self.is_detector() {
            reply.send(WaitsShared::NotDetector);
            return;
        }
        let answer = self.graph.take(message.0, Self::now(ctx));
        if let WaitsShared::Taken { victims } = &answer {
            self.found += victims.len() as u64;
        }
        reply.send(answer);
    }
}
