//! The operator against frames that are looked up row by row.

use proptest::prelude::*;

use super::over_rows;
use crate::sql::expr::{
    Aggregate, AggregateKind, EvalContext, Expr, Function, TypeRules, WindowFunction, WindowKind,
};
use crate::sql::plan::{Frame, FrameBound, FrameOffset, SortKey, Window, WindowCall};
use crate::sql::types::{Datum, FieldType};

/// A row: its partition, what it is ordered by, a value.
type Sample = (i64, Option<i64>, Option<i64>);

/// An end of a frame: how far from the row, or without end.
#[derive(Clone, Copy, Debug)]
enum End {
    First,
    Away(i64),
    Current,
    Last,
}

fn column(index: usize) -> Expr {
    Expr::column(index, FieldType::bigint())
}

fn bound(end: End, range: bool, descending: bool) -> FrameBound {
    let offset = |away: i64| {
        let amount = Expr::literal(Datum::Int(away.abs()));
        let earlier = (away > 0) == descending;
        let function = if earlier { Function::Sub } else { Function::Add };
        let wide = Expr::cast(column(1), FieldType::decimal(65, 0));
        let target = Expr::call(function, vec![wide, amount.clone()]).expect("numbers");
        FrameOffset { amount, target: range.then_some(target) }
    };
    match end {
        End::First => FrameBound::UnboundedPreceding,
        End::Current => FrameBound::CurrentRow,
        End::Last => FrameBound::UnboundedFollowing,
        End::Away(away) if away < 0 => FrameBound::Preceding(offset(away)),
        End::Away(away) => FrameBound::Following(offset(away)),
    }
}

/// Whether a row of the partition is in the frame of the one at `at`.
fn is_in(
    partition: &[Sample],
    (at, row): (usize, usize),
    (start, end): (End, End),
    range: bool,
    descending: bool,
) -> bool {
    if !range {
        let distance = row as i64 - at as i64;
        let reaches = |end: End, from_start: bool| match end {
            End::First => true,
            End::Last => !from_start,
            End::Current => {
                if from_start {
                    distance >= 0
                } else {
                    distance <= 0
                }
            }
            End::Away(away) => {
                if from_start {
                    distance >= away
                } else {
                    distance <= away
                }
            }
        };
        return reaches(start, true) && reaches(end, false);
    }
    let sign = if descending { -1 } else { 1 };
    let reaches = |end: End, from_start: bool| {
        let away = match end {
            End::First | End::Last => return true,
            End::Current => 0,
            End::Away(away) => away,
        };
        match (partition[at].1, partition[row].1) {
            (None, None) => true,
            // NULL is lowest.
            (None, Some(_)) => from_start != descending,
            (Some(_), None) => from_start == descending,
            (Some(mine), Some(other)) => {
                let distance = (other - mine) * sign;
                if from_start { distance >= away } else { distance <= away }
            }
        }
    };
    reaches(start, true) && reaches(end, false)
}

fn ends() -> impl Strategy<Value = (End, End)> {
    let away = || prop_oneof![Just(0_i64), -3..4_i64, -150..150_i64];
    let pair = (0..4_usize, 0..4_usize, away(), away());
    pair.prop_map(|(start, end, first, second)| {
        let (low, high) = (first.min(second), first.max(second));
        let start = [End::First, End::Away(low), End::Current, End::Away(low)][start];
        let end = [End::Last, End::Away(high), End::Current, End::Away(high)][end];
        (start, end)
    })
}

fn functions() -> Vec<WindowFunction> {
    let own = |kind: WindowKind, mut more: Vec<Expr>| {
        more.insert(0, column(2));
        WindowFunction::by_rules(kind, more, &TypeRules::default()).expect("it is called rightly")
    };
    let aggregate = |kind: AggregateKind| {
        let aggregate = Aggregate::new(kind, vec![column(2)], false);
        WindowFunction::Aggregate(aggregate.expect("it is called rightly"))
    };
    vec![
        aggregate(AggregateKind::Count),
        aggregate(AggregateKind::Sum),
        aggregate(AggregateKind::Min),
        aggregate(AggregateKind::BitXor),
        own(WindowKind::FirstValue, Vec::new()),
        own(WindowKind::LastValue, Vec::new()),
        own(WindowKind::NthValue, vec![Expr::literal(Datum::Int(2))]),
    ]
}

/// What the functions give for a frame of these values.
fn expected(values: &[Option<i64>]) -> Vec<Datum> {
    let some: Vec<i64> = values.iter().flatten().copied().collect();
    let number = |value: Option<i64>| value.map_or(Datum::Null, Datum::Int);
    let bits = some.iter().fold(0, |bits, value| bits ^ *value as u64);
    let sum = (!some.is_empty()).then(|| some.iter().sum::<i64>());
    vec![
        Datum::Int(some.len() as i64),
        sum.map_or(Datum::Null, |sum| Datum::Decimal(sum.into())),
        number(some.iter().min().copied()),
        Datum::UInt(bits),
        number(values.first().copied().flatten()),
        number(values.last().copied().flatten()),
        number(values.get(1).copied().flatten()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn frames_are_those_of_each_row_alone(
        mut rows in prop::collection::vec(
            (0..3_i64, prop::option::weighted(0.9, -40..40_i64), prop::option::weighted(0.8, -9..9_i64)),
            0..260,
        ),
        (start, end) in ends(),
        range in any::<bool>(),
        descending in any::<bool>(),
    ) {
        let sign = if descending { -1 } else { 1 };
        rows.sort_by_key(|(partition, order, _)| {
            (*partition, order.map_or(i64::MIN / 2, |order| order) * sign)
        });
        let frame = Frame {
            range,
            start: bound(start, range, descending),
            end: bound(end, range, descending),
        };
        let calls = functions().into_iter().map(|function| WindowCall {
            function,
            window: "w".to_owned(),
            frame: frame.clone(),
            ignores_frame: false,
        });
        let window = Window {
            partition_by: vec![column(0)],
            order_by: vec![SortKey { expr: column(1), descending }],
            calls: calls.collect(),
        };
        let number = |value: Option<i64>| value.map_or(Datum::Null, Datum::Int);
        let input = rows.iter().map(|(p, o, v)| vec![Datum::Int(*p), number(*o), number(*v)]);
        let found = over_rows(&window, input.collect(), &EvalContext::new()).expect("it can be computed");
        prop_assert_eq!(found.len(), rows.len());
        for partition in rows.chunk_by(|a, b| a.0 == b.0) {
            let from = rows.partition_point(|row| row.0 < partition[0].0);
            for at in 0..partition.len() {
                let members = (0..partition.len())
                    .filter(|row| is_in(partition, (at, *row), (start, end), range, descending));
                let values: Vec<Option<i64>> = members.map(|row| partition[row].2).collect();
                prop_assert_eq!(&found[from + at][3..], &expected(&values)[..], "row {}", from + at);
            }
        }
    }
}
