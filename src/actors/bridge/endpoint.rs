//! The actor `/<node>/bridge`: it hosts the gRPC server, publishes the node's health, and is the parent of the links.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use serde_json::json;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;
use tracing::error;

use super::core::BridgeCore;
use super::echo::Echo;
use super::handle::NAME;
use super::link::Link;
use super::observer::{DescribeActor, ListActors, Observer};
use super::server;
use super::tls::TlsStore;
use crate::actors::runtime::{
    Actor, Context, Handler, Health, HealthState, MailboxOptions, Overflow, ReplyTo, System, Thread,
};
use crate::message;

/// So long calls under way get when the endpoint stops.
const GRACE: Duration = Duration::from_secs(1);
/// How often the endpoint looks for peers without a link.
const LOOK_AROUND: Duration = Duration::from_secs(1);
/// Echoes, most of all.
const CAPACITY: usize = 1 << 16;

/// Sent when there is a new peer.
pub(super) struct OpenLink;
message!(OpenLink => (), "OpenLink");

/// Where other nodes come in.
#[derive(Clone)]
pub(super) struct BridgeListener {
    /// Shared by all incarnations of the actor, until the endpoint stops.
    listener: Arc<Mutex<Option<TcpListener>>>,
    addr: SocketAddr,
    tls: Option<Arc<TlsStore>>,
}

impl BridgeListener {
    pub(super) fn new(
        listener: TcpListener,
        addr: SocketAddr,
        tls: Option<Arc<TlsStore>>,
    ) -> BridgeListener {
        BridgeListener { listener: Arc::new(Mutex::new(Some(listener))), addr, tls }
    }

    pub(super) fn addr(&self) -> SocketAddr {
        self.addr
    }

    fn open(&self) -> io::Result<tokio::net::TcpListener> {
        let stopped = || io::Error::other("the endpoint has stopped");
        let listener = self.listener.lock().as_ref().ok_or_else(stopped)?.try_clone()?;
        listener.set_nonblocking(true)?;
        tokio::net::TcpListener::from_std(listener)
    }
}

/// Owns the listener and the links to other nodes.
pub struct Endpoint {
    core: Arc<BridgeCore>,
    door: Option<BridgeListener>,
    reporter: HealthReporter,
    /// Cancelled when the endpoint stops.
    stop: CancellationToken,
    server: Option<JoinHandle<()>>,
    shown: BTreeMap<String, &'static str>,
    /// The nodes there is a link to.
    linked: BTreeSet<String>,
}

impl Endpoint {
    pub(super) fn new(core: Arc<BridgeCore>, door: Option<BridgeListener>) -> Endpoint {
        Endpoint {
            core,
            door,
            reporter: HealthReporter::new(),
            stop: CancellationToken::new(),
            server: None,
            shown: BTreeMap::new(),
            linked: BTreeSet::new(),
        }
    }

    fn open_links(&mut self, ctx: &mut Context<Self>) {
        for peer in self.core.peers() {
            if self.linked.insert(peer.node.clone()) {
                let core = self.core.clone();
                // On this thread, which does nothing else: a query that keeps a core busy must not delay a heartbeat.
                ctx.child(peer.node.clone(), Thread::Same, move || {
                    Link::new(core.clone(), peer.clone())
                });
            }
        }
    }

    fn start_server(&mut self, ctx: &mut Context<Self>) {
        let Some(door) = &self.door else { return };
        match door.open() {
            Err(error) => report_failure(ctx.system(), &error),
            Ok(listener) => {
                let server = server::serve(
                    self.core.clone(),
                    listener,
                    door.tls.clone(),
                    self.reporter.clone(),
                    self.stop.clone(),
                );
                let system = ctx.system().clone();
                // Not a task of the context: it has to outlive the last message, to stop gracefully.
                self.server = Some(actix_rt::spawn(async move {
                    if let Err(error) = server.await {
                        report_failure(&system, &error);
                    }
                }));
            }
        }
    }

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
        ctx.spawn_then(publish_and_wait, |endpoint, changed, ctx| {
            if changed {
                endpoint.follow(ctx);
            }
        });
    }
}

impl Actor for Endpoint {
    const KIND: &'static str = "bridge";

    fn mailbox() -> MailboxOptions {
        MailboxOptions { capacity: CAPACITY, overflow: Overflow::Reject }
    }

    fn started(&mut self, ctx: &mut Context<Self>) {
        self.start_server(ctx);
        self.open_links(ctx);
        // In case the word of a new peer found the mailbox full.
        ctx.run_interval(LOOK_AROUND, Endpoint::open_links);
        let observer = ctx.child("observer", Thread::Any, || Observer);
        let exports = &self.core.inbound.exports;
        exports.serve::<ListActors>(observer.path(), observer.address());
        exports.serve::<DescribeActor>(observer.path(), observer.address());
        self.follow(ctx);
    }

    fn stopping(&mut self, ctx: &mut Context<Self>) {
        self.core.stop();
        if let Some(door) = &self.door {
            door.listener.lock().take();
        }
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
        json!({
            "listening_on": self.door.as_ref().map(|door| door.addr.to_string()),
            "tls": self.door.as_ref().is_some_and(|door| door.tls.is_some()),
            "health": self.shown,
            "messages_encoded": self.core.encoded(),
            "links": self.core.figures(),
        })
    }
}

impl Handler<OpenLink> for Endpoint {
    fn handle(&mut self, _: OpenLink, reply: ReplyTo<()>, ctx: &mut Context<Self>) {
        self.open_links(ctx);
        reply.send(());
    }
}

impl Handler<Echo> for Endpoint {
    fn handle(&mut self, echo: Echo, reply: ReplyTo<Bytes>, _ctx: &mut Context<Self>) {
        reply.send(echo.0);
    }
}

impl Drop for Endpoint {
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

fn report_failure(system: &System, error: &io::Error) {
    error!(%error, "the gRPC endpoint does not run");
    system.health().report(NAME, Health::new(HealthState::Unhealthy, error.to_string()));
}
