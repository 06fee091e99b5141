//! The house rules that a compiler does not check.

mod documents;
mod errors;
mod floors;
mod generated;
mod imports;
mod ratchets;
mod wild;

use std::path::{Path, PathBuf};

use crate::server::repository;

fn sources(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The part of a file before its tests.
fn production(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text)
}

fn is_test(path: &Path) -> bool {
    path.iter().any(|part| part == "tests")
        || path
            .file_stem()
            .is_some_and(|stem| stem == "tests" || stem == "testing" || stem == "conformance")
}

/// Fails with every finding, so that one run shows them all.
fn none(findings: Vec<String>) {
    assert!(findings.is_empty(), "\n{}", findings.join("\n"));
}

#[test]
fn every_module_opens_with_its_chapter() {
    let mut findings = Vec::new();
    for path in sources(&repository("src")) {
        let text = std::fs::read_to_string(&path).unwrap();
        if !is_test(&path) && !text.starts_with("//!") {
            findings.push(format!("{}: no chapter", path.display()));
        }
    }
    none(findings);
}

#[test]
fn nothing_is_left_undone() {
    let marks = ["todo!(", "unimplemented!(", "dbg!(", "TODO", "FIXME", "XXX"];
    let mut findings = Vec::new();
    for path in sources(&repository("src")) {
        for (number, line) in std::fs::read_to_string(&path).unwrap().lines().enumerate() {
            if let Some(mark) = marks.iter().find(|mark| line.contains(**mark)) {
                findings.push(format!("{}:{}: {mark}", path.display(), number + 1));
            }
        }
    }
    none(findings);
}

#[test]
fn logs_are_short_sentences_with_fields() {
    let mut findings = Vec::new();
    for path in sources(&repository("src")) {
        for (number, line) in std::fs::read_to_string(&path).unwrap().lines().enumerate() {
            for level in ["error!(", "warn!(", "info!(", "debug!(", "trace!("] {
                let Some((before, call)) = line.split_once(level) else { continue };
                if before.trim_end().ends_with(|c: char| c.is_alphanumeric() || c == '_') {
                    continue;
                }
                if call.trim_start().starts_with('"')
                    && call.trim_start()[1..].starts_with(|c: char| c.is_uppercase())
                {
                    findings.push(format!(
                        "{}:{}: a log line starts with a capital",
                        path.display(),
                        number + 1
                    ));
                }
            }
        }
    }
    none(findings);
}

/// Every attribute that switches a lint off, from `#[` to `]`, with its line.
fn allowances(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for start in ["allow(", "expect("] {
        for opening in ["#[", "#!["] {
            let attribute = format!("{opening}{start}");
            for (at, _) in text.match_indices(&attribute) {
                let line = text[..at].lines().count() + 1;
                let end = text[at..].find(")]").map_or(text.len(), |length| at + length);
                found.push((line, &text[at..end]));
            }
        }
    }
    found
}

#[test]
fn a_lint_is_switched_off_only_for_a_reason() {
    let mut files: Vec<PathBuf> = ["src", "tests", "benches"]
        .iter()
        .flat_map(|dir| sources(&repository(dir)))
        .filter(|path| !path.ends_with("tidy/mod.rs"))
        .collect();
    files.push(repository("build.rs"));
    let mut findings = Vec::new();
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        for (line, attribute) in allowances(&text) {
            if !attribute.contains("reason = ") {
                findings.push(format!("{}:{line}: {attribute}) gives no reason", path.display()));
            }
        }
    }
    none(findings);
}
