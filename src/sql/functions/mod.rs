//! Functions and operators: each has one home, a [`Definition`] in the file of its family.
//!
//! A definition says its names, how many arguments it takes, its type, when it is NULL, how long its answer holds, how it is
//! computed for a row, and, where an Arrow kernel does exactly the same, for whole columns. All that the planner, the
//! parser and the documents know of a function they ask there; to add one is to add an entry to a family. Operators, and
//! what else the planner has to know the meaning of, are also variants of [`Function`].

mod aggregates;
mod arithmetic;
mod bits;
mod call;
mod cast;
mod comparison;
mod control;
mod date;
mod date_parts;
mod date_types;
mod definition;
mod encoding;
mod encryption;
mod fulltext;
mod function;
mod information;
mod json;
mod kernels;
mod like;
mod manual;
mod network;
mod numeric;
mod pieces;
mod regexp;
mod session;
#[cfg(test)]
mod tests;
mod text;
mod text_edit;
mod tidb;
mod typing;
mod windows;

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::common::{SqlError, SqlResult, errno};

pub(in crate::sql) use aggregates::Accumulator;
pub use aggregates::{Aggregate, AggregateDefinition, AggregateKind};
pub(in crate::sql) use call::Call;
pub use definition::{
    Compute, Cost, Definition, Kernel, Nulls, Numbers, Syntax, Text, VectorCall, Volatility,
};
pub use function::{Function, Named};
pub use json::{DocumentColumn, DocumentTable, Fallback};
pub(in crate::sql) use regexp::Regexes;
pub(in crate::sql) use typing::Typing;
pub use windows::{
    CountArgument, Place, Reach, WindowDefinition, WindowFunction, WindowKind, WindowValue,
};

/// A family: what it is about, and its members that are no operators.
type Family = (&'static str, &'static [Definition]);

/// All families, as the documentation lists them.
const FAMILIES: &[Family] = &[
    ("Numbers", numeric::FUNCTIONS),
    ("Bits", bits::FUNCTIONS),
    ("Comparison", comparison::FUNCTIONS),
    ("Choice", control::FUNCTIONS),
    ("Text", text::FUNCTIONS),
    ("Changing text", text_edit::FUNCTIONS),
    ("Encodings", encoding::FUNCTIONS),
    ("Ciphers and compression", encryption::FUNCTIONS),
    ("Addresses and UUIDs", network::FUNCTIONS),
    ("Regular expressions", regexp::FUNCTIONS),
    ("Making JSON documents", json::MAKERS),
    ("Searching JSON documents", json::SEARCHES),
    ("Changing JSON documents", json::CHANGES),
    ("Describing JSON documents", json::DESCRIPTIONS),
    ("Parts of times", date_parts::FUNCTIONS),
    ("Times", date::FUNCTIONS),
    ("The session", session::FUNCTIONS),
    ("Figures and costs", information::FUNCTIONS),
    ("TiDB's own", tidb::FUNCTIONS),
];

/// The longest name.
const NAME_BYTES: usize = 32;

/// All functions that are called by a name, by each of their names in lower case.
static BY_NAME: LazyLock<HashMap<&'static str, Function>> = LazyLock::new(|| {
    let named = FAMILIES.iter().flat_map(|(_, family)| *family);
    let named = named.map(|definition| Function::Named(Named(definition)));
    let all = Function::OPERATORS.iter().copied().chain(named);
    all.filter(|function| function.definition().syntax == Syntax::Call)
        .flat_map(|function| function.definition().names.iter().map(move |name| (*name, function)))
        .collect()
});

impl Function {
    /// The function of this name, in any case, whatever the arguments it is called with.
    ///
    /// Those with a form of their own (`CAST`, `DATE_ADD … INTERVAL`, `EXTRACT`, `TRIM(LEADING …)`) are not found by name.
    pub fn named(name: &str) -> Option<Function> {
        // No allocation: the parser asks for each word before a parenthesis.
        let mut lower = [0; NAME_BYTES];
        let lower = lower.get_mut(..name.len())?;
        lower.copy_from_slice(name.as_bytes());
        lower.make_ascii_lowercase();
        BY_NAME.get(std::str::from_utf8(lower).ok()?).copied()
    }

    /// The one of this [`Function::wire_name`].
    pub(in crate::sql) fn by_wire_name(name: &str) -> Option<Function> {
        let named = FAMILIES.iter().flat_map(|(_, family)| *family);
        let mut all = named
            .map(|definition| Function::Named(Named(definition)))
            .chain(Function::OPERATORS.iter().copied());
        Function::named(name)
            .filter(|function| function.wire_name() == name)
            .or_else(|| all.find(|function| function.wire_name() == name))
    }

    /// What `name(…)` with `count` arguments calls. No such function: error 1305; one of MySQL's that is not
    /// implemented: 1235; not with so many arguments: 1582.
    pub fn by_name(name: &str, count: usize) -> SqlResult<Function> {
        let Some(function) = Function::named(name) else {
            if manual::has(&name.to_ascii_lowercase()) {
                return Err(SqlError::unsupported(format!("{}()", name.to_uppercase())));
            }
            return Err(SqlError::new(
                errno::SP_DOES_NOT_EXIST,
                format!("FUNCTION {name} does not exist"),
            ));
        };
        function.check_arity(count, name)?;
        Ok(function)
    }
}
