//! Walking over physical plans: what stands below a node, and the expressions a node computes.
//!
//! Every field of every node is named here once, so that a new node or a new field is a list of errors until it is said what it is.
//! Whoever goes over whole plans does it with these, and names only the nodes it decides something about.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::physical::{ApplyKind, HandleRange, IndexRange, PhysicalPlan, PlanNode, PointAccess};
use crate::sql::catalog::TableInfo;
use crate::sql::expr::Expr;

/// A node's children: at most two in boxes, or a list. `$iter` is `iter` or `iter_mut`, `$deref` what makes a reference of a box.
macro_rules! children {
    ($node:expr, $iter:ident, $as_ref:ident, $none:expr) => {{
        let (pair, list) = match $node {
            PlanNode::Dual { rows: _ }
            | PlanNode::Values { rows: _ }
            | PlanNode::PointGet { table: _, access: _, columns: _, lock: _ }
            | PlanNode::BatchPointGet { table: _, access: _, columns: _, lock: _ }
            | PlanNode::TableScan { .. }
            | PlanNode::IndexScan { .. }
            | PlanNode::Virtual { table: _, columns: _ }
            | PlanNode::Common { number: _, columns: _ }
            | PlanNode::Rows { rows: _, columns: _ }
            | PlanNode::Ranked { .. } => ([None, None], $none),
            PlanNode::Filter { input, predicate: _ }
            | PlanNode::Project { input, exprs: _ }
            | PlanNode::Unnest { input, document: _, table: _, kind: _, filter: _ }
            | PlanNode::Aggregate { input, group_by: _, aggregates: _ }
            | PlanNode::Rollup { input, keys: _ }
            | PlanNode::Window { input, window: _ }
            | PlanNode::Sort { input, keys: _, fetch: _ }
            | PlanNode::Limit { input, offset: _, limit: _ }
            | PlanNode::Partitions { input, table: _, selected: _, conditions: _ }
            | PlanNode::Repeat { input } => ([Some(input.$as_ref()), None], $none),
            PlanNode::Join { left, right, kind: _, on: _, filter: _, null_aware: _ }
            | PlanNode::Apply { left, right, bindings: _, kind: _ } => {
                ([Some(left.$as_ref()), Some(right.$as_ref())], $none)
            }
            PlanNode::IndexLookupJoin { left, .. } => ([Some(left.$as_ref()), None], $none),
            PlanNode::UnionAll { inputs } => ([None, None], inputs.$iter()),
        };
        pair.into_iter().flatten().chain(list)
    }};
}

/// A node's own expressions, each given to `$visit`. `$iter` is `iter` or `iter_mut`.
macro_rules! each_expr {
    ($node:expr, $iter:ident, $visit:ident) => {{
        match $node {
            PlanNode::Dual { rows: _ }
            | PlanNode::Virtual { table: _, columns: _ }
            | PlanNode::Common { number: _, columns: _ }
            | PlanNode::Rows { rows: _, columns: _ }
            | PlanNode::Repeat { input: _ }
            | PlanNode::UnionAll { inputs: _ } => ControlFlow::Continue(()),
            PlanNode::Values { rows } => rows.$iter().flatten().try_for_each($visit),
            PlanNode::Ranked { ranks, unsigned: _, limit: _ } => $visit(ranks),
            PlanNode::PointGet { table: _, access, columns: _, lock: _ } => {
                each_expr!(@access access, $iter, $visit)
            }
            PlanNode::BatchPointGet { table: _, access, columns: _, lock: _ } => {
                access.$iter().try_for_each(|access| each_expr!(@access access, $iter, $visit))
            }
            PlanNode::TableScan { table: _, ranges, columns: _, filter, reverse: _, limit: _, lock: _ } => {
                for HandleRange { low, high } in ranges.$iter() {
                    for (bound, _) in low.$iter().chain(high.$iter()) {
                        $visit(bound)?;
                    }
                }
                filter.$iter().try_for_each($visit)
            }
            PlanNode::IndexScan {
                table: _,
                index: _,
                ranges,
                columns: _,
                covering: _,
                filter,
                reverse: _,
                limit: _,
                lock: _,
            } => {
                for IndexRange { equal, low, high } in ranges.$iter() {
                    equal.$iter().try_for_each(&mut *$visit)?;
                    for (bound, _) in low.$iter().chain(high.$iter()) {
                        $visit(bound)?;
                    }
                }
                filter.$iter().try_for_each($visit)
            }
            PlanNode::Partitions { input: _, table: _, selected: _, conditions } => {
                conditions.$iter().try_for_each($visit)
            }
            PlanNode::Filter { input: _, predicate } => $visit(predicate),
            PlanNode::Project { input: _, exprs } => exprs.$iter().try_for_each($visit),
            PlanNode::Join { left: _, right: _, kind: _, on, filter, null_aware: _ } => {
                for (left, right) in on.$iter() {
                    $visit(left)?;
                    $visit(right)?;
                }
                filter.$iter().try_for_each($visit)
            }
            PlanNode::IndexLookupJoin {
                left: _,
                table: _,
                index: _,
                keys,
                columns: _,
                kind: _,
                filter,
                lock: _,
            } => keys.$iter().chain(filter.$iter()).try_for_each($visit),
            PlanNode::Apply { left: _, right: _, bindings, kind } => {
                bindings.$iter().map(|(_, expr)| expr).try_for_each(&mut *$visit)?;
                match kind {
                    ApplyKind::Compare { wanted, condition, all: _ } => {
                        wanted.$iter().try_for_each(&mut *$visit)?;
                        $visit(condition)
                    }
                    ApplyKind::Join(_) | ApplyKind::Row | ApplyKind::Exists => {
                        ControlFlow::Continue(())
                    }
                }
            }
            PlanNode::Unnest { input: _, document, table: _, kind: _, filter } => {
                $visit(document)?;
                filter.$iter().try_for_each($visit)
            }
            PlanNode::Aggregate { input: _, group_by, aggregates } => {
                group_by.$iter().try_for_each(&mut *$visit)?;
                aggregates.$iter().flat_map(|aggregate| aggregate.args.$iter()).try_for_each($visit)
            }
            PlanNode::Rollup { input: _, keys } => keys.$iter().try_for_each($visit),
            PlanNode::Window { input: _, window } => {
                each_expr!(@window window, $iter).into_iter().try_for_each($visit)
            }
            PlanNode::Sort { input: _, keys, fetch: _ } => {
                keys.$iter().try_for_each(|key| each_expr!(@field key, expr, $iter, $visit))
            }
            PlanNode::Limit { input: _, offset, limit } => {
                offset.$iter().chain(limit.$iter()).try_for_each($visit)
            }
        }
    }};
    (@field $key:ident, $field:ident, iter, $visit:ident) => { $visit(&$key.$field) };
    (@field $key:ident, $field:ident, iter_mut, $visit:ident) => { $visit(&mut $key.$field) };
    (@window $window:ident, iter) => { $window.exprs() };
    (@window $window:ident, iter_mut) => { $window.exprs_mut() };
    (@access $access:ident, $iter:ident, $visit:ident) => {
        match $access {
            PointAccess::Handle(value) => $visit(value),
            PointAccess::Unique { index: _, values } => values.$iter().try_for_each(&mut *$visit),
        }
    };
}

impl PlanNode {
    /// The plans whose rows it takes, in order.
    pub fn children(&self) -> impl DoubleEndedIterator<Item = &PhysicalPlan> {
        children!(self, iter, as_ref, [].iter())
    }

    /// The same, to be changed.
    pub fn children_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut PhysicalPlan> {
        children!(self, iter_mut, as_mut, [].iter_mut())
    }

    /// The expressions it computes itself, as far as `visit` wants to see them.
    pub fn try_exprs<'a>(
        &'a self,
        visit: &mut dyn FnMut(&'a Expr) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        each_expr!(self, iter, visit)
    }

    /// Whether this is so of one of its own expressions.
    pub fn any_expr(&self, mut is_so: impl FnMut(&Expr) -> bool) -> bool {
        let found = self.try_exprs(&mut |expr| match is_so(expr) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        });
        found.is_break()
    }

    /// Changes each of its own expressions.
    pub fn change_exprs(&mut self, change: &mut dyn FnMut(&mut Expr)) {
        let mut visit = |expr: &mut Expr| {
            change(expr);
            ControlFlow::Continue(())
        };
        let visit: &mut dyn FnMut(&mut Expr) -> ControlFlow<()> = &mut visit;
        let _ = self.try_change_exprs(visit);
    }

    fn try_change_exprs(
        &mut self,
        visit: &mut dyn FnMut(&mut Expr) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        each_expr!(self, iter_mut, visit)
    }

    /// The stored table it reads itself.
    pub fn table(&self) -> Option<&Arc<TableInfo>> {
        match self {
            PlanNode::PointGet { table, .. }
            | PlanNode::BatchPointGet { table, .. }
            | PlanNode::TableScan { table, .. }
            | PlanNode::IndexScan { table, .. }
            | PlanNode::IndexLookupJoin { table, .. } => Some(table),
            // What it is for reads it.
            PlanNode::Partitions { .. } => None,
            PlanNode::Dual { .. }
            | PlanNode::Values { .. }
            | PlanNode::Virtual { .. }
            | PlanNode::Common { .. }
            | PlanNode::Rows { .. }
            | PlanNode::Ranked { .. }
            | PlanNode::Filter { .. }
            | PlanNode::Project { .. }
            | PlanNode::Join { .. }
            | PlanNode::Apply { .. }
            | PlanNode::Repeat { .. }
            | PlanNode::Unnest { .. }
            | PlanNode::Aggregate { .. }
            | PlanNode::Rollup { .. }
            | PlanNode::Window { .. }
            | PlanNode::Sort { .. }
            | PlanNode::Limit { .. }
            | PlanNode::UnionAll { .. } => None,
        }
    }
}

impl PlanNode {
    /// Has an access read another table with the same columns.
    pub(in crate::sql) fn set_table(&mut self, other: &Arc<TableInfo>) {
        if let PlanNode::PointGet { table, .. }
        | PlanNode::BatchPointGet { table, .. }
        | PlanNode::TableScan { table, .. }
        | PlanNode::IndexScan { table, .. } = self
        {
            table.clone_from(other);
        }
    }
}

impl PhysicalPlan {
    /// Whether this is so of a node of the plan; a node is looked at before those below it.
    pub fn any(&self, is_so: &mut dyn FnMut(&PlanNode) -> bool) -> bool {
        is_so(&self.node) || self.node.children().any(|child| child.any(is_so))
    }

    /// Changes every node; a node before those below it.
    pub fn change(&mut self, change: &mut dyn FnMut(&mut PlanNode)) {
        change(&mut self.node);
        self.node.children_mut().for_each(|child| child.change(change));
    }
}
