//! How streams come about: over gRPC, or simulated.
//!
//! There is no third kind for actors of the same process: a message to one of those never gets here.

use async_trait::async_trait;
use futures::stream::BoxStream;

use super::proto::{Frame, Hello};
use crate::actors::intake::Pulse;

mod connector;
mod grpc;
mod simulated;

pub(super) use grpc::{GrpcLinks, HTTP_FRAME, HTTP_WINDOW, frame_bytes_max, read};
pub use simulated::{SimNetwork, SimOptions};

/// A stream cannot be opened, or is broken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum LinkError {
    /// The other side does not want us: an operator has to mend it.
    #[error("{0}")]
    Refused(String),
    /// Nobody there, or the network is broken: it may come back.
    #[error("{0}")]
    Broken(String),
}

/// A stream that is open.
pub(super) struct Opened {
    /// What comes back.
    pub(super) frames: BoxStream<'static, Result<Frame, LinkError>>,
    /// Whether anything comes at all.
    pub(super) pulse: Pulse,
}

/// Opens streams to other nodes.
#[async_trait]
pub(super) trait Links: Send + Sync + 'static {
    /// Opens a stream to the node at `address`. `frames`, the hello first, are sent as the stream is ready for them; what
    /// comes back starts with the other side's hello. Dropping what comes back ends the stream.
    async fn open(
        &self,
        address: &str,
        hello: &Hello,
        frames: BoxStream<'static, Frame>,
    ) -> Result<Opened, LinkError>;
}
