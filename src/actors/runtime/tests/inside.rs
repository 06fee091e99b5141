//! Looking inside: traces, details, failures, metrics.

use super::*;

#[actix_rt::test]
async fn a_trace_shows_the_messages_of_an_actor_and_of_those_below() {
    let (system, log) = (paused(), log());
    let parent = Subject::<Rejects>::root(&system, "parent", &log);
    let other = Subject::<Plain>::root(&system, "parent-2", &log);
    let mut trace = system.trace("/node-1/parent");
    let child_log = log.clone();
    let start_child = act::<Rejects>(move |_, ctx| {
        let child =
            ctx.child("child", Thread::Same, move || Subject::<Plain>::new("child", &child_log));
        child.tell(Boom).unwrap();
    });
    parent.tell(start_child).unwrap();
    other.tell(Note(1)).unwrap();
    settle().await;
    parent.tell(Busy(SECOND)).unwrap();
    settle().await;
    parent.tell(Note(1)).unwrap();
    parent.tell(Note(2)).unwrap();
    assert!(parent.tell(Note(3)).is_err());
    tokio::time::sleep(3 * SECOND).await;
    let mut seen = Vec::new();
    while let Some(event) = trace.try_recv() {
        seen.push((event.path.name().to_owned(), event.message, event.outcome));
        if event.message == "Note" && event.outcome == TraceOutcome::Handled {
            assert!(event.waited_us > 900_000, "{event:?}");
        }
    }
    let expected = [
        ("parent", "Do", TraceOutcome::Handled),
        ("child", "Boom", TraceOutcome::Panicked),
        ("parent", "Busy", TraceOutcome::Handled),
        ("parent", "Note", TraceOutcome::Rejected),
        ("parent", "Note", TraceOutcome::Handled),
        ("parent", "Note", TraceOutcome::Handled),
    ];
    let expected: Vec<_> =
        expected.into_iter().map(|(path, m, o)| (path.to_owned(), m, o)).collect();
    assert_eq!(seen, expected);
}

#[actix_rt::test]
async fn an_actor_says_what_is_inside_even_while_it_waits() {
    let (system, log) = (paused(), log());
    let subject = Subject::<Plain>::root(&system, "s", &log);
    subject.tell(Note(1)).unwrap();
    subject.tell(Busy(60 * SECOND)).unwrap();
    settle().await;
    let detail = system.actor("/node-1/s").await.unwrap();
    assert_eq!(detail.observed, Some(json!({ "heard": 1 })));
    let shown = serde_json::to_value(&detail).unwrap();
    assert_eq!(shown["path"], "/node-1/s");
    assert_eq!(shown["state"], "running");
    assert_eq!(shown["overflow"], "reject");
    assert_eq!(shown["messages"], json!({ "Busy": 1, "Note": 1 }));
    assert!(shown["wait"]["p99_us"].is_u64());
    assert_eq!(system.actor("/node-1/nobody").await, None);
}

#[actix_rt::test]
async fn failures_are_remembered() {
    let (system, log) = (paused(), log());
    let subject = Subject::<Plain>::root(&system, "s", &log);
    subject.tell(Boom).unwrap();
    settle().await;
    let failures = system.failures();
    let expected = Failure {
        path: subject.path().clone(),
        kind: "subject",
        message: "Boom",
        panic: "boom in s".to_owned(),
        unix_ms: failures[0].unix_ms,
    };
    assert_eq!(failures, [expected]);
}

#[actix_rt::test]
async fn metrics_of_a_kind_go_on_when_its_actors_are_gone() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let (system, log) = (paused(), log());
    let subject = Subject::<Plain>::root(&system, "s", &log);
    for number in 0..3 {
        subject.tell(Note(number)).unwrap();
    }
    settle().await;
    let text = |system: &System| {
        ::metrics::with_local_recorder(&recorder, || {
            super::super::metrics::publish_metrics(system)
        });
        recorder.handle().render()
    };
    let handled = r#"troupe_actor_messages_total{kind="subject",outcome="handled"} 3"#;
    let shown = text(&system);
    assert!(shown.contains(handled), "{shown}");
    assert!(shown.contains(r#"troupe_actors{kind="subject"} 1"#), "{shown}");
    subject.stop();
    subject.stopped().await;
    assert!(text(&system).contains(handled));
}

#[actix_rt::test]
async fn paths_resolve_to_the_node_of_their_longest_prefix() {
    let system = paused();
    let registry = system.registry();
    registry.announce(ActorPath::new("/node-1/store-1/region-7"), "node-3".to_owned());
    let resolve = |path: &str| registry.resolve(&ActorPath::new(path));
    assert_eq!(resolve("/node-1/gateway/conn-1").as_deref(), Some("node-1"));
    assert_eq!(resolve("/node-1/store-1/region-7/applier").as_deref(), Some("node-3"));
    assert_eq!(resolve("/node-1/store-1/region-77").as_deref(), Some("node-1"));
    assert_eq!(resolve("/node-2/store-1"), None);
}
