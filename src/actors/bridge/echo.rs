//! The echo: what the bridge of every node answers, for measurements and to see whether it is there.

use bytes::Bytes;

use super::proto::{EchoReply, EchoRequest};
use super::wire::{WireError, Wired};
use crate::message;

/// Asks for an echo.
#[derive(Clone, Debug)]
pub struct Echo(pub Bytes);
message!(Echo => Bytes, "Echo");

impl Wired for Echo {
    type Wire = EchoRequest;
    type WireReply = EchoReply;

    fn into_wire(self) -> EchoRequest {
        EchoRequest { payload: self.0 }
    }

    fn from_wire(wire: EchoRequest) -> Result<Echo, WireError> {
        Ok(Echo(wire.payload))
    }

    fn reply_to_wire(reply: Bytes) -> EchoReply {
        EchoReply { payload: reply }
    }

    fn reply_from_wire(wire: EchoReply) -> Result<Bytes, WireError> {
        Ok(wire.payload)
    }
}
