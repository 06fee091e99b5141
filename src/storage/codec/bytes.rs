//! Memcomparable byte strings.
//!
//! The string is cut into groups of eight, the last one padded with zeros, and behind each group stands a marker:
//! 255 when the group is full and another follows, else 247 plus the number of bytes that count. A string whose
//! length is a multiple of eight ends with a group in which none count. The marker decides between a string and
//! its continuation, so the order is that of the strings, and no encoding is a prefix of another.
//! The descending variant inverts every bit.

use super::{Error, Result};

const GROUP: usize = 8;
const ENCODED_GROUP: usize = GROUP + 1;
const FULL: u8 = 0xFF;

/// How many bytes a string of `len` bytes takes.
pub const fn encoded_len(len: usize) -> usize {
    (len / GROUP + 1) * ENCODED_GROUP
}

/// Appends a string.
pub fn put_bytes(out: &mut Vec<u8>, value: &[u8]) {
    out.reserve(encoded_len(value.len()));
    let (groups, rest) = value.as_chunks::<GROUP>();
    for group in groups {
        let mut encoded = [FULL; ENCODED_GROUP];
        encoded[..GROUP].copy_from_slice(group);
        out.extend_from_slice(&encoded);
    }
    let mut last = [0; ENCODED_GROUP];
    last[..rest.len()].copy_from_slice(rest);
    last[GROUP] = FULL - (GROUP - rest.len()) as u8;
    out.extend_from_slice(&last);
}

/// Appends a string, larger ones first.
pub fn put_bytes_desc(out: &mut Vec<u8>, value: &[u8]) {
    let start = out.len();
    put_bytes(out, value);
    invert(&mut out[start..]);
}

/// Reads what [`put_bytes`] wrote.
pub fn take_bytes(input: &mut &[u8]) -> Result<Vec<u8>> {
    let mut value = Vec::new();
    take_bytes_into(input, &mut value)?;
    Ok(value)
}

/// Appends what [`put_bytes`] wrote to a buffer. On an error the buffer may hold a part, and the input stays.
pub fn take_bytes_into(input: &mut &[u8], value: &mut Vec<u8>) -> Result<()> {
    let mut groups = Groups::new(input);
    for group in &mut groups {
        value.extend_from_slice(group?);
    }
    *input = groups.rest();
    Ok(())
}

/// How long the string is that [`put_bytes_desc`] wrote here.
pub(super) fn desc_len(input: &[u8]) -> usize {
    // The marker of the last group is not 255, so its inversion is not 0.
    let last = input.chunks(ENCODED_GROUP).position(|group| group.last() != Some(&!FULL));
    last.map_or(input.len(), |last| input.len().min((last + 1) * ENCODED_GROUP))
}

/// Reads what [`put_bytes_desc`] wrote.
pub fn take_bytes_desc(input: &mut &[u8]) -> Result<Vec<u8>> {
    let mut copy = input[..desc_len(input)].to_vec();
    invert(&mut copy);
    let value = take_bytes(&mut copy.as_slice())?;
    *input = &input[copy.len()..];
    Ok(value)
}

/// Moves past a string and answers with its encoded form.
pub fn skip_bytes<'a>(input: &mut &'a [u8]) -> Result<&'a [u8]> {
    let whole = *input;
    let mut groups = Groups::new(input);
    for group in &mut groups {
        group?;
    }
    *input = groups.rest();
    Ok(&whole[..whole.len() - input.len()])
}

fn invert(bytes: &mut [u8]) {
    bytes.iter_mut().for_each(|byte| *byte = !*byte);
}

/// The groups of an encoded string without their padding, one after the other and without a copy. Ends after the
/// last group or the first error.
pub struct Groups<'a> {
    rest: &'a [u8],
    done: bool,
}

impl<'a> Groups<'a> {
    /// Starts at the beginning of an encoded string; more may stand behind it.
    pub fn new(input: &'a [u8]) -> Groups<'a> {
        Groups { rest: input, done: false }
    }

    /// What follows the groups read so far.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    fn read(&mut self) -> Result<&'a [u8]> {
        self.done = true;
        let (encoded, rest) = self
            .rest
            .split_first_chunk::<ENCODED_GROUP>()
            .ok_or(Error::Truncated("byte string"))?;
        let (group, marker) = (&encoded[..GROUP], encoded[GROUP]);
        self.rest = rest;
        if marker == FULL {
            self.done = false;
            return Ok(group);
        }
        let padding = usize::from(FULL - marker);
        if padding > GROUP || group[GROUP - padding..].iter().any(|byte| *byte != 0) {
            return Err(Error::Malformed("byte string"));
        }
        Ok(&group[..GROUP - padding])
    }
}

impl<'a> Iterator for Groups<'a> {
    type Item = Result<&'a [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done { None } else { Some(self.read()) }
    }
}
