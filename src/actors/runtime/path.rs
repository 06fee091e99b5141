//! Where an actor stands: `/node-1/store-1/region-7`. The tree of paths is the tree of supervisors.

use std::{borrow::Borrow, fmt, sync::Arc};

use serde::{Deserialize, Serialize};

/// The path of an actor. Cheap to clone; ordered as text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ActorPath(Arc<str>);

impl ActorPath {
    /// The path of a node itself: `/node-1`.
    pub fn node_root(node: &str) -> ActorPath {
        ActorPath(format!("/{}", node.trim_matches('/')).into())
    }

    /// A path from its text. A missing slash in front is added, one at the end is dropped.
    pub fn new(text: &str) -> ActorPath {
        ActorPath::node_root(text)
    }

    /// The path of a child called `name`.
    pub fn child(&self, name: &str) -> ActorPath {
        ActorPath(format!("{}/{}", self.0, name).into())
    }

    /// The path of a child called `name`, or if that is taken `name~2`, `name~3` and so on.
    pub(super) fn free_child(&self, name: &str, taken: impl Fn(&ActorPath) -> bool) -> ActorPath {
        let path = self.child(name);
        if !taken(&path) {
            return path;
        }
        tracing::warn!(%path, "the name of a new actor is taken");
        (2u64..)
            .map(|number| self.child(&format!("{name}~{number}")))
            .find(|path| !taken(path))
            .expect("there are more numbers than children")
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The node the path begins with: `node-1`.
    pub fn node(&self) -> &str {
        self.0.trim_start_matches('/').split('/').next().unwrap_or_default()
    }

    /// The last part: `region-7`.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// The path above, if there is one.
    pub fn parent(&self) -> Option<ActorPath> {
        match self.0.rfind('/') {
            Some(at) if at > 0 => Some(ActorPath(self.0[..at].into())),
            _ => None,
        }
    }

    /// Whether this is `prefix` itself or stands below it (part by part: `/a/bc` is not below `/a/b`).
    pub fn is_within(&self, prefix: &ActorPath) -> bool {
        match self.0.strip_prefix(&*prefix.0) {
            Some(rest) => rest.is_empty() || rest.starts_with('/') || prefix.0.ends_with('/'),
            None => false,
        }
    }
}

impl fmt::Display for ActorPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ActorPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for ActorPath {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for ActorPath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl From<&str> for ActorPath {
    fn from(text: &str) -> ActorPath {
        ActorPath::new(text)
    }
}
