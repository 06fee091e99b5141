//! From rows to groups: what the clauses after GROUP BY may still say, and what it means over groups.

use std::collections::BTreeSet;

use super::binder::AGGREGATE_BASE;
use super::dependence::determined;
use super::logical::Logical;
use super::scope::Scope;
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::expr::{Aggregate, AggregateKind, Expr};

/// The groups of a SELECT. Their rows are the group's expressions, then the aggregates.
pub(super) struct Grouping<'s> {
    scope: &'s Scope,
    group_by: Vec<Expr>,
    aggregates: Vec<Aggregate>,
    /// ONLY_FULL_GROUP_BY.
    strict: bool,
    /// Columns that have one value in a group though they are not grouped by.
    determined: BTreeSet<usize>,
}

/// Whether an expression has an aggregate in it.
pub(super) fn has_aggregate(expr: &Expr) -> bool {
    expr.columns().last().is_some_and(|index| *index >= AGGREGATE_BASE)
}

impl<'s> Grouping<'s> {
    pub(super) fn new(
        scope: &'s Scope,
        input: &Logical,
        group_by: Vec<Expr>,
        aggregates: Vec<Aggregate>,
        strict: bool,
    ) -> Grouping<'s> {
        let determined = if strict { determined(scope, input, &group_by) } else { BTreeSet::new() };
        Grouping { scope, group_by, aggregates, strict, determined }
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
            *expr = Expr::column(position, expr.field_type().clone());
            return Ok(());
        }
        match expr {
            Expr::Column { index, .. } if *index >= AGGREGATE_BASE => {
                *index = self.group_by.len() + (*index - AGGREGATE_BASE);
                Ok(())
            }
            Expr::Column { index, .. } => {
                let index = *index;
                self.check_column(index, number, clause)?;
                *expr = self.any_value(expr.clone())?;
                Ok(())
            }
            Expr::Call { args, .. } => {
                args.iter_mut().try_for_each(|arg| self.rewrite(arg, number, clause))
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
        Ok(Expr::column(self.group_by.len() + position, field_type))
    }

    /// The groups of the input's rows.
    pub(super) fn finish(self, input: Logical) -> Logical {
        let (group_by, aggregates) = (self.group_by, self.aggregates);
        Logical::Aggregate { input: Box::new(input), group_by, aggregates }
    }
}
