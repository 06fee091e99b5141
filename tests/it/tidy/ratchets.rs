//! What only ever gets better, by folder: how long files are, how much is said in comments, how much is asserted.
//!
//! Today's values stand in `tests/it/tidy/ratchets.txt`. A worse one is a finding; so is one that is better by more than a little, until it
//! has been written in. `UPDATE_GOLDENFILES=1` does that, and never loosens.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::floors::{folders, position, production};
use super::imports::{Token, module_of};
use super::{is_test, sources};
use crate::server::repository;

/// Lines that a file may have, of production code; of longer ones the longest counts.
const FILE_LINES: usize = 500;

/// The folders whose code decides: they say what they rely on.
const CORES: [&str; 2] = ["storage", "placement"];

/// The values of one folder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Values {
    /// Lines of its longest file, at least [`FILE_LINES`].
    longest: usize,
    /// Comments for readers of the documentation, in percent of all lines that are not empty.
    documented: usize,
    /// Assertions, in cores.
    asserted: usize,
}

impl Values {
    /// How much better a value may be before it has to be written in.
    const SLACK: Values = Values { longest: 50, documented: 4, asserted: 8 };

    fn is_worse_than(&self, other: &Values) -> bool {
        self.longest > other.longest
            // A percent is less than what a few lines of code make of it.
            || self.documented + 1 < other.documented
            || self.asserted < other.asserted
    }

    fn is_much_better_than(&self, other: &Values) -> bool {
        self.longest + Values::SLACK.longest < other.longest
            || self.documented > other.documented + Values::SLACK.documented
            || self.asserted > other.asserted + Values::SLACK.asserted
    }

    fn best(&self, other: &Values) -> Values {
        Values {
            longest: self.longest.min(other.longest),
            documented: self.documented.max(other.documented),
            asserted: self.asserted.max(other.asserted),
        }
    }
}

fn is_assertion(word: &str) -> bool {
    ["assert", "assert_eq", "assert_ne"].contains(&word.strip_prefix("debug_").unwrap_or(word))
}

/// What the folders are like.
fn measured() -> BTreeMap<String, Values> {
    let folders = folders();
    let name = |at: usize| folders[at].module.join("::");
    let mut all: BTreeMap<String, Values> = BTreeMap::new();
    let mut lines: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let src = repository("src");
    for path in sources(&src).iter().filter(|path| !is_test(path)) {
        let module = module_of(path.strip_prefix(&src).unwrap());
        let Some(at) = position(&folders, &module) else { continue };
        let text = std::fs::read_to_string(path).unwrap();
        let text = super::production(&text);
        let entry = all
            .entry(name(at))
            .or_insert_with(|| Values { longest: FILE_LINES, ..Values::default() });
        entry.longest = entry.longest.max(text.lines().count());
        let (documented, written) = lines.entry(name(at)).or_default();
        for line in text.lines().map(str::trim_start).filter(|line| !line.is_empty()) {
            *written += 1;
            *documented += usize::from(line.starts_with("///") || line.starts_with("//!"));
        }
    }
    for (folder, (documented, written)) in lines {
        all.entry(folder).or_default().documented = documented * 100 / written;
    }
    let (files, _) = production();
    for file in
        files.iter().filter(|file| CORES.contains(&file.module[..].first().map_or("", |f| f)))
    {
        let Some(at) = position(&folders, &file.module) else { continue };
        let found = file
            .tokens
            .iter()
            .filter(|(_, token)| matches!(token, Token::Word(word) if is_assertion(word)));
        all.entry(name(at)).or_default().asserted += found.count();
    }
    all
}

fn read(text: &str) -> BTreeMap<String, Values> {
    let number = |field: &str| field.parse().expect("a value is a number");
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let [folder, longest, documented, asserted] = fields[..] else {
                panic!("not a line of values: {line}")
            };
            let values = Values {
                longest: number(longest),
                documented: number(documented),
                asserted: number(asserted),
            };
            (folder.to_owned(), values)
        })
        .collect()
}

#[test]
fn nothing_gets_worse() {
    let path = repository("tests/it/tidy/ratchets.txt");
    let allowed = read(&std::fs::read_to_string(&path).unwrap_or_default());
    let measured = measured();
    if std::env::var_os("UPDATE_GOLDENFILES").is_some() {
        let mut out =
            String::from("# folder, lines of the longest file, documented %, assertions\n");
        for (folder, values) in &measured {
            let values = allowed.get(folder).map_or(*values, |before| values.best(before));
            let Values { longest, documented, asserted } = values;
            writeln!(out, "{folder:<20} {longest:>4} {documented:>3} {asserted:>4}").unwrap();
        }
        std::fs::write(&path, out).unwrap();
    }
    let mut findings = Vec::new();
    for (folder, values) in &measured {
        match allowed.get(folder) {
            None => findings.push(format!("{folder} is new: write in {values:?}")),
            Some(before) if values.is_worse_than(before) => {
                findings.push(format!("{folder} got worse: {values:?}, was {before:?}"));
            }
            Some(before) if values.is_much_better_than(before) => {
                findings.push(format!("{folder} is better: write in {values:?}, was {before:?}"));
            }
            Some(_) => {}
        }
    }
    for folder in allowed.keys().filter(|folder| !measured.contains_key(*folder)) {
        findings.push(format!("{folder} is gone, and still has its line"));
    }
    super::none(findings);
}
