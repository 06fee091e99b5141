//! The schema that statements are bound against.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use super::run::SchemaSync;
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::InfoSchema;
use crate::sql::ddl::{Changed, VersionChange, load_schema, load_schema_after};
use crate::sql::kv::{KvStore, TxnOptions};

/// How many versions back it is known which tables a version changed.
const HISTORY: usize = 1024;

/// How long a commit waits for the lease, if this node has lost it.
const LEASE_PATIENCE: Duration = Duration::from_secs(10);
/// How often it looks.
const LEASE_PAUSE: Duration = Duration::from_millis(20);

/// A transaction that has written to a table is waited for so much longer than one that has only read: it could not commit any more.
pub const PATIENCE_WITH_WRITERS: u32 = 15;

/// The newest schema this node has read, and who still works with older ones. Shared by all sessions.
pub struct SchemaCache {
    current: ArcSwap<InfoSchema>,
    inner: Mutex<Inner>,
    left: Notify,
    /// Whether others wait for this node before they change a table. Without: there are no others.
    lease: OnceLock<Box<dyn Fn() -> Option<u64> + Send + Sync>>,
    /// The schema is at least as new as the beginning of this life of the lease.
    known_in: AtomicU64,
}

#[derive(Default)]
struct Inner {
    /// Versions with the tables they changed, oldest first.
    history: VecDeque<(i64, Vec<i64>)>,
    holders: BTreeMap<u64, Holder>,
    last_holder: u64,
}

/// A transaction that works with a version.
struct Holder {
    version: i64,
    tables: BTreeSet<i64>,
    /// Those of them it has written to.
    written: BTreeSet<i64>,
    committing: bool,
}

/// What the most important of those does who work with an older state of a table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Behind {
    Nobody,
    Reads,
    Writes,
    Commits,
}

impl SchemaCache {
    /// A cache that shows this schema.
    pub fn new(schema: InfoSchema) -> Arc<SchemaCache> {
        Arc::new(SchemaCache {
            current: ArcSwap::from_pointee(schema),
            inner: Mutex::default(),
            left: Notify::new(),
            lease: OnceLock::new(),
            known_in: AtomicU64::new(0),
        })
    }

    /// A cache of the schema as the store has it.
    pub async fn load(store: &dyn KvStore) -> SqlResult<Arc<SchemaCache>> {
        let txn = store.begin(TxnOptions::default()).await?;
        let (version, databases) = load_schema(&*txn).await?;
        txn.rollback().await?;
        Ok(SchemaCache::new(InfoSchema::new(version, databases)))
    }

    /// From now on transactions that write commit only while `lease` holds: while other nodes wait for this one before
    /// they change a table. A lease that was lost and won again is another one, with a higher number: what changed in between nobody
    /// has waited with, so the schema is read again before anything is committed. Said once.
    pub fn commit_only_while(&self, lease: impl Fn() -> Option<u64> + Send + Sync + 'static) {
        let _ = self.lease.set(Box::new(lease));
    }

    /// The newest schema.
    pub fn current(&self) -> Arc<InfoSchema> {
        self.current.load_full()
    }

    /// Reads what is newer in the store.
    pub async fn refresh(&self, store: &dyn KvStore) -> SqlResult<()> {
        let lease = self.lease.get().and_then(|lease| lease());
        let txn = store.begin(TxnOptions::default()).await?;
        let known = self.current.load_full();
        if let Some((schema, changes)) = load_schema_after(&*txn, &known).await? {
            self.publish(schema, changes);
        }
        txn.rollback().await?;
        if let Some(lease) = lease {
            self.known_in.fetch_max(lease, Ordering::AcqRel);
        }
        Ok(())
    }

    /// Whether this node may commit by the schema it knows.
    fn may_commit(&self) -> bool {
        let Some(lease) = self.lease.get() else { return true };
        lease().is_some_and(|lease| lease == self.known_in.load(Ordering::Acquire))
    }

    /// Waits until it may, a moment at most: a process that stood still is announced again as soon as it runs, and then reads the schema.
    pub async fn until_it_may_commit(&self, store: &dyn KvStore) {
        let began = Instant::now();
        while !self.may_commit() && began.elapsed() < LEASE_PATIENCE {
            let is_held = self.lease.get().is_some_and(|lease| lease().is_some());
            if !is_held || self.refresh(store).await.is_err() {
                sleep(LEASE_PAUSE).await;
            }
        }
    }

    fn publish(&self, schema: InfoSchema, changes: Vec<VersionChange>) {
        let mut inner = self.inner.lock();
        let known = self.current.load().version();
        if schema.version() <= known {
            return;
        }
        let newer = changes.into_iter().filter(|change| change.version > known);
        inner.history.extend(newer.map(|VersionChange { version, changed }| {
            (version, changed.into_iter().map(Changed::id).collect())
        }));
        let excess = inner.history.len().saturating_sub(HISTORY);
        inner.history.drain(..excess);
        self.current.store(Arc::new(schema));
    }

    /// Enters with the newest schema. The guard is kept as long as the transaction (or the statement outside of one) lasts.
    pub fn enter(self: &Arc<Self>) -> SchemaGuard {
        let mut inner = self.inner.lock();
        let schema = self.current.load_full();
        inner.last_holder += 1;
        let id = inner.last_holder;
        let version = schema.version();
        inner.holders.insert(
            id,
            Holder {
                version,
                tables: BTreeSet::new(),
                written: BTreeSet::new(),
                committing: false,
            },
        );
        SchemaGuard { cache: self.clone(), id, schema }
    }

    /// Waits until nobody works with these tables as they were before their last change; `false` if somebody still does after
    /// `bound`, or [`PATIENCE_WITH_WRITERS`] times that if it has written to them. Those whose commit is under way are waited for without bound.
    pub async fn wait_drained(&self, tables: &[i64], bound: Duration) -> bool {
        let begun = tokio::time::Instant::now();
        loop {
            let left = self.left.notified();
            let deadline = match self.behind(tables) {
                Behind::Nobody => return true,
                Behind::Reads => begun + bound,
                Behind::Writes => begun + bound * PATIENCE_WITH_WRITERS,
                Behind::Commits => {
                    // Commits are short and have deadlines of their own.
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    continue;
                }
            };
            if tokio::time::timeout_at(deadline, left).await.is_err() {
                return self.behind(tables) == Behind::Nobody;
            }
        }
    }

    /// Who works with an older state of these tables.
    fn behind(&self, tables: &[i64]) -> Behind {
        let inner = self.inner.lock();
        let changed = inner
            .history
            .iter()
            .rev()
            .find(|(_, changed)| changed.iter().any(|table| tables.contains(table)))
            .map_or(i64::MIN, |(version, _)| *version);
        let works_on = |set: &BTreeSet<i64>| tables.iter().any(|table| set.contains(table));
        let states_since = |version: i64| {
            let newer = inner.history.iter().filter(|(changed, _)| *changed > version);
            newer.filter(|(_, changed)| changed.iter().any(|table| tables.contains(table))).count()
        };
        let behind = inner.holders.values().map(|holder| match holder {
            _ if holder.version >= changed || !works_on(&holder.tables) => Behind::Nobody,
            _ if holder.committing => Behind::Commits,
            // One that is two states behind cannot commit, however long it is waited for.
            _ if works_on(&holder.written) && states_since(holder.version) < 2 => Behind::Writes,
            _ => Behind::Reads,
        });
        behind.max().unwrap_or(Behind::Nobody)
    }
}

/// A transaction's hold on the schema it works with.
pub struct SchemaGuard {
    cache: Arc<SchemaCache>,
    id: u64,
    schema: Arc<InfoSchema>,
}

impl SchemaGuard {
    /// The schema to bind statements against.
    pub fn schema(&self) -> &Arc<InfoSchema> {
        &self.schema
    }

    /// Notes that the transaction uses these tables, before it reads or writes them.
    pub fn touch(&self, tables: impl IntoIterator<Item = i64>) {
        let mut inner = self.cache.inner.lock();
        if let Some(holder) = inner.holders.get_mut(&self.id) {
            holder.tables.extend(tables);
        }
    }

    /// Notes that the transaction has written to these tables, which it has touched.
    pub fn note_written(&self, tables: impl IntoIterator<Item = i64>) {
        let mut inner = self.cache.inner.lock();
        if let Some(holder) = inner.holders.get_mut(&self.id) {
            holder.written.extend(tables);
        }
    }

    /// Goes on with the newest schema, if no table that the transaction has used has changed since the one it has.
    pub fn renew(&mut self) {
        let version = self.schema.version();
        if self.cache.current.load().version() == version {
            return;
        }
        let mut inner = self.cache.inner.lock();
        let Inner { history, holders, .. } = &mut *inner;
        let schema = self.cache.current.load_full();
        let Some(holder) = holders.get_mut(&self.id) else { return };
        if !holder.tables.is_empty() {
            let known = history.front().is_some_and(|(first, _)| *first <= version + 1);
            let mut newer = history.iter().filter(|(changed, _)| *changed > version);
            let touched =
                newer.any(|(_, changed)| changed.iter().any(|id| holder.tables.contains(id)));
            if !known || touched {
                return;
            }
        }
        holder.version = schema.version();
        self.schema = schema;
    }

    /// Whether a transaction that has written these tables may commit: they are still there, and none has changed by more than one
    /// state. Error 8028 otherwise; 8027 if this node cannot know, because it has lost touch with its cluster. From here on the next change of a table waits for the guard to be dropped.
    pub fn begin_commit(&self, tables: &[i64]) -> SqlResult<()> {
        if !self.cache.may_commit() {
            return Err(SqlError::new(
                errno::INFO_SCHEMA_EXPIRED,
                "Information schema is out of date: schema failed to update in 1 lease, please make sure this node can connect to the placement driver",
            ));
        }
        let mut inner = self.cache.inner.lock();
        let current = self.cache.current.load();
        let version = self.schema.version();
        if current.version() != version {
            let known = inner.history.front().is_some_and(|(first, _)| *first <= version + 1);
            for table in tables {
                let newer = inner.history.iter().filter(|(changed, _)| *changed > version);
                let changes = newer.filter(|(_, changed)| changed.contains(table)).count();
                if !known || changes > 1 || current.table_by_id(*table).is_none() {
                    return Err(SqlError::new(
                        errno::INFO_SCHEMA_CHANGED,
                        "Information schema is changed during the execution of the statement \
                         (for example, table definition may be updated by other DDL ran in \
                         parallel). [try again later]",
                    ));
                }
            }
        }
        if let Some(holder) = inner.holders.get_mut(&self.id) {
            holder.committing = true;
        }
        Ok(())
    }
}

impl Drop for SchemaGuard {
    fn drop(&mut self) {
        self.cache.inner.lock().holders.remove(&self.id);
        self.cache.left.notify_waiters();
    }
}

/// One process: its own cache is everybody's.
pub struct LocalSync {
    cache: Arc<SchemaCache>,
    bound: Duration,
}

impl LocalSync {
    /// Waits for the users of this cache, each time for `bound` at most.
    pub fn new(cache: Arc<SchemaCache>, bound: Duration) -> LocalSync {
        LocalSync { cache, bound }
    }
}

#[async_trait]
impl SchemaSync for LocalSync {
    async fn wait(&self, tables: &[i64]) {
        if !self.cache.wait_drained(tables, self.bound).await {
            tracing::warn!(?tables, "transactions with an old schema are still open");
        }
    }
}
