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
