//! No row that a condition finds is in a partition that is left out.

use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::physical::{PhysicalPlan, PlanNode};
use super::{StatementPlan, partitions_of, pruned};
use crate::sql::catalog::TableInfo;
use crate::sql::expr::EvalContext;
use crate::sql::parser::parse;
use crate::sql::plan::TestSchema;
use crate::sql::types::{Datum, SqlMode, convert_for_column};

const TABLES: &[&str] = &[
    "CREATE TABLE t (a INT, b INT, d DATETIME) PARTITION BY RANGE (a) (PARTITION p0 VALUES LESS THAN (-3), PARTITION p1 VALUES LESS THAN (0), \
     PARTITION p2 VALUES LESS THAN (4), PARTITION p3 VALUES LESS THAN MAXVALUE)",
    "CREATE TABLE t (a INT, b INT, d DATETIME) PARTITION BY LIST (a) (PARTITION p0 VALUES IN (-5, -4, NULL), PARTITION p1 VALUES IN (-3, 0, 3), \
     PARTITION p2 VALUES IN (1, 2, 4, 5))",
    "CREATE TABLE t (a INT, b INT, d DATETIME) PARTITION BY HASH (a + b) PARTITIONS 5",
    "CREATE TABLE t (a INT, b INT, d DATETIME) PARTITION BY LINEAR HASH (a) PARTITIONS 5",
    "CREATE TABLE t (a INT, b INT, d DATETIME) PARTITION BY KEY (b, a) PARTITIONS 3",
    "CREATE TABLE t (a INT, b INT, d DATETIME) PARTITION BY RANGE COLUMNS (a, b) (PARTITION p0 VALUES LESS THAN (-2, 1), \
     PARTITION p1 VALUES LESS THAN (0, MAXVALUE), PARTITION p2 VALUES LESS THAN (3, 3), PARTITION p3 VALUES LESS THAN (MAXVALUE, MAXVALUE))",
    "CREATE TABLE t (a INT, b INT, d DATETIME) PARTITION BY LIST COLUMNS (a, b) (PARTITION p0 VALUES IN ((0, 0), (1, 1), (NULL, 2)), \
     PARTITION p1 VALUES IN ((2, 2), (-1, 3), (3, -1)))",
    "CREATE TABLE t (a INT, b INT, d DATETIME) PARTITION BY RANGE (YEAR(d)) SUBPARTITION BY HASH (b) SUBPARTITIONS 3 ( \
     PARTITION p0 VALUES LESS THAN (2001), PARTITION p1 VALUES LESS THAN (2003), PARTITION p2 VALUES LESS THAN MAXVALUE)",
    "CREATE TABLE t (a INT, b INT, d DATETIME) PARTITION BY RANGE (TO_DAYS(d)) (PARTITION p0 VALUES LESS THAN (TO_DAYS('2001-01-01')), \
     PARTITION p1 VALUES LESS THAN (TO_DAYS('2002-01-01')), PARTITION p2 VALUES LESS THAN MAXVALUE)",
    "CREATE TABLE t (a INT, b INT, d DATETIME) PARTITION BY RANGE COLUMNS (d) (PARTITION p0 VALUES LESS THAN ('2001-01-01'), \
     PARTITION p1 VALUES LESS THAN ('2002-06-01'), PARTITION p2 VALUES LESS THAN (MAXVALUE))",
];

fn dates() -> impl Strategy<Value = String> {
    (2000..2005, 1..4, 1..3, prop_oneof![Just(0), Just(12)]).prop_map(|(year, month, day, hour)| {
        format!("'{year}-{month:02}-{day:02} {hour:02}:00:00'")
    })
}

fn atom() -> impl Strategy<Value = String> {
    let column = prop_oneof![Just("a"), Just("b")];
    let op = prop_oneof![Just("="), Just("<"), Just("<="), Just(">"), Just(">="), Just("<=>")];
    let number = prop_oneof![(-6..7).prop_map(|n: i32| n.to_string()), Just("1.5".to_owned())];
    prop_oneof![
        (column.clone(), op.clone(), number.clone()).prop_map(|(c, op, n)| format!("{c} {op} {n}")),
        (op, dates()).prop_map(|(op, d)| format!("d {op} {d}")),
        (column.clone(), -6..7, 0..6)
            .prop_map(|(c, n, m)| format!("{c} BETWEEN {n} AND {}", n + m)),
        (dates(), dates()).prop_map(|(one, other)| format!("d BETWEEN {one} AND {other}")),
        (column.clone(), number.clone(), number).prop_map(|(c, n, m)| format!("{c} IN ({n}, {m})")),
        column.prop_map(|c| format!("{c} IS NULL")),
        Just("d IS NULL".to_owned()),
    ]
}

fn condition() -> impl Strategy<Value = String> {
    let pair = (atom(), atom()).prop_map(|(one, other)| format!("({one} AND {other})"));
    let part = prop_oneof![atom(), pair];
    let either =
        (part.clone(), part.clone()).prop_map(|(one, other)| format!("({one} OR {other})"));
    proptest::collection::vec(prop_oneof![part, either], 1..4).prop_map(|all| all.join(" AND "))
}

type Row = (Option<i64>, Option<i64>, Option<String>);

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let number = || proptest::option::of(-6_i64..7);
    proptest::collection::vec((number(), number(), proptest::option::of(dates())), 40)
}

/// The table of the scan, its conditions, and what is selected.
fn parts(plan: &PhysicalPlan) -> Option<&PlanNode> {
    match &plan.node {
        node @ PlanNode::Partitions { .. } => Some(node),
        node => node.children().find_map(parts),
    }
}

fn datums(table: &TableInfo, row: &Row, eval: &EvalContext) -> Vec<Datum> {
    let number = |value: Option<i64>| value.map_or(Datum::Null, Datum::Int);
    let date = row.2.as_ref().map(|text| Datum::from(text.trim_matches('\'').to_owned()));
    let date = date.unwrap_or(Datum::Null);
    let date = convert_for_column(date, &table.columns[2].field_type, "d", 1, eval).unwrap();
    vec![number(row.0), number(row.1), date]
}

/// With a stack for plans that are not optimized: a test's own is smaller than those of workers.
const STACK: usize = 64 << 20;

#[test]
fn rows_are_where_they_are_looked_for() {
    let run = || {
        let config = ProptestConfig { cases: 400, ..ProptestConfig::default() };
        let given = (0..TABLES.len(), condition(), rows());
        TestRunner::new(config)
            .run(&given, |(which, condition, rows)| are_found(which, &condition, &rows))
    };
    let tested = std::thread::Builder::new().stack_size(STACK).spawn(run).unwrap().join().unwrap();
    tested.unwrap();
}

fn are_found(which: usize, condition: &str, rows: &[Row]) -> Result<(), TestCaseError> {
    let mut schema = TestSchema::new();
    schema.change(&parse(TABLES[which], SqlMode::default()).unwrap()[0].statement).unwrap();
    let sql = format!("SELECT * FROM t WHERE {condition}");
    let plan = schema.plan(&parse(&sql, SqlMode::default()).unwrap()[0]).unwrap();
    let StatementPlan::Query(query) = &plan else { unreachable!("a query") };
    // Conditions that nothing fulfils leave no scan.
    let Some(PlanNode::Partitions { table, selected, conditions, .. }) = parts(&query.root) else {
        return Ok(());
    };
    let eval = EvalContext::new();
    let partitions = partitions_of(table).unwrap().unwrap();
    let read = pruned(table, &partitions, selected.as_deref(), conditions, &eval);
    for row in rows {
        let row = datums(table, row, &eval);
        let Some(place) = partitions.locate(&row, &eval).unwrap() else { continue };
        let is_true = |condition: &crate::sql::expr::Expr| {
            condition.eval(&row, &eval).unwrap().to_bool(&eval).unwrap() == Some(true)
        };
        if conditions.iter().all(is_true) {
            prop_assert!(read.contains(&place), "{sql}: {row:?} is in {place}, not in {read:?}");
        }
    }
    Ok(())
}
