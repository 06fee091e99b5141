//! Plans with what their subqueries have found in them.

use super::fixture::{Fixture, users};
use crate::sql::exec::{execute_query, subquery};
use crate::sql::parser::parse;
use crate::sql::plan::{PhysicalPlan, QueryPlan, StatementPlan, TestSchema};
use crate::sql::types::{Datum, SqlMode};

fn planned(sql: &str) -> QueryPlan {
    let schema = TestSchema::new();
    let parsed = parse(sql, SqlMode::default()).unwrap();
    match schema.plan(&parsed[0]).unwrap() {
        StatementPlan::Query(query) => query,
        other => panic!("a query was expected, not {other:?}"),
    }
}

/// `SELECT (SELECT (SELECT 1) + 1) + 1`, so many levels deep.
fn nested(depth: usize) -> QueryPlan {
    let mut sql = "SELECT 1".to_owned();
    for _ in 0..depth {
        sql = format!("SELECT ({sql}) + 1");
    }
    planned(&sql)
}

fn nodes(plan: &PhysicalPlan) -> usize {
    let mut count = 0;
    plan.any(&mut |_| {
        count += 1;
        false
    });
    count
}

#[tokio::test]
async fn what_is_copied_for_a_subquery_does_not_grow_with_how_deep_it_stands() {
    let fixture = Fixture::new(users());
    let ctx = fixture.context(fixture.begin().await);
    for depth in [1, 4, 12] {
        let query = nested(depth);
        assert_eq!(query.subqueries.len(), depth);
        for level in 0..depth {
            let found = subquery::values(&query.subqueries[..level], &ctx).await.unwrap();
            let plan = &query.subqueries[level].plan;
            let ready = found.ready(plan);
            assert_eq!(ready.is_copy(), level > 0, "the innermost one reads no other");
            assert_eq!(nodes(&ready), 2, "a row, and what is computed of it");
        }
        let mut stream = execute_query(&query, &ctx).await.unwrap();
        let rows = stream.next_batch().await.unwrap().unwrap().into_rows(&query.root.schema);
        assert_eq!(rows, [[Datum::Int(depth as i64 + 1)]]);
    }
}

#[tokio::test]
async fn a_plan_that_reads_nothing_of_its_subqueries_is_not_copied() {
    let fixture = Fixture::new(users());
    let ctx = fixture.context(fixture.begin().await);
    let query = planned("WITH c AS (SELECT 1 AS a) SELECT (SELECT 2) + b.a FROM c AS b, c AS d");
    let found = subquery::values(&query.subqueries, &ctx).await.unwrap();
    assert!(found.ready(&query.root).is_copy());
    let other = planned("SELECT 1");
    let ready = found.ready(&other.root);
    assert!(!ready.is_copy());
    assert!(std::ptr::eq::<PhysicalPlan>(&*ready, &other.root));
}
