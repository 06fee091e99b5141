//! Pessimistic locks of a transaction.

use std::collections::{BTreeSet, HashMap};

use bytes::Bytes;

use super::KvTransaction;
use crate::actors::kv::error::Result;
use crate::actors::kv::locks::Locker;
use crate::common::Timestamp;
use crate::sql::kv::{LockOptions, ReadFrom, Transaction as _};

impl KvTransaction {
    /// Locks the keys that are not locked yet, and answers the values of all of them if the options ask for them.
    pub(super) async fn lock_pessimistic(
        &self,
        keys: &[Bytes],
        options: LockOptions,
    ) -> Result<Vec<Option<Bytes>>> {
        let (new, primary, for_update_ts) = {
            let state = self.state.lock();
            let mut seen = BTreeSet::new();
            let is_new = |key: &&Bytes| !state.locked.contains(*key) && seen.insert((*key).clone());
            let new: Vec<Bytes> = keys.iter().filter(is_new).cloned().collect();
            (new, state.primary.clone(), state.for_update_ts)
        };
        let mut under_lock = HashMap::new();
        if !new.is_empty() {
            let locker = Locker {
                client: &self.client,
                start_ts: self.start_ts,
                for_update_ts,
                primary: primary.unwrap_or_else(|| new[0].clone()),
                began: self.began,
                options,
            };
            self.state.lock().tentative.extend(new.iter().cloned());
            let locked = locker.lock(new.clone()).await;
            under_lock = {
                let mut state = self.state.lock();
                state.tentative.retain(|key| !new.contains(key));
                let values = locked?;
                state.locked.extend(new.iter().cloned());
                state.primary.get_or_insert(locker.primary);
                values
            };
            if self.read_committed && options.return_values && !options.keep_missing {
                self.give_up_missing(&new, &under_lock, for_update_ts).await?;
            }
        }
        if !options.return_values {
            return Ok(vec![None; keys.len()]);
        }
        self.values_under_locks(keys, &new, &under_lock, for_update_ts).await
    }

    /// Gives up the locks just taken on keys that have no value.
    async fn give_up_missing(
        &self,
        new: &[Bytes],
        under_lock: &HashMap<Bytes, Bytes>,
        for_update_ts: Timestamp,
    ) -> Result<()> {
        let missing: Vec<Bytes> = {
            let mut state = self.state.lock();
            let state = &mut *state;
            let mut missing: Vec<Bytes> = new
                .iter()
                .filter(|key| !under_lock.contains_key(*key) && state.buffer.get(key).is_none())
                .cloned()
                .collect();
            if missing.len() == state.locked.len() {
                state.primary = None;
                self.client.stop_keeping(self.start_ts);
            } else if let Some(primary) = &state.primary {
                // Others ask there whether the transaction lives.
                missing.retain(|key| key != primary);
            }
            state.locked.retain(|key| !missing.contains(key));
            state.tentative.extend(missing.iter().cloned());
            missing
        };
        if missing.is_empty() {
            return Ok(());
        }
        self.client.unlock(missing.clone(), self.start_ts, for_update_ts).await?;
        self.state.lock().tentative.retain(|key| !missing.contains(key));
        Ok(())
    }

    /// The values of locked keys: own writes, then what the locking read, then (locked before) what is committed.
    async fn values_under_locks(
        &self,
        keys: &[Bytes],
        new: &[Bytes],
        under_lock: &HashMap<Bytes, Bytes>,
        for_update_ts: Timestamp,
    ) -> Result<Vec<Option<Bytes>>> {
        let new: BTreeSet<&Bytes> = new.iter().collect();
        let mut values = Vec::with_capacity(keys.len());
        for key in keys {
            let value = match self.buffered(key) {
                Some(own) => own,
                None if new.contains(key) => under_lock.get(key).cloned(),
                None => self.client.get_at(key, for_update_ts, ReadFrom::Leader).await?,
            };
            values.push(value);
        }
        Ok(values)
    }
}
