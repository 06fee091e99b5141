//! What goes over the wire, as prost makes it of `proto/troupe/bridge/v1/bridge.proto`; the comments there become the
//! documentation here.

#![allow(missing_docs, reason = "generated; prost documents only what the .proto file comments")]
#![allow(unreachable_pub, clippy::all, clippy::pedantic, reason = "generated")]

include!(concat!(env!("OUT_DIR"), "/troupe.bridge.v1.rs"));

/// The descriptions of everything in `proto/`, as reflection gives them out.
pub(super) const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
