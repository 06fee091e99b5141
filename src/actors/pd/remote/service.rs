//! The door of the placement driver: what other nodes ask of it.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tracing::info;

use super::nodes::{Heard, NodeTable};
use super::wire::request::Call;
use super::wire::response::Call as Answer;
use super::wire::{Administer, CampaignResponse, Members, Response};
use super::{AnnounceNode, PdCall, convert};
use crate::actors::pd::{PdClient, PdError, PdResult};
use crate::actors::runtime::{
    Actor, Context, Handler, MailboxOptions, Overflow, ReplyTo, Supervision,
};
use crate::common::{RegionId, StoreId, Timestamp};
use crate::storage::proto::pdpb;
use crate::storage::region::convert::region_from_proto;

/// Questions of other nodes that may wait.
const CAPACITY: usize = 1 << 14;

/// Answers other nodes, with the client of this process; and keeps the list of the nodes that are there. It forgets the
/// list when it restarts, and hears it again from the nodes.
pub struct PdService {
    pd: Arc<dyn PdClient>,
    nodes: NodeTable,
}

impl PdService {
    /// A service of the cluster with this id.
    pub fn new(pd: Arc<dyn PdClient>, cluster_id: u64) -> PdService {
        PdService { pd, nodes: NodeTable::new(cluster_id) }
    }
}

impl Actor for PdService {
    const KIND: &'static str = "pd-service";

    fn mailbox() -> MailboxOptions {
        MailboxOptions { capacity: CAPACITY, overflow: Overflow::Reject }
    }

    fn supervision() -> Supervision {
        Supervision::restart()
    }

    fn observe(&self) -> Value {
        json!({ "nodes": self.nodes.names() })
    }
}

/// Interleaves: answers come as the placement driver gives them.
impl Handler<PdCall> for PdService {
    fn handle(&mut self, call: PdCall, reply: ReplyTo<Response>, ctx: &mut Context<Self>) {
        let Some(call) = call.0.call else {
            // Of a later version.
            reply.send(Response::default());
            return;
        };
        // Most are timestamps, which the oracle has at hand.
        if let Call::Tso(pdpb::TsoRequest { count: 0 | 1 }) = call
            && let Some(ts) = self.pd.try_timestamp()
        {
            reply.send(answer(tso(ts, 1)));
            return;
        }
        let pd = self.pd.clone();
        ctx.spawn(async move {
            reply.send(match ask(&*pd, call).await {
                Ok(call) => answer(call),
                Err(error) => Response { error: Some(convert::error_to_proto(error)), call: None },
            });
        });
    }
}

impl Handler<AnnounceNode> for PdService {
    fn handle(&mut self, message: AnnounceNode, reply: ReplyTo<Members>, ctx: &mut Context<Self>) {
        let now = Duration::from_nanos(ctx.system().clock().now().as_nanos());
        let (heard, members) = self.nodes.announce(message.0, now);
        match heard {
            Heard::Joined(node) => {
                info!(node = node.name, address = node.address, roles = ?node.roles, "a node has joined")
            }
            Heard::Left(name) => info!(node = name, "a node has left"),
            Heard::Nothing => {}
        }
        reply.send(members);
    }
}

fn answer(call: Answer) -> Response {
    Response { error: None, call: Some(call) }
}

fn tso(last: Timestamp, count: u32) -> Answer {
    let timestamp = Some(convert::timestamp_to_proto(last));
    Answer::Tso(pdpb::TsoResponse { count, timestamp })
}

fn safe_point(ts: Timestamp) -> Answer {
    Answer::SafePoint(pdpb::GetGcSafePointResponse { safe_point: ts.0 })
}

fn done((): ()) -> Answer {
    Answer::Done(pdpb::PutStoreResponse {})
}

fn found(route: Option<crate::storage::routing::RegionRoute>) -> Answer {
    Answer::GetRegion(convert::route_to_proto(route))
}

async fn ask(pd: &dyn PdClient, call: Call) -> PdResult<Answer> {
    Ok(match call {
        Call::Tso(request) => {
            let range = pd.timestamps(u64::from(request.count.max(1))).await?;
            let count = range.end.0 - range.start.0;
            tso(range.end.prev(), u32::try_from(count).unwrap_or(u32::MAX))
        }
        Call::AllocId(request) => {
            let ids = pd.alloc_ids(request.count).await?;
            let count = ids.end - ids.start;
            Answer::AllocId(pdpb::AllocIdResponse { id: ids.start, count })
        }
        Call::IsBootstrapped(_) => {
            let bootstrapped = pd.is_bootstrapped().await?;
            Answer::IsBootstrapped(pdpb::IsBootstrappedResponse { bootstrapped })
        }
        Call::Bootstrap(request) => {
            let store = convert::store(request.store.unwrap_or_default());
            let region = region_from_proto(request.region.unwrap_or_default());
            let first = pd.bootstrap(store, region).await?;
            Answer::Bootstrap(pdpb::BootstrapResponse { first })
        }
        Call::PutStore(request) => {
            done(pd.put_store(convert::store(request.store.unwrap_or_default())).await?)
        }
        Call::GetAllStores(_) => {
            Answer::GetAllStores(convert::stores_to_proto(&pd.stores().await?))
        }
        Call::StoreHeartbeat(request) => {
            let stats = request.stats.unwrap_or_default();
            done(pd.report_store(StoreId(stats.store_id), convert::stats(&stats)).await?)
        }
        Call::RegionHeartbeat(request) => {
            let order = pd.report_region(convert::report(request)).await?;
            Answer::RegionHeartbeat(convert::order_to_proto(order))
        }
        other => ask_more(pd, other).await?,
    })
}

/// Questions about regions, safe points and leases.
async fn ask_more(pd: &dyn PdClient, call: Call) -> PdResult<Answer> {
    Ok(match call {
        Call::GetRegion(request) => found(pd.region_by_key(request.region_key).await?),
        Call::GetPrevRegion(request) => found(pd.region_before_key(request.region_key).await?),
        Call::GetRegionById(request) => found(pd.region_by_id(RegionId(request.region_id)).await?),
        Call::ScanRegions(request) => {
            let limit = usize::try_from(request.limit).unwrap_or(0);
            let routes = pd.scan_regions(request.start_key, request.end_key, limit).await?;
            Answer::ScanRegions(convert::routes_to_proto(&routes))
        }
        Call::AskBatchSplit(request) => {
            let region = region_from_proto(request.region.unwrap_or_default());
            let ids = pd.ask_batch_split(region, request.split_count as usize).await?;
            Answer::AskBatchSplit(convert::split_ids_to_proto(ids))
        }
        Call::GetGcSafePoint(_) => safe_point(pd.gc_safe_point().await?),
        Call::UpdateGcSafePoint(request) => {
            safe_point(pd.advance_gc_safe_point(Timestamp(request.safe_point)).await?)
        }
        Call::UpdateServiceGcSafePoint(request) => {
            let service = String::from_utf8_lossy(&request.service_id);
            let ttl = Duration::from_millis(request.ttl_ms);
            let at = Timestamp(request.safe_point);
            safe_point(pd.hold_gc_safe_point(&service, at, ttl).await?)
        }
        Call::Campaign(request) => {
            let ttl = Duration::from_millis(request.ttl_ms);
            let lease = pd.campaign(&request.name, &request.candidate, ttl).await?;
            let expires_unix_ms = lease.expires_unix_ms;
            Answer::Campaign(CampaignResponse { holder: lease.holder, expires_unix_ms })
        }
        Call::Administer(request) => {
            let unreadable = |error: serde_json::Error| PdError::Refused(error.to_string());
            let request = serde_json::from_str(&request.json).map_err(unreadable)?;
            let json = pd.administer(request).await?.to_string();
            Answer::Administer(Administer { json })
        }
        Call::Resign(request) => done(pd.resign(&request.name, &request.candidate).await?),
        Call::Tso(_)
        | Call::AllocId(_)
        | Call::IsBootstrapped(_)
        | Call::Bootstrap(_)
        | Call::PutStore(_)
        | Call::GetAllStores(_)
        | Call::StoreHeartbeat(_)
        | Call::RegionHeartbeat(_) => unreachable!("the caller has dealt with these"),
    })
}
