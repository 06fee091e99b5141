//! The last record of a file that is only appended to: was it never finished, or is it damaged?
//!
//! A power cut may leave a part of a record that was never acknowledged: the file ends within it, or the file has its
//! length already and the rest reads as zeros. That is cut off. Anything else that does not read was acknowledged
//! perhaps, so it is refused. RocksDB knows the first form only, and takes a damaged length for it.
//!
//! The two are told apart by this: what is missing is missing up to the end of the file, and no record that counts
//! ends with a zero byte (the engine sees to that, see [`super::RocksEngine`]), so an end that reads as zero never came.
//!
//! The format is that of RocksDB's write-ahead log and manifest: blocks of 32 KiB, in them fragments of records, each
//! behind a masked crc32c of its type and bytes (u32 LE), its length (u16 LE) and its type; a block's last bytes are
//! zero where no header fits.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::storage::engine::{Error, Result};

const BLOCK: usize = 32 << 10;
const HEADER: usize = 7;
const FULL: u8 = 1;
const FIRST: u8 = 2;
const MIDDLE: u8 = 3;
const LAST: u8 = 4;

/// What the end of such a file is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tail {
    /// Every record reads.
    Whole,
    /// The last record is not finished: what counts ends here.
    Torn(usize),
    /// What stands here is not what was written.
    Damaged(usize),
}

/// A file whose last record is not finished.
#[derive(Debug)]
pub(super) struct Torn {
    path: PathBuf,
    keep: u64,
    len: u64,
}

impl Torn {
    /// Cuts the record off, durably.
    pub(super) fn cut(&self) -> Result<()> {
        let cut = || {
            let file = File::options().write(true).open(&self.path)?;
            file.set_len(self.keep)?;
            file.sync_all()
        };
        cut().map_err(|error| failed("cut", &self.path, &error))
    }

    /// Says so.
    pub(super) fn report(&self) {
        tracing::warn!(
            file = %self.path.display(),
            kept_bytes = self.keep,
            cut_bytes = self.len - self.keep,
            "the last record was written in part only, and so was never acknowledged: it is cut off"
        );
    }
}

/// The files of a directory that end with an unfinished record: of the manifest and, if `log` says so, of the
/// write-ahead log. [`Error::Corruption`] if a record is damaged otherwise.
pub(super) fn inspect(directory: &Path, log: bool) -> Result<Vec<Torn>> {
    let mut files: Vec<PathBuf> = manifest(directory).into_iter().collect();
    if log {
        files.extend(last_log(directory).map_err(|error| failed("read", directory, &error))?);
    }
    let mut torn = Vec::new();
    for path in files {
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            // RocksDB says what is missing.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(failed("read", &path, &error)),
        };
        match tail(&bytes) {
            Tail::Whole => {}
            Tail::Torn(keep) => {
                torn.push(Torn { path, keep: keep as u64, len: bytes.len() as u64 });
            }
            Tail::Damaged(at) => {
                let path = path.display();
                let what = format!("{path}: the record at byte {at} is not what was written");
                return Err(Error::Corruption(what));
            }
        }
    }
    Ok(torn)
}

/// The manifest in use.
fn manifest(directory: &Path) -> Option<PathBuf> {
    let name = fs::read_to_string(directory.join("CURRENT")).ok()?;
    let name = name.trim_end();
    name.starts_with("MANIFEST-").then(|| directory.join(name))
}

/// The write-ahead log that was written last.
fn last_log(directory: &Path) -> io::Result<Option<PathBuf>> {
    let mut last: Option<(u64, PathBuf)> = None;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".log")?.parse().ok());
        let Some(number) = number else { continue };
        let newer = last.as_ref().is_none_or(|(last, _)| *last < number);
        if newer && entry.metadata()?.len() > 0 {
            last = Some((number, entry.path()));
        }
    }
    Ok(last.map(|(_, path)| path))
}

/// Reads records to the end, or to the first that does not read.
pub(super) fn tail(bytes: &[u8]) -> Tail {
    // Where the next fragment begins, and where the last whole record ended.
    let (mut at, mut whole) = (0, 0);
    loop {
        let room = BLOCK - at % BLOCK;
        // Where no header fits the block is filled with zeros.
        let next = if room < HEADER { at + room } else { at };
        if next >= bytes.len() {
            return if at == whole { Tail::Whole } else { Tail::Torn(whole) };
        }
        match Fragment::at(bytes, next) {
            Some(fragment) if fragment.reads() => {
                at = next + HEADER + fragment.len;
                if !matches!(fragment.kind, FIRST | MIDDLE) {
                    whole = at;
                }
            }
            fragment if broken_off(bytes, next, fragment) => return Tail::Torn(whole),
            _ => return Tail::Damaged(next),
        }
    }
}

/// A part of a record, within one block.
#[derive(Clone, Copy)]
struct Fragment<'a> {
    checksum: u32,
    kind: u8,
    len: usize,
    /// The bytes behind the header, to the end of the block or of the file.
    rest: &'a [u8],
}

impl Fragment<'_> {
    /// The fragment whose header stands here, if all of the header does.
    fn at(bytes: &[u8], at: usize) -> Option<Fragment<'_>> {
        let block = &bytes[at..bytes.len().min((at / BLOCK + 1) * BLOCK)];
        let (header, rest) = block.split_first_chunk::<HEADER>()?;
        let [c0, c1, c2, c3, low, high, kind] = *header;
        Some(Fragment {
            checksum: u32::from_le_bytes([c0, c1, c2, c3]),
            kind,
            len: usize::from(u16::from_le_bytes([low, high])),
            rest,
        })
    }

    /// Whether it is what was written.
    fn reads(&self) -> bool {
        self.kind != 0
            && self.rest.get(..self.len).is_some_and(|payload| {
                self.checksum == mask(crc32c::crc32c_append(crc32c::crc32c(&[self.kind]), payload))
            })
    }

    /// Whether it would read if it said another length than it does.
    fn has_another_length(&self) -> bool {
        let mut crc = crc32c::crc32c(&[self.kind]);
        self.rest.iter().any(|byte| {
            let found = self.checksum == mask(crc);
            crc = crc32c::crc32c_append(crc, &[*byte]);
            found
        }) || self.checksum == mask(crc)
    }
}

/// Whether what stands here does not read because the rest of it never came.
fn broken_off(bytes: &[u8], at: usize, fragment: Option<Fragment<'_>>) -> bool {
    // Where the last byte that came ends.
    let came = bytes[at..].iter().rposition(|byte| *byte != 0).map_or(at, |last| at + last + 1);
    match fragment {
        Some(fragment) if came >= at + HEADER => {
            let end = at + HEADER + fragment.len;
            (FULL..=LAST).contains(&fragment.kind)
                && end <= (at / BLOCK + 1) * BLOCK
                && came < end
                && !fragment.has_another_length()
        }
        // Not even its header is whole.
        _ => came < at + HEADER,
    }
}

/// How RocksDB writes a checksum down.
fn mask(crc: u32) -> u32 {
    crc.rotate_right(15).wrapping_add(0xA282_EAD8)
}

fn failed(what: &str, path: &Path, error: &io::Error) -> Error {
    Error::Io(format!("cannot {what} {}: {error}", path.display()))
}
