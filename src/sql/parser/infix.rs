//! How an expression goes on where MySQL's grammar is not sqlparser's: the dialect's other hook.

use sqlparser::ast::{BinaryOperator, Expr};
use sqlparser::keywords::Keyword;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

use super::dialect::level;
use super::prefix::{Parsed, bare_interval, expect_word};
use super::subquery;

/// expr COLLATE name.
pub(super) fn collate(parser: &mut Parser, left: &Expr) -> Parsed<Expr> {
    parser.advance_token();
    let collation = parser.parse_object_name(false)?;
    Ok(Expr::Collate { expr: Box::new(left.clone()), collation })
}

/// date + INTERVAL n unit, date - INTERVAL n unit: an operand of its own, whatever operator follows the unit. `None` if
/// no interval follows the sign.
pub(super) fn date_arithmetic(parser: &mut Parser, left: &Expr) -> Option<Parsed<Expr>> {
    let op = match parser.peek_token_ref().token {
        Token::Plus => BinaryOperator::Plus,
        _ => BinaryOperator::Minus,
    };
    let called = parser.peek_nth_token_ref(2).token == Token::LParen;
    match &parser.peek_nth_token_ref(1).token {
        Token::Word(word) if is(word, "INTERVAL") => {}
        _ => return None,
    }
    let right = if called {
        // INTERVAL (…) unit, or else the function.
        let interval = parser.maybe_parse(|parser| {
            parser.advance_token();
            bare_interval(parser)
        });
        match interval {
            Ok(interval) => Ok(interval?),
            Err(error) => Err(error),
        }
    } else {
        parser.advance_token();
        bare_interval(parser)
    };
    Some(right.map(|right| Expr::BinaryOp {
        left: Box::new(left.clone()),
        op,
        right: Box::new(right),
    }))
}

/// What SOUNDS LIKE is to sqlparser, which has no such operator.
pub(super) const SOUNDS_LIKE: &str = "SOUNDS LIKE";

/// expr SOUNDS LIKE expr.
pub(super) fn sounds_like(parser: &mut Parser, left: &Expr) -> Parsed<Expr> {
    parser.advance_token();
    expect_word(parser, "LIKE")?;
    let right = Box::new(parser.parse_subexpr(level::PREDICATE)?);
    let op = BinaryOperator::Custom(SOUNDS_LIKE.to_owned());
    Ok(Expr::BinaryOp { left: Box::new(left.clone()), op, right })
}

/// A comparison with ANY, SOME or ALL rows of a query; `None`: it is none.
pub(super) fn quantified(parser: &mut Parser, left: &Expr) -> Option<Parsed<Expr>> {
    let Token::Word(word) = &parser.peek_nth_token_ref(1).token else { return None };
    if parser.peek_nth_token_ref(2).token != Token::LParen {
        return None;
    }
    let all = is(word, "ALL");
    if !all && !is(word, "ANY") && !is(word, "SOME") {
        return None;
    }
    let compare_op = match &parser.peek_token_ref().token {
        Token::Eq => BinaryOperator::Eq,
        Token::Neq => BinaryOperator::NotEq,
        Token::Lt => BinaryOperator::Lt,
        Token::LtEq => BinaryOperator::LtEq,
        Token::Gt => BinaryOperator::Gt,
        Token::GtEq => BinaryOperator::GtEq,
        _ => return None,
    };
    (0..2).for_each(|_| parser.advance_token());
    Some(quantified_query(parser).map(|right| {
        let (left, right) = (Box::new(left.clone()), Box::new(right));
        match all {
            true => Expr::AllOp { left, compare_op, right },
            false => Expr::AnyOp { left, compare_op, right, is_some: false },
        }
    }))
}

fn quantified_query(parser: &mut Parser) -> Parsed<Expr> {
    parser.expect_token(&Token::LParen)?;
    if !subquery::begins(parser, parser.index()) {
        return parser.expected_ref("a query", parser.peek_token_ref());
    }
    let query = parser.parse_query()?;
    parser.expect_token(&Token::RParen)?;
    Ok(Expr::Subquery(query))
}

/// [NOT] IN (…), [NOT] BETWEEN … AND …, [NOT] REGEXP …; `None` leaves the operator to sqlparser.
pub(super) fn predicate(parser: &mut Parser, left: &Expr) -> Option<Parsed<Expr>> {
    let keyword = |parser: &Parser, n| match &parser.peek_nth_token_ref(n).token {
        Token::Word(word) => word.keyword,
        _ => Keyword::NoKeyword,
    };
    let negated = keyword(parser, 0) == Keyword::NOT;
    let operator = keyword(parser, usize::from(negated));
    if !matches!(
        operator,
        Keyword::IN | Keyword::BETWEEN | Keyword::LIKE | Keyword::REGEXP | Keyword::RLIKE
    ) {
        return None;
    }
    if is_predicate(left) {
        return Some(parser.expected_ref("the end of a predicate", parser.peek_token_ref()));
    }
    if operator == Keyword::LIKE {
        return None;
    }
    (0..=usize::from(negated)).for_each(|_| parser.advance_token());
    let expr = Box::new(left.clone());
    Some(match operator {
        Keyword::IN => in_list(parser, expr, negated),
        Keyword::BETWEEN => between(parser, expr, negated),
        _ => parser.parse_subexpr(level::PREDICATE).map(|pattern| Expr::RLike {
            negated,
            expr,
            pattern: Box::new(pattern),
            regexp: operator == Keyword::REGEXP,
        }),
    })
}

/// Whether it is a predicate without parentheses, which no other one may follow: `a LIKE b LIKE c`.
fn is_predicate(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::InList { .. }
            | Expr::InSubquery { .. }
            | Expr::Between { .. }
            | Expr::Like { .. }
            | Expr::RLike { .. }
            | Expr::MemberOf(_)
    )
}

/// A query or a list; a query in parentheses may begin either.
fn in_list(parser: &mut Parser, expr: Box<Expr>, negated: bool) -> Parsed<Expr> {
    parser.expect_token(&Token::LParen)?;
    let operation = if subquery::begins(parser, parser.index()) {
        Expr::InSubquery { expr, subquery: parser.parse_query()?, negated }
    } else {
        Expr::InList { expr, list: parser.parse_comma_separated(Parser::parse_expr)?, negated }
    };
    parser.expect_token(&Token::RParen)?;
    Ok(operation)
}

/// The upper bound takes the predicates that follow it: `a BETWEEN 1 AND b IN (2)` is `a BETWEEN 1 AND (b IN (2))`.
fn between(parser: &mut Parser, expr: Box<Expr>, negated: bool) -> Parsed<Expr> {
    let low = Box::new(parser.parse_subexpr(level::PREDICATE)?);
    expect_word(parser, "AND")?;
    let high = Box::new(parser.parse_subexpr(level::COMPARISON)?);
    Ok(Expr::Between { expr, negated, low, high })
}

fn is(word: &sqlparser::tokenizer::Word, wanted: &str) -> bool {
    word.quote_style.is_none() && word.value.eq_ignore_ascii_case(wanted)
}
