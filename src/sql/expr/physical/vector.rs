//! Whole columns at once, where that means exactly what the row evaluator means.
//!
//! A fast path may only be taken by an expression that every row would compute: the right side of an AND is computed
//! for all rows only when it can neither fail nor warn ([`is_total`]).

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array};
use arrow::compute;
use arrow::datatypes::{DataType, Float64Type, Int64Type, UInt64Type};

use super::super::eval::{Pattern, holds};
use crate::common::{SqlError, SqlResult};
use crate::sql::expr::{EvalContext, Expr, Function};
use crate::sql::types::{
    Collation, Datum, DatumColumnBuilder, FieldType, SqlMode, TypeKind, datum_from_array,
};

/// The rows an expression is computed for.
pub(super) struct Input<'a> {
    pub(super) columns: &'a [ArrayRef],
    pub(super) rows: usize,
    pub(super) ctx: &'a EvalContext,
}

/// One side of a fast path.
enum Side {
    Array(ArrayRef),
    Constant(Datum),
}

impl Input<'_> {
    /// The expression's values, of its Arrow type.
    pub(super) fn array(&self, expr: &Expr) -> SqlResult<ArrayRef> {
        if let Expr::Column { index, .. } = expr {
            return Ok(Arc::clone(&self.columns[*index]));
        }
        if let Some(truths) = self.fast_predicate(expr)? {
            let numbers: Int64Array = truths.iter().map(|truth| truth.map(i64::from)).collect();
            return Ok(Arc::new(numbers));
        }
        if let Some(array) = self.fast_arithmetic(expr)? {
            return Ok(array);
        }
        self.by_row(expr)
    }

    /// The expression's truth.
    pub(super) fn predicate(&self, expr: &Expr) -> SqlResult<BooleanArray> {
        if let Some(truths) = self.fast_predicate(expr)? {
            return Ok(truths);
        }
        let mut truths = Vec::with_capacity(self.rows);
        let mut row = Row::new(self, expr);
        for position in 0..self.rows {
            let value = expr.eval(row.load(position)?, self.ctx)?;
            truths.push(value.to_bool(self.ctx)?);
        }
        Ok(BooleanArray::from(truths))
    }

    fn by_row(&self, expr: &Expr) -> SqlResult<ArrayRef> {
        let mut builder = DatumColumnBuilder::new(expr.field_type(), self.rows);
        let mut row = Row::new(self, expr);
        for position in 0..self.rows {
            builder.push(&expr.eval(row.load(position)?, self.ctx)?)?;
        }
        Ok(builder.finish())
    }

    /// A condition by columns; `None` when there is no fast path for it.
    fn fast_predicate(&self, expr: &Expr) -> SqlResult<Option<BooleanArray>> {
        let Expr::Call { function, args, field_type } = expr else {
            return Ok(None);
        };
        Ok(match (function, args.as_slice()) {
            (function, [left, right]) if function.is_comparison() => {
                if !self.alike(left, right) {
                    return Ok(None);
                }
                let (Some(left), Some(right)) = (self.side(left)?, self.side(right)?) else {
                    return Ok(None);
                };
                compare(*function, &left, &right, field_type.collation, self.rows)
            }
            (Function::And | Function::Or, [first, rest @ ..]) if rest.iter().all(is_total) => {
                let Some(mut truths) = self.fast_predicate(first)? else {
                    return Ok(None);
                };
                for arg in rest {
                    let Some(more) = self.fast_predicate(arg)? else {
                        return Ok(None);
                    };
                    let joined = match function {
                        Function::And => compute::and_kleene(&truths, &more),
                        _ => compute::or_kleene(&truths, &more),
                    };
                    truths = joined.map_err(SqlError::internal)?;
                }
                Some(truths)
            }
            (Function::Not, [arg]) => match self.fast_predicate(arg)? {
                Some(truths) => Some(compute::not(&truths).map_err(SqlError::internal)?),
                None => None,
            },
            (Function::IsNull, [Expr::Column { index, .. }]) => {
                Some(compute::is_null(&self.columns[*index]).map_err(SqlError::internal)?)
            }
            (Function::Like, [Expr::Column { index, .. }, pattern]) => {
                self.like(&self.columns[*index], pattern, field_type.collation)?
            }
            _ => None,
        })
    }

    fn like(
        &self,
        array: &ArrayRef,
        pattern: &Expr,
        collation: Collation,
    ) -> SqlResult<Option<BooleanArray>> {
        let Expr::Literal { value: Datum::Bytes(pattern), .. } = pattern else {
            return Ok(None);
        };
        if array.data_type() != &DataType::Utf8 {
            return Ok(None);
        }
        let plain = self.ctx.sql_mode.contains(SqlMode::NO_BACKSLASH_ESCAPES);
        let pattern = Pattern::new(pattern, (!plain).then_some('\\'), collation);
        let mut truths = Vec::with_capacity(array.len());
        for text in array.as_string::<i32>() {
            self.ctx.check_interrupted()?;
            let truth = text.map(|text| pattern.matches(text.as_bytes(), self.ctx)).transpose()?;
            truths.push(truth);
        }
        Ok(Some(BooleanArray::from(truths)))
    }

    /// `+`, `-` and `*` of BIGINTs or DOUBLEs; `None` when there is no fast path, or a row overflows (the row
    /// evaluator then finds it again and says where).
    fn fast_arithmetic(&self, expr: &Expr) -> SqlResult<Option<ArrayRef>> {
        let Expr::Call { function, args, field_type } = expr else {
            return Ok(None);
        };
        if !matches!(function, Function::Add | Function::Sub | Function::Mul) {
            return Ok(None);
        }
        let result = field_type.arrow_type();
        let fits =
            |arg: &Expr| is_number(arg.field_type()) && arg.field_type().arrow_type() == result;
        if !args.iter().all(fits) {
            return Ok(None);
        }
        let (Some(left), Some(right)) = (self.side(&args[0])?, self.side(&args[1])?) else {
            return Ok(None);
        };
        Ok(match result {
            DataType::Int64 => integers(*function, &left, &right, self.rows),
            DataType::Float64 => floats(*function, &left, &right, self.rows),
            _ => None,
        })
    }

    /// Whether two operands are of one kind, so that their arrays' values compare as they are.
    fn alike(&self, left: &Expr, right: &Expr) -> bool {
        let family = |expr: &Expr| match expr {
            Expr::Parameter { index, .. } => self
                .ctx
                .params
                .get(*index)
                .and_then(|value| family_of(&FieldType::of_literal(value))),
            _ => family_of(expr.field_type()),
        };
        match (family(left), family(right)) {
            (Some(Family::Float), Some(Family::Integer)) => matches!(right, Expr::Literal { .. }),
            (Some(Family::Integer), Some(Family::Float)) => matches!(left, Expr::Literal { .. }),
            (Some(left), Some(right)) => left == right,
            _ => false,
        }
    }

    /// An operand that a fast path can take.
    fn side(&self, expr: &Expr) -> SqlResult<Option<Side>> {
        Ok(match expr {
            Expr::Column { index, .. } => Some(Side::Array(Arc::clone(&self.columns[*index]))),
            Expr::Literal { value, .. } => Some(Side::Constant(value.clone())),
            Expr::Parameter { index, .. } => {
                self.ctx.params.get(*index).cloned().map(Side::Constant)
            }
            Expr::Call { .. } => self.fast_arithmetic(expr)?.map(Side::Array),
        })
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
    match field_type.kind {
        TypeKind::Time => Some(Family::Time),
        // A constant of two digits is a year of four.
        TypeKind::Year => None,
        kind if kind.is_integer() => Some(Family::Integer),
        kind if kind.is_float() => Some(Family::Float),
        kind if kind.is_calendar() => Some(Family::Calendar),
        kind if kind.is_string() => Some(Family::Text),
        _ => None,
    }
}

/// Numbers, without those whose arrays hold something else than the number (times).
fn is_number(field_type: &FieldType) -> bool {
    field_type.kind.is_integer() || field_type.kind.is_float()
}

/// Whether computing it can neither fail nor warn, for any row: comparisons of columns and constants of one kind.
fn is_total(expr: &Expr) -> bool {
    let Expr::Call { function, args, .. } = expr else {
        return false;
    };
    let leaf = |arg: &Expr| !matches!(arg, Expr::Call { .. });
    match function {
        Function::And | Function::Or | Function::Not => args.iter().all(is_total),
        Function::IsNull | Function::Like => args.iter().all(leaf),
        function if function.is_comparison() => args.iter().all(leaf),
        _ => false,
    }
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

fn integers(function: Function, left: &Side, right: &Side, rows: usize) -> Option<ArrayRef> {
    let (left, right) = (ints(left)?, ints(right)?);
    let mut results = Int64Array::builder(rows);
    for row in 0..rows {
        let (Some(a), Some(b)) = (left.get(row), right.get(row)) else {
            results.append_null();
            continue;
        };
        results.append_value(match function {
            Function::Add => a.checked_add(b)?,
            Function::Sub => a.checked_sub(b)?,
            _ => a.checked_mul(b)?,
        });
    }
    Some(Arc::new(results.finish()))
}

fn floats(function: Function, left: &Side, right: &Side, rows: usize) -> Option<ArrayRef> {
    let (left, right) = (doubles(left)?, doubles(right)?);
    let mut results = Float64Array::builder(rows);
    for row in 0..rows {
        let (Some(a), Some(b)) = (left.get(row), right.get(row)) else {
            results.append_null();
            continue;
        };
        let result = match function {
            Function::Add => a + b,
            Function::Sub => a - b,
            _ => a * b,
        };
        results.append_value(Some(result).filter(|result| result.is_finite())?);
    }
    Some(Arc::new(results.finish()))
}

/// Compares two sides of one kind; `None` when they are not.
fn compare(
    function: Function,
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
        DataType::Int64 => by_order(function, &ints(left)?, &ints(right)?, rows, Ord::cmp),
        DataType::UInt64 => by_order(function, &uints(left)?, &uints(right)?, rows, Ord::cmp),
        DataType::Float64 => by_order(function, &doubles(left)?, &doubles(right)?, rows, |a, b| {
            a.partial_cmp(b).unwrap_or(Ordering::Equal)
        }),
        DataType::Utf8 | DataType::Binary => by_text(function, left, right, collation, rows),
        _ => None,
    }
}

fn by_order<T: arrow::array::ArrowPrimitiveType>(
    function: Function,
    left: &Numbers<'_, T>,
    right: &Numbers<'_, T>,
    rows: usize,
    order: impl Fn(&T::Native, &T::Native) -> Ordering,
) -> Option<BooleanArray> {
    let truth = |row: usize| match (left.get(row), right.get(row)) {
        (Some(a), Some(b)) => Some(holds(function, order(&a, &b))),
        (None, None) if function == Function::NullEq => Some(true),
        _ if function == Function::NullEq => Some(false),
        _ => None,
    };
    Some((0..rows).map(truth).collect())
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
    function: Function,
    left: &Side,
    right: &Side,
    collation: Collation,
    rows: usize,
) -> Option<BooleanArray> {
    let mut truths = Vec::with_capacity(rows);
    for row in 0..rows {
        truths.push(match (text_at(left, row)?, text_at(right, row)?) {
            (Some(a), Some(b)) => Some(holds(function, collation.compare(a, b))),
            (None, None) if function == Function::NullEq => Some(true),
            _ if function == Function::NullEq => Some(false),
            _ => None,
        });
    }
    Some(BooleanArray::from(truths))
}

/// The columns of one row as values.
struct Row<'a> {
    columns: Vec<(&'a ArrayRef, FieldType)>,
    values: Vec<Datum>,
}

impl<'a> Row<'a> {
    fn new(input: &Input<'a>, expr: &Expr) -> Row<'a> {
        let mut types = vec![FieldType::null(); input.columns.len()];
        expr.visit(&mut |node| {
            if let Expr::Column { index, field_type } = node {
                types[*index] = field_type.clone();
            }
        });
        let columns: Vec<_> = input.columns.iter().zip(types).collect();
        let values = vec![Datum::Null; columns.len()];
        Row { columns, values }
    }

    fn load(&mut self, row: usize) -> SqlResult<&[Datum]> {
        for ((array, field_type), value) in self.columns.iter().zip(&mut self.values) {
            *value = datum_from_array(array.as_ref(), row, field_type)?;
        }
        Ok(&self.values)
    }
}
