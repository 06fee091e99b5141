//! The accounts of the cluster: who may connect, and from where.
//!
//! An account is stored under `m A <user> 0 <host>` as JSON, so that every SQL node reads the same. [`AccountTable`] finds
//! the account for a client, the most specific host pattern first, as MySQL does. As long as nobody made or changed an account
//! named `root`, there is a built-in one without a password that only the machine itself may use.
//!
//! What an account has been granted is stored with it ([`crate::sql::accounts`]). Whoever changes an account has all nodes read them
//! again before it answers.

mod cache;
mod grants;
mod roles;
mod statements;
mod table;

pub use cache::AccountCache;
pub use table::{AccountTable, matches_host};
