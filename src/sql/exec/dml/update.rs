//! UPDATE.

use std::borrow::Cow;

use super::insert::{auto_column, explicit_id};
use super::references::{References, tolerate};
use super::through::passes;
use super::triggers::Fired;
use super::writer::{NewRow, TableWriter, unless_forbidden};
use super::{CHUNK, DmlResult, assign, warning_count};
use crate::common::{SqlError, SqlResult};
use crate::sql::catalog::TableInfo;
use crate::sql::exec::ExecContext;
use crate::sql::exec::subquery::{self, all_rows};
use crate::sql::parser::ast::TriggerEvent;
use crate::sql::plan::{Assignment, SourceTable, ThroughView, UpdatePlan, UpdatedTable};
use crate::sql::stats::TableDelta;
use crate::sql::table_codec;
use crate::sql::types::Datum;

/// What assignments make of a row.
pub(super) enum Assigned {
    /// The row as it was.
    Same,
    /// Another one.
    Changed(Vec<Datum>),
}

/// Assigns to a row. `scope` is what the expressions see; the row stands in it from `start` on, and each assignment is seen by the
/// next.
pub(super) fn assign_row(
    table: &TableInfo,
    assignments: &[Assignment],
    old: &[Datum],
    (mut scope, start): (Vec<Datum>, usize),
    row_number: usize,
    (fired, ctx): (&Fired<'_>, &ExecContext),
) -> SqlResult<Assigned> {
    let eval = &ctx.eval;
    for Assignment { column: offset, value } in assignments {
        let column = &table.columns[*offset];
        let value = value.eval(&scope, eval)?;
        let value = assign::assign_to(table, column, value, row_number, eval)?;
        // What comes before the row is written may still give it another value.
        scope[start + offset] = match fired.gives(TriggerEvent::Update, *offset) {
            true => value,
            false => assign::check_null(value, column, eval.is_strict(), eval)?,
        };
    }
    let width = table.columns.len();
    if scope[start..start + width] == old[..width] {
        return Ok(Assigned::Same);
    }
    for (offset, column) in table.public_columns().iter().enumerate() {
        let assigned = assignments.iter().any(|assignment| assignment.column == offset);
        if column.on_update_now.is_some() && !assigned {
            scope[start + offset] = assign::now(column, eval)?;
        }
    }
    scope.truncate(start + width);
    if start > 0 {
        scope.drain(..start);
    }
    Ok(Assigned::Changed(scope))
}

/// The handle of a row that the source of an UPDATE or DELETE gives: of the handle column, or behind the row. `None`: an outer
/// join has found no row there.
pub(super) fn source_handle(table: &TableInfo, row: &[Datum]) -> SqlResult<Option<i64>> {
    let offset = table.handle_column.unwrap_or(table.columns.len());
    let unsigned = table_codec::handle_is_unsigned(table);
    let value = row.get(offset);
    if value.is_some_and(Datum::is_null) {
        return Ok(None);
    }
    let handle = value.and_then(|value| table_codec::handle_of(value, unsigned));
    handle.map(Some).ok_or_else(|| SqlError::internal("a row without its handle"))
}

/// A row that changes.
struct Change {
    old: Vec<Datum>,
    handle: i64,
    new: NewRow,
}

/// Runs the statement once.
pub(super) async fn run(plan: &UpdatePlan, ctx: &ExecContext) -> SqlResult<DmlResult> {
    let warnings = warning_count(ctx);
    let found = subquery::values(&plan.subqueries, ctx).await?;
    // They are read before the first write, so that the statement does not meet its own rows again.
    let rows = all_rows(&found.ready(&plan.source), &mut 0, ctx).await?;
    let mut result = DmlResult::default();
    for (position, updated) in plan.tables.iter().enumerate() {
        let UpdatedTable { at, assignments, through } = updated;
        let assignments = found.assignments(assignments);
        let id = at.target.table.id;
        let again = plan.tables[..position].iter().any(|before| before.at.target.table.id == id);
        let how = How { ignore: plan.ignore, again, through: through.as_ref() };
        update_table(at, &assignments, &rows, how, &mut result, ctx).await?;
    }
    result.info = format!(
        "Rows matched: {}  Changed: {}  Warnings: {}",
        result.matched,
        result.affected,
        warning_count(ctx) - warnings
    );
    Ok(result)
}

/// How a table is changed.
#[derive(Clone, Copy)]
struct How<'a> {
    /// Rows that cannot be changed stay as they are.
    ignore: bool,
    /// It is changed under another name before.
    again: bool,
    /// The view that the statement names.
    through: Option<&'a ThroughView>,
}

/// A row that was changed under another name since it was read, with what its assignments have made of it as it was: they are of the columns
/// they name, the others are as that change has left them.
fn assigned_again(
    table: &TableInfo,
    assignments: &[Assignment],
    assigned: Vec<Datum>,
    own: &[Datum],
) -> Assigned {
    let mut values = own.to_vec();
    for (offset, value) in assigned.into_iter().enumerate().take(table.columns.len()) {
        let of_now = table.columns[offset].on_update_now.is_some();
        if of_now || assignments.iter().any(|assignment| assignment.column == offset) {
            values[offset] = value;
        }
    }
    let width = table.columns.len();
    if values[..width] == own[..width] { Assigned::Same } else { Assigned::Changed(values) }
}

/// Changes the rows of one table.
async fn update_table(
    at: &SourceTable,
    assignments: &[Assignment],
    rows: &[Vec<Datum>],
    how: How<'_>,
    result: &mut DmlResult,
    ctx: &ExecContext,
) -> SqlResult<()> {
    let (table, start) = (&*at.target.table, at.start);
    let mut seen = ahash::AHashSet::new();
    let mut writer = TableWriter::of(&at.target, at.target.rules.as_deref(), ctx);
    let mut references = References::of(&at.target, ctx);
    let mut fired = Fired::of(&at.target, ctx);
    let mut row_number = 0;
    let numbered = assigned_auto_column(table, assignments);
    let (mut highest, mut changed) = (0, 0);
    for chunk in rows.chunks(if fired.any() { 1 } else { CHUNK }) {
        ctx.pause().await?;
        let mut changes = Vec::with_capacity(chunk.len());
        for row in chunk {
            let old = &row[start..];
            let Some(handle) = source_handle(table, old)? else { continue };
            // A join may give a row several times; the first counts.
            if !seen.insert(handle) {
                continue;
            }
            // A row that it refers to may have changed it, or taken it along; or it was changed under another name.
            let changes_before = how.again || references.is_some();
            let own = if changes_before { writer.buffered(old, handle)? } else { None };
            let mut read = Cow::Borrowed(row);
            match own {
                Some(None) => continue,
                Some(Some(own)) => {
                    let width = own.len();
                    read.to_mut().splice(start..start + width, own);
                }
                None => {}
            }
            row_number += 1;
            let (old, seen) = (&read[start..], if how.again { row } else { &*read });
            let scope = (seen.clone(), start);
            let mut assigned =
                assign_row(table, assignments, &seen[start..], scope, row_number, (&fired, ctx))?;
            if how.again {
                let values = match assigned {
                    Assigned::Same => seen[start..].to_vec(),
                    Assigned::Changed(values) => values,
                };
                assigned = assigned_again(table, assignments, values, old);
            }
            result.matched += 1;
            let assigned = before_update(&mut fired, table, old, assigned, ctx).await?;
            if let Assigned::Changed(values) = assigned {
                highest = highest.max(numbered.map_or(0, |offset| explicit_id(&values[offset])));
                let new = writer.prepare_changed(old, values, handle);
                let Some(new) = unless_forbidden(ctx, new)? else { continue };
                if !seen_by(how.through, (&read, start), &new, ctx)? {
                    result.matched -= 1;
                    continue;
                }
                changes.push(Change { old: old[..table.columns.len()].to_vec(), handle, new });
            } else {
                fired.after(TriggerEvent::Update, Some(old), Some(old)).await?;
            }
        }
        let along = (&mut references, &mut fired);
        changed += apply(&mut writer, changes, how.ignore, along, ctx).await?;
    }
    if highest > 0 {
        ctx.auto_ids.raise_auto_increment(table, highest).await?;
    }
    result.affected += changed;
    result.deltas.push((table.id, TableDelta::changed(changed)));
    result.deltas.extend(writer.into_deltas());
    result.deltas.extend(references.into_iter().flat_map(References::into_deltas));
    result.deltas.extend(fired.into_deltas());
    Ok(())
}

/// Whether the view that rows are changed through shows a row as it is to be, which stands from `start` on in a source's.
fn seen_by(
    through: Option<&ThroughView>,
    (row, start): (&[Datum], usize),
    new: &NewRow,
    ctx: &ExecContext,
) -> SqlResult<bool> {
    if through.is_none_or(|through| through.check.is_none()) {
        return Ok(true);
    }
    let mut row = row.to_vec();
    row.splice(start..start + new.values.len(), new.values.iter().cloned());
    passes(through, &row, ctx)
}

/// The AUTO_INCREMENT column, if it is among those assigned to: generated values must be above what it gets.
pub(super) fn assigned_auto_column(table: &TableInfo, assignments: &[Assignment]) -> Option<usize> {
    auto_column(table).filter(|auto| assignments.iter().any(|assigned| assigned.column == *auto))
}

async fn apply(
    writer: &mut TableWriter<'_>,
    changes: Vec<Change>,
    ignore: bool,
    (references, fired): (&mut Option<References<'_>>, &mut Fired<'_>),
    ctx: &ExecContext,
) -> SqlResult<u64> {
    let mut keys = Vec::new();
    for change in &changes {
        writer.changed_unique_keys(&change.old, change.handle, &change.new, &mut keys)?;
    }
    writer.fetch(keys, true).await?;
    if let Some(references) = references {
        let rows = changes.iter().map(|c| (Some(c.old.as_slice()), c.new.values.as_slice()));
        references.fetch(rows).await?;
    }
    let mut changed = 0;
    for Change { old, handle, new } in changes {
        if let Some(conflict) = writer.conflict(&new, Some(handle))? {
            if !ignore {
                return Err(conflict.error);
            }
            ctx.eval.warn(conflict.error.code, conflict.error.message);
            continue;
        }
        let done = match references {
            None => writer.update(&old, handle, &new).await.map(|()| true)?,
            Some(references) => update(writer, references, &old, handle, &new, ctx).await?,
        };
        changed += u64::from(done);
        if done {
            fired.after(TriggerEvent::Update, Some(&old), Some(&new.values)).await?;
        }
    }
    Ok(changed)
}

/// What comes before a row is changed, and may give it other values.
pub(super) async fn before_update(
    fired: &mut Fired<'_>,
    table: &TableInfo,
    old: &[Datum],
    assigned: Assigned,
    ctx: &ExecContext,
) -> SqlResult<Assigned> {
    if !fired.has(TriggerEvent::Update, true) {
        return Ok(assigned);
    }
    let width = table.columns.len();
    let mut values = match assigned {
        Assigned::Same => old[..width].to_vec(),
        Assigned::Changed(values) => values,
    };
    fired.before(TriggerEvent::Update, Some(old), Some(&mut values)).await?;
    for (value, column) in values.iter_mut().zip(table.public_columns()) {
        if column.generated.is_none() {
            let given = std::mem::take(value);
            *value = assign::check_null(given, column, ctx.eval.is_strict(), &ctx.eval)?;
        }
    }
    Ok(if values[..width] == old[..width] { Assigned::Same } else { Assigned::Changed(values) })
}

/// Changes a row that refers to others, or is referred to; false if it stays as it was.
pub(super) async fn update(
    writer: &TableWriter<'_>,
    references: &mut References<'_>,
    old: &[Datum],
    handle: i64,
    new: &NewRow,
    ctx: &ExecContext,
) -> SqlResult<bool> {
    let mark = ctx.txn.savepoint();
    writer.update(old, handle, new).await?;
    let outcome = match references.check(Some(old), &new.values).await {
        Ok(()) => references.changed(old, &new.values).await,
        error => error,
    };
    match outcome {
        Ok(()) => Ok(true),
        Err(error) => tolerate(ctx, mark, error).map(|()| false),
    }
}
