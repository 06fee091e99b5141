//! Where a path lives. One process knows all of it itself; a cluster asks the placement driver or etcd.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;

use super::path::ActorPath;

/// Knows on which node the actors below a path live, and where that node listens. Answers from what it knows: a
/// registry over a network keeps a cache and refreshes it aside, because a send cannot wait for it.
pub trait Registry: Send + Sync + 'static {
    /// The node that holds `path`: that of the longest announced prefix.
    fn resolve(&self, path: &ActorPath) -> Option<String>;
    /// From now on `prefix` lives on `node`.
    fn announce(&self, prefix: ActorPath, node: String);
    /// `prefix` lives nowhere any more.
    fn withdraw(&self, prefix: &ActorPath);
    /// Where other nodes reach `node`: `host:port`.
    fn node_address(&self, node: &str) -> Option<String>;
    /// All nodes it knows, by name, each with where it is reached.
    fn nodes(&self) -> Vec<(String, String)>;
    /// From now on `node` listens at `address`, and its path (`/node`) lives there.
    fn announce_node(&self, node: &str, address: String);
    /// `node` is gone, with all paths that live there.
    fn withdraw_node(&self, node: &str);
    /// A number that changes whenever an answer may: what was resolved at another number is to be asked again.
    fn generation(&self) -> u64;
}

/// The registry of a single process, and of nodes that are told of each other.
#[derive(Debug, Default)]
pub struct LocalRegistry {
    known: RwLock<Known>,
    generation: AtomicU64,
}

#[derive(Debug, Default)]
struct Known {
    prefixes: BTreeMap<ActorPath, String>,
    nodes: BTreeMap<String, String>,
}

impl LocalRegistry {
    fn change(&self, change: impl FnOnce(&mut Known)) {
        change(&mut self.known.write());
        self.generation.fetch_add(1, Ordering::Release);
    }
}

impl Registry for LocalRegistry {
    fn resolve(&self, path: &ActorPath) -> Option<String> {
        let known = self.known.read();
        std::iter::successors(Some(path.clone()), ActorPath::parent)
            .find_map(|prefix| known.prefixes.get(&prefix).cloned())
    }

    fn announce(&self, prefix: ActorPath, node: String) {
        self.change(|known| drop(known.prefixes.insert(prefix, node)));
    }

    fn withdraw(&self, prefix: &ActorPath) {
        self.change(|known| drop(known.prefixes.remove(prefix)));
    }

    fn node_address(&self, node: &str) -> Option<String> {
        self.known.read().nodes.get(node).cloned()
    }

    fn nodes(&self) -> Vec<(String, String)> {
        let known = self.known.read();
        known.nodes.iter().map(|(node, address)| (node.clone(), address.clone())).collect()
    }

    fn announce_node(&self, node: &str, address: String) {
        self.change(|known| {
            known.prefixes.insert(ActorPath::node_root(node), node.to_owned());
            known.nodes.insert(node.to_owned(), address);
        });
    }

    fn withdraw_node(&self, node: &str) {
        self.change(|known| {
            known.nodes.remove(node);
            known.prefixes.retain(|_, holder| holder != node);
        });
    }

    fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }
}
