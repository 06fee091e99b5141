//! How long a value may get, and how long a function may take.

use super::super::{EvalContext, InterruptReason};
use super::bind;
use crate::common::errno;
use crate::sql::types::Datum;

fn evaluate(ctx: &EvalContext, source: &str) -> Datum {
    bind::parse(source)
        .and_then(|expr| expr.eval(&[], ctx))
        .unwrap_or_else(|error| panic!("{source}: {error}"))
}

/// Every function that makes a longer text of its arguments: past `max_allowed_packet` it is NULL with a warning, and what just
/// fits is made.
#[test]
fn no_text_is_longer_than_a_packet() {
    // What makes a text of 1,000 bytes, and with one letter more 1,001 or a few more.
    let cases = [
        ("repeat('ab', 500)", "repeat('ab', 501)"),
        ("space(1000)", "space(1001)"),
        ("lpad('a', 1000, 'bc')", "lpad('a', 1001, 'bc')"),
        ("rpad('a', 500, 'ä')", "rpad('a', 502, 'ä')"),
        ("concat(space(999), 'a')", "concat(space(1000), 'a')"),
        ("concat_ws(',', space(500), space(499))", "concat_ws(',', space(500), space(500))"),
        ("hex(space(500))", "hex(space(501))"),
        ("replace(repeat('a', 500), 'a', 'bb')", "replace(repeat('a', 501), 'a', 'bb')"),
        ("insert(space(990), 1, 0, space(10))", "insert(space(991), 1, 0, space(10))"),
        ("to_base64(space(738))", "to_base64(space(744))"),
        ("quote(repeat('\\\\', 499))", "quote(repeat('\\\\', 500))"),
        ("make_set(3, space(500), space(499))", "make_set(3, space(500), space(500))"),
        ("upper(repeat('ŉ', 333))", "upper(repeat('ŉ', 334))"),
        ("cast('a' as binary(1000))", "cast('a' as binary(1001))"),
        (
            "date_format('2024-01-02', repeat('%d', 90))",
            "date_format('2024-01-02', repeat('%d', 500))",
        ),
    ];
    for (fits, too_long) in cases {
        let mut ctx = EvalContext::new();
        ctx.max_allowed_packet = 1000;
        assert_ne!(evaluate(&ctx, fits), Datum::Null, "{fits}");
        assert_eq!(ctx.take_warnings().len(), 0, "{fits}");
        assert_eq!(evaluate(&ctx, too_long), Datum::Null, "{too_long}");
        let warnings = ctx.take_warnings();
        let codes: Vec<u16> = warnings.iter().map(|warning| warning.code).collect();
        assert_eq!(codes, [errno::WARN_ALLOWED_PACKET_OVERFLOWED], "{too_long}");
    }
}

/// Nothing is made first and measured then: a terabyte is refused as quickly as anything.
#[test]
fn what_is_too_long_is_never_made() {
    let mut ctx = EvalContext::new();
    ctx.max_allowed_packet = 1 << 20;
    for source in [
        "repeat('a', 1099511627776)",
        "space(9223372036854775807)",
        "rpad('a', 9223372036854775807, 'b')",
        "hex(hex(hex(hex(hex(hex(hex(hex(hex(hex(space(10000)))))))))))",
    ] {
        assert_eq!(evaluate(&ctx, source), Datum::Null, "{source}");
    }
}

/// Each of these took time by the product of its arguments' lengths.
#[test]
fn long_arguments_take_no_longer_than_they_are() {
    let ctx = EvalContext::new();
    let zero = Datum::Int(0);
    let cases = [
        ("repeat('a', 400000) like concat('%', repeat('a', 200000), 'b')", &zero),
        ("repeat('a', 400000) like concat(repeat('%', 400000), 'b')", &zero),
        ("repeat('a', 400000) like concat(repeat('%a', 100000), '%b%c')", &zero),
        ("str_to_date(repeat('1', 1000000), repeat('%Y', 1000000))", &Datum::Null),
        (
            "locate(concat(repeat('a', 200000), 'b') collate utf8mb4_general_ci, repeat('A', 400000))",
            &zero,
        ),
        ("find_in_set(repeat(' ', 200000), concat(repeat('a,', 200000), 'a'))", &zero),
        (
            "find_in_set(repeat('b', 200000) collate utf8mb4_general_ci, repeat('b,', 200000))",
            &zero,
        ),
        ("length(substring_index(repeat('a', 1000000), 'a', -999999))", &Datum::Int(999_998)),
        ("repeat('a', 400000) regexp '(a|a)*b'", &zero),
        ("repeat('a', 4000000) regexp concat(repeat('a', 999), 'b')", &zero),
        ("length(replace(repeat('a', 1000000), 'a', 'bb'))", &Datum::Int(2_000_000)),
    ];
    for (source, expected) in cases {
        assert_eq!(evaluate(&ctx, source), *expected, "{source}");
    }
}

#[test]
fn an_interrupted_statement_computes_no_more() {
    let ctx = EvalContext::new();
    let expr = bind::parse("1 + 1").expect("it is an expression");
    ctx.interrupt.raise(InterruptReason::Killed);
    let error = expr.eval(&[], &ctx).expect_err("it was killed");
    assert_eq!(error.code, errno::QUERY_INTERRUPTED);
}

/// In the middle of one call, too: this one would take hours.
#[test]
fn a_long_call_looks_whether_it_is_to_end() {
    let ctx = EvalContext::new();
    let source = "repeat('a', 3000000) like concat('%', repeat('a', 1500000), '_b%')";
    let expr = bind::parse(source).expect("it is an expression");
    std::thread::scope(|scope| {
        let call = scope.spawn(|| expr.eval(&[], &ctx));
        while !call.is_finished() {
            ctx.interrupt.raise(InterruptReason::Timeout);
            std::thread::yield_now();
        }
        let error = call.join().expect("it does not panic").expect_err("its time is over");
        assert_eq!(error.code, errno::QUERY_TIMEOUT);
    });
}

/// Patterns that would have to be tried, that are large, that nest: an error, not a wait.
#[test]
fn patterns_are_bounded() {
    let mut ctx = EvalContext::new();
    ctx.max_allowed_packet = 64 << 20;
    let code = |source: &str| {
        let result = bind::parse(source).and_then(|expr| expr.eval(&[], &ctx));
        result.map_or_else(|error| error.code, |_| 0)
    };
    assert_eq!(code("'foobar' regexp 'foo(?=bar)'"), 0);
    assert_eq!(code("'a' regexp '((a{1000}){1000}){1000}'"), errno::REGEXP_PATTERN_TOO_BIG);
    let nested = "'a' regexp concat(repeat('(', 10000), repeat(')', 10000))";
    assert_eq!(code(nested), errno::REGEXP_PATTERN_TOO_BIG);
    assert_eq!(code("'a' regexp repeat('a', 100000)"), errno::REGEXP_PATTERN_TOO_BIG);
    // A word's edge beside letters beyond ASCII: no automaton tells it that could be looked after.
    let slow = "concat('é', repeat('a', 60000000)) regexp concat(repeat('a', 1000), '\\\\b')";
    assert_eq!(code(slow), errno::REGEXP_TIME_OUT);
}
