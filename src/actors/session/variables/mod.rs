//! System variables: which there are, what they may hold, and what they hold for the node and for a session.
//!
//! One table ([`definitions`]) says everything about a variable: its scope, its type, its default, and which values mean
//! something here. A variable whose other values are not implemented refuses them (error 1235) rather than ignore them;
//! one that only describes the server is read-only. What clients and dumps set as a matter of course is accepted.
//!
//! Values are kept as the text that SHOW VARIABLES shows. What every statement needs of them is kept decoded beside it
//! ([`Settings`]).

mod definitions;
mod inert;
mod settings;
#[cfg(test)]
mod tests;
mod values;

pub use definitions::{Domain, Scope, Variable, find, list};
pub use settings::Settings;
pub(crate) use values::position;
pub use values::{GlobalVariables, SessionVariables};
