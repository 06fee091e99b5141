//! Places for the sockets of a listener.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// How often it is said that there are no places.
const SAY_EVERY: Duration = Duration::from_secs(10);
/// Of a socket that makes room for nobody.
const STAYS: u64 = u64::MAX;

/// How many sockets a listener may have at once.
#[derive(Debug)]
pub(in crate::actors) struct Places {
    max: usize,
    /// So long a socket may be quiet without having to make room.
    mercy: Duration,
    anchor: Instant,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    last: u64,
    /// How many were refused, and when that was last said.
    refused: u64,
    said: Option<Instant>,
    sockets: BTreeMap<u64, Arc<Socket>>,
}

#[derive(Debug)]
struct Socket {
    /// Nanoseconds after the anchor; [`STAYS`]: it may stay.
    quiet_since: AtomicU64,
    evicted: CancellationToken,
}

impl Places {
    /// So many places; whoever is quiet for longer than `mercy` may have to give his up.
    pub(in crate::actors) fn new(max: usize, mercy: Duration) -> Arc<Places> {
        Arc::new(Places { max, mercy, anchor: Instant::now(), taken: Mutex::default() })
    }

    /// How many there are.
    pub(in crate::actors) fn max(&self) -> usize {
        self.max
    }

    /// How many are taken.
    pub(in crate::actors) fn taken(&self) -> usize {
        self.taken.lock().sockets.len()
    }

    /// A place, which is free again when it is dropped. If all are taken the socket that has been quiet for the longest makes
    /// room; `None`: there is none that has to.
    pub(in crate::actors) fn take(self: &Arc<Self>) -> Option<Place> {
        let now = self.now();
        let mut taken = self.taken.lock();
        if taken.sockets.len() >= self.max {
            let quietest = taken.quietest().filter(|(_, since)| {
                *since != STAYS && u128::from(now.saturating_sub(*since)) >= self.mercy.as_nanos()
            });
            let (number, _) = quietest?;
            if let Some(socket) = taken.sockets.remove(&number) {
                socket.evicted.cancel();
            }
        }
        taken.last += 1;
        let number = taken.last;
        let socket = Arc::new(Socket {
            quiet_since: AtomicU64::new(now),
            evicted: CancellationToken::new(),
        });
        taken.sockets.insert(number, socket.clone());
        Some(Place { number, places: self.clone(), socket })
    }

    /// Somebody was refused: how many since that was last said, if it is to be said again. A crowd at the door must not fill the log.
    pub(in crate::actors) fn refused(&self) -> Option<u64> {
        let mut taken = self.taken.lock();
        taken.refused += 1;
        if taken.said.is_some_and(|said| said.elapsed() < SAY_EVERY) {
            return None;
        }
        taken.said = Some(Instant::now());
        Some(std::mem::take(&mut taken.refused))
    }

    fn now(&self) -> u64 {
        u64::try_from(self.anchor.elapsed().as_nanos()).unwrap_or(STAYS - 1)
    }
}

impl Taken {
    fn quietest(&self) -> Option<(u64, u64)> {
        let since = |socket: &Socket| socket.quiet_since.load(Ordering::Relaxed);
        let all = self.sockets.iter().map(|(number, socket)| (*number, since(socket)));
        all.min_by_key(|(_, since)| *since)
    }
}

/// One socket's place.
#[derive(Debug)]
pub(in crate::actors) struct Place {
    number: u64,
    places: Arc<Places>,
    socket: Arc<Socket>,
}

impl Place {
    /// Something has come or gone over the socket.
    pub(in crate::actors) fn heard(&self) {
        let now = self.places.now();
        let stays = |since| (since != STAYS).then_some(now);
        let _ = self.socket.quiet_since.fetch_update(Ordering::Relaxed, Ordering::Relaxed, stays);
    }

    /// From now on it makes room for nobody.
    pub(in crate::actors) fn keep(&self) {
        self.socket.quiet_since.store(STAYS, Ordering::Relaxed);
    }

    /// For how long it has been quiet.
    pub(in crate::actors) fn quiet(&self) -> Duration {
        let since = self.socket.quiet_since.load(Ordering::Relaxed);
        Duration::from_nanos(self.places.now().saturating_sub(since))
    }

    /// Resolves when it has to make room.
    pub(in crate::actors) fn evicted(&self) -> WaitForCancellationFutureOwned {
        self.socket.evicted.clone().cancelled_owned()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.taken.lock().sockets.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MERCY: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn the_quietest_makes_room_but_not_at_once() {
        let places = Places::new(2, MERCY);
        let first = places.take().unwrap();
        let second = places.take().unwrap();
        assert!(places.take().is_none(), "both have only just come");
        tokio::time::advance(MERCY).await;
        first.heard();
        tokio::time::advance(MERCY / 2).await;
        let third = places.take().expect("the second was quiet for the longest");
        second.evicted().await;
        assert!(places.take().is_none(), "the first has spoken within a second");
        drop(second);
        assert_eq!(places.taken(), 2, "its place was another's already");
        drop(third);
        assert_eq!(places.taken(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn that_there_are_no_places_is_said_now_and_then() {
        let places = Places::new(0, MERCY);
        assert_eq!([places.refused(), places.refused(), places.refused()], [Some(1), None, None]);
        tokio::time::advance(SAY_EVERY).await;
        assert_eq!(places.refused(), Some(3));
    }

    #[tokio::test(start_paused = true)]
    async fn who_may_stay_makes_room_for_nobody() {
        let places = Places::new(1, MERCY);
        let only = places.take().unwrap();
        only.keep();
        only.heard();
        tokio::time::advance(MERCY * 100).await;
        assert!(places.take().is_none());
        drop(only);
        assert!(places.take().is_some());
    }
}
