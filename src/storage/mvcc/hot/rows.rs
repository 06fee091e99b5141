//! The newest versions of keys that are read one by one.

use std::sync::Arc;
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

/// Records of locks and rollbacks that may stand above a key's newest value. One does after each build of an index.
const ABOVE_MAX: usize = 3;

/// All versions of a key from the newest, of any kind, to the newest that is a value, put or deleted. Never empty.
#[derive(Clone, Debug)]
pub(super) struct Tip(Arc<[Version]>);

impl Tip {
    /// Takes versions as they come, newest first, until there is a value; `None`: not worth keeping.
    pub(super) fn gather(mut next: impl FnMut() -> Result<Option<Version>>) -> Result<Option<Tip>> {
        let mut versions = Vec::with_capacity(1);
        while versions.len() <= ABOVE_MAX {
            let Some(version) = next()? else { return Ok(None) };
            let is_value = version.is_value();
            versions.push(version);
            if is_value {
                return Ok(Some(Tip(versions.into())));
            }
        }
        Ok(None)
    }

    /// The versions, newest first.
    pub(super) fn versions(&self) -> &[Version] {
        &self.0
    }

    /// When the newest was committed.
    fn newest_ts(&self) -> Result<Timestamp> {
        self.0[0].ts()
    }

    /// When the value was committed: there is nothing between it and the newest that is not here.
    pub(super) fn value_ts(&self) -> Result<Timestamp> {
        self.0[self.0.len() - 1].ts()
    }
}

type Life = DefaultLifecycle<Vec<u8>, Tip>;

/// The right to enter what the engine says of one key, lost as soon as the key is written.
pub(super) type Permit<'a> = PlaceholderGuard<'a, Vec<u8>, Tip, Weight, RandomState, Life>;

/// How much of the budget an entry takes.
#[derive(Clone)]
pub(super) struct Weight;

impl Weighter<Vec<u8>, Tip> for Weight {
    fn weight(&self, data_key: &Vec<u8>, tip: &Tip) -> u64 {
        let versions =
            tip.versions().iter().map(|version| version.key.len() + version.record.len());
        (data_key.len() + versions.sum::<usize>() + ENTRY_OVERHEAD) as u64
    }
}

/// What is known of a key.
pub(super) enum Known<'a> {
    /// Its newest versions.
    Newest(Tip),
    /// Nothing; whoever asks the engine *from now on* may enter what it says.
    Nothing(Permit<'a>),
    /// Nothing, and somebody else is asking.
    Asked,
}

/// Data keys whose newest versions are known.
pub(super) struct Rows {
    cache: Option<Cache<Vec<u8>, Tip, Weight, RandomState>>,
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

    /// The newest versions of a key, if known.
    pub(super) fn get(&self, data_key: &[u8]) -> Option<Tip> {
        self.cache.as_ref()?.get(data_key)
    }

    /// The same, or the right to find out.
    pub(super) fn get_or_ask(&self, data_key: &[u8]) -> Known<'_> {
        let Some(cache) = &self.cache else { return Known::Asked };
        match cache.get_value_or_guard(data_key, Some(Duration::ZERO)) {
            GuardResult::Value(tip) => Known::Newest(tip),
            GuardResult::Guard(permit) => Known::Nothing(permit),
            GuardResult::Timeout => Known::Asked,
        }
    }

    /// Asks the engine by `ask`, and enters the answer.
    pub(super) fn enter<T>(
        &self,
        permit: Permit<'_>,
        ask: impl FnOnce() -> Result<(T, Option<Tip>)>,
    ) -> Result<T> {
        let _no_removal = self.entering.read();
        let (answer, tip) = ask()?;
        if let Some(tip) = tip {
            // Refused if the key was written meanwhile.
            let _ = permit.insert(tip);
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
            if known.value_ts().is_ok_and(|value_ts| ts < value_ts) {
                return;
            }
            let is_newest = known.newest_ts().is_ok_and(|newest_ts| newest_ts <= ts);
            let version = Version::new(key, record);
            if is_newest && version.is_value() {
                let tip = Tip(Arc::from([version]));
                if cache.replace(data_key.to_vec(), tip, true).is_ok() {
                    return;
                }
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
