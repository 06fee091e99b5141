//! The schema of a cluster with several SQL nodes: nobody is ever more than one state behind.
//!
//! Whoever runs a schema change asks every other node, before each step and at the end, to load the newest schema and
//! to wait for its transactions that use the tables as they were. A node that cannot be asked is waited for until its lease
//! has ended. By then it has found out by the same lease that it must not commit by what it knows, as it counts from
//! before its announcement, and the placement driver from after it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::{BoxFuture, join_all};
use tokio::time::sleep;
use tracing::{debug, warn};

use super::Cluster;
use crate::actors::bridge::{Bridge, WireError, Wired};
use crate::actors::ddl::{LocalSync, SchemaCache, SchemaSync};
use crate::actors::kv::Client;
use crate::actors::pd::{Ownership, PdOwnership};
use crate::actors::runtime::{
    Actor, ActorPath, ActorRef, Context, Handler, MailboxOptions, Overflow, ReplyTo, System, Thread,
};
use crate::message;
use crate::storage::proto::pd_call::{SchemaSynced, SyncSchema as Wire};

/// How long a node waits for its transactions before it answers that they are still there.
const PATIENCE: Duration = Duration::from_millis(500);
/// How long another node's answer is waited for, beyond that.
const DEADLINE: Duration = Duration::from_secs(5);
/// The pause before a node that gave no answer is asked again.
const PAUSE: Duration = Duration::from_millis(200);

/// Load the newest schema, and wait for those who use these tables as they were.
#[derive(Clone, Debug)]
pub struct SyncSchema {
    /// The tables that are about to change.
    pub tables: Vec<i64>,
}
message!(SyncSchema => SchemaUse, "SyncSchema");

/// What a node says to that.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SchemaUse {
    /// It has the newest schema.
    pub loaded: bool,
    /// The connections whose transactions use the tables as they were. If there are none, nobody there will any more.
    pub connections: Vec<u32>,
}

impl Wired for SyncSchema {
    type Wire = Wire;
    type WireReply = SchemaSynced;

    fn into_wire(self) -> Wire {
        Wire { tables: self.tables }
    }

    fn from_wire(wire: Wire) -> Result<SyncSchema, WireError> {
        Ok(SyncSchema { tables: wire.tables })
    }

    fn reply_to_wire(SchemaUse { loaded, connections }: SchemaUse) -> SchemaSynced {
        SchemaSynced { loaded, connections }
    }

    fn reply_from_wire(wire: SchemaSynced) -> Result<SchemaUse, WireError> {
        Ok(SchemaUse { loaded: wire.loaded, connections: wire.connections })
    }
}

/// Where a node is asked to load the schema.
fn schema_path(node: &str) -> ActorPath {
    ActorPath::node_root(node).child("schema")
}

/// The actor `/<node>/schema`: loads the schema when it is told to.
pub(in crate::actors::node) struct SchemaDoor {
    client: Client,
    cache: Arc<SchemaCache>,
}

impl SchemaDoor {
    /// Starts it, and lets other nodes ask.
    pub(in crate::actors::node) fn start(
        system: &System,
        bridge: &Bridge,
        client: Client,
        cache: Arc<SchemaCache>,
    ) -> ActorRef<SchemaDoor> {
        let factory = move || SchemaDoor { client: client.clone(), cache: cache.clone() };
        let door = system.spawn_root("schema", Thread::Any, factory);
        bridge.export(&door).message::<SyncSchema>();
        door
    }
}

impl Actor for SchemaDoor {
    const KIND: &'static str = "schema-door";

    fn mailbox() -> MailboxOptions {
        MailboxOptions { capacity: 64, overflow: Overflow::Reject }
    }
}

/// Interleaves: several changes may wait for their tables.
impl Handler<SyncSchema> for SchemaDoor {
    fn handle(&mut self, message: SyncSchema, reply: ReplyTo<SchemaUse>, ctx: &mut Context<Self>) {
        let (client, cache) = (self.client.clone(), self.cache.clone());
        ctx.spawn(async move {
            reply.send(match cache.refresh(&client).await {
                Ok(()) => SchemaUse {
                    loaded: true,
                    connections: cache.wait_drained(&message.tables, PATIENCE).await,
                },
                Err(error) => {
                    debug!(%error, "failed to load the schema");
                    SchemaUse::default()
                }
            });
        });
    }
}

/// Waits for the users of the schema on all nodes.
pub(in crate::actors::node) struct ClusterSync {
    pub(in crate::actors::node) local: LocalSync,
    pub(in crate::actors::node) cluster: Arc<Cluster>,
    pub(in crate::actors::node) bridge: Bridge,
}

impl ClusterSync {
    /// Returns when the node has the newest schema, or is gone, with the connections whose transactions use the tables as they were.
    async fn wait_for(&self, node: &str, tables: &[i64]) -> Vec<u32> {
        let address = self.bridge.address::<SyncSchema>(schema_path(node));
        while self.cluster.has_schema_users(node) {
            let asked = address.ask(SyncSchema { tables: tables.to_vec() }, PATIENCE + DEADLINE);
            match asked.await {
                Ok(SchemaUse { loaded: true, connections }) => return connections,
                Ok(_) => debug!(node, "a node could not load the schema"),
                Err(error) => debug!(node, %error, "a node does not say that it has the schema"),
            }
            sleep(PAUSE).await;
        }
        Vec::new()
    }
}

#[async_trait]
impl SchemaSync for ClusterSync {
    async fn wait(&self, tables: &[i64], bound: Duration) -> Vec<u32> {
        // One that joins after this loads the schema as it is by now.
        while let Err(error) = self.cluster.hear_all(DEADLINE).await {
            warn!(%error, "a schema change waits to hear which nodes there are");
            sleep(PAUSE).await;
        }
        let nodes = self.cluster.other_schema_users();
        let others = nodes.iter().map(|node| self.wait_for(node, tables));
        let here = self.local.wait(tables, bound);
        let (mut connections, others) = futures::join!(here, join_all(others));
        connections.extend(others.into_iter().flatten());
        connections.sort_unstable();
        connections
    }
}

/// Schema changes are run by one of the nodes with role `ddl`; others put them into the queue and wait.
pub(in crate::actors::node) struct ClusterOwnership {
    /// `None`: this node runs none.
    pub(in crate::actors::node) lease: Option<PdOwnership>,
    pub(in crate::actors::node) cluster: Arc<Cluster>,
}

#[async_trait]
impl Ownership for ClusterOwnership {
    async fn acquire(&self) -> bool {
        match &self.lease {
            Some(lease) => lease.acquire().await,
            None => false,
        }
    }

    fn looks_around(&self) -> bool {
        self.lease.is_some() && !self.cluster.is_alone()
    }
}

/// Something to be read again and again as long as there are other nodes that may change it.
pub(in crate::actors::node) struct Refresher {
    pub(in crate::actors::node) cluster: Arc<Cluster>,
    pub(in crate::actors::node) every: Duration,
    pub(in crate::actors::node) read: Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>,
    pub(in crate::actors::node) reading: bool,
}

impl Actor for Refresher {
    const KIND: &'static str = "refresher";

    fn mailbox() -> MailboxOptions {
        // It gets no messages but those of the runtime.
        MailboxOptions { capacity: 1, overflow: Overflow::Reject }
    }

    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.run_interval(self.every, |refresher, ctx| {
            if refresher.cluster.is_alone() || std::mem::replace(&mut refresher.reading, true) {
                return;
            }
            ctx.spawn_then((refresher.read)(), |refresher, (), _| refresher.reading = false);
        });
    }
}
