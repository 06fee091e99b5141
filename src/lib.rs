//! TroupeDB: a MySQL-compatible distributed database made of actors.
//!
//! The folders are floors; a module may import from the floors below it, never upwards:
//!
//! ```text
//! cli         parse arguments, call the floor below
//! actors      who talks to whom: state, sequence, supervision, I/O
//! sql         pure: parser, catalog, types, expressions, plans, operators, schema changes
//! protocol    pure: the MySQL wire format
//! placement   pure: the cluster map and the decisions of the placement driver
//! storage     pure: engine, codecs, requests, MVCC, raft log, regions, routing, Percolator commands
//! config      typed configuration
//! common      identities, time, bytes, error codes
//! ```

pub mod actors;
pub mod cli;
pub mod common;
pub mod config;
pub mod placement;
pub mod protocol;
pub mod sql;
pub mod storage;
