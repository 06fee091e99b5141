//! Which partitions of a table may hold the rows that are asked for.
//!
//! A scan of a divided table is planned as that of any other, and stands below [`PlanNode::Partitions`], which has the conditions that say
//! something of the partitions. Which those are is worked out when the plan runs, when parameters and subqueries have their values; what
//! is executed has the physical tables in the table's place. EXPLAIN does the same with what is known then.

use std::sync::Arc;

use super::constraints::{Bound, Claim, Constraint, constraints};
use super::logical::Scan;
use super::lower::node;
use super::physical::{PhysicalPlan, PlanNode};
use super::row_rules::bind_expression;
use crate::common::{SqlError, SqlResult};
use crate::sql::catalog::{
    KeyBounds, Partitioning, Partitions, Source, SplitBy, TableInfo, number_key,
};
use crate::sql::expr::{EvalContext, Expr, Function};
use crate::sql::table_codec::bounds;
use crate::sql::types::{Class, Datum, FieldType, TimeKind, codec};

/// More combinations of values than this are not tried one by one.
const POINTS: usize = 1024;

/// So many integers in a row are looked at one by one where partitions have no order.
const RUN: i128 = 64;

/// How the rows of a table are divided that a statement changes.
#[derive(Clone, Debug)]
pub struct Divided {
    /// The rule.
    pub partitions: Arc<Partitions>,
    /// The physical tables that PARTITION (…) names; `None`: all.
    pub selected: Option<Vec<usize>>,
}

impl PartialEq for Divided {
    fn eq(&self, other: &Divided) -> bool {
        // The rule follows from the table, which is compared beside it.
        self.selected == other.selected
    }
}

impl Divided {
    /// Of a table; `None` if it is not divided.
    pub fn of(table: &TableInfo, selected: Option<Vec<usize>>) -> SqlResult<Option<Arc<Divided>>> {
        let partitions = partitions_of(table)?;
        Ok(partitions.map(|partitions| Arc::new(Divided { partitions, selected })))
    }
}

/// The rule that a table's rows are divided by; `None`: they are not.
pub fn partitions_of(table: &TableInfo) -> SqlResult<Option<Arc<Partitions>>> {
    table.partitions(|partitioning: &Partitioning| {
        Partitions::new(table, partitioning, |by| source(table, by))
    })
}

fn source(table: &TableInfo, by: &SplitBy) -> SqlResult<Source> {
    if let Some(expr) = &by.expr {
        return bind_expression(table, expr).map(Source::Function);
    }
    let columns = by.columns.iter().map(|id| {
        let offset = table.columns.iter().position(|column| column.id == *id);
        let offset = offset.ok_or_else(|| SqlError::internal("a partitioning column has gone"))?;
        Ok((offset, table.columns[offset].field_type.clone()))
    });
    columns.collect::<SqlResult<_>>().map(Source::Columns)
}

/// An access of a divided table, below what says of which partitions.
pub(super) fn divided(access: PhysicalPlan, scan: &Scan) -> PhysicalPlan {
    let Some(partitioning) = &scan.table.partitioning else { return access };
    let dividing = partitioning.columns();
    let divides = |offset: &usize| {
        scan.table.columns.get(*offset).is_some_and(|column| dividing.contains(&column.id))
    };
    let says = |filter: &&Expr| filter.columns().iter().any(divides);
    let conditions = scan.filters.iter().filter(says).cloned().collect();
    let (schema, rows) = (access.schema.clone(), access.estimated_rows);
    let (table, selected) = (scan.table.clone(), scan.selected.clone());
    node(
        PlanNode::Partitions { input: Box::new(access), table, selected, conditions },
        schema,
        rows,
    )
}

/// The physical tables that may hold rows for which the conditions are true, ascending.
pub fn pruned(
    table: &TableInfo,
    partitions: &Partitions,
    selected: Option<&[usize]>,
    conditions: &[Expr],
    eval: &EvalContext,
) -> Vec<usize> {
    let width = partitions.width();
    let pruner = Pruner { table, partitions, eval };
    let conditions: Vec<&Expr> = conditions.iter().collect();
    let main = pruner.partitions(&conditions);
    let subs = pruner.subpartitions(&conditions);
    let kept = |place: &usize| {
        main.as_ref().is_none_or(|main| main[place / width])
            && subs.as_ref().is_none_or(|subs| subs[place % width])
    };
    match selected {
        Some(selected) => selected.iter().copied().filter(kept).collect(),
        None => (0..partitions.tables().len()).filter(kept).collect(),
    }
}

/// Looks at conditions, which must all be true.
struct Pruner<'a> {
    table: &'a TableInfo,
    partitions: &'a Partitions,
    eval: &'a EvalContext,
}

impl Pruner<'_> {
    /// The partitions, marked; `None`: all.
    fn partitions(&self, conditions: &[&Expr]) -> Option<Vec<bool>> {
        let owned: Vec<Expr> = conditions.iter().map(|condition| (*condition).clone()).collect();
        let found = constraints(self.table, &owned);
        let count = self.partitions.tables().len() / self.partitions.width();
        if let Some(rows) = self.points(self.partitions.source(), &found) {
            let mut marked = vec![false; count];
            for row in rows {
                if let Some(at) = self.partitions.partition_of(&row, self.eval).ok()? {
                    marked[at] = true;
                }
            }
            return Some(marked);
        }
        let mut marked = self.ranges(&found);
        for condition in conditions {
            let Expr::Call { function: Function::Or, args, .. } = condition else { continue };
            let Some(any) = self.any_of(args, count) else { continue };
            marked = Some(match marked {
                None => any,
                Some(known) => known.iter().zip(&any).map(|(one, other)| *one && *other).collect(),
            });
        }
        marked
    }

    /// The partitions of one or another.
    fn any_of(&self, args: &[Expr], count: usize) -> Option<Vec<bool>> {
        let mut any = vec![false; count];
        for arg in args {
            let parts = arg.clone().split_conjunction();
            let own = self.partitions(&parts.iter().collect::<Vec<_>>())?;
            any.iter_mut().zip(own).for_each(|(any, own)| *any |= own);
        }
        Some(any)
    }

    /// The subpartitions, marked; `None`: all.
    fn subpartitions(&self, conditions: &[&Expr]) -> Option<Vec<bool>> {
        let source = self.partitions.sub_source()?;
        let owned: Vec<Expr> = conditions.iter().map(|condition| (*condition).clone()).collect();
        let found = constraints(self.table, &owned);
        let mut marked = vec![false; self.partitions.width()];
        for row in self.points(source, &found)? {
            marked[self.partitions.sub_of(&row, self.eval).ok()?] = true;
        }
        Some(marked)
    }

    /// The rows that there can be as far as a source reads them, if there are few.
    fn points(&self, source: &Source, found: &[Constraint]) -> Option<Vec<Vec<Datum>>> {
        let mut rows = vec![vec![Datum::Null; self.table.columns.len()]];
        for offset in source.columns() {
            let values = self.values(offset, found)?;
            if rows.len() * values.len() > POINTS {
                return None;
            }
            let mut next = Vec::with_capacity(rows.len() * values.len());
            for row in &rows {
                for value in &values {
                    let mut row = row.clone();
                    row[offset] = value.clone();
                    next.push(row);
                }
            }
            rows = next;
        }
        Some(rows)
    }

    /// The values that a column can have; `None`: any, or too many.
    fn values(&self, offset: usize, found: &[Constraint]) -> Option<Vec<Datum>> {
        let field_type = &self.table.columns[offset].field_type;
        let here = || found.iter().filter(|constraint| constraint.column == offset);
        for constraint in here() {
            let (list, null) = match &constraint.kind {
                Claim::Equal(value) => (std::slice::from_ref(value), false),
                Claim::Same(value) => (std::slice::from_ref(value), true),
                Claim::Among(values) => (values.as_slice(), false),
                Claim::Range(..) | Claim::Ranges(_) => continue,
            };
            let mut values = Vec::with_capacity(list.len());
            for value in list {
                let (value, exact) = self.value(value, field_type)?;
                if exact && (null || !value.is_null()) {
                    values.push(value);
                }
            }
            return Some(values);
        }
        if field_type.kind.class() != Class::Integer {
            return None;
        }
        // A short run of integers.
        let (mut low, mut high) = (None::<i128>, None::<i128>);
        for constraint in here() {
            let Claim::Range(from, to) = &constraint.kind else { continue };
            if let Some(bound) = self.integer(from, field_type, true) {
                low = Some(low.map_or(bound, |low| low.max(bound)));
            }
            if let Some(bound) = self.integer(to, field_type, false) {
                high = Some(high.map_or(bound, |high| high.min(bound)));
            }
        }
        let (low, high) = (low?, high?);
        if high - low >= RUN || !self.partitions.is_hashed() {
            return None;
        }
        let value = |number: i128| match field_type.unsigned {
            true => u64::try_from(number).map(Datum::UInt).ok(),
            false => i64::try_from(number).map(Datum::Int).ok(),
        };
        (low..=high).map(value).collect()
    }

    /// The lowest (or highest) integer inside of a bound.
    fn integer(&self, bound: &Bound, field_type: &FieldType, low: bool) -> Option<i128> {
        let (value, inside) = bound.as_ref()?;
        let value = self.constant(value, field_type)?;
        let (floor, ceil) = bounds::around(&value, self.eval).ok()?;
        let beside = i128::from(!inside && floor == ceil);
        Some(if low { ceil + beside } else { floor - beside })
    }

    /// A constant as it is compared with a column; `None`: it is not known yet, or NULL where a range has it.
    fn constant(&self, value: &Expr, field_type: &FieldType) -> Option<Datum> {
        let value = self.known(value, field_type)?;
        (!value.is_null()).then_some(value)
    }

    fn known(&self, value: &Expr, field_type: &FieldType) -> Option<Datum> {
        let mut known = value.is_deterministic();
        value.visit(&mut |expr| {
            if let Expr::Parameter { index, .. } = expr {
                known &= *index < self.eval.params.len();
            }
        });
        if !known {
            return None;
        }
        bounds::constant(value, field_type, self.eval).ok()
    }

    /// The value of a column that is equal to a constant, and whether there is one.
    fn value(&self, value: &Expr, field_type: &FieldType) -> Option<(Datum, bool)> {
        let value = self.known(value, field_type)?;
        let (stored, order) = bounds::nearest(&value, field_type, self.eval).ok()?;
        Some((stored, order.is_eq()))
    }

    /// The partitions between the bounds of the first column, or of the function's only one.
    fn ranges(&self, found: &[Constraint]) -> Option<Vec<bool>> {
        let source = self.partitions.source();
        if self.partitions.is_hashed() {
            return None;
        }
        let offset = match source {
            Source::Columns(columns) => columns.first()?.0,
            Source::Function(expr) => {
                rises(expr)?;
                *source.columns().first()?
            }
        };
        let mut marked: Option<Vec<bool>> = None;
        for constraint in found.iter().filter(|constraint| constraint.column == offset) {
            let point = |value: &Expr| {
                let bound = Some((value.clone(), true));
                (bound.clone(), bound)
            };
            let spans: Vec<(Bound, Bound)> = match &constraint.kind {
                Claim::Range(low, high) => vec![(low.clone(), high.clone())],
                Claim::Ranges(ranges) => ranges.clone(),
                Claim::Equal(value) => vec![point(value)],
                Claim::Among(values) => values.iter().map(point).collect(),
                Claim::Same(_) => continue,
            };
            let Some(own) = self.spans(&spans, offset) else { continue };
            marked = Some(match marked {
                None => own,
                Some(known) => known.iter().zip(&own).map(|(one, other)| *one && *other).collect(),
            });
        }
        marked
    }

    /// The partitions of any of these intervals of a column.
    fn spans(&self, spans: &[(Bound, Bound)], offset: usize) -> Option<Vec<bool>> {
        let mut any: Option<Vec<bool>> = None;
        for (low, high) in spans {
            let bounds = KeyBounds {
                low: match low {
                    Some(bound) => Some(self.key(bound, offset, true)?),
                    None => None,
                },
                high: match high {
                    Some(bound) => Some(self.key(bound, offset, false)?),
                    None => None,
                },
            };
            let own = self.partitions.between(&bounds)?;
            any = Some(match any {
                None => own,
                Some(known) => known.iter().zip(&own).map(|(one, other)| *one || *other).collect(),
            });
        }
        let mut any = any?;
        // A date that is none on the calendar is between others, and its day is NULL.
        if let Source::Function(Expr::Call { function, .. }) = self.partitions.source()
            && matches!(function.name(), "to_days" | "to_seconds")
            && let Some(null) = self.partitions.of_null()
        {
            any[null] = true;
        }
        Some(any)
    }

    /// The key of a bound: the lowest inside, or one that is above all inside.
    fn key(&self, (value, inside): &(Expr, bool), offset: usize, low: bool) -> Option<Vec<u8>> {
        let field_type = &self.table.columns[offset].field_type;
        let integers = field_type.kind.class() == Class::Integer;
        let source = self.partitions.source();
        if integers && let Source::Function(Expr::Column { .. }) = source {
            let number = self.integer(&Some((value.clone(), *inside)), field_type, low)?;
            let key = number_key(Some(number));
            return Some(if low { key } else { KeyBounds::behind(key) });
        }
        let constant = self.constant(value, field_type)?;
        let (mut stored, order) = bounds::nearest(&constant, field_type, self.eval).ok()?;
        if integers && !inside && order.is_eq() {
            stored = beside(&stored, low)?;
        }
        let key = match source {
            Source::Columns(_) => {
                let mut key = Vec::new();
                codec::encode_key_value(&stored, field_type, &self.eval.time_zone, &mut key)
                    .ok()?;
                key
            }
            Source::Function(_) => {
                let mut row = vec![Datum::Null; self.table.columns.len()];
                row[offset] = stored.clone();
                number_key(Some(source.number(&row, self.eval).ok()??))
            }
        };
        if low {
            return Some(key);
        }
        let ends =
            !inside && order.is_eq() && (self.begins(&stored) || of_columns(source) && !integers);
        Some(if ends { key } else { KeyBounds::behind(key) })
    }

    /// Whether everything before a moment has a lower number than it.
    fn begins(&self, value: &Datum) -> bool {
        let (Source::Function(Expr::Call { function, .. }), Datum::Time(time)) =
            (self.partitions.source(), value)
        else {
            return false;
        };
        let parts = time.with_kind(TimeKind::DateTime).parts();
        let midnight =
            parts.hour == 0 && parts.minute == 0 && parts.second == 0 && parts.micro == 0;
        match function.name() {
            "year" => midnight && parts.month == 1 && parts.day == 1,
            "to_days" => midnight,
            "to_seconds" | "unix_timestamp" => parts.micro == 0,
            _ => false,
        }
    }
}

fn of_columns(source: &Source) -> bool {
    matches!(source, Source::Columns(_))
}

/// The next integer above (or below).
fn beside(value: &Datum, above: bool) -> Option<Datum> {
    match (value, above) {
        (Datum::Int(number), true) => number.checked_add(1).map(Datum::Int),
        (Datum::Int(number), false) => number.checked_sub(1).map(Datum::Int),
        (Datum::UInt(number), true) => number.checked_add(1).map(Datum::UInt),
        (Datum::UInt(number), false) => number.checked_sub(1).map(Datum::UInt),
        // Only integers have neighbours.
        _ => None,
    }
}

/// Whether a function of one column never falls as the column rises.
fn rises(expr: &Expr) -> Option<()> {
    match expr {
        Expr::Column { .. } => Some(()),
        Expr::Call { function, args, .. } => {
            let rising = ["year", "to_days", "to_seconds", "unix_timestamp"];
            let of_column = matches!(args.as_slice(), [Expr::Column { .. }]);
            (rising.contains(&function.name()) && of_column).then_some(())
        }
        _ => None,
    }
}
