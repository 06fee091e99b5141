//! A stream that a worker of its own polls.

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures::stream::BoxStream;
use futures::{FutureExt as _, Stream, StreamExt as _};
use tokio::sync::mpsc;

use super::pool::{Pool, Task};
use super::roaming::{Panic, breathe, own_pool};

/// Items that wait for whoever asks for them, besides the one that is made.
const AHEAD: usize = 1;

/// Polls a stream on a worker of its own, one item ahead, if the caller runs on one: who asks for the next item may turn away in the
/// middle of a poll that takes long. Dropping it drops the stream as soon as the poll in hand has come back.
pub fn apart<T: Send + 'static>(stream: BoxStream<'static, T>) -> BoxStream<'static, T> {
    match own_pool() {
        Some(pool) => Box::pin(Apart::start(&pool, stream)),
        None => stream,
    }
}

struct Apart<T> {
    items: mpsc::Receiver<Result<T, Panic>>,
    task: Arc<Task>,
}

impl<T: Send + 'static> Apart<T> {
    fn start(pool: &Arc<Pool>, mut stream: BoxStream<'static, T>) -> Apart<T> {
        let (sender, items) = mpsc::channel(AHEAD);
        let task = pool.enter(Box::pin(async move {
            loop {
                let item = match AssertUnwindSafe(stream.next()).catch_unwind().await {
                    Ok(Some(item)) => Ok(item),
                    Ok(None) => return,
                    Err(panic) => Err(panic),
                };
                let is_last = item.is_err();
                if sender.send(item).await.is_err() || is_last {
                    return;
                }
                breathe().await;
            }
        }));
        Apart { items, task }
    }
}

impl<T> Stream for Apart<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        Poll::Ready(match ready!(self.items.poll_recv(cx)) {
            Some(Ok(item)) => Some(item),
            Some(Err(panic)) => resume_unwind(panic),
            None => None,
        })
    }
}

impl<T> Drop for Apart<T> {
    fn drop(&mut self) {
        self.task.abort();
    }
}
