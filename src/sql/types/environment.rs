//! What the value of an expression may depend on besides its arguments.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::{SqlMode, Time, TimeKind, TimeRules, TimeZone};
use crate::common::{SqlError, SqlResult};

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

/// A statement's moment, and what of its session's settings its values depend on: the same everywhere a part of the statement
/// runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Environment {
    /// `sql_mode`.
    pub sql_mode: SqlMode,
    /// `time_zone`.
    pub time_zone: TimeZone,
    /// When the statement began: microseconds since 1970 in UTC.
    pub now_unix_micros: i64,
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
}

impl Default for Environment {
    /// MySQL's defaults, at the epoch, without a session.
    fn default() -> Environment {
        Environment {
            sql_mode: SqlMode::default(),
            time_zone: TimeZone::default(),
            now_unix_micros: 0,
            writes: false,
            ignore: false,
            connection_id: 0,
            user: "root@localhost".to_owned(),
            current_user: "root@%".to_owned(),
            current_db: None,
            version: concat!("8.0.36-TroupeDB-v", env!("CARGO_PKG_VERSION")).to_owned(),
            found_rows: 0,
            row_count: 0,
            div_precision_increment: 4,
            group_concat_max_len: 1024,
            max_allowed_packet: 64 << 20,
        }
    }
}

impl Environment {
    /// Whether a bad value is an error: a write in strict mode, without IGNORE.
    pub fn is_strict(&self) -> bool {
        self.writes && !self.ignore && self.sql_mode.is_strict()
    }

    /// How texts are read as times in this session.
    pub fn time_rules(&self) -> TimeRules {
        TimeRules { mode: self.sql_mode, zone: self.time_zone }
    }

    /// The statement's moment on the session's clock.
    pub fn now(&self, fsp: u8) -> Time {
        let now =
            Time::from_unix_micros(self.now_unix_micros, &self.time_zone, TimeKind::DateTime, 6);
        let now = now.unwrap_or_else(|| Time::zero(TimeKind::DateTime, 6));
        now.round_to(fsp, SqlMode::TIME_TRUNCATE_FRACTIONAL).unwrap_or(now)
    }
}

/// `max_error_count`.
const MAX_WARNINGS: usize = 1024;

/// The most bytes of a warning, as of MySQL's messages.
const MESSAGE_BYTES: usize = 512;

/// What values are converted and compared in: an environment, and a place for warnings.
#[derive(Debug, Default)]
pub struct ValueContext {
    /// The environment.
    pub env: Environment,
    /// What SHOW WARNINGS will show, at most `max_error_count`.
    pub warnings: Mutex<Vec<Warning>>,
    /// Warnings raised, those beyond the limit included.
    pub warning_count: AtomicU64,
}

impl Deref for ValueContext {
    type Target = Environment;

    fn deref(&self) -> &Environment {
        &self.env
    }
}

impl DerefMut for ValueContext {
    fn deref_mut(&mut self) -> &mut Environment {
        &mut self.env
    }
}

impl ValueContext {
    /// Of an environment; nothing has been warned of.
    pub fn new(env: Environment) -> ValueContext {
        ValueContext { env, ..ValueContext::default() }
    }

    /// Adds a warning.
    pub fn warn(&self, code: u16, message: impl Into<String>) {
        self.add_warning(WarningLevel::Warning, code, message.into());
    }

    /// Adds a note.
    pub fn note(&self, code: u16, message: impl Into<String>) {
        self.add_warning(WarningLevel::Note, code, message.into());
    }

    /// Adds an error that does not end the statement.
    pub fn error(&self, code: u16, message: impl Into<String>) {
        self.add_warning(WarningLevel::Error, code, message.into());
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

    /// The code of a warning (not of a note) that was raised since.
    pub fn warned_since(&self, mark: WarningMark) -> Option<u16> {
        let warnings = self.warnings.lock();
        let since = warnings.iter().skip(mark.kept);
        since.filter(|warning| warning.level != WarningLevel::Note).map(|w| w.code).next()
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
}
