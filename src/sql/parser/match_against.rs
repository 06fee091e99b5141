//! MATCH … AGAINST: between the two parsers it is a call whose named arguments say what is searched for, and how.

use sqlparser::ast::{Expr as SqlExpr, FunctionArg, FunctionArgExpr, FunctionArgOperator, Ident};
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

use super::dialect::level;
use super::prefix::{Parsed, expect_word, word};
use super::typed_calls::called;
use crate::sql::fulltext::SearchMode;

/// What the modes are called as names of the argument that says what is searched for.
const MODES: [(&str, SearchMode); 3] = [
    ("natural", SearchMode::Natural),
    ("expanded", SearchMode::Expanded),
    ("boolean", SearchMode::Boolean),
];

/// The mode of this name.
pub(super) fn mode_named(name: &str) -> Option<SearchMode> {
    MODES.iter().find(|(known, _)| *known == name).map(|(_, mode)| *mode)
}

/// MATCH {columns | (columns)} AGAINST (what [IN NATURAL LANGUAGE MODE] [WITH QUERY EXPANSION] | what IN BOOLEAN MODE).
pub(super) fn parse(parser: &mut Parser, name: Ident) -> Parsed<SqlExpr> {
    let plain = |expr: SqlExpr| FunctionArg::Unnamed(FunctionArgExpr::Expr(expr));
    parser.advance_token();
    let parenthesised = parser.consume_token(&Token::LParen);
    let mut args = vec![plain(column(parser)?)];
    while parser.consume_token(&Token::Comma) {
        args.push(plain(column(parser)?));
    }
    if parenthesised {
        parser.expect_token(&Token::RParen)?;
    }
    expect_word(parser, "AGAINST")?;
    parser.expect_token(&Token::LParen)?;
    let query = parser.parse_subexpr(level::PREDICATE)?;
    let mode = mode(parser)?;
    parser.expect_token(&Token::RParen)?;
    let name_of = |mode: SearchMode| {
        MODES.iter().find(|(_, known)| *known == mode).map_or("", |(name, _)| name)
    };
    args.push(FunctionArg::Named {
        name: Ident::new(name_of(mode)),
        arg: FunctionArgExpr::Expr(query),
        operator: FunctionArgOperator::Assignment,
    });
    Ok(called(name, args))
}

fn column(parser: &mut Parser) -> Parsed<SqlExpr> {
    parser.parse_subexpr(level::COLLATE)
}

fn mode(parser: &mut Parser) -> Parsed<SearchMode> {
    if word(parser, "IN") {
        if word(parser, "BOOLEAN") {
            expect_word(parser, "MODE")?;
            return Ok(SearchMode::Boolean);
        }
        for wanted in ["NATURAL", "LANGUAGE", "MODE"] {
            expect_word(parser, wanted)?;
        }
    }
    if !word(parser, "WITH") {
        return Ok(SearchMode::Natural);
    }
    for wanted in ["QUERY", "EXPANSION"] {
        expect_word(parser, wanted)?;
    }
    Ok(SearchMode::Expanded)
}
