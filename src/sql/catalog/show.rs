//! The schema as text that makes it again.

use std::fmt::Write;

use super::partition::partitioning_text;
use super::storage_options::storage_text;
use super::{CheckInfo, ColumnInfo, DatabaseInfo, DefaultValue, IndexInfo, SchemaState, TableInfo};
use crate::sql::digest::quote_name;
use crate::sql::fulltext::FulltextParser;
use crate::sql::parser::ast::IndexNotes;
use crate::sql::types::{Collation, TypeKind};

/// A string in quotes.
pub(super) fn quote_text(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('\'');
    for letter in text.chars() {
        match letter {
            '\'' => quoted.push_str("''"),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\0' => quoted.push_str("\\0"),
            other => quoted.push(other),
        }
    }
    quoted.push('\'');
    quoted
}

/// What SHOW CREATE DATABASE shows.
pub fn show_create_database(database: &DatabaseInfo) -> String {
    format!(
        "CREATE DATABASE {} /*!40100 DEFAULT CHARACTER SET {} COLLATE {} */",
        quote_name(&database.name),
        database.charset,
        database.collation,
    )
}

/// What SHOW CREATE TABLE shows, with the next AUTO_INCREMENT value; `database` is the table's. Parsed and built again it gives an equal table (but for
/// its ids, version and age).
pub fn show_create_table(database: &str, table: &TableInfo, next_id: Option<u64>) -> String {
    let mut parts = Vec::with_capacity(table.columns.len() + table.indexes.len() + 1);
    for column in table.visible_columns() {
        parts.push(column_text(table, column));
    }
    if let Some(handle) = table.handle_column {
        let name = quote_name(&table.columns[handle].name);
        let notes = table.handle_notes.as_ref().map(|notes| notes_text(notes));
        parts.push(format!("PRIMARY KEY ({name}){}", notes.unwrap_or_default()));
    }
    for index in table.indexes.iter().filter(|index| index.state == SchemaState::Public) {
        parts.push(index_text(table, index));
    }
    let public = table.foreign_keys.iter().filter(|key| key.state == SchemaState::Public);
    let mut keys: Vec<_> = public.collect();
    keys.sort_by_key(|key| key.name.to_lowercase());
    parts.extend(keys.iter().map(|key| key.text(database, table)));
    parts.extend(table.public_checks().map(CheckInfo::text));
    let charset = Collation::by_name(&table.collation).map_or("utf8mb4", Collation::charset);
    let temporary = if table.is_temporary() { "TEMPORARY " } else { "" };
    let mut text = format!(
        "CREATE {temporary}TABLE {} (\n  {}\n) ENGINE=InnoDB",
        quote_name(&table.name),
        parts.join(",\n  ")
    );
    if let Some(next) = next_id.filter(|next| *next > 1) {
        let _ = write!(text, " AUTO_INCREMENT={next}");
    }
    let _ = write!(text, " DEFAULT CHARSET={charset} COLLATE={}", table.collation);
    text.push_str(&storage_text(table));
    if !table.comment.is_empty() {
        let _ = write!(text, " COMMENT={}", quote_text(&table.comment));
    }
    text.push_str(&partitioning_text(table));
    text
}

/// A column's type as SHOW COLUMNS has it: `int unsigned`, `varchar(20)`.
pub fn column_type_text(column: &ColumnInfo) -> String {
    column.field_type.sql_text()
}

/// A column's default as SHOW COLUMNS has it; `None` is shown as NULL.
pub fn default_text(column: &ColumnInfo) -> Option<String> {
    match &column.default {
        Some(DefaultValue::Constant(text)) => text.clone(),
        Some(DefaultValue::CurrentTimestamp(digits)) => Some(now_text(*digits)),
        Some(DefaultValue::Expression(expr)) => Some(expr.escaped()),
        None => None,
    }
}

fn now_text(digits: u8) -> String {
    match digits {
        0 => "CURRENT_TIMESTAMP".to_owned(),
        digits => format!("CURRENT_TIMESTAMP({digits})"),
    }
}

fn column_text(table: &TableInfo, column: &ColumnInfo) -> String {
    let mut text = format!("{} {}", quote_name(&column.name), column_type_text(column));
    let field_type = &column.field_type;
    let collation = field_type.collation.name();
    let textual = field_type.kind.is_textual() && field_type.collation != Collation::Binary;
    if textual && collation != table.collation {
        let charset = field_type.collation.charset();
        let _ = write!(text, " CHARACTER SET {charset} COLLATE {collation}");
    }
    if let Some(generated) = &column.generated {
        let _ = write!(text, " {}", generated.text());
    }
    if field_type.not_null {
        text.push_str(" NOT NULL");
    } else if field_type.kind == TypeKind::Timestamp {
        text.push_str(" NULL");
    }
    for (word, value) in &column.storage {
        let _ = write!(text, " /*!50606 {word} {value} */");
    }
    if column.auto_increment {
        text.push_str(" AUTO_INCREMENT");
    }
    // TEXT and BLOB have no DEFAULT to write, and NULL without it; that of BIT is written as b'…'.
    let (is_text, is_bit) = (field_type.kind.is_text(), field_type.kind == TypeKind::Bit);
    let default = match &column.default {
        Some(DefaultValue::Constant(None)) => (!is_text).then(|| "NULL".to_owned()),
        Some(DefaultValue::Constant(Some(bits))) if is_bit => Some(bits.clone()),
        Some(DefaultValue::Constant(Some(value))) => Some(quote_text(value)),
        Some(DefaultValue::CurrentTimestamp(digits)) => Some(now_text(*digits)),
        Some(DefaultValue::Expression(expr)) => Some(format!("({})", expr.text)),
        None => None,
    };
    if let Some(default) = default {
        let _ = write!(text, " DEFAULT {default}");
    }
    if let Some(digits) = column.on_update_now {
        let _ = write!(text, " ON UPDATE {}", now_text(digits));
    }
    if column.invisible {
        text.push_str(" /*!80023 INVISIBLE */");
    }
    if !column.comment.is_empty() {
        let _ = write!(text, " COMMENT {}", quote_text(&column.comment));
    }
    text
}

fn index_text(table: &TableInfo, index: &IndexInfo) -> String {
    let parts: Vec<String> = index
        .columns
        .iter()
        .map(|column| {
            let known = &table.columns[column.offset];
            let name = quote_name(&known.name);
            let part = match (column.prefix_len, known.hidden_expr()) {
                (_, Some(expr)) => format!("({})", expr.text),
                (Some(length), None) => format!("{name}({length})"),
                (None, None) => name,
            };
            if column.descending { format!("{part} DESC") } else { part }
        })
        .collect();
    let kind = match (index.primary, index.unique) {
        _ if index.fulltext.is_some() => format!("FULLTEXT KEY {}", quote_name(&index.name)),
        (true, _) => "PRIMARY KEY".to_owned(),
        (false, true) => format!("UNIQUE KEY {}", quote_name(&index.name)),
        (false, false) => format!("KEY {}", quote_name(&index.name)),
    };
    let mut text = format!("{kind} ({})", parts.join(","));
    text.push_str(&notes_text(&index.notes));
    if index.fulltext == Some(FulltextParser::Ngram) {
        text.push_str(" /*!50100 WITH PARSER `ngram` */ ");
    }
    if index.invisible {
        text.push_str(" /*!80000 INVISIBLE */");
    }
    text
}

fn notes_text(notes: &IndexNotes) -> String {
    let mut text = String::new();
    if notes.btree {
        text.push_str(" USING BTREE");
    }
    if notes.key_block_size > 0 {
        let _ = write!(text, " KEY_BLOCK_SIZE={}", notes.key_block_size);
    }
    if !notes.comment.is_empty() {
        let _ = write!(text, " COMMENT {}", quote_text(&notes.comment));
    }
    text
}
