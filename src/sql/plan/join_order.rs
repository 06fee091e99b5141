//! In which order tables are joined.
//!
//! Inner joins give the same rows in any order; what it takes differs by orders of magnitude. Where the tables were analyzed, the order
//! is the one in which the fewest rows are read and handed on: found by going through all sets of tables up to [`MOST_EXACT`] of them, and
//! beyond by taking the best next one. The joined rows are one chain: each table is joined to all before it, as the executor
//! looks rows up. Without statistics the order of the text stays; so it does under STRAIGHT_JOIN and for what is locked, whose order the
//! statement decides, and unless another one is better by far, so that plans do not change with every few rows.

use super::binder::check;
use super::cardinality::{Cardinality, FEW_ROWS, LOOKUP_COST};
use super::join_hints;
use super::logical::{Logical, Scan};
use super::lookup::LOOKUP_ROWS;
use super::lower;
use super::physical::{AccessLock, JoinKind, PhysicalPlan, PlanNode};
use crate::common::SqlResult;
use crate::sql::expr::{Expr, Function};

/// With more tables not all orders are looked at.
const MOST_EXACT: usize = 10;

/// How many tables the order of many may begin with.
const BEGINNINGS: usize = 8;

/// Another order than the text's takes less than this part of what that one takes.
const BETTER: f64 = 0.7;

/// A condition of another kind than the equality of two columns leaves this part.
const OTHER_PART: f64 = 1.0 / 3.0;

/// The plan with its inner joins in the order that takes least.
pub(super) fn reorder(plan: Logical) -> SqlResult<Logical> {
    check()?;
    let is_chain = matches!(plan, Logical::Join { kind: JoinKind::Inner, null_aware: false, .. });
    if is_chain && is_free(&plan) && is_asked_for(&plan) {
        return chain(plan);
    }
    let mut failed = None;
    let plan = plan.map_children(&mut |child| {
        reorder(child).unwrap_or_else(|error| {
            failed = Some(error);
            Logical::Dual
        })
    });
    match failed {
        Some(error) => Err(error),
        None => Ok(plan),
    }
}

/// Whether enough is known of its tables to look for an order, or hints ask for one.
fn is_asked_for(plan: &Logical) -> bool {
    let is_hinted =
        |plan: &Logical| matches!(plan, Logical::Scan(scan) if !scan.placings.is_empty());
    any(plan, &is_hinted)
        || !any(plan, &|plan| matches!(plan, Logical::Scan(scan) if scan.stats.is_none()))
}

fn any(plan: &Logical, is: &impl Fn(&Logical) -> bool) -> bool {
    is(plan) || plan.children().any(|child| any(child, is))
}

/// Whether the order of its tables is free.
fn is_free(plan: &Logical) -> bool {
    match plan {
        Logical::Scan(scan) => !scan.fixed && scan.lock == AccessLock::None,
        Logical::Virtual { .. } | Logical::Common { .. } => false,
        other => other.children().all(is_free),
    }
}

/// Tables that are joined, and what their rows must fulfil together.
#[derive(Default)]
struct Chain {
    tables: Vec<Table>,
    conditions: Vec<Condition>,
    /// Which tables hints put before each.
    before: Vec<u64>,
}

/// One of them.
struct Table {
    plan: Logical,
    /// Where its columns begin in the text's order.
    start: usize,
    /// How many rows it gives.
    rows: f64,
    /// What it takes to read them.
    read: f64,
}

/// A condition over several.
struct Condition {
    /// Over the columns in the text's order.
    expr: Expr,
    /// Which tables it is about.
    tables: u64,
    /// The part of the pairs that it leaves.
    part: f64,
    /// The columns, if two are equal: each a table and a position in it.
    equal: Option<[(usize, usize); 2]>,
}

fn chain(plan: Logical) -> SqlResult<Logical> {
    let width = plan.width();
    let mut found = Chain::default();
    let mut conditions = Vec::new();
    flatten(plan, 0, &mut found.tables, &mut conditions)?;
    let steady = conditions.iter().all(|expr| {
        expr.is_deterministic() && expr.columns().last().is_none_or(|last| *last < width)
    });
    for expr in conditions {
        let condition = found.condition(expr);
        found.conditions.push(condition);
    }
    let text: Vec<usize> = (0..found.tables.len()).collect();
    if !steady || text.len() > 63 {
        return found.joined(&text);
    }
    found.before = join_hints::before(&found.tables.iter().map(Table::scan).collect::<Vec<_>>());
    let (order, cost) = if text.len() <= MOST_EXACT { found.best() } else { found.step_by_step() };
    let complete = order.len() == text.len();
    let better = cost < found.cost(&text) * BETTER || !found.allows(&text);
    found.joined(if complete && better { &order } else { &text })
}

/// The tables of nested inner joins, and all their conditions.
fn flatten(
    plan: Logical,
    start: usize,
    tables: &mut Vec<Table>,
    found: &mut Vec<Expr>,
) -> SqlResult<()> {
    match plan {
        Logical::Join { left, right, kind: JoinKind::Inner, conditions, null_aware: false } => {
            let width = left.width();
            flatten(*left, start, tables, found)?;
            flatten(*right, start + width, tables, found)?;
            let moved = conditions.into_iter().map(|on| on.map_columns(&mut |c| c + start));
            found.extend(moved);
        }
        other => {
            let plan = reorder(other)?;
            let read = lower::lower(plan.clone())?;
            tables.push(Table {
                start,
                rows: read.estimated_rows,
                read: reading(&read, &plan),
                plan,
            });
        }
    }
    Ok(())
}

/// What it takes to read a plan's rows.
fn reading(physical: &PhysicalPlan, plan: &Logical) -> f64 {
    let Logical::Scan(scan) = plan else { return physical.estimated_rows };
    let whole = physical.any(&mut |node: &PlanNode| match node {
        PlanNode::TableScan { ranges, .. } => ranges.is_empty(),
        PlanNode::IndexScan { ranges, .. } => ranges.is_empty(),
        _ => false,
    });
    if whole { Cardinality::of(scan).rows() } else { physical.estimated_rows * LOOKUP_COST }
}

impl Table {
    fn scan(&self) -> Option<&Scan> {
        match &self.plan {
            Logical::Scan(scan) => Some(scan),
            _ => None,
        }
    }

    /// How many different values a column has.
    fn different(&self, column: usize) -> f64 {
        let known = self.scan().and_then(|scan| {
            Cardinality::of(scan).values(*scan.outputs.get(column)?).map(|(different, _)| different)
        });
        known.map_or(self.rows, |different| different.min(self.rows)).max(1.0)
    }

    /// How many rows have one key in some columns, if an index finds them.
    fn matches(&self, columns: &[usize]) -> Option<f64> {
        let scan = self.scan()?;
        let offsets: Vec<usize> = columns.iter().map(|column| scan.outputs[*column]).collect();
        if scan.table.handle_column.is_some_and(|handle| offsets.contains(&handle))
            && scan.choice.finds_by(None)
        {
            return Some(1.0);
        }
        let cardinality = Cardinality::of(scan);
        let usable = scan.table.indexes.iter().filter(|index| index.is_usable());
        let found = usable.filter(|index| scan.choice.finds_by(Some(index))).filter_map(|index| {
            let keys = index.columns.iter().take_while(|key| key.prefix_len.is_none());
            let keys: Vec<usize> =
                keys.map(|key| key.offset).take_while(|key| offsets.contains(key)).collect();
            let unique = index.unique && keys.len() == index.columns.len();
            let matches = if unique { 1.0 } else { cardinality.matches(keys.iter().copied()) };
            (!keys.is_empty()).then_some(matches)
        });
        found.min_by(f64::total_cmp)
    }
}

impl Chain {
    fn table_of(&self, column: usize) -> usize {
        self.tables.partition_point(|table| table.start <= column).saturating_sub(1)
    }

    fn condition(&self, expr: Expr) -> Condition {
        let columns = expr.columns();
        let tables = columns.iter().fold(0, |all, column| all | 1 << self.table_of(*column));
        let place = |column: usize| {
            let table = self.table_of(column);
            (table, column - self.tables[table].start)
        };
        let equal = match &expr {
            Expr::Call { function: Function::Eq, args, .. } => {
                let sides: Vec<_> = args.iter().map(Expr::columns).collect();
                match sides.as_slice() {
                    [left, right] if left.len() == 1 && right.len() == 1 => {
                        let side = |columns: &std::collections::BTreeSet<usize>| {
                            columns.first().copied().map(place)
                        };
                        side(left).zip(side(right)).map(|(left, right)| [left, right])
                    }
                    _ => None,
                }
            }
            _ => None,
        };
        let equal = equal.filter(|[left, right]| left.0 != right.0);
        let part = equal.map_or(OTHER_PART, |sides| {
            let different = sides.map(|(table, column)| self.tables[table].different(column));
            1.0 / different[0].max(different[1])
        });
        Condition { expr, tables, part, equal }
    }

    /// What it takes to join one more table to rows of others, and how many rows there are then.
    fn step(&self, joined: u64, rows: f64, next: usize) -> (f64, f64) {
        let table = &self.tables[next];
        let all = joined | 1 << next;
        let mut given = rows * table.rows;
        let mut columns = Vec::new();
        for condition in &self.conditions {
            let is_new = condition.tables & !all == 0 && condition.tables & !joined != 0;
            if !is_new {
                continue;
            }
            given *= condition.part;
            let own = condition.equal.iter().flatten().find(|(table, _)| *table == next);
            columns.extend(own.map(|(_, column)| *column));
        }
        let looked_up = table.matches(&columns).map(|matches| rows * matches * LOOKUP_COST);
        let most = table.scan().map_or(0.0, |scan| Cardinality::of(scan).rows().max(FEW_ROWS));
        let taken = match looked_up {
            Some(cost) if rows <= LOOKUP_ROWS && cost <= most => cost,
            // Every pair is looked at.
            _ if columns.is_empty() => table.read + rows * table.rows,
            _ => table.read + rows,
        };
        (taken + given, given.max(1.0))
    }

    /// Whether hints allow an order.
    fn allows(&self, order: &[usize]) -> bool {
        let mut joined = 0_u64;
        order.iter().all(|table| {
            let allowed = self.before[*table] & !joined == 0;
            joined |= 1 << table;
            allowed
        })
    }

    /// What an order takes.
    fn cost(&self, order: &[usize]) -> f64 {
        let Some((first, others)) = order.split_first() else { return 0.0 };
        let (mut cost, mut rows) = (self.tables[*first].read, self.tables[*first].rows);
        let mut joined = 1 << first;
        for next in others {
            let (taken, given) = self.step(joined, rows, *next);
            (cost, rows) = (cost + taken, given);
            joined |= 1 << next;
        }
        cost
    }

    /// The best order of few tables: of every set of them the best one, from the small sets to the large.
    fn best(&self) -> (Vec<usize>, f64) {
        let count = self.tables.len();
        // Of each set: what it takes, how many rows there are, which table is the last.
        let mut sets: Vec<Option<(f64, f64, usize)>> = vec![None; 1 << count];
        for (number, table) in self.tables.iter().enumerate() {
            if self.before[number] != 0 {
                continue;
            }
            sets[1 << number] = Some((table.read, table.rows, number));
        }
        for set in 1..sets.len() {
            let Some((cost, rows, _)) = sets[set] else { continue };
            let open = (0..count).filter(|next| set & 1 << next == 0);
            for next in open.filter(|next| self.before[*next] & !(set as u64) == 0) {
                let (taken, given) = self.step(set as u64, rows, next);
                let more = &mut sets[set | 1 << next];
                if more.is_none_or(|(known, ..)| cost + taken < known) {
                    *more = Some((cost + taken, given, next));
                }
            }
        }
        let mut set = sets.len() - 1;
        let cost = sets[set].map_or(f64::INFINITY, |(cost, ..)| cost);
        let mut order = Vec::with_capacity(count);
        while let Some((_, _, last)) = sets[set] {
            order.push(last);
            set &= !(1 << last);
        }
        order.reverse();
        (order, cost)
    }

    /// A good order of many tables: the best next one after some beginnings.
    fn step_by_step(&self) -> (Vec<usize>, f64) {
        let mut smallest: Vec<usize> = (0..self.tables.len()).collect();
        smallest.sort_by(|a, b| self.tables[*a].rows.total_cmp(&self.tables[*b].rows));
        smallest.retain(|table| self.before[*table] == 0);
        let orders = smallest.iter().take(BEGINNINGS).map(|first| {
            let mut order = vec![*first];
            let (mut joined, mut rows) = (1_u64 << first, self.tables[*first].rows);
            while order.len() < self.tables.len() {
                let open = (0..self.tables.len()).filter(|table| joined & 1 << table == 0);
                let open = open.filter(|table| self.before[*table] & !joined == 0);
                let steps = open.map(|next| (self.step(joined, rows, next), next));
                let best = steps.min_by(|((a, _), _), ((b, _), _)| a.total_cmp(b));
                let Some(((_, given), next)) = best else { break };
                rows = given;
                joined |= 1 << next;
                order.push(next);
            }
            let cost = self.cost(&order);
            (order, cost)
        });
        let best = orders.min_by(|(_, a), (_, b)| a.total_cmp(b));
        best.unwrap_or_else(|| (smallest.clone(), f64::INFINITY))
    }

    /// The joins in an order, with the columns in the text's.
    fn joined(self, order: &[usize]) -> SqlResult<Logical> {
        let width = self.tables.iter().map(|table| table.plan.width()).sum();
        let mut places = vec![0; width];
        let mut tables: Vec<Option<Table>> = self.tables.into_iter().map(Some).collect();
        let mut conditions = self.conditions;
        let (mut joined, mut plan, mut end) = (0_u64, None, 0);
        for number in order {
            let Some(table) = tables[*number].take() else { continue };
            for column in 0..table.plan.width() {
                places[table.start + column] = end;
                end += 1;
            }
            joined |= 1 << number;
            let Some(left) = plan.take() else {
                plan = Some(table.plan);
                continue;
            };
            let (ready, open): (Vec<Condition>, Vec<Condition>) =
                conditions.into_iter().partition(|condition| condition.tables & !joined == 0);
            conditions = open;
            let ready = ready.into_iter().map(|condition| condition.expr);
            plan = Some(Logical::Join {
                left: Box::new(left),
                right: Box::new(table.plan),
                kind: JoinKind::Inner,
                conditions: ready
                    .map(|on| {
                        on.map_columns(&mut |column| places.get(column).copied().unwrap_or(column))
                    })
                    .collect(),
                null_aware: false,
            });
        }
        let plan = plan.unwrap_or(Logical::Dual);
        if places.iter().enumerate().all(|(column, place)| column == *place) {
            return Ok(plan);
        }
        let schema = plan.schema();
        let column = |place: &usize| Expr::column(*place, schema[*place].clone());
        let exprs = places.iter().map(column).collect();
        Ok(Logical::Project { input: Box::new(plan), exprs })
    }
}
