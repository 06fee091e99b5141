//! Operators over vectors of rows.

use super::{Budget, Rows};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::TableInfo;
use crate::sql::exec::access::{TableAccess, lock_rows};
use crate::sql::exec::groups::Groups;
use crate::sql::exec::unnest::Unnest;
use crate::sql::exec::{ExecContext, keys, windows};
use crate::sql::expr::{Aggregate, EvalContext, Expr};
use crate::sql::plan::{AccessLock, PlanNode, SortKey};
use crate::sql::types::Datum;

/// A `TableScan` or `IndexScan`; `None` when the budget is used up.
pub(super) async fn scan(
    node: &PlanNode,
    ctx: &ExecContext,
    budget: &mut Budget,
) -> SqlResult<Option<Rows>> {
    let (PlanNode::TableScan { table, filter, limit, lock, .. }
    | PlanNode::IndexScan { table, filter, limit, lock, .. }) = node
    else {
        return Err(SqlError::internal("a scan was expected"));
    };
    let limit = limit.map_or(usize::MAX, |limit| limit as usize);
    let mut access = TableAccess::open(node, ctx)?;
    let mut found = Vec::new();
    let mut locked = Vec::new();
    let skips = *lock == AccessLock::ForUpdateSkipLocked;
    while found.len() < limit {
        let batch = access.next().await?;
        if batch.rows.is_empty() {
            break;
        }
        if budget.take(batch.rows.len()).is_none() {
            return Ok(None);
        }
        if budget.is_much() {
            ctx.place.enter().await;
        }
        ctx.pause().await?;
        if skips {
            let filter = filter.as_ref();
            let rows = batch.rows.into_iter().zip(batch.handles);
            take_free((rows, filter), (table, limit), &mut found, ctx).await?;
            continue;
        }
        for (row, handle) in batch.rows.into_iter().zip(batch.handles) {
            if found.len() < limit && passes(filter.as_ref(), &row, &ctx.eval)? {
                found.push(row);
                if *lock != AccessLock::None {
                    locked.push(handle);
                }
            }
        }
    }
    lock_rows(table, &locked, *lock, ctx).await?;
    Ok(Some(found))
}

/// Takes the rows that pass and that nobody else has locked, up to a limit.
async fn take_free(
    (rows, filter): (impl Iterator<Item = (Vec<Datum>, i64)>, Option<&Expr>),
    (table, limit): (&TableInfo, usize),
    found: &mut Rows,
    ctx: &ExecContext,
) -> SqlResult<()> {
    let mut passing = Vec::new();
    for (row, handle) in rows {
        if passes(filter, &row, &ctx.eval)? {
            passing.push((row, handle));
        }
    }
    let mut passing = passing.into_iter();
    while found.len() < limit {
        let (rows, handles): (Vec<Vec<Datum>>, Vec<i64>) =
            passing.by_ref().take(limit - found.len()).unzip();
        if rows.is_empty() {
            break;
        }
        let lock = AccessLock::ForUpdateSkipLocked;
        let free = lock_rows(table, &handles, lock, ctx).await?.unwrap_or_default();
        found.extend(rows.into_iter().zip(free).filter_map(|(row, free)| free.then_some(row)));
    }
    Ok(())
}

/// Whether a condition holds; NULL does not.
pub(super) fn passes(filter: Option<&Expr>, row: &[Datum], ctx: &EvalContext) -> SqlResult<bool> {
    match filter {
        None => Ok(true),
        Some(filter) => keys::is_true(&filter.eval(row, ctx)?, ctx),
    }
}

/// Rows the session computes.
pub(super) async fn virtual_rows(
    (database, table): &(String, String),
    columns: &[usize],
    ctx: &ExecContext,
) -> SqlResult<Rows> {
    let rows = ctx.virtual_tables.rows(database, table).await?;
    Ok(pick(&rows, columns))
}

/// The rows of each row's document; `None` when the budget is used up.
pub(super) async fn unnest(
    node: &PlanNode,
    rows: &Rows,
    ctx: &ExecContext,
    budget: &mut Budget,
) -> SqlResult<Option<Rows>> {
    let unnest = Unnest::new(node)?;
    let mut given = Vec::new();
    for row in rows {
        let before = given.len();
        ctx.pause().await?;
        unnest.add(row, &mut given, ctx)?;
        if budget.take(given.len() - before).is_none() {
            return Ok(None);
        }
    }
    Ok(Some(given))
}

/// Some columns of rows.
pub(super) fn pick(rows: &[Vec<Datum>], columns: &[usize]) -> Rows {
    let pick = |row: &Vec<Datum>| columns.iter().map(|offset| row[*offset].clone()).collect();
    rows.iter().map(pick).collect()
}

/// The operators with one input.
pub(super) fn apply(node: &PlanNode, rows: Rows, ctx: &ExecContext) -> SqlResult<Rows> {
    match node {
        PlanNode::Filter { predicate, .. } => filter(rows, predicate, &ctx.eval),
        PlanNode::Project { exprs, .. } => project(rows, exprs, &ctx.eval),
        PlanNode::Aggregate { group_by, aggregates, .. } => {
            aggregate(&rows, group_by, aggregates, &ctx.eval)
        }
        PlanNode::Rollup { keys, .. } => rolled_up(&rows, keys, &ctx.eval),
        PlanNode::Window { window, .. } => windows::over_rows(window, rows, &ctx.eval),
        PlanNode::Sort { keys, fetch, .. } => sort(rows, keys, *fetch, &ctx.eval),
        PlanNode::Limit { offset, limit, .. } => {
            let (offset, limit) = window(offset.as_ref(), limit.as_ref(), ctx)?;
            Ok(rows.into_iter().skip(offset).take(limit).collect())
        }
        _ => Err(SqlError::internal("an operator with one input was expected")),
    }
}

/// The rows for which the predicate is true.
pub(in crate::sql::exec) fn filter(
    rows: Rows,
    predicate: &Expr,
    ctx: &EvalContext,
) -> SqlResult<Rows> {
    let mut kept = Vec::with_capacity(rows.len());
    for row in rows {
        ctx.check_interrupted()?;
        if passes(Some(predicate), &row, ctx)? {
            kept.push(row);
        }
    }
    Ok(kept)
}

/// New rows.
pub(in crate::sql::exec) fn project(
    mut rows: Rows,
    exprs: &[Expr],
    ctx: &EvalContext,
) -> SqlResult<Rows> {
    for row in &mut rows {
        ctx.check_interrupted()?;
        let mut projected = Vec::with_capacity(exprs.len());
        for expr in exprs {
            projected.push(expr.eval(row, ctx)?);
        }
        *row = projected;
    }
    Ok(rows)
}

/// The rows in order, the first `fetch` of them.
pub(in crate::sql::exec) fn sort(
    rows: Rows,
    sort_keys: &[SortKey],
    fetch: Option<u64>,
    ctx: &EvalContext,
) -> SqlResult<Rows> {
    let mut keyed = Vec::with_capacity(rows.len());
    for row in rows {
        ctx.check_interrupted()?;
        let mut key = Vec::new();
        for sort_key in sort_keys {
            let from = key.len();
            let value = sort_key.expr.eval(&row, ctx)?;
            keys::push_key(&mut key, &value, sort_key.expr.field_type())?;
            if sort_key.descending {
                key[from..].iter_mut().for_each(|byte| *byte = !*byte);
            }
        }
        keyed.push((key, row));
    }
    keyed.sort_by(|a, b| a.0.cmp(&b.0));
    keyed.truncate(fetch.map_or(usize::MAX, |fetch| fetch as usize));
    Ok(keyed.into_iter().map(|(_, row)| row).collect())
}

/// Each row once for every number of keys that are left out.
fn rolled_up(rows: &Rows, keys: &[Expr], ctx: &EvalContext) -> SqlResult<Rows> {
    let mut all = Vec::with_capacity(rows.len() * (keys.len() + 1));
    for row in rows {
        ctx.check_interrupted()?;
        let mut whole = row.clone();
        for key in keys {
            whole.push(key.eval(row, ctx)?);
        }
        for left in (0..=keys.len()).rev() {
            let mut part = whole.clone();
            part[row.len() + left..].fill(Datum::Null);
            part.push(Datum::UInt(left_out(left, keys.len())));
            all.push(part);
        }
    }
    Ok(all)
}

/// The number that says that all keys but the first `left` of them are left out: a bit for each, the first key's is the lowest.
pub(in crate::sql::exec) fn left_out(left: usize, keys: usize) -> u64 {
    (left..keys).map(|key| 1 << key).sum()
}

/// OFFSET and LIMIT as numbers.
pub(in crate::sql::exec) fn window(
    offset: Option<&Expr>,
    limit: Option<&Expr>,
    ctx: &ExecContext,
) -> SqlResult<(usize, usize)> {
    let number = |expr: &Expr| -> SqlResult<usize> {
        let number = expr
            .eval(&[], &ctx.eval)?
            .as_count()
            .ok_or_else(|| SqlError::new(errno::WRONG_ARGUMENTS, "Incorrect arguments to LIMIT"))?;
        Ok(usize::try_from(number).unwrap_or(usize::MAX))
    };
    let offset = offset.map(number).transpose()?.unwrap_or(0);
    let limit = limit.map(number).transpose()?.unwrap_or(usize::MAX);
    Ok((offset, limit))
}

fn aggregate(
    rows: &Rows,
    group_by: &[Expr],
    aggregates: &[Aggregate],
    ctx: &EvalContext,
) -> SqlResult<Rows> {
    let mut groups = Groups::new(group_by, aggregates);
    for row in rows {
        ctx.check_interrupted()?;
        groups.add(row, ctx)?;
    }
    groups.finish(ctx)
}
