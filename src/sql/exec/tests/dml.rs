//! INSERT, UPDATE and DELETE keep rows and indexes together.

use super::fixture::{Fixture, user, users};
use crate::common::errno;
use crate::sql::expr::Expr;
use crate::sql::plan::{AccessLock, Assignment, ConflictAction, IndexRange, PlanNode, PointAccess};
use crate::sql::table_codec;
use crate::sql::types::{Datum, FieldType};

/// Every index has exactly the entries its rows ask for.
async fn assert_consistent(fixture: &Fixture) {
    let rows = fixture.rows().await;
    for index in &fixture.table.indexes {
        let (start, end) = table_codec::index_range(fixture.table.id, index.id);
        let stored = fixture.store.dump(&start, &end);
        let zone = crate::sql::types::TimeZone::UTC;
        let mut wanted: Vec<_> = rows
            .iter()
            .map(|row| {
                let Datum::Int(handle) = row[0] else { panic!("an integer key") };
                let entry =
                    table_codec::index_entry(&fixture.table, index, row, handle, &zone).unwrap();
                (entry.key, entry.value)
            })
            .collect();
        wanted.sort();
        assert_eq!(stored, wanted, "index {}", index.name);
    }
}

fn fixtures() -> Vec<Fixture> {
    [true, false]
        .into_iter()
        .map(|pessimistic| {
            let mut fixture = Fixture::new(users());
            fixture.pessimistic = pessimistic;
            fixture
        })
        .collect()
}

#[tokio::test]
async fn rows_are_inserted_updated_and_deleted() {
    for fixture in fixtures() {
        let rows = vec![user(1, "a", 30), user(2, "b", 20), user(3, "c", 20)];
        let result = fixture.insert(rows, ConflictAction::Error).await.unwrap();
        assert_eq!(result.affected, 3);
        assert_eq!(result.info, "Records: 3  Duplicates: 0  Warnings: 0");
        assert_consistent(&fixture).await;

        let value = Expr::literal(Datum::Int(21));
        let result = fixture.update(Some(2), 2, value.clone()).await.unwrap();
        assert_eq!((result.matched, result.affected), (1, 1));
        assert_eq!(result.info, "Rows matched: 1  Changed: 1  Warnings: 0");
        let result = fixture.update(Some(2), 2, value).await.unwrap();
        assert_eq!((result.matched, result.affected), (1, 0));
        assert_consistent(&fixture).await;

        // The primary key changes: the row and all its entries move.
        fixture.update(Some(3), 0, Expr::literal(Datum::Int(9))).await.unwrap();
        assert_consistent(&fixture).await;
        assert_eq!(
            fixture.rows().await,
            vec![user(1, "a", 30), user(2, "b", 21), user(9, "c", 20)]
        );
        assert_eq!(fixture.delete(Some(1)).await.unwrap().affected, 1);
        assert_eq!(fixture.delete(Some(1)).await.unwrap().affected, 0);
        assert_eq!(fixture.delete(None).await.unwrap().affected, 2);
        assert_consistent(&fixture).await;
        assert_eq!(fixture.rows().await, Vec::<Vec<Datum>>::new());
    }
}

#[tokio::test]
async fn duplicates_are_found() {
    let fixture = Fixture::new(users());
    fixture.insert(vec![user(1, "a", 1), user(2, "b", 2)], ConflictAction::Error).await.unwrap();
    let error = fixture.insert(vec![user(1, "x", 1)], ConflictAction::Error).await.unwrap_err();
    assert_eq!(error.code, errno::DUP_ENTRY);
    assert_eq!(error.message, "Duplicate entry '1' for key 'users.PRIMARY'");
    let rows = vec![user(5, "x", 1), user(6, "x", 1)];
    let error = fixture.insert(rows, ConflictAction::Error).await.unwrap_err();
    assert_eq!(error.message, "Duplicate entry 'x' for key 'users.email'");
    let error = fixture.update(Some(2), 1, Expr::text("a")).await.unwrap_err();
    assert_eq!(error.message, "Duplicate entry 'a' for key 'users.email'");
    assert_eq!(fixture.rows().await.len(), 2);
    assert_consistent(&fixture).await;
}

#[tokio::test]
async fn conflicts_are_ignored_replaced_or_updated() {
    for fixture in fixtures() {
        let first = vec![user(1, "a", 1), user(2, "b", 2), user(3, "c", 3)];
        fixture.insert(first, ConflictAction::Error).await.unwrap();

        let rows = vec![user(1, "z", 9), user(4, "d", 4)];
        let result = fixture.insert(rows, ConflictAction::Ignore).await.unwrap();
        assert_eq!(result.affected, 1);
        assert_eq!(result.info, "Records: 2  Duplicates: 1  Warnings: 1");

        // Two rows are in the way: one by its primary key, one by its email.
        let result = fixture.insert(vec![user(1, "b", 5)], ConflictAction::Replace).await.unwrap();
        assert_eq!(result.affected, 3);
        assert_consistent(&fixture).await;

        let age = Expr::column(5, FieldType::int());
        let update = ConflictAction::Update(vec![Assignment { column: 2, value: age }]);
        let result = fixture.insert(vec![user(1, "q", 6)], update.clone()).await.unwrap();
        assert_eq!(result.affected, 2);
        let result = fixture.insert(vec![user(1, "q", 6)], update.clone()).await.unwrap();
        assert_eq!(result.affected, 0);
        let result = fixture.insert(vec![user(7, "q", 6)], update).await.unwrap();
        assert_eq!(result.affected, 1);
        assert_eq!(
            fixture.rows().await,
            vec![user(1, "b", 6), user(3, "c", 3), user(4, "d", 4), user(7, "q", 6)]
        );
        assert_consistent(&fixture).await;
    }
}

#[tokio::test]
async fn auto_increment_goes_on_after_explicit_values() {
    let fixture = Fixture::new(users());
    let rows = vec![user(None, "a", 1), user(0, "b", 1)];
    let result = fixture.insert(rows, ConflictAction::Error).await.unwrap();
    assert_eq!((result.last_insert_id, result.generated_id), (1, Some(1)));
    let result = fixture.insert(vec![user(50, "c", 1)], ConflictAction::Error).await.unwrap();
    assert_eq!((result.last_insert_id, result.generated_id), (50, None));
    fixture.insert(vec![user(None, "d", 1)], ConflictAction::Error).await.unwrap();
    let ids: Vec<Datum> = fixture.rows().await.into_iter().map(|mut row| row.remove(0)).collect();
    assert_eq!(ids, [1, 2, 50, 51].map(Datum::Int));
}

#[tokio::test]
async fn nulls_and_missing_values_are_refused() {
    let mut table = users();
    table.columns[2].field_type.not_null = true;
    let fixture = Fixture::new(table);
    let row = vec![Datum::Int(1), Datum::from("a"), Datum::Null];
    let error = fixture.insert(vec![row], ConflictAction::Error).await.unwrap_err();
    assert_eq!((error.code, &*error.message), (errno::BAD_NULL, "Column 'age' cannot be null"));
}

#[tokio::test]
async fn indexes_find_rows_by_ranges_and_keys() {
    let fixture = Fixture::new(users());
    let rows = (1..=20).map(|id| user(id, &format!("u{id:02}"), id % 5)).collect();
    fixture.insert(rows, ConflictAction::Error).await.unwrap();
    let lit = |n: i64| Expr::literal(Datum::Int(n));
    let scan = |range: IndexRange, covering: bool, reverse: bool| {
        let mut plan = fixture.read(None, AccessLock::None);
        plan.node = PlanNode::IndexScan {
            table: fixture.table.clone(),
            index: fixture.table.indexes[1].clone().into(),
            ranges: vec![range],
            columns: if covering { vec![0, 2] } else { vec![0, 1, 2] },
            covering,
            filter: None,
            reverse,
            limit: Some(3),
            lock: AccessLock::None,
        };
        plan
    };
    let equal = IndexRange { equal: vec![lit(4)], low: None, high: None };
    let rows = fixture.query(scan(equal, false, false)).await;
    assert_eq!(rows, vec![user(4, "u04", 4), user(9, "u09", 4), user(14, "u14", 4)]);
    let range =
        IndexRange { equal: vec![], low: Some((lit(2), false)), high: Some((lit(4), false)) };
    let rows = fixture.query(scan(range, true, true)).await;
    let wanted: Vec<Vec<Datum>> =
        [18, 13, 8].map(|id| vec![Datum::Int(id), Datum::Int(3)]).to_vec();
    assert_eq!(rows, wanted);
    let mut plan = fixture.read(None, AccessLock::None);
    plan.node = PlanNode::PointGet {
        table: fixture.table.clone(),
        access: PointAccess::Unique {
            index: fixture.table.indexes[0].clone().into(),
            values: vec![Expr::text("u07")],
        },
        columns: vec![0, 1, 2],
        lock: AccessLock::None,
    };
    assert_eq!(fixture.query(plan).await, vec![user(7, "u07", 2)]);
}

#[tokio::test]
async fn a_statement_that_meets_newer_data_runs_again() {
    let fixture = Fixture::new(users());
    fixture.insert(vec![user(1, "a", 1)], ConflictAction::Error).await.unwrap();
    let txn = fixture.begin().await;
    // Another transaction commits after the first one's snapshot.
    fixture.update(Some(1), 2, Expr::literal(Datum::Int(7))).await.unwrap();
    let update = ConflictAction::Update(vec![Assignment { column: 1, value: Expr::text("b") }]);
    fixture.insert_in(&txn, vec![user(1, "x", 1)], update).await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(fixture.rows().await, vec![user(1, "b", 7)]);
    assert_consistent(&fixture).await;
}
