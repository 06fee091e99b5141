//! The actor that hosts the server.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;
use parking_lot::Mutex;
use serde_json::json;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use super::aside::Aside;
use super::counts::Counts;
use super::endpoints::metrics::install_metrics;
use super::server;
use super::services::AdminServices;
use crate::actors::runtime::{
    Actor, ActorRef, Context, Health, HealthState, MailboxOptions, Overflow, Thread,
};

/// The service's name on the health board, and the actor's in the tree.
const NAME: &str = "admin";
/// How often figures that are read by nobody are folded together, so that they do not pile up.
const UPKEEP: Duration = Duration::from_secs(5);
/// So many questions to others are on their way at a time.
const OTHERS_AT_ONCE: usize = 8;
/// It gets no messages yet but those of the runtime.
const CAPACITY: usize = 64;

/// What the actor and the threads of the server share.
pub(super) struct Shared {
    pub(super) services: AdminServices,
    pub(super) prometheus: PrometheusHandle,
    pub(super) counts: Counts,
    /// Where lists and figures are made.
    pub(super) lists: Arc<Aside>,
    /// Where others are asked: actors, nodes, the placement driver.
    pub(super) others: Arc<Aside>,
    /// Ours until the endpoint stops, so that a new incarnation of the actor has it too.
    pub(super) listeners: Mutex<Vec<TcpListener>>,
    /// Cancelled when the endpoint stops: ends the traces.
    pub(super) stopping: CancellationToken,
}

/// The actor `/<node>/admin`: serves the endpoints.
pub struct Admin {
    shared: Arc<Shared>,
    addr: SocketAddr,
    server: Option<JoinHandle<()>>,
}

impl Actor for Admin {
    const KIND: &'static str = "admin";

    fn mailbox() -> MailboxOptions {
        MailboxOptions { capacity: CAPACITY, overflow: Overflow::Reject }
    }

    fn started(&mut self, ctx: &mut Context<Self>) {
        match own_listeners(&self.shared.listeners) {
            Err(error) => report_failure(&self.shared, &error),
            Ok(listeners) => {
                let shared = Arc::clone(&self.shared);
                // Not a task of the context: it has to outlive the last message, to stop
                // gracefully.
                self.server = Some(actix_rt::spawn(async move {
                    if let Err(error) = server::serve(listeners, Arc::clone(&shared)).await {
                        report_failure(&shared, &error);
                    }
                }));
            }
        }
        ctx.run_interval(UPKEEP, |admin, _| admin.shared.prometheus.run_upkeep());
    }

    fn stopping(&mut self, ctx: &mut Context<Self>) {
        self.shared.stopping.cancel();
        self.shared.listeners.lock().clear();
        if let Some(server) = self.server.take() {
            ctx.wait(async move { drop(server.await) });
        }
    }

    fn observe(&self) -> serde_json::Value {
        let mut shown = self.shared.counts.show();
        shown["listening_on"] = json!(self.addr.to_string());
        shown
    }
}

impl Drop for Admin {
    /// After a panic nobody says a last word: the next incarnation needs the port.
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            server.abort();
        }
    }
}

fn own_listeners(shared: &Mutex<Vec<TcpListener>>) -> io::Result<Vec<TcpListener>> {
    let own: Vec<TcpListener> =
        shared.lock().iter().map(TcpListener::try_clone).collect::<io::Result<_>>()?;
    if own.is_empty() { Err(io::Error::other("the endpoint has stopped")) } else { Ok(own) }
}

fn report_failure(shared: &Shared, error: &io::Error) {
    error!(%error, "the admin endpoint does not run");
    let health = Health::new(HealthState::Unhealthy, error.to_string());
    shared.services.system.health().report(NAME, health);
}

/// The admin endpoint at work.
#[derive(Clone)]
pub struct AdminHandle {
    addr: SocketAddr,
    actor: ActorRef<Admin>,
}

impl AdminHandle {
    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The actor.
    pub fn actor(&self) -> &ActorRef<Admin> {
        &self.actor
    }

    /// Stops: takes no connection any more, ends the traces and waits for the answers under way, no
    /// longer than `deadline`.
    pub async fn stop(&self, deadline: Duration) {
        self.actor.stop();
        if tokio::time::timeout(deadline, self.actor.stopped()).await.is_err() {
            warn!("the admin endpoint does not stop in time, going on without it");
        }
    }
}

/// Starts the admin endpoint on bound listeners, of which the first is the one it is known by, as the actor `/<node>/admin`. Requests are
/// answered as soon as this returns, or a moment later.
///
/// Metrics go to the process-wide recorder, which is installed if there is none yet (see
/// [`install_metrics`]).
pub fn start(services: AdminServices, listeners: Vec<TcpListener>) -> io::Result<AdminHandle> {
    let missing = || io::Error::other("an endpoint listens somewhere");
    let addr = listeners.first().ok_or_else(missing)?.local_addr()?;
    let system = services.system.clone();
    let prometheus = install_metrics().map_err(io::Error::other)?;
    let shared = Arc::new(Shared {
        services,
        prometheus,
        counts: Counts::default(),
        lists: Aside::new(1),
        others: Aside::new(OTHERS_AT_ONCE),
        listeners: Mutex::new(listeners),
        stopping: CancellationToken::new(),
    });
    let actor = system.spawn_root(NAME, Thread::Dedicated, move || Admin {
        shared: Arc::clone(&shared),
        addr,
        server: None,
    });
    Ok(AdminHandle { addr, actor })
}
