//! Tests of the bridge.

mod doors;
mod faults;
mod figures;
mod health;
mod scenarios;
pub(super) mod subject;
mod worlds;
