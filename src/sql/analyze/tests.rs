use std::future::Future;

use parking_lot::Mutex;

use super::{FullSpeed, Pace, analyze, flush};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::TableInfo;
use crate::sql::ddl::Meta;
use crate::sql::exec::tests::fixture::{Fixture, column, index, users};
use crate::sql::plan::ConflictAction;
use crate::sql::stats::{Deltas, TableDelta, TableStats};
use crate::sql::types::{Collation, Datum, FieldType};

/// The database of the table.
const DATABASE: i64 = 7;

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

/// A store whose schema has the fixture's table, and that many rows.
async fn with_rows(rows: i64) -> Fixture {
    let fixture = Fixture::new(TableInfo {
        columns: vec![
            column(0, "id", FieldType::int().not_null()),
            column(1, "email", FieldType::varchar(50).collate(Collation::Utf8mb4GeneralCi)),
            column(2, "age", FieldType::int()),
        ],
        indexes: vec![index(1, "email", &[1], false), index(2, "age", &[2], false)],
        ..users()
    });
    let txn = fixture.begin().await;
    Meta::new(&*txn).put_table(DATABASE, &fixture.table).unwrap();
    let row = |id: i64| {
        let email = if id % 2 == 0 { "A" } else { "a" };
        let age = if id % 10 == 0 { Datum::Null } else { Datum::Int(id % 10) };
        vec![Datum::Int(id), Datum::from(format!("{email}{}", id % 4).into_bytes()), age]
    };
    let rows = (1..=rows).map(row).collect();
    fixture.insert_in(&txn, rows, ConflictAction::Error).await.unwrap();
    txn.commit().await.unwrap();
    fixture
}

async fn stored(fixture: &Fixture) -> Option<TableStats> {
    let txn = fixture.begin().await;
    Meta::new(&*txn).stats(fixture.table.id).await.unwrap()
}

#[tokio::test]
async fn a_table_is_analyzed() {
    let fixture = with_rows(3_000).await;
    let stats = analyze(&fixture.store, DATABASE, &fixture.table, &FullSpeed).await.unwrap();
    assert_eq!(stored(&fixture).await.as_ref(), Some(&stats));
    assert_eq!((stats.rows, stats.modified), (3_000, 0));
    assert!(stats.analyzed_ts > 0);
    let columns: Vec<_> = stats.columns.iter().map(|c| (c.column, c.distinct, c.nulls)).collect();
    // Case does not make a difference to the second column.
    assert_eq!(columns, [(1, 3_000, 0), (2, 4, 0), (3, 9, 300)]);
    assert_eq!(stats.columns[1].bytes, 2);
    assert!(stats.row_bytes > 19 && stats.index_bytes > 2 * 19);
}

/// Runs something when the first batch has been read.
struct Meanwhile<F>(Mutex<Option<F>>);

#[async_trait::async_trait]
impl<F: Future<Output = SqlResult<()>> + Send> Pace for Meanwhile<F> {
    async fn between(&self, _rows: u64) -> SqlResult<()> {
        let first = self.0.lock().take();
        match first {
            Some(first) => first.await,
            None => Ok(()),
        }
    }
}

#[tokio::test]
async fn what_is_reported_while_a_table_is_read_is_kept() {
    let fixture = with_rows(10).await;
    analyze(&fixture.store, DATABASE, &fixture.table, &FullSpeed).await.unwrap();
    let mut deltas = Deltas::default();
    deltas.add(fixture.table.id, TableDelta { rows: -2, modified: 3 });
    let report = async {
        let written = flush(&fixture.store, &deltas).await?;
        assert_eq!((written[0].rows, written[0].modified), (8, 3));
        Ok(())
    };
    let pace = Meanwhile(Mutex::new(Some(report)));
    let stats = analyze(&fixture.store, DATABASE, &fixture.table, &pace).await.unwrap();
    assert_eq!((stats.rows, stats.modified), (8, 3));
}

#[tokio::test]
async fn a_table_dropped_while_it_is_read_gets_no_record() {
    let fixture = with_rows(10).await;
    let drop_it = async {
        let txn = fixture.begin().await;
        Meta::new(&*txn).delete_table(DATABASE, &fixture.table);
        txn.commit().await.map(drop)
    };
    let pace = Meanwhile(Mutex::new(Some(drop_it)));
    let error = analyze(&fixture.store, DATABASE, &fixture.table, &pace).await.unwrap_err();
    assert_eq!(error.code, errno::NO_SUCH_TABLE);
    let mut deltas = Deltas::default();
    deltas.add(fixture.table.id, TableDelta { rows: 1, modified: 1 });
    assert_eq!(flush(&fixture.store, &deltas).await.unwrap(), []);
    assert_eq!(stored(&fixture).await, None);
}

#[tokio::test]
async fn the_pace_ends_an_analysis() {
    let fixture = with_rows(10).await;
    let stop = async { Err(SqlError::new(errno::QUERY_INTERRUPTED, "stop")) };
    let pace = Meanwhile(Mutex::new(Some(stop)));
    let error = analyze(&fixture.store, DATABASE, &fixture.table, &pace).await.unwrap_err();
    assert_eq!(error.code, errno::QUERY_INTERRUPTED);
    assert_eq!(stored(&fixture).await, None);
}
