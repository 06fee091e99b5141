//! etcd's messages, as prost makes them of `proto/etcd/rpc.proto`; the comments there become the documentation here.

#![allow(missing_docs, reason = "generated; prost documents only what the .proto file comments")]
#![allow(unreachable_pub, clippy::all, clippy::pedantic, reason = "generated")]

include!(concat!(env!("OUT_DIR"), "/etcdserverpb.rs"));
