//! One node's actors, held together.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use parking_lot::{Mutex, RwLock};
use tokio::time::{Instant, timeout, timeout_at};
use tracing::{error, warn};

use super::{
    actor::{Actor, Thread},
    arbiters::Arbiters,
    cell,
    children::Children,
    clock::Clock,
    compute::Compute,
    core::{ActorCore, Hosted},
    failure::{Failure, FailureLog},
    figures::{ActorDetail, ActorSnapshot, Dormant},
    health::HealthBoard,
    metrics::Retired,
    path::ActorPath,
    reference::ActorRef,
    registry::{LocalRegistry, Registry},
    rng::Rng,
    trace::{Tap, TraceEvent, TraceReceiver},
};

/// So long `/actors/{path}` waits for an actor to say what is inside.
const OBSERVE_DEADLINE: Duration = Duration::from_secs(1);

/// How a node's runtime starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemOptions {
    /// The node's name, the first part of every path.
    pub node: String,
    /// How many core arbiters, each a thread. With 0 no thread is started: all actors, dedicated ones too, run on the
    /// `LocalSet` the system is started in, and one paused `tokio` clock rules them all (tests, the simulator).
    pub core_threads: usize,
    /// How many threads compute for statements; none where there are no core threads.
    pub compute_threads: usize,
    /// The seed of all randomness.
    pub seed: u64,
    /// What the wall clock says at the start; read from the machine if absent.
    pub unix_ms: Option<u64>,
}

impl Default for SystemOptions {
    fn default() -> SystemOptions {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        SystemOptions {
            node: "node-1".to_owned(),
            core_threads: cores,
            compute_threads: cores,
            seed: 0,
            unix_ms: None,
        }
    }
}

type Publisher = Arc<dyn Fn() + Send + Sync>;
type AbortHook = Arc<dyn Fn(&ActorPath, &str) + Send + Sync>;

struct Inner {
    root: ActorPath,
    arbiters: Arbiters,
    compute: Compute,
    clock: Clock,
    rng: Rng,
    registry: Box<dyn Registry>,
    health: HealthBoard,
    failures: FailureLog,
    retired: Retired,
    next_id: AtomicU64,
    /// All living actors, by id: in the order of their start.
    actors: Mutex<BTreeMap<u64, Arc<dyn Hosted>>>,
    roots: Mutex<Children>,
    taps: RwLock<Vec<Tap>>,
    abort_hook: RwLock<AbortHook>,
    publishers: RwLock<Vec<Publisher>>,
    dormant: RwLock<Vec<Arc<dyn Dormant>>>,
}

/// One node's actors. Cheap to clone.
#[derive(Clone)]
pub struct System {
    inner: Arc<Inner>,
}

impl System {
    /// Starts a node's runtime, from any thread. With core threads it needs no runtime around it; with none it must
    /// be called inside a `LocalSet` (an actix system has one).
    ///
    /// # Panics
    /// If the threads cannot be started.
    pub fn start(options: SystemOptions) -> System {
        System::start_with(options, Box::new(LocalRegistry::default()))
    }

    /// Like [`System::start`], with a registry of the caller's.
    pub fn start_with(options: SystemOptions, registry: Box<dyn Registry>) -> System {
        let arbiters = match options.core_threads {
            0 => Arbiters::here(),
            cores => Arbiters::threads(&options.node, cores)
                .expect("the machine has threads to start with"),
        };
        let compute = match options.core_threads {
            0 => Compute::here(),
            _ => Compute::threads(&options.node, options.compute_threads),
        };
        let root = ActorPath::node_root(&options.node);
        registry.announce(root.clone(), options.node);
        let published = compute.clone();
        let system = System {
            inner: Arc::new(Inner {
                root,
                arbiters,
                compute,
                clock: Clock::start(options.unix_ms),
                rng: Rng::new(options.seed),
                registry,
                health: HealthBoard::default(),
                failures: FailureLog::default(),
                retired: Retired::default(),
                next_id: AtomicU64::new(0),
                actors: Mutex::default(),
                roots: Mutex::default(),
                taps: RwLock::default(),
                abort_hook: RwLock::new(Arc::new(|_, _| std::process::abort())),
                publishers: RwLock::default(),
                dormant: RwLock::default(),
            }),
        };
        if options.core_threads > 0 {
            system.on_publish(move || published.publish());
        }
        system
    }

    /// A system without threads, on the current `LocalSet`: for tests, under `#[actix_rt::test]`. Time may be paused.
    /// An escalation beyond the root is logged, and does not abort.
    pub fn for_test() -> System {
        let system = System::start(SystemOptions {
            core_threads: 0,
            unix_ms: Some(1_700_000_000_000),
            ..SystemOptions::default()
        });
        system.set_abort_hook(|_, _| {});
        system
    }

    /// Starts an actor right under the node: `/node-1/{name}`. From any thread.
    pub fn spawn_root<A: Actor>(
        &self,
        name: impl Into<String>,
        thread: Thread,
        factory: impl FnMut() -> A + Send + 'static,
    ) -> ActorRef<A> {
        let path = {
            let roots = self.inner.roots.lock();
            self.inner.root.free_child(&name.into(), |path| roots.has(path))
        };
        let actor = cell::start(self, path, None, thread, Box::new(factory));
        self.inner.roots.lock().add(actor.core.clone());
        if !actor.is_alive() {
            // There was no thread to run it any more, and it was gone before it was noted.
            self.inner.roots.lock().remove(actor.core.id);
        }
        actor
    }

    /// The node's name.
    pub fn node(&self) -> &str {
        self.inner.root.node()
    }

    /// The node's path.
    pub fn path(&self) -> &ActorPath {
        &self.inner.root
    }

    /// The node's clock.
    pub fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    /// Where statements compute.
    pub fn compute(&self) -> &Compute {
        &self.inner.compute
    }

    /// The node's randomness; take a stream of your own from it.
    pub fn rng(&self) -> Rng {
        self.inner.rng.clone()
    }

    /// Where paths live.
    pub fn registry(&self) -> &dyn Registry {
        &*self.inner.registry
    }

    /// How the services are.
    pub fn health(&self) -> &HealthBoard {
        &self.inner.health
    }

    /// The last panics, oldest first.
    pub fn failures(&self) -> Vec<Failure> {
        self.inner.failures.list()
    }

    /// All actors with their figures, by path: the living, and those that are let go while they sleep.
    pub fn actors(&self) -> Vec<ActorSnapshot> {
        let mut snapshots = self.living();
        for dormant in self.dormant() {
            snapshots.extend(dormant.list());
        }
        snapshots.sort_by(|a, b| a.path.cmp(&b.path));
        snapshots
    }

    /// All living actors with their figures.
    pub(super) fn living(&self) -> Vec<ActorSnapshot> {
        self.hosted().iter().map(|actor| actor.snapshot()).collect()
    }

    /// Shows these actors among the others.
    pub fn show_dormant(&self, dormant: Arc<dyn Dormant>) {
        self.inner.dormant.write().push(dormant);
    }

    fn dormant(&self) -> Vec<Arc<dyn Dormant>> {
        self.inner.dormant.read().clone()
    }

    /// One actor, with what it says of its inside if it does within a second.
    pub async fn actor(&self, path: impl AsRef<str>) -> Option<ActorDetail> {
        let path = ActorPath::new(path.as_ref());
        let hosted = self.hosted();
        let Some(actor) = hosted.iter().find(|actor| *actor.path() == path) else {
            let (snapshot, observed) =
                self.dormant().iter().find_map(|dormant| dormant.look_at(&path))?;
            return Some(ActorDetail { snapshot, observed: Some(observed), children: Vec::new() });
        };
        let asleep = self.dormant().into_iter().flat_map(|dormant| dormant.list());
        let mut children: Vec<ActorPath> = hosted
            .iter()
            .map(|other| other.path().clone())
            .chain(asleep.map(|asleep| asleep.path))
            .filter(|other| other.parent().as_ref() == Some(&path))
            .collect();
        children.sort();
        let observed = timeout(OBSERVE_DEADLINE, actor.observe()).await;
        Some(ActorDetail {
            snapshot: actor.snapshot(),
            observed: observed.ok().and_then(Result::ok),
            children,
        })
    }

    /// Taps the messages of the actor at `path` and of all below it, as they are handled.
    pub fn trace(&self, path: impl AsRef<str>) -> TraceReceiver {
        let (tap, receiver) = Tap::open(ActorPath::new(path.as_ref()));
        self.inner.taps.write().push(tap);
        self.refresh_taps();
        receiver
    }

    /// Replaces what happens when a failure escalates beyond the root (by default the process aborts).
    pub fn set_abort_hook(&self, hook: impl Fn(&ActorPath, &str) + Send + Sync + 'static) {
        *self.inner.abort_hook.write() = Arc::new(hook);
    }

    /// Calls `publish` whenever somebody wants the node's metrics: for figures that are counted without the metrics'
    /// recorder, because a message is too short for it.
    pub fn on_publish(&self, publish: impl Fn() + Send + Sync + 'static) {
        self.inner.publishers.write().push(Arc::new(publish));
    }

    pub(super) fn publish(&self) {
        let publishers = self.inner.publishers.read().clone();
        for publish in publishers {
            publish();
        }
    }

    /// Stops the roots, each after those started later, then the threads. After `deadline` it stops waiting for those
    /// that do not, says so, and goes on.
    pub async fn shutdown(&self, deadline: Duration) {
        let until = Instant::now() + deadline;
        let roots = self.inner.roots.lock().take();
        for root in roots.into_iter().rev() {
            root.request_stop();
            if timeout_at(until, root.when_stopped()).await.is_err() {
                warn!(path = %root.path(), "an actor does not stop in time, going on without it");
            }
        }
        self.inner.compute.stop();
        if timeout_at(until, self.inner.arbiters.stop()).await.is_err() {
            warn!("the threads of the actors do not end in time, going on without them");
        }
    }

    pub(super) fn arbiters(&self) -> &Arbiters {
        &self.inner.arbiters
    }

    pub(super) fn retired(&self) -> &Retired {
        &self.inner.retired
    }

    pub(super) fn next_id(&self) -> u64 {
        self.inner.next_id.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn remember(&self, actor: Arc<dyn Hosted>) {
        self.inner.actors.lock().insert(actor.id(), actor);
    }

    /// An actor has stopped. Its counts live on in those of its kind.
    pub(super) fn forget<A: Actor>(&self, actor: &ActorCore<A>) {
        self.inner.retired.add(&actor.snapshot());
        self.inner.actors.lock().remove(&actor.id);
        if actor.parent.is_none() {
            self.inner.roots.lock().remove(actor.id);
        }
    }

    pub(super) fn record_failure(&self, failure: Failure) {
        self.inner.failures.record(failure);
    }

    /// A failure nobody could bear.
    pub(super) fn abort(&self, path: &ActorPath, reason: &str) {
        error!(%path, reason, "a failure has escalated beyond the root");
        let hook = self.inner.abort_hook.read().clone();
        hook(path, reason);
    }

    pub(super) fn is_tapped(&self, path: &ActorPath) -> bool {
        self.inner.taps.read().iter().any(|tap| path.is_within(&tap.prefix))
    }

    pub(super) fn offer_trace(&self, event: &TraceEvent) {
        let mut all_open = true;
        for tap in self.inner.taps.read().iter() {
            tap.offer(event);
            all_open &= tap.is_open();
        }
        if !all_open {
            self.inner.taps.write().retain(Tap::is_open);
            self.refresh_taps();
        }
    }

    fn refresh_taps(&self) {
        for actor in self.hosted() {
            actor.set_tapped(self.is_tapped(actor.path()));
        }
    }

    fn hosted(&self) -> Vec<Arc<dyn Hosted>> {
        self.inner.actors.lock().values().cloned().collect()
    }
}

impl fmt::Debug for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "System({})", self.inner.root)
    }
}
