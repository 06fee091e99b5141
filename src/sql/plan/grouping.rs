//! From rows to groups: what the clauses after GROUP BY may still say, and what it means over groups.

use std::collections::BTreeSet;

use super::binder::{AGGREGATE_BASE, Binder, Clause, GROUPING_BASE, WINDOW_BASE};
use super::dependence::determined;
use super::logical::Logical;
use super::outer::is_outer;
use super::physical::SortKey;
use super::scope::Scope;
use super::windows::Windows;
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::expr::{Aggregate, AggregateKind, Expr, Function};
use crate::sql::functions::Nulls;
use crate::sql::parser::ast;
use crate::sql::types::{Datum, FieldType};

/// What the clauses of a SELECT ask for that is computed over groups and windows.
pub(super) struct Found {
    pub(super) aggregates: Vec<Aggregate>,
    /// WITH ROLLUP: the arguments of each GROUPING().
    groupings: Option<Vec<Vec<Expr>>>,
    pub(super) windows: Windows,
}

impl Found {
    /// Nothing yet.
    pub(super) fn new(select: &ast::Select) -> SqlResult<Found> {
        Ok(Found {
            aggregates: Vec::new(),
            groupings: select.with_rollup.then(Vec::new),
            windows: Windows::new(&select.windows)?,
        })
    }

    /// A clause with aggregates; with functions over windows as well, if there may be any.
    pub(super) fn clause<'s>(
        &'s mut self,
        scope: &'s Scope,
        name: &'static str,
        windows: bool,
    ) -> Clause<'s> {
        let mut clause = Clause::plain(scope, name);
        clause.aggregates = Some(&mut self.aggregates);
        clause.groupings = self.groupings.as_mut();
        clause.windows = windows.then_some(&mut self.windows);
        clause
    }
}

/// The groups of a SELECT. Their rows are the group's expressions, under WITH ROLLUP the number that says which are left out, then the
/// aggregates.
pub(super) struct Grouping<'s> {
    scope: &'s Scope,
    group_by: Vec<Expr>,
    aggregates: Vec<Aggregate>,
    /// WITH ROLLUP: the arguments of each GROUPING().
    groupings: Option<Vec<Vec<Expr>>>,
    /// ONLY_FULL_GROUP_BY.
    strict: bool,
    /// Columns that have one value in a group though they are not grouped by.
    determined: BTreeSet<usize>,
}

/// The most arguments of GROUPING().
const GROUPING_ARGS: usize = 63;

/// Whether an expression has an aggregate in it.
pub(super) fn has_aggregate(expr: &Expr) -> bool {
    expr.columns().range(AGGREGATE_BASE..WINDOW_BASE).next().is_some()
}

impl<'s> Grouping<'s> {
    pub(super) fn new(
        scope: &'s Scope,
        input: &Logical,
        group_by: Vec<Expr>,
        found: &mut Found,
        strict: bool,
    ) -> Grouping<'s> {
        let determined = if strict { determined(scope, input, &group_by) } else { BTreeSet::new() };
        let aggregates = std::mem::take(&mut found.aggregates);
        let groupings = found.groupings.take();
        Grouping { scope, group_by, aggregates, groupings, strict, determined }
    }

    /// Where the aggregates begin in a group's row.
    fn first_aggregate(&self) -> usize {
        self.group_by.len() + usize::from(self.groupings.is_some())
    }

    /// The type of what is grouped by: a rollup leaves it out now and then.
    fn key_type(&self, key: &Expr) -> FieldType {
        let field_type = key.field_type().clone();
        if self.groupings.is_some() { field_type.nullable() } else { field_type }
    }

    /// Makes an expression over rows one over groups. A column with several values in a group is error 1055 (1140
    /// without GROUP BY) under ONLY_FULL_GROUP_BY, and any one of them without.
    pub(super) fn rewrite(
        &mut self,
        expr: &mut Expr,
        number: usize,
        clause: &str,
    ) -> SqlResult<()> {
        if let Some(position) = self.group_by.iter().position(|group| group == expr) {
            *expr = Expr::column(position, self.key_type(expr));
            return Ok(());
        }
        match expr {
            // One value for all the rows of this query.
            Expr::Column { index, .. } if is_outer(*index) => Ok(()),
            Expr::Column { index, .. } if *index >= WINDOW_BASE => Ok(()),
            Expr::Column { index, .. } if *index >= GROUPING_BASE => {
                *expr = self.left_out(*index - GROUPING_BASE)?;
                Ok(())
            }
            Expr::Column { index, .. } if *index >= AGGREGATE_BASE => {
                *index = self.first_aggregate() + (*index - AGGREGATE_BASE);
                Ok(())
            }
            Expr::Column { index, .. } => {
                let index = *index;
                self.check_column(index, number, clause)?;
                *expr = self.any_value(expr.clone())?;
                Ok(())
            }
            Expr::Call { function, args, field_type } => {
                args.iter_mut().try_for_each(|arg| self.rewrite(arg, number, clause))?;
                let may_be_null = args.iter().any(|arg| !arg.field_type().not_null);
                if self.groupings.is_some()
                    && may_be_null
                    && function.definition().nulls != Nulls::Never
                {
                    field_type.not_null = false;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn check_column(&self, index: usize, number: usize, clause: &str) -> SqlResult<()> {
        if !self.strict || self.determined.contains(&index) {
            return Ok(());
        }
        let name = self.scope.qualified_name(index);
        if self.group_by.is_empty() {
            return Err(SqlError::new(
                errno::MIX_OF_GROUP_FUNC_AND_FIELDS,
                format!(
                    "In aggregated query without GROUP BY, expression #{number} of {clause} contains nonaggregated column \
                     '{name}'; this is incompatible with sql_mode=only_full_group_by"
                ),
            ));
        }
        Err(SqlError::new(
            errno::WRONG_FIELD_WITH_GROUP,
            format!(
                "Expression #{number} of {clause} is not in GROUP BY clause and contains nonaggregated column '{name}' \
                 which is not functionally dependent on columns in GROUP BY clause; this is incompatible with \
                 sql_mode=only_full_group_by"
            ),
        ))
    }

    fn any_value(&mut self, column: Expr) -> SqlResult<Expr> {
        let aggregate = Aggregate::new(AggregateKind::AnyValue, vec![column], false)?;
        let field_type = aggregate.field_type.clone();
        let position = self.aggregates.iter().position(|known| *known == aggregate);
        let position = position.unwrap_or_else(|| {
            self.aggregates.push(aggregate);
            self.aggregates.len() - 1
        });
        Ok(Expr::column(self.first_aggregate() + position, field_type))
    }

    /// Whether a key is left out of a group.
    fn is_left_out(&self, key: usize) -> SqlResult<Expr> {
        let number = Expr::column(self.group_by.len(), FieldType::bigint_unsigned().not_null());
        let bit = Expr::literal(Datum::Int(1 << key));
        let set = Expr::call(Function::BitAnd, vec![number, bit])?;
        Expr::call(Function::Ne, vec![set, Expr::literal(Datum::Int(0))])
    }

    /// GROUPING(): a bit for each argument, the last one's is the lowest.
    fn left_out(&self, number: usize) -> SqlResult<Expr> {
        let Some(args) = self.groupings.as_ref().and_then(|groupings| groupings.get(number)) else {
            return Err(SqlError::internal("GROUPING() without a rollup"));
        };
        let mut sum: Option<Expr> = None;
        for (position, arg) in args.iter().enumerate() {
            let key = self.group_by.iter().position(|group| group == arg).ok_or_else(|| {
                SqlError::new(
                    errno::FIELD_IN_GROUPING_NOT_GROUP_BY,
                    format!("Argument #{} of GROUPING function is not in GROUP BY", position + 1),
                )
            })?;
            let bit = self.is_left_out(key)?;
            sum = Some(match sum {
                None => bit,
                Some(sum) => {
                    let two = Expr::literal(Datum::Int(2));
                    let before = Expr::call(Function::Mul, vec![sum, two])?;
                    Expr::call(Function::Add, vec![before, bit])?
                }
            });
        }
        let sum = sum.ok_or_else(|| SqlError::internal("GROUPING() of nothing"))?;
        Ok(Expr::cast(sum, FieldType::bigint()))
    }

    /// The order in which a rollup gives its groups: each of them before the one in which it is summed up.
    pub(super) fn rollup_order(&self) -> SqlResult<Vec<SortKey>> {
        let mut keys = Vec::new();
        if self.groupings.is_some() {
            for (position, key) in self.group_by.iter().enumerate() {
                let column = Expr::column(position, self.key_type(key));
                for expr in [self.is_left_out(position)?, column] {
                    keys.push(SortKey { expr, descending: false });
                }
            }
        }
        Ok(keys)
    }

    /// The groups of the input's rows.
    pub(super) fn finish(self, input: Logical) -> Logical {
        let (group_by, aggregates) = (self.group_by, self.aggregates);
        if self.groupings.is_none() {
            return Logical::Aggregate { input: Box::new(input), group_by, aggregates };
        }
        let width = input.width();
        let input = Logical::Rollup { input: Box::new(input), keys: group_by };
        let types = input.schema().into_iter().enumerate().skip(width);
        let group_by = types.map(|(index, field_type)| Expr::column(index, field_type)).collect();
        Logical::Aggregate { input: Box::new(input), group_by, aggregates }
    }
}

/// The groups of the input's rows, with the clauses over them.
pub(super) fn grouped(
    input: Logical,
    mut grouping: Grouping<'_>,
    found: &mut Found,
    selected: &mut [Expr],
    having: &mut Option<Expr>,
    order: &mut Vec<SortKey>,
) -> SqlResult<Logical> {
    for (placeholder, exprs) in found.windows.exprs_mut() {
        let holds = |expr: &Expr| expr.columns().contains(&placeholder);
        let at = selected.iter().position(holds).map(|at| (at, "SELECT list"));
        let at = at.or_else(|| {
            let position = order.iter().position(|key| holds(&key.expr));
            position.map(|at| (at, "ORDER BY clause"))
        });
        let (position, clause) = at.unwrap_or((0, "SELECT list"));
        exprs.into_iter().try_for_each(|expr| grouping.rewrite(expr, position + 1, clause))?;
    }
    for (position, expr) in selected.iter_mut().enumerate() {
        grouping.rewrite(expr, position + 1, "SELECT list")?;
    }
    if let Some(having) = having {
        grouping.rewrite(having, 1, "HAVING clause")?;
    }
    for (position, key) in order.iter_mut().enumerate() {
        grouping.rewrite(&mut key.expr, position + 1, "ORDER BY clause")?;
    }
    if order.is_empty() && found.windows.is_empty() {
        order.extend(grouping.rollup_order()?);
    }
    Ok(grouping.finish(input))
}

impl Binder<'_> {
    /// GROUPING(): error 1111 where there is no rollup.
    pub(super) fn grouping(
        &mut self,
        args: &[ast::Expr],
        clause: &mut Clause<'_>,
    ) -> SqlResult<Expr> {
        let misuse =
            || SqlError::new(errno::INVALID_GROUP_FUNC_USE, "Invalid use of group function");
        let groupings = clause.groupings.take().ok_or_else(misuse)?;
        if args.is_empty() || args.len() > GROUPING_ARGS {
            return Err(SqlError::new(
                errno::WRONG_PARAMCOUNT_TO_NATIVE_FCT,
                "Incorrect parameter count in the call to native function 'grouping'",
            ));
        }
        let bound = self.exprs(args, clause);
        let bound = match bound {
            Ok(bound) => bound,
            Err(error) => {
                clause.groupings = Some(groupings);
                return Err(error);
            }
        };
        groupings.push(bound);
        let position = groupings.len() - 1;
        clause.groupings = Some(groupings);
        Ok(Expr::column(GROUPING_BASE + position, FieldType::bigint().not_null()))
    }
}
