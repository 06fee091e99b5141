//! With real threads and real time.

use std::{collections::BTreeSet, thread::ThreadId};

use super::*;

fn threads(core_threads: usize) -> System {
    System::start(SystemOptions { core_threads, ..SystemOptions::default() })
}

fn spawn(system: &System, name: &'static str, thread: Thread) -> ActorRef<Subject<Plain>> {
    let log = log();
    system.spawn_root(name, thread, move || Subject::new(name, &log))
}

struct Where;
message!(Where => ThreadId);

impl Handler<Where> for Subject<Plain> {
    fn handle(&mut self, _: Where, reply: ReplyTo<ThreadId>, _ctx: &mut Context<Self>) {
        reply.send(std::thread::current().id());
    }
}

async fn thread_of(actor: &ActorRef<Subject<Plain>>) -> ThreadId {
    actor.ask(Where, 10 * SECOND).await.unwrap()
}

#[tokio::test]
async fn asking_across_threads_from_any_runtime() {
    let system = threads(2);
    let subject = spawn(&system, "s", Thread::Any);
    assert_ne!(thread_of(&subject).await, std::thread::current().id());
    for number in 0..1_000 {
        subject.tell_wait(Note(number)).await.unwrap();
        if number % 100 == 0 {
            subject.ask(Count, 10 * SECOND).await.unwrap();
        }
    }
    assert_eq!(subject.ask(Count, 10 * SECOND).await, Ok(1_000));
    system.shutdown(10 * SECOND).await;
    assert!(!subject.is_alive());
}

#[tokio::test]
async fn any_takes_the_core_threads_in_turn_and_dedicated_none_of_them() {
    let system = threads(2);
    let mut core = BTreeSet::new();
    for name in ["a", "b", "c", "d"] {
        core.insert(format!("{:?}", thread_of(&spawn(&system, name, Thread::Any)).await));
    }
    assert_eq!(core.len(), 2);
    let dedicated = spawn(&system, "e", Thread::Dedicated);
    assert!(!core.contains(&format!("{:?}", thread_of(&dedicated).await)));
    dedicated.stop();
    dedicated.stopped().await;
    system.shutdown(10 * SECOND).await;
}

#[tokio::test]
async fn a_child_on_the_same_thread_is_on_that_of_its_parent() {
    let system = threads(2);
    let parent = spawn(&system, "parent", Thread::Dedicated);
    let (sender, child) = std::sync::mpsc::channel();
    let start = act::<Plain>(move |_, ctx| {
        let log = log();
        let child = ctx.child("child", Thread::Same, move || Subject::<Plain>::new("child", &log));
        sender.send(child).unwrap();
    });
    parent.ask(start, 10 * SECOND).await.unwrap();
    let child = child.recv().unwrap();
    assert_eq!(thread_of(&child).await, thread_of(&parent).await);
    system.shutdown(10 * SECOND).await;
    assert!(!child.is_alive());
}

#[tokio::test]
async fn every_sender_keeps_its_order_beside_the_others() {
    let system = threads(2);
    let log = log();
    let written = log.clone();
    let subject = system.spawn_root("s", Thread::Any, move || Subject::<Waits>::new("s", &written));
    let senders: Vec<_> = (0..4u64)
        .map(|sender| {
            let subject = subject.clone();
            tokio::spawn(async move {
                for number in 0..500 {
                    subject.tell_wait(Note(sender * 1_000 + number)).await.unwrap();
                }
            })
        })
        .collect();
    for sender in senders {
        sender.await.unwrap();
    }
    assert_eq!(subject.ask(Count, 10 * SECOND).await, Ok(2_000));
    let heard: Vec<u64> = lines(&log).iter().filter_map(|line| line[2..].parse().ok()).collect();
    for sender in 0..4 {
        let own: Vec<u64> =
            heard.iter().copied().filter(|number| number / 1_000 == sender).collect();
        assert!(own.is_sorted() && own.len() == 500);
    }
    assert!(subject.figures().high_water <= 2);
    system.shutdown(10 * SECOND).await;
}

#[tokio::test]
async fn a_panic_ends_neither_the_thread_nor_its_neighbours() {
    let system = threads(1);
    let loud = spawn(&system, "loud", Thread::Any);
    let quiet = spawn(&system, "quiet", Thread::Any);
    assert!(matches!(loud.ask(Boom, 10 * SECOND).await, Err(AskError::Failed(_))));
    assert_eq!(quiet.ask(Count, 10 * SECOND).await, Ok(0));
    assert_eq!(loud.ask(Count, 10 * SECOND).await, Ok(0));
    system.shutdown(10 * SECOND).await;
}

/// Many messages of one actor, each of which takes long, do not keep the others of its thread waiting for all of them.
#[tokio::test]
async fn heavy_messages_leave_others_their_turn() {
    let system = threads(1);
    let (busy, other) = (spawn(&system, "busy", Thread::Any), spawn(&system, "other", Thread::Any));
    let (go, gate) = std::sync::mpsc::channel::<()>();
    let handled = Arc::new(Mutex::new(0));
    busy.tell(act::<Plain>(move |_, _| gate.recv().unwrap())).unwrap();
    for _ in 0..100 {
        let handled = handled.clone();
        let heavy = act::<Plain>(move |_, ctx| {
            let clock = ctx.system().clock().clone();
            let began = clock.now();
            while clock.now().since(began) < Duration::from_millis(1) {}
            *handled.lock() += 1;
        });
        busy.tell(heavy).unwrap();
    }
    let seen = handled.clone();
    let look = other.ask(act::<Plain>(move |_, _| *seen.lock() += 1000), 10 * SECOND);
    go.send(()).unwrap();
    look.await.unwrap();
    let handled = *handled.lock();
    assert!(handled < 1100, "{handled}: the other's message was handled after all of them");
    system.shutdown(10 * SECOND).await;
}
