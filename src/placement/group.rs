//! The log of a group of PD members: the same commands in the same order on all, by Raft.
//!
//! [`RaftLog`] drives a [`PeerCore`] whose state machine is the [`PdState`]. What it applies goes to the engine with the
//! index it is at, in one batch, unsynced: a crash loses a tail of that, which is applied again from the log, whose
//! writes are synced. The log is compacted behind a synced write; a member that lags further gets the whole
//! state, a few kilobytes, in one message.
//!
//! The list of members is part of the state machine. It changes by entries that carry the list as it will be,
//! one change at a time: a new member is a learner until it has caught up, then it votes.
//!
//! Nothing here waits, and there is no clock and no socket: the caller ticks, passes messages in, and
//! gives the [`GroupTransport`] that takes messages out.

mod record;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use ::raft::eraftpb::{ConfChangeV2, Entry, EntryType, Message, Snapshot};
use futures::FutureExt as _;
use futures::channel::oneshot;
use futures::future::{BoxFuture, ready};
use protobuf::Message as _;
use serde::{Deserialize, Serialize};
use tracing::{debug, info, warn};

use super::api::MemberView;
use super::log::{
    CommandLog, GroupMessage, Leadership, LogError, MemberChange, PREFIX, PREFIX_END, put_records,
    read_state,
};
use super::state::{Command, PdState, Reply};
use crate::common::{LogIndex, PeerId, RegionId, StoreId, Term, Timestamp};
use crate::storage::engine::{Cf, Engine, Error, WriteBatch};
use crate::storage::raft::{
    Committed, LogPosition, LogStore, PeerCore, PeerStart, RaftOptions, tracing_logger,
};
use crate::storage::region::membership::{self, PeerChange};
use crate::storage::region::{Peer, PeerRole};

use record::GroupRecord;
pub(super) use record::is_member;

/// The log's name among those of an engine; no region has it.
const GROUP: RegionId = RegionId(0);
/// Entries a learner may lack when it is let vote.
const LEARNER_LAG: u64 = 16;
/// Applied entries kept for members that lag a little.
const KEPT_ENTRIES: u64 = 64;

/// Carries messages to other members. They may be lost, repeated and overtaken.
pub trait GroupTransport: Send + Sync + 'static {
    /// Sends, without waiting.
    fn send(&self, to: &MemberView, message: GroupMessage);
}

/// How a member begins that has no data yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begin {
    /// As one of the first: every one of them is given the same list. Their ids follow from their names.
    First(Vec<MemberView>),
    /// As one that was added to a group that exists: with the list that the addition was answered with.
    Joining(Vec<MemberView>),
}

/// What a member is to be.
#[derive(Clone, Debug)]
pub struct MemberOptions {
    /// Its name, unique in the group.
    pub name: String,
    /// How it begins, if it has no data yet.
    pub begin: Begin,
    /// Raft's clock and limits.
    pub raft: RaftOptions,
    /// Makes its election timeouts its own.
    pub seed: u64,
    /// Names this life of the member: never the same twice.
    pub incarnation: u64,
}

/// What an entry of the log says.
#[derive(Debug, Serialize, Deserialize)]
enum Said {
    /// Change the state.
    Command(Command),
    /// Members have other addresses.
    Members(Vec<MemberView>),
}

/// Who waits for an entry.
enum Waiter {
    Command(oneshot::Sender<Result<Reply, LogError>>),
    Change(oneshot::Sender<Result<Vec<MemberView>, LogError>>),
    Nobody,
}

impl Waiter {
    fn fail(self, error: LogError) {
        match self {
            Waiter::Command(sender) => drop(sender.send(Err(error))),
            Waiter::Change(sender) => drop(sender.send(Err(error))),
            Waiter::Nobody => {}
        }
    }
}

/// The log of one member.
pub struct RaftLog {
    core: PeerCore<Waiter>,
    engine: Arc<dyn Engine>,
    transport: Arc<dyn GroupTransport>,
    state: PdState,
    record: GroupRecord,
    compact_entries: u64,
    now: u64,
}

impl RaftLog {
    /// The member whose data the engine holds; an empty engine becomes one as the options say.
    pub fn open(
        engine: Arc<dyn Engine>,
        options: &MemberOptions,
        transport: Arc<dyn GroupTransport>,
    ) -> Result<RaftLog, Error> {
        let refuse = |reason: String| Error::Corruption(reason);
        let state = read_state(&*engine)?;
        let store = LogStore::new(Arc::clone(&engine));
        let mut batch = WriteBatch::new();
        let (record, log) = match GroupRecord::read(&*engine)? {
            Some(record) => {
                let log = store
                    .load(GROUP, record.truncated(), &mut batch)
                    .map_err(|error| refuse(error.to_string()))?
                    .ok_or_else(|| refuse("the placement driver's log is missing".to_owned()))?;
                (record, log)
            }
            None => {
                let record = GroupRecord::new(options, state == PdState::default())?;
                let log = store.create(GROUP, record.truncated(), &mut batch);
                record.put(&mut batch);
                (record, log)
            }
        };
        engine.write(batch, true)?;
        let start = PeerStart {
            region_id: GROUP,
            peer_id: PeerId(record.id),
            applied: record.applied().index,
            log,
            conf_state: record.conf_state(),
        };
        let mut core = PeerCore::new(&options.raft, start, &tracing_logger(GROUP))
            .map_err(|error| refuse(format!("the placement driver's log: {error}")))?;
        core.set_seed(options.seed, options.incarnation);
        let compact_entries = options.raft.compact_entries;
        let mut log = RaftLog { core, engine, transport, state, record, compact_entries, now: 0 };
        if log.core.is_only_voter() && log.core.campaign().is_ok() {
            log.pump();
        }
        Ok(log)
    }

    /// This member's identity in the group.
    pub fn id(&self) -> u64 {
        self.record.id
    }

    fn send(&self, messages: Vec<Message>) {
        for message in messages {
            let to = self.record.members.iter().find(|member| member.member_id == message.to);
            let (Some(to), Ok(bytes)) = (to, message.write_to_bytes()) else { continue };
            let message = GroupMessage { from: self.record.id, to: message.to, bytes };
            self.transport.send(to, message);
        }
    }

    /// Writes, or ends this life: a member that cannot tell what is on its disk must not go on.
    fn write(&self, batch: WriteBatch, sync: bool) {
        if let Err(error) = self.engine.write(batch, sync) {
            panic!("the placement driver's disk failed: {error}");
        }
    }

    /// Does whatever there is to be done now.
    fn pump(&mut self) {
        loop {
            let effects = self.core.take_effects(self.now);
            if effects.is_empty() {
                return self.compact();
            }
            if effects.role_changed {
                info!(member_id = self.record.id, role = ?self.core.role(), term = %self.core.term(), "has another role in the placement driver's group");
            }
            self.send(effects.messages);
            if effects.snapshot_wanted {
                let snapshot = self.snapshot();
                self.core.put_snapshot(snapshot);
            }
            if let Some(snapshot) = effects.snapshot {
                self.install(snapshot.position, &snapshot.header);
            }
            for persist in effects.persist {
                self.write(persist.batch, true);
                let waited = self.core.on_persisted(persist.number, persist.last);
                self.send(waited);
            }
            for committed in effects.committed {
                self.apply(committed);
            }
            effects.stale.into_iter().for_each(|waiter| waiter.fail(LogError::NotLeader));
            effects.undetermined.into_iter().for_each(|waiter| waiter.fail(LogError::Undetermined));
        }
    }

    fn apply(&mut self, Committed { entry, waiter }: Committed<Waiter>) {
        let mut batch = WriteBatch::new();
        let position = LogPosition { index: LogIndex(entry.index), term: Term(entry.term) };
        self.record.set_applied(position);
        let reply = match entry.get_entry_type() {
            EntryType::EntryNormal => self.apply_normal(&entry, &mut batch),
            EntryType::EntryConfChange | EntryType::EntryConfChangeV2 => {
                self.apply_change(&entry);
                None
            }
        };
        self.record.put(&mut batch);
        self.write(batch, false);
        self.core.on_applied(position.index, position.term);
        match waiter {
            Some(Waiter::Command(sender)) => {
                drop(sender.send(reply.ok_or(LogError::Undetermined)));
            }
            Some(Waiter::Change(sender)) => drop(sender.send(Ok(self.record.members.clone()))),
            Some(Waiter::Nobody) | None => {}
        }
    }

    fn apply_normal(&mut self, entry: &Entry, batch: &mut WriteBatch) -> Option<Reply> {
        if entry.data.is_empty() {
            return None;
        }
        let said = serde_json::from_slice(&entry.data).unwrap_or_else(|error| {
            panic!("entry {} of the placement driver's log is unreadable: {error}", entry.index)
        });
        match said {
            Said::Command(command) => {
                let (reply, records) = self.state.apply(command);
                put_records(records, batch);
                Some(reply)
            }
            Said::Members(members) => {
                self.record.set_members(members);
                None
            }
        }
    }

    fn apply_change(&mut self, entry: &Entry) {
        let index = entry.index;
        let change = ConfChangeV2::parse_from_bytes(&entry.data)
            .unwrap_or_else(|error| panic!("membership entry {index} is unreadable: {error}"));
        if change.changes.is_empty() {
            return;
        }
        let members = serde_json::from_slice(&entry.context)
            .unwrap_or_else(|error| panic!("membership entry {index} has no members: {error}"));
        self.core
            .apply_change(&change)
            .unwrap_or_else(|error| panic!("membership entry {index} is refused: {error}"));
        self.record.set_members(members);
        info!(members = self.record.members.len(), index, "the placement driver's members changed");
    }

    /// The whole state, for a member that lags behind the log.
    fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot::default();
        let applied = self.record.applied();
        let metadata = snapshot.mut_metadata();
        metadata.index = applied.index.0;
        metadata.term = applied.term.0;
        metadata.set_conf_state(self.record.conf_state());
        let data = serde_json::to_vec(&(&self.state, &self.record.members))
            .expect("the state is plain data with string keys");
        snapshot.data = data.into();
        snapshot
    }

    fn install(&mut self, position: LogPosition, data: &[u8]) {
        let (state, members): (PdState, Vec<MemberView>) = serde_json::from_slice(data)
            .unwrap_or_else(|error| panic!("a snapshot of the placement driver: {error}"));
        let mut batch = WriteBatch::new();
        batch.delete_range(Cf::Raft, PREFIX, PREFIX_END);
        put_records(state.records(), &mut batch);
        self.state = state;
        self.record.set_members(members);
        self.record.restart_at(position);
        self.record.put(&mut batch);
        self.write(batch, true);
        info!(member_id = self.record.id, index = %position.index, "took over the state of the placement driver");
    }

    /// Forgets the log's beginning, once it is long.
    fn compact(&mut self) {
        let applied = self.record.applied().index.0;
        if applied - self.record.truncated().index.0 < self.compact_entries + KEPT_ENTRIES {
            return;
        }
        let index = LogIndex(applied - KEPT_ENTRIES);
        let Ok(term) = self.core.term_of(index) else { return };
        let position = LogPosition { index, term };
        self.record.set_truncated(position);
        let mut batch = WriteBatch::new();
        self.record.put(&mut batch);
        // Synced: with it everything applied before is on the disk.
        self.write(batch, true);
        let forget = self.core.compact(position);
        self.write(forget, false);
    }

    /// What a leader does from time to time: asks whether it still leads, and lets learners vote that have caught up.
    fn lead(&mut self) {
        if !self.core.is_ready() {
            return;
        }
        if !self.core.is_only_voter() {
            let _ = self.core.read_index(Waiter::Nobody, Timestamp::ZERO, self.now);
        }
        let last = self.core.last_index().0;
        let progress = self.core.progress();
        let learner = self.record.members.iter().find(|member| {
            !member.voter
                && progress.iter().any(|known| {
                    known.peer_id.0 == member.member_id
                        && known.active
                        && known.matched.0 + LEARNER_LAG >= last
                        && known.matched.0 > 0
                })
        });
        if let Some(learner) = learner.map(|learner| learner.member_id) {
            let mut members = self.record.members.clone();
            members.iter_mut().filter(|m| m.member_id == learner).for_each(|m| m.voter = true);
            let change = PeerChange::AddVoter(peer(learner));
            if self.propose_members(change, &members, Waiter::Nobody).is_ok() {
                info!(member_id = learner, "lets a member of the placement driver vote");
            }
        }
    }

    fn propose_members(
        &mut self,
        change: PeerChange,
        members: &[MemberView],
        waiter: Waiter,
    ) -> Result<(), Waiter> {
        let context = serde_json::to_vec(members).expect("members are plain data");
        let change = membership::to_raft(&[change]);
        self.core.propose_change(change, context, waiter, self.now).map(drop)
    }

    fn propose(&mut self, said: &Said, waiter: Waiter) -> Result<(), Waiter> {
        let data = serde_json::to_vec(said).expect("commands are plain data with string keys");
        self.core.propose(data, waiter, self.now).map(drop)
    }

    /// The change and the list it leads to; no change: only addresses are new.
    fn changed(
        &mut self,
        change: MemberChange,
    ) -> Result<(Option<PeerChange>, Vec<MemberView>), LogError> {
        let mut members = self.record.members.clone();
        match change {
            MemberChange::Add(added) => {
                if let Some(known) = members.iter_mut().find(|member| member.name == added.name) {
                    known.peer_urls = added.peer_urls;
                    known.client_urls = added.client_urls;
                    return Ok((None, members));
                }
                let member_id = self.record.next_id;
                members.push(MemberView { member_id, voter: false, ..added });
                Ok((Some(PeerChange::AddLearner(peer(member_id))), members))
            }
            MemberChange::Remove { name } => {
                let found = members.iter().find(|member| member.name == name).cloned();
                let Some(gone) = found else {
                    return Err(LogError::Refused(format!("there is no member {name}")));
                };
                members.retain(|member| member.name != name);
                let Some(heir) = members.iter().find(|member| member.voter) else {
                    return Err(LogError::Refused(format!("{name} is the last member that votes")));
                };
                if gone.member_id == self.record.id {
                    // Its successor can remove it, and whoever asked asks there.
                    self.core.transfer_leader(PeerId(heir.member_id));
                    return Err(LogError::NotLeader);
                }
                Ok((Some(PeerChange::Remove(peer(gone.member_id))), members))
            }
        }
    }
}

fn peer(member_id: u64) -> Peer {
    Peer { id: PeerId(member_id), store_id: StoreId(member_id), role: PeerRole::Voter }
}

/// An answer that is lost with the member's life leaves the outcome open.
fn answer<T: Send + 'static>(
    receiver: oneshot::Receiver<Result<T, LogError>>,
) -> BoxFuture<'static, Result<T, LogError>> {
    receiver.map(|answer| answer.unwrap_or(Err(LogError::Undetermined))).boxed()
}

impl CommandLog for RaftLog {
    fn commit(&mut self, command: Command) -> BoxFuture<'static, Result<Reply, LogError>> {
        let (sender, receiver) = oneshot::channel();
        if let Err(waiter) = self.propose(&Said::Command(command), Waiter::Command(sender)) {
            waiter.fail(LogError::NotLeader);
        }
        self.pump();
        answer(receiver)
    }

    fn state(&self) -> &PdState {
        &self.state
    }

    fn leadership(&self) -> Leadership {
        let leader_id = self.core.leader().map(|id| id.0);
        let leads = self.core.is_ready() && !self.core.is_transferring();
        let leader = self.record.members.iter().find(|member| Some(member.member_id) == leader_id);
        let elsewhere = leader.filter(|leader| leader.member_id != self.record.id);
        Leadership {
            leads: leads.then(|| self.core.term()),
            lease_until: self.core.lease().until(),
            leader: elsewhere.and_then(|leader| leader.peer_urls.first().cloned()),
            leader_id,
        }
    }

    fn members(&self) -> Vec<MemberView> {
        self.record.members.clone()
    }

    fn receive(&mut self, message: GroupMessage, now: u64) {
        self.now = self.now.max(now);
        if message.to != self.record.id {
            warn!(member_id = self.record.id, to = message.to, "got a message for another member");
            return;
        }
        match Message::parse_from_bytes(&message.bytes) {
            Ok(message) => {
                if let Err(error) = self.core.step(message) {
                    debug!(%error, "ignored a message of another member");
                }
            }
            Err(error) => warn!(%error, from = message.from, "got an unreadable message"),
        }
        self.pump();
    }

    fn tick(&mut self, now: u64) {
        self.now = self.now.max(now);
        self.core.tick();
        self.pump();
        self.lead();
        self.pump();
    }

    fn change_members(
        &mut self,
        change: MemberChange,
    ) -> BoxFuture<'static, Result<Vec<MemberView>, LogError>> {
        if !self.core.is_ready() {
            return Box::pin(ready(Err(LogError::NotLeader)));
        }
        let (sender, receiver) = oneshot::channel();
        let proposed = match self.changed(change) {
            Ok((Some(change), members)) => {
                self.propose_members(change, &members, Waiter::Change(sender))
            }
            Ok((None, members)) => self.propose(&Said::Members(members), Waiter::Change(sender)),
            Err(error) => {
                self.pump();
                return Box::pin(ready(Err(error)));
            }
        };
        if let Err(waiter) = proposed {
            let busy = "another change of members is under way: try again";
            waiter.fail(LogError::Refused(busy.to_owned()));
        }
        self.pump();
        answer(receiver)
    }
}
