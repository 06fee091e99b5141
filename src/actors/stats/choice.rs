//! Which tables are to be analyzed, and in what order.

use std::collections::BTreeMap;

use crate::sql::catalog::{InfoSchema, SchemaState};
use crate::sql::stats::TableStats;

/// With fewer rows written than this a table is left alone, whatever part of it they are.
pub(super) const LEAST_MODIFIED: u64 = 1000;

/// How urgent it is, most urgent last.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
enum Need {
    /// So many times its rows were written since it was analyzed.
    Changed(f64),
    /// It never was analyzed, and this much was written.
    Never(u64),
    /// There is no record of it: it is older than statistics.
    Unknown,
}

/// The tables that need it, the most urgent first: those without a record, then those that were never analyzed, then those of which
/// more than `ratio` of the rows were written since, by that ratio.
pub(super) fn choose(schema: &InfoSchema, records: &[TableStats], ratio: f64) -> Vec<i64> {
    let records: BTreeMap<i64, &TableStats> =
        records.iter().map(|stats| (stats.table, stats)).collect();
    let mut chosen: Vec<(Need, i64)> = analyzable(schema)
        .filter_map(|table| Some((need(records.get(&table).copied(), ratio)?, table)))
        .collect();
    // Numbers that cannot be compared do not come up: the ratio is that of two whole ones.
    chosen.sort_by(|(a, one), (b, other)| {
        b.partial_cmp(a).unwrap_or(std::cmp::Ordering::Equal).then(one.cmp(other))
    });
    chosen.into_iter().map(|(_, table)| table).collect()
}

/// The tables with rows of their own that everybody may use.
fn analyzable(schema: &InfoSchema) -> impl Iterator<Item = i64> + '_ {
    schema
        .databases()
        .filter(|database| database.id >= 0)
        .flat_map(|database| schema.tables(&database.name))
        .filter(|table| table.state == SchemaState::Public && table.view.is_none())
        .map(|table| table.id)
}

fn need(record: Option<&TableStats>, ratio: f64) -> Option<Need> {
    let Some(stats) = record else { return Some(Need::Unknown) };
    if stats.modified < LEAST_MODIFIED {
        return None;
    }
    if stats.analyzed_ts == 0 {
        return Some(Need::Never(stats.modified));
    }
    let changed = stats.modified as f64 / stats.rows.max(1) as f64;
    (changed > ratio).then_some(Need::Changed(changed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::catalog::{DatabaseInfo, TableInfo};
    use crate::sql::exec::tests::fixture::users;

    fn schema(tables: &[i64]) -> InfoSchema {
        let database = DatabaseInfo {
            id: 1,
            name: "d".to_owned(),
            charset: "utf8mb4".to_owned(),
            collation: "utf8mb4_bin".to_owned(),
            state: SchemaState::Public,
        };
        let table = |id: &i64| TableInfo { id: *id, name: format!("t{id}"), ..users() };
        crate::sql::system::info_schema(1, vec![(database, tables.iter().map(table).collect())])
    }

    fn record(table: i64, rows: u64, modified: u64, analyzed_ts: u64) -> TableStats {
        TableStats { rows, modified, analyzed_ts, ..TableStats::empty(table) }
    }

    #[test]
    fn nothing_is_chosen_while_all_is_known() {
        let records = [record(1, 0, 0, 0), record(2, 10_000, 4_000, 7), record(3, 100, 999, 7)];
        assert_eq!(choose(&schema(&[1, 2, 3]), &records, 0.5), [0i64; 0]);
    }

    #[test]
    fn what_is_not_known_at_all_comes_first_and_then_the_most_changed() {
        let records = [
            record(1, 10_000, 6_000, 7),
            record(2, 10_000, 90_000, 7),
            record(3, 1_000, 1_000, 0),
            record(4, 5_000, 5_000, 0),
            record(6, 0, 1_000, 7),
        ];
        let chosen = choose(&schema(&[1, 2, 3, 4, 5, 6, 7]), &records, 0.5);
        assert_eq!(chosen, [5, 7, 4, 3, 6, 2, 1]);
    }

    #[test]
    fn few_writes_are_not_enough_and_neither_is_the_ratio_itself() {
        let records = [record(1, 999, 999, 0), record(2, 2_000, 1_000, 7), record(3, 1, 999, 7)];
        assert_eq!(choose(&schema(&[1, 2, 3]), &records, 0.5), [0i64; 0]);
        assert_eq!(choose(&schema(&[1, 2, 3]), &records, 0.4), [2]);
    }

    #[test]
    fn records_of_tables_that_are_gone_and_virtual_tables_are_left_alone() {
        assert_eq!(choose(&schema(&[]), &[record(9, 1, 10_000, 7)], 0.5), [0i64; 0]);
    }
}
