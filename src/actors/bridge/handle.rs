//! The bridge of a node, as everybody else sees it.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use tracing::warn;

use super::core::BridgeCore;
use super::endpoint::{BridgeListener, Endpoint};
use super::exports::Exports;
use super::figures::LinkFigures;
use super::handshake::Identity;
use super::inbound::Inbound;
use super::links::{GrpcLinks, Links, SimNetwork};
use super::options::BridgeOptions;
use super::remote::Route;
use super::tls::TlsStore;
use super::wire::Remote;
use crate::actors::runtime::{Actor, ActorPath, ActorRef, Address, Handler, System, Thread};

/// The name of the service on the health board, and of the actor in the tree.
pub(super) const NAME: &str = "bridge";

/// A node's bridge. Cheap to clone.
#[derive(Clone)]
pub struct Bridge {
    core: Arc<BridgeCore>,
    addr: Option<SocketAddr>,
}

impl Bridge {
    /// Starts the bridge on a bound listener, as the actor `/<node>/bridge`, and announces the node in the registry.
    pub fn start(
        system: &System,
        listener: TcpListener,
        options: BridgeOptions,
    ) -> io::Result<Bridge> {
        let addr = listener.local_addr()?;
        let tls = options.credentials.clone().map(TlsStore::open).transpose()?.map(Arc::new);
        let links = Arc::new(GrpcLinks::new(&options, tls.clone()));
        let address = options.advertise.clone().unwrap_or_else(|| addr.to_string());
        let door = BridgeListener::new(listener, addr, tls);
        Ok(Bridge::put_together(system, options, links, &address, Some(door)))
    }

    /// Starts the bridge of a node in a simulated network: no socket, no thread.
    pub fn simulated(system: &System, network: &SimNetwork, options: BridgeOptions) -> Bridge {
        let address = format!("{}.simulated", system.node());
        let bridge =
            Bridge::put_together(system, options, Arc::new(network.clone()), &address, None);
        network.listen(&address, &bridge.core.inbound);
        bridge
    }

    fn put_together(
        system: &System,
        options: BridgeOptions,
        links: Arc<dyn Links>,
        address: &str,
        door: Option<BridgeListener>,
    ) -> Bridge {
        let identity = Identity {
            cluster_id: options.cluster_id,
            node: system.node().to_owned(),
            software_version: options.software_version.clone(),
            started_unix_ms: system.clock().unix_ms(),
        };
        let addr = door.as_ref().map(BridgeListener::addr);
        let inbound = Arc::new(Inbound::new(identity, &options));
        let core = BridgeCore::new(system, options, links, inbound);
        let endpoint = {
            let core = core.clone();
            system.spawn_root(NAME, Thread::Dedicated, move || {
                Endpoint::new(core.clone(), door.clone())
            })
        };
        let _ = core.endpoint.set(endpoint.clone());
        let bridge = Bridge { core: core.clone(), addr };
        bridge.export(&endpoint).message::<super::echo::Echo>();
        system.registry().announce_node(system.node(), address.to_owned());
        let publishing = Arc::downgrade(&core);
        system.on_publish(move || {
            if let Some(core) = publishing.upgrade() {
                core.publish();
            }
        });
        bridge
    }

    /// Where it listens; nowhere in a simulated network.
    pub fn addr(&self) -> Option<SocketAddr> {
        self.addr
    }

    /// The actor `/<node>/bridge`.
    pub fn actor(&self) -> &ActorRef<Endpoint> {
        self.core.endpoint.get().expect("set before the bridge is given out")
    }

    /// The address of whatever actor is at `path` when a message is sent: of this node, where the message is moved, or of
    /// another, where it is encoded and sent. The registry says which; without it the first part of the path does.
    pub fn address<M: Remote>(&self, path: impl Into<ActorPath>) -> Address<M> {
        Address::new(Arc::new(Route::<M>::new(self.core.clone(), path.into())))
    }

    /// Lets other nodes send to an actor of this one: `bridge.export(&actor).message::<M>().message::<N>()`.
    pub fn export<A: Actor>(&self, actor: &ActorRef<A>) -> Export<A> {
        Export { core: self.core.clone(), actor: actor.clone(), path: actor.path().clone() }
    }

    /// The actors other nodes can reach.
    pub fn exports(&self) -> &Exports {
        &self.core.inbound.exports
    }

    /// The node has learned which cluster it belongs to. Nodes of others are refused from now on.
    pub fn set_cluster_id(&self, cluster_id: u64) {
        self.core.inbound.identity.write().cluster_id = cluster_id;
    }

    /// The fault switch, for tests and drills: the streams to and from `node` break at once, and none is opened until
    /// [`Bridge::heal`]. To cut two nodes off from each other it is enough to do so on one of them.
    pub fn cut(&self, node: &str) {
        self.core.inbound.cuts.cut(node);
    }

    /// Takes [`Bridge::cut`] back.
    pub fn heal(&self, node: &str) {
        self.core.inbound.cuts.heal(node);
    }

    /// The nodes cut off now.
    pub fn cuts(&self) -> Vec<String> {
        self.core.inbound.cuts.list()
    }

    /// The links to and from all nodes, by name.
    pub fn links(&self) -> Vec<LinkFigures> {
        self.core.figures()
    }

    /// How many messages and replies have been encoded: none, as long as all actors are in one process.
    pub fn encoded(&self) -> u64 {
        self.core.encoded()
    }

    /// Stops: says `NOT_SERVING`, breaks the streams, and waits for the calls under way, no longer than `deadline`.
    pub async fn stop(&self, deadline: Duration) {
        let actor = self.actor();
        actor.stop();
        if timeout(deadline, actor.stopped()).await.is_err() {
            warn!("the bridge does not stop in time, going on without it");
        }
    }
}

impl<M: Remote> Address<M> {
    /// See [`Bridge::address`].
    pub fn remote(bridge: &Bridge, path: impl Into<ActorPath>) -> Address<M> {
        bridge.address(path)
    }
}

/// Names the messages an actor takes from other nodes.
pub struct Export<A: Actor> {
    core: Arc<BridgeCore>,
    actor: ActorRef<A>,
    path: ActorPath,
}

impl<A: Actor> Export<A> {
    /// Under another path than its own: that of a service, which the registry knows and which may move.
    #[must_use]
    pub fn at(mut self, path: impl Into<ActorPath>) -> Export<A> {
        self.path = path.into();
        self
    }

    /// It takes `M`.
    pub fn message<M: Remote>(self) -> Export<A>
    where
        A: Handler<M>,
    {
        self.core.inbound.exports.serve::<M>(&self.path, self.actor.address());
        self
    }
}
