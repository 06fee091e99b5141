//! `deliver`: messages whose asker is elsewhere.

use std::sync::Arc;

use parking_lot::Mutex;

use super::*;

/// How questions have ended.
type Ends = Arc<Mutex<Vec<Result<u64, Refusal>>>>;

struct Elsewhere(Ends);

impl Asker<u64> for Elsewhere {
    fn answer(self: Box<Self>, outcome: Result<u64, Refusal>) {
        self.0.lock().push(outcome);
    }

    fn is_waiting(&self) -> bool {
        true
    }
}

fn away(ends: &Ends) -> ReplyTo<u64> {
    ReplyTo::away(Box::new(Elsewhere(ends.clone())))
}

#[actix_rt::test]
async fn an_asker_elsewhere_is_told_how_its_question_ends() {
    let system = paused();
    let subject = Subject::<Plain>::root(&system, "a", &log());
    let ends = Ends::default();
    assert!(subject.deliver(Note(1), ReplyTo::nobody()).is_none());
    assert!(subject.deliver(Count, away(&ends)).is_none());
    assert!(subject.deliver(Forget, away(&ends)).is_none());
    assert!(subject.deliver(Boom, away(&ends)).is_none());
    settle().await;
    subject.stop();
    subject.stopped().await;
    assert!(subject.deliver(Count, away(&ends)).is_none());
    let stopped = Refusal::NotDelivered(SendError::Stopped(subject.path().clone()));
    let expected = [Ok(1), Err(Refusal::NoReply), Err(Refusal::Panicked), Err(stopped)];
    assert_eq!(*ends.lock(), expected);
}

#[actix_rt::test]
async fn a_full_mailbox_tells_an_asker_elsewhere() {
    let system = paused();
    let subject = Subject::<Rejects>::root(&system, "a", &log());
    let ends = Ends::default();
    subject.tell(Busy(SECOND)).unwrap();
    settle().await;
    for _ in 0..3 {
        assert!(subject.deliver(Count, away(&ends)).is_none());
    }
    let full = Refusal::NotDelivered(SendError::Overloaded(subject.path().clone()));
    assert_eq!(*ends.lock(), [Err(full)]);
}

#[actix_rt::test]
async fn who_waits_for_room_is_not_overtaken() {
    let system = paused();
    let log = log();
    let subject = Subject::<Waits>::root(&system, "a", &log);
    subject.tell(Busy(SECOND)).unwrap();
    settle().await;
    for number in 1..=2 {
        assert!(subject.deliver(Note(number), ReplyTo::nobody()).is_none());
    }
    let third = subject.deliver(Note(3), ReplyTo::nobody()).expect("it is full");
    tokio::time::sleep(SECOND * 2).await;
    // There is room, but the third has been promised the first of it.
    let fourth = subject.deliver(Note(4), ReplyTo::nobody()).expect("it comes after the third");
    third.await;
    fourth.await;
    settle().await;
    assert!(subject.deliver(Note(5), ReplyTo::nobody()).is_none());
    settle().await;
    assert_eq!(lines(&log)[1..], ["a 1", "a 2", "a 3", "a 4", "a 5"]);
}
