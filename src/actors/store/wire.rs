//! Raft messages and pieces of snapshots as other processes see them.

use protobuf::Message as _;
use raft::eraftpb::Message;

use super::transport::{RaftEnvelope, SnapshotChunk, SnapshotId};
use crate::common::{LogIndex, PeerId, RegionId, StoreId, Term};
use crate::storage::proto::raft_serverpb;
use crate::storage::region::{Region, convert};

/// A message that is not one. The sender speaks another version, or the link is broken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unreadable raft message: {0}")]
pub struct WireError(String);

/// The protocol's form of a raft message.
pub fn encode_envelope(envelope: &RaftEnvelope) -> raft_serverpb::RaftMessage {
    let message =
        envelope.message.write_to_bytes().expect("a vector has room, and every field is optional");
    raft_serverpb::RaftMessage {
        region_id: envelope.region.id.0,
        from_peer: Some(convert::peer_to_proto(envelope.from)),
        to_peer: Some(convert::peer_to_proto(envelope.to)),
        message,
        region_epoch: Some(convert::epoch_to_proto(envelope.region.epoch)),
        is_tombstone: envelope.tombstone,
        start_key: envelope.region.start_key.to_vec(),
        end_key: envelope.region.end_key.to_vec(),
    }
}

/// A raft message out of its protocol form.
pub fn decode_envelope(message: raft_serverpb::RaftMessage) -> Result<RaftEnvelope, WireError> {
    let missing = |what: &str| WireError(format!("it has no {what}"));
    let from = message.from_peer.ok_or_else(|| missing("sender"))?;
    let to = message.to_peer.ok_or_else(|| missing("receiver"))?;
    let region = Region {
        id: RegionId(message.region_id),
        start_key: message.start_key.into(),
        end_key: message.end_key.into(),
        epoch: convert::epoch_from_proto(message.region_epoch.unwrap_or_default()),
        peers: Vec::new(),
    };
    let body = Message::parse_from_bytes(&message.message)
        .map_err(|error| WireError(error.to_string()))?;
    Ok(RaftEnvelope {
        region,
        from: convert::peer_from_proto(from),
        to: convert::peer_from_proto(to),
        message: body,
        tombstone: message.is_tombstone,
    })
}

/// The protocol's form of a piece of a snapshot.
pub fn encode_chunk(chunk: &SnapshotChunk) -> raft_serverpb::SnapshotChunk {
    raft_serverpb::SnapshotChunk {
        message: chunk.announcement.as_deref().map(encode_envelope),
        data: chunk.data.to_vec(),
        region_id: chunk.id.region_id.0,
        from_peer_id: chunk.id.from.0,
        to_peer_id: chunk.id.to.0,
        to_store_id: chunk.to_store.0,
        term: chunk.id.term.0,
        index: chunk.id.index.0,
        offset: chunk.offset,
    }
}

/// A piece of a snapshot out of its protocol form.
pub fn decode_chunk(chunk: raft_serverpb::SnapshotChunk) -> Result<SnapshotChunk, WireError> {
    let announcement = chunk.message.map(decode_envelope).transpose()?;
    Ok(SnapshotChunk {
        to_store: StoreId(chunk.to_store_id),
        id: SnapshotId {
            region_id: RegionId(chunk.region_id),
            from: PeerId(chunk.from_peer_id),
            to: PeerId(chunk.to_peer_id),
            term: Term(chunk.term),
            index: LogIndex(chunk.index),
        },
        announcement: announcement.map(Box::new),
        offset: chunk.offset,
        data: chunk.data.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::region::Peer;
    use crate::storage::txn::RegionEpoch;

    fn envelope() -> RaftEnvelope {
        let peer = |id, store| Peer { id: PeerId(id), store_id: StoreId(store), ..Peer::default() };
        let message = Message { from: 3, to: 4, term: 7, ..Default::default() };
        let region = Region {
            id: RegionId(2),
            start_key: "a".into(),
            end_key: "b".into(),
            epoch: RegionEpoch { conf_ver: 5, version: 6 },
            peers: Vec::new(),
        };
        RaftEnvelope { region, from: peer(3, 1), to: peer(4, 2), message, tombstone: false }
    }

    #[test]
    fn messages_survive_the_wire() {
        let sent = envelope();
        let got = decode_envelope(encode_envelope(&sent)).unwrap();
        assert_eq!(format!("{got:?}"), format!("{sent:?}"));
        let tombstone = RaftEnvelope { tombstone: true, ..envelope() };
        assert!(decode_envelope(encode_envelope(&tombstone)).unwrap().tombstone);
    }

    #[test]
    fn chunks_survive_the_wire() {
        let id = SnapshotId {
            region_id: RegionId(2),
            from: PeerId(3),
            to: PeerId(4),
            term: Term(7),
            index: LogIndex(99),
        };
        let chunk = SnapshotChunk {
            to_store: StoreId(2),
            id,
            announcement: Some(Box::new(envelope())),
            offset: 0,
            data: "bytes".into(),
        };
        let got = decode_chunk(encode_chunk(&chunk)).unwrap();
        assert_eq!(format!("{got:?}"), format!("{chunk:?}"));
    }

    #[test]
    fn half_a_message_is_refused() {
        let mut sent = encode_envelope(&envelope());
        sent.to_peer = None;
        assert!(decode_envelope(sent).is_err());
        let mut sent = encode_envelope(&envelope());
        sent.message = vec![0xff];
        assert!(decode_envelope(sent).is_err());
    }
}
