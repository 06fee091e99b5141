//! Tables of WITH RECURSIVE that read themselves.
//!
//! The first parts of the union say which columns there are, and of which types; the parts after them, which read the table, say which
//! rows follow from those of the round before. Where the table is read in them stands [`Logical::Common`] of a number that no subquery
//! has, until the table has its own.

use super::binder::Binder;
use super::from::named_columns;
use super::logical::Logical;
use super::physical::{JoinKind, OutputColumn};
use super::query::{cast_columns, common_type};
use super::subplans::{Body, CommonTable, Subquery};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::expr::{Expr, Function};
use crate::sql::parser::ast;
use crate::sql::types::FieldType;

/// A table of WITH RECURSIVE, as it is run.
pub(super) struct RecursiveTable {
    /// The first rows.
    pub(super) first: Logical,
    /// Those that follow.
    pub(super) step: Logical,
    pub(super) distinct: bool,
    pub(super) offset: Option<Expr>,
    pub(super) limit: Option<Expr>,
    pub(super) columns: Vec<String>,
    pub(super) max_depth: Expr,
    pub(super) readers: usize,
}

/// The parts of a union under way.
struct Parts {
    first: Vec<Logical>,
    step: Vec<Logical>,
    columns: Vec<OutputColumn>,
}

impl Binder<'_> {
    /// Binds a table of WITH RECURSIVE: one that does not read itself is like any other.
    pub(super) fn recursive_table(
        &mut self,
        common: &ast::CommonTable,
    ) -> SqlResult<(Body, Vec<OutputColumn>)> {
        let query = &common.query;
        let in_sight = self.common_tables.len();
        let bound = match parts(query) {
            Some(parts) => self.recursive_union(common, &parts),
            None => {
                let error = cte_error(
                    errno::CTE_RECURSIVE_REQUIRES_UNION,
                    &common.name,
                    "should contain a UNION",
                );
                self.see(&common.name, Err(error));
                self.derived_columns(query, &common.columns)
                    .map(|(plan, columns)| (self.subquery_of(plan), columns))
            }
        };
        self.common_tables.truncate(in_sight);
        bound
    }

    fn subquery_of(&mut self, plan: Logical) -> Body {
        self.subqueries.push(Subquery::Common { plan, readers: 0 });
        Body::Subquery(self.subqueries.len() - 1)
    }

    fn see(&mut self, name: &str, bound: SqlResult<(Body, Vec<OutputColumn>)>) {
        self.common_tables.push(CommonTable { name: name.to_owned(), bound });
    }

    fn recursive_union(
        &mut self,
        common: &ast::CommonTable,
        parts: &[(&ast::Query, bool)],
    ) -> SqlResult<(Body, Vec<OutputColumn>)> {
        let query = &common.query;
        for table in &query.with {
            let table = self.common_table(table, query.recursive);
            self.common_tables.push(table);
        }
        let own = usize::MAX - self.recursive_tables;
        self.recursive_tables += 1;
        let outer_reads = self.outer_reads;
        let mut bound = Parts { first: Vec::new(), step: Vec::new(), columns: Vec::new() };
        for (part, _) in parts {
            self.part(common, part, own, &mut bound)?;
        }
        let Parts { first, mut step, columns } = bound;
        let distinct = parts[1..].iter().any(|(_, all)| !all);
        if step.is_empty() {
            let (plan, columns) = self.derived_columns(query, &common.columns)?;
            return Ok((self.subquery_of(plan), columns));
        }
        if !query.order_by.is_empty() {
            return Err(not_in_recursive());
        }
        if self.outer_reads > outer_reads {
            return Err(SqlError::unsupported("a recursive table that depends on rows around it"));
        }
        let (offset, limit) = match &query.limit {
            Some(limit) => self.limit(limit).map(|(offset, limit)| (offset, Some(limit)))?,
            None => (None, None),
        };
        let number = self.subqueries.len();
        let (first, rows) = (all_of(first), &mut step);
        rows.iter_mut().for_each(|plan| give_number(plan, own, number));
        let args = vec![Expr::text("cte_max_recursion_depth"), Expr::text("")];
        self.subqueries.push(Subquery::Recursive(Box::new(RecursiveTable {
            first,
            step: all_of(step),
            distinct,
            offset,
            limit,
            columns: columns.iter().map(|column| column.name.clone()).collect(),
            max_depth: Expr::call_as(Function::GetSystemVar, args, FieldType::bigint_unsigned())?,
            readers: 0,
        })));
        Ok((Body::Subquery(number), columns))
    }

    /// Binds a part of the union.
    fn part(
        &mut self,
        common: &ast::CommonTable,
        part: &ast::Query,
        own: usize,
        bound: &mut Parts,
    ) -> SqlResult<()> {
        let name = &common.name;
        let order = || {
            cte_error(
                errno::CTE_RECURSIVE_REQUIRES_NONRECURSIVE_FIRST,
                name,
                "should have one or more non-recursive query blocks followed by one or more recursive ones",
            )
        };
        let seen = match bound.first.is_empty() {
            true => Err(order()),
            false => Ok((Body::Own(own), bound.columns.clone())),
        };
        let in_sight = self.common_tables.len();
        self.see(name, seen);
        let result = self.query(part);
        self.common_tables.truncate(in_sight);
        let (plan, columns) = result?;
        if bound.first.is_empty() {
            let nullable = |column: OutputColumn| OutputColumn {
                field_type: column.field_type.nullable(),
                origin: None,
                key_flags: 0,
                ..column
            };
            let columns = columns.into_iter().map(nullable).collect();
            bound.columns = named_columns(columns, &common.columns)?;
            bound.first.push(cast_columns(plan, &bound.columns));
            return Ok(());
        }
        if columns.len() != bound.columns.len() {
            return Err(super::query::wrong_column_count());
        }
        let reads = self.own_reads(&plan, own);
        if reads == 0 {
            if !bound.step.is_empty() {
                return Err(order());
            }
            for (column, other) in bound.columns.iter_mut().zip(columns) {
                column.field_type =
                    common_type(column.field_type.clone(), other.field_type)?.nullable();
            }
            bound.first.push(plan);
            let first = std::mem::take(&mut bound.first).into_iter();
            bound.first = first.map(|plan| cast_columns(plan, &bound.columns)).collect();
            return Ok(());
        }
        check_part(&plan, own, name)?;
        if reads > 1 || count_own(&plan, own) == 0 {
            return Err(cte_error(errno::CTE_RECURSIVE_REQUIRES_SINGLE_REFERENCE, name, ""));
        }
        if !part.order_by.is_empty() || part.limit.is_some() || is_distinct(part) {
            return Err(not_in_recursive());
        }
        bound.step.push(plan);
        Ok(())
    }

    /// How often a plan, and every subquery bound so far, reads the table of this number.
    fn own_reads(&self, plan: &Logical, own: usize) -> usize {
        let inside = self.dependent.iter().map(|subquery| count_own(&subquery.plan, own));
        let before = self.subqueries.iter().map(|subquery| match subquery {
            Subquery::Values(plan) | Subquery::Common { plan, .. } => count_own(plan, own),
            Subquery::Search { .. } => 0,
            Subquery::Recursive(table) => {
                count_own(&table.first, own) + count_own(&table.step, own)
            }
        });
        count_own(plan, own) + inside.chain(before).sum::<usize>()
    }
}

/// The parts of a union, and whether each keeps rows that are there already; `None`: it is none.
fn parts(query: &ast::Query) -> Option<Vec<(&ast::Query, bool)>> {
    let ast::QueryBody::SetOperation { op: ast::SetOperator::Union, all, left, right } =
        &query.body
    else {
        return None;
    };
    let plain = left.with.is_empty()
        && left.order_by.is_empty()
        && left.limit.is_none()
        && left.locking.is_empty();
    let mut found = if plain { parts(left) } else { None }.unwrap_or_else(|| vec![(&**left, true)]);
    found.push((right, *all));
    Some(found)
}

fn all_of(mut plans: Vec<Logical>) -> Logical {
    match plans.len() {
        1 => plans.remove(0),
        _ => Logical::UnionAll { inputs: plans },
    }
}

fn is_distinct(part: &ast::Query) -> bool {
    matches!(&part.body, ast::QueryBody::Select(select) if select.distinct)
}

/// How often a plan reads the table of this number.
fn count_own(plan: &Logical, own: usize) -> usize {
    let here = matches!(plan, Logical::Common { subquery, .. } if *subquery == own);
    usize::from(here) + plan.children().map(|child| count_own(child, own)).sum::<usize>()
}

fn give_number(plan: &mut Logical, own: usize, number: usize) {
    if let Logical::Common { subquery, .. } = plan
        && *subquery == own
    {
        *subquery = number;
    }
    plan.children_mut().for_each(|child| give_number(child, own, number));
}

/// Errors for what must not stand above the table in a part that reads it.
fn check_part(plan: &Logical, own: usize, name: &str) -> SqlResult<()> {
    if count_own(plan, own) == 0 {
        return Ok(());
    }
    match plan {
        Logical::Aggregate { aggregates, .. } if !aggregates.is_empty() => {
            return Err(cte_error(
                errno::CTE_RECURSIVE_FORBIDS_AGGREGATION,
                name,
                "can contain neither aggregation nor window functions in recursive query block",
            ));
        }
        Logical::Join { right, kind: JoinKind::Left, .. } if count_own(right, own) > 0 => {
            return Err(cte_error(errno::CTE_RECURSIVE_FORBIDDEN_JOIN_ORDER, name, ""));
        }
        _ => {}
    }
    plan.children().try_for_each(|child| check_part(child, own, name))
}

fn not_in_recursive() -> SqlError {
    SqlError::unsupported(
        "ORDER BY / LIMIT / SELECT DISTINCT in recursive query block of Common Table Expression",
    )
}

/// An error about a recursive table.
fn cte_error(code: u16, name: &str, what: &str) -> SqlError {
    let table = format!("Recursive Common Table Expression '{name}'");
    SqlError::new(
        code,
        match code {
            errno::CTE_RECURSIVE_FORBIDDEN_JOIN_ORDER => format!(
                "In recursive query block of {table}, the recursive table must neither be in the right argument of a LEFT JOIN, \
                 nor be forced to be non-first with join order hints"
            ),
            errno::CTE_RECURSIVE_REQUIRES_SINGLE_REFERENCE => format!(
                "In recursive query block of {table}, the recursive table must be referenced only once, and not in any subquery"
            ),
            _ => format!("{table} {what}"),
        },
    )
}
