//! A transaction that sees the session's temporary tables beside what is stored.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;

use super::rows::LocalRows;
use crate::common::{SqlResult, Timestamp};
use crate::sql::kv::{LockOptions, Savepoint, ScanOptions, Scanner, Transaction};

/// Marks of ours are positions in a list; those from before the session had temporary tables are the store's.
const OURS: usize = 1 << (usize::BITS - 1);

/// Keys of temporary tables go to the session's own rows, all others to the store.
pub(super) struct WithLocal {
    stored: Arc<dyn Transaction>,
    local: Arc<LocalRows>,
    /// Of each mark: the store's, and how much was written to the session's rows.
    marks: Mutex<Vec<(Savepoint, usize)>>,
}

impl WithLocal {
    pub(super) fn new(stored: Arc<dyn Transaction>, local: Arc<LocalRows>) -> WithLocal {
        WithLocal { stored, local, marks: Mutex::default() }
    }

    fn marked(&self, stored: Savepoint) -> Savepoint {
        let both = (stored, self.local.mark());
        let mut marks = self.marks.lock();
        if marks.last() != Some(&both) {
            marks.push(both);
        }
        Savepoint(OURS | (marks.len() - 1))
    }

    /// Undoes what was written to the session's rows; answers the store's mark.
    fn undo(&self, savepoint: Savepoint) -> Savepoint {
        let known = (savepoint.0 & OURS != 0)
            .then(|| self.marks.lock().get(savepoint.0 & !OURS).copied())
            .flatten();
        let (stored, local) = known.unwrap_or((savepoint, 0));
        self.local.roll_back_to(local);
        stored
    }
}

#[async_trait]
impl Transaction for WithLocal {
    fn start_ts(&self) -> Timestamp {
        self.stored.start_ts()
    }

    fn for_update_ts(&self) -> Timestamp {
        self.stored.for_update_ts()
    }

    fn is_pessimistic(&self) -> bool {
        self.stored.is_pessimistic()
    }

    fn is_clean(&self) -> bool {
        self.stored.is_clean() && self.local.mark() == 0
    }

    fn has_snapshot(&self) -> bool {
        self.stored.has_snapshot()
    }

    async fn get(&self, key: Bytes) -> SqlResult<Option<Bytes>> {
        if self.local.has(&key) {
            return Ok(self.local.get(&key));
        }
        self.stored.get(key).await
    }

    async fn batch_get(&self, keys: Vec<Bytes>) -> SqlResult<Vec<Option<Bytes>>> {
        // A statement asks for one table at a time.
        if keys.iter().all(|key| self.local.has(key)) {
            return Ok(keys.iter().map(|key| self.local.get(key)).collect());
        }
        self.stored.batch_get(keys).await
    }

    async fn scan(&self, options: ScanOptions) -> SqlResult<Box<dyn Scanner>> {
        if self.local.has(&options.start) {
            return Ok(self.local.scan(options));
        }
        self.stored.scan(options).await
    }

    async fn use_current_read(&self) -> SqlResult<()> {
        self.stored.use_current_read().await
    }

    fn use_locked_read(&self) {
        self.stored.use_locked_read();
    }

    fn begin_statement(&self) -> Savepoint {
        self.marked(self.stored.begin_statement())
    }

    fn savepoint(&self) -> Savepoint {
        self.marked(self.stored.savepoint())
    }

    fn rollback_to(&self, savepoint: Savepoint) {
        self.stored.rollback_to(self.undo(savepoint));
    }

    fn run_again_from(&self, savepoint: Savepoint) {
        self.stored.run_again_from(self.undo(savepoint));
    }

    async fn lock_keys(
        &self,
        keys: Vec<Bytes>,
        options: LockOptions,
    ) -> SqlResult<Vec<Option<Bytes>>> {
        // Nobody else could lock them.
        if keys.iter().all(|key| self.local.has(key)) {
            return Ok(keys.iter().map(|key| self.local.get(key)).collect());
        }
        self.stored.lock_keys(keys, options).await
    }

    fn put(&self, key: Bytes, value: Bytes) {
        match self.local.has(&key) {
            true => self.local.write(key, Some(value), false),
            false => self.stored.put(key, value),
        }
    }

    fn insert(&self, key: Bytes, value: Bytes) {
        match self.local.has(&key) {
            true => self.local.write(key, Some(value), true),
            false => self.stored.insert(key, value),
        }
    }

    fn delete(&self, key: Bytes) {
        match self.local.has(&key) {
            true => self.local.write(key, None, false),
            false => self.stored.delete(key),
        }
    }

    fn check_size(&self) -> SqlResult<()> {
        self.local.check()?;
        self.stored.check_size()
    }

    fn buffered(&self, key: &[u8]) -> Option<Option<Bytes>> {
        if self.local.has(key) {
            // What is there is what the transaction sees.
            return Some(self.local.get(key));
        }
        self.stored.buffered(key)
    }

    async fn commit(&self) -> SqlResult<Option<Timestamp>> {
        if let Err(error) = self.local.check() {
            self.rollback().await?;
            return Err(error);
        }
        match self.stored.commit().await {
            Ok(at) => {
                self.local.commit();
                Ok(at)
            }
            Err(error) => {
                self.local.roll_back_to(0);
                Err(error)
            }
        }
    }

    async fn rollback(&self) -> SqlResult<()> {
        self.local.roll_back_to(0);
        self.stored.rollback().await
    }
}
