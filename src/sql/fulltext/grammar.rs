//! The language of searches, as InnoDB's grammar has it: at most one operator before a word, a phrase or a group.

use crate::common::{SqlError, SqlResult, errno};

/// What an operator asks of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// None: it makes a row worth more, and one is enough.
    May,
    /// `+`.
    Must,
    /// `-`.
    Not,
    /// `>`: it is worth more.
    More,
    /// `<`: it is worth less.
    Less,
    /// `~`: it takes from what a row is worth that something else finds.
    Against,
}

/// A part with its operator.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Item {
    pub(super) sign: Sign,
    pub(super) part: Part,
}

/// What may stand behind an operator.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Part {
    /// A text without spaces; with `*`, what words begin with.
    Word { text: String, prefix: bool },
    /// `"…"`; with `@n`, its words within so many.
    Phrase { text: String, within: Option<usize> },
    /// `(…)`.
    Group(Vec<Item>),
}

/// How deep groups may stand in each other.
const DEPTH_LIMIT: usize = 64;

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Sign(char),
    Word(String),
    Text(String),
}

fn cut(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let after = &rest[first.len_utf8()..];
        rest = match first {
            '+' | '-' | '<' | '>' | '~' | '(' | ')' | '*' | '@' => {
                tokens.push(Token::Sign(first));
                after
            }
            '"' => match after.split_once('"') {
                Some((inside, behind)) => {
                    tokens.push(Token::Text(inside.to_owned()));
                    behind
                }
                // It is never closed.
                None => after,
            },
            first if first.is_whitespace() => after,
            _ => {
                let is_end = |c: char| c.is_whitespace() || "+-<>~()*@\"".contains(c);
                let end = rest.find(is_end).unwrap_or(rest.len());
                tokens.push(Token::Word(rest[..end].to_owned()));
                &rest[end..]
            }
        };
    }
    tokens
}

/// Reads a search IN BOOLEAN MODE.
pub(super) fn parse(text: &str) -> SqlResult<Vec<Item>> {
    let mut reader = Reader { tokens: cut(text), at: 0 };
    let items = reader.list(0)?;
    match reader.peek() {
        None => Ok(items),
        Some(_) => Err(reader.unexpected(", expecting $end")),
    }
}

/// The words and the phrases of a search in natural language.
pub(super) fn plain(text: &str) -> Vec<Item> {
    let mut items = Vec::new();
    for (position, piece) in text.split('"').enumerate() {
        let text = piece.to_owned();
        let part = match position % 2 {
            0 => Part::Word { text, prefix: false },
            _ => Part::Phrase { text, within: None },
        };
        items.push(Item { sign: Sign::May, part });
    }
    items
}

struct Reader {
    tokens: Vec<Token>,
    at: usize,
}

impl Reader {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn sign(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(&Token::Sign(wanted));
        self.at += usize::from(found);
        found
    }

    fn unexpected(&self, expected: &str) -> SqlError {
        let found = match self.peek() {
            Some(Token::Sign(sign)) => format!("'{sign}'"),
            Some(Token::Word(word)) if is_number(word) => "FTS_NUMB".to_owned(),
            Some(Token::Word(_)) => "FTS_TERM".to_owned(),
            Some(Token::Text(_)) => "FTS_TEXT".to_owned(),
            None => "$end".to_owned(),
        };
        SqlError::new(errno::PARSE, format!("syntax error, unexpected {found}{expected}"))
    }

    fn list(&mut self, depth: usize) -> SqlResult<Vec<Item>> {
        if depth > DEPTH_LIMIT {
            return Err(SqlError::new(errno::PARSE, "syntax error, memory exhausted"));
        }
        let mut items = Vec::new();
        loop {
            let sign = match self.peek() {
                Some(Token::Sign('+')) => Sign::Must,
                Some(Token::Sign('-')) => Sign::Not,
                Some(Token::Sign('>')) => Sign::More,
                Some(Token::Sign('<')) => Sign::Less,
                Some(Token::Sign('~')) => Sign::Against,
                Some(Token::Sign('(' | '*') | Token::Word(_) | Token::Text(_)) => Sign::May,
                Some(Token::Sign(_)) | None => return Ok(items),
            };
            self.at += usize::from(sign != Sign::May);
            let part = self.part(depth)?;
            items.push(Item { sign, part });
        }
    }

    fn part(&mut self, depth: usize) -> SqlResult<Part> {
        if self.sign('(') {
            let items = self.list(depth + 1)?;
            return if self.sign(')') { Ok(Part::Group(items)) } else { Err(self.unexpected("")) };
        }
        self.sign('*');
        match self.peek().cloned() {
            Some(Token::Word(text)) => {
                self.at += 1;
                let prefix = self.sign('*');
                Ok(Part::Word { text, prefix })
            }
            Some(Token::Text(text)) => {
                self.at += 1;
                let within = if self.sign('@') { Some(self.number()?) } else { None };
                Ok(Part::Phrase { text, within })
            }
            _ => Err(self.unexpected("")),
        }
    }

    fn number(&mut self) -> SqlResult<usize> {
        match self.peek() {
            Some(Token::Word(word)) if is_number(word) => {
                let number = word.parse().unwrap_or(usize::MAX);
                self.at += 1;
                Ok(number)
            }
            _ => Err(self.unexpected(", expecting FTS_NUMB")),
        }
    }
}

fn is_number(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_digit())
}
