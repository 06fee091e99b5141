//! The apply step: from a committed log entry to changes of the engine.
//!
//! Every replica applies the same entries in the same order and must come to the same result. So
//! the only refusals here are those that follow from the log itself (the region's epoch as earlier
//! entries left it); whatever else goes wrong (an unreadable entry, an engine that fails) stops the
//! replica.

use super::bootstrap::put_new_region;
use super::entry::{self, RegionCommand, UnreadableEntry};
use super::split::{Cut, split_region};
use super::state::{self, ApplyState, PeerState};
use super::{Region, SplitOutcome};
use crate::common::{LogIndex, Term};
use crate::storage::engine::{Cf, WriteBatch, WriteOp};
use crate::storage::txn::{RegionContext, RegionError};

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
}

impl ApplyCore {
    /// Goes on from persisted state.
    pub fn new(region: Region, state: ApplyState) -> ApplyCore {
        ApplyCore { region, state }
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
    /// [`ApplyCore::put_state`]. An empty payload is a leader's first entry.
    pub fn apply(
        &mut self,
        index: LogIndex,
        data: &[u8],
        batch: &mut WriteBatch,
    ) -> Result<AppliedEntry, UnreadableEntry> {
        assert_eq!(index.0, self.state.applied.0 + 1, "entries are applied without gaps");
        let applied = if data.is_empty() {
            AppliedEntry { outcome: Ok(Outcome::Noop), bytes: 0, keys: 0 }
        } else {
            let (context, command) = entry::decode(self.region.id, index, data)?;
            self.apply_command(context, command, batch)
        };
        self.state.applied = index;
        Ok(applied)
    }

    /// Adds the apply state to the batch that carries the entries.
    pub fn put_state(&self, batch: &mut WriteBatch) {
        state::put_apply_state(batch, self.region.id, &self.state);
    }

    fn apply_command(
        &mut self,
        context: RegionContext,
        command: RegionCommand,
        batch: &mut WriteBatch,
    ) -> AppliedEntry {
        let (mut bytes, mut keys) = (0, 0);
        let outcome = match command {
            RegionCommand::Write(_) if context.epoch.version != self.region.epoch.version => {
                Err(RegionError::EpochNotMatch(self.region.id))
            }
            RegionCommand::Write(write) => {
                (bytes, keys) = growth(&write);
                batch.ops.extend(write.ops);
                Ok(Outcome::Written)
            }
            RegionCommand::Split { .. } if context.epoch != self.region.epoch => {
                Err(RegionError::EpochNotMatch(self.region.id))
            }
            RegionCommand::Split { cuts, right_derive } => {
                self.apply_split(&cuts, right_derive, batch)
            }
            RegionCommand::CompactLog { index, term } => Ok(self.apply_compact(index, term)),
        };
        AppliedEntry { outcome, bytes, keys }
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
        if index <= self.state.truncated || index > self.state.applied {
            return Outcome::Noop;
        }
        self.state.truncated = index;
        self.state.truncated_term = term;
        Outcome::Compacted { index, term }
    }
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
    use super::*;
    use crate::common::{PeerId, RegionId, StoreId};

    fn core() -> ApplyCore {
        ApplyCore::new(first_region(RegionId(2), PeerId(3), StoreId(1)), ApplyState::initial())
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
        let applied = core.apply(LogIndex(6), &data, &mut batch).unwrap();
        assert!(matches!(applied.outcome, Ok(Outcome::Split(_))));
        assert_eq!(core.region().start_key, "m");
        let before = batch.clone();
        let data = entry::encode(old, put(b"a"));
        let applied = core.apply(LogIndex(7), &data, &mut batch).unwrap();
        assert_eq!(applied.outcome, Err(RegionError::EpochNotMatch(RegionId(2))));
        assert_eq!(batch, before, "a void entry writes nothing");
        assert_eq!(core.state().applied, LogIndex(7), "but it is applied");
    }

    #[test]
    fn writes_and_noops_move_the_applied_index() {
        let mut core = core();
        let mut batch = WriteBatch::new();
        assert_eq!(core.apply(LogIndex(6), b"", &mut batch).unwrap().outcome, Ok(Outcome::Noop));
        let data = entry::encode(core.region().context(), put(b"k"));
        let applied = core.apply(LogIndex(7), &data, &mut batch).unwrap();
        assert_eq!((applied.bytes, applied.keys), (3, 1));
        core.put_state(&mut batch);
        assert_eq!(batch.ops.len(), 2);
    }

    #[test]
    fn the_log_is_cut_only_behind_the_applied_index() {
        let mut core = core();
        let mut batch = WriteBatch::new();
        core.apply(LogIndex(6), b"", &mut batch).unwrap();
        let compact = |index| RegionCommand::CompactLog { index: LogIndex(index), term: Term(6) };
        let context = core.region().context();
        let data = entry::encode(context, compact(7));
        let applied = core.apply(LogIndex(7), &data, &mut batch).unwrap();
        assert_eq!(applied.outcome, Ok(Outcome::Noop), "7 was not applied yet");
        let data = entry::encode(context, compact(6));
        core.apply(LogIndex(8), &data, &mut batch).unwrap();
        assert_eq!(core.state().truncated, LogIndex(6));
    }
}
