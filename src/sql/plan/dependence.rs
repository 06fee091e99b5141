//! Functional dependence: which columns have one value in a group.
//!
//! What is grouped by has; so has what a condition sets equal to a constant or to such columns, and every column of a table
//! of which a whole unique key has. That is what MySQL looks for under ONLY_FULL_GROUP_BY.

use std::collections::BTreeSet;

use super::logical::Logical;
use super::outer::is_outer;
use super::physical::JoinKind;
use super::scope::{Relation, Scope};
use crate::sql::catalog::SchemaState;
use crate::sql::expr::{Expr, Function};

/// `column` is known as soon as `needed` are.
struct Dependence {
    column: usize,
    needed: BTreeSet<usize>,
    /// The column is not NULL where it holds.
    not_null: bool,
}

/// The columns of `scope`, which is over the rows of `input`, that have one value in each group.
pub(super) fn determined(scope: &Scope, input: &Logical, group_by: &[Expr]) -> BTreeSet<usize> {
    let mut known: BTreeSet<usize> = group_by
        .iter()
        .filter_map(|expr| match expr {
            Expr::Column { index, .. } => Some(*index),
            _ => None,
        })
        .collect();
    let mut dependences = Vec::new();
    collect(input, 0, &mut dependences);
    loop {
        let before = known.len();
        for dependence in &dependences {
            if dependence.needed.is_subset(&known) {
                known.insert(dependence.column);
            }
        }
        for relation in &scope.relations {
            if has_key(relation, &known, &dependences) {
                known.extend(relation.start..relation.start + relation.len());
            }
        }
        if known.len() == before {
            return known;
        }
    }
}

/// Whether a whole unique key of a table is known.
fn has_key(relation: &Relation, known: &BTreeSet<usize>, dependences: &[Dependence]) -> bool {
    let Some(table) = relation.table() else { return false };
    let has = |offset: usize| known.contains(&(relation.start + offset));
    // Rows that have NULL there may be several, unless a condition leaves none of them.
    let filled = |offset: usize| {
        let column = relation.start + offset;
        table.columns[offset].field_type.not_null
            || dependences.iter().any(|found| found.column == column && found.not_null)
    };
    table.handle_column.is_some_and(has)
        || table.indexes.iter().any(|index| {
            index.unique
                && index.state == SchemaState::Public
                && index.columns.iter().all(|part| {
                    part.prefix_len.is_none() && has(part.offset) && filled(part.offset)
                })
        })
}

/// What the conditions of a plan say of its rows' columns, the first of which is `base`.
fn collect(plan: &Logical, base: usize, found: &mut Vec<Dependence>) {
    match plan {
        Logical::Filter { input, predicates } => {
            for part in parts(predicates) {
                equality(part, base, found);
            }
            collect(input, base, found);
        }
        Logical::Join { left, right, kind, conditions, .. } => {
            collect(left, base, found);
            match kind {
                JoinKind::Inner => {
                    for part in parts(conditions) {
                        equality(part, base, found);
                    }
                    collect(right, base + left.width(), found);
                }
                JoinKind::Left => outer_join(conditions, base, base + left.width(), found),
                JoinKind::Semi | JoinKind::Anti => {}
            }
        }
        _ => {}
    }
}

/// ON of an outer join: which right rows match depends on the left columns in it, and with those the right columns that
/// it sets equal to something are known, whether a row matches or not.
fn outer_join(conditions: &[Expr], base: usize, right: usize, found: &mut Vec<Dependence>) {
    let all: BTreeSet<usize> = conditions
        .iter()
        .flat_map(Expr::columns)
        .filter(|column| !is_outer(*column))
        .map(|column| column + base)
        .collect();
    if !conditions.iter().all(Expr::is_deterministic) {
        return;
    }
    let left: BTreeSet<usize> = all.into_iter().filter(|column| *column < right).collect();
    let mut inner = Vec::new();
    for part in parts(conditions) {
        equality(part, base, &mut inner);
    }
    let of_right = |dependence: &Dependence| {
        dependence.column >= right && dependence.needed.iter().all(|column| *column < right)
    };
    found.extend(inner.into_iter().filter(of_right).map(|dependence| Dependence {
        needed: dependence.needed.union(&left).copied().collect(),
        not_null: false,
        ..dependence
    }));
}

/// The conditions that must each hold.
fn parts(conditions: &[Expr]) -> Vec<&Expr> {
    let mut parts = Vec::with_capacity(conditions.len());
    let mut open: Vec<&Expr> = conditions.iter().collect();
    while let Some(expr) = open.pop() {
        match expr {
            Expr::Call { function: Function::And, args, .. } => open.extend(args),
            other => parts.push(other),
        }
    }
    parts
}

/// `column = expression`, in both directions, and `column IS NULL`.
fn equality(condition: &Expr, base: usize, found: &mut Vec<Dependence>) {
    let Expr::Call { function, args, .. } = condition else { return };
    let mut add = |column: &Expr, value: Option<&Expr>| {
        if let Expr::Column { index, .. } = column
            && !is_outer(*index)
            && value.is_none_or(Expr::is_deterministic)
        {
            let needed = value.map(Expr::columns).unwrap_or_default();
            found.push(Dependence {
                column: index + base,
                needed: needed
                    .into_iter()
                    .filter(|column| !is_outer(*column))
                    .map(|column| column + base)
                    .collect(),
                not_null: *function == Function::Eq,
            });
        }
    };
    match (function, args.as_slice()) {
        (Function::Eq | Function::NullEq, [left, right]) => {
            add(left, Some(right));
            add(right, Some(left));
        }
        (Function::IsNull, [column]) => add(column, None),
        _ => {}
    }
}
