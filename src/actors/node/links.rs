//! The services that join the node to others: the bridge, the placement driver or the way to it, and the membership.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use rand::RngExt as _;

use super::assembly::Shared;
use super::cluster::{Cluster, Membership, Way, agree_on_id, join};
use super::services::stop_actor;
use crate::actors::bridge::{self, BridgeOptions};
use crate::actors::kv::store_path;
use crate::actors::pd::{
    AnnounceNode, LocalPd, Pd as PdLeader, PdCall, PdClient, PdService, RemotePd, pd_path,
};
use crate::actors::runtime::{ActorRef, Service, System, Thread};
use crate::config::{Config, RegistryType, Role};
use crate::placement::Goals;
use crate::storage::proto::pd_call::Node;
use crate::storage::region::StoreIdent;
use crate::storage::region::state::load_ident;

/// The links to other nodes.
pub(super) struct Bridge {
    pub(super) shared: Arc<Shared>,
    pub(super) listener: Option<TcpListener>,
    pub(super) bridge: Option<bridge::Bridge>,
}

#[async_trait(?Send)]
impl Service for Bridge {
    fn name(&self) -> &'static str {
        "bridge"
    }

    async fn start(&mut self, system: &System) -> anyhow::Result<()> {
        let listener = self.listener.take().context("the bridge starts once")?;
        let options = BridgeOptions {
            advertise: Some(self.shared.address.clone()),
            ..BridgeOptions::from(&self.shared.config.bridge)
        };
        let bridge = bridge::Bridge::start(system, listener, options)?;
        self.shared.products.write().bridge = Some(bridge.clone());
        self.bridge = Some(bridge);
        Ok(())
    }

    async fn stop(&mut self, deadline: Duration) -> anyhow::Result<()> {
        self.shared.products.write().bridge = None;
        if let Some(bridge) = self.bridge.take() {
            bridge.stop(deadline).await;
        }
        Ok(())
    }
}

/// The placement driver of this process, or the way to that of others.
pub(super) struct Pd(pub(super) Arc<Shared>, pub(super) Option<ActorRef<PdLeader>>);

#[async_trait(?Send)]
impl Service for Pd {
    fn name(&self) -> &'static str {
        "pd"
    }

    fn dependencies(&self) -> &'static [&'static str] {
        &["bridge"]
    }

    async fn start(&mut self, system: &System) -> anyhow::Result<()> {
        let shared = &self.0;
        let Config { pd, store, node, .. } = &shared.config;
        if let Some(engine) = &shared.data.pd {
            let goals = Goals {
                replicas: pd.replicas as usize,
                region_max_bytes: store.region_split_size.0 * 3,
                ..Goals::default()
            };
            let local = LocalPd::start(system, engine.clone(), goals)?;
            self.1 = Some(local.actor().clone());
            shared.products.write().pd = Some(Arc::new(local));
        } else {
            let bridge = shared.product("bridge", |products| &products.bridge)?;
            let members = node.pd_members().map(str::to_owned).collect();
            let remote = RemotePd::new(system, &bridge, members);
            let mut products = shared.products.write();
            products.pd = Some(Arc::new(remote.clone()));
            products.remote_pd = Some(remote);
        }
        Ok(())
    }

    async fn stop(&mut self, deadline: Duration) -> anyhow::Result<()> {
        self.0.products.write().pd = None;
        match self.1.take() {
            Some(leader) => stop_actor(&leader, deadline).await,
            None => Ok(()),
        }
    }
}

/// The node's membership in its cluster.
pub(super) struct ClusterService {
    pub(super) shared: Arc<Shared>,
    pub(super) service: Option<ActorRef<PdService>>,
    pub(super) membership: Option<ActorRef<Membership>>,
}

impl ClusterService {
    /// Lets other nodes ask the placement driver of this process.
    async fn open_pd(&mut self, system: &System, ident: Option<StoreIdent>) -> anyhow::Result<()> {
        let shared = &self.shared;
        let bridge = shared.product("bridge", |products| &products.bridge)?;
        let pd: Arc<dyn PdClient> = shared.product("pd", |products| &products.pd)?;
        let wanted = match ident {
            Some(ident) => ident.cluster_id,
            // Not 0, and no more than fits into every number it may be written as.
            None => system.rng().stream("cluster-id").random_range(1..=i64::MAX as u64),
        };
        let id = agree_on_id(&*pd, wanted, shared.config.node.join_timeout.0).await?;
        let factory = move || PdService::new(pd.clone(), id);
        let service = system.spawn_root("pd-service", Thread::Any, factory);
        bridge.export(&service).at(pd_path()).message::<PdCall>().message::<AnnounceNode>();
        system.registry().announce(pd_path(), system.node().to_owned());
        self.service = Some(service);
        Ok(())
    }

    fn template(&self, system: &System) -> Node {
        Node {
            name: system.node().to_owned(),
            address: self.shared.address.clone(),
            roles: self.shared.roles.names(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            services: Vec::new(),
            started_unix_ms: system.clock().unix_ms(),
            health: String::new(),
        }
    }
}

#[async_trait(?Send)]
impl Service for ClusterService {
    fn name(&self) -> &'static str {
        "cluster"
    }

    fn dependencies(&self) -> &'static [&'static str] {
        &["bridge", "pd"]
    }

    async fn start(&mut self, system: &System) -> anyhow::Result<()> {
        let ident = match &self.shared.data.store {
            Some(engines) => load_ident(&*engines.kv)?,
            None => None,
        };
        if self.shared.has(Role::Pd) {
            self.open_pd(system, ident).await?;
        }
        let bridge = self.shared.product("bridge", |products| &products.bridge)?;
        let config = &self.shared.config;
        let way = match (&self.service, &self.shared.products.read().remote_pd) {
            (Some(service), _) => Way::Here(service.address()),
            (None, Some(remote)) => Way::Away(remote.clone()),
            (None, None) => anyhow::bail!("there is no way to the placement driver"),
        };
        let template = self.template(system);
        let cluster = Cluster::new(system.clone(), way, config.registry.lease.0, template);
        if let Some(ident) = ident {
            cluster.serve(&store_path(ident.store_id));
        }
        let own_id = ident.map_or(0, |ident| ident.cluster_id);
        join(&cluster, &bridge, own_id, config.node.join_timeout.0).await?;
        if config.registry.kind == RegistryType::Pd {
            let cluster = cluster.clone();
            let factory = move || Membership::new(cluster.clone());
            self.membership = Some(system.spawn_root("membership", Thread::Any, factory));
        }
        self.shared.products.write().cluster = Some(cluster);
        Ok(())
    }

    async fn stop(&mut self, deadline: Duration) -> anyhow::Result<()> {
        self.shared.products.write().cluster = None;
        if let Some(membership) = self.membership.take() {
            stop_actor(&membership, deadline).await?;
        }
        match self.service.take() {
            Some(service) => stop_actor(&service, deadline).await,
            None => Ok(()),
        }
    }
}
