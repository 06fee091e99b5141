//! The files of tables that `scripts/collations.py` makes.

use std::io::Read as _;

use flate2::read::ZlibDecoder;

static UNICODE: &[u8] = include_bytes!("unicode.bin");
static CHARSETS: &[u8] = include_bytes!("charsets.bin");

/// A table by its name. There is one for every name that code asks for, which a test of all collations shows.
pub(in crate::sql::types) fn table(name: &str) -> Vec<u8> {
    let packed = find(UNICODE, name).or_else(|| find(CHARSETS, name)).unwrap_or_default();
    let mut table = Vec::new();
    ZlibDecoder::new(packed).read_to_end(&mut table).expect("tables are as they were packed");
    table
}

fn find<'f>(mut file: &'f [u8], name: &str) -> Option<&'f [u8]> {
    loop {
        let (found, rest) = file.split_at(memchr::memchr(0, file)?);
        let (len, rest) = rest[1..].split_first_chunk()?;
        let (content, rest) = rest.split_at(u32::from_le_bytes(*len) as usize);
        if found == name.as_bytes() {
            return Some(content);
        }
        file = rest;
    }
}

/// Reads numbers from a table.
pub(in crate::sql::types) struct Reader<'t> {
    rest: &'t [u8],
}

impl<'t> Reader<'t> {
    /// From the start.
    pub(in crate::sql::types) fn new(table: &'t [u8]) -> Reader<'t> {
        Reader { rest: table }
    }

    /// A number of two bytes; zero behind the end.
    pub(super) fn short(&mut self) -> u16 {
        let Some((bytes, rest)) = self.rest.split_first_chunk() else { return 0 };
        self.rest = rest;
        u16::from_le_bytes(*bytes)
    }

    /// A number of four bytes; zero behind the end.
    pub(in crate::sql::types) fn long(&mut self) -> u32 {
        let Some((bytes, rest)) = self.rest.split_first_chunk() else { return 0 };
        self.rest = rest;
        u32::from_le_bytes(*bytes)
    }

    /// What is left, as numbers of two bytes.
    pub(super) fn shorts(self) -> Vec<u16> {
        self.rest.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect()
    }
}
