//! UNION, INTERSECT and EXCEPT.
//!
//! The last two count how often each row is on either side: the sides' rows, one after the other, in groups of equal ones. NULL is equal
//! to NULL here.

use super::logical::Logical;
use super::select::unique_rows;
use crate::common::SqlResult;
use crate::sql::expr::{Aggregate, AggregateKind, Expr, Function};
use crate::sql::parser::ast::SetOperator;
use crate::sql::types::{Datum, FieldType};

/// The rows of both sides, which have the same types, together.
pub(super) fn combine(
    op: SetOperator,
    all: bool,
    (left, right): (Logical, Logical),
) -> SqlResult<Logical> {
    if op == SetOperator::Union {
        let union = Logical::UnionAll { inputs: vec![left, right] };
        return Ok(if all { union } else { unique_rows(union) });
    }
    let width = left.width();
    let number = |number: i64| Expr::literal(Datum::Int(number));
    let inputs = vec![tagged(left, [number(1), number(0)]), tagged(right, [number(0), number(1)])];
    let both = Logical::UnionAll { inputs };
    let schema = both.schema();
    let column = |index: usize| Expr::column(index, schema[index].clone());
    let group_by: Vec<Expr> = (0..width).map(column).collect();
    // The numbers are 0 or 1: whether there is one is the highest.
    let kind = if all { AggregateKind::Sum } else { AggregateKind::Max };
    let count = |index: usize| Aggregate::new(kind, vec![column(index)], false);
    let aggregates = vec![count(width)?, count(width + 1)?];
    let counted = Logical::Aggregate { input: Box::new(both), group_by, aggregates };
    let types = counted.schema();
    let whole = |index: usize| {
        let column = Expr::column(index, types[index].clone());
        Expr::cast(column, FieldType::bigint())
    };
    let (here, there) = (whole(width), whole(width + 1));
    let zero = || number(0);
    let is_more = |left: Expr, right: Expr| Expr::call(Function::Gt, vec![left, right]);
    let (kept, times) = match (op, all) {
        (SetOperator::Intersect, false) => {
            (vec![is_more(here, zero())?, is_more(there, zero())?], None)
        }
        (_, false) => {
            let nowhere = Expr::call(Function::Eq, vec![there, zero()])?;
            (vec![is_more(here, zero())?, nowhere], None)
        }
        (SetOperator::Intersect, true) => {
            let fewer = is_more(there.clone(), here.clone())?;
            let times = Expr::call(Function::If, vec![fewer, here.clone(), there.clone()])?;
            (vec![is_more(here, zero())?, is_more(there, zero())?], Some(times))
        }
        (_, true) => {
            let times = Expr::call(Function::Sub, vec![here.clone(), there.clone()])?;
            (vec![is_more(here, there)?], Some(times))
        }
    };
    let mut exprs: Vec<Expr> =
        (0..width).map(|index| Expr::column(index, types[index].clone())).collect();
    let repeats = times.is_some();
    exprs.extend(times);
    let plan = Logical::Project { input: Box::new(counted.filter(kept)), exprs };
    Ok(if repeats { Logical::Repeat { input: Box::new(plan) } } else { plan })
}

/// The rows with two more columns.
fn tagged(plan: Logical, tags: [Expr; 2]) -> Logical {
    let columns = plan.schema().into_iter().enumerate();
    let columns = columns.map(|(index, field_type)| Expr::column(index, field_type));
    let exprs = columns.chain(tags).collect();
    Logical::Project { input: Box::new(plan), exprs }
}
