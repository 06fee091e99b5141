//! The fault switch: which nodes this one pretends not to reach.

use std::collections::BTreeSet;

use parking_lot::Mutex;
use tokio::sync::watch;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Cuts {
    nodes: Mutex<BTreeSet<String>>,
    changed: watch::Sender<()>,
}

impl Cuts {
    pub(super) fn cut(&self, node: &str) {
        self.nodes.lock().insert(node.to_owned());
        self.changed.send_replace(());
    }

    pub(super) fn heal(&self, node: &str) {
        self.nodes.lock().remove(node);
        self.changed.send_replace(());
    }

    pub(super) fn is_cut(&self, node: &str) -> bool {
        self.nodes.lock().contains(node)
    }

    pub(super) fn list(&self) -> Vec<String> {
        self.nodes.lock().iter().cloned().collect()
    }

    /// Until something is switched.
    pub(super) fn watch(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }
}

/// Resolves once `node` is cut. At once if it is.
pub(super) async fn until_cut(cuts: std::sync::Arc<Cuts>, node: String) {
    let mut changes = cuts.watch();
    while !cuts.is_cut(&node) {
        if changes.changed().await.is_err() {
            // The switch is gone with its node, and will not be used.
            std::future::pending::<()>().await;
        }
    }
}
