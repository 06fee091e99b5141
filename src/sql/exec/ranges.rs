//! From the plan's ranges, whose bounds are expressions, to ranges of keys.
//!
//! A bound is read as the comparison reads it ([`bounds`]). Where the column cannot hold it, it is moved to the nearest value
//! there is a key for, and then belongs to the range or not so that the same rows are inside.

use std::cmp::Ordering;

use bytes::Bytes;

use super::keys;
use crate::common::SqlResult;
use crate::sql::catalog::{IndexInfo, TableInfo};
use crate::sql::expr::{EvalContext, Expr, constant_as};
use crate::sql::plan::{HandleRange, IndexRange};
use crate::sql::table_codec::{self, bounds};
use crate::sql::types::{Datum, FieldType};

/// A half-open range of keys.
pub(crate) type KeyRange = (Bytes, Bytes);

/// The key ranges of rows, ascending. No ranges: all rows.
pub(crate) fn handle_ranges(
    table: &TableInfo,
    ranges: &[HandleRange],
    ctx: &EvalContext,
) -> SqlResult<Vec<KeyRange>> {
    if ranges.is_empty() {
        return Ok(vec![table_codec::row_range(table.id)]);
    }
    let field_type = handle_type(table);
    let unsigned = field_type.unsigned;
    let mut found = Vec::with_capacity(ranges.len());
    for range in ranges {
        let low = integer_bound(range.low.as_ref(), true, &field_type, ctx)?;
        let high = integer_bound(range.high.as_ref(), false, &field_type, ctx)?;
        let (Some(low), Some(high)) = (low, high) else { continue };
        if low > high {
            continue;
        }
        let start = table_codec::row_key(table.id, table_codec::ordered_handle(low, unsigned));
        let end = table_codec::row_key(table.id, table_codec::ordered_handle(high, unsigned));
        found.push((start, keys::successor(&end)));
    }
    Ok(found)
}

/// The lowest (or highest) integer inside a bound; `None`: none can be (NULL, or past the column's domain).
fn integer_bound(
    bound: Option<&(Expr, bool)>,
    low: bool,
    field_type: &FieldType,
    ctx: &EvalContext,
) -> SqlResult<Option<i128>> {
    let (least, most) = if field_type.unsigned {
        (0, i128::from(u64::MAX))
    } else {
        (i128::from(i64::MIN), i128::from(i64::MAX))
    };
    let Some((expr, inside)) = bound else {
        return Ok(Some(if low { least } else { most }));
    };
    let value = bounds::constant(expr, field_type, ctx)?;
    if value.is_null() {
        return Ok(None);
    }
    let (floor, ceil) = bounds::around(&value, ctx)?;
    let exact = match (low, inside) {
        (true, true) => ceil,
        (true, false) => floor + 1,
        (false, true) => floor,
        (false, false) => ceil - 1,
    };
    Ok(if low {
        (exact <= most).then_some(exact.max(least))
    } else {
        (exact >= least).then_some(exact.min(most))
    })
}

/// The type of a table's handles.
fn handle_type(table: &TableInfo) -> FieldType {
    match table.handle_column {
        Some(offset) => table.columns[offset].field_type.clone(),
        None => FieldType::bigint(),
    }
}

/// The handle that a constant names exactly; `None` if no row can have it.
pub(crate) fn constant_handle(
    table: &TableInfo,
    expr: &Expr,
    ctx: &EvalContext,
) -> SqlResult<Option<i64>> {
    let mut value = expr.eval(&[], ctx)?;
    if let Some(offset) = table.handle_column {
        value = constant_as(value, &table.columns[offset].field_type, ctx)?;
    }
    exact_handle(table, &value, ctx)
}

/// The handle of a value that is no constant; `None` if no row can have it.
pub(crate) fn exact_handle(
    table: &TableInfo,
    value: &Datum,
    ctx: &EvalContext,
) -> SqlResult<Option<i64>> {
    if value.is_null() {
        return Ok(None);
    }
    let unsigned = table_codec::handle_is_unsigned(table);
    let (floor, ceil) = bounds::around(value, ctx)?;
    let fits = if unsigned { u64::try_from(floor).is_ok() } else { i64::try_from(floor).is_ok() };
    Ok((floor == ceil && fits).then(|| table_codec::ordered_handle(floor, unsigned)))
}

/// The key ranges of an index's entries, ascending. No ranges: all entries.
pub(crate) fn index_ranges(
    table: &TableInfo,
    index: &IndexInfo,
    ranges: &[IndexRange],
    ctx: &EvalContext,
) -> SqlResult<Vec<KeyRange>> {
    if ranges.is_empty() {
        return Ok(vec![table_codec::index_range(table.id, index.id)]);
    }
    let mut found: Vec<KeyRange> = Vec::with_capacity(ranges.len());
    for range in ranges {
        if let Some(range) = index_range(table, index, range, ctx)? {
            found.push(range);
        }
    }
    // Parameters may have made ranges out of order or overlapping.
    found.sort();
    let mut merged: Vec<KeyRange> = Vec::with_capacity(found.len());
    for range in found {
        match merged.last_mut() {
            Some(last) if range.0 <= last.1 => last.1 = range.1.max(last.1.clone()),
            _ => merged.push(range),
        }
    }
    Ok(merged)
}

fn index_range(
    table: &TableInfo,
    index: &IndexInfo,
    range: &IndexRange,
    ctx: &EvalContext,
) -> SqlResult<Option<KeyRange>> {
    let mut prefix = table_codec::index_prefix(table.id, index.id);
    let mut columns = index.columns.iter();
    let zone = &ctx.time_zone;
    for expr in &range.equal {
        let Some(column) = columns.next() else { break };
        let field_type = &table.columns[column.offset].field_type;
        let value = bounds::constant(expr, field_type, ctx)?;
        let (stored, order) = bounds::nearest(&value, field_type, ctx)?;
        if order != Ordering::Equal {
            return Ok(None);
        }
        table_codec::push_index_value(&mut prefix, &stored, field_type, column, zone)?;
    }
    let bounded = range.low.is_some() || range.high.is_some();
    let Some(column) = columns.next().filter(|_| bounded) else {
        let end = keys::prefix_end(&prefix);
        return Ok(Some((prefix.into(), end)));
    };
    let field_type = &table.columns[column.offset].field_type;
    let side = |bound: &(Expr, bool), low: bool| -> SqlResult<Option<Bytes>> {
        let value = bounds::constant(&bound.0, field_type, ctx)?;
        if value.is_null() {
            return Ok(None);
        }
        let (stored, order) = bounds::nearest(&value, field_type, ctx)?;
        let mut key = prefix.clone();
        table_codec::push_index_value(&mut key, &stored, field_type, column, zone)?;
        // Whether the stored value itself is inside. Of a prefix nothing is known of the rest.
        let inside = match order {
            Ordering::Equal => bound.1 || column.prefix_len.is_some(),
            Ordering::Less => !low,
            Ordering::Greater => low,
        };
        let first = low != column.descending;
        Ok(Some(if inside == first { key.into() } else { keys::prefix_end(&key) }))
    };
    let lowest = match &range.low {
        Some(low) => side(low, true)?,
        None => {
            let mut null = prefix.clone();
            table_codec::push_index_value(&mut null, &Datum::Null, field_type, column, zone)?;
            Some(if column.descending { null.into() } else { keys::prefix_end(&null) })
        }
    };
    let highest = match &range.high {
        Some(high) => side(high, false)?,
        None if column.descending => Some(prefix.clone().into()),
        None => Some(keys::prefix_end(&prefix)),
    };
    let (Some(lowest), Some(highest)) = (lowest, highest) else { return Ok(None) };
    let (start, end) = if column.descending { (highest, lowest) } else { (lowest, highest) };
    Ok((start < end).then_some((start, end)))
}
