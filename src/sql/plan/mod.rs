//! Plans.

mod physical;

pub use physical::*;
