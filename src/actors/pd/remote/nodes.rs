//! The nodes that are there: who announced itself, until when that is to be believed.
//!
//! The table is of one term of leadership. It begins with the nodes that the placement driver has recorded, each with a
//! full lease, so that a new leader takes nobody for gone that it could not have heard of.

use std::collections::BTreeMap;
use std::time::Duration;

use super::convert::{node_meta, node_to_proto};
use super::wire::{Announce, Members, Node};
use crate::placement::NodeMeta;

/// The nodes of a cluster.
pub(super) struct NodeTable {
    cluster_id: u64,
    generation: u64,
    nodes: BTreeMap<String, Entry>,
}

struct Entry {
    node: Node,
    /// On the placement driver's clock.
    until: Duration,
    /// As the placement driver has recorded it, if it has.
    recorded: Option<NodeMeta>,
}

/// What an announcement has brought.
#[derive(Debug, PartialEq)]
pub(super) enum Heard {
    /// Nothing that must be recorded.
    Nothing,
    /// Something that must be recorded before it is answered; `true`: of a node that was not known.
    Changed(NodeMeta, bool),
    /// This one says it goes.
    Left(NodeMeta),
}

impl NodeTable {
    /// The table of a leader that begins at `now`. What is recorded of an earlier life of its own node, called `own` or at
    /// the address `at`, is not true any more.
    pub(super) fn new(
        cluster_id: u64,
        recorded: &BTreeMap<String, NodeMeta>,
        (own, at): (&str, &str),
        now: Duration,
    ) -> NodeTable {
        let others = recorded.values().filter(|node| node.name != own && node.address != at);
        let entry = |node: &NodeMeta| Entry {
            node: node_to_proto(node.clone()),
            until: now + Duration::from_millis(node.lease_ms),
            recorded: Some(node.clone()),
        };
        let nodes = others.map(|node| (node.name.clone(), entry(node))).collect();
        NodeTable { cluster_id, generation: 1, nodes }
    }

    pub(super) fn names(&self) -> Vec<&String> {
        self.nodes.keys().collect()
    }

    /// Takes an announcement in, unless the node does not belong here; or says why not.
    pub(super) fn announce(&mut self, announce: Announce, now: Duration) -> Result<Heard, String> {
        let Some(node) = announce.node else { return Ok(Heard::Nothing) };
        if let Some(refused) = self.refusal(&node, announce.cluster_id) {
            return Err(refused);
        }
        if announce.ttl_ms == 0 {
            self.generation += 1;
            let gone = self.nodes.remove(&node.name);
            return Ok(match gone {
                Some(_) => Heard::Left(node_meta(&node, 0)),
                None => Heard::Nothing,
            });
        }
        let meta = node_meta(&node, announce.ttl_ms);
        let until = now + Duration::from_millis(announce.ttl_ms);
        let before = self.nodes.get(&node.name);
        let is_new = before.is_none_or(|b| b.node.started_unix_ms != node.started_unix_ms);
        let recorded = before.and_then(|before| before.recorded.clone());
        if before.is_none_or(|before| before.node != node) {
            self.generation += 1;
        }
        let heard = match recorded.as_ref() == Some(&meta) {
            true => Heard::Nothing,
            false => Heard::Changed(meta, is_new),
        };
        self.nodes.insert(node.name.clone(), Entry { node, until, recorded });
        Ok(heard)
    }

    /// What was heard of a node is recorded.
    pub(super) fn recorded(&mut self, meta: NodeMeta) {
        if let Some(entry) = self.nodes.get_mut(&meta.name) {
            entry.recorded = Some(meta);
        }
    }

    /// Takes those off the table whose lease has ended.
    pub(super) fn forget(&mut self, now: Duration) -> Vec<NodeMeta> {
        let over: Vec<String> = self
            .nodes
            .iter()
            .filter(|(_, entry)| entry.until <= now)
            .map(|(name, _)| name.clone())
            .collect();
        if !over.is_empty() {
            self.generation += 1;
        }
        let gone = over.iter().filter_map(|name| self.nodes.remove(name));
        gone.map(|entry| node_meta(&entry.node, 0)).collect()
    }

    /// Why a node is not taken in.
    fn refusal(&self, node: &Node, cluster_id: u64) -> Option<String> {
        if cluster_id != 0 && cluster_id != self.cluster_id {
            return Some(format!(
                "node {} belongs to cluster {cluster_id}, not to cluster {}",
                node.name, self.cluster_id
            ));
        }
        let same = self.nodes.get(&node.name).map(|entry| &entry.node);
        if let Some(other) = same.filter(|other| other.address != node.address) {
            return Some(format!(
                "another node is called {} too, at {}",
                other.name, other.address
            ));
        }
        // A store is in one place: two with one id have the same data directory, or a copy of it.
        for other in self.nodes.values().map(|entry| &entry.node) {
            let twice = |service: &&String| {
                service.starts_with("/store/") && other.services.contains(*service)
            };
            if let Some(service) = node.services.iter().find(twice)
                && other.name != node.name
            {
                return Some(format!(
                    "store {} runs on node {} at {} already: this data directory is that store's, or a copy of it",
                    service.trim_start_matches("/store/"),
                    other.name,
                    other.address
                ));
            }
        }
        None
    }

    /// Who is there.
    pub(super) fn members(&self, refused: String) -> Members {
        Members {
            cluster_id: self.cluster_id,
            generation: self.generation,
            nodes: self.nodes.values().map(|entry| entry.node.clone()).collect(),
            refused,
            ..Members::default()
        }
    }
}
