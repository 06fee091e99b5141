//! CREATE TABLE … SELECT: a table of what a query gives.
//!
//! The table is made, then filled by a transaction of its own; others see it in between. If the query fails the table goes again.

use super::answer::Sink;
use super::core::Core;
use super::statement::{Request, text_request};
use crate::common::{SqlError, SqlResult, errno};
use crate::protocol::response;
use crate::sql::catalog::{InfoSchema, selected_column};
use crate::sql::parser::Statement;
use crate::sql::parser::ast::{
    ColumnDefinition, CreateSelect, CreateTable, Insert, InsertRows, ObjectName,
};
use crate::sql::plan::OutputColumn;

impl Core {
    /// CREATE TABLE … SELECT.
    pub(super) async fn create_from_query(
        &mut self,
        create: &CreateTable,
        select: &CreateSelect,
        request: &Request<'_>,
        sink: &mut Sink,
    ) -> SqlResult<()> {
        let schema = self.services.schema.current();
        let database = self.database_or_current(create.name.database.as_deref())?;
        let database = schema.require_database(&database)?.name.clone();
        let name = ObjectName { database: Some(database.clone()), name: create.name.name.clone() };
        let there = match create.temporary {
            true => self.temporary(&name).is_some(),
            false => schema.table(&database, &name.name).is_some(),
        };
        if create.if_not_exists && there {
            let message = format!("Table '{}' already exists", name.name);
            self.eval.note(errno::TABLE_EXISTS, message);
            self.done(response::Ok::default(), request.more, sink);
            return Ok(());
        }
        let planner = self.planner(&schema, request.parameters, &request.types);
        let query = planner.plan_query(&select.query)?;
        let table = table_of(create, &query.columns, &self.with_temporary(&schema))?;
        self.change_schema(&Statement::CreateTable(Box::new(table))).await?;
        self.half_made = Some((name.clone(), create.temporary));
        let columns = query.columns.iter().map(|column| column.name.clone()).collect();
        let insert = Statement::Insert(Box::new(Insert {
            replace: select.replace,
            ignore: select.ignore,
            table: name,
            columns: Some(columns),
            partitions: Vec::new(),
            rows: InsertRows::Query(select.query.clone()),
            row_alias: None,
            on_duplicate: Vec::new(),
        }));
        let filling = Request {
            parameters: request.parameters,
            params: request.params.clone(),
            types: request.types.clone(),
            more: request.more,
            ..text_request(&insert)
        };
        // What fills a temporary table is part of the open transaction.
        let filled = match create.temporary && self.joins_transaction() {
            true => self.write_in_transaction(&filling).await?,
            false => self.write_alone(&filling).await?,
        };
        self.written(filled, &filling, sink);
        self.half_made = None;
        Ok(())
    }

    /// Takes a table away whose query has failed.
    pub(super) async fn drop_half_made(&mut self) {
        let Some((table, temporary)) = self.half_made.take() else { return };
        // Whoever ended the statement did not mean what undoes it.
        self.control.begin();
        let _shield = self.control.shield();
        let drop = Statement::DropTables { tables: vec![table], if_exists: true, temporary };
        if let Err(error) = self.change_schema(&drop).await {
            tracing::warn!(%error, "a table whose query failed could not be dropped");
        }
    }
}

/// The table without its query: the columns that only the definition names, then the query's. Where both name one, the definition
/// says what it is.
fn table_of(
    create: &CreateTable,
    selected: &[OutputColumn],
    schema: &InfoSchema,
) -> SqlResult<CreateTable> {
    let same = |column: &ColumnDefinition, name: &str| column.name.eq_ignore_ascii_case(name);
    let is_selected =
        |column: &ColumnDefinition| selected.iter().any(|other| same(column, &other.name));
    let (both, mut columns): (Vec<_>, Vec<_>) =
        create.columns.iter().cloned().partition(is_selected);
    for (position, column) in selected.iter().enumerate() {
        if selected[..position].iter().any(|other| other.name.eq_ignore_ascii_case(&column.name)) {
            return Err(SqlError::new(
                errno::DUP_FIELDNAME,
                format!("Duplicate column name '{}'", column.name),
            ));
        }
        if let Some(written) = both.iter().find(|written| same(written, &column.name)) {
            columns.push(written.clone());
            continue;
        }
        let origin = column.origin.as_ref().and_then(|(name, _, table, database)| {
            let table = schema.table(database, table)?;
            table.columns.iter().find(|column| column.name == *name)
        });
        columns.push(selected_column(&column.name, &column.field_type, origin)?);
    }
    Ok(CreateTable { columns, select: None, ..create.clone() })
}
