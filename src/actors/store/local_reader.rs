//! Reads that do not queue.
//!
//! The leader of a region publishes a [`ReadDelegate`]: the range and version it serves, and until
//! when it holds the lease. A reader on any thread looks the delegate up, checks its request
//! against it, and reads the engine itself. The delegate is checked once more after the read: if it
//! was withdrawn meanwhile (the region is about to split, leadership was lost), the answer is
//! thrown away and the request goes through the peer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Bytes;
use dashmap::DashMap;

use crate::actors::runtime::Clock;
use crate::common::{RegionId, Term, Timestamp};
use crate::storage::engine::{Engine, Reader};
use crate::storage::mvcc::{self, KeyRange};
use crate::storage::raft::Lease;
use crate::storage::region::Region;
use crate::storage::region::check::{UserRange, check_epoch, check_keys};
use crate::storage::txn::{
    self, ConcurrencyManager, KvRequest, KvResponse, Pass, RegionContext, RequestError,
};

/// The leave to read a region without asking its peer.
#[derive(Debug)]
pub struct ReadDelegate {
    region: Region,
    user_range: UserRange,
    key_range: KeyRange,
    term: Term,
    lease_until: AtomicU64,
    withdrawn: AtomicBool,
}

impl ReadDelegate {
    /// Of a region as applied by its leader in `term`.
    pub fn new(region: Region, user_range: UserRange, key_range: KeyRange, term: Term) -> Self {
        ReadDelegate {
            region,
            user_range,
            key_range,
            term,
            lease_until: AtomicU64::new(0),
            withdrawn: AtomicBool::new(false),
        }
    }

    /// The term it was given in.
    pub fn term(&self) -> Term {
        self.term
    }

    /// Prolongs the lease.
    pub fn renew(&self, lease: Lease) {
        self.lease_until.store(lease.until(), Ordering::Release);
    }

    fn is_valid(&self, clock: &Clock) -> bool {
        if self.withdrawn.load(Ordering::Acquire) {
            return false;
        }
        let until = self.lease_until.load(Ordering::Acquire);
        // An only voter's lease has no end, and looking at the clock is not free.
        until == Lease::UNBOUNDED.until() || clock.now().as_nanos() < until
    }
}

/// Reads regions led by this store from any thread. Clones share everything.
#[derive(Clone)]
pub struct LocalReader {
    delegates: Arc<DashMap<RegionId, Arc<ReadDelegate>, ahash::RandomState>>,
    kv: Arc<dyn Engine>,
    concurrency: ConcurrencyManager,
    clock: Clock,
}

impl LocalReader {
    /// Without a delegate yet.
    pub fn new(kv: Arc<dyn Engine>, concurrency: ConcurrencyManager, clock: Clock) -> LocalReader {
        LocalReader { delegates: Arc::default(), kv, concurrency, clock }
    }

    /// The value of a user key at `ts`. `None`: ask the peer.
    ///
    /// Costs one lookup of the delegate, one of the lock and one seek of the newest version.
    pub fn get(
        &self,
        context: &RegionContext,
        key: &[u8],
        ts: Timestamp,
        resolved: &[Pass],
    ) -> Option<Result<Option<Bytes>, RequestError>> {
        let delegate = self.delegate(context.region_id)?;
        if let Err(error) = check_epoch(&delegate.region, context) {
            return Some(Err(error.into()));
        }
        if !delegate.user_range.contains(key) {
            let error = txn::RegionError::KeyNotInRegion(context.region_id);
            return Some(Err(error.into()));
        }
        let result = self
            .concurrency
            .admit_keys([key], ts, resolved)
            .map_err(mvcc::Error::from)
            .and_then(|()| mvcc::get(&*self.kv, key, ts, resolved));
        delegate.is_valid(&self.clock).then(|| result.map_err(request_error))
    }

    /// Answers a `Get`, `BatchGet` or `Scan`. `None`: ask the peer.
    pub fn read(
        &self,
        context: &RegionContext,
        request: &KvRequest,
    ) -> Option<Result<KvResponse, RequestError>> {
        match request {
            KvRequest::Get { key, ts, resolved } => {
                let value = self.get(context, key, *ts, resolved)?;
                return Some(value.map(KvResponse::Value));
            }
            KvRequest::BatchGet { .. } | KvRequest::Scan { .. } => {}
            _ => return None,
        }
        let delegate = self.delegate(context.region_id)?;
        let checked = check_epoch(&delegate.region, context)
            .and_then(|()| check_keys(&delegate.region, &delegate.user_range, request));
        if let Err(error) = checked {
            return Some(Err(error.into()));
        }
        let result = read_at(&*self.kv, &self.concurrency, &delegate.key_range, request);
        delegate.is_valid(&self.clock).then_some(result)
    }

    /// The readers' and writers' shared state.
    pub fn concurrency(&self) -> &ConcurrencyManager {
        &self.concurrency
    }

    fn delegate(&self, region_id: RegionId) -> Option<Arc<ReadDelegate>> {
        let delegate = Arc::clone(&*self.delegates.get(&region_id)?);
        delegate.is_valid(&self.clock).then_some(delegate)
    }

    /// Lets everybody read a region.
    pub(super) fn publish(&self, delegate: Arc<ReadDelegate>) {
        let earlier = self.delegates.insert(delegate.region.id, delegate);
        if let Some(earlier) = earlier {
            earlier.withdrawn.store(true, Ordering::Release);
        }
    }

    /// Sends everybody to the peer from now on.
    pub(super) fn withdraw(&self, region_id: RegionId) {
        if let Some((_, delegate)) = self.delegates.remove(&region_id) {
            delegate.withdrawn.store(true, Ordering::Release);
        }
    }
}

/// Executes a read that region and lease allow.
pub(super) fn read_at(
    kv: &dyn Engine,
    concurrency: &ConcurrencyManager,
    range: &KeyRange,
    request: &KvRequest,
) -> Result<KvResponse, RequestError> {
    txn::admit(concurrency, request)?;
    let result = if txn::needs_snapshot(request) {
        txn::read(&*kv.snapshot() as &dyn Reader, range, request)
    } else {
        txn::read(kv as &dyn Reader, range, request)
    };
    result.map_err(request_error)
}

/// What a failed read means to the client.
pub(super) fn request_error(error: mvcc::Error) -> RequestError {
    match error {
        mvcc::Error::Key(error) => RequestError::Key(error),
        mvcc::Error::Engine(error) => RequestError::Storage(error.to_string()),
    }
}
