//! Matches over the kinds of types and of values say what they do with each: `_ =>` would take a kind that is added later for another
//! one, silently. Where it is right all the same, a comment above it says why.

use super::floors::production;
use super::imports::{Placed, Token};
use super::none;
use crate::server::repository;

/// The enums that a new type adds to.
const KINDS: [&str; 4] = ["TypeKind", "Datum", "Class", "BinaryForm"];

fn is(token: Option<&Placed>, sign: char) -> bool {
    matches!(token, Some((_, Token::Sign(found))) if *found == sign)
}

fn opens(token: &Token) -> bool {
    matches!(token, Token::Sign('(' | '[' | '{'))
}

fn closes(token: &Token) -> bool {
    matches!(token, Token::Sign(')' | ']' | '}'))
}

/// The index behind what is open at `at`.
fn behind(tokens: &[Placed], mut at: usize) -> usize {
    let mut depth = 0;
    while let Some((_, token)) = tokens.get(at) {
        depth += usize::from(opens(token));
        depth -= usize::from(closes(token));
        at += 1;
        if depth == 0 {
            break;
        }
    }
    at
}

/// Where the arms of the `match` at `at` begin.
fn arms_of(tokens: &[Placed], mut at: usize) -> Option<usize> {
    loop {
        match &tokens.get(at)?.1 {
            Token::Sign('{') => return Some(at + 1),
            Token::Sign('(' | '[') => at = behind(tokens, at),
            Token::Sign(';' | '}') => return None,
            _ => at += 1,
        }
    }
}

/// The patterns of the arms that begin at `at`.
fn patterns(tokens: &[Placed], mut at: usize) -> Vec<&[Placed]> {
    let mut found = Vec::new();
    while at < tokens.len() && !is(tokens.get(at), '}') {
        let start = at;
        while at < tokens.len() && !(is(tokens.get(at), '=') && is(tokens.get(at + 1), '>')) {
            at = if opens(&tokens[at].1) { behind(tokens, at) } else { at + 1 };
        }
        found.push(&tokens[start..at.min(tokens.len())]);
        at += 2;
        let is_block = is(tokens.get(at), '{');
        if is_block {
            at = behind(tokens, at);
        }
        if !is_block || is(tokens.get(at), '.') || is(tokens.get(at), '?') {
            while at < tokens.len() && !is(tokens.get(at), ',') && !closes(&tokens[at].1) {
                at = if opens(&tokens[at].1) { behind(tokens, at) } else { at + 1 };
            }
        }
        at += usize::from(is(tokens.get(at), ','));
    }
    found
}

fn names_a_kind(pattern: &[Placed]) -> bool {
    pattern.windows(2).any(|pair| {
        matches!(&pair[0].1, Token::Word(word) if KINDS.contains(&word.as_str()))
            && pair[1].1 == Token::Colons
    })
}

/// Whether a comment stands above an arm: what is not named there, and why that is right.
fn has_reason(text: &str, line: usize) -> bool {
    let above = line.checked_sub(2).and_then(|above| text.lines().nth(above));
    above.is_some_and(|above| above.trim_start().starts_with("//"))
}

#[test]
fn matches_over_kinds_say_what_they_do_with_each() {
    let mut findings = Vec::new();
    for file in &production().0 {
        let text = std::fs::read_to_string(repository(&file.file.to_string_lossy()));
        let text = text.expect("a source file can be read");
        for (at, (line, token)) in file.tokens.iter().enumerate() {
            if *token != Token::Word("match".to_owned()) {
                continue;
            }
            let Some(arms) = arms_of(&file.tokens, at + 1) else { continue };
            let patterns = patterns(&file.tokens, arms);
            let is_wild = |pattern: &&[Placed]| match pattern {
                [(at, Token::Word(word))] => word == "_" && !has_reason(&text, *at),
                _ => false,
            };
            if patterns.iter().any(|pattern| names_a_kind(pattern)) && patterns.iter().any(is_wild)
            {
                findings.push(format!("{}:{line}", file.file.display()));
            }
        }
    }
    none(findings);
}
