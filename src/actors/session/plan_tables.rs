//! Which tables a plan works on.

use smallvec::SmallVec;
use std::collections::BTreeSet;

use crate::sql::exec::calls_of;
use crate::sql::plan::{
    InsertSource, PhysicalPlan, PlanNode, SourceTable, StatementPlan, Subplan, TargetTable,
    TriggerPlan, UpdatedTable,
};

/// The tables of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PlanTables {
    /// Those with stored rows, by id.
    pub(super) stored: BTreeSet<i64>,
    /// Those of them that only foreign keys lead to: LOCK TABLES need not name them.
    pub(super) related: BTreeSet<i64>,
    /// Those that are written.
    pub(super) written: SmallVec<[i64; 1]>,
    /// The stored functions that it calls, by id.
    pub(super) calls: BTreeSet<i64>,
    /// There are some that the session computes.
    pub(super) computed: bool,
}

impl PlanTables {
    /// The tables of a statement's plan.
    pub(super) fn of(plan: &StatementPlan) -> PlanTables {
        let mut tables = PlanTables::default();
        let subqueries = match plan {
            StatementPlan::Query(query) => {
                tables.add(&query.root);
                &query.subqueries
            }
            StatementPlan::Insert(insert) => {
                tables.write(&insert.target);
                if let InsertSource::Query(query) = &insert.source {
                    tables.add(&query.root);
                    query
                        .subqueries
                        .iter()
                        .flat_map(Subplan::plans)
                        .for_each(|plan| tables.add(plan));
                }
                insert.row_plans.iter().for_each(|plan| tables.add(plan));
                &insert.subqueries
            }
            StatementPlan::Update(update) => {
                update.tables.iter().for_each(|table| tables.write(&table.at.target));
                tables.add(&update.source);
                &update.subqueries
            }
            StatementPlan::Delete(delete) => {
                delete.tables.iter().for_each(|table| tables.write(&table.target));
                tables.add(&delete.source);
                &delete.subqueries
            }
        };
        subqueries.iter().flat_map(Subplan::plans).for_each(|plan| tables.add(plan));
        tables
    }

    /// Those of a part of the statement, which are not locked by name.
    pub(super) fn join(&mut self, part: PlanTables) {
        self.related.extend(part.stored.iter().filter(|id| !self.stored.contains(id)));
        self.stored.extend(part.stored);
        self.written.extend(part.written);
        self.computed |= part.computed;
    }

    /// What a trigger reads, writes and calls.
    fn fire(&mut self, trigger: &TriggerPlan) {
        let mut inner = PlanTables::default();
        for query in trigger.queries() {
            inner.add(&query.root);
            query.subqueries.iter().flat_map(Subplan::plans).for_each(|plan| inner.add(plan));
        }
        for change in trigger.changes() {
            let changed = PlanTables::of(change);
            inner.calls.extend(changed.calls.iter().copied());
            inner.join(changed);
        }
        self.calls.extend(inner.calls.iter().copied());
        self.join(inner);
    }

    fn write(&mut self, target: &TargetTable) {
        // The session's own tables are nobody's concern.
        if target.table.is_temporary() {
            return;
        }
        self.stored.insert(target.table.id);
        self.written.push(target.table.id);
        if let Some(triggers) = &target.triggers {
            triggers.all().for_each(|trigger| self.fire(trigger));
        }
        if let Some(relations) = &target.relations {
            self.related.extend(relations.seen().filter(|id| !self.stored.contains(id)));
            self.stored.extend(relations.seen());
            self.written.extend(relations.changed().filter(|id| *id != target.table.id));
        }
    }

    fn add(&mut self, plan: &PhysicalPlan) {
        let table = plan.node.table().filter(|table| !table.is_temporary());
        self.stored.extend(table.map(|table| table.id));
        self.calls.extend(calls_of(&plan.node));
        self.computed |= matches!(plan.node, PlanNode::Virtual { .. });
        plan.node.children().for_each(|child| self.add(child));
    }
}

/// Whether a write touches only rows it names by their keys: then it is cheaper to find a conflict at the commit, and to
/// run it again, than to lock.
pub(super) fn writes_named_rows(plan: &StatementPlan) -> bool {
    match plan {
        StatementPlan::Query(_) => false,
        StatementPlan::Insert(insert) => {
            matches!(insert.source, InsertSource::Values(_)) && insert.target.triggers.is_none()
        }
        StatementPlan::Update(update) => {
            let fires = |table: &UpdatedTable| table.at.target.triggers.is_some();
            names_rows(&update.source) && !update.tables.iter().any(fires)
        }
        StatementPlan::Delete(delete) => {
            let fires = |table: &SourceTable| table.target.triggers.is_some();
            names_rows(&delete.source) && !delete.tables.iter().any(fires)
        }
    }
}

fn names_rows(plan: &PhysicalPlan) -> bool {
    match &plan.node {
        PlanNode::PointGet { .. } | PlanNode::BatchPointGet { .. } => true,
        PlanNode::Filter { input, .. }
        | PlanNode::Project { input, .. }
        | PlanNode::Limit { input, .. } => names_rows(input),
        _ => false,
    }
}
