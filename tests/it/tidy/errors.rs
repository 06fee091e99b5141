//! What the documents say of errors, and where the code has their numbers.

use std::collections::BTreeMap;

use troupedb::common::errno;

use super::{is_test, none, production, sources};
use crate::server::repository;

#[test]
fn each_error_that_an_operator_can_meet_is_described() {
    let page = std::fs::read_to_string(repository("docs/errors.md")).unwrap();
    let mut described: BTreeMap<u16, &str> = BTreeMap::new();
    let mut findings = Vec::new();
    for part in page.split("\n### ").skip(1) {
        let (heading, text) = part.split_once('\n').expect("a heading has a line");
        let (code, _) = heading.split_once(": ").expect("a heading begins with a number");
        let code = code.parse().expect("a heading begins with a number");
        if described.insert(code, text).is_some() {
            findings.push(format!("{code} is described twice"));
        }
    }
    for error in errno::OPERATIONAL {
        match described.remove(&error.code) {
            None => findings.push(format!("{} ({}) is not described", error.code, error.name)),
            Some(text) if text.trim().len() < 80 => {
                findings.push(format!("{} is hardly described", error.code));
            }
            Some(_) => {}
        }
    }
    findings.extend(described.keys().map(|code| format!("{code} is not sent by anybody")));
    none(findings);
}

#[test]
fn each_error_number_has_its_name_in_one_table() {
    let mut findings = Vec::new();
    for path in sources(&repository("src")) {
        let text = std::fs::read_to_string(&path).unwrap();
        if is_test(&path) {
            continue;
        }
        let words: String = production(&text).split_whitespace().collect::<Vec<_>>().join(" ");
        for call in ["SqlError::new(", ".warn(", ".note(", ".warn_or_fail("] {
            for argument in words.split(call).skip(1) {
                if argument.trim_start().starts_with(|sign: char| sign.is_ascii_digit()) {
                    findings.push(format!("{}: {call} with a bare number", path.display()));
                }
            }
        }
    }
    none(findings);
}

#[test]
fn what_is_said_of_errors_is_sent_by_somebody() {
    let mut unused: BTreeMap<&str, u16> =
        errno::OPERATIONAL.iter().map(|error| (error.name, error.code)).collect();
    for path in sources(&repository("src")) {
        let text = std::fs::read_to_string(&path).unwrap();
        let table = path.ends_with("common/error/errno.rs");
        if !is_test(&path) && !table {
            unused.retain(|name, _| !production(&text).contains(&format!("errno::{name}")));
        }
    }
    none(unused.into_iter().map(|(name, code)| format!("nobody sends {code} ({name})")).collect());
}
