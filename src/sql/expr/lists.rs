//! Lists of IN, put in order once for all rows.
//!
//! MySQL does the same when it prepares a statement; here it is done when an operator is built, so that parameters are values by then.

use super::{EvalContext, Expr, Function};
use crate::sql::types::{Class, Datum, FieldType, TypeKind};

/// A shorter list is looked through as it stands.
const WORTH_SORTING: usize = 8;

impl Expr {
    /// The same expression, whose long lists of constants are in order: a row looks for its value in one by halves.
    #[must_use]
    pub fn with_sorted_lists(self, ctx: &EvalContext) -> Expr {
        let mut has_any = false;
        self.visit(&mut |node| has_any |= long_list(node));
        if !has_any {
            return self;
        }
        let sorted = self.transform(&mut |node| Ok(sorted(node, ctx)));
        sorted.expect("the change does not fail")
    }
}

/// Whether it is an IN whose list is worth sorting.
fn long_list(expr: &Expr) -> bool {
    matches!(expr, Expr::Call { function: Function::In, args, .. } if args.len() > WORTH_SORTING)
}

/// The call over the list in order; the same call, if an item is of another kind than the left side.
fn sorted(expr: Expr, ctx: &EvalContext) -> Expr {
    if !long_list(&expr) {
        return expr;
    }
    let Expr::Call { function, mut args, field_type } = expr else { return expr };
    let wanted = args[0].field_type().clone();
    let is_alike = args[1..].iter().all(|item| alike(item, &wanted, ctx).is_some());
    if !is_alike {
        return Expr::Call { function, args, field_type };
    }
    for item in &mut args[1..] {
        if let Some(value) = alike(item, &wanted, ctx) {
            *item = Expr::Literal { value, field_type: item.field_type().clone() };
        }
    }
    let value = |item: &Expr| item.as_literal().cloned().unwrap_or(Datum::Null);
    args[1..].sort_by(|one, two| value(one).sort_cmp(&value(two), field_type.collation));
    Expr::Call { function: Function::InSorted, args, field_type }
}

/// The value of an item, if it is a constant that compares with values of the type without a conversion that could fail, warn or depend on
/// the row.
fn alike(item: &Expr, wanted: &FieldType, ctx: &EvalContext) -> Option<Datum> {
    let value = match item {
        Expr::Literal { value, .. } => value,
        Expr::Parameter { index, .. } => ctx.params.get(*index)?,
        Expr::Column { .. } | Expr::Call { .. } => return None,
    };
    match (wanted.kind.class(), value) {
        (_, Datum::Null) => Some(Datum::Null),
        (Class::Integer, _) if wanted.kind == TypeKind::Year => None,
        (Class::Integer | Class::Decimal, Datum::Int(_) | Datum::UInt(_) | Datum::Decimal(_))
        | (Class::String, Datum::Bytes(_))
        | (Class::Calendar, Datum::Time(_))
        | (Class::Duration, Datum::Duration(_))
        | (Class::Float, Datum::Float(_)) => Some(value.clone()),
        (Class::Float, Datum::Int(_) | Datum::UInt(_) | Datum::Decimal(_)) => {
            value.to_f64(ctx).ok().map(Datum::Float)
        }
        // Of the pairs of classes and values these are the ones that are one kind; any other pair is converted row by row.
        _ => None,
    }
}
