//! What SHOW tells of databases and tables.

use super::Shown;
use crate::common::SqlResult;
use crate::sql::catalog::{
    ColumnInfo, DatabaseInfo, InfoSchema, SchemaState, TableInfo, column_type_text, default_text,
    show_create_database, show_create_table,
};
use crate::sql::types::{Collation, Datum};

pub(super) fn databases(schema: &InfoSchema) -> Shown {
    let mut names: Vec<String> = schema.databases().map(|database| database.name.clone()).collect();
    names.sort();
    Shown::new(&["Database"], names.into_iter().map(|name| vec![Datum::from(name)]).collect())
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
    let kind = if info.id < 0 { "SYSTEM VIEW" } else { "BASE TABLE" };
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

pub(super) fn table_status(schema: &InfoSchema, database: &str) -> SqlResult<Shown> {
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
        "Create_time",
        "Update_time",
        "Check_time",
        "Collation",
        "Checksum",
        "Create_options",
        "!Comment",
    ];
    let rows = schema.tables(database).filter(|_| info.id >= 0).map(|table| {
        vec![
            Datum::from(table.name.as_str()),
            Datum::from("InnoDB"),
            Datum::Int(10),
            Datum::from("Dynamic"),
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
            Datum::from(table.collation.as_str()),
            Datum::Null,
            Datum::from(""),
            Datum::from(table.comment.as_str()),
        ]
    });
    Ok(Shown::new(&columns, rows.collect()))
}

/// PRI, UNI, MUL or nothing.
pub(in crate::actors::session) fn column_key(
    table: &TableInfo,
    column: &ColumnInfo,
) -> &'static str {
    let offset = column.offset;
    if table.handle_column == Some(offset) {
        return "PRI";
    }
    let public = || table.indexes.iter().filter(|index| index.state == SchemaState::Public);
    let within = |primary: bool| {
        public().any(|index| {
            index.primary == primary && index.columns.iter().any(|part| part.offset == offset)
        })
    };
    if within(true) {
        return "PRI";
    }
    let mut first = public().filter(|index| index.columns[0].offset == offset).peekable();
    if first.peek().is_none() {
        return "";
    }
    if first.any(|index| index.unique && index.columns.len() == 1) { "UNI" } else { "MUL" }
}

/// `varchar`, `bigint`: the type's name alone.
pub(in crate::actors::session) fn data_type(column: &ColumnInfo) -> &'static str {
    column.field_type.kind_name()
}

/// `auto_increment`, `on update CURRENT_TIMESTAMP`, `DEFAULT_GENERATED`.
pub(in crate::actors::session) fn extra(column: &ColumnInfo) -> String {
    use crate::sql::catalog::DefaultValue;
    let mut parts = Vec::new();
    if column.auto_increment {
        parts.push("auto_increment".to_owned());
    }
    if matches!(column.default, Some(DefaultValue::CurrentTimestamp(_))) {
        parts.push("DEFAULT_GENERATED".to_owned());
    }
    match column.on_update_now {
        Some(0) => parts.push("on update CURRENT_TIMESTAMP".to_owned()),
        Some(digits) => parts.push(format!("on update CURRENT_TIMESTAMP({digits})")),
        None => {}
    }
    parts.join(" ")
}

/// The collation of a column of text.
pub(in crate::actors::session) fn text_collation(column: &ColumnInfo) -> Option<&'static str> {
    let field_type = &column.field_type;
    let text = field_type.kind.is_string() && field_type.collation != Collation::Binary;
    text.then(|| field_type.collation.name())
}

pub(super) fn columns(table: &TableInfo, full: bool) -> Shown {
    let public = table.columns.iter().filter(|column| column.state == SchemaState::Public);
    let rows = public.map(|column| {
        let name = Datum::from(column.name.as_str());
        let kind = Datum::from(column_type_text(column));
        let null = Datum::from(if column.field_type.not_null { "NO" } else { "YES" });
        let key = Datum::from(column_key(table, column));
        let default = Datum::from(default_text(column));
        let extra = Datum::from(extra(column));
        if !full {
            return vec![name, kind, null, key, default, extra];
        }
        let collation = Datum::from(text_collation(column));
        let privileges = Datum::from("select,insert,update,references");
        let comment = Datum::from(column.comment.as_str());
        vec![name, kind, collation, null, key, default, extra, privileges, comment]
    });
    let rows = rows.collect();
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

/// A column of an index: what SHOW INDEX and `information_schema.STATISTICS` tell.
pub(in crate::actors::session) struct IndexPart<'a> {
    pub(in crate::actors::session) unique: bool,
    pub(in crate::actors::session) index: &'a str,
    pub(in crate::actors::session) position: i64,
    pub(in crate::actors::session) column: &'a ColumnInfo,
    pub(in crate::actors::session) prefix: Option<u32>,
    pub(in crate::actors::session) comment: &'a str,
}

/// The columns of all indexes of a table, the primary key first.
pub(in crate::actors::session) fn index_parts(table: &TableInfo) -> Vec<IndexPart<'_>> {
    let mut parts = Vec::new();
    if let Some(handle) = table.handle_column {
        parts.push(IndexPart {
            unique: true,
            index: "PRIMARY",
            position: 1,
            column: &table.columns[handle],
            prefix: None,
            comment: "",
        });
    }
    let mut indexes: Vec<_> =
        table.indexes.iter().filter(|index| index.state == SchemaState::Public).collect();
    indexes.sort_by_key(|index| (!index.primary, !index.unique));
    for index in indexes {
        for (position, part) in index.columns.iter().enumerate() {
            parts.push(IndexPart {
                unique: index.unique,
                index: &index.name,
                position: position as i64 + 1,
                column: &table.columns[part.offset],
                prefix: part.prefix_len,
                comment: &index.comment,
            });
        }
    }
    parts
}

pub(super) fn indexes(table: &TableInfo) -> Shown {
    let rows = index_parts(table).into_iter().map(|part| {
        let nullable = !part.column.field_type.not_null;
        vec![
            Datum::from(table.name.as_str()),
            Datum::Int(i64::from(!part.unique)),
            Datum::from(part.index),
            Datum::Int(part.position),
            Datum::from(part.column.name.as_str()),
            Datum::from("A"),
            Datum::Null,
            part.prefix.map_or(Datum::Null, |length| Datum::Int(length.into())),
            Datum::Null,
            Datum::from(if nullable { "YES" } else { "" }),
            Datum::from("BTREE"),
            Datum::from(""),
            Datum::from(part.comment),
            Datum::from("YES"),
            Datum::Null,
        ]
    });
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

pub(super) fn create_table(table: &TableInfo) -> Shown {
    let row = vec![Datum::from(table.name.as_str()), Datum::from(show_create_table(table))];
    Shown::new(&["Table", "!Create Table"], vec![row])
}

pub(super) fn create_database(database: &DatabaseInfo, if_not_exists: bool) -> Shown {
    let mut text = show_create_database(database);
    if if_not_exists {
        text = text.replacen("CREATE DATABASE ", "CREATE DATABASE /*!32312 IF NOT EXISTS*/ ", 1);
    }
    let row = vec![Datum::from(database.name.as_str()), Datum::from(text)];
    Shown::new(&["Database", "!Create Database"], vec![row])
}
