//! Raft as this store uses it: the logs on disk.

pub mod log_store;
