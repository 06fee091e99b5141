//! What an expression may know besides its row.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::Interrupt;
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::functions::Regexes;
use crate::sql::types::{Datum, Environment, FieldType, ValueContext};

/// How many rows a statement has read from tables and indexes.
#[derive(Debug, Default)]
pub struct RowsRead {
    by_key: AtomicU64,
    in_order: AtomicU64,
}

impl RowsRead {
    /// Rows were found by a key.
    pub fn add_by_key(&self, rows: usize) {
        self.by_key.fetch_add(rows as u64, Ordering::Relaxed);
    }

    /// Rows were read in order.
    pub fn add_in_order(&self, rows: usize) {
        self.in_order.fetch_add(rows as u64, Ordering::Relaxed);
    }

    /// Those by a key and those in order; from here on it counts from zero.
    pub fn take(&self) -> (u64, u64) {
        (self.by_key.swap(0, Ordering::Relaxed), self.in_order.swap(0, Ordering::Relaxed))
    }
}

/// Where `@@name` is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VariableScope {
    /// `@@name`: the session's value if there is one.
    Default,
    /// `@@session.name`.
    Session,
    /// `@@global.name`.
    Global,
}

/// The session's variables as expressions see them.
pub trait SessionVars: Send + Sync {
    /// The value and type of `@name`, if it was ever set. `name` is in lower case.
    fn user_var(&self, name: &str) -> Option<(Datum, FieldType)>;
    /// `@name := value`; error 1041 when that is more than the session may hold.
    fn set_user_var(&self, name: &str, value: Datum, field_type: FieldType) -> SqlResult<()>;
    /// The value of `@@name`; error 1193 when there is none.
    fn system_var(&self, name: &str, scope: VariableScope) -> SqlResult<Datum>;
}

/// A session without variables: every system variable is unknown, user variables are kept.
#[derive(Default)]
pub struct NoVars {
    user: Mutex<BTreeMap<String, (Datum, FieldType)>>,
}

impl SessionVars for NoVars {
    fn user_var(&self, name: &str) -> Option<(Datum, FieldType)> {
        self.user.lock().get(name).cloned()
    }

    fn set_user_var(&self, name: &str, value: Datum, field_type: FieldType) -> SqlResult<()> {
        self.user.lock().insert(name.to_owned(), (value, field_type));
        Ok(())
    }

    fn system_var(&self, name: &str, _scope: VariableScope) -> SqlResult<Datum> {
        Err(SqlError::new(
            errno::UNKNOWN_SYSTEM_VARIABLE,
            format!("Unknown system variable '{name}'"),
        ))
    }
}

/// What tells SYSDATE() the time.
pub(super) type Clock = Arc<dyn Fn() -> Option<i64> + Send + Sync>;

/// Everything an expression may depend on besides its row, fixed for one statement.
///
/// There is no clock and no entropy in it but what the session gives: what time it is, a clock, a seed.
pub struct EvalContext {
    /// What is plain data of it, and where warnings go.
    pub values: ValueContext,
    /// The session's clock, for SYSDATE(): microseconds since 1970 in UTC; `None` where there is none.
    pub clock: Clock,
    /// Values of a prepared statement's `?`, in order.
    pub params: Vec<Datum>,
    /// `LAST_INSERT_ID()`.
    pub last_insert_id: AtomicU64,
    /// Set when `LAST_INSERT_ID(n)` was called: the session takes the new value over after the statement.
    pub last_insert_id_set: AtomicU64,
    /// What SLEEP() is, once the session has waited as long as the statement's say: 0, or 1 if it was interrupted.
    pub slept: Mutex<Option<i64>>,
    /// What the statement has read.
    pub rows_read: RowsRead,
    /// Set when the statement is to end: whatever may take long looks at it between pieces of its work.
    pub interrupt: Arc<Interrupt>,
    /// `@a` and `@@a`.
    pub vars: Arc<dyn SessionVars>,
    /// State of the generator behind RAND() and UUID(); seed it from the node's generator.
    pub rng: AtomicU64,
    /// Regular expressions compiled by this statement.
    pub(in crate::sql) regexes: Mutex<Regexes>,
    /// State of each `RAND(seed)`: by the seed, and by where the call stands.
    pub(in crate::sql) seeded: Mutex<BTreeMap<(u32, usize), (u64, u64)>>,
}

impl Deref for EvalContext {
    type Target = ValueContext;

    fn deref(&self) -> &ValueContext {
        &self.values
    }
}

impl DerefMut for EvalContext {
    fn deref_mut(&mut self) -> &mut ValueContext {
        &mut self.values
    }
}

impl EvalContext {
    /// A context with MySQL's defaults, at the epoch, without a session.
    pub fn new() -> EvalContext {
        EvalContext::of(Environment::default())
    }

    /// A context in an environment, without a session.
    pub fn of(env: Environment) -> EvalContext {
        EvalContext {
            values: ValueContext::new(env),
            clock: Arc::new(|| None),
            params: Vec::new(),
            last_insert_id: AtomicU64::new(0),
            last_insert_id_set: AtomicU64::new(0),
            slept: Mutex::default(),
            rows_read: RowsRead::default(),
            interrupt: Arc::default(),
            vars: Arc::new(NoVars::default()),
            rng: AtomicU64::new(0x9E37_79B9_7F4A_7C15),
            regexes: Mutex::default(),
            seeded: Mutex::new(BTreeMap::new()),
        }
    }

    /// For what is part of the statement: the same session and the same moment, without warnings and parameters.
    pub fn inner(&self) -> EvalContext {
        EvalContext {
            values: ValueContext::new(self.values.env.clone()),
            clock: self.clock.clone(),
            last_insert_id: self.last_insert_id.load(Ordering::Relaxed).into(),
            interrupt: self.interrupt.clone(),
            vars: self.vars.clone(),
            rng: self.next_random().into(),
            ..EvalContext::new()
        }
    }

    /// Ready for the next statement of the same session: without the last one's warnings and seeds.
    pub fn begin_statement(&mut self) {
        self.values.warnings.get_mut().clear();
        *self.values.warning_count.get_mut() = 0;
        *self.last_insert_id_set.get_mut() = 0;
        *self.slept.get_mut() = None;
        self.rows_read = RowsRead::default();
        self.seeded.get_mut().clear();
        self.regexes.get_mut().clear();
    }

    /// Error 1317 when the statement was killed, 3024 when its time is over.
    pub fn check_interrupted(&self) -> SqlResult<()> {
        self.interrupt.check()
    }

    /// The next number of the statement's generator (splitmix64).
    pub fn next_random(&self) -> u64 {
        let step = 0x9E37_79B9_7F4A_7C15_u64;
        let state = self.rng.fetch_add(step, Ordering::Relaxed).wrapping_add(step);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

impl Default for EvalContext {
    fn default() -> EvalContext {
        EvalContext::new()
    }
}

impl std::fmt::Debug for EvalContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EvalContext")
            .field("values", &self.values)
            .field("params", &self.params)
            .finish_non_exhaustive()
    }
}
