//! `/statements`, `/statements/slow` and `/overview`: what clients ask of this node, and the cluster at a glance.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde_json::{Map, Value, json};
use tokio::time::timeout;

use super::status::{PD_DEADLINE, RegionCounts, ask_placement, late, resident_bytes};
use crate::actors::admin::actor::Shared;
use crate::actors::admin::aside::{Answered, Made, elsewhere};
use crate::actors::admin::http::{Answer, Asked, limit};
use crate::actors::admin::services::AdminServices;
use crate::actors::session::activity::{Activity, Summary};
use crate::sql::system::SlowStatement;

/// `/overview` has so many statements of each kind.
const TOP: usize = 10;

fn summary(summary: &Summary) -> Value {
    let numbers = summary.numbers();
    let micros = |time: std::time::Duration| time.as_micros() as u64;
    json!({
        "digest": summary.digest,
        "statement": summary.text,
        "database": summary.database,
        "example": summary.sample,
        "count": numbers.count,
        "errors": numbers.errors,
        "warnings": numbers.warnings,
        "sum_us": micros(numbers.sum),
        "mean_us": micros(numbers.sum) / numbers.count.max(1),
        "min_us": micros(numbers.min),
        "p95_us": micros(summary.quantile(950)),
        "p99_us": micros(summary.quantile(990)),
        "max_us": micros(numbers.max),
        "rows_sent": numbers.sent,
        "rows_affected": numbers.affected,
        "rows_examined": numbers.examined,
        "first_seen_unix_ms": summary.first_micros / 1000,
        "last_seen_unix_ms": numbers.last_micros / 1000,
    })
}

fn slow(statement: &SlowStatement) -> Value {
    json!({
        "ended_unix_ms": statement.ended_micros / 1000,
        "seconds": statement.elapsed.as_secs_f64(),
        "user": statement.user,
        "host": statement.host,
        "conn_id": statement.connection,
        "database": statement.database,
        "statement": String::from_utf8_lossy(&statement.text),
        "rows_sent": statement.sent,
        "rows_affected": statement.affected,
        "rows_examined": statement.examined,
        "error": statement.error,
    })
}

/// Those that took most time together.
fn top(activity: &Activity, most: usize) -> Vec<Value> {
    activity.statements.list().iter().take(most).map(|found| summary(found)).collect()
}

/// The last slow ones, the newest first.
fn slowest(activity: &Activity, most: usize) -> Vec<Value> {
    activity.slow.list().iter().rev().take(most).map(slow).collect()
}

/// `GET /statements`
pub(in crate::actors::admin) fn statements(shared: &Shared, request: &Asked) -> Answered {
    let activity = &shared.services.activity;
    let found = top(activity, limit(request)?);
    Made::json(&json!({ "statements": found }))
}

/// `GET /statements/slow`
pub(in crate::actors::admin) fn slow_statements(shared: &Shared, request: &Asked) -> Answered {
    let activity = &shared.services.activity;
    let found = slowest(activity, limit(request)?);
    Made::json(&json!({ "slow": found, "total": activity.slow.count() }))
}

/// What clients have done since the start: who asks twice has the rates.
fn clients(services: &AdminServices) -> Value {
    let processes = &services.processes;
    let mut counters = Map::new();
    for (name, value) in services.activity.tally.values() {
        if value > 0 || !name.starts_with("Com_") {
            counters.insert(name, value.into());
        }
    }
    json!({
        "connected": processes.len(),
        "running": processes.running(),
        "questions": processes.questions(),
        "connections": processes.connections(),
        "counters": counters,
    })
}

/// `GET /overview`
pub(in crate::actors::admin) async fn overview(shared: Data<Shared>) -> Answer {
    let shared = shared.into_inner();
    let making = shared.clone();
    let answered = shared.others.answer("/overview".to_owned(), move || glance(making)).await;
    Ok(HttpResponse::from(answered?))
}

async fn glance(shared: Arc<Shared>) -> Answered {
    let services = &shared.services;
    let placement = match timeout(PD_DEADLINE, ask_placement(&*services.pd)).await {
        Ok(Ok(placement)) => placement,
        Ok(Err(error)) => json!({ "error": error.to_string() }),
        Err(_elapsed) => json!({ "error": late().to_string() }),
    };
    elsewhere(move || Made::json(&put_together(&shared.services, &placement))).await
}

fn put_together(services: &AdminServices, placement: &Value) -> Value {
    let board = services.system.health();
    let clock = services.system.clock();
    json!({
        "node": services.system.node(),
        "version": services.version,
        "roles": services.roles,
        "unix_ms": clock.unix_ms(),
        "uptime_seconds": clock.now().since(services.started).as_secs(),
        "resident_bytes": resident_bytes(),
        "health": { "node": board.aggregate(), "services": board.services() },
        "clients": clients(services),
        "regions": services.store.as_ref().map(|store| RegionCounts::of(&store.router)),
        "placement": placement,
        "top_statements": top(&services.activity, TOP),
        "slow_statements": slowest(&services.activity, TOP),
        "links": {
            "actors": "/actors",
            "regions": "/regions",
            "schema": "/schema",
            "statements": "/statements",
            "slow_statements": "/statements/slow",
            "metrics": "/metrics",
            "stores": "/pd/api/v1/stores",
            "cluster_regions": "/pd/api/v1/regions",
        },
    })
}
