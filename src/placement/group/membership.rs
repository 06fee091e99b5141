//! Who the members are, as the leader sees to it: learners come to vote, members come and go, somebody is to lead next.

use tracing::{info, warn};

use super::{RaftLog, Waiter};
use crate::common::{PeerId, StoreId, Timestamp};
use crate::placement::api::MemberView;
use crate::placement::log::{LogError, MemberChange};
use crate::storage::region::membership::{self, PeerChange};
use crate::storage::region::{Peer, PeerRole};

/// Entries a learner may lack when it is let vote.
const LEARNER_LAG: u64 = 16;

/// What a change of the list comes to.
pub(super) enum Change {
    /// Other members: the change, and the list it leads to.
    Peers(PeerChange, Vec<MemberView>),
    /// The same ones; one is called or found otherwise.
    Describe(MemberView),
}

fn peer(member_id: u64) -> Peer {
    Peer { id: PeerId(member_id), store_id: StoreId(member_id), role: PeerRole::Voter }
}

fn refused<T>(reason: String) -> Result<T, LogError> {
    Err(LogError::Refused(reason))
}

impl RaftLog {
    /// Whether a member was heard of lately.
    pub(super) fn is_present(&self, member_id: u64) -> bool {
        let heard = self.heard.get(&member_id);
        member_id == self.record.id
            || heard.is_some_and(|heard| heard.saturating_add(self.patience) > self.now)
    }

    /// What a leader does from time to time: asks whether it still leads, and lets learners vote that have caught up.
    pub(super) fn lead(&mut self) {
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

    pub(super) fn propose_members(
        &mut self,
        change: PeerChange,
        members: &[MemberView],
        waiter: Waiter,
    ) -> Result<(), Waiter> {
        let context = serde_json::to_vec(members).expect("members are plain data");
        let change = membership::to_raft(&[change]);
        self.core.propose_change(change, context, waiter, self.now).map(drop)
    }

    /// What a change comes to.
    pub(super) fn changed(&mut self, change: MemberChange) -> Result<Change, LogError> {
        match change {
            MemberChange::Add(added) => self.added(added),
            MemberChange::Describe(described) => {
                let MemberView { member_id, name, .. } = &described;
                let members = &self.record.members;
                if !members.iter().any(|member| member.member_id == *member_id) {
                    return refused(format!(
                        "{name} is not a member any more: it comes back as a new one, with --join and without its old data"
                    ));
                }
                let twice = |m: &&MemberView| m.name == *name && m.member_id != *member_id;
                if let Some(other) = members.iter().find(twice) {
                    let at = other.peer_urls.join(", ");
                    return refused(format!("another member is called {name} too, at {at}"));
                }
                Ok(Change::Describe(described))
            }
            MemberChange::Remove { name } => {
                let found = self.record.members.iter().find(|member| member.name == name);
                let Some(gone) = found.map(|member| member.member_id) else {
                    return refused(format!("there is no member {name}"));
                };
                self.removed(gone)
            }
        }
    }

    fn added(&mut self, added: MemberView) -> Result<Change, LogError> {
        let same =
            |member: &&MemberView| member.name == added.name || member.peer_urls == added.peer_urls;
        if let Some(known) = self.record.members.iter().find(same) {
            let (id, name, at) = (known.member_id, &known.name, known.peer_urls.join(", "));
            if self.is_present(id) {
                return refused(format!("there is a member {name} already, at {at}"));
            }
            let before =
                format!("member {name} at {at} was there before and is removed: ask again");
            warn!(
                member_id = id,
                "removes a member of the placement driver that has lost its data"
            );
            if let Ok(Change::Peers(change, members)) = self.removed(id) {
                let _ = self.propose_members(change, &members, Waiter::Nobody);
            }
            return refused(before);
        }
        let mut members = self.record.members.clone();
        let member_id = self.record.next_id;
        members.push(MemberView { member_id, voter: false, ..added });
        Ok(Change::Peers(PeerChange::AddLearner(peer(member_id)), members))
    }

    fn removed(&mut self, member_id: u64) -> Result<Change, LogError> {
        let mut members = self.record.members.clone();
        members.retain(|member| member.member_id != member_id);
        if !members.iter().any(|member| member.voter) {
            return refused("it is the last member that votes".to_owned());
        }
        if member_id == self.record.id {
            // Its successor can remove it, and whoever asked asks there.
            self.transfer(None)?;
            return Err(LogError::NotLeader);
        }
        Ok(Change::Peers(PeerChange::Remove(peer(member_id)), members))
    }

    /// Hands leadership to a member, or to the one that has most of the log.
    pub(super) fn transfer(&mut self, to: Option<&str>) -> Result<String, LogError> {
        if !self.core.is_ready() {
            return Err(LogError::NotLeader);
        }
        let matched = |id: u64| {
            let progress = self.core.progress();
            progress.iter().find(|known| known.peer_id.0 == id).map(|known| known.matched)
        };
        let others = self.record.members.iter().filter(|member| {
            member.voter && member.member_id != self.record.id && self.is_present(member.member_id)
        });
        let heir = match to {
            Some(name) => others.into_iter().find(|member| member.name == name),
            None => others.max_by_key(|member| matched(member.member_id)),
        };
        let Some(heir) = heir.map(|heir| (heir.member_id, heir.name.clone())) else {
            let whom = to.unwrap_or("another member");
            return refused(format!("{whom} does not vote, or was not heard of: it cannot lead"));
        };
        info!(member_id = heir.0, "hands the lead of the placement driver on");
        self.core.transfer_leader(PeerId(heir.0));
        Ok(heir.1)
    }
}
