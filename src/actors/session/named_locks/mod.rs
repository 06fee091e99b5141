//! GET_LOCK and its kin: locks with a name, held by sessions, one for the whole cluster.
//!
//! A lock is a record in the store (`records`) that says whose it is and until when. The node of the session that holds it
//! renews the record every few seconds ([`LockKeeper`]), so that the locks of a node that is gone are free after
//! [`LEASE_MS`]. A session that ends gives its locks back at once.
//!
//! Who waits looks again and again; a lock that is given back on the same node wakes those who wait there. A session that
//! holds locks while it waits says in a record of its own what it waits for: whoever closes a circle of such waits last is
//! turned away with error 3058.

mod calls;
mod keeper;
mod records;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use crate::common::{SqlError, SqlResult, errno};
use crate::sql::kv::KvStore;
use records::{Owner, Records, Tried, Wait};

pub use keeper::LockKeeper;

/// A record that nobody renews is void after so long.
pub(super) const LEASE_MS: u64 = 30_000;
/// The longest name, in characters.
const NAME_LIMIT: usize = 64;
/// How long to wait before looking at a lock again, at first and at most.
const FIRST_LOOK: Duration = Duration::from_millis(5);
const LAST_LOOK: Duration = Duration::from_millis(200);
/// A circle of waits is followed over so many sessions.
const CIRCLE_MAX: usize = 64;

/// A table's database and name.
pub(super) type TableName = (String, String);

/// The lock that says a connection may have locked tables. No user's: names of users have no such letter at their beginning by
/// chance.
fn tables_of(connection: u32) -> String {
    format!("\u{0}tables of {connection}")
}

/// A lock that a session of this node holds.
#[derive(Clone, Debug)]
struct Held {
    connection: u32,
    /// Which taking of the lock this is: a record with another one is not ours any more.
    token: u64,
    /// How often it was taken.
    count: u64,
}

/// The locks of a node's sessions.
pub struct NamedLocks {
    records: Records,
    held: Mutex<BTreeMap<String, Held>>,
    /// The tables that sessions have locked, or may have.
    tables: Mutex<BTreeMap<u32, Vec<TableName>>>,
    /// Locks of sessions that have ended, to be given back.
    orphans: Mutex<Vec<(String, u64)>>,
    /// Tables of sessions that have ended, to be unlocked.
    table_orphans: Mutex<Vec<(u32, Vec<TableName>)>>,
    freed: Notify,
}

impl NamedLocks {
    /// Locks with their records in this store.
    pub fn new(store: Arc<dyn KvStore>) -> NamedLocks {
        NamedLocks {
            records: Records::new(store),
            held: Mutex::default(),
            tables: Mutex::default(),
            orphans: Mutex::default(),
            table_orphans: Mutex::default(),
            freed: Notify::new(),
        }
    }

    /// GET_LOCK: whether the lock was got within `wait`; `None` waits without end.
    pub(super) async fn get(
        &self,
        connection: u32,
        name: &str,
        wait: Option<Duration>,
    ) -> SqlResult<bool> {
        let name = checked(name)?;
        if let Some(held) = self.held.lock().get_mut(&name)
            && held.connection == connection
        {
            held.count += 1;
            return Ok(true);
        }
        let deadline = wait.map(|wait| Instant::now() + wait);
        let mut pause = FIRST_LOOK;
        let mut waiting = None;
        loop {
            let freed = self.freed.notified();
            if let Tried::Taken(token) = self.records.take(&name, connection).await? {
                let held = Held { connection, token, count: 1 };
                self.held.lock().insert(name, held);
                self.stop_waiting(connection, waiting).await?;
                return Ok(true);
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                self.stop_waiting(connection, waiting).await?;
                return Ok(false);
            }
            if self.holds_any(connection) {
                let wait = self.records.wait_for(connection, &name, waiting).await?;
                waiting = Some(wait);
                if self.closes_circle(connection, wait).await? {
                    self.stop_waiting(connection, waiting).await?;
                    return Err(SqlError::new(
                        errno::USER_LOCK_DEADLOCK,
                        "Deadlock found when trying to get user-level lock; try rolling back \
                         transaction/releasing locks and restarting lock acquisition.",
                    ));
                }
            }
            tokio::select! {
                () = freed => {}
                () = sleep(left.map_or(pause, |left| left.min(pause))) => {}
            }
            pause = (pause * 2).min(LAST_LOOK);
        }
    }

    /// RELEASE_LOCK: `None` if there is no such lock, false if it is somebody else's.
    pub(super) async fn release(&self, connection: u32, name: &str) -> SqlResult<Option<bool>> {
        let name = checked(name)?;
        let token = {
            let mut held = self.held.lock();
            match held.get_mut(&name) {
                Some(lock) if lock.connection == connection && lock.count > 1 => {
                    lock.count -= 1;
                    return Ok(Some(true));
                }
                Some(lock) if lock.connection == connection => {
                    let token = lock.token;
                    held.remove(&name);
                    Some(token)
                }
                _ => None,
            }
        };
        match token {
            Some(token) => {
                self.give_back(vec![(name, token)]).await?;
                Ok(Some(true))
            }
            None => Ok(self.records.owner(&name).await?.map(|_| false)),
        }
    }

    /// RELEASE_ALL_LOCKS: how many there were, each as often as it was taken.
    pub(super) async fn release_all(&self, connection: u32) -> SqlResult<u64> {
        let (names, count) = self.forget(connection, |name| name != tables_of(connection));
        if !names.is_empty() {
            self.give_back(names).await?;
        }
        Ok(count)
    }

    /// IS_USED_LOCK: whose it is.
    pub(super) async fn owner(&self, name: &str) -> SqlResult<Option<u32>> {
        let owner = self.records.owner(&checked(name)?).await?;
        Ok(owner.map(|owner| owner.connection))
    }

    /// A session has ended: the keeper gives its locks back.
    pub(super) fn session_ended(&self, connection: u32) {
        if let Some(tables) = self.tables.lock().remove(&connection) {
            self.table_orphans.lock().push((connection, tables));
        }
        let (names, _) = self.forget(connection, |_| true);
        if !names.is_empty() {
            self.orphans.lock().extend(names);
        }
    }

    fn forget(&self, connection: u32, wanted: impl Fn(&str) -> bool) -> (Vec<(String, u64)>, u64) {
        let mut held = self.held.lock();
        let own = |name: &String, lock: &Held| lock.connection == connection && wanted(name);
        let found = held.iter().filter(|(name, lock)| own(name, lock));
        let (mut names, mut count) = (Vec::new(), 0);
        for (name, lock) in found {
            names.push((name.clone(), lock.token));
            count += lock.count;
        }
        held.retain(|name, lock| !own(name, lock));
        (names, count)
    }

    /// LOCK TABLES: what the connection is about to lock. Its locks live as long as the lease it gets here.
    pub(super) async fn hold_tables(
        &self,
        connection: u32,
        tables: Vec<TableName>,
    ) -> SqlResult<()> {
        self.get(connection, &tables_of(connection), Some(Duration::ZERO)).await?;
        self.tables.lock().insert(connection, tables);
        Ok(())
    }

    /// The tables that the connection has locked, or may have.
    pub(super) fn locked_tables(&self, connection: u32) -> Vec<TableName> {
        self.tables.lock().get(&connection).cloned().unwrap_or_default()
    }

    /// UNLOCK TABLES: they are unlocked.
    pub(super) async fn release_tables(&self, connection: u32) -> SqlResult<()> {
        self.tables.lock().remove(&connection);
        let name = tables_of(connection);
        let (names, _) = self.forget(connection, |held| held == name);
        if names.is_empty() { Ok(()) } else { self.give_back(names).await }
    }

    /// Whether the connection, of any node, may have tables locked.
    pub(super) async fn has_tables(&self, connection: u32) -> SqlResult<bool> {
        Ok(self.records.owner(&tables_of(connection)).await?.is_some())
    }

    /// Tables of sessions that have ended; the keeper unlocks them.
    pub(super) fn take_table_orphans(&self) -> Vec<(u32, Vec<TableName>)> {
        std::mem::take(&mut self.table_orphans.lock())
    }

    /// They could not be unlocked.
    pub(super) fn return_table_orphans(&self, orphans: Vec<(u32, Vec<TableName>)>) {
        self.table_orphans.lock().extend(orphans);
    }

    async fn give_back(&self, names: Vec<(String, u64)>) -> SqlResult<()> {
        if let Err(error) = self.records.give_back(&names).await {
            // The keeper tries again.
            self.orphans.lock().extend(names);
            return Err(error);
        }
        self.freed.notify_waiters();
        Ok(())
    }

    fn holds_any(&self, connection: u32) -> bool {
        self.held.lock().values().any(|lock| lock.connection == connection)
    }

    async fn stop_waiting(&self, connection: u32, waiting: Option<Wait>) -> SqlResult<()> {
        match waiting {
            Some(_) => self.records.stop_waiting(connection).await,
            None => Ok(()),
        }
    }

    /// Whether the session waits for itself, over others, and is the one of them that began to wait last.
    async fn closes_circle(&self, connection: u32, wait: Wait) -> SqlResult<bool> {
        let mut at = connection;
        let mut latest = wait;
        for _ in 0..CIRCLE_MAX {
            let Some((name, since)) = self.records.wait_of(at).await? else { return Ok(false) };
            latest = latest.max(since);
            let Some(Owner { connection: owner, .. }) = self.records.owner(&name).await? else {
                return Ok(false);
            };
            if owner == connection {
                return Ok(latest == wait);
            }
            at = owner;
        }
        Ok(false)
    }

    /// What the keeper does from time to time: gives back what has no session any more.
    pub(super) async fn give_back_orphans(&self) -> SqlResult<()> {
        let names = std::mem::take(&mut *self.orphans.lock());
        if names.is_empty() { Ok(()) } else { self.give_back(names).await }
    }

    /// Renews the records of all locks that are held here. One that was lost, because nobody could renew it for too long, is not
    /// held any more.
    pub(super) async fn renew(&self) -> SqlResult<()> {
        let names: Vec<(String, u64)> = {
            let held = self.held.lock();
            held.iter().map(|(name, lock)| (name.clone(), lock.token)).collect()
        };
        if names.is_empty() {
            return Ok(());
        }
        let lost = self.records.renew(&names).await?;
        let mut held = self.held.lock();
        for (name, token) in lost {
            if held.get(&name).is_some_and(|lock| lock.token == token) {
                tracing::warn!(name, "a named lock was lost: it could not be renewed in time");
                held.remove(&name);
            }
        }
        Ok(())
    }

    /// How many locks are held here.
    pub fn len(&self) -> usize {
        self.held.lock().len()
    }

    /// Whether none is held here.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A name as it is compared, or error 3057.
fn checked(name: &str) -> SqlResult<String> {
    if name.is_empty() || name.chars().count() > NAME_LIMIT {
        return Err(wrong_name(name));
    }
    Ok(name.to_lowercase())
}

fn wrong_name(name: &str) -> SqlError {
    SqlError::new(errno::USER_LOCK_WRONG_NAME, format!("Incorrect user-level lock name '{name}'."))
}
