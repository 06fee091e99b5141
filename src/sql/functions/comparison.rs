//! Comparisons and what is made of them.

use std::cmp::Ordering;

use super::call::Call;
use super::definition::{Compute, Definition, Eval, MANY, Names, Nulls, Numbers, TypeRule};
use super::kernels;
use super::typing::{Typing, bigint, boolean, compared, position_in_text};
use crate::common::SqlResult;
use crate::sql::expr::{Expr, Function, constant_as, is_read};
use crate::sql::types::{Collation, Datum, FieldType, compare};

/// An operator that says something of the order of two values.
macro_rules! ordered {
    ($name:literal, $holds:path, $summary:literal) => {
        light(&[$name], (2, 2), compared, |call| ordered(call, $holds), $summary)
            .form()
            .nulls(Nulls::OfArguments)
            .numbers(Numbers::Together)
            .kernel(
                Compute::Truth(|batch, call| kernels::compare(batch, call, $holds)),
                kernels::all_leaves,
            )
    };
}

const fn light(
    names: Names,
    arity: (usize, usize),
    result: TypeRule,
    eval: Eval,
    summary: &'static str,
) -> Definition {
    Definition::function(names, arity, result, eval, summary).pure().light().text_of_arguments()
}

pub(super) static EQ: Definition = ordered!("=", Ordering::is_eq, "Whether both are equal.");
pub(super) static NULL_EQ: Definition =
    light(&["<=>"], (2, 2), compared, null_safe, "Whether both are equal, or both NULL.")
        .form()
        .nulls(Nulls::Never)
        .numbers(Numbers::Together)
        .kernel(Compute::Truth(kernels::compare_null_safe), kernels::all_leaves);
pub(super) static NE: Definition = ordered!("<>", Ordering::is_ne, "Whether they differ.");
pub(super) static LT: Definition = ordered!("<", Ordering::is_lt, "Whether the left one is less.");
pub(super) static LE: Definition =
    ordered!("<=", Ordering::is_le, "Whether the left one is less or equal.");
pub(super) static GT: Definition =
    ordered!(">", Ordering::is_gt, "Whether the left one is greater.");
pub(super) static GE: Definition =
    ordered!(">=", Ordering::is_ge, "Whether the left one is greater or equal.");
pub(super) static IN: Definition =
    light(&["in"], (2, MANY), compared, in_list, "Whether it is one of a list.")
        .form()
        .nulls(Nulls::OfArguments)
        .numbers(Numbers::Together);
/// Over a list that [`Expr::with_sorted_lists`] has put in order.
pub(super) static IN_SORTED: Definition =
    light(&["in"], (2, MANY), compared, in_sorted, "The same of a long list, kept in order.")
        .form()
        .nulls(Nulls::OfArguments)
        .numbers(Numbers::Together);
pub(super) static IN_ROWS: Definition =
    light(&["in"], (3, MANY), boolean, in_rows, "Whether a row is one of a list.")
        .form()
        .nulls(Nulls::OfArguments);
pub(super) static BETWEEN: Definition =
    light(&["between"], (3, 3), compared, between, "Whether it is within two bounds.")
        .form()
        .nulls(Nulls::OfArguments)
        .numbers(Numbers::Together);

pub(super) static FUNCTIONS: &[Definition] = &[
    light(
        &["nullif"],
        (2, 2),
        |typing| {
            typing.collation(typing.args)?;
            Ok(typing.of(0).clone().nullable())
        },
        null_if,
        "NULL if both are equal, and the first if not.",
    )
    .nulls(Nulls::AsTyped)
    // What it yields is the first argument as it is.
    .numbers(Numbers::Where(|at, args| at == 1 && args[0].field_type().kind.is_numeric())),
    light(
        &["greatest"],
        (2, MANY),
        merged,
        |call| extreme(call, Ordering::Greater),
        "The greatest of its arguments.",
    )
    .nulls(Nulls::OfArguments),
    light(
        &["least"],
        (2, MANY),
        merged,
        |call| extreme(call, Ordering::Less),
        "The least of its arguments.",
    )
    .nulls(Nulls::OfArguments),
    light(
        &["interval"],
        (2, MANY),
        bigint,
        interval_position,
        "How many of the ascending limits the first argument has reached.",
    )
    .numbers(Numbers::All),
    light(
        &["field"],
        (2, MANY),
        position_in_text,
        field,
        "Which of the other arguments the first one is equal to, from 1.",
    )
    .nulls(Nulls::OfArguments)
    .numbers(Numbers::Together),
    light(
        &["strcmp"],
        (2, 2),
        position_in_text,
        strcmp,
        "-1, 0 or 1 as the first text is before, like, or behind the second.",
    )
    .nulls(Nulls::OfArguments),
];

fn merged(typing: &Typing<'_>) -> SqlResult<FieldType> {
    typing.merged(&typing.args.iter().collect::<Vec<_>>())
}

fn ordered(call: &Call<'_>, holds: fn(Ordering) -> bool) -> SqlResult<Datum> {
    let (left, right) = (call.value(0)?, call.value(1)?);
    if left.is_null() || right.is_null() {
        return Ok(Datum::Null);
    }
    Ok(Datum::from(holds(order_of(call, (0, &left), (1, &right))?)))
}

fn null_safe(call: &Call<'_>) -> SqlResult<Datum> {
    let (left, right) = (call.value(0)?, call.value(1)?);
    if left.is_null() || right.is_null() {
        return Ok(Datum::from(left.is_null() && right.is_null()));
    }
    Ok(Datum::from(order_of(call, (0, &left), (1, &right))?.is_eq()))
}

fn order(call: &Call<'_>, left: &Datum, right: &Datum) -> SqlResult<Ordering> {
    compare(left, right, call.collation(), call.ctx)
}

fn order_of(call: &Call<'_>, left: (usize, &Datum), right: (usize, &Datum)) -> SqlResult<Ordering> {
    order_by(call, left, right, call.collation())
}

/// The order of two arguments, of which a constant is read as a value of the other's type.
fn order_by(
    call: &Call<'_>,
    left: (usize, &Datum),
    right: (usize, &Datum),
    collation: Collation,
) -> SqlResult<Ordering> {
    if let Some(read) = read_constant(call, right, left.0)? {
        return compare(left.1, &read, collation, call.ctx);
    }
    match read_constant(call, left, right.0)? {
        Some(read) => compare(&read, right.1, collation, call.ctx),
        None => compare(left.1, right.1, collation, call.ctx),
    }
}

/// Whether a row is one of a list.
fn in_rows(call: &Call<'_>) -> SqlResult<Datum> {
    let width = Function::row_of(call.args).len().max(1);
    let mut row = Vec::with_capacity(width);
    for position in 1..=width {
        row.push(call.value(position)?);
    }
    let mut saw_null = false;
    for start in (width + 1..call.args.len()).step_by(width) {
        call.ctx.check_interrupted()?;
        let mut equal = Some(true);
        for (at, value) in row.iter().enumerate() {
            let candidate = call.value(start + at)?;
            if value.is_null() || candidate.is_null() {
                equal = None;
                continue;
            }
            let collation = call.arg_type(1 + at).collation;
            let order = order_by(call, (1 + at, value), (start + at, &candidate), collation)?;
            if order.is_ne() {
                equal = Some(false);
                break;
            }
        }
        match equal {
            Some(true) => return Ok(Datum::from(true)),
            Some(false) => {}
            None => saw_null = true,
        }
    }
    Ok(if saw_null { Datum::Null } else { Datum::from(false) })
}

fn read_constant(
    call: &Call<'_>,
    (position, value): (usize, &Datum),
    other: usize,
) -> SqlResult<Option<Datum>> {
    let target = call.arg_type(other);
    let applies = is_read(value, target)
        && (target.kind.is_temporal() || matches!(call.args[other], Expr::Column { .. }))
        && call.args[position].is_constant();
    if !applies {
        return Ok(None);
    }
    constant_as(value.clone(), target, call.ctx).map(Some)
}

fn in_list(call: &Call<'_>) -> SqlResult<Datum> {
    let value = call.value(0)?;
    if value.is_null() {
        return Ok(Datum::Null);
    }
    let mut saw_null = false;
    for position in 1..call.args.len() {
        let candidate = call.value(position)?;
        if candidate.is_null() {
            saw_null = true;
        } else if order_of(call, (0, &value), (position, &candidate))? == Ordering::Equal {
            return Ok(Datum::from(true));
        }
    }
    Ok(if saw_null { Datum::Null } else { Datum::from(false) })
}

/// The same for a list in order, NULLs first.
fn in_sorted(call: &Call<'_>) -> SqlResult<Datum> {
    let value = call.value(0)?;
    if value.is_null() {
        return Ok(Datum::Null);
    }
    let literal = |item: &Expr| item.as_literal().cloned().unwrap_or(Datum::Null);
    let (list, collation) = (&call.args[1..], call.collation());
    let nulls = list.partition_point(|item| item.as_literal().is_none_or(Datum::is_null));
    let found =
        list[nulls..].binary_search_by(|item| literal(item).sort_cmp(&value, collation)).is_ok();
    Ok(if nulls > 0 && !found { Datum::Null } else { Datum::from(found) })
}

/// `low <= value AND value <= high`, with AND's ways with NULL.
fn between(call: &Call<'_>) -> SqlResult<Datum> {
    let (value, low, high) = (call.value(0)?, call.value(1)?, call.value(2)?);
    if value.is_null() {
        return Ok(Datum::Null);
    }
    let above = match low.is_null() {
        true => None,
        false => Some(order_of(call, (0, &value), (1, &low))? != Ordering::Less),
    };
    let below = match high.is_null() {
        true => None,
        false => Some(order_of(call, (0, &value), (2, &high))? != Ordering::Greater),
    };
    Ok(match (above, below) {
        (Some(false), _) | (_, Some(false)) => Datum::from(false),
        (Some(true), Some(true)) => Datum::from(true),
        _ => Datum::Null,
    })
}

/// The argument that is before (or behind) all others.
fn extreme(call: &Call<'_>, wanted: Ordering) -> SqlResult<Datum> {
    let mut best: Option<(usize, Datum)> = None;
    for position in 0..call.args.len() {
        let value = call.value(position)?;
        if value.is_null() {
            return Ok(Datum::Null);
        }
        let better = match &best {
            None => true,
            Some((_, best)) => order(call, &value, best)? == wanted,
        };
        if better {
            best = Some((position, value));
        }
    }
    Ok(best.map_or(Datum::Null, |(position, value)| call.as_result(value, position)))
}

fn strcmp(call: &Call<'_>) -> SqlResult<Datum> {
    let (Some(left), Some(right)) = (call.bytes(0)?, call.bytes(1)?) else {
        return Ok(Datum::Null);
    };
    Ok(Datum::Int(call.collation().compare(&left, &right) as i64))
}

fn null_if(call: &Call<'_>) -> SqlResult<Datum> {
    let (left, right) = (call.value(0)?, call.value(1)?);
    if left.is_null() || right.is_null() {
        return Ok(left);
    }
    let equal = order(call, &left, &right)? == Ordering::Equal;
    Ok(if equal { Datum::Null } else { left })
}

/// How many of the ascending limits the value has reached; -1 for NULL.
fn interval_position(call: &Call<'_>) -> SqlResult<Datum> {
    let value = call.value(0)?;
    if value.is_null() {
        return Ok(Datum::Int(-1));
    }
    let mut reached = 0;
    for position in 1..call.args.len() {
        let limit = call.value(position)?;
        if !limit.is_null() && order(call, &value, &limit)? == Ordering::Less {
            break;
        }
        reached += 1;
    }
    Ok(Datum::Int(reached))
}

fn field(call: &Call<'_>) -> SqlResult<Datum> {
    let value = call.value(0)?;
    if value.is_null() {
        return Ok(Datum::Int(0));
    }
    for position in 1..call.args.len() {
        let candidate = call.value(position)?;
        if !candidate.is_null() && order(call, &value, &candidate)? == Ordering::Equal {
            return Ok(Datum::Int(position as i64));
        }
    }
    Ok(Datum::Int(0))
}
