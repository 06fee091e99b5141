//! The answers of `/pd/api/v1`, and what its orders come to.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat};
use humantime_serde::re::humantime::format_duration;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::admin::{AdminRequest, OperatorRequest};
use super::board::Board;
use super::cluster::{RegionReport, StoreCondition, StoreInfo, StoreState};
use super::goals::check_setting;
use super::operator::{Operator, OperatorKind, Plan, Step};
use super::scheduler::{Scheduler, add_voter};
use super::state::Command;
use crate::common::{RegionId, StoreId};
use crate::storage::region::{Peer, PeerRole};

/// A member of the placement driver as it is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberView {
    /// Its identity in the group.
    pub member_id: u64,
    /// Its name.
    pub name: String,
    /// Where the bridge reaches it.
    pub peer_urls: Vec<String>,
    /// Where its HTTP endpoint is.
    pub client_urls: Vec<String>,
    /// Whether it votes yet.
    pub voter: bool,
}

/// Why an order comes to nothing: in words, for whoever gave it.
pub type Refusal = String;

/// The answer to a question about the cluster; null when there is no such thing. `None`: it is not such a question.
pub fn answer(request: &AdminRequest, board: &Board) -> Option<Value> {
    let cluster = &board.cluster;
    Some(match request {
        AdminRequest::Stores => {
            let gone = |store: &&StoreInfo| store.meta.state != StoreState::Tombstone;
            let stores: Vec<Value> =
                cluster.stores().filter(gone).map(|store| store_json(board, store)).collect();
            json!({ "count": stores.len(), "stores": stores })
        }
        AdminRequest::Store { id } => {
            cluster.store(*id).map_or(Value::Null, |store| store_json(board, store))
        }
        AdminRequest::Regions { limit } => {
            let regions: Vec<Value> =
                cluster.regions().iter().take(*limit).map(region_json).collect();
            json!({ "count": cluster.regions().len(), "regions": regions })
        }
        AdminRequest::Region { id } => {
            cluster.regions().by_id(*id).map_or(Value::Null, region_json)
        }
        AdminRequest::RegionByKey { key } => {
            cluster.regions().by_key(key).map_or(Value::Null, region_json)
        }
        AdminRequest::Schedulers => schedulers_json(board),
        AdminRequest::Operators => {
            board.operators.running().map(Operator::to_string).collect::<Vec<_>>().into()
        }
        AdminRequest::Config => board.goals.to_json(),
        _ => return None,
    })
}

/// The commands an order comes to, and what it is answered with when they are done. No commands: it is not such an order.
pub fn commands(
    request: &AdminRequest,
    board: &Board,
) -> Result<(Vec<Command>, &'static str), Refusal> {
    let set_state = |id: &StoreId, state: StoreState| Command::SetStoreState { id: *id, state };
    Ok(match request {
        AdminRequest::RemoveStore { id } => {
            check_removal(board, *id)?;
            (vec![set_state(id, StoreState::Offline)], "The store is set as Offline.")
        }
        AdminRequest::KeepStore { id } => {
            (vec![set_state(id, StoreState::Up)], "The store's state is updated.")
        }
        AdminRequest::AddScheduler { name, store_id } => {
            let command = match (scheduler(name)?, store_id) {
                (Scheduler::EvictLeader, Some(id)) => {
                    Command::SetEvicting { id: *id, evicting: true }
                }
                (Scheduler::EvictLeader, None) => {
                    return Err(format!("{name} needs a store_id"));
                }
                (scheduler, _) => pause(scheduler, false),
            };
            (vec![command], "The scheduler is created.")
        }
        AdminRequest::RemoveScheduler { name } => {
            (removed_scheduler(name, board)?, "The scheduler is removed.")
        }
        AdminRequest::SetConfig { values } => {
            for (name, value) in values {
                check_setting(name, *value)?;
            }
            let put = |(name, value): (&String, &u64)| Command::PutSetting {
                name: name.clone(),
                value: *value,
            };
            (values.iter().map(put).collect(), "The config is updated.")
        }
        _ => (Vec::new(), ""),
    })
}

fn scheduler(name: &str) -> Result<Scheduler, Refusal> {
    Scheduler::by_name(name).ok_or_else(|| {
        let names = Scheduler::ALL.map(|scheduler| format!("{}-scheduler", scheduler.name()));
        format!("there is no scheduler {name}; there are {}", names.join(", "))
    })
}

fn pause(scheduler: Scheduler, paused: bool) -> Command {
    Command::SetPaused { scheduler: scheduler.name().to_owned(), paused }
}

/// `evict-leader-scheduler-4` is the part of the scheduler that is about store 4.
fn removed_scheduler(name: &str, board: &Board) -> Result<Vec<Command>, Refusal> {
    let evicting = |id: &StoreId| Command::SetEvicting { id: *id, evicting: false };
    if let Some(id) = name.strip_prefix("evict-leader-scheduler-") {
        let id = id.parse().map(StoreId).map_err(|_| format!("{id} is not the id of a store"))?;
        return Ok(vec![evicting(&id)]);
    }
    Ok(match scheduler(name)? {
        Scheduler::EvictLeader => board.evicting.iter().map(evicting).collect(),
        scheduler => vec![pause(scheduler, true)],
    })
}

/// A store is not emptied when its replicas would have nowhere to go.
fn check_removal(board: &Board, id: StoreId) -> Result<(), Refusal> {
    let store = board.cluster.store(id).ok_or_else(|| format!("there is no store {id}"))?;
    let others = board.cluster.up_stores().filter(|other| other.meta.id != id).count();
    if store.meta.state == StoreState::Up && others < board.goals.replicas {
        return Err(format!(
            "store {id} cannot be emptied: {others} other stores serve, and a region has {} replicas",
            board.goals.replicas
        ));
    }
    Ok(())
}

/// The plan an operator's order comes to.
pub fn operator_plan(request: &OperatorRequest, board: &Board) -> Result<Plan, Refusal> {
    let region = |id: &RegionId| {
        let found = board.cluster.regions().by_id(*id);
        found.ok_or_else(|| format!("there is no region {id}"))
    };
    let on = |report: &RegionReport, store: &StoreId| {
        let missing = || format!("region {} has no replica on store {store}", report.region.id);
        report.region.peer_on(*store).ok_or_else(missing)
    };
    let free = |report: &RegionReport, store: &StoreId| {
        if report.region.peer_on(*store).is_some() {
            return Err(format!("region {} has a replica on store {store}", report.region.id));
        }
        match board.cluster.store(*store) {
            Some(info) if info.meta.state == StoreState::Up => Ok(()),
            Some(_) => Err(format!("store {store} takes no replicas")),
            None => Err(format!("there is no store {store}")),
        }
    };
    let plan = |region: &RegionId, name, steps| {
        Ok(Plan { region: *region, kind: OperatorKind::Admin, name, steps })
    };
    match request {
        OperatorRequest::TransferLeader { region_id, to_store_id } => {
            if on(region(region_id)?, to_store_id)?.role == PeerRole::Learner {
                return Err(format!("the replica on store {to_store_id} does not vote"));
            }
            let steps = vec![Step::TransferLeader { store_id: *to_store_id }];
            plan(region_id, "admin-transfer-leader", steps)
        }
        OperatorRequest::AddPeer { region_id, store_id } => {
            free(region(region_id)?, store_id)?;
            plan(region_id, "admin-add-peer", add_voter(*store_id).to_vec())
        }
        OperatorRequest::AddLearner { region_id, store_id } => {
            free(region(region_id)?, store_id)?;
            plan(region_id, "admin-add-learner", add_voter(*store_id)[..1].to_vec())
        }
        OperatorRequest::RemovePeer { region_id, store_id } => {
            let report = region(region_id)?;
            let steps = removal(report, on(report, store_id)?, None)?;
            plan(region_id, "admin-remove-peer", steps)
        }
        OperatorRequest::TransferPeer { region_id, from_store_id, to_store_id } => {
            let report = region(region_id)?;
            free(report, to_store_id)?;
            let mut steps = add_voter(*to_store_id).to_vec();
            steps.extend(removal(report, on(report, from_store_id)?, Some(*to_store_id))?);
            plan(region_id, "admin-transfer-peer", steps)
        }
        OperatorRequest::MergeRegion { source_region_id, target_region_id } => {
            let (source, target) = (region(source_region_id)?, region(target_region_id)?);
            check_merge(source, target)?;
            let steps = vec![Step::Merge { target: *target_region_id }];
            plan(source_region_id, "admin-merge-region", steps)
        }
        OperatorRequest::SplitRegion { region_id } => {
            region(region_id)?;
            plan(region_id, "admin-split-region", vec![Step::Split])
        }
    }
}

fn removal(
    report: &RegionReport,
    peer: Peer,
    added: Option<StoreId>,
) -> Result<Vec<Step>, Refusal> {
    let remove = Step::RemovePeer { store_id: peer.store_id };
    if peer.id != report.leader.id {
        return Ok(vec![remove]);
    }
    let mut voters = report
        .region
        .peers
        .iter()
        .filter(|other| other.role == PeerRole::Voter && other.id != peer.id);
    let heir = voters.next().map(|heir| heir.store_id).or(added);
    let store_id = heir.ok_or_else(|| format!("region {} has no other voter", report.region.id))?;
    Ok(vec![Step::TransferLeader { store_id }, remove])
}

fn check_merge(source: &RegionReport, target: &RegionReport) -> Result<(), Refusal> {
    let (from, to) = (&source.region, &target.region);
    let after = !from.end_key.is_empty() && from.end_key == to.start_key;
    let before = !to.end_key.is_empty() && to.end_key == from.start_key;
    if !after && !before {
        return Err(format!("regions {} and {} are not neighbours", from.id, to.id));
    }
    let same = from.peers.len() == to.peers.len()
        && from.peers.iter().all(|peer| to.peer_on(peer.store_id).is_some());
    if !same {
        return Err(format!("regions {} and {} are not on the same stores", from.id, to.id));
    }
    Ok(())
}

fn schedulers_json(board: &Board) -> Value {
    let running = Scheduler::ALL
        .into_iter()
        .filter(|scheduler| !board.paused.contains(scheduler.name()))
        .filter(|scheduler| *scheduler != Scheduler::EvictLeader || !board.evicting.is_empty());
    running.map(|scheduler| format!("{}-scheduler", scheduler.name())).collect::<Vec<_>>().into()
}

/// `1.5GiB`, as PD writes sizes.
fn size(bytes: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let (mut amount, mut unit) = (bytes as f64, 0);
    while amount >= 1024.0 && unit + 1 < units.len() {
        amount /= 1024.0;
        unit += 1;
    }
    let text = format!("{amount:.2}");
    format!("{}{}", text.trim_end_matches('0').trim_end_matches('.'), units[unit])
}

fn moment(unix_ms: u64) -> Value {
    let time = i64::try_from(unix_ms).ok().and_then(DateTime::from_timestamp_millis);
    match time {
        Some(time) if unix_ms > 0 => time.to_rfc3339_opts(SecondsFormat::Millis, true).into(),
        _ => Value::Null,
    }
}

fn mebibytes(bytes: u64) -> u64 {
    bytes.div_ceil(1 << 20)
}

fn store_json(board: &Board, store: &StoreInfo) -> Value {
    let (meta, stats, load) = (&store.meta, &store.stats, board.cluster.load(store.meta.id));
    let condition = board.cluster.condition(store, &board.goals);
    let state = match meta.state {
        StoreState::Up => 0,
        StoreState::Offline => 1,
        StoreState::Tombstone => 2,
    };
    let labels: Vec<Value> =
        meta.labels.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect();
    let up_ms = board.cluster.now_unix_ms().saturating_sub(stats.started_unix_ms) / 1000 * 1000;
    let uptime = match condition {
        StoreCondition::Up | StoreCondition::Offline if stats.started_unix_ms > 0 => {
            Value::from(format_duration(Duration::from_millis(up_ms)).to_string())
        }
        _ => Value::Null,
    };
    json!({
        "store": {
            "id": meta.id,
            "address": meta.address,
            "version": meta.version,
            "labels": labels,
            "state": state,
            "state_name": condition,
            "start_timestamp": stats.started_unix_ms / 1000,
            "last_heartbeat": store.heard_unix_ms * 1_000_000,
        },
        "status": {
            "capacity": size(stats.capacity),
            "available": size(stats.available),
            "used_size": size(stats.used),
            "disk": stats.room.name(),
            "leader_count": load.leaders,
            "leader_weight": 1,
            "leader_score": load.leaders,
            "leader_size": mebibytes(load.leader_bytes),
            "region_count": load.replicas,
            "region_weight": 1,
            "region_score": mebibytes(load.score),
            "region_size": mebibytes(load.bytes),
            "start_ts": moment(stats.started_unix_ms),
            "last_heartbeat_ts": moment(store.heard_unix_ms),
            "uptime": uptime,
        },
    })
}

fn peer_json(peer: &Peer) -> Value {
    let mut shown = json!({ "id": peer.id, "store_id": peer.store_id, "role_name": format!("{:?}", peer.role) });
    if peer.role == PeerRole::Learner {
        shown["is_learner"] = true.into();
    }
    shown
}

fn region_json(report: &RegionReport) -> Value {
    let region = &report.region;
    let peers = |peers: &[Peer]| -> Vec<Value> { peers.iter().map(peer_json).collect() };
    let down: Vec<Value> =
        report.down_peers.iter().map(|peer| json!({ "peer": peer_json(peer) })).collect();
    json!({
        "id": region.id,
        "start_key": format!("{:X}", region.start_key),
        "end_key": format!("{:X}", region.end_key),
        "epoch": { "conf_ver": region.epoch.conf_ver, "version": region.epoch.version },
        "peers": peers(&region.peers),
        "leader": peer_json(&report.leader),
        "pending_peers": peers(&report.pending_peers),
        "down_peers": down,
        "approximate_size": mebibytes(report.approximate_size),
        "approximate_keys": report.approximate_keys,
    })
}
