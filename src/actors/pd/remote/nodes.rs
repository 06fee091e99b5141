//! The nodes that are there: who announced itself, until when that is to be believed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::wire::{Announce, Members, Node};

/// The nodes of a cluster.
pub(super) struct NodeTable {
    cluster_id: u64,
    generation: u64,
    nodes: BTreeMap<String, Entry>,
    /// When the first announcement came.
    since: Option<Duration>,
    /// Those that have said goodbye, until they come back.
    gone: BTreeSet<String>,
}

struct Entry {
    node: Node,
    /// On the placement driver's clock.
    until: Duration,
}

/// What an announcement has brought.
pub(super) enum Heard {
    /// Nothing new.
    Nothing,
    /// This node was not known.
    Joined(Node),
    /// This one says it goes.
    Left(String),
}

impl NodeTable {
    pub(super) fn new(cluster_id: u64) -> NodeTable {
        NodeTable {
            cluster_id,
            generation: 1,
            nodes: BTreeMap::new(),
            since: None,
            gone: BTreeSet::new(),
        }
    }

    pub(super) fn names(&self) -> Vec<&String> {
        self.nodes.keys().collect()
    }

    /// Takes an announcement in, unless the node does not belong here; answers who is there.
    pub(super) fn announce(&mut self, announce: Announce, now: Duration) -> (Heard, Members) {
        self.forget(now);
        let heard_for = now.saturating_sub(*self.since.get_or_insert(now));
        let Some(node) = announce.node else {
            return (Heard::Nothing, self.members("", heard_for));
        };
        if let Some(refused) = self.refusal(&node, announce.cluster_id) {
            return (Heard::Nothing, self.members(&refused, heard_for));
        }
        if announce.ttl_ms == 0 {
            self.gone.insert(node.name.clone());
            let heard = match self.nodes.remove(&node.name) {
                Some(_) => Heard::Left(node.name),
                None => Heard::Nothing,
            };
            self.generation += 1;
            return (heard, self.members("", heard_for));
        }
        self.gone.remove(&node.name);
        let until = now + Duration::from_millis(announce.ttl_ms);
        let entry = Entry { node: node.clone(), until };
        let heard = match self.nodes.insert(node.name.clone(), entry) {
            Some(before) if before.node == node => Heard::Nothing,
            Some(before) if before.node.started_unix_ms == node.started_unix_ms => {
                self.generation += 1;
                Heard::Nothing
            }
            _ => {
                self.generation += 1;
                Heard::Joined(node)
            }
        };
        (heard, self.members("", heard_for))
    }

    fn forget(&mut self, now: Duration) {
        let before = self.nodes.len();
        self.nodes.retain(|_, entry| entry.until > now);
        if self.nodes.len() != before {
            self.generation += 1;
        }
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

    fn members(&self, refused: &str, heard_for: Duration) -> Members {
        Members {
            cluster_id: self.cluster_id,
            generation: self.generation,
            nodes: self.nodes.values().map(|entry| entry.node.clone()).collect(),
            refused: refused.to_owned(),
            heard_for_ms: u64::try_from(heard_for.as_millis()).unwrap_or(u64::MAX),
            gone: self.gone.iter().cloned().collect(),
        }
    }
}
