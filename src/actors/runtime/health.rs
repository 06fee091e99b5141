//! How the services of a node are, and how the node is.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use serde::Serialize;
use tokio::sync::watch;

/// How something is. From best to worst, as far as the whole node is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum HealthState {
    /// Does its work.
    Healthy,
    /// Has been stopped, on purpose.
    Stopped,
    /// Not there yet.
    Starting,
    /// Does its work, but not as it should.
    Degraded,
    /// Does not do its work.
    Unhealthy,
}

/// The health of a service, or of the node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Health {
    /// How it is.
    pub state: HealthState,
    /// Why, for people.
    pub reason: String,
}

impl Health {
    /// Healthy, with nothing to add.
    pub fn healthy() -> Health {
        Health { state: HealthState::Healthy, reason: String::new() }
    }

    /// Any state with its reason.
    pub fn new(state: HealthState, reason: impl Into<String>) -> Health {
        Health { state, reason: reason.into() }
    }
}

/// Where services report.
#[derive(Debug)]
pub struct HealthBoard {
    services: Mutex<BTreeMap<String, Health>>,
    node: watch::Sender<Health>,
}

impl Default for HealthBoard {
    fn default() -> HealthBoard {
        let services = BTreeMap::new();
        let node = watch::Sender::new(aggregate(&services));
        HealthBoard { services: Mutex::new(services), node }
    }
}

impl HealthBoard {
    /// From now on `service` is like this.
    pub fn report(&self, service: &str, health: Health) {
        let mut services = self.services.lock();
        services.insert(service.to_owned(), health);
        // Under the lock, so that the last to report is also the last to be seen.
        self.node.send_replace(aggregate(&services));
    }

    /// The service has started: healthy, unless it has already said otherwise itself.
    pub(super) fn started(&self, service: &str) {
        let still_starting = self
            .services
            .lock()
            .get(service)
            .is_none_or(|health| health.state == HealthState::Starting);
        if still_starting {
            self.report(service, Health::healthy());
        }
    }

    /// The node as a whole: as bad as its worst service, and why.
    pub fn aggregate(&self) -> Health {
        aggregate(&self.services.lock())
    }

    /// Every service that has reported.
    pub fn services(&self) -> BTreeMap<String, Health> {
        self.services.lock().clone()
    }

    /// Follows the node as a whole.
    pub fn watch(&self) -> watch::Receiver<Health> {
        self.node.subscribe()
    }
}

/// As bad as the worst; a node is stopped only when all of it is, and with only a part stopped it is degraded.
fn aggregate(services: &BTreeMap<String, Health>) -> Health {
    let Some(worst) = services.values().map(|health| health.state).max() else {
        return Health::new(HealthState::Starting, "no service has reported yet");
    };
    if worst == HealthState::Healthy {
        return Health::healthy();
    }
    let reasons: Vec<String> = services
        .iter()
        .filter(|(_, health)| health.state == worst)
        .map(|(name, health)| match health.reason.as_str() {
            "" => name.clone(),
            reason => format!("{name}: {reason}"),
        })
        .collect();
    let partly_stopped = worst == HealthState::Stopped && reasons.len() < services.len();
    let state = if partly_stopped { HealthState::Degraded } else { worst };
    Health::new(state, reasons.join("; "))
}
