//! Gaining and losing leadership, the lease, and reads through the peer.

use std::sync::Arc;

use tracing::{debug, info};

use super::actor::{RegionPeer, Waiting};
use super::commands::Parked;
use super::handover::Handover;
use super::messages::{CommandReply, KvCommand};
use crate::actors::runtime::{Context, ReplyTo};
use crate::actors::store::local_reader::ReadDelegate;
use crate::actors::store::store::RegionChanged;
use crate::common::Term;
use crate::storage::raft::{Committed, Lease};
use crate::storage::region::check::{check_epoch, check_keys};
use crate::storage::txn::{Busy, KvRequest, LockTable, RegionContext, RegionError};

/// How long to wait before asking the oracle again.
const ORACLE_RETRY: std::time::Duration = std::time::Duration::from_millis(500);

impl RegionPeer {
    /// This replica began or ceased to lead. What it kept in memory for its clients begins anew.
    pub(super) fn on_role_changed(&mut self, ctx: &mut Context<Self>) {
        debug!(region_id = %self.id(), term = %self.core.term(), role = ?self.core.role(), "changed role");
        self.max_ts_synced = false;
        self.withdraw_delegate();
        self.publish_status();
        if self.core.is_leader() {
            // Locks of a split come along only into the first term of the new region.
            self.locks = self.inherited_locks.take().unwrap_or_default();
            self.sync_max_ts(ctx);
        } else {
            self.locks = LockTable::new();
            self.inherited_locks = None;
            self.snapshots.drop_made();
            let handed_over = self.handover.as_ref().is_some_and(Handover::is_transfer);
            self.end_handover(handed_over);
            self.refuse_everything();
        }
    }

    /// The leader has applied everything of its predecessors: it may look at data.
    pub(super) fn on_ready(&mut self, ctx: &mut Context<Self>) {
        info!(region_id = %self.id(), term = %self.core.term(), "leads a region");
        self.heard.clear();
        self.report_change();
        self.renew_lease();
        self.leave_joint(ctx);
        for parked in std::mem::take(&mut self.parked) {
            self.admit(parked.command, parked.reply, ctx);
        }
    }

    /// Raises the highest timestamp read above every reader of earlier leaders (or of this process
    /// before a restart). Until then, one-phase and asynchronous commits fall back to two phases.
    pub(super) fn sync_max_ts(&mut self, ctx: &mut Context<Self>) {
        let term = self.core.term();
        let pd = Arc::clone(&self.shared.parts.pd);
        if let Some(ts) = pd.try_timestamp() {
            self.shared.parts.concurrency.push_max_ts(ts);
            self.max_ts_synced = true;
            return;
        }
        ctx.spawn_then(async move { pd.timestamp().await }, move |this: &mut Self, result, ctx| {
            this.on_max_ts(term, result, ctx);
        });
    }

    fn on_max_ts(
        &mut self,
        term: Term,
        result: crate::actors::pd::PdResult<crate::common::Timestamp>,
        ctx: &mut Context<Self>,
    ) {
        if self.core.term() != term || !self.core.is_leader() {
            return;
        }
        match result {
            Ok(ts) => {
                self.shared.parts.concurrency.push_max_ts(ts);
                self.max_ts_synced = true;
            }
            Err(error) => {
                debug!(%error, region_id = %self.id(), "failed to get a timestamp");
                ctx.run_later(ORACLE_RETRY, |this, ctx| {
                    if this.core.is_leader() && !this.max_ts_synced {
                        this.sync_max_ts(ctx);
                    }
                });
            }
        }
    }

    /// Publishes or prolongs the leave to read locally, or takes it back.
    pub(super) fn renew_lease(&mut self) {
        let lease = self.core.lease();
        let is_ending = self.admin.is_split_committed() || self.is_merging();
        if lease == Lease::NONE || is_ending {
            self.withdraw_delegate();
            return;
        }
        let term = self.core.term();
        match &self.delegate {
            Some(delegate) if delegate.term() == term => delegate.renew(lease),
            _ => {
                let delegate = Arc::new(ReadDelegate::new(
                    self.region.clone(),
                    self.user_range.clone(),
                    self.key_range.clone(),
                    term,
                ));
                delegate.renew(lease);
                self.shared.parts.reader.publish(Arc::clone(&delegate));
                self.delegate = Some(delegate);
            }
        }
    }

    pub(super) fn withdraw_delegate(&mut self) {
        if self.delegate.take().is_some() {
            self.shared.parts.reader.withdraw(self.id());
        }
    }

    /// A split or a merge that is committed may be applied on another store first, and the range be
    /// written there by another region. So local reads stop before anybody else can hear of the commit.
    pub(super) fn withdraw_before_change(&mut self, committed: &[Committed<Waiting>]) {
        for committed in committed {
            let Some(Waiting::Entry(entry)) = &committed.waiter else { continue };
            if self.admin.is_split(entry.command) {
                self.admin.set_split_committed();
                self.withdraw_delegate();
            } else if self.merge.is_prepare(entry.command) {
                self.merge.set_prepare_committed();
                self.withdraw_delegate();
            }
        }
    }

    /// Who to ask instead.
    pub(super) fn not_leader(&self) -> RegionError {
        let leader = self.core.leader().filter(|id| *id != self.peer.id);
        let leader = leader.and_then(|id| self.region.peers.iter().find(|peer| peer.id == id));
        RegionError::NotLeader {
            region_id: self.id(),
            leader: leader.map(|peer| (peer.id, peer.store_id)),
        }
    }

    /// May this region serve the request, as far as range and version go?
    pub(super) fn check(
        &self,
        context: &RegionContext,
        request: &KvRequest,
    ) -> Result<(), RegionError> {
        check_epoch(&self.region, context)?;
        check_keys(&self.region, &self.user_range, request)
    }

    /// Keeps a command until this leader is ready.
    pub(super) fn park(&mut self, command: KvCommand, reply: ReplyTo<CommandReply>) {
        if self.parked.len() >= self.shared.parts.options.max_commands_in_flight {
            reply.send(Err(RegionError::ServerIsBusy(Busy::NoLeader).into()));
            return;
        }
        self.parked.push_back(Parked { command, reply });
    }

    /// Tells the Store, which tells the placement driver.
    pub(super) fn report_change(&self) {
        self.publish_status();
        if let Err(error) = self.shared.store.tell(RegionChanged { region_id: self.id() }) {
            // The next heartbeat says the same.
            debug!(%error, region_id = %self.id(), "failed to report a change");
        }
    }

    pub(super) fn refuse_everything(&mut self) {
        for parked in std::mem::take(&mut self.parked) {
            parked.reply.send(Err(self.not_leader().into()));
        }
        for (_, _, reply) in std::mem::take(&mut self.reads) {
            reply.send(Err(self.not_leader().into()));
        }
        let error = self.not_leader();
        self.refuse_commands(&error);
        self.admin.clear(&error);
        self.membership.clear(&error);
        self.merge.clear(&error);
    }
}
