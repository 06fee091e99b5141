//! Logic of three values, and choices.

use super::call::Call;
use super::definition::{
    Compute, Definition, Eval, MANY, Names, Nulls, Numbers, TypeRule, Volatility,
};
use super::kernels;
use super::typing::{Typing, boolean};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::expr::Expr;
use crate::sql::types::{Datum, FieldType};

const fn logic(
    names: Names,
    arity: (usize, usize),
    eval: Eval,
    summary: &'static str,
) -> Definition {
    Definition::function(names, arity, boolean, eval, summary)
        .form()
        .pure()
        .light()
        .nulls(Nulls::OfArguments)
        .text_of_arguments()
        .numbers(Numbers::All)
}

pub(super) static AND: Definition =
    logic(&["and"], (2, MANY), |call| until(call, false), "Whether all are true.")
        .kernel(Compute::Truth(kernels::and), kernels::all_total);
pub(super) static OR: Definition =
    logic(&["or"], (2, MANY), |call| until(call, true), "Whether one is true.")
        .kernel(Compute::Truth(kernels::or), kernels::all_total);
pub(super) static XOR: Definition =
    logic(&["xor"], (2, 2), xor, "Whether exactly one of two is true.");
pub(super) static NOT: Definition = logic(
    &["not"],
    (1, 1),
    |call| Ok(Datum::from(call.truth(0)?.map(|truth| !truth))),
    "Whether it is false.",
)
.kernel(Compute::Truth(kernels::not), kernels::all_total);
/// A query for each row. Plans that run have none: the planner makes joins and dependent plans of them.
pub(super) static SUBQUERY: Definition = Definition::function(
    &["subquery"],
    (2, MANY),
    boolean,
    |_| Err(SqlError::internal("a subquery that was not planned")),
    "The value of a query for this row.",
)
.form()
.nulls(Nulls::AsTyped);
/// What a query that has more than one row gives where its value is asked for: without arguments, or if the first of two is true; the second is
/// its value otherwise. Nobody knows before whether the branch it stands in is taken.
pub(super) static ONLY_ROW: Definition = Definition::function(
    &["only row"],
    (0, 2),
    boolean,
    |call| {
        if call.args.len() == 2 && call.truth(0)? != Some(true) {
            return call.value(1);
        }
        let error = SqlError::new(errno::SUBQUERY_NO_1_ROW, "Subquery returns more than 1 row");
        // One of the errors that IGNORE turns into warnings: the value is NULL then.
        if !call.ctx.ignore {
            return Err(error);
        }
        call.ctx.warn(error.code, error.message);
        Ok(Datum::Null)
    },
    "The value of a query's only row.",
)
.form()
.nulls(Nulls::AsTyped);
/// A call of a stored function: its id, and its arguments.
pub(super) static STORED: Definition = Definition::function(
    &["stored function"],
    (1, MANY),
    boolean,
    |_| Err(SqlError::unsupported("a stored function where nothing can wait for it")),
    "What a stored function returns.",
)
.form()
.volatility(Volatility::SideEffect)
.nulls(Nulls::AsTyped);
pub(super) static IS_TRUE: Definition = logic(
    &["is true"],
    (1, 1),
    |call| Ok(Datum::from(call.truth(0)? == Some(true))),
    "Whether it is true, and neither false nor NULL.",
)
.nulls(Nulls::Never);
pub(super) static IS_FALSE: Definition = logic(
    &["is false"],
    (1, 1),
    |call| Ok(Datum::from(call.truth(0)? == Some(false))),
    "Whether it is false, and neither true nor NULL.",
)
.nulls(Nulls::Never);
pub(super) static IS_NULL: Definition = Definition::function(
    &["isnull"],
    (1, 1),
    boolean,
    |call| Ok(Datum::from(call.value(0)?.is_null())),
    "Whether it is NULL; also `x IS NULL`.",
)
.pure()
.light()
.nulls(Nulls::Never)
.text_of_arguments()
.kernel(Compute::Truth(kernels::is_null), kernels::all_leaves);
pub(super) static IF: Definition = choice_of(
    &["if"],
    (3, 3),
    |typing| typing.merged(&[&typing.args[1], &typing.args[2]]),
    |call| choice(call, if call.truth(0)? == Some(true) { 1 } else { 2 }),
    "The second argument if the first is true, and the third if not.",
)
.numbers(Numbers::At(&[0]));
pub(super) static CASE: Definition = choice_of(
    &["case"],
    (2, MANY),
    case_type,
    case,
    "The result behind the first condition that is true.",
)
.form()
.numbers(Numbers::Where(|position, args| position.is_multiple_of(2) && position + 1 < args.len()));

pub(super) static COALESCE: Definition =
    choice_of(&["coalesce"], (1, MANY), first_type, first, "The first argument that is not NULL.");

pub(super) static FUNCTIONS: &[Definition] = &[choice_of(
    &["ifnull"],
    (2, 2),
    first_type,
    first,
    "The first argument if it is not NULL, and the second if it is.",
)];

/// One of its arguments.
const fn choice_of(
    names: Names,
    arity: (usize, usize),
    result: TypeRule,
    eval: Eval,
    summary: &'static str,
) -> Definition {
    Definition::function(names, arity, result, eval, summary)
        .pure()
        .light()
        .nulls(Nulls::AsTyped)
        .text_of_arguments()
}

fn case_type(typing: &Typing<'_>) -> SqlResult<FieldType> {
    let args = typing.args;
    let has_else = args.len() % 2 == 1;
    let mut results: Vec<&Expr> = args.iter().skip(1).step_by(2).collect();
    if has_else {
        results.extend(args.last());
    }
    let mut merged = typing.merged(&results)?;
    merged.not_null &= has_else;
    Ok(merged)
}

fn first_type(typing: &Typing<'_>) -> SqlResult<FieldType> {
    let mut merged = typing.merged(&typing.args.iter().collect::<Vec<_>>())?;
    merged.not_null = typing.args.iter().any(|arg| arg.field_type().not_null);
    Ok(merged)
}

/// AND stops at false and OR at true; short of that, NULL wins.
fn until(call: &Call<'_>, decisive: bool) -> SqlResult<Datum> {
    let mut saw_null = false;
    for position in 0..call.args.len() {
        match call.truth(position)? {
            Some(truth) if truth == decisive => return Ok(Datum::from(decisive)),
            Some(_) => {}
            None => saw_null = true,
        }
    }
    Ok(if saw_null { Datum::Null } else { Datum::from(!decisive) })
}

fn xor(call: &Call<'_>) -> SqlResult<Datum> {
    let (left, right) = (call.truth(0)?, call.truth(1)?);
    Ok(Datum::from(left.zip(right).map(|(left, right)| left != right)))
}

fn first(call: &Call<'_>) -> SqlResult<Datum> {
    for position in 0..call.args.len() {
        let value = choice(call, position)?;
        if !value.is_null() {
            return Ok(value);
        }
    }
    Ok(Datum::Null)
}

fn case(call: &Call<'_>) -> SqlResult<Datum> {
    let branches = call.args.len() / 2;
    for branch in 0..branches {
        if call.truth(branch * 2)? == Some(true) {
            return choice(call, branch * 2 + 1);
        }
    }
    if call.args.len() % 2 == 1 { choice(call, branches * 2) } else { Ok(Datum::Null) }
}

fn choice(call: &Call<'_>, position: usize) -> SqlResult<Datum> {
    Ok(call.as_result(call.value(position)?, position))
}
