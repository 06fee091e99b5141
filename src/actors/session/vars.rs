//! A session's variables as its statements see and change them.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::Held;
use super::memory::Memory;
use super::variables::{
    GlobalVariables, Scope, SessionVariables, Settings, Variable, list, position,
};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::expr::{SessionVars, VariableScope};
use crate::sql::plan::VariableTypes;
use crate::sql::types::{Datum, FieldType};

/// User and system variables. Shared by the session and the expressions of its statement, both on one thread: the locks are
/// never waited for.
pub(super) struct Variables {
    pub(super) system: Mutex<SessionVariables>,
    user: Mutex<UserVariables>,
    pub(super) global: Arc<GlobalVariables>,
    /// What the session counts: `@@last_insert_id`, `@@warning_count`, `@@error_count`, `@@pseudo_thread_id`.
    pub(super) counters: Mutex<Counters>,
}

/// Values that are variables to read and nothing to set.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counters {
    pub(super) last_insert_id: u64,
    pub(super) warnings: u64,
    pub(super) errors: u64,
    pub(super) connection_id: u64,
    /// When the statement in hand began, in microseconds since 1970.
    pub(super) now_micros: i64,
}

/// `@a`, by name.
struct UserVariables {
    values: BTreeMap<String, (Datum, FieldType)>,
    held: Held,
}

/// What a user variable takes besides its name and value, about.
const VARIABLE_BYTES: usize = 128;

fn bytes_of(name: &str, value: &Datum) -> usize {
    VARIABLE_BYTES + name.len() + value.held_bytes()
}

impl UserVariables {
    fn set(&mut self, name: &str, value: Datum, field_type: FieldType) -> SqlResult<()> {
        let before = self.values.get(name).map_or(0, |(value, _)| bytes_of(name, value));
        self.held.set(self.held.bytes() - before + bytes_of(name, &value))?;
        self.values.insert(name.to_owned(), (value, field_type));
        Ok(())
    }
}

impl Variables {
    pub(super) fn new(
        global: Arc<GlobalVariables>,
        connection_id: u32,
        memory: &Arc<Memory>,
    ) -> Variables {
        let counters = Counters { connection_id: connection_id.into(), ..Counters::default() };
        Variables {
            system: Mutex::new(SessionVariables::new(&global)),
            user: Mutex::new(UserVariables {
                values: BTreeMap::new(),
                held: memory.hold(0).expect("nothing is always there"),
            }),
            global,
            counters: Mutex::new(counters),
        }
    }

    /// What statements need of them.
    pub(super) fn settings(&self) -> Settings {
        self.system.lock().settings.clone()
    }

    /// Back to how a new session finds them.
    pub(super) fn reset(&self) {
        *self.system.lock() = SessionVariables::new(&self.global);
        {
            let mut user = self.user.lock();
            user.values.clear();
            // To hold less never fails.
            let _ = user.held.set(0);
        }
        self.counters.lock().last_insert_id = 0;
    }

    /// The text SHOW VARIABLES shows; `None` for one that is not of this scope.
    pub(super) fn shown(&self, variable: &Variable, global: bool) -> Option<String> {
        let at = position(variable.name).ok()?;
        match (global, variable.scope) {
            (true, Scope::Session) => None,
            (true, _) | (false, Scope::Global) => Some(self.global.text(at).to_string()),
            (false, _) => match self.counted(variable.name) {
                Some(value) => Some(value.to_text()),
                None => Some(self.system.lock().text(at).to_string()),
            },
        }
    }

    fn counted(&self, name: &str) -> Option<Datum> {
        let counters = *self.counters.lock();
        Some(match name {
            "last_insert_id" | "identity" => Datum::UInt(counters.last_insert_id),
            "warning_count" => Datum::UInt(counters.warnings),
            "error_count" => Datum::UInt(counters.errors),
            "pseudo_thread_id" => Datum::UInt(counters.connection_id),
            "timestamp" => Datum::Float(counters.now_micros as f64 / 1e6),
            _ => return None,
        })
    }
}

impl SessionVars for Variables {
    fn user_var(&self, name: &str) -> Option<(Datum, FieldType)> {
        self.user.lock().values.get(name).cloned()
    }

    fn set_user_var(&self, name: &str, value: Datum, field_type: FieldType) -> SqlResult<()> {
        self.user.lock().set(name, value, field_type)
    }

    fn system_var(&self, name: &str, scope: VariableScope) -> SqlResult<Datum> {
        let at = readable(name, scope)?;
        let variable = &list()[at];
        if scope == VariableScope::Global || variable.scope == Scope::Global {
            return Ok(self.global.datum(at));
        }
        Ok(self.counted(name).unwrap_or_else(|| self.system.lock().datum(at)))
    }
}

impl VariableTypes for Variables {
    fn system(&self, name: &str, scope: VariableScope) -> SqlResult<FieldType> {
        Ok(list()[readable(name, scope)?].field_type())
    }

    fn user(&self, name: &str) -> FieldType {
        match self.user.lock().values.get(name) {
            Some((_, field_type)) => field_type.clone().nullable(),
            None => FieldType::long_text(),
        }
    }
}

/// The position of a variable that has a value of this scope.
fn readable(name: &str, scope: VariableScope) -> SqlResult<usize> {
    let at = position(name)?;
    let wrong = |code: u16, kind: &str| {
        Err(SqlError::new(code, format!("Variable '{name}' is a {kind} variable")))
    };
    match (scope, list()[at].scope) {
        (VariableScope::Global, Scope::Session) => wrong(errno::VAR_IS_LOCAL_ONLY, "SESSION"),
        (VariableScope::Session, Scope::Global) => wrong(errno::VAR_IS_LOCAL_ONLY, "GLOBAL"),
        _ => Ok(at),
    }
}

/// For `EvalContext`, which owns its variables.
pub(super) struct SharedVars(pub(super) Arc<Variables>);

impl SessionVars for SharedVars {
    fn user_var(&self, name: &str) -> Option<(Datum, FieldType)> {
        self.0.user_var(name)
    }

    fn set_user_var(&self, name: &str, value: Datum, field_type: FieldType) -> SqlResult<()> {
        self.0.set_user_var(name, value, field_type)
    }

    fn system_var(&self, name: &str, scope: VariableScope) -> SqlResult<Datum> {
        self.0.system_var(name, scope)
    }
}
