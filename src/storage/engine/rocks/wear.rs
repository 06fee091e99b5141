//! Where the files hold much that was deleted.
//!
//! RocksDB rewrites files when others come to them, or when a file has many deletions side by side. Neither happens where a few
//! rows with long values are deleted and nobody writes any more, which is what an operator does who needs the space.

use rocksdb::LiveFile;

/// So few deleted values are left for the engine to find.
pub(super) const LEAST_DELETED: u64 = 16;
/// One of so many values must be gone.
const PART: u64 = 4;

/// A range that is worth to be rewritten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Worn {
    /// Its first key.
    pub(super) start: Vec<u8>,
    /// Its last key.
    pub(super) end: Vec<u8>,
    /// About how many bytes will be written.
    pub(super) rewritten: u64,
}

/// The figures of a file, as far as they matter here.
#[derive(Clone, Debug)]
pub(super) struct FileFigures {
    pub(super) start: Vec<u8>,
    pub(super) end: Vec<u8>,
    pub(super) bytes: u64,
    /// Values and deletions.
    pub(super) entries: u64,
    pub(super) deletions: u64,
}

impl FileFigures {
    /// Of a file; `None` for one without keys.
    pub(super) fn of(file: LiveFile) -> Option<FileFigures> {
        Some(FileFigures {
            start: file.start_key?,
            end: file.end_key?,
            bytes: file.size as u64,
            entries: file.num_entries,
            deletions: file.num_deletions,
        })
    }

    fn meets(&self, start: &[u8], end: &[u8]) -> bool {
        self.start.as_slice() <= end && self.end.as_slice() >= start
    }
}

/// Ranges of deletions in which at least a quarter of the values is gone. A file counts as a whole wherever it meets a range, so there are rather too
/// few of them.
pub(super) fn worn(files: &[FileFigures]) -> Vec<Worn> {
    let mut ranges: Vec<(&[u8], &[u8])> = files
        .iter()
        .filter(|file| file.deletions >= LEAST_DELETED)
        .map(|file| (file.start.as_slice(), file.end.as_slice()))
        .collect();
    ranges.sort_unstable();
    let mut joined: Vec<(&[u8], &[u8])> = Vec::with_capacity(ranges.len());
    for (start, end) in ranges {
        match joined.last_mut() {
            Some((_, last)) if start <= *last => *last = end.max(last),
            _ => joined.push((start, end)),
        }
    }
    let looked_at = joined.into_iter().filter_map(|(start, end)| {
        let (mut values, mut deletions, mut bytes) = (0_u64, 0_u64, 0_u64);
        for file in files.iter().filter(|file| file.meets(start, end)) {
            values += file.entries.saturating_sub(file.deletions);
            deletions += file.deletions;
            bytes += file.bytes;
        }
        let left = values.saturating_sub(deletions);
        let rewritten = u128::from(bytes) * u128::from(left) / u128::from(values.max(1));
        (deletions.saturating_mul(PART) >= values).then(|| Worn {
            start: start.to_vec(),
            end: end.to_vec(),
            rewritten: u64::try_from(rewritten).unwrap_or(u64::MAX),
        })
    });
    looked_at.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(start: &str, end: &str, entries: u64, deletions: u64) -> FileFigures {
        FileFigures { start: start.into(), end: end.into(), bytes: 1000, entries, deletions }
    }

    fn ranges(files: &[FileFigures]) -> Vec<(String, String, u64)> {
        let text = |key: Vec<u8>| String::from_utf8(key).unwrap();
        let found = worn(files).into_iter();
        found.map(|found| (text(found.start), text(found.end), found.rewritten)).collect()
    }

    #[test]
    fn a_quarter_must_be_gone_of_all_that_is_there() {
        let (values, deletions) = (file("a", "z", 100, 0), file("c", "d", 25, 25));
        assert_eq!(ranges(&[values.clone(), deletions.clone()]), [("c".into(), "d".into(), 1500)]);
        assert_eq!(
            ranges(&[values.clone(), file("m", "z", 1, 0), deletions]),
            [("c".into(), "d".into(), 1500)]
        );
        assert!(ranges(&[values.clone(), file("c", "d", 24, 24)]).is_empty());
        assert!(ranges(&[values, file("c", "d", 15, 15)]).is_empty());
    }

    #[test]
    fn ranges_that_meet_are_one() {
        let files = [file("a", "f", 20, 20), file("e", "h", 20, 20), file("x", "y", 20, 20)];
        let found: Vec<_> =
            ranges(&files).into_iter().map(|(start, end, _)| start + &end).collect();
        assert_eq!(found, ["ah", "xy"]);
    }
}
