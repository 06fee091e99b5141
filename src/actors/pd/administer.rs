//! What operators of the cluster ask and order.

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::client::{PdError, PdResult};
use super::leader::Pd;
use super::messages::Administer;
use crate::actors::runtime::{Context, Handler, ReplyTo};
use crate::placement::{self, AdminRequest, Command, MemberChange};

impl Handler<Administer> for Pd {
    fn handle(
        &mut self,
        Administer(request): Administer,
        reply: ReplyTo<PdResult<Value>>,
        ctx: &mut Context<Pd>,
    ) {
        if let Some(refusal) = self.refusal() {
            return reply.send(Err(refusal));
        }
        if let Some(answer) = placement::answer(&request, &self.board.read()) {
            return reply.send(Ok(answer));
        }
        let refused = |reason: String| Err(PdError::Refused(reason));
        match &request {
            AdminRequest::Members => reply.send(Ok(self.members(ctx))),
            AdminRequest::Nodes => reply.send(Ok(self.nodes())),
            AdminRequest::RemoveMember { name } => self.remove_member(name, reply, ctx),
            AdminRequest::AddMember(member) => {
                self.change_members(MemberChange::Add(member.clone()), ctx, |result| {
                    reply.send(result.map(|members| json!(members)));
                });
            }
            AdminRequest::DescribeMember(member) => {
                self.change_members(MemberChange::Describe(member.clone()), ctx, |result| {
                    reply.send(result.map(|members| json!(members)));
                });
            }
            AdminRequest::TransferLeader { to } => {
                reply.send(self.hand_over(to.as_deref(), ctx));
            }
            AdminRequest::AddOperator(asked) => {
                let plan = placement::operator_plan(asked, &self.board.read());
                match plan {
                    Ok(plan) => self.place(plan, ctx, |_, result| {
                        reply.send(result.map(|()| "The operator is created.".into()));
                    }),
                    Err(reason) => reply.send(refused(reason)),
                }
            }
            AdminRequest::CancelOperator { region } => {
                let now_ms = ctx.system().clock().steady_unix_ms();
                let cancelled = self.board.write().operators.cancel(*region, now_ms);
                reply.send(if cancelled {
                    Ok("The pending operator is canceled.".into())
                } else {
                    refused(format!("region {region} has no operator"))
                });
            }
            _ => {
                let commands = placement::commands(&request, &self.board.read());
                match commands {
                    Ok((commands, done)) => self.commit_all(commands.into(), done, reply, ctx),
                    Err(reason) => reply.send(refused(reason)),
                }
            }
        }
    }
}

impl Pd {
    /// Commits one command after the other; the first that fails is answered.
    fn commit_all(
        &mut self,
        mut commands: VecDeque<Command>,
        done: &'static str,
        reply: ReplyTo<PdResult<Value>>,
        ctx: &mut Context<Pd>,
    ) {
        let Some(command) = commands.pop_front() else { return reply.send(Ok(done.into())) };
        self.commit(command, ctx, move |pd, result, ctx| match result {
            Ok(_) => pd.commit_all(commands, done, reply, ctx),
            Err(error) => reply.send(Err(error)),
        });
    }
}
