//! Window functions: each is defined once. What a row's value is follows from the row's place in its partition: its number there,
//! its peers, its frame.

mod neighbours;
mod ranks;

use std::fmt;
use std::ops::Range;

use super::aggregates::Aggregate;
use super::typing::Typing;
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::expr::{Expr, Function, TypeRules};
use crate::sql::types::{Datum, FieldType};

/// Where a row stands in its partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Which row it is, from 0.
    pub row: usize,
    /// How many rows the partition has.
    pub rows: usize,
    /// Those that the order does not tell from it, itself among them.
    pub peers: Range<usize>,
    /// How many groups of peers are before its own.
    pub group: usize,
    /// Those of its frame.
    pub frame: Range<usize>,
}

/// What a window function's value is.
#[derive(Clone, Copy)]
pub enum WindowValue {
    /// A number told from the row's place, and from the number that the function is called with.
    Of(fn(&Place, u64) -> Datum),
    /// The first argument in the row of this number; where there is none, the third argument or NULL.
    In(fn(&Place, u64) -> Option<usize>),
}

/// Which rows a window function looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The row, and whether the one before is its peer.
    Row,
    /// The one that is so many before.
    Behind,
    /// The one that is so many behind.
    Ahead,
    /// Those of its frame.
    Frame,
    /// All of the partition.
    Partition,
}

/// A number among a window function's arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountArgument {
    /// Which argument it is.
    pub position: usize,
    /// What it is if it is not given.
    pub default: u64,
    /// The least it may be.
    pub least: u64,
}

/// A window function: all that is known of it.
pub struct WindowDefinition {
    /// Its name.
    pub name: &'static str,
    /// How many arguments it takes at least.
    pub min: usize,
    /// How many arguments it takes at most.
    pub max: usize,
    /// Which rows it looks at.
    pub reach: Reach,
    /// The argument that is a number for all rows.
    pub count: Option<CountArgument>,
    /// Its type.
    pub result: fn(&Typing<'_>) -> SqlResult<FieldType>,
    /// Its value.
    pub value: WindowValue,
    /// What it does, for the documentation.
    pub summary: &'static str,
}

impl fmt::Debug for WindowDefinition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

macro_rules! window_functions {
    ($($(#[$doc:meta])* $kind:ident => $definition:path;)*) => {
        /// Which window function.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum WindowKind {
            $($(#[$doc])* $kind,)*
        }

        impl WindowKind {
            /// All of them.
            pub const ALL: &[WindowKind] = &[$(WindowKind::$kind),*];

            /// What there is to say of it.
            pub fn definition(self) -> &'static WindowDefinition {
                match self {
                    $(WindowKind::$kind => &$definition,)*
                }
            }
        }
    };
}

window_functions! {
    /// ROW_NUMBER.
    RowNumber => ranks::ROW_NUMBER;
    /// RANK.
    Rank => ranks::RANK;
    /// DENSE_RANK.
    DenseRank => ranks::DENSE_RANK;
    /// PERCENT_RANK.
    PercentRank => ranks::PERCENT_RANK;
    /// CUME_DIST.
    CumeDist => ranks::CUME_DIST;
    /// NTILE.
    Ntile => ranks::NTILE;
    /// LAG.
    Lag => neighbours::LAG;
    /// LEAD.
    Lead => neighbours::LEAD;
    /// FIRST_VALUE.
    FirstValue => neighbours::FIRST_VALUE;
    /// LAST_VALUE.
    LastValue => neighbours::LAST_VALUE;
    /// NTH_VALUE.
    NthValue => neighbours::NTH_VALUE;
}

impl WindowKind {
    /// The window function of that name, in any case.
    pub fn by_name(name: &str) -> Option<WindowKind> {
        let is_called = |kind: &&WindowKind| kind.definition().name.eq_ignore_ascii_case(name);
        WindowKind::ALL.iter().find(is_called).copied()
    }
}

/// What is computed over a window.
#[derive(Clone, Debug, PartialEq)]
pub enum WindowFunction {
    /// A window function.
    Own {
        /// Which.
        kind: WindowKind,
        /// Its arguments.
        args: Vec<Expr>,
        /// What it yields.
        field_type: FieldType,
    },
    /// An aggregate of the row's frame.
    Aggregate(Aggregate),
}

impl WindowFunction {
    /// A window function with the type MySQL gives it. A wrong number of arguments is error 1582, a number that cannot be is 1210.
    pub fn by_rules(
        kind: WindowKind,
        mut args: Vec<Expr>,
        rules: &TypeRules,
    ) -> SqlResult<WindowFunction> {
        let definition = kind.definition();
        let name = definition.name;
        if args.len() < definition.min || args.len() > definition.max {
            return Err(SqlError::new(
                errno::WRONG_PARAMCOUNT_TO_NATIVE_FCT,
                format!("Incorrect parameter count in the call to native function '{name}'"),
            ));
        }
        if let Some(count) = definition.count
            && let Some(arg) = args.get(count.position)
            && (!arg.is_constant() || arg.as_literal().is_some_and(|value| !count.allows(value)))
        {
            return Err(wrong_arguments(name));
        }
        if let [value, _, default] = args.as_slice() {
            // What stands for a missing row is of the type of both.
            let both = Expr::call(Function::Coalesce, vec![value.clone(), default.clone()])?;
            let common = both.field_type().clone().nullable();
            args[0] = Expr::cast(args[0].clone(), common.clone());
            args[2] = Expr::cast(args[2].clone(), common);
        }
        let field_type = (definition.result)(&Typing { name, args: &args, rules })?;
        Ok(WindowFunction::Own { kind, args, field_type })
    }

    /// What it yields.
    pub fn field_type(&self) -> &FieldType {
        match self {
            WindowFunction::Own { field_type, .. } => field_type,
            WindowFunction::Aggregate(aggregate) => &aggregate.field_type,
        }
    }

    /// What it is called.
    pub fn name(&self) -> &'static str {
        match self {
            WindowFunction::Own { kind, .. } => kind.definition().name,
            WindowFunction::Aggregate(aggregate) => aggregate.kind.name(),
        }
    }

    /// What it is computed of.
    pub fn args(&self) -> &[Expr] {
        match self {
            WindowFunction::Own { args, .. } => args,
            WindowFunction::Aggregate(aggregate) => &aggregate.args,
        }
    }

    /// The same, to be changed.
    pub fn args_mut(&mut self) -> &mut [Expr] {
        match self {
            WindowFunction::Own { args, .. } => args,
            WindowFunction::Aggregate(aggregate) => &mut aggregate.args,
        }
    }

    /// Whether it looks at the row's frame; others look at the whole partition.
    pub fn has_frame(&self) -> bool {
        match self {
            WindowFunction::Own { kind, .. } => kind.definition().reach == Reach::Frame,
            WindowFunction::Aggregate(_) => true,
        }
    }
}

impl CountArgument {
    fn allows(self, value: &Datum) -> bool {
        value.as_count().is_some_and(|count| count >= self.least)
    }

    /// The number it is, by the value of the argument. Error 1210 if it cannot be.
    pub fn of(self, value: &Datum, name: &str) -> SqlResult<u64> {
        if !self.allows(value) {
            return Err(wrong_arguments(name));
        }
        value.as_count().ok_or_else(|| wrong_arguments(name))
    }
}

/// Error 1210.
fn wrong_arguments(name: &str) -> SqlError {
    SqlError::new(errno::WRONG_ARGUMENTS, format!("Incorrect arguments to {name}"))
}
