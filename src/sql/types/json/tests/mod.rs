//! Documents as MySQL's manual and its recorded answers have them.

mod changes;
mod properties;

use std::cmp::Ordering;

use super::*;
use crate::common::{SqlError, SqlResult};
use crate::sql::types::{Decimal, Duration, Time, TimeKind};

fn never() -> SqlResult<()> {
    Ok(())
}

fn document(text: &str) -> Json {
    let pulse = &mut Pulse::new(&never);
    parse(text, pulse).expect("a document").to_json(pulse).expect("fits")
}

fn binary(value: &Value) -> Json {
    value.to_json(&mut Pulse::new(&never)).expect("fits")
}

fn path(text: &str) -> Path {
    Path::parse(text).expect("a path")
}

fn paths(texts: &[&str]) -> Vec<Path> {
    texts.iter().map(|text| path(text)).collect()
}

fn extract(text: &str, of: &[&str]) -> Option<String> {
    let found = document(text).extract(&paths(of), &mut Pulse::new(&never)).expect("it is done");
    found.map(|found| found.to_text())
}

#[test]
fn texts_are_normalized() {
    for (text, printed) in [
        (
            "{\"b\":1,\"a\":[1,2.0,\"x\"],\"aa\":null}",
            r#"{"a": [1, 2.0, "x"], "b": 1, "aa": null}"#,
        ),
        (r#"{"c": 123, "c": 456}"#, r#"{"c": 456}"#),
        ("[]", "[]"),
        (" {} ", "{}"),
        ("-0", "0"),
        ("-0.0", "-0.0"),
        ("1e2", "100.0"),
        ("1e100", "1e100"),
        ("18446744073709551615", "18446744073709551615"),
        ("18446744073709551616", "1.8446744073709552e19"),
        ("-9223372036854775809", "-9.223372036854776e18"),
        (r#""\u00e6\ud83d\ude00\/\b\f\n\r\t\u0001\"\\""#, "\"æ😀/\\b\\f\\n\\r\\t\\u0001\\\"\\\\\""),
        ("[true,false,null]", "[true, false, null]"),
    ] {
        assert_eq!(document(text).to_text(), printed, "{text}");
    }
}

#[test]
fn faults_are_said_as_rapidjson_says_them() {
    let fault = |text: &str| match parse(text, &mut Pulse::new(&never)) {
        Err(Fault::Text { message, position }) => format!("{message} {position}"),
        other => panic!("{text}: {other:?}"),
    };
    for (text, said) in [
        ("", "The document is empty. 0"),
        ("abc", "Invalid value. 0"),
        ("not json", "Invalid value. 1"),
        ("{ \"a\": tru }", "Invalid value. 10"),
        ("[", "Invalid value. 1"),
        ("[1", "Missing a comma or ']' after an array element. 2"),
        (
            "[ \"a\", true, \"b\" , { \"e\" : false }, \"c\" , null",
            "Missing a comma or ']' after an array element. 46",
        ),
        ("{", "Missing a name for object member. 1"),
        ("{ bar", "Missing a name for object member. 2"),
        ("{\"a\" 1}", "Missing a colon after a name of object member. 5"),
        ("{\"a\": 1", "Missing a comma or '}' after an object member. 7"),
        ("{\"a\": 1 \"b\"", "Missing a comma or '}' after an object member. 8"),
        ("2015-01-15", "The document root must not be followed by other values. 4"),
        ("\"abc", "Missing a closing quotation mark in string. 4"),
        ("\"a\\x\"", "Invalid escape character in string. 2"),
        ("\"\\u12g4\"", "Incorrect hex digit after \\u escape in string. 1"),
        ("\"\\ud800\"", "The surrogate pair in string is invalid. 1"),
        ("\"a\nb\"", "Invalid encoding in string. 2"),
        ("1.", "Miss fraction part in number. 2"),
        ("1e", "Miss exponent in number. 2"),
        ("[1e400]", "Number too big to be stored in double. 1"),
        ("-", "Invalid value. 1"),
        ("{ \"a\" : [ }", "Invalid value. 10"),
    ] {
        assert_eq!(fault(text), said, "{text}");
    }
    let error =
        Fault::Text { message: "Invalid value.", position: 1 }.in_argument(1, "json_extract");
    assert_eq!(
        error.message,
        "Invalid JSON text in argument 1 to function json_extract: \"Invalid value.\" at position 1."
    );
}

#[test]
fn depth_is_bounded() {
    let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(document(&nested(100)).as_ref().depth(&mut Pulse::new(&never)), Ok(101));
    let too_deep = |text: &str| match parse(text, &mut Pulse::new(&never)) {
        Err(Fault::Error(error)) => error.code,
        other => panic!("{other:?}"),
    };
    assert_eq!(too_deep(&nested(101)), 3157);
    assert_eq!(too_deep(&"[".repeat(10_000_000)), 3157);
    let wrapped = Value::Array(vec![document(&nested(100)).into()]);
    assert_eq!(wrapped.to_json(&mut Pulse::new(&never)).map_err(|error| error.code), Err(3157));
}

#[test]
fn long_work_is_interrupted() {
    let stop = || Err(SqlError::new(1317, "Query execution was interrupted"));
    let text = format!("[{}0]", "0,".repeat(10_000));
    assert!(
        matches!(parse(&text, &mut Pulse::new(&stop)), Err(Fault::Error(error)) if error.code == 1317)
    );
    let long = document(&text);
    let found = long.as_ref().seek(&path("$**[0]"), &mut Pulse::new(&stop));
    assert_eq!(found.map(drop).map_err(|error| error.code), Err(1317));
}

#[test]
fn sizes_are_those_of_mysql() {
    for (text, size) in [
        (r#"[100, "sakila", [1, 3, 5], 425.05]"#, 45),
        (r#"{"a": 1000, "b": "a", "c": "[1, 3, 5, 7]"}"#, 44),
        (r#"{"a": 1000, "b": "wxyz", "c": "[1, 3, 5, 7]"}"#, 47),
        (r#"[100, "json", [[10, 20, 30], 3, 5], 425.05]"#, 56),
        ("null", 2),
    ] {
        assert_eq!(document(text).stored_size(), size, "{text}");
    }
}

#[test]
fn containers_beyond_64_kib_are_read_back() {
    let long = "x".repeat(70_000);
    let text = format!(r#"{{"a": [1, 70000, 5000000000, "{long}"], "b": {{"c": -1}}}}"#);
    let json = document(&text);
    assert_eq!(json.to_text(), text);
    assert_eq!(extract(&text, &["$.a[1]"]).as_deref(), Some("70000"));
    assert_eq!(extract(&text, &["$.b.c"]).as_deref(), Some("-1"));
}

#[test]
fn scalars_of_sql_are_kept() {
    let time = Time::from_parts(
        &crate::sql::types::time::Parts {
            year: 2014,
            month: 11,
            day: 25,
            hour: 18,
            ..Default::default()
        },
        TimeKind::DateTime,
        6,
    );
    for (value, name, text) in [
        (Value::Time(time), "DATETIME", "\"2014-11-25 18:00:00.000000\""),
        (Value::Time(time.with_kind(TimeKind::Date)), "DATE", "\"2014-11-25\""),
        (
            Value::Time(time.with_kind(TimeKind::Timestamp)),
            "TIMESTAMP",
            "\"2014-11-25 18:00:00.000000\"",
        ),
        (Value::Duration(Duration { micros: -1_500_000, fsp: 6 }), "TIME", "\"-00:00:01.500000\""),
        (Value::Decimal(Decimal::new(-314, 2)), "DECIMAL", "-3.14"),
        (
            Value::Decimal(Decimal::max(65, 30)),
            "DECIMAL",
            "99999999999999999999999999999999999.999999999999999999999999999999",
        ),
        (
            Value::Decimal(Decimal::max(65, 30).neg()),
            "DECIMAL",
            "-99999999999999999999999999999999999.999999999999999999999999999999",
        ),
        (Value::Decimal(Decimal::new(0, 2)), "DECIMAL", "0.00"),
        (Value::Opaque(15, vec![0x15].into()), "BLOB", "\"base64:type15:FQ==\""),
        (Value::Opaque(16, vec![1].into()), "BIT", "\"base64:type16:AQ==\""),
        (Value::Opaque(13, vec![1].into()), "OPAQUE", "\"base64:type13:AQ==\""),
        (Value::UInt(u64::MAX), "UNSIGNED INTEGER", "18446744073709551615"),
        (Value::Int(i64::MIN), "INTEGER", "-9223372036854775808"),
    ] {
        let json = binary(&Value::Array(vec![value]));
        let element = json.as_ref().container().expect("an array").get(0);
        assert_eq!((element.type_name(), element.to_text().as_str()), (name, text));
    }
}

#[test]
fn pretty_text() {
    let text = document(r#"{"a": 10, "b": [15, {}, []], "c": {"d": "e"}}"#);
    let pretty = text.to_pretty_text(&mut Pulse::new(&never)).expect("it is done");
    assert_eq!(
        pretty,
        "{\n  \"a\": 10,\n  \"b\": [\n    15,\n    {},\n    []\n  ],\n  \"c\": {\n    \"d\": \"e\"\n  }\n}"
    );
}

#[test]
fn paths_are_read_and_faults_placed() {
    for (text, shown) in [
        ("$", "$"),
        (" $ . a [ 1 ] ", "$.a[1]"),
        ("$.\"a b\".c", "$.\"a b\".c"),
        ("$.\"a\"", "$.a"),
        ("$[last]", "$[last]"),
        ("$[last - 2]", "$[last-2]"),
        ("$[1 to last-1]", "$[1 to last-1]"),
        ("$.*[*]**.a", "$.*[*]**.a"),
        ("$.\"\"", "$.\"\""),
    ] {
        assert_eq!(path(text).to_string(), shown);
    }
    for (text, position) in [
        ("", 0),
        ("c$", 1),
        ("1010", 1),
        ("$[", 2),
        ("$[1", 3),
        ("$.", 2),
        ("$**", 3),
        ("$a.***[3]", 1),
        ("$.foo[bar]", 6),
        ("$.b[ 1 ].", 9),
        ("$.1a", 4),
        ("$[3 to 1]", 8),
        ("$[4294967296]", 2),
    ] {
        let error = Path::parse(text).expect_err(text);
        let said = format!(
            "Invalid JSON path expression. The error is around character position {position}."
        );
        assert_eq!((error.code, error.message), (3143, said), "{text}");
    }
}

#[test]
fn paths_find() {
    let doc = r#"{ "a": 1, "b": {"e": "foo", "b": 3}, "c": [1, [2, 3], {"d": [6, 7]}] }"#;
    for (text, of, found) in [
        (doc, &["$.a"][..], Some("1")),
        (doc, &["$.*"], Some(r#"[1, {"b": 3, "e": "foo"}, [1, [2, 3], {"d": [6, 7]}]]"#)),
        (doc, &["$.a", "$.b.e"], Some(r#"[1, "foo"]"#)),
        (doc, &["$.x", "$.a"], Some("[1]")),
        (doc, &["$.x"], None),
        (doc, &["$.c[last].d[0]"], Some("6")),
        (doc, &["$.c[last-1]"], Some("[2, 3]")),
        (doc, &["$.c[0 to 1]"], Some("[1, [2, 3]]")),
        (doc, &["$**.d"], Some("[[6, 7]]")),
        ("[1]", &["$[0][0]"], Some("1")),
        ("[1]", &["$**[0]"], Some("[1]")),
        ("[1]", &["$**[last]"], Some("[1]")),
        (r#"{"a": 1}"#, &["$**[0]"], Some(r#"[{"a": 1}, 1]"#)),
        (r#"{"a": 1}"#, &["$[0][0].a"], Some("1")),
        ("[[0,1],[2,3],[4,[5,6]]]", &["$**[0]"], Some("[[0, 1], 0, 1, 2, 3, 4, 5, 6]")),
        ("[[0,1],[2,3],[4,[5,6]]]", &["$**[1]"], Some("[[2, 3], 1, 3, [5, 6], 6]")),
        ("[[0,1],[2,3],[4,[5,6]]]", &["$**[3]"], None),
        (
            "[[0,1],[2,3],[4,[5,6]]]",
            &["$**[*]"],
            Some("[[0, 1], [2, 3], [4, [5, 6]], 0, 1, 2, 3, 4, [5, 6], 5, 6]"),
        ),
        (
            r#"[1,2,[3,4,[5,6,{"a":7}]]]"#,
            &["$**[*]**[0]"],
            Some(r#"[1, 2, 3, 4, 5, 6, {"a": 7}, 7]"#),
        ),
        (r#"[1, [[{"x": [{"a":{"b":{"c":42}}}]}]]]"#, &["$**.a.*"], Some(r#"[{"c": 42}]"#)),
        ("1", &["$[0 to 0]"], Some("[1]")),
        ("1", &["$[1 to 2]"], None),
        ("1", &["$[*]"], None),
        ("[1,2,3]", &["$[1 to 10]"], Some("[2, 3]")),
        ("[1,2,3]", &["$[last-10 to last-1]"], Some("[1, 2]")),
    ] {
        assert_eq!(extract(text, of).as_deref(), found, "{text} {of:?}");
    }
}

#[test]
fn a_path_may_have_any_number_of_legs() {
    let legs = format!("${}", "[0]".repeat(200_000));
    assert_eq!(extract("7", &[&legs]).as_deref(), Some("7"));
    let legs = format!("${}", "**[0]".repeat(20_000));
    assert_eq!(extract("7", &[&legs]).as_deref(), Some("[7]"));
}

#[test]
fn documents_are_contained_and_overlap() {
    let pulse = &mut Pulse::new(&never);
    let doc = r#"{"a": 1, "b": 2, "c": {"d": 4}}"#;
    for (target, candidate, holds) in [
        (doc, r#"{"a": 1}"#, true),
        (doc, r#"{"d": 4}"#, false),
        (doc, "1", false),
        ("[1, 2, [3, 4]]", "[1, 3]", true),
        ("[1, 2, [3, 4]]", "[2, 5]", false),
        ("[1, 2.0]", "2", true),
        ("1", "1.0", true),
        ("[{\"a\": 1, \"b\": 2}]", "{\"a\": 1}", true),
        ("[]", "[]", true),
        ("1", "[1]", false),
    ] {
        let held = document(target).as_ref().contains(document(candidate).as_ref(), pulse);
        assert_eq!(held, Ok(holds), "{target} {candidate}");
    }
    for (left, right, holds) in [
        ("[1,3,5,7]", "[2,5,7]", true),
        ("[1,3,5,7]", "[2,6,8]", false),
        ("[[1,2],[3,4],5]", "[1,[2,3],[4,5]]", false),
        (r#"{"a":1,"b":10,"d":10}"#, r#"{"c":1,"e":10,"f":1,"d":10}"#, true),
        (r#"{"a":1,"b":10,"d":10}"#, r#"{"a":5,"e":10,"f":1,"d":20}"#, false),
        ("5", "5", true),
        ("[4,5,6,7]", "6", true),
        ("[4,5,6,7]", "\"6\"", false),
        ("[4,5,\"6\",7]", "6", false),
    ] {
        for (left, right) in [(left, right), (right, left)] {
            let held = document(left).as_ref().overlaps(document(right).as_ref(), pulse);
            assert_eq!(held, Ok(holds), "{left} {right}");
        }
    }
    for (value, array, holds) in [
        ("17", "[23, \"abc\", 17, \"ab\", 10]", true),
        ("\"17\"", "[23, \"abc\", 17]", false),
        ("[4,5]", "[[3,4],[4,5]]", true),
        ("{\"a\":1}", "{\"a\":1}", true),
    ] {
        let held = document(value).as_ref().is_member_of(document(array).as_ref(), pulse);
        assert_eq!(held, Ok(holds), "{value} {array}");
    }
}

#[test]
fn texts_are_searched_for() {
    let doc = r#"["abc", [{"k": "10"}, "def"], {"x":"abc"}, {"y z":"bcd"}]"#;
    let searched = |one: bool, wanted: &'static str, of: &[&str]| {
        let matches = move |text: &str| Ok(text.contains(wanted));
        let found = search(&document(doc), one, &matches, &paths(of), &mut Pulse::new(&never));
        found.expect("it is done").map(|found| found.to_text())
    };
    for (one, wanted, of, found) in [
        (true, "abc", &[][..], Some("\"$[0]\"")),
        (false, "abc", &[], Some(r#"["$[0]", "$[2].x"]"#)),
        (false, "ghi", &[], None),
        (false, "10", &["$[*][0].k"], Some("\"$[1][0].k\"")),
        (false, "10", &["$**.k"], Some("\"$[1][0].k\"")),
        (false, "bcd", &[], Some("\"$[3].\\\"y z\\\"\"")),
        (false, "abc", &["$[2]", "$"], Some(r#"["$[2].x", "$[0]"]"#)),
    ] {
        assert_eq!(searched(one, wanted, of).as_deref(), found, "{wanted} {of:?}");
    }
}

#[test]
fn documents_are_ordered_by_what_they_are() {
    let ascending = [
        "null",
        "-1e300",
        "-1.5",
        "-1",
        "0",
        "1e-300",
        "0.5",
        "1",
        "1.5",
        "9007199254740993",
        "18446744073709551615",
        "1e20",
        "\"\"",
        "\"a\"",
        "\"a\\u0000\"",
        "\"ab\"",
        "\"b\"",
        "{}",
        r#"{"a": 1}"#,
        r#"{"a": 2}"#,
        r#"{"b": 1}"#,
        r#"{"a": 1, "b": 1}"#,
        "[]",
        "[null]",
        "[1]",
        "[1, 2]",
        "[2]",
        "false",
        "true",
    ];
    for (at, left) in ascending.iter().enumerate() {
        for (other, right) in ascending.iter().enumerate() {
            let order = document(left).as_ref().compare(document(right).as_ref());
            assert_eq!(order, at.cmp(&other), "{left} {right}");
        }
    }
    let order = |left: Value, right: Value| binary(&left).as_ref().compare(binary(&right).as_ref());
    let decimal = Value::Decimal(Decimal::new(275, 2));
    assert_eq!(order(decimal, Value::Double(2.75)), Ordering::Equal);
    assert_eq!(order(Value::Int(0), Value::Double(-0.0)), Ordering::Equal);
    assert_eq!(order(Value::UInt(7), Value::Int(7)), Ordering::Equal);
    assert_eq!(order(Value::Bool(true), Value::Opaque(12, vec![1; 8].into())), Ordering::Less);
}

#[test]
fn schemas_are_followed() {
    let no_pattern = |pattern: &str, text: &str| Ok(text.contains(pattern));
    let report = |schema: &str, text: &str| {
        let (schema, text) = (document(schema), document(text));
        let pulse = &mut Pulse::new(&never);
        let report = validate(schema.as_ref(), text.as_ref(), &no_pattern, pulse);
        report.expect("it is done").failure.map(|failure| {
            format!("{} {} {}", failure.keyword, failure.schema_location, failure.document_location)
        })
    };
    let geometry = r#"{"type": "object", "properties": {"geometry": {"type": "object",
        "properties": {"latitude": {"minimum": -90}}}}}"#;
    for (schema, text, failure) in [
        (r#"{"type": "object"}"#, "{}", None),
        (r#"{"type": "object"}"#, "[]", Some("type # #")),
        (
            geometry,
            r#"{"geometry": {"longitude": -90, "latitude": -180}}"#,
            Some("minimum #/properties/geometry/properties/latitude #/geometry/latitude"),
        ),
        (r#"{"required": ["a"]}"#, "{}", Some("required # #")),
        (
            r#"{"properties": {"a": {}}, "additionalProperties": false}"#,
            r#"{"b": 1}"#,
            Some("additionalProperties # #/b"),
        ),
        (r#"{"items": {"type": "integer"}, "uniqueItems": true}"#, "[1, 2]", None),
        (
            r#"{"items": {"type": "integer"}, "uniqueItems": true}"#,
            "[1, 1]",
            Some("uniqueItems # #"),
        ),
        (r#"{"items": {"type": "integer"}}"#, "[1, 1.5]", Some("type #/items #/1")),
        (r#"{"enum": ["a", 1]}"#, "2", Some("enum # #")),
        (r#"{"anyOf": [{"type": "string"}, {"minimum": 3}]}"#, "2", Some("anyOf # #")),
        (r#"{"oneOf": [{"minimum": 1}, {"minimum": 2}]}"#, "3", Some("oneOf # #")),
        (r#"{"not": {"type": "string"}}"#, "\"a\"", Some("not # #")),
        (
            r##"{"definitions": {"n": {"type": "number"}}, "properties": {"a": {"$ref": "#/definitions/n"}}}"##,
            r#"{"a": "x"}"#,
            Some("type #/definitions/n #/a"),
        ),
        (r#"{"maximum": 5, "exclusiveMaximum": true}"#, "5", Some("maximum # #")),
        (r#"{"pattern": "ab"}"#, "\"xabx\"", None),
        (r#"{"multipleOf": 3}"#, "10", Some("multipleOf # #")),
    ] {
        assert_eq!(report(schema, text).as_deref(), failure, "{schema} {text}");
    }
    let endless = document(r##"{"$ref": "#"}"##);
    let pulse = &mut Pulse::new(&never);
    assert!(validate(endless.as_ref(), endless.as_ref(), &no_pattern, pulse).is_err());
    let remote = document(r#"{"$ref": "http://example.com/schema"}"#);
    let refused = validate(remote.as_ref(), remote.as_ref(), &no_pattern, pulse);
    assert_eq!(refused.map_err(|error| error.code), Err(1235));
}

#[test]
fn tables_have_rows() {
    let value =
        |position, of: &str| TableColumn { position, source: ColumnSource::Value(path(of)) };
    let number = |position| TableColumn { position, source: ColumnSource::Ordinality };
    let nested = |first| TablePath {
        path: path("$.n[*]"),
        columns: vec![number(first), value(first + 1, "$.l")],
        nested: Vec::new(),
    };
    let table = TablePath {
        path: path("$[*]"),
        columns: vec![
            number(0),
            value(1, "$.a"),
            TableColumn { position: 2, source: ColumnSource::Exists(path("$.b")) },
        ],
        nested: vec![nested(3), nested(5)],
    };
    let text = r#"[{"a":2, "n": [{"l": 1}, {"l": 11}]}, {"b":1, "n": [{"l": [2]}]}, {}]"#;
    let mut rows = Vec::new();
    let shown = |cell: &Cell| match cell {
        Cell::Null => "NULL".to_owned(),
        Cell::Ordinal(number) => number.to_string(),
        Cell::Exists(exists) => exists.to_string(),
        Cell::Missing => "missing".to_owned(),
        Cell::One(json) | Cell::Many(json) => json.to_text(),
    };
    let emit = |row: &[Cell]| {
        rows.push(row.iter().map(shown).collect::<Vec<_>>().join(" "));
        Ok(())
    };
    table.rows(&document(text), 7, &mut Pulse::new(&never), emit).expect("it is done");
    assert_eq!(
        rows,
        [
            "1 2 false 1 1 NULL NULL",
            "1 2 false 2 11 NULL NULL",
            "1 2 false NULL NULL 1 1",
            "1 2 false NULL NULL 2 11",
            "2 missing true 1 [2] NULL NULL",
            "2 missing true NULL NULL 1 [2]",
            "3 missing false NULL NULL NULL NULL",
        ]
    );
}

#[test]
fn rows_are_gathered() {
    let pulse = &mut Pulse::new(&never);
    let mut array = JsonArrayState::default();
    assert!(array.clone().finish(pulse).expect("it is done").is_none());
    array.push(Value::Int(1));
    let mut other = JsonArrayState::default();
    other.push(Value::Null);
    array.merge(other);
    assert_eq!(
        array.finish(pulse).expect("it is done").map(|json| json.to_text()).as_deref(),
        Some("[1, null]")
    );
    let mut object = JsonObjectState::default();
    for (key, number) in [("b", 1), ("a", 2), ("b", 3)] {
        object.push(key.to_owned(), Value::Int(number));
    }
    assert_eq!(
        object.finish(pulse).expect("it is done").map(|json| json.to_text()).as_deref(),
        Some(r#"{"a": 2, "b": 3}"#)
    );
}
