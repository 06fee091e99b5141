//! What an expression may know besides its row.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::Interrupt;
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::functions::Regexes;
use crate::sql::types::{Datum, FieldType, SqlMode, TimeZone};

/// How grave a warning is, as SHOW WARNINGS prints it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WarningLevel {
    /// Nothing was lost that matters.
    Note,
    /// A value was changed.
    Warning,
    /// The statement failed.
    Error,
}

impl WarningLevel {
    /// `Note`, `Warning`, `Error`.
    pub fn name(self) -> &'static str {
        match self {
            WarningLevel::Note => "Note",
            WarningLevel::Warning => "Warning",
            WarningLevel::Error => "Error",
        }
    }
}

/// One row of SHOW WARNINGS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// How grave.
    pub level: WarningLevel,
    /// MySQL's error number.
    pub code: u16,
    /// What happened.
    pub message: String,
}

/// Where the warnings of a statement stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WarningMark {
    kept: usize,
    counted: u64,
}

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
pub(super) type Clock = Box<dyn Fn() -> Option<i64> + Send + Sync>;

/// Everything an expression may depend on besides its row, fixed for one statement.
///
/// There is no clock and no entropy in it but what the session gives: what time it is, a clock, a seed.
pub struct EvalContext {
    /// `sql_mode`.
    pub sql_mode: SqlMode,
    /// `time_zone`.
    pub time_zone: TimeZone,
    /// When the statement began: microseconds since 1970 in UTC.
    pub now_unix_micros: i64,
    /// The session's clock, for SYSDATE(): microseconds since 1970 in UTC; `None` where there is none.
    pub clock: Clock,
    /// Values of a prepared statement's `?`, in order.
    pub params: Vec<Datum>,
    /// Whether the statement writes rows: then strict mode makes errors of what are warnings in a query.
    pub writes: bool,
    /// INSERT IGNORE and the like: warnings even in strict mode.
    pub ignore: bool,
    /// `CONNECTION_ID()`.
    pub connection_id: u64,
    /// `USER()`: name and host as the client gave them.
    pub user: String,
    /// `CURRENT_USER()`: the account that was matched.
    pub current_user: String,
    /// `DATABASE()`.
    pub current_db: Option<String>,
    /// `VERSION()`.
    pub version: String,
    /// `LAST_INSERT_ID()`.
    pub last_insert_id: AtomicU64,
    /// Set when `LAST_INSERT_ID(n)` was called: the session takes the new value over after the statement.
    pub last_insert_id_set: AtomicU64,
    /// What SLEEP() is, once the session has waited as long as the statement's say: 0, or 1 if it was interrupted.
    pub slept: Mutex<Option<i64>>,
    /// What the statement has read.
    pub rows_read: RowsRead,
    /// `FOUND_ROWS()`.
    pub found_rows: u64,
    /// `ROW_COUNT()`.
    pub row_count: i64,
    /// `div_precision_increment`.
    pub div_precision_increment: u8,
    /// `group_concat_max_len`, in bytes.
    pub group_concat_max_len: usize,
    /// `max_allowed_packet`: no string function makes more.
    pub max_allowed_packet: usize,
    /// Set when the statement is to end: whatever may take long looks at it between pieces of its work.
    pub interrupt: Arc<Interrupt>,
    /// `@a` and `@@a`.
    pub vars: Box<dyn SessionVars>,
    /// What SHOW WARNINGS will show, at most `max_error_count`.
    pub warnings: Mutex<Vec<Warning>>,
    /// Warnings raised, those beyond the limit included.
    pub warning_count: AtomicU64,
    /// State of the generator behind RAND() and UUID(); seed it from the node's generator.
    pub rng: AtomicU64,
    /// Regular expressions compiled by this statement.
    pub(in crate::sql) regexes: Mutex<Regexes>,
    /// State of each `RAND(seed)`.
    pub(in crate::sql) seeded: Mutex<BTreeMap<u32, (u64, u64)>>,
}

/// `max_error_count`.
const MAX_WARNINGS: usize = 1024;

/// The most bytes of a warning, as of MySQL's messages.
const MESSAGE_BYTES: usize = 512;

impl EvalContext {
    /// A context with MySQL's defaults, at the epoch, without a session.
    pub fn new() -> EvalContext {
        EvalContext {
            sql_mode: SqlMode::default(),
            time_zone: TimeZone::default(),
            now_unix_micros: 0,
            clock: Box::new(|| None),
            params: Vec::new(),
            writes: false,
            ignore: false,
            connection_id: 0,
            user: "root@localhost".to_owned(),
            current_user: "root@%".to_owned(),
            current_db: None,
            version: concat!("8.0.11-TroupeDB-v", env!("CARGO_PKG_VERSION")).to_owned(),
            last_insert_id: AtomicU64::new(0),
            last_insert_id_set: AtomicU64::new(0),
            slept: Mutex::default(),
            rows_read: RowsRead::default(),
            found_rows: 0,
            row_count: 0,
            div_precision_increment: 4,
            group_concat_max_len: 1024,
            max_allowed_packet: 64 << 20,
            interrupt: Arc::default(),
            vars: Box::new(NoVars::default()),
            warnings: Mutex::new(Vec::new()),
            warning_count: AtomicU64::new(0),
            rng: AtomicU64::new(0x9E37_79B9_7F4A_7C15),
            regexes: Mutex::default(),
            seeded: Mutex::new(BTreeMap::new()),
        }
    }

    /// Ready for the next statement of the same session: without the last one's warnings and seeds.
    pub fn begin_statement(&mut self) {
        self.warnings.get_mut().clear();
        *self.warning_count.get_mut() = 0;
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

    /// Whether a bad value is an error: a write in strict mode, without IGNORE.
    pub fn is_strict(&self) -> bool {
        self.writes && !self.ignore && self.sql_mode.is_strict()
    }

    /// Adds a warning.
    pub fn warn(&self, code: u16, message: impl Into<String>) {
        self.add_warning(WarningLevel::Warning, code, message.into());
    }

    /// Adds a note.
    pub fn note(&self, code: u16, message: impl Into<String>) {
        self.add_warning(WarningLevel::Note, code, message.into());
    }

    fn add_warning(&self, level: WarningLevel, code: u16, mut message: String) {
        // Some show a value, and that may be as long as a packet.
        if message.len() > MESSAGE_BYTES {
            message.truncate(message.floor_char_boundary(MESSAGE_BYTES));
            message.shrink_to_fit();
        }
        self.warning_count.fetch_add(1, Ordering::Relaxed);
        let mut warnings = self.warnings.lock();
        if warnings.len() < MAX_WARNINGS {
            warnings.push(Warning { level, code, message });
        }
    }

    /// The error in a strict write, a warning otherwise.
    pub fn warn_or_fail(&self, code: u16, message: impl Into<String>) -> SqlResult<()> {
        if self.is_strict() {
            return Err(SqlError::new(code, message));
        }
        self.warn(code, message);
        Ok(())
    }

    /// How many warnings there are, and how many are kept: to go back to.
    pub fn mark_warnings(&self) -> WarningMark {
        WarningMark {
            kept: self.warnings.lock().len(),
            counted: self.warning_count.load(Ordering::Relaxed),
        }
    }

    /// Forgets the warnings of a run that is undone.
    pub fn back_to(&self, mark: WarningMark) {
        self.warnings.lock().truncate(mark.kept);
        self.warning_count.store(mark.counted, Ordering::Relaxed);
    }

    /// Takes the warnings out.
    pub fn take_warnings(&self) -> Vec<Warning> {
        std::mem::take(&mut *self.warnings.lock())
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
            .field("sql_mode", &self.sql_mode)
            .field("time_zone", &self.time_zone)
            .field("now_unix_micros", &self.now_unix_micros)
            .field("params", &self.params)
            .field("writes", &self.writes)
            .finish_non_exhaustive()
    }
}
