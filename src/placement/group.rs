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

mod membership;
mod record;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use ::raft::eraftpb::{ConfChangeV2, Entry, EntryType, Message, MessageType, Snapshot};
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
use crate::common::{LogIndex, PeerId, RegionId, Term};
use crate::storage::engine::{Cf, Engine, Error, WriteBatch};
use crate::storage::raft::{
    Committed, LogPosition, LogStore, PeerCore, PeerStart, RaftOptions, tracing_logger,
};

use membership::Change;
pub use record::is_member;
use record::{GroupRecord, founder};

/// The log's name among those of an engine; no region has it.
const GROUP: RegionId = RegionId(0);
/// Election timeouts after which a member that is not heard of is absent.
const ABSENT_TIMEOUTS: u32 = 3;
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
    /// As what its data say; without data it does not begin.
    Again,
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
    /// A member is called or found otherwise.
    Describe(MemberView),
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
    /// When each other member was last heard of.
    heard: BTreeMap<u64, u64>,
    /// Who is not heard of for longer is absent, in nanoseconds.
    patience: u64,
    /// Of another one of the first members that was given other ones.
    dispute: Option<String>,
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
        let patience = options.raft.election_timeout() * ABSENT_TIMEOUTS;
        let mut log = RaftLog {
            core,
            engine,
            transport,
            state,
            record,
            compact_entries: options.raft.compact_entries,
            now: 0,
            heard: BTreeMap::new(),
            patience: u64::try_from(patience.as_nanos()).unwrap_or(u64::MAX),
            dispute: None,
        };
        if log.core.is_only_voter() && log.core.campaign().is_ok() {
            log.pump();
        }
        Ok(log)
    }

    /// This member's identity in the group.
    pub fn id(&self) -> u64 {
        self.record.id
    }

    fn send(&mut self, messages: Vec<Message>) {
        for message in messages {
            if message.get_msg_type() == MessageType::MsgSnapshot {
                // It may be lost like any other: the next message finds out whether it was.
                self.core.report_snapshot(PeerId(message.to), true);
            }
            let to = self.record.members.iter().find(|member| member.member_id == message.to);
            let (Some(to), Ok(bytes)) = (to, message.write_to_bytes()) else { continue };
            self.transport.send(to, self.message(message.to, bytes));
        }
    }

    fn message(&self, to: u64, bytes: Vec<u8>) -> GroupMessage {
        let founders = self.record.founders.clone();
        GroupMessage { from: self.record.id, to, bytes, founders }
    }

    /// Whether the sender was given the same first members, as far as both were given any. Ids follow from that list: with
    /// another one they name other members, and a message that is taken for somebody else's could break every promise.
    fn agrees_with(&mut self, message: &GroupMessage) -> bool {
        let (ours, theirs) = (&self.record.founders, &message.founders);
        if ours.is_empty() || theirs.is_empty() || ours == theirs {
            return true;
        }
        let sender = founder(theirs, message.from).unwrap_or("an unknown address").to_owned();
        let dispute = format!(
            "this member was started with the first members {ours}, and the one at {sender} with {theirs}: all must be given the same"
        );
        if self.dispute.as_ref() != Some(&dispute) {
            warn!(reason = %dispute, "another member of the placement driver has another list");
            self.dispute = Some(dispute);
        }
        let is_known = self.record.members.iter().any(|member| member.peer_urls.contains(&sender));
        if !is_known && !message.bytes.is_empty() {
            // It hears nothing else of this member.
            let to = MemberView { peer_urls: vec![sender], ..MemberView::default() };
            self.transport.send(&to, self.message(message.from, Vec::new()));
        }
        false
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
            Said::Describe(member) => {
                self.record.describe(member);
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
        self.record.change_members(members);
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

    fn propose(&mut self, said: &Said, waiter: Waiter) -> Result<(), Waiter> {
        let data = serde_json::to_vec(said).expect("commands are plain data with string keys");
        self.core.propose(data, waiter, self.now).map(drop)
    }
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

    fn member_id(&self) -> Option<u64> {
        Some(self.record.id)
    }

    fn dispute(&self) -> Option<String> {
        self.dispute.clone().filter(|_| self.record.is_new())
    }

    fn absent(&self) -> Vec<u64> {
        let ids = self.record.members.iter().map(|member| member.member_id);
        ids.filter(|id| !self.is_present(*id)).collect()
    }

    fn hand_over(&mut self, to: Option<&str>) -> Result<String, LogError> {
        let handed = self.transfer(to);
        self.pump();
        handed
    }

    fn receive(&mut self, message: GroupMessage, now: u64) {
        self.now = self.now.max(now);
        if !self.agrees_with(&message) || message.bytes.is_empty() {
            return;
        }
        if message.to != self.record.id {
            // For whoever had this address before.
            debug!(member_id = self.record.id, to = message.to, "got a message for another member");
            return;
        }
        self.heard.insert(message.from, self.now);
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
            Ok(Change::Peers(change, members)) => {
                self.propose_members(change, &members, Waiter::Change(sender))
            }
            Ok(Change::Describe(member)) => {
                self.propose(&Said::Describe(member), Waiter::Change(sender))
            }
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
