//! The rows of `information_schema`.

use std::sync::Arc;

use async_trait::async_trait;

use super::core::Core;
use super::show::{self, server};
use super::variables::list;
use super::vars::Variables;
use super::{ProcessList, SessionServices};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::{
    ColumnInfo, DatabaseInfo, InfoSchema, SchemaState, TableInfo, column_type_text, default_text,
};
use crate::sql::exec::VirtualTables;
use crate::sql::types::{Datum, FieldType};

type Rows = Vec<Vec<Datum>>;

/// What the virtual tables of one statement are made from.
pub(super) struct SessionTables {
    schema: Arc<InfoSchema>,
    services: Arc<SessionServices>,
    vars: Arc<Variables>,
}

impl SessionTables {
    pub(super) fn new(core: &Core, schema: Arc<InfoSchema>) -> SessionTables {
        SessionTables { schema, services: core.services.clone(), vars: core.vars.clone() }
    }

    fn processes(&self) -> &ProcessList {
        &self.services.processes
    }

    /// Every table with its database.
    fn tables(&self) -> impl Iterator<Item = (&DatabaseInfo, &TableInfo)> {
        self.schema.databases().flat_map(|database| {
            self.schema.tables(&database.name).map(move |table| (&**database, &**table))
        })
    }
}

#[async_trait]
impl VirtualTables for SessionTables {
    async fn rows(&self, database: &str, table: &str) -> SqlResult<Rows> {
        Ok(match table {
            "schemata" => self.schema.databases().map(|database| schema_row(database)).collect(),
            "tables" => self.tables().map(|(database, table)| table_row(database, table)).collect(),
            "columns" => self
                .tables()
                .flat_map(|(database, table)| {
                    public_columns(table).map(move |column| column_row(database, table, column))
                })
                .collect(),
            "statistics" => {
                self.tables().flat_map(|(database, table)| index_rows(database, table)).collect()
            }
            "key_column_usage" => {
                self.tables().flat_map(|(database, table)| key_rows(database, table)).collect()
            }
            "table_constraints" => self
                .tables()
                .flat_map(|(database, table)| constraint_rows(database, table))
                .collect(),
            "processlist" => {
                let now = self.services.clock.now();
                let row = |process: &Arc<super::Process>| {
                    let state = process.state();
                    let seconds = now.since(state.since).as_secs();
                    server::process_row(process, &state, seconds, usize::MAX)
                };
                self.processes().list().iter().map(row).collect()
            }
            "collations" => server::collation_rows(),
            "character_sets" => character_set_rows(),
            "collation_character_set_applicability" => {
                server::collation_rows().into_iter().map(|row| row[..2].to_vec()).collect()
            }
            "engines" => server::engine_rows(),
            "session_variables" | "global_variables" => {
                let global = table == "global_variables";
                let row = |variable| {
                    let value = self.vars.shown(variable, global)?;
                    Some(vec![Datum::from(variable.name), Datum::from(value)])
                };
                list().iter().filter_map(row).collect()
            }
            "session_status" | "global_status" => {
                server::status(self.services.clock.now().as_nanos(), self.processes().len())
            }
            // There are no foreign keys and no views.
            "referential_constraints" | "views" => Vec::new(),
            _ => {
                return Err(SqlError::new(
                    errno::NO_SUCH_TABLE,
                    format!("Table '{database}.{table}' doesn't exist"),
                ));
            }
        })
    }
}

fn text(value: &str) -> Datum {
    Datum::from(value)
}

fn is_virtual(database: &DatabaseInfo) -> bool {
    database.id < 0
}

fn public_columns(table: &TableInfo) -> impl Iterator<Item = &ColumnInfo> {
    table.columns.iter().filter(|column| column.state == SchemaState::Public)
}

fn schema_row(database: &DatabaseInfo) -> Vec<Datum> {
    vec![
        text("def"),
        text(&database.name),
        text(&database.charset),
        text(&database.collation),
        Datum::Null,
    ]
}

fn table_row(database: &DatabaseInfo, table: &TableInfo) -> Vec<Datum> {
    let system = is_virtual(database);
    vec![
        text("def"),
        text(&database.name),
        text(&table.name),
        text(if system { "SYSTEM VIEW" } else { "BASE TABLE" }),
        if system { Datum::Null } else { text("InnoDB") },
        Datum::Int(10),
        if system { Datum::Null } else { text("Dynamic") },
        Datum::Null,
        Datum::Null,
        Datum::Null,
        Datum::Null,
        Datum::Null,
        Datum::Null,
        Datum::Null,
        Datum::Null,
        Datum::Null,
        Datum::Null,
        text(&table.collation),
        Datum::Null,
        text(""),
        text(&table.comment),
    ]
}

fn number(value: Option<u32>) -> Datum {
    value.map_or(Datum::Null, |number| Datum::UInt(number.into()))
}

/// Precision and scale of a number; `None` for other types.
fn digits(field_type: &FieldType) -> (Option<u32>, Option<u32>) {
    let kind = field_type.kind;
    match kind {
        _ if kind.is_integer() => (Some(field_type.decimal_digits()), Some(0)),
        _ if kind.is_float() => (
            field_type.length.or_else(|| Some(field_type.display_width())),
            field_type.decimals.map(u32::from),
        ),
        _ if kind.is_numeric() => {
            let (precision, scale) = field_type.precision_scale();
            (Some(precision), Some(scale.into()))
        }
        _ => (None, None),
    }
}

fn column_row(database: &DatabaseInfo, table: &TableInfo, column: &ColumnInfo) -> Vec<Datum> {
    let field_type = &column.field_type;
    let length = field_type.kind.is_string().then(|| field_type.display_width());
    let bytes = length.map(|length| match show::text_collation(column) {
        Some(_) if !field_type.kind.is_text() => length.saturating_mul(4),
        _ => length,
    });
    let (precision, scale) = digits(field_type);
    let fraction = (field_type.kind.is_temporal()
        && field_type.kind != crate::sql::types::TypeKind::Date)
        .then(|| u32::from(field_type.fsp()));
    let collation = show::text_collation(column);
    vec![
        text("def"),
        text(&database.name),
        text(&table.name),
        text(&column.name),
        Datum::UInt(column.offset as u64 + 1),
        Datum::from(default_text(column)),
        text(if field_type.not_null { "NO" } else { "YES" }),
        text(show::data_type(column)),
        number(length),
        number(bytes),
        number(precision),
        number(scale),
        number(fraction),
        Datum::from(collation.map(|_| field_type.collation.charset())),
        Datum::from(collation),
        text(&column_type_text(column)),
        text(show::column_key(table, column)),
        Datum::from(show::extra(column)),
        text("select,insert,update,references"),
        text(&column.comment),
        text(""),
    ]
}

fn index_rows<'a>(
    database: &'a DatabaseInfo,
    table: &'a TableInfo,
) -> impl Iterator<Item = Vec<Datum>> + 'a {
    show::index_parts(table).into_iter().map(move |part| {
        let nullable = !part.column.field_type.not_null;
        vec![
            text("def"),
            text(&database.name),
            text(&table.name),
            Datum::Int(i64::from(!part.unique)),
            text(&database.name),
            text(part.index),
            Datum::UInt(part.position.cast_unsigned()),
            text(&part.column.name),
            text("A"),
            Datum::Null,
            number(part.prefix),
            Datum::Null,
            text(if nullable { "YES" } else { "" }),
            text("BTREE"),
            text(""),
            text(part.comment),
            text("YES"),
            Datum::Null,
        ]
    })
}

fn key_rows<'a>(
    database: &'a DatabaseInfo,
    table: &'a TableInfo,
) -> impl Iterator<Item = Vec<Datum>> + 'a {
    show::index_parts(table).into_iter().filter(|part| part.unique).map(move |part| {
        vec![
            text("def"),
            text(&database.name),
            text(part.index),
            text("def"),
            text(&database.name),
            text(&table.name),
            text(&part.column.name),
            Datum::UInt(part.position.cast_unsigned()),
            Datum::Null,
            Datum::Null,
            Datum::Null,
            Datum::Null,
        ]
    })
}

fn constraint_rows<'a>(
    database: &'a DatabaseInfo,
    table: &'a TableInfo,
) -> impl Iterator<Item = Vec<Datum>> + 'a {
    let first = |part: &show::IndexPart<'_>| part.unique && part.position == 1;
    show::index_parts(table).into_iter().filter(first).map(move |part| {
        let primary = part.index == "PRIMARY";
        vec![
            text("def"),
            text(&database.name),
            text(part.index),
            text(&database.name),
            text(&table.name),
            text(if primary { "PRIMARY KEY" } else { "UNIQUE" }),
            text("YES"),
        ]
    })
}

fn character_set_rows() -> Rows {
    let row = |(name, collation, description, bytes): &(&str, &str, &str, i64)| {
        vec![text(name), text(collation), text(description), Datum::Int(*bytes)]
    };
    server::CHARACTER_SETS.iter().map(row).collect()
}
