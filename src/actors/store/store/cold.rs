//! Regions whose peers are not in memory: since the start, or since they fell asleep.
//!
//! A store that starts makes no peer of a region with nothing to do: it is as if it slept. A lone replica leads its region, and is made by the
//! first who asks. In a group somebody has to find out who leads. Where the placement driver knows that another store
//! does, that store looks after it; all others are *orphans* and made one after the other, so many with each tick, so that a start
//! with a hundred thousand regions does not hold a hundred thousand elections at once. Whoever is asked for has their turn at once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use tracing::{debug, info};

use super::actor::{Store, first_status};
use super::messages::WakePeer;
use crate::actors::pd::{PdClient, PdResult};
use crate::actors::runtime::{Context, Handler, ReplyTo};
use crate::actors::store::region_peer::{ColdPeer, NewPeer};
use crate::actors::store::router::RegionGauges;
use crate::actors::store::seat::Seat;
use crate::actors::store::shared::StoreParts;
use crate::actors::store::transport::RaftEnvelope;
use crate::common::{LogIndex, PeerId, RegionId, StoreId, Term};
use crate::storage::engine::WriteBatch;
use crate::storage::raft::{LogPosition, Role};
use crate::storage::region::state::{PeerState, load_apply_state};
use crate::storage::region::{PeerRole, Region};

/// Orphans made with each tick.
const ORPHANS_A_TICK: usize = 256;
/// Regions asked for at once, when the placement driver is asked who leads them.
const ROUTES_AT_ONCE: usize = 1024;
/// How long the placement driver may take to say who leads; then all are taken for orphans.
const ROUTES_DEADLINE: Duration = Duration::from_secs(2);

/// Where a region stands whose peer need not be made at the start.
pub(super) struct Standing {
    term: Term,
    applied: LogIndex,
}

impl Store {
    /// Whether the peer of a region has nothing to do at the start.
    pub(super) fn asleep_since_start(
        &self,
        region: &Region,
        state: &PeerState,
    ) -> Result<Option<Standing>, String> {
        let is_whole = region.peers.iter().all(|peer| is_whole(peer.role));
        let may_sleep = self.parts.options.raft.hibernate_ticks > 0;
        // Who leads the first region has to be there: the deadlock detector is with it.
        if *state != PeerState::Normal || !may_sleep || !is_whole || region.start_key.is_empty() {
            return Ok(None);
        }
        let applied = load_apply_state(&*self.parts.kv, region.id);
        let Some(applied) = applied.map_err(|error| error.to_string())? else { return Ok(None) };
        let truncated = LogPosition { index: applied.truncated, term: applied.truncated_term };
        let mut repairs = WriteBatch::new();
        let log = self.parts.log.load(region.id, truncated, &mut repairs);
        let Some(log) = log.map_err(|error| error.to_string())? else { return Ok(None) };
        let is_settled = log.last().index == applied.applied && repairs.is_empty();
        let term = Term(log.hard_state().term);
        Ok(is_settled.then_some(Standing { term, applied: applied.applied }))
    }

    /// Notes a region whose peer is made by whoever asks for it first.
    pub(super) fn create_cold(
        &mut self,
        region: Region,
        at: Standing,
        size: u64,
        ctx: &mut Context<Self>,
    ) {
        let StoreParts { store_id, sleepers, router, .. } = &self.parts;
        let region_id = region.id;
        let peer = region
            .peer_on(*store_id)
            .unwrap_or_else(|| panic!("region {region_id} has no peer on this store"));
        let others: Vec<StoreId> = region.peers.iter().map(|peer| peer.store_id).collect();
        let others: Vec<StoreId> = others.into_iter().filter(|other| other != store_id).collect();
        let gauges = Arc::new(RegionGauges::default());
        gauges.size.store(size, Ordering::Relaxed);
        gauges.applied.store(at.applied.0, Ordering::Relaxed);
        let mut status = first_status(region, peer, size, 0);
        status.term = at.term;
        if others.is_empty() && peer.role == PeerRole::Voter {
            // Nobody else can lead it. It takes a new term when it is made.
            status.role = Role::Leader;
            status.leader = Some(peer.id);
        } else {
            self.orphans.push_back(region_id);
        }
        sleepers.sleep(region_id, others);
        let seat = Seat::cold(region_id, ctx.me().clone(), ColdPeer::unborn());
        router.insert(seat, status, gauges);
    }

    /// Lets peers that are let go answer their leaders. Whoever is answered has been heard of.
    pub(super) fn give_voice(&self) {
        let StoreParts { transport, sleepers, disk, .. } = &self.parts;
        // The router outlives the store, and must not keep what reaches it alive.
        let transport = Arc::downgrade(transport);
        let (sleepers, disk) = (Arc::clone(sleepers), disk.clone());
        self.parts.router.set_voice(move |answer| {
            let Some(transport) = transport.upgrade() else { return };
            sleepers.heard(answer.to.store_id);
            transport.send(RaftEnvelope { room: disk.room(), ..answer });
        });
    }

    /// Asks the placement driver which of the regions that nobody is known to lead are led by other stores: those are none of this
    /// store's business.
    pub(super) fn look_for_orphans(&mut self, ctx: &mut Context<Self>) {
        let orphans = std::mem::take(&mut self.orphans);
        if orphans.is_empty() {
            return;
        }
        let (pd, store_id) = (Arc::clone(&self.parts.pd), self.parts.store_id);
        let question = async move {
            tokio::time::timeout(ROUTES_DEADLINE, led_elsewhere(&*pd, store_id)).await
        };
        ctx.spawn_then(question, move |this: &mut Self, answer, _ctx| {
            let led = match answer {
                Ok(Ok(led)) => led,
                Ok(Err(error)) => {
                    debug!(%error, "failed to ask who leads the regions");
                    BTreeMap::new()
                }
                Err(_elapsed) => BTreeMap::new(),
            };
            for region_id in orphans {
                match led.get(&region_id) {
                    Some(leader) => this.adopt(region_id, *leader),
                    None => this.orphans.push_back(region_id),
                }
            }
            info!(orphans = this.orphans.len(), "makes the peers of regions that nobody leads");
        });
    }

    /// Another store leads a region whose peer sleeps here.
    fn adopt(&self, region_id: RegionId, leader: PeerId) {
        if let Some(entry) = self.parts.router.get(region_id)
            && entry.is_cold()
        {
            let mut status = entry.status();
            status.leader = Some(leader);
            entry.set_status(status);
        }
    }

    /// With each tick: the next few of those that nobody leads.
    pub(super) fn wake_orphans(&mut self) {
        let next = self.orphans.len().min(ORPHANS_A_TICK);
        for region_id in self.orphans.drain(..next) {
            if let Some(entry) = self.parts.router.get(region_id) {
                entry.seat().wake();
            }
        }
    }
}

fn is_whole(role: PeerRole) -> bool {
    matches!(role, PeerRole::Voter | PeerRole::Learner)
}

/// The regions that other stores lead, as the placement driver knows.
async fn led_elsewhere(
    pd: &dyn PdClient,
    store_id: StoreId,
) -> PdResult<BTreeMap<RegionId, PeerId>> {
    let mut led = BTreeMap::new();
    let mut start = Bytes::new();
    loop {
        let routes = pd.scan_regions(start, Bytes::new(), ROUTES_AT_ONCE).await?;
        let is_last = routes.len() < ROUTES_AT_ONCE;
        let end = routes.last().map(|route| route.region.end_key.clone()).unwrap_or_default();
        for route in routes {
            if let Some(leader) = route.leader.filter(|leader| leader.store_id != store_id) {
                led.insert(route.region.id, leader.id);
            }
        }
        if is_last || end.is_empty() {
            return Ok(led);
        }
        start = end;
    }
}

impl Handler<WakePeer> for Store {
    fn handle(&mut self, message: WakePeer, _reply: ReplyTo<()>, ctx: &mut Context<Self>) {
        let region_id = message.region_id;
        let Some(entry) = self.parts.router.get(region_id) else { return };
        let (peer, gauges) = (entry.status().peer, entry.gauges());
        entry.seat().wake_with(|cold| {
            let cold = Some(cold);
            let new = NewPeer { region_id, peer, gauges, locks: None, campaign: false, cold };
            self.start_peer(new, ctx)
        });
    }
}
