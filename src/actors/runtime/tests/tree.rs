//! Parents, children, and the order in which they end.

use super::*;

/// A subject that gets two children, the second with a child of its own.
async fn family(system: &System, log: &Log) -> ActorRef<Subject<Plain>> {
    let parent = Subject::<Plain>::root(system, "parent", log);
    let log = log.clone();
    parent
        .tell(act::<Plain>(move |_, ctx| {
            let (first, second, third) = (log.clone(), log.clone(), log);
            ctx.child("first", Thread::Same, move || Subject::<Plain>::new("first", &first));
            let second =
                ctx.child("second", Thread::Any, move || Subject::<Plain>::new("second", &second));
            let grandchild = act::<Plain>(move |_, ctx| {
                ctx.child("third", Thread::Dedicated, move || {
                    Subject::<Plain>::new("third", &third)
                });
            });
            second.tell(grandchild).unwrap();
        }))
        .unwrap();
    settle().await;
    parent
}

#[actix_rt::test]
async fn paths_are_the_tree() {
    let (system, log) = (paused(), log());
    family(&system, &log).await;
    let paths: Vec<String> = system.actors().iter().map(|actor| actor.path.to_string()).collect();
    let expected = [
        "/node-1/parent",
        "/node-1/parent/first",
        "/node-1/parent/second",
        "/node-1/parent/second/third",
    ];
    assert_eq!(paths, expected);
}

#[actix_rt::test]
async fn children_stop_before_their_parents() {
    let (system, log) = (paused(), log());
    let parent = family(&system, &log).await;
    log.lock().clear();
    parent.stop();
    parent.stopped().await;
    let lines = lines(&log);
    let at = |line: &str| lines.iter().position(|other| other == line).unwrap();
    assert!(at("third dropped") < at("second stopping"));
    assert!(at("second dropped") < at("parent stopping"));
    assert!(at("first dropped") < at("parent stopping"));
    assert!(system.actors().is_empty());
}

#[actix_rt::test]
async fn children_stop_when_their_parent_restarts() {
    let (system, log) = (paused(), log());
    let parent = family(&system, &log).await;
    parent.tell(Boom).unwrap();
    tokio::time::sleep(SECOND).await;
    let paths: Vec<String> = system.actors().iter().map(|actor| actor.path.to_string()).collect();
    assert_eq!(paths, ["/node-1/parent"]);
    let lines = lines(&log);
    let at = |line: &str| lines.iter().position(|other| other == line).unwrap();
    assert!(at("third dropped") < at("second dropped"));
    assert!(at("second dropped") < at("parent dropped"));
}

#[actix_rt::test]
async fn shutdown_stops_the_roots_in_reverse_order_of_their_start() {
    let (system, log) = (paused(), log());
    for name in ["a", "b", "c"] {
        Subject::<Plain>::root(&system, name, &log);
    }
    settle().await;
    log.lock().clear();
    system.shutdown(SECOND).await;
    let stopping: Vec<String> =
        lines(&log).into_iter().filter(|line| line.ends_with("stopping")).collect();
    assert_eq!(stopping, ["c stopping", "b stopping", "a stopping"]);
}

#[actix_rt::test]
async fn shutdown_goes_on_without_an_actor_that_does_not_stop() {
    let (system, log) = (paused(), log());
    let patient = Subject::<Plain>::root(&system, "patient", &log);
    system.spawn_root("stubborn", Thread::Same, || Stubborn);
    settle().await;
    let since = tokio::time::Instant::now();
    system.shutdown(SECOND).await;
    assert_eq!(since.elapsed().as_secs(), 1);
    settle().await;
    assert!(!patient.is_alive(), "it was told to stop all the same");
}

/// Its last words have no end.
struct Stubborn;

impl Actor for Stubborn {
    const KIND: &'static str = "stubborn";

    fn stopping(&mut self, ctx: &mut Context<Self>) {
        ctx.wait(std::future::pending());
    }
}

#[actix_rt::test]
async fn last_words_may_take_their_time() {
    let (system, log) = (paused(), log());
    struct Saver(Log);
    impl Actor for Saver {
        const KIND: &'static str = "saver";
        fn stopping(&mut self, ctx: &mut Context<Self>) {
            let log = self.0.clone();
            ctx.wait(async move {
                tokio::time::sleep(SECOND).await;
                log.lock().push("saved".to_owned());
            });
        }
    }
    let kept = log.clone();
    let saver = system.spawn_root("saver", Thread::Same, move || Saver(kept.clone()));
    settle().await;
    saver.stop();
    saver.stopped().await;
    assert_eq!(lines(&log), ["saved"]);
}

#[actix_rt::test]
async fn a_taken_name_gets_a_number() {
    let (system, log) = (paused(), log());
    let parent = Subject::<Plain>::root(&system, "parent", &log);
    for _ in 0..3 {
        let log = log.clone();
        parent
            .tell(act::<Plain>(move |_, ctx| {
                ctx.child("twin", Thread::Same, move || Subject::<Plain>::new("twin", &log));
            }))
            .unwrap();
    }
    settle().await;
    let names: Vec<String> =
        system.actors().iter().map(|actor| actor.path.name().to_owned()).collect();
    assert_eq!(names, ["parent", "twin", "twin~2", "twin~3"]);
}

#[actix_rt::test]
async fn an_actor_can_stop_itself_and_its_parent_goes_on() {
    let (system, log) = (paused(), log());
    let parent = family(&system, &log).await;
    let second = system.actors().into_iter().find(|actor| actor.path.name() == "second");
    assert!(second.is_some());
    parent
        .tell(act::<Plain>(|_, ctx| {
            let children = ctx.children();
            assert_eq!(children.len(), 2);
        }))
        .unwrap();
    let stops = Subject::<Plain>::root(&system, "s", &log);
    stops.tell(act::<Plain>(|_, ctx| ctx.stop())).unwrap();
    let unheard = stops.ask(Count, SECOND).await;
    assert_eq!(unheard, Err(AskError::Send(SendError::Stopped(stops.path().clone()))));
    assert!(parent.ask(Count, SECOND).await.is_ok());
}
