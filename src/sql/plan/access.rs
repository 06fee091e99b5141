//! How a table's rows are found.
//!
//! By rule, best first: one row by its key; several rows by their keys; the index with the longest prefix of columns
//! set equal; the one with a range; one that gives the wanted order; all rows. Between equals the one that need not
//! fetch rows wins.
//!
//! If the table was analyzed ([`Cardinality`]), its statistics choose among those with equal columns or ranges, and say when
//! an index leads to so many rows that reading all of them is cheaper. A statement that locks what it reads uses the index
//! anyway.

mod node;

use std::cmp::Reverse;
use std::sync::Arc;

use super::cardinality::{self, Cardinality, FEW_ROWS};
use super::constraints::{
    Bound, Claim, Constraint, constraints, integer, is_null, multiply, never_null,
};
use super::expression_index::Hidden;
use super::fulltext;
use super::logical::{Scan, column_type};
use super::physical::{AccessLock, PhysicalPlan, SortKey};
use crate::sql::catalog::IndexInfo;
use crate::sql::expr::Expr;

/// Lists longer than this in several columns are not multiplied out.
const PREFIX_LIMIT: usize = 4096;

/// A plan of a scan.
pub(super) struct Access {
    pub(super) plan: PhysicalPlan,
    /// Whether the rows come in the wanted order.
    pub(super) ordered: bool,
    /// Whether those of each partition do.
    pub(super) ordered_apart: bool,
}

/// A way to find the rows.
struct Path {
    /// `None`: by handle.
    index: Option<Arc<IndexInfo>>,
    /// Offsets of the columns it can use.
    columns: Vec<usize>,
    /// Values of the first columns, one list for each range.
    prefixes: Vec<Vec<Expr>>,
    /// Ranges of the column after them.
    ranges: Vec<(Bound, Bound)>,
    /// The filters it makes true by itself.
    consumed: Vec<usize>,
    /// A value may be NULL and then finds entries.
    finds_null: bool,
    /// Every prefix is a whole unique key.
    point: bool,
    ordered: bool,
    reverse: bool,
    covering: bool,
}

/// The best way, and the plan for it. `fetch`: only so many rows are needed, in the order of `order`.
pub(super) fn choose(scan: &Scan, order: &[SortKey], fetch: Option<u64>) -> Access {
    let hidden = Hidden::of(&scan.table);
    let over_hidden = hidden.as_ref().and_then(|hidden| hidden.filtered(scan));
    let scan = over_hidden.as_ref().unwrap_or(scan);
    let found = constraints(&scan.table, &scan.filters);
    let wanted = Wanted::new(scan, order, &found, hidden.as_ref());
    let mut paths: Vec<Path> = Vec::with_capacity(scan.table.indexes.len() + 1);
    // Reading all rows is always possible, whatever must not be used.
    let by_handle: &[Constraint] = if scan.choice.finds_by(None) { &found } else { &[] };
    paths.push(wanted.path(None, by_handle));
    let usable = |index: &&IndexInfo| {
        let choice = &scan.choice;
        index.is_usable() && (choice.finds_by(Some(index)) || choice.orders_by(Some(index)))
    };
    if !paths[0].point
        && let Some(access) = fulltext::ranked(scan, order, fetch)
    {
        return access;
    }
    // By handle one row: nothing can be better, and the short road is short.
    if !paths[0].point {
        for index in scan.table.indexes.iter().filter(usable) {
            let found: &[Constraint] = if scan.choice.finds_by(Some(index)) { &found } else { &[] };
            paths.push(wanted.path(Some(Arc::new(index.clone())), found));
        }
    }
    let best = best_of(&paths, scan, fetch, order.is_empty());
    paths.swap_remove(best).into_access(scan, &found, fetch, order.is_empty())
}

/// The position of the best path; the first one is by handle.
fn best_of(paths: &[Path], scan: &Scan, fetch: Option<u64>, no_order: bool) -> usize {
    let score = |path: &Path| path.score(fetch.is_some(), no_order);
    let cardinality = Cardinality::of(scan);
    let cost = |path: &Path| path.cost(scan, fetch, no_order);
    let mut best = 0;
    for (position, path) in paths.iter().enumerate().skip(1) {
        let by_cost = cardinality.is_known() && path.is_selective() && paths[best].is_selective();
        let (own, other) =
            if by_cost { (cost(path), cost(&paths[best])) } else { Default::default() };
        if own < other || own == other && score(path) > score(&paths[best]) {
            best = position;
        }
    }
    let whole = &paths[0];
    let all_rows = cardinality.is_known()
        && !scan.choice.is_forced()
        && cardinality.rows() >= FEW_ROWS
        && scan.lock == AccessLock::None
        && paths[best].is_selective()
        && !whole.is_selective()
        && cost(whole) < cost(&paths[best]);
    if all_rows { 0 } else { best }
}

/// What is wanted of the scan.
struct Wanted<'s> {
    scan: &'s Scan,
    /// Offsets to order by, without those that are constant, and whether they descend; `None`: the order is not one of columns.
    order: Option<Vec<(usize, bool)>>,
    /// Offsets that filters and outputs read.
    read: Vec<usize>,
}

impl<'s> Wanted<'s> {
    fn new(
        scan: &'s Scan,
        order: &[SortKey],
        found: &[Constraint],
        hidden: Option<&Hidden>,
    ) -> Wanted<'s> {
        let mut offsets = Some(Vec::with_capacity(order.len()));
        for key in order {
            let offset = match key.expr {
                Expr::Column { index, .. } => Some(scan.outputs[index]),
                _ => hidden.and_then(|hidden| hidden.ordered_by(scan, key)),
            };
            let Some(offset) = offset else {
                offsets = None;
                break;
            };
            let constant = found.iter().any(|constraint| {
                constraint.column == offset
                    && matches!(constraint.kind, Claim::Equal(_) | Claim::Same(_))
            });
            if constant {
                continue;
            }
            if let Some(offsets) = &mut offsets {
                offsets.push((offset, key.descending));
            }
        }
        let filters = scan.filters.iter().flat_map(Expr::columns);
        let read = scan.outputs.iter().copied().chain(filters).collect();
        Wanted { scan, order: offsets, read }
    }

    /// What an index (or the handle) can do.
    fn path(&self, index: Option<Arc<IndexInfo>>, found: &[Constraint]) -> Path {
        let table = &self.scan.table;
        let columns: Vec<usize> = match &index {
            // A column of which the index has only a beginning ends what can be used.
            Some(index) => {
                let whole = index.columns.iter().take_while(|column| column.prefix_len.is_none());
                whole.map(|column| column.offset).collect()
            }
            None => vec![table.handle_column.unwrap_or(table.columns.len())],
        };
        let covering = match &index {
            Some(_) => self.read.iter().all(|offset| {
                columns.contains(offset)
                    || table.handle_column == Some(*offset)
                    || *offset == table.columns.len()
            }),
            None => true,
        };
        let mut path = Path {
            index,
            columns: Vec::new(),
            prefixes: vec![Vec::new()],
            ranges: Vec::new(),
            consumed: Vec::new(),
            finds_null: false,
            point: false,
            ordered: false,
            reverse: false,
            covering,
        };
        let used = self.extend(&mut path, &columns, found);
        let whole = match &path.index {
            Some(index) => index.unique && used == index.columns.len(),
            None => used == 1,
        };
        // No row has the handle NULL, but an index may hold it many times.
        let single = path.index.is_none() || !path.finds_null;
        path.point = whole && single;
        if self.scan.choice.orders_by(path.index.as_deref())
            && let Some(reverse) = self.direction(&path, &columns, used)
        {
            (path.ordered, path.reverse) = (true, reverse);
        }
        path.columns = columns;
        if used == path.columns.len() {
            self.extend_by_beginning(&mut path, found);
        }
        path
    }

    /// The index goes on with the beginnings of a column's values: what constrains the column finds more than those that fulfil it, which
    /// remains a filter.
    fn extend_by_beginning(&self, path: &mut Path, found: &[Constraint]) {
        let next = path.index.as_ref().and_then(|index| index.columns.get(path.columns.len()));
        let Some(offset) = next.filter(|part| part.prefix_len.is_some()).map(|part| part.offset)
        else {
            return;
        };
        let consumed = path.consumed.len();
        self.extend(path, &[offset], found);
        path.consumed.truncate(consumed);
        path.columns.push(offset);
    }

    /// Takes the columns' constraints into the path; answers how many columns have equal values.
    fn extend(&self, path: &mut Path, columns: &[usize], found: &[Constraint]) -> usize {
        let table = &self.scan.table;
        for (position, column) in columns.iter().enumerate() {
            let mut here = found.iter().filter(|constraint| constraint.column == *column);
            let not_null = column_type(table, *column).not_null;
            let equal = here.clone().find(|c| matches!(c.kind, Claim::Equal(_) | Claim::Same(_)));
            if let Some(Constraint { kind: Claim::Equal(value), filter, .. }) = equal {
                path.prefixes.iter_mut().for_each(|prefix| prefix.push(value.clone()));
                // A parameter may be NULL, which an index finds and `=` does not.
                if not_null || never_null(value) || path.index.is_none() {
                    path.consumed.push(*filter);
                }
                continue;
            }
            if let Some(Constraint { kind: Claim::Same(value), filter, .. }) = equal
                && path.index.is_some()
            {
                path.prefixes.iter_mut().for_each(|prefix| prefix.push(value.clone()));
                path.consumed.push(*filter);
                path.finds_null |= !never_null(value);
                continue;
            }
            let among = here.clone().find(|c| matches!(c.kind, Claim::Among(_)));
            if let Some(Constraint { kind: Claim::Among(values), filter, .. }) = among
                && path.prefixes.len() * values.len() <= PREFIX_LIMIT.max(values.len())
            {
                path.prefixes = multiply(&path.prefixes, values);
                path.finds_null |= values.iter().any(is_null);
                if not_null || values.iter().all(never_null) || path.index.is_none() {
                    path.consumed.push(*filter);
                }
                continue;
            }
            let ranges = here.clone().find(|c| matches!(c.kind, Claim::Ranges(_)));
            let bounded = here.any(|c| matches!(c.kind, Claim::Range(..)));
            if bounded {
                self.bound(path, *column, found);
            } else if let Some(Constraint { kind: Claim::Ranges(ranges), filter, .. }) = ranges
                && let Some(ranges) = self.disjoint(path, ranges)
            {
                path.ranges = ranges;
                path.consumed.push(*filter);
            }
            return position;
        }
        columns.len()
    }

    /// One range of all the bounds of a column; of two on one side the second stays a filter.
    fn bound(&self, path: &mut Path, column: usize, found: &[Constraint]) {
        let (mut low, mut high): (Bound, Bound) = (None, None);
        for constraint in found.iter().filter(|constraint| constraint.column == column) {
            let Claim::Range(more_low, more_high) = &constraint.kind else { continue };
            let clash =
                (low.is_some() && more_low.is_some()) || (high.is_some() && more_high.is_some());
            if clash {
                continue;
            }
            low = low.or_else(|| more_low.clone());
            high = high.or_else(|| more_high.clone());
            path.consumed.push(constraint.filter);
        }
        path.ranges = vec![(low, high)];
    }

    /// The ranges, ascending and apart from each other. Those of an index are put in order when their values are known;
    /// those of handles must be known now.
    fn disjoint(&self, path: &Path, ranges: &[(Bound, Bound)]) -> Option<Vec<(Bound, Bound)>> {
        if path.index.is_some() {
            return Some(ranges.to_vec());
        }
        let mut known = Vec::with_capacity(ranges.len());
        for (low, high) in ranges {
            let low = match low {
                Some((value, inside)) => integer(value)? + i128::from(!inside),
                None => i128::MIN,
            };
            let high = match high {
                Some((value, inside)) => integer(value)? - i128::from(!inside),
                None => i128::MAX,
            };
            if low <= high {
                known.push((low, high));
            }
        }
        known.sort_unstable();
        let mut merged: Vec<(i128, i128)> = Vec::with_capacity(known.len());
        for (low, high) in known {
            match merged.last_mut() {
                Some(last) if low <= last.1.saturating_add(1) => last.1 = last.1.max(high),
                _ => merged.push((low, high)),
            }
        }
        // Nothing at all is said by no ranges, which would mean everything.
        if merged.is_empty() {
            return None;
        }
        merged
            .into_iter()
            .map(|(low, high)| Some((handle_bound(low)?, handle_bound(high)?)))
            .collect()
    }

    /// Whether the path gives the rows in the wanted order: `true` if it does backwards, `None` if it does not.
    fn direction(&self, path: &Path, columns: &[usize], used: usize) -> Option<bool> {
        let order = self.order.as_ref()?;
        if order.is_empty() {
            return Some(false);
        }
        if path.prefixes.len() > 1 {
            return None;
        }
        let table = &self.scan.table;
        let handle = table.handle_column.unwrap_or(table.columns.len());
        let whole = path.index.as_ref().is_none_or(|index| index.columns.len() == columns.len());
        let descends = |position: usize| {
            path.index.as_ref().is_some_and(|index| index.columns[position].descending)
        };
        let own = (used..columns.len()).map(|position| (columns[position], descends(position)));
        let mut given = own.chain(whole.then_some((handle, false)));
        let mut reverse = None;
        for (wanted, descending) in order {
            let (column, descends) = given.next()?;
            let backwards = descends != *descending;
            if column != *wanted || *reverse.get_or_insert(backwards) != backwards {
                return None;
            }
            // No two rows share a handle: there is nothing left to order.
            if *wanted == handle {
                break;
            }
        }
        reverse
    }
}

impl Path {
    /// Greater is better.
    fn score(
        &self,
        limited: bool,
        no_order: bool,
    ) -> (u8, usize, bool, bool, bool, Reverse<usize>) {
        let equal = self.prefixes[0].len();
        let single = self.prefixes.len() == 1;
        let ordered = self.ordered && !no_order;
        let width = self.index.as_ref().map_or(usize::MAX, |index| index.columns.len());
        let class = match (self.point, single) {
            (true, true) => 6,
            (true, false) => 5,
            (false, _) if equal > 0 => 4,
            _ if !self.ranges.is_empty() => 3,
            _ if ordered && (limited || self.covering) => 2,
            _ if self.covering => 1,
            _ => 0,
        };
        // A range of rows is better than one of index entries that lead to rows.
        let ranged = !self.ranges.is_empty();
        (class, equal, ranged, ordered, self.covering, Reverse(width))
    }

    /// Whether conditions leave it a part of the table, of unknown size.
    fn is_selective(&self) -> bool {
        !self.point && (!self.prefixes[0].is_empty() || !self.ranges.is_empty())
    }

    /// How many rows it finds.
    fn estimate(&self, scan: &Scan) -> f64 {
        if self.point {
            return self.prefixes.len() as f64;
        }
        let cardinality = Cardinality::of(scan);
        let all = cardinality.rows();
        let mut rows = all;
        let equal = &self.prefixes[0];
        for (offset, value) in self.columns.iter().zip(equal) {
            rows *= cardinality.equal_part(*offset, Some(value));
        }
        rows = rows.max(1.0) * self.prefixes.len() as f64;
        if let Some((low, high)) = self.ranges.first() {
            let part = cardinality.range_part(self.columns[equal.len()], low, high);
            rows *= part * self.ranges.len() as f64;
        }
        rows.clamp(1.0, all)
    }

    /// What it takes to find them.
    fn cost(&self, scan: &Scan, fetch: Option<u64>, no_order: bool) -> f64 {
        let rows = self.estimate(scan);
        let stops = (self.ordered || no_order) && self.consumed.len() == scan.filters.len();
        let needed = fetch.filter(|_| stops).map_or(rows, |fetch| fetch as f64);
        let lookup = self.index.is_some() && !self.covering;
        cardinality::cost(rows, needed, lookup, !self.ordered && !no_order)
    }
}

/// A known bound of a handle; beyond what integers can be there is none.
fn handle_bound(value: i128) -> Option<Bound> {
    use crate::sql::types::Datum;
    if value == i128::MIN || value == i128::MAX {
        return Some(None);
    }
    let datum = match i64::try_from(value) {
        Ok(number) => Datum::Int(number),
        Err(_) => Datum::UInt(u64::try_from(value).ok()?),
    };
    Some(Some((Expr::literal(datum), true)))
}
