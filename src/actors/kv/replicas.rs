//! Which replica is asked for a read.

use crate::common::StoreId;
use crate::sql::kv::ReadFrom;
use crate::storage::region::{Peer, PeerRole};
use crate::storage::routing::RegionRoute;

/// The replica to ask instead of the leader; `None`: the leader. `here` is the store of this process, `turn` grows with
/// every question.
pub(super) fn choose(
    from: ReadFrom,
    route: &RegionRoute,
    here: Option<StoreId>,
    turn: usize,
) -> Option<Peer> {
    // Whoever is asked must ask the leader: as long as nobody knows one, the usual way finds it.
    let leader = route.leader?;
    let voters = route.region.peers.iter().filter(|peer| peer.role == PeerRole::Voter);
    let others = || voters.clone().filter(|peer| peer.id != leader.id);
    let near = || others().find(|peer| Some(peer.store_id) == here);
    let peer = match from {
        ReadFrom::Leader => None,
        ReadFrom::Closest => near(),
        ReadFrom::Followers => {
            near().or_else(|| others().nth(turn.checked_rem(others().count()).unwrap_or(0)))
        }
        ReadFrom::All => voters.clone().nth(turn.checked_rem(voters.count()).unwrap_or(0)),
    };
    peer.filter(|peer| peer.id != leader.id).copied()
}

/// Whether the route knows as many replicas as there may be for the asking; if not, there may be more by now.
pub(super) fn may_be_all(from: ReadFrom, route: &RegionRoute, here: Option<StoreId>) -> bool {
    let mut voters = route.region.peers.iter().filter(|peer| peer.role == PeerRole::Voter);
    match (from, here) {
        (ReadFrom::Leader, _) | (ReadFrom::Closest, None) => true,
        (ReadFrom::Closest, Some(here)) => voters.any(|peer| peer.store_id == here),
        (ReadFrom::Followers | ReadFrom::All, _) => voters.count() > 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::common::PeerId;
    use crate::storage::region::Region;

    fn peer(id: u64, role: PeerRole) -> Peer {
        Peer { id: PeerId(id), store_id: StoreId(id), role }
    }

    fn route(leader: Option<u64>) -> RegionRoute {
        let mut peers: Vec<Peer> = (1..=3).map(|id| peer(id, PeerRole::Voter)).collect();
        peers.push(peer(4, PeerRole::Learner));
        let region = Region { peers, ..Region::default() };
        RegionRoute { region, leader: leader.map(|id| peer(id, PeerRole::Voter)) }
    }

    fn asked(from: ReadFrom, leader: Option<u64>, here: Option<u64>) -> Vec<Option<u64>> {
        let choose = |turn| choose(from, &route(leader), here.map(StoreId), turn);
        (0..4).map(|turn| choose(turn).map(|peer| peer.id.0)).collect()
    }

    #[test]
    fn each_way_asks_its_replicas() {
        assert_eq!(asked(ReadFrom::Leader, Some(1), Some(2)), [None; 4]);
        assert_eq!(asked(ReadFrom::Closest, Some(1), Some(2)), [Some(2); 4]);
        assert_eq!(asked(ReadFrom::Closest, Some(1), Some(1)), [None; 4]);
        assert_eq!(asked(ReadFrom::Closest, Some(1), None), [None; 4]);
        assert_eq!(asked(ReadFrom::Followers, Some(1), Some(3)), [Some(3); 4]);
        let in_turn = [Some(2), Some(3), Some(2), Some(3)];
        assert_eq!(asked(ReadFrom::Followers, Some(1), Some(4)), in_turn, "a learner is not asked");
        assert_eq!(asked(ReadFrom::All, Some(2), None), [Some(1), None, Some(3), Some(1)]);
        assert_eq!(asked(ReadFrom::Followers, None, Some(3)), [None; 4], "no leader is known");
    }

    #[test]
    fn a_lone_leader_is_asked_itself() {
        let region = Region { peers: vec![peer(1, PeerRole::Voter)], ..Region::default() };
        let route = RegionRoute { region, leader: Some(peer(1, PeerRole::Voter)) };
        for from in [ReadFrom::Followers, ReadFrom::All, ReadFrom::Closest] {
            assert_eq!(choose(from, &route, Some(StoreId(1)), 7), None);
        }
        assert!(!may_be_all(ReadFrom::Followers, &route, None), "it may have others by now");
        assert!(!may_be_all(ReadFrom::Closest, &route, Some(StoreId(2))));
        assert!(may_be_all(ReadFrom::Closest, &route, Some(StoreId(1))));
        assert!(may_be_all(ReadFrom::Closest, &route, None));
    }
}
