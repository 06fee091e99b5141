//! `/metrics`: figures in Prometheus' text format.

use metrics::{describe_gauge, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use parking_lot::Mutex;

use super::status::{RegionCounts, resident_bytes};
use crate::actors::admin::actor::Shared;
use crate::actors::admin::aside::{Answered, Made};
use crate::actors::admin::http::Asked;
use crate::actors::admin::services::AdminServices;
use crate::actors::runtime::{self, HealthState, metrics::publish_metrics};
use crate::actors::store::log_writer;
use crate::actors::store::snapshots::SnapshotFigures;
use crate::actors::{bridge, gateway, kv, session, stats};

/// Seconds since the node started (gauge).
const UPTIME: &str = "troupe_uptime_seconds";
/// Memory of the process in RAM (gauge).
const RESIDENT: &str = "troupe_process_resident_bytes";
/// Memory of the engines, by instance and kind (gauge).
const ENGINE_MEMORY: &str = "troupe_engine_memory_bytes";
/// Regions of the store, by role of the replica here (gauge).
const REGIONS: &str = "troupe_store_regions";
/// Regions of the store of which it is not known who leads (gauge).
const LEADERLESS: &str = "troupe_store_regions_without_leader";
/// 1 while the store's disk is so full that writes are refused, else 0 (gauge).
const DISK_SHORT: &str = "troupe_store_disk_short";
/// Bytes of the store's regions, about (gauge).
const REGION_BYTES: &str = "troupe_store_region_bytes";
/// 1 for every service that is healthy, else 0 (gauge).
const HEALTHY: &str = "troupe_service_healthy";

/// Upper ends of the buckets of durations, in seconds.
const DURATION_BUCKETS: [f64; 16] = [
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
    1.0, 5.0, 30.0,
];
/// Of groups.
const GROUP_BUCKETS: [f64; 8] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 128.0, 1024.0];

/// What the parts of a node say of their metrics. A recorder knows only what it is told after it was installed.
const PARTS: [fn(); 8] = [
    runtime::metrics::describe,
    bridge::describe_metrics,
    gateway::describe_metrics,
    stats::describe_metrics,
    session::activity::describe_metrics,
    kv::describe_metrics,
    log_writer::metrics::describe,
    SnapshotFigures::describe,
];

static INSTALLED: Mutex<Option<PrometheusHandle>> = Mutex::new(None);

/// Installs the process-wide recorder behind `/metrics`, once; later calls answer the same one.
///
/// # Errors
/// If somebody else has installed another recorder before.
pub fn install_metrics() -> anyhow::Result<PrometheusHandle> {
    let mut installed = INSTALLED.lock();
    if let Some(handle) = &*installed {
        return Ok(handle.clone());
    }
    let full = |name: &str| Matcher::Full(name.to_owned());
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(full(session::activity::DURATION), &DURATION_BUCKETS)?
        .set_buckets_for_metric(full(log_writer::metrics::SYNC), &DURATION_BUCKETS)?
        .set_buckets_for_metric(full(log_writer::metrics::SYNC_GROUP), &GROUP_BUCKETS)?
        .install_recorder()?;
    describe();
    for describe_part in PARTS {
        describe_part();
    }
    *installed = Some(handle.clone());
    Ok(handle)
}

fn describe() {
    describe_gauge!(UPTIME, "seconds since the node started");
    describe_gauge!(RESIDENT, "memory of the process in RAM, in bytes");
    describe_gauge!(ENGINE_MEMORY, "memory of the storage engines, in bytes");
    describe_gauge!(REGIONS, "regions of the store, by role of the replica here");
    describe_gauge!(LEADERLESS, "regions of the store of which it is not known who leads");
    describe_gauge!(DISK_SHORT, "1 while the disk is so full that writes are refused, else 0");
    describe_gauge!(REGION_BYTES, "about how many bytes the store's regions hold");
    describe_gauge!(HEALTHY, "1 for a healthy service, else 0");
}

/// `GET /metrics`
pub(in crate::actors::admin) fn metrics(shared: &Shared, _: &Asked) -> Answered {
    publish_metrics(&shared.services.system);
    publish_node(&shared.services);
    Ok(Made::of("text/plain; version=0.0.4; charset=utf-8", shared.prometheus.render()))
}

fn publish_node(services: &AdminServices) {
    let uptime = services.system.clock().now().since(services.started);
    gauge!(UPTIME).set(uptime.as_secs_f64());
    if let Some(bytes) = resident_bytes() {
        gauge!(RESIDENT).set(bytes as f64);
    }
    for memory in &services.memory {
        if let Some(bytes) = (memory.bytes)() {
            gauge!(ENGINE_MEMORY, "instance" => memory.instance, "kind" => memory.kind)
                .set(bytes as f64);
        }
    }
    if let Some(store) = &services.store {
        let counts = RegionCounts::of(&store.router);
        gauge!(REGIONS, "role" => "leader").set(counts.leaders as f64);
        gauge!(REGIONS, "role" => "follower").set((counts.regions - counts.leaders) as f64);
        gauge!(LEADERLESS).set(counts.without_leader as f64);
        gauge!(DISK_SHORT).set(f64::from(u8::from(store.disk.is_short())));
        gauge!(REGION_BYTES).set(counts.approximate_size as f64);
    }
    for (service, health) in services.system.health().services() {
        let healthy = health.state == HealthState::Healthy;
        gauge!(HEALTHY, "service" => service).set(f64::from(u8::from(healthy)));
    }
}
