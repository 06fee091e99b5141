//! The actors of all nodes with their mailboxes, for `information_schema.ACTORS` and `MAILBOXES`.

use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;

use crate::actors::bridge::{Bridge, ListActors};
use crate::actors::runtime::{ActorPath, System, compute};
use crate::sql::system::ActorFacts;

/// So long another node's answer is waited for.
const DEADLINE: Duration = Duration::from_secs(2);
/// Of a node no more than so many are shown.
const MOST: u32 = 100_000;

/// Who knows the actors of all nodes: each node's runtime, asked through the observer of its bridge.
pub struct ClusterActors {
    system: System,
    bridge: Bridge,
}

/// Actors, and the nodes of which there are none or not all, with the reason.
pub(super) struct FoundActors {
    pub(super) actors: Vec<ActorFacts>,
    pub(super) troubles: Vec<String>,
}

impl ClusterActors {
    /// Of the node of this system, and of those that its bridge reaches.
    pub fn new(system: &System, bridge: &Bridge) -> ClusterActors {
        ClusterActors { system: system.clone(), bridge: bridge.clone() }
    }

    /// All of them, by node and path.
    pub(super) async fn list(&self) -> FoundActors {
        compute::enter().await;
        let me = self.system.node();
        let mut nodes: Vec<String> =
            self.system.registry().nodes().into_iter().map(|(node, _)| node).collect();
        // What is called by its address is a node before it has said its name.
        nodes.retain(|node| node != me && !node.contains(':'));
        let asked = nodes.into_iter().map(|node| async move {
            let observer = ActorPath::node_root(&node).child("bridge").child("observer");
            let list = ListActors { under: None, limit: MOST };
            let listed = self.bridge.address::<ListActors>(observer).ask(list, DEADLINE).await;
            (node, listed)
        });
        let own = serde_json::to_vec(&self.system.actors()).unwrap_or_default();
        let mut all = vec![(me.to_owned(), Ok(Bytes::from(own)))];
        all.extend(join_all(asked).await);
        all.sort_by(|(one, _), (other, _)| one.cmp(other));
        let (mut actors, mut troubles) = (Vec::new(), Vec::new());
        for (node, listed) in all {
            let Ok(json) = listed else {
                troubles.push(format!("node {node} does not answer: its actors are not shown"));
                continue;
            };
            match serde_json::from_slice::<Vec<ActorFacts>>(&json) {
                Ok(found) => {
                    if found.len() >= MOST as usize {
                        troubles.push(format!("node {node} has more than {MOST} actors"));
                    }
                    actors.extend(found.into_iter().map(|facts| facts.on(&node)));
                }
                Err(error) => troubles.push(format!("node {node} answers otherwise: {error}")),
            }
        }
        FoundActors { actors, troubles }
    }
}
