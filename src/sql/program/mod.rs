//! Stored programs, compiled: a body's tree is made once into a flat list of steps, which a [`Machine`] goes through.
//!
//! ```text
//! text ──parser──▶ ProgramBody ──compile──▶ Program ──Machine::run──▶ Stop: a statement to run, a value to compute, the end
//! ```
//!
//! **Variables** have slots, parameters first. The parser has put a slot in the place of each name ([`Expr::Parameter`]), so that an
//! expression or a statement of a program is one with parameters, whose values are all of the program's variables. What a statement
//! reads is noted with it ([`InnerStatement::reads`]); the others it gets as NULL.
//!
//! **The machine is pure.** It computes expressions that need nobody else, and keeps variables, cursors' rows, the handlers that are in
//! force and what is being handled. Whatever else a step needs it says ([`Stop`]), and whoever drives it does that and goes on:
//! the session for procedures, whatever runs a statement for what is part of one. An error goes back to the
//! machine ([`Machine::raise`]), which looks for its handler.
//!
//! **For triggers**: [`compile_body`] takes any [`ProgramBody`]; values of rows are variables of it (`row_values`), whose types
//! its caller gives, and which it puts and takes with [`Machine::put`] and [`Machine::get`].
//!
//! [`Expr::Parameter`]: crate::sql::parser::ast::Expr::Parameter

mod bind;
mod compile;
mod condition;
mod machine;
mod signal;
#[cfg(test)]
mod tests;

pub use bind::{Bound, BoundExprs};
pub use compile::{compile_body, compile_routine};
pub use condition::Raised;
pub(in crate::sql) use machine::assigned;
pub use machine::{Machine, Stop};
pub use signal::{no_data, raise};

use crate::sql::parser::ast::{Condition, Expr, InnerStatement, ParameterMode, RoutineKind};
use crate::sql::types::FieldType;

/// A program that can be run.
#[derive(Debug)]
pub struct Program {
    /// PROCEDURE or FUNCTION, for messages.
    pub kind: RoutineKind,
    /// Its database.
    pub database: String,
    /// Its name.
    pub name: String,
    /// Which way the values of the first variables go.
    pub modes: Vec<ParameterMode>,
    /// What it returns.
    pub returns: Option<FieldType>,
    /// All variables.
    pub variables: Vec<Variable>,
    /// Its expressions.
    pub exprs: Vec<Expr>,
    /// Its statements.
    pub statements: Vec<InnerStatement>,
    /// Its handlers.
    pub(crate) handlers: Vec<Handler>,
    /// What it does.
    pub(crate) steps: Vec<Step>,
    /// How many cursors there are.
    pub(crate) cursors: usize,
}

/// A variable.
#[derive(Clone, Debug)]
pub struct Variable {
    /// As written.
    pub name: String,
    /// Its type; `None`: that of what it is given.
    pub field_type: Option<FieldType>,
}

/// One step; an expression, a statement or a step is named by its number.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// A variable gets a value. DECLARE's are without an error's handler yet.
    Set { slot: usize, expr: usize },
    /// A variable begins as NULL.
    Clear(usize),
    /// A variable without a type gets a value.
    Keep { slot: usize, expr: usize },
    /// Goes elsewhere if it is not true; after an error in it, a handler goes on elsewhere.
    Unless { expr: usize, to: usize, after: usize },
    /// Goes elsewhere.
    Jump(usize),
    /// RETURN.
    Return(usize),
    /// A block with handlers begins.
    Enter(Vec<usize>),
    /// Blocks end: so many with handlers are left, and these cursors are closed.
    Unwind { handlers: usize, cursors: Vec<usize> },
    /// A handler has come to its end.
    HandlerEnd,
    /// A cursor's query is this statement.
    Declare { cursor: usize, statement: usize },
    /// OPEN.
    Open(usize),
    /// FETCH.
    Fetch { cursor: usize, slots: Vec<usize> },
    /// CLOSE.
    Close(usize),
    /// CASE without ELSE: error 1339.
    NoCase,
    /// A statement of SQL.
    Sql(usize),
}

/// A handler.
#[derive(Clone, Debug)]
pub(crate) struct Handler {
    pub(crate) conditions: Vec<Condition>,
    /// Its first step.
    pub(crate) first: usize,
    /// EXIT: where its block has ended.
    pub(crate) exit: Option<usize>,
    /// Cursors of its block and those in it.
    pub(crate) cursors: Vec<usize>,
}
