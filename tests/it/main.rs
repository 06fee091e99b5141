//! The whole database as real processes, spoken to by real clients.

#![allow(clippy::unwrap_used, reason = "a test's panic is its finding")]
#![allow(clippy::disallowed_methods, reason = "real processes live in real time")]

mod admin;
mod alter_columns;
mod bad_input;
mod bank;
mod checks;
mod clients;
mod cluster;
mod compute;
mod crash;
mod deadlocks;
mod dependencies;
mod disks;
mod failures;
mod floods;
mod foreign_keys;
mod foreign_keys_peer;
mod frozen;
mod gateway;
mod gateways;
mod golden;
mod ids;
mod join_orders;
mod large_rows;
mod load_data;
mod locks;
mod metadata_locks;
mod nodes;
mod orders;
mod partitions;
mod pd_members;
mod playground;
mod process;
mod processlist;
mod queues;
mod readiness;
mod regions;
mod registry;
mod replicas;
mod restart;
mod roles;
mod server;
mod shapes;
mod starved;
mod stats;
mod sysbench;
mod tidy;
mod tls;
mod torn_tail;
mod versions;
