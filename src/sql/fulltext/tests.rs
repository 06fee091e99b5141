//! Searches by entries find what searches by texts find, and are worth what InnoDB says.

use ahash::AHashSet;
use proptest::prelude::*;

use super::*;
use crate::common::errno;
use crate::sql::types::Collation;

const COLLATION: Collation = Collation::Utf8mb4GeneralCi;

fn postings(search: &Search, texts: &[&str]) -> Vec<Postings> {
    let found = search.terms.iter().map(|term| {
        let mut postings = Postings::default();
        for (handle, text) in texts.iter().enumerate() {
            let counts =
                word_counts(FulltextParser::Words, COLLATION, [text.as_bytes()].into_iter());
            for (key, count) in counts {
                let is_it = if term.prefix { key.starts_with(&term.key) } else { key == term.key };
                if is_it {
                    postings.add(handle as i64, count);
                }
            }
        }
        postings
    });
    found.collect()
}

/// The rows that a search finds in texts, the best first, with what each is worth.
fn ranked(query: &str, mode: SearchMode, texts: &[&str]) -> Vec<(i64, f32)> {
    let search = Search::new(query, mode, FulltextParser::Words, COLLATION).unwrap();
    let phrases: Vec<AHashSet<i64>> = search
        .phrases
        .iter()
        .map(|phrase| {
            let rows = texts.iter().enumerate();
            let has = rows.filter(|(_, text)| search.has_phrase(phrase, [**text].into_iter()));
            has.map(|(handle, _)| handle as i64).collect()
        })
        .collect();
    let ranks = Ranks::of(&search, &postings(&search, texts), &phrases, texts.len() as u64);
    ranks.best_first().into_iter().map(|handle| (handle, ranks.of_row(handle))).collect()
}

fn found(query: &str, texts: &[&str]) -> Vec<i64> {
    let mut rows: Vec<i64> =
        ranked(query, SearchMode::Boolean, texts).into_iter().map(|(handle, _)| handle).collect();
    rows.sort_unstable();
    rows
}

#[test]
fn words_are_innodbs() {
    let cut = |text| tokens(FulltextParser::Words, text);
    assert_eq!(
        cut("don't o'reilly's foo_bar 1001-x"),
        ["don", "t", "o", "reilly", "s", "foo_bar", "1001", "x"]
    );
    assert_eq!(tokens(FulltextParser::Ngram, "数据库 abc x"), ["数据", "据库", "ab", "bc"]);
    let is_found = |word: &str| is_indexed(FulltextParser::Words, word);
    assert!(is_found("database") && is_found(&"x".repeat(84)));
    assert!(!is_found("ab") && !is_found("The") && !is_found(&"x".repeat(85)));
    assert!(!is_indexed(FulltextParser::Ngram, "ab") && is_indexed(FulltextParser::Ngram, "bc"));
}

#[test]
fn ranks_are_innodbs() {
    let texts = ["one database", "database database", "three four", "apple", "banana", "cherry"];
    let weight = (6.0_f64 / 2.0).log10().powi(2) as f32;
    assert_eq!(ranked("Database", SearchMode::Natural, &texts), [(1, 2.0 * weight), (0, weight)]);
    let alone = 6.0_f64.log10().powi(2) as f32;
    assert_eq!(
        ranked(">apple banana", SearchMode::Boolean, &texts),
        [(3, 1.0 + alone), (4, alone)]
    );
    assert_eq!(ranked("apple apple", SearchMode::Natural, &texts), [(3, alone)]);
    assert_eq!(ranked("apple ~apple", SearchMode::Boolean, &texts), [(3, alone - 1.0)]);
}

#[test]
fn operators_choose_rows() {
    let texts = [
        "red apple",
        "green apple banana",
        "quick brown fox",
        "quick fox brown",
        "over the lazy dog",
    ];
    assert_eq!(found("apple banana", &texts), [0, 1]);
    assert_eq!(found("+apple -banana", &texts), [0]);
    assert_eq!(found("+apple +(banana fox)", &texts), [1]);
    assert_eq!(found("apple -(banana fox)", &texts), [0]);
    assert_eq!(found("-apple", &texts), Vec::<i64>::new());
    assert_eq!(found("~banana", &texts), Vec::<i64>::new());
    assert_eq!(found("\"quick brown\"", &texts), [2]);
    assert_eq!(found("\"over the lazy\"", &texts), [4]);
    assert_eq!(found("\"over lazy\"", &texts), Vec::<i64>::new());
    assert_eq!(found("\"quick fox\" @2", &texts), [3]);
    assert_eq!(found("\"quick fox\" @3", &texts), [2, 3]);
    assert_eq!(found("ban*", &texts), [1]);
    assert_eq!(found("apple-banana", &texts), [0]);
    assert_eq!(found("+the +apple", &texts), Vec::<i64>::new());
    assert_eq!(found("\"apple", &texts), [0, 1]);
}

#[test]
fn bad_searches_are_errors() {
    let error = |query| {
        let search = Search::new(query, SearchMode::Boolean, FulltextParser::Words, COLLATION);
        let error = search.unwrap_err();
        assert_eq!(error.code, errno::PARSE);
        error.message
    };
    assert_eq!(error("+"), "syntax error, unexpected $end");
    assert_eq!(error("++apple"), "syntax error, unexpected '+'");
    assert_eq!(error("apple ("), "syntax error, unexpected $end");
    assert_eq!(error("apple )"), "syntax error, unexpected ')', expecting $end");
    assert_eq!(error("apple @3"), "syntax error, unexpected '@', expecting $end");
    assert_eq!(error("+-apple"), "syntax error, unexpected '-'");
}

proptest! {
    #[test]
    fn any_search_ends(query in ".{0,40}", boolean: bool) {
        let mode = if boolean { SearchMode::Boolean } else { SearchMode::Natural };
        for parser in [FulltextParser::Words, FulltextParser::Ngram] {
            let _ = Search::new(&query, mode, parser, COLLATION);
        }
    }

    #[test]
    fn beginnings_are_those_of_keys(word in "[a-zA-Zé0-9]{1,12}", rest in "[a-zà-ü0-9]{0,8}") {
        for collation in [Collation::Utf8mb4Bin, COLLATION, Collation::Utf8mb4_0900AiCi] {
            let begins = words::prefix_key(collation, &word);
            let whole = word_key(collation, &format!("{word}{rest}"));
            prop_assert!(whole.starts_with(&begins), "{collation:?}");
        }
    }
}
