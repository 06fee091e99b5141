//! ODBC's escapes: `{d '2024-01-02'}`, `{t '…'}`, `{ts '…'}`, `{fn f(…)}`, `{oj a LEFT JOIN b ON …}`.
//!
//! A word after an opening brace says what stands in the braces. They are parentheses then, and the three literals are what SQL
//! writes as DATE'…', TIME'…' and TIMESTAMP'…'.

use sqlparser::tokenizer::{Token, TokenWithSpan};

/// The statement without escapes.
pub(super) fn plain(mut tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let has_brace = |token: &TokenWithSpan| token.token == Token::LBrace;
    if !tokens.iter().any(has_brace) {
        return tokens;
    }
    let mut written: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    // For each open brace, whether it is an escape's.
    let mut open = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let escape =
            if tokens[at].token == Token::LBrace { escape(&tokens[at + 1..]) } else { None };
        match (escape, &tokens[at].token) {
            (Some(word), _) => {
                open.push(true);
                written.push(TokenWithSpan { token: Token::LParen, span: tokens[at].span });
                at += 1;
                if let Some(keyword) = word {
                    let span = tokens[at].span;
                    written.push(TokenWithSpan { token: Token::make_word(keyword, None), span });
                }
            }
            (None, Token::LBrace) => {
                open.push(false);
                written.push(tokens[at].clone());
            }
            (None, Token::RBrace) if open.pop() == Some(true) => {
                written.push(TokenWithSpan { token: Token::RParen, span: tokens[at].span });
            }
            _ => {
                let blank = TokenWithSpan { token: Token::EOF, span: tokens[at].span };
                written.push(std::mem::replace(&mut tokens[at], blank));
            }
        }
        at += 1;
    }
    written
}

/// Whether what follows a brace makes it an escape, and the keyword that stands for its word.
fn escape(after: &[TokenWithSpan]) -> Option<Option<&'static str>> {
    let Some(Token::Word(word)) = after.first().map(|token| &token.token) else { return None };
    if word.quote_style.is_some() {
        return None;
    }
    let literal = matches!(
        after.get(1).map(|token| &token.token),
        Some(Token::SingleQuotedString(_) | Token::DoubleQuotedString(_))
    );
    match word.value.to_ascii_lowercase().as_str() {
        "d" if literal => Some(Some("DATE")),
        "t" if literal => Some(Some("TIME")),
        "ts" if literal => Some(Some("TIMESTAMP")),
        // MySQL takes any word there: the rest is the value.
        _ => Some(None),
    }
}
