//! Registers that only grow, on three stores, while stores are cut off, lose power, hand leadership
//! over, and regions split and merge: no acknowledged write is lost, and no read is stale.
//!
//! Each key has one writer, who writes 1, 2, 3, … and goes on when a number is acknowledged. A reader
//! notes the last number acknowledged, then takes a timestamp and reads: what it finds must be at least
//! that number, and no number that nobody has begun to write.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng};

use super::cluster::*;
use crate::actors::store::StoreNode;
use crate::storage::codec::mvcc::encode_key;

const KEYS: [&str; 6] = ["a", "e", "k", "p", "t", "x"];

/// What is known of one register.
#[derive(Clone, Copy, Default)]
struct Register {
    begun: u64,
    acknowledged: u64,
}

struct World {
    user: User,
    registers: RefCell<[Register; KEYS.len()]>,
    over: Cell<bool>,
    reads: Cell<u64>,
    pace: Pace,
}

/// How much is going on.
#[derive(Clone, Copy)]
struct Pace {
    /// What a writer waits after each number, in turn.
    writes_ms: &'static [u64],
    /// What a reader waits at most.
    reads_ms: u64,
    hibernate_ticks: u32,
}

const BUSY: Pace = Pace { writes_ms: &[60], reads_ms: 40, hibernate_ticks: 50 };
/// So little that regions fall asleep again and again, and are woken by writes, reads and losses.
const SLEEPY: Pace = Pace { writes_ms: &[60, 3000, 700, 9000], reads_ms: 3000, hibernate_ticks: 3 };

async fn write(world: Rc<World>, at: usize) {
    while !world.over.get() {
        let next = world.registers.borrow()[at].acknowledged + 1;
        world.registers.borrow_mut()[at].begun = next;
        world.user.put(KEYS[at], &next.to_string()).await;
        world.registers.borrow_mut()[at].acknowledged = next;
        world
            .user
            .settle_for(world.pace.writes_ms[next as usize % world.pace.writes_ms.len()])
            .await;
    }
}

fn check(world: &World, at: usize, least: u64, value: Option<String>, how: &str) {
    let value: u64 = value.map_or(0, |value| value.parse().unwrap());
    let begun = world.registers.borrow()[at].begun;
    assert!(value >= least, "{how} of {} found {value} after {least} was acknowledged", KEYS[at]);
    assert!(value <= begun, "{how} of {} found {value}, but only {begun} was begun", KEYS[at]);
    world.reads.set(world.reads.get() + 1);
}

async fn read(world: Rc<World>, mut rng: ChaCha8Rng) {
    while !world.over.get() {
        let at = (rng.next_u64() % KEYS.len() as u64) as usize;
        let least = world.registers.borrow()[at].acknowledged;
        let ts = world.user.ts().await;
        // Whoever believes to lead.
        for store in world.user.network.stores() {
            let encoded = encode_key(KEYS[at].as_bytes());
            let statuses = store.router.statuses();
            let Some(status) = statuses.iter().find(|status| status.region.contains(&encoded))
            else {
                continue;
            };
            let context = status.region.context();
            if let Some(Ok(value)) = store.reader.get(&context, KEYS[at].as_bytes(), ts, &[]) {
                let value = value.map(|value| String::from_utf8(value.to_vec()).unwrap());
                check(&world, at, least, value, "a lease read");
            }
        }
        // Any replica.
        let stores = world.user.network.stores();
        if !stores.is_empty() {
            let store = stores[(rng.next_u64() % stores.len() as u64) as usize].store_id;
            if let Ok(value) = world.user.read_replica(store, KEYS[at], ts).await {
                check(&world, at, least, value, "a replica read");
            }
        }
        world.user.settle_for(rng.next_u64() % world.pace.reads_ms).await;
    }
}

async fn disturb(cluster: &mut Cluster, rng: &mut ChaCha8Rng) {
    let stores: Vec<_> = cluster.members.keys().copied().collect();
    let store = stores[(rng.next_u64() % stores.len() as u64) as usize];
    let key = KEYS[(rng.next_u64() % KEYS.len() as u64) as usize];
    match rng.next_u64() % 6 {
        0 => {
            cluster.network.isolate(store);
            cluster.settle_for(500 + rng.next_u64() % 4000).await;
            cluster.network.heal();
        }
        1 => {
            let dead = cluster.kill(store).await;
            cluster.settle_for(rng.next_u64() % 4000).await;
            cluster.revive(dead).await;
        }
        2 => {
            let Some(leader) = cluster.leader_of(key) else { return };
            let Some(heir) = leader.region.peer_on(store) else { return };
            let router = cluster.on(leader.peer.store_id).store.router.clone();
            let _ = router.transfer_leader(leader.region.id, heir.id, Duration::from_secs(5)).await;
        }
        3 => {
            let Some(leader) = cluster.leader_of(key) else { return };
            let router = cluster.on(leader.peer.store_id).store.router.clone();
            let keys = vec![encode_key(key.as_bytes()).into()];
            let _ = router.split(leader.region.context(), keys, Duration::from_secs(5)).await;
        }
        4 => {
            let Some(source) = cluster.leader_of(key) else { return };
            let neighbour = cluster.statuses().into_iter().find(|status| {
                status.is_leader()
                    && !source.region.end_key.is_empty()
                    && status.region.start_key == source.region.end_key
            });
            let Some(neighbour) = neighbour else { return };
            let router = cluster.on(source.peer.store_id).store.router.clone();
            let target = neighbour.region;
            let _ = router.merge(source.region.id, target, Duration::from_secs(5)).await;
        }
        _ => cluster.settle_for(1000).await,
    }
}

async fn run(seed: u64, steps: usize, pace: Pace) {
    let mut options = small_logs();
    options.raft.hibernate_ticks = pace.hibernate_ticks;
    let mut cluster = Cluster::start(3, options).await;
    let mut asleep = 0;
    cluster.network.seed(seed);
    cluster.network.disturb(20, 15);
    let world = Rc::new(World {
        user: User::clone(&cluster),
        registers: RefCell::default(),
        over: Cell::new(false),
        reads: Cell::new(0),
        pace,
    });
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut tasks = Vec::new();
    for at in 0..KEYS.len() {
        tasks.push(tokio::task::spawn_local(write(Rc::clone(&world), at)));
    }
    for _ in 0..2 {
        let rng = ChaCha8Rng::seed_from_u64(rng.next_u64());
        tasks.push(tokio::task::spawn_local(read(Rc::clone(&world), rng)));
    }
    for _ in 0..steps {
        disturb(&mut cluster, &mut rng).await;
        asleep += cluster.network.stores().iter().map(StoreNode::sleeping).sum::<usize>();
        cluster.settle_for(rng.next_u64() % 1500).await;
    }
    cluster.network.heal();
    cluster.network.disturb(0, 0);
    world.over.set(true);
    for task in tasks {
        task.await.unwrap();
    }
    cluster.check();
    for (at, key) in KEYS.iter().enumerate() {
        let register = world.registers.borrow()[at];
        let value: u64 = cluster.get(key).await.map_or(0, |value| value.parse().unwrap());
        assert_eq!(value, register.acknowledged, "seed {seed}: {key}");
        assert!(value > 0, "seed {seed}: {key} was written");
        cluster.wait_level(key, 3).await;
    }
    assert!(world.reads.get() > 50, "seed {seed}: {} reads", world.reads.get());
    assert_eq!(asleep > 10, pace.hibernate_ticks < 10, "seed {seed}: {asleep} slept");
}

macro_rules! seeds {
    ($($name:ident: $seed:literal $steps:literal $pace:expr;)*) => {
        $(#[actix_rt::test]
        async fn $name() {
            let steps = std::env::var("STEPS").ok().and_then(|steps| steps.parse().ok());
            let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
            run(seed.unwrap_or($seed), steps.unwrap_or($steps), $pace).await;
        })*
    };
}

seeds! {
    registers_only_grow_1: 1 15 BUSY;
    registers_only_grow_2: 2 15 BUSY;
    registers_only_grow_3: 3 15 BUSY;
    registers_only_grow_4: 4 15 BUSY;
    sleepy_registers_only_grow_1: 11 40 SLEEPY;
    sleepy_registers_only_grow_2: 12 40 SLEEPY;
    sleepy_registers_only_grow_3: 13 40 SLEEPY;
    sleepy_registers_only_grow_4: 14 40 SLEEPY;
}
