//! The placement driver of another process.
//!
//! ```text
//! RemotePd ──PdCall──▶ /pd ─▶ PdService ─▶ the PdClient of the process it lives in
//!    TimestampQueue: many who wait, one question on its way
//! Membership ──AnnounceNode──▶ /pd: who is there, for how long; answered with all who are
//! a new member ──PdMembers──▶ /<node>/membership: where all members listen
//! BridgeGroup ──GroupStep──▶ /<address>/pd: between the members of the group
//! ```
//!
//! `/pd` is a path of the registry: where it leads is this node's own opinion, first among the addresses it was
//! started with. [`RemotePd`] goes on to the leader when it is told who that is, and to the next member when nobody
//! answers. On a node that is a member itself, `/pd` leads to its own service as long as it leads, which costs no link.

mod client;
mod convert;
mod member;
mod nodes;
mod service;
mod timestamps;

#[cfg(test)]
mod tests;

pub use client::RemotePd;
pub use member::{BridgeGroup, member_path};
pub use service::PdService;

use crate::actors::bridge::{WireError, Wired};
use crate::actors::runtime::ActorPath;
use crate::message;
use crate::storage::proto::pd_call as wire;

/// Where the placement driver is reached, wherever it is.
pub fn pd_path() -> ActorPath {
    ActorPath::new("/pd")
}

/// A question to the placement driver of another process, as it goes over the wire: who asks has written it, who
/// answers reads it.
#[derive(Clone, Debug)]
pub struct PdCall(pub wire::Request);
message!(PdCall => wire::Response, "PdCall");

impl Wired for PdCall {
    type Wire = wire::Request;
    type WireReply = wire::Response;

    fn into_wire(self) -> wire::Request {
        self.0
    }

    fn from_wire(wire: wire::Request) -> Result<PdCall, WireError> {
        Ok(PdCall(wire))
    }

    fn reply_to_wire(reply: wire::Response) -> wire::Response {
        reply
    }

    fn reply_from_wire(wire: wire::Response) -> Result<wire::Response, WireError> {
        Ok(wire)
    }
}

/// A node says that it is there, and hears who else is.
#[derive(Clone, Debug)]
pub struct AnnounceNode(pub wire::Announce);
message!(AnnounceNode => wire::Members, "AnnounceNode");

impl Wired for AnnounceNode {
    type Wire = wire::Announce;
    type WireReply = wire::Members;

    fn into_wire(self) -> wire::Announce {
        self.0
    }

    fn from_wire(wire: wire::Announce) -> Result<AnnounceNode, WireError> {
        Ok(AnnounceNode(wire))
    }

    fn reply_to_wire(reply: wire::Members) -> wire::Members {
        reply
    }

    fn reply_from_wire(wire: wire::Members) -> Result<wire::Members, WireError> {
        Ok(wire)
    }
}

/// Tells a node where the members of the placement driver listen now, by address.
#[derive(Clone, Debug)]
pub struct PdMembers(pub Vec<String>);
message!(PdMembers => (), "PdMembers");

impl Wired for PdMembers {
    type Wire = wire::Members;
    type WireReply = ();

    fn into_wire(self) -> wire::Members {
        wire::Members { pd_members: self.0, ..wire::Members::default() }
    }

    fn from_wire(wire: wire::Members) -> Result<PdMembers, WireError> {
        Ok(PdMembers(wire.pd_members))
    }

    fn reply_to_wire((): ()) {}

    fn reply_from_wire((): ()) -> Result<(), WireError> {
        Ok(())
    }
}
