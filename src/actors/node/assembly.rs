//! Putting a node together.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use parking_lot::RwLock;

use super::data_dir::DataDir;
use super::services;
use super::sockets::Sockets;
use crate::actors::admin::LogControl;
use crate::actors::ddl::{DdlWorker, SchemaCache};
use crate::actors::kv::Client;
use crate::actors::pd::LocalPd;
use crate::actors::runtime::{ActorRef, Lifecycle, Service, System, SystemOptions};
use crate::actors::session::{ProcessList, SessionServices};
use crate::actors::store::StoreNode;
use crate::config::Config;

/// Where a node listens.
#[derive(Clone, Copy, Debug)]
pub struct Addresses {
    /// MySQL clients.
    pub mysql: SocketAddr,
    /// Operators.
    pub admin: SocketAddr,
    /// Other nodes.
    pub bridge: SocketAddr,
}

/// What one service leaves for those that start after it. A service reads only what its dependencies have set.
#[derive(Default)]
pub(super) struct Products {
    pub(super) pd: Option<LocalPd>,
    pub(super) store: Option<StoreNode>,
    pub(super) kv: Option<Client>,
    pub(super) schema: Option<Arc<SchemaCache>>,
    pub(super) ddl: Option<ActorRef<DdlWorker>>,
    pub(super) sessions: Option<Arc<SessionServices>>,
}

/// What all services share.
pub(super) struct Shared {
    pub(super) config: Config,
    pub(super) data: DataDir,
    pub(super) processes: Arc<ProcessList>,
    pub(super) products: RwLock<Products>,
}

impl Shared {
    /// A product of a service this one depends on.
    pub(super) fn product<T: Clone>(
        &self,
        name: &'static str,
        of: impl FnOnce(&Products) -> &Option<T>,
    ) -> anyhow::Result<T> {
        of(&self.products.read()).clone().with_context(|| format!("{name} is not running"))
    }
}

/// A node with all its services.
pub struct Node {
    system: System,
    services: Lifecycle,
    addresses: Addresses,
}

impl Node {
    /// Puts the services together; nothing runs yet.
    pub fn assemble(
        config: Config,
        sockets: Sockets,
        data: DataDir,
        log: Arc<dyn LogControl>,
    ) -> anyhow::Result<Node> {
        let addresses = Addresses {
            mysql: sockets.mysql.local_addr()?,
            admin: sockets.admin.local_addr()?,
            bridge: sockets.bridge.local_addr()?,
        };
        let defaults = SystemOptions::default();
        let system = System::start(SystemOptions {
            node: config.node.name.clone(),
            core_threads: match config.runtime.core_threads {
                0 => defaults.core_threads,
                threads => threads,
            },
            seed: match config.runtime.seed {
                0 => rand::random(),
                seed => seed,
            },
            unix_ms: None,
        });
        let shared = Arc::new(Shared {
            config,
            data,
            processes: Arc::default(),
            products: RwLock::default(),
        });
        let services: Vec<Box<dyn Service>> =
            services::all(&shared, sockets, log, system.clock().now());
        Ok(Node { system, services: Lifecycle::new(services)?, addresses })
    }

    /// Where it listens.
    pub fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// Starts the services, each after those it needs.
    pub async fn start(&mut self) -> anyhow::Result<()> {
        self.services.start(&self.system).await?;
        Ok(())
    }

    /// Stops them in reverse, and then whatever actors are left.
    pub async fn stop(&mut self, drain: Duration) {
        let late = self.services.stop(drain).await;
        if !late.is_empty() {
            tracing::warn!(services = ?late, "services did not stop in time");
        }
        self.system.shutdown(drain).await;
    }
}
