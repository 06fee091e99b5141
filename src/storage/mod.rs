//! Storage without actors: the engine, the codecs, MVCC, Percolator's commands, the raft log and regions.

pub mod api;
pub mod codec;
pub mod engine;
pub mod mvcc;
pub mod proto;
pub mod raft;
pub mod region;
pub mod routing;
pub mod txn;
