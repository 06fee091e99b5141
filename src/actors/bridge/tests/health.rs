//! The health service, asked by a client.

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
