//! The actor of a link, `/<node>/bridge/<other node>`: it keeps the streams this node sends on to one other node.
//!
//! One future a class: it waits until somebody wants to send, opens a stream, drives it until it breaks, tells who
//! waits, and after a pause begins anew.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use tracing::{debug, info, warn};

use super::core::BridgeCore;
use super::cuts::until_cut;
use super::figures::LaneFigures;
use super::lane::Lane;
use super::links::{LinkError, Opened};
use super::options::BridgeOptions;
use super::outbox::Phase;
use super::proto::{Frame, Hello};
use super::silence::Silence;
use super::wire::Class;
use crate::actors::runtime::{Actor, Context, MailboxOptions, Overflow};

/// Another node, as those see it who send to it.
pub(super) struct Peer {
    pub(super) node: String,
    lanes: [Arc<Lane>; Class::ALL.len()],
}

impl Peer {
    pub(super) fn new(node: &str, options: &BridgeOptions) -> Arc<Peer> {
        let lanes = Class::ALL.map(|class| Arc::new(Lane::new(class, options)));
        Arc::new(Peer { node: node.to_owned(), lanes })
    }

    pub(super) fn lane(&self, class: Class) -> &Arc<Lane> {
        &self.lanes[class.index()]
    }

    pub(super) fn figures(&self) -> Vec<LaneFigures> {
        self.lanes.iter().map(|lane| lane.figures()).collect()
    }

    /// Nobody drives the streams any more.
    pub(super) fn close(&self) {
        for lane in &self.lanes {
            lane.broken(Phase::Closed, "this node stops");
        }
    }
}

/// The way to one other node: opens the streams to it, and opens them again.
pub(super) struct Link {
    core: Arc<BridgeCore>,
    peer: Arc<Peer>,
}

impl Link {
    pub(super) fn new(core: Arc<BridgeCore>, peer: Arc<Peer>) -> Link {
        Link { core, peer }
    }
}

impl Actor for Link {
    const KIND: &'static str = "link";

    fn mailbox() -> MailboxOptions {
        // It gets no messages but those of the runtime.
        MailboxOptions { capacity: 1, overflow: Overflow::Reject }
    }

    fn started(&mut self, ctx: &mut Context<Self>) {
        for class in Class::ALL {
            ctx.spawn(drive(self.core.clone(), self.peer.clone(), class));
        }
    }

    fn observe(&self) -> serde_json::Value {
        serde_json::to_value(self.core.link(&self.peer)).unwrap_or_default()
    }
}

/// Breaks the lane when its driver ends, however it ends.
struct Breaking(Arc<Lane>);

impl Drop for Breaking {
    fn drop(&mut self) {
        self.0.broken(Phase::Broken, "the link has no driver");
    }
}

async fn drive(core: Arc<BridgeCore>, peer: Arc<Peer>, class: Class) {
    let lane = peer.lane(class).clone();
    let breaking = Breaking(lane.clone());
    let mut driver = Driver {
        random: core.system.rng().stream(&format!("bridge/{}/{}", peer.node, class.name())),
        core,
        peer,
        lane,
        attempts: 0,
    };
    loop {
        driver.lane.wanted().await;
        let error = driver.session().await;
        driver.lane.broken(Phase::Broken, &error.to_string());
        driver.report(&error);
        driver.pause().await;
        if driver.core.is_stopped() {
            break;
        }
    }
    drop(breaking);
}

struct Driver {
    core: Arc<BridgeCore>,
    peer: Arc<Peer>,
    lane: Arc<Lane>,
    random: ChaCha8Rng,
    /// In a row without success.
    attempts: u32,
}

impl Driver {
    /// Opens a stream and drives it until it breaks; says why it broke.
    async fn session(&mut self) -> LinkError {
        let node = &self.peer.node;
        if self.core.inbound.cuts.is_cut(node) {
            return LinkError::Broken(format!("the link to node {node} is cut"));
        }
        let Some(address) = self.core.system.registry().node_address(node) else {
            return LinkError::Broken(format!("nobody knows where node {node} is"));
        };
        let opening = timeout(self.core.options.connect_timeout, self.open(&address));
        let (opened, name) = match opening.await {
            Ok(Ok(opened)) => opened,
            Ok(Err(error)) => return error,
            Err(_elapsed) => {
                return LinkError::Broken(format!("no answer from {address} in time"));
            }
        };
        if self.attempts > 0 || self.lane.figures().reconnects > 0 {
            info!(node, class = self.lane.class.name(), %address, "a link is open again");
        } else {
            info!(node, class = self.lane.class.name(), %address, "a link is open");
        }
        self.attempts = 0;
        self.keep(opened, &address, name).await
    }

    /// Answers the name of the node, too: it may have been called by its address.
    async fn open(&self, address: &str) -> Result<(Opened, String), LinkError> {
        let node = &self.peer.node;
        let hello = self.core.inbound.identity.read().hello(node, self.lane.class, None);
        let first = Frame { hello: Some(hello.clone()), ..Frame::default() };
        let stream = self.lane.stream(first).boxed();
        let mut opened = self.core.links.open(address, &hello, stream).await?;
        let welcome = match opened.frames.next().await {
            Some(frame) => frame?.hello,
            None => return Err(LinkError::Broken(format!("{address} has closed the stream"))),
        };
        let no_hello = || LinkError::Refused(format!("{address} did not say hello"));
        let welcome: Hello = welcome.ok_or_else(no_hello)?;
        let identity = self.core.inbound.identity.read().clone();
        identity
            .welcome(&welcome, node)
            .map_err(|refusal| LinkError::Refused(refusal.to_string()))?;
        if self.core.inbound.cuts.is_cut(&welcome.node) {
            return Err(LinkError::Broken(format!("the link to node {} is cut", welcome.node)));
        }
        self.lane.opened(welcome.limit.unwrap_or_default());
        Ok((opened, welcome.node))
    }

    /// Takes what comes back, and watches that something does.
    async fn keep(&self, opened: Opened, address: &str, name: String) -> LinkError {
        let Opened { mut frames, pulse } = opened;
        let options = &self.core.options;
        // By its name, or by the address it is called by.
        let cuts = &self.core.inbound.cuts;
        let mut cut = std::pin::pin!(until_cut(cuts.clone(), name));
        let mut called = std::pin::pin!(until_cut(cuts.clone(), self.peer.node.clone()));
        let mut pings = interval(options.ping_interval);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut silence = Silence::new(pulse, options.ping_interval);
        let mut ping = (0u64, Instant::now());
        loop {
            tokio::select! {
                biased;
                () = &mut cut => return LinkError::Broken("the link is cut".to_owned()),
                () = &mut called => return LinkError::Broken("the link is cut".to_owned()),
                frame = frames.next() => match frame {
                    Some(Ok(frame)) => {
                        silence.broken();
                        if frame.pong != 0 && frame.pong == ping.0 {
                            self.lane.pong(ping.1.elapsed());
                        }
                        self.lane.received(frame.limit, frame.answers);
                    }
                    Some(Err(error)) => return error,
                    None => return LinkError::Broken("the other side has closed it".to_owned()),
                },
                _ = pings.tick() => {
                    let lasted = silence.look();
                    if lasted >= options.ping_timeout {
                        return LinkError::Broken(format!("silence for {lasted:?}"));
                    }
                    let now = self.core.system.registry().node_address(&self.peer.node);
                    if let Some(elsewhere) = now.filter(|now| now != address) {
                        return LinkError::Broken(format!("the node is at {elsewhere} now"));
                    }
                    ping = (ping.0 + 1, Instant::now());
                    self.lane.ping(ping.0);
                }
            }
        }
    }

    fn report(&self, error: &LinkError) {
        let (node, class) = (&self.peer.node, self.lane.class.name());
        if self.core.is_stopped() {
            return;
        }
        match error {
            _ if self.attempts > 0 => debug!(node, class, %error, "a link is still broken"),
            LinkError::Refused(_) => warn!(node, class, %error, "a link is refused"),
            LinkError::Broken(_) => warn!(node, class, %error, "a link is broken"),
        }
    }

    /// Waits before the next attempt: longer every time, and never quite as long as others do. Whoever throws the fault
    /// switch back need not wait, nor who hears from another node: it may be this one, back from a restart.
    async fn pause(&mut self) {
        let options = &self.core.options;
        let longest =
            options.backoff.saturating_mul(1u32 << self.attempts.min(16)).min(options.backoff_max);
        self.attempts = self.attempts.saturating_add(1);
        let pause = longest.mul_f64(0.5 + 0.5 * self.random.random::<f64>());
        let mut switched = self.core.inbound.cuts.watch();
        let mut knocks = self.core.inbound.knocks();
        tokio::select! {
            biased;
            () = sleep(pause) => {}
            _ = switched.changed() => sleep(Duration::from_millis(1)).await,
            _ = knocks.changed() => sleep(Duration::from_millis(1)).await,
        }
    }
}
