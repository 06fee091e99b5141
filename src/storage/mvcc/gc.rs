//! Collecting versions that no snapshot can see.

use super::key::{data_key, split_version, user_key, version_key};
use super::range::{KeyRange, after_versions};
use super::reader::{ONE_KEY, current_write, near_seek};
use super::write::WriteKind;
use crate::common::Timestamp;
use crate::storage::engine::{Cf, Reader, Result, WriteBatch};

/// How much one look for garbage may come to.
#[derive(Clone, Copy, Debug)]
pub struct GarbageLimits {
    /// Keys with garbage.
    pub found: usize,
    /// Keys altogether: a range without any garbage is gone through in pieces, too.
    pub seen: usize,
}

/// What a look for garbage came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Garbage {
    /// The user keys that have garbage, in order.
    pub keys: Vec<Vec<u8>>,
    /// The user key to go on with; `None`: that was all.
    pub next: Option<Vec<u8>>,
    /// Whether some key has, or may come to have, garbage without being written again: it is deleted, or has more than one version.
    pub is_mixed: bool,
}

/// Looks for user keys of `range` that have garbage under `safe_point`.
pub fn find_garbage(
    reader: &dyn Reader,
    range: &KeyRange,
    safe_point: Timestamp,
    limits: GarbageLimits,
) -> Result<Garbage> {
    let mut garbage = Garbage::default();
    let mut seen = 0;
    let mut cursor = reader.cursor(Cf::Write, range.options())?;
    cursor.seek_to_first()?;
    while cursor.valid() {
        let data_key = split_version(cursor.key())?.0.to_vec();
        if garbage.keys.len() >= limits.found || seen >= limits.seen {
            garbage.next = Some(user_key(&data_key)?);
            break;
        }
        seen += 1;
        let lone = match current_write(cursor.as_ref(), &data_key)? {
            Some((_, write)) if write.kind == WriteKind::Put => {
                !(cursor.next()? && current_write(cursor.as_ref(), &data_key)?.is_some())
            }
            _ => false,
        };
        if lone {
            continue;
        }
        garbage.is_mixed = true;
        cursor.seek(&version_key(&data_key, safe_point))?;
        // Only a single `Put` under the safe point is not garbage.
        let is_garbage = match current_write(cursor.as_ref(), &data_key)? {
            None => false,
            Some((_, write)) if write.kind != WriteKind::Put => true,
            Some(_) => cursor.next()? && current_write(cursor.as_ref(), &data_key)?.is_some(),
        };
        if is_garbage {
            garbage.keys.push(user_key(&data_key)?);
        }
        near_seek(cursor.as_mut(), &after_versions(&data_key))?;
    }
    Ok(garbage)
}

/// Adds to `batch` what removes a key's garbage. Of the versions at or below `safe_point`, the newest that puts a value stays,
/// unless it was deleted since; records of locks and rollbacks go, as every transaction that started
/// before the safe point is settled.
pub fn collect_key(
    reader: &dyn Reader,
    key: &[u8],
    safe_point: Timestamp,
    batch: &mut WriteBatch,
) -> Result<()> {
    let data_key = data_key(key);
    let mut cursor = reader.cursor(Cf::Write, ONE_KEY)?;
    cursor.seek(&version_key(&data_key, safe_point))?;
    let mut decided = false;
    while let Some((commit_ts, write)) = current_write(cursor.as_ref(), &data_key)? {
        assert!(commit_ts <= safe_point, "what a snapshot may still see stays");
        let keep = write.kind == WriteKind::Put && !decided;
        decided |= matches!(write.kind, WriteKind::Put | WriteKind::Delete);
        if !keep {
            batch.delete(Cf::Write, cursor.key());
            if write.kind == WriteKind::Put && write.short_value.is_none() {
                batch.delete(Cf::Default, version_key(&data_key, write.start_ts));
            }
        }
        cursor.next()?;
    }
    Ok(())
}
