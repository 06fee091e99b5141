//! What may divide rows.

use super::{Partitioning, SplitBy};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::{ColumnInfo, TableInfo};
use crate::sql::parser::ast::{BinaryOp, Expr, UnaryOp};
use crate::sql::types::TypeKind;

/// Functions that give the same for the same row wherever and whenever they are asked, and an integer.
const ALLOWED: &[&str] = &[
    "abs",
    "ceil",
    "ceiling",
    "datediff",
    "day",
    "dayofmonth",
    "dayofweek",
    "dayofyear",
    "floor",
    "hour",
    "microsecond",
    "minute",
    "mod",
    "month",
    "quarter",
    "second",
    "time_to_sec",
    "to_days",
    "to_seconds",
    "unix_timestamp",
    "weekday",
    "year",
    "yearweek",
];

/// Functions of a moment that depend on the time zone where they are of a TIMESTAMP.
const OF_DAYS: &[&str] = &[
    "datediff",
    "day",
    "dayofmonth",
    "dayofweek",
    "dayofyear",
    "hour",
    "microsecond",
    "minute",
    "month",
    "quarter",
    "second",
    "time_to_sec",
    "to_days",
    "to_seconds",
    "weekday",
    "year",
    "yearweek",
];

pub(super) fn wrong_function() -> SqlError {
    SqlError::new(
        errno::WRONG_EXPR_IN_PARTITION_FUNC,
        "Constant, random or timezone-dependent expressions in (sub)partitioning function are not allowed",
    )
}

fn not_allowed() -> SqlError {
    SqlError::new(
        errno::PARTITION_FUNCTION_IS_NOT_ALLOWED,
        "This partition function is not allowed",
    )
}

/// Error 1659.
pub(super) fn wrong_type(column: &str) -> SqlError {
    SqlError::new(
        errno::FIELD_TYPE_NOT_ALLOWED_AS_PARTITION_FIELD,
        format!("Field '{column}' is of a not allowed type for this type of partitioning"),
    )
}

/// Refuses functions that may not stand in a partitioning function (1564), and those whose answer depends on more than the row (1486).
pub(super) fn check_function(expr: &Expr, table: &TableInfo) -> SqlResult<()> {
    let of_timestamp = |args: &[&Expr]| {
        args.iter().any(|arg| {
            let Expr::Column { name, .. } = arg else { return false };
            let column = table.columns.iter().find(|c| super::model::same_name(&c.name, name));
            column.is_some_and(|column| column.field_type.kind == TypeKind::Timestamp)
        })
    };
    match expr {
        Expr::Literal(_) | Expr::Column { .. } => {}
        Expr::Unary(UnaryOp::Minus | UnaryOp::Plus, _) => {}
        Expr::Binary(op, ..) => {
            let sums =
                [BinaryOp::Add, BinaryOp::Sub, BinaryOp::Mul, BinaryOp::IntDiv, BinaryOp::Mod];
            if !sums.contains(op) {
                return Err(not_allowed());
            }
        }
        Expr::Call(name, args) => {
            let args: Vec<&Expr> = args.iter().collect();
            if !ALLOWED.contains(&name.as_str()) {
                return Err(not_allowed());
            }
            if OF_DAYS.contains(&name.as_str()) && of_timestamp(&args)
                || name == "unix_timestamp" && !of_timestamp(&args)
            {
                return Err(wrong_function());
            }
        }
        Expr::Extract(_, date) => {
            if of_timestamp(&[date]) {
                return Err(wrong_function());
            }
        }
        Expr::Parameter(_) => return Err(wrong_function()),
        _ => return Err(not_allowed()),
    }
    expr.children().into_iter().try_for_each(|child| check_function(child, table))
}

/// Whether KEY, or COLUMNS, may be of a column of this type.
pub(super) fn check_column(column: &ColumnInfo, key: bool) -> SqlResult<()> {
    use TypeKind as T;
    let kind = column.field_type.kind;
    let fits = match kind {
        T::TinyText | T::Text | T::MediumText | T::LongText | T::Json => false,
        T::Float | T::Double | T::Decimal | T::Timestamp | T::Bit | T::Enum | T::Set => key,
        _ => true,
    };
    if fits {
        return Ok(());
    }
    if key && kind.is_text() {
        return Err(SqlError::new(
            errno::BLOB_FIELD_IN_PART_FUNC,
            "A BLOB field is not allowed in partition function",
        ));
    }
    Err(wrong_type(&column.name))
}

/// The columns that say where a row is, by their places.
fn places(table: &TableInfo, by: &SplitBy) -> Vec<usize> {
    let named = by.expr.iter().flat_map(|expr| expr.columns.iter().map(|named| named.id));
    let ids: Vec<i64> = named.chain(by.columns.iter().copied()).collect();
    let of = |id: &i64| table.columns.iter().position(|column| column.id == *id);
    ids.iter().filter_map(of).collect()
}

/// Error 1506.
pub(in crate::sql) fn no_foreign_keys() -> SqlError {
    SqlError::new(
        errno::FOREIGN_KEY_ON_PARTITIONED,
        "Foreign keys are not yet supported in conjunction with partitioning",
    )
}

/// Error 1503 for a unique key that does not say where a row is, 1506 for foreign keys.
pub(in crate::sql) fn check_keys(table: &TableInfo) -> SqlResult<()> {
    let Some(partitioning) = table.partitioning.as_deref() else { return Ok(()) };
    let Partitioning { by, sub, .. } = partitioning;
    if !table.foreign_keys.is_empty() {
        return Err(no_foreign_keys());
    }
    if table.indexes.iter().any(|index| index.fulltext.is_some()) {
        return Err(SqlError::new(
            errno::TABLE_CANT_HANDLE_FT,
            "The used table type doesn't support FULLTEXT indexes",
        ));
    }
    let mut needed = places(table, by);
    needed.extend(sub.iter().flat_map(|sub| places(table, sub)));
    let missing = |kind: &str| {
        let message = format!(
            "A {kind} must include all columns in the table's partitioning function (prefixed columns are not considered)."
        );
        Err(SqlError::new(errno::UNIQUE_KEY_NEED_ALL_FIELDS_IN_PF, message))
    };
    if let Some(handle) = table.handle_column
        && needed.iter().any(|offset| *offset != handle)
    {
        return missing("PRIMARY KEY");
    }
    for index in table.indexes.iter().filter(|index| index.unique) {
        let whole = index.columns.iter().filter(|part| part.prefix_len.is_none());
        let has: Vec<usize> = whole.map(|part| part.offset).collect();
        if needed.iter().any(|offset| !has.contains(offset)) {
            return missing(if index.primary { "PRIMARY KEY" } else { "UNIQUE INDEX" });
        }
    }
    Ok(())
}

/// What an alteration may not do to the columns that rows are divided by: error 3855 for one that goes or gets another name.
pub(in crate::sql) fn keep_partitioning(before: &TableInfo, after: &TableInfo) -> SqlResult<()> {
    let Some(partitioning) = &after.partitioning else { return Ok(()) };
    for id in partitioning.columns() {
        let Some(old) = before.columns.iter().find(|column| column.id == id) else { continue };
        let same = |column: &&ColumnInfo| super::model::same_name(&column.name, &old.name);
        let Some(new) = after.columns.iter().find(same) else {
            let message = format!(
                "Column '{}' has a partitioning function dependency and cannot be dropped or renamed.",
                old.name
            );
            return Err(SqlError::new(errno::DEPENDENT_BY_PARTITION_FUNC, message));
        };
        if new.id != id || !new.field_type.same_values(&old.field_type) {
            return Err(SqlError::unsupported("another type of a partitioning column"));
        }
    }
    check_keys(after)
}
