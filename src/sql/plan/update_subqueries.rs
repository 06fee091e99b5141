//! Subqueries in what UPDATE assigns.

use std::mem;

use super::logical::Logical;
use super::physical::UpdatedTable;
use super::subquery::{has_subquery, subquery_call};
use crate::common::SqlResult;
use crate::sql::expr::Expr;

/// The rows to change with the values of the assignments' subqueries behind them; the assignments have columns in their place.
pub(super) fn with_assigned_subqueries(
    source: Logical,
    tables: &mut [UpdatedTable],
) -> SqlResult<Logical> {
    let mut assigned = tables.iter().flat_map(|table| &table.assignments);
    if !assigned.any(|assignment| has_subquery(&assignment.value)) {
        return Ok(source);
    }
    let columns = source.schema().into_iter().enumerate();
    let mut exprs: Vec<Expr> =
        columns.map(|(index, field_type)| Expr::column(index, field_type)).collect();
    for UpdatedTable { at, assignments, .. } in tables {
        // What the columns assigned before are, of the row as it was: an assignment sees them changed.
        let mut changed: Vec<(usize, Expr)> = Vec::new();
        for assignment in assignments {
            let value = mem::replace(&mut assignment.value, Expr::null());
            let of_old_row = value.clone().transform(&mut |node| {
                let Expr::Column { index, .. } = &node else { return Ok(node) };
                let known = changed.iter().find(|(column, _)| column == index);
                Ok(known.map_or_else(|| node.clone(), |(_, value)| value.clone()))
            })?;
            assignment.value = take_calls(value, &of_old_row, &mut exprs);
            let target = &at.target.table.columns[assignment.column].field_type;
            let column = at.start + assignment.column;
            changed.retain(|(known, _)| *known != column);
            changed.push((column, Expr::cast(of_old_row, target.clone())));
        }
    }
    Ok(Logical::Project { input: Box::new(source), exprs })
}

/// An expression with columns from the end of `exprs` on in place of calls; they get what `of_old_row`, the same over another row, has.
fn take_calls(expr: Expr, of_old_row: &Expr, exprs: &mut Vec<Expr>) -> Expr {
    if subquery_call(&expr).is_some() {
        exprs.push(of_old_row.clone());
        return Expr::column(exprs.len() - 1, expr.field_type().clone());
    }
    match (expr, of_old_row) {
        (Expr::Call { function, args, field_type }, Expr::Call { args: old, .. }) => {
            let args = args.into_iter().zip(old);
            let args = args.map(|(arg, old)| take_calls(arg, old, exprs)).collect();
            Expr::Call { function, args, field_type }
        }
        (other, _) => other,
    }
}
