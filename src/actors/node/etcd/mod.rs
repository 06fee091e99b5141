//! The registry in etcd: who is there, and where, for clusters that have an etcd anyway.
//!
//! With `[registry] type = "etcd"` every node has a key, `<prefix>/<cluster id>/nodes/<name>`, with what is to be known of it as
//! JSON: address, roles, version, health, the services to be found on it. The key goes with a lease, which the node
//! keeps alive; so it vanishes when the node does, or when it cannot be reached, after `registry.lease` at the latest (etcd
//! itself grants no lease below about two seconds). Every node watches all keys, and the runtime's registry follows.
//!
//! # What stays with the placement driver
//!
//! Who may be a member (its cluster's id, its version, its name, its store) is judged by the placement driver, to whom
//! every node still announces itself; and a schema change goes by its list, because that list and the lease by which a node
//! itself knows that it is in it are one. etcd says where a node is: what is lost when it does not answer is news, not safety.
//!
//! # Guarantees
//!
//! - A node can start while no etcd is there: it goes by the placement driver's list until etcd answers for the first time.
//! - While etcd does not answer, the node goes on with what it knew last, tries all endpoints in turn, and is `degraded`.
//! - A lease that has ended meanwhile is replaced, and the key written anew.
//! - A node that stops takes its key with it.
//!
//! `record` is what a key says, `directory` what changes from one look to the next; both are pure. `client` is as much of
//! etcd's API as it takes, over `proto/etcd/rpc.proto`. `actor` keeps the lease and watches.
//!
//! # Who may
//!
//! With `registry.ca` etcd is spoken to with TLS, and shows a certificate of that authority; `cert` and `key` are what it is shown.
//! With `registry.user` the node logs in with the password in `password-file`, anew for every connection: a token that has ended
//! breaks the connection, and the next one has another. The user needs to read and write what begins with the prefix.

mod access;
mod actor;
mod client;
mod directory;
mod proto;
mod record;

#[cfg(test)]
mod tests;

pub(super) use actor::EtcdRegistry;
