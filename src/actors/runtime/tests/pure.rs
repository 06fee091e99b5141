//! The parts that only decide: paths, verdicts, quantiles, health, randomness.

use rand::Rng as _;

use super::{
    super::{
        figures::Histogram,
        supervisor::{RestartHistory, Verdict},
    },
    *,
};

#[test]
fn paths() {
    let path = ActorPath::node_root("node-1").child("store-1").child("region-7");
    assert_eq!(path.as_str(), "/node-1/store-1/region-7");
    assert_eq!((path.node(), path.name()), ("node-1", "region-7"));
    assert_eq!(path.parent(), Some(ActorPath::new("node-1/store-1/")));
    assert_eq!(ActorPath::new("/node-1").parent(), None);
    assert!(path.is_within(&ActorPath::new("/node-1/store-1")));
    assert!(path.is_within(&path));
    assert!(!path.is_within(&ActorPath::new("/node-1/store")));
    assert_eq!(serde_json::to_value(&path).unwrap(), "/node-1/store-1/region-7");
}

#[test]
fn verdicts() {
    let supervision = Supervision {
        max_restarts: 3,
        backoff_max: 3 * SECOND,
        backoff: SECOND,
        ..Supervision::restart()
    };
    let mut history = RestartHistory::default();
    let mut judge =
        |at: u64| history.judge(&supervision, Monotonic::from_nanos(at * 1_000_000_000));
    assert_eq!(judge(0), Verdict::Restart(SECOND));
    assert_eq!(judge(10), Verdict::Restart(2 * SECOND));
    assert_eq!(judge(20), Verdict::Restart(3 * SECOND), "no longer than the longest");
    assert_eq!(judge(59), Verdict::Escalate);
    assert_eq!(judge(60), Verdict::Restart(3 * SECOND), "the first has left the window");
    assert_eq!(judge(61), Verdict::Escalate);
    assert_eq!(judge(200), Verdict::Restart(SECOND));
    let at_once = RestartHistory::default().judge(&Supervision::escalate(), Monotonic::default());
    assert_eq!(at_once, Verdict::Escalate);
    assert_eq!(
        RestartHistory::default().judge(&Supervision::stop(), Monotonic::default()),
        Verdict::Stop
    );
}

#[test]
fn quantiles_are_right_to_half_an_octave() {
    let mut histogram = Histogram::default();
    assert_eq!(histogram.quantiles(), Quantiles::default());
    for us in 1..=1_000u64 {
        histogram.record(us * 1_000);
    }
    let quantiles = histogram.quantiles();
    assert_eq!(quantiles.max_us, 1_000);
    assert!((500..=768).contains(&quantiles.p50_us), "{quantiles:?}");
    assert!((990..=1_000).contains(&quantiles.p99_us), "{quantiles:?}");
    for exact in [0, 1, 3_600_000_000u64] {
        let mut histogram = Histogram::default();
        histogram.record(exact * 1_000);
        assert_eq!(histogram.quantiles().max_us, exact);
        assert!(histogram.quantiles().p50_us <= exact);
    }
}

#[test]
fn a_node_is_as_bad_as_its_worst_service() {
    let board = HealthBoard::default();
    assert_eq!(board.aggregate().state, HealthState::Starting);
    board.report("store", Health::healthy());
    board.report("pd", Health::new(HealthState::Starting, "no leader yet"));
    assert_eq!(board.aggregate(), Health::new(HealthState::Starting, "pd: no leader yet"));
    board.report("pd", Health::healthy());
    assert_eq!(board.aggregate(), Health::healthy());
    let mut watch = board.watch();
    board.report("store", Health::new(HealthState::Degraded, "disk 95 % full"));
    assert_eq!(watch.borrow_and_update().state, HealthState::Degraded);
    board.report("pd", Health::new(HealthState::Unhealthy, "gone"));
    assert_eq!(board.aggregate(), Health::new(HealthState::Unhealthy, "pd: gone"));
    board.report("pd", Health::new(HealthState::Stopped, ""));
    board.report("store", Health::healthy());
    assert_eq!(board.aggregate(), Health::new(HealthState::Degraded, "pd"));
    board.report("store", Health::new(HealthState::Stopped, ""));
    assert_eq!(board.aggregate().state, HealthState::Stopped);
}

#[test]
fn randomness_follows_seed_and_name() {
    let draw = |seed: u64, name: &str| {
        let mut stream = Rng::new(seed).stream(name);
        [stream.next_u64(), stream.next_u64()]
    };
    assert_eq!(draw(1, "election"), draw(1, "election"));
    assert_ne!(draw(1, "election"), draw(2, "election"));
    assert_ne!(draw(1, "election"), draw(1, "backoff"));
}
