//! What runs before the statement's own plan: subqueries whose values are parameters, and common tables that several
//! read.
//!
//! Each query of WITH is bound once, in the order of the text, so that a chain of them is no recursion and two readers of
//! one are no two copies. When the whole statement is bound it is known how many read it: the only reader of one gets
//! its plan in place, with conditions and columns pushed into it; for several it is computed once and its rows kept.

use std::cell::Cell;

use super::binder::{AGGREGATE_BASE, Binder};
use super::logical::Logical;
use super::optimize::optimize;
use super::physical::{
    FulltextSearch, OutputColumn, PhysicalPlan, Recursion, Subplan, SubplanResult,
};
use super::recursive_table::RecursiveTable;
use super::unnest::Unnest;
use crate::common::{SqlError, SqlResult};
use crate::sql::expr::Expr;
use crate::sql::parser::ast;
use crate::sql::types::FieldType;

/// A common table that would make its reader's plan deeper than this is computed on its own.
const INLINE_DEPTH: usize = 60;

/// A query that the statement's own refers to.
pub(super) enum Subquery {
    /// Its only row's values are parameters.
    Values(Logical),
    /// What it finds is a parameter, of this number. `rows`: how many there are to search in.
    Search { rows: Logical, search: Box<FulltextSearch>, parameter: usize },
    /// Its rows are read by so many.
    Common { plan: Logical, readers: usize },
    /// Its rows are read, by itself too.
    Recursive(Box<RecursiveTable>),
}

/// A table of WITH in sight.
pub(super) struct CommonTable {
    pub(super) name: String,
    /// What it is, with its columns. An error counts only if somebody reads it.
    pub(super) bound: SqlResult<(Body, Vec<OutputColumn>)>,
}

/// What a table of WITH is.
#[derive(Clone)]
pub(super) enum Body {
    /// One of the subqueries.
    Subquery(usize),
    /// A plan for each of its readers: it depends on rows around.
    Here(Box<Logical>),
    /// The table that is being bound, by the number it has until then.
    Own(usize),
}

impl Binder<'_> {
    /// Binds a table of WITH.
    pub(super) fn common_table(
        &mut self,
        common: &ast::CommonTable,
        recursive: bool,
    ) -> CommonTable {
        if recursive {
            let bound = self.recursive_table(common);
            return CommonTable { name: common.name.clone(), bound };
        }
        let before = self.outer_reads;
        let bound = self.derived_columns(&common.query, &common.columns);
        let bound = bound.map(|(plan, columns)| {
            if self.outer_reads > before {
                return (Body::Here(Box::new(plan)), columns);
            }
            self.subqueries.push(Subquery::Common { plan, readers: 0 });
            (Body::Subquery(self.subqueries.len() - 1), columns)
        });
        CommonTable { name: common.name.clone(), bound }
    }

    /// The rows of a table of WITH, for one more reader.
    pub(super) fn read_common(
        &mut self,
        position: usize,
    ) -> SqlResult<(Logical, Vec<OutputColumn>)> {
        let (body, columns) = self.common_tables[position].bound.clone()?;
        let subquery = match body {
            Body::Subquery(subquery) => subquery,
            Body::Here(plan) => return Ok((*plan, columns)),
            Body::Own(number) => number,
        };
        // A subquery may run many times, and its plan may stand in several places.
        let more = if self.outer.is_empty() { 1 } else { 2 };
        match self.subqueries.get_mut(subquery) {
            Some(Subquery::Common { readers, .. }) => *readers += more,
            Some(Subquery::Recursive(table)) => table.readers += more,
            Some(Subquery::Values(_) | Subquery::Search { .. }) | None => {}
        }
        let schema: Vec<FieldType> =
            columns.iter().map(|column| column.field_type.clone()).collect();
        let outputs = (0..schema.len()).collect();
        Ok((Logical::Common { subquery, outputs, schema }, columns))
    }

    /// The values of a subquery's only row, as parameters.
    pub(super) fn subquery_values(&mut self, plan: Logical) -> Vec<Expr> {
        let first = self.planner.parameter_count + self.value_count;
        let schema = plan.schema();
        self.value_count += schema.len();
        self.subqueries.push(Subquery::Values(plan));
        let parameter = |(position, field_type): (usize, FieldType)| Expr::Parameter {
            index: first + position,
            field_type: field_type.nullable(),
        };
        schema.into_iter().enumerate().map(parameter).collect()
    }

    /// The plan of the statement's own rows, if it has any, and those that run before it.
    pub(super) fn finish(
        self,
        root: Option<Logical>,
    ) -> SqlResult<(Option<PhysicalPlan>, Vec<Subplan>)> {
        let (root, subplans, _) = self.finish_insert(root)?;
        Ok((root, subplans))
    }

    /// The same, with the plans of subqueries that read a row which is made.
    pub(super) fn finish_insert(
        self,
        root: Option<Logical>,
    ) -> SqlResult<(Option<PhysicalPlan>, Vec<Subplan>, Vec<PhysicalPlan>)> {
        let next_outer = Cell::new(self.next_outer);
        let unnest = Unnest { dependent: &self.dependent, next_outer };
        let mut finish = Finish { open: Vec::new(), done: Vec::new(), tables: 0 };
        for subquery in self.subqueries {
            finish.subquery(match subquery {
                Subquery::Values(plan) => Subquery::Values(unnest.plan(plan)?),
                // It is a plain count.
                search @ Subquery::Search { .. } => search,
                Subquery::Common { plan, readers } => {
                    Subquery::Common { plan: unnest.plan(plan)?, readers }
                }
                Subquery::Recursive(mut table) => {
                    table.first = unnest.plan(table.first)?;
                    table.step = unnest.plan(table.step)?;
                    Subquery::Recursive(table)
                }
            })?;
        }
        let mut plan = |root: Logical| {
            let root = unnest.plan(root)?;
            if !self.dependent.is_empty() {
                check_aggregates(&root)?;
            }
            optimize(finish.inline(root))
        };
        let root = root.map(&mut plan).transpose()?;
        let of_rows = self.row_plans.into_iter().map(plan).collect::<SqlResult<_>>()?;
        Ok((root, finish.done, of_rows))
    }
}

/// Error 1235 where an aggregate of the rows around is left inside of another aggregate, which nothing has computed.
fn check_aggregates(plan: &Logical) -> SqlResult<()> {
    let is_left = |expr: &&Expr| expr.columns().range(AGGREGATE_BASE..).next().is_some();
    if plan.exprs().iter().any(is_left) {
        return Err(SqlError::unsupported(
            "an aggregate of the rows around a subquery inside of another one",
        ));
    }
    plan.children().try_for_each(check_aggregates)
}

/// What has become of a subquery.
enum Done {
    /// A plan that waits for its only reader.
    Waiting(Box<Logical>),
    /// The rows of the table of this number.
    Table(usize),
    /// Nobody reads it, or its reader has taken it.
    Gone,
}

struct Finish {
    open: Vec<Done>,
    done: Vec<Subplan>,
    tables: usize,
}

impl Finish {
    fn subquery(&mut self, subquery: Subquery) -> SqlResult<()> {
        let done = match subquery {
            Subquery::Values(plan) => {
                let plan = optimize(self.inline(plan))?;
                self.done.push(Subplan { plan, result: SubplanResult::Values });
                Done::Gone
            }
            Subquery::Search { rows, search, .. } => {
                let plan = optimize(rows)?;
                self.done.push(Subplan { plan, result: SubplanResult::Search(search) });
                Done::Gone
            }
            Subquery::Common { readers: 0, .. } => Done::Gone,
            Subquery::Recursive(table) => return self.recursive(*table),
            Subquery::Common { plan, readers } => {
                let plan = self.inline(plan);
                if readers == 1 && depth(&plan) <= INLINE_DEPTH {
                    Done::Waiting(Box::new(plan))
                } else {
                    let plan = optimize(plan)?;
                    self.done.push(Subplan { plan, result: SubplanResult::Table });
                    self.tables += 1;
                    Done::Table(self.tables - 1)
                }
            }
        };
        self.open.push(done);
        Ok(())
    }

    fn recursive(&mut self, table: RecursiveTable) -> SqlResult<()> {
        if table.readers == 0 {
            self.open.push(Done::Gone);
            return Ok(());
        }
        let plan = optimize(self.inline(table.first))?;
        let number = self.tables;
        self.tables += 1;
        self.open.push(Done::Table(number));
        let RecursiveTable { step, distinct, offset, limit, columns, max_depth, .. } = table;
        let step = optimize(self.inline(step))?;
        let recursion = Recursion { step, number, distinct, offset, limit, columns, max_depth };
        let result = SubplanResult::Recursive(Box::new(recursion));
        self.done.push(Subplan { plan, result });
        Ok(())
    }

    /// The plan with those common tables in place that only it reads.
    fn inline(&mut self, plan: Logical) -> Logical {
        match plan {
            Logical::Common { subquery, outputs, schema } => {
                match std::mem::replace(&mut self.open[subquery], Done::Gone) {
                    Done::Waiting(plan) => *plan,
                    Done::Table(number) => {
                        self.open[subquery] = Done::Table(number);
                        Logical::Common { subquery: number, outputs, schema }
                    }
                    Done::Gone => Logical::empty(schema),
                }
            }
            other => other.map_children(&mut |input| self.inline(input)),
        }
    }
}

/// How many operators stand above each other.
fn depth(plan: &Logical) -> usize {
    1 + plan.children().map(depth).max().unwrap_or(0)
}
