//! What a replica has to do with the others of its group: elections, reads that need the group's
//! leave, membership, transfer of leadership, snapshots.

use raft::SnapshotStatus;
use raft::eraftpb::{ConfChangeV2, Message, Snapshot};

use super::super::log_store::LogPosition;
use super::{AcceptedSnapshot, Effects, PeerCore, Read};
use crate::common::{LogIndex, PeerId, Timestamp};
use crate::storage::engine::WriteBatch;

/// Election timeouts after which an unanswered read is given up.
const READ_PATIENCE: u64 = 2;

/// When a follower loses its patience: a number of ticks that depends on the seed, the replica and
/// the term alone, so that a simulation with the same seed has the same elections.
pub(super) struct ElectionTimeout {
    shortest: usize,
    peer: u64,
    seed: u64,
    drawn: Option<(u64, usize)>,
}

impl ElectionTimeout {
    pub(super) fn new(shortest: usize, peer: PeerId) -> ElectionTimeout {
        ElectionTimeout { shortest, peer: peer.0, seed: 0, drawn: None }
    }

    /// Ticks for which every follower keeps faith.
    pub(super) fn shortest(&self) -> usize {
        self.shortest
    }

    /// The timeout in a term: from the shortest up to twice as long.
    fn of(&mut self, term: u64) -> usize {
        if let Some((drawn, timeout)) = self.drawn
            && drawn == term
        {
            return timeout;
        }
        let mixed = mix(self.seed ^ mix(self.peer ^ mix(term)));
        let spread = u64::try_from(self.shortest).unwrap_or(u64::MAX).max(1);
        let timeout = self.shortest + usize::try_from(mixed % spread).unwrap_or(0);
        self.drawn = Some((term, timeout));
        timeout
    }
}

/// Spreads the bits of a number (the finalizer of splitmix64).
fn mix(number: u64) -> u64 {
    let mut x = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// What goes along with a question for an index to read at, to the leader and back.
pub(super) struct ReadContext {
    peer: u64,
    pub(super) incarnation: u64,
    pub(super) id: u64,
    /// The highest timestamp that will be read at.
    ts: Timestamp,
    /// The end of the leader's log when the question arrived there.
    pub(super) least: LogIndex,
}

impl ReadContext {
    const WORDS: usize = 5;

    fn encode(&self) -> Vec<u8> {
        let words = [self.peer, self.incarnation, self.id, self.ts.0, self.least.0];
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<ReadContext> {
        let (words, rest) = bytes.as_chunks::<8>();
        if words.len() != ReadContext::WORDS || !rest.is_empty() {
            return None;
        }
        let word = |at: usize| u64::from_be_bytes(words[at]);
        Some(ReadContext {
            peer: word(0),
            incarnation: word(1),
            id: word(2),
            ts: Timestamp(word(3)),
            least: LogIndex(word(4)),
        })
    }
}

/// How far a replica is, as its leader knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct PeerProgress {
    /// Which.
    pub peer_id: PeerId,
    /// Up to where its log agrees with the leader's.
    pub matched: LogIndex,
    /// Whether it was heard of since the leader last counted its quorum.
    pub active: bool,
    /// Whether it waits for a snapshot.
    pub snapshot: bool,
}

impl<W> PeerCore<W> {
    /// Makes the elections of this replica its own, and its reads' names those of this life.
    pub fn set_seed(&mut self, seed: u64, incarnation: u64) {
        self.election.seed = seed;
        self.election.drawn = None;
        self.incarnation = incarnation;
    }

    /// Replaces what the raft crate has drawn.
    pub(super) fn draw_election_timeout(&mut self) {
        let timeout = self.election.of(self.node.raft.term);
        if self.node.raft.randomized_election_timeout() != timeout {
            self.node.raft.set_randomized_election_timeout(timeout);
        }
    }

    pub(super) fn count_leaderless(&mut self) {
        if self.leader().is_some() {
            self.leaderless_ticks = 0;
        } else {
            self.leaderless_ticks = self.leaderless_ticks.saturating_add(1);
        }
    }

    /// Ticks since a leader was known.
    pub fn leaderless_ticks(&self) -> u32 {
        self.leaderless_ticks
    }

    /// Begins to count them anew.
    pub fn reset_leaderless(&mut self) {
        self.leaderless_ticks = 0;
    }

    /// Ticks since the start.
    pub fn ticks(&self) -> u64 {
        self.ticks
    }

    /// Asks the group for the index to read at; `waiter` comes back with it. A leader asks whether it
    /// still leads. A follower asks the leader, who is told the timestamp that will be read at, so
    /// that nobody commits below it afterwards. Gives `waiter` back at once when there is no leader, or
    /// when this leader has not committed in its term.
    pub fn read_index(&mut self, waiter: W, ts: Timestamp, now: u64) -> Result<(), W> {
        self.quiet_ticks = 0;
        let can_ask = if self.is_leader() {
            self.node.raft.commit_to_current_term()
        } else {
            self.leader().is_some()
        };
        if !can_ask {
            return Err(waiter);
        }
        self.next_read += 1;
        let id = self.next_read;
        self.reads.push_back(Read { id, asked_at: now, asked_tick: self.ticks, ts, waiter });
        // The answer to this question answers earlier ones too, so it speaks for them.
        let ts = self.reads.iter().map(|read| read.ts).max().unwrap_or(ts);
        let peer = self.node.raft.id;
        let context =
            ReadContext { peer, incarnation: self.incarnation, id, ts, least: LogIndex(0) };
        self.node.read_index(context.encode());
        Ok(())
    }

    /// The timestamp another replica will read at, if a message asks for leave to read.
    pub fn read_timestamp(message: &Message) -> Option<Timestamp> {
        if message.get_msg_type() != raft::eraftpb::MessageType::MsgReadIndex {
            return None;
        }
        ReadContext::decode(&message.entries.first()?.data).map(|context| context.ts)
    }

    /// What this leader has decided, though it is not committed yet, must be seen by the reader: it may
    /// have a timestamp below the reader's. So the end of the log goes along.
    pub(super) fn note_last_index(&self, message: &mut Message) {
        let last = self.node.raft.raft_log.last_index();
        if let Some(entry) = message.mut_entries().first_mut()
            && let Some(mut context) = ReadContext::decode(&entry.data)
        {
            context.least = LogIndex(last);
            entry.data = context.encode().into();
        }
    }

    /// Gives up reads whose question or answer was lost.
    pub(super) fn expire_reads(&mut self) {
        let patience = READ_PATIENCE * self.election.shortest as u64;
        let ticks = self.ticks;
        while self.reads.front().is_some_and(|read| read.asked_tick + patience < ticks) {
            let read = self.reads.pop_front().expect("a first read was seen");
            self.expired.push(read.waiter);
        }
    }

    /// Whether these replicas decide for the group.
    pub fn is_quorum(&self, peers: impl Iterator<Item = PeerId>) -> bool {
        let peers = peers.map(|peer| peer.0).collect();
        self.node.raft.prs().has_quorum(&peers)
    }

    /// Whether a membership change is on its way, or may be.
    pub fn has_pending_change(&self) -> bool {
        self.node.raft.has_pending_conf()
    }

    /// Appends a membership change, like [`PeerCore::propose`]. `context` is what the state machine
    /// reads of it.
    pub fn propose_change(
        &mut self,
        change: ConfChangeV2,
        context: Vec<u8>,
        waiter: W,
        now: u64,
    ) -> Result<LogIndex, W> {
        self.quiet_ticks = 0;
        let refused = !self.is_leader() || self.has_pending_change();
        if refused || self.node.propose_conf_change(context, change).is_err() {
            return Err(waiter);
        }
        let index = self.node.raft.raft_log.last_index();
        self.await_proposal(index, waiter, now);
        Ok(LogIndex(index))
    }

    /// A membership change is applied to the region.
    pub fn apply_change(&mut self, change: &ConfChangeV2) -> raft::Result<()> {
        self.node.apply_conf_change(change).map(drop)
    }

    /// How far each replica is, by id. Of interest on the leader.
    pub fn progress(&self) -> Vec<PeerProgress> {
        let mut all: Vec<PeerProgress> = self
            .node
            .raft
            .prs()
            .iter()
            .map(|(id, progress)| PeerProgress {
                peer_id: PeerId(*id),
                matched: LogIndex(progress.matched),
                active: progress.recent_active || *id == self.node.raft.id,
                snapshot: progress.state == raft::ProgressState::Snapshot,
            })
            .collect();
        all.sort_by_key(|progress| progress.peer_id);
        all
    }

    /// Hands leadership to another voter. The lease ends for good in this term: the other one stands
    /// for election as soon as it hears of it, however late that is.
    pub fn transfer_leader(&mut self, to: PeerId) {
        self.quiet_ticks = 0;
        self.forfeited = Some(self.node.raft.term);
        self.node.transfer_leader(to.0);
    }

    /// Gives a handover up that does not come about. The other one may still stand for election when it hears of it, so the
    /// lease stays forfeited.
    pub fn abort_transfer(&mut self) {
        self.node.raft.abort_leader_transfer();
    }

    /// Whether leadership is being handed over: proposals are refused.
    pub fn is_transferring(&self) -> bool {
        self.node.raft.lead_transferee.is_some()
    }

    /// A message to another replica did not arrive.
    pub fn report_unreachable(&mut self, peer_id: PeerId) {
        self.node.report_unreachable(peer_id.0);
    }

    /// A snapshot has been sent to another replica, or could not be.
    pub fn report_snapshot(&mut self, peer_id: PeerId, sent: bool) {
        let status = if sent { SnapshotStatus::Finish } else { SnapshotStatus::Failure };
        self.node.report_snapshot(peer_id.0, status);
    }

    /// The snapshot that was wanted.
    pub fn put_snapshot(&mut self, snapshot: Snapshot) {
        self.node.mut_store().put_snapshot(snapshot);
    }

    /// Whether a snapshot was accepted whose log is not durable yet.
    pub fn is_installing(&self) -> bool {
        self.installing.is_some()
    }

    /// Whether a snapshot that was stepped is about to be accepted.
    pub fn has_pending_snapshot(&self) -> bool {
        self.node.snap().is_some()
    }

    pub(super) fn accept_snapshot(
        &mut self,
        number: u64,
        snapshot: &Snapshot,
        batch: &mut WriteBatch,
        effects: &mut Effects<W>,
    ) {
        let metadata = snapshot.get_metadata();
        let position = LogPosition {
            index: LogIndex(metadata.index),
            term: crate::common::Term(metadata.term),
        };
        self.node.mut_store().restart_at(position, batch);
        self.installing = Some((number, position));
        while self.proposals.front().is_some_and(|first| first.index <= metadata.index) {
            let proposal = self.proposals.pop_front().expect("a first proposal was seen");
            effects.undetermined.push(proposal.waiter);
        }
        effects.snapshot = Some(AcceptedSnapshot { position, header: snapshot.data.to_vec() });
    }

    /// Takes over entries of a region that is being merged away, which its leader may no longer be
    /// there to send. They are committed. Answers whether they fit this log.
    pub fn append_committed(
        &mut self,
        before: LogPosition,
        entries: &[raft::eraftpb::Entry],
    ) -> bool {
        self.quiet_ticks = 0;
        let Some(last) = entries.last().map(|entry| entry.index) else { return true };
        if self.node.raft.raft_log.committed >= last {
            return true;
        }
        let committed = self.node.raft.raft_log.committed;
        // What is committed here already agrees; a conflict with it would be a broken promise.
        let skip = entries.iter().take_while(|entry| entry.index <= committed).count();
        let (index, term) = match skip.checked_sub(1) {
            Some(at) => (entries[at].index, entries[at].term),
            None => (before.index.0, before.term.0),
        };
        self.node.raft.raft_log.maybe_append(index, term, last, &entries[skip..]).is_some()
    }

    /// The entries `low..=high`, all of them.
    pub fn entries(
        &self,
        low: LogIndex,
        high: LogIndex,
    ) -> raft::Result<Vec<raft::eraftpb::Entry>> {
        Ok(self.node.store().log().entries(low, LogIndex(high.0 + 1), None)?)
    }
}
