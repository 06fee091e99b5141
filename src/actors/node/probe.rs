//! Readiness: whether a statement would be answered, found out by asking, again and again.
//!
//! A service that runs says nothing of those it needs. So every node asks the placement driver something that only a leader with its group
//! answers, a SQL node reads a key, a store looks whether its regions can have leaders, a member of the placement driver
//! whether it still belongs to its group, and a gateway whether there is a node that runs statements. What two rounds in a row find wrong is
//! reported on the health board, under a name of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::assembly::Shared;
use super::cluster::Cluster;
use super::services::stop_actor;
use crate::actors::bridge::Bridge;
use crate::actors::kv::Client;
use crate::actors::pd::{LocalPd, PdClient};
use crate::actors::runtime::{
    Actor, ActorRef, Context, Health, HealthState, MailboxOptions, Overflow, Service, System,
    Thread,
};
use crate::actors::store::{RegionStatus, StoreNode, store_path};
use crate::config::Role;
use crate::placement::AdminRequest;
use crate::sql::kv::{KvStore as _, TxnOptions};
use crate::storage::engine::DiskRoom;

/// How often all is asked.
const EVERY: Duration = Duration::from_secs(5);
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// What is found wrong so often in a row is wrong: regions and the placement driver change their leaders now and then.
const ROUNDS: u32 = 2;
/// A key in the first region, where the schema and the accounts are.
const KEY: &[u8] = b"m";

/// What one question found: nothing, or what is wrong, and how bad that is.
type Finding = Option<(HealthState, String)>;

/// What is asked.
#[derive(Clone)]
struct Asked {
    system: System,
    bridge: Bridge,
    pd: Arc<dyn PdClient>,
    cluster: Arc<Cluster>,
    local_pd: Option<LocalPd>,
    store: Option<StoreNode>,
    kv: Option<Client>,
    /// A gateway whose sessions are elsewhere.
    needs_sql_nodes: bool,
}

impl Asked {
    async fn ask(&self) -> Vec<(&'static str, Finding)> {
        let (placement, reads, membership) =
            tokio::join!(self.placement(), self.reads(), self.membership());
        let mut found = vec![("placement", placement)];
        found.extend(reads.map(|finding| ("reads", finding)));
        found.extend(membership.map(|finding| ("pd-group", finding)));
        if let Some(store) = &self.store {
            found.push(("regions", self.regions(store)));
            found.push(("disk", disk(store)));
        }
        if self.needs_sql_nodes {
            let none = self.cluster.sql_nodes().is_empty();
            found.push(("sql-nodes", none.then(|| unhealthy("no node runs statements"))));
        }
        found
    }

    async fn placement(&self) -> Finding {
        match timeout(PATIENCE, self.pd.gc_safe_point()).await {
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some(unhealthy(error)),
            Err(_late) => Some(unhealthy(format_args!(
                "the placement driver gives no answer in {PATIENCE:?}"
            ))),
        }
    }

    async fn reads(&self) -> Option<Finding> {
        let kv = self.kv.as_ref()?;
        let read = async {
            let options = TxnOptions { latest: true, ..TxnOptions::default() };
            kv.begin(options).await?.get(Bytes::from_static(KEY)).await
        };
        Some(match timeout(PATIENCE, read).await {
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some(unhealthy(error)),
            Err(_late) => Some(unhealthy(format_args!("a read has no answer in {PATIENCE:?}"))),
        })
    }

    /// Nobody sends to a member that was taken out of its group, so it may not have heard of that: one without a leader asks
    /// those whom it knows.
    async fn membership(&self) -> Option<Finding> {
        let standing = self.local_pd.as_ref()?.standing();
        let Some(id) = standing.member_id else { return Some(None) };
        let is_led = standing.leads.is_some() || standing.leader.is_some();
        let belongs = match standing.members.iter().any(|member| member.member_id == id) {
            true if is_led => return Some(None),
            true => self.group_knows(id).await,
            false => Some(false),
        };
        Some(Some(unhealthy(match belongs {
            Some(false) => "this member was taken out of the placement driver's group",
            Some(true) | None => "the placement driver's group has no leader",
        })))
    }

    /// Whether the group has such a member, if there is a leader who can say so.
    async fn group_knows(&self, id: u64) -> Option<bool> {
        let asked = timeout(PATIENCE, self.pd.administer(AdminRequest::Members)).await;
        let found = asked.ok()?.ok()?;
        let members = found["members"].as_array()?;
        Some(members.iter().any(|member| member["member_id"].as_u64() == Some(id)))
    }

    /// Regions that nobody leads, and those asleep whose other replicas cannot be reached: nobody would lead them either.
    fn regions(&self, store: &StoreNode) -> Finding {
        let statuses = store.router.statuses();
        let reachable = self.reachable(store, &statuses);
        let lost = statuses.iter().filter(|status| is_lost(status, &reachable)).count();
        let all = statuses.len();
        (lost > 0).then(|| {
            unhealthy(format_args!(
                "{lost} of {all} regions have no leader, or not enough replicas"
            ))
        })
    }

    /// The stores with replicas of these regions to which there is a link.
    fn reachable(&self, store: &StoreNode, statuses: &[RegionStatus]) -> BTreeSet<u64> {
        let peers = statuses.iter().flat_map(|status| &status.region.peers);
        let stores: BTreeSet<_> = peers.map(|peer| peer.store_id).collect();
        let broken: BTreeMap<String, bool> = self
            .bridge
            .links()
            .into_iter()
            .map(|link| (link.node.clone(), link.is_broken()))
            .collect();
        let registry = self.system.registry();
        let is_there = |node: String| {
            node == self.system.node() || !broken.get(&node).copied().unwrap_or(false)
        };
        stores
            .into_iter()
            .filter(|id| {
                *id == store.store_id || registry.resolve(&store_path(*id)).is_some_and(is_there)
            })
            .map(|id| id.0)
            .collect()
    }
}

fn is_lost(status: &RegionStatus, reachable: &BTreeSet<u64>) -> bool {
    let voters = status.region.peers.iter().filter(|peer| peer.role.votes());
    let (mut all, mut there) = (0, 0);
    for voter in voters {
        all += 1;
        there += usize::from(reachable.contains(&voter.store_id.0));
    }
    status.leader.is_none() || there * 2 <= all
}

fn disk(store: &StoreNode) -> Finding {
    let text = match store.disk.room() {
        DiskRoom::Enough => return None,
        DiskRoom::AlmostFull => "the disk is nearly full: writes are refused",
        DiskRoom::Full => {
            "the disk is nearly full: writes are refused, and what other stores write is not taken"
        }
    };
    Some((HealthState::Degraded, text.to_owned()))
}

fn unhealthy(reason: impl ToString) -> (HealthState, String) {
    (HealthState::Unhealthy, reason.to_string())
}

/// The actor `/<node>/probe`: looks in turns whether the services of its node do what they are for.
pub(super) struct Prober {
    asked: Asked,
    /// How often in a row something was found wrong.
    wrong: BTreeMap<&'static str, u32>,
    is_asking: bool,
}

impl Prober {
    fn look(&mut self, ctx: &mut Context<Self>) {
        if std::mem::replace(&mut self.is_asking, true) {
            return;
        }
        let asked = self.asked.clone();
        ctx.spawn_then(async move { asked.ask().await }, |prober: &mut Self, found, _| {
            prober.is_asking = false;
            for (name, finding) in found {
                prober.take_in(name, finding);
            }
        });
    }

    fn take_in(&mut self, name: &'static str, finding: Finding) {
        let times = self.wrong.entry(name).or_default();
        let health = match finding {
            None => {
                *times = 0;
                Health::healthy()
            }
            Some((state, reason)) => {
                *times += 1;
                if *times < ROUNDS && state == HealthState::Unhealthy {
                    return;
                }
                if *times == ROUNDS {
                    tracing::warn!(what = name, reason, "not ready");
                }
                Health::new(state, reason)
            }
        };
        self.asked.system.health().report(name, health);
    }
}

impl Actor for Prober {
    const KIND: &'static str = "probe";

    fn mailbox() -> MailboxOptions {
        // It gets no messages but those of the runtime.
        MailboxOptions { capacity: 1, overflow: Overflow::Reject }
    }

    fn started(&mut self, ctx: &mut Context<Self>) {
        self.look(ctx);
        ctx.run_interval(EVERY, Prober::look);
    }

    fn observe(&self) -> Value {
        json!({ "wrong": self.wrong })
    }
}

/// The service that starts last and stops first: what it asks is there as long as it asks.
pub(super) struct Probe {
    pub(super) shared: Arc<Shared>,
    pub(super) prober: Option<ActorRef<Prober>>,
}

#[async_trait(?Send)]
impl Service for Probe {
    fn name(&self) -> &'static str {
        "probe"
    }

    fn dependencies(&self) -> &'static [&'static str] {
        &["admin"]
    }

    async fn start(&mut self, system: &System) -> anyhow::Result<()> {
        let shared = &self.shared;
        let asked = Asked {
            system: system.clone(),
            bridge: shared.product("bridge", |products| &products.bridge)?,
            pd: shared.product("pd", |products| &products.pd)?,
            cluster: shared.product("cluster", |products| &products.cluster)?,
            local_pd: shared.products.read().local_pd.clone(),
            store: shared.products.read().store.clone(),
            kv: shared.products.read().kv.clone().filter(|_| shared.has(Role::Sql)),
            needs_sql_nodes: shared.has(Role::Gateway) && !shared.has(Role::Sql),
        };
        // It walks all regions of a store: on no thread that serves anybody.
        self.prober = Some(system.spawn_root("probe", Thread::Dedicated, move || Prober {
            asked: asked.clone(),
            wrong: BTreeMap::new(),
            is_asking: false,
        }));
        Ok(())
    }

    async fn stop(&mut self, deadline: Duration) -> anyhow::Result<()> {
        match self.prober.take() {
            Some(prober) => stop_actor(&prober, deadline).await,
            None => Ok(()),
        }
    }
}
