//! Who may talk to whom: decided on both sides of a stream by what the other says of itself.

use super::proto::{Amount, Hello};
use super::wire::Class;

/// The version of the protocol in `proto/troupe/bridge`.
pub const PROTOCOL_VERSION: u32 = 1;

/// Why two nodes do not talk. An operator has to mend it, so both sides log it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    /// They belong to different clusters.
    #[error("node {node} belongs to cluster {theirs}, this node to cluster {ours}")]
    Cluster {
        /// The other node.
        node: String,
        /// Its cluster.
        theirs: u64,
        /// Ours.
        ours: u64,
    },
    /// They speak different protocols.
    #[error(
        "node {node} speaks version {theirs} of the bridge's protocol, this node version {ours}"
    )]
    Protocol {
        /// The other node.
        node: String,
        /// Its version.
        theirs: u32,
        /// Ours.
        ours: u32,
    },
    /// Their software does not go together.
    #[error(
        "node {node} runs version {theirs} of the software, this node {ours}: they do not go together"
    )]
    Software {
        /// The other node.
        node: String,
        /// Its version.
        theirs: String,
        /// Ours.
        ours: String,
    },
    /// Another node listens at that address.
    #[error("the node at that address is {found}, not {wanted}")]
    WrongNode {
        /// Who was wanted.
        wanted: String,
        /// Who answered.
        found: String,
    },
    /// A node that has our own name.
    #[error("another node is called {0} too")]
    SameName(String),
    /// A node of this name is there already, and it is not this one.
    #[error(
        "another node that is called {0} has links open here: it may be a copy of it, or what it was before a restart"
    )]
    AnotherLife(String),
    /// A node without a name, or one that cannot stand in a path.
    #[error("'{0}' is not the name of a node")]
    BadName(String),
    /// A class this version does not know.
    #[error("node {0} opened a stream of a class that this node does not know")]
    UnknownClass(String),
    /// The node that was knocked at is about to end.
    #[error("node {0} stops")]
    Stopping(String),
    /// The fault switch is on.
    #[error("the link to node {0} is cut")]
    Cut(String),
}

/// What a node says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    /// The cluster's id; 0: not known yet.
    pub(super) cluster_id: u64,
    /// The node's name.
    pub(super) node: String,
    /// The software's version.
    pub(super) software_version: String,
    /// When it started.
    pub(super) started_unix_ms: u64,
}

impl Identity {
    /// The first words to `peer`.
    pub(super) fn hello(&self, peer: &str, class: Class, limit: Option<Amount>) -> Hello {
        Hello {
            protocol_version: PROTOCOL_VERSION,
            cluster_id: self.cluster_id,
            node: self.node.clone(),
            peer: peer.to_owned(),
            software_version: self.software_version.clone(),
            class: class.to_wire().into(),
            started_unix_ms: self.started_unix_ms,
            limit,
        }
    }

    /// Judges who knocks; answers the class of the stream.
    pub(super) fn accept(&self, hello: &Hello) -> Result<Class, Refusal> {
        self.judge(hello)?;
        if hello.node == self.node {
            return Err(Refusal::SameName(hello.node.clone()));
        }
        if hello.node.is_empty() || hello.node.contains(['/', ':']) {
            return Err(Refusal::BadName(hello.node.clone()));
        }
        if hello.peer != self.node && !is_address(&hello.peer) {
            return Err(Refusal::WrongNode {
                wanted: hello.peer.clone(),
                found: self.node.clone(),
            });
        }
        Class::from_wire(hello.class()).ok_or_else(|| Refusal::UnknownClass(hello.node.clone()))
    }

    /// Judges who opened, when `wanted` was knocked at.
    pub(super) fn welcome(&self, hello: &Hello, wanted: &str) -> Result<(), Refusal> {
        self.judge(hello)?;
        if hello.node != wanted && !is_address(wanted) {
            return Err(Refusal::WrongNode {
                wanted: wanted.to_owned(),
                found: hello.node.clone(),
            });
        }
        Ok(())
    }

    fn judge(&self, hello: &Hello) -> Result<(), Refusal> {
        let node = || hello.node.clone();
        if hello.protocol_version != PROTOCOL_VERSION {
            let theirs = hello.protocol_version;
            return Err(Refusal::Protocol { node: node(), theirs, ours: PROTOCOL_VERSION });
        }
        let (theirs, ours) = (hello.cluster_id, self.cluster_id);
        if theirs != 0 && ours != 0 && theirs != ours {
            return Err(Refusal::Cluster { node: node(), theirs, ours });
        }
        if series(&hello.software_version) != series(&self.software_version) {
            return Err(Refusal::Software {
                node: node(),
                theirs: hello.software_version.clone(),
                ours: self.software_version.clone(),
            });
        }
        Ok(())
    }
}

/// Whether a node is called by where it listens, by one who does not know its name: whoever answers there is the one.
/// Names of nodes have no colon.
fn is_address(name: &str) -> bool {
    name.contains(':')
}

/// The part of a version that must be the same on both sides: the major number, and before 1.0 the minor too.
fn series(version: &str) -> &str {
    let dot = version.find('.').unwrap_or(version.len());
    if &version[..dot] != "0" {
        return &version[..dot];
    }
    let rest = version.get(dot + 1..).unwrap_or_default();
    let minor = rest.find(['.', '-', '+']).unwrap_or(rest.len());
    &version[..(dot + 1 + minor).min(version.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(node: &str) -> Identity {
        Identity {
            cluster_id: 7,
            node: node.into(),
            software_version: "0.1.0".into(),
            started_unix_ms: 1,
        }
    }

    fn refused(change: impl FnOnce(&mut Hello)) -> String {
        let (a, b) = (identity("a"), identity("b"));
        let mut hello = a.hello("b", Class::Raft, None);
        change(&mut hello);
        b.accept(&hello).unwrap_err().to_string()
    }

    #[test]
    fn those_who_fit_are_let_in() {
        let (a, b) = (identity("a"), identity("b"));
        let hello = a.hello("b", Class::Data, None);
        assert_eq!(b.accept(&hello), Ok(Class::Data));
        a.welcome(&b.hello("a", Class::Data, None), "b").unwrap();
        let newcomer = Identity { cluster_id: 0, ..identity("a") };
        b.accept(&newcomer.hello("b", Class::Data, None)).unwrap();
        let patched = Identity { software_version: "0.1.9".into(), ..identity("a") };
        b.accept(&patched.hello("b", Class::Data, None)).unwrap();
    }

    #[test]
    fn a_refusal_says_what_does_not_fit() {
        let text = refused(|hello| hello.cluster_id = 8);
        assert_eq!(text, "node a belongs to cluster 8, this node to cluster 7");
        let text = refused(|hello| hello.protocol_version = 9);
        assert!(text.contains("version 9") && text.contains("version 1"), "{text}");
        let text = refused(|hello| hello.software_version = "0.2.0".into());
        assert!(text.contains("0.2.0") && text.contains("0.1.0"), "{text}");
        assert!(refused(|hello| hello.node = "b".into()).contains("called b too"));
        assert!(refused(|hello| hello.node = "a/b".into()).contains("'a/b'"));
        assert!(refused(|hello| hello.node = String::new()).contains("''"));
        assert!(refused(|hello| hello.peer = "c".into()).contains("is b, not c"));
        assert!(refused(|hello| hello.class = 77).contains("class"));
        let other = identity("c").hello("a", Class::Data, None);
        let text = identity("a").welcome(&other, "b").unwrap_err().to_string();
        assert!(text.contains("is c, not b"), "{text}");
    }

    #[test]
    fn a_node_may_be_called_by_its_address() {
        let (a, b) = (identity("a"), identity("b"));
        let hello = a.hello("127.0.0.1:7", Class::Control, None);
        assert_eq!(b.accept(&hello), Ok(Class::Control));
        a.welcome(&b.hello("a", Class::Control, None), "127.0.0.1:7").unwrap();
        assert!(refused(|hello| hello.node = "a:1".into()).contains("'a:1'"));
    }

    #[test]
    fn versions_go_together_by_series() {
        for (version, expected) in [
            ("0.1.0", "0.1"),
            ("0.12.3-beta", "0.12"),
            ("1.2.3", "1"),
            ("2", "2"),
            ("0", "0"),
            ("", ""),
            ("0.", "0."),
        ] {
            assert_eq!(series(version), expected, "{version}");
        }
    }
}
