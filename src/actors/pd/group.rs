//! A member of PD's group: it hears the others, and begins and ceases to lead.

use serde_json::{Value, json};

use super::client::PdResult;
use super::leader::Pd;
use super::messages::{ChangeMembers, GroupStep, Lead};
use crate::actors::runtime::{Context, Handler, ReplyTo};
use crate::placement::{Leadership, MemberChange, MemberView};

impl Pd {
    /// The group's clock.
    pub(super) fn tick_group(&mut self, ctx: &mut Context<Pd>) {
        let now = ctx.system().clock().now().as_nanos();
        self.log().tick(now);
        self.follow_leadership(ctx);
    }

    /// The members as `/pd/api/v1/members` shows them.
    pub(super) fn members(&mut self, ctx: &Context<Pd>) -> Value {
        let mut leader_id = self.log().leadership().leader_id;
        let mut members = self.log().members();
        if members.is_empty() {
            // A group of one has no list, but is one.
            let name = ctx.system().node().to_owned();
            members.push(MemberView { member_id: 1, name, voter: true, ..MemberView::default() });
            leader_id = Some(1);
        }
        let leader = members.iter().find(|member| Some(member.member_id) == leader_id);
        json!({
            "header": { "cluster_id": self.log().state().cluster_id() },
            "members": members,
            "leader": leader,
            "etcd_leader": leader,
        })
    }

    /// Takes a member out of the group.
    pub(super) fn remove_member(
        &mut self,
        name: &str,
        reply: ReplyTo<PdResult<Value>>,
        ctx: &mut Context<Pd>,
    ) {
        let text = format!("removed, pd: {name}");
        let change = MemberChange::Remove { name: name.to_owned() };
        self.change_members(change, ctx, move |result| {
            reply.send(result.map(|_| text.into()));
        });
    }

    fn change_members(
        &mut self,
        change: MemberChange,
        ctx: &mut Context<Pd>,
        then: impl FnOnce(PdResult<Vec<MemberView>>) + 'static,
    ) {
        let changed = self.log().change_members(change);
        ctx.spawn_then(changed, move |pd, result, _| {
            let leader = pd.log().leadership().leader;
            then(result.map_err(|error| super::leader::from_log(error, leader)));
        });
    }
}

impl Handler<GroupStep> for Pd {
    fn handle(&mut self, message: GroupStep, _: ReplyTo<()>, ctx: &mut Context<Pd>) {
        let now = ctx.system().clock().now().as_nanos();
        self.log().receive(message.0, now);
        self.follow_leadership(ctx);
    }
}

impl Handler<ChangeMembers> for Pd {
    fn handle(
        &mut self,
        message: ChangeMembers,
        reply: ReplyTo<PdResult<Vec<MemberView>>>,
        ctx: &mut Context<Pd>,
    ) {
        self.change_members(message.0, ctx, |result| reply.send(result));
    }
}

impl Handler<Lead> for Pd {
    fn handle(&mut self, _: Lead, reply: ReplyTo<Leadership>, _: &mut Context<Pd>) {
        reply.send(self.log().leadership());
    }
}
