//! Rows and index entries survive the way through bytes.

use proptest::prelude::*;

use super::fixture::{column, index, users};
use crate::sql::catalog::TableInfo;
use crate::sql::table_codec::{
    self, IndexReader, RowReader, decode_handle, encode_row, index_entry, row_key,
};
use crate::sql::types::{Collation, Datum, Decimal, FieldType, Time, TimeKind, TimeZone};

fn wide_table() -> TableInfo {
    let text = FieldType::varchar(20);
    let mut table = users();
    table.columns = vec![
        column(0, "id", FieldType::bigint().not_null()),
        column(1, "a", FieldType::bigint_unsigned()),
        column(2, "b", FieldType::double()),
        column(3, "c", FieldType::decimal(20, 4)),
        column(4, "d", text.clone()),
        column(5, "e", text.collate(Collation::Utf8mb4GeneralCi)),
        column(6, "f", FieldType::varbinary(20)),
        column(7, "g", FieldType::datetime(6)),
    ];
    table.indexes =
        vec![index(1, "all", &[1, 2, 3, 4, 5, 6, 7], false), index(2, "u", &[5, 1], true)];
    table
}

fn datum(offset: usize) -> BoxedStrategy<Datum> {
    let some = match offset {
        1 => any::<u64>().prop_map(Datum::UInt).boxed(),
        2 => (-1e300..1e300).prop_map(Datum::Float).boxed(),
        3 => any::<i64>().prop_map(|n| Datum::Decimal(Decimal::new(n.into(), 4))).boxed(),
        4 | 5 => "[a-zA-Z äß]{0,12}".prop_map(Datum::from).boxed(),
        6 => proptest::collection::vec(any::<u8>(), 0..20).prop_map(Datum::from).boxed(),
        _ => (0u64..1 << 62)
            .prop_map(|packed| Datum::Time(Time { packed, kind: TimeKind::DateTime, fsp: 6 }))
            .boxed(),
    };
    prop_oneof![1 => Just(Datum::Null), 5 => some].boxed()
}

fn row() -> impl Strategy<Value = Vec<Datum>> {
    (any::<i64>(), (1..8).map(datum).collect::<Vec<_>>()).prop_map(|(id, rest)| {
        let mut row = vec![Datum::Int(id)];
        row.extend(rest);
        row
    })
}

proptest! {
    #[test]
    fn rows_and_entries_come_back(row in row()) {
        let table = wide_table();
        let zone = TimeZone::UTC;
        let Datum::Int(handle) = row[0] else { unreachable!() };
        let columns: Vec<usize> = (0..table.columns.len()).collect();
        let value = encode_row(&table, &row, &zone).unwrap();
        prop_assert_eq!(decode_handle(&row_key(table.id, handle)).unwrap(), handle);
        let back = RowReader::new(&table, &columns, &zone).read(handle, &value).unwrap();
        prop_assert_eq!(&back, &row);
        let entry = index_entry(&table, &table.indexes[0], &row, handle, &zone).unwrap();
        let reader = IndexReader::new(&table, &table.indexes[0], &columns, &zone);
        let (found, back) = reader.read(&entry.key, &entry.value).unwrap();
        prop_assert_eq!(found, handle);
        prop_assert_eq!(&back, &row);
    }

    #[test]
    fn distinct_entries_differ_only_where_the_collation_does(a in row(), b in row()) {
        let table = wide_table();
        let unique = &table.indexes[1];
        let (a, b) = (
            index_entry(&table, unique, &a, 1, &TimeZone::UTC).unwrap(),
            index_entry(&table, unique, &b, 2, &TimeZone::UTC).unwrap(),
        );
        // Equal keys only of entries that must not both exist.
        prop_assert!(a.key != b.key || (a.distinct && b.distinct));
    }
}

#[test]
fn case_does_not_tell_unique_values_apart() {
    let table = wide_table();
    let entry = |text: &str, handle| {
        let mut row = vec![Datum::Null; 8];
        row[5] = Datum::from(text);
        row[1] = Datum::UInt(7);
        index_entry(&table, &table.indexes[1], &row, handle, &TimeZone::UTC).unwrap()
    };
    assert_eq!(entry("Abc", 1).key, entry("aBC  ", 2).key);
    assert_ne!(entry("Abc", 1).key, entry("Abd", 2).key);
}

#[test]
fn unsigned_handles_keep_their_order_in_keys() {
    let keys: Vec<_> = [0_u64, 1, 1 << 62, 1 << 63, u64::MAX]
        .iter()
        .map(|number| row_key(1, table_codec::ordered_handle(i128::from(*number), true)))
        .collect();
    assert!(keys.is_sorted());
    let handle = table_codec::ordered_handle(i128::from(u64::MAX), true);
    assert_eq!(table_codec::handle_datum(handle, true), Datum::UInt(u64::MAX));
}
