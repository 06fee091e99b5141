//! `/status` and `/health`: the node at a glance.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::actors::admin::actor::Shared;
use crate::actors::admin::aside::{Answered, Made, elsewhere};
use crate::actors::admin::http::Answer;
use crate::actors::admin::services::AdminServices;
use crate::actors::pd::{PdClient, PdError, PdResult};
use crate::actors::runtime::{Health, HealthState};
use crate::actors::store::StoreRouter;
use crate::common::StoreId;
use crate::placement::StoreInfo;

/// So long `/status` waits for the placement driver.
pub(super) const PD_DEADLINE: Duration = Duration::from_secs(1);

/// The regions of a store, added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct RegionCounts {
    pub(super) regions: usize,
    pub(super) leaders: usize,
    pub(super) without_leader: usize,
    pub(super) approximate_size: u64,
    pub(super) approximate_keys: u64,
}

impl RegionCounts {
    pub(super) fn of(router: &StoreRouter) -> RegionCounts {
        let mut counts = RegionCounts::default();
        for status in router.statuses() {
            counts.regions += 1;
            counts.leaders += usize::from(status.is_leader());
            counts.without_leader += usize::from(status.leader.is_none());
            counts.approximate_size += status.approximate_size;
            counts.approximate_keys += status.approximate_keys;
        }
        counts
    }
}

#[derive(Serialize)]
struct StoreStatus {
    id: StoreId,
    #[serde(flatten)]
    counts: RegionCounts,
}

#[derive(Serialize)]
struct Status {
    version: &'static str,
    node: String,
    roles: Vec<String>,
    started_unix_ms: u64,
    uptime_seconds: u64,
    resident_bytes: Option<u64>,
    connections: usize,
    schema_version: i64,
    actors: usize,
    panics: usize,
    store: Option<StoreStatus>,
    placement: Value,
    health: Health,
}

/// `GET /status`
pub(in crate::actors::admin) async fn status(shared: Data<Shared>) -> Answer {
    let shared = shared.into_inner();
    let making = shared.clone();
    let answered = shared.others.answer("/status".to_owned(), move || glance(making)).await;
    Ok(HttpResponse::from(answered?))
}

async fn glance(shared: Arc<Shared>) -> Answered {
    let placement = timeout(PD_DEADLINE, ask_placement(&*shared.services.pd)).await;
    let placement = match placement {
        Ok(Ok(placement)) => placement,
        Ok(Err(error)) => json!({ "error": error.to_string() }),
        Err(_elapsed) => json!({ "error": late().to_string() }),
    };
    elsewhere(move || Made::json(&put_together(&shared.services, placement))).await
}

fn put_together(services: &AdminServices, placement: Value) -> Status {
    let clock = services.system.clock();
    Status {
        version: services.version,
        node: services.system.node().to_owned(),
        roles: services.roles.clone(),
        started_unix_ms: clock.unix_ms_at(services.started),
        uptime_seconds: clock.now().since(services.started).as_secs(),
        resident_bytes: resident_bytes(),
        connections: services.processes.len(),
        schema_version: services.schema.current().version(),
        actors: services.system.actors().len(),
        panics: services.system.failures().len(),
        store: services
            .store
            .as_ref()
            .map(|store| StoreStatus { id: store.id, counts: RegionCounts::of(&store.router) }),
        placement,
        health: services.system.health().aggregate(),
    }
}

pub(super) fn late() -> PdError {
    PdError::Unavailable(format!("no answer within {PD_DEADLINE:?}"))
}

pub(super) async fn ask_placement(pd: &dyn PdClient) -> PdResult<Value> {
    let stores: Vec<StoreInfo> = pd.stores().await?;
    let safe_point = pd.gc_safe_point().await?;
    Ok(json!({ "stores": stores, "gc_safe_point": safe_point }))
}

#[derive(Serialize)]
struct NodeHealth {
    #[serde(flatten)]
    node: Health,
    services: BTreeMap<String, Health>,
}

/// `GET /health`: 200 if the node does its work, even if not quite as it should.
pub(in crate::actors::admin) fn health(shared: &Data<Shared>, _: &HttpRequest) -> Answer {
    let board = shared.services.system.health();
    let node = board.aggregate();
    let status = match node.state {
        HealthState::Healthy | HealthState::Degraded => StatusCode::OK,
        HealthState::Starting | HealthState::Unhealthy | HealthState::Stopped => {
            StatusCode::SERVICE_UNAVAILABLE
        }
    };
    Ok(HttpResponse::build(status).json(NodeHealth { node, services: board.services() }))
}

/// Memory of this process in RAM, where the system says so.
pub(super) fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}
