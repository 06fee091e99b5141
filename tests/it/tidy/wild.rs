//! Matches over the kinds of types and of values say what they do with each: `_ =>` would take a kind that is added later for another
//! one, silently.

use std::collections::BTreeMap;

use super::floors::{folders, position, production};
use super::imports::{Placed, Token};
use super::none;

/// The enums that a new type adds to.
const KINDS: [&str; 4] = ["TypeKind", "Datum", "Class", "BinaryForm"];

/// How many such matches the folders still have that end in `_ =>`. May only become fewer.
const STILL: &[(&str, usize)] = &[
    ("sql::catalog", 1),
    ("sql::types", 5),
    ("sql::functions", 22),
    ("sql::expr", 5),
    ("sql::table_codec", 4),
    ("sql::plan", 4),
    ("sql::exec", 13),
    ("actors::session", 11),
];

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

#[test]
fn matches_over_kinds_say_what_they_do_with_each() {
    let folders = folders();
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in &production().0 {
        let Some(folder) = position(&folders, &file.module) else { continue };
        for (at, (line, token)) in file.tokens.iter().enumerate() {
            if *token != Token::Word("match".to_owned()) {
                continue;
            }
            let Some(arms) = arms_of(&file.tokens, at + 1) else { continue };
            let patterns = patterns(&file.tokens, arms);
            let is_wild =
                |pattern: &&[Placed]| matches!(pattern, [(_, Token::Word(word))] if word == "_");
            if patterns.iter().any(|pattern| names_a_kind(pattern)) && patterns.iter().any(is_wild)
            {
                let place = format!("{}:{line}", file.file.display());
                found.entry(folders[folder].module.join("::")).or_default().push(place);
            }
        }
    }
    let mut findings = Vec::new();
    for (folder, places) in &found {
        let still = STILL.iter().find(|(known, _)| known == folder).map_or(0, |(_, count)| *count);
        if places.len() != still {
            findings.push(format!("{folder}: {}, not {still}: {places:#?}", places.len()));
        }
    }
    for (folder, _) in STILL.iter().filter(|(folder, _)| !found.contains_key(*folder)) {
        findings.push(format!("{folder} has none any more, and still has its line"));
    }
    none(findings);
}
