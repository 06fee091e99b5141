//! Tests of execution over the memory store, with plans built by hand.

mod codec;
mod dml;
pub(crate) mod fixture;
