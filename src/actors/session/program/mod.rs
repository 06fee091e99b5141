//! Stored programs in a session: their definitions, CALL, and what drives their machines ([`crate::sql::program`]).
//!
//! The statements of a procedure run as any other of the session, one after the other: each commits for itself without a
//! transaction, a failed one is undone alone, and its rows go to the client, one result after the other. Where the machine of a program
//! computes long it does so with the workers, and lets others compute in between; whoever ends the statement ends it there.

mod call;
mod definitions;
mod diagnostics;
mod drive;
mod functions;
mod triggers;

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::core::Core;
use super::prepared::PlanCache;
use crate::common::{SqlError, SqlResult};
use crate::sql::catalog::TableInfo;
use crate::sql::expr::TypeRules;
use crate::sql::program::{BoundExprs, Program, Raised, compile_routine};
use crate::sql::types::SqlMode;

/// A program with what this session has made of it.
pub(super) struct Compiled {
    /// The version of the schema's entry.
    version: i64,
    mode: SqlMode,
    program: Arc<Program>,
    /// The plans of its statements, by number.
    plans: Vec<PlanCache>,
    /// Its expressions as they were bound last, and for what.
    bound: Mutex<Option<(TypeRules, BoundExprs)>>,
}

/// What a program has changed of the session until it ends.
struct Saved {
    mode: SqlMode,
    database: Option<String>,
    /// How many programs with rights of their own ran before.
    rights: usize,
}

/// The programs of a session.
#[derive(Default)]
pub(super) struct Programs {
    /// By the id of their entry in the schema.
    compiled: BTreeMap<i64, Arc<Compiled>>,
    /// Those that run, the outermost first: the ids of their entries.
    running: Vec<i64>,
    saved: Vec<Saved>,
    /// What is being handled where a program was called.
    handled: Vec<Raised>,
    /// The warning that a program's SIGNAL has just raised.
    signalled: Option<Raised>,
    /// The last error, for what SHOW WARNINGS does not tell of it.
    last_error: Option<SqlError>,
}

/// So many programs are kept.
const KEPT: usize = 256;

impl Core {
    /// Whether a program runs, whose statements answer nothing but rows.
    pub(super) fn in_program(&self) -> bool {
        !self.programs.running.is_empty()
    }

    /// The program of an entry of the schema.
    fn compiled(&mut self, database: &str, entry: &TableInfo) -> SqlResult<Arc<Compiled>> {
        if let Some(known) = self.programs.compiled.get(&entry.id)
            && known.version == entry.version
        {
            return Ok(known.clone());
        }
        let Some(routine) = &entry.routine else {
            return Err(SqlError::internal("a program that is none"));
        };
        let program = compile_routine(database, routine)?;
        let plans = program.statements.iter().map(|_| PlanCache::default()).collect();
        let compiled = Arc::new(Compiled {
            version: entry.version,
            mode: routine.mode()?,
            program: Arc::new(program),
            plans,
            bound: Mutex::default(),
        });
        if self.programs.compiled.len() >= KEPT {
            self.programs.compiled.clear();
        }
        self.programs.compiled.insert(entry.id, compiled.clone());
        Ok(compiled)
    }

    /// A program begins: its `sql_mode` and its database are in force.
    fn enter_program(&mut self, entry: &TableInfo, compiled: &Compiled) -> SqlResult<()> {
        let mode = self.vars.system.lock().settings.sql_mode;
        let rights = self.rights_depth();
        if let Some(routine) = entry.routine.as_ref().filter(|routine| !routine.invoker) {
            self.enter_rights(&routine.definer)?;
        }
        self.programs.saved.push(Saved { mode, database: self.database.clone(), rights });
        self.programs.running.push(entry.id);
        self.use_mode(compiled.mode);
        if self.database.as_deref() != Some(&compiled.program.database) {
            self.database = Some(compiled.program.database.clone());
        }
        Ok(())
    }

    fn leave_program(&mut self) {
        self.programs.running.pop();
        if let Some(saved) = self.programs.saved.pop() {
            self.use_mode(saved.mode);
            self.database = saved.database;
            self.leave_rights(saved.rights);
        }
    }

    fn use_mode(&self, mode: SqlMode) {
        let mut system = self.vars.system.lock();
        if system.settings.sql_mode != mode {
            system.put_text("sql_mode", mode.to_string());
        }
    }

    /// The statement has ended, however deep in programs it was.
    pub(super) fn leave_programs(&mut self) {
        while self.in_program() {
            self.leave_program();
        }
        self.programs.handled.clear();
    }
}
