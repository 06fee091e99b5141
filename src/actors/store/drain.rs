//! Before a store stops: others lead its regions, so that nobody waits for an election.

use std::time::Duration;

use futures::stream::{self, StreamExt};
use tracing::{debug, info};

use super::open::StoreNode;
use super::router::RegionStatus;
use super::store::SayGoodbye;
use crate::common::PeerId;
use crate::storage::region::PeerRole;

/// How long the placement driver may take to hear of it; if it does not, the store hands over all the same.
const GOODBYE_DEADLINE: Duration = Duration::from_secs(1);
/// Regions handed over at the same time.
const AT_ONCE: usize = 32;

impl StoreNode {
    /// Hands the leadership of every region to another replica, as far as that can be done within `deadline`. Clients go
    /// on, and keep their locks: they are handed over too.
    pub async fn hand_over(&self, deadline: Duration) {
        // First of all, or the placement driver would hand back what is handed over here.
        if let Err(error) = self.actor.ask(SayGoodbye, deadline.min(GOODBYE_DEADLINE)).await {
            debug!(%error, "failed to say goodbye");
        }
        let statuses = self.router.statuses();
        let led =
            statuses.into_iter().filter(|status| status.is_leader() && !heirs(status).is_empty());
        let handed_over = stream::iter(led)
            .map(|status| self.hand_over_region(status, deadline))
            .buffer_unordered(AT_ONCE)
            .filter(|handed_over| std::future::ready(*handed_over))
            .count();
        match tokio::time::timeout(deadline, handed_over).await {
            Ok(0) => {}
            Ok(regions) => info!(regions, "others lead the regions of this store"),
            Err(_) => info!("not all regions were handed over in time"),
        }
    }

    async fn hand_over_region(&self, status: RegionStatus, deadline: Duration) -> bool {
        let region_id = status.region.id;
        for heir in heirs(&status) {
            match self.router.transfer_leader(region_id, heir, deadline).await {
                Ok(()) => return true,
                Err(error) => {
                    debug!(%error, %region_id, peer_id = %heir, "failed to hand a region over")
                }
            }
        }
        false
    }
}

/// Who may lead instead, those first that are not known to lag. Regions take turns in whom they prefer, so that not all
/// go to one store.
fn heirs(status: &RegionStatus) -> Vec<PeerId> {
    let is_heir = |peer: &&crate::storage::region::Peer| {
        peer.id != status.peer.id
            && peer.role == PeerRole::Voter
            && !status.down_peers.contains(peer)
    };
    let mut heirs: Vec<PeerId> =
        status.region.peers.iter().filter(is_heir).map(|peer| peer.id).collect();
    let turn = usize::try_from(status.region.id.0).unwrap_or(0);
    if !heirs.is_empty() {
        let places = turn % heirs.len();
        heirs.rotate_left(places);
    }
    heirs
}
