//! Computing on workers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{ThreadId, current};
use std::time::Duration;

use futures::stream::{self, StreamExt as _};

use super::SECOND;
use crate::actors::runtime::compute::{Compute, STACK_BYTES, apart, breathe, enter, is_worker};

fn here() -> ThreadId {
    current().id()
}

/// Computes without coming back, until it is told to.
fn spin(stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        std::hint::spin_loop();
    }
}

#[tokio::test]
async fn a_future_is_polled_here_until_it_enters_and_there_until_it_ends() {
    let compute = Compute::threads("n", 1);
    let ids = compute
        .roam(async {
            let first = (here(), is_worker());
            tokio::task::yield_now().await;
            let second = here();
            enter().await;
            let third = (here(), is_worker());
            tokio::time::sleep(Duration::from_millis(1)).await;
            (first, second, third, here())
        })
        .await;
    let (first, second, third, fourth) = ids;
    assert_eq!((first, second), ((here(), false), here()));
    assert_ne!(third.0, here());
    assert!(third.1 && third.0 == fourth);
    assert_eq!(compute.figures().entered, 1);
    compute.stop();
}

#[actix_rt::test]
async fn without_threads_all_stays_where_it_is() {
    let compute = Compute::here();
    let at = compute.roam(async {
        enter().await;
        breathe().await;
        (here(), is_worker())
    });
    assert_eq!(at.await, (here(), false));
}

#[tokio::test]
async fn a_long_poll_keeps_nobody_waiting() {
    let compute = Compute::threads("n", 1);
    let stop = Arc::new(AtomicBool::new(false));
    let mut long = Vec::new();
    for _ in 0..3 {
        let stop = stop.clone();
        long.push(tokio::spawn(compute.roam(async move {
            enter().await;
            spin(&stop);
        })));
    }
    while compute.figures().entered < 3 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let short = compute.roam(async { enter().await });
    tokio::time::timeout(10 * SECOND, short).await.unwrap();
    stop.store(true, Ordering::Relaxed);
    for task in long {
        task.await.unwrap();
    }
    // Those that stood in leave again.
    for _ in 0..100 {
        compute.roam(async { enter().await }).await;
        if compute.figures().workers == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let figures = compute.figures();
    assert_eq!(figures.workers, 1, "{figures:?}");
    assert!(figures.relieved >= 1, "{figures:?}");
    compute.stop();
}

#[tokio::test]
async fn who_breathes_shares_the_worker() {
    let compute = Compute::threads("n", 1);
    let stop = Arc::new(AtomicBool::new(false));
    let told = stop.clone();
    let long = tokio::spawn(compute.roam(async move {
        enter().await;
        while !told.load(Ordering::Relaxed) {
            breathe().await;
        }
    }));
    let short = compute.roam(async { enter().await });
    tokio::time::timeout(10 * SECOND, short).await.unwrap();
    stop.store(true, Ordering::Relaxed);
    long.await.unwrap();
    compute.stop();
}

struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn dropping_drops_what_is_on_a_worker() {
    let compute = Compute::threads("n", 1);
    let dropped = Arc::new(AtomicUsize::new(0));
    let held = Counted(dropped.clone());
    let mut waiting = Box::pin(compute.roam(async move {
        enter().await;
        std::future::pending::<()>().await;
        drop(held);
    }));
    let polled = tokio::time::timeout(Duration::from_millis(50), &mut waiting).await;
    assert!(polled.is_err());
    assert_eq!(dropped.load(Ordering::Relaxed), 0);
    drop(waiting);
    for _ in 0..1000 {
        if dropped.load(Ordering::Relaxed) == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(dropped.load(Ordering::Relaxed), 1);
    compute.dispose(Counted(dropped.clone()));
    compute.stop();
}

#[tokio::test]
async fn a_panic_on_a_worker_is_one_here() {
    let compute = Compute::threads("n", 1);
    let failing = tokio::spawn(compute.roam(async {
        enter().await;
        panic!("on purpose");
    }));
    assert!(failing.await.unwrap_err().is_panic());
    // The worker lives on.
    assert!(
        compute
            .roam(async {
                enter().await;
                is_worker()
            })
            .await
    );
    compute.stop();
}

fn deep(bytes: usize) -> usize {
    let frame = std::hint::black_box([1_u8; 4096]);
    if bytes <= frame.len() { 1 } else { deep(bytes - frame.len()) + usize::from(frame[7]) }
}

#[tokio::test]
async fn workers_have_large_stacks() {
    let compute = Compute::threads("n", 1);
    let depth = compute.roam(async {
        enter().await;
        deep(STACK_BYTES / 16)
    });
    assert_eq!(depth.await, STACK_BYTES / 16 / 4096);
    compute.stop();
}

/// Sets a flag when it is dropped.
struct Gone(Arc<AtomicBool>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn who_waits_for_an_item_may_turn_away_from_a_long_poll() {
    let compute = Compute::threads("n", 1);
    let (stop, gone) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (in_hand, is_dropped) = (stop.clone(), Gone(gone.clone()));
    let (turn_away, turned) = tokio::sync::oneshot::channel::<()>();
    let statement = compute.roam(async move {
        enter().await;
        let numbers = stream::iter(0..3).map(move |number| {
            let _holds = &is_dropped;
            if number == 2 {
                spin(&in_hand);
            }
            number
        });
        let mut items = apart(numbers.boxed());
        let first = items.next().await;
        let second = items.next().await;
        let third = futures::future::select(items.next(), turned).await;
        (first, second, matches!(third, futures::future::Either::Right(_)))
    });
    let statement = tokio::spawn(statement);
    // The stream's and the statement's own: both are with the pool by now.
    while compute.figures().entered < 2 {
        tokio::task::yield_now().await;
    }
    turn_away.send(()).expect("the statement waits");
    assert_eq!(statement.await.expect("it turns away"), (Some(0), Some(1), true));
    assert!(!gone.load(Ordering::SeqCst), "the poll is still in hand");
    stop.store(true, Ordering::Relaxed);
    while !gone.load(Ordering::SeqCst) {
        tokio::task::yield_now().await;
    }
    compute.stop();
}

#[tokio::test]
async fn a_panic_in_a_stream_is_a_panic_where_its_items_are_asked_for() {
    let compute = Compute::threads("n", 1);
    let statement = compute.roam(async {
        enter().await;
        let numbers = stream::iter(0..2).map(|number| {
            assert!(number == 0, "no number but 0");
            number
        });
        let mut items = apart(numbers.boxed());
        assert_eq!(items.next().await, Some(0));
        items.next().await
    });
    let panic = tokio::spawn(statement).await.expect_err("it panics").into_panic();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"no number but 0"));
    compute.stop();
}
