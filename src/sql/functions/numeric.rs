//! Functions of numbers.

use super::call::{Call, not_null};
use super::definition::{Definition, Eval, Names, Nulls, Numbers, TypeRule, Volatility};
use super::typing::{NumberClass, Typing, bigint, digits, double, number_class, number_like_first};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::expr::{Expr, Function};
use crate::sql::types::{Datum, Decimal, FieldType};

/// What RAND(seed) counts modulo.
const RAND_LIMIT: u64 = 0x3FFF_FFFF;

const fn number(
    names: Names,
    arity: (usize, usize),
    result: TypeRule,
    eval: Eval,
    summary: &'static str,
) -> Definition {
    Definition::function(names, arity, result, eval, summary).pure().light().numbers(Numbers::All)
}

/// Waits; the session does it, before the statement runs.
pub(super) static SLEEP: Definition =
    Definition::function(&["sleep"], (1, 1), bigint, sleep, "Waits so many seconds; 0.")
        .nulls(Nulls::OfArguments)
        .volatility(Volatility::SideEffect)
        .numbers(Numbers::All);

pub(super) static FUNCTIONS: &[Definition] = &[
    number(&["abs"], (1, 1), number_like_first, abs, "The number without its sign.")
        .nulls(Nulls::OfArguments),
    number(&["sign"], (1, 1), bigint, sign, "-1, 0 or 1 by the number's sign.")
        .nulls(Nulls::OfArguments),
    number(
        &["ceil", "ceiling"],
        (1, 1),
        whole_type,
        |call| whole(call, Decimal::ceil, f64::ceil),
        "The least whole number that is not less.",
    )
    .nulls(Nulls::OfArguments),
    number(
        &["floor"],
        (1, 1),
        whole_type,
        |call| whole(call, Decimal::floor, f64::floor),
        "The greatest whole number that is not greater.",
    )
    .nulls(Nulls::OfArguments),
    number(
        &["round"],
        (1, 2),
        rounded_type,
        |call| round(call, false),
        "The number rounded to a whole one, or to so many decimal places.",
    )
    .nulls(Nulls::OfArguments),
    number(
        &["truncate"],
        (2, 2),
        rounded_type,
        |call| round(call, true),
        "The number cut off after so many decimal places.",
    )
    .nulls(Nulls::OfArguments),
    number(
        &["pow", "power"],
        (2, 2),
        double,
        |call| {
            let base = not_null!(call.float(0));
            call.finite(base.powf(not_null!(call.float(1))))
        },
        "The first number to the power of the second.",
    ),
    number(
        &["sqrt"],
        (1, 1),
        double,
        |call| partial(call, |x| (x >= 0.0).then(|| x.sqrt())),
        "The square root; NULL of a negative number.",
    ),
    number(&["exp"], (1, 1), double, |call| total(call, f64::exp), "e to this power."),
    number(&["ln"], (1, 1), double, |call| logarithm(call, f64::ln), "The natural logarithm."),
    number(
        &["log"],
        (1, 2),
        double,
        log,
        "The natural logarithm; of two arguments, the logarithm of the second to the base of the first.",
    ),
    number(
        &["log2"],
        (1, 1),
        double,
        |call| logarithm(call, f64::log2),
        "The logarithm to the base of 2.",
    ),
    number(
        &["log10"],
        (1, 1),
        double,
        |call| logarithm(call, f64::log10),
        "The logarithm to the base of 10.",
    ),
    number(
        &["pi"],
        (0, 0),
        // Shown with six digits, computed with all.
        |_| Ok(FieldType { decimals: Some(6), ..FieldType::double() }),
        |_| Ok(Datum::Float(std::f64::consts::PI)),
        "The circle's number.",
    )
    .nulls(Nulls::OfArguments),
    number(
        &["rand"],
        (0, 1),
        double,
        rand,
        "A random number from 0 to below 1; the same ones for the same seed.",
    )
    .nulls(Nulls::OfArguments)
    .volatility(Volatility::Row),
    number(
        &["degrees"],
        (1, 1),
        double,
        |call| total(call, f64::to_degrees),
        "Radians as degrees.",
    ),
    number(
        &["radians"],
        (1, 1),
        double,
        |call| total(call, f64::to_radians),
        "Degrees as radians.",
    ),
    number(&["sin"], (1, 1), double, |call| total(call, f64::sin), "The sine."),
    number(&["cos"], (1, 1), double, |call| total(call, f64::cos), "The cosine."),
    number(&["tan"], (1, 1), double, |call| total(call, f64::tan), "The tangent."),
    number(&["cot"], (1, 1), double, |call| total(call, |x| 1.0 / x.tan()), "The cotangent."),
    number(
        &["asin"],
        (1, 1),
        double,
        |call| partial(call, |x| within_one(x).then(|| x.asin())),
        "The arc sine; NULL outside of -1 to 1.",
    ),
    number(
        &["acos"],
        (1, 1),
        double,
        |call| partial(call, |x| within_one(x).then(|| x.acos())),
        "The arc cosine; NULL outside of -1 to 1.",
    ),
    number(
        &["atan", "atan2"],
        (1, 2),
        double,
        |call| {
            let y = not_null!(call.float(0));
            if call.args.len() < 2 {
                return call.finite(y.atan());
            }
            call.finite(y.atan2(not_null!(call.float(1))))
        },
        "The arc tangent, of two arguments that of their quotient by its quadrant.",
    ),
];

fn within_one(x: f64) -> bool {
    (-1.0..=1.0).contains(&x)
}

fn total(call: &Call<'_>, of: fn(f64) -> f64) -> SqlResult<Datum> {
    call.finite(of(not_null!(call.float(0))))
}

/// NULL where it is not defined.
fn partial(call: &Call<'_>, of: fn(f64) -> Option<f64>) -> SqlResult<Datum> {
    match of(not_null!(call.float(0))) {
        Some(result) => call.finite(result),
        None => Ok(Datum::Null),
    }
}

/// CEIL and FLOOR: BIGINT where that is sure to hold it.
fn whole_type(typing: &Typing<'_>) -> SqlResult<FieldType> {
    if number_class(typing.of(0)) != NumberClass::Decimal {
        return number_like_first(typing);
    }
    let (precision, scale) = digits(typing.of(0));
    let whole = precision - u32::from(scale) + 1;
    Ok(if whole > 18 { FieldType::decimal(whole, 0) } else { FieldType::bigint() })
}

/// ROUND and TRUNCATE: the scale is the second argument, if that is a constant.
fn rounded_type(typing: &Typing<'_>) -> SqlResult<FieldType> {
    if number_class(typing.of(0)) != NumberClass::Decimal {
        return number_like_first(typing);
    }
    let (precision, scale) = digits(typing.of(0));
    let kept = match typing.args.get(1) {
        None => 0,
        Some(Expr::Literal { value: Datum::Int(places), .. }) => (*places).clamp(0, 30) as u8,
        Some(Expr::Literal { value: Datum::UInt(places), .. }) => (*places).min(30) as u8,
        // `-1` before folding: nothing after the point is kept.
        Some(Expr::Call { function: Function::Neg, .. }) => 0,
        Some(_) => scale,
    };
    let kept = kept.min(scale);
    let whole = precision - u32::from(scale) + 1;
    Ok(FieldType::decimal((whole + u32::from(kept)).min(65), kept))
}

/// A logarithm to the first argument's base if there are two, and the natural one if not.
fn log(call: &Call<'_>) -> SqlResult<Datum> {
    let first = not_null!(call.float(0));
    if call.args.len() < 2 {
        return logarithm_of(call, first, f64::ln);
    }
    let x = not_null!(call.float(1));
    if first <= 0.0 || first == 1.0 {
        return no_logarithm(call);
    }
    logarithm_of(call, x, |x| x.ln() / first.ln())
}

fn logarithm(call: &Call<'_>, of: fn(f64) -> f64) -> SqlResult<Datum> {
    let x = not_null!(call.float(0));
    logarithm_of(call, x, of)
}

fn logarithm_of(call: &Call<'_>, x: f64, of: impl Fn(f64) -> f64) -> SqlResult<Datum> {
    if x <= 0.0 { no_logarithm(call) } else { call.finite(of(x)) }
}

/// NULL: a logarithm that is none.
fn no_logarithm(call: &Call<'_>) -> SqlResult<Datum> {
    call.ctx
        .warn_or_fail(errno::INVALID_ARGUMENT_FOR_LOGARITHM, "Invalid argument for logarithm")?;
    Ok(Datum::Null)
}

/// CEIL and FLOOR.
fn whole(
    call: &Call<'_>,
    exact: fn(&Decimal) -> Decimal,
    float: fn(f64) -> f64,
) -> SqlResult<Datum> {
    Ok(match call.value(0)? {
        Datum::Null => Datum::Null,
        Datum::Int(number) => Datum::Int(number),
        Datum::UInt(number) => Datum::UInt(number),
        Datum::Decimal(number) => Datum::Decimal(exact(&number)),
        other => Datum::Float(float(other.to_f64(call.ctx)?)),
    })
}

fn abs(call: &Call<'_>) -> SqlResult<Datum> {
    Ok(match call.value(0)? {
        Datum::Null => Datum::Null,
        Datum::Int(number) => {
            Datum::Int(number.checked_abs().ok_or_else(|| call.out_of_range("BIGINT"))?)
        }
        Datum::UInt(number) => Datum::UInt(number),
        Datum::Decimal(number) => Datum::Decimal(number.abs()),
        other => Datum::Float(other.to_f64(call.ctx)?.abs()),
    })
}

fn sign(call: &Call<'_>) -> SqlResult<Datum> {
    Ok(match call.value(0)? {
        Datum::Null => Datum::Null,
        Datum::Int(number) => Datum::Int(number.signum()),
        Datum::UInt(number) => Datum::Int(i64::from(number > 0)),
        other => {
            let number = other.to_f64(call.ctx)?;
            Datum::Int(i64::from(number > 0.0) - i64::from(number < 0.0))
        }
    })
}

fn round(call: &Call<'_>, truncate: bool) -> SqlResult<Datum> {
    let value = call.value(0)?;
    if value.is_null() {
        return Ok(Datum::Null);
    }
    let places = if call.args.len() > 1 { not_null!(call.int(1)) } else { 0 };
    let places = places.clamp(-80, 30) as i32;
    let exact = |number: &Decimal| {
        if truncate { number.truncate(places) } else { number.round(places) }
    };
    Ok(match value {
        Datum::Int(_) | Datum::UInt(_) if places >= 0 => value,
        Datum::Int(number) => {
            let rounded = exact(&Decimal::from(number)).to_i64();
            Datum::Int(rounded.ok_or_else(|| call.out_of_range("BIGINT"))?)
        }
        Datum::UInt(number) => {
            let rounded = exact(&Decimal::from(number)).to_u64();
            Datum::UInt(rounded.ok_or_else(|| call.out_of_range("BIGINT UNSIGNED"))?)
        }
        Datum::Decimal(number) => Datum::Decimal(exact(&number)),
        other => Datum::Float(round_float(other.to_f64(call.ctx)?, places, truncate)),
    })
}

/// Nothing waits here: the session has, before the statement runs. Where it has not, it says so.
fn sleep(call: &Call<'_>) -> SqlResult<Datum> {
    let slept = *call.ctx.slept.lock();
    let anywhere = || SqlError::unsupported("SLEEP() anywhere but in a SELECT without tables");
    slept.map(Datum::Int).ok_or_else(anywhere)
}

fn rand(call: &Call<'_>) -> SqlResult<Datum> {
    if call.args.is_empty() {
        let bits = call.ctx.next_random() >> 11;
        return Ok(Datum::Float(bits as f64 / (1_u64 << 53) as f64));
    }
    let seed = call.int(0)?.unwrap_or(0) as u32;
    // Two calls with one seed give the same numbers, each its own.
    let of_call = (seed, call.args.as_ptr().addr());
    let mut states = call.ctx.seeded.lock();
    // A seed that is not constant starts anew for each row.
    if !call.args[0].is_constant() {
        states.remove(&of_call);
    }
    let (first, second) = states.entry(of_call).or_insert_with(|| {
        let seed1 = seed.wrapping_mul(0x10001).wrapping_add(55_555_555);
        let seed2 = seed.wrapping_mul(0x1000_0001);
        (u64::from(seed1) % RAND_LIMIT, u64::from(seed2) % RAND_LIMIT)
    });
    *first = (*first * 3 + *second) % RAND_LIMIT;
    *second = (*first + *second + 33) % RAND_LIMIT;
    Ok(Datum::Float(*first as f64 / RAND_LIMIT as f64))
}

/// A double rounded to some decimal places.
fn round_float(number: f64, places: i32, truncate: bool) -> f64 {
    let cut = |number: f64| if truncate { number.trunc() } else { number.round_ties_even() };
    if places == 0 {
        return cut(number);
    }
    let unit = 10_f64.powi(places.abs());
    if places > 0 {
        let scaled = number * unit;
        if scaled.is_finite() { cut(scaled) / unit } else { number }
    } else if unit.is_finite() {
        cut(number / unit) * unit
    } else {
        0.0
    }
}
