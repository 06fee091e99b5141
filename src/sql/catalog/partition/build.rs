//! From PARTITION BY to what is stored of it.

use std::collections::BTreeSet;

use super::checks::{check_column, check_function, check_keys, wrong_function, wrong_type};
use super::model::same_name;
use super::routes::{number_of, values_key};
use super::{
    BoundValue, PartitionBounds, PartitionInfo, Partitioning, SplitBy, SplitMethod,
    SubpartitionInfo,
};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::build::check_name;
use crate::sql::catalog::show::quote_text;
use crate::sql::catalog::{ColumnInfo, DdlContext, TableExpr, TableInfo};
use crate::sql::parser::ast::{
    Expr, PartitionBy, PartitionDefinition, PartitionMethod, PartitionValues,
};
use crate::sql::parser::expression_text;
use crate::sql::plan::{bind_expression, expression_type};
use crate::sql::types::{Datum, TimeZone, codec, convert_for_column};

/// The most partitions of a table, subpartitions counted.
const PARTITIONS: u64 = 8192;

/// The most columns that rows are divided by.
const COLUMNS: usize = 16;

fn error<T>(code: u16, message: impl Into<String>) -> SqlResult<T> {
    Err(SqlError::new(code, message.into()))
}

/// What PARTITION BY asks for of a table.
pub(in crate::sql) fn build_partitioning(
    written: &PartitionBy,
    table: &TableInfo,
    ctx: &DdlContext<'_>,
) -> SqlResult<Partitioning> {
    let mut by = build_split(&written.method, table)?;
    (by.counted, by.named) = (written.count.is_some(), !written.definitions.is_empty());
    let kind = match by.method {
        SplitMethod::Range => "RANGE",
        SplitMethod::List => "LIST",
        SplitMethod::Hash => "HASH",
    };
    let listed = written.definitions.len() as u64;
    if written.count == Some(0) {
        return error(errno::NO_PARTS, "Number of partitions = 0 is not an allowed value");
    }
    if by.method != SplitMethod::Hash && !by.named {
        return error(
            errno::PARTITIONS_MUST_BE_DEFINED,
            format!("For {kind} partitions each partition must be defined"),
        );
    }
    if by.named && written.count.is_some_and(|count| count != listed) {
        return error(
            errno::PARTITION_WRONG_NO_PART,
            "Wrong number of partitions defined, mismatch with previous setting",
        );
    }
    let sub = build_sub(written, &by, table)?;
    let mut partitioning = Partitioning { by, sub, definitions: Vec::new(), kept: <_>::default() };
    let width = sub_count(written)?;
    let count = written.count.unwrap_or(listed).max(1);
    if count.saturating_mul(width.unwrap_or(1)) > PARTITIONS {
        return error(
            errno::TOO_MANY_PARTITIONS,
            "Too many partitions (including subpartitions) were defined",
        );
    }
    partitioning.definitions = match by_name(written) {
        true => definitions(&written.definitions, (&partitioning, width), table, ctx)?,
        false => (0..count).map(|at| unnamed(format!("p{at}"), width)).collect(),
    };
    check_definitions(&partitioning)?;
    let checked = TableInfo { partitioning: Some(Box::new(partitioning)), ..table.clone() };
    check_keys(&checked)?;
    let partitioning = checked.partitioning.expect("it was put there");
    Ok(*partitioning)
}

fn by_name(written: &PartitionBy) -> bool {
    !written.definitions.is_empty()
}

/// SUBPARTITION BY.
fn build_sub(written: &PartitionBy, by: &SplitBy, table: &TableInfo) -> SqlResult<Option<SplitBy>> {
    let named = written.definitions.iter().any(|partition| !partition.subs.is_empty());
    let Some((method, count)) = &written.sub else {
        if named {
            return error(
                errno::SUBPARTITION,
                "It is only possible to mix RANGE/LIST partitioning with HASH/KEY partitioning for subpartitioning",
            );
        }
        return Ok(None);
    };
    if by.method == SplitMethod::Hash {
        return error(
            errno::SUBPARTITION,
            "It is only possible to mix RANGE/LIST partitioning with HASH/KEY partitioning for subpartitioning",
        );
    }
    if let PartitionMethod::Key(columns, ..) = method
        && columns.is_empty()
    {
        return error(
            errno::WRONG_EXPR_IN_PARTITION_FUNC,
            "Constant, random or timezone-dependent expressions in (sub)partitioning function are not allowed",
        );
    }
    let mut sub = build_split(method, table)?;
    (sub.counted, sub.named) = (count.is_some(), named);
    Ok(Some(sub))
}

/// How many subpartitions each partition has; `None`: it has none.
fn sub_count(written: &PartitionBy) -> SqlResult<Option<u64>> {
    let Some((_, count)) = &written.sub else { return Ok(None) };
    if *count == Some(0) {
        return error(errno::NO_PARTS, "Number of subpartitions = 0 is not an allowed value");
    }
    let named: BTreeSet<u64> =
        written.definitions.iter().map(|partition| partition.subs.len() as u64).collect();
    let most = named.last().copied().unwrap_or(0);
    if most == 0 {
        return Ok(Some(count.unwrap_or(1)));
    }
    if named.len() > 1 || count.is_some_and(|count| count != most) {
        return match named.contains(&0) {
            true => error(
                errno::PARTITION_SUBPART_MIX,
                "Must define subpartitions on all partitions if on one partition",
            ),
            false => error(
                errno::PARTITION_WRONG_NO_SUBPART,
                "Wrong number of subpartitions defined, mismatch with previous setting",
            ),
        };
    }
    Ok(Some(most))
}

/// What rows are divided by.
fn build_split(method: &PartitionMethod, table: &TableInfo) -> SqlResult<SplitBy> {
    use PartitionMethod as P;
    let (kind, linear) = match method {
        P::Range(_) | P::RangeColumns(_) => (SplitMethod::Range, false),
        P::List(_) | P::ListColumns(_) => (SplitMethod::List, false),
        P::Hash(_, linear) | P::Key(_, linear, _) => (SplitMethod::Hash, *linear),
    };
    let mut by = SplitBy {
        method: kind,
        linear,
        expr: None,
        columns: Vec::new(),
        implied: false,
        old_algorithm: matches!(method, P::Key(_, _, true)),
        counted: false,
        named: false,
    };
    match method {
        P::Range(expr) | P::List(expr) | P::Hash(expr, _) => {
            by.expr = Some(build_function(expr, table)?);
        }
        P::RangeColumns(names) | P::ListColumns(names) => {
            by.columns = build_columns(names, table, false)?;
        }
        P::Key(names, ..) if names.is_empty() => {
            by.implied = true;
            by.columns = key_columns(table)?;
        }
        P::Key(names, ..) => by.columns = build_columns(names, table, true)?,
    }
    Ok(by)
}

/// The function of RANGE, LIST or HASH: an integer that follows from the row.
fn build_function(expr: &Expr, table: &TableInfo) -> SqlResult<TableExpr> {
    check_function(expr, table)?;
    let unknown = |name: &str| {
        let message = format!("Unknown column '{name}' in 'partition function'");
        SqlError::new(errno::BAD_FIELD, message)
    };
    let built = TableExpr::new(expr, table, unknown)?;
    if built.columns.is_empty() {
        return Err(wrong_function());
    }
    let given = expression_type(table, &built)?;
    if !given.kind.is_integer() {
        if let Expr::Column { name, .. } = expr {
            return Err(wrong_type(name));
        }
        return error(
            errno::PARTITION_FUNC_NOT_ALLOWED,
            "The PARTITION function returns the wrong type",
        );
    }
    Ok(built)
}

/// The columns of a list, by id.
fn build_columns(names: &[String], table: &TableInfo, key: bool) -> SqlResult<Vec<i64>> {
    if names.len() > COLUMNS {
        let message = "Too many fields in 'list of partition fields'";
        return error(errno::TOO_MANY_PARTITION_FUNC_FIELDS, message);
    }
    let mut ids = Vec::with_capacity(names.len());
    for name in names {
        let mut visible = table.visible_columns().iter();
        let Some(column) = visible.find(|column| same_name(&column.name, name)) else {
            return error(
                errno::FIELD_NOT_FOUND_PART,
                "Field in list of fields for partition function not found in table",
            );
        };
        if ids.contains(&column.id) {
            return error(
                errno::SAME_NAME_PARTITION_FIELD,
                format!("Duplicate partition field name '{name}'"),
            );
        }
        check_column(column, key)?;
        ids.push(column.id);
    }
    Ok(ids)
}

/// The columns of KEY (): the primary key's, or of a unique one that holds no NULL.
fn key_columns(table: &TableInfo) -> SqlResult<Vec<i64>> {
    if let Some(handle) = table.handle_id() {
        return Ok(vec![handle]);
    }
    match table.primary_index() {
        Some(index) => Ok(index.columns.iter().map(|part| table.columns[part.offset].id).collect()),
        None => error(
            errno::FIELD_NOT_FOUND_PART,
            "Field in list of fields for partition function not found in table",
        ),
    }
}

/// A partition that was not written: p0, with subpartitions p0sp0, ….
pub(in crate::sql) fn unnamed(name: String, width: Option<u64>) -> PartitionInfo {
    let subs = (0..width.unwrap_or(0)).map(|at| sub(format!("{name}sp{at}")));
    PartitionInfo {
        id: 0,
        bounds: PartitionBounds::Hashed,
        comment: String::new(),
        storage: Vec::new(),
        subs: subs.collect(),
        name,
    }
}

fn sub(name: String) -> SubpartitionInfo {
    SubpartitionInfo { id: 0, name, comment: String::new(), storage: Vec::new() }
}

/// Partitions that are added to what a table has.
pub(in crate::sql) fn build_definitions(
    written: &[PartitionDefinition],
    table: &TableInfo,
    ctx: &DdlContext<'_>,
) -> SqlResult<Vec<PartitionInfo>> {
    let partitioning = table.partitioning.as_ref().ok_or_else(super::not_partitioned)?;
    let width = partitioning.sub.is_some().then(|| partitioning.width() as u64);
    let wrong = |partition: &PartitionDefinition| {
        !partition.subs.is_empty() && Some(partition.subs.len() as u64) != width
    };
    if written.iter().any(wrong) {
        return error(
            errno::ADD_PARTITION_SUBPART,
            "Trying to Add partition(s) with wrong number of subpartitions",
        );
    }
    definitions(written, (partitioning, width), table, ctx)
}

fn definitions(
    written: &[PartitionDefinition],
    (partitioning, width): (&Partitioning, Option<u64>),
    table: &TableInfo,
    ctx: &DdlContext<'_>,
) -> SqlResult<Vec<PartitionInfo>> {
    let build = |definition: &PartitionDefinition| {
        check_name(&definition.name)?;
        let mut built = unnamed(definition.name.clone(), width);
        built.bounds = build_bounds(definition, &partitioning.by, table, ctx)?;
        built.comment.clone_from(&definition.comment);
        built.storage.clone_from(&definition.storage);
        if !definition.subs.is_empty() {
            let subs = definition.subs.iter().map(|written| SubpartitionInfo {
                comment: written.comment.clone(),
                storage: written.storage.clone(),
                ..sub(written.name.clone())
            });
            built.subs = subs.collect();
        }
        Ok(built)
    };
    written.iter().map(build).collect()
}

/// What a partition's VALUES say.
fn build_bounds(
    definition: &PartitionDefinition,
    by: &SplitBy,
    table: &TableInfo,
    ctx: &DdlContext<'_>,
) -> SqlResult<PartitionBounds> {
    let required = |kind: &str, values: &str| {
        let message = format!(
            "Syntax error: {kind} PARTITIONING requires definition of VALUES {values} for each partition"
        );
        error(errno::PARTITION_REQUIRES_VALUES, message)
    };
    let wrong = |kind: &str, values: &str| {
        let message =
            format!("Only {kind} PARTITIONING can use VALUES {values} in partition definition");
        error(errno::PARTITION_WRONG_VALUES, message)
    };
    let bound = |value: &Expr, at: usize| build_value((value, at), definition, by, table, ctx);
    match (by.method, &definition.values) {
        (SplitMethod::Range, PartitionValues::LessThan(values)) => {
            check_width(values.len(), by, "RANGE")?;
            let values = values.iter().enumerate().map(|(at, value)| match value {
                None => Ok(BoundValue::Max),
                Some(value) => match bound(value, at)? {
                    BoundValue::Null => error(
                        errno::NULL_IN_VALUES_LESS_THAN,
                        "Not allowed to use NULL value in VALUES LESS THAN",
                    ),
                    value => Ok(value),
                },
            });
            Ok(PartitionBounds::LessThan(values.collect::<SqlResult<_>>()?))
        }
        (SplitMethod::List, PartitionValues::In(all)) => {
            let rows = all.iter().map(|value| match value {
                Expr::Row(_) if by.columns.len() < 2 => error(
                    errno::ROW_SINGLE_PARTITION_FIELD,
                    "Row expressions in VALUES IN only allowed for multi-field column partitioning",
                ),
                Expr::Row(values) => {
                    check_width(values.len(), by, "LIST")?;
                    values.iter().enumerate().map(|(at, value)| bound(value, at)).collect()
                }
                value => {
                    check_width(1, by, "LIST")?;
                    Ok(vec![bound(value, 0)?])
                }
            });
            Ok(PartitionBounds::In(rows.collect::<SqlResult<_>>()?))
        }
        (SplitMethod::Hash, PartitionValues::None) => Ok(PartitionBounds::Hashed),
        (SplitMethod::Range, PartitionValues::None) => required("RANGE", "LESS THAN"),
        (SplitMethod::List, PartitionValues::None) => required("LIST", "IN"),
        (_, PartitionValues::LessThan(_)) => wrong("RANGE", "LESS THAN"),
        (_, PartitionValues::In(_)) => wrong("LIST", "IN"),
    }
}

/// As many values as columns.
fn check_width(values: usize, by: &SplitBy, kind: &str) -> SqlResult<()> {
    if by.expr.is_some() && values > 1 {
        let message =
            format!("Cannot have more than one value for this type of {kind} partitioning");
        return error(errno::TOO_MANY_VALUES, message);
    }
    if by.expr.is_none() && values != by.columns.len() {
        return error(
            errno::PARTITION_COLUMN_LIST,
            "Inconsistency in usage of column lists for partitioning",
        );
    }
    Ok(())
}

/// A value of VALUES: what the function may give, or what the column at this place of the list may hold.
fn build_value(
    (written, at): (&Expr, usize),
    definition: &PartitionDefinition,
    by: &SplitBy,
    table: &TableInfo,
    ctx: &DdlContext<'_>,
) -> SqlResult<BoundValue> {
    let not_constant = |_: &str| {
        let message = "Expression in RANGE/LIST VALUES must be constant";
        SqlError::new(errno::NO_CONST_EXPR_IN_RANGE_OR_LIST, message)
    };
    // The text is read again by whoever binds it.
    let text = expression_text(written, &mut |_, name| Err(not_constant(name)))?;
    let expr = TableExpr { text, columns: Vec::new() };
    let value = bind_expression(table, &expr)?.eval(&[], ctx.eval)?;
    if value.is_null() {
        return Ok(BoundValue::Null);
    }
    if by.expr.is_some() {
        if !matches!(value, Datum::Int(_) | Datum::UInt(_)) {
            let message =
                format!("VALUES value for partition '{}' must have type INT", definition.name);
            return error(errno::VALUES_IS_NOT_INT_TYPE, message);
        }
        let number = number_of(&value, ctx.eval)?.expect("it is not NULL");
        return Ok(BoundValue::Number(number.to_string()));
    }
    let column = table.columns.iter().find(|column| column.id == by.columns[at]);
    let column = column.ok_or_else(|| SqlError::internal("a list of unknown columns"))?;
    column_value(&value, column, ctx)
}

/// A value as the column holds it, as text and as a key; error 1654 for one of another type.
fn column_value(value: &Datum, column: &ColumnInfo, ctx: &DdlContext<'_>) -> SqlResult<BoundValue> {
    let wrong = || {
        SqlError::new(errno::WRONG_TYPE_COLUMN_VALUE, "Partition column values of incorrect type")
    };
    let kind = column.field_type.kind;
    let fits = match value {
        Datum::Int(_) | Datum::UInt(_) => kind.is_integer(),
        Datum::Bytes(_) => !kind.is_integer(),
        Datum::Time(_) | Datum::Duration(_) => kind.is_temporal(),
        // Columns of other types divide no rows.
        _ => false,
    };
    if !fits {
        return Err(wrong());
    }
    let stored = convert_for_column(value.clone(), &column.field_type, &column.name, 1, ctx.eval)
        .map_err(|_| wrong())?;
    let mut key = Vec::new();
    codec::encode_key_value(&stored, &column.field_type, &TimeZone::UTC, &mut key)?;
    let text = stored.to_text();
    let text = if kind.is_integer() { text } else { quote_text(&text) };
    Ok(BoundValue::Column(text, key))
}

/// Whether names differ, ranges ascend and values are of one partition each.
pub(in crate::sql) fn check_definitions(partitioning: &Partitioning) -> SqlResult<()> {
    let mut names = BTreeSet::new();
    for partition in &partitioning.definitions {
        let subs = partition.subs.iter().map(|sub| &sub.name);
        for name in std::iter::once(&partition.name).chain(subs) {
            if !names.insert(name.to_lowercase()) {
                let message = format!("Duplicate partition name {name}");
                return error(errno::SAME_NAME_PARTITION, message);
            }
        }
    }
    let mut last: Option<Vec<u8>> = None;
    let mut known = BTreeSet::new();
    for (at, partition) in partitioning.definitions.iter().enumerate() {
        match &partition.bounds {
            PartitionBounds::Hashed => {}
            PartitionBounds::LessThan(values) => {
                let all = values.iter().all(|value| *value == BoundValue::Max);
                if all && at + 1 < partitioning.definitions.len() {
                    return error(
                        errno::PARTITION_MAXVALUE,
                        "MAXVALUE can only be used in last partition definition",
                    );
                }
                let key = values_key(values)?;
                if last.as_ref().is_some_and(|last| *last >= key) {
                    return error(
                        errno::RANGE_NOT_INCREASING,
                        "VALUES LESS THAN value must be strictly increasing for each partition",
                    );
                }
                last = Some(key);
            }
            PartitionBounds::In(rows) => {
                for row in rows {
                    if !known.insert(values_key(row)?) {
                        return error(
                            errno::MULTIPLE_DEF_CONST_IN_LIST_PART,
                            "Multiple definition of same constant in list partitioning",
                        );
                    }
                }
            }
        }
    }
    Ok(())
}
