//! What ages in the documents is written from the code: the floors, the cast of actors, what is refused.
//!
//! `UPDATE_GOLDENFILES=1` writes it anew; otherwise a page that differs from the code is a finding.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use super::floors::{Source, folders, production};
use super::imports::Token;
use crate::server::repository;

/// Holds what stands between two comments of a page against `content`.
fn compare(page: &str, name: &str, content: &str) {
    let path = repository(page);
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    let opening = format!("<!-- generated: {name} -->\n");
    let closing = "<!-- end -->";
    let start = text.find(&opening).unwrap_or_else(|| panic!("{page} has no place for {name}"));
    let start = start + opening.len();
    let length = text[start..].find(closing).expect("a place has an end");
    if std::env::var_os("UPDATE_GOLDENFILES").is_some() {
        let text = [&text[..start], content, &text[start + length..]].concat();
        std::fs::write(&path, text).unwrap();
    } else {
        assert!(
            text[start..start + length] == *content,
            "{page} is not what the code says of {name}; UPDATE_GOLDENFILES=1 writes it anew:\n{content}"
        );
    }
}

/// The first sentence of a comment whose lines begin with `mark`.
fn sentence<'a>(lines: impl Iterator<Item = &'a str>, mark: &str) -> String {
    let text: Vec<&str> =
        lines.map_while(|line| line.trim_start().strip_prefix(mark)).map(str::trim).collect();
    let text = text.split(|line| line.is_empty()).next().unwrap_or_default().join(" ");
    let end = text.find(". ").unwrap_or(text.len());
    let text = text[..end].trim_end_matches(['.', ':']).replace('|', "\\|");
    text.replace("[`", "`").replace("`]", "`")
}

fn text_of(module: &[String]) -> (String, String) {
    let base = format!("src/{}", module.join("/"));
    for file in [format!("{base}/mod.rs"), format!("{base}.rs")] {
        if let Ok(text) = std::fs::read_to_string(repository(&file)) {
            return (file, text);
        }
    }
    panic!("no file for {}", module.join("::"));
}

#[test]
fn the_floors_are_drawn_as_they_stand() {
    let mut out = String::from("| floor | folder | what it is |\n|---|---|---|\n");
    let mut last = "";
    for folder in folders().iter().rev() {
        let (file, text) = text_of(&folder.module);
        let floor = if last == folder.floor { "" } else { folder.floor };
        last = folder.floor;
        let inner = folder.module.get(1).map_or("", String::as_str);
        let shown = if inner.is_empty() { "" } else { &format!("[`{inner}`](../../{file})") };
        let floor = match (floor, inner) {
            ("", _) => String::new(),
            (_, "") => format!("[`{floor}`](../../{file})"),
            _ => format!("`{floor}`"),
        };
        writeln!(out, "| {floor} | {shown} | {} |", sentence(text.lines(), "//!")).unwrap();
    }
    compare("docs/architecture/index.md", "floors", &out);
}

/// The words between an `impl Actor for` and the end of its block.
fn implementation(source: &Source, from: usize) -> (&str, Vec<&str>, Option<&str>) {
    let Token::Word(name) = &source.tokens[from].1 else { panic!("an actor has a name") };
    let (mut depth, mut words, mut kind) = (0_usize, Vec::new(), None);
    for (_, token) in &source.tokens[from + 1..] {
        match token {
            Token::Sign('{') => depth += 1,
            Token::Sign('}') if depth == 1 => break,
            Token::Sign('}') => depth -= 1,
            Token::Word(word) => words.push(word.as_str()),
            Token::Text(text) => kind = kind.or(Some(text.as_str())),
            _ => {}
        }
    }
    (name, words, kind)
}

/// What the comment above a type says of it, in the file that makes it an actor or near that.
fn said_of(name: &str, file: &Path) -> String {
    let here = repository(file.to_str().unwrap());
    let mut places = vec![here.clone()];
    places.extend(super::sources(here.parent().unwrap()));
    for path in places {
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let definition = lines.iter().position(|line| {
            line.split_once("struct ").is_some_and(|(before, after)| {
                (before.is_empty() || before.starts_with("pub"))
                    && after
                        .strip_prefix(name)
                        .is_some_and(|rest| rest.starts_with([' ', ';', '(', '<']))
            })
        });
        let Some(mut end) = definition else { continue };
        while end > 0 && lines[end - 1].starts_with("#[") {
            end -= 1;
        }
        let length = lines[..end].iter().rev().take_while(|line| line.starts_with("///")).count();
        if length > 0 {
            return sentence(lines[end - length..end].iter().copied(), "///");
        }
    }
    panic!("nothing is said of {name}");
}

#[test]
fn the_cast_is_as_it_is_listed() {
    let mut rows: BTreeMap<(usize, &str), String> = BTreeMap::new();
    let folders = folders();
    let (files, _) = production();
    for source in &files {
        for at in 0..source.tokens.len().saturating_sub(3) {
            let word = |at: usize| match &source.tokens[at].1 {
                Token::Word(word) => word.as_str(),
                _ => "",
            };
            if (word(at), word(at + 1), word(at + 2)) != ("impl", "Actor", "for") {
                continue;
            }
            let (name, words, kind) = implementation(source, at + 3);
            let Some(kind) = kind else { continue };
            let full = match words.iter().position(|word| *word == "Overflow") {
                Some(position) => words[position + 1].to_lowercase(),
                None => "reject".to_owned(),
            };
            let panic = ["escalate", "stop"].into_iter().find(|what| {
                words.windows(2).any(|pair| pair[0] == "Supervision" && pair[1] == *what)
            });
            let (floor, file) = (super::floors::position(&folders, &source.module), &source.file);
            rows.insert(
                (floor.expect("an actor stands on a floor"), kind),
                format!(
                    "| `{kind}` | [`{name}`](../../{}) | {} | {full} | {} |\n",
                    file.display(),
                    said_of(name, file),
                    panic.unwrap_or("restart")
                ),
            );
        }
    }
    let mut out = String::from(
        "| kind | actor | what it is | full mailbox | panic |\n|---|---|---|---|---|\n",
    );
    out.extend(rows.values().rev().map(String::as_str));
    compare("docs/architecture/cast.md", "cast", &out);
}

/// The texts in the brackets that follow the token at `at`.
fn texts_in_brackets(source: &Source, at: usize) -> Vec<&str> {
    let (mut depth, mut found) = (0_usize, Vec::new());
    for (_, token) in &source.tokens[at..] {
        match token {
            Token::Sign('(' | '{' | '[') => depth += 1,
            Token::Sign(')' | '}' | ']') => depth = depth.saturating_sub(1),
            Token::Text(text) => found.push(text.as_str()),
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    found
}

/// With this the parser is stopped; nobody is told so.
const INTERRUPTED: &str = "interrupted";

/// A format string with an ellipsis where a value goes.
fn with_gaps(text: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for c in text.chars() {
        match c {
            '{' => inside = true,
            '}' => {
                inside = false;
                out.push('…');
            }
            c if !inside => out.push(c),
            _ => {}
        }
    }
    out.replace("……", "…")
}

/// What a list of refused words in a module is a list of.
fn listed(module: &[String], word: &str) -> String {
    match module.last().map(String::as_str) {
        Some("show") => format!("SHOW {word}"),
        Some("functions") => format!("{}()", word.to_uppercase()),
        _ => word.to_owned(),
    }
}

#[test]
fn what_is_refused_is_listed() {
    let mut refused: BTreeMap<String, String> = BTreeMap::new();
    let (files, _) = production();
    for source in files.iter().filter(|source| source.module.first().is_some_and(|f| f == "sql")) {
        let by = source.module[..source.module.len().min(2)].join("::");
        for (at, (_, token)) in source.tokens.iter().enumerate() {
            let Token::Word(word) = token else { continue };
            let after = |offset: usize| source.tokens.get(at + offset).map(|(_, token)| token);
            let found: Vec<String> = match word.as_str() {
                "unsupported" => texts_in_brackets(source, at + 1)
                    .into_iter()
                    .map(with_gaps)
                    .filter(|text| text.contains(char::is_alphabetic) && text != INTERRUPTED)
                    .collect(),
                // `const UNSUPPORTED: &[&str] = &[…]`.
                "UNSUPPORTED" if after(1) == Some(&Token::Sign(':')) => {
                    let texts = texts_in_brackets(source, at + 9);
                    texts.into_iter().map(|text| listed(&source.module, text)).collect()
                }
                _ => continue,
            };
            refused.extend(found.into_iter().map(|what| (what, by.clone())));
        }
    }
    let mut out = String::from("| what | who refuses it |\n|---|---|\n");
    for (what, by) in refused {
        writeln!(out, "| {} | `{by}` |", what.replace('|', "\\|")).unwrap();
    }
    compare("docs/refused.md", "refused", &out);
}
