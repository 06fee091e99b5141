//! Views, functions and triggers: what they do is done with the rights of their definer, unless they say SQL SECURITY INVOKER.

use std::sync::Arc;

use super::sources::Source;
use super::{Checker, Seen, Walk, Who, Within};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::accounts::{AccountName, Privilege, Rights};
use crate::sql::catalog::{NO_TEMPORARIES, TableInfo, TriggerInfo};
use crate::sql::functions::Function;
use crate::sql::parser::ast::{Query, QueryBody, RoutineKind, TableRef, TriggerEvent};
use crate::sql::program::{Program, compile_body, compile_routine};
use crate::sql::types::Collation;

/// What is denied in a view is told as error 1356, and not by its name.
fn hidden(error: SqlError, source: &Source) -> SqlError {
    let denied = [
        errno::TABLEACCESS_DENIED,
        errno::COLUMNACCESS_DENIED,
        errno::DB_ACCESS_DENIED,
        errno::PROCACCESS_DENIED,
        errno::SPECIFIC_ACCESS_DENIED,
    ];
    if !denied.contains(&error.code) {
        return error;
    }
    SqlError::new(
        errno::VIEW_INVALID,
        format!(
            "View '{}.{}' references invalid table(s) or column(s) or function(s) or definer/invoker of view lack \
             rights to use them",
            source.database, source.name
        ),
    )
}

impl Walk<'_> {
    /// What the definer of something may do. Error 1449 if there is none.
    fn definer(&self, (user, host): &(String, String)) -> SqlResult<(Arc<Rights>, Who)> {
        let account = AccountName::new(user, host);
        let rights = self.checker.definers.rights(&account).ok_or_else(|| {
            let message =
                format!("The user specified as a definer ({}) does not exist", account.quoted());
            SqlError::new(errno::NO_SUCH_USER, message)
        })?;
        Ok((rights, Who { account, from: host.clone() }))
    }

    /// The query of a view, if it is one.
    pub(super) fn read_view(&self, source: &Source) -> SqlResult<()> {
        self.within_view(source, None)
    }

    /// A view that is written to: its rows have to be read, and the table below it may be written.
    pub(super) fn written_view(&self, source: &Source, wanted: Privilege) -> SqlResult<()> {
        self.within_view(source, Some(wanted))
    }

    fn within_view(&self, source: &Source, wanted: Option<Privilege>) -> SqlResult<()> {
        let view = source.table.as_ref().and_then(|table| table.view.as_ref());
        let Some(view) = view else { return Ok(()) };
        // What is wrong with its text is told by whoever reads it.
        let Ok(query) = view.query() else { return Ok(()) };
        let (database, temporary) = (Some(source.database.as_str()), &NO_TEMPORARIES);
        let checker = Checker { database, temporary, ..self.checker };
        let owner;
        let checker = if view.invoker {
            checker
        } else {
            owner = self.definer(&view.definer)?;
            Checker { rights: &owner.0, who: &owner.1, ..checker }
        };
        if checker.rights.is_everything() {
            return Ok(());
        }
        let within = wanted.map_or(Within::View, Within::Changed);
        if !self.enters(within, (&source.database, &source.name), &checker.who.account)? {
            return Ok(());
        }
        view_may(checker, (self.seen, self.depth + 1), &query, wanted)
            .map_err(|error| hidden(error, source))
    }

    /// A function that may be a stored one: EXECUTE, and what it does.
    pub(super) fn stored_function(&self, name: &str) -> SqlResult<()> {
        if Function::named(name).is_some() {
            return Ok(());
        }
        let (database, plain) = match name.split_once('.') {
            Some((database, plain)) => (Some(database), plain),
            None => (self.checker.database, name),
        };
        let kind = RoutineKind::Function;
        let found = database.and_then(|it| self.checker.schema.routine(it, kind, plain));
        let Some((database, entry)) = database.zip(found) else { return Ok(()) };
        let Some(routine) = &entry.routine else { return Ok(()) };
        self.need_execute(kind, database, &routine.name)?;
        let run = |checker: Checker<'_>| {
            let whole = (database, routine.name.as_str());
            if checker.rights.is_everything()
                || !self.enters(Within::Function, whole, &checker.who.account)?
            {
                return Ok(());
            }
            let program = compile_routine(database, routine)?;
            program_may(checker, (self.seen, self.depth + 1), &program)
        };
        let checker = Checker { database: Some(database), ..self.checker };
        if routine.invoker {
            return run(checker);
        }
        let (rights, who) = self.definer(&routine.definer)?;
        run(Checker { rights: &rights, who: &who, ..checker })
    }

    /// Error 1370 unless it may execute a routine.
    pub(super) fn need_execute(
        &self,
        kind: RoutineKind,
        database: &str,
        name: &str,
    ) -> SqlResult<()> {
        match self.rights().routine(kind, database, name).contains(Privilege::Execute) {
            true => Ok(()),
            false => Err(self.who().no_routine("execute", &format!("{database}.{name}"))),
        }
    }

    /// The triggers of a table that a change fires: their definers need TRIGGER, and what the triggers do.
    pub(super) fn fired(&self, source: &Source, event: TriggerEvent) -> SqlResult<()> {
        let Some(table) = &source.table else { return Ok(()) };
        for trigger in table.triggers.iter().filter(|trigger| trigger.event == event) {
            let (rights, who) = self.definer(&trigger.definer)?;
            if rights.is_everything() {
                continue;
            }
            if !rights.table(&source.database, &source.name).contains(Privilege::Trigger) {
                return Err(who.no_table("TRIGGER", &source.name));
            }
            if !self.enters(Within::Trigger, (&source.database, &trigger.name), &who.account)? {
                continue;
            }
            let program = trigger_program(table, trigger)?;
            let checker = Checker {
                database: Some(&source.database),
                rights: &rights,
                who: &who,
                ..self.checker
            };
            program_may(checker, (self.seen, self.depth + 1), &program)?;
        }
        Ok(())
    }
}

/// What a view reads and, if it is written to, the table below it.
fn view_may(
    checker: Checker<'_>,
    (seen, depth): (&Seen, usize),
    query: &Query,
    wanted: Option<Privilege>,
) -> SqlResult<()> {
    let mut walk = Walk::new(checker, seen, depth);
    walk.query(query)?;
    if let (Some(wanted), QueryBody::Select(select)) = (wanted, &query.body)
        && let Some(from) = &select.from
    {
        written_below(&walk, from, wanted)?;
    }
    Ok(())
}

/// The tables that a view's rows are made of: only the planner knows which of several is written to, so all of them have to be allowed.
fn written_below(walk: &Walk<'_>, from: &TableRef, wanted: Privilege) -> SqlResult<()> {
    match from {
        TableRef::Table { name, alias, .. } => {
            let below = walk.source(name, alias.as_deref());
            walk.need_table(name, wanted.into())?;
            walk.written_view(&below, wanted)
        }
        TableRef::Join { left, right, .. } => {
            written_below(walk, left, wanted)?;
            written_below(walk, right, wanted)
        }
        // Nothing is written through these.
        TableRef::Derived { .. } | TableRef::Json(_) => Ok(()),
    }
}

fn trigger_program(table: &TableInfo, trigger: &TriggerInfo) -> SqlResult<Program> {
    let parsed = trigger.parsed(&table.name)?;
    let inherited = Collation::by_name(&trigger.database_collation).unwrap_or_default();
    compile_body(&parsed.body, inherited, &[])
}

/// All that a program does.
fn program_may(
    checker: Checker<'_>,
    (seen, depth): (&Seen, usize),
    program: &Program,
) -> SqlResult<()> {
    program.exprs.iter().try_for_each(|expr| Walk::new(checker, seen, depth).expr(expr))?;
    let mut statements = program.statements.iter();
    statements.try_for_each(|inner| Walk::new(checker, seen, depth).statement(&inner.statement))
}
