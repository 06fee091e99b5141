//! `/schema`: what statements see.

use serde::Serialize;
use serde_json::json;

use crate::actors::admin::actor::Shared;
use crate::actors::admin::aside::{Answered, Made};
use crate::actors::admin::http::{Asked, Refusal, path_part};
use crate::sql::catalog::{DatabaseInfo, InfoSchema, TableInfo, show_create_table};

#[derive(Serialize)]
struct DatabaseView<'a> {
    #[serde(flatten)]
    database: &'a DatabaseInfo,
    tables: Vec<&'a str>,
}

#[derive(Serialize)]
struct TableLine<'a> {
    id: i64,
    name: &'a str,
    columns: usize,
    indexes: usize,
    version: i64,
}

#[derive(Serialize)]
struct TableView<'a> {
    database: &'a str,
    #[serde(flatten)]
    table: &'a TableInfo,
    create: String,
}

/// `GET /schema`
pub(in crate::actors::admin) fn databases(shared: &Shared, _: &Asked) -> Answered {
    let schema = shared.services.schema.current();
    let databases: Vec<DatabaseView> = schema
        .databases()
        .map(|database| DatabaseView {
            database,
            tables: schema.tables(&database.name).map(|table| table.name.as_str()).collect(),
        })
        .collect();
    Made::json(&json!({ "version": schema.version(), "databases": databases }))
}

/// `GET /schema/{db}`
pub(in crate::actors::admin) fn tables(shared: &Shared, request: &Asked) -> Answered {
    let schema = shared.services.schema.current();
    let database = find_database(&schema, path_part(request, "db"))?;
    let tables: Vec<TableLine> = schema
        .tables(&database.name)
        .map(|table| TableLine {
            id: table.id,
            name: &table.name,
            columns: table.columns.len(),
            indexes: table.indexes.len(),
            version: table.version,
        })
        .collect();
    Made::json(&json!({
        "version": schema.version(),
        "database": database,
        "tables": tables,
    }))
}

/// `GET /schema/{db}/{table}`
pub(in crate::actors::admin) fn table(shared: &Shared, request: &Asked) -> Answered {
    let schema = shared.services.schema.current();
    let database = find_database(&schema, path_part(request, "db"))?;
    let name = path_part(request, "table");
    let Some(table) = schema.table(&database.name, name) else {
        return Err(Refusal::NotFound(format!("there is no table {}.{name}", database.name)));
    };
    let create = show_create_table(&database.name, table, table.auto_increment_start);
    Made::json(&TableView { database: &database.name, table, create })
}

fn find_database<'a>(schema: &'a InfoSchema, name: &str) -> Result<&'a DatabaseInfo, Refusal> {
    match schema.database(name) {
        Some(database) => Ok(database),
        None => Err(Refusal::NotFound(format!("there is no database {name}"))),
    }
}
