//! Groups in one thread, over a network that loses, delays and cuts.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::BoxFuture;
use parking_lot::Mutex;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::common::{StoreId, Timestamp};
use crate::placement::{StoreMeta, TimestampOracle};
use crate::storage::engine::MemoryEngine;
use crate::storage::region::{Peer, Region};

const TICK: u64 = 100_000_000;

#[derive(Default)]
struct Wire(Mutex<Vec<GroupMessage>>);

impl GroupTransport for Wire {
    fn send(&self, _: &MemberView, message: GroupMessage) {
        self.0.lock().push(message);
    }
}

/// A proposal to raise the oracle's limit: the limit, the term it was made in, and its outcome.
type Extending = (u64, Option<Term>, BoxFuture<'static, Result<Reply, LogError>>);

/// A member with what its PD would have: an oracle.
struct Node {
    log: RaftLog,
    oracle: TimestampOracle,
    leads: Option<Term>,
    extending: Option<Extending>,
}

struct World {
    disks: BTreeMap<u64, Arc<MemoryEngine>>,
    nodes: BTreeMap<u64, Node>,
    wire: Arc<Wire>,
    delayed: Vec<(u64, GroupMessage)>,
    cut: BTreeSet<u64>,
    loss: f64,
    rng: ChaCha8Rng,
    now: u64,
    lives: u64,
    compact_entries: u64,
    joining: BTreeMap<u64, Vec<MemberView>>,
    name_of: BTreeMap<u64, String>,
    first: Vec<MemberView>,
    last_ts: Timestamp,
}

fn member(name: &str) -> MemberView {
    MemberView {
        name: name.to_owned(),
        peer_urls: vec![format!("{name}:20160")],
        ..MemberView::default()
    }
}

impl World {
    fn new(members: u64, seed: u64) -> World {
        let mut world = World {
            disks: BTreeMap::new(),
            nodes: BTreeMap::new(),
            wire: Arc::default(),
            delayed: Vec::new(),
            cut: BTreeSet::new(),
            loss: 0.0,
            rng: ChaCha8Rng::seed_from_u64(seed),
            now: 0,
            lives: 0,
            compact_entries: 20,
            joining: BTreeMap::new(),
            name_of: BTreeMap::new(),
            first: (1..=members).map(|id| member(&format!("pd-{id}"))).collect(),
            last_ts: Timestamp::ZERO,
        };
        (1..=members).for_each(|id| world.start(id));
        world
    }

    fn start(&mut self, id: u64) {
        let disk =
            Arc::clone(self.disks.entry(id).or_insert_with(|| Arc::new(MemoryEngine::new())));
        self.lives += 1;
        let begin = match self.joining.get(&id) {
            Some(members) => Begin::Joining(members.clone()),
            None => Begin::First(self.first.clone()),
        };
        let options = MemberOptions {
            name: self.name_of.get(&id).cloned().unwrap_or_else(|| format!("pd-{id}")),
            begin,
            raft: RaftOptions { compact_entries: self.compact_entries, ..RaftOptions::default() },
            seed: self.lives,
            incarnation: self.lives,
        };
        let transport = Arc::clone(&self.wire) as Arc<dyn GroupTransport>;
        let log = RaftLog::open(disk, &options, transport).unwrap();
        let oracle = TimestampOracle::new();
        self.nodes.insert(id, Node { log, oracle, leads: None, extending: None });
    }

    /// What was not synced is gone.
    fn kill(&mut self, id: u64) {
        self.nodes.remove(&id);
        self.disks[&id].crash();
    }

    fn unix_ms(&self) -> u64 {
        1_700_000_000_000 + self.now / 1_000_000
    }

    fn tick(&mut self) {
        self.now += TICK;
        let ids: Vec<u64> = self.nodes.keys().copied().collect();
        for id in ids {
            let now = self.now;
            if let Some(node) = self.nodes.get_mut(&id) {
                node.log.tick(now);
            }
            self.lead(id);
        }
        for _ in 0..20 {
            self.deliver();
        }
        assert!(self.leaseholders().len() <= 1, "two hold a lease: {:?}", self.leaseholders());
    }

    fn leaseholders(&self) -> Vec<u64> {
        let holds = |(_, node): &(&u64, &Node)| {
            let leadership = node.log.leadership();
            leadership.leads.is_some() && leadership.lease_until > self.now
        };
        self.nodes.iter().filter(holds).map(|(id, _)| *id).collect()
    }

    fn deliver(&mut self) {
        let sent = std::mem::take(&mut *self.wire.0.lock());
        for message in sent {
            let lost = self.loss > 0.0 && self.rng.random_bool(self.loss);
            let late = self.loss > 0.0 && self.rng.random_bool(0.1);
            if lost || self.cut.contains(&message.from) != self.cut.contains(&message.to) {
                continue;
            }
            let due = self.now + if late { TICK * 3 } else { 0 };
            self.delayed.push((due, message));
        }
        let (due, later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.delayed).into_iter().partition(|(due, _)| *due <= self.now);
        self.delayed = later;
        for (_, message) in due {
            let to = message.to;
            if self.cut.contains(&message.from) != self.cut.contains(&to) {
                continue;
            }
            if let Some(node) = self.nodes.get_mut(&to) {
                node.log.receive(message, self.now);
            }
            self.lead(to);
        }
    }

    /// What PD's leader does with its oracle.
    fn lead(&mut self, id: u64) {
        let unix_ms = self.unix_ms();
        let Some(node) = self.nodes.get_mut(&id) else { return };
        let leadership = node.log.leadership();
        node.oracle.lease(leadership.lease_until);
        if leadership.leads != node.leads {
            node.leads = leadership.leads;
            node.oracle.close();
            node.extending = None;
            if node.leads.is_some() {
                node.oracle.open(node.log.state().tso_bound_ms());
            }
        }
        if let Some((bound, term, mut pending)) = node.extending.take() {
            match (&mut pending).now_or_never() {
                None => node.extending = Some((bound, term, pending)),
                Some(Ok(_)) if term == node.leads => node.oracle.extend(bound),
                Some(_) => {}
            }
        }
        if node.leads.is_some()
            && node.extending.is_none()
            && let Some(bound_ms) = node.oracle.wanted_bound(unix_ms)
        {
            let pending = node.log.commit(Command::SaveTsoBound { bound_ms });
            node.extending = Some((bound_ms, node.leads, pending));
        }
    }

    /// Everybody who hands out timestamps does; they must ascend over all.
    fn take_timestamps(&mut self) -> usize {
        let (unix_ms, now) = (self.unix_ms(), self.now);
        let mut taken = 0;
        let ids: Vec<u64> = self.nodes.keys().copied().collect();
        for id in ids {
            let node = &self.nodes[&id];
            if node.leads.is_none() {
                continue;
            }
            if let Some(range) = node.oracle.take_leased(unix_ms, 3, || now) {
                assert!(range.start > self.last_ts, "{:?} after {:?}", range.start, self.last_ts);
                self.last_ts = range.end.prev();
                taken += 1;
            }
        }
        taken
    }

    fn run(&mut self, ticks: usize) {
        for _ in 0..ticks {
            self.tick();
            self.take_timestamps();
        }
    }

    fn leader(&mut self) -> u64 {
        for _ in 0..200 {
            if let [leader] = self.leaseholders()[..] {
                return leader;
            }
            self.run(1);
        }
        panic!("nobody comes to lead");
    }

    fn commit(&mut self, id: u64, command: Command) -> Result<Reply, LogError> {
        let mut pending = self.nodes.get_mut(&id).unwrap().log.commit(command);
        for _ in 0..100 {
            if let Some(result) = (&mut pending).now_or_never() {
                return result;
            }
            self.run(1);
        }
        Err(LogError::Undetermined)
    }

    fn change(&mut self, id: u64, change: MemberChange) -> Result<Vec<MemberView>, LogError> {
        let mut pending = self.nodes.get_mut(&id).unwrap().log.change_members(change);
        for _ in 0..100 {
            if let Some(result) = (&mut pending).now_or_never() {
                return result;
            }
            self.run(1);
        }
        Err(LogError::Undetermined)
    }

    fn ids(&mut self, count: u64) -> std::ops::Range<u64> {
        let leader = self.leader();
        match self.commit(leader, Command::AllocIds { count }) {
            Ok(Reply::Ids(ids)) => ids,
            other => panic!("{other:?}"),
        }
    }

    fn agree(&mut self) {
        self.run(50);
        let states: Vec<&PdState> = self.nodes.values().map(|node| node.log.state()).collect();
        assert!(states.windows(2).all(|pair| pair[0] == pair[1]), "members differ: {states:?}");
    }
}

fn bootstrap(store: u64) -> Command {
    let peer = Peer { id: PeerId(3), store_id: StoreId(store), ..Peer::default() };
    Command::Bootstrap {
        store: StoreMeta { id: StoreId(store), ..StoreMeta::default() },
        region: Region { id: RegionId(2), peers: vec![peer], ..Region::default() },
    }
}

#[test]
fn groups_of_one_three_and_five_agree() {
    for members in [1, 3, 5] {
        let mut world = World::new(members, members);
        let leader = world.leader();
        assert_eq!(world.commit(leader, bootstrap(1)), Ok(Reply::Flag(true)));
        assert_eq!(world.commit(leader, bootstrap(9)), Ok(Reply::Flag(false)), "by exactly one");
        assert_eq!(world.ids(5), 4..9);
        world.agree();
        for node in world.nodes.values() {
            assert!(node.log.state().is_bootstrapped());
        }
    }
}

#[test]
fn followers_refuse_and_name_the_leader() {
    let mut world = World::new(3, 1);
    let leader = world.leader();
    world.run(3);
    let follower = (1..=3).find(|id| *id != leader).unwrap();
    assert_eq!(world.commit(follower, bootstrap(1)), Err(LogError::NotLeader));
    let known = world.nodes[&follower].log.leadership();
    assert_eq!(known.leads, None);
    assert_eq!(known.leader, Some(format!("pd-{leader}:20160")));
}

#[test]
fn a_killed_leader_is_replaced_and_nothing_acknowledged_is_lost() {
    let mut world = World::new(3, 2);
    let first = world.leader();
    let before = world.ids(10);
    world.run(20);
    let last = world.last_ts;
    world.kill(first);
    let second = world.leader();
    assert_ne!(first, second);
    world.run(20);
    assert!(world.last_ts > last);
    assert!(world.ids(10).start >= before.end);
    world.start(first);
    world.agree();
}

#[test]
fn a_leader_that_is_cut_off_hands_nothing_out() {
    let mut world = World::new(3, 3);
    let old = world.leader();
    world.run(20);
    world.cut.insert(old);
    let new = world.leader();
    // For as long as its lease lasts the old one is the only one; then there is another.
    for _ in 0..100 {
        if world.leader() != old {
            break;
        }
        world.run(1);
    }
    let new = if new == old { world.leader() } else { new };
    assert_ne!(old, new);
    assert_eq!(world.commit(old, Command::AllocIds { count: 1 }).ok(), None);
    world.run(50);
    assert_eq!(world.nodes[&old].log.leadership().leads, None);
    world.cut.clear();
    world.agree();
}

#[test]
fn a_member_that_missed_much_gets_the_whole_state() {
    let mut world = World::new(3, 4);
    let leader = world.leader();
    let lagging = (1..=3).find(|id| *id != leader).unwrap();
    world.kill(lagging);
    for _ in 0..200 {
        world.ids(1);
    }
    let leader = world.leader();
    assert!(world.nodes[&leader].log.record.truncated().index.0 > 100, "the log is compacted");
    world.start(lagging);
    world.agree();
    // It goes on from what it was given.
    world.kill(lagging);
    world.start(lagging);
    world.agree();
}

#[test]
fn members_join_and_leave() {
    let mut world = World::new(1, 5);
    let leader = world.leader();
    let used = world.ids(7);
    for id in 2..=3 {
        let members = world.change(leader, MemberChange::Add(member(&format!("pd-{id}")))).unwrap();
        assert_eq!(members.last().unwrap().member_id, id);
        world.joining.insert(id, members);
        world.start(id);
        world.run(50);
    }
    let members = world.nodes[&3].log.members();
    assert!(members.iter().all(|member| member.voter), "{members:?}");
    world.kill(1);
    let second = world.leader();
    assert!(world.ids(1).start >= used.end);
    let left = world.change(second, MemberChange::Remove { name: "pd-1".to_owned() }).unwrap();
    assert_eq!(left.len(), 2);
    let unknown = world.change(second, MemberChange::Remove { name: "pd-7".to_owned() });
    assert_eq!(unknown, Err(LogError::Refused("there is no member pd-7".to_owned())));
    // An address changes without a new identity.
    let there = vec!["elsewhere:1".to_owned()];
    let moved = MemberView { member_id: 2, peer_urls: there.clone(), ..member("pd-two") };
    let list = world.change(second, MemberChange::Describe(moved)).unwrap();
    let found = list.iter().find(|member| member.member_id == 2).unwrap();
    assert_eq!((found.name.as_str(), &found.peer_urls, found.voter), ("pd-two", &there, true));
    for (described, why) in [
        (MemberView { member_id: 3, ..member("pd-two") }, "another member is called pd-two too"),
        (MemberView { member_id: 1, ..member("pd-1") }, "is not a member any more"),
    ] {
        match world.change(second, MemberChange::Describe(described)) {
            Err(LogError::Refused(reason)) => assert!(reason.contains(why), "{reason}"),
            other => panic!("{other:?}"),
        }
    }
    world.agree();
}

#[test]
fn a_member_that_lost_its_data_comes_back_as_another() {
    let mut world = World::new(3, 8);
    let leader = world.leader();
    let wiped = (1..=3).find(|id| *id != leader).unwrap();
    let name = format!("pd-{wiped}");
    let refused = |result: Result<Vec<MemberView>, LogError>| match result {
        Err(LogError::Refused(reason)) => reason,
        other => panic!("{other:?}"),
    };
    world.run(20);
    let there = world.change(leader, MemberChange::Add(member(&name)));
    assert!(refused(there).contains("already"), "it is there");
    world.nodes.remove(&wiped);
    world.disks.remove(&wiped);
    world.run(60);
    let leader = world.leader();
    let removing = world.change(leader, MemberChange::Add(member(&name)));
    assert!(refused(removing).contains("ask again"));
    world.run(20);
    let members = world.change(leader, MemberChange::Add(member(&name))).unwrap();
    let ids: Vec<u64> = members.iter().map(|member| member.member_id).collect();
    assert!(ids.contains(&4) && !ids.contains(&wiped), "{ids:?}");
    world.joining.insert(4, members);
    world.name_of.insert(4, name);
    world.start(4);
    world.run(60);
    assert!(world.nodes[&leader].log.members().iter().all(|member| member.voter));
    world.agree();
}

#[test]
fn leadership_is_handed_on_to_who_can_take_it() {
    let mut world = World::new(3, 9);
    let first = world.leader();
    world.run(20);
    let others: Vec<u64> = (1..=3).filter(|id| *id != first).collect();
    world.kill(others[0]);
    world.run(60);
    let log = &mut world.nodes.get_mut(&first).unwrap().log;
    assert_eq!(log.absent(), [others[0]]);
    assert!(log.hand_over(Some(&format!("pd-{}", others[0]))).is_err(), "nobody is there");
    assert_eq!(log.hand_over(None), Ok(format!("pd-{}", others[1])));
    world.run(20);
    assert_eq!(world.leader(), others[1]);
    assert_eq!(world.nodes.get_mut(&first).unwrap().log.hand_over(None), Err(LogError::NotLeader));
    world.start(others[0]);
    world.agree();
}

#[test]
fn the_state_of_a_single_member_becomes_a_group_of_one() {
    use crate::placement::SingleMemberLog;
    let disk = Arc::new(MemoryEngine::new());
    let mut single = SingleMemberLog::open(Arc::<MemoryEngine>::clone(&disk)).unwrap();
    single.commit(bootstrap(1)).now_or_never().unwrap().unwrap();
    let mut world = World::new(1, 6);
    world.kill(1);
    world.disks.insert(1, Arc::clone(&disk));
    world.start(1);
    assert!(world.nodes[&1].log.state().is_bootstrapped());
    assert!(world.ids(1).start >= 4);
    let error = SingleMemberLog::open(disk).err().unwrap().to_string();
    assert!(error.contains("a member of a placement driver's group"), "{error}");
}

#[test]
fn a_state_survives_as_its_records() {
    let mut state = PdState::default();
    state.apply(bootstrap(1));
    state.apply(Command::AdvanceGcSafePoint { to: Timestamp(77), now_ms: 1 });
    state.apply(Command::SetPaused { scheduler: "merge".to_owned(), paused: true });
    state.apply(Command::SetEvicting { id: StoreId(1), evicting: true });
    state.apply(Command::PutSetting { name: "max-replicas".to_owned(), value: 5 });
    let records = state.records().into_iter().map(|(name, value)| (name, value.unwrap()));
    assert_eq!(PdState::from_records(records).unwrap(), state);
}

#[test]
fn whatever_happens_timestamps_ascend_ids_are_new_and_one_bootstraps() {
    for seed in 0..12 {
        let mut world = World::new(if seed % 3 == 2 { 5 } else { 3 }, 100 + seed);
        let (mut seen, mut bootstraps) = (BTreeSet::new(), 0);
        let members = world.first.len() as u64;
        for _ in 0..60 {
            let id = world.rng.random_range(1..=members);
            let down = (members - world.nodes.len() as u64) as usize;
            match world.rng.random_range(0..8) {
                0 if world.nodes.contains_key(&id) && down < members as usize / 2 => world.kill(id),
                1 | 2 if !world.nodes.contains_key(&id) => world.start(id),
                3 => world.cut = BTreeSet::from([id]),
                4 => world.cut.clear(),
                5 => world.loss = f64::from(world.rng.random_range(0..3u32)) / 10.0,
                _ => {}
            }
            let ids: Vec<u64> = world.nodes.keys().copied().collect();
            for id in ids {
                if world.nodes[&id].leads.is_none() {
                    continue;
                }
                let mut store = world.nodes.get_mut(&id).unwrap().log.commit(bootstrap(id));
                let taken = world.commit(id, Command::AllocIds { count: 2 });
                if let Ok(Reply::Ids(taken)) = taken {
                    assert!(
                        taken.clone().all(|id| seen.insert(id)),
                        "seed {seed}: {taken:?} again"
                    );
                }
                if (&mut store).now_or_never() == Some(Ok(Reply::Flag(true))) {
                    bootstraps += 1;
                }
                break;
            }
            let ticks = world.rng.random_range(1..20);
            world.run(ticks);
        }
        assert!(bootstraps <= 1, "seed {seed}");
        (world.loss, world.cut) = (0.0, BTreeSet::new());
        for id in 1..=members {
            if !world.nodes.contains_key(&id) {
                world.start(id);
            }
        }
        let last = world.last_ts;
        world.run(60);
        assert!(world.last_ts > last, "seed {seed}: it serves again");
        assert!(world.ids(1).all(|id| seen.insert(id)));
        world.agree();
    }
}
