//! The actor that keeps the node's lease in etcd, and has the runtime's registry follow what is there.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use tonic::Streaming;
use tracing::{info, warn};

use super::access::Access;
use super::client::{Client, Error, Lease};
use super::directory::{Change, Directory};
use super::proto::WatchResponse;
use super::proto::event::EventType;
use super::record::{Keys, Record};
use crate::actors::node::cluster::{Cluster, patiently};
use crate::actors::runtime::{
    Actor, ActorPath, ActorRef, Context, Health, HealthState, MailboxOptions, Overflow, System,
    Thread,
};
use crate::config::RegistryConfig;

/// The name of the actor, and of what it says on the health board.
const NAME: &str = "registry";
/// How often it is looked whether the node has something new to say.
const BEAT: Duration = Duration::from_secs(1);
/// An etcd that has not answered for so long may not be there at all.
const AWAY_AFTER: Duration = Duration::from_secs(5);
/// How long a connection may take that only shows whether it is.
const KNOCK: Duration = Duration::from_secs(1);
/// The pause before the next member is tried.
const PAUSE: Duration = Duration::from_millis(300);
/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_millis(500);
/// A lease is kept alive this many times before it would end.
const BEATS_A_LEASE: u32 = 3;

struct Shared {
    system: System,
    cluster: Arc<Cluster>,
    endpoints: Vec<String>,
    access: Access,
    lease: Duration,
    keys: Keys,
    seen: Mutex<Seen>,
    /// Why etcd does not answer; empty: it does.
    trouble: watch::Sender<String>,
}

/// Kept over connections and over restarts of the actor.
#[derive(Default)]
struct Seen {
    endpoint: String,
    lease: Option<Lease>,
    directory: Directory,
    connections: u64,
}

/// The actor `/<node>/registry`: keeps the key of its node in etcd, and follows those of the others.
pub(in crate::actors::node) struct EtcdRegistry {
    shared: Arc<Shared>,
}

impl EtcdRegistry {
    /// Starts it, and waits until the node is in etcd and knows who else is. If no etcd is there it does not wait for long: the placement driver
    /// tells who is there as well, and the node is registered as soon as etcd answers.
    pub(in crate::actors::node) async fn start(
        system: &System,
        cluster: Arc<Cluster>,
        config: &RegistryConfig,
        patience: Duration,
    ) -> anyhow::Result<ActorRef<EtcdRegistry>> {
        let endpoints: Vec<String> = config.etcd_members().map(str::to_owned).collect();
        let what = format!("etcd at {}", endpoints.join(", "));
        let shared = Arc::new(Shared {
            system: system.clone(),
            keys: Keys::new(&config.prefix, cluster.id()),
            cluster,
            endpoints: endpoints.clone(),
            access: Access::new(config),
            lease: config.lease.0,
            seen: Mutex::default(),
            trouble: watch::Sender::new("it was not asked yet".to_owned()),
        });
        let trouble = shared.trouble.subscribe();
        let factory = move || EtcdRegistry { shared: shared.clone() };
        let actor = system.spawn_root(NAME, Thread::Any, factory);
        let attempt = || async {
            let reason = trouble.borrow().clone();
            Ok(if reason.is_empty() { Ok(()) } else { Err(reason) })
        };
        if patiently(&what, patience.min(AWAY_AFTER), attempt).await.is_ok() {
            return Ok(actor);
        }
        if !is_there(&endpoints).await {
            warn!("{what} is not there: going on with the placement driver's list of nodes");
            return Ok(actor);
        }
        match patiently(&what, patience.saturating_sub(AWAY_AFTER), attempt).await {
            Ok(()) => Ok(actor),
            Err(error) => {
                actor.stop();
                Err(error)
            }
        }
    }
}

/// Whether anybody listens at any of these addresses.
async fn is_there(endpoints: &[String]) -> bool {
    let open = endpoints.iter().map(|endpoint| async move {
        let address = endpoint.split_once("://").map_or(endpoint.as_str(), |(_, address)| address);
        let opened = timeout(KNOCK, TcpStream::connect(address)).await;
        opened.is_ok_and(|opened| opened.is_ok())
    });
    futures::future::join_all(open).await.contains(&true)
}

impl Actor for EtcdRegistry {
    const KIND: &'static str = "etcd-registry";

    fn mailbox() -> MailboxOptions {
        // It gets no messages but those of the runtime.
        MailboxOptions { capacity: 1, overflow: Overflow::Reject }
    }

    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.spawn(self.shared.clone().run());
    }

    fn stopping(&mut self, ctx: &mut Context<Self>) {
        let shared = self.shared.clone();
        ctx.wait(async move {
            // Without an answer the key goes when the lease ends.
            let _ = timeout(GOODBYE, shared.leave()).await;
        });
    }

    fn observe(&self) -> Value {
        let seen = self.shared.seen.lock();
        json!({
            "endpoint": seen.endpoint,
            "connections": seen.connections,
            "prefix": self.shared.keys.first(),
            "lease_seconds": seen.lease.map(|lease| lease.ttl.as_secs()),
            "nodes": seen.directory.nodes.values().collect::<Vec<_>>(),
            "trouble": *self.shared.trouble.borrow(),
        })
    }
}

impl Shared {
    /// One connection after the other, to the members in turn.
    async fn run(self: Arc<Self>) {
        for endpoint in self.endpoints.iter().cycle() {
            let Err(error) = self.follow(endpoint).await;
            self.report(&format!("{endpoint}: {error}"));
            sleep(PAUSE).await;
        }
    }

    /// Has the node in etcd, and the registry follow what is there, until the connection breaks.
    async fn follow(&self, endpoint: &str) -> Result<Infallible, Error> {
        let mut client = Client::connect(endpoint, &self.access).await?;
        let mut written = None;
        let mut kept = Instant::now();
        let mut lease = self.lease(&mut client).await?;
        self.write(&mut client, lease, &mut written).await?;
        let mut changes = self.look(&mut client).await?;
        endpoint.clone_into(&mut self.seen.lock().endpoint);
        self.report("");
        let mut beats = interval(BEAT);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                change = changes.message() => match change? {
                    Some(response) if response.canceled => {
                        // It does not have all that happened since any more; what is there it can tell.
                        changes = self.look(&mut client).await?;
                    }
                    Some(response) => self.take_in(&response),
                    None => return Err(Error::Unreachable("it has closed the stream".to_owned())),
                },
                _ = beats.tick() => {
                    if kept.elapsed() >= lease.ttl / BEATS_A_LEASE {
                        kept = Instant::now();
                        let before = lease.id;
                        lease = self.lease(&mut client).await?;
                        if lease.id != before {
                            written = None;
                        }
                    }
                    self.write(&mut client, lease, &mut written).await?;
                }
            }
        }
    }

    /// The node's lease, begun anew: the one it has, or if that has ended another one.
    async fn lease(&self, client: &mut Client) -> Result<Lease, Error> {
        let held = self.seen.lock().lease;
        let kept = match held {
            Some(held) => client.keep_alive(held.id).await?,
            None => None,
        };
        let lease = match kept {
            Some(lease) => lease,
            None => client.grant(self.lease).await?,
        };
        self.seen.lock().lease = Some(lease);
        Ok(lease)
    }

    /// Writes the node's key, if there is something new.
    async fn write(
        &self,
        client: &mut Client,
        lease: Lease,
        written: &mut Option<Record>,
    ) -> Result<(), Error> {
        let record = Record::from(self.cluster.own_record());
        if written.as_ref() != Some(&record) {
            client.put(&self.keys.of(&record.name), record.to_value(), lease.id).await?;
            *written = Some(record);
        }
        Ok(())
    }

    /// Reads all keys, and goes on with what changes from there.
    async fn look(&self, client: &mut Client) -> Result<Streaming<WatchResponse>, Error> {
        let (first, end) = (self.keys.first(), self.keys.end());
        let keys = client.range(first, &end).await?;
        let records = keys.kvs.iter().filter_map(|kv| self.record(&kv.key, &kv.value));
        self.replace(Directory::new(records));
        client.watch(first, &end, keys.revision + 1).await
    }

    fn record(&self, key: &[u8], value: &[u8]) -> Option<Record> {
        let read = Record::read(&self.keys, key, value);
        read.inspect_err(|error| {
            let key = String::from_utf8_lossy(key);
            warn!(%error, %key, "a key in etcd does not describe a node");
        })
        .ok()
    }

    fn take_in(&self, response: &WatchResponse) {
        let mut directory = self.seen.lock().directory.clone();
        for event in &response.events {
            let Some(kv) = &event.kv else { continue };
            let Some(name) = self.keys.name(&kv.key) else { continue };
            directory.nodes.remove(name);
            if event.r#type() == EventType::Put
                && let Some(record) = self.record(&kv.key, &kv.value)
            {
                directory.nodes.insert(name.to_owned(), record);
            }
        }
        self.replace(directory);
    }

    fn replace(&self, directory: Directory) {
        let mut seen = self.seen.lock();
        let registry = self.system.registry();
        for change in directory.changes_since(&seen.directory, self.system.node()) {
            match change {
                Change::Node { name, address } => registry.announce_node(&name, address),
                Change::Service { path, node } => registry.announce(ActorPath::new(&path), node),
                Change::ServiceGone { path, node } => {
                    let path = ActorPath::new(&path);
                    if registry.resolve(&path) == Some(node) {
                        registry.withdraw(&path);
                    }
                }
                Change::Gone(name) => registry.withdraw_node(&name),
            }
        }
        seen.directory = directory;
    }

    /// Etcd answers again (`trouble` is empty), or does not.
    fn report(&self, trouble: &str) {
        let before = self.trouble.send_replace(trouble.to_owned());
        let health = match trouble.is_empty() {
            true => Health::healthy(),
            false => Health::new(HealthState::Degraded, format!("etcd does not answer: {trouble}")),
        };
        self.system.health().report(NAME, health);
        if trouble.is_empty() {
            self.cluster.leave_registry();
            let mut seen = self.seen.lock();
            seen.connections += 1;
            info!(endpoint = seen.endpoint, "the node is registered in etcd");
        } else if before.is_empty() {
            warn!(trouble, "etcd does not answer, going on with what was known");
        }
    }

    /// Takes the node's key away.
    async fn leave(&self) -> Result<(), Error> {
        let (endpoint, lease) = {
            let seen = self.seen.lock();
            (seen.endpoint.clone(), seen.lease)
        };
        match lease {
            Some(lease) => Client::connect(&endpoint, &self.access).await?.revoke(lease.id).await,
            None => Ok(()),
        }
    }
}
