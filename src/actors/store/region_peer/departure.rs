//! A replica goes: removed from its group, or taken over by a merge.

use std::time::Duration;

use tracing::info;

use super::actor::RegionPeer;
use crate::actors::runtime::Context;
use crate::actors::store::applier::{AfterForget, ForgetRegion};
use crate::actors::store::log_writer::DestroyLog;
use crate::actors::store::store::PeerGone;
use crate::storage::codec::keys;
use crate::storage::engine::{Cf, WriteBatch};
use crate::storage::region::Region;
use crate::storage::txn::RegionError;

/// How long others of the store may take to let go of a replica.
const DEADLINE: Duration = Duration::from_secs(300);

impl RegionPeer {
    /// The replica is removed: its data and its log go, then itself. The tombstone stays, so that no
    /// message brings it back.
    pub(super) fn depart(&mut self, tombstone: Region, ctx: &mut Context<Self>) {
        if self.gone {
            return;
        }
        if self.snapshots.is_installing() {
            self.snapshots.doom(tombstone);
            return;
        }
        info!(region_id = %self.id(), peer_id = %self.peer.id, "removes a replica");
        self.let_go();
        let data = self.region.is_initialized().then(|| Box::new(self.region.clone()));
        let then = AfterForget::Destroy { tombstone: Box::new(tombstone), data };
        self.disappear(then, None, ctx);
    }

    /// The region is another one's now: only the log goes.
    pub(super) fn be_absorbed(
        &mut self,
        reply: crate::actors::runtime::ReplyTo<()>,
        ctx: &mut Context<Self>,
    ) {
        if self.gone {
            reply.send(());
            return;
        }
        info!(region_id = %self.id(), "the region is part of another one now");
        self.let_go();
        let then = AfterForget::Merged { tombstone: Box::new(self.region.clone()) };
        self.disappear(then, Some(reply), ctx);
    }

    /// Makes room for a peer with data. What this one has promised stays in its log.
    pub(super) fn retire(
        &mut self,
        reply: crate::actors::runtime::ReplyTo<()>,
        ctx: &mut Context<Self>,
    ) {
        self.let_go();
        reply.send(());
        ctx.stop();
    }

    /// Nothing is answered, served or written by this replica any more.
    fn let_go(&mut self) {
        self.withdraw_delegate();
        self.refuse_everything();
        let error = RegionError::RegionNotFound(self.id());
        self.end_handover(false);
        self.admin.clear(&error);
        self.gone = true;
        self.report_first_region();
        self.awake = false;
        self.shared.awake.sleep(self.id());
        self.shared.parts.sleepers.wake(self.id());
        self.shared.claims.release(self.id());
    }

    /// First the data, with a durable note that it is gone; then the log, which could restore it.
    fn disappear(
        &mut self,
        then: AfterForget,
        reply: Option<crate::actors::runtime::ReplyTo<()>>,
        ctx: &mut Context<Self>,
    ) {
        let (region_id, peer_id) = (self.id(), self.peer.id);
        let shared = std::sync::Arc::clone(&self.shared);
        let steps = async move {
            let forget = ForgetRegion { region_id, then };
            shared.applier(region_id).ask(forget, DEADLINE).await?;
            if let Some(reply) = reply {
                reply.send(());
            }
            let (start, end) = keys::raft_range(region_id);
            let mut batch = WriteBatch::new();
            batch.delete_range(Cf::Raft, start, end);
            shared.log_writer.ask(DestroyLog { batch }, DEADLINE).await?;
            shared.store.ask(PeerGone { region_id, peer_id }, DEADLINE).await
        };
        ctx.spawn_then(steps, move |_this, result, ctx| {
            if let Err(error) = result {
                // The next start ends what was begun here.
                tracing::warn!(%error, %region_id, "failed to remove a replica");
            }
            ctx.stop();
        });
    }
}
