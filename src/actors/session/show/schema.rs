//! What SHOW tells of databases and tables.

use super::Shown;
use crate::actors::session::virtual_tables::table_rows;
use crate::actors::session::{SessionServices, schema_rows};
use crate::common::SqlResult;
use crate::sql::catalog::{
    DatabaseInfo, InfoSchema, TableInfo, show_create_database, show_create_table,
};
use crate::sql::stats::TableStats;
use crate::sql::types::{Datum, TimeZone};

/// A table's name, and from its engine to its comment, in a row of TABLES.
const STATUS_COLUMNS: [usize; 18] =
    [2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20];

/// Some columns of a row of `information_schema`.
fn pick(row: &[Datum], wanted: &[usize]) -> Vec<Datum> {
    wanted.iter().map(|column| row[*column].clone()).collect()
}

pub(super) fn databases(schema: &InfoSchema, pattern: Option<&str>) -> Shown {
    let head = pattern.map_or_else(|| "Database".to_owned(), |name| format!("Database ({name})"));
    let mut names: Vec<String> = schema.databases().map(|database| database.name.clone()).collect();
    names.sort();
    Shown::new(&[&head], names.into_iter().map(|name| vec![Datum::from(name)]).collect())
}

pub(super) fn tables(
    schema: &InfoSchema,
    database: &str,
    full: bool,
    pattern: Option<&str>,
) -> SqlResult<Shown> {
    let info = schema.require_database(database)?;
    let head = match pattern {
        Some(pattern) => format!("Tables_in_{} ({pattern})", info.name),
        None => format!("Tables_in_{}", info.name),
    };
    let kind = schema_rows::table_type(info);
    let rows = schema
        .tables(database)
        .map(|table| {
            let mut row = vec![Datum::from(table.name.as_str())];
            if full {
                row.push(Datum::from(kind));
            }
            row
        })
        .collect();
    Ok(if full { Shown::new(&[&head, "Table_type"], rows) } else { Shown::new(&[&head], rows) })
}

/// SHOW TABLE STATUS.
pub(super) async fn table_status(
    schema: &InfoSchema,
    database: &str,
    services: &SessionServices,
    zone: &TimeZone,
) -> SqlResult<Shown> {
    let info = schema.require_database(database)?;
    let columns = [
        "Name",
        "Engine",
        "#Version",
        "Row_format",
        "#Rows",
        "#Avg_row_length",
        "#Data_length",
        "#Max_data_length",
        "#Index_length",
        "#Data_free",
        "#Auto_increment",
        "@Create_time",
        "@Update_time",
        "@Check_time",
        "Collation",
        "Checksum",
        "Create_options",
        "!Comment",
    ];
    let tables: Vec<(&DatabaseInfo, &TableInfo)> =
        schema.tables(database).filter(|_| info.id >= 0).map(|table| (&**info, &**table)).collect();
    let rows = table_rows(services, zone, &tables).await?;
    let rows = rows.iter().map(|row| pick(row, &STATUS_COLUMNS)).collect();
    Ok(Shown::new(&columns, rows))
}

/// SHOW COLUMNS.
pub(super) fn columns(database: &DatabaseInfo, table: &TableInfo, full: bool) -> Shown {
    // Field, type, [collation,] null, key, default, extra[, privileges, comment].
    let wanted: &[usize] =
        if full { &[3, 15, 14, 6, 16, 5, 17, 18, 19] } else { &[3, 15, 6, 16, 5, 17] };
    let rows = schema_rows::public_columns(table)
        .map(|column| pick(&schema_rows::column_row(database, table, column), wanted))
        .collect();
    if full {
        let columns = [
            "Field",
            "!Type",
            "Collation",
            "Null",
            "Key",
            "!Default",
            "Extra",
            "Privileges",
            "!Comment",
        ];
        Shown::new(&columns, rows)
    } else {
        Shown::new(&["Field", "!Type", "Null", "Key", "!Default", "Extra"], rows)
    }
}

/// SHOW INDEX.
pub(super) fn indexes(
    database: &DatabaseInfo,
    table: &TableInfo,
    stats: Option<&TableStats>,
) -> Shown {
    // Table, non-unique, key, place, column, collation, cardinality and so on to the expression.
    let wanted = [2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17];
    let rows = schema_rows::index_rows(database, table, stats).map(|row| pick(&row, &wanted));
    let columns = [
        "Table",
        "#Non_unique",
        "Key_name",
        "#Seq_in_index",
        "Column_name",
        "Collation",
        "#Cardinality",
        "#Sub_part",
        "Packed",
        "Null",
        "Index_type",
        "Comment",
        "Index_comment",
        "Visible",
        "Expression",
    ];
    let mut shown = Shown::new(&columns, rows.collect());
    shown.like = 2;
    shown
}

/// SHOW CREATE TABLE.
pub(super) async fn create_table(
    table: &TableInfo,
    services: &SessionServices,
) -> SqlResult<Shown> {
    let next = match table.columns.iter().any(|column| column.auto_increment) {
        true => services.auto_ids.next_auto_increments(&[table]).await?.pop(),
        false => None,
    };
    let text = show_create_table(table, next);
    let row = vec![Datum::from(table.name.as_str()), Datum::from(text)];
    Ok(Shown::new(&["Table", "!Create Table"], vec![row]))
}

pub(super) fn create_database(database: &DatabaseInfo, if_not_exists: bool) -> Shown {
    let mut text = show_create_database(database);
    if if_not_exists {
        text = text.replacen("CREATE DATABASE ", "CREATE DATABASE /*!32312 IF NOT EXISTS*/ ", 1);
    }
    let row = vec![Datum::from(database.name.as_str()), Datum::from(text)];
    Shown::new(&["Database", "!Create Database"], vec![row])
}
