//! Properties of values, and tables of what MySQL makes of them.

use std::cmp::Ordering;

use proptest::prelude::*;

use super::time::Parts;
use super::*;
use crate::common::{SqlError, errno};

fn exact(text: &str) -> Decimal {
    Decimal::parse(text).unwrap()
}

#[test]
fn decimals_read_and_write() {
    let cases = [
        ("0", "0"),
        ("-0", "0"),
        ("1.50", "1.50"),
        (".5", "0.5"),
        ("-.5", "-0.5"),
        ("5.", "5"),
        ("1e3", "1000"),
        ("1.25e1", "12.5"),
        ("125e-4", "0.0125"),
        ("  7", "7"),
        ("+7", "7"),
        ("0.1234567890123456789012345678905", "0.123456789012345678901234567891"),
        ("1e-40", "0.000000000000000000000000000000"),
        (
            "99999999999999999999999999999999999999999999999999999999999999999",
            "99999999999999999999999999999999999999999999999999999999999999999",
        ),
        ("1e64", "10000000000000000000000000000000000000000000000000000000000000000"),
    ];
    for (text, shown) in cases {
        assert_eq!(exact(text).to_string(), shown, "{text}");
    }
    for text in ["", "abc", "-", ".", "1x", "1e65", "1 2"] {
        assert_eq!(Decimal::parse(text), None, "{text}");
    }
    let parsed = Decimal::parse_prefix(b"12.5abc");
    assert_eq!((parsed.value, parsed.consumed), (exact("12.5"), 4));
}

#[test]
fn decimals_round_half_away_from_zero() {
    let cases = [
        ("2.5", 0, "3"),
        ("-2.5", 0, "-3"),
        ("1.005", 2, "1.01"),
        ("1249", -2, "1200"),
        ("1250", -2, "1300"),
        ("9.99", 1, "10.0"),
        ("1.5", 3, "1.5"),
        ("5", -1, "10"),
        ("4", -1, "0"),
    ];
    for (number, places, rounded) in cases {
        assert_eq!(exact(number).round(places).to_string(), rounded, "{number}");
    }
    assert_eq!(exact("-1.1").floor().to_string(), "-2");
    assert_eq!(exact("-1.9").ceil().to_string(), "-1");
    assert_eq!(exact("1.1").ceil().to_string(), "2");
    let fitted = exact("1234.56").fit(5, 2);
    assert_eq!((fitted.0.to_string().as_str(), fitted.1), ("999.99", decimal::Fit::Overflow));
    assert_eq!(exact("1.255").fit(5, 2).1, decimal::Fit::Rounded);
    assert_eq!(exact("1.250").fit(5, 2).1, decimal::Fit::Exact);
}

/// A decimal and its value times 10^9.
fn small_decimal() -> impl Strategy<Value = (Decimal, i128)> {
    (-1_000_000_000_i64..1_000_000_000, 0_u8..=9).prop_map(|(digits, scale)| {
        let scaled = i128::from(digits) * 10_i128.pow(9 - u32::from(scale));
        (Decimal::new(i128::from(digits), scale), scaled)
    })
}

fn wide_decimal() -> impl Strategy<Value = Decimal> {
    ("-?[0-9]{1,35}", "[0-9]{0,30}")
        .prop_map(|(whole, fraction)| exact(&format!("{whole}.{fraction}")))
}

proptest! {
    #[test]
    fn decimals_count_like_integers((a, x) in small_decimal(), (b, y) in small_decimal()) {
        let unit = |value: i128| Decimal::new(value, 9);
        prop_assert_eq!(a.checked_add(&b).unwrap(), unit(x + y));
        prop_assert_eq!(a.checked_sub(&b).unwrap(), unit(x - y));
        prop_assert_eq!(a.checked_mul(&b).unwrap(), Decimal::new(x * y, 18));
        prop_assert_eq!(a.cmp(&b), x.cmp(&y));
        if y != 0 {
            prop_assert_eq!(a.checked_rem(&b).unwrap(), unit(x % y));
            prop_assert_eq!(a.checked_int_div(&b).unwrap(), Decimal::new(x / y, 0));
            let quotient = a.checked_div(&b, 4).unwrap();
            let error = quotient.checked_mul(&b).unwrap().checked_sub(&a).unwrap().abs();
            prop_assert!(error <= b.abs(), "{a} / {b} = {quotient}");
        }
    }

    #[test]
    fn decimals_read_what_they_write(number in wide_decimal()) {
        let text = number.to_string();
        prop_assert_eq!(exact(&text), number);
        prop_assert_eq!(exact(&text).to_string(), text);
        prop_assert_eq!(number.normalized(), number);
        prop_assert_eq!(number.neg().neg(), number);
    }

    #[test]
    fn wide_decimals_add_and_compare(a in wide_decimal(), b in wide_decimal()) {
        let sum = a.checked_add(&b);
        if let Some(sum) = sum {
            prop_assert_eq!(sum.checked_sub(&b).unwrap(), a);
            prop_assert_eq!(sum.cmp(&a), b.cmp(&Decimal::ZERO));
        }
        prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
    }

    #[test]
    fn times_come_back_from_text(time in any_time(), fsp in 0_u8..=6) {
        let time = time.round_to(fsp, SqlMode::TIME_TRUNCATE_FRACTIONAL).unwrap();
        let rules = TimeRules::lenient();
        let parsed = Time::parse(&time.to_string(), TimeKind::DateTime, fsp, &rules).unwrap();
        prop_assert_eq!(parsed.value, time);
        prop_assert!(!parsed.truncated);
        let number = Time::from_number(&time.to_decimal(), TimeKind::DateTime, fsp, &rules);
        if time.parts().year > 1969 {
            prop_assert_eq!(number, Some(time));
        }
        prop_assert_eq!(Time::from_micros(time.micros(), TimeKind::DateTime, 6), Some(time));
    }

    #[test]
    fn days_count_on(day in 2_i64..3_652_424) {
        let (before, date) = (Time::from_day_number(day - 1).unwrap(), Time::from_day_number(day).unwrap());
        prop_assert!(before < date);
        prop_assert_eq!(date.day_number(), Some(day));
        prop_assert_eq!(before.checked_add(Interval { months: 0, micros: time::MICROS_PER_DAY }), Some(date));
    }

    #[test]
    fn durations_come_back_from_text(micros in -Duration::MAX_MICROS..=Duration::MAX_MICROS) {
        let duration = Duration { micros, fsp: 6 };
        let parsed = Duration::parse(&duration.to_string(), 6, SqlMode::EMPTY).unwrap();
        prop_assert_eq!(parsed.value, duration);
        let number = Duration::from_decimal(&duration.to_decimal(), 6, SqlMode::EMPTY);
        prop_assert_eq!(number, Some((duration, false)));
    }

    #[test]
    fn moments_come_back_in_every_zone(unix in 0_i64..4_102_444_800, zone in 0_usize..4) {
        let zone = [TimeZone::UTC, TimeZone::Fixed(19_800), TimeZone::parse("Europe/Berlin").unwrap(), TimeZone::parse("america/new_york").unwrap()][zone];
        let micros = unix * 1_000_000;
        let local = Time::from_unix_micros(micros, &zone, TimeKind::Timestamp, 0).unwrap();
        let back = local.unix_micros(&zone).unwrap().unwrap();
        // An hour that comes twice is taken as the first.
        prop_assert!(back == micros || back == micros - 3_600_000_000, "{local} {back} {micros}");
    }

    #[test]
    fn floats_come_back_from_text(number in proptest::num::f64::NORMAL) {
        prop_assert_eq!(float_text(number, false).parse::<f64>().unwrap(), number);
    }
}

fn any_time() -> impl Strategy<Value = Time> {
    (1_i64..3_652_424, 0_i64..time::MICROS_PER_DAY).prop_map(|(day, micros)| {
        Time::from_micros(day * time::MICROS_PER_DAY + micros, TimeKind::DateTime, 6).unwrap()
    })
}

/// A column type with values of it, as they are stored.
fn typed_values() -> impl Strategy<Value = (FieldType, Datum, Datum)> {
    let collations = Collation::ALL;
    let decimal = || (-1_000_000_i128..1_000_000).prop_map(|n| Datum::Decimal(Decimal::new(n, 3)));
    let text = || "[a-cA-C\u{e4} ]{0,12}".prop_map(Datum::from);
    let moment = |kind: TimeKind| {
        (1_i64..2_000_000_000).prop_map(move |unix| {
            Datum::from_time(Time::from_unix_micros(unix * 1_000_000, &TimeZone::UTC, kind, 0))
        })
    };
    let datetime = || {
        any_time()
            .prop_map(|time| Datum::from_time(time.round_to(0, SqlMode::TIME_TRUNCATE_FRACTIONAL)))
    };
    let span = || {
        (-Duration::MAX_MICROS..=Duration::MAX_MICROS)
            .prop_map(|micros| Datum::Duration(Duration { micros, fsp: 6 }))
    };
    let pair = |field_type: FieldType, values: BoxedStrategy<Datum>| {
        let nullable = prop_oneof![9 => values, 1 => Just(Datum::Null)].boxed();
        (Just(field_type), nullable.clone(), nullable).boxed()
    };
    prop_oneof![
        pair(FieldType::bigint(), any::<i64>().prop_map(Datum::Int).boxed()),
        pair(FieldType::bigint_unsigned(), any::<u64>().prop_map(Datum::UInt).boxed()),
        pair(FieldType::double(), proptest::num::f64::NORMAL.prop_map(Datum::Float).boxed()),
        pair(FieldType::decimal(10, 3), decimal().boxed()),
        (prop::sample::select(collations.to_vec()), text(), text())
            .prop_map(|(collation, a, b)| (FieldType::varchar(12).collate(collation), a, b))
            .boxed(),
        pair(FieldType::datetime(0), datetime().boxed()),
        pair(FieldType::timestamp(0), moment(TimeKind::Timestamp).boxed()),
        pair(FieldType::time(6), span().boxed()),
    ]
}

proptest! {
    #[test]
    fn keys_are_ordered_as_values((field_type, a, b) in typed_values()) {
        let key = |value: &Datum| {
            let mut key = Vec::new();
            codec::encode_key_value(value, &field_type, &TimeZone::UTC, &mut key).unwrap();
            key
        };
        let expected = a.sort_cmp(&b, field_type.collation);
        prop_assert_eq!(key(&a).cmp(&key(&b)), expected, "{:?} {:?}", a, b);
        if !a.is_null() && !b.is_null() {
            let ctx = ValueContext::default();
            prop_assert_eq!(compare(&a, &b, field_type.collation, &ctx).unwrap(), expected);
        }
        let encoded = key(&a);
        let mut rest = &encoded[..];
        if codec::is_restorable(&field_type) {
            let decoded = codec::decode_key_value(&mut rest, &field_type, &TimeZone::UTC).unwrap();
            prop_assert_eq!(decoded, a);
        } else {
            codec::skip_key_value(&mut rest).unwrap();
        }
        prop_assert!(rest.is_empty());
    }

    #[test]
    fn rows_give_their_values_back((field_type, value, _) in typed_values(), berlin in any::<bool>()) {
        prop_assume!(!value.is_null());
        let zone = if berlin && field_type.kind == TypeKind::Timestamp { TimeZone::Fixed(7200) } else { TimeZone::UTC };
        let mut bytes = Vec::new();
        codec::encode_row_value(&value, &field_type, &zone, &mut bytes).unwrap();
        let decoded = codec::decode_row_value(&bytes, &field_type, &zone).unwrap();
        prop_assert_eq!(&decoded, &value);
        let mut column = DatumColumnBuilder::new(&field_type, 1);
        column.push(&value).unwrap();
        prop_assert_eq!(datum_from_array(column.finish().as_ref(), 0, &field_type).unwrap(), value);
    }

    #[test]
    fn equal_strings_have_equal_sort_keys(a in "[aAbB\u{c4}\u{e4} ]{0,4}", b in "[aAbB\u{c4}\u{e4} ]{0,4}") {
        for collation in Collation::ALL {
            let by_key = collation.sort_key(a.as_bytes()).cmp(&collation.sort_key(b.as_bytes()));
            prop_assert_eq!(collation.compare(a.as_bytes(), b.as_bytes()), by_key);
        }
    }
}

#[test]
fn collations_ignore_what_they_should() {
    let order =
        |collation: Collation, a: &str, b: &str| collation.compare(a.as_bytes(), b.as_bytes());
    let ci = Collation::Utf8mb4GeneralCi;
    for (a, b) in [
        ("a", "A"),
        ("\u{e9}", "E"),
        ("stra\u{df}e", "STRASE"),
        ("x ", "x"),
        ("\u{17e}", "Z"),
        ("\u{f1}", "n"),
    ] {
        assert_eq!(order(ci, a, b), Ordering::Equal, "{a} {b}");
        assert_ne!(order(Collation::Utf8mb4_0900Bin, a, b), Ordering::Equal, "{a} {b}");
    }
    assert_eq!(order(ci, "a", "B"), Ordering::Less);
    assert_eq!(order(Collation::Utf8mb4Bin, "a", "B"), Ordering::Greater);
    assert_eq!(order(Collation::Utf8mb4Bin, "a  ", "a"), Ordering::Equal);
    assert_eq!(order(Collation::Binary, "a ", "a"), Ordering::Greater);
    assert_eq!(order(ci, "\u{e6}", "\u{c6}"), Ordering::Equal);
}

/// Stores a value under strict or loose rules; the code of the error or of the first warning beside the value.
fn store(
    value: Datum,
    field_type: &FieldType,
    strict: bool,
) -> (Result<Datum, SqlError>, Option<u16>) {
    let env = Environment { writes: true, ..Environment::default() };
    let mut ctx = ValueContext { env, ..ValueContext::default() };
    if !strict {
        ctx.sql_mode = SqlMode::EMPTY;
    }
    let stored = convert_for_column(value, field_type, "c", 1, &ctx);
    let warnings = ctx.take_warnings();
    (stored, warnings.first().map(|warning| warning.code))
}

#[allow(clippy::too_many_lines, reason = "a table of cases")]
#[test]
fn strict_mode_refuses_what_loose_mode_cuts() {
    let tiny = FieldType::new(TypeKind::TinyInt);
    let cases: Vec<(Datum, FieldType, &str, Datum)> = vec![
        (Datum::Int(300), tiny, "1264 Out of range value for column 'c' at row 1", Datum::Int(127)),
        (
            Datum::Int(-1),
            FieldType::int().unsigned(),
            "1264 Out of range value for column 'c' at row 1",
            Datum::UInt(0),
        ),
        (
            Datum::from("abc"),
            FieldType::int(),
            "1366 Incorrect integer value: 'abc' for column 'c' at row 1",
            Datum::Int(0),
        ),
        (
            Datum::from("12abc"),
            FieldType::int(),
            "1265 Data truncated for column 'c' at row 1",
            Datum::Int(12),
        ),
        (
            Datum::from("abcd"),
            FieldType::varchar(3),
            "1406 Data too long for column 'c' at row 1",
            Datum::from("abc"),
        ),
        (
            Datum::from("abcd"),
            FieldType::varbinary(3),
            "1406 Data too long for column 'c' at row 1",
            Datum::from("abc"),
        ),
        (
            Datum::from(vec![b'a', 0xFF]),
            FieldType::varchar(3),
            "1366 Incorrect string value: '\\xFF' for column 'c' at row 1",
            Datum::from("a"),
        ),
        (
            Datum::Decimal(exact("1000")),
            FieldType::decimal(5, 2),
            "1264 Out of range value for column 'c' at row 1",
            Datum::Decimal(exact("999.99")),
        ),
        (
            Datum::from("x"),
            FieldType::decimal(5, 2),
            "1366 Incorrect decimal value: 'x' for column 'c' at row 1",
            Datum::Decimal(exact("0")),
        ),
        (
            Datum::from("x"),
            FieldType::double(),
            "1265 Data truncated for column 'c' at row 1",
            Datum::Float(0.0),
        ),
        (
            Datum::Float(1e39),
            FieldType::float(),
            "1264 Out of range value for column 'c' at row 1",
            Datum::Float(f64::from(f32::MAX)),
        ),
        (
            Datum::from("2024-13-01"),
            FieldType::date(),
            "1292 Incorrect date value: '2024-13-01' for column 'c' at row 1",
            Datum::Time(Time::zero(TimeKind::Date, 0)),
        ),
        (
            Datum::from("x"),
            FieldType::datetime(0),
            "1292 Incorrect datetime value: 'x' for column 'c' at row 1",
            Datum::Time(Time::zero(TimeKind::DateTime, 0)),
        ),
        (
            Datum::from("2040-01-01"),
            FieldType::timestamp(0),
            "1292 Incorrect timestamp value: '2040-01-01' for column 'c' at row 1",
            Datum::Time(Time::zero(TimeKind::Timestamp, 0)),
        ),
        (
            Datum::from("x"),
            FieldType::time(0),
            "1292 Incorrect time value: 'x' for column 'c' at row 1",
            Datum::Duration(Duration { micros: 0, fsp: 0 }),
        ),
        (
            Datum::Int(1800),
            FieldType::new(TypeKind::Year),
            "1264 Out of range value for column 'c' at row 1",
            Datum::Int(0),
        ),
    ];
    for (value, field_type, message, loose) in cases {
        let (stored, _) = store(value.clone(), &field_type, true);
        let error = stored.expect_err(&format!("{value:?} in {}", field_type.sql_text()));
        let shown = format!("{} {}", error.code, error.message);
        // What MySQL calls a TIMESTAMP's error is that of a DATETIME.
        assert_eq!(shown, message);
        let (stored, warning) = store(value, &field_type, false);
        assert_eq!(stored.unwrap(), loose, "{message}");
        assert!(warning.is_some(), "{message}");
    }
}

#[test]
fn columns_change_what_they_may() {
    let year = FieldType::new(TypeKind::Year);
    let cases = [
        (Datum::from("  42 "), FieldType::int(), "42"),
        (Datum::from("1.5"), FieldType::int(), "2"),
        (Datum::Decimal(exact("-2.5")), FieldType::int(), "-3"),
        (Datum::Float(2.5), FieldType::int(), "2"),
        (Datum::Int(5), FieldType::decimal(5, 2), "5.00"),
        (Datum::from("1.255"), FieldType::decimal(5, 2), "1.26"),
        (Datum::from("a  "), FieldType::char(5), "a"),
        (Datum::from("abc   "), FieldType::varchar(4), "abc "),
        (Datum::Int(7), FieldType::varchar(4), "7"),
        (Datum::from("2024-1-2 3:4:5"), FieldType::date(), "2024-01-02"),
        (Datum::Int(20_240_102), FieldType::datetime(0), "2024-01-02 00:00:00"),
        (Datum::from("2024-01-02 03:04:05.6789"), FieldType::datetime(2), "2024-01-02 03:04:05.68"),
        (Datum::from("10:11"), FieldType::time(0), "10:11:00"),
        (Datum::Int(24), year.clone(), "2024"),
        (Datum::from("0"), year.clone(), "2000"),
        (Datum::Int(0), year, "0000"),
        (Datum::Float(0.1 + 0.2), FieldType::float(), "0.3"),
    ];
    for (value, field_type, shown) in cases {
        let stored = store(value, &field_type, true).0.unwrap();
        let mut text = Vec::new();
        write_text(&stored, &field_type, &mut text);
        assert_eq!(String::from_utf8(text).unwrap(), shown);
    }
    let binary = FieldType::char(4).collate(Collation::Binary);
    assert_eq!(store(Datum::from("ab"), &binary, true).0.unwrap(), Datum::from("ab\0\0"));
    let env = Environment { writes: true, ..Environment::default() };
    let ctx = ValueContext { env, ..ValueContext::default() };
    convert_for_column(Datum::from("1.255"), &FieldType::decimal(5, 2), "d", 3, &ctx).unwrap();
    let warnings = ctx.take_warnings();
    assert_eq!(
        (warnings[0].level, warnings[0].code),
        (WarningLevel::Note, errno::WARN_DATA_TRUNCATED)
    );
    assert_eq!(warnings[0].message, "Data truncated for column 'd' at row 3");
}

#[test]
fn clocks_that_jump_are_seen() {
    let berlin = TimeZone::parse("Europe/Berlin").unwrap();
    let parts = Parts { year: 2024, month: 3, day: 31, hour: 2, minute: 30, ..Parts::default() };
    let skipped = Time::from_parts(&parts, TimeKind::Timestamp, 0);
    // 2024-03-31 01:00:00 UTC.
    assert_eq!(skipped.unix_micros(&berlin), Some(Err(1_711_846_800_000_000)));
    for text in ["SYSTEM", "+08:00", "-05:30", "Europe/Berlin"] {
        assert_eq!(TimeZone::parse(text).unwrap().to_string(), text);
    }
    for text in ["+14:01", "-14:00", "8", "Mars/Base", "+1:5", ""] {
        assert_eq!(TimeZone::parse(text).unwrap_err().code, errno::UNKNOWN_TIME_ZONE, "{text}");
    }
}

#[test]
fn types_describe_themselves() {
    let float_2 = FieldType { length: Some(7), decimals: Some(2), ..FieldType::float() };
    let zerofill = FieldType { zerofill: true, length: Some(5), ..FieldType::int().unsigned() };
    let cases = [
        (FieldType::int(), "int", 3, 11),
        (FieldType::bigint_unsigned(), "bigint unsigned", 8, 20),
        (FieldType { length: Some(1), ..FieldType::new(TypeKind::TinyInt) }, "tinyint(1)", 1, 1),
        (FieldType::varchar(100), "varchar(100)", 253, 400),
        (FieldType::varbinary(100), "varbinary(100)", 253, 100),
        (FieldType::char(3), "char(3)", 254, 12),
        (FieldType::decimal(10, 2), "decimal(10,2)", 246, 12),
        (FieldType::new(TypeKind::Text), "text", 252, 262_140),
        (FieldType::new(TypeKind::Text).collate(Collation::Binary), "blob", 252, 65_535),
        (FieldType::datetime(3), "datetime(3)", 12, 23),
        (FieldType::timestamp(0), "timestamp", 7, 19),
        (FieldType::time(0), "time", 11, 10),
        (FieldType::double(), "double", 5, 22),
        (float_2, "float(7,2)", 4, 7),
        (zerofill, "int(5) unsigned zerofill", 3, 5),
    ];
    for (field_type, text, byte, length) in cases {
        assert_eq!(field_type.sql_text(), text);
        assert_eq!(field_type.protocol_type(), byte, "{text}");
        assert_eq!(field_type.protocol_length(None), length, "{text}");
    }
}

#[test]
fn sql_modes_read_what_they_write() {
    let mode = SqlMode::default();
    assert_eq!(SqlMode::parse(&mode.to_string()).unwrap(), mode);
    assert_eq!(SqlMode::parse("").unwrap(), SqlMode::EMPTY);
    assert!(SqlMode::parse("traditional").unwrap().is_strict());
    assert_eq!(SqlMode::parse("STRICT,nope").unwrap_err().code, errno::WRONG_VALUE_FOR_VAR);
}
