//! SELECT … INTO OUTFILE and DUMPFILE: rows into a new file of the server's.

use std::path::PathBuf;

use tokio::io::AsyncWriteExt as _;

use super::answer::Sink;
use super::core::Core;
use super::load_data::os_error;
use super::plan_tables::PlanTables;
use super::statement::Request;
use super::values::Reading;
use crate::actors::runtime::compute;
use crate::common::{SqlError, SqlResult, errno};
use crate::protocol::response;
use crate::sql::exec::load::RowWriter;
use crate::sql::exec::{RowStream, execute_query};
use crate::sql::parser::ast::{IntoFile, Query};
use crate::sql::plan::{QueryPlan, StatementPlan};
use crate::sql::types::{Charset, Datum, FieldType, write_text};

/// As much is written to the file at once.
const PIECE: usize = 256 << 10;

/// A file that goes again unless it is whole.
struct NewFile {
    path: PathBuf,
    file: tokio::fs::File,
    is_whole: bool,
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.is_whole {
            // Whoever looks finds half a file otherwise.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl NewFile {
    /// Error 1086 if there is one already.
    async fn create(path: PathBuf, name: &str) -> SqlResult<NewFile> {
        let created = tokio::fs::OpenOptions::new().write(true).create_new(true).open(&path).await;
        match created {
            Ok(file) => Ok(NewFile { path, file, is_whole: false }),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                let message = format!("File '{name}' already exists");
                Err(SqlError::new(errno::FILE_EXISTS, message))
            }
            Err(error) => Err(cannot_write(name, &error)),
        }
    }

    async fn write(&mut self, bytes: &mut Vec<u8>, name: &str) -> SqlResult<()> {
        let written = self.file.write_all(bytes).await;
        bytes.clear();
        written.map_err(|error| cannot_write(name, &error))
    }
}

impl Core {
    /// Begins to read what a query without a result set reads.
    pub(super) async fn begin_query(
        &mut self,
        query: &Query,
        request: &Request<'_>,
    ) -> SqlResult<(Reading, QueryPlan)> {
        compute::enter().await;
        self.check_query(query)?;
        self.begin_eval(request.params.clone(), false, false);
        let schema = self.services.schema.current();
        let plan = |core: &Core, schema: &_| {
            let planner = core.planner(schema, request.parameters, &request.types);
            planner.plan_query(query).map(StatementPlan::Query)
        };
        let planned = plan(self, &schema)?;
        let reading = self.begin_reading(&PlanTables::of(&planned), false).await?;
        let StatementPlan::Query(planned) = plan(self, &reading.schema)? else {
            return Err(SqlError::internal("a query without a query's plan"));
        };
        Ok((reading, planned))
    }

    /// SELECT … INTO OUTFILE and DUMPFILE.
    pub(super) async fn select_into_file(
        &mut self,
        query: &Query,
        into: &IntoFile,
        request: &Request<'_>,
        sink: &mut Sink,
    ) -> SqlResult<()> {
        if let Some(charset) = &into.charset {
            Charset::of_file(charset)?;
        }
        let path = self.server_file(&into.file)?;
        let (reading, planned) = self.begin_query(query, request).await?;
        let schema = reading.schema.clone();
        let ctx = self.exec_context(reading.txn.clone(), self.eval.clone(), Some(&schema));
        let mut file = NewFile::create(path, &into.file).await?;
        let types: Vec<FieldType> =
            planned.columns.iter().map(|column| column.field_type.clone()).collect();
        let rows = execute_query(&planned, &ctx).await?;
        let count = write_rows(rows, types, into, &mut file).await?;
        file.is_whole = true;
        drop(ctx);
        self.end_reading(reading).await?;
        let ok = response::Ok { affected_rows: count, ..response::Ok::default() };
        self.done(ok, request.more, sink);
        Ok(())
    }
}

/// Answers how many rows there were.
async fn write_rows(
    mut rows: RowStream,
    types: Vec<FieldType>,
    into: &IntoFile,
    file: &mut NewFile,
) -> SqlResult<u64> {
    let mut count = 0;
    let mut bytes = Vec::new();
    let mut writer = into.format.clone().map(|format| RowWriter::new(format, types.clone()));
    while let Some(batch) = rows.next_batch().await? {
        for row in batch.into_rows(&types) {
            count += 1;
            match &mut writer {
                Some(writer) => writer.write(&row, &mut bytes),
                // DUMPFILE: the values, one after the other.
                None if count > 1 => {
                    let message = "Result consisted of more than one row";
                    return Err(SqlError::new(errno::TOO_MANY_ROWS, message));
                }
                None => dump(&row, &types, &mut bytes),
            }
            if bytes.len() >= PIECE {
                file.write(&mut bytes, &into.file).await?;
            }
        }
    }
    file.write(&mut bytes, &into.file).await?;
    file.file.flush().await.map_err(|error| cannot_write(&into.file, &error))?;
    Ok(count)
}

fn dump(row: &[Datum], types: &[FieldType], bytes: &mut Vec<u8>) {
    for (value, field_type) in row.iter().zip(types) {
        if !value.is_null() {
            write_text(value, field_type, bytes);
        }
    }
}

/// Error 1.
fn cannot_write(file: &str, error: &std::io::Error) -> SqlError {
    let message = format!("Can't create/write to file '{file}' {}", os_error(error));
    SqlError::new(errno::CANT_CREATE_FILE, message)
}
