//! What a region's log entries carry: a command, and the state of the region it was proposed for.

use prost::Message;

use super::membership::PeerChange;
use super::split::{Cut, SplitIds};
use super::{Region, convert};
use crate::common::{LogIndex, PeerId, RegionId, Term};
use crate::storage::api::RegionContext;
use crate::storage::codec::keys::DATA_PREFIX;
use crate::storage::engine::{Cf, WriteBatch, WriteOp};
use crate::storage::proto::raft_entry::{
    self as wire, ColumnFamily, OpKind, Split, SplitRequest, entry,
};

/// What a log entry tells every replica to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegionCommand {
    /// Changes data. Keys carry the data prefix, as the engine has them.
    Write(WriteBatch),
    /// Cuts the region.
    Split {
        /// Where, and who the new regions are.
        cuts: Vec<Cut>,
        /// The old region keeps the rightmost part.
        right_derive: bool,
    },
    /// Forgets the log before an index.
    CompactLog {
        /// The last entry to forget.
        index: LogIndex,
        /// Its term.
        term: Term,
    },
    /// Changes the replicas; stands in the context of a conf-change entry. No changes: leaves a
    /// joint configuration.
    ChangePeers {
        /// Who.
        changes: Vec<PeerChange>,
    },
    /// Begins to merge this region into another: no more writes.
    PrepareMerge {
        /// The first index some replica may lack.
        min_index: LogIndex,
        /// The region to merge into.
        target: Region,
    },
    /// Takes over the range of a region that has prepared for it.
    CommitMerge(Box<MergeSource>),
    /// Goes on without having merged.
    RollbackMerge {
        /// The index of the entry that is taken back.
        commit: LogIndex,
    },
}

/// A region that is merged into another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MergeSource {
    /// The region as its PrepareMerge has left it.
    pub region: Region,
    /// The index of the PrepareMerge.
    pub commit: LogIndex,
    /// The entries up to it that some replica may lack, encoded.
    pub entries: Vec<Vec<u8>>,
    /// The term of the entry before the first of these.
    pub before_term: Term,
}

/// An entry's payload is not one this version wrote: the log is corrupt, and the replica must stop.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("log entry {index} of region {region_id} is unreadable: {reason}")]
pub struct UnreadableEntry {
    /// The region.
    pub region_id: RegionId,
    /// The entry.
    pub index: LogIndex,
    /// What is wrong with it.
    pub reason: String,
}

/// The bytes of an entry that proposes `command` for the region as `context` describes it.
pub fn encode(context: RegionContext, command: RegionCommand) -> Vec<u8> {
    let command = match command {
        RegionCommand::Write(batch) => entry::Command::Write(wire::Write {
            ops: batch.ops.into_iter().map(encode_op).collect(),
        }),
        RegionCommand::Split { cuts, right_derive } => entry::Command::Split(Split {
            requests: cuts.into_iter().map(encode_cut).collect(),
            right_derive,
        }),
        RegionCommand::CompactLog { index, term } => entry::Command::CompactLog(wire::CompactLog {
            compact_index: index.0 + 1,
            compact_term: term.0,
        }),
        RegionCommand::ChangePeers { changes } => entry::Command::ChangePeers(wire::ChangePeers {
            changes: changes.into_iter().map(encode_change).collect(),
        }),
        RegionCommand::PrepareMerge { min_index, target } => {
            entry::Command::PrepareMerge(wire::PrepareMerge {
                min_index: min_index.0,
                target: Some(convert::region_to_proto(&target)),
            })
        }
        RegionCommand::CommitMerge(source) => entry::Command::CommitMerge(wire::CommitMerge {
            source: Some(convert::region_to_proto(&source.region)),
            commit: source.commit.0,
            entries: source.entries,
            before_term: source.before_term.0,
        }),
        RegionCommand::RollbackMerge { commit } => {
            entry::Command::RollbackMerge(wire::RollbackMerge { commit: commit.0 })
        }
    };
    let header = wire::Header {
        region_id: context.region_id.0,
        epoch: Some(convert::epoch_to_proto(context.epoch)),
        term: 0,
    };
    wire::Entry { header: Some(header), command: Some(command) }.encode_to_vec()
}

/// Reads an entry's payload back.
pub fn decode(
    region_id: RegionId,
    index: LogIndex,
    data: &[u8],
) -> Result<(RegionContext, RegionCommand), UnreadableEntry> {
    let unreadable = |reason: String| UnreadableEntry { region_id, index, reason };
    let entry = wire::Entry::decode(data).map_err(|error| unreadable(error.to_string()))?;
    let header = entry.header.ok_or_else(|| unreadable("it has no header".to_owned()))?;
    if header.region_id != region_id.0 {
        return Err(unreadable(format!("it belongs to region {}", header.region_id)));
    }
    let epoch = convert::epoch_from_proto(header.epoch.unwrap_or_default());
    let command = match entry.command {
        Some(entry::Command::Write(write)) => {
            let ops = write.ops.into_iter().map(decode_op).collect::<Result<_, _>>();
            RegionCommand::Write(WriteBatch { ops: ops.map_err(unreadable)? })
        }
        Some(entry::Command::Split(split)) => RegionCommand::Split {
            cuts: split.requests.into_iter().map(decode_cut).collect(),
            right_derive: split.right_derive,
        },
        Some(entry::Command::CompactLog(compact)) => RegionCommand::CompactLog {
            index: LogIndex(compact.compact_index.saturating_sub(1)),
            term: Term(compact.compact_term),
        },
        Some(entry::Command::ChangePeers(change)) => {
            let changes = change.changes.into_iter().map(decode_change).collect::<Result<_, _>>();
            RegionCommand::ChangePeers { changes: changes.map_err(unreadable)? }
        }
        Some(entry::Command::PrepareMerge(prepare)) => RegionCommand::PrepareMerge {
            min_index: LogIndex(prepare.min_index),
            target: decode_region(prepare.target).map_err(unreadable)?,
        },
        Some(entry::Command::CommitMerge(commit)) => {
            RegionCommand::CommitMerge(Box::new(MergeSource {
                region: decode_region(commit.source).map_err(unreadable)?,
                commit: LogIndex(commit.commit),
                entries: commit.entries,
                before_term: Term(commit.before_term),
            }))
        }
        Some(entry::Command::RollbackMerge(rollback)) => {
            RegionCommand::RollbackMerge { commit: LogIndex(rollback.commit) }
        }
        other => return Err(unreadable(format!("its command is {other:?}"))),
    };
    Ok((RegionContext { region_id, epoch }, command))
}

fn encode_op(op: WriteOp) -> wire::Op {
    let (kind, cf, mut key, mut value) = match op {
        WriteOp::Put(cf, key, value) => (OpKind::Put, cf, key, value),
        WriteOp::Delete(cf, key) => (OpKind::Delete, cf, key, Vec::new()),
        WriteOp::DeleteRange(cf, start, end) => (OpKind::DeleteRange, cf, start, end),
    };
    strip_prefix(&mut key);
    if kind == OpKind::DeleteRange {
        strip_prefix(&mut value);
    }
    let cf = match cf {
        Cf::Default => ColumnFamily::Default,
        Cf::Lock => ColumnFamily::Lock,
        Cf::Write => ColumnFamily::Write,
        Cf::Raft => unreachable!("commands write user data only"),
    };
    wire::Op { kind: kind as i32, cf: cf as i32, key, value }
}

fn decode_op(op: wire::Op) -> Result<WriteOp, String> {
    let kind = OpKind::try_from(op.kind).map_err(|error| error.to_string())?;
    let cf = match ColumnFamily::try_from(op.cf).map_err(|error| error.to_string())? {
        ColumnFamily::Default => Cf::Default,
        ColumnFamily::Lock => Cf::Lock,
        ColumnFamily::Write => Cf::Write,
    };
    let key = with_prefix(op.key);
    Ok(match kind {
        OpKind::Put => WriteOp::Put(cf, key, op.value),
        OpKind::Delete => WriteOp::Delete(cf, key),
        OpKind::DeleteRange => WriteOp::DeleteRange(cf, key, with_prefix(op.value)),
    })
}

/// Takes the data prefix off in place: the log keeps keys as regions count them.
fn strip_prefix(key: &mut Vec<u8>) {
    assert_eq!(key.first(), Some(&DATA_PREFIX), "commands write under the data prefix");
    key.remove(0);
}

fn with_prefix(mut key: Vec<u8>) -> Vec<u8> {
    key.insert(0, DATA_PREFIX);
    key
}

fn decode_region(region: Option<crate::storage::proto::metapb::Region>) -> Result<Region, String> {
    region.map(convert::region_from_proto).ok_or_else(|| "it names no region".to_owned())
}

fn encode_change(change: PeerChange) -> wire::ChangePeer {
    let kind = match change {
        PeerChange::AddVoter(_) => wire::ChangePeerType::AddVoter,
        PeerChange::AddLearner(_) => wire::ChangePeerType::AddLearner,
        PeerChange::Remove(_) => wire::ChangePeerType::Remove,
    };
    let peer = Some(convert::peer_to_proto(change.peer()));
    wire::ChangePeer { change_type: kind as i32, peer }
}

fn decode_change(change: wire::ChangePeer) -> Result<PeerChange, String> {
    let kind = wire::ChangePeerType::try_from(change.change_type).map_err(|e| e.to_string())?;
    let peer = change.peer.map(convert::peer_from_proto).ok_or("a change has no peer")?;
    Ok(match kind {
        wire::ChangePeerType::AddVoter => PeerChange::AddVoter(peer),
        wire::ChangePeerType::AddLearner => PeerChange::AddLearner(peer),
        wire::ChangePeerType::Remove => PeerChange::Remove(peer),
    })
}

fn encode_cut(cut: Cut) -> SplitRequest {
    SplitRequest {
        split_key: cut.key.into(),
        new_region_id: cut.ids.region_id.0,
        new_peer_ids: cut.ids.peer_ids.into_iter().map(|id| id.0).collect(),
    }
}

fn decode_cut(request: SplitRequest) -> Cut {
    Cut {
        key: request.split_key.into(),
        ids: SplitIds {
            region_id: RegionId(request.new_region_id),
            peer_ids: request.new_peer_ids.into_iter().map(PeerId).collect(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::bootstrap::first_region;
    use super::super::{Peer, PeerRole};
    use super::*;
    use crate::common::StoreId;
    use crate::storage::api::RegionEpoch;

    fn round_trip(command: RegionCommand) {
        let context = RegionContext {
            region_id: RegionId(7),
            epoch: RegionEpoch { conf_ver: 1, version: 4 },
        };
        let data = encode(context, command.clone());
        assert_eq!(decode(RegionId(7), LogIndex(9), &data), Ok((context, command)));
    }

    #[test]
    fn commands_survive_the_log() {
        let mut batch = WriteBatch::new();
        batch.put(Cf::Default, *b"zkey", *b"value");
        batch.delete(Cf::Lock, *b"zkey");
        batch.delete_range(Cf::Write, *b"za", *b"zb");
        round_trip(RegionCommand::Write(batch));
        let ids = SplitIds { region_id: RegionId(8), peer_ids: vec![PeerId(9)] };
        let cuts = vec![Cut { key: "m".into(), ids }];
        round_trip(RegionCommand::Split { cuts, right_derive: true });
        round_trip(RegionCommand::CompactLog { index: LogIndex(100), term: Term(6) });
        let peer = Peer { id: PeerId(9), store_id: StoreId(2), role: PeerRole::Learner };
        let changes = vec![PeerChange::AddLearner(peer), PeerChange::Remove(peer)];
        round_trip(RegionCommand::ChangePeers { changes });
        let target = first_region(RegionId(8), PeerId(9), StoreId(1));
        let region = target.clone();
        round_trip(RegionCommand::PrepareMerge { min_index: LogIndex(7), target });
        let source = MergeSource {
            region,
            commit: LogIndex(12),
            entries: vec![b"an entry".to_vec()],
            before_term: Term(6),
        };
        round_trip(RegionCommand::CommitMerge(Box::new(source)));
        round_trip(RegionCommand::RollbackMerge { commit: LogIndex(12) });
    }

    #[test]
    fn foreign_entries_are_refused() {
        let context = RegionContext { region_id: RegionId(1), ..RegionContext::default() };
        let data = encode(context, RegionCommand::Write(WriteBatch::new()));
        let error = decode(RegionId(2), LogIndex(9), &data).unwrap_err();
        assert!(error.to_string().contains("belongs to region 1"), "{error}");
        assert!(decode(RegionId(2), LogIndex(9), b"\xff\xff").is_err());
    }
}
