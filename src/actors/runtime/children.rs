//! Who stands right below an actor, or below the node.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{core::Hosted, path::ActorPath};

/// The living children, by id: the oldest first. A store has a hundred thousand of them, so nothing here is a scan.
#[derive(Default)]
pub(super) struct Children {
    living: BTreeMap<u64, Arc<dyn Hosted>>,
    paths: BTreeSet<ActorPath>,
}

impl Children {
    pub(super) fn has(&self, path: &ActorPath) -> bool {
        self.paths.contains(path)
    }

    pub(super) fn add(&mut self, child: Arc<dyn Hosted>) {
        self.paths.insert(child.path().clone());
        self.living.insert(child.id(), child);
    }

    pub(super) fn remove(&mut self, id: u64) {
        if let Some(child) = self.living.remove(&id) {
            self.paths.remove(child.path());
        }
    }

    /// Takes all of them out, the oldest first.
    pub(super) fn take(&mut self) -> Vec<Arc<dyn Hosted>> {
        self.paths.clear();
        std::mem::take(&mut self.living).into_values().collect()
    }

    /// Where they stand, the oldest first.
    pub(super) fn paths(&self) -> Vec<ActorPath> {
        self.living.values().map(|child| child.path().clone()).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.living.len()
    }

    /// Tells all of them to stop, the youngest first.
    pub(super) fn request_stop(&self) {
        for child in self.living.values().rev() {
            child.request_stop();
        }
    }
}
