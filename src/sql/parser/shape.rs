//! How deep and how large a statement is, told from its tokens before anything recurses over it.
//!
//! The parser, the binder, the optimizer, the evaluator and the destructors of what they make recurse over a statement's tree. How deep
//! that will be is bounded here, from above, in one pass over the tokens: brackets (parentheses, CASE … END) nest; within one,
//! operators in a row make a tree as deep as there are operators, joins and UNIONs a chain, and a CTE may stand on all those before it. ANDs and
//! ORs do not count, as the parser makes flat trees of them.

use sqlparser::tokenizer::{Token, Word};

use super::pieces::parenthesis_tokens;
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::expr::Function;

/// How deep a statement's tree may be; the stacks of the threads that compute are made for it.
pub const DEEPEST: usize = 2_000;
/// How deep the tree of a statement may be that is worked on just anywhere.
const LIGHT_DEPTH: usize = 40;
/// How many tokens such a statement has at most.
const LIGHT_TOKENS: usize = 1_000;
/// How many SELECTs.
const LIGHT_QUERIES: usize = 3;
/// How many tables one join has at most, as in MySQL.
const MOST_TABLES: usize = 61;

/// What a token comes to, with its part of the trees that are made of it. Measured: about 150 for lists of numbers.
pub(super) const TOKEN_BYTES: usize = 160;

/// The measures of a statement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// How many tokens it has.
    pub tokens: usize,
    /// Its tree is no deeper.
    pub depth: usize,
    /// How often it says SELECT.
    pub queries: usize,
    /// Whether it calls a function, or an operator, that may take long whatever the statement's size.
    pub calls: bool,
    /// What its parentheses come to, in tokens.
    parentheses: usize,
    /// Whether a join has more tables than there may be.
    too_many_tables: bool,
}

impl Shape {
    /// Measures a statement. `concat`: `||` is no OR.
    pub(super) fn of<'a>(tokens: impl Iterator<Item = &'a Token>, concat: bool) -> Shape {
        let mut measure = Measure {
            shape: Shape::default(),
            open: vec![Bracket::default()],
            concat,
            last: None,
            rows: false,
        };
        for token in tokens {
            measure.token(token);
            if measure.open.len() > DEEPEST {
                return Shape { depth: usize::MAX, ..measure.shape };
            }
        }
        measure.finish()
    }

    /// With another part of the same text.
    pub(super) fn add(&mut self, other: &Shape) {
        self.tokens += other.tokens;
        self.depth = self.depth.max(other.depth);
        self.queries += other.queries;
        self.calls |= other.calls;
        self.parentheses += other.parentheses;
        self.too_many_tables |= other.too_many_tables;
    }

    /// About how much memory its tree takes, and what is made of it.
    pub fn bytes(&self) -> usize {
        (self.tokens + self.parentheses).saturating_mul(TOKEN_BYTES)
    }

    /// Whether nothing about it takes long or a large stack before it runs.
    pub fn is_light(&self) -> bool {
        !self.calls
            && self.depth <= LIGHT_DEPTH
            && self.tokens <= LIGHT_TOKENS
            && self.queries <= LIGHT_QUERIES
    }

    /// Error 1436 for a statement that is too deep, 1116 for one that joins too many tables.
    pub(super) fn check(&self) -> SqlResult<()> {
        if self.too_many_tables {
            return Err(SqlError::new(
                errno::TOO_MANY_TABLES,
                format!("Too many tables; MySQL can only use {MOST_TABLES} tables in a join"),
            ));
        }
        if self.depth > DEEPEST { Err(too_deep(DEEPEST)) } else { Ok(()) }
    }
}

/// Error 1436.
pub(super) fn too_deep(limit: usize) -> SqlError {
    SqlError::new(
        errno::STACK_OVERRUN,
        format!("Thread stack overrun: the statement nests deeper than {limit} levels"),
    )
}

/// What is open: the statement, a parenthesis, a CASE.
#[derive(Default)]
struct Bracket {
    is_case: bool,
    /// Operators since the last comma, AND, OR or clause.
    row: usize,
    /// The deepest bracket since then.
    inner: usize,
    /// The deepest of all that.
    deepest: usize,
    /// Operators that ANDs and ORs do not divide.
    low: usize,
    ands: usize,
    /// BETWEENs whose AND is to come.
    betweens: usize,
    joins: usize,
    /// UNIONs and the like.
    sets: usize,
    /// What the CTEs come to, each on top of all before it.
    ctes: usize,
    in_with: bool,
    in_from: bool,
}

impl Bracket {
    fn divide(&mut self) {
        self.deepest = self.deepest.max(self.row + self.inner);
        (self.row, self.inner, self.betweens) = (0, 0, 0);
    }

    fn depth(mut self) -> usize {
        self.divide();
        // A balanced tree for each of three levels of operators.
        let balanced = 3 * (usize::BITS - self.ands.leading_zeros()) as usize;
        1 + balanced + self.deepest + self.low + self.joins + self.sets + self.ctes
    }
}

struct Measure<'a> {
    shape: Shape,
    /// The innermost last; never empty.
    open: Vec<Bracket>,
    concat: bool,
    /// The word before the token at hand, if it is one.
    last: Option<&'a Word>,
    /// It is an INSERT or REPLACE.
    rows: bool,
}

impl<'a> Measure<'a> {
    fn token(&mut self, token: &'a Token) {
        self.shape.tokens += 1;
        let last = self.last.take();
        let concat = self.concat;
        let here = self.innermost();
        match token {
            Token::Word(word) => {
                if word.quote_style.is_none() {
                    self.word(&word.value);
                }
                self.last = Some(word);
            }
            Token::LParen => {
                self.shape.calls |= last.is_some_and(is_long_call);
                self.shape.parentheses += parenthesis_tokens(last.is_some(), self.rows);
                self.open.push(Bracket::default());
            }
            Token::RParen => while self.close() && self.open.len() > 1 {},
            Token::Comma => {
                here.joins += usize::from(here.in_from);
                here.divide();
            }
            Token::Overlap => here.and(),
            Token::StringConcat if !concat => here.and(),
            Token::Assignment => here.low += 1,
            Token::Number(..)
            | Token::SingleQuotedString(_)
            | Token::DoubleQuotedString(_)
            | Token::Placeholder(_)
            | Token::Period
            | Token::SemiColon
            | Token::AtSign
            | Token::AtAt => {}
            _ => here.row += 1,
        }
    }

    fn innermost(&mut self) -> &mut Bracket {
        self.open.last_mut().expect("the statement itself is never closed")
    }

    /// Closes the innermost bracket; whether it was a CASE.
    fn close(&mut self) -> bool {
        if self.open.len() == 1 {
            return false;
        }
        let Some(closed) = self.open.pop() else { return false };
        let is_case = closed.is_case;
        self.shape.too_many_tables |= closed.joins >= MOST_TABLES;
        let depth = closed.depth();
        let outer = self.innermost();
        if outer.in_with {
            outer.ctes += depth;
        } else {
            outer.inner = outer.inner.max(depth);
        }
        is_case
    }

    fn word(&mut self, word: &str) {
        let is_first = self.shape.tokens == 1;
        self.rows |= is_first && ["INSERT", "REPLACE"].iter().any(|w| word.eq_ignore_ascii_case(w));
        let here = self.open.last_mut().expect("the statement itself is never closed");
        match kind_of(word) {
            WordKind::Name => {}
            WordKind::And => here.and(),
            WordKind::Between => {
                here.row += 1;
                here.betweens += 1;
            }
            WordKind::Operator => here.row += 1,
            WordKind::Matching => {
                here.row += 1;
                self.shape.calls = true;
            }
            WordKind::Low => here.low += 1,
            WordKind::Join => {
                here.joins += 1;
                here.divide();
            }
            WordKind::Set => {
                here.sets += 1;
                here.in_from = false;
                here.divide();
            }
            WordKind::With => here.in_with = true,
            WordKind::Select => {
                self.shape.queries += 1;
                (here.in_with, here.in_from) = (false, false);
                here.divide();
            }
            WordKind::From => {
                here.in_from = true;
                here.divide();
            }
            WordKind::Clause => {
                here.in_from = is_first && word.eq_ignore_ascii_case("UPDATE");
                here.divide();
            }
            WordKind::Divides => here.divide(),
            WordKind::Case => self.open.push(Bracket { is_case: true, ..Bracket::default() }),
            WordKind::End => {
                if here.is_case {
                    self.close();
                }
            }
        }
    }

    fn finish(mut self) -> Shape {
        while self.open.len() > 1 {
            self.close();
        }
        let Measure { mut shape, mut open, .. } = self;
        let whole = open.pop().unwrap_or_default();
        shape.too_many_tables |= whole.joins >= MOST_TABLES;
        shape.depth = whole.depth();
        shape
    }
}

impl Bracket {
    fn and(&mut self) {
        if self.betweens > 0 {
            self.betweens -= 1;
            return;
        }
        self.ands += 1;
        self.divide();
    }
}

/// What a word is to a measure.
enum WordKind {
    Name,
    And,
    Between,
    Operator,
    /// LIKE and its kin, which may take long.
    Matching,
    Low,
    Join,
    Set,
    With,
    Select,
    From,
    /// Ends FROM.
    Clause,
    Divides,
    Case,
    End,
}

fn kind_of(word: &str) -> WordKind {
    // Longer than any of them.
    if word.len() > 9 {
        return WordKind::Name;
    }
    let mut upper = [0; 9];
    let upper = &mut upper[..word.len()];
    upper.copy_from_slice(word.as_bytes());
    upper.make_ascii_uppercase();
    match &*upper {
        b"AND" | b"OR" => WordKind::And,
        b"BETWEEN" => WordKind::Between,
        b"NOT" | b"IS" | b"IN" | b"DIV" | b"MOD" | b"COLLATE" | b"BINARY" | b"EXISTS"
        | b"INTERVAL" | b"ANY" | b"ALL" | b"SOME" => WordKind::Operator,
        b"LIKE" | b"REGEXP" | b"RLIKE" => WordKind::Matching,
        b"XOR" => WordKind::Low,
        b"JOIN" => WordKind::Join,
        b"UNION" | b"EXCEPT" | b"INTERSECT" => WordKind::Set,
        b"WITH" => WordKind::With,
        b"SELECT" => WordKind::Select,
        b"FROM" => WordKind::From,
        b"WHERE" | b"GROUP" | b"HAVING" | b"ORDER" | b"LIMIT" | b"SET" | b"VALUES" | b"FOR"
        | b"UPDATE" | b"DUPLICATE" | b"DELETE" => WordKind::Clause,
        b"ON" | b"USING" | b"WHEN" | b"THEN" | b"ELSE" | b"BY" => WordKind::Divides,
        b"CASE" => WordKind::Case,
        b"END" => WordKind::End,
        _ => WordKind::Name,
    }
}

/// Whether a word before a parenthesis names a function that may take long.
fn is_long_call(word: &Word) -> bool {
    word.quote_style.is_none()
        && Function::named(&word.value).is_some_and(|function| !function.is_light())
}
