//! A FULLTEXT index has the words of its table's rows whatever changes them, and a search in it finds what reading all texts finds.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;

use super::fixture::{Fixture, user, users};
use crate::common::SqlResult;
use crate::sql::exec::fulltext;
use crate::sql::expr::Expr;
use crate::sql::fulltext::{FulltextParser, Ranks, SearchMode};
use crate::sql::plan::{ConflictAction, FulltextSearch};
use crate::sql::table_codec;
use crate::sql::types::Datum;

const WORDS: [&str; 6] = ["red", "green", "blue", "the", "ox", "redder"];

/// A change of a row.
#[derive(Clone, Debug)]
enum Step {
    Put(i64, String),
    Insert(i64, String),
    Text(i64, String),
    Age(i64),
    Move(i64, i64),
    Delete(i64),
}

fn text() -> impl Strategy<Value = String> {
    let word = proptest::sample::select(&WORDS[..]);
    proptest::collection::vec(word, 0..5).prop_map(|words| words.join(" "))
}

fn step() -> impl Strategy<Value = Step> {
    let id = || 1..8_i64;
    prop_oneof![
        (id(), text()).prop_map(|(id, text)| Step::Put(id, text)),
        (id(), text()).prop_map(|(id, text)| Step::Insert(id, text)),
        (id(), text()).prop_map(|(id, text)| Step::Text(id, text)),
        id().prop_map(Step::Age),
        (id(), id()).prop_map(|(from, to)| Step::Move(from, to)),
        id().prop_map(Step::Delete),
    ]
}

fn fixture() -> Fixture {
    let mut table = users();
    table.indexes.retain(|index| index.name == "age");
    let mut words = table.indexes[0].clone();
    (words.id, words.name) = (3, "words".to_owned());
    (words.columns[0].offset, words.columns[0].column) = (1, 2);
    words.fulltext = Some(FulltextParser::Words);
    table.indexes.push(words);
    Fixture::new(table)
}

/// A change that another row is in the way of is none.
async fn run(fixture: &Fixture, step: Step) {
    let value = |text: String| Expr::literal(Datum::from(text.as_str()));
    let number = |number| Expr::literal(Datum::Int(number));
    let done: SqlResult<_> = match step {
        Step::Put(id, text) => {
            fixture.insert(vec![user(id, &text, 1)], ConflictAction::Replace).await
        }
        Step::Insert(id, text) => {
            fixture.insert(vec![user(id, &text, 1)], ConflictAction::Error).await
        }
        Step::Text(id, text) => fixture.update(Some(id), 1, value(text)).await,
        Step::Age(id) => fixture.update(Some(id), 2, number(7)).await,
        Step::Move(from, to) => fixture.update(Some(from), 0, number(to)).await,
        Step::Delete(id) => fixture.delete(Some(id)).await,
    };
    let _ = done;
}

async fn found(fixture: &Fixture, query: &str) -> BTreeSet<i64> {
    let query = Expr::literal(Datum::from(query));
    let index = Arc::new(fixture.table.indexes[1].clone());
    let mode = SearchMode::Boolean;
    let search = FulltextSearch { table: fixture.table.clone(), index, query: query.clone(), mode };
    let ctx = fixture.context(fixture.begin().await);
    let ranks = fulltext::search(&search, &query, 100, &ctx).await.unwrap();
    Ranks::from_bytes(ranks).best_first().into_iter().collect()
}

/// The rows of whose words this is true.
fn having(rows: &[Vec<Datum>], is_so: impl Fn(&[&str]) -> bool) -> BTreeSet<i64> {
    let mut ids = BTreeSet::new();
    for row in rows {
        let (Datum::Int(id), Datum::Bytes(text)) = (&row[0], &row[1]) else { panic!("a user") };
        let text = std::str::from_utf8(text).unwrap();
        if is_so(&text.split(' ').collect::<Vec<_>>()) {
            ids.insert(*id);
        }
    }
    ids
}

async fn check(fixture: &Fixture) {
    let rows = fixture.rows().await;
    let index = &fixture.table.indexes[1];
    let (start, end) = table_codec::index_range(fixture.table.id, index.id);
    let mut wanted = Vec::new();
    for row in &rows {
        let Datum::Int(handle) = row[0] else { panic!("an integer key") };
        let entries = table_codec::word_entries(&fixture.table, index, row, handle);
        wanted.extend(entries.into_iter().map(|entry| (entry.key, entry.value)));
    }
    wanted.sort();
    assert_eq!(fixture.store.dump(&start, &end), wanted);
    assert_eq!(found(fixture, "red").await, having(&rows, |words| words.contains(&"red")));
    let both = having(&rows, |words| words.contains(&"red") && !words.contains(&"blue"));
    assert_eq!(found(fixture, "+red -blue").await, both);
    let begins = having(&rows, |words| words.iter().any(|word| word.starts_with("red")));
    assert_eq!(found(fixture, "red*").await, begins);
    let in_a_row = having(&rows, |words| words.windows(3).any(|w| w == ["red", "the", "green"]));
    assert_eq!(found(fixture, "\"red the green\"").await, in_a_row);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_index_agrees_with_the_table(steps in proptest::collection::vec(step(), 1..20), pessimistic: bool) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let mut fixture = fixture();
            fixture.pessimistic = pessimistic;
            for step in steps {
                run(&fixture, step).await;
            }
            check(&fixture).await;
        });
    }
}
