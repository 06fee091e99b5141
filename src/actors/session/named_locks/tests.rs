//! Two nodes over one store, and sessions that wait for each other.

use super::*;
use crate::sql::exec::memory_store::MemoryStore;

fn nodes() -> (NamedLocks, NamedLocks) {
    let store: Arc<dyn KvStore> = Arc::new(MemoryStore::default());
    (NamedLocks::new(store.clone()), NamedLocks::new(store))
}

const NOW: Option<Duration> = Some(Duration::ZERO);

#[tokio::test]
async fn a_lock_is_one_in_the_cluster() {
    let (here, there) = nodes();
    assert!(here.get(1, "Migrate", NOW).await.unwrap());
    assert!(here.get(1, "migrate", NOW).await.unwrap(), "one's own is taken again");
    assert!(!there.get(9, "MIGRATE", NOW).await.unwrap());
    assert_eq!(there.owner("migrate").await.unwrap(), Some(1));
    assert_eq!(there.release(9, "migrate").await.unwrap(), Some(false));
    assert_eq!(there.release(9, "other").await.unwrap(), None);
    assert_eq!(here.release(1, "migrate").await.unwrap(), Some(true));
    assert!(!there.get(9, "migrate", NOW).await.unwrap(), "it was taken twice");
    assert_eq!(here.release(1, "migrate").await.unwrap(), Some(true));
    assert!(there.get(9, "migrate", NOW).await.unwrap());
    assert!(there.get(9, "second", NOW).await.unwrap());
    assert_eq!(there.release_all(9).await.unwrap(), 2);
    assert_eq!(here.owner("migrate").await.unwrap(), None);
}

#[tokio::test]
async fn who_waits_gets_it_when_it_is_free() {
    let (here, there) = nodes();
    let here = Arc::new(here);
    assert!(here.get(1, "a", NOW).await.unwrap());
    let waits = tokio::spawn(async move {
        let got = there.get(9, "a", None).await;
        (got, there)
    });
    tokio::time::sleep(Duration::from_millis(30)).await;
    here.session_ended(1);
    here.give_back_orphans().await.unwrap();
    let (got, there) = waits.await.unwrap();
    assert!(got.unwrap());
    let short = Some(Duration::from_millis(20));
    assert!(!here.get(1, "a", short).await.unwrap());
    assert_eq!(there.release(9, "a").await.unwrap(), Some(true));
}

#[tokio::test]
async fn the_last_to_close_a_circle_is_turned_away() {
    let (here, there) = nodes();
    assert!(here.get(1, "a", NOW).await.unwrap());
    assert!(there.get(9, "b", NOW).await.unwrap());
    let waits = tokio::spawn(async move {
        let got = here.get(1, "b", None).await;
        (got, here)
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    let error = there.get(9, "a", Some(Duration::from_secs(20))).await.unwrap_err();
    assert_eq!(error.code, errno::USER_LOCK_DEADLOCK);
    assert_eq!(there.release_all(9).await.unwrap(), 1);
    assert!(waits.await.unwrap().0.unwrap(), "the other one goes on");
}

#[tokio::test]
async fn names_have_limits() {
    let (here, _) = nodes();
    for name in [String::new(), "x".repeat(65)] {
        assert_eq!(here.get(1, &name, NOW).await.unwrap_err().code, errno::USER_LOCK_WRONG_NAME);
    }
    assert!(here.get(1, &"ä".repeat(64), NOW).await.unwrap());
}
