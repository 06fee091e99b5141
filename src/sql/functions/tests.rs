//! What holds for all functions.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::definition::MANY;
use super::{
    AggregateKind, BY_NAME, Definition, FAMILIES, Function, NAME_BYTES, Named, Syntax,
    WindowDefinition, WindowKind, manual,
};

/// The operators, and all that is called by a name.
fn all() -> Vec<Function> {
    let named = FAMILIES.iter().flat_map(|(_, family)| *family);
    let named = named.map(|definition| Function::Named(Named(definition)));
    Function::OPERATORS.iter().copied().chain(named).collect()
}

#[test]
fn a_name_means_one_function() {
    let mut names = BTreeSet::new();
    for function in all() {
        let definition = function.definition();
        assert!(definition.min <= definition.max, "{definition:?}");
        assert!(definition.summary.ends_with('.'), "{definition:?}");
        if definition.syntax == Syntax::Form {
            continue;
        }
        for name in definition.names {
            assert!(names.insert(*name), "{name} is there twice");
            assert!(name.len() <= NAME_BYTES, "{name}");
            assert_eq!(*name, name.to_ascii_lowercase());
            assert_eq!(Function::named(&name.to_uppercase()), Some(function), "{name}");
        }
    }
    assert_eq!(names.len(), BY_NAME.len());
}

/// Every function and operator is computed in one of the expressions' scripts, by its name.
#[test]
fn every_function_has_a_script() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/sql/expr/testscripts");
    let scripts: String = std::fs::read_dir(folder)
        .expect("the scripts' folder is part of the project")
        .map(|entry| {
            let path = entry.expect("the folder can be read").path();
            std::fs::read_to_string(path).expect("a script can be read").to_lowercase()
        })
        .collect();
    let missing: Vec<&str> = all()
        .into_iter()
        .filter(|function| function.definition().syntax == Syntax::Call)
        .map(Function::name)
        .filter(|name| !scripts.contains(&format!("{name}(")))
        .collect();
    assert!(missing.is_empty(), "without a script: {missing:?}");
}

/// MySQL's functions that are not there. Those of dates that the parser makes operators of are.
fn refused() -> impl Iterator<Item = &'static str> {
    let names = manual::NAMES.split_whitespace();
    names.filter(|name| Function::named(name).is_none() && !["adddate", "subdate"].contains(name))
}

#[test]
fn what_is_not_there_is_refused_as_what_it_is() {
    assert!(refused().count() > 0);
    for name in refused() {
        let error = Function::by_name(name, 1).expect_err(name);
        assert_eq!(error.code, 1235, "{name}: {error}");
    }
    assert_eq!(Function::by_name("no_such", 1).expect_err("there is none").code, 1305);
}

fn arity(definition: &Definition) -> String {
    match (definition.min, definition.max) {
        (min, MANY) => format!("{min} or more"),
        (min, max) if min == max => min.to_string(),
        (min, max) => format!("{min} to {max}"),
    }
}

/// The documentation, of the definitions.
fn document() -> String {
    let mut text = String::from(
        "# Functions and operators\n\n\
         Made from their definitions in `src/sql/functions` by the test `functions::tests::the_document_is_true`;\n\
         `make golden` writes it anew.\n\n\
         ## Operators and forms\n\n| Name | Arguments | What it is |\n| --- | --- | --- |\n",
    );
    let line = |text: &mut String, definition: &Definition| {
        let names: Vec<String> = definition
            .names
            .iter()
            .map(|name| format!("`{}`", name.to_uppercase().replace('|', "\\|")))
            .collect();
        let (names, summary) = (names.join(", "), definition.summary);
        let _ = writeln!(text, "| {names} | {} | {summary} |", arity(definition));
    };
    for function in Function::OPERATORS {
        line(&mut text, function.definition());
    }
    for (title, family) in FAMILIES {
        let _ = write!(
            text,
            "\n## {title}\n\n| Name | Arguments | What it is |\n| --- | --- | --- |\n"
        );
        for definition in *family {
            line(&mut text, definition);
        }
    }
    text.push_str("\n## Aggregates\n\n| Name | What it is |\n| --- | --- |\n");
    for kind in AggregateKind::ALL {
        let definition = kind.definition();
        let names: Vec<String> =
            definition.names.iter().map(|name| format!("`{}`", name.to_uppercase())).collect();
        let _ = writeln!(text, "| {} | {} |", names.join(", "), definition.summary);
    }
    text.push_str(
        "\n## Functions over windows\n\nEvery aggregate but `GROUP_CONCAT` and `ANY_VALUE`, and:\n\n\
         | Name | Arguments | What it is |\n| --- | --- | --- |\n",
    );
    for kind in WindowKind::ALL {
        let WindowDefinition { name, min, max, summary, .. } = kind.definition();
        let count = if min == max { min.to_string() } else { format!("{min} to {max}") };
        let _ = writeln!(text, "| `{}` | {count} | {summary} |", name.to_uppercase());
    }
    text.push_str(
        "\n## Refused\n\nFunctions of MySQL's that are not there: they are refused by name, with error 1235. So are all whose \
         names begin with `ST_`.\n\n",
    );
    let refused: Vec<String> = refused().map(|name| format!("`{}`", name.to_uppercase())).collect();
    text.push_str(&refused.join(",\n"));
    text.push_str(".\n");
    text
}

#[test]
fn the_document_is_true() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/functions.md");
    let document = document();
    if std::env::var_os("UPDATE_GOLDENFILES").is_some() {
        std::fs::write(path, &document).expect("the document can be written");
    }
    let written = std::fs::read_to_string(path).expect("the document is part of the project");
    assert!(written == document, "docs/functions.md is stale: `make golden` writes it anew");
}
