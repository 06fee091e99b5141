//! What a scan's filters say about single columns.

use super::logical::column_type;
use crate::sql::catalog::TableInfo;
use crate::sql::expr::{Expr, Function};
use crate::sql::types::{Class, Datum, FieldType, TypeKind};

/// A bound and whether it belongs to the range.
pub(super) type Bound = Option<(Expr, bool)>;

/// What a filter says about its column.
#[derive(Clone, Debug)]
pub(super) enum Claim {
    /// It equals this; NULL equals nothing.
    Equal(Expr),
    /// It is this, which may be NULL.
    Same(Expr),
    /// It equals one of these.
    Among(Vec<Expr>),
    /// It lies between these.
    Range(Bound, Bound),
    /// It lies in one of these.
    Ranges(Vec<(Bound, Bound)>),
}

/// A filter that constrains one column by constants.
#[derive(Clone, Debug)]
pub(super) struct Constraint {
    /// The column's offset in the table.
    pub(super) column: usize,
    /// How.
    pub(super) kind: Claim,
    /// Which filter of the scan says so.
    pub(super) filter: usize,
}

/// Every filter that an access path may use.
pub(super) fn constraints(table: &TableInfo, filters: &[Expr]) -> Vec<Constraint> {
    let found = filters.iter().enumerate().filter_map(|(filter, expr)| {
        let (column, kind) = constraint(table, expr)?;
        Some(Constraint { column, kind, filter })
    });
    found.collect()
}

/// What an expression says of one column, if that is all it says.
pub(super) fn constraint(table: &TableInfo, expr: &Expr) -> Option<(usize, Claim)> {
    let (column, claim) = claim(table, expr)?;
    // Members are ordered by their texts where they are compared, and by their numbers in keys.
    let is_range = matches!(claim, Claim::Range(..) | Claim::Ranges(_));
    (!is_range || !column_type(table, column).kind.is_member()).then_some((column, claim))
}

fn claim(table: &TableInfo, expr: &Expr) -> Option<(usize, Claim)> {
    let Expr::Call { function, args, field_type } = expr else { return None };
    let usable = |column: &Expr, value: &Expr| usable(table, column, value, field_type);
    match (function, args.as_slice()) {
        (Function::IsNull, [Expr::Column { index, .. }]) => {
            Some((*index, Claim::Same(Expr::null())))
        }
        (Function::Between, [column, low, high]) => {
            let index = usable(column, low)?;
            usable(column, high)?;
            let (low, high) = (Some((low.clone(), true)), Some((high.clone(), true)));
            Some((index, Claim::Range(low, high)))
        }
        (Function::In, [column, list @ ..]) => {
            let mut index = None;
            for value in list {
                index = Some(usable(column, value)?);
            }
            Some((index?, Claim::Among(unique(list))))
        }
        (Function::Or, args) => any_of(table, args),
        (Function::And, args) => {
            let mut parts = args.iter().map(|arg| constraint(table, arg));
            let (column, Claim::Range(mut low, mut high)) = parts.next()?? else {
                return None;
            };
            for part in parts {
                let (other, Claim::Range(more_low, more_high)) = part? else {
                    return None;
                };
                let clash = (low.is_some() && more_low.is_some())
                    || (high.is_some() && more_high.is_some());
                if other != column || clash {
                    return None;
                }
                low = low.or(more_low);
                high = high.or(more_high);
            }
            Some((column, Claim::Range(low, high)))
        }
        (function, [left, right]) if function.is_comparison() => {
            let (function, index, value) = match usable(left, right) {
                Some(index) => (*function, index, right),
                None => (function.swap_sides()?, usable(right, left)?, left),
            };
            Some((index, comparison(function, value.clone())?))
        }
        _ => None,
    }
}

fn comparison(function: Function, value: Expr) -> Option<Claim> {
    Some(match function {
        // Equal to NULL is nothing: the filter stays and says so.
        Function::Eq if is_null(&value) => return None,
        Function::Eq => Claim::Equal(value),
        Function::NullEq => Claim::Same(value),
        Function::Lt => Claim::Range(None, Some((value, false))),
        Function::Le => Claim::Range(None, Some((value, true))),
        Function::Gt => Claim::Range(Some((value, false)), None),
        Function::Ge => Claim::Range(Some((value, true)), None),
        _ => return None,
    })
}

/// An OR whose every part constrains the same column.
fn any_of(table: &TableInfo, args: &[Expr]) -> Option<(usize, Claim)> {
    let mut column = None;
    let (mut values, mut ranges) = (Vec::new(), Vec::new());
    for arg in args {
        let (index, kind) = constraint(table, arg)?;
        if *column.get_or_insert(index) != index {
            return None;
        }
        match kind {
            Claim::Equal(value) => values.push(value),
            Claim::Among(list) => values.extend(list),
            Claim::Range(low, high) => ranges.push((low, high)),
            Claim::Ranges(more) => ranges.extend(more),
            Claim::Same(_) => return None,
        }
    }
    let column = column?;
    if ranges.is_empty() {
        return Some((column, Claim::Among(unique(&values))));
    }
    ranges.extend(values.into_iter().map(|value| {
        let bound = Some((value, true));
        (bound.clone(), bound)
    }));
    Some((column, Claim::Ranges(ranges)))
}

fn unique(values: &[Expr]) -> Vec<Expr> {
    let mut found: Vec<Expr> = Vec::with_capacity(values.len());
    let small = values.len() <= 64;
    for value in values {
        // Long lists are left as they are: rows by key are read once anyway.
        if !small || !found.contains(value) {
            found.push(value.clone());
        }
    }
    found
}

/// The column's offset, if comparing it with the value follows the order of its keys.
fn usable(table: &TableInfo, column: &Expr, value: &Expr, comparison: &FieldType) -> Option<usize> {
    let Expr::Column { index, .. } = column else { return None };
    if !value.is_constant() {
        return None;
    }
    let column = column_type(table, *index);
    let value = value.field_type();
    // Of unknown type: a parameter, taken for what it is compared with, or NULL.
    let is_unknown = value.kind == TypeKind::Null;
    let fits = match column.kind.class() {
        Class::String => value.kind.is_textual() && comparison.collation == column.collation,
        Class::Integer => value.kind.is_numeric() || value.kind.is_string(),
        Class::Float => value.kind.is_numeric(),
        Class::Decimal => value.kind.is_integer() || value.kind == TypeKind::Decimal,
        Class::Calendar => value.kind.is_string() || value.kind.is_calendar(),
        Class::Duration => value.kind.is_string() || value.kind == TypeKind::Time,
        // Texts were made members where they are.
        Class::Member => value.same_values(&column),
        // Documents are in no key.
        Class::Json | Class::Null => false,
    };
    (is_unknown || fits).then_some(*index)
}

/// Whether it is the literal NULL.
pub(super) fn is_null(value: &Expr) -> bool {
    matches!(value, Expr::Literal { value: Datum::Null, .. })
}

/// Whether a value is certainly not NULL.
pub(super) fn never_null(value: &Expr) -> bool {
    matches!(value, Expr::Literal { value, .. } if *value != Datum::Null)
}

/// A literal's integer.
pub(super) fn integer(value: &Expr) -> Option<i128> {
    let value = value.as_literal()?;
    value.as_count().map(i128::from).or_else(|| {
        let Datum::Int(negative) = value else { return None };
        Some(i128::from(*negative))
    })
}

/// Each of the prefixes with each of the values behind it.
pub(super) fn multiply(prefixes: &[Vec<Expr>], values: &[Expr]) -> Vec<Vec<Expr>> {
    let mut products = Vec::with_capacity(prefixes.len() * values.len());
    for prefix in prefixes {
        for value in values {
            let mut product = Vec::with_capacity(prefix.len() + 1);
            product.extend_from_slice(prefix);
            product.push(value.clone());
            products.push(product);
        }
    }
    products
}
