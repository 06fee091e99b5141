//! The accounts as the store has them, and a copy of them for logins.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::AccountTable;
use crate::actors::session::{Account, Accounts};
use crate::common::retry::{self, Unit};
use crate::common::{SqlError, SqlResult};
use crate::protocol::auth::Plugin;
use crate::sql::accounts::{AccountOptions, Grants};
use crate::sql::kv::{KvStore, ScanOptions, Transaction, TxnOptions};
use crate::storage::codec::table::prefix_end;

/// Prefix of the accounts' keys.
const PREFIX: &[u8] = b"mA";

/// An account as it is stored.
#[derive(Serialize, Deserialize)]
struct Stored {
    user: String,
    host: String,
    plugin: Plugin,
    /// Double hash of the password, in hex; empty: none.
    password: String,
    /// What it has been granted; `None`: it was made when every account had all rights, and has them still.
    #[serde(default)]
    grants: Option<Grants>,
    #[serde(default)]
    options: AccountOptions,
}

/// What happens to an account.
#[derive(Clone, Debug)]
pub(in crate::actors::session) enum Change {
    /// It is made or replaced.
    Put(Account),
    /// It is gone.
    Remove {
        /// User name.
        user: String,
        /// Host pattern.
        host: String,
    },
}

/// The accounts of the cluster as this node knows them. Logins ask it on any thread.
pub struct AccountCache {
    table: ArcSwap<AccountTable>,
    /// Counts what has changed of them.
    version: AtomicU64,
    /// What new accounts prove themselves with, and the built-in one.
    default_plugin: Plugin,
}

impl AccountCache {
    /// The accounts in the store; those that say nothing of it prove themselves with `default_plugin`.
    pub async fn load(store: &dyn KvStore, default_plugin: Plugin) -> SqlResult<Arc<AccountCache>> {
        let table = ArcSwap::from_pointee(read(store, default_plugin).await?);
        Ok(Arc::new(AccountCache { table, version: AtomicU64::new(1), default_plugin }))
    }

    /// Reads them again: another node may have changed them.
    pub async fn refresh(&self, store: &dyn KvStore) -> SqlResult<()> {
        let table = read(store, self.default_plugin).await?;
        if **self.table.load() != table {
            self.table.store(Arc::new(table));
            self.version.fetch_add(1, Ordering::Release);
        }
        Ok(())
    }

    /// Another number after each change.
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// What accounts prove themselves with that say nothing of it.
    pub fn default_plugin(&self) -> Plugin {
        self.default_plugin
    }

    /// The accounts as of now.
    pub fn table(&self) -> Arc<AccountTable> {
        self.table.load_full()
    }

    /// Decides on the newest table what is to change, and changes it.
    pub(in crate::actors::session) async fn change(
        &self,
        store: &dyn KvStore,
        decide: impl Fn(&AccountTable) -> SqlResult<Vec<Change>>,
    ) -> SqlResult<()> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let txn = store.begin(TxnOptions::default()).await?;
            let changes = decide(&scan(&*txn, self.default_plugin).await?)?;
            for change in &changes {
                write(&*txn, change)?;
            }
            match txn.commit().await {
                Err(error) if retry::runs_again(Unit::Bookkeeping, &error, attempt) => {}
                Err(error) => return Err(error),
                Ok(_) => return self.refresh(store).await,
            }
        }
    }
}

#[async_trait]
impl Accounts for AccountCache {
    async fn find(&self, user: &str, address: IpAddr) -> SqlResult<Option<Account>> {
        Ok(self.table.load().find(user, address).cloned())
    }
}

/// All accounts, as they are now.
async fn read(store: &dyn KvStore, plugin: Plugin) -> SqlResult<AccountTable> {
    let txn = store.begin(TxnOptions::default()).await?;
    let table = scan(&*txn, plugin).await?;
    txn.rollback().await?;
    Ok(table)
}

async fn scan(txn: &dyn Transaction, plugin: Plugin) -> SqlResult<AccountTable> {
    let start = Bytes::from_static(PREFIX);
    let options = ScanOptions { end: prefix_end(PREFIX), start, ..ScanOptions::default() };
    let mut scanner = txn.scan(options).await?;
    let mut accounts = Vec::new();
    loop {
        let pairs = scanner.next_batch().await?;
        if pairs.is_empty() {
            return Ok(AccountTable::new(accounts, plugin));
        }
        for pair in pairs {
            accounts.push(decode(&pair.value)?);
        }
    }
}

/// Where an account is kept.
fn key(user: &str, host: &str) -> Bytes {
    let mut key = PREFIX.to_vec();
    key.extend_from_slice(user.as_bytes());
    key.push(0);
    key.extend_from_slice(host.as_bytes());
    key.into()
}

fn write(txn: &dyn Transaction, change: &Change) -> SqlResult<()> {
    match change {
        Change::Remove { user, host } => txn.delete(key(user, host)),
        Change::Put(account) => {
            let stored = Stored {
                user: account.user.clone(),
                host: account.host.clone(),
                plugin: account.plugin,
                password: account.stored.iter().map(|byte| format!("{byte:02x}")).collect(),
                grants: Some((*account.grants).clone()),
                options: (*account.options).clone(),
            };
            let value = serde_json::to_vec(&stored).map_err(SqlError::internal)?;
            txn.put(key(&account.user, &account.host), value.into());
        }
    }
    Ok(())
}

/// An account as it is kept.
fn decode(value: &[u8]) -> SqlResult<Account> {
    let damaged = || SqlError::internal("a stored account is damaged");
    let stored: Stored = serde_json::from_slice(value).map_err(|_| damaged())?;
    let digit = |at: usize| {
        stored.password.get(at..at + 2).and_then(|two| u8::from_str_radix(two, 16).ok())
    };
    let hash = (0..stored.password.len()).step_by(2).map(digit).collect::<Option<Vec<u8>>>();
    Ok(Account {
        user: stored.user,
        host: stored.host,
        plugin: stored.plugin,
        stored: hash.ok_or_else(damaged)?,
        grants: Arc::new(stored.grants.unwrap_or_else(Grants::everything)),
        options: Arc::new(stored.options),
    })
}
