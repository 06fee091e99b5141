use super::*;
use crate::common::PeerId;
use crate::storage::engine::MemoryEngine;
use crate::storage::region::Peer;
use crate::storage::txn::RegionEpoch;

fn start(engine: &Arc<MemoryEngine>) -> (System, LocalPd) {
    let system = System::for_test();
    let engine: Arc<dyn Engine> = Arc::<MemoryEngine>::clone(engine);
    let pd = LocalPd::start(&system, engine, Goals::default()).unwrap();
    (system, pd)
}

fn first_store() -> StoreMeta {
    StoreMeta { id: StoreId(1), ..StoreMeta::default() }
}

fn first_region() -> Region {
    let peer = Peer { id: PeerId(3), store_id: StoreId(1), ..Peer::default() };
    Region { id: RegionId(2), peers: vec![peer], ..Region::default() }
}

fn report(region: Region) -> RegionReport {
    RegionReport { leader: region.peers[0], region, ..RegionReport::default() }
}

#[actix_rt::test]
async fn what_was_answered_survives_a_restart() {
    let engine = Arc::new(MemoryEngine::new());
    let (system, pd) = start(&engine);
    assert!(!pd.is_bootstrapped().await.unwrap());
    assert!(pd.bootstrap(first_store(), first_region()).await.unwrap());
    let (ts, ids) = (pd.timestamp().await.unwrap(), pd.alloc_ids(3).await.unwrap());
    assert_eq!(ids, 4..7);
    assert_eq!(pd.alloc_ids(1).await.unwrap(), 7..8);
    let lease = pd.campaign("ddl-owner", "a", Duration::from_secs(60)).await.unwrap();
    system.shutdown(Duration::from_secs(1)).await;

    engine.crash();
    let (_system, pd) = start(&engine);
    assert!(pd.is_bootstrapped().await.unwrap());
    assert!(!pd.bootstrap(first_store(), first_region()).await.unwrap());
    assert!(pd.timestamp().await.unwrap() > ts);
    assert!(pd.alloc_ids(1).await.unwrap().start >= 8);
    assert_eq!(pd.campaign("ddl-owner", "b", Duration::from_secs(60)).await.unwrap(), lease);
    assert_eq!(pd.stores().await.unwrap()[0].meta, first_store());
}

/// A start whose wall clock says something else than the last one's.
fn start_at(engine: &Arc<MemoryEngine>, unix_ms: u64) -> (System, LocalPd) {
    let options = crate::actors::runtime::SystemOptions {
        core_threads: 0,
        unix_ms: Some(unix_ms),
        ..Default::default()
    };
    let system = System::start(options);
    system.set_abort_hook(|_, _| {});
    let disk: Arc<dyn Engine> = Arc::<MemoryEngine>::clone(engine);
    let pd = LocalPd::start(&system, disk, Goals::default()).unwrap();
    (system, pd)
}

#[actix_rt::test]
async fn neither_timestamps_nor_ids_come_twice_whatever_the_clock_says_after_a_crash() {
    const NOW: u64 = 1_700_000_000_000;
    let engine = Arc::new(MemoryEngine::new());
    let (mut last, mut next_id) = (Timestamp::ZERO, 1);
    for unix_ms in [NOW, NOW - 3_600_000, NOW + 1, NOW + 60_000, NOW, 1] {
        let (system, pd) = start_at(&engine, unix_ms);
        for _ in 0..3 {
            let ts = pd.timestamp().await.unwrap();
            assert!(ts > last, "{ts:?} after {last:?}, with the clock at {unix_ms}");
            last = ts;
            let ids = pd.alloc_ids(70).await.unwrap();
            assert!(ids.start >= next_id, "{ids:?}, but {next_id} is the next");
            next_id = ids.end;
        }
        system.shutdown(Duration::from_secs(1)).await;
        engine.crash();
    }
}

#[actix_rt::test]
async fn timestamps_need_no_message_while_the_bound_is_ahead() {
    let (_system, pd) = start(&Arc::new(MemoryEngine::new()));
    let first = pd.timestamp().await.unwrap();
    let handled = pd.actor().figures().handled;
    let mut last = first;
    for _ in 0..1000 {
        let next = pd.try_timestamp().unwrap();
        assert!(next > last);
        last = next;
    }
    assert_eq!(pd.actor().figures().handled, handled);
}

#[actix_rt::test]
async fn a_long_pause_moves_the_bound_before_the_next_timestamp() {
    tokio::time::pause();
    let (system, pd) = start(&Arc::new(MemoryEngine::new()));
    pd.timestamp().await.unwrap();
    tokio::time::advance(Duration::from_secs(3600)).await;
    let now_ms = system.clock().unix_ms();
    assert!(pd.timestamp().await.unwrap().physical_ms() >= now_ms);
}

#[actix_rt::test]
async fn routes_follow_reports() {
    let (_system, pd) = start(&Arc::new(MemoryEngine::new()));
    pd.bootstrap(first_store(), first_region()).await.unwrap();
    assert_eq!(pd.region_by_key(Bytes::from_static(b"x")).await.unwrap(), None);
    assert_eq!(pd.report_region(report(first_region())).await.unwrap(), None);

    let ids = pd.ask_batch_split(first_region(), 1).await.unwrap();
    assert_eq!(ids[0].peer_ids.len(), 1);
    let epoch = RegionEpoch { conf_ver: 0, version: 1 };
    let mut left = Region { end_key: "m".into(), epoch, ..first_region() };
    let right = Region { id: ids[0].region_id, start_key: "m".into(), epoch, ..first_region() };
    left.peers[0].id = PeerId(3);
    pd.report_region(report(right.clone())).await.unwrap();
    pd.report_region(report(left.clone())).await.unwrap();
    pd.report_region(report(first_region())).await.unwrap();

    let holding = |key: &'static str| pd.region_by_key(Bytes::from(key));
    assert_eq!(holding("m").await.unwrap().unwrap().region, right);
    assert_eq!(holding("l").await.unwrap().unwrap().region, left);
    let all = pd.scan_regions(Bytes::new(), Bytes::new(), 10).await.unwrap();
    assert_eq!(all.len(), 2);
    let below = pd.region_before_key(Bytes::from("m")).await.unwrap().unwrap();
    assert_eq!(below.region, left);
}

#[actix_rt::test]
async fn schedulers_say_why_they_do_nothing() {
    let (system, pd) = start(&Arc::new(MemoryEngine::new()));
    pd.bootstrap(first_store(), first_region()).await.unwrap();
    let found = system.actor("/node-1/pd/scheduler/balance-leader").await.unwrap();
    let reason = &found.observed.unwrap()["reason"];
    assert_eq!(reason, "one store");
}

#[actix_rt::test]
async fn an_order_is_given_until_a_report_shows_it_done() {
    tokio::time::pause();
    let (_system, pd) = start(&Arc::new(MemoryEngine::new()));
    pd.bootstrap(first_store(), first_region()).await.unwrap();
    let large = RegionReport { approximate_size: 1 << 40, ..report(first_region()) };
    assert_eq!(pd.report_region(large.clone()).await.unwrap(), None);
    tokio::time::sleep(Duration::from_secs(6)).await;
    for _ in 0..2 {
        assert_eq!(pd.report_region(large.clone()).await.unwrap(), Some(RegionOrder::Split));
    }
    let mut split = report(Region { end_key: "m".into(), ..first_region() });
    split.region.epoch.version += 1;
    assert_eq!(pd.report_region(split).await.unwrap(), None);
}

#[actix_rt::test]
async fn a_store_hears_which_of_its_regions_have_an_order_waiting() {
    tokio::time::pause();
    let (_system, pd) = start(&Arc::new(MemoryEngine::new()));
    pd.bootstrap(first_store(), first_region()).await.unwrap();
    let (store, region) = (StoreId(1), first_region().id);
    let of = |is_known, leads| Duties { is_known, regions: Vec::new(), leads: Some(leads) };
    let none = |is_known| of(is_known, u64::from(is_known));
    assert_eq!(pd.duties(store, region).await.unwrap(), none(false));
    let large = RegionReport { approximate_size: 1 << 40, ..report(first_region()) };
    pd.report_region(large.clone()).await.unwrap();
    assert_eq!(pd.duties(store, region).await.unwrap(), none(true));
    tokio::time::sleep(Duration::from_secs(2)).await;
    let waiting = Duties { is_known: true, regions: vec![region], leads: Some(1) };
    assert_eq!(pd.duties(store, region).await.unwrap(), waiting);
    assert_eq!(pd.duties(StoreId(2), region).await.unwrap(), of(true, 0), "it leads nothing");
    assert_eq!(pd.report_region(large).await.unwrap(), Some(RegionOrder::Split));
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(pd.duties(store, region).await.unwrap(), none(true), "it was told");
}

#[actix_rt::test]
async fn what_a_region_lacks_is_the_answer_to_its_report() {
    let system = System::for_test();
    let goals = Goals { replicas: 3, ..Goals::default() };
    let pd = LocalPd::start(&system, Arc::new(MemoryEngine::new()), goals).unwrap();
    pd.bootstrap(first_store(), first_region()).await.unwrap();
    pd.report_store(StoreId(1), StoreStats::default()).await.unwrap();
    pd.put_store(StoreMeta { id: StoreId(2), ..StoreMeta::default() }).await.unwrap();
    assert_eq!(pd.report_region(report(first_region())).await.unwrap(), None, "not heard of");
    pd.report_store(StoreId(2), StoreStats::default()).await.unwrap();
    let order = pd.report_region(report(first_region())).await.unwrap();
    assert!(
        matches!(&order, Some(RegionOrder::AddPeer { peer }) if peer.store_id == StoreId(2) && peer.id.0 > 0),
        "{order:?}"
    );
}

#[actix_rt::test]
async fn more_ids_than_there_are_is_refused() {
    let (_system, pd) = start(&Arc::new(MemoryEngine::new()));
    assert!(matches!(pd.alloc_ids(u64::MAX).await, Err(PdError::Refused(_))));
    assert_eq!(pd.alloc_ids(1).await.unwrap(), 1..2);
}
