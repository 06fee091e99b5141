//! Partitions as text that makes them again.

use std::fmt::Write;

use super::{BoundValue, PartitionBounds, PartitionInfo, Partitioning, SplitBy, SplitMethod};
use crate::sql::catalog::TableInfo;
use crate::sql::catalog::show::quote_text;
use crate::sql::digest::quote_name;

/// A name in quotes if it needs them.
fn name_text(name: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '$';
    let digits = name.chars().all(|letter| letter.is_ascii_digit());
    match !name.is_empty() && !digits && name.chars().all(plain) {
        true => name.to_owned(),
        false => quote_name(name),
    }
}

/// The columns of KEY or COLUMNS, by name.
fn column_names(table: &TableInfo, by: &SplitBy) -> Vec<String> {
    let named = |id: &i64| table.columns.iter().find(|column| column.id == *id);
    by.columns.iter().filter_map(named).map(|column| column.name.clone()).collect()
}

/// The name of a method, as SHOW CREATE TABLE has it.
fn by_text(table: &TableInfo, by: &SplitBy, of_subs: bool) -> String {
    let list = || {
        let names = if by.implied { Vec::new() } else { column_names(table, by) };
        let names: Vec<String> = names.iter().map(|name| name_text(name)).collect();
        format!("({})", names.join(","))
    };
    let linear = if by.linear { "LINEAR " } else { "" };
    let mut text = match (by.method, &by.expr) {
        (SplitMethod::Range, Some(expr)) => format!("RANGE ({})", expr.text),
        (SplitMethod::Range, None) => format!("RANGE  COLUMNS{}", list()),
        (SplitMethod::List, Some(expr)) => format!("LIST ({})", expr.text),
        (SplitMethod::List, None) => format!("LIST  COLUMNS{}", list()),
        (SplitMethod::Hash, Some(expr)) => format!("{linear}HASH ({})", expr.text),
        (SplitMethod::Hash, None) => {
            let old = if by.old_algorithm { "ALGORITHM = 1 " } else { "" };
            format!("{linear}KEY {old}{}", list())
        }
    };
    if of_subs {
        text.insert_str(0, "SUBPARTITION BY ");
    }
    text
}

/// The bounds of a partition behind its name.
fn values_text(bounds: &PartitionBounds, of_columns: bool) -> String {
    match bounds {
        PartitionBounds::Hashed => String::new(),
        PartitionBounds::LessThan(values) if !of_columns && values == &[BoundValue::Max] => {
            " VALUES LESS THAN MAXVALUE".to_owned()
        }
        PartitionBounds::LessThan(_) => format!(" VALUES LESS THAN ({})", bounds_text(bounds)),
        PartitionBounds::In(_) => format!(" VALUES IN ({})", bounds_text(bounds)),
    }
}

fn value_text(value: &BoundValue) -> &str {
    match value {
        BoundValue::Max => "MAXVALUE",
        BoundValue::Null => "NULL",
        BoundValue::Number(text) | BoundValue::Column(text, _) => text,
    }
}

/// The bounds of a partition as information_schema has them.
pub fn bounds_text(bounds: &PartitionBounds) -> String {
    let row = |values: &[BoundValue]| values.iter().map(value_text).collect::<Vec<_>>().join(",");
    match bounds {
        PartitionBounds::Hashed => String::new(),
        PartitionBounds::LessThan(values) => row(values),
        PartitionBounds::In(all) => {
            // NULL is shown first where there is one column.
            let (nulls, others): (Vec<_>, Vec<_>) =
                all.iter().partition(|values| values.as_slice() == [BoundValue::Null]);
            let shown = nulls.into_iter().chain(others).map(|values| match values.len() {
                1 => row(values),
                _ => format!("({})", row(values)),
            });
            shown.collect::<Vec<_>>().join(",")
        }
    }
}

/// What a table is divided by, as information_schema has it.
pub fn key_text(table: &TableInfo, by: &SplitBy) -> String {
    if let Some(expr) = &by.expr {
        return expr.text.clone();
    }
    let names = if by.implied { Vec::new() } else { column_names(table, by) };
    names.iter().map(|name| quote_name(name)).collect::<Vec<_>>().join(",")
}

fn options_text(comment: &str, storage: &[(String, u64)]) -> String {
    let mut text = String::new();
    for (name, value) in storage {
        let _ = write!(text, " {name} = {value}");
    }
    if !comment.is_empty() {
        let _ = write!(text, " COMMENT = {}", quote_text(comment));
    }
    text.push_str(" ENGINE = InnoDB");
    text
}

fn partition_text(partition: &PartitionInfo, partitioning: &Partitioning) -> String {
    let of_columns = partitioning.by.expr.is_none();
    let mut text = format!("PARTITION {}", name_text(&partition.name));
    text.push_str(&values_text(&partition.bounds, of_columns));
    if !partitioning.sub.as_ref().is_some_and(|sub| sub.named) {
        text.push_str(&options_text(&partition.comment, &partition.storage));
        return text;
    }
    let subs = partition.subs.iter().map(|sub| {
        let options = options_text(&sub.comment, &sub.storage);
        format!("SUBPARTITION {}{options}", name_text(&sub.name))
    });
    let _ = write!(text, "\n ({})", subs.collect::<Vec<_>>().join(",\n  "));
    text
}

/// What stands at the end of SHOW CREATE TABLE; nothing for a table without partitions.
pub(in crate::sql::catalog) fn partitioning_text(table: &TableInfo) -> String {
    let Some(partitioning) = &table.partitioning else { return String::new() };
    let by = &partitioning.by;
    let seconds = |by: &SplitBy| {
        by.expr.as_ref().is_some_and(|expr| expr.text.to_lowercase().contains("to_seconds("))
    };
    let later = by.expr.is_none() && by.method != SplitMethod::Hash || seconds(by);
    let version = if later { "50500" } else { "50100" };
    let mut text = format!("\n/*!{version} PARTITION BY {}", by_text(table, by, false));
    if by.counted && !by.named {
        let _ = write!(text, "\nPARTITIONS {}", partitioning.definitions.len());
    }
    if let Some(sub) = &partitioning.sub {
        let _ = write!(text, "\n{}", by_text(table, sub, true));
        if sub.counted && !sub.named {
            let _ = write!(text, "\nSUBPARTITIONS {}", partitioning.width());
        }
    }
    if by.named {
        let all = partitioning.definitions.iter();
        let all: Vec<String> =
            all.map(|partition| partition_text(partition, partitioning)).collect();
        let _ = write!(text, "\n({})", all.join(",\n "));
    }
    text.push_str(" */");
    text
}
