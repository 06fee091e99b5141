//! LIKE.

use super::call::{Call, not_null};
use super::definition::{Compute, Definition, Nulls};
use super::kernels;
use super::pieces::{self, pieces, text_pieces};
use super::typing::compared;
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::expr::EvalContext;
use crate::sql::types::{Collation, Datum, utf8};

pub(super) static LIKE: Definition = Definition::function(
    &["like"],
    (2, 3),
    compared,
    like,
    "Whether a text is like a pattern in which `%` stands for any letters and `_` for one.",
)
.form()
.nulls(Nulls::OfArguments)
.kernel(Compute::Truth(kernels::like), kernels::all_leaves);

/// Letters compared between two looks at whether the statement is to end.
const PIECE: usize = 1 << 16;

/// A LIKE pattern, read once: what stands between its `%`s.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sql) struct Pattern {
    /// One more than there are `%`s.
    segments: Vec<Vec<Part>>,
    collation: Collation,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// This letter, folded.
    Letter(u32),
    /// `_`.
    AnyOne,
}

impl Part {
    fn fits(self, letter: u32) -> bool {
        match self {
            Part::Letter(wanted) => wanted == letter,
            Part::AnyOne => true,
        }
    }
}

/// A string as the units LIKE matches: bytes or folded letters.
pub(super) fn units(text: &[u8], collation: Collation, ctx: &EvalContext) -> SqlResult<Vec<u32>> {
    let mut units = Vec::with_capacity(text.len());
    match collation {
        Collation::Binary => {
            for piece in pieces(text, pieces::PIECE, ctx) {
                units.extend(piece?.iter().map(|byte| u32::from(*byte)));
            }
        }
        _ => {
            for piece in text_pieces(&utf8(text), ctx) {
                units.extend(piece?.chars().map(|letter| collation.fold(letter)));
            }
        }
    }
    Ok(units)
}

impl Pattern {
    pub(in crate::sql) fn new(
        pattern: &[u8],
        escape: Option<char>,
        collation: Collation,
    ) -> Pattern {
        let fold = |letter: char| match collation {
            Collation::Binary => u32::from(letter),
            _ => collation.fold(letter),
        };
        let mut segments = Vec::new();
        let mut segment = Vec::new();
        let mut read = |letters: &mut dyn Iterator<Item = char>| {
            let mut letters = letters.peekable();
            while let Some(letter) = letters.next() {
                if Some(letter) == escape
                    && let Some(next) = letters.next_if(|_| true)
                {
                    segment.push(Part::Letter(fold(next)));
                    continue;
                }
                match letter {
                    // Several of them are as one.
                    '%' if segment.is_empty() && !segments.is_empty() => {}
                    '%' => segments.push(std::mem::take(&mut segment)),
                    '_' => segment.push(Part::AnyOne),
                    letter => segment.push(Part::Letter(fold(letter))),
                }
            }
        };
        match collation {
            Collation::Binary => read(&mut pattern.iter().map(|byte| char::from(*byte))),
            _ => read(&mut utf8(pattern).chars()),
        }
        segments.push(segment);
        Pattern { segments, collation }
    }

    pub(in crate::sql) fn matches(&self, text: &[u8], ctx: &EvalContext) -> SqlResult<bool> {
        let text = units(text, self.collation, ctx)?;
        let fits = |segment: &[Part], text: &[u32]| {
            segment.len() == text.len()
                && segment.iter().zip(text).all(|(part, letter)| part.fits(*letter))
        };
        let [first, middle @ .., last] = self.segments.as_slice() else {
            return Ok(self.segments.iter().all(|only| fits(only, &text)));
        };
        if text.len() < first.len() + last.len() {
            return Ok(false);
        }
        let (head, rest) = text.split_at(first.len());
        let (mut rest, tail) = rest.split_at(rest.len() - last.len());
        if !fits(first, head) || !fits(last, tail) {
            return Ok(false);
        }
        // The first place for each leaves the most to those after it.
        for segment in middle {
            match find(segment, rest, ctx)? {
                Some(at) => rest = &rest[at + segment.len()..],
                None => return Ok(false),
            }
        }
        Ok(true)
    }
}

/// Where a segment first fits.
fn find(segment: &[Part], text: &[u32], ctx: &EvalContext) -> SqlResult<Option<usize>> {
    let letters: Option<Vec<u32>> = segment
        .iter()
        .map(|part| match part {
            Part::Letter(letter) => Some(*letter),
            Part::AnyOne => None,
        })
        .collect();
    if let Some(letters) = letters {
        return find_letters(&letters, text, ctx);
    }
    let mut compared = 0;
    for (at, window) in text.windows(segment.len()).enumerate() {
        let alike = window.iter().zip(segment).take_while(|(letter, part)| part.fits(**letter));
        let alike = alike.count();
        if alike == segment.len() {
            return Ok(Some(at));
        }
        compared += alike + 1;
        if compared > PIECE {
            compared = 0;
            ctx.check_interrupted()?;
        }
    }
    Ok(None)
}

/// Where `wanted` first is in `text`, in time linear in both (the algorithm of Knuth, Morris and Pratt).
pub(super) fn find_letters(
    wanted: &[u32],
    text: &[u32],
    ctx: &EvalContext,
) -> SqlResult<Option<usize>> {
    if wanted.len() > text.len() {
        return Ok(None);
    }
    // How much of the beginning of `wanted` ends at each of its letters again.
    let mut borders = vec![0_usize; wanted.len()];
    let step = |borders: &[usize], mut matched: usize, letter: u32| {
        while matched > 0 && wanted[matched] != letter {
            matched = borders[matched - 1];
        }
        if wanted[matched] == letter { matched + 1 } else { matched }
    };
    for at in 1..wanted.len() {
        if at % PIECE == 0 {
            ctx.check_interrupted()?;
        }
        borders[at] = step(&borders, borders[at - 1], wanted[at]);
    }
    if wanted.is_empty() {
        return Ok(Some(0));
    }
    let mut matched = 0;
    for (at, letter) in text.iter().enumerate() {
        if at % PIECE == 0 {
            ctx.check_interrupted()?;
        }
        matched = step(&borders, matched, *letter);
        if matched == wanted.len() {
            return Ok(Some(at + 1 - matched));
        }
    }
    Ok(None)
}

fn like(call: &Call<'_>) -> SqlResult<Datum> {
    let text = not_null!(call.bytes(0));
    let pattern = not_null!(call.bytes(1));
    let pattern = Pattern::new(&pattern, escape(call)?, call.collation());
    Ok(Datum::from(pattern.matches(&text, call.ctx)?))
}

/// The escape character: a backslash unless said otherwise; an empty text means none.
fn escape(call: &Call<'_>) -> SqlResult<Option<char>> {
    if call.args.len() < 3 {
        let none = call.ctx.sql_mode.contains(crate::sql::types::SqlMode::NO_BACKSLASH_ESCAPES);
        return Ok(if none { None } else { Some('\\') });
    }
    let text = call.text(2)?.unwrap_or_else(|| "\\".to_owned());
    let mut letters = text.chars();
    match (letters.next(), letters.next()) {
        (escape, None) => Ok(escape),
        _ => Err(SqlError::new(errno::WRONG_ARGUMENTS, "Incorrect arguments to ESCAPE")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definition, without any care for time.
    fn slow(pattern: &[char], text: &[char]) -> bool {
        match pattern {
            [] => text.is_empty(),
            ['%', rest @ ..] => (0..=text.len()).any(|at| slow(rest, &text[at..])),
            ['_', rest @ ..] => !text.is_empty() && slow(rest, &text[1..]),
            [letter, rest @ ..] => text.first() == Some(letter) && slow(rest, &text[1..]),
        }
    }

    proptest! {
        #[test]
        fn matches_as_defined(pattern in "[ab%_]{0,8}", text in "[ab]{0,8}") {
            let read = Pattern::new(pattern.as_bytes(), Some('\\'), Collation::Utf8mb4Bin);
            let (letters, wanted): (Vec<char>, Vec<char>) = (text.chars().collect(), pattern.chars().collect());
            let found = read.matches(text.as_bytes(), &EvalContext::new()).expect("nobody interrupts");
            prop_assert_eq!(found, slow(&wanted, &letters));
        }

        #[test]
        fn letters_are_found(wanted in "[ab]{0,4}", text in "[ab]{0,12}") {
            let units = |text: &str| text.bytes().map(u32::from).collect::<Vec<u32>>();
            let found = find_letters(&units(&wanted), &units(&text), &EvalContext::new());
            prop_assert_eq!(found.expect("nobody interrupts"), text.find(&wanted));
        }
    }
}
