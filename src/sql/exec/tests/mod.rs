//! Tests of execution over the memory store: plans built by hand, and golden scripts from SQL to rows.

mod codec;
mod dml;
pub(crate) mod fixture;
mod fragment;
mod fulltext;
mod golden;
mod ids;
mod memory;
mod paths;
mod ready;
mod roads;
