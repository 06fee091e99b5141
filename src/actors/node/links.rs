//! The services that join the node to others: the bridge and the membership.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;

use super::assembly::Shared;
use super::cluster::{Cluster, Membership, join};
use super::etcd::EtcdRegistry;
use super::pd;
use super::services::stop_actor;
use crate::actors::bridge::{self, BridgeOptions};
use crate::actors::pd::PdMembers;
use crate::actors::runtime::{ActorRef, Service, System, Thread};
use crate::actors::store::store_path;
use crate::config::RegistryType;
use crate::storage::proto::pd_call::Node;

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
            connections: self.shared.descriptors.bridge,
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

/// The node's membership in its cluster.
pub(super) struct ClusterService {
    pub(super) shared: Arc<Shared>,
    pub(super) membership: Option<ActorRef<Membership>>,
    pub(super) registry: Option<ActorRef<EtcdRegistry>>,
}

impl ClusterService {
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
        let ident = self.shared.data.ident()?;
        let bridge = self.shared.product("bridge", |products| &products.bridge)?;
        let way = self.shared.product("pd", |products| &products.way)?;
        let config = &self.shared.config;
        let template = self.template(system);
        let cluster = Cluster::new(system.clone(), way, config.registry.lease.0, template);
        if let Some(ident) = ident {
            cluster.serve(&store_path(ident.store_id));
        }
        let member =
            self.shared.products.read().local_pd.as_ref().map(|pd| pd.standing().cluster_id);
        let own_id = ident.map(|ident| ident.cluster_id).or(member).unwrap_or(0);
        join(&cluster, &bridge, own_id, config.node.join_timeout.0).await?;
        pd::introduce(&self.shared, system).await?;
        pd::tell_of_members(&self.shared, &bridge, &cluster).await;
        if config.registry.kind == RegistryType::Etcd {
            let patience = config.node.join_timeout.0;
            let started = EtcdRegistry::start(system, cluster.clone(), &config.registry, patience);
            self.registry = Some(started.await?);
        }
        if config.registry.kind != RegistryType::Local {
            let cluster = cluster.clone();
            let factory = move || Membership::new(cluster.clone());
            let membership = system.spawn_root("membership", Thread::Any, factory);
            bridge.export(&membership).message::<PdMembers>();
            self.membership = Some(membership);
        }
        self.shared.products.write().cluster = Some(cluster);
        Ok(())
    }

    async fn stop(&mut self, deadline: Duration) -> anyhow::Result<()> {
        self.shared.products.write().cluster = None;
        if let Some(registry) = self.registry.take() {
            stop_actor(&registry, deadline).await?;
        }
        match self.membership.take() {
            Some(membership) => stop_actor(&membership, deadline).await,
            None => Ok(()),
        }
    }
}
