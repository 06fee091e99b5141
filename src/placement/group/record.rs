//! What a member keeps of its group beside the state: who it is, who the others are, and how far it is.

use ::raft::eraftpb::ConfState;
use serde::{Deserialize, Serialize};

use super::{Begin, MemberOptions};
use crate::common::{LogIndex, Term};
use crate::placement::api::MemberView;
use crate::storage::engine::{Cf, Engine, Error, WriteBatch};
use crate::storage::raft::LogPosition;

/// Where the record is, after those of the state.
const KEY: &[u8] = &[0x01, 0x11];

/// Between the addresses of founders.
const FOUNDERS_BETWEEN: &str = ", ";

/// Whether an engine holds the data of a member of a group.
pub fn is_member(engine: &dyn Engine) -> Result<bool, Error> {
    Ok(engine.get(Cf::Raft, KEY)?.is_some())
}

/// The record.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct GroupRecord {
    pub(super) id: u64,
    pub(super) members: Vec<MemberView>,
    /// The id of the next new member: above all that were ever given.
    pub(super) next_id: u64,
    /// The addresses of the first members, if this is one of them; their ids are in this order.
    #[serde(default)]
    pub(super) founders: String,
    /// Index and term.
    applied: (u64, u64),
    truncated: (u64, u64),
}

fn position((index, term): (u64, u64)) -> LogPosition {
    LogPosition { index: LogIndex(index), term: Term(term) }
}

fn pair(position: LogPosition) -> (u64, u64) {
    (position.index.0, position.term.0)
}

/// The address of the founder with this id.
pub(super) fn founder(founders: &str, id: u64) -> Option<&str> {
    let at = usize::try_from(id.checked_sub(1)?).ok()?;
    founders.split(FOUNDERS_BETWEEN).nth(at)
}

impl GroupRecord {
    /// The record of a member that begins.
    pub(super) fn new(options: &MemberOptions, is_empty: bool) -> Result<GroupRecord, Error> {
        let refuse = |reason: String| Err(Error::Corruption(reason));
        let mut founders = String::new();
        let (members, start) = match &options.begin {
            Begin::First(members) => {
                let mut members = members.clone();
                members.sort_by(|a, b| a.name.cmp(&b.name));
                for (id, member) in (1..).zip(&mut members) {
                    member.member_id = id;
                    member.voter = true;
                }
                let urls = members.iter().filter_map(|member| member.peer_urls.first());
                founders = urls.map(String::as_str).collect::<Vec<_>>().join(FOUNDERS_BETWEEN);
                (members, LogPosition::INIT)
            }
            Begin::Joining(members) => (members.clone(), LogPosition::default()),
            Begin::Again => return refuse("the data of a member are gone".to_owned()),
        };
        if members.windows(2).any(|pair| pair[0].name == pair[1].name) {
            return refuse("two members of the placement driver have the same name".to_owned());
        }
        if !is_empty && (members.len() > 1 || start.index.0 == 0) {
            let reason = "this directory has the state of a placement driver of one member: \
                 others join it, it does not join them";
            return refuse(reason.to_owned());
        }
        let Some(me) = members.iter().find(|member| member.name == options.name) else {
            let name = &options.name;
            return refuse(format!("{name} is not in the list of the placement driver's members"));
        };
        let mut record = GroupRecord {
            id: me.member_id,
            members: Vec::new(),
            next_id: 1,
            founders,
            applied: pair(start),
            truncated: pair(start),
        };
        record.set_members(members);
        Ok(record)
    }

    pub(super) fn read(engine: &dyn Engine) -> Result<Option<GroupRecord>, Error> {
        let Some(value) = engine.get(Cf::Raft, KEY)? else { return Ok(None) };
        let unreadable =
            |error| Error::Corruption(format!("the placement driver's group: {error}"));
        serde_json::from_slice(&value).map(Some).map_err(unreadable)
    }

    pub(super) fn put(&self, batch: &mut WriteBatch) {
        let value = serde_json::to_vec(self).expect("members are plain data");
        batch.put(Cf::Raft, KEY, value);
    }

    pub(super) fn set_members(&mut self, members: Vec<MemberView>) {
        let highest = members.iter().map(|member| member.member_id).max().unwrap_or(0);
        self.next_id = self.next_id.max(highest + 1);
        self.members = members;
    }

    /// Others are members, or vote. What is known of those that stay is newer here than where the change was made up.
    pub(super) fn change_members(&mut self, mut members: Vec<MemberView>) {
        for member in &mut members {
            if let Some(known) = self.members.iter().find(|m| m.member_id == member.member_id) {
                *member = MemberView { voter: member.voter, ..known.clone() };
            }
        }
        self.set_members(members);
    }

    /// A member is called or found otherwise.
    pub(super) fn describe(&mut self, described: MemberView) {
        let id = described.member_id;
        if let Some(known) = self.members.iter_mut().find(|member| member.member_id == id) {
            *known = MemberView { voter: known.voter, ..described };
        }
    }

    /// Whether nothing was agreed on yet.
    pub(super) fn is_new(&self) -> bool {
        self.applied == pair(LogPosition::INIT)
    }

    pub(super) fn applied(&self) -> LogPosition {
        position(self.applied)
    }

    pub(super) fn set_applied(&mut self, to: LogPosition) {
        self.applied = pair(to);
    }

    pub(super) fn truncated(&self) -> LogPosition {
        position(self.truncated)
    }

    pub(super) fn set_truncated(&mut self, to: LogPosition) {
        self.truncated = pair(to);
    }

    /// A snapshot took the place of the log.
    pub(super) fn restart_at(&mut self, at: LogPosition) {
        self.applied = pair(at);
        self.truncated = pair(at);
    }

    /// Who votes and who learns. A member that joins learns from the leader who it is: it begins alone with nothing.
    pub(super) fn conf_state(&self) -> ConfState {
        let mut state = ConfState::default();
        if self.applied.0 == 0 {
            return state;
        }
        for member in &self.members {
            if member.voter {
                state.voters.push(member.member_id);
            } else {
                state.learners.push(member.member_id);
            }
        }
        state
    }
}
