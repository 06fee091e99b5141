//! Generated numbers: their order, several nodes, and what a stop leaves.

use std::sync::Arc;

use super::fixture::{Fixture, user, users};
use crate::sql::exec::{AutoIds as _, KvAutoIds};
use crate::sql::plan::ConflictAction;
use crate::sql::types::Datum;

async fn ids(fixture: &Fixture) -> Vec<i64> {
    let rows = fixture.rows().await.into_iter();
    rows.map(|row| match row[0] {
        Datum::Int(id) => id,
        _ => panic!("an integer key"),
    })
    .collect()
}

/// Another node's view of the same table.
fn another_node(of: &Fixture) -> Fixture {
    Fixture {
        store: of.store.clone(),
        table: of.table.clone(),
        auto_ids: Arc::new(KvAutoIds::new(Arc::new(of.store.clone()))),
        pessimistic: of.pessimistic,
    }
}

#[tokio::test]
async fn rows_are_numbered_in_their_order() {
    let fixture = Fixture::new(users());
    let rows = vec![user(None, "a", 1), user(10, "b", 1), user(None, "c", 1)];
    let result = fixture.insert(rows, ConflictAction::Error).await.unwrap();
    assert_eq!((result.last_insert_id, result.generated_id), (1, Some(1)));
    assert_eq!(ids(&fixture).await, [1, 10, 11]);
    let rows = vec![user(5, "d", 1), user(None, "e", 1), user(30, "f", 1), user(20, "g", 1)];
    fixture.insert(rows, ConflictAction::Error).await.unwrap();
    let result = fixture.insert(vec![user(None, "h", 1)], ConflictAction::Error).await.unwrap();
    assert_eq!(result.generated_id, Some(31));
    assert_eq!(ids(&fixture).await, [1, 5, 10, 11, 12, 20, 30, 31]);
}

#[tokio::test]
async fn numbers_of_rows_from_elsewhere_are_passed_over() {
    let here = Fixture::new(users());
    let there = another_node(&here);
    here.insert(vec![user(None, "a", 1)], ConflictAction::Error).await.unwrap();
    let explicit = (2..5).map(|id| user(id, &format!("there{id}"), 1)).collect();
    there.insert(explicit, ConflictAction::Error).await.unwrap();
    // Neither an error nor a row replaced, ignored or changed: nobody asked for these numbers.
    let actions = [ConflictAction::Error, ConflictAction::Replace, ConflictAction::Ignore];
    for (turn, action) in actions.into_iter().enumerate() {
        let rows = vec![user(None, &format!("b{turn}"), 1), user(None, &format!("c{turn}"), 1)];
        let result = here.insert(rows, action).await.unwrap();
        assert_eq!(result.affected, 2);
        let first = result.generated_id.unwrap();
        let next = i64::try_from(first).unwrap() + 2;
        there
            .insert(vec![user(next, &format!("d{turn}"), 1)], ConflictAction::Error)
            .await
            .unwrap();
    }
    assert_eq!(ids(&here).await.len(), 1 + 3 + 3 * 3);
}

#[tokio::test]
async fn what_was_not_given_out_is_given_back() {
    let fixture = Fixture::new(users());
    fixture
        .insert(vec![user(None, "a", 1), user(None, "b", 1)], ConflictAction::Error)
        .await
        .unwrap();
    fixture.auto_ids.give_back().await.unwrap();
    let next = another_node(&fixture);
    next.insert(vec![user(None, "c", 1)], ConflictAction::Error).await.unwrap();
    assert_eq!(ids(&fixture).await, [1, 2, 3]);
    // Not what somebody else has taken numbers behind.
    fixture.insert(vec![user(None, "d", 1)], ConflictAction::Error).await.unwrap();
    next.auto_ids.give_back().await.unwrap();
    another_node(&fixture).insert(vec![user(None, "e", 1)], ConflictAction::Error).await.unwrap();
    assert_eq!(ids(&fixture).await, [1, 2, 3, 4003, 8003]);
}
