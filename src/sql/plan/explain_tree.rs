//! EXPLAIN FORMAT=TREE and EXPLAIN ANALYZE: the plan as a tree of lines, in MySQL's form.

use std::fmt::Write;
use std::sync::atomic::Ordering;

use super::StatementPlan;
use super::explain::{describe, head};
use super::figures::{NodeFigures, TreeFigures};
use super::physical::{PhysicalPlan, Subplan, SubplanResult};

/// The plan as lines; with what its operators did, if it ran: the figures of its subqueries' trees, then those of its own.
pub(super) fn explain_tree(plan: &StatementPlan, ran: Option<&[TreeFigures]>) -> String {
    let (root, subqueries) = plan_parts(plan);
    let mut lines = String::new();
    // A statement that ran again has left trees of its earlier attempts before.
    let count = subqueries.len() + 1;
    let ran = ran.map(|trees| &trees[trees.len().saturating_sub(count)..]);
    let figures = |at: usize| ran.and_then(|trees| trees.get(at)).map(Vec::as_slice);
    let mut depth = 0;
    if let Some(head) = head(plan) {
        let _ = writeln!(lines, "-> {head}");
        depth = 1;
    }
    if let Some(root) = root {
        tree(root, depth, &mut Figures::new(figures(subqueries.len()), ran.is_some()), &mut lines);
    }
    for (at, Subplan { plan, result }) in subqueries.iter().enumerate() {
        let _ = writeln!(lines, "-> Select #{} (run only once)", at + 2);
        tree(plan, 1, &mut Figures::new(figures(at), ran.is_some()), &mut lines);
        if let SubplanResult::Recursive(recursion) = result {
            let _ = writeln!(lines, "    -> Repeat until there are no new rows");
            tree(&recursion.step, 2, &mut Figures::new(None, ran.is_some()), &mut lines);
        }
    }
    lines
}

fn plan_parts(plan: &StatementPlan) -> (Option<&PhysicalPlan>, &[Subplan]) {
    match plan {
        StatementPlan::Query(query) => (Some(&query.root), &query.subqueries),
        StatementPlan::Insert(insert) => (
            match &insert.source {
                super::InsertSource::Query(query) => Some(&query.root),
                super::InsertSource::Values(_) | super::InsertSource::Load(_) => None,
            },
            &insert.subqueries,
        ),
        StatementPlan::Update(update) => (Some(&update.source), &update.subqueries),
        StatementPlan::Delete(delete) => (Some(&delete.source), &delete.subqueries),
    }
}

/// The figures of a tree's operators, taken in its order.
struct Figures<'a> {
    left: &'a [std::sync::Arc<NodeFigures>],
    ran: bool,
}

impl<'a> Figures<'a> {
    fn new(tree: Option<&'a [std::sync::Arc<NodeFigures>]>, ran: bool) -> Figures<'a> {
        Figures { left: tree.unwrap_or(&[]), ran }
    }

    /// What is said of the next operator.
    fn next(&mut self) -> String {
        let figures = match self.left.split_first() {
            Some((first, rest)) => {
                self.left = rest;
                Some(first)
            }
            None => None,
        };
        if !self.ran {
            return String::new();
        }
        match figures.map(|figures| (figures, figures.loops.load(Ordering::Relaxed))) {
            None | Some((_, 0)) => " (never executed)".to_owned(),
            Some((figures, loops)) => {
                let average = |total: u64| total as f64 / loops as f64;
                let millis = |nanos: u64| average(nanos) / 1e6;
                format!(
                    " (actual time={:.3}..{:.3} rows={} loops={loops})",
                    millis(figures.first_nanos.load(Ordering::Relaxed)),
                    millis(figures.nanos.load(Ordering::Relaxed)),
                    average(figures.rows.load(Ordering::Relaxed)),
                )
            }
        }
    }
}

fn tree(plan: &PhysicalPlan, depth: usize, figures: &mut Figures<'_>, lines: &mut String) {
    let (name, object, info) = describe(plan);
    let mut line = format!("{}-> {}", "    ".repeat(depth), words(&name));
    if let Some(table) = object.strip_prefix("table:") {
        let (table, index) = table.split_once(", index:").unwrap_or((table, ""));
        let _ = write!(line, " on {table}");
        if !index.is_empty() {
            let _ = write!(line, " using {index}");
        }
    }
    if !info.is_empty() {
        let _ = write!(line, ": {info}");
    }
    let _ = write!(line, "  (rows={})", plan.estimated_rows.round());
    line.push_str(&figures.next());
    lines.push_str(&line);
    lines.push('\n');
    for input in plan.node.children() {
        tree(input, depth + 1, figures, lines);
    }
}

/// What MySQL calls an operator.
fn words(name: &str) -> &str {
    match name {
        "TableDual" => "Rows fetched before execution",
        "Values" => "Constant rows",
        "Point_Get" => "Single-row lookup",
        "Batch_Point_Get" => "Lookups of single rows",
        "TableFullScan" => "Table scan",
        "TableRangeScan" => "Table range scan",
        "IndexFullScan" => "Covering index scan",
        "IndexRangeScan" => "Covering index range scan",
        "IndexLookUp(full)" => "Index scan",
        "IndexLookUp" => "Index range scan",
        "MemTableScan" => "Table scan",
        "Selection" => "Filter",
        "Projection" => "Compute",
        "JsonTable" => "Materialize table function",
        "HashAgg" => "Aggregate",
        "Window" => "Window aggregate",
        "Expand" => "Expand for rollup",
        "TopN" => "Sort with a limit",
        "NestedLoopJoin" => "Nested loop join",
        "HashJoin" => "Hash join",
        "IndexJoin" => "Nested loop join by index lookup",
        "Apply" => "Dependent subquery",
        other => other,
    }
}
