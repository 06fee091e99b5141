//! The core, driven by hand.

use std::sync::Arc;

use raft::eraftpb::{ConfState, Message};

use super::*;
use crate::common::{LogIndex, PeerId, RegionId, Term, Timestamp};
use crate::storage::engine::{MemoryEngine, WriteBatch};

fn core(peer: u64, voters: &[u64]) -> PeerCore<&'static str> {
    let store = LogStore::new(Arc::new(MemoryEngine::new()));
    let log = store.create(RegionId(1), LogPosition::INIT, &mut WriteBatch::new());
    let start = PeerStart {
        region_id: RegionId(1),
        peer_id: PeerId(peer),
        applied: LogIndex(5),
        log,
        conf_state: ConfState { voters: voters.to_vec(), ..ConfState::default() },
    };
    PeerCore::new(&RaftOptions::default(), start, &tracing_logger(RegionId(1))).unwrap()
}

/// Reports everything durable and applied until nothing is left to do; returns the waiters in
/// order.
fn settle(core: &mut PeerCore<&'static str>) -> Vec<&'static str> {
    let mut done = Vec::new();
    loop {
        let effects = core.take_effects(0);
        if effects.persist.is_empty() && effects.committed.is_empty() {
            return done;
        }
        for write in effects.persist {
            core.on_persisted(write.number, write.last);
        }
        for committed in effects.committed {
            core.on_applied(LogIndex(committed.entry.index), Term(committed.entry.term));
            done.extend(committed.waiter);
        }
    }
}

fn leader() -> PeerCore<&'static str> {
    let mut core = core(1, &[1]);
    core.campaign().unwrap();
    settle(&mut core);
    assert!(core.is_ready());
    core
}

#[test]
fn an_only_voter_elects_itself_and_is_ready_after_its_first_entry() {
    let mut core = core(1, &[1]);
    core.campaign().unwrap();
    let effects = core.take_effects(0);
    assert!(effects.role_changed);
    assert!(core.is_leader());
    assert!(!core.is_ready(), "its first entry is not applied");
    assert!(!core.lease().is_valid(0));
    let mut numbers: Vec<_> = effects.persist.iter().map(|p| (p.number, p.last)).collect();
    let (number, last) = numbers.pop().unwrap();
    core.on_persisted(number, last);
    settle(&mut core);
    assert!(core.is_ready());
    assert_eq!(core.lease(), Lease::UNBOUNDED);
    assert_eq!(core.term(), Term(6));
    assert_eq!(core.applied(), LogIndex(6));
}

#[test]
fn nothing_commits_before_it_is_durable() {
    let mut core = leader();
    core.propose(b"one".to_vec(), "one", 0).unwrap();
    let first = core.take_effects(0);
    assert!(first.committed.is_empty());
    core.propose(b"two".to_vec(), "two", 0).unwrap();
    core.propose(b"three".to_vec(), "three", 0).unwrap();
    let second = core.take_effects(0);
    assert_eq!(second.persist.len(), 1, "what came in between is one write");
    assert_eq!(second.persist[0].last.index, LogIndex(9));
    core.on_persisted(first.persist[0].number, first.persist[0].last);
    let effects = core.take_effects(0);
    let waiters: Vec<_> = effects.committed.iter().map(|c| c.waiter).collect();
    assert_eq!(waiters, [Some("one")]);
    core.on_persisted(second.persist[0].number, second.persist[0].last);
    let effects = core.take_effects(0);
    let waiters: Vec<_> = effects.committed.iter().map(|c| c.waiter).collect();
    assert_eq!(waiters, [Some("two"), Some("three")]);
    assert!(effects.persist.is_empty(), "the commit index alone is not worth a write");
}

#[test]
fn a_read_is_answered_with_an_index() {
    let mut core = leader();
    core.read_index("read", Timestamp::ZERO, 0).unwrap();
    assert_eq!(core.take_effects(0).reads, [(LogIndex(6), "read")]);
}

#[test]
fn the_log_can_be_compacted_behind_the_applied_index() {
    let mut core = leader();
    for _ in 0..3 {
        core.propose(b"data".to_vec(), "w", 0).unwrap();
    }
    assert_eq!(settle(&mut core).len(), 3);
    let to = LogPosition { index: LogIndex(8), term: Term(6) };
    assert!(!core.compact(to).is_empty());
    assert_eq!(core.truncated(), to.index);
    core.propose(b"more".to_vec(), "after", 0).unwrap();
    assert_eq!(settle(&mut core), ["after"]);
}

#[test]
fn a_quiet_only_voter_may_sleep() {
    let mut core = leader();
    for _ in 0..3 {
        assert!(!core.may_hibernate(3));
        core.tick();
        assert_eq!(settle(&mut core).len(), 0);
    }
    assert!(core.may_hibernate(3));
    core.propose(b"data".to_vec(), "w", 0).unwrap();
    assert!(!core.may_hibernate(3));
}

/// Three replicas joined by instant delivery; `down` receives nothing.
struct Group {
    peers: Vec<PeerCore<&'static str>>,
    down: Option<u64>,
    stale: Vec<&'static str>,
    done: Vec<&'static str>,
}

impl Group {
    fn new() -> Group {
        let peers = (1..=3).map(|id| core(id, &[1, 2, 3])).collect();
        Group { peers, down: None, stale: Vec::new(), done: Vec::new() }
    }

    fn run(&mut self, now: u64) {
        let mut mail: Vec<Message> = Vec::new();
        loop {
            let mut idle = mail.is_empty();
            for message in std::mem::take(&mut mail) {
                if self.down != Some(message.to) && self.down != Some(message.from) {
                    let to = usize::try_from(message.to - 1).unwrap();
                    let _ = self.peers[to].step(message);
                }
            }
            for peer in &mut self.peers {
                let effects = peer.take_effects(now);
                idle &= effects.persist.is_empty() && effects.committed.is_empty();
                mail.extend(effects.messages);
                self.stale.extend(effects.stale);
                for write in effects.persist {
                    mail.extend(peer.on_persisted(write.number, write.last));
                }
                for committed in effects.committed {
                    let entry = committed.entry;
                    peer.on_applied(LogIndex(entry.index), Term(entry.term));
                    self.done.extend(committed.waiter);
                }
            }
            if idle && mail.is_empty() {
                return;
            }
        }
    }
}

#[test]
fn a_group_commits_with_a_majority_and_holds_a_bounded_lease() {
    let mut group = Group::new();
    group.peers[0].campaign().unwrap();
    group.run(0);
    assert!(group.peers[0].is_ready());
    assert!(!group.peers[0].may_hibernate(0), "followers need heartbeats");
    group.down = Some(3);
    group.peers[0].propose(b"data".to_vec(), "w", 1_000).unwrap();
    group.run(2_000);
    assert_eq!(group.done, ["w"]);
    let lease = group.peers[0].lease();
    let length = u64::try_from(RaftOptions::default().lease.as_nanos()).unwrap();
    assert_eq!(lease.until(), 1_000 + length, "it counts from the proposal");
    group.peers[0].read_index("r", Timestamp::ZERO, 5_000).unwrap();
    group.run(6_000);
    assert_eq!(group.peers[0].lease().until(), 5_000 + length);
}

#[test]
fn a_deposed_leader_learns_that_its_proposals_are_void() {
    let mut group = Group::new();
    group.peers[0].campaign().unwrap();
    group.run(0);
    group.down = Some(1);
    group.peers[0].propose(b"lost".to_vec(), "lost", 0).unwrap();
    group.run(0);
    // Followers keep faith in their leader for an election timeout.
    for _ in 0..40 {
        group.peers[1].tick();
        group.peers[2].tick();
        group.run(0);
    }
    let new_leader = group.peers.iter().skip(1).position(PeerCore::is_leader).unwrap() + 1;
    group.down = None;
    group.peers[new_leader].propose(b"kept".to_vec(), "kept", 0).unwrap();
    // Heartbeats find out that the old leader is back.
    for _ in 0..4 {
        group.peers[new_leader].tick();
        group.run(0);
    }
    assert_eq!(group.stale, ["lost"]);
    assert_eq!(group.done, ["kept"]);
    assert!(!group.peers[0].is_leader());
}
