//! Record batches against rows.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema};

use crate::common::{SqlError, errno};
use crate::sql::expr::{
    EvalContext, Expr, Function, from_df_error, physical, physical_predicate, to_df_error,
};
use crate::sql::types::{
    Collation, Datum, DatumColumnBuilder, Decimal, Duration, FieldType, Time, TypeKind,
    datum_from_array,
};

fn columns() -> Vec<(FieldType, Vec<Datum>)> {
    let ci = FieldType::varchar(10).collate(Collation::Utf8mb4GeneralCi);
    let date = |day| Datum::Time(Time::date(2024, 1, day));
    let span = |micros| Datum::Duration(Duration { micros, fsp: 0 });
    vec![
        (
            FieldType::bigint(),
            vec![Datum::Int(1), Datum::Null, Datum::Int(-3), Datum::Int(20_240_102)],
        ),
        (FieldType::bigint(), vec![Datum::Int(1), Datum::Int(2), Datum::Null, Datum::Int(7)]),
        (
            FieldType::bigint_unsigned(),
            vec![Datum::UInt(1), Datum::UInt(u64::MAX), Datum::Null, Datum::UInt(3)],
        ),
        (
            FieldType::double(),
            vec![Datum::Float(1.5), Datum::Float(-2.0), Datum::Null, Datum::Float(0.0)],
        ),
        (
            FieldType::decimal(10, 2),
            vec![
                Datum::Decimal(Decimal::new(150, 2)),
                Datum::Null,
                Datum::Decimal(Decimal::new(-1, 2)),
                Datum::Decimal(Decimal::new(700, 2)),
            ],
        ),
        (
            FieldType::varchar(10),
            vec![Datum::from("a"), Datum::from("a  "), Datum::from("B"), Datum::Null],
        ),
        (ci, vec![Datum::from("A"), Datum::from("b"), Datum::Null, Datum::from("\u{e9}")]),
        (FieldType::date(), vec![date(1), date(2), Datum::Null, date(2)]),
        (FieldType::time(0), vec![span(0), span(1), span(3_600_000_000), Datum::Null]),
    ]
}

fn batch() -> RecordBatch {
    let mut fields = Vec::new();
    let mut arrays = Vec::new();
    for (position, (field_type, values)) in columns().iter().enumerate() {
        let mut builder = DatumColumnBuilder::new(field_type, values.len());
        values.iter().for_each(|value| builder.push(value).unwrap());
        fields.push(Field::new(format!("c{position}"), field_type.arrow_type(), true));
        arrays.push(builder.finish());
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap()
}

/// Evaluates both ways, as a value and as a condition, and compares.
fn check(expr: &Expr) {
    let ctx = Arc::new(EvalContext::new());
    let batch = batch();
    let columns = columns();
    let values = physical(expr, &ctx).evaluate(&batch).map_err(from_df_error);
    let truths = physical_predicate(expr, &ctx).evaluate(&batch).map_err(from_df_error);
    for row in 0..batch.num_rows() {
        let datums: Vec<Datum> = columns.iter().map(|(_, values)| values[row].clone()).collect();
        let expected = match expr.eval(&datums, &ctx) {
            Ok(expected) => expected,
            Err(error) => {
                // The message names columns by their position, which is another in the batch.
                let found = values.as_ref().err().map(|error| error.code);
                assert_eq!(found, Some(error.code), "{expr}");
                continue;
            }
        };
        let wanted = Datum::from(expected.to_bool(&ctx).unwrap());
        // Within an expression a quotient has spare digits; a column has its scale.
        let expected = match (expected, expr.field_type().kind) {
            (Datum::Decimal(number), TypeKind::Decimal) => {
                Datum::Decimal(number.with_scale(expr.field_type().precision_scale().1).unwrap())
            }
            (expected, _) => expected,
        };
        let Ok(values) = &values else { continue };
        let array = values.clone().into_array(batch.num_rows()).unwrap();
        assert_eq!(*array.data_type(), expr.field_type().arrow_type(), "{expr}");
        let found = datum_from_array(array.as_ref(), row, expr.field_type()).unwrap();
        assert!(
            found.same(&expected, Collation::Binary),
            "{expr} of row {row}: {found:?}, not {expected:?}"
        );
        let truth = truths.as_ref().unwrap().clone().into_array(batch.num_rows()).unwrap();
        let truth = datum_from_array(truth.as_ref(), row, &FieldType::boolean()).unwrap();
        assert_eq!(truth, wanted, "truth of {expr} of row {row}");
    }
}

#[test]
fn batches_mean_what_rows_mean() {
    let types = columns();
    let mut operands: Vec<Expr> = types
        .iter()
        .enumerate()
        .map(|(index, (kind, _))| Expr::column(index, kind.clone()))
        .collect();
    for literal in [Datum::Int(1), Datum::Int(-3), Datum::UInt(3), Datum::Float(1.5), Datum::Null] {
        operands.push(Expr::literal(literal));
    }
    operands.push(Expr::text("a "));
    operands.push(Expr::text("2024-01-02"));
    operands.push(Expr::literal(Datum::Time(Time::date(2024, 1, 2))));
    use Function as F;
    let functions = [
        F::Eq,
        F::NullEq,
        F::Ne,
        F::Lt,
        F::Le,
        F::Gt,
        F::Ge,
        F::Add,
        F::Sub,
        F::Mul,
        F::Div,
        F::Mod,
        F::Like,
    ];
    for left in &operands {
        check(&Expr::call(F::IsNull, vec![left.clone()]).unwrap());
        check(&Expr::call(F::Not, vec![left.clone()]).unwrap());
        for right in &operands {
            for function in functions {
                let call = Expr::call(function, vec![left.clone(), right.clone()]).unwrap();
                check(&call);
            }
        }
    }
}

#[test]
fn logic_of_batches_has_three_values() {
    let column = |index: usize| Expr::column(index, columns()[index].0.clone());
    let conditions: Vec<Expr> = [
        (Function::Gt, column(0), Expr::literal(Datum::Int(0))),
        (Function::Eq, column(1), Expr::literal(Datum::Int(2))),
        (Function::Eq, column(5), Expr::text("a")),
        (Function::Lt, column(3), column(4)),
    ]
    .into_iter()
    .map(|(function, left, right)| Expr::call(function, vec![left, right]).unwrap())
    .collect();
    for left in &conditions {
        for right in &conditions {
            for function in [Function::And, Function::Or, Function::Xor] {
                check(&Expr::call(function, vec![left.clone(), right.clone()]).unwrap());
            }
        }
    }
}

#[test]
fn errors_survive_datafusion() {
    let error = SqlError::new(errno::DATA_OUT_OF_RANGE, "BIGINT value is out of range");
    let wrapped = to_df_error(error.clone()).context("while joining");
    assert_eq!(from_df_error(wrapped), error);
    let shared = datafusion_common::DataFusionError::Shared(Arc::new(to_df_error(error.clone())));
    assert_eq!(from_df_error(shared), error);
}

#[test]
fn a_decision_guards_what_follows_it() {
    let column = || Expr::column(0, FieldType::bigint());
    let small = Expr::call(Function::Lt, vec![column(), Expr::literal(Datum::Int(100))]).unwrap();
    let huge = Expr::literal(Datum::Int(i64::MAX - 1));
    let sum = Expr::call(Function::Add, vec![column(), huge]).unwrap();
    let overflowing = Expr::call(Function::Gt, vec![sum, Expr::literal(Datum::Int(0))]).unwrap();
    let ctx = Arc::new(EvalContext::new());
    let guarded = Expr::call(Function::And, vec![small, overflowing.clone()]).unwrap();
    physical_predicate(&guarded, &ctx).evaluate(&batch()).unwrap();
    let error = physical_predicate(&overflowing, &ctx)
        .evaluate(&batch())
        .map_err(from_df_error)
        .unwrap_err();
    assert_eq!(error.code, errno::DATA_OUT_OF_RANGE);
}

/// Long lists are looked through by halves in batches, item by item in rows.
#[test]
fn long_lists_hold_what_they_hold_row_by_row() {
    let columns = columns();
    let kinds = |list: usize| columns[list].1.iter().filter(|value| !value.is_null());
    for (index, (field_type, _)) in columns.iter().enumerate() {
        for list in 0..columns.len() {
            for null in [false, true] {
                let spare = (0..9).map(|number| Datum::Int(100 - number));
                let mut values: Vec<Datum> = kinds(list).cloned().collect();
                match list {
                    0..5 => values.extend(spare),
                    _ => values.extend(values.clone().into_iter().cycle().take(9)),
                }
                values.extend(null.then_some(Datum::Null));
                let column = Expr::column(index, field_type.clone());
                let args = std::iter::once(column).chain(values.into_iter().map(Expr::literal));
                check(&Expr::call(Function::In, args.collect()).unwrap());
            }
        }
    }
}

#[test]
fn only_lists_of_one_kind_are_sorted() {
    let ctx = EvalContext::new();
    let list = |values: Vec<Datum>| {
        let column = Expr::column(0, FieldType::bigint());
        let args = std::iter::once(column).chain(values.into_iter().map(Expr::literal));
        let expr = Expr::call(Function::In, args.collect()).unwrap().with_sorted_lists(&ctx);
        matches!(expr, Expr::Call { function: Function::InSorted, .. })
    };
    let numbers = || (0..8).map(|number| Datum::Int(7 - number));
    assert!(list(numbers().collect()));
    assert!(list(numbers().chain([Datum::Null, Datum::UInt(u64::MAX)]).collect()));
    assert!(!list(numbers().take(7).collect()), "it is short");
    assert!(!list(numbers().chain([Datum::from("1x")]).collect()), "each comparison warns");
    assert!(!list(numbers().chain([Datum::Float(0.5)]).collect()), "compared as doubles");
}
