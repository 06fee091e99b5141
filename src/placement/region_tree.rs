//! The regions by range and by id, kept free of overlaps.
//!
//! Reports arrive late and out of order: a report of a region before its split must not bring the old range
//! back. A report is *stale* when the tree knows the same region at a newer epoch (or, at the same epoch,
//! in a later term), or when it overlaps another region whose range has a newer version. A report that is not stale
//! removes whatever it overlaps.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

use bytes::Bytes;

use super::cluster::RegionReport;
use crate::common::RegionId;

/// What became of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Observed {
    /// Older than what is known; nothing changed.
    Stale,
    /// The region, its range, peers or leader are new.
    Changed {
        /// The reports it took the place of: its own last one, and those of regions it overlaps.
        replaced: Vec<RegionReport>,
    },
    /// Only its figures may have changed.
    Refreshed {
        /// Its own last report.
        replaced: Vec<RegionReport>,
    },
}

/// Regions that do not overlap, found by key or id.
#[derive(Clone, Debug, Default)]
pub struct RegionTree {
    by_start: BTreeMap<Bytes, RegionReport>,
    /// Only looked up, never iterated: its order reaches no decision.
    starts: HashMap<RegionId, Bytes>,
}

impl RegionTree {
    /// Takes a report in, unless it is stale.
    pub fn observe(&mut self, report: RegionReport) -> Observed {
        let overlapping = self.overlapping(&report);
        let known = self.by_id(report.region.id);
        if known.is_some_and(|known| is_older(&report, known))
            || overlapping.iter().any(|start| {
                let other = &self.by_start[start];
                other.region.id != report.region.id
                    && other.region.epoch.version > report.region.epoch.version
            })
        {
            return Observed::Stale;
        }
        let changed = known.is_none_or(|known| {
            known.region != report.region || known.leader != report.leader || overlapping.len() > 1
        });

        let own_start = self.starts.get(&report.region.id).cloned();
        let replaced = overlapping
            .into_iter()
            .chain(own_start)
            .filter_map(|start| self.by_start.remove(&start))
            .inspect(|old| drop(self.starts.remove(&old.region.id)))
            .collect();
        let start = report.region.start_key.clone();
        self.starts.insert(report.region.id, start.clone());
        self.by_start.insert(start.clone(), report);
        self.check_neighbours(&start);
        if changed { Observed::Changed { replaced } } else { Observed::Refreshed { replaced } }
    }

    /// A key is in one region at most, and each region is found by its id and by its range.
    fn check_neighbours(&self, start: &Bytes) {
        assert_eq!(self.by_start.len(), self.starts.len(), "one range for each region");
        let region = &self.by_start[start].region;
        let below = self.by_start.range::<[u8], _>((Bound::Unbounded, Bound::Excluded(&start[..])));
        let above = self.by_start.range::<[u8], _>((Bound::Excluded(&start[..]), Bound::Unbounded));
        for (_, other) in below.rev().take(1).chain(above.take(1)) {
            assert!(
                !other.region.overlaps(region),
                "regions {} and {} share keys",
                other.region.id,
                region.id
            );
        }
    }

    /// The start keys of the regions that share a key with the reported one.
    fn overlapping(&self, report: &RegionReport) -> Vec<Bytes> {
        let from = self
            .by_start
            .range::<[u8], _>(up_to(&report.region.start_key))
            .next_back()
            .map_or_else(Bytes::new, |(start, _)| start.clone());
        self.by_start
            .range(from..)
            .take_while(|(start, _)| {
                report.region.end_key.is_empty() || **start < report.region.end_key
            })
            .filter(|(_, other)| other.region.overlaps(&report.region))
            .map(|(start, _)| start.clone())
            .collect()
    }

    /// The region an encoded key is in.
    pub fn by_key(&self, key: &[u8]) -> Option<&RegionReport> {
        let (_, report) = self.by_start.range::<[u8], _>(up_to(key)).next_back()?;
        report.region.contains(key).then_some(report)
    }

    /// The region that ends where an encoded key starts, or holds the keys just below it; empty: the last one.
    pub fn before_key(&self, key: &[u8]) -> Option<&RegionReport> {
        let (_, report) = if key.is_empty() {
            self.by_start.iter().next_back()?
        } else {
            self.by_start.range::<[u8], _>((Bound::Unbounded, Bound::Excluded(key))).next_back()?
        };
        let reaches = report.region.end_key.is_empty()
            || (!key.is_empty() && &report.region.end_key[..] >= key);
        reaches.then_some(report)
    }

    /// A region.
    pub fn by_id(&self, id: RegionId) -> Option<&RegionReport> {
        self.by_start.get(self.starts.get(&id)?)
    }

    /// The regions that share a key with `[start, end)` (an empty `end` is no bound), in key order, at most `limit`.
    pub fn scan(&self, start: &[u8], end: &[u8], limit: usize) -> Vec<&RegionReport> {
        let first = match self.by_key(start) {
            Some(report) => report.region.start_key.clone(),
            None => Bytes::copy_from_slice(start),
        };
        self.by_start
            .range(first..)
            .map(|(_, report)| report)
            .take_while(|report| end.is_empty() || &report.region.start_key[..] < end)
            .take(limit)
            .collect()
    }

    /// All regions in key order.
    pub fn iter(&self) -> impl Iterator<Item = &RegionReport> {
        self.by_start.values()
    }

    /// Whether every key is in a known region.
    pub fn covers_all_keys(&self) -> bool {
        let mut reached = Bytes::new();
        let mut ended = false;
        for report in self.by_start.values() {
            if ended || report.region.start_key != reached {
                return false;
            }
            reached = report.region.end_key.clone();
            ended = reached.is_empty();
        }
        ended
    }

    /// How many regions are known.
    pub fn len(&self) -> usize {
        self.by_start.len()
    }

    /// Whether no region is known.
    pub fn is_empty(&self) -> bool {
        self.by_start.is_empty()
    }
}

/// The keys not above `key`.
fn up_to(key: &[u8]) -> (Bound<&[u8]>, Bound<&[u8]>) {
    (Bound::Unbounded, Bound::Included(key))
}

/// Whether a report of a region is older than what is known of the same region.
fn is_older(report: &RegionReport, known: &RegionReport) -> bool {
    let (new, old) = (report.region.epoch, known.region.epoch);
    if new.version < old.version || new.conf_ver < old.conf_ver {
        return true;
    }
    new == old && report.term < known.term
}

#[cfg(test)]
mod tests;
