//! Conditions move to where the rows come from.

use std::collections::{BTreeMap, BTreeSet};

use super::binder::{check, fold};
use super::branches;
use super::logical::{Logical, Scan};
use super::physical::{ApplyKind, JoinKind};
use super::prints::Prints;
use super::select::literal_truth;
use super::window::Window;
use crate::common::SqlResult;
use crate::sql::expr::{Expr, Function};

/// The plan with `predicates` (over its rows) applied as early as they can be.
pub(super) fn push(plan: Logical, predicates: Vec<Expr>) -> SqlResult<Logical> {
    check()?;
    match plan {
        Logical::Filter { input, predicates: own } => push_filter(*input, own, predicates),
        Logical::Scan(scan) => push_into_scan(scan, predicates),
        Logical::Project { input, exprs } => {
            let exprs: Vec<Expr> = exprs.into_iter().map(fold).collect();
            push_through_project(*input, exprs, predicates)
        }
        Logical::Join { left, right, kind, conditions, null_aware } => {
            let mut parts = Vec::with_capacity(conditions.len());
            for condition in conditions {
                parts.extend(branches::split(fold(condition))?);
            }
            Join { left: *left, right: *right, kind, null_aware }.push(parts, predicates)
        }
        unnest @ Logical::Unnest { .. } => push_below_documents(unnest, predicates),
        Logical::Aggregate { input, group_by, aggregates } => {
            let groups = group_by.len();
            let (below, above): (Vec<_>, Vec<_>) = predicates.into_iter().partition(|predicate| {
                let columns = predicate.columns();
                !columns.is_empty()
                    && predicate.is_deterministic()
                    && columns.iter().all(|column| *column < groups)
            });
            let below = substitute(below, &group_by)?;
            let input = Box::new(push(*input, below)?);
            Ok(Logical::Aggregate { input, group_by, aggregates }.filter(above))
        }
        // What a key's column is after a rollup, it is not before.
        Logical::Rollup { input, keys } => {
            let input = Box::new(push(*input, Vec::new())?);
            Ok(Logical::Rollup { input, keys }.filter(predicates))
        }
        Logical::Window { input, window } => push_through_window(*input, window, predicates),
        Logical::Sort { input, keys } => {
            Ok(Logical::Sort { input: Box::new(push(*input, predicates)?), keys })
        }
        Logical::Limit { input, offset, limit } => {
            let input = Box::new(push(*input, Vec::new())?);
            Ok(Logical::Limit { input, offset, limit }.filter(predicates))
        }
        Logical::UnionAll { inputs } => {
            let pushed = inputs.into_iter().map(|input| push(input, predicates.clone()));
            Ok(Logical::UnionAll { inputs: pushed.collect::<SqlResult<_>>()? })
        }
        Logical::Repeat { input } => {
            let input = Box::new(push(*input, predicates)?);
            Ok(Logical::Repeat { input })
        }
        Logical::Apply { left, right, bindings, kind } => {
            push_apply((*left, *right), bindings, kind, predicates)
        }
        leaf @ (Logical::Dual
        | Logical::Values { .. }
        | Logical::Virtual { .. }
        | Logical::Common { .. }) => Ok(leaf.filter(predicates)),
    }
}

fn push_filter(input: Logical, own: Vec<Expr>, mut all: Vec<Expr>) -> SqlResult<Logical> {
    for predicate in own {
        all.extend(branches::split(fold(predicate))?);
    }
    if all.iter().any(|predicate| literal_truth(predicate) == Some(false)) {
        return Ok(Logical::empty(input.schema()));
    }
    all.retain(|predicate| literal_truth(predicate) != Some(true));
    push(input, all)
}

fn push_into_scan(mut scan: Box<Scan>, predicates: Vec<Expr>) -> SqlResult<Logical> {
    let mut known = Prints::of(&scan.filters);
    for predicate in predicates {
        check()?;
        let outputs = &scan.outputs;
        let over_table = predicate.map_columns(&mut |index| outputs[index]);
        if known.find(&over_table, |position| &scan.filters[position]).is_none() {
            known.add(&over_table, scan.filters.len());
            scan.filters.push(over_table);
        }
    }
    Ok(Logical::Scan(scan))
}

/// What speaks only of the rows that hold documents moves to those.
fn push_below_documents(mut unnest: Logical, predicates: Vec<Expr>) -> SqlResult<Logical> {
    let Logical::Unnest { input, document, .. } = &mut unnest else { return Ok(unnest) };
    let width = input.width();
    let (below, above): (Vec<_>, Vec<_>) = predicates.into_iter().partition(|predicate| {
        predicate.is_deterministic() && side_of(predicate, width) == Side::Left
    });
    *document = fold(std::mem::replace(document, Expr::null()));
    **input = push_checked(std::mem::replace(&mut **input, Logical::Dual), below)?;
    Ok(unnest.filter(above))
}

fn push_through_project(
    input: Logical,
    exprs: Vec<Expr>,
    predicates: Vec<Expr>,
) -> SqlResult<Logical> {
    let movable = |predicate: &Expr| {
        predicate.is_deterministic()
            && predicate.columns().iter().all(|column| exprs[*column].is_deterministic())
    };
    let (below, above): (Vec<_>, Vec<_>) = predicates.into_iter().partition(movable);
    let below = substitute(below, &exprs)?;
    let input = Box::new(push(input, below)?);
    Ok(Logical::Project { input, exprs }.filter(above))
}

/// Whole partitions may go before their windows are computed, but no single rows of them.
fn push_through_window(
    input: Logical,
    window: Window,
    predicates: Vec<Expr>,
) -> SqlResult<Logical> {
    let divides = |column: usize| {
        let is_it = |expr: &Expr| matches!(expr, Expr::Column { index, .. } if *index == column);
        window.partition_by.iter().any(is_it)
    };
    let (below, above): (Vec<_>, Vec<_>) = predicates.into_iter().partition(|predicate| {
        let columns = predicate.columns();
        !columns.is_empty()
            && predicate.is_deterministic()
            && columns.iter().all(|column| divides(*column))
    });
    let input = Box::new(push(input, below)?);
    Ok(Logical::Window { input, window }.filter(above))
}

/// The predicates with each column replaced by the expression it stands for.
fn substitute(predicates: Vec<Expr>, exprs: &[Expr]) -> SqlResult<Vec<Expr>> {
    let replace = |predicate: Expr| {
        predicate.transform(&mut |node| {
            Ok(match node {
                Expr::Column { index, .. } => exprs[index].clone(),
                other => other,
            })
        })
    };
    predicates.into_iter().map(replace).collect()
}

/// Conditions of left rows alone come first, those of right rows alone go into what runs for each left one.
fn push_apply(
    (left, right): (Logical, Logical),
    bindings: Vec<(usize, Expr)>,
    mut kind: ApplyKind,
    predicates: Vec<Expr>,
) -> SqlResult<Logical> {
    let width = left.width();
    if kind == ApplyKind::Join(JoinKind::Left)
        && predicates.iter().any(|predicate| rejects_null(predicate, width))
    {
        kind = ApplyKind::Join(JoinKind::Inner);
    }
    let (mut to_left, mut to_right, mut above) = (vec![], vec![], vec![]);
    for predicate in predicates {
        match side_of(&predicate, width) {
            _ if !predicate.is_deterministic() => above.push(predicate),
            Side::Left => to_left.push(predicate),
            Side::Right if kind == ApplyKind::Join(JoinKind::Inner) => {
                to_right.push(predicate.map_columns(&mut |index| index - width));
            }
            Side::Right | Side::Both => above.push(predicate),
        }
    }
    let left = Box::new(push_checked(left, to_left)?);
    let right = Box::new(push_checked(right, to_right)?);
    let bindings = bindings.into_iter().map(|(number, expr)| (number, fold(expr))).collect();
    Ok(Logical::Apply { left, right, bindings, kind }.filter(above))
}

/// A join on its way through the rules.
struct Join {
    left: Logical,
    right: Logical,
    kind: JoinKind,
    null_aware: bool,
}

/// Which sides of a join an expression speaks of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
    Both,
}

impl Join {
    fn push(mut self, conditions: Vec<Expr>, predicates: Vec<Expr>) -> SqlResult<Logical> {
        let width = self.left.width();
        let side = |expr: &Expr| side_of(expr, width);
        if self.kind == JoinKind::Left
            && predicates.iter().any(|predicate| rejects_null(predicate, width))
        {
            self.kind = JoinKind::Inner;
        }
        let (mut to_left, mut to_right, mut on, mut above) = (vec![], vec![], vec![], vec![]);
        if self.kind == JoinKind::Inner {
            let mut all = conditions;
            all.extend(predicates);
            propagate(&mut all)?;
            for part in all {
                match side(&part) {
                    _ if !part.is_deterministic() => above.push(part),
                    Side::Left => to_left.push(part),
                    Side::Right => to_right.push(part),
                    Side::Both => {
                        to_left.extend(about(&part, Side::Left, width)?);
                        to_right.extend(about(&part, Side::Right, width)?);
                        on.push(part);
                    }
                }
            }
        } else {
            for predicate in predicates {
                let moves = predicate.is_deterministic() && side(&predicate) == Side::Left;
                if moves { to_left.push(predicate) } else { above.push(predicate) }
            }
            for condition in conditions {
                match side(&condition) {
                    // A right row for which it is unknown counts, too.
                    _ if self.null_aware => on.push(condition),
                    Side::Right if condition.is_deterministic() => to_right.push(condition),
                    Side::Left if self.kind == JoinKind::Semi && condition.is_deterministic() => {
                        to_left.push(condition);
                    }
                    _ => on.push(condition),
                }
            }
        }
        let to_right =
            to_right.into_iter().map(|expr| expr.map_columns(&mut |index| index - width)).collect();
        let left = Box::new(push_checked(self.left, to_left)?);
        let right = Box::new(push_checked(self.right, to_right)?);
        let (kind, null_aware) = (self.kind, self.null_aware);
        let join = Logical::Join { left, right, kind, conditions: on, null_aware };
        Ok(join.filter(above))
    }
}

/// As [`push`], for predicates that may have become constants.
fn push_checked(plan: Logical, predicates: Vec<Expr>) -> SqlResult<Logical> {
    push(plan.filter(predicates), Vec::new())
}

fn side_of(expr: &Expr, width: usize) -> Side {
    let columns: BTreeSet<usize> = expr.columns();
    match (columns.first(), columns.last()) {
        (_, Some(last)) if *last < width => Side::Left,
        (Some(first), _) if *first >= width => Side::Right,
        // A constant decides for the whole join: either side will do where both must match.
        (None, _) => Side::Left,
        _ => Side::Both,
    }
}

/// What a predicate of both sides demands of one, by comparing columns with constants.
fn about(predicate: &Expr, side: Side, width: usize) -> SqlResult<Option<Expr>> {
    branches::implied(predicate, &|part| {
        constrained_column(part).is_some() && side_of(part, width) == side
    })
}

/// Whether a predicate cannot hold if all columns from `width` on are NULL.
fn rejects_null(predicate: &Expr, width: usize) -> bool {
    let is_right = |expr: &Expr| matches!(expr, Expr::Column { index, .. } if *index >= width);
    let Expr::Call { function, args, .. } = predicate else {
        return is_right(predicate);
    };
    match function {
        Function::NullEq => false,
        function if function.is_comparison() => args.iter().any(is_right),
        Function::In | Function::Between | Function::Like | Function::Regexp => is_right(&args[0]),
        Function::InRows => Function::row_of(args).iter().any(is_right),
        Function::IsTrue => rejects_null(&args[0], width),
        Function::And => args.iter().any(|arg| rejects_null(arg, width)),
        Function::Or => args.iter().all(|arg| rejects_null(arg, width)),
        Function::Not => match &args[0] {
            Expr::Call { function: Function::IsNull, args, .. } => is_right(&args[0]),
            Expr::Call {
                function: Function::In | Function::Between | Function::Like,
                args,
                ..
            } => is_right(&args[0]),
            _ => false,
        },
        _ => false,
    }
}

/// Where `a = b` and `a` is compared with a constant, `b` is, too.
fn propagate(parts: &mut Vec<Expr>) -> SqlResult<()> {
    let mut equal: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for part in parts.iter() {
        if let Expr::Call { function: Function::Eq, args, .. } = part
            && let [
                Expr::Column { index: left, field_type: lt },
                Expr::Column { index: right, field_type: rt },
            ] = args.as_slice()
            && lt.kind == rt.kind
            && lt.unsigned == rt.unsigned
            && lt.collation == rt.collation
        {
            equal.entry(*left).or_default().push(*right);
            equal.entry(*right).or_default().push(*left);
        }
    }
    if equal.is_empty() {
        return Ok(());
    }
    let mut known = Prints::of(parts.iter());
    let mut next = 0;
    while next < parts.len() {
        check()?;
        let part = &parts[next];
        next += 1;
        let Some(others) = constrained_column(part).and_then(|column| equal.get(&column)) else {
            continue;
        };
        let part = part.clone();
        for to in others {
            let derived = part.clone().map_columns(&mut |_| *to);
            if known.find(&derived, |position| &parts[position]).is_none() {
                known.add(&derived, parts.len());
                parts.push(derived);
            }
        }
    }
    Ok(())
}

/// The only column of a comparison with constants, in the column's own collation.
fn constrained_column(part: &Expr) -> Option<usize> {
    let Expr::Call { function, args, field_type: comparison_type } = part else { return None };
    let comparison = function.is_comparison() && *function != Function::NullEq;
    if !comparison && !matches!(function, Function::In | Function::Between) {
        return None;
    }
    let mut column = None;
    for arg in args {
        match arg {
            Expr::Column { index, field_type } if column.is_none() => {
                if field_type.kind.is_string() && field_type.collation != comparison_type.collation
                {
                    return None;
                }
                column = Some(*index);
            }
            arg if arg.is_constant() => {}
            _ => return None,
        }
    }
    column
}
