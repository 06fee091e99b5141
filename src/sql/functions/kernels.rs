//! Functions over whole columns: where the arguments' arrays can be worked on as they are.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array};
use arrow::compute;
use arrow::datatypes::{DataType, Float64Type, Int64Type, UInt64Type};

use super::definition::VectorCall;
use super::like::Pattern;
use crate::common::{SqlError, SqlResult};
use crate::sql::expr::{Batch, Expr, is_total};
use crate::sql::types::{Class, Collation, Datum, FieldType, SqlMode, TypeKind};

/// What a kernel of conditions finds.
type Truths = SqlResult<Option<BooleanArray>>;
/// What a kernel of values finds.
type Values = SqlResult<Option<ArrayRef>>;

/// It may fail, or warn.
pub(super) fn never(_: &[Expr]) -> bool {
    false
}

/// Of columns and constants it neither fails nor warns.
pub(super) fn all_leaves(args: &[Expr]) -> bool {
    args.iter().all(|arg| !matches!(arg, Expr::Call { .. }))
}

/// It neither fails nor warns if its arguments do not.
pub(super) fn all_total(args: &[Expr]) -> bool {
    args.iter().all(is_total)
}

/// One side of a kernel.
enum Side {
    Array(ArrayRef),
    Constant(Datum),
}

/// An operand that a kernel can take.
fn side(batch: &Batch<'_>, expr: &Expr) -> SqlResult<Option<Side>> {
    Ok(match expr {
        Expr::Column { index, .. } => Some(Side::Array(Arc::clone(&batch.columns[*index]))),
        Expr::Literal { value, .. } => Some(Side::Constant(value.clone())),
        Expr::Parameter { index, .. } => batch.ctx.params.get(*index).cloned().map(Side::Constant),
        Expr::Call { .. } => batch.values(expr)?.map(Side::Array),
    })
}

pub(super) fn and(batch: &Batch<'_>, call: &VectorCall<'_>) -> Truths {
    joined(batch, call, compute::and_kleene)
}

pub(super) fn or(batch: &Batch<'_>, call: &VectorCall<'_>) -> Truths {
    joined(batch, call, compute::or_kleene)
}

/// AND and OR, of which all but the first argument would not always be computed.
fn joined(
    batch: &Batch<'_>,
    call: &VectorCall<'_>,
    join: fn(&BooleanArray, &BooleanArray) -> Result<BooleanArray, arrow::error::ArrowError>,
) -> Truths {
    let Some((first, rest)) = call.args.split_first() else { return Ok(None) };
    if !rest.iter().all(is_total) {
        return Ok(None);
    }
    let Some(mut truths) = batch.truths(first)? else { return Ok(None) };
    for arg in rest {
        let Some(more) = batch.truths(arg)? else { return Ok(None) };
        truths = join(&truths, &more).map_err(SqlError::internal)?;
    }
    Ok(Some(truths))
}

pub(super) fn not(batch: &Batch<'_>, call: &VectorCall<'_>) -> Truths {
    match batch.truths(&call.args[0])? {
        Some(truths) => compute::not(&truths).map(Some).map_err(SqlError::internal),
        None => Ok(None),
    }
}

pub(super) fn is_null(batch: &Batch<'_>, call: &VectorCall<'_>) -> Truths {
    match &call.args[0] {
        Expr::Column { index, .. } => {
            compute::is_null(&batch.columns[*index]).map(Some).map_err(SqlError::internal)
        }
        _ => Ok(None),
    }
}

/// LIKE of a column and a constant, without ESCAPE.
pub(super) fn like(batch: &Batch<'_>, call: &VectorCall<'_>) -> Truths {
    let [Expr::Column { index, .. }, Expr::Literal { value: Datum::Bytes(pattern), .. }] =
        call.args
    else {
        return Ok(None);
    };
    let array = &batch.columns[*index];
    if array.data_type() != &DataType::Utf8 {
        return Ok(None);
    }
    let plain = batch.ctx.sql_mode.contains(SqlMode::NO_BACKSLASH_ESCAPES);
    let pattern = Pattern::new(pattern, (!plain).then_some('\\'), call.field_type.collation);
    let mut truths = Vec::with_capacity(array.len());
    for text in array.as_string::<i32>() {
        batch.ctx.check_interrupted()?;
        let truth = text.map(|text| pattern.matches(text.as_bytes(), batch.ctx)).transpose()?;
        truths.push(truth);
    }
    Ok(Some(BooleanArray::from(truths)))
}

pub(super) fn add(batch: &Batch<'_>, call: &VectorCall<'_>) -> Values {
    arithmetic(batch, call, i64::checked_add, |a, b| a + b)
}

pub(super) fn sub(batch: &Batch<'_>, call: &VectorCall<'_>) -> Values {
    arithmetic(batch, call, i64::checked_sub, |a, b| a - b)
}

pub(super) fn mul(batch: &Batch<'_>, call: &VectorCall<'_>) -> Values {
    arithmetic(batch, call, i64::checked_mul, |a, b| a * b)
}

/// Arithmetic of BIGINTs or DOUBLEs; `None` when they are neither, or a row overflows (the row evaluator then finds it again
/// and says where).
fn arithmetic(
    batch: &Batch<'_>,
    call: &VectorCall<'_>,
    integers: fn(i64, i64) -> Option<i64>,
    floats: fn(f64, f64) -> f64,
) -> Values {
    let result = call.field_type.arrow_type();
    let fits = |arg: &Expr| is_number(arg.field_type()) && arg.field_type().arrow_type() == result;
    let [left, right] = call.args else { return Ok(None) };
    if !fits(left) || !fits(right) {
        return Ok(None);
    }
    let (Some(left), Some(right)) = (side(batch, left)?, side(batch, right)?) else {
        return Ok(None);
    };
    Ok(match result {
        DataType::Int64 => of_integers(integers, &left, &right, batch.rows),
        DataType::Float64 => of_floats(floats, &left, &right, batch.rows),
        _ => None,
    })
}

/// A comparison; with NULL it is NULL.
pub(super) fn compare(
    batch: &Batch<'_>,
    call: &VectorCall<'_>,
    holds: fn(Ordering) -> bool,
) -> Truths {
    compared(batch, call, Meaning { holds, is_null_safe: false })
}

/// `<=>`: with one NULL it is false, and with two it is true.
pub(super) fn compare_null_safe(batch: &Batch<'_>, call: &VectorCall<'_>) -> Truths {
    compared(batch, call, Meaning { holds: Ordering::is_eq, is_null_safe: true })
}

fn compared(batch: &Batch<'_>, call: &VectorCall<'_>, meaning: Meaning) -> Truths {
    let [left, right] = call.args else { return Ok(None) };
    if !alike(batch, left, right) {
        return Ok(None);
    }
    let (Some(left), Some(right)) = (side(batch, left)?, side(batch, right)?) else {
        return Ok(None);
    };
    Ok(compare_sides(meaning, &left, &right, call.field_type.collation, batch.rows))
}

/// What a comparison says of an order.
#[derive(Clone, Copy)]
struct Meaning {
    holds: fn(Ordering) -> bool,
    is_null_safe: bool,
}

impl Meaning {
    /// Of two values, of which none has an order if one is NULL.
    fn truth<T>(
        self,
        left: Option<T>,
        right: Option<T>,
        order: impl FnOnce(T, T) -> Ordering,
    ) -> Option<bool> {
        match (left, right) {
            (Some(left), Some(right)) => Some((self.holds)(order(left, right))),
            (left, right) => self.is_null_safe.then(|| left.is_none() && right.is_none()),
        }
    }
}

/// Whether two operands are of one kind, so that their arrays' values compare as they are.
fn alike(batch: &Batch<'_>, left: &Expr, right: &Expr) -> bool {
    let family = |expr: &Expr| match expr {
        Expr::Parameter { index, .. } => {
            batch.ctx.params.get(*index).and_then(|value| family_of(&FieldType::of_literal(value)))
        }
        _ => family_of(expr.field_type()),
    };
    match (family(left), family(right)) {
        (Some(Family::Float), Some(Family::Integer)) => matches!(right, Expr::Literal { .. }),
        (Some(Family::Integer), Some(Family::Float)) => matches!(left, Expr::Literal { .. }),
        (Some(left), Some(right)) => left == right,
        _ => false,
    }
}

/// Kinds of values that compare among themselves as their arrays' values do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    Integer,
    Float,
    Calendar,
    Time,
    Text,
}

fn family_of(field_type: &FieldType) -> Option<Family> {
    match field_type.kind.class() {
        Class::Duration => Some(Family::Time),
        // A constant of two digits is a year of four.
        Class::Integer if field_type.kind == TypeKind::Year => None,
        Class::Integer => Some(Family::Integer),
        Class::Float => Some(Family::Float),
        Class::Calendar => Some(Family::Calendar),
        Class::String => Some(Family::Text),
        Class::Decimal | Class::Member | Class::Json | Class::Null => None,
    }
}

/// Numbers, without those whose arrays hold something else than the number (times).
fn is_number(field_type: &FieldType) -> bool {
    field_type.kind.is_integer() || field_type.kind.is_float()
}

/// Two numbers' sources, row by row.
enum Numbers<'a, T: arrow::array::ArrowPrimitiveType> {
    Array(&'a arrow::array::PrimitiveArray<T>),
    Constant(Option<T::Native>),
}

impl<T: arrow::array::ArrowPrimitiveType> Numbers<'_, T> {
    fn get(&self, row: usize) -> Option<T::Native> {
        match self {
            Numbers::Array(array) => array.is_valid(row).then(|| array.value(row)),
            Numbers::Constant(value) => *value,
        }
    }
}

fn ints(side: &Side) -> Option<Numbers<'_, Int64Type>> {
    match side {
        Side::Array(array) => array.as_primitive_opt().map(Numbers::Array),
        Side::Constant(Datum::Int(number)) => Some(Numbers::Constant(Some(*number))),
        Side::Constant(Datum::UInt(number)) => {
            i64::try_from(*number).ok().map(|number| Numbers::Constant(Some(number)))
        }
        Side::Constant(Datum::Duration(duration)) => Some(Numbers::Constant(Some(duration.micros))),
        Side::Constant(_) => None,
    }
}

fn uints(side: &Side) -> Option<Numbers<'_, UInt64Type>> {
    match side {
        Side::Array(array) => array.as_primitive_opt().map(Numbers::Array),
        Side::Constant(Datum::UInt(number)) => Some(Numbers::Constant(Some(*number))),
        Side::Constant(Datum::Int(number)) => {
            u64::try_from(*number).ok().map(|number| Numbers::Constant(Some(number)))
        }
        Side::Constant(Datum::Time(time)) => Some(Numbers::Constant(Some(time.packed))),
        Side::Constant(_) => None,
    }
}

fn doubles(side: &Side) -> Option<Numbers<'_, Float64Type>> {
    match side {
        Side::Array(array) => array.as_primitive_opt().map(Numbers::Array),
        Side::Constant(Datum::Float(number)) => Some(Numbers::Constant(Some(*number))),
        Side::Constant(Datum::Int(number)) => Some(Numbers::Constant(Some(*number as f64))),
        Side::Constant(_) => None,
    }
}

fn of_integers(
    of: fn(i64, i64) -> Option<i64>,
    left: &Side,
    right: &Side,
    rows: usize,
) -> Option<ArrayRef> {
    let (left, right) = (ints(left)?, ints(right)?);
    let mut results = Int64Array::builder(rows);
    for row in 0..rows {
        match (left.get(row), right.get(row)) {
            (Some(a), Some(b)) => results.append_value(of(a, b)?),
            _ => results.append_null(),
        }
    }
    Some(Arc::new(results.finish()))
}

fn of_floats(of: fn(f64, f64) -> f64, left: &Side, right: &Side, rows: usize) -> Option<ArrayRef> {
    let (left, right) = (doubles(left)?, doubles(right)?);
    let mut results = Float64Array::builder(rows);
    for row in 0..rows {
        match (left.get(row), right.get(row)) {
            (Some(a), Some(b)) => {
                results.append_value(Some(of(a, b)).filter(|result| result.is_finite())?);
            }
            _ => results.append_null(),
        }
    }
    Some(Arc::new(results.finish()))
}

/// Compares two sides of one kind; `None` when they are not.
fn compare_sides(
    meaning: Meaning,
    left: &Side,
    right: &Side,
    collation: Collation,
    rows: usize,
) -> Option<BooleanArray> {
    let kind = match (left, right) {
        (Side::Array(a), Side::Array(b)) if a.data_type() == b.data_type() => a.data_type(),
        (Side::Array(a), Side::Constant(_)) | (Side::Constant(_), Side::Array(a)) => a.data_type(),
        _ => return None,
    };
    match kind {
        DataType::Int64 => Some(by_order(meaning, &ints(left)?, &ints(right)?, rows, Ord::cmp)),
        DataType::UInt64 => Some(by_order(meaning, &uints(left)?, &uints(right)?, rows, Ord::cmp)),
        DataType::Float64 => {
            let order = |a: &f64, b: &f64| a.partial_cmp(b).unwrap_or(Ordering::Equal);
            Some(by_order(meaning, &doubles(left)?, &doubles(right)?, rows, order))
        }
        DataType::Utf8 | DataType::Binary => by_text(meaning, left, right, collation, rows),
        _ => None,
    }
}

fn by_order<T: arrow::array::ArrowPrimitiveType>(
    meaning: Meaning,
    left: &Numbers<'_, T>,
    right: &Numbers<'_, T>,
    rows: usize,
    order: impl Fn(&T::Native, &T::Native) -> Ordering,
) -> BooleanArray {
    let truth = |row| meaning.truth(left.get(row), right.get(row), |a, b| order(&a, &b));
    (0..rows).map(truth).collect()
}

fn text_at(side: &Side, row: usize) -> Option<Option<&[u8]>> {
    Some(match side {
        Side::Constant(Datum::Bytes(bytes)) => Some(bytes),
        Side::Constant(_) => return None,
        Side::Array(array) if array.is_null(row) => None,
        Side::Array(array) => match array.data_type() {
            DataType::Utf8 => Some(array.as_string::<i32>().value(row).as_bytes()),
            _ => Some(array.as_binary::<i32>().value(row)),
        },
    })
}

fn by_text(
    meaning: Meaning,
    left: &Side,
    right: &Side,
    collation: Collation,
    rows: usize,
) -> Option<BooleanArray> {
    let mut truths = Vec::with_capacity(rows);
    for row in 0..rows {
        let (left, right) = (text_at(left, row)?, text_at(right, row)?);
        truths.push(meaning.truth(left, right, |a, b| collation.compare(a, b)));
    }
    Some(BooleanArray::from(truths))
}
