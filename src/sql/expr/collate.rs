//! Which collation several strings are compared in.

use super::{Expr, Function};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::types::{Charset, Collation, Datum, TypeKind};

/// How firmly a text insists on its collation; lower is firmer, as in MySQL's `COERCIBILITY()`.
const EXPLICIT: u8 = 0;
/// Of collations that do not go together: the text has none to insist on.
const NONE: u8 = 1;
/// A column's, or a variable's of a program.
const IMPLICIT: u8 = 2;
/// Of what the server says of itself: USER(), VERSION().
const SYSTEM: u8 = 3;
/// A literal's.
const COERCIBLE: u8 = 4;
/// A number's, or a time's.
const NUMERIC: u8 = 5;
/// NULL's.
const IGNORABLE: u8 = 6;

/// Their names in errors.
const NAMES: [&str; 7] =
    ["EXPLICIT", "NONE", "IMPLICIT", "SYSCONST", "COERCIBLE", "NUMERIC", "IGNORABLE"];

/// Whether texts without a collation to insist on can be worked on together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mix {
    /// They can: put together, they have none either.
    Allowed,
    /// They cannot: they are compared.
    Refused,
}

/// What an expression brings along.
#[derive(Clone, Copy)]
struct Claim {
    collation: Collation,
    level: u8,
    /// Every character set has its characters.
    ascii: bool,
}

/// What COERCIBILITY() says of an expression.
pub(crate) fn coercibility_of(expr: &Expr) -> u8 {
    let kind = expr.field_type().kind;
    if !kind.is_textual() {
        return if kind == TypeKind::Null { IGNORABLE } else { NUMERIC };
    }
    claim(expr).level
}

/// What an expression brings to a comparison: its collation, and how much it insists on it.
fn claim(expr: &Expr) -> Claim {
    let field_type = expr.field_type();
    let collation = field_type.collation;
    let of_set = collation.character_set() == Charset::Ascii;
    match expr {
        Expr::Column { .. } => Claim { collation, level: IMPLICIT, ascii: of_set },
        Expr::Literal { value, .. } => {
            let level = if value.is_null() { IGNORABLE } else { COERCIBLE };
            let ascii = match value {
                Datum::Bytes(bytes) => bytes.is_ascii(),
                Datum::Member(member) => member.text.is_ascii(),
                // What is no text is written in ASCII.
                _ => true,
            };
            Claim { collation, level, ascii }
        }
        Expr::Parameter { .. } => Claim { collation, level: COERCIBLE, ascii: of_set },
        Expr::Call { function: Function::Collate, args, .. } => {
            Claim { collation, level: EXPLICIT, ascii: args.iter().all(is_ascii) }
        }
        Expr::Call { function: Function::Cast, args, .. } => {
            Claim { collation, level: IMPLICIT, ascii: args.iter().all(is_ascii) }
        }
        Expr::Call { function: Function::GetUserVar, .. } => {
            Claim { collation, level: IMPLICIT, ascii: of_set }
        }
        Expr::Call { function: Function::GetSystemVar, .. } => {
            Claim { collation, level: SYSTEM, ascii: of_set }
        }
        // The user, the database, the version.
        Expr::Call { args, .. } if args.is_empty() => {
            Claim { collation, level: SYSTEM, ascii: of_set }
        }
        Expr::Call { args, .. } => {
            let mixed = together(args.iter().filter(|arg| is_textual(arg)).map(claim));
            let (level, ascii) = match mixed {
                None => (COERCIBLE, true),
                Some(Ok(claim)) => (claim.level.min(COERCIBLE), claim.ascii),
                Some(Err(())) => (NONE, false),
            };
            Claim { collation, level, ascii }
        }
    }
}

/// Whether an expression has a collation at all.
fn is_textual(expr: &Expr) -> bool {
    expr.field_type().kind.is_textual()
}

/// Whether it can only have characters that every set has.
fn is_ascii(expr: &Expr) -> bool {
    !is_textual(expr) || claim(expr).ascii
}

/// What claims come to together; `Err` of character sets that do not go together, or of two collations that are both insisted on.
fn together(claims: impl Iterator<Item = Claim>) -> Option<Result<Claim, ()>> {
    let mut found: Option<Claim> = None;
    for claim in claims {
        found = Some(match found {
            None => claim,
            Some(known) => match both(known, claim) {
                Some(mixed) => Claim { ascii: known.ascii && claim.ascii, ..mixed },
                None => return Some(Err(())),
            },
        });
    }
    found.map(Ok)
}

/// Of two claims the one that holds for both; `None` of two that do not go together.
fn both(left: Claim, right: Claim) -> Option<Claim> {
    let sets = (left.collation.character_set(), right.collation.character_set());
    if sets.0 != sets.1 {
        return of_two_sets(left, right);
    }
    match left.level.cmp(&right.level) {
        std::cmp::Ordering::Less => return Some(left),
        std::cmp::Ordering::Greater => return Some(right),
        std::cmp::Ordering::Equal => {}
    }
    // The same by name: one of them is of a table made before.
    if left.collation.id() == right.collation.id() {
        return Some(if left.collation == Collation::OldGeneralCi { right } else { left });
    }
    if left.level == EXPLICIT {
        return None;
    }
    if left.collation.is_of_codes() {
        return Some(left);
    }
    if right.collation.is_of_codes() {
        return Some(right);
    }
    Some(Claim { collation: sets.0.bin(), level: NONE, ascii: false })
}

/// Of two character sets bytes win over characters, then a set that has all of the other's characters.
fn of_two_sets(left: Claim, right: Claim) -> Option<Claim> {
    let is_bytes = |claim: Claim| claim.collation == Collation::Binary;
    if is_bytes(left) || is_bytes(right) {
        let (bytes, other) = if is_bytes(left) { (left, right) } else { (right, left) };
        return Some(if bytes.level <= other.level { bytes } else { other });
    }
    if is_superset(left, right) {
        return Some(left);
    }
    if is_superset(right, left) {
        return Some(right);
    }
    match left.level < right.level {
        true if right.level >= SYSTEM => Some(left),
        false if right.level < left.level && left.level >= SYSTEM => Some(right),
        _ => None,
    }
}

/// Whether the first's set has all characters of the second.
fn is_superset(wide: Claim, narrow: Claim) -> bool {
    let (set, other) = (wide.collation.character_set(), narrow.collation.character_set());
    let wider = !other.is_unicode() || set == Charset::Utf8mb4 && other == Charset::Utf8mb3;
    let firmer = wide.level < narrow.level;
    let level = wide.level == narrow.level;
    set.is_unicode() && (firmer || level && wider)
        || narrow.ascii && (firmer || level && !wide.ascii)
}

/// The collation for working on these together. Errors 1267, 1270 and 1271 where there is none.
pub(crate) fn resolve<'a>(
    args: impl IntoIterator<Item = &'a Expr>,
    operation: &str,
    mix: Mix,
) -> SqlResult<Collation> {
    let args: Vec<&Expr> = args.into_iter().collect();
    let texts = || args.iter().copied().filter(|arg| is_textual(arg)).map(claim);
    match together(texts()) {
        None => Ok(Collation::default()),
        Some(Ok(claim)) if mix == Mix::Allowed || claim.level != NONE => Ok(claim.collation),
        Some(_) => Err(illegal_mix(&texts().collect::<Vec<Claim>>(), operation)),
    }
}

/// Errors 1267, 1270 and 1271, by how many there are.
fn illegal_mix(claims: &[Claim], operation: &str) -> SqlError {
    let shown =
        |claim: &Claim| format!("({},{})", claim.collation.name(), NAMES[usize::from(claim.level)]);
    match claims {
        [left, right] => SqlError::new(
            errno::CANT_AGGREGATE_2COLLATIONS,
            format!(
                "Illegal mix of collations {} and {} for operation '{operation}'",
                shown(left),
                shown(right)
            ),
        ),
        [first, second, third] => SqlError::new(
            errno::CANT_AGGREGATE_3COLLATIONS,
            format!(
                "Illegal mix of collations {}, {}, {} for operation '{operation}'",
                shown(first),
                shown(second),
                shown(third)
            ),
        ),
        _ => SqlError::new(
            errno::CANT_AGGREGATE_NCOLLATIONS,
            format!("Illegal mix of collations for operation '{operation}'"),
        ),
    }
}
