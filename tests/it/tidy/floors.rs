//! Who may import whom: the order of the floors, and the order inside of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::imports::{Placed, module_of, paths, tokens, without_tests};
use super::{none, sources};
use crate::server::repository;

/// The floors, lowest first, with the folders of each, lowest first. Code may name what stands in its own folder and below.
/// A floor without folders is one.
const FLOORS: &[(&str, &[&str])] = &[
    ("common", &[]),
    ("config", &[]),
    ("storage", &["codec", "engine", "proto", "api", "mvcc", "raft", "region", "routing", "txn"]),
    // Placement maps regions, and storage says what a region is.
    ("placement", &[]),
    ("protocol", &[]),
    (
        "sql",
        &[
            "kv",
            "types",
            "digest",
            "fulltext",
            "functions",
            "expr",
            "parser",
            "accounts",
            "statement",
            "catalog",
            "stats",
            "system",
            "table_codec",
            "program",
            "access",
            "plan",
            "exec",
            "stored",
            "ddl",
            "analyze",
        ],
    ),
    (
        "actors",
        &[
            "tls", "runtime", "intake", "bridge", "pd", "store", "kv", "ddl", "stats", "session",
            "gateway", "admin", "node",
        ],
    ),
    ("cli", &[]),
];

/// What names something above it all the same: the folder, what it names, and why. May only become shorter.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    (
        "sql::functions",
        "sql::expr",
        "a function is given its arguments as expressions, and evaluates those it needs",
    ),
    (
        "sql::catalog",
        "sql::plan",
        "the hidden column of an indexed expression has the type that binding the expression gives",
    ),
];

/// A folder of the order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Folder {
    /// Its floor.
    pub(super) floor: &'static str,
    /// Its path from the root: `sql::expr`.
    pub(super) module: Vec<String>,
}

/// All of them, lowest first.
pub(super) fn folders() -> Vec<Folder> {
    let mut all = Vec::new();
    for (floor, inner) in FLOORS {
        if inner.is_empty() {
            all.push(Folder { floor, module: vec![(*floor).to_owned()] });
        }
        for name in *inner {
            all.push(Folder { floor, module: vec![(*floor).to_owned(), (*name).to_owned()] });
        }
    }
    all
}

/// The position in the order of the folder that a module stands in.
pub(super) fn position(folders: &[Folder], module: &[String]) -> Option<usize> {
    folders.iter().position(|folder| module.starts_with(&folder.module))
}

/// A file of `src`, without what only tests compile.
pub(super) struct Source {
    /// From the root of the repository.
    pub(super) file: PathBuf,
    pub(super) module: Vec<String>,
    pub(super) tokens: Vec<Placed>,
}

/// All files that the server is made of, and all modules there are.
pub(super) fn production() -> (Vec<Source>, BTreeSet<Vec<String>>) {
    let src = repository("src");
    let mut files = Vec::new();
    let mut hidden = BTreeSet::new();
    let mut modules = BTreeSet::new();
    for path in sources(&src) {
        let file = path.strip_prefix(&src).unwrap();
        let module = module_of(file);
        let (tokens, for_tests) = without_tests(&tokens(&std::fs::read_to_string(&path).unwrap()));
        for name in for_tests {
            hidden.insert([module.clone(), vec![name]].concat());
        }
        modules.insert(module.clone());
        files.push(Source { file: Path::new("src").join(file), module, tokens });
    }
    files.retain(|file| !(1..=file.module.len()).any(|n| hidden.contains(&file.module[..n])));
    (files, modules)
}

#[test]
fn every_folder_has_its_place_in_the_order() {
    let folders = folders();
    let mut findings = Vec::new();
    let (files, _) = production();
    for file in &files {
        let is_root = file.module.len() < 2
            && (file.module.is_empty() || FLOORS.iter().any(|floor| floor.0 == file.module[0]));
        if position(&folders, &file.module).is_none() && !is_root {
            findings.push(format!("{}: not in the order of floors.rs", file.file.display()));
        }
    }
    for folder in &folders {
        if !files.iter().any(|file| file.module.starts_with(&folder.module)) {
            findings.push(format!("{} is in the order, but not there", folder.module.join("::")));
        }
    }
    none(findings);
}

#[test]
fn code_names_only_what_stands_below_it() {
    let folders = folders();
    let (files, modules) = production();
    let mut findings = Vec::new();
    let mut used: BTreeMap<&str, usize> = BTreeMap::new();
    for file in &files {
        let Some(here) = position(&folders, &file.module) else { continue };
        for (line, path) in paths(&file.tokens, &file.module, &modules) {
            if position(&folders, &path).is_none_or(|there| there <= here) {
                continue;
            }
            let (from, to) = (folders[here].module.join("::"), path.join("::"));
            let exception = EXCEPTIONS.iter().find(|(folder, target, _)| {
                *folder == from && (to == *target || to.starts_with(&format!("{target}::")))
            });
            match exception {
                Some((_, target, _)) => *used.entry(target).or_default() += 1,
                None => findings
                    .push(format!("{}:{line}: {from} names {to} above it", file.file.display())),
            }
        }
    }
    for (from, to, _) in EXCEPTIONS {
        if !used.contains_key(to) {
            findings.push(format!("the exception {from} → {to} is not needed any more"));
        }
    }
    none(findings);
}
