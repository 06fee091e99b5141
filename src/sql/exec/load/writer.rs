//! Rows to the bytes of a file.

use crate::sql::parser::ast::FileFormat;
use crate::sql::types::{Datum, FieldType, write_text};

/// Writes rows as LOAD DATA with the same words reads them.
pub struct RowWriter {
    format: FileFormat,
    types: Vec<FieldType>,
    scratch: Vec<u8>,
}

impl RowWriter {
    /// Of rows of these types.
    pub fn new(format: FileFormat, types: Vec<FieldType>) -> RowWriter {
        RowWriter { format, types, scratch: Vec::new() }
    }

    /// Appends a row.
    pub fn write(&mut self, row: &[Datum], out: &mut Vec<u8>) {
        out.extend_from_slice(&self.format.line_start);
        for (position, value) in row.iter().enumerate() {
            if position > 0 {
                out.extend_from_slice(&self.format.field_end);
            }
            self.value(value, position, out);
        }
        out.extend_from_slice(&self.format.line_end);
    }

    fn value(&mut self, value: &Datum, position: usize, out: &mut Vec<u8>) {
        if value.is_null() {
            match self.format.escape {
                Some(escape) => out.extend_from_slice(&[escape, b'N']),
                None => out.extend_from_slice(b"NULL"),
            }
            return;
        }
        let field_type = &self.types[position];
        let is_text = !field_type.kind.is_numeric();
        let quote = self.format.quote.filter(|_| is_text || !self.format.quotes_optionally);
        self.scratch.clear();
        write_text(value, field_type, &mut self.scratch);
        out.extend(quote);
        for byte in &self.scratch {
            self.escaped(*byte, quote, out);
        }
        out.extend(quote);
    }

    /// A byte, with the escape character in front if it would be taken for something else.
    fn escaped(&self, byte: u8, quote: Option<u8>, out: &mut Vec<u8>) {
        let format = &self.format;
        let Some(escape) = format.escape else {
            // Doubled, a quotation mark in a value is none at its end.
            out.extend((Some(byte) == quote).then_some(byte));
            return out.push(byte);
        };
        let ends_value = quote.is_none() && format.field_end.first() == Some(&byte);
        if byte == 0 {
            out.extend_from_slice(&[escape, b'0']);
        } else if byte == escape
            || Some(byte) == quote
            || ends_value
            || format.line_end.first() == Some(&byte)
        {
            out.extend_from_slice(&[escape, byte]);
        } else {
            out.push(byte);
        }
    }
}
