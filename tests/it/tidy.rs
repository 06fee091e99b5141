//! The house rules that a compiler does not check.

use std::path::{Path, PathBuf};

use crate::server::repository;

/// Lines of production code a file may have.
const FILE_LINES: usize = 700;
/// The floors, lowest first. A file may import from its own floor and those below.
const FLOORS: [&str; 8] =
    ["common", "config", "placement", "storage", "protocol", "sql", "actors", "cli"];

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
fn files_are_short() {
    let mut findings = Vec::new();
    for path in sources(&repository("src")).iter().filter(|path| !is_test(path)) {
        let lines = production(&std::fs::read_to_string(path).unwrap()).lines().count();
        if lines > FILE_LINES {
            findings.push(format!("{}: {lines} lines, at most {FILE_LINES}", path.display()));
        }
    }
    none(findings);
}

#[test]
fn every_module_opens_with_its_chapter() {
    let mut findings = Vec::new();
    for path in sources(&repository("src")) {
        let text = std::fs::read_to_string(&path).unwrap();
        if path.ends_with("mod.rs") && !text.starts_with("//!") {
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
fn floors_import_only_downwards() {
    let src = repository("src");
    let mut findings = Vec::new();
    for path in sources(&src) {
        let Some(floor) =
            path.strip_prefix(&src).unwrap().iter().next().and_then(|part| part.to_str())
        else {
            continue;
        };
        let Some(level) = FLOORS.iter().position(|name| *name == floor) else { continue };
        let text = std::fs::read_to_string(&path).unwrap();
        for (number, line) in production(&text).lines().enumerate() {
            for above in &FLOORS[level + 1..] {
                if line.contains(&format!("crate::{above}::"))
                    && !line.trim_start().starts_with("//")
                {
                    // The placement driver maps regions; their descriptor is storage's.
                    if floor == "placement" && *above == "storage" {
                        continue;
                    }
                    findings.push(format!(
                        "{}:{}: {floor} imports {above}",
                        path.display(),
                        number + 1
                    ));
                }
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

#[test]
fn links_in_the_documents_lead_somewhere() {
    let mut findings = Vec::new();
    let mut pages = vec![repository("README.md")];
    for dir in ["docs", "docs/architecture"] {
        pages.extend(
            std::fs::read_dir(repository(dir))
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .filter(|path| path.extension().is_some_and(|extension| extension == "md")),
        );
    }
    for page in pages {
        let text = std::fs::read_to_string(&page).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = link.split('#').next().unwrap_or_default();
            if file.is_empty() || file.contains("://") {
                continue;
            }
            if !page.parent().unwrap().join(file).exists() {
                findings.push(format!("{}: {link} leads nowhere", page.display()));
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
        .filter(|path| !path.ends_with("tidy.rs"))
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

/// Every `"troupe_…"` in the sources.
fn metric_names() -> Vec<String> {
    let mut names = Vec::new();
    for path in sources(&repository("src")).iter().filter(|path| !is_test(path)) {
        let text = std::fs::read_to_string(path).unwrap();
        for rest in text.split("\"troupe_").skip(1) {
            let name = rest.split('"').next().unwrap_or_default();
            if name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_') {
                names.push(format!("troupe_{name}"));
            }
        }
    }
    names.sort();
    names.dedup();
    names
}

#[test]
fn every_metric_is_documented_and_every_documented_one_exists() {
    let page = std::fs::read_to_string(repository("docs/architecture/admin.md")).unwrap();
    let names = metric_names();
    assert!(names.len() > 10, "{names:?}");
    let table: Vec<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `troupe_")?.split('`').next())
        .collect();
    let mut findings = Vec::new();
    for name in &names {
        if !table.contains(&&name["troupe_".len()..]) {
            findings.push(format!("{name} is not in the table of admin.md"));
        }
    }
    for name in table {
        if !names.contains(&format!("troupe_{name}")) {
            findings.push(format!("admin.md documents troupe_{name}, which nobody counts"));
        }
    }
    none(findings);
}
