//! Alterations of columns: their stages alone, and beside writers of neighbouring ones.

use std::collections::BTreeSet;

use super::elements::{BEGIN, END, LOCKED, Stage, back, can_return, definition, next};
use super::tests::{alter, indexed, one_step, reload, run, schema, submit, with_table};
use super::*;
use crate::common::errno;
use crate::sql::catalog::{Alteration, DdlStatement, SchemaState, TableInfo};
use crate::sql::exec::tests::fixture::{Fixture, user, users};
use crate::sql::expr::Expr;
use crate::sql::plan::ConflictAction;
use crate::sql::types::Datum;

/// Every kind of action, and what they have to do with each other.
const ALTERATIONS: &[&str] = &[
    "RENAME COLUMN age TO years",
    "RENAME COLUMN age TO email, RENAME COLUMN email TO age",
    "ADD COLUMN n INT",
    "ADD COLUMN n INT NOT NULL DEFAULT 7 FIRST, ADD COLUMN m TEXT AFTER email",
    "ADD COLUMN n INT, ADD INDEX (n), ADD UNIQUE (n, age)",
    "ADD INDEX more (age)",
    "DROP COLUMN age",
    "DROP COLUMN email",
    "DROP COLUMN age, ADD COLUMN age INT, ADD INDEX (age)",
    "DROP INDEX email, DROP COLUMN email, RENAME COLUMN age TO email",
    "ADD INDEX pair (age, email), DROP INDEX age",
    "MODIFY age VARCHAR(5)",
    "MODIFY age BIGINT NOT NULL, DROP INDEX age",
    "CHANGE email mail VARCHAR(9) NOT NULL FIRST, ADD INDEX mail_age (mail, age)",
    "CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci",
];

/// What a table becomes by an ALTER TABLE.
fn altered(actions: &str) -> Alteration {
    let DdlStatement::AlterTable { changes, .. } = alter(actions) else { unreachable!() };
    Alteration::new(&users(), &changes).unwrap()
}

/// The table with what statements see, whatever its numbers.
fn seen(table: &TableInfo) -> TableInfo {
    let mut seen = table.clone();
    seen.indexes.retain(|index| index.state == SchemaState::Public);
    seen.columns = table.public_columns().to_vec();
    (seen.max_column_id, seen.max_index_id) = (0, 0);
    seen
}

/// Positions follow from ids, and what is unseen is all in one state and behind what is seen.
fn assert_sound(table: &TableInfo, state: SchemaState) {
    for (offset, column) in table.columns.iter().enumerate() {
        assert_eq!(column.offset, offset);
    }
    for part in table.indexes.iter().flat_map(|index| &index.columns) {
        assert_eq!(table.columns[part.offset].id, part.column);
    }
    assert_eq!(table.handle_id(), Some(1));
    let unseen = &table.columns[table.public_columns().len()..];
    assert!(unseen.iter().all(|column| column.state == state));
    let states = table.indexes.iter().map(|index| index.state);
    assert!(states.clone().all(|known| known == state || known == SchemaState::Public));
    let ids: BTreeSet<i64> = table.columns.iter().map(|column| column.id).collect();
    assert_eq!(ids.len(), table.columns.len());
}

/// Whatever the stage: what statements see is the table as it was or as it will be, never something between.
#[test]
fn statements_see_the_table_before_or_after_at_every_stage() {
    for actions in ALTERATIONS {
        let alteration = altered(actions);
        let mut stage = BEGIN;
        while stage != END {
            stage = next(&alteration, stage, false);
            let table = definition(&alteration, stage);
            let (state, wanted) = match stage {
                Stage::Coming(state) => (state, &alteration.before),
                Stage::Going(state) => (state, &alteration.after),
                Stage::Checking => panic!("{actions}: no foreign key comes"),
            };
            assert_sound(&table, state);
            assert_eq!(seen(&table), seen(wanted), "{actions}: {stage:?}");
        }
        let end = definition(&alteration, END);
        assert_eq!(end, alteration.after, "{actions}");
    }
}

/// An alteration that is cancelled leaves no trace in the definition.
#[test]
fn what_is_taken_back_at_any_stage_is_as_it_was() {
    for actions in ALTERATIONS {
        let alteration = altered(actions);
        let mut stage = next(&alteration, BEGIN, false);
        while let Stage::Coming(_) = stage {
            let mut undone = stage;
            while undone != BEGIN {
                undone = back(undone);
                let table = definition(&alteration, undone);
                let Stage::Coming(state) = undone else { panic!("{actions}: {undone:?}") };
                assert_sound(&table, state);
                assert_eq!(seen(&table), seen(&alteration.before), "{actions}");
            }
            let table = definition(&alteration, BEGIN);
            assert_eq!(table.max_index_id, alteration.after.max_index_id);
            assert_eq!(table.max_column_id, alteration.after.max_column_id);
            stage = next(&alteration, stage, false);
        }
    }
}

/// Only what has rows to fill has a state for it.
#[test]
fn a_state_that_nothing_needs_is_left_out() {
    let stages = |actions: &str| {
        let alteration = altered(actions);
        let mut stages = vec![next(&alteration, BEGIN, false)];
        while stages[stages.len() - 1] != END {
            stages.push(next(&alteration, stages[stages.len() - 1], false));
        }
        stages
    };
    use SchemaState as S;
    assert_eq!(stages("RENAME COLUMN age TO years"), [END]);
    assert_eq!(stages("ADD COLUMN n INT"), [Stage::Coming(S::WriteOnly), END]);
    let dropped = [Stage::Going(S::WriteOnly), Stage::Going(S::DeleteOnly), END];
    assert_eq!(stages("DROP COLUMN age"), dropped);
    let filled = [S::DeleteOnly, S::WriteOnly, S::Reorganization].map(Stage::Coming);
    let both: Vec<Stage> = filled.into_iter().chain(dropped).collect();
    assert_eq!(stages("DROP COLUMN age, ADD INDEX more (email)"), both);
    assert_eq!(stages("MODIFY age CHAR(5)"), both);
    // What is found by another handle is behind a lock, and then all is done at once.
    let [_, written, filling] = [S::DeleteOnly, S::WriteOnly, S::Reorganization].map(Stage::Coming);
    let unkeyed = "MODIFY id INT NOT NULL, DROP PRIMARY KEY";
    assert_eq!(stages(unkeyed), [written, filling, LOCKED, END]);
    assert!(definition(&altered(unkeyed), LOCKED).locks.iter().any(|lock| lock.write));
}

/// DROP COLUMN can be undone until somebody has written a row without it.
#[test]
fn what_goes_can_be_had_back_as_long_as_everybody_keeps_it() {
    let gone = Stage::Going(SchemaState::WriteOnly);
    for (actions, wanted) in [
        ("DROP COLUMN age", true),
        ("DROP INDEX age", true),
        ("DROP INDEX age, ADD COLUMN n INT", false),
        // New rows have no entry in the unique index.
        ("DROP COLUMN email", false),
    ] {
        assert_eq!(can_return(&altered(actions), gone), wanted, "{actions}");
        assert!(!can_return(&altered(actions), Stage::Going(SchemaState::DeleteOnly)));
    }
}

/// Writers with the table of before and after each step write in every state, and then every row is looked at.
async fn beside_writers(actions: &str) -> Fixture {
    let mut fixture = with_table().await;
    run(&fixture.store, alter("ADD UNIQUE email (email), ADD INDEX age (age)")).await;
    reload(&mut fixture).await;
    let rows = (1..=10).map(|id| user(id, &format!("u{id}"), id)).collect();
    fixture.insert(rows, ConflictAction::Error).await.unwrap();
    submit(&fixture.store, alter(actions)).await;
    let mut next = 100;
    loop {
        let before = fixture.table.clone();
        let progress = one_step(&fixture.store).await;
        reload(&mut fixture).await;
        let after = fixture.table.clone();
        // Each writes rows that the other has written.
        for table in [&before, &after, &before, &after] {
            fixture.table = table.clone();
            let width = table.public_columns().len();
            let id = next;
            let row = [Datum::Int(id), Datum::from(format!("u{id}").as_str()), Datum::Int(id)];
            let row = row.into_iter().take(width).collect();
            fixture.insert(vec![row], ConflictAction::Error).await.unwrap();
            let last = width - 1;
            let value = match table.columns[last].field_type.kind.is_string() {
                true => Expr::text(&format!("v{next}")),
                false => Expr::literal(Datum::Int(next)),
            };
            for id in [next % 10 + 1, next - 1, next] {
                fixture.update(Some(id), last, value.clone()).await.ok();
            }
            if next % 3 == 0 {
                fixture.delete(Some(next - 2)).await.unwrap();
            }
            next += 1;
        }
        fixture.table = after;
        match progress {
            Progress::Stepped(_) => {}
            Progress::Backfill(job) => {
                backfill_batch(&fixture.store, job.id, 4).await.unwrap();
            }
            Progress::Finished(job) => {
                assert_eq!((job.state, job.error), (JobState::Done, None), "{actions}");
                assert_eq!(job.alteration, None);
                break;
            }
        }
    }
    reload(&mut fixture).await;
    let rows = fixture.rows().await.len();
    for number in 0..fixture.table.indexes.len() {
        assert_eq!(indexed(&fixture, number).await.len(), rows, "{actions}: index {number}");
    }
    fixture
}

/// Rows of writers between the steps are those that they would be without the change.
#[tokio::test]
async fn columns_come_and_go_beside_writers() {
    for actions in [
        "ADD COLUMN n INT NOT NULL DEFAULT 7",
        "ADD COLUMN n INT NOT NULL DEFAULT 7, ADD INDEX (n), ADD UNIQUE (n, id)",
        "DROP COLUMN age",
        "DROP COLUMN age, ADD COLUMN n INT DEFAULT 7, ADD INDEX (n, email)",
        "DROP INDEX age, ADD INDEX age (age, email)",
        "MODIFY age VARCHAR(5)",
        "MODIFY age BIGINT UNSIGNED NOT NULL, MODIFY email CHAR(20), ADD UNIQUE email_age (email, age)",
    ] {
        beside_writers(actions).await;
    }
}

/// A value that does not fit leaves the table as it was.
#[tokio::test]
async fn rows_are_converted_all_or_none() {
    let mut fixture = with_table().await;
    let rows = vec![user(1, "10", 1), user(2, "20", 2), user(3, "x", 3), user(4, "40", 4)];
    fixture.insert(rows, ConflictAction::Error).await.unwrap();
    run(&fixture.store, alter("ADD INDEX age (age)")).await;
    reload(&mut fixture).await;
    let before = fixture.table.clone();
    let job = run(&fixture.store, alter("MODIFY age CHAR(3), MODIFY email INT")).await;
    let error = job.error.unwrap();
    assert_eq!(error.code, errno::TRUNCATED_WRONG_VALUE_FOR_FIELD);
    assert!(error.message.ends_with("at row 3"), "{}", error.message);
    reload(&mut fixture).await;
    assert_eq!(fixture.table.public_columns(), before.public_columns());
    assert_eq!(fixture.table.indexes, before.indexes);
    assert_eq!(indexed(&fixture, 0).await.len(), 4);
    fixture.delete(Some(3)).await.unwrap();
    let job = run(&fixture.store, alter("MODIFY age CHAR(3), MODIFY email INT")).await;
    assert_eq!((job.error, job.converted), (None, 3));
    reload(&mut fixture).await;
    let row = |id: i64| vec![Datum::Int(id), Datum::Int(10 * id), Datum::from(&*id.to_string())];
    assert_eq!(fixture.rows().await, [row(1), row(2), row(4)]);
    assert_eq!(indexed(&fixture, 0).await.len(), 3);
}

#[tokio::test]
async fn rows_from_before_a_column_have_its_default() {
    let mut fixture = with_table().await;
    fixture.insert(vec![user(1, "a", 1)], ConflictAction::Error).await.unwrap();
    for actions in ["ADD COLUMN n INT NOT NULL DEFAULT 7", "ADD COLUMN s VARCHAR(9) NOT NULL"] {
        assert_eq!(run(&fixture.store, alter(actions)).await.state, JobState::Done);
    }
    run(&fixture.store, alter("ADD COLUMN x INT FIRST, DROP COLUMN email")).await;
    reload(&mut fixture).await;
    let row = vec![Datum::Null, Datum::Int(1), Datum::Int(1), Datum::Int(7), Datum::from("")];
    assert_eq!(fixture.rows().await, [row]);
}

#[tokio::test]
async fn a_number_is_not_given_again_to_what_comes_after_one_that_was_taken_back() {
    let mut fixture = with_table().await;
    let rows = vec![user(1, "a", 5), user(2, "b", 5)];
    fixture.insert(rows, ConflictAction::Error).await.unwrap();
    let job = run(&fixture.store, alter("ADD COLUMN n INT, ADD UNIQUE one (age)")).await;
    assert_eq!(job.error.unwrap().code, errno::DUP_ENTRY);
    reload(&mut fixture).await;
    assert_eq!((fixture.table.columns.len(), fixture.table.max_column_id), (3, 4));
    run(&fixture.store, alter("ADD COLUMN n INT, ADD INDEX one (age)")).await;
    let table = schema(&fixture.store).await.table("test", "users").unwrap().clone();
    assert_eq!((table.columns[3].id, table.indexes[0].id), (5, 2));
}
