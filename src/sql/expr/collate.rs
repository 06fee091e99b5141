//! Which collation several strings are compared in.

use super::{Expr, Function};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::types::{Collation, TypeKind};

/// What COERCIBILITY() says of an expression.
pub(crate) fn coercibility_of(expr: &Expr) -> u8 {
    let kind = expr.field_type().kind;
    if !kind.is_textual() {
        return if kind == TypeKind::Null { 6 } else { 5 };
    }
    match expr {
        Expr::Call { function: Function::GetUserVar, .. } => 2,
        // The user, the database, the version.
        Expr::Call { function: Function::GetSystemVar, .. } => 3,
        Expr::Call { args, .. } if args.is_empty() => 3,
        _ => coercibility(expr),
    }
}

/// How firmly an expression insists on its collation; lower is firmer, as in MySQL's `COERCIBILITY()`.
fn coercibility(expr: &Expr) -> u8 {
    match expr {
        Expr::Call { function: Function::Collate, .. } => 0,
        Expr::Column { field_type, .. } if field_type.kind.is_textual() => 2,
        Expr::Literal { field_type, .. } | Expr::Parameter { field_type, .. } => {
            if field_type.kind.is_textual() { 4 } else { 6 }
        }
        Expr::Call { function: Function::Cast, field_type, .. } if field_type.kind.is_textual() => {
            2
        }
        Expr::Call { args, field_type, .. } if field_type.kind.is_textual() => {
            args.iter().map(coercibility).min().unwrap_or(4).min(4)
        }
        _ => 5,
    }
}

/// The collation for working on these together: of the firmest; among equals bytes before characters, and `_bin`
/// before case-insensitive. Two explicit ones that differ are error 1267.
pub(crate) fn resolve<'a>(
    args: impl IntoIterator<Item = &'a Expr>,
    operation: &str,
) -> SqlResult<Collation> {
    let mut found: Option<(u8, Collation)> = None;
    for arg in args {
        let strings = arg.field_type().kind.is_textual();
        let (level, collation) =
            if strings { (coercibility(arg), arg.field_type().collation) } else { continue };
        found = Some(match found {
            None => (level, collation),
            Some((known, _)) if level < known => (level, collation),
            Some((known, kept)) if level > known || kept == collation => (known, kept),
            Some((0, kept)) => {
                return Err(SqlError::new(
                    errno::CANT_AGGREGATE_2COLLATIONS,
                    format!(
                        "Illegal mix of collations ({},EXPLICIT) and ({},EXPLICIT) for operation '{operation}'",
                        kept.name(),
                        collation.name()
                    ),
                ));
            }
            Some((known, kept)) => (known, stricter(kept, collation)),
        });
    }
    Ok(found.map_or_else(Collation::default, |(_, collation)| collation))
}

fn stricter(left: Collation, right: Collation) -> Collation {
    let rank = |collation| match collation {
        Collation::Binary => 0,
        Collation::Utf8mb4_0900Bin => 1,
        Collation::Utf8mb4Bin => 2,
        Collation::Utf8mb4GeneralCi => 3,
    };
    if rank(left) <= rank(right) { left } else { right }
}
