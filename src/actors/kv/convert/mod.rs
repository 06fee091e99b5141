//! Between requests to regions and their form on the wire (`proto/kvrpcpb.proto`, `proto/errorpb.proto`).
//!
//! Writing cannot fail. Reading trusts nothing: what lacks a part, or names something unknown, is an error that says
//! what. What is written reads as it was; `tests` proves it with made-up requests and answers.

mod errors;
mod reply;
mod request;

#[cfg(test)]
mod tests;

pub use errors::{key_error, region_error, region_error_to_proto, request_error_to_proto};
pub use reply::{reply, reply_to_proto, split_reply, split_reply_to_proto};
pub use request::{command, command_to_proto, context, context_to_proto};

/// What is wrong with something read.
pub type Unreadable = String;

/// A part that must be there.
fn part<T>(part: Option<T>, name: &str) -> Result<T, Unreadable> {
    part.ok_or_else(|| format!("it has no {name}"))
}
