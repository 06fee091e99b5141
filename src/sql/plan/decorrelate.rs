//! What a subquery reads of the rows around it, taken out of it: then it is one side of a join, and runs once.
//!
//! Conditions that read of the row around leave the subquery through joins, projections and groups ([`Unnest::pull`]), and are the
//! conditions of the join. Where the rows around are few and the subquery finds its own by keys that the row around gives, it is better
//! left as it is.

use super::logical::Logical;
use super::lower::key_type;
use super::optimize::optimize;
use super::physical::{ApplyKind, HandleRange, IndexRange, JoinKind, PhysicalPlan, PlanNode};
use super::subquery::{Dependent, DependentKind, has_subquery, subquery_call};
use super::unnest::{Extended, Unnest, first_row, rows_matter, without_not};
use crate::common::SqlResult;
use crate::sql::expr::{Aggregate, AggregateKind, Expr, Function};
use crate::sql::types::Datum;

/// The most rows around for which looking up the subquery's beats joining all of them.
const FEW_ROWS: f64 = 1_000.0;

/// A plan without what reads of rows around, and the conditions that did, over its rows.
type Pulled = Option<(Logical, Vec<Expr>)>;

impl Unnest<'_> {
    /// Leaves out the rows of which a condition is not true that is nothing but a subquery (or NOT one); `false`: it is more.
    pub(super) fn semi_join(&self, input: &mut Extended, predicate: &Expr) -> SqlResult<bool> {
        let (inner, negated) = without_not(predicate);
        let Some(call) = subquery_call(inner) else { return Ok(false) };
        let subquery = self.of(&call)?;
        let args = call.args.iter().cloned().map(|arg| self.value(input, arg));
        let args = args.collect::<SqlResult<Vec<Expr>>>()?;
        let width = args.len() - subquery.parameters.len();
        let (wanted, reads) = args.split_at(width);
        let Some(test) = Test::of(subquery, negated)? else { return Ok(false) };
        let mut bindings: Vec<(usize, Expr)> =
            subquery.parameters.iter().copied().zip(reads.iter().cloned()).collect();
        // As a subquery with one more condition, over the values that are compared.
        let applied = match &subquery.kind {
            DependentKind::Compare { wanted: numbers, .. } => {
                bindings.extend(numbers.iter().copied().zip(wanted.iter().cloned()));
                let condition =
                    test.condition.clone().map(|condition| with_wanted(condition, numbers));
                subquery.plan.clone().filter(condition.transpose()?.into_iter().collect())
            }
            DependentKind::Exists | DependentKind::Row => subquery.plan.clone(),
        };
        let pulled = self.pull(subquery.plan.clone(), &subquery.parameters)?;
        let right = self.plan(first_row(applied))?;
        // A row for which the comparison is unknown is not found by its key.
        let by_keys =
            !test.null_aware && input.rows()? <= FEW_ROWS && self.looks_up(&right, &bindings)?;
        let Some((plan, pulled)) = pulled.filter(|_| !by_keys) else {
            let right = Box::new(right);
            let kind = ApplyKind::Join(test.kind);
            input.plan = Logical::Apply { left: input.take(), right, bindings, kind };
            return Ok(true);
        };
        let left_width = input.plan.width();
        let mut conditions = Vec::with_capacity(pulled.len() + 1);
        for condition in pulled {
            let moved = condition.map_columns(&mut |index| index + left_width);
            conditions.push(bound(moved, &bindings)?);
        }
        if let Some(condition) = test.joined(wanted, left_width)? {
            conditions.extend(condition.split_conjunction());
        }
        let right = Box::new(self.plan(plan)?);
        input.plan = Logical::Join {
            left: input.take(),
            right,
            kind: test.kind,
            conditions,
            null_aware: test.null_aware,
        };
        Ok(true)
    }

    /// Adds the value of an aggregation that depends on the row by equalities alone: groups by what is set equal, joined. `None`: it is
    /// something else, or better looked up.
    pub(super) fn joined_value(
        &self,
        input: &mut Extended,
        subquery: &Dependent,
        args: &[Expr],
    ) -> SqlResult<Option<usize>> {
        let own = &subquery.parameters;
        let Some(value) = Aggregated::of(subquery)? else { return Ok(None) };
        let inside = value.aggregates.iter().flat_map(|aggregate| &aggregate.args);
        let above = value.exprs.iter().chain(&value.having);
        if own.is_empty()
            || inside.chain(above.clone()).any(has_subquery)
            || value.aggregates.iter().flat_map(|a| &a.args).any(|arg| self.reads(arg, own))
        {
            return Ok(None);
        }
        let Some((plan, pulled)) = self.pull(value.input.clone(), own)? else { return Ok(None) };
        let bindings: Vec<(usize, Expr)> = own.iter().copied().zip(args.iter().cloned()).collect();
        let mut keys = Vec::with_capacity(pulled.len());
        for condition in pulled {
            let Some((inner, outer)) = self.equality(&condition, own) else { return Ok(None) };
            keys.push((inner, bound(outer, &bindings)?));
        }
        if input.rows()? <= FEW_ROWS {
            let right = self.plan(subquery.plan.clone())?;
            if self.looks_up(&right, &bindings)? {
                return Ok(None);
            }
        }
        let width = input.plan.width();
        let (inner, outer): (Vec<Expr>, Vec<Expr>) = keys.into_iter().unzip();
        let mut conditions = Vec::with_capacity(outer.len());
        for (position, (inner, outer)) in inner.iter().zip(outer).enumerate() {
            let group = Expr::column(width + position, inner.field_type().clone().nullable());
            conditions.push(Expr::call(Function::Eq, vec![outer, group])?);
        }
        let first = width + inner.len();
        let values = value.over(first, &bindings)?;
        let aggregates = value.aggregates;
        let grouped = Logical::Aggregate { input: Box::new(plan), group_by: inner, aggregates };
        let right = Box::new(self.plan(grouped)?);
        let (left, kind) = (input.take(), JoinKind::Left);
        let mut exprs: Vec<Expr> = left
            .schema()
            .into_iter()
            .enumerate()
            .map(|(index, field_type)| Expr::column(index, field_type))
            .collect();
        exprs.extend(values);
        let joined = Logical::Join { left, right, kind, conditions, null_aware: false };
        input.plan = Logical::Project { input: Box::new(joined), exprs };
        Ok(Some(width))
    }

    /// Whether an expression reads one of these parameters, in a subquery of it perhaps.
    fn reads(&self, expr: &Expr, own: &[usize]) -> bool {
        let mut found = false;
        expr.visit(&mut |node| {
            found |= match node {
                Expr::Parameter { index, .. } => own.contains(index),
                Expr::Call { .. } => subquery_call(node).is_some_and(|call| {
                    self.of(&call).is_ok_and(|subquery| self.plan_reads(&subquery.plan, own))
                }),
                Expr::Column { .. } | Expr::Literal { .. } => false,
            };
        });
        found
    }

    fn plan_reads(&self, plan: &Logical, own: &[usize]) -> bool {
        plan.exprs().into_iter().any(|expr| self.reads(expr, own))
            || plan.children().any(|child| self.plan_reads(child, own))
    }

    /// The plan without conditions that read these parameters. Its columns stay where they are; there may be more behind them.
    fn pull(&self, plan: Logical, own: &[usize]) -> SqlResult<Pulled> {
        if own.is_empty() || !self.plan_reads(&plan, own) {
            return Ok(Some((plan, Vec::new())));
        }
        let read_itself =
            |plan: &Logical| plan.exprs().into_iter().any(|expr| self.reads(expr, own));
        match plan {
            Logical::Filter { input, predicates } => {
                let Some((input, mut pulled)) = self.pull(*input, own)? else { return Ok(None) };
                let parts = predicates.into_iter().flat_map(Expr::split_conjunction);
                let (mine, others): (Vec<Expr>, Vec<Expr>) =
                    parts.partition(|part| self.reads(part, own));
                let movable = |part: &Expr| !has_subquery(part) && part.is_deterministic();
                if !mine.iter().all(movable) {
                    return Ok(None);
                }
                pulled.extend(mine);
                Ok(Some((input.filter(others), pulled)))
            }
            plan if read_itself(&plan) && !matches!(plan, Logical::Join { .. }) => Ok(None),
            Logical::Project { input, exprs } => {
                let Some((input, pulled)) = self.pull(*input, own)? else { return Ok(None) };
                Ok(Some(widened(input, exprs, pulled)))
            }
            Logical::Sort { input, .. } => self.pull(*input, own),
            Logical::Join { left, right, kind, conditions, null_aware } => {
                self.pull_join((*left, *right), kind, (conditions, null_aware), own)
            }
            Logical::Aggregate { input, group_by, aggregates } if !group_by.is_empty() => {
                let Some((input, pulled)) = self.pull(*input, own)? else { return Ok(None) };
                self.pull_groups(input, group_by, aggregates, (pulled, own))
            }
            _ => Ok(None),
        }
    }

    fn pull_join(
        &self,
        (left, right): (Logical, Logical),
        kind: JoinKind,
        (conditions, null_aware): (Vec<Expr>, bool),
        own: &[usize],
    ) -> SqlResult<Pulled> {
        let width = left.width();
        let (mut mine, mut others) = (Vec::new(), Vec::new());
        for part in conditions.into_iter().flat_map(Expr::split_conjunction) {
            if self.reads(&part, own) { mine.push(part) } else { others.push(part) }
        }
        let inner = kind == JoinKind::Inner;
        if mine.iter().any(has_subquery) || (!inner && !mine.is_empty()) {
            return Ok(None);
        }
        let Some((left, pulled)) = self.pull(left, own)? else { return Ok(None) };
        if left.width() != width || (!inner && self.plan_reads(&right, own)) {
            return Ok(None);
        }
        let Some((right, of_right)) = self.pull(right, own)? else { return Ok(None) };
        mine.extend(pulled);
        mine.extend(of_right.into_iter().map(|e| e.map_columns(&mut |index| index + width)));
        let (left, right) = (Box::new(left), Box::new(right));
        Ok(Some((Logical::Join { left, right, kind, conditions: others, null_aware }, mine)))
    }

    /// Groups within the rows of a row around are groups of all rows by what is set equal to it as well.
    fn pull_groups(
        &self,
        input: Logical,
        group_by: Vec<Expr>,
        aggregates: Vec<Aggregate>,
        (pulled, own): (Vec<Expr>, &[usize]),
    ) -> SqlResult<Pulled> {
        let (mut keys, mut outer) = (Vec::new(), Vec::new());
        for condition in pulled {
            let Some((inner, read)) = self.equality(&condition, own) else { return Ok(None) };
            keys.push(inner);
            outer.push(read);
        }
        let (old, count, added) = (group_by.len(), aggregates.len(), keys.len());
        let group_by = group_by.into_iter().chain(keys).collect();
        let grouped = Logical::Aggregate { input: Box::new(input), group_by, aggregates };
        let schema = grouped.schema();
        // The columns as they were, then the new groups.
        let order = (0..old).chain(old + added..old + added + count).chain(old..old + added);
        let exprs = order.map(|index| Expr::column(index, schema[index].clone())).collect();
        let mut conditions = Vec::with_capacity(added);
        for (position, read) in outer.into_iter().enumerate() {
            let group = Expr::column(old + count + position, schema[old + position].clone());
            conditions.push(Expr::call(Function::Eq, vec![group, read])?);
        }
        Ok(Some((Logical::Project { input: Box::new(grouped), exprs }, conditions)))
    }

    /// `own columns = what is read of the row around`, both of the type in which they are equal.
    fn equality(&self, condition: &Expr, own: &[usize]) -> Option<(Expr, Expr)> {
        let Expr::Call { function: Function::Eq, args, field_type } = condition else {
            return None;
        };
        let [first, second] = args.as_slice() else { return None };
        let is_inner = |expr: &Expr| !expr.columns().is_empty() && !self.reads(expr, own);
        let is_outer = |expr: &Expr| expr.columns().is_empty() && self.reads(expr, own);
        let (inner, outer) = match (first, second) {
            (inner, outer) | (outer, inner) if is_inner(inner) && is_outer(outer) => (inner, outer),
            _ => return None,
        };
        let common = key_type(outer.field_type(), inner.field_type(), field_type)?;
        Some((Expr::cast(inner.clone(), common.clone()), Expr::cast(outer.clone(), common)))
    }

    /// Whether a plan finds all its rows by keys that are values of the row around.
    fn looks_up(&self, plan: &Logical, bindings: &[(usize, Expr)]) -> SqlResult<bool> {
        let own: Vec<usize> = bindings.iter().map(|(number, _)| *number).collect();
        let reads = |expr: &Expr| self.reads(expr, &own);
        Ok(finds_by_keys(&optimize(plan.clone())?, &reads))
    }
}

/// What a row must pass in a semi or anti join.
struct Test {
    kind: JoinKind,
    /// Over the values that are compared, then the subquery's row.
    condition: Option<Expr>,
    null_aware: bool,
}

impl Test {
    /// Of a subquery alone as a condition, or NOT one.
    fn of(subquery: &Dependent, negated: bool) -> SqlResult<Option<Test>> {
        let (condition, all) = match &subquery.kind {
            DependentKind::Row => return Ok(None),
            DependentKind::Exists => {
                let kind = if negated { JoinKind::Anti } else { JoinKind::Semi };
                return Ok(Some(Test { kind, condition: None, null_aware: false }));
            }
            DependentKind::Compare { condition, all, .. } => (condition.clone(), *all),
        };
        let call = |function, arg| Expr::call(function, vec![arg]);
        let known = condition.field_type().not_null;
        let mut null_aware = false;
        let (kind, condition) = match (all, negated) {
            (false, false) => (JoinKind::Semi, condition),
            (false, true) if known => (JoinKind::Anti, condition),
            // A row for which it is unknown is in the way as well.
            (false, true) => {
                null_aware = is_equality(&condition) && subquery.parameters.is_empty();
                (JoinKind::Anti, condition)
            }
            (true, false) => {
                (JoinKind::Anti, call(Function::Not, call(Function::IsTrue, condition)?)?)
            }
            (true, true) => (JoinKind::Semi, call(Function::IsFalse, condition)?),
        };
        let blocks = !all && negated && !known && !null_aware;
        let condition = if blocks { not_false(condition)? } else { condition };
        Ok(Some(Test { kind, condition: Some(condition), null_aware }))
    }

    /// The condition over rows around (so wide), then the subquery's.
    fn joined(&self, wanted: &[Expr], width: usize) -> SqlResult<Option<Expr>> {
        let Some(condition) = self.condition.clone() else { return Ok(None) };
        let condition = condition.transform(&mut |node| {
            Ok(match node {
                Expr::Column { index, field_type } => match wanted.get(index) {
                    Some(wanted) => wanted.clone(),
                    None => Expr::column(index - wanted.len() + width, field_type),
                },
                other => other,
            })
        })?;
        Ok(Some(condition))
    }
}

fn is_equality(condition: &Expr) -> bool {
    matches!(condition, Expr::Call { function: Function::Eq, .. })
}

fn not_false(condition: Expr) -> SqlResult<Expr> {
    let is_false = Expr::call(Function::IsFalse, vec![condition])?;
    Expr::call(Function::Not, vec![is_false])
}

/// A condition over values that are compared and a subquery's row, with parameters for those values.
fn with_wanted(condition: Expr, numbers: &[usize]) -> SqlResult<Expr> {
    condition.transform(&mut |node| {
        Ok(match node {
            Expr::Column { index, field_type } => match numbers.get(index) {
                Some(number) => Expr::Parameter { index: *number, field_type },
                None => Expr::column(index - numbers.len(), field_type),
            },
            other => other,
        })
    })
}

/// An expression with what parameters stand for.
fn bound(expr: Expr, bindings: &[(usize, Expr)]) -> SqlResult<Expr> {
    expr.transform(&mut |node| {
        let Expr::Parameter { index, .. } = &node else { return Ok(node) };
        let found = bindings.iter().find(|(number, _)| number == index);
        Ok(found.map_or_else(|| node.clone(), |(_, value)| value.clone()))
    })
}

/// A projection that also gives the columns that conditions read; with the conditions over its columns.
fn widened(input: Logical, mut exprs: Vec<Expr>, pulled: Vec<Expr>) -> (Logical, Vec<Expr>) {
    let schema = input.schema();
    let mut place = |index: usize| {
        let column = Expr::column(index, schema[index].clone());
        exprs.iter().position(|known| *known == column).unwrap_or_else(|| {
            exprs.push(column);
            exprs.len() - 1
        })
    };
    let pulled = pulled.into_iter().map(|condition| condition.map_columns(&mut place)).collect();
    (Logical::Project { input: Box::new(input), exprs }, pulled)
}

/// A subquery that is one row of aggregates, whatever rows there are.
struct Aggregated {
    input: Logical,
    aggregates: Vec<Aggregate>,
    /// Over the aggregates.
    exprs: Vec<Expr>,
    having: Vec<Expr>,
}

impl Aggregated {
    fn of(subquery: &Dependent) -> SqlResult<Option<Aggregated>> {
        match &subquery.kind {
            DependentKind::Compare { .. } => Ok(None),
            DependentKind::Exists => {
                let count = Aggregate::new(
                    AggregateKind::Count,
                    vec![Expr::literal(Datum::Int(1))],
                    false,
                )?;
                let found = Expr::column(0, count.field_type.clone());
                let found = Expr::call(Function::Gt, vec![found, Expr::literal(Datum::Int(0))])?;
                let input = rows_matter(subquery.plan.clone());
                let (exprs, having) = (vec![found], Vec::new());
                Ok(Some(Aggregated { input, aggregates: vec![count], exprs, having }))
            }
            DependentKind::Row => {
                let Logical::Project { input, exprs } = &subquery.plan else { return Ok(None) };
                let (input, having) = match &**input {
                    Logical::Filter { input, predicates } => (&**input, predicates.clone()),
                    input => (input, Vec::new()),
                };
                let Logical::Aggregate { input, group_by, aggregates } = input else {
                    return Ok(None);
                };
                if !group_by.is_empty() || !aggregates.iter().all(is_null_of_nothing_or_count) {
                    return Ok(None);
                }
                let (input, aggregates) = ((**input).clone(), aggregates.clone());
                Ok(Some(Aggregated { input, aggregates, exprs: exprs.clone(), having }))
            }
        }
    }

    /// The values over rows that have the aggregates from `first` on, or NULLs for no rows.
    fn over(&self, first: usize, bindings: &[(usize, Expr)]) -> SqlResult<Vec<Expr>> {
        let value = |expr: Expr| {
            let moved = expr.transform(&mut |node| match node {
                Expr::Column { index, field_type } => {
                    let column = Expr::column(first + index, field_type.nullable());
                    if self.aggregates[index].kind != AggregateKind::Count {
                        return Ok(column);
                    }
                    Expr::call(Function::Coalesce, vec![column, Expr::literal(Datum::Int(0))])
                }
                other => Ok(other),
            })?;
            bound(moved, bindings)
        };
        let having = Expr::conjunction(self.having.clone()).map(value).transpose()?;
        let mut values = Vec::with_capacity(self.exprs.len());
        for expr in &self.exprs {
            let found = value(expr.clone())?;
            values.push(match &having {
                None => found,
                Some(having) => {
                    let field_type = found.field_type().clone().nullable();
                    let args = vec![having.clone(), found, Expr::null()];
                    Expr::call_as(Function::If, args, field_type)?
                }
            });
        }
        Ok(values)
    }
}

/// Whether an aggregate is NULL of no rows, or their count.
fn is_null_of_nothing_or_count(aggregate: &Aggregate) -> bool {
    matches!(
        aggregate.kind,
        AggregateKind::Count
            | AggregateKind::Sum
            | AggregateKind::Avg
            | AggregateKind::Min
            | AggregateKind::Max
            | AggregateKind::GroupConcat
            | AggregateKind::AnyValue
    )
}

/// Whether a plan reads stored rows only by keys in which `reads` finds something.
fn finds_by_keys(plan: &PhysicalPlan, reads: &dyn Fn(&Expr) -> bool) -> bool {
    let side = |bound: &Option<(Expr, bool)>| bound.as_ref().is_some_and(|(expr, _)| reads(expr));
    match &plan.node {
        PlanNode::PointGet { .. } | PlanNode::BatchPointGet { .. } => true,
        PlanNode::TableScan { ranges, .. } => {
            ranges.iter().any(|HandleRange { low, high }| side(low) || side(high))
        }
        PlanNode::IndexScan { ranges, .. } => {
            ranges.iter().any(|IndexRange { equal, low, high }| {
                equal.iter().any(reads) || side(low) || side(high)
            })
        }
        PlanNode::Virtual { .. }
        | PlanNode::Common { .. }
        | PlanNode::Rows { .. }
        | PlanNode::Ranked { .. } => false,
        node => node.children().all(|child| finds_by_keys(child, reads)),
    }
}
