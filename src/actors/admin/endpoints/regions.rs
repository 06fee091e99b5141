//! `/regions`: what the store of this node holds.

use bytes::Bytes;
use serde::Serialize;
use serde_json::json;

use crate::actors::admin::actor::Shared;
use crate::actors::admin::aside::{Answered, Made};
use crate::actors::admin::http::{Asked, Refusal, limit, path_part};
use crate::actors::admin::services::StoreView;
use crate::actors::runtime::ActorPath;
use crate::actors::store::RegionStatus;
use crate::common::{LogIndex, PeerId, RegionId, Term};
use crate::sql::catalog::InfoSchema;
use crate::storage::codec::table::{self, TableKey};
use crate::storage::raft::Role;
use crate::storage::region::Peer;
use crate::storage::routing::decode_bound;
use crate::storage::txn::RegionEpoch;

/// One end of a region's range.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(in crate::actors::admin) struct Bound {
    /// The encoded key; empty: no bound.
    key: String,
    /// What it is, as far as it can be told: `t42_r100`.
    #[serde(skip_serializing_if = "Option::is_none")]
    decoded: Option<String>,
    /// The table it is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    table: Option<i64>,
    /// That table's name, if it is public.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// The row it is at.
    #[serde(skip_serializing_if = "Option::is_none")]
    handle: Option<i64>,
    /// The index it is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<i64>,
}

impl Bound {
    pub(in crate::actors::admin) fn of(bound: &Bytes, schema: &InfoSchema) -> Bound {
        let mut view = Bound {
            key: format!("{bound:X}"),
            decoded: None,
            table: None,
            name: None,
            handle: None,
            index: None,
        };
        let Some(key) = decode_bound(bound).filter(|key| !key.is_empty()) else { return view };
        let Some(table) = table::table_of(&key) else {
            view.decoded = Some(format!("{key:?}"));
            return view;
        };
        view.table = Some(table);
        view.name = schema
            .table_of_rows(table)
            .map(|(database, table)| format!("{}.{}", database.name, table.name));
        view.decoded = Some(match table::decode_table_key(&key) {
            Ok(TableKey::Row { handle, .. }) => {
                view.handle = Some(handle);
                format!("t{table}_r{handle}")
            }
            Ok(TableKey::Index { index, values, .. }) => {
                view.index = Some(index);
                format!("t{table}_i{index}_{:X}", Bytes::copy_from_slice(values))
            }
            Err(_) => format!("t{table}"),
        });
        view
    }
}

#[derive(Serialize)]
struct RegionView {
    id: RegionId,
    start: Bound,
    end: Bound,
    epoch: RegionEpoch,
    peers: Vec<Peer>,
    peer: PeerId,
    role: Role,
    leader: Option<PeerId>,
    term: Term,
    applied: LogIndex,
    approximate_size: u64,
    approximate_keys: u64,
    actor: Option<ActorPath>,
}

fn view(store: &StoreView, status: RegionStatus, schema: &InfoSchema) -> RegionView {
    let region = status.region;
    RegionView {
        id: region.id,
        start: Bound::of(&region.start_key, schema),
        end: Bound::of(&region.end_key, schema),
        epoch: region.epoch,
        peers: region.peers,
        peer: status.peer.id,
        role: status.role,
        leader: status.leader,
        term: status.term,
        applied: status.applied,
        approximate_size: status.approximate_size,
        approximate_keys: status.approximate_keys,
        actor: store.router.get(region.id).map(|entry| entry.path()),
    }
}

fn store(shared: &Shared) -> Result<&StoreView, Refusal> {
    let missing = || Refusal::NotFound("this node has no store".to_owned());
    shared.services.store.as_ref().ok_or_else(missing)
}

/// `GET /regions`
pub(in crate::actors::admin) fn list(shared: &Shared, request: &Asked) -> Answered {
    let limit = limit(request)?;
    let store = store(shared)?;
    let schema = shared.services.schema.current();
    let statuses = store.router.statuses();
    let total = statuses.len();
    let regions: Vec<RegionView> =
        statuses.into_iter().take(limit).map(|status| view(store, status, &schema)).collect();
    Made::json(&json!({
        "store": store.id,
        "total": total,
        "truncated": total > limit,
        "regions": regions,
    }))
}

/// `GET /regions/{id}`
pub(in crate::actors::admin) fn one(shared: &Shared, request: &Asked) -> Answered {
    let store = store(shared)?;
    let text = path_part(request, "id");
    let Ok(id) = text.parse() else {
        return Err(Refusal::BadRequest(format!("{text} is not the id of a region")));
    };
    let Some(status) = store.router.status(RegionId(id)) else {
        return Err(Refusal::NotFound(format!("store {} has no region {id}", store.id)));
    };
    Made::json(&view(store, status, &shared.services.schema.current()))
}
