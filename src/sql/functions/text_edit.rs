//! Changing strings.

use bytes::Bytes;

use super::call::{Call, not_null};
use super::definition::{Definition, Nulls, Numbers};
use super::pieces::{PIECE, fill, pieces};
use super::text::{letter_count, letter_start, letters, text};
use super::typing::{like_first, long_text};
use crate::common::{SqlResult, errno};
use crate::sql::types::{Datum, Decimal, NumberFormat};

pub(super) static TRIM: Definition = text(
    &["trim"],
    (1, 2),
    like_first,
    |call| trim(call, true, true),
    "The text without spaces, or what else is named, at both ends.",
)
.nulls(Nulls::OfArguments);
pub(super) static TRIM_LEADING: Definition = text(
    &["trim leading"],
    (2, 2),
    like_first,
    |call| trim(call, true, false),
    "The text without this at its beginning.",
)
.form();
pub(super) static TRIM_TRAILING: Definition = text(
    &["trim trailing"],
    (2, 2),
    like_first,
    |call| trim(call, false, true),
    "The text without this at its end.",
)
.form();

pub(super) static FUNCTIONS: &[Definition] = &[
    text(
        &["ltrim"],
        (1, 1),
        like_first,
        |call| trim(call, true, false),
        "The text without spaces at its beginning.",
    )
    .nulls(Nulls::OfArguments),
    text(
        &["rtrim"],
        (1, 1),
        like_first,
        |call| trim(call, false, true),
        "The text without spaces at its end.",
    )
    .nulls(Nulls::OfArguments),
    text(
        &["replace"],
        (3, 3),
        |typing| typing.text_of(typing.args, u64::MAX),
        replace,
        "The text with every place of the second replaced by the third.",
    )
    .nulls(Nulls::OfArguments),
    text(
        &["repeat"],
        (2, 2),
        |typing| typing.text_of(&typing.args[..1], u64::MAX),
        repeat,
        "The text so many times.",
    )
    .numbers(Numbers::At(&[1])),
    text(
        &["lpad"],
        (3, 3),
        |typing| typing.text_of(typing.args, u64::MAX),
        |call| pad(call, true),
        "The text with so many characters, filled up in front.",
    )
    .numbers(Numbers::At(&[1])),
    text(
        &["rpad"],
        (3, 3),
        |typing| typing.text_of(typing.args, u64::MAX),
        |call| pad(call, false),
        "The text with so many characters, filled up behind.",
    )
    .numbers(Numbers::At(&[1])),
    Definition::function(
        &["format"],
        (2, 3),
        long_text,
        format,
        "The number with so many decimal places and the thousands marked, as a locale writes it.",
    )
    .numbers(Numbers::At(&[0, 1])),
    Definition::function(&["space"], (1, 1), long_text, space, "So many spaces.")
        .numbers(Numbers::All),
    text(
        &["insert"],
        (4, 4),
        |typing| typing.text_of(typing.args, typing.width(0) + typing.width(3)),
        insert,
        "The text with the characters from a position on, so many, replaced by another text.",
    )
    .numbers(Numbers::At(&[1, 2])),
    text(
        &["quote"],
        (1, 1),
        |typing| typing.text_of(typing.args, typing.width(0) * 2 + 2),
        quote,
        "The text as a literal of SQL.",
    ),
];

/// Small steps between two looks at whether the statement is to end.
const STEPS: usize = 1 << 16;

/// Looks now and then whether the statement is to end; `step` counts up or down.
fn look(call: &Call<'_>, step: usize) -> SqlResult<()> {
    if step.is_multiple_of(STEPS) { call.ctx.check_interrupted() } else { Ok(()) }
}

fn trim(call: &Call<'_>, leading: bool, trailing: bool) -> SqlResult<Datum> {
    let text = not_null!(call.bytes(0));
    let what =
        if call.args.len() > 1 { not_null!(call.bytes(1)) } else { Bytes::from_static(b" ") };
    if what.is_empty() {
        return Ok(Datum::Bytes(text));
    }
    let (mut from, mut to) = (0, text.len());
    if leading {
        while text[from..to].starts_with(&what) {
            from += what.len();
            look(call, from / what.len())?;
        }
    }
    if trailing {
        while text[from..to].ends_with(&what) {
            to -= what.len();
            look(call, to / what.len())?;
        }
    }
    Ok(Datum::Bytes(text.slice(from..to)))
}

fn replace(call: &Call<'_>) -> SqlResult<Datum> {
    let text = not_null!(call.bytes(0));
    let from = not_null!(call.bytes(1));
    let to = not_null!(call.bytes(2));
    if from.is_empty() {
        return Ok(Datum::Bytes(text));
    }
    let mut length = text.len();
    if to.len() > from.len() {
        let found = memchr::memmem::find_iter(&text, &from[..]).count();
        length = length.saturating_add(found.saturating_mul(to.len() - from.len()));
        if !call.limited(length)? {
            return Ok(Datum::Null);
        }
    }
    let mut replaced = Vec::with_capacity(length);
    let mut rest = 0;
    for (step, at) in memchr::memmem::find_iter(&text, &from[..]).enumerate() {
        look(call, step)?;
        replaced.extend_from_slice(&text[rest..at]);
        replaced.extend_from_slice(&to);
        rest = at + from.len();
    }
    replaced.extend_from_slice(&text[rest..]);
    Ok(Datum::from(replaced))
}

fn repeat(call: &Call<'_>) -> SqlResult<Datum> {
    let text = not_null!(call.bytes(0));
    let count = not_null!(call.int(1)).max(0) as usize;
    if !call.limited(text.len().saturating_mul(count))? {
        return Ok(Datum::Null);
    }
    let mut repeated = Vec::new();
    fill(&mut repeated, &text, count, call.ctx)?;
    Ok(Datum::from(repeated))
}

fn space(call: &Call<'_>) -> SqlResult<Datum> {
    let count = not_null!(call.int(0)).max(0) as usize;
    if !call.limited(count)? {
        return Ok(Datum::Null);
    }
    let mut spaces = Vec::new();
    fill(&mut spaces, b" ", count, call.ctx)?;
    Ok(Datum::from(spaces))
}

/// LPAD and RPAD.
fn pad(call: &Call<'_>, in_front: bool) -> SqlResult<Datum> {
    let text = not_null!(call.bytes(0));
    let wanted = not_null!(call.int(1));
    let filler = not_null!(call.bytes(2));
    let Ok(wanted) = usize::try_from(wanted) else {
        return Ok(Datum::Null);
    };
    let binary = call.field_type.is_binary_string();
    let length = letter_count(&text, binary);
    if length >= wanted {
        return Ok(Datum::Bytes(letters(&text, 0, wanted, binary)));
    }
    let filler_length = letter_count(&filler, binary);
    if filler_length == 0 {
        return Ok(Datum::Null);
    }
    let missing = wanted - length;
    let whole = missing / filler_length;
    let part = &filler[..letter_start(&filler, missing % filler_length, binary)];
    let total = filler.len().saturating_mul(whole).saturating_add(part.len() + text.len());
    if !call.limited(total)? {
        return Ok(Datum::Null);
    }
    let mut padded = Vec::with_capacity(total);
    if !in_front {
        padded.extend_from_slice(&text);
    }
    fill(&mut padded, &filler, whole, call.ctx)?;
    padded.extend_from_slice(part);
    if in_front {
        padded.extend_from_slice(&text);
    }
    Ok(Datum::from(padded))
}

/// INSERT(text, position, length, new).
fn insert(call: &Call<'_>) -> SqlResult<Datum> {
    let text = not_null!(call.bytes(0));
    let position = not_null!(call.int(1));
    let length = not_null!(call.int(2));
    let new = not_null!(call.bytes(3));
    let binary = call.is_binary(0);
    let count = letter_count(&text, binary);
    if position < 1 || position as u64 > count as u64 {
        return Ok(Datum::Bytes(text));
    }
    let start = letter_start(&text, position as usize - 1, binary);
    let replaced = usize::try_from(length).unwrap_or(usize::MAX);
    let end = start + letter_start(&text[start..], replaced, binary);
    if !call.limited(start + new.len() + (text.len() - end))? {
        return Ok(Datum::Null);
    }
    Ok(Datum::from([&text[..start], &new[..], &text[end..]].concat()))
}

fn quote(call: &Call<'_>) -> SqlResult<Datum> {
    let Some(text) = call.bytes(0)? else {
        return Ok(Datum::from("NULL"));
    };
    let escaped = text.iter().filter(|byte| matches!(byte, b'\\' | b'\'' | 0 | 0x1A)).count();
    let length = text.len() + escaped + 2;
    if !call.limited(length)? {
        return Ok(Datum::Null);
    }
    let mut quoted = Vec::with_capacity(length);
    quoted.push(b'\'');
    for piece in pieces(&text, PIECE, call.ctx) {
        for byte in piece? {
            match byte {
                b'\\' | b'\'' => quoted.extend([b'\\', *byte]),
                0 => quoted.extend(b"\\0"),
                0x1A => quoted.extend(b"\\Z"),
                byte => quoted.push(*byte),
            }
        }
    }
    quoted.push(b'\'');
    Ok(Datum::from(quoted))
}

/// FORMAT(number, places [, locale]).
fn format(call: &Call<'_>) -> SqlResult<Datum> {
    let number: Decimal = not_null!(call.decimal(0));
    let places = not_null!(call.int(1)).clamp(0, 30) as u8;
    let rounded = number.round(i32::from(places)).with_scale(places).unwrap_or(number);
    let locale = if call.args.len() > 2 { locale(call)? } else { NumberFormat::EN_US };
    Ok(Datum::from(locale.write(&rounded.to_string())))
}

/// The locale that the third argument names; en_US with a warning if there is none of that name.
fn locale(call: &Call<'_>) -> SqlResult<NumberFormat> {
    let name = call.text(2)?;
    if let Some(format) = name.as_deref().and_then(NumberFormat::by_name) {
        return Ok(format);
    }
    let name = name.as_deref().unwrap_or("NULL");
    call.ctx.warn(errno::UNKNOWN_LOCALE, format!("Unknown locale: '{name}'"));
    Ok(NumberFormat::EN_US)
}
