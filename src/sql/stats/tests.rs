use super::{Deltas, TableDelta, TableStats};

#[test]
fn deltas_add_up_by_table() {
    let mut deltas = Deltas::default();
    deltas.add(1, TableDelta { rows: 2, modified: 2 });
    deltas.add(2, TableDelta::default());
    let mut later = Deltas::default();
    later.add(1, TableDelta { rows: -1, modified: 3 });
    later.add(3, TableDelta { rows: 0, modified: 1 });
    deltas.merge(&later);
    let all: Vec<_> = deltas.iter().collect();
    assert_eq!(
        all,
        [(1, TableDelta { rows: 1, modified: 5 }), (3, TableDelta { rows: 0, modified: 1 })]
    );
}

#[test]
fn there_are_never_fewer_than_no_rows() {
    let mut stats = TableStats::empty(1);
    stats.apply(TableDelta { rows: -5, modified: 5 });
    assert_eq!((stats.rows, stats.modified), (0, 5));
}

#[test]
fn what_is_written_while_a_table_is_read_is_not_forgotten() {
    let before = TableStats { rows: 100, modified: 40, ..TableStats::empty(1) };
    let mut stored = before.clone();
    stored.apply(TableDelta { rows: -3, modified: 7 });
    let found = TableStats { rows: 120, analyzed_ts: 9, ..TableStats::empty(1) };
    stored.analyzed(found, &before);
    assert_eq!((stored.rows, stored.modified, stored.analyzed_ts), (117, 7, 9));
}
