//! What mailboxes count.

use super::*;

#[actix_rt::test]
async fn waits_and_the_message_in_hand_are_measured() {
    let (system, log) = (paused(), log());
    let subject = Subject::<Plain>::root(&system, "s", &log);
    subject.tell(Busy(SECOND)).unwrap();
    subject.tell(Note(1)).unwrap();
    tokio::time::sleep(5 * SECOND).await;
    let figures = subject.figures();
    assert_eq!((figures.enqueued, figures.handled, figures.depth), (2, 2, 0));
    assert_eq!(figures.high_water, 2);
    assert!((1_000_000..1_010_000).contains(&figures.wait.max_us), "{figures:?}");
    assert_eq!(figures.in_hand, None);
}

#[test]
fn the_message_in_hand_is_seen_from_another_thread() {
    let system = System::start(SystemOptions { core_threads: 1, ..SystemOptions::default() });
    let log = log();
    let subject =
        system.spawn_root("s", Thread::Dedicated, move || Subject::<Plain>::new("s", &log));
    let (go, gate) = std::sync::mpsc::channel::<()>();
    let (ready, at_gate) = std::sync::mpsc::channel();
    subject
        .tell(act::<Plain>(move |_, _| {
            ready.send(()).unwrap();
            gate.recv().unwrap();
        }))
        .unwrap();
    at_gate.recv().unwrap();
    let figures = subject.figures();
    assert_eq!(figures.in_hand.as_ref().map(|in_hand| in_hand.message), Some("Do"));
    assert_eq!((figures.enqueued, figures.handled, figures.depth), (1, 0, 0));
    go.send(()).unwrap();
    actix_rt::System::new().block_on(async {
        subject.ask(Count, 10 * SECOND).await.unwrap();
        system.shutdown(10 * SECOND).await;
    });
    assert_eq!(subject.figures().handled, 2);
}
