//! The store as its clients see it: one thread, paused time, engines in memory that can lose power.

mod client;
mod cluster;
mod cold;
mod deadlocks;
mod disks;
mod gc;
mod groups;
mod harness;
mod locks;
mod orders;
mod quiet_pd;
mod recovery;
mod register;
mod sleep;
mod snapshots;
mod splits;
mod threads;
mod writes;
