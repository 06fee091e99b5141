//! Aggregate functions: each is defined once, in the file of what it keeps of a group's rows.
//!
//! A group's [`Accumulator`] takes rows in, merges with what another one has seen of the same group, travels as bytes
//! ([`Accumulator::encode`]), and ends as a value.

mod bits;
mod concat;
mod count;
mod json;
mod pick;
mod state;
mod sum;
mod variance;

use std::fmt;

use super::typing::Typing;
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::expr::{Expr, TypeRules};
use crate::sql::types::FieldType;

pub(in crate::sql) use state::Accumulator;
use state::State;

/// An aggregate function: all that is known of it.
pub struct AggregateDefinition {
    /// Its name, then others for it.
    pub names: &'static [&'static str],
    /// How many arguments it takes at least.
    pub min: usize,
    /// How many arguments it takes at most.
    pub max: usize,
    /// With DISTINCT it takes any number.
    pub takes_rows: bool,
    /// Whether it takes its argument as a number: there X'41' is 65.
    pub numbers: bool,
    /// Whether rows in which an argument is NULL count as well.
    pub takes_nulls: bool,
    /// Whether the last argument says how the values are put together, and is no value itself.
    pub has_separator: bool,
    /// Whether it keeps all values, of whatever type.
    pub gathers: bool,
    /// Its type.
    pub result: fn(&Typing<'_>) -> SqlResult<FieldType>,
    /// What it keeps of a group without rows.
    pub(super) new: fn(&Aggregate) -> State,
    /// What it does, for the documentation.
    pub summary: &'static str,
}

impl AggregateDefinition {
    const fn new(
        names: &'static [&'static str],
        result: fn(&Typing<'_>) -> SqlResult<FieldType>,
        new: fn(&Aggregate) -> State,
        summary: &'static str,
    ) -> AggregateDefinition {
        AggregateDefinition {
            names,
            min: 1,
            max: 1,
            takes_rows: false,
            numbers: false,
            takes_nulls: false,
            has_separator: false,
            gathers: false,
            result,
            new,
            summary,
        }
    }

    /// Of numbers.
    const fn of_numbers(mut self) -> AggregateDefinition {
        self.numbers = true;
        self
    }
}

impl fmt::Debug for AggregateDefinition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.names[0])
    }
}

macro_rules! aggregates {
    ($($(#[$doc:meta])* $kind:ident => $definition:path;)*) => {
        /// Which aggregate.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum AggregateKind {
            $($(#[$doc])* $kind,)*
        }

        impl AggregateKind {
            /// All of them.
            pub const ALL: &[AggregateKind] = &[$(AggregateKind::$kind),*];

            /// What there is to say of it.
            pub fn definition(self) -> &'static AggregateDefinition {
                match self {
                    $(AggregateKind::$kind => &$definition,)*
                }
            }
        }
    };
}

aggregates! {
    /// COUNT. `COUNT(*)` counts the literal 1.
    Count => count::COUNT;
    /// SUM.
    Sum => sum::SUM;
    /// AVG.
    Avg => sum::AVG;
    /// MIN.
    Min => pick::MIN;
    /// MAX.
    Max => pick::MAX;
    /// GROUP_CONCAT: the arguments joined, the last one is the separator.
    GroupConcat => concat::GROUP_CONCAT;
    /// JSON_ARRAYAGG.
    JsonArrayAgg => json::JSON_ARRAYAGG;
    /// JSON_OBJECTAGG.
    JsonObjectAgg => json::JSON_OBJECTAGG;
    /// BIT_AND.
    BitAnd => bits::BIT_AND;
    /// BIT_OR.
    BitOr => bits::BIT_OR;
    /// BIT_XOR.
    BitXor => bits::BIT_XOR;
    /// ANY_VALUE, and what a column outside GROUP BY becomes when it depends on the group's key.
    AnyValue => pick::ANY_VALUE;
    /// STDDEV, STD and STDDEV_POP.
    StddevPop => variance::STDDEV_POP;
    /// STDDEV_SAMP.
    StddevSamp => variance::STDDEV_SAMP;
    /// VARIANCE and VAR_POP.
    VarPop => variance::VAR_POP;
    /// VAR_SAMP.
    VarSamp => variance::VAR_SAMP;
}

impl AggregateKind {
    /// The aggregate of that name, in any case.
    pub fn by_name(name: &str) -> Option<AggregateKind> {
        let is_called = |kind: &&AggregateKind| {
            kind.definition().names.iter().any(|known| known.eq_ignore_ascii_case(name))
        };
        AggregateKind::ALL.iter().find(is_called).copied()
    }

    /// Its name in SQL, in lower case.
    pub fn name(self) -> &'static str {
        self.definition().names[0]
    }
}

/// An aggregate of a query.
#[derive(Clone, Debug, PartialEq)]
pub struct Aggregate {
    /// Which.
    pub kind: AggregateKind,
    /// Over what, evaluated on the aggregation's input rows.
    pub args: Vec<Expr>,
    /// COUNT(DISTINCT …).
    pub distinct: bool,
    /// ORDER BY: whether each of the keys, which are arguments behind the values and before a separator, is DESC.
    pub order: Vec<bool>,
    /// What it yields.
    pub field_type: FieldType,
}

impl Aggregate {
    /// An aggregate with the type MySQL gives it. A wrong number of arguments is error 1582.
    pub fn new(kind: AggregateKind, args: Vec<Expr>, distinct: bool) -> SqlResult<Aggregate> {
        Aggregate::by_rules(kind, args, distinct, &TypeRules::default())
    }

    /// The same with the type it has in a session.
    pub fn by_rules(
        kind: AggregateKind,
        args: Vec<Expr>,
        distinct: bool,
        rules: &TypeRules,
    ) -> SqlResult<Aggregate> {
        let definition = kind.definition();
        let most = if distinct && definition.takes_rows { usize::MAX } else { definition.max };
        if args.len() < definition.min || args.len() > most {
            return Err(SqlError::new(
                errno::WRONG_PARAMCOUNT_TO_NATIVE_FCT,
                format!(
                    "Incorrect parameter count in the call to native function '{}'",
                    kind.name()
                ),
            ));
        }
        let args: Vec<Expr> = match definition.numbers {
            true => args.into_iter().map(Expr::as_number).collect(),
            false => args,
        };
        let typing = Typing { name: kind.name(), args: &args, rules };
        let field_type = (definition.result)(&typing)?;
        Ok(Aggregate { kind, args, distinct, order: Vec::new(), field_type })
    }

    /// The same over rows in this order.
    #[must_use]
    pub fn in_order(mut self, keys: Vec<(Expr, bool)>) -> Aggregate {
        let at = self.args.len() - usize::from(self.kind.definition().has_separator);
        let (keys, order): (Vec<Expr>, Vec<bool>) = keys.into_iter().unzip();
        self.args.splice(at..at, keys);
        self.order = order;
        self
    }

    /// Its arguments: the values, what they are ordered by, a separator.
    pub fn parts(&self) -> (&[Expr], &[Expr], &[Expr]) {
        let separators = usize::from(self.kind.definition().has_separator);
        let (rest, separator) = self.args.split_at(self.args.len() - separators);
        let (values, keys) = rest.split_at(rest.len() - self.order.len());
        (values, keys, separator)
    }
}

impl Aggregate {
    /// As SQL has it, with its arguments written by `list`.
    pub fn shown(&self, list: impl Fn(&[Expr]) -> String) -> String {
        let distinct = if self.distinct { "distinct " } else { "" };
        let (values, keys, separator) = self.parts();
        let mut text = format!("{}({distinct}{}", self.kind.name(), list(values));
        for (at, (key, descending)) in keys.iter().zip(&self.order).enumerate() {
            text.push_str(if at == 0 { " order by " } else { ", " });
            text.push_str(&list(std::slice::from_ref(key)));
            text.push_str(if *descending { " desc" } else { "" });
        }
        if !separator.is_empty() {
            text.push_str(if keys.is_empty() { ", " } else { " separator " });
            text.push_str(&list(separator));
        }
        text.push(')');
        text
    }
}

impl fmt::Display for Aggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |exprs: &[Expr]| {
            exprs.iter().map(ToString::to_string).collect::<Vec<String>>().join(", ")
        };
        f.write_str(&self.shown(list))
    }
}
