//! Steps of ALTER TABLE, CREATE INDEX and DROP INDEX: an alteration from one stage to the next.

use super::backfill::ROWS;
use super::elements::{self, BEGIN, END, LOCKED, Stage};
use super::job::{Job, JobNote, JobState, ReorgProgress};
use super::meta::Changed as Element;
use super::references;
use super::step::{Changed, StepError, StepResult, Stepper, reject};
use super::{counter, rename};
use crate::common::errno;
use crate::sql::catalog::{
    Alteration, DatabaseInfo, DdlStatement, SchemaState, TableChange, TableInfo,
};
use crate::sql::stats::TableDelta;
use crate::sql::table_codec;

/// One step: to the next stage, or (rolling back) to one before.
pub(super) async fn alter(
    stepper: &Stepper<'_>,
    job: &mut Job,
    database: &str,
    table: &str,
    changes: &[TableChange],
) -> StepResult<Changed> {
    if job.state == JobState::Queued {
        let (database, table) = stepper.table(database, table).await?;
        if !begin(stepper, job, &database, &table, changes).await? {
            return Ok(Vec::new());
        }
    }
    let Some(alteration) = job.alteration.clone() else {
        return reject(errno::UNKNOWN, "a running job does not know what it changes".to_owned());
    };
    let known = stage(job);
    let goes_back = job.state == JobState::RollingBack;
    let fills = known == Stage::Coming(SchemaState::Reorganization);
    if !goes_back && fills && fill_next(job) {
        return Ok(Vec::new());
    }
    let next = match goes_back {
        true => elements::back(known),
        false => elements::next(&alteration, known, job.submitter.unchecked),
    };
    if next == Stage::Checking {
        job.reorg = ReorgProgress::default();
    }
    match next {
        BEGIN => {
            let ids = alteration.added_indexes().map(|index| index.id);
            forget_entries(stepper, job, &alteration.before, ids)?;
            let gone = Alteration::physical_only(&alteration.after, &alteration.before);
            stepper.forget_rows(job, 1, &gone)?;
            job.state = JobState::Failed;
        }
        END => {
            let ids = alteration.dropped_indexes().map(|index| index.id);
            forget_entries(stepper, job, &alteration.before, ids)?;
            let gone = Alteration::physical_only(&alteration.before, &alteration.after);
            if !alteration.moves {
                discount(stepper, alteration.after.id, &gone).await?;
            }
            let known = [alteration.before.id, alteration.after.id];
            let parts = gone.iter().filter(|id| !known.contains(id));
            parts.for_each(|id| stepper.meta.delete_stats(*id));
            stepper.forget_rows(job, 1, &gone)?;
            job.state = JobState::Done;
        }
        Stage::Coming(_) | Stage::Checking | Stage::Going(_) => {}
    }
    let switches = is_switch(known, next) == Some(true);
    set_stage(job, next);
    let mut changed = Changed::new();
    job.locked |= next == LOCKED || alteration.numbered.is_some() || alteration.moves;
    if switches {
        if alteration.rekeys() {
            counter::set_hidden(stepper, &alteration.before).await?;
        }
        counter::set(stepper, &alteration).await?;
        changed.extend(unname(stepper, job, &alteration).await?);
    }
    changed.extend(put(stepper, job, &alteration, (known, next)).await?);
    Ok(changed)
}

/// The rows of physical tables that go are no longer the table's.
async fn discount(stepper: &Stepper<'_>, table: i64, gone: &[i64]) -> StepResult<()> {
    let mut rows = 0;
    for id in gone {
        rows += stepper.meta.stats(*id).await?.map_or(0, |stats| stats.rows);
    }
    if rows > 0
        && let Some(mut stats) = stepper.meta.stats(table).await?
    {
        stats.apply(TableDelta::deleted(rows));
        stats.updated_ms = stepper.now_ms;
        stepper.meta.put_stats(&stats)?;
    }
    Ok(())
}

/// Takes the name away from a table that gets another one, and moves the job to the database in which it is to be.
async fn unname(
    stepper: &Stepper<'_>,
    job: &mut Job,
    alteration: &Alteration,
) -> StepResult<Changed> {
    let Some((database, id, _)) = &mut job.target else { return Ok(Vec::new()) };
    let old = *database;
    stepper.meta.unname_table(old, &alteration.before);
    if let Some(to) = &alteration.moves_to {
        *database = stepper.database(to).await?.id;
    }
    let mut changed = Vec::new();
    if *database != old || alteration.before.id != alteration.after.id {
        changed.push(Element::Table(old, alteration.before.id));
    }
    if alteration.before.id != alteration.after.id {
        stepper.meta.hand_over(alteration.before.id, alteration.after.id).await?;
        *id = alteration.after.id;
    }
    Ok(changed)
}

/// Whether the table becomes what it will be between two stages, or (false) what it was.
pub(super) fn is_switch(known: Stage, next: Stage) -> Option<bool> {
    match (known, next) {
        (Stage::Coming(_) | Stage::Checking, Stage::Going(_)) => Some(true),
        (Stage::Going(_), Stage::Coming(_) | Stage::Checking) => Some(false),
        _ => None,
    }
}

/// Whether it is time to look at the rows that are older than its foreign keys.
pub(super) fn validates(job: &Job) -> bool {
    job.alteration.is_some() && job.state == JobState::Running && job.checks
}

/// How far a job is.
pub(super) fn stage(job: &Job) -> Stage {
    match job.switched {
        true => Stage::Going(job.schema_state),
        false if job.checks => Stage::Checking,
        false => Stage::Coming(job.schema_state),
    }
}

/// Notes how far the alteration is.
fn set_stage(job: &mut Job, stage: Stage) {
    (job.switched, job.schema_state) = match stage {
        Stage::Coming(state) => (false, state),
        // Something is left to do before the next step, as when an index is filled.
        Stage::Checking => (false, SchemaState::Reorganization),
        Stage::Going(state) => (true, state),
    };
    job.checks = stage == Stage::Checking;
    if job.is_finished() {
        job.alteration = None;
    }
}

/// Works out what is to change; false if that is nothing.
async fn begin(
    stepper: &Stepper<'_>,
    job: &mut Job,
    database: &DatabaseInfo,
    table: &TableInfo,
    changes: &[TableChange],
) -> StepResult<bool> {
    let mut alteration = Alteration::new(table, changes).map_err(StepError::Rejected)?;
    let same = |to: &str| {
        let name = &alteration.after.name;
        to.to_lowercase() == database.name.to_lowercase()
            && name.to_lowercase() == table.name.to_lowercase()
    };
    if let Some(to) = alteration.moves_to.take_if(|to| same(to)) {
        // As it is called already, perhaps in other letters.
        drop(to);
    } else if let Some(to) = &alteration.moves_to {
        rename::free_name(stepper, to, &alteration.after.name).await?;
    }
    if let Some((code, message)) = alteration.refused_with_rows.take() {
        for id in table.physical_ids() {
            if stepper.meta.has_rows(id).await? {
                return reject(code, message);
            }
        }
    }
    let unchecked = job.submitter.unchecked;
    references::check_alteration(stepper.meta, database, &alteration, unchecked).await?;
    let notes = std::mem::take(&mut alteration.notes).into_iter();
    job.notes.extend(notes.map(JobNote::from));
    if alteration.is_settled() {
        job.state = JobState::Done;
        return Ok(false);
    }
    stepper.number_partitions(&mut alteration.after).await?;
    if alteration.moves && alteration.after.partitioning.is_none() {
        // Rows that had its own id may still be waiting to be deleted.
        alteration.after.id = stepper.meta.new_id().await?;
    }
    let rows = alteration.converts().then_some(ROWS);
    let indexes = alteration.added_indexes().map(|index| index.id);
    job.added = rows.into_iter().chain(indexes).collect();
    if alteration.rekeys() {
        counter::check_hidden(stepper, table).await?;
    }
    job.target = Some((database.id, table.id, job.added.first().copied().unwrap_or(0)));
    job.state = JobState::Running;
    job.alteration = Some(Box::new(alteration));
    Ok(true)
}

/// Goes on to the next index that has to be filled, if there is one.
fn fill_next(job: &mut Job) -> bool {
    let Some((_, _, filled)) = &mut job.target else { return false };
    let next = job.added.iter().skip_while(|id| *id != filled).nth(1);
    if let Some(next) = next {
        *filled = *next;
        job.reorg = ReorgProgress { rows: job.reorg.rows, ..ReorgProgress::default() };
    }
    next.is_some()
}

/// Writes the table as it is at a stage.
pub(super) async fn put(
    stepper: &Stepper<'_>,
    job: &Job,
    alteration: &Alteration,
    (known, stage): (Stage, Stage),
) -> StepResult<Changed> {
    let Some((database, id, _)) = job.target else { return Ok(Vec::new()) };
    let version = stepper.meta.schema_version().await? + 1;
    let mut table = TableInfo { version, ..elements::definition(alteration, stage) };
    let mut changed = vec![Element::Table(database, id)];
    if let Some(forward) = is_switch(known, stage)
        && let DdlStatement::AlterTable { database: home, .. } = &job.action
    {
        let meta = stepper.meta;
        let followed =
            references::follow_alteration(meta, alteration, forward, home, &mut table).await?;
        changed.extend(followed);
    }
    let mut keys =
        alteration.added_foreign_keys().chain(alteration.dropped_foreign_keys()).peekable();
    if keys.peek().is_some()
        && let Some(home) = stepper.meta.database_by_id(database).await?
    {
        changed.extend(references::parents(stepper.meta, (&home, &table), keys).await?);
    }
    stepper.meta.put_table(database, &table)?;
    Ok(changed)
}

/// Queues the entries of indexes for deletion.
fn forget_entries(
    stepper: &Stepper<'_>,
    job: &Job,
    table: &TableInfo,
    indexes: impl Iterator<Item = i64>,
) -> StepResult<()> {
    let tables = table.physical_ids();
    let all = indexes.flat_map(|id| tables.iter().map(move |table| (*table, id)));
    for (position, (table, id)) in (0..).zip(all) {
        stepper.queue_deletion(job, position, table_codec::index_range(table, id))?;
    }
    Ok(())
}
