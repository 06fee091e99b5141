//! What goes over the wire, as prost makes it of `proto/troupe/session/v1/session.proto`; the comments there become the
//! documentation here.

#![allow(missing_docs, reason = "generated; prost documents only what the .proto file comments")]
#![allow(unreachable_pub, clippy::all, clippy::pedantic, reason = "generated")]

include!(concat!(env!("OUT_DIR"), "/troupe.session.v1.rs"));
