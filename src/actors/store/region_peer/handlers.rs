//! Messages: take in what was reported, do what is asked, carry out what follows.

use super::actor::RegionPeer;
use super::admin::SplitReply;
use super::messages::{
    AbsorbRegion, Absorbed, CatchUp, ChangePeers, CommandReply, CutRegion, DropPeer, KvCommand,
    MergeRegion, PlacePeer, RaftMessage, ReplicaRead, Retire, SplitRegion, Tick, TransferLeader,
    Wake,
};
use crate::actors::runtime::{Context, Handler, ReplyTo};
use crate::storage::region::Region;
use crate::storage::region::check::check_epoch;
use crate::storage::txn::{RegionError, RequestError};

impl Handler<KvCommand> for RegionPeer {
    fn handle(
        &mut self,
        message: KvCommand,
        reply: ReplyTo<CommandReply>,
        ctx: &mut Context<Self>,
    ) {
        self.take_reports(ctx);
        if self.gone {
            reply.send(Err(RegionError::RegionNotFound(self.id()).into()));
            return;
        }
        self.admit(message, reply, ctx);
        self.flush_if_drained(ctx);
    }
}

impl Handler<SplitRegion> for RegionPeer {
    fn handle(&mut self, message: SplitRegion, reply: SplitReply, ctx: &mut Context<Self>) {
        self.take_reports(ctx);
        let error = RegionError::RegionNotFound(self.id());
        let known =
            if self.gone { Err(error) } else { check_epoch(&self.region, &message.context) };
        match known {
            Ok(()) => self.split_at(message.keys, Some(reply), ctx),
            Err(error) => reply.send(Err(error.into())),
        }
        self.flush_if_drained(ctx);
    }
}

impl Handler<CutRegion> for RegionPeer {
    fn handle(&mut self, message: CutRegion, _reply: ReplyTo<()>, ctx: &mut Context<Self>) {
        self.take_reports(ctx);
        self.check_split(message.cut_at, ctx);
        self.flush_if_drained(ctx);
    }
}

impl Handler<RaftMessage> for RegionPeer {
    fn handle(&mut self, message: RaftMessage, _reply: ReplyTo<()>, ctx: &mut Context<Self>) {
        self.take_reports(ctx);
        if !self.gone {
            self.receive(message.envelope, ctx);
        }
        self.flush_if_drained(ctx);
    }
}

impl Handler<Tick> for RegionPeer {
    fn handle(&mut self, _message: Tick, _reply: ReplyTo<()>, ctx: &mut Context<Self>) {
        self.take_reports(ctx);
        if self.gone {
            return;
        }
        self.missed_ticks = 0;
        self.core.tick();
        self.look_at_group(ctx);
        self.flush(ctx);
        if !self.gone {
            self.doze_if_quiet();
            self.turn_cold_if_asleep(ctx);
        }
    }
}

impl Handler<Wake> for RegionPeer {
    fn handle(&mut self, _message: Wake, _reply: ReplyTo<()>, ctx: &mut Context<Self>) {
        self.take_reports(ctx);
        self.flush_if_drained(ctx);
    }
}

/// Handles a message about the region itself: not when the replica is gone, and with all that follows.
macro_rules! about_region {
    ($message:ty => $reply:ty, |$peer:ident, $asked:pat_param, $answer:ident, $ctx:ident| $body:expr, gone: $gone:expr) => {
        impl Handler<$message> for RegionPeer {
            fn handle(
                &mut self,
                $asked: $message,
                $answer: ReplyTo<$reply>,
                $ctx: &mut Context<Self>,
            ) {
                self.take_reports($ctx);
                if self.gone {
                    let region_id = self.id();
                    #[allow(clippy::redundant_closure_call, reason = "one form for all messages")]
                    ($gone)(region_id, $answer);
                    return;
                }
                let $peer = &mut *self;
                $body;
                self.flush_if_drained($ctx);
            }
        }
    };
}

/// Answers that the region is not here.
fn not_found<T>(region_id: crate::common::RegionId, reply: ReplyTo<Result<T, RequestError>>) {
    reply.send(Err(RegionError::RegionNotFound(region_id).into()));
}

/// Nothing is to be done any more.
fn done(_region_id: crate::common::RegionId, reply: ReplyTo<()>) {
    reply.send(());
}

about_region!(ReplicaRead => CommandReply, |peer, message, reply, ctx| {
    peer.read_replica(message.0, reply, ctx)
}, gone: not_found);
about_region!(ChangePeers => Result<Region, RequestError>, |peer, message, reply, ctx| {
    peer.change_peers(message.changes, Some(reply), ctx)
}, gone: not_found);
about_region!(PlacePeer => (), |peer, message, _reply, ctx| {
    peer.place_peer(message.peer, ctx)
}, gone: done);
about_region!(DropPeer => (), |peer, message, _reply, ctx| {
    peer.drop_peer(message.peer, ctx)
}, gone: done);
about_region!(TransferLeader => Result<(), RequestError>, |peer, message, reply, ctx| {
    peer.transfer_leader(message.to, Some(reply), ctx)
}, gone: not_found);
about_region!(MergeRegion => Result<(), RequestError>, |peer, message, reply, ctx| {
    peer.merge_into(message.target, Some(reply), ctx)
}, gone: not_found);
about_region!(AbsorbRegion => (), |peer, message, _reply, ctx| {
    peer.absorb(message, ctx)
}, gone: done);
about_region!(CatchUp => (), |peer, message, reply, _ctx| {
    peer.catch_up(&message.source, reply)
}, gone: done);
about_region!(Absorbed => (), |peer, _, reply, ctx| {
    peer.be_absorbed(reply, ctx)
}, gone: done);
about_region!(Retire => (), |peer, _, reply, ctx| {
    peer.retire(reply, ctx)
}, gone: done);
