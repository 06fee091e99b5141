//! What a store tells the detector of the waits for its locks.

use std::collections::{BTreeMap, BTreeSet};

use super::detector::WaitEdge;
use crate::common::StoreId;

/// Waits of one store, on their way to the detector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedWaits {
    /// The store.
    pub from: StoreId,
    /// Which account of the store's waits they belong to.
    pub account: u64,
    /// They are all there are, the first of a new account. Otherwise they are more of one begun before.
    pub all: bool,
    /// Those of the account that are over. Told before `waits`: one of these may have begun anew.
    pub ended: Vec<WaitEdge>,
    /// Each with how long it lasts at most, in nanoseconds.
    pub waits: Vec<(WaitEdge, u64)>,
}

/// What became of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WaitsShared {
    /// The store that was told is not the detector.
    NotDetector,
    /// The detector does not know the account: it is to be told all.
    Unknown,
    /// They are known now.
    Taken {
        /// Those that would close a cycle. Their transactions are the victims.
        victims: Vec<WaitEdge>,
    },
}

/// The waits for locks of one store, and how much of them the detector knows.
///
/// One telling is on its way at a time; what begins meanwhile goes with the next. Time is in nanoseconds.
#[derive(Debug, Default)]
pub struct StoreWaits {
    /// Until when each lasts at most.
    waits: BTreeMap<WaitEdge, u64>,
    /// The store that is believed to be the detector.
    detector: Option<StoreId>,
    /// Grows with everything after which an older answer means nothing.
    account: u64,
    /// The detector has the account, as far as is known here.
    is_open: bool,
    /// What is to be told of the account.
    news: BTreeSet<WaitEdge>,
    /// What was told of the account, or is being told, and is over.
    ended: BTreeSet<WaitEdge>,
    is_telling: bool,
}

impl StoreWaits {
    /// Nobody waits, and nobody is to be told.
    pub fn new() -> StoreWaits {
        StoreWaits::default()
    }

    /// A wait begins.
    pub fn begin(&mut self, edge: WaitEdge, expires_at: u64) {
        self.news.insert(edge.clone());
        self.waits.insert(edge, expires_at);
    }

    /// A wait has ended. The detector is told of it if it may know of the wait.
    pub fn end(&mut self, edge: WaitEdge) {
        let was_there = self.waits.remove(&edge).is_some();
        let was_told = !self.news.remove(&edge) && (self.is_open || self.is_telling);
        if was_there && was_told {
            self.ended.insert(edge);
        }
    }

    /// Whom to tell from now on; `None`: nobody that is known, or nobody else than this store.
    pub fn set_detector(&mut self, detector: Option<StoreId>) {
        if self.detector != detector {
            self.detector = detector;
            self.close();
        }
    }

    /// Who is told.
    pub fn detector(&self) -> Option<StoreId> {
        self.detector
    }

    /// What to tell now. With nothing new, `ask_anyway` asks whether the detector is still the same, and renews what it
    /// believes; nobody has to be asked as long as nobody waits.
    pub fn tell(
        &mut self,
        from: StoreId,
        now: u64,
        ask_anyway: bool,
    ) -> Option<(StoreId, SharedWaits)> {
        let detector = self.detector?;
        let is_new = !self.news.is_empty() || !self.ended.is_empty();
        let is_due = !self.is_open || is_new || ask_anyway;
        if self.is_telling || self.has_nothing_to_tell() || !is_due {
            return None;
        }
        let all = !self.is_open;
        let news = std::mem::take(&mut self.news);
        let ended = std::mem::take(&mut self.ended).into_iter().collect();
        let lasts = |edge: &WaitEdge, expires_at: &u64| {
            let lasts = expires_at.saturating_sub(now);
            (lasts > 0).then(|| (edge.clone(), lasts))
        };
        let waits = if all {
            self.account += 1;
            self.waits.iter().filter_map(|(edge, at)| lasts(edge, at)).collect()
        } else {
            let known = news.iter().filter_map(|edge| Some((edge, self.waits.get(edge)?)));
            known.filter_map(|(edge, at)| lasts(edge, at)).collect()
        };
        self.is_telling = true;
        Some((detector, SharedWaits { from, account: self.account, all, ended, waits }))
    }

    /// The answer to what was told of an account; `None`: there is none. Answers the waits that are over because they would close
    /// a cycle. Afterwards the detector may be unknown.
    pub fn told(&mut self, account: u64, answer: Option<WaitsShared>) -> Vec<WaitEdge> {
        if account != self.account || !self.is_telling {
            return Vec::new();
        }
        self.is_telling = false;
        match answer {
            Some(WaitsShared::Taken { mut victims }) => {
                self.is_open = true;
                // A wait that is over already needs no end.
                victims.retain(|edge| self.waits.remove(edge).is_some());
                victims
            }
            Some(WaitsShared::Unknown) => {
                self.close();
                Vec::new()
            }
            Some(WaitsShared::NotDetector) | None => {
                self.set_detector(None);
                Vec::new()
            }
        }
    }

    /// Drops the waits that should have ended.
    pub fn expire(&mut self, now: u64) {
        self.waits.retain(|_, expires_at| *expires_at > now);
        self.news.retain(|edge| self.waits.contains_key(edge));
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.waits.len()
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.waits.is_empty()
    }

    /// Whether nobody waits, and the detector knows that.
    pub fn has_nothing_to_tell(&self) -> bool {
        self.waits.is_empty() && self.ended.is_empty()
    }

    /// What is told next is all, and answers to what was told before do not count.
    fn close(&mut self) {
        self.is_open = false;
        self.is_telling = false;
        self.ended.clear();
        self.account += 1;
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::common::Timestamp;

    const ME: StoreId = StoreId(1);
    const FIRST: StoreId = StoreId(2);
    const SECOND: StoreId = StoreId(3);

    fn edge(waiter: u64, holder: u64) -> WaitEdge {
        WaitEdge {
            waiter: Timestamp(waiter),
            holder: Timestamp(holder),
            key: Bytes::from_static(b"k"),
        }
    }

    fn taken() -> Option<WaitsShared> {
        Some(WaitsShared::Taken { victims: Vec::new() })
    }

    /// With a wait that `FIRST` knows.
    fn open() -> (StoreWaits, u64) {
        let mut waits = StoreWaits::new();
        waits.begin(edge(1, 2), 100);
        waits.set_detector(Some(FIRST));
        let (to, told) = waits.tell(ME, 0, false).expect("there is news");
        assert_eq!((to, told.all, &told.waits[..]), (FIRST, true, &[(edge(1, 2), 100)][..]));
        assert_eq!(waits.told(told.account, taken()), []);
        (waits, told.account)
    }

    #[test]
    fn news_goes_to_the_account_one_telling_at_a_time() {
        let (mut waits, account) = open();
        assert_eq!(waits.tell(ME, 10, false), None, "nothing new");
        waits.begin(edge(3, 4), 50);
        let (_, told) = waits.tell(ME, 10, false).expect("there is news");
        assert_eq!(told.waits, [(edge(3, 4), 40)]);
        assert!(!told.all && told.account == account);
        waits.begin(edge(5, 6), 50);
        assert_eq!(waits.tell(ME, 10, true), None, "one at a time");
        waits.told(account, taken());
        assert_eq!(waits.tell(ME, 10, false).expect("more news").1.waits, [(edge(5, 6), 40)]);
    }

    #[test]
    fn a_detector_that_forgot_is_told_all() {
        let (mut waits, account) = open();
        waits.begin(edge(3, 4), 50);
        waits.tell(ME, 0, false).expect("there is news");
        assert_eq!(waits.told(account, Some(WaitsShared::Unknown)), []);
        let (to, told) = waits.tell(ME, 0, false).expect("all of it");
        assert_eq!((to, told.all, told.waits.len()), (FIRST, true, 2));
        assert!(told.account > account);
    }

    #[test]
    fn a_detector_that_is_none_or_gone_is_left_and_the_next_told_all() {
        for answer in [Some(WaitsShared::NotDetector), None] {
            let (mut waits, account) = open();
            waits.tell(ME, 0, true).expect("asked anyway");
            assert_eq!(waits.told(account, answer), []);
            assert_eq!(waits.detector(), None);
            assert_eq!(waits.tell(ME, 0, true), None, "whom?");
            waits.set_detector(Some(SECOND));
            let (to, told) = waits.tell(ME, 0, false).expect("all of it");
            assert_eq!((to, told.all, told.waits.len()), (SECOND, true, 1));
        }
    }

    #[test]
    fn answers_from_before_a_change_do_not_count() {
        let (mut waits, account) = open();
        waits.tell(ME, 0, true).expect("asked anyway");
        waits.set_detector(Some(SECOND));
        let victims = vec![edge(1, 2)];
        assert_eq!(waits.told(account, Some(WaitsShared::Taken { victims })), []);
        let (to, told) = waits.tell(ME, 0, false).expect("all of it");
        assert_eq!((to, told.all, told.waits.len()), (SECOND, true, 1));
    }

    #[test]
    fn victims_wait_no_more() {
        let (mut waits, account) = open();
        waits.begin(edge(3, 4), 50);
        waits.tell(ME, 0, false).expect("there is news");
        waits.end(edge(1, 2));
        let victims = vec![edge(1, 2), edge(3, 4)];
        assert_eq!(waits.told(account, Some(WaitsShared::Taken { victims })), [edge(3, 4)]);
        assert!(waits.is_empty() && !waits.has_nothing_to_tell());
    }

    #[test]
    fn only_ends_of_waits_it_may_know_are_told() {
        let (mut waits, account) = open();
        waits.begin(edge(3, 4), 50);
        waits.end(edge(3, 4));
        assert_eq!(waits.tell(ME, 0, false), None, "it was not told yet");
        waits.begin(edge(5, 6), 50);
        waits.tell(ME, 0, false).expect("there is news");
        waits.end(edge(5, 6));
        assert_eq!(waits.tell(ME, 0, false), None, "one at a time");
        waits.told(account, taken());
        waits.end(edge(1, 2));
        let (_, told) = waits.tell(ME, 0, false).expect("two are over");
        assert_eq!((told.ended, told.waits), (vec![edge(1, 2), edge(5, 6)], vec![]));
        waits.told(account, taken());
        assert!(waits.has_nothing_to_tell());
        assert_eq!(waits.tell(ME, 0, true), None, "nobody waits");
    }

    #[test]
    fn a_wait_that_begins_anew_is_told_after_its_end() {
        let (mut waits, _) = open();
        waits.end(edge(1, 2));
        waits.begin(edge(1, 2), 50);
        let (_, told) = waits.tell(ME, 0, false).expect("there is news");
        assert_eq!((told.ended, told.waits), (vec![edge(1, 2)], vec![(edge(1, 2), 50)]));
    }

    #[test]
    fn an_end_that_was_lost_is_made_up_for_by_the_next_account() {
        let (mut waits, account) = open();
        waits.begin(edge(3, 4), 50);
        waits.end(edge(1, 2));
        waits.tell(ME, 0, false).expect("there is news");
        waits.told(account, None);
        waits.set_detector(Some(FIRST));
        let (_, told) = waits.tell(ME, 0, false).expect("all of it");
        assert_eq!((told.all, told.ended, told.waits), (true, vec![], vec![(edge(3, 4), 50)]));
    }

    #[test]
    fn waits_that_are_over_are_not_told() {
        let (mut waits, _) = open();
        waits.begin(edge(3, 4), 50);
        waits.expire(50);
        assert_eq!(waits.len(), 1);
        let (_, told) = waits.tell(ME, 50, true).expect("asked anyway");
        assert_eq!(told.waits, []);
    }
}
