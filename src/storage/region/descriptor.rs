//! What a region is: its range, its version and its replicas.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::common::{PeerId, RegionId, StoreId};
use crate::storage::api::{RegionContext, RegionEpoch};

/// What a replica may do in its group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PeerRole {
    /// Votes and may lead.
    #[default]
    Voter,
    /// Receives the log and does not vote: a replica that is catching up.
    Learner,
    /// On its way to voter within a joint membership change: votes in the new configuration.
    IncomingVoter,
    /// On its way to learner within a joint membership change: votes in the old configuration.
    DemotingVoter,
}

impl PeerRole {
    /// Whether it votes, in one of the two configurations at least.
    pub fn votes(self) -> bool {
        !matches!(self, PeerRole::Learner)
    }

    /// Whether it belongs to a joint membership change that is under way.
    pub fn is_joint(self) -> bool {
        matches!(self, PeerRole::IncomingVoter | PeerRole::DemotingVoter)
    }
}

/// One replica of a region.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Peer {
    /// Its identity, never used again.
    pub id: PeerId,
    /// The store it lives on.
    pub store_id: StoreId,
    /// What it may do.
    pub role: PeerRole,
}

/// A contiguous range of encoded keys, replicated as one Raft group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Region {
    /// Its identity.
    pub id: RegionId,
    /// First encoded key; empty: from the beginning.
    #[serde(with = "hex_key")]
    pub start_key: Bytes,
    /// Past the last encoded key; empty: to the end.
    #[serde(with = "hex_key")]
    pub end_key: Bytes,
    /// The version of the range and of the peers.
    pub epoch: RegionEpoch,
    /// The replicas, in the order they were added.
    pub peers: Vec<Peer>,
}

impl Region {
    /// Whether an encoded key is in the region's range.
    pub fn contains(&self, encoded_key: &[u8]) -> bool {
        encoded_key >= &self.start_key[..]
            && (self.end_key.is_empty() || encoded_key < &self.end_key[..])
    }

    /// Whether two regions share a key.
    pub fn overlaps(&self, other: &Region) -> bool {
        let self_ends_before = !self.end_key.is_empty() && self.end_key <= other.start_key;
        let other_ends_before = !other.end_key.is_empty() && other.end_key <= self.start_key;
        !self_ends_before && !other_ends_before
    }

    /// The replica on a store.
    pub fn peer_on(&self, store_id: StoreId) -> Option<Peer> {
        self.peers.iter().find(|peer| peer.store_id == store_id).copied()
    }

    /// A replica by its identity.
    pub fn peer(&self, id: PeerId) -> Option<Peer> {
        self.peers.iter().find(|peer| peer.id == id).copied()
    }

    /// Whether the region is known. A replica that another store's message has made knows neither
    /// range nor peers until it gets a snapshot.
    pub fn is_initialized(&self) -> bool {
        !self.peers.is_empty()
    }

    /// Whether all keys of another region are in this one.
    pub fn covers(&self, other: &Region) -> bool {
        let end_fits =
            self.end_key.is_empty() || (!other.end_key.is_empty() && other.end_key <= self.end_key);
        self.start_key <= other.start_key && end_fits
    }

    /// What a request to this region carries, to be refused when the region has changed since.
    pub fn context(&self) -> RegionContext {
        RegionContext { region_id: self.id, epoch: self.epoch }
    }
}

/// Keys as hexadecimal text: keys are arbitrary bytes, and what is persisted as text stays readable.
mod hex_key {
    use bytes::Bytes;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(key: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{key:X}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Bytes, D::Error> {
        let text = String::deserialize(input)?;
        if text.len() % 2 != 0 || !text.is_ascii() {
            return Err(D::Error::custom("a key has two hexadecimal digits per byte"));
        }
        (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&text[at..at + 2], 16).map_err(D::Error::custom))
            .collect::<Result<Vec<u8>, _>>()
            .map(Bytes::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(start: &'static str, end: &'static str) -> Region {
        Region { start_key: start.into(), end_key: end.into(), ..Region::default() }
    }

    #[test]
    fn an_empty_end_is_no_bound() {
        assert!(region("", "").contains(b"anything"));
        assert!(region("b", "").contains(b"b"));
        assert!(!region("b", "").contains(b"a"));
        assert!(!region("b", "c").contains(b"c"));
    }

    #[test]
    fn neighbours_do_not_overlap() {
        assert!(!region("a", "b").overlaps(&region("b", "c")));
        assert!(!region("b", "").overlaps(&region("", "b")));
        assert!(region("a", "c").overlaps(&region("b", "")));
        assert!(region("", "").overlaps(&region("x", "y")));
    }

    #[test]
    fn keys_survive_text() {
        let mut original = region("", "");
        original.end_key = Bytes::from_static(&[0, 255, 16]);
        let text = serde_json::to_string(&original).unwrap();
        assert!(text.contains("\"00FF10\""), "{text}");
        assert_eq!(serde_json::from_str::<Region>(&text).unwrap(), original);
    }
}
