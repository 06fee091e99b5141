//! What a link says of itself.

use bytes::Bytes;
use futures::future::join_all;

use super::subject::Note;
use super::worlds::{Grpc, LONG, World, heard, quick, until};
use crate::actors::bridge::{BridgeOptions, DescribeActor, Echo, ListActors, Phase};
use crate::actors::runtime::ActorPath;

#[actix_rt::test]
async fn a_link_says_what_it_has_done() {
    let world = Grpc::begin(quick());
    world.subject::<false>(&heard());
    let notes = world.to_subject::<Note>();
    for number in 0..5 {
        notes.tell(Note(number)).unwrap();
    }
    assert_eq!(notes.ask(Note(5), LONG).await, Ok(()));
    until("a round trip is measured", || world.lane("data").round_trip_us.is_some()).await;
    let lane = world.lane("data");
    assert_eq!((lane.state, lane.sent_messages, lane.answers), (Phase::Open, 6, 1));
    assert_eq!((lane.queued_messages, lane.in_flight, lane.lost), (0, 0, 0));
    assert_eq!((lane.reconnects, lane.overloaded), (0, 0));
    assert!((994..=1000).contains(&lane.credit_messages), "{lane:?}");
    assert!(lane.sent_bytes > 6 * 32, "{lane:?}");
    assert_eq!(world.lane("raft").state, Phase::Idle, "a class nobody uses opens no stream");

    let there = world.b().bridge.links();
    assert_eq!((there.len(), there[0].node.as_str()), (1, "a"));
    assert!(there[0].sends.is_empty(), "it has nothing to say");
    let (class, served) = there[0].serves[0];
    assert_eq!((class, served.open, served.streams), ("data", true, 1));
    assert_eq!((served.received_messages, served.answers), (6, 1));
    assert_eq!((served.missing_messages, served.refused_messages), (0, 0));
    assert_eq!(served.received_bytes, lane.sent_bytes);

    let link = world.a().system.actor("/a/bridge/b").await.unwrap();
    assert_eq!(link.snapshot.kind, "link");
    assert_eq!(link.observed.unwrap()["sends"][1]["state"], "open");
    let endpoint = world.a().system.actor("/a/bridge").await.unwrap().observed.unwrap();
    assert_eq!(endpoint["links"][0]["node"], "b");
    assert_eq!(endpoint["messages_encoded"], 6);
    world.end().await;
}

#[actix_rt::test]
async fn every_bridge_answers_an_echo() {
    let world = Grpc::begin(quick());
    let echo = world.a().bridge.address::<Echo>("/b/bridge");
    assert_eq!(echo.ask(Echo("hello".into()), LONG).await, Ok("hello".into()));
    let own = world.a().bridge.address::<Echo>("/a/bridge");
    assert!(own.is_local());
    assert_eq!(own.ask(Echo("hello".into()), LONG).await, Ok("hello".into()));
    world.end().await;
}

#[actix_rt::test]
async fn many_big_answers_do_not_make_one_big_frame() {
    let world = Grpc::begin(BridgeOptions { message_bytes_max: 4 << 20, ..quick() });
    let echo = world.a().bridge.address::<Echo>("/b/bridge");
    let payload = Bytes::from(vec![7; 2 << 20]);
    let asked: Vec<_> = (0..8).map(|_| echo.ask(Echo(payload.clone()), LONG)).collect();
    for answer in join_all(asked).await {
        assert!(answer.is_ok_and(|answer| answer == payload));
    }
    assert_eq!(world.lane("control").reconnects, 0);
    world.end().await;
}

#[actix_rt::test]
async fn the_actors_of_another_node_can_be_looked_at() {
    let world = Grpc::begin(quick());
    world.subject::<false>(&heard());
    let list = world.a().bridge.address::<ListActors>("/b/bridge/observer");
    let listed = list.ask(ListActors { under: None, limit: 100 }, LONG).await.unwrap();
    let listed: serde_json::Value = serde_json::from_slice(&listed).unwrap();
    let paths: Vec<&str> =
        listed.as_array().unwrap().iter().filter_map(|actor| actor["path"].as_str()).collect();
    assert_eq!(paths, ["/b/bridge", "/b/bridge/observer", "/b/subject"]);
    let few = ListActors { under: Some(ActorPath::new("/b/bridge")), limit: 1 };
    let listed = list.ask(few, LONG).await.unwrap();
    let listed: serde_json::Value = serde_json::from_slice(&listed).unwrap();
    assert_eq!(listed.as_array().unwrap().len(), 1);

    let describe = world.a().bridge.address::<DescribeActor>("/b/bridge/observer");
    let bridge = describe.ask(DescribeActor("/b/bridge".into()), LONG).await.unwrap().unwrap();
    let bridge: serde_json::Value = serde_json::from_slice(&bridge).unwrap();
    assert_eq!(bridge["observed"]["links"][0]["node"], "a");
    assert_eq!(describe.ask(DescribeActor("/b/nobody".into()), LONG).await, Ok(None));
    world.end().await;
}

#[actix_rt::test]
async fn a_service_that_moves_is_followed() {
    let world = Grpc::begin(quick());
    let heard = heard();
    let subject = world.subject::<false>(&heard);
    let _ = world.b().bridge.export(&subject).at("/notes/writer").message::<Note>();
    let notes = world.a().bridge.address::<Note>("/notes/writer");
    assert!(notes.tell(Note(1)).is_err(), "nobody knows where that is");
    let registry = world.a().system.registry();
    registry.announce("/notes".into(), "b".to_owned());
    assert_eq!(notes.ask(Note(2), LONG).await, Ok(()));
    registry.announce("/notes".into(), "a".to_owned());
    assert!(notes.is_local());
    assert!(notes.tell(Note(3)).is_err());
    registry.withdraw_node("b");
    let direct = world.to_subject::<Note>();
    assert!(direct.tell(Note(4)).is_err(), "the registry has dropped the node");
    assert_eq!(*heard.lock(), [2]);
    world.end().await;
}
