//! Runs functions within the statement that calls them: in its transaction, under its schema, with its limits.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;

use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::{InfoSchema, Temporaries};
use crate::sql::exec::{
    DmlResult, ExecContext, StoredCalls, execute_delete, execute_insert, execute_query,
    execute_update,
};
use crate::sql::expr::{EvalContext, SessionVars, TypeRules};
use crate::sql::parser::ast::{Expr, InnerStatement, IntoTarget, Statement, VariableAssignment};
use crate::sql::plan::{PlanNode, Planner, QueryPlan, StatementPlan, VariableTypes};
use crate::sql::program::{
    Bound, BoundExprs, Machine, Program, Raised, Stop, assigned, compile_routine, no_data, raise,
};
use crate::sql::stats::StatsSource;
use crate::sql::types::{Datum, FieldType, SqlMode};

/// What tells the time to a function's SYSDATE().
pub type FunctionClock = Arc<dyn Fn() -> Option<i64> + Send + Sync>;

/// What functions are run with. All is as it was when the statement began.
pub struct StoredFunctions {
    /// What there is.
    pub schema: InfoSchema,
    /// The session's own tables.
    pub temporary: Temporaries,
    /// What of the session decides types.
    pub rules: TypeRules,
    /// The types of variables.
    pub variables: Arc<dyn VariableTypes + Send + Sync>,
    /// Their values.
    pub values: Arc<dyn SessionVars>,
    /// What is known of tables.
    pub stats: Arc<dyn StatsSource>,
    /// For SYSDATE().
    pub clock: FunctionClock,
    /// What has been compiled.
    pub compiled: Mutex<BTreeMap<i64, Arc<Function>>>,
    /// Those that run.
    pub running: Mutex<Vec<i64>>,
    /// The tables that the statement itself works on.
    pub outer_tables: Mutex<BTreeSet<i64>>,
}

/// A function that has been compiled.
pub struct Function {
    program: Arc<Program>,
    mode: SqlMode,
    bound: Mutex<Option<BoundExprs>>,
    plans: Mutex<BTreeMap<usize, Arc<StatementPlan>>>,
}

/// A function that runs.
struct Running<'a> {
    function: &'a Function,
    machine: Machine,
    bound: BoundExprs,
    eval: Arc<EvalContext>,
    ctx: &'a ExecContext,
}

#[async_trait]
impl StoredCalls for StoredFunctions {
    async fn call(
        &self,
        function: i64,
        arguments: Vec<(Datum, FieldType)>,
        ctx: &ExecContext,
    ) -> SqlResult<Datum> {
        if self.running.lock().contains(&function) {
            let message = "Recursive stored functions and triggers are not allowed.";
            return Err(SqlError::new(errno::SP_NO_RECURSION, message));
        }
        self.running.lock().push(function);
        let outcome = self.run(function, arguments, ctx).await;
        self.running.lock().pop();
        outcome
    }
}

impl StoredFunctions {
    /// A function, compiled.
    pub fn function(&self, id: i64) -> SqlResult<Arc<Function>> {
        if let Some(known) = self.compiled.lock().get(&id) {
            return Ok(known.clone());
        }
        let found = self.schema.table_by_id(id);
        let routine = found.and_then(|(database, entry)| Some((database, entry.routine.as_ref()?)));
        let Some((database, routine)) = routine else {
            return Err(SqlError::internal("a function that is not there"));
        };
        let program = Arc::new(compile_routine(&database.name, routine)?);
        let function = Arc::new(Function {
            mode: routine.mode()?,
            bound: Mutex::default(),
            plans: Mutex::default(),
            program,
        });
        self.compiled.lock().insert(id, function.clone());
        Ok(function)
    }

    /// The plans of all that a function does, as far as they can be made before it runs.
    pub fn plans(&self, id: i64) -> SqlResult<Vec<Arc<StatementPlan>>> {
        let function = self.function(id)?;
        let bound = BoundExprs::of(&function.program);
        let mut plans = Vec::new();
        for number in 0..function.program.statements.len() {
            // What cannot be planned is an error when it is run.
            plans.extend(self.statement_plan(&function, &bound, number).ok());
        }
        for expr in &function.program.exprs {
            let planned = self.planner(&function, &bound.types).plan_value(expr);
            plans.extend(planned.ok().map(|plan| Arc::new(StatementPlan::Query(plan))));
        }
        Ok(plans)
    }

    fn planner<'a>(&'a self, function: &'a Function, types: &'a [FieldType]) -> Planner<'a> {
        let mut planner =
            Planner::new(&self.schema, Some(&function.program.database), function.mode);
        planner.temporary = &self.temporary;
        planner.rules = self.rules;
        planner.parameter_count = types.len();
        planner.parameter_types = types;
        planner.variables = &*self.variables;
        planner.stats = &*self.stats;
        planner
    }

    fn statement_plan(
        &self,
        function: &Function,
        bound: &BoundExprs,
        number: usize,
    ) -> SqlResult<Arc<StatementPlan>> {
        let inner = &function.program.statements[number];
        if !inner.user_variables
            && let Some(known) = function.plans.lock().get(&number)
        {
            return Ok(known.clone());
        }
        let plan = Arc::new(self.planner(function, &bound.types).plan(&inner.statement)?);
        function.plans.lock().insert(number, plan.clone());
        Ok(plan)
    }

    /// What expressions of a function see: as the statement around, under its own mode.
    fn context(&self, function: &Function, params: Vec<Datum>, ctx: &ExecContext) -> EvalContext {
        let mut eval = EvalContext::of(ctx.eval.values.env.clone());
        eval.sql_mode = function.mode;
        eval.current_db = Some(function.program.database.clone());
        eval.writes = true;
        eval.ignore = false;
        eval.params = params;
        eval.vars = self.values.clone();
        eval.interrupt = ctx.eval.interrupt.clone();
        eval.rng = ctx.eval.next_random().into();
        eval.clock = self.clock.clone();
        eval
    }

    async fn run(
        &self,
        id: i64,
        arguments: Vec<(Datum, FieldType)>,
        ctx: &ExecContext,
    ) -> SqlResult<Datum> {
        let function = self.function(id)?;
        let program = function.program.clone();
        let known = function.bound.lock().take();
        let mut running = Running {
            machine: Machine::new(program.clone()),
            bound: known.unwrap_or_else(|| BoundExprs::of(&program)),
            eval: Arc::new(self.context(&function, Vec::new(), ctx)),
            function: &function,
            ctx,
        };
        let outcome = self.run_with(&mut running, arguments).await;
        let Running { bound, eval, .. } = running;
        *function.bound.lock() = Some(bound);
        hand_on_warnings(&eval, ctx);
        let (value, field_type) = outcome?;
        match &program.returns {
            Some(wanted) => assigned(value, &field_type, wanted, &returned(&program), &eval),
            None => Ok(value),
        }
    }

    async fn run_with(
        &self,
        running: &mut Running<'_>,
        arguments: Vec<(Datum, FieldType)>,
    ) -> SqlResult<(Datum, FieldType)> {
        for (slot, (value, field_type)) in arguments.into_iter().enumerate() {
            let eval = running.eval.clone();
            running.machine.put(slot, (value, &field_type), &eval)?;
        }
        loop {
            let stop = match Arc::get_mut(&mut running.eval) {
                Some(eval) => running.machine.run(eval, &running.bound)?,
                None => return Err(SqlError::internal("a context that somebody holds")),
            };
            let outcome = match stop {
                Stop::Returned(value, field_type) => return Ok((value, field_type)),
                Stop::Ended => {
                    let name = &running.function.program.name;
                    let message = format!("FUNCTION {name} ended without RETURN");
                    return Err(SqlError::new(errno::SP_NORETURNEND, message));
                }
                Stop::Yield => {
                    running.ctx.pause().await?;
                    Ok(None)
                }
                Stop::Bind(expr) => self.bind(running, expr).map(|()| None),
                Stop::Value(expr) => self.value_of(running, expr).await,
                Stop::Sql(number) => self.statement(running, number).await.map(|()| None),
                Stop::Open { cursor, statement } => {
                    self.open(running, cursor, statement).await.map(|()| None)
                }
            };
            match outcome {
                Ok(Some(Stop::Returned(value, field_type))) => return Ok((value, field_type)),
                Ok(_) => {}
                Err(error) => {
                    running.ctx.check_killed()?;
                    running.machine.raise(Raised::error(error))?;
                }
            }
        }
    }

    fn bind(&self, running: &mut Running<'_>, number: usize) -> SqlResult<()> {
        let program = &running.function.program;
        let expr = &program.exprs[number];
        let bound = match names_user_variable(expr) {
            true => Bound::Outside,
            false => {
                let planner = self.planner(running.function, &running.bound.types);
                let plan = planner.plan_value(expr)?;
                match plan.root.node {
                    PlanNode::Project { mut exprs, .. } if plan.subqueries.is_empty() => {
                        exprs.pop().map_or(Bound::Outside, Bound::of)
                    }
                    _ => Bound::Outside,
                }
            }
        };
        running.bound.put(number, bound);
        Ok(())
    }

    async fn value_of(&self, running: &mut Running<'_>, number: usize) -> SqlResult<Option<Stop>> {
        let program = running.function.program.clone();
        let (value, field_type) = self.value(running, &program.exprs[number]).await?;
        running.bound.keep_type(number, &field_type);
        let eval = running.eval.clone();
        running.machine.give(value, &field_type, &eval)
    }

    /// The value of an expression that reads tables, calls functions or knows user variables.
    async fn value(&self, running: &mut Running<'_>, expr: &Expr) -> SqlResult<(Datum, FieldType)> {
        let plan = self.planner(running.function, &running.bound.types).plan_value(expr)?;
        let all: Vec<usize> = (0..running.bound.types.len()).collect();
        let (types, mut rows) = self.rows(running, &plan, &all, 1).await?;
        let value = rows.pop().and_then(|mut row| row.pop()).unwrap_or_default();
        Ok((value, types.into_iter().next().unwrap_or_else(FieldType::null)))
    }

    /// The rows of a query, at most so many.
    async fn rows(
        &self,
        running: &mut Running<'_>,
        plan: &QueryPlan,
        reads: &[usize],
        most: usize,
    ) -> SqlResult<(Vec<FieldType>, Vec<Vec<Datum>>)> {
        let ctx = self.inner(running, reads);
        let types = plan.root.schema.clone();
        let mut stream = Box::pin(execute_query(plan, &ctx)).await?;
        let (mut found, mut bytes) = (Vec::new(), 0);
        while found.len() < most
            && let Some(batch) = stream.next_batch().await?
        {
            for row in batch.into_rows(&types) {
                bytes += row.iter().map(Datum::held_bytes).sum::<usize>() + size_of_val(&*row);
                found.push(row);
            }
            if bytes > ctx.limits.memory_bytes {
                return Err(SqlError::over_memory());
            }
        }
        drop(stream);
        hand_on_warnings(&ctx.eval, running.ctx);
        Ok((types, found))
    }

    /// What a statement of the function runs with.
    fn inner(&self, running: &Running<'_>, reads: &[usize]) -> ExecContext {
        let params = running.machine.values(reads);
        let eval = Arc::new(self.context(running.function, params, running.ctx));
        ExecContext { eval, profile: None, within: true, ..running.ctx.clone() }
    }

    async fn open(&self, running: &mut Running<'_>, cursor: usize, number: usize) -> SqlResult<()> {
        let plan = self.statement_plan(running.function, &running.bound, number)?;
        let StatementPlan::Query(query) = &*plan else {
            return Err(SqlError::internal("a cursor without a query"));
        };
        let reads = running.function.program.statements[number].reads.clone();
        let (types, rows) = self.rows(running, query, &reads, usize::MAX).await?;
        running.machine.opened(cursor, rows, types);
        Ok(())
    }

    /// A statement of the function; one that fails is undone.
    async fn statement(&self, running: &mut Running<'_>, number: usize) -> SqlResult<()> {
        let program = running.function.program.clone();
        let inner = &program.statements[number];
        match &inner.statement {
            Statement::Insert(_) | Statement::Update(_) | Statement::Delete(_) => {
                self.write(running, number).await?;
                running.machine.done(&[]);
                Ok(())
            }
            Statement::SelectIntoVariables { targets, .. } => {
                self.select_into(running, number, inner, targets).await
            }
            Statement::Do(exprs) => {
                for expr in exprs {
                    self.value(running, expr).await?;
                }
                running.machine.done(&[]);
                Ok(())
            }
            Statement::SetVariables(items) => {
                for item in items {
                    let VariableAssignment::User { name, value } = item else {
                        return Err(SqlError::unsupported(
                            "SET of a system variable in a stored function",
                        ));
                    };
                    let (value, field_type) = self.value(running, value).await?;
                    self.set_user(name, value, &field_type)?;
                }
                running.machine.done(&[]);
                Ok(())
            }
            Statement::Signal(signal) => {
                let mut values = Vec::new();
                for (item, expr) in &signal.items {
                    values.push((*item, self.value(running, expr).await?.0));
                }
                let handled = running.machine.handled().cloned();
                let warned = raise(signal, values, handled.as_ref(), &running.eval)?;
                running.eval.warn(warned.code, warned.message.clone());
                running.machine.signalled(warned);
                Ok(())
            }
            _ => Err(SqlError::unsupported(format!(
                "{} in a stored function",
                inner.statement.kind().traits().counted
            ))),
        }
    }

    fn set_user(&self, name: &str, value: Datum, field_type: &FieldType) -> SqlResult<()> {
        let value = value.into_user_variable(field_type);
        let field_type = match value.is_null() {
            true => FieldType::null(),
            false => field_type.of_user_variable(),
        };
        self.values.set_user_var(&name.to_lowercase(), value, field_type)
    }

    async fn write(&self, running: &mut Running<'_>, number: usize) -> SqlResult<DmlResult> {
        let plan = self.statement_plan(running.function, &running.bound, number)?;
        self.check_targets(&plan)?;
        let reads = running.function.program.statements[number].reads.clone();
        let ctx = self.inner(running, &reads);
        let mark = ctx.txn.begin_statement();
        let outcome = match &*plan {
            StatementPlan::Insert(insert) => Box::pin(execute_insert(insert, &ctx)).await,
            StatementPlan::Update(update) => Box::pin(execute_update(update, &ctx)).await,
            StatementPlan::Delete(delete) => Box::pin(execute_delete(delete, &ctx)).await,
            StatementPlan::Query(_) => Err(SqlError::internal("a query that is to write")),
        };
        if outcome.is_err() {
            ctx.txn.rollback_to(mark);
        }
        hand_on_warnings(&ctx.eval, running.ctx);
        outcome
    }

    /// Error 1442 for a table that the statement around works on.
    fn check_targets(&self, plan: &StatementPlan) -> SqlResult<()> {
        let outer = self.outer_tables.lock();
        let mut targets = Vec::new();
        match plan {
            StatementPlan::Insert(insert) => targets.push(&insert.target.table),
            StatementPlan::Update(update) => {
                targets.extend(update.tables.iter().map(|table| &table.at.target.table));
            }
            StatementPlan::Delete(delete) => {
                targets.extend(delete.tables.iter().map(|table| &table.target.table));
            }
            StatementPlan::Query(_) => {}
        }
        match targets.into_iter().find(|table| outer.contains(&table.id)) {
            Some(table) => Err(SqlError::new(
                errno::CANT_UPDATE_USED_TABLE_IN_SF_OR_TRG,
                format!(
                    "Can't update table '{}' in stored function/trigger because it is already used by statement which invoked this stored function/trigger.",
                    table.name
                ),
            )),
            None => Ok(()),
        }
    }

    async fn select_into(
        &self,
        running: &mut Running<'_>,
        number: usize,
        inner: &InnerStatement,
        targets: &[IntoTarget],
    ) -> SqlResult<()> {
        let plan = self.statement_plan(running.function, &running.bound, number)?;
        let StatementPlan::Query(query) = &*plan else {
            return Err(SqlError::internal("a query without a query's plan"));
        };
        let (types, mut rows) = self.rows(running, query, &inner.reads, 2).await?;
        if query.columns.len() != targets.len() {
            let message = "The used SELECT statements have a different number of columns";
            return Err(SqlError::new(errno::WRONG_NUMBER_OF_COLUMNS_IN_SELECT, message));
        }
        if rows.len() > 1 {
            let message = "Result consisted of more than one row";
            return Err(SqlError::new(errno::TOO_MANY_ROWS, message));
        }
        let Some(row) = rows.pop() else {
            let warning = no_data();
            running.eval.warn(warning.code, warning.message.clone());
            running.machine.done(&[warning]);
            return Ok(());
        };
        let eval = running.eval.clone();
        for ((target, value), field_type) in targets.iter().zip(row).zip(&types) {
            match target {
                IntoTarget::User(name) => self.set_user(name, value, field_type)?,
                IntoTarget::Local(slot) => {
                    running.machine.put(*slot, (value, field_type), &eval)?;
                }
            }
        }
        drop(eval);
        running.machine.done(&[]);
        Ok(())
    }

    /// Whether a function may change rows.
    pub fn writes(&self, id: i64) -> SqlResult<bool> {
        let function = self.function(id)?;
        let changes = |inner: &InnerStatement| inner.statement.kind().traits().changes();
        Ok(function.program.statements.iter().any(changes))
    }
}

/// Warnings of a part go to the statement around.
fn hand_on_warnings(eval: &EvalContext, ctx: &ExecContext) {
    for warning in eval.take_warnings() {
        ctx.eval.warn(warning.code, warning.message);
    }
}

fn returned(program: &Program) -> String {
    format!("{}()", program.name)
}

fn names_user_variable(expr: &Expr) -> bool {
    matches!(expr, Expr::UserVariable(_) | Expr::AssignUserVariable(..))
        || expr.children().into_iter().any(names_user_variable)
}
