//! What EXPLAIN calls columns.

use super::explain::{column_name, named, shown_aggregate};
use super::physical::{ApplyKind, JoinKind, PhysicalPlan, PlanNode};
use crate::sql::catalog::TableInfo;
use crate::sql::expr::Expr;

/// What the columns of a plan's rows are called.
pub(super) fn column_names(plan: &PhysicalPlan) -> Vec<String> {
    let of_table = |table: &TableInfo, columns: &[usize]| {
        let name = |offset: &usize| format!("{}.{}", table.name, column_name(table, *offset));
        columns.iter().map(name).collect::<Vec<String>>()
    };
    match &plan.node {
        PlanNode::PointGet { table, columns, .. }
        | PlanNode::BatchPointGet { table, columns, .. }
        | PlanNode::TableScan { table, columns, .. }
        | PlanNode::IndexScan { table, columns, .. } => of_table(table, columns),
        PlanNode::Filter { input, .. }
        | PlanNode::Sort { input, .. }
        | PlanNode::Limit { input, .. } => column_names(input),
        PlanNode::Project { input, exprs } => projected(exprs, &column_names(input)),
        PlanNode::Join { left, right, kind, .. } => {
            let mut names = column_names(left);
            if matches!(kind, JoinKind::Inner | JoinKind::Left) {
                names.extend(column_names(right));
            }
            names
        }
        PlanNode::IndexLookupJoin { left, table, columns, .. } => {
            let mut names = column_names(left);
            names.extend(of_table(table, columns));
            names
        }
        PlanNode::Aggregate { input, group_by, aggregates } => {
            let below = column_names(input);
            let groups = group_by.iter().map(|group| named(group, &below));
            let shown = aggregates.iter().map(|aggregate| shown_aggregate(aggregate, &below));
            groups.chain(shown).collect()
        }
        PlanNode::Unnest { input, table, .. } => {
            let mut names = column_names(input);
            names.extend(table.columns.iter().map(|column| column.name.clone()));
            names
        }
        PlanNode::Rollup { input, keys } => {
            let mut names = column_names(input);
            names.extend(keys.iter().map(|key| named(key, &names)).collect::<Vec<String>>());
            names.push("grouping".to_owned());
            names
        }
        PlanNode::Window { input, window } => {
            let mut names = column_names(input);
            let computed = names.len()..names.len() + window.calls.len();
            names.extend(computed.map(|position| format!("Window#{position}")));
            names
        }
        PlanNode::Partitions { input, .. } => column_names(input),
        PlanNode::UnionAll { inputs } => inputs.first().map_or_else(Vec::new, column_names),
        PlanNode::Repeat { input } => {
            let mut names = column_names(input);
            names.pop();
            names
        }
        PlanNode::Apply { left, right, kind, .. } => applied(column_names(left), right, kind),
        PlanNode::Dual { .. }
        | PlanNode::Values { .. }
        | PlanNode::Common { .. }
        | PlanNode::Rows { .. }
        | PlanNode::Ranked { .. }
        | PlanNode::Virtual { .. } => {
            (0..plan.schema.len()).map(|position| format!("Column#{position}")).collect()
        }
    }
}

fn projected(exprs: &[Expr], names: &[String]) -> Vec<String> {
    let shown = exprs.iter().enumerate().map(|(position, expr)| match expr {
        Expr::Column { index, .. } => names[*index].clone(),
        _ => format!("Column#{position}"),
    });
    shown.collect()
}

fn applied(mut names: Vec<String>, right: &PhysicalPlan, kind: &ApplyKind) -> Vec<String> {
    match kind {
        ApplyKind::Join(JoinKind::Inner | JoinKind::Left) => names.extend(column_names(right)),
        ApplyKind::Row => {
            names.extend(column_names(right));
            names.push("more".to_owned());
        }
        ApplyKind::Join(JoinKind::Semi | JoinKind::Anti) => {}
        ApplyKind::Exists => names.push("exists".to_owned()),
        ApplyKind::Compare { all, .. } => names.push(if *all { "all" } else { "any" }.to_owned()),
    }
    names
}
