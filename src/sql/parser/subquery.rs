//! Whether a parenthesis holds a query or an expression that begins with one.

use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

/// More parentheses than this before a query are an expression's: nobody writes them, and looking for their ends takes time.
const DEEPEST: usize = 16;

/// Whether the words from the token at an index on, up to the closing parenthesis, are a query: SELECT and the like, or such a query in
/// parentheses with nothing after it that makes an operand of it.
pub(super) fn begins(parser: &Parser, at: usize) -> bool {
    let is_open = |at: usize| parser.token_at(at).token == Token::LParen;
    let opened = (0..=DEEPEST).take_while(|n| is_open(at + n)).count();
    if opened > DEEPEST || !is_query_word(parser, at + opened) {
        return false;
    }
    (at..at + opened).all(|open| match &parser.token_at(past(parser, open)).token {
        Token::RParen | Token::EOF | Token::SemiColon => true,
        Token::Word(word) => {
            let goes_on = ["UNION", "EXCEPT", "INTERSECT", "ORDER", "LIMIT", "FOR", "LOCK", "INTO"];
            word.quote_style.is_none() && goes_on.iter().any(|w| word.value.eq_ignore_ascii_case(w))
        }
        _ => false,
    })
}

fn is_query_word(parser: &Parser, at: usize) -> bool {
    let is = |at: usize, wanted: &str| match &parser.token_at(at).token {
        Token::Word(word) => word.quote_style.is_none() && word.value.eq_ignore_ascii_case(wanted),
        _ => false,
    };
    let query = ["SELECT", "WITH", "TABLE"].iter().any(|word| is(at, word));
    query || (is(at, "VALUES") && is(at + 1, "ROW"))
}

/// The index past the parenthesis that closes the one at an index.
fn past(parser: &Parser, open: usize) -> usize {
    let (mut depth, mut at) = (0_usize, open);
    loop {
        match parser.token_at(at).token {
            Token::LParen => depth += 1,
            Token::RParen => depth -= 1,
            Token::EOF => return at,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return at;
        }
    }
}
