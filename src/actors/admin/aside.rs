//! Answers that are work, made aside: not on the thread that serves the sockets, a few at a time, and once for all who ask the same.
//!
//! A client may ask for a long list again and again without waiting, and many clients may. So what is not said at once waits for its turn, in
//! the order of asking; a connection has one request in hand, so that each gets its share. Whoever asks what somebody waits for already, and
//! nobody has begun to make, gets that answer too: it is as new as his question. What is asked of the sockets' thread itself is only to copy
//! the answer out, so that an operator's `/health` is never behind a list.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use parking_lot::Mutex;
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::http::Refusal;

/// An answer that can be handed from thread to thread, and to several.
#[derive(Clone, Debug)]
pub(super) struct Made {
    content_type: &'static str,
    body: Bytes,
}

/// What comes of the making.
pub(super) type Answered = Result<Made, Refusal>;

impl Made {
    /// Something of that type.
    pub(super) fn of(content_type: &'static str, body: impl Into<Bytes>) -> Made {
        Made { content_type, body: body.into() }
    }

    /// A value as JSON.
    pub(super) fn json(value: &impl Serialize) -> Answered {
        match serde_json::to_vec(value) {
            Ok(json) => Ok(Made::of("application/json", json)),
            Err(error) => Err(Refusal::Broken(error.to_string())),
        }
    }
}

impl From<Made> for HttpResponse {
    fn from(made: Made) -> HttpResponse {
        HttpResponse::build(StatusCode::OK).content_type(made.content_type).body(made.body)
    }
}

type Coming = Shared<BoxFuture<'static, Answered>>;

/// The place where such answers are made.
pub(super) struct Aside {
    turns: Semaphore,
    /// What is waited for and not begun, by what was asked.
    coming: Mutex<BTreeMap<String, Coming>>,
}

impl Aside {
    /// So many answers are made at a time.
    pub(super) fn new(at_once: usize) -> Arc<Aside> {
        Arc::new(Aside { turns: Semaphore::new(at_once), coming: Mutex::default() })
    }

    /// The answer to what is asked, made when its turn has come, by whoever asked first.
    pub(super) fn answer<F>(
        self: &Arc<Self>,
        asked: String,
        making: impl FnOnce() -> F + Send + 'static,
    ) -> impl Future<Output = Answered> + 'static
    where
        F: Future<Output = Answered> + Send + 'static,
    {
        let mut coming = self.coming.lock();
        if let Some(found) = coming.get(&asked) {
            return found.clone();
        }
        let (aside, key) = (self.clone(), asked.clone());
        let made = tokio::spawn(async move {
            let _turn = aside.turns.acquire().await;
            // Whoever asks from here on may know more than this answer will.
            aside.coming.lock().remove(&key);
            making().await
        });
        let made =
            made.map(|made| made.unwrap_or_else(|error| Err(Refusal::Broken(error.to_string()))));
        let made = made.boxed().shared();
        coming.insert(asked, made.clone());
        made
    }

    /// The same of work that waits for nothing.
    pub(super) fn compute(
        self: &Arc<Self>,
        asked: String,
        work: impl FnOnce() -> Answered + Send + 'static,
    ) -> impl Future<Output = Answered> + 'static {
        self.answer(asked, || elsewhere(work))
    }

    /// Work of one question alone, in its turn.
    pub(super) async fn alone<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        let _turn = self.turns.acquire().await;
        elsewhere(work).await
    }
}

/// Does work on a thread that serves nobody.
pub(super) async fn elsewhere<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    match spawn_blocking(work).await {
        Ok(made) => made,
        Err(error) => Err(Refusal::Broken(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use futures::future::join_all;
    use tokio::sync::Notify;

    use super::*;

    fn text(number: u32) -> Answered {
        Ok(Made::of("text/plain", number.to_string()))
    }

    fn read(answered: &Answered) -> String {
        String::from_utf8_lossy(&answered.as_ref().expect("it was made").body).into_owned()
    }

    #[tokio::test]
    async fn what_many_wait_for_is_made_once_and_never_older_than_the_question() {
        let aside = Aside::new(1);
        let (made, gate) = (Arc::new(AtomicU32::new(0)), Arc::new(Notify::new()));
        let ask = || {
            let (made, gate) = (made.clone(), gate.clone());
            aside.answer("list".to_owned(), move || async move {
                let number = made.fetch_add(1, Ordering::Relaxed);
                gate.notified().await;
                text(number)
            })
        };
        let first = tokio::spawn(ask());
        while made.load(Ordering::Relaxed) == 0 {
            tokio::task::yield_now().await;
        }
        // The first is being made: what is asked now is made after it, for all of them at once.
        let others: Vec<_> = (0..100).map(|_| ask()).collect();
        gate.notify_one();
        assert_eq!(read(&first.await.expect("it ends")), "0");
        gate.notify_one();
        let others = join_all(others).await;
        assert!(others.iter().all(|answered| read(answered) == "1"));
        assert_eq!(made.load(Ordering::Relaxed), 2);
        assert!(aside.coming.lock().is_empty());
    }

    #[tokio::test]
    async fn one_that_breaks_is_said_to_be_broken_and_the_next_is_made() {
        let aside = Aside::new(1);
        let broken = aside.compute("a".to_owned(), || panic!("as it was told")).await;
        assert!(matches!(broken, Err(Refusal::Broken(_))));
        assert_eq!(read(&aside.compute("a".to_owned(), || text(7)).await), "7");
        assert_eq!(aside.alone(|| Ok(3)).await.expect("it is made"), 3);
    }
}
