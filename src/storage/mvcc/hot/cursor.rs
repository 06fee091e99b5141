//! A walk over the write family: through the ranges in memory where there are, through the engine between them.

use bytes::Bytes;

use super::HotVersions;
use super::block::Version;
use super::ranges::Place;
use super::rows::{Known, Permit, Tip};
use crate::common::Timestamp;
use crate::storage::engine::{Cf, Cursor, IterOptions, Result};
use crate::storage::mvcc::key::{split_version, version_key};

/// How many versions are taken over at a time.
const CHUNK: usize = 64;

/// Where a cursor is.
enum At {
    Nowhere,
    /// At one of the versions taken over from a range; behind them it goes on at that key, if anywhere.
    Memory {
        index: usize,
        resume: Option<Bytes>,
    },
    /// At one of the newest versions of a key, where the walk ends.
    Row {
        tip: Tip,
        index: usize,
    },
    /// Where the engine's cursor is; from that key on the ranges are asked again.
    Engine {
        until: Option<Bytes>,
    },
}

/// See the module. Only for readers at one timestamp that walk forward; one that steps back goes on in the engine alone.
pub(super) struct HotCursor<'a> {
    hot: &'a HotVersions,
    options: IterOptions,
    ts: Timestamp,
    taken: Vec<Version>,
    at: At,
    /// Made when first needed.
    in_engine: Option<Box<dyn Cursor + 'a>>,
}

impl<'a> HotCursor<'a> {
    pub(super) fn new(hot: &'a HotVersions, options: IterOptions, ts: Timestamp) -> HotCursor<'a> {
        let (taken, at, in_engine) = (Vec::new(), At::Nowhere, None);
        HotCursor { hot, options, ts, taken, at, in_engine }
    }

    /// Stands at the first version at or behind `target`, of its key.
    fn go_to_row(&mut self, target: &[u8]) -> Result<bool> {
        let (data_key, target_ts) = split_version(target)?;
        let known = if self.in_engine.is_none() {
            self.hot.rows.get_or_ask(data_key)
        } else {
            // What the engine's cursor shows may be older than the right to enter it.
            self.hot.rows.get(data_key).map_or(Known::Asked, Known::Newest)
        };
        match known {
            Known::Newest(tip) => match self.place_in(&tip, target_ts)? {
                Some(index) => {
                    self.at = At::Row { tip, index };
                    Ok(true)
                }
                None => self.go(target),
            },
            Known::Asked => self.go(target),
            Known::Nothing(permit) => self.go_asking(permit, data_key, target),
        }
    }

    /// Where a walk from `target_ts` begins in a tip. `None`: it starts below the value, or wants all versions since
    /// before it, and so needs the older ones.
    fn place_in(&self, tip: &Tip, target_ts: Timestamp) -> Result<Option<usize>> {
        if self.ts.min(target_ts) < tip.value_ts()? {
            return Ok(None);
        }
        for (index, version) in tip.versions().iter().enumerate() {
            if version.ts()? <= target_ts {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }

    /// The same, from the engine; enters the newest versions.
    fn go_asking(&mut self, permit: Permit<'a>, data_key: &[u8], target: &[u8]) -> Result<bool> {
        let rows = &self.hot.rows;
        let newest_at = version_key(data_key, Timestamp::MAX);
        let mut steps = 0;
        let tip = rows.enter(permit, || {
            let cursor = self.in_engine()?;
            let tip = Tip::gather(|| {
                let is_there = if steps == 0 { cursor.seek(&newest_at)? } else { cursor.next()? };
                steps += 1;
                let is_of_key = is_there && split_version(cursor.key())?.0 == data_key;
                Ok(is_of_key.then(|| Version::new(cursor.key(), cursor.value())))
            })?;
            Ok((tip.clone(), tip))
        })?;
        if let Some(tip) = tip
            && let Some(index) = self.place_in(&tip, split_version(target)?.1)?
        {
            self.at = At::Row { tip, index };
            return Ok(true);
        }
        self.at = At::Engine { until: None };
        let cursor = self.in_engine()?;
        // Often there is no such key: then the cursor is where a seek would end.
        if steps == 1 && cursor.valid() && cursor.key() >= target {
            return Ok(true);
        }
        cursor.seek(target)
    }

    /// Stands at the first version at or behind `target`.
    fn go(&mut self, target: &[u8]) -> Result<bool> {
        let lower = self.options.lower.as_deref().unwrap_or_default();
        let mut target = Bytes::copy_from_slice(target.max(lower));
        loop {
            self.at = At::Nowhere;
            if self.options.upper.as_deref().is_some_and(|upper| *target >= *upper) {
                return Ok(false);
            }
            let until = match self.hot.ranges.place(&target) {
                Place::Gap(next) => next,
                Place::In(range) => {
                    // One key ends the walk, so a chunk of it need not be followed by another.
                    let limit = if self.options.one_key { 1 } else { CHUNK };
                    let upper = self.options.upper.as_deref();
                    self.taken.clear();
                    match range.copy(&target, upper, self.ts, limit, &mut self.taken) {
                        Some(copied) => {
                            let resume = copied?.unwrap_or_else(|| range.end().clone());
                            if !self.taken.is_empty() || self.options.one_key {
                                let resume = (!self.options.one_key).then_some(resume);
                                self.at = At::Memory { index: 0, resume };
                                return Ok(!self.taken.is_empty());
                            }
                            target = resume;
                            continue;
                        }
                        None => Some(range.end().clone()),
                    }
                }
            };
            let found = self.in_engine()?.seek(&target)?;
            match until {
                Some(until) if found && self.engine_is_at_or_past(&until) => {
                    target = until;
                }
                until => {
                    self.at = At::Engine { until };
                    return Ok(found);
                }
            }
        }
    }

    fn in_engine(&mut self) -> Result<&mut Box<dyn Cursor + 'a>> {
        match &mut self.in_engine {
            Some(cursor) => Ok(cursor),
            none => Ok(none.insert(self.hot.engine.cursor(Cf::Write, self.options.clone())?)),
        }
    }

    fn engine_is_at_or_past(&self, key: &[u8]) -> bool {
        self.in_engine.as_ref().is_some_and(|cursor| cursor.valid() && cursor.key() >= key)
    }

    /// Goes where the engine's own cursor goes, and stays there.
    fn in_engine_only(&mut self, go: impl FnOnce(&mut dyn Cursor) -> Result<bool>) -> Result<bool> {
        self.at = At::Engine { until: None };
        go(self.in_engine()?.as_mut())
    }
}

impl Cursor for HotCursor<'_> {
    fn seek(&mut self, key: &[u8]) -> Result<bool> {
        if self.options.one_key && self.hot.rows.is_kept() {
            self.go_to_row(key)
        } else {
            self.go(key)
        }
    }

    fn seek_for_prev(&mut self, key: &[u8]) -> Result<bool> {
        self.in_engine_only(|cursor| cursor.seek_for_prev(key))
    }

    fn seek_to_first(&mut self) -> Result<bool> {
        self.go(&[])
    }

    fn seek_to_last(&mut self) -> Result<bool> {
        self.in_engine_only(|cursor| cursor.seek_to_last())
    }

    fn next(&mut self) -> Result<bool> {
        match &mut self.at {
            At::Nowhere => Ok(false),
            At::Memory { index, resume } => {
                *index += 1;
                if *index < self.taken.len() {
                    return Ok(true);
                }
                match resume.take() {
                    Some(resume) => self.go(&resume),
                    None => Ok(false),
                }
            }
            At::Row { tip, index } => {
                *index += 1;
                Ok(*index < tip.versions().len())
            }
            At::Engine { until } => {
                let until = until.clone();
                let found = self.in_engine()?.next()?;
                match until {
                    Some(until) if found && self.engine_is_at_or_past(&until) => self.go(&until),
                    _ => Ok(found),
                }
            }
        }
    }

    fn prev(&mut self) -> Result<bool> {
        if !self.valid() {
            return Ok(false);
        }
        let here = self.key().to_vec();
        self.in_engine_only(|cursor| {
            cursor.seek(&here)?;
            if cursor.valid() { cursor.prev() } else { cursor.seek_to_last() }
        })
    }

    fn valid(&self) -> bool {
        match &self.at {
            At::Nowhere => false,
            At::Memory { index, .. } => *index < self.taken.len(),
            At::Row { tip, index } => *index < tip.versions().len(),
            At::Engine { .. } => self.in_engine.as_ref().is_some_and(|cursor| cursor.valid()),
        }
    }

    fn key(&self) -> &[u8] {
        match (&self.at, &self.in_engine) {
            (At::Memory { index, .. }, _) => &self.taken[*index].key,
            (At::Row { tip, index }, _) => &tip.versions()[*index].key,
            (_, Some(cursor)) => cursor.key(),
            (_, None) => panic!("the caller checked that the cursor is valid"),
        }
    }

    fn value(&self) -> &[u8] {
        match (&self.at, &self.in_engine) {
            (At::Memory { index, .. }, _) => &self.taken[*index].record,
            (At::Row { tip, index }, _) => &tip.versions()[*index].record,
            (_, Some(cursor)) => cursor.value(),
            (_, None) => panic!("the caller checked that the cursor is valid"),
        }
    }
}
