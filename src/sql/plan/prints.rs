//! Finding an expression among many.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::sql::expr::Expr;
use crate::sql::types::Datum;

/// Where expressions stand in a list, found again without comparing with each of them.
#[derive(Default)]
pub(super) struct Prints(HashMap<u64, Vec<usize>>);

impl Prints {
    /// The expressions of a list.
    pub(super) fn of<'e>(exprs: impl IntoIterator<Item = &'e Expr>) -> Prints {
        let mut prints = Prints::default();
        for (position, expr) in exprs.into_iter().enumerate() {
            prints.add(expr, position);
        }
        prints
    }

    /// The first position at which the list (`at`) has this expression.
    pub(super) fn find<'e>(&self, expr: &Expr, at: impl Fn(usize) -> &'e Expr) -> Option<usize> {
        let places = self.0.get(&print(expr))?;
        places.iter().copied().find(|position| at(*position) == expr)
    }

    /// Remembers one more.
    pub(super) fn add(&mut self, expr: &Expr, position: usize) {
        self.0.entry(print(expr)).or_default().push(position);
    }
}

/// The same for equal expressions.
fn print(expr: &Expr) -> u64 {
    let mut hasher = DefaultHasher::new();
    write(expr, &mut hasher);
    hasher.finish()
}

fn write(expr: &Expr, hasher: &mut DefaultHasher) {
    std::mem::discriminant(expr).hash(hasher);
    match expr {
        Expr::Column { index, .. } | Expr::Parameter { index, .. } => index.hash(hasher),
        Expr::Literal { value, .. } => match value {
            Datum::Int(number) => number.hash(hasher),
            Datum::UInt(number) => number.hash(hasher),
            Datum::Bytes(bytes) => bytes.hash(hasher),
            // Different ones of these may be equal.
            other => std::mem::discriminant(other).hash(hasher),
        },
        Expr::Call { function, args, .. } => {
            std::mem::discriminant(function).hash(hasher);
            args.len().hash(hasher);
            args.iter().for_each(|arg| write(arg, hasher));
        }
    }
}
