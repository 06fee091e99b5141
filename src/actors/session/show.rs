//! SHOW, DESCRIBE and the old commands that answer rows: the tables of `sql::system`, filtered and sent.

use std::sync::Arc;

use super::answer::Sink;
use super::core::Core;
use super::plan_tables::PlanTables;
use super::sources::SessionSources;
use super::statement::Request;
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::{InfoSchema, TableInfo};
use crate::sql::exec::{RowStream, execute_query};
use crate::sql::expr::{Expr, Function, Warning};
use crate::sql::parser::ast::{Expr as Written, ObjectName, Show, ShowFilter, ShowKind};
use crate::sql::plan::{OutputColumn, StatementPlan};
use crate::sql::system::{self, Shown};
use crate::sql::types::FieldType;

/// Whether there is a query in an expression.
fn has_query(expr: &Written) -> bool {
    let is_query = matches!(
        expr,
        Written::Subquery(_)
            | Written::Exists(_)
            | Written::InQuery { .. }
            | Written::Compared { .. }
    );
    is_query || expr.children().into_iter().any(has_query)
}

impl Core {
    /// SHOW.
    pub(super) async fn show(
        &mut self,
        show: &Show,
        request: &Request<'_>,
        sink: &mut Sink,
    ) -> SqlResult<()> {
        if matches!(show.kind, ShowKind::Warnings { .. } | ShowKind::Errors { .. }) {
            // What is shown stays for the next SHOW WARNINGS.
            let kept = std::mem::take(&mut self.diagnostics);
            let counters = *self.vars.counters.lock();
            self.begin_eval(Vec::new(), false, false);
            let shown = self.shown(show, request, kept.clone()).await?;
            self.send_shown(shown, request, sink).await?;
            self.diagnostics = kept;
            *self.vars.counters.lock() = counters;
            return Ok(());
        }
        self.begin_eval(request.params.clone(), false, false);
        let shown = self.shown(show, request, Vec::new()).await?;
        self.send_shown(shown, request, sink).await
    }

    /// What a SHOW shows, filtered.
    async fn shown(
        &mut self,
        show: &Show,
        request: &Request<'_>,
        diagnostics: Vec<Warning>,
    ) -> SqlResult<Shown> {
        let pattern = match &show.filter {
            Some(ShowFilter::Like(pattern)) => Some(pattern.as_str()),
            Some(ShowFilter::Where(_)) | None => None,
        };
        let schema = self.services.schema.current();
        // Those of one table see the session's own.
        let schema = match &show.kind {
            ShowKind::Columns { table, .. }
            | ShowKind::Indexes { table }
            | ShowKind::CreateTable(table)
                if self.temporary(table).is_some() =>
            {
                self.with_temporary(&schema)
            }
            _ => schema,
        };
        let sources = SessionSources::new(self, schema.clone(), self.eval.clone())
            .with_diagnostics(diagnostics);
        let mut shown =
            system::show(&show.kind, pattern, self.database.as_deref(), &sources).await?;
        match &show.filter {
            Some(ShowFilter::Where(condition)) if has_query(condition) => {
                self.choose(&mut shown, condition, request).await?;
            }
            Some(filter) => self.filter(&mut shown, filter, request, &schema)?,
            None => {}
        }
        Ok(shown)
    }

    /// DESCRIBE: the columns of a table, of that name or like that pattern.
    pub(super) async fn describe(
        &mut self,
        table: &ObjectName,
        pattern: Option<&str>,
        request: &Request<'_>,
        sink: &mut Sink,
    ) -> SqlResult<()> {
        self.begin_eval(Vec::new(), false, false);
        let kind = ShowKind::Columns { full: false, table: table.clone() };
        let filter = pattern.map(|pattern| ShowFilter::Like(pattern.to_owned()));
        let shown = self.shown(&Show { kind, filter }, request, Vec::new()).await?;
        self.send_shown(shown, request, sink).await
    }

    /// COM_PROCESS_INFO.
    pub(super) async fn show_process_list(&mut self, sink: &mut Sink) -> SqlResult<()> {
        self.begin_eval(Vec::new(), false, false);
        let nothing = crate::sql::parser::Statement::UnlockTables;
        let request = super::statement::text_request(&nothing);
        let show = Show { kind: ShowKind::ProcessList { full: true }, filter: None };
        let shown = self.shown(&show, &request, Vec::new()).await?;
        self.send_shown(shown, &request, sink).await
    }

    pub(super) async fn send_shown(
        &mut self,
        shown: Shown,
        request: &Request<'_>,
        sink: &mut Sink,
    ) -> SqlResult<()> {
        let column =
            |(name, field_type)| OutputColumn { name, field_type, origin: None, key_flags: 0 };
        let columns: Vec<OutputColumn> = shown.columns.into_iter().map(column).collect();
        self.send_rows(&columns, RowStream::rows(shown.rows), request, sink).await
    }

    /// Keeps the rows that a WHERE with subqueries asks for. These are run in the open transaction if there is one.
    async fn choose(
        &mut self,
        shown: &mut Shown,
        condition: &Written,
        request: &Request<'_>,
    ) -> SqlResult<()> {
        let columns = shown.columns.iter();
        let columns: Vec<(&str, FieldType)> =
            columns.map(|(name, field_type)| (name.as_str(), field_type.clone())).collect();
        let rows = std::mem::take(&mut shown.rows);
        let schema = self.services.schema.current();
        let planner = self.planner(&schema, request.parameters, &request.types);
        let query = planner.plan_choice(&columns, &rows, condition)?;
        let tables = PlanTables::of(&StatementPlan::Query(query));
        let reading = self.begin_reading(&tables, false).await?;
        let planner = self.planner(&reading.schema, request.parameters, &request.types);
        let query = planner.plan_choice(&columns, &rows, condition)?;
        let eval = self.eval.clone();
        let query = self.with_locks(&query, &eval).await?.unwrap_or(query);
        let ctx = self.exec_context(reading.txn.clone(), eval, Some(&reading.schema));
        let mut chosen = execute_query(&query, &ctx).await?;
        while let Some(batch) = chosen.next_batch().await? {
            shown.rows.extend(batch.into_rows(&query.root.schema));
        }
        self.end_reading(reading).await
    }

    /// Keeps the rows that LIKE or WHERE asks for.
    fn filter(
        &self,
        shown: &mut Shown,
        filter: &ShowFilter,
        request: &Request<'_>,
        schema: &InfoSchema,
    ) -> SqlResult<()> {
        let predicate = match filter {
            ShowFilter::Like(pattern) => {
                let field_type = shown.columns[shown.like].1.clone();
                let args = vec![Expr::column(shown.like, field_type), Expr::text(pattern)];
                Expr::call(Function::Like, args)?
            }
            ShowFilter::Where(condition) => {
                let columns: Vec<(&str, FieldType)> = shown
                    .columns
                    .iter()
                    .map(|(name, field_type)| (name.as_str(), field_type.clone()))
                    .collect();
                self.planner(schema, request.parameters, &request.types)
                    .bind_over(&columns, condition)?
            }
        };
        let mut kept = Vec::with_capacity(shown.rows.len());
        for row in std::mem::take(&mut shown.rows) {
            if predicate.eval(&row, &self.eval)?.to_bool(&self.eval)? == Some(true) {
                kept.push(row);
            }
        }
        shown.rows = kept;
        Ok(())
    }

    /// The database named, or the one in use: error 1046 without one.
    pub(super) fn database_or_current(&self, named: Option<&str>) -> SqlResult<String> {
        match named.or(self.database.as_deref()) {
            Some(database) => Ok(database.to_owned()),
            None => Err(SqlError::new(errno::NO_DB, "No database selected")),
        }
    }

    /// A table by its name, with its database's.
    pub(super) fn find_table(
        &self,
        schema: &InfoSchema,
        name: &ObjectName,
    ) -> SqlResult<(String, Arc<TableInfo>)> {
        let database = self.database_or_current(name.database.as_deref())?;
        let table = schema.require_table(&database, &name.name)?.clone();
        Ok((database, table))
    }

    /// COM_FIELD_LIST: a table's columns, each a definition with an empty default, and an EOF.
    pub(super) fn field_list(
        &mut self,
        table: &[u8],
        pattern: &[u8],
        sink: &mut Sink,
    ) -> SqlResult<()> {
        let eval = self.begin_eval(Vec::new(), false, false);
        let name = String::from_utf8_lossy(table).into_owned();
        let schema = self.services.schema.current();
        let name = ObjectName { database: None, name };
        let (database, table) = self.find_table(&schema, &name)?;
        let pattern = String::from_utf8_lossy(pattern).into_owned();
        let spoken = self.spoken();
        for column in &table.columns {
            if column.state != crate::sql::catalog::SchemaState::Public {
                continue;
            }
            let like = Expr::call(
                Function::Like,
                vec![Expr::text(&column.name.to_lowercase()), Expr::text(&pattern.to_lowercase())],
            )?;
            if !pattern.is_empty() && like.eval(&[], &eval)?.to_bool(&eval)? != Some(true) {
                continue;
            }
            let output = OutputColumn {
                name: column.name.clone(),
                field_type: column.field_type.clone(),
                origin: Some((
                    column.name.clone(),
                    table.name.clone(),
                    table.name.clone(),
                    database.clone(),
                )),
                key_flags: 0,
            };
            super::encode::write_field(&mut sink.writer, &output, spoken);
        }
        crate::protocol::response::write_eof(&mut sink.writer, self.status(false), 0);
        Ok(())
    }
}
