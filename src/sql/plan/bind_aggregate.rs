//! Calls of aggregates.

use super::binder::{AGGREGATE_BASE, Binder, Clause, NameRule};
use super::grouping::has_aggregate;
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::expr::{Aggregate, AggregateKind, Expr};
use crate::sql::parser::ast;
use crate::sql::types::Datum;

/// Error 1111.
fn misuse() -> SqlError {
    SqlError::new(errno::INVALID_GROUP_FUNC_USE, "Invalid use of group function")
}

/// What an aggregate is called with.
struct Arguments {
    /// The values, what they are ordered by, a separator.
    all: Vec<Expr>,
    /// How many of them are values.
    values: usize,
    /// Whether each of the keys is DESC.
    order: Vec<bool>,
}

impl Binder<'_> {
    /// An aggregate, as the column that stands for it.
    pub(super) fn aggregate(
        &mut self,
        call: &ast::Expr,
        clause: &mut Clause<'_>,
    ) -> SqlResult<Expr> {
        let ast::Expr::Aggregate { name, distinct, .. } = call else {
            return Err(SqlError::internal("not an aggregate"));
        };
        let kind = AggregateKind::by_name(name).ok_or_else(misuse)?;
        // Taken out: an aggregate in an aggregate finds no place.
        let aggregates = clause.aggregates.take();
        if aggregates.is_none() && self.outer.is_empty() {
            return Err(misuse());
        }
        let first_read = self.next_outer;
        let (groupings, windows) = (clause.groupings.take(), clause.windows.take());
        let rule = clause.name_rule;
        if rule == NameRule::Having {
            clause.name_rule = NameRule::Last;
        }
        let bound = self.aggregate_args(|binder| binder.aggregate_arguments(kind, call, clause));
        clause.name_rule = rule;
        (clause.groupings, clause.windows) = (groupings, windows);
        let Arguments { all, values, order } = match bound {
            // What a name of the select list stands for may be an aggregate itself.
            Ok(bound) if bound.all.iter().any(has_aggregate) => return Err(misuse()),
            Ok(bound) => bound,
            Err(error) => {
                clause.aggregates = aggregates;
                return Err(error);
            }
        };
        let rules = &self.planner.rules;
        let make = |mut all: Vec<Expr>| {
            let keys = all.drain(values..values + order.len()).zip(order.iter().copied());
            let keys = keys.collect();
            Ok(Aggregate::by_rules(kind, all, *distinct, rules)?.in_order(keys))
        };
        if let Some(outer) = self.outer_aggregate(&all, first_read, make)? {
            clause.aggregates = aggregates;
            return Ok(outer);
        }
        let aggregates = aggregates.ok_or_else(misuse)?;
        let aggregate = make(all)?;
        let field_type = aggregate.field_type.clone();
        let position = aggregates.iter().position(|known| *known == aggregate);
        let position = position.unwrap_or_else(|| {
            aggregates.push(aggregate);
            aggregates.len() - 1
        });
        clause.aggregates = Some(aggregates);
        Ok(Expr::column(AGGREGATE_BASE + position, field_type))
    }

    fn aggregate_arguments(
        &mut self,
        kind: AggregateKind,
        call: &ast::Expr,
        clause: &mut Clause<'_>,
    ) -> SqlResult<Arguments> {
        let ast::Expr::Aggregate { args, order_by, separator, .. } = call else {
            return Err(SqlError::internal("not an aggregate"));
        };
        let mut all = self.exprs(args, clause)?;
        if args.is_empty() {
            all.push(Expr::literal(Datum::Int(1)));
        }
        let values = all.len();
        let mut order = Vec::with_capacity(order_by.len());
        let name = std::mem::replace(&mut clause.name, "order clause");
        for item in order_by {
            let key = match super::select::position(&item.expr) {
                None => self.expr(&item.expr, clause),
                Some(number) => nth_argument(&all[..values], number),
            };
            all.push(key?);
            order.push(item.descending);
        }
        clause.name = name;
        if kind.definition().has_separator {
            all.push(self.planner.rules.text(separator.as_deref().unwrap_or(",")));
        }
        Ok(Arguments { all, values, order })
    }
}

/// What a number in ORDER BY of an aggregate stands for.
fn nth_argument(values: &[Expr], number: u64) -> SqlResult<Expr> {
    let index = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
    let value = index.and_then(|index| values.get(index)).cloned();
    value.ok_or_else(|| super::bind_expr::unknown_column(&number.to_string(), "order clause"))
}
