//! What happens after a panic.

use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

fn state(system: &System, path: &str) -> Option<ActorState> {
    system.actors().into_iter().find(|actor| actor.path.as_str() == path).map(|actor| actor.state)
}

#[actix_rt::test]
async fn a_panicking_actor_restarts_with_backoff_and_its_figures_go_on() {
    let (system, log) = (paused(), log());
    let subject = Subject::<Plain>::root(&system, "s", &log);
    subject.tell(Note(1)).unwrap();
    subject.tell(Boom).unwrap();
    subject.tell(Note(2)).unwrap();
    tokio::time::sleep(Duration::from_millis(90)).await;
    assert_eq!(state(&system, "/node-1/s"), Some(ActorState::Restarting));
    assert_eq!(subject.figures().depth, 1, "messages wait for the restart");
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(lines(&log), ["s started", "s 1", "s dropped", "s started", "s 2"]);
    assert_eq!(subject.ask(Count, SECOND).await, Ok(1), "the state is fresh");
    let snapshot = system.actors().remove(0);
    assert_eq!((snapshot.restarts, snapshot.panics), (1, 1));
    assert_eq!(snapshot.state, ActorState::Running);
    assert_eq!((snapshot.mailbox.enqueued, snapshot.mailbox.handled), (4, 4));
    assert_eq!(snapshot.mailbox.messages["Note"], 2);
}

#[actix_rt::test]
async fn each_restart_in_the_window_waits_twice_as_long() {
    let (system, log) = (paused(), log());
    let subject = Subject::<Plain>::root(&system, "s", &log);
    let mut waits = Vec::new();
    for _ in 0..4 {
        subject.tell(Boom).unwrap();
        let since = tokio::time::Instant::now();
        subject.ask(Count, 60 * SECOND).await.unwrap();
        waits.push(since.elapsed().as_millis() / 10 * 10);
    }
    assert_eq!(waits, [100, 200, 400, 800]);
}

#[actix_rt::test]
async fn over_the_limit_a_root_aborts_the_process() {
    let (system, log) = (paused(), log());
    let aborted = log.clone();
    system
        .set_abort_hook(move |path, reason| aborted.lock().push(format!("abort {path}: {reason}")));
    let subject = Subject::<OneRestart>::root(&system, "s", &log);
    subject.tell(Boom).unwrap();
    tokio::time::sleep(SECOND).await;
    assert!(subject.is_alive());
    subject.tell(Boom).unwrap();
    tokio::time::sleep(SECOND).await;
    assert_eq!(lines(&log)[3], "abort /node-1/s: /node-1/s panicked in Boom: boom in s");
    assert!(!subject.is_alive(), "with the abort replaced, the actor ends");
}

#[actix_rt::test]
async fn outside_the_window_restarts_are_forgiven() {
    let (system, log) = (paused(), log());
    let subject = Subject::<OneRestart>::root(&system, "s", &log);
    for _ in 0..5 {
        subject.tell(Boom).unwrap();
        tokio::time::sleep(Duration::from_secs(61)).await;
        assert!(subject.is_alive());
    }
    assert_eq!(system.actors()[0].restarts, 5);
}

#[actix_rt::test]
async fn an_actor_of_a_kind_that_stops_stops_alone() {
    let (system, log) = (paused(), log());
    let other = Subject::<Plain>::root(&system, "other", &log);
    let subject = Subject::<StopsOnPanic>::root(&system, "s", &log);
    assert!(subject.ask(Boom, SECOND).await.is_err());
    settle().await;
    assert!(!subject.is_alive());
    assert!(other.ask(Count, SECOND).await.is_ok());
    assert!(!lines(&log).contains(&"s stopping".to_owned()), "no last words after a panic");
    assert!(lines(&log).contains(&"s dropped".to_owned()));
}

/// A parent that starts a child whenever it starts, and keeps the reference where the test finds it.
struct Keeper<P: Policy> {
    log: Log,
    child: Arc<Mutex<Option<ActorRef<Subject<P>>>>>,
}

impl<P: Policy> Actor for Keeper<P> {
    const KIND: &'static str = "keeper";

    fn started(&mut self, ctx: &mut Context<Self>) {
        self.log.lock().push("keeper started".to_owned());
        let log = self.log.clone();
        let child = ctx.child("child", Thread::Same, move || Subject::new("child", &log));
        *self.child.lock() = Some(child);
    }
}

impl<P: Policy> Drop for Keeper<P> {
    fn drop(&mut self) {
        self.log.lock().push("keeper dropped".to_owned());
    }
}

type Kept<P> = Arc<Mutex<Option<ActorRef<Subject<P>>>>>;

async fn keeper<P: Policy>(system: &System, log: &Log) -> (ActorRef<Keeper<P>>, Kept<P>) {
    let child = Kept::<P>::default();
    let (log, kept) = (log.clone(), child.clone());
    let keeper = system.spawn_root("keeper", Thread::Same, move || Keeper {
        log: log.clone(),
        child: kept.clone(),
    });
    settle().await;
    (keeper, child)
}

#[actix_rt::test]
async fn a_panicking_child_restarts_with_backoff_and_its_parent_goes_on() {
    let (system, log) = (paused(), log());
    let (keeper, child) = keeper::<Plain>(&system, &log).await;
    let child = child.lock().clone().unwrap();
    child.tell(Note(1)).unwrap();
    child.tell(Boom).unwrap();
    child.tell(Note(2)).unwrap();
    tokio::time::sleep(Duration::from_millis(90)).await;
    assert_eq!(state(&system, "/node-1/keeper/child"), Some(ActorState::Restarting));
    tokio::time::sleep(SECOND).await;
    let expected =
        ["keeper started", "child started", "child 1", "child dropped", "child started", "child 2"];
    assert_eq!(lines(&log), expected);
    let snapshot = system.actors().into_iter().find(|actor| actor.path == *child.path()).unwrap();
    assert_eq!((snapshot.restarts, snapshot.panics), (1, 1));
    assert_eq!((snapshot.mailbox.enqueued, snapshot.mailbox.handled), (3, 3), "they go on");
    let parent = system.actors().into_iter().find(|actor| actor.path == *keeper.path()).unwrap();
    assert_eq!((parent.restarts, parent.panics), (0, 0));
}

#[actix_rt::test]
async fn a_child_that_escalates_takes_its_parent_with_it() {
    let (system, log) = (paused(), log());
    let (keeper, child) = keeper::<Escalates>(&system, &log).await;
    let old = child.lock().clone().unwrap();
    old.tell(Boom).unwrap();
    tokio::time::sleep(SECOND).await;
    let new = child.lock().clone().unwrap();
    assert!(!old.is_alive() && new.is_alive() && keeper.is_alive());
    assert_eq!(old.path(), new.path());
    // The child is gone before the parent's state is, and only then there is a new parent.
    let expected = [
        "keeper started",
        "child started",
        "child dropped",
        "keeper dropped",
        "keeper started",
        "child started",
    ];
    assert_eq!(lines(&log), expected);
    let snapshot = &system.actors()[0];
    assert_eq!((snapshot.restarts, snapshot.panics), (1, 0), "the panic was the child's");
}

#[actix_rt::test]
async fn a_child_over_its_limit_escalates_and_then_its_parent_too() {
    let (system, log) = (paused(), log());
    let aborts = Arc::new(AtomicU32::new(0));
    let counted = aborts.clone();
    system.set_abort_hook(move |path, _| {
        assert_eq!(path.as_str(), "/node-1/keeper");
        counted.fetch_add(1, Ordering::Relaxed);
    });
    let (keeper, child) = keeper::<OneRestart>(&system, &log).await;
    let mut panics = 0;
    while keeper.is_alive() {
        let current = child.lock().clone().unwrap();
        let _ = current.tell(Boom);
        panics += 1;
        assert!(panics < 50, "never escalated");
        tokio::time::sleep(2 * SECOND).await;
    }
    // Five restarts of the keeper are borne; each costs two panics of the child, and so does the escalation.
    assert_eq!(system.failures().len(), 12);
    assert_eq!(aborts.load(Ordering::Relaxed), 1);
}

#[actix_rt::test]
async fn a_panic_in_a_spawned_future_a_timer_or_a_continuation_is_the_actors() {
    let (system, log) = (paused(), log());
    let subject = Subject::<Plain>::root(&system, "s", &log);
    subject.tell(act::<Plain>(|_, ctx| ctx.spawn(async { panic!("in a future") }))).unwrap();
    tokio::time::sleep(SECOND).await;
    assert_eq!(system.actors()[0].restarts, 1, "it does not take a message to restart");
    subject
        .tell(act::<Plain>(|_, ctx| drop(ctx.run_later(SECOND, |_, _| panic!("in a timer")))))
        .unwrap();
    tokio::time::sleep(3 * SECOND).await;
    assert_eq!(system.actors()[0].restarts, 2);
    subject
        .tell(act::<Plain>(|_, ctx| {
            ctx.spawn_then(async {}, |_, (), _| panic!("in a continuation"))
        }))
        .unwrap();
    tokio::time::sleep(3 * SECOND).await;
    subject.tell(act::<Plain>(|_, ctx| ctx.wait(async { panic!("in a wait") }))).unwrap();
    tokio::time::sleep(3 * SECOND).await;
    let failures: Vec<(&str, String)> =
        system.failures().into_iter().map(|failure| (failure.message, failure.panic)).collect();
    let expected = [
        ("task", "in a future".to_owned()),
        ("timer", "in a timer".to_owned()),
        ("task", "in a continuation".to_owned()),
        ("wait", "in a wait".to_owned()),
    ];
    assert_eq!(failures, expected);
    assert_eq!(system.actors()[0].restarts, 4);
}

#[actix_rt::test]
async fn a_panic_in_started_is_judged_like_any_other() {
    struct Flaky(Arc<AtomicU32>);
    impl Actor for Flaky {
        const KIND: &'static str = "flaky";
        fn started(&mut self, _ctx: &mut Context<Self>) {
            assert!(self.0.fetch_add(1, Ordering::Relaxed) >= 2, "not yet");
        }
    }
    let system = paused();
    let starts = Arc::new(AtomicU32::new(0));
    let counted = starts.clone();
    let flaky = system.spawn_root("flaky", Thread::Same, move || Flaky(counted.clone()));
    tokio::time::sleep(SECOND).await;
    assert!(flaky.is_alive());
    assert_eq!(starts.load(Ordering::Relaxed), 3);
    assert_eq!(system.failures()[0].message, "started");
}

#[actix_rt::test]
async fn what_an_actor_has_spawned_ends_with_its_life() {
    let (system, log) = (paused(), log());
    let subject = Subject::<Plain>::root(&system, "s", &log);
    let late = log.clone();
    subject
        .tell(act::<Plain>(move |_, ctx| {
            ctx.spawn(async move {
                tokio::time::sleep(SECOND).await;
                late.lock().push("still there".to_owned());
            });
        }))
        .unwrap();
    subject.tell(Boom).unwrap();
    tokio::time::sleep(5 * SECOND).await;
    assert_eq!(lines(&log), ["s started", "s dropped", "s started"]);
}
