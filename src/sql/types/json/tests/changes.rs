//! Documents changed and merged.

use super::*;

fn changed(text: &str, changes: &[(&str, &str)], how: Change) -> String {
    let mut value = Value::Stored(document(text));
    for (at, new) in changes {
        change(&mut value, &path(at), document(new).into(), how).expect("one part");
    }
    binary(&value).to_text()
}

#[test]
fn values_are_set_inserted_and_replaced() {
    use Change::{Insert, Replace, Set};
    for (how, text, changes, result) in [
        (Insert, "[1,2,3]", &[("$[2]", "4")][..], "[1, 2, 3]"),
        (Insert, "[1,2,3]", &[("$[10]", "4")], "[1, 2, 3, 4]"),
        (Insert, "[1,2,3]", &[("$[last-10]", "4")], "[4, 1, 2, 3]"),
        (Insert, "[]", &[("$[last-1]", "1")], "[1]"),
        (Insert, r#"{"c":4}"#, &[("$.a", "4")], r#"{"a": 4, "c": 4}"#),
        (Insert, "1", &[("$", "4")], "1"),
        (Insert, "1", &[("$[10]", "\"4\""), ("$[11]", "5")], r#"[1, "4", 5]"#),
        (Insert, "1", &[("$[last-10]", "\"4\""), ("$[last-11]", "5")], r#"[5, "4", 1]"#),
        (Insert, "[1,2,3]", &[("$[2][last-1]", "4")], "[1, 2, [4, 3]]"),
        (Insert, r#"{"a": 3}"#, &[("$.a[1]", "4"), ("$.a[2]", "\"5\"")], r#"{"a": [3, 4, "5"]}"#),
        (Insert, r#"{"a": 3}"#, &[("$[1]", "6")], r#"[{"a": 3}, 6]"#),
        (Set, "1", &[("$[0]", "4")], "4"),
        (Set, "[1,2,3]", &[("$[2][last]", "4")], "[1, 2, 4]"),
        (
            Set,
            r#"{ "a" : "foo"}"#,
            &[("$.a", r#"{"b": false}"#), ("$.a.c", "true")],
            r#"{"a": {"b": false, "c": true}}"#,
        ),
        (Set, "123", &[("$.a", "1")], "123"),
        (Set, "{}", &[("$.a.b", "1")], "{}"),
        (Replace, "[1,2,3]", &[("$[last-1]", "4")], "[1, 4, 3]"),
        (Replace, "[1,2,3]", &[("$[10]", "4")], "[1, 2, 3]"),
        (Replace, "1", &[("$[1]", "4")], "1"),
        (Replace, r#"{"a": 3}"#, &[("$.a[0]", "4")], r#"{"a": 4}"#),
    ] {
        assert_eq!(changed(text, changes, how), result, "{how:?} {text} {changes:?}");
    }
    let many = change(&mut Value::Null, &path("$[*]"), Value::Null, Change::Set);
    assert_eq!(many.map_err(|error| error.code), Err(3149));
}

#[test]
fn arrays_are_appended_to_and_inserted_into() {
    let append = |text: &str, at: &str| {
        let mut value = Value::Stored(document(text));
        array_append(&mut value, &path(at), Value::Int(9)).expect("one part");
        binary(&value).to_text()
    };
    assert_eq!(append("[1, 2]", "$"), "[1, 2, 9]");
    assert_eq!(append("3", "$[0][0][0]"), "[3, 9]");
    assert_eq!(append(r#"{"a":1}"#, "$[0]"), r#"[{"a": 1}, 9]"#);
    assert_eq!(append(r#"{"b":"bar"}"#, "$.b"), r#"{"b": ["bar", 9]}"#);
    assert_eq!(append(r#"{"b":"bar"}"#, "$.c"), r#"{"b": "bar"}"#);
    let insert = |text: &str, at: &str| {
        let mut value = Value::Stored(document(text));
        array_insert(&mut value, &path(at), Value::Int(9))?;
        Ok::<_, SqlError>(binary(&value).to_text())
    };
    for (text, at, result) in [
        ("true", "$[0]", "true"),
        ("[]", "$[last-1]", "[9]"),
        ("[1]", "$[2]", "[1, 9]"),
        ("[1, 2, 3, 4]", "$[last]", "[1, 2, 3, 9, 4]"),
        ("[1, 2, 3, 4]", "$[last-4]", "[9, 1, 2, 3, 4]"),
        (r#"{"a": [1]}"#, "$.a[0]", r#"{"a": [9, 1]}"#),
        (r#"{"a": [1]}"#, "$.b[0]", r#"{"a": [1]}"#),
        (r#"["a"]"#, "$[0][0]", r#"["a"]"#),
    ] {
        assert_eq!(insert(text, at).as_deref(), Ok(result), "{text} {at}");
    }
    assert_eq!(insert("true", "$.a[1].b").map_err(|error| error.code), Err(3165));
    assert_eq!(insert("true", "$").map_err(|error| error.code), Err(3165));
}

#[test]
fn parts_are_removed() {
    let without = |text: &str, at: &str| {
        let mut value = Value::Stored(document(text));
        remove(&mut value, &path(at))?;
        Ok::<_, SqlError>(binary(&value).to_text())
    };
    for (text, at, result) in [
        ("[1, 2, 3]", "$[1]", "[1, 3]"),
        ("[1, 2, 3]", "$[3]", "[1, 2, 3]"),
        (r#"{"id": 123, "a": [1]}"#, "$[0]", r#"{"id": 123, "a": [1]}"#),
        (
            r#"{"a": "foo", "b": [true, {"c": 123, "c": 456}]}"#,
            "$.b[ 1 ].c",
            r#"{"a": "foo", "b": [true, {}]}"#,
        ),
        ("123", "$.a", "123"),
    ] {
        let normal = document(result).to_text();
        assert_eq!(without(text, at), Ok(normal), "{text} {at}");
    }
    assert_eq!(without("1", "$").map_err(|error| error.code), Err(3153));
}

#[test]
fn documents_are_merged() {
    let preserve = |texts: &[&str]| {
        let pulse = &mut Pulse::new(&never);
        let mut merged = Value::Stored(document(texts[0]));
        for text in &texts[1..] {
            merged = merge_preserve(merged, document(text).into(), pulse).expect("it is done");
        }
        binary(&merged).to_text()
    };
    for (texts, result) in [
        (&["1", "2", "3"][..], "[1, 2, 3]"),
        (&["[1, 2]", r#"{"a": 2}"#], r#"[1, 2, {"a": 2}]"#),
        (
            &[r#"{"a": 1, "b": 2}"#, r#"{"b": {"e": 7}, "d": 4}"#],
            r#"{"a": 1, "b": [2, {"e": 7}], "d": 4}"#,
        ),
        (
            &[r#"{"b": {"e": 7, "f": 8}, "d": 4}"#, r#"{"a": 1, "b": {"e": 20, "g": 21}}"#],
            r#"{"a": 1, "b": {"e": [7, 20], "f": 8, "g": 21}, "d": 4}"#,
        ),
    ] {
        assert_eq!(preserve(texts), result);
    }
    let patch = |texts: &[Option<&str>]| {
        let documents = texts.iter().map(|text| text.map(document));
        let merged = merge_patch_all(documents, &mut Pulse::new(&never)).expect("it is done");
        merged.map(|merged| binary(&merged).to_text())
    };
    for (texts, result) in [
        (&[Some("[1, 2]"), Some("[true, false]")][..], Some("[true, false]")),
        (&[Some(r#"{"name": "x"}"#), Some(r#"{"id": 47}"#)], Some(r#"{"id": 47, "name": "x"}"#)),
        (&[Some("1"), Some("true")], Some("true")),
        (&[Some("[1, 2]"), Some(r#"{"id": 47}"#)], Some(r#"{"id": 47}"#)),
        (&[Some(r#"{"a":1, "b":2}"#), Some(r#"{"b":null}"#)], Some(r#"{"a": 1}"#)),
        (
            &[Some(r#"{"a":{"x":1}}"#), Some(r#"{"a":{"y":2}}"#), Some(r#"{"a":{"x":null}}"#)],
            Some(r#"{"a": {"y": 2}}"#),
        ),
        (&[Some("1"), Some(r#"{"a":{"b":null}}"#)], Some(r#"{"a": {}}"#)),
        (&[None, Some(r#"{"a":1}"#)], None),
        (&[None, Some("[1]")], Some("[1]")),
        (&[Some("{}"), None], None),
        (&[Some("{}"), None, Some("[1]")], Some("[1]")),
    ] {
        assert_eq!(patch(texts).as_deref(), result, "{texts:?}");
    }
}
