//! Transactions of a session: when they begin, what ends them, and what a failed statement undoes.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;

use super::core::Core;
use super::plan_tables::PlanTables;
use crate::actors::ddl::SchemaGuard;
use crate::common::{ErrorClass, Fault, SqlError, SqlResult, errno};
use crate::sql::catalog::{InfoSchema, TEMPORARY_IDS, TableInfo};
use crate::sql::exec::dml::{duplicate_from_key, is_auto_increment_key};
use crate::sql::kv::{Isolation, Savepoint, Transaction, TxnOptions};
use crate::sql::stats::{Deltas, TableDelta};
use crate::sql::types::TimeZone;
use crate::storage::codec::table::{TableKey, decode_table_key};

/// How the next transaction differs from what the variables say (SET TRANSACTION without a scope).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct NextTransaction {
    pub(super) isolation: Option<Isolation>,
    pub(super) read_only: Option<bool>,
}

/// How a transaction was begun.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct BeginOptions {
    pub(super) optimistic: Option<bool>,
    pub(super) read_only: Option<bool>,
    pub(super) isolation: Option<Isolation>,
    /// WITH CONSISTENT SNAPSHOT: it is that of the beginning.
    pub(super) consistent_snapshot: bool,
}

/// A savepoint of SAVEPOINT.
struct Saved {
    name: String,
    mark: Savepoint,
    /// What had been done by then.
    deltas: Deltas,
}

/// A transaction that has its timestamp.
struct Open {
    txn: Arc<dyn Transaction>,
    guard: SchemaGuard,
    /// It has used a table, so its schema stays.
    used: bool,
    written: BTreeSet<i64>,
    /// What its statements did to tables' rows.
    deltas: Deltas,
    savepoints: Vec<Saved>,
    /// Where the statement in hand began; `None`: it has not, so that there is nothing of it to undo.
    mark: Option<Savepoint>,
    /// It has the session's temporary tables.
    sees_temporary: bool,
}

/// The transaction of a session, if there is one.
#[derive(Default)]
pub(super) struct Transactions {
    begun: bool,
    /// It is the statement's in hand: it ends with it.
    is_statements: bool,
    options: BeginOptions,
    read_only: bool,
    isolation: Isolation,
    open: Option<Open>,
    /// The transaction of the autocommit statement in hand.
    pub(super) single: Option<Arc<dyn Transaction>>,
    pub(super) next: NextTransaction,
}

impl Transactions {
    /// Whether a transaction is open.
    pub(super) fn is_begun(&self) -> bool {
        self.begun
    }
}

impl Core {
    /// A table as the open transaction has used it.
    pub(super) fn in_use(&self, table: i64) -> Option<&TableInfo> {
        let guard = &self.transactions.open.as_ref()?.guard;
        let (_, info) = guard.schema().table_by_id(table).filter(|_| guard.uses(table))?;
        Some(info)
    }
}

/// What a statement in a transaction works with.
pub(super) struct Entered {
    pub(super) txn: Arc<dyn Transaction>,
    pub(super) schema: Arc<InfoSchema>,
    /// Where the statement began.
    mark: Savepoint,
}

impl Core {
    /// BEGIN. The snapshot is taken by the first statement that reads without locking, as in MySQL.
    pub(super) fn begin(&mut self, options: BeginOptions) {
        let settings = self.vars.settings();
        let next = std::mem::take(&mut self.transactions.next);
        let transactions = &mut self.transactions;
        transactions.begun = true;
        transactions.options = options;
        transactions.read_only = options.read_only.or(next.read_only).unwrap_or(settings.read_only);
        transactions.isolation = options.isolation.or(next.isolation).unwrap_or(settings.isolation);
    }

    /// A transaction for the statement in hand alone: its commit is the caller's, and if the statement fails all of it is undone.
    pub(super) fn begin_for_statement(&mut self, options: BeginOptions) {
        self.begin(options);
        self.transactions.is_statements = true;
    }

    /// Whether what comes now is part of a transaction that only reads.
    pub(super) fn reads_only(&self) -> bool {
        let transactions = &self.transactions;
        if transactions.begun {
            return transactions.read_only;
        }
        let session = self.vars.system.lock().settings.read_only;
        transactions.next.read_only.unwrap_or(session)
    }

    /// How the transaction after this one begins, for AND CHAIN: with the same isolation level and access mode.
    pub(super) fn chained(&self) -> BeginOptions {
        let transactions = &self.transactions;
        if !transactions.begun {
            return BeginOptions::default();
        }
        BeginOptions {
            optimistic: transactions.options.optimistic,
            read_only: Some(transactions.read_only),
            isolation: Some(transactions.isolation),
            consistent_snapshot: false,
        }
    }

    /// Whether a statement that uses tables is to run in a transaction that stays open after it.
    pub(super) fn joins_transaction(&mut self) -> bool {
        if !self.transactions.begun && !self.vars.system.lock().settings.autocommit {
            self.begin(BeginOptions::default());
        }
        self.transactions.begun
    }

    /// The open transaction at the beginning of a statement; it is started if it has no timestamp yet.
    pub(super) async fn enter_transaction(&mut self) -> SqlResult<Entered> {
        if self.transactions.open.is_none() {
            let optimistic = self
                .transactions
                .options
                .optimistic
                .unwrap_or_else(|| self.vars.system.lock().settings.optimistic);
            let options = TxnOptions {
                pessimistic: !optimistic && !self.transactions.read_only,
                latest: false,
                isolation: self.transactions.isolation,
                snapshot_at_start: self.transactions.options.consistent_snapshot,
                impatient: false,
                read_from: self.vars.system.lock().settings.read_from,
            };
            let guard = self.services.schema.enter(self.process.id);
            let txn = self.begin_transaction(options).await?;
            self.transactions.open = Some(Open {
                txn,
                guard,
                used: false,
                written: BTreeSet::new(),
                deltas: Deltas::default(),
                savepoints: Vec::new(),
                mark: None,
                sees_temporary: self.has_temporary_rows(),
            });
        }
        // The first temporary table was made while the transaction was open.
        if self.has_temporary_rows()
            && let Some(txn) = self.transactions.open.as_ref().filter(|open| !open.sees_temporary)
        {
            let txn = self.seeing_temporary(txn.txn.clone());
            if let Some(open) = &mut self.transactions.open {
                (open.txn, open.sees_temporary) = (txn, true);
            }
        }
        let open = self.transactions.open.as_mut().expect("it was just made");
        // What is read from a snapshot is read with the schema of that time.
        if !open.used || !open.txn.has_snapshot() {
            open.guard.renew();
        }
        let mark = open.txn.begin_statement();
        open.mark = Some(mark);
        Ok(Entered { txn: open.txn.clone(), schema: open.guard.schema().clone(), mark })
    }

    /// Between two statements there is nothing to undo, whatever goes wrong then.
    pub(super) fn statement_ended(&mut self) {
        if let Some(open) = &mut self.transactions.open {
            open.mark = None;
        }
    }

    /// Notes what the statement in hand works on, before it does. Error 1792 if it may not write.
    pub(super) fn use_tables(&mut self, tables: &PlanTables) -> SqlResult<()> {
        if !tables.written.is_empty() && self.transactions.read_only {
            return Err(read_only_transaction());
        }
        if let Some(open) = &mut self.transactions.open {
            open.used |= !tables.stored.is_empty();
            open.guard.touch(tables.stored.iter().copied());
            for table in &tables.written {
                if !open.written.contains(table) {
                    open.guard.note_written(*table)?;
                    open.written.insert(*table);
                }
            }
        }
        Ok(())
    }

    /// COMMIT, and what does the same. The transaction is over, whatever comes of it.
    pub(super) async fn commit(&mut self) -> SqlResult<()> {
        if self.transactions.open.as_ref().is_some_and(|open| !open.written.is_empty()) {
            self.services.schema.until_it_may_commit(&*self.services.store).await;
        }
        self.transactions.begun = false;
        self.transactions.is_statements = false;
        let Some(open) = self.transactions.open.take() else { return Ok(()) };
        let _shield = self.control.shield();
        let written: Vec<i64> = open.written.iter().copied().collect();
        if !written.is_empty()
            && let Err(error) = open.guard.begin_commit(&written)
        {
            let _ = open.txn.rollback().await;
            return Err(error);
        }
        let schema = &self.with_temporary(open.guard.schema());
        let shown = |error| duplicate_shown(error, schema, &self.vars.settings().time_zone);
        open.txn.commit().await.map_err(shown)?;
        self.services.stats.record(&open.deltas);
        Ok(())
    }

    /// Notes what a statement that succeeded did to a table's rows; it counts once the transaction is committed.
    pub(super) fn note_delta(&mut self, table: i64, delta: TableDelta) {
        if let Some(open) = &mut self.transactions.open
            && table < TEMPORARY_IDS
        {
            open.deltas.add(table, delta);
        }
    }

    /// ROLLBACK. What the store could not undo at once expires by itself.
    pub(super) async fn roll_back(&mut self) {
        self.transactions.begun = false;
        let _shield = self.control.shield();
        if let Some(open) = self.transactions.open.take()
            && let Err(error) = open.txn.rollback().await
        {
            tracing::debug!(%error, conn_id = self.process.id, "failed to roll back");
        }
    }

    /// After a statement failed or was cancelled: undoes it. A deadlock's victim loses the whole transaction, as in MySQL.
    pub(super) async fn statement_failed(&mut self, error: SqlError) -> SqlError {
        if let Some(single) = self.transactions.single.take() {
            let _shield = self.control.shield();
            if let Err(error) = single.rollback().await {
                tracing::debug!(%error, conn_id = self.process.id, "failed to roll back");
            }
        }
        if std::mem::take(&mut self.transactions.is_statements) {
            let schema = self.transactions.open.as_ref().map(|open| open.guard.schema().clone());
            self.roll_back().await;
            let zone = self.vars.settings().time_zone;
            return match schema {
                Some(schema) => duplicate_shown(error, &self.with_temporary(&schema), &zone),
                None => error,
            };
        }
        if error.class() == ErrorClass::GaveWay {
            self.roll_back().await;
            return error;
        }
        match &mut self.transactions.open {
            Some(open) => {
                // One that failed before it began (in the parser, in the planner) has done nothing: what stands is its predecessors'.
                if let Some(mark) = open.mark.take() {
                    open.txn.rollback_to(mark);
                }
                let schema = open.guard.schema().clone();
                let schema = self.with_temporary(&schema);
                duplicate_shown(error, &schema, &self.vars.settings().time_zone)
            }
            None => error,
        }
    }

    /// After a commit failed: if a value that the statement generated (from `first` on) turned out to be in use, others will be generated,
    /// and the error is one after which the statement is run again.
    pub(super) async fn abandon_used_ids(
        &self,
        error: SqlError,
        first: Option<u64>,
        schema: &InfoSchema,
    ) -> SqlError {
        match (first, duplicated(&error, schema)) {
            (Some(first), Some((table, key, _))) if is_auto_increment_key(table, key) => {
                self.services.auto_ids.abandon(table, first).await;
                Fault::GeneratedIdInUse.into()
            }
            _ => error,
        }
    }

    /// SAVEPOINT; outside of a transaction it has nothing to mark.
    pub(super) async fn savepoint(&mut self, name: &str) -> SqlResult<()> {
        if !self.joins_transaction() {
            return Ok(());
        }
        let mark = self.enter_transaction().await?.mark;
        if let Some(open) = &mut self.transactions.open {
            open.savepoints.retain(|saved| !saved.name.eq_ignore_ascii_case(name));
            let deltas = open.deltas.clone();
            open.savepoints.push(Saved { name: name.to_owned(), mark, deltas });
        }
        Ok(())
    }

    /// ROLLBACK TO SAVEPOINT: later savepoints are gone, locks stay.
    pub(super) fn roll_back_to(&mut self, name: &str) -> SqlResult<()> {
        let (position, open) = self.find_savepoint(name)?;
        let saved = &open.savepoints[position];
        open.txn.rollback_to(saved.mark);
        open.deltas = saved.deltas.clone();
        open.savepoints.truncate(position + 1);
        Ok(())
    }

    /// RELEASE SAVEPOINT: it and later ones are gone.
    pub(super) fn release_savepoint(&mut self, name: &str) -> SqlResult<()> {
        let (position, open) = self.find_savepoint(name)?;
        open.savepoints.truncate(position);
        Ok(())
    }

    fn find_savepoint(&mut self, name: &str) -> SqlResult<(usize, &mut Open)> {
        let missing =
            || SqlError::new(errno::SP_DOES_NOT_EXIST, format!("SAVEPOINT {name} does not exist"));
        let open = self.transactions.open.as_mut().ok_or_else(missing)?;
        let same = |saved: &Saved| saved.name.eq_ignore_ascii_case(name);
        let position = open.savepoints.iter().position(same).ok_or_else(missing)?;
        Ok((position, open))
    }
}

/// Error 1792.
pub(super) fn read_only_transaction() -> SqlError {
    SqlError::new(
        errno::READ_ONLY_TRANSACTION,
        "Cannot execute statement in a READ ONLY transaction.",
    )
}

/// A duplicate found at the commit carries the key: says it as MySQL does.
pub(super) fn duplicate_shown(error: SqlError, schema: &InfoSchema, zone: &TimeZone) -> SqlError {
    match duplicated(&error, schema) {
        Some((table, key, value)) => duplicate_from_key(table, key, value, zone),
        None => error,
    }
}

/// The table, the key and the value of a duplicate that a commit has found.
fn duplicated<'a>(
    error: &'a SqlError,
    schema: &'a InfoSchema,
) -> Option<(&'a TableInfo, &'a Bytes, &'a Bytes)> {
    let Some(Fault::DuplicateKey { key, value }) = error.fault() else { return None };
    let (TableKey::Row { table, .. } | TableKey::Index { table, .. }) =
        decode_table_key(key).ok()?;
    Some((schema.table_of_rows(table)?.1, key, value))
}
