//! Operators for the logical plan.

use super::access::{self, Access};
use super::binder::check;
use super::cardinality::FILTER_PART;
use super::document_table::unnested;
use super::logical::{Logical, column_type, rollup_schema};
use super::lookup::Lookup;
use super::physical::{AccessLock, ApplyKind, JoinKind, PhysicalPlan, PlanNode, SortKey};
use crate::common::SqlResult;
use crate::sql::expr::{Aggregate, AggregateKind, Expr, Function};
use crate::sql::types::{Datum, FieldType, TypeKind};

/// As many rows a common table that is computed once is expected to have.
const COMMON_ROWS: f64 = 1_000.0;

/// The physical plan.
pub(super) fn lower(plan: Logical) -> SqlResult<PhysicalPlan> {
    lower_some(plan, None)
}

/// The physical plan of which only the first `fetch` rows are needed.
fn lower_some(plan: Logical, fetch: Option<u64>) -> SqlResult<PhysicalPlan> {
    check()?;
    Ok(match plan {
        Logical::Dual => node(PlanNode::Dual { rows: 1 }, Vec::new(), 1.0),
        Logical::Values { rows, schema } => {
            let count = rows.len() as f64;
            node(PlanNode::Values { rows }, schema, count)
        }
        Logical::Scan(scan) => access::choose(&scan, &[], fetch).plan,
        Logical::Virtual { table, database, outputs } => {
            let schema = outputs.iter().map(|offset| column_type(&table, *offset)).collect();
            let table = (database, table.name.to_lowercase());
            node(PlanNode::Virtual { table, columns: outputs }, schema, 100.0)
        }
        Logical::Common { subquery, outputs, schema } => {
            let schema = outputs.iter().map(|output| schema[*output].clone()).collect();
            let common = PlanNode::Common { number: subquery, columns: outputs };
            node(common, schema, COMMON_ROWS)
        }
        Logical::Filter { input, predicates } => {
            let input = lower(*input)?;
            match Expr::conjunction(predicates) {
                Some(predicate) => filtered(input, predicate),
                None => input,
            }
        }
        Logical::Project { input, exprs } => project(lower_some(*input, fetch)?, exprs),
        Logical::Join { left, right, kind, conditions, null_aware } => {
            lower_join(*left, *right, kind, conditions, null_aware)?
        }
        Logical::Unnest { input, document, table, kind, filter } => {
            let input = Box::new(lower(*input)?);
            unnested(PlanNode::Unnest { input, document, table, kind, filter })
        }
        Logical::Aggregate { input, group_by, aggregates } => {
            lower_groups(*input, group_by, aggregates)?
        }
        Logical::Apply { left, right, bindings, kind } => {
            apply(lower(*left)?, lower(*right)?, bindings, kind)
        }
        Logical::Repeat { input } => {
            let input = lower(*input)?;
            let schema = input.schema[..input.schema.len() - 1].to_vec();
            let rows = input.estimated_rows;
            node(PlanNode::Repeat { input: Box::new(input) }, schema, rows)
        }
        Logical::Rollup { input, keys } => {
            let input = lower(*input)?;
            let rows = input.estimated_rows * (keys.len() + 1) as f64;
            let schema = rollup_schema(input.schema.clone(), &keys);
            node(PlanNode::Rollup { input: Box::new(input), keys }, schema, rows)
        }
        Logical::Window { input, window } => {
            let input = lower(*input)?;
            let (mut schema, rows) = (input.schema.clone(), input.estimated_rows);
            schema.extend(window.types());
            node(PlanNode::Window { input: Box::new(input), window }, schema, rows)
        }
        Logical::Sort { input, keys } => lower_sorted(*input, keys, fetch)?,
        Logical::Limit { input, offset, limit } => lower_limit(*input, offset, limit)?,
        Logical::UnionAll { inputs } => lower_union(inputs, fetch)?,
    })
}

fn lower_groups(
    input: Logical,
    group_by: Vec<Expr>,
    aggregates: Vec<Aggregate>,
) -> SqlResult<PhysicalPlan> {
    let input = match extreme_key(&input, &group_by, &aggregates) {
        Some(key) => lower_extreme(input, key)?,
        None => lower(input)?,
    };
    let rows = if group_by.is_empty() { 1.0 } else { (input.estimated_rows * 0.8).max(1.0) };
    let groups = group_by.iter().map(Expr::field_type);
    let types = groups.chain(aggregates.iter().map(|aggregate| &aggregate.field_type));
    let schema = types.cloned().collect();
    let input = Box::new(input);
    Ok(node(PlanNode::Aggregate { input, group_by, aggregates }, schema, rows))
}

fn lower_union(inputs: Vec<Logical>, fetch: Option<u64>) -> SqlResult<PhysicalPlan> {
    let inputs: Vec<PhysicalPlan> =
        inputs.into_iter().map(|input| lower_some(input, fetch)).collect::<SqlResult<_>>()?;
    let rows = inputs.iter().map(|input| input.estimated_rows).sum();
    let schema = inputs.first().map_or_else(Vec::new, |first| first.schema.clone());
    Ok(node(PlanNode::UnionAll { inputs }, schema, rows))
}

pub(super) fn node(node: PlanNode, schema: Vec<FieldType>, estimated_rows: f64) -> PhysicalPlan {
    PhysicalPlan { node, schema, estimated_rows }
}

fn apply(
    left: PhysicalPlan,
    right: PhysicalPlan,
    bindings: Vec<(usize, Expr)>,
    kind: ApplyKind,
) -> PhysicalPlan {
    let mut schema = left.schema.clone();
    schema.extend(kind.added(right.schema.clone()));
    let rows = match kind {
        ApplyKind::Join(JoinKind::Inner | JoinKind::Left) => {
            left.estimated_rows * right.estimated_rows.max(1.0)
        }
        ApplyKind::Join(JoinKind::Semi | JoinKind::Anti) => {
            (left.estimated_rows * FILTER_PART).max(1.0)
        }
        ApplyKind::Row | ApplyKind::Exists | ApplyKind::Compare { .. } => left.estimated_rows,
    };
    let (left, right) = (Box::new(left), Box::new(right));
    node(PlanNode::Apply { left, right, bindings, kind }, schema, rows)
}

fn filtered(input: PhysicalPlan, predicate: Expr) -> PhysicalPlan {
    let (schema, rows) = (input.schema.clone(), (input.estimated_rows * FILTER_PART).max(1.0));
    node(PlanNode::Filter { input: Box::new(input), predicate }, schema, rows)
}

/// A projection; none if it changes nothing, and one for two.
pub(super) fn project(input: PhysicalPlan, exprs: Vec<Expr>) -> PhysicalPlan {
    let is_identity = exprs.len() == input.schema.len()
        && exprs.iter().enumerate().all(
            |(position, expr)| matches!(expr, Expr::Column { index, .. } if *index == position),
        );
    if is_identity {
        return input;
    }
    let schema = exprs.iter().map(|expr| expr.field_type().clone()).collect();
    let rows = input.estimated_rows;
    if let PlanNode::Project { exprs: inner, .. } = &input.node
        && inner.iter().all(|expr| matches!(expr, Expr::Column { .. }))
    {
        let places: Vec<usize> = inner
            .iter()
            .filter_map(|expr| match expr {
                Expr::Column { index, .. } => Some(*index),
                _ => None,
            })
            .collect();
        let exprs: Vec<Expr> =
            exprs.into_iter().map(|expr| expr.map_columns(&mut |index| places[index])).collect();
        let PlanNode::Project { input, .. } = input.node else { unreachable!("looked at above") };
        return project(*input, exprs);
    }
    node(PlanNode::Project { input: Box::new(input), exprs }, schema, rows)
}

fn lower_sorted(input: Logical, keys: Vec<SortKey>, fetch: Option<u64>) -> SqlResult<PhysicalPlan> {
    let input = match input {
        Logical::Scan(scan) => {
            let Access { plan, ordered, .. } = access::choose(&scan, &keys, fetch);
            if ordered {
                return Ok(plan);
            }
            plan
        }
        other => lower(other)?,
    };
    if is_single_row(&input) {
        return Ok(input);
    }
    let schema = input.schema.clone();
    let rows = fetch.map_or(input.estimated_rows, |fetch| input.estimated_rows.min(fetch as f64));
    Ok(node(PlanNode::Sort { input: Box::new(input), keys, fetch }, schema, rows))
}

/// The order in which the first row has what the aggregation looks for: it is nothing but one MIN or MAX of a column of a table.
fn extreme_key(input: &Logical, group_by: &[Expr], aggregates: &[Aggregate]) -> Option<SortKey> {
    let ([], [Aggregate { kind, args, .. }]) = (group_by, aggregates) else { return None };
    let descending = match kind {
        AggregateKind::Min => false,
        AggregateKind::Max => true,
        _ => return None,
    };
    let ([expr @ Expr::Column { .. }], Logical::Scan(scan)) = (&args[..], input) else {
        return None;
    };
    // Members of an ENUM are picked by their texts, and ordered by their numbers.
    let ordered_alike = !expr.field_type().kind.is_member();
    (scan.lock == AccessLock::None && ordered_alike)
        .then(|| SortKey { expr: expr.clone(), descending })
}

/// The row with the lowest or highest value of a column, if an index has it at one of its ends; otherwise all rows.
fn lower_extreme(input: Logical, key: SortKey) -> SqlResult<PhysicalPlan> {
    let Logical::Scan(scan) = &input else { return lower(input) };
    let mut first = scan.clone();
    if let Expr::Column { index, field_type } = &key.expr
        && !key.descending
        && !field_type.not_null
    {
        // NULL is lowest, and no value.
        let column = Expr::column(scan.outputs[*index], field_type.clone());
        let null = Expr::call(Function::IsNull, vec![column])?;
        first.filters.push(Expr::call(Function::Not, vec![null])?);
    }
    let Access { plan, ordered, ordered_apart } =
        access::choose(&first, std::slice::from_ref(&key), Some(1));
    if ordered_apart && !ordered {
        // The first of each partition: what is looked for is among them.
        return Ok(plan);
    }
    if !ordered {
        return lower(input);
    }
    if is_single_row(&plan) || stops_at(&plan, Some(1)) {
        return Ok(plan);
    }
    let (schema, limit) = (plan.schema.clone(), Some(Expr::literal(Datum::Int(1))));
    Ok(node(PlanNode::Limit { input: Box::new(plan), offset: None, limit }, schema, 1.0))
}

fn lower_limit(
    input: Logical,
    offset: Option<Expr>,
    limit: Option<Expr>,
) -> SqlResult<PhysicalPlan> {
    let number = |expr: &Expr| expr.as_literal().and_then(Datum::as_count);
    let offset = offset.filter(|expr| number(expr) != Some(0));
    let known = limit.as_ref().and_then(number);
    if known == Some(0) {
        return Ok(node(PlanNode::Values { rows: Vec::new() }, input.schema(), 0.0));
    }
    let fetch = known
        .zip(offset.as_ref().map_or(Some(0), number))
        .map(|(limit, offset)| limit.saturating_add(offset));
    let input = lower_some(input, fetch)?;
    if offset.is_none() && (is_single_row(&input) && fetch.is_some() || stops_at(&input, fetch)) {
        return Ok(input);
    }
    let rows = known.map_or(input.estimated_rows, |known| input.estimated_rows.min(known as f64));
    let schema = input.schema.clone();
    Ok(node(PlanNode::Limit { input: Box::new(input), offset, limit }, schema, rows))
}

/// Whether there is at most one row in it.
fn is_single_row(plan: &PhysicalPlan) -> bool {
    match &plan.node {
        PlanNode::Dual { .. } | PlanNode::PointGet { .. } => true,
        PlanNode::Aggregate { group_by, .. } => group_by.is_empty(),
        PlanNode::Filter { input, .. }
        | PlanNode::Project { input, .. }
        | PlanNode::Partitions { input, .. }
        | PlanNode::Window { input, .. } => is_single_row(input),
        PlanNode::Values { .. }
        | PlanNode::BatchPointGet { .. }
        | PlanNode::TableScan { .. }
        | PlanNode::IndexScan { .. }
        | PlanNode::Virtual { .. }
        | PlanNode::Common { .. }
        | PlanNode::Rows { .. }
        | PlanNode::Ranked { .. }
        | PlanNode::Join { .. }
        | PlanNode::Unnest { .. }
        | PlanNode::IndexLookupJoin { .. }
        | PlanNode::Apply { .. }
        | PlanNode::Repeat { .. }
        | PlanNode::Rollup { .. }
        | PlanNode::Sort { .. }
        | PlanNode::Limit { .. }
        | PlanNode::UnionAll { .. } => false,
    }
}

/// Whether the plan itself stops after as many rows.
fn stops_at(plan: &PhysicalPlan, fetch: Option<u64>) -> bool {
    match &plan.node {
        PlanNode::TableScan { limit, .. } | PlanNode::IndexScan { limit, .. } => {
            fetch.is_some() && *limit == fetch
        }
        PlanNode::Sort { fetch: own, .. } => fetch.is_some() && *own == fetch,
        PlanNode::Project { input, .. } => stops_at(input, fetch),
        PlanNode::Dual { .. }
        | PlanNode::Values { .. }
        | PlanNode::PointGet { .. }
        | PlanNode::BatchPointGet { .. }
        | PlanNode::Partitions { .. }
        | PlanNode::Virtual { .. }
        | PlanNode::Common { .. }
        | PlanNode::Rows { .. }
        | PlanNode::Ranked { .. }
        | PlanNode::Filter { .. }
        | PlanNode::Unnest { .. }
        | PlanNode::Join { .. }
        | PlanNode::IndexLookupJoin { .. }
        | PlanNode::Apply { .. }
        | PlanNode::Repeat { .. }
        | PlanNode::Aggregate { .. }
        | PlanNode::Rollup { .. }
        | PlanNode::Window { .. }
        | PlanNode::Limit { .. }
        | PlanNode::UnionAll { .. } => false,
    }
}

fn lower_join(
    left: Logical,
    right: Logical,
    kind: JoinKind,
    conditions: Vec<Expr>,
    null_aware: bool,
) -> SqlResult<PhysicalPlan> {
    let left = lower(left)?;
    let mut schema = left.schema.clone();
    let width = schema.len();
    if matches!(kind, JoinKind::Inner | JoinKind::Left) {
        let far = right.schema().into_iter();
        schema.extend(far.map(|f| if kind == JoinKind::Left { f.nullable() } else { f }));
    }
    let (mut on, mut rest) = (Vec::new(), Vec::new());
    let mut null_aware = null_aware;
    for condition in conditions {
        match equal_sides(&condition, width) {
            Some(pair) => on.push(pair),
            None => rest.push(condition),
        }
    }
    // NOT IN without a single pair of keys: a right row is in the way unless it certainly differs.
    if null_aware && (on.len() != 1 || !rest.is_empty()) {
        null_aware = false;
        rest = vec![not_false(std::mem::take(&mut on), rest, width)?];
    }
    if let Logical::Scan(scan) = &right
        && let Some(lookup) = Lookup::choose(&left, scan, kind, &on)
    {
        return lookup.join(left, scan, kind, (on, rest), &schema);
    }
    let right = lower(right)?;
    let rows = match kind {
        JoinKind::Inner | JoinKind::Left if on.is_empty() => {
            left.estimated_rows * right.estimated_rows
        }
        JoinKind::Inner | JoinKind::Left => left.estimated_rows.max(right.estimated_rows),
        JoinKind::Semi | JoinKind::Anti => (left.estimated_rows * FILTER_PART).max(1.0),
    };
    let filter = Expr::conjunction(rest);
    let (left, right) = (Box::new(left), Box::new(right));
    Ok(node(PlanNode::Join { left, right, kind, on, filter, null_aware }, schema, rows))
}

/// Whether pairs of keys are equal and conditions hold, or may be and may hold: the answer is not FALSE.
fn not_false(on: Vec<(Expr, Expr)>, mut parts: Vec<Expr>, width: usize) -> SqlResult<Expr> {
    for (left, right) in on {
        let right = right.map_columns(&mut |index| index + width);
        parts.push(Expr::call(Function::Eq, vec![left, right])?);
    }
    let all = match parts.len() {
        1 => parts.remove(0),
        _ => Expr::call(Function::And, parts)?,
    };
    let is_false = Expr::call(Function::IsFalse, vec![all])?;
    Expr::call(Function::Not, vec![is_false])
}

/// `left = right` with one side's columns on each, cast to one type; `None` if it is not that.
fn equal_sides(condition: &Expr, width: usize) -> Option<(Expr, Expr)> {
    let Expr::Call { function: Function::Eq, args, field_type } = condition else { return None };
    let [first, second] = args.as_slice() else { return None };
    let is_left = |expr: &Expr| expr.columns().last().is_some_and(|column| *column < width);
    let is_right = |expr: &Expr| expr.columns().first().is_some_and(|column| *column >= width);
    let (left, right) = if is_left(first) && is_right(second) {
        (first, second)
    } else if is_left(second) && is_right(first) {
        (second, first)
    } else {
        return None;
    };
    let common = key_type(left.field_type(), right.field_type(), field_type)?;
    let right = right.clone().map_columns(&mut |index| index - width);
    Some((Expr::cast(left.clone(), common.clone()), Expr::cast(right, common)))
}

/// The type in which two keys are equal exactly if `=` says so.
pub(crate) fn key_type(
    left: &FieldType,
    right: &FieldType,
    comparison: &FieldType,
) -> Option<FieldType> {
    let not_null = left.not_null && right.not_null;
    let integers = left.kind.is_integer() && right.kind.is_integer();
    let common = if left.same_values(right) {
        left.clone()
    } else if integers && left.unsigned == right.unsigned {
        FieldType { unsigned: left.unsigned, ..FieldType::bigint() }
    } else if integers {
        FieldType::decimal(20, 0)
    } else if left.kind.is_textual() && right.kind.is_textual() {
        let same = left.collation == right.collation && left.collation == comparison.collation;
        if !same {
            return None;
        }
        FieldType::long_text().collate(left.collation)
    } else if exact(left) && exact(right) {
        let (left_scale, right_scale) = (scale(left), scale(right));
        FieldType::decimal(65, left_scale.max(right_scale))
    } else if left.kind == right.kind && left.kind.is_temporal() {
        FieldType { decimals: Some(left.fsp().max(right.fsp())), ..left.clone() }
    } else if left.kind.is_numeric() && right.kind.is_numeric() {
        FieldType::double()
    } else {
        return None;
    };
    Some(FieldType { not_null, ..common })
}

fn exact(field_type: &FieldType) -> bool {
    field_type.kind.is_integer() || field_type.kind == TypeKind::Decimal
}

fn scale(field_type: &FieldType) -> u8 {
    if field_type.kind == TypeKind::Decimal { field_type.precision_scale().1 } else { 0 }
}
