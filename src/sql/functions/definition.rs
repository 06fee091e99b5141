//! What there is to say of a function, in one place.

use std::fmt;

use arrow::array::{ArrayRef, BooleanArray};

use super::call::Call;
use super::typing::Typing;
use crate::common::SqlResult;
use crate::sql::expr::{Batch, Expr};
use crate::sql::types::{Datum, FieldType};

/// No upper limit of arguments.
pub(super) const MANY: usize = usize::MAX;

/// The names of a function, in lower case: as SQL writes it first, then others for it.
pub(super) type Names = &'static [&'static str];
/// Says the type of a call.
pub(super) type TypeRule = fn(&Typing<'_>) -> SqlResult<FieldType>;
/// Computes a call for a row.
pub(super) type Eval = fn(&Call<'_>) -> SqlResult<Datum>;

/// How a statement calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// `name(…)`.
    Call,
    /// Only by a form of its own: an operator, `CAST(… AS …)`, `EXTRACT(… FROM …)`.
    Form,
}

/// When the answer can be NULL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nulls {
    /// Whatever the arguments are.
    Maybe,
    /// Only if an argument can be.
    OfArguments,
    /// Never.
    Never,
    /// The type says it.
    AsTyped,
}

/// How long its answer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Volatility {
    /// The same arguments always give the same answer.
    Pure,
    /// They do within a statement: it depends on its moment, its session's settings or its limits as well.
    Statement,
    /// They need not even there: it is called for every row.
    Row,
    /// Calling it changes the session, so that it is called exactly as often as the statement says.
    SideEffect,
}

/// How long a call takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// About as long whatever its arguments are: it makes no long strings, and searches none.
    Constant,
    /// The longer its arguments, the longer.
    Linear,
}

/// The collation of a text it yields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Text {
    /// That of its text arguments, if it has any.
    OfArguments,
    /// The connection's.
    OfConnection,
    /// The type says it.
    AsTyped,
}

/// Which arguments are numbers (or truth values): there X'41' is 65.
#[derive(Clone, Copy)]
pub enum Numbers {
    /// None.
    None,
    /// All.
    All,
    /// Those at these positions.
    At(&'static [usize]),
    /// All, if one of them is a number anyhow.
    Together,
    /// Those of which this is true.
    Where(fn(position: usize, args: &[Expr]) -> bool),
}

/// A function over whole columns.
#[derive(Clone, Copy)]
pub struct Kernel {
    /// What it computes.
    pub compute: Compute,
    /// Whether it can neither fail nor warn, for any row, with such arguments: then it may be computed for rows that
    /// would not be asked for.
    pub is_total: fn(args: &[Expr]) -> bool,
}

/// What a [`Kernel`] computes. `None` where the arguments are not of the kind it is for: then rows are computed one by one.
#[derive(Clone, Copy)]
pub enum Compute {
    /// The truth of a condition.
    Truth(fn(&Batch<'_>, &VectorCall<'_>) -> SqlResult<Option<BooleanArray>>),
    /// Values of the call's type.
    Values(fn(&Batch<'_>, &VectorCall<'_>) -> SqlResult<Option<ArrayRef>>),
}

/// A call to be computed for a batch.
pub struct VectorCall<'a> {
    /// What it is called with.
    pub args: &'a [Expr],
    /// The call's type.
    pub field_type: &'a FieldType,
}

/// A function or an operator: all that is known of it.
///
/// What is not said of one is what takes no risk: its answer may be NULL, holds for a statement, takes long.
pub struct Definition {
    /// Its name as SQL writes it, then others for it.
    pub names: Names,
    /// How many arguments it takes at least.
    pub min: usize,
    /// How many arguments it takes at most.
    pub max: usize,
    /// How it is called.
    pub syntax: Syntax,
    /// When it yields NULL.
    pub nulls: Nulls,
    /// How long its answer holds.
    pub volatility: Volatility,
    /// How long it takes.
    pub cost: Cost,
    /// The collation of its text.
    pub text: Text,
    /// Which arguments are numbers.
    pub numbers: Numbers,
    /// Whether it puts values into documents, where TRUE is true and not 1.
    pub makes_documents: bool,
    /// Whether it reads the bytes of texts, not their characters.
    pub reads_bytes: bool,
    /// Its type, but for whether it can be NULL.
    pub result: TypeRule,
    /// Its value for a row.
    pub eval: Eval,
    /// The same for whole columns.
    pub kernel: Option<Kernel>,
    /// What it does, for the documentation.
    pub summary: &'static str,
}

impl Definition {
    /// A function called `name(…)`.
    pub(super) const fn function(
        names: Names,
        (min, max): (usize, usize),
        result: TypeRule,
        eval: Eval,
        summary: &'static str,
    ) -> Definition {
        Definition {
            names,
            min,
            max,
            syntax: Syntax::Call,
            nulls: Nulls::Maybe,
            volatility: Volatility::Statement,
            cost: Cost::Linear,
            text: Text::OfConnection,
            numbers: Numbers::None,
            makes_documents: false,
            reads_bytes: false,
            result,
            eval,
            kernel: None,
            summary,
        }
    }

    /// Called only by a form of its own.
    pub(super) const fn form(mut self) -> Definition {
        self.syntax = Syntax::Form;
        self
    }

    pub(super) const fn nulls(mut self, nulls: Nulls) -> Definition {
        self.nulls = nulls;
        self
    }

    pub(super) const fn volatility(mut self, volatility: Volatility) -> Definition {
        self.volatility = volatility;
        self
    }

    /// Depends on nothing but its arguments.
    pub(super) const fn pure(self) -> Definition {
        self.volatility(Volatility::Pure)
    }

    /// Takes no longer for long arguments.
    pub(super) const fn light(mut self) -> Definition {
        self.cost = Cost::Constant;
        self
    }

    /// Its text is in its arguments' collation.
    pub(super) const fn text_of_arguments(mut self) -> Definition {
        self.text = Text::OfArguments;
        self
    }

    pub(super) const fn numbers(mut self, numbers: Numbers) -> Definition {
        self.numbers = numbers;
        self
    }

    /// Reads the bytes of texts.
    pub(super) const fn reads_bytes(mut self) -> Definition {
        self.reads_bytes = true;
        self
    }

    /// Puts values into documents.
    pub(super) const fn makes_documents(mut self) -> Definition {
        self.makes_documents = true;
        self
    }

    pub(super) const fn kernel(
        mut self,
        compute: Compute,
        is_total: fn(&[Expr]) -> bool,
    ) -> Definition {
        self.kernel = Some(Kernel { compute, is_total });
        self
    }

    /// Its name in SQL.
    pub fn name(&self) -> &'static str {
        self.names[0]
    }

    /// Whether an argument is to be a number.
    pub(in crate::sql) fn wants_number(&self, position: usize, args: &[Expr]) -> bool {
        match self.numbers {
            Numbers::None => false,
            Numbers::All => true,
            Numbers::At(positions) => positions.contains(&position),
            Numbers::Together => args.iter().any(|arg| arg.field_type().kind.is_numeric()),
            Numbers::Where(is_one) => is_one(position, args),
        }
    }
}

impl fmt::Debug for Definition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
