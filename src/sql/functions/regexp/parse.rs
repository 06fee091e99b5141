//! ICU's syntax.

mod set;

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

use super::regex::{Flags, too_big};
use super::tree::{Assertion, Look, Node, Parsed, Repeat};
use crate::common::{SqlError, SqlResult, errno};

/// How deep groups may nest.
const DEEPEST: usize = 200;
/// The longest text that a look-behind looks at.
const LOOK_BEHIND: u32 = 10_000;

/// Reads a pattern.
pub(super) fn parse(pattern: &str, flags: Flags) -> SqlResult<Parsed> {
    let letters: Vec<char> = pattern.chars().collect();
    let names = group_names(pattern);
    let mut parser = Parser {
        letters,
        at: 0,
        flags,
        groups: 0,
        deep: 0,
        names,
        greatest_back: 0,
        tries: false,
        dollar: false,
    };
    let node = parser.either()?;
    if parser.at < parser.letters.len() {
        // Only a parenthesis ends it sooner.
        return Err(mismatched());
    }
    if parser.greatest_back > parser.groups {
        return Err(no_such_group());
    }
    Ok(Parsed { node, groups: parser.groups, tries: parser.tries, dollar: parser.dollar })
}

/// The names of the groups, in order, with `None` for those without.
fn group_names(pattern: &str) -> Vec<Option<String>> {
    let letters: Vec<char> = pattern.chars().collect();
    let (mut names, mut at, mut in_set) = (Vec::new(), 0, 0_usize);
    while at < letters.len() {
        match letters[at] {
            '\\' => at += 1,
            '[' => in_set += 1,
            ']' => in_set = in_set.saturating_sub(1),
            '(' if in_set == 0 => {
                let named = letters.get(at + 1) == Some(&'?')
                    && letters.get(at + 2) == Some(&'<')
                    && !matches!(letters.get(at + 3), Some('=' | '!'));
                if named {
                    let name = letters[at + 3..].iter().take_while(|letter| **letter != '>');
                    names.push(Some(name.collect()));
                } else if letters.get(at + 1) != Some(&'?') {
                    names.push(None);
                }
            }
            _ => {}
        }
        at += 1;
    }
    names
}

fn error(code: u16, message: impl Into<String>) -> SqlError {
    SqlError::new(code, message)
}

fn mismatched() -> SqlError {
    error(errno::REGEXP_MISMATCHED_PAREN, "Mismatched parenthesis in regular expression.")
}

fn no_such_group() -> SqlError {
    error(errno::REGEXP_INVALID_BACK_REF, "Invalid back-reference in regular expression.")
}

fn bad_escape() -> SqlError {
    error(errno::REGEXP_BAD_ESCAPE_SEQUENCE, "Unrecognized escape sequence in regular expression.")
}

fn bad_interval() -> SqlError {
    error(errno::REGEXP_BAD_INTERVAL, "Incorrect description of a {min,max} interval.")
}

fn not_implemented() -> SqlError {
    error(
        errno::REGEXP_UNIMPLEMENTED,
        "The regular expression contains a feature that is not implemented in this library version.",
    )
}

fn open_set() -> SqlError {
    error(
        errno::REGEXP_MISSING_CLOSE_BRACKET,
        "The regular expression contains an unclosed bracket expression.",
    )
}

struct Parser {
    letters: Vec<char>,
    at: usize,
    flags: Flags,
    groups: u32,
    deep: usize,
    names: Vec<Option<String>>,
    greatest_back: u32,
    tries: bool,
    dollar: bool,
}

impl Parser {
    fn peek(&self) -> Option<char> {
        self.letters.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let letter = self.peek();
        self.at += usize::from(letter.is_some());
        letter
    }

    fn take(&mut self, wanted: char) -> bool {
        let taken = self.peek() == Some(wanted);
        self.at += usize::from(taken);
        taken
    }

    /// Error 3688.
    fn syntax(&self) -> SqlError {
        let before = &self.letters[..self.at.min(self.letters.len())];
        let line = 1 + before.iter().filter(|letter| **letter == '\n').count();
        let column = before.iter().rev().take_while(|letter| **letter != '\n').count();
        error(
            errno::REGEXP_RULE_SYNTAX,
            format!("Syntax error in regular expression on line {line}, character {column}."),
        )
    }

    /// Alternatives, up to the end or a closing parenthesis.
    fn either(&mut self) -> SqlResult<Node> {
        let mut branches = vec![self.concat()?];
        while self.take('|') {
            branches.push(self.concat()?);
        }
        Ok(match branches.len() {
            1 => branches.pop().expect("it has one"),
            _ => Node::Either(branches),
        })
    }

    fn concat(&mut self) -> SqlResult<Node> {
        let mut parts = Vec::new();
        while let Some(letter) = self.peek() {
            match letter {
                '|' | ')' => break,
                letter if self.flags.extended && letter.is_whitespace() => self.at += 1,
                '#' if self.flags.extended => {
                    while self.next().is_some_and(|letter| letter != '\n') {}
                }
                _ => {
                    if let Some(atom) = self.atom()? {
                        parts.push(self.quantified(atom)?);
                    }
                }
            }
        }
        Ok(match parts.len() {
            1 => parts.pop().expect("it has one"),
            _ => Node::Concat(parts),
        })
    }

    /// One thing that may be repeated; `None` for what only changes how the rest is read.
    fn atom(&mut self) -> SqlResult<Option<Node>> {
        let Some(letter) = self.next() else { return Ok(None) };
        Ok(Some(match letter {
            '(' => return self.group(),
            '[' => Node::Class(self.set()?),
            '.' => Node::Class(self.dot()),
            '^' if self.flags.multi_line => Node::Assert(Assertion::LineStart),
            '^' => Node::Assert(Assertion::TextStart),
            '$' if self.flags.multi_line => Node::Assert(Assertion::LineEnd),
            '$' => self.text_end(),
            '\\' => return self.escape(),
            '*' | '+' | '?' | '{' => return Err(self.syntax()),
            letter => self.letter(letter),
        }))
    }

    fn text_end(&mut self) -> Node {
        self.dollar = true;
        Node::Assert(Assertion::TextEndLine)
    }

    fn letter(&self, letter: char) -> Node {
        let mut class = ClassUnicode::new([ClassUnicodeRange::new(letter, letter)]);
        if self.flags.ignore_case {
            class.case_fold_simple();
        }
        Node::Class(class)
    }

    fn dot(&self) -> ClassUnicode {
        let ends: &[(char, char)] = match self.flags {
            Flags { dot_all: true, .. } => &[],
            Flags { unix_lines: true, .. } => &[('\n', '\n')],
            _ => &[('\n', '\r'), ('\u{85}', '\u{85}'), ('\u{2028}', '\u{2029}')],
        };
        let mut class =
            ClassUnicode::new(ends.iter().map(|(from, to)| ClassUnicodeRange::new(*from, *to)));
        class.negate();
        class
    }

    /// `*`, `+`, `?`, `{…}` after an atom, each greedy, lazy (`?`) or possessive (`+`).
    fn quantified(&mut self, atom: Node) -> SqlResult<Node> {
        let simple = match self.peek() {
            Some('*') => Some((0, None)),
            Some('+') => Some((1, None)),
            Some('?') => Some((0, Some(1))),
            Some('{') => None,
            _ => return Ok(atom),
        };
        self.at += 1;
        let (min, max) = match simple {
            Some(times) => times,
            None => self.interval()?,
        };
        let possessive = self.take('+');
        let greedy = possessive || !self.take('?');
        let repeat = Node::Repeat(Box::new(Repeat { node: atom, min, max, greedy }));
        if possessive {
            self.tries = true;
            return Ok(Node::Atomic(Box::new(repeat)));
        }
        Ok(repeat)
    }

    fn interval(&mut self) -> SqlResult<(u32, Option<u32>)> {
        let min = self.number()?.ok_or_else(bad_interval)?;
        let max = match self.take(',') {
            true => self.number()?,
            false => Some(min),
        };
        if !self.take('}') {
            return Err(bad_interval());
        }
        if max.is_some_and(|max| max < min) {
            return Err(error(
                errno::REGEXP_MAX_LT_MIN,
                "The maximum is less than the minimum in a {min,max} interval.",
            ));
        }
        Ok((min, max))
    }

    fn number(&mut self) -> SqlResult<Option<u32>> {
        let mut number: Option<u32> = None;
        while let Some(digit) = self.peek().and_then(|letter| letter.to_digit(10)) {
            self.at += 1;
            let so_far = number.unwrap_or(0);
            let more = so_far.checked_mul(10).and_then(|tens| tens.checked_add(digit));
            number = Some(more.ok_or_else(too_big)?);
        }
        Ok(number)
    }

    /// What follows an opening parenthesis.
    fn group(&mut self) -> SqlResult<Option<Node>> {
        if !self.take('?') {
            self.groups += 1;
            let number = self.groups;
            return Ok(Some(Node::Group(number, Box::new(self.inner()?))));
        }
        let kind = self.next().ok_or_else(mismatched)?;
        Ok(Some(match kind {
            ':' => self.inner()?,
            '>' => {
                self.tries = true;
                Node::Atomic(Box::new(self.inner()?))
            }
            '=' | '!' => self.look(false, kind == '!')?,
            '<' => match self.peek() {
                Some(sign @ ('=' | '!')) => {
                    self.at += 1;
                    self.look(true, sign == '!')?
                }
                _ => {
                    self.name()?;
                    self.groups += 1;
                    let number = self.groups;
                    Node::Group(number, Box::new(self.inner()?))
                }
            },
            '#' => {
                while self.peek().is_some_and(|letter| letter != ')') {
                    self.at += 1;
                }
                return if self.take(')') { Ok(None) } else { Err(mismatched()) };
            }
            _ => {
                self.at -= 1;
                return self.inline_flags();
            }
        }))
    }

    /// Up to and with the closing parenthesis; flags set inside end with it.
    fn inner(&mut self) -> SqlResult<Node> {
        let flags = self.flags;
        self.deep += 1;
        if self.deep > DEEPEST {
            return Err(too_big());
        }
        let node = self.either()?;
        self.deep -= 1;
        self.flags = flags;
        if self.take(')') { Ok(node) } else { Err(mismatched()) }
    }

    fn look(&mut self, behind: bool, negated: bool) -> SqlResult<Node> {
        self.tries = true;
        let node = self.inner()?;
        let behind = if behind {
            match node.length() {
                (least, Some(most)) if most <= LOOK_BEHIND => Some((least, most)),
                _ => {
                    return Err(error(
                        errno::REGEXP_LOOK_BEHIND_LIMIT,
                        "The look-behind assertion exceeds the limit in regular expression.",
                    ));
                }
            }
        } else {
            None
        };
        Ok(Node::Look(Box::new(Look { node, behind, negated })))
    }

    fn name(&mut self) -> SqlResult<String> {
        let mut name = String::new();
        loop {
            match self.next() {
                Some('>') if !name.is_empty() => return Ok(name),
                Some(letter)
                    if letter.is_ascii_alphabetic()
                        || (letter.is_ascii_digit() && !name.is_empty()) =>
                {
                    name.push(letter);
                }
                _ => {
                    return Err(error(
                        errno::REGEXP_INVALID_CAPTURE_GROUP_NAME,
                        "A capture group has an invalid name.",
                    ));
                }
            }
        }
    }

    /// (?imsx-imsx) and (?imsx-imsx:…).
    fn inline_flags(&mut self) -> SqlResult<Option<Node>> {
        let before = self.flags;
        let mut on = true;
        loop {
            match self.next() {
                Some('-') if on => on = false,
                Some('i') => self.flags.ignore_case = on,
                Some('m') => self.flags.multi_line = on,
                Some('s') => self.flags.dot_all = on,
                Some('x') => self.flags.extended = on,
                Some('w') => return Err(not_implemented()),
                Some(')') => return Ok(None),
                Some(':') => {
                    let within = self.flags;
                    self.flags = before;
                    let outer = std::mem::replace(&mut self.flags, within);
                    let node = self.inner()?;
                    self.flags = outer;
                    return Ok(Some(node));
                }
                _ => {
                    return Err(error(
                        errno::REGEXP_INVALID_FLAG,
                        "Invalid match mode flag in regular expression.",
                    ));
                }
            }
        }
    }

    /// What follows a backslash.
    fn escape(&mut self) -> SqlResult<Option<Node>> {
        let Some(letter) = self.next() else { return Err(bad_escape()) };
        let assertion = |which| Ok(Some(Node::Assert(which)));
        match letter {
            'A' | 'G' => assertion(Assertion::TextStart),
            'z' => assertion(Assertion::TextEnd),
            'Z' => Ok(Some(self.text_end())),
            'b' => assertion(Assertion::WordEdge),
            'B' => assertion(Assertion::NoWordEdge),
            'E' => Ok(None),
            'Q' => Ok(Some(self.quoted())),
            'R' => {
                let ends = self.class_of("[\\n\\x0B\\f\\r\\x85\\u2028\\u2029]")?;
                let pair = Node::Concat(vec![self.letter('\r'), self.letter('\n')]);
                self.tries = true;
                let either = Node::Either(vec![pair, Node::Class(ends)]);
                Ok(Some(Node::Atomic(Box::new(either))))
            }
            'h' | 'H' | 'v' | 'V' => {
                let negated = if letter.is_uppercase() { "^" } else { "" };
                let members = match letter {
                    'h' | 'H' => "\\t\\p{Zs}",
                    _ => "\\n\\x0B\\f\\r\\x85\\u2028\\u2029",
                };
                Ok(Some(Node::Class(self.class_of(&format!("[{negated}{members}]"))?)))
            }
            'd' | 'D' | 'w' | 'W' | 's' | 'S' => {
                Ok(Some(Node::Class(self.class_of(&format!("\\{letter}"))?)))
            }
            'p' | 'P' => {
                let text = self.property(letter)?;
                Ok(Some(Node::Class(self.class_of(&text)?)))
            }
            'k' => {
                if !self.take('<') {
                    return Err(no_such_group());
                }
                let name = self.name()?;
                let named = |known: &Option<String>| known.as_deref() == Some(&name);
                let position = self.names.iter().position(named).ok_or_else(no_such_group)?;
                Ok(Some(self.back(u32::try_from(position + 1).unwrap_or(u32::MAX))))
            }
            '1'..='9' => {
                let mut number = letter.to_digit(10).unwrap_or(0);
                // As many digits as still name a group.
                let all = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
                while let Some(digit) = self.peek().and_then(|letter| letter.to_digit(10)) {
                    let more = number.saturating_mul(10).saturating_add(digit);
                    if more > all {
                        break;
                    }
                    number = more;
                    self.at += 1;
                }
                Ok(Some(self.back(number)))
            }
            'X' | 'N' => Err(not_implemented()),
            _ => {
                self.at -= 1;
                let letter = self.escaped_letter()?;
                Ok(Some(self.letter(letter)))
            }
        }
    }

    fn back(&mut self, group: u32) -> Node {
        self.tries = true;
        self.greatest_back = self.greatest_back.max(group);
        Node::Back(group, self.flags.ignore_case)
    }

    /// \Q…\E.
    fn quoted(&mut self) -> Node {
        let mut parts = Vec::new();
        while let Some(letter) = self.next() {
            if letter == '\\' && self.take('E') {
                break;
            }
            parts.push(self.letter(letter));
        }
        Node::Concat(parts)
    }

    /// An escape that stands for one letter.
    fn escaped_letter(&mut self) -> SqlResult<char> {
        let letter = self.next().ok_or_else(bad_escape)?;
        let code = match letter {
            'a' => 7,
            'e' => 0x1B,
            'f' => 0x0C,
            'n' => 0x0A,
            'r' => 0x0D,
            't' => 0x09,
            'c' => self.next().map(|control| u32::from(control) & 0x1F).ok_or_else(bad_escape)?,
            '0' => self.digits(8, 1, 3)?,
            'u' => self.digits(16, 4, 4)?,
            'U' => self.digits(16, 8, 8)?,
            'x' if self.take('{') => {
                let code = self.digits(16, 1, 6)?;
                if !self.take('}') {
                    return Err(bad_escape());
                }
                code
            }
            'x' => self.digits(16, 1, 2)?,
            letter if letter.is_ascii_alphanumeric() => return Err(bad_escape()),
            letter => u32::from(letter),
        };
        char::from_u32(code).ok_or_else(bad_escape)
    }

    fn digits(&mut self, base: u32, least: usize, most: usize) -> SqlResult<u32> {
        let (mut code, mut count) = (0_u32, 0);
        while count < most
            && let Some(digit) = self.peek().and_then(|letter| letter.to_digit(base))
        {
            code = code.saturating_mul(base).saturating_add(digit);
            self.at += 1;
            count += 1;
        }
        if count < least { Err(bad_escape()) } else { Ok(code) }
    }

    /// \p{…} and \pL, as regex-syntax reads it.
    fn property(&mut self, letter: char) -> SqlResult<String> {
        let mut text = format!("\\{letter}");
        match self.next() {
            Some('{') => {
                text.push('{');
                loop {
                    let letter = self.next().ok_or_else(|| self.syntax())?;
                    text.push(letter);
                    if letter == '}' {
                        return Ok(text);
                    }
                }
            }
            Some(short) => text.push(short),
            None => return Err(self.syntax()),
        }
        Ok(text)
    }
}
