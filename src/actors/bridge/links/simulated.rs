//! Streams in memory, with the faults of a network drawn from a seed: on paused time, the same seed gives the same run.
//!
//! Frames are delayed, in order; lost (which a TCP connection does not do: it is what a break in the middle of a burst
//! looks like to those above); and the last frame of a broken stream may be delivered once more when the next one
//! opens, as a message may that the network held up. A partition swallows everything, and nobody is told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::BoxStream;
use futures::{StreamExt, stream};
use parking_lot::Mutex;
use prost::Message as _;
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};

use super::{LinkError, Links, Opened};
use crate::actors::bridge::inbound::Inbound;
use crate::actors::bridge::proto::{Frame, Hello};
use crate::actors::intake::Pulse;
use crate::actors::runtime::Rng;

/// How bad the network is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SimOptions {
    /// The shortest time a frame takes.
    pub delay_min: Duration,
    /// The longest.
    pub delay_max: Duration,
    /// How many of all frames are lost, from 0 to 1.
    pub loss: f64,
    /// How likely a stream begins with the last frame of the one before, from 0 to 1.
    pub duplicate: f64,
    /// How many bytes pass in a second; `None`: any number, at once.
    pub bandwidth: Option<u64>,
}

impl Default for SimOptions {
    /// A network without faults.
    fn default() -> SimOptions {
        SimOptions {
            delay_min: Duration::from_micros(100),
            delay_max: Duration::from_micros(500),
            loss: 0.0,
            duplicate: 0.0,
            bandwidth: None,
        }
    }
}

/// So long a piece of a frame is on its way.
const PIECE: Duration = Duration::from_millis(10);

/// From one node to another.
type Direction = (String, String);

/// What passes over a stream, one way, and who notices.
#[derive(Clone)]
struct Way {
    direction: Direction,
    class: i32,
    /// Who receives it.
    receiver: Pulse,
    /// Who sends it, and hears that it is taken.
    sender: Pulse,
}

/// A network in memory. Cheap to clone; all nodes of a simulation share one.
#[derive(Clone)]
pub struct SimNetwork {
    inner: Arc<Inner>,
}

struct Inner {
    random: Rng,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    options: SimOptions,
    doors: BTreeMap<String, Weak<Inbound>>,
    parted: BTreeSet<Direction>,
    /// Streams opened so far: each draws its own numbers.
    streams: u64,
    /// The last frame with messages, by direction and class.
    last: BTreeMap<(Direction, i32), Frame>,
}

impl SimNetwork {
    /// A network whose faults follow from `seed`.
    pub fn new(seed: u64, options: SimOptions) -> SimNetwork {
        let state = State { options, ..State::default() };
        SimNetwork { inner: Arc::new(Inner { random: Rng::new(seed), state: Mutex::new(state) }) }
    }

    /// Makes the network better or worse, from the next frame on.
    pub fn set_options(&self, options: SimOptions) {
        self.inner.state.lock().options = options;
    }

    /// Nothing gets from either node to the other any more.
    pub fn part(&self, one: &str, other: &str) {
        self.part_one_way(one, other);
        self.part_one_way(other, one);
    }

    /// Nothing gets from one node to the other any more; the way back is open.
    pub fn part_one_way(&self, from: &str, to: &str) {
        self.inner.state.lock().parted.insert((from.to_owned(), to.to_owned()));
    }

    /// The nodes can reach each other again, in both directions.
    pub fn heal(&self, one: &str, other: &str) {
        let mut state = self.inner.state.lock();
        state.parted.remove(&(one.to_owned(), other.to_owned()));
        state.parted.remove(&(other.to_owned(), one.to_owned()));
    }

    /// A node listens from now on, until it is dropped.
    pub(in crate::actors::bridge) fn listen(&self, address: &str, inbound: &Arc<Inbound>) {
        let mut state = self.inner.state.lock();
        state.doors.insert(address.to_owned(), Arc::downgrade(inbound));
    }

    fn is_parted(&self, direction: &Direction) -> bool {
        self.inner.state.lock().parted.contains(direction)
    }

    fn delay(&self, random: &mut ChaCha8Rng) -> Duration {
        let SimOptions { delay_min, delay_max, .. } = self.inner.state.lock().options;
        delay_min + delay_max.saturating_sub(delay_min).mul_f64(random.random::<f64>())
    }

    /// How long a frame takes to pass.
    fn passage(&self, frame: &Frame) -> Duration {
        let Some(bandwidth) = self.inner.state.lock().options.bandwidth else {
            return Duration::ZERO;
        };
        let bytes = frame.encoded_len() as f64;
        Duration::from_secs_f64(bytes / bandwidth as f64)
    }

    /// A frame passes until it is `due`, piece by piece: both sides see that something does, unless they are parted meanwhile. Whether
    /// it arrives.
    async fn pass(&self, due: Instant, passage: Duration, way: &Way) -> bool {
        sleep_until(due - passage).await;
        while Instant::now() < due {
            if self.is_parted(&way.direction) {
                return false;
            }
            self.beat(way);
            sleep_until(due.min(Instant::now() + PIECE)).await;
        }
        self.beat(way);
        true
    }

    fn beat(&self, way: &Way) {
        way.receiver.beat();
        let (from, to) = way.direction.clone();
        if !self.is_parted(&(to, from)) {
            way.sender.beat();
        }
    }

    fn draw(&self, random: &mut ChaCha8Rng, of: fn(&SimOptions) -> f64) -> bool {
        let likely = of(&self.inner.state.lock().options);
        random.random::<f64>() < likely
    }

    /// The frames of one direction as they arrive.
    fn carry(
        &self,
        way: Way,
        mut random: ChaCha8Rng,
        mut frames: BoxStream<'static, Frame>,
    ) -> BoxStream<'static, Frame> {
        let (sender, receiver) = mpsc::unbounded_channel::<(Instant, Duration, Frame)>();
        let direction = way.direction.clone();
        let key = (direction.clone(), way.class);
        if self.draw(&mut random, |options| options.duplicate)
            && let Some(again) = self.inner.state.lock().last.get(&key).cloned()
        {
            // It belongs to another stream's count.
            let again = Frame { before: None, ..again };
            let _ = sender.send((Instant::now(), Duration::ZERO, again));
        }
        let network = self.clone();
        tokio::spawn(async move {
            let mut due = Instant::now();
            loop {
                let next = tokio::select! {
                    biased;
                    () = sender.closed() => return,
                    next = frames.next() => next,
                };
                let Some(frame) = next else { return };
                let delay = network.delay(&mut random);
                let is_lost = network.draw(&mut random, |options| options.loss);
                if (is_lost && frame.hello.is_none()) || network.is_parted(&direction) {
                    continue;
                }
                let passage = network.passage(&frame);
                due = due.max(Instant::now() + delay) + passage;
                let _ = sender.send((due, passage, frame));
            }
        });
        let network = self.clone();
        let carried = (receiver, network, way);
        stream::unfold(carried, move |(mut receiver, network, way)| {
            let key = key.clone();
            async move {
                loop {
                    let (due, passage, frame) = receiver.recv().await?;
                    if !network.pass(due, passage, &way).await {
                        continue;
                    }
                    if !frame.envelopes.is_empty() {
                        network.inner.state.lock().last.insert(key, frame.clone());
                    }
                    return Some((frame, (receiver, network, way)));
                }
            }
        })
        .boxed()
    }

    fn knock(&self, address: &str) -> Option<Arc<Inbound>> {
        self.inner.state.lock().doors.get(address).and_then(Weak::upgrade)
    }

    /// The numbers of the next stream.
    fn random(&self, what: &str) -> ChaCha8Rng {
        let number = {
            let mut state = self.inner.state.lock();
            state.streams += 1;
            state.streams
        };
        self.inner.random.stream(&format!("network/{what}/{number}"))
    }
}

#[async_trait]
impl Links for SimNetwork {
    async fn open(
        &self,
        address: &str,
        hello: &Hello,
        frames: BoxStream<'static, Frame>,
    ) -> Result<Opened, LinkError> {
        let there = (hello.node.clone(), hello.peer.clone());
        let back = (hello.peer.clone(), hello.node.clone());
        let mut random = self.random("open");
        sleep(self.delay(&mut random)).await;
        if self.is_parted(&there) || self.is_parted(&back) {
            // As in a real one: no word comes back.
            std::future::pending::<()>().await;
        }
        let inbound = self
            .knock(address)
            .ok_or_else(|| LinkError::Broken(format!("nobody listens at {address}")))?;
        // The hello has been said already.
        let (pulse, served) = (Pulse::default(), Pulse::default());
        let class = hello.class;
        let there =
            Way { direction: there, class, receiver: served.clone(), sender: pulse.clone() };
        let back = Way { direction: back, class, receiver: pulse.clone(), sender: served.clone() };
        let arriving = self.carry(there, self.random("there"), frames.skip(1).boxed());
        let serving = inbound.serve(hello, arriving.map(Ok).boxed(), served);
        // Not held beyond here: a node that is gone must not be kept alive by who knocks at it.
        drop(inbound);
        sleep(self.delay(&mut random)).await;
        let serving = serving.map_err(|refusal| LinkError::Refused(refusal.to_string()))?;
        let returning = self.carry(back, self.random("back"), serving.boxed());
        Ok(Opened { frames: returning.map(Ok).boxed(), pulse })
    }
}
