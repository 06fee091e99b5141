//! MATCH … AGAINST.
//!
//! A search is run once, before the statement's own plan, as a subquery without columns of the rows around it; what it finds is a parameter.
//! MATCH is what that says of a row's handle ([`Function::Match`]), wherever it stands. As a condition of a table it is also the way to the
//! table's rows: those that were found are looked up by their handles, the best first.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::access::Access;
use super::binder::{Binder, Clause};
use super::logical::{Logical, Scan, column_type};
use super::lower::{node, project};
use super::physical::{AccessLock, FulltextSearch, JoinKind, PhysicalPlan, PlanNode, SortKey};
use super::subplans::Subquery;
use super::subquery::has_subquery;
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::TableInfo;
use crate::sql::expr::{Aggregate, AggregateKind, Expr, Function};
use crate::sql::parser::ast;
use crate::sql::table_codec;
use crate::sql::types::{Collation, Datum, FieldType};

/// Rows that a search is expected to find.
const FOUND_ROWS: f64 = 100.0;
/// A table of more rows is not counted for each search: how many were written is known.
const COUNTED_ROWS: u64 = 10_000;

/// Error 1210.
fn wrong_arguments(of: &str) -> SqlError {
    SqlError::new(errno::WRONG_ARGUMENTS, format!("Incorrect arguments to {of}"))
}

impl Binder<'_> {
    /// What MATCH says of a row.
    pub(super) fn match_against(
        &mut self,
        written: &ast::MatchAgainst,
        clause: &mut Clause<'_>,
    ) -> SqlResult<Expr> {
        let (table, offsets, handle) = self.searched(&written.columns, clause)?;
        let is_of = |index: &&crate::sql::catalog::IndexInfo| {
            index.is_searchable()
                && offsets == index.columns.iter().map(|part| part.offset).collect()
        };
        let index = table.indexes.iter().find(is_of).cloned().ok_or_else(|| {
            SqlError::new(
                errno::FT_MATCHING_KEY_NOT_FOUND,
                "Can't find FULLTEXT index matching the column list",
            )
        })?;
        let query = self.expr(&written.query, clause)?;
        if !query.columns().is_empty() || has_subquery(&query) {
            return Err(wrong_arguments("AGAINST"));
        }
        let mode = written.mode;
        let search = FulltextSearch { table, index: Arc::new(index), query, mode };
        let ranks = self.ranks(search)?;
        let field_type = FieldType::double().not_null();
        Ok(Expr::Call { function: Function::Match, args: vec![handle, ranks], field_type })
    }

    /// The table whose columns these are, where they are in it, and its rows' handle.
    fn searched(
        &mut self,
        columns: &[ast::Expr],
        clause: &mut Clause<'_>,
    ) -> SqlResult<(Arc<TableInfo>, BTreeSet<usize>, Expr)> {
        let mut offsets = BTreeSet::new();
        let mut of: Option<(usize, Arc<TableInfo>, Expr)> = None;
        for column in columns {
            let ast::Expr::Column { database, table, name } = column else {
                return Err(wrong_arguments("MATCH"));
            };
            let scope = clause.scope;
            let found = scope.find(database.as_deref(), table.as_deref(), name);
            let [index] = found.as_slice() else {
                // An error that names it, unless it is a column of something else.
                self.expr(column, clause)?;
                return Err(wrong_arguments("MATCH"));
            };
            let relation = scope.relation_of(*index).ok_or_else(|| wrong_arguments("MATCH"))?;
            let table = relation.table().filter(|table| table.id > 0);
            let table = table.ok_or_else(|| wrong_arguments("MATCH"))?;
            offsets.insert(*index - relation.start);
            match &of {
                None => of = Some((relation.start, table.clone(), relation.handle(table))),
                Some((start, ..)) if *start == relation.start => {}
                Some(_) => return Err(wrong_arguments("MATCH")),
            }
        }
        let (_, table, handle) = of.ok_or_else(|| wrong_arguments("MATCH"))?;
        Ok((table, offsets, handle))
    }

    /// What a search finds. The same one is not run twice.
    fn ranks(&mut self, search: FulltextSearch) -> SqlResult<Expr> {
        let field_type = FieldType::long_text().collate(Collation::Binary);
        let known = self.subqueries.iter().find_map(|subquery| match subquery {
            Subquery::Search { search: known, parameter, .. }
                if **known == search && search.query.is_deterministic() =>
            {
                Some(*parameter)
            }
            _ => None,
        });
        if let Some(index) = known {
            return Ok(Expr::Parameter { index, field_type });
        }
        let rows = self.row_count(&search.table)?;
        let index = self.planner.parameter_count + self.value_count;
        self.value_count += 1;
        self.subqueries.push(Subquery::Search { rows, search: Box::new(search), parameter: index });
        Ok(Expr::Parameter { index, field_type })
    }

    /// A plan of one value: how many rows a table has.
    fn row_count(&self, table: &Arc<TableInfo>) -> SqlResult<Logical> {
        let one = Expr::literal(Datum::Int(1));
        if let Some(stats) =
            self.planner.stats.table(table.id).filter(|stats| stats.rows >= COUNTED_ROWS)
        {
            let rows = Expr::literal(Datum::Int(i64::try_from(stats.rows).unwrap_or(i64::MAX)));
            return Ok(Logical::Project { input: Box::new(Logical::Dual), exprs: vec![rows] });
        }
        Ok(Logical::Aggregate {
            input: Box::new(Logical::scan(table, false, None)),
            group_by: Vec::new(),
            aggregates: vec![Aggregate::new(AggregateKind::Count, vec![one], false)?],
        })
    }
}

/// The handle and the ranks of MATCH.
fn parts(expr: &Expr) -> Option<(&Expr, &Expr)> {
    match expr {
        Expr::Call { function: Function::Match, args, .. } => Some((&args[0], &args[1])),
        _ => None,
    }
}

/// The ranks of which a condition asks that a row is among them.
fn demanded(filter: &Expr) -> Option<&Expr> {
    if let Some((_, ranks)) = parts(filter) {
        return Some(ranks);
    }
    let Expr::Call { function, args, .. } = filter else { return None };
    let [left, right] = args.as_slice() else { return None };
    let (matched, bound, strict) = match function {
        Function::Gt => (left, right, true),
        Function::Ge => (left, right, false),
        Function::Lt => (right, left, true),
        Function::Le => (right, left, false),
        _ => return None,
    };
    let bound = match bound.as_literal()? {
        Datum::Int(number) => *number as f64,
        Datum::UInt(number) => *number as f64,
        Datum::Float(number) => *number,
        Datum::Decimal(number) => number.to_f64(),
        Datum::Null
        | Datum::Bytes(_)
        | Datum::Time(_)
        | Datum::Duration(_)
        | Datum::Member(_)
        | Datum::Json(_) => return None,
    };
    let positive = if strict { bound >= 0.0 } else { bound > 0.0 };
    parts(matched).filter(|_| positive).map(|(_, ranks)| ranks)
}

/// The rows that a search finds which the scan's conditions ask for.
pub(super) fn ranked(scan: &Scan, order: &[SortKey], fetch: Option<u64>) -> Option<Access> {
    let table = &scan.table;
    let demands = scan.filters.iter().position(|filter| demanded(filter).is_some())?;
    let ranks = demanded(&scan.filters[demands])?;
    let handle = table.handle_column.unwrap_or(table.columns.len());
    let is_rank = |expr: &Expr| {
        parts(expr).is_some_and(|(own, of)| {
            of == ranks
                && matches!(own, Expr::Column { index, .. } if scan.outputs[*index] == handle)
        })
    };
    let ordered = match order {
        [] => true,
        [key] => key.descending && is_rank(&key.expr),
        _ => false,
    };
    // Who is among the ranks is worth something.
    let left: Vec<&Expr> = scan
        .filters
        .iter()
        .enumerate()
        .filter(|(number, filter)| *number != demands || parts(filter).is_none())
        .map(|(_, filter)| filter)
        .collect();
    let whole = left.is_empty() && ordered && scan.lock == AccessLock::None;
    let limit = fetch.filter(|_| whole);
    let rows = limit.map_or(FOUND_ROWS, |limit| FOUND_ROWS.min(limit as f64));
    let handle_type = column_type(table, handle);
    let unsigned = table_codec::handle_is_unsigned(table);
    let found = PlanNode::Ranked { ranks: ranks.clone(), unsigned, limit };
    let found = node(found, vec![handle_type.clone()], rows);
    let alone = left.is_empty() && scan.lock == AccessLock::None;
    if alone && scan.outputs.iter().all(|offset| *offset == handle) {
        let exprs = scan.outputs.iter().map(|_| Expr::column(0, handle_type.clone()));
        return Some(Access {
            plan: project(found, exprs.collect()),
            ordered,
            ordered_apart: ordered,
        });
    }
    let plan = looked_up(scan, found, &left, handle_type, rows);
    Some(Access { plan, ordered, ordered_apart: ordered })
}

/// The rows of these handles that fulfil what is left.
fn looked_up(
    scan: &Scan,
    found: PhysicalPlan,
    left: &[&Expr],
    handle_type: FieldType,
    rows: f64,
) -> PhysicalPlan {
    let table = &scan.table;
    let mut columns = scan.outputs.clone();
    for offset in left.iter().flat_map(|filter| filter.columns()) {
        if !columns.contains(&offset) {
            columns.push(offset);
        }
    }
    let place = |offset: usize| {
        let at = columns.iter().position(|column| *column == offset);
        1 + at.expect("every column read is given")
    };
    let filters = left.iter().map(|filter| (*filter).clone().map_columns(&mut |o| place(o)));
    let filter = Expr::conjunction(filters.collect());
    let mut schema = vec![handle_type.clone()];
    schema.extend(columns.iter().map(|offset| column_type(table, *offset)));
    let given = 1..=scan.outputs.len();
    let exprs = given.map(|at| Expr::column(at, schema[at].clone())).collect();
    let join = PlanNode::IndexLookupJoin {
        left: Box::new(found),
        table: table.clone(),
        index: None,
        keys: vec![Expr::column(0, handle_type)],
        columns,
        kind: JoinKind::Inner,
        filter,
        lock: scan.lock,
    };
    project(node(join, schema, rows), exprs)
}
