//! Each service of a node: how it starts, and how it stops.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::assembly::Shared;
use super::front;
use super::sockets::Sockets;
use crate::actors::admin::LogControl;
use crate::actors::ddl::{DdlParts, DdlWorker, LocalSync, PdOwnership, SchemaCache};
use crate::actors::kv::{Client, ClientOptions, KvKeeper};
use crate::actors::pd::LocalPd;
use crate::actors::runtime::{ActorRef, Monotonic, Service, System, Thread};
use crate::actors::store::{NoTransport, OpenStore, StoreOptions, open_store};
use crate::config::Config;
use crate::placement::Goals;
use crate::storage::engine::Engine as _;
use crate::storage::raft::RaftOptions;
use crate::storage::region::SplitOptions;

/// Ticks in an election timeout; the lease must end before.
const ELECTION_TICKS: u32 = 10;

/// How long a schema change waits for transactions that use the schema before it; later ones fail with error 8028.
const OLD_SCHEMA_PATIENCE: Duration = Duration::from_secs(2);

/// All services of role `all`.
pub(super) fn all(
    shared: &Arc<Shared>,
    sockets: Sockets,
    log: Arc<dyn LogControl>,
    started: Monotonic,
) -> Vec<Box<dyn Service>> {
    let mut services: Vec<Box<dyn Service>> = vec![
        Box::new(Pd(shared.clone())),
        Box::new(Store(shared.clone())),
        Box::new(Kv(shared.clone(), None)),
        Box::new(Ddl(shared.clone(), None)),
    ];
    services.extend(front::services(shared, sockets, log, started));
    services
}

/// The placement driver.
struct Pd(Arc<Shared>);

#[async_trait(?Send)]
impl Service for Pd {
    fn name(&self) -> &'static str {
        "pd"
    }

    async fn start(&mut self, system: &System) -> anyhow::Result<()> {
        let Config { pd, store, .. } = &self.0.config;
        let goals = Goals {
            replicas: pd.replicas as usize,
            region_max_bytes: store.region_split_size.0 * 3,
            ..Goals::default()
        };
        let local = LocalPd::start(system, self.0.data.pd.clone(), goals)?;
        self.0.products.write().pd = Some(local);
        Ok(())
    }

    async fn stop(&mut self, deadline: Duration) -> anyhow::Result<()> {
        let pd = self.0.products.write().pd.take();
        if let Some(pd) = pd {
            stop_actor(pd.actor(), deadline).await?;
        }
        Ok(())
    }
}

/// Regions.
struct Store(Arc<Shared>);

#[async_trait(?Send)]
impl Service for Store {
    fn name(&self) -> &'static str {
        "store"
    }

    fn dependencies(&self) -> &'static [&'static str] {
        &["pd"]
    }

    async fn start(&mut self, system: &System) -> anyhow::Result<()> {
        let shared = &self.0;
        let pd = shared.product("pd", |products| &products.pd)?;
        let open = OpenStore {
            kv: shared.data.kv.clone(),
            raft: shared.data.raft.clone(),
            pd: Arc::new(pd),
            transport: Arc::new(NoTransport),
            options: store_options(&shared.config),
            address: shared.config.node.addr.to_string(),
            labels: BTreeMap::new(),
        };
        let node = open_store(system, open).await?;
        shared.products.write().store = Some(node);
        Ok(())
    }

    async fn stop(&mut self, deadline: Duration) -> anyhow::Result<()> {
        let store = self.0.products.write().store.take();
        if let Some(store) = store {
            stop_actor(&store.actor, deadline).await?;
        }
        // What is applied need not be replayed at the next start.
        self.0.data.kv.sync()?;
        Ok(())
    }
}

fn store_options(config: &Config) -> StoreOptions {
    let store = &config.store;
    let split_size = store.region_split_size.0;
    StoreOptions {
        raft: RaftOptions {
            base_tick: store.raft_tick.0,
            election_ticks: ELECTION_TICKS as usize,
            lease: store.raft_tick.0 * (ELECTION_TICKS - 2),
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
        &["pd", "store"]
    }

    async fn start(&mut self, system: &System) -> anyhow::Result<()> {
        let shared = &self.0;
        let pd = shared.product("pd", |products| &products.pd)?;
        let store = shared.product("store", |products| &products.store)?;
        let options = ClientOptions {
            lock_ttl: shared.config.transaction.lock_ttl.0,
            transaction_max: shared.config.transaction.max_life.0,
            gc_life_time: shared.config.transaction.gc_life_time.0,
            ..ClientOptions::default()
        };
        let client = Client::new(Arc::new(pd), Arc::new(store), options, system.rng().stream("kv"));
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

/// Schema changes.
struct Ddl(Arc<Shared>, Option<ActorRef<DdlWorker>>);

#[async_trait(?Send)]
impl Service for Ddl {
    fn name(&self) -> &'static str {
        "ddl"
    }

    fn dependencies(&self) -> &'static [&'static str] {
        &["kv"]
    }

    async fn start(&mut self, system: &System) -> anyhow::Result<()> {
        let shared = &self.0;
        let client = shared.product("kv", |products| &products.kv)?;
        let pd = shared.product("pd", |products| &products.pd)?;
        let cache = SchemaCache::load(&client).await?;
        let parts = DdlParts {
            store: Arc::new(client),
            cache: cache.clone(),
            sync: Arc::new(LocalSync::new(cache.clone(), OLD_SCHEMA_PATIENCE)),
            owner: Arc::new(PdOwnership::new(Arc::new(pd), shared.config.node.name.clone())),
        };
        let keep = shared.config.transaction.gc_life_time.0;
        let worker =
            system.spawn_root("ddl", Thread::Any, move || DdlWorker::new(parts.clone(), keep));
        self.1 = Some(worker.clone());
        let mut products = shared.products.write();
        products.schema = Some(cache);
        products.ddl = Some(worker);
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
