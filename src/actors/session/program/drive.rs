//! Drives the machine of a program.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Compiled;
use crate::actors::runtime::compute;
use crate::actors::session::answer::Sink;
use crate::actors::session::core::Core;
use crate::actors::session::hints::NO_HINTS;
use crate::actors::session::statement::Request;
use crate::common::{Fault, SqlError, SqlResult, errno};
use crate::protocol::CapabilityFlags;
use crate::sql::exec::execute_query;
use crate::sql::expr::{Warning, WarningLevel};
use crate::sql::parser::ast::{Expr, InnerStatement, IntoTarget, Query, Statement};
use crate::sql::plan::PlanNode;
use crate::sql::program::{Bound, BoundExprs, Machine, Raised, Stop};
use crate::sql::statement::Answers;
use crate::sql::types::{Datum, FieldType};

/// Rows with their columns' types.
type TypedRows = (Vec<FieldType>, Vec<Vec<Datum>>);

/// So many expressions are bound before others have their turn.
const BINDS_AT_ONCE: usize = 32;

/// A statement that stands for none.
static NOTHING: Statement = Statement::UnlockTables;

/// Who calls a procedure.
pub(super) struct Caller<'c, 'r> {
    pub(super) request: &'c Request<'r>,
    /// The program that does, and the types of its variables; `None`: the client.
    pub(super) machine: Option<(&'c mut Machine, Vec<FieldType>)>,
    /// What goes back to the client.
    pub(super) given: &'c mut Vec<(String, FieldType, Datum)>,
}

impl Core {
    /// Runs a program to its end; what it returns, if it does.
    pub(super) async fn drive(
        &mut self,
        machine: &mut Machine,
        compiled: &Arc<Compiled>,
        request: &Request<'_>,
        sink: &mut Sink,
    ) -> SqlResult<Option<(Datum, FieldType)>> {
        let rules = self.vars.system.lock().settings.type_rules();
        let known = compiled.bound.lock().take().filter(|(known, _)| *known == rules);
        let mut bound = known.map_or_else(|| BoundExprs::of(&compiled.program), |(_, bound)| bound);
        let outcome = self.drive_with(machine, compiled, &mut bound, request, sink).await;
        *compiled.bound.lock() = Some((rules, bound));
        outcome
    }

    async fn drive_with(
        &mut self,
        machine: &mut Machine,
        compiled: &Arc<Compiled>,
        bound: &mut BoundExprs,
        request: &Request<'_>,
        sink: &mut Sink,
    ) -> SqlResult<Option<(Datum, FieldType)>> {
        let mut held = self.memory.hold(machine.held_bytes())?;
        let mut binds = 0;
        self.eval_writes();
        loop {
            let stop = self.run_pure(machine, bound);
            self.keep_fresh_warnings();
            self.note_raised(machine);
            match stop? {
                Stop::Ended => return Ok(None),
                Stop::Returned(value, field_type) => return Ok(Some((value, field_type))),
                Stop::Yield => {
                    compute::enter().await;
                    compute::breathe().await;
                    self.check_killed()?;
                    held.set(machine.held_bytes())?;
                    self.eval_writes();
                }
                Stop::Bind(expr) => {
                    binds += 1;
                    if binds % BINDS_AT_ONCE == 0 {
                        compute::enter().await;
                        compute::breathe().await;
                        self.check_killed()?;
                    }
                    if let Err(error) = self.bind(machine, bound, expr) {
                        self.raised(machine, error).await?;
                        self.eval_writes();
                    }
                }
                Stop::Value(expr) => {
                    let outcome = self.outside_value(machine, bound, expr).await;
                    match outcome {
                        Ok(Some(Stop::Returned(value, field_type))) => {
                            return Ok(Some((value, field_type)));
                        }
                        Ok(_) => self.statement_ended(),
                        Err(error) => self.raised(machine, error).await?,
                    }
                    self.eval_writes();
                }
                Stop::Sql(number) => {
                    let outcome =
                        self.inner_statement(machine, compiled, bound, number, request, sink);
                    match Box::pin(outcome).await {
                        Ok(()) => self.step_done(machine),
                        Err(error) => self.raised(machine, error).await?,
                    }
                    self.check_killed()?;
                    held.set(machine.held_bytes())?;
                    self.eval_writes();
                }
                Stop::Open { cursor, statement } => {
                    match self.open(machine, compiled, bound, statement).await {
                        Ok((types, rows)) => machine.opened(cursor, rows, types),
                        Err(error) => self.raised(machine, error).await?,
                    }
                    held.set(machine.held_bytes())?;
                    self.eval_writes();
                }
            }
        }
    }

    /// The next expressions are a program's: they write, into variables.
    pub(super) fn eval_writes(&mut self) {
        self.begin_eval(Vec::new(), true, false);
    }

    fn run_pure(&mut self, machine: &mut Machine, bound: &BoundExprs) -> SqlResult<Stop> {
        match Arc::get_mut(&mut self.eval) {
            Some(eval) => machine.run(eval, bound),
            None => Err(SqlError::internal("a program's context that somebody holds")),
        }
    }

    /// Warnings of a program's own steps are added to those that there are.
    fn keep_fresh_warnings(&mut self) {
        if self.eval.warning_count.load(Ordering::Relaxed) == 0 {
            return;
        }
        let fresh = self.eval.take_warnings();
        if !fresh.is_empty() {
            let mut all = std::mem::take(&mut self.diagnostics);
            all.extend(fresh);
            self.keep_diagnostics(all);
        }
    }

    /// What has been raised and is being handled is what GET DIAGNOSTICS tells of; what a handler has dealt with is forgotten.
    fn note_raised(&mut self, machine: &mut Machine) {
        if let Some(error) = machine.take_raised() {
            self.keep_error(error);
        }
        let ended = machine.take_handled();
        if !ended.is_empty() {
            let mut all = std::mem::take(&mut self.diagnostics);
            all.retain(|kept| {
                !ended.iter().any(|it| it.code == kept.code && it.message == kept.message)
            });
            self.keep_diagnostics(all);
        }
    }

    fn keep_error(&mut self, error: SqlError) {
        let mut warnings = self.eval.take_warnings();
        warnings.push(Warning {
            level: WarningLevel::Error,
            code: error.code,
            message: error.message.clone(),
        });
        self.keep_diagnostics(warnings);
        self.row_count = -1;
        self.programs.last_error = Some(error);
    }

    /// A step of the program has failed: undoes what it did, and goes to its handler.
    async fn raised(&mut self, machine: &mut Machine, error: SqlError) -> SqlResult<()> {
        let error = self.statement_failed(error).await;
        self.check_killed()?;
        machine.raise(Raised::error(error.clone()))?;
        machine.take_raised();
        self.keep_error(error);
        Ok(())
    }

    /// A statement of the program is done: what it has warned of may have a handler.
    fn step_done(&mut self, machine: &mut Machine) {
        match self.programs.signalled.take() {
            Some(raised) => machine.signalled(raised),
            None => machine.done(&self.diagnostics),
        }
    }

    /// Binds an expression of the program.
    fn bind(&self, machine: &Machine, bound: &mut BoundExprs, expr: usize) -> SqlResult<()> {
        let program = machine.program();
        let written = &program.exprs[expr];
        if has_user_variable(written) {
            bound.put(expr, Bound::Outside);
            return Ok(());
        }
        let schema = self.services.schema.current();
        let planner = self.planner(&schema, program.variables.len(), &bound.types);
        let plan = planner.plan_value(written)?;
        let found = match plan.root.node {
            PlanNode::Project { mut exprs, .. } if plan.subqueries.is_empty() => exprs.pop(),
            _ => None,
        };
        let found = found.map_or(Bound::Outside, Bound::of);
        bound.put(expr, found);
        Ok(())
    }

    /// The value of an expression that is not the machine's to compute.
    async fn outside_value(
        &mut self,
        machine: &mut Machine,
        bound: &mut BoundExprs,
        expr: usize,
    ) -> SqlResult<Option<Stop>> {
        let program = machine.program().clone();
        let all: Vec<usize> = (0..program.variables.len()).collect();
        self.begin_eval(machine.values(&all), false, false);
        let request = Request { parameters: all.len(), types: bound.types.clone(), ..nothing() };
        let (field_type, value) = self.value(&program.exprs[expr], &request).await?;
        self.check_slept()?;
        bound.keep_type(expr, &field_type);
        self.keep_fresh_warnings();
        self.eval_writes();
        let eval = self.eval.clone();
        machine.give(value, &field_type, &eval)
    }

    /// SLEEP() goes on after KILL, a program does not.
    fn check_slept(&self) -> SqlResult<()> {
        match *self.eval.slept.lock() {
            Some(1) => Err(Fault::Interrupted.into()),
            _ => Ok(()),
        }
    }

    /// The value of an argument of CALL.
    pub(super) async fn value_for(
        &mut self,
        argument: &Expr,
        caller: &Caller<'_, '_>,
    ) -> SqlResult<(FieldType, Datum)> {
        match &caller.machine {
            Some((machine, types)) => {
                let all: Vec<usize> = (0..types.len()).collect();
                self.begin_eval(machine.values(&all), false, false);
                let request = Request { parameters: all.len(), types: types.clone(), ..nothing() };
                self.value(argument, &request).await
            }
            None => {
                self.begin_eval(caller.request.params.clone(), false, false);
                self.value(argument, caller.request).await
            }
        }
    }

    /// A statement of the program.
    async fn inner_statement(
        &mut self,
        machine: &mut Machine,
        compiled: &Arc<Compiled>,
        bound: &BoundExprs,
        number: usize,
        outer: &Request<'_>,
        sink: &mut Sink,
    ) -> SqlResult<()> {
        let inner = &compiled.program.statements[number];
        match &inner.statement {
            Statement::Call(call) => {
                let mut given = Vec::new();
                let handled = machine.handled().cloned();
                let depth = self.programs.handled.len();
                self.programs.handled.extend(handled);
                let machine = Some((machine, bound.types.clone()));
                let caller = Caller { request: outer, machine, given: &mut given };
                self.diagnostics.clear();
                let outcome = self.call_procedure(call, caller, sink).await;
                self.programs.handled.truncate(depth);
                return outcome;
            }
            Statement::Signal(signal) => {
                let values = self.signal_values(machine, bound, signal).await?;
                return self.signal(signal, values, machine.handled());
            }
            Statement::GetDiagnostics(get) => {
                return self.get_diagnostics_into(machine, bound, get).await;
            }
            Statement::SelectIntoVariables { query, targets } => {
                return self.select_into(machine, bound, (inner, query), targets).await;
            }
            _ => {}
        }
        let request = Request {
            statement: &inner.statement,
            parameters: bound.types.len(),
            params: machine.values(&inner.reads),
            types: bound.types.clone(),
            format: outer.format,
            more: true,
            cache: (!inner.user_variables).then(|| &compiled.plans[number]),
            cursor: None,
            hints: &NO_HINTS,
        };
        self.check_results(inner, &compiled.program.name)?;
        self.diagnostics.clear();
        self.programs.signalled = None;
        self.statement(&request, sink).await?;
        self.check_slept()
    }

    /// Error 1312 for rows that the client cannot take.
    fn check_results(&self, inner: &InnerStatement, name: &str) -> SqlResult<()> {
        let rows = inner.statement.kind().traits().answers == Answers::Rows;
        let several = CapabilityFlags::CLIENT_MULTI_RESULTS;
        if !rows || self.client.capabilities.contains(several) {
            return Ok(());
        }
        let message = format!("PROCEDURE {name} can't return a result set in the given context");
        Err(SqlError::new(errno::SP_BADSELECT, message))
    }

    /// OPEN: the rows of a cursor's query.
    async fn open(
        &mut self,
        machine: &Machine,
        compiled: &Arc<Compiled>,
        bound: &BoundExprs,
        statement: usize,
    ) -> SqlResult<TypedRows> {
        let inner = &compiled.program.statements[statement];
        let Statement::Query(query) = &inner.statement else {
            return Err(SqlError::internal("a cursor without a query"));
        };
        let rows = self.rows_of(machine, bound, (inner, query), usize::MAX).await?;
        self.statement_ended();
        Ok(rows)
    }

    /// The rows of a query, at most so many.
    async fn rows_of(
        &mut self,
        machine: &Machine,
        bound: &BoundExprs,
        (inner, query): (&InnerStatement, &Query),
        most: usize,
    ) -> SqlResult<TypedRows> {
        let request = Request {
            parameters: bound.types.len(),
            params: machine.values(&inner.reads),
            types: bound.types.clone(),
            ..nothing()
        };
        let (reading, planned) = self.begin_query(query, &request).await?;
        let types: Vec<FieldType> =
            planned.columns.iter().map(|column| column.field_type.clone()).collect();
        let schema = reading.schema.clone();
        let mut ctx = self.exec_context(reading.txn.clone(), self.eval.clone(), Some(&schema));
        ctx.functions.clone_from(&reading.functions);
        let mut held = self.memory.hold(0)?;
        let mut found = Vec::new();
        let mut rows = execute_query(&planned, &ctx).await?;
        while found.len() < most
            && let Some(batch) = rows.next_batch().await?
        {
            for row in batch.into_rows(&types) {
                let bytes: usize = row.iter().map(Datum::held_bytes).sum();
                held.grow(bytes + row.len() * size_of::<Datum>())?;
                found.push(row);
            }
        }
        drop((rows, ctx));
        self.end_reading(reading).await?;
        Ok((types, found))
    }

    /// SELECT … INTO variables of the program, or of the session.
    async fn select_into(
        &mut self,
        machine: &mut Machine,
        bound: &BoundExprs,
        select: (&InnerStatement, &Query),
        targets: &[IntoTarget],
    ) -> SqlResult<()> {
        let (types, mut rows) = self.rows_of(machine, bound, select, 2).await?;
        self.statement_ended();
        if types.len() != targets.len() {
            let message = "The used SELECT statements have a different number of columns";
            return Err(SqlError::new(errno::WRONG_NUMBER_OF_COLUMNS_IN_SELECT, message));
        }
        if rows.len() > 1 {
            let message = "Result consisted of more than one row";
            return Err(SqlError::new(errno::TOO_MANY_ROWS, message));
        }
        self.row_count = rows.len() as i64;
        self.take_warnings();
        let Some(row) = rows.pop() else {
            let message = "No data - zero rows fetched, selected, or processed".to_owned();
            let code = errno::SP_FETCH_NO_DATA;
            self.keep_diagnostics(vec![Warning { level: WarningLevel::Warning, code, message }]);
            return Ok(());
        };
        self.eval_writes();
        let eval = self.eval.clone();
        for ((target, value), field_type) in targets.iter().zip(row).zip(&types) {
            match target {
                IntoTarget::User(name) => self.set_user(name, value, field_type)?,
                IntoTarget::Local(slot) => machine.put(*slot, (value, field_type), &eval)?,
            }
        }
        drop(eval);
        self.keep_fresh_warnings();
        Ok(())
    }
}

/// A request for nothing, with the expression beside it.
pub(super) fn nothing() -> Request<'static> {
    crate::actors::session::statement::text_request(&NOTHING)
}

/// Whether an expression says something of user variables, whose types change.
fn has_user_variable(expr: &Expr) -> bool {
    matches!(expr, Expr::UserVariable(_) | Expr::AssignUserVariable(..))
        || expr.children().into_iter().any(has_user_variable)
}
