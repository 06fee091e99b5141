//! Being let go while the group sleeps, and being made again.

use std::time::Duration;

use tracing::debug;

use super::actor::RegionPeer;
use super::admin::AdminState;
use crate::actors::runtime::Context;
use crate::actors::store::applier::{AfterForget, ForgetRegion};
use crate::actors::store::transport::RaftEnvelope;
use crate::common::PeerId;
use crate::storage::raft::{ColdAnswer, Rest};
use crate::storage::region::Region;

/// How long until a sleeping peer that could not be let go tries again.
const AGAIN: Duration = Duration::from_secs(5);

/// What is kept of a peer that sleeps: what it knew, and the disk does not.
pub struct ColdPeer {
    /// Where its group stood. `None` since the start of the process: it then begins as ever.
    pub(super) rest: Option<Rest>,
    /// On a leader: whether it has a timestamp above all readers of its predecessors.
    pub(super) max_ts_synced: bool,
    /// What it has counted.
    pub(super) admin: AdminState,
}

impl ColdPeer {
    /// A peer of this process that has not lived yet.
    pub fn unborn() -> ColdPeer {
        ColdPeer { rest: None, max_ts_synced: false, admin: AdminState::default() }
    }

    /// What it does about a message of another replica: the replica `me` knows the region as it is in `region`.
    pub fn answer(&self, region: &Region, me: PeerId, envelope: &RaftEnvelope) -> ColdAnswer {
        let RaftEnvelope { region: sent, from, to, message, doze, tombstone, .. } = envelope;
        let is_member = sent.epoch == region.epoch && region.peer(from.id).is_some();
        match self.rest {
            Some(rest) if is_member && to.id == me && !tombstone => rest.answer(me, message, *doze),
            _ => ColdAnswer::Wake,
        }
    }
}

impl RegionPeer {
    /// A peer that sleeps is let go, if nothing is left in it that only memory knows. Nobody ticks it, so if it cannot be let go
    /// now it looks again later.
    pub(super) fn turn_cold_if_asleep(&mut self, ctx: &mut Context<Self>) {
        if self.awake || self.gone || self.turn_cold(ctx) || self.turns_cold_later {
            return;
        }
        self.turns_cold_later = true;
        ctx.run_later(AGAIN, |this, ctx| {
            this.turns_cold_later = false;
            this.turn_cold_if_asleep(ctx);
        });
    }

    fn turn_cold(&mut self, ctx: &mut Context<Self>) -> bool {
        if !self.may_be_let_go() || !ctx.is_quiet() {
            return false;
        }
        let Some(rest) = self.core.rest() else { return false };
        let Some(entry) = self.shared.parts.router.get(self.id()) else { return false };
        // Before anybody can make it again: what comes after must not take away what the next one publishes.
        self.withdraw_delegate();
        let reports = self.reports();
        let left = entry.seat().let_go(ctx.me(), || {
            if !reports.is_empty() {
                return None;
            }
            let region_id = self.id();
            self.tell_applier(ForgetRegion { region_id, then: AfterForget::Keep });
            let admin = std::mem::take(&mut self.admin);
            Some(ColdPeer { rest: Some(rest), max_ts_synced: self.max_ts_synced, admin })
        });
        if !left {
            self.renew_lease();
            return false;
        }
        debug!(region_id = %self.id(), "lets a sleeping peer go");
        self.gone = true;
        ctx.stop();
        true
    }

    /// Whether all that this peer knows is on the disk, or in a few words.
    fn may_be_let_go(&self) -> bool {
        // Who leads the first region has to be there: the deadlock detector is with it.
        let is_first = self.region.start_key.is_empty();
        self.is_idle()
            && !is_first
            && self.admin.is_idle()
            && self.locks.is_empty()
            && self.inherited_locks.is_none()
            && self.waiters.is_empty()
            && self.latches.is_empty()
            && self.runnable.is_empty()
            && (!self.core.is_leader() || self.max_ts_synced)
    }

    /// Goes on as the peer that was let go. False: as after a start.
    pub(super) fn resume(&mut self) -> bool {
        let Some(cold) = self.was_cold.take() else { return false };
        self.missed_ticks = self.shared.parts.sleepers.wake(self.id());
        self.admin = cold.admin;
        let Some(rest) = cold.rest else {
            self.core.has_been_mute_for(self.shared.parts.sleepers.now());
            return false;
        };
        if !self.core.resume(rest) {
            debug!(region_id = %self.id(), "a peer that was let go begins anew");
            return false;
        }
        self.max_ts_synced = cold.max_ts_synced;
        self.resumed_at = Some(self.core.last_index());
        if self.core.is_leader() {
            // All had agreed to sleep.
            let now = self.core.ticks();
            self.heard = self.region.peers.iter().map(|peer| (peer.id, now)).collect();
        }
        true
    }
}
