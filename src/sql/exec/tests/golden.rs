//! Golden scripts: SQL in, rows out, over the memory store. `UPDATE_GOLDENFILES=1` records them anew.
//!
//! Every query runs on the road it would take and on the wide one, and both must answer the same.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use goldenscript::{Command, Context, Runner};

use crate::common::SqlResult;
use crate::sql::catalog::{DdlContext, DdlStatement, InfoSchema, build_statement};
use crate::sql::ddl::{self, Job, Meta, Progress};
use crate::sql::exec::memory_store::MemoryStore;
use crate::sql::exec::{
    DmlResult, ExecContext, ExecLimits, KvAutoIds, NoVirtualTables, RowStream, execute_delete,
    execute_insert, execute_query, execute_update, subquery, wide,
};
use crate::sql::expr::EvalContext;
use crate::sql::kv::{KvStore, TxnOptions};
use crate::sql::parser::{ParsedStatement, Statement, ast, parse};
use crate::sql::plan::{ConflictAction, Planner, QueryPlan, StatementPlan};
use crate::sql::system;
use crate::sql::types::{Datum, FieldType, SqlMode, write_text};

/// A session without protocol and actors.
pub(super) struct Session {
    store: MemoryStore,
    auto_ids: Arc<KvAutoIds>,
    pub(super) sql_mode: SqlMode,
    pub(super) limits: ExecLimits,
    runtime: tokio::runtime::Runtime,
}

impl Session {
    pub(super) fn new() -> Session {
        let store = MemoryStore::default();
        let auto_ids = Arc::new(KvAutoIds::new(Arc::new(store.clone())));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut session = Session {
            store,
            auto_ids,
            sql_mode: SqlMode::default(),
            limits: ExecLimits::default(),
            runtime,
        };
        session.text("CREATE DATABASE test");
        session
    }

    pub(super) async fn schema(&self) -> SqlResult<InfoSchema> {
        let txn = self.store.begin(TxnOptions::default()).await?;
        let (version, databases) = ddl::load_schema(&*txn).await?;
        Ok(system::info_schema(version, databases))
    }

    pub(super) async fn context(&self, plan: &StatementPlan) -> SqlResult<ExecContext> {
        let txn = self.store.begin(TxnOptions { pessimistic: true, ..TxnOptions::default() });
        let mut eval = EvalContext::new();
        eval.writes = !matches!(plan, StatementPlan::Query(_));
        eval.ignore = match plan {
            StatementPlan::Insert(insert) => insert.on_conflict == ConflictAction::Ignore,
            StatementPlan::Update(update) => update.ignore,
            _ => false,
        };
        eval.sql_mode = self.sql_mode;
        // 2024-01-02 03:04:05 UTC
        eval.now_unix_micros = 1_704_164_645_000_000;
        Ok(ExecContext {
            txn: txn.await?,
            eval: Arc::new(eval),
            virtual_tables: Arc::new(NoVirtualTables),
            auto_ids: self.auto_ids.clone(),
            place: &crate::sql::exec::Anywhere,
            lock_wait: Duration::from_millis(10),
            limits: Arc::new(self.limits.clone()),
            profile: None,
            within: false,
            functions: None,
            foreign_key_checks: true,
        })
    }

    async fn change(&self, change: DdlStatement) -> SqlResult<Job> {
        let txn = self.store.begin(TxnOptions::default()).await?;
        let mut job = ddl::enqueue(&*txn, change, ddl::Submitter::default()).await?;
        txn.commit().await?;
        loop {
            let txn = self.store.begin(TxnOptions::default()).await?;
            let stored = Meta::new(&*txn).job(job.id).await?.expect("the job is queued");
            let progress = ddl::step(&*txn, stored).await?;
            txn.commit().await?;
            match progress {
                Progress::Stepped(next) => job = next,
                Progress::Backfill(next) => {
                    ddl::backfill_batch(&self.store, next.id, 100).await?;
                }
                Progress::Finished(job) => return Ok(job),
            }
        }
    }

    async fn statement(&mut self, parsed: &ParsedStatement) -> SqlResult<String> {
        let schema = self.schema().await?;
        match &parsed.statement {
            Statement::SetVariables(list) => {
                if let [ast::VariableAssignment::System { value: Some(value), .. }] = &list[..]
                    && let ast::Expr::Literal(ast::Literal::String(bytes, _)) = value
                {
                    self.sql_mode = SqlMode::parse(&String::from_utf8_lossy(bytes))?;
                }
                Ok(String::new())
            }
            Statement::Query(_)
            | Statement::Insert(_)
            | Statement::Update(_)
            | Statement::Delete(_) => {
                let planner = Planner::new(&schema, Some("test"), self.sql_mode);
                let plan = planner.plan(&parsed.statement)?;
                let ctx = self.context(&plan).await?;
                let mut out = self.execute(&plan, &ctx).await?;
                for warning in ctx.eval.take_warnings() {
                    let (level, code) = (warning.level.name(), warning.code);
                    out.push_str(&format!("{level} {code}: {}\n", warning.message));
                }
                Ok(out)
            }
            statement => {
                let ctx = DdlContext {
                    schema: &schema,
                    current_db: Some("test"),
                    sql_mode: self.sql_mode,
                    eval: &EvalContext::new(),
                };
                let mut out = String::new();
                for change in build_statement(statement, &ctx)? {
                    let job = self.change(change).await?;
                    if let Some(error) = &job.error {
                        return Err(error.into());
                    }
                    for note in job.notes {
                        out.push_str(&format!("Note {}: {}\n", note.code, note.message));
                    }
                }
                Ok(out)
            }
        }
    }

    async fn execute(&self, plan: &StatementPlan, ctx: &ExecContext) -> SqlResult<String> {
        let done = match plan {
            StatementPlan::Query(query) => return self.query(query, ctx).await,
            StatementPlan::Insert(insert) => execute_insert(insert, ctx).await,
            StatementPlan::Update(update) => execute_update(update, ctx).await,
            StatementPlan::Delete(delete) => execute_delete(delete, ctx).await,
        };
        match done {
            Ok(result) => {
                ctx.txn.commit().await?;
                Ok(shown_result(&result))
            }
            Err(error) => {
                ctx.txn.rollback().await?;
                Err(error)
            }
        }
    }

    async fn query(&self, query: &QueryPlan, ctx: &ExecContext) -> SqlResult<String> {
        let rows = collect(execute_query(query, ctx).await?, &query.root.schema).await?;
        let warnings = ctx.eval.take_warnings();
        let found = subquery::values(&query.subqueries, ctx).await?;
        let root = found.ready(&query.root);
        let mut wide_rows = collect(wide::run(&root, ctx)?, &root.schema).await?;
        ctx.eval.take_warnings();
        ctx.eval.warnings.lock().extend(warnings);
        let mut short_rows = rows.clone();
        short_rows.sort();
        wide_rows.sort();
        assert_eq!(short_rows, wide_rows, "both roads answer the same");
        let names: Vec<&str> = query.columns.iter().map(|column| &*column.name).collect();
        Ok(format!("{}\n{}", names.join(" | "), rows.concat()))
    }

    pub(super) fn text(&mut self, sql: &str) -> String {
        let parsed = match parse(sql, self.sql_mode) {
            Ok(parsed) => parsed,
            Err(error) => return format!("{error}\n"),
        };
        let runtime = std::mem::replace(
            &mut self.runtime,
            tokio::runtime::Builder::new_current_thread().build().unwrap(),
        );
        let mut out = String::new();
        for statement in &parsed {
            match runtime.block_on(self.statement(statement)) {
                Ok(text) => out.push_str(&text),
                Err(error) => out.push_str(&format!("{error}\n")),
            }
        }
        self.runtime = runtime;
        out
    }
}

async fn collect(mut stream: RowStream, schema: &[FieldType]) -> SqlResult<Vec<String>> {
    let mut rows = Vec::new();
    while let Some(batch) = stream.next_batch().await? {
        for row in batch.into_rows(schema) {
            let cells: Vec<String> = row.iter().zip(schema).map(|(v, t)| shown(v, t)).collect();
            rows.push(format!("{}\n", cells.join(" | ")));
        }
    }
    Ok(rows)
}

fn shown(value: &Datum, field_type: &FieldType) -> String {
    if value.is_null() {
        return "NULL".to_owned();
    }
    let mut text = Vec::new();
    write_text(value, field_type, &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

fn shown_result(result: &DmlResult) -> String {
    let mut out = format!("{} affected", result.affected);
    if result.last_insert_id != 0 {
        out.push_str(&format!(", insert id {}", result.last_insert_id));
    }
    if !result.info.is_empty() {
        out.push_str(&format!(" ({})", result.info));
    }
    out.push('\n');
    out
}

impl Runner for Session {
    type Command = Command;

    fn run(&mut self, command: &Command, _context: &Context) -> Result<String, Box<dyn Error>> {
        Ok(self.text(&command.name))
    }
}

macro_rules! scripts {
    ($($name:ident)*) => {$(
        #[test]
        fn $name() {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/sql/exec/testscripts/");
            let path = format!("{folder}{}", stringify!($name));
            goldenscript::run(&mut Session::new(), path).expect("the script runs as recorded");
        }
    )*};
}

scripts! {
    first_session
    insert
    update_and_delete
    aggregates
    collations
    joins
    ordering_and_limits
    subqueries_and_unions
    access_paths
    schema_changes
    names
    not_in
    common_tables
}
