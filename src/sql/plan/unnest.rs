//! Subqueries that depend on rows around them become operators.
//!
//! A condition that a row has (no) rows in a subquery is a semi (anti) join, as far as what the subquery reads of the row is in
//! conditions that can be taken out of it ([`super::decorrelate`]); the value of an aggregation for a row is that of its group, joined.
//! What cannot be taken apart so, and what is found by keys for few rows, runs for each row: [`Logical::Apply`]. Behind this rule there
//! is no call of a subquery left.

use std::cell::Cell;
use std::mem;

use super::binder::check;
use super::logical::Logical;
use super::optimize::optimize;
use super::outer::is_outer;
use super::physical::{ApplyKind, JoinKind, SortKey};
use super::subquery::{Dependent, DependentKind, SubqueryCall, has_subquery, subquery_call};
use crate::common::{SqlError, SqlResult};
use crate::sql::expr::{Aggregate, Expr, Function};
use crate::sql::types::{Datum, FieldType};

/// The rule, with the subqueries that calls are of.
pub(super) struct Unnest<'b> {
    pub(super) dependent: &'b [Dependent],
    /// The number of the next parameter that is a value of a row around.
    pub(super) next_outer: Cell<usize>,
}

/// A call by its number and arguments, with where its values begin and what says whether they are the only ones.
type Known = (usize, Vec<Expr>, (usize, Option<usize>));

/// A plan with more columns behind its own: values of subqueries.
pub(super) struct Extended {
    pub(super) plan: Logical,
    known: Vec<Known>,
    /// How many rows it is expected to have.
    rows: Option<f64>,
}

impl From<Logical> for Extended {
    fn from(plan: Logical) -> Extended {
        Extended { plan, known: Vec::new(), rows: None }
    }
}

impl Extended {
    /// How many rows it is expected to have. What is joined to it does not change that much.
    pub(super) fn rows(&mut self) -> SqlResult<f64> {
        if let Some(rows) = self.rows {
            return Ok(rows);
        }
        let rows = optimize(self.plan.clone())?.estimated_rows;
        self.rows = Some(rows);
        Ok(rows)
    }

    /// The plan for something to be put over it.
    pub(super) fn take(&mut self) -> Box<Logical> {
        Box::new(mem::replace(&mut self.plan, Logical::Dual))
    }
}

/// By what the rows of a plan are ordered.
fn order_of(plan: &Logical) -> Option<Vec<SortKey>> {
    match plan {
        Logical::Sort { keys, .. } => Some(keys.clone()),
        Logical::Limit { input, .. } => order_of(input),
        _ => None,
    }
}

impl Unnest<'_> {
    /// The plan without calls, of the same columns.
    pub(super) fn plan(&self, plan: Logical) -> SqlResult<Logical> {
        if self.dependent.is_empty() {
            return Ok(plan);
        }
        let width = plan.width();
        Ok(trimmed(self.extended(plan)?.plan, width))
    }

    fn extended(&self, plan: Logical) -> SqlResult<Extended> {
        check()?;
        match plan {
            Logical::Filter { input, predicates } => {
                let input = self.extended(*input)?;
                self.filter(input, predicates)
            }
            Logical::Project { input, exprs } => {
                let mut input = self.extended(*input)?;
                let (order, width) = (order_of(&input.plan), input.plan.width());
                let exprs = self.values(&mut input, exprs)?;
                // A join does not keep the order of its rows.
                if let Some(keys) = order.filter(|_| input.plan.width() > width) {
                    input.plan = Logical::Sort { input: input.take(), keys };
                }
                Ok(Logical::Project { input: input.take(), exprs }.into())
            }
            Logical::Sort { input, keys } => {
                let mut input = self.extended(*input)?;
                let mut sorted = Vec::with_capacity(keys.len());
                for SortKey { expr, descending } in keys {
                    sorted.push(SortKey { expr: self.value(&mut input, expr)?, descending });
                }
                input.plan = Logical::Sort { input: input.take(), keys: sorted };
                Ok(input)
            }
            Logical::Limit { input, offset, limit } => {
                let mut input = self.extended(*input)?;
                input.plan = Logical::Limit { input: input.take(), offset, limit };
                input.rows = None;
                Ok(input)
            }
            Logical::Aggregate { input, group_by, aggregates } => {
                let mut input = self.extended(*input)?;
                let group_by = self.values(&mut input, group_by)?;
                let mut grouped: Vec<Aggregate> = Vec::with_capacity(aggregates.len());
                for mut aggregate in aggregates {
                    aggregate.args = self.values(&mut input, aggregate.args)?;
                    grouped.push(aggregate);
                }
                let input = input.take();
                Ok(Logical::Aggregate { input, group_by, aggregates: grouped }.into())
            }
            Logical::Join { left, right, kind, conditions, null_aware } => {
                self.join((*left, *right), kind, conditions, null_aware)
            }
            Logical::Values { rows, schema } if rows.iter().flatten().any(has_subquery) => {
                let inputs = rows.into_iter().map(|exprs| {
                    self.plan(Logical::Project { input: Box::new(Logical::Dual), exprs })
                });
                let inputs = inputs.collect::<SqlResult<Vec<Logical>>>()?;
                debug_assert!(inputs.iter().all(|input| input.width() == schema.len()));
                Ok(Logical::UnionAll { inputs }.into())
            }
            window @ Logical::Window { .. } if reads_subquery(&window) => self.window(window),
            other if reads_subquery(&other) => {
                Err(SqlError::unsupported("a subquery in what is no expression over a row"))
            }
            other => {
                let mut failed = None;
                let plan = other.map_children(&mut |child| {
                    self.plan(child).unwrap_or_else(|error| {
                        failed = Some(error);
                        Logical::Dual
                    })
                });
                match failed {
                    Some(error) => Err(error),
                    None => Ok(plan.into()),
                }
            }
        }
    }

    /// Functions over windows: what their subqueries give stands below them, and not above.
    fn window(&self, mut window: Logical) -> SqlResult<Extended> {
        let mut input = Extended::from(Logical::Dual);
        let mut width = 0;
        for child in window.children_mut() {
            width = child.width();
            input = self.extended(mem::replace(child, Logical::Dual))?;
        }
        let mut failed = None;
        window = window.map_exprs(&mut |expr| {
            self.value(&mut input, expr).unwrap_or_else(|error| {
                failed = Some(error);
                Expr::null()
            })
        });
        let below = input.plan.width();
        for child in window.children_mut() {
            *child = *input.take();
        }
        let schema = window.schema();
        let kept = (0..width).chain(below..schema.len());
        let exprs = kept.map(|index| Expr::column(index, schema[index].clone())).collect();
        let plan = Logical::Project { input: Box::new(window), exprs };
        match failed {
            Some(error) => Err(error),
            None => Ok(plan.into()),
        }
    }

    /// Conditions: those without subqueries first, then those that leave rows out by joins.
    fn filter(&self, mut input: Extended, predicates: Vec<Expr>) -> SqlResult<Extended> {
        let parts = predicates.into_iter().flat_map(Expr::split_conjunction);
        let (nested, plain): (Vec<Expr>, Vec<Expr>) = parts.partition(has_subquery);
        if !plain.is_empty() {
            input.plan = input.take().filter(plain);
            input.rows = None;
        }
        let mut values = Vec::new();
        for predicate in nested {
            if !self.semi_join(&mut input, &predicate)? {
                values.push(predicate);
            }
        }
        if !values.is_empty() {
            let values = self.values(&mut input, values)?;
            input.plan = input.take().filter(values);
        }
        Ok(input)
    }

    fn join(
        &self,
        (left, right): (Logical, Logical),
        kind: JoinKind,
        conditions: Vec<Expr>,
        null_aware: bool,
    ) -> SqlResult<Extended> {
        let width = left.width();
        let (left, mut right) = (self.plan(left)?, self.plan(right)?);
        let (mut nested, plain): (Vec<Expr>, Vec<Expr>) =
            conditions.into_iter().flat_map(Expr::split_conjunction).partition(has_subquery);
        if kind != JoinKind::Left || nested.is_empty() {
            let (left, right) = (Box::new(left), Box::new(right));
            let join = Logical::Join { left, right, kind, conditions: plain, null_aware };
            return self.filter(join.into(), nested);
        }
        // What is said of the right rows alone decides which of them there are.
        let of_right = |expr: &Expr| expr.columns().first().is_some_and(|first| *first >= width);
        let (own, both): (Vec<Expr>, Vec<Expr>) = nested.drain(..).partition(of_right);
        let own = own.into_iter().map(|expr| expr.map_columns(&mut |index| index - width));
        right = self.plan(right.filter(own.collect()))?;
        if both.is_empty() {
            let (left, right) = (Box::new(left), Box::new(right));
            return Ok(Logical::Join { left, right, kind, conditions: plain, null_aware }.into());
        }
        let mut bindings = Vec::new();
        let conditions = plain.into_iter().chain(both);
        let mut number = self.next_outer.get();
        let conditions = conditions.map(|expr| inside(expr, width, &mut bindings, &mut number));
        let conditions = conditions.collect::<SqlResult<Vec<Expr>>>()?;
        self.next_outer.set(number);
        let right = self.plan(right.filter(conditions))?;
        let (left, right) = (Box::new(left), Box::new(right));
        Ok(Logical::Apply { left, right, bindings, kind: ApplyKind::Join(kind) }.into())
    }

    fn values(&self, input: &mut Extended, exprs: Vec<Expr>) -> SqlResult<Vec<Expr>> {
        exprs.into_iter().map(|expr| self.value(input, expr)).collect()
    }

    /// The expression with columns of the plan in place of calls; the plan gets those it has not.
    pub(super) fn value(&self, input: &mut Extended, expr: Expr) -> SqlResult<Expr> {
        if !has_subquery(&expr) {
            return Ok(expr);
        }
        expr.transform(&mut |node| match subquery_call(&node) {
            None => Ok(node),
            Some(call) => {
                let (first, more) = self.column(input, &call)?;
                let field_type = node.field_type().clone();
                let value = Expr::column(first + call.column, field_type.clone());
                let Some(more) = more else { return Ok(value) };
                let args = vec![Expr::column(more, FieldType::boolean().not_null()), value];
                Ok(Expr::Call { function: Function::OnlyRow, args, field_type })
            }
        })
    }

    /// Where the values of a call begin, and which column says that they are of one row of several, if they may be.
    fn column(
        &self,
        input: &mut Extended,
        call: &SubqueryCall<'_>,
    ) -> SqlResult<(usize, Option<usize>)> {
        let is_it = |(number, args, _): &&Known| *number == call.number && args == call.args;
        if let Some((_, _, columns)) = input.known.iter().find(is_it) {
            return Ok(*columns);
        }
        let subquery = self.of(call)?;
        let columns = match self.joined_value(input, subquery, call.args)? {
            Some(column) => (column, None),
            None => {
                let column = self.applied_value(input, subquery, call.args)?;
                let one = subquery.kind != DependentKind::Row || has_one_row(&subquery.plan);
                (column, (!one).then(|| input.plan.width() - 1))
            }
        };
        input.known.push((call.number, call.args.to_vec(), columns));
        Ok(columns)
    }

    /// The subquery that a call is of.
    pub(super) fn of(&self, call: &SubqueryCall<'_>) -> SqlResult<&Dependent> {
        let found = self.dependent.get(call.number);
        found.ok_or_else(|| SqlError::internal("a call of no subquery"))
    }

    /// Adds the values of a subquery that runs for each row.
    fn applied_value(
        &self,
        input: &mut Extended,
        subquery: &Dependent,
        args: &[Expr],
    ) -> SqlResult<usize> {
        let column = input.plan.width();
        let mut plan = subquery.plan.clone();
        let (wanted, reads) = args.split_at(args.len() - subquery.parameters.len());
        let kind = match &subquery.kind {
            DependentKind::Row => ApplyKind::Row,
            DependentKind::Exists => {
                plan = first_row(plan);
                ApplyKind::Exists
            }
            DependentKind::Compare { condition, all, .. } => ApplyKind::Compare {
                wanted: wanted.to_vec(),
                condition: condition.clone(),
                all: *all,
            },
        };
        let right = Box::new(self.plan(plan)?);
        let bindings = subquery.parameters.iter().copied().zip(reads.iter().cloned()).collect();
        input.plan = Logical::Apply { left: input.take(), right, bindings, kind };
        Ok(column)
    }
}

/// A condition over left rows (of this width) and right ones as one of the right ones: the left's columns become parameters, with
/// numbers from `next` on.
pub(super) fn inside(
    condition: Expr,
    width: usize,
    bindings: &mut Vec<(usize, Expr)>,
    next: &mut usize,
) -> SqlResult<Expr> {
    condition.transform(&mut |node| {
        let Expr::Column { index, field_type } = node else { return Ok(node) };
        // What is read of rows further out is known here as well.
        if is_outer(index) {
            return Ok(Expr::Column { index, field_type });
        }
        if index >= width {
            return Ok(Expr::Column { index: index - width, field_type });
        }
        let column = Expr::column(index, field_type.clone());
        let known = bindings.iter().find(|(_, bound)| *bound == column);
        let number = known.map(|(number, _)| *number).unwrap_or_else(|| {
            *next += 1;
            *next - 1
        });
        if bindings.iter().all(|(known, _)| *known != number) {
            bindings.push((number, column));
        }
        Ok(Expr::Parameter { index: number, field_type })
    })
}

/// Whether there are rows is seen by the first one.
pub(super) fn first_row(plan: Logical) -> Logical {
    let limit = Some(Expr::literal(Datum::Int(1)));
    Logical::Limit { input: Box::new(plan), offset: None, limit }
}

/// Whether a plan has one row at most, whatever there is in its tables.
fn has_one_row(plan: &Logical) -> bool {
    match plan {
        Logical::Dual => true,
        Logical::Values { rows, .. } => rows.len() <= 1,
        Logical::Aggregate { group_by, .. } => group_by.is_empty(),
        Logical::Limit { input, limit, .. } => {
            let count = limit.as_ref().and_then(Expr::as_literal).and_then(Datum::as_count);
            count.is_some_and(|count| count <= 1) || has_one_row(input)
        }
        Logical::Project { input, .. }
        | Logical::Filter { input, .. }
        | Logical::Sort { input, .. } => has_one_row(input),
        _ => false,
    }
}

/// Whether the operator itself has a subquery.
fn reads_subquery(plan: &Logical) -> bool {
    plan.exprs().into_iter().any(has_subquery)
}

/// The first columns.
fn trimmed(plan: Logical, width: usize) -> Logical {
    let schema = plan.schema();
    if schema.len() == width {
        return plan;
    }
    let exprs = schema.into_iter().take(width).enumerate();
    let exprs = exprs.map(|(index, field_type)| Expr::column(index, field_type)).collect();
    Logical::Project { input: Box::new(plan), exprs }
}

/// A plan that has rows exactly if this one has: without what only says how they look or in which order they come.
pub(super) fn rows_matter(plan: Logical) -> Logical {
    match plan {
        Logical::Project { input, .. } | Logical::Sort { input, .. } => rows_matter(*input),
        Logical::Aggregate { input, group_by, .. } if !group_by.is_empty() => rows_matter(*input),
        Logical::Limit { input, offset: None, limit: Some(limit) }
            if limit.as_literal().and_then(Datum::as_count).is_some_and(|count| count > 0) =>
        {
            rows_matter(*input)
        }
        other => other,
    }
}

/// A condition with its NOTs taken off, and whether there was an odd number of them.
pub(super) fn without_not(predicate: &Expr) -> (&Expr, bool) {
    match predicate {
        Expr::Call { function: Function::Not, args, .. } => {
            let (inner, negated) = without_not(&args[0]);
            (inner, !negated)
        }
        other => (other, false),
    }
}
