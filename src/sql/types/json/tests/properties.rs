//! What holds of any document.

use proptest::prelude::*;

use super::*;

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        (-300_i64..300).prop_map(Value::Int),
        any::<u64>().prop_map(Value::UInt),
        any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(Value::Double),
        (-500_i32..500).prop_map(|number| Value::Double(f64::from(number) / 4.0)),
        "\\PC{0,6}".prop_map(Value::String),
        "[ab\u{0}\\\\\"\n]{0,3}".prop_map(Value::String),
    ]
}

/// What text cannot say.
fn any_scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => scalar(),
        1 => (any::<i128>(), 0_u8..30).prop_map(|(number, scale)| Value::Decimal(Decimal::new(number, scale))),
        1 => (any::<u64>(), 0..3).prop_map(|(packed, kind)| {
            let kinds = [TimeKind::Date, TimeKind::DateTime, TimeKind::Timestamp];
            Value::Time(Time { packed: packed >> 2, kind: kinds[kind as usize], fsp: 6 })
        }),
        1 => any::<i64>().prop_map(|micros| Value::Duration(Duration { micros, fsp: 6 })),
        1 => (prop_oneof![Just(15_u8), Just(16), Just(13)], prop::collection::vec(any::<u8>(), 0..4))
            .prop_map(|(of, bytes)| Value::Opaque(of, bytes.into())),
    ]
}

fn tree(leaf: impl Strategy<Value = Value> + 'static) -> impl Strategy<Value = Value> {
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::vec(("[a-cé]{0,3}", inner), 0..6)
                .prop_map(|members| Value::Object(Members::from_any(members))),
        ]
    })
}

fn key(json: &Json) -> Vec<u8> {
    let mut key = Vec::new();
    json.as_ref().write_sort_key(&mut key);
    key
}

proptest! {
    #[test]
    fn text_to_binary_and_back(value in tree(scalar())) {
        let json = binary(&value);
        let again = document(&json.to_text());
        prop_assert_eq!(json.as_ref().compare(again.as_ref()), Ordering::Equal);
        prop_assert_eq!(json.to_text(), again.to_text());
        let pretty = json.to_pretty_text(&mut Pulse::new(&never)).expect("it is done");
        prop_assert_eq!(document(&pretty).to_text(), json.to_text());
        let mut stored = Vec::new();
        json.write_to(&mut stored);
        prop_assert_eq!(stored.len(), json.stored_size());
        prop_assert_eq!(Json::from_stored(&stored.into()), Some(json));
    }

    #[test]
    fn the_order_is_total_and_keys_say_it(
        values in prop::collection::vec(tree(any_scalar()), 3)
    ) {
        let all: Vec<Json> = values.iter().map(binary).collect();
        let order = |left: usize, right: usize| all[left].as_ref().compare(all[right].as_ref());
        for left in 0..3 {
            for right in 0..3 {
                prop_assert_eq!(order(left, right), order(right, left).reverse());
                prop_assert_eq!(order(left, right), key(&all[left]).cmp(&key(&all[right])));
            }
        }
    }

    #[test]
    fn numbers_are_ordered_as_their_keys(left in any_scalar(), right in any_scalar()) {
        let (left, right) = (binary(&left), binary(&right));
        prop_assert_eq!(left.as_ref().compare(right.as_ref()), key(&left).cmp(&key(&right)));
    }

    #[test]
    fn what_is_set_is_found_and_what_is_removed_is_not(value in tree(scalar()), name in "[a-c]{1,2}") {
        let pulse = &mut Pulse::new(&never);
        let json = binary(&value);
        let at = path(&format!("$.{name}"));
        let mut tree = Value::Stored(json.clone());
        change(&mut tree, &at, Value::Int(42), Change::Set).expect("one part");
        let set = binary(&tree);
        let is_object = matches!(json.as_ref().view(), View::Object(_));
        let found = set.as_ref().seek_single(&at, pulse).expect("one part").map(|part| part.to_text());
        prop_assert_eq!(found.as_deref(), is_object.then_some("42"));
        remove(&mut tree, &at).expect("one part");
        let mut without = Value::Stored(json);
        remove(&mut without, &at).expect("one part");
        prop_assert_eq!(binary(&tree).to_text(), binary(&without).to_text());
        prop_assert!(!binary(&tree).as_ref().has(&at, pulse).expect("it is done"));
    }

    #[test]
    fn every_part_is_found_where_it_is(value in tree(scalar())) {
        let pulse = &mut Pulse::new(&never);
        let json = binary(&value);
        let all = |_: &str| Ok(true);
        let found = search(&json, false, &all, &[], pulse).expect("it is done");
        let places = match found.as_ref().map(|found| found.as_ref().view()) {
            Some(View::Array(places)) => places.values().map(|place| place.to_text()).collect(),
            Some(View::String(_)) => vec![found.expect("there").to_text()],
            _ => Vec::new(),
        };
        for place in places {
            let place = parse_string(&place, pulse).expect("a text").expect("a string");
            let part = json.as_ref().seek_single(&path(&place), pulse).expect("one part");
            prop_assert!(matches!(part.map(|part| part.view()), Some(View::String(_))), "{}", place);
        }
    }

    #[test]
    fn any_bytes_are_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 1..200), kind in 0_u8..16) {
        let mut stored = vec![kind];
        stored.extend(bytes);
        let json = Json::from_stored(&stored.into()).expect("some bytes");
        if let Some(container) = json.as_ref().container() {
            for at in 0..container.len().min(1000) {
                // Whatever they are, they are inside.
                let _ = (container.key(at), container.get(at).view());
            }
            let _ = container.find("a");
        }
    }

    #[test]
    fn any_text_is_a_document_or_a_fault(text in "[\\[\\]{}\",:0-9a-z\\\\ .-]{0,40}") {
        let _ = parse(&text, &mut Pulse::new(&never));
        let _ = Path::parse(&text);
        let _ = Path::parse(&format!("${text}"));
    }
}
