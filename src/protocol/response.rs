//! What the server answers: OK, errors, columns, rows.

use bytes::{BufMut, BytesMut};

use super::packet::PacketWriter;
use super::{
    CapabilityFlags, ColumnFlags, ColumnType, StatusFlags, put_lenenc_bytes, put_lenenc_int,
};
use crate::common::SqlError;

/// The end of a statement without rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ok {
    /// Rows changed.
    pub affected_rows: u64,
    /// The first AUTO_INCREMENT value made, or 0.
    pub last_insert_id: u64,
    /// Warnings to be asked for with SHOW WARNINGS.
    pub warnings: u16,
    /// A line for people: `Rows matched: 1  Changed: 1  Warnings: 0`.
    pub info: String,
}

impl Ok {
    /// Writes it as a packet.
    pub fn write(&self, writer: &mut PacketWriter, status: StatusFlags) {
        writer.packet(|out| self.encode(out, 0x00, status));
    }

    fn encode(&self, out: &mut BytesMut, header: u8, status: StatusFlags) {
        out.put_u8(header);
        put_lenenc_int(out, self.affected_rows);
        put_lenenc_int(out, self.last_insert_id);
        out.put_u16_le(status.bits());
        out.put_u16_le(self.warnings);
        // The documents say "to the end of the packet"; servers send a length, and clients count on it.
        if !self.info.is_empty() {
            put_lenenc_bytes(out, self.info.as_bytes());
        }
    }
}

/// Writes an error as a packet.
pub fn write_error(writer: &mut PacketWriter, error: &SqlError) {
    // MySQL's own limit; clients of it keep buffers of this size.
    write_error_in(writer, error, truncate(&error.message, LONGEST_MESSAGE).as_bytes());
}

/// The most bytes of an error's message.
const LONGEST_MESSAGE: usize = 512;

/// The same with the message in the character set that results are sent in.
pub fn write_error_in(writer: &mut PacketWriter, error: &SqlError, message: &[u8]) {
    writer.packet(|out| {
        out.put_u8(0xff);
        out.put_u16_le(error.code);
        out.put_u8(b'#');
        out.extend_from_slice(error.sqlstate().as_bytes());
        out.extend_from_slice(&message[..message.len().min(LONGEST_MESSAGE)]);
    });
}

fn truncate(text: &str, max: usize) -> &str {
    let mut end = text.len().min(max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Writes the end of a list of columns: nothing where the client knows that rows follow.
pub fn write_columns_end(
    writer: &mut PacketWriter,
    capabilities: CapabilityFlags,
    status: StatusFlags,
) {
    if !capabilities.contains(CapabilityFlags::CLIENT_DEPRECATE_EOF) {
        write_eof(writer, status, 0);
    }
}

/// Writes the end of a list of rows.
pub fn write_rows_end(
    writer: &mut PacketWriter,
    capabilities: CapabilityFlags,
    status: StatusFlags,
    warnings: u16,
) {
    if capabilities.contains(CapabilityFlags::CLIENT_DEPRECATE_EOF) {
        let end = Ok { warnings, ..Ok::default() };
        writer.packet(|out| end.encode(out, 0xfe, status));
    } else {
        write_eof(writer, status, warnings);
    }
}

/// Writes an EOF packet of the old kind.
pub fn write_eof(writer: &mut PacketWriter, status: StatusFlags, warnings: u16) {
    writer.packet(|out| {
        out.put_u8(0xfe);
        out.put_u16_le(warnings);
        out.put_u16_le(status.bits());
    });
}

/// A column of a result.
#[derive(Clone, Debug, PartialEq)]
pub struct Column<'a> {
    /// Database, or empty.
    pub schema: &'a str,
    /// Alias of the table, or empty.
    pub table: &'a str,
    /// Name of the table, or empty.
    pub org_table: &'a str,
    /// Alias of the column, in the character set of results.
    pub name: &'a [u8],
    /// Name of the column, or empty.
    pub org_name: &'a str,
    /// Character set and collation by number: 63 is binary.
    pub collation: u16,
    /// Most bytes (characters × 4 for text) a value shows as.
    pub length: u32,
    /// Its type.
    pub kind: ColumnType,
    /// NOT NULL, keys, UNSIGNED and so on.
    pub flags: ColumnFlags,
    /// Digits after the point; 31 where any number may come.
    pub decimals: u8,
}

impl Column<'_> {
    /// Writes it as a packet.
    pub fn write(&self, writer: &mut PacketWriter) {
        writer.packet(|out| {
            put_lenenc_bytes(out, b"def");
            for name in [self.schema, self.table, self.org_table] {
                put_lenenc_bytes(out, name.as_bytes());
            }
            put_lenenc_bytes(out, self.name);
            put_lenenc_bytes(out, self.org_name.as_bytes());
            out.put_u8(0x0c);
            out.put_u16_le(self.collation);
            out.put_u32_le(self.length);
            out.put_u8(self.kind as u8);
            out.put_u16_le(self.flags.bits());
            out.put_u8(self.decimals);
            out.put_u16_le(0);
        });
    }
}

/// Writes how many columns follow.
pub fn write_column_count(writer: &mut PacketWriter, count: usize) {
    writer.packet(|out| put_lenenc_int(out, count as u64));
}

/// Writes the first packet of the answer to COM_STMT_PREPARE.
pub fn write_prepare_ok(
    writer: &mut PacketWriter,
    statement: u32,
    columns: u16,
    parameters: u16,
    warnings: u16,
) {
    writer.packet(|out| {
        out.put_u8(0);
        out.put_u32_le(statement);
        out.put_u16_le(columns);
        out.put_u16_le(parameters);
        out.put_u8(0);
        out.put_u16_le(warnings);
    });
}

/// A NULL in a text row.
pub fn put_text_null(out: &mut BytesMut) {
    out.put_u8(0xfb);
}

/// A row of the binary protocol, being written into a packet.
///
/// NULLs are bits at the front of the row, two positions off; values follow without the NULLs.
#[derive(Debug)]
pub struct BinaryRow<'a> {
    out: &'a mut BytesMut,
    bitmap: usize,
    column: usize,
}

impl<'a> BinaryRow<'a> {
    /// Starts a row in the packet begun.
    pub fn begin(out: &'a mut BytesMut, columns: usize) -> BinaryRow<'a> {
        out.put_u8(0);
        let bitmap = out.len();
        out.put_bytes(0, (columns + 9) / 8);
        BinaryRow { out, bitmap, column: 0 }
    }

    /// The next value is NULL.
    pub fn null(&mut self) {
        let bit = self.column + 2;
        self.out[self.bitmap + bit / 8] |= 1 << (bit % 8);
        self.column += 1;
    }

    /// The next value is an integer of this many bytes (1, 2, 4 or 8), signed or not.
    pub fn int(&mut self, value: u64, bytes: usize) {
        self.out.put_uint_le(value & (u64::MAX >> (64 - 8 * bytes)), bytes);
        self.column += 1;
    }

    /// The next value is a DOUBLE.
    pub fn double(&mut self, value: f64) {
        self.out.put_f64_le(value);
        self.column += 1;
    }

    /// The next value is a FLOAT.
    pub fn float(&mut self, value: f32) {
        self.out.put_f32_le(value);
        self.column += 1;
    }

    /// The next value is a string (or a DECIMAL, as text).
    pub fn bytes(&mut self, value: &[u8]) {
        put_lenenc_bytes(self.out, value);
        self.column += 1;
    }

    /// The next value is a DATE, DATETIME or TIMESTAMP; parts that are zero at the end are left out.
    pub fn datetime(&mut self, value: DateTimeParts) {
        let DateTimeParts { year, month, day, hour, minute, second, micros } = value;
        let length =
            match (micros, hour | minute | second, u32::from(year) + u32::from(month | day)) {
                (0, 0, 0) => 0,
                (0, 0, _) => 4,
                (0, _, _) => 7,
                _ => 11,
            };
        self.out.put_u8(length);
        if length >= 4 {
            self.out.put_u16_le(year);
            self.out.put_u8(month);
            self.out.put_u8(day);
        }
        if length >= 7 {
            self.out.extend_from_slice(&[hour, minute, second]);
        }
        if length == 11 {
            self.out.put_u32_le(micros);
        }
        self.column += 1;
    }

    /// The next value is a TIME, in microseconds.
    pub fn time(&mut self, micros: i64) {
        let (negative, total) = (micros < 0, micros.unsigned_abs());
        let (seconds, fraction) = (total / 1_000_000, (total % 1_000_000) as u32);
        let length = match (seconds, fraction) {
            (0, 0) => 0,
            (_, 0) => 8,
            _ => 12,
        };
        self.out.put_u8(length);
        if length > 0 {
            self.out.put_u8(negative.into());
            self.out.put_u32_le((seconds / 86400) as u32);
            self.out.put_u8((seconds / 3600 % 24) as u8);
            self.out.put_u8((seconds / 60 % 60) as u8);
            self.out.put_u8((seconds % 60) as u8);
        }
        if length == 12 {
            self.out.put_u32_le(fraction);
        }
        self.column += 1;
    }
}

/// A day and a time, in parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DateTimeParts {
    /// 0 to 9999.
    pub year: u16,
    /// 0 to 12.
    pub month: u8,
    /// 0 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
    /// 0 to 999999.
    pub micros: u32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::common::errno;

    #[test]
    fn an_error_has_number_state_and_message() {
        let mut writer = PacketWriter::new(1);
        write_error(&mut writer, &SqlError::new(errno::NO_SUCH_TABLE, "Table 'a.b' doesn't exist"));
        let bytes = writer.take();
        assert_eq!(&bytes[3..13], b"\x01\xff\x7a\x04#42S02");
        assert!(bytes.ends_with(b"doesn't exist"));
    }

    #[test]
    fn a_long_error_is_cut_between_characters() {
        assert_eq!(truncate("aé", 2), "a");
        assert_eq!(truncate("aé", 3), "aé");
    }

    #[test]
    fn a_binary_row_marks_its_nulls() {
        let mut out = BytesMut::new();
        let mut row = BinaryRow::begin(&mut out, 3);
        row.int(u64::MAX, 4);
        row.null();
        row.bytes(b"x");
        assert_eq!(out, [&[0, 0b1000][..], &[0xff; 4], &[1, b'x']].concat());
    }

    #[test]
    fn times_leave_zero_parts_out() {
        let mut out = BytesMut::new();
        let mut row = BinaryRow::begin(&mut out, 4);
        row.datetime(DateTimeParts { year: 2024, month: 2, day: 29, ..DateTimeParts::default() });
        row.datetime(DateTimeParts::default());
        row.time(-(86_400_000_000 + 3_600_000_000));
        row.time(0);
        assert_eq!(out[2..], [4, 0xe8, 7, 2, 29, 0, 8, 1, 1, 0, 0, 0, 1, 0, 0, 0]);
    }
}
