//! Raft messages, pieces of snapshots and waits for locks as other processes see them.

use protobuf::Message as _;
use raft::eraftpb::Message;

use super::transport::{RaftEnvelope, SnapshotChunk, SnapshotId};
use crate::common::{LogIndex, PeerId, RegionId, StoreId, Term, Timestamp};
use crate::storage::proto::kv_command as proto;
use crate::storage::proto::raft_serverpb;
use crate::storage::raft::{Doze, DozeKind};
use crate::storage::region::{Region, convert};
use crate::storage::txn::{SharedWaits, WaitEdge, WaitsShared};

/// A message that is not one. The sender speaks another version, or the link is broken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unreadable message: {0}")]
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
        doze: envelope.doze.map(encode_doze),
        disk_room: convert::room_to_proto(envelope.room).into(),
    }
}

/// A raft message out of its protocol form.
pub fn decode_envelope(message: raft_serverpb::RaftMessage) -> Result<RaftEnvelope, WireError> {
    let missing = |what: &str| WireError(format!("it has no {what}"));
    let room = convert::room_from_proto(message.disk_room());
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
        doze: message.doze.map(decode_doze).transpose()?,
        room,
    })
}

fn encode_doze(word: Doze) -> raft_serverpb::Doze {
    let kind = match word.kind {
        DozeKind::Ask => raft_serverpb::DozeKind::Ask,
        DozeKind::Agree => raft_serverpb::DozeKind::Agree,
        DozeKind::Sleep => raft_serverpb::DozeKind::Sleep,
    };
    raft_serverpb::Doze { kind: kind as i32, term: word.term.0, index: word.index.0 }
}

fn decode_doze(word: raft_serverpb::Doze) -> Result<Doze, WireError> {
    let kind = match word.kind() {
        raft_serverpb::DozeKind::Unspecified => {
            return Err(WireError("an unknown word about sleep".to_owned()));
        }
        raft_serverpb::DozeKind::Ask => DozeKind::Ask,
        raft_serverpb::DozeKind::Agree => DozeKind::Agree,
        raft_serverpb::DozeKind::Sleep => DozeKind::Sleep,
    };
    Ok(Doze { kind, term: Term(word.term), index: LogIndex(word.index) })
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

/// The protocol's form of a wait, of so many nanoseconds.
pub fn encode_edge(edge: WaitEdge, for_at_most: u64) -> proto::WaitForEntry {
    proto::WaitForEntry {
        txn: edge.waiter.0,
        wait_for_txn: edge.holder.0,
        key: edge.key.to_vec(),
        for_at_most_us: for_at_most / 1000,
    }
}

/// A wait out of its protocol form, and its nanoseconds.
pub fn decode_edge(entry: proto::WaitForEntry) -> (WaitEdge, u64) {
    let edge = WaitEdge {
        waiter: Timestamp(entry.txn),
        holder: Timestamp(entry.wait_for_txn),
        key: entry.key.into(),
    };
    (edge, entry.for_at_most_us.saturating_mul(1000))
}

/// The protocol's form of what a store tells of its waits.
pub fn encode_waits(waits: SharedWaits) -> proto::ShareWaits {
    let SharedWaits { from, account, all, ended, waits } = waits;
    let waits = waits.into_iter().map(|(edge, lasts)| encode_edge(edge, lasts)).collect();
    let ended = ended.into_iter().map(|edge| encode_edge(edge, 0)).collect();
    proto::ShareWaits { store_id: from.0, account, all, waits, ended }
}

/// What a store tells of its waits, out of its protocol form.
pub fn decode_waits(waits: proto::ShareWaits) -> SharedWaits {
    SharedWaits {
        from: StoreId(waits.store_id),
        account: waits.account,
        all: waits.all,
        ended: waits.ended.into_iter().map(|entry| decode_edge(entry).0).collect(),
        waits: waits.waits.into_iter().map(decode_edge).collect(),
    }
}

/// The protocol's form of what became of them.
pub fn encode_waits_shared(answer: WaitsShared) -> proto::WaitsShared {
    use proto::waits_shared::Outcome;
    let (outcome, victims) = match answer {
        WaitsShared::NotDetector => (Outcome::NotDetector, Vec::new()),
        WaitsShared::Unknown => (Outcome::Unknown, Vec::new()),
        WaitsShared::Taken { victims } => (Outcome::Taken, victims),
    };
    let victims = victims.into_iter().map(|edge| encode_edge(edge, 0)).collect();
    proto::WaitsShared { outcome: outcome.into(), victims }
}

/// What became of them, out of its protocol form.
pub fn decode_waits_shared(answer: proto::WaitsShared) -> Result<WaitsShared, WireError> {
    use proto::waits_shared::Outcome;
    let outcome = Outcome::try_from(answer.outcome)
        .map_err(|_| WireError(format!("it has the unknown outcome {}", answer.outcome)))?;
    Ok(match outcome {
        Outcome::NotDetector => WaitsShared::NotDetector,
        Outcome::Unknown => WaitsShared::Unknown,
        Outcome::Taken => {
            let victims = answer.victims.into_iter().map(|entry| decode_edge(entry).0);
            WaitsShared::Taken { victims: victims.collect() }
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::storage::engine::DiskRoom;
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
        RaftEnvelope {
            region,
            from: peer(3, 1),
            to: peer(4, 2),
            message,
            tombstone: false,
            doze: None,
            room: DiskRoom::Enough,
        }
    }

    #[test]
    fn messages_survive_the_wire() {
        let sent = envelope();
        let got = decode_envelope(encode_envelope(&sent)).unwrap();
        assert_eq!(format!("{got:?}"), format!("{sent:?}"));
        let word = Doze { kind: DozeKind::Agree, term: Term(7), index: LogIndex(9) };
        let tired = RaftEnvelope { doze: Some(word), ..envelope() };
        assert_eq!(decode_envelope(encode_envelope(&tired)).unwrap().doze, Some(word));
        for room in [DiskRoom::Enough, DiskRoom::AlmostFull, DiskRoom::Full] {
            let short = RaftEnvelope { room, ..envelope() };
            assert_eq!(decode_envelope(encode_envelope(&short)).unwrap().room, room);
        }
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

    fn edges() -> impl Strategy<Value = WaitEdge> {
        let key = proptest::collection::vec(any::<u8>(), 0..20);
        (any::<u64>(), any::<u64>(), key).prop_map(|(waiter, holder, key)| WaitEdge {
            waiter: Timestamp(waiter),
            holder: Timestamp(holder),
            key: key.into(),
        })
    }

    proptest! {
        #[test]
        fn waits_survive_the_wire(
            (from, account, all) in (any::<u64>(), any::<u64>(), any::<bool>()),
            waits in proptest::collection::vec((edges(), 0..u64::MAX / 1000), 0..5),
            ended in proptest::collection::vec(edges(), 0..5),
        ) {
            // In whole microseconds.
            let waits = waits.into_iter().map(|(edge, lasts)| (edge, lasts * 1000)).collect();
            let sent = SharedWaits { from: StoreId(from), account, all, ended, waits };
            prop_assert_eq!(decode_waits(encode_waits(sent.clone())), sent);
        }

        #[test]
        fn answers_survive_the_wire(victims in proptest::collection::vec(edges(), 0..5)) {
            for sent in [WaitsShared::NotDetector, WaitsShared::Unknown, WaitsShared::Taken { victims }] {
                prop_assert_eq!(decode_waits_shared(encode_waits_shared(sent.clone())), Ok(sent));
            }
        }
    }

    #[test]
    fn an_answer_of_another_version_is_refused() {
        let answer = proto::WaitsShared { outcome: 9, victims: Vec::new() };
        assert!(decode_waits_shared(answer).is_err());
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
