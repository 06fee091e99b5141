//! The newest version of keys that are read one by one.

use std::time::Duration;

use ahash::RandomState;
use parking_lot::RwLock;
use quick_cache::sync::{Cache, DefaultLifecycle, GuardResult, PlaceholderGuard};
use quick_cache::{OptionsBuilder, Weighter};

use super::block::Version;
use crate::common::Timestamp;
use crate::storage::engine::{Result, WriteOp};
use crate::storage::mvcc::key::split_version;

/// About how many bytes an entry takes: what the cache plans its tables for.
const ENTRY_BYTES: usize = 256;
/// What an entry takes besides its bytes.
const ENTRY_OVERHEAD: usize = 128;

type Life = DefaultLifecycle<Vec<u8>, Version>;

/// The right to enter what the engine says of one key, lost as soon as the key is written.
pub(super) type Permit<'a> = PlaceholderGuard<'a, Vec<u8>, Version, Weight, RandomState, Life>;

/// How much of the budget an entry takes.
#[derive(Clone)]
pub(super) struct Weight;

impl Weighter<Vec<u8>, Version> for Weight {
    fn weight(&self, data_key: &Vec<u8>, version: &Version) -> u64 {
        (data_key.len() + version.key.len() + version.record.len() + ENTRY_OVERHEAD) as u64
    }
}

/// What is known of a key.
pub(super) enum Known<'a> {
    /// Its newest version, of any kind, is this value.
    Newest(Version),
    /// Nothing; whoever asks the engine *from now on* may enter what it says.
    Nothing(Permit<'a>),
    /// Nothing, and somebody else is asking.
    Asked,
}

/// Data keys whose newest version, of any kind, is known and a value put or deleted.
pub(super) struct Rows {
    cache: Option<Cache<Vec<u8>, Version, Weight, RandomState>>,
    /// Held shared by those who enter what the engine says, from before they ask it.
    entering: RwLock<()>,
}

impl Rows {
    /// At most `budget` bytes; with 0, none.
    pub(super) fn new(budget: usize) -> Rows {
        // One seed always: what is evicted does not change from run to run.
        let hasher = RandomState::with_seeds(1, 2, 3, 4);
        let options = OptionsBuilder::new()
            .estimated_items_capacity(budget / ENTRY_BYTES)
            .weight_capacity(budget as u64)
            .build();
        let cache = options
            .ok()
            .filter(|_| budget > 0)
            .map(|options| Cache::with_options(options, Weight, hasher, Life::default()));
        Rows { cache, entering: RwLock::new(()) }
    }

    pub(super) fn is_kept(&self) -> bool {
        self.cache.is_some()
    }

    /// Whether something is known of the key of a version.
    pub(super) fn has(&self, version_key: &[u8]) -> bool {
        let Some(cache) = &self.cache else { return false };
        split_version(version_key).is_ok_and(|(data_key, _)| cache.contains_key(data_key))
    }

    pub(super) fn bytes(&self) -> usize {
        self.cache.as_ref().map_or(0, |cache| cache.weight() as usize)
    }

    /// The newest version of a key, if known.
    pub(super) fn get(&self, data_key: &[u8]) -> Option<Version> {
        self.cache.as_ref()?.get(data_key)
    }

    /// The same, or the right to find out.
    pub(super) fn get_or_ask(&self, data_key: &[u8]) -> Known<'_> {
        let Some(cache) = &self.cache else { return Known::Asked };
        match cache.get_value_or_guard(data_key, Some(Duration::ZERO)) {
            GuardResult::Value(version) => Known::Newest(version),
            GuardResult::Guard(permit) => Known::Nothing(permit),
            GuardResult::Timeout => Known::Asked,
        }
    }

    /// Asks the engine by `ask`, and enters the answer.
    pub(super) fn enter<T>(
        &self,
        permit: Permit<'_>,
        ask: impl FnOnce() -> Result<(T, Option<Version>)>,
    ) -> Result<T> {
        let _no_removal = self.entering.read();
        let (answer, newest) = ask()?;
        if let Some(newest) = newest.filter(Version::is_value) {
            // Refused if the key was written meanwhile.
            let _ = permit.insert(newest);
        }
        Ok(answer)
    }

    /// After a write: one version was put or removed.
    pub(super) fn change(&self, change: &WriteOp) {
        let Some(cache) = &self.cache else { return };
        let (WriteOp::Put(_, key, _) | WriteOp::Delete(_, key)) = change else { return };
        let Ok((data_key, ts)) = split_version(key) else { return };
        if let WriteOp::Put(_, key, record) = change
            && let Some(known) = cache.peek(data_key)
        {
            let version = Version::new(key, record);
            let newest = known.ts().unwrap_or(Timestamp::MAX);
            if ts < newest {
                return;
            }
            if version.is_value() && cache.replace(data_key.to_vec(), version, true).is_ok() {
                return;
            }
        }
        // Also takes away the right of those who are asking.
        cache.remove(data_key);
    }

    /// Changes the engine by `change`, and forgets everything.
    pub(super) fn clear<T>(&self, change: impl FnOnce() -> T) -> T {
        let _nobody_asks = self.entering.write();
        let done = change();
        if let Some(cache) = &self.cache {
            cache.clear();
        }
        done
    }
}
