//! What a client makes of the bytes.

use std::fmt;

use crate::protocol::{CapabilityFlags, StatusFlags, WireReader};

/// An answer to one statement.
#[derive(Debug)]
pub(super) enum Answered {
    Ok { affected: u64, insert_id: u64, warnings: u16, info: String },
    Error { code: u16, state: String, message: String },
    Rows { columns: Vec<String>, rows: Vec<Vec<String>>, warnings: u16 },
}

impl fmt::Display for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let warn = |f: &mut fmt::Formatter<'_>, warnings: u16| match warnings {
            0 => Ok(()),
            count => writeln!(f, "({count} warnings)"),
        };
        match self {
            Answered::Ok { affected, insert_id, warnings, info } => {
                write!(f, "affected {affected}")?;
                if *insert_id > 0 {
                    write!(f, ", insert id {insert_id}")?;
                }
                if !info.is_empty() {
                    write!(f, ", {info}")?;
                }
                writeln!(f)?;
                warn(f, *warnings)
            }
            Answered::Error { code, state, message } => {
                writeln!(f, "ERROR {code} ({state}): {message}")
            }
            Answered::Rows { columns, rows, warnings } => {
                writeln!(f, "{}", columns.join("|"))?;
                for row in rows {
                    writeln!(f, "{}", row.join("|"))?;
                }
                warn(f, *warnings)
            }
        }
    }
}

struct Packets<'a> {
    rest: &'a [u8],
    sequence: u8,
}

impl<'a> Packets<'a> {
    fn next(&mut self) -> &'a [u8] {
        let length = u32::from_le_bytes([self.rest[0], self.rest[1], self.rest[2], 0]) as usize;
        assert_eq!(self.rest[3], self.sequence, "packets are numbered");
        self.sequence = self.sequence.wrapping_add(1);
        let packet = &self.rest[4..4 + length];
        self.rest = &self.rest[4 + length..];
        packet
    }
}

/// Reads the answers of all statements of a command.
pub(super) fn read_answer(
    bytes: &[u8],
    capabilities: CapabilityFlags,
    binary: bool,
) -> Vec<Answered> {
    let mut packets = Packets { rest: bytes, sequence: 1 };
    let mut answers = Vec::new();
    loop {
        let (answer, more) = one(&mut packets, capabilities, binary);
        answers.push(answer);
        if !more {
            assert!(packets.rest.is_empty(), "nothing follows the last answer");
            return answers;
        }
    }
}

fn error(packet: &[u8]) -> Answered {
    Answered::Error {
        code: u16::from_le_bytes([packet[1], packet[2]]),
        state: String::from_utf8_lossy(&packet[4..9]).into_owned(),
        message: String::from_utf8_lossy(&packet[9..]).into_owned(),
    }
}

fn more(status: u16) -> bool {
    StatusFlags::from_bits_truncate(status).contains(StatusFlags::SERVER_MORE_RESULTS_EXISTS)
}

fn one(packets: &mut Packets<'_>, capabilities: CapabilityFlags, binary: bool) -> (Answered, bool) {
    let first = packets.next();
    match first[0] {
        0xff => return (error(first), false),
        0x00 => {
            let mut reader = WireReader::new(&first[1..]);
            let (affected, insert_id) =
                (reader.lenenc_int().unwrap(), reader.lenenc_int().unwrap());
            let (status, warnings) = (reader.u16().unwrap(), reader.u16().unwrap());
            let info = match reader.is_empty() {
                true => String::new(),
                false => String::from_utf8_lossy(reader.lenenc_bytes().unwrap()).into_owned(),
            };
            return (Answered::Ok { affected, insert_id, warnings, info }, more(status));
        }
        _ => {}
    }
    let count = WireReader::new(first).lenenc_int().unwrap() as usize;
    let (mut columns, mut kinds) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let mut reader = WireReader::new(packets.next());
        for _ in 0..4 {
            reader.lenenc_bytes().unwrap();
        }
        columns.push(String::from_utf8_lossy(reader.lenenc_bytes().unwrap()).into_owned());
        reader.lenenc_bytes().unwrap();
        reader.bytes(7).unwrap();
        kinds.push(reader.u8().unwrap());
    }
    let eof = !capabilities.contains(CapabilityFlags::CLIENT_DEPRECATE_EOF);
    if eof {
        assert_eq!(packets.next()[0], 0xfe);
    }
    let mut rows = Vec::new();
    loop {
        let packet = packets.next();
        if packet[0] == 0xff {
            return (error(packet), false);
        }
        if packet[0] == 0xfe && packet.len() < 9 {
            let mut reader = WireReader::new(&packet[1..]);
            let (warnings, status) = if eof {
                (reader.u16().unwrap(), reader.u16().unwrap())
            } else {
                reader.lenenc_int().unwrap();
                reader.lenenc_int().unwrap();
                let status = reader.u16().unwrap();
                (reader.u16().unwrap(), status)
            };
            return (Answered::Rows { columns, rows, warnings }, more(status));
        }
        rows.push(if binary { binary_row(packet, &kinds) } else { text_row(packet, count) });
    }
}

fn text_row(packet: &[u8], count: usize) -> Vec<String> {
    let mut reader = WireReader::new(packet);
    let mut row = Vec::new();
    for _ in 0..count {
        if reader.rest()[0] == 0xfb {
            reader.u8().unwrap();
            row.push("NULL".to_owned());
        } else {
            let bytes = reader.lenenc_bytes().unwrap();
            row.push(String::from_utf8_lossy(bytes).into_owned());
        }
    }
    assert!(reader.is_empty());
    row
}

fn binary_row(packet: &[u8], kinds: &[u8]) -> Vec<String> {
    let mut reader = WireReader::new(&packet[1..]);
    let nulls = reader.bytes((kinds.len() + 9) / 8).unwrap();
    let mut row = Vec::new();
    for (index, kind) in kinds.iter().enumerate() {
        let bit = index + 2;
        if nulls[bit / 8] & (1 << (bit % 8)) != 0 {
            row.push("NULL".to_owned());
            continue;
        }
        row.push(match kind {
            1 => (reader.u8().unwrap() as i8).to_string(),
            2 => (reader.u16().unwrap() as i16).to_string(),
            3 | 9 => (reader.u32().unwrap() as i32).to_string(),
            8 => (reader.u64().unwrap() as i64).to_string(),
            5 => f64::from_bits(reader.u64().unwrap()).to_string(),
            _ => String::from_utf8_lossy(reader.lenenc_bytes().unwrap()).into_owned(),
        });
    }
    assert!(reader.is_empty());
    row
}
