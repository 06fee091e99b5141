//! All nodes, as etcd has them, and what changes. Pure.

use std::collections::BTreeMap;

use super::record::Record;

/// The nodes by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Directory {
    pub(super) nodes: BTreeMap<String, Record>,
}

/// What the runtime's registry is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// A node is there, or somewhere else than before.
    Node { name: String, address: String },
    /// A service is found on a node.
    Service { path: String, node: String },
    /// A service is not found on that node any more.
    ServiceGone { path: String, node: String },
    /// A node is gone.
    Gone(String),
}

impl Directory {
    pub(super) fn new(records: impl IntoIterator<Item = Record>) -> Directory {
        let by_name = |record: Record| (record.name.clone(), record);
        Directory { nodes: records.into_iter().map(by_name).collect() }
    }

    /// From what was known to this, without the node `me`, which knows of itself. What goes comes first: a service
    /// that moves is then announced last where it is now.
    pub(super) fn changes_since(&self, before: &Directory, me: &str) -> Vec<Change> {
        let mut changes = Vec::new();
        for (name, was) in before.nodes.iter().filter(|(name, _)| *name != me) {
            let Some(is) = self.nodes.get(name) else {
                changes.push(Change::Gone(name.clone()));
                continue;
            };
            for path in was.services.iter().filter(|path| !is.services.contains(path)) {
                changes.push(Change::ServiceGone { path: path.clone(), node: name.clone() });
            }
        }
        for (name, is) in self.nodes.iter().filter(|(name, _)| *name != me) {
            let was = before.nodes.get(name);
            if was.is_none_or(|was| was.address != is.address) {
                changes.push(Change::Node { name: name.clone(), address: is.address.clone() });
            }
            let is_new = |path: &&String| was.is_none_or(|was| !was.services.contains(path));
            for path in is.services.iter().filter(is_new) {
                changes.push(Change::Service { path: path.clone(), node: name.clone() });
            }
        }
        changes
    }
}
