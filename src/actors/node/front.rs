//! The services that face people: SQL, the MySQL gateway, the admin endpoint.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use futures::future::BoxFuture;

use super::SERVER_VERSION;
use super::assembly::Shared;
use super::cluster::{Refresher, patiently};
use super::guard;
use super::services::{refresh, stop_actor};
use super::variables;
use crate::actors::admin::{
    self, AdminHandle, AdminServices, LogControl, MemoryGauge, SchemaSource, StoreView,
};
use crate::actors::ddl::SubmitJob;
use crate::actors::gateway::{self, ConnectionNumbers, Drain, Gateway, GatewayOptions};
use crate::actors::runtime::{ActorRef, Monotonic, Service, System, Thread};
use crate::actors::session::accounts::AccountCache;
use crate::actors::session::remote::{
    DrainSessions, OtherNodes, RemoteAccounts, RemoteSessions, SessionHost, SessionKeeper, SqlNodes,
};
use crate::actors::session::variables::GlobalVariables;
use crate::actors::session::{
    Accounts, ClusterActors, LocalSessions, LockKeeper, Memory, SessionServices, Sessions,
};
use crate::config::{AuthPlugin, Config, Role};
use crate::protocol::auth::Plugin;
use crate::sql::catalog::{DatabaseInfo, DdlStatement, InfoSchema, SchemaState};
use crate::sql::exec::ExecLimits;
use crate::sql::system;
use crate::sql::types::Collation;
use crate::storage::engine::MemoryUsage;

/// How often the accounts are read for what other nodes have changed.
const ACCOUNTS_EVERY: Duration = Duration::from_secs(2);
/// So long the start waits for the first database.
const FIRST_DATABASE: Duration = Duration::from_secs(3);

pub(super) fn services(
    shared: &Arc<Shared>,
    mysql: Option<TcpListener>,
    admin: Vec<TcpListener>,
    log: Arc<dyn LogControl>,
    started: Monotonic,
) -> Vec<Box<dyn Service>> {
    let address = mysql.as_ref().and_then(|socket| socket.local_addr().ok());
    let mut services: Vec<Box<dyn Service>> = Vec::new();
    if shared.has(Role::Sql) {
        services.push(Box::new(Sql {
            shared: shared.clone(),
            mysql: address,
            refresher: None,
            keeper: None,
            host: None,
        }));
    }
    services.push(Box::new(Admin {
        shared: shared.clone(),
        listeners: Some(admin),
        log,
        started,
        admin: None,
    }));
    if shared.has(Role::Gateway) {
        services.push(Box::new(MysqlGateway {
            shared: shared.clone(),
            listener: mysql,
            gateway: None,
            keeper: None,
            numbers: None,
        }));
    }
    services
}

/// What sessions need. The sessions themselves are opened by connections, on their threads, and for gateways elsewhere.
struct Sql {
    shared: Arc<Shared>,
    /// Where clients connect, which the variables tell.
    mysql: Option<SocketAddr>,
    refresher: Option<ActorRef<Refresher>>,
    /// Of the sessions' named locks.
    keeper: Option<ActorRef<LockKeeper>>,
    host: Option<ActorRef<SessionHost>>,
}

#[async_trait(?Send)]
impl Service for Sql {
    fn name(&self) -> &'static str {
        "sql"
    }

    fn dependencies(&self) -> &'static [&'static str] {
        &["kv", "ddl", "stats"]
    }

    async fn start(&mut self, system: &System) -> anyhow::Result<()> {
        let shared = &self.shared;
        let store = Arc::new(shared.product("kv", |products| &products.kv)?);
        let schema = shared.product("ddl", |products| &products.schema)?;
        let ddl = shared.product("ddl", |products| &products.ddl)?;
        let accounts = AccountCache::load(&*store, plugin(&shared.config)).await?;
        let cluster = shared.product("cluster", |products| &products.cluster)?;
        let (refreshed, rows) = (accounts.clone(), store.clone());
        let read = move || -> BoxFuture<'static, ()> {
            let (accounts, store) = (refreshed.clone(), rows.clone());
            Box::pin(async move {
                if let Err(error) = accounts.refresh(&*store).await {
                    tracing::debug!(%error, "failed to read the accounts");
                }
            })
        };
        let refresher =
            refresh(system, "account-refresher", cluster.clone(), ACCOUNTS_EVERY, Arc::new(read));
        let mut services = SessionServices::new(
            store,
            schema,
            ddl.address(),
            shared.processes.clone(),
            accounts,
            system.clock().clone(),
            system.rng(),
        );
        services.compute = system.compute().clone();
        services.activity = shared.activity.clone();
        services.stats = shared.product("stats", |products| &products.stats)?;
        services.limits = Arc::new(ExecLimits {
            memory_bytes: shared.config.sql.query_memory.0 as usize,
            spill_dir: Some(shared.data.tmp.clone()),
            ..ExecLimits::default()
        });
        let configured = variables::configured(&shared.config, self.mysql);
        services.variables = Arc::new(GlobalVariables::new(&configured));
        services.memory = shared.memory.clone();
        services.session_memory = shared.config.sql.session_memory.0 as usize;
        services.max_prepared_statements = shared.config.sql.max_prepared_statements;
        let bridge = shared.product("bridge", |products| &products.bridge)?;
        let names = Box::new(move || -> BoxFuture<'static, Vec<String>> {
            let cluster = cluster.clone();
            Box::pin(async move { cluster.sql_nodes_now().await })
        });
        services.others = Some(Arc::new(OtherNodes::new(bridge.clone(), system.node(), names)));
        services.actors = Some(ClusterActors::new(system, &bridge));
        let services = Arc::new(services);
        let locks = services.locks.clone();
        let ddl = services.ddl.clone();
        let keeper = move || LockKeeper::new(locks.clone(), ddl.clone());
        self.keeper = Some(system.spawn_root("lock-keeper", Thread::Any, keeper));
        make_test_database(&services).await;
        self.host = Some(SessionHost::start(system, &bridge, services.clone()));
        shared.products.write().sessions = Some(services);
        self.refresher = Some(refresher);
        Ok(())
    }

    async fn stop(&mut self, deadline: Duration) -> anyhow::Result<()> {
        let services = self.shared.products.write().sessions.take();
        if let Some(host) = self.host.take() {
            // What is not done by then is cut off.
            let _ = host.ask(DrainSessions, deadline.mul_f64(0.8)).await;
            stop_actor(&host, deadline).await?;
        }
        if let Some(services) = services {
            let given_back =
                tokio::time::timeout(deadline.mul_f64(0.1), services.auto_ids.give_back());
            if !matches!(given_back.await, Ok(Ok(()))) {
                tracing::warn!(
                    "numbers for AUTO_INCREMENT columns could not be given back; there will be a gap"
                );
            }
        }
        if let Some(keeper) = self.keeper.take() {
            stop_actor(&keeper, deadline).await?;
        }
        match self.refresher.take() {
            Some(refresher) => stop_actor(&refresher, deadline).await,
            None => Ok(()),
        }
    }
}

/// What accounts prove themselves with that say nothing of it.
fn plugin(config: &Config) -> Plugin {
    match config.mysql.default_authentication_plugin {
        AuthPlugin::MysqlNativePassword => Plugin::Native,
        AuthPlugin::CachingSha2Password => Plugin::CachingSha2,
    }
}

/// A cluster in which nothing was ever made gets the database `test`, which programs take for granted; who drops it has it
/// dropped. Where it cannot be made at once it comes later.
async fn make_test_database(services: &SessionServices) {
    if services.schema.current().version() != 0 {
        return;
    }
    let collation = Collation::default();
    let info = DatabaseInfo {
        id: 0,
        name: "test".to_owned(),
        charset: collation.charset().to_owned(),
        collation: collation.name().to_owned(),
        state: SchemaState::Public,
    };
    let statement = DdlStatement::CreateDatabase { info, if_not_exists: true };
    let made = services.ddl.ask(SubmitJob::new(statement), FIRST_DATABASE);
    if let Err(error) = made.await {
        tracing::debug!(%error, "the database test is not made yet");
    }
}

/// Clients.
struct MysqlGateway {
    shared: Arc<Shared>,
    listener: Option<TcpListener>,
    gateway: Option<ActorRef<Gateway>>,
    /// Of sessions elsewhere.
    keeper: Option<ActorRef<SessionKeeper>>,
    /// Where there may be other gateways.
    numbers: Option<ActorRef<ConnectionNumbers>>,
}

impl MysqlGateway {
    /// Sees to it that no other gateway gives its connections the same numbers.
    async fn take_numbers(&mut self, system: &System) -> anyhow::Result<()> {
        let shared = &self.shared;
        if shared.product("cluster", |products| &products.cluster)?.has_only_pd() {
            return Ok(());
        }
        let pd = shared.product("pd", |products| &products.pd)?;
        let patience = shared.config.node.join_timeout.0;
        let holder = format!("{}@{}", system.node(), system.clock().unix_ms());
        let range = patiently("numbers for connections", patience, || async {
            Ok(ConnectionNumbers::take(&*pd, &holder).await)
        })
        .await?;
        let processes = shared.processes.clone();
        self.numbers = Some(ConnectionNumbers::start(system, pd, processes, holder, range));
        Ok(())
    }

    /// Who may log in, and where their sessions are: here, if this node runs statements, else on those that do.
    fn behind(
        &mut self,
        system: &System,
    ) -> anyhow::Result<(Arc<dyn Accounts>, Arc<dyn Sessions>)> {
        let shared = &self.shared;
        if shared.has(Role::Sql) {
            let sessions = shared.product("sql", |products| &products.sessions)?;
            return Ok((sessions.accounts.clone(), Arc::new(LocalSessions::new(sessions))));
        }
        let bridge = shared.product("bridge", |products| &products.bridge)?;
        let cluster = shared.product("cluster", |products| &products.cluster)?;
        let nodes = SqlNodes::new(bridge, move || cluster.sql_nodes());
        let sessions = RemoteSessions::new(nodes.clone(), system.node());
        self.keeper = Some(sessions.keep(system, shared.processes.clone()));
        Ok((Arc::new(RemoteAccounts::new(nodes)), Arc::new(sessions)))
    }
}

#[async_trait(?Send)]
impl Service for MysqlGateway {
    fn name(&self) -> &'static str {
        "gateway"
    }

    fn dependencies(&self) -> &'static [&'static str] {
        if self.shared.has(Role::Sql) { &["sql"] } else { &["cluster"] }
    }

    async fn start(&mut self, system: &System) -> anyhow::Result<()> {
        self.take_numbers(system).await?;
        let (accounts, sessions) = self.behind(system)?;
        let shared = &self.shared;
        let config = &shared.config.mysql;
        let tls = if config.tls_cert.as_os_str().is_empty() {
            None
        } else {
            Some(gateway::ClientTls::open(&config.tls_cert, &config.tls_key)?)
        };
        let options = GatewayOptions {
            max_connections: config.max_connections,
            max_sockets: shared.mysql_sockets,
            default_plugin: plugin(&shared.config),
            max_packet: config.max_allowed_packet.0 as usize,
            memory: Memory::arriving(&shared.memory),
            connect_timeout: config.connect_timeout.0,
            require_tls: config.require_secure_transport,
            version: SERVER_VERSION.into(),
        };
        let services = Arc::new(gateway::Services::new(
            options,
            accounts.clone(),
            sessions,
            shared.processes.clone(),
            tls,
            system.clock().clone(),
            &system.rng(),
        ));
        // Without a SQL node it cannot be said yet.
        let root = accounts.find("root", Ipv4Addr::LOCALHOST.into()).await.unwrap_or_default();
        if root.is_some_and(|root| root.stored.is_empty()) {
            tracing::warn!(
                "user root has no password: it is accepted from this machine only; set one with ALTER USER root@localhost IDENTIFIED BY '…'"
            );
        }
        let mut listener = self.listener.take();
        // A restart goes on with the socket's duplicate: the first one was moved into the task that died.
        let factory = move || {
            let socket = listener.as_ref().and_then(|listener| listener.try_clone().ok());
            let socket = socket.or_else(|| listener.take());
            Gateway::new(socket, services.clone())
        };
        self.gateway = Some(system.spawn_root("gateway", Thread::Any, factory));
        Ok(())
    }

    async fn stop(&mut self, deadline: Duration) -> anyhow::Result<()> {
        let Some(gateway) = self.gateway.take() else { return Ok(()) };
        // Statements in hand are finished; what is not by then is cut off.
        let drained = gateway.ask(Drain, deadline).await;
        stop_actor(&gateway, deadline.max(Duration::from_secs(1))).await?;
        if let Some(keeper) = self.keeper.take() {
            stop_actor(&keeper, deadline.max(Duration::from_secs(1))).await?;
        }
        if let Some(numbers) = self.numbers.take() {
            stop_actor(&numbers, deadline.max(Duration::from_secs(1))).await?;
        }
        Ok(drained?)
    }
}

/// What operators look at. It starts before clients are let in, and outlives them.
struct Admin {
    shared: Arc<Shared>,
    listeners: Option<Vec<TcpListener>>,
    log: Arc<dyn LogControl>,
    started: Monotonic,
    admin: Option<AdminHandle>,
}

#[async_trait(?Send)]
impl Service for Admin {
    fn name(&self) -> &'static str {
        "admin"
    }

    fn dependencies(&self) -> &'static [&'static str] {
        match (self.shared.has(Role::Store), self.shared.has(Role::Sql)) {
            (true, true) => &["cluster", "store", "ddl"],
            (true, false) => &["cluster", "store"],
            (false, true) => &["cluster", "ddl"],
            (false, false) => &["cluster"],
        }
    }

    async fn start(&mut self, system: &System) -> anyhow::Result<()> {
        let shared = &self.shared;
        let store = shared.products.read().store.as_ref().map(StoreView::from);
        let schema = shared.products.read().schema.clone();
        let services = AdminServices {
            system: system.clone(),
            version: env!("CARGO_PKG_VERSION"),
            roles: shared.roles.names(),
            started: self.started,
            store,
            schema: match schema {
                Some(schema) => schema,
                None => Arc::new(NoSchema),
            },
            pd: shared.product("pd", |products| &products.pd)?,
            processes: shared.processes.clone(),
            activity: shared.activity.clone(),
            bridge: Some(shared.product("bridge", |products| &products.bridge)?),
            fault_injection: shared.config.bridge.fault_injection,
            memory: memory_gauges(shared),
            guard: guard::guard(&shared.config.admin)?,
            connections: shared.descriptors.admin,
            log: Some(self.log.clone()),
        };
        let listeners = self.listeners.take().context("the admin endpoint starts once")?;
        self.admin = Some(admin::start(services, listeners)?);
        Ok(())
    }

    async fn stop(&mut self, deadline: Duration) -> anyhow::Result<()> {
        if let Some(admin) = self.admin.take() {
            admin.stop(deadline).await;
        }
        Ok(())
    }
}

/// Of a node that serves no statements.
struct NoSchema;

impl SchemaSource for NoSchema {
    fn current(&self) -> InfoSchema {
        system::info_schema(0, Vec::new())
    }
}

/// What RocksDB holds in memory, by engine.
fn memory_gauges(shared: &Shared) -> Vec<MemoryGauge> {
    let mut gauges = Vec::new();
    let Some(engines) = &shared.data.store else { return gauges };
    for (instance, engine) in [("kv", &engines.kv), ("raft", &engines.raft)] {
        let gauge = |kind, of: fn(&MemoryUsage) -> u64| {
            let engine = engine.clone();
            let bytes = move || engine.memory_usage().ok().map(|usage| of(&usage));
            MemoryGauge { instance, kind, bytes: Arc::new(bytes) }
        };
        gauges.push(gauge("block-cache", |usage| usage.block_cache));
        gauges.push(gauge("write-buffers", |usage| usage.write_buffers));
    }
    if let Some(store) = &shared.products.read().store {
        let hot = Arc::clone(&store.hot);
        let bytes = Arc::new(move || Some(hot.bytes() as u64));
        gauges.push(MemoryGauge { instance: "kv", kind: "hot-versions", bytes });
    }
    gauges
}
