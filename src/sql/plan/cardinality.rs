//! How many rows are expected, and what it takes to find them.
//!
//! Of a table that has been analyzed its statistics tell. Any other one passes for 10,000 rows, also when its rows have been
//! counted since it was made: without knowing how its values are spread a count alone says little about an index, and plans of
//! small tables would change with every batch of rows. What is estimated with neither is a fixed part.

use super::constraints::{Bound, Claim, Constraint, constraint, integer};
use super::logical::Scan;
use crate::sql::expr::{Expr, Function};
use crate::sql::stats::TableStats;
use crate::sql::types::Datum;

/// Rows a table is taken to have that was never analyzed.
const TABLE_ROWS: f64 = 10_000.0;

/// One column that equals something leaves this part.
const EQUAL_PART: f64 = 0.001;

/// A range with one end leaves this part.
const RANGE_PART: f64 = 1.0 / 3.0;

/// A range with both ends leaves this part.
const BETWEEN_PART: f64 = 1.0 / 40.0;

/// A range with both ends that are not known yet leaves no more rows than this: who names both knows what he looks for.
const BETWEEN_ROWS: f64 = TABLE_ROWS * BETWEEN_PART;

/// A filter over the rows found leaves this part.
pub(super) const FILTER_PART: f64 = 0.8;

/// A table with fewer rows is not worth a choice; and it may grow while plans for it are kept.
pub(super) const FEW_ROWS: f64 = 1_000.0;

/// What it takes to find a row through an index entry, where reading one among its neighbours takes 1.
pub(super) const LOOKUP_COST: f64 = 4.0;

/// What it takes to sort a row.
const SORT_COST: f64 = 0.5;

/// What is known of a table's rows.
#[derive(Clone, Copy)]
pub(super) struct Cardinality<'s> {
    stats: Option<&'s TableStats>,
    scan: &'s Scan,
}

impl<'s> Cardinality<'s> {
    pub(super) fn of(scan: &'s Scan) -> Cardinality<'s> {
        Cardinality { stats: scan.stats.as_deref(), scan }
    }

    /// Whether the table was analyzed.
    pub(super) fn is_known(&self) -> bool {
        self.stats.is_some()
    }

    /// How many rows the table has, at least one.
    pub(super) fn rows(&self) -> f64 {
        self.stats.map_or(TABLE_ROWS, |stats| (stats.rows as f64).max(1.0))
    }

    /// The number of different values of a column, and the part of the rows in which it is NULL.
    pub(super) fn values(&self, offset: usize) -> Option<(f64, f64)> {
        let column = self.stats?.column(self.scan.table.columns.get(offset)?.id)?;
        let nulls = (column.nulls as f64 / self.rows()).min(1.0);
        // A column without any value: the table was empty then.
        (column.distinct + column.nulls > 0).then_some((column.distinct as f64, nulls))
    }

    /// The part of the rows in which a column equals a value.
    pub(super) fn equal_part(&self, offset: usize, value: Option<&Expr>) -> f64 {
        let Some((different, nulls)) = self.values(offset) else { return EQUAL_PART };
        if value.and_then(Expr::as_literal).is_some_and(Datum::is_null) {
            return nulls;
        }
        (1.0 - nulls) / different.max(1.0)
    }

    /// The part of the rows in which a column lies between bounds.
    pub(super) fn range_part(&self, offset: usize, low: &Bound, high: &Bound) -> f64 {
        let (Some((low, _)), Some((high, _))) = (low, high) else { return RANGE_PART };
        let known = self.values(offset);
        if let (Some(low), Some(high)) = (integer(low), integer(high)) {
            // There are no more integers than that.
            let count = (high.saturating_sub(low).saturating_add(1)).max(0) as f64;
            let different = known.map_or_else(|| self.rows(), |(different, _)| different.max(1.0));
            let most = if known.is_some() { RANGE_PART } else { BETWEEN_PART };
            return (count / different).min(most);
        }
        let given = [low, high].iter().all(|bound| matches!(bound, Expr::Literal { .. }));
        if given { BETWEEN_PART } else { BETWEEN_PART.min(BETWEEN_ROWS / self.rows()) }
    }

    /// The part of the rows that pass the filters for which `left` is true; `found` is what is known of them.
    pub(super) fn filtered_part(&self, found: &[Constraint], left: impl Fn(usize) -> bool) -> f64 {
        let mut filters = (0..self.scan.filters.len()).filter(|filter| left(*filter)).peekable();
        if filters.peek().is_none() {
            return 1.0;
        }
        if !self.is_known() {
            return FILTER_PART;
        }
        let part = |filter| match found.iter().find(|constraint| constraint.filter == filter) {
            Some(constraint) => self.constrained_part(constraint),
            None => self.condition_part(&self.scan.filters[filter]),
        };
        filters.map(part).product()
    }

    /// The part of the rows for which a condition is true, as if its parts had nothing to do with each other.
    fn condition_part(&self, condition: &Expr) -> f64 {
        let part_of = |expr: &Expr| match expr {
            Expr::Call { function: Function::And | Function::Or, .. } => self.condition_part(expr),
            _ => match constraint(&self.scan.table, expr) {
                Some((column, claim)) => self.claimed_part(column, &claim),
                None => FILTER_PART,
            },
        };
        match condition {
            Expr::Call { function: Function::And, args, .. } => args.iter().map(part_of).product(),
            Expr::Call { function: Function::Or, args, .. } => {
                1.0 - args.iter().map(|arg| 1.0 - part_of(arg)).product::<f64>()
            }
            _ => FILTER_PART,
        }
    }

    fn constrained_part(&self, constraint: &Constraint) -> f64 {
        self.claimed_part(constraint.column, &constraint.kind)
    }

    fn claimed_part(&self, column: usize, claim: &Claim) -> f64 {
        let part = match claim {
            Claim::Equal(value) | Claim::Same(value) => self.equal_part(column, Some(value)),
            Claim::Among(values) => {
                values.iter().map(|value| self.equal_part(column, Some(value))).sum()
            }
            Claim::Range(low, high) => self.range_part(column, low, high),
            Claim::Ranges(ranges) => {
                ranges.iter().map(|(low, high)| self.range_part(column, low, high)).sum()
            }
        };
        part.min(1.0)
    }

    /// How many rows have the same values in these columns.
    pub(super) fn matches(&self, offsets: impl Iterator<Item = usize>) -> f64 {
        let part: f64 = offsets.map(|offset| self.equal_part(offset, None)).product();
        (self.rows() * part).max(1.0)
    }
}

/// What it takes to read that many rows, of which `needed` are enough if they come in the right order.
pub(super) fn cost(rows: f64, needed: f64, lookup: bool, sorts: bool) -> f64 {
    let each = if lookup { LOOKUP_COST } else { 1.0 };
    let sort = if sorts { rows * SORT_COST } else { 0.0 };
    rows.min(needed) * each + sort
}
