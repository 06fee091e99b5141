//! JOIN_ORDER, JOIN_PREFIX and JOIN_SUFFIX: which tables are read before which.

use super::logical::{Logical, Scan};
use super::scope::{Scope, same_name};
use crate::sql::parser::ast::{JoinOrder, JoinOrderKind};

/// The place of a table in one of the hints of its SELECT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Placing {
    hint: usize,
    kind: JoinOrderKind,
    position: usize,
}

/// Tells the tables of a FROM where the hints of its SELECT put them. Names of no table are passed over.
pub(super) fn place(plan: &mut Logical, scope: &Scope, hints: &[JoinOrder]) {
    for (hint, JoinOrder { kind, tables }) in hints.iter().enumerate() {
        for (position, name) in tables.iter().enumerate() {
            let named = scope.relations.iter().find(|known| same_name(&known.alias, name));
            if let Some(scan) = named.and_then(|relation| scan_at(plan, relation.start)) {
                scan.placings.push(Placing { hint, kind: *kind, position });
            }
        }
    }
}

/// The table whose columns begin at this place of the rows.
fn scan_at(plan: &mut Logical, start: usize) -> Option<&mut Scan> {
    match plan {
        Logical::Scan(scan) => (start == 0).then_some(&mut **scan),
        Logical::Join { left, right, .. } => {
            let width = left.width();
            match start.checked_sub(width) {
                Some(behind) => scan_at(right, behind),
                None => scan_at(left, start),
            }
        }
        Logical::Filter { input, .. } => scan_at(input, start),
        _ => None,
    }
}

/// Of each table the set of those that are read before it.
pub(super) fn before(tables: &[Option<&Scan>]) -> Vec<u64> {
    let mut before = vec![0_u64; tables.len()];
    let placings = |table: usize| tables[table].map_or(&[][..], |scan| &scan.placings[..]);
    let hints = (0..tables.len()).flat_map(placings).map(|placing| placing.hint).max();
    for hint in 0..hints.map_or(0, |last| last + 1) {
        let mut members: Vec<(usize, usize, JoinOrderKind)> = Vec::new();
        for table in 0..tables.len() {
            let own = placings(table).iter().find(|placing| placing.hint == hint);
            members.extend(own.map(|placing| (placing.position, table, placing.kind)));
        }
        members.sort_by_key(|(position, ..)| *position);
        let named: u64 = members.iter().fold(0, |all, (_, table, _)| all | 1 << table);
        let mut earlier = 0;
        for (_, table, kind) in &members {
            before[*table] |= earlier;
            earlier |= 1 << table;
            if *kind == JoinOrderKind::Suffix {
                before[*table] |= !named & ((1 << tables.len()) - 1);
            }
        }
        let first = members.first().is_some_and(|(.., kind)| *kind == JoinOrderKind::Prefix);
        for (table, before) in before.iter_mut().enumerate().filter(|_| first) {
            *before |= if named & 1 << table == 0 { named } else { 0 };
        }
    }
    before
}
