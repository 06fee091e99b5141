//! The schema under the `m` prefix.
//!
//! ```text
//! m V                        schema version                     8 bytes, big endian
//! m N                        last id given to a database or table
//! m J                        last job id
//! m C <version>              what a version changed             JSON list of database and table ids
//! m X <database id> <name>   id of the table of that name, in lower case; of a database under id 0
//! m Y                        `m X` is complete
//! m D <database id>          DatabaseInfo                       JSON
//! m T <database id> <table>  TableInfo                          JSON
//! m I <table id> <kind>      next AUTO_INCREMENT value ('a') or hidden row id ('r')
//! m Q <job id>               a job in the queue                 JSON
//! m H <job id>               a finished job                     JSON
//! m R <job id> <n>           a range of keys to delete          JSON
//! m S <table id>             TableStats                         JSON
//! m F <parent> <table id>    a table with a foreign key that refers (or referred) to the parent, by names: its database's id
//! m G <database id> <name>   id of the table with the foreign key of that name, in lower case (or that had it)
//! m W                        written with every job that adds something: see `storage::region::reserve`
//! ```
//!
//! Numbers in keys are 8 bytes big endian, so a scan gives them in order.

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Job;
use crate::common::{SqlError, SqlResult};
use crate::sql::catalog::{DatabaseInfo, TableInfo};
use crate::sql::kv::{KvPair, ScanOptions, Transaction};
use crate::sql::stats::TableStats;
use crate::sql::table_codec::{counter_key, row_range};
use crate::storage::codec::table::prefix_end;
use crate::storage::region::reserve::ADDS_KEY;

mod counts;

/// A range no transaction will read again once those older than `dropped_ms` are gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteRange {
    /// The job that dropped it.
    pub job: u64,
    /// Position among that job's ranges.
    pub position: u64,
    /// First key.
    pub start: Vec<u8>,
    /// Past the last key.
    pub end: Vec<u8>,
    /// When it was dropped, by the oracle's clock.
    pub dropped_ms: u64,
}

/// Under this id are the names of databases: no database has it.
const DATABASES: i64 = 0;

/// What a version of the schema changed: a database, or a table in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Changed {
    /// A table: its database's id and its own.
    Table(i64, i64),
    /// A database; or, written by an earlier version, something whose database is not told.
    Other(i64),
}

impl Changed {
    /// The id of what changed.
    pub fn id(self) -> i64 {
        match self {
            Changed::Table(_, id) | Changed::Other(id) => id,
        }
    }
}

/// The changes of one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionChange {
    /// The version that has them.
    pub version: i64,
    /// What changed.
    pub changed: Vec<Changed>,
}

/// The schema seen through one transaction.
pub struct Meta<'a> {
    txn: &'a dyn Transaction,
}

/// A key of the schema: what kind of record it is, and the ids that tell it from others.
fn key(kind: u8, ids: &[u64]) -> Bytes {
    let mut key = Vec::with_capacity(2 + ids.len() * 8);
    key.extend_from_slice(&[b'm', kind]);
    for id in ids {
        key.extend_from_slice(&id.to_be_bytes());
    }
    key.into()
}

/// The key of the id of what has this name in a database.
fn name_key(database: i64, name: &str) -> Bytes {
    let mut key = key(b'X', &[database.cast_unsigned()]).to_vec();
    key.extend_from_slice(name.to_lowercase().as_bytes());
    key.into()
}

/// What the keys of tables that refer to this one start with. Names hold no byte 0.
fn children_prefix(database: &str, table: &str) -> Bytes {
    let mut key = key(b'F', &[]).to_vec();
    for name in [database, table] {
        key.extend_from_slice(name.to_lowercase().as_bytes());
        key.push(0);
    }
    key.into()
}

/// The key of the name of a foreign key, which a database has once.
fn foreign_key_name(database: i64, name: &str) -> Bytes {
    let mut key = key(b'G', &[database.cast_unsigned()]).to_vec();
    key.extend_from_slice(name.to_lowercase().as_bytes());
    key.into()
}

/// A record as it is stored: JSON, so that later versions can add to it.
fn encode<T: Serialize>(value: &T) -> SqlResult<Bytes> {
    serde_json::to_vec(value).map(Bytes::from).map_err(SqlError::internal)
}

/// What is kept as JSON.
fn decode<T: DeserializeOwned>(bytes: &[u8]) -> SqlResult<T> {
    serde_json::from_slice(bytes)
        .map_err(|error| SqlError::internal(format!("the stored schema is damaged: {error}")))
}

/// A number that is kept by itself.
fn number(bytes: &[u8]) -> SqlResult<u64> {
    let bytes = bytes
        .try_into()
        .map_err(|_| SqlError::internal("the stored schema is damaged: a counter of odd length"))?;
    Ok(u64::from_be_bytes(bytes))
}

impl<'a> Meta<'a> {
    /// The schema as this transaction sees it.
    pub fn new(txn: &'a dyn Transaction) -> Meta<'a> {
        Meta { txn }
    }

    /// A number that is kept under a key; 0 before it was.
    async fn counter(&self, key: Bytes) -> SqlResult<u64> {
        self.txn.get(key).await?.map_or(Ok(0), |value| number(&value))
    }

    /// Keeps a number under a key.
    fn set_counter(&self, key: Bytes, value: u64) {
        self.txn.put(key, Bytes::copy_from_slice(&value.to_be_bytes()));
    }

    /// What is kept under a key, if anything is.
    async fn get<T: DeserializeOwned>(&self, key: Bytes) -> SqlResult<Option<T>> {
        self.txn.get(key).await?.map(|value| decode(&value)).transpose()
    }

    /// All that is kept below a prefix, in the order of keys.
    async fn pairs(&self, prefix: Bytes) -> SqlResult<Vec<KvPair>> {
        let options =
            ScanOptions { end: prefix_end(&prefix), start: prefix, ..ScanOptions::default() };
        let mut scanner = self.txn.scan(options).await?;
        let mut pairs = Vec::new();
        loop {
            let batch = scanner.next_batch().await?;
            if batch.is_empty() {
                return Ok(pairs);
            }
            pairs.extend(batch);
        }
    }

    /// All records whose keys start so, in the order of the keys.
    async fn list<T: DeserializeOwned>(&self, prefix: Bytes) -> SqlResult<Vec<T>> {
        self.pairs(prefix).await?.iter().map(|pair| decode(&pair.value)).collect()
    }

    /// The number of the newest schema version.
    pub async fn schema_version(&self) -> SqlResult<i64> {
        Ok(self.counter(key(b'V', &[])).await?.cast_signed())
    }

    /// Makes the next version, which has these changes, and answers its number.
    pub async fn bump_schema_version(&self, changed: &[Changed]) -> SqlResult<i64> {
        let version = self.counter(key(b'V', &[])).await? + 1;
        self.set_counter(key(b'V', &[]), version);
        self.txn.put(key(b'C', &[version]), encode(&changed)?);
        Ok(version.cast_signed())
    }

    /// What each version after `after` changed, oldest first.
    pub async fn changes_since(&self, after: i64) -> SqlResult<Vec<VersionChange>> {
        let options = ScanOptions {
            start: key(b'C', &[after.cast_unsigned() + 1]),
            end: prefix_end(&key(b'C', &[])),
            ..ScanOptions::default()
        };
        let mut scanner = self.txn.scan(options).await?;
        let mut changes = Vec::new();
        loop {
            let batch = scanner.next_batch().await?;
            if batch.is_empty() {
                return Ok(changes);
            }
            for pair in batch {
                let version = number(&pair.key[2..])?.cast_signed();
                changes.push(VersionChange { version, changed: decode(&pair.value)? });
            }
        }
    }

    /// An id nobody had, for a database or a table.
    pub async fn new_id(&self) -> SqlResult<i64> {
        let id = self.counter(key(b'N', &[])).await? + 1;
        self.set_counter(key(b'N', &[]), id);
        Ok(id.cast_signed())
    }

    /// All databases, by id.
    pub async fn databases(&self) -> SqlResult<Vec<DatabaseInfo>> {
        self.list(key(b'D', &[])).await
    }

    /// The database of that name, whatever its case.
    pub async fn database(&self, name: &str) -> SqlResult<Option<DatabaseInfo>> {
        match self.id_of(DATABASES, name).await? {
            Some(id) => self.database_by_id(id).await,
            None => Ok(None),
        }
    }

    /// The database with that id.
    pub async fn database_by_id(&self, id: i64) -> SqlResult<Option<DatabaseInfo>> {
        self.get(key(b'D', &[id.cast_unsigned()])).await
    }

    /// Writes a database.
    pub fn put_database(&self, database: &DatabaseInfo) -> SqlResult<()> {
        self.set_counter(name_key(DATABASES, &database.name), database.id.cast_unsigned());
        self.txn.put(key(b'D', &[database.id.cast_unsigned()]), encode(database)?);
        Ok(())
    }

    /// Forgets a database.
    pub fn delete_database(&self, database: &DatabaseInfo) {
        self.txn.delete(name_key(DATABASES, &database.name));
        self.txn.delete(key(b'D', &[database.id.cast_unsigned()]));
    }

    /// The id of what has that name in a database (or, of a database). What an earlier version has written is looked through
    /// once, and has its names noted.
    async fn id_of(&self, database: i64, name: &str) -> SqlResult<Option<i64>> {
        if self.txn.get(key(b'Y', &[])).await?.is_none() {
            self.note_names().await?;
        }
        let id = self.txn.get(name_key(database, name)).await?;
        id.map(|id| number(&id).map(u64::cast_signed)).transpose()
    }

    /// Notes the ids of all names, once: earlier versions did not.
    async fn note_names(&self) -> SqlResult<()> {
        for database in self.databases().await? {
            let id = database.id.cast_unsigned();
            self.set_counter(name_key(DATABASES, &database.name), id);
            for table in self.tables(database.id).await? {
                self.set_counter(name_key(database.id, &table.name), table.id.cast_unsigned());
            }
        }
        self.txn.put(key(b'Y', &[]), Bytes::from_static(b"1"));
        Ok(())
    }

    /// The tables of a database, by id.
    pub async fn tables(&self, database: i64) -> SqlResult<Vec<TableInfo>> {
        self.list(key(b'T', &[database.cast_unsigned()])).await
    }

    /// The table of that name, whatever its case.
    pub async fn table(&self, database: i64, name: &str) -> SqlResult<Option<TableInfo>> {
        match self.id_of(database, name).await? {
            Some(id) => self.table_by_id(database, id).await,
            None => Ok(None),
        }
    }

    /// The table with that id.
    pub async fn table_by_id(&self, database: i64, id: i64) -> SqlResult<Option<TableInfo>> {
        self.get(key(b'T', &[database.cast_unsigned(), id.cast_unsigned()])).await
    }

    /// The tables with those ids, each with that of its database; `None` for one that is not there.
    pub async fn tables_by_id(&self, ids: &[(i64, i64)]) -> SqlResult<Vec<Option<TableInfo>>> {
        let key = |(database, table): &(i64, i64)| {
            key(b'T', &[database.cast_unsigned(), table.cast_unsigned()])
        };
        let stored = self.txn.batch_get(ids.iter().map(key).collect()).await?;
        stored.into_iter().map(|value| value.map(|value| decode(&value)).transpose()).collect()
    }

    /// Whether there are rows in a table.
    pub async fn has_rows(&self, table: i64) -> SqlResult<bool> {
        let (start, end) = row_range(table);
        let options = ScanOptions { start, end, limit: Some(1), ..ScanOptions::default() };
        Ok(self.first_of(options).await?.is_some())
    }

    /// The first pair of a scan.
    pub(super) async fn first_of(&self, options: ScanOptions) -> SqlResult<Option<KvPair>> {
        Ok(self.txn.scan(options).await?.next_batch().await?.into_iter().next())
    }

    /// Writes a table.
    pub fn put_table(&self, database: i64, table: &TableInfo) -> SqlResult<()> {
        self.set_counter(name_key(database, &table.name), table.id.cast_unsigned());
        let key = key(b'T', &[database.cast_unsigned(), table.id.cast_unsigned()]);
        self.txn.put(key, encode(table)?);
        for foreign in &table.foreign_keys {
            let parent = children_prefix(&foreign.parent_database, &foreign.parent_table);
            let child = [&parent[..], &table.id.to_be_bytes()].concat();
            self.set_counter(child.into(), database.cast_unsigned());
            let name = foreign_key_name(database, &foreign.name);
            self.set_counter(name, table.id.cast_unsigned());
        }
        Ok(())
    }

    /// Forgets a table under the name and in the database that it has had: it is to be written under others.
    pub(super) fn unname_table(&self, database: i64, table: &TableInfo) {
        self.txn.delete(name_key(database, &table.name));
        self.txn.delete(key(b'T', &[database.cast_unsigned(), table.id.cast_unsigned()]));
    }

    /// The tables whose foreign keys refer to this one, each with its database.
    pub(super) async fn children(
        &self,
        database: &str,
        table: &str,
    ) -> SqlResult<Vec<(DatabaseInfo, TableInfo)>> {
        let prefix = children_prefix(database, table);
        let mut children = Vec::new();
        for pair in self.pairs(prefix.clone()).await? {
            let (home, id) = (number(&pair.value)?, number(&pair.key[prefix.len()..])?);
            let child = self.table_by_id(home.cast_signed(), id.cast_signed()).await?;
            // It may refer to it no more.
            let child = child.filter(|child| {
                child.foreign_keys.iter().any(|key| key.refers_to(database, table))
            });
            let home = self.database_by_id(home.cast_signed()).await?;
            children.extend(home.zip(child));
        }
        Ok(children)
    }

    /// The table in a database that has a foreign key of this name.
    pub(super) async fn foreign_key_of(
        &self,
        database: i64,
        name: &str,
    ) -> SqlResult<Option<TableInfo>> {
        let Some(id) = self.txn.get(foreign_key_name(database, name)).await? else {
            return Ok(None);
        };
        let table = self.table_by_id(database, number(&id)?.cast_signed()).await?;
        let named = |table: &TableInfo| {
            table.foreign_keys.iter().any(|key| key.name.to_lowercase() == name.to_lowercase())
        };
        Ok(table.filter(named))
    }

    /// Forgets a table, its counters and its statistics.
    pub fn delete_table(&self, database: i64, table: &TableInfo) {
        let id = table.id;
        self.txn.delete(name_key(database, &table.name));
        for foreign in &table.foreign_keys {
            let parent = children_prefix(&foreign.parent_database, &foreign.parent_table);
            self.txn.delete([&parent[..], &id.to_be_bytes()].concat().into());
            self.txn.delete(foreign_key_name(database, &foreign.name));
        }
        self.txn.delete(key(b'S', &[id.cast_unsigned()]));
        self.txn.delete(key(b'T', &[database.cast_unsigned(), id.cast_unsigned()]));
        self.txn.delete(counter_key(id, b'a'));
        self.txn.delete(counter_key(id, b'r'));
    }

    /// The statistics of the tables that have any, by table.
    pub async fn all_stats(&self) -> SqlResult<Vec<TableStats>> {
        self.list(key(b'S', &[])).await
    }

    /// The statistics of a table.
    pub async fn stats(&self, table: i64) -> SqlResult<Option<TableStats>> {
        self.get(key(b'S', &[table.cast_unsigned()])).await
    }

    /// Writes a table's statistics.
    pub fn put_stats(&self, stats: &TableStats) -> SqlResult<()> {
        self.txn.put(key(b'S', &[stats.table.cast_unsigned()]), encode(stats)?);
        Ok(())
    }

    /// Has this transaction refused if the disks are almost full.
    pub(super) fn needs_room(&self) {
        self.txn.put(Bytes::from_static(ADDS_KEY), Bytes::from_static(b"1"));
    }

    /// Puts a job at the end of the queue and answers it with its id.
    pub async fn push_job(&self, mut job: Job) -> SqlResult<Job> {
        job.id = self.counter(key(b'J', &[])).await? + 1;
        self.set_counter(key(b'J', &[]), job.id);
        self.put_job(&job)?;
        Ok(job)
    }

    /// The queue, oldest first.
    pub async fn jobs(&self) -> SqlResult<Vec<Job>> {
        self.list(key(b'Q', &[])).await
    }

    /// The jobs of the queue with numbers above this one, oldest first. A job that is put into the queue has a higher number than
    /// any that is there by then.
    pub async fn jobs_after(&self, known: u64) -> SqlResult<Vec<Job>> {
        let options = ScanOptions {
            start: key(b'Q', &[known + 1]),
            end: prefix_end(&key(b'Q', &[])),
            ..ScanOptions::default()
        };
        let mut scanner = self.txn.scan(options).await?;
        let mut jobs = Vec::new();
        loop {
            let batch = scanner.next_batch().await?;
            if batch.is_empty() {
                return Ok(jobs);
            }
            for pair in &batch {
                jobs.push(decode(&pair.value)?);
            }
        }
    }

    /// The queued job with that id.
    pub async fn job(&self, id: u64) -> SqlResult<Option<Job>> {
        self.get(key(b'Q', &[id])).await
    }

    /// Writes a queued job back.
    pub fn put_job(&self, job: &Job) -> SqlResult<()> {
        self.txn.put(key(b'Q', &[job.id]), encode(job)?);
        Ok(())
    }

    /// Moves a finished job from the queue into the history.
    pub fn finish_job(&self, job: &Job) -> SqlResult<()> {
        self.txn.delete(key(b'Q', &[job.id]));
        self.txn.put(key(b'H', &[job.id]), encode(job)?);
        Ok(())
    }

    /// The finished job with that id.
    pub async fn finished_job(&self, id: u64) -> SqlResult<Option<Job>> {
        self.get(key(b'H', &[id])).await
    }

    /// All finished jobs, oldest first.
    pub async fn history(&self) -> SqlResult<Vec<Job>> {
        self.list(key(b'H', &[])).await
    }

    /// Remembers a range to delete.
    pub fn push_delete_range(&self, range: &DeleteRange) -> SqlResult<()> {
        self.txn.put(key(b'R', &[range.job, range.position]), encode(range)?);
        Ok(())
    }

    /// The ranges to delete, oldest first.
    pub async fn delete_ranges(&self) -> SqlResult<Vec<DeleteRange>> {
        self.list(key(b'R', &[])).await
    }

    /// Forgets a range that is deleted.
    pub fn remove_delete_range(&self, range: &DeleteRange) {
        self.txn.delete(key(b'R', &[range.job, range.position]));
    }
}

/// Takes the names away that an earlier version did not write.
#[cfg(test)]
pub(super) fn forget_names(txn: &dyn Transaction, names: &[(i64, &str)]) {
    txn.delete(key(b'Y', &[]));
    for (database, name) in names {
        txn.delete(name_key(*database, name));
    }
}
