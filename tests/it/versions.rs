//! Nodes whose bridges speak different versions of the protocol: a peer of another version, made here, knocks at a real node,
//! and a real node knocks at it. The peer has no certificate, so the node asks for none.

use futures::stream::BoxStream;
use futures::{FutureExt as _, StreamExt as _};
use tonic::{Request, Response, Status, Streaming};
use troupedb::actors::bridge::PROTOCOL_VERSION;
use troupedb::actors::bridge::proto::bridge_client::BridgeClient;
use troupedb::actors::bridge::proto::bridge_server::{Bridge, BridgeServer};
use troupedb::actors::bridge::proto::{Frame, Hello, TrafficClass};

use crate::server::{Options, Server, troupe};

/// The version that the peer speaks.
const OTHER: u32 = PROTOCOL_VERSION + 8;

fn hello(version: u32, software: &str, to: &str) -> Frame {
    let hello = Hello {
        protocol_version: version,
        node: "stranger".to_owned(),
        peer: to.to_owned(),
        software_version: software.to_owned(),
        class: TrafficClass::Control.into(),
        ..Hello::default()
    };
    Frame { hello: Some(hello), ..Frame::default() }
}

/// What a node answers to this hello.
async fn knock(server: &Server, hello: Frame) -> Status {
    let mut client = BridgeClient::connect(format!("http://{}", server.bridge)).await.unwrap();
    let frames = futures::stream::iter([hello]).chain(futures::stream::pending());
    client.link(frames).await.map(drop).expect_err("it is let in")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_of_another_version_is_told_so_and_the_node_logs_it() {
    let args = ["--name", "pd1", "--role", "pd", "--insecure"];
    let server = Server::with(&Options { args: &args, ..Options::default() });
    let ours = env!("CARGO_PKG_VERSION");
    let protocol = format!("node stranger speaks version {OTHER} of the bridge's protocol");
    let status = knock(&server, hello(OTHER, ours, "pd1")).await;
    assert_eq!(status.code(), tonic::Code::FailedPrecondition);
    assert!(status.message().contains(&protocol), "{status}");
    let status = knock(&server, hello(PROTOCOL_VERSION, "99.0.0", "pd1")).await;
    assert!(status.message().contains("runs version 99.0.0 of the software"), "{status}");
    let log = server.log();
    assert!(log.contains("refused a link from another node"), "{log}");
    assert!(log.contains(&protocol) && log.contains("99.0.0"), "{log}");
}

/// How the peer meets those who knock at it.
#[derive(Clone, Copy)]
enum Meets {
    /// It finds out itself that they do not go together.
    Refuses,
    /// It leaves it to the other.
    Welcomes,
}

#[tonic::async_trait]
impl Bridge for Meets {
    type LinkStream = BoxStream<'static, Result<Frame, Status>>;

    async fn link(
        &self,
        request: Request<Streaming<Frame>>,
    ) -> Result<Response<Self::LinkStream>, Status> {
        let first = request.into_inner().next().await.expect("a hello")?;
        let theirs = first.hello.unwrap_or_default().protocol_version;
        match self {
            Meets::Refuses => Err(Status::failed_precondition(format!(
                "version {theirs} is too old for version {OTHER}"
            ))),
            Meets::Welcomes => {
                let welcome = hello(OTHER, env!("CARGO_PKG_VERSION"), "");
                Ok(Response::new(
                    futures::stream::once(async { Ok(welcome) })
                        .chain(futures::future::pending().into_stream())
                        .boxed(),
                ))
            }
        }
    }
}

/// What a store says that is to join a cluster whose placement driver is such a peer.
async fn joining(meets: Meets) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let incoming = futures::stream::unfold(listener, async |listener| {
        let accepted = listener.accept().await.map(|(stream, _)| stream);
        Some((accepted, listener))
    });
    let server = tonic::transport::Server::builder().add_service(BridgeServer::new(meets));
    let serving = tokio::spawn(server.serve_with_incoming(incoming));
    let dir = tempfile::tempdir().unwrap();
    let mut command = troupe();
    command
        .args(["start", "--role", "store", "--name", "store1", "--pd", &address, "--insecure"])
        .args(["--addr", "127.0.0.1:0", "--admin-addr", "127.0.0.1:0", "--join-timeout", "3s"])
        .arg("--data-dir")
        .arg(dir.path());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    serving.abort();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    let last = said.lines().last().unwrap().to_owned();
    assert!(last.contains("gave up waiting") && last.contains(&address), "{said}");
    assert!(said.contains("a link is refused"), "{said}");
    last
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_finds_a_cluster_of_another_version_says_so() {
    let said = joining(Meets::Welcomes).await;
    let expected = format!(
        "speaks version {OTHER} of the bridge's protocol, this node version {PROTOCOL_VERSION}"
    );
    assert!(said.contains(&expected), "{said}");
    let said = joining(Meets::Refuses).await;
    assert!(said.contains("refuses") && said.contains("is too old for version"), "{said}");
}
