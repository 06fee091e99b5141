//! The actor that hosts the server.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::json;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};
use tracing::{error, warn};

use crate::actors::runtime::{
    Actor, ActorRef, Context, Health, HealthState, MailboxOptions, Overflow, System, Thread,
};

/// The service's name on the health board, and the actor's in the tree.
const NAME: &str = "bridge";
/// So long calls under way get when the endpoint stops.
const GRACE: Duration = Duration::from_secs(1);
/// It gets no messages yet but those of the runtime.
const CAPACITY: usize = 64;
/// Health is small: more streams than this a connection is a client gone wrong.
const STREAMS_MAX: u32 = 128;

/// The actor `/<node>/bridge`.
pub struct Bridge {
    /// Shared with the incarnations to come, until the endpoint stops.
    listener: Arc<Mutex<Option<TcpListener>>>,
    addr: SocketAddr,
    reporter: HealthReporter,
    /// Cancelled when the endpoint stops.
    stop: CancellationToken,
    server: Option<JoinHandle<()>>,
    shown: BTreeMap<String, &'static str>,
}

impl Actor for Bridge {
    const KIND: &'static str = "bridge";

    fn mailbox() -> MailboxOptions {
        MailboxOptions { capacity: CAPACITY, overflow: Overflow::Reject }
    }

    fn started(&mut self, ctx: &mut Context<Self>) {
        match listen(&self.listener) {
            Err(error) => report_failure(ctx.system(), &error),
            Ok(incoming) => {
                let server = serve(incoming, self.reporter.clone(), self.stop.clone());
                let system = ctx.system().clone();
                // Not a task of the context: it has to outlive the last message, to stop
                // gracefully.
                self.server = Some(actix_rt::spawn(async move {
                    if let Err(error) = server.await {
                        report_failure(&system, &error);
                    }
                }));
            }
        }
        self.follow(ctx);
    }

    fn stopping(&mut self, ctx: &mut Context<Self>) {
        self.listener.lock().take();
        let (reporter, stop, server) =
            (self.reporter.clone(), self.stop.clone(), self.server.take());
        let services: BTreeSet<String> = std::mem::take(&mut self.shown).into_keys().collect();
        ctx.wait(async move {
            for service in services {
                reporter.set_service_status(service, ServingStatus::NotServing).await;
            }
            stop.cancel();
            let Some(mut server) = server else { return };
            // Somebody who watches never ends his call; he is cut off.
            if timeout(GRACE, &mut server).await.is_err() {
                server.abort();
                let _ = server.await;
            }
        });
    }

    fn observe(&self) -> serde_json::Value {
        json!({ "listening_on": self.addr.to_string(), "health": self.shown })
    }
}

impl Bridge {
    /// Publishes the health board, and again after its next change.
    fn follow(&mut self, ctx: &mut Context<Self>) {
        let mut node = ctx.system().health().watch();
        let system = ctx.system().clone();
        // The mark is set before the board is read, so that no change falls in between.
        let overall = node.borrow_and_update().clone();
        let mut statuses: BTreeMap<String, ServingStatus> = system
            .health()
            .services()
            .into_iter()
            .map(|(service, health)| (service, serving(&health)))
            .collect();
        statuses.insert(String::new(), serving(&overall));
        self.shown =
            statuses.iter().map(|(service, status)| (service.clone(), name(*status))).collect();
        let reporter = self.reporter.clone();
        let publish_and_wait = async move {
            for (service, status) in statuses {
                reporter.set_service_status(service, status).await;
            }
            node.changed().await.is_ok()
        };
        ctx.spawn_then(publish_and_wait, |bridge, changed, ctx| {
            if changed {
                bridge.follow(ctx);
            }
        });
    }
}

impl Drop for Bridge {
    /// After a panic nobody says a last word: the next incarnation needs the port.
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            server.abort();
        }
    }
}

fn serving(health: &Health) -> ServingStatus {
    match health.state {
        HealthState::Healthy | HealthState::Degraded => ServingStatus::Serving,
        HealthState::Starting | HealthState::Unhealthy | HealthState::Stopped => {
            ServingStatus::NotServing
        }
    }
}

fn name(status: ServingStatus) -> &'static str {
    match status {
        ServingStatus::Serving => "serving",
        ServingStatus::NotServing => "not serving",
        ServingStatus::Unknown => "unknown",
    }
}

fn listen(shared: &Mutex<Option<TcpListener>>) -> io::Result<TcpIncoming> {
    let stopped = || io::Error::other("the endpoint has stopped");
    let listener = shared.lock().as_ref().ok_or_else(stopped)?.try_clone()?;
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    Ok(TcpIncoming::from(listener).with_nodelay(Some(true)))
}

async fn serve(
    incoming: TcpIncoming,
    reporter: HealthReporter,
    stop: CancellationToken,
) -> io::Result<()> {
    let health = HealthServer::new(HealthService::from_health_reporter(reporter));
    Server::builder()
        .max_concurrent_streams(STREAMS_MAX)
        .add_service(health)
        .serve_with_incoming_shutdown(incoming, stop.cancelled_owned())
        .await
        .map_err(io::Error::other)
}

fn report_failure(system: &System, error: &io::Error) {
    error!(%error, "the gRPC endpoint does not run");
    system.health().report(NAME, Health::new(HealthState::Unhealthy, error.to_string()));
}

/// The gRPC endpoint at work.
#[derive(Clone)]
pub struct BridgeHandle {
    addr: SocketAddr,
    actor: ActorRef<Bridge>,
}

impl BridgeHandle {
    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The actor.
    pub fn actor(&self) -> &ActorRef<Bridge> {
        &self.actor
    }

    /// Stops: says `NOT_SERVING`, takes no connection any more and waits for the calls under way,
    /// no longer than `deadline`.
    pub async fn stop(&self, deadline: Duration) {
        self.actor.stop();
        if timeout(deadline, self.actor.stopped()).await.is_err() {
            warn!("the gRPC endpoint does not stop in time, going on without it");
        }
    }
}

/// Starts the gRPC endpoint on a bound listener, as the actor `/<node>/bridge`.
pub fn start(system: &System, listener: TcpListener) -> io::Result<BridgeHandle> {
    let addr = listener.local_addr()?;
    let listener = Arc::new(Mutex::new(Some(listener)));
    let actor = system.spawn_root(NAME, Thread::Dedicated, move || Bridge {
        listener: Arc::clone(&listener),
        addr,
        reporter: HealthReporter::new(),
        stop: CancellationToken::new(),
        server: None,
        shown: BTreeMap::new(),
    });
    Ok(BridgeHandle { addr, actor })
}
