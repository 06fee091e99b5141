//! Cursors: the rows of a prepared statement, handed out as COM_STMT_FETCH asks for them.
//!
//! A cursor only reads, and only forwards. Its rows are all read when the statement runs, as MySQL does, so that it has
//! one snapshot and holds no transaction; they wait as packets, in memory, and count against `sql.query-memory`.

use bytes::BytesMut;

use super::Held;
use super::answer::Sink;
use super::core::Core;
use crate::common::{SqlError, SqlResult, errno};
use crate::protocol::packet::{PacketReader, PacketWriter};
use crate::protocol::{StatusFlags, response};

/// The rows not yet fetched.
pub(super) struct Cursor {
    reader: PacketReader,
    rows: BytesMut,
    /// For as long as it is there.
    _held: Held,
}

impl Cursor {
    /// Of rows that were written as packets, the first with number 0.
    pub(super) fn new(mut rows: PacketWriter, held: Held) -> Cursor {
        let rows = rows.take();
        let rows = rows.try_into_mut().unwrap_or_else(|shared| BytesMut::from(&shared[..]));
        Cursor { reader: PacketReader::new(usize::MAX), rows, _held: held }
    }
}

impl Core {
    /// Ends the answer of a statement whose rows wait in a cursor: its columns were all.
    pub(super) fn open_cursor(&mut self, id: u32, rows: PacketWriter, held: Held, sink: &mut Sink) {
        self.prepared.open_cursor(id, Cursor::new(rows, held));
        self.end_fetch(StatusFlags::SERVER_STATUS_CURSOR_EXISTS, sink);
    }

    /// COM_STMT_FETCH. The rows after the last one are what tells that it was the last: as in MySQL.
    pub(super) async fn fetch_cursor(
        &mut self,
        id: u32,
        rows: u32,
        sink: &mut Sink,
    ) -> SqlResult<()> {
        let place = self.prepared.cursor(id)?;
        let Some(mut cursor) = place.take() else {
            return Err(SqlError::new(
                errno::STMT_HAS_NO_OPEN_CURSOR,
                format!("The statement ({id}) has no open cursor."),
            ));
        };
        for _ in 0..rows {
            let row = cursor.reader.next(&mut cursor.rows);
            let row = row.map_err(|error| SqlError::internal(error.to_string()))?;
            let Some(row) = row else {
                self.end_fetch(StatusFlags::SERVER_STATUS_LAST_ROW_SENT, sink);
                return Ok(());
            };
            sink.writer.packet(|out| out.extend_from_slice(&row.payload));
            if sink.is_full() {
                sink.flush().await?;
            }
        }
        self.prepared.open_cursor(id, cursor);
        self.end_fetch(StatusFlags::SERVER_STATUS_CURSOR_EXISTS, sink);
        Ok(())
    }

    fn end_fetch(&mut self, flag: StatusFlags, sink: &mut Sink) {
        let warnings = self.take_warnings();
        let (status, capabilities) = (self.status(false) | flag, self.client.capabilities);
        response::write_rows_end(&mut sink.writer, capabilities, status, warnings);
    }

    /// Error 1041 if the rows of a cursor are more than one query may hold.
    pub(super) fn check_cursor(&self, rows: &PacketWriter) -> SqlResult<()> {
        if rows.len() <= self.services.limits.memory_bytes {
            return Ok(());
        }
        Err(SqlError::new(
            errno::OUT_OF_RESOURCES,
            format!(
                "Out of memory: the rows of a cursor take more than sql.query-memory ({} bytes)",
                self.services.limits.memory_bytes
            ),
        ))
    }
}
