//! From the tree to the list of steps.

use super::{Handler, Program, Step, Variable};
use crate::common::SqlResult;
use crate::sql::catalog::{RoutineInfo, column_type};
use crate::sql::parser::ast::{
    Block, Expr, InnerStatement, ProgramBody, ProgramStatement, RoutineKind,
};
use crate::sql::types::{Collation, FieldType};

/// The program of a routine.
pub fn compile_routine(database: &str, routine: &RoutineInfo) -> SqlResult<Program> {
    let parsed = routine.parsed()?;
    let inherited = Collation::by_name(&routine.database_collation).unwrap_or_default();
    let returns = match &parsed.returns {
        Some(written) => Some(column_type("", written, inherited)?),
        None => None,
    };
    let mut program = compile_body(&parsed.body, inherited, &[])?;
    program.kind = routine.kind;
    database.clone_into(&mut program.database);
    program.name.clone_from(&routine.name);
    program.modes = parsed.modes;
    program.returns = returns;
    Ok(program)
}

/// The program of a body. `types`: those of variables that the body does not say the type of, by slot.
pub fn compile_body(
    body: &ProgramBody,
    inherited: Collation,
    types: &[(usize, FieldType)],
) -> SqlResult<Program> {
    let mut variables = Vec::with_capacity(body.variables.len());
    for (slot, variable) in body.variables.iter().enumerate() {
        let given = types.iter().find(|(known, _)| *known == slot);
        let field_type = match &variable.data_type {
            Some(written) => Some(column_type(&variable.name, written, inherited)?),
            None => given.map(|(_, field_type)| field_type.clone()),
        };
        variables.push(Variable { name: variable.name.clone(), field_type });
    }
    let mut compiler = Compiler::default();
    compiler.statements_of(&body.statements);
    Ok(Program {
        kind: RoutineKind::Procedure,
        database: String::new(),
        name: String::new(),
        modes: Vec::new(),
        returns: None,
        variables,
        exprs: compiler.exprs,
        statements: compiler.statements,
        handlers: compiler.handlers,
        steps: compiler.steps,
        cursors: body.cursors,
    })
}

/// What has a label.
struct Labelled {
    label: usize,
    /// Of a loop: where it begins.
    begins: Option<usize>,
    /// How many blocks with handlers are around it.
    handlers: usize,
    /// How many cursors are declared around it.
    cursors: usize,
    /// Jumps to its end.
    leaves: Vec<usize>,
}

#[derive(Default)]
struct Compiler {
    steps: Vec<Step>,
    exprs: Vec<Expr>,
    statements: Vec<InnerStatement>,
    handlers: Vec<Handler>,
    labelled: Vec<Labelled>,
    /// How many blocks with handlers are open.
    depth: usize,
    /// The cursors of the blocks that are open.
    cursors: Vec<usize>,
}

impl Compiler {
    fn expr(&mut self, expr: &Expr) -> usize {
        self.exprs.push(expr.clone());
        self.exprs.len() - 1
    }

    fn statement(&mut self, statement: &InnerStatement) -> usize {
        self.statements.push(statement.clone());
        self.statements.len() - 1
    }

    fn push(&mut self, step: Step) -> usize {
        self.steps.push(step);
        self.steps.len() - 1
    }

    /// Has a jump go to what comes next.
    fn land(&mut self, jump: usize) {
        let here = self.steps.len();
        match &mut self.steps[jump] {
            Step::Jump(to) => *to = here,
            Step::Unless { to, .. } => *to = here,
            _ => {}
        }
    }

    fn statements_of(&mut self, statements: &[ProgramStatement]) {
        statements.iter().for_each(|statement| self.one(statement));
    }

    fn one(&mut self, statement: &ProgramStatement) {
        match statement {
            ProgramStatement::Block(block) => self.block(block),
            ProgramStatement::If { branches, otherwise, case } => {
                self.branches(branches, otherwise.as_deref(), *case);
            }
            ProgramStatement::Keep(slot, expr) => {
                let expr = self.expr(expr);
                self.push(Step::Keep { slot: *slot, expr });
            }
            ProgramStatement::Loop { label, before, after, body } => {
                self.repeated(*label, before.as_ref(), after.as_ref(), body);
            }
            ProgramStatement::Leave(label) => self.jump(*label, false),
            ProgramStatement::Iterate(label) => self.jump(*label, true),
            ProgramStatement::Return(expr) => {
                let expr = self.expr(expr);
                self.push(Step::Return(expr));
            }
            ProgramStatement::Set(slot, expr) => {
                let expr = self.expr(expr);
                self.push(Step::Set { slot: *slot, expr });
            }
            ProgramStatement::Open(cursor) => {
                self.push(Step::Open(*cursor));
            }
            ProgramStatement::Fetch(cursor, slots) => {
                self.push(Step::Fetch { cursor: *cursor, slots: slots.clone() });
            }
            ProgramStatement::Close(cursor) => {
                self.push(Step::Close(*cursor));
            }
            ProgramStatement::Sql(inner) => {
                let number = self.statement(inner);
                self.push(Step::Sql(number));
            }
        }
    }

    fn branches(
        &mut self,
        branches: &[(Expr, Vec<ProgramStatement>)],
        otherwise: Option<&[ProgramStatement]>,
        case: bool,
    ) {
        let (mut ends, mut tests) = (Vec::new(), Vec::new());
        for (condition, body) in branches {
            let expr = self.expr(condition);
            let test = self.push(Step::Unless { expr, to: 0, after: 0 });
            tests.push(test);
            self.statements_of(body);
            ends.push(self.push(Step::Jump(0)));
            self.land(test);
        }
        match otherwise {
            Some(body) => self.statements_of(body),
            None if case => {
                self.push(Step::NoCase);
            }
            None => {}
        }
        ends.into_iter().for_each(|end| self.land(end));
        let here = self.steps.len();
        self.go_on_at(&tests, here);
    }

    /// Where a handler goes on after an error in these conditions.
    fn go_on_at(&mut self, tests: &[usize], here: usize) {
        for test in tests {
            if let Step::Unless { after, .. } = &mut self.steps[*test] {
                *after = here;
            }
        }
    }

    fn label(&mut self, label: usize, begins: Option<usize>) {
        self.labelled.push(Labelled {
            label,
            begins,
            handlers: self.depth,
            cursors: self.cursors.len(),
            leaves: Vec::new(),
        });
    }

    fn label_ends(&mut self) {
        let Some(labelled) = self.labelled.pop() else { return };
        labelled.leaves.into_iter().for_each(|jump| self.land(jump));
    }

    fn repeated(
        &mut self,
        label: usize,
        before: Option<&Expr>,
        after: Option<&Expr>,
        body: &[ProgramStatement],
    ) {
        let begins = self.steps.len();
        self.label(label, Some(begins));
        let mut tests = Vec::new();
        if let Some(condition) = before {
            let expr = self.expr(condition);
            tests.push(self.push(Step::Unless { expr, to: 0, after: 0 }));
        }
        self.statements_of(body);
        match after {
            Some(condition) => {
                let expr = self.expr(condition);
                tests.push(self.push(Step::Unless { expr, to: begins, after: 0 }));
            }
            None => {
                self.push(Step::Jump(begins));
            }
        }
        if before.is_some() {
            tests.iter().for_each(|test| self.land(*test));
        }
        let here = self.steps.len();
        self.go_on_at(&tests, here);
        self.label_ends();
    }

    /// LEAVE and ITERATE.
    fn jump(&mut self, label: usize, again: bool) {
        let Some(at) = self.labelled.iter().rposition(|known| known.label == label) else {
            return;
        };
        let (handlers, cursors) = (self.labelled[at].handlers, self.labelled[at].cursors);
        let cursors = self.cursors[cursors..].to_vec();
        if self.depth > handlers || !cursors.is_empty() {
            let handlers = self.depth - handlers;
            self.push(Step::Unwind { handlers, cursors });
        }
        match self.labelled[at].begins {
            Some(begins) if again => {
                self.push(Step::Jump(begins));
            }
            _ => {
                let jump = self.push(Step::Jump(0));
                self.labelled[at].leaves.push(jump);
            }
        }
    }

    fn block(&mut self, block: &Block) {
        self.label(block.label, None);
        for (slot, default) in &block.variables {
            match default {
                Some(expr) => {
                    let expr = self.expr(expr);
                    self.push(Step::Set { slot: *slot, expr });
                }
                None => {
                    self.push(Step::Clear(*slot));
                }
            }
        }
        let outer_cursors = self.cursors.len();
        for (cursor, query) in &block.cursors {
            let statement = self.statement(query);
            self.push(Step::Declare { cursor: *cursor, statement });
            self.cursors.push(*cursor);
        }
        let handlers = self.handlers_of(block);
        let handled = !handlers.is_empty();
        if handled {
            self.push(Step::Enter(handlers.clone()));
            self.depth += 1;
        }
        self.statements_of(&block.body);
        let cursors = self.cursors.split_off(outer_cursors);
        if handled || !cursors.is_empty() {
            self.push(Step::Unwind { handlers: usize::from(handled), cursors });
        }
        self.depth -= usize::from(handled);
        let ended = self.steps.len();
        for handler in handlers {
            if let Some(exit) = &mut self.handlers[handler].exit {
                *exit = ended;
            }
        }
        self.label_ends();
    }

    /// The handlers of a block stand before its body, which jumps over them.
    fn handlers_of(&mut self, block: &Block) -> Vec<usize> {
        if block.handlers.is_empty() {
            return Vec::new();
        }
        let over = self.push(Step::Jump(0));
        let mut numbers = Vec::new();
        for handler in &block.handlers {
            let first = self.steps.len();
            self.statements_of(&handler.body);
            self.push(Step::HandlerEnd);
            numbers.push(self.handlers.len());
            self.handlers.push(Handler {
                conditions: handler.conditions.clone(),
                first,
                exit: handler.exit.then_some(0),
                cursors: block.cursors.iter().map(|(cursor, _)| *cursor).collect(),
            });
        }
        self.land(over);
        numbers
    }
}
