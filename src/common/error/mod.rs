//! The error a client sees: MySQL's number, its SQLSTATE and a message, and as data what it was made of.

use std::fmt;

pub mod errno;
mod fault;
mod numbers;

pub use fault::{Conflict, Fault, Signalled};

/// A result whose error can be sent to a MySQL client as it is.
pub type SqlResult<T> = Result<T, SqlError>;

/// What may be done about an error: by whoever asked a region, ran a statement, or sent it. `common::retry` decides by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorClass {
    /// The same again fails in the same way.
    Deterministic,
    /// Nothing was done, as the wrong one was asked: the right one may be known already.
    Elsewhere,
    /// Nobody can serve for now: a region without a leader, a placement driver without a quorum.
    Away,
    /// Nothing was done, as there is too much to do.
    Busy,
    /// It was sent, and no answer came: it may have been done. It may be sent again.
    Lost,
    /// A lock stands in the way, of a transaction that perhaps has ended.
    Locked,
    /// A lock was waited for as long as it may be.
    WaitedOut,
    /// Another transaction has committed meanwhile.
    Conflict,
    /// The transaction gave way to another, and is over.
    GaveWay,
    /// The statement was planned by a schema that is no more.
    OldSchema,
    /// The disk of a store is full.
    DiskFull,
    /// It asks for more than a limit allows.
    TooMuch,
    /// Somebody ended it, or its time is over.
    Ended,
    /// Whether the transaction is committed is not known, and never to be called an abort.
    Undetermined,
    /// A fault of ours, or of a disk: the operator is needed.
    Fatal,
}

/// An error as MySQL's protocol carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqlError {
    /// MySQL's error number (or TiDB's, from 8000 and 9000 on, where MySQL has none).
    pub code: u16,
    /// What went wrong, in MySQL's words where MySQL has them.
    pub message: String,
    /// What it was made of, unless it is about the statement alone.
    fault: Option<Box<Fault>>,
}

impl SqlError {
    /// An error with a number from [`errno`] and its message.
    pub fn new(code: u16, message: impl Into<String>) -> SqlError {
        SqlError { code, message: message.into(), fault: None }
    }

    /// What the user asked for exists in MySQL and not (yet) here. Error 1235.
    pub fn unsupported(feature: impl fmt::Display) -> SqlError {
        SqlError::new(
            errno::NOT_SUPPORTED_YET,
            format!("This version of TroupeDB doesn't yet support '{feature}'"),
        )
    }

    /// A broken invariant of ours, reported instead of a wrong answer. Error 1105.
    pub fn internal(message: impl fmt::Display) -> SqlError {
        SqlError::new(errno::UNKNOWN, format!("internal error: {message}"))
    }

    /// One statement wants more memory than it may have, and cannot go on without. Error 8175.
    pub fn over_memory() -> SqlError {
        SqlError::new(
            errno::MEMORY_EXCEED_FOR_QUERY,
            "Your query has been cancelled due to exceeding the allowed memory limit for a single SQL query. Please try narrowing \
             your query scope or increase sql.query-memory and try again.",
        )
    }

    /// What it was made of, where its cause lies outside of the statement.
    pub fn fault(&self) -> Option<&Fault> {
        self.fault.as_deref()
    }

    /// What may be done about it.
    pub fn class(&self) -> ErrorClass {
        errno::class(self.code)
    }

    /// Whether the transaction gave way to another and may succeed when it is run again, as a whole.
    pub fn is_conflict(&self) -> bool {
        matches!(self.class(), ErrorClass::Conflict | ErrorClass::GaveWay)
    }

    /// The five-character SQLSTATE of the error number.
    pub fn sqlstate(&self) -> &str {
        match self.fault() {
            Some(Fault::Signal(signal)) => &signal.state,
            _ => errno::sqlstate(self.code),
        }
    }
}

impl From<Fault> for SqlError {
    fn from(fault: Fault) -> SqlError {
        SqlError { code: fault.code(), message: fault.to_string(), fault: Some(Box::new(fault)) }
    }
}

impl fmt::Display for SqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ERROR {} ({}): {}", self.code, self.sqlstate(), self.message)
    }
}

impl std::error::Error for SqlError {}
