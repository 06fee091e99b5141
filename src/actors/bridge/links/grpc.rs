//! Streams over gRPC: one connection for each class to each node.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};

use super::connector::{Counting, PlainConnector};
use super::{LinkError, Links, Opened};
use crate::actors::bridge::options::BridgeOptions;
use crate::actors::bridge::proto::bridge_client::BridgeClient;
use crate::actors::bridge::proto::{Frame, Hello};
use crate::actors::bridge::tls::TlsStore;
use crate::actors::intake::Pulse;

/// What HTTP/2 lets pile up on a stream: enough for a fast network, and less than the credits allow.
pub(in crate::actors::bridge) const HTTP_WINDOW: u32 = 4 << 20;
/// HTTP/2's frames: fewer of them for the same bytes.
pub(in crate::actors::bridge) const HTTP_FRAME: u32 = 256 << 10;
/// A frame is larger than its largest message by at most this.
const FRAME_EXTRA: usize = 1 << 20;

/// The largest frame that is read.
pub(in crate::actors::bridge) fn frame_bytes_max(options: &BridgeOptions) -> usize {
    options.message_bytes_max.saturating_add(options.frame_bytes).saturating_add(FRAME_EXTRA)
}

/// Opens streams over TCP, with TLS when there are certificates.
pub(in crate::actors::bridge) struct GrpcLinks {
    tls: Option<Arc<TlsStore>>,
    connect_timeout: Duration,
    frame_bytes_max: usize,
}

impl GrpcLinks {
    pub(in crate::actors::bridge) fn new(
        options: &BridgeOptions,
        tls: Option<Arc<TlsStore>>,
    ) -> GrpcLinks {
        GrpcLinks {
            tls,
            connect_timeout: options.connect_timeout,
            frame_bytes_max: frame_bytes_max(options),
        }
    }

    fn connect(
        &self,
        address: &str,
        pulse: Pulse,
    ) -> BoxFuture<'static, Result<Channel, LinkError>> {
        let endpoint = match Endpoint::from_shared(format!("http://{address}")) {
            Ok(endpoint) => endpoint
                .connect_timeout(self.connect_timeout)
                .initial_stream_window_size(HTTP_WINDOW)
                .initial_connection_window_size(HTTP_WINDOW)
                .max_frame_size(HTTP_FRAME),
            Err(error) => return std::future::ready(Err(broken(error))).boxed(),
        };
        match &self.tls {
            None => {
                let connector = Counting { connector: PlainConnector(address.to_owned()), pulse };
                async move { endpoint.connect_with_connector(connector).await.map_err(broken) }
                    .boxed()
            }
            Some(tls) => {
                let connector = tls.connector(address);
                let connector = Counting { connector, pulse };
                async move { endpoint.connect_with_connector(connector).await.map_err(broken) }
                    .boxed()
            }
        }
    }
}

#[async_trait]
impl Links for GrpcLinks {
    async fn open(
        &self,
        address: &str,
        _hello: &Hello,
        frames: BoxStream<'static, Frame>,
    ) -> Result<Opened, LinkError> {
        let pulse = Pulse::default();
        let channel = self.connect(address, pulse.clone()).await?;
        let mut client = BridgeClient::new(channel)
            .max_decoding_message_size(self.frame_bytes_max)
            .max_encoding_message_size(self.frame_bytes_max);
        let answered =
            client.link(frames).boxed().await.map_err(|status| match error_of(&status) {
                // What follows is said from the other side.
                LinkError::Refused(reason) => {
                    LinkError::Refused(format!("{address} refuses this node: {reason}"))
                }
                error => error,
            })?;
        Ok(Opened { frames: answered.into_inner().map(read).boxed(), pulse })
    }
}

/// A frame, or what became of the stream.
pub(in crate::actors::bridge) fn read(frame: Result<Frame, Status>) -> Result<Frame, LinkError> {
    frame.map_err(|status| error_of(&status))
}

fn error_of(status: &Status) -> LinkError {
    match status.code() {
        Code::FailedPrecondition => LinkError::Refused(status.message().to_owned()),
        _ => LinkError::Broken(in_full(status.message(), status)),
    }
}

fn broken(error: tonic::transport::Error) -> LinkError {
    LinkError::Broken(in_full(&error.to_string(), &error))
}

/// What is said of an error, with all its causes: tonic's own say only "transport error".
fn in_full(said: &str, error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    let mut text = said.to_owned();
    for cause in causes {
        let cause = cause.to_string();
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}
