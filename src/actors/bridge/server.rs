//! The gRPC server: links from other nodes, health, and reflection (which services there are, for tools).

use std::future::ready;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::BoxStream;
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_util::either::Either;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming};
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};

use super::core::BridgeCore;
use super::inbound::Inbound;
use super::incoming::{MERCY, incoming};
use super::links::{HTTP_FRAME, HTTP_WINDOW, frame_bytes_max, read};
use super::proto::bridge_server::{Bridge, BridgeServer};
use super::proto::{DESCRIPTORS, Frame, Hello};
use super::tls::TlsStore;
use crate::actors::intake::{Caller, Places};

/// A node opens three, and health is small: more streams than this a connection is a client gone wrong.
const STREAMS_MAX: u32 = 128;

/// How often a quiet connection is asked for a sign of life, and how long it may take to give one: for those that are no links, which
/// look after themselves.
const PING_EVERY: Duration = Duration::from_secs(30);

/// Serves until `stop`, and then until the calls under way have ended.
pub(super) async fn serve(
    core: Arc<BridgeCore>,
    listener: TcpListener,
    tls: Option<Arc<TlsStore>>,
    reporter: HealthReporter,
    stop: CancellationToken,
) -> io::Result<()> {
    let frame_bytes_max = frame_bytes_max(&core.options);
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let health = HealthServer::new(HealthService::from_health_reporter(reporter));
    let links = BridgeServer::new(LinkService {
        inbound: core.inbound.clone(),
        patience: core.options.connect_timeout,
    })
    .max_decoding_message_size(frame_bytes_max)
    .max_encoding_message_size(frame_bytes_max);
    let router = Server::builder()
        .max_concurrent_streams(STREAMS_MAX)
        .initial_stream_window_size(HTTP_WINDOW)
        .initial_connection_window_size(HTTP_WINDOW)
        .max_frame_size(HTTP_FRAME)
        .http2_keepalive_interval(Some(PING_EVERY))
        .http2_keepalive_timeout(Some(PING_EVERY))
        .add_service(reflection().build_v1().map_err(io::Error::other)?)
        // Most tools still ask for this one.
        .add_service(reflection().build_v1alpha().map_err(io::Error::other)?)
        .add_service(health)
        .add_service(links);
    let places = Places::new(core.options.connections, MERCY);
    let patience = core.options.connect_timeout;
    let served = match tls {
        None => {
            let incoming = incoming(listener, places, patience, |socket| ready(Ok((socket, true))));
            router.serve_with_incoming_shutdown(incoming, stop.cancelled_owned()).await
        }
        Some(tls) => {
            let secure = move |socket| {
                let tls = tls.clone();
                async move {
                    let stream = tls.accept(socket).await?;
                    let proved = matches!(stream, Either::Left(_));
                    Ok((stream, proved))
                }
            };
            let incoming = incoming(listener, places, patience, secure);
            router.serve_with_incoming_shutdown(incoming, stop.cancelled_owned()).await
        }
    };
    served.map_err(io::Error::other)
}

/// What somebody is told who would be a node.
const STRANGER: &str = "links are for nodes of the cluster, which prove by TLS that they have its secret (bridge.secret-file)";

struct LinkService {
    inbound: Arc<Inbound>,
    /// So long the first words may take.
    patience: Duration,
}

#[async_trait::async_trait]
impl Bridge for LinkService {
    type LinkStream = BoxStream<'static, Result<Frame, Status>>;

    async fn link(
        &self,
        request: Request<Streaming<Frame>>,
    ) -> Result<Response<Self::LinkStream>, Status> {
        let Caller { pulse, proved } =
            request.extensions().get::<Caller>().cloned().unwrap_or_default();
        if !proved {
            return Err(Status::failed_precondition(STRANGER));
        }
        let mut frames = request.into_inner();
        let first = timeout(self.patience, frames.message())
            .await
            .map_err(|_elapsed| Status::deadline_exceeded("no hello came in time"))??;
        let no_hello = || Status::invalid_argument("the first frame of a link must be a hello");
        let hello: Hello = first.and_then(|frame| frame.hello).ok_or_else(no_hello)?;
        let frames = frames.map(read).boxed();
        let serving = self
            .inbound
            .serve(&hello, frames, pulse)
            .map_err(|refusal| Status::failed_precondition(refusal.to_string()))?;
        Ok(Response::new(serving.map(Ok).boxed()))
    }
}
