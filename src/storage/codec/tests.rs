//! For every codec: bytes sort as values do, decoding returns what was encoded and leaves what follows, no
//! encoding is a prefix of another, and garbage is an error. The bytes themselves are pinned by examples.

use std::cmp::Ordering;

use arrow::datatypes::i256;
use proptest::prelude::*;

use super::datum::Part;
use super::row::{RowEncoder, RowView};
use super::*;
use crate::common::{LogIndex, RegionId, Timestamp};

fn encode<T: ?Sized>(put: impl Fn(&mut Vec<u8>, &T), value: &T) -> Vec<u8> {
    let mut out = Vec::new();
    put(&mut out, value);
    out
}

/// Both orders agree, the encodings are prefix-free, and each decodes to itself with what follows untouched.
fn check_pair<T: PartialEq + std::fmt::Debug>(
    put: impl Fn(&mut Vec<u8>, &T),
    take: impl Fn(&mut &[u8]) -> Result<T>,
    (a, b): (&T, &T),
    order: Ordering,
) {
    let (left, right) = (encode(&put, a), encode(&put, b));
    assert_eq!(left.cmp(&right), order, "{a:?} {b:?}: {left:02x?} {right:02x?}");
    assert_eq!(left.starts_with(&right), order == Ordering::Equal);
    for (value, encoded) in [(a, left), (b, right)] {
        let mut with_rest = encoded.clone();
        with_rest.extend_from_slice(b"rest");
        let mut input = with_rest.as_slice();
        assert_eq!(&take(&mut input).unwrap(), value);
        assert_eq!(input, b"rest");
        for cut in 0..encoded.len() {
            let mut input = &encoded[..cut];
            assert!(take(&mut input).is_err(), "{encoded:02x?} cut to {cut}");
            assert_eq!(input.len(), cut, "a failed read does not move the input");
        }
    }
}

/// Numbers near the edges as well as anywhere.
fn integers() -> impl Strategy<Value = i64> {
    prop_oneof![any::<i64>(), -3..3_i64, Just(i64::MIN), Just(i64::MAX)]
}

/// Strings that share prefixes and hold the bytes the encoding is made of.
fn strings() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop_oneof![Just(0_u8), Just(255), Just(247), any::<u8>()], 0..28)
}

/// An exact number: few digits, or all of them.
fn decimals() -> impl Strategy<Value = (i256, u8)> {
    let small = (-200_000..200_000_i128).prop_map(i256::from_i128);
    let medium = any::<i128>().prop_map(i256::from_i128);
    let large = any::<(u128, i128)>().prop_map(|(low, high)| i256::from_parts(low, high));
    let unscaled = prop_oneof![4 => small, 1 => medium, 1 => large, 1 => Just(i256::MIN)];
    (unscaled, 0..31_u8)
}

/// Compares as numbers, by digits: sign, integral part, fraction.
fn compare_decimals(a: (i256, u8), b: (i256, u8)) -> Ordering {
    let parts = |(unscaled, scale): (i256, u8)| {
        let text = unscaled.to_string();
        let digits = format!("{:0>width$}", text.trim_start_matches('-'), width = 80 + 31);
        let point = digits.len() - usize::from(scale);
        let integral = format!("{:0>112}", &digits[..point]);
        format!("{integral}.{:0<31}", &digits[point..])
    };
    let zero = i256::ZERO;
    match (a.0 < zero, b.0 < zero) {
        (false, false) => parts(a).cmp(&parts(b)),
        (true, true) => parts(b).cmp(&parts(a)),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
    }
}

proptest! {
    #[test]
    fn integers_sort(a in integers(), b in integers()) {
        let (x, y) = (a as u64, b as u64);
        let order = a.cmp(&b);
        check_pair(|out, v| number::put_i64(out, *v), number::take_i64, (&a, &b), order);
        check_pair(|out, v| number::put_i64_desc(out, *v), number::take_i64_desc, (&a, &b), order.reverse());
        let order = x.cmp(&y);
        check_pair(|out, v| number::put_u64(out, *v), number::take_u64, (&x, &y), order);
        check_pair(|out, v| number::put_u64_desc(out, *v), number::take_u64_desc, (&x, &y), order.reverse());
    }

    #[test]
    fn floats_sort(a in prop::num::f64::ANY, b in prop::num::f64::ANY) {
        prop_assume!(!a.is_nan() && !b.is_nan());
        let order = a.partial_cmp(&b).unwrap();
        check_pair(|out, v| number::put_f64(out, *v), number::take_f64, (&a, &b), order);
        check_pair(|out, v| number::put_f64_desc(out, *v), number::take_f64_desc, (&a, &b), order.reverse());
    }

    #[test]
    fn strings_sort(a in strings(), b in strings(), cut in 0..28_usize) {
        let prefix = a[..cut.min(a.len())].to_vec();
        for b in [b, prefix] {
            let order = a.cmp(&b);
            check_pair(|out, v: &Vec<u8>| bytes::put_bytes(out, v), bytes::take_bytes, (&a, &b), order);
            check_pair(
                |out, v: &Vec<u8>| bytes::put_bytes_desc(out, v),
                bytes::take_bytes_desc,
                (&a, &b),
                order.reverse(),
            );
        }
        let encoded = mvcc::encode_key(&a);
        prop_assert_eq!(encoded.len(), bytes::encoded_len(a.len()));
        let longer = [&encoded[..], b"rest"].concat();
        let mut input = longer.as_slice();
        prop_assert_eq!(bytes::skip_bytes(&mut input).unwrap(), &encoded[..]);
        prop_assert_eq!(input, b"rest");
    }

    #[test]
    fn decimals_sort(a in decimals(), b in decimals()) {
        let order = compare_decimals(a, b);
        let (left, right) = (
            encode(|out, (u, s): &(i256, u8)| decimal::put_decimal(out, *u, *s), &a),
            encode(|out, (u, s): &(i256, u8)| decimal::put_decimal(out, *u, *s), &b),
        );
        prop_assert_eq!(left.cmp(&right), order);
        prop_assert_eq!(left.starts_with(&right), order == Ordering::Equal);
        let decoded = decimal::take_decimal(&mut left.as_slice()).unwrap();
        prop_assert_eq!(compare_decimals(decoded, a), Ordering::Equal);
        prop_assert!(decoded.1 <= a.1, "the smallest scale");
    }

    #[test]
    fn varints_round_trip(value in integers()) {
        for value in [value, value >> 32, value >> 50] {
            let encoded = encode(|out, v| varint::put_varint(out, *v), &value);
            prop_assert_eq!(varint::take_varint(&mut encoded.as_slice()).unwrap(), value);
            prop_assert!(varint::take_varint(&mut &encoded[..encoded.len() - 1]).is_err());
            let encoded = encode(|out, v| varint::put_uvarint(out, *v), &(value as u64));
            prop_assert_eq!(varint::take_uvarint(&mut encoded.as_slice()).unwrap(), value as u64);
        }
    }

    #[test]
    fn index_values_sort(a in parts(), b in parts()) {
        let order = a.iter().map(compare_key).partial_cmp(b.iter().map(compare_key)).unwrap();
        let (left, right) = (encode_parts(&a), encode_parts(&b));
        prop_assert_eq!(left.cmp(&right), order);
        let mut input = left.as_slice();
        let mut skipped = left.as_slice();
        for part in &a {
            let before = input;
            prop_assert_eq!(&datum::take_part(&mut input).unwrap(), part);
            let expected = &before[..before.len() - input.len()];
            prop_assert_eq!(datum::skip_part(&mut skipped).unwrap(), expected);
        }
        prop_assert!(input.is_empty() && skipped.is_empty());
        let max = encode(|out, ()| datum::put_max(out), &());
        prop_assert!(left < max);
    }

    #[test]
    fn inverted_values_sort_the_other_way(a in parts(), b in parts()) {
        let inverted = |parts: &[Part]| {
            let mut encoded = encode_parts(parts);
            datum::invert(&mut encoded);
            encoded
        };
        if a.len() == b.len() {
            let order = encode_parts(&b).cmp(&encode_parts(&a));
            prop_assert_eq!(inverted(&a).cmp(&inverted(&b)), order);
        }
        let encoded = inverted(&a);
        let (mut input, mut skipped) = (encoded.as_slice(), encoded.as_slice());
        for part in &a {
            prop_assert_eq!(&datum::take_part(&mut input).unwrap(), part);
            let before = skipped.len();
            prop_assert_eq!(datum::skip_part(&mut skipped).unwrap().len(), before - input.len());
            prop_assert_eq!(skipped, input);
        }
        prop_assert!(input.is_empty());
    }

    #[test]
    fn versions_sort_newest_first(a in strings(), b in strings(), s in any::<u64>(), t in any::<u64>()) {
        let left = mvcc::encode_versioned_key(&a, Timestamp(s));
        let right = mvcc::encode_versioned_key(&b, Timestamp(t));
        prop_assert_eq!(left.cmp(&right), a.cmp(&b).then(t.cmp(&s)));
        prop_assert_eq!(mvcc::decode_versioned_key(&left).unwrap(), (a.clone(), Timestamp(s)));
        let (key, ts) = mvcc::split_ts(&left).unwrap();
        prop_assert_eq!((key, ts), (&mvcc::encode_key(&a)[..], Timestamp(s)));
        let mut located = keys::data_key_of(&a);
        prop_assert_eq!(&located, &keys::data_key(key));
        mvcc::put_ts(&mut located, ts);
        prop_assert_eq!(keys::origin_key(&located).unwrap(), &left[..]);
    }

    #[test]
    fn table_keys_sort(a in integers(), b in integers(), x in integers(), y in integers()) {
        let (left, right) = (table::row_key(a, x), table::row_key(b, y));
        prop_assert_eq!(left.cmp(&right), (a, x).cmp(&(b, y)));
        prop_assert_eq!(table::decode_row_key(&left).unwrap(), (a, x));
        let index = table::index_key(a, y, b"values");
        prop_assert_eq!(table::decode_index_key(&index).unwrap(), (a, y, &b"values"[..]));
        prop_assert!(table::decode_row_key(&index).is_err() && table::decode_index_key(&left).is_err());
        for (key, range, inside) in [
            (&left, table::table_range(a), true),
            (&left, table::row_range(a), true),
            (&left, table::index_range(a, y), false),
            (&index, table::table_range(a), true),
            (&index, table::row_range(a), false),
            (&index, table::index_range(a, y), true),
            (&index, table::index_range(a, y.wrapping_add(1)), false),
            (&right, table::table_range(a), a == b),
        ] {
            prop_assert_eq!(range.0 <= *key && *key < range.1, inside);
        }
        prop_assert_eq!(table::table_of(&left), Some(a));
        prop_assert!(table::schema_range().1 <= table::table_prefix(i64::MIN));
    }

    #[test]
    fn schema_keys_sort(a in strings(), b in strings(), f in strings(), g in strings()) {
        let (left, right) = (table::schema_field_key(&a, &f), table::schema_field_key(&b, &g));
        prop_assert_eq!(left.cmp(&right), (&a, &f).cmp(&(&b, &g)));
        prop_assert_eq!(table::decode_schema_field_key(&left).unwrap(), (a.clone(), f));
        let (start, end) = table::schema_field_range(&a);
        prop_assert!(start <= left && left < end);
        prop_assert_eq!(start <= right && right < end, a == b);
        let single = table::schema_key(&a);
        prop_assert!(!(start <= single && single < end));
    }

    #[test]
    fn prefixes_end(prefix in strings(), suffix in strings()) {
        let end = table::prefix_end(&prefix);
        let key = [&prefix[..], &suffix[..]].concat();
        prop_assert!(end.is_empty() || *key < *end);
        prop_assert_eq!(end.is_empty(), prefix.iter().all(|byte| *byte == 255));
    }

    #[test]
    fn rows_round_trip(
        columns in prop::collection::btree_map(
            prop_oneof![0..256_u32, any::<u32>()],
            prop::option::of(prop_oneof![9 => strings(), 1 => Just(vec![7; 40_000])]),
            0..20,
        ),
        absent in any::<u32>(),
        order in any::<prop::sample::Index>(),
    ) {
        let mut shuffled: Vec<_> = columns.iter().collect();
        if !shuffled.is_empty() {
            let start = order.index(shuffled.len());
            shuffled.rotate_left(start);
        }
        let row = row::encode_row(shuffled.into_iter().map(|(id, value)| (*id, value.as_deref())));
        let view = RowView::parse(&row).unwrap();
        for (id, value) in &columns {
            prop_assert_eq!(view.get(*id), Some(value.as_deref()));
        }
        prop_assert_eq!(view.get(absent).is_some(), columns.contains_key(&absent));
        let values: Vec<_> = view.values().collect();
        let expected: Vec<_> =
            columns.iter().filter_map(|(id, value)| Some((*id, value.as_deref()?))).collect();
        prop_assert_eq!(values, expected);
        let nulls: Vec<_> = columns.iter().filter(|(_, v)| v.is_none()).map(|(id, _)| *id).collect();
        prop_assert_eq!(view.nulls().collect::<Vec<_>>(), nulls);
        for cut in (0..row.len()).rev().take(100) {
            prop_assert!(RowView::parse(&row[..cut]).is_err());
        }
    }

    #[test]
    fn compact_integers_round_trip(value in integers()) {
        for value in [value, value >> 33, value >> 49, value >> 57] {
            let encoded = encode(|out, v| row::put_compact_i64(out, *v), &value);
            prop_assert_eq!(row::compact_i64(&encoded).unwrap(), value);
            let encoded = encode(|out, v| row::put_compact_u64(out, *v), &(value as u64));
            prop_assert_eq!(row::compact_u64(&encoded).unwrap(), value as u64);
        }
    }

    #[test]
    fn garbage_is_an_error_or_a_value(
        mut input in prop::collection::vec(any::<u8>(), 0..64),
        head in prop::option::of(prop_oneof![
            Just(vec![128, 0, 2, 0, 1, 0]), Just(vec![128, 1, 1, 0, 0, 0]), Just(vec![datum::DECIMAL_FLAG, 2]),
            Just(b"t".to_vec()), Just(b"m".to_vec()), Just(b"z".to_vec()), Just(vec![1, 2]),
        ]),
    ) {
        if let Some(head) = head {
            input.splice(0..0, head);
        }
        // Nothing below may panic; what decodes is of no interest.
        if let Ok(view) = RowView::parse(&input) {
            for (id, value) in view.values() {
                prop_assert_eq!(view.get(id), Some(Some(value)));
            }
            view.nulls().for_each(drop);
        }
        let rest = &mut input.as_slice();
        while datum::take_part(rest).is_ok() {}
        let rest = &mut input.as_slice();
        while datum::skip_part(rest).is_ok() {}
        let _ = bytes::take_bytes(&mut input.as_slice());
        let _ = bytes::take_bytes_desc(&mut input.as_slice());
        let _ = decimal::take_decimal(&mut input.as_slice());
        let _ = varint::take_uvarint(&mut input.as_slice());
        let _ = varint::take_compact_bytes(&mut input.as_slice());
        let _ = table::decode_table_key(&input);
        let _ = table::decode_schema_field_key(&input);
        let _ = table::table_of(&input);
        let _ = mvcc::decode_versioned_key(&input);
        let _ = keys::decode_raft_log_key(&input);
        let _ = keys::decode_region_state_key(&input);
        let _ = keys::origin_key(&input);
        let _ = row::compact_i64(&input);
    }
}

/// A few index values of any kind; integral so that `Part` compares with `==`.
fn parts() -> impl Strategy<Value = Vec<Part>> {
    let part = prop_oneof![
        Just(Part::Nil),
        strings().prop_map(Part::Bytes),
        (-2..2_i64).prop_map(Part::Int),
        (0..2_u64).prop_map(Part::Uint),
        (-2..2_i32).prop_map(|value| Part::Float(f64::from(value))),
        (-3..4_i128).prop_map(|value| Part::Decimal(i256::from_i128(value), 0)),
        (-2..2_i64).prop_map(Part::Duration),
    ];
    prop::collection::vec(part, 0..4)
}

/// Flag, then the value, as something that compares.
fn compare_key(part: &Part) -> (u8, i128, &[u8]) {
    match part {
        Part::Nil => (datum::NIL_FLAG, 0, &[]),
        Part::Bytes(value) => (datum::BYTES_FLAG, 0, value),
        Part::Int(value) => (datum::INT_FLAG, i128::from(*value), &[]),
        Part::Uint(value) => (datum::UINT_FLAG, i128::from(*value), &[]),
        Part::Float(value) => (datum::FLOAT_FLAG, *value as i128, &[]),
        Part::Decimal(value, _) => (datum::DECIMAL_FLAG, value.as_i128(), &[]),
        Part::Duration(value) => (datum::DURATION_FLAG, i128::from(*value), &[]),
    }
}

fn encode_parts(parts: &[Part]) -> Vec<u8> {
    let mut out = Vec::new();
    for part in parts {
        match part {
            Part::Nil => datum::put_nil(&mut out),
            Part::Bytes(value) => datum::put_bytes(&mut out, value),
            Part::Int(value) => datum::put_int(&mut out, *value),
            Part::Uint(value) => datum::put_uint(&mut out, *value),
            Part::Float(value) => datum::put_float(&mut out, *value),
            Part::Decimal(unscaled, scale) => datum::put_decimal(&mut out, *unscaled, *scale),
            Part::Duration(value) => datum::put_duration(&mut out, *value),
        }
    }
    out
}

/// The formats others read: each line would change if the bytes on disk did.
#[test]
fn bytes_are_pinned() {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let string = |value: &[u8]| hex(&encode(|out, v: &[u8]| bytes::put_bytes(out, v), value));
    assert_eq!(string(b""), "0000000000000000f7");
    assert_eq!(string(b"abc"), "6162630000000000fa");
    assert_eq!(string(b"abcdefgh"), "6162636465666768ff0000000000000000f7");
    assert_eq!(hex(&table::row_key(1, -1)), "7480000000000000015f727fffffffffffffff");
    assert_eq!(hex(&table::index_prefix(1, 2)), "7480000000000000015f698000000000000002");
    assert_eq!(hex(&table::schema_key(b"n")), "6d6e00000000000000f80000000000000073");
    assert_eq!(
        hex(&mvcc::encode_versioned_key(b"k", Timestamp(1))),
        "6b00000000000000f8fffffffffffffffe"
    );
    let region = RegionId(3);
    assert_eq!(
        hex(&keys::raft_log_key(region, LogIndex(6))),
        "01020000000000000003010000000000000006"
    );
    assert_eq!(hex(&keys::raft_state_key(region)), "0102000000000000000302");
    assert_eq!(hex(&keys::apply_state_key(region)), "0102000000000000000303");
    assert_eq!(hex(&keys::region_state_key(region)), "0103000000000000000301");
    assert_eq!(hex(&keys::data_key(b"k")), "7a6b");
    assert_eq!(hex(&keys::data_end_key(b"")), "7b");
    assert_eq!(
        hex(&row::encode_row([(3, None), (2, Some(&b"xy"[..])), (1, Some(&[5][..]))])),
        "8000020001000102030100030005".to_owned() + "7879"
    );
    assert_eq!(hex(&row::encode_row([(300, Some(&[5][..]))])), "8001010000002c0100000100000005");
    let decimal = |value, scale| {
        hex(&encode(|out, v| decimal::put_decimal(out, i256::from_i128(*v), scale), &value))
    };
    assert_eq!(decimal(0, 2), "01");
    assert_eq!(decimal(1250, 3), "0280010d3300");
    assert_eq!(decimal(-1250, 3), "007ffef2ccff");
    assert_eq!(hex(&encode(|out, v| varint::put_varint(out, *v), &-65)), "8101");
}

#[test]
fn equal_numbers_are_equal_bytes() {
    let put = |unscaled, scale| {
        encode(|out, v| decimal::put_decimal(out, i256::from_i128(*v), scale), &unscaled)
    };
    assert_eq!(put(15, 1), put(1500, 3));
    assert_eq!(put(-15, 1), put(-1500, 3));
    assert_eq!(put(0, 0), put(0, 30));
    let float = |value: f64| encode(|out, v| number::put_f64(out, *v), &value);
    assert_eq!(float(0.0), float(-0.0));
}

#[test]
fn local_keys_decode() {
    let region = RegionId(7);
    let key = keys::raft_log_key(region, LogIndex(9));
    assert_eq!(keys::decode_raft_log_key(&key).unwrap(), (region, LogIndex(9)));
    let (start, end) = keys::raft_log_range(region);
    assert!(start[..] <= key[..] && key[..] < end[..]);
    assert!(key[..] < keys::raft_state_key(region)[..]);
    for key in [&key[..], &keys::raft_state_key(region), &keys::apply_state_key(region)] {
        let (start, end) = keys::raft_range(region);
        assert!(&start[..] <= key && key < &end[..]);
        assert!(keys::decode_region_state_key(key).is_err());
    }
    assert_eq!(keys::decode_raft_state_key(&keys::raft_state_key(region)).unwrap(), region);
    let state = keys::region_state_key(region);
    assert_eq!(keys::decode_region_state_key(&state).unwrap(), region);
    let (start, end) = keys::region_meta_range();
    assert!(start[..] <= state[..] && state[..] < end[..]);
    assert!(end[..] < *keys::DATA_MIN);
}

#[test]
fn malformed_bytes_are_refused() {
    for wrong in [&b"6162\0\0\0\0\xf5"[..], b"a\0\0\0\0\0\0\0\xf0", b"a\0\0\0\0\0\0x\xf8"] {
        assert!(bytes::take_bytes(&mut &*wrong).is_err(), "{wrong:02x?}");
    }
    assert!(varint::take_uvarint(&mut &[0xFF; 11][..]).is_err(), "more than 64 bits");
    let overflow = [&[2, 0x80, 0xFF][..], &[100; 40], &[0]].concat();
    assert!(decimal::take_decimal(&mut overflow.as_slice()).is_err());
    let no_digits = [2, 0x80, 1, 0];
    assert!(decimal::take_decimal(&mut &no_digits[..]).is_err());
    for (place, byte) in [(0, 127), (1, 2), (6, 2), (9, 9), (11, 9)] {
        let mut row = row::encode_row([(1, Some(&b"a"[..])), (2, Some(b"b")), (3, None)]);
        row[place] = byte;
        assert!(RowView::parse(&row).is_err(), "byte {place}");
    }
}

#[test]
#[should_panic(expected = "each column comes once")]
fn a_column_twice_is_a_bug() {
    row::encode_row([(1, Some(&b"a"[..])), (1, Some(b"b"))]);
}

#[test]
fn an_encoder_starts_anew() {
    let mut encoder = RowEncoder::new();
    let (mut first, mut second) = (Vec::new(), Vec::new());
    encoder.push_with(1, |out| row::put_compact_i64(out, 300));
    encoder.finish(&mut first);
    encoder.push_null(2);
    encoder.finish(&mut second);
    assert_eq!(RowView::parse(&first).unwrap().get(1), Some(Some(&300_i16.to_le_bytes()[..])));
    assert_eq!(RowView::parse(&second).unwrap().get(1), None);
    assert_eq!(RowView::parse(&second).unwrap().get(2), Some(None));
}
