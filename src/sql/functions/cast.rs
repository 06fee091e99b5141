//! CAST, CONVERT and COLLATE.

use std::borrow::Cow;

use bytes::Bytes;

use super::call::{Call, not_null};
use super::definition::{Definition, Eval, Names, Nulls, TypeRule};
use super::json::cast_as_json;
use super::typing::Typing;
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::expr::Expr;
use crate::sql::functions::Function;
use crate::sql::types::json;
use crate::sql::types::{
    Charset, Class, Collation, Datum, FieldType, TypeKind, decimal::Fit, time_kind, utf8,
};

const fn conversion(
    names: Names,
    result: TypeRule,
    eval: Eval,
    summary: &'static str,
) -> Definition {
    Definition::function(names, (1, 1), result, eval, summary)
        .form()
        .pure()
        .light()
        .text_of_arguments()
}

pub(super) static CAST: Definition =
    conversion(&["cast"], no_type, cast, "The value as one of another type; also CONVERT.");
pub(super) static COLLATE: Definition = conversion(
    &["collate"],
    no_type,
    |call| Ok(Datum::Bytes(not_null!(call.bytes(0)))),
    "The text, to be compared in this collation.",
);
/// What texts are put in order by: the planner's own.
pub(super) static SORT_KEY: Definition = conversion(
    &["sort_key"],
    |_| Ok(FieldType::varbinary(65_535)),
    |call| {
        let bytes = not_null!(call.bytes(0));
        Ok(Datum::from(call.arg_type(0).collation.sort_key(&bytes).into_owned()))
    },
    "The bytes by which a text is put in order.",
)
.nulls(Nulls::OfArguments);

/// The statement says the type: see [`Expr::cast`](crate::sql::expr::Expr::cast).
fn no_type(_: &Typing<'_>) -> SqlResult<FieldType> {
    Err(SqlError::internal("a cast without a type"))
}

fn cast(call: &Call<'_>) -> SqlResult<Datum> {
    let value = call.value(0)?;
    let is_text = matches!(call.field_type.kind.class(), Class::String | Class::Json);
    match value {
        Datum::Null => Ok(Datum::Null),
        Datum::Json(_) if !is_text => cast_document(call, value),
        value => cast_value(call, value),
    }
}

/// What a document is as a number or a time. Error 3156, or outside of strict writes a warning, for one that is none; 3155 for one that
/// is beyond the type.
fn cast_document(call: &Call<'_>, value: Datum) -> SqlResult<Datum> {
    let mark = call.ctx.mark_warnings();
    let cast = cast_value(call, value);
    let code = match &cast {
        Err(error) if error.fault().is_some() => return cast,
        Err(error) => Some(error.code),
        Ok(_) => call.ctx.warned_since(mark),
    };
    let Some(code) = code else { return cast };
    call.ctx.back_to(mark);
    // MySQL names the function that the document comes from.
    let origin = match &call.args[0] {
        Expr::Call { function: Function::Cast, .. } | Expr::Literal { .. } => "cast_as_json",
        Expr::Call { function, .. } => function.name(),
        Expr::Column { .. } | Expr::Parameter { .. } => "json",
    };
    let target = json::cast_name(call.field_type);
    let (code, message) = match code {
        errno::WARN_DATA_OUT_OF_RANGE => json::out_of_range_cast(target, origin, 1),
        _ => json::invalid_cast(target, origin, 1),
    };
    call.ctx.warn_or_fail(code, message)?;
    cast
}

fn cast_value(call: &Call<'_>, value: Datum) -> SqlResult<Datum> {
    let target = call.field_type;
    Ok(match target.kind.class() {
        Class::Float if target.kind == TypeKind::Float => {
            let number = value.to_f64(call.ctx)? as f32;
            if number.is_infinite() {
                return Err(call.out_of_range("FLOAT"));
            }
            Datum::Float(f64::from(number))
        }
        Class::Float => Datum::Float(value.to_f64(call.ctx)?),
        Class::Decimal => cast_decimal(call, &value)?,
        Class::Duration => Datum::from_duration(value.to_duration(target.fsp(), call.ctx)?),
        Class::Json => return cast_as_json(call, value),
        Class::Null => value,
        Class::Integer if target.kind == TypeKind::Year => return cast_year(call, &value),
        Class::Integer if target.unsigned => Datum::UInt(value.to_u64(call.ctx)?),
        Class::Integer => Datum::Int(value.to_i64(call.ctx)?),
        Class::Calendar => {
            let kind = time_kind(target.kind);
            Datum::from_time(value.to_time(kind, target.fsp(), call.ctx)?)
        }
        Class::String => return cast_string(call, &value),
        // Only a column's own values are cast to its type: its default.
        Class::Member => {
            target.member_of_text(&value.to_bytes_as(call.arg_type(0))).unwrap_or_default()
        }
    })
}

/// Years of two digits are of 1970 to 2069; what is no year is NULL.
fn cast_year(call: &Call<'_>, value: &Datum) -> SqlResult<Datum> {
    let number = match value {
        Datum::Time(time) => i64::from(time.parts().year),
        value => value.to_i64(call.ctx)?,
    };
    let short = matches!(value, Datum::Bytes(text) if text.len() < 4);
    let year = match number {
        0 if short => 2000,
        1..=69 => number + 2000,
        70..=99 => number + 1900,
        year => year,
    };
    if year != 0 && !(1901..=2155).contains(&year) {
        let shown = value.to_text();
        call.ctx.warn_or_fail(
            errno::TRUNCATED_WRONG_VALUE,
            format!("Truncated incorrect YEAR value: '{shown}'"),
        )?;
        return Ok(Datum::Null);
    }
    Ok(Datum::Int(year))
}

fn cast_decimal(call: &Call<'_>, value: &Datum) -> SqlResult<Datum> {
    let (precision, scale) = call.field_type.precision_scale();
    let (number, fit) = value.to_decimal(call.ctx)?.fit(precision, scale);
    if fit == Fit::Overflow {
        call.ctx.warn_or_fail(
            errno::WARN_DATA_OUT_OF_RANGE,
            format!("Out of range value for column '{}' at row 1", call.expr),
        )?;
    }
    Ok(Datum::Decimal(number))
}

fn cast_string(call: &Call<'_>, value: &Datum) -> SqlResult<Datum> {
    let from = call.arg_type(0);
    let had =
        if from.kind.is_textual() { from.collation.character_set() } else { Charset::Utf8mb4 };
    let bytes = value.to_bytes_as(from);
    let limit = call.field_type.length.map(|length| length as usize);
    if call.field_type.collation == Collation::Binary {
        let mut bytes = match had.encode(&bytes) {
            Cow::Owned(encoded) => Bytes::from(encoded),
            Cow::Borrowed(_) => bytes,
        };
        if let Some(limit) = limit {
            if bytes.len() > limit {
                truncated_string(call, "BINARY", limit, &bytes)?;
                bytes = bytes.slice(..limit);
            } else if call.field_type.kind == TypeKind::Char && bytes.len() < limit {
                if !call.limited(limit)? {
                    return Ok(Datum::Null);
                }
                let mut padded = bytes.to_vec();
                padded.resize(limit, 0);
                bytes = Bytes::from(padded);
            }
        }
        return Ok(Datum::Bytes(bytes));
    }
    let Some(bytes) = in_set(call, bytes, had)? else { return Ok(Datum::Null) };
    let text = utf8(&bytes);
    let cut = limit.and_then(|limit| text.char_indices().nth(limit)).map(|(at, _)| at);
    let Some(cut) = cut else {
        return Ok(Datum::Bytes(bytes));
    };
    truncated_string(call, "CHAR", limit.unwrap_or(0), &bytes)?;
    Ok(Datum::Bytes(bytes.slice(..cut)))
}

/// A text, or the bytes of one, as a text of the character set that is cast to. `None`: they are none.
fn in_set(call: &Call<'_>, bytes: Bytes, had: Charset) -> SqlResult<Option<Bytes>> {
    let set = call.field_type.collation.character_set();
    if had != Charset::Binary
        && let Ok(text) = std::str::from_utf8(&bytes)
    {
        return Ok(Some(match set.bounded(text) {
            Cow::Owned(bounded) => Bytes::from(bounded),
            Cow::Borrowed(_) => bytes,
        }));
    }
    let aligned = set.aligned(&bytes);
    let wrong = match set.decode(&aligned) {
        Ok(Cow::Owned(text)) => return Ok(Some(Bytes::from(text))),
        Ok(Cow::Borrowed(text)) if text.len() == bytes.len() => return Ok(Some(bytes)),
        Ok(Cow::Borrowed(text)) => return Ok(Some(Bytes::copy_from_slice(text.as_bytes()))),
        Err(at) => &aligned[at..],
    };
    let shown: String = wrong.iter().take(3).map(|byte| format!("{byte:02X}")).collect();
    call.ctx.warn_or_fail(
        errno::INVALID_CHARACTER_STRING,
        format!("Invalid {} character string: '{shown}'", set.name()),
    )?;
    Ok(None)
}

fn truncated_string(call: &Call<'_>, what: &str, limit: usize, bytes: &[u8]) -> SqlResult<()> {
    let shown = String::from_utf8_lossy(bytes);
    call.ctx.warn_or_fail(
        errno::TRUNCATED_WRONG_VALUE,
        format!("Truncated incorrect {what}({limit}) value: '{shown}'"),
    )
}
