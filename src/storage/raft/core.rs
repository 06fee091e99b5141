//! One replica of one region as a state machine: no disk, no network, no clock, no actor.
//!
//! Whoever drives it calls [`PeerCore::tick`], [`PeerCore::step`], [`PeerCore::propose`] and
//! [`PeerCore::read_index`] as things happen, then takes the [`Effects`] and carries them out:
//! entries to the disk (reported back with [`PeerCore::on_persisted`]), committed entries to the
//! state machine (reported back with [`PeerCore::on_applied`]), messages to other replicas.
//!
//! `W` is what waits for a proposal or a read; the core only keeps it and gives it back.

mod doze;
mod effects;
mod group;

use std::collections::VecDeque;
use std::time::Duration;

use raft::eraftpb::{ConfState, Entry, Message, MessageType};
use raft::{RawNode, StateRole};

use super::lease::Lease;
use super::log_store::{LogPosition, RAFT_INIT_LOG_TERM, RegionLog};
use super::options::RaftOptions;
use super::peer_storage::PeerStorage;
use crate::common::{LogIndex, PeerId, RegionId, Term, Timestamp};
use crate::storage::engine::WriteBatch;

use doze::{Agreement, is_idle_talk};

pub use doze::{AfterDoze, ColdAnswer, Doze, DozeKind, Rest};
pub use effects::{AcceptedSnapshot, Committed, Effects, Persist};
pub use group::PeerProgress;
use group::{ElectionTimeout, ReadContext};

/// Who this replica is, and where it stands.
pub struct PeerStart {
    /// The region.
    pub region_id: RegionId,
    /// The replica.
    pub peer_id: PeerId,
    /// The last entry applied.
    pub applied: LogIndex,
    /// The log.
    pub log: RegionLog,
    /// The members.
    pub conf_state: ConfState,
}

#[derive(Debug)]
struct Proposal<W> {
    term: u64,
    index: u64,
    proposed_at: u64,
    waiter: W,
}

#[derive(Debug)]
struct Read<W> {
    id: u64,
    asked_at: u64,
    asked_tick: u64,
    ts: Timestamp,
    waiter: W,
}

/// A replica's role in its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Follows a leader, or waits for one.
    Follower,
    /// Stands for election.
    Candidate,
    /// Leads.
    Leader,
}

/// One replica of one region.
pub struct PeerCore<W> {
    node: RawNode<PeerStorage>,
    region_id: RegionId,
    lease_length: Duration,
    proposals: VecDeque<Proposal<W>>,
    reads: VecDeque<Read<W>>,
    next_read: u64,
    /// Writes on their way to the disk, and the messages that must wait for each.
    unpersisted: VecDeque<(u64, Vec<Message>)>,
    applied: u64,
    applied_term: u64,
    lease: Lease,
    /// The term in which another replica was told to stand for election: no lease holds then.
    forfeited: Option<u64>,
    quiet_ticks: u32,
    ticks: u64,
    leaderless_ticks: u32,
    was_leader: bool,
    /// The leader and the term that reads under way were asked in.
    followed: (u64, u64),
    /// Reads that waited too long, and proposals whose place in the log another entry has taken.
    expired: Vec<W>,
    election: ElectionTimeout,
    /// Until so many ticks after its start the replica grants no vote: before it ended it may have
    /// given a leader its faith, and that leader's lease may rest on it.
    mute_until: u64,
    /// Names this life of the replica, so that an answer meant for an earlier one is not taken.
    incarnation: u64,
    /// The write that makes a snapshot the log's beginning, and where that is.
    installing: Option<(u64, LogPosition)>,
    /// On a leader that asks whether the group may sleep: who has agreed.
    agreement: Agreement,
}

impl<W> PeerCore<W> {
    /// A replica that goes on from what is on disk.
    pub fn new(
        options: &RaftOptions,
        start: PeerStart,
        logger: &slog::Logger,
    ) -> raft::Result<PeerCore<W>> {
        let applied = start.applied.0;
        assert!(start.applied >= start.log.truncated().index, "only what is applied is compacted");
        assert!(start.applied <= start.log.last().index, "what is applied is in the log");
        let has_history = start.log.hard_state().term > RAFT_INIT_LOG_TERM.0;
        let storage = PeerStorage::new(start.log, start.conf_state, start.applied);
        let applied_term = raft::Storage::term(&storage, applied)?;
        let config = options.to_raft_config(start.peer_id.0, applied);
        let node = RawNode::new(&config, storage, logger)?;
        Ok(PeerCore {
            node,
            region_id: start.region_id,
            lease_length: options.lease,
            proposals: VecDeque::new(),
            reads: VecDeque::new(),
            next_read: 0,
            unpersisted: VecDeque::new(),
            applied,
            applied_term,
            lease: Lease::NONE,
            forfeited: None,
            quiet_ticks: 0,
            ticks: 0,
            leaderless_ticks: 0,
            was_leader: false,
            followed: (0, 0),
            expired: Vec::new(),
            election: ElectionTimeout::new(options.election_ticks, start.peer_id),
            mute_until: if has_history { options.election_ticks as u64 } else { 0 },
            incarnation: 0,
            installing: None,
            agreement: Agreement::default(),
        })
    }

    /// The region.
    pub fn region_id(&self) -> RegionId {
        self.region_id
    }

    /// The current term.
    pub fn term(&self) -> Term {
        Term(self.node.raft.term)
    }

    /// What this replica is.
    pub fn role(&self) -> Role {
        match self.node.raft.state {
            StateRole::Follower => Role::Follower,
            StateRole::PreCandidate | StateRole::Candidate => Role::Candidate,
            StateRole::Leader => Role::Leader,
        }
    }

    /// Whether it leads. A leader may still have to catch up: see [`PeerCore::is_ready`].
    pub fn is_leader(&self) -> bool {
        self.node.raft.state == StateRole::Leader
    }

    /// Whether it leads and has applied an entry of its own term, and with it every entry of
    /// earlier leaders.
    pub fn is_ready(&self) -> bool {
        self.is_leader() && self.applied_term == self.node.raft.term
    }

    /// The leader, if known.
    pub fn leader(&self) -> Option<PeerId> {
        Some(self.node.raft.leader_id).filter(|id| *id != raft::INVALID_ID).map(PeerId)
    }

    /// Whether this replica is the only voter.
    pub fn is_only_voter(&self) -> bool {
        let raft = &self.node.raft;
        raft.prs().is_singleton() && raft.promotable()
    }

    /// The last entry applied.
    pub fn applied(&self) -> LogIndex {
        LogIndex(self.applied)
    }

    /// The last entry known to be committed.
    pub fn committed(&self) -> LogIndex {
        LogIndex(self.node.raft.raft_log.committed)
    }

    /// The last entry.
    pub fn last_index(&self) -> LogIndex {
        LogIndex(self.node.raft.raft_log.last_index())
    }

    /// The last entry compacted away.
    pub fn truncated(&self) -> LogIndex {
        self.node.store().log().truncated().index
    }

    /// Where the log begins.
    pub fn truncated_position(&self) -> LogPosition {
        self.node.store().log().truncated()
    }

    /// The term of an entry that is still there.
    pub fn term_of(&self, index: LogIndex) -> raft::Result<Term> {
        self.node.raft.raft_log.term(index.0).map(Term)
    }

    /// Proposals that are not committed yet.
    pub fn proposals_in_flight(&self) -> usize {
        self.proposals.len()
    }

    /// The lease as it stands.
    pub fn lease(&self) -> Lease {
        if !self.is_ready() || self.forfeited == Some(self.node.raft.term) {
            Lease::NONE
        } else if self.is_only_voter() {
            Lease::UNBOUNDED
        } else {
            self.lease
        }
    }

    /// The lowest entry that some replica may still need from this log.
    pub fn replicated_everywhere(&self) -> LogIndex {
        let matched = self.node.raft.prs().iter().map(|(_, progress)| progress.matched).min();
        LogIndex(matched.unwrap_or(self.applied))
    }

    /// Stands for election at once: an only voter need not wait for a leader's silence.
    pub fn campaign(&mut self) -> raft::Result<()> {
        self.node.campaign()
    }

    /// Raft's clock.
    pub fn tick(&mut self) {
        if self.is_busy() {
            self.quiet_ticks = 0;
        } else {
            self.quiet_ticks = self.quiet_ticks.saturating_add(1);
        }
        self.ticks += 1;
        self.count_leaderless();
        self.expire_reads();
        self.draw_election_timeout();
        self.node.tick();
    }

    /// Whether the replica may sleep: it needs no heartbeats and has nothing to do since so many
    /// ticks.
    pub fn may_hibernate(&self, quiet_ticks: u32) -> bool {
        let alone = self.node.raft.prs().iter().count() == 1;
        self.is_ready() && self.is_only_voter() && alone && self.quiet_ticks >= quiet_ticks
    }

    fn is_busy(&self) -> bool {
        !self.proposals.is_empty()
            || !self.reads.is_empty()
            || !self.unpersisted.is_empty()
            || self.installing.is_some()
            || self.applied < self.node.raft.raft_log.committed
    }

    /// Takes a message of another replica.
    pub fn step(&mut self, mut message: Message) -> raft::Result<()> {
        if !is_idle_talk(&message) {
            self.quiet_ticks = 0;
        }
        let kind = message.get_msg_type();
        let asks_for_vote =
            matches!(kind, MessageType::MsgRequestVote | MessageType::MsgRequestPreVote);
        if asks_for_vote && self.ticks < self.mute_until {
            return Ok(());
        }
        if kind == MessageType::MsgReadIndex && self.is_leader() {
            self.note_last_index(&mut message);
        }
        self.node.step(message)
    }

    /// Appends an entry if this replica leads; `waiter` comes back when it is committed or can no
    /// longer be. Gives `waiter` back at once if the proposal is refused: not the leader, or too
    /// much in flight.
    pub fn propose(&mut self, data: Vec<u8>, waiter: W, now: u64) -> Result<LogIndex, W> {
        self.quiet_ticks = 0;
        let before = self.node.raft.raft_log.last_index();
        if !self.is_leader() || self.node.propose(Vec::new(), data).is_err() {
            return Err(waiter);
        }
        let index = self.node.raft.raft_log.last_index();
        assert_eq!(index, before + 1, "a proposal is one entry");
        self.await_proposal(index, waiter, now);
        Ok(LogIndex(index))
    }

    /// Remembers who waits for the entry that this leader has just appended.
    fn await_proposal(&mut self, index: u64, waiter: W, now: u64) {
        // What was proposed at or behind its place before the log was cut there is not in the log of this leader, which has
        // all that is committed: it never will be.
        while self.proposals.back().is_some_and(|last| last.index >= index) {
            let replaced = self.proposals.pop_back().expect("a last proposal was seen");
            let term = self.node.raft.term;
            assert!(replaced.term < term, "within a term a leader's log only grows");
            self.expired.push(replaced.waiter);
        }
        let term = self.node.raft.term;
        self.proposals.push_back(Proposal { term, index, proposed_at: now, waiter });
    }

    /// The write `number`, and all before it, are durable; the log then ended at `last`. Answers
    /// the messages that waited for it.
    pub fn on_persisted(&mut self, number: u64, last: LogPosition) -> Vec<Message> {
        let mut messages = Vec::new();
        while self.unpersisted.front().is_some_and(|(waiting, _)| *waiting <= number) {
            let (_, waited) = self.unpersisted.pop_front().expect("a first write was seen");
            messages.extend(waited);
        }
        self.node.mut_store().persisted(last);
        self.node.on_persist_ready(number);
        if let Some((write, position)) = self.installing
            && write <= number
        {
            self.installing = None;
            self.on_applied(position.index, position.term);
        }
        messages
    }

    /// Everything up to `index`, an entry of `term`, is applied.
    pub fn on_applied(&mut self, index: LogIndex, term: Term) {
        assert!(index.0 >= self.applied, "what is applied stays applied");
        assert!(index <= self.committed(), "only what is committed is applied");
        assert!(term.0 >= self.applied_term, "terms only grow along a log");
        self.applied = index.0;
        self.applied_term = term.0;
        self.node.advance_apply_to(index.0);
    }

    /// Forgets the log up to a position; the batch makes that last. What the entries did must be
    /// durable.
    pub fn compact(&mut self, to: LogPosition) -> WriteBatch {
        assert!(to.index.0 <= self.applied, "only what is applied is compacted");
        let mut batch = WriteBatch::new();
        self.node.mut_store().compact(to, &mut batch);
        batch
    }

    /// Gives memory back that only a busy replica needs.
    pub fn release_memory(&mut self) {
        self.node.mut_store().release();
        // For each replica it keeps room for every message that may be on its way: made anew when there is one.
        self.node.raft.maybe_free_inflight_buffers();
        self.node.raft.msgs.shrink_to_fit();
        self.proposals.shrink_to_fit();
        self.unpersisted.shrink_to_fit();
    }

    /// What is to be done now. Call after anything that changes the core.
    pub fn take_effects(&mut self, now: u64) -> Effects<W> {
        let mut effects = Effects::default();
        while self.node.has_ready() {
            self.take_ready(now, &mut effects);
        }
        let leads = self.is_leader();
        if leads != self.was_leader {
            self.was_leader = leads;
            self.lease = Lease::NONE;
            effects.role_changed = true;
        }
        let follows = (self.node.raft.leader_id, self.node.raft.term);
        if follows != self.followed {
            assert!(follows.1 >= self.followed.1, "a replica's term only grows");
            assert!(!leads || follows.0 == self.node.raft.id, "a leader follows itself");
            effects.leader_changed = follows.0 != self.followed.0;
            self.followed = follows;
            // Whoever was asked does not lead any more.
            effects.stale.extend(self.reads.drain(..).map(|read| read.waiter));
        }
        effects.stale.append(&mut self.expired);
        effects.snapshot_wanted = self.node.mut_store().take_wanted().is_some();
        effects
    }

    fn take_ready(&mut self, now: u64, effects: &mut Effects<W>) {
        let mut ready = self.node.ready();
        let number = ready.number();
        let must_write = ready.must_sync();
        let entries = ready.take_entries();
        effects.messages.extend(ready.take_messages());
        let waiting = ready.take_persisted_messages();
        if must_write {
            let mut batch = WriteBatch::new();
            if !ready.snapshot().is_empty() {
                self.accept_snapshot(number, ready.snapshot(), &mut batch, effects);
            }
            let hard_state = self.node.raft.hard_state();
            self.node.mut_store().append(&entries, &hard_state, &mut batch);
            let last = self.node.store().log().last();
            effects.persist.push(Persist { number, batch, last });
            self.unpersisted.push_back((number, waiting));
        } else if let Some((_, messages)) = self.unpersisted.back_mut() {
            // A write before this one is still on its way, and answers must not overtake it.
            messages.extend(waiting);
        } else {
            effects.messages.extend(waiting);
        }
        let committed = ready.take_committed_entries();
        self.take_committed(committed, now, effects);
        for state in ready.take_read_states() {
            self.take_read(LogIndex(state.index), &state.request_ctx, effects);
        }
        self.node.advance_append_async(ready);
    }

    fn take_committed(&mut self, entries: Vec<Entry>, now: u64, effects: &mut Effects<W>) {
        for entry in entries {
            let mut waiter = None;
            while self.proposals.front().is_some_and(|first| first.index <= entry.index) {
                let proposal = self.proposals.pop_front().expect("a first proposal was seen");
                if proposal.index == entry.index && proposal.term == entry.term {
                    self.lease.renew(proposal.proposed_at.min(now), self.lease_length);
                    waiter = Some(proposal.waiter);
                } else {
                    effects.stale.push(proposal.waiter);
                }
            }
            effects.committed.push(Committed { entry, waiter });
        }
    }

    fn take_read(&mut self, index: LogIndex, context: &[u8], effects: &mut Effects<W>) {
        let Some(context) = ReadContext::decode(context) else { return };
        if context.incarnation != self.incarnation {
            return;
        }
        let index = index.max(context.least);
        // An answer to a later question answers the earlier ones too.
        while self.reads.front().is_some_and(|read| read.id <= context.id) {
            let read = self.reads.pop_front().expect("a first read was seen");
            self.lease.renew(read.asked_at, self.lease_length);
            effects.reads.push((index, read.waiter));
        }
    }
}
