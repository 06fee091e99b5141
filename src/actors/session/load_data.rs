//! LOAD DATA: rows of a file, which the client sends or the server reads, into a table.
//!
//! The file is read as the rows are written, so that memory holds a batch of them. All of it is one statement: it runs in the
//! transaction that is open, or in one of its own.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use tokio::io::AsyncReadExt as _;

use super::answer::Sink;
use super::core::Core;
use super::plan_tables::PlanTables;
use super::statement::Request;
use super::transaction::BeginOptions;
use crate::actors::runtime::compute;
use crate::common::{SqlError, SqlResult, errno};
use crate::protocol::{CapabilityFlags, response};
use crate::sql::exec::dml::execute_insert;
use crate::sql::exec::load::RowReader;
use crate::sql::exec::{DmlResult, ExecContext};
use crate::sql::expr::SessionVars as _;
use crate::sql::parser::ast::{LoadData, LoadTarget};
use crate::sql::plan::{FileRow, InsertPlan, InsertSource, StatementPlan};
use crate::sql::types::{Charset, Datum, FieldType};

/// Rows that are written at a time.
const BATCH_ROWS: usize = 1024;
/// A batch of long rows ends sooner.
const BATCH_BYTES: usize = 4 << 20;
/// How much of a file is read at once.
const PIECE: usize = 256 << 10;

/// Where the bytes come from.
enum Source {
    /// The client.
    Client,
    /// A file of the server's.
    File(tokio::fs::File),
}

impl Core {
    /// LOAD DATA.
    pub(super) async fn load_data(
        &mut self,
        load: &LoadData,
        request: &Request<'_>,
        sink: &mut Sink,
    ) -> SqlResult<()> {
        if let Some(charset) = &load.charset {
            Charset::of_file(charset)?;
        }
        if load.local {
            self.check_local_files()?;
        }
        let is_alone = !self.joins_transaction();
        if is_alone {
            self.begin_for_statement(BeginOptions::default());
        }
        compute::enter().await;
        let done = self.load_rows(load, request, sink).await?;
        if is_alone {
            self.commit().await?;
        }
        let last = (done.last_insert_id > 0).then_some(done.last_insert_id);
        if let Some(generated) = done.generated_id {
            self.set_last_insert_id(generated);
        }
        let ok = response::Ok {
            affected_rows: done.affected,
            last_insert_id: done.generated_id.or(last).unwrap_or_default(),
            info: done.info,
            ..response::Ok::default()
        };
        self.done(ok, request.more, sink);
        Ok(())
    }

    /// Error 3948 unless both sides let clients' files be read.
    fn check_local_files(&self) -> SqlResult<()> {
        let is_on = self.vars.global.value("local_infile").is_some_and(|value| &*value == "ON");
        if is_on && self.client.capabilities.contains(CapabilityFlags::CLIENT_LOCAL_FILES) {
            return Ok(());
        }
        Err(SqlError::new(
            errno::CLIENT_LOCAL_FILES_DISABLED,
            "Loading local data is disabled; this must be enabled on both the client and server sides",
        ))
    }

    /// The server's file of this name, where `secure_file_priv` lets statements read and write. Error 1290 elsewhere.
    pub(super) fn server_file(&self, name: &str) -> SqlResult<PathBuf> {
        let refused = || {
            SqlError::new(
                errno::OPTION_PREVENTS_STATEMENT,
                "The MySQL server is running with the --secure-file-priv option so it cannot execute this statement",
            )
        };
        let allowed = self.vars.global.value("secure_file_priv").unwrap_or_default();
        let data = self.vars.global.value("datadir").unwrap_or_default();
        let path = PathBuf::from(&*data).join(name);
        if &*allowed == "NULL" {
            return Err(refused());
        }
        if allowed.is_empty() {
            return Ok(path);
        }
        // With links and .. taken away; of a file that is not there yet those of its folder.
        let folder = path.parent().and_then(|folder| folder.canonicalize().ok());
        let real = path.canonicalize().ok().or_else(|| Some(folder?.join(path.file_name()?)));
        let allowed = PathBuf::from(&*allowed).canonicalize().map_err(|_| refused())?;
        real.filter(|real| real.starts_with(&allowed)).ok_or_else(refused)
    }

    async fn open_source(&mut self, load: &LoadData, sink: &mut Sink) -> SqlResult<Source> {
        if load.local {
            self.uploads.ask(&load.file, sink).await?;
            return Ok(Source::Client);
        }
        let path = self.server_file(&load.file)?;
        let opened = tokio::fs::File::open(&path).await;
        opened.map(Source::File).map_err(|error| cannot_read(&load.file, &error))
    }

    /// The next bytes; `None` at the end.
    async fn next_piece(
        &mut self,
        source: &mut Source,
        load: &LoadData,
        sink: &mut Sink,
    ) -> SqlResult<Option<Bytes>> {
        match source {
            Source::Client => Ok(self.uploads.next(sink).await),
            Source::File(file) => {
                let mut piece = Vec::with_capacity(PIECE);
                let read = file.read_buf(&mut piece).await;
                let read = read.map_err(|error| cannot_read(&load.file, &error))?;
                Ok((read > 0).then(|| piece.into()))
            }
        }
    }

    async fn load_rows(
        &mut self,
        load: &LoadData,
        request: &Request<'_>,
        sink: &mut Sink,
    ) -> SqlResult<DmlResult> {
        for target in load.targets.iter().flatten() {
            // They hold texts from now on, and so the plan takes them.
            if let LoadTarget::Variable(name) = target {
                self.vars.set_user_var(
                    &name.to_lowercase(),
                    Datum::Null,
                    FieldType::long_text(),
                )?;
            }
        }
        let entered = self.enter_transaction().await?;
        let plan = self.planner(&entered.schema, 0, &[]).plan(request.statement)?;
        self.use_tables(&PlanTables::of(&plan))?;
        let StatementPlan::Insert(mut insert) = plan else {
            return Err(SqlError::internal("LOAD DATA that does not insert"));
        };
        let InsertSource::Load(rows) = &insert.source else {
            return Err(SqlError::internal("LOAD DATA without rows of a file"));
        };
        let width = rows.places.len();
        let eval = self.begin_eval(Vec::new(), true, insert.ignore);
        let ctx = self.exec_context(entered.txn, eval, Some(&entered.schema));
        let mut source = self.open_source(load, sink).await?;
        let mut reader = RowReader::new(load.format.clone(), width, load.skip)?;
        let mut loaded = Loaded::default();
        let mut held = self.memory.hold(0)?;
        loop {
            match self.next_piece(&mut source, load, sink).await? {
                Some(piece) => reader.push(&piece),
                None => reader.finish(),
            }
            held.set(reader.held() + loaded.bytes)?;
            while let Some(row) = reader.next_row() {
                loaded.take(row);
                if loaded.is_full() {
                    loaded.write(&mut insert, &ctx).await?;
                }
            }
            if reader.is_finished() {
                loaded.write(&mut insert, &ctx).await?;
                break;
            }
        }
        for (table, delta) in &loaded.result.deltas {
            self.note_delta(*table, *delta);
        }
        let warnings = ctx.eval.warning_count.load(std::sync::atomic::Ordering::Relaxed);
        loaded.result.info = format!(
            "Records: {}  Deleted: {}  Skipped: {}  Warnings: {warnings}",
            loaded.written,
            loaded.result.affected.saturating_sub(loaded.written),
            loaded.written.saturating_sub(loaded.result.affected),
        );
        Ok(loaded.result)
    }
}

/// What has been loaded, and what is about to be.
#[derive(Default)]
struct Loaded {
    rows: Vec<FileRow>,
    /// Of those.
    bytes: usize,
    /// How many rows are written.
    written: u64,
    result: DmlResult,
}

impl Loaded {
    fn take(&mut self, row: FileRow) {
        let values = row.values.iter().flatten().map(Bytes::len).sum::<usize>();
        self.bytes += values + row.values.len() * size_of::<Option<Bytes>>();
        self.rows.push(row);
    }

    fn is_full(&self) -> bool {
        self.rows.len() >= BATCH_ROWS || self.bytes >= BATCH_BYTES
    }

    async fn write(&mut self, plan: &mut InsertPlan, ctx: &ExecContext) -> SqlResult<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let count = self.rows.len() as u64;
        if let InsertSource::Load(source) = &mut plan.source {
            source.before = self.written;
            source.rows = Arc::new(std::mem::take(&mut self.rows));
        }
        let done = execute_insert(plan, ctx).await?;
        self.bytes = 0;
        self.written += count;
        let result = &mut self.result;
        result.affected += done.affected;
        result.matched += done.matched;
        result.generated_id = result.generated_id.or(done.generated_id);
        result.last_insert_id = done.last_insert_id;
        result.deltas.extend(done.deltas);
        Ok(())
    }
}

/// Error 13.
fn cannot_read(file: &str, error: &std::io::Error) -> SqlError {
    SqlError::new(errno::CANT_GET_STAT, format!("Can't get stat of '{file}' {}", os_error(error)))
}

/// What the system says of a file, as MySQL says it.
pub(super) fn os_error(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split_once(" (os error").map_or(text.as_str(), |(text, _)| text);
    format!("(OS errno {} - {text})", error.raw_os_error().unwrap_or(0))
}
