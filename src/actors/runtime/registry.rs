//! Where a path lives. One process knows all of it itself; a cluster asks the placement driver or etcd.

use std::collections::BTreeMap;

use parking_lot::RwLock;

use super::path::ActorPath;

/// Knows on which node the actors below a path live. Answers from what it knows: a registry over a network keeps a
/// cache and refreshes it aside, because a send cannot wait for it.
pub trait Registry: Send + Sync + 'static {
    /// The node that holds `path`: that of the longest announced prefix.
    fn resolve(&self, path: &ActorPath) -> Option<String>;
    /// From now on `prefix` lives on `node`.
    fn announce(&self, prefix: ActorPath, node: String);
    /// `prefix` lives nowhere any more.
    fn withdraw(&self, prefix: &ActorPath);
}

/// The registry of a single process.
#[derive(Debug, Default)]
pub struct LocalRegistry {
    prefixes: RwLock<BTreeMap<ActorPath, String>>,
}

impl Registry for LocalRegistry {
    fn resolve(&self, path: &ActorPath) -> Option<String> {
        let prefixes = self.prefixes.read();
        std::iter::successors(Some(path.clone()), ActorPath::parent)
            .find_map(|prefix| prefixes.get(&prefix).cloned())
    }

    fn announce(&self, prefix: ActorPath, node: String) {
        self.prefixes.write().insert(prefix, node);
    }

    fn withdraw(&self, prefix: &ActorPath) {
        self.prefixes.write().remove(prefix);
    }
}
