//! The rows that a change of joined tables reads.

use super::logical::{Logical, unseen_columns};
use super::outer::is_outer;
use super::physical::{AccessLock, SourceTable, TargetTable, UpdatedTable};
use super::scope::Scope;
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::expr::Expr;

/// The join's rows with the targets' columns (all of them, and the hidden handles) in front, and the scope over them.
pub(super) fn targets_first(
    mut plan: Logical,
    mut scope: Scope,
    positions: &[usize],
    targets: Vec<TargetTable>,
) -> SqlResult<(Vec<SourceTable>, Logical, Scope)> {
    // Where the columns of each target that nobody sees stand.
    let mut unseen: Vec<std::ops::Range<usize>> = Vec::with_capacity(positions.len());
    for (position, target) in positions.iter().zip(&targets) {
        let start = scope.relations[*position].start;
        let count = unseen_columns(&target.table).len();
        let extended = if count > 0 { extend_scan(&mut plan, start, 0) } else { None };
        if !lock_scan(&mut plan, start, 0) || (count > 0 && extended.is_none()) {
            return Err(SqlError::unsupported("a change of a table beside LATERAL in parentheses"));
        }
        let Some(at) = extended else {
            unseen.push(0..0);
            continue;
        };
        // Every column from there on has moved.
        let moved = |from: &mut usize| *from += if *from >= at { count } else { 0 };
        scope.relations.iter_mut().for_each(|relation| moved(&mut relation.start));
        for range in &mut unseen {
            moved(&mut range.start);
            moved(&mut range.end);
        }
        unseen.push(at..at + count);
    }
    let schema = plan.schema();
    let column = |index: usize| Expr::column(index, schema[index].clone());
    let mut exprs: Vec<Expr> = Vec::with_capacity(schema.len());
    let mut tables = Vec::with_capacity(targets.len());
    let mut starts = vec![None; scope.relations.len()];
    for ((position, target), unseen) in positions.iter().zip(targets).zip(unseen) {
        let relation = &scope.relations[*position];
        let start = exprs.len();
        starts[*position] = Some(start);
        exprs.extend((relation.start..relation.start + relation.len()).map(column));
        exprs.extend(unseen.map(column));
        tables.push(SourceTable { target, start });
    }
    for (relation, start) in scope.relations.iter_mut().zip(starts) {
        let from = std::mem::replace(&mut relation.start, start.unwrap_or(exprs.len()));
        if start.is_none() {
            exprs.extend((from..from + relation.width()).map(column));
        }
    }
    scope.star.clear();
    Ok((tables, Logical::Project { input: Box::new(plan), exprs }, scope))
}

/// Adds what statements do not see to the scan whose columns begin at `start`; answers where it stands in the whole row.
fn extend_scan(plan: &mut Logical, start: usize, base: usize) -> Option<usize> {
    let count = plan.width();
    let at = match plan {
        Logical::Scan(scan) if base == start => {
            let unseen = unseen_columns(&scan.table);
            scan.outputs.extend(unseen);
            return Some(base + count);
        }
        Logical::Join { left, right, .. } => {
            let width = left.width();
            match extend_scan(left, start, base) {
                Some(at) => at,
                None => extend_scan(right, start, base + width)?,
            }
        }
        Logical::Apply { left: input, .. }
        | Logical::Unnest { input, .. }
        | Logical::Filter { input, .. } => extend_scan(input, start, base)?,
        _ => return None,
    };
    // What stands behind the new columns has moved.
    let unseen = plan.width() - count;
    let mut moved = |index| {
        if index >= at - base && !is_outer(index) { index + unseen } else { index }
    };
    let changed = std::mem::replace(plan, Logical::Dual);
    *plan = changed.map_exprs(&mut |expr| expr.map_columns(&mut moved));
    Some(at)
}

/// Locks the scan whose columns begin at `start`.
fn lock_scan(plan: &mut Logical, start: usize, base: usize) -> bool {
    match plan {
        Logical::Scan(scan) if base == start => {
            scan.lock = AccessLock::ForUpdate;
            true
        }
        Logical::Join { left, right, .. } => {
            let width = left.width();
            lock_scan(left, start, base) || lock_scan(right, start, base + width)
        }
        Logical::Apply { left: input, .. }
        | Logical::Unnest { input, .. }
        | Logical::Filter { input, .. } => lock_scan(input, start, base),
        _ => false,
    }
}

/// Error 1706 where a table is changed under two names, and its primary key under one of them: a row would not be found under the other.
pub(super) fn check_keys(tables: &[UpdatedTable], names: &[String]) -> SqlResult<()> {
    let moves_rows = |updated: &UpdatedTable| {
        let table = &updated.at.target.table;
        updated.assignments.iter().any(|assignment| table.is_in_primary_key(assignment.column))
    };
    for (position, updated) in tables.iter().enumerate() {
        let id = updated.at.target.table.id;
        let before = tables[..position].iter().position(|other| other.at.target.table.id == id);
        if let Some(before) = before
            && (moves_rows(updated) || moves_rows(&tables[before]))
        {
            return Err(SqlError::new(
                errno::MULTI_UPDATE_KEY_CONFLICT,
                format!(
                    "Primary key/partition key update is not allowed since the table is updated both as '{}' and '{}'.",
                    names[before], names[position]
                ),
            ));
        }
    }
    Ok(())
}
