//! What the attempts of one request share, and what it does about locks in its way.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::backoff::Backoff;
use super::client::Client;
use crate::common::Timestamp;
use crate::common::retry::Effect;
use crate::sql::kv::ReadFrom;
use crate::storage::txn::{LockInfo, LockKind, Pass};

/// So long a write that nobody waits for is tried again, all together: longer than an election takes.
const BEHIND: Duration = Duration::from_secs(5);

/// What a request does about a lock that stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// Waits as long as for anything else.
    Usual,
    /// Waits until then.
    Until(Instant),
    /// Does not wait.
    None,
    /// A prewrite waits for some and gives way to others.
    Commit(Committing),
}

/// The longest pause of a commit before it looks again whether another is over.
const LONGEST_FOR_COMMIT: Duration = Duration::from_millis(10);
/// How long a commit waits for another one that may be waiting for it. That it meets a lock does not mean so: mostly the other has all its
/// locks, which makes it committed, and is just turning them into records.
const GIVES_WAY_AFTER: Duration = Duration::from_millis(40);

/// A transaction that prewrites, with locks in place that others wait for.
///
/// It must not wait for somebody who may be waiting for it. So a commit waits only for commits, which end by themselves and soon, and for
/// these patiently only in one direction: a pessimistic one for optimistic ones, and among equals the older for the younger. Thus no
/// circle of waits with a commit in it lasts, nobody waits long for a commit, and the detector need not know of these waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Committing {
    pub(super) start_ts: Timestamp,
    pub(super) is_pessimistic: bool,
    /// Optimistic, and all of it in this one request: while it waits it holds nothing.
    pub(super) is_alone: bool,
    /// It has met a commit for which it does not wait longer than this.
    pub(super) gives_way_at: Option<Instant>,
}

impl Committing {
    /// The longest pause before this lock is looked at again; `None`: it is not waited for.
    pub(super) fn pause(&mut self, lock: &LockInfo, ttl_left: Duration) -> Option<Duration> {
        if self.is_alone {
            return Some(ttl_left);
        }
        if lock.kind == LockKind::Pessimistic {
            return None;
        }
        let most = ttl_left.min(LONGEST_FOR_COMMIT);
        let comes_first = match (self.is_pessimistic, lock.for_update_ts != Timestamp::ZERO) {
            (true, false) => true,
            (false, true) => false,
            _ => self.start_ts < lock.start_ts,
        };
        if comes_first {
            return Some(most);
        }
        let now = Instant::now();
        (*self.gives_way_at.get_or_insert(now + GIVES_WAY_AFTER) > now).then_some(most)
    }
}

/// What the attempts of one request share.
#[derive(Debug)]
pub(super) struct Call {
    /// The pauses, and the deadline.
    pub(super) backoff: Backoff,
    /// The snapshot of a reader, who has transactions pushed out of its way; `MAX` for writers, who wait.
    pub(super) caller: Timestamp,
    /// What to do about a lock that stays.
    pub(super) patience: Patience,
    /// What the reader may read around.
    pub(super) passes: Mutex<Vec<Pass>>,
    /// Who may serve a read; after a failure only the leader, which knows better what is wrong.
    pub(super) read_from: ReadFrom,
    /// A write was sent whose answer is lost.
    undetermined: AtomicBool,
    /// What the attempt at hand does in its region.
    pub(super) effect: Effect,
    /// How long it has waited for locks.
    pub(super) waited: Duration,
}

impl Call {
    /// A call of a reader at `caller`, or of a writer (`MAX`).
    pub(super) fn new(client: &Client, caller: Timestamp) -> Call {
        Call {
            backoff: Backoff::new(client.options().request_timeout),
            caller,
            patience: Patience::Usual,
            passes: Mutex::new(Vec::new()),
            read_from: ReadFrom::Leader,
            undetermined: AtomicBool::new(false),
            effect: Effect::Read,
            waited: Duration::ZERO,
        }
    }

    /// A call of a reader whom other replicas may serve, too.
    pub(super) fn read(client: &Client, caller: Timestamp, read_from: ReadFrom) -> Call {
        Call { read_from, ..Call::new(client, caller) }
    }

    /// A call of a writer.
    pub(super) fn write(client: &Client) -> Call {
        Call::new(client, Timestamp::MAX)
    }

    /// A call of a writer for whom nobody waits, and whose work is done by others if it is not done here: it goes on over a change of
    /// leaders, but it does not insist on learning what became of a lost answer. A node that stops is held up no longer than this.
    pub(super) fn behind(client: &Client) -> Call {
        let total = BEHIND.min(client.options().request_timeout);
        Call { backoff: Backoff::unextended(total), ..Call::write(client) }
    }

    /// A call of a writer who does not insist: it is not made again after a pause.
    pub(super) fn once(client: &Client) -> Call {
        Call { backoff: Backoff::new(Duration::ZERO), ..Call::write(client) }
    }

    /// The call for a part of this one's items.
    pub(super) fn part(&self) -> Call {
        Call {
            backoff: self.backoff.clone(),
            caller: self.caller,
            patience: self.patience,
            passes: Mutex::new(self.passes()),
            read_from: self.read_from,
            undetermined: AtomicBool::new(false),
            effect: Effect::Read,
            waited: Duration::ZERO,
        }
    }

    /// What a part of it did is not known.
    pub(super) fn set_undetermined(&self) {
        self.undetermined.store(true, Ordering::Relaxed);
    }

    /// Whether some write may have taken effect though its answer was lost.
    pub(super) fn is_undetermined(&self) -> bool {
        self.undetermined.load(Ordering::Relaxed)
    }

    /// Whether it passes a transaction's locks.
    pub(super) fn knows(&self, start_ts: Timestamp) -> bool {
        self.passes.lock().iter().any(|pass| pass.start_ts == start_ts)
    }

    /// Has it read around a transaction's locks.
    pub(super) fn pass(&self, pass: Pass) {
        let mut passes = self.passes.lock();
        if passes.iter().all(|known| known.start_ts != pass.start_ts) {
            passes.push(pass);
        }
    }

    pub(super) fn passes(&self) -> Vec<Pass> {
        self.passes.lock().clone()
    }
}
