//! What a statement runs with.

use std::borrow::Cow;
use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::{AutoIds, Batches, Profile, StoredCalls};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::expr::EvalContext;
use crate::sql::kv::{LockOptions, Transaction};
use crate::sql::plan::AccessLock;
use crate::sql::types::Datum;

/// Tables that the session computes: `information_schema`, SHOW.
#[async_trait]
pub trait VirtualTables: Send + Sync {
    /// All rows of a table with all its columns. Names are in lower case.
    async fn rows(&self, database: &str, table: &str) -> SqlResult<Vec<Vec<Datum>>>;
}

/// No virtual tables at all.
pub struct NoVirtualTables;

#[async_trait]
impl VirtualTables for NoVirtualTables {
    async fn rows(&self, database: &str, table: &str) -> SqlResult<Vec<Vec<Datum>>> {
        Err(SqlError::new(
            errno::NO_SUCH_TABLE,
            format!("Table '{database}.{table}' doesn't exist"),
        ))
    }
}

/// Where a statement computes. It begins where it must not keep others waiting.
#[async_trait]
pub trait Place: Send + Sync {
    /// Long work begins: the statement is to go on where it may take long.
    async fn enter(&self);
    /// Lets others compute, if this statement has computed for long.
    async fn breathe(&self);
    /// Drops what takes long to drop where nobody waits for it.
    fn dispose(&self, value: Box<dyn Send>);
    /// The same batches, computed by somebody else: whoever asks for them may turn away while one is computed.
    fn apart(&self, batches: Batches) -> Batches;
}

/// Statements that compute where they are started.
#[derive(Debug)]
pub struct Anywhere;

#[async_trait]
impl Place for Anywhere {
    async fn enter(&self) {}

    async fn breathe(&self) {}

    fn dispose(&self, value: Box<dyn Send>) {
        drop(value);
    }

    fn apart(&self, batches: Batches) -> Batches {
        batches
    }
}

/// Something that may be large: when the statement is to end, nobody waits for it to be taken apart.
pub struct Disposed<T: Send + 'static> {
    value: Option<T>,
    eval: Arc<EvalContext>,
    place: &'static dyn Place,
}

impl<T: Send + 'static> Disposed<T> {
    /// Holds a value of the statement.
    pub fn new(value: T, ctx: &ExecContext) -> Disposed<T> {
        Disposed { value: Some(value), eval: ctx.eval.clone(), place: ctx.place }
    }

    /// The value, to be dropped like any other.
    pub fn into_inner(mut self) -> T {
        self.value.take().expect("it is taken once, by value")
    }
}

impl<T: Send + 'static> Deref for Disposed<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.value.as_ref().expect("it is taken by value only")
    }
}

impl<T: Send + 'static> DerefMut for Disposed<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.value.as_mut().expect("it is taken by value only")
    }
}

impl<T: Send + 'static> Drop for Disposed<T> {
    fn drop(&mut self) {
        if let Some(value) = self.value.take()
            && self.eval.check_interrupted().is_err()
        {
            self.place.dispose(Box::new(value));
        }
    }
}

/// How much one query may take.
#[derive(Clone, Debug)]
pub struct ExecLimits {
    /// Bytes of memory its operators may hold; past that sorts and aggregations spill, and joins fail.
    pub memory_bytes: usize,
    /// Where to spill; `None`: nowhere.
    pub spill_dir: Option<PathBuf>,
    /// Bytes of disk it may spill.
    pub spill_bytes: u64,
}

impl Default for ExecLimits {
    /// A gigabyte of memory, no spilling.
    fn default() -> ExecLimits {
        ExecLimits { memory_bytes: 1 << 30, spill_dir: None, spill_bytes: 16 << 30 }
    }
}

/// What a statement runs with. Cheap to clone.
#[derive(Clone)]
pub struct ExecContext {
    /// Its transaction.
    pub txn: Arc<dyn Transaction>,
    /// What expressions see.
    pub eval: Arc<EvalContext>,
    /// Tables the session computes.
    pub virtual_tables: Arc<dyn VirtualTables>,
    /// Where AUTO_INCREMENT values and hidden row ids come from.
    pub auto_ids: Arc<dyn AutoIds>,
    /// Where it computes.
    pub place: &'static dyn Place,
    /// `innodb_lock_wait_timeout`.
    pub lock_wait: Duration,
    /// How much it may take.
    pub limits: Arc<ExecLimits>,
    /// What its operators do is counted here: EXPLAIN ANALYZE.
    pub profile: Option<Arc<Profile>>,
    /// The statement is part of another one, which may have a handler for its errors: they are told of at once.
    pub within: bool,
    /// Who runs stored functions; `None`: nobody, as none is called.
    pub functions: Option<Arc<dyn StoredCalls>>,
    /// `foreign_key_checks`.
    pub foreign_key_checks: bool,
}

impl ExecContext {
    /// Error 1317 if the statement was killed, 3024 if its time is over.
    pub fn check_killed(&self) -> SqlResult<()> {
        self.eval.check_interrupted()
    }

    /// The same for a plan that runs many times within another one, whose operators are not counted.
    pub(crate) fn uncounted(&self) -> Cow<'_, ExecContext> {
        match self.profile {
            None => Cow::Borrowed(self),
            Some(_) => Cow::Owned(ExecContext { profile: None, ..self.clone() }),
        }
    }

    /// Between two pieces of long work: ends the statement if it is to end, and lets others compute.
    pub(crate) async fn pause(&self) -> SqlResult<()> {
        self.check_killed()?;
        self.place.breathe().await;
        Ok(())
    }

    /// How to take the locks that an access asks for.
    pub(crate) fn lock_options(&self, lock: AccessLock, return_values: bool) -> LockOptions {
        let wait = match lock {
            AccessLock::ForUpdateNoWait | AccessLock::ForUpdateSkipLocked => Duration::ZERO,
            AccessLock::None | AccessLock::ForUpdate => self.lock_wait,
        };
        LockOptions { wait, return_values, keep_missing: true }
    }
}
