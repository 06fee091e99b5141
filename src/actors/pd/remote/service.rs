//! The door of the placement driver: what other nodes ask of it.

use std::time::Duration;

use serde_json::{Value, json};
use tracing::{debug, info, warn};

use super::nodes::{Heard, NodeTable};
use super::wire::request::Call;
use super::wire::response::Call as Answer;
use super::wire::{Administer, CampaignResponse, Duties, Members, Response};
use super::{AnnounceNode, PdCall, convert};
use crate::actors::pd::{LocalPd, PdClient, PdError, PdResult};
use crate::actors::runtime::{
    Actor, Context, Handler, MailboxOptions, Overflow, ReplyTo, Supervision,
};
use crate::common::{RegionId, StoreId, Term, Timestamp};
use crate::placement::{Command, NodeMeta};
use crate::storage::proto::pdpb;
use crate::storage::region::convert::region_from_proto;

/// Questions of other nodes that may wait.
const CAPACITY: usize = 1 << 14;

/// The door of a member: answers other nodes, and while the member leads keeps the list of the nodes that are there.
pub struct PdService {
    pd: LocalPd,
    /// Where the node is reached.
    address: String,
    /// Of the term in which the member leads.
    table: Option<(Term, NodeTable)>,
}

impl PdService {
    /// The door of the member of this process, whose bridge is reached at `address`.
    pub fn new(pd: LocalPd, address: String) -> PdService {
        PdService { pd, address, table: None }
    }

    /// The table of nodes, as long as this member leads for sure; else what to answer.
    fn table(&mut self, ctx: &Context<Self>) -> Result<&mut NodeTable, Members> {
        let standing = self.pd.standing();
        let leads = standing.leads.filter(|_| self.pd.is_leased());
        // Without a name there is no cluster to be in; it comes in a moment.
        let Some(term) = leads.filter(|_| standing.cluster_id != 0) else {
            let leader = standing.leader.clone().unwrap_or_default();
            return Err(Members { not_leader: true, leader, ..Members::default() });
        };
        if self.table.as_ref().is_none_or(|(of, _)| *of != term) {
            let own = (ctx.system().node(), self.address.as_str());
            let table = NodeTable::new(standing.cluster_id, &standing.nodes, own, now(ctx));
            self.table = Some((term, table));
        }
        let (_, table) = self.table.as_mut().expect("it was made if it was not there");
        Ok(table)
    }

    /// Who is there, and where the placement driver is.
    fn members(&mut self, refused: String, ctx: &Context<Self>) -> Members {
        let table = match self.table(ctx) {
            Ok(table) => table.members(refused),
            Err(not_leader) => return not_leader,
        };
        let members = &self.pd.standing().members;
        let pd_members = members.iter().filter_map(|member| member.peer_urls.first().cloned());
        Members { pd_members: pd_members.collect(), ..table }
    }

    /// Has a change of the list recorded, and then answers.
    fn record(
        &mut self,
        command: Command,
        reply: Option<ReplyTo<Members>>,
        ctx: &mut Context<Self>,
    ) {
        let pd = self.pd.clone();
        let proposed = {
            let command = command.clone();
            async move { pd.propose(command).await }
        };
        ctx.spawn_then(proposed, move |service, result, ctx| {
            match (result, command, service.table(ctx)) {
                (Ok(_), Command::PutNode(node), Ok(table)) => table.recorded(node),
                (Err(error), ..) => {
                    debug!(%error, "failed to record a node");
                    // Whoever asked says it again, and then it is recorded.
                    return;
                }
                _ => {}
            }
            if let Some(reply) = reply {
                reply.send(service.members(String::new(), ctx));
            }
        });
    }
}

fn now(ctx: &Context<PdService>) -> Duration {
    Duration::from_nanos(ctx.system().clock().now().as_nanos())
}

fn removal(node: NodeMeta) -> Command {
    Command::RemoveNode { name: node.name, started_unix_ms: node.started_unix_ms }
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
        let names = self.table.as_ref().map(|(_, table)| table.names());
        json!({ "nodes": names.unwrap_or_default() })
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
            reply.send(match ask(&pd, call).await {
                Ok(call) => answer(call),
                Err(error) => Response { error: Some(convert::error_to_proto(error)), call: None },
            });
        });
    }
}

/// A node is answered when it is recorded that it is there: then the next leader knows it too.
impl Handler<AnnounceNode> for PdService {
    fn handle(&mut self, message: AnnounceNode, reply: ReplyTo<Members>, ctx: &mut Context<Self>) {
        let now = now(ctx);
        let (gone, heard) = match self.table(ctx) {
            Ok(table) => (table.forget(now), table.announce(message.0, now)),
            Err(not_leader) => return reply.send(not_leader),
        };
        for node in gone {
            warn!(node = node.name, address = node.address, "a node was not heard of and is gone");
            self.record(removal(node), None, ctx);
        }
        match heard {
            Err(refused) => reply.send(self.members(refused, ctx)),
            Ok(Heard::Nothing) => reply.send(self.members(String::new(), ctx)),
            Ok(Heard::Changed(node, is_new)) => {
                if is_new {
                    info!(node = node.name, address = node.address, roles = ?node.roles, "a node has joined");
                }
                self.record(Command::PutNode(node), Some(reply), ctx);
            }
            Ok(Heard::Left(node)) => {
                info!(node = node.name, "a node has left");
                self.record(removal(node), Some(reply), ctx);
            }
        }
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
        Call::GetDuties(request) => {
            let (store_id, region_id) = (StoreId(request.store_id), RegionId(request.region_id));
            let duties = pd.duties(store_id, region_id).await?;
            let region_ids = duties.regions.into_iter().map(|region| region.0).collect();
            Answer::GetDuties(Duties { is_known: duties.is_known, region_ids, leads: duties.leads })
        }
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
