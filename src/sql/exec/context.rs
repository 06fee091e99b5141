//! What a statement runs with.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;

use super::AutoIds;
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
    /// Set by KILL: the statement ends with error 1317 as soon as it looks.
    pub killed: Arc<AtomicBool>,
    /// `innodb_lock_wait_timeout`.
    pub lock_wait: Duration,
    /// How much it may take.
    pub limits: Arc<ExecLimits>,
}

impl ExecContext {
    /// Error 1317 if the statement was killed.
    pub fn check_killed(&self) -> SqlResult<()> {
        if self.killed.load(Ordering::Relaxed) {
            return Err(SqlError::new(errno::QUERY_INTERRUPTED, "Query execution was interrupted"));
        }
        Ok(())
    }

    /// How to take the locks that an access asks for.
    pub(crate) fn lock_options(&self, lock: AccessLock, return_values: bool) -> LockOptions {
        let wait = match lock {
            AccessLock::ForUpdateNoWait => Duration::ZERO,
            AccessLock::None | AccessLock::ForUpdate => self.lock_wait,
        };
        LockOptions { wait, return_values, keep_missing: true }
    }
}
