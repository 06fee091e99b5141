//! The node as a member of its cluster: who else is there, and that this one is.
//!
//! A node announces itself to the placement driver, again and again, with a lease: its name, where its bridge is reached,
//! its roles, its version, its health, and the services to be found on it (`/store/7`). The answer is all who are there;
//! the runtime's registry follows it, and so do the bridge's addresses. A node that is not heard of until its lease ends is
//! gone for all others; it finds out itself by the same lease.

mod join;
mod membership;
mod schema;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio::time::Instant;

pub(super) use join::{join, patiently};
pub(super) use membership::{Membership, membership_path};
pub use schema::SyncSchema;
pub(super) use schema::{ClusterOwnership, ClusterSync, Refresher, SchemaDoor};

use crate::actors::pd::{AnnounceNode, PdError, PdResult, RemotePd};
use crate::actors::runtime::{ActorPath, Address, System};
use crate::storage::proto::pd_call::{Announce, Members, Node};

/// How long the placement driver may take to say who is there to a statement that lists them.
const HEAR_TIMEOUT: Duration = Duration::from_secs(1);

/// What this node says of itself, and what it knows of the others. Shared by the services of a node.
pub(super) struct Cluster {
    system: System,
    way: Way,
    lease: Duration,
    template: Node,
    cluster_id: Mutex<u64>,
    services: Mutex<BTreeSet<String>>,
    members: ArcSwap<Members>,
    /// When the last announcement that was taken in began.
    announced: Mutex<Option<Instant>>,
    /// How often the lease was lost and won again.
    lapses: AtomicU64,
    /// When the announcement began that was answered with `members`.
    heard: Mutex<Option<Instant>>,
    /// Another service tells the registry where nodes are.
    is_registry_elsewhere: AtomicBool,
}

/// To the placement driver.
#[derive(Clone)]
pub(super) enum Way {
    /// That of this process, which is all there is.
    Here(Address<AnnounceNode>),
    /// Those of others.
    Away(RemotePd),
}

impl Cluster {
    pub(super) fn new(system: System, way: Way, lease: Duration, template: Node) -> Arc<Cluster> {
        Arc::new(Cluster {
            system,
            way,
            lease,
            template,
            cluster_id: Mutex::new(0),
            services: Mutex::default(),
            members: ArcSwap::from_pointee(Members::default()),
            announced: Mutex::default(),
            lapses: AtomicU64::new(0),
            heard: Mutex::default(),
            is_registry_elsewhere: AtomicBool::new(false),
        })
    }

    /// From now on the registry does not follow the list of the placement driver: somebody else tells it where nodes are.
    pub(super) fn leave_registry(&self) {
        self.is_registry_elsewhere.store(true, Ordering::Relaxed);
    }

    /// What this node says of itself.
    pub(super) fn own_record(&self) -> Node {
        Node {
            services: self.services.lock().iter().cloned().collect(),
            health: format!("{:?}", self.system.health().aggregate().state).to_lowercase(),
            ..self.template.clone()
        }
    }

    /// From now on a service is found on this node: here at once, elsewhere with the next announcement.
    pub(super) fn serve(&self, path: &ActorPath) {
        self.services.lock().insert(path.to_string());
        self.system.registry().announce(path.clone(), self.template.name.clone());
    }

    /// The id of the cluster; 0: not known yet.
    pub(super) fn id(&self) -> u64 {
        *self.cluster_id.lock()
    }

    /// Whether the placement driver is in this process and there is no other: that can be said of one node at most.
    pub(super) fn has_only_pd(&self) -> bool {
        matches!(self.way, Way::Here(_))
    }

    /// Whether no other node is there.
    pub(super) fn is_alone(&self) -> bool {
        let me = &self.template.name;
        self.members.load().nodes.iter().all(|node| node.name == *me)
    }

    /// Which lease it is, if the others take this node for there, as it counts itself: one that was lost and won again is another. A node
    /// with the placement driver of its own process is there as long as that is.
    pub(super) fn lease(&self) -> Option<u64> {
        match self.way {
            Way::Here(_) => Some(0),
            Way::Away(_) => {
                let announced = self.announced.lock();
                let is_held = announced.is_some_and(|announced| announced.elapsed() < self.lease);
                is_held.then(|| self.lapses.load(Ordering::Relaxed))
            }
        }
    }

    /// An announcement that began then was taken in.
    fn is_announced(&self, began: Instant) {
        let mut announced = self.announced.lock();
        if announced.is_some_and(|before| before.elapsed() >= self.lease) {
            self.lapses.fetch_add(1, Ordering::Relaxed);
        }
        *announced = Some(began);
    }

    /// The nodes that run statements now, by name; those known from before if the placement driver does not say.
    pub(super) async fn sql_nodes_now(&self) -> Vec<String> {
        if let Err(error) = self.hear_all(HEAR_TIMEOUT).await {
            tracing::debug!(%error, "failed to hear who is there");
        }
        self.sql_nodes()
    }

    /// The nodes that run statements, by name.
    pub(super) fn sql_nodes(&self) -> Vec<String> {
        let members = self.members.load();
        let runs = |node: &&Node| node.roles.iter().any(|role| role == "all" || role == "sql");
        members.nodes.iter().filter(runs).map(|node| node.name.clone()).collect()
    }

    /// The other nodes, by name.
    pub(super) fn others(&self) -> Vec<String> {
        let members = self.members.load();
        let names = members.nodes.iter().map(|node| node.name.clone());
        names.filter(|name| *name != self.template.name).collect()
    }

    /// The other nodes that work with the schema, by name.
    fn other_schema_users(&self) -> Vec<String> {
        let members = self.members.load();
        let me = &self.template.name;
        let others = members.nodes.iter().filter(|node| node.name != *me && uses_schema(node));
        others.map(|node| node.name.clone()).collect()
    }

    fn has_schema_users(&self, name: &str) -> bool {
        self.members.load().nodes.iter().any(|node| node.name == name && uses_schema(node))
    }

    /// Tells once that this node is there, or goes; takes in who else is there, unless it is refused.
    async fn announce(&self, is_going: bool, timeout: Duration) -> PdResult<Members> {
        let began = Instant::now();
        let members = self.ask(is_going, timeout).await?;
        if members.refused.is_empty() {
            self.is_announced(began);
            if !is_going {
                self.take_in(began, members.clone());
            }
        }
        Ok(members)
    }

    /// Hears who is there now, for those who must not miss one that has come since the last beat.
    async fn hear_all(&self, timeout: Duration) -> PdResult<()> {
        let members = self.announce(false, timeout).await?;
        match members.refused.is_empty() {
            true => Ok(()),
            false => Err(PdError::Refused(members.refused)),
        }
    }

    async fn ask(&self, is_going: bool, timeout: Duration) -> PdResult<Members> {
        let lease = u64::try_from(self.lease.as_millis()).unwrap_or(u64::MAX);
        let ttl_ms = if is_going { 0 } else { lease };
        let announce = Announce { node: Some(self.own_record()), ttl_ms, cluster_id: self.id() };
        match &self.way {
            Way::Away(pd) => pd.announce(announce, timeout).await,
            Way::Here(service) => {
                let asked = service.ask(AnnounceNode(announce), timeout).await;
                match asked.map_err(|error| PdError::Unavailable(error.to_string()))? {
                    Members { not_leader: true, .. } => Err(PdError::NotLeader { leader: None }),
                    members => Ok(members),
                }
            }
        }
    }

    /// Takes in who is there, as an announcement that `began` then was answered, and has the registry follow.
    fn take_in(&self, began: Instant, members: Members) {
        let mut heard = self.heard.lock();
        if heard.is_some_and(|heard| heard > began) {
            return;
        }
        *heard = Some(began);
        let before = self.members.load_full();
        if !self.is_registry_elsewhere.load(Ordering::Relaxed) {
            self.lead_registry(&before, &members);
        }
        self.members.store(Arc::new(members));
    }

    fn lead_registry(&self, before: &Members, members: &Members) {
        let registry = self.system.registry();
        let me = &self.template.name;
        for node in members.nodes.iter().filter(|node| node.name != *me) {
            let known = before.nodes.iter().find(|known| known.name == node.name);
            if known.is_none_or(|known| known.address != node.address) {
                registry.announce_node(&node.name, node.address.clone());
            }
            for service in &node.services {
                let path = ActorPath::new(service);
                if registry.resolve(&path).as_ref() != Some(&node.name) {
                    registry.announce(path, node.name.clone());
                }
            }
        }
        for gone in before.nodes.iter().filter(|node| node.name != *me) {
            if !members.nodes.iter().any(|node| node.name == gone.name) {
                registry.withdraw_node(&gone.name);
            }
        }
    }
}

fn uses_schema(node: &Node) -> bool {
    node.roles.iter().any(|role| ["all", "sql", "ddl"].contains(&role.as_str()))
}
