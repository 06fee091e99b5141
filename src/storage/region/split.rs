//! Splitting: what becomes of a region that is cut at some keys, and where to cut one that grew too
//! large.

use bytes::Bytes;

use super::Region;
use crate::common::{PeerId, RegionId};
use crate::storage::codec::{mvcc, table};

/// Identities for one new region.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct SplitIds {
    /// The region.
    pub region_id: RegionId,
    /// Its peers, in the order of the old region's peers.
    pub peer_ids: Vec<PeerId>,
}

/// One cut and the identities of the region it makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The first encoded key to the right of the cut.
    pub key: Bytes,
    /// The new region's identities.
    pub ids: SplitIds,
}

/// What a split leaves behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SplitOutcome {
    /// The old region with what it keeps.
    pub derived: Region,
    /// The new regions, in key order.
    pub created: Vec<Region>,
}

/// Why a region cannot be split like this. Every replica finds the same.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// There is no cut.
    #[error("no split key")]
    NoKeys,
    /// A cut is not inside the region, or is its first key.
    #[error("split key {0:?} is not inside the region")]
    KeyOutside(Bytes),
    /// The cuts do not ascend.
    #[error("split keys do not ascend")]
    KeysOutOfOrder,
    /// There must be one new peer per old peer.
    #[error("a new region has {found} peer ids, the old one has {expected} peers")]
    PeerCount {
        /// Peers of the old region.
        expected: usize,
        /// Ids given.
        found: usize,
    },
}

/// Cuts a region. The version of every part is the old one plus the number of cuts, so that no two
/// states of one key range share an epoch. With `right_derive` the old region keeps its identity in
/// the rightmost part, else in the leftmost.
pub fn split_region(
    region: &Region,
    cuts: &[Cut],
    right_derive: bool,
) -> Result<SplitOutcome, SplitError> {
    check_cuts(region, cuts)?;
    let mut epoch = region.epoch;
    epoch.version += cuts.len() as u64;
    let mut bounds = Vec::with_capacity(cuts.len() + 2);
    bounds.push(region.start_key.clone());
    bounds.extend(cuts.iter().map(|cut| cut.key.clone()));
    bounds.push(region.end_key.clone());
    let mut parts: Vec<Region> = bounds
        .windows(2)
        .map(|pair| Region {
            id: region.id,
            start_key: pair[0].clone(),
            end_key: pair[1].clone(),
            epoch,
            peers: region.peers.clone(),
        })
        .collect();
    let derived = if right_derive { parts.pop() } else { Some(parts.remove(0)) };
    for (part, cut) in parts.iter_mut().zip(cuts) {
        part.id = cut.ids.region_id;
        for (peer, id) in part.peers.iter_mut().zip(&cut.ids.peer_ids) {
            peer.id = *id;
        }
    }
    assert_eq!(parts.len(), cuts.len(), "each cut makes one region");
    let derived = derived.expect("a cut leaves at least two parts");
    Ok(SplitOutcome { derived, created: parts })
}

fn check_cuts(region: &Region, cuts: &[Cut]) -> Result<(), SplitError> {
    if cuts.is_empty() {
        return Err(SplitError::NoKeys);
    }
    for cut in cuts {
        if !region.contains(&cut.key) || cut.key == region.start_key {
            return Err(SplitError::KeyOutside(cut.key.clone()));
        }
        if cut.ids.peer_ids.len() != region.peers.len() {
            return Err(SplitError::PeerCount {
                expected: region.peers.len(),
                found: cut.ids.peer_ids.len(),
            });
        }
    }
    if cuts.windows(2).any(|pair| pair[0].key >= pair[1].key) {
        return Err(SplitError::KeysOutOfOrder);
    }
    Ok(())
}

/// When a region is too large, and into how large parts it is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct SplitOptions {
    /// Bytes of a part. Smaller regions spread load better, and cost more heartbeats and memory.
    pub split_size: u64,
    /// Keys of a part, for regions of many small rows.
    pub split_keys: u64,
    /// Bytes at which a region is split; above `split_size`, so that a split leaves no crumbs.
    pub max_size: u64,
    /// Keys at which a region is split; above `split_keys`.
    pub max_keys: u64,
}

impl Default for SplitOptions {
    fn default() -> SplitOptions {
        SplitOptions {
            split_size: 96 << 20,
            split_keys: 960_000,
            max_size: 144 << 20,
            max_keys: 1_440_000,
        }
    }
}

impl SplitOptions {
    /// Refuses settings that could not work; the message names the setting.
    pub fn validate(&self) -> Result<(), String> {
        if self.split_size == 0 || self.split_keys == 0 {
            return Err("split-size and split-keys must be above zero".to_owned());
        }
        if self.max_size < self.split_size {
            return Err("max-size must not be below split-size".to_owned());
        }
        if self.max_keys < self.split_keys {
            return Err("max-keys must not be below split-keys".to_owned());
        }
        Ok(())
    }

    /// Whether a region of this size is to be split.
    pub fn is_too_large(&self, size: u64, keys: u64) -> bool {
        size >= self.max_size || keys >= self.max_keys
    }
}

/// A place in the scan.
#[derive(Clone, Debug)]
struct Place {
    /// The encoded key to cut at.
    key: Bytes,
    /// Bytes before it.
    size: u64,
    /// Keys before it.
    keys: u64,
}

/// Chooses the cuts of a region while a scan passes its keys in order.
///
/// A part that holds whole tables is worth more than one of the exact size: a row and its index
/// entries then share a region, and a statement that writes both is committed with one proposal
/// instead of four. So a part ends where its last table begins, if it is at least half full there.
#[derive(Debug)]
pub struct SplitSampler {
    options: SplitOptions,
    size: u64,
    keys: u64,
    last_key: Vec<u8>,
    /// Where a table began in the part that is being filled.
    table_start: Option<Place>,
    cuts: Vec<Place>,
}

/// Bytes of an encoded key that tell its table: a group of eight, its marker, and the last byte of
/// the table's id.
const TABLE_DIGEST: usize = 8 + 1 + 1;

impl SplitSampler {
    /// Nothing seen yet.
    pub fn new(options: SplitOptions) -> SplitSampler {
        SplitSampler {
            options,
            size: 0,
            keys: 0,
            last_key: Vec::new(),
            table_start: None,
            cuts: Vec::new(),
        }
    }

    /// Takes the next entry: the encoded user key, the bytes it takes, and whether it counts as a
    /// key. Entries of one user key come one after the other and never end up in two parts.
    pub fn add(&mut self, encoded_key: &[u8], bytes: u64, is_key: bool) {
        assert!(self.last_key[..] <= *encoded_key, "a scan passes keys in order");
        if self.last_key != encoded_key {
            if let Some(key) = self.table_begins_at(encoded_key) {
                self.table_start = Some(self.place(key));
            }
            if self.fills_part(self.size, self.keys, 1) {
                self.cut_before(encoded_key);
            }
            self.last_key.clear();
            self.last_key.extend_from_slice(encoded_key);
        }
        self.size += bytes;
        self.keys += u64::from(is_key);
    }

    fn place(&self, key: Bytes) -> Place {
        Place { key, size: self.size, keys: self.keys }
    }

    /// Whether the part from the last cut to a place is full, or has reached one `share`th of it.
    fn fills_part(&self, size: u64, keys: u64, share: u64) -> bool {
        let (from_size, from_keys) = self.cuts.last().map_or((0, 0), |cut| (cut.size, cut.keys));
        (size - from_size) * share >= self.options.split_size
            || (keys - from_keys) * share >= self.options.split_keys
    }

    fn cut_before(&mut self, encoded_key: &[u8]) {
        let cut = match self.table_start.take() {
            Some(start) if self.fills_part(start.size, start.keys, 2) => start,
            _ => self.place(Bytes::copy_from_slice(encoded_key)),
        };
        self.cuts.push(cut);
    }

    /// The encoded key that all keys of this key's table are behind, if it is the first one of it.
    fn table_begins_at(&self, encoded_key: &[u8]) -> Option<Bytes> {
        let digest = encoded_key.get(..TABLE_DIGEST)?;
        if self.last_key.is_empty() || self.last_key.get(..TABLE_DIGEST) == Some(digest) {
            return None;
        }
        let id = table::table_of(&mvcc::decode_key(encoded_key).ok()?)?;
        Some(mvcc::encode_key(&table::table_prefix(id)).into())
    }

    /// Bytes seen.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Keys seen.
    pub fn keys(&self) -> u64 {
        self.keys
    }

    /// The cuts; none if the region is not too large. The last part is at least `max − split` large
    /// (or keeps together with the one before it).
    pub fn finish(mut self) -> Vec<Bytes> {
        if !self.options.is_too_large(self.size, self.keys) {
            return Vec::new();
        }
        let (least_size, least_keys) = (
            self.options.max_size.saturating_sub(self.options.split_size).max(1),
            self.options.max_keys.saturating_sub(self.options.split_keys).max(1),
        );
        if self.cuts.len() > 1
            && let Some(cut) = self.cuts.last()
            && self.size - cut.size < least_size
            && self.keys - cut.keys < least_keys
        {
            self.cuts.pop();
        }
        self.cuts.into_iter().map(|cut| cut.key).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::bootstrap;
    use super::*;
    use crate::common::StoreId;

    fn whole() -> Region {
        bootstrap::first_region(RegionId(2), PeerId(3), StoreId(1))
    }

    fn cut(key: &'static str, region: u64, peer: u64) -> Cut {
        let ids = SplitIds { region_id: RegionId(region), peer_ids: vec![PeerId(peer)] };
        Cut { key: key.into(), ids }
    }

    #[test]
    fn the_old_region_keeps_the_right_part() {
        let outcome = split_region(&whole(), &[cut("b", 10, 11), cut("d", 20, 21)], true).unwrap();
        assert_eq!(outcome.derived.id, RegionId(2));
        assert_eq!(outcome.derived.start_key, "d");
        assert_eq!(outcome.derived.end_key, "");
        assert_eq!(outcome.derived.epoch.version, 3);
        let [first, second] = &outcome.created[..] else { panic!("two regions are new") };
        assert_eq!((&first.start_key[..], &first.end_key[..]), (&b""[..], &b"b"[..]));
        assert_eq!((&second.start_key[..], &second.end_key[..]), (&b"b"[..], &b"d"[..]));
        assert_eq!(second.id, RegionId(20));
        assert_eq!(second.peers[0].id, PeerId(21));
        assert_eq!(second.peers[0].store_id, StoreId(1));
        assert_eq!(second.epoch, outcome.derived.epoch);
    }

    #[test]
    fn or_the_left_part() {
        let outcome = split_region(&whole(), &[cut("b", 10, 11)], false).unwrap();
        assert_eq!(
            (&outcome.derived.start_key[..], &outcome.derived.end_key[..]),
            (&b""[..], &b"b"[..])
        );
        assert_eq!(outcome.created[0].start_key, "b");
        assert_eq!(outcome.created[0].id, RegionId(10));
    }

    #[test]
    fn cuts_must_ascend_inside_the_region() {
        let mut region = whole();
        region.start_key = "c".into();
        assert_eq!(split_region(&region, &[], true), Err(SplitError::NoKeys));
        for outside in ["a", "c"] {
            let result = split_region(&region, &[cut(outside, 10, 11)], true);
            assert_eq!(result, Err(SplitError::KeyOutside(outside.into())));
        }
        let result = split_region(&region, &[cut("f", 10, 11), cut("e", 20, 21)], true);
        assert_eq!(result, Err(SplitError::KeysOutOfOrder));
        region.peers.push(region.peers[0]);
        let result = split_region(&region, &[cut("f", 10, 11)], true);
        assert_eq!(result, Err(SplitError::PeerCount { expected: 2, found: 1 }));
    }

    fn sample(keys: u64, options: SplitOptions) -> Vec<Bytes> {
        let mut sampler = SplitSampler::new(options);
        for key in 0..keys {
            let key = format!("{key:04}");
            sampler.add(key.as_bytes(), 10, true);
            sampler.add(key.as_bytes(), 10, false);
        }
        sampler.finish()
    }

    #[test]
    fn regions_are_cut_by_size_or_by_keys() {
        let by_size = SplitOptions { split_size: 100, max_size: 150, ..SplitOptions::default() };
        assert!(sample(7, by_size).is_empty(), "140 bytes are not too many");
        assert_eq!(sample(8, by_size), ["0005"]);
        assert_eq!(sample(12, by_size), ["0005"], "the last part is not a crumb");
        assert_eq!(sample(13, by_size), ["0005", "0010"]);
        let by_keys = SplitOptions { split_keys: 4, max_keys: 6, ..SplitOptions::default() };
        assert!(sample(5, by_keys).is_empty());
        assert_eq!(sample(6, by_keys), ["0004"]);
    }

    /// Cuts of tables with so many rows each, of one key and ten bytes.
    fn sample_tables(rows: &[(i64, i64)], options: SplitOptions) -> Vec<Bytes> {
        let mut sampler = SplitSampler::new(options);
        sampler.add(&mvcc::encode_key(b"m a schema"), 10, true);
        for &(id, rows) in rows {
            for row in 0..rows {
                sampler.add(&mvcc::encode_key(&table::row_key(id, row)), 10, true);
            }
        }
        sampler.finish()
    }

    #[test]
    fn a_part_ends_where_a_table_begins_if_it_is_half_full() {
        let options = SplitOptions { split_size: 1000, max_size: 1500, ..SplitOptions::default() };
        let start = |id| Bytes::from(mvcc::encode_key(&table::table_prefix(id)));
        let row = |id, row| Bytes::from(mvcc::encode_key(&table::row_key(id, row)));
        let even = [(300, 38), (301, 38), (302, 38), (303, 38)];
        assert_eq!(sample_tables(&even, options), [start(302)]);
        let large_last = [(7, 10), (8, 300)];
        assert_eq!(
            sample_tables(&large_last, options)[0],
            row(8, 89),
            "the table begins too early"
        );
        let large_first = [(7, 140), (8, 58), (9, 90)];
        assert_eq!(sample_tables(&large_first, options), [row(7, 99), start(9)]);
        let exact = [(7, 99), (8, 99)];
        assert_eq!(sample_tables(&exact, options), [start(8)]);
    }

    #[test]
    fn versions_of_one_key_stay_together() {
        let options = SplitOptions { split_size: 30, max_size: 40, ..SplitOptions::default() };
        let mut sampler = SplitSampler::new(options);
        sampler.add(b"a", 30, true);
        for _ in 0..10 {
            sampler.add(b"b", 30, true);
        }
        sampler.add(b"c", 30, true);
        assert_eq!(sampler.finish(), ["b", "c"]);
    }

    #[test]
    fn settings_are_checked() {
        assert!(SplitOptions::default().validate().is_ok());
        let broken = SplitOptions { max_size: 1, ..SplitOptions::default() };
        assert!(broken.validate().unwrap_err().contains("max-size"));
    }
}
