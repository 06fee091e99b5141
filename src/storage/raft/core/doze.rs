//! How a group falls asleep: when its leader and all its followers are of one mind and nothing happens, nobody needs
//! heartbeats, and nobody ticks.
//!
//! ```text
//! leader, quiet for long ── Ask ──▶ every follower     "my log ends here, and all of it is applied"
//! follower that is at the same place ── Agree ──▶      (nothing changes for it yet)
//! leader, all have agreed ── Sleep ──▶ all, and sleeps itself
//! follower, still at the same place, sleeps too
//! ```
//!
//! A word that is lost only costs time: who is awake ticks, and misses the others soon, which wakes them.
//!
//! # Why sleeping is safe
//!
//! A follower keeps faith in its leader for a number of *its own* ticks; one that sleeps keeps it longer. So whatever rested
//! on the followers' faith, the leader's lease above all, holds at least as long as before. A follower that is woken because
//! its leader's store was lost makes up for the ticks it has missed, all of which have really passed: it stands where it would stand if it had
//! never slept, and elects as soon.

use raft::StateRole;
use raft::eraftpb::{Message, MessageType};

use super::super::lease::Lease;
use super::PeerCore;
use crate::common::{LogIndex, PeerId, Term};

/// What is said on the way to sleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DozeKind {
    /// The leader asks whether a follower is at the same place.
    Ask,
    /// It is.
    Agree,
    /// All are: good night.
    Sleep,
}

/// One word of it, between two replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Doze {
    /// What is said.
    pub kind: DozeKind,
    /// The leader's term.
    pub term: Term,
    /// The end of its log, where everything is committed and applied.
    pub index: LogIndex,
}

/// What follows from such a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterDoze {
    /// Nothing.
    Nothing,
    /// Answer with this.
    Answer(Doze),
    /// All have agreed: tell them this, and sleep.
    TellAll(Doze),
    /// Sleep.
    Sleep,
}

/// What a sleeping replica knows that its log does not say: enough to be let go, and made again as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rest {
    /// The term.
    pub term: Term,
    /// Who leads in it.
    pub leader: PeerId,
    /// The end of the log, where everything is committed and applied.
    pub index: LogIndex,
    /// The leader has told another replica to stand for election in this term: no lease holds then.
    pub forfeited: bool,
}

/// The followers that have agreed to a leader's last question.
#[derive(Debug, Default)]
pub(super) struct Agreement {
    asked: Option<Doze>,
    agreed: Vec<PeerId>,
}

impl<W> PeerCore<W> {
    /// A leader whose group may fall asleep, as far as it knows, asks the others; to be called now and then while it is
    /// quiet. `None`: it may not.
    pub fn ask_to_doze(&mut self, quiet_ticks: u32) -> Option<Doze> {
        self.agreement = Agreement::default();
        let raft = &self.node.raft;
        let last = raft.raft_log.last_index();
        let is_level = raft.prs().iter().all(|(_, progress)| progress.matched == last);
        let may = self.is_ready()
            && self.quiet_ticks >= quiet_ticks
            && is_level
            && self.is_settled(LogIndex(last))
            && !self.has_pending_change()
            && !self.is_transferring();
        let word = Doze { kind: DozeKind::Ask, term: self.term(), index: LogIndex(last) };
        self.agreement.asked = may.then_some(word);
        self.agreement.asked
    }

    /// Takes a word of another replica. `peers` are all other replicas of the region.
    pub fn on_doze(&mut self, word: Doze, from: PeerId, peers: &[PeerId]) -> AfterDoze {
        let is_same = word.term == self.term() && self.is_settled(word.index);
        if !is_same {
            return AfterDoze::Nothing;
        }
        let follows = !self.is_leader() && self.leader() == Some(from);
        match word.kind {
            DozeKind::Ask if follows => AfterDoze::Answer(Doze { kind: DozeKind::Agree, ..word }),
            DozeKind::Sleep if follows => AfterDoze::Sleep,
            DozeKind::Agree if self.is_leader() => self.on_agreed(word, from, peers),
            DozeKind::Ask | DozeKind::Agree | DozeKind::Sleep => AfterDoze::Nothing,
        }
    }

    fn on_agreed(&mut self, word: Doze, from: PeerId, peers: &[PeerId]) -> AfterDoze {
        let asked = Doze { kind: DozeKind::Ask, ..word };
        // Something may have happened since, and be over: then the question is void.
        if self.agreement.asked != Some(asked) || self.quiet_ticks == 0 {
            return AfterDoze::Nothing;
        }
        if !self.agreement.agreed.contains(&from) {
            self.agreement.agreed.push(from);
        }
        if !peers.iter().all(|peer| self.agreement.agreed.contains(peer)) {
            return AfterDoze::Nothing;
        }
        self.agreement = Agreement::default();
        AfterDoze::TellAll(Doze { kind: DozeKind::Sleep, ..word })
    }

    /// Whether the log ends at `index`, all of it is committed, applied and durable, and nobody waits for anything.
    fn is_settled(&self, index: LogIndex) -> bool {
        self.last_index() == index
            && self.committed() == index
            && self.applied == index.0
            && !self.is_busy()
            && self.ticks >= self.mute_until
    }

    /// What is to be remembered of a replica that sleeps. `None`: it must stay as it is.
    pub fn rest(&self) -> Option<Rest> {
        let (term, index) = (self.term(), self.last_index());
        let leader = self.leader()?;
        let may = self.is_settled(index)
            && !self.node.has_ready()
            && self.expired.is_empty()
            && (!self.is_leader()
                || (self.is_ready() && !self.has_pending_change() && !self.is_transferring()));
        may.then_some(Rest { term, leader, index, forfeited: self.forfeited == Some(term.0) })
    }

    /// Goes on as the replica that was let go with this. False, and nothing is done, if the log is not as it was: then it goes on
    /// as after a restart.
    ///
    /// A leader leads on in its term: it has lost nothing of what it appended, as all of it was durable, and all others had it.
    /// Its lease is over; the next answer of the group brings another.
    pub fn resume(&mut self, rest: Rest) -> bool {
        let last = self.node.store().log().last();
        let leads = rest.leader.0 == self.node.raft.id;
        let is_same = self.term() == rest.term
            && last.index == rest.index
            && self.applied == rest.index.0
            && self.node.raft.raft_log.committed == rest.index.0;
        let may_lead = last.term == rest.term && self.node.raft.vote == rest.leader.0;
        if !is_same || (leads && !may_lead) {
            return false;
        }
        let raft = &mut self.node.raft;
        if leads {
            raft.reset(rest.term.0);
            raft.state = StateRole::Leader;
            raft.leader_id = rest.leader.0;
            raft.pending_conf_index = last.index.0;
            for (_, progress) in raft.mut_prs().iter_mut() {
                progress.matched = last.index.0;
                progress.become_replicate();
            }
        } else {
            raft.become_follower(rest.term.0, rest.leader.0);
        }
        self.lease = Lease::NONE;
        self.mute_until = 0;
        self.was_leader = leads;
        self.followed = (rest.leader.0, rest.term.0);
        self.forfeited = rest.forfeited.then_some(rest.term.0);
        true
    }

    /// So many ticks have passed since the process began, before this replica was made: for those it need not be mute.
    pub fn has_been_mute_for(&mut self, ticks: u64) {
        self.mute_until = self.mute_until.saturating_sub(ticks);
    }

    /// Whether a message is a reason to wake up. What a follower answers to heartbeats that were sent before its leader fell asleep is not.
    pub fn is_roused_by(&self, message: &Message) -> bool {
        !(self.is_leader() && is_idle_talk(message) && message.term == self.node.raft.term)
    }

    /// Whether the replica has something to do, and so needs ticks.
    pub fn needs_ticks(&self) -> bool {
        self.is_busy() || (!self.is_leader() && self.leader().is_none())
    }

    /// Makes up for the ticks that a follower has slept through without a word from its leader, up to where it may lose its faith; how
    /// long it then still waits is drawn as ever, so that not all stand for election at once.
    pub fn make_up_for(&mut self, missed: u64) {
        if self.is_leader() {
            return;
        }
        let raft = &mut self.node.raft;
        let most = self.election.shortest();
        let missed = usize::try_from(missed).unwrap_or(usize::MAX);
        raft.election_elapsed =
            raft.election_elapsed.max(most.min(raft.election_elapsed.saturating_add(missed)));
    }
}

/// What a replica that was let go does about a message.
#[derive(Clone, Debug, PartialEq)]
pub enum ColdAnswer {
    /// Nothing: it was on its way when the group fell asleep.
    Nothing,
    /// It answers, and sleeps on.
    Message(Message),
    /// It answers, and sleeps on.
    Doze(Doze),
    /// It has to be made again, and take the message itself.
    Wake,
}

impl Rest {
    /// What to do about a message to the replica `to`.
    ///
    /// A leader that is awake, to be read or because another replica is missing, needs nothing of a follower but to hear that it still
    /// follows. That takes no replica: it says where it stands, as it would have if it had been awake. The answer is a promise to
    /// vote for nobody for a while, and it is kept: who is made again begins to count the silence of its leader anew, unless the leader's store
    /// has been silent for that long, and this message was a word of that store (see [`PeerCore::make_up_for`]).
    pub fn answer(&self, to: PeerId, message: &Message, doze: Option<Doze>) -> ColdAnswer {
        if let Some(word) = doze {
            let is_same = word.term == self.term && word.index == self.index;
            return match word.kind {
                DozeKind::Ask if is_same && self.leader != to => {
                    ColdAnswer::Doze(Doze { kind: DozeKind::Agree, ..word })
                }
                DozeKind::Agree | DozeKind::Sleep if is_same => ColdAnswer::Nothing,
                _ => ColdAnswer::Wake,
            };
        }
        if message.term != self.term.0 {
            return ColdAnswer::Wake;
        }
        if self.leader == to {
            return match is_idle_talk(message) {
                true => ColdAnswer::Nothing,
                false => ColdAnswer::Wake,
            };
        }
        let is_heartbeat = message.get_msg_type() == MessageType::MsgHeartbeat
            && message.from == self.leader.0
            && message.commit <= self.index.0;
        if !is_heartbeat {
            return ColdAnswer::Wake;
        }
        let mut answer = Message {
            to: message.from,
            from: to.0,
            term: self.term.0,
            commit: self.index.0,
            context: message.context.clone(),
            ..Message::default()
        };
        answer.set_msg_type(MessageType::MsgHeartbeatResponse);
        ColdAnswer::Message(answer)
    }
}

/// Heartbeats and answers to them that carry nothing: they do not disturb the quiet.
pub(super) fn is_idle_talk(message: &Message) -> bool {
    let kind = message.get_msg_type();
    matches!(kind, MessageType::MsgHeartbeat | MessageType::MsgHeartbeatResponse)
        && message.context.is_empty()
}
