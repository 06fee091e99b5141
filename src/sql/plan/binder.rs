//! The binder's state, and names of tables.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::mem;
use std::sync::Arc;

use super::logical::Logical;
use super::outer::{Frame, OUTER_BASE};
use super::physical::{DateParameter, PhysicalPlan, PlanNode, QueryPlan};
use super::planner::Planner;
use super::scope::{Scope, same_name};
use super::subplans::{CommonTable, Subquery};
use super::subquery::Dependent;
use super::windows::Windows;
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::TableInfo;
use crate::sql::expr::{Aggregate, EvalContext, Expr, Interrupt};
use crate::sql::parser::ast;
use crate::sql::stats::TableStats;
use crate::sql::types::{Datum, FieldType};

/// Turns the syntax of one statement into logical plans.
pub(super) struct Binder<'a> {
    pub(super) planner: &'a Planner<'a>,
    /// Uncorrelated subqueries and common tables met so far; each refers only to those before it.
    pub(super) subqueries: Vec<Subquery>,
    /// How many parameters stand for values of subqueries.
    pub(super) value_count: usize,
    /// WITH's tables in sight, the nearest last.
    pub(super) common_tables: Vec<CommonTable>,
    /// Subqueries that depend on rows around them: what calls of [`Function::Subquery`](crate::sql::expr::Function) mean.
    pub(super) dependent: Vec<Dependent>,
    /// The queries around: a name found only there makes a subquery dependent.
    pub(super) outer: Vec<Frame>,
    /// The number of the next parameter that is a value of a row around.
    pub(super) next_outer: usize,
    /// How many tables of WITH RECURSIVE were bound.
    pub(super) recursive_tables: usize,
    /// How often something was read of rows around.
    pub(super) outer_reads: usize,
    /// The views that are being read, the innermost last.
    pub(super) views: Vec<i64>,
    /// How many of the queries around, from the nearest on, are tables on the left in the FROM that is bound.
    pub(super) sideways: usize,
    /// The tables that the statement changes, with the error of a subquery that reads them.
    pub(super) changed: Vec<(i64, SqlError)>,
    /// What subqueries give that read a row which INSERT makes.
    pub(super) row_plans: Vec<Logical>,
    /// Parameters that are compared with dates.
    pub(super) dates: Vec<DateParameter>,
    /// A long statement may be ended while it is planned.
    _watching: Watching,
}

/// Where placeholders for aggregates begin among column positions.
pub(super) const AGGREGATE_BASE: usize = 1 << 32;
/// Where those for GROUPING() begin.
pub(super) const GROUPING_BASE: usize = 3 << 31;
/// Where those for functions over windows begin.
pub(super) const WINDOW_BASE: usize = 1 << 33;

/// How a clause sees the names of the select list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum NameRule {
    /// Not at all.
    #[default]
    Unseen,
    /// Where FROM has no such column: within expressions of GROUP BY and ORDER BY, and in aggregates.
    Last,
    /// HAVING: what is grouped by, then the select list, and no other columns.
    Having,
}

/// What the clauses after the select list see of it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SelectNames<'s> {
    /// Every item that has a name, with what it stands for.
    pub(super) items: &'s [(String, Expr)],
    /// What the query groups by.
    pub(super) grouped: &'s [Expr],
}

impl SelectNames<'_> {
    /// The item of this name; error 1052 if it may be one of two columns.
    pub(super) fn item(&self, name: &str, clause: &str) -> SqlResult<Option<&Expr>> {
        let mut found = None;
        for (_, expr) in self.items.iter().filter(|(item, _)| same_name(item, name)) {
            match expr {
                Expr::Column { index, .. } if *index < AGGREGATE_BASE => {
                    if found.is_some_and(|found| found != expr) {
                        return Err(super::bind_expr::ambiguous_column(name, clause));
                    }
                    found = Some(expr);
                }
                _ => return Ok(Some(expr)),
            }
        }
        Ok(found)
    }
}

/// The clause an expression stands in.
pub(super) struct Clause<'s> {
    /// The columns in sight.
    pub(super) scope: &'s Scope,
    /// As messages call it: `field list`, `where clause`.
    pub(super) name: &'static str,
    /// Where aggregates go, if there may be any: each becomes a column from [`AGGREGATE_BASE`] on.
    pub(super) aggregates: Option<&'s mut Vec<Aggregate>>,
    /// Where the arguments of GROUPING() go, if it may stand here: each call becomes a column from [`GROUPING_BASE`] on.
    pub(super) groupings: Option<&'s mut Vec<Vec<Expr>>>,
    /// Where functions over windows go, if there may be any: each becomes a column from [`WINDOW_BASE`] on.
    pub(super) windows: Option<&'s mut Windows>,
    /// The select list, as far as the clause sees it.
    pub(super) names: SelectNames<'s>,
    pub(super) name_rule: NameRule,
    /// INSERT: where the row to be inserted begins, for VALUES(c).
    pub(super) inserted_row: Option<usize>,
    /// The table DEFAULT(c) is about.
    pub(super) default_table: Option<&'s Arc<TableInfo>>,
}

impl<'s> Clause<'s> {
    /// A clause without aggregates and aliases.
    pub(super) fn plain(scope: &'s Scope, name: &'static str) -> Clause<'s> {
        Clause {
            scope,
            name,
            aggregates: None,
            groupings: None,
            windows: None,
            names: SelectNames::default(),
            name_rule: NameRule::Unseen,
            inserted_row: None,
            default_table: None,
        }
    }
}

/// What FROM's name stands for.
pub(super) enum Named {
    /// A stored table, or a virtual one, with its database's name.
    Table(String, Arc<TableInfo>),
    /// One of WITH's, by its position.
    Common(usize),
}

impl<'a> Binder<'a> {
    pub(super) fn new(planner: &'a Planner<'a>) -> Binder<'a> {
        Binder {
            planner,
            subqueries: Vec::new(),
            value_count: 0,
            changed: Vec::new(),
            row_plans: Vec::new(),
            common_tables: Vec::new(),
            dependent: Vec::new(),
            outer: Vec::new(),
            next_outer: OUTER_BASE,
            recursive_tables: 0,
            outer_reads: 0,
            views: Vec::new(),
            sideways: 0,
            dates: Vec::new(),
            _watching: Watching::begin(planner.interrupt),
        }
    }

    /// The database a name without one is in; error 1046 if none was chosen.
    pub(super) fn database_of<'n>(&self, name: &'n ast::ObjectName) -> SqlResult<&'n str>
    where
        'a: 'n,
    {
        match (&name.database, self.planner.current_db) {
            (Some(database), _) => Ok(database),
            (None, Some(database)) => Ok(database),
            (None, None) => Err(SqlError::new(errno::NO_DB, "No database selected")),
        }
    }

    /// A stored table by name.
    pub(super) fn table(&self, name: &ast::ObjectName) -> SqlResult<(String, Arc<TableInfo>)> {
        let database = self.database_of(name)?;
        let schema = self.planner.schema;
        // A view reads what it was made for.
        if self.views.is_empty()
            && let Some(table) = self.planner.temporary.get(database, &name.name)
        {
            return Ok((database.to_owned(), table.clone()));
        }
        let table = schema.require_table(database, &name.name)?;
        // As it was made: the client sees it in the columns' metadata.
        let database = schema.database(database).map_or(database, |info| &info.name);
        Ok((database.to_owned(), table.clone()))
    }

    /// What is known of a table's rows, if it was analyzed.
    pub(super) fn stats(&self, table: &TableInfo) -> Option<Arc<TableStats>> {
        self.planner.stats.table(table.id).filter(|stats| stats.analyzed_ts > 0)
    }

    /// What a name in FROM stands for.
    pub(super) fn named(&self, name: &ast::ObjectName) -> SqlResult<Named> {
        if name.database.is_none()
            && let Some(position) =
                self.common_tables.iter().rposition(|common| same_name(&common.name, &name.name))
        {
            return Ok(Named::Common(position));
        }
        let (database, table) = self.table(name)?;
        Ok(Named::Table(database, table))
    }

    /// The type of a parameter as far as it is known.
    pub(super) fn parameter_type(&self, index: usize) -> FieldType {
        self.planner.parameter_types.get(index).cloned().unwrap_or_else(FieldType::null)
    }

    /// An expression without columns.
    pub(super) fn constant(&mut self, expr: &ast::Expr) -> SqlResult<Expr> {
        let scope = Scope::default();
        let bound = self.expr(expr, &mut Clause::plain(&scope, "field list"))?;
        self.refuse_subqueries()?;
        Ok(bound)
    }

    /// A query for the value of an expression without columns, whose subqueries are run.
    pub(super) fn value_plan(mut self, expr: &ast::Expr) -> SqlResult<QueryPlan> {
        let scope = Scope::default();
        let bound = self.expr(expr, &mut Clause::plain(&scope, "field list"))?;
        let schema = vec![bound.field_type().clone()];
        let dual = PhysicalPlan {
            node: PlanNode::Dual { rows: 1 },
            schema: Vec::new(),
            estimated_rows: 1.0,
        };
        let node = PlanNode::Project { input: Box::new(dual), exprs: vec![bound] };
        let root = PhysicalPlan { node, schema, estimated_rows: 1.0 };
        let dates = mem::take(&mut self.dates);
        let (_, subqueries) = self.finish(None)?;
        Ok(QueryPlan {
            root,
            columns: Vec::new(),
            subqueries,
            dates,
            locking: false,
            counted: None,
        })
    }

    /// An expression over columns that are no table's.
    pub(super) fn over_columns(
        &mut self,
        columns: &[(&str, FieldType)],
        expr: &ast::Expr,
    ) -> SqlResult<Expr> {
        let scope = named_columns(columns);
        let bound = self.expr(expr, &mut Clause::plain(&scope, "where clause"))?;
        self.refuse_subqueries()?;
        Ok(bound)
    }

    /// Those of rows that are no table's for which a condition is true.
    pub(super) fn choice(
        mut self,
        columns: &[(&str, FieldType)],
        rows: &[Vec<Datum>],
        condition: &ast::Expr,
    ) -> SqlResult<QueryPlan> {
        let scope = named_columns(columns);
        let bound = self.expr(condition, &mut Clause::plain(&scope, "where clause"))?;
        let schema: Vec<FieldType> =
            columns.iter().map(|(_, field_type)| field_type.clone()).collect();
        let rows = rows.iter().map(|row| {
            let values = row.iter().cloned().zip(schema.iter().cloned());
            values.map(|(value, field_type)| Expr::Literal { value, field_type }).collect()
        });
        let input = Logical::Values { rows: rows.collect(), schema: schema.clone() };
        let dates = mem::take(&mut self.dates);
        let (root, subqueries) = self.finish(Some(input.filter(bound.split_conjunction())))?;
        let root = root.ok_or_else(|| SqlError::internal("a choice without rows"))?;
        let (columns, locking, counted) = (Vec::new(), false, None);
        Ok(QueryPlan { root, columns, subqueries, dates, locking, counted })
    }

    pub(super) fn refuse_subqueries(&self) -> SqlResult<()> {
        if self.subqueries.is_empty() && self.dependent.is_empty() {
            return Ok(());
        }
        Err(SqlError::unsupported("a subquery here"))
    }
}

/// Columns that are no table's.
fn named_columns(columns: &[(&str, FieldType)]) -> Scope {
    let column = |(name, field_type): &(&str, FieldType)| super::OutputColumn {
        name: (*name).to_owned(),
        field_type: field_type.clone(),
        origin: None,
        key_flags: 0,
    };
    Scope::derived("", columns.iter().map(column).collect())
}

thread_local! {
    /// What folding computes with; its interrupt is that of the statement in hand.
    static CONTEXT: RefCell<EvalContext> = RefCell::new(EvalContext::new());
}

/// While it lives, the rules on this thread look at a statement's interrupt.
struct Watching {
    before: Arc<Interrupt>,
    /// It belongs to the thread.
    _here: PhantomData<*const ()>,
}

impl Watching {
    fn begin(interrupt: &Arc<Interrupt>) -> Watching {
        let interrupt = interrupt.clone();
        let before = CONTEXT.with_borrow_mut(|ctx| mem::replace(&mut ctx.interrupt, interrupt));
        Watching { before, _here: PhantomData }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        CONTEXT.with_borrow_mut(|ctx| mem::swap(&mut ctx.interrupt, &mut self.before));
    }
}

/// The error of whoever ended the statement that is planned on this thread.
pub(super) fn check() -> SqlResult<()> {
    CONTEXT.with_borrow(EvalContext::check_interrupted)
}

/// A column's default as the value it is: it was checked when the column was made, and no session reads it otherwise.
pub(super) fn fold_default(expr: Expr) -> Expr {
    CONTEXT.with_borrow(|context| expr.fold(context))
}

/// Replaces what is the same in every execution by its value.
pub(super) fn fold(expr: Expr) -> Expr {
    let Expr::Call { function, args, field_type } = expr else { return expr };
    let args: Vec<Expr> = args.into_iter().map(fold).collect();
    let call = Expr::Call { function, args, field_type };
    if !call.is_constant() || call.depends_on_context() {
        return call;
    }
    CONTEXT.with_borrow(|context| call.fold(context))
}
