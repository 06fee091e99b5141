//! A region's data as a file, on its way to a replica that the log cannot bring up to date.
//!
//! A file holds the pairs of the three data families in key order:
//!
//! ```text
//! one byte     1 default, 2 lock, 3 write; 0: the end
//! u32 LE ×2    lengths of key and value
//! bytes        the key as the engine has it, the value
//! ```
//!
//! It is made from one state of the engine, and that state's own apply state says which entry is the
//! last in it: both were written in one batch. The header travels in the raft message and carries the
//! size and checksum of the file, so that a file is used only as a whole.

use std::io::{self, Read, Write};

use prost::Message;

use super::{Region, convert};
use crate::storage::codec::keys;
use crate::storage::engine::{Cf, Engine, IterOptions, Reader, WriteBatch};
use crate::storage::proto::raft_serverpb::RaftSnapshotData;
use crate::storage::region::state;

/// The families in a file, in their order.
const FAMILIES: [Cf; 3] = [Cf::Default, Cf::Lock, Cf::Write];
/// The version of the file's form.
const VERSION: u64 = 1;
/// No key or value is longer; a longer one is a damaged file.
const LENGTH_MAX: usize = 1 << 30;

/// What a snapshot's raft message says about its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotHeader {
    /// The region at the snapshot's last entry.
    pub region: Region,
    /// The bytes of the file.
    pub file_size: u64,
    /// Their checksum, crc32c.
    pub checksum: u32,
}

impl SnapshotHeader {
    /// The bytes for the raft message.
    pub fn encode(&self) -> Vec<u8> {
        RaftSnapshotData {
            region: Some(convert::region_to_proto(&self.region)),
            file_size: self.file_size,
            data: Vec::new(),
            version: VERSION,
            checksum: self.checksum,
        }
        .encode_to_vec()
    }

    /// Reads the bytes of a raft message; the error says what is wrong with them.
    pub fn decode(bytes: &[u8]) -> Result<SnapshotHeader, String> {
        let data = RaftSnapshotData::decode(bytes).map_err(|error| error.to_string())?;
        if data.version != VERSION {
            return Err(format!("the snapshot has version {}, not {VERSION}", data.version));
        }
        let region = data.region.ok_or("the snapshot names no region")?;
        Ok(SnapshotHeader {
            region: convert::region_from_proto(region),
            file_size: data.file_size,
            checksum: data.checksum,
        })
    }
}

/// Counts and sums what is written through it.
struct Summed<W> {
    out: W,
    size: u64,
    checksum: u32,
}

impl<W: Write> Write for Summed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.size += written as u64;
        self.checksum = crc32c::crc32c_append(self.checksum, &bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Writes a region's data, as a state of the engine has it; answers the header.
pub fn write_file(
    reader: &dyn Reader,
    region: &Region,
    out: &mut dyn Write,
) -> Result<SnapshotHeader, String> {
    let mut out = Summed { out, size: 0, checksum: 0 };
    for (number, cf) in (1u8..).zip(FAMILIES) {
        let bounds = IterOptions {
            lower: Some(keys::data_key(&region.start_key)),
            upper: Some(keys::data_end_key(&region.end_key)),
            ..IterOptions::default()
        };
        let mut cursor = reader.cursor(cf, bounds).map_err(|error| error.to_string())?;
        let mut valid = cursor.seek_to_first().map_err(|error| error.to_string())?;
        while valid {
            write_pair(&mut out, number, cursor.key(), cursor.value())
                .map_err(|error| error.to_string())?;
            valid = cursor.next().map_err(|error| error.to_string())?;
        }
    }
    out.write_all(&[0]).and_then(|()| out.flush()).map_err(|error| error.to_string())?;
    Ok(SnapshotHeader { region: region.clone(), file_size: out.size, checksum: out.checksum })
}

fn write_pair(out: &mut impl Write, family: u8, key: &[u8], value: &[u8]) -> io::Result<()> {
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).map_err(io::Error::other);
    out.write_all(&[family])?;
    out.write_all(&length(key)?.to_le_bytes())?;
    out.write_all(&length(value)?.to_le_bytes())?;
    out.write_all(key)?;
    out.write_all(value)
}

/// The checksum and size of a file.
pub fn sum_file(file: &mut dyn Read) -> io::Result<(u64, u32)> {
    let (mut size, mut checksum) = (0, 0);
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok((size, checksum));
        }
        size += read as u64;
        checksum = crc32c::crc32c_append(checksum, &buffer[..read]);
    }
}

/// Replaces a region's data with a file's. What is between `also` (the region's range before) and its
/// range now goes as well.
pub fn replace_data(
    engine: &dyn Engine,
    region: &Region,
    also: Option<&Region>,
    file: &mut dyn Read,
) -> Result<(), String> {
    let mut batch = WriteBatch::new();
    for range in also.into_iter().chain([region]) {
        state::delete_data(&mut batch, &range.start_key, &range.end_key);
    }
    engine.write(batch, false).map_err(|error| error.to_string())?;
    let mut pairs = Pairs { file, next: None, error: None };
    pairs.advance();
    for (number, cf) in (1u8..).zip(FAMILIES) {
        let mut family = FamilyPairs { pairs: &mut pairs, family: number };
        engine.ingest(cf, &mut family).map_err(|error| error.to_string())?;
    }
    match pairs {
        Pairs { error: Some(error), .. } => Err(error.to_string()),
        Pairs { next: Some(_), .. } => Err("the snapshot's families are out of order".to_owned()),
        Pairs { .. } => Ok(()),
    }
}

/// The pairs of a file, one ahead.
struct Pairs<'a> {
    file: &'a mut dyn Read,
    next: Option<(u8, Vec<u8>, Vec<u8>)>,
    error: Option<io::Error>,
}

impl Pairs<'_> {
    fn advance(&mut self) {
        match self.read() {
            Ok(next) => self.next = next,
            Err(error) => {
                self.next = None;
                self.error = Some(error);
            }
        }
    }

    #[allow(clippy::type_complexity, reason = "family, key and value of one record")]
    fn read(&mut self) -> io::Result<Option<(u8, Vec<u8>, Vec<u8>)>> {
        let mut family = [0];
        self.file.read_exact(&mut family)?;
        if family[0] == 0 {
            return Ok(None);
        }
        let mut length = || {
            let mut bytes = [0; 4];
            self.file.read_exact(&mut bytes)?;
            let length = u32::from_le_bytes(bytes) as usize;
            if length > LENGTH_MAX { Err(io::Error::other("too long")) } else { Ok(length) }
        };
        let (mut key, mut value) = (vec![0; length()?], vec![0; length()?]);
        self.file.read_exact(&mut key)?;
        self.file.read_exact(&mut value)?;
        Ok(Some((family[0], key, value)))
    }
}

/// The pairs of one family.
struct FamilyPairs<'a, 'b> {
    pairs: &'a mut Pairs<'b>,
    family: u8,
}

impl Iterator for FamilyPairs<'_, '_> {
    type Item = (Vec<u8>, Vec<u8>);

    fn next(&mut self) -> Option<Self::Item> {
        self.pairs.next.as_ref().filter(|(family, ..)| *family == self.family)?;
        let (_, key, value) = self.pairs.next.take()?;
        self.pairs.advance();
        Some((key, value))
    }
}

#[cfg(test)]
mod tests {
    use super::super::bootstrap::first_region;
    use super::*;
    use crate::common::{PeerId, RegionId, StoreId};
    use crate::storage::engine::MemoryEngine;

    fn region() -> Region {
        let mut region = first_region(RegionId(2), PeerId(3), StoreId(1));
        region.start_key = "b".into();
        region.end_key = "d".into();
        region
    }

    fn put(engine: &MemoryEngine, cf: Cf, key: &str, value: &str) {
        let mut batch = WriteBatch::new();
        batch.put(cf, format!("z{key}"), value);
        engine.write(batch, true).unwrap();
    }

    fn get(engine: &MemoryEngine, cf: Cf, key: &str) -> Option<String> {
        let value = engine.get(cf, format!("z{key}").as_bytes()).unwrap()?;
        Some(String::from_utf8(value).unwrap())
    }

    #[test]
    fn a_file_replaces_what_was_in_the_range() {
        let from = MemoryEngine::new();
        for (cf, key) in [(Cf::Default, "b1"), (Cf::Lock, "c"), (Cf::Write, "b1"), (Cf::Write, "d")]
        {
            put(&from, cf, key, "new");
        }
        let mut file = Vec::new();
        let header = write_file(&*from.snapshot(), &region(), &mut file).unwrap();
        assert_eq!(sum_file(&mut &file[..]).unwrap(), (header.file_size, header.checksum));
        assert_eq!(SnapshotHeader::decode(&header.encode()), Ok(header));

        let to = MemoryEngine::new();
        for key in ["a", "b0", "c", "e"] {
            put(&to, Cf::Write, key, "old");
        }
        replace_data(&to, &region(), None, &mut &file[..]).unwrap();
        let kept = |key| get(&to, Cf::Write, key);
        assert_eq!(kept("a").as_deref(), Some("old"), "outside");
        assert_eq!(kept("e").as_deref(), Some("old"), "outside");
        assert_eq!(kept("b0"), None);
        assert_eq!(kept("b1").as_deref(), Some("new"));
        assert_eq!(kept("d"), None, "not in the region");
        assert_eq!(get(&to, Cf::Lock, "c").as_deref(), Some("new"));
        assert_eq!(get(&to, Cf::Default, "b1").as_deref(), Some("new"));
    }

    #[test]
    fn half_a_file_is_an_error() {
        let from = MemoryEngine::new();
        put(&from, Cf::Write, "b1", "value");
        let mut file = Vec::new();
        write_file(&*from.snapshot(), &region(), &mut file).unwrap();
        file.truncate(file.len() - 3);
        assert!(replace_data(&MemoryEngine::new(), &region(), None, &mut &file[..]).is_err());
    }

    #[test]
    fn another_version_is_refused() {
        let bytes = RaftSnapshotData { version: 9, ..RaftSnapshotData::default() }.encode_to_vec();
        assert!(SnapshotHeader::decode(&bytes).unwrap_err().contains("version 9"));
    }
}
