//! A member of PD's group: it hears the others, and begins and ceases to lead.

use std::collections::BTreeMap;
use std::sync::Arc;

use rand::RngExt as _;
use serde_json::{Value, json};
use tracing::{info, warn};

use super::client::{PdError, PdResult};
use super::leader::{Pd, from_log};
use super::messages::{ChangeMembers, GroupStep, Lead};
use crate::actors::runtime::{Context, Handler, ReplyTo};
use crate::common::Term;
use crate::placement::{Board, Command, Leadership, MemberChange, MemberView, NodeMeta};

/// How a member stands, for those who must not wait for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// It leads, in this term.
    pub leads: Option<Term>,
    /// The address of the leader, if another is known to lead.
    pub leader: Option<String>,
    /// The cluster's id; 0: it has none yet.
    pub cluster_id: u64,
    /// Which member it is; `None`: a placement driver of one that keeps no list.
    pub member_id: Option<u64>,
    /// All members.
    pub members: Vec<MemberView>,
    /// Why its group cannot begin, if its first members were given different lists.
    pub dispute: Option<String>,
    /// The nodes as they are recorded.
    pub nodes: BTreeMap<String, NodeMeta>,
}

impl Pd {
    /// Shows how this member stands.
    pub(super) fn publish(&mut self) {
        let log = self.log();
        let Leadership { leads, leader, .. } = log.leadership();
        let standing = Standing {
            leads,
            leader,
            cluster_id: log.state().cluster_id(),
            member_id: log.member_id(),
            members: log.members(),
            dispute: log.dispute(),
            nodes: log.state().nodes().clone(),
        };
        if **self.standing.load() != standing {
            self.standing.store(Arc::new(standing));
        }
    }

    /// Begins or ceases to lead as the group has decided.
    pub(super) fn follow_leadership(&mut self, ctx: &mut Context<Pd>) {
        let leadership = self.log().leadership();
        self.oracle.lease(leadership.lease_until);
        if leadership.leads != self.leads {
            self.leads = leadership.leads;
            self.ids = 0..0;
            self.oracle.close();
            if let Some(term) = leadership.leads {
                info!(%term, "leads the placement driver");
                self.begin_to_lead(ctx);
            } else {
                info!("leads the placement driver no more");
                // Nobody reports here any more: what is known would only mislead the schedulers.
                *self.board.write() = Board::default();
            }
        }
        self.publish();
    }

    /// Everything durable is applied here; everything else is heard anew.
    fn begin_to_lead(&mut self, ctx: &mut Context<Pd>) {
        let now_ms = ctx.system().clock().steady_unix_ms();
        let goals = self.goals;
        let state = self.log().state();
        let (bound_ms, unnamed) = (state.tso_bound_ms(), state.cluster_id() == 0);
        let board = Board::new(state, goals, now_ms);
        *self.board.write() = board;
        self.oracle.open(bound_ms);
        self.extend_timestamps(None, ctx);
        if unnamed {
            let cluster_id = ctx.system().rng().stream("cluster").random_range(1..=u64::MAX >> 1);
            self.commit(Command::NameCluster { cluster_id }, ctx, |_, result, _| {
                if let Err(error) = result {
                    warn!(%error, "failed to name the cluster");
                }
            });
        }
    }

    /// Why this member answers no questions now, if it does not lead.
    pub(super) fn refusal(&mut self) -> Option<PdError> {
        let leadership = self.log().leadership();
        match leadership.leads {
            Some(_) => None,
            None => Some(PdError::NotLeader { leader: leadership.leader }),
        }
    }

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
        let absent = self.log().absent();
        let shown = |member: &MemberView| {
            let mut shown = json!(member);
            shown["health"] = (!absent.contains(&member.member_id)).into();
            shown
        };
        let members: Vec<Value> = members.iter().map(shown).collect();
        let leader = members.iter().find(|member| member["member_id"].as_u64() == leader_id);
        json!({
            "header": { "cluster_id": self.log().state().cluster_id() },
            "members": members,
            "leader": leader,
            "etcd_leader": leader,
        })
    }

    /// The nodes as they have announced themselves, by name. A single process announces itself to nobody.
    pub(super) fn nodes(&mut self) -> Value {
        json!({ "nodes": self.log().state().nodes().values().collect::<Vec<_>>() })
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

    /// Hands the lead on.
    pub(super) fn hand_over(&mut self, to: Option<&str>, ctx: &mut Context<Pd>) -> PdResult<Value> {
        let handed = self.log().hand_over(to);
        self.follow_leadership(ctx);
        let leader = self.log().leadership().leader;
        let name = handed.map_err(|error| from_log(error, leader))?;
        Ok(format!("The leader is to be {name}.").into())
    }

    pub(super) fn change_members(
        &mut self,
        change: MemberChange,
        ctx: &mut Context<Pd>,
        then: impl FnOnce(PdResult<Vec<MemberView>>) + 'static,
    ) {
        let changed = self.log().change_members(change);
        ctx.spawn_then(changed, move |pd, result, _| {
            let leader = pd.log().leadership().leader;
            pd.publish();
            then(result.map_err(|error| from_log(error, leader)));
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
