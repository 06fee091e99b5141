//! Rows come back from files, however their bytes come.

use super::{RowReader, RowWriter};
use crate::sql::parser::ast::FileFormat;
use crate::sql::types::{Datum, FieldType};

/// The rows of a file that comes in pieces of so many bytes.
fn rows(format: &FileFormat, width: usize, skip: u64, file: &[u8], piece: usize) -> String {
    let mut reader = RowReader::new(format.clone(), width, skip).unwrap();
    let mut lines = String::new();
    let mut take = |reader: &mut RowReader| {
        while let Some(row) = reader.next_row() {
            let shown = row.values.iter().map(|value| match value {
                Some(value) => String::from_utf8_lossy(value).into_owned(),
                None => "NULL".to_owned(),
            });
            lines.push_str(&shown.collect::<Vec<_>>().join("|"));
            lines.push_str(if row.is_cut { " cut\n" } else { "\n" });
        }
    };
    for piece in file.chunks(piece) {
        reader.push(piece);
        take(&mut reader);
    }
    reader.finish();
    take(&mut reader);
    lines
}

fn csv() -> FileFormat {
    FileFormat { field_end: b",".to_vec(), quote: Some(b'"'), ..FileFormat::default() }
}

#[test]
fn files_are_read() {
    let tabs = FileFormat::default();
    let cases: &[(&FileFormat, u64, &str, &str)] = &[
        (&tabs, 0, "1\ta\n2\tb\n", "1|a\n2|b\n"),
        (&tabs, 0, "1\ta\n2\tb", "1|a\n2|b\n"),
        (&tabs, 1, "head\n1\ta\n", "1|a\n"),
        (&tabs, 0, "1\n2\tb\tc\n", "1\n2|b cut\n"),
        (&tabs, 0, "\\N\tNULL\n\\N1\t\\\\\\t\n", "NULL|NULL\nN1|\\\t\n"),
        (&tabs, 0, "1\ta\\\nb\n", "1|a\nb\n"),
        (&tabs, 0, "\n1\tx\n", "\n1|x\n"),
        (&csv(), 0, "1,\"a,b\"\n2,\"say \"\"hi\"\"\"\n", "1|a,b\n2|say \"hi\"\n"),
        (&csv(), 0, "NULL,\"NULL\"\n", "NULL|NULL\n"),
        (&csv(), 0, "1,\"two\nlines\"\n", "1|two\nlines\n"),
        (&csv(), 0, "1,\"a\"b\"\n", "1|a\"b\n"),
        (&csv(), 0, "1,\"open", "1|\"open\n"),
    ];
    for (format, skip, file, wanted) in cases {
        for piece in [1, 2, 3, 1000] {
            let found = rows(format, 2, *skip, file.as_bytes(), piece);
            assert_eq!(found, *wanted, "{file:?} in pieces of {piece}");
        }
    }
    // The word is NULL only where it is not in quotation marks.
    let mut reader = RowReader::new(csv(), 2, 0).unwrap();
    reader.push(b"NULL,\"NULL\"\n");
    let row = reader.next_row().unwrap();
    assert_eq!(row.values, [None, Some("NULL".into())]);
}

#[test]
fn lines_have_beginnings_and_ends() {
    let format = FileFormat {
        field_end: b"||".to_vec(),
        line_start: b"xxx".to_vec(),
        line_end: b"\r\n".to_vec(),
        ..FileFormat::default()
    };
    let file = b"xxx1||a|b\r\nnothing\r\nabxxx2||c\r\n";
    for piece in [1, 2, 5, 100] {
        assert_eq!(rows(&format, 2, 0, file, piece), "1|a|b\n2|c\n");
    }
}

#[test]
fn what_is_written_is_read() {
    let values = ["", "a", "\t", "\n", "\\", "\"", "NULL", "\\N", "a,b", "\0", "é\r\n\"\"x"];
    let types = vec![FieldType::long_text(), FieldType::bigint()];
    let quoted = FileFormat { escape: None, ..csv() };
    for format in [FileFormat::default(), csv(), quoted] {
        let mut writer = RowWriter::new(format.clone(), types.clone());
        let mut file = Vec::new();
        for (number, value) in values.iter().enumerate() {
            writer.write(&[Datum::from(*value), Datum::Int(number as i64)], &mut file);
        }
        writer.write(&[Datum::Null, Datum::Null], &mut file);
        for piece in [1, 7, 1000] {
            let mut reader = RowReader::new(format.clone(), 2, 0).unwrap();
            let mut read = Vec::new();
            for piece in file.chunks(piece) {
                reader.push(piece);
                read.extend(std::iter::from_fn(|| reader.next_row()));
            }
            reader.finish();
            read.extend(std::iter::from_fn(|| reader.next_row()));
            assert_eq!(read.len(), values.len() + 1, "{format:?}");
            for (row, value) in read.iter().zip(values) {
                assert_eq!(row.values[0].as_deref(), Some(value.as_bytes()), "{format:?}");
            }
            assert_eq!(read.last().unwrap().values, [None, None]);
        }
    }
}
