//! Waiting for locks of other transactions.
//!
//! A waiter holds no latches. It is woken when the lock it waits for goes (the oldest transaction
//! first), then starts over. It ends with an error when it has waited long enough, when its wait
//! closes a cycle, or, so that its client can look whether the holder is still alive, when the
//! lock's ttl is over.

use std::time::Duration;

use bytes::Bytes;
use tracing::debug;

use super::actor::RegionPeer;
use super::commands::{Command, Stage};
use crate::actors::runtime::Context;
use crate::actors::store::deadlock::{DetectDeadlock, ForgetWait, LeadsFirstRegion};
use crate::common::Timestamp;
use crate::storage::txn::{
    CommandId, KeyError, KvRequest, LockInfo, PessimisticLock, RegionError, WaitEdge, Waiter,
};

/// A waiter's client looks after the holder no more often than this.
const MIN_PATIENCE: Duration = Duration::from_secs(1);
/// How much longer than the wait itself an answer about deadlocks is waited for.
const DETECT_SLACK: Duration = Duration::from_secs(5);

impl RegionPeer {
    /// Puts a command that met a lock among the waiters.
    pub(super) fn wait_for_lock(
        &mut self,
        id: CommandId,
        mut command: Command,
        lock: Box<LockInfo>,
        timeout_ms: u64,
        ctx: &mut Context<Self>,
    ) {
        let KvRequest::PessimisticLock(PessimisticLock { start_ts, .. }) = &command.request else {
            self.finish(id, command, Err(KeyError::Locked(lock).into()));
            return;
        };
        let start_ts = *start_ts;
        let now = Self::now(ctx);
        let wait =
            command.wait.get_or_insert_with(|| now..now.saturating_add(nanos_of_ms(timeout_ms)));
        let deadline = wait.end;
        if deadline <= now {
            self.finish(id, command, Err(KeyError::LockWaitTimeout { lock }.into()));
            return;
        }
        let until = deadline
            .min(now.saturating_add(patience(&lock, ctx.system().clock().forward_unix_ms())));
        let edge = WaitEdge { waiter: start_ts, holder: lock.start_ts, key: lock.key.clone() };
        self.waiters.wait(Waiter {
            command: id,
            start_ts,
            key: lock.key.clone(),
            holder: lock.start_ts,
            deadline: until,
        });
        // Woken for another lock than it now waits for: that one is free for the next.
        let passed_over = command.woken_for.take().filter(|key| *key != lock.key);
        let keys = std::mem::take(&mut command.keys);
        command.stage = Stage::Waiting(lock);
        self.commands.insert(id, command);
        self.release(id, &keys);
        if let Some(key) = passed_over {
            self.wake_waiter(&key);
        }
        self.detect_deadlock(id, edge, Duration::from_nanos(until - now), ctx);
        self.arm_wait_timer(ctx);
    }

    /// The lock on a key is gone: its first waiter tries again.
    pub(super) fn wake_waiter(&mut self, key: &Bytes) {
        let Some(waiter) = self.waiters.wake(key) else { return };
        self.restart_waiter(waiter);
    }

    fn restart_waiter(&mut self, waiter: Waiter) {
        let id = waiter.command;
        let key = waiter.key.clone();
        self.forget_wait(waiter);
        if let Some(mut command) = self.commands.remove(&id) {
            command.woken_for = Some(key);
            self.latch(id, command);
        }
    }

    /// Another transaction has the lock now; those who wait, wait for that one.
    pub(super) fn retarget_waiters(
        &mut self,
        key: &Bytes,
        holder: Timestamp,
        ctx: &mut Context<Self>,
    ) {
        let now = Self::now(ctx);
        for waiter in self.waiters.retarget(key, holder) {
            if waiter.holder == holder {
                continue;
            }
            if waiter.start_ts == holder {
                // Its own transaction got the lock by another command.
                if let Some(waiter) = self.waiters.remove(waiter.command) {
                    self.restart_waiter(waiter);
                }
                continue;
            }
            let (id, remaining) = (waiter.command, waiter.deadline.saturating_sub(now));
            let edge = WaitEdge { waiter: waiter.start_ts, holder, key: key.clone() };
            self.forget_wait(waiter);
            self.retarget_command(id, key, holder);
            self.detect_deadlock(id, edge, Duration::from_nanos(remaining), ctx);
        }
    }

    fn retarget_command(&mut self, id: CommandId, key: &Bytes, holder: Timestamp) {
        let lock = self.locks.get(key).filter(|entry| entry.start_ts == holder);
        if let Some(lock) = lock.map(|entry| entry.to_lock().info(key))
            && let Some(command) = self.commands.get_mut(&id)
        {
            command.stage = Stage::Waiting(Box::new(lock));
        }
    }

    fn detect_deadlock(
        &self,
        id: CommandId,
        edge: WaitEdge,
        for_at_most: Duration,
        ctx: &mut Context<Self>,
    ) {
        let question = DetectDeadlock { edge: edge.clone(), for_at_most };
        let answer = self.shared.deadlocks.ask(question, for_at_most + DETECT_SLACK);
        ctx.spawn_then(answer, move |this: &mut Self, answer, ctx| match answer {
            Ok(false) => {}
            Ok(true) => {
                this.on_deadlock(id, &edge);
                this.flush_if_drained(ctx);
            }
            // Another question about the same wait has taken its place, or the wait ends by its timeout.
            Err(error) => debug!(%error, region_id = %this.id(), "failed to look for deadlocks"),
        });
    }

    /// A wait closes a cycle: the transaction that waits is the victim, if it still waits.
    fn on_deadlock(&mut self, id: CommandId, edge: &WaitEdge) {
        let still_waits = self.commands.get(&id).is_some_and(|command| match &command.stage {
            Stage::Waiting(lock) => lock.start_ts == edge.holder && lock.key == edge.key,
            Stage::Latching | Stage::Proposed(..) => false,
        });
        if !still_waits || self.waiters.remove(id).is_none() {
            return;
        }
        if let Some(command) = self.commands.remove(&id) {
            let error = KeyError::Deadlock { key: edge.key.clone(), lock_ts: edge.holder };
            self.finish(id, command, Err(error.into()));
        }
    }

    /// The Deadlocks actor of the store that leads the first region sees the waits of all others.
    pub(super) fn report_first_region(&mut self) {
        let leads = self.region.start_key.is_empty()
            && self.region.is_initialized()
            && self.core.is_leader()
            && self.core.is_ready()
            && !self.gone;
        if leads == self.leads_first {
            return;
        }
        let told = self.shared.deadlocks.tell(LeadsFirstRegion { region_id: self.id(), leads });
        if told.is_ok() {
            self.leads_first = leads;
        }
    }

    fn arm_wait_timer(&mut self, ctx: &mut Context<Self>) {
        let Some(next) = self.waiters.next_deadline() else { return };
        if let Some((armed, timer)) = &self.wait_timer {
            if *armed <= next {
                return;
            }
            timer.cancel();
        }
        let after = Duration::from_nanos(next.saturating_sub(Self::now(ctx)));
        let timer = ctx.run_later(after, |this, ctx| {
            this.wait_timer = None;
            this.expire_waits(ctx);
            this.arm_wait_timer(ctx);
            this.flush_if_drained(ctx);
        });
        self.wait_timer = Some((next, timer));
    }

    fn expire_waits(&mut self, ctx: &mut Context<Self>) {
        let now = Self::now(ctx);
        for waiter in self.waiters.expire(now) {
            let id = waiter.command;
            self.forget_wait(waiter);
            let Some(mut command) = self.commands.remove(&id) else { continue };
            let stage = std::mem::replace(&mut command.stage, Stage::Latching);
            let Stage::Waiting(lock) = stage else { unreachable!("a waiter is waiting") };
            let error = if command.wait.as_ref().is_some_and(|wait| wait.end <= now) {
                KeyError::LockWaitTimeout { lock }
            } else {
                KeyError::Locked(lock)
            };
            self.finish(id, command, Err(error.into()));
        }
    }

    /// Sends every waiter back to its client: the region is no longer what it was.
    pub(super) fn refuse_waiters(&mut self, error: &RegionError) {
        for waiter in self.waiters.drain() {
            let id = waiter.command;
            self.forget_wait(waiter);
            if let Some(command) = self.commands.remove(&id) {
                self.finish(id, command, Err(error.clone().into()));
            }
        }
    }

    /// Forgets every wait, but not the commands.
    pub(super) fn forget_waiters(&mut self) {
        for waiter in self.waiters.drain() {
            self.forget_wait(waiter);
        }
    }

    fn forget_wait(&self, waiter: Waiter) {
        let edge = WaitEdge { waiter: waiter.start_ts, holder: waiter.holder, key: waiter.key };
        // What the detector is not told, it forgets when the wait would have ended.
        let _ = self.shared.deadlocks.tell(ForgetWait { edge });
    }
}

fn nanos_of_ms(ms: u64) -> u64 {
    ms.saturating_mul(1_000_000)
}

/// How long to wait until the holder of a lock may be dead, in nanoseconds.
fn patience(lock: &LockInfo, unix_ms: u64) -> u64 {
    let ends = lock.start_ts.physical_ms().saturating_add(lock.ttl_ms);
    let least = u64::try_from(MIN_PATIENCE.as_nanos()).unwrap_or(u64::MAX);
    nanos_of_ms(ends.saturating_sub(unix_ms)).max(least)
}
