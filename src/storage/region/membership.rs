//! Membership: what becomes of a region's peers when some are added, promoted, demoted or removed.
//!
//! One change at a time is *simple*: two successive configurations always share a quorum. Several at
//! once go through a *joint* configuration, in which both the old and the new voters must agree; when
//! that is applied, a second entry leaves it. Within the joint configuration peers have the roles
//! [`PeerRole::IncomingVoter`] and [`PeerRole::DemotingVoter`].
//!
//! All of this is computed by every replica from the same entry and the same region, so it is
//! deterministic, and checked again where it is applied.

use raft::eraftpb::{
    ConfChangeSingle, ConfChangeTransition, ConfChangeType, ConfChangeV2, ConfState,
};

use super::{Peer, PeerRole, Region};

/// One peer's change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub enum PeerChange {
    /// Adds a voter, or makes a learner one.
    AddVoter(Peer),
    /// Adds a learner, or makes a voter one.
    AddLearner(Peer),
    /// Removes a peer.
    Remove(Peer),
}

impl PeerChange {
    /// Whose.
    pub fn peer(&self) -> Peer {
        match self {
            PeerChange::AddVoter(peer)
            | PeerChange::AddLearner(peer)
            | PeerChange::Remove(peer) => *peer,
        }
    }
}

/// Why a region's peers cannot be changed like this. Every replica finds the same.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// The store has another peer of the region.
    #[error("store {} has another peer of the region", .0.store_id)]
    StoreTaken(Peer),
    /// There is no such peer.
    #[error("peer {} is not in the region", .0.id)]
    NoSuchPeer(Peer),
    /// The peer is that already.
    #[error("peer {} is that already", .0.id)]
    Unchanged(Peer),
    /// A voter is removed in two steps when other peers change at once: demoted first.
    #[error("peer {} votes: a change of several peers may only demote it", .0.id)]
    RemovesVoter(Peer),
    /// A joint change is under way, or (for leaving one) is not.
    #[error("a joint change is {0}")]
    Joint(&'static str),
    /// Nobody could vote any more.
    #[error("no voter would be left")]
    NoVoter,
}

/// Whether a joint change is under way.
pub fn is_joint(region: &Region) -> bool {
    region.peers.iter().any(|peer| peer.role.is_joint())
}

/// The region with its peers changed. No changes: leaves a joint configuration.
pub fn change_peers(region: &Region, changes: &[PeerChange]) -> Result<Region, ChangeError> {
    let mut changed = region.clone();
    match (is_joint(region), changes.is_empty()) {
        (true, true) => leave_joint(&mut changed),
        (true, false) => return Err(ChangeError::Joint("under way")),
        (false, true) => return Err(ChangeError::Joint("not under way")),
        (false, false) => {
            let simple = changes.len() == 1;
            for change in changes {
                change_peer(&mut changed, *change, simple)?;
            }
            changed.epoch.conf_ver += changes.len() as u64;
        }
    }
    let votes_after = |peer: &Peer| matches!(peer.role, PeerRole::Voter | PeerRole::IncomingVoter);
    if !changed.peers.iter().any(votes_after) {
        return Err(ChangeError::NoVoter);
    }
    assert!(changed.epoch.conf_ver > region.epoch.conf_ver, "a change of members is told");
    Ok(changed)
}

fn leave_joint(region: &mut Region) {
    for peer in &mut region.peers {
        let role = match peer.role {
            PeerRole::IncomingVoter => PeerRole::Voter,
            PeerRole::DemotingVoter => PeerRole::Learner,
            PeerRole::Voter | PeerRole::Learner => continue,
        };
        peer.role = role;
        region.epoch.conf_ver += 1;
    }
}

fn change_peer(region: &mut Region, change: PeerChange, simple: bool) -> Result<(), ChangeError> {
    let wanted = change.peer();
    let at = region.peers.iter().position(|peer| peer.store_id == wanted.store_id);
    let present = at.map(|at| region.peers[at]);
    if present.is_some_and(|present| present.id != wanted.id) {
        return Err(ChangeError::StoreTaken(wanted));
    }
    let role = match (change, present.map(|peer| peer.role)) {
        (PeerChange::Remove(_), None) => return Err(ChangeError::NoSuchPeer(wanted)),
        (PeerChange::Remove(_), Some(role)) => {
            if role.votes() && !simple {
                return Err(ChangeError::RemovesVoter(wanted));
            }
            region.peers.retain(|peer| peer.id != wanted.id);
            return Ok(());
        }
        (PeerChange::AddVoter(_), Some(PeerRole::Voter | PeerRole::IncomingVoter))
        | (PeerChange::AddLearner(_), Some(PeerRole::Learner | PeerRole::DemotingVoter)) => {
            return Err(ChangeError::Unchanged(wanted));
        }
        (PeerChange::AddVoter(_), _) if simple => PeerRole::Voter,
        (PeerChange::AddVoter(_), _) => PeerRole::IncomingVoter,
        (PeerChange::AddLearner(_), Some(_)) if !simple => PeerRole::DemotingVoter,
        (PeerChange::AddLearner(_), _) => PeerRole::Learner,
    };
    match at {
        Some(at) => region.peers[at].role = role,
        None => region.peers.push(Peer { role, ..wanted }),
    }
    Ok(())
}

/// What the raft crate is told of a change.
pub fn to_raft(changes: &[PeerChange]) -> ConfChangeV2 {
    let singles: Vec<ConfChangeSingle> = changes
        .iter()
        .map(|change| {
            let mut single = ConfChangeSingle::default();
            single.set_change_type(match change {
                PeerChange::AddVoter(_) => ConfChangeType::AddNode,
                PeerChange::AddLearner(_) => ConfChangeType::AddLearnerNode,
                PeerChange::Remove(_) => ConfChangeType::RemoveNode,
            });
            single.node_id = change.peer().id.0;
            single
        })
        .collect();
    let mut change = ConfChangeV2::default();
    if singles.len() > 1 {
        change.set_transition(ConfChangeTransition::Explicit);
    }
    change.set_changes(singles.into());
    change
}

/// The raft crate's view of a region's peers.
pub fn conf_state(region: &Region) -> ConfState {
    let joint = is_joint(region);
    let mut state = ConfState::default();
    for peer in &region.peers {
        let id = peer.id.0;
        match peer.role {
            PeerRole::Voter => {
                state.voters.push(id);
                if joint {
                    state.voters_outgoing.push(id);
                }
            }
            PeerRole::Learner => state.learners.push(id),
            PeerRole::IncomingVoter => state.voters.push(id),
            PeerRole::DemotingVoter => {
                state.voters_outgoing.push(id);
                state.learners_next.push(id);
            }
        }
    }
    state
}

#[cfg(test)]
mod tests {
    use super::super::bootstrap::first_region;
    use super::*;
    use crate::common::{PeerId, RegionId, StoreId};

    fn peer(id: u64) -> Peer {
        Peer { id: PeerId(10 + id), store_id: StoreId(id), role: PeerRole::Voter }
    }

    fn region(voters: u64) -> Region {
        let mut region = first_region(RegionId(2), peer(1).id, StoreId(1));
        for id in 2..=voters {
            region = change_peers(&region, &[PeerChange::AddVoter(peer(id))]).unwrap();
        }
        region
    }

    fn roles(region: &Region) -> Vec<(u64, PeerRole)> {
        region.peers.iter().map(|peer| (peer.store_id.0, peer.role)).collect()
    }

    #[test]
    fn a_learner_is_added_and_promoted() {
        let region = change_peers(&region(1), &[PeerChange::AddLearner(peer(2))]).unwrap();
        assert_eq!(roles(&region), [(1, PeerRole::Voter), (2, PeerRole::Learner)]);
        let promoted = change_peers(&region, &[PeerChange::AddVoter(peer(2))]).unwrap();
        assert_eq!(roles(&promoted), [(1, PeerRole::Voter), (2, PeerRole::Voter)]);
        assert_eq!(promoted.epoch.conf_ver, region.epoch.conf_ver + 1);
        let again = change_peers(&promoted, &[PeerChange::AddVoter(peer(2))]);
        assert_eq!(again, Err(ChangeError::Unchanged(peer(2))));
    }

    #[test]
    fn several_changes_go_through_a_joint_configuration() {
        let old = region(3);
        let changes = [PeerChange::AddVoter(peer(4)), PeerChange::AddLearner(peer(1))];
        let joint = change_peers(&old, &changes).unwrap();
        assert!(is_joint(&joint));
        let state = conf_state(&joint);
        assert_eq!(state.voters, [12, 13, 14]);
        assert_eq!(state.voters_outgoing, [11, 12, 13]);
        assert_eq!(state.learners_next, [11]);
        let refused = change_peers(&joint, &[PeerChange::Remove(peer(2))]);
        assert_eq!(refused, Err(ChangeError::Joint("under way")));
        let left = change_peers(&joint, &[]).unwrap();
        assert!(!is_joint(&left));
        assert_eq!(conf_state(&left).learners, [11]);
        assert_eq!(left.epoch.conf_ver, old.epoch.conf_ver + 4);
    }

    #[test]
    fn the_raft_crate_agrees_with_every_change() {
        use raft::{Config, RawNode, storage::MemStorage};
        let log = slog::Logger::root(slog::Discard, slog::o!());
        let mut region = region(3);
        let steps: Vec<Vec<PeerChange>> = vec![
            vec![PeerChange::AddLearner(peer(4))],
            vec![PeerChange::AddVoter(peer(4)), PeerChange::AddLearner(peer(2))],
            vec![],
            vec![PeerChange::Remove(peer(2))],
            vec![PeerChange::Remove(peer(3))],
        ];
        let storage = MemStorage::new_with_conf_state(conf_state(&region));
        let config = Config { id: 11, ..Config::default() };
        let mut node = RawNode::new(&config, storage, &log).unwrap();
        for changes in steps {
            region = change_peers(&region, &changes).unwrap();
            let theirs = node.apply_conf_change(&to_raft(&changes)).unwrap();
            assert!(raft::eraftpb::ConfState::default() != theirs);
            let ours = conf_state(&region);
            let sorted = |ids: &[u64]| {
                let mut ids = ids.to_vec();
                ids.sort_unstable();
                ids
            };
            assert_eq!(sorted(&ours.voters), sorted(&theirs.voters));
            assert_eq!(sorted(&ours.learners), sorted(&theirs.learners));
            assert_eq!(sorted(&ours.voters_outgoing), sorted(&theirs.voters_outgoing));
            assert_eq!(sorted(&ours.learners_next), sorted(&theirs.learners_next));
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let three = region(3);
        let other = Peer { id: PeerId(99), ..peer(2) };
        let refused = |changes: &[PeerChange]| change_peers(&three, changes).unwrap_err();
        assert_eq!(refused(&[PeerChange::AddVoter(other)]), ChangeError::StoreTaken(other));
        assert_eq!(refused(&[PeerChange::Remove(peer(7))]), ChangeError::NoSuchPeer(peer(7)));
        let changes = [PeerChange::AddVoter(peer(4)), PeerChange::Remove(peer(1))];
        assert_eq!(refused(&changes), ChangeError::RemovesVoter(peer(1)));
        let alone = change_peers(&region(1), &[PeerChange::Remove(peer(1))]);
        assert_eq!(alone, Err(ChangeError::NoVoter));
    }
}
