//! Random transactions against a model: a list of committed transactions in the order of their commit timestamps.
//!
//! Every transaction reads at its start and writes a few keys, in one of four ways (two phases, one phase, asynchronous,
//! pessimistic), in steps that interleave with those of the others. After each commit, and at random moments,
//! snapshots are read in all ways and compared with the model; at the end, every history is.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;

use crate::common::Timestamp;
use crate::storage::engine::{Engine, MemoryEngine, Reader};
use crate::storage::mvcc::key::data_key;
use crate::storage::mvcc::{self, HotBudget, HotVersions, KeyRange, ScanOptions, Scanner};
use crate::storage::txn::{
    Assertion, CommandContext, CommitKeys, ConcurrencyManager, KeyError, KvRequest, KvResponse,
    LockTable, Mutation, MutationKind, Outcome, PessimisticAction, PessimisticLock, Prewrite,
    WaitPolicy, admit, execute, footprint,
};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    TwoPhase,
    OnePhase,
    Async,
    Pessimistic,
}

#[derive(Clone, Debug)]
struct Plan {
    way: Way,
    writes: BTreeMap<u8, Option<u8>>,
    gives_up: bool,
}

#[derive(Clone, Debug)]
enum Step {
    /// The next step of the transaction with this number.
    Advance(usize),
    /// A snapshot read at a fresh timestamp.
    Read,
    /// Pessimistic locks are lost.
    Crash,
    /// Garbage is collected under everything that is open.
    Collect,
}

fn plans() -> impl Strategy<Value = Vec<Plan>> {
    let way = prop_oneof![
        Just(Way::TwoPhase),
        Just(Way::OnePhase),
        Just(Way::Async),
        Just(Way::Pessimistic)
    ];
    let writes =
        prop::collection::btree_map(0u8..6, prop::option::weighted(0.8, any::<u8>()), 1..4);
    let plan = (way, writes, prop::bool::weighted(0.15)).prop_map(|(way, writes, gives_up)| Plan {
        way,
        writes,
        gives_up,
    });
    prop::collection::vec(plan, 2..8)
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        12 => (0usize..8).prop_map(Step::Advance),
        3 => Just(Step::Read),
        1 => Just(Step::Crash),
        1 => Just(Step::Collect),
    ];
    prop::collection::vec(step, 10..80)
}

#[derive(Clone, Debug)]
enum Progress {
    New,
    Locked { start_ts: Timestamp, for_update_ts: Timestamp },
    Prewritten { start_ts: Timestamp, commit_ts: Option<Timestamp> },
    Over,
}

type State = BTreeMap<u8, Vec<u8>>;

struct World {
    /// What writers look at, and half of the readers; the others read snapshots, which it has no part in.
    engine: HotVersions,
    locks: LockTable,
    concurrency: ConcurrencyManager,
    range: KeyRange,
    oracle: u64,
    /// The model: commit timestamp → writes.
    committed: BTreeMap<Timestamp, BTreeMap<u8, Option<u8>>>,
    safe_point: Timestamp,
}

fn key(name: u8) -> Bytes {
    Bytes::from(format!("key{name}"))
}

/// Odd values are long, so that both places for values are used.
fn value(seed: u8) -> Vec<u8> {
    vec![seed; if seed.is_multiple_of(2) { 3 } else { 300 }]
}

impl World {
    fn new() -> World {
        World {
            engine: HotVersions::new(
                Arc::new(MemoryEngine::new()),
                HotBudget { ranges: 1 << 16, rows: 2048 },
            ),
            locks: LockTable::new(),
            concurrency: ConcurrencyManager::new(),
            range: KeyRange::all(),
            oracle: 0,
            committed: BTreeMap::new(),
            safe_point: Timestamp::ZERO,
        }
    }

    fn timestamp(&mut self) -> Timestamp {
        self.oracle += 1;
        Timestamp(self.oracle)
    }

    fn run(&mut self, request: &KvRequest) -> Result<KvResponse, KeyError> {
        let context = CommandContext {
            reader: &self.engine,
            locks: &self.locks,
            concurrency: &self.concurrency,
            range: &self.range,
            max_ts_synced: true,
        };
        let keys = footprint(&context, request).unwrap().keys;
        match execute(&context, request, &keys).unwrap() {
            Outcome::Reply(response) => Ok(response),
            Outcome::Error(error) => Err(error),
            Outcome::WaitForLock { lock, .. } => Err(KeyError::Locked(lock)),
            Outcome::Write(mut decision) => {
                self.engine.write(std::mem::take(&mut decision.batch), false).unwrap();
                decision.effects.apply(&mut self.locks);
                Ok(decision.response)
            }
        }
    }

    fn advance(&mut self, plan: &Plan, progress: Progress) -> Progress {
        match progress {
            Progress::New => {
                let start_ts = self.timestamp();
                if plan.way == Way::Pessimistic {
                    return self.lock(plan, start_ts);
                }
                self.prewrite(plan, start_ts, Timestamp::ZERO)
            }
            Progress::Locked { start_ts, .. } if plan.gives_up => self.give_up(plan, start_ts),
            Progress::Locked { start_ts, for_update_ts } => {
                self.prewrite(plan, start_ts, for_update_ts)
            }
            Progress::Prewritten { start_ts, .. } if plan.gives_up => self.give_up(plan, start_ts),
            Progress::Prewritten { start_ts, commit_ts } => {
                let commit_ts = commit_ts.unwrap_or_else(|| self.timestamp());
                let keys = plan.writes.keys().map(|name| key(*name)).collect();
                let request = KvRequest::Commit(CommitKeys { keys, start_ts, commit_ts });
                assert_eq!(self.run(&request), Ok(KvResponse::Done));
                assert_eq!(self.run(&request), Ok(KvResponse::Done), "a repeated commit");
                self.record(plan, commit_ts);
                Progress::Over
            }
            Progress::Over => Progress::Over,
        }
    }

    fn lock(&mut self, plan: &Plan, start_ts: Timestamp) -> Progress {
        let for_update_ts = self.timestamp();
        let lock = PessimisticLock {
            keys: plan.writes.keys().map(|name| (key(*name), false)).collect(),
            primary: key(*plan.writes.keys().next().unwrap()),
            start_ts,
            for_update_ts,
            ttl_ms: 0,
            wait: WaitPolicy::NoWait,
            return_values: true,
        };
        match self.run(&KvRequest::PessimisticLock(lock)) {
            Ok(KvResponse::Locked { values, .. }) => {
                let latest = self.state(Timestamp::MAX);
                for (name, found) in plan.writes.keys().zip(values) {
                    assert_eq!(found.as_deref(), latest.get(name).map(Vec::as_slice));
                }
                Progress::Locked { start_ts, for_update_ts }
            }
            Err(KeyError::Locked(_)) => Progress::Over,
            other => panic!("a lock at a fresh timestamp: {other:?}"),
        }
    }

    fn prewrite(&mut self, plan: &Plan, start_ts: Timestamp, for_update_ts: Timestamp) -> Progress {
        let mutation = |(name, write): (&u8, &Option<u8>)| Mutation {
            kind: if write.is_some() { MutationKind::Put } else { MutationKind::Delete },
            key: key(*name),
            value: Bytes::from(write.map_or_else(Vec::new, value)),
            assertion: Assertion::None,
            pessimistic: PessimisticAction::DoCheck,
        };
        let keys: Vec<Bytes> = plan.writes.keys().map(|name| key(*name)).collect();
        let request = KvRequest::Prewrite(Prewrite {
            mutations: plan.writes.iter().map(mutation).collect(),
            primary: keys[0].clone(),
            start_ts,
            ttl_ms: 0,
            txn_size: 0,
            for_update_ts,
            min_commit_ts: Timestamp::ZERO,
            try_one_pc: plan.way == Way::OnePhase,
            async_commit: (plan.way == Way::Async).then(|| keys[1..].to_vec()),
        });
        let response = self.run(&request);
        match &response {
            Ok(KvResponse::Prewritten { one_pc_commit_ts: Some(commit_ts), .. }) => {
                assert_eq!(self.run(&request), response, "a repeated one-phase commit");
                self.record(plan, *commit_ts);
                Progress::Over
            }
            Ok(KvResponse::Prewritten { min_commit_ts, .. }) => {
                assert_eq!(self.run(&request), response, "a repeated prewrite");
                Progress::Prewritten { start_ts, commit_ts: *min_commit_ts }
            }
            Ok(other) => panic!("{other:?}"),
            Err(_) => self.give_up(plan, start_ts),
        }
    }

    fn give_up(&mut self, plan: &Plan, start_ts: Timestamp) -> Progress {
        let keys = plan.writes.keys().map(|name| key(*name)).collect();
        let request = KvRequest::Rollback { keys, start_ts };
        assert_eq!(self.run(&request), Ok(KvResponse::Done));
        Progress::Over
    }

    fn record(&mut self, plan: &Plan, commit_ts: Timestamp) {
        // Transactions that commit at the same timestamp write different keys.
        for (name, write) in &plan.writes {
            let before = self.committed.entry(commit_ts).or_default().insert(*name, *write);
            assert_eq!(before, None, "two commits of one key at {commit_ts}");
        }
    }

    /// The model's state at a snapshot.
    fn state(&self, ts: Timestamp) -> State {
        let mut state = State::new();
        for (name, write) in self.committed.range(..=ts).flat_map(|(_, writes)| writes) {
            match write {
                Some(seed) => state.insert(*name, value(*seed)),
                None => state.remove(name),
            };
        }
        state
    }

    /// Reads a fresh snapshot, passing locks only where the rules allow, and compares what can be read.
    fn read_fresh(&mut self) {
        let ts = self.timestamp();
        let expected = self.state(ts);
        for name in 0..6 {
            let get = KvRequest::Get { key: key(name), ts, resolved: Vec::new() };
            if admit(&self.concurrency, &get).is_err() {
                continue;
            }
            match mvcc::get(&self.engine, &key(name), ts, &[]) {
                Ok(found) => assert_eq!(found.as_deref(), expected.get(&name).map(Vec::as_slice)),
                Err(mvcc::Error::Key(KeyError::Locked(_))) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Reads a snapshot in every way; locks are all resolved.
    fn check_snapshot(&self, ts: Timestamp) {
        let expected: Vec<(Bytes, Vec<u8>)> =
            self.state(ts).into_iter().map(|(name, value)| (key(name), value)).collect();
        self.check_reader(&*self.engine.snapshot(), ts, &expected);
        self.check_reader(&self.engine, ts, &expected);
        let end = key(6);
        self.engine.laborious(&data_key(&key(0)), &data_key(&end), ts).unwrap();
        self.check_reader(&self.engine, ts, &expected);
    }

    fn check_reader(&self, reader: &dyn Reader, ts: Timestamp, expected: &[(Bytes, Vec<u8>)]) {
        let keys: Vec<Bytes> = (0..6).map(key).collect();
        let batch = mvcc::batch_get(reader, &keys, ts, &[]).unwrap();
        let pairs = |pairs: Vec<crate::storage::txn::KvPair>| -> Vec<(Bytes, Vec<u8>)> {
            pairs.into_iter().map(|pair| (pair.key, pair.value.to_vec())).collect()
        };
        assert_eq!(pairs(batch), *expected, "batch get at {ts}");
        for reverse in [false, true] {
            let options = ScanOptions { ts, reverse, key_only: false, resolved: &[] };
            let mut scanner = Scanner::new(reader, &self.range, options).unwrap();
            let mut found = pairs(scanner.take(usize::MAX).unwrap());
            if reverse {
                found.reverse();
            }
            assert_eq!(found, *expected, "scan at {ts}, reverse: {reverse}");
        }
    }

    /// Collects garbage under the oldest open transaction.
    fn collect(&mut self, progress: &[Progress]) {
        let open = progress.iter().filter_map(|progress| match progress {
            Progress::Locked { start_ts, .. } | Progress::Prewritten { start_ts, .. } => {
                Some(start_ts.prev())
            }
            Progress::New | Progress::Over => None,
        });
        let safe_point = open.min().unwrap_or(Timestamp(self.oracle));
        self.safe_point = self.safe_point.max(safe_point);
        let request = KvRequest::Gc { safe_point, start: Bytes::new(), end: Bytes::new() };
        assert_eq!(self.run(&request), Ok(KvResponse::Done));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn snapshots_equal_the_serial_history(plans in plans(), steps in steps()) {
        let mut world = World::new();
        let mut progress = vec![Progress::New; plans.len()];
        for step in steps {
            match step {
                Step::Advance(number) => {
                    let number = number % plans.len();
                    let next = world.advance(&plans[number], progress[number].clone());
                    progress[number] = next;
                }
                Step::Read => world.read_fresh(),
                Step::Crash => world.locks.clear(),
                Step::Collect => world.collect(&progress),
            }
        }
        for (plan, progress) in plans.iter().zip(progress) {
            match progress {
                Progress::Locked { start_ts, .. } | Progress::Prewritten { start_ts, .. } => {
                    world.give_up(plan, start_ts);
                }
                Progress::New | Progress::Over => {}
            }
        }
        prop_assert!(world.locks.is_empty());
        for ts in world.safe_point.0..=world.oracle + 1 {
            world.check_snapshot(Timestamp(ts));
        }
    }
}
