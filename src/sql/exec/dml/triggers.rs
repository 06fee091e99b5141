//! Triggers: what runs before and after each row that is changed.
//!
//! Their statements run in the transaction of the statement that fires them, and what they write is undone with it.

use std::sync::Arc;

use super::{delete, insert, update};
use crate::common::retry::{self, Decision, Unit};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::exec::{DmlResult, ExecContext, execute_query};
use crate::sql::expr::{EvalContext, Warning};
use crate::sql::parser::ast::{IntoTarget, TriggerEvent};
use crate::sql::plan::{
    PlanNode, QueryPlan, StatementPlan, TargetTable, TriggerPlan, TriggerStatement, TriggerValue,
};
use crate::sql::program::{Machine, Raised, Stop, no_data, raise};
use crate::sql::stats::TableDelta;
use crate::sql::types::{Datum, FieldType};

/// The triggers of a table that is being changed.
pub(super) struct Fired<'a> {
    triggers: Option<&'a crate::sql::plan::Triggers>,
    ctx: &'a ExecContext,
    deltas: Vec<(i64, TableDelta)>,
}

impl<'a> Fired<'a> {
    /// None yet.
    pub(super) fn of(target: &'a TargetTable, ctx: &'a ExecContext) -> Fired<'a> {
        Fired { triggers: target.triggers.as_deref(), ctx, deltas: Vec::new() }
    }

    /// Whether there are any.
    pub(super) fn any(&self) -> bool {
        self.triggers.is_some()
    }

    /// Whether each row has to be there before the next one is looked at: triggers read or write tables, or run behind a row.
    pub(super) fn one_by_one(&self) -> bool {
        self.triggers.is_some_and(|triggers| !triggers.only_prepare_rows())
    }

    /// Whether some are fired then.
    pub(super) fn has(&self, event: TriggerEvent, before: bool) -> bool {
        self.triggers.is_some_and(|triggers| !triggers.of(event, before).is_empty())
    }

    /// Whether a column gets a value by what comes before the row is written.
    pub(super) fn gives(&self, event: TriggerEvent, column: usize) -> bool {
        let before = self.triggers.map_or(&[][..], |triggers| triggers.of(event, true));
        let assigned = |value: &TriggerValue| value.assigned && value.column == column;
        before.iter().any(|plan| plan.rows.iter().any(assigned))
    }

    /// What has become of the rows of other tables.
    pub(super) fn into_deltas(self) -> Vec<(i64, TableDelta)> {
        self.deltas
    }

    /// What comes before a row is written, and may change it.
    pub(super) async fn before(
        &mut self,
        event: TriggerEvent,
        old: Option<&[Datum]>,
        new: Option<&mut Vec<Datum>>,
    ) -> SqlResult<()> {
        let Some(triggers) = self.triggers else { return Ok(()) };
        let mut new = new;
        for plan in triggers.of(event, true) {
            let row = new.as_deref().map(Vec::as_slice);
            let (machine, deltas) = Box::pin(run(plan, (old, row), self.ctx)).await?;
            self.deltas.extend(deltas);
            let Some(row) = new.as_deref_mut() else { continue };
            for value in plan.rows.iter().filter(|value| value.new && value.assigned) {
                row[value.column] = machine.get(value.slot);
            }
        }
        Ok(())
    }

    /// What comes after a row is written.
    pub(super) async fn after(
        &mut self,
        event: TriggerEvent,
        old: Option<&[Datum]>,
        new: Option<&[Datum]>,
    ) -> SqlResult<()> {
        let Some(triggers) = self.triggers else { return Ok(()) };
        for plan in triggers.of(event, false) {
            let (_, deltas) = Box::pin(run(plan, (old, new), self.ctx)).await?;
            self.deltas.extend(deltas);
        }
        Ok(())
    }
}

/// One trigger for one row.
async fn run(
    plan: &TriggerPlan,
    (old, new): (Option<&[Datum]>, Option<&[Datum]>),
    ctx: &ExecContext,
) -> SqlResult<(Machine, Vec<(i64, TableDelta)>)> {
    let mut eval = inner_eval(plan, ctx);
    let mut machine = Machine::new(plan.program.clone());
    for value in &plan.rows {
        let row = if value.new { new } else { old };
        if let Some(row) = row {
            machine.put_as_it_is(value.slot, row[value.column].clone());
        }
    }
    let mut running = Running { plan, ctx, machine, deltas: Vec::new(), warnings: Vec::new() };
    loop {
        let stop = running.machine.run(&mut eval, &plan.bound)?;
        let outcome = match stop {
            Stop::Bind(_) => Err(SqlError::internal("an expression of a trigger without a plan")),
            Stop::Value(number) => running.value(number, &eval).await,
            Stop::Sql(number) => running.statement(number, &eval).await,
            Stop::Open { cursor, statement } => running.open(cursor, statement).await,
            Stop::Yield => ctx.pause().await,
            Stop::Returned(..) | Stop::Ended => break,
        };
        if let Err(error) = outcome {
            // What is tried again is the whole statement.
            if retry::decide(Unit::LockingStatement, error.class(), 1) != Decision::GiveUp {
                return Err(error);
            }
            running.machine.raise(Raised::error(error))?;
        }
    }
    for warning in eval.take_warnings() {
        ctx.eval.warn(warning.code, warning.message);
    }
    Ok((running.machine, running.deltas))
}

/// What the expressions of a trigger see.
fn inner_eval(plan: &TriggerPlan, ctx: &ExecContext) -> EvalContext {
    let mut eval = ctx.eval.inner();
    eval.sql_mode = plan.sql_mode;
    eval.writes = true;
    eval.ignore = false;
    eval.current_db = Some(plan.database.clone());
    eval
}

struct Running<'a> {
    plan: &'a TriggerPlan,
    ctx: &'a ExecContext,
    machine: Machine,
    deltas: Vec<(i64, TableDelta)>,
    /// Those of the statement in hand.
    warnings: Vec<Warning>,
}

impl Running<'_> {
    /// What a plan of the trigger runs with: the values of its variables.
    fn context(&self, ignore: bool) -> ExecContext {
        let mut eval = inner_eval(self.plan, self.ctx);
        let all: Vec<usize> = (0..self.plan.program.variables.len()).collect();
        eval.params = self.machine.values(&all);
        eval.ignore = ignore;
        ExecContext { eval: Arc::new(eval), profile: None, within: true, ..self.ctx.clone() }
    }

    async fn rows(&mut self, query: &QueryPlan) -> SqlResult<Vec<Vec<Datum>>> {
        let ctx = self.context(false);
        let mut stream = Box::pin(execute_query(query, &ctx)).await?;
        let (mut rows, mut bytes) = (Vec::new(), 0);
        while let Some(batch) = stream.next_batch().await? {
            for row in batch.into_rows(&query.root.schema) {
                bytes += row.iter().map(Datum::held_bytes).sum::<usize>() + size_of_val(&*row);
                rows.push(row);
            }
            if bytes > ctx.limits.memory_bytes {
                return Err(SqlError::over_memory());
            }
        }
        drop(stream);
        self.take_warnings(&ctx);
        Ok(rows)
    }

    /// The value of an expression.
    async fn one(&mut self, query: &QueryPlan) -> SqlResult<(Datum, FieldType)> {
        // A value reads tables only in subqueries.
        if let PlanNode::Project { exprs, .. } = &query.root.node
            && let [expr] = exprs.as_slice()
            && query.subqueries.is_empty()
        {
            let ctx = self.context(false);
            let value = expr.eval(&[], &ctx.eval)?;
            self.take_warnings(&ctx);
            return Ok((value, expr.field_type().clone()));
        }
        let row = self.rows(query).await?.pop().unwrap_or_default();
        let value = row.into_iter().next().unwrap_or_default();
        Ok((value, query.root.schema[0].clone()))
    }

    /// Warnings of a statement: a handler may be for them, and the statement that has fired the trigger has them.
    fn take_warnings(&mut self, ctx: &ExecContext) {
        for warning in ctx.eval.take_warnings() {
            self.warn(warning);
        }
    }

    fn warn(&mut self, warning: Warning) {
        self.ctx.eval.warn(warning.code, warning.message.clone());
        self.warnings.push(warning);
    }

    async fn value(&mut self, number: usize, eval: &EvalContext) -> SqlResult<()> {
        let plan = self.plan.values.get(&number);
        let plan = plan.ok_or_else(|| SqlError::internal("a value of a trigger without a plan"))?;
        let (value, field_type) = self.one(plan).await?;
        self.machine.give(value, &field_type, eval).map(|_| ())
    }

    async fn open(&mut self, cursor: usize, statement: usize) -> SqlResult<()> {
        let query = match &self.plan.statements[statement] {
            TriggerStatement::Plan(StatementPlan::Query(query)) => query,
            TriggerStatement::Refused(error) => return Err(error.clone()),
            _ => return Err(SqlError::internal("a cursor over no query")),
        };
        let rows = self.rows(query).await?;
        self.machine.opened(cursor, rows, query.root.schema.clone());
        Ok(())
    }

    /// A statement: what a failed one has written is undone.
    async fn statement(&mut self, number: usize, eval: &EvalContext) -> SqlResult<()> {
        let mark = self.ctx.txn.savepoint();
        self.warnings.clear();
        let plan = self.plan;
        let done = match &plan.statements[number] {
            TriggerStatement::Plan(change) => self.change(change).await,
            TriggerStatement::Into(query, targets) => self.give_to(query, targets, eval).await,
            TriggerStatement::Do(values) => self.all(values).await,
            TriggerStatement::Set(values) => self.set(values).await,
            TriggerStatement::Signal(signal, items) => {
                let mut values = Vec::with_capacity(items.len());
                for (item, query) in items {
                    values.push((*item, self.one(query).await?.0));
                }
                let raised = raise(signal, values, self.machine.handled(), eval);
                raised.map(|it| self.warn(it.shown()))
            }
            TriggerStatement::Refused(error) => Err(error.clone()),
        };
        match done {
            Ok(()) => self.machine.done(&std::mem::take(&mut self.warnings)),
            Err(error) => {
                self.ctx.txn.rollback_to(mark);
                return Err(error);
            }
        }
        Ok(())
    }

    async fn change(&mut self, plan: &StatementPlan) -> SqlResult<()> {
        let ignore = match plan {
            StatementPlan::Insert(insert) => insert.ignore,
            StatementPlan::Update(update) => update.ignore,
            StatementPlan::Delete(delete) => delete.ignore,
            StatementPlan::Query(_) => false,
        };
        let ctx = self.context(ignore);
        let done: DmlResult = match plan {
            StatementPlan::Insert(plan) => Box::pin(insert::run(plan, &ctx)).await?,
            StatementPlan::Update(plan) => Box::pin(update::run(plan, &ctx)).await?,
            StatementPlan::Delete(plan) => Box::pin(delete::run(plan, &ctx)).await?,
            StatementPlan::Query(_) => {
                return Err(SqlError::internal("a query of a trigger whose rows go nowhere"));
            }
        };
        self.deltas.extend(done.deltas);
        self.take_warnings(&ctx);
        Ok(())
    }

    async fn all(&mut self, values: &[QueryPlan]) -> SqlResult<()> {
        for value in values {
            self.one(value).await?;
        }
        Ok(())
    }

    async fn set(&mut self, values: &[(String, QueryPlan)]) -> SqlResult<()> {
        for (name, query) in values {
            let (value, field_type) = self.one(query).await?;
            self.set_user(name, value, &field_type)?;
        }
        Ok(())
    }

    fn set_user(&self, name: &str, value: Datum, field_type: &FieldType) -> SqlResult<()> {
        let value = value.into_user_variable(field_type);
        let field_type =
            if value.is_null() { FieldType::null() } else { field_type.of_user_variable() };
        self.ctx.eval.vars.set_user_var(name, value, field_type)
    }

    /// SELECT … INTO: error 1172 for several rows, 1222 for other columns, and a warning for none.
    async fn give_to(
        &mut self,
        query: &QueryPlan,
        targets: &[IntoTarget],
        eval: &EvalContext,
    ) -> SqlResult<()> {
        if query.root.schema.len() != targets.len() {
            return Err(SqlError::new(
                errno::WRONG_NUMBER_OF_COLUMNS_IN_SELECT,
                "The used SELECT statements have a different number of columns",
            ));
        }
        let mut rows = self.rows(query).await?;
        if rows.len() > 1 {
            let message = "Result consisted of more than one row";
            return Err(SqlError::new(errno::TOO_MANY_ROWS, message));
        }
        let Some(row) = rows.pop() else {
            self.warn(no_data());
            return Ok(());
        };
        for ((target, value), field_type) in targets.iter().zip(row).zip(&query.root.schema) {
            match target {
                IntoTarget::User(name) => self.set_user(name, value, field_type)?,
                IntoTarget::Local(slot) => self.machine.put(*slot, (value, field_type), eval)?,
            }
        }
        Ok(())
    }
}
