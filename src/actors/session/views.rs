//! CREATE VIEW and ALTER VIEW, and CHECK TABLE of a view.

use std::sync::Arc;
use std::time::Duration;

use super::analyze::Message;
use super::core::Core;
use super::statement::Request;
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::{
    DdlContext, DdlStatement, InfoSchema, SchemaChange, TableInfo, ViewInfo, build_table,
    is_system_database, qualify, query_text, reads_of, selected_column, updatable_query,
};
use crate::sql::parser::ast::{
    CreateTable, CreateView, Expr, ObjectName, Query, QueryBody, SelectItem, TableRef,
    ViewAlgorithm,
};
use crate::sql::parser::{Statement, parse};
use crate::sql::plan::{OutputColumn, QueryPlan};
use crate::sql::types::SqlMode;

/// How long a change of a view may take.
const DEADLINE: Duration = Duration::from_secs(3600);

impl Core {
    /// CREATE VIEW and ALTER VIEW: the query is bound as it stands, and kept as the text in which every name says what it belongs to.
    pub(super) async fn create_view(
        &mut self,
        create: &CreateView,
        request: &Request<'_>,
    ) -> SqlResult<()> {
        self.await_schema_change(request.statement).await?;
        let schema = self.services.schema.current();
        let database = self.database_or_current(create.name.database.as_deref())?;
        if is_system_database(&database) {
            let message = format!("Access denied for user to database '{database}'");
            return Err(SqlError::new(errno::DB_ACCESS_DENIED, message));
        }
        let database = schema.require_database(&database)?.name.clone();
        // A view does not see itself.
        let removed = SchemaChange::RemoveTable {
            database: database.clone(),
            table: create.name.name.clone(),
        };
        let others = schema.edit(schema.version(), vec![removed]);
        let view = self.build_view(create, (&database, &others), request)?;
        let statement = DdlStatement::CreateView {
            database,
            view: Box::new(view),
            or_replace: create.or_replace,
            alters: create.alters,
        };
        self.submit(statement, DEADLINE).await?;
        Ok(())
    }

    fn build_view(
        &self,
        create: &CreateView,
        (database, schema): (&str, &InfoSchema),
        request: &Request<'_>,
    ) -> SqlResult<TableInfo> {
        let planned = self.planned(&create.query, schema, request)?;
        let mut query = (*create.query).clone();
        self.refuse_temporary(&query, schema)?;
        qualify(&mut query, schema, self.database.as_deref())?;
        let definition = query_text(&query, None);
        // What is kept has to say what was said.
        let read = match parse(&definition, SqlMode::default())?.pop().map(|it| it.statement) {
            Some(Statement::Query(read)) if query_text(&read, None) == definition => read,
            _ => return Err(SqlError::unsupported("an expression of this kind in a view")),
        };
        let kept = self.planned(&read, schema, request)?;
        if kept.columns.len() != planned.columns.len() {
            return Err(SqlError::internal("a view that shows other columns than its query"));
        }
        let updatable = updatable_query(&query, schema);
        let shown = format!("{database}.{}", create.name.name);
        if create.check.is_some() && !(updatable && create.algorithm != ViewAlgorithm::Temptable) {
            let message = format!("CHECK OPTION on non-updatable view '{shown}'");
            return Err(SqlError::new(errno::VIEW_NONUPD_CHECK, message));
        }
        let mut algorithm = create.algorithm;
        if algorithm == ViewAlgorithm::Merge && !is_merged(&query) {
            let message =
                "View merge algorithm can't be used here for now (assumed undefined algorithm)";
            self.eval.warn(errno::WARN_VIEW_MERGE, message.to_owned());
            algorithm = ViewAlgorithm::Undefined;
        }
        let mut table = self.view_columns(create, &kept.columns, (database, schema))?;
        table.view = Some(Box::new(ViewInfo {
            definition,
            algorithm,
            definer: self.definer_of(create.definer.as_ref()),
            invoker: create.invoker,
            check: create.check,
            named: !create.columns.is_empty(),
            updatable: updatable && algorithm != ViewAlgorithm::Temptable,
            charset: (self.said_of("character_set_client"), self.said_of("collation_connection")),
        }));
        Ok(table)
    }

    /// Error 1352 for a query that reads temporary tables.
    fn refuse_temporary(&self, query: &Query, schema: &InfoSchema) -> SqlResult<()> {
        if self.temporary.tables.is_empty() {
            return Ok(());
        }
        let seen = self.with_temporary(&Arc::new(schema.clone()));
        let mut query = query.clone();
        qualify(&mut query, &seen, self.database.as_deref())?;
        let mut read = reads_of(&query, &seen).into_iter();
        let own = |(database, table): &(String, String)| {
            self.temporary.tables.get(database, table).is_some()
        };
        match read.find(own) {
            Some((_, table)) => Err(SqlError::new(
                errno::VIEW_SELECT_TMPTABLE,
                format!("View's SELECT refers to a temporary table '{table}'"),
            )),
            None => Ok(()),
        }
    }

    fn planned(
        &self,
        query: &Query,
        schema: &InfoSchema,
        request: &Request<'_>,
    ) -> SqlResult<QueryPlan> {
        self.planner(schema, request.parameters, &request.types).plan_query(query)
    }

    /// The view as a table of the columns that its query gives.
    fn view_columns(
        &self,
        create: &CreateView,
        shown: &[OutputColumn],
        (database, schema): (&str, &InfoSchema),
    ) -> SqlResult<TableInfo> {
        if !create.columns.is_empty() && create.columns.len() != shown.len() {
            return Err(SqlError::new(
                errno::VIEW_WRONG_LIST,
                "In definition of view, derived table or common table expression, SELECT list and column names list \
                 have different column counts",
            ));
        }
        let names = shown.iter().map(|column| &column.name);
        let names: Vec<&String> = if create.columns.is_empty() {
            names.collect()
        } else {
            create.columns.iter().collect()
        };
        let mut columns = Vec::with_capacity(shown.len());
        for (column, name) in shown.iter().zip(names) {
            let origin = column.origin.as_ref().and_then(|(name, _, table, database)| {
                let table = schema.table(database, table)?;
                table.columns.iter().find(|column| column.name == *name)
            });
            columns.push(selected_column(name, &column.field_type, origin)?);
        }
        let name =
            ObjectName { database: Some(database.to_owned()), name: create.name.name.clone() };
        let definition = CreateTable { columns, ..CreateTable::named(name) };
        let ctx = DdlContext {
            schema,
            current_db: Some(database),
            sql_mode: SqlMode::default(),
            eval: &self.eval,
        };
        build_table(&definition, &ctx)
    }

    /// CHECK TABLE: whether what the view reads is there.
    pub(super) fn check_view(&self, database: &str, view: &str) -> Vec<Message> {
        let schema = self.services.schema.current();
        let name = ObjectName { database: Some(database.to_owned()), name: view.to_owned() };
        let rows = QueryBody::all_of(TableRef::Table {
            name,
            partitions: Vec::new(),
            alias: None,
            hints: Vec::new(),
        });
        match self.planner(&schema, 0, &[]).plan_query(&Query::plain(rows)) {
            Ok(_) => vec![("status", "OK".to_owned())],
            Err(error) => vec![("Error", error.message), ("error", "Corrupt".to_owned())],
        }
    }
}

/// Whether a view of this query is read as part of the query around.
fn is_merged(query: &Query) -> bool {
    let QueryBody::Select(select) = &query.body else { return false };
    let aggregates = |item: &SelectItem| match item {
        SelectItem::Expr { expr, .. } => has_aggregate(expr),
        SelectItem::Wildcard(_) => false,
    };
    query.limit.is_none()
        && !select.items.iter().any(aggregates)
        && !select.distinct
        && select.group_by.is_empty()
        && select.having.is_none()
        && select.from.is_some()
}

fn has_aggregate(expr: &Expr) -> bool {
    matches!(expr, Expr::Aggregate { .. } | Expr::Window(_))
        || expr.children().into_iter().any(has_aggregate)
}
