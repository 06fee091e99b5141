//! What the documents say is there: links, paths, symbols, settings, commands and metrics.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::imports::{Token, tokens};
use super::{is_test, none, sources};
use crate::server::repository;

/// The pages that people read.
fn pages() -> Vec<PathBuf> {
    let mut pages = vec![repository("README.md"), repository("CONTRIBUTING.md")];
    for dir in ["docs", "docs/architecture"] {
        let entries =
            std::fs::read_dir(repository(dir)).unwrap().map(|entry| entry.unwrap().path());
        pages.extend(entries.filter(|path| path.extension().is_some_and(|end| end == "md")));
    }
    pages.sort();
    pages
}

#[test]
fn links_in_the_documents_lead_somewhere() {
    let mut findings = Vec::new();
    for page in pages() {
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

/// What stands in backticks on a page, with its line.
fn quoted(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut fenced = false;
    for (number, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            let odd = line.split('`').enumerate().filter(|(position, _)| position % 2 == 1);
            found.extend(odd.map(|(_, words)| (number + 1, words)));
        }
    }
    found
}

/// The calls of `troupe` in the examples of a page.
fn commands(text: &str) -> Vec<(usize, &str)> {
    let calls = text.lines().enumerate().filter(|(_, line)| line.starts_with("troupe "));
    calls.map(|(number, line)| (number + 1, line)).collect()
}

/// What there is to be named.
struct Known {
    /// Files and folders, from the root.
    files: BTreeSet<String>,
    /// Every name in the code, the schemas of messages and the scripts.
    words: BTreeSet<String>,
    /// Text in which settings, options and SQL are looked for as they are written.
    text: String,
    /// The settings: `store.region-size`.
    settings: BTreeSet<String>,
    /// The names of other crates, as code writes them.
    crates: BTreeSet<String>,
}

/// Folders with files that a page may name.
const ROOTS: [&str; 7] = ["src", "tests", "benches", "proto", "config", "scripts", "docs"];

fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("node_modules") {
            walk(&path, found);
        }
        found.push(path);
    }
}

/// Whether a name is written as types are: `RegionPeer`.
fn is_type_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.contains(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_alphanumeric())
}

/// A command as the code has it: `scale-out` is `ScaleOut`.
fn variant(command: &str) -> String {
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    command.split('-').filter(|word| !word.is_empty()).map(capital).collect()
}

/// The settings of the file in which each has a line.
fn settings() -> BTreeSet<String> {
    let file = std::fs::read_to_string(repository("config/troupe.toml")).unwrap();
    let (mut found, mut section) = (BTreeSet::new(), String::new());
    for line in file.lines() {
        let line = line.trim_start_matches(['#', ' ']);
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            name.clone_into(&mut section);
            found.insert(section.clone());
        } else if let Some((key, _)) = line.split_once('=') {
            found.insert(format!("{section}.{}", key.trim()).trim_start_matches('.').to_owned());
        }
    }
    found
}

impl Known {
    fn new() -> Known {
        let root = repository("");
        let mut paths: Vec<PathBuf> = std::fs::read_dir(&root)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_file())
            .collect();
        for dir in ROOTS {
            walk(&root.join(dir), &mut paths);
            paths.push(root.join(dir));
        }
        let mut known = Known {
            files: BTreeSet::new(),
            words: BTreeSet::new(),
            text: String::new(),
            settings: settings(),
            crates: BTreeSet::new(),
        };
        for path in paths {
            let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
            let is_code = ["rs", "proto"].iter().any(|end| name.ends_with(&format!(".{end}")));
            let is_text =
                ["rs", "proto", "toml", "sh", "py", "sql", "result", "html", "yml", "lock"]
                    .iter()
                    .any(|end| name.ends_with(&format!(".{end}")))
                    || name == "Makefile";
            if is_text
                && !name.contains("tests/it/data/")
                && !name.starts_with("tests/it/tidy")
                && let Ok(text) = std::fs::read_to_string(&path)
            {
                if is_code {
                    known.words.extend(tokens(&text).into_iter().filter_map(
                        |(_, token)| match token {
                            Token::Word(word) => Some(word),
                            _ => None,
                        },
                    ));
                }
                if name == "Cargo.lock" {
                    let crates = text.lines().filter_map(|line| line.strip_prefix("name = "));
                    known
                        .crates
                        .extend(crates.map(|name| name.trim_matches('"').replace('-', "_")));
                }
                known.text.push_str(&text);
            }
            known.files.insert(name);
        }
        known
    }

    /// Whether a path is there: from the root, from `src`, or a file that may be anywhere.
    fn has_path(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        self.files.contains(path)
            || self.files.contains(&format!("src/{path}"))
            || self.files.iter().any(|file| file.ends_with(&format!("/{path}")))
            || self.files.iter().any(|file| {
                file.strip_suffix(".rs").is_some_and(|file| file.ends_with(&format!("/{path}")))
            })
    }

    /// What is wrong with what stands in backticks, if anything is.
    fn trouble(&self, words: &str) -> Option<String> {
        let words = words.split('(').next().unwrap_or_default();
        if let Some(option) = words.strip_prefix("--") {
            let option = option.split(['=', ' ']).next().unwrap_or_default();
            let known =
                self.words.contains(&option.replace('-', "_")) || self.text.contains(option);
            return (!known).then(|| "no such option".to_owned());
        }
        if let Some(command) = words.strip_prefix("troupe ") {
            return self.command_trouble(command);
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:".contains(c);
        if !words.chars().all(plain) || words.starts_with(['-', '.', '/', ':']) {
            return None;
        }
        let is_file = [".rs", ".proto", ".toml", ".md", ".py", ".sql", ".sh", ".result"]
            .iter()
            .any(|end| words.ends_with(end));
        let root = words.split('/').next().unwrap_or_default();
        if is_file || (words.contains('/') && ROOTS.contains(&root)) {
            return (!self.has_path(words)).then(|| "no such file".to_owned());
        }
        if words.contains("::") {
            let mut parts = words.split("::");
            if parts.next().is_some_and(|first| first == "std" || self.crates.contains(first)) {
                return None;
            }
            let missing =
                words.split("::").find(|part| !part.is_empty() && !self.words.contains(*part));
            return missing.map(|part| format!("no `{part}` in the code"));
        }
        let (section, key) = words.split_once('.').unwrap_or_default();
        if self.settings.contains(section) && !key.is_empty() && !key.contains('/') {
            let known = self.settings.contains(words) || self.text.contains(words);
            return (!known).then(|| "no such setting".to_owned());
        }
        if words.contains(['/', ':', '.']) || words.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let known = if is_type_name(words) {
            self.words.contains(words)
        } else {
            let name = words.replace('-', "_");
            self.crates.contains(&name) || self.words.contains(&name) || self.has(words)
        };
        (!known).then(|| "nothing in the repository is called so".to_owned())
    }

    /// Whether something is written somewhere; SQL in any case.
    fn has(&self, words: &str) -> bool {
        let is_sql =
            words.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
        self.text.contains(words) || (is_sql && self.text.contains(&words.to_lowercase()))
    }

    /// What is wrong with the words behind `troupe`, as far as they name commands.
    fn command_trouble(&self, command: &str) -> Option<String> {
        command
            .split(' ')
            .take_while(|word| {
                !word.is_empty()
                    && word.chars().all(|c| c.is_ascii_lowercase() || c == '-')
                    && !word.starts_with('-')
            })
            // Names that are given to a command follow it.
            .take(2)
            .find(|word| !self.words.contains(&variant(word)))
            .map(|word| format!("no command {word}"))
    }
}

/// Names of things outside of this repository. May only become shorter where nothing names them any more.
const FOREIGN: &[&str] = &["epoll_wait", "etcd-client", "fancy-regex", "grpcurl"];

#[test]
fn what_the_documents_name_is_there() {
    let known = Known::new();
    assert!(known.settings.contains("registry.lease"), "{:?}", known.settings);
    let mut findings = Vec::new();
    let mut foreign = BTreeSet::new();
    for page in pages() {
        let text = std::fs::read_to_string(&page).unwrap();
        for (line, words) in quoted(&text).into_iter().chain(commands(&text)) {
            if FOREIGN.contains(&words) {
                foreign.insert(words.to_owned());
            } else if let Some(trouble) = known.trouble(words) {
                findings.push(format!("{}:{line}: `{words}`: {trouble}", page.display()));
            }
        }
    }
    for name in FOREIGN {
        if !foreign.contains(*name) {
            findings.push(format!("no page names {name}, which need not be known then"));
        }
    }
    none(findings);
}

/// The actors of the trees that a page draws, up to the first number in their names.
fn drawn(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let Some((_, entry)) = line.split_once("── ") else { continue };
        if !line.starts_with(['├', '│', '└']) {
            continue;
        }
        let names = entry.split("  ").next().unwrap_or_default();
        for name in names.split(", ").map(|name| name.trim_end_matches([' ', '…', '/'])) {
            let until_number = name.split(|c: char| c.is_ascii_digit()).next().unwrap_or_default();
            found.push((number + 1, until_number.to_owned()));
        }
    }
    found
}

#[test]
fn the_actors_that_are_drawn_are_there() {
    let sources: String = sources(&repository("src"))
        .iter()
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    let mut findings = Vec::new();
    let mut drawings = 0;
    for page in pages() {
        let text = std::fs::read_to_string(&page).unwrap();
        for (line, name) in drawn(&text) {
            drawings += 1;
            // Schedulers are actors named by data.
            let known = sources.contains(&format!("\"{name}")) || name.starts_with("scheduler/");
            if name.is_empty() || !known {
                findings.push(format!("{}:{line}: no actor is called {name}", page.display()));
            }
        }
    }
    assert!(drawings > 20, "trees are found");
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
