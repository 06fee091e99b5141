//! The messages between stores, as the bridge carries them.

use crate::actors::bridge::{WireError, Wired};
use crate::storage::proto::kv_command as proto;
use crate::storage::txn::WaitsShared;

use super::messages::ShareWaits;
use crate::actors::store::wire;

impl Wired for ShareWaits {
    type Wire = proto::ShareWaits;
    type WireReply = proto::WaitsShared;

    fn into_wire(self) -> proto::ShareWaits {
        wire::encode_waits(self.0)
    }

    fn from_wire(proto: proto::ShareWaits) -> Result<ShareWaits, WireError> {
        Ok(ShareWaits(wire::decode_waits(proto)))
    }

    fn reply_to_wire(reply: WaitsShared) -> proto::WaitsShared {
        wire::encode_waits_shared(reply)
    }

    fn reply_from_wire(proto: proto::WaitsShared) -> Result<WaitsShared, WireError> {
        wire::decode_waits_shared(proto).map_err(WireError::of::<ShareWaits>)
    }
}
