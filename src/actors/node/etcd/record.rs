//! What the key of a node says. Pure.

use serde::{Deserialize, Serialize};

use crate::storage::proto::pd_call::Node;

/// A node, as its key in etcd has it. Fields of later versions are passed over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Record {
    pub(super) name: String,
    /// Where its bridge is reached.
    pub(super) address: String,
    pub(super) roles: Vec<String>,
    pub(super) version: String,
    /// As its health board has it.
    pub(super) health: String,
    /// The services to be found there, as paths.
    pub(super) services: Vec<String>,
    /// Tells one life of a node from the next.
    pub(super) started_unix_ms: u64,
}

impl From<Node> for Record {
    fn from(node: Node) -> Record {
        Record {
            name: node.name,
            address: node.address,
            roles: node.roles,
            version: node.version,
            health: node.health,
            services: node.services,
            started_unix_ms: node.started_unix_ms,
        }
    }
}

impl Record {
    pub(super) fn to_value(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a record has only text and numbers in it")
    }

    /// Reads a value; the key must be that of the node it names.
    pub(super) fn read(keys: &Keys, key: &[u8], value: &[u8]) -> Result<Record, String> {
        let record: Record = serde_json::from_slice(value).map_err(|error| error.to_string())?;
        if keys.name(key) != Some(&record.name) {
            return Err(format!("it names node '{}'", record.name));
        }
        if record.address.is_empty() {
            return Err("it has no address".to_owned());
        }
        Ok(record)
    }
}

/// The keys of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Keys {
    /// With the slash at the end.
    first: String,
}

impl Keys {
    pub(super) fn new(prefix: &str, cluster_id: u64) -> Keys {
        Keys { first: format!("{prefix}/{cluster_id}/nodes/") }
    }

    /// All of them begin with this.
    pub(super) fn first(&self) -> &str {
        &self.first
    }

    /// The end of the range: the first key that begins otherwise.
    pub(super) fn end(&self) -> Vec<u8> {
        let mut end = self.first.clone().into_bytes();
        if let Some(last) = end.last_mut() {
            *last += 1; // The byte after the slash.
        }
        end
    }

    pub(super) fn of(&self, node: &str) -> String {
        format!("{}{node}", self.first)
    }

    /// The node a key is about.
    pub(super) fn name<'a>(&self, key: &'a [u8]) -> Option<&'a str> {
        std::str::from_utf8(key).ok()?.strip_prefix(&self.first)
    }
}
