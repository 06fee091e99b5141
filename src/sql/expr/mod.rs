//! Expressions: typed trees over the columns of a row.
//!
//! The binder builds an [`Expr`] with [`Expr::call`], which checks the number of arguments, gives the call the type MySQL
//! gives it, and settles which collation its strings are compared in. From then on nothing is resolved by name.
//!
//! There are two ways to compute one, with one meaning:
//!
//! - [`Expr::eval`] takes a row of [`Datum`](crate::sql::types::Datum)s. It is the definition: every rule of MySQL (NULL
//!   logic, implicit conversions, overflow, warnings) is written there and nowhere else.
//! - [`physical`] makes a DataFusion `PhysicalExpr` over record batches. Where an Arrow kernel does exactly what the
//!   definition says, it is used; for everything else the batch is walked row by row with `eval`.
//!
//! An expression knows nothing of clocks, sessions or randomness; what it needs of them stands in an [`EvalContext`]
//! that is fixed for the statement. Errors are [`SqlError`](crate::common::SqlError)s and survive the way through
//! DataFusion ([`to_df_error`], [`from_df_error`]).
//!
//! What is not here: subqueries (the planner turns them into joins or values first), windows (a plan's), JSON.

mod adapt;
mod collate;
mod constant;
mod context;
mod display;
mod eval;
mod hex;
mod interrupt;
mod lists;
mod octets;
mod physical;
mod rules;
#[cfg(test)]
mod tests;
mod tree;

pub(crate) use collate::{Mix, coercibility_of, resolve as resolve_collation};
pub(crate) use constant::{check_date, check_literals, constant_as, is_read};

pub use crate::sql::functions::{Aggregate, AggregateKind, Function, WindowFunction, WindowKind};
pub use crate::sql::types::{Warning, WarningLevel};
pub use context::{EvalContext, NoVars, RowsRead, SessionVars, VariableScope};
pub use interrupt::{Interrupt, InterruptReason};
pub(in crate::sql) use physical::is_total;
pub use physical::{Batch, from_df_error, physical, physical_predicate, to_df_error};
pub use rules::TypeRules;
pub use tree::Expr;
