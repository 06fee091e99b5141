//! A database together with what borrows from it.
//!
//! RocksDB's column family handles and snapshots are only good while the database is open, which `rocksdb` says
//! by lifetimes. Here they live in one value with the database and leave it only with that value's lifetime.

#![allow(unsafe_code, reason = "a value cannot borrow from its own field in safe Rust")]

use std::sync::Arc;

use rocksdb::{ColumnFamily, DB, ReadOptions};

use crate::storage::engine::Cf;

/// An open database and the handles of its column families, so that no read has to look one up by name.
pub(super) struct Database {
    /// Borrowed from `db`.
    families: [&'static ColumnFamily; Cf::ALL.len()],
    /// On the heap, so that moving a `Database` does not move what `families` points into.
    db: Box<DB>,
}

impl Database {
    /// Takes over a database that has every column family; `None` when it lacks one.
    pub(super) fn new(db: DB) -> Option<Database> {
        let db = Box::new(db);
        // SAFETY: the reference is used for `families` only, which is private, and `family` hands it out with the
        // lifetime of `self`. `db` is neither replaced nor lent mutably, so the handles in it stay where they are
        // until it is dropped, together with `families`.
        let borrowed: &'static DB = unsafe { extend(&db) };
        let mut families = Vec::with_capacity(Cf::ALL.len());
        for cf in Cf::ALL {
            families.push(borrowed.cf_handle(cf.name())?);
        }
        Some(Database { families: families.try_into().ok()?, db })
    }

    /// The handle of a column family.
    pub(super) fn family(&self, cf: Cf) -> &ColumnFamily {
        self.families[cf as usize]
    }

    pub(super) fn db(&self) -> &DB {
        &self.db
    }
}

/// A snapshot that keeps its database open. Fields are dropped in order: the snapshot before the database.
pub(super) struct OwnedSnapshot {
    /// Made once, since each read needs them.
    read: ReadOptions,
    snapshot: rocksdb::Snapshot<'static>,
    database: Arc<Database>,
}

impl OwnedSnapshot {
    /// The state of a database as it is now.
    pub(super) fn new(database: Arc<Database>) -> OwnedSnapshot {
        // SAFETY: the reference is used for `snapshot` only, which is private, is never lent with its long
        // lifetime, and is dropped before `database`, whose `Arc` keeps the `DB` alive and in place till then.
        let db: &'static DB = unsafe { extend(database.db()) };
        let snapshot = db.snapshot();
        let mut read = ReadOptions::default();
        read.set_snapshot(&snapshot);
        OwnedSnapshot { read, snapshot, database }
    }

    pub(super) fn database(&self) -> &Database {
        &self.database
    }

    /// Options for reads that return at once.
    pub(super) fn read_options(&self) -> &ReadOptions {
        &self.read
    }

    /// Makes other options read from this snapshot. They must not be used once it is gone.
    pub(super) fn apply_to(&self, options: &mut ReadOptions) {
        options.set_snapshot(&self.snapshot);
    }
}

/// The same reference for longer.
///
/// # Safety
///
/// The caller keeps the database in place for as long as the reference, or anything borrowed through it, is used.
unsafe fn extend(db: &DB) -> &'static DB {
    // SAFETY: the pointer comes from a reference, and the caller promises the rest.
    unsafe { &*std::ptr::from_ref(db) }
}
