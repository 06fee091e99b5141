//! Where commands become durable.

use std::sync::Arc;

use futures::future::{BoxFuture, ready};

use super::api::MemberView;
use super::state::{Command, PdState, Record, Reply};
use crate::common::Term;
use crate::storage::engine::{Cf, Engine, Error, IterOptions, WriteBatch};

/// Where PD's records live among a node's local data.
pub(super) const PREFIX: &[u8] = &[0x01, 0x10];
/// Past the last of PD's records.
pub(super) const PREFIX_END: &[u8] = &[0x01, 0x11];

/// Why a command has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// This member does not lead; nothing was written.
    #[error("this member does not lead the placement driver")]
    NotLeader,
    /// It was refused: asking the same again will not help.
    #[error("{0}")]
    Refused(String),
    /// Another member leads now, and it is not known whether the command had an effect.
    #[error("leadership of the placement driver changed: the outcome is not known")]
    Undetermined,
    /// The disk failed: the member cannot go on.
    #[error("the placement driver's log failed: {0}")]
    Storage(String),
}

/// Applies commands in one order on all members, and answers once a majority has them on disk.
///
/// A group of one needs no consensus ([`SingleMemberLog`]); more members put Raft behind the same two methods.
pub trait CommandLog: Send + 'static {
    /// Applies a command after all those committed before it; resolves when it is durable.
    fn commit(&mut self, command: Command) -> BoxFuture<'static, Result<Reply, LogError>>;
    /// The state as far as it is applied here.
    fn state(&self) -> &PdState;
    /// Who leads, as far as this member knows. A group of one always leads.
    fn leadership(&self) -> Leadership {
        Leadership::ALONE
    }
    /// The members. A group of one has no list: its node knows itself.
    fn members(&self) -> Vec<MemberView> {
        Vec::new()
    }
    /// Which member this is. A group of one that has no list has no members to tell apart.
    fn member_id(&self) -> Option<u64> {
        None
    }
    /// Why the group cannot begin, if this member was given other first members than another one was.
    fn dispute(&self) -> Option<String> {
        None
    }
    /// Members that the leader has not heard of for a while.
    fn absent(&self) -> Vec<u64> {
        Vec::new()
    }
    /// Hands leadership to the member of this name, or to any; answers its name. It may come to nothing.
    fn hand_over(&mut self, to: Option<&str>) -> Result<String, LogError> {
        let _ = to;
        Err(LogError::Refused("this placement driver has one member".into()))
    }
    /// Takes a message of another member, and sends what it leads to.
    fn receive(&mut self, message: GroupMessage, now: u64) {
        let _ = (message, now);
    }
    /// The group's clock; `now` is in nanoseconds, and never goes back.
    fn tick(&mut self, now: u64) {
        let _ = now;
    }
    /// Adds a member, or removes one; resolves when the group has agreed.
    fn change_members(
        &mut self,
        change: MemberChange,
    ) -> BoxFuture<'static, Result<Vec<MemberView>, LogError>> {
        let _ = change;
        let reason = "this placement driver is not a group of members: \
             start its node with --pd and its own address, and it is one that others can join";
        let error = LogError::Refused(reason.to_owned());
        Box::pin(ready(Err(error)))
    }
}

/// Who leads a group, as one member knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leadership {
    /// This member leads, in this term, and has applied all that was ever committed.
    pub leads: Option<Term>,
    /// Until when nobody else can lead, on the clock of [`CommandLog::tick`].
    pub lease_until: u64,
    /// The address of the leader, if another is known to lead.
    pub leader: Option<String>,
    /// The leader's identity, if known.
    pub leader_id: Option<u64>,
}

impl Leadership {
    /// A group of one.
    pub const ALONE: Leadership =
        Leadership { leads: Some(Term(0)), lease_until: u64::MAX, leader: None, leader_id: None };
}

/// What travels between members: bytes to all but the group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupMessage {
    /// Who sends.
    pub from: u64,
    /// For whom.
    pub to: u64,
    /// What: a message of the raft crate. Empty: it tells no more than the founders.
    pub bytes: Vec<u8>,
    /// The addresses of the first members as the sender was given them; empty if it was not one of them.
    pub founders: String,
}

/// A change of the list of members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemberChange {
    /// A new one, which gets an id. If it has the name or the address of a member that was not heard of for a while,
    /// that one has lost its data: it is removed first, and the new one has to ask again.
    Add(MemberView),
    /// A member, known by its id, says what it is called and where it is.
    Describe(MemberView),
    /// One leaves.
    Remove {
        /// Its name.
        name: String,
    },
}

/// The log of a group of one member: each command's records go to the engine, synced, in one batch.
pub struct SingleMemberLog {
    engine: Arc<dyn Engine>,
    state: PdState,
}

impl SingleMemberLog {
    /// Reads the state the engine holds; an empty engine holds the default state.
    pub fn open(engine: Arc<dyn Engine>) -> Result<SingleMemberLog, Error> {
        if super::group::is_member(&*engine)? {
            let reason = "this is the data of a member of a placement driver's group".to_owned();
            return Err(Error::Corruption(reason));
        }
        let state = read_state(&*engine)?;
        Ok(SingleMemberLog { engine, state })
    }

    fn commit_now(&mut self, command: Command) -> Result<Reply, LogError> {
        let mut next = self.state.clone();
        let (reply, records) = next.apply(command);
        if !records.is_empty() {
            let mut batch = WriteBatch::new();
            put_records(records, &mut batch);
            self.engine.write(batch, true).map_err(|error| LogError::Storage(error.to_string()))?;
        }
        self.state = next;
        Ok(reply)
    }
}

/// Gives the cluster's id to a state that was begun by a version that knew none, and kept it with its store alone.
pub fn adopt_cluster_id(engine: &dyn Engine, cluster_id: u64) -> Result<(), Error> {
    let state = read_state(engine)?;
    if state == PdState::default() || state.cluster_id() != 0 {
        return Ok(());
    }
    let mut batch = WriteBatch::new();
    put_records(vec![("cluster_id".to_owned(), Some(cluster_id.into()))], &mut batch);
    engine.write(batch, true)
}

/// The state as an engine's records have it; without records the default state.
pub(super) fn read_state(engine: &dyn Engine) -> Result<PdState, Error> {
    let options = IterOptions {
        lower: Some(PREFIX.into()),
        upper: Some(PREFIX_END.into()),
        ..IterOptions::default()
    };
    let mut records = Vec::new();
    let mut cursor = engine.cursor(Cf::Raft, options)?;
    cursor.seek(PREFIX)?;
    while cursor.valid() {
        let name = String::from_utf8_lossy(&cursor.key()[PREFIX.len()..]).into_owned();
        let value = serde_json::from_slice(cursor.value())
            .map_err(|error| Error::Corruption(format!("pd record {name}: {error}")))?;
        records.push((name, value));
        cursor.next()?;
    }
    drop(cursor);
    let state = PdState::from_records(records)
        .map_err(|error| Error::Corruption(format!("pd state: {error}")))?;
    Ok(state)
}

/// Writes records under the names the state gave them.
pub(super) fn put_records(records: Vec<Record>, batch: &mut WriteBatch) {
    for (name, value) in records {
        let key = [PREFIX, name.as_bytes()].concat();
        match value {
            Some(value) => batch.put(Cf::Raft, key, value.to_string()),
            None => batch.delete(Cf::Raft, key),
        }
    }
}

impl CommandLog for SingleMemberLog {
    fn commit(&mut self, command: Command) -> BoxFuture<'static, Result<Reply, LogError>> {
        Box::pin(ready(self.commit_now(command)))
    }

    fn state(&self) -> &PdState {
        &self.state
    }
}
