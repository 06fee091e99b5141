//! The rows of a file, as its bytes come.

use bytes::Bytes;

use crate::common::{SqlError, SqlResult};
use crate::sql::parser::ast::FileFormat;
use crate::sql::plan::FileRow;

/// Takes rows from bytes that come in pieces. Of what has come it keeps only what is not yet a row.
pub struct RowReader {
    format: FileFormat,
    /// What ends a line: where nothing does, what ends a value.
    line_end: Vec<u8>,
    /// How many values are asked for.
    width: usize,
    /// Lines to pass over.
    skip: u64,
    buffer: Vec<u8>,
    /// Where the next row begins.
    at: usize,
    /// There is no row in as many bytes: it is not tried again before there are twice as many.
    tried: usize,
    is_whole: bool,
}

/// The bytes end before it does.
struct Unfinished;

type Reading<T> = Result<T, Unfinished>;

/// A value, and what came after it.
struct Value {
    value: Option<Bytes>,
    ends_line: bool,
}

impl RowReader {
    /// Reads rows of so many values.
    pub fn new(format: FileFormat, width: usize, skip: u64) -> SqlResult<RowReader> {
        if format.field_end.is_empty() {
            return Err(SqlError::unsupported("LOAD DATA with values of fixed size"));
        }
        let line_end = match format.line_end.is_empty() {
            true => format.field_end.clone(),
            false => format.line_end.clone(),
        };
        Ok(RowReader {
            format,
            line_end,
            width,
            skip,
            buffer: Vec::new(),
            at: 0,
            tried: 0,
            is_whole: false,
        })
    }

    /// More bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.at > 0 {
            self.buffer.drain(..self.at);
            self.at = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// There are no more.
    pub fn finish(&mut self) {
        self.is_whole = true;
    }

    /// Whether it has been said that there are no more.
    pub fn is_finished(&self) -> bool {
        self.is_whole
    }

    /// How many bytes it keeps.
    pub fn held(&self) -> usize {
        self.buffer.len()
    }

    /// The next row; `None` if more bytes are needed, or there are no more rows.
    pub fn next_row(&mut self) -> Option<FileRow> {
        loop {
            let waits = !self.is_whole && self.buffer.len() - self.at < 2 * self.tried;
            if waits || self.at == self.buffer.len() {
                return None;
            }
            let mut cursor = Cursor { reader: self, at: self.at };
            let read = if self.skip > 0 { cursor.skip_line().map(|()| None) } else { cursor.row() };
            let at = cursor.at;
            match read {
                Err(Unfinished) => {
                    self.tried = self.buffer.len() - self.at;
                    return None;
                }
                Ok(row) => {
                    (self.at, self.tried) = (at, 0);
                    if row.is_some() {
                        return row;
                    }
                    self.skip = self.skip.saturating_sub(1);
                }
            }
        }
    }
}

/// A place in the bytes.
struct Cursor<'r> {
    reader: &'r RowReader,
    at: usize,
}

impl Cursor<'_> {
    /// The next byte; `None` at the end of the file.
    fn peek(&self) -> Reading<Option<u8>> {
        match self.reader.buffer.get(self.at) {
            Some(byte) => Ok(Some(*byte)),
            None if self.reader.is_whole => Ok(None),
            None => Err(Unfinished),
        }
    }

    fn next(&mut self) -> Reading<Option<u8>> {
        let byte = self.peek()?;
        self.at += usize::from(byte.is_some());
        Ok(byte)
    }

    /// Takes a text if it comes next.
    fn take(&mut self, text: &[u8]) -> Reading<bool> {
        if text.is_empty() {
            return Ok(false);
        }
        let rest = &self.reader.buffer[self.at..];
        if rest.starts_with(text) {
            self.at += text.len();
            return Ok(true);
        }
        // What there is of it may go on.
        if !self.reader.is_whole && text.starts_with(rest) {
            return Err(Unfinished);
        }
        Ok(false)
    }

    /// Passes over what is left of a line; whether that was something.
    fn skip_rest(&mut self) -> Reading<bool> {
        let from = self.at;
        loop {
            let here = self.at;
            if self.take(&self.reader.line_end)? {
                return Ok(here > from);
            }
            match self.next()? {
                None => return Ok(here > from),
                Some(byte) if Some(byte) == self.reader.format.escape => {
                    self.next()?;
                }
                Some(_) => {}
            }
        }
    }

    fn skip_line(&mut self) -> Reading<()> {
        self.skip_rest().map(drop)
    }

    /// A row; `None` at the end of the file.
    fn row(&mut self) -> Reading<Option<FileRow>> {
        if !self.reader.format.line_start.is_empty() {
            while !self.take(&self.reader.format.line_start)? {
                if self.next()?.is_none() {
                    return Ok(None);
                }
            }
        }
        if self.peek()?.is_none() {
            return Ok(None);
        }
        let mut row = FileRow::default();
        let mut ended = false;
        while !ended && row.values.len() < self.reader.width {
            let Value { value, ends_line } = self.value()?;
            row.values.push(value);
            ended = ends_line;
        }
        if !ended {
            row.is_cut = self.skip_rest()?;
        }
        Ok(Some(row))
    }

    /// Takes the bytes that stand for themselves: most of them do.
    fn plain(&mut self, quoted: bool, text: &mut Vec<u8>) {
        let RowReader { format, line_end, buffer, .. } = self.reader;
        let rest = &buffer[self.at..];
        let line = line_end[0];
        let first = if quoted { format.quote.unwrap_or(line) } else { line };
        let second = if quoted { first } else { format.field_end[0] };
        let escape = format.escape.unwrap_or(first);
        let length = memchr::memchr3(first, second, escape, rest).unwrap_or(rest.len());
        text.extend_from_slice(&rest[..length]);
        self.at += length;
    }

    fn value(&mut self) -> Reading<Value> {
        let format = &self.reader.format;
        let quoted = format.quote.is_some() && self.peek()? == format.quote;
        if quoted {
            self.at += 1;
        }
        let mut text = Vec::new();
        let mut is_null = false;
        // Whether the quotation mark at its end was there.
        let mut closed = false;
        let ends_line = loop {
            self.plain(quoted, &mut text);
            if !quoted {
                if self.take(&self.reader.line_end)? {
                    break true;
                }
                if self.take(&format.field_end)? {
                    break false;
                }
            }
            let Some(mut byte) = self.next()? else { break true };
            if Some(byte) == format.escape {
                let is_quote = format.escape == format.quote;
                match self.peek()? {
                    None => {
                        text.push(byte);
                        break true;
                    }
                    Some(next) if !is_quote || Some(next) == format.escape => {
                        self.at += 1;
                        is_null |= next == b'N';
                        text.push(unescaped(next));
                        continue;
                    }
                    Some(_) => {}
                }
                byte = format.escape.unwrap_or(byte);
            }
            if quoted && Some(byte) == format.quote {
                if self.peek()? == format.quote {
                    self.at += 1;
                    text.push(byte);
                    continue;
                }
                closed = true;
                if self.peek()?.is_none() || self.take(&self.reader.line_end)? {
                    break true;
                }
                if self.take(&format.field_end)? {
                    break false;
                }
                closed = false;
            }
            text.push(byte);
        };
        if quoted && !closed {
            // It never ended: the mark belongs to it.
            text.insert(0, format.quote.unwrap_or(b'"'));
        }
        let is_word = format.quote.is_some() && !quoted && text == b"NULL";
        let value = if (is_null && text.len() == 1) || is_word { None } else { Some(text.into()) };
        Ok(Value { value, ends_line })
    }
}

/// What a byte after the escape character stands for.
fn unescaped(byte: u8) -> u8 {
    match byte {
        b'n' => b'\n',
        b't' => b'\t',
        b'r' => b'\r',
        b'b' => 8,
        b'0' => 0,
        b'Z' => 26,
        byte => byte,
    }
}
