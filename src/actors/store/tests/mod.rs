//! The store as its clients see it: one thread, paused time, engines in memory that can lose power.

mod client;
mod harness;
mod locks;
mod recovery;
mod splits;
mod threads;
mod writes;
