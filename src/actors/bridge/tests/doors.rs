//! Who is let in.

use std::path::Path;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;

use super::subject::Count;
use super::worlds::{Grpc, LONG, Node, World, grpc_node, heard, introduce, quick, until};
use crate::actors::bridge::{BridgeOptions, Credentials, Echo, LinkFigures, TlsFiles};
use crate::actors::runtime::SendError;

/// Sends from `a` to `b`, which does not want it; what `a` has to say of it.
async fn refused(a: BridgeOptions, b: BridgeOptions) -> String {
    let (a, b) = (grpc_node("a", 0, a), grpc_node("b", 0, b));
    introduce(&a, &b);
    let said = trouble(&a).await;
    a.stop().await;
    b.stop().await;
    said
}

async fn trouble(a: &Node) -> String {
    let echo = a.bridge.address::<Echo>("/b/bridge");
    let unreachable = SendError::Unreachable(echo.path().clone());
    assert_eq!(echo.ask(Echo("x".into()), LONG).await, Err(unreachable.into()));
    said(&a.bridge.links())
}

fn said(links: &[LinkFigures]) -> String {
    links[0].sends[2].trouble.clone().expect("there is trouble")
}

#[actix_rt::test]
async fn nodes_of_different_clusters_do_not_talk() {
    let of = |cluster_id| BridgeOptions { cluster_id, ..quick() };
    let said = refused(of(1), of(2)).await;
    let reason = "refuses this node: node a belongs to cluster 1, this node to cluster 2";
    assert!(said.ends_with(reason), "{said}");
}

#[actix_rt::test]
async fn software_that_does_not_go_together_does_not_talk() {
    let of = |version: &str| BridgeOptions { software_version: version.into(), ..quick() };
    let said = refused(of("0.1.0"), of("0.2.0")).await;
    assert!(said.contains("node a runs version 0.1.0"), "{said}");
}

#[actix_rt::test]
async fn a_node_that_learns_its_cluster_is_refused_by_others() {
    let world = Grpc::begin(quick());
    world.a().bridge.set_cluster_id(5);
    world.subject::<false>(&heard());
    let counts = world.to_subject::<Count>();
    assert_eq!(counts.ask(Count, LONG).await, Ok(0), "b does not know yet where it belongs");
    world.b().bridge.set_cluster_id(6);
    world.b().bridge.cut("a");
    until("the link breaks", || counts.tell(Count).is_err()).await;
    world.b().bridge.heal("a");
    until("it is refused", || {
        world.lane("data").trouble.is_some_and(|said| said.contains("belongs to cluster 5"))
    })
    .await;
    world.end().await;
}

#[actix_rt::test]
async fn the_wrong_node_at_an_address_is_found_out() {
    let (a, b) = (grpc_node("a", 0, quick()), grpc_node("c", 0, quick()));
    introduce(&a, &b);
    let address = b.bridge.addr().unwrap().to_string();
    a.system.registry().announce_node("b", address);
    let said = trouble(&a).await;
    assert!(said.ends_with("refuses this node: the node at that address is c, not b"), "{said}");
    a.stop().await;
    b.stop().await;
}

#[actix_rt::test]
async fn a_node_called_by_two_names_keeps_both_links() {
    let (a, b) = (grpc_node("a", 0, quick()), grpc_node("b", 0, quick()));
    introduce(&a, &b);
    let address = b.bridge.addr().unwrap().to_string();
    a.system.registry().announce_node(&address, address.clone());
    let by_name = a.bridge.address::<Echo>("/b/bridge");
    let by_address = a.bridge.address::<Echo>(format!("/{address}/nobody").as_str());
    let stopped = SendError::Stopped(by_address.path().clone());
    for round in 0..10 {
        let echo = Echo("x".into());
        assert!(by_name.ask(echo.clone(), LONG).await.is_ok(), "round {round}");
        let answer = by_address.ask(echo, LONG).await;
        assert_eq!(answer.err(), Some(stopped.clone().into()), "round {round}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let links = a.bridge.links();
    assert_eq!(links.len(), 2);
    for lane in links.iter().flat_map(|link| &link.sends) {
        assert_eq!((lane.reconnects, lane.lost), (0, 0), "{lane:?}");
    }
    // The fault switch knows the node by its name, whatever it is called by.
    a.bridge.cut("b");
    until("the link by address is cut, too", || by_address.tell(Echo("x".into())).is_err()).await;
    a.stop().await;
    b.stop().await;
}

#[actix_rt::test]
async fn a_second_node_of_a_name_waits_until_the_first_is_gone() {
    let (a, b) = (grpc_node("a", 0, quick()), grpc_node("b", 0, quick()));
    introduce(&a, &b);
    let echo = a.bridge.address::<Echo>("/b/bridge");
    assert!(echo.ask(Echo("x".into()), LONG).await.is_ok());
    // Lives are told apart by when they began.
    tokio::time::sleep(Duration::from_millis(5)).await;
    let copy = grpc_node("a", 0, quick());
    introduce(&copy, &b);
    let said = trouble(&copy).await;
    assert!(said.contains("another node that is called a has links open here"), "{said}");
    tokio::time::sleep(quick().backoff * 4).await;
    assert!(echo.ask(Echo("x".into()), LONG).await.is_ok());
    assert_eq!(a.bridge.links()[0].sends[2].reconnects, 0);

    a.stop().await;
    let echo = copy.bridge.address::<Echo>("/b/bridge");
    until("the second is let in", || echo.tell(Echo("x".into())).is_ok()).await;
    assert!(echo.ask(Echo("x".into()), LONG).await.is_ok());
    copy.stop().await;
    b.stop().await;
}

/// An authority, and what it has signed, in files.
struct Authority {
    dir: TempDir,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let dir = TempDir::new().unwrap();
        std::fs::write(dir.path().join("ca.pem"), issuer.pem()).unwrap();
        Authority { dir, issuer }
    }

    /// Writes a node's certificate; `dir` may be another authority's.
    fn sign(&self, dir: &Path, node: &str) -> BridgeOptions {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["127.0.0.1".into(), node.into()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let file = |name: &str| dir.join(format!("{node}-{name}.pem"));
        std::fs::write(file("key"), key.serialize_pem()).unwrap();
        std::fs::write(file("cert"), certificate.pem()).unwrap();
        let tls = TlsFiles { ca: dir.join("ca.pem"), cert: file("cert"), key: file("key") };
        BridgeOptions { credentials: Some(Credentials::Files(tls)), ..quick() }
    }

    fn node(&self, node: &str) -> BridgeOptions {
        self.sign(self.dir.path(), node)
    }
}

#[actix_rt::test]
async fn with_certificates_both_sides_prove_themselves() {
    let authority = Authority::new();
    let (a, b) = (grpc_node("a", 0, authority.node("a")), grpc_node("b", 0, authority.node("b")));
    introduce(&a, &b);
    let echo = a.bridge.address::<Echo>("/b/bridge");
    assert_eq!(echo.ask(Echo("safe".into()), LONG).await, Ok("safe".into()));
    let plain = grpc_node("c", 0, quick());
    introduce(&plain, &b);
    assert!(!trouble(&plain).await.is_empty());
    for node in [plain, a, b] {
        node.stop().await;
    }
}

#[actix_rt::test]
async fn a_certificate_of_another_authority_is_refused_until_the_files_change() {
    let (authority, other) = (Authority::new(), Authority::new());
    let options = other.node("a");
    let (a, b) = (grpc_node("a", 0, options), grpc_node("b", 0, authority.node("b")));
    introduce(&a, &b);
    assert!(!trouble(&a).await.is_empty());
    // The files of `a` are replaced, and it need not be restarted.
    std::fs::copy(authority.dir.path().join("ca.pem"), other.dir.path().join("ca.pem")).unwrap();
    authority.sign(other.dir.path(), "a");
    let echo = a.bridge.address::<Echo>("/b/bridge");
    until("it is let in", || echo.tell(Echo("x".into())).is_ok()).await;
    assert_eq!(echo.ask(Echo("safe".into()), LONG).await, Ok("safe".into()));
    a.stop().await;
    b.stop().await;
}

#[actix_rt::test]
async fn files_that_cannot_be_used_are_named() {
    let authority = Authority::new();
    let mut options = authority.node("a");
    let Some(Credentials::Files(tls)) = &mut options.credentials else { panic!("{options:?}") };
    tls.ca = authority.dir.path().join("nothing.pem");
    let system = crate::actors::runtime::System::for_test();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let error = crate::actors::bridge::Bridge::start(&system, listener, options).err().unwrap();
    let said = error.to_string();
    assert!(said.contains("bridge.tls.ca") && said.contains("nothing.pem"), "{said}");
}

/// A node that has the secret in `file` of the directory.
fn with_secret(dir: &TempDir, file: &str) -> BridgeOptions {
    let credentials = Some(Credentials::Secret(dir.path().join(file)));
    BridgeOptions { credentials, ..quick() }
}

#[actix_rt::test]
async fn nodes_with_one_secret_talk_and_others_do_not() {
    let dir = TempDir::new().unwrap();
    let a = grpc_node("a", 0, with_secret(&dir, "one"));
    let b = grpc_node("b", 0, with_secret(&dir, "one"));
    introduce(&a, &b);
    let echo = a.bridge.address::<Echo>("/b/bridge");
    assert_eq!(echo.ask(Echo("safe".into()), LONG).await, Ok("safe".into()));

    let other = grpc_node("c", 0, with_secret(&dir, "other"));
    introduce(&other, &b);
    let reason = trouble(&other).await;
    assert!(
        reason.contains("has another secret") && reason.contains("bridge.secret-file"),
        "{reason}"
    );
    let plain = grpc_node("d", 0, quick());
    introduce(&plain, &b);
    let reason = trouble(&plain).await;
    assert!(reason.contains("links are for nodes of the cluster"), "{reason}");
    introduce(&b, &plain);
    let echo = b.bridge.address::<Echo>("/d/bridge");
    assert!(echo.ask(Echo("x".into()), LONG).await.is_err(), "nothing is said in the clear");
    for node in [other, plain, a, b] {
        node.stop().await;
    }
}

#[actix_rt::test]
async fn a_secret_is_replaced_while_nodes_run() {
    let dir = TempDir::new().unwrap();
    let (old, new) =
        ("an old secret of thirty-two characters", "a new secret that is as long as the old one");
    let write = |file: &str, secrets: &[&str]| {
        std::fs::write(dir.path().join(file), secrets.join("\n")).unwrap();
    };
    write("a", &[old]);
    write("b", &[old]);
    let a = grpc_node("a", 0, with_secret(&dir, "a"));
    let b = grpc_node("b", 0, with_secret(&dir, "b"));
    introduce(&a, &b);
    let echo = a.bridge.address::<Echo>("/b/bridge");
    for (of_a, of_b) in
        [(vec![old], vec![old, new]), (vec![new, old], vec![old, new]), (vec![new], vec![new])]
    {
        write("a", &of_a);
        write("b", &of_b);
        // Old links stay; what is opened from now on proves itself anew.
        b.bridge.cut("a");
        until("the link breaks", || echo.tell(Echo("x".into())).is_err()).await;
        b.bridge.heal("a");
        until("it is let in", || echo.tell(Echo("x".into())).is_ok()).await;
        assert_eq!(echo.ask(Echo("safe".into()), LONG).await, Ok("safe".into()));
    }
    write("a", &[old]);
    b.bridge.cut("a");
    until("the link breaks", || echo.tell(Echo("x".into())).is_err()).await;
    b.bridge.heal("a");
    let refused = || said(&a.bridge.links()).contains("has another secret");
    until("the old secret is worth nothing", refused).await;
    a.stop().await;
    b.stop().await;
}

#[actix_rt::test]
async fn a_stranger_may_ask_for_health_alone() {
    use tonic_health::pb::HealthCheckRequest;
    use tonic_health::pb::health_client::HealthClient;
    let dir = TempDir::new().unwrap();
    let node = grpc_node("a", 0, with_secret(&dir, "secret"));
    let url = format!("http://{}", node.bridge.addr().unwrap());
    let channel = tonic::transport::Channel::from_shared(url).unwrap().connect().await.unwrap();
    let asked = HealthClient::new(channel).check(HealthCheckRequest::default()).await;
    assert!(asked.is_ok(), "{asked:?}");
    node.stop().await;
}

#[actix_rt::test]
async fn who_does_not_say_hello_is_turned_away() {
    use crate::actors::bridge::proto::Frame;
    use crate::actors::bridge::proto::bridge_client::BridgeClient;
    let node = grpc_node("a", 0, quick());
    let url = format!("http://{}", node.bridge.addr().unwrap());
    let mut client = BridgeClient::connect(url).await.unwrap();
    let frames = futures::stream::iter([Frame::default()]);
    let status = client.link(frames).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::InvalidArgument);
    let silent = futures::stream::pending::<Frame>();
    let status = client.link(silent).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::DeadlineExceeded);
    node.stop().await;
}
