//! REGEXP_INSTR, REGEXP_SUBSTR and REGEXP_REPLACE.

use super::regex::Regex;
use super::{pattern, wrong_arguments};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::functions::call::{Call, not_null};
use crate::sql::types::Datum;

/// Error 3686.
fn out_of_bounds() -> SqlError {
    SqlError::new(
        errno::REGEXP_INDEX_OUTOFBOUNDS_ERROR,
        "Index out of bounds in regular expression search.",
    )
}

/// An optional number; `None`: it is NULL.
fn number(call: &Call<'_>, position: usize, default: i64) -> SqlResult<Option<i64>> {
    if call.args.len() > position { call.int(position) } else { Ok(Some(default)) }
}

/// The byte at which the letter with this number begins, from 1; error 3686 outside of the text.
fn place(text: &str, letter: i64) -> SqlResult<usize> {
    let skipped = letter.checked_sub(1).and_then(|skipped| usize::try_from(skipped).ok());
    let skipped = skipped.ok_or_else(out_of_bounds)?;
    let mut starts = text.char_indices().map(|(at, _)| at).chain(std::iter::once(text.len()));
    starts.nth(skipped).ok_or_else(out_of_bounds)
}

/// Where to look for the match after this one: behind an empty one a letter further.
fn behind(text: &str, (from, to): (usize, usize)) -> Option<usize> {
    if to > from {
        return Some(to);
    }
    text[to..].chars().next().map(|letter| to + letter.len_utf8())
}

/// Matches between two looks at whether the statement is to end: one that is short does not look itself.
const MATCHES: i64 = 1024;

fn look(call: &Call<'_>, at: i64) -> SqlResult<()> {
    if at % MATCHES == 0 { call.ctx.check_interrupted() } else { Ok(()) }
}

/// The match with this number, the first being 1.
fn nth(
    call: &Call<'_>,
    regex: &Regex,
    text: &str,
    mut start: usize,
    occurrence: i64,
) -> SqlResult<Option<(usize, usize)>> {
    for at in 1.. {
        look(call, at)?;
        let Some(groups) = regex.find(text, start, call.ctx)? else { break };
        let Some(Some(whole)) = groups.first().copied() else { break };
        if at >= occurrence {
            return Ok(Some(whole));
        }
        match behind(text, whole) {
            Some(next) => start = next,
            None => break,
        }
    }
    Ok(None)
}

pub(super) fn instr(call: &Call<'_>) -> SqlResult<Datum> {
    let text = not_null!(call.text(0));
    let regex = not_null!(pattern(call, 5));
    let start = not_null!(number(call, 2, 1));
    let occurrence = not_null!(number(call, 3, 1));
    let wants_end = match not_null!(number(call, 4, 0)) {
        0 => false,
        1 => true,
        _ => return Err(wrong_arguments("regexp_instr: return_option must be 1 or 0.")),
    };
    let found = nth(call, &regex, &text, place(&text, start)?, occurrence)?;
    Ok(Datum::Int(found.map_or(0, |(from, to)| {
        let end = if wants_end { to } else { from };
        text[..end].chars().count() as i64 + 1
    })))
}

pub(super) fn substr(call: &Call<'_>) -> SqlResult<Datum> {
    let text = not_null!(call.text(0));
    let regex = not_null!(pattern(call, 4));
    let start = not_null!(number(call, 2, 1));
    let occurrence = not_null!(number(call, 3, 1));
    let found = nth(call, &regex, &text, place(&text, start)?, occurrence)?;
    Ok(found.map_or(Datum::Null, |(from, to)| Datum::from(&text[from..to])))
}

pub(super) fn replace(call: &Call<'_>) -> SqlResult<Datum> {
    let text = not_null!(call.text(0));
    let regex = not_null!(pattern(call, 5));
    let replacement = not_null!(call.text(2));
    let start = not_null!(number(call, 3, 1));
    let occurrence = not_null!(number(call, 4, 0));
    let mut next = Some(place(&text, start)?);
    let (mut done, mut copied) = (String::with_capacity(text.len()), 0);
    let mut at = 0;
    while let Some(from) = next {
        let Some(groups) = regex.find(&text, from, call.ctx)? else { break };
        let Some(Some(whole)) = groups.first().copied() else { break };
        at += 1;
        look(call, at)?;
        next = behind(&text, whole);
        if occurrence > 0 && at < occurrence {
            continue;
        }
        done.push_str(&text[copied..whole.0]);
        expand(&replacement, &text, &groups, &mut done)?;
        copied = whole.1;
        if !call.limited(done.len() + text.len() - copied)? {
            return Ok(Datum::Null);
        }
        if occurrence > 0 {
            break;
        }
    }
    done.push_str(&text[copied..]);
    Ok(Datum::from(done))
}

/// Appends what a match is replaced by: `$1` is a group, a backslash makes what follows a letter like any other.
fn expand(
    replacement: &str,
    text: &str,
    groups: &[Option<(usize, usize)>],
    done: &mut String,
) -> SqlResult<()> {
    let mut rest = replacement.chars().peekable();
    while let Some(letter) = rest.next() {
        match letter {
            '\\' => done.extend(rest.next()),
            '$' => {
                let digit = rest.next().and_then(|letter| letter.to_digit(10));
                let mut group = digit.ok_or_else(illegal_group)? as usize;
                let mut matched = groups.get(group).ok_or_else(out_of_bounds)?;
                // More digits, as long as there is such a group.
                while let Some(digit) = rest.peek().and_then(|letter| letter.to_digit(10)) {
                    let longer = group * 10 + digit as usize;
                    let Some(there) = groups.get(longer) else { break };
                    (group, matched) = (longer, there);
                    rest.next();
                }
                if let Some((from, to)) = matched {
                    done.push_str(&text[*from..*to]);
                }
            }
            letter => done.push(letter),
        }
    }
    Ok(())
}

/// Error 3887.
fn illegal_group() -> SqlError {
    SqlError::new(errno::REGEXP_INVALID_CAPTURE_GROUP_NAME, "A capture group has an invalid name.")
}
