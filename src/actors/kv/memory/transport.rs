//! Requests to a cluster in memory.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::time::Instant;

use super::regions::Step;
use super::{Fault, MemoryCluster};
use crate::actors::kv::transport::RegionTransport;
use crate::common::Timestamp;
use crate::common::retry::Effect;
use crate::storage::region::Region;
use crate::storage::routing::RegionRoute;
use crate::storage::txn::{KeyError, KvRequest, KvResponse, LockInfo, RegionError, RequestError};

impl MemoryCluster {
    fn read(&self, route: &RegionRoute, request: &KvRequest) -> Result<KvResponse, RequestError> {
        let context = route.region.context();
        self.regions.lock().read(&self.engine, &self.concurrency, context, request)
    }

    async fn run(
        &self,
        route: &RegionRoute,
        request: KvRequest,
    ) -> Result<KvResponse, RequestError> {
        if request.effect() == Effect::Read {
            return self.read(route, &request);
        }
        let began = Instant::now();
        let mut has_waited = false;
        let waiter = match &request {
            KvRequest::PessimisticLock(lock) => lock.start_ts,
            _ => Timestamp::ZERO,
        };
        loop {
            // Listens before it looks, so that no unlocking falls in between.
            let unlocked = self.unlocked.notified();
            let context = route.region.context();
            let step = self.regions.lock().execute(
                &self.engine,
                &self.concurrency,
                context,
                request.clone(),
            )?;
            let (lock, timeout_ms) = match step {
                Step::Done(mut response) => {
                    self.unlocked.notify_waiters();
                    if let (KvResponse::Locked { waited, .. }, true) = (&mut response, has_waited) {
                        *waited = began.elapsed();
                    }
                    return Ok(response);
                }
                Step::Wait { lock, timeout_ms } => (lock, timeout_ms),
            };
            if self.regions.lock().is_deadlock(waiter, &lock, self.now_ms()) {
                let LockInfo { key, start_ts: lock_ts, .. } = *lock;
                return Err(KeyError::Deadlock { key, lock_ts }.into());
            }
            has_waited = true;
            let until = began + Duration::from_millis(timeout_ms);
            let woken = tokio::time::timeout_at(until, unlocked).await;
            self.regions.lock().stops_waiting(waiter);
            if woken.is_err() {
                return Err(KeyError::LockWaitTimeout { lock }.into());
            }
        }
    }
}

#[async_trait]
impl RegionTransport for MemoryCluster {
    fn read_here(
        &self,
        route: &RegionRoute,
        request: &KvRequest,
    ) -> Option<Result<KvResponse, RequestError>> {
        match self.fault(request) {
            Fault::None => Some(self.read(route, request)),
            Fault::Refuse(error) => Some(Err(error.into())),
            Fault::Delay(_) | Fault::Lose | Fault::LoseAnswer => None,
        }
    }

    async fn send(
        &self,
        route: &RegionRoute,
        request: KvRequest,
        timeout: Duration,
    ) -> Result<KvResponse, RequestError> {
        let undetermined = RegionError::Undetermined(route.region.id);
        match self.fault(&request) {
            Fault::None => {}
            Fault::Refuse(error) => return Err(error.into()),
            Fault::Delay(time) => tokio::time::sleep(time).await,
            Fault::Lose => return Err(undetermined.into()),
            Fault::LoseAnswer => {
                // What the request met does not matter: nobody will know.
                drop(tokio::time::timeout(timeout, self.run(route, request)).await);
                return Err(undetermined.into());
            }
        }
        match tokio::time::timeout(timeout, self.run(route, request)).await {
            Ok(answer) => answer,
            Err(_) => Err(undetermined.into()),
        }
    }

    async fn split(
        &self,
        route: &RegionRoute,
        keys: Vec<Bytes>,
        _: Duration,
    ) -> Result<Vec<Region>, RegionError> {
        self.regions.lock().split_region(route.region.context(), &keys)
    }
}
