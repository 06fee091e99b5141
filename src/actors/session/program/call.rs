//! CALL.

use std::sync::Arc;

use super::Compiled;
use super::drive::Caller;
use crate::actors::runtime::compute;
use crate::actors::session::answer::Sink;
use crate::actors::session::core::Core;
use crate::actors::session::encode::Format;
use crate::actors::session::statement::Request;
use crate::common::{SqlError, SqlResult, errno};
use crate::protocol::{StatusFlags, response};
use crate::sql::catalog::{TableInfo, no_routine};
use crate::sql::expr::SessionVars as _;
use crate::sql::parser::ast::{Call, Expr, ParameterMode, RoutineKind};
use crate::sql::plan::OutputColumn;
use crate::sql::program::Machine;
use crate::sql::types::{Datum, FieldType};

/// So deep calls may nest on a thread that has no large stack.
const SHALLOW: usize = 3;

impl Core {
    /// CALL, as a client's statement.
    pub(in crate::actors::session) async fn call_statement(
        &mut self,
        call: &Call,
        request: &Request<'_>,
        sink: &mut Sink,
    ) -> SqlResult<()> {
        let limit = self.vars.system.lock().settings.max_execution_time;
        let _alarm = self.control.alarm(limit);
        let mut given = Vec::new();
        let caller = Caller { request, machine: None, given: &mut given };
        self.call_procedure(call, caller, sink).await?;
        self.send_given(given, request, sink)?;
        let affected_rows = u64::try_from(self.row_count).unwrap_or(0);
        let warnings = u16::try_from(self.diagnostics.len()).unwrap_or(u16::MAX);
        let ok = response::Ok { affected_rows, warnings, ..response::Ok::default() };
        self.ok(sink, ok, request.more);
        Ok(())
    }

    /// The values of OUT parameters that were `?` in the client's statement: a result of one row.
    fn send_given(
        &mut self,
        given: Vec<(String, FieldType, Datum)>,
        request: &Request<'_>,
        sink: &mut Sink,
    ) -> SqlResult<()> {
        if given.is_empty() || request.format != Format::Binary {
            return Ok(());
        }
        let columns: Vec<OutputColumn> = given
            .iter()
            .map(|(name, field_type, _)| OutputColumn {
                name: name.clone(),
                field_type: field_type.clone(),
                origin: None,
                key_flags: 0,
            })
            .collect();
        let row: Vec<Datum> = given.into_iter().map(|(_, _, value)| value).collect();
        let status = self.status(true) | StatusFlags::SERVER_PS_OUT_PARAMS;
        self.write_row_in(&columns, &row, status, sink);
        Ok(())
    }

    /// Calls a procedure; what it gives back goes to the caller's variables.
    pub(super) async fn call_procedure(
        &mut self,
        call: &Call,
        mut caller: Caller<'_, '_>,
        sink: &mut Sink,
    ) -> SqlResult<()> {
        if self.programs.running.len() >= SHALLOW {
            compute::enter().await;
        }
        let schema = self.services.schema.current();
        let database = self.database_or_current(call.name.database.as_deref())?;
        let found = schema.routine(&database, RoutineKind::Procedure, &call.name.name).cloned();
        let missing = || no_routine(RoutineKind::Procedure, &database, &call.name.name);
        let entry = found.ok_or_else(missing)?;
        let database = schema.require_database(&database)?.name.clone();
        self.check_execute(&database, &entry)?;
        let compiled = self.compiled(&database, &entry)?;
        check_arguments(call, &compiled)?;
        self.check_depth(&entry, &compiled)?;
        let mut machine = Machine::new(compiled.program.clone());
        self.take_arguments(call, &mut machine, &caller).await?;
        self.enter_program(&entry, &compiled)?;
        let outcome = self.drive(&mut machine, &compiled, caller.request, sink).await;
        self.leave_program();
        outcome?;
        self.give_back(call, &machine, &mut caller)
    }

    /// Error 1456 for a procedure that is in itself more often than it may.
    fn check_depth(&self, entry: &Arc<TableInfo>, compiled: &Compiled) -> SqlResult<()> {
        let within = self.programs.running.iter().filter(|id| **id == entry.id).count();
        let most = self.said_of("max_sp_recursion_depth").parse::<usize>().unwrap_or_default();
        if within <= most {
            return Ok(());
        }
        Err(SqlError::new(
            errno::SP_RECURSION_LIMIT,
            format!(
                "Recursive limit {most} (as set by the max_sp_recursion_depth variable) was exceeded for routine {}",
                compiled.program.name
            ),
        ))
    }

    /// The values of IN and INOUT.
    async fn take_arguments(
        &mut self,
        call: &Call,
        machine: &mut Machine,
        caller: &Caller<'_, '_>,
    ) -> SqlResult<()> {
        let program = machine.program().clone();
        let arguments = call.arguments.iter().zip(&program.modes).enumerate();
        for (slot, (argument, mode)) in arguments {
            if *mode == ParameterMode::Out {
                continue;
            }
            let (field_type, value) = self.value_for(argument, caller).await?;
            self.eval_writes();
            let eval = self.eval.clone();
            machine.put(slot, (value, &field_type), &eval)?;
        }
        Ok(())
    }

    /// Puts the values of OUT and INOUT where the caller wants them.
    fn give_back(
        &mut self,
        call: &Call,
        machine: &Machine,
        caller: &mut Caller<'_, '_>,
    ) -> SqlResult<()> {
        let program = machine.program().clone();
        for (slot, (argument, mode)) in call.arguments.iter().zip(&program.modes).enumerate() {
            if *mode == ParameterMode::In {
                continue;
            }
            let value = machine.get(slot);
            let variable = &program.variables[slot];
            let field_type = variable.field_type.clone().unwrap_or_else(FieldType::null);
            match (argument, &mut caller.machine) {
                (Expr::UserVariable(name), _) => self.set_user(name, value, &field_type)?,
                (Expr::Parameter(target), Some((outer, _))) => {
                    let eval = self.eval.clone();
                    outer.put(*target, (value, &field_type), &eval)?;
                }
                _ => caller.given.push((variable.name.clone(), field_type, value)),
            }
        }
        Ok(())
    }

    /// Gives a user variable a value.
    pub(super) fn set_user(
        &self,
        name: &str,
        value: Datum,
        field_type: &FieldType,
    ) -> SqlResult<()> {
        let value = value.into_user_variable(field_type);
        let field_type = match value.is_null() {
            true => FieldType::null(),
            false => field_type.of_user_variable(),
        };
        self.vars.set_user_var(&name.to_lowercase(), value, field_type)
    }
}

/// Errors 1318 and 1414.
fn check_arguments(call: &Call, compiled: &Compiled) -> SqlResult<()> {
    let program = &compiled.program;
    let name = format!("{}.{}", program.database, program.name);
    let (wanted, given) = (program.modes.len(), call.arguments.len());
    if wanted != given {
        return Err(SqlError::new(
            errno::SP_WRONG_NO_OF_ARGS,
            format!(
                "Incorrect number of arguments for PROCEDURE {name}; expected {wanted}, got {given}"
            ),
        ));
    }
    for (position, (argument, mode)) in call.arguments.iter().zip(&program.modes).enumerate() {
        let is_variable = matches!(argument, Expr::UserVariable(_) | Expr::Parameter(_));
        if *mode != ParameterMode::In && !is_variable {
            return Err(SqlError::new(
                errno::SP_NOT_VAR_ARG,
                format!(
                    "OUT or INOUT argument {} for routine {name} is not a variable or NEW pseudo-variable in BEFORE trigger",
                    position + 1
                ),
            ));
        }
    }
    Ok(())
}
