//! How an expression may begin where MySQL's grammar is not sqlparser's: the dialect's hook.
//!
//! sqlparser knows many words of other databases which are plain names in MySQL, and takes a reserved word for a name
//! where nothing else fits. Here a word is what MySQL says it is; what sqlparser reads as MySQL does is left to it.

use sqlparser::ast::{
    BinaryOperator, CastKind, DataType, DateTimeField, Expr, ExtractSyntax, Ident, Interval,
    ObjectName, TrimWhereField, TypedString, UnaryOperator, Value,
};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, Word};

use super::ast::IntervalUnit;
use super::dialect::level;
use super::keywords::is_reserved;
use super::match_against;
use super::subquery;
use super::token_kind::is_bit_number;
use super::typed_calls;

pub(super) type Parsed<T> = Result<T, ParserError>;

/// Reserved words that are names of functions when a parenthesis follows.
const RESERVED_FUNCTIONS: &[&str] = &[
    "CHAR", "DATABASE", "DEFAULT", "IF", "INSERT", "INTERVAL", "LEFT", "MOD", "REPEAT", "REPLACE",
    "RIGHT", "SCHEMA", "VALUES",
];

/// Functions that are called without parentheses, too.
pub(super) const BARE_FUNCTIONS: &[&str] = &[
    "current_date",
    "current_time",
    "current_timestamp",
    "current_user",
    "localtime",
    "localtimestamp",
    "utc_date",
    "utc_time",
    "utc_timestamp",
];

/// Words whose expressions sqlparser reads as MySQL does.
const LEFT_TO_SQLPARSER: &[&str] = &["CASE", "EXISTS", "NOT"];

/// The same if a parenthesis follows.
const CALLS_LEFT_TO_SQLPARSER: &[&str] = &["SUBSTRING", "SUBSTR", "POSITION"];

/// The hook: `None` leaves the expression to sqlparser. `high_not`: NOT binds as tightly as !.
pub(super) fn parse(parser: &mut Parser, high_not: bool) -> Option<Parsed<Expr>> {
    let operator = match &parser.peek_token_ref().token {
        Token::Minus => UnaryOperator::Minus,
        Token::Plus => UnaryOperator::Plus,
        Token::Tilde => UnaryOperator::BitwiseNot,
        Token::ExclamationMark => UnaryOperator::BangNot,
        Token::Number(..)
        | Token::Placeholder(_)
        | Token::SingleQuotedString(_)
        | Token::DoubleQuotedString(_)
        | Token::SingleQuotedByteStringLiteral(_)
        | Token::HexStringLiteral(_) => return Some(parser.parse_value().map(Expr::Value)),
        Token::NationalStringLiteral(_) => return Some(national(parser)),
        Token::Word(word) if high_not && word.keyword == Keyword::NOT => UnaryOperator::BangNot,
        Token::Word(word) => {
            let word = word.clone();
            return word_expr(parser, &word);
        }
        Token::LParen => return parenthesis(parser),
        Token::LBrace => return None,
        _ => return Some(parser.expected_ref("an expression", parser.peek_token_ref())),
    };
    parser.advance_token();
    let operand = tight_operand(parser);
    Some(operand.map(|operand| Expr::UnaryOp { op: operator, expr: Box::new(operand) }))
}

/// A query in several parentheses, or a row; `None`: it is something else.
fn parenthesis(parser: &mut Parser) -> Option<Parsed<Expr>> {
    let nested = matches!(&parser.peek_nth_token_ref(1).token, Token::LParen | Token::Word(_));
    if nested && subquery::begins(parser, parser.index() + 1) {
        parser.advance_token();
        let query = parser.parse_query();
        let closed = query.and_then(|query| parser.expect_token(&Token::RParen).map(|_| query));
        return Some(closed.map(Expr::Subquery));
    }
    row_of_constants(parser)
}

/// (1, 'a', ?): of these there may be many, and sqlparser makes room for more than there are. `None`: it is something else.
fn row_of_constants(parser: &mut Parser) -> Option<Parsed<Expr>> {
    /// A longer row is left to sqlparser.
    const LONGEST: usize = 64;
    let is_constant = |parser: &Parser, n: usize| {
        matches!(
            parser.peek_nth_token_ref(n).token,
            Token::Number(..) | Token::SingleQuotedString(_) | Token::Placeholder(_)
        )
    };
    let mut count = 0;
    loop {
        let place = 2 * count + 1;
        if count == LONGEST || !is_constant(parser, place) {
            return None;
        }
        count += 1;
        match parser.peek_nth_token_ref(place + 1).token {
            Token::Comma => {}
            Token::RParen if count > 1 => break,
            _ => return None,
        }
    }
    let mut items = Vec::with_capacity(count);
    for _ in 0..count {
        // The parenthesis, or a comma.
        parser.advance_token();
        match parser.parse_value() {
            Ok(value) => items.push(Expr::Value(value)),
            Err(error) => return Some(Err(error)),
        }
    }
    parser.advance_token();
    Some(Ok(Expr::Tuple(items)))
}

/// N'…', and the strings beside it, which are parts of it.
fn national(parser: &mut Parser) -> Parsed<Expr> {
    let value = parser.parse_value()?;
    while matches!(
        parser.peek_token_ref().token,
        Token::SingleQuotedString(_) | Token::DoubleQuotedString(_)
    ) {
        parser.advance_token();
    }
    Ok(Expr::Value(value))
}

/// An operand of a prefix: what binds tighter than any operator between two operands.
pub(super) fn tight_operand(parser: &mut Parser) -> Parsed<Expr> {
    parser.parse_subexpr(level::BIT_XOR)
}

fn word_expr(parser: &mut Parser, word: &Word) -> Option<Parsed<Expr>> {
    let span = parser.peek_token_ref().span;
    let called = parser.peek_nth_token_ref(1).token == Token::LParen;
    let upper = word.value.to_ascii_uppercase();
    let is = |words: &[&str]| words.contains(&upper.as_str());
    if word.quote_style.is_some() {
        parser.advance_token();
        if called {
            return Some(parser.parse_function(ObjectName::from(vec![word.to_ident(span)])));
        }
        return Some(Ok(Expr::Identifier(word.to_ident(span))));
    }
    if upper == "NOT" && after_tighter_operator(parser) {
        return Some(parser.expected_ref("an expression", parser.peek_token_ref()));
    }
    if is(LEFT_TO_SQLPARSER) || (called && is(CALLS_LEFT_TO_SQLPARSER)) {
        return None;
    }
    if let Some(expr) = special_word(parser, word, &upper, called) {
        return Some(expr);
    }
    let lower = upper.to_ascii_lowercase();
    let bare = BARE_FUNCTIONS.contains(&lower.as_str());
    let reserved = is_reserved(word.value.as_bytes());
    if reserved && !bare && !(called && is(RESERVED_FUNCTIONS)) {
        return Some(parser.expected_ref("an expression", parser.peek_token_ref()));
    }
    if let Some(call) = qualified_call(parser) {
        return Some(call);
    }
    parser.advance_token();
    let name = word.to_ident(span);
    if called {
        return Some(parser.parse_function(ObjectName::from(vec![name])));
    }
    Some(Ok(Expr::Identifier(name)))
}

/// database.function(…): a stored function.
fn qualified_call(parser: &mut Parser) -> Option<Parsed<Expr>> {
    let token = |n| &parser.peek_nth_token_ref(n).token;
    match (token(1), token(2), token(3)) {
        (Token::Period, Token::Word(_), Token::LParen) => {}
        _ => return None,
    }
    let name = parser.parse_object_name(false);
    Some(name.and_then(|name| parser.parse_function(name)))
}

/// Whether the operator before binds tighter than NOT, which then cannot begin its operand.
fn after_tighter_operator(parser: &Parser) -> bool {
    let words = ["LIKE", "REGEXP", "RLIKE", "DIV", "MOD", "BINARY"];
    match &parser.get_current_token().token {
        Token::Word(word) => {
            word.quote_style.is_none() && words.iter().any(|w| word.value.eq_ignore_ascii_case(w))
        }
        Token::Plus | Token::Minus | Token::Mul | Token::Div | Token::Mod => true,
        Token::Eq | Token::Spaceship | Token::Neq | Token::Lt | Token::LtEq => true,
        Token::Gt | Token::GtEq | Token::Pipe | Token::Ampersand | Token::Caret => true,
        Token::ShiftLeft | Token::ShiftRight | Token::Tilde | Token::ExclamationMark => true,
        _ => false,
    }
}

/// Words with a grammar of their own; `None` if it is none of them.
fn special_word(
    parser: &mut Parser,
    word: &Word,
    upper: &str,
    called: bool,
) -> Option<Parsed<Expr>> {
    let span = parser.peek_token_ref().span;
    let before_string = matches!(
        parser.peek_nth_token_ref(1).token,
        Token::SingleQuotedString(_) | Token::DoubleQuotedString(_)
    );
    Some(match upper {
        "NULL" | "TRUE" | "FALSE" => parser.parse_value().map(Expr::Value),
        "INTERVAL" => return interval(parser, called),
        "BINARY" => {
            parser.advance_token();
            tight_operand(parser).map(|operand| Expr::Cast {
                kind: CastKind::Cast,
                expr: Box::new(operand),
                data_type: DataType::Binary(None),
                format: None,
            })
        }
        "ROW" if called => {
            parser.advance_token();
            list(parser).map(Expr::Tuple)
        }
        "DEFAULT" if !called => {
            parser.advance_token();
            Ok(Expr::Identifier(word.to_ident(span)))
        }
        "DATE" if before_string => typed(parser, DataType::Date),
        "TIME" if before_string => {
            typed(parser, DataType::Time(None, sqlparser::ast::TimezoneInfo::None))
        }
        "TIMESTAMP" if before_string => {
            typed(parser, DataType::Timestamp(None, sqlparser::ast::TimezoneInfo::None))
        }
        // MATCH a, b AGAINST (…): the parentheses around the columns are optional.
        "MATCH" if called || next_is_name(parser) => {
            match_against::parse(parser, word.to_ident(span))
        }
        "CAST" | "CONVERT" if called => typed_calls::cast(parser, upper == "CAST"),
        "JSON_VALUE" if called => typed_calls::json_value(parser, word.to_ident(span)),
        "TRIM" if called => trim(parser),
        "EXTRACT" if called => extract(parser),
        "WEIGHT_STRING" if called => typed_calls::weight_string(parser, word.to_ident(span)),
        "CHAR" if called => return char_using(parser, word),
        _ if upper.starts_with("@@") => {
            parser.advance_token();
            Ok(Expr::Identifier(word.to_ident(span)))
        }
        _ if upper.starts_with('@') => user_variable(parser, word),
        _ if is_bit_number(&word.value) => {
            parser.advance_token();
            let digits = word.value[2..].to_owned();
            Ok(Expr::Value(Value::SingleQuotedByteStringLiteral(digits).with_span(span)))
        }
        _ if upper.starts_with('_') => return introduced(parser, word),
        _ => return None,
    })
}

fn next_is_name(parser: &Parser) -> bool {
    match &parser.peek_nth_token_ref(1).token {
        Token::Word(word) => word.quote_style.is_some() || !is_reserved(word.value.as_bytes()),
        _ => false,
    }
}

/// _utf8mb4'…', _binary X'…'.
fn introduced(parser: &mut Parser, word: &Word) -> Option<Parsed<Expr>> {
    let span = parser.peek_token_ref().span;
    let literal = match &parser.peek_nth_token_ref(1).token {
        Token::SingleQuotedString(_) | Token::DoubleQuotedString(_) => true,
        Token::HexStringLiteral(_) | Token::SingleQuotedByteStringLiteral(_) => true,
        Token::Word(next) => next.quote_style.is_none() && is_bit_number(&next.value),
        _ => false,
    };
    if !literal {
        return None;
    }
    parser.advance_token();
    let prefix = word.to_ident(span);
    Some(parser.parse_prefix().map(|value| Expr::Prefixed { prefix, value: Box::new(value) }))
}

fn user_variable(parser: &mut Parser, word: &Word) -> Parsed<Expr> {
    let span = parser.peek_token_ref().span;
    parser.advance_token();
    let name = Expr::Identifier(word.to_ident(span));
    if !parser.consume_token(&Token::Assignment) {
        return Ok(name);
    }
    let right = Box::new(parser.parse_expr()?);
    Ok(Expr::BinaryOp { left: Box::new(name), op: BinaryOperator::Assignment, right })
}

fn list(parser: &mut Parser) -> Parsed<Vec<Expr>> {
    parser.expect_token(&Token::LParen)?;
    let items = parser.parse_comma_separated(Parser::parse_expr)?;
    parser.expect_token(&Token::RParen)?;
    Ok(items)
}

/// DATE'…'.
fn typed(parser: &mut Parser, data_type: DataType) -> Parsed<Expr> {
    parser.advance_token();
    let value = parser.parse_value()?;
    Ok(Expr::TypedString(TypedString { data_type, value, uses_odbc_syntax: false }))
}

/// Whether the next word, without quotes, is this one; takes it.
pub(super) fn word(parser: &mut Parser, wanted: &str) -> bool {
    let found = match &parser.peek_token_ref().token {
        Token::Word(word) => word.quote_style.is_none() && word.value.eq_ignore_ascii_case(wanted),
        _ => false,
    };
    if found {
        parser.advance_token();
    }
    found
}

pub(super) fn expect_word(parser: &mut Parser, wanted: &str) -> Parsed<()> {
    if word(parser, wanted) {
        return Ok(());
    }
    parser.expected_ref(wanted, parser.peek_token_ref())
}

/// INTERVAL n unit; with a parenthesis after it, it may be the function.
fn interval(parser: &mut Parser, called: bool) -> Option<Parsed<Expr>> {
    if !called {
        return Some(interval_unit(parser));
    }
    match parser.maybe_parse(interval_unit) {
        Ok(interval) => interval.map(Ok),
        Err(error) => Some(Err(error)),
    }
}

/// INTERVAL n unit + date: the date is all that follows, up to AND, OR or XOR.
fn interval_unit(parser: &mut Parser) -> Parsed<Expr> {
    let interval = bare_interval(parser)?;
    if !parser.consume_token(&Token::Plus) {
        // An argument of DATE_ADD and its kin, the end of a frame; or else a sign is missed.
        return match &parser.peek_token_ref().token {
            Token::RParen | Token::Comma => Ok(interval),
            Token::Word(word)
                if ["PRECEDING", "FOLLOWING"]
                    .iter()
                    .any(|end| word.value.eq_ignore_ascii_case(end)) =>
            {
                Ok(interval)
            }
            _ => parser.expected_ref("+", parser.peek_token_ref()),
        };
    }
    let (left, right) = (Box::new(interval), Box::new(parser.parse_subexpr(level::AND)?));
    Ok(Expr::Nested(Box::new(Expr::BinaryOp { left, op: BinaryOperator::Plus, right })))
}

/// INTERVAL n unit.
pub(super) fn bare_interval(parser: &mut Parser) -> Parsed<Expr> {
    parser.advance_token();
    let value = Box::new(parser.parse_expr()?);
    let unit = interval_unit_name(parser)?;
    Ok(Expr::Interval(Interval {
        value,
        leading_field: Some(DateTimeField::Custom(unit)),
        leading_precision: None,
        last_field: None,
        fractional_seconds_precision: None,
    }))
}

/// The name of a unit of time.
fn interval_unit_name(parser: &mut Parser) -> Parsed<Ident> {
    let unit = match &parser.peek_token_ref().token {
        Token::Word(word) if IntervalUnit::by_name(&word.value).is_some() => {
            word.to_ident(parser.peek_token_ref().span)
        }
        _ => return parser.expected_ref("a unit of time", parser.peek_token_ref()),
    };
    parser.advance_token();
    Ok(unit)
}

/// EXTRACT(unit FROM expr).
fn extract(parser: &mut Parser) -> Parsed<Expr> {
    parser.advance_token();
    parser.expect_token(&Token::LParen)?;
    let field = DateTimeField::Custom(interval_unit_name(parser)?);
    expect_word(parser, "FROM")?;
    let expr = Box::new(parser.parse_expr()?);
    parser.expect_token(&Token::RParen)?;
    Ok(Expr::Extract { field, syntax: ExtractSyntax::From, expr })
}

/// TRIM([BOTH | LEADING | TRAILING] [what] FROM text), TRIM(text).
fn trim(parser: &mut Parser) -> Parsed<Expr> {
    parser.advance_token();
    parser.expect_token(&Token::LParen)?;
    let sides = [
        ("BOTH", TrimWhereField::Both),
        ("LEADING", TrimWhereField::Leading),
        ("TRAILING", TrimWhereField::Trailing),
    ];
    let trim_where = sides.into_iter().find(|(name, _)| word(parser, name)).map(|(_, side)| side);
    let mut trim_what = None;
    let expr = if trim_where.is_some() && word(parser, "FROM") {
        parser.parse_expr()?
    } else {
        let first = parser.parse_expr()?;
        if word(parser, "FROM") {
            trim_what = Some(Box::new(first));
            parser.parse_expr()?
        } else if trim_where.is_some() {
            return parser.expected_ref("FROM", parser.peek_token_ref());
        } else {
            first
        }
    };
    parser.expect_token(&Token::RParen)?;
    Ok(Expr::Trim { trim_where, trim_what, expr: Box::new(expr), trim_characters: None })
}

/// CHAR(… USING charset): the bytes of CHAR(…) read as that set's; without USING it is a function as any other.
fn char_using(parser: &mut Parser, word: &Word) -> Option<Parsed<Expr>> {
    let name = word.to_ident(parser.peek_token_ref().span);
    let using = parser.maybe_parse(|parser| {
        parser.advance_token();
        parser.expect_token(&Token::LParen)?;
        let codes = parser.parse_comma_separated(Parser::parse_expr)?;
        expect_word(parser, "USING")?;
        let charset = parser.parse_object_name(false)?;
        parser.expect_token(&Token::RParen)?;
        Ok((codes, charset))
    });
    match using {
        Ok(None) => None,
        Ok(Some((codes, charset))) => Some(Ok(typed_calls::char_in(name, codes, charset))),
        Err(error) => Some(Err(error)),
    }
}

/// An unquoted name, upper case.
pub(super) fn plain(ident: &Ident) -> Option<String> {
    ident.quote_style.is_none().then(|| ident.value.to_ascii_uppercase())
}
