//! The side that serves: a stream another node has opened to send to actors here.
//!
//! One future does it all. It takes frames while there is room for their answers, hands each envelope to its actor's
//! mailbox, and gives back frames with answers and fresh credit. Where that future runs (a task of the gRPC server,
//! or of the simulated network) is not its business; when it is dropped, the stream is over.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{BoxStream, FuturesUnordered};
use futures::{FutureExt, Stream, StreamExt};
use parking_lot::{Mutex, RwLock};
use tokio::sync::watch;
use tokio::task::coop::unconstrained;
use tokio::time::{Instant, Sleep};
use tracing::{debug, info, warn};

use super::cuts::{Cuts, until_cut};
use super::exports::{Deliver, Delivered, Exports, refuse};
use super::figures::{Served, ServedFigures, add};
use super::handshake::{Identity, Refusal};
use super::links::LinkError;
use super::options::{Bound, BridgeOptions};
use super::outbox::cost;
use super::proto::{Amount, Envelope, Failure, Frame, Hello};
use super::replies::{Replies, ReplyLimits, Way};
use super::silence::Silence;
use super::wire::Class;
use crate::actors::intake::Pulse;

/// So many frames are taken before other streams of the thread get their turn.
const FRAMES_A_TURN: usize = 16;

/// Frames from another node.
pub(super) type Frames = BoxStream<'static, Result<Frame, LinkError>>;

/// A node from its start to its end, with the streams it has open here.
#[derive(Default)]
struct Life {
    started_unix_ms: u64,
    streams: u64,
}

/// What all streams of a node are served with.
pub(super) struct Inbound {
    pub(super) identity: RwLock<Identity>,
    pub(super) exports: Exports,
    pub(super) cuts: Arc<Cuts>,
    pub(super) encoded: Arc<AtomicU64>,
    served: Mutex<BTreeMap<(String, Class), Arc<Served>>>,
    /// How many streams came of each link: of a node, to the name it calls this node by, of a class. A node that
    /// calls this one by its name and by its address has two links, neither of which replaces the other.
    streams: Mutex<BTreeMap<(String, String, Class), Arc<AtomicU64>>>,
    /// Which lives of other nodes have streams open here.
    lives: Mutex<BTreeMap<String, Life>>,
    window: Bound,
    reply_limits: ReplyLimits,
    silence: Duration,
    look_every: Duration,
    stopped: OnceLock<()>,
    /// Changes whenever another node has opened a stream.
    knocks: watch::Sender<()>,
}

impl Inbound {
    pub(super) fn new(identity: Identity, options: &BridgeOptions) -> Inbound {
        Inbound {
            identity: RwLock::new(identity),
            exports: Exports::default(),
            cuts: Arc::default(),
            encoded: Arc::default(),
            served: Mutex::default(),
            streams: Mutex::default(),
            lives: Mutex::default(),
            window: options.window,
            reply_limits: ReplyLimits {
                frame_bytes: options.frame_bytes,
                reply_bytes_max: options.message_bytes_max,
            },
            silence: options.ping_timeout,
            look_every: options.ping_interval,
            stopped: OnceLock::new(),
            knocks: watch::Sender::new(()),
        }
    }

    /// From now on nobody is let in.
    pub(super) fn stop(&self) {
        let _ = self.stopped.set(());
    }

    /// Until another node opens a stream: it runs, so it can be reached.
    pub(super) fn knocks(&self) -> watch::Receiver<()> {
        self.knocks.subscribe()
    }

    /// Judges who knocks, and serves whoever is let in.
    pub(super) fn serve(
        self: &Arc<Self>,
        hello: &Hello,
        frames: Frames,
        pulse: Pulse,
    ) -> Result<Serving, Refusal> {
        let judged = self.judge(hello).and_then(|class| self.let_in(hello).map(|()| class));
        let class = judged.inspect_err(|refusal| {
            warn!(node = %hello.node, reason = %refusal, "refused a link from another node");
        })?;
        let served = {
            let mut all = self.served.lock();
            all.entry((hello.node.clone(), class)).or_default().clone()
        };
        add(&served.open, 1);
        add(&served.streams, 1);
        let newest = {
            let link = (hello.node.clone(), hello.peer.clone(), class);
            self.streams.lock().entry(link).or_default().clone()
        };
        let number = newest.fetch_add(1, Ordering::Relaxed) + 1;
        info!(node = %hello.node, class = class.name(), "another node has opened a link");
        self.knocks.send_replace(());
        Ok(Serving {
            cut: until_cut(self.cuts.clone(), hello.node.clone()).boxed(),
            welcome: Some(self.welcome(hello, class)),
            node: hello.node.clone(),
            class,
            number,
            newest,
            frames,
            replies: Replies::new(self.encoded.clone(), self.reply_limits),
            waiting: FuturesUnordered::new(),
            seen: Amount::default(),
            done: Amount::default(),
            granted: self.limit(Amount::default()),
            pong: 0,
            silence: Silence::new(pulse, self.look_every),
            look: Box::pin(tokio::time::sleep(self.look_every)),
            last: None,
            served,
            inbound: self.clone(),
        })
    }

    /// Counts a stream of a node's life. Another life has to wait until the last stream of the one before has ended, which takes
    /// no longer than it may be silent: or a copy of a node would end the links of the first.
    fn let_in(&self, hello: &Hello) -> Result<(), Refusal> {
        let mut lives = self.lives.lock();
        let life = lives.entry(hello.node.clone()).or_default();
        if life.streams > 0 && life.started_unix_ms != hello.started_unix_ms {
            return Err(Refusal::AnotherLife(hello.node.clone()));
        }
        life.started_unix_ms = hello.started_unix_ms;
        life.streams += 1;
        Ok(())
    }

    fn let_out(&self, node: &str) {
        if let Some(life) = self.lives.lock().get_mut(node) {
            life.streams -= 1;
        }
    }

    fn judge(&self, hello: &Hello) -> Result<Class, Refusal> {
        let identity = self.identity.read();
        if self.stopped.get().is_some() {
            return Err(Refusal::Stopping(identity.node.clone()));
        }
        if self.cuts.is_cut(&hello.node) {
            return Err(Refusal::Cut(hello.node.clone()));
        }
        identity.accept(hello)
    }

    fn welcome(&self, hello: &Hello, class: Class) -> Frame {
        let limit = self.limit(Amount::default());
        let hello = self.identity.read().hello(&hello.node, class, Some(limit));
        Frame { hello: Some(hello), ..Frame::default() }
    }

    /// What may have been sent when `done` has been handed over.
    fn limit(&self, done: Amount) -> Amount {
        Amount {
            messages: done.messages + self.window.messages as u64,
            bytes: done.bytes + self.window.bytes as u64,
        }
    }

    pub(super) fn figures(&self) -> Vec<(String, Class, ServedFigures)> {
        let all = self.served.lock();
        all.iter().map(|((node, class), served)| (node.clone(), *class, served.figures())).collect()
    }
}

/// The last actor found, because messages come in runs to the same one.
struct Last {
    target: Bytes,
    message: u32,
    generation: u64,
    deliver: Arc<dyn Deliver>,
}

/// A stream as it is served: give it out, and it does its work.
pub(super) struct Serving {
    inbound: Arc<Inbound>,
    served: Arc<Served>,
    node: String,
    class: Class,
    /// Which of its link's streams it is. The newest alone is served: what still comes over an older one must not get
    /// behind what came over the next.
    number: u64,
    newest: Arc<AtomicU64>,
    welcome: Option<Frame>,
    frames: Frames,
    replies: Arc<Replies>,
    /// Messages that wait for room in a mailbox, and what they cost.
    waiting: FuturesUnordered<BoxFuture<'static, u64>>,
    /// What the other side has sent, as it counts.
    seen: Amount,
    /// What of it is handed over (or lost), and so makes room for more.
    done: Amount,
    granted: Amount,
    pong: u64,
    silence: Silence,
    /// When the silence is looked at next.
    look: Pin<Box<Sleep>>,
    cut: BoxFuture<'static, ()>,
    last: Option<Last>,
}

impl Serving {
    fn take(&mut self, frame: Frame) {
        let now = Instant::now();
        self.silence.broken();
        if frame.ping != 0 {
            self.pong = frame.ping;
        }
        self.count_missing(frame.before);
        for envelope in frame.envelopes {
            let cost = cost(&envelope.target, &envelope.body) as u64;
            self.seen.messages += 1;
            self.seen.bytes += cost;
            add(&self.served.received_messages, 1);
            add(&self.served.received_bytes, cost);
            match self.hand_over(envelope, now) {
                Delivered::Done => self.hand_back(cost),
                Delivered::Waiting(delivery) => {
                    // Unconstrained, because a task that has used up its turn would let others overtake.
                    let delivery = unconstrained(delivery).map(move |()| cost);
                    self.waiting.push(delivery.boxed());
                }
                Delivered::Refused => {
                    add(&self.served.refused_messages, 1);
                    self.hand_back(cost);
                }
            }
        }
    }

    /// What was sent and never came: its credit is free again.
    fn count_missing(&mut self, before: Option<Amount>) {
        let Some(before) = before else { return };
        let messages = before.messages.saturating_sub(self.seen.messages);
        let bytes = before.bytes.saturating_sub(self.seen.bytes);
        if messages > 0 {
            add(&self.served.missing_messages, messages);
        }
        self.seen.messages += messages;
        self.seen.bytes += bytes;
        self.done.messages += messages;
        self.done.bytes += bytes;
    }

    fn hand_back(&mut self, cost: u64) {
        self.done.messages += 1;
        self.done.bytes += cost;
    }

    fn hand_over(&mut self, envelope: Envelope, now: Instant) -> Delivered {
        let Envelope { target, message, body, correlation, deadline_ms, trace } = envelope;
        if trace != 0 {
            debug!(
                node = %self.node,
                target = %String::from_utf8_lossy(&target),
                message,
                bytes = body.len(),
                correlation,
                "received an envelope"
            );
        }
        let way = (correlation != 0).then(|| Way {
            replies: self.replies.clone(),
            correlation,
            until: now + Duration::from_millis(deadline_ms.min(u64::from(u32::MAX))),
        });
        let Ok(path) = std::str::from_utf8(&target) else { return refuse(way, Failure::Stopped) };
        let generation = self.inbound.exports.generation();
        if let Some(last) = &self.last
            && last.message == message
            && last.generation == generation
            && last.target == target
        {
            return last.deliver.deliver(path, body, way);
        }
        let Some(deliver) = self.inbound.exports.find(path, message) else {
            debug!(node = %self.node, target = path, message, "nobody here takes this message");
            return refuse(way, Failure::Stopped);
        };
        let delivered = deliver.deliver(path, body, way);
        self.last = Some(Last { target, message, generation, deliver });
        delivered
    }

    /// Fresh credit, once half of the window is used up; with every pong too, in case a grant got lost.
    fn grant(&mut self) -> Option<Amount> {
        let limit = self.inbound.limit(self.done);
        let window = self.inbound.window;
        let is_due = self.pong != 0
            || limit.messages - self.granted.messages >= (window.messages as u64).div_ceil(2)
            || limit.bytes - self.granted.bytes >= (window.bytes as u64).div_ceil(2);
        is_due.then(|| {
            self.granted = limit;
            limit
        })
    }

    /// Whether nothing has come for too long; looks now and then.
    fn is_silent(&mut self, cx: &mut Context<'_>) -> bool {
        while self.look.as_mut().poll(cx).is_ready() {
            if self.silence.look() >= self.inbound.silence {
                return true;
            }
            self.look.as_mut().reset(Instant::now() + self.inbound.look_every);
        }
        false
    }

    /// Takes what has come. False when the stream is over; `wake` asks for another turn.
    fn read(&mut self, cx: &mut Context<'_>) -> bool {
        for _ in 0..FRAMES_A_TURN {
            match self.frames.poll_next_unpin(cx) {
                Poll::Ready(Some(Ok(frame))) => self.take(frame),
                Poll::Ready(Some(Err(error))) => {
                    debug!(node = %self.node, %error, "a link from another node is broken");
                    return false;
                }
                Poll::Ready(None) => return false,
                Poll::Pending => return true,
            }
        }
        cx.waker().wake_by_ref();
        true
    }
}

impl Stream for Serving {
    type Item = Frame;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Frame>> {
        let this = &mut *self;
        if let Some(welcome) = this.welcome.take() {
            return Poll::Ready(Some(welcome));
        }
        let is_over = this.inbound.stopped.get().is_some()
            || this.newest.load(Ordering::Relaxed) != this.number
            || this.cut.poll_unpin(cx).is_ready();
        if is_over || !this.read(cx) {
            return Poll::Ready(None);
        }
        if this.is_silent(cx) {
            debug!(node = %this.node, "a link from another node has fallen silent");
            return Poll::Ready(None);
        }
        while let Poll::Ready(Some(cost)) = this.waiting.poll_next_unpin(cx) {
            this.hand_back(cost);
        }
        let answers = this.replies.take(cx.waker());
        let limit = this.grant();
        let pong = std::mem::take(&mut this.pong);
        if answers.is_empty() && limit.is_none() && pong == 0 {
            return Poll::Pending;
        }
        add(&this.served.answers, answers.len() as u64);
        Poll::Ready(Some(Frame { answers, limit, pong, ..Frame::default() }))
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.replies.close();
        self.inbound.let_out(&self.node);
        self.served.open.fetch_sub(1, Ordering::Relaxed);
        info!(node = %self.node, class = self.class.name(), "a link from another node has ended");
    }
}
