//! The apply step: from a committed log entry to changes of the engine.
//!
//! Every replica applies the same entries in the same order and must come to the same result. So
//! the only refusals here are those that follow from the log itself (the region's epoch as earlier
//! entries left it); whatever else goes wrong (an unreadable entry, an engine that fails) stops the
//! replica.

use super::bootstrap::put_new_region;
use super::entry::{self, MergeSource, RegionCommand, UnreadableEntry};
use super::membership::{PeerChange, change_peers};
use super::split::{Cut, split_region};
use super::state::{self, ApplyState, MergeState, PeerState};
use super::{Region, SplitOutcome, merge};
use crate::common::{LogIndex, PeerId, Term};
use crate::storage::api::{RegionContext, RegionError};
use crate::storage::codec::keys::{DATA_MAX, DATA_PREFIX};
use crate::storage::engine::{Cf, WriteBatch, WriteOp};

/// What an entry did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing but move the applied index: a new leader's first entry.
    Noop,
    /// Changed data.
    Written,
    /// Cut the region.
    Split(SplitOutcome),
    /// The log before and at this index may go once the applied state is durable.
    Compacted {
        /// The last entry to forget.
        index: LogIndex,
        /// Its term.
        term: Term,
    },
    /// Changed the replicas.
    PeersChanged(Region),
    /// The replica that applies is no longer one: nothing after this entry concerns it.
    Removed(Region),
    /// The region takes no more writes: it is about to become part of another.
    MergePrepared(Region, Box<MergeState>),
    /// Took over the range of another region.
    MergeCommitted {
        /// The region now.
        region: Region,
        /// The one that is no more.
        source: Region,
    },
    /// Goes on without having merged.
    MergeRolledBack(Region),
}

/// What became of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "nearly every entry is the large one")]
pub enum Step {
    /// It is applied.
    Applied(AppliedEntry),
    /// It takes over a region whose replica on this store must first be applied up to its own end:
    /// say so with [`ApplyCore::source_is_ready`], and apply the entry again.
    AwaitSource(Box<MergeSource>),
}

/// The result of one entry, the same on every replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedEntry {
    /// What it did, or why it is void.
    pub outcome: Result<Outcome, RegionError>,
    /// Bytes it added to the region, about.
    pub bytes: u64,
    /// Versions it added to the region.
    pub keys: u64,
}

/// A region as its applied log entries have left it.
#[derive(Clone, Debug)]
pub struct ApplyCore {
    region: Region,
    state: ApplyState,
    me: PeerId,
    merging: Option<MergeState>,
    /// The source of a merge, once it is applied up to its end.
    ready_source: Option<(crate::common::RegionId, LogIndex)>,
    removed: bool,
}

impl ApplyCore {
    /// Goes on from persisted state, for one of the region's replicas.
    pub fn new(region: Region, state: ApplyState, me: PeerId) -> ApplyCore {
        assert!(state.truncated <= state.applied, "only what is applied is compacted");
        ApplyCore { region, state, me, merging: None, ready_source: None, removed: false }
    }

    /// With a merge under way.
    pub fn merging(self, merging: Option<MergeState>) -> ApplyCore {
        ApplyCore { merging, ..self }
    }

    /// Whether the replica was removed: further entries are not its own any more.
    pub fn is_removed(&self) -> bool {
        self.removed
    }

    /// The source of a merge has been applied on this store up to `commit`.
    pub fn source_is_ready(&mut self, source: crate::common::RegionId, commit: LogIndex) {
        self.ready_source = Some((source, commit));
    }

    /// The region now.
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// How far it is.
    pub fn state(&self) -> &ApplyState {
        &self.state
    }

    /// Applies the next entry to `batch`. The caller adds the apply state once per batch with
    /// [`ApplyCore::put_state`]. An empty payload is a leader's first entry. Of a change of members the
    /// payload is the entry's context.
    pub fn apply(
        &mut self,
        index: LogIndex,
        payload: &[u8],
        batch: &mut WriteBatch,
    ) -> Result<Step, UnreadableEntry> {
        assert_eq!(index.0, self.state.applied.0 + 1, "entries are applied without gaps");
        assert!(!self.removed, "what comes after its removal is no entry of this replica");
        let applied = if payload.is_empty() {
            AppliedEntry { outcome: Ok(Outcome::Noop), bytes: 0, keys: 0 }
        } else {
            let (context, command) = entry::decode(self.region.id, index, payload)?;
            if let RegionCommand::CommitMerge(source) = &command
                && context.epoch == self.region.epoch
                && self.ready_source != Some((source.region.id, source.commit))
                && let RegionCommand::CommitMerge(source) = command
            {
                return Ok(Step::AwaitSource(source));
            }
            self.apply_command(index, context, command, batch)
        };
        self.state.applied = index;
        Ok(Step::Applied(applied))
    }

    /// Adds the apply state to the batch that carries the entries.
    pub fn put_state(&self, batch: &mut WriteBatch) {
        state::put_apply_state(batch, self.region.id, &self.state);
    }

    fn apply_command(
        &mut self,
        index: LogIndex,
        context: RegionContext,
        command: RegionCommand,
        batch: &mut WriteBatch,
    ) -> AppliedEntry {
        if let RegionCommand::Write(write) = command {
            return self.apply_write(context, write, batch);
        }
        let before = self.region.clone();
        let void = match &command {
            RegionCommand::CompactLog { .. } => false,
            _ if context.epoch != self.region.epoch => true,
            RegionCommand::RollbackMerge { .. } => self.merging.is_none(),
            _ => self.merging.is_some(),
        };
        let outcome = match command {
            _ if void => Err(RegionError::EpochNotMatch(self.region.id)),
            RegionCommand::Write(_) => unreachable!("writes are applied above"),
            RegionCommand::Split { cuts, right_derive } => {
                self.apply_split(&cuts, right_derive, batch)
            }
            RegionCommand::CompactLog { index, term } => Ok(self.apply_compact(index, term)),
            RegionCommand::ChangePeers { changes } => self.apply_change(&changes, batch),
            RegionCommand::PrepareMerge { min_index, target } => {
                Ok(self.apply_prepare(MergeState { min_index, target, commit: index }, batch))
            }
            RegionCommand::CommitMerge(source) => self.apply_merge(&source.region, batch),
            RegionCommand::RollbackMerge { commit } => self.apply_rollback(commit, batch),
        };
        assert_successor(&before, &self.region);
        AppliedEntry { outcome, bytes: 0, keys: 0 }
    }

    fn apply_write(
        &self,
        context: RegionContext,
        write: WriteBatch,
        batch: &mut WriteBatch,
    ) -> AppliedEntry {
        if context.epoch.version != self.region.epoch.version || self.merging.is_some() {
            let outcome = Err(RegionError::EpochNotMatch(self.region.id));
            return AppliedEntry { outcome, bytes: 0, keys: 0 };
        }
        assert_inside(&self.region, &write);
        let (bytes, keys) = growth(&write);
        batch.ops.extend(write.ops);
        AppliedEntry { outcome: Ok(Outcome::Written), bytes, keys }
    }

    fn apply_change(
        &mut self,
        changes: &[PeerChange],
        batch: &mut WriteBatch,
    ) -> Result<Outcome, RegionError> {
        let changed = change_peers(&self.region, changes)
            .map_err(|_| RegionError::StaleCommand(self.region.id))?;
        let Some(_) = changed.peer(self.me) else {
            // The tombstone remembers the replica that was here, so that no older message revives it.
            let mut tombstone = changed.clone();
            tombstone.peers.extend(self.region.peer(self.me));
            state::put_region(batch, &tombstone, PeerState::Tombstone { merged: false });
            self.removed = true;
            self.region = changed.clone();
            return Ok(Outcome::Removed(tombstone));
        };
        state::put_region(batch, &changed, PeerState::Normal);
        self.region = changed.clone();
        Ok(Outcome::PeersChanged(changed))
    }

    fn apply_prepare(&mut self, merge: MergeState, batch: &mut WriteBatch) -> Outcome {
        self.region = merge::prepared(&self.region);
        state::put_region(batch, &self.region, PeerState::Merging(merge.clone()));
        self.merging = Some(merge.clone());
        Outcome::MergePrepared(self.region.clone(), Box::new(merge))
    }

    fn apply_merge(
        &mut self,
        source: &Region,
        batch: &mut WriteBatch,
    ) -> Result<Outcome, RegionError> {
        let region = merge::merged(&self.region, source)
            .map_err(|_| RegionError::StaleCommand(self.region.id))?;
        state::put_region(batch, &region, PeerState::Normal);
        state::put_region(batch, source, PeerState::Tombstone { merged: true });
        state::delete_apply_state(batch, source.id);
        self.ready_source = None;
        self.region = region.clone();
        Ok(Outcome::MergeCommitted { region, source: source.clone() })
    }

    fn apply_rollback(
        &mut self,
        commit: LogIndex,
        batch: &mut WriteBatch,
    ) -> Result<Outcome, RegionError> {
        if self.merging.as_ref().is_none_or(|merge| merge.commit != commit) {
            return Err(RegionError::StaleCommand(self.region.id));
        }
        self.merging = None;
        self.region = merge::rolled_back(&self.region);
        state::put_region(batch, &self.region, PeerState::Normal);
        Ok(Outcome::MergeRolledBack(self.region.clone()))
    }

    fn apply_split(
        &mut self,
        cuts: &[Cut],
        right_derive: bool,
        batch: &mut WriteBatch,
    ) -> Result<Outcome, RegionError> {
        // The proposer checked the cuts against this very epoch; checking again keeps a faulty
        // proposer from harming the replicas.
        let outcome = split_region(&self.region, cuts, right_derive)
            .map_err(|_| RegionError::KeyNotInRegion(self.region.id))?;
        state::put_region(batch, &outcome.derived, PeerState::Normal);
        for region in &outcome.created {
            put_new_region(batch, region);
        }
        self.region = outcome.derived.clone();
        Ok(Outcome::Split(outcome))
    }

    fn apply_compact(&mut self, index: LogIndex, term: Term) -> Outcome {
        // Replicas that are behind in a merge get their entries from this log.
        let too_early = index > self.state.applied || self.merging.is_some();
        if index <= self.state.truncated || too_early {
            return Outcome::Noop;
        }
        self.state.truncated = index;
        self.state.truncated_term = term;
        Outcome::Compacted { index, term }
    }
}

/// A region's epoch only grows, and tells every change: whoever has seen the later one never takes the earlier for newer.
fn assert_successor(before: &Region, after: &Region) {
    let (old, new) = (before.epoch, after.epoch);
    let id = before.id;
    assert_eq!(after.id, id, "a region keeps its identity");
    let grows = new.version >= old.version && new.conf_ver >= old.conf_ver;
    assert!(grows, "the epoch of region {id} only grows: {old:?}, {new:?}");
    let same_range = (&before.start_key, &before.end_key) == (&after.start_key, &after.end_key);
    assert!(same_range || new.version > old.version, "region {id} has another range and says so");
    let same_peers = before.peers == after.peers;
    assert!(same_peers || new.conf_ver > old.conf_ver, "region {id} has other peers and says so");
}

/// What was proposed for this version of a region is in its range: the proposer has looked.
fn assert_inside(region: &Region, write: &WriteBatch) {
    let is_inside = |key: &[u8]| match key.split_first() {
        Some((&DATA_PREFIX, encoded)) => region.contains(encoded),
        _ => false,
    };
    let ends_inside = |end: &[u8]| match end.split_first() {
        _ if region.end_key.is_empty() => end <= DATA_MAX,
        Some((&DATA_PREFIX, encoded)) => encoded <= &region.end_key[..],
        _ => false,
    };
    let all = write.ops.iter().all(|op| match op {
        WriteOp::Put(_, key, _) | WriteOp::Delete(_, key) => is_inside(key),
        WriteOp::DeleteRange(_, start, end) => start >= end || is_inside(start) && ends_inside(end),
    });
    assert!(all, "a write of region {} is in its range", region.id);
}

/// Bytes and versions a write adds, about: deletions make room only when the engine compacts.
fn growth(write: &WriteBatch) -> (u64, u64) {
    let mut growth = (0, 0);
    for op in &write.ops {
        if let WriteOp::Put(cf, key, value) = op
            && *cf != Cf::Lock
        {
            growth.0 += (key.len() + value.len()) as u64;
            growth.1 += u64::from(*cf == Cf::Write);
        }
    }
    growth
}

#[cfg(test)]
mod tests {
    use super::super::bootstrap::first_region;
    use super::super::split::SplitIds;
    use super::super::{Peer, PeerRole};
    use super::*;
    use crate::common::{PeerId, RegionId, StoreId};

    fn core() -> ApplyCore {
        ApplyCore::new(
            first_region(RegionId(2), PeerId(3), StoreId(1)),
            ApplyState::initial(),
            PeerId(3),
        )
    }

    fn apply(
        core: &mut ApplyCore,
        index: u64,
        data: &[u8],
        batch: &mut WriteBatch,
    ) -> AppliedEntry {
        match core.apply(LogIndex(index), data, batch).unwrap() {
            Step::Applied(applied) => applied,
            Step::AwaitSource(source) => panic!("waits for {source:?}"),
        }
    }

    fn put(key: &[u8]) -> RegionCommand {
        let mut batch = WriteBatch::new();
        batch.put(Cf::Write, [b"z", key].concat(), *b"v");
        RegionCommand::Write(batch)
    }

    fn split(key: &'static str) -> RegionCommand {
        let ids = SplitIds { region_id: RegionId(10), peer_ids: vec![PeerId(11)] };
        RegionCommand::Split { cuts: vec![Cut { key: key.into(), ids }], right_derive: true }
    }

    #[test]
    fn a_write_of_an_older_version_is_void() {
        let mut core = core();
        let old = core.region().context();
        let mut batch = WriteBatch::new();
        let data = entry::encode(old, split("m"));
        let applied = apply(&mut core, 6, &data, &mut batch);
        assert!(matches!(applied.outcome, Ok(Outcome::Split(_))));
        assert_eq!(core.region().start_key, "m");
        let before = batch.clone();
        let data = entry::encode(old, put(b"a"));
        let applied = apply(&mut core, 7, &data, &mut batch);
        assert_eq!(applied.outcome, Err(RegionError::EpochNotMatch(RegionId(2))));
        assert_eq!(batch, before, "a void entry writes nothing");
        assert_eq!(core.state().applied, LogIndex(7), "but it is applied");
    }

    #[test]
    fn writes_and_noops_move_the_applied_index() {
        let mut core = core();
        let mut batch = WriteBatch::new();
        assert_eq!(apply(&mut core, 6, b"", &mut batch).outcome, Ok(Outcome::Noop));
        let data = entry::encode(core.region().context(), put(b"k"));
        let applied = apply(&mut core, 7, &data, &mut batch);
        assert_eq!((applied.bytes, applied.keys), (3, 1));
        core.put_state(&mut batch);
        assert_eq!(batch.ops.len(), 2);
    }

    #[test]
    fn the_log_is_cut_only_behind_the_applied_index() {
        let mut core = core();
        let mut batch = WriteBatch::new();
        apply(&mut core, 6, b"", &mut batch);
        let compact = |index| RegionCommand::CompactLog { index: LogIndex(index), term: Term(6) };
        let context = core.region().context();
        let data = entry::encode(context, compact(7));
        let applied = apply(&mut core, 7, &data, &mut batch);
        assert_eq!(applied.outcome, Ok(Outcome::Noop), "7 was not applied yet");
        let data = entry::encode(context, compact(6));
        apply(&mut core, 8, &data, &mut batch);
        assert_eq!(core.state().truncated, LogIndex(6));
    }

    fn other(id: u64) -> Peer {
        Peer { id: PeerId(10 + id), store_id: StoreId(id), role: PeerRole::Voter }
    }

    #[test]
    fn a_replica_that_is_removed_leaves_a_tombstone_and_hears_no_more() {
        let mut core = core();
        let mut batch = WriteBatch::new();
        let add = RegionCommand::ChangePeers { changes: vec![PeerChange::AddVoter(other(2))] };
        let data = entry::encode(core.region().context(), add);
        assert!(matches!(
            apply(&mut core, 6, &data, &mut batch).outcome,
            Ok(Outcome::PeersChanged(_))
        ));
        assert_eq!(core.region().epoch.conf_ver, 2);
        let me = core.region().peers[0];
        let remove = RegionCommand::ChangePeers { changes: vec![PeerChange::Remove(me)] };
        let data = entry::encode(core.region().context(), remove);
        let applied = apply(&mut core, 7, &data, &mut batch);
        let Ok(Outcome::Removed(tombstone)) = applied.outcome else { panic!("{applied:?}") };
        assert!(tombstone.peer(me.id).is_some(), "it remembers who was here");
        assert!(core.is_removed());
    }

    #[test]
    fn a_change_for_another_epoch_is_void() {
        let mut core = core();
        let mut batch = WriteBatch::new();
        let old = core.region().context();
        let add =
            |id| RegionCommand::ChangePeers { changes: vec![PeerChange::AddVoter(other(id))] };
        let data = entry::encode(old, add(2));
        apply(&mut core, 6, &data, &mut batch);
        let data = entry::encode(old, add(4));
        assert!(apply(&mut core, 7, &data, &mut batch).outcome.is_err());
        assert_eq!(core.region().peers.len(), 2);
    }

    #[test]
    fn a_merge_joins_two_ranges_once_the_source_is_ready() {
        let mut source = core();
        let mut batch = WriteBatch::new();
        let data = entry::encode(source.region().context(), split("m"));
        let Ok(Outcome::Split(outcome)) = apply(&mut source, 6, &data, &mut batch).outcome else {
            panic!("it was split")
        };
        let target_region = outcome.created[0].clone();
        let mut target = ApplyCore::new(target_region.clone(), ApplyState::initial(), PeerId(11));
        let min_index = LogIndex(7);
        let prepare = RegionCommand::PrepareMerge { min_index, target: target_region.clone() };
        let data = entry::encode(source.region().context(), prepare);
        let applied = apply(&mut source, 7, &data, &mut batch);
        let Ok(Outcome::MergePrepared(prepared, _)) = applied.outcome else {
            panic!("{applied:?}")
        };
        let data = entry::encode(prepared.context(), put(b"n"));
        assert!(apply(&mut source, 8, &data, &mut batch).outcome.is_err(), "no more writes");

        let merge = MergeSource {
            region: prepared,
            commit: LogIndex(7),
            entries: Vec::new(),
            before_term: Term(6),
        };
        let commit = RegionCommand::CommitMerge(Box::new(merge));
        let data = entry::encode(target_region.context(), commit);
        let waits = target.apply(LogIndex(6), &data, &mut batch).unwrap();
        assert!(matches!(waits, Step::AwaitSource(_)));
        target.source_is_ready(RegionId(2), LogIndex(7));
        let applied = apply(&mut target, 6, &data, &mut batch);
        assert!(matches!(applied.outcome, Ok(Outcome::MergeCommitted { .. })), "{applied:?}");
        assert_eq!(target.region().start_key, "");
        assert_eq!(target.region().end_key, "");
    }

    #[test]
    fn a_merge_that_is_rolled_back_lets_writes_in_again() {
        let mut core = core();
        let mut batch = WriteBatch::new();
        let target = first_region(RegionId(9), PeerId(10), StoreId(1));
        let prepare = RegionCommand::PrepareMerge { min_index: LogIndex(6), target };
        let data = entry::encode(core.region().context(), prepare);
        apply(&mut core, 6, &data, &mut batch);
        let rollback = RegionCommand::RollbackMerge { commit: LogIndex(6) };
        let data = entry::encode(core.region().context(), rollback);
        let applied = apply(&mut core, 7, &data, &mut batch);
        assert!(matches!(applied.outcome, Ok(Outcome::MergeRolledBack(_))), "{applied:?}");
        let data = entry::encode(core.region().context(), put(b"k"));
        assert_eq!(apply(&mut core, 8, &data, &mut batch).outcome, Ok(Outcome::Written));
    }
}
