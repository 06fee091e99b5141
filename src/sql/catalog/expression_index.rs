//! Expressions in indexes. Each is a generated column that statements do not see, and an index of that column: rows, writers and schema
//! changes have nothing to know of it.

use std::borrow::Cow;

use super::build_index::free_name;
use super::computed::{Generated, named};
use super::selected::stored_type;
use super::table_expr::{Place, TableExpr, check_expr, same_name};
use super::{ColumnInfo, IndexInfo, TableInfo};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::parser::ast::{Expr, IndexDefinition, IndexPart};
use crate::sql::plan::expression_type;
use crate::sql::types::{FieldType, TypeKind};

/// The name of an index with an expression in it for which none was written.
const UNNAMED: &str = "functional_index";

/// Gives the table a hidden column for each expression of an index, and the index these columns in their place.
pub(super) fn hide_expressions<'d>(
    table: &mut TableInfo,
    known: &[IndexInfo],
    definition: &'d IndexDefinition,
) -> SqlResult<Cow<'d, IndexDefinition>> {
    if definition.parts.iter().all(|part| part.expr.is_none()) {
        return Ok(Cow::Borrowed(definition));
    }
    if definition.fulltext.is_some() {
        return Err(SqlError::new(
            errno::FULLTEXT_FUNCTIONAL_INDEX,
            "Fulltext functional index is not supported",
        ));
    }
    if definition.primary {
        return Err(SqlError::new(
            errno::FUNCTIONAL_INDEX_PRIMARY_KEY,
            "The primary key cannot be a functional index",
        ));
    }
    let name = definition.name.clone().unwrap_or_else(|| free_name(UNNAMED, known));
    let mut definition = definition.clone();
    for (number, part) in definition.parts.iter_mut().enumerate() {
        if let Some(expr) = part.expr.take() {
            let column = hidden_column(table, &name, number, &expr.0)?;
            let descending = part.descending;
            *part = IndexPart { descending, ..IndexPart::column(&column.name) };
            table.max_column_id += 1;
            let id = table.max_column_id;
            let handle = table.handle_id();
            table.columns.push(ColumnInfo { id, ..column });
            table.place_columns(handle);
        }
    }
    definition.name = Some(name);
    Ok(Cow::Owned(definition))
}

fn hidden_column(
    table: &TableInfo,
    index: &str,
    number: usize,
    expr: &Expr,
) -> SqlResult<ColumnInfo> {
    if matches!(expr, Expr::Column { .. }) {
        return Err(SqlError::new(
            errno::FUNCTIONAL_INDEX_ON_FIELD,
            "Functional index on a column is not supported. Consider using a regular index instead",
        ));
    }
    check_expr(expr, &InIndex(index))?;
    let expr = TableExpr::new(expr, table, |name| {
        SqlError::new(errno::BAD_FIELD, format!("Unknown column '{name}' in 'functional index'"))
    })?;
    if named(table, &expr).any(|column| column.auto_increment) {
        return Err(SqlError::new(
            errno::FUNCTIONAL_INDEX_REF_AUTO_INCREMENT,
            format!("Functional index '{index}' cannot refer to an auto-increment column."),
        ));
    }
    let field_type = hidden_type(table, &expr)?;
    let taken = |name: &String| table.columns.iter().any(|column| same_name(&column.name, name));
    let names = (0..=table.columns.len()).map(|count| format!("!hidden!{index}!{number}!{count}"));
    let name = names.into_iter().find(|name| !taken(name)).expect("more names than columns");
    Ok(ColumnInfo {
        id: 0,
        generated: Some(Generated { expr, stored: false }),
        hidden: true,
        ..ColumnInfo::plain(&name, 0, field_type)
    })
}

/// The type of the column that holds what an expression gives. Errors 3753 and 3757 for what no key can hold.
pub(super) fn hidden_type(table: &TableInfo, expr: &TableExpr) -> SqlResult<FieldType> {
    let given = expression_type(table, expr)?;
    let is_short = matches!(given.kind, TypeKind::VarChar | TypeKind::Char | TypeKind::Null);
    let stored = match is_short {
        true => stored_type(&given, false),
        false => FieldType { not_null: false, ..given },
    };
    if stored.kind == TypeKind::Json {
        return Err(SqlError::new(
            errno::FUNCTIONAL_INDEX_ON_JSON_OR_GEOMETRY_FUNCTION,
            "Cannot create a functional index on a function that returns a JSON or GEOMETRY value.",
        ));
    }
    if stored.kind.is_text() {
        return Err(SqlError::new(
            errno::FUNCTIONAL_INDEX_ON_LOB,
            "Cannot create a functional index on an expression that returns a BLOB or TEXT. Please consider using CAST.",
        ));
    }
    Ok(stored)
}

/// Takes away the hidden columns of indexes that are gone.
pub(super) fn drop_unused(table: &mut TableInfo) {
    let handle = table.handle_id();
    let mut used: Vec<i64> = Vec::new();
    used.extend(table.indexes.iter().flat_map(|index| &index.columns).map(|part| part.column));
    table.columns.retain(|column| !column.hidden || used.contains(&column.id));
    table.place_columns(handle);
}

/// The words of errors about the expression of an index.
struct InIndex<'n>(&'n str);

impl Place for InIndex<'_> {
    fn function(&self, _name: &str) -> SqlError {
        self.other()
    }

    fn other(&self) -> SqlError {
        let message =
            format!("Expression of functional index '{}' contains a disallowed function.", self.0);
        SqlError::new(errno::FUNCTIONAL_INDEX_FUNCTION_IS_NOT_ALLOWED, message)
    }

    fn variable(&self) -> SqlError {
        self.other()
    }

    fn row(&self) -> SqlError {
        let message =
            format!("Expression of functional index '{}' cannot refer to a row value.", self.0);
        SqlError::new(errno::FUNCTIONAL_INDEX_ROW_VALUE_IS_NOT_ALLOWED, message)
    }

    fn is_computed_once(&self) -> bool {
        false
    }
}
