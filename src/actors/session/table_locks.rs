//! LOCK TABLES and UNLOCK TABLES.
//!
//! The locks are in the tables' definitions ([`crate::sql::ddl`]): who plans a statement sees them. A statement that meets somebody
//! else's lock waits for it to go, up to `lock_wait_timeout`. The locks of a connection live as long as a lease that its node renews
//! ([`NamedLocks`](super::NamedLocks)); those of a connection that is gone are taken away by whoever waits for them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::core::Core;
use super::plan_tables::PlanTables;
use super::statement::Request;
use crate::common::{Fault, SqlError, SqlResult, errno};
use crate::sql::catalog::{DdlStatement, InfoSchema, TableInfo, TableLock, reads_of};
use crate::sql::parser::Statement;
use crate::sql::parser::ast::ObjectName;

/// How long to wait before looking again.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How many looks until it is asked whether the lock's owner is still there.
const LOOKS_PER_QUESTION: u32 = 50;
/// How long a change of locks may take.
const DEADLINE: Duration = Duration::from_secs(3600);

/// How many views may stand on each other that are locked as one.
const DEEPEST_VIEW: usize = 64;

/// Database and name in lower case.
type Name = (String, String);

/// The tables that the session has locked, and whether for writing.
pub(super) type OwnLocks = BTreeMap<Name, bool>;

/// Whether any table of the newest schema is locked. Looked at before every statement, so the answer is kept with the version.
#[derive(Debug)]
pub struct LockedTables(AtomicI64);

impl Default for LockedTables {
    fn default() -> LockedTables {
        LockedTables(AtomicI64::new(-1))
    }
}

impl LockedTables {
    fn any(&self, schema: &InfoSchema) -> bool {
        let known = self.0.load(Ordering::Acquire);
        if known >> 1 == schema.version() {
            return known & 1 == 1;
        }
        let any = schema
            .databases()
            .any(|database| schema.tables(&database.name).any(|table| !table.locks.is_empty()));
        self.0.store(schema.version() << 1 | i64::from(any), Ordering::Release);
        any
    }
}

/// The tables and views that a view reads.
fn tables_below(schema: &InfoSchema, table: &TableInfo, depth: usize) -> Vec<Name> {
    let query = table.view.as_ref().and_then(|view| view.query().ok());
    let Some(query) = query.filter(|_| depth < DEEPEST_VIEW) else { return Vec::new() };
    let mut found = Vec::new();
    for (database, table) in reads_of(&query, schema) {
        let Some(info) = schema.table(&database, &table).filter(|info| info.id > 0) else {
            continue;
        };
        found.push(name(&database, &table));
        found.extend(tables_below(schema, info, depth + 1));
    }
    found
}

fn name(database: &str, table: &str) -> Name {
    (database.to_lowercase(), table.to_lowercase())
}

impl Core {
    /// LOCK TABLES: gives up what was locked before, and waits for the locks.
    pub(super) async fn lock_tables(&mut self, tables: &[(ObjectName, bool)]) -> SqlResult<()> {
        self.unlock_tables().await?;
        let schema = self.services.schema.current();
        let mut wanted = Vec::with_capacity(tables.len());
        let mut own = OwnLocks::new();
        for (table, write) in tables {
            let (database, info) = self.find_table(&schema, table)?;
            if info.id < 0 {
                let message = format!("Access denied for user to database '{database}'");
                return Err(SqlError::new(errno::DB_ACCESS_DENIED, message));
            }
            // A table may be named twice, by different aliases: the stronger lock is for both.
            let known = own.entry(name(&database, &info.name)).or_insert(false);
            *known |= *write;
            // Of a view the tables below are locked as well.
            for read in tables_below(&schema, &info, 0) {
                *own.entry(read).or_insert(false) |= *write;
            }
        }
        wanted.extend(
            own.iter().map(|((database, table), write)| (database.clone(), table.clone(), *write)),
        );
        let owner = self.process.id;
        self.services.locks.hold_tables(owner, own.keys().cloned().collect()).await?;
        let until = Instant::now() + self.vars.system.lock().settings.table_lock_wait;
        let mut looks = 0;
        loop {
            let statement = DdlStatement::LockTables { tables: wanted.clone(), owner };
            match self.change_locks(statement).await {
                Err(error) if error.code == errno::LOCK_WAIT_TIMEOUT && Instant::now() < until => {
                    let schema = self.services.schema.current();
                    let table = |(database, table): &Name| schema.table(database, table);
                    let locked: Vec<&TableInfo> =
                        own.keys().filter_map(table).map(|table| &**table).collect();
                    self.look_again(&locked, &mut looks).await?;
                }
                Err(error) => {
                    self.unlock_tables().await?;
                    return Err(error);
                }
                Ok(()) => break,
            }
        }
        self.table_locks = Some(own);
        Ok(())
    }

    /// UNLOCK TABLES, and what does the same.
    pub(super) async fn unlock_tables(&mut self) -> SqlResult<()> {
        let owner = self.process.id;
        let tables = self.services.locks.locked_tables(owner);
        if tables.is_empty() {
            return Ok(());
        }
        self.commit().await?;
        self.table_locks = None;
        self.change_locks(DdlStatement::UnlockTables { tables, owner }).await?;
        self.services.locks.release_tables(owner).await
    }

    async fn change_locks(&self, statement: DdlStatement) -> SqlResult<()> {
        self.submit(statement, DEADLINE).await.map(|_| ())
    }

    /// Waits a little for somebody else's locks of these tables; frees them if their owners are gone.
    async fn look_again(&self, tables: &[&TableInfo], looks: &mut u32) -> SqlResult<()> {
        *looks += 1;
        if looks.is_multiple_of(LOOKS_PER_QUESTION) {
            for table in tables {
                for lock in &table.locks {
                    // Zero is a change of the schema.
                    if lock.owner != 0
                        && lock.owner != self.process.id
                        && !self.services.locks.has_tables(lock.owner).await?
                    {
                        self.free_tables_of(lock.owner, table.id).await?;
                    }
                }
            }
        }
        sleep(LOOK_EVERY).await;
        Ok(())
    }

    async fn free_tables_of(&self, owner: u32, table: i64) -> SqlResult<()> {
        let schema = self.services.schema.current();
        let Some((database, table)) = schema.table_by_id(table) else { return Ok(()) };
        let tables = vec![(database.name.clone(), table.name.clone())];
        tracing::info!(owner, table = table.name, "a connection that is gone had locked a table");
        self.change_locks(DdlStatement::UnlockTables { tables, owner }).await
    }

    /// Before a statement that reads or writes rows: waits for tables that others have locked. Error 1099 or 1100 for what the session has
    /// not locked itself, if it has locked tables.
    pub(super) async fn await_tables(&mut self, request: &Request<'_>) -> SqlResult<()> {
        let schema = self.services.schema.current();
        if self.table_locks.is_none() && !self.services.locked_tables.any(&schema) {
            return Ok(());
        }
        let until = Instant::now() + self.vars.system.lock().settings.table_lock_wait;
        let mut looks = 0;
        loop {
            let schema = self.services.schema.current();
            // What is wrong with the statement is found when it runs.
            let Ok(plan) = self.plan(request, &schema) else { return Ok(()) };
            let tables = PlanTables::of(&plan);
            let mut blocked = Vec::new();
            for id in &tables.stored {
                let Some((database, table)) = schema.table_by_id(*id) else { continue };
                if self.table_locks.is_some() && tables.related.contains(id) {
                    continue;
                }
                let writes = tables.written.contains(id);
                if self.is_blocked(&database.name, table, writes)? {
                    blocked.push(&**table);
                }
            }
            if blocked.is_empty() {
                return Ok(());
            }
            if Instant::now() >= until {
                return Err(waited_too_long());
            }
            self.check_circle(&schema, &blocked)?;
            self.look_again(&blocked, &mut looks).await?;
        }
    }

    /// Error 1213 if one of those who lock these tables locks another as well that the open transaction uses: he waits for it to end.
    fn check_circle(&self, schema: &InfoSchema, blocked: &[&TableInfo]) -> SqlResult<()> {
        if !self.transactions.is_begun() {
            return Ok(());
        }
        let owners: Vec<u32> =
            blocked.iter().flat_map(|table| table.locks.iter().map(|lock| lock.owner)).collect();
        // Zero is a change of the schema, which locks one table.
        let is_one = |lock: &TableLock| {
            lock.owner != 0 && lock.owner != self.process.id && owners.contains(&lock.owner)
        };
        let waits_for_us = |table: &TableInfo| {
            let mut locks = table.locks.iter().filter(|lock| is_one(lock));
            self.in_use(table.id).is_some_and(|known| locks.any(|lock| is_older(known, lock)))
        };
        let mut databases = schema.databases();
        if databases.any(|database| schema.tables(&database.name).any(|table| waits_for_us(table)))
        {
            return Err(Fault::Deadlock.into());
        }
        Ok(())
    }

    /// The same before a change of the schema, which needs its tables for itself.
    pub(super) async fn await_schema_change(&mut self, statement: &Statement) -> SqlResult<()> {
        let schema = self.services.schema.current();
        if self.table_locks.is_none() && !self.services.locked_tables.any(&schema) {
            return Ok(());
        }
        let until = Instant::now() + self.vars.system.lock().settings.table_lock_wait;
        let mut looks = 0;
        loop {
            let schema = self.services.schema.current();
            let mut blocked = Vec::new();
            for (database, table) in self.changed_tables(statement, &schema) {
                if self.is_blocked(&database, table, true)? {
                    blocked.push(table);
                }
            }
            if blocked.is_empty() {
                return Ok(());
            }
            if Instant::now() >= until {
                return Err(waited_too_long());
            }
            self.look_again(&blocked, &mut looks).await?;
        }
    }

    /// The tables that are there and that a statement changes.
    fn changed_tables<'s>(
        &self,
        statement: &Statement,
        schema: &'s InfoSchema,
    ) -> Vec<(String, &'s TableInfo)> {
        use Statement as S;
        let names: Vec<&ObjectName> = match statement {
            S::DropTables { tables, .. } | S::DropViews { views: tables, .. } => {
                tables.iter().collect()
            }
            S::CreateView(create) => vec![&create.name],
            S::Truncate(table) => vec![table],
            S::CreateIndex(create) => vec![&create.table],
            S::DropIndex { table, .. } | S::AlterTable { table, .. } => vec![table],
            S::RenameTables(renames) => renames.iter().map(|(from, _)| from).collect(),
            S::DropDatabase { name, .. } => {
                let tables = schema.tables(name).map(|table| (name.clone(), &**table));
                return tables.collect();
            }
            _ => return Vec::new(),
        };
        let find = |table: &ObjectName| {
            let database = table.database.as_deref().or(self.database.as_deref())?;
            Some((database.to_owned(), &**schema.table(database, &table.name)?))
        };
        names.into_iter().filter_map(find).collect()
    }

    /// Whether somebody else's lock is in the way.
    fn is_blocked(&self, database: &str, table: &TableInfo, writes: bool) -> SqlResult<bool> {
        if let Some(own) = &self.table_locks {
            let (code, said) = match own.get(&name(database, &table.name)) {
                Some(write) if *write || !writes => return Ok(false),
                Some(_) => (
                    errno::TABLE_NOT_LOCKED_FOR_WRITE,
                    "was locked with a READ lock and can't be updated",
                ),
                None => (errno::TABLE_NOT_LOCKED, "was not locked with LOCK TABLES"),
            };
            return Err(SqlError::new(code, format!("Table '{}' {said}", table.name)));
        }
        Ok(table.locks.iter().any(|lock| (lock.write || writes) && self.is_kept_out(table, lock)))
    }

    /// Whether a lock is another's, and not one that waits for the open transaction, which used the table before.
    fn is_kept_out(&self, table: &TableInfo, lock: &TableLock) -> bool {
        let was_there = self.in_use(table.id).is_some_and(|known| is_older(known, lock));
        lock.owner != self.process.id && !was_there
    }
}

/// Whether a table, as a transaction has used it, is from before a lock.
fn is_older(known: &TableInfo, lock: &TableLock) -> bool {
    known.locks.iter().all(|old| old.owner != lock.owner)
}

fn waited_too_long() -> SqlError {
    Fault::LockWaitTimeout.into()
}
