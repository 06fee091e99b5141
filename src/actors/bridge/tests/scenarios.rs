//! One suite, played in every world: whoever sends need not know where the actor is.

use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use tokio::time::{Instant, sleep, timeout};

use super::subject::{Beat, CAPACITY, Count, Note, What, Work};
use super::worlds::{Grpc, LONG, Local, Sim, World, heard, quick, until};
use crate::actors::bridge::{Bound, BridgeOptions, Phase};
use crate::actors::runtime::{AskError, SendError};

const SOON: Duration = Duration::from_millis(200);

macro_rules! play {
    ($($scenario:ident),* $(,)?) => {
        mod local {
            use super::*;
            $(#[actix_rt::test] async fn $scenario() { super::$scenario::<Local>().await; })*
        }
        mod grpc {
            use super::*;
            $(#[actix_rt::test] async fn $scenario() { super::$scenario::<Grpc>().await; })*
        }
        mod simulated {
            use super::*;
            $(#[actix_rt::test] async fn $scenario() { super::$scenario::<Sim>().await; })*
        }
    };
}

play!(
    messages_of_one_sender_arrive_in_order,
    a_question_ends_as_it_would_at_home,
    a_deadline_is_kept_on_both_sides,
    a_full_mailbox_says_so,
    a_mailbox_that_makes_senders_wait_does,
    a_big_message_arrives_and_holds_up_no_other_class,
    little_credit_is_enough,
    what_a_slow_receiver_lets_pile_up_is_bounded,
    an_actor_that_comes_back_is_found_again,
    a_node_that_comes_back_is_found_again,
    a_cut_link_fails_at_once_and_heals,
    a_partition_is_noticed_and_heals,
    nothing_is_encoded_for_an_actor_of_the_same_node,
);

async fn messages_of_one_sender_arrive_in_order<W: World>() {
    let world = W::begin(quick());
    let heard = heard();
    world.subject::<false>(&heard);
    let (notes, counts) = (world.to_subject::<Note>(), world.to_subject::<Count>());
    let mut sent = 0;
    for round in 0..20 {
        for _ in 0..CAPACITY / 2 {
            sent += 1;
            notes.tell(Note(sent)).unwrap();
        }
        // A question overtakes nothing that was told before it.
        assert_eq!(counts.ask(Count, LONG).await, Ok(sent), "round {round}");
    }
    assert_eq!(*heard.lock(), (1..=sent).collect::<Vec<u64>>());
    world.end().await;
}

async fn a_question_ends_as_it_would_at_home<W: World>() {
    let world = W::begin(quick());
    world.subject::<false>(&heard());
    let work = world.to_subject::<Work>();
    let path = work.path().clone();
    let ask = |what| work.ask(Work::of(what), LONG);
    let measured = Work { what: What::Measure, payload: Bytes::from_static(b"12345") };
    assert_eq!(work.ask(measured, LONG).await, Ok(5));
    assert_eq!(ask(What::Forget).await, Err(AskError::NoReply(path.clone())));
    assert_eq!(ask(What::Panic).await, Err(AskError::Failed(path)));
    assert_eq!(ask(What::Measure).await, Ok(0), "its supervisor has restarted it");

    let nobody = format!("/{}/nobody", world.b().system.node());
    let nobody = world.a().bridge.address::<Work>(nobody.as_str());
    let stopped = SendError::Stopped(nobody.path().clone());
    assert_eq!(nobody.ask(Work::of(What::Measure), LONG).await, Err(stopped.into()));
    let nowhere = world.a().bridge.address::<Work>("/c/subject");
    let unreachable = SendError::Unreachable(nowhere.path().clone());
    assert_eq!(nowhere.tell(Work::of(What::Measure)), Err(unreachable.clone()));
    assert_eq!(nowhere.ask(Work::of(What::Measure), LONG).await, Err(unreachable.into()));
    world.end().await;
}

async fn a_deadline_is_kept_on_both_sides<W: World>() {
    let world = W::begin(quick());
    world.subject::<false>(&heard());
    let work = world.to_subject::<Work>();
    assert_eq!(work.ask(Work::of(What::Measure), LONG).await, Ok(0));
    let asked = Instant::now();
    let kept = work.ask(Work::of(What::Keep), SOON);
    assert_eq!(work.ask(Work::of(What::IsWanted), LONG).await, Ok(1));
    assert_eq!(kept.await, Err(AskError::Timeout(work.path().clone())));
    let took = asked.elapsed();
    assert!((SOON..SOON * 5).contains(&took), "{took:?}");
    sleep(SOON / 10).await;
    assert_eq!(work.ask(Work::of(What::IsWanted), LONG).await, Ok(0));
    world.end().await;
}

async fn a_full_mailbox_says_so<W: World>() {
    let world = W::begin(quick());
    world.subject::<false>(&heard());
    let work = world.to_subject::<Work>();
    assert_eq!(work.ask(Work::of(What::Measure), LONG).await, Ok(0));
    let busy = work.ask(Work::of(What::Busy(500)), LONG);
    sleep(Duration::from_millis(50)).await; // in hand now, so the mailbox is empty
    let asked: Vec<_> =
        (0..CAPACITY + 20).map(|_| work.ask(Work::of(What::Measure), LONG)).collect();
    let answers = join_all(asked).await;
    let overloaded = Err(AskError::Send(SendError::Overloaded(work.path().clone())));
    assert_eq!(answers.iter().filter(|answer| **answer == Ok(0)).count(), CAPACITY);
    assert!(answers[CAPACITY..].iter().all(|answer| *answer == overloaded), "{answers:?}");
    assert_eq!(busy.await, Ok(500));
    world.end().await;
}

async fn a_mailbox_that_makes_senders_wait_does<W: World>() {
    let world = W::begin(quick());
    let heard = heard();
    world.subject::<true>(&heard);
    let (notes, work) = (world.to_subject::<Note>(), world.to_subject::<Work>());
    let busy = work.ask(Work::of(What::Busy(200)), LONG);
    let notes_sent = CAPACITY as u64 * 3;
    let asked: Vec<_> = (1..=notes_sent).map(|number| notes.ask(Note(number), LONG)).collect();
    let answers = join_all(asked).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    let mut heard = heard.lock().clone();
    if !W::IS_REMOTE {
        // At home a question that waits for room is pushed by whoever polls it, in the order of polling.
        heard.sort_unstable();
    }
    assert_eq!(heard, (1..=notes_sent).collect::<Vec<u64>>());
    assert_eq!(busy.await, Ok(200));
    world.end().await;
}

async fn a_big_message_arrives_and_holds_up_no_other_class<W: World>() {
    let world = W::begin(quick());
    world.subject::<false>(&heard());
    let (work, beats) = (world.to_subject::<Work>(), world.to_subject::<Beat>());
    let sizes = [0, 1, 70_000, 3 << 20, 24 << 20];
    let asked: Vec<_> = sizes
        .iter()
        .map(|size| work.ask(Work { what: What::Measure, payload: vec![1; *size].into() }, LONG))
        .collect();
    assert_eq!(beats.ask(Beat, LONG).await, Ok(()));
    let answers = join_all(asked).await;
    for (size, answer) in sizes.iter().zip(answers) {
        assert_eq!(answer, Ok(*size as u64));
    }
    if W::IS_REMOTE {
        let vast = vec![0; quick().message_bytes_max + 1].into();
        let refused = work.tell(Work { what: What::Measure, payload: vast });
        assert_eq!(refused, Err(SendError::TooLarge(work.path().clone())));
        assert_eq!(work.ask(Work::of(What::Measure), LONG).await, Ok(0));
    }
    world.end().await;
}

async fn little_credit_is_enough<W: World>() {
    let window = Bound { messages: 3, bytes: 200 };
    let world = W::begin(BridgeOptions { window, ..quick() });
    let heard = heard();
    world.subject::<true>(&heard);
    let notes = world.to_subject::<Note>();
    let asked: Vec<_> = (0..300).map(|number| notes.ask(Note(number), LONG)).collect();
    let answers = join_all(asked).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    let mut heard = heard.lock().clone();
    if !W::IS_REMOTE {
        heard.sort_unstable();
    }
    assert_eq!(heard, (0..300).collect::<Vec<u64>>());
    let work = world.to_subject::<Work>();
    let big = Work { what: What::Measure, payload: vec![1; 1 << 20].into() };
    assert_eq!(work.ask(big, LONG).await, Ok(1 << 20), "more than all the credit there is");
    world.end().await;
}

async fn what_a_slow_receiver_lets_pile_up_is_bounded<W: World>() {
    let (window, queue) = (10, 40);
    let world = W::begin(BridgeOptions {
        window: Bound { messages: window, bytes: 1 << 20 },
        queue: Bound { messages: queue, bytes: 1 << 20 },
        ..quick()
    });
    let heard = heard();
    world.subject::<true>(&heard);
    let (notes, work) = (world.to_subject::<Note>(), world.to_subject::<Work>());
    assert_eq!(work.ask(Work::of(What::Measure), LONG).await, Ok(0));
    let busy = work.ask(Work::of(What::Busy(1500)), LONG);
    sleep(Duration::from_millis(50)).await;
    let mut taken = 0;
    while notes.tell(Note(taken)).is_ok() {
        taken += 1;
        // So that what can be sent is.
        sleep(Duration::from_millis(1)).await;
        assert!(taken < 1000, "nothing is bounded");
    }
    let expected = CAPACITY + if W::IS_REMOTE { window + queue } else { 0 };
    assert_eq!(taken, expected as u64);
    assert_eq!(notes.tell(Note(0)), Err(SendError::Overloaded(notes.path().clone())));
    assert_eq!(busy.await, Ok(1500));
    until("all is heard", || heard.lock().len() as u64 == taken).await;
    assert_eq!(*heard.lock(), (0..taken).collect::<Vec<u64>>());
    world.end().await;
}

async fn an_actor_that_comes_back_is_found_again<W: World>() {
    let world = W::begin(quick());
    let subject = world.subject::<false>(&heard());
    let counts = world.to_subject::<Count>();
    assert_eq!(counts.ask(Count, LONG).await, Ok(0));
    subject.stop();
    subject.stopped().await;
    let stopped = AskError::Send(SendError::Stopped(counts.path().clone()));
    assert_eq!(counts.ask(Count, LONG).await, Err(stopped.clone()));
    world.b().bridge.exports().withdraw(subject.path());
    assert_eq!(counts.ask(Count, LONG).await, Err(stopped));
    world.subject::<false>(&heard());
    assert_eq!(counts.ask(Count, LONG).await, Ok(0));
    world.end().await;
}

async fn a_node_that_comes_back_is_found_again<W: World>() {
    if !W::IS_REMOTE {
        return;
    }
    let mut world = W::begin(quick());
    world.subject::<false>(&heard());
    let (counts, work) = (world.to_subject::<Count>(), world.to_subject::<Work>());
    assert_eq!(counts.ask(Count, LONG).await, Ok(0));
    let kept = work.ask(Work::of(What::Keep), LONG);
    assert_eq!(counts.ask(Count, LONG).await, Ok(0));
    world.stop_b().await;
    let unreachable = SendError::Unreachable(counts.path().clone());
    // Which of the two it is tells whether the actor or the link was gone first.
    let ended = timeout(LONG, kept).await.unwrap();
    let path = || counts.path().clone();
    assert!(
        [AskError::NoReply(path()), AskError::Lost(path())].contains(&ended.clone().unwrap_err()),
        "{ended:?}"
    );
    until("it is noticed", || world.lane("data").state == Phase::Broken).await;
    let asked = Instant::now();
    assert_eq!(counts.ask(Count, LONG).await, Err(unreachable.clone().into()));
    assert!(asked.elapsed() < SOON, "at once");

    world.start_b(quick());
    let again = heard();
    world.subject::<false>(&again);
    world.until_open("data").await;
    assert_eq!(counts.ask(Count, LONG).await, Ok(0));
    let lane = world.lane("data");
    assert!(lane.reconnects >= 1, "{lane:?}");
    assert_eq!(lane.trouble, None);
    world.end().await;
}

async fn a_cut_link_fails_at_once_and_heals<W: World>() {
    if !W::IS_REMOTE {
        return;
    }
    let world = W::begin(quick());
    let heard = heard();
    world.subject::<false>(&heard);
    let (notes, work) = (world.to_subject::<Note>(), world.to_subject::<Work>());
    assert_eq!(notes.ask(Note(1), LONG).await, Ok(()));
    let kept = work.ask(Work::of(What::Keep), LONG);
    let unreachable = SendError::Unreachable(notes.path().clone());
    assert_eq!(work.ask(Work::of(What::IsWanted), LONG).await, Ok(1), "it was sent");
    world.a().bridge.cut("b");
    let lost = AskError::Lost(notes.path().clone());
    assert_eq!(timeout(SOON, kept).await.unwrap(), Err(lost));
    assert_eq!(notes.tell(Note(2)), Err(unreachable));
    assert_eq!(world.a().bridge.cuts(), ["b"]);
    assert!(world.a().bridge.links()[0].cut);
    let lane = world.lane("data");
    assert_eq!((lane.lost, lane.round_trip_us), (1, None));
    world.a().bridge.heal("b");
    world.until_open("data").await;
    assert_eq!(notes.ask(Note(3), LONG).await, Ok(()));
    assert_eq!(*heard.lock(), [1, 3]);
    world.end().await;
}

async fn a_partition_is_noticed_and_heals<W: World>() {
    if !W::IS_REMOTE {
        return;
    }
    let world = W::begin(quick());
    let heard = heard();
    world.subject::<false>(&heard);
    let notes = world.to_subject::<Note>();
    assert_eq!(notes.ask(Note(1), LONG).await, Ok(()));
    world.part();
    let lost = AskError::Lost(notes.path().clone());
    let unsent = AskError::Send(SendError::Unreachable(notes.path().clone()));
    // The silence is noticed long before the asker's deadline; where the link ends at once, maybe before it is sent.
    let ended = timeout(Duration::from_secs(2), notes.ask(Note(2), LONG)).await.unwrap();
    assert!(ended == Err(lost) || ended == Err(unsent), "{ended:?}");
    world.heal();
    world.until_open("data").await;
    assert_eq!(notes.ask(Note(3), LONG).await, Ok(()));
    assert_eq!(*heard.lock(), [1, 3]);
    world.end().await;
}

async fn nothing_is_encoded_for_an_actor_of_the_same_node<W: World>() {
    let world = W::begin(quick());
    world.subject::<false>(&heard());
    let notes = world.to_subject::<Note>();
    for number in 0..10 {
        assert_eq!(notes.ask(Note(number), LONG).await, Ok(()));
    }
    assert_eq!(notes.is_local(), !W::IS_REMOTE);
    let expected = if W::IS_REMOTE { 10 } else { 0 };
    assert_eq!(world.a().bridge.encoded(), expected);
    assert_eq!(world.b().bridge.encoded(), expected, "the replies");
    world.end().await;
}
