//! The services of a node: started in the order of their dependencies, stopped in reverse.

use std::{collections::BTreeMap, future::Future, pin::pin, time::Duration};

use async_trait::async_trait;
use tokio::time::{Instant, timeout};
use tracing::{info, warn};

use super::{
    health::{Health, HealthState},
    system::System,
};

/// However late it is, each service gets this long to stop: one that overran must not cost the others their order, nor what they
/// have to write.
const LAST_GRACE: Duration = Duration::from_secs(1);

/// How often it is said which service is waited for.
const SAY_EVERY: Duration = Duration::from_secs(1);

/// So long the services already started get to stop, all together, when one fails to start.
const FAILED_START_DRAIN: Duration = Duration::from_secs(10);

/// A part of a node that starts and stops as a whole. What it runs are actors.
#[async_trait(?Send)]
pub trait Service {
    /// Its name: unique on the node, and what others depend on.
    fn name(&self) -> &'static str;

    /// The services that must run before this one starts, and until it has stopped.
    fn dependencies(&self) -> &'static [&'static str] {
        &[]
    }

    /// Starts it. On an error nothing of it may be left running.
    async fn start(&mut self, system: &System) -> anyhow::Result<()>;

    /// Stops it, finishing within `deadline` what it can.
    async fn stop(&mut self, deadline: Duration) -> anyhow::Result<()>;
}

/// Why services could not be put in order or started.
#[derive(Debug, thiserror::Error)]
pub enum LifecycleError {
    /// Services depend on one another in a circle.
    #[error("cycle: {}", .0.join(" → "))]
    Cycle(Vec<&'static str>),
    /// A dependency is not among the services.
    #[error("{service} needs {missing}, which is not there")]
    Missing {
        /// Who needs it.
        service: &'static str,
        /// What is not there.
        missing: &'static str,
    },
    /// Two services have one name.
    #[error("there are two services called {0}")]
    Duplicate(&'static str),
    /// A service did not start. Those before it have been stopped again.
    #[error("{service} did not start: {cause:#}")]
    Start {
        /// Which.
        service: &'static str,
        /// Why.
        cause: anyhow::Error,
    },
}

/// All services of a node, in the order in which they start.
pub struct Lifecycle {
    services: Vec<Box<dyn Service>>,
    started: usize,
    system: Option<System>,
}

impl Lifecycle {
    /// Puts the services in order. Those that could start at the same time keep the order they were given in.
    pub fn new(services: Vec<Box<dyn Service>>) -> Result<Lifecycle, LifecycleError> {
        let order = start_order(&services)?;
        let mut slots: Vec<Option<Box<dyn Service>>> = services.into_iter().map(Some).collect();
        let services = order.into_iter().filter_map(|at| slots[at].take()).collect();
        Ok(Lifecycle { services, started: 0, system: None })
    }

    /// The names, in the order of the start.
    pub fn order(&self) -> Vec<&'static str> {
        self.services.iter().map(|service| service.name()).collect()
    }

    /// Starts all services, each after its dependencies. If one fails, those started are stopped again, in reverse.
    pub async fn start(&mut self, system: &System) -> Result<(), LifecycleError> {
        self.system = Some(system.clone());
        while self.started < self.services.len() {
            let service = &mut self.services[self.started];
            let name = service.name();
            system.health().report(name, Health::new(HealthState::Starting, ""));
            if let Err(cause) = service.start(system).await {
                system
                    .health()
                    .report(name, Health::new(HealthState::Unhealthy, format!("{cause:#}")));
                self.stop(FAILED_START_DRAIN).await;
                return Err(LifecycleError::Start { service: name, cause });
            }
            info!(service = name, "service started");
            // A service that reports for itself has already said how it is.
            system.health().started(name);
            self.started += 1;
        }
        Ok(())
    }

    /// Stops what has been started, in reverse, each service within what is left of `drain`. One that overruns or
    /// fails is reported and passed over. Returns the names of those that did not stop in time or not cleanly.
    pub async fn stop(&mut self, drain: Duration) -> Vec<&'static str> {
        let until = Instant::now() + drain;
        let mut unclean = Vec::new();
        while self.started > 0 {
            self.started -= 1;
            let service = &mut self.services[self.started];
            let name = service.name();
            let left = until.saturating_duration_since(Instant::now()).max(LAST_GRACE);
            let stopping = said(name, timeout(left, service.stop(left))).await;
            let reason = match stopping {
                Ok(Ok(())) => String::new(),
                Ok(Err(error)) => format!("stopped with an error: {error:#}"),
                Err(_elapsed) => format!("did not stop within {left:?}"),
            };
            if reason.is_empty() {
                info!(service = name, "service stopped");
            } else {
                warn!(service = name, reason, "service did not stop cleanly");
                unclean.push(name);
            }
            if let Some(system) = &self.system {
                system.health().report(name, Health::new(HealthState::Stopped, reason));
            }
        }
        unclean
    }
}

/// Waits for something that a service does, and says so as long as it takes.
async fn said<T>(service: &str, stopping: impl Future<Output = T>) -> T {
    let begun = Instant::now();
    let mut stopping = pin!(stopping);
    loop {
        match timeout(SAY_EVERY, stopping.as_mut()).await {
            Ok(stopped) => return stopped,
            Err(_elapsed) => {
                info!(service, for_so_long = ?begun.elapsed(), "waiting for a service to stop")
            }
        }
    }
}

/// The indices of the services in an order in which each comes after its dependencies.
fn start_order(services: &[Box<dyn Service>]) -> Result<Vec<usize>, LifecycleError> {
    let mut index = BTreeMap::new();
    for (at, service) in services.iter().enumerate() {
        if index.insert(service.name(), at).is_some() {
            return Err(LifecycleError::Duplicate(service.name()));
        }
    }
    let mut walk = Walk { services, index, order: Vec::new(), path: Vec::new() };
    for at in 0..services.len() {
        walk.visit(at)?;
    }
    Ok(walk.order)
}

/// A depth-first walk along the dependencies.
struct Walk<'a> {
    services: &'a [Box<dyn Service>],
    index: BTreeMap<&'static str, usize>,
    order: Vec<usize>,
    path: Vec<usize>,
}

impl Walk<'_> {
    fn visit(&mut self, at: usize) -> Result<(), LifecycleError> {
        if self.order.contains(&at) {
            return Ok(());
        }
        if let Some(start) = self.path.iter().position(|seen| *seen == at) {
            let circle = self.path[start..].iter().chain([&at]);
            return Err(LifecycleError::Cycle(
                circle.map(|at| self.services[*at].name()).collect(),
            ));
        }
        self.path.push(at);
        let service = &self.services[at];
        for needed in service.dependencies() {
            let Some(dependency) = self.index.get(needed).copied() else {
                return Err(LifecycleError::Missing { service: service.name(), missing: needed });
            };
            self.visit(dependency)?;
        }
        self.path.pop();
        self.order.push(at);
        Ok(())
    }
}
