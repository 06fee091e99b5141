//! Messages: take in what was reported, do what is asked, carry out what follows.

use tracing::debug;

use super::actor::RegionPeer;
use super::admin::SplitReply;
use super::messages::{CommandReply, CutRegion, KvCommand, RaftMessage, SplitRegion, Tick, Wake};
use crate::actors::runtime::{Context, Handler, ReplyTo};
use crate::storage::region::check::check_epoch;

impl Handler<KvCommand> for RegionPeer {
    fn handle(
        &mut self,
        message: KvCommand,
        reply: ReplyTo<CommandReply>,
        ctx: &mut Context<Self>,
    ) {
        self.take_reports(ctx);
        self.admit(message, reply, ctx);
        self.flush_if_drained(ctx);
    }
}

impl Handler<SplitRegion> for RegionPeer {
    fn handle(&mut self, message: SplitRegion, reply: SplitReply, ctx: &mut Context<Self>) {
        self.take_reports(ctx);
        match check_epoch(&self.region, &message.context) {
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
        self.wake_up();
        if let Err(error) = self.core.step(message.message) {
            debug!(%error, region_id = %self.id(), "raft refused a message");
        }
        self.flush_if_drained(ctx);
    }
}

impl Handler<Tick> for RegionPeer {
    fn handle(&mut self, _message: Tick, _reply: ReplyTo<()>, ctx: &mut Context<Self>) {
        self.take_reports(ctx);
        self.core.tick();
        self.flush(ctx);
        if self.core.may_hibernate(self.shared.parts.options.raft.hibernate_ticks) {
            self.awake = false;
            self.core.release_memory();
            self.shared.awake.sleep(self.id());
        }
    }
}

impl Handler<Wake> for RegionPeer {
    fn handle(&mut self, _message: Wake, _reply: ReplyTo<()>, ctx: &mut Context<Self>) {
        self.take_reports(ctx);
        self.flush_if_drained(ctx);
    }
}
