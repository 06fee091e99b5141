//! What only a simulated network can be made to do.

use std::time::Duration;

use tokio::time::sleep;

use super::subject::{Heard, Note, What, Work};
use super::worlds::{Sim, World, heard, quick};
use crate::actors::bridge::SimOptions;
use crate::actors::runtime::AskError;

const FAULTS: SimOptions = SimOptions {
    delay_min: Duration::from_millis(1),
    delay_max: Duration::from_millis(20),
    loss: 0.2,
    duplicate: 0.0,
    bandwidth: None,
};

/// What is heard, and how the questions end, in a bad network.
async fn run(seed: u64, faults: SimOptions) -> (Vec<u64>, Vec<Result<(), AskError>>) {
    let world = Sim::with(seed, faults, quick());
    let heard: Heard = heard();
    world.subject::<false>(&heard);
    let notes = world.to_subject::<Note>();
    let mut ends = Vec::new();
    for number in 0..200 {
        ends.push(notes.ask(Note(number), Duration::from_millis(60)).await);
        if number % 50 == 49 {
            world.a().bridge.cut("b");
            sleep(Duration::from_millis(1)).await;
            world.a().bridge.heal("b");
            sleep(Duration::from_millis(500)).await;
        }
    }
    let heard = heard.lock().clone();
    world.end().await;
    (heard, ends)
}

#[actix_rt::test]
async fn what_is_lost_is_lost_and_nothing_comes_twice_or_late() {
    tokio::time::pause();
    let (heard, ends) = run(1, FAULTS).await;
    assert!(heard.is_sorted_by(|one, next| one < next), "{heard:?}");
    let answered = ends.iter().filter(|end| end.is_ok()).count();
    // A fifth of the questions is lost, and a fifth of the answers.
    assert!((100..190).contains(&heard.len()), "{}", heard.len());
    assert!(answered < heard.len() && answered > 70, "{answered}");
}

#[actix_rt::test]
async fn the_same_seed_gives_the_same_run() {
    tokio::time::pause();
    let bad = SimOptions { duplicate: 0.5, ..FAULTS };
    let first = run(5, bad).await;
    assert_eq!(run(5, bad).await, first);
    assert_ne!(run(6, bad).await.0, first.0);
}

#[actix_rt::test]
async fn a_message_may_come_again_when_the_link_does() {
    tokio::time::pause();
    let (heard, _) = run(2, SimOptions { loss: 0.0, duplicate: 1.0, ..FAULTS }).await;
    let mut once = heard.clone();
    once.dedup();
    assert_eq!(heard.len(), once.len() + 4, "once for each link opened again: {heard:?}");
}

#[actix_rt::test]
async fn credit_that_is_lost_is_granted_again() {
    tokio::time::pause();
    let world = Sim::with(3, SimOptions { loss: 0.3, ..FAULTS }, {
        let mut options = quick();
        options.window.messages = 2;
        options
    });
    let heard = heard();
    world.subject::<false>(&heard);
    let notes = world.to_subject::<Note>();
    for number in 0..100 {
        let _ = notes.tell(Note(number));
    }
    sleep(Duration::from_secs(60)).await;
    assert_eq!(world.lane("data").queued_messages, 0);
    let heard = heard.lock().clone();
    assert!(heard.len() > 40 && heard.is_sorted(), "{heard:?}");
    world.end().await;
}

#[actix_rt::test]
async fn a_message_may_take_longer_to_pass_than_a_link_may_be_silent() {
    tokio::time::pause();
    // Ten seconds for the message; a link is silent for 600 ms at most.
    let slow = SimOptions { bandwidth: Some(100_000), ..SimOptions::default() };
    let world = Sim::with(5, slow, quick());
    world.subject::<false>(&heard());
    let work = world.to_subject::<Work>();
    let large = || Work { what: What::Measure, payload: vec![1; 1_000_000].into() };
    assert_eq!(work.ask(large(), Duration::from_secs(60)).await, Ok(1_000_000));
    assert_eq!(world.lane("data").reconnects, 0);
    // One that stops on its way is noticed as soon as ever.
    let asked = work.ask(large(), Duration::from_secs(60));
    let parting = async {
        sleep(Duration::from_secs(3)).await;
        world.network.part("a", "b");
    };
    let begun = tokio::time::Instant::now();
    let (answered, ()) = tokio::join!(asked, parting);
    assert_eq!(answered, Err(AskError::Lost(work.path().clone())));
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    world.end().await;
}

#[actix_rt::test]
async fn a_partition_one_way_breaks_the_link_too() {
    tokio::time::pause();
    let world = Sim::with(4, SimOptions::default(), quick());
    world.subject::<false>(&heard());
    let notes = world.to_subject::<Note>();
    assert_eq!(notes.ask(Note(0), Duration::from_secs(1)).await, Ok(()));
    world.network.part_one_way("b", "a");
    sleep(Duration::from_secs(2)).await;
    assert!(notes.tell(Note(1)).is_err());
    world.network.heal("a", "b");
    world.until_open("data").await;
    assert_eq!(notes.ask(Note(2), Duration::from_secs(1)).await, Ok(()));
    world.end().await;
}
