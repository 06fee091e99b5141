//! The health and reflection services, asked by a client.

use std::net::TcpListener;
use std::time::Duration;

use tonic::Code;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::actors::bridge::{Bridge, BridgeOptions};
use crate::actors::runtime::{Health, HealthState, System, SystemOptions};

const DEADLINE: Duration = Duration::from_secs(30);

async fn node() -> (System, Bridge, HealthClient<Channel>) {
    let system = System::start(SystemOptions { core_threads: 1, ..SystemOptions::default() });
    system.set_abort_hook(|_, _| {});
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let bridge = Bridge::start(&system, listener, BridgeOptions::default()).unwrap();
    let url = format!("http://{}", bridge.addr().unwrap());
    let channel = Channel::from_shared(url).unwrap().connect().await.unwrap();
    (system, bridge, HealthClient::new(channel))
}

fn about(service: &str) -> HealthCheckRequest {
    HealthCheckRequest { service: service.to_owned() }
}

/// Asks until the answer is as expected: what is reported is published a moment later.
async fn until(client: &mut HealthClient<Channel>, service: &str, expected: ServingStatus) {
    let asking = async {
        loop {
            if let Ok(answer) = client.check(about(service)).await
                && answer.into_inner().status() == expected
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(DEADLINE, asking).await.expect("it is said in time");
}

#[actix_rt::test]
async fn it_says_what_the_health_board_says() {
    let (system, bridge, mut client) = node().await;
    let health = system.health();
    until(&mut client, "", ServingStatus::NotServing).await;
    health.report("store", Health::healthy());
    until(&mut client, "store", ServingStatus::Serving).await;
    until(&mut client, "", ServingStatus::Serving).await;
    health.report("sql", Health::new(HealthState::Degraded, "slow"));
    until(&mut client, "sql", ServingStatus::Serving).await;
    health.report("sql", Health::new(HealthState::Unhealthy, "lost"));
    until(&mut client, "sql", ServingStatus::NotServing).await;
    until(&mut client, "", ServingStatus::NotServing).await;
    until(&mut client, "store", ServingStatus::Serving).await;
    let unknown = client.check(about("nobody")).await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);

    let shown = system.actor("/node-1/bridge").await.unwrap().observed.unwrap();
    assert_eq!(shown["health"]["sql"], "not serving");
    bridge.stop(DEADLINE).await;
    system.shutdown(DEADLINE).await;
}

#[actix_rt::test]
async fn whoever_watches_hears_of_the_end_and_the_port_is_free() {
    let (system, bridge, mut client) = node().await;
    system.health().report("store", Health::healthy());
    until(&mut client, "", ServingStatus::Serving).await;
    let mut watching = client.watch(about("")).await.unwrap().into_inner();
    let first = watching.message().await.unwrap().unwrap();
    assert_eq!(first.status(), ServingStatus::Serving);
    bridge.stop(DEADLINE).await;
    let last = watching.message().await.unwrap().unwrap();
    assert_eq!(last.status(), ServingStatus::NotServing);
    TcpListener::bind(bridge.addr().unwrap()).unwrap();
    system.shutdown(DEADLINE).await;
}

#[actix_rt::test]
async fn reflection_tells_which_services_there_are() {
    use tonic_reflection::pb::v1::ServerReflectionRequest;
    use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
    use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
    use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

    let (system, bridge, _) = node().await;
    let url = format!("http://{}", bridge.addr().unwrap());
    let channel = Channel::from_shared(url).unwrap().connect().await.unwrap();
    let mut client = ServerReflectionClient::new(channel);
    let ask = |request| {
        let request =
            ServerReflectionRequest { host: String::new(), message_request: Some(request) };
        futures::stream::iter([request])
    };
    let asked = client.server_reflection_info(ask(MessageRequest::ListServices(String::new())));
    let answer = asked.await.unwrap().into_inner().message().await.unwrap().unwrap();
    let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else {
        panic!("not a list: {answer:?}");
    };
    let names: Vec<String> = list.service.into_iter().map(|service| service.name).collect();
    for expected in ["troupe.bridge.v1.Bridge", "grpc.health.v1.Health"] {
        assert!(names.iter().any(|name| name == expected), "{names:?}");
    }
    let symbol = MessageRequest::FileContainingSymbol("troupe.bridge.v1.Bridge".to_owned());
    let asked = client.server_reflection_info(ask(symbol));
    let answer = asked.await.unwrap().into_inner().message().await.unwrap().unwrap();
    assert!(
        matches!(answer.message_response, Some(MessageResponse::FileDescriptorResponse(_))),
        "{answer:?}"
    );
    bridge.stop(DEADLINE).await;
    system.shutdown(DEADLINE).await;
}
