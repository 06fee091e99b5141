use proptest::prelude::*;

use super::*;
use crate::common::{PeerId, RegionId};
use crate::placement::StoreState;
use crate::storage::region::Peer;

fn store(id: u64) -> StoreMeta {
    StoreMeta { id: StoreId(id), address: format!("node-{id}:20160"), ..StoreMeta::default() }
}

fn first_region() -> Region {
    let peer = Peer { id: PeerId(3), store_id: StoreId(1), ..Peer::default() };
    Region { id: RegionId(2), peers: vec![peer], ..Region::default() }
}

#[test]
fn only_the_first_bootstrap_counts() {
    let mut state = PdState::default();
    let start = |state: &mut PdState, id| {
        state.apply(Command::Bootstrap { store: store(id), region: first_region() }).0
    };
    assert_eq!(start(&mut state, 1), Reply::Flag(true));
    assert_eq!(start(&mut state, 9), Reply::Flag(false));
    assert_eq!(state.stores().count(), 1);
    assert_eq!(state.apply(Command::AllocIds { count: 2 }).0, Reply::Ids(4..6));
    assert_eq!(state.apply(Command::AllocIds { count: 1 }).0, Reply::Ids(6..7));
}

#[test]
fn a_tombstone_does_not_come_back() {
    let mut state = PdState::default();
    let gone = StoreMeta { state: StoreState::Tombstone, ..store(1) };
    assert_eq!(state.apply(Command::PutStore(gone)).0, Reply::Done);
    assert!(matches!(state.apply(Command::PutStore(store(1))).0, Reply::Refused(_)));
}

#[test]
fn a_lease_has_one_holder_until_it_expires() {
    let mut state = PdState::default();
    let mut campaign = |candidate: &str, now_ms| {
        let command = Command::Campaign {
            name: "ddl-owner".into(),
            candidate: candidate.into(),
            ttl_ms: 100,
            now_ms,
        };
        match state.apply(command).0 {
            Reply::Lease(lease) => (lease.holder, lease.expires_unix_ms),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(campaign("a", 0), ("a".into(), 100));
    assert_eq!(campaign("b", 50), ("a".into(), 100));
    assert_eq!(campaign("a", 60), ("a".into(), 160));
    assert_eq!(campaign("b", 160), ("b".into(), 260));
    let resign =
        |candidate: &str| Command::Resign { name: "ddl-owner".into(), candidate: candidate.into() };
    state.apply(resign("a"));
    assert_eq!(state.leases()["ddl-owner"].holder, "b");
    state.apply(resign("b"));
    assert!(state.leases().is_empty());
}

#[test]
fn the_safe_point_waits_for_holds_and_never_goes_back() {
    let mut state = PdState::default();
    let advance = |to, now_ms| Command::AdvanceGcSafePoint { to: Timestamp(to), now_ms };
    let hold = |at, ttl_ms| Command::HoldGcSafePoint {
        service: "backup".into(),
        at: Timestamp(at),
        ttl_ms,
        now_ms: 0,
    };
    assert_eq!(state.apply(hold(50, 1000)).0, Reply::SafePoint(Timestamp(50)));
    assert_eq!(state.apply(advance(80, 10)).0, Reply::SafePoint(Timestamp(50)));
    assert_eq!(state.apply(advance(20, 10)).0, Reply::SafePoint(Timestamp(50)));
    assert!(matches!(state.apply(hold(40, 1000)).0, Reply::Refused(_)), "already removed");
    assert_eq!(state.apply(advance(80, 2000)).0, Reply::SafePoint(Timestamp(80)), "hold expired");
}

fn command() -> impl Strategy<Value = Command> {
    let name = "[a-c]";
    prop_oneof![
        (1u64..5).prop_map(|id| Command::PutStore(store(id))),
        Just(Command::Bootstrap { store: store(1), region: first_region() }),
        (1u64..9).prop_map(|count| Command::AllocIds { count }),
        (0u64..9).prop_map(|bound_ms| Command::SaveTsoBound { bound_ms }),
        (0u64..9, 0u64..9)
            .prop_map(|(to, now_ms)| Command::AdvanceGcSafePoint { to: Timestamp(to), now_ms }),
        (name, 0u64..9, 0u64..9, 0u64..9).prop_map(|(service, at, ttl_ms, now_ms)| {
            Command::HoldGcSafePoint { service, at: Timestamp(at), ttl_ms, now_ms }
        }),
        (name, name, 0u64..9, 0u64..9).prop_map(|(name, candidate, ttl_ms, now_ms)| {
            Command::Campaign { name, candidate, ttl_ms, now_ms }
        }),
        (name, name).prop_map(|(name, candidate)| Command::Resign { name, candidate }),
    ]
}

proptest! {
    /// Replaying the records gives the state: nothing that matters is only in memory.
    #[test]
    fn records_rebuild_the_state(commands in proptest::collection::vec(command(), 0..60)) {
        let mut state = PdState::default();
        let mut records = BTreeMap::new();
        for command in commands {
            for (name, value) in state.apply(command).1 {
                match value {
                    Some(value) => drop(records.insert(name, value)),
                    None => drop(records.remove(&name)),
                }
            }
            prop_assert_eq!(&PdState::from_records(records.clone()).unwrap(), &state);
        }
    }
}

#[test]
fn a_node_is_taken_off_the_list_only_in_the_life_that_is_meant() {
    let mut state = PdState::default();
    let node = |started_unix_ms| {
        let name = "n".to_owned();
        crate::placement::NodeMeta { name, started_unix_ms, ..Default::default() }
    };
    state.apply(Command::PutNode(node(1)));
    state.apply(Command::PutNode(node(2)));
    state.apply(Command::RemoveNode { name: "n".into(), started_unix_ms: 1 });
    assert_eq!(state.nodes()["n"], node(2));
    let records = state.records().into_iter().map(|(name, value)| (name, value.unwrap()));
    assert_eq!(PdState::from_records(records).unwrap(), state);
    let (_, records) = state.apply(Command::RemoveNode { name: "n".into(), started_unix_ms: 2 });
    assert_eq!(records, [("nodes/n".to_owned(), None)]);
    assert!(state.nodes().is_empty());
}
