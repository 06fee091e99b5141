//! Values for columns: conversion, defaults, NOT NULL.

use std::sync::Arc;

use crate::common::{SqlResult, errno};
use crate::sql::catalog::{ColumnInfo, DefaultValue, SchemaState, TableInfo};
use crate::sql::exec::ExecContext;
use crate::sql::expr::{EvalContext, Expr};
use crate::sql::plan::{TargetTable, ThroughView};
use crate::sql::table_codec;
use crate::sql::types::{Datum, FieldType, TypeKind, convert_for_column};

/// A value as a column stores it. What does not fit is an error in strict mode and a warning otherwise.
pub(super) fn assign(
    value: Datum,
    column: &ColumnInfo,
    row_number: usize,
    ctx: &EvalContext,
) -> SqlResult<Datum> {
    convert_for_column(value, &column.field_type, &column.name, row_number as u64, ctx)
}

/// As [`assign`], for a column of a table that a statement names: what is no document is said of both.
pub(super) fn assign_to(
    table: &TableInfo,
    column: &ColumnInfo,
    value: Datum,
    row_number: usize,
    ctx: &EvalContext,
) -> SqlResult<Datum> {
    if column.field_type.kind != TypeKind::Json {
        return assign(value, column, row_number, ctx);
    }
    let name = format!("{}.{}", table.name, column.name);
    convert_for_column(value, &column.field_type, &name, row_number as u64, ctx)
}

/// A generated number as the column's value; `None` if it does not fit.
pub(super) fn generated(number: u64, column: &ColumnInfo) -> Option<Datum> {
    let field_type = &column.field_type;
    if field_type.kind.is_float() {
        return Some(Datum::Float(number as f64));
    }
    if i128::from(number) > field_type.integer_range().1 {
        return None;
    }
    Some(if field_type.unsigned { Datum::UInt(number) } else { Datum::Int(number.cast_signed()) })
}

/// NULL for a column that has none: error 1048, or (if not `strict`) a warning and its type's zero.
pub(super) fn check_null(
    value: Datum,
    column: &ColumnInfo,
    strict: bool,
    ctx: &EvalContext,
) -> SqlResult<Datum> {
    if !value.is_null() || !column.field_type.not_null {
        return Ok(value);
    }
    let error = FieldType::null_error(&column.name);
    if strict {
        return Err(error);
    }
    ctx.warn(error.code, error.message);
    Ok(column.field_type.implicit_default())
}

/// The value of a column that an INSERT leaves out.
#[derive(Clone)]
pub(super) enum Default {
    /// This one.
    Value(Datum),
    /// What this gives, over the row.
    Computed(Expr),
    /// There is none: error 1364, or of a table that is written through a view, error 1423.
    Missing(Option<Arc<str>>),
}

/// The defaults of all columns of a table.
pub(super) fn defaults(
    target: &TargetTable,
    through: Option<&ThroughView>,
    ctx: &ExecContext,
) -> SqlResult<Vec<Default>> {
    let rules = target.rules.as_deref();
    let view = through.map(|through| format!("{}.{}", through.database, through.view).into());
    let default = |column: &ColumnInfo| match rules.and_then(|r| r.default_of(column.offset)) {
        Some(expr) => Ok(Default::Computed(expr.clone())),
        None => default_of(column, view.as_ref(), &ctx.eval),
    };
    target.table.columns.iter().map(default).collect()
}

fn default_of(
    column: &ColumnInfo,
    view: Option<&Arc<str>>,
    ctx: &EvalContext,
) -> SqlResult<Default> {
    // Nobody could have given it a value.
    if column.state != SchemaState::Public {
        return unseen_value(column, ctx).map(Default::Value);
    }
    Ok(match &column.default {
        Some(DefaultValue::Constant(Some(text))) => Default::Value(constant(text, column, ctx)?),
        Some(DefaultValue::CurrentTimestamp(_)) => Default::Value(now(column, ctx)?),
        Some(DefaultValue::Constant(None)) => Default::Value(Datum::Null),
        // Where it is written it has been bound.
        Some(DefaultValue::Expression(_)) => Default::Value(Datum::Null),
        None if column.generated.is_some() => Default::Value(Datum::Null),
        None if column.auto_increment => Default::Value(Datum::Null),
        // As in MySQL: whoever leaves an ENUM out gets its first member, in strict mode too.
        None if column.field_type.kind == TypeKind::Enum => {
            Default::Value(column.field_type.implicit_default())
        }
        None => Default::Missing(view.cloned()),
    })
}

/// A constant default.
fn constant(text: &str, column: &ColumnInfo, ctx: &EvalContext) -> SqlResult<Datum> {
    let value = column.field_type.default_of_text(text);
    assign(value.unwrap_or_else(|| Datum::from(text)), column, 1, ctx)
}

/// What a new row has in a column that comes or goes: those who see it do not miss a value.
fn unseen_value(column: &ColumnInfo, ctx: &EvalContext) -> SqlResult<Datum> {
    match &column.default {
        _ if column.origin.is_some() => table_codec::origin_value(column, &ctx.time_zone),
        Some(DefaultValue::Constant(Some(text))) => constant(text, column, ctx),
        Some(DefaultValue::CurrentTimestamp(_)) => now(column, ctx),
        Some(DefaultValue::Expression(_)) => Ok(Datum::Null),
        Some(DefaultValue::Constant(None)) | None if column.field_type.not_null => {
            Ok(column.field_type.implicit_default())
        }
        Some(DefaultValue::Constant(None)) | None => Ok(Datum::Null),
    }
}

impl Default {
    /// The value; where there is none error 1364, or outside strict mode a warning and the type's zero.
    pub(super) fn take(
        &self,
        column: &ColumnInfo,
        row: &[Datum],
        ctx: &EvalContext,
    ) -> SqlResult<Datum> {
        match self {
            Default::Value(value) => Ok(value.clone()),
            Default::Computed(expr) => assign(expr.eval(row, ctx)?, column, 1, ctx),
            Default::Missing(view) => {
                let missing = "doesn't have a default value";
                let (code, message) = match view {
                    None => {
                        (errno::NO_DEFAULT_FOR_FIELD, format!("Field '{}' {missing}", column.name))
                    }
                    Some(view) => (
                        errno::NO_DEFAULT_FOR_VIEW_FIELD,
                        format!("Field of view '{view}' underlying table {missing}"),
                    ),
                };
                ctx.warn_or_fail(code, message)?;
                Ok(column.field_type.implicit_default())
            }
        }
    }
}

/// CURRENT_TIMESTAMP for a column.
pub(super) fn now(column: &ColumnInfo, ctx: &EvalContext) -> SqlResult<Datum> {
    assign(Datum::Time(ctx.now(column.field_type.fsp())), column, 1, ctx)
}
