//! The admin endpoint of a real server, and its page in a real browser.

use std::process::Command;

use crate::server::{Server, have, mariadb, run};

#[test]
fn actors_show_the_whole_cast() {
    let server = Server::start();
    run(mariadb(&server).args([
        "-e",
        "CREATE DATABASE d; CREATE TABLE d.t (a INT PRIMARY KEY); INSERT INTO d.t VALUES (1)",
    ]));
    let actors = server.json("/actors");
    let text = actors.to_string();
    for path in [
        "/node-1/pd",
        "/node-1/pd/scheduler/balance-leader",
        "/node-1/store-",
        "/log-writer",
        "/applier-",
        "/region-",
        "/node-1/ddl",
        "/node-1/gateway",
        "/node-1/admin",
    ] {
        assert!(text.contains(path), "{path} is not in {text}");
    }
    for figure in ["depth", "high_water", "enqueued", "handled", "restarts", "p99_us", "in_hand"] {
        assert!(text.contains(figure), "{figure} is not in {text}");
    }
    let gateway = server.get("/actors/node-1/gateway");
    assert!(gateway.contains("accepted"), "{gateway}");
    assert!(server.get("/regions").contains("region"));
    assert!(server.get("/schema").contains("\"d\""));
    assert!(server.get("/metrics").contains("troupe_"));
    assert!(server.get("/health").contains("healthy"));
}

#[test]
fn the_page_draws_the_actors_in_a_browser() {
    if !have("chromium") {
        return;
    }
    let server = Server::start();
    let profile = tempfile::tempdir().unwrap();
    let dom = run(Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .args(["--virtual-time-budget=6000", "--dump-dom"])
        .arg(format!("{}/", server.admin)));
    for name in ["log-writer", "gateway", "region-", "balance-leader"] {
        assert!(dom.contains(name), "{name} is not drawn:\n{dom}");
    }
}

/// What the gRPC health service says of a service; the empty name is the node.
async fn grpc_status(server: &Server, service: &str) -> i32 {
    use tonic_health::pb::HealthCheckRequest;
    use tonic_health::pb::health_client::HealthClient;
    let url = format!("http://{}", server.bridge);
    let channel = tonic::transport::Channel::from_shared(url).unwrap().connect().await.unwrap();
    let request = HealthCheckRequest { service: service.to_owned() };
    HealthClient::new(channel).check(request).await.unwrap().into_inner().status
}

#[tokio::test]
async fn health_is_the_same_wherever_one_asks() {
    const SERVING: i32 = 1;
    let server = Server::start();
    let health = server.json("/health");
    assert_eq!(health["state"], "healthy", "{health}");
    let services: Vec<&String> = health["services"].as_object().unwrap().keys().collect();
    for name in ["pd", "store", "kv", "ddl", "sql", "gateway", "admin", "bridge"] {
        assert!(services.contains(&&name.to_owned()), "{name} is not in {services:?}");
    }
    let metrics = server.get("/metrics");
    for service in services {
        assert_eq!(health["services"][service]["state"], "healthy", "{service}");
        assert_eq!(grpc_status(&server, service).await, SERVING, "{service}");
        let line = format!("troupe_service_healthy{{service=\"{service}\"}} 1");
        assert!(metrics.contains(&line), "{line} is not in:\n{metrics}");
    }
    assert_eq!(grpc_status(&server, "").await, SERVING);
    let status = server.json("/status");
    assert_eq!(status["health"]["state"], health["state"]);
    assert_eq!(status["store"]["regions"], 1);
    let disk = &status["placement"]["stores"][0]["stats"];
    let (capacity, available) =
        (disk["capacity"].as_u64().unwrap(), disk["available"].as_u64().unwrap());
    assert!(available > 0 && available <= capacity, "{disk}");
}

#[test]
fn a_trace_shows_a_write_on_its_way() {
    let server = Server::start();
    run(mariadb(&server).args(["-e", "CREATE DATABASE d; CREATE TABLE d.t (a INT PRIMARY KEY)"]));
    let url = format!("{}/actors/node-1/store-1/trace?seconds=3", server.admin);
    let reading = std::thread::spawn(move || {
        let mut response = ureq::get(&url).call().unwrap();
        assert_eq!(response.headers()["content-type"], "application/x-ndjson");
        response.body_mut().read_to_string().unwrap()
    });
    std::thread::sleep(std::time::Duration::from_millis(1000));
    run(mariadb(&server).args(["-e", "INSERT INTO d.t VALUES (1)"]));
    let text = reading.join().unwrap();
    let events: Vec<serde_json::Value> = text
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for (actor, message) in
        [("region-2", "KvCommand"), ("log-writer", "WriteLog"), ("applier-1", "Apply")]
    {
        let path = format!("/node-1/store-1/{actor}");
        let seen = events.iter().any(|event| {
            event["path"] == path && event["message"] == message && event["outcome"] == "handled"
        });
        assert!(seen, "{message} to {path} is not in:\n{text}");
    }
}
