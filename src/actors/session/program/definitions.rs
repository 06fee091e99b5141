//! CREATE, ALTER and DROP of procedures and functions.

use std::time::Duration;

use crate::actors::session::core::Core;
use crate::actors::session::variables::position;
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::{
    DdlStatement, RoutineInfo, is_system_database, no_routine, routine_exists,
};
use crate::sql::parser::ast::{
    AlterRoutine, Characteristics, CreateRoutine, DropRoutine, Statement, UserName,
    VariableAssignment,
};
use crate::sql::program::{Program, compile_routine};

/// Error 1193 for a program that sets a system variable that there is not.
fn check_variables(program: &Program) -> SqlResult<()> {
    for inner in &program.statements {
        let Statement::SetVariables(items) = &inner.statement else { continue };
        for item in items {
            if let VariableAssignment::System { name, .. } = item {
                position(name)?;
            }
        }
    }
    Ok(())
}

/// The longest name, in characters.
const NAME_LIMIT: usize = 64;
/// How long a change of a routine may take.
pub(super) const DEADLINE: Duration = Duration::from_secs(3600);

impl Core {
    /// CREATE PROCEDURE and CREATE FUNCTION.
    pub(in crate::actors::session) async fn create_routine(
        &mut self,
        create: &CreateRoutine,
    ) -> SqlResult<()> {
        let schema = self.services.schema.current();
        let database = self.database_or_current(create.name.database.as_deref())?;
        if is_system_database(&database) {
            let message = format!("Access denied for user to database '{database}'");
            return Err(SqlError::new(errno::DB_ACCESS_DENIED, message));
        }
        let database = schema.require_database(&database)?.clone();
        let name = &create.name.name;
        if name.ends_with(' ') || name.chars().count() > NAME_LIMIT {
            let message = format!("Incorrect routine name '{name}'");
            return Err(SqlError::new(errno::SP_WRONG_NAME, message));
        }
        if schema.routine(&database.name, create.kind, name).is_some() {
            let exists = routine_exists(create.kind, name);
            if create.if_not_exists {
                self.eval.note(exists.code, exists.message);
                return Ok(());
            }
            return Err(exists);
        }
        let mode = self.vars.system.lock().settings.sql_mode;
        let written = &create.characteristics;
        let routine = RoutineInfo {
            kind: create.kind,
            name: name.clone(),
            definer: self.definer_of(create.definer.as_ref()),
            invoker: written.invoker.unwrap_or_default(),
            deterministic: written.deterministic.unwrap_or_default(),
            access: written.access.unwrap_or_default(),
            comment: written.comment.clone().unwrap_or_default(),
            sql_mode: mode.to_string(),
            charset: (self.said_of("character_set_client"), self.said_of("collation_connection")),
            database_collation: database.collation.clone(),
            parameters: create.parameters_text.clone(),
            returns: create.returns_text.clone(),
            body: create.body_text.clone(),
            altered_ms: 0,
        };
        // What is kept has to be what was said, with types and variables that there are.
        check_variables(&compile_routine(&database.name, &routine)?)?;
        let routine = Box::new(routine.into_entry(&database));
        let statement =
            DdlStatement::PutRoutine { database: database.name.clone(), routine, alters: false };
        self.submit(statement, DEADLINE).await?;
        self.own_routine(create.kind, &database.name, name).await
    }

    /// ALTER PROCEDURE and ALTER FUNCTION.
    pub(in crate::actors::session) async fn alter_routine(
        &mut self,
        alter: &AlterRoutine,
    ) -> SqlResult<()> {
        let schema = self.services.schema.current();
        let database = self.database_or_current(alter.name.database.as_deref())?;
        let found = schema.routine(&database, alter.kind, &alter.name.name);
        let missing = || no_routine(alter.kind, &database, &alter.name.name);
        let mut entry = (**found.ok_or_else(missing)?).clone();
        let routine = entry.routine.as_mut().ok_or_else(missing)?;
        let Characteristics { comment, deterministic, access, invoker } = &alter.characteristics;
        if let Some(comment) = comment {
            routine.comment.clone_from(comment);
        }
        routine.deterministic = deterministic.unwrap_or(routine.deterministic);
        routine.access = access.unwrap_or(routine.access);
        routine.invoker = invoker.unwrap_or(routine.invoker);
        let statement =
            DdlStatement::PutRoutine { database, routine: Box::new(entry), alters: true };
        self.submit(statement, DEADLINE).await?;
        Ok(())
    }

    /// DROP PROCEDURE and DROP FUNCTION.
    pub(in crate::actors::session) async fn drop_routine(
        &mut self,
        drop: &DropRoutine,
    ) -> SqlResult<()> {
        let schema = self.services.schema.current();
        let database = self.database_or_current(drop.name.database.as_deref())?;
        if schema.routine(&database, drop.kind, &drop.name.name).is_none() {
            let missing = no_routine(drop.kind, &database, &drop.name.name);
            if drop.if_exists {
                self.eval.note(missing.code, missing.message);
                return Ok(());
            }
            return Err(missing);
        }
        let (kind, name) = (drop.kind, drop.name.name.clone());
        let dropped = (database.clone(), name.clone());
        self.submit(DdlStatement::DropRoutine { database, kind, name }, DEADLINE).await?;
        self.forget_routine(kind, &dropped.0, &dropped.1).await
    }

    /// Whose a program or a view is: error 1449 is only a note, as in MySQL for those who may name any account.
    pub(in crate::actors::session) fn definer_of(
        &self,
        named: Option<&UserName>,
    ) -> (String, String) {
        let own = (self.client.user.clone(), self.client.account_host.clone());
        let Some(named) = named.filter(|named| !named.is_current) else { return own };
        let (user, host) = (named.user.clone(), named.host.clone());
        let accounts = self.services.accounts.table();
        if !accounts.list().iter().any(|known| known.user == user && known.host == host) {
            let message =
                format!("The user specified as a definer ('{user}'@'{host}') does not exist");
            self.eval.note(errno::NO_SUCH_USER, message);
        }
        (user, host)
    }

    /// The value of a variable of the session.
    pub(in crate::actors::session) fn said_of(&self, variable: &str) -> String {
        match position(variable) {
            Ok(at) => self.vars.system.lock().text(at).to_string(),
            Err(_) => String::new(),
        }
    }
}
