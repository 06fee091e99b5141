//! The core, driven by hand.

use std::sync::Arc;

use raft::eraftpb::{ConfState, Message};

use super::*;
use crate::common::{LogIndex, PeerId, RegionId, Term, Timestamp};
use crate::storage::engine::{MemoryEngine, WriteBatch};

fn core(peer: u64, voters: &[u64]) -> PeerCore<&'static str> {
    core_on(&LogStore::new(Arc::new(MemoryEngine::new())), peer, voters)
}

fn core_on(store: &LogStore, peer: u64, voters: &[u64]) -> PeerCore<&'static str> {
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

#[test]
fn who_leads_again_knows_its_new_proposals_from_those_that_were_replaced() {
    let mut group = Group::new();
    group.peers[0].campaign().unwrap();
    group.run(0);
    group.down = Some(1);
    let lost = ["lost 7", "lost 8", "lost 9", "lost 10"];
    for waiter in lost {
        group.peers[0].propose(b"lost".to_vec(), waiter, 0).unwrap();
    }
    group.run(0);
    for _ in 0..40 {
        group.peers[1].tick();
        group.peers[2].tick();
        group.run(0);
    }
    let leader = group.peers.iter().skip(1).position(PeerCore::is_leader).unwrap() + 1;
    // The first one hears of the new leader's first entry, which cuts its log, and leads again.
    group.down = None;
    for _ in 0..4 {
        group.peers[leader].tick();
        group.run(0);
    }
    assert_eq!(group.peers[0].last_index(), LogIndex(7));
    group.peers[leader].transfer_leader(PeerId(1));
    group.run(0);
    assert!(group.peers[0].is_ready());
    group.peers[0].propose(b"kept".to_vec(), "new 9", 0).unwrap();
    group.run(0);
    group.peers[0].propose(b"kept".to_vec(), "new 10", 0).unwrap();
    group.run(0);
    group.stale.sort_unstable();
    assert_eq!(group.stale, ["lost 10", "lost 7", "lost 8", "lost 9"]);
    assert_eq!(group.done, ["new 9", "new 10"]);
}

/// Ticks every replica and delivers, so often.
fn tick_all(group: &mut Group, ticks: usize) {
    for _ in 0..ticks {
        for peer in &mut group.peers {
            peer.tick();
        }
        group.run(0);
    }
}

fn quiet_group() -> Group {
    let mut group = Group::new();
    group.peers[0].campaign().unwrap();
    group.run(0);
    tick_all(&mut group, 20);
    group
}

const OTHERS: [PeerId; 2] = [PeerId(2), PeerId(3)];

#[test]
fn a_group_sleeps_when_all_agree() {
    let mut group = quiet_group();
    assert_eq!(group.peers[0].ask_to_doze(30), None, "it is not quiet for so long");
    assert_eq!(group.peers[1].ask_to_doze(10), None, "only the leader asks");
    let ask = group.peers[0].ask_to_doze(10).expect("it is quiet, in spite of heartbeats");
    let answer = |peer: &mut PeerCore<&'static str>| match peer.on_doze(ask, PeerId(1), &[]) {
        AfterDoze::Answer(word) => word,
        other => panic!("{other:?}"),
    };
    let agree = answer(&mut group.peers[1]);
    assert_eq!(agree.kind, DozeKind::Agree);
    let nothing = AfterDoze::Nothing;
    assert_eq!(group.peers[0].on_doze(agree, PeerId(2), &OTHERS), nothing, "one is missing");
    assert_eq!(group.peers[0].on_doze(agree, PeerId(2), &OTHERS), nothing, "it agrees twice");
    let AfterDoze::TellAll(sleep) = group.peers[0].on_doze(agree, PeerId(3), &OTHERS) else {
        panic!("all have agreed");
    };
    assert_eq!(group.peers[1].on_doze(sleep, PeerId(1), &[]), AfterDoze::Sleep);
    assert_eq!(group.peers[2].on_doze(sleep, PeerId(2), &[]), nothing, "that is not its leader");
    assert_eq!(group.peers[0].on_doze(agree, PeerId(3), &OTHERS), nothing, "it was asked no more");
}

#[test]
fn nobody_sleeps_while_there_is_something_to_do() {
    let mut group = quiet_group();
    let ask = group.peers[0].ask_to_doze(10).unwrap();
    let agree = Doze { kind: DozeKind::Agree, ..ask };
    assert_eq!(group.peers[0].on_doze(agree, PeerId(2), &OTHERS), AfterDoze::Nothing);
    // A write comes in between, and is over again before the last answer is there.
    group.peers[0].propose(b"data".to_vec(), "w", 0).unwrap();
    assert!(group.peers[0].needs_ticks());
    assert_eq!(group.peers[0].ask_to_doze(0), None, "a proposal is under way");
    group.run(0);
    assert!(!group.peers[0].needs_ticks());
    assert_eq!(group.peers[0].on_doze(agree, PeerId(3), &OTHERS), AfterDoze::Nothing);
    // What was asked before the write is not what a follower has now.
    assert_eq!(group.peers[1].on_doze(ask, PeerId(1), &[]), AfterDoze::Nothing);
    let sleep = Doze { kind: DozeKind::Sleep, ..ask };
    assert_eq!(group.peers[1].on_doze(sleep, PeerId(1), &[]), AfterDoze::Nothing);
    // A follower that lags keeps everybody awake.
    group.down = Some(3);
    group.peers[0].propose(b"data".to_vec(), "w", 0).unwrap();
    group.run(0);
    assert_eq!(group.peers[0].ask_to_doze(0), None);
}

#[test]
fn a_word_of_an_earlier_term_means_nothing() {
    let mut group = quiet_group();
    let ask = group.peers[0].ask_to_doze(10).unwrap();
    group.peers[0].transfer_leader(PeerId(2));
    group.run(0);
    assert!(group.peers[1].is_leader());
    for kind in [DozeKind::Ask, DozeKind::Agree, DozeKind::Sleep] {
        for peer in &mut group.peers {
            let word = Doze { kind, ..ask };
            assert_eq!(peer.on_doze(word, PeerId(1), &OTHERS), AfterDoze::Nothing);
        }
    }
}

#[test]
fn only_what_says_nothing_new_lets_a_leader_sleep_on() {
    use raft::eraftpb::MessageType;
    let group = quiet_group();
    let message = |kind: MessageType, context: &'static [u8]| {
        let mut message = Message { context: context.into(), ..Message::default() };
        message.set_msg_type(kind);
        message.term = group.peers[0].term().0;
        message
    };
    let answer = message(MessageType::MsgHeartbeatResponse, b"");
    assert!(!group.peers[0].is_roused_by(&answer));
    assert!(group.peers[0].is_roused_by(&message(MessageType::MsgHeartbeatResponse, b"read")));
    assert!(group.peers[0].is_roused_by(&message(MessageType::MsgRequestPreVote, b"")));
    assert!(group.peers[1].is_roused_by(&message(MessageType::MsgHeartbeat, b"")));
    let newer = Message { term: answer.term + 1, ..answer };
    assert!(group.peers[0].is_roused_by(&newer));
}

#[test]
fn who_has_slept_stands_where_it_would_have_stood() {
    // Awake: how long the followers take to elect another leader when theirs is gone.
    let ticks_until_elected = |group: &mut Group| {
        group.down = Some(1);
        (1..100)
            .find(|_| {
                for peer in &mut group.peers[1..] {
                    peer.tick();
                }
                group.run(0);
                group.peers[1..].iter().any(PeerCore::is_leader)
            })
            .expect("somebody is elected")
    };
    let awake = ticks_until_elected(&mut quiet_group());
    let patience = RaftOptions::default().election_ticks;
    assert!(awake >= patience, "{awake}");
    // Asleep for long, and woken because the leader was silent for as long as followers wait at least.
    let mut group = quiet_group();
    for peer in &mut group.peers[1..] {
        peer.make_up_for(100_000);
    }
    let asleep = ticks_until_elected(&mut group);
    assert_eq!(asleep, awake - patience);
    // Not longer than they have slept.
    let mut group = quiet_group();
    for peer in &mut group.peers[1..] {
        peer.make_up_for(4);
    }
    assert_eq!(ticks_until_elected(&mut group), awake - 4);
    // A leader misses nobody.
    let mut group = quiet_group();
    group.peers[0].make_up_for(100_000);
    assert!(group.peers[0].is_leader());
}

/// A replica whose writes reach an engine, and its next life.
fn let_go_and_made_again(
    voters: &[u64],
    lead: impl Fn(&mut PeerCore<&'static str>),
) -> (PeerCore<&'static str>, Rest, PeerCore<&'static str>) {
    let store = LogStore::new(Arc::new(MemoryEngine::new()));
    let mut first = core_on(&store, 1, voters);
    lead(&mut first);
    loop {
        let effects = first.take_effects(0);
        if effects.persist.is_empty() && effects.committed.is_empty() {
            break;
        }
        for write in effects.persist {
            store.engine().write(write.batch, true).unwrap();
            first.on_persisted(write.number, write.last);
        }
        for committed in effects.committed {
            first.on_applied(LogIndex(committed.entry.index), Term(committed.entry.term));
        }
    }
    let rest = first.rest().expect("it has nothing to do");
    let log = store.load(RegionId(1), LogPosition::INIT, &mut WriteBatch::new()).unwrap().unwrap();
    let start = PeerStart {
        region_id: RegionId(1),
        peer_id: PeerId(1),
        applied: first.applied(),
        log,
        conf_state: ConfState { voters: voters.to_vec(), ..ConfState::default() },
    };
    let next = PeerCore::new(&RaftOptions::default(), start, &tracing_logger(RegionId(1))).unwrap();
    (first, rest, next)
}

#[test]
fn a_leader_that_was_let_go_leads_on_in_its_term() {
    let (first, rest, mut next) = let_go_and_made_again(&[1], |core| core.campaign().unwrap());
    assert!(!next.is_leader());
    assert!(next.resume(rest));
    assert!(next.is_ready(), "without an election or an entry");
    assert_eq!((next.term(), next.applied()), (first.term(), first.applied()));
    assert_eq!(next.lease(), Lease::UNBOUNDED);
    let effects = next.take_effects(0);
    assert!(!effects.role_changed && effects.persist.is_empty() && effects.messages.is_empty());
    next.propose(b"more".to_vec(), "more", 0).unwrap();
    assert_eq!(settle(&mut next), ["more"]);
}

#[test]
fn what_was_kept_of_another_log_means_nothing() {
    let (_, rest, mut next) = let_go_and_made_again(&[1], |core| core.campaign().unwrap());
    assert!(!next.resume(Rest { term: Term(rest.term.0 + 1), ..rest }));
    assert!(!next.resume(Rest { index: LogIndex(rest.index.0 + 1), ..rest }));
    assert!(!next.is_leader());
    assert!(next.resume(rest));
}

#[test]
fn a_follower_that_was_let_go_keeps_faith_and_no_lease_comes_back() {
    let mut group = quiet_group();
    let rest = group.peers[0].rest().expect("it is quiet");
    assert!(group.peers[0].resume(rest));
    assert!(group.peers[0].is_ready());
    assert_eq!(group.peers[0].lease(), Lease::NONE, "the group has to be asked first");
    let rest = group.peers[1].rest().expect("it is quiet");
    assert_eq!(rest.leader, PeerId(1));
    assert!(group.peers[1].resume(rest));
    assert_eq!(group.peers[1].leader(), Some(PeerId(1)));
    // Somebody who stands for election is not listened to.
    tick_all(&mut group, 1);
    group.peers[2].campaign().unwrap();
    group.run(0);
    assert!(group.peers[0].is_leader());
    group.peers[0].propose(b"on".to_vec(), "on", 0).unwrap();
    group.run(0);
    assert_eq!(group.done, ["on"]);
}

#[test]
fn what_was_on_its_way_wakes_nobody() {
    use raft::eraftpb::MessageType;
    let group = quiet_group();
    let (leader, follower) = (group.peers[0].rest().unwrap(), group.peers[1].rest().unwrap());
    let message = |kind: MessageType, term: u64| {
        let mut message =
            Message { from: 1, term, context: b"read"[..].into(), ..Message::default() };
        message.set_msg_type(kind);
        message
    };
    let term = leader.term.0;
    let idle =
        Message { context: b""[..].into(), ..message(MessageType::MsgHeartbeatResponse, term) };
    assert_eq!(leader.answer(PeerId(1), &idle, None), ColdAnswer::Nothing);
    let newer = Message { term: term + 1, ..idle };
    assert_eq!(leader.answer(PeerId(1), &newer, None), ColdAnswer::Wake);
    let read = message(MessageType::MsgHeartbeatResponse, term);
    assert_eq!(leader.answer(PeerId(1), &read, None), ColdAnswer::Wake);
    let append = message(MessageType::MsgAppend, term);
    assert_eq!(follower.answer(PeerId(2), &append, None), ColdAnswer::Wake);
    let vote = message(MessageType::MsgRequestPreVote, term + 1);
    assert_eq!(follower.answer(PeerId(2), &vote, None), ColdAnswer::Wake);
    let word = |kind| Doze { kind, term: leader.term, index: leader.index };
    let nothing = Message::default();
    let say = |rest: Rest, to, kind| rest.answer(PeerId(to), &nothing, Some(word(kind)));
    assert_eq!(say(follower, 2, DozeKind::Sleep), ColdAnswer::Nothing);
    assert_eq!(say(leader, 1, DozeKind::Agree), ColdAnswer::Nothing);
    assert_eq!(say(follower, 2, DozeKind::Ask), ColdAnswer::Doze(word(DozeKind::Agree)));
    let further = Doze { index: LogIndex(leader.index.0 + 1), ..word(DozeKind::Ask) };
    assert_eq!(follower.answer(PeerId(2), &nothing, Some(further)), ColdAnswer::Wake);
}

#[test]
fn a_follower_that_was_let_go_answers_its_leader_as_if_it_were_there() {
    let mut group = quiet_group();
    let rest = group.peers[1].rest().unwrap();
    group.peers[0].read_index("read", Timestamp::ZERO, 0).unwrap();
    let asked = group.peers[0].take_effects(0).messages;
    let heartbeat = asked.into_iter().find(|message| message.to == 2).expect("it asks its group");
    let ColdAnswer::Message(answer) = rest.answer(PeerId(2), &heartbeat, None) else {
        panic!("it is a heartbeat of its leader");
    };
    group.peers[1].step(heartbeat).unwrap();
    let awake = group.peers[1].take_effects(0).messages;
    assert_eq!(awake, std::slice::from_ref(&answer), "word for word");
    group.peers[0].step(answer).unwrap();
    assert_eq!(group.peers[0].take_effects(0).reads, [(LogIndex(6), "read")]);
}
