//! What each endpoint answers, and what it refuses.

use super::*;
use crate::actors::runtime::HealthState;
use crate::storage::codec::mvcc::encode_key;
use crate::storage::codec::table::row_key;

#[actix_rt::test]
async fn status_is_the_node_at_a_glance() {
    let node = Node::start().await;
    let status = node.get("/status", 200);
    assert_eq!(status["version"], "1.2.3");
    assert_eq!(status["node"], "node-1");
    assert_eq!(status["roles"], json!(["all"]));
    assert_eq!(status["connections"], 0);
    assert_eq!(status["store"]["id"], node.store.store_id.0);
    assert_eq!(status["store"]["regions"], 1);
    assert_eq!(status["store"]["leaders"], 1);
    assert_eq!(status["placement"]["stores"].as_array().unwrap().len(), 1);
    assert_eq!(status["health"]["state"], "healthy");
    assert!(status["resident_bytes"].as_u64().unwrap() > 1 << 20);
    assert!(status["actors"].as_u64().unwrap() > 100);
    node.stop().await;
}

#[actix_rt::test]
async fn health_is_503_as_soon_as_a_service_does_not_do_its_work() {
    let node = Node::start().await;
    let health = node.get("/health", 200);
    assert_eq!(health["state"], "healthy");
    assert_eq!(health["services"]["store"]["state"], "healthy");

    let report = |state| node.system.health().report("sql", Health::new(state, "no schema"));
    report(HealthState::Degraded);
    assert_eq!(node.get("/health", 200)["state"], "degraded");
    report(HealthState::Unhealthy);
    let health = node.get("/health", 503);
    assert_eq!(health["reason"], "sql: no schema");
    assert_eq!(health["services"]["sql"], json!({ "state": "unhealthy", "reason": "no schema" }));
    assert_eq!(health["services"]["store"]["state"], "healthy");
    node.stop().await;
}

#[actix_rt::test]
async fn statements_are_shown_by_what_they_cost() {
    use crate::actors::session::activity::{Outcome, Ran};
    use crate::sql::statement::StatementKind;
    let node = Node::start().await;
    let text = bytes::Bytes::from_static(b"SELECT * FROM t WHERE id = 5");
    let ran = Ran {
        command: StatementKind::Select,
        fingerprint: 7,
        text: &text,
        database: Some("d"),
        now_micros: 3_000_000,
        outcome: Outcome { elapsed: Duration::from_millis(4), sent: 1, ..Outcome::default() },
    };
    node.activity.record(&ran);
    node.activity.slow.add(&ran, "ann", "10.0.0.1", 9, true);
    node.activity.tally.count_slow();
    let statements = node.get("/statements", 200)["statements"].clone();
    assert_eq!(statements[0]["statement"], "SELECT * FROM `t` WHERE `id` = ?");
    assert_eq!((&statements[0]["count"], &statements[0]["max_us"]), (&json!(1), &json!(4000)));
    let slow = node.get("/statements/slow?limit=1", 200);
    assert_eq!((&slow["total"], &slow["slow"][0]["user"]), (&json!(1), &json!("ann")));
    let overview = node.get("/overview", 200);
    assert_eq!(overview["health"]["node"]["state"], "healthy");
    assert_eq!(overview["placement"]["stores"].as_array().unwrap().len(), 1);
    assert_eq!(overview["top_statements"][0]["digest"].as_str().unwrap().len(), 64);
    assert_eq!(overview["clients"]["counters"]["Slow_queries"], 1);
    for link in overview["links"].as_object().unwrap().values() {
        let (status, body) = node.ask("GET", link.as_str().unwrap());
        assert_eq!(status, 200, "{link}: {body}");
    }
    node.stop().await;
}

#[actix_rt::test]
async fn metrics_are_prometheus_text() {
    let node = Node::start().await;
    let (status, text) = node.ask("GET", "/metrics");
    assert_eq!(status, 200);
    let has =
        |line: &str| assert!(text.lines().any(|found| found.starts_with(line)), "{line} in {text}");
    has("troupe_actors{kind=\"counter\"} 100");
    has("troupe_actor_messages_total{kind=\"counter\",outcome=\"handled\"} ");
    has("troupe_engine_memory_bytes{instance=\"kv\",kind=\"block-cache\"} 4096");
    has("troupe_store_regions{role=\"leader\"} 1");
    has("troupe_service_healthy{service=\"store\"} 1");
    has("troupe_process_resident_bytes ");
    has("troupe_uptime_seconds ");
    has("# TYPE troupe_actor_messages_total counter");
    has("# HELP troupe_actors actors that live");
    for line in text.lines() {
        let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' '))
        else {
            continue;
        };
        has(&format!("# HELP {name} "));
        assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
        let base = name.trim_end_matches("_total");
        for unit in ["milliseconds", "microseconds", "nanoseconds", "ms", "us", "kib", "mib"] {
            assert!(!base.ends_with(&format!("_{unit}")), "{name}: seconds and bytes");
        }
    }
    node.stop().await;
}

#[actix_rt::test]
async fn actors_are_listed_with_their_figures() {
    let node = Node::start().await;
    let tree = node.get("/actors", 200);
    let actors = tree["actors"].as_array().unwrap();
    assert_eq!(tree["total"], actors.len());
    assert_eq!(tree["truncated"], false);
    let find = |path: &str| actors.iter().find(|actor| actor["path"] == path).unwrap();
    let counter = find("/node-1/crowd/counter-1");
    for figure in ["depth", "capacity", "high_water", "enqueued", "handled", "restarts", "panics"] {
        assert!(counter[figure].is_u64(), "{figure} in {counter}");
    }
    assert_eq!(counter["kind"], "counter");
    assert_eq!(counter["state"], "running");
    assert!(counter["wait"]["p99_us"].is_u64() && counter["busy"]["p50_us"].is_u64());
    assert!(counter["messages"].is_object() && counter.get("in_hand").is_some());
    find("/node-1/admin");
    find("/node-1/store-1/region-2");

    let below = node.get("/actors?under=/node-1/crowd&limit=5", 200);
    assert_eq!(below["total"], 101);
    assert_eq!(below["truncated"], true);
    assert_eq!(below["actors"].as_array().unwrap().len(), 5);
    let error = node.get("/actors?limit=0", 400);
    assert_eq!(error["error"], "limit=0 is not between 1 and 100000");
    let error = node.get("/actors?limit=many", 400);
    assert_eq!(error["error"], "limit=many is not a number");
    node.stop().await;
}

#[actix_rt::test]
async fn an_actor_shows_its_inside_and_its_panics() {
    let node = Node::start().await;
    let actor = node.system.spawn_root("counter", Thread::Any, || Counter(0));
    assert_eq!(actor.ask(Count, DEADLINE).await.unwrap(), 1);
    assert_eq!(actor.ask(Count, DEADLINE).await.unwrap(), 2);
    let shown = node.get("/actors/node-1/counter", 200);
    assert_eq!(shown["observed"], json!({ "counted": 2 }));
    assert_eq!(shown["messages"], json!({ "Count": 2 }));
    assert_eq!(shown["failures"], json!([]));

    actor.ask(Panic, DEADLINE).await.unwrap_err();
    node.until(|node| node.get("/actors/node-1/counter", 200)["restarts"] == 1).await;
    let shown = node.get("/actors/node-1/counter", 200);
    assert_eq!(shown["panics"], 1);
    assert_eq!(shown["failures"][0]["panic"], "told to");
    assert_eq!(shown["failures"][0]["message"], "Panic");

    let parent = node.get("/actors/node-1/crowd", 200);
    assert_eq!(parent["children"].as_array().unwrap().len(), 100);
    let admin = node.get("/actors/node-1/admin", 200);
    assert!(admin["observed"]["requests"]["/actors/{path}"].as_u64().unwrap() >= 3);
    let error = node.get("/actors/node-1/nobody", 404);
    assert_eq!(error["error"], "there is no actor /node-1/nobody");
    node.stop().await;
}

#[actix_rt::test]
async fn regions_say_where_they_begin_and_end() {
    let node = Node::start().await;
    let regions = node.get("/regions", 200);
    assert_eq!(regions["total"], 1);
    assert_eq!(regions["regions"][0]["start"], json!({ "key": "" }));

    let schema = schema();
    let table = schema.tables("test").next().unwrap();
    let context = node.store.router.statuses()[0].region.context();
    let at = encode_key(&row_key(table.id, 100));
    node.store.router.split(context, vec![at.clone().into()], DEADLINE).await.unwrap();
    node.until(|node| node.store.router.len() == 2).await;

    let regions = node.get("/regions", 200);
    let (left, right) = (&regions["regions"][0], &regions["regions"][1]);
    assert_eq!(left["end"], right["start"]);
    assert_eq!(left["end"]["table"], table.id);
    assert_eq!(left["end"]["name"], format!("test.{}", table.name));
    assert_eq!(left["end"]["handle"], 100);
    assert_eq!(left["end"]["decoded"], format!("t{}_r100", table.id));
    assert_eq!(left["end"]["key"], format!("{:X}", bytes::Bytes::from(at)));
    assert_eq!(left["peers"].as_array().unwrap().len(), 1);

    let id = left["id"].as_u64().unwrap();
    let path = format!("/regions/{id}");
    let one = node.get(&path, 200);
    assert_eq!(one["end"], left["end"]);
    assert_eq!(one["actor"], format!("/node-1/store-1/region-{id}"));
    // The new region has applied nothing until its peer has been elected.
    node.until(|node| node.get(&path, 200)["applied"].as_u64().unwrap() > 0).await;
    assert_eq!(node.get("/regions/4711", 404)["error"], "store 1 has no region 4711");
    assert_eq!(node.get("/regions/x", 400)["error"], "x is not the id of a region");
    assert_eq!(node.get("/regions?limit=1", 200)["truncated"], true);
    node.stop().await;
}

#[actix_rt::test]
async fn the_schema_is_shown_down_to_the_columns() {
    let node = Node::start().await;
    let schema = schema();
    let shown = node.get("/schema", 200);
    assert_eq!(shown["version"], schema.version());
    let names: Vec<&str> = shown["databases"]
        .as_array()
        .unwrap()
        .iter()
        .map(|db| db["name"].as_str().unwrap())
        .collect();
    assert!(names.contains(&"test") && names.contains(&"information_schema"), "{names:?}");

    let expected = schema.tables("test").next().unwrap();
    let database = node.get("/schema/test", 200);
    assert_eq!(database["database"]["name"], "test");
    assert_eq!(database["tables"][0]["name"], expected.name);
    let table = node.get(&format!("/schema/TEST/{}", expected.name), 200);
    assert_eq!(table["id"], expected.id);
    assert_eq!(table["columns"].as_array().unwrap().len(), expected.columns.len());
    assert!(table["create"].as_str().unwrap().starts_with("CREATE TABLE"));
    assert_eq!(node.get("/schema/nowhere", 404)["error"], "there is no database nowhere");
    assert_eq!(node.get("/schema/test/nothing", 404)["error"], "there is no table test.nothing");
    node.stop().await;
}

#[actix_rt::test]
async fn the_log_level_is_changed_by_post_and_not_by_get() {
    let node = Node::start().await;
    assert_eq!(node.get("/log", 200)["level"], "info");
    assert_eq!(node.get("/log?level=trace", 200)["level"], "info");
    let changed = node.json("POST", "/log?level=warn", 200);
    assert_eq!(changed, json!({ "level": "warn", "before": "info" }));
    node.json("PUT", "/log?level=info,troupedb::actors=debug", 200);
    assert!(node.get("/log", 200)["level"].as_str().unwrap().contains("troupedb::actors=debug"));
    let error = node.json("POST", "/log", 400);
    assert!(error["error"].as_str().unwrap().starts_with("level is missing"));
    let error = node.json("POST", "/log?level=a=b=c", 400);
    assert!(error["error"].as_str().unwrap().starts_with("level=a=b=c is refused"), "{error}");
    let foreign = ureq::post(node.url("/log?level=off")).header("origin", "http://evil.example");
    assert!(matches!(foreign.send_empty(), Err(ureq::Error::StatusCode(403))));
    drop(node.log);
    node.admin.stop(DEADLINE).await;
    node.system.shutdown(DEADLINE).await;
}

#[actix_rt::test]
async fn what_is_not_there_is_answered_with_what_is() {
    let node = Node::start().await;
    let error = node.get("/actor", 404);
    assert_eq!(error["error"], "there is no endpoint /actor");
    let paths: Vec<&str> = error["endpoints"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["path"].as_str().unwrap())
        .collect();
    assert!(paths.contains(&"/status") && paths.contains(&"/actors/{path}"), "{paths:?}");
    let error = node.json("DELETE", "/status", 405);
    assert_eq!(error["error"], "this endpoint takes GET, HEAD, not DELETE");
    node.json("POST", "/actors", 405);
    for path in ["/status", "/health", "/metrics", "/actors", "/"] {
        let mut response = ureq::head(node.url(path)).call().unwrap();
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(response.body_mut().read_to_string().unwrap(), "", "{path}");
    }
    node.stop().await;
}

#[actix_rt::test]
async fn the_page_loads_nothing_from_elsewhere() {
    let node = Node::start().await;
    let response = ureq::get(node.url("/")).call().unwrap();
    let policy = response.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'"));
    assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8");
    let page = response.into_body().read_to_string().unwrap();
    assert!(!page.contains("http://") && !page.contains("https://"));
    node.stop().await;
}

#[actix_rt::test]
async fn a_node_by_itself_is_all_nodes_and_has_no_links_to_cut() {
    let node = Node::start().await;
    let all = node.get("/actors?node=all&under=/node-1/admin", 200);
    assert_eq!((&all["node"], &all["total"]), (&json!("all"), &json!(1)), "{all}");
    assert_eq!(all["actors"][0]["path"], "/node-1/admin");
    assert_eq!(all["nodes"][0]["node"], "node-1");
    assert_eq!((&all["nodes"][0]["error"], &all["nodes"][0]["link"]), (&json!(null), &json!(null)));
    let some = node.get("/actors?node=node-1&limit=2", 200);
    assert_eq!(some["actors"].as_array().unwrap().len(), 2);
    assert_eq!(some["truncated"], true);
    let unknown = node.get("/actors?node=node-9", 404);
    assert!(unknown["error"].as_str().unwrap().contains("node-9: there are node-1"), "{unknown}");
    node.get("/bridge", 503);
    let refused = node.json("POST", "/bridge/cut?node=node-9", 403);
    assert!(refused["error"].as_str().unwrap().contains("fault-injection"), "{refused}");
    node.get("/bridge/cut?node=node-9", 405);
    node.stop().await;
}

#[actix_rt::test]
async fn a_name_that_is_not_this_nodes_is_refused() {
    use std::io::{Read as _, Write as _};
    let node = Node::start().await;
    let address = node.admin.addr();
    let asked = |host: &str| {
        let mut socket = std::net::TcpStream::connect(address).unwrap();
        write!(socket, "GET /status HTTP/1.0\r\nHost: {host}\r\n\r\n").unwrap();
        let mut said = String::new();
        socket.read_to_string(&mut said).unwrap();
        said
    };
    assert!(asked("127.0.0.1:10080").starts_with("HTTP/1.0 200"));
    let said = asked("rebound.example.com");
    assert!(said.starts_with("HTTP/1.0 403") && said.contains("admin.hosts"), "{said}");
    node.stop().await;
}
