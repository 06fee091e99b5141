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
use crate::common::{Fault, SqlError, SqlResult, errno};
use crate::sql::catalog::{DatabaseInfo, ForeignKey, InfoSchema, TableInfo};
use crate::sql::ddl::{Changed, VersionChange, load_schema, load_schema_after};
use crate::sql::kv::{KvStore, TxnOptions};
use crate::sql::system;

/// How many versions back it is known which tables a version changed.
const HISTORY: usize = 1024;
/// From so many on it is looked which of them are still needed.
const MOST_FENCES: usize = 4096;

/// How long a commit waits for the lease, if this node has lost it.
const LEASE_PATIENCE: Duration = Duration::from_secs(10);
/// How often it looks.
const LEASE_PAUSE: Duration = Duration::from_millis(20);

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
    /// Whoever has changed a table has been told that nobody works with a version before this one.
    fences: BTreeMap<i64, i64>,
    /// The version by which this node was counted in again, after others had stopped to wait for it.
    cut: i64,
}

/// A transaction that works with a version.
struct Holder {
    schema: Arc<InfoSchema>,
    /// The connection that it belongs to.
    connection: u32,
    tables: BTreeSet<i64>,
    /// Those of them it has written to.
    written: BTreeSet<i64>,
}

impl Inner {
    /// From now on nobody writes to these tables who knows them only from before this version.
    fn fence(&mut self, tables: &[i64], version: i64) {
        if self.fences.len() >= MOST_FENCES {
            // Those that no transaction is old enough for keep nobody out.
            let oldest = self.holders.values().map(|holder| holder.schema.version()).min();
            self.fences.retain(|_, fence| oldest.is_some_and(|oldest| oldest < *fence));
        }
        self.fences.extend(tables.iter().map(|table| (*table, version)));
    }

    fn is_fenced(&self, table: i64, version: i64) -> bool {
        self.fences.get(&table).is_some_and(|fence| version < *fence)
    }

    /// The connections that work with an older state of these tables. If there are none, nobody will any more.
    fn behind(&mut self, tables: &[i64]) -> Vec<u32> {
        let is_one = |changed: &Vec<i64>| changed.iter().any(|table| tables.contains(table));
        let last = self.history.iter().rev().find(|(_, changed)| is_one(changed));
        let Some(version) = last.map(|(version, _)| *version) else { return Vec::new() };
        let behind = self.holders.values().filter(|holder| {
            holder.schema.version() < version
                && tables.iter().any(|table| holder.tables.contains(table))
        });
        let connections: BTreeSet<u32> = behind.map(|holder| holder.connection).collect();
        if connections.is_empty() {
            self.fence(tables, version);
        }
        connections.into_iter().collect()
    }
}

/// A table that a transaction works with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldTable {
    /// Its database.
    pub database: String,
    /// Its name.
    pub table: String,
    /// It has been written to.
    pub written: bool,
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
        Ok(SchemaCache::new(system::info_schema(version, databases)))
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
            let before = self.known_in.load(Ordering::Acquire);
            if before < lease {
                self.inner.lock().cut = self.current.load().version();
            }
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

    /// Enters with the newest schema. The guard is kept as long as the transaction (or the statement outside of one) of that
    /// connection lasts.
    pub fn enter(self: &Arc<Self>, connection: u32) -> SchemaGuard {
        let mut inner = self.inner.lock();
        let schema = self.current.load_full();
        inner.last_holder += 1;
        let id = inner.last_holder;
        inner.holders.insert(
            id,
            Holder {
                schema: schema.clone(),
                connection,
                tables: BTreeSet::new(),
                written: BTreeSet::new(),
            },
        );
        SchemaGuard { cache: self.clone(), id, schema }
    }

    /// Waits until nobody works with these tables as they were before their last change: the connections that still do after
    /// `bound`. If there are none, nobody will write to them any more who knows them only as they were.
    pub async fn wait_drained(&self, tables: &[i64], bound: Duration) -> Vec<u32> {
        let deadline = tokio::time::Instant::now() + bound;
        loop {
            let mut left = std::pin::pin!(self.left.notified());
            left.as_mut().enable();
            let behind = self.inner.lock().behind(tables);
            if behind.is_empty() || tokio::time::timeout_at(deadline, left).await.is_err() {
                return behind;
            }
        }
    }

    /// The tables that transactions work with, by connection.
    pub fn held(&self) -> BTreeMap<u32, Vec<HeldTable>> {
        let inner = self.inner.lock();
        let mut all: BTreeMap<u32, Vec<HeldTable>> = BTreeMap::new();
        for holder in inner.holders.values() {
            let held = holder.tables.iter().filter_map(|id| {
                let (database, table) = holder.schema.table_by_id(*id)?;
                let (database, table) = (database.name.clone(), table.name.clone());
                Some(HeldTable { database, table, written: holder.written.contains(id) })
            });
            all.entry(holder.connection).or_default().extend(held);
        }
        all
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

    /// Notes that the transaction is to write to a table which it has touched. Error 1412 if it knows the table only from before a
    /// change that counts on all such transactions being over.
    pub fn note_written(&self, table: i64) -> SqlResult<()> {
        let mut inner = self.cache.inner.lock();
        if inner.is_fenced(table, self.schema.version()) {
            return Err(SqlError::new(
                errno::TABLE_DEF_CHANGED,
                "Table definition has changed, please retry transaction",
            ));
        }
        if let Some(holder) = inner.holders.get_mut(&self.id) {
            holder.written.insert(table);
        }
        Ok(())
    }

    /// Whether the transaction has used a table.
    pub fn uses(&self, table: i64) -> bool {
        let inner = self.cache.inner.lock();
        inner.holders.get(&self.id).is_some_and(|holder| holder.tables.contains(&table))
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
        holder.schema = schema.clone();
        self.schema = schema;
    }

    /// Whether a transaction that has written these tables may commit: none has changed by more than one state, unless it is again as it
    /// was. Error 8028 otherwise; 8027 if this node cannot know, because it has lost touch with its cluster. The next change of a table
    /// waits for the guard to be dropped.
    pub fn begin_commit(&self, tables: &[i64]) -> SqlResult<()> {
        if !self.cache.may_commit() {
            return Err(Fault::SchemaOutOfDate.into());
        }
        let inner = self.cache.inner.lock();
        let current = self.cache.current.load();
        let version = self.schema.version();
        if current.version() == version {
            return Ok(());
        }
        let known = inner.history.front().is_some_and(|(first, _)| *first <= version + 1);
        let may_write = |table: i64| {
            let newer = inner.history.iter().filter(|(changed, _)| *changed > version);
            let changes = newer.filter(|(_, changed)| changed.contains(&table)).count();
            let most = usize::from(version >= inner.cut);
            let keeps = changes <= most || is_as_it_was(table, &self.schema, &current);
            known && keeps && !inner.is_fenced(table, version)
        };
        if tables.iter().all(|table| may_write(*table)) {
            return Ok(());
        }
        Err(Fault::SchemaChanged.into())
    }
}

/// Whether a table is the same in both: a change of it was taken back.
fn is_as_it_was(table: i64, old: &InfoSchema, new: &InfoSchema) -> bool {
    match (old.table_by_id(table), new.table_by_id(table)) {
        (Some((home, before)), Some((_, now))) => {
            let same = TableInfo { version: before.version, ..(**now).clone() } == **before;
            same && keys_to(home, before, old) == keys_to(home, before, new)
        }
        _ => false,
    }
}

/// The foreign keys that refer to a table.
fn keys_to<'s>(
    home: &DatabaseInfo,
    table: &TableInfo,
    schema: &'s InfoSchema,
) -> Vec<&'s ForeignKey> {
    let children = schema.children(&home.name, &table.name);
    let keys = children.flat_map(|(_, child)| &child.foreign_keys);
    keys.filter(|key| key.refers_to(&home.name, &table.name)).collect()
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
}

impl LocalSync {
    /// Waits for the users of this cache.
    pub fn new(cache: Arc<SchemaCache>) -> LocalSync {
        LocalSync { cache }
    }
}

#[async_trait]
impl SchemaSync for LocalSync {
    async fn wait(&self, tables: &[i64], bound: Duration) -> Vec<u32> {
        self.cache.wait_drained(tables, bound).await
    }
}
