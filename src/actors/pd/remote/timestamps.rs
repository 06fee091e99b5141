//! Timestamps for many: whoever wants one waits in a queue, and one question at a time fetches for all who wait.

use std::collections::VecDeque;
use std::ops::Range;

use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::actors::pd::{PdError, PdResult};
use crate::common::Timestamp;

/// Timestamps of one question at most.
const MOST: usize = 1 << 16;

/// Those who wait for a timestamp.
#[derive(Default)]
pub(super) struct TimestampQueue {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    waiting: VecDeque<oneshot::Sender<PdResult<Timestamp>>>,
    /// A question is on its way, and whoever sent it goes on until nobody waits.
    fetching: bool,
}

/// Where a timestamp will come.
pub(super) type Coming = oneshot::Receiver<PdResult<Timestamp>>;

impl TimestampQueue {
    /// Gets in line. With `true` the caller has to see to it that [`TimestampQueue::next`] is fetched for.
    pub(super) fn wait(&self) -> (Coming, bool) {
        let (sender, coming) = oneshot::channel();
        let mut inner = self.inner.lock();
        inner.waiting.push_back(sender);
        (coming, !std::mem::replace(&mut inner.fetching, true))
    }

    /// Those to fetch for now: only who waits before the question is sent may have its answer. `None`: nobody waits, and
    /// fetching has ended.
    pub(super) fn next(&self) -> Option<Vec<oneshot::Sender<PdResult<Timestamp>>>> {
        let mut inner = self.inner.lock();
        inner.waiting.retain(|sender| !sender.is_closed());
        if inner.waiting.is_empty() {
            inner.fetching = false;
            return None;
        }
        let count = inner.waiting.len().min(MOST);
        Some(inner.waiting.drain(..count).collect())
    }

    /// Gives out what was fetched. Who gets none waits again, before all others.
    pub(super) fn give(
        &self,
        batch: Vec<oneshot::Sender<PdResult<Timestamp>>>,
        fetched: PdResult<Range<Timestamp>>,
    ) {
        let range = match fetched {
            Ok(range) => range,
            Err(error) => {
                for sender in batch {
                    let _ = sender.send(Err(error.clone()));
                }
                return;
            }
        };
        let mut left = batch.into_iter();
        for ts in range.start.0..range.end.0 {
            let Some(sender) = left.next() else { return };
            let _ = sender.send(Ok(Timestamp(ts)));
        }
        let mut inner = self.inner.lock();
        for sender in left.rev() {
            inner.waiting.push_front(sender);
        }
    }

    /// Nobody fetches any more: those who wait are told.
    pub(super) fn fail(&self) {
        let waiting = {
            let mut inner = self.inner.lock();
            inner.fetching = false;
            std::mem::take(&mut inner.waiting)
        };
        for sender in waiting {
            let _ = sender.send(Err(PdError::Unavailable("this node stops".to_owned())));
        }
    }
}
