//! Columns nobody reads are not produced.

use std::collections::BTreeSet;

use super::logical::{Logical, Scan};
use super::physical::{ApplyKind, JoinKind};
use super::window::Window;
use crate::sql::expr::{Aggregate, Expr};

/// The plan with only the columns in `needed`, and perhaps some its own operators read; with the old positions of the
/// columns that are left, in order.
pub(super) fn prune(plan: Logical, needed: &BTreeSet<usize>) -> (Logical, Vec<usize>) {
    match plan {
        Logical::Dual => (Logical::Dual, Vec::new()),
        Logical::Values { rows, schema } => {
            let kept: Vec<usize> = needed.iter().copied().collect();
            let rows = rows.into_iter().map(|row| pick(&kept, &row)).collect();
            let schema = pick(&kept, &schema);
            (Logical::Values { rows, schema }, kept)
        }
        Logical::Scan(mut scan) => {
            let kept = or_any(needed, cheapest_column(&scan));
            scan.outputs = pick(&kept, &scan.outputs);
            (Logical::Scan(scan), kept)
        }
        Logical::Virtual { table, database, outputs } => {
            let kept = or_any(needed, 0);
            let outputs = pick(&kept, &outputs);
            (Logical::Virtual { table, database, outputs }, kept)
        }
        Logical::Common { subquery, outputs, schema } => {
            let kept = or_any(needed, 0);
            let outputs = pick(&kept, &outputs);
            (Logical::Common { subquery, outputs, schema }, kept)
        }
        Logical::Project { input, exprs } => {
            let kept = or_any(needed, 0);
            let exprs = pick(&kept, &exprs);
            let (input, below) = prune_input(*input, &BTreeSet::new(), &exprs);
            (Logical::Project { input, exprs: remap(exprs, &below) }, kept)
        }
        Logical::Join { left, right, kind, conditions, null_aware } => {
            prune_join((*left, *right), kind, conditions, null_aware, needed)
        }
        Logical::Unnest { input, document, table, kind, filter } => {
            let width = input.width();
            let mut read: BTreeSet<usize> = document.columns();
            read.extend(filter.iter().flat_map(Expr::columns));
            read.extend(needed);
            read.retain(|column| *column < width);
            let (input, mut kept) = prune(*input, &read);
            // The document is read anyhow, and gives all that is asked of it.
            kept.extend(width..width + table.columns.len());
            let mut map = |expr: Expr| expr.map_columns(&mut |column| position(&kept, column));
            let (document, filter) = (map(document), filter.map(&mut map));
            (Logical::Unnest { input: Box::new(input), document, table, kind, filter }, kept)
        }
        Logical::Aggregate { input, group_by, aggregates } => {
            prune_aggregate(*input, group_by, aggregates, needed)
        }
        Logical::Rollup { input, keys } => prune_rollup(*input, keys, needed),
        Logical::Window { input, window } => prune_window(*input, window, needed),
        same @ (Logical::Filter { .. } | Logical::Sort { .. } | Logical::Limit { .. }) => {
            prune_same(same, needed)
        }
        Logical::UnionAll { inputs } => {
            let kept = or_any(needed, 0);
            let wanted: BTreeSet<usize> = kept.iter().copied().collect();
            let inputs = inputs.into_iter().map(|input| exactly(input, &wanted)).collect();
            (Logical::UnionAll { inputs }, kept)
        }
        Logical::Apply { left, right, bindings, kind } => {
            prune_apply((*left, *right), bindings, kind, needed)
        }
        Logical::Repeat { input } => prune_repeat(*input, needed),
    }
}

fn prune_repeat(input: Logical, needed: &BTreeSet<usize>) -> (Logical, Vec<usize>) {
    let count = input.width() - 1;
    let kept: Vec<usize> = needed.iter().copied().collect();
    let mut wanted = needed.clone();
    wanted.insert(count);
    (Logical::Repeat { input: Box::new(exactly(input, &wanted)) }, kept)
}

/// What is computed of a left row alone, and not read, is not computed.
fn prune_apply(
    (left, right): (Logical, Logical),
    bindings: Vec<(usize, Expr)>,
    kind: ApplyKind,
    needed: &BTreeSet<usize>,
) -> (Logical, Vec<usize>) {
    let width = left.width();
    let unread = needed.last().is_none_or(|last| *last < width);
    if unread && !matches!(kind, ApplyKind::Join(_)) {
        return prune(left, needed);
    }
    let mut left_needed = needed.clone();
    let right_needed: BTreeSet<usize> =
        left_needed.split_off(&width).into_iter().map(|column| column - width).collect();
    let read = bindings.iter().map(|(_, expr)| expr).chain(kind.wanted());
    left_needed.extend(read.flat_map(Expr::columns));
    let all_right: BTreeSet<usize> = (0..right.width()).collect();
    let (left, mut kept) = prune(left, &left_needed);
    let (right, added) = match &kind {
        ApplyKind::Join(JoinKind::Inner | JoinKind::Left) => prune(right, &right_needed),
        ApplyKind::Join(JoinKind::Semi | JoinKind::Anti) => {
            (prune(right, &BTreeSet::new()).0, Vec::new())
        }
        ApplyKind::Row => {
            let added = (0..=right.width()).collect();
            (exactly(right, &all_right), added)
        }
        ApplyKind::Exists => (prune(right, &BTreeSet::new()).0, vec![0]),
        ApplyKind::Compare { .. } => (exactly(right, &all_right), vec![0]),
    };
    let (left, right) = (Box::new(left), Box::new(right));
    let place = |index: usize| position(&kept, index);
    let apply = Logical::Apply { left, right, bindings, kind };
    let apply = apply.map_exprs(&mut |expr| expr.map_columns(&mut |index| place(index)));
    kept.extend(added.into_iter().map(|column| column + width));
    (apply, kept)
}

/// An operator whose rows are its input's.
fn prune_same(plan: Logical, needed: &BTreeSet<usize>) -> (Logical, Vec<usize>) {
    let mut all = needed.clone();
    all.extend(plan.exprs().into_iter().flat_map(Expr::columns));
    let mut kept = Vec::new();
    let plan = plan.map_children(&mut |input| {
        let (input, left) = prune(input, &all);
        kept = left;
        input
    });
    let plan = plan.map_exprs(&mut |expr| expr.map_columns(&mut |column| position(&kept, column)));
    (plan, kept)
}

fn prune_aggregate(
    input: Logical,
    group_by: Vec<Expr>,
    aggregates: Vec<Aggregate>,
    needed: &BTreeSet<usize>,
) -> (Logical, Vec<usize>) {
    let groups = group_by.len();
    let mut kept: Vec<usize> = (0..groups).collect();
    kept.extend(needed.iter().filter(|column| **column >= groups));
    if kept.is_empty() && !aggregates.is_empty() {
        kept.push(0);
    }
    let positions: Vec<usize> = kept[groups..].iter().map(|column| column - groups).collect();
    let mut aggregates = pick(&positions, &aggregates);
    let args = aggregates.iter().flat_map(|aggregate| &aggregate.args);
    let read: Vec<Expr> = group_by.iter().chain(args).cloned().collect();
    let (input, below) = prune_input(input, &BTreeSet::new(), &read);
    for aggregate in &mut aggregates {
        aggregate.args = remap(std::mem::take(&mut aggregate.args), &below);
    }
    let group_by = remap(group_by, &below);
    (Logical::Aggregate { input, group_by, aggregates }, kept)
}

/// The keys stay, and the number that says which of them are left out.
fn prune_rollup(
    input: Logical,
    keys: Vec<Expr>,
    needed: &BTreeSet<usize>,
) -> (Logical, Vec<usize>) {
    let width = input.width();
    let mut below = needed.clone();
    below.split_off(&width);
    let (input, mut kept) = prune_input(input, &below, &keys);
    let keys = remap(keys, &kept);
    kept.extend(width..=width + keys.len());
    (Logical::Rollup { input, keys }, kept)
}

fn prune_window(
    input: Logical,
    mut window: Window,
    needed: &BTreeSet<usize>,
) -> (Logical, Vec<usize>) {
    let width = input.width();
    let mut below = needed.clone();
    let computed: Vec<usize> = below.split_off(&width).into_iter().collect();
    let calls: Vec<usize> = computed.iter().map(|column| column - width).collect();
    window.calls = pick(&calls, &window.calls);
    if window.calls.is_empty() {
        return prune(input, &below);
    }
    let read: Vec<Expr> = window.exprs().into_iter().cloned().collect();
    let (input, mut kept) = prune_input(input, &below, &read);
    for expr in window.exprs_mut() {
        let old = std::mem::replace(expr, Expr::null());
        *expr = old.map_columns(&mut |column| position(&kept, column));
    }
    kept.extend(computed);
    (Logical::Window { input, window }, kept)
}

fn prune_join(
    (left, right): (Logical, Logical),
    kind: JoinKind,
    conditions: Vec<Expr>,
    null_aware: bool,
    needed: &BTreeSet<usize>,
) -> (Logical, Vec<usize>) {
    let width = left.width();
    let mut all = needed.clone();
    all.extend(conditions.iter().flat_map(Expr::columns));
    let right_needed: BTreeSet<usize> = all.split_off(&width);
    let right_needed = right_needed.into_iter().map(|column| column - width).collect();
    let (left, left_kept) = prune(left, &all);
    let (right, right_kept) = prune(right, &right_needed);
    let mut both = left_kept.clone();
    both.extend(right_kept.into_iter().map(|column| column + width));
    let conditions = remap(conditions, &both);
    let (left, right) = (Box::new(left), Box::new(right));
    let join = Logical::Join { left, right, kind, conditions, null_aware };
    let only_left = matches!(kind, JoinKind::Semi | JoinKind::Anti);
    (join, if only_left { left_kept } else { both })
}

/// The input with what is needed above and what `exprs` read.
fn prune_input(
    input: Logical,
    needed: &BTreeSet<usize>,
    exprs: &[Expr],
) -> (Box<Logical>, Vec<usize>) {
    let mut all = needed.clone();
    all.extend(exprs.iter().flat_map(Expr::columns));
    let (input, kept) = prune(input, &all);
    (Box::new(input), kept)
}

/// The plan with the wanted columns and no others.
fn exactly(plan: Logical, wanted: &BTreeSet<usize>) -> Logical {
    let (plan, kept) = prune(plan, wanted);
    if kept.iter().eq(wanted) {
        return plan;
    }
    let schema = plan.schema();
    let column = |column: &usize| {
        let index = position(&kept, *column);
        Expr::column(index, schema[index].clone())
    };
    let exprs = wanted.iter().map(column).collect();
    Logical::Project { input: Box::new(plan), exprs }
}

/// The needed columns; where there are none, one, because rows without columns cannot be counted.
fn or_any(needed: &BTreeSet<usize>, any: usize) -> Vec<usize> {
    if needed.is_empty() { vec![any] } else { needed.iter().copied().collect() }
}

/// The column that costs the least to read: the handle, or one that an index has.
fn cheapest_column(scan: &Scan) -> usize {
    let table = &scan.table;
    let mut indexes = table.indexes.iter().filter(|index| index.is_usable());
    let indexed = indexes.find_map(|index| {
        let first = index.columns.first()?;
        first.prefix_len.is_none().then_some(first.offset)
    });
    let wanted = table.handle_column.or(indexed).unwrap_or(0);
    scan.outputs.iter().position(|offset| *offset == wanted).unwrap_or(0)
}

fn pick<T: Clone>(positions: &[usize], items: &[T]) -> Vec<T> {
    positions.iter().map(|position| items[*position].clone()).collect()
}

fn position(kept: &[usize], column: usize) -> usize {
    kept.binary_search(&column).expect("a column that is read is kept")
}

fn remap(exprs: Vec<Expr>, kept: &[usize]) -> Vec<Expr> {
    exprs.into_iter().map(|expr| expr.map_columns(&mut |column| position(kept, column))).collect()
}
