//! The states of what comes and goes in an alteration of a table.
//!
//! The elements of an alteration (its columns and indexes) move together:
//!
//! ```text
//! what comes                                     then, in one version,          what goes
//! [delete-only → write-only → reorganization]  →  everything else changes  →  [write-only → delete-only → absent]
//!                  ↓ (undone)
//!           delete-only → absent
//! ```
//!
//! A state that no element needs is left out: a name takes one version, a column two to come. So statements see the table as it was or
//! as it will be. What is stored for a stage is worked out here from the two definitions, so no action of ALTER TABLE has anything to say of it.
//!
//! # Why neighbours may work side by side
//!
//! For indexes see [`super`]. A column that comes is *write-only* first: nobody can give it a value yet, so whether a row is
//! written with its origin or without it is the same. Those who see it *public* meet only writers that keep its value. A column that goes is the
//! same backwards: as long as anybody sees it writers keep it and give new rows its default. In *delete-only* it is read, so that the entries of its
//! indexes are found that go, and not written.
//!
//! A column that is converted comes as another one while the old one goes. In each stage from *write-only* on rows have both, each following from
//! the one that is seen ([`Mirror`]), so whoever sees either has what everybody wrote. Rows that are older than that are converted in *reorganization*.
//!
//! Where rows get numbers for a column that counts, nobody writes from the first stage to the switch: whoever did would need one, too.
//!
//! Where rows get another handle nobody can work beside those who know the old one. Then what has come waits behind a lock of the table
//! ([`LOCKED`]), as TRUNCATE does, and everything changes and goes in one version.

use super::table_lock::OF_A_JOB;
use crate::sql::catalog::{
    Alteration, CheckInfo, ColumnInfo, ForeignKey, IndexInfo, Mirror, SchemaState, TableInfo,
    TableLock,
};

/// How far an alteration is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The table is as it was; what comes is in this state.
    Coming(SchemaState),
    /// What comes is complete but for foreign keys and checks, which all writers keep to from now on; the rows that are older than they are looked at.
    Checking,
    /// The table is as it will be; what goes is in this state.
    Going(SchemaState),
}

/// Nothing has changed yet, or everything was undone.
pub(super) const BEGIN: Stage = Stage::Coming(SchemaState::Absent);
/// Everything has come, and nobody else uses the table: rows will be found by another handle.
pub(super) const LOCKED: Stage = Stage::Coming(SchemaState::Public);
/// Nothing is left to do.
pub(super) const END: Stage = Stage::Going(SchemaState::Absent);

/// The stage after this one. `unchecked`: old rows need not fulfil foreign keys.
pub(super) fn next(alteration: &Alteration, stage: Stage, unchecked: bool) -> Stage {
    use SchemaState as S;
    let has_indexes = alteration.added_indexes().next().is_some();
    let checks = (!unchecked && alteration.added_foreign_keys().next().is_some())
        || alteration.added_checks().next().is_some();
    let has_columns = alteration.added_columns().next().is_some();
    match stage {
        Stage::Coming(S::Absent) if has_indexes => Stage::Coming(S::DeleteOnly),
        Stage::Coming(S::Absent) if has_columns || alteration.moves => Stage::Coming(S::WriteOnly),
        Stage::Coming(S::DeleteOnly) => Stage::Coming(S::WriteOnly),
        Stage::Coming(S::WriteOnly) if has_indexes || alteration.converts() => {
            Stage::Coming(S::Reorganization)
        }
        LOCKED => END,
        Stage::Coming(_) if checks => Stage::Checking,
        Stage::Coming(_) | Stage::Checking if alteration.excludes() => LOCKED,
        Stage::Coming(_) | Stage::Checking if drops(alteration) => Stage::Going(S::WriteOnly),
        Stage::Coming(_) | Stage::Checking => END,
        Stage::Going(S::WriteOnly) => Stage::Going(S::DeleteOnly),
        Stage::Going(_) => END,
    }
}

/// The stage after this one of an alteration that is taken back.
pub(super) fn back(stage: Stage) -> Stage {
    match stage {
        Stage::Coming(SchemaState::WriteOnly | SchemaState::Reorganization)
        | LOCKED
        | Stage::Checking => Stage::Coming(SchemaState::DeleteOnly),
        _ => BEGIN,
    }
}

/// Whether a column or an index goes.
fn drops(alteration: &Alteration) -> bool {
    alteration.dropped_columns().next().is_some() || alteration.dropped_indexes().next().is_some()
}

/// Whether the table can be what it was at once: nothing has come, and what goes is still what it was.
pub(super) fn can_return(alteration: &Alteration, stage: Stage) -> bool {
    let adds =
        alteration.added_columns().next().is_some() || alteration.added_indexes().next().is_some();
    let misses_rows = alteration.dropped_indexes().any(|index| skips_new_rows(alteration, index));
    let renamed = alteration.moves_to.is_some();
    stage == Stage::Going(SchemaState::WriteOnly) && !adds && !misses_rows && !renamed
}

/// A unique index that loses a column: new rows would all have the same value there.
fn skips_new_rows(alteration: &Alteration, index: &IndexInfo) -> bool {
    let goes = |id: i64| alteration.dropped_columns().any(|column| column.id == id);
    index.unique && index.columns.iter().any(|part| goes(part.column))
}

/// What is stored of the table at a stage.
pub(super) fn definition(alteration: &Alteration, stage: Stage) -> TableInfo {
    match stage {
        Stage::Checking => {
            let complete = Stage::Coming(SchemaState::Reorganization);
            let mut table = definition(alteration, complete);
            add_coming(&mut table, alteration);
            table
        }
        Stage::Coming(state) => {
            // A number is never given twice, even if what had it has not come to be.
            let (max_column_id, max_index_id) =
                (alteration.after.max_column_id, alteration.after.max_index_id);
            let mut table = TableInfo { max_column_id, max_index_id, ..alteration.before.clone() };
            let mut state = state;
            if stage == LOCKED {
                table.locks.push(TableLock { owner: OF_A_JOB, write: true });
                state = SchemaState::Reorganization;
                add_coming(&mut table, alteration);
            } else if (alteration.numbered.is_some() || alteration.moves) && stage != BEGIN {
                table.locks.push(TableLock { owner: OF_A_JOB, write: false });
            }
            let columns = alteration.added_columns().map(|column| {
                let mut conversions = alteration.conversions.iter();
                let from = conversions.find(|(_, to)| *to == column.id).map(|(from, _)| *from);
                let mirrors = from.map(|column| Mirror { column, comes: true });
                let mirrors = mirrors.filter(|_| column.generated.is_none());
                ColumnInfo { mirrors, ..column.clone() }
            });
            let columns = columns.collect();
            with(table, columns, alteration.added_indexes().cloned().collect(), state)
        }
        Stage::Going(state) => {
            let columns = alteration.dropped_columns().map(|column| {
                let mut conversions = alteration.conversions.iter();
                let to = conversions.find(|(from, _)| *from == column.id).map(|(_, to)| *to);
                let mirrors = to.map(|column| Mirror { column, comes: false });
                let mirrors = mirrors.filter(|_| column.generated.is_none());
                ColumnInfo { mirrors, ..column.clone() }
            });
            let columns = columns.collect();
            let indexes = alteration.dropped_indexes().map(|index| IndexInfo {
                skips_new_rows: skips_new_rows(alteration, index),
                ..index.clone()
            });
            with(alteration.after.clone(), columns, indexes.collect(), state)
        }
    }
}

/// Adds the foreign keys and checks that come, as writers keep to them before they are public.
fn add_coming(table: &mut TableInfo, alteration: &Alteration) {
    let state = SchemaState::WriteOnly;
    let keys = alteration.added_foreign_keys();
    table.foreign_keys.extend(keys.map(|key| ForeignKey { state, ..key.clone() }));
    let checks = alteration.added_checks();
    table.checks.extend(checks.map(|check| CheckInfo { state, ..check.clone() }));
}

/// The table with these columns and indexes besides, in this state.
fn with(
    mut table: TableInfo,
    columns: Vec<ColumnInfo>,
    indexes: Vec<IndexInfo>,
    state: SchemaState,
) -> TableInfo {
    if state == SchemaState::Absent {
        return table;
    }
    let handle = table.handle_id();
    table.columns.extend(columns.into_iter().map(|column| ColumnInfo { state, ..column }));
    table.indexes.extend(indexes.into_iter().map(|index| IndexInfo { state, ..index }));
    table.place_columns(handle);
    table
}
