//! MySQL's dialect as sqlparser is to read it: its tokens, its operators and how tightly they bind.

use std::any::TypeId;
use std::cell::{Cell, RefCell};

use sqlparser::ast::{BinaryOperator, Expr};
use sqlparser::dialect::{MySqlDialect, Precedence};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, Word};

use super::keywords::is_reserved;
use super::program::Names;
use super::shape::TOKEN_BYTES;
use super::{Watch, infix, prefix, tokens};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::types::SqlMode;

/// sqlparser's MySQL dialect, with what depends on `sql_mode`.
#[derive(Debug)]
pub(super) struct Dialect {
    /// NO_BACKSLASH_ESCAPES is off.
    pub(super) escapes: bool,
    /// ANSI_QUOTES: double quotes are about names.
    pub(super) ansi_quotes: bool,
    /// PIPES_AS_CONCAT.
    pub(super) concat: bool,
    /// HIGH_NOT_PRECEDENCE: NOT binds as tightly as !.
    pub(super) high_not: bool,
    /// REAL_AS_FLOAT: REAL is FLOAT.
    pub(super) real_as_float: bool,
    /// The furthest byte that an expression began at or ended before: sqlparser tries one reading after the other, and the
    /// error of the last one is not always the one that came furthest.
    pub(super) furthest: Cell<usize>,
    /// What was refused by name. It ends the parse, whatever other readings there are.
    pub(super) refused: RefCell<Option<String>>,
    /// What is looked at on the way.
    pub(super) watch: Option<Watch>,
    /// How many tokens a long text has at most.
    pub(super) tokens: Cell<usize>,
    /// The variables of the program that is read.
    pub(super) names: RefCell<Option<Names>>,
}

/// How tightly operators bind, loosest first.
pub(super) mod level {
    pub(crate) const OR: u8 = 1;
    pub(crate) const XOR: u8 = 2;
    pub(crate) const AND: u8 = 3;
    pub(crate) const NOT: u8 = 4;
    pub(crate) const COMPARISON: u8 = 5;
    pub(crate) const PREDICATE: u8 = 6;
    pub(crate) const BIT_OR: u8 = 7;
    pub(crate) const BIT_AND: u8 = 8;
    pub(crate) const SHIFT: u8 = 9;
    pub(crate) const ADDITION: u8 = 10;
    pub(crate) const MULTIPLICATION: u8 = 11;
    pub(crate) const BIT_XOR: u8 = 12;
    pub(crate) const COLLATE: u8 = 13;
    pub(crate) const JSON_PATH: u8 = 14;
}

/// The parser never reports an error of the tokenizer, which has run before: this variant carries what is refused, up to the hook that
/// it leaves by.
pub(super) fn unsupported(feature: impl Into<String>) -> ParserError {
    ParserError::TokenizerError(feature.into())
}

impl Dialect {
    pub(super) fn new(sql_mode: SqlMode) -> Dialect {
        Dialect {
            escapes: !sql_mode.contains(SqlMode::NO_BACKSLASH_ESCAPES),
            ansi_quotes: sql_mode.contains(SqlMode::ANSI_QUOTES),
            concat: sql_mode.contains(SqlMode::PIPES_AS_CONCAT),
            high_not: sql_mode.contains(SqlMode::HIGH_NOT_PRECEDENCE),
            real_as_float: sql_mode.contains(SqlMode::REAL_AS_FLOAT),
            furthest: Cell::new(0),
            refused: RefCell::new(None),
            watch: None,
            tokens: Cell::new(0),
            names: RefCell::new(None),
        }
    }

    /// The error of whoever ended the statement.
    pub(super) fn check(&self) -> SqlResult<()> {
        self.watch.as_ref().map_or(Ok(()), |watch| watch.interrupt.check())
    }

    /// Error 3170 if a long text has too many tokens.
    pub(super) fn check_size(&self) -> SqlResult<()> {
        let tokens = self.tokens.get();
        let memory = self.watch.as_ref().map_or(usize::MAX, |watch| watch.memory);
        if tokens.saturating_mul(TOKEN_BYTES) <= memory {
            return Ok(());
        }
        Err(SqlError::new(
            errno::CAPACITY_EXCEEDED,
            format!(
                "Memory capacity of {memory} bytes for 'parser_max_mem_size' exceeded. Parser bailed out for this query."
            ),
        ))
    }

    /// The level of the operator that comes next; 0 if none does.
    fn next_level(&self, parser: &Parser) -> u8 {
        match &parser.peek_token_ref().token {
            Token::Eq | Token::Spaceship | Token::Neq => level::COMPARISON,
            Token::Lt | Token::LtEq | Token::Gt | Token::GtEq => level::COMPARISON,
            Token::Pipe => level::BIT_OR,
            Token::Ampersand => level::BIT_AND,
            Token::ShiftLeft | Token::ShiftRight => level::SHIFT,
            Token::Plus | Token::Minus => level::ADDITION,
            Token::Mul | Token::Div | Token::Mod => level::MULTIPLICATION,
            Token::Caret => level::BIT_XOR,
            Token::Overlap => level::AND,
            Token::StringConcat if self.concat => level::BIT_XOR,
            Token::StringConcat => level::OR,
            Token::Arrow | Token::LongArrow => level::JSON_PATH,
            Token::Word(word) if word.quote_style.is_none() => word_level(parser, word),
            _ => 0,
        }
    }
}

impl sqlparser::dialect::Dialect for Dialect {
    // The tokenizer asks for it where b'…' and # are MySQL's.
    fn dialect(&self) -> TypeId {
        TypeId::of::<MySqlDialect>()
    }

    // Without @, so that a variable's sign is a token and 'user'@'host' are three.
    fn is_identifier_start(&self, c: char) -> bool {
        c.is_ascii_alphabetic() || c == '_' || c == '$' || !c.is_ascii()
    }

    fn is_identifier_part(&self, c: char) -> bool {
        self.is_identifier_start(c) || c.is_ascii_digit()
    }

    fn is_delimited_identifier_start(&self, c: char) -> bool {
        c == '`' || (c == '"' && self.ansi_quotes)
    }

    fn supports_string_literal_backslash_escape(&self) -> bool {
        self.escapes
    }

    fn requires_single_line_comment_whitespace(&self) -> bool {
        true
    }

    fn supports_numeric_prefix(&self) -> bool {
        true
    }

    fn supports_string_literal_concatenation(&self) -> bool {
        true
    }

    fn supports_bitwise_shift_operators(&self) -> bool {
        true
    }

    fn supports_limit_comma(&self) -> bool {
        true
    }

    fn supports_select_modifiers(&self) -> bool {
        true
    }

    fn supports_table_hints(&self) -> bool {
        true
    }

    fn supports_match_against(&self) -> bool {
        true
    }

    fn supports_group_by_with_modifier(&self) -> bool {
        true
    }

    fn supports_cross_join_constraint(&self) -> bool {
        true
    }

    fn supports_left_associative_joins_without_parens(&self) -> bool {
        false
    }

    fn supports_parens_around_table_factor(&self) -> bool {
        true
    }

    fn allow_extract_custom(&self) -> bool {
        true
    }

    fn is_reserved_for_identifier(&self, keyword: Keyword) -> bool {
        reserved(keyword)
    }

    fn is_select_item_alias(&self, explicit: bool, keyword: &Keyword, _: &mut Parser) -> bool {
        explicit || !reserved(*keyword)
    }

    fn is_table_factor_alias(&self, explicit: bool, keyword: &Keyword, _: &mut Parser) -> bool {
        explicit || !reserved(*keyword)
    }

    fn prec_value(&self, precedence: Precedence) -> u8 {
        match precedence {
            Precedence::UnaryNot => level::NOT - 1,
            Precedence::Between | Precedence::Like => level::PREDICATE,
            Precedence::Or => level::OR,
            Precedence::Xor => level::XOR,
            Precedence::And => level::AND,
            Precedence::Is | Precedence::Eq => level::COMPARISON,
            Precedence::Pipe | Precedence::Colon | Precedence::PgOther => level::BIT_OR,
            Precedence::Ampersand => level::BIT_AND,
            Precedence::PlusMinus => level::ADDITION,
            Precedence::MulDivModOp => level::MULTIPLICATION,
            Precedence::Caret => level::BIT_XOR,
            Precedence::AtTz | Precedence::DoubleColon | Precedence::Period => level::JSON_PATH,
        }
    }

    fn get_next_precedence(&self, parser: &Parser) -> Option<Result<u8, ParserError>> {
        self.came_to(parser);
        Some(Ok(self.next_level(parser)))
    }

    fn parse_prefix(&self, parser: &mut Parser) -> Option<Result<Expr, ParserError>> {
        self.came_to(parser);
        if self.check().is_err() {
            return Some(Err(ParserError::RecursionLimitExceeded));
        }
        prefix::parse(parser, self.high_not).map(|parsed| self.ended(parsed))
    }

    fn parse_infix(
        &self,
        parser: &mut Parser,
        left: &Expr,
        precedence: u8,
    ) -> Option<Result<Expr, ParserError>> {
        self.operation(parser, left, precedence).map(|parsed| self.ended(parsed))
    }
}

impl Dialect {
    /// All before the next token has been read as it may be.
    fn came_to(&self, parser: &Parser) {
        let at = tokens::byte_at(parser.peek_token_ref().span.start).unwrap_or(usize::MAX);
        self.furthest.set(self.furthest.get().max(at));
    }

    /// What leaves a hook: a refusal leaves as the one error that sqlparser tries no other reading after.
    fn ended<T>(&self, parsed: Result<T, ParserError>) -> Result<T, ParserError> {
        parsed.map_err(|error| match error {
            ParserError::TokenizerError(feature) => {
                self.refused.borrow_mut().get_or_insert(feature);
                ParserError::RecursionLimitExceeded
            }
            other => other,
        })
    }

    /// The hook of operators between operands; `None` leaves one to sqlparser.
    fn operation(
        &self,
        parser: &mut Parser,
        left: &Expr,
        precedence: u8,
    ) -> Option<Result<Expr, ParserError>> {
        let operator = match &parser.peek_token_ref().token {
            Token::Overlap => BinaryOperator::And,
            Token::StringConcat if !self.concat => BinaryOperator::Or,
            Token::Plus | Token::Minus => return infix::date_arithmetic(parser, left),
            Token::Word(word) => match word.keyword {
                Keyword::AND => BinaryOperator::And,
                Keyword::OR => BinaryOperator::Or,
                Keyword::DIV => BinaryOperator::MyIntegerDivide,
                Keyword::MOD => BinaryOperator::Modulo,
                Keyword::COLLATE => return Some(infix::collate(parser, left)),
                // The one word that binds and is none of sqlparser's.
                Keyword::NoKeyword => return Some(infix::sounds_like(parser, left)),
                _ => return infix::predicate(parser, left),
            },
            _ => return infix::quantified(parser, left),
        };
        Some(match operator {
            BinaryOperator::And | BinaryOperator::Or => {
                self.chain(parser, left, precedence, operator)
            }
            _ => {
                parser.advance_token();
                parser.parse_subexpr(precedence).map(|right| Expr::BinaryOp {
                    left: Box::new(left.clone()),
                    op: operator,
                    right: Box::new(right),
                })
            }
        })
    }

    /// The operands of a row of ANDs or ORs as a tree that is not deep, however many there are.
    fn chain(
        &self,
        parser: &mut Parser,
        left: &Expr,
        precedence: u8,
        operator: BinaryOperator,
    ) -> Result<Expr, ParserError> {
        let mut operands = vec![left.clone()];
        while self.next_level(parser) == precedence {
            parser.advance_token();
            operands.push(parser.parse_subexpr(precedence)?);
        }
        while operands.len() > 1 {
            let mut pairs = Vec::with_capacity(operands.len().div_ceil(2));
            let mut rest = operands.into_iter();
            while let Some(left) = rest.next() {
                pairs.push(match rest.next() {
                    Some(right) => Expr::BinaryOp {
                        left: Box::new(left),
                        op: operator.clone(),
                        right: Box::new(right),
                    },
                    None => left,
                });
            }
            operands = pairs;
        }
        operands
            .pop()
            .ok_or_else(|| ParserError::ParserError("an operator without operands".to_owned()))
    }
}

fn reserved(keyword: Keyword) -> bool {
    is_reserved(format!("{keyword:?}").as_bytes())
}

fn word_level(parser: &Parser, word: &Word) -> u8 {
    match word.keyword {
        Keyword::AND => level::AND,
        Keyword::OR => level::OR,
        Keyword::XOR => level::XOR,
        Keyword::DIV | Keyword::MOD => level::MULTIPLICATION,
        Keyword::IS => level::COMPARISON,
        Keyword::IN
        | Keyword::BETWEEN
        | Keyword::LIKE
        | Keyword::REGEXP
        | Keyword::RLIKE
        | Keyword::MEMBER => level::PREDICATE,
        Keyword::COLLATE => level::COLLATE,
        Keyword::NOT => match &parser.peek_nth_token_ref(1).token {
            Token::Word(next) if is_negatable(next.keyword) => level::PREDICATE,
            _ => 0,
        },
        // No word of sqlparser's.
        Keyword::NoKeyword if word.value.eq_ignore_ascii_case("SOUNDS") => level::PREDICATE,
        _ => 0,
    }
}

fn is_negatable(keyword: Keyword) -> bool {
    matches!(
        keyword,
        Keyword::IN | Keyword::BETWEEN | Keyword::LIKE | Keyword::REGEXP | Keyword::RLIKE
    )
}
