//! From the short road to the wide one, and the limits of both.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;

use super::fixture::{Fixture, user, users};
use crate::common::errno;
use crate::sql::exec::{Batches, ExecLimits, Place, RowStream, execute_query, short};
use crate::sql::expr::Expr;
use crate::sql::plan::{
    AccessLock, ConflictAction, HandleRange, PhysicalPlan, PlanNode, QueryPlan, SortKey,
};
use crate::sql::types::Datum;

/// More rows than the short road reads.
const MANY: i64 = short::MAX_ROWS as i64 + 1000;

async fn with_many_rows(email: impl Fn(i64) -> String) -> Fixture {
    let fixture = Fixture::new(users());
    let rows = (1..=MANY).map(|id| user(id, &email(id), id % 10)).collect();
    fixture.insert(rows, ConflictAction::Error).await.unwrap();
    fixture
}

fn query(root: PhysicalPlan) -> QueryPlan {
    QueryPlan {
        root,
        columns: Vec::new(),
        subqueries: Vec::new(),
        dates: Vec::new(),
        locking: false,
        counted: None,
    }
}

#[tokio::test]
async fn a_query_that_outgrows_the_short_road_starts_over_on_the_wide_one() {
    let fixture = with_many_rows(|id| format!("u{id}")).await;
    let plan = fixture.read(None, AccessLock::None);
    let ctx = fixture.context(fixture.begin().await);
    let stream = execute_query(&query(plan), &ctx).await.unwrap();
    assert!(matches!(stream, RowStream::Batches { .. }));
    let rows = fixture.rows().await;
    assert_eq!(rows.len() as i64, MANY);
    assert_eq!(rows[4321], user(4322, "u4322", 2));
}

#[tokio::test]
async fn few_rows_of_many_are_read_on_the_short_road() {
    let fixture = with_many_rows(|id| format!("u{id}")).await;
    let lit = |n: i64| Some((Expr::literal(Datum::Int(n)), true));
    let mut plan = fixture.read(None, AccessLock::None);
    if let PlanNode::TableScan { ranges, .. } = &mut plan.node {
        *ranges = vec![HandleRange { low: lit(3000), high: lit(3002) }];
    }
    let ctx = fixture.context(fixture.begin().await);
    let stream = execute_query(&query(plan.clone()), &ctx).await.unwrap();
    assert!(matches!(stream, RowStream::Rows(_)));
    let ids: Vec<Datum> = fixture.query(plan).await.iter().map(|row| row[0].clone()).collect();
    assert_eq!(ids, [3000, 3001, 3002].map(Datum::Int));
}

#[tokio::test]
async fn a_killed_query_ends() {
    let fixture = with_many_rows(|id| format!("u{id}")).await;
    let plan = query(fixture.read(None, AccessLock::None));
    let ctx = fixture.context(fixture.begin().await);
    let mut stream = execute_query(&plan, &ctx).await.unwrap();
    ctx.eval.interrupt.raise(crate::sql::expr::InterruptReason::Killed);
    let error = stream.next_batch().await.err().unwrap();
    assert_eq!(error.code, errno::QUERY_INTERRUPTED);
    let error = execute_query(&plan, &ctx).await.err().unwrap();
    assert_eq!(error.code, errno::QUERY_INTERRUPTED);
}

/// Counts how often operators are given away.
struct Counting(AtomicUsize);

#[async_trait]
impl Place for Counting {
    async fn enter(&self) {}

    async fn breathe(&self) {}

    fn dispose(&self, value: Box<dyn Send>) {
        drop(value);
    }

    fn apart(&self, batches: Batches) -> Batches {
        self.0.fetch_add(1, Ordering::Relaxed);
        batches
    }
}

#[tokio::test]
async fn operators_are_given_away_once_in_a_statement() {
    static PLACE: Counting = Counting(AtomicUsize::new(0));
    let fixture = with_many_rows(|id| format!("u{id}")).await;
    let plan = query(fixture.read(None, AccessLock::None));
    let mut ctx = fixture.context(fixture.begin().await);
    ctx.place = &PLACE;
    for (within, given_away) in [(false, 1), (true, 1), (false, 2)] {
        ctx.within = within;
        let mut stream = execute_query(&plan, &ctx).await.unwrap();
        assert!(stream.next_batch().await.unwrap().is_some());
        assert_eq!(PLACE.0.load(Ordering::Relaxed), given_away, "a part of a statement: {within}");
    }
}

/// Sorting 20 MB in 18 MB of memory works with a disk and is refused without.
#[tokio::test]
async fn a_sort_that_does_not_fit_spills() {
    let mut table = users();
    table.indexes.clear();
    table.columns[1].field_type = crate::sql::types::FieldType::long_text();
    let fixture = Fixture::new(table);
    let padding = "x".repeat(4000);
    let rows = (1..=MANY).map(|id| user(id, &format!("{:05}{padding}", id * 7919 % MANY), 0));
    fixture.insert(rows.collect(), ConflictAction::Error).await.unwrap();
    let input = fixture.read(None, AccessLock::None);
    let (schema, estimated_rows) = (input.schema.clone(), input.estimated_rows);
    let expr = Expr::column(1, schema[1].clone());
    let keys = vec![SortKey { expr, descending: true }];
    let node = PlanNode::Sort { input: Box::new(input), keys, fetch: None };
    let plan = query(PhysicalPlan { node, schema, estimated_rows });

    let directory = tempfile::tempdir().unwrap();
    for spill_dir in [Some(directory.path().to_owned()), None] {
        let spills = spill_dir.is_some();
        let mut ctx = fixture.context(fixture.begin().await);
        let limits = ExecLimits { memory_bytes: 18 << 20, spill_dir, ..ExecLimits::default() };
        ctx.limits = Arc::new(limits);
        let mut stream = execute_query(&plan, &ctx).await.unwrap();
        let mut texts = Vec::new();
        let outcome = loop {
            match stream.next_batch().await {
                Ok(Some(batch)) => texts.extend(
                    batch.into_rows(&plan.root.schema).into_iter().map(|mut row| row.remove(1)),
                ),
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        assert_eq!(outcome.is_ok(), spills, "{outcome:?}");
        if spills {
            assert_eq!(texts.len() as i64, MANY);
            assert!(texts.is_sorted_by(|a, b| a.to_bytes() >= b.to_bytes()));
        }
    }
}
