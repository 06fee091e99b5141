//! CAST, CONVERT and JSON_VALUE: calls with types in them.

use sqlparser::ast::{
    DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgOperator,
    FunctionArgumentList, FunctionArguments, Ident, ObjectName, Value,
};
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

use super::dialect::unsupported;
use super::prefix::{Parsed, expect_word, tight_operand, word};

/// CAST(… AS type), CONVERT(…, type), CONVERT(… USING charset).
pub(super) fn cast(parser: &mut Parser, is_cast: bool) -> Parsed<Expr> {
    parser.advance_token();
    parser.expect_token(&Token::LParen)?;
    let expr = parser.parse_expr()?;
    let converted = if !is_cast && word(parser, "USING") {
        converted(expr, None, Some(parser.parse_object_name(false)?))
    } else {
        if is_cast {
            expect_word(parser, "AS")?;
        } else {
            parser.expect_token(&Token::Comma)?;
        }
        let (data_type, charset) = cast_type(parser)?;
        converted(expr, Some(data_type), charset)
    };
    parser.expect_token(&Token::RParen)?;
    Ok(converted)
}

fn converted(expr: Expr, data_type: Option<DataType>, charset: Option<ObjectName>) -> Expr {
    Expr::Convert {
        is_try: false,
        expr: Box::new(expr),
        data_type,
        charset,
        target_before_value: false,
        styles: Vec::new(),
    }
}

/// CHAR(codes USING charset): CONVERT(CHAR(codes) USING charset).
pub(super) fn char_in(name: Ident, codes: Vec<Expr>, charset: ObjectName) -> Expr {
    let args = codes.into_iter().map(|code| FunctionArg::Unnamed(FunctionArgExpr::Expr(code)));
    converted(called(name, args.collect()), None, Some(charset))
}

/// WEIGHT_STRING(text [AS {CHAR | BINARY}(n)]): the number is a second argument, bytes are those of a cast.
pub(super) fn weight_string(parser: &mut Parser, name: Ident) -> Parsed<Expr> {
    parser.advance_token();
    parser.expect_token(&Token::LParen)?;
    let text = parser.parse_expr()?;
    let plain = |expr: Expr| FunctionArg::Unnamed(FunctionArgExpr::Expr(expr));
    let mut args = vec![plain(text.clone())];
    if word(parser, "AS") {
        let is_binary = word(parser, "BINARY");
        if !is_binary {
            expect_word(parser, "CHAR")?;
        }
        parser.expect_token(&Token::LParen)?;
        let count = parser.parse_literal_uint()?;
        parser.expect_token(&Token::RParen)?;
        if is_binary {
            let bytes = ObjectName::from(vec![Ident::new("binary")]);
            let bytes = DataType::Custom(bytes, vec![count.to_string()]);
            args = vec![plain(converted(text, Some(bytes), None))];
        } else {
            let count = Value::Number(count.to_string(), false).with_empty_span();
            args.push(plain(Expr::Value(count)));
        }
    }
    parser.expect_token(&Token::RParen)?;
    Ok(called(name, args))
}

/// A call of a function.
pub(super) fn called(name: Ident, args: Vec<FunctionArg>) -> Expr {
    let list = FunctionArgumentList { duplicate_treatment: None, args, clauses: Vec::new() };
    Expr::Function(Function {
        name: ObjectName::from(vec![name]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(list),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

/// A type to cast to, and its character set.
fn cast_type(parser: &mut Parser) -> Parsed<(DataType, Option<ObjectName>)> {
    let name = parser.parse_identifier()?;
    let (mut modifiers, mut charset) = (Vec::new(), None);
    if parser.consume_token(&Token::LParen) {
        let numbers = parser.parse_comma_separated(Parser::parse_literal_uint)?;
        modifiers.extend(numbers.into_iter().map(|number| number.to_string()));
        parser.expect_token(&Token::RParen)?;
    }
    if let Some(binary) = ["BINARY", "BYTE"].iter().find(|w| word(parser, w)) {
        return Err(unsupported(format!("CAST(… AS CHAR {binary})")));
    } else if word(parser, "ASCII") {
        charset = Some(ObjectName::from(vec![Ident::new("latin1")]));
    } else if word(parser, "UNICODE") {
        charset = Some(ObjectName::from(vec![Ident::new("ucs2")]));
    } else if word(parser, "CHARSET") {
        charset = Some(parser.parse_object_name(false)?);
    } else if word(parser, "CHARACTER") {
        expect_word(parser, "SET")?;
        charset = Some(parser.parse_object_name(false)?);
    } else if let Some(second) = ["INTEGER", "INT", "PRECISION"].iter().find(|w| word(parser, w)) {
        modifiers.push((*second).to_owned());
    }
    if charset.is_some() && word(parser, "BINARY") {
        return Err(unsupported("CAST(… AS CHAR BINARY)"));
    }
    if word(parser, "ARRAY") {
        return Err(unsupported("CAST(… AS … ARRAY)"));
    }
    Ok((DataType::Custom(ObjectName::from(vec![name]), modifiers), charset))
}

/// What the clauses of JSON_VALUE are called as arguments: the type is that of a cast of NULL, a wildcard is ERROR.
pub(super) const JSON_VALUE_CLAUSES: [&str; 3] = ["RETURNING", "EMPTY", "ERROR"];

/// JSON_VALUE(document, path [RETURNING type] [{NULL | ERROR | DEFAULT value} ON EMPTY] [… ON ERROR]).
pub(super) fn json_value(parser: &mut Parser, name: Ident) -> Parsed<Expr> {
    let [returning, empty, error] = JSON_VALUE_CLAUSES;
    let named = |clause: &str, arg: FunctionArgExpr| FunctionArg::Named {
        name: Ident::new(clause),
        arg,
        operator: FunctionArgOperator::Assignment,
    };
    let plain = |expr: Expr| FunctionArg::Unnamed(FunctionArgExpr::Expr(expr));
    parser.advance_token();
    parser.expect_token(&Token::LParen)?;
    let mut args = vec![plain(parser.parse_expr()?)];
    parser.expect_token(&Token::Comma)?;
    args.push(plain(Expr::Value(parser.parse_value()?)));
    let null = || Expr::Value(Value::Null.with_empty_span());
    if word(parser, returning) {
        let (data_type, charset) = cast_type(parser)?;
        let cast = converted(null(), Some(data_type), charset);
        args.push(named(returning, FunctionArgExpr::Expr(cast)));
    }
    let mut ends = [empty, error].into_iter();
    while parser.peek_token_ref().token != Token::RParen {
        let response = if word(parser, "NULL") {
            FunctionArgExpr::Expr(null())
        } else if word(parser, "ERROR") {
            FunctionArgExpr::Wildcard
        } else {
            expect_word(parser, "DEFAULT")?;
            FunctionArgExpr::Expr(tight_operand(parser)?)
        };
        expect_word(parser, "ON")?;
        // Each once, EMPTY first.
        let Some(end) = ends.find(|end| word(parser, end)) else {
            return parser.expected_ref("ERROR", parser.peek_token_ref());
        };
        args.push(named(end, response));
    }
    parser.expect_token(&Token::RParen)?;
    Ok(called(name, args))
}
