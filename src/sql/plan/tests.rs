//! Golden scripts: a schema, statements, and the plans or errors they get. `UPDATE_GOLDENFILES=1` records them anew.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;

use goldenscript::{Command, Context, Runner};

use super::{Planner, StatementPlan};
use crate::common::SqlResult;
use crate::sql::catalog::{
    Alteration, DatabaseInfo, DdlContext, DdlStatement, InfoSchema, SchemaChange, SchemaState,
    build_statement, show_create_table,
};
use crate::sql::expr::EvalContext;
use crate::sql::parser::{ParsedStatement, Statement, ast, parse};
use crate::sql::stats::{ColumnStats, StatsSource, TableStats};
use crate::sql::system;
use crate::sql::types::SqlMode;

/// Statistics by table.
#[derive(Default)]
pub(crate) struct TestStats(BTreeMap<i64, Arc<TableStats>>);

impl StatsSource for TestStats {
    fn table(&self, id: i64) -> Option<Arc<TableStats>> {
        self.0.get(&id).cloned()
    }
}

/// A schema that schema changes are applied to at once.
pub(crate) struct TestSchema {
    pub(crate) schema: InfoSchema,
    pub(crate) current_db: Option<String>,
    pub(crate) sql_mode: SqlMode,
    stats: TestStats,
    next_id: i64,
}

impl TestSchema {
    /// A schema with the database `test`, which is in use.
    pub(crate) fn new() -> TestSchema {
        let database = DatabaseInfo {
            id: 1,
            name: "test".to_owned(),
            charset: "utf8mb4".to_owned(),
            collation: "utf8mb4_bin".to_owned(),
            state: SchemaState::Public,
        };
        TestSchema {
            schema: system::info_schema(1, vec![(database, Vec::new())]),
            current_db: Some("test".to_owned()),
            sql_mode: SqlMode::default(),
            stats: TestStats::default(),
            next_id: 100,
        }
    }

    /// Builds and applies a schema change.
    pub(crate) fn change(&mut self, statement: &Statement) -> SqlResult<()> {
        let ctx = DdlContext {
            schema: &self.schema,
            current_db: self.current_db.as_deref(),
            sql_mode: self.sql_mode,
            eval: &EvalContext::new(),
        };
        for change in build_statement(statement, &ctx)? {
            self.next_id += 1;
            let change = self.schema_change(change);
            self.schema = self.schema.edit(self.schema.version() + 1, change);
        }
        Ok(())
    }

    fn schema_change(&self, change: DdlStatement) -> Vec<SchemaChange> {
        let table_of = |database: &str, table: &str| {
            self.schema.table(database, table).expect("checked").as_ref().clone()
        };
        match change {
            DdlStatement::CreateDatabase { info, .. } => {
                vec![SchemaChange::PutDatabase(DatabaseInfo { id: self.next_id, ..info })]
            }
            DdlStatement::DropDatabase { name, .. } => vec![SchemaChange::RemoveDatabase { name }],
            DdlStatement::CreateTable { database, mut table, .. } => {
                table.id = self.next_id;
                vec![SchemaChange::PutTable { database, table: *table }]
            }
            DdlStatement::DropTables { tables, .. } => tables
                .into_iter()
                .map(|(database, table)| SchemaChange::RemoveTable { database, table })
                .collect(),
            DdlStatement::CreateView { database, mut view, .. } => {
                view.id = self.next_id;
                vec![SchemaChange::PutTable { database, table: *view }]
            }
            // Nothing that a plan could depend on.
            DdlStatement::AlterDatabase { .. }
            | DdlStatement::RenameTables { .. }
            | DdlStatement::TruncateTable { .. }
            | DdlStatement::LockTables { .. }
            | DdlStatement::PutRoutine { .. }
            | DdlStatement::DropRoutine { .. }
            | DdlStatement::UnlockTables { .. } => Vec::new(),
            DdlStatement::AlterTable { database, table, changes, .. } => {
                let table = Alteration::new(&table_of(&database, &table), &changes);
                vec![SchemaChange::PutTable { database, table: table.expect("checked").after }]
            }
        }
    }

    /// Plans a statement with parameters of unknown types.
    pub(crate) fn plan(&self, parsed: &ParsedStatement) -> SqlResult<StatementPlan> {
        let planner = Planner {
            parameter_count: parsed.parameters,
            stats: &self.stats,
            ..Planner::new(&self.schema, self.current_db.as_deref(), self.sql_mode)
        };
        planner.plan(&parsed.statement)
    }

    /// `stats TABLE rows=N analyzed=BOOL COLUMN=DISTINCT/NULLS`: gives a table statistics. Columns that are not named have a
    /// different value in every row.
    fn set_stats(&mut self, command: &Command) -> Result<(), Box<dyn Error>> {
        let mut args = command.consume_args();
        let name = args.next_pos().ok_or("which table?")?;
        let table = self.schema.require_table("test", name)?;
        let rows: u64 = args.take_key("rows").ok_or("how many rows?")?.parse()?;
        let analyzed = args.take_key("analyzed").is_none_or(|analyzed| analyzed == "true");
        let mut stats = TableStats { rows, ..TableStats::empty(table.id) };
        if analyzed {
            stats.analyzed_ts = 1;
            for column in &table.columns {
                let (distinct, nulls) = match args.take_key(&column.name) {
                    Some(spread) => spread.split_once('/').unwrap_or((spread, "0")),
                    None => ("", "0"),
                };
                stats.columns.push(ColumnStats {
                    column: column.id,
                    distinct: distinct.parse().unwrap_or(rows),
                    nulls: nulls.parse()?,
                    bytes: 8,
                });
            }
        }
        self.stats.0.insert(table.id, Arc::new(stats));
        args.reject_next()
    }

    fn run_statement(&mut self, parsed: &ParsedStatement) -> SqlResult<String> {
        match &parsed.statement {
            Statement::Use(name) => {
                self.schema.require_database(name)?;
                self.current_db = Some(name.clone());
                Ok(String::new())
            }
            Statement::Show(show) => match &show.kind {
                ast::ShowKind::CreateTable(name) => {
                    let table = self.schema.require_table("test", &name.name)?;
                    Ok(format!(
                        "{}\n",
                        show_create_table("test", table, table.auto_increment_start)
                    ))
                }
                other => Ok(format!("{other:?}\n")),
            },
            Statement::SetVariables(list) => {
                if let [
                    ast::VariableAssignment::System {
                        value: Some(ast::Expr::Literal(value)), ..
                    },
                ] = list.as_slice()
                    && let ast::Literal::String(bytes, _) = value
                {
                    self.sql_mode = SqlMode::parse(&String::from_utf8_lossy(bytes))?;
                }
                Ok(String::new())
            }
            Statement::Query(_)
            | Statement::Insert(_)
            | Statement::Update(_)
            | Statement::Delete(_) => Ok(explained(&self.plan(parsed)?, &self.schema)),
            statement => self.change(statement).map(|()| String::new()),
        }
    }
}

/// EXPLAIN's rows in columns; below them the result's columns of a query.
fn explained(plan: &StatementPlan, schema: &InfoSchema) -> String {
    let rows = Planner::new(schema, None, SqlMode::default()).explain(plan);
    let mut out = String::new();
    for [id, estimate, _, object, info] in rows {
        let parts = [id, estimate, object, info];
        let shown: Vec<&str> =
            parts.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
        out.push_str(&shown.join(" | "));
        out.push('\n');
    }
    if let StatementPlan::Query(query) = plan {
        let columns: Vec<String> = query
            .columns
            .iter()
            .map(|column| format!("{} {}", column.name, column.field_type.sql_text()))
            .collect();
        out.push_str(&format!("-> {}\n", columns.join(", ")));
        assert_eq!(query.root.schema.len(), query.columns.len(), "as wide as it says");
    }
    out
}

impl Runner for TestSchema {
    type Command = Command;

    fn run(&mut self, command: &Command, _context: &Context) -> Result<String, Box<dyn Error>> {
        if command.name == "stats" {
            self.set_stats(command)?;
            return Ok(String::new());
        }
        let parsed = match parse(&command.name, self.sql_mode) {
            Ok(parsed) => parsed,
            Err(error) => return Ok(format!("{error}\n")),
        };
        let mut out = String::new();
        for statement in &parsed {
            match self.run_statement(statement) {
                Ok(text) => out.push_str(&text),
                Err(error) => out.push_str(&format!("{error}\n")),
            }
        }
        Ok(out)
    }
}

fn run(script: &str) {
    let path = format!("{}/src/sql/plan/testscripts/{script}", env!("CARGO_MANIFEST_DIR"));
    goldenscript::run(&mut TestSchema::new(), path).expect("the script runs as recorded");
}

#[test]
fn access_paths() {
    run("access_paths");
}

#[test]
fn statistics() {
    run("statistics");
}

#[test]
fn join_order() {
    run("join_order");
}

#[test]
fn joins() {
    run("joins");
}

#[test]
fn grouping() {
    run("grouping");
}

#[test]
fn ordering_and_limits() {
    run("ordering_and_limits");
}

#[test]
fn subqueries_and_unions() {
    run("subqueries_and_unions");
}

#[test]
fn changes() {
    run("changes");
}

#[test]
fn name_errors() {
    run("name_errors");
}

/// How many rows EXPLAIN shows for so many common tables, each of which reads the one before so many times.
fn explained_rows(count: usize, readers: usize) -> usize {
    let mut sql = "WITH c0 AS (SELECT 1 AS n)".to_owned();
    for number in 1..count {
        let tables: Vec<String> =
            (0..readers).map(|r| format!("c{} AS t{r}", number - 1)).collect();
        sql.push_str(&format!(", c{number} AS (SELECT t0.n + 1 AS n FROM {})", tables.join(", ")));
    }
    sql.push_str(&format!(" SELECT * FROM c{}", count - 1));
    let parsed = parse(&sql, SqlMode::default()).unwrap();
    let schema = TestSchema::new();
    let plan = schema.plan(&parsed[0]).unwrap();
    Planner::new(&schema.schema, None, SqlMode::default()).explain(&plan).len()
}

#[test]
fn a_common_table_is_planned_once_for_all_its_readers() {
    // With a plan for each reader there would be 2^60 rows.
    assert!(explained_rows(60, 2) < 60 * 6);
}

#[test]
fn a_long_chain_of_common_tables_is_no_deep_plan() {
    assert!(explained_rows(300, 1) < 300 * 4);
}

#[test]
fn results_have_a_limit_of_columns() {
    let plan = |count: usize| {
        let columns = vec!["1"; count].join(",");
        let parsed = parse(&format!("SELECT {columns}"), SqlMode::default()).unwrap();
        TestSchema::new().plan(&parsed[0])
    };
    assert!(plan(4096).is_ok());
    assert_eq!(plan(4097).unwrap_err().code, crate::common::errno::TOO_MANY_FIELDS);
}

#[test]
fn table_definitions() {
    run("table_definitions");
}
