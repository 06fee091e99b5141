//! Joins whose right rows are looked up by keys from the left ones.

use std::sync::Arc;

use super::cardinality::{Cardinality, FEW_ROWS, LOOKUP_COST};
use super::logical::{Scan, column_type};
use super::lower::{node, project};
use super::physical::{AccessLock, JoinKind, PhysicalPlan, PlanNode};
use crate::common::SqlResult;
use crate::sql::catalog::IndexInfo;
use crate::sql::expr::{Expr, Function};
use crate::sql::types::FieldType;

/// The most outer rows for which looking each one's matches up beats reading the other table.
pub(super) const LOOKUP_ROWS: f64 = 1_000.0;

/// The rows of an index that was never analyzed that have one key.
const MATCHES: f64 = 10.0;
/// How the matches of a left row are looked up.
pub(super) struct Lookup {
    /// `None`: by handle.
    index: Option<Arc<IndexInfo>>,
    /// Which of the join's pairs of keys are looked up by.
    used: Vec<usize>,
    /// How many rows the join is expected to give.
    rows: f64,
}

impl Lookup {
    /// By handle or index, if there are few left rows.
    pub(super) fn choose(
        left: &PhysicalPlan,
        scan: &Scan,
        kind: JoinKind,
        on: &[(Expr, Expr)],
    ) -> Option<Lookup> {
        let possible =
            matches!(kind, JoinKind::Inner | JoinKind::Left) && left.estimated_rows <= LOOKUP_ROWS;
        if !possible || scan.selected.is_some() {
            return None;
        }
        let (index, used) = lookup_key(scan, on)?;
        let unique =
            index.as_ref().is_none_or(|index| index.unique && index.columns.len() == used.len());
        let cardinality = Cardinality::of(scan);
        let matches = match &index {
            _ if unique => 1.0,
            Some(index) if cardinality.is_known() => cardinality
                .matches(index.columns.iter().take(used.len()).map(|column| column.offset)),
            _ => MATCHES,
        };
        let rows = left.estimated_rows * matches;
        // All of the table is read sooner than so many single rows; a statement that locks them reads no others.
        let too_many = rows * LOOKUP_COST > cardinality.rows().max(FEW_ROWS);
        if cardinality.is_known() && too_many && scan.lock == AccessLock::None {
            return None;
        }
        Some(Lookup { index, used, rows })
    }

    /// The join of these left rows, whose columns are those of `schema`.
    pub(super) fn join(
        self,
        left: PhysicalPlan,
        scan: &Scan,
        kind: JoinKind,
        (on, rest): (Vec<(Expr, Expr)>, Vec<Expr>),
        schema: &[FieldType],
    ) -> SqlResult<PhysicalPlan> {
        let width = left.schema.len();
        let mut columns = scan.outputs.clone();
        for offset in scan.filters.iter().flat_map(Expr::columns) {
            if !columns.contains(&offset) {
                columns.push(offset);
            }
        }
        let extended = columns.len() - scan.outputs.len();
        let place = |offset: usize| {
            columns.iter().position(|column| *column == offset).expect("every column read is given")
        };
        let keys = self.used.iter().map(|number| on[*number].0.clone()).collect();
        let mut filters = rest;
        for (number, (left, right)) in on.into_iter().enumerate() {
            if !self.used.contains(&number) {
                let right = right.map_columns(&mut |index| index + width);
                filters.push(Expr::call(Function::Eq, vec![left, right])?);
            }
        }
        let own = scan.filters.iter().cloned();
        filters.extend(own.map(|f| f.map_columns(&mut |offset| width + place(offset))));
        let mut wide = left.schema.clone();
        let far = columns.iter().map(|offset| column_type(&scan.table, *offset));
        wide.extend(far.map(|f| if kind == JoinKind::Left { f.nullable() } else { f }));
        let lookup = PlanNode::IndexLookupJoin {
            left: Box::new(left),
            table: scan.table.clone(),
            index: self.index,
            keys,
            columns,
            kind,
            filter: Expr::conjunction(filters),
            lock: scan.lock,
        };
        let found = node(lookup, wide, self.rows);
        if extended == 0 {
            return Ok(found);
        }
        let exprs = schema.iter().cloned().enumerate();
        Ok(project(found, exprs.map(|(index, f)| Expr::column(index, f)).collect()))
    }
}

/// The handle or the index with the most of its first columns among the join's keys, and which keys those are.
fn lookup_key(scan: &Scan, on: &[(Expr, Expr)]) -> Option<(Option<Arc<IndexInfo>>, Vec<usize>)> {
    let key_of = |offset: usize| {
        on.iter().position(|(left, right)| {
            // The key must be the column itself, and the value of its very type.
            let column =
                matches!(right, Expr::Column { index, .. } if scan.outputs[*index] == offset);
            let wanted = column_type(&scan.table, offset);
            let value = left.field_type();
            let kinds = value.kind == wanted.kind
                || (value.kind.is_integer() && wanted.kind.is_integer())
                || (value.kind.is_string() && wanted.kind.is_string());
            column
                && kinds
                && value.unsigned == wanted.unsigned
                && value.collation == wanted.collation
        })
    };
    if let Some(handle) = scan.table.handle_column
        && scan.choice.finds_by(None)
        && let Some(key) = key_of(handle)
    {
        return Some((None, vec![key]));
    }
    let mut best: Option<(&IndexInfo, Vec<usize>)> = None;
    let usable = |index: &&IndexInfo| index.is_usable() && scan.choice.finds_by(Some(index));
    for index in scan.table.indexes.iter().filter(usable) {
        let whole = index.columns.iter().take_while(|column| column.prefix_len.is_none());
        let keys: Vec<usize> = whole.map_while(|column| key_of(column.offset)).collect();
        if !keys.is_empty() && best.as_ref().is_none_or(|(_, known)| keys.len() > known.len()) {
            best = Some((index, keys));
        }
    }
    best.map(|(index, keys)| (Some(Arc::new(index.clone())), keys))
}
