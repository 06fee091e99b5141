//! Reads through the peer: by the leader, and by any replica.

use super::actor::{RegionPeer, Waiting};
use super::messages::{CommandReply, KvCommand};
use crate::actors::runtime::{Context, ReplyTo};
use crate::actors::store::local_reader::read_at;
use crate::common::Timestamp;
use crate::storage::region::check::check_keys;
use crate::storage::txn::{Busy, KvRequest, RegionError, RequestError};

impl RegionPeer {
    /// A read that came through the mailbox of the leader: at once under the lease, else after asking the
    /// group.
    pub(super) fn read(
        &mut self,
        request: KvRequest,
        reply: ReplyTo<CommandReply>,
        ctx: &mut Context<Self>,
    ) {
        if self.is_merging() {
            reply.send(Err(self.merging_error()));
            return;
        }
        let now = Self::now(ctx);
        if self.core.lease().is_valid(now) {
            self.answer_read(&request, reply);
            return;
        }
        self.ask_for_index(request, reply, now);
    }

    /// A read by this replica, whatever it is in its group.
    pub(super) fn read_replica(
        &mut self,
        command: KvCommand,
        reply: ReplyTo<CommandReply>,
        ctx: &mut Context<Self>,
    ) {
        let refused = if !self.region.is_initialized() || self.snapshots.is_installing() {
            Err(RegionError::ServerIsBusy(Busy::AwaitsSnapshot))
        } else {
            self.check(&command.context, &command.request)
        };
        if let Err(error) = refused {
            reply.send(Err(error.into()));
            return;
        }
        if read_ts(&command.request).is_none() {
            reply.send(Err(RequestError::Refused("a replica only serves reads".to_owned())));
            return;
        }
        if self.core.is_leader() {
            self.admit(command, reply, ctx);
        } else {
            self.wake_up();
            self.ask_for_index(command.request, reply, Self::now(ctx));
        }
    }

    fn ask_for_index(&mut self, request: KvRequest, reply: ReplyTo<CommandReply>, now: u64) {
        let ts = read_ts(&request).unwrap_or(Timestamp::ZERO);
        let waiting = Waiting::Read { request, reply };
        if let Err(Waiting::Read { reply, .. }) = self.core.read_index(waiting, ts, now) {
            reply.send(Err(self.not_leader().into()));
        }
    }

    /// Answers the reads whose index is applied.
    pub(super) fn serve_reads(&mut self) {
        if self.snapshots.is_installing() {
            return;
        }
        let applied = self.core.applied();
        while self.reads.front().is_some_and(|(index, ..)| *index <= applied) {
            let (_, request, reply) = self.reads.pop_front().expect("a first read was seen");
            // The range may have changed since the read was admitted.
            if self.is_merging() {
                reply.send(Err(self.merging_error()));
            } else if check_keys(&self.region, &self.user_range, &request).is_err() {
                reply.send(Err(RegionError::EpochNotMatch(self.id()).into()));
            } else {
                self.answer_read(&request, reply);
            }
        }
    }

    fn answer_read(&self, request: &KvRequest, reply: ReplyTo<CommandReply>) {
        let parts = &self.shared.parts;
        reply.send(read_at(&*parts.kv, &parts.concurrency, &self.key_range, request));
    }

    fn merging_error(&self) -> RequestError {
        RegionError::EpochNotMatch(self.id()).into()
    }
}

/// The timestamp of a read.
fn read_ts(request: &KvRequest) -> Option<Timestamp> {
    match request {
        KvRequest::Get { ts, .. } | KvRequest::BatchGet { ts, .. } | KvRequest::Scan { ts, .. } => {
            Some(*ts)
        }
        _ => None,
    }
}
