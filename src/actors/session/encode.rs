//! Rows and columns as packets, straight from values and from record batches.

use std::borrow::Cow;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::DataType;
use arrow::record_batch::RecordBatch;
use bytes::BytesMut;

use crate::common::SqlResult;
use crate::protocol::packet::{HEADER, PacketWriter};
use crate::protocol::response::{self, BinaryRow, Column, DateTimeParts};
use crate::protocol::{ColumnFlags, ColumnType, put_lenenc_bytes};
use crate::sql::plan::OutputColumn;
use crate::sql::types::flags::BINARY;
use crate::sql::types::{
    BinaryForm, Charset, Datum, FieldType, TypeKind, datum_from_array, write_text,
};

/// Which protocol rows are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// COM_QUERY's: everything is text.
    Text,
    /// COM_STMT_EXECUTE's.
    Binary,
}

/// What results are sent in: the collation that is said of texts, and the character set; without one each text is sent in its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spoken {
    pub(super) collation: u16,
    pub(super) set: Option<Charset>,
}

impl Spoken {
    /// Nothing is said of texts, and nothing converted.
    pub(super) const PLAIN: Spoken = Spoken { collation: 63, set: Some(Charset::Utf8mb4) };

    /// The set that a column's texts have to be converted to.
    fn conversion(self, field_type: &FieldType) -> Option<Charset> {
        if self.set == Some(Charset::Utf8mb4) || field_type.is_binary_string() {
            return None;
        }
        let textual = field_type.kind.is_textual() || field_type.kind == TypeKind::Json;
        let own = if textual { field_type.collation.character_set() } else { Charset::Ascii };
        let set = self.set.unwrap_or(own);
        let as_it_is = set == own && set.is_kept() || !textual && set.may_be_spoken();
        (!as_it_is && !matches!(set, Charset::Utf8mb4 | Charset::Binary)).then_some(set)
    }
}

/// Writes a column's definition.
pub(super) fn write_column(writer: &mut PacketWriter, column: &OutputColumn, spoken: Spoken) {
    let names = spoken.set.unwrap_or(Charset::Utf8mb4);
    let name = |name: &str| match names.encode(name.as_bytes()) {
        // A name that is no text would be no name.
        Cow::Borrowed(_) => None,
        Cow::Owned(encoded) => Some(encoded),
    };
    let shown = name(&column.name);
    let (org_name, table, org_table, schema) = match &column.origin {
        Some((name, alias, table, database)) => {
            (name.as_str(), alias.as_str(), table.as_str(), database.as_str())
        }
        None => ("", "", "", ""),
    };
    let field_type = &column.field_type;
    let mut flags = field_type.protocol_flags() | column.key_flags;
    // Of numbers only those that are computed are "binary"; drivers take a column of a table that is for bytes.
    if column.origin.is_some() && field_type.kind.is_numeric() {
        flags &= !BINARY;
    }
    Column {
        schema,
        table,
        org_table,
        name: shown.as_deref().unwrap_or(column.name.as_bytes()),
        org_name,
        collation: field_type.protocol_charset(match spoken.set {
            None => field_type.collation.id(),
            Some(_) => spoken.collation,
        }),
        length: field_type.protocol_length(spoken.set),
        kind: ColumnType::try_from(field_type.protocol_type())
            .unwrap_or(ColumnType::MYSQL_TYPE_VAR_STRING),
        flags: ColumnFlags::from_bits_truncate(flags),
        decimals: field_type.protocol_decimals(),
    }
    .write(writer);
}

/// Writes a column's definition as COM_FIELD_LIST answers it: with a default, which is always NULL here.
pub(super) fn write_field(writer: &mut PacketWriter, column: &OutputColumn, spoken: Spoken) {
    let mut alone = PacketWriter::new(0);
    write_column(&mut alone, column, spoken);
    let packet = alone.take();
    writer.packet(|out| {
        out.extend_from_slice(&packet[HEADER..]);
        response::put_text_null(out);
    });
}

/// Writes rows of one result.
pub(super) struct RowEncoder<'a> {
    columns: &'a [OutputColumn],
    format: Format,
    scratch: Vec<u8>,
    /// What each column's texts are converted to; none of any where none is.
    conversions: Vec<Option<Charset>>,
}

impl<'a> RowEncoder<'a> {
    pub(super) fn new(
        columns: &'a [OutputColumn],
        format: Format,
        spoken: Spoken,
    ) -> RowEncoder<'a> {
        let of = |column: &OutputColumn| spoken.conversion(&column.field_type);
        let conversions = match columns.iter().any(|column| of(column).is_some()) {
            true => columns.iter().map(of).collect(),
            false => Vec::new(),
        };
        RowEncoder { columns, format, scratch: Vec::new(), conversions }
    }

    /// A row with its texts in what they are sent in.
    fn converted(&self, row: &[Datum]) -> Vec<Datum> {
        let cells = row.iter().zip(self.columns).zip(&self.conversions);
        cells
            .map(|((value, column), set)| match set {
                Some(set) if !value.is_null() && self.is_text(&column.field_type) => {
                    let mut text = Vec::new();
                    write_text(value, &column.field_type, &mut text);
                    Datum::from(set.encode(&text).into_owned())
                }
                _ => value.clone(),
            })
            .collect()
    }

    fn is_text(&self, field_type: &FieldType) -> bool {
        self.format == Format::Text || field_type.binary_form() == BinaryForm::Text
    }

    /// Writes a row of values.
    pub(super) fn row(&mut self, row: &[Datum], writer: &mut PacketWriter) {
        match self.conversions.is_empty() {
            true => self.kept_row(row, writer),
            false => self.kept_row(&self.converted(row), writer),
        }
    }

    fn kept_row(&mut self, row: &[Datum], writer: &mut PacketWriter) {
        let (columns, scratch) = (self.columns, &mut self.scratch);
        let cells = row.iter().zip(columns.iter().map(|column| &column.field_type));
        match self.format {
            Format::Text => writer.packet(|out| {
                for (value, field_type) in cells {
                    put_text(out, value, field_type, scratch);
                }
            }),
            Format::Binary => writer.packet(|out| {
                let mut packet = BinaryRow::begin(out, columns.len());
                for (value, field_type) in cells {
                    put_binary(&mut packet, value, field_type, scratch);
                }
            }),
        }
    }

    /// Writes a row of a record batch.
    pub(super) fn batch_row(
        &mut self,
        batch: &RecordBatch,
        row: usize,
        writer: &mut PacketWriter,
    ) -> SqlResult<()> {
        if !self.conversions.is_empty() {
            let cells = batch.columns().iter().zip(self.columns);
            let values =
                cells.map(|(array, column)| datum_from_array(array, row, &column.field_type));
            self.row(&values.collect::<SqlResult<Vec<Datum>>>()?, writer);
            return Ok(());
        }
        let (columns, scratch) = (self.columns, &mut self.scratch);
        let cells = batch.columns().iter().zip(columns.iter().map(|column| &column.field_type));
        match self.format {
            Format::Text => writer.packet(|out| {
                for (array, field_type) in cells {
                    if !put_text_of(out, array, row, field_type) {
                        let value = datum_from_array(array, row, field_type)?;
                        put_text(out, &value, field_type, scratch);
                    }
                }
                Ok(())
            }),
            Format::Binary => writer.packet(|out| {
                let mut packet = BinaryRow::begin(out, columns.len());
                for (array, field_type) in cells {
                    match bytes_of(array, row, field_type) {
                        Some(bytes) => packet.bytes(bytes),
                        None => {
                            let value = datum_from_array(array, row, field_type)?;
                            put_binary(&mut packet, &value, field_type, scratch);
                        }
                    }
                }
                Ok(())
            }),
        }
    }
}

/// The bytes of a string in an array, without a copy. A document is kept in another form than it is sent in.
fn bytes_of<'a>(array: &'a ArrayRef, row: usize, field_type: &FieldType) -> Option<&'a [u8]> {
    if array.is_null(row) || field_type.kind == TypeKind::Json {
        return None;
    }
    match array.data_type() {
        DataType::Utf8 => Some(array.as_string::<i32>().value(row).as_bytes()),
        DataType::Binary => Some(array.as_binary::<i32>().value(row)),
        _ => None,
    }
}

/// Writes what needs no type to be written; `false`: it does.
fn put_text_of(out: &mut BytesMut, array: &ArrayRef, row: usize, field_type: &FieldType) -> bool {
    match bytes_of(array, row, field_type) {
        Some(bytes) => {
            put_lenenc_bytes(out, bytes);
            true
        }
        None => false,
    }
}

/// Appends a value as text with its length.
fn put_text(out: &mut BytesMut, value: &Datum, field_type: &FieldType, scratch: &mut Vec<u8>) {
    match value {
        Datum::Null => response::put_text_null(out),
        Datum::Bytes(bytes) => put_lenenc_bytes(out, bytes),
        Datum::Int(number) if !field_type.zerofill && field_type.kind != TypeKind::Year => {
            put_lenenc_bytes(out, itoa::Buffer::new().format(*number).as_bytes());
        }
        Datum::Member(member) => put_lenenc_bytes(out, &member.text),
        Datum::Int(_)
        | Datum::UInt(_)
        | Datum::Float(_)
        | Datum::Decimal(_)
        | Datum::Time(_)
        | Datum::Duration(_)
        | Datum::Json(_) => {
            scratch.clear();
            write_text(value, field_type, scratch);
            put_lenenc_bytes(out, scratch);
        }
    }
}

/// Appends a value in its column's binary form. The form follows the column, which is what the client was told, not the
/// value: one of another type is converted.
fn put_binary(
    row: &mut BinaryRow<'_>,
    value: &Datum,
    field_type: &FieldType,
    scratch: &mut Vec<u8>,
) {
    if value.is_null() {
        return row.null();
    }
    match field_type.binary_form() {
        BinaryForm::Null => row.null(),
        BinaryForm::Integer(bytes) => row.int(integer(value), bytes),
        BinaryForm::Float => row.float(float(value) as f32),
        BinaryForm::Double => row.double(float(value)),
        BinaryForm::Date => {
            let Datum::Time(time) = value else { return row.null() };
            let parts = time.parts();
            row.datetime(DateTimeParts {
                year: parts.year as u16,
                month: parts.month as u8,
                day: parts.day as u8,
                hour: parts.hour as u8,
                minute: parts.minute as u8,
                second: parts.second as u8,
                micros: parts.micro,
            });
        }
        BinaryForm::Time => {
            let Datum::Duration(duration) = value else { return row.null() };
            row.time(duration.micros);
        }
        BinaryForm::Text => {
            if let Datum::Bytes(bytes) = value {
                return row.bytes(bytes);
            }
            scratch.clear();
            write_text(value, field_type, scratch);
            row.bytes(scratch);
        }
    }
}

/// The bits of a value as an integer.
fn integer(value: &Datum) -> u64 {
    match value {
        Datum::Int(number) => number.cast_unsigned(),
        Datum::UInt(number) => *number,
        other => (float(other) as i64).cast_unsigned(),
    }
}

fn float(value: &Datum) -> f64 {
    match value {
        Datum::Int(number) => *number as f64,
        Datum::UInt(number) => *number as f64,
        Datum::Float(number) => *number,
        Datum::Decimal(number) => number.to_f64(),
        other => other.to_text().parse().unwrap_or(0.0),
    }
}
