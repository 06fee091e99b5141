//! Taking strings apart and putting them together.

use bytes::Bytes;

use super::call::{Call, not_null};
use super::definition::{Definition, Eval, MANY, Names, Nulls, Numbers, TypeRule};
use super::like::{find_letters, units};
use super::pieces::{PIECE, text_pieces};
use super::typing::{Typing, bigint, like_first, part_of_first, position_in_text};
use crate::common::SqlResult;
use crate::sql::types::{Collation, Datum, FieldType, utf8};

/// Made of the letters of its arguments.
pub(super) const fn text(
    names: Names,
    arity: (usize, usize),
    result: TypeRule,
    eval: Eval,
    summary: &'static str,
) -> Definition {
    Definition::function(names, arity, result, eval, summary).text_of_arguments()
}

/// A length.
const fn length(names: Names, eval: Eval, summary: &'static str) -> Definition {
    Definition::function(names, (1, 1), bigint, eval, summary).nulls(Nulls::OfArguments)
}

pub(super) static FUNCTIONS: &[Definition] = &[
    text(&["concat"], (1, MANY), |typing| all(typing, 0), concat, "The arguments, joined.")
        .nulls(Nulls::OfArguments),
    text(
        &["concat_ws"],
        (2, MANY),
        |typing| all(typing, typing.width(0) * typing.args.len() as u64),
        concat_ws,
        "The arguments after the first that are not NULL, joined by the first.",
    ),
    length(
        &["length", "octet_length"],
        |call| Ok(Datum::Int(not_null!(call.bytes(0)).len() as i64)),
        "How many bytes a text has.",
    )
    .reads_bytes(),
    length(
        &["bit_length"],
        |call| Ok(Datum::Int(not_null!(call.bytes(0)).len() as i64 * 8)),
        "How many bits a text has.",
    )
    .reads_bytes(),
    length(
        &["char_length", "character_length"],
        |call| Ok(Datum::Int(letter_count(&not_null!(call.bytes(0)), call.is_binary(0)) as i64)),
        "How many characters a text has.",
    ),
    text(
        &["upper", "ucase"],
        (1, 1),
        like_first,
        |call| in_case(call, |text| text.to_uppercase()),
        "The text in capital letters.",
    )
    .nulls(Nulls::OfArguments),
    text(
        &["lower", "lcase"],
        (1, 1),
        like_first,
        |call| in_case(call, |text| text.to_lowercase()),
        "The text in small letters.",
    )
    .nulls(Nulls::OfArguments),
    text(
        &["substring", "substr", "mid"],
        (2, 3),
        part_of_first,
        substring,
        "The characters from a position on (from the end, if it is negative), at most so many.",
    )
    .nulls(Nulls::OfArguments)
    .numbers(Numbers::At(&[1, 2])),
    text(
        &["substring_index"],
        (3, 3),
        part_of_first,
        substring_index,
        "What is before the n-th delimiter, or behind the n-th from the end.",
    )
    .numbers(Numbers::At(&[2])),
    text(&["left"], (2, 2), part_of_first, |call| side(call, true), "The first characters.")
        .nulls(Nulls::OfArguments)
        .numbers(Numbers::At(&[1])),
    text(&["right"], (2, 2), part_of_first, |call| side(call, false), "The last characters.")
        .nulls(Nulls::OfArguments)
        .numbers(Numbers::At(&[1])),
    text(&["reverse"], (1, 1), like_first, reverse, "The characters from last to first.")
        .nulls(Nulls::OfArguments),
    text(
        &["locate", "position"],
        (2, 3),
        position_in_text,
        |call| locate(call, 0),
        "Where the first text first is in the second, from 1; 0 if it is not there.",
    )
    .nulls(Nulls::OfArguments)
    .numbers(Numbers::At(&[2])),
    text(
        &["instr"],
        (2, 2),
        position_in_text,
        |call| locate(call, 1),
        "Where the second text first is in the first, from 1; 0 if it is not there.",
    )
    .nulls(Nulls::OfArguments),
    text(
        &["find_in_set"],
        (2, 2),
        position_in_text,
        find_in_set,
        "Which item of a list with commas the text is, from 1; 0 if it is none.",
    ),
    text(
        &["elt"],
        (2, MANY),
        chosen,
        elt,
        "The text that the number in front of the list says, from 1.",
    )
    .numbers(Numbers::At(&[0])),
    text(
        &["make_set"],
        (2, MANY),
        chosen,
        make_set,
        "The texts whose bits are set in the number in front, with commas between.",
    )
    .numbers(Numbers::At(&[0])),
];

/// As long as all arguments together, and so much more.
fn all(typing: &Typing<'_>, more: u64) -> SqlResult<FieldType> {
    let sum: u64 = (0..typing.args.len()).map(|position| typing.width(position)).sum();
    typing.text_of(typing.args, sum + more)
}

/// One or more of the arguments after the first.
fn chosen(typing: &Typing<'_>) -> SqlResult<FieldType> {
    let sum = (0..typing.args.len()).map(|position| typing.width(position)).sum();
    typing.text_of(&typing.args[1..], sum)
}

fn in_case(call: &Call<'_>, change: fn(&str) -> String) -> SqlResult<Datum> {
    let text = not_null!(call.bytes(0));
    if call.is_binary(0) {
        return Ok(Datum::Bytes(text));
    }
    let mut changed = String::with_capacity(text.len());
    for piece in text_pieces(&utf8(&text), call.ctx) {
        changed.push_str(&change(piece?));
    }
    // In another case a letter may take more bytes, though not many.
    if changed.len() > text.len() && !call.limited(changed.len())? {
        return Ok(Datum::Null);
    }
    Ok(Datum::from(changed))
}

fn reverse(call: &Call<'_>) -> SqlResult<Datum> {
    let text = not_null!(call.bytes(0));
    if call.is_binary(0) {
        let mut reversed = Vec::with_capacity(text.len());
        for piece in text.rchunks(PIECE) {
            call.ctx.check_interrupted()?;
            reversed.extend(piece.iter().rev());
        }
        return Ok(Datum::from(reversed));
    }
    let letters = utf8(&text);
    let pieces: Vec<&str> = text_pieces(&letters, call.ctx).collect::<SqlResult<_>>()?;
    let mut reversed = String::with_capacity(text.len());
    for piece in pieces.into_iter().rev() {
        call.ctx.check_interrupted()?;
        reversed.extend(piece.chars().rev());
    }
    // What is no letter becomes one of three bytes.
    if reversed.len() > text.len() && !call.limited(reversed.len())? {
        return Ok(Datum::Null);
    }
    Ok(Datum::from(reversed))
}

/// Where the `position`-th letter (of bytes: byte) starts; the text's end when there are fewer.
pub(super) fn letter_start(text: &[u8], position: usize, binary: bool) -> usize {
    if binary {
        return position.min(text.len());
    }
    // Bytes that do not continue a letter start one.
    let mut starts = text.iter().enumerate().filter(|(_, byte)| **byte & 0xC0 != 0x80);
    starts.nth(position).map_or(text.len(), |(at, _)| at)
}

/// Letters (of bytes: bytes) of a text.
pub(super) fn letter_count(text: &[u8], binary: bool) -> usize {
    if binary {
        return text.len();
    }
    text.iter().filter(|byte| **byte & 0xC0 != 0x80).count()
}

/// The letters from `start` on, at most `count`.
pub(super) fn letters(text: &Bytes, start: usize, count: usize, binary: bool) -> Bytes {
    let from = letter_start(text, start, binary);
    let len = letter_start(&text[from..], count, binary);
    text.slice(from..from + len)
}

/// Where `needle` first is in `text`, from the letter `start` on: the letter's position.
fn find(text: &[u8], needle: &[u8], start: usize, call: &Call<'_>) -> SqlResult<Option<usize>> {
    let (collation, ctx) = (call.collation(), call.ctx);
    let binary = collation == Collation::Binary;
    if collation.folds() {
        let (text, needle) = (units(text, collation, ctx)?, units(needle, collation, ctx)?);
        if start > text.len() {
            return Ok(None);
        }
        return Ok(find_letters(&needle, &text[start..], ctx)?.map(|at| start + at));
    }
    if start > letter_count(text, binary) {
        return Ok(None);
    }
    let from = letter_start(text, start, binary);
    let at = memchr::memmem::find(&text[from..], needle);
    Ok(at.map(|at| start + letter_count(&text[from..from + at], binary)))
}

fn concat(call: &Call<'_>) -> SqlResult<Datum> {
    let mut joined = Vec::new();
    for position in 0..call.args.len() {
        let part = not_null!(call.bytes(position));
        if !call.limited(joined.len() + part.len())? {
            return Ok(Datum::Null);
        }
        joined.extend_from_slice(&part);
    }
    Ok(Datum::from(joined))
}

fn concat_ws(call: &Call<'_>) -> SqlResult<Datum> {
    let separator = not_null!(call.bytes(0));
    let mut joined = Vec::new();
    let mut first = true;
    for position in 1..call.args.len() {
        let Some(part) = call.bytes(position)? else { continue };
        if !call.limited(joined.len() + separator.len() + part.len())? {
            return Ok(Datum::Null);
        }
        if !first {
            joined.extend_from_slice(&separator);
        }
        first = false;
        joined.extend_from_slice(&part);
    }
    Ok(Datum::from(joined))
}

fn substring(call: &Call<'_>) -> SqlResult<Datum> {
    let text = not_null!(call.bytes(0));
    let start = not_null!(call.int(1));
    let count = if call.args.len() > 2 { not_null!(call.int(2)) } else { i64::MAX };
    let binary = call.is_binary(0);
    let length = letter_count(&text, binary) as i64;
    let from = match start {
        0 => length,
        start if start > 0 => start - 1,
        start => length.saturating_add(start),
    };
    if from < 0 || from >= length || count <= 0 {
        return Ok(Datum::from(""));
    }
    Ok(Datum::Bytes(letters(&text, from as usize, count as usize, binary)))
}

/// LEFT and RIGHT.
fn side(call: &Call<'_>, of_start: bool) -> SqlResult<Datum> {
    let text = not_null!(call.bytes(0));
    let count = not_null!(call.int(1)).max(0) as usize;
    let binary = call.is_binary(0);
    if of_start {
        return Ok(Datum::Bytes(letters(&text, 0, count, binary)));
    }
    let skipped = letter_count(&text, binary).saturating_sub(count);
    Ok(Datum::Bytes(letters(&text, skipped, count, binary)))
}

fn substring_index(call: &Call<'_>) -> SqlResult<Datum> {
    let text = not_null!(call.bytes(0));
    let delimiter = not_null!(call.bytes(1));
    let count = not_null!(call.int(2));
    if delimiter.is_empty() || count == 0 {
        return Ok(Datum::from(""));
    }
    let wanted = count.unsigned_abs() as usize;
    if count > 0 {
        let at = memchr::memmem::find_iter(&text, &delimiter[..]).nth(wanted - 1);
        return Ok(Datum::Bytes(at.map_or_else(|| text.clone(), |at| text.slice(..at))));
    }
    let at = memchr::memmem::rfind_iter(&text, &delimiter[..]).nth(wanted - 1);
    Ok(Datum::Bytes(match at {
        Some(at) => text.slice(at + delimiter.len()..),
        None => text,
    }))
}

fn elt(call: &Call<'_>) -> SqlResult<Datum> {
    let wanted = not_null!(call.int(0));
    match usize::try_from(wanted) {
        Ok(position) if position >= 1 && position < call.args.len() => {
            Ok(Datum::Bytes(not_null!(call.bytes(position))))
        }
        _ => Ok(Datum::Null),
    }
}

fn make_set(call: &Call<'_>) -> SqlResult<Datum> {
    let bits = not_null!(call.int(0));
    let (mut parts, mut length) = (Vec::new(), 0);
    for position in 1..call.args.len().min(65) {
        if bits >> (position - 1) & 1 == 1 {
            let Some(part) = call.bytes(position)? else { continue };
            length += part.len() + 1;
            if !call.limited(length - 1)? {
                return Ok(Datum::Null);
            }
            parts.push(part);
        }
    }
    Ok(Datum::from(parts.join(&b","[..])))
}

/// LOCATE(needle, text [, start]) and INSTR(text, needle): the needle is at this position.
fn locate(call: &Call<'_>, needle: usize) -> SqlResult<Datum> {
    let text = not_null!(call.bytes(1 - needle));
    let needle = not_null!(call.bytes(needle));
    let start = if call.args.len() > 2 { not_null!(call.int(2)) } else { 1 };
    let Some(start) = start.checked_sub(1).and_then(|start| usize::try_from(start).ok()) else {
        return Ok(Datum::Int(0));
    };
    let found = find(&text, &needle, start, call)?;
    Ok(Datum::Int(found.map_or(0, |at| at as i64 + 1)))
}

fn find_in_set(call: &Call<'_>) -> SqlResult<Datum> {
    let wanted = not_null!(call.bytes(0));
    let set = not_null!(call.bytes(1));
    if set.is_empty() || wanted.contains(&b',') {
        return Ok(Datum::Int(0));
    }
    // Letter by letter: here nothing is padded.
    let collation = call.collation();
    let wanted = units(&wanted, collation, call.ctx)?;
    for (at, item) in set.split(|byte| *byte == b',').enumerate() {
        call.ctx.check_interrupted()?;
        if units(item, collation, call.ctx)? == wanted {
            return Ok(Datum::Int(at as i64 + 1));
        }
    }
    Ok(Datum::Int(0))
}
