//! Timestamps for many: whoever wants one joins a batch, and one question at a time fetches for the
//! whole of it.
//!
//! To wait costs a place in the batch's list and no allocation, and the answer is written once: who
//! is woken finds its own timestamp by its place.

use std::future::Future;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;

use crate::actors::pd::{PdError, PdResult};
use crate::common::Timestamp;

/// Timestamps of one question at most.
const MOST: u64 = 1 << 16;

/// Those who wait for a timestamp.
#[derive(Default)]
pub(super) struct TimestampQueue {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// Those the next question will be asked for.
    joining: Arc<Batch>,
    /// A question is on its way, and whoever sent it goes on until nobody waits.
    fetching: bool,
}

/// Those who share a question.
#[derive(Default)]
struct Batch {
    state: Mutex<State>,
}

enum State {
    /// Who is to be woken, by place; `None`: has not been polled yet, or has gone.
    Waiting { wakers: Vec<Option<Waker>>, gone: usize },
    /// What was fetched; who finds nothing at its place joins another batch.
    Fetched(PdResult<Range<Timestamp>>),
}

impl Default for State {
    fn default() -> State {
        State::Waiting { wakers: Vec::new(), gone: 0 }
    }
}

/// A closed batch to fetch for. If it is dropped without an answer, those who wait are told.
pub(super) struct Question {
    batch: Arc<Batch>,
    count: u64,
}

/// A place in a batch. Ends with the timestamp, or with `None` when less was fetched than asked for:
/// then it is to be waited for again.
pub(super) struct Coming {
    batch: Arc<Batch>,
    place: usize,
}

impl TimestampQueue {
    /// Joins the next batch. With `true` the caller has to see to it that [`TimestampQueue::next`]
    /// is fetched for.
    pub(super) fn wait(&self) -> (Coming, bool) {
        let mut inner = self.inner.lock();
        let batch = Arc::clone(&inner.joining);
        let place = match &mut *batch.state.lock() {
            State::Waiting { wakers, .. } => {
                wakers.push(None);
                wakers.len() - 1
            }
            State::Fetched(_) => unreachable!("a batch is closed before it is fetched for"),
        };
        (Coming { batch, place }, !std::mem::replace(&mut inner.fetching, true))
    }

    /// The batch to fetch for now, closed: only who waits before the question is sent may have its
    /// answer. `None`: nobody waits, and fetching has ended.
    pub(super) fn next(&self) -> Option<Question> {
        let mut inner = self.inner.lock();
        let batch = std::mem::take(&mut inner.joining);
        let count = batch.waiting();
        if count == 0 {
            inner.fetching = false;
            return None;
        }
        Some(Question { batch, count: count.min(MOST) })
    }

    /// Nobody fetches any more: those who wait are told.
    pub(super) fn fail(&self) {
        let batch = {
            let mut inner = self.inner.lock();
            inner.fetching = false;
            std::mem::take(&mut inner.joining)
        };
        batch.give(Err(stops()));
    }
}

fn stops() -> PdError {
    PdError::Unavailable("this node stops".to_owned())
}

impl Question {
    /// How many timestamps to fetch.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Gives out what was fetched.
    pub(super) fn answer(self, fetched: PdResult<Range<Timestamp>>) {
        self.batch.give(fetched);
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        self.batch.give(Err(stops()));
    }
}

impl Batch {
    /// Places to fetch for; none if all who took one have gone.
    fn waiting(&self) -> u64 {
        match &*self.state.lock() {
            State::Waiting { wakers, gone } if *gone < wakers.len() => wakers.len() as u64,
            _ => 0,
        }
    }

    /// Writes the answer, unless there is one.
    fn give(&self, fetched: PdResult<Range<Timestamp>>) {
        let before = match &mut *self.state.lock() {
            State::Fetched(_) => return,
            waiting => std::mem::replace(waiting, State::Fetched(fetched)),
        };
        if let State::Waiting { wakers, .. } = before {
            wakers.into_iter().flatten().for_each(Waker::wake);
        }
    }
}

impl Future for Coming {
    type Output = PdResult<Option<Timestamp>>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut *self.batch.state.lock() {
            State::Waiting { wakers, .. } => {
                match &mut wakers[self.place] {
                    Some(waker) => waker.clone_from(context.waker()),
                    none => *none = Some(context.waker().clone()),
                }
                Poll::Pending
            }
            State::Fetched(Ok(range)) => {
                let mine = Timestamp(range.start.0 + self.place as u64);
                Poll::Ready(Ok((mine < range.end).then_some(mine)))
            }
            State::Fetched(Err(error)) => Poll::Ready(Err(error.clone())),
        }
    }
}

impl Drop for Coming {
    fn drop(&mut self) {
        if let State::Waiting { wakers, gone } = &mut *self.batch.state.lock() {
            wakers[self.place] = None;
            *gone += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn poll(coming: &mut Coming) -> Poll<PdResult<Option<Timestamp>>> {
        Pin::new(coming).poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn one_question_serves_all_who_came_before_it() {
        let queue = TimestampQueue::default();
        let (mut first, mine) = queue.wait();
        assert!(mine, "the first sends");
        let (mut second, mine) = queue.wait();
        assert!(!mine);
        assert!(poll(&mut first).is_pending());
        let question = queue.next().unwrap();
        assert_eq!(question.count(), 2);
        let (mut late, mine) = queue.wait();
        assert!(!mine, "whoever fetches goes on");
        question.answer(Ok(Timestamp(7)..Timestamp(9)));
        assert!(matches!(poll(&mut first), Poll::Ready(Ok(Some(Timestamp(7))))));
        assert!(matches!(poll(&mut second), Poll::Ready(Ok(Some(Timestamp(8))))));
        assert!(poll(&mut late).is_pending(), "it came after the question");
        assert_eq!(queue.next().unwrap().count(), 1);
        assert!(matches!(poll(&mut late), Poll::Ready(Err(_))), "its question was dropped");
    }

    #[test]
    fn who_got_nothing_waits_again() {
        let queue = TimestampQueue::default();
        let (mut first, mut second) = (queue.wait().0, queue.wait().0);
        queue.next().unwrap().answer(Ok(Timestamp(7)..Timestamp(8)));
        assert!(matches!(poll(&mut first), Poll::Ready(Ok(Some(Timestamp(7))))));
        assert!(matches!(poll(&mut second), Poll::Ready(Ok(None))));
    }

    #[test]
    fn nothing_is_fetched_for_those_who_have_gone() {
        let queue = TimestampQueue::default();
        drop(queue.wait());
        drop(queue.wait());
        assert!(queue.next().is_none());
        let (_, mine) = queue.wait();
        assert!(mine, "fetching had ended");
    }

    #[test]
    fn an_end_is_told_to_all() {
        let queue = TimestampQueue::default();
        let mut waiting = queue.wait().0;
        queue.fail();
        assert!(matches!(poll(&mut waiting), Poll::Ready(Err(PdError::Unavailable(_)))));
        assert!(queue.wait().1);
    }
}
