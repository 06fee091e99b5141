//! What the crates the server is built from allow, and where they come from: `deny.toml`, checked without cargo-deny.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

use crate::server::{repository, run};

const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(repository(""));
    command
}

/// Every package of the build, tests included, as `cargo metadata` tells it.
fn packages() -> Vec<Value> {
    let version = run(cargo().arg("-vV"));
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned();
    let arguments = ["metadata", "--format-version=1", "--locked", "--offline"];
    let told = run(cargo().args(arguments).args(["--filter-platform", &host]));
    let mut metadata: Value = serde_json::from_str(&told).unwrap();
    let Value::Array(packages) = metadata["packages"].take() else { panic!("no packages: {told}") };
    assert!(packages.len() > 100, "{} packages", packages.len());
    packages
}

fn name(package: &Value) -> String {
    format!("{} {}", package["name"].as_str().unwrap(), package["version"].as_str().unwrap())
}

fn deny() -> toml::Table {
    std::fs::read_to_string(repository("deny.toml")).unwrap().parse().unwrap()
}

/// Whether an SPDX expression can be met with the allowed licences alone: `OR` lets choose, `AND` binds closer.
struct Expression<'a> {
    words: std::iter::Peekable<std::vec::IntoIter<&'a str>>,
    allowed: &'a BTreeSet<String>,
}

impl<'a> Expression<'a> {
    fn is_met(text: &'a str, allowed: &'a BTreeSet<String>) -> bool {
        let mut words = Vec::new();
        for word in text.split_whitespace() {
            // A slash is an old way to write OR.
            for (at, part) in word.split('/').enumerate() {
                words.extend((at > 0).then_some("OR"));
                let inner = part.trim_start_matches('(');
                words.extend((0..part.len() - inner.len()).map(|_| "("));
                let core = inner.trim_end_matches(')');
                words.extend((!core.is_empty()).then_some(core));
                words.extend((0..inner.len() - core.len()).map(|_| ")"));
            }
        }
        let mut expression = Expression { words: words.into_iter().peekable(), allowed };
        let met = expression.either();
        assert_eq!(expression.words.next(), None, "'{text}' is not an SPDX expression");
        met
    }

    fn either(&mut self) -> bool {
        let mut met = self.both();
        while self.words.next_if_eq(&"OR").is_some() {
            met |= self.both();
        }
        met
    }

    fn both(&mut self) -> bool {
        let mut met = self.one();
        while self.words.next_if_eq(&"AND").is_some() {
            met &= self.one();
        }
        met
    }

    fn one(&mut self) -> bool {
        match self.words.next().expect("an expression does not end with an operator") {
            "(" => {
                let met = self.either();
                assert_eq!(self.words.next(), Some(")"), "a parenthesis is not closed");
                met
            }
            licence => match self.words.next_if_eq(&"WITH") {
                None => self.allowed.contains(licence),
                Some(_) => {
                    let exception = self.words.next().expect("WITH names an exception");
                    // An exception only ever permits more.
                    self.allowed.contains(licence)
                        || self.allowed.contains(&format!("{licence} WITH {exception}"))
                }
            },
        }
    }
}

#[test]
fn licence_expressions_are_read() {
    let allowed = BTreeSet::from(["MIT".to_owned(), "ISC".to_owned(), "A WITH x".to_owned()]);
    for (text, met) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("GPL-3.0 OR MIT", true),
        ("GPL-3.0/MIT", true),
        ("MIT AND ISC", true),
        ("MIT AND GPL-3.0", false),
        ("(GPL-3.0 OR MIT) AND ISC", true),
        ("GPL-3.0 OR MIT AND BSD", false),
        ("A WITH x", true),
        ("A", false),
        ("MIT WITH y", true),
    ] {
        assert_eq!(Expression::is_met(text, &allowed), met, "{text}");
    }
}

#[test]
fn every_crate_has_a_licence_that_deny_toml_allows() {
    let deny = deny();
    let allowed = deny["licenses"]["allow"].as_array().unwrap();
    let allowed = allowed.iter().map(|licence| licence.as_str().unwrap().to_owned()).collect();
    let mut findings = Vec::new();
    for package in packages() {
        match package["license"].as_str() {
            Some(licence) if Expression::is_met(licence, &allowed) => {}
            licence => findings.push(format!("{}: {licence:?}", name(&package))),
        }
    }
    assert!(findings.is_empty(), "not allowed by deny.toml:\n{}", findings.join("\n"));
}

#[test]
fn every_crate_comes_from_the_registry_and_is_asked_for_by_version() {
    let mut findings = Vec::new();
    for package in packages() {
        match package["source"].as_str() {
            Some(CRATES_IO) => {}
            None if package["name"] == "troupedb" => {
                for dependency in package["dependencies"].as_array().unwrap() {
                    if dependency["req"] == "*" {
                        findings
                            .push(format!("{} is asked for by any version", dependency["name"]));
                    }
                }
            }
            source => findings.push(format!("{} comes from {source:?}", name(&package))),
        }
    }
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

#[test]
fn every_crate_that_cargo_toml_names_is_on_the_page_and_no_other() {
    let manifest: toml::Table =
        std::fs::read_to_string(repository("Cargo.toml")).unwrap().parse().unwrap();
    let mut named = BTreeSet::new();
    for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
        named.extend(manifest[section].as_table().unwrap().keys().cloned());
    }
    let page = std::fs::read_to_string(repository("docs/architecture/dependencies.md")).unwrap();
    let mut listed = BTreeSet::new();
    for line in page.lines().filter(|line| line.starts_with("| `")) {
        let cell = line.split('|').nth(1).unwrap();
        listed.extend(cell.split('`').skip(1).step_by(2).map(str::to_owned));
    }
    let missing: Vec<_> = named.difference(&listed).collect();
    let gone: Vec<_> = listed.difference(&named).collect();
    assert!(missing.is_empty() && gone.is_empty(), "not on the page: {missing:?}; gone: {gone:?}");
}
