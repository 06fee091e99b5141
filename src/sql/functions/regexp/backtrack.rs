//! Trying a pattern out.

use super::program::{Program, Set, Step};
use super::regex::{Groups, timeout};
use super::tree::{Assertion, is_line_end, is_word};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::expr::EvalContext;

/// Bytes of what there is still to try: `regexp_stack_limit`.
const STACK_BYTES: usize = 8_000_000;
/// How often a match may go back: `regexp_time_limit` is so many times a few milliseconds.
const MOST_TRIES: u64 = 32 * 1_000_000;
/// Steps between two looks at whether the statement is to end.
const PIECE: u64 = 1 << 16;
/// No place.
const NOWHERE: usize = usize::MAX;

/// The first match that begins at a place or behind it.
pub(super) fn find(
    program: &Program,
    text: &str,
    mut start: usize,
    ctx: &EvalContext,
) -> SqlResult<Option<Groups>> {
    let mut matcher = Matcher {
        program,
        text,
        ctx,
        registers: vec![NOWHERE; program.registers],
        stack: Vec::new(),
        steps: 0,
        tries: 0,
    };
    let first = program.first_letter();
    loop {
        if let Some(letter) = first {
            let mut encoded = [0; 4];
            let wanted = letter.encode_utf8(&mut encoded).as_bytes();
            match memchr::memmem::find(&text.as_bytes()[start..], wanted) {
                Some(at) => start += at,
                None => return Ok(None),
            }
        }
        if let Some(end) = matcher.from(start)? {
            return Ok(Some(matcher.groups(start, end)));
        }
        match text[start..].chars().next() {
            Some(letter) => start += letter.len_utf8(),
            None => return Ok(None),
        }
    }
}

/// What is done when the way taken fails.
#[derive(Clone, Copy)]
enum Other {
    /// Goes on at a step, from a place.
    Way { step: usize, place: usize },
    /// Gives one letter back that a [`Step::TakeMany`] has taken, down to the least place.
    Shorter { step: usize, least: usize, place: usize },
    /// Looks behind from one letter further back.
    Further { step: usize, place: usize, left: u32 },
    /// A register had this value.
    Register { register: usize, value: usize },
}

struct Matcher<'a> {
    program: &'a Program,
    text: &'a str,
    ctx: &'a EvalContext,
    registers: Vec<usize>,
    stack: Vec<Other>,
    steps: u64,
    tries: u64,
}

impl Matcher<'_> {
    /// Where the groups of a match are.
    fn groups(&self, start: usize, end: usize) -> Groups {
        let mut groups = vec![Some((start, end))];
        for group in 1..self.program.groups {
            let (from, to) = (self.registers[2 * group], self.registers[2 * group + 1]);
            groups.push((from != NOWHERE && to != NOWHERE && from <= to).then_some((from, to)));
        }
        groups
    }

    /// Where a match that begins there ends, if there is one.
    fn from(&mut self, start: usize) -> SqlResult<Option<usize>> {
        self.stack.clear();
        self.registers.fill(NOWHERE);
        let (mut step, mut place) = (0, start);
        loop {
            self.steps += 1;
            if self.steps.is_multiple_of(PIECE) {
                self.ctx.check_interrupted()?;
            }
            if matches!(self.program.steps[step], Step::Match) {
                return Ok(Some(place));
            }
            let next = match self.step(step, place)? {
                Some(next) => Some(next),
                None => self.back()?,
            };
            match next {
                Some((next_step, next_place)) => (step, place) = (next_step, next_place),
                None => return Ok(None),
            }
        }
    }

    /// The next step and place; `None` if this way fails.
    fn step(&mut self, at: usize, place: usize) -> SqlResult<Option<(usize, usize)>> {
        let program = self.program;
        let on = Some((at + 1, place));
        Ok(match &program.steps[at] {
            Step::Take(set) => self.taken(set, place).map(|place| (at + 1, place)),
            Step::TakeMany { set, min, max, gives_back } => {
                return self.take_many(at, place, set, (*min, *max), *gives_back);
            }
            Step::Assert(assertion) => {
                if self.holds(*assertion, place) {
                    on
                } else {
                    None
                }
            }
            Step::Jump(to) => Some((*to, place)),
            Step::Else(other) => {
                self.push(Other::Way { step: *other, place })?;
                on
            }
            Step::Skip(to) => {
                self.push(Other::Way { step: at + 1, place })?;
                Some((*to, place))
            }
            Step::Place(register) => {
                self.set(*register, place)?;
                on
            }
            Step::Return(register) => Some((at + 1, self.registers[*register])),
            Step::Moved(register) => {
                if self.registers[*register] == place {
                    None
                } else {
                    on
                }
            }
            Step::Here(register) => {
                if self.registers[*register] == place {
                    on
                } else {
                    None
                }
            }
            Step::Mark(register) => {
                // What restores the register is not part of what is marked.
                self.set(*register, self.stack.len() + 1)?;
                on
            }
            Step::Cut(register) => {
                self.cut(self.registers[*register]);
                on
            }
            Step::CutFail(register) => {
                self.unwind(self.registers[*register]);
                None
            }
            Step::Behind { min, max } => self.behind(at, place, *min, max - min)?,
            Step::Back { group, ignore_case } => {
                self.again(*group as usize, *ignore_case, place)?.map(|place| (at + 1, place))
            }
            Step::Match => None,
        })
    }

    fn letter_at(&self, place: usize) -> Option<char> {
        self.text[place..].chars().next()
    }

    fn letter_before(&self, place: usize) -> Option<char> {
        self.text[..place].chars().next_back()
    }

    fn taken(&self, set: &Set, place: usize) -> Option<usize> {
        let letter = self.letter_at(place)?;
        set.has(letter).then(|| place + letter.len_utf8())
    }

    fn take_many(
        &mut self,
        at: usize,
        start: usize,
        set: &Set,
        (min, max): (u32, u32),
        gives_back: bool,
    ) -> SqlResult<Option<(usize, usize)>> {
        let (mut place, mut count, mut least) = (start, 0, start);
        while count < max
            && let Some(next) = self.taken(set, place)
        {
            place = next;
            count += 1;
            if count == min {
                least = place;
            }
            if u64::from(count).is_multiple_of(PIECE) {
                self.ctx.check_interrupted()?;
            }
        }
        // Long texts that are taken again and again take their time, too.
        self.steps += u64::from(count >> 6);
        if count < min {
            return Ok(None);
        }
        if gives_back && place > least {
            self.push(Other::Shorter { step: at + 1, least, place })?;
        }
        Ok(Some((at + 1, place)))
    }

    fn behind(
        &mut self,
        at: usize,
        place: usize,
        min: u32,
        left: u32,
    ) -> SqlResult<Option<(usize, usize)>> {
        let mut from = place;
        for _ in 0..min {
            let Some(letter) = self.letter_before(from) else { return Ok(None) };
            from -= letter.len_utf8();
        }
        if left > 0 {
            self.push(Other::Further { step: at + 1, place: from, left })?;
        }
        Ok(Some((at + 1, from)))
    }

    /// What a group has matched, once more.
    fn again(&self, group: usize, ignore_case: bool, place: usize) -> SqlResult<Option<usize>> {
        let (from, to) = (self.registers[2 * group], self.registers[2 * group + 1]);
        // A group that has matched nothing matches nothing again.
        if from == NOWHERE || to == NOWHERE || from > to {
            return Ok(None);
        }
        let matched = &self.text[from..to];
        if !ignore_case {
            let again = self.text[place..].starts_with(matched);
            return Ok(again.then(|| place + matched.len()));
        }
        let mut rest = self.text[place..].char_indices();
        for (count, letter) in matched.chars().enumerate() {
            if (count as u64 + 1).is_multiple_of(PIECE) {
                self.ctx.check_interrupted()?;
            }
            match rest.next() {
                Some((_, other)) if other.to_lowercase().eq(letter.to_lowercase()) => {}
                _ => return Ok(None),
            }
        }
        Ok(Some(rest.next().map_or(self.text.len(), |(at, _)| place + at)))
    }

    fn holds(&self, assertion: Assertion, place: usize) -> bool {
        let (before, after) = (self.letter_before(place), self.letter_at(place));
        match assertion {
            Assertion::TextStart => place == 0,
            Assertion::TextEnd => place == self.text.len(),
            Assertion::TextEndLine => {
                let rest = &self.text[place..];
                rest.is_empty()
                    || rest == "\r\n"
                    || after.is_some_and(|letter| {
                        is_line_end(letter)
                            && rest.len() == letter.len_utf8()
                            && !(letter == '\n' && before == Some('\r'))
                    })
            }
            Assertion::LineStart => before.is_none_or(|letter| {
                is_line_end(letter) && !(letter == '\r' && after == Some('\n')) && after.is_some()
            }),
            Assertion::LineEnd => after.is_none_or(|letter| {
                is_line_end(letter) && !(letter == '\n' && before == Some('\r'))
            }),
            Assertion::WordEdge => before.is_some_and(is_word) != after.is_some_and(is_word),
            Assertion::NoWordEdge => before.is_some_and(is_word) == after.is_some_and(is_word),
        }
    }

    fn set(&mut self, register: usize, value: usize) -> SqlResult<()> {
        let before = std::mem::replace(&mut self.registers[register], value);
        self.push(Other::Register { register, value: before })
    }

    fn push(&mut self, other: Other) -> SqlResult<()> {
        if self.stack.len() >= STACK_BYTES / size_of::<Other>() {
            return Err(SqlError::new(
                errno::REGEXP_STACK_OVERFLOW,
                "Overflow in the regular expression backtrack stack.",
            ));
        }
        self.stack.push(other);
        Ok(())
    }

    /// Goes back to the last place that has another way.
    fn back(&mut self) -> SqlResult<Option<(usize, usize)>> {
        self.tries += 1;
        if self.tries > MOST_TRIES {
            return Err(timeout());
        }
        while let Some(other) = self.stack.pop() {
            match other {
                Other::Way { step, place } => return Ok(Some((step, place))),
                Other::Register { register, value } => self.registers[register] = value,
                Other::Shorter { step, least, place } => {
                    let given_back = self.letter_before(place).map_or(0, char::len_utf8);
                    let place = place - given_back;
                    if place > least {
                        self.stack.push(Other::Shorter { step, least, place });
                    }
                    return Ok(Some((step, place)));
                }
                Other::Further { step, place, left } => {
                    let Some(letter) = self.letter_before(place) else { continue };
                    let place = place - letter.len_utf8();
                    if left > 1 {
                        self.stack.push(Other::Further { step, place, left: left - 1 });
                    }
                    return Ok(Some((step, place)));
                }
            }
        }
        Ok(None)
    }

    /// Forgets the ways since a mark; what restores registers stays, for those who go back further.
    fn cut(&mut self, mark: usize) {
        let mut kept = mark;
        for at in mark..self.stack.len() {
            if matches!(self.stack[at], Other::Register { .. }) {
                self.stack.swap(kept, at);
                kept += 1;
            }
        }
        self.stack.truncate(kept);
    }

    /// Goes back to a mark.
    fn unwind(&mut self, mark: usize) {
        while self.stack.len() > mark {
            if let Some(Other::Register { register, value }) = self.stack.pop() {
                self.registers[register] = value;
            }
        }
    }
}
