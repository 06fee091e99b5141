//! Telling and asking.

use super::*;

#[actix_rt::test]
async fn messages_of_one_sender_are_handled_in_order() {
    let (system, log) = (paused(), log());
    let subject = Subject::<Plain>::root(&system, "s", &log);
    for number in 0..500 {
        subject.tell(Note(number)).unwrap();
    }
    // An ask stands in the same line as the tells before it.
    assert_eq!(subject.ask(Count, SECOND).await, Ok(500));
    let expected: Vec<String> =
        std::iter::once("s started".to_owned()).chain((0..500).map(|n| format!("s {n}"))).collect();
    assert_eq!(lines(&log), expected);
}

#[actix_rt::test]
async fn a_question_is_sent_when_it_is_asked_not_when_it_is_awaited() {
    let (system, log) = (paused(), log());
    let subject = Subject::<Plain>::root(&system, "s", &log);
    let first = subject.ask(Count, SECOND);
    subject.tell(Note(1)).unwrap();
    let second = subject.ask(Count, SECOND);
    assert_eq!(second.await, Ok(1));
    assert_eq!(first.await, Ok(0));
}

#[actix_rt::test]
async fn an_unanswered_question_ends_at_its_deadline() {
    let (system, log) = (paused(), log());
    let subject = Subject::<Plain>::root(&system, "s", &log);
    let asked_at = tokio::time::Instant::now();
    let answer = subject.ask(Keep, SECOND).await;
    assert_eq!(answer, Err(AskError::Timeout(subject.path().clone())));
    assert_eq!(asked_at.elapsed().as_secs(), 1);
}

#[actix_rt::test]
async fn nobody_wants_the_answer_to_a_tell_or_to_a_question_given_up() {
    let (system, log) = (paused(), log());
    let subject = Subject::<Plain>::root(&system, "s", &log);
    subject.tell(Keep).unwrap();
    let patient = subject.ask(Keep, 10 * SECOND);
    let impatient = subject.ask(Keep, SECOND);
    assert!(impatient.await.is_err());
    let (sender, wanted) = std::sync::mpsc::channel();
    let look = act(move |subject: &mut Subject<Plain>, _ctx| {
        let wanted: Vec<bool> = subject.kept.iter().map(ReplyTo::is_wanted).collect();
        sender.send(wanted).unwrap();
    });
    subject.ask(look, SECOND).await.unwrap();
    assert_eq!(wanted.recv().unwrap(), [false, true, false]);
    drop(patient);
}

#[actix_rt::test]
async fn a_reply_let_go_of_is_told() {
    let (system, log) = (paused(), log());
    let subject = Subject::<Plain>::root(&system, "s", &log);
    let answer = subject.ask(Forget, SECOND).await;
    assert_eq!(answer, Err(AskError::NoReply(subject.path().clone())));
}

#[actix_rt::test]
async fn a_panic_in_hand_is_told() {
    let (system, log) = (paused(), log());
    let subject = Subject::<Plain>::root(&system, "s", &log);
    let answer = subject.ask(Boom, SECOND).await;
    assert_eq!(answer, Err(AskError::Failed(subject.path().clone())));
}

#[actix_rt::test]
async fn who_waits_in_the_mailbox_of_an_actor_that_stops_is_told() {
    let (system, log) = (paused(), log());
    let subject = Subject::<Plain>::root(&system, "s", &log);
    subject.tell(Busy(5 * SECOND)).unwrap();
    let waiting = subject.ask(Count, 60 * SECOND);
    settle().await;
    subject.stop();
    let stopped = SendError::Stopped(subject.path().clone());
    assert_eq!(waiting.await, Err(AskError::Send(stopped.clone())));
    assert_eq!(subject.tell(Note(1)), Err(stopped.clone()));
    assert_eq!(subject.ask(Count, SECOND).await, Err(AskError::Send(stopped)));
    assert!(!subject.is_alive());
    assert_eq!(subject.figures().dropped, 1);
    assert_eq!(subject.figures().rejected, 2);
}

#[actix_rt::test]
async fn an_address_knows_the_message_and_not_the_actor() {
    let (system, log) = (paused(), log());
    let subject = Subject::<Plain>::root(&system, "s", &log);
    let notes: Address<Note> = subject.address();
    let counts: Address<Count> = subject.address();
    notes.tell(Note(7)).unwrap();
    assert_eq!(counts.ask(Count, SECOND).await, Ok(1));
    assert!(counts.is_local());
    assert_eq!(counts.path().as_str(), "/node-1/s");
}
