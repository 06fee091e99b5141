//! From keys to regions and back: routing, and trying again.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::backoff::Backoff;
use super::call::{Call, Patience};
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
    KeyError, KvRequest, KvResponse, LockInfo, Pass, RegionError, RequestError,
};

/// An attempt at another store that takes longer than this has the client look whether that one still leads; and again
/// after as long.
const LOOK_FOR_LEADER: Duration = Duration::from_secs(1);

/// An attempt at another store counts as no more of the time there is: a link that is lost is noticed in a few seconds, and as long as it is there the
/// store says that it is at work.
const ATTEMPT_COUNTS: Duration = Duration::from_secs(3);
/// The same of a question to the placement driver, which has a deadline of its own.
const QUESTION_COUNTS: Duration = Duration::from_secs(10);

/// How long a replica that does not lead may take for a read before the leader is asked.
const REPLICA_PATIENCE: Duration = Duration::from_secs(1);

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
                let began = Instant::now();
                let goes_on = in_time && call.backoff.pause_at_most(self.rng(), most).await;
                if call.caller == Timestamp::MAX {
                    self.waits().note(&mut call.waited, began.elapsed());
                }
                if goes_on { Ok(()) } else { Err(Error::StillLocked) }
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
