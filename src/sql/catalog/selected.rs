//! Columns of CREATE TABLE … SELECT: what a query gives, as the table's definition would say it.

use super::{ColumnInfo, DefaultValue};
use crate::common::SqlResult;
use crate::sql::parser::ast::{ColumnDefinition, ColumnOption, Expr, Literal};
use crate::sql::parser::parse_data_type;
use crate::sql::types::{Class, FieldType, TypeKind};

/// The most characters of a VARCHAR whose characters take four bytes.
const VARCHAR_CHARACTERS: u32 = 16_383;
/// Fewer digits are an INT.
const INT_DIGITS: u32 = 10;

/// The definition of a column that holds what a query's column of this name and type gives; `origin`: it is this column of a table.
pub fn selected_column(
    name: &str,
    field_type: &FieldType,
    origin: Option<&ColumnInfo>,
) -> SqlResult<ColumnDefinition> {
    let stored = stored_type(field_type, origin.is_some());
    let mut data_type = parse_data_type(&stored.sql_text(), name)?;
    if (stored.kind.is_string() && !stored.is_binary_string()) || stored.kind.is_member() {
        data_type.collation = Some(stored.collation.name().to_owned());
    }
    let mut options = Vec::new();
    if field_type.not_null {
        options.push(ColumnOption::NotNull);
    }
    match origin {
        Some(column) => {
            // What is counted there is a number here.
            let zero = if column.auto_increment { zero_of(&stored) } else { None };
            options.extend(zero.or_else(|| default_of(column)));
            if !column.comment.is_empty() {
                options.push(ColumnOption::Comment(column.comment.clone()));
            }
        }
        None if field_type.not_null => options.extend(zero_of(&stored)),
        None => {}
    }
    Ok(ColumnDefinition { name: name.to_owned(), data_type, options, checks: Vec::new() })
}

/// The type of a column for values of this one.
pub(super) fn stored_type(field_type: &FieldType, is_column: bool) -> FieldType {
    let kept = FieldType { not_null: false, ..field_type.clone() };
    if is_column {
        return kept;
    }
    match field_type.kind {
        TypeKind::Null => FieldType::char(0).collate(crate::sql::types::Collation::Binary),
        TypeKind::BigInt if field_type.length.is_some_and(|digits| digits < INT_DIGITS) => {
            let int = FieldType::int();
            if field_type.unsigned { int.unsigned() } else { int }
        }
        TypeKind::VarChar | TypeKind::Char => {
            let longest = match field_type.is_binary_string() {
                true => 4 * VARCHAR_CHARACTERS,
                false => VARCHAR_CHARACTERS,
            };
            match field_type.length {
                Some(length) if length <= longest => FieldType { kind: TypeKind::VarChar, ..kept },
                _ => FieldType { kind: TypeKind::LongText, length: None, ..kept },
            }
        }
        // What else a query gives is stored as it is.
        _ => kept,
    }
}

/// A column's default, as it is written.
fn default_of(column: &ColumnInfo) -> Option<ColumnOption> {
    let value = match column.default.as_ref()? {
        DefaultValue::Constant(Some(text)) if column.field_type.kind != TypeKind::Bit => {
            Expr::Literal(Literal::String(text.clone().into_bytes(), None))
        }
        DefaultValue::CurrentTimestamp(digits) => {
            let digits = Expr::Literal(Literal::Integer(u64::from(*digits)));
            Expr::Call("now".to_owned(), vec![digits])
        }
        // NULL, and the bits of a BIT, whose default is written otherwise.
        _ => return None,
    };
    Some(ColumnOption::Default(value))
}

/// The default of a column that cannot be NULL and is no table's: as in MySQL the nothing of its type.
fn zero_of(stored: &FieldType) -> Option<ColumnOption> {
    let text = match stored.kind.class() {
        Class::Integer | Class::Float | Class::Decimal => "0",
        Class::String if !stored.kind.is_text() => "",
        Class::String
        | Class::Calendar
        | Class::Duration
        | Class::Member
        | Class::Json
        | Class::Null => return None,
    };
    let text = Literal::String(text.as_bytes().to_vec(), None);
    Some(ColumnOption::Default(Expr::Literal(text)))
}
