//! The services that face people: SQL, the MySQL gateway, the admin endpoint, the bridge's endpoint.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;

use super::SERVER_VERSION;
use super::assembly::Shared;
use super::services::stop_actor;
use super::sockets::Sockets;
use super::variables;
use crate::actors::admin::{self, AdminHandle, AdminServices, LogControl, MemoryGauge, StoreView};
use crate::actors::bridge::{self, BridgeOptions};
use crate::actors::gateway::{self, Drain, Gateway, GatewayOptions};
use crate::actors::runtime::{ActorRef, Monotonic, Service, System, Thread};
use crate::actors::session::accounts::AccountCache;
use crate::actors::session::variables::GlobalVariables;
use crate::actors::session::{Accounts as _, LocalSessions, SessionServices};
use crate::sql::exec::ExecLimits;
use crate::storage::engine::MemoryUsage;

pub(super) fn services(
    shared: &Arc<Shared>,
    sockets: Sockets,
    log: Arc<dyn LogControl>,
    started: Monotonic,
) -> Vec<Box<dyn Service>> {
    let Sockets { mysql, admin, bridge } = sockets;
    vec![
        Box::new(Sql { shared: shared.clone(), mysql: mysql.local_addr().ok() }),
        Box::new(Admin {
            shared: shared.clone(),
            listener: Some(admin),
            log,
            started,
            admin: None,
        }),
        Box::new(Bridge { shared: shared.clone(), listener: Some(bridge), bridge: None }),
        Box::new(MysqlGateway { shared: shared.clone(), listener: Some(mysql), gateway: None }),
    ]
}

/// What sessions need. The sessions themselves are opened by connections, on their threads.
struct Sql {
    shared: Arc<Shared>,
    /// Where clients connect, which the variables tell.
    mysql: Option<SocketAddr>,
}

#[async_trait(?Send)]
impl Service for Sql {
    fn name(&self) -> &'static str {
        "sql"
    }

    fn dependencies(&self) -> &'static [&'static str] {
        &["kv", "ddl"]
    }

    async fn start(&mut self, system: &System) -> anyhow::Result<()> {
        let shared = &self.shared;
        let store = Arc::new(shared.product("kv", |products| &products.kv)?);
        let schema = shared.product("ddl", |products| &products.schema)?;
        let ddl = shared.product("ddl", |products| &products.ddl)?;
        let accounts = AccountCache::load(&*store).await?;
        let mut services = SessionServices::new(
            store,
            schema,
            ddl.address(),
            shared.processes.clone(),
            accounts,
            system.clock().clone(),
            system.rng(),
        );
        services.limits = Arc::new(ExecLimits {
            memory_bytes: shared.config.sql.query_memory.0 as usize,
            spill_dir: Some(shared.data.tmp.clone()),
            ..ExecLimits::default()
        });
        let configured = variables::configured(&shared.config, self.mysql);
        services.variables = Arc::new(GlobalVariables::new(&configured));
        services.max_prepared_statements = shared.config.sql.max_prepared_statements;
        shared.products.write().sessions = Some(Arc::new(services));
        Ok(())
    }

    async fn stop(&mut self, _deadline: Duration) -> anyhow::Result<()> {
        self.shared.products.write().sessions = None;
        Ok(())
    }
}

/// Clients.
struct MysqlGateway {
    shared: Arc<Shared>,
    listener: Option<TcpListener>,
    gateway: Option<ActorRef<Gateway>>,
}

#[async_trait(?Send)]
impl Service for MysqlGateway {
    fn name(&self) -> &'static str {
        "gateway"
    }

    fn dependencies(&self) -> &'static [&'static str] {
        &["sql"]
    }

    async fn start(&mut self, system: &System) -> anyhow::Result<()> {
        let shared = &self.shared;
        let sessions = shared.product("sql", |products| &products.sessions)?;
        let config = &shared.config.mysql;
        let tls = if config.tls_cert.as_os_str().is_empty() {
            None
        } else {
            Some(gateway::acceptor(&config.tls_cert, &config.tls_key)?)
        };
        let options = GatewayOptions {
            max_connections: config.max_connections,
            max_packet: config.max_allowed_packet.0 as usize,
            connect_timeout: config.connect_timeout.0,
            require_tls: config.require_secure_transport,
            version: SERVER_VERSION.into(),
        };
        let services = Arc::new(gateway::Services::new(
            options,
            sessions.accounts.clone(),
            Arc::new(LocalSessions::new(sessions.clone())),
            shared.processes.clone(),
            tls,
            system.clock().clone(),
            &system.rng(),
        ));
        let root = sessions.accounts.find("root", Ipv4Addr::LOCALHOST.into());
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
        Ok(drained?)
    }
}

/// What operators look at. It starts before clients are let in, and outlives them.
struct Admin {
    shared: Arc<Shared>,
    listener: Option<TcpListener>,
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
        &["pd", "store", "ddl"]
    }

    async fn start(&mut self, system: &System) -> anyhow::Result<()> {
        let shared = &self.shared;
        let store = shared.product("store", |products| &products.store)?;
        let services = AdminServices {
            system: system.clone(),
            version: env!("CARGO_PKG_VERSION"),
            roles: vec![shared.config.node.role.clone()],
            started: self.started,
            store: Some(StoreView::from(&store)),
            schema: shared.product("ddl", |products| &products.schema)?,
            pd: Arc::new(shared.product("pd", |products| &products.pd)?),
            processes: shared.processes.clone(),
            memory: memory_gauges(shared),
            log: Some(self.log.clone()),
        };
        let listener = self.listener.take().context("the admin endpoint starts once")?;
        self.admin = Some(admin::start(services, listener)?);
        Ok(())
    }

    async fn stop(&mut self, deadline: Duration) -> anyhow::Result<()> {
        if let Some(admin) = self.admin.take() {
            admin.stop(deadline).await;
        }
        Ok(())
    }
}

/// What RocksDB holds in memory, by engine.
fn memory_gauges(shared: &Shared) -> Vec<MemoryGauge> {
    let mut gauges = Vec::new();
    for (instance, engine) in [("kv", &shared.data.kv), ("raft", &shared.data.raft)] {
        let gauge = |kind, of: fn(&MemoryUsage) -> u64| {
            let engine = engine.clone();
            let bytes = move || engine.memory_usage().ok().map(|usage| of(&usage));
            MemoryGauge { instance, kind, bytes: Arc::new(bytes) }
        };
        gauges.push(gauge("block-cache", |usage| usage.block_cache));
        gauges.push(gauge("write-buffers", |usage| usage.write_buffers));
    }
    gauges
}

/// The links to other nodes.
struct Bridge {
    shared: Arc<Shared>,
    listener: Option<TcpListener>,
    bridge: Option<bridge::Bridge>,
}

#[async_trait(?Send)]
impl Service for Bridge {
    fn name(&self) -> &'static str {
        "bridge"
    }

    async fn start(&mut self, system: &System) -> anyhow::Result<()> {
        let listener = self.listener.take().context("the bridge starts once")?;
        let options = BridgeOptions::from(&self.shared.config.bridge);
        self.bridge = Some(bridge::Bridge::start(system, listener, options)?);
        Ok(())
    }

    async fn stop(&mut self, deadline: Duration) -> anyhow::Result<()> {
        if let Some(bridge) = self.bridge.take() {
            bridge.stop(deadline).await;
        }
        Ok(())
    }
}
