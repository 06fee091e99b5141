//! The versions of a range, in the engine's order.

use bytes::Bytes;

use crate::common::Timestamp;
use crate::storage::engine::Result;
use crate::storage::mvcc::key::split_version;
use crate::storage::mvcc::write::is_value;

/// Versions a block may have; with more it is not worth its memory.
pub(super) const MAX_VERSIONS: usize = 2048;
/// Versions of one key that are kept before old ones go.
const VERSIONS_PER_KEY: usize = 16;
/// Versions of one key that stay when old ones go. The more, the longer may a transaction read here after it began.
const VERSIONS_KEPT: usize = 8;

/// One commit record: its key in the write family, and the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) key: Bytes,
    pub(super) record: Bytes,
}

impl Version {
    pub(super) fn new(key: &[u8], record: &[u8]) -> Version {
        Version { key: Bytes::copy_from_slice(key), record: Bytes::copy_from_slice(record) }
    }

    /// Whether it decides what a reader sees: a value put or deleted.
    pub(super) fn is_value(&self) -> bool {
        is_value(&self.record)
    }

    /// When it was committed.
    pub(super) fn ts(&self) -> Result<Timestamp> {
        split_version(&self.key).map(|(_, ts)| ts)
    }

    fn is_of(&self, data_key: &[u8]) -> bool {
        self.key.len() == data_key.len() + 8 && self.key.starts_with(data_key)
    }

    fn bytes(&self) -> usize {
        self.key.len() + self.record.len() + size_of::<Version>() + 32
    }
}

/// Of every key of a range: all versions at or above the floor, and the newest value below it.
#[derive(Debug, Default)]
pub(super) struct Block {
    versions: Vec<Version>,
    floor: Timestamp,
    bytes: usize,
}

impl Block {
    /// Without a key yet.
    pub(super) fn new(floor: Timestamp) -> Block {
        Block { versions: Vec::new(), floor, bytes: 0 }
    }

    /// The oldest timestamp it may be read at.
    pub(super) fn floor(&self) -> Timestamp {
        self.floor
    }

    /// How many bytes it takes, about.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many versions it has.
    pub(super) fn len(&self) -> usize {
        self.versions.len()
    }

    /// Adds what was there before anything was written to the range. Ascending.
    pub(super) fn fill(&mut self, loaded: Vec<Version>) {
        assert!(
            loaded.is_sorted_by(|a, b| a.key < b.key),
            "the engine gives each version once, in order"
        );
        let written = std::mem::replace(&mut self.versions, loaded);
        self.bytes = self.versions.iter().map(Version::bytes).sum();
        for version in written {
            self.insert(version);
        }
    }

    /// Notes a version, and forgets old ones if its key has too many.
    pub(super) fn put(&mut self, version: Version) -> Result<()> {
        let at = self.insert(version);
        self.trim(at)
    }

    /// Forgets a version that the engine no longer has.
    pub(super) fn remove(&mut self, key: &[u8]) {
        if let Ok(at) = self.search(key) {
            self.bytes -= self.versions.remove(at).bytes();
        }
    }

    /// Appends what a reader at `ts` may look at, from the version key `from` on and below `upper`, until `limit` is exceeded at the end of a key.
    /// Where to go on, or nothing if the block has no more.
    pub(super) fn copy(
        &self,
        from: &[u8],
        upper: Option<&[u8]>,
        ts: Timestamp,
        limit: usize,
        out: &mut Vec<Version>,
    ) -> Result<Option<Bytes>> {
        let start = self.search(from).unwrap_or_else(|at| at);
        let mut data_key: &[u8] = &[];
        let mut decided = false;
        for version in &self.versions[start..] {
            if upper.is_some_and(|upper| *version.key >= *upper) {
                break;
            }
            let (key, version_ts) = split_version(&version.key)?;
            if key != data_key {
                if out.len() >= limit {
                    return Ok(Some(version.key.clone()));
                }
                data_key = key;
                decided = false;
            }
            if !decided {
                decided = version_ts <= ts && version.is_value();
                out.push(version.clone());
            }
        }
        Ok(None)
    }

    fn search(&self, key: &[u8]) -> std::result::Result<usize, usize> {
        self.versions.binary_search_by(|version| (*version.key).cmp(key))
    }

    fn insert(&mut self, version: Version) -> usize {
        self.bytes += version.bytes();
        match self.search(&version.key) {
            Ok(at) => {
                self.bytes -= self.versions[at].bytes();
                self.versions[at] = version;
                at
            }
            Err(at) => {
                self.versions.insert(at, version);
                at
            }
        }
    }

    /// Forgets old versions of the key at `at` if it has too many, and raises the floor to the oldest that stays.
    fn trim(&mut self, at: usize) -> Result<()> {
        let (data_key, _) = split_version(&self.versions[at].key)?;
        let of_key = |version: &&Version| version.is_of(data_key);
        let first = at - self.versions[..at].iter().rev().take_while(of_key).count();
        let count = self.versions[first..].iter().take_while(of_key).count();
        if count <= VERSIONS_PER_KEY {
            return Ok(());
        }
        // A reader at the floor must find a value at or below it.
        let kept = &self.versions[first..first + count];
        let Some(oldest) = (VERSIONS_KEPT - 1..count).find(|at| kept[*at].is_value()) else {
            return Ok(());
        };
        self.floor = self.floor.max(kept[oldest].ts()?);
        let gone = self.versions.drain(first + oldest + 1..first + count);
        self.bytes -= gone.map(|version| version.bytes()).sum::<usize>();
        assert!(
            self.versions[first + oldest].is_value(),
            "whoever reads at the floor finds a value"
        );
        Ok(())
    }
}
