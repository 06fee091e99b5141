//! A full mailbox does what its kind declared.

use super::*;

/// Fills a subject of capacity 2: one message in hand for a second, two waiting.
async fn filled<P: Policy>(system: &System, log: &Log) -> ActorRef<Subject<P>> {
    let subject = Subject::<P>::root(system, "s", log);
    subject.tell(Busy(SECOND)).unwrap();
    settle().await;
    subject.tell(Note(1)).unwrap();
    subject.tell(Note(2)).unwrap();
    assert_eq!(subject.figures().depth, 2);
    subject
}

#[actix_rt::test]
async fn rejecting() {
    let (system, log) = (paused(), log());
    let subject = filled::<Rejects>(&system, &log).await;
    let overloaded = SendError::Overloaded(subject.path().clone());
    assert_eq!(subject.tell(Note(3)), Err(overloaded.clone()));
    assert_eq!(subject.tell_wait(Note(4)).await, Err(overloaded.clone()));
    assert_eq!(subject.ask(Count, SECOND).await, Err(AskError::Send(overloaded)));
    tokio::time::sleep(2 * SECOND).await;
    assert_eq!(lines(&log), ["s started", "s 1", "s 2"]);
    let figures = subject.figures();
    assert_eq!((figures.rejected, figures.dropped, figures.enqueued), (3, 0, 3));
}

#[actix_rt::test]
async fn dropping_the_oldest() {
    let (system, log) = (paused(), log());
    let subject = filled::<DropsOldest>(&system, &log).await;
    subject.tell(Note(3)).unwrap();
    let displaced = subject.ask(Count, 10 * SECOND);
    subject.tell(Note(4)).unwrap();
    subject.tell(Note(5)).unwrap();
    let overloaded = SendError::Overloaded(subject.path().clone());
    assert_eq!(displaced.await, Err(AskError::Send(overloaded)));
    tokio::time::sleep(2 * SECOND).await;
    assert_eq!(lines(&log), ["s started", "s 4", "s 5"]);
    let figures = subject.figures();
    assert_eq!((figures.rejected, figures.dropped, figures.enqueued), (0, 4, 7));
    assert_eq!(figures.high_water, 2);
}

#[actix_rt::test]
async fn waiting_for_room() {
    let (system, log) = (paused(), log());
    let subject = filled::<Waits>(&system, &log).await;
    assert_eq!(subject.tell(Note(9)), Err(SendError::Overloaded(subject.path().clone())));
    let asked_at = tokio::time::Instant::now();
    let third = subject.tell_wait(Note(3));
    let fourth = subject.tell_wait(Note(4));
    let count = async {
        tokio::task::yield_now().await;
        subject.ask(Count, 5 * SECOND).await
    };
    let (third, fourth, count) = futures::join!(third, fourth, count);
    assert_eq!((third, fourth, count), (Ok(()), Ok(()), Ok(4)));
    assert!(asked_at.elapsed() > SECOND / 2, "somebody did not wait");
    assert_eq!(lines(&log), ["s started", "s 1", "s 2", "s 3", "s 4"]);
    assert_eq!(subject.figures().high_water, 2);
}

#[actix_rt::test]
async fn waiting_for_room_ends_at_the_deadline_and_leaves_no_place_behind() {
    let (system, log) = (paused(), log());
    let subject = filled::<Waits>(&system, &log).await;
    let timeout = AskError::Timeout(subject.path().clone());
    assert_eq!(subject.ask(Count, SECOND / 4).await, Err(timeout));
    // A sender that gives up after its place has been granted gives the place back.
    let mut waiting = Box::pin(subject.tell_wait(Note(3)));
    assert!(futures::poll!(waiting.as_mut()).is_pending());
    tokio::time::sleep(2 * SECOND).await;
    drop(waiting);
    subject.tell(Busy(SECOND)).unwrap();
    settle().await;
    subject.tell(Note(4)).unwrap();
    subject.tell(Note(5)).unwrap();
    assert!(subject.tell(Note(6)).is_err());
    tokio::time::sleep(2 * SECOND).await;
    assert_eq!(lines(&log), ["s started", "s 1", "s 2", "s 4", "s 5"]);
}

#[actix_rt::test]
async fn who_waits_for_room_is_told_of_the_stop() {
    let (system, log) = (paused(), log());
    let subject = filled::<Waits>(&system, &log).await;
    let waiting = subject.tell_wait(Note(3));
    let stop = async {
        settle().await;
        subject.stop();
    };
    let (told, ()) = futures::join!(waiting, stop);
    assert_eq!(told, Err(SendError::Stopped(subject.path().clone())));
}
