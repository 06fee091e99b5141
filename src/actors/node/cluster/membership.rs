//! The actor that keeps the node's lease.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tracing::{info, warn};

use super::{Cluster, Way};
use crate::actors::pd::{PdMembers, PdResult};
use crate::actors::runtime::{
    Actor, ActorPath, Context, Handler, MailboxOptions, Overflow, ReplyTo,
};
use crate::storage::proto::pd_call::Members;

/// How often the node says that it is there.
const BEAT: Duration = Duration::from_secs(1);
/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_millis(500);

/// Where the membership of a node is told what cannot wait for its next announcement.
pub(in crate::actors::node) fn membership_path(node: &str) -> ActorPath {
    ActorPath::node_root(node).child("membership")
}

/// Announces the node as long as it runs.
pub(in crate::actors::node) struct Membership {
    cluster: Arc<Cluster>,
    beating: bool,
    trouble: Option<String>,
}

impl Membership {
    pub(in crate::actors::node) fn new(cluster: Arc<Cluster>) -> Membership {
        Membership { cluster, beating: false, trouble: None }
    }

    fn beat(&mut self, ctx: &mut Context<Self>) {
        if std::mem::replace(&mut self.beating, true) {
            return;
        }
        let cluster = self.cluster.clone();
        ctx.spawn_then(async move { cluster.announce(false, PATIENCE).await }, Self::heard);
    }

    fn heard(&mut self, heard: PdResult<Members>, _ctx: &mut Context<Self>) {
        self.beating = false;
        let trouble = match heard {
            Ok(members) if members.refused.is_empty() => None,
            Ok(members) => Some(members.refused),
            Err(error) => Some(error.to_string()),
        };
        match (&self.trouble, &trouble) {
            (None, Some(trouble)) => warn!(%trouble, "the node cannot announce itself"),
            (Some(_), None) => info!("the node is announced again"),
            _ => {}
        }
        self.trouble = trouble;
    }
}

impl Actor for Membership {
    const KIND: &'static str = "membership";

    fn mailbox() -> MailboxOptions {
        // Placement drivers seldom get new members.
        MailboxOptions { capacity: 16, overflow: Overflow::Reject }
    }

    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.run_interval(BEAT, Self::beat);
    }

    fn stopping(&mut self, ctx: &mut Context<Self>) {
        let cluster = self.cluster.clone();
        ctx.wait(async move {
            // Whoever cannot be told finds out when the lease ends.
            let _ = cluster.announce(true, GOODBYE).await;
        });
    }

    fn observe(&self) -> Value {
        let members = self.cluster.members.load();
        let node = |node: &crate::storage::proto::pd_call::Node| {
            json!({
                "name": node.name,
                "address": node.address,
                "roles": node.roles,
                "version": node.version,
                "services": node.services,
                "health": node.health,
            })
        };
        json!({
            "cluster_id": members.cluster_id,
            "nodes": members.nodes.iter().map(node).collect::<Vec<_>>(),
            "trouble": self.trouble,
        })
    }
}

/// The placement driver has a new member. Who hears of it now does not lose its way when those it knew are gone before its
/// next announcement.
impl Handler<PdMembers> for Membership {
    fn handle(&mut self, members: PdMembers, reply: ReplyTo<()>, _: &mut Context<Self>) {
        if let Way::Away(pd) = &self.cluster.way {
            pd.learn(&members.0);
        }
        reply.send(());
    }
}
