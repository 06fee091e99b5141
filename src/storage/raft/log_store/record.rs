//! The records of a log: each begins with a checksum over its key and its bytes, so that neither a damaged record nor one in
//! the wrong place is ever taken for a log entry.

use ::raft::eraftpb::Entry;
use protobuf::Message as _;

use super::{Result, corrupt};
use crate::common::{LogIndex, RegionId};

const CHECKSUM_LEN: usize = 4;

/// A record: the checksum of its key and its bytes, then its bytes.
pub(super) fn record(key: &[u8], write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut record = vec![0; CHECKSUM_LEN];
    write(&mut record);
    let checksum = checksum(key, &record[CHECKSUM_LEN..]);
    record[..CHECKSUM_LEN].copy_from_slice(&checksum.to_le_bytes());
    record
}

fn checksum(key: &[u8], bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(key), bytes)
}

/// The bytes of a record that is what was written.
pub(super) fn open_record<'a>(region: RegionId, key: &[u8], record: &'a [u8]) -> Result<&'a [u8]> {
    match record.split_first_chunk() {
        Some((expected, bytes)) if u32::from_le_bytes(*expected) == checksum(key, bytes) => {
            Ok(bytes)
        }
        _ => {
            let key = key.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
            Err(corrupt(region, format_args!("the checksum of record {key} is wrong")))
        }
    }
}

pub(super) fn put_entry(entry: &Entry, out: &mut Vec<u8>) {
    out.reserve(entry.compute_size() as usize);
    entry.write_to_vec(out).expect("a vector has room, and every field is optional");
}

pub(super) fn parse_entry(
    region: RegionId,
    index: LogIndex,
    key: &[u8],
    record: &[u8],
) -> Result<Entry> {
    let bytes = open_record(region, key, record)?;
    let entry = Entry::parse_from_bytes(bytes)
        .map_err(|error| corrupt(region, format_args!("entry {index} does not decode: {error}")))?;
    if entry.index == index.0 {
        Ok(entry)
    } else {
        Err(corrupt(region, format_args!("entry {index} says it is entry {}", entry.index)))
    }
}
