//! How requests reach regions.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::common::StoreId;
use crate::storage::region::{Peer, Region};
use crate::storage::routing::RegionRoute;
use crate::storage::txn::{KvRequest, KvResponse, RegionError, RequestError};

/// Takes a request to the peer a route names.
///
/// A write whose answer is lost, for whatever reason, must come back as [`RegionError::Undetermined`]: the client may repeat
/// it, but must not take it for not done.
#[async_trait]
pub trait RegionTransport: Send + Sync + 'static {
    /// Serves a read on the calling thread, if the leader is in this process and holds its lease. `None`: use
    /// [`RegionTransport::send`].
    fn read_here(
        &self,
        route: &RegionRoute,
        request: &KvRequest,
    ) -> Option<Result<KvResponse, RequestError>>;

    /// Whether the route leads to a store of this process. The way to another may be cut without anybody noticing.
    fn is_here(&self, _route: &RegionRoute) -> bool {
        true
    }

    /// The store of this process.
    fn store_here(&self) -> Option<StoreId> {
        None
    }

    /// Has a replica serve a read, one that need not lead.
    async fn read_replica(
        &self,
        route: &RegionRoute,
        _replica: Peer,
        request: KvRequest,
        timeout: Duration,
    ) -> Result<KvResponse, RequestError> {
        self.send(route, request, timeout).await
    }

    /// Sends a request and waits for its answer as long as the store works: whether it does is looked at every `patience`.
    async fn send(
        &self,
        route: &RegionRoute,
        request: KvRequest,
        patience: Duration,
    ) -> Result<KvResponse, RequestError>;

    /// Splits a region at encoded keys; answers the regions it was split into, in key order.
    async fn split(
        &self,
        route: &RegionRoute,
        keys: Vec<Bytes>,
        timeout: Duration,
    ) -> Result<Vec<Region>, RegionError>;
}
