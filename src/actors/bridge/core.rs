//! What the parts of a node's bridge share.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

use super::endpoint::{Endpoint, OpenLink};
use super::figures::LinkFigures;
use super::inbound::Inbound;
use super::link::Peer;
use super::links::Links;
use super::options::BridgeOptions;
use crate::actors::runtime::{ActorRef, System};

pub(super) struct BridgeCore {
    pub(super) system: System,
    pub(super) options: BridgeOptions,
    pub(super) links: Arc<dyn Links>,
    pub(super) inbound: Arc<Inbound>,
    pub(super) endpoint: OnceLock<ActorRef<Endpoint>>,
    peers: Mutex<BTreeMap<String, Arc<Peer>>>,
    stopped: OnceLock<()>,
}

impl BridgeCore {
    pub(super) fn new(
        system: &System,
        options: BridgeOptions,
        links: Arc<dyn Links>,
        inbound: Arc<Inbound>,
    ) -> Arc<BridgeCore> {
        Arc::new(BridgeCore {
            system: system.clone(),
            options,
            links,
            inbound,
            endpoint: OnceLock::new(),
            peers: Mutex::default(),
            stopped: OnceLock::new(),
        })
    }

    /// The way to another node; its link comes into being when it is first asked for.
    pub(super) fn peer(&self, node: &str) -> Arc<Peer> {
        let mut peers = self.peers.lock();
        if let Some(peer) = peers.get(node) {
            return peer.clone();
        }
        let peer = Peer::new(node, &self.options);
        peers.insert(node.to_owned(), peer.clone());
        if self.is_stopped() {
            peer.close();
        }
        drop(peers);
        if let Some(endpoint) = self.endpoint.get() {
            // When it is not taken, the endpoint finds the peer a little later, or when it starts again.
            let _ = endpoint.tell(OpenLink);
        }
        peer
    }

    pub(super) fn peers(&self) -> Vec<Arc<Peer>> {
        self.peers.lock().values().cloned().collect()
    }

    /// The node stops: nobody is let in, and nothing is sent any more.
    pub(super) fn stop(&self) {
        self.inbound.stop();
        let peers = self.peers.lock();
        let _ = self.stopped.set(());
        for peer in peers.values() {
            peer.close();
        }
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.get().is_some()
    }

    pub(super) fn link(&self, peer: &Peer) -> LinkFigures {
        self.link_of(&peer.node, Some(peer))
    }

    fn link_of(&self, node: &str, peer: Option<&Peer>) -> LinkFigures {
        let served = self.inbound.figures();
        LinkFigures {
            node: node.to_owned(),
            address: self.system.registry().node_address(node),
            cut: self.inbound.cuts.is_cut(node),
            sends: peer.map(Peer::figures).unwrap_or_default(),
            serves: served
                .into_iter()
                .filter(|(from, ..)| from == node)
                .map(|(_, class, figures)| (class.name(), figures))
                .collect(),
        }
    }

    /// The links to and from all nodes, by name.
    pub(super) fn figures(&self) -> Vec<LinkFigures> {
        let peers = self.peers.lock().clone();
        let mut nodes: BTreeSet<String> = peers.keys().cloned().collect();
        nodes.extend(self.inbound.figures().into_iter().map(|(node, ..)| node));
        nodes.extend(self.inbound.cuts.list());
        nodes
            .into_iter()
            .map(|node| self.link_of(&node, peers.get(&node).map(|peer| &**peer)))
            .collect()
    }

    pub(super) fn encoded(&self) -> u64 {
        self.inbound.encoded.load(Ordering::Relaxed)
    }

    pub(super) fn publish(&self) {
        super::figures::publish(self.encoded(), &self.figures());
    }
}
