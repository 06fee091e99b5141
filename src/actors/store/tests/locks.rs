//! Waiting for locks.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use super::harness::*;
use crate::actors::store::StoreOptions;
use crate::common::Timestamp;
use crate::storage::txn::{KeyError, KvRequest, KvResponse, RequestError, WaitPolicy};

const WAIT: WaitPolicy = WaitPolicy::Timeout(5_000);

/// Asks for a lock beside the test; notes under `name` what came of it.
fn ask_for(
    node: &Rc<Node>,
    log: &Rc<RefCell<Vec<String>>>,
    name: &'static str,
    key: &'static str,
    start_ts: Timestamp,
) -> tokio::task::JoinHandle<()> {
    let (node, log) = (Rc::clone(node), Rc::clone(log));
    tokio::task::spawn_local(async move {
        let what = match node.send(key.as_bytes(), lock(key, start_ts, WAIT)).await {
            Ok(_) => "locks".to_owned(),
            Err(RequestError::Key(KeyError::Deadlock { .. })) => "deadlock".to_owned(),
            Err(error) => error.to_string(),
        };
        log.borrow_mut().push(format!("{name} {what}"));
    })
}

async fn start() -> (Rc<Node>, Rc<RefCell<Vec<String>>>) {
    (Rc::new(Node::start(StoreOptions::default()).await), Rc::default())
}

#[actix_rt::test]
async fn waiters_wake_in_order_one_at_a_time() {
    let (node, log) = start().await;
    let [first, second, third] = [node.ts().await, node.ts().await, node.ts().await];
    node.send(b"k", lock("k", first, WAIT)).await.unwrap();
    let waits =
        [ask_for(&node, &log, "second", "k", second), ask_for(&node, &log, "third", "k", third)];
    settle().await;
    assert!(log.borrow().is_empty(), "{:?}", log.borrow());
    node.send(b"k", unlock("k", first)).await.unwrap();
    settle().await;
    assert_eq!(*log.borrow(), ["second locks"]);
    node.send(b"k", unlock("k", second)).await.unwrap();
    settle().await;
    assert_eq!(*log.borrow(), ["second locks", "third locks"]);
    for wait in waits {
        wait.await.unwrap();
    }
}

#[actix_rt::test]
async fn a_commit_wakes_the_waiter_which_sees_the_conflict() {
    let (node, log) = start().await;
    let [first, second] = [node.ts().await, node.ts().await];
    node.send(b"k", KvRequest::Prewrite(prewrite("k", "v", first))).await.unwrap();
    let wait = ask_for(&node, &log, "second", "k", second);
    settle().await;
    let commit_ts = node.ts().await;
    node.send(b"k", KvRequest::Commit(commit("k", first, commit_ts))).await.unwrap();
    wait.await.unwrap();
    assert!(log.borrow()[0].starts_with("second write conflict"), "{:?}", log.borrow());
}

#[actix_rt::test]
async fn a_wait_ends_when_its_time_is_over() {
    let (node, _) = start().await;
    let [first, second] = [node.ts().await, node.ts().await];
    node.send(b"k", lock("k", first, WAIT)).await.unwrap();
    let asked_at = tokio::time::Instant::now();
    let reply = node.send(b"k", lock("k", second, WAIT)).await;
    let Err(RequestError::Key(KeyError::LockWaitTimeout { lock: held })) = reply else {
        panic!("{reply:?}")
    };
    assert_eq!(held.start_ts, first);
    let waited = asked_at.elapsed();
    assert!(waited >= Duration::from_secs(5) && waited < Duration::from_secs(6), "{waited:?}");
    let reply = node.send(b"k", lock("k", second, WaitPolicy::NoWait)).await;
    assert!(matches!(reply, Err(RequestError::Key(KeyError::Locked(_)))), "{reply:?}");
}

#[actix_rt::test]
async fn a_waiter_is_sent_to_look_after_a_holder_whose_ttl_is_over() {
    let (node, _) = start().await;
    let [first, second] = [node.ts().await, node.ts().await];
    node.send(b"k", lock("k", first, WAIT)).await.unwrap();
    let reply = node.send(b"k", lock("k", second, WaitPolicy::Timeout(50_000))).await;
    assert!(matches!(reply, Err(RequestError::Key(KeyError::Locked(_)))), "{reply:?}");
}

#[actix_rt::test]
async fn of_a_deadlock_one_is_told_and_the_other_goes_on() {
    let (node, log) = start().await;
    let [first, second] = [node.ts().await, node.ts().await];
    node.send(b"a", lock("a", first, WAIT)).await.unwrap();
    node.send(b"b", lock("b", second, WAIT)).await.unwrap();
    let first_waits = ask_for(&node, &log, "first", "b", first);
    settle().await;
    let second_waits = ask_for(&node, &log, "second", "a", second);
    settle().await;
    assert_eq!(*log.borrow(), ["second deadlock"]);
    node.send(b"b", unlock("b", second)).await.unwrap();
    first_waits.await.unwrap();
    second_waits.await.unwrap();
    assert_eq!(*log.borrow(), ["second deadlock", "first locks"]);
}

#[actix_rt::test]
async fn a_deadlock_that_forms_while_waiting_is_found() {
    let (node, log) = start().await;
    let [first, second, third] = [node.ts().await, node.ts().await, node.ts().await];
    node.send(b"a", lock("a", first, WAIT)).await.unwrap();
    node.send(b"b", lock("b", third, WAIT)).await.unwrap();
    // Second and third wait for a; when first gives a up it goes to second, and third waits for
    // second.
    let second_a = ask_for(&node, &log, "second", "a", second);
    let third_a = ask_for(&node, &log, "third", "a", third);
    settle().await;
    node.send(b"a", unlock("a", first)).await.unwrap();
    settle().await;
    assert_eq!(*log.borrow(), ["second locks"]);
    let second_b = ask_for(&node, &log, "second again", "b", second);
    settle().await;
    assert_eq!(*log.borrow(), ["second locks", "second again deadlock"]);
    node.send(b"a", unlock("a", second)).await.unwrap();
    for wait in [second_a, third_a, second_b] {
        wait.await.unwrap();
    }
    assert_eq!(log.borrow()[2], "third locks");
}

#[actix_rt::test]
async fn a_client_that_is_gone_gets_no_lock() {
    let (node, log) = start().await;
    let [first, second, third] = [node.ts().await, node.ts().await, node.ts().await];
    node.send(b"k", lock("k", first, WAIT)).await.unwrap();
    let gone = ask_for(&node, &log, "gone", "k", second);
    let patient = ask_for(&node, &log, "patient", "k", third);
    settle().await;
    gone.abort();
    settle().await;
    assert_eq!(node.send(b"k", unlock("k", first)).await, Ok(KvResponse::Done));
    patient.await.unwrap();
    assert_eq!(*log.borrow(), ["patient locks"]);
}
