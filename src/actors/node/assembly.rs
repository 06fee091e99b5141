//! Putting a node together.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use parking_lot::RwLock;
use tokio::sync::watch;
use tracing::warn;

use super::clock_watch;
use super::cluster::{Cluster, Way};
use super::data_dir::DataDir;
use super::descriptors::Descriptors;
use super::services;
use super::sockets::Sockets;
use crate::actors::admin::LogControl;
use crate::actors::bridge::Bridge;
use crate::actors::ddl::{DdlWorker, SchemaCache};
use crate::actors::gateway::own_certificate;
use crate::actors::kv::Client;
use crate::actors::pd::{LocalPd, PdClient};
use crate::actors::runtime::{ActorRef, Lifecycle, Service, System, SystemOptions};
use crate::actors::session::activity::SharedActivity;
use crate::actors::session::{Memory, ProcessList, SessionServices};
use crate::actors::stats::StatsCache;
use crate::actors::store::StoreNode;
use crate::config::{Config, MysqlConfig, Role, Roles};

/// Where a node listens.
#[derive(Clone, Copy, Debug)]
pub struct Addresses {
    /// MySQL clients, on a gateway.
    pub mysql: Option<SocketAddr>,
    /// Operators.
    pub admin: SocketAddr,
    /// Their browsers, where it is another.
    pub page: Option<SocketAddr>,
    /// Other nodes.
    pub bridge: SocketAddr,
}

/// What one service leaves for those that start after it. A service reads only what its dependencies have set.
#[derive(Default)]
pub(super) struct Products {
    pub(super) bridge: Option<Bridge>,
    pub(super) pd: Option<Arc<dyn PdClient>>,
    /// On a node with a member of the placement driver.
    pub(super) local_pd: Option<LocalPd>,
    /// Where the node announces itself.
    pub(super) way: Option<Way>,
    pub(super) cluster: Option<Arc<Cluster>>,
    pub(super) store: Option<StoreNode>,
    pub(super) kv: Option<Client>,
    pub(super) schema: Option<Arc<SchemaCache>>,
    pub(super) ddl: Option<ActorRef<DdlWorker>>,
    /// On a node that runs statements.
    pub(super) stats: Option<Arc<StatsCache>>,
    pub(super) sessions: Option<Arc<SessionServices>>,
}

/// What all services share.
pub(super) struct Shared {
    pub(super) config: Config,
    pub(super) roles: Roles,
    /// Where other nodes reach this one.
    pub(super) address: String,
    /// Where its admin endpoint listens.
    pub(super) admin: SocketAddr,
    /// What each listener may have.
    pub(super) descriptors: Descriptors,
    /// So many MySQL clients, those that have not logged in yet among them.
    pub(super) mysql_sockets: usize,
    /// What sessions hold, and what arrives for them.
    pub(super) memory: Arc<Memory>,
    pub(super) data: DataDir,
    pub(super) processes: Arc<ProcessList>,
    pub(super) activity: SharedActivity,
    pub(super) products: RwLock<Products>,
}

impl Shared {
    pub(super) fn has(&self, role: Role) -> bool {
        self.roles.has(role)
    }

    /// A product of a service this one depends on.
    pub(super) fn product<T: Clone>(
        &self,
        name: &'static str,
        of: impl FnOnce(&Products) -> &Option<T>,
    ) -> anyhow::Result<T> {
        of(&self.products.read()).clone().with_context(|| format!("{name} is not running"))
    }
}

/// So long what has started gets to stop, when an actor has failed for good before the node serves.
const FAILED_START_DRAIN: Duration = Duration::from_secs(2);

/// A failure that nobody could bear. While the node starts it is the reason why it does not; once it serves, the
/// process aborts on the spot: it must not go on with doubtful state, nor tidy up with it.
struct Guard {
    serving: watch::Sender<bool>,
    failure: watch::Sender<Option<String>>,
}

impl Guard {
    fn set(system: &System) -> Arc<Guard> {
        let guard = Arc::new(Guard {
            serving: watch::Sender::new(false),
            failure: watch::Sender::new(None),
        });
        let hook = Arc::clone(&guard);
        system.set_abort_hook(move |_, reason| {
            if *hook.serving.borrow() {
                std::process::abort();
            }
            hook.failure.send_replace(Some(reason.to_owned()));
        });
        guard
    }

    /// Resolves with the first failure, if there is one.
    async fn failed(&self) -> String {
        let mut failure = self.failure.subscribe();
        let failed = failure.wait_for(Option::is_some).await;
        failed
            .ok()
            .and_then(|reason| reason.clone())
            .expect("the sender is ours, and waited for it")
    }
}

/// Without a certificate of the operator's clients get one that the node has made for itself; should that fail, TLS is off.
fn settle_certificate(config: &mut MysqlConfig, data_dir: &Path) {
    if !config.auto_generate_certs || !config.tls_cert.as_os_str().is_empty() {
        return;
    }
    match own_certificate(data_dir) {
        Ok((cert, key)) => (config.tls_cert, config.tls_key) = (cert, key),
        Err(error) => {
            let error = format!("{error:#}");
            warn!(error, "cannot make a certificate for clients: they cannot use TLS");
        }
    }
}

/// A node with all its services.
pub struct Node {
    system: System,
    services: Lifecycle,
    addresses: Addresses,
    guard: Arc<Guard>,
}

impl Node {
    /// Puts the services together; nothing runs yet.
    pub fn assemble(
        mut config: Config,
        sockets: Sockets,
        data: DataDir,
        log: Arc<dyn LogControl>,
    ) -> anyhow::Result<Node> {
        let descriptors = Descriptors::of_process();
        let mysql_sockets = descriptors.fit(&mut config);
        if sockets.mysql.is_some() {
            settle_certificate(&mut config.mysql, &config.node.data_dir);
        }
        let addresses = Addresses {
            mysql: sockets.mysql.as_ref().map(|socket| socket.local_addr()).transpose()?,
            admin: sockets.admin.local_addr()?,
            page: sockets.page.as_ref().map(|socket| socket.local_addr()).transpose()?,
            bridge: sockets.bridge.local_addr()?,
        };
        let defaults = SystemOptions::default();
        let system = System::start(SystemOptions {
            node: config.node.name_at(addresses.bridge),
            core_threads: match config.runtime.core_threads {
                0 => defaults.core_threads,
                threads => threads,
            },
            compute_threads: match config.runtime.compute_threads {
                0 => defaults.compute_threads,
                threads => threads,
            },
            seed: match config.runtime.seed {
                0 => rand::random(),
                seed => seed,
            },
            unix_ms: None,
        });
        let guard = Guard::set(&system);
        let memory = Memory::node(config.sql.sessions_memory.0 as usize);
        let shared = Arc::new(Shared {
            roles: config.node.roles(),
            address: config.node.address_at(addresses.bridge),
            admin: addresses.admin,
            config,
            descriptors,
            mysql_sockets,
            memory,
            data,
            processes: Arc::default(),
            activity: SharedActivity::default(),
            products: RwLock::default(),
        });
        let services: Vec<Box<dyn Service>> =
            services::all(&shared, sockets, log, system.clock().now());
        Ok(Node { system, services: Lifecycle::new(services)?, addresses, guard })
    }

    /// Where it listens.
    pub fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// Starts the services, each after those it needs. On an error whatever had started has been stopped.
    pub async fn start(&mut self) -> anyhow::Result<()> {
        let guard = Arc::clone(&self.guard);
        let outcome = tokio::select! {
            biased;
            reason = guard.failed() => Err(anyhow!(reason)),
            started = self.services.start(&self.system) => started.map_err(anyhow::Error::from),
        };
        guard.serving.send_replace(true);
        if outcome.is_ok() {
            tokio::task::spawn_local(clock_watch::watch(self.system.clock().clone()));
        }
        // One that came with the last step, or made a service fail: it is the better reason.
        let failure = guard.failure.borrow().clone();
        let outcome = match failure {
            Some(reason) => Err(anyhow!("the node does not start: {reason}")),
            None => outcome,
        };
        if outcome.is_err() {
            guard.serving.send_replace(false);
            self.stop(FAILED_START_DRAIN).await;
        }
        outcome
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
