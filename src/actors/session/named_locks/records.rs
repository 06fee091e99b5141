//! Named locks in the store.
//!
//! ```text
//! m K <name, lower case>     whose the lock is, and until when      JSON
//! m L <connection>           what a session waits for               JSON
//! ```

use std::sync::Arc;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::LEASE_MS;
use crate::common::retry::{self, Unit};
use crate::common::{SqlError, SqlResult};
use crate::sql::kv::{KvStore, Transaction, TxnOptions};

/// A lock's record.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Owner {
    /// The session's connection.
    pub(super) connection: u32,
    /// Which taking it is.
    token: u64,
    /// The end of the lease, by the oracle's clock.
    until_ms: u64,
}

/// A waiting session's record.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Waiting {
    name: String,
    since: u64,
    until_ms: u64,
}

/// Since when a session waits: no two have the same.
pub(super) type Wait = u64;

/// What came of trying to take a lock.
pub(super) enum Tried {
    /// It is taken, with this token.
    Taken(u64),
    /// It is somebody else's.
    Busy,
}

/// The records.
pub(super) struct Records {
    store: Arc<dyn KvStore>,
}

fn lock_key(name: &str) -> Bytes {
    [b"mK", name.as_bytes()].concat().into()
}

fn wait_key(connection: u32) -> Bytes {
    [b"mL".as_slice(), &connection.to_be_bytes()].concat().into()
}

fn encode(value: &impl Serialize) -> SqlResult<Bytes> {
    serde_json::to_vec(value).map(Bytes::from).map_err(SqlError::internal)
}

async fn read<T: DeserializeOwned>(txn: &dyn Transaction, key: Bytes) -> SqlResult<Option<T>> {
    let damaged = |_| SqlError::internal("a named lock's record is damaged");
    txn.get(key).await?.map(|value| serde_json::from_slice(&value).map_err(damaged)).transpose()
}

fn now_ms(txn: &dyn Transaction) -> u64 {
    txn.start_ts().physical_ms()
}

/// Whose the lock is, if its lease has not run out.
async fn owner_in(txn: &dyn Transaction, name: &str) -> SqlResult<Option<Owner>> {
    let owner: Option<Owner> = read(txn, lock_key(name)).await?;
    Ok(owner.filter(|owner| owner.until_ms > now_ms(txn)))
}

/// Runs changes in a transaction until they meet nobody else's.
macro_rules! in_transaction {
    ($records:expr, |$txn:ident| $body:block) => {{
        let mut attempt = 0;
        loop {
            attempt += 1;
            let txn = $records.store.begin(TxnOptions::default()).await?;
            let $txn: &dyn Transaction = &*txn;
            let outcome: SqlResult<_> = async { $body }.await;
            let outcome = match outcome {
                Ok(value) => txn.commit().await.map(|_| value),
                Err(error) => {
                    txn.rollback().await?;
                    Err(error)
                }
            };
            match outcome {
                Err(error) if retry::runs_again(Unit::Bookkeeping, &error, attempt) => {}
                done => break done,
            }
        }
    }};
}

impl Records {
    pub(super) fn new(store: Arc<dyn KvStore>) -> Records {
        Records { store }
    }

    /// Takes a lock if it is free.
    pub(super) async fn take(&self, name: &str, connection: u32) -> SqlResult<Tried> {
        in_transaction!(self, |txn| {
            if owner_in(txn, name).await?.is_some() {
                return Ok(Tried::Busy);
            }
            let token = txn.start_ts().0;
            let owner = Owner { connection, token, until_ms: now_ms(txn) + LEASE_MS };
            txn.put(lock_key(name), encode(&owner)?);
            Ok(Tried::Taken(token))
        })
    }

    /// Whose a lock is.
    pub(super) async fn owner(&self, name: &str) -> SqlResult<Option<Owner>> {
        in_transaction!(self, |txn| { owner_in(txn, name).await })
    }

    /// Frees locks, as far as they are still those of these tokens.
    pub(super) async fn give_back(&self, locks: &[(String, u64)]) -> SqlResult<()> {
        in_transaction!(self, |txn| {
            for (name, token) in locks {
                let owner: Option<Owner> = read(txn, lock_key(name)).await?;
                if owner.is_some_and(|owner| owner.token == *token) {
                    txn.delete(lock_key(name));
                }
            }
            Ok(())
        })
    }

    /// Renews leases; answers the locks that are lost.
    pub(super) async fn renew(&self, locks: &[(String, u64)]) -> SqlResult<Vec<(String, u64)>> {
        in_transaction!(self, |txn| {
            let mut lost = Vec::new();
            for (name, token) in locks {
                let owner: Option<Owner> = read(txn, lock_key(name)).await?;
                match owner {
                    // Late, but nobody else has come.
                    Some(owner) if owner.token == *token => {
                        let owner = Owner { until_ms: now_ms(txn) + LEASE_MS, ..owner };
                        txn.put(lock_key(name), encode(&owner)?);
                    }
                    _ => lost.push((name.clone(), *token)),
                }
            }
            Ok(lost)
        })
    }

    /// Says that a session waits for a lock, since `before` if it has said so before.
    pub(super) async fn wait_for(
        &self,
        connection: u32,
        name: &str,
        before: Option<Wait>,
    ) -> SqlResult<Wait> {
        in_transaction!(self, |txn| {
            let since = before.unwrap_or_else(|| txn.start_ts().0);
            let until_ms = now_ms(txn) + LEASE_MS;
            let waiting = Waiting { name: name.to_owned(), since, until_ms };
            txn.put(wait_key(connection), encode(&waiting)?);
            Ok(since)
        })
    }

    /// What a session waits for, and since when.
    pub(super) async fn wait_of(&self, connection: u32) -> SqlResult<Option<(String, Wait)>> {
        in_transaction!(self, |txn| {
            let waiting: Option<Waiting> = read(txn, wait_key(connection)).await?;
            let waiting = waiting.filter(|waiting| waiting.until_ms > now_ms(txn));
            Ok(waiting.map(|waiting| (waiting.name, waiting.since)))
        })
    }

    /// The session does not wait any more.
    pub(super) async fn stop_waiting(&self, connection: u32) -> SqlResult<()> {
        in_transaction!(self, |txn| {
            txn.delete(wait_key(connection));
            Ok(())
        })
    }
}
