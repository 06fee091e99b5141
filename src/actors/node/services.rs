//! Each service of a node: how it starts, and how it stops.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use futures::future::BoxFuture;
use tracing::debug;

use super::assembly::Shared;
use super::cluster::{Cluster, ClusterOwnership, ClusterSync, Refresher, SchemaDoor, patiently};
use super::front;
use super::links;
use super::pd;
use super::probe;
use super::sockets::Sockets;
use super::stats::Stats;
use crate::actors::admin::LogControl;
use crate::actors::ddl::{DdlParts, DdlWorker, LocalSync, SchemaCache};
use crate::actors::kv::{Client, ClientOptions, ClusterRegions, KvKeeper, export_store};
use crate::actors::pd::PdOwnership;
use crate::actors::runtime::{ActorRef, Monotonic, Service, System, Thread};
use crate::actors::store::{
    BridgeTransport, OpenStore, StoreOptions, export_raft, open_store, store_path,
};
use crate::config::{Config, Role};
use crate::storage::engine::Engine as _;
use crate::storage::mvcc::HotBudget;
use crate::storage::raft::RaftOptions;
use crate::storage::region::SplitOptions;

/// Ticks in an election timeout; the lease must end before.
const ELECTION_TICKS: u32 = 10;

/// How often the schema is looked at for what other nodes have changed; they also tell.
const SCHEMA_EVERY: Duration = Duration::from_secs(1);

/// The lease of the node that runs schema changes. A step that outlasts it may meet another owner's; then one of the two
/// transactions fails with a conflict, since each writes the schema version.
const DDL_OWNER: &str = "ddl-owner";

/// The services of a node's roles.
pub(super) fn all(
    shared: &Arc<Shared>,
    sockets: Sockets,
    log: Arc<dyn LogControl>,
    started: Monotonic,
) -> Vec<Box<dyn Service>> {
    let Sockets { mysql, admin, page, bridge } = sockets;
    let admin = std::iter::once(admin).chain(page).collect();
    let mut services: Vec<Box<dyn Service>> = vec![
        Box::new(links::Bridge { shared: shared.clone(), listener: Some(bridge), bridge: None }),
        Box::new(pd::Pd::new(shared.clone())),
        Box::new(links::ClusterService {
            shared: shared.clone(),
            membership: None,
            registry: None,
        }),
    ];
    if shared.has(Role::Store) {
        services.push(Box::new(Store(shared.clone())));
    }
    let (sql, ddl, stats) = (shared.has(Role::Sql), shared.has(Role::Ddl), shared.has(Role::Stats));
    if sql || ddl || stats {
        services.push(Box::new(Kv(shared.clone(), None)));
        services.push(Box::new(Schema { shared: shared.clone(), door: None, refresher: None }));
    }
    if sql || ddl {
        services.push(Box::new(Ddl(shared.clone(), None)));
    }
    if sql || stats {
        services.push(Box::new(Stats::new(shared.clone())));
    }
    services.extend(front::services(shared, mysql, admin, log, started));
    services.push(Box::new(probe::Probe { shared: shared.clone(), prober: None }));
    services
}

/// Regions.
struct Store(Arc<Shared>);

#[async_trait(?Send)]
impl Service for Store {
    fn name(&self) -> &'static str {
        "store"
    }

    fn dependencies(&self) -> &'static [&'static str] {
        &["bridge", "pd", "cluster"]
    }

    async fn start(&mut self, system: &System) -> anyhow::Result<()> {
        let shared = &self.0;
        let engines = shared.data.store.as_ref().context("there are no engines of a store")?;
        let bridge = shared.product("bridge", |products| &products.bridge)?;
        let cluster = shared.product("cluster", |products| &products.cluster)?;
        let open = OpenStore {
            kv: engines.kv.clone(),
            raft: engines.raft.clone(),
            pd: shared.product("pd", |products| &products.pd)?,
            transport: Arc::new(BridgeTransport::new(bridge.clone())),
            options: StoreOptions {
                cluster_id: cluster.id(),
                data_dir: Some(shared.config.node.data_dir.clone()),
                ..store_options(&shared.config)
            },
            address: shared.address.clone(),
            labels: BTreeMap::new(),
        };
        let node = open_store(system, open).await?;
        export_store(system, &bridge, &node);
        export_raft(system, &bridge, &node);
        cluster.serve(&store_path(node.store_id));
        shared.products.write().store = Some(node);
        Ok(())
    }

    async fn stop(&mut self, deadline: Duration) -> anyhow::Result<()> {
        let store = self.0.products.write().store.take();
        if let Some(store) = store {
            store.hand_over(deadline / 2).await;
            stop_actor(&store.actor, deadline).await?;
        }
        // What is applied need not be replayed at the next start.
        if let Some(engines) = &self.0.data.store {
            engines.kv.sync()?;
        }
        Ok(())
    }
}

/// A time in ticks, rounded up.
fn ticks(time: Duration, tick: Duration) -> u32 {
    u32::try_from(time.as_nanos().div_ceil(tick.as_nanos().max(1))).unwrap_or(u32::MAX)
}

fn store_options(config: &Config) -> StoreOptions {
    let store = &config.store;
    let split_size = store.region_split_size.0;
    StoreOptions {
        raft: RaftOptions {
            base_tick: store.raft_tick.0,
            election_ticks: ELECTION_TICKS as usize,
            lease: store.raft_tick.0 * (ELECTION_TICKS - 2),
            hibernate_ticks: ticks(store.hibernate_after.0, store.raft_tick.0),
            compact_entries: store.raft_log_gc_entries,
            ..RaftOptions::default()
        },
        split: SplitOptions {
            split_size,
            split_keys: store.region_split_keys,
            max_size: split_size + split_size / 2,
            max_keys: store.region_split_keys + store.region_split_keys / 2,
        },
        appliers: store.appliers,
        heartbeat_interval: store.heartbeat_interval.0,
        reserve_space: store.reserve_space.0,
        snapshot_bytes_per_second: store.snapshot_rate.0,
        snapshots_at_once: store.snapshots_at_once,
        hot: HotBudget { ranges: store.hot_ranges.0 as usize, rows: store.hot_rows.0 as usize },
        data_dir: Some(config.node.data_dir.clone()),
        ..StoreOptions::default()
    }
}

/// The transactional client: it runs in those that use it, and a keeper ticks for it.
struct Kv(Arc<Shared>, Option<ActorRef<KvKeeper>>);

#[async_trait(?Send)]
impl Service for Kv {
    fn name(&self) -> &'static str {
        "kv"
    }

    fn dependencies(&self) -> &'static [&'static str] {
        if self.0.has(Role::Store) { &["cluster", "store"] } else { &["cluster"] }
    }

    async fn start(&mut self, system: &System) -> anyhow::Result<()> {
        let shared = &self.0;
        let pd = shared.product("pd", |products| &products.pd)?;
        let bridge = shared.product("bridge", |products| &products.bridge)?;
        let store = shared.products.read().store.clone();
        let regions = ClusterRegions::new(store, bridge);
        let options = ClientOptions {
            lock_ttl: shared.config.transaction.lock_ttl.0,
            transaction_max: shared.config.transaction.max_life.0,
            gc_life_time: shared.config.transaction.gc_life_time.0,
            entry_size_limit: shared.config.transaction.entry_size_limit.0 as usize,
            total_size_limit: shared.config.transaction.total_size_limit.0 as usize,
            ..ClientOptions::default()
        };
        let client = Client::new(pd, Arc::new(regions), options, system.rng().stream("kv"));
        self.1 = Some(KvKeeper::start(system, client.clone()));
        shared.products.write().kv = Some(client);
        Ok(())
    }

    async fn stop(&mut self, deadline: Duration) -> anyhow::Result<()> {
        self.0.products.write().kv = None;
        match self.1.take() {
            Some(keeper) => stop_actor(&keeper, deadline).await,
            None => Ok(()),
        }
    }
}

/// The schema that statements and schema changes work with.
struct Schema {
    shared: Arc<Shared>,
    door: Option<ActorRef<SchemaDoor>>,
    refresher: Option<ActorRef<Refresher>>,
}

#[async_trait(?Send)]
impl Service for Schema {
    fn name(&self) -> &'static str {
        "schema"
    }

    fn dependencies(&self) -> &'static [&'static str] {
        &["kv"]
    }

    /// Waits for the first store of the cluster.
    async fn start(&mut self, system: &System) -> anyhow::Result<()> {
        let shared = &self.shared;
        let client = shared.product("kv", |products| &products.kv)?;
        let bridge = shared.product("bridge", |products| &products.bridge)?;
        let cluster = shared.product("cluster", |products| &products.cluster)?;
        let patience = shared.config.node.join_timeout.0;
        let cache = patiently("a store with the schema", patience, || async {
            Ok(SchemaCache::load(&client).await)
        })
        .await?;
        let holder = cluster.clone();
        cache.commit_only_while(move || holder.lease());
        self.door = Some(SchemaDoor::start(system, &bridge, client.clone(), cache.clone()));
        let refreshed = cache.clone();
        let read = move || -> BoxFuture<'static, ()> {
            let (client, cache) = (client.clone(), refreshed.clone());
            Box::pin(async move {
                if let Err(error) = cache.refresh(&client).await {
                    debug!(%error, "failed to load the schema");
                }
            })
        };
        self.refresher =
            Some(refresh(system, "schema-refresher", cluster, SCHEMA_EVERY, Arc::new(read)));
        shared.products.write().schema = Some(cache);
        Ok(())
    }

    async fn stop(&mut self, deadline: Duration) -> anyhow::Result<()> {
        if let Some(refresher) = self.refresher.take() {
            stop_actor(&refresher, deadline).await?;
        }
        match self.door.take() {
            Some(door) => stop_actor(&door, deadline).await,
            None => Ok(()),
        }
    }
}

/// Reads something again and again as long as other nodes may change it.
pub(super) fn refresh(
    system: &System,
    name: &str,
    cluster: Arc<Cluster>,
    every: Duration,
    read: Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>,
) -> ActorRef<Refresher> {
    system.spawn_root(name, Thread::Any, move || Refresher {
        cluster: cluster.clone(),
        every,
        read: read.clone(),
        reading: false,
    })
}

/// Schema changes.
struct Ddl(Arc<Shared>, Option<ActorRef<DdlWorker>>);

#[async_trait(?Send)]
impl Service for Ddl {
    fn name(&self) -> &'static str {
        "ddl"
    }

    fn dependencies(&self) -> &'static [&'static str] {
        &["kv", "schema"]
    }

    async fn start(&mut self, system: &System) -> anyhow::Result<()> {
        let shared = &self.0;
        let client = shared.product("kv", |products| &products.kv)?;
        let pd = shared.product("pd", |products| &products.pd)?;
        let cache = shared.product("schema", |products| &products.schema)?;
        let cluster = shared.product("cluster", |products| &products.cluster)?;
        let lease = shared.has(Role::Ddl).then(|| PdOwnership::new(pd, DDL_OWNER, system.node()));
        let parts = DdlParts {
            store: Arc::new(client),
            cache: cache.clone(),
            sync: Arc::new(ClusterSync {
                local: LocalSync::new(cache),
                cluster: cluster.clone(),
                bridge: shared.product("bridge", |products| &products.bridge)?,
            }),
            owner: Arc::new(ClusterOwnership { lease, cluster }),
            turns: Arc::default(),
        };
        let keep = shared.config.transaction.gc_life_time.0;
        let worker =
            system.spawn_root("ddl", Thread::Any, move || DdlWorker::new(parts.clone(), keep));
        self.1 = Some(worker.clone());
        shared.products.write().ddl = Some(worker);
        Ok(())
    }

    async fn stop(&mut self, deadline: Duration) -> anyhow::Result<()> {
        match self.1.take() {
            Some(worker) => stop_actor(&worker, deadline).await,
            None => Ok(()),
        }
    }
}

/// Stops an actor and waits until it is gone.
pub(super) async fn stop_actor<A: crate::actors::runtime::Actor>(
    actor: &ActorRef<A>,
    deadline: Duration,
) -> anyhow::Result<()> {
    actor.stop();
    tokio::time::timeout(deadline, actor.stopped())
        .await
        .map_err(|_| anyhow::anyhow!("{} did not stop in time", actor.path()))
}
