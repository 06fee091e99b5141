//! The plan of a way to find rows.

use super::{Access, Path};
use crate::sql::expr::Expr;
use crate::sql::plan::cardinality::Cardinality;
use crate::sql::plan::constraints::Constraint;
use crate::sql::plan::logical::{Scan, column_type};
use crate::sql::plan::partitions;
use crate::sql::plan::physical::{HandleRange, IndexRange, PhysicalPlan, PlanNode, PointAccess};

impl Path {
    /// The scan by this way, with what its filters need, and what it gives in the scan's order of columns.
    pub(super) fn into_access(
        self,
        scan: &Scan,
        found: &[Constraint],
        fetch: Option<u64>,
        no_order: bool,
    ) -> Access {
        let ordered = self.ordered;
        let mut rows = self.estimate(scan);
        let left = scan.filters.iter().enumerate();
        let left = left.filter(|(number, _)| !self.consumed.contains(number));
        let filters: Vec<Expr> = left.map(|(_, filter)| filter.clone()).collect();
        let mut columns = scan.outputs.clone();
        for offset in filters.iter().flat_map(Expr::columns) {
            if !columns.contains(&offset) {
                columns.push(offset);
            }
        }
        let place = |offset: usize| {
            columns.iter().position(|column| *column == offset).expect("every column read is given")
        };
        let filters =
            filters.into_iter().map(|filter| filter.map_columns(&mut |offset| place(offset)));
        let filter = Expr::conjunction(filters.collect());
        if filter.is_some() && !self.point {
            let part = Cardinality::of(scan)
                .filtered_part(found, |filter| !self.consumed.contains(&filter));
            rows = (rows * part).max(1.0);
        }
        let limit = fetch.filter(|_| ordered || no_order);
        if let Some(limit) = limit {
            rows = rows.min(limit as f64);
        }
        let schema = columns.iter().map(|offset| column_type(&scan.table, *offset)).collect();
        let plan = |node, schema| PhysicalPlan { node, schema, estimated_rows: rows };
        let point = self.point;
        let node = self.into_node(scan, columns, &filter, limit);
        let mut found = partitions::divided(plan(node, schema), scan);
        if point && let Some(predicate) = filter {
            let schema = found.schema.clone();
            found = plan(PlanNode::Filter { input: Box::new(found), predicate }, schema);
        }
        let width = scan.outputs.len();
        if found.schema.len() > width {
            let schema = found.schema[..width].to_vec();
            let exprs = schema.iter().cloned().enumerate();
            let exprs = exprs.map(|(index, field_type)| Expr::column(index, field_type)).collect();
            found = plan(PlanNode::Project { input: Box::new(found), exprs }, schema);
        }
        let divided = scan.table.partitioning.is_some();
        Access { plan: found, ordered: ordered && !divided, ordered_apart: ordered }
    }

    fn into_node(
        self,
        scan: &Scan,
        columns: Vec<usize>,
        filter: &Option<Expr>,
        limit: Option<u64>,
    ) -> PlanNode {
        let (table, lock) = (scan.table.clone(), scan.lock);
        if self.point {
            let access = |values: Vec<Expr>| match &self.index {
                Some(index) => PointAccess::Unique { index: index.clone(), values },
                None => PointAccess::Handle(values.into_iter().next().unwrap_or_else(Expr::null)),
            };
            let mut access: Vec<PointAccess> = self.prefixes.into_iter().map(access).collect();
            if access.len() == 1 {
                let access = access.remove(0);
                return PlanNode::PointGet { table, access, columns, lock };
            }
            return PlanNode::BatchPointGet { table, access, columns, lock };
        }
        let filter = filter.clone();
        let reverse = self.reverse && self.ordered;
        let Some(index) = self.index else {
            let ranges = self.ranges.into_iter().map(|(low, high)| HandleRange { low, high });
            let ranges = ranges.collect();
            return PlanNode::TableScan { table, ranges, columns, filter, reverse, limit, lock };
        };
        let mut ranges = Vec::new();
        for equal in self.prefixes {
            if self.ranges.is_empty() {
                if !equal.is_empty() {
                    ranges.push(IndexRange { equal, low: None, high: None });
                }
                continue;
            }
            for (low, high) in &self.ranges {
                let (low, high) = (low.clone(), high.clone());
                ranges.push(IndexRange { equal: equal.clone(), low, high });
            }
        }
        let covering = self.covering;
        PlanNode::IndexScan {
            table,
            index,
            ranges,
            columns,
            covering,
            filter,
            reverse,
            limit,
            lock,
        }
    }
}
