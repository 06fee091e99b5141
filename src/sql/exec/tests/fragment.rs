//! Fragments: over a transaction and over an engine, before and after a journey, in one piece and in parts.

use std::collections::BTreeSet;

use bytes::Bytes;
use proptest::prelude::*;

use super::fixture::{Fixture, column};
use super::golden::Session;
use crate::common::{SqlResult, Timestamp};
use crate::sql::catalog::TableInfo;
use crate::sql::exec::execute_query;
use crate::sql::exec::fragment::{
    EngineSnapshot, Fragment, RangeScan, Step, decode_environment, encode_environment,
};
use crate::sql::expr::{Aggregate, AggregateKind, EvalContext, Expr, Function};
use crate::sql::kv::Snapshot;
use crate::sql::parser::parse;
use crate::sql::plan::{ConflictAction, Planner, SortKey, StatementPlan};
use crate::sql::table_codec::{self, wanted_columns};
use crate::sql::types::{
    Collation, Datum, Decimal, Environment, FieldType, SqlMode, Time, TimeZone,
};
use crate::storage::codec::{keys, mvcc as codec};
use crate::storage::engine::{Cf, Engine, MemoryEngine, WriteBatch};
use crate::storage::mvcc::{KeyRange, Write, WriteKind};

const ROWS: i64 = 40;

fn types() -> Vec<FieldType> {
    vec![
        FieldType::bigint().not_null(),
        FieldType::bigint_unsigned(),
        FieldType::decimal(12, 2),
        FieldType::varchar(20).collate(Collation::Utf8mb4GeneralCi),
        FieldType::double(),
        FieldType::date(),
    ]
}

fn table() -> TableInfo {
    let mut table = super::fixture::users();
    let columns = types().into_iter().enumerate();
    table.columns = columns.map(|(at, f)| column(at, &format!("c{at}"), f)).collect();
    table.indexes.clear();
    table
}

fn row(id: i64) -> Vec<Datum> {
    let some = |nth: i64, value: Datum| if id % nth == 0 { Datum::Null } else { value };
    vec![
        Datum::Int(id),
        some(5, Datum::UInt((id * 7 % 11).unsigned_abs())),
        some(7, Datum::Decimal(Decimal::new(i128::from(id * 37 % 100), 2))),
        some(4, Datum::from(["a", "B", "b ", "Ä", "", "12x"][(id % 6) as usize])),
        some(9, Datum::Float(id as f64 / 4.0)),
        some(6, Datum::Time(Time::date(2024, 1 + (id % 12) as u32, 3))),
    ]
}

/// The rows of a table with older versions below them, newer ones above, and some that were deleted.
fn engine_of(pairs: &[(Bytes, Bytes)], table: i64) -> EngineSnapshot {
    let engine = MemoryEngine::new();
    let mut batch = WriteBatch::new();
    let mut put = |key: &[u8], ts: u64, kind, value: Option<Bytes>| {
        let mut key = keys::data_key_of(key);
        codec::put_ts(&mut key, Timestamp(ts));
        batch.put(Cf::Write, key, Write::new(kind, Timestamp(ts - 1), value).encode());
    };
    for (key, value) in pairs {
        let other = pairs[0].1.clone();
        put(key, 12, WriteKind::Put, Some(other.clone()));
        put(key, 20, WriteKind::Put, Some(value.clone()));
        put(key, 25, WriteKind::Lock, None);
        put(key, 40, WriteKind::Put, Some(other));
    }
    for id in ROWS + 1..ROWS + 10 {
        let key = table_codec::row_key(table, id);
        put(&key, 12, WriteKind::Put, Some(pairs[0].1.clone()));
        put(&key, 22, WriteKind::Delete, None);
    }
    engine.write(batch, false).unwrap();
    EngineSnapshot::new(engine.snapshot(), KeyRange::all(), Timestamp(30))
}

type Rows = Vec<Vec<Datum>>;

async fn rows<S: Snapshot + ?Sized>(fragment: &Fragment, snapshot: &S) -> SqlResult<Rows> {
    let environment = Environment { sql_mode: SqlMode::default(), ..Environment::default() };
    let ctx = EvalContext::of(environment);
    let mut all = Vec::new();
    fragment
        .run(snapshot, &ctx, &mut |rows| {
            assert!(!rows.is_empty());
            all.extend(rows);
            Ok(())
        })
        .await?;
    Ok(all)
}

fn leaf() -> impl Strategy<Value = Expr> {
    prop_oneof![
        (0..types().len()).prop_map(|at| Expr::column(at, types()[at].clone())),
        (-3_i64..12).prop_map(|number| Expr::literal(Datum::Int(number))),
        prop::sample::select(vec!["b", "12", "2024-03-03", ""]).prop_map(Expr::text),
        Just(Expr::null()),
        (0_i128..999).prop_map(|n| Expr::literal(Datum::Decimal(Decimal::new(n, 1)))),
    ]
}

/// Calls that take whatever they are given.
fn expr() -> impl Strategy<Value = Expr> {
    let named = |name: &str| Function::by_name(name, 2).unwrap();
    let two = vec![
        Function::Add,
        Function::Sub,
        Function::Mul,
        Function::Div,
        Function::Eq,
        Function::NullEq,
        Function::Lt,
        Function::And,
        Function::Or,
        Function::Coalesce,
        named("concat"),
        named("ifnull"),
    ];
    let one = vec![Function::Neg, Function::Not, Function::IsNull, Function::IsTrue];
    leaf().prop_recursive(4, 24, 3, move |inner| {
        prop_oneof![
            (prop::sample::select(two.clone()), inner.clone(), inner.clone())
                .prop_filter_map("an error of types", |(f, a, b)| Expr::call(f, vec![a, b]).ok()),
            (prop::sample::select(one.clone()), inner.clone())
                .prop_filter_map("an error of types", |(f, a)| Expr::call(f, vec![a]).ok()),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_filter_map("an error of types", |(a, b, c)| {
                    Expr::call(Function::If, vec![a, b, c]).ok()
                }),
            (inner.clone(), prop::collection::vec(inner, 1..4)).prop_filter_map(
                "an error of types",
                |(a, list)| {
                    let args = std::iter::once(a).chain(list).collect();
                    Expr::call(Function::In, args).ok()
                }
            ),
        ]
    })
}

fn aggregate() -> impl Strategy<Value = Aggregate> {
    let kinds: Vec<AggregateKind> = AggregateKind::ALL
        .iter()
        .copied()
        .filter(|kind| !kind.definition().has_separator && kind.definition().max == 1)
        .collect();
    (prop::sample::select(kinds), expr(), any::<bool>())
        .prop_filter_map("an error of types", |(kind, arg, distinct)| {
            Aggregate::new(kind, vec![arg], distinct).ok()
        })
}

fn end() -> impl Strategy<Value = Option<Step>> {
    let key = (expr(), any::<bool>()).prop_map(|(expr, descending)| SortKey { expr, descending });
    let groups = (prop::collection::vec(expr(), 0..3), prop::collection::vec(aggregate(), 0..3));
    prop_oneof![
        Just(None),
        (0_u64..50).prop_map(|limit| Some(Step::Limit(limit))),
        (prop::collection::vec(key, 1..3), 0_u64..50)
            .prop_map(|(keys, limit)| Some(Step::TopN { keys, limit })),
        groups
            .prop_filter("nothing", |(group_by, aggregates)| group_by.len() + aggregates.len() > 0)
            .prop_map(|(group_by, aggregates)| Some(Step::Aggregate { group_by, aggregates })),
    ]
}

prop_compose! {
    fn fragment()(
        bounds in prop::collection::btree_set(-3_i64..60, 2..6),
        reverse in any::<bool>(),
        filter in prop::option::of(expr()),
        end in end(),
    ) -> Fragment {
        let table = table();
        let bounds: Vec<i64> = bounds.into_iter().collect();
        let key = |id: i64| table_codec::row_key(table.id, id);
        let ranges = bounds.chunks_exact(2).map(|pair| (key(pair[0]), key(pair[1]))).collect();
        let columns = wanted_columns(&table, &(0..table.columns.len()).collect::<Vec<_>>());
        let steps = filter.map(Step::Filter).into_iter().chain(end).collect();
        Fragment { scan: RangeScan { ranges, reverse, columns }, steps }
    }
}

/// The fragment over each of its ranges, cut at a key, in the order of its rows.
fn parted(fragment: &Fragment, at: i64) -> Vec<Fragment> {
    let cut = table_codec::row_key(table().id, at);
    let mut parts = Vec::new();
    for (start, end) in &fragment.scan.ranges {
        let middle = cut.clone().clamp(start.clone(), end.clone());
        parts.push((start.clone(), middle.clone()));
        parts.push((middle, end.clone()));
    }
    parts.retain(|(start, end)| start < end);
    if fragment.scan.reverse {
        parts.reverse();
    }
    let part = |range| Fragment {
        scan: RangeScan { ranges: vec![range], ..fragment.scan.clone() },
        steps: fragment.steps.clone(),
    };
    parts.into_iter().map(part).collect()
}

/// Equal but for what a sum of doubles loses.
fn alike(a: &Datum, b: &Datum) -> bool {
    match (a, b) {
        (Datum::Float(a), Datum::Float(b)) => (a - b).abs() <= 1e-9 * (1.0 + a.abs().max(b.abs())),
        (a, b) => a == b,
    }
}

fn all_alike(a: &Rows, b: &Rows) -> bool {
    let row = |(a, b): (&Vec<Datum>, &Vec<Datum>)| {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b))
    };
    a.len() == b.len() && a.iter().zip(b).all(row)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn a_fragment_gives_the_same_wherever_it_runs(fragment in fragment(), cut in 0_i64..45) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let fixture = Fixture::new(table());
            fixture.insert((1..=ROWS).map(row).collect(), ConflictAction::Error).await.unwrap();
            let (start, end) = table_codec::row_range(fixture.table.id);
            let engine = engine_of(&fixture.store.dump(&start, &end), fixture.table.id);
            let txn = fixture.begin().await;

            let there = Fragment::decode(&fragment.encode().unwrap()).unwrap();
            prop_assert_eq!(&there, &fragment);
            let here = rows(&fragment, &*txn).await;
            prop_assert_eq!(&rows(&there, &engine).await, &here);
            let Ok(here) = here else { return Ok(()) };

            let ctx = EvalContext::new();
            let mut parts = Vec::new();
            for part in parted(&fragment, cut) {
                // What a part meets that the whole does not come to (a limit) may be an error.
                let Ok(rows) = rows(&part, &engine).await else { return Ok(()) };
                parts.extend(rows);
            }
            let whole = fragment.merge(here, &ctx);
            let merged = fragment.merge(parts, &ctx);
            if let (Ok(whole), Ok(merged)) = (whole, merged) {
                prop_assert!(all_alike(&whole, &merged), "{whole:?} is not {merged:?}");
            }
            Ok(())
        })?;
    }
}

#[test]
fn an_environment_travels() {
    let environment = Environment {
        sql_mode: SqlMode::parse("ANSI_QUOTES,NO_ZERO_DATE").unwrap(),
        time_zone: TimeZone::parse("Europe/Berlin").unwrap(),
        now_unix_micros: -5,
        writes: true,
        ignore: true,
        connection_id: 7,
        user: "u@h".to_owned(),
        current_user: "u@%".to_owned(),
        current_db: Some("d".to_owned()),
        version: "8".to_owned(),
        found_rows: 3,
        row_count: -1,
        div_precision_increment: 9,
        group_concat_max_len: 99,
        max_allowed_packet: 1 << 30,
    };
    let there = decode_environment(&encode_environment(&environment)).unwrap();
    assert_eq!(there, environment);
    let default = Environment::default();
    assert_eq!(decode_environment(&encode_environment(&default)).unwrap(), default);
}

#[test]
fn what_is_no_fragment_is_an_error() {
    assert!(Fragment::decode(b"no fragment").is_err());
    assert!(Fragment::decode(b"").is_err(), "a fragment scans");
    let names: BTreeSet<&str> =
        [Function::Neg, Function::Sub, Function::Trim, Function::TrimLeading, Function::Case]
            .map(Function::wire_name)
            .into();
    assert_eq!(names.len(), 5, "an operator is told from others that are written alike");
}

/// Plans that are fragments give, merged, what the executor gives.
#[test]
fn a_plan_is_a_fragment() {
    let mut session = Session::new();
    session.text("CREATE TABLE t (a INT PRIMARY KEY, b INT, s VARCHAR(9), KEY (b))");
    session.text("INSERT INTO t VALUES (1, 1, 'x'), (2, 3, 'y'), (3, 2, NULL), (4, 1, 'X')");
    for (sql, is_one) in [
        ("SELECT * FROM t", true),
        ("SELECT b + 1 FROM t WHERE s <> 'y' AND a > 0", true),
        ("SELECT COUNT(*), SUM(b), COUNT(DISTINCT s), AVG(a) FROM t WHERE a < 3 + 1", true),
        ("SELECT UPPER(s), MAX(a) FROM t WHERE a < 9 GROUP BY UPPER(s)", true),
        ("SELECT a, s FROM t ORDER BY s DESC, a LIMIT 2", true),
        ("SELECT a, b, s FROM t ORDER BY a DESC LIMIT 3", true),
        ("SELECT a FROM t ORDER BY s LIMIT 2", false),
        ("SELECT a FROM t WHERE RAND() >= 0", false),
        ("SELECT @x := a FROM t", false),
        ("SELECT a FROM t FOR UPDATE", false),
        ("SELECT x.a FROM t AS x JOIN t AS y ON x.b = y.b", false),
        ("SELECT COUNT(*) FROM (SELECT DISTINCT b FROM t) AS x", false),
    ] {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let schema = session.schema().await.unwrap();
            let parsed = parse(sql, SqlMode::default()).unwrap();
            let planner = Planner::new(&schema, Some("test"), SqlMode::default());
            let plan = planner.plan(&parsed[0].statement).unwrap();
            let ctx = session.context(&plan).await.unwrap();
            let StatementPlan::Query(query) = &plan else { panic!("{sql} is a query") };
            let Some(fragment) = Fragment::of(&query.root, &ctx).unwrap() else {
                assert!(!is_one, "{sql}");
                return;
            };
            assert!(is_one, "{sql}");
            let fragment = Fragment::decode(&fragment.encode().unwrap()).unwrap();
            let environment = decode_environment(&encode_environment(&ctx.eval.env)).unwrap();
            let there = EvalContext::of(environment);
            let mut parts = Vec::new();
            let give = &mut |rows: Rows| {
                parts.extend(rows);
                Ok(())
            };
            fragment.run(&*ctx.txn, &there, give).await.unwrap();
            let found = fragment.merge(parts, &ctx.eval).unwrap();
            let mut wanted = Vec::new();
            let mut stream = execute_query(query, &ctx).await.unwrap();
            while let Some(batch) = stream.next_batch().await.unwrap() {
                wanted.extend(batch.into_rows(&query.root.schema));
            }
            assert_eq!(found, wanted, "{sql}");
        });
    }
}
