//! Goes through the steps of a program.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::condition::best;
use super::{Bound, BoundExprs, Program, Raised, Step};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::expr::{EvalContext, Expr, Warning};
use crate::sql::types::{Datum, FieldType, TypeKind, convert_between};

/// So many steps are gone at once.
const STEPS: usize = 512;

/// What the machine waits for.
#[derive(Debug, PartialEq)]
pub enum Stop {
    /// An expression is to be bound ([`BoundExprs::put`]).
    Bind(usize),
    /// An expression is to be computed ([`Machine::give`]).
    Value(usize),
    /// A statement is to be run ([`Machine::done`]).
    Sql(usize),
    /// The query of a cursor is to be run ([`Machine::opened`]).
    Open {
        /// Which cursor.
        cursor: usize,
        /// Its query.
        statement: usize,
    },
    /// Others may compute.
    Yield,
    /// RETURN: the value as it is, with its type.
    Returned(Datum, FieldType),
    /// It has come to its end.
    Ended,
}

/// Handlers that are in force, and those that run.
#[derive(Debug)]
enum Entry {
    /// Of a block.
    Block(Vec<usize>),
    /// One runs.
    Running {
        handler: usize,
        /// The entry of its block.
        block: usize,
        /// Where CONTINUE goes on.
        resume: usize,
        raised: Box<Raised>,
    },
}

/// A cursor.
#[derive(Debug, Default)]
struct Cursor {
    statement: usize,
    /// Its rows, and their types; `None`: it is not open.
    rows: Option<(std::vec::IntoIter<Vec<Datum>>, Vec<FieldType>)>,
}

/// A program that runs.
#[derive(Debug)]
pub struct Machine {
    program: Arc<Program>,
    variables: Vec<Datum>,
    at: usize,
    entries: Vec<Entry>,
    cursors: Vec<Cursor>,
    /// Warnings of the context that were looked at.
    seen_warnings: u64,
    /// The error that has got a handler last.
    raised: Option<SqlError>,
    /// What handlers that have ended were for.
    handled: Vec<Raised>,
}

impl Machine {
    /// At its first step, with NULLs.
    pub fn new(program: Arc<Program>) -> Machine {
        let cursors = (0..program.cursors).map(|_| Cursor::default()).collect();
        Machine {
            variables: vec![Datum::Null; program.variables.len()],
            program,
            at: 0,
            entries: Vec::new(),
            cursors,
            seen_warnings: 0,
            raised: None,
            handled: Vec::new(),
        }
    }

    /// What it runs.
    pub fn program(&self) -> &Arc<Program> {
        &self.program
    }

    /// The value of a variable.
    pub fn get(&self, slot: usize) -> Datum {
        self.variables.get(slot).cloned().unwrap_or_default()
    }

    /// Gives a variable a value of its type.
    pub fn put_as_it_is(&mut self, slot: usize, value: Datum) {
        self.variables[slot] = value;
    }

    /// What its variables hold.
    pub fn held_bytes(&self) -> usize {
        self.variables.iter().map(|value| size_of::<Datum>() + value.held_bytes()).sum()
    }

    /// The values of these variables, and NULL in the place of the others.
    pub fn values(&self, reads: &[usize]) -> Vec<Datum> {
        let mut values = vec![Datum::Null; self.variables.len()];
        for slot in reads {
            values[*slot] = self.get(*slot);
        }
        values
    }

    /// Gives a variable a value, as an assignment does.
    pub fn put(
        &mut self,
        slot: usize,
        (value, field_type): (Datum, &FieldType),
        eval: &EvalContext,
    ) -> SqlResult<()> {
        let variable = &self.program.variables[slot];
        self.variables[slot] = match &variable.field_type {
            Some(wanted) => assigned(value, field_type, wanted, &variable.name, eval)?,
            None => value,
        };
        Ok(())
    }

    /// What is being handled: the innermost handler's condition.
    pub fn handled(&self) -> Option<&Raised> {
        self.entries.iter().rev().find_map(|entry| match entry {
            Entry::Running { raised, .. } => Some(&**raised),
            Entry::Block(_) => None,
        })
    }

    /// The error that a handler has been found for since the last time.
    pub fn take_raised(&mut self) -> Option<SqlError> {
        self.raised.take()
    }

    /// The conditions whose handlers have ended since the last time.
    pub fn take_handled(&mut self) -> Vec<Raised> {
        std::mem::take(&mut self.handled)
    }

    /// Goes on until somebody else is needed. Variables are the context's parameters meanwhile.
    pub fn run(&mut self, eval: &mut EvalContext, bound: &BoundExprs) -> SqlResult<Stop> {
        std::mem::swap(&mut eval.params, &mut self.variables);
        self.seen_warnings = eval.warning_count.load(Ordering::Relaxed);
        let program = self.program.clone();
        let mut outcome = Ok(Stop::Yield);
        for _ in 0..STEPS {
            let stepped = self.step(&program, eval, bound);
            let stepped = match stepped {
                Ok(None) => {
                    self.look_at_warnings(eval);
                    continue;
                }
                Ok(Some(stop)) => Ok(stop),
                Err(error) => match self.raise(Raised::error(error)) {
                    Ok(()) => continue,
                    Err(error) => Err(error),
                },
            };
            outcome = stepped;
            break;
        }
        std::mem::swap(&mut eval.params, &mut self.variables);
        outcome
    }

    /// A handler for what the last step has warned of.
    fn look_at_warnings(&mut self, eval: &EvalContext) {
        let count = eval.warning_count.load(Ordering::Relaxed);
        if count == self.seen_warnings {
            return;
        }
        let fresh = usize::try_from(count - self.seen_warnings).unwrap_or(usize::MAX);
        self.seen_warnings = count;
        if self.entries.is_empty() {
            return;
        }
        let warnings = eval.warnings.lock().clone();
        let from = warnings.len().saturating_sub(fresh);
        // The step is done: a handler goes on behind it.
        self.warned(&warnings[from..]);
    }

    /// One step; `None`: the next is to follow.
    fn step(
        &mut self,
        program: &Program,
        eval: &mut EvalContext,
        bound: &BoundExprs,
    ) -> SqlResult<Option<Stop>> {
        let Some(step) = program.steps.get(self.at) else { return Ok(Some(Stop::Ended)) };
        match step {
            Step::Set { slot, expr } => {
                let pure = match pure(bound, *expr) {
                    Ok(pure) => pure,
                    Err(stop) => return Ok(Some(stop)),
                };
                let value = pure.eval(&[], eval)?;
                let variable = &program.variables[*slot];
                let wanted = variable.field_type.as_ref().unwrap_or(&bound.types[*slot]);
                let value = assigned(value, pure.field_type(), wanted, &variable.name, eval)?;
                eval.params[*slot] = value;
            }
            Step::Keep { slot, expr } => {
                let pure = match pure(bound, *expr) {
                    Ok(pure) => pure,
                    Err(stop) => return Ok(Some(stop)),
                };
                eval.params[*slot] = pure.eval(&[], eval)?;
            }
            Step::Unless { expr, to, .. } => {
                let pure = match pure(bound, *expr) {
                    Ok(pure) => pure,
                    Err(stop) => return Ok(Some(stop)),
                };
                if pure.eval(&[], eval)?.to_bool(eval)? != Some(true) {
                    self.at = *to;
                    return Ok(None);
                }
            }
            Step::Return(expr) => {
                let pure = match pure(bound, *expr) {
                    Ok(pure) => pure,
                    Err(stop) => return Ok(Some(stop)),
                };
                let value = pure.eval(&[], eval)?;
                return Ok(Some(Stop::Returned(value, pure.field_type().clone())));
            }
            Step::Sql(statement) => return Ok(Some(Stop::Sql(*statement))),
            Step::Open(cursor) => {
                let found = &self.cursors[*cursor];
                if found.rows.is_some() {
                    let message = "Cursor is already open";
                    return Err(SqlError::new(errno::SP_CURSOR_ALREADY_OPEN, message));
                }
                return Ok(Some(Stop::Open { cursor: *cursor, statement: found.statement }));
            }
            Step::Fetch { cursor, slots } => self.fetch(program, *cursor, slots, eval)?,
            _ => return self.move_on(step, eval),
        }
        self.at += 1;
        Ok(None)
    }

    /// Steps that compute nothing.
    fn move_on(&mut self, step: &Step, eval: &mut EvalContext) -> SqlResult<Option<Stop>> {
        match step {
            Step::Clear(slot) => eval.params[*slot] = Datum::Null,
            Step::Jump(to) => {
                self.at = *to;
                return Ok(None);
            }
            Step::Enter(handlers) => self.entries.push(Entry::Block(handlers.clone())),
            Step::Unwind { handlers, cursors } => {
                self.entries.truncate(self.entries.len().saturating_sub(*handlers));
                self.close_all(cursors);
            }
            Step::HandlerEnd => {
                self.handler_ended();
                return Ok(None);
            }
            Step::Declare { cursor, statement } => {
                self.cursors[*cursor] = Cursor { statement: *statement, rows: None };
            }
            Step::Close(cursor) => {
                if self.cursors[*cursor].rows.take().is_none() {
                    return Err(SqlError::new(errno::SP_CURSOR_NOT_OPEN, "Cursor is not open"));
                }
            }
            Step::NoCase => {
                let message = "Case not found for CASE statement";
                return Err(SqlError::new(errno::SP_CASE_NOT_FOUND, message));
            }
            _ => return Err(SqlError::internal("a step that somebody else takes")),
        }
        self.at += 1;
        Ok(None)
    }

    fn close_all(&mut self, cursors: &[usize]) {
        cursors.iter().for_each(|cursor| self.cursors[*cursor].rows = None);
    }

    fn handler_ended(&mut self) {
        let Some(Entry::Running { handler, block, resume, raised }) = self.entries.pop() else {
            self.at += 1;
            return;
        };
        self.handled.push(*raised);
        let program = self.program.clone();
        let handler = &program.handlers[handler];
        match handler.exit {
            Some(exit) => {
                self.entries.truncate(block);
                self.close_all(&handler.cursors);
                self.at = exit;
            }
            None => self.at = resume,
        }
    }

    fn fetch(
        &mut self,
        program: &Program,
        cursor: usize,
        slots: &[usize],
        eval: &mut EvalContext,
    ) -> SqlResult<()> {
        let Some((rows, types)) = self.cursors[cursor].rows.as_mut() else {
            return Err(SqlError::new(errno::SP_CURSOR_NOT_OPEN, "Cursor is not open"));
        };
        if types.len() != slots.len() {
            let message = "Incorrect number of FETCH variables";
            return Err(SqlError::new(errno::SP_WRONG_NO_OF_FETCH_ARGS, message));
        }
        let Some(row) = rows.next() else {
            let message = "No data - zero rows fetched, selected, or processed";
            return Err(SqlError::new(errno::SP_FETCH_NO_DATA, message));
        };
        for ((slot, value), field_type) in slots.iter().zip(row).zip(types.iter()) {
            let variable = &program.variables[*slot];
            eval.params[*slot] = match &variable.field_type {
                Some(wanted) => assigned(value, field_type, wanted, &variable.name, eval)?,
                None => value,
            };
        }
        Ok(())
    }

    /// The value of the expression that the machine waits for.
    pub fn give(
        &mut self,
        value: Datum,
        field_type: &FieldType,
        eval: &EvalContext,
    ) -> SqlResult<Option<Stop>> {
        let program = self.program.clone();
        match &program.steps[self.at] {
            Step::Set { slot, .. } => self.put(*slot, (value, field_type), eval)?,
            Step::Keep { slot, .. } => self.variables[*slot] = value,
            Step::Unless { to, .. } => {
                if value.to_bool(eval)? != Some(true) {
                    self.at = *to;
                    return Ok(None);
                }
            }
            Step::Return(_) => return Ok(Some(Stop::Returned(value, field_type.clone()))),
            _ => return Err(SqlError::internal("a value that no step waits for")),
        }
        self.at += 1;
        Ok(None)
    }

    /// The statement that the machine waits for is done.
    pub fn done(&mut self, warnings: &[Warning]) {
        self.at += 1;
        self.warned(warnings);
    }

    /// The statement that the machine waits for is done, and was to raise a warning.
    pub fn signalled(&mut self, raised: Raised) {
        self.at += 1;
        if let Some((block, handler)) = self.handler_of(&raised) {
            self.handle(block, handler, raised, self.at);
        }
    }

    /// The rows of the cursor that the machine waits for.
    pub fn opened(&mut self, cursor: usize, rows: Vec<Vec<Datum>>, types: Vec<FieldType>) {
        self.cursors[cursor].rows = Some((rows.into_iter(), types));
        self.at += 1;
    }

    /// The step before has warned: the last warning that a handler is for.
    pub fn warned(&mut self, warnings: &[Warning]) {
        if self.entries.is_empty() {
            return;
        }
        for warning in warnings.iter().rev() {
            let raised = Raised::warning(warning);
            if let Some((block, handler)) = self.handler_of(&raised) {
                self.handle(block, handler, raised, self.at);
                return;
            }
        }
    }

    /// Something went wrong in the step at hand: goes to its handler. Gives the error back if there is none.
    pub fn raise(&mut self, raised: Raised) -> SqlResult<()> {
        let ends = raised.error.as_ref().is_some_and(is_end);
        let found = if ends { None } else { self.handler_of(&raised) };
        let Some((block, handler)) = found else {
            return match raised.error {
                Some(error) => Err(error),
                None => {
                    self.at += 1;
                    Ok(())
                }
            };
        };
        let resume = match self.program.steps.get(self.at) {
            Some(Step::Unless { after, .. }) => *after,
            _ => self.at + 1,
        };
        self.handle(block, handler, raised, resume);
        Ok(())
    }

    fn handler_of(&self, raised: &Raised) -> Option<(usize, usize)> {
        let mut at = self.entries.len();
        while at > 0 {
            at -= 1;
            match &self.entries[at] {
                // A handler's own block is not in force while it runs.
                Entry::Running { block, .. } => at = *block,
                Entry::Block(handlers) => {
                    if let Some(handler) = best(handlers, &self.program.handlers, raised) {
                        return Some((at, handler));
                    }
                }
            }
        }
        None
    }

    fn handle(&mut self, block: usize, handler: usize, raised: Raised, resume: usize) {
        self.at = self.program.handlers[handler].first;
        self.raised.clone_from(&raised.error);
        self.entries.push(Entry::Running { handler, block, resume, raised: Box::new(raised) });
    }
}

/// Whether it ends the program whatever its handlers say.
fn is_end(error: &SqlError) -> bool {
    matches!(error.code, errno::QUERY_INTERRUPTED | errno::QUERY_TIMEOUT)
}

/// An expression that can be computed, or what is to be done first.
fn pure(bound: &BoundExprs, expr: usize) -> Result<&Expr, Stop> {
    match bound.get(expr) {
        Some(Bound::Pure(pure)) => Ok(pure),
        Some(Bound::Outside) => Err(Stop::Value(expr)),
        None => Err(Stop::Bind(expr)),
    }
}

/// Whether a variable of a type holds a value as it is.
fn is_kept(value: &Datum, wanted: &FieldType) -> bool {
    if wanted.unsigned {
        return false;
    }
    if let Datum::Int(number) = value {
        let short = wanted.kind == TypeKind::Int && i32::try_from(*number).is_ok();
        return short || wanted.kind == TypeKind::BigInt;
    }
    let double = wanted.kind == TypeKind::Double && wanted.decimals.is_none();
    double && matches!(value, Datum::Float(_))
}

/// A value as a variable of a type holds it.
pub(in crate::sql) fn assigned(
    value: Datum,
    from: &FieldType,
    wanted: &FieldType,
    name: &str,
    eval: &EvalContext,
) -> SqlResult<Datum> {
    if value.is_null() || is_kept(&value, wanted) {
        return Ok(value);
    }
    convert_between(value, from, wanted, name, 1, eval)
}
