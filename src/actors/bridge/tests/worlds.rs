//! The places where the scenarios are played: one node, two over loopback, two in a simulated network.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use super::subject::{Heard, Subject};
use crate::actors::bridge::{
    Bound, Bridge, BridgeOptions, LaneFigures, Phase, Remote, SimNetwork, SimOptions,
};
use crate::actors::runtime::{ActorRef, Address, System, SystemOptions};

/// Longer than anything here takes.
pub(super) const LONG: Duration = Duration::from_secs(20);

/// Options with which things happen soon.
pub(super) fn quick() -> BridgeOptions {
    BridgeOptions {
        connect_timeout: Duration::from_millis(1000),
        ping_interval: Duration::from_millis(100),
        ping_timeout: Duration::from_millis(600),
        backoff: Duration::from_millis(10),
        backoff_max: Duration::from_millis(100),
        queue: Bound { messages: 2000, bytes: 64 << 20 },
        window: Bound { messages: 1000, bytes: 1 << 20 },
        ..BridgeOptions::default()
    }
}

/// A node.
#[derive(Clone)]
pub(super) struct Node {
    pub(super) system: System,
    pub(super) bridge: Bridge,
}

impl Node {
    pub(super) async fn stop(&self) {
        self.bridge.stop(LONG).await;
        self.system.shutdown(LONG).await;
    }
}

/// A place with node `a`, which sends, and node `b`, where the subjects are.
pub(super) trait World: Sized {
    /// Whether `a` and `b` are two.
    const IS_REMOTE: bool;
    fn begin(options: BridgeOptions) -> Self;
    fn a(&self) -> &Node;
    fn b(&self) -> &Node;
    /// Stops `b`.
    async fn stop_b(&mut self);
    /// Starts `b` again, where it was.
    fn start_b(&mut self, options: BridgeOptions);
    /// Nothing gets from one to the other any more.
    fn part(&self);
    /// It does again.
    fn heal(&self);

    fn subject<const WAITS: bool>(&self, heard: &Heard) -> ActorRef<Subject<WAITS>> {
        Subject::start(&self.b().system, &self.b().bridge, "subject", heard)
    }

    /// The subject as `a` sees it.
    fn to_subject<M: Remote>(&self) -> Address<M> {
        let path = format!("/{}/subject", self.b().system.node());
        self.a().bridge.address(path.as_str())
    }

    /// What `a` has to say of a class to `b`.
    fn lane(&self, class: &str) -> LaneFigures {
        let links = self.a().bridge.links();
        let link = links.iter().find(|link| link.node == "b").expect("there is a link");
        link.sends.iter().find(|lane| lane.class == class).expect("it has all classes").clone()
    }

    async fn until_open(&self, class: &str) {
        until("the link is open", || self.lane(class).state == Phase::Open).await;
    }

    async fn end(self) {
        self.a().stop().await;
        if Self::IS_REMOTE {
            self.b().stop().await;
        }
    }
}

/// Waits for something that comes true a moment later.
pub(super) async fn until(what: &str, is_true: impl Fn() -> bool) {
    let waiting = async {
        while !is_true() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LONG, waiting).await.unwrap_or_else(|_| panic!("not in time: {what}"));
}

fn here(node: &str) -> System {
    let system = System::start(SystemOptions {
        node: node.to_owned(),
        core_threads: 0,
        compute_threads: 1,
        seed: 7,
        unix_ms: Some(1_700_000_000_000),
    });
    system.set_abort_hook(|_, _| {});
    system
}

/// One node: the messages are moved.
pub(super) struct Local(Node);

impl World for Local {
    const IS_REMOTE: bool = false;

    fn begin(options: BridgeOptions) -> Local {
        tokio::time::pause();
        let system = here("b");
        let bridge =
            Bridge::simulated(&system, &SimNetwork::new(1, SimOptions::default()), options);
        Local(Node { system, bridge })
    }

    fn a(&self) -> &Node {
        &self.0
    }

    fn b(&self) -> &Node {
        &self.0
    }

    async fn stop_b(&mut self) {
        unreachable!("one node is not without the other");
    }

    fn start_b(&mut self, _: BridgeOptions) {
        unreachable!("one node is not without the other");
    }

    fn part(&self) {}

    fn heal(&self) {}
}

/// Two nodes, each with a thread, over loopback.
pub(super) struct Grpc {
    a: Node,
    b: Node,
    port: u16,
}

pub(super) fn grpc_node(name: &str, port: u16, options: BridgeOptions) -> Node {
    let system = System::start(SystemOptions {
        node: name.to_owned(),
        core_threads: 1,
        compute_threads: 1,
        seed: 7,
        unix_ms: None,
    });
    system.set_abort_hook(|_, _| {});
    let listener = TcpListener::bind(("127.0.0.1", port)).expect("the port is free");
    let bridge = Bridge::start(&system, listener, options).expect("it starts");
    Node { system, bridge }
}

pub(super) fn introduce(a: &Node, b: &Node) {
    for (to, node) in [(a, b), (b, a)] {
        let address = node.bridge.addr().expect("it listens").to_string();
        to.system.registry().announce_node(node.system.node(), address);
    }
}

impl World for Grpc {
    const IS_REMOTE: bool = true;

    fn begin(options: BridgeOptions) -> Grpc {
        let a = grpc_node("a", 0, options.clone());
        let b = grpc_node("b", 0, options);
        introduce(&a, &b);
        let port = b.bridge.addr().expect("it listens").port();
        Grpc { a, b, port }
    }

    fn a(&self) -> &Node {
        &self.a
    }

    fn b(&self) -> &Node {
        &self.b
    }

    async fn stop_b(&mut self) {
        self.b.stop().await;
    }

    fn start_b(&mut self, options: BridgeOptions) {
        self.b = grpc_node("b", self.port, options);
        introduce(&self.a, &self.b);
    }

    fn part(&self) {
        self.b.bridge.cut("a");
    }

    fn heal(&self) {
        self.b.bridge.heal("a");
    }
}

/// Two nodes in this thread, whose time is paused.
pub(super) struct Sim {
    pub(super) network: SimNetwork,
    a: Node,
    b: Node,
}

impl Sim {
    pub(super) fn with(seed: u64, faults: SimOptions, options: BridgeOptions) -> Sim {
        let network = SimNetwork::new(seed, faults);
        let node = |name: &str| {
            let system = here(name);
            let bridge = Bridge::simulated(&system, &network, options.clone());
            Node { system, bridge }
        };
        let (a, b) = (node("a"), node("b"));
        a.system.registry().announce_node("b", "b.simulated".to_owned());
        b.system.registry().announce_node("a", "a.simulated".to_owned());
        Sim { network, a, b }
    }
}

impl World for Sim {
    const IS_REMOTE: bool = true;

    fn begin(options: BridgeOptions) -> Sim {
        tokio::time::pause();
        Sim::with(1, SimOptions::default(), options)
    }

    fn a(&self) -> &Node {
        &self.a
    }

    fn b(&self) -> &Node {
        &self.b
    }

    async fn stop_b(&mut self) {
        self.b.stop().await;
    }

    fn start_b(&mut self, options: BridgeOptions) {
        let system = here("b");
        let bridge = Bridge::simulated(&system, &self.network, options);
        system.registry().announce_node("a", "a.simulated".to_owned());
        self.b = Node { system, bridge };
    }

    fn part(&self) {
        self.network.part("a", "b");
    }

    fn heal(&self) {
        self.network.heal("a", "b");
    }
}

pub(super) fn heard() -> Heard {
    Arc::default()
}
