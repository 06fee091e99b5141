//! EXPLAIN: the plan as rows of text, in TiDB's columns.

use std::fmt::Write;

use super::StatementPlan;
use super::column_names::column_names;
use super::logical::public_columns;
use super::partitions::{partitions_of, pruned};
use super::physical::{
    AccessLock, ApplyKind, Assignment, ConflictAction, HandleRange, IndexRange, InsertSource,
    JoinKind, PhysicalPlan, PlanNode, PointAccess, SortKey, SourceTable, Subplan, SubplanResult,
    UpdatedTable,
};
use crate::sql::catalog::{IndexColumn, IndexInfo, TableInfo};
use crate::sql::expr::{Aggregate, EvalContext, Expr};

/// A row: id, estRows, task, access object, operator info.
type Row = [String; 5];

/// The rows of EXPLAIN.
pub(super) fn explain(plan: &StatementPlan) -> Vec<Row> {
    let mut out = Explain { rows: Vec::new() };
    match plan {
        StatementPlan::Query(query) => {
            out.plan(&query.root, "", "");
            out.subqueries(&query.subqueries);
        }
        StatementPlan::Insert(insert) => {
            let action = match &insert.on_conflict {
                ConflictAction::Error => String::new(),
                ConflictAction::Ignore => "ignore".to_owned(),
                ConflictAction::Replace => "replace".to_owned(),
                ConflictAction::Update(list) => {
                    let table = &insert.target.table;
                    format!("on duplicate: {}", assignments(list, table, &both_rows(table)))
                }
            };
            let rows = match &insert.source {
                InsertSource::Values(rows) => rows.len() as f64,
                InsertSource::Query(query) => query.root.estimated_rows,
                InsertSource::Load(load) => load.rows.len() as f64,
            };
            out.row("Insert", rows, object(&insert.target.table, None), action);
            if let InsertSource::Query(query) = &insert.source {
                out.plan(&query.root, "└─", "  ");
            }
            out.subqueries(&insert.subqueries);
        }
        StatementPlan::Update(update) => {
            let names = column_names(&update.source);
            for UpdatedTable { at, assignments: list, .. } in &update.tables {
                let table = &at.target.table;
                let info = assignments(list, table, &names);
                out.row("Update", update.source.estimated_rows, object(table, None), info);
            }
            out.plan(&update.source, "└─", "  ");
            out.subqueries(&update.subqueries);
        }
        StatementPlan::Delete(delete) => {
            let rows = delete.source.estimated_rows;
            for SourceTable { target, .. } in &delete.tables {
                out.row("Delete", rows, object(&target.table, None), String::new());
            }
            out.plan(&delete.source, "└─", "  ");
            out.subqueries(&delete.subqueries);
        }
    }
    out.rows
}

/// What stands above the operators of a statement that writes.
pub(super) fn head(plan: &StatementPlan) -> Option<String> {
    let (verb, tables) = match plan {
        StatementPlan::Query(_) => return None,
        StatementPlan::Insert(insert) => ("Insert into", vec![&insert.target]),
        StatementPlan::Update(update) => {
            ("Update", update.tables.iter().map(|table| &table.at.target).collect())
        }
        StatementPlan::Delete(delete) => {
            ("Delete from", delete.tables.iter().map(|table| &table.target).collect())
        }
    };
    let names: Vec<&str> = tables.iter().map(|target| target.table.name.as_str()).collect();
    Some(format!("{verb} {}", names.join(", ")))
}

struct Explain {
    rows: Vec<Row>,
}

impl Explain {
    fn row(&mut self, id: &str, rows: f64, object: String, info: String) {
        self.rows.push([id.to_owned(), format!("{rows:.2}"), "root".to_owned(), object, info]);
    }

    fn subqueries(&mut self, subqueries: &[Subplan]) {
        let (mut values, mut tables) = (0_usize, 0_usize);
        for Subplan { plan, result } in subqueries {
            let (name, number, rows) = match result {
                SubplanResult::Values => ("ScalarSubquery", &mut values, 1.0),
                SubplanResult::Search(_) => ("FullTextSearch", &mut values, 1.0),
                SubplanResult::Table => ("CTE", &mut tables, plan.estimated_rows),
                SubplanResult::Recursive(_) => ("RecursiveCTE", &mut tables, plan.estimated_rows),
            };
            self.row(&format!("{name}_{number}"), rows, String::new(), String::new());
            *number += 1;
            let SubplanResult::Recursive(recursion) = result else {
                self.plan(plan, "└─", "  ");
                continue;
            };
            self.plan(plan, "├─", "│ ");
            self.plan(&recursion.step, "└─", "  ");
        }
    }

    /// An operator and its inputs. `first` is drawn before its own name, `rest` before those of its inputs.
    fn plan(&mut self, plan: &PhysicalPlan, first: &str, rest: &str) {
        let (name, object, info) = describe(plan);
        self.row(&format!("{first}{name}"), plan.estimated_rows, object, info);
        let mut inputs = plan.node.children().peekable();
        while let Some(input) = inputs.next() {
            let last = inputs.peek().is_none();
            let branch = if last { "└─" } else { "├─" };
            let below = if last { "  " } else { "│ " };
            self.plan(input, &format!("{rest}{branch}"), &format!("{rest}{below}"));
        }
    }
}

/// Name, access object, info.
pub(super) fn describe(plan: &PhysicalPlan) -> (String, String, String) {
    let plain = |name: &str, info: String| (name.to_owned(), String::new(), info);
    match &plan.node {
        PlanNode::Dual { rows } => plain("TableDual", format!("rows:{rows}")),
        PlanNode::Values { rows } => plain("Values", format!("rows:{}", rows.len())),
        PlanNode::PointGet { table, access, lock, .. } => {
            let (index, info) = point(access);
            let info = with_lock(info, *lock);
            ("Point_Get".to_owned(), object(table, index), info)
        }
        PlanNode::BatchPointGet { table, access, lock, .. } => points(table, access, *lock),
        PlanNode::TableScan { table, ranges, columns, filter, reverse, limit, lock } => {
            let (filter, reverse, limit, lock) = (filter.as_ref(), *reverse, *limit, *lock);
            table_scan(ranges, &Scanned { table, columns, filter, reverse, limit, lock })
        }
        node @ PlanNode::IndexScan { .. } => index_scan(node),
        PlanNode::Virtual { table, .. } => {
            ("MemTableScan".to_owned(), format!("table:{}", table.1.to_uppercase()), String::new())
        }
        PlanNode::Common { number, .. } => {
            ("CTEFullScan".to_owned(), format!("CTE:CTE_{number}"), String::new())
        }
        PlanNode::Ranked { limit, .. } => {
            plain("FullTextRows", limit.map_or_else(String::new, |limit| format!("limit:{limit}")))
        }
        PlanNode::Rows { rows, .. } => plain("Rows", format!("rows:{}", rows.len())),
        PlanNode::Filter { input, predicate } => {
            plain("Selection", named(predicate, &column_names(input)))
        }
        PlanNode::Project { input, exprs } => {
            plain("Projection", list(exprs, &column_names(input)))
        }
        PlanNode::Join { left, right, kind, on, filter, null_aware } => {
            let name = if on.is_empty() { "NestedLoopJoin" } else { "HashJoin" };
            let names = (column_names(left), column_names(right));
            plain(name, pairs(join_kind(*kind, *null_aware), on, filter.as_ref(), names))
        }
        node @ PlanNode::IndexLookupJoin { .. } => index_join(node),
        PlanNode::Unnest { input, document, kind, filter, .. } => {
            let document = [format!("document:{}", named(document, &column_names(input)))];
            let names = column_names(plan);
            plain("JsonTable", join(join_kind(*kind, false), &document, filter.as_ref(), &names))
        }
        PlanNode::Aggregate { input, group_by, aggregates } => {
            plain("HashAgg", groups(group_by, aggregates, &column_names(input)))
        }
        PlanNode::Rollup { input, keys } => plain("Expand", list(keys, &column_names(input))),
        PlanNode::Window { input, window } => {
            plain("Window", super::windows::shown(window, &column_names(input)))
        }
        PlanNode::Sort { input, keys, fetch } => {
            let info = sort_keys(keys, &column_names(input));
            match fetch {
                None => plain("Sort", info),
                Some(fetch) => plain("TopN", format!("{info}, offset:0, count:{fetch}")),
            }
        }
        PlanNode::Limit { offset, limit, .. } => {
            plain("Limit", format!("offset:{}, count:{}", number(offset), number(limit)))
        }
        PlanNode::UnionAll { .. } => plain("Union", String::new()),
        PlanNode::Partitions { table, selected, conditions, .. } => {
            plain("PartitionUnion", partition_names(table, selected.as_deref(), conditions))
        }
        PlanNode::Apply { left, bindings, kind, .. } => {
            plain("Apply", applied(kind, bindings, &column_names(left)))
        }
        PlanNode::Repeat { .. } => plain("Repeat", String::new()),
    }
}

/// The partitions that are read, as far as that is known before parameters have their values.
fn partition_names(table: &TableInfo, selected: Option<&[usize]>, conditions: &[Expr]) -> String {
    let (Some(partitioning), Ok(Some(partitions))) = (&table.partitioning, partitions_of(table))
    else {
        return String::new();
    };
    let read = pruned(table, &partitions, selected, conditions, &EvalContext::default());
    if read.is_empty() {
        return "partition:dual".to_owned();
    }
    if read.len() == partitions.tables().len() {
        return "partition:all".to_owned();
    }
    let names = partitioning.names();
    let read: Vec<&str> = read.iter().map(|place| names[*place].as_str()).collect();
    format!("partition:{}", read.join(","))
}

fn points(table: &TableInfo, access: &[PointAccess], lock: AccessLock) -> (String, String, String) {
    let index = access.first().and_then(|first| point(first).0);
    let shown: Vec<String> = access.iter().map(|access| point(access).1).collect();
    ("Batch_Point_Get".to_owned(), object(table, index), with_lock(shown.join(" "), lock))
}

/// What both kinds of scans have.
struct Scanned<'p> {
    table: &'p TableInfo,
    columns: &'p [usize],
    filter: Option<&'p Expr>,
    reverse: bool,
    limit: Option<u64>,
    lock: AccessLock,
}

fn table_scan(ranges: &[HandleRange], scanned: &Scanned<'_>) -> (String, String, String) {
    let name = if ranges.is_empty() { "TableFullScan" } else { "TableRangeScan" };
    let shown: Vec<String> = ranges.iter().map(handle_range).collect();
    (name.to_owned(), object(scanned.table, None), scan(&shown, scanned))
}

fn index_scan(node: &PlanNode) -> (String, String, String) {
    let PlanNode::IndexScan {
        table,
        index,
        ranges,
        columns,
        covering,
        filter,
        reverse,
        limit,
        lock,
    } = node
    else {
        return Default::default();
    };
    let (filter, reverse, limit, lock) = (filter.as_ref(), *reverse, *limit, *lock);
    let scanned = Scanned { table, columns, filter, reverse, limit, lock };
    let name = match (ranges.is_empty(), covering) {
        (true, true) => "IndexFullScan",
        (false, true) => "IndexRangeScan",
        (true, false) => "IndexLookUp(full)",
        (false, false) => "IndexLookUp",
    };
    let shown: Vec<String> = ranges.iter().map(index_range).collect();
    (name.to_owned(), object(table, Some(index)), scan(&shown, &scanned))
}

fn index_join(node: &PlanNode) -> (String, String, String) {
    let PlanNode::IndexLookupJoin { left, table, index, keys, columns, kind, filter, lock } = node
    else {
        return Default::default();
    };
    let mut names = column_names(left);
    let key = [format!("key:{}", list(keys, &names))];
    names.extend(columns.iter().map(|offset| column_name(table, *offset)));
    let info = join(join_kind(*kind, false), &key, filter.as_ref(), &names);
    ("IndexJoin".to_owned(), object(table, index.as_deref()), with_lock(info, *lock))
}

/// What is said of a scan of these ranges; of everything if there are none.
fn scan(ranges: &[String], scanned: &Scanned<'_>) -> String {
    let Scanned { table, columns, filter, reverse, limit, lock } = scanned;
    let mut info = Vec::new();
    if !ranges.is_empty() {
        info.push(format!("range:{}", ranges.join(", ")));
    }
    info.push(format!("keep order:{}", if *reverse { "desc" } else { "asc" }));
    if let Some(filter) = filter {
        let names: Vec<String> = columns.iter().map(|offset| column_name(table, *offset)).collect();
        info.push(format!("filter:{}", named(filter, &names)));
    }
    if let Some(limit) = limit {
        info.push(format!("limit:{limit}"));
    }
    with_lock(info.join(", "), *lock)
}

/// What is said of a join by pairs of equal keys, of rows with these columns.
fn pairs(
    kind: &str,
    on: &[(Expr, Expr)],
    filter: Option<&Expr>,
    (mut names, right): (Vec<String>, Vec<String>),
) -> String {
    let pair =
        |(a, b): &(Expr, Expr)| format!("equal:[{} = {}]", named(a, &names), named(b, &right));
    let shown: Vec<String> = on.iter().map(pair).collect();
    names.extend(right);
    join(kind, &shown, filter, &names)
}

fn groups(group_by: &[Expr], aggregates: &[Aggregate], names: &[String]) -> String {
    let mut info = Vec::new();
    if !group_by.is_empty() {
        info.push(format!("group by:{}", list(group_by, names)));
    }
    if !aggregates.is_empty() {
        let shown: Vec<String> =
            aggregates.iter().map(|aggregate| shown_aggregate(aggregate, names)).collect();
        info.push(format!("funcs:{}", shown.join(", ")));
    }
    info.join(", ")
}

/// Of a LIMIT.
fn number(expr: &Option<Expr>) -> String {
    expr.as_ref().map_or_else(|| "0".to_owned(), ToString::to_string)
}

/// What is said of an Apply, whose left rows have these columns.
fn applied(kind: &ApplyKind, bindings: &[(usize, Expr)], names: &[String]) -> String {
    let mut info = match kind {
        ApplyKind::Join(kind) => join_kind(*kind, false).to_owned(),
        ApplyKind::Row => "row".to_owned(),
        ApplyKind::Exists => "exists".to_owned(),
        ApplyKind::Compare { wanted, all, .. } => {
            let quantifier = if *all { "all" } else { "any" };
            format!("{quantifier}:{}", list(wanted, names))
        }
    };
    if !bindings.is_empty() {
        let outer: Vec<String> = bindings.iter().map(|(_, expr)| named(expr, names)).collect();
        let _ = write!(info, ", outer:{}", outer.join(", "));
    }
    info
}

/// What is said of a join of rows with these columns.
fn join(kind: &str, on: &[String], filter: Option<&Expr>, names: &[String]) -> String {
    let mut info = kind.to_owned();
    for pair in on {
        let _ = write!(info, ", {pair}");
    }
    if let Some(filter) = filter {
        let _ = write!(info, ", other cond:{}", named(filter, names));
    }
    info
}

fn join_kind(kind: JoinKind, null_aware: bool) -> &'static str {
    match kind {
        JoinKind::Inner => "inner join",
        JoinKind::Left => "left outer join",
        JoinKind::Semi => "semi join",
        JoinKind::Anti if null_aware => "null-aware anti semi join",
        JoinKind::Anti => "anti semi join",
    }
}

fn object(table: &TableInfo, index: Option<&IndexInfo>) -> String {
    match index {
        None => format!("table:{}", table.name),
        Some(index) => {
            let name = |column: &IndexColumn| {
                let direction = if column.descending { ":desc" } else { "" };
                format!("{}{direction}", column_name(table, column.offset))
            };
            let columns: Vec<String> = index.columns.iter().map(name).collect();
            format!("table:{}, index:{}({})", table.name, index.name, columns.join(", "))
        }
    }
}

pub(super) fn column_name(table: &TableInfo, offset: usize) -> String {
    let Some(column) = table.columns.get(offset) else { return "_handle".to_owned() };
    column.hidden_expr().map_or_else(|| column.name.clone(), |expr| expr.text.clone())
}

fn point(access: &PointAccess) -> (Option<&IndexInfo>, String) {
    match access {
        PointAccess::Handle(value) => (None, format!("handle:{value}")),
        PointAccess::Unique { index, values } => {
            let values: Vec<String> = values.iter().map(ToString::to_string).collect();
            (Some(index), format!("key:({})", values.join(", ")))
        }
    }
}

fn with_lock(info: String, lock: AccessLock) -> String {
    match lock {
        AccessLock::None => info,
        AccessLock::ForUpdate => format!("{info}, lock"),
        AccessLock::ForUpdateNoWait => format!("{info}, lock nowait"),
        AccessLock::ForUpdateSkipLocked => format!("{info}, lock skip locked"),
    }
}

fn handle_range(range: &HandleRange) -> String {
    bounds(&range.low, &range.high, "-inf")
}

fn index_range(range: &IndexRange) -> String {
    let mut parts: Vec<String> = range.equal.iter().map(ToString::to_string).collect();
    if range.low.is_some() || range.high.is_some() {
        parts.push(bounds(&range.low, &range.high, "-inf"));
    }
    format!("({})", parts.join(", "))
}

fn bounds(low: &Option<(Expr, bool)>, high: &Option<(Expr, bool)>, least: &str) -> String {
    let low = match low {
        Some((value, true)) => format!("[{value}"),
        Some((value, false)) => format!("({value}"),
        None => format!("({least}"),
    };
    let high = match high {
        Some((value, true)) => format!("{value}]"),
        Some((value, false)) => format!("{value})"),
        None => "+inf)".to_owned(),
    };
    format!("{low}, {high}")
}

pub(super) fn named(expr: &Expr, names: &[String]) -> String {
    let name = |index: usize| names.get(index).cloned().unwrap_or_else(|| format!("#{index}"));
    expr.display(&name).to_string()
}

pub(super) fn list(exprs: &[Expr], names: &[String]) -> String {
    exprs.iter().map(|expr| named(expr, names)).collect::<Vec<_>>().join(", ")
}

pub(super) fn sort_keys(keys: &[SortKey], names: &[String]) -> String {
    let key = |key: &SortKey| {
        let direction = if key.descending { ":desc" } else { "" };
        format!("{}{direction}", named(&key.expr, names))
    };
    keys.iter().map(key).collect::<Vec<_>>().join(", ")
}

pub(super) fn shown_aggregate(aggregate: &Aggregate, names: &[String]) -> String {
    aggregate.shown(|exprs| list(exprs, names))
}

fn assignments(list: &[Assignment], table: &TableInfo, names: &[String]) -> String {
    let shown = list.iter().map(|assignment| {
        format!("{}={}", column_name(table, assignment.column), named(&assignment.value, names))
    });
    shown.collect::<Vec<_>>().join(", ")
}

/// The table's columns, then those of the row to be inserted: what ON DUPLICATE KEY UPDATE sees.
fn both_rows(table: &TableInfo) -> Vec<String> {
    let columns = &table.columns[..public_columns(table)];
    let old = columns.iter().map(|column| format!("{}.{}", table.name, column.name));
    let new = columns.iter().map(|column| format!("values({})", column.name));
    old.chain(new).collect()
}
