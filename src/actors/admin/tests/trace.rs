//! The live tap.

use std::io::{BufRead, BufReader};

use super::super::TRACES_MAX;
use super::*;

#[actix_rt::test]
async fn a_trace_is_a_line_a_message_and_ends_by_itself() {
    let node = Node::start().await;
    let before = node.system.clock().now();
    let (status, text) = node.ask("GET", "/actors/node-1/crowd/trace?seconds=1");
    let took = node.system.clock().now().since(before);
    assert_eq!(status, 200);
    assert!(took >= Duration::from_secs(1) && took < Duration::from_secs(10), "{took:?}");
    let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(events.len() >= 5, "{text}");
    for event in events {
        assert_eq!(event["path"], "/node-1/crowd/counter-1");
        assert_eq!(event["message"], "Count");
        assert_eq!(event["outcome"], "handled");
        assert!(event["unix_ms"].is_u64() && event["waited_us"].is_u64());
    }
    node.stop().await;
}

#[actix_rt::test]
async fn a_bad_duration_is_named() {
    let node = Node::start().await;
    for (seconds, error) in [
        ("0", "seconds=0 is not between 1 and 300"),
        ("301", "seconds=301 is not between 1 and 300"),
        ("-1", "seconds=-1 is not a whole number of seconds"),
        ("soon", "seconds=soon is not a whole number of seconds"),
    ] {
        let path = format!("/actors/node-1/crowd/trace?seconds={seconds}");
        assert_eq!(node.get(&path, 400)["error"], error);
    }
    let error = node.get("/actors/node-1/nobody/trace?seconds=1", 404);
    assert_eq!(error["error"], "there is no actor /node-1/nobody");
    node.stop().await;
}

#[actix_rt::test]
async fn a_trace_that_nobody_reads_any_more_gives_its_place_back() {
    let node = Node::start().await;
    let open =
        |node: &Node| node.get("/actors/node-1/admin", 200)["observed"]["open_traces"].clone();
    // One actor that gets messages, and one that does not.
    for path in ["/actors/node-1/crowd/counter-1/trace", "/actors/node-1/crowd/counter-2/trace"] {
        let response = ureq::get(node.url(&format!("{path}?seconds=300"))).call().unwrap();
        node.until(|node| open(node) == 1).await;
        drop(response);
        node.until(|node| open(node) == 0).await;
    }
    node.stop().await;
}

#[actix_rt::test]
async fn there_are_only_so_many_traces_and_they_end_with_the_endpoint() {
    let node = Node::start().await;
    let url = node.url("/actors/node-1/crowd/trace?seconds=300");
    let traces: Vec<_> = (0..TRACES_MAX).map(|_| ureq::get(&url).call().unwrap()).collect();
    let error = node.get("/actors/node-1/crowd/trace?seconds=300", 503);
    assert_eq!(error["error"], "16 traces are open already");
    let before = node.system.clock().now();
    node.admin.stop(DEADLINE).await;
    assert!(node.system.clock().now().since(before) < Duration::from_secs(10));
    for trace in traces {
        let lines = BufReader::new(trace.into_body().into_reader()).lines();
        for line in lines.map_while(Result::ok) {
            serde_json::from_str::<Value>(&line).unwrap();
        }
    }
    node.system.shutdown(DEADLINE).await;
}
