//! Triggers of the tables that a statement changes: their programs, with all that is in them planned.
//!
//! They are planned with the statement, under the same schema, so that the statement's plan says of every table that they may read or
//! write. What is wrong with a statement of theirs is told when it would run.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::physical::{
    ConflictAction, DeletePlan, InsertPlan, InsertSource, PhysicalPlan, PlanNode, QueryPlan,
    SourceTable, Subplan, TargetTable, UpdatePlan, UpdatedTable,
};
use super::planner::{Planner, StatementPlan, VariableTypes};
use super::scope::same_name;
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::{TableInfo, TriggerInfo};
use crate::sql::expr::VariableScope;
use crate::sql::parser::Statement;
use crate::sql::parser::ast::{
    self, InnerStatement, IntoTarget, RowValue, Signal, SignalItem, TriggerEvent,
    VariableAssignment,
};
use crate::sql::program::{Bound, BoundExprs, Program, compile_body};
use crate::sql::types::{Collation, FieldType, SqlMode};

/// What runs for each row of a table that a statement changes.
#[derive(Debug)]
pub struct Triggers {
    lists: Vec<((TriggerEvent, bool), Vec<TriggerPlan>)>,
}

/// Two of them are equal if they are the same.
impl PartialEq for Triggers {
    fn eq(&self, other: &Triggers) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Triggers {
    /// Those of an event, in order: before it, or after it.
    pub fn of(&self, event: TriggerEvent, before: bool) -> &[TriggerPlan] {
        let found = self.lists.iter().find(|(key, _)| *key == (event, before));
        found.map_or(&[], |(_, plans)| plans.as_slice())
    }

    /// Whether there are only such as run before a row and touch nothing but it: several rows may be prepared before the first is written.
    pub fn only_prepare_rows(&self) -> bool {
        self.lists.iter().all(|((_, before), plans)| {
            plans.is_empty() || (*before && plans.iter().all(TriggerPlan::only_computes))
        })
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &TriggerPlan> {
        self.lists.iter().flat_map(|(_, plans)| plans)
    }
}

/// A trigger.
#[derive(Debug)]
pub struct TriggerPlan {
    /// The `sql_mode` that it runs under.
    pub sql_mode: SqlMode,
    /// The database that is in use in it.
    pub database: String,
    /// What it does.
    pub program: Arc<Program>,
    /// Its expressions.
    pub bound: BoundExprs,
    /// Those that read tables or wait, by number.
    pub values: BTreeMap<usize, QueryPlan>,
    /// Its statements.
    pub statements: Vec<TriggerStatement>,
    /// What it sees of the rows, by slot.
    pub rows: Vec<TriggerValue>,
}

impl TriggerPlan {
    /// Whether it only computes, and refuses what it does not like.
    fn only_computes(&self) -> bool {
        let signals =
            |statement: &TriggerStatement| matches!(statement, TriggerStatement::Signal(..));
        self.values.is_empty() && self.statements.iter().all(signals)
    }
}

/// How often types are worked out anew.
const MOST_TYPINGS: usize = 4;

/// The types of variables, those of a trigger's own among them.
struct SetVariables<'a> {
    outer: &'a dyn VariableTypes,
    known: &'a BTreeMap<String, FieldType>,
}

impl VariableTypes for SetVariables<'_> {
    fn system(&self, name: &str, scope: VariableScope) -> SqlResult<FieldType> {
        self.outer.system(name, scope)
    }

    fn user(&self, name: &str) -> FieldType {
        self.known.get(&name.to_lowercase()).cloned().unwrap_or_else(|| self.outer.user(name))
    }
}

/// NEW.column or OLD.column.
#[derive(Clone, Copy, Debug)]
pub struct TriggerValue {
    /// NEW.
    pub new: bool,
    /// Where in the row.
    pub column: usize,
    /// Where in the program.
    pub slot: usize,
    /// It may be changed.
    pub assigned: bool,
}

/// A statement of a trigger.
#[derive(Debug)]
pub enum TriggerStatement {
    /// INSERT, UPDATE, DELETE, or the query of a cursor.
    Plan(StatementPlan),
    /// SELECT … INTO.
    Into(QueryPlan, Vec<IntoTarget>),
    /// SET @name, in order.
    Set(Vec<(String, QueryPlan)>),
    /// DO.
    Do(Vec<QueryPlan>),
    /// SIGNAL and RESIGNAL.
    Signal(Signal, Vec<(SignalItem, QueryPlan)>),
    /// It ends with this error.
    Refused(SqlError),
}

impl TriggerPlan {
    /// The types of the user variables that it sets.
    fn set_types(&self) -> BTreeMap<String, FieldType> {
        let mut types = BTreeMap::new();
        for statement in &self.statements {
            if let TriggerStatement::Set(values) = statement {
                for (name, query) in values {
                    types.insert(name.clone(), query.root.schema[0].of_user_variable());
                }
            }
        }
        types
    }

    /// The plans in it.
    pub fn queries(&self) -> impl Iterator<Item = &QueryPlan> {
        let inside = self.statements.iter().flat_map(|statement| match statement {
            TriggerStatement::Into(query, _) => vec![query],
            TriggerStatement::Set(values) => values.iter().map(|(_, query)| query).collect(),
            TriggerStatement::Do(values) => values.iter().collect(),
            TriggerStatement::Signal(_, values) => values.iter().map(|(_, query)| query).collect(),
            TriggerStatement::Plan(_) | TriggerStatement::Refused(_) => Vec::new(),
        });
        self.values.values().chain(inside)
    }

    /// The plans of statements in it.
    pub fn changes(&self) -> impl Iterator<Item = &StatementPlan> {
        self.statements.iter().filter_map(|statement| match statement {
            TriggerStatement::Plan(plan) => Some(plan),
            _ => None,
        })
    }
}

/// The tables that plans read.
fn read_by<'p>(plans: impl Iterator<Item = &'p PhysicalPlan>) -> Vec<i64> {
    let mut found = Vec::new();
    for plan in plans {
        plan.any(&mut |node| {
            found.extend(node.table().map(|table| table.id));
            false
        });
    }
    found
}

/// What an INSERT may fire.
fn insert_events(on_conflict: &ConflictAction) -> &'static [TriggerEvent] {
    match on_conflict {
        ConflictAction::Error | ConflictAction::Ignore => &[TriggerEvent::Insert],
        ConflictAction::Replace => &[TriggerEvent::Insert, TriggerEvent::Delete],
        ConflictAction::Update(_) => &[TriggerEvent::Insert, TriggerEvent::Update],
    }
}

impl Planner<'_> {
    /// An INSERT with what it fires.
    pub(super) fn firing_insert(&self, mut plan: InsertPlan) -> SqlResult<InsertPlan> {
        if plan.target.table.triggers.is_empty() {
            return Ok(plan);
        }
        let source = match &plan.source {
            InsertSource::Query(query) => Some(&query.root),
            InsertSource::Values(_) | InsertSource::Load(_) => None,
        };
        let inside = plan.subqueries.iter().flat_map(Subplan::plans);
        let used = read_by(source.into_iter().chain(inside).chain(&plan.row_plans));
        let events = insert_events(&plan.on_conflict);
        plan.target.triggers = self.triggers(&plan.target, events, &used)?;
        Ok(plan)
    }

    /// An UPDATE with what it fires.
    pub(super) fn firing_update(&self, mut plan: UpdatePlan) -> SqlResult<UpdatePlan> {
        if plan.tables.iter().all(|table| table.at.target.table.triggers.is_empty()) {
            return Ok(plan);
        }
        let inside = plan.subqueries.iter().flat_map(Subplan::plans);
        let used = read_by(std::iter::once(&plan.source).chain(inside));
        for UpdatedTable { at, .. } in &mut plan.tables {
            at.target.triggers = self.triggers(&at.target, &[TriggerEvent::Update], &used)?;
        }
        Ok(plan)
    }

    /// A DELETE with what it fires.
    pub(super) fn firing_delete(&self, mut plan: DeletePlan) -> SqlResult<DeletePlan> {
        if plan.tables.iter().all(|table| table.target.table.triggers.is_empty()) {
            return Ok(plan);
        }
        let inside = plan.subqueries.iter().flat_map(Subplan::plans);
        let used = read_by(std::iter::once(&plan.source).chain(inside));
        for SourceTable { target, .. } in &mut plan.tables {
            target.triggers = self.triggers(target, &[TriggerEvent::Delete], &used)?;
        }
        Ok(plan)
    }

    /// What these events of a table fire; no trigger changes what the statement has `used`.
    fn triggers(
        &self,
        target: &TargetTable,
        events: &[TriggerEvent],
        used: &[i64],
    ) -> SqlResult<Option<Arc<Triggers>>> {
        let table = &*target.table;
        let mut firing = self.firing.to_vec();
        firing.extend(used);
        firing.push(table.id);
        let mut lists = Vec::new();
        for event in events {
            for before in [true, false] {
                let mut plans = Vec::new();
                for trigger in table.triggers_of(*event, before) {
                    plans.push(self.trigger(&target.database, table, trigger, &firing)?);
                }
                if !plans.is_empty() {
                    lists.push(((*event, before), plans));
                }
            }
        }
        Ok((!lists.is_empty()).then(|| Arc::new(Triggers { lists })))
    }

    /// A trigger's plan. A user variable that it sets has the type of what it is set to, which may follow from what it was set to before.
    fn trigger(
        &self,
        database: &str,
        table: &TableInfo,
        trigger: &TriggerInfo,
        firing: &[i64],
    ) -> SqlResult<TriggerPlan> {
        let parsed = trigger.parsed(&table.name)?;
        let mut known = BTreeMap::new();
        for _ in 0..MOST_TYPINGS {
            let variables = SetVariables { outer: self.variables, known: &known };
            let planner = Planner { variables: &variables, ..*self };
            let plan = planner.trigger_with((database, table), (trigger, &parsed), firing)?;
            let types = plan.set_types();
            if types == known {
                return Ok(plan);
            }
            known = types;
        }
        let variables = SetVariables { outer: self.variables, known: &known };
        let planner = Planner { variables: &variables, ..*self };
        planner.trigger_with((database, table), (trigger, &parsed), firing)
    }

    fn trigger_with(
        &self,
        (database, table): (&str, &TableInfo),
        (trigger, parsed): (&TriggerInfo, &ast::CreateTrigger),
        firing: &[i64],
    ) -> SqlResult<TriggerPlan> {
        let rows = parsed.body.row_values.iter().map(|value| row_value(value, table));
        let rows: Vec<TriggerValue> = rows.collect::<SqlResult<_>>()?;
        let types = rows
            .iter()
            .map(|value| (value.slot, table.columns[value.column].field_type.clone().nullable()));
        let types: Vec<_> = types.collect();
        let inherited = Collation::by_name(&trigger.database_collation).unwrap_or_default();
        let program = Arc::new(compile_body(&parsed.body, inherited, &types)?);
        let mut plan = TriggerPlan {
            sql_mode: SqlMode::parse(&trigger.sql_mode)?,
            database: database.to_owned(),
            bound: BoundExprs::of(&program),
            program: program.clone(),
            values: BTreeMap::new(),
            statements: Vec::with_capacity(program.statements.len()),
            rows,
        };
        let planner = Planner {
            current_db: Some(database),
            sql_mode: plan.sql_mode,
            parameter_count: program.variables.len(),
            firing,
            ..*self
        };
        for (number, expr) in program.exprs.iter().enumerate() {
            let types = plan.bound.types.clone();
            let planner = Planner { parameter_types: &types, ..planner };
            let value = planner.plan_value(expr)?;
            let bound = match &value.root.node {
                PlanNode::Project { exprs, .. } if value.subqueries.is_empty() => {
                    exprs.first().cloned().map_or(Bound::Outside, Bound::of)
                }
                _ => Bound::Outside,
            };
            if matches!(bound, Bound::Outside) {
                plan.bound.keep_type(number, &value.root.schema[0]);
                plan.values.insert(number, value);
            }
            plan.bound.put(number, bound);
        }
        let types = plan.bound.types.clone();
        let planner = Planner { parameter_types: &types, ..planner };
        for statement in &program.statements {
            let planned = planner.trigger_statement(statement);
            plan.statements.push(planned.unwrap_or_else(TriggerStatement::Refused));
        }
        Ok(plan)
    }

    fn trigger_statement(&self, inner: &InnerStatement) -> SqlResult<TriggerStatement> {
        let value = |expr: &ast::Expr| self.plan_value(expr);
        Ok(match &inner.statement {
            Statement::Query(_)
            | Statement::Insert(_)
            | Statement::Update(_)
            | Statement::Delete(_) => TriggerStatement::Plan(self.plan(&inner.statement)?),
            Statement::SelectIntoVariables { query, targets } => {
                TriggerStatement::Into(self.plan_query(query)?, targets.clone())
            }
            Statement::Do(exprs) => {
                TriggerStatement::Do(exprs.iter().map(value).collect::<SqlResult<_>>()?)
            }
            Statement::Signal(signal) => {
                let items = signal.items.iter().map(|(item, expr)| Ok((*item, value(expr)?)));
                let items = items.collect::<SqlResult<_>>()?;
                TriggerStatement::Signal((**signal).clone(), items)
            }
            Statement::SetVariables(items) => {
                let mut values = Vec::with_capacity(items.len());
                for item in items {
                    let VariableAssignment::User { name, value: expr } = item else {
                        return Err(SqlError::unsupported("SET of a system variable in a trigger"));
                    };
                    values.push((name.to_lowercase(), value(expr)?));
                }
                TriggerStatement::Set(values)
            }
            Statement::Call(_) => return Err(SqlError::unsupported("CALL in a trigger")),
            other => {
                let what =
                    format!("{} in a trigger", other.kind().traits().counted.replace('_', " "));
                return Err(SqlError::unsupported(what.to_uppercase()));
            }
        })
    }
}

/// Where a value of NEW or OLD is. Error 1054 for a column that there is not.
fn row_value(value: &RowValue, table: &TableInfo) -> SqlResult<TriggerValue> {
    let RowValue { new, column, slot, assigned } = value;
    let found = table.visible_columns().iter().position(|known| same_name(&known.name, column));
    let found = found.ok_or_else(|| {
        super::bind_expr::unknown_column(column, if *new { "NEW" } else { "OLD" })
    })?;
    Ok(TriggerValue { new: *new, column: found, slot: *slot, assigned: *assigned })
}

/// What is wrong with the columns of NEW and OLD in a trigger that is to be made.
pub fn check_trigger(create: &ast::CreateTrigger, table: &TableInfo) -> SqlResult<()> {
    for value in &create.body.row_values {
        let found = row_value(value, table)?;
        let column = &table.columns[found.column];
        if value.assigned && column.generated.is_some() {
            return Err(crate::sql::catalog::Generated::not_allowed(&column.name, &table.name));
        }
    }
    Ok(())
}

/// Error 1442: a trigger changes a table that the statement which fired it changes.
pub(super) fn already_used(table: &str) -> SqlError {
    SqlError::new(
        errno::CANT_UPDATE_USED_TABLE_IN_SF_OR_TRG,
        format!(
            "Can't update table '{table}' in stored function/trigger because it is already used by statement which \
             invoked this stored function/trigger."
        ),
    )
}
