//! From keys to regions and back: routing, and trying again.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::backoff::Backoff;
use super::client::Client;
use super::error::{Error, Result};
use super::replicas;
use super::resolve::Resolved;
use crate::actors::pd::PdError;
use crate::common::retry::{self, Decision, Effect, Unit};
use crate::common::{ErrorClass, Timestamp};
use crate::sql::kv::ReadFrom;
use crate::storage::region::Peer;
use crate::storage::routing::{RegionRoute, encode_bound, encode_key};
use crate::storage::txn::{
    KeyError, KvRequest, KvResponse, LockInfo, LockKind, Pass, RegionError, RequestError,
};

/// An attempt at another store that takes longer than this has the client look whether that one still leads; and again
/// after as long.
const LOOK_FOR_LEADER: Duration = Duration::from_secs(1);

/// An attempt at another store counts as no more of the time there is: a link that is lost is noticed in a few seconds, and as long as it is there the
/// store says that it is at work.
const ATTEMPT_COUNTS: Duration = Duration::from_secs(3);
/// The same of a question to the placement driver, which has a deadline of its own.
const QUESTION_COUNTS: Duration = Duration::from_secs(10);

/// So long a write that nobody waits for is tried again, all together: longer than an election takes.
const BEHIND: Duration = Duration::from_secs(5);

/// How long a replica that does not lead may take for a read before the leader is asked.
const REPLICA_PATIENCE: Duration = Duration::from_secs(1);

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
    fn pause(&mut self, lock: &LockInfo, ttl_left: Duration) -> Option<Duration> {
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
    effect: Effect,
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
    fn knows(&self, start_ts: Timestamp) -> bool {
        self.passes.lock().iter().any(|pass| pass.start_ts == start_ts)
    }

    /// Has it read around a transaction's locks.
    pub(super) fn pass(&self, pass: Pass) {
        let mut passes = self.passes.lock();
        if passes.iter().all(|known| known.start_ts != pass.start_ts) {
            passes.push(pass);
        }
    }

    fn passes(&self) -> Vec<Pass> {
        self.passes.lock().clone()
    }
}

impl Client {
    /// The region of a user key: remembered, or asked for.
    pub(super) async fn locate(
        &self,
        key: &[u8],
        backoff: &mut Backoff,
    ) -> Result<Arc<RegionRoute>> {
        let encoded = encode_key(key);
        if let Some(route) = self.cache().read().locate(&encoded) {
            return Ok(route);
        }
        let encoded = Bytes::from(encoded);
        let found = self.look_up(backoff, || self.pd().region_by_key(encoded.clone())).await?;
        Ok(self.remember(found))
    }

    /// Asks for the routes of the next regions of a range together, if the first is not known.
    pub(super) async fn learn_routes(&self, start: &[u8], end: &[u8], count: usize) {
        let encoded = encode_key(start);
        if self.cache().read().locate(&encoded).is_some() {
            return;
        }
        let end = encode_bound(end);
        // What is not learnt so is asked for one by one.
        if let Ok(found) = self.pd().scan_regions(encoded.into(), end, count).await {
            found.into_iter().for_each(|route| drop(self.remember(route)));
        }
    }

    /// The region of the keys just below a user key; an empty key: the last region.
    pub(super) async fn locate_before(
        &self,
        key: &[u8],
        backoff: &mut Backoff,
    ) -> Result<Arc<RegionRoute>> {
        let encoded = encode_bound(key);
        if let Some(route) = self.cache().read().locate_before(&encoded) {
            return Ok(route);
        }
        let found = self.look_up(backoff, || self.pd().region_before_key(encoded.clone())).await?;
        Ok(self.remember(found))
    }

    /// Asks the placement driver until it knows: a new region is unknown until its leader has reported.
    async fn look_up<F>(&self, backoff: &mut Backoff, ask: impl Fn() -> F) -> Result<RegionRoute>
    where
        F: Future<Output = std::result::Result<Option<RegionRoute>, PdError>>,
    {
        loop {
            let error = match ask().await {
                Ok(Some(route)) => return Ok(route),
                Ok(None) => {
                    Error::Pd(PdError::Unavailable("no region is known for the key".into()))
                }
                Err(error @ PdError::Refused(_)) => return Err(error.into()),
                Err(error) => error.into(),
            };
            backoff.forgive_beyond(QUESTION_COUNTS);
            if !backoff.pause(self.rng()).await {
                return Err(error);
            }
        }
    }

    fn remember(&self, route: RegionRoute) -> Arc<RegionRoute> {
        self.cache().write().insert(route.clone());
        Arc::new(route)
    }

    /// One attempt at a region: a read on this thread where that is possible, else by message.
    async fn attempt(
        &self,
        route: &RegionRoute,
        request: KvRequest,
    ) -> std::result::Result<KvResponse, RequestError> {
        let effect = request.effect();
        if effect == Effect::Read
            && let Some(answer) = self.transport().read_here(route, &request)
        {
            return answer;
        }
        let wait = lock_wait(&request);
        let timeout = self.options().attempt_timeout + wait;
        let answer = self.transport().send(route, request, timeout);
        if self.transport().is_here(route) {
            return answer.await;
        }
        tokio::select! {
            biased;
            answer = answer => answer,
            () = self.leader_moved(route) => Err(moved(route, effect).into()),
        }
    }

    /// Has a replica serve a read, if the call is content with one that does not lead. `None`: the leader is to be asked, this
    /// time and from now on.
    async fn ask_replica(
        &self,
        route: &RegionRoute,
        call: &mut Call,
        make: impl Fn(Vec<Pass>) -> KvRequest,
    ) -> Result<Option<KvResponse>> {
        if call.read_from == ReadFrom::Leader {
            return Ok(None);
        }
        let here = self.transport().store_here();
        let Some(replica) = replicas::choose(call.read_from, route, here, self.next_turn()) else {
            if !replicas::may_be_all(call.read_from, route, here) {
                self.look_for_replicas(route).await;
            }
            return Ok(None);
        };
        let request = make(call.passes());
        let answer = self.transport().read_replica(route, replica, request, REPLICA_PATIENCE).await;
        match answer {
            Ok(response) => Ok(Some(response)),
            Err(error) => {
                call.read_from = ReadFrom::Leader;
                match error {
                    // It may have moved to another store.
                    RequestError::Region(
                        RegionError::RegionNotFound(_) | RegionError::NotLeader { .. },
                    ) => self.cache().write().invalidate(route.region.id, route.region.epoch),
                    RequestError::Key(_) => self.overcome(route, error, call).await?,
                    _ => {}
                }
                Ok(None)
            }
        }
    }

    /// Asks now and then for a region of which no fitting replica is known: as long as the same one leads nobody says that there are
    /// more by now.
    async fn look_for_replicas(&self, route: &RegionRoute) {
        if self.may_look_for_replicas()
            && let Ok(Some(found)) = self.pd().region_by_id(route.region.id).await
        {
            self.remember(found);
        }
    }

    /// Resolves when another store leads the region, as the placement driver knows. A store that hangs, or is cut off,
    /// gives no answer for long after that.
    async fn leader_moved(&self, route: &RegionRoute) {
        loop {
            tokio::time::sleep(LOOK_FOR_LEADER).await;
            let Ok(Some(found)) = self.pd().region_by_id(route.region.id).await else { continue };
            let store = |route: &RegionRoute| route.target().map(|peer| peer.store_id);
            if found.leader.is_some() && store(&found) != store(route) {
                self.remember(found);
                return;
            }
        }
    }

    /// Corrects the routes after a region error and pauses before the next attempt, if there is to be one.
    pub(super) async fn recover(
        &self,
        route: &RegionRoute,
        error: RegionError,
        backoff: &mut Backoff,
        effect: Effect,
    ) -> Result<()> {
        // A store of this process that is slow is not out of order.
        match self.transport().is_here(route) {
            true if error.class() == ErrorClass::Lost => {}
            true => backoff.forgive(),
            false => backoff.forgive_beyond(ATTEMPT_COUNTS),
        }
        self.correct_routes(route, &error);
        let again = match retry::decide(Unit::Request(effect), error.class(), backoff.runs()) {
            Decision::AtOnce => {
                backoff.skip();
                true
            }
            Decision::UntilKnown => {
                backoff.extend(self.options().outcome_timeout);
                backoff.pause_for_region(self.rng(), effect).await
            }
            Decision::AfterPause => backoff.pause_for_region(self.rng(), effect).await,
            Decision::Resolve | Decision::InLine | Decision::Replan | Decision::GiveUp => false,
        };
        if again { Ok(()) } else { Err(Error::Region(error)) }
    }

    /// Learns what a region error tells of where regions are.
    fn correct_routes(&self, route: &RegionRoute, error: &RegionError) {
        let region = &route.region;
        match error {
            RegionError::NotLeader { leader: Some((id, store_id)), .. } => {
                let is_it = |peer: &&Peer| peer.id == *id && peer.store_id == *store_id;
                match region.peers.iter().find(is_it).copied() {
                    Some(peer) => self.cache().write().set_leader(region.id, peer),
                    None => self.cache().write().invalidate(region.id, region.epoch),
                }
            }
            // After an answer that was lost, the store may be gone, and another replica lead.
            RegionError::NotLeader { leader: None, .. }
            | RegionError::RegionNotFound(_)
            | RegionError::Undetermined(_)
            | RegionError::EpochNotMatch(_)
            | RegionError::KeyNotInRegion(_) => {
                self.cache().write().invalidate(region.id, region.epoch);
            }
            RegionError::DiskFull(_)
            | RegionError::ServerIsBusy(_)
            | RegionError::StaleCommand(_) => {}
        }
    }

    /// A request about one key, tried until it is answered.
    pub(super) async fn request(
        &self,
        key: &[u8],
        call: &mut Call,
        make: impl Fn(Vec<Pass>) -> KvRequest,
    ) -> Result<KvResponse> {
        loop {
            let route = self.locate(key, &mut call.backoff).await?;
            if let Some(response) = self.ask_replica(&route, call, &make).await? {
                return Ok(response);
            }
            let request = make(call.passes());
            call.effect = request.effect();
            match self.attempt(&route, request).await {
                Ok(response) => return Ok(response),
                Err(error) => self.overcome(&route, error, call).await?,
            }
        }
    }

    /// A request to a region found already; `None`: the region has changed, and the caller locates it again.
    pub(super) async fn request_region(
        &self,
        route: &RegionRoute,
        call: &mut Call,
        make: impl Fn(Vec<Pass>) -> KvRequest,
    ) -> Result<Option<KvResponse>> {
        if let Some(response) = self.ask_replica(route, call, &make).await? {
            return Ok(Some(response));
        }
        loop {
            let request = make(call.passes());
            call.effect = request.effect();
            match self.attempt(route, request).await {
                Ok(response) => return Ok(Some(response)),
                Err(error @ RequestError::Region(_)) => {
                    self.overcome(route, error, call).await?;
                    return Ok(None);
                }
                Err(error) => self.overcome(route, error, call).await?,
            }
        }
    }

    /// Does what an error asks for before the next attempt, or passes it on when another attempt cannot help.
    async fn overcome(
        &self,
        route: &RegionRoute,
        error: RequestError,
        call: &mut Call,
    ) -> Result<()> {
        match error {
            RequestError::Region(error) => {
                if error.class() == ErrorClass::Lost {
                    call.set_undetermined();
                }
                self.recover(route, error, &mut call.backoff, call.effect).await
            }
            RequestError::Key(KeyError::Locked(lock)) => self.get_past(*lock, call).await,
            RequestError::Key(error) => Err(Error::Key(error)),
            RequestError::Storage(error) => Err(Error::Storage(error)),
            RequestError::TooLarge(error) => Err(Error::TooLarge(error)),
            RequestError::Refused(error) => Err(Error::Refused(error)),
        }
    }

    /// Resolves a lock that is in the way, or waits for it a little.
    pub(super) async fn get_past(&self, lock: LockInfo, call: &mut Call) -> Result<()> {
        // One that is passed already stands in memory: it is gone in a moment.
        let reads = call.effect == Effect::Read && !call.knows(lock.start_ts);
        let resolved = match reads {
            true => self.resolve_behind(lock.clone(), call.caller).await?,
            false => self.resolve(lock.clone(), call.caller).await?,
        };
        match resolved {
            Resolved::Gone => Ok(()),
            Resolved::Pushed => {
                call.pass(Pass { start_ts: lock.start_ts, committed: false });
                Ok(())
            }
            Resolved::Over(fate) => {
                let committed = fate.is_some_and(|commit_ts| commit_ts <= call.caller);
                call.pass(Pass { start_ts: lock.start_ts, committed });
                Ok(())
            }
            Resolved::Alive { ttl_left } => {
                let most = match &mut call.patience {
                    Patience::Usual => ttl_left,
                    Patience::Commit(committing) => {
                        committing.pause(&lock, ttl_left).ok_or(Error::GivesWay)?
                    }
                    Patience::Until(then) => {
                        ttl_left.min(then.saturating_duration_since(Instant::now()))
                    }
                    Patience::None => return Err(Error::NoWait),
                };
                let in_time = !most.is_zero() || !matches!(call.patience, Patience::Until(_));
                if in_time && call.backoff.pause_at_most(self.rng(), most).await {
                    Ok(())
                } else {
                    Err(Error::StillLocked)
                }
            }
        }
    }
}

/// What it means that a region is led elsewhere before an attempt was answered.
fn moved(route: &RegionRoute, effect: Effect) -> RegionError {
    let region_id = route.region.id;
    RegionError::unanswered(region_id, effect, RegionError::NotLeader { region_id, leader: None })
}

/// How long a request may rightly take because it waits for a lock.
fn lock_wait(request: &KvRequest) -> Duration {
    use crate::storage::txn::WaitPolicy;
    match request {
        KvRequest::PessimisticLock(lock) => match lock.wait {
            WaitPolicy::Timeout(ms) => Duration::from_millis(ms),
            WaitPolicy::NoWait => Duration::ZERO,
        },
        _ => Duration::ZERO,
    }
}
