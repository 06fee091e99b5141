//! The whole database as real processes, spoken to by real clients.

mod admin;
mod bad_input;
mod clients;
mod crash;
mod golden;
mod process;
mod server;
mod sysbench;
mod tidy;
