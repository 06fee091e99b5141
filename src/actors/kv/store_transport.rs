//! The store as the transactional client of the same process sees it.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use super::RegionTransport;
use crate::actors::store::{KvCommand, StoreNode};
use crate::storage::region::Region;
use crate::storage::routing::RegionRoute;
use crate::storage::txn::{Busy, KvRequest, KvResponse, RegionError, RequestError};

#[async_trait]
impl RegionTransport for StoreNode {
    fn read_here(
        &self,
        route: &RegionRoute,
        request: &KvRequest,
    ) -> Option<Result<KvResponse, RequestError>> {
        self.reader.read(&route.region.context(), request)
    }

    async fn send(
        &self,
        route: &RegionRoute,
        request: KvRequest,
        patience: Duration,
    ) -> Result<KvResponse, RequestError> {
        let command = KvCommand { context: route.region.context(), request };
        self.router.send(command, patience).await
    }

    async fn split(
        &self,
        route: &RegionRoute,
        keys: Vec<Bytes>,
        timeout: Duration,
    ) -> Result<Vec<Region>, RegionError> {
        let split = self.router.split(route.region.context(), keys, timeout).await;
        split.map_err(|error| match error {
            RequestError::Region(error) => error,
            RequestError::Key(_)
            | RequestError::Storage(_)
            | RequestError::TooLarge(_)
            | RequestError::Refused(_) => RegionError::ServerIsBusy(Busy::NotSplit),
        })
    }
}
