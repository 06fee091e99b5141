//! A statement's tokens as sqlparser's grammar is to read them.
//!
//! sqlparser's tokenizer knows operators and words of other databases; MySQL cuts some of them in two, and joins others. Where MySQL has
//! a form that sqlparser's grammar lacks, and no hook stands there, it is put into words that mean the same.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Span, Token, TokenWithSpan, Whitespace, Word};

use super::hints::HintComment;
use super::tokens::{Tokens, byte_at, token};
use super::{escapes, into};

/// Words of other databases, names in MySQL, that sqlparser would take for the beginning of a clause.
const NOT_MYSQL: &[Keyword] = &[
    Keyword::ABSENT,
    Keyword::ANTI,
    Keyword::ARRAY,
    Keyword::ASOF,
    Keyword::AT,
    Keyword::CLUSTER,
    Keyword::CONNECT,
    Keyword::DISTRIBUTE,
    Keyword::EXCLUDE,
    Keyword::FILTER,
    Keyword::FORMAT,
    Keyword::FULL,
    Keyword::GLOBAL,
    Keyword::ILIKE,
    Keyword::MINUS,
    Keyword::NOTNULL,
    Keyword::OVERLAPS,
    Keyword::PIVOT,
    Keyword::PREWHERE,
    Keyword::QUALIFY,
    Keyword::RETURNING,
    Keyword::SEMI,
    Keyword::SETTINGS,
    Keyword::SIMILAR,
    Keyword::SORT,
    Keyword::START,
    Keyword::TABLESAMPLE,
    Keyword::TOP,
    Keyword::UNNEST,
    Keyword::UNPIVOT,
    Keyword::VIEW,
];

/// Without the semicolons before the statement, the blanks in it and what is past its semicolon.
pub(super) fn statement_of(tokens: Vec<TokenWithSpan>, sql: &[u8]) -> Tokens {
    let mut hints = Vec::new();
    let mut statement: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    for mut token in tokens {
        if is_hint(&token) && follows_hintable(&statement) {
            let range = byte_at(token.span.start).zip(byte_at(token.span.end));
            let before = &statement[..statement.len() - 1];
            let leads = !before.iter().any(|token| is_word(&token.token, "SELECT"));
            hints.extend(range.map(|(start, end)| HintComment { range: start..end, leads }));
        }
        let blank = matches!(token.token, Token::Whitespace(_));
        if blank || (token.token == Token::SemiColon && statement.is_empty()) {
            continue;
        }
        let (last, token_span) = (token.token == Token::SemiColon, token.span);
        split_or_join(&mut statement, &mut token, sql);
        let table = matches!(&token.token, Token::Word(word) if word.keyword == Keyword::TABLE);
        if table && begins_query(&statement) {
            // TABLE t is SELECT * FROM t.
            let place = |token: Token| TokenWithSpan { token, span: token_span };
            statement.push(place(Token::make_word("SELECT", None)));
            statement.push(place(Token::Mul));
            statement.push(place(Token::make_word("FROM", None)));
            continue;
        }
        let limit_all = |word: &Word| {
            word.keyword == Keyword::ALL
                && matches!(statement.last().map(|last| &last.token),
                    Some(Token::Word(last)) if last.keyword == Keyword::LIMIT)
        };
        if let Token::Word(word) = &mut token.token
            && (NOT_MYSQL.contains(&word.keyword) || limit_all(word))
        {
            word.keyword = Keyword::NoKeyword;
        }
        statement.push(token);
        if last {
            break;
        }
    }
    let tokens = into::moved_last(rewrite(escapes::plain(statement)));
    Tokens { tokens, hints }
}

/// Whether a token is a comment of optimizer hints.
pub(super) fn is_hint(token: &TokenWithSpan) -> bool {
    matches!(&token.token, Token::Whitespace(Whitespace::MultiLineComment(comment)) if comment.starts_with('+'))
}

/// Whether the last of these tokens is a word that hints may stand after.
fn follows_hintable(before: &[TokenWithSpan]) -> bool {
    let Some(last) = before.last() else { return false };
    ["SELECT", "INSERT", "REPLACE", "UPDATE", "DELETE"]
        .iter()
        .any(|word| is_word(&last.token, word))
}

fn is_word(token: &Token, wanted: &str) -> bool {
    match token {
        Token::Word(word) => word.quote_style.is_none() && word.value.eq_ignore_ascii_case(wanted),
        _ => false,
    }
}

/// Whether TABLE is the beginning of a query after these tokens: not in a statement that names a table so, nor after a point.
fn begins_query(before: &[TokenWithSpan]) -> bool {
    const STATEMENTS: [&str; 11] = [
        "SELECT", "WITH", "VALUES", "INSERT", "REPLACE", "EXPLAIN", "DESCRIBE", "DESC", "UPDATE",
        "DELETE", "DO",
    ];
    let (Some(first), Some(last)) = (before.first(), before.last()) else { return true };
    let query = STATEMENTS.iter().any(|word| is_word(&first.token, word));
    (query || first.token == Token::LParen) && last.token != Token::Period
}

/// Puts what sqlparser's grammar lacks into its words: LOCK IN SHARE MODE is FOR SHARE, a comma between tables
/// in parentheses is CROSS JOIN (but for RIGHT JOIN, which would take the tables before the comma with it), and FROM FIRST OVER, which
/// is how it is anyhow, is OVER.
fn rewrite(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let is = |at: usize, word: &str| match tokens.get(at).map(|token| &token.token) {
        Some(Token::Word(found)) => {
            found.quote_style.is_none() && found.value.eq_ignore_ascii_case(word)
        }
        _ => false,
    };
    let all =
        |at: usize, words: &[&str]| words.iter().enumerate().all(|(n, word)| is(at + n, word));
    let last_open = tokens.iter().rposition(|token| token.token == Token::LParen).unwrap_or(0);
    let from_first = |at: usize| {
        all(at, &["FROM", "FIRST"])
            && ["OVER", "RESPECT", "IGNORE"].iter().any(|word| is(at + 2, word))
    };
    let affected = (0..tokens.len()).any(|at| {
        is(at, "LOCK")
            || is(at, "OF")
            || from_first(at)
            || (at < last_open && (is(at, "FROM") || is(at, "JOIN")))
    });
    if !affected {
        return tokens;
    }
    // Whether tables stand in each open parenthesis, and whether a comma where we are is between tables.
    let mut tables: Vec<bool> = Vec::new();
    let mut from = vec![false];
    let mut changes = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        match token.token {
            Token::Word(_) if all(at, &["LOCK", "IN", "SHARE", "MODE"]) => {
                changes.push((at, Change::ForShare));
            }
            Token::Word(_) if from_first(at) => changes.push((at, Change::Nothing)),
            Token::Word(_) if is(at, "OF") && at > 1 && is(at - 2, "FOR") => {
                changes.extend(more_clauses(&tokens, at));
            }
            Token::LParen => {
                let query = ["SELECT", "WITH", "VALUES", "TABLE"].iter().any(|w| is(at + 1, w));
                let opened = at > 0
                    && match tokens[at - 1].token {
                        Token::Comma => from.last() == Some(&true),
                        Token::LParen => tables.last() == Some(&true),
                        _ => is(at - 1, "FROM") || is(at - 1, "JOIN"),
                    };
                tables.push(opened && !query);
                from.push(opened && !query);
            }
            Token::RParen => {
                tables.pop();
                from.pop();
            }
            Token::Word(_) if is(at, "FROM") || ENDS_FROM.iter().any(|word| is(at, word)) => {
                if let Some(from) = from.last_mut() {
                    *from = is(at, "FROM");
                }
            }
            Token::Comma
                if tables.last() == Some(&true)
                    && from.last() == Some(&true)
                    && !right_join(&tokens[at..]) =>
            {
                changes.push((at, Change::CrossJoin));
            }
            _ => {}
        }
    }
    if changes.is_empty() { tokens } else { changed(tokens, changes) }
}

#[derive(Clone, Copy)]
enum Change {
    /// These four words are FOR SHARE.
    ForShare,
    /// This comma in `FOR … OF a, b` ends one clause of locking and begins another: `tail` is what ends both.
    OneMore { share: bool, tail: &'static [&'static str] },
    /// This comma is CROSS JOIN.
    CrossJoin,
    /// These two words say nothing.
    Nothing,
}

fn changed(tokens: Vec<TokenWithSpan>, changes: Vec<(usize, Change)>) -> Vec<TokenWithSpan> {
    let word = |text: &str, span: Span| TokenWithSpan { token: Token::make_word(text, None), span };
    let mut changed: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len() + changes.len());
    let mut changes = changes.into_iter().peekable();
    // Words of LOCK IN SHARE MODE that are to come.
    let mut skipped = 0;
    let mut says_nothing = false;
    for (at, token) in tokens.into_iter().enumerate() {
        if std::mem::take(&mut says_nothing) {
            continue;
        }
        if skipped > 0 {
            skipped -= 1;
            if skipped == 0 {
                // The last word's place, so that the statement ends where its text does.
                changed.push(word("SHARE", token.span));
            }
            continue;
        }
        match changes.next_if(|(place, _)| *place == at) {
            Some((_, Change::ForShare)) => {
                changed.push(word("FOR", token.span));
                skipped = 3;
            }
            Some((_, Change::OneMore { share, tail })) => {
                let kind = if share { "SHARE" } else { "UPDATE" };
                let words = tail.iter().copied().chain(["FOR", kind, "OF"]);
                changed.extend(words.map(|text| word(text, token.span)));
            }
            Some((_, Change::Nothing)) => says_nothing = true,
            Some((_, Change::CrossJoin)) => {
                changed.extend([word("CROSS", token.span), word("JOIN", token.span)]);
            }
            None => changed.push(token),
        }
    }
    changed
}

/// What the commas after the OF at a place become.
fn more_clauses(tokens: &[TokenWithSpan], of: usize) -> Vec<(usize, Change)> {
    let is =
        |at: usize, word: &str| tokens.get(at).is_some_and(|found| is_word(&found.token, word));
    let end = past_names(tokens, of + 1);
    let tail = match () {
        () if is(end, "NOWAIT") => &["NOWAIT"][..],
        () if is(end, "SKIP") && is(end + 1, "LOCKED") => &["SKIP", "LOCKED"],
        () => &[],
    };
    let change = Change::OneMore { share: is(of - 1, "SHARE"), tail };
    let commas = (of..end).filter(|at| tokens[*at].token == Token::Comma);
    commas.map(|at| (at, change)).collect()
}

/// Past the names with commas between them that begin at a place.
fn past_names(tokens: &[TokenWithSpan], mut at: usize) -> usize {
    let is = |at: usize, wanted: &Token| tokens.get(at).is_some_and(|token| token.token == *wanted);
    let is_word =
        |at: usize| tokens.get(at).is_some_and(|token| matches!(token.token, Token::Word(_)));
    loop {
        at += 1;
        if is(at, &Token::Period) {
            at += 2;
        }
        if !is(at, &Token::Comma) || !is_word(at + 1) {
            return at.min(tokens.len());
        }
        at += 1;
    }
}

/// Words after which commas are no longer between tables.
const ENDS_FROM: &[&str] =
    &["SELECT", "WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "UNION", "SET", "VALUES"];

/// Whether RIGHT follows before the parenthesis is closed.
fn right_join(tokens: &[TokenWithSpan]) -> bool {
    let mut depth = 0;
    // No join has so many tables that it would be longer.
    for token in tokens.iter().take(100_000) {
        match &token.token {
            Token::LParen => depth += 1,
            Token::RParen if depth == 0 => return false,
            Token::RParen => depth -= 1,
            Token::Word(word) if depth == 0 && word.value.eq_ignore_ascii_case("RIGHT") => {
                return true;
            }
            _ => {}
        }
    }
    false
}

/// Sets right what MySQL cuts otherwise: a variable's sign and name are one token, operators run into each other are two.
fn split_or_join(before: &mut Vec<TokenWithSpan>, next: &mut TokenWithSpan, sql: &[u8]) {
    let (start, end) = (byte_at(next.span.start), byte_at(next.span.end));
    let (Some(start), Some(end)) = (start, end) else {
        return;
    };
    let parts = match next.token {
        Token::ArrowAt => Some((Token::Lt, Token::AtSign)),
        Token::CaretAt => Some((Token::Caret, Token::AtSign)),
        Token::DoubleExclamationMark => Some((Token::ExclamationMark, Token::ExclamationMark)),
        Token::ExclamationMarkTilde => Some((Token::ExclamationMark, Token::Tilde)),
        Token::DoubleTilde => Some((Token::Tilde, Token::Tilde)),
        _ => None,
    };
    if let Some((first, second)) = parts {
        before.push(token(first, start, start + 1));
        *next = token(second, start + 1, end);
        return;
    }
    let Some(last) = before.last() else {
        return;
    };
    if byte_at(last.span.end) != Some(start) {
        return;
    }
    if let (Token::Number(digits, false), Token::Word(word)) = (&last.token, &next.token)
        && digits.bytes().all(|digit| digit.is_ascii_digit())
        && word.value.starts_with(['e', 'E'])
    {
        // 1ea: the tokenizer takes the letter for an exponent's, and no digits follow.
        let name = format!("{digits}{}", word.value);
        let first = byte_at(last.span.start).unwrap_or(start);
        before.pop();
        *next = token(Token::make_word(&name, None), first, end);
        return;
    }
    if let (Token::HexStringLiteral(_), Token::Word(word)) = (&last.token, &next.token)
        && let Some(first) = byte_at(last.span.start)
        && sql[first] == b'0'
    {
        // 0x4g: not a number, but a name.
        let name = format!("{}{}", String::from_utf8_lossy(&sql[first..start]), word.value);
        before.pop();
        *next = token(Token::make_word(&name, None), first, end);
        return;
    }
    let sign = match &last.token {
        Token::AtSign | Token::AtAt => true,
        Token::Word(word) => word.quote_style.is_none() && word.value.starts_with('@'),
        _ => false,
    };
    let named = matches!(
        next.token,
        Token::Word(_)
            | Token::Number(..)
            | Token::Period
            | Token::SingleQuotedString(_)
            | Token::DoubleQuotedString(_)
    );
    // A quoted name ends where its quote does.
    let open = byte_at(last.span.end).is_some_and(|at| !matches!(sql[at - 1], b'\'' | b'"'));
    if sign && named && open {
        let first = byte_at(last.span.start).unwrap_or(start);
        before.pop();
        let text = String::from_utf8_lossy(&sql[first..end]).into_owned();
        *next = token(Token::make_word(&text, None), first, end);
    }
}
